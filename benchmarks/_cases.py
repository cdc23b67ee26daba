"""Cases with expected values: what was got, how far off, and whether that is good enough."""

import argparse
import dataclasses
import json
import math
from collections.abc import Iterable
from pathlib import Path


@dataclasses.dataclass(frozen=True)
class Check:
    """One case; with `bound` the value got need only stay below what is expected."""

    id: str
    expected: float
    got: float
    tolerance: float
    bound: bool = False
    note: str = ""

    @property
    def relative_error(self):
        if self.got == self.expected:
            return 0.0
        scale = abs(self.expected)
        if scale == 0 or not math.isfinite(scale):
            return -math.inf if self.got < self.expected else math.inf
        return (self.got - self.expected) / scale

    @property
    def ok(self):
        error = self.relative_error if self.bound else abs(self.relative_error)
        return error <= self.tolerance


@dataclasses.dataclass(frozen=True)
class Pending:
    """A case that nothing computes yet; it never counts as failing."""

    id: str
    reason: str
    kind: str = "not yet"


def parser(description: str) -> argparse.ArgumentParser:
    """Arguments that every benchmark with cases takes."""
    arguments = argparse.ArgumentParser(description=description)
    arguments.add_argument("--cases", type=Path, metavar="PATH", help="table or directory of cases")
    arguments.add_argument("--json", action="store_true", help="one JSON object a line")
    return arguments


def report(results: Iterable[Check | Pending], as_json: bool) -> int:
    """Print one line a case as it comes, the pending ones last; 1 when a case fails, else 0."""
    good, failed = 0, 0
    pending: list[Pending] = []
    for result in results:
        if isinstance(result, Pending):
            pending.append(result)
            continue
        good, failed = good + result.ok, failed + (not result.ok)
        print(_json_line(result) if as_json else _table_line(result), flush=True)
    for case in pending:
        line = {"id": case.id, case.kind.replace(" ", "_"): case.reason}
        print(json.dumps(line) if as_json else f"{case.id:<26} {case.kind}: {case.reason}")
    if not as_json:
        kinds = dict.fromkeys(["not yet", *(case.kind for case in pending)])
        rest = (f"{sum(case.kind == kind for case in pending)} {kind}" for kind in kinds)
        print(f"{good} ok, {failed} failed, {', '.join(rest)}")
    return 1 if failed or not good else 0


def _table_line(check: Check) -> str:
    verdict = ("bound" if check.bound else "ok") if check.ok else "FAILED"
    return (
        f"{check.id:<26} expected {check.expected:<12.7g} got {check.got:<12.7g} "
        f"error {check.relative_error:+.1e} tolerance {check.tolerance:.0e} {verdict} {check.note}"
    ).rstrip()


def _json_line(check: Check) -> str:
    row = dataclasses.asdict(check) | {"relative_error": check.relative_error, "ok": check.ok}
    return json.dumps({key: _finite(value) for key, value in row.items()})


def _finite(value: object) -> object:
    """JSON has no infinity; it becomes a string."""
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
