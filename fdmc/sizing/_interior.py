"""The continuous part, for many count vectors at once: a primal-dual interior-point method in JAX."""

import dataclasses
from collections.abc import Callable, Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from ._stages import ReliabilityRedundancy


STEPS = 70
"""Newton steps; a convex problem of a few stages needs 20 to 30 for all digits."""

STARTS = (0.1, 0.5, 0.9)
"""Where between the bounds the stages start; in series one start is enough, the problem is convex."""

TO_BOUNDARY = 0.99
CENTRING = 0.1
BATCH = 256
MOST_VIOLATION = 1e-11


class Optima(eqx.Module):
    """The best reliabilities for given counts, one row a count vector.

    - `reliability`: of the components of each stage.
    - `loss`: $-\\log R$ of the system; infinite where the method did not end within the limits.
    - `multipliers`: increase of $\\log R$ for one more unit of each limit.
    """

    reliability: Float[np.ndarray, "designs stages"]
    loss: Float[np.ndarray, " designs"]
    multipliers: Float[np.ndarray, "designs resources"]


@dataclasses.dataclass(frozen=True)
class Model:
    """A problem as functions of all stages at once, its finite limits only.

    - `loss`: $-\\log R$ from the reliabilities of components and the counts.
    - `uses`: of the limited resources, by stage, likewise: shape `[stages, limits]`.
    - `depends`: which of them the reliabilities of components change. The others are settled by the
        counts; a limit that counts use up to the last has no interior.
    """

    loss: Callable[[Float[Array, " stages"], Float[Array, " stages"]], Float[Array, ""]]
    uses: Callable[
        [Float[Array, " stages"], Float[Array, " stages"]], Float[Array, "stages limits"]
    ]
    limits: Float[np.ndarray, " limits"]
    lowest: Float[np.ndarray, " stages"]
    highest: Float[np.ndarray, " stages"]
    depends: Bool[np.ndarray, " limits"]
    names: tuple[str, ...]


def log_stage(r: Float[Array, "..."], n: Float[Array, "..."]) -> Float[Array, "..."]:
    """Logarithm of the reliability of `n` in parallel: $\\log(1 - (1-r)^n)$."""
    return jnp.log1p(-jnp.exp(n * jnp.log1p(-r)))


def model(problem: ReliabilityRedundancy) -> Model:
    """Write the problem as functions."""
    limited = [one for one in problem.resources if np.isfinite(one.limit)]
    names = tuple(one.name for one in limited)

    def uses(r, n):
        rows = [
            [
                stage.uses[name](n[i], r[i]) if name in stage.uses else jnp.zeros(())
                for name in names
            ]
            for i, stage in enumerate(problem.stages)
        ]
        return jnp.array(rows, jnp.float64).reshape(len(problem.stages), len(names))

    def loss(r, n):
        logs = log_stage(r, n)
        return -jnp.sum(logs) if problem.system is None else -jnp.log(problem.system(jnp.exp(logs)))

    low = np.array([one.lowest for one in problem.stages], float)
    high = np.array([one.highest for one in problem.stages], float)
    most = np.array([one.most for one in problem.stages], float)
    with jax.enable_x64(True):
        ends = [np.asarray(uses(jnp.asarray(r), jnp.asarray(most))) for r in (low, high)]
    limits = np.array([one.limit for one in limited], float)
    return Model(loss, uses, limits, low, high, np.any(ends[0] != ends[1], axis=0), names)


def solver(
    model: Model, starts: Sequence[float] = STARTS
) -> Callable[[Float[np.ndarray, "designs stages"]], Optima]:
    """A function that solves many count vectors; compiled once, for `BATCH` of them."""
    one = jax.vmap(lambda n, start: _solve(model, n, start), in_axes=(None, 0))
    batch = jax.jit(jax.vmap(one, in_axes=(0, None)))

    def solve(counts):
        parts = []
        for first in range(0, len(counts), BATCH):
            some = counts[first : first + BATCH]
            padded = np.concatenate([some, np.repeat(some[:1], BATCH - len(some), axis=0)])
            with jax.enable_x64(True):
                r, loss, z = (np.asarray(x)[: len(some)] for x in batch(padded, np.array(starts)))
            best = np.arange(len(some)), loss.argmin(axis=1)
            parts.append((r[best], loss[best], z[best]))
        return Optima(*(np.concatenate(column) for column in zip(*parts, strict=True)))

    return solve


def _solve(
    model: Model, n: Float[Array, " stages"], start: Float[Array, ""]
) -> tuple[Float[Array, " stages"], Float[Array, ""], Float[Array, " limits"]]:
    """Mehrotra's scheme without its corrector, on the loss in units of its first value."""
    low, width = jnp.asarray(model.lowest), jnp.asarray(model.highest - model.lowest)
    live = np.flatnonzero(model.depends)
    limits, m, stages = model.limits[live], len(live), len(model.lowest)
    unit = np.where(limits > 0, limits, 1.0)

    def excess(x):  # x is r in units of its range
        return (jnp.sum(model.uses(low + width * x, n)[:, live], axis=0) - limits) / unit

    def over(x):  # all must end at or below 0
        return jnp.concatenate([excess(x), -x, x - 1.0])

    first = jnp.full(stages, start)
    scale = model.loss(low + width * first, n)

    def objective(x):
        return model.loss(low + width * x, n) / scale

    def lagrangian(x, z):  # the bounds are straight
        return objective(x) + excess(x) @ z[:m]

    def step(_, state):
        return _newton(lagrangian, objective, over, *state)

    slack = jnp.maximum(-over(first), 1e-3)
    x, _, z = jax.lax.fori_loop(0, STEPS, step, (first, slack, jnp.full(m + 2 * stages, 0.1)))
    r = low + width * x
    prices = jnp.zeros(len(model.limits)).at[live].set(z[:m] * scale / unit)
    good = jnp.all(over(x) <= MOST_VIOLATION) & jnp.all(jnp.isfinite(x))
    return r, jnp.where(good, model.loss(r, n), jnp.inf), prices


def _newton(lagrangian, objective, over, x, slack, z):
    """One step on the perturbed conditions of Karush, Kuhn and Tucker."""
    mean = jnp.mean(slack * z)
    h, J = over(x), jax.jacfwd(over)(x)
    H = jax.hessian(lagrangian)(x, z)
    stationary = jax.grad(objective)(x) + J.T @ z
    primal = h + slack
    centred = slack * z - CENTRING * mean
    # Directions of negative curvature are turned round, so that the step goes down.
    values, vectors = jnp.linalg.eigh(H)
    H = (vectors * jnp.maximum(jnp.abs(values), 1e-9)) @ vectors.T
    # Not eliminated to the size of x: z / slack spans 30 orders of magnitude near the end.
    system = jnp.block([[H, J.T], [J, -jnp.diag(slack / z)]])
    change = jnp.linalg.solve(system, -jnp.concatenate([stationary, primal - centred / z]))
    dx, dz = change[: len(x)], change[len(x) :]
    ds = -primal - J @ dx
    # Below this the method has ended and rounding would lead it astray.
    live = mean > 1e-17
    a = jnp.where(live, _share(slack, ds), 0.0)
    b = jnp.where(live, _share(z, dz), 0.0)
    return x + a * dx, slack + a * ds, z + b * dz


def _share(value: Float[Array, " rows"], change: Float[Array, " rows"]) -> Float[Array, ""]:
    """The longest step up to 1 that keeps a value positive, with a margin."""
    most = jnp.where(change < 0, -TO_BOUNDARY * value / change, 1.0)
    return jnp.minimum(1.0, jnp.min(most))
