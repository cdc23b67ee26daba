import jax.numpy as jnp
from jaxtyping import Array, Float, Real


Number = Real[Array, "*#batch"] | float | int


def message_seconds(
    size_bytes: Number,
    bytes_per_second: Number,
    *,
    hops: Number,
    hop_seconds: Number,
    stored: bool = False,
) -> Float[Array, "*batch"]:
    """Time of one message over a path of equal links that nobody else uses.

    **Arguments:**

    - `size_bytes`: payload $S$ in bytes.
    - `bytes_per_second`: bytes per second of each link, $b$.
    - `hops`: number of links on the path, $h$.
    - `hop_seconds`: latency of each, $a$.
    - `stored`: whether each hop stores the whole message before it forwards; switches of
        accelerator fabrics cut through.

    **Returns:**

    $h a + S/b$ in seconds, and $h (a + S/b)$ where hops store: the accounting of ASTRA-sim's
    analytical network (`astra-sim/astra-network-analytical`).

    !!! example

        ```python
        from fdmc.fabric import message_seconds

        seconds = message_seconds(2**20, 50 * 2**30, hops=3, hop_seconds=500e-9)
        assert abs(seconds - 21.031e-6) < 1e-9
        ```
    """
    wire = jnp.asarray(size_bytes / bytes_per_second)
    return hops * hop_seconds + (hops * wire if stored else wire)
