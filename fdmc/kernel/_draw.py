"""Random numbers as a pure function of (seed, stream, replica, slot).

Threefry-2x32 with 20 rounds (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC'11),
unrolled so that XLA keeps it in registers of the fused loop; bit-equal to JAX's own generator.
"""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, UInt32


U32 = jnp.uint32
_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
_PARITY = 0x1BD11BDA


def threefry2x32(key, counter):
    """Return the two output words of Threefry-2x32-20.

    **Arguments:** `key` and `counter` are pairs of uint32 arrays (NumPy or JAX) that broadcast together.

    **Returns:** a pair of uint32 arrays.
    """
    k0, k1 = key
    uint = np.uint32 if isinstance(k0, np.ndarray | np.generic) else U32
    schedule = (k0, k1, k0 ^ k1 ^ uint(_PARITY))
    x0, x1 = counter[0] + k0, counter[1] + k1
    for i in range(5):
        for r in _ROTATIONS[i % 2]:
            x0 = x0 + x1
            x1 = ((x1 << uint(r)) | (x1 >> uint(32 - r))) ^ x0
        x0 = x0 + schedule[(i + 1) % 3]
        x1 = x1 + schedule[(i + 2) % 3] + uint(i + 1)
    return x0, x1


def stream_keys(seed: int, streams: np.ndarray, replica_high: int = 0) -> np.ndarray:
    """Return the Threefry keys of the streams, uint32[streams, 2], on the host.

    **Arguments:** `seed`, 64 bits; `streams`, uint32[streams]; `replica_high`, the high word of the
    64-bit replica number (the low word is the counter inside the kernel).
    """
    if not 0 <= seed < 1 << 64:
        raise ValueError(f"seed must be in [0, 2^64), but is {seed}.")
    streams = np.asarray(streams, np.uint32)
    words = [np.full_like(streams, w) for w in (seed & 0xFFFFFFFF, seed >> 32)]
    with np.errstate(over="ignore"):
        key = threefry2x32(words, (streams, np.zeros_like(streams)))
        key = threefry2x32(key, (np.full_like(streams, replica_high), np.ones_like(streams)))
    return np.stack(key, -1)


def uniform(word: UInt32[Array, "..."]) -> Float[Array, "..."]:
    """Return a float32 uniform in (0, 1) from 32 random bits."""
    # The largest float32 below one keeps log(u) and log(1 - u) finite.
    return jnp.minimum((word.astype(jnp.float32) + 0.5) * 2.0**-32, jnp.float32(1 - 2.0**-24))


def exponential(high: UInt32[Array, "..."], low: UInt32[Array, "..."]) -> Float[Array, "..."]:
    """Return a standard exponential from 64 random bits, exact in both tails to float32.

    With u = (high, low) 2^-64 the value is -log(1 - u): by log1p for small u, so that
    P(E < 1e-9) is 1e-9 and not a multiple of 2^-24, and from the complement for u near one.
    """
    small = high < U32(1 << 31)
    high, low = jnp.where(small, high, ~high), jnp.where(small, low, ~low)
    u = high.astype(jnp.float32) * 2.0**-32 + (low.astype(jnp.float32) + 0.5) * 2.0**-64
    w = 1 - u
    log = -jnp.log(jnp.where(small, w, u))
    # Kahan's log1p: the rounding of w is divided out again, with one logarithm for both tails.
    return jnp.where(small, jnp.where(w == 1, u, log * u / (1 - w)), log)


def below(word: UInt32[Array, "..."], n: UInt32[Array, "..."]) -> UInt32[Array, "..."]:
    """Return an integer uniform in [0, n), n < 2^24: the high word of word * n, exactly."""
    w1, w0 = word >> 16, word & U32(0xFFFF)
    n1, n0 = n >> 16, n & U32(0xFFFF)
    mid = w1 * n0 + ((w0 * n0) >> 16)
    return w1 * n1 + (mid >> 16) + ((w0 * n1 + (mid & U32(0xFFFF))) >> 16)
