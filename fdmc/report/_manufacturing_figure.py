"""The figure of a factory: lanes lost when they are counted, and spares left on what ships."""

from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ..collect import ManufacturingResult
from ..tally import Estimate
from ._figures import BLUE, GREY, ORANGE, SKY, STYLE
from ._format import percent


_SEEN = 1e-5  # shares below are left out of the picture
_COLOURS = (BLUE, SKY, ORANGE, GREY)


def save_manufacturing(result: ManufacturingResult, folder: Path) -> list[Path]:
    """Write the figure of a result into `folder` as PNG and SVG; return the files."""
    files = []
    with mpl.rc_context(STYLE):
        figure = _figure(result)
        for kind, metadata in (("png", {}), ("svg", {"Date": None})):
            path = folder / f"shipped.{kind}"
            figure.savefig(path, metadata=metadata)
            files.append(path)
    return files


def _figure(result: ManufacturingResult) -> Figure:
    figure = Figure(figsize=(9, 6.4), layout="constrained")
    above, below = figure.subplots(2, 1)
    title = f"{result.scenario}: what ships, and with which spares"
    figure.suptitle(title, fontweight="bold", x=0.01, ha="left", fontsize=11)
    _lost(above, result)
    _left(below, result)
    fdmc = f"fdmc {result.origin['fdmc']}, {result.fingerprint}"
    said = f"{result.packages:,} {result.unit}s, seed {result.seed}, {fdmc}"
    figure.supxlabel(said, fontsize=7.5, color=GREY, x=0.99, ha="right")
    return figure


def _lost(axes: Axes, result: ManufacturingResult):
    rows = [row for row in result.lost if row.exact.best >= _SEEN]
    lost = np.array([row.lanes for row in rows])
    exact = 100 * np.array([row.exact.best for row in rows])
    # A die that is lost whole stands far out: it gets a place of its own beside the others.
    apart = lost == result.lanes + result.spares
    near = lost[~apart].max(initial=0)
    place = np.where(apart, near + 3, lost)
    colours = [BLUE if k <= result.spares else ORANGE for k in lost]
    axes.bar(place, exact, color=colours, width=0.8)
    _dots(axes, place, [row.sampled for row in rows])
    axes.axvline(result.spares + 0.5, color=GREY, linestyle="--", linewidth=1)
    whole = exact[lost <= result.spares].sum()
    text = f" {result.spares} spares make up for it: {percent(whole / 100)} "
    axes.text(result.spares + 0.5, 55, text, va="center", ha="left", fontsize=9)
    axes.set_xticks(
        place, ["all" if a else f"{k}" for a, k in zip(apart, lost.tolist(), strict=True)]
    )
    axes.set_xlabel(
        f"lanes lost when they are counted, of {result.lanes} + {result.spares} in a group"
    )
    axes.set_ylabel("groups of lanes, %")
    _log(axes, exact)
    axes.set_title(
        "bars exact, points sampled with 95 % intervals", fontsize=8.5, loc="right", color=GREY
    )


def _left(axes: Axes, result: ManufacturingResult):
    bins = sorted({row.bin for row in result.shipped}, reverse=True)
    width, top = 0.8 / len(bins), []
    for i, share in enumerate(bins):
        rows = [row for row in result.shipped if row.bin == share and row.exact.best >= _SEEN]
        if not rows:
            continue
        place = np.array([row.spares_left for row in rows]) + (i - (len(bins) - 1) / 2) * width
        exact = 100 * np.array([row.exact.best for row in rows])
        name = (
            f"{rows[0].live_lanes:,} live lanes ({100 * share:g} %): {percent(exact.sum() / 100)}"
        )
        axes.bar(place, exact, color=_COLOURS[i % len(_COLOURS)], width=width, label=name)
        _dots(axes, place, [row.sampled for row in rows])
        top.append(exact)
    axes.set_xlabel(f"spares left on each {result.unit} that ships")
    axes.set_ylabel(f"{result.unit}s started, %")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    _log(axes, np.concatenate(top))
    axes.legend(loc="upper left", frameon=True, framealpha=0.9, edgecolor="none", fontsize=9)


def _dots(axes: Axes, place: np.ndarray, sampled: list[Estimate]):
    """Draw what was sampled over the bars of what is exact."""
    some = [i for i, e in enumerate(sampled) if e.best > 0 and np.isfinite(e.low + e.high)]
    if not some:
        return
    best = 100 * np.array([sampled[i].best for i in some])
    ends = 100 * np.array([(sampled[i].low, sampled[i].high) for i in some]).T
    bars = np.maximum(np.abs(ends - best), 0)
    bars[0] = np.minimum(bars[0], best * 0.999)  # a logarithmic axis has no zero
    look: Any = dict(fmt="o", color="black", markersize=3.5, elinewidth=1, capsize=2.5)
    axes.errorbar(place[some], best, yerr=bars, label="_sampled", **look)


def _log(axes: Axes, exact: np.ndarray):
    axes.set_yscale("log")
    axes.set_ylim(max(100 * _SEEN, exact.min() / 3), 200)
    axes.yaxis.set_major_formatter(lambda v, _: f"{v:g}")
    axes.grid(axis="y", color="#DDDDDD", linewidth=0.8)
