"""Stragglers, policies, fleets and power against quadrature, simulation and published numbers."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate
import scipy.stats

from fdmc.workload import (
    ettr_wall,
    exponential_straggler,
    exposed_seconds,
    fleet_ettr,
    gaussian_straggler,
    job_mttf_hours,
    joules_per_bit,
    joules_per_token,
    kept_share,
    optimal_interval,
    removing_pays,
    rerouting_pays,
    robustness_per_watt,
    step_seconds,
    young_interval,
)


Z = 4.9  # one false alarm in a million


@pytest.mark.parametrize("n", [2, 10, 100, 576, 98_304, 1_000_000])
def test_gaussian_straggler_is_the_integral(n):
    def above(x):
        return -np.expm1(n * scipy.stats.norm.logcdf(x))

    def below(x):
        return np.exp(n * scipy.stats.norm.logcdf(-x))

    mean = scipy.integrate.quad(above, 0, 12, limit=200, epsabs=1e-12)[0]
    mean -= scipy.integrate.quad(below, 0, 12, limit=200, epsabs=1e-12)[0]
    assert gaussian_straggler(n) == pytest.approx(mean, rel=1e-9)
    assert gaussian_straggler(jnp.asarray(n)) == pytest.approx(mean, rel=5e-6)


def test_gaussian_straggler_of_few():
    assert gaussian_straggler(1) == pytest.approx(0.0, abs=1e-12)
    assert gaussian_straggler(2) == pytest.approx(1 / np.sqrt(np.pi), rel=1e-12)
    assert gaussian_straggler(3) == pytest.approx(1.5 / np.sqrt(np.pi), rel=1e-12)


def test_straggler_tables():
    # Harter 1961 (10, 100), and the reference values of 72 to 576 participants.
    got = gaussian_straggler(np.array([10, 100, 72, 256, 512, 576]))
    np.testing.assert_allclose(got, [1.5388, 2.5076, 2.39, 2.83, 3.04, 3.08], atol=5e-3)
    np.testing.assert_allclose(got[:2], [1.5388, 2.5076], atol=5e-5)


def test_exponential_straggler_is_harmonic():
    for n in (1, 2, 72, 576):
        assert exponential_straggler(n) == pytest.approx(np.sum(1 / np.arange(1, n + 1)), rel=1e-12)
    both = exponential_straggler(jnp.array([1, 72]))
    np.testing.assert_allclose(both, [1.0, np.sum(1 / np.arange(1, 73))], rtol=2e-6)


@pytest.mark.statistical
@pytest.mark.parametrize(
    ("draw", "law"), [("normal", gaussian_straggler), ("exponential", exponential_straggler)]
)
def test_stragglers_drawn(draw, law):
    slowest = getattr(np.random.default_rng(41), draw)(size=(20_000, 72)).max(axis=1)
    error = slowest.std() / np.sqrt(slowest.size)
    assert abs(slowest.mean() - law(72)) <= Z * error
    assert error < 0.01 * law(72)


@pytest.mark.parametrize("law", [gaussian_straggler, exponential_straggler])
def test_straggler_slope(law):
    got = jax.grad(law)(jnp.float32(72.0))
    assert got == pytest.approx((law(72.5) - law(71.5)), rel=1e-3)


def test_exposed_is_what_the_window_leaves():
    got = exposed_seconds(jnp.array([0.1, 0.02, jnp.inf]), 0.06)
    np.testing.assert_allclose(got, [0.04, 0.0, np.inf], rtol=1e-6)
    pairs = [(jnp.array([0.1, 0.02]), 0.06), (0.05, 0.01)]
    total = step_seconds(0.2, 1.0, pairs)
    np.testing.assert_allclose(total, 0.2 + sum(exposed_seconds(*p) for p in pairs), rtol=1e-6)


def test_young_is_the_limit_of_daly():
    write = np.array([1e-6, 1e-4])
    np.testing.assert_allclose(young_interval(1.0, write), optimal_interval(1.0, write), rtol=1e-2)
    assert young_interval(1.0, 1.0) > optimal_interval(1.0, 1.0)  # and leaves it where they differ
    assert young_interval(24.0, 3.0) == 12.0


def test_mttf_published():
    # Kokolis et al., arXiv:2410.21680: 6.50 failures per 1000 node-days, 8 accelerators a node.
    rate = 6.50 / 1000 / 24
    got = job_mttf_hours(rate, np.array([16_384, 131_072]) / 8)
    np.testing.assert_allclose(got, [1.8, 0.23], rtol=0.025)
    assert job_mttf_hours(419 / (54 * 24)) == pytest.approx(3.09, abs=5e-3)  # Llama 3, table 5
    assert job_mttf_hours(0.0, 8) == np.inf


@pytest.mark.statistical
def test_first_of_many_failures():
    first = np.random.default_rng(42).exponential(1 / 2e-3, (20_000, 64)).min(axis=1)
    error = first.std() / np.sqrt(first.size)
    assert abs(first.mean() - job_mttf_hours(2e-3, 64)) <= Z * error


def test_dropped_domains_published():
    # Non-uniform tensor parallelism, arXiv:2504.06095, figure 3: 0.1 % failed, by domain size.
    # The paper fails 33 of 32,768; larger domains than these would feel that the number is fixed.
    sizes = np.array([8, 32, 64, 72, 128])
    model = [0.992, 0.968, 0.938, 0.930, 0.879]
    got = kept_share(1e-3, sizes)
    np.testing.assert_allclose(got, model, atol=1e-3)
    np.testing.assert_allclose(got, (1 - 1e-3) ** sizes.astype(float), rtol=1e-12)
    assert 1 - kept_share(4e-3, 32) == pytest.approx(0.12, rel=0.01)
    assert 1 - kept_share(4e-3, 1) < 0.03  # non-uniform tensor parallelism
    assert kept_share(1.0, 3) == 0
    assert kept_share(0.0, 3) == 1


def test_parked_accelerators():
    for n, parked in ((72, 1.3), (576, 10.3)):
        assert n * (1 - kept_share(1e-3, 18)) == pytest.approx(parked, abs=0.05)


@pytest.mark.statistical
def test_dropped_domains_drawn():
    failed = np.random.default_rng(43).random((20_000, 32)) < 4e-3
    kept = ~failed.any(axis=1)
    error = kept.std() / np.sqrt(kept.size)
    assert abs(kept.mean() - kept_share(4e-3, 32)) <= Z * error
    kept_by_each = 1 - failed.mean(axis=1)  # the others take over
    error = kept_by_each.std() / np.sqrt(kept.size)
    assert abs(kept_by_each.mean() - kept_share(4e-3, 1)) <= Z * error


def test_removing_pays_where_the_rest_does_more():
    for parked, slow_down in ((1, 1.06), (1, 1.01), (18, 1.3), (18, 1.4)):
        rest, all_of_them = (
            (72 - parked) / 1.0,
            72 / slow_down,
        )  # work in the time of a healthy step
        assert removing_pays(parked / 72, slow_down) == (rest > all_of_them)


def test_rerouting_against_restarting_work_by_work():
    """Finish the same work both ways, over the repair and after it."""
    rest = dict(restart_hours=0.25, interval_hours=1.0)
    for slow_down, repair in ((1.06, 12.0), (1.06, 13.0), (2.0, 0.7), (2.0, 0.8)):
        work = repair  # of healthy hours, all of it at the slower pace
        rerouted = work * slow_down
        restarted = rest["restart_hours"] + (rest["interval_hours"] / 2 + work)
        assert rerouting_pays(slow_down, repair_hours=repair, **rest) == (rerouted < restarted)


def test_fleet_published():
    # FT-HSDP, arXiv:2602.00277: a failure every 18 minutes; all stall for 10, or 3 and go on without one.
    assert fleet_ettr(60 / 18, 16, stall_hours=10 / 60, absent_hours=0.0) == pytest.approx(
        0.444, abs=1e-3
    )
    some = fleet_ettr(60 / 18, 16, stall_hours=3 / 60, absent_hours=10 / 60)
    assert some == pytest.approx(0.80, abs=0.01)
    assert some < ettr_wall(60 / 18, 3 / 60)
    assert fleet_ettr(10.0, 4, stall_hours=1.0, absent_hours=0.0) == 0


@pytest.mark.statistical
def test_fleet_drawn():
    """Failures on the wall clock; the stalls add up, and so do the absences over the domains."""
    rng, rate, domains, span, stall, absent = np.random.default_rng(44), 3.0, 16, 400.0, 0.02, 0.5
    shares = []
    for _ in range(400):
        starts = rng.uniform(0, span, rng.poisson(rate * span))
        moments = rng.uniform(absent, span, 200)
        missing = (starts <= moments[:, None]) & (moments[:, None] < starts + absent)
        shares.append((1 - stall * starts.size / span) * (1 - missing.sum(1).mean() / domains))
    mean, error = np.mean(shares), np.std(shares) / np.sqrt(len(shares))
    assert (
        abs(mean - fleet_ettr(rate, domains, stall_hours=stall, absent_hours=absent)) <= Z * error
    )
    assert error < 1e-3


def test_power():
    ratio = joules_per_bit(30.0, 1.6e12) / joules_per_bit(9.0, 1.6e12)
    assert ratio == pytest.approx(3.5, rel=0.06)  # claimed for co-packaged optics
    assert joules_per_token(1.2e6, 0.96, 2.5e6) == pytest.approx(0.5)
    assert joules_per_token(1.2e6, 0.0, 2.5e6) == np.inf
    gain = robustness_per_watt(0.98, 1020.0, 0.94, 1000.0)
    assert gain == pytest.approx(0.04 / 20)
    assert robustness_per_watt(0.94, 1000.0, 0.98, 1020.0) == pytest.approx(gain)


def test_numpy_stays_float64_and_jax_stays_traced():
    assert isinstance(kept_share(1e-3, 64), np.float64)
    assert isinstance(gaussian_straggler(72), np.float64)
    traced = jax.jit(lambda f: kept_share(f, 64) * gaussian_straggler(jnp.asarray(72.0)))
    assert traced(jnp.asarray(1e-3)).dtype == jnp.float32
    slope = jax.grad(kept_share)(jnp.float32(1e-3), 64.0)
    assert slope == pytest.approx(-64 * (1 - 1e-3) ** 63, rel=1e-5)
