"""Traces of faults: which unit was out of service from when to when."""

import csv
import dataclasses
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any


HOURS_PER_DAY = 24.0
_COLUMNS = ("unit", "copy", "start_hours", "end_hours")


class TraceError(ValueError):
    """A trace that cannot be read, or does not fit the scenario."""


@dataclasses.dataclass(frozen=True)
class Fault:
    """Copy `copy` (from 0) of a unit is out of service in [start, end); `end_hours` is infinite when it stays out."""

    unit: str
    copy: int
    start_hours: float
    end_hours: float = math.inf


@dataclasses.dataclass(frozen=True)
class Trace:
    """Faults over a window of `hours` that begins at 0."""

    faults: tuple[Fault, ...]
    hours: float


def load_trace(path: str | Path, unit: str | None = None) -> Trace:
    """Read a trace.

    **Arguments:**

    - `path`: a CSV file with columns `unit`, `copy`, `start_hours` and `end_hours` (empty: until the end of the
        trace), or a JSON file with a list of objects with `node_id`, `event_time` in days, and `event_type`,
        `fault_start` or `fault_end`.
    - `unit`: the unit that each node of a JSON file is a copy of, in the order in which they appear.

    **Returns:** the `Trace`; it ends with the last time that stands in it.

    **Raises:** `TraceError` for a file that is not of these forms.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise TraceError(f"{path}: cannot be read ({error}).") from None
    if path.suffix.lower() == ".json":
        if unit is None:
            raise TraceError(f"{path}: name the unit that a node is a copy of.")
        faults, last = _of_json(path, text, unit)
    else:
        faults, last = _of_csv(path, text)
    if not last > 0:
        raise TraceError(f"{path}: no fault starts or ends after time 0.")
    return Trace(tuple(faults), last)


def _of_csv(path: Path, text: str) -> tuple[list[Fault], float]:
    reader = csv.DictReader(text.splitlines())
    if missing := [name for name in _COLUMNS if name not in (reader.fieldnames or ())]:
        raise TraceError(f"{path}: column {missing[0]} is missing; it needs {', '.join(_COLUMNS)}.")
    faults, last = [], 0.0
    for number, row in enumerate(reader, start=2):
        try:
            end = float(row["end_hours"]) if (row["end_hours"] or "").strip() else math.inf
            fault = Fault(row["unit"].strip(), int(row["copy"]), float(row["start_hours"]), end)
        except (TypeError, ValueError, AttributeError):
            raise TraceError(f"{path}, line {number}: a copy or a time is no number.") from None
        if not (fault.start_hours >= 0 and fault.end_hours >= fault.start_hours):
            raise TraceError(f"{path}, line {number}: it ends before it starts, or before 0.")
        faults.append(fault)
        times = (fault.start_hours, fault.end_hours)
        last = max(last, *(x for x in times if math.isfinite(x)))
    return faults, last


def _of_json(path: Path, text: str, unit: str) -> tuple[list[Fault], float]:
    try:
        events = [_event(x) for x in json.loads(text)]
    except (ValueError, KeyError, TypeError) as error:
        raise TraceError(f"{path}: not a list of starts and ends of faults ({error!r}).") from None
    copies: dict[str, int] = {}
    for node, _, _ in events:
        copies.setdefault(node, len(copies))
    return _paired(events, copies, unit), max((hours for _, hours, _ in events), default=0.0)


def _event(x: dict[str, Any]) -> tuple[str, float, int]:
    """A node, a time in hours, and whether there is one fault more or one less."""
    step = {"fault_start": 1, "fault_end": -1}[x["event_type"]]
    hours = float(x["event_time"]) * HOURS_PER_DAY
    if not 0 <= hours < math.inf:
        raise ValueError(f"event_time {x['event_time']}")
    return str(x["node_id"]), hours, step


def _paired(
    events: Sequence[tuple[str, float, int]], copies: dict[str, int], unit: str
) -> list[Fault]:
    """Every start with the next end of its node; an end without a start began before the trace did."""
    faults, open_since = [], {node: [] for node in copies}
    # Of what happens at the same time starts come first: a fault may be over at once.
    for node, hours, step in sorted(events, key=lambda event: (event[1], -event[2])):
        if step > 0:
            open_since[node].append(hours)
        else:
            start = open_since[node].pop(0) if open_since[node] else 0.0
            faults.append(Fault(unit, copies[node], start, hours))
    for node, starts in open_since.items():
        faults += [Fault(unit, copies[node], start) for start in starts]
    return faults
