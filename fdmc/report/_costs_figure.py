"""The figure of costs: one stacked bar of the total, the parts named beside it."""

from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from ..collect import Result, costs_of
from ..spec import Scenario
from ._figures import BLUE, GREEN, GREY, ORANGE, SKY, STYLE, written
from ._format import best, interval, number, share


_MOST = 5  # parts of the capital that are named
_BLUES = (BLUE, SKY)


def save_cost_figure(result: Result, scenario: Scenario, folder: Path) -> list[Path]:
    """Write the figure of what the mission costs; nothing without an economics section."""
    if scenario.economics is None or "cost.total" not in result.metrics:
        return []
    with mpl.rc_context(STYLE):
        return written(_figure(result, scenario), folder, "cost")


def cost_parts(result: Result, scenario: Scenario) -> list[tuple[str, float]]:
    """Return the parts of the total by name: capital, the dearest first, then what the mission adds."""
    costs = costs_of(scenario)
    rows = sorted(costs.by_name.values(), key=lambda row: -row.capital)
    parts = [(row.name.replace("_", " "), row.capital) for row in rows[:_MOST]]
    parts.append(("other capital", sum(row.capital for row in rows[_MOST:])))
    parts.append(("shelf", costs.shelf))
    parts.append(("used spares", costs.years * result["cost.spares_per_year"].best))
    parts.append(("technicians", costs.years * costs.technicians_per_year))
    parts.append(("energy", costs.years * costs.energy_per_year))
    return [(name, value) for name, value in parts if value > 0]


def _figure(result: Result, scenario: Scenario) -> Figure:
    parts = cost_parts(result, scenario)
    total, label = result["cost.total"], result["cost.total"].unit
    figure = Figure(figsize=(8, max(2.8, 1.4 + 0.34 * len(parts))), layout="constrained")
    axes = figure.subplots()
    title = f"{result.scenario}: what the mission costs"
    axes.set_title(title, fontweight="bold", pad=12)
    values = np.array([value for _, value in parts])
    scale, unit = (1e6, f"M{label}") if values.sum() >= 1e6 else (1e3, f"k{label}")
    start = np.concatenate([[0.0], np.cumsum(values)[:-1]])
    own = {"shelf": ORANGE, "used spares": ORANGE, "technicians": GREEN, "energy": GREEN}
    colours = [own.get(name, _BLUES[i % 2]) for i, (name, _) in enumerate(parts)]
    place = np.arange(len(parts))
    axes.barh(place, values / scale, left=start / scale, color=colours, height=0.72)
    for y, (_, value) in enumerate(parts):
        end, whole = (start[y] + value) / scale, values.sum() / scale
        text = f"{number(value / scale)} {unit} ({share(value / values.sum())})"
        inside = end > 0.72 * whole
        at = start[y] / scale - 0.01 * whole if inside else end + 0.01 * whole
        axes.text(at, y, text, ha="right" if inside else "left", va="center", fontsize=8.5)
    axes.set_yticks(place, [name for name, _ in parts])
    axes.tick_params(axis="y", length=0)
    axes.invert_yaxis()
    axes.set_xlim(0, 1.04 * values.sum() / scale)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:,.10g}"))
    small = total.scaled(1 / scale, unit)
    axes.set_xlabel(
        f"{unit}; total {best(small)} {interval(small)}, each part on top of those above"
    )
    fdmc = f"fdmc {result.origin['fdmc']}, {result.fingerprint}"
    said = f"{result.replicas:,} histories, seed {result.seed}, {fdmc}"
    figure.supxlabel(said, fontsize=7.5, color=GREY, x=0.99, ha="right")
    return figure
