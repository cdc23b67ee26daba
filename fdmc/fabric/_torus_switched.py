import math

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ._collectives import over
from ._torus import TorusState


def switched_torus_state(
    live: Float[Array, "*batch planes"], cube: tuple[int, ...], shape: tuple[int, ...]
) -> TorusState:
    """Reduce what is left of optical circuit switches to the state of a torus of cubes that they join.

    **Arguments:**

    - `live`: what is left of each switch, 0 to 1. A switch joins one position of the faces of all cubes: those of the
        first dimension come first, and positions are numbered with the last of the other dimensions fastest.
    - `cube`: accelerators of a cube along each dimension; links inside a cube are whole and have capacity 1.
    - `shape`: accelerators of the torus along each dimension, 3 or more: multiples of those of a cube. Links between
        cubes, and the one that closes a ring, go through the switch of their position.

    **Returns:** the `TorusState` of every batch element, that of `torus_state` on the same links. `exact` is set while
    nothing is lost: a switch carries many links, and with several weak ones `optimal` is a lower bound of the time.

    **Raises:** `ValueError` when the cubes do not fill the torus, or the switches are not those of their faces.

    !!! example

        ```python
        import jax.numpy as jnp
        from fdmc.fabric import switched_torus_state, torus_seconds

        live = jnp.ones((2, 48)).at[1, 0].set(0.0)  # whole, and one of 48 switches lost
        state = switched_torus_state(live, (4, 4, 4), (8, 8, 16))
        times = torus_seconds("all_to_all", "optimal", 1.0, state)
        assert times[0] == times[1] == 2.0  # the longest dimension, the third, has lost nothing
        ```
    """
    faces = [math.prod(cube) // d for d in cube]
    if len(cube) != len(shape) or any(d % c or d < 3 for c, d in zip(cube, shape, strict=True)):
        raise ValueError(
            f"cubes of {cube} do not fill a torus of {shape}, 3 or more along each dimension"
        )
    if live.shape[-1] != sum(faces):
        raise ValueError(f"cubes of {cube} have {sum(faces)} face positions, not {live.shape[-1]}")
    nodes = math.prod(shape)
    split = [live[..., sum(faces[:j]) : sum(faces[: j + 1])] for j in range(len(cube))]
    least = 2 * len(cube) - _largest(_lost_ports(live, cube, faces))
    lost = jnp.zeros(())
    for p, n, c in zip(split, faces, cube, strict=True):
        lost = lost + jnp.sum(1 - p, axis=-1) / n / c
    worst = jnp.broadcast_to(jnp.zeros(()), live.shape[:-1])
    for p, c, d in zip(split, cube, shape, strict=True):
        outer, section = jnp.mean(p, axis=-1), nodes / d
        for size in range(1, d // 2 + 1):
            # Both ends between cubes when the slab is made of whole ones, else one can be; inside it costs nothing.
            ends = outer if size % c == 0 else (outer + 1) / 2
            pairs = jnp.asarray(size * (d - size) * section**2)
            worst = jnp.maximum(worst, over(pairs, 2 * section * ends))
    weak = [jnp.min(p, axis=-1) for p in split]
    rings = [w if d > c else (1 + w) / 2 for w, c, d in zip(weak, cube, shape, strict=True)]
    return TorusState(
        shape=shape,
        min_port=least,
        sum_port=2 * nodes * (len(cube) - lost),
        crossing=jnp.maximum(over(jnp.asarray(nodes - 1.0), least), worst),
        min_link=jnp.stack(weak, axis=-1),
        min_ring=jnp.stack(rings, axis=-1),
        exact=jnp.all(live >= 1, axis=-1),
    )


def _largest(values: Float[Array, "*batch n"]) -> Float[Array, "*batch"]:
    """Return the largest of the last axis, by halves.

    XLA on CPUs hands a maximum over an axis to a library, and compiles no loop around that whole (`fdmc/_xla.py`).
    """
    while (n := values.shape[-1]) > 1:
        half = (n + 1) // 2
        values = jnp.maximum(values[..., :half], values[..., n - half :])
    return values[..., 0]


def _lost_ports(
    live: Float[Array, "*batch planes"], cube: tuple[int, ...], faces: list[int]
) -> Float[Array, "*batch chips"]:
    """What each accelerator of a cube has lost of its ports; a cube of one has both ends of a ring on one switch."""
    places = np.indices(cube).reshape(len(cube), -1)
    lost = jnp.zeros((*live.shape[:-1], places.shape[1]))
    for j, c in enumerate(cube):
        others = [places[i] for i in range(len(cube)) if i != j]
        sizes = [cube[i] for i in range(len(cube)) if i != j]
        position = np.ravel_multi_index(others, sizes) if others else np.zeros(places.shape[1], int)
        ends = (places[j] == 0).astype(float) + (places[j] == c - 1)
        lost = lost + ends * (1 - live[..., sum(faces[:j]) + position])
    return lost
