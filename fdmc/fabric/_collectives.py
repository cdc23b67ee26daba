from collections.abc import Callable

import jax.numpy as jnp
from jaxtyping import Array, Float, Real

from ._state import LinkState


Number = Real[Array, "*#batch"] | float | int


def collective_seconds(
    op: str,
    algorithm: str,
    size_bytes: Number,
    state: LinkState,
    bytes_per_second: Number = 1.0,
) -> Float[Array, "*batch"]:
    """Bandwidth term of the time of one collective on a degraded domain.

    **Arguments:**

    - `op`: `all_reduce`, `all_gather`, `reduce_scatter`, `all_to_all` or `broadcast`.
    - `algorithm`: `optimal` for any `op`; also `ring` and `in_switch` for `all_reduce`, and
        `ring` for `all_gather` and `reduce_scatter`.
    - `size_bytes`: payload $S$ in bytes: the reduced or broadcast vector, the total that is
        gathered or scattered, or what each accelerator sends (its own part included) in
        `all_to_all`.
    - `state`: the degraded domain, batch shape `[...]`.
    - `bytes_per_second`: bytes per second of one unit of capacity, efficiency included.

    **Returns:**

    Seconds, shape `[...]`: 0 for fewer than two participants, infinite where the bandwidth
    that the algorithm needs is zero. A lower bound where `state.exact` is false, except that
    `ring` and `in_switch` are times of those very algorithms.

    With $n$ participants, $b_i = \\sum_k c_{ik}$:

    | collective | seconds |
    |---|---|
    | all-reduce, optimal | $S \\max(1 / \\min b_i,\\; 2(n-1) / \\sum b_i)$ |
    | all-reduce, ring | $2 (n-1)/n \\cdot S / \\min b_i$ |
    | all-reduce, in the switch | $S (1 + 1/n) / \\sum_k \\min_i c_{ik}$ |
    | all-gather, reduce-scatter, all-to-all | $(n-1)/n \\cdot S / \\min b_i$ |
    | broadcast | $S \\max(1 / \\min b_i,\\; (n-1) / \\sum b_i)$ |

    The optimum of the all-reduce is the strength of a packing of trees (Nash-Williams and
    Tutte, 1961); the ring and in-switch terms follow NCCL's own accounting (`nccl-tests`,
    `PERFORMANCE.md`). All-to-all assumes that accelerators may forward.

    **Raises:** `ValueError` for a pair of `op` and `algorithm` that has no closed form.

    !!! example

        ```python
        import jax.numpy as jnp
        from fdmc.fabric import collective_seconds, link_state

        state = link_state(jnp.ones((8, 4)).at[0, 2].set(0.0), jnp.ones(8, bool))
        seconds = collective_seconds("all_reduce", "ring", 2**30, state, 50e9)
        assert abs(seconds - 2 * 7 / 8 * 2**30 / 150e9) < 1e-6
        ```
    """
    if (op, algorithm) not in _FORMS:
        known = ", ".join(f"{o}/{a}" for o, a in _FORMS)
        raise ValueError(f"no closed form for {op}/{algorithm}; there are: {known}")
    # Scaling the payload first keeps every product within float32, gradients included.
    scaled = jnp.asarray(size_bytes / bytes_per_second, state.min_link.dtype)
    seconds = _FORMS[op, algorithm](scaled, state)
    return jnp.where(state.used > 1, seconds, 0.0)


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


def _over(amount: Float[Array, "..."], bandwidth: Float[Array, "..."]) -> Float[Array, "..."]:
    """Divide, with infinity and a zero gradient where the bandwidth is zero."""
    alive = bandwidth > 0
    return jnp.where(alive, amount / jnp.where(alive, bandwidth, 1.0), jnp.inf)


def _participants(state: LinkState) -> Float[Array, "*batch"]:
    """Number of participants, at least one so that unused branches stay finite."""
    return jnp.maximum(state.used, 1).astype(state.min_link.dtype)


def _all_reduce_optimal(size: Float[Array, "..."], state: LinkState) -> Float[Array, "..."]:
    trees = _over(2 * (_participants(state) - 1) * size, state.sum_link)
    return jnp.maximum(_over(size, state.min_link), trees)


def _all_reduce_ring(size: Float[Array, "..."], state: LinkState) -> Float[Array, "..."]:
    return 2 * _exchange(size, state)


def _all_reduce_in_switch(size: Float[Array, "..."], state: LinkState) -> Float[Array, "..."]:
    return _over(size * (1 + 1 / _participants(state)), state.sum_plane_min)


def _exchange(size: Float[Array, "..."], state: LinkState) -> Float[Array, "..."]:
    """Every participant receives all but its own share: gather, scatter, all-to-all."""
    n = _participants(state)
    return _over(size * (n - 1) / n, state.min_link)


def _broadcast(size: Float[Array, "..."], state: LinkState) -> Float[Array, "..."]:
    spread = _over((_participants(state) - 1) * size, state.sum_link)
    return jnp.maximum(_over(size, state.min_link), spread)


_Form = Callable[[Float[Array, "..."], LinkState], Float[Array, "..."]]
_FORMS: dict[tuple[str, str], _Form] = {
    ("all_reduce", "optimal"): _all_reduce_optimal,
    ("all_reduce", "ring"): _all_reduce_ring,
    ("all_reduce", "in_switch"): _all_reduce_in_switch,
    ("all_gather", "optimal"): _exchange,
    ("all_gather", "ring"): _exchange,
    ("reduce_scatter", "optimal"): _exchange,
    ("reduce_scatter", "ring"): _exchange,
    ("all_to_all", "optimal"): _exchange,
    ("broadcast", "optimal"): _broadcast,
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
