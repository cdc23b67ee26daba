"""Conditional Monte Carlo: the own group and the environment exactly, only the other groups are drawn."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ._base import AbstractEstimator, over_replicas, refuse, require_no_step, require_whole
from ._draws import Draws, failures
from ._measure import Mean
from ._model import (
    Model,
    Moves,
    combined,
    left,
    log_pmf,
    log_up,
    log_weights,
    mean_short,
    value_of,
)
from ._problem import CapacityProblem, Combine, Kind


@dataclasses.dataclass(frozen=True)
class ConditionalMonteCarlo(AbstractEstimator):
    """The derivative of the expectation given the states of all other groups.

    Each group in turn is integrated over all its states and over the environment, the others are drawn, with the same
    uniform numbers in every environment. Unbiased, since a number of one group moves the probabilities of no other.
    """

    def sees(self, problem: CapacityProblem, kind: Kind, group: int = -1) -> str:
        require_whole(self, problem)
        require_no_step(self, problem, kind)
        if kind in (Kind.COUNT, Kind.NEED) and not (
            isinstance(problem.measure, Mean) and problem.combine is not Combine.MIN
        ):
            why = "only means of sums and products have a relaxation in it; Pivotal sees the difference of one element"
            raise refuse(self, kind, why)
        return "derivative"

    def moves(self, model: Model, draws: Draws, kinds: frozenset[Kind]) -> Moves:
        groups = jnp.arange(len(model.count))

        smooth = bool(kinds & {Kind.COUNT, Kind.NEED})
        given = functools.partial(_given, smooth=smooth)
        failed_in = jax.vmap(failures, (None, None, 1), 1)

        def one(drawn):
            failed = failed_in(model, drawn, log_up(model))
            slopes = jax.vmap(
                jax.value_and_grad(given, (0, 1, 2, 3, 4)), (None,) * 5 + (0, None, None)
            )
            leaves = (model.count, model.need, model.log_hazard, model.capacity, model.log_shock)
            values, found = slopes(*leaves, groups, failed, model)
            own = [jnp.diagonal(x) for x in found[:4]]  # each group by its own number alone
            return Moves(jnp.mean(values), own[0], own[1], own[2], own[3], jnp.mean(found[4]))

        return over_replicas(one, draws)


def _given(
    count, need, log_hazard, capacity, log_shock, i, failed: Float[Array, "groups environments"], model: Model,
    smooth: bool,
):  # fmt: skip
    """Expected value when group i is free and the others have so many failures in each environment."""
    model = dataclasses.replace(
        model,
        count=count, need=need, log_hazard=log_hazard, capacity=capacity, log_shock=log_shock,
    )  # fmt: skip
    weights, up = jnp.exp(log_weights(model)), log_up(model)
    if smooth:  # the mean of a sum or product: what the group lacks on average is enough
        short = 1 - left(model, failed.T)  # environment, group
        mine = jnp.arange(len(model.count)) == i
        short = jnp.where(mine, mean_short(model, up)[i][:, None], short)
        whole = combined(model, model.capacity)
        lost = (
            short @ model.capacity
            if model.combine is Combine.SUM
            else whole * (1 - jnp.prod(1 - short, -1))
        )
        return weights @ lost
    pmf = jnp.exp(log_pmf(model.count[i], up[i], model.most))  # environment, failed
    states = jnp.broadcast_to(
        failed.T[:, None, :], (len(weights), model.most + 1, len(model.count))
    )
    own = jnp.arange(model.most + 1.0)[None, :, None]
    states = jnp.where(jnp.arange(len(model.count)) == i, own, states)
    return weights @ jnp.sum(pmf * value_of(model, states), -1)
