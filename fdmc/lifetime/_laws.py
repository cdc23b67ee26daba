"""Lifetime and repair-time laws on the host, in float64 (SciPy): the exact side of every table."""

import math
from collections.abc import Sequence

import numpy as np
from scipy import special

from ..spec import Competing, Exponential, Fixed, Gamma, Law, LogNormal, Weibull


# Ages are unit exponentials divided by up to 2^24 copies: the least is 2^-57 / 2^24 = exp(-56).
LOG_HAZARD_START, LOG_HAZARD_STEP, KNOTS = -56.0, 1 / 16, 62 * 16 + 1


def cumulative_hazard(law: Law, hours):
    """Return H(t) = -log(1 - F(t)), any shape, from times in hours.

    **Raises:** `TypeError` for a fixed time, which has no hazard.
    """
    t = np.asarray(hours, float)
    match law:
        case Exponential(mean_hours=mean):
            return t / mean
        case Weibull(shape=beta, scale_hours=eta):
            return (t / eta) ** beta
        case LogNormal(median_hours=median, sigma=sigma):
            with np.errstate(divide="ignore"):
                return -special.log_ndtr(-np.log(t / median) / sigma)
        case Gamma(shape=k, scale_hours=theta):
            with np.errstate(divide="ignore"):
                return -np.log1p(-special.gammainc(k, t / theta))
        case Competing(laws=laws):
            return sum(cumulative_hazard(one, t) for one in laws)
    raise TypeError(f"{law} has no cumulative hazard.")


def hours_at(law: Law, hazard):
    """Return the time in hours at which the cumulative hazard of `law` is `hazard`: the inverse of H."""
    h = np.asarray(hazard, float)
    match law:
        case Exponential(mean_hours=mean):
            return mean * h
        case Fixed(hours=hours):
            return np.full_like(h, hours)
        case Weibull(shape=beta, scale_hours=eta):
            return eta * h ** (1 / beta)
        case LogNormal(median_hours=median, sigma=sigma):
            log_failed = np.log(-np.expm1(-h))
            z = np.where(h < 0.7, special.ndtri_exp(log_failed), -special.ndtri_exp(-h))
            return median * np.exp(sigma * z)
        case Gamma(shape=k, scale_hours=theta):
            early = special.gammaincinv(k, -np.expm1(-h))
            tiny = np.exp((np.log(h) + special.gammaln(k + 1)) / k)  # F ~ x^k / Gamma(k + 1)
            late = special.gammainccinv(k, np.exp(-h))
            return theta * np.where(h < 1e-250, tiny, np.where(h < 0.7, early, late))
        case Competing(laws=laws):
            return _hours_at_sum(laws, h)
    raise TypeError(f"unknown law {law}.")


def _hours_at_sum(laws: Sequence[Law], hazard):
    """Bisect log t between the first inverse at an equal share of the hazard and at all of it."""
    low = np.log(np.min([hours_at(one, hazard / len(laws)) for one in laws], 0))
    high = np.log(np.min([hours_at(one, hazard) for one in laws], 0))
    for _ in range(60):
        middle = (low + high) / 2
        over = sum(cumulative_hazard(one, np.exp(middle)) for one in laws) > hazard
        low, high = np.where(over, low, middle), np.where(over, middle, high)
    return np.exp((low + high) / 2)


def mean_hours(law: Law) -> float:
    """Return the mean in hours."""
    match law:
        case Exponential(mean_hours=mean):
            return mean
        case Fixed(hours=hours):
            return hours
        case Weibull(shape=beta, scale_hours=eta):
            return eta * math.gamma(1 + 1 / beta)
        case LogNormal(median_hours=median, sigma=sigma):
            return median * math.exp(sigma**2 / 2)
        case Gamma(shape=k, scale_hours=theta):
            return k * theta
    # E[T] is the integral of the unit exponential quantile; Gauss-Laguerre would miss the tails.
    u = (np.arange(200_000) + 0.5) / 200_000
    return float(np.mean(hours_at(law, -np.log1p(-u))))


def quantile_table(laws: Sequence[Law]) -> tuple[np.ndarray, np.ndarray]:
    """Return log hours and slopes per step at `KNOTS` log hazards, float32[laws, KNOTS] each."""
    log_h = LOG_HAZARD_START + LOG_HAZARD_STEP * np.arange(KNOTS)
    delta = 1e-5
    values, slopes = np.zeros((2, len(laws), KNOTS))
    for i, law in enumerate(laws):
        values[i] = np.log(hours_at(law, np.exp(log_h)))
        ahead, behind = (np.log(hours_at(law, np.exp(log_h + d))) for d in (delta, -delta))
        slopes[i] = (ahead - behind) / (2 * delta) * LOG_HAZARD_STEP
    return values.astype(np.float32), slopes.astype(np.float32)
