import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Real

from ._collectives import over


Number = Real[Array, "*#batch"] | float | int


def asymmetric_seconds(
    op: str,
    size_bytes: Number,
    send: Float[Array, "*batch accelerators planes"],
    receive: Float[Array, "*batch accelerators planes"],
    used: Bool[Array, "*batch accelerators"],
    bytes_per_second: Number = 1.0,
) -> Float[Array, "*batch"]:
    """Bandwidth term of the best time of a collective when links send and receive at unequal rates.

    **Arguments:**

    - `op`: `all_reduce`, `all_gather`, `reduce_scatter` or `all_to_all`.
    - `size_bytes`: payload $S$ in bytes, as for `collective_seconds`.
    - `send`, `receive`: live capacities $u_{ik}$ and $d_{ik}$ of the two directions of each link.
    - `used`: which accelerators take part, $n$ of them.
    - `bytes_per_second`: bytes per second of one unit of capacity, efficiency included.

    **Returns:**

    Seconds, shape `[...]`: 0 for fewer than two participants, infinite where a direction is dead.
    With $u_i = \\sum_k u_{ik}$, $d_i = \\sum_k d_{ik}$ and
    $B = \\sum_k \\min(\\sum_i u_{ik}, \\sum_i d_{ik})$:

    | collective | seconds |
    |---|---|
    | all-reduce | $S \\max(1/\\min u_i,\\; 1/\\min d_i,\\; 2(n-1)/B)$ |
    | all-gather | $S \\max((n-1)/n/\\min d_i,\\; 1/n/\\min u_i,\\; (n-1)/B)$ |
    | reduce-scatter | the same with the directions exchanged |
    | all-to-all | $S (n-1)/n \\max(1/\\min u_i,\\; 1/\\min d_i,\\; n/B)$ |

    Always a lower bound. By linear programs on small states it is the optimum where `link_state` calls both
    directions exact; the all-to-all needs, besides, that healthy planes have one ratio of sending to
    receiving (without it 2 programs in 1,500 were up to 2 % above). With equal directions
    it is the form `optimal` of `collective_seconds`.

    **Raises:** `ValueError` for another `op`.

    !!! example

        ```python
        import jax.numpy as jnp
        from fdmc.fabric import asymmetric_seconds

        send = jnp.ones((8, 4)).at[0, 0].set(0.5)  # one lane pair down, in one direction
        seconds = asymmetric_seconds("all_reduce", 1.0, send, jnp.ones((8, 4)), jnp.ones(8, bool))
        assert abs(seconds - 14 / 31.5) < 1e-6
        ```
    """
    if op not in _LEAST:
        raise ValueError(f"no asymmetric form for {op!r}; there are: {', '.join(_LEAST)}")
    up, down = (jnp.where(used[..., None], c, 0.0) for c in (send, receive))
    least_up, least_down = (
        jnp.min(jnp.where(used, c.sum(-1), jnp.inf), axis=-1) for c in (up, down)
    )
    moved = jnp.sum(jnp.minimum(up.sum(-2), down.sum(-2)), axis=-1)
    n = jnp.maximum(jnp.sum(used, axis=-1), 1).astype(moved.dtype)
    size = jnp.asarray(size_bytes / bytes_per_second, moved.dtype)
    sent, received, total = _LEAST[op](n)
    ports = jnp.maximum(over(sent * size, least_up), over(received * size, least_down))
    return jnp.where(n > 1, jnp.maximum(ports, over(total * size, moved)), 0.0)


_LEAST = {
    "all_reduce": lambda n: (jnp.ones_like(n), jnp.ones_like(n), 2 * (n - 1)),
    "all_gather": lambda n: (1 / n, (n - 1) / n, n - 1),
    "reduce_scatter": lambda n: ((n - 1) / n, 1 / n, n - 1),
    "all_to_all": lambda n: ((n - 1) / n, (n - 1) / n, n - 1),
}
"""The least that one sends, that one receives and that all move, as a share of the payload."""
