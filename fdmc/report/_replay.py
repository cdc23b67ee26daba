"""What a trace costs, as a table."""

from collections.abc import Iterator

from rich.console import Group

from ..collect import Replay
from ._table import table


_SAID = {
    "goodput": "useful work over ideal work",
    "work_rate": "speed of the job, checkpoints and restarts apart",
    "ettr": "share of run time kept after checkpoints and restarts",
    "availability": "accelerators in use over all",
    "full_strength": "time with nothing lost anywhere",
    "idle": "time without any work",
    "interruptions": "times at which faults stop the job",
    "interruptions_per_year": "the same in a year",
    "inexact_time": "time in which collective times are lower bounds",
}


def replay_tables(answer: Replay) -> Iterator[Group | str]:
    """Yield the caption and the table of a replay."""
    days = (answer.hours[-1] - answer.hours[0]) / 24
    states = f"{len(answer.work_rate):,} states"
    yield f"{answer.scenario}: {answer.faults:,} faults of a trace in {days:,.1f} days, {states}"
    rows = [
        (name, f"{value:.6g}", _SAID.get(name, "healthy over actual time"))
        for name, value in answer.metrics.items()
    ]
    yield table("What the trace costs", ("!metric", ">value", "what it says"), rows)
