"""Lanes that are divided: classes of traffic, and two levels joined by trunks: section 4 of the contract."""

import dataclasses
import math
from collections.abc import Callable

from ..spec import Collective
from ._capacity import Capacities, one_way
from ._direction import Hops, directions, exact, seconds as seconds_both_ways
from ._machine import Machine
from ._torus import torus_of


Timer = Callable[[Collective, float, float, float, float], float]
"""Seconds of a collective among n, of min_i b_i, sum_i b_i and sum_k min_i c_ik in bytes/s."""


def divided(machine: Machine) -> bool:
    """Whether some collective does not have all lanes of one level, both ways."""
    fabric = machine.scenario.fabric
    if one_way(machine):
        return True
    two = fabric.trunk is not None or fabric.torus is not None
    return two or classes_in_use(machine) != [None]


def classes_in_use(machine: Machine) -> list[str | None]:
    """The classes of the job's collectives; None is what has no class."""
    if machine.scenario.fabric.classes is None:
        return [None]
    found = dict.fromkeys(each.traffic for each in machine.scenario.workload.collectives)
    return list(found) or [None]


def granted(machine: Machine, left: float) -> dict[str | None, float]:
    """What each class gets of a link that keeps the part `left`: handed out by priority, the rest comes last."""
    classes = machine.scenario.fabric.classes
    if classes is None:
        return {None: left}
    found: dict[str | None, float] = {}
    for priority in sorted({each.priority for each in classes.values()}):
        level = {name: each.share for name, each in classes.items() if each.priority == priority}
        wanted = sum(level.values())
        given = min(wanted, left)
        for name, share in level.items():
            found[name] = share * given / wanted
        left -= given
    rest = 1.0 - sum(each.share for each in classes.values())
    found[None] = min(rest, left)
    return found


def has_lanes(machine: Machine, state: Capacities, accelerator: int) -> bool:
    """Whether an accelerator has lanes of every class in use, in each direction, and a trunk above it."""
    for way in directions(state):
        row = way.links[accelerator]
        for name in classes_in_use(machine):
            lanes = [granted(machine, x * p)[name] for x, p in zip(row, way.planes, strict=True)]
            if machine.plane_count and not sum(lanes) > 1e-12:
                return False
    return trunk_of(machine, state, accelerator) > 0


def is_whole(machine: Machine, state: Capacities, accelerator: int) -> bool:
    """Whether an accelerator that can send by all its lanes receives by all too, and has a trunk above it."""
    ways = directions(state)
    whole = all(x == 1.0 for way in ways for x in way.links[accelerator])
    return (len(ways) == 1 or whole) and trunk_of(machine, state, accelerator) > 0


def trunk_of(machine: Machine, state: Capacities, accelerator: int) -> float:
    """What is left of the trunk of its unit; 1 where there is none."""
    return state.trunks[_unit(machine, accelerator)] if state.trunks else 1.0


def _unit(machine: Machine, accelerator: int) -> int:
    return accelerator * len(machine.units[_trunk(machine).unit]) // len(machine.accelerators)


def _trunk(machine: Machine):
    trunk = machine.scenario.fabric.trunk
    assert trunk is not None
    return trunk


def step(
    machine: Machine,
    state: Capacities,
    available: frozenset[int],
    used: int,
    light: float,
    timer: Timer,
    hops: Hops,
) -> tuple[float, dict[str, float], bool]:
    """Step time in seconds, the time of the collectives by operation, and the exactness flag."""
    workload, fabric = machine.scenario.workload, machine.scenario.fabric
    lane = fabric.lane_rate_gbps * fabric.efficiency * 1e9 / 8  # bytes/s
    if fabric.torus is not None:
        return _on_torus(machine, state, lane * fabric.lanes_per_link * light)
    units = sorted({_unit(machine, i) for i in available}) if state.trunks else []
    times: dict[str, float] = {}
    waits: dict[str | None, float] = {}
    for each in workload.collectives:
        name = each.traffic
        link = fabric.lanes_per_link * lane * light
        both = [
            [
                [
                    link * granted(machine, x * p)[name]
                    for x, p in zip(way.links[i], way.planes, strict=True)
                ]
                for i in sorted(available)
            ]
            for way in directions(state)
        ]
        c = both[0]
        b = [sum(row) for row in c]
        total = sum(b) * used / len(available)
        common = sum(min(row[k] for row in c) for k in range(machine.plane_count))
        inside = (min(b), total, common)
        if len(both) > 1:
            seconds = seconds_both_ways(machine, each, both[0], both[1], used, hops)
        elif units:
            trunk = _trunk(machine)
            rate = trunk.lanes * trunk.lane_rate_gbps * fabric.efficiency * 1e9 / 8
            t = [rate * granted(machine, state.trunks[u])[name] for u in units]
            across = (min(t), sum(t), min(t))
            seconds = _two_levels(each, timer, used, len(units), inside, across)
        else:
            seconds = timer(each, used, *inside)
        times[each.op] = times.get(each.op, 0.0) + seconds
        waits[name] = waits.get(name, 0.0) + max(0.0, seconds - each.overlap_seconds)
    slowest = min(state.compute[i] for i in available)
    longest = max(waits.values(), default=0.0)
    return (
        workload.compute_seconds / slowest + longest,
        times,
        _exact(machine, state, available, units),
    )


def _two_levels(
    each: Collective,
    timer: Timer,
    used: int,
    units: int,
    inside: tuple[float, float, float],
    across: tuple[float, float, float],
) -> float:
    """The phases one after another; an all-to-all is done when both levels are."""
    mean = used / units

    def phase(
        op: str, n: int | float, level: tuple[float, float, float], size: float = 1.0
    ) -> float:
        part = dataclasses.replace(each, op=op, size_bytes=size * each.size_bytes)
        return timer(part, n, *level)

    match each.op:
        case "all_reduce":
            return (
                phase("reduce_scatter", mean, inside)
                + phase("all_reduce", units, across)
                + phase("all_gather", mean, inside)
            )
        case "all_to_all":
            return max(phase(each.op, used, inside), phase(each.op, units, across, mean))
        case _:
            return phase(each.op, mean, inside) + phase(each.op, units, across)


def _exact(
    machine: Machine, state: Capacities, available: frozenset[int], units: list[int]
) -> bool:
    if not machine.scenario.workload.collectives:
        return True
    if state.received is not None:
        return exact(machine, state, available)
    if units:
        trunks = sum(state.trunks[u] == 1.0 for u in units)
        return 4 * trunks > 3 * len(units) and all(
            math.prod(state.links[i]) == 1.0 for i in available
        )
    return all(
        state.planes[k] == 0
        or 4 * sum(state.links[i][k] >= 1 for i in available) > 3 * len(available)
        for k in range(machine.plane_count)
    )


def _on_torus(
    machine: Machine, state: Capacities, link: float
) -> tuple[float, dict[str, float], bool]:
    """As `step`; every slice is the same torus of whole cubes, and pays for the switches that are lost."""
    workload, torus = machine.scenario.workload, torus_of(machine, state)
    times: dict[str, float] = {}
    t = workload.compute_seconds
    for each in workload.collectives:
        seconds = torus.seconds(each, link)
        times[each.op] = times.get(each.op, 0.0) + seconds
        t += max(0.0, seconds - each.overlap_seconds)
    return t, times, not workload.collectives or torus.whole
