"""What a replica draws: uniform numbers, all at once, from which every estimator makes what it needs."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from ._model import Groups, Model, log_up, log_weights


EXTRA = 8
"""Numbers besides those of the elements: the environment, the shock, the deciding states."""


class Draws(eqx.Module):
    """Uniform numbers of one replica, or of several.

    `elements` has two for each element, with room for one element more than there is in the largest group.
    """

    elements: Float[Array, "*replicas 2 groups elements"]
    extra: Float[Array, "*replicas extra"]


def draws_of(model: Model, seed: int, stream: int | Array, replicas: int) -> Draws:
    """Return the draws of replicas 0 to `replicas` - 1; those of one do not depend on how many there are."""
    key = jax.random.fold_in(jax.random.key(seed, impl="threefry2x32"), stream)
    return _drawn(key, replicas, len(model.count), model.most + 1)


@functools.partial(jax.jit, static_argnums=(1, 2, 3))
def _drawn(key, replicas: int, groups: int, elements: int) -> Draws:
    size = 2 * groups * elements

    def one(number):
        return jax.random.uniform(jax.random.fold_in(key, number), (size + EXTRA,), float)

    numbers = jax.vmap(one)(jnp.arange(replicas, dtype=jnp.uint32))
    shape = (replicas, 2, groups, elements)
    return Draws(numbers[:, :size].reshape(shape), numbers[:, size:])


def chosen(weights: Float[Array, " options"], uniform: Float[Array, ""]) -> Int[Array, ""]:
    """Return the number of an option, drawn by weights that need not sum to 1."""
    reached = jnp.cumsum(weights)
    # Side right: an option without weight is never drawn, even by 0.
    place = jnp.searchsorted(reached, uniform * reached[-1], side="right")
    return jnp.minimum(place, len(weights) - 1)


def state_of(model: Model, drawn: Draws) -> tuple[Int[Array, ""], Groups]:
    """Return an environment and the numbers of failed elements."""
    environment = chosen(jnp.exp(log_weights(model)), drawn.extra[0])
    return environment, failures(model, drawn, log_up(model)[:, environment])


def failures(model: Model, drawn: Draws, up: Float[Array, " groups"]) -> Groups:
    """Return the numbers of failed elements, given the probabilities of an environment."""
    failed = drawn.elements[0] < -jnp.expm1(up)[:, None]
    return jnp.sum(failed & there(model), -1).astype(up.dtype)


def there(model: Model) -> Array:
    """Return which elements there are, [groups, elements]."""
    return jnp.arange(model.most + 1) < model.count[:, None]
