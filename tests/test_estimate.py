"""Estimates: what an interval promises, what no hits mean, and the delta method."""

import math

import numpy as np
import pytest
from scipy import stats

from fdmc.tally import Estimate, function_estimate, mean_estimate


def of(values, **more):
    values = [int(v) for v in values]
    how = {"scale": 1.0, "most": math.inf, "unit": "1", **more}
    return mean_estimate(sum(values), sum(v * v for v in values), len(values), **how)


def test_mean_and_interval():
    """Student's interval, from exact sums."""
    values = [3, 5, 4, 8, 1]
    estimate = of(values, scale=0.5, unit="h")
    low, high = stats.t.interval(
        0.95, 4, loc=2.1, scale=0.5 * np.std(values, ddof=1) / math.sqrt(5)
    )
    assert (estimate.best, estimate.unit, estimate.replicas, estimate.status) == (2.1, "h", 5, "ok")
    assert (estimate.low, estimate.high) == pytest.approx((low, high))
    assert estimate.width == pytest.approx(high - low)


def test_sums_beyond_float_precision():
    """Variance by exact integers: values of 1e12 that differ by one."""
    big = 10**12
    estimate = of([big, big + 1, big + 2])
    assert estimate.width == pytest.approx(2 * stats.t.ppf(0.975, 2) / math.sqrt(3), rel=1e-3)


def test_intervals_stay_in_range():
    assert of([0] * 9 + [1000], most=2000.0).low == 0.0
    assert of([1000] * 9 + [0], most=1000.0).high == 1000.0


@pytest.mark.statistical
@pytest.mark.parametrize("mean", [0.02, 0.5, 20.0])
def test_coverage(mean):
    """95 % intervals of Poisson counts hold the truth in 95 %, exact ones at least that often.

    2000 intervals: 4.9 standard errors are 2.4 points.
    """
    rng = np.random.default_rng(7)
    hits = 0
    for values in rng.poisson(mean, (2000, 100)):
        estimate = of(values, count=True)
        hits += estimate.low <= mean <= estimate.high
    share = hits / 2000
    assert share >= 0.95 - 0.024
    assert share <= (0.95 + 0.024 if mean > 1 else 1.0)


@pytest.mark.parametrize("n", [10, 1000])
def test_no_hits(n):
    """Never a bare zero: with 95 % confidence the mean is below -log(0.05) / n."""
    estimate = of([0] * n, count=True)
    assert (estimate.low, estimate.best, estimate.status) == (0.0, 0.0, "no_hits")
    assert estimate.high == pytest.approx(-math.log(0.05) / n)
    # ... and at that mean a sample without any hit has a chance of 5 %.
    assert stats.poisson.pmf(0, n * estimate.high) == pytest.approx(0.05)
    share = of([0] * n, scale=1e-6, most=1.0)
    assert share.high == pytest.approx(-math.log(0.05) / n)
    assert of([0], most=0.5).high == 0.5


def test_too_few_replicas():
    assert of([]).status == "no_replicas"
    one = of([4], most=10.0)
    assert (one.status, one.low, one.best, one.high) == ("one_replica", 0.0, 4.0, 10.0)
    assert (
        function_estimate(lambda x: x[0], np.array([2.0]), np.eye(1), 1, "1").status
        == "one_replica"
    )


def test_delta_method():
    """x / (1 + y): slopes by hand."""
    mean, cov, n = np.array([3.0, 0.5]), np.array([[0.4, 0.1], [0.1, 0.2]]), 400
    estimate = function_estimate(lambda x: x[0] / (1 + x[1]), mean, cov, n, "1")
    slope = np.array([1 / 1.5, -3.0 / 1.5**2])
    half = stats.t.ppf(0.975, n - 1) * math.sqrt(slope @ cov @ slope / n)
    assert estimate.best == 2.0
    assert estimate.high - estimate.best == pytest.approx(half, rel=1e-3)
    assert estimate.best - estimate.low == pytest.approx(half, rel=1e-3)


def test_a_linear_function_is_its_own_delta():
    mean, cov = np.array([1.0, 0.0]), np.array([[0.25, 0.0], [0.0, 0.0]])
    estimate = function_estimate(lambda x: 5 - 2 * x[0] + x[1], mean, cov, 100, "1")
    assert estimate.width == pytest.approx(2 * stats.t.ppf(0.975, 99) * 2 * 0.5 / 10)


@pytest.mark.statistical
def test_delta_coverage():
    """Ratios of means of 200 pairs: 95 % of 1000 intervals, 4.9 standard errors are 3.4 points."""
    rng = np.random.default_rng(8)
    hits = 0
    for _ in range(1000):
        x = rng.exponential(1.0, 200)
        y = x + rng.exponential(1.0, 200)
        cov = np.cov(x, y)
        mean = np.array([x.mean(), y.mean()])
        estimate = function_estimate(lambda m: m[0] / m[1], mean, cov, 200, "1")
        hits += estimate.low <= 0.5 <= estimate.high
    assert abs(hits / 1000 - 0.95) <= 0.034


def test_arithmetic_of_estimates():
    estimate = Estimate(0.1, 0.2, 0.4, "1", 10)
    assert estimate.complement() == Estimate(0.6, 0.8, 0.9, "1", 10)
    assert estimate.scaled(10.0, "h") == Estimate(1.0, 2.0, 4.0, "h", 10)
    assert str(Estimate(1.0, 2.0, 3.5, "h", 10)) == "2 [1, 3.5] h"
