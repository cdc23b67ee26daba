"""The picture of `size`: what was tried, what was chosen, and the frontier, cost against lost goodput."""

from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from ..sizing import Sized, SizedDesign
from ._figures import BLUE, GREEN, GREY, ORANGE, SKY, STYLE, written


def save_sizing(answer: Sized, folder: Path) -> list[Path]:
    """Write `sizing.png` and `sizing.svg`; nothing where nothing has a price."""
    if answer.design.cost is None:
        return []
    with mpl.rc_context(STYLE):
        return written(_figure(answer), folder, "sizing")


def _figure(answer: Sized) -> Figure:
    figure = Figure(figsize=(8, 4.8), layout="constrained")
    axes = figure.subplots()
    axes.set_title(f"{answer.name}: what goodput costs", fontweight="bold", pad=12)
    assert answer.design.cost is not None
    scale, prefix = (1e6, "M") if answer.design.cost.best >= 1e6 else (1e3, "k")

    def at(one: SizedDesign) -> tuple[float, float]:
        assert one.cost is not None
        return one.cost.best / scale, 100 * (1 - one.goodput.best)

    if answer.metric == "cost":
        cost = [one["objective"] / scale for one in answer.history]
        lost = [100 * (1 - one["goodput"]) for one in answer.history]
        axes.plot(cost, lost, ".", color=GREY, alpha=0.5, label="designs that the search looked at")
    front = [one.design for one in answer.frontier if one.best and one.design.goodput.best < 1]
    if front:
        x, y = zip(*sorted(map(at, front)), strict=True)
        axes.plot(x, y, "-", color=SKY, linewidth=1.5, zorder=2)
    looks: list[tuple[str, str, str, list[SizedDesign]]] = [
        ("frontier, 95 % interval", SKY, "o", front),
        ("as written", ORANGE, "s", [answer.written]),
        ("uniform spares, all else as sized", GREEN, "^", _uniform(answer)),
        ("sized", BLUE, "*", [answer.design]),
    ]
    for label, colour, marker, designs in looks:
        if not designs:
            continue
        x, y = zip(*map(at, designs), strict=True)
        half = [50 * one.goodput.width for one in designs]
        ends = [[min(h, 0.9 * v) for h, v in zip(half, y, strict=True)], half]
        look: Any = dict(color=colour, marker=marker, linestyle="none", capsize=3, zorder=3)
        size = 13 if marker == "*" else 6
        axes.errorbar(x, y, ends, label=label, markersize=size, elinewidth=1, **look)
    for one in answer.standings:
        if one.limit.metric == "goodput":
            bound = 100 * (1 - one.limit.bound)
            axes.axhline(bound, color="black", linestyle="--", linewidth=1)
            text = f" limit: goodput {100 * one.limit.bound:.6g} %"
            axes.annotate(
                text, (1, bound), xycoords=("axes fraction", "data"), ha="right", va="bottom",
                fontsize=8.5,
            )  # fmt: skip
        if one.limit.metric == "cost":
            axes.axvline(one.limit.bound / scale, color="black", linestyle="--", linewidth=1)
    axes.set_xlabel(f"cost over the mission, {prefix}{answer.currency}")
    axes.set_ylabel("lost goodput, % of ideal work")
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(lambda v, _: f"{v:.3g}")
    low, high = axes.get_ylim()
    if high < 12 * low:  # else powers of ten are enough
        axes.yaxis.set_minor_formatter(lambda v, _: f"{v:.3g}")
        axes.tick_params(axis="y", which="minor", labelsize=8)
    else:
        axes.yaxis.set_minor_formatter(NullFormatter())
    axes.grid(color="#DDDDDD", linewidth=0.8)
    axes.legend(frameon=True, framealpha=0.9, edgecolor="none", fontsize=9)
    return figure


def _uniform(answer: Sized) -> list[SizedDesign]:
    return [
        one.design
        for one in answer.rivals
        if one.design is not None and one.name.endswith("all else as sized")
    ]
