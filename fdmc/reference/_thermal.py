"""Heat and lock by small explicit steps: slow, obvious, and without a single exponential of a matrix."""

import dataclasses
from collections.abc import Callable, Sequence


Matrix = Sequence[Sequence[float]]


@dataclasses.dataclass(frozen=True)
class HeatPath:
    """One conductance in W/K between two nodes, or from a node to a boundary."""

    node: int
    other: int
    watts_per_kelvin: float
    boundary: bool = False


def heat_history(
    capacitance: Sequence[float],
    paths: Sequence[HeatPath],
    start_kelvin: Sequence[float],
    watts_at: Callable[[float], Sequence[float]],
    boundary_kelvin: Sequence[float],
    seconds: float,
    steps: int,
) -> list[list[float]]:
    """Temperatures at the ends of `steps` small steps, by Heun's rule (explicit, second order)."""
    dt = seconds / steps
    kelvin, history = list(start_kelvin), []
    for number in range(steps):
        watts = watts_at((number + 0.5) * dt)
        first = _speeds(capacitance, paths, kelvin, watts, boundary_kelvin)
        there = [t + dt * v for t, v in zip(kelvin, first, strict=True)]
        second = _speeds(capacitance, paths, there, watts, boundary_kelvin)
        kelvin = [t + dt * (u + v) / 2 for t, u, v in zip(kelvin, first, second, strict=True)]
        history.append(kelvin)
    return history


def _speeds(
    capacitance: Sequence[float],
    paths: Sequence[HeatPath],
    kelvin: Sequence[float],
    watts: Sequence[float],
    boundary_kelvin: Sequence[float],
) -> list[float]:
    """Heat that flows into each node over its capacity: K/s."""
    into = list(watts)
    for path in paths:
        there = boundary_kelvin[path.other] if path.boundary else kelvin[path.other]
        flow = path.watts_per_kelvin * (kelvin[path.node] - there)
        into[path.node] -= flow
        if not path.boundary:
            into[path.other] += flow
    return [heat / c for heat, c in zip(into, capacitance, strict=True)]


@dataclasses.dataclass(frozen=True)
class RingLimits:
    """What keeps a ring on its channel; fields as in the model."""

    top_kelvin: float
    range_kelvin: float
    budget_kelvin: float
    tracking_kelvin_per_second: float
    relock_seconds: float


@dataclasses.dataclass(frozen=True)
class LockRecord:
    """Seconds dead, seconds beyond a limit, and times that lock was lost."""

    dead_seconds: float
    outside_seconds: float
    losses: int


def lock_history(ring: RingLimits, kelvin: Sequence[float], dt: float) -> LockRecord:
    """Watch a ring whose temperature is given at regular small steps."""
    dead = outside = waiting = 0.0
    losses, locked = 0, True
    for before, now in zip(kelvin, kelvin[1:], strict=False):
        too_hot = now > ring.top_kelvin + ring.budget_kelvin
        heater_is_full = now < ring.top_kelvin - ring.range_kelvin - ring.budget_kelvin
        too_fast = abs(now - before) / dt > ring.tracking_kelvin_per_second
        if too_hot or heater_is_full or too_fast:
            if locked:
                losses += 1
            locked, waiting = False, ring.relock_seconds
            outside += dt
            dead += dt
        elif waiting > 0:
            waiting -= dt
            dead += dt
        else:
            locked = True
    return LockRecord(dead, outside, losses)


def solved(matrix: Matrix, right: Sequence[float]) -> list[float]:
    """Gaussian elimination with the largest pivot: steady temperatures from conductances."""
    rows = [[*map(float, row), float(b)] for row, b in zip(matrix, right, strict=True)]
    n = len(rows)
    for i in range(n):
        best = max(range(i, n), key=lambda r: abs(rows[r][i]))
        rows[i], rows[best] = rows[best], rows[i]
        for r in range(i + 1, n):
            factor = rows[r][i] / rows[i][i]
            rows[r] = [a - factor * b for a, b in zip(rows[r], rows[i], strict=True)]
    x = [0.0] * n
    for i in reversed(range(n)):
        x[i] = (rows[i][n] - sum(rows[i][j] * x[j] for j in range(i + 1, n))) / rows[i][i]
    return x
