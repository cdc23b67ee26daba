"""The score function: what is lost, times how much likelier the draw becomes."""

import dataclasses

import jax
import jax.numpy as jnp

from ._base import AbstractEstimator, over_replicas, refuse, require_whole
from ._draws import Draws, chosen, failures
from ._model import Model, Moves, log_up, log_weights, unseen, value_of
from ._problem import HAZARDS, CapacityProblem, Kind


@dataclasses.dataclass(frozen=True)
class ScoreFunction(AbstractEstimator):
    """The covariance of what is lost with the score of what was drawn.

    The baseline of a replica is the mean loss of all others, which keeps it unbiased. It needs to know nothing of the
    losses, but its variance grows with the number of elements drawn. It sees probabilities only.
    """

    def sees(self, problem: CapacityProblem, kind: Kind, group: int = -1) -> str:
        require_whole(self, problem)
        if kind not in HAZARDS and kind is not Kind.SHOCK:
            raise refuse(
                self, kind, "it moves no probability of what is drawn, and its score would be zero"
            )
        return "derivative"

    def moves(self, model: Model, draws: Draws, kinds: frozenset[Kind]) -> Moves:
        ones = jnp.ones_like(model.log_hazard)

        def up_at(move):
            return log_up(dataclasses.replace(model, log_hazard=model.log_hazard + move * ones))

        up, slope = jax.jvp(up_at, (0.0,), (1.0,))
        weigh = lambda log_shock: log_weights(dataclasses.replace(model, log_shock=log_shock))
        shock = (model.log_shock,), (jnp.ones_like(model.log_shock),)
        likely, shock_score = jax.jvp(weigh, *shock)

        def one(drawn):
            e = chosen(jnp.exp(likely), drawn.extra[0])
            failed = failures(model, drawn, up[:, e])
            # d log[p^m (1-p)^(n-m)], with p = 1 - exp(up): slopes of log p and of up.
            fails = slope[:, e] / jnp.expm1(-up[:, e])
            score = (model.count - failed) * slope[:, e] - failed * fails
            found = {"log_hazard": score, "log_shock": shock_score[e]}
            return dataclasses.replace(unseen(model), value=value_of(model, failed), **found)

        drawn = over_replicas(one, draws)
        n = len(draws.extra)
        over = (drawn.value - jnp.mean(drawn.value)) * n / max(n - 1, 1)  # over the mean of others
        return dataclasses.replace(
            drawn,
            log_hazard=over[:, None] * drawn.log_hazard,
            log_shock=over * drawn.log_shock,
        )
