"""From capacities to the work rate and the goodput: section 4 of the contract."""

import dataclasses
import math
import operator
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..spec import Collective, Workload
from ._capacity import Capacities, combine
from ._fabric import divided, has_lanes, is_whole, step
from ._machine import Machine
from ._policy import Choice, across, choose, members
from ._ring import on_the_ring, step as step_on_the_ring


if TYPE_CHECKING:
    from ._history import Outcome


@dataclasses.dataclass(frozen=True)
class Work:
    """What a state is worth; `available` is what the policy leaves, before slices are cut."""

    rate: float
    used: int
    available: frozenset[int]
    efficiency: dict[str, float]
    exact: bool
    whole: bool
    choice: Choice


def work(machine: Machine, state: Capacities, light: float | None = None) -> Work:
    """The work rate of a state, relative to the healthy machine at the same work per step.

    Of all lanes `light` is the share that has its light between excursions (None: that at nominal temperatures); the
    healthy machine has all of it.
    """
    workload = machine.scenario.workload
    healthy = combine(machine, [])
    if "healthy" not in machine.memo:
        machine.memo["healthy"] = _step(machine, healthy, _choice(machine, healthy), 1.0)
    t0, times0 = machine.memo["healthy"][:2]
    choice = _choice(machine, state)
    available, used = choice.available, choice.used
    whole = state == healthy
    if used == 0 or used < workload.minimum:
        return Work(0.0, used, available, {}, True, whole, choice)
    light = 1.0 - machine.heat.lost(0.0) if light is None else light
    t, times, exact = _step(machine, state, choice, light)
    rate = choice.share * t0 / t
    efficiency = {op: times0[op] / times[op] if times[op] > 0 else 1.0 for op in times}
    return Work(rate, used, available, efficiency if rate > 0 else {}, exact, whole, choice)


def healthy_seconds(machine: Machine) -> float:
    """Seconds of a step of the healthy machine."""
    healthy = combine(machine, [])
    return _step(machine, healthy, _choice(machine, healthy), 1.0)[0]


def _choice(machine: Machine, state: Capacities) -> Choice:
    """Accelerators that the policy lets work, and how many of them whole slices use."""
    policy = machine.scenario.fabric.policy
    rows = {id(row): row for row in state.links}  # accelerators without a loss share one row
    if policy.kind != "park":
        lanes = {key: sum(map(operator.mul, row, state.planes)) for key, row in rows.items()}
        fit = [
            live > 0 and (lanes[id(row)] > 0 or machine.plane_count == 0)
            for live, row in zip(state.compute, state.links, strict=True)
        ]
    else:
        intact = {key: all(x == 1.0 for x in row) for key, row in rows.items()}
        fit = [
            live == 1.0 and intact[id(row)]
            for live, row in zip(state.compute, state.links, strict=True)
        ]
    if divided(machine):
        keeps = has_lanes if policy.kind != "park" else is_whole
        fit = [good and keeps(machine, state, i) for i, good in enumerate(fit)]
    groups = [group for group in _parking(machine) if all(fit[i] for i in group)]
    if machine.scenario.fabric.ring is not None:
        return on_the_ring(machine, state, {i for group in groups for i in group})
    return choose(machine, state, groups)


def _parking(machine: Machine) -> list[list[int]]:
    """The accelerators of each parking unit."""
    if "parking" not in machine.memo:
        fabric = machine.scenario.fabric
        parked = fabric.policy.unit if fabric.policy.kind == "park" else None
        units = machine.units[parked or fabric.accelerator]
        machine.memo["parking"] = [[a.number for a in u.find(fabric.accelerator)] for u in units]
    return machine.memo["parking"]


def _step(
    machine: Machine, state: Capacities, choice: Choice, light: float
) -> tuple[float, dict[str, float], bool]:
    """Step time in seconds, the time of the collectives by operation, and the exactness flag.

    `light` is the share of all lanes that have their light.
    """
    available, used = choice.available, choice.used
    if machine.scenario.fabric.ring is not None:
        return step_on_the_ring(machine, state, choice, light)
    if divided(machine):
        return step(machine, state, available, used, light, _collective, _hops)
    workload, fabric = machine.scenario.workload, machine.scenario.fabric
    link = fabric.lanes_per_link * fabric.lane_rate_gbps * fabric.efficiency * 1e9 / 8  # bytes/s
    link *= light
    # Equal accelerators are taken together: (live compute, its links) -> how many; rows c_ik, b_i.
    rows = {id(row): row for row in state.links}
    kinds = Counter((state.compute[i], id(state.links[i])) for i in available)
    c = {
        kind: [link * x * p for x, p in zip(rows[kind[1]], state.planes, strict=True)]
        for kind in kinds
    }
    b = {kind: sum(row) for kind, row in c.items()}
    least = min(b.values())
    # What whole slices leave idle is like the rest, and the slowest is among those that work.
    total = sum(b[kind] * count for kind, count in kinds.items()) * used / len(available)
    common = sum(min(row[k] for row in c.values()) for k in range(machine.plane_count))
    times: dict[str, float] = {}
    t = workload.compute_seconds / min(compute for compute, _ in kinds) / choice.pace
    for each in workload.collectives:
        many = members(machine, each, choice)
        seconds = _collective(each, float(many), least, total, common) + across(machine, each, many)
        times[each.op] = times.get(each.op, 0.0) + seconds
        t += max(0.0, seconds - each.overlap_seconds)
    whole = [
        sum(n for kind, n in kinds.items() if rows[kind[1]][k] >= 1)
        for k in range(machine.plane_count)
    ]
    exact = not workload.collectives or all(
        state.planes[k] == 0 or 4 * whole[k] > 3 * len(available)
        for k in range(machine.plane_count)
    )
    return t, times, exact


def _collective(
    each: Collective, n: int | float, least: float, total: float, common: float
) -> float:
    """Seconds; `least` is min_i b_i, `total` sum_i b_i, `common` sum_k min_i c_ik, in bytes/s."""
    if n <= 1:
        return 0.0
    if least == 0:
        return math.inf
    hop = each.latency_seconds or 0.0
    return min(
        _moving(each, algorithm, n, least, total, common) + hop * _hops(each.op, algorithm, n)
        for algorithm in each.algorithms
    )


def _moving(
    each: Collective, algorithm: str, n: int | float, least: float, total: float, common: float
) -> float:
    """Seconds for the bytes alone."""
    s = each.size_bytes
    match each.op, algorithm:
        case "all_reduce", "ring" | "recursive" | "direct":
            return 2 * (n - 1) / n * s / least
        case "all_reduce", "tree":
            return 2 * s / least
        case "all_reduce", "in_switch":
            return s * (1 + 1 / n) / common if common > 0 else math.inf
        case "all_reduce", "optimal":
            return s * max(1 / least, 2 * (n - 1) / total)
        case "broadcast", "tree":
            return s / least
        case "broadcast", "optimal":
            return s * max(1 / least, (n - 1) / total)
        case _:  # all-gather, reduce-scatter, all-to-all
            return (n - 1) / n * s / least


def _hops(op: str, algorithm: str, n: int | float) -> float:
    """Messages that follow one another; an all-reduce is a reduce-scatter and an all-gather, or up a tree and down."""
    both = 2.0 if op == "all_reduce" else 1.0
    match algorithm:
        case "ring":
            return both * (n - 1)
        case "recursive" | "tree":
            return both * math.log2(n)
        case "direct":
            return both
        case _:  # optimal: the least that any takes; in the switch: there and back at once
            return 1.0


def ettr(
    workload: Workload,
    mean_run_hours: float,
    drains_per_hour: float = 0.0,
    reconfigure_seconds: float = 0.0,
) -> float:
    """Exact Daly: the share of the running time that is not lost to checkpoints and restarts."""
    checkpoint = workload.checkpoint
    delta, given = checkpoint.write_seconds / 3600, checkpoint.interval_seconds
    resume = (workload.restart.resume_seconds + reconfigure_seconds) / 3600
    restart = workload.restart.detect_seconds / 3600 + resume
    m = mean_run_hours
    if math.isinf(m):
        share = 1.0 if given is None else given / 3600 / (given / 3600 + delta)
    else:
        tau = given / 3600 if given is not None else _interval(m, delta, checkpoint.interval_rule)
        share = 1.0 if tau == 0 else (tau / m) / math.expm1((tau + delta) / m)
        share *= math.exp(-restart / m)
    return max(0.0, share - drains_per_hour * resume)


def _interval(m: float, delta: float, rule: str | None) -> float:
    """Young's, Daly's or the best work between checkpoints."""
    if rule == "young":
        return math.sqrt(2 * delta * m)
    if rule == "daly":
        if delta >= 2 * m:
            return m
        root = math.sqrt(delta / (2 * m))
        return math.sqrt(2 * delta * m) * (1 + root / 3 + root**2 / 9) - delta
    return _optimal_interval(m, delta)


def _optimal_interval(m: float, delta: float) -> float:
    """The tau with 1 - tau / M = exp(-(tau + delta) / M), by bisection."""
    low, high = 0.0, m
    for _ in range(200):
        tau = (low + high) / 2
        if 1 - tau / m > math.exp(-(tau + delta) / m):
            low = tau
        else:
            high = tau
    return high


def goodput(machine: Machine, outcomes: Sequence["Outcome"], domains: int = 1) -> float:
    """ETTR times the time-average of the work rate, over all histories together.

    Of `domains` with one job every stop stops all; each works at its own rate.
    """
    reconfigure = machine.scenario.fabric.reconfigure
    switch = 0.0 if reconfigure is None else reconfigure.seconds
    hours = sum(each.hours for each in outcomes)
    running = sum(each.running_hours for each in outcomes)
    interruptions = sum(each.interruptions for each in outcomes)
    waits = 0
    if reconfigure is not None and not reconfigure.restart:
        waits = sum(each.reconfigurations for each in outcomes)
    stops = (interruptions - waits) * domains
    mean_run = running / stops if stops else math.inf
    drains = domains * sum(each.drains for each in outcomes) / running if running else 0.0
    rate = sum(each.work for each in outcomes) / hours
    kept = ettr(machine.scenario.workload, mean_run, drains, switch)
    return rate * max(0.0, kept - domains * waits * switch / 3600 / hours)
