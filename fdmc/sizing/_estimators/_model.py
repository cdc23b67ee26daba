"""The problem as arrays: states of the environment, probabilities given them, and what states lose."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._tail import binomial_tail
from ._measure import Exceedance, Mean, Measure, TailMean
from ._problem import BOLTZMANN_EV, CapacityProblem, Combine, Law, Loss, Moment


MOMENTS = 16
"""Gauss-Legendre nodes over the moments of a mission: exact to 1e-12 where failure probabilities are smooth."""

SAME = 1e-9
"""Share of the whole within which two losses are one: rounding of capacities that are sums."""

Groups = Float[Array, " groups"]
States = Float[Array, "*states groups"]
Scalar = Float[Array, ""]


class Model(eqx.Module):
    """What the estimators see: the leaves are what may be moved, all else is the shape of the problem.

    `log_hazard` is the logarithm of rate x time x Arrhenius factor. `most` is the largest count.
    """

    count: Groups
    need: Groups
    log_hazard: Groups
    capacity: Groups
    log_shock: Scalar
    factor: Float[Array, "groups factors_nodes"]  # of the hazard, at the nodes of the factors
    hit: Groups
    node_weights: Float[Array, " factors_nodes"]
    moments: Float[Array, " moments"]
    moment_weights: Float[Array, " moments"]
    eta: Scalar
    combine: Combine = eqx.field(static=True)
    loss: Loss = eqx.field(static=True)
    law: Law = eqx.field(static=True)
    moment: Moment = eqx.field(static=True)
    measure: Measure = eqx.field(static=True)
    shocked: bool = eqx.field(static=True)
    most: int = eqx.field(static=True)

    @property
    def spares(self) -> Groups:
        """Elements that may fail before anything is lost."""
        return self.count - self.need


class Moves(eqx.Module):
    """What an estimator has found: values, and derivatives with respect to the leaves of a model.

    A first axis of replicas, where there are any. Leaves that it does not see are NaN.
    """

    value: Float[Array, "*replicas"]
    count: Float[Array, "*replicas groups"]
    need: Float[Array, "*replicas groups"]
    log_hazard: Float[Array, "*replicas groups"]
    capacity: Float[Array, "*replicas groups"]
    log_shock: Float[Array, "*replicas"]


def unseen(model: Model) -> Moves:
    """Derivatives of which none is known."""
    nothing = jnp.full_like(model.count, jnp.nan)
    scalar = jnp.full_like(model.log_shock, jnp.nan)
    return Moves(scalar, nothing, nothing, nothing, nothing, scalar)


def model_of(problem: CapacityProblem, most: int | None = None) -> Model:
    """Return the arrays of a problem; they are float64 under `jax.enable_x64`.

    **Arguments:** `most`, room for counts, where they are going to grow.
    """
    groups, environment = problem.groups, problem.environment
    array = lambda values: np.array([float(v) for v in values])
    kelvin = array(g.reference_kelvin if g.kelvin is None else g.kelvin for g in groups)
    energy, reference = (array(getattr(g, f) for g in groups) for f in _ARRHENIUS)
    hazard = array(float(g.rate_per_hour) * float(g.time_hours) for g in groups)
    log_factor = energy / BOLTZMANN_EV * (1 / reference - 1 / kelvin)
    if environment is None:
        factor, weights = np.ones((len(groups), 1)), np.ones(1)
    else:
        wide = environment.nodes.shape[1]
        loading = np.stack([np.broadcast_to(np.asarray(g.loading, float), (wide,)) for g in groups])
        factor, weights = np.exp(loading @ environment.nodes.T), environment.weights
    moments, moment_weights = np.ones(1), np.ones(1)
    if problem.moment is Moment.ANY:
        x, w = np.polynomial.legendre.leggauss(MOMENTS)
        moments, moment_weights = (x + 1) / 2, w / 2
    room = math.ceil(max(float(g.count) for g in groups))
    return Model(
        count=jnp.asarray(array(g.count for g in groups)),
        need=jnp.asarray(array(g.need for g in groups)),
        log_hazard=jnp.asarray(np.log(hazard) + log_factor),
        capacity=jnp.asarray(array(g.capacity for g in groups)),
        log_shock=jnp.asarray(np.log(float(problem.shock or 1.0))),
        factor=jnp.asarray(factor),
        hit=jnp.asarray(array(g.hit for g in groups)),
        node_weights=jnp.asarray(weights),
        moments=jnp.asarray(moments),
        moment_weights=jnp.asarray(moment_weights),
        eta=jnp.asarray(0.0),
        combine=problem.combine,
        loss=problem.loss,
        law=problem.law,
        moment=problem.moment,
        measure=problem.measure,
        shocked=problem.shock is not None,
        most=most or room,
    )


_ARRHENIUS = ("activation_energy_ev", "reference_kelvin")


def log_weights(model: Model) -> Float[Array, " environments"]:
    """Return the logarithms of the probabilities of the environments: factors x moments x (no shock, shock)."""
    both = jnp.log(model.node_weights)[:, None] + jnp.log(model.moment_weights)
    if not model.shocked:
        return both.ravel()
    quiet = _log_up(model.law, jnp.exp(model.log_shock) * model.moments)
    shocks = jnp.stack([quiet, jnp.log(-jnp.expm1(quiet))], -1)
    return (both[..., None] + shocks).ravel()


def log_up(model: Model) -> Float[Array, "groups environments"]:
    """Return the logarithms of the probabilities that an element works, given the environment."""
    exposure = jnp.exp(model.log_hazard)[:, None, None] * model.factor[:, :, None] * model.moments
    up = _log_up(model.law, exposure)
    if model.shocked:
        missed = jnp.log1p(-model.hit)[:, None, None]
        up = jnp.stack([up, up + missed], -1)
    return up.reshape(len(model.count), -1)


def _log_up(law: Law, exposure: Array) -> Array:
    return -exposure if law is Law.MISSION else -jnp.log1p(exposure)


def log_pmf(count: Array, up: Array, most: int) -> Float[Array, "*shape failed"]:
    """Return the logarithms of the probabilities of 0..`most` failures among whole `count` elements.

    **Arguments:** the count and the logarithm `up` of the probability that one works; they broadcast.
    """
    failed = jnp.arange(most + 1.0)
    n, up = (x[..., None] for x in jnp.broadcast_arrays(count, up))
    rest = n - failed
    inside = rest >= 0
    works = jnp.where(inside, rest, 0.0)
    gammaln = jax.scipy.special.gammaln
    ways = gammaln(n + 1) - gammaln(failed + 1) - gammaln(works + 1)
    fails = jnp.log(-jnp.expm1(up))
    value = jax.lax.stop_gradient(ways) + failed * fails + works * up
    return jnp.where(inside, value, -jnp.inf)


def left(model: Model, failed: States) -> States:
    """Return the share of each group that is left when so many have failed; works for real numbers, too."""
    if model.loss is Loss.THRESHOLD:
        return jnp.where(failed <= model.spares + SAME, 1.0, 0.0)
    return jnp.clip((model.count - failed) / model.need, 0.0, 1.0)


def combined(model: Model, values: States) -> Float[Array, "*states"]:
    """Return what the machine delivers when its groups deliver these values."""
    operation = {Combine.SUM: jnp.sum, Combine.MIN: jnp.min, Combine.PRODUCT: jnp.prod}
    return operation[model.combine](values, axis=-1)


def measured(model: Model, lost: Array) -> Array:
    """Return what a loss counts for: its expectation is the measure."""
    if isinstance(model.measure, Mean):
        return lost
    if isinstance(model.measure, Exceedance):
        rounding = SAME * combined(model, model.capacity)
        return jnp.where(lost > model.measure.lost + rounding, 1.0, 0.0)
    return model.eta + jnp.maximum(lost - model.eta, 0.0) / float(model.measure.share)


def lost_of(model: Model, failed: States) -> Float[Array, "*states"]:
    """Return the capacity lost in states."""
    whole = combined(model, model.capacity)
    return whole - combined(model, model.capacity * left(model, failed))


def value_of(model: Model, failed: States) -> Float[Array, "*states"]:
    """Return what states count for."""
    return measured(model, lost_of(model, failed))


def mean_short(model: Model, up: Array) -> Array:
    """Return the expected share that a group lacks, smooth in real `count` and `need`.

    **Arguments:** logarithms of the probability that an element works, [groups, environments].

    **Returns:** $E(M - s)^+ / k$ with $E(M - s)^+ = n p P(M' \\ge s) - s P(M > s)$, where $M'$ counts n - 1
    elements; under a threshold $P(M > s)$.
    """
    n, k = model.count[:, None], model.need[:, None]
    # At no spares the tail is a constant; its derivative from above is that of the limit.
    s = n - k
    s = s + jax.lax.stop_gradient(jnp.maximum(s, 1e-12) - s)
    p = -jnp.expm1(up)
    if model.loss is Loss.THRESHOLD:
        return binomial_tail(s + 1, n, p)
    reaches, beyond = binomial_tail(jnp.stack([s, s + 1]), jnp.stack([n - 1, n]), p)
    return (n * p * reaches - s * beyond) / k


def joint_states(model: Model) -> Float[Array, "states groups"]:
    """Return all states of all groups, each with as many elements as the largest."""
    grid = np.meshgrid(*[np.arange(model.most + 1.0)] * len(model.count), indexing="ij")
    return jnp.asarray(np.stack([axis.ravel() for axis in grid], -1), model.count.dtype)


def best_eta(
    lost: Float[np.ndarray, " states"], prob: Float[np.ndarray, " states"], share: float
) -> float:
    """Return the loss that is exceeded with at most `share`: where the mean of the tail begins."""
    order = np.argsort(lost)
    reached = np.cumsum(prob[order])
    place = np.searchsorted(reached, (1 - share) * reached[-1] * (1 - 1e-12))
    return float(lost[order][min(place, len(order) - 1)])


def tail_share(model: Model) -> float | None:
    """Return the share of a `TailMean`, None for other measures."""
    return float(model.measure.share) if isinstance(model.measure, TailMean) else None
