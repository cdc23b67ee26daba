"""Bounds on what given counts can reach, whatever the reliabilities of the components."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ._interior import BATCH, Model, log_stage


HALVINGS = 60
"""Of an interval of reliabilities: to the last bit of a float64."""

GRID = 33
"""Reliabilities, for each number of components, at which uses are tried for convexity."""


def dual_bounds(
    model: Model,
    counts: Float[np.ndarray, "designs stages"],
    multipliers: Float[np.ndarray, "designs limits"],
) -> Float[np.ndarray, " designs"]:
    """No reliabilities give stages in series with these counts a lower loss.

    With prices on the limits each stage chooses for itself: $\\sum_i \\min_r [-\\log R_i(n_i, r) +
    \\lambda u_i(n_i, r)] - \\lambda b$. Each minimum is one of a convex function, where the uses are
    convex in $r$: $-\\log(1 - (1-r)^n)$ is.
    """

    def one(n, z):
        def priced(r):
            return jnp.sum(-log_stage(r, n)) + jnp.sum(model.uses(r, n) @ z)

        falls = jax.grad(priced)

        def halve(_, ends):
            middle = 0.5 * (ends[0] + ends[1])
            right = falls(middle) < 0
            return jnp.where(right, middle, ends[0]), jnp.where(right, ends[1], middle)

        ends = jnp.asarray(model.lowest), jnp.asarray(model.highest)
        low, high = jax.lax.fori_loop(0, HALVINGS, halve, ends)
        middle = 0.5 * (low + high)
        # A convex function is above its tangent: what the last interval still hides.
        hidden = jnp.sum(jnp.abs(falls(middle)) * (high - low))
        return priced(middle) - hidden - model.limits @ z

    return _batched(one, counts, multipliers)


def box_bounds(
    model: Model, counts: Float[np.ndarray, "designs stages"]
) -> Float[np.ndarray, " designs"]:
    """No reliabilities give these counts a lower loss, whatever the structure.

    Each stage is as reliable as it can be while all others use the least; the system is
    increasing in its stages.
    """

    def one(n):
        low, high = jnp.asarray(model.lowest), jnp.asarray(model.highest)
        least = model.uses(low, n)
        budget = model.limits - jnp.sum(least, axis=0) + least

        def fits(r):
            return jnp.all(model.uses(r, n) <= budget, axis=1)

        def halve(_, ends):
            middle = 0.5 * (ends[0] + ends[1])
            good = fits(middle)
            return jnp.where(good, middle, ends[0]), jnp.where(good, ends[1], middle)

        _, over = jax.lax.fori_loop(0, HALVINGS, halve, (low, high))
        return model.loss(jnp.where(fits(high), high, over), n)

    return _batched(one, counts)


def convex(model: Model, most: Float[np.ndarray, " stages"]) -> bool:
    """Whether the uses look convex in the reliability, on a grid of it and of the counts."""
    share = np.linspace(0, 1, GRID)[:, None]
    grid = model.lowest + share * (model.highest - model.lowest)

    def bend(n, r, limit):
        def slope(r):
            return jax.grad(lambda r: jnp.sum(model.uses(r, n)[:, limit]))(r)

        return jax.jvp(slope, (r,), (jnp.ones_like(r),))[1]

    with jax.enable_x64(True):
        for limit in range(len(model.limits)):
            over_r = jax.vmap(lambda n, r, limit=limit: bend(n, r, limit), in_axes=(None, 0))
            counts = jnp.minimum(jnp.arange(1.0, most.max() + 1)[:, None], most)
            bends = np.asarray(jax.jit(jax.vmap(over_r, in_axes=(0, None)))(counts, grid))
            if not np.all(bends >= -1e-9 * np.abs(bends).max()):
                return False
    return True


def _batched(
    one: Callable[..., Float[Array, ""]], *rows: Float[np.ndarray, "designs _"]
) -> Float[np.ndarray, " designs"]:
    """Map over rows, in compiled batches of one size."""
    with jax.enable_x64(True):
        run = jax.jit(jax.vmap(one))
        parts = []
        for first in range(0, len(rows[0]), 16 * BATCH):
            some = [row[first : first + 16 * BATCH] for row in rows]
            size = len(some[0])
            padded = [
                np.concatenate([row, np.repeat(row[:1], -size % BATCH, axis=0)]) for row in some
            ]
            parts.append(np.asarray(run(*padded))[:size])
    return np.concatenate(parts)
