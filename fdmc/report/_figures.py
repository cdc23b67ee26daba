"""The three figures of a run. No window ever opens: figures are drawn straight into files."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator

from ..collect import Contributor, Result
from ..tally import Estimate
from ._format import best, interval, share


# Colours of Okabe and Ito, told apart by every eye; hatches tell grades apart in print.
BLUE, SKY, ORANGE, GREEN, GREY = "#0072B2", "#56B4E9", "#E69F00", "#009E73", "#6B6B6B"
_GRADES = {
    "A": (BLUE, "", "A: counted in the field"),
    "B": (GREEN, "//", "B: a primary source"),
    "C": (ORANGE, "..", "C: an estimate"),
    "user": (GREY, "xx", "given in the scenario"),
    "mixed": (SKY, "\\\\", "several grades"),
}
STYLE: Any = {
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "figure.dpi": 100,
    "savefig.dpi": 160,
    "hatch.linewidth": 0.6,
    "svg.hashsalt": "fdmc",
    "svg.fonttype": "none",
}
_MOST_BARS = 12


def save_figures(result: Result, folder: Path) -> list[Path]:
    """Write every figure of a result into `folder` as PNG and SVG; return the files."""
    with mpl.rc_context(STYLE):
        return [path for name, figure in _figures(result) for path in written(figure, folder, name)]


def written(figure: Figure, folder: Path, name: str) -> list[Path]:
    """Write a figure as PNG and SVG; return the files."""
    files = []
    for kind, metadata in (("png", {}), ("svg", {"Date": None})):
        path = folder / f"{name}.{kind}"
        figure.savefig(path, metadata=metadata)
        files.append(path)
    return files


def _figures(result: Result) -> Iterator[tuple[str, Figure]]:
    yield "work_rate", _work_rate(result)
    yield "contributors", _contributors(result)
    yield "blast_radius", _blast_radius(result)


def _new(result: Result, title: str, height: float = 4.2) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(8, height), layout="constrained")
    axes = figure.subplots()
    axes.set_title(f"{result.scenario}: {title}", fontweight="bold", pad=12)
    fdmc = f"fdmc {result.origin['fdmc']}, {result.fingerprint}"
    said = f"{result.replicas:,} histories, seed {result.seed}, {fdmc}"
    figure.supxlabel(said, fontsize=7.5, color=GREY, x=0.99, ha="right")
    return figure, axes


def _work_rate(result: Result) -> Figure:
    figure, axes = _new(result, "speed of the job over the mission")
    hours, mean = np.asarray(result.curve_hours), 100 * result.curve["mean"]
    low, high = 100 * result.curve["q05"], 100 * result.curve["q95"]
    long = hours[-1] > 2 * 8760
    x = hours / (8760 if long else 24)
    half = (x[1] - x[0]) / 2 if len(x) > 1 else 0.5 * x[0]
    edges = np.append(x - half, x[-1] + half)
    axes.stairs(
        high,
        edges,
        baseline=low,
        fill=True,
        color=SKY,
        alpha=0.45,
        label="5 % to 95 % of histories",
    )
    error = 100 * np.array([result.curve["mean"] - result.curve["low"]] * 2)
    label = "mean of histories, 95 % interval"
    axes.errorbar(x, mean, error, color=BLUE, linewidth=2, elinewidth=1, label=label)
    whole = result["work_rate"]
    label = f"whole mission: {best(whole)} % {interval(whole)}"
    axes.axhline(100 * whole.best, color=ORANGE, linestyle="--", linewidth=1.5, label=label)
    reach = 100 - min(low.min(), 100 * whole.best)
    axes.set_ylim(max(0.0, 100 - 1.45 * reach), 100 + 0.02 * reach)
    axes.set_xlim(0, edges[-1])
    axes.set_xlabel(f"time since the start of the mission, {'years' if long else 'days'}")
    axes.set_ylabel("work rate, % of the healthy machine")
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:.6g}" if v < 100 + 1e-9 else ""))
    axes.grid(axis="y", color="#DDDDDD", linewidth=0.8)
    axes.legend(loc="lower right", frameon=True, framealpha=0.9, edgecolor="none", fontsize=9)
    return figure


def _contributors(result: Result) -> Figure:
    found = [c for c in result.contributors("component") if c.goodput.best > 0]
    shown, rest = found[:_MOST_BARS], found[_MOST_BARS:]
    figure, axes = _new(result, "what costs goodput", max(2.6, 1.5 + 0.33 * max(len(shown), 1)))
    if not shown:
        axes.text(0.5, 0.5, "no loss was seen", ha="center", va="center", transform=axes.transAxes)
    top = max((100 * _end(c.goodput) for c in shown), default=1.0)
    grades = _bars(axes, shown, top)
    axes.set_yticks(np.arange(len(shown)), [c.name.replace("_", " ") for c in shown])
    axes.tick_params(axis="y", length=0)
    axes.invert_yaxis()
    axes.set_xlim(0, 1.2 * top)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:,.10g}"))
    less = f"; {len(rest)} more cost {share(sum(c.share for c in rest))} together" if rest else ""
    axes.set_xlabel(
        "lost goodput, % of ideal work: failures, repairs, and the restarts after interruptions\n"
        f"(whiskers: 95 % interval{less})"
    )
    handles = [
        Patch(facecolor=c, hatch=h, edgecolor="white", label=t)
        for k, (c, h, t) in _GRADES.items()
        if k in grades
    ]
    if handles:
        axes.legend(
            handles=handles,
            title="grade of the failure rate",
            loc="lower right",
            frameon=False,
            fontsize=9,
        )
    return figure


def _bars(axes: Axes, shown: list[Contributor], top: float) -> list[str]:
    """Draw a bar, a whisker and a number each; return the grades that occur."""
    place, grades = np.arange(len(shown)), [_grade(c) for c in shown]
    for c, y, grade in zip(shown, place.tolist(), grades, strict=True):
        colour, hatch, _ = _GRADES[grade]
        look: Any = dict(color=colour, hatch=hatch, edgecolor="white", linewidth=0, height=0.72)
        axes.barh(y, 100 * c.goodput.best, **look)
        text = f"{best(c.goodput)}  ({share(c.share)})"
        axes.text(100 * _end(c.goodput) + 0.012 * top, y, text, va="center", fontsize=8.5)
    _whiskers(axes, [c.goodput.scaled(100.0) for c in shown], place, "x")
    return grades


def _end(e: Estimate) -> float:
    return e.high if np.isfinite(e.high) else e.best


def _grade(c: Contributor) -> str:
    return c.grade if c.grade in _GRADES else "mixed" if "/" in c.grade else "user"


def _blast_radius(result: Result) -> Figure:
    figure, axes = _new(result, "accelerators hit by one occurrence")
    sizes, rates = list(result.blast_radius), list(result.blast_radius.values())
    place = np.arange(len(sizes))
    colours = [GREY if size == 0 else BLUE for size in sizes]
    axes.bar(place, [max(e.best, 0) for e in rates], color=colours, width=0.7)
    _whiskers(axes, [e for e in rates], place, "y")
    total = sum(e.best for e in rates)
    top = max(
        (e.high for e in rates if e.best > 0 and np.isfinite(e.high)), default=max(total, 1e-9)
    )
    for x, e in zip(place.tolist(), rates, strict=True):
        seen = e.best > 0
        text = f"{best(e)}\n({share(e.best / total)})" if seen else "none\nseen"
        height = e.high if seen and np.isfinite(e.high) else e.best
        box: Any = dict(facecolor="white", edgecolor="none", pad=0.5)
        axes.text(x, height + 0.025 * top, text, ha="center", va="bottom", fontsize=8.5, bbox=box)
    names = [f"{size:,}" if size else "0\n(a spare absorbs it)" for size in sizes]
    axes.set_xticks(place, names)
    axes.tick_params(axis="x", length=0)
    axes.set_xlim(-0.6, len(sizes) - 0.4)
    axes.set_ylim(0, 1.2 * top)
    axes.set_xlabel("blast radius: accelerators impaired or taken out at worst, repair included")
    axes.set_ylabel("occurrences per year\n(whiskers: 95 % interval)")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:,.10g}"))
    axes.grid(axis="y", color="#DDDDDD", linewidth=0.8)
    mean = result["blast_radius.mean"]
    text = f"mean {best(mean)} {interval(mean)} accelerators"
    axes.text(0.99, 0.98, text, transform=axes.transAxes, ha="right", va="top", fontsize=9)
    return figure


def _whiskers(axes: Axes, estimates: list, place: np.ndarray, way: str):
    """Draw 95 % intervals on bars; an interval that is not known has no whisker."""
    known = [i for i, e in enumerate(estimates) if e.best > 0 and np.isfinite(e.low + e.high)]
    if not known:
        return
    centre = np.array([estimates[i].best for i in known])
    ends = np.array(
        [
            (estimates[i].best - estimates[i].low, estimates[i].high - estimates[i].best)
            for i in known
        ]
    ).T
    at, bars = place[known], np.maximum(ends, 0)
    look: Any = dict(fmt="none", ecolor="black", elinewidth=1.2, capsize=3)
    if way == "x":
        axes.errorbar(centre, at, xerr=bars, **look)
    else:
        axes.errorbar(at, centre, yerr=bars, **look)
