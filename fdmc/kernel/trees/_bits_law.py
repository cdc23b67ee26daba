"""Laws of packed Bernoulli bits as tables: how a block of 65,536 replicas of an event is drawn.

An event of probability p fails in a replica if any of K hits falls on it, where K is Poisson with mean -65536
log(1 - p) and the hits are uniform: the bits are then independent and exactly Bernoulli(p). K is found by inversion
of 64 random bits, so the error of p is below 2^-80, or 1e-13 of p. A likely event is the union of such a one with
one whose probability has few binary digits, d / 2^n, drawn by combining n words of random bits.
"""

import dataclasses

import numpy as np
from jaxtyping import Float, Int, UInt32
from scipy import special


BLOCK_BITS = 16
BLOCK = 1 << BLOCK_BITS
"""Replicas of a block: a position in it is 16 random bits."""
BLOCK_WORDS = BLOCK // 32
"""Words of a block: replica k of it is bit k mod 32 of word k div 32."""

_MOST_DIGITS = 8
_DIGIT_COST = 0.2  # of one binary digit, per word
_HIT_COST = 0.45  # of one hit; 32 p hits fall on a word


@dataclasses.dataclass(frozen=True)
class BitLaws:
    """How each event is drawn.

    `digits` binary digits of `level` (none: 0); then `least` hits and one more for every threshold, of those at
    `start[e] : stop[e]`, that 64 random bits fall below. Thresholds fall; they are (high, low) words.
    """

    digits: Int[np.ndarray, " events"]
    level: Int[np.ndarray, " events"]
    least: Int[np.ndarray, " events"]
    start: Int[np.ndarray, " events"]
    stop: Int[np.ndarray, " events"]
    high: UInt32[np.ndarray, " thresholds"]
    low: UInt32[np.ndarray, " thresholds"]

    @property
    def most(self) -> Int[np.ndarray, " events"]:
        """The largest number of hits that can be drawn."""
        return self.least + self.stop - self.start


def bit_laws(probability: Float[np.ndarray, " events"]) -> BitLaws:
    """Return the tables for probabilities in (0, 1/2]; equal probabilities share one.

    **Raises:** ValueError for a probability outside.
    """
    if not np.all((probability > 0) & (probability <= 0.5)):
        raise ValueError("probabilities of drawn events must be in (0, 1/2].")
    values, which = np.unique(probability, return_inverse=True)
    rows = [_law(float(p)) for p in values]
    stops = np.cumsum([len(row[3]) for row in rows], dtype=np.int32)
    lengths = np.array([len(row[3]) for row in rows], np.int32)
    tail = np.concatenate([row[3] for row in rows]) if rows else np.zeros(0)
    scaled = tail * 2.0**32
    high = np.minimum(np.floor(scaled), 2.0**32 - 1)
    low = np.minimum(np.floor((scaled - high) * 2.0**32), 2.0**32 - 1)
    column = lambda i: np.array([row[i] for row in rows], np.int32)[which]
    return BitLaws(
        column(0),
        column(1),
        column(2),
        (stops - lengths)[which],
        stops[which],
        high.astype(np.uint32),
        low.astype(np.uint32),
    )


def _law(p: float) -> tuple[int, int, int, Float[np.ndarray, " thresholds"]]:
    """Return the digits, their level, the least number of hits, and P(K >= j) for the j above it."""
    digits, level, rest = min((_split(p, n) for n in range(_MOST_DIGITS + 1)), key=_cost)
    mean = -np.log1p(-rest) * BLOCK
    if mean == 0:
        return digits, level, 0, np.zeros(0)
    spread = np.sqrt(mean)
    least = max(0, int(mean - 10 * spread - 10))
    tail = special.gammainc(np.arange(least + 1.0, int(mean + 12 * spread + 32)), mean)
    return digits, level, least, tail[tail > 2.0**-64]


def _split(p: float, n: int) -> tuple[int, int, float]:
    """Return p as the union of d / 2^n, in lowest terms, and an independent rest."""
    d = int(p * (1 << n))
    rest = (p * (1 << n) - d) / ((1 << n) - d)
    while n and d % 2 == 0:
        n, d = n - 1, d // 2
    return n, d, rest


def _cost(split: tuple[int, int, float]) -> float:
    return split[0] * _DIGIT_COST + 32 * split[2] * _HIT_COST


def valid_words(replicas: int) -> UInt32[np.ndarray, " words"]:
    """Return a block's mask of its first `replicas` replicas."""
    first = np.clip(replicas - 32 * np.arange(BLOCK_WORDS, dtype=np.int64), 0, 32)
    return ((np.uint64(1) << first.astype(np.uint64)) - np.uint64(1)).astype(np.uint32)
