"""The designs that a scenario allows: settings of its variables, the scenario that each makes, its neighbours."""

import dataclasses
import itertools
from collections.abc import Iterator

import numpy as np
from jaxtyping import Float

from ..collect import costs_of
from ..plan import Directory, Plan, PlanError, lower
from ..spec import Scenario, ScenarioError, Setting, Sizing, Variable, load
from ._problem import SizingError


Point = tuple[Setting, ...]
"""A design: one setting for each variable, in the order of the scenario."""

GRID = 9
"""Values of a continuous variable that the screen looks at, bounds included."""


@dataclasses.dataclass(frozen=True, eq=False)
class Made:
    """A design as a scenario that has a plan; `cost` and `watts` are None where the scenario prices nothing.

    `swaps` is what one job of each class of the plan uses up, in the currency.
    """

    scenario: Scenario
    directory: Directory
    accelerators: int
    cost: float | None
    watts: float | None
    swaps: Float[np.ndarray, " classes"]

    @property
    def plan(self) -> Plan:
        """The plan: megabytes each, so that only those of the last few designs are kept."""
        found = _PLANS.pop(self, None)
        return _kept(self, lower(self.scenario)[0] if found is None else found)


_PLANS: dict[Made, Plan] = {}
_MOST_PLANS = 24


def _kept(made: Made, plan: Plan) -> Plan:
    _PLANS[made] = plan
    while len(_PLANS) > _MOST_PLANS:
        _PLANS.pop(next(iter(_PLANS)), None)
    return plan


def machine(scenario: Scenario, extra: float | int = 0.0) -> Made:
    """A scenario as a design; `extra` cost comes on top of that of its parts.

    **Raises:** `PlanError` when it has no plan.
    """
    plan, directory = lower(scenario)
    swaps, cost, watts = np.zeros(len(directory.classes)), None, None
    if scenario.economics is not None:
        costs = costs_of(scenario)
        cost, watts = costs.total + extra, costs.watts
        swaps = np.array([costs.swap_price.get(info.fru, 0.0) for info in directory.classes])
    made = Made(scenario, directory, plan.accelerators, cost, watts, swaps)
    _kept(made, plan)
    return made


class Space:
    """All designs of a scenario with `sizing`."""

    def __init__(self, scenario: Scenario):
        if scenario.sizing is None:
            raise SizingError(
                f"sizing of {scenario.name}",
                ["the scenario has no section `sizing`: say what may be chosen (docs/sizing.md)"],
            )
        self.sizing: Sizing = scenario.sizing
        self.variables: tuple[Variable, ...] = scenario.sizing.variables
        self.document = {k: v for k, v in scenario.document.items() if k != "sizing"}
        self.base = load(self.document)
        self._made: dict[Point, Made | str] = {}
        self._check()

    def _check(self):
        """See that every variable can be at its ends, all else as written."""
        start, wrong = self.start(), []
        for i, variable in enumerate(self.variables):
            for setting in self.ends(variable):
                made = self._at(moved(start, i, setting))
                if isinstance(made, str):
                    wrong.append(
                        f"sizing.variables.{variable.name} at {variable.said(setting)}: {made}"
                    )
        if wrong:
            raise SizingError(f"sizing of {self.base.name}", wrong)

    def ends(self, variable: Variable) -> tuple[Setting, ...]:
        """The least and the most of a number; all options of a choice."""
        if variable.kind == "choice":
            return tuple(option.name for option in variable.options)
        if variable.kind == "count":
            return (int(variable.low), int(variable.high))
        return (variable.low, variable.high)

    def start(self) -> Point:
        """The design that the scenario has, moved into the bounds; middle and first option where it says nothing."""
        found = []
        for variable in self.variables:
            setting = variable.written(self.document)
            if setting is None:
                grid = self.grid(variable)
                setting = grid[0] if variable.kind == "choice" else grid[len(grid) // 2]
            found.append(setting)
        return tuple(found)

    def grid(self, variable: Variable) -> list[Setting]:
        """What the screen looks at: all counts and options, some values."""
        if variable.kind == "choice":
            return [option.name for option in variable.options]
        if variable.kind == "count":
            return list(range(int(variable.low), int(variable.high) + 1))
        space = np.geomspace if variable.log else np.linspace
        return [rounded(x) for x in space(variable.low, variable.high, GRID)]

    def step(self, variable: Variable, setting: Setting, size: float | int) -> Setting | None:
        """A number moved by `size` steps (of a value: eighths of its range), None beyond the bounds."""
        if variable.kind == "count":
            moved_to = int(setting) + int(size)
            return moved_to if variable.low <= moved_to <= variable.high else None
        low, high, at = variable.low, variable.high, float(setting)
        if variable.log:
            to = at * (high / low) ** (size / (GRID - 1))
        else:
            to = at + (high - low) * size / (GRID - 1)
        to = rounded(min(max(to, low), high))
        return to if to != at else None

    def made(self, point: Point) -> Made | None:
        """The scenario of a design and its plan, None where it is no machine."""
        made = self._at(point)
        return None if isinstance(made, str) else made

    def sets(self, point: Point) -> list[str]:
        """Settings for `load` that make the design."""
        pairs = zip(self.variables, point, strict=True)
        return [one for variable, setting in pairs for one in variable.sets(setting)]

    def _at(self, point: Point) -> Made | str:
        if point not in self._made:
            self._made[point] = self._make(point)
        return self._made[point]

    def _make(self, point: Point) -> Made | str:
        try:
            pairs = zip(self.variables, point, strict=True)
            extra = sum(variable.cost(setting) for variable, setting in pairs)
            return machine(load(self.document, self.sets(point)), extra)
        except ScenarioError as error:
            return "; ".join(str(problem) for problem in error.problems)
        except PlanError as error:
            return str(error)

    def singles(self, point: Point, sizes: tuple[float | int, ...]) -> Iterator[Point]:
        """Designs that differ in one variable: numbers by these steps, choices by any other option."""
        for i, variable in enumerate(self.variables):
            if variable.kind == "choice":
                others = [o.name for o in variable.options if o.name != point[i]]
                yield from (moved(point, i, name) for name in others)
                continue
            for size in sizes:
                if variable.kind == "count" and size != int(size):
                    continue
                to = self.step(variable, point[i], size)
                if to is not None:
                    yield moved(point, i, to)

    def pairs(self, point: Point, size: float | int = 1) -> Iterator[Point]:
        """Designs in which one number has gone up and another one down."""
        numbers = [i for i, v in enumerate(self.variables) if v.kind != "choice"]
        for i, j in itertools.permutations(numbers, 2):
            up = self.step(self.variables[i], point[i], size)
            down = self.step(self.variables[j], point[j], -size)
            if up is not None and down is not None:
                yield moved(moved(point, i, up), j, down)

    def said(self, point: Point) -> dict[str, str]:
        """The settings by name, as people write them."""
        return {v.name: v.said(x) for v, x in zip(self.variables, point, strict=True)}


def moved(point: Point, index: int, setting: Setting) -> Point:
    """The design with one setting changed."""
    return (*point[:index], setting, *point[index + 1 :])


def rounded(x: float) -> float:
    """Four digits: what is chosen is also what is written."""
    return float(f"{x:.4g}")
