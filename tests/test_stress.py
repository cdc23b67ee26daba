"""Laws of stress against closed forms, published cases, other code and integrals."""

import csv
import json
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import rainflow as peer
import scipy.integrate
import scipy.stats
from hypothesis import given, settings, strategies as st

from benchmarks import physics
from fdmc.lifetime import cumulative_hazard, hours_at
from fdmc.spec import Competing, Exponential, Gamma, LogNormal, Weibull
from fdmc.stress import (
    EDGE_EMITTER,
    FIDES_CASE,
    SAC305,
    SNPB,
    Cycle,
    annual_failure_prob,
    arrhenius,
    black,
    coffin_manson,
    count_to_fit,
    drive_life_hours,
    drive_rise,
    e_model,
    exposure,
    eyring,
    fides_cycling,
    fit_interval,
    fit_quantile,
    fit_to_mtbf,
    fit_to_prob,
    fit_upper,
    hours_at_exposure,
    lognormal_rate,
    lognormal_through,
    miner,
    mtbf_to_fit,
    norris_landzberg,
    peck,
    prob_to_fit,
    rainflow,
    rate_ratio_interval,
    vcsel,
)


RTOL = {"float64": 1e-12, "float32": 2e-5}
BOLTZMANN = 8.617333262e-5

kelvins = st.floats(220.0, 450.0)
positive = st.floats(0.05, 20.0)


def celsius(degrees):
    return degrees + 273.15


# Every law as a function of (stress at, stress reference, kelvin at, kelvin reference).
LAWS = {
    "arrhenius": lambda s, s0, t, t0: arrhenius(0.7, t, t0),
    "eyring": lambda s, s0, t, t0: eyring(
        s, s0, t, t0, energy_ev=0.5, per_stress=0.2, kelvin_per_stress=30.0, temperature_power=1.0
    ),
    "e_model": lambda s, s0, t, t0: e_model(s, s0, t, t0, energy_ev=0.7),
    "peck": lambda s, s0, t, t0: peck(s / 21, s0 / 21, t, t0),
    "black": lambda s, s0, t, t0: black(s, s0, t, t0, critical_current=0.02),
    "snpb": lambda s, s0, t, t0: norris_landzberg(Cycle(s, t, s), Cycle(s0, t0, s0), SNPB),
    "sac305": lambda s, s0, t, t0: norris_landzberg(Cycle(s, t, s), Cycle(s0, t0, s0), SAC305),
    "laser": lambda s, s0, t, t0: EDGE_EMITTER._replace(reference_kelvin=t0).acceleration(
        t, s / s0
    ),
}
laws = pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)


# Published and derived cases


def test_arrhenius_p01():
    assert arrhenius(0.7, celsius(125), celsius(55)) == pytest.approx(77.645382, rel=1e-8)


def test_peck_p03():
    assert peck(0.85, 0.60, celsius(85), celsius(40)) == pytest.approx(99.96443, rel=1e-7)


def test_black_p04():
    assert black(2.0, 1.0, celsius(105), celsius(85)) == pytest.approx(18.701437, rel=1e-7)


TEST = Cycle(180.0, celsius(125), 0.5)
USE = Cycle(50.0, celsius(75), 24.0)


def test_norris_landzberg_by_parts_p05():
    parts = [
        norris_landzberg(USE._replace(**{name: getattr(TEST, name)}), USE, SNPB)
        for name in ("swing_kelvin", "hours", "max_kelvin")
    ]
    np.testing.assert_allclose(parts, [11.4, 0.275, 1.665], rtol=2e-3)
    assert norris_landzberg(TEST, USE, SNPB) == pytest.approx(np.prod(parts), rel=1e-12)
    # The published number with the sign of the time turned round, 3.6, is the inverse.
    assert 1 / parts[1] == pytest.approx(48 ** (1 / 3))


def test_norris_landzberg_p06():
    assert norris_landzberg(TEST, USE, SAC305) == pytest.approx(38.711641, rel=1e-8)


def test_the_dwell_of_sac_is_not_its_period():
    """Two tests of equal period, dwelling 10 and 15 of 30 minutes: only dwell tells them apart."""
    short, long = (TEST._replace(hours=minutes / 60) for minutes in (10, 15))
    assert norris_landzberg(long, short, SAC305) == pytest.approx(1.5**0.136)


def test_rainflow_of_the_standard_p07():
    cycles = rainflow(np.array([-2, 1, -3, 5, -1, 3, -4, 4, -2]))
    counted: dict[float, float] = {}
    for swing, count in zip(cycles.swing, cycles.count, strict=True):
        counted[swing] = counted.get(swing, 0) + count
    assert counted == {3: 0.5, 4: 1.5, 6: 0.5, 8: 1.0, 9: 0.5}


def test_miner_p08():
    swings, counts = np.array([30.0, 40, 60, 80, 90]), np.array([0.5, 1.5, 0.5, 1.0, 0.5])
    damage = miner(counts, 1e4 / coffin_manson(swings, 100.0, swing_power=2.65))
    assert damage == pytest.approx(0.00012137977, rel=1e-7)


def test_exposed_laser_p09():
    factors = EDGE_EMITTER.acceleration(celsius(np.array([45.0, 65.0, 45.0])))
    age = exposure(43_800.0, np.array([17_520.0, 8760.0, 17_520.0]), factors)
    failed = -np.expm1(-cumulative_hazard(EDGE_EMITTER.law(), age))
    assert failed == pytest.approx(0.004787021, rel=1e-7)


def test_fit_bounds_p10():
    np.testing.assert_allclose(fit_upper(0, 1e8, np.array([0.6, 0.9])), [9.163, 23.026], rtol=1e-4)


def test_annual_failures_p11():
    got = 100 * annual_failure_prob(1e6 * np.array([0.58, 0.925, 0.55, 2.6]))
    np.testing.assert_allclose(got, [1.53, 0.935, 1.575, 0.34], rtol=0.025)


def test_datasheet_laser_p12():
    law = lognormal_through((5 * 8760.0, 10 * 8760.0), (11.0, 29.0))
    assert law.sigma == pytest.approx(1.387, abs=5e-4)
    assert law.median_hours == pytest.approx(6.25e6, rel=1e-3)
    assert lognormal_rate(law, 20 * 8760.0) == pytest.approx(60, rel=0.03)
    # From the library's edge emitter at 85 degC to that median at 40: the same energy.
    factor = EDGE_EMITTER.acceleration(celsius(40.0))
    assert EDGE_EMITTER.median_hours / factor == pytest.approx(law.median_hours, rel=0.01)


def test_fides_by_hand():
    """As the guide prints it, with its 273 degrees."""
    for part, power, time_power in ((SNPB, 1.9, 1 / 3), (FIDES_CASE, 4.0, 0.0)):
        for hours in (0.5, 1.0, 2.0, 24.0):
            printed = 12 * (365 / 8760) * (min(hours, 2) / 2) ** time_power * (40 / 20) ** power
            printed *= math.exp(1414 * (1 / 313 - 1 / (75 + 273)))
            got = fides_cycling(365 / 8760, Cycle(40.0, celsius(75), hours), part)
            assert got == pytest.approx(printed, rel=1e-3)


# Oracles


def test_the_laws_are_ratios_of_lifetimes():
    """Each law from its equation for the time to failure, which carries the signs."""
    t, t0, s, s0 = 398.15, 328.15, 3.0, 1.5

    def heat(energy, kelvin):
        return math.exp(energy / (BOLTZMANN * kelvin))

    assert arrhenius(0.7, t, t0) == pytest.approx(heat(0.7, t0) / heat(0.7, t))
    assert peck(0.8, 0.4, t, t0, humidity_power=3.0, energy_ev=0.8) == pytest.approx(
        (0.4**-3 * heat(0.8, t0)) / (0.8**-3 * heat(0.8, t))
    )
    assert black(
        s, s0, t, t0, current_power=1.5, energy_ev=0.9, critical_current=0.5
    ) == pytest.approx((1.0**-1.5 * heat(0.9, t0)) / (2.5**-1.5 * heat(0.9, t)))
    assert e_model(s, s0, t, t0, energy_ev=0.7, cm_per_mv=2.5) == pytest.approx(
        math.exp(2.5 * (s - s0)) * heat(0.7, t0) / heat(0.7, t)
    )

    def eyring_life(stress, kelvin):
        return heat(0.6, kelvin) / kelvin**1.2 * math.exp(-(0.4 + 50 / kelvin) * stress)

    assert eyring(
        s, s0, t, t0, energy_ev=0.6, per_stress=0.4, kelvin_per_stress=50.0, temperature_power=1.2
    ) == pytest.approx(eyring_life(s0, t0) / eyring_life(s, t))

    def cycles(swing):
        return 7e6 * (swing - 5) ** -2.2

    got = coffin_manson(40.0, 25.0, swing_power=2.2, elastic_swing_kelvin=5.0)
    assert got == pytest.approx(cycles(25.0) / cycles(40.0))


def test_below_a_threshold_nothing_ages():
    assert black(0.5, 2.0, 350.0, 350.0, critical_current=0.5) == 0
    assert coffin_manson(3.0, 50.0, swing_power=2.0, elastic_swing_kelvin=5.0) == 0
    assert miner(np.array([1e9]), np.array([np.inf])) == 0
    gradient = jax.grad(lambda j: black(j, 2.0, 350.0, 350.0, critical_current=0.5))
    assert gradient(0.4) == gradient(0.5) == 0


def test_lasers_by_current_and_heat():
    laser = vcsel(50_000.0, 358.15, energy_ev=0.7)
    assert laser.law() == LogNormal(50_000.0, 0.5)
    assert laser.acceleration(358.15) == 1
    assert laser.acceleration(358.15, 2.0) == 4
    assert laser.acceleration(358.15, 0.0) == 0
    assert laser.acceleration(378.15, 3.0) == pytest.approx(9 * arrhenius(0.7, 378.15, 358.15))


@pytest.mark.parametrize("m", [0.5, 1.0, 1.7])
def test_gradual_wear_is_lognormal(m):
    """Life from a lognormal growth has the stated median and sigma, quantile by quantile."""
    margin, median, sigma = 0.3, 2e-4, 0.6
    z = np.linspace(-3, 3, 13)
    hours = drive_life_hours(margin, median * np.exp(sigma * z), m)
    np.testing.assert_allclose(drive_rise(hours, median * np.exp(sigma * z), m), margin)
    law = LogNormal(float(drive_life_hours(margin, median, m)), sigma / m)
    np.testing.assert_allclose(cumulative_hazard(law, hours), -np.log(scipy.stats.norm.cdf(z)))


def test_derating_buys_life_twice():
    nominal, highest, growth = 1.0, 1.2, 1e-5
    ratio = 0.8
    ageing = ratio**2
    life = [
        drive_life_hours(highest / nominal - 1, growth, 1.0),
        drive_life_hours(highest / (ratio * nominal) - 1, growth, 1.0) / ageing,
    ]
    assert life[1] / life[0] == pytest.approx((0.5 / 0.2) / 0.64)


def test_fit_bounds_are_the_poisson_tails():
    """At its bound, a test had exactly the stated chance to see so few or so many failures."""
    failures = np.array([0, 1, 3, 20])
    low, high = fit_interval(failures, 2e7, 0.9)
    assert low[0] == 0
    np.testing.assert_allclose(scipy.stats.poisson.cdf(failures, high * 0.02), 0.05)
    np.testing.assert_allclose(scipy.stats.poisson.sf(failures - 1, low * 0.02)[1:], 0.05)
    upper = fit_upper(failures, 2e7, 0.95)
    np.testing.assert_allclose(upper, high)
    np.testing.assert_allclose(upper, scipy.stats.chi2.ppf(0.95, 2 * failures + 2) / 0.04)
    believed = scipy.stats.gamma(failures + 0.5, scale=1 / 0.02).ppf(0.3)
    np.testing.assert_allclose(fit_quantile(0.3, failures, 2e7), believed)


def test_the_ratio_of_two_rates_is_a_share_of_all_failures():
    """Clopper and Pearson's bounds of that share, as odds, for few and many failures."""
    some, others = np.array([[1], [3], [20], [2174]]), np.array([1, 7, 1107])
    low, high = rate_ratio_interval(some, 2e6, others, 5e6, 0.95)
    for (i, j), r in np.ndenumerate(some + 0 * others):
        share = scipy.stats.binomtest(int(r), int(r + others[j])).proportion_ci(method="exact")
        odds = np.array(share) / (1 - np.array(share))
        np.testing.assert_allclose([low[i, j], high[i, j]], odds * 5e6 / 2e6, rtol=1e-9)
    # Exchanged places are the inverse ratio; the unit of time does not matter.
    back = rate_ratio_interval(others, 5.0, some, 2.0, 0.95)
    np.testing.assert_allclose(back, (1 / high, 1 / low), rtol=1e-12)


def test_the_ratio_of_rates_without_failures():
    assert rate_ratio_interval(0, 1.0, 0, 1.0, 0.9) == (0.0, math.inf)
    low, high = rate_ratio_interval(0, 1e6, 4, 2e6, 0.9)
    # With none of four the share is at most 1 - 0.05^(1/4).
    assert (low, high) == (0.0, pytest.approx(2 * (0.05 ** (-1 / 4) - 1)))
    low, high = rate_ratio_interval(4, 2e6, 0, 1e6, 0.9)
    assert (low, high) == (pytest.approx(0.5 / (0.05 ** (-1 / 4) - 1)), math.inf)


@pytest.mark.statistical
def test_ratios_of_rates_are_covered():
    """Never less often than stated, on each side, and at large counts hardly more often."""
    draws, ratio, z = 40_000, 3.0, 4.9
    rng = np.random.default_rng(20)
    for mean, slack in ((4.0, 0.025), (400.0, 0.003)):
        failures = rng.poisson(ratio * 0.5 * mean, draws)
        reference = rng.poisson(mean, draws)
        low, high = rate_ratio_interval(failures, 0.5, reference, 1.0, 0.95)
        for missed in (np.mean(low > ratio), np.mean(high < ratio)):
            noise = z * math.sqrt(0.025 * 0.975 / draws)
            assert 0.025 - slack - noise < missed < 0.025 + noise


@given(st.floats(1e2, 1e7), st.floats(0.1, 3.0), st.floats(0.05, 20.0), st.floats(1.2, 10.0))
@settings(max_examples=50, deadline=None)
def test_a_lognormal_is_found_from_its_rates(median, sigma, early, later):
    """And the rate is the slope of the cumulative hazard."""
    law = LogNormal(median, sigma)
    hours = (median * early, median * early * later)
    rates = tuple(lognormal_rate(law, t) for t in hours)
    found = lognormal_through(hours, rates)
    assert found.sigma == pytest.approx(sigma, rel=1e-6)
    assert found.median_hours == pytest.approx(median, rel=1e-6)
    ends = np.array([hours[0] * (1 - 1e-5), hours[0] * (1 + 1e-5)])
    slope = np.diff(cumulative_hazard(law, ends))[0] / np.diff(ends)[0]
    assert rates[0] == pytest.approx(1e9 * slope, rel=1e-4)


def test_rates_convert_back():
    assert mtbf_to_fit(fit_to_mtbf(250.0)) == pytest.approx(250.0)
    assert prob_to_fit(fit_to_prob(250.0, 8760.0), 8760.0) == pytest.approx(250.0)
    assert fit_to_prob(mtbf_to_fit(1e6), 8760.0) == pytest.approx(annual_failure_prob(1e6))
    assert count_to_fit(148, 16_384 * 54 * 24) == pytest.approx(6970.1, abs=0.05)
    assert fit_to_prob(1e-9, 1.0) == 1e-18  # no digits lost to 1 - exp(-x)


# Invariants of every law


@laws
@settings(max_examples=25)
@given(s=positive, t=kelvins)
def test_no_change_is_one(law, s, t):
    assert law(s, s, t, t) == pytest.approx(1.0, rel=1e-12)


@laws
@settings(max_examples=25)
@given(s=st.tuples(positive, positive, positive), t=st.tuples(kelvins, kelvins, kelvins))
def test_factors_compose(law, s, t):
    def factor(a, b):
        return law(s[a], s[b], t[a], t[b])

    assert factor(0, 1) * factor(1, 2) == pytest.approx(factor(0, 2), rel=1e-9)
    assert factor(0, 1) * factor(1, 0) == pytest.approx(1.0, rel=1e-9)


@laws
@settings(max_examples=25)
@given(s=positive, more=st.floats(0.01, 1.0), t=kelvins, hotter=st.floats(0.1, 50.0))
def test_heat_and_stress_age(law, s, more, t, hotter):
    assert law(s, s, t + hotter, t) > 1
    assert law(s, s + more, t, t) < 1 or law is LAWS["arrhenius"]
    assert law(s, s, t, t + hotter) < 1


@laws
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_numpy_and_jax_agree_with_floats(law, dtype):
    s, t = np.array([[0.5], [2.0], [9.0]], dtype), np.array([300.0, 340.0, 399.0, 425.0], dtype)
    floats = [[float(law(float(a), 2.0, float(b), 330.0)) for b in t] for a in s[:, 0]]
    got = np.broadcast_to(law(s, 2.0, t, 330.0), (3, 4))
    np.testing.assert_allclose(got, floats, rtol=RTOL[dtype])
    with jax.enable_x64(dtype == "float64"):
        traced = jax.jit(lambda s, t: law(s, 2.0, t, 330.0))(s, t)
        assert traced.dtype == dtype
        np.testing.assert_allclose(np.broadcast_to(traced, (3, 4)), floats, rtol=RTOL[dtype])


@laws
def test_gradients_are_differences(law):
    at = np.array([3.0, 2.0, 340.0, 330.0])
    with jax.enable_x64(True):
        gradient = np.array(jax.grad(lambda x: jnp.log(law(*x)))(jnp.asarray(at)))
    for i, step in enumerate(np.diag(1e-5 * at)):
        rise = np.log(law(*(at + step)) / law(*(at - step)))
        assert gradient[i] == pytest.approx(rise / (2e-5 * at[i]), rel=1e-6, abs=1e-9)


def test_gradients_of_arrhenius_in_closed_form():
    e, t, t0 = 0.7, 350.0, 330.0
    value = arrhenius(e, t, t0)
    with jax.enable_x64(True):
        gradient = jax.grad(arrhenius, (0, 1, 2))(e, t, t0)
    np.testing.assert_allclose(
        gradient,
        [
            value * (1 / t0 - 1 / t) / BOLTZMANN,
            value * e / BOLTZMANN / t**2,
            -value * e / BOLTZMANN / t0**2,
        ],
        rtol=1e-10,
    )


# Rainflow


def standard(values):
    """ASTM E1049-85, 5.4.4, word for word on the turning points: slow, another way to count."""
    points = [x for i, x in enumerate(values) if i == 0 or x != values[i - 1]]
    points = [
        x
        for i, x in enumerate(points)
        if i in (0, len(points) - 1) or (x - points[i - 1]) * (points[i + 1] - x) < 0
    ]
    counted, read = [], 0
    history: list[float] = []
    while True:
        if len(history) < 3:
            if read == len(points):
                break
            history.append(points[read])
            read += 1
            continue
        x, y = abs(history[-1] - history[-2]), abs(history[-2] - history[-3])
        if x < y:
            if read == len(points):
                break
            history.append(points[read])
            read += 1
        elif len(history) == 3:
            counted.append((y, 0.5))
            history.pop(0)
        else:
            counted.append((y, 1.0))
            del history[-3:-1]
    counted += [(abs(b - a), 0.5) for a, b in zip(history, history[1:], strict=False)]
    return sorted(counted)


histories = st.lists(st.integers(-9, 9).map(float), max_size=40)


@settings(max_examples=200)
@given(histories)
def test_rainflow_counts_as_the_standard(values):
    cycles = rainflow(np.array(values, float))
    assert sorted(zip(cycles.swing, cycles.count, strict=True)) == standard(values)
    for swing, start, end in zip(cycles.swing, cycles.start, cycles.end, strict=True):
        assert swing == abs(values[end] - values[start]) > 0
        assert start < end
    if values:
        assert max(cycles.swing, default=0.0) == max(values) - min(values)


@settings(max_examples=200)
@given(histories.filter(lambda values: len(values) > 2))
def test_rainflow_counts_as_its_peer(values):
    cycles = rainflow(np.array(values, float))
    got = [*zip(cycles.swing, cycles.count, cycles.start, cycles.end, strict=True)]
    theirs = [(s, n, a, b) for s, _, n, a, b in peer.extract_cycles(values) if s > 0]
    assert got == theirs


def test_one_swing_is_half_a_cycle():
    """The peer counts nothing here, which is why it is a peer and not a dependency."""
    cycles = rainflow(np.array([300.0, 350.0]))
    assert (cycles.swing, cycles.count) == (50.0, 0.5)
    assert not list(peer.extract_cycles([300.0, 350.0]))


def test_histories_without_cycles():
    for values in ([], [300.0], [300.0, 300.0, 300.0]):
        assert rainflow(np.array(values)).count.shape == (0,)
    with pytest.raises(ValueError, match="history must be finite"):
        rainflow(np.array([300.0, np.nan, 310.0]))


def test_damage_of_a_history_has_a_gradient():
    """Through the places of the turning points, a JAX history is counted once on the host."""
    history = np.array([300.0, 340.0, 310.0, 360.0, 305.0])
    cycles = rainflow(history)

    def damage(scale, history):
        swing = abs(history[cycles.end] - history[cycles.start]) * scale
        return miner(cycles.count, 1e4 / coffin_manson(swing, 100.0, swing_power=2.65))

    value = damage(1.0, history)
    gradient = jax.jit(jax.grad(damage))(1.0, jnp.asarray(history))
    assert gradient == pytest.approx(2.65 * value, rel=1e-5)


# Cumulative exposure


DURATIONS = np.array([10.0, 5.0, 0.0, 20.0, 3.0])
FACTORS = np.array([1.0, 4.0, 9.0, 0.0, 2.5])

EVERY_LAW = [
    Exponential(50.0),
    Weibull(2.2, 60.0),
    Weibull(0.6, 60.0),
    LogNormal(40.0, 0.7),
    Gamma(2.5, 20.0),
    Competing((Weibull(0.5, 900.0), Exponential(200.0), LogNormal(60.0, 0.4))),
]


def factor_at(hours, repeat=False):
    ends = np.cumsum(DURATIONS)
    if repeat:
        hours = hours % ends[-1]
    return FACTORS[min(np.searchsorted(ends, hours, side="right"), len(ends) - 1)]


@pytest.mark.parametrize("repeat", [False, True])
@pytest.mark.parametrize("hours", [0.0, 4.0, 10.0, 12.5, 30.0, 36.0, 38.0, 60.0, 99.0])
def test_exposure_is_the_integral(hours, repeat):
    breaks = np.concatenate([np.cumsum(DURATIONS) + k * DURATIONS.sum() for k in range(3)])
    edges = [0.0, *breaks[breaks < hours], hours]
    integral = sum(
        scipy.integrate.quad(factor_at, a, b, args=(repeat,))[0]
        for a, b in zip(edges, edges[1:], strict=False)
        if b > a
    )
    assert exposure(hours, DURATIONS, FACTORS, repeat=repeat) == pytest.approx(integral)


@pytest.mark.parametrize("law", EVERY_LAW, ids=lambda law: law.kind)
def test_failures_under_stress_are_the_law_at_the_exposure(law):
    """The hazard of an ageing part, integrated over time, is the law's own at the exposure."""
    hours = 37.0

    def hazard(t):
        age = exposure(t, DURATIONS, FACTORS)
        h = 1e-4 * age
        slope = (cumulative_hazard(law, age + h) - cumulative_hazard(law, age - h)) / (2 * h)
        return factor_at(t) * slope

    start = 1.0  # an early hazard may be infinite
    edges = [start, 10.0, 15.0, 35.0, hours]
    summed = sum(
        scipy.integrate.quad(hazard, a, b)[0] for a, b in zip(edges, edges[1:], strict=False)
    )
    ages = exposure(np.array([start, hours]), DURATIONS, FACTORS)
    assert summed == pytest.approx(np.diff(cumulative_hazard(law, ages))[0], rel=1e-5)


@pytest.mark.parametrize("law", EVERY_LAW, ids=lambda law: law.kind)
@pytest.mark.parametrize("repeat", [False, True])
def test_an_age_drawn_once_fails_at_its_exposure(law, repeat):
    hazards = -np.log1p(-np.linspace(0.01, 0.99, 25))
    ages = hours_at(law, hazards)
    failed = hours_at_exposure(ages, DURATIONS, FACTORS, repeat=repeat)
    back = cumulative_hazard(law, exposure(failed, DURATIONS, FACTORS, repeat=repeat))
    np.testing.assert_allclose(back, hazards, rtol=1e-6)


pieces = st.lists(
    st.tuples(st.floats(0.0, 50.0), st.sampled_from([0.0, 0.5, 1.0, 7.0])), min_size=1
)


@settings(deadline=None)
@given(pieces, st.floats(0.0, 500.0), st.floats(0.0, 500.0), st.booleans())
def test_exposure_and_its_inverse(some, early, later, repeat):
    durations, factors = np.array(some).T
    repeat = bool(repeat and durations.sum() > 1e-3)
    early, later = sorted([early, later])
    ages = exposure(np.array([early, later]), durations, factors, repeat=repeat)
    assert 0 <= ages[0] <= ages[1] * (1 + 1e-12)
    assert ages[1] <= later * factors.max() * (1 + 1e-9)
    first = hours_at_exposure(ages[1], durations, factors, repeat=repeat)
    # Earlier where ageing had stopped; where pieces repeat, rounding may pass such a stop.
    assert repeat or first <= later * (1 + 1e-9) + 1e-9
    again = exposure(first, durations, factors, repeat=repeat)
    assert again == pytest.approx(ages[1], rel=1e-9, abs=1e-9)


def test_ageing_that_stops():
    durations, factors = np.array([10.0, 1.0]), np.array([2.0, 0.0])
    got = hours_at_exposure(np.array([0.0, 20.0, 20.1]), durations, factors)
    np.testing.assert_array_equal(got, [0.0, 10.0, np.inf])
    got = hours_at_exposure(np.array([20.0, 20.1, np.inf]), durations, factors, repeat=True)
    np.testing.assert_allclose(got, [10.0, 11.05, np.inf])
    still = hours_at_exposure(np.array([0.0, 1.0]), durations, 0 * factors, repeat=True)
    np.testing.assert_array_equal(still, [0.0, np.inf])


@pytest.mark.parametrize("repeat", [False, True])
def test_exposure_broadcasts_over_components_and_has_gradients(repeat):
    factors = np.stack([FACTORS, 2 * FACTORS, FACTORS**0])
    hours = np.array([4.0, 12.5, 37.0])
    got = exposure(hours, DURATIONS, factors, repeat=repeat)
    each = [exposure(t, DURATIONS, f, repeat=repeat) for t, f in zip(hours, factors, strict=True)]
    np.testing.assert_array_equal(got, each)
    jitted = jax.jit(lambda t, f: exposure(t, jnp.asarray(DURATIONS), f, repeat=repeat))
    np.testing.assert_allclose(jitted(hours, factors), got, rtol=1e-6)
    inverse = jax.jit(lambda x, f: hours_at_exposure(x, DURATIONS, f, repeat=repeat))
    np.testing.assert_allclose(inverse(got, factors), hours, rtol=1e-6)
    # Ageing goes at the factor, and its inverse at one over it; each piece by its length.
    gradient = jax.jit(
        jax.grad(lambda t, f: exposure(t, jnp.asarray(DURATIONS), f, repeat=repeat), (0, 1))
    )
    slope, by_factor = gradient(12.5, FACTORS)
    assert slope == 4
    np.testing.assert_allclose(by_factor, [10.0, 2.5, 0, 0, 0])
    back = jax.jit(jax.grad(lambda x: inverse(x, FACTORS)))
    assert back(20.0) == 0.25
    assert not np.isnan(back(1e6))


# Broken on purpose


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: arrhenius(0.7, -3.0, 300.0), "at_kelvin must be positive, but is -3."),
        (lambda: arrhenius(0.7, 300.0, 0.0), "reference_kelvin must be positive, but is 0."),
        (lambda: arrhenius(math.nan, 300.0, 300.0), "energy_ev must be finite, but is nan."),
        (lambda: arrhenius(0.7, np.array([300.0, np.nan]), 300.0), "at_kelvin must be positive"),
        (lambda: peck(85.0, 60.0, 300.0, 300.0), "at_humidity must be above 0 and at most 1"),
        (lambda: peck(0.8, 0.6, 300.0, 300.0, energy_ev=-0.1), "energy_ev must be zero or more"),
        (lambda: black(1.0, 0.5, 300.0, 300.0, critical_current=0.5), "reference_current - crit"),
        (lambda: e_model(5.0, -5.0, 300.0, 300.0, energy_ev=0.7), "reference_mv_per_cm must be"),
        (lambda: coffin_manson(-1.0, 50.0, swing_power=2.0), "at_swing_kelvin must be zero"),
        (lambda: norris_landzberg(TEST._replace(hours=0.0), USE, SNPB), "at.hours must be pos"),
        (lambda: norris_landzberg(TEST, USE._replace(max_kelvin=-1.0), SNPB), "reference.max_kel"),
        (lambda: fides_cycling(-1.0, USE), "cycles_per_hour must be zero or more"),
        (lambda: miner(np.array([1.0]), np.array([0.0])), "cycles_to_failure must be positive"),
        (lambda: exposure(-1.0, DURATIONS, FACTORS), "hours must be zero or more, but is -1."),
        (lambda: exposure(1.0, DURATIONS, -FACTORS), "factors must be zero or more"),
        (lambda: exposure(1.0, 0 * DURATIONS, FACTORS, repeat=True), "sum of durations_hours"),
        (lambda: hours_at_exposure(math.nan, DURATIONS, FACTORS), "exposure_hours must be zero"),
        (lambda: EDGE_EMITTER.acceleration(300.0, -1.0), "current_ratio must be zero or more"),
        (lambda: vcsel(0.0, 358.15).law(), "median_hours must be positive"),
        (lambda: drive_life_hours(0.2, 0.0, 1.0), "growth must be positive"),
        (lambda: lognormal_through((10.0, 5.0), (1.0, 2.0)), "the rise of hours must be pos"),
        (lambda: lognormal_through((5.0, 10.0), (0.0, 2.0)), "fits must be positive"),
        (lambda: lognormal_through((5e4, 1e5), (10.0, 1.0)), "no lognormal lifetime has rates"),
        (lambda: lognormal_rate(LogNormal(1.0, 1.0), 0.0), "hours must be positive"),
        (lambda: fit_upper(0, 1e8, 60.0), "1 - probability must be positive, but is -59."),
        (lambda: fit_upper(-1, 1e8, 0.6), "failures must be zero or more"),
        (lambda: rate_ratio_interval(1, 1.0, -1, 1.0, 0.9), "reference_failures must be zero or"),
        (lambda: rate_ratio_interval(1, 1.0, 1, 0.0, 0.9), "reference_device_hours must be pos"),
        (lambda: rate_ratio_interval(1, 1.0, 1, 1.0, 95.0), "1 - probability must be positive"),
        (lambda: prob_to_fit(1.0, 10.0), "1 - failed_prob must be positive"),
        (lambda: mtbf_to_fit(0.0), "mtbf_hours must be positive"),
    ],
)
def test_impossible_values_say_what_is_wrong(call, message):
    with pytest.raises(ValueError, match=message.replace(".", r"\.")):
        call()


# The benchmark that reads such cases


def table(tmp_path, rows):
    path = tmp_path / "cases.csv"
    with path.open("w", newline="") as lines:
        writer = csv.writer(lines)
        writer.writerow(["case_id", "description", "inputs", "expected", "rel_tol"])
        writer.writerows(
            [i, "", json.dumps(inputs), json.dumps(e), tol] for i, inputs, e, tol in rows
        )
    return path


HOT = {"Ea": 0.7, "Tu": 55, "Tt": 125}
STANDARD = {"series": [-2, 1, -3, 5, -1, 3, -4, 4, -2]}


def test_the_benchmark_reports_the_worst_element(tmp_path, capsys):
    rows = [("P01", HOT, [77.645382], 1e-6), ("Q99", {}, [1], 0.1)]
    rows += [("P07", STANDARD, [0.5, 1.5, 0.5, 1.0, 0.5], 1e-12)]
    assert physics.main(["--cases", str(table(tmp_path, rows)), "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["id"] for line in lines] == ["P01", "P07", "Q99"]
    worse = [("P07", STANDARD, [0.5, 1.5, 0.4, 1.01, 0.5], 0.1)]
    assert physics.main(["--cases", str(table(tmp_path, worse)), "--json"]) == 1
    line = json.loads(capsys.readouterr().out)
    assert (line["expected"], line["got"], line["ok"]) == (0.4, 0.5, False)


@pytest.mark.parametrize("expected", [[77.6, 1.0], [math.nan]])
def test_the_benchmark_fails_what_it_cannot_compare(tmp_path, expected):
    path = table(tmp_path, [("P01", HOT, expected, 1.0)])
    assert physics.main(["--cases", str(path)]) == 1
