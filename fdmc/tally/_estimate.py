"""Estimates: a number never travels alone."""

import dataclasses
import math
from collections.abc import Callable

import numpy as np
from scipy import stats


CONFIDENCE = 0.95


@dataclasses.dataclass(frozen=True)
class Estimate:
    """A best value with its 95 % interval, unit and number of replicas.

    `status` is `ok`, `no_hits` (nothing seen: `high` is the upper bound of what may have been missed) or
    `one_replica` (no spread to judge by: the interval is everything).
    """

    low: float
    best: float
    high: float
    unit: str
    replicas: int
    status: str = "ok"

    @property
    def width(self) -> float:
        """Width of the interval, in the unit."""
        return self.high - self.low

    def scaled(self, factor: float, unit: str | None = None) -> "Estimate":
        """Return the estimate times a positive constant."""
        low, best, high = (v * factor for v in (self.low, self.best, self.high))
        return dataclasses.replace(self, low=low, best=best, high=high, unit=unit or self.unit)

    def complement(self) -> "Estimate":
        """Return one minus the estimate."""
        return dataclasses.replace(self, low=1 - self.high, best=1 - self.best, high=1 - self.low)

    def __str__(self):
        return f"{self.best:.6g} [{self.low:.6g}, {self.high:.6g}] {self.unit}".rstrip()


def mean_estimate(
    total: int, square: int, n: int, *, scale: float, most: float, unit: str, count: bool = False
) -> Estimate:
    """Estimate a mean from exact sums of non-negative values.

    **Arguments:** the sum and sum of squares of `n` integers; the value of one unit of them, `scale`; the `most`
    that one replica can give (for the bound when nothing was seen); `count` for Poisson-like
    counts, whose exact interval is used while they are few.
    """
    if n == 0:
        return Estimate(0.0, math.nan, math.inf, unit, 0, "no_replicas")
    best = total / n * scale
    if total == 0:
        # Rule of three: P(a replica shows anything) is below -log(0.05) / n with 95 % confidence.
        bound = -math.log1p(-CONFIDENCE) / n * (1.0 if count else most)
        return Estimate(0.0, 0.0, min(bound * (scale if count else 1.0), most), unit, n, "no_hits")
    if n == 1:
        return Estimate(0.0, best, most, unit, n, "one_replica")
    variance = max(square * n - total * total, 0) / (n * (n - 1)) * scale**2
    half = _t(n) * math.sqrt(variance / n)
    low, high = best - half, best + half
    if count and total < 100:
        tail = (1 - CONFIDENCE) / 2
        low = min(low, float(stats.chi2.ppf(tail, 2 * total)) / 2 / n * scale)
        high = max(high, float(stats.chi2.isf(tail, 2 * total + 2)) / 2 / n * scale)
    return Estimate(max(low, 0.0), best, min(high, most), unit, n)


def mean_of(values: np.ndarray, unit: str) -> Estimate:
    """Estimate the mean of independent values of either sign, float64[replicas]."""
    n, best = len(values), float(np.mean(values))
    if n < 2:
        return Estimate(-math.inf, best, math.inf, unit, n, "one_replica")
    half = _t(n) * float(np.std(values, ddof=1)) / math.sqrt(n)
    return Estimate(best - half, best, best + half, unit, n)


def function_estimate(
    f: Callable[[np.ndarray], float], mean: np.ndarray, cov: np.ndarray, n: int, unit: str
) -> Estimate:
    """Estimate a smooth function of several means by the delta method (central differences).

    **Arguments:** `f` of float64[k]; means and covariance of one replica's values; `n` replicas.
    """
    best = float(f(mean))
    if n < 2:
        return Estimate(-math.inf, best, math.inf, unit, n, "one_replica")
    step = np.maximum(np.sqrt(np.diag(cov) / n), 1e-9 * np.maximum(np.abs(mean), 1e-12))
    slope = np.zeros(len(mean))
    for i, h in enumerate(step):
        up, down = mean.copy(), mean.copy()
        up[i], down[i] = mean[i] + h, max(mean[i] - h, 0.0)
        slope[i] = (f(up) - f(down)) / (up[i] - down[i])
    half = _t(n) * math.sqrt(max(slope @ cov @ slope, 0.0) / n)
    return Estimate(best - half, best, best + half, unit, n)


def _t(n: int) -> float:
    return float(stats.t.ppf((1 + CONFIDENCE) / 2, n - 1))
