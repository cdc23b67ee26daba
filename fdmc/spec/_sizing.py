"""What may be chosen about a machine and what for: the section `sizing` as the rest of fdmc sees it.

It is a question, not the machine: it is no part of the fingerprint.
"""

import dataclasses
import json
import math
import re
from typing import Any, Literal

import numpy as np

from ._override import parts


Setting = int | float | str
"""The value of one variable: a number of things, a number in the variable's unit, or the name of an option."""

_QUANTITY = re.compile(
    r"\s*([-+]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*([A-Za-zµ%°/0-9]*)\s*"
)


def bound_of(value: Any) -> tuple[float, str] | None:
    """A number and its unit as written; None when it is neither."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    match = _QUANTITY.fullmatch(str(value)[:100])
    if match is None:
        return None
    number = float(match[1].replace("_", ""))
    return (number, match[2]) if math.isfinite(number) else None


@dataclasses.dataclass(frozen=True)
class Option:
    """One alternative of a choice: what it changes (`path=value`, as for `--set`) and what it costs."""

    name: str
    sets: tuple[str, ...]
    cost: float


@dataclasses.dataclass(frozen=True)
class Variable:
    """One thing to choose: a whole number, a number with a unit, or one of several options.

    `low` and `high` bound numbers, those of a `value` in its `unit`; `points` are what a number costs beside the
    prices of `economics`, joined by straight lines (none: nothing), `log` says that equal ratios are equal steps.
    """

    name: str
    kind: Literal["count", "value", "choice"]
    path: str
    low: float
    high: float
    unit: str
    log: bool
    points: tuple[tuple[float, float], ...]
    options: tuple[Option, ...]

    def sets(self, setting: Setting) -> tuple[str, ...]:
        """What `load(scenario, sets)` needs to make it so."""
        if self.kind == "choice":
            return self.option(setting).sets
        if self.kind == "count":
            return (f"{self.path}={int(setting)}",)
        number = f"{float(setting):.6g}"
        return (f"{self.path}={json.dumps(f'{number} {self.unit}') if self.unit else number}",)

    def cost(self, setting: Setting) -> float:
        """What the setting itself costs, in the currency of `economics`."""
        if self.kind == "choice":
            return self.option(setting).cost
        if not self.points:
            return 0.0
        at, price = zip(*self.points, strict=True)
        return float(np.interp(float(setting), at, price))

    def option(self, setting: Setting) -> Option:
        """The option of that name."""
        return next(option for option in self.options if option.name == setting)

    def written(self, document: dict[str, Any]) -> Setting | None:
        """The setting that a document has, within the bounds; None when it has none that can be compared."""
        if self.kind == "choice":
            holding = [option for option in self.options if _holds(document, option.sets)]
            # An option that changes nothing holds always; one that says more is what was meant.
            return max(holding, key=lambda option: len(option.sets)).name if holding else None
        found = bound_of(_at(document, self.path))
        if found is None or found[1] != self.unit:
            return None
        number = min(max(found[0], self.low), self.high)
        return int(number) if self.kind == "count" else number

    def said(self, setting: Setting) -> str:
        """The setting as people write it."""
        if self.kind != "value":
            return str(setting)
        return f"{float(setting):.4g} {self.unit}".strip()


@dataclasses.dataclass(frozen=True)
class Limit:
    """A bound on one metric: at least for what is good, at most for cost and power; `of` is the share of a tail."""

    metric: str
    bound: float
    of: float | None = None


@dataclasses.dataclass(frozen=True)
class Sizing:
    """What to make least or most (`sense`, `metric`), within which limits, by which variables."""

    sense: Literal["least", "most"]
    metric: str
    limits: tuple[Limit, ...]
    variables: tuple[Variable, ...]


def as_set(path: str, value: Any) -> str:
    """`path=value` of any value of a document: JSON is YAML."""
    return f"{path}={json.dumps(value)}"


def _at(document: dict[str, Any], path: str) -> Any:
    """What stands at a path; a count may be written without its key."""
    here: Any = document
    for key in parts(path):
        if isinstance(here, dict):
            here = here.get(str(key))
        elif isinstance(here, list) and isinstance(key, int) and key < len(here):
            here = here[key]
        elif key != "count":
            return None
    return here


def _holds(document: dict[str, Any], sets: tuple[str, ...]) -> bool:
    """Whether every `path=value` stands in the document as it is."""
    pairs = (one.split("=", 1) for one in sets)
    return all(_at(document, path) == json.loads(value) for path, value in pairs)
