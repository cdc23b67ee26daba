"""Proposals: the calibrated screen solved for its best designs, with a proof, a bound and prices on the model."""

import dataclasses
import math

import jax
import numpy as np

from ..spec import Limit, Setting
from ._allocate import allocate
from ._answer import Allocation, NoDesignError
from ._arena import Arena, Facts
from ._problem import LeastUse, MostReliability, Problem, Resource, Subsystem
from ._screen import (
    Calibration,
    Classes,
    Loads,
    classes_of,
    goodput_by,
    loads_of,
    ratio,
)
from ._space import Made, Point, Space, moved


_ROUNDS = 4
"""Times that the table is made again around the best design found."""
_STRIDES = (-4, -2, -1, -0.5, -0.2, -0.05, -0.02, 0.02, 0.05, 0.2, 0.5, 1, 2, 4)
TAILS = ("goodput_quantile", "goodput_cvar")


class Model:
    """The screen of a space of designs, calibrated to one simulated design."""

    def __init__(self, space: Space, arena: Arena, bare: Made | None):
        self.space, self.arena, self.bare = space, arena, bare
        self._numbers: dict[Made, tuple[Classes, Loads]] = {}
        self.jobs: dict[str, float] = {}
        self.lost: dict[str, float] = {}
        self.stops: dict[str, float] = {}
        self.drains, self.unused = 1.0, 1.0
        self.shift: dict[str, float] = {}

    def numbers(self, point: Point) -> tuple[Classes, Loads]:
        """The numbers of a design and its loads."""
        made = self.space.made(point)
        assert made is not None
        return self.screened(made)

    def screened(self, made: Made) -> tuple[Classes, Loads]:
        """The numbers of a machine and its loads, looked at once."""
        if made not in self._numbers:
            numbers = classes_of(made.scenario, self.arena.pad(made.plan, made.directory))
            self._numbers[made] = numbers, loads_of(numbers)[0]
        return self._numbers[made]

    def crowd(self, made: Made) -> float:
        """Outages at once, on average and by the model: those that wait and those that are repaired."""
        _, said = self.screened(made)
        return float(said.crowd)

    def calibrate(self, point: Point, facts: Facts, metrics: dict[str, float], spares: bool):
        """Make the model say of a design what was simulated; with `spares` also what repairs use up."""
        made, (_, said) = self.space.made(point), self.numbers(point)
        assert made is not None
        n = len(facts.rows)
        names = [info.name for info in made.directory.classes]
        by = lambda seen, model: dict(zip(names, ratio(seen / n, model).tolist(), strict=True))
        # Blame is in hours times accelerators; the model's is in hours of the whole machine.
        self.lost = by(facts.blame / made.accelerators, said.lost)
        self.stops = by(facts.stops, said.stops)
        if spares:
            self.jobs = by(facts.jobs, said.jobs)
        means = facts.means()
        drains = float(said.drains.sum())
        self.drains = means["drains"] / drains if drains > 0 and means["drains"] > 0 else 1.0
        lost = float((said.lost * self._column(self.lost, names)).sum())
        self.unused = means["unused"] / lost if lost > 0 else 1.0
        self.shift = {}
        found = self.forecast(point)
        # What is left: of what is lost a factor, so that nothing is better than perfect.
        lossy = ("goodput", "availability", *TAILS)
        for name, value in metrics.items():
            if name in lossy and found[name] < 1 and value < 1:
                self.shift[name] = (1 - value) / (1 - found[name])

    @staticmethod
    def _column(by: dict[str, float], names: list[str]) -> np.ndarray:
        return np.array([by.get(name, 1.0) for name in names])

    def calibration(self, made: Made) -> Calibration:
        """The ratios, in the order of the classes of a design."""
        names = [info.name for info in made.directory.classes]
        return Calibration(
            self._column(self.jobs, names), self._column(self.lost, names),
            self._column(self.stops, names), self.drains,
        )  # fmt: skip

    def forecast(self, point: Point) -> dict[str, float]:
        """Every metric of a design, by the model; `cost` holds what repairs use up over the mission."""
        made = self.space.made(point)
        assert made is not None
        _, said = self.numbers(point)
        found = self._metrics(made, said)
        return found | {name: 1 - (1 - found[name]) * factor for name, factor in self.shift.items()}

    def _metrics(self, made: Made, said: Loads) -> dict[str, float]:
        by = self.calibration(made)
        goodput = goodput_by(made.scenario, said, by)
        unused = self.unused * float((said.lost * by.lost).sum()) / made.scenario.mission_hours
        found = {"goodput": goodput, "availability": 1 - unused}
        found |= dict.fromkeys(TAILS, goodput)
        if made.cost is not None:
            found["cost"] = made.cost + float((said.jobs * by.jobs * made.swaps).sum())
        if made.watts is not None:
            found["power"] = made.watts
            if self.bare is not None and self.bare.watts is not None:
                plain = goodput_by(
                    self.bare.scenario, self.screened(self.bare)[1], self.calibration(self.bare)
                )
                more = made.watts - self.bare.watts
                found["robustness_per_watt"] = (goodput - plain) / more if more > 0 else -math.inf
        return found

    def spares(self, point: Point) -> float:
        """What repairs use up over the mission."""
        made, (_, said) = self.space.made(point), self.numbers(point)
        assert made is not None
        return float((said.jobs * self.calibration(made).jobs * made.swaps).sum())

    def cost(self, point: Point) -> float:
        """Total cost over the mission, spares that repairs use up included; 0 where nothing is priced."""
        return self.forecast(point).get("cost", 0.0)

    def slope(self, point: Point, index: int, to: Setting) -> float | None:
        """Derivative of modelled goodput towards a neighbouring setting, automatic; None for another structure."""
        made, other = self.space.made(point), self.space.made(moved(point, index, to))
        if made is None or other is None:
            return None
        (x, said), (y, _) = self.numbers(point), self.numbers(moved(point, index, to))
        if jax.tree.map(np.shape, x) != jax.tree.map(np.shape, y):
            return None
        along = jax.tree.map(lambda a, b: b - a, x, y)
        tiny = 1e-4
        step = jax.tree.map(lambda a, d: a + tiny * d, said, loads_of(x, along)[1])
        by = self.calibration(made)
        # What restarts and checkpoints cost is in the scenario, not in the loads.
        return (goodput_by(made.scenario, step, by) - goodput_by(made.scenario, said, by)) / tiny


@dataclasses.dataclass(frozen=True)
class Proposal:
    """Designs that the model likes, best first, and what it proves of them.

    `objective`, `bound` and `relaxation` are of the table around the best design, in the unit of the objective;
    `proved` says that no design of that table is better; `price` is the derivative of the least cost with respect to
    the goodput asked for (or of goodput with respect to the budget).
    """

    points: tuple[Point, ...]
    objective: float
    bound: float
    proved: bool
    price: float | None


def propose(
    model: Model,
    sense: str,
    metric: str,
    limits: tuple[Limit, ...],
    centre: Point,
    margins: dict[str, float],
    keep: int = 5,
) -> Proposal:
    """Solve the table of the model around a design, again around what it finds, then walk on the model itself."""
    better = Better(model, sense, metric, limits, margins)
    best, found, allocation, base = centre, [centre], None, 0.0
    for _ in range(_ROUNDS):
        solved = _solve(model, better, best, keep)
        if solved is None:
            break
        designs, allocation, base = solved
        found += designs
        top = min(dict.fromkeys(found), key=better.key)
        if top == best:
            break
        best = top
    best = walk(model, better, best)
    points = sorted(dict.fromkeys([best, *found]), key=better.key)[: keep + 1]
    if allocation is None:
        value = model.forecast(best).get(metric, 0.0)
        return Proposal(tuple(points), value, math.nan, False, None)
    return _proposal(better, tuple(points), allocation, base, limits)


def _proposal(better, points, allocation: Allocation, base: float, limits) -> Proposal:
    if better.sense == "least":
        primary = better.primary
        assert primary is not None
        price = allocation.prices["reliability"] * _reliability(better) / primary.bound
        return Proposal(
            points, base + allocation.objective, base + allocation.bound, allocation.proved, price
        )
    scale = math.exp(base)
    price = allocation.prices.get("cost", allocation.prices.get("power"))
    return Proposal(
        points, scale * allocation.objective, scale * allocation.bound, allocation.proved,
        None if price is None else price * scale,
    )  # fmt: skip


def _reliability(better) -> float:
    return better.reliability


class Better:
    """Orders designs by the model: least violation of the limits first, then the objective."""

    def __init__(self, model: Model, sense: str, metric: str, limits, margins: dict[str, float]):
        self.model, self.sense, self.metric, self.limits = model, sense, metric, limits
        self.margins, self.reliability = margins, 1.0
        self.primary = next((one for one in limits if one.metric not in ("cost", "power")), None)

    def bound(self, limit: Limit) -> float:
        """The bound that the model must keep: with the margin that simulation needs to see it kept."""
        return limit.bound + self.margins.get(limit.metric, 0.0)

    def violation(self, found: dict[str, float]) -> float:
        """How much of all limits is missed, each relative to its bound (qualities to what they lose)."""
        total = 0.0
        for limit in self.limits:
            value, bound = found[limit.metric], self.bound(limit)
            if limit.metric in ("cost", "power"):
                total += max(value - bound, 0.0) / max(bound, 1e-300)
            else:
                total += max(bound - value, 0.0) / max(1 - bound, 1e-9)
        return total

    def key(self, point: Point) -> tuple[float, float, float]:
        """Sorts better designs first."""
        found = self.model.forecast(point)
        value = found[self.metric]
        return self.violation(found), value if self.sense == "least" else -value, -found["goodput"]


def walk(model: Model, better: Better, start: Point) -> Point:
    """Improve a design on the model by single steps and exchanges until none helps."""
    best, key = start, better.key(start)
    while True:
        before = key
        for near in (
            model.space.singles(best, _STRIDES),
            model.space.pairs(best),
        ):
            for point in list(near):
                if model.space.made(point) is not None and better.key(point) < key:
                    best, key = point, better.key(point)
            if key < before:
                break
        if not key < before:
            return best


def _solve(
    model: Model, better: Better, centre: Point, keep: int
) -> tuple[list[Point], Allocation, float] | None:
    """The best designs of the table around a design; None where the table cannot say.

    Every variable moves alone: its changes of loss, cost and power add up. That is the model's approximation; the
    designs found are then looked at as a whole.
    """
    space, at = model.space, model.forecast(centre)
    quality = better.primary.metric if better.sense == "least" and better.primary else better.metric
    if quality not in at or quality == "robustness_per_watt" or not at[quality] > 0:
        return None
    resource = [limit for limit in better.limits if limit.metric in ("cost", "power")]
    names = dict.fromkeys(limit.metric for limit in resource)
    if better.sense == "least":
        names[better.metric] = None
    others = [one for one in better.limits if one.metric not in names and one.metric != quality]
    systems, base = [], dict.fromkeys([*names, *(one.metric for one in others)], 0.0)
    base_loss = -math.log(at[quality])
    options: list[list[Setting]] = []
    for i, variable in enumerate(space.variables):
        grid = list(dict.fromkeys([*space.grid(variable), centre[i]]))
        points = [moved(centre, i, setting) for setting in grid]
        good = [k for k, p in enumerate(points) if space.made(p) is not None]
        found = [model.forecast(points[k]) for k in good]
        options.append([grid[k] for k in good])
        loss = -np.log(np.maximum([f[quality] for f in found], 1e-300)) + math.log(at[quality])
        base_loss += float(loss.min())
        uses = {}
        for name in base:
            sign = 1.0 if name in names else -1.0
            change = sign * (np.array([f[name] for f in found]) - at[name])
            base[name] += float(change.min())
            uses[name] = change - change.min()
        column = np.minimum(-(loss - loss.min()), 0.0)[:, None]
        systems.append(Subsystem(variable.name, np.arange(len(good))[:, None], column, uses))
    resources = []
    for name in names:
        limit = next((better.bound(one) for one in resource if one.metric == name), math.inf)
        resources.append(Resource(name, limit - at[name] - base[name]))
    for one in others:
        resources.append(
            Resource(one.metric, at[one.metric] - base[one.metric] - better.bound(one))
        )
    if any(one.limit < 0 for one in resources):
        return None
    goal = MostReliability()
    if better.sense == "least":
        assert better.primary is not None
        room = -math.log(better.bound(better.primary)) - base_loss
        if room <= 0:
            return None
        better.reliability = math.exp(-room)
        goal = LeastUse(better.metric, better.reliability)
    try:
        allocation = allocate(Problem(systems, resources), goal=goal, next_best=keep)
    except NoDesignError:
        return None
    designs = [
        tuple(options[i][one.counts[v.name][0]] for i, v in enumerate(space.variables))
        for one in (allocation.design, *allocation.next_best)
    ]
    offset = -base_loss
    if better.sense == "least":
        offset = at[better.metric] + base[better.metric]
    return designs, allocation, offset
