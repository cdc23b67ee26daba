"""The figure of heat: temperatures over the load against the limits of the light, and what rises darken."""

from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..collect import Result
from ..plan import Heat
from ..spec import ConstantLoad, Scenario, SquareLoad, Thermal
from ..thermal import NODES, lock_limits
from ._figures import BLUE, GREEN, GREY, ORANGE, SKY, STYLE, written
from ._heat import load_text


_ENGINE = NODES.index("engine")
_ZERO = 273.15
_COLOURS = {"compute": ORANGE, "engine": BLUE, "plate": GREY, "substrate": GREEN}
_RISES = 401


def save_heat_figure(result: Result, scenario: Scenario, folder: Path) -> list[Path]:
    """Write `heat.png` and `heat.svg` of a scenario with a thermal section; return the files."""
    if scenario.thermal is None:
        return []
    heat, t = Heat(scenario, {}), scenario.thermal
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(11, 4.6), layout="constrained")
        over, rise = figure.subplots(1, 2, width_ratios=[1.0, 1.0])
        _temperatures(over, heat, t)
        _darkness(rise, heat, t)
        figure.suptitle(f"{result.scenario}: heat", fontweight="bold", x=0.01, ha="left")
        said = f"template {t.template}, fdmc {result.origin['fdmc']}, {result.fingerprint}"
        figure.supxlabel(said, fontsize=7.5, color=GREY, x=0.99, ha="right")
        return written(figure, folder, "heat")


def _temperatures(axes: Axes, heat: Heat, t: Thermal):
    """Draw the nodes over two periods of a square wave, or as bands, and the limits of the light."""
    if isinstance(t.load, SquareLoad):
        _over_time(axes, heat, t.load)
    else:
        _as_bands(axes, heat, isinstance(t.load, ConstantLoad))
    boundaries = {"coolant": t.coolant_kelvin, "air": t.air_kelvin}
    if t.coolant_kelvin == t.air_kelvin:
        boundaries = {"coolant, air": t.coolant_kelvin}
    for boundary, kelvin in boundaries.items():
        axes.axhline(kelvin - _ZERO, color=SKY, linewidth=1, linestyle=":")
        axes.annotate(
            boundary, (0.0, kelvin - _ZERO), xycoords=("axes fraction", "data"), xytext=(3, 2),
            textcoords="offset points", fontsize=8, color=GREY,
        )  # fmt: skip
    if t.link is not None:
        _limits(axes, t)
    axes.set_ylabel("temperature, degC")
    axes.set_title(f"over the load: {load_text(t)}", fontsize=9)
    axes.margins(y=0.08)
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize=8.5)


def _over_time(axes: Axes, heat: Heat, load: SquareLoad):
    points = heat.points
    share = np.asarray(points.share)
    middle = (np.cumsum(share) - share / 2) * load.period_seconds
    scale, unit = (1e3, "ms") if load.period_seconds < 1 else (1.0, "s")
    time = np.concatenate([middle, middle + load.period_seconds]) * scale
    for i, name in enumerate(NODES):
        kelvin = np.tile(np.asarray(points.kelvin[i]), 2) - _ZERO
        width = 2.4 if i == _ENGINE else 1.4
        axes.plot(time, kelvin, color=_COLOURS[name], linewidth=width, label=name)
    axes.set_xlim(0, 2 * load.period_seconds * scale)
    axes.set_xlabel(f"time in two periods of the load, {unit}")


def _as_bands(axes: Axes, heat: Heat, constant: bool):
    """Draw each node's mean, and two standard deviations where the load is random."""
    for i, name in enumerate(NODES):
        mean, spread = float(heat.points.kelvin[i].mean()) - _ZERO, 2 * float(heat.points.sd[i])
        look: Any = dict(color=_COLOURS[name], linewidth=2.4 if i == _ENGINE else 1.4)
        axes.axhline(mean, label=name, **look)
        if spread > 0:
            axes.axhspan(mean - spread, mean + spread, color=_COLOURS[name], alpha=0.2, linewidth=0)
    axes.set_xticks([])
    axes.set_xlabel(
        "constant load" if constant else "bands: two standard deviations of the load's noise"
    )


def _limits(axes: Axes, t: Thermal):
    """Draw where the mean device loses its light, and one standard deviation of the others around it."""
    assert t.link is not None
    limits, spread = lock_limits(t.link), t.link.spread_kelvin
    for k, (name, kelvin) in enumerate(
        (("too hot", limits.high_kelvin), ("too cold", limits.low_kelvin))
    ):
        at = float(kelvin) - _ZERO
        label = (
            "out of lock: half of the devices,\nband: one standard deviation" if k == 0 else None
        )
        axes.axhline(at, color="black", linestyle="--", linewidth=1.2, label=label)
        axes.axhspan(at - spread, at + spread, color="black", alpha=0.07, linewidth=0)
        axes.annotate(
            name, (1.0, at), xycoords=("axes fraction", "data"), xytext=(-3, 2), ha="right",
            textcoords="offset points", fontsize=8,
        )  # fmt: skip


def _darkness(axes: Axes, heat: Heat, t: Thermal):
    """Draw which share of the needed lanes is dark at each rise, the excursions marked on it."""
    left_out = "" if "lock" in t.effects else " (left out: thermal.effects)"
    axes.set_title(f"lanes that heat darkens{left_out}", fontsize=9)
    axes.set_xlabel("rise while excursions last, K")
    axes.set_ylabel("needed lanes missing, spares used, %")
    end = 1.15 * max((e.rise_kelvin for e in t.excursions), default=1.0)
    rises = np.linspace(0.0, end, _RISES)
    lost = 100 * np.asarray(heat.lost(rises))
    axes.plot(rises, lost, color=BLUE, linewidth=2)
    axes.set_xlim(0, end)
    axes.set_ylim(0, max(1.2 * float(lost.max()), 1e-3))
    axes.grid(color="#DDDDDD", linewidth=0.8)
    steady = float(heat.lost(0.0))
    axes.plot(
        [0],
        [100 * steady],
        "o",
        color=GREY,
        clip_on=False,
        label=f"between excursions: {100 * steady:.2g} %",
    )
    marks = "sD^vPX*"
    for i, e in enumerate(sorted(t.excursions, key=lambda e: e.rise_kelvin)):
        there = 100 * float(heat.lost(e.rise_kelvin))
        label = f"{e.name.replace('_', ' ')}: {e.rise_kelvin:g} K, {there:.2g} %"
        look: Any = dict(
            color=ORANGE, markersize=8, markeredgecolor="black", label=label, clip_on=False
        )
        axes.plot([e.rise_kelvin], [there], marks[i % len(marks)], **look)
    axes.legend(loc="upper left", frameon=False, fontsize=8.5)
