"""Pivotal differences: only states in which one element decides are drawn, each weighted by its probability."""

import dataclasses
import functools
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ...plan import GradientError
from ._base import AbstractEstimator, over_replicas, refuse, require_whole
from ._draws import Draws, chosen, failures, state_of
from ._measure import TailMean
from ._model import (
    Groups,
    Model,
    Moves,
    log_pmf,
    log_up,
    log_weights,
    unseen,
    value_of,
)
from ._problem import HAZARDS, CapacityProblem, Kind


@dataclasses.dataclass(frozen=True)
class Pivotal(AbstractEstimator):
    """Differences of one element, given that it decides.

    For a count that is what one element more (`step` 1) or less (-1) changes: nothing, unless it works and the group is
    short without it. For the probability of failure it is $n (E f(M' + 1) - E f(M'))$ with $M'$ the failures among the
    other n - 1 elements (Russo's formula), which is nothing unless the spares are used up. The environment and the
    failures of the own group are drawn from exactly that event, jointly, and its probability is the weight, so that
    rare losses cost no more replicas than common ones. The other groups are drawn as they are.

    - `step`: 1, or -1 for differences to one element less.
    """

    step: int = 1

    def __post_init__(self):
        if self.step not in (1, -1):
            raise GradientError(f"Pivotal: step must be 1 or -1, but is {self.step}.")

    def sees(self, problem: CapacityProblem, kind: Kind, group: int = -1) -> str:
        require_whole(self, problem)
        if kind is Kind.CAPACITY:
            raise refuse(
                self, kind, "no element decides about it; ConditionalMonteCarlo and Pathwise do"
            )
        if kind in (Kind.COUNT, Kind.NEED) and isinstance(problem.measure, TailMean):
            why = "with one element more or less the tail begins elsewhere, which no single state shows"
            raise refuse(self, kind, why)
        asked = problem.groups if group < 0 else [problem.groups[group]]
        full = [one.name for one in asked if one.count == one.need]
        more_needed = kind is Kind.NEED and self.step == 1
        if full and (more_needed or (kind is Kind.COUNT and self.step == -1)):
            why = (
                f"group {', '.join(full)} has no spares, and would need more than it has; "
                f"ask for Pivotal(step={-self.step})"
            )
            raise refuse(self, kind, why)
        if kind is Kind.NEED and any(one.need == 1 for one in asked) and self.step == -1:
            raise refuse(self, kind, "a group that needs one element cannot need one less")
        return "derivative" if kind in HAZARDS or kind is Kind.SHOCK else "difference"

    def moves(self, model: Model, draws: Draws, kinds: frozenset[Kind]) -> Moves:
        groups, tables = jnp.arange(len(model.count)), {}
        if kinds & set(HAZARDS):
            tables["log_hazard"] = jax.vmap(lambda i: _hazard_table(model, i))(groups)
        for kind, table in ((Kind.COUNT, _count_table), (Kind.NEED, _need_table)):
            if kind in kinds:
                tables[kind.value] = jax.vmap(lambda i, t=table: t(model, i, self.step))(groups)

        def one(drawn):
            found: dict[str, Any] = {}
            for n, (name, difference) in enumerate(_DIFFERENCES.items(), 1):
                if name in tables:
                    weighted = functools.partial(_weighted, model, drawn, n, difference)
                    found[name] = jax.vmap(weighted)(groups, tables[name])
            if Kind.SHOCK in kinds and model.shocked:
                found["log_shock"] = _shock(model, drawn)
            value = value_of(model, state_of(model, drawn)[1])
            return dataclasses.replace(unseen(model), value=value, **found)

        return over_replicas(one, draws)


_Table = tuple[Float[Array, "environments failed"], Groups, Groups]
"""Weights of the deciding states, and the counts or needs with and without the deciding element."""


def _hazard_table(model: Model, i) -> tuple:
    n = model.count[i]
    others = log_pmf(n - 1, log_up(model)[i], model.most)

    def fails(move):
        moved = model.log_hazard + move * (jnp.arange(len(model.count)) == i)
        return -jnp.expm1(log_up(dataclasses.replace(model, log_hazard=moved))[i])

    slope = jax.jvp(fails, (0.0,), (1.0,))[1]  # of the probability of failure; never negative
    decides = jnp.arange(model.most + 1.0) >= n - model.need[i]
    weight = jnp.exp(log_weights(model))[:, None] * n * slope[:, None] * jnp.exp(others)
    return jnp.where(decides, weight, 0.0), model.count, model.need


def _count_table(model: Model, i, step: int) -> tuple:
    mine = jnp.arange(len(model.count)) == i
    count = jnp.where(mine, model.count + min(step, 0), model.count)
    up = log_up(model)[i]
    others = log_pmf(count[i], up, model.most)
    decides = jnp.arange(model.most + 1.0) > count[i] - model.need[i]
    weight = jnp.exp((log_weights(model) + up)[:, None] + others)
    return jnp.where(decides, weight, 0.0), count, model.need


def _need_table(model: Model, i, step: int) -> tuple:
    mine = jnp.arange(len(model.count)) == i
    need = jnp.where(mine, model.need + min(step, 0), model.need)
    own = log_pmf(model.count[i], log_up(model)[i], model.most)
    decides = jnp.arange(model.most + 1.0) >= model.count[i] - need[i]
    weight = jnp.exp(log_weights(model)[:, None] + own)
    return jnp.where(decides, weight, 0.0), model.count, need


def _failed_one_more(model: Model, mine, failed):
    return value_of(model, failed + mine) - value_of(model, failed)


def _one_element_more(model: Model, mine, failed):
    more = dataclasses.replace(model, count=model.count + mine)
    return value_of(more, failed) - value_of(model, failed)


def _one_more_needed(model: Model, mine, failed):
    more = dataclasses.replace(model, need=model.need + mine)
    return value_of(more, failed) - value_of(model, failed)


_DIFFERENCES = {
    "log_hazard": _failed_one_more,
    "count": _one_element_more,
    "need": _one_more_needed,
}


def _weighted(model: Model, drawn: Draws, n: int, difference, i, table):
    """One weighted difference: environment and own failures from the deciding states, the others as they are."""
    weights, count, need = table
    model = dataclasses.replace(model, count=count, need=need)
    place = chosen(weights.ravel(), drawn.extra[n])
    environment, failed = place // weights.shape[1], place % weights.shape[1]
    mine = jnp.arange(len(count)) == i
    others = failures(model, drawn, log_up(model)[:, environment])
    state = jnp.where(mine, failed, others).astype(count.dtype)
    return jnp.sum(weights) * difference(model, mine.astype(count.dtype), state)


def _shock(model: Model, drawn: Draws):
    """What a shock changes, on the same uniform numbers, at a moment drawn by how much likelier it becomes."""
    weights = jax.jvp(
        lambda log_shock: jnp.exp(log_weights(dataclasses.replace(model, log_shock=log_shock))),
        (model.log_shock,),
        (jnp.ones_like(model.log_shock),),
    )[1].reshape(-1, 2)[:, 1]
    place = chosen(weights, drawn.extra[0])
    up = log_up(model).reshape(len(model.count), -1, 2)[:, place]
    without, hit = (value_of(model, failures(model, drawn, up[:, s])) for s in (0, 1))
    return jnp.sum(weights) * (hit - without)
