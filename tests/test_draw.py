"""Random numbers: known answers, both tails, and streams that never meet.

Deterministic tolerances are float32's; statistical checks allow |z| <= 4.9 with fixed seeds.
"""

import itertools
import math

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from jax.extend.random import threefry_2x32

from fdmc.kernel import exponential, stream_keys, threefry2x32, uniform
from fdmc.kernel._draw import below
from fdmc.plan import stream


Z = 4.9
ONES = 0xFFFFFFFF
WORD = st.integers(0, ONES)


def words(seed, n):
    """Two arrays of n random words, by the generator under test."""
    key = (np.uint32(seed), np.uint32(0))
    with np.errstate(over="ignore"):
        return threefry2x32(key, (np.arange(n, dtype=np.uint32), np.ones(n, np.uint32)))


def exponentials(high, low):
    return np.asarray(exponential(jnp.asarray(high, np.uint32), jnp.asarray(low, np.uint32)), float)


@pytest.mark.parametrize(
    ("key", "counter", "answer"),
    [  # Salmon et al., SC'11: the known answers shipped with Random123, threefry2x32 with 20 rounds
        ((0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
        ((ONES, ONES), (ONES, ONES), (0x1CB996FC, 0xBB002BE7)),
        ((0x13198A2E, 0x03707344), (0x243F6A88, 0x85A308D3), (0xC4923A9C, 0x483DF7A0)),
    ],
)
def test_known_answers(key, counter, answer):
    with np.errstate(over="ignore"):
        host = threefry2x32(np.array(key, np.uint32), np.array(counter, np.uint32))
    device = threefry2x32(jnp.array(key, np.uint32), jnp.array(counter, np.uint32))
    assert tuple(map(int, host)) == tuple(map(int, device)) == answer


def test_bit_equal_to_the_generator_of_jax():
    rng = np.random.default_rng(1)
    key, counter = rng.integers(0, 1 << 32, (2, 2, 1000), dtype=np.uint32)
    for i in range(0, 1000, 100):
        theirs = threefry_2x32(key[:, i], counter[:, i : i + 100].ravel())
        ours = threefry2x32(tuple(jnp.asarray(key[:, i])), jnp.asarray(counter[:, i : i + 100]))
        np.testing.assert_array_equal(np.concatenate(ours), theirs)


def exact_exponential(high, low):
    """-log(1 - u) with u = (word + 1/2) 2^-64, in float64 from integers: exact in both tails."""
    word = (int(high) << 32 | int(low)) * 2 + 1
    if word < 1 << 64:
        return -math.log1p(-(word / 2**65))
    return -math.log(((1 << 65) - word) / 2**65)


def edge_words():
    """Every power of two from either end, and its neighbours."""
    ends = {0, 1, 2, 3, (1 << 64) - 1, (1 << 64) - 2}
    for bit in range(64):
        ends |= {(1 << bit) + d for d in (-1, 0, 1)} | {(1 << 64) - (1 << bit) + d for d in (-1, 0)}
    return sorted(word for word in ends if 0 <= word < 1 << 64)


def test_exponential_is_exact_in_both_tails():
    """Relative to float64, over words near both ends and in between: 1e-6 is 8 units of float32."""
    edges = edge_words()
    high, low = words(2, 20000)
    high = np.concatenate([[w >> 32 for w in edges], high, high >> 24]).astype(np.uint32)
    low = np.concatenate([[w & ONES for w in edges], low, low]).astype(np.uint32)
    exact = [exact_exponential(h, l) for h, l in zip(high, low, strict=True)]
    np.testing.assert_allclose(exponentials(high, low), exact, rtol=1e-6)


@pytest.mark.parametrize("small", [1e-15, 1e-12, 1e-9, 1e-6, 1e-3])
def test_small_probabilities_come_out_right(small):
    """The share of words with E below `small`, found by bisection, is 1 - exp(-small)."""
    least, most = 0, 1 << 64
    while most - least > 1:
        middle = (least + most) // 2
        below_it = exponentials(middle >> 32, middle & ONES) < small
        least, most = (middle, most) if below_it else (least, middle)
    share = most / 2**64
    # A word is 2^-64 of the probability: at 1e-15 that is a part in 18,000.
    assert share == pytest.approx(-math.expm1(-small), rel=2e-6 + 2**-64 / small)


def test_exponential_is_finite_and_positive():
    value = exponentials([0, ONES], [0, ONES])
    np.testing.assert_allclose(value, [2**-65, 65 * math.log(2)], rtol=1e-6)


@pytest.mark.statistical
def test_exponential_moments():
    n = 1 << 20
    e = exponentials(*words(3, n))
    # Mean 1 with variance 1; second moment 2 with variance 20.
    for value, mean, variance in ((e, 1, 1), (e**2, 2, 20)):
        assert abs(value.mean() - mean) / math.sqrt(variance / n) <= Z


def test_uniform_stays_inside():
    edges = np.array([0, 1, 255, ONES - 256, ONES - 1, ONES], np.uint32)
    u = np.asarray(uniform(jnp.asarray(edges)))
    assert u.dtype == np.float32
    assert (u > 0).all()
    assert (u < 1).all()
    np.testing.assert_allclose(u, (edges + 0.5) / 2**32, rtol=1e-7)


@settings(max_examples=300, deadline=None)
@given(WORD, st.integers(1, (1 << 24) - 1))
def test_below_is_exact(word, n):
    got = below(jnp.uint32(word), jnp.uint32(n))
    assert int(got) == word * n >> 32


def test_below_at_the_ends():
    for word, n in itertools.product(
        (0, 1, 0xFFFF, 0x10000, ONES - 1, ONES), (1, 2, 3, 65535, 65536, (1 << 24) - 1)
    ):
        assert int(below(jnp.uint32(word), jnp.uint32(n))) == word * n >> 32


def test_keys_of_streams():
    streams = np.array([stream(name) for name in ("tray/fan", "tray/cpu", "rack/psu")], np.uint32)
    keys = {
        (seed, high): stream_keys(seed, streams, high)
        for seed, high in itertools.product((0, 1, 1 << 32, (1 << 64) - 1), (0, 1, ONES))
    }
    every = np.concatenate(list(keys.values()))
    assert every.dtype == np.uint32
    assert every.shape == (36, 2)
    assert len({tuple(key) for key in every}) == 36  # of 2^64: no two alike
    # A key depends on its own stream alone.
    np.testing.assert_array_equal(stream_keys(1, streams[1:2]), keys[1, 0][1:2])


@pytest.mark.parametrize("seed", [-1, 1 << 64])
def test_seeds_have_64_bits(seed):
    with pytest.raises(ValueError, match="seed must be in"):
        stream_keys(seed, np.zeros(1, np.uint32))


@pytest.mark.statistical
def test_streams_are_uncorrelated():
    """Two streams, two replicas' slots, two replicas: correlations of 2^16 pairs each."""
    n = 1 << 16
    keys = stream_keys(5, np.array([stream("tray/fan"), stream("tray/cpu")], np.uint32))
    replicas = np.arange(n, dtype=np.uint32)

    def draw(which, slot, shift=0):
        pair = (keys[which, 0], keys[which, 1])
        with np.errstate(over="ignore"):
            high, _ = threefry2x32(pair, (replicas + np.uint32(shift), np.full(n, slot, np.uint32)))
        return high / 2**32 - 0.5

    here = draw(0, 0)
    for other in (draw(1, 0), draw(0, 1), draw(0, 0, shift=1), draw(0, 1 << 30)):
        assert abs(np.mean(here * other)) * 12 * math.sqrt(n) <= Z
