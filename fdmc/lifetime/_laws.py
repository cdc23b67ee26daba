"""Lifetime and repair-time laws on the host, in float64 (SciPy): the exact side of every table."""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
from scipy import special

from ..spec import Competing, Exponential, Fixed, Gamma, Law, LogNormal, Weibull
from ..yields import Dormant
from ._exposure import Exposed
from ._structured import Structured, lost_hazard


@dataclasses.dataclass(frozen=True)
class Spared:
    """The first of `copies` independent groups of `count` equal elements to lose more than `spares`.

    An order statistic in closed form: F = 1 - P(Bin(count, F_element) <= spares) ^ copies.
    """

    element: Law | Exposed
    count: int
    spares: int
    copies: int = 1


@dataclasses.dataclass(frozen=True)
class Remaining:
    """What is left of a Weibull life that has lasted `since_hours`: H(t) = H_law(since + t) - H_law(since)."""

    law: Weibull
    since_hours: float


@dataclasses.dataclass(frozen=True)
class FirstLatent:
    """When the first of a part's latent defects fails, each with a life of its own: H(t) = `defects.hazard(F_life(t))`.

    A part may have none, so that many never fail: H ends at `defects.hazard(1)`.
    """

    life: Weibull | Remaining
    defects: Dormant


# Ages are unit exponentials divided by up to 2^24 copies: the least is 2^-57 / 2^24 = exp(-56).
LOG_HAZARD_START, LOG_HAZARD_STEP, KNOTS = -56.0, 1 / 16, 62 * 16 + 1


def cumulative_hazard(law: Law | Exposed | Spared | Structured | Remaining | FirstLatent, hours):
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
                early = -np.log1p(-special.gammainc(k, t / theta))
                late = -np.log(special.gammaincc(k, t / theta))
            return np.where(early < 0.7, early, late)
        case Competing(laws=laws):
            return sum(cumulative_hazard(one, t) for one in laws)
        case Exposed(laws=laws, exposures=exposures):
            ages = [t if e is None else e.reached(t) for e in exposures]
            return sum(cumulative_hazard(*pair) for pair in zip(laws, ages, strict=True))
        case Spared(element=element, count=n, spares=spares, copies=copies):
            return copies * _spared_hazard(cumulative_hazard(element, t), n, spares)
        case Remaining(law=Weibull(shape=beta, scale_hours=eta), since_hours=since):
            # A difference of powers would cancel.
            return (since / eta) ** beta * np.expm1(beta * np.log1p(t / since))
        case FirstLatent(life=life, defects=defects):
            return defects.hazard(-np.expm1(-cumulative_hazard(life, t)))
        case Structured(structure=structure, laws=laws, copies=copies):
            return copies * lost_hazard(structure, [cumulative_hazard(one, t) for one in laws])
    raise TypeError(f"{law} has no cumulative hazard.")


def hours_at(law: Law | Exposed | Spared | Structured | Remaining | FirstLatent, hazard):
    """Return the time in hours at which the cumulative hazard of `law` is `hazard`: the inverse of H.

    It is infinite where a law that ends short of certainty never gets there.
    """
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
            low = np.min([hours_at(one, h / len(laws)) for one in laws], 0)
            return _bisected(law, h, low, np.min([hours_at(one, h) for one in laws], 0))
        case Exposed(laws=laws, exposures=exposures):
            ends = []
            for share in (h / len(laws), h):  # not before, and not after
                ages = [hours_at(one, share) for one in laws]
                pairs = zip(exposures, ages, strict=True)
                ends.append(np.min([age if e is None else e.hours_at(age) for e, age in pairs], 0))
            return _bisected(law, h, *ends)
        case Spared(element=element, count=n, spares=spares, copies=copies):
            return hours_at(element, _element_hazard(h / copies, n, spares))
        case Remaining(law=Weibull(shape=beta, scale_hours=eta), since_hours=since):
            return since * np.expm1(np.log1p(h / (since / eta) ** beta) / beta)
        case FirstLatent(life=life, defects=defects):
            failed = defects.share(h)
            never = failed >= 1
            age = -np.log1p(-np.where(never, 0.5, failed))
            return np.where(never, np.inf, hours_at(life, age))
        case Structured(laws=laws, copies=copies):
            # Not before the first failure of any copy; and once no copy is likely to be left, it is lost.
            low = np.min([hours_at(one, h / copies / len(laws)) for one in laws], 0)
            late = h / copies + math.log(len(laws))
            return _bisected(law, h, low, np.max([hours_at(one, late) for one in laws], 0))
    raise TypeError(f"unknown law {law}.")


def _bisected(law: Law | Exposed | Structured, hazard, low, high):
    """Bisect log t for the inverse of the cumulative hazard, which lies between `low` and `high`."""
    low, high = np.log(low), np.log(high)
    for _ in range(60):
        middle = (low + high) / 2
        over = cumulative_hazard(law, np.exp(middle)) > hazard
        low, high = np.where(over, low, middle), np.where(over, middle, high)
    return np.exp((low + high) / 2)


def _spared_hazard(element_hazard, n: int, spares: int):
    """Return -log P(Bin(n, F) <= spares), accurate in both tails."""
    failed = -np.expm1(-np.asarray(element_hazard, float))
    with np.errstate(divide="ignore"):  # the tail that is not used may be zero
        early = -np.log1p(-special.betainc(spares + 1, n - spares, failed))
        late = -np.log(special.betainc(n - spares, spares + 1, np.exp(-element_hazard)))
    return np.where(early < 0.7, early, late)


def _element_hazard(hazard, n: int, spares: int):
    """Invert `_spared_hazard` by bisection on the log; F ~ C(n, s+1) x^(s+1) bounds it from below."""
    k = spares + 1
    log_h = np.log(np.asarray(hazard, float))
    ways = special.gammaln(n + 1) - special.gammaln(k + 1) - special.gammaln(n - k + 1)
    low = (log_h - ways) / k - 1.0
    high = np.maximum((log_h - ways) / k, log_h) + 3.0
    for _ in range(80):
        middle = (low + high) / 2
        over = _spared_hazard(np.exp(middle), n, spares) > hazard
        low, high = np.where(over, low, middle), np.where(over, middle, high)
    return np.exp((low + high) / 2)


def mean_hours(law: Law | Exposed | Spared | Structured | Remaining) -> float:
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


def share_table(defects: Dormant) -> tuple[np.ndarray, np.ndarray]:
    """Return the logarithm of `Dormant.share` and its slope per step at the `KNOTS`, as `quantile_table` does."""
    h = np.exp(LOG_HAZARD_START + LOG_HAZARD_STEP * np.arange(KNOTS))
    delta = 1e-5
    ahead, behind = (np.log(defects.share(h * math.exp(d))) for d in (delta, -delta))
    slopes = (ahead - behind) / (2 * delta) * LOG_HAZARD_STEP
    return np.log(defects.share(h)).astype(np.float32), slopes.astype(np.float32)


def quantile_table(
    laws: Sequence[Law | Exposed | Spared | Structured | Remaining],
) -> tuple[np.ndarray, np.ndarray]:
    """Return log hours and slopes per step at `KNOTS` log hazards, float32[laws, KNOTS] each."""
    log_h = LOG_HAZARD_START + LOG_HAZARD_STEP * np.arange(KNOTS)
    delta = 1e-5
    values, slopes = np.zeros((2, len(laws), KNOTS))
    for i, law in enumerate(laws):
        values[i] = np.log(hours_at(law, np.exp(log_h)))
        ahead, behind = (np.log(hours_at(law, np.exp(log_h + d))) for d in (delta, -delta))
        slopes[i] = (ahead - behind) / (2 * delta) * LOG_HAZARD_STEP
    return values.astype(np.float32), slopes.astype(np.float32)
