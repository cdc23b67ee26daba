"""Lifetime and repair-time laws: a draw, a survival function, a mean."""

import math
import random
from collections.abc import Sequence

from ..spec import Competing, Exponential, Fixed, Gamma, Law, LogNormal, Weibull


def draw(law: Law, rng: random.Random) -> float:
    """One time in hours."""
    match law:
        case Exponential(mean_hours=mean):
            return rng.expovariate(1.0 / mean)
        case Weibull(shape=shape, scale_hours=scale):
            return rng.weibullvariate(scale, shape)
        case LogNormal(median_hours=median, sigma=sigma):
            return rng.lognormvariate(math.log(median), sigma)
        case Gamma(shape=shape, scale_hours=scale):
            return rng.gammavariate(shape, scale)
        case Fixed(hours=hours):
            return hours
        case Competing(laws=laws):
            return min(draw(each, rng) for each in laws)
    raise TypeError(f"unknown law {law!r}")


def survival(law: Law, t: float) -> float:
    """P(time > t)."""
    match law:
        case Exponential(mean_hours=mean):
            return math.exp(-t / mean)
        case Weibull(shape=shape, scale_hours=scale):
            return math.exp(-((t / scale) ** shape))
        case LogNormal(median_hours=median, sigma=sigma):
            return 0.5 * math.erfc(math.log(t / median) / (sigma * math.sqrt(2))) if t > 0 else 1.0
        case Gamma(shape=shape, scale_hours=scale):
            return 1.0 - _lower_gamma(shape, t / scale)
        case Fixed(hours=hours):
            return float(t < hours)
        case Competing(laws=laws):
            return math.prod(survival(each, t) for each in laws)
    raise TypeError(f"unknown law {law!r}")


def mean(law: Law) -> float:
    """Mean time in hours; for competing laws the integral of the survival function."""
    match law:
        case Exponential(mean_hours=mean_hours):
            return mean_hours
        case Weibull(shape=shape, scale_hours=scale):
            return scale * math.gamma(1.0 + 1.0 / shape)
        case LogNormal(median_hours=median, sigma=sigma):
            return median * math.exp(sigma**2 / 2)
        case Gamma(shape=shape, scale_hours=scale):
            return shape * scale
        case Fixed(hours=hours):
            return hours
        case Competing(laws=laws):
            return mean_least(laws, [1.0] * len(laws))
    raise TypeError(f"unknown law {law!r}")


def mean_least(laws: Sequence[Law], speeds: Sequence[float]) -> float:
    """Mean time to the first of several ends of life, each ageing at its own speed."""
    ageing = [(law, speed) for law, speed in zip(laws, speeds, strict=True) if speed > 0]
    if len(ageing) < 2:
        return mean(ageing[0][0]) / ageing[0][1] if ageing else math.inf
    # Trapezium in y = log t, where the integrand is smooth and dies at both ends.
    centre, step = math.log(min(mean(law) / speed for law, speed in ageing)), 0.02
    times = (math.exp(centre + step * j) for j in range(-2000, 1001))
    return step * sum(t * math.prod(survival(law, t * v) for law, v in ageing) for t in times)


def _lower_gamma(a: float, x: float) -> float:
    """Regularised lower incomplete gamma function, by its series of positive terms."""
    if x <= 0:
        return 0.0
    if x > a + 40 * math.sqrt(a) + 60:
        return 1.0
    term = total = 1.0 / a
    n = a
    while term > 1e-17 * total:
        n += 1
        term *= x / n
        total += term
    return min(1.0, total * math.exp(a * math.log(x) - x - math.lgamma(a)))
