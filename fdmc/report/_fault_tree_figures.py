"""The figures of a fault-tree answer, and the answer on disk."""

import json
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..collect import FaultTreeAnswer
from ._fault_tree import fault_tree_object
from ._figures import BLUE, GREY, ORANGE, SKY, STYLE
from ._format import plain


_MOST_BARS = 15


def save_fault_tree(answer: FaultTreeAnswer, folder: Path) -> list[str]:
    """Write `answer.json` and a figure for each table that is easier to look at; return the names."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(plain(fault_tree_object(answer)), indent=1, allow_nan=False)
    (folder / "answer.json").write_text(text + "\n", encoding="utf-8")
    files = ["answer.json"]
    with mpl.rc_context(STYLE):
        for name, figure in _figures(answer):
            figure.savefig(folder / f"{name}.png")
            files.append(f"{name}.png")
    return files


def _figures(answer: FaultTreeAnswer):
    if len(answer.curve) > 1:
        yield "curve", _curve(answer)
    if answer.importance:
        yield "importance", _importance(answer)
    if answer.uncertainty is not None:
        yield "uncertainty", _uncertainty(answer)


def _new(answer: FaultTreeAnswer, title: str, height: float = 4.2) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(8, height), layout="constrained")
    axes = figure.subplots()
    axes.set_title(f"{answer.model}, {answer.top_event}: {title}", fontweight="bold", pad=12)
    figure.supxlabel(answer.method, fontsize=7.5, color=GREY, x=0.99, ha="right")
    return figure, axes


def _curve(answer: FaultTreeAnswer) -> Figure:
    figure, axes = _new(answer, "probability by mission time")
    hours = np.array([p.time_hours for p in answer.curve])
    order = np.argsort(hours)
    low, best, high = (
        np.array([getattr(p.probability, k) for p in answer.curve])[order]
        for k in ("low", "best", "high")
    )
    years = hours.max() > 2 * 8760
    x = hours[order] / (8760 if years else 1)
    axes.fill_between(x, low, high, color=SKY, alpha=0.45, lw=0, label="95 % interval")
    axes.plot(x, best, color=BLUE, marker="o", ms=4, label="best value")
    if low[low > 0].size and best.max() / best[best > 0].min() > 100:
        axes.set_yscale("log")
    axes.set_xlabel("mission time, " + ("years" if years else "hours"))
    axes.set_ylabel("P(the top event has occurred)")
    axes.legend(frameon=False)
    return figure


def _importance(answer: FaultTreeAnswer) -> Figure:
    assert answer.importance is not None
    rows = sorted(answer.importance, key=lambda r: abs(r.criticality))[-_MOST_BARS:]
    figure, axes = _new(answer, "what it depends on", 1.6 + 0.28 * len(rows))
    y = np.arange(len(rows))
    axes.barh(y + 0.2, [r.criticality for r in rows], 0.38, color=BLUE, label="criticality")
    known = [r.fussell_vesely if np.isfinite(r.fussell_vesely) else 0.0 for r in rows]
    axes.barh(y - 0.2, known, 0.38, color=ORANGE, label="Fussell-Vesely")
    axes.set_yticks(y, [r.event for r in rows])
    axes.set_xlabel("share of the top event's probability")
    axes.legend(frameon=False, loc="lower right")
    return figure


def _uncertainty(answer: FaultTreeAnswer) -> Figure:
    u = answer.uncertainty
    assert u is not None
    figure, axes = _new(answer, f"over {len(u.quantities)} uncertain quantities", 2.6)
    points = [*((f"{100 * q:.0f} %", e) for q, e in u.quantiles.items()), ("mean", u.mean)]
    for i, (_, e) in enumerate(points):
        error = [[e.best - e.low], [e.high - e.best]]
        axes.errorbar(e.best, i, xerr=error, color=BLUE, marker="o", capsize=3)
    axes.set_yticks(range(len(points)), [name for name, _ in points])
    axes.set_ylim(-0.6, len(points) - 0.4)
    if points[0][1].best > 0 and points[2][1].best / points[0][1].best > 20:
        axes.set_xscale("log")
    axes.set_xlabel(f"P(the top event has occurred), {u.trials:,} trials, 95 % intervals")
    return figure
