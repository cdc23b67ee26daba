"""One published result: what was to come out, what came out of the engine, and whether that is a match."""

import dataclasses
import json
import math
from collections.abc import Iterable
from typing import Literal

from fdmc import Estimate

from ._results import table


HEAD = ("case", "result", "published", "tolerance", "got, 95 % interval", "verdict", "assumed")


Kind = Literal["match", "bound", "control"]


@dataclasses.dataclass(frozen=True)
class Published:
    """A published value beside the estimate of the same quantity.

    `tolerance` is absolute, in the unit of the value. A `match` has to lie within it; of a `bound` the estimate has
    to stay below the value; a `control` is a published value that does not follow from the published inputs: the
    estimate and its whole interval have to lie outside the tolerance. `assumed` is what the source does not say.
    """

    id: str
    result: str
    value: float
    tolerance: float
    got: Estimate
    assumed: str = ""
    kind: Kind = "match"

    @property
    def ok(self) -> bool:
        """Whether the case comes out as it has to."""
        if self.kind == "bound":
            return self.got.best < self.value
        if self.kind == "control":
            low, high = self.value - self.tolerance, self.value + self.tolerance
            return self.got.high < low or self.got.low > high
        return abs(self.got.best - self.value) <= self.tolerance

    @property
    def verdict(self) -> str:
        """In a word or three."""
        if self.kind == "control":
            return "differs, as it must" if self.ok else "FAILED: matches"
        word = {"match": "match", "bound": "below"}[self.kind]
        return word if self.ok else "FAILED"


@dataclasses.dataclass(frozen=True)
class Skipped:
    """A case that cannot be run here."""

    id: str
    reason: str


def number(value: float) -> str:
    """Four digits, and no exponent where none is needed."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def cells(row: Published) -> list[str]:
    """A row as text, in the order of `HEAD`."""
    low, high = number(row.got.low), number(row.got.high)
    got = f"{number(row.got.best)} [{low}, {high}] {row.got.unit}".removesuffix(" 1")
    below = "< " if row.kind == "bound" else ""
    tolerance = "" if row.kind == "bound" else f"± {number(row.tolerance)}"
    return [row.id, row.result, below + number(row.value), tolerance, got, row.verdict, row.assumed]


def line(row: Published | Skipped, as_json: bool) -> str:
    """A case in one line."""
    if isinstance(row, Skipped):
        skipped = {"id": row.id, "skipped": row.reason}
        return json.dumps(skipped) if as_json else f"{row.id:<10} skipped: {row.reason}"
    if not as_json:
        case, result, value, tolerance, got, verdict, assumed = cells(row)
        text = (
            f"{case:<10} {result:<58} {value:>7} {tolerance:<8} {got:<34} {verdict:<20} {assumed}"
        )
        return text.rstrip()
    document = dataclasses.asdict(row) | {"ok": row.ok, "verdict": row.verdict}
    return json.dumps(_finite(document), ensure_ascii=False)


def _finite(value):
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def markdown(rows: Iterable[Published | Skipped]) -> str:
    """The table of all cases, those that were skipped below it."""
    rows = list(rows)
    body = [cells(row) for row in rows if isinstance(row, Published)]
    skipped = [f"- {row.id}: skipped, {row.reason}" for row in rows if isinstance(row, Skipped)]
    return "\n\n".join([table(HEAD, body), *(["\n".join(skipped)] if skipped else [])])
