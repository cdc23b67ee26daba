"""Temperatures of a package: its network solved, stepped and settled, number by number.

Seconds, watts and kelvin here; everything else in this folder counts in hours.
"""

import dataclasses
import math
from collections.abc import Sequence

from ..spec import ConstantLoad, MarkovLoad, NoisyLoad, Scenario, SquareLoad, Thermal
from ._thermal import solved


Points = tuple[tuple[float, float], ...]  # (value, share of time)
Orbit = list[tuple[list[float], list[float], float]]  # kelvin, kelvin a second, share of time


@dataclasses.dataclass(frozen=True)
class Network:
    """The numbers of a template: K/W by path ('compute-plate'), J/K and watts at full load by node."""

    kelvin_per_watt: dict[str, float]
    joules_per_kelvin: dict[str, float]
    watts: dict[str, float]


@dataclasses.dataclass(frozen=True)
class Node:
    """What one node goes through: `busy` while the job runs, `stopped` kelvin while it does not.

    `low` and `high` are the ends of the swing of a load that swings regularly, else the mean; `speeds` are
    kelvin a second, always positive, `fastest` the highest of them after each switch of the load; a random load has
    standard deviations of temperature and speed.
    """

    busy: Points
    low: float
    high: float
    speeds: Points
    fastest: tuple[float, ...]
    sd: float
    speed_sd: float
    stopped: float
    stop_share: float

    @property
    def points(self) -> Points:
        """All temperatures with their shares of time, stops included."""
        if self.stop_share == 0:
            return self.busy
        running = tuple((kelvin, share * (1 - self.stop_share)) for kelvin, share in self.busy)
        return (*running, (self.stopped, self.stop_share))

    @property
    def mean(self) -> float:
        """Mean temperature while the job runs."""
        return math.fsum(kelvin * share for kelvin, share in self.busy)


def temperatures(scenario: Scenario, network: Network) -> dict[str, Node]:
    """Every node of the package of a scenario, its own numbers put in place of the template's."""
    thermal = scenario.thermal
    assert thermal is not None, "nothing is said about heat."
    package = _Package(thermal, network)
    stopped = package.steady(0.0)
    stops = thermal.stops
    share = stops.hours / stops.every_hours if stops else 0.0
    return {
        name: Node(*package.lived(i), stopped=stopped[i], stop_share=share)
        for i, name in enumerate(package.names)
    }


class _Package:
    """`C dT/dt = watts(load) + outside - G T`, node by node."""

    def __init__(self, thermal: Thermal, network: Network):
        self.load = thermal.load
        stored = {**network.joules_per_kelvin, **thermal.capacitance}
        watts = {**network.watts, **thermal.watts}
        self.names = list(stored)
        self.n = n = len(stored)
        self.joules = [stored[name] for name in self.names]
        self.idle = [watts[name] * thermal.idle for name in self.names]
        self.swing = [watts[name] * (1 - thermal.idle) for name in self.names]
        self.outside, self.G = [0.0] * n, [[0.0] * n for _ in range(n)]
        boundaries = {"coolant": thermal.coolant_kelvin, "air": thermal.air_kelvin}
        for path, ohms in {**network.kelvin_per_watt, **thermal.resistance}.items():
            start, end = path.split("-")
            i = self.names.index(start)
            self.G[i][i] += 1 / ohms
            if end in boundaries:
                self.outside[i] += boundaries[end] / ohms
                continue
            j = self.names.index(end)
            self.G[j][j] += 1 / ohms
            self.G[i][j] -= 1 / ohms
            self.G[j][i] -= 1 / ohms
        self.A = [[-g / c for g in row] for row, c in zip(self.G, self.joules, strict=True)]
        self.orbit = self.settled(self.load) if isinstance(self.load, SquareLoad) else None
        self.random = None if self.orbit else self.normal()

    def watts(self, load: float) -> list[float]:
        return [a + b * load for a, b in zip(self.idle, self.swing, strict=True)]

    def push(self, load: float) -> list[float]:
        """What heats each node, in K/s, before anything flows between them."""
        heat = zip(self.watts(load), self.outside, self.joules, strict=True)
        return [(w + o) / c for w, o, c in heat]

    def steady(self, load: float) -> list[float]:
        return solved(self.G, [w + o for w, o in zip(self.watts(load), self.outside, strict=True)])

    def lived(self, i: int) -> tuple[Points, float, float, Points, tuple[float, ...], float, float]:
        """Busy points, low, high, speeds, fastest, and the standard deviations of node `i`."""
        if self.orbit is not None:
            orbit = [step for phase in self.orbit for step in phase]
            kelvin = _squeezed([(each[i], share) for each, _, share in orbit])
            speeds = _squeezed([(abs(speed[i]), share) for _, speed, share in orbit])
            ends = [each[i] for each, _, _ in orbit]
            fastest = tuple(max(abs(v[i]) for _, v, _ in phase) for phase in self.orbit)
            return kelvin, min(ends), max(ends), speeds, fastest, 0.0, 0.0
        assert self.random is not None
        mean, sd, speed = (each[i] for each in self.random)
        speeds = tuple((abs(v), share) for v, share in normal_points(0.0, speed))
        return normal_points(mean, sd), mean, mean, speeds, (), sd, speed

    def settled(self, load: SquareLoad) -> list[Orbit]:
        """The orbit that a square wave settles to, phase by phase.

        Runge-Kutta steps of a linear system are affine, and so is a whole period, `T -> M T + c`: the settled
        orbit begins where `(I - M) T = c`.
        """
        on = load.duty * load.period_seconds
        pieces = [(on, load.high), (load.period_seconds - on, load.low)]
        phases = [(s, load) for s, load in pieces if s > 0]
        zero = [0.0] * self.n
        c = self.follow(phases, zero)[-1][-1][0]
        columns = []
        for i in range(self.n):
            there = self.follow(phases, [float(i == j) for j in range(self.n)])[-1][-1][0]
            columns.append([a - b for a, b in zip(there, c, strict=True)])
        matrix = [[float(i == j) - columns[j][i] for j in range(self.n)] for i in range(self.n)]
        return self.follow(phases, solved(matrix, c))

    def follow(self, phases: Sequence[tuple[float, float]], kelvin: list[float]) -> list[Orbit]:
        """Small steps through the phases; each end of a step stands for half of its time."""
        quickest = min(c / self.G[i][i] for i, c in enumerate(self.joules))
        whole = sum(seconds for seconds, _ in phases)
        orbit = []
        for seconds, load in phases:
            steps = max(100, math.ceil(8 * seconds / quickest))
            dt, push = seconds / steps, self.push(load)
            still = self.stepped([0.0] * self.n, push, dt)
            moved = [
                self.stepped([float(i == j) for j in range(self.n)], [0.0] * self.n, dt)
                for i in range(self.n)
            ]
            visited: Orbit = []
            for _ in range(steps):
                visited.append((kelvin, self.speed(kelvin, push), dt / 2 / whole))
                kelvin = [
                    q + sum(moved[j][i] * kelvin[j] for j in range(self.n))
                    for i, q in enumerate(still)
                ]
                visited.append((kelvin, self.speed(kelvin, push), dt / 2 / whole))
            orbit.append(visited)
        return orbit

    def speed(self, kelvin: Sequence[float], push: Sequence[float]) -> list[float]:
        return [
            p + sum(a * t for a, t in zip(row, kelvin, strict=True))
            for p, row in zip(push, self.A, strict=True)
        ]

    def stepped(self, kelvin: list[float], push: list[float], dt: float) -> list[float]:
        """One step of Runge and Kutta, of fourth order."""

        def ahead(speed: list[float], part: float) -> list[float]:
            return [t + part * dt * v for t, v in zip(kelvin, speed, strict=True)]

        k1 = self.speed(kelvin, push)
        k2 = self.speed(ahead(k1, 0.5), push)
        k3 = self.speed(ahead(k2, 0.5), push)
        k4 = self.speed(ahead(k3, 1.0), push)
        mean = [(a + 2 * b + 2 * c + d) / 6 for a, b, c, d in zip(k1, k2, k3, k4, strict=True)]
        return ahead(mean, 1.0)

    def normal(self) -> tuple[list[float], list[float], list[float]]:
        """Means of all nodes, and the standard deviations of temperature and of speed.

        The load is one more state, `dl = -l dt / tau + noise`, and the covariance `S` of all of them solves
        Lyapunov's equation `A S + S A' + Q = 0`: linear in its elements, and solved as such.
        """
        mean, sd, tau = _moments(self.load)
        n, m = self.n, self.n + 1
        A = [[*row, s / c] for row, s, c in zip(self.A, self.swing, self.joules, strict=True)]
        A.append([0.0] * n + [-1 / tau])
        rows, right = [], []
        for i in range(m):
            for j in range(m):
                row = [0.0] * (m * m)
                for k in range(m):
                    row[k * m + j] += A[i][k]
                    row[i * m + k] += A[j][k]
                rows.append(row)
                right.append(-2 * sd**2 / tau if i == j == n else 0.0)
        S = solved(rows, right)
        variances = [S[i * m + i] for i in range(n)]
        speeds = [
            math.fsum(A[i][j] * A[i][k] * S[j * m + k] for j in range(m) for k in range(m))
            for i in range(n)
        ]
        spread, speed = ([math.sqrt(max(0.0, v)) for v in each] for each in (variances, speeds))
        return self.steady(mean), spread, speed


def _moments(load: ConstantLoad | NoisyLoad | MarkovLoad | SquareLoad) -> tuple[float, ...]:
    """Mean and standard deviation of a load, and the time in which it forgets itself."""
    if isinstance(load, ConstantLoad):
        return load.level, 0.0, 1.0
    if isinstance(load, NoisyLoad):
        return load.mean, load.sd, load.tau_seconds
    assert isinstance(load, MarkovLoad)
    held = load.compute_seconds + load.communicate_seconds
    p = load.compute_seconds / held
    mean = p * load.compute + (1 - p) * load.communicate
    sd = abs(load.compute - load.communicate) * math.sqrt(p * (1 - p))
    return mean, sd, load.compute_seconds * load.communicate_seconds / held


def normal_points(mean: float, sd: float) -> Points:
    """A normal law as points a tenth of a standard deviation apart, out to seven of them."""
    if sd == 0:
        return ((mean, 1.0),)
    weights = [math.exp(-((k / 10) ** 2) / 2) for k in range(-70, 71)]
    total = math.fsum(weights)
    return tuple((mean + (k - 70) / 10 * sd, w / total) for k, w in enumerate(weights))


def _squeezed(points: list[tuple[float, float]], most: int = 400) -> Points:
    """The same values, in order and by about equal shares taken together; their mean stays."""
    groups: list[list[float]] = [[0.0, 0.0]]
    for value, share in sorted(points):
        if groups[-1][1] >= 1 / most:
            groups.append([0.0, 0.0])
        groups[-1][0] += value * share
        groups[-1][1] += share
    total = math.fsum(share for _, share in groups)
    return tuple((product / share, share / total) for product, share in groups if share > 0)
