"""The answer in sentences: what the machine did and lost, and why the run ended when it did."""

import math
from collections.abc import Sequence

from ..collect import AbstractStop, Progress, RelativeError, Replicas, Result, WallTime
from ..tally import Estimate
from ._format import best, duration, interval, number, percent


def lost_goodput(result: Result) -> Estimate:
    """Return one minus goodput."""
    return result["goodput"].complement()


def precision(result: Result) -> float:
    """Return the full width of the 95 % interval of lost goodput over its mean."""
    lost = lost_goodput(result)
    return lost.width / lost.best if lost.best > 0 else math.inf


def caption(result: Result, rules: Sequence[AbstractStop], mission_hours: float) -> str:
    """Return the answer of a run in a few sentences."""
    lost, rate = lost_goodput(result), result["work_rate"].complement()
    said = (
        f"{result.scenario} did {best(result['goodput'])} % of its ideal work over "
        f"{duration(mission_hours)} and lost "
        f"{best(lost)} % {interval(lost)} of it (95 % interval): {best(rate)} % {interval(rate)} "
        f"to failures and "
        f"repairs, the rest to checkpoints and restarts."
    )
    histories = (
        f"{result.replicas:,} histor{'y' if result.replicas == 1 else 'ies'} of seed {result.seed}"
    )
    return f"{said}\n{histories}; {ending(result, rules)}{_left_out(result)}"


def ending(result: Result, rules: Sequence[AbstractStop]) -> str:
    """Return which rule ended the run, and how precise the answer is where that was asked for."""
    here = Progress(result.replicas, result.timing["run_seconds"], lost_goodput(result))
    met = [rule for rule in rules if rule.fraction(here) >= 1]
    wanted = next((rule for rule in rules if isinstance(rule, RelativeError)), None)
    if wanted in met:
        return f"stopped as the interval is {_width(result)}, within the {_asked(wanted)}."
    why = " and ".join(map(_why, met)) or "the run ended"
    if wanted is None:
        return f"stopped as {why}; the interval is {_width(result)}."
    short = (
        f"stopped as {why}: precision not reached, the interval is {_width(result)}, "
        f"not the {_asked(wanted)}"
    )
    if not math.isfinite(precision(result)):
        return f"{short}."
    more = (precision(result) / wanted.width) ** 2
    return f"{short}; about {number(more, 2)} times the histories would do."


def stopped_by(result: Result, rules: Sequence[AbstractStop]) -> list[str]:
    """Return the options whose rules are met: replicas, rtol, wall."""
    here = Progress(result.replicas, result.timing["run_seconds"], lost_goodput(result))
    names = {Replicas: "replicas", RelativeError: "rtol", WallTime: "wall"}
    return [
        names.get(type(rule), type(rule).__name__) for rule in rules if rule.fraction(here) >= 1
    ]


def _why(rule: AbstractStop) -> str:
    match rule:
        case Replicas(count=count):
            return f"{count:,} histor{'y is' if count == 1 else 'ies are'} done"
        case WallTime(seconds=seconds):
            return f"{duration(seconds / 3600)} of run time are over"
    return str(rule)


def _asked(rule: RelativeError) -> str:
    return f"{percent(rule.width)} asked for (--rtol {rule.width:g})"


def _width(result: Result) -> str:
    width = precision(result)
    return f"{percent(width)} of lost goodput wide" if math.isfinite(width) else "unknown"


def _left_out(result: Result) -> str:
    void = int(result.timing["void_replicas"])
    if not void:
        return ""
    return (
        f"\nBound hit: {void:,} histories had more simultaneous outages than the engine can hold "
        f"and are left out, "
        "so that losses are understated; repairs are too slow or too few for this machine."
    )
