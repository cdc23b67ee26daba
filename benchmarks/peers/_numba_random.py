"""Generators compiled into the loops: one stream a thread, seeded apart by SplitMix64."""

import numba
import numpy as np


LANES = 256  # trials side by side: enough for vector registers, small enough for the first cache
U32, U64, I32, F32 = np.uint32, np.uint64, np.int32, np.float32


@numba.njit(inline="always")
def splitmix(state):
    """Scramble one 64-bit word."""
    z = U64(state) + U64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> U64(30))) * U64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> U64(27))) * U64(0x94D049BB133111EB)
    return z ^ (z >> U64(31))


@numba.njit
def lanes_state(seed, thread):
    """State of LANES xoshiro128+ generators, which step together in vector registers."""
    state = np.empty((4, LANES), np.uint32)
    word = splitmix(splitmix(U64(seed)) ^ (U64(thread) + U64(1)))
    for i in range(4):
        for j in range(LANES):
            word = splitmix(word)
            state[i, j] = U32(word >> U64(32))
    return state


@numba.njit
def fill(state, out):
    """The next 32-bit word of every lane."""
    a, b, c, d = state[0], state[1], state[2], state[3]
    for j in range(LANES):
        x, y, z, w = a[j], b[j], c[j], d[j]
        out[j] = x + w
        shifted = U32(y << U32(9))
        z ^= x
        w ^= y
        b[j] = y ^ z
        a[j] = x ^ w
        c[j] = z ^ shifted
        d[j] = U32(w << U32(11)) | (w >> U32(21))


@numba.njit(inline="always")
def uniform32(bits):
    """Inside (0, 1), float32: 24 bits and a half."""
    return (F32(bits >> U32(8)) + F32(0.5)) * F32(2.0**-24)


@numba.njit
def thread_state(seed, thread):
    """State of one xoroshiro128+ generator."""
    state = np.empty(2, np.uint64)
    state[0] = splitmix(splitmix(U64(seed)) ^ (U64(thread) + U64(1)))
    state[1] = splitmix(state[0])
    return state


@numba.njit(inline="always")
def next64(state):
    """The next 64-bit word of one stream."""
    a, b = state[0], state[1]
    word = a + b
    b ^= a
    state[0] = ((a << U64(24)) | (a >> U64(40))) ^ b ^ (b << U64(16))
    state[1] = (b << U64(37)) | (b >> U64(27))
    return word


@numba.njit(inline="always")
def uniform64(word):
    """Inside (0, 1), float64: 52 bits and a half."""
    return (np.float64(word >> U64(12)) + 0.5) * 2.0**-52


@numba.njit(inline="always")
def fast_log(x):
    """Natural logarithm, float32, to 2e-7: a polynomial, which vectorises as libm does not."""
    bits = F32(x).view(np.int32)
    exponent = I32(I32(bits - I32(0x3F3504F3)) >> I32(23))
    m = I32(bits - I32(exponent << I32(23))).view(np.float32) - F32(1)
    p = F32(7.0376836292e-2)  # coefficients of Cephes' logf
    p = p * m - F32(1.1514610310e-1)
    p = p * m + F32(1.1676998740e-1)
    p = p * m - F32(1.2420140846e-1)
    p = p * m + F32(1.4249322787e-1)
    p = p * m - F32(1.6668057665e-1)
    p = p * m + F32(2.0000714765e-1)
    p = p * m - F32(2.4999993993e-1)
    p = p * m + F32(3.3333331174e-1)
    return m + m * m * (p * m - F32(0.5)) + F32(exponent) * F32(0.6931471805599453)


@numba.njit(inline="always")
def fast_exp(x):
    """Exponential, float32, to 2e-7, for arguments that neither overflow nor underflow."""
    x = F32(x) * F32(1.4426950408889634)
    whole = np.floor(x + F32(0.5))
    f = x - whole
    p = F32(1.535336188319500e-4)  # coefficients of Cephes' exp2f
    p = p * f + F32(1.339887440266574e-3)
    p = p * f + F32(9.618437357674640e-3)
    p = p * f + F32(5.550332471162809e-2)
    p = p * f + F32(2.402264791363012e-1)
    p = p * f + F32(6.931472028550421e-1)
    p = F32(p * f + F32(1))
    return I32(p.view(np.int32) + I32(I32(whole) << I32(23))).view(np.float32)
