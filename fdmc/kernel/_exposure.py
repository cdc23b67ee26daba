"""Clocks that run with the environment: from hours to exposure and back."""

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from ..plan import Exposures


def exposure(
    x: Exposures, row: Int[Array, "..."], hours: Float[Array, "..."]
) -> Float[Array, "..."]:
    """Return E(t), the exposure after so many hours."""
    turns = jnp.floor(hours / x.cycle_hours)
    rest = hours - turns * x.cycle_hours
    step = jnp.zeros(rest.shape, jnp.int32)
    for j in range(1, x.start_hours.shape[0]):
        step = step + (rest >= x.start_hours[j])
    inside = x.reached[row, step] + x.rate[row, step] * (rest - x.start_hours[step])
    return turns * x.cycle_hours + inside


def later(
    x: Exposures, row: Int[Array, "..."], since: Float[Array, "..."], age: Float[Array, "..."]
) -> Float[Array, "..."]:
    """Return when a clock has gone on by `age`, which may be infinite: E^-1(E(since) + age)."""
    due = exposure(x, row, since) + age
    turns = jnp.floor(due / x.cycle_hours)
    rest = due - turns * x.cycle_hours
    steps = x.start_hours.shape[0]
    step = jnp.zeros(rest.shape, jnp.int32)
    for bit in reversed(range((steps - 1).bit_length())):  # the last step that begins before
        ahead = step + (1 << bit)
        begun = (ahead < steps) & (rest >= x.reached[row, jnp.minimum(ahead, steps - 1)])
        step = jnp.where(begun, ahead, step)
    inside = x.start_hours[step] + (rest - x.reached[row, step]) / x.rate[row, step]
    hours = jnp.maximum(turns * x.cycle_hours + inside, since)
    return jnp.where(jnp.isinf(due), jnp.inf, hours)
