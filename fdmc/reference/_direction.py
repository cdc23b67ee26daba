"""Links that send and receive at unequal rates: section 4 of the contract, from every link by itself."""

from collections.abc import Callable

from ..spec import Collective
from ._capacity import Capacities
from ._machine import Machine


Rows = list[list[float]]
"""Bytes a second from (or to) each accelerator that works, by plane."""
Hops = Callable[[str, str, float], float]
"""Messages that follow one another: of an operation, an algorithm and participants."""


def seconds(
    machine: Machine, each: Collective, send: Rows, receive: Rows, used: int, hops: Hops
) -> float:
    """Seconds of a collective among `used`, who are like those of the rows."""
    n, planes = float(used), range(machine.plane_count)
    if n <= 1:
        return 0.0
    idle = n / len(send)  # what whole slices leave over is like the rest
    u, d = [min(sum(row) for row in rows) for rows in (send, receive)]
    b = idle * sum(min(sum(row[k] for row in rows) for rows in (send, receive)) for k in planes)
    common = sum(min(min(row[k] for row in rows) for rows in (send, receive)) for k in planes)
    if min(u, d, b) <= 0:
        return float("inf")
    s, hop = each.size_bytes, each.latency_seconds or 0.0
    times = []
    for algorithm in each.algorithms:
        if algorithm == "optimal":
            moving = _optimal(each.op, s, n, u, d, b)
        elif algorithm == "in_switch":
            moving = s * (1 + 1 / n) / common if common > 0 else float("inf")
        else:
            moving = _paced(each.op, algorithm, s, n, min(u, d, b / n))
        times.append(moving + hop * hops(each.op, algorithm, n))
    return min(times)


def _optimal(op: str, s: float, n: float, u: float, d: float, b: float) -> float:
    """No accelerator sends, and none receives, less than it must; all planes pass on what all receive."""
    match op:
        case "all_reduce":
            return s * max(1 / u, 1 / d, 2 * (n - 1) / b)
        case "all_gather":
            return s * max((n - 1) / n / d, 1 / n / u, (n - 1) / b)
        case "reduce_scatter":
            return s * max((n - 1) / n / u, 1 / n / d, (n - 1) / b)
        case "all_to_all":
            return s * (n - 1) / n * max(1 / u, 1 / d, n / b)
        case _:  # broadcast
            return s * max(1 / u, 1 / d, (n - 1) / b)


def _paced(op: str, algorithm: str, s: float, n: float, pace: float) -> float:
    """Everybody sends and receives at one pace."""
    if op == "broadcast":
        return s / pace
    if op == "all_reduce":
        return 2 * s / pace if algorithm == "tree" else 2 * (n - 1) / n * s / pace
    return (n - 1) / n * s / pace


def directions(state: Capacities) -> list[Capacities]:
    """What is left to send by, and what is left to receive by; one for both where nothing fails one way."""
    return [state] if state.received is None else [state, state.received]


def exact(machine: Machine, state: Capacities, available: frozenset[int]) -> bool:
    """Whether the forms are the optimum: on every live plane 3/4 have all their lanes, in either direction.

    Where something goes from each to each other one or from one to all, planes also send as fast as they receive.
    """
    operations = {each.op for each in machine.scenario.workload.collectives}
    planes = range(machine.plane_count)
    if operations & {"all_to_all", "broadcast"}:
        sent, received = directions(state)
        if any(abs(sent.planes[k] - received.planes[k]) > 1e-9 for k in planes):
            return False
    return all(
        way.planes[k] == 0 or 4 * sum(way.links[i][k] >= 1 for i in available) > 3 * len(available)
        for way in directions(state)
        for k in planes
    )
