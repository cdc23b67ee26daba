"""Step time, checkpoints and restarts against published numbers and independent solvers."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special

from fdmc.workload import (
    daly_interval,
    ettr,
    ettr_wall,
    optimal_interval,
    step_seconds,
    young_interval,
)


RTOL = {"float64": 1e-10, "float32": 2e-6}
RSC1_PER_NODE_HOUR = 6.50 / 1000 / 24


def _mttf_hours(gpus):
    return 1 / (RSC1_PER_NODE_HOUR * gpus / 8)


def _daly(mttf, interval, write, restart):
    """As the paper prints it: overflows and cancels, so only for ordinary numbers."""
    return interval / (mttf * np.exp(restart / mttf) * (np.exp((interval + write) / mttf) - 1))


def test_step_hides_collectives_up_to_their_windows():
    exposed = [(jnp.array([0.1, 0.02]), 0.06), (0.05, 0.01)]
    got = step_seconds(0.18, jnp.array([1.0, 0.5]), exposed)
    np.testing.assert_allclose(got, [0.18 + 0.04 + 0.04, 0.36 + 0.0 + 0.04], rtol=1e-6)


def test_step_without_collectives_is_computation():
    assert step_seconds(0.18, 1.0, []) == pytest.approx(0.18)


def test_dead_step_is_infinite_with_finite_gradients():
    def work_rate(fraction, seconds):
        return 0.2 / step_seconds(0.18, fraction, [(seconds, 0.06)])

    assert step_seconds(0.18, 0.0, []) == jnp.inf
    assert step_seconds(0.18, 1.0, [(jnp.inf, 0.06)]) == jnp.inf
    for fraction, seconds in [(0.0, 0.1), (1.0, jnp.inf), (0.0, jnp.inf)]:
        value, gradient = jax.value_and_grad(work_rate, (0, 1))(fraction, seconds)
        assert value == 0
        assert np.all(np.isfinite(gradient))


def test_step_gradient_is_the_exposed_share():
    gradient = jax.grad(lambda a, t: step_seconds(0.18, a, [(t, 0.06)]), (0, 1))
    np.testing.assert_allclose(gradient(0.5, 0.1), [-0.18 / 0.25, 1.0], rtol=1e-6)
    np.testing.assert_allclose(gradient(0.5, 0.05), [-0.18 / 0.25, 0.0], rtol=1e-6)


def test_mttf_of_large_jobs_v05():
    assert _mttf_hours(16_384) == pytest.approx(1.8, rel=0.025)
    assert _mttf_hours(131_072) == pytest.approx(0.23, rel=0.025)


@pytest.mark.parametrize(
    ("interval", "exact", "published", "tolerance"),
    [(1.0, 0.720, 0.7, 0.025), (1 / 12, 0.934, 0.93, 0.02)],
)
def test_ettr_of_the_full_cluster_v05(interval, exact, published, tolerance):
    # For all 16,000 GPUs of the cluster, restart 5 minutes; 0.7 is published to one digit.
    got = ettr(_mttf_hours(16_000), interval_hours=interval, write_hours=0.0, restart_hours=1 / 12)
    assert got == pytest.approx(exact, abs=5e-4)
    assert got == pytest.approx(published, abs=tolerance)


@pytest.mark.parametrize(
    ("stall_minutes", "share", "tolerance"), [(10, 0.44, 0.01), (3, 0.80, 0.05)]
)
def test_ettr_on_the_wall_clock_v06(stall_minutes, share, tolerance):
    per_hour = 1 / _mttf_hours(98_304)
    assert 60 / per_hour == pytest.approx(18, rel=0.02)
    assert ettr_wall(60 / 18, stall_minutes / 60) == pytest.approx(share, abs=tolerance)
    assert ettr_wall(10.0, 1.0) == 0


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_ettr_is_the_printed_formula(dtype):
    rng = np.random.default_rng(1)
    mttf, interval, write, restart = rng.uniform(0.5, 5.0, (4, 50))
    arrays = [np.asarray(x, dtype) for x in (mttf, interval, write, restart)]
    if dtype == "float32":
        arrays = [jnp.asarray(x) for x in arrays]
    got = ettr(arrays[0], interval_hours=arrays[1], write_hours=arrays[2], restart_hours=arrays[3])
    assert got.dtype == dtype
    np.testing.assert_allclose(got, _daly(mttf, interval, write, restart), rtol=RTOL[dtype])


@pytest.mark.statistical
def test_ettr_agrees_with_a_simulated_job():
    # A segment (26 min of work, 2 min of writing) is tried until it survives; after a failure
    # the 15-min restart comes first and may itself fail. |z| <= 4.9: one false alarm in 1e6.
    rng = np.random.default_rng(2)
    segment, restart, mttf, interval = 28.0, 15.0, 180.0, 26.0
    elapsed = np.zeros(100_000)
    need = np.full(elapsed.size, segment)
    trying = np.ones(elapsed.size, bool)
    while trying.any():
        up = rng.exponential(mttf, elapsed.size)
        elapsed += np.where(trying, np.minimum(up, need), 0.0)
        trying &= up < need
        need[:] = segment + restart
    share = ettr(mttf, interval_hours=interval, write_hours=2.0, restart_hours=restart)
    error = elapsed.std() / np.sqrt(elapsed.size)
    assert abs(elapsed.mean() - interval / share) <= 4.9 * error
    assert error < 0.005 * interval / share
    assert share == pytest.approx(0.7931808986721561, rel=0.01)  # case C27


def test_ettr_is_smooth_where_the_series_takes_over():
    segment = np.linspace(0.02, 0.2, 50)
    got = ettr(1.0, interval_hours=segment, write_hours=0.0, restart_hours=0.0)
    np.testing.assert_allclose(got, _daly(1.0, segment, 0.0, 0.0), rtol=5e-14)


def test_ettr_limits():
    near = dict(write_hours=0.1, restart_hours=0.2)
    assert ettr(np.inf, interval_hours=2.0, **near) == pytest.approx(2 / 2.1)
    assert ettr(np.inf, interval_hours=np.inf, **near) == 1
    assert ettr(0.0, interval_hours=2.0, **near) == 0
    assert ettr(1e-6, interval_hours=2.0, **near) == 0
    assert ettr(1e12, interval_hours=2.0, **near) == pytest.approx(2 / 2.1)
    assert ettr(3.0, interval_hours=0.0, **near) == 0
    free = ettr(3.0, interval_hours=0.0, write_hours=0.0, restart_hours=0.3)
    assert free == pytest.approx(np.exp(-0.1))


def test_ettr_tends_to_first_order_for_small_losses():
    mttf, interval, write, restart = 1e4, 2.0, 1e-3, 0.05
    first_order = 1 - write / interval - (interval / 2 + restart) / mttf
    got = ettr(mttf, interval_hours=interval, write_hours=write, restart_hours=restart)
    assert got == pytest.approx(first_order, abs=1e-6)
    assert got < 1


@pytest.mark.parametrize("mttf", [0.01, 0.3, 2.0, 50.0, 1e5])
def test_ettr_gradient_in_float32(mttf):
    rest = dict(write_hours=0.02, restart_hours=0.05)

    def share(m, t):
        return ettr(m, interval_hours=t, **rest)

    got = jax.grad(share, (0, 1))(jnp.float32(mttf), jnp.float32(0.3))
    for axis, value in enumerate((mttf, 0.3)):
        step = np.eye(2)[axis] * value * 1e-5
        up, down = (share(mttf + s * step[0], 0.3 + s * step[1]) for s in (1, -1))
        np.testing.assert_allclose(got[axis], (up - down) / (2e-5 * value), rtol=2e-4, atol=1e-9)


def test_gradients_at_the_edges_are_finite():
    def share(m, write):
        best = optimal_interval(m, write)
        return ettr(m, interval_hours=best, write_hours=write, restart_hours=0.1)

    for mttf, write in [(jnp.inf, 0.1), (0.0, 0.1), (3.0, 0.0), (1e-6, 0.1), (1e9, 0.1)]:
        gradient = jax.grad(share, (0, 1))(jnp.asarray(mttf), jnp.asarray(write))
        assert np.all(np.isfinite(gradient)), (mttf, write, gradient)


def test_optimal_interval_is_lambert():
    ratio = np.logspace(-4, 2, 200)
    root = scipy.special.lambertw(-np.exp(-1 - ratio)).real
    np.testing.assert_allclose(optimal_interval(3.0, 3.0 * ratio), 3 * (1 + root), rtol=1e-9)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_optimal_interval_solves_its_equation(dtype):
    # w = tau/M solves d = -ln(1 - w) - w, and equals the power series of the right-hand side
    # near the branch point, where Lambert's function itself cancels.
    share = np.logspace(-5, np.log10(0.99), 300)
    powers = np.arange(2, 4000)[:, None]
    ratio = np.where(share < 0.1, (share**powers / powers).sum(0), -np.log1p(-share) - share)
    write = jnp.asarray(ratio, dtype) if dtype == "float32" else ratio
    got = optimal_interval(jnp.float32(1) if dtype == "float32" else 1.0, write)
    assert got.dtype == dtype
    np.testing.assert_allclose(got, share, rtol=2e-11 if dtype == "float64" else 2e-6)


def test_optimal_interval_published():
    # Daly 2006, figures 3 to 5: write 5 minutes, restart 10 minutes.
    assert optimal_interval(1440.0, 5.0) == pytest.approx(117, rel=0.01)
    assert optimal_interval(360.0, 5.0) == pytest.approx(57, rel=0.01)
    assert optimal_interval(1e6, 1.0) == pytest.approx(np.sqrt(2e6), rel=1e-3)


def test_optimal_interval_is_the_best():
    rest = dict(write_hours=0.1, restart_hours=0.2)
    best = optimal_interval(3.0, 0.1)
    top = ettr(3.0, interval_hours=best, **rest)
    for factor in (0.9, 0.99, 1.01, 1.1):
        assert ettr(3.0, interval_hours=factor * best, **rest) < top
    slope = jax.grad(lambda t: ettr(3.0, interval_hours=t, **rest))(jnp.float32(best))
    assert abs(slope) < 1e-5


def test_optimal_interval_limits():
    assert optimal_interval(np.inf, 0.1) == np.inf
    assert optimal_interval(0.0, 0.1) == 0
    assert optimal_interval(3.0, 0.0) == 0
    assert optimal_interval(1.0, 200.0) == pytest.approx(1.0)


@pytest.mark.parametrize("ratio", [1e-6, 1e-3, 0.044, 0.046, 0.5, 5.0])
def test_optimal_interval_gradient(ratio):
    got = jax.grad(optimal_interval, 1)(jnp.float32(1.0), jnp.float32(ratio))
    share = optimal_interval(1.0, ratio)
    np.testing.assert_allclose(got, (1 - share) / share, rtol=2e-5)


def test_numpy_stays_float64_and_jax_stays_traced():
    assert isinstance(optimal_interval(3.0, 0.1), np.float64)
    shared = jax.jit(lambda m: ettr(m, interval_hours=1.0, write_hours=0.1, restart_hours=0.1))
    assert shared(jnp.ones(4)).dtype == jnp.float32


def test_daly_interval_is_the_series_of_the_optimum():
    """By hand for an hour and 30 s, exact where nothing is left of the mean time, and closer than Young's."""
    root = np.sqrt(30 / 7200)
    by_hand = 7200 * root * (1 + root / 3 + root**2 / 9) - 30
    assert daly_interval(1.0, 30 / 3600) == pytest.approx(by_hand / 3600, rel=1e-12)
    write = np.array([1e-4, 1e-3, 1e-2, 0.1])
    exact = optimal_interval(1.0, write)
    off, more = (abs(rule(1.0, write) / exact - 1) for rule in (daly_interval, young_interval))
    assert np.all(off < 0.02 * write**1.5)
    assert np.all(off < 0.01 * more)
    assert daly_interval(1.0, 2.5) == 1.0  # a write as long as two mean times: Daly's second branch
    assert daly_interval(0.0, 1.0) == 0.0
    assert daly_interval(np.inf, 1.0) == np.inf
