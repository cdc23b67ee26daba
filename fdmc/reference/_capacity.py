"""What failures and repairs take from the accelerators: section 2 of the contract.

A *reach* says what the loss of a whole unit takes: a target such as `("compute", i)`,
`("link", i, k)` or `("plane", k)`, and the fraction of it. A unit that has lost the fraction `x`
takes `x` times that.
"""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from ._machine import Counting, Machine, Part, Structured, Unit


Reach = dict[tuple, float]


@dataclasses.dataclass(frozen=True)
class Loss:
    """One active loss: the fraction `fraction` of `reach`; `causes` share the blame for it.

    With a `direction` it takes only what its end of the links (accelerators, or planes) sends or receives.
    """

    reach: Reach
    fraction: float
    causes: Mapping[Any, float]  # parts, or an excursion
    group: Counting | Structured | None = None
    failed: int = 0  # elements of the group
    direction: str | None = None


@dataclasses.dataclass(frozen=True)
class Capacities:
    """Live fractions of each accelerator, of each of its links on its own, and of each plane."""

    compute: list[float]
    links: list[list[float]]
    planes: list[float]
    trunks: list[float] = dataclasses.field(default_factory=list)  # of each unit that has one
    received: "Capacities | None" = (
        None  # what is left to receive by; the rest is then what is left to send by
    )


def reach(machine: Machine, unit: Unit) -> Reach:
    """What the accelerators lose when this unit is lost whole."""
    assert unit.element is None, f"{unit.template} is counted; it has no share of its own."
    if unit not in machine.memo:
        machine.memo[unit] = _reach(machine, unit)
    return machine.memo[unit]


def _reach(machine: Machine, unit: Unit) -> Reach:
    fabric = machine.scenario.fabric
    if unit.role == "container":
        return {("compute", each.number): 1.0 for each in unit.find(fabric.accelerator)}
    if unit.role == "link":
        accelerator = next(u for u in unit.above() if u.template == fabric.accelerator)
        return {("link", accelerator.number, k): x for k, x in _served(machine, unit).items()}
    if unit.role == "trunk" and fabric.trunk is not None and unit.template == fabric.trunk.link:
        return _trunk(machine, unit, unit.template)
    if unit.feeds:
        return _total(reach(machine, each) for each in fed(unit))
    if fabric.plane is not None and (planes := unit.find(fabric.plane)):
        if fabric.trunk is not None:  # planes of one unit are links of its accelerators
            owner = next(u for u in unit.above() if u.template == fabric.trunk.unit)
            served = [each.number % machine.plane_count for each in planes]
            numbers = [each.number for each in owner.find(fabric.accelerator)]
            return {("link", i, k): 1.0 for i in numbers for k in served}
        return {("plane", each.number): 1.0 for each in planes}
    assert unit.parent is not None
    return {target: x / unit.count for target, x in reach(machine, unit.parent).items()}


def group_reach(machine: Machine, group: Counting | Structured) -> Reach:
    """What the accelerators lose when a group has lost everything."""
    if group not in machine.memo:
        machine.memo[group] = _group_reach(machine, group)
    return machine.memo[group]


def _group_reach(machine: Machine, group: Counting | Structured) -> Reach:
    parent, first = group.parent, group.elements[0]
    if isinstance(first, Unit) and first.role == "trunk":
        trunk = machine.scenario.fabric.trunk
        if trunk is not None and first.template == trunk.link:
            return _trunk(machine, parent, parent.template)
    if isinstance(first, Unit) and first.role == "link":  # pooled: on all planes of the parent
        accelerator = next(
            u for u in parent.above() if u.template == machine.scenario.fabric.accelerator
        )
        return {("link", accelerator.number, k): x for k, x in _served(machine, parent).items()}
    return reach(machine, parent)


def _trunk(machine: Machine, unit: Unit, template: str) -> Reach:
    """All that a unit carries of the trunk that it stands in, the others of its kind doing the same."""
    trunk = machine.scenario.fabric.trunk
    assert trunk is not None
    owner = next(u for u in unit.above() if u.template == trunk.unit)
    return {("trunk", owner.number): 1 / len(owner.find(template))}


def _served(machine: Machine, unit: Unit) -> dict[int, float]:
    """The planes that a unit in (or at) an accelerator serves, and the part it carries of each."""
    if unit.template == machine.scenario.fabric.accelerator:
        return dict.fromkeys(range(machine.plane_count), 1.0)
    assert unit.parent is not None
    parent = _served(machine, unit.parent)
    planes, n, j = list(parent), unit.count, unit.ordinal
    if len(planes) % n == 0:
        size = len(planes) // n
        return {k: parent[k] for k in planes[j * size : (j + 1) * size]}
    sharers = n // len(planes)
    assert sharers * len(planes) == n, f"{n} {unit.template} cannot share {len(planes)} planes."
    k = planes[j // sharers]
    return {k: parent[k] / sharers}


def fed(supplier: Unit) -> list[Unit]:
    """What one copy of a supplier feeds: its block of all that its parent holds."""
    if supplier.feeds is None or supplier.parent is None:
        return []
    found = supplier.parent.find(supplier.feeds)
    size = len(found) // supplier.count
    assert size * supplier.count == len(found), f"{supplier.template} cannot divide {len(found)}."
    return found[supplier.ordinal * size : (supplier.ordinal + 1) * size]


def _total(reaches: Iterable[Reach]) -> Reach:
    total: Reach = {}
    for each in reaches:
        for target, x in each.items():
            total[target] = min(1.0, total.get(target, 0.0) + x)
    return total


def losses(
    machine: Machine,
    failed: Iterable[Part],
    repairs: Iterable[tuple[Part, Unit]] = (),
    switched: bool = True,
) -> list[Loss]:
    """All active losses, given the failed parts and the repairs as (first failure, unit out).

    While its repair takes a unit out, a failure takes that and not its own loss besides. Spares that circuits must be
    switched for have stepped in (`switched`), or not.
    """
    result = []
    out: dict[Unit, list[Part]] = {}
    for opener, unit in repairs:
        out.setdefault(unit, []).append(opener)
    openers = {opener for each in out.values() for opener in each}
    down: dict[Counting | Structured, dict[Unit | Part, list[Part]]] = {}
    for part in failed:
        if part.counting is not None and part.element is not None:
            down.setdefault(part.counting, {}).setdefault(part.element, []).append(part)
        elif part not in openers:
            whole, way = reach(machine, part.unit), part.direction
            result.append(Loss(whole, 1.0 - part.leaves, {part: 1.0}, direction=way))
    for unit, causes in out.items():
        if unit.counting is not None and unit.element is not None:  # out: a failed element
            down.setdefault(unit.counting, {}).setdefault(unit.element, []).extend(causes)
            openers.difference_update(causes)
        else:
            result.append(Loss(reach(machine, unit), 1.0, dict.fromkeys(causes, 1.0)))
    for group, elements in down.items():
        waits = not switched and group.switched
        fraction = group.without_spares(len(elements)) if waits else group.lost(elements)
        if fraction:
            shares = {
                part: 1.0 / len(elements) / len(set(parts))
                for parts in elements.values()
                for part in parts
                if part not in openers
            }
            whole, number = group_reach(machine, group), len(elements)
            result.append(Loss(whole, fraction, shares, group, number, group.direction))
    return result


def combine(machine: Machine, active: Iterable[Loss]) -> Capacities:
    """Every loss keeps (1 - x) of what it reaches, and the losses multiply, in each direction by itself."""
    active = list(active)
    if not one_way(machine):
        return _combine(machine, active)
    sent, received = (_combine(machine, active, way) for way in ("send", "receive"))
    return dataclasses.replace(sent, received=received)


def one_way(machine: Machine) -> bool:
    """Whether any part fails in one direction."""
    if "one way" not in machine.memo:
        machine.memo["one way"] = any(part.direction is not None for part in machine.parts)
    return machine.memo["one way"]


def hits(loss: Loss, target: tuple, way: str | None) -> bool:
    """Whether a loss takes something of what accelerators send (or receive) by its target."""
    if loss.direction is None or way is None:
        return True
    if target[0] == "plane":  # what a plane sends is what accelerators receive
        return loss.direction != way
    return loss.direction == way


def _combine(machine: Machine, active: Iterable[Loss], way: str | None = None) -> Capacities:
    n = len(machine.accelerators)
    whole = machine.memo.setdefault("whole", [1.0] * machine.plane_count)
    trunk = machine.scenario.fabric.trunk
    trunks = [] if trunk is None else [1.0] * len(machine.units[trunk.unit])
    result = Capacities([1.0] * n, [whole] * n, whole.copy(), trunks)
    for loss in active:
        for target, share in loss.reach.items():
            if not hits(loss, target, way):
                continue
            keep = 1.0 - share * loss.fraction
            if target[0] == "compute":
                result.compute[target[1]] *= keep
            elif target[0] == "plane":
                result.planes[target[1]] *= keep
            elif target[0] == "trunk":
                result.trunks[target[1]] *= keep
            else:
                if result.links[target[1]] is whole:  # copy on the first loss
                    result.links[target[1]] = whole.copy()
                result.links[target[1]][target[2]] *= keep
    return result


def capacities(
    machine: Machine, failed: Iterable[Part] = (), out: Iterable[Unit] = ()
) -> Capacities:
    """What is left when these parts have failed and these units are out of service.

    **Example:**
    ```python
    machine = build(fdmc.spec.load("cpo-512"))
    capacities(machine, [machine.part("package/gpu", 3)]).compute[3]  # 0.0
    ```
    """
    nobody = Part("", 0, machine.root, [], ())
    return combine(machine, losses(machine, failed, [(nobody, unit) for unit in out]))


def weights(machine: Machine, loss: Loss) -> dict[Any, float]:
    """Accelerators that each cause has taken: fractions of compute, or of lanes."""
    n, k = len(machine.accelerators), machine.plane_count
    trunk = machine.scenario.fabric.trunk
    below = 0.0 if trunk is None else n / len(machine.units[trunk.unit])
    each = {"compute": 1.0, "link": 1.0 / max(k, 1), "plane": n / max(k, 1), "trunk": below}
    taken = sum(each[target[0]] * share for target, share in loss.reach.items())
    taken *= 1.0 if loss.direction is None else 0.5  # one direction is half of a lane
    return {part: taken * loss.fraction * share for part, share in loss.causes.items()}


def touched(machine: Machine, reaches: Iterable[Reach]) -> set[int]:
    """The accelerators that have lost something: all of them when a plane has."""
    numbers: set[int] = set()
    for each in reaches:
        if any(target[0] == "plane" for target in each):
            return set(range(len(machine.accelerators)))
        for target in each:
            trunk = machine.scenario.fabric.trunk
            if target[0] == "trunk" and trunk is not None:
                unit = machine.units[trunk.unit][target[1]]
                numbers.update(a.number for a in unit.find(machine.scenario.fabric.accelerator))
            else:
                numbers.add(target[1])
    return numbers
