"""A k-hop ring of nodes, as a graph: who reaches whom, and what a job can do with the pieces."""

import math

from ..spec import Collective
from ._capacity import Capacities
from ._machine import Machine
from ._policy import Choice


def pieces(live: list[bool], hops: int, closed: bool) -> list[list[int]]:
    """The live nodes that reach each other, by links of up to `hops` places; a live node passes on."""
    n, found, seen = len(live), [], set()
    for start in range(n):
        if not live[start] or start in seen:
            continue
        piece, todo = [], [start]
        seen.add(start)
        while todo:
            here = todo.pop()
            piece.append(here)
            for step in range(-hops, hops + 1):
                there = here + step
                if closed:
                    there %= n
                elif not 0 <= there < n:
                    continue
                if live[there] and there not in seen:
                    seen.add(there)
                    todo.append(there)
        found.append(sorted(piece))
    return found


def on_the_ring(machine: Machine, state: Capacities, fit: set[int]) -> Choice:
    """Nodes work whose accelerators are all fit, in whole groups of one piece."""
    scenario = machine.scenario
    ring, accelerator = scenario.fabric.ring, scenario.fabric.accelerator
    assert ring is not None
    nodes = [[a.number for a in unit.find(accelerator)] for unit in machine.units[ring.node]]
    live = [all(i in fit for i in node) and _lit(state, node) for node in nodes]
    size = len(nodes[0])
    parallel = scenario.workload.parallel
    group = max(1, (1 if parallel is None else parallel.tensor) // size)
    parts = [len(piece) // group * group for piece in pieces(live, ring.hops, ring.closed)]
    alone = any(each.group is None for each in scenario.workload.collectives)
    used = size * (max(parts, default=0) if alone else sum(parts))
    available = frozenset(i for node, up in zip(nodes, live, strict=True) if up for i in node)
    return Choice(available, used, used / len(machine.accelerators))


def _lit(state: Capacities, node: list[int]) -> bool:
    """Whether every accelerator of a node has lanes to both sides."""
    return all(min(state.links[i]) > 0 for i in node)


def step(
    machine: Machine, state: Capacities, choice: Choice, light: float
) -> tuple[float, dict[str, float], bool]:
    """Step time in seconds, the time of the collectives by operation, and the exactness flag."""
    workload, fabric = machine.scenario.workload, machine.scenario.fabric
    lane = fabric.lanes_per_link * fabric.lane_rate_gbps * fabric.efficiency * 1e9 / 8 * light
    sides = [[lane * x for x in state.links[i]] for i in sorted(choice.available)]
    ports = [left + right for left, right in sides]
    weakest = min(min(side) for side in sides)
    times: dict[str, float] = {}
    t = workload.compute_seconds / min(state.compute[i] for i in choice.available)
    for each in workload.collectives:
        n = choice.used
        if each.group == "tensor" and workload.parallel is not None:
            n = min(n, workload.parallel.tensor)
        total = sum(ports) * n / len(ports)
        seconds = seconds_of(each, n, weakest, lane, min(ports), total)
        times[each.op] = times.get(each.op, 0.0) + seconds
        t += max(0.0, seconds - each.overlap_seconds)
    return t, times, not workload.collectives or weakest >= lane


def seconds_of(
    each: Collective, n: int, weakest: float, whole: float, port: float, ports: float
) -> float:
    """Seconds of one collective; bytes/s of the weakest link, of a whole one, of the least port, of all ports."""
    if n <= 1:
        return 0.0
    found = []
    for algorithm in each.algorithms:
        round_trips = 2 if each.op == "all_reduce" else 1
        hops = round_trips * (n - 1 if algorithm == "ring" else n // 2)
        pairs = (n // 2) * (n - n // 2)  # between two halves
        match each.op, algorithm:
            case "all_to_all", "optimal":
                moved = max(pairs / (weakest + whole), (n - 1) / port) / n
            case "all_to_all", _:
                moved = pairs / (2 * weakest) / n
            case _, "ring":
                moved = round_trips * (n - 1) / n / (2 * weakest)
            case "all_reduce" | "broadcast", _:
                moved = max(1 / port, round_trips * (n - 1) / ports)
            case _:
                moved = (n - 1) / n / port
        found.append(moved * each.size_bytes + hops * (each.latency_seconds or 0.0))
    return min(found, default=math.inf)
