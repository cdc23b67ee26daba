import functools
from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, Real

from ._state import LinkState


Number = Real[Array, "*#batch"] | float | int


def collective_seconds(
    op: str,
    algorithm: str | Sequence[str],
    size_bytes: Number,
    state: LinkState,
    bytes_per_second: Number = 1.0,
    latency_seconds: Number | None = None,
) -> Float[Array, "*batch"]:
    """Time of one collective on a degraded domain.

    **Arguments:**

    - `op`: `all_reduce`, `all_gather`, `reduce_scatter`, `all_to_all` or `broadcast`.
    - `algorithm`: `optimal` for any `op`, or one of `ALGORITHMS[op]`; of several the fastest is
        taken, state by state, as a library does that may choose among them.
    - `size_bytes`: payload $S$ in bytes: the reduced or broadcast vector, the total that is
        gathered or scattered, or what each accelerator sends (its own part included) in
        `all_to_all`.
    - `state`: the degraded domain, batch shape `[...]`.
    - `bytes_per_second`: bytes per second of one unit of capacity, efficiency included.
    - `latency_seconds`: time $a$ of one step; without it the time is the bandwidth term alone.

    **Returns:**

    Seconds, shape `[...]`: 0 for fewer than two participants, infinite where the bandwidth
    that the algorithm needs is zero. `optimal` is a lower bound where `state.exact` is false (see
    `collective_bounds`); the others are times of those very algorithms.

    With $n$ participants, $b_i = \\sum_k c_{ik}$:

    | collective | algorithm | seconds for bandwidth | steps |
    |---|---|---|---|
    | all-reduce | optimal | $S \\max(1 / \\min b_i,\\; 2(n-1) / \\sum b_i)$ | 1 |
    | | ring | $2 (n-1)/n \\cdot S / \\min b_i$ | $2(n-1)$ |
    | | recursive | same | $2 \\log_2 n$ |
    | | direct | same | 2 |
    | | tree | $2 S / \\min b_i$ | $2 \\log_2 n$ |
    | | in_switch | $S (1 + 1/n) / \\sum_k \\min_i c_{ik}$ | 1 |
    | all-gather, reduce-scatter | optimal | $(n-1)/n \\cdot S / \\min b_i$ | 1 |
    | | ring | same | $n-1$ |
    | | recursive | same | $\\log_2 n$ |
    | | direct | same | 1 |
    | all-to-all | optimal, direct | $(n-1)/n \\cdot S / \\min b_i$ | 1 |
    | broadcast | optimal | $S \\max(1 / \\min b_i,\\; (n-1) / \\sum b_i)$ | 1 |
    | | tree | $S / \\min b_i$ | $\\log_2 n$ |

    The optimum of the all-reduce is the strength of a packing of trees (Nash-Williams and
    Tutte, 1961); ring and in-switch follow NCCL's own accounting (`nccl-tests`,
    `PERFORMANCE.md`), the pair of binary trees Sanders, Speck and Träff (Parallel Computing 35, 2009),
    recursive halving and doubling Rabenseifner (ICCS 2004; for any $n$ Träff, arXiv:2410.14234).
    Direct and all-to-all assume that accelerators may forward for a pair that shares no
    live plane. The one step of `optimal` is the least that any algorithm takes. Between powers of
    two $\\log_2 n$ interpolates the number of steps.

    **Raises:** `ValueError` for a pair of `op` and `algorithm` that has no closed form, or no
    algorithm at all.

    !!! example

        ```python
        import jax.numpy as jnp
        from fdmc.fabric import collective_seconds, link_state

        state = link_state(jnp.ones((8, 4)).at[0, 2].set(0.0), jnp.ones(8, bool))
        seconds = collective_seconds("all_reduce", "ring", 2**30, state, 50e9)
        assert abs(seconds - 2 * 7 / 8 * 2**30 / 150e9) < 1e-6
        small = collective_seconds("all_reduce", ("ring", "tree"), 2**10, state, 50e9, 1e-6)
        assert abs(small - 6e-6) < 1e-7
        ```
    """
    names = (algorithm,) if isinstance(algorithm, str) else tuple(algorithm)
    if not names or any((op, name) not in _FORMS for name in names):
        known = ", ".join(f"{o}/{a}" for o, a in _FORMS)
        asked = ", ".join(f"{op}/{name}" for name in names) or f"{op} without an algorithm"
        raise ValueError(f"no closed form for {asked}; there are: {known}")
    # Scaling the payload first keeps every product within float32, gradients included.
    scaled = jnp.asarray(size_bytes / bytes_per_second, state.min_link.dtype)
    times = []
    for name in names:
        form = _FORMS[op, name]
        seconds = form.seconds(scaled, state)
        if latency_seconds is not None:
            seconds = seconds + form.steps(_participants(state)) * latency_seconds
        times.append(seconds)
    return jnp.where(state.used > 1, functools.reduce(jnp.minimum, times), 0.0)


def collective_bounds(
    op: str, size_bytes: Number, state: LinkState, bytes_per_second: Number = 1.0
) -> tuple[Float[Array, "*batch"], Float[Array, "*batch"]]:
    """Bounds of the bandwidth term of the best time of one collective.

    **Arguments:** as for `collective_seconds`.

    **Returns:**

    The lower and the upper bound in seconds, shape `[...]` each; equal where `state.exact`.
    Elsewhere the lower one is the closed form of `optimal`, and the upper one what a rigid split
    reaches: plane $k$ carries the share $\\min_i c_{ik}$ of the payload at the pace of its slowest
    link. It is infinite when every plane has lost somebody.

    **Raises:** `ValueError` for an unknown `op`.

    !!! example

        ```python
        import jax.numpy as jnp
        from fdmc.fabric import collective_bounds, link_state

        state = link_state(jnp.ones((8, 4)).at[:4, 2].set(0.5), jnp.ones(8, bool))
        low, high = collective_bounds("all_gather", 1.0, state)
        assert low == high == 0.25
        ```
    """
    low = collective_seconds(op, "optimal", size_bytes, state, bytes_per_second)
    rigid = LinkState(
        used=state.used,
        min_link=state.sum_plane_min,
        sum_link=state.sum_plane_min * _participants(state),
        sum_plane_min=state.sum_plane_min,
        exact=state.exact,
    )
    high = collective_seconds(op, "optimal", size_bytes, rigid, bytes_per_second)
    return low, jnp.where(state.exact, low, high)


def bus_factor(op: str, used: Number) -> Float[Array, "..."]:
    """Factor from algorithm bandwidth (payload over time) to bus bandwidth.

    **Arguments:**

    - `op`: as for `collective_seconds`.
    - `used`: number of participants $n \\ge 1$.

    **Returns:**

    The dimensionless factor of `nccl-tests` (`PERFORMANCE.md`): $2(n-1)/n$ for all-reduce,
    $(n-1)/n$ for all-gather, reduce-scatter and all-to-all, 1 for broadcast.

    **Raises:** `ValueError` for an unknown `op`.

    !!! example

        ```python
        from fdmc.fabric import bus_factor

        assert bus_factor("all_reduce", 8) == 1.75
        ```
    """
    if op not in _BUS_FACTORS:
        raise ValueError(f"unknown collective {op!r}; there are: {', '.join(_BUS_FACTORS)}")
    return _BUS_FACTORS[op](jnp.asarray(used, jnp.result_type(float)))


def over(amount: Float[Array, "..."], bandwidth: Float[Array, "..."]) -> Float[Array, "..."]:
    """Divide, with infinity and a zero gradient where the bandwidth is zero."""
    alive = bandwidth > 0
    return jnp.where(alive, amount / jnp.where(alive, bandwidth, 1.0), jnp.inf)


def _participants(state: LinkState) -> Float[Array, "*batch"]:
    """Number of participants, at least one so that unused branches stay finite."""
    return jnp.maximum(state.used, 1).astype(state.min_link.dtype)


def _all_reduce_optimal(size: Float[Array, "..."], state: LinkState) -> Float[Array, "..."]:
    trees = over(2 * (_participants(state) - 1) * size, state.sum_link)
    return jnp.maximum(over(size, state.min_link), trees)


def _twice_exchanged(size: Float[Array, "..."], state: LinkState) -> Float[Array, "..."]:
    return 2 * _exchange(size, state)


def _all_reduce_tree(size: Float[Array, "..."], state: LinkState) -> Float[Array, "..."]:
    """Up and down two trees of half the payload each: inner in one, a leaf in the other."""
    return 2 * _whole(size, state)


def _all_reduce_in_switch(size: Float[Array, "..."], state: LinkState) -> Float[Array, "..."]:
    return over(size * (1 + 1 / _participants(state)), state.sum_plane_min)


def _exchange(size: Float[Array, "..."], state: LinkState) -> Float[Array, "..."]:
    """Every participant receives all but its own share: gather, scatter, all-to-all."""
    n = _participants(state)
    return over(size * (n - 1) / n, state.min_link)


def _whole(size: Float[Array, "..."], state: LinkState) -> Float[Array, "..."]:
    return over(size, state.min_link)


def _broadcast(size: Float[Array, "..."], state: LinkState) -> Float[Array, "..."]:
    spread = over((_participants(state) - 1) * size, state.sum_link)
    return jnp.maximum(_whole(size, state), spread)


class _Form(NamedTuple):
    """Bandwidth term of a payload over a state, and the number of steps among n participants."""

    seconds: Callable[[Float[Array, "..."], LinkState], Float[Array, "..."]]
    steps: Callable[[Float[Array, "..."]], Float[Array, "..."]]


_FORMS: dict[tuple[str, str], _Form] = {
    ("all_reduce", "optimal"): _Form(_all_reduce_optimal, jnp.ones_like),
    ("all_reduce", "ring"): _Form(_twice_exchanged, lambda n: 2 * (n - 1)),
    ("all_reduce", "recursive"): _Form(_twice_exchanged, lambda n: 2 * jnp.log2(n)),
    ("all_reduce", "direct"): _Form(_twice_exchanged, lambda n: jnp.full_like(n, 2)),
    ("all_reduce", "tree"): _Form(_all_reduce_tree, lambda n: 2 * jnp.log2(n)),
    ("all_reduce", "in_switch"): _Form(_all_reduce_in_switch, jnp.ones_like),
    ("all_gather", "optimal"): _Form(_exchange, jnp.ones_like),
    ("all_gather", "ring"): _Form(_exchange, lambda n: n - 1),
    ("all_gather", "recursive"): _Form(_exchange, jnp.log2),
    ("all_gather", "direct"): _Form(_exchange, jnp.ones_like),
    ("reduce_scatter", "optimal"): _Form(_exchange, jnp.ones_like),
    ("reduce_scatter", "ring"): _Form(_exchange, lambda n: n - 1),
    ("reduce_scatter", "recursive"): _Form(_exchange, jnp.log2),
    ("reduce_scatter", "direct"): _Form(_exchange, jnp.ones_like),
    ("all_to_all", "optimal"): _Form(_exchange, jnp.ones_like),
    ("all_to_all", "direct"): _Form(_exchange, jnp.ones_like),
    ("broadcast", "optimal"): _Form(_broadcast, jnp.ones_like),
    ("broadcast", "tree"): _Form(_whole, jnp.log2),
}
_BUS_FACTORS: dict[str, Callable[[Float[Array, "..."]], Float[Array, "..."]]] = {
    "all_reduce": lambda n: 2 * (n - 1) / n,
    "all_gather": lambda n: (n - 1) / n,
    "reduce_scatter": lambda n: (n - 1) / n,
    "all_to_all": lambda n: (n - 1) / n,
    "broadcast": lambda n: jnp.ones_like(n),
}

ALGORITHMS: dict[str, tuple[str, ...]] = {
    op: tuple(a for o, a in _FORMS if o == op) for op in _BUS_FACTORS
}
"""The algorithms that `collective_seconds` knows, by collective."""
