from collections.abc import Sequence

import jax.numpy as jnp
from jaxtyping import Array, Float


Number = Float[Array, "..."] | float | int


def exposed_seconds(seconds: Number, overlap_seconds: Number) -> Float[Array, "..."]:
    """Time of a collective that computation does not hide.

    **Arguments:**

    - `seconds`: time of the collective, $T_j$; infinite is allowed.
    - `overlap_seconds`: the finite overlap window $h_j$ that hides it.

    **Returns:** $\\max(0, T_j - h_j)$ in seconds.

    !!! example

        ```python
        from fdmc.workload import exposed_seconds

        assert exposed_seconds(0.25, 0.125) == 0.125
        ```
    """
    return jnp.maximum(0.0, jnp.asarray(seconds) - overlap_seconds)


def step_seconds(
    compute_seconds: Number,
    compute_fraction: Number,
    exposed: Sequence[tuple[Number, Number]],
) -> Float[Array, "..."]:
    """Time of one training step: computation, and what it does not hide of collectives.

    **Arguments:**

    - `compute_seconds`: computation of a healthy step, in seconds.
    - `compute_fraction`: live compute of the slowest participant, $\\min_i a_i$ in 0..1.
    - `exposed`: one pair for each collective $j$: its time $T_j$ and the overlap window
        $h_j$ that hides it, both in seconds. The windows are finite.

    All broadcast against each other.

    **Returns:**

    $T = T_\\text{comp} / \\min_i a_i + \\sum_j \\max(0, T_j - h_j)$ in seconds; infinite where a
    participant has no compute or a collective never ends.

    !!! example

        ```python
        from fdmc.workload import step_seconds

        assert abs(step_seconds(0.18, 1.0, [(0.1, 0.06), (0.05, 0.06)]) - 0.22) < 1e-6
        ```
    """
    fraction = jnp.asarray(compute_fraction)
    alive = fraction > 0
    total = jnp.where(alive, compute_seconds / jnp.where(alive, fraction, 1.0), jnp.inf)
    for seconds, overlap in exposed:
        total = total + exposed_seconds(seconds, overlap)
    return total
