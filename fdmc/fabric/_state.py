import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Real


class LinkState(eqx.Module):
    """What the closed forms of collectives need to know of a degraded domain.

    **Arguments:**

    - `used`: number of participating accelerators, $n$, one per batch element.
    - `min_link`: $\\min_i b_i$ with $b_i = \\sum_k c_{ik}$, in the unit of the capacities.
    - `sum_link`: $\\sum_i b_i$, same unit.
    - `sum_plane_min`: $\\sum_k \\min_i c_{ik}$, same unit.
    - `exact`: every plane is dead or has more than 3/4 of the participants attached at its
        best rate; the closed forms are then the optimum, and a lower bound of the time otherwise.

    Only participants count, in every field. With no participant all bandwidths are zero.

    !!! example

        ```python
        import jax.numpy as jnp
        from fdmc.fabric import LinkState

        LinkState(*(jnp.asarray(x) for x in (8, 3.0, 28.0, 0.0)), jnp.asarray(True))
        ```
    """

    used: Real[Array, "*batch"]
    min_link: Float[Array, "*batch"]
    sum_link: Float[Array, "*batch"]
    sum_plane_min: Float[Array, "*batch"]
    exact: Bool[Array, "*batch"]


def link_state(
    capacity: Float[Array, "*batch accelerators planes"],
    used: Bool[Array, "*batch accelerators"],
) -> LinkState:
    """Reduce live link capacities to the statistics that collective times depend on.

    **Arguments:**

    - `capacity`: $c_{ik} \\ge 0$, live capacity of the link from accelerator $i$ to plane
        $k$, one direction, in any one unit.
    - `used`: which accelerators take part.

    **Returns:**

    The `LinkState` of every batch element.

    The rule behind `exact` is sufficient for any mix of planes by linear programs for 3 to 16
    participants. The weaker one of 2/3 attached at any rate fails: with partly live links
    the optimal all-reduce can exceed its form by 25 % (a case among the tests).

    Differentiable in `capacity`; where several links tie for a minimum the gradient is
    shared among them.

    !!! example

        ```python
        import jax.numpy as jnp
        from fdmc.fabric import link_state

        capacity = jnp.ones((8, 4)).at[0, 2].set(0.0)
        assert link_state(capacity, jnp.ones(8, bool)).min_link == 3.0
        ```
    """
    live = jnp.where(used[..., None], capacity, 0.0)
    count = jnp.sum(used, axis=-1)
    link = jnp.sum(live, axis=-1)
    best = jnp.max(live, axis=-2, keepdims=True)
    whole = jnp.sum((live >= best) & used[..., None], axis=-2)
    plane_min = _min_over_used(capacity, used[..., None], axis=-2)
    return LinkState(
        used=count,
        min_link=_min_over_used(link, used, axis=-1),
        sum_link=jnp.sum(link, axis=-1),
        sum_plane_min=jnp.sum(plane_min, axis=-1),
        exact=jnp.all((best[..., 0, :] == 0) | (4 * whole > 3 * count[..., None]), axis=-1),
    )


def _min_over_used(
    values: Float[Array, "..."], used: Bool[Array, "..."], axis: int
) -> Float[Array, "..."]:
    lowest = jnp.min(jnp.where(used, values, jnp.inf), axis=axis)
    return jnp.where(jnp.any(used, axis=axis), lowest, 0.0)
