import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Real

from ._state import LinkState


Number = Real[Array, "*#batch"] | float | int


def sparse_link_state(
    accelerator: Int[Array, "slots ..."],
    plane: Int[Array, "slots ..."],
    live: Float[Array, "slots ..."],
    *,
    accelerators: Number,
    planes: Number,
    lanes_per_link: Number,
) -> LinkState:
    """Reduce a short list of deviations from the healthy domain to what collective times depend on.

    **Arguments:**

    - `accelerator`, `plane`: which link deviates; accelerator -1 stands for all, so that a plane
        that is slow or out of service for everybody takes one slot.
    - `live`: its live lanes, in 0..`lanes_per_link`. A slot with `live` equal to `lanes_per_link` is empty;
        there is one slot at least.
    - `accelerators`: participants $N$; deviations of others are not listed.
    - `planes`: number of planes $K$.
    - `lanes_per_link`: lanes of a healthy link, $L$.

    Each link is listed at most once, and each plane at most once for all; where both are, the
    fewer lanes count.

    **Returns:**

    The `LinkState` that `link_state` finds for the dense $c_{ik}$, in lanes. Slots come first and the
    batch last, because the cost is slots squared elementwise passes over the batch, whatever
    the size of the domain. `exact` is false, at times needlessly, where every accelerator is listed
    on one plane: write a plane that is slow for all as such.

    Differentiable in `live`; of links that tie for a minimum one takes the gradient.

    !!! example

        ```python
        import jax.numpy as jnp
        from fdmc.fabric import sparse_link_state

        where, which, live = jnp.array([3, -1]), jnp.array([0, 5]), jnp.array([1.0, 0.0])
        domain = dict(accelerators=576, planes=18, lanes_per_link=4)
        state = sparse_link_state(where, which, live, **domain)
        assert state.min_link == 17 * 4 - 3
        ```
    """
    lost = lanes_per_link - live
    everybody = accelerator < 0
    plane_lost = _lost_by_all(plane, jnp.where(everybody, lost, 0.0))
    own = jnp.where(everybody, 0.0, jnp.maximum(lost - plane_lost, 0.0))
    mine, others, covered = _meet(accelerator, plane, own)
    link = planes * lanes_per_link - jnp.sum(jnp.where(everybody, lost, 0.0), axis=0)
    used = jnp.broadcast_to(accelerators, link.shape)
    return LinkState(
        used=used,
        min_link=link - jnp.max(mine, axis=0),
        sum_link=accelerators * link - jnp.sum(own, axis=0),
        sum_plane_min=link - jnp.sum(jnp.where(covered, 0.0, own), axis=0),
        exact=jnp.all(4 * others < accelerators, axis=0),  # a dead plane has no others
    )


def _lost_by_all(
    plane: Int[Array, "slots ..."], lost: Float[Array, "slots ..."]
) -> Float[Array, "slots ..."]:
    """For every slot, what all have lost on its plane; a loop over slots keeps the memory small."""

    def slot(j, most):
        return jnp.maximum(most, jnp.where(plane == plane[j], lost[j], 0.0))

    return jax.lax.fori_loop(0, plane.shape[0], slot, jnp.zeros_like(lost))


def _meet(
    accelerator: Int[Array, "slots ..."],
    plane: Int[Array, "slots ..."],
    own: Float[Array, "slots ..."],
) -> tuple[Float[Array, "slots ..."], Int[Array, "slots ..."], Bool[Array, "slots ..."]]:
    """For every slot: lanes lost by its accelerator, slots of its plane, whether one of those lost more."""
    number = jnp.arange(own.shape[0]).reshape(-1, *[1] * (own.ndim - 1))

    def slot(j, found):
        mine, others, covered = found
        same = plane == plane[j]
        more = (own[j] > own) | ((own[j] == own) & (j < number))
        return (
            mine + jnp.where(accelerator == accelerator[j], own[j], 0.0),
            others + (same & (own[j] > 0)),
            covered | (same & more),
        )

    start = (jnp.zeros_like(own), jnp.zeros(own.shape, jnp.int32), jnp.zeros(own.shape, bool))
    return jax.lax.fori_loop(0, own.shape[0], slot, start)
