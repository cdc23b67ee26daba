"""What every estimator of gradients states, and the one verb that asks it."""

import abc
import dataclasses
import functools
import warnings
from collections.abc import Sequence
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ...plan import GradientError
from ...tally import Estimate, mean_of
from ._draws import Draws, draws_of, state_of
from ._measure import Exceedance
from ._model import Model, Moves, best_eta, lost_of, model_of, tail_share
from ._problem import BOLTZMANN_EV, HAZARDS, PER, CapacityProblem, Kind


PILOT, PILOTS = 4096, 4
"""Replicas at once, and how often, from which the start of a tail is found: its error enters the derivative in second
order only."""

BATCH = 256
"""Replicas at once: memory stays flat."""


class BiasedGradientWarning(UserWarning):
    """A gradient whose expectation is not the derivative, used by explicit request."""


class AbstractEstimator(abc.ABC):
    """A way to estimate derivatives; a value without state.

    `biased`: whether its expectation is something else than the derivative.
    """

    biased: ClassVar[bool] = False

    @abc.abstractmethod
    def sees(self, problem: CapacityProblem, kind: Kind, group: int = -1) -> str:
        """Say what it gives for a kind of variable: `derivative`, or `difference` (of one element more or less).

        **Arguments:** `group`, its number; -1, of any.

        **Raises:** `GradientError` with the reason where it does not see that kind in this problem.
        """

    @abc.abstractmethod
    def moves(self, model: Model, draws: Draws, kinds: frozenset[Kind]) -> Moves:
        """Return values and derivatives of each replica, from its draws.

        Derivatives of other `kinds` may be left out (NaN).
        """

    def prepared(self, problem: CapacityProblem, model: Model, seed: int) -> Model:
        """Return the model with the start of its tail, from a pilot run of its own."""
        share = tail_share(model)
        if share is None:
            return model
        lost = np.concatenate(
            [np.asarray(_pilot(model, draws_of(model, seed, n, PILOT))) for n in range(PILOTS)]
        )
        return with_eta(model, best_eta(lost, np.full(len(lost), 1 / len(lost)), share))


def with_eta(model: Model, eta: float) -> Model:
    """Return the model with its tail beginning here."""
    return eqx.tree_at(lambda m: m.eta, model, jnp.asarray(eta, model.count.dtype))


@jax.jit
def _pilot(model: Model, draws: Draws):
    return jax.vmap(lambda drawn: lost_of(model, state_of(model, drawn)[1]))(draws)


@dataclasses.dataclass(frozen=True)
class CapacityGradient:
    """The measure of lost capacity and its derivatives, each with its 95 % interval.

    `by` has the name of the variable, `meaning` whether it is a `derivative` or the `difference` of one element;
    `samples` are the values of the replicas, for what is to be done with them (their variance, say).
    """

    lost: Estimate
    by: dict[str, Estimate]
    meaning: dict[str, str]
    samples: dict[str, np.ndarray]
    estimator: str
    seed: int


def capacity_gradient(
    problem: CapacityProblem,
    estimator: AbstractEstimator,
    variables: Sequence[str] | None = None,
    *,
    seed: int = 0,
    replicas: int = 4096,
) -> CapacityGradient:
    """Estimate how the lost capacity of a problem moves with its variables.

    **Arguments:**

    - `problem`: the groups.
    - `estimator`: how. It says what it sees.
    - `variables`: names such as `laser.rate`; default: all that the estimator sees.
    - `seed`, `replicas`: replica *k* of a seed is one draw for ever. `ExactAutodiff` draws nothing.

    **Returns:** a `CapacityGradient`, in the problem's unit per unit of the variable (1 per hour, hour, kelvin, one).

    **Raises:** `GradientError` for a variable that the estimator does not see, with the reason; never a silent zero.
    Warns with `BiasedGradientWarning` when the estimator is biased.

    !!! example

        ```python
        from fdmc.sizing import CapacityGroup, CapacityProblem, Pivotal, capacity_gradient

        lasers = CapacityGroup("laser", count=9, need=8, rate_per_hour=2e-6, time_hours=43800)
        found = capacity_gradient(CapacityProblem([lasers]), Pivotal(), ["laser.count"], replicas=256)
        assert found.meaning["laser.count"] == "difference"
        ```
    """
    names, meaning = _asked(problem, estimator, variables)
    warn_if_biased(estimator)
    known = problem.variables
    kinds = frozenset(known[name][0] for name in names)
    with jax.enable_x64(True):
        model = estimator.prepared(problem, model_of(problem), seed)
        draws = draws_of(model, seed, 0, replicas)
        found = jax.tree.map(np.asarray, moves_of(estimator, model, draws, kinds))
    by, samples = {}, {}
    for name in names:
        kind, _, _ = known[name]
        samples[name] = np.atleast_1d(
            leaf(found, *known[name][:2]) * chain(problem, name, known[name][2])
        )
        per = PER[kind]
        unit = per if problem.unit == "1" else f"{problem.unit} {per}".replace(" 1", "")
        by[name] = _estimate(samples[name], unit)
    lost = _estimate(np.atleast_1d(found.value), problem.unit)
    return CapacityGradient(lost, by, meaning, samples, type(estimator).__name__, seed)


@functools.partial(jax.jit, static_argnums=(0, 3))
def moves_of(estimator: AbstractEstimator, model: Model, draws: Draws, kinds) -> Moves:
    """The estimator's answer, compiled."""
    return estimator.moves(model, draws, kinds)


def over_replicas(one, draws: Draws) -> Moves:
    """Return the moves of every replica, some at once."""
    return jax.lax.map(one, draws, batch_size=BATCH)


def leaf(moves: Moves, kind: Kind, group: int) -> Any:
    """Return the derivative that belongs to a kind of variable of a group, before the chain rule."""
    if kind is Kind.SHOCK:
        return moves.log_shock
    field = "log_hazard" if kind in HAZARDS else kind.value
    return getattr(moves, field)[..., group]


def chain(problem: CapacityProblem, name: str, value):
    """Return the derivative of a leaf of the model with respect to the variable at `value`."""
    kind, i, _ = problem.variables[name]
    if kind in (Kind.RATE, Kind.TIME, Kind.SHOCK):
        return 1 / value  # leaves are logarithms
    if kind is Kind.TEMPERATURE:
        return float(problem.groups[i].activation_energy_ev) / BOLTZMANN_EV / value**2
    return 1.0


def warn_if_biased(estimator: AbstractEstimator) -> None:
    """Say so when a gradient is not one."""
    if estimator.biased:
        warnings.warn(
            f"{type(estimator).__name__} is biased: its expectation is not the derivative, by an amount that it does "
            "not know. ConditionalMonteCarlo and Pivotal are not.",
            BiasedGradientWarning,
            stacklevel=3,
        )


def refuse(estimator: AbstractEstimator, kind: Kind, why: str) -> GradientError:
    """Return the error for a kind that is not seen."""
    return GradientError(f"{type(estimator).__name__} does not see a {kind.value}: {why}.")


def require_whole(estimator: AbstractEstimator, problem: CapacityProblem) -> None:
    """Raise where counts are not whole numbers, whose elements cannot be drawn one by one."""
    if not problem.whole:
        raise GradientError(
            f"{type(estimator).__name__} draws elements, so that counts and needs must be whole numbers; "
            "ExactAutodiff on a sum or product has a relaxation between them."
        )


def require_no_step(estimator: AbstractEstimator, problem: CapacityProblem, kind: Kind) -> None:
    """Raise where capacities move nothing but a threshold."""
    if kind is Kind.CAPACITY and isinstance(problem.measure, Exceedance):
        raise refuse(
            estimator, kind, "whether more than a threshold is lost moves in steps with capacities"
        )


def _asked(
    problem: CapacityProblem, estimator: AbstractEstimator, variables: Sequence[str] | None
) -> tuple[list[str], dict[str, str]]:
    known = problem.variables
    if variables is None:
        meaning = {}
        for name, (kind, group, _) in known.items():
            try:
                meaning[name] = estimator.sees(problem, kind, group)
            except GradientError:
                continue
        if not meaning:
            raise GradientError(
                f"{type(estimator).__name__} sees none of the variables: {', '.join(known)}."
            )
        return list(meaning), meaning
    missing = [name for name in variables if name not in known]
    if missing:
        raise GradientError(
            f"no such variable: {', '.join(missing)}; there are {', '.join(known)}."
        )
    return list(variables), {n: estimator.sees(problem, *known[n][:2]) for n in variables}


def _estimate(values: np.ndarray, unit: str) -> Estimate:
    if len(values) == 1:  # nothing was drawn
        value = float(values[0])
        return Estimate(value, value, value, unit, 0, "exact")
    return mean_of(values, unit)
