"""Failure rates in FIT (failures in 1e9 device-hours), from tests, and in other units."""

import numpy as np
from scipy import special

from ._number import (
    OR_INFINITE,
    Number,
    namespace,
    require_nonnegative,
    require_positive,
    require_share,
)


HOURS_PER_FIT = 1e9
"""Mean hours between failures of a part with 1 FIT."""

HOURS_PER_YEAR = 8760.0


def count_to_fit(failures: Number, device_hours: Number) -> Number:
    """Failures over exposure, as a rate in FIT.

    **Arguments:**

    - `failures`: how many there were, $r$.
    - `device_hours`: devices times hours each, at the stress that the rate is for, $T$.

    **Returns:**

    $10^9 r/T$: the best estimate alone; `fit_interval` says how far off it may be.

    **Raises:** `ValueError` for host values that are negative or NaN.
    """
    require_nonnegative(failures=failures)
    require_positive(device_hours=device_hours)
    return HOURS_PER_FIT * (failures / device_hours)


def mtbf_to_fit(mtbf_hours: Number) -> Number:
    """A mean time between failures as a constant rate: $10^9 / MTBF$ in FIT.

    **Raises:** `ValueError` for host values that are not positive.
    """
    require_positive(OR_INFINITE, mtbf_hours=mtbf_hours)
    return HOURS_PER_FIT / mtbf_hours


def fit_to_mtbf(fit: Number) -> Number:
    """A constant rate in FIT as a mean time between failures: $10^9 / FIT$ in hours.

    **Raises:** `ValueError` for host values that are not positive.
    """
    require_positive(fit=fit)
    return HOURS_PER_FIT / fit


def fit_to_prob(fit: Number, hours: Number) -> Number:
    """Probability to fail within a time at a constant rate.

    **Arguments:**

    - `fit`: the rate $\\lambda$ in FIT, or the mean rate up to then.
    - `hours`: the time $t$.

    **Returns:**

    $1 - e^{-\\lambda t}$.

    **Raises:** `ValueError` for host values that are negative or NaN.
    """
    require_nonnegative(fit=fit, hours=hours)
    return -namespace(fit, hours).expm1(-(fit * (hours / HOURS_PER_FIT)))


def prob_to_fit(failed_prob: Number, hours: Number) -> Number:
    """The constant rate with which a share fails within a time: `fit_to_prob` inverted.

    **Arguments:**

    - `failed_prob`: the share $F$, from 0 to below 1.
    - `hours`: the time $t$.

    **Returns:**

    $-\\ln(1 - F) / t$ in FIT.

    **Raises:** `ValueError` for host values that are out of range or NaN.
    """
    require_nonnegative(failed_prob=failed_prob)
    require_positive(hours=hours, **{"1 - failed_prob": 1 - failed_prob})
    return HOURS_PER_FIT * (-namespace(failed_prob, hours).log1p(-failed_prob) / hours)


def annual_failure_prob(mtbf_hours: Number) -> Number:
    """Probability to fail within a year (8760 h), from a mean time between failures.

    **Returns:**

    $1 - e^{-8760/MTBF}$: the annualised failure rate (AFR) of link and disk reports. It is a
    probability; some sources print $8760/MTBF$, failures per year of a part that is replaced.

    **Raises:** `ValueError` for host values that are not positive.

    !!! example

        ```python
        from fdmc.stress import annual_failure_prob

        assert abs(annual_failure_prob(2.6e6) - 0.00336) < 1e-5
        ```
    """
    require_positive(OR_INFINITE, mtbf_hours=mtbf_hours)
    return -namespace(mtbf_hours).expm1(-HOURS_PER_YEAR / mtbf_hours)


def fit_upper(failures: Number, device_hours: Number, confidence: Number) -> Number:
    """The rate in FIT that a test rules out to exceed, with so much confidence.

    **Arguments:**

    - `failures`: how many there were, $r$; 0 is allowed.
    - `device_hours`: devices times hours each, equivalent hours at use, $T$.
    - `confidence`: one-sided, between 0 and 1.

    All broadcast against each other; on the host alone (SciPy).

    **Returns:**

    $10^9 \\, \\chi^2(confidence; 2r + 2) / (2T)$, the exact bound of a test that ends at a fixed
    time. (A test that ends with its last failure has $2r$ degrees of freedom.)

    **Raises:** `ValueError` for values that are negative or NaN, and confidences outside 0..1.

    !!! example

        ```python
        from fdmc.stress import fit_upper

        assert abs(fit_upper(0, 1e8, 0.9) - 23.026) < 1e-3
        ```
    """
    _check_test(failures, device_hours, confidence)
    return HOURS_PER_FIT * (special.gammaincinv(failures + 1.0, confidence) / device_hours)


def fit_interval(
    failures: Number, device_hours: Number, confidence: Number
) -> tuple[Number, Number]:
    """The rates in FIT between which a test leaves the truth, with so much confidence.

    **Arguments:**

    - `failures`, `device_hours`: as for `fit_upper`.
    - `confidence`: two-sided, between 0 and 1.

    **Returns:**

    $10^9 \\, \\chi^2(\\alpha/2; 2r) / (2T)$, 0 without failures, and
    $10^9 \\, \\chi^2(1 - \\alpha/2; 2r + 2) / (2T)$ with $\\alpha = 1 - confidence$ (Garwood 1936).

    **Raises:** `ValueError` as `fit_upper`.

    !!! example

        ```python
        from fdmc.stress import count_to_fit, fit_interval

        low, high = fit_interval(5, 1e8, 0.9)
        assert low < count_to_fit(5, 1e8) < high
        ```
    """
    _check_test(failures, device_hours, confidence)
    tail = (1 - confidence) / 2
    some = np.asarray(failures) > 0
    low = np.where(some, special.gammaincinv(np.where(some, failures, 1.0), tail), 0.0)[()]
    high = special.gammainccinv(failures + 1.0, tail)
    return HOURS_PER_FIT * (low / device_hours), HOURS_PER_FIT * (high / device_hours)


def rate_ratio_interval(
    failures: Number,
    device_hours: Number,
    reference_failures: Number,
    reference_device_hours: Number,
    confidence: Number,
) -> tuple[Number, Number]:
    """By how much more often parts fail in one place than in another, with so much confidence.

    **Arguments:**

    - `failures`, `device_hours`: in the one place, $r$ and $T$; 0 failures are allowed.
    - `reference_failures`, `reference_device_hours`: in the other, $r_0$ and $T_0$. Both
        exposures may be in any unit of time, but in the same one.
    - `confidence`: two-sided, between 0 and 1.

    All broadcast against each other; on the host alone (SciPy).

    **Returns:**

    The ratios $\\lambda/\\lambda_0$, dimensionless, that the counts do not rule out. Of all $r + r_0$
    failures the share in the one place is binomial, whatever the rates, with the odds
    $(\\lambda/\\lambda_0) (T/T_0)$. So the bounds of Clopper and Pearson for that share are exact
    here (Przyborowski and Wilenski 1940): with $\\alpha = 1 - confidence$, the low ratio is
    $T_0/T \\; r/(r_0 + 1) \\; F(\\alpha/2; 2r, 2r_0 + 2)$, and 0 for $r = 0$; the high one is the
    same with the places exchanged, inverted, and infinite for $r_0 = 0$.

    Of constant rates, the ratio is an acceleration. Of rates that change with age it is one at
    equal ages only, and then of the hazard, not of time.

    **Raises:** `ValueError` as `fit_upper`.

    !!! example

        ```python
        from fdmc.stress import rate_ratio_interval

        low, high = rate_ratio_interval(20, 1e6, 10, 1e6, 0.95)
        assert 0.88 < low < 2 < high < 4.8
        ```
    """
    _check_test(failures, device_hours, confidence)
    require_nonnegative(reference_failures=reference_failures)
    require_positive(reference_device_hours=reference_device_hours)
    tail = (1 - confidence) / 2
    scale = reference_device_hours / device_hours
    low = scale * _least_odds(failures, reference_failures, tail)
    with np.errstate(divide="ignore"):  # no failures at the reference: nothing bounds the ratio
        high = scale / _least_odds(reference_failures, failures, tail)
    return low, high


def _least_odds(some: Number, others: Number, tail: Number) -> Number:
    """The odds, not the share, so that shares next to 1 lose no digits."""
    quantile = special.fdtri(np.maximum(2.0 * some, 1.0), 2.0 * others + 2.0, tail)
    return np.asarray(some / (others + 1.0) * quantile)[()]


def fit_quantile(prob: Number, failures: Number, device_hours: Number) -> Number:
    """A quantile of what is believed about a rate after a test, and nothing before it.

    **Arguments:**

    - `prob`: of the quantile, between 0 and 1. Uniform numbers make draws.
    - `failures`, `device_hours`: as for `fit_upper`.

    **Returns:**

    The quantile of a gamma law of shape $r + 1/2$ and rate $T$, in FIT: Jeffreys' posterior.

    **Raises:** `ValueError` as `fit_upper`.

    !!! example

        ```python
        from fdmc.stress import fit_quantile, fit_upper

        assert fit_quantile(0.9, 0, 1e8) < fit_upper(0, 1e8, 0.9)
        ```
    """
    _check_test(failures, device_hours, prob)
    return HOURS_PER_FIT * (special.gammaincinv(failures + 0.5, prob) / device_hours)


def _check_test(failures: Number, device_hours: Number, prob: Number) -> None:
    require_nonnegative(failures=failures)
    require_positive(device_hours=device_hours, **{"1 - probability": 1 - prob})
    require_share(probability=prob)
