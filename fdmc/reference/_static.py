"""Without time's couplings: first losses without repair, and states with independent repairs."""

import dataclasses
import math
import operator
import random
from collections import defaultdict

from ..spec import Scenario
from ._capacity import combine, fed, losses
from ._law import draw, mean, mean_least
from ._machine import Counting, Machine, Part, Structured, Unit, build
from ._work import work


@dataclasses.dataclass(frozen=True)
class Snapshot:
    """A state: its work rate, the used share of the accelerators, and whether all is whole."""

    rate: float
    used: float
    whole: bool
    exact: bool
    efficiency: dict[str, float]


def snapshot(
    scenario: Scenario | Machine, seed: int, replica: int, time_hours: float | None = None
) -> Snapshot:
    """The state at a time without repair, or (None) the stationary one with independent repairs.

    Then a part is down with its exact probability MTTR / (MTTF + MTTR), whatever the shapes of its
    laws. Nothing waits, and no repair takes anything out of service.
    """
    machine = _still(scenario)
    rng = random.Random(f"{seed}/{replica}")
    if time_hours is None:
        if "down" not in machine.memo:
            classes = {part.name: part for part in machine.parts}
            machine.memo["down"] = {n: _unavailability(machine, p) for n, p in classes.items()}
        down = machine.memo["down"]
        failed = [part for part in machine.parts if rng.random() < down[part.name]]
    else:
        failed = [part for part in machine.parts if _fails(part, rng) <= time_hours]
    state = work(machine, combine(machine, losses(machine, failed)))
    used = state.used / len(machine.accelerators)
    return Snapshot(state.rate, used, state.whole, state.exact, state.efficiency)


def _unavailability(machine: Machine, part: Part) -> float:
    time = machine.rules[part.name].time
    if time is None:
        return 1.0
    clocks = [pace.clock() for pace in part.paces]
    if any(len(clock.steps) > 1 for clock in clocks):
        raise ValueError(f"{part.name} follows the environment: no state is stationary.")
    repair = mean(time)
    speeds = [clock.steps[0][1] for clock in clocks]
    return repair / (mean_least(part.lives, speeds) + repair)


def _fails(part: Part, rng: random.Random) -> float:
    """When it fails if nobody repairs it: by the first of its mechanisms."""
    lives = zip(part.paces, part.lives, strict=True)
    return min(pace.clock().when(0.0, draw(life, rng)) for pace, life in lives)


def _still(scenario: Scenario | Machine) -> Machine:
    """The machine, if nothing comes and goes in it but failures."""
    machine = build(scenario)
    if machine.heat.excursions:
        raise ValueError("excursions come and go: only histories follow them.")
    return machine


def mission(scenario: Scenario | Machine, seed: int, replica: int) -> dict[str, float]:
    """Without repair: when the first unit of each template loses something; infinite if never.

    A unit has lost something when a failure has taken something of it, or of a unit inside it, or
    of what it feeds from. 'domain' is the first loss that reaches an accelerator or a plane.
    """
    machine = _still(scenario)
    rng = random.Random(f"{seed}/{replica}")
    lives = [(_fails(part, rng), part) for part in machine.parts]
    first = dict.fromkeys([*machine.units, "domain"], math.inf)
    elements: defaultdict[Counting | Structured, set[Unit | Part]] = defaultdict(set)
    for time, part in sorted(lives, key=operator.itemgetter(0)):
        lost = True
        if part.counting is not None and part.element is not None:
            elements[part.counting].add(part.element)
            lost = part.counting.lost(elements[part.counting]) > 0
        if lost:
            first["domain"] = min(first["domain"], time)
        if lost or isinstance(part.element, Unit):
            _mark(part.unit, None if lost else part.element, first, time)
        if max(first.values()) < math.inf:
            break
    return first


def _mark(unit: Unit, last: Unit | Part | None, first: dict[str, float], time: float) -> None:
    """Mark the unit, all above it (no further than the element `last`), and what they feed."""
    for each in unit.above():
        first[each.template] = min(first[each.template], time)
        if each is last:
            return
        for supplied in fed(each):
            _mark(supplied, None, first, time)
