"""The technologies as a forest: lost goodput, its interval, and how far the C rows of the optics carry it."""

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ._technologies import BASE, ENGINE, NAMES, OPTICS, POLICIES, Moved, Variations


BLUE, ORANGE, GREY = "#0072B2", "#E69F00", "#6B6B6B"


def draw(found: dict[str, Variations], file: Path) -> None:
    """Draw one panel a policy into a PNG file; bars are ranges of estimates, not intervals."""
    figure = Figure(figsize=(9.6, 4.8), layout="constrained")
    panels = figure.subplots(1, len(POLICIES), sharey=True)
    for axes, (policy, moved) in zip(panels, found.items(), strict=True):
        for place, name in enumerate(reversed(NAMES)):
            _line(axes, place, moved[name])
        axes.set_title(_wrapped(policy), loc="left", fontsize=10)
        axes.set_xlabel("lost goodput, %")
        axes.grid(axis="x", color="#DDDDDD", linewidth=0.8)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].set_yticks(range(len(NAMES)), [NAMES[name] for name in reversed(NAMES)])
    handles, labels = panels[0].get_legend_handles_labels()
    seen = dict(zip(labels, handles, strict=True))
    figure.legend(
        list(seen.values()), list(seen), loc="outside lower center", ncols=3, frameon=False
    )
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=160)


def _wrapped(policy: str) -> str:
    return {
        "degrade": "The job goes on with the lanes that are left",
        "park": "The job stops, and goes on without the accelerator",
    }[policy]


def _line(axes: Axes, place: int, moved: dict[tuple[str, str], Moved]) -> None:
    ends = [100 * moved[OPTICS, end].lost.best for end in ("low", "high")]
    axes.plot(
        ends, [place, place], color=ORANGE, linewidth=7, solid_capstyle="butt",
        label="C rows of its optics, all low to all high",
    )  # fmt: skip
    whole = moved.get((ENGINE, "best"))
    if whole is not None:
        axes.plot(
            100 * whole.lost.best, place, "D", color="white", markeredgecolor=GREY, markersize=6,
            label="library row of the whole engine",
        )  # fmt: skip
    lost = moved[BASE].lost
    error = [[100 * (lost.best - lost.low)], [100 * (lost.high - lost.best)]]
    axes.errorbar(
        100 * lost.best, place, xerr=error, fmt="o", color=BLUE, markersize=5, capsize=3,
        label="as packaged, 95 % interval",
    )  # fmt: skip
