"""Derivatives of the expectation itself: nothing is drawn."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ...plan import GradientError
from ._base import AbstractEstimator, refuse, require_no_step, with_eta
from ._draws import Draws
from ._measure import Mean
from ._model import (
    Model,
    Moves,
    best_eta,
    joint_states,
    left,
    log_pmf,
    log_up,
    log_weights,
    lost_of,
    mean_short,
    tail_share,
    unseen,
    value_of,
)
from ._problem import CapacityProblem, Combine, Kind


STATES = 20_000
"""Joint states beyond which a distribution is not enumerated."""


@dataclasses.dataclass(frozen=True)
class ExactAutodiff(AbstractEstimator):
    """Automatic differentiation of exact expectations.

    Sums and products have closed forms, smooth in real counts and needs (regularised incomplete beta functions; at
    whole numbers they are exact). The least of several groups is a sum over its levels. Tails and exceedances add up
    all joint states, at most 20,000.
    """

    def sees(self, problem: CapacityProblem, kind: Kind, group: int = -1) -> str:
        require_no_step(self, problem, kind)
        if not _closed(problem):
            if kind in (Kind.COUNT, Kind.NEED):
                why = (
                    "only means of sums and products have a relaxation between whole numbers; Pivotal sees the "
                    "difference of one element"
                )
                raise refuse(self, kind, why)
            if not problem.whole:
                raise GradientError(
                    "ExactAutodiff needs whole counts and needs but for means of sums and products."
                )
        if not isinstance(problem.measure, Mean):
            states = (max(int(one.count) for one in problem.groups) + 1) ** len(problem.groups)
            if states > STATES:
                raise GradientError(
                    f"ExactAutodiff adds up joint states for {type(problem.measure).__name__}: {states} of them, at "
                    f"most {STATES}. ConditionalMonteCarlo, Pivotal and ScoreFunction draw them."
                )
        return "derivative"

    def moves(self, model: Model, draws: Draws, kinds: frozenset[Kind]) -> Moves:
        if not kinds:
            return dataclasses.replace(unseen(model), value=exact_value(model))
        leaves = (model.count, model.need, model.log_hazard, model.capacity, model.log_shock)
        value, slopes = jax.value_and_grad(_value, argnums=tuple(range(5)))(*leaves, model)
        return Moves(value, *slopes)

    def prepared(self, problem: CapacityProblem, model: Model, seed: int) -> Model:
        share = tail_share(model)
        if share is None:
            return model
        lost, prob = _distribution(model)
        return with_eta(model, best_eta(np.asarray(lost), np.asarray(prob), share))


def exact_value(model: Model) -> Float[Array, ""]:
    """Return the measure of lost capacity, exactly."""
    if not isinstance(model.measure, Mean):
        lost, prob = _distribution(model)
        return prob @ value_of(model, joint_states(model))
    weights = jnp.exp(log_weights(model))
    if model.combine is Combine.MIN:
        return weights @ jax.vmap(lambda up: _least(model, up), 1)(log_up(model))
    short = mean_short(model, log_up(model))
    if model.combine is Combine.SUM:
        return weights @ (model.capacity @ short)
    whole = jnp.prod(model.capacity)
    return -whole * (weights @ jnp.expm1(jnp.sum(jnp.log1p(-short), 0)))


def _value(count, need, log_hazard, capacity, log_shock, model: Model):
    moved = dataclasses.replace(
        model,
        count=count,
        need=need,
        log_hazard=log_hazard,
        capacity=capacity,
        log_shock=log_shock,
    )
    return exact_value(moved)


def _closed(problem: CapacityProblem) -> bool:
    return isinstance(problem.measure, Mean) and problem.combine is not Combine.MIN


def _least(model: Model, up: Float[Array, " groups"]):
    """Expected loss of the least of the groups: over its levels y, the probability that some group is below y."""
    pmf = jnp.exp(log_pmf(model.count, up, model.most))
    failed = jnp.arange(model.most + 1.0)
    every = jnp.broadcast_to(failed[:, None], (len(failed), len(up)))
    levels = model.capacity[:, None] * left(model, every).T
    whole = jnp.min(model.capacity)
    y = jnp.sort(jnp.minimum(levels.ravel(), whole))
    steps = jnp.diff(y, prepend=0.0)
    under = jax.lax.stop_gradient(levels < (y * (1 - 1e-9))[:, None, None])
    below = jnp.minimum(jnp.sum(jnp.where(under, pmf, 0.0), -1), 1 - 1e-15)
    return steps @ -jnp.expm1(jnp.sum(jnp.log1p(-below), -1))


@jax.jit
def _distribution(model: Model):
    """Losses and probabilities of all joint states; those that a smaller group cannot have have none."""
    states = joint_states(model)
    pmf = jnp.exp(log_pmf(model.count[:, None], log_up(model), model.most))  # group, e, failed
    weights = jnp.exp(log_weights(model))

    def given(pmf):  # group, failed
        rows = [pmf[i, states[:, i].astype(int)] for i in range(len(model.count))]
        return functools.reduce(jnp.multiply, rows)

    prob = weights @ jax.vmap(given, 1)(pmf)
    return lost_of(model, states), prob
