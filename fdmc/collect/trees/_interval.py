"""Intervals for counts of states, crude and weighted, at any confidence."""

import dataclasses
import math

import numpy as np
from jaxtyping import Float, Int
from scipy import special

from ...tally import CONFIDENCE, Estimate


_ROUNDING = 1e-12
_MANY = 300  # effective hits from which a mean is as good as normal


@dataclasses.dataclass(frozen=True, eq=False)
class Counts:
    """Exact counts of one root's replicas: `hits[i]` of them are worth `value[i]`, in (0, 1], the others nothing.

    The estimate is `scale` times the mean worth. Crude sampling has one value, 1, and scale 1: then the interval is
    that of a binomial. With no replicas, `scale` itself is the probability, exactly.
    """

    replicas: int
    hits: Int[np.ndarray, " values"]
    value: Float[np.ndarray, " values"]
    scale: float = 1.0

    @property
    def mean(self) -> float:
        """The estimate."""
        if not self.replicas:
            return self.scale
        return self.scale * math.fsum(self.hits * self.value) / self.replicas

    @property
    def relative_variance(self) -> float:
        """The variance of one replica's worth over its squared mean, infinite before the first hit."""
        if not self.hits.any():
            return math.inf
        mean = math.fsum(self.hits * self.value) / self.replicas
        return max(math.fsum(self.hits * self.value**2) / self.replicas / mean**2 - 1, 0.0)

    def interval(self, confidence: float = CONFIDENCE) -> tuple[float, float]:
        """Return an interval that covers the probability with at least this confidence."""
        if not 0 < confidence < 1:
            raise ValueError(f"confidence must be in (0, 1), but is {confidence}.")
        if not self.replicas:
            return self.scale, self.scale
        if len(self.value) == 1:
            low, high = _binomial(int(self.hits[0]), self.replicas, confidence)
            return self.scale * low, self.scale * high
        low, high = _weighted(self.hits, self.value, self.replicas, confidence)
        # The scale is a sum of products, each rounded.
        return self.scale * low * (1 - _ROUNDING), self.scale * high * (1 + _ROUNDING)

    def estimate(self) -> Estimate:
        """Return the estimate with its 95 % interval."""
        low, high = self.interval()
        status = "ok" if self.hits.any() or not self.replicas else "no_hits"
        best = min(max(self.mean, low), high)
        return Estimate(low, best, high, "1", self.replicas, status)


def _binomial(hits: int, n: int, confidence: float) -> tuple[float, float]:
    """Clopper and Pearson's exact interval, one-sided when nothing or everything was hit."""
    tail = (1 - confidence) / (1 if hits in (0, n) else 2)
    low = float(special.betaincinv(hits, n - hits + 1, tail)) if hits else 0.0
    high = float(special.betainccinv(hits + 1, n - hits, tail)) if hits < n else 1.0
    return low, high


def _weighted(
    hits: np.ndarray, value: np.ndarray, n: int, confidence: float
) -> tuple[float, float]:
    """Interval of the mean of n values in [0, 1], of which `hits[i]` are `value[i]` and the rest 0.

    With many effective hits and misses the normal interval, widened by what n replicas may have missed altogether; else
    the gamma interval of Fay and Feuer (1997) on the rarer side, conservative for few hits of unequal worth.
    """
    tail = (1 - confidence) / 2
    misses = np.append(hits, n - hits.sum())
    worth = np.append(1 - value, 1.0)
    if min(_effective(hits, value), _effective(misses, worth)) >= _MANY:
        mean, square = (math.fsum(hits * value**k) / n for k in (1, 2))
        half = -float(special.ndtri(tail)) * math.sqrt(max(square - mean**2, 0.0) / (n - 1))
        half -= math.log(tail) / n
        return max(mean - half, 0.0), min(mean + half, 1.0)
    if math.fsum(hits * value) <= math.fsum(misses * worth):
        low, high = _gamma(hits, value, tail)
        return min(low / n, 1.0), min(high / n, 1.0)
    low, high = _gamma(misses, worth, tail)
    return max(1 - high / n, 0.0), max(1 - low / n, 0.0)


def _effective(hits: np.ndarray, value: np.ndarray) -> float:
    square = math.fsum(hits * value**2)
    return math.fsum(hits * value) ** 2 / square if square else 0.0


def _gamma(hits: np.ndarray, value: np.ndarray, tail: float) -> tuple[float, float]:
    """Fay and Feuer's interval of a sum of Poisson counts, each with its weight, weights at most 1."""
    total, square = math.fsum(hits * value), math.fsum(hits * value**2)
    low = 0.0
    if square:
        low = square / total * float(special.gammaincinv(total**2 / square, tail))
    more, wider = total + 1, square + 1
    return low, wider / more * float(special.gammainccinv(more**2 / wider, tail))
