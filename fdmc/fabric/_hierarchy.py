from collections.abc import Sequence

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Real

from ._collectives import collective_seconds
from ._state import LinkState


Number = Real[Array, "*#batch"] | float | int


class Level(eqx.Module):
    """One level of a hierarchy of domains: its state and how collectives run on it.

    **Arguments:**

    - `state`: the links of one domain of this level.
    - `algorithm`: as for `collective_seconds`, known there for the collectives of this level.
    - `bytes_per_second`: bytes per second of one unit of capacity, efficiency included.
    - `latency_seconds`: time of one step; without it the bandwidth term alone counts.

    !!! example

        ```python
        import jax.numpy as jnp
        from fdmc.fabric import Level, link_state

        Level(link_state(jnp.ones((8, 4)), jnp.ones(8, bool)), "ring", 50e9)
        ```
    """

    state: LinkState
    algorithm: str | Sequence[str] = eqx.field(static=True)
    bytes_per_second: Number = 1.0
    latency_seconds: Number | None = None


def hierarchical_seconds(
    size_bytes: Number, inside: Level, across: Level
) -> Float[Array, "*batch"]:
    """Time of an all-reduce over several domains: reduce-scatter inside, all-reduce across, all-gather.

    **Arguments:**

    - `size_bytes`: payload $S$ in bytes.
    - `inside`: one domain of $n$ accelerators, the slowest where they differ.
    - `across`: the scale-out network of accelerators of one rank, one of each of $D$ domains;
        it carries $S/n$.

    **Returns:**

    Seconds: the sum of the three phases, which do not overlap here; pipelining over pieces of the payload
    approaches the longest of them instead. Every rank's all-reduce across goes over
    its own links, so that they do not share bandwidth.

    **Raises:** `ValueError` for an algorithm that has no closed form.

    !!! example

        ```python
        import jax.numpy as jnp
        from fdmc.fabric import Level, hierarchical_seconds, link_state

        inside = Level(link_state(jnp.ones((8, 4)), jnp.ones(8, bool)), "ring", 50e9)
        across = Level(link_state(jnp.ones((16, 1)), jnp.ones(16, bool)), "ring", 50e9)
        seconds = hierarchical_seconds(8e9, inside, across)
        assert abs(seconds - (2 * 7 * 1e9 / 200e9 + 2 * 15 / 16 * 1e9 / 50e9)) < 1e-6
        ```
    """
    share = size_bytes / jnp.maximum(inside.state.used, 1)
    phases = (
        ("reduce_scatter", size_bytes, inside),
        ("all_reduce", share, across),
        ("all_gather", size_bytes, inside),
    )
    seconds = jnp.zeros(())
    for op, size, level in phases:
        how = (level.bytes_per_second, level.latency_seconds)
        seconds = seconds + collective_seconds(op, level.algorithm, size, level.state, *how)
    return seconds


def two_level_seconds(
    op: str, size_bytes: Number, inside: Level, across: Level
) -> Float[Array, "*batch"]:
    """Time of one collective over units with planes of their own, joined by trunks.

    **Arguments:**

    - `op`: `all_reduce`, `all_gather`, `reduce_scatter`, `all_to_all` or `broadcast`.
    - `size_bytes`: payload $S$ in bytes, as for `collective_seconds`.
    - `inside`: one unit of $m$ participants; where units differ their mean number, and the slowest links.
    - `across`: the $U$ units as participants, whose links are their trunks, all lanes of a unit together.

    **Returns:**

    Seconds, $T_{in}$ and $T_{up}$ being `collective_seconds` of the two levels:

    | collective | seconds |
    |---|---|
    | all-reduce | $T_{in}$(reduce-scatter, S) + $T_{up}$(all-reduce, S) + $T_{in}$(all-gather, S) |
    | all-gather, reduce-scatter, broadcast | $T_{in}(S) + T_{up}(S)$ |
    | all-to-all | the longer of $T_{in}(S)$ among all $m U$, and $T_{up}(m S)$ |

    The phases follow one another; an all-to-all has one, in which both levels are busy at once. Every byte of the
    payload crosses a trunk as often as in a collective of the units, however many participants share it.

    **Raises:** `ValueError` for an algorithm that has no closed form; those of an all-reduce must be algorithms of a
    reduce-scatter too.

    !!! example

        ```python
        import jax.numpy as jnp
        from fdmc.fabric import Level, link_state, two_level_seconds

        inside = Level(link_state(jnp.ones((8, 4)), jnp.ones(8, bool)), "ring", 50e9)
        trunks = Level(link_state(jnp.ones((16, 1)), jnp.ones(16, bool)), "ring", 400e9)
        seconds = two_level_seconds("all_reduce", 8e9, inside, trunks)
        assert abs(seconds - (2 * 7 / 8 * 8e9 / 200e9 + 2 * 15 / 16 * 8e9 / 400e9)) < 1e-6
        ```
    """
    if op == "all_reduce":
        return (
            _on(inside, "reduce_scatter", size_bytes)
            + _on(across, op, size_bytes)
            + _on(inside, "all_gather", size_bytes)
        )
    if op != "all_to_all":
        return _on(inside, op, size_bytes) + _on(across, op, size_bytes)
    members, units = (jnp.maximum(level.state.used, 1) for level in (inside, across))
    everyone = eqx.tree_at(lambda level: level.state.used, inside, members * units)
    return jnp.maximum(_on(everyone, op, size_bytes), _on(across, op, size_bytes * members))


def _on(level: Level, op: str, size_bytes: Number) -> Float[Array, "*batch"]:
    how = (level.bytes_per_second, level.latency_seconds)
    return collective_seconds(op, level.algorithm, size_bytes, level.state, *how)
