"""Optimisers on gradients of lost capacity: many starts at once, limits by penalty or projection."""

import dataclasses
import functools
import math
from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float

from ...tally import Estimate, mean_of
from .._problem import Amount
from ._base import AbstractEstimator, chain, leaf, warn_if_biased
from ._draws import draws_of
from ._exact import ExactAutodiff
from ._limits import require_derivative, require_limits
from ._model import Model, model_of
from ._problem import HAZARDS, CapacityProblem, Kind


@dataclasses.dataclass(frozen=True)
class AugmentedLagrangian:
    """A limit by a multiplier and a quadratic penalty (Hestenes 1969, Powell 1969).

    - `penalty`: on the squared excess, where objective and limit are in units of their own size.
    - `every`: steps between updates of the multiplier.
    """

    penalty: float = 10.0
    every: int = 20


@dataclasses.dataclass(frozen=True)
class Projection:
    """A budget by the nearest point that keeps it: for prices alone, which are linear."""


@dataclasses.dataclass(frozen=True)
class History:
    """What every start went through: [starts, steps], variables last."""

    lost: Float[np.ndarray, "starts steps"]
    cost: Float[np.ndarray, "starts steps"]
    x: Float[np.ndarray, "starts steps variables"]


@dataclasses.dataclass(frozen=True)
class Minimum:
    """The best design of all starts.

    `lost` is of draws that the search has not seen; `status` is `ok`, or `limit_not_met` when no start keeps the limit
    to 0.1 % of it.
    """

    x: dict[str, float]
    lost: Estimate
    cost: float
    history: History
    start: int
    status: str


def minimise(
    problem: CapacityProblem,
    estimator: AbstractEstimator,
    bounds: Mapping[str, tuple[Amount, Amount]],
    *,
    prices: Mapping[str, Amount] | None = None,
    budget: Amount | None = None,
    at_most: Amount | None = None,
    limit: AugmentedLagrangian | Projection = AugmentedLagrangian(),
    optimiser: optax.GradientTransformation | None = None,
    steps: int = 400,
    starts: int = 4,
    replicas: int = 256,
    seed: int = 0,
) -> Minimum:
    """Move variables along estimated gradients until the least loss, or the least cost.

    **Arguments:**

    - `problem`, `estimator`: the estimator must see a derivative for each variable; of counts and needs it is that of
        the relaxation, and the answer is real.
    - `bounds`: the variables, by name, and from where to where each goes.
    - `prices`: by name of the variable; cost is their sum over the variables. What is not named costs nothing.
    - `budget`: the most that may be spent: then the least loss is sought.
    - `at_most`: the most that may be lost: then the least cost is sought.
    - `limit`: how either is kept.
    - `optimiser`: of optax, on variables scaled to 0..1; default Adam whose rate falls from 0.05 to 0 as a cosine.
    - `steps`, `starts`: the first start is the problem as it stands, the others are drawn.
    - `replicas`: of one step, fresh ones each time; `seed`.

    **Returns:** a `Minimum`.

    **Raises:** `SizingError` for bounds, prices and limits that make no sense; `GradientError` for a variable that the
    estimator does not see, or sees only differences of.

    !!! example

        ```python
        from fdmc.sizing import CapacityGroup, CapacityProblem, ExactAutodiff, minimise

        lasers = CapacityGroup("laser", count=9, need=8, rate_per_hour=2e-6, time_hours=43800)
        lanes = CapacityGroup("lane", count=36, need=32, rate_per_hour=2e-7, time_hours=43800)
        bounds = {"laser.count": (8, 12), "lane.count": (32, 40)}
        prices = {"laser.count": 30, "lane.count": 4}
        best = minimise(
            CapacityProblem([lasers, lanes]), ExactAutodiff(), bounds, prices=prices, budget=440, steps=100
        )
        assert best.cost < 440.5
        ```
    """
    prices = prices or {}
    require_limits(problem, bounds, prices, budget, at_most, isinstance(limit, Projection))
    for name in bounds:
        require_derivative(problem, estimator, name)
    warn_if_biased(estimator)
    with jax.enable_x64(True):
        search = _Search(problem, estimator, bounds, prices, budget, at_most, limit)
        return search.run(optimiser, steps, starts, replicas, seed)


class _Search:
    """A problem on variables in 0..1."""

    def __init__(self, problem, estimator, bounds, prices, budget, at_most, limit):
        self.problem, self.estimator, self.limit = problem, estimator, limit
        self.names = tuple(bounds)
        self.low = jnp.array([float(low) for low, _ in bounds.values()])
        self.width = jnp.array([float(high) for _, high in bounds.values()]) - self.low
        self.prices = jnp.array([float(prices.get(name, 0)) for name in self.names])
        self.budget, self.at_most = (None if v is None else float(v) for v in (budget, at_most))
        counts = [float(one.count) for one in problem.groups]
        counts += [float(high) for name, (_, high) in bounds.items() if name.endswith(".count")]
        self.model = model_of(problem, math.ceil(max(counts)))
        self.kinds = frozenset(problem.variables[name][0] for name in self.names)
        # Sizes, so that objective and limit are numbers about one.
        self.money = float(jnp.sum(jnp.abs(self.prices) * self.width)) or 1.0

    def real(self, y: Float[Array, " variables"]):
        return self.low + self.width * y

    def cost(self, y: Float[Array, " variables"]):
        return self.prices @ self.real(y)

    def moved(self, y: Float[Array, " variables"]) -> Model:
        """The model at a point: leaves that are logarithms move by the logarithm of the variable."""
        fields = {"log_shock": self.model.log_shock}
        for field in ("count", "need", "capacity", "log_hazard"):
            fields[field] = getattr(self.model, field)
        for name, x in zip(self.names, self.real(y), strict=True):
            kind, i, value = self.problem.variables[name]
            if kind is Kind.SHOCK:
                fields["log_shock"] = jnp.log(x)
            elif kind is Kind.TEMPERATURE:
                # d log A / d(1/T) is constant: the derivative of the chain rule, integrated.
                by = chain(self.problem, name, 1.0) * (1 / value - 1 / x)
                fields["log_hazard"] = fields["log_hazard"].at[i].add(by)
            elif kind in HAZARDS:
                fields["log_hazard"] = fields["log_hazard"].at[i].add(jnp.log(x / value))
            else:
                fields[kind.value] = fields[kind.value].at[i].set(x)
        return dataclasses.replace(self.model, **fields)

    def loss(self, y: Float[Array, " variables"], draws):
        """Mean lost capacity and its derivative at a point."""
        found = self.estimator.moves(self.moved(y), draws, self.kinds)
        slopes = []
        for name, x in zip(self.names, self.real(y), strict=True):
            kind, i, _ = self.problem.variables[name]
            slopes.append(jnp.mean(leaf(found, kind, i)) * chain(self.problem, name, x))
        return jnp.mean(found.value), jnp.stack(slopes) * self.width

    def direction(self, y: Float[Array, " variables"], multiplier, lost, slope, size):
        """What the optimiser follows, and the excess over the limit."""
        dear = self.prices * self.width / self.money
        if self.at_most is not None:
            goal, excess, steep = dear, lost / self.at_most - 1, slope / self.at_most
            if isinstance(self.estimator, ExactAutodiff):  # no noise: losses are straighter in logs
                excess, steep = jnp.log(lost / self.at_most), slope / lost
        else:
            goal, steep = slope / size, dear
            excess = (self.cost(y) - (self.budget or 0.0)) / self.money
        if not self.limited:
            return goal, jnp.zeros(())
        if isinstance(self.limit, Projection):
            return self.along(y, goal), jnp.zeros(())
        pull = jnp.maximum(0.0, multiplier + self.limit.penalty * excess)
        return goal + pull * steep, excess

    def along(self, y: Float[Array, " variables"], goal):
        """The direction of a small projected step: one that an optimiser has scaled would else stop early."""
        small = 1e-3 / (jnp.max(jnp.abs(goal)) + 1e-300)
        return (y - self.kept(y - small * goal)) / small

    @property
    def limited(self) -> bool:
        return self.budget is not None or self.at_most is not None

    def kept(self, y: Float[Array, " variables"]):
        """The nearest point in the box, and within the budget where that is projected."""
        y = jnp.clip(y, 0.0, 1.0)
        if self.budget is None or not isinstance(self.limit, Projection):
            return y
        dear, budget = self.prices * self.width, self.budget - self.prices @ self.low
        at = lambda price: jnp.clip(y - price * dear, 0.0, 1.0)

        def halve(_, ends):
            low, high = ends
            middle = (low + high) / 2
            over = dear @ at(middle) > budget
            return jnp.where(over, middle, low), jnp.where(over, high, middle)

        most = 1 / jnp.min(jnp.where(dear == 0, jnp.inf, jnp.abs(dear)))
        _, price = jax.lax.fori_loop(0, 60, halve, (jnp.zeros(()), most))
        return jnp.where(dear @ y > budget, at(price), y)

    def run(self, optimiser, steps: int, starts: int, replicas: int, seed: int) -> Minimum:
        optimiser = optimiser or optax.adam(optax.cosine_decay_schedule(0.05, steps))
        first = jnp.array([self.problem.variables[name][2] for name in self.names])
        rng = np.random.default_rng(seed)
        others = jnp.asarray(rng.random((starts - 1, len(self.names))))
        points = jnp.concatenate([((first - self.low) / self.width)[None], others])
        prepared = self.estimator.prepared(self.problem, self.model, seed)
        self.model = prepared
        drawn = 1 if isinstance(self.estimator, ExactAutodiff) else replicas
        walk = functools.partial(self._walk, optimiser, steps, drawn, seed)
        x, lost, cost = (np.asarray(v) for v in jax.jit(jax.vmap(walk))(points))
        late = max(steps // 10, 1)  # noise averages out over the last steps
        mean_lost, mean_cost = lost[:, -late:].mean(1), cost[:, -late:].mean(1)
        ends = x[:, -late:].mean(1)
        over = np.zeros(starts)
        if self.at_most is not None:
            over, rank = mean_lost / self.at_most - 1, mean_cost
        else:
            rank = mean_lost
            if self.budget is not None:
                over = (mean_cost - self.budget) / max(abs(self.budget), 1e-300)
        keeps = over <= 1e-3
        best = (
            int(np.argmin(np.where(keeps, rank, np.inf))) if keeps.any() else int(np.argmin(over))
        )
        y = (jnp.asarray(ends[best]) - self.low) / self.width
        history = History(lost, cost, x)
        return Minimum(
            x=dict(zip(self.names, map(float, ends[best]), strict=True)),
            lost=self._again(y, seed, 4096),
            cost=float(self.cost(y)),
            history=history,
            start=best,
            status="ok" if keeps[best] else "limit_not_met",
        )

    def _walk(self, optimiser, steps: int, drawn: int, seed: int, y):
        every = getattr(self.limit, "every", 1)
        penalty = getattr(self.limit, "penalty", 0.0)

        def step(state, n):
            y, inner, multiplier, drift, size = state
            draws = draws_of(self.model, seed, n + 2, drawn)
            lost, slope = self.loss(y, draws)
            size = jnp.where(n == 0, lost, size)  # losses are measured by the first one
            toward, excess = self.direction(y, multiplier, lost, slope, size)
            moves, inner = optimiser.update(toward, inner, y)
            record = (self.real(y), lost, self.cost(y))
            drift = drift + excess / every  # the mean of a round is less noisy than its end
            ends = (n + 1) % every == 0
            raised = jnp.maximum(0.0, multiplier + penalty * drift)
            multiplier = jnp.where(ends, raised, multiplier)
            drift = jnp.where(ends, 0.0, drift)
            return (
                self.kept(y + jnp.asarray(moves)),
                inner,
                multiplier,
                drift,
                size,
            ), record

        y = self.kept(y)
        state = (y, optimiser.init(y), jnp.zeros(()), jnp.zeros(()), jnp.ones(()))
        return jax.lax.scan(step, state, jnp.arange(steps))[1]

    def _again(self, y, seed: int, replicas: int) -> Estimate:
        """The loss at the end, from draws of another seed."""
        model = self.moved(y)
        if isinstance(self.estimator, ExactAutodiff):
            replicas = 1
        draws = draws_of(self.model, seed + 1, 0, replicas)
        moves = jax.jit(self.estimator.moves, static_argnums=2)
        values = np.atleast_1d(np.asarray(moves(model, draws, frozenset()).value))
        unit = self.problem.unit
        if len(values) == 1:
            return Estimate(float(values[0]), float(values[0]), float(values[0]), unit, 0, "exact")
        return mean_of(values, unit)
