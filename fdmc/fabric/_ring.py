import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Real

from ._collectives import over
from ._ring_walk import RingWalk


Number = Real[Array, "*#batch"] | float | int


class RingState(eqx.Module):
    """What the closed forms of collectives need to know of a degraded k-hop ring.

    **Arguments:**

    - `used`: accelerators that work, $n$: those of whole groups.
    - `live`: accelerators of live nodes.
    - `min_port`: least capacity $p_i$ of the two sides of one accelerator together, one direction.
    - `sum_port`: $\\sum p_i$ of those that work.
    - `min_link`: least capacity of a link between neighbours, one direction; `max_link`: the most.
    - `exact`: all links are alike; the forms `optimal` are then the optimum, and a lower bound of the time otherwise.

    !!! example

        ```python
        import jax.numpy as jnp
        from fdmc.fabric import ring_state

        assert ring_state(jnp.ones((8, 2)), hops=2).min_port == 2.0
        ```
    """

    used: Float[Array, "*batch"]
    live: Float[Array, "*batch"]
    min_port: Float[Array, "*batch"]
    sum_port: Float[Array, "*batch"]
    min_link: Float[Array, "*batch"]
    max_link: Float[Array, "*batch"]
    exact: Bool[Array, "*batch"]


def ring_state(
    capacity: Float[Array, "*batch accelerators 2"],
    *,
    hops: int,
    node: int = 2,
    group: int = 1,
    closed: bool = True,
    together: bool = False,
) -> RingState:
    """Reduce live capacities of the two sides of every accelerator to the state of a k-hop ring.

    Nodes of `node` consecutive accelerators stand on a ring, and switch their light to the neighbours at distance 1 to
    `hops`. A node with an accelerator that has nothing left on a side is dead and passed over; where as many as
    `hops` in a row are dead the ring is cut. Live nodes between two cuts are one piece. Any nodes of a piece that
    follow each other make a ring of all their accelerators at full rate: it goes out through half of each node, is
    looped back in the last one, and comes back through the other halves.

    **Arguments:**

    - `capacity`: what is left of either side of every accelerator, one direction. A link has what the weaker of
        its two ends has.
    - `hops`: the farthest that a node reaches, $K$, 1 or more and less than the nodes.
    - `node`: accelerators of a node, an even number.
    - `group`: nodes of a group, which must stand in one piece; the rest is wasted.
    - `closed`: a ring; otherwise a line, whose ends are not neighbours.
    - `together`: all groups must stand in one piece, and only the longest works.

    **Returns:** the `RingState` of every batch element. The least is over all live nodes, wherever they stand.

    **Raises:** `ValueError` for nodes or hops that do not fit.

    !!! example

        ```python
        import jax.numpy as jnp
        from fdmc.fabric import ring_seconds, ring_state

        left = jnp.ones((24, 2)).at[6:10].set(0.0)  # of 12 nodes 3 and 4 are dead
        assert ring_state(left, hops=3, group=4).used == 16.0  # passed over: ten live nodes, two groups
        cut = left.at[18:22].set(0.0)  # and 9 and 10
        pieces = ring_state(cut, hops=2, group=3)  # 11 and 0 to 2; 5 to 8
        assert (pieces.live, pieces.used) == (16.0, 12.0)
        one = ring_state(cut, hops=2, group=3, together=True)
        assert ring_seconds("all_gather", "ring", 6.0, one) == 2.5
        ```
    """
    accelerators = capacity.shape[-2]
    nodes = accelerators // node
    if node % 2 or nodes * node != accelerators or not 1 <= hops < nodes or group < 1:
        raise ValueError(
            f"nodes of {node}, {hops} hops and groups of {group} do not fit a ring of {accelerators} accelerators"
        )
    batch = capacity.shape[:-2]
    fit = jnp.min(capacity, axis=-1) > 0
    live = jnp.all(fit.reshape(*batch, nodes, node), axis=-1)
    walk = RingWalk.start(batch, hops, group)
    step = lambda w, alive: (w.past(alive.astype(jnp.int32), 1 - alive.astype(jnp.int32)), None)
    walk = jax.lax.scan(step, walk, jnp.moveaxis(live, -1, 0))[0].end(closed)
    chosen = walk.longest // group if together else walk.groups
    used = (chosen * group * node).astype(capacity.dtype)
    there = jnp.repeat(live, node, axis=-1)
    some = jnp.any(live, axis=-1)

    def extreme(values, empty, least):
        worst = least(jnp.where(there, values, empty), axis=-1)
        return jnp.where(some, worst, 0.0)

    port = jnp.sum(capacity, axis=-1)
    weakest = extreme(jnp.min(capacity, axis=-1), jnp.inf, jnp.min)
    strongest = extreme(jnp.max(capacity, axis=-1), 0.0, jnp.max)
    all_of = (walk.live * node).astype(capacity.dtype)
    total = jnp.sum(jnp.where(there, port, 0.0), axis=-1)
    return RingState(
        used=used,
        live=all_of,
        min_port=extreme(port, jnp.inf, jnp.min),
        sum_port=total * used / jnp.maximum(all_of, 1),
        min_link=weakest,
        max_link=strongest,
        exact=weakest >= strongest,
    )


def ring_seconds(
    op: str,
    algorithm: str,
    size_bytes: Number,
    state: RingState,
    bytes_per_second: Number = 1.0,
    latency_seconds: Number | None = None,
) -> Float[Array, "*batch"]:
    """Time of one collective on a degraded k-hop ring, among all accelerators that work.

    **Arguments:**

    - `op`: `all_reduce`, `all_gather`, `reduce_scatter`, `all_to_all` or `broadcast`.
    - `algorithm`: `optimal`; `ring`, but for `all_to_all` and `broadcast`; `direct` for `all_to_all`.
    - `size_bytes`: payload $S$ in bytes, as for `collective_seconds`.
    - `state`: the degraded ring.
    - `bytes_per_second`: bytes per second of one unit of capacity, efficiency included.
    - `latency_seconds`: time $a$ of one step; without it the time is the bandwidth term alone.

    **Returns:**

    Seconds: 0 for fewer than two accelerators, infinite where a link has nothing left. With $n$ accelerators, $p_i$
    the capacity of both sides of one, $c$ that of the weakest link and $C$ of the best, $h = \\lfloor n/2 \\rfloor$:

    | collective | algorithm | seconds for bandwidth | steps |
    |---|---|---|---|
    | all-reduce | optimal | $S \\max(1/\\min p_i,\\; 2(n-1)/\\sum p_i)$ | $2h$ |
    | | ring | $2(n-1)/n \\cdot S / 2c$ | $2(n-1)$ |
    | all-gather, reduce-scatter | optimal | $(n-1)/n \\cdot S / \\min p_i$ | $h$ |
    | | ring | $(n-1)/n \\cdot S / 2c$ | $n-1$ |
    | all-to-all | optimal | $\\max(h(n-h) / (c + C),\\; (n-1)/\\min p_i) \\cdot S/n$ | $h$ |
    | | direct | $h(n-h) / 2c \\cdot S/n$ | $h$ |
    | broadcast | optimal | $S \\max(1/\\min p_i,\\; (n-1)/\\sum p_i)$ | $h$ |

    `ring` runs round both ways at once, at the pace of the weakest link. `direct` goes the shortest way, to the
    opposite accelerator half each way. The all-to-all is bound by the two links between two halves: its time grows
    with $n$, and that of no other collective does. `optimal` is the optimum where all links are alike (linear programs
    in the tests), else a lower bound.

    **Raises:** `ValueError` for a pair of `op` and `algorithm` that has no closed form.

    !!! example

        ```python
        import jax.numpy as jnp
        from fdmc.fabric import ring_seconds, ring_state

        whole = ring_state(jnp.ones((16, 2)), hops=2)
        assert ring_seconds("all_reduce", "optimal", 16.0, whole) == 15.0
        assert ring_seconds("all_to_all", "optimal", 16.0, whole) == 32.0
        ```
    """
    if (op, algorithm) not in _FORMS:
        known = ", ".join(f"{o}/{a}" for o, a in _FORMS)
        raise ValueError(f"no ring form for {op}/{algorithm}; there are: {known}")
    size = jnp.asarray(size_bytes / bytes_per_second, state.min_port.dtype)
    n = jnp.maximum(state.used, 1)
    seconds = _FORMS[op, algorithm](size, n, state)
    if latency_seconds is not None:
        seconds = seconds + _steps(op, algorithm, n) * latency_seconds
    return jnp.where(state.used > 1, seconds, 0.0)


def _steps(op: str, algorithm: str, n: Float[Array, "..."]) -> Float[Array, "..."]:
    """Messages one after another: round the ring, or to the farthest; there and back for an all-reduce."""
    once = n - 1 if algorithm == "ring" else jnp.floor(n / 2)
    return 2 * once if op == "all_reduce" else once


def _spread(
    trips: int, size: Float[Array, "..."], n: Float[Array, "..."], state: RingState
) -> Float[Array, "..."]:
    return jnp.maximum(over(size, state.min_port), over(trips * (n - 1) * size, state.sum_port))


def _exchange(size, n, state: RingState):
    return over(size * (n - 1) / n, state.min_port)


def _round(size, n, state: RingState):
    return over(size * (n - 1) / n, 2 * state.min_link)


def _halves(n):
    """Pairs between two halves of the ring."""
    return jnp.floor(n * n / 4)


def _all_to_all_optimal(size, n, state: RingState):
    across = over(_halves(n), state.min_link + state.max_link)
    return size / n * jnp.maximum(across, over(n - 1, state.min_port))


_FORMS = {
    ("all_reduce", "optimal"): lambda size, n, state: _spread(2, size, n, state),
    ("all_reduce", "ring"): lambda size, n, state: 2 * _round(size, n, state),
    ("all_gather", "optimal"): _exchange,
    ("all_gather", "ring"): _round,
    ("reduce_scatter", "optimal"): _exchange,
    ("reduce_scatter", "ring"): _round,
    ("all_to_all", "optimal"): _all_to_all_optimal,
    ("all_to_all", "direct"): lambda size, n, state: over(
        size / n * _halves(n), 2 * state.min_link
    ),
    ("broadcast", "optimal"): lambda size, n, state: _spread(1, size, n, state),
}
