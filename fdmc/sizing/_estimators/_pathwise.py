"""Pathwise derivatives: the draw stays, and what it loses moves."""

import dataclasses

import jax
import jax.numpy as jnp

from ._base import AbstractEstimator, over_replicas, refuse, require_no_step, require_whole
from ._draws import Draws, chosen, state_of, there
from ._model import Model, Moves, unseen, value_of
from ._problem import HAZARDS, CapacityProblem, Kind, Law, Moment


@dataclasses.dataclass(frozen=True)
class Pathwise(AbstractEstimator):
    """Derivatives of what one history loses, at fixed draws.

    Capacities move it at once. Rates, times and temperatures move the moments of failures: the loss averaged over a
    mission (`Moment.ANY`) moves with them, while the state at its end jumps, which no path shows.
    """

    def sees(self, problem: CapacityProblem, kind: Kind, group: int = -1) -> str:
        require_whole(self, problem)
        require_no_step(self, problem, kind)
        if kind in (Kind.COUNT, Kind.NEED):
            raise refuse(self, kind, "on every path it moves in steps, whose derivative is zero")
        timed = kind in HAZARDS or kind is Kind.SHOCK
        if timed and (problem.law is not Law.MISSION or problem.moment is not Moment.ANY):
            why = (
                "on every path the state at one moment is a step of it, whose derivative is zero; with moment=ANY of "
                "a mission it moves the hours that are lost"
            )
            raise refuse(self, kind, why)
        return "derivative"

    def moves(self, model: Model, draws: Draws, kinds: frozenset[Kind]) -> Moves:
        timed = model.law is Law.MISSION and model.moment is Moment.ANY
        lost = _over_mission if timed else _at_one_moment

        def one(drawn):
            leaves = (model.log_hazard, model.capacity, model.log_shock)
            value, slopes = jax.value_and_grad(lost, (0, 1, 2))(*leaves, model, drawn)
            hazard, capacity, shock = slopes
            found = {"log_hazard": hazard, "log_shock": shock} if timed else {}
            return dataclasses.replace(unseen(model), value=value, capacity=capacity, **found)

        return over_replicas(one, draws)


def _at_one_moment(log_hazard, capacity, log_shock, model: Model, drawn: Draws):
    _, failed = state_of(model, drawn)
    return value_of(dataclasses.replace(model, capacity=capacity), failed)


def _over_mission(log_hazard, capacity, log_shock, model: Model, drawn: Draws):
    """Average over the mission of one history, whose failures come in the order of their times."""
    factors = chosen(model.node_weights, drawn.extra[0])
    rate = jnp.exp(log_hazard) * model.factor[:, factors]  # per mission
    times = -jnp.log1p(-drawn.elements[0]) / rate[:, None]
    if model.shocked:
        shock = -jnp.log1p(-drawn.extra[1]) / jnp.exp(log_shock)
        hit = drawn.elements[1] < model.hit[:, None]
        times = jnp.where(hit, jnp.minimum(times, shock), times)
    times, shape = jnp.where(there(model), times, jnp.inf), times.shape
    flat = jnp.minimum(times.ravel(), 1.0)
    order = jnp.argsort(flat)
    edges = jnp.concatenate([jnp.zeros(1), flat[order], jnp.ones(1)])
    of = jnp.repeat(jnp.arange(shape[0]), shape[1])[order]
    counts = jnp.cumsum(jax.nn.one_hot(of, shape[0], dtype=rate.dtype), 0)
    counts = jnp.concatenate([jnp.zeros((1, shape[0])), counts])
    values = value_of(dataclasses.replace(model, capacity=capacity), counts)
    return jnp.diff(edges) @ values
