import functools
from collections.abc import Sequence

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Real

from ._collectives import collective_seconds, over
from ._state import LinkState, link_state


Number = Real[Array, "*#batch"] | float | int


class DirectedState(eqx.Module):
    """What collectives need to know of a domain whose links send and receive at unequal rates.

    **Arguments:**

    - `used`: number of participating accelerators, $n$, one per batch element.
    - `min_send`, `min_receive`: $\\min_i u_i$ and $\\min_i d_i$ with $u_i = \\sum_k u_{ik}$ and
        $d_i = \\sum_k d_{ik}$, in the unit of the capacities.
    - `moved`: $B = \\sum_k \\min(\\sum_i u_{ik}, \\sum_i d_{ik})$, same unit: what all planes pass on.
    - `sum_plane_min`: $\\sum_k \\min_i \\min(u_{ik}, d_{ik})$, same unit.
    - `exact`: `link_state` calls both directions exact.

    Only participants count, in every field. With no participant all bandwidths are zero.

    !!! example

        ```python
        import jax.numpy as jnp
        from fdmc.fabric import DirectedState

        DirectedState(*(jnp.asarray(x) for x in (8, 3.0, 4.0, 31.0, 3.0)), jnp.asarray(True))
        ```
    """

    used: Real[Array, "*batch"]
    min_send: Float[Array, "*batch"]
    min_receive: Float[Array, "*batch"]
    moved: Float[Array, "*batch"]
    sum_plane_min: Float[Array, "*batch"]
    exact: Bool[Array, "*batch"]

    @property
    def pace(self) -> Float[Array, "*batch"]:
        """The rate at which every participant can send and receive at once: $\\min(\\min u_i, \\min d_i, B/n)$."""
        n = jnp.maximum(self.used, 1).astype(self.moved.dtype)
        return jnp.minimum(jnp.minimum(self.min_send, self.min_receive), self.moved / n)


def directed_link_state(
    send: Float[Array, "*batch accelerators planes"],
    receive: Float[Array, "*batch accelerators planes"],
    used: Bool[Array, "*batch accelerators"],
) -> DirectedState:
    """Reduce live capacities of both directions to what collective times depend on.

    **Arguments:**

    - `send`, `receive`: live capacities $u_{ik}$ and $d_{ik}$ of the two directions of each link, in any one unit.
    - `used`: which accelerators take part.

    **Returns:** the `DirectedState` of every batch element.

    !!! example

        ```python
        import jax.numpy as jnp
        from fdmc.fabric import directed_link_state

        send = jnp.ones((8, 4)).at[0, 0].set(0.5)
        state = directed_link_state(send, jnp.ones((8, 4)), jnp.ones(8, bool))
        assert (state.min_send, state.min_receive, state.moved) == (3.5, 4.0, 31.5)
        ```
    """
    one, other, both = (link_state(c, used) for c in (send, receive, jnp.minimum(send, receive)))
    up, down = (jnp.where(used[..., None], c, 0.0).sum(-2) for c in (send, receive))
    return DirectedState(
        used=one.used,
        min_send=one.min_link,
        min_receive=other.min_link,
        moved=jnp.sum(jnp.minimum(up, down), axis=-1),
        sum_plane_min=both.sum_plane_min,
        exact=one.exact & other.exact,
    )


def directed_seconds(
    op: str,
    algorithm: str | Sequence[str],
    size_bytes: Number,
    state: DirectedState,
    bytes_per_second: Number = 1.0,
    latency_seconds: Number | None = None,
) -> Float[Array, "*batch"]:
    """Time of one collective on a domain whose links send and receive at unequal rates.

    **Arguments:** as for `collective_seconds`, with a `DirectedState`.

    **Returns:**

    Seconds, shape `[...]`: 0 for fewer than two participants, infinite where a direction is dead. `optimal` has
    the forms of `asymmetric_seconds`. In the other algorithms every accelerator sends as much as it receives,
    at the same time: they run at `DirectedState.pace`, and `in_switch` at `sum_plane_min`, in the place of the
    bandwidths of `collective_seconds`. With equal directions all times are those of `collective_seconds`.

    **Raises:** `ValueError` for a pair of `op` and `algorithm` that has no closed form.

    !!! example

        ```python
        import jax.numpy as jnp
        from fdmc.fabric import directed_link_state, directed_seconds

        send = jnp.ones((8, 4)).at[0, 0].set(0.5)  # one lane pair down, in one direction
        state = directed_link_state(send, jnp.ones((8, 4)), jnp.ones(8, bool))
        assert abs(directed_seconds("all_reduce", "optimal", 1.0, state) - 14 / 31.5) < 1e-6
        assert abs(directed_seconds("all_reduce", "ring", 1.0, state) - 2 * 7 / 8 / 3.5) < 1e-6
        ```
    """
    names = (algorithm,) if isinstance(algorithm, str) else tuple(algorithm)
    pace = state.pace
    alike = LinkState(state.used, pace, state.moved, state.sum_plane_min, state.exact)
    times = []
    for name in names:
        if name == "optimal" and op in _LEAST:
            hop = 0.0 if latency_seconds is None else latency_seconds
            best = _optimal(op, size_bytes, state, bytes_per_second) + hop
            times.append(jnp.where(state.used > 1, best, 0.0))
        else:
            times.append(
                collective_seconds(op, name, size_bytes, alike, bytes_per_second, latency_seconds)
            )
    if not times:
        raise ValueError(f"no closed form for {op} without an algorithm.")
    return functools.reduce(jnp.minimum, times)


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

    - `op`: `all_reduce`, `all_gather`, `reduce_scatter`, `all_to_all` or `broadcast`.
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
    | broadcast from the worst root | $S \\max(1/\\min u_i,\\; 1/\\min d_i,\\; (n-1)/B)$ |

    Always a lower bound. By linear programs on small states it is the optimum where `link_state` calls both
    directions exact; all-to-all and broadcast need, besides, that healthy planes have one ratio of sending to
    receiving (without it 2 programs in 1,500 were up to 2 % above, and of broadcasts 2 in 95 up to 11 %). With
    equal directions it is the form `optimal` of `collective_seconds`.

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
    state = directed_link_state(send, receive, used)
    return jnp.where(state.used > 1, _optimal(op, size_bytes, state, bytes_per_second), 0.0)


def _optimal(
    op: str, size_bytes: Number, state: DirectedState, bytes_per_second: Number
) -> Float[Array, "*batch"]:
    n = jnp.maximum(state.used, 1).astype(state.moved.dtype)
    size = jnp.asarray(size_bytes / bytes_per_second, state.moved.dtype)
    sent, received, total = _LEAST[op](n)
    ports = jnp.maximum(over(sent * size, state.min_send), over(received * size, state.min_receive))
    return jnp.maximum(ports, over(total * size, state.moved))


_LEAST = {
    "all_reduce": lambda n: (jnp.ones_like(n), jnp.ones_like(n), 2 * (n - 1)),
    "all_gather": lambda n: (1 / n, (n - 1) / n, n - 1),
    "reduce_scatter": lambda n: ((n - 1) / n, 1 / n, n - 1),
    "all_to_all": lambda n: ((n - 1) / n, (n - 1) / n, n - 1),
    "broadcast": lambda n: (jnp.ones_like(n), jnp.ones_like(n), n - 1),
}
"""The least that one sends, that one receives and that all move, as a share of the payload."""
