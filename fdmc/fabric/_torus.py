import itertools
import math

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Real

from ._collectives import over


Number = Real[Array, "*#batch"] | float | int


class TorusState(eqx.Module):
    """What the closed forms of collectives need to know of a degraded torus.

    **Arguments:**

    - `shape`: accelerators along each dimension, $d_j$; $N$ is their product.
    - `min_port`: least capacity of the links of one accelerator, one direction.
    - `sum_port`: sum of the capacities of all links, both directions counted.
    - `crossing`: the most pairs $|A||A^c|$ over the capacity of the links between, among slabs of the
        torus $A$ and single accelerators: pairs per unit of capacity.
    - `min_link`: least capacity of a link, by dimension.
    - `min_ring`: least pace of a ring, by dimension: the mean of its two weakest links, because what the
        weakest does not carry goes the long way round over all others.
    - `exact`: all links are alike, or one alone is weaker. The forms `optimal` are then the optimum,
        and a lower bound of the time otherwise.

    !!! example

        ```python
        import jax.numpy as jnp
        from fdmc.fabric import torus_state

        assert torus_state(jnp.ones((3, 64)), (4, 4, 4)).crossing == 32.0
        ```
    """

    shape: tuple[int, ...] = eqx.field(static=True)
    min_port: Float[Array, "*batch"]
    sum_port: Float[Array, "*batch"]
    crossing: Float[Array, "*batch"]
    min_link: Float[Array, "*batch dimensions"]
    min_ring: Float[Array, "*batch dimensions"]
    exact: Bool[Array, "*batch"]


def torus_state(
    capacity: Float[Array, "*batch dimensions accelerators"], shape: tuple[int, ...]
) -> TorusState:
    """Reduce live link capacities of a torus to the statistics that collective times depend on.

    **Arguments:**

    - `capacity`: `capacity[..., j, x]` is the live capacity, one direction, of the link from
        accelerator `x` to the next along dimension `j`; accelerators are numbered with the last
        dimension fastest. A cut link has 0.
    - `shape`: accelerators along each dimension. A dimension of 2 has one link, the one from coordinate
        0; a dimension of 1 has none; other entries of `capacity` there are not looked at.

    **Returns:** the `TorusState` of every batch element.

    **Raises:** `ValueError` when `shape` does not fit `capacity`, or is a single accelerator.

    !!! example

        ```python
        import jax.numpy as jnp
        from fdmc.fabric import torus_state

        ring = torus_state(jnp.ones((1, 8)).at[0, 3].set(0.0), (8,))
        assert ring.min_ring[0] == 0.5
        ```
    """
    nodes = math.prod(shape)
    if nodes < 2 or capacity.shape[-2:] != (len(shape), nodes):
        raise ValueError(f"capacity {capacity.shape[-2:]} does not fit a torus of shape {shape}")
    batch = capacity.shape[:-2]
    grid = jnp.where(_there(shape), capacity.reshape(*batch, len(shape), *shape), 0.0)
    port, lines = jnp.zeros((*batch, *shape)), []
    for j, d in enumerate(shape):
        axis = len(batch) + j
        along = jnp.take(grid, j, axis=len(batch))
        port = port + along + jnp.roll(along, 1, axis)
        lines.append(jnp.moveaxis(along, axis, -1).reshape(*batch, -1, d))
    least = jnp.min(port.reshape(*batch, nodes), axis=-1)
    present = [line[..., : _per_ring(d)] for line, d in zip(lines, shape, strict=True)]
    every = jnp.concatenate([x.reshape(*batch, -1) for x in present], axis=-1)
    weaker = jnp.sum(every < jnp.max(every, axis=-1, keepdims=True), axis=-1)
    return TorusState(
        shape=shape,
        min_port=least,
        sum_port=2 * jnp.sum(every, axis=-1),
        crossing=jnp.maximum(over(jnp.asarray(nodes - 1.0), least), _slabs(lines, nodes)),
        min_link=jnp.stack([_weakest(x, 0) for x in present], axis=-1),
        min_ring=jnp.stack([_ring_pace(x) for x in present], axis=-1),
        exact=weaker <= 1,
    )


def torus_seconds(
    op: str,
    algorithm: str,
    size_bytes: Number,
    state: TorusState,
    bytes_per_second: Number = 1.0,
    latency_seconds: Number | None = None,
) -> Float[Array, "*batch"]:
    """Time of one collective on a degraded torus.

    **Arguments:**

    - `op`: `all_reduce` or `all_to_all`.
    - `algorithm`: `optimal`, or `ring` for `all_reduce` and `shortest` for `all_to_all`.
    - `size_bytes`: payload $S$ in bytes; in `all_to_all` what each accelerator sends, its own part included.
    - `state`: the degraded torus.
    - `bytes_per_second`: bytes per second of one unit of capacity, efficiency included.
    - `latency_seconds`: time $a$ of one step; without it the time is the bandwidth term alone.

    **Returns:**

    Seconds, infinite where the torus falls apart (or a fixed route is cut). With $N$ accelerators of
    $g$ ports each and $d_j$ of them along dimension $j$, $p_i$ the capacity of all ports of one, $C(A)$
    that of the links that leave the set $A$, $c_j$ and $r_j$ the capacity of a link and the pace of a ring:

    | collective | algorithm | seconds for bandwidth | steps |
    |---|---|---|---|
    | all-reduce | optimal | $S \\max(1/\\min p_i,\\; 2(N-1)/\\sum p_i)$ | $2 \\sum_j (d_j - 1)$ |
    | | ring | $2(N-1)/N \\cdot S / (g \\min r_j)$ | same |
    | all-to-all | optimal | $\\max_A |A||A^c| / C(A) \\cdot S/N$ | $\\sum_j \\lfloor d_j/2 \\rfloor$ |
    | | shortest | $\\max_j N/d_j \\cdot \\ell_j \\cdot S/N / \\min c_j$ | same |

    `ring` runs rings along all dimensions at once (Sack and Gropp, *Collective algorithms for multiported
    torus networks*, ACM TOPC 1, 2015); around a cut link both directions go the long way. `shortest`
    sends along the dimensions in turn by the shortest way and antipodal pairs one way only: the busiest link of a
    ring carries $\\ell_j = d_j^2/8 + d_j/4$ pairs for even $d_j$ and $(d_j^2-1)/8$ for odd.

    **Raises:** `ValueError` for a pair of `op` and `algorithm` that has no closed form.

    !!! example

        ```python
        import jax.numpy as jnp
        from fdmc.fabric import torus_seconds, torus_state

        links = jnp.ones((2, 3, 64)).at[1, 0, 0].set(0.0)  # healthy, and one of 192 links cut
        times = torus_seconds("all_to_all", "optimal", 1.0, torus_state(links, (4, 4, 4)))
        assert abs(times[0] / times[1] - 31 / 32) < 1e-6
        ```
    """
    if (op, algorithm) not in _FORMS:
        known = ", ".join(f"{o}/{a}" for o, a in _FORMS)
        raise ValueError(f"no torus form for {op}/{algorithm}; there are: {known}")
    size = jnp.asarray(size_bytes / bytes_per_second, state.min_port.dtype)
    seconds = _FORMS[op, algorithm](size, state)
    if latency_seconds is None:
        return seconds
    exchanged = op == "all_to_all"
    steps = sum(d // 2 if exchanged else 2 * (d - 1) for d in state.shape)
    return seconds + steps * latency_seconds


def _per_ring(d: int) -> int:
    """Links of a ring of `d` accelerators."""
    return d if d > 2 else d - 1


def _there(shape: tuple[int, ...]) -> Bool[Array, "dimensions ..."]:
    """Which entries are links: rings of two and of one have fewer."""
    grids = jnp.indices(shape)
    limits = jnp.asarray([_per_ring(d) for d in shape])
    return grids < limits.reshape(-1, *[1] * len(shape))


def _slabs(lines: list[Float[Array, "..."]], nodes: int) -> Float[Array, "..."]:
    """Pairs over capacity across the worst slab: coordinates p+1 to q of one dimension."""
    worst = jnp.zeros(lines[0].shape[:-2])
    for line in lines:
        d = line.shape[-1]
        total = jnp.sum(line, axis=-2)
        for p, q in itertools.combinations(range(d), 2):
            pairs = (q - p) * (d - q + p) * (nodes / d) ** 2
            worst = jnp.maximum(worst, over(jnp.asarray(pairs), total[..., p] + total[..., q]))
    return worst


def _weakest(line: Float[Array, "..."], rank: int) -> Float[Array, "..."]:
    """The capacity of the weakest link of a ring, or of the next, over all rings of a dimension."""
    if not line.shape[-1]:
        return jnp.full(line.shape[:-2], jnp.inf)
    return jnp.min(jnp.sort(line, axis=-1)[..., min(rank, line.shape[-1] - 1)], axis=-1)


def _ring_pace(line: Float[Array, "..."]) -> Float[Array, "..."]:
    if line.shape[-1] < 2:
        return _weakest(line, 0)
    return jnp.min(jnp.mean(jnp.sort(line, axis=-1)[..., :2], axis=-1), axis=-1)


def _all_reduce_optimal(size: Float[Array, "..."], state: TorusState) -> Float[Array, "..."]:
    trees = over(2 * (math.prod(state.shape) - 1) * size, state.sum_port)
    return jnp.maximum(over(size, state.min_port), trees)


def _all_reduce_ring(size: Float[Array, "..."], state: TorusState) -> Float[Array, "..."]:
    nodes = math.prod(state.shape)
    ports = sum(min(d - 1, 2) for d in state.shape)
    return over(2 * (nodes - 1) / nodes / ports * size, jnp.min(state.min_ring, axis=-1))


def _all_to_all_optimal(size: Float[Array, "..."], state: TorusState) -> Float[Array, "..."]:
    return size / math.prod(state.shape) * state.crossing


def _all_to_all_shortest(size: Float[Array, "..."], state: TorusState) -> Float[Array, "..."]:
    shape = jnp.asarray(state.shape, size.dtype)
    even = shape**2 / 8 + shape / 4
    pairs = jnp.where(shape % 2 == 0, even, (shape**2 - 1) / 8)
    return jnp.max(over(size[..., None] * pairs / shape, state.min_link), axis=-1)


_FORMS = {
    ("all_reduce", "optimal"): _all_reduce_optimal,
    ("all_reduce", "ring"): _all_reduce_ring,
    ("all_to_all", "optimal"): _all_to_all_optimal,
    ("all_to_all", "shortest"): _all_to_all_shortest,
}
