"""Derivatives of something else that is smooth: cheap, and biased by an amount that they do not know."""

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ...plan import GradientError
from ._base import AbstractEstimator, over_replicas, refuse, require_whole
from ._draws import Draws, chosen, there
from ._measure import Exceedance
from ._model import Groups, Model, Moves, log_up, log_weights, unseen, value_of
from ._problem import HAZARDS, CapacityProblem, Kind, Loss


@dataclasses.dataclass(frozen=True)
class StraightThrough(AbstractEstimator):
    """**Biased.** Elements are drawn, and differentiated as if they were their probabilities (Bengio et al. 2013).

    The slope of the loss at the drawn state stands for the difference that one failure makes.
    """

    biased: ClassVar[bool] = True

    def sees(self, problem: CapacityProblem, kind: Kind, group: int = -1) -> str:
        return _sees(self, problem, kind)

    def moves(self, model: Model, draws: Draws, kinds: frozenset[Kind]) -> Moves:
        def failed(model: Model, drawn: Draws, up):
            prob = -jnp.expm1(up)[:, None]
            hard = (drawn.elements[0] < prob).astype(up.dtype)
            through = hard + prob - jax.lax.stop_gradient(prob)
            return jnp.sum(jnp.where(there(model), through, 0.0), -1)

        return _through(model, draws, failed)


@dataclasses.dataclass(frozen=True)
class Gumbel(AbstractEstimator):
    """**Biased.** Elements fail by a share: a logistic function of their log odds and noise (Maddison et al. 2017).

    - `temperature`: of that function, above 0; small ones have less bias and more variance.
    """

    temperature: float
    biased: ClassVar[bool] = True

    def __post_init__(self):
        if not self.temperature > 0:
            raise GradientError(f"Gumbel: temperature must be positive, but is {self.temperature}.")

    def sees(self, problem: CapacityProblem, kind: Kind, group: int = -1) -> str:
        return _sees(self, problem, kind)

    def moves(self, model: Model, draws: Draws, kinds: frozenset[Kind]) -> Moves:
        def failed(model: Model, drawn: Draws, up):
            noise = jnp.log1p(-drawn.elements[0]) - jnp.log(drawn.elements[0])  # small numbers fail
            odds = jnp.log(-jnp.expm1(up)) - up
            soft = jax.nn.sigmoid((odds[:, None] + noise) / self.temperature)
            return jnp.sum(jnp.where(there(model), soft, 0.0), -1)

        return _through(model, draws, failed)


def _sees(estimator: AbstractEstimator, problem: CapacityProblem, kind: Kind) -> str:
    require_whole(estimator, problem)
    if problem.loss is Loss.THRESHOLD or isinstance(problem.measure, Exceedance):
        raise refuse(estimator, kind, "a threshold has no slope, and the derivative would be zero")
    if kind not in HAZARDS and kind is not Kind.CAPACITY:
        raise refuse(estimator, kind, "only elements are relaxed; Pivotal sees it")
    return "derivative"


def _through(model: Model, draws: Draws, failed) -> Moves:
    def one(drawn):
        def lost(log_hazard: Groups, capacity: Groups) -> Float[Array, ""]:
            moved = dataclasses.replace(model, log_hazard=log_hazard, capacity=capacity)
            environment = chosen(jnp.exp(log_weights(model)), drawn.extra[0])
            return value_of(moved, failed(moved, drawn, log_up(moved)[:, environment]))

        value, slopes = jax.value_and_grad(lost, (0, 1))(model.log_hazard, model.capacity)
        found = dict(zip(("log_hazard", "capacity"), slopes, strict=True))
        return dataclasses.replace(unseen(model), value=value, **found)

    return over_replicas(one, draws)
