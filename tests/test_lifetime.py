"""Laws on the host in float64, and the kernel's tables of them in float32."""

import math

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy import integrate, stats

from fdmc.kernel import quantile
from fdmc.lifetime import cumulative_hazard, hours_at, mean_hours, quantile_table
from fdmc.plan import Quantiles
from fdmc.reference._law import survival
from fdmc.spec import Competing, Exponential, Fixed, Gamma, LogNormal, Weibull


HAZARDS = np.geomspace(1e-15, 30, 400)
BATHTUB = Competing((Weibull(0.5, 9e6), Exponential(1e5), Weibull(4.0, 6e4)))
LAWS = [
    Exponential(1000.0),
    Weibull(0.4, 1e6),
    Weibull(1.0, 500.0),
    Weibull(2.638, 7.112 * 8766),
    Weibull(12.0, 4e4),
    LogNormal(24.0, 0.857),
    LogNormal(5e4, 2.5),
    LogNormal(1.0, 0.1),
    Gamma(0.3, 1e5),
    Gamma(2.5, 300.0),
    Gamma(40.0, 1.0),
    BATHTUB,
    Competing((LogNormal(3e4, 0.5), Gamma(2.0, 1e5))),
]


@pytest.mark.parametrize("law", LAWS, ids=str)
def test_hours_and_hazard_are_inverse(law):
    np.testing.assert_allclose(cumulative_hazard(law, hours_at(law, HAZARDS)), HAZARDS, rtol=1e-9)


@pytest.mark.parametrize("law", LAWS, ids=str)
def test_hazard_agrees_with_the_survival_function_of_the_reference(law):
    """Another implementation; differences of 1 - F lose digits where it is near one or zero."""
    for hazard in (0.01, 0.3, 1.0, 5.0):
        t = float(hours_at(law, hazard))
        assert survival(law, t) == pytest.approx(math.exp(-hazard), rel=1e-9)


def test_closed_forms():
    t = np.geomspace(1, 1e5, 30)
    for law, scipy in (
        (Weibull(1.7, 900.0), stats.weibull_min(1.7, scale=900.0)),
        (Gamma(2.5, 300.0), stats.gamma(2.5, scale=300.0)),
        (LogNormal(400.0, 1.2), stats.lognorm(1.2, scale=400.0)),
        (Exponential(700.0), stats.expon(scale=700.0)),
    ):
        sure = -scipy.logsf(t)
        keep = (sure > 1e-10) & (sure < 500)
        np.testing.assert_allclose(cumulative_hazard(law, t[keep]), sure[keep], rtol=1e-5)


def test_hazards_of_competing_laws_add():
    t = np.geomspace(1, 1e6, 50)
    each = [cumulative_hazard(one, t) for one in BATHTUB.laws]
    np.testing.assert_allclose(cumulative_hazard(BATHTUB, t), sum(each), rtol=1e-14)
    two = Competing((Exponential(300.0), Exponential(600.0)))
    np.testing.assert_allclose(hours_at(two, HAZARDS), 200.0 * HAZARDS, rtol=1e-12)


@pytest.mark.parametrize("law", LAWS, ids=str)
def test_mean_is_the_integral_of_survival(law):
    """In y = log t, where the integrand is smooth and dies at both ends."""
    step = 0.005
    t = np.exp(np.arange(-100, 40, step))
    expected = step * np.sum(t * np.exp(-cumulative_hazard(law, t)))
    tolerance = 2e-5 if isinstance(law, Competing) else 1e-9
    assert mean_hours(law) == pytest.approx(expected, rel=tolerance)


def test_fixed_times():
    assert mean_hours(Fixed(4.0)) == 4.0
    np.testing.assert_array_equal(hours_at(Fixed(4.0), HAZARDS), 4.0)
    with pytest.raises(TypeError, match="no cumulative hazard"):
        cumulative_hazard(Fixed(4.0), 1.0)


def times(tables, law, ages):
    laws = jnp.full(ages.shape, law, jnp.int32)
    return np.asarray(quantile(tables, laws, jnp.asarray(ages)), float)


@pytest.mark.parametrize("law", LAWS, ids=str)
def test_tables_are_the_laws(law):
    """Relative error below 5e-6 where almost all ages are; in the far tails, float32's own.

    There log t and log h round by 2^-24 of themselves, and so does the place in the table,
    56 + log h, which a law passes on by its slope d log t / d log h.
    """
    tables = Quantiles(*quantile_table([Exponential(3.0), law]))
    ages = np.geomspace(1e-15, 30, 5000).astype(np.float32)
    h = ages.astype(float)
    exact = hours_at(law, h)
    error = np.abs(times(tables, 1, ages) / exact - 1)
    slope = np.gradient(np.log(exact), np.log(h))
    rounding = (np.abs(np.log(exact)) + slope * (np.abs(np.log(h)) + 56 + np.log(h))) * 2.0**-24
    normal = exact > np.finfo(np.float32).tiny
    assert np.max((error - rounding)[normal]) < 2e-6
    usual = normal & (h > 1e-4) & (h < 10) & (slope < 2)
    assert np.max(error[usual], initial=0) < 5e-6


def test_tables_go_on_beyond_their_ends():
    """A power of the hazard there, which Weibull laws are everywhere."""
    law = Weibull(1.3, 1000.0)
    tables = Quantiles(*quantile_table([law]))
    ages = np.array([1e-30, 1e-26, 300.0, 500.0, 1000.0], np.float32)
    got = times(tables, 0, ages)
    np.testing.assert_allclose(got, hours_at(law, ages.astype(float)), rtol=2e-5)


@pytest.mark.parametrize("law", LAWS, ids=str)
def test_tables_rise(law):
    tables = Quantiles(*quantile_table([law]))
    ages = np.geomspace(1e-20, 60, 20000).astype(np.float32)
    hours = times(tables, 0, ages)
    assert np.all(np.diff(hours) >= -2e-6 * hours[1:])


@settings(max_examples=60, deadline=None)
@given(
    st.floats(0.3, 8.0),
    st.floats(1.0, 1e6),
    st.floats(1e-12, 25.0),
    st.sampled_from([Weibull, Gamma]),
)
def test_inverse_for_any_shape(shape, scale, hazard, kind):
    law = kind(shape, scale)
    assert cumulative_hazard(law, hours_at(law, hazard)) == pytest.approx(hazard, rel=1e-8)


def test_a_quantile_of_a_mean():
    """The table's own mean: the integral of the quantile over unit-exponential ages."""
    law = LogNormal(24.0, 0.857)
    value, _ = integrate.quad(lambda h: float(hours_at(law, h)) * math.exp(-h), 0, 60, limit=400)
    assert value == pytest.approx(mean_hours(law), rel=1e-6)
