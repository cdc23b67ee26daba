"""Heat against closed forms, matrix exponentials, the reference's small steps and published values."""

import inspect
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate
import scipy.linalg

from benchmarks._physics_thermal import FORMULAS
from fdmc import thermal
from fdmc.reference._thermal import HeatPath, RingLimits, heat_history, lock_history, solved


# Compiled whole: operations one by one would each be compiled for each shape.
modes, step, steady_kelvin, thermal_history, periodic_kelvin, lock_margins = map(
    jax.jit,
    (
        thermal.modes,
        thermal.step,
        thermal.steady_kelvin,
        thermal.thermal_history,
        thermal.periodic_kelvin,
        thermal.lock_margins,
    ),
)
COOLANT = jnp.array([313.15, 308.15])
PATHS = {  # the 2.5D template by hand: node, node or boundary, K/W
    "links": [(0, 2, 0.015), (0, 3, 0.5), (1, 2, 1.0), (1, 3, 6.0), (0, 1, 2.6)],
    "boundaries": [(2, 0, 0.02), (3, 1, 10.0)],
}
CAPACITANCE = [1.5, 0.08, 100.0, 20.0]
RING = thermal.Ring(360.0, 40.0, 0.5, 10.0, 2.3e-4, 0.1)


def package(name="2.5d", **change):
    return thermal.package_network(thermal.TEMPLATES[name], change or None)


def doubles(net):
    return jax.tree.map(lambda x: jnp.asarray(np.asarray(x), jnp.float64), net)


def reference_paths():
    inner = [HeatPath(i, j, 1 / r) for i, j, r in PATHS["links"]]
    return inner + [HeatPath(i, b, 1 / r, True) for i, b, r in PATHS["boundaries"]]


# Published and closed values.


def test_cases_of_the_formula_sheet():
    stack = ["die1 source 2", "die1 Si 48", "die2 Si 48", "die2 source 2"]
    quadrants = {"lower-left 5x5mm quadrant": 12.5, "upper-right 5x5mm quadrant": 12.5}
    two_dies = FORMULAS["T02"]([10, 10], stack, 130, 1e5, 300, [50, 200], 50, quadrants)
    np.testing.assert_allclose(two_dies, [310.007680033643], rtol=1e-12)  # 3D-ICE, run
    np.testing.assert_allclose(FORMULAS["T03"](1e6, 1e5, 130), [310.00769230769], rtol=1e-13)
    rises = {"lid2": 93.3171, "substrate_1": 96.6721}
    np.testing.assert_allclose(FORMULAS["T04"](1400, 25, [9.5, 9.5], rises), [12.0], rtol=1e-3)
    np.testing.assert_allclose(FORMULAS["T05"](700, 0.03, 2, 2, 0.5), [5.1432935], rtol=1e-6)
    np.testing.assert_allclose(FORMULAS["T06"](0.05, 100, 1, 0.08), [4.8113], rtol=2e-5)
    ring = FORMULAS["T08"](1310, 4500, 4.2, 1.86e-4)
    np.testing.assert_allclose(ring, [0.29111, 0.058014, 5.0179, 0.50179], rtol=1e-5)
    np.testing.assert_allclose(FORMULAS["T09"](), [21.25, 22.5, 18.75, 5.625, 20.94], rtol=2e-4)


def test_crosstalk_is_the_inverse_of_the_conductance():
    # MFIT, example 1: four chiplets of 3 W, printed couplings; the mean rise it prints is 105.4027.
    adjacent, diagonal = 8.1587, 7.7190
    R = np.array(
        [
            [11.0979 if i == j else diagonal if i + j == 3 else adjacent for i in range(4)]
            for j in range(4)
        ]
    )
    G = np.linalg.inv(R)
    links = [(i, j, -G[i, j]) for i in range(4) for j in range(i)]
    net = thermal.network(np.ones(4).tolist(), links, [(i, 0, G[i].sum()) for i in range(4)])
    np.testing.assert_allclose(thermal.resistance(net), R, rtol=1e-5)
    rise = steady_kelvin(net, jnp.full(4, 3.0), jnp.zeros(1))
    np.testing.assert_allclose(rise, 105.4027, rtol=2e-5)


def test_stack_is_the_dense_finite_volume_solution():
    rng = np.random.default_rng(1)
    L, nx, ny, sides = 3, 4, 5, (0.004, 0.01)
    watts, thick, k = (
        rng.random((L, nx, ny)),
        np.array([1e-4, 2e-5, 3e-4]),
        np.array([130, 2, 60.0]),
    )
    dx, dy = sides[0] / nx, sides[1] / ny
    index = np.arange(L * nx * ny).reshape(L, nx, ny)
    G = np.zeros((index.size, index.size))

    def join(a, b, g):
        for i, j in zip(a.ravel(), b.ravel(), strict=True):
            G[i, i] += g
            G[j, j] += g
            G[i, j] -= g
            G[j, i] -= g

    for m in range(L):
        join(index[m, 1:], index[m, :-1], k[m] * thick[m] * dy / dx)
        join(index[m, :, 1:], index[m, :, :-1], k[m] * thick[m] * dx / dy)
        if m:
            half = thick[m] / k[m] / 2 + thick[m - 1] / k[m - 1] / 2
            join(index[m], index[m - 1], dx * dy / half)
    for m, h in ((0, 50.0), (L - 1, 2e4)):
        G[index[m].ravel(), index[m].ravel()] += dx * dy / (1 / h + thick[m] / k[m] / 2)
    with jax.enable_x64(True):
        got = thermal.stack_rise(
            jnp.array(watts), jnp.array(thick), jnp.array(k), sides, top_htc=2e4, bottom_htc=50.0
        )
    np.testing.assert_allclose(got, np.linalg.solve(G, watts.ravel()).reshape(L, nx, ny), rtol=1e-9)


# Networks over time.


@pytest.mark.parametrize("seconds", [0.0, 1e-3, 0.1, 30.0, 1000.0])
def test_step_is_the_matrix_exponential(seconds):
    with jax.enable_x64(True):
        net = doubles(package())
        start, watts = jnp.array([350.0, 320, 330, 310]), jnp.array([900.0, 15, 0, 20])
        got = step(modes(net), start, watts, COOLANT.astype(float), seconds)
        # A constant row carries the input, its integral another block: Van Loan, 1978.
        a = -np.asarray(net.conductance) / np.asarray(net.capacitance)[:, None]
        b = (watts + net.boundary @ COOLANT.astype(float)) / net.capacitance
        big = np.zeros((9, 9))
        big[:4, :4], big[:4, 4], big[5:, :4] = a, b, np.eye(4)
        whole = scipy.linalg.expm(big * seconds) @ np.array([*start, 1, 0, 0, 0, 0])
        np.testing.assert_allclose(got.kelvin, whole[:4], rtol=1e-10)
        mean = whole[5:] / seconds if seconds else start
        np.testing.assert_allclose(got.mean_kelvin, mean, rtol=1e-10)
        for_ever = step(modes(net), start, watts, COOLANT.astype(float), 1e9)
        np.testing.assert_allclose(
            for_ever.kelvin, steady_kelvin(net, watts, COOLANT.astype(float)), rtol=1e-14
        )


def test_history_is_that_of_small_steps_and_conserves_energy():
    levels, lengths = [1000.0, 200.0, 700.0], [0.5, 1.5, 1.0]

    def watts_at(t):
        phase = 0 if t < 0.5 else 1 if t < 2 else 2
        return [levels[phase], 20.0, 0.0, 20.0]

    small = heat_history(
        CAPACITANCE, reference_paths(), [330.0] * 4, watts_at, COOLANT.tolist(), 3.0, 3000
    )
    watts = jnp.array([[p, 20.0, 0.0, 20.0] for p in levels])
    m = modes(package())
    both = jnp.stack([watts, watts], -1)  # two lanes
    done = thermal_history(
        m, jnp.full((4, 2), 330.0), both, jnp.tile(COOLANT, (3, 1)), jnp.array(lengths)
    )
    for lane in (0, 1):
        expected = [small[n - 1] for n in (500, 2000, 3000)]
        np.testing.assert_allclose(done.kelvin[..., lane], expected, rtol=0, atol=2e-3)
    stored = m.network.capacitance @ (done.kelvin[-1, :, 0] - 330.0)
    out = [
        thermal.boundary_watts(m.network, mean, COOLANT[:, None])[:, 0].sum()
        for mean in done.mean_kelvin
    ]
    put_in = float(watts.sum(1) @ jnp.array(lengths))
    assert stored + np.dot(out, lengths) == pytest.approx(put_in, rel=1e-4)


def test_steady_state_is_where_nothing_moves_and_the_reference_agrees():
    net, watts = package(), jnp.array([1000.0, 20.0, 0.0, 20.0])
    kelvin = steady_kelvin(net, watts, COOLANT)
    G = np.asarray(net.conductance, float).tolist()
    right = np.asarray(watts) + np.asarray(net.boundary, float) @ np.asarray(COOLANT, float)
    np.testing.assert_allclose(kelvin, solved(G, right.tolist()), rtol=1e-6)
    speed = thermal.kelvin_per_second(net, kelvin, watts, COOLANT)
    np.testing.assert_allclose(speed * net.capacitance, 0.0, atol=0.02)  # of 1000 W
    cold = thermal.kelvin_per_second(net, jnp.full(4, 313.15), watts, COOLANT)
    np.testing.assert_allclose(cold[:3], [1000 / 1.5, 20 / 0.08, 0.0], rtol=1e-5, atol=1e-3)


def test_float32_keeps_its_digits_in_a_stiff_network():
    """Time constants from 1 ms to 3 hours, as with a facility loop behind the plate."""
    parts = [0.01, 0.02, 0.05], [0.1, 100.0, 2e5]
    watts = np.array([700.0, 0, 0])

    def one(dtype):
        m = modes(thermal.cauer(*parts))
        after = step(
            m,
            jnp.full(3, 300.0, dtype),
            jnp.asarray(watts, dtype),
            jnp.full(1, 300.0, dtype),
            600.0,
        )
        return np.asarray(after.kelvin, float)

    single = one(jnp.float32)
    with jax.enable_x64(True):
        np.testing.assert_allclose(single, one(jnp.float64), rtol=0, atol=1e-3)


def test_periodic_orbit_is_where_a_long_history_ends():
    watts = jnp.array([[1000.0, 20, 0, 20], [300, 20, 0, 20], [700, 5, 0, 20]])[..., None]
    seconds = jnp.array([0.7, 0.2, 0.9])
    m = modes(package())
    starts = periodic_kelvin(m, watts, COOLANT[:, None], seconds)
    ends = thermal_history(
        m,
        starts[0],
        jnp.tile(watts, (200, 1, 1)),
        jnp.tile(COOLANT[:, None], (600, 1, 1)),
        jnp.tile(seconds, 200),
    ).kelvin
    np.testing.assert_allclose(ends[-3:], jnp.roll(starts, -1, 0), rtol=0, atol=2e-3)
    np.testing.assert_allclose(ends[2], starts[0], rtol=0, atol=1e-3)
    wave, pole = thermal.SquareWave(300.0, 1000.0, 2.0, 0.3), thermal.Pole(0.03, 2.0, 313.15)
    one = modes(thermal.cauer([0.03], [2.0 / 0.03]))
    orbit = periodic_kelvin(one, jnp.array([[1000.0], [300.0]]), COOLANT[:1], jnp.array([0.6, 1.4]))
    low, high = thermal.square_wave_kelvin(wave, pole)
    np.testing.assert_allclose(orbit[:, 0], [low, high], rtol=1e-6)


# Excursions and lock.


def single_pole(wave, pole, periods=40, per_period=1000):
    """A settled square wave behind one pole, by the reference's small steps; the last periods."""
    seconds = wave.period_seconds * periods
    g = 1 / pole.kelvin_per_watt
    kelvin = heat_history(
        [pole.tau_seconds * g],
        [HeatPath(0, 0, g, True)],
        [float(thermal.square_wave_kelvin(wave, pole)[0])],
        lambda t: [
            wave.high_watts
            if t % wave.period_seconds < wave.duty * wave.period_seconds
            else wave.low_watts
        ],
        [pole.base_kelvin],
        seconds,
        periods * per_period,
    )
    return [k[0] for k in kelvin], wave.period_seconds / per_period


@pytest.mark.parametrize("relock", [0.0, 0.15, 5.0])
def test_time_out_of_lock_of_a_square_wave(relock):
    wave, pole = thermal.SquareWave(300.0, 1000.0, 2.0, 0.4), thermal.Pole(0.03, 1.0, 313.15)
    low, high = (float(t) for t in thermal.square_wave_kelvin(wave, pole))
    limit = low + 0.6 * (high - low)
    kelvin, dt = single_pole(wave, pole, periods=10)
    assert (min(kelvin), max(kelvin)) == pytest.approx((low, high), abs=1e-4)
    seen = lock_history(RingLimits(limit - 0.5, 40.0, 0.5, 1e9, relock), kelvin, dt)
    outside = float(thermal.seconds_above(wave, pole, limit))
    assert seen.outside_seconds / 10 == pytest.approx(outside, abs=2 * dt)
    share = float(thermal.dead_share(outside, 2.0, relock))
    started = 1.0 if relock < 2 else (20 - 0.4) / 20  # until the first loss it was in lock
    assert seen.dead_seconds / 20 == pytest.approx(share * started, abs=0.02)
    assert seen.losses == (10 if relock < 1 else 1)
    assert float(thermal.seconds_above(wave, pole, low - 1)) == pytest.approx(2.0)
    assert thermal.seconds_above(wave, pole, high + 1) == 0


def test_time_faster_than_tracking_of_a_square_wave():
    wave, pole = thermal.SquareWave(300.0, 1000.0, 2.0, 0.4), thermal.Pole(0.03, 1.0, 313.15)
    kelvin, dt = single_pole(wave, pole, periods=10)
    for limit in (3.0, 9.0, 15.0, 30.0):
        seen = lock_history(RingLimits(500.0, 400.0, 0.5, limit, 0.0), kelvin, dt)
        got = float(thermal.seconds_faster(wave, pole, limit))
        assert seen.outside_seconds / 10 == pytest.approx(got, abs=4 * dt)


def test_lock_step_follows_the_reference():
    t = np.linspace(0, 30, 60_001)
    path = 358 + 2.7 * np.sin(t) + 1.1 * np.sin(2.7 * t + 1) - 21 * (t > 20) * np.sin((t - 20) / 2)
    ring = RingLimits(360.0, 20.0, 0.5, 1e9, 0.37)
    seen = lock_history(ring, path.tolist(), float(t[1]))
    margin = thermal.lock_margin(
        thermal.Ring(360.0, 20.0, 0.5, 1e9, 0.0, 0.37), jnp.array(path[::40])
    )
    ends = (margin[:-1], margin[1:])

    def follow(remaining, pair):
        done = thermal.lock_step(remaining, *pair, 40 * t[1], 0.37)
        return done.remaining_seconds, (done.dead_seconds, done.lost)

    _, (dead, lost) = jax.lax.scan(follow, jnp.zeros(()), ends)
    assert dead.sum() == pytest.approx(seen.dead_seconds, abs=0.01)
    assert lost.sum() == seen.losses > 3


@pytest.mark.parametrize(
    ("remaining", "before", "after", "expected"),  # one second, relocking takes 0.3
    [
        (0.0, 1.0, 1.0, (0.0, 0.0, False)),
        (0.4, 1.0, 1.0, (0.0, 0.4, False)),
        (1.4, 1.0, 1.0, (0.4, 1.0, False)),
        (0.25, 1.0, -1.0, (np.inf, 0.75, True)),  # relocked, carried data, lost again
        (0.7, 1.0, -1.0, (np.inf, 1.0, False)),  # out of range again before it relocked
        (np.inf, -1.0, 1.0, (0.0, 0.8, False)),
        (np.inf, -3.0, 1.0, (0.05, 1.0, False)),
        (np.inf, 1.0, 1.0, (0.0, 0.3, False)),  # back in range by a jump between steps
        (np.inf, -1.0, -1.0, (np.inf, 1.0, False)),
        (0.0, -1.0, -1.0, (np.inf, 1.0, True)),  # out of range by a jump
    ],
)
def test_lock_step_by_hand(remaining, before, after, expected):
    done = thermal.lock_step(*(jnp.asarray(x) for x in (remaining, before, after)), 1.0, 0.3)
    got = [float(x) for x in (done.remaining_seconds, done.dead_seconds, done.lost)]
    np.testing.assert_allclose(got, expected, atol=1e-6)


@pytest.mark.parametrize("relock", [0.0, 0.1])
def test_lock_step_sees_speed_jump_when_the_power_switches(relock):
    """Lock is lost at each switch, between two steps, until the speed has decayed."""
    wave, pole = thermal.SquareWave(300.0, 1000.0, 2.0, 0.4), thermal.Pole(0.03, 1.0, 313.15)
    limit, parts, periods = 10.0, 100, 3
    ring = thermal.Ring(500.0, 400.0, 0.5, limit, 0.0, relock)
    m = modes(thermal.cauer([0.03], [1 / 0.03]))
    watts = jnp.tile(jnp.repeat(jnp.array([1000.0, 300.0]), parts), periods)[:, None]
    seconds = jnp.tile(jnp.repeat(jnp.array([0.8, 1.2]) / parts, parts), periods)
    start = jnp.asarray(thermal.square_wave_kelvin(wave, pole)[0])[None]

    def one(state, inputs):
        kelvin, remaining = state
        power, dt = inputs
        after = thermal.step(m, kelvin, power, COOLANT[:1], dt).kelvin
        margins = [
            thermal.lock_margin(
                ring, k, thermal.kelvin_per_second(m.network, k, power, COOLANT[:1])
            )[0]
            for k in (kelvin, after)
        ]
        done = thermal.lock_step(remaining, *margins, dt, relock)
        return (after, done.remaining_seconds), (done.dead_seconds, done.lost)

    _, (dead, lost) = jax.lax.scan(one, (start, jnp.zeros(())), (watts, seconds))
    outside = float(thermal.seconds_faster(wave, pole, limit))
    assert dead.sum() / periods == pytest.approx(outside + 2 * relock, abs=2e-3)
    assert lost.sum() == 2 * periods


def test_lock_margins_and_tuning():
    margins = lock_margins(RING, jnp.array([300.0, 319.6, 360.4, 361.0]), 5.0)
    np.testing.assert_allclose(margins.hot, [60.5, 40.9, 0.1, -0.5], atol=1e-4)
    np.testing.assert_allclose(margins.cold, [-19.5, 0.1, 40.9, 41.5], atol=1e-4)
    np.testing.assert_allclose(margins.fast, 0.25)
    locked = thermal.in_lock(thermal.lock_margin(RING, jnp.array([300.0, 340, 360.4, 361.0])))
    assert locked.tolist() == [False, True, True, False]
    assert not thermal.in_lock(thermal.lock_margin(RING, 340.0, -11.0))
    # Light that drifts to longer waves needs a warmer ring.
    assert lock_margins(RING, 361.0, carrier_kelvin=2.0).hot == 1.5
    heat = thermal.tuning_watts(RING, jnp.array([300.0, 350.0, 365.0]))
    np.testing.assert_allclose(heat, [40 * 2.3e-4, 10 * 2.3e-4, 0.0], rtol=1e-5)


# Random load.


def test_ornstein_uhlenbeck_load_through_a_pole_t06():
    """Spread, share above a limit and upcrossings, z below 4.9 over independent lanes."""
    R, sd, power_tau, tau, dt, lanes = 0.05, 100.0, 1.0, 0.5, 0.02, 4000
    spread = thermal.ou_spread(R, sd, power_tau, tau)
    normals = jnp.asarray(np.random.default_rng(7).standard_normal((1200, lanes)), jnp.float32)
    m, limit = modes(thermal.cauer([R], [tau / R])), float(spread[0])

    def one(now, normal):
        watts, kelvin = now
        after = thermal.ou_step(watts, normal, dt, 0.0, sd, power_tau)
        # The mean of both ends is right to second order in the step.
        next_kelvin = step(m, kelvin, ((watts + after) / 2)[None], jnp.zeros(1), dt).kelvin
        up = (kelvin[0] < limit) & (next_kelvin[0] >= limit)
        return (after, next_kelvin), (next_kelvin[0], up)

    start = (jnp.zeros(lanes), jnp.zeros((1, lanes)))
    kelvin, up = (np.asarray(x)[400:] for x in jax.lax.scan(one, start, normals)[1])
    last = kelvin[-1]
    assert abs(last.std() / spread[0] - 1) < 4.9 / np.sqrt(2 * lanes)
    prob, rate = thermal.gaussian_excursions(limit, spread)
    for seen, expected in (
        ((kelvin > limit).mean(0), prob),
        (up.sum(0) / (800 * dt), rate),
    ):
        z = (seen.mean() - float(expected)) / (seen.std() / np.sqrt(lanes))
        assert abs(z) < 4.9
    # Rare excursions: the two first-order terms, and never more than their sum.
    margin, relock = 4 * limit, 0.2
    prob, rate = thermal.gaussian_excursions(margin, spread)
    share = thermal.gaussian_dead_share(margin, spread, relock)
    np.testing.assert_allclose(share, prob + rate * relock, rtol=1e-3)
    assert thermal.gaussian_dead_share(-9 * limit, spread, relock) == 1


def test_markov_load():
    law = thermal.training_power()
    rng = np.random.default_rng(3)
    lanes, jumps = 4000, 400
    uniform = jnp.asarray(rng.random((jumps, lanes)), jnp.float32)
    exponential = jnp.asarray(rng.exponential(size=(jumps, lanes)), jnp.float32)

    def one(state, drawn):
        stay = thermal.markov_seconds(law, state, drawn[1])
        return thermal.markov_next(law, state, drawn[0]), (state, stay)

    start = jnp.zeros(lanes, int)
    states, stays = (np.asarray(x) for x in jax.lax.scan(one, start, (uniform, exponential))[1])
    share = np.asarray(thermal.markov_shares(law), float)
    assert share.sum() == pytest.approx(1, abs=1e-6)
    counts = np.bincount(states.ravel(), minlength=4)
    # From compute, half of all jumps; each other state leads back to compute.
    expected = lanes * jumps / 2 * np.asarray(law.jump_prob[0])
    assert np.all(np.abs(counts[1:] - expected[1:]) < 4.9 * np.sqrt(expected[1:]) + 1)
    visits = share / np.asarray(law.mean_seconds)
    np.testing.assert_allclose(
        visits / visits[0], [1, *np.asarray(law.jump_prob[0, 1:])], rtol=1e-4
    )
    for s in (0, 1):
        z = stays[states == s].mean() / float(law.mean_seconds[s]) - 1
        assert abs(z) < 4.9 / np.sqrt(counts[s])


def test_markov_spread_is_the_integral_of_its_autocovariance():
    with jax.enable_x64(True):
        law = jax.tree.map(lambda x: x.astype(float), thermal.training_power())
        R, tau = 0.03, 2.0
        share, p = np.asarray(thermal.markov_shares(law)), np.asarray(law.load)
        jump = np.asarray(law.jump_prob)
        Q = (jump / jump.sum(1, keepdims=True) - np.eye(4)) / np.asarray(law.mean_seconds)[:, None]
        assert np.abs(share @ Q).max() < 1e-15
        p = p - share @ p

        def covariance(s):
            return (share * p) @ scipy.linalg.expm(Q * s) @ p * np.exp(-s / tau) / tau

        variance = R**2 * scipy.integrate.quad(covariance, 0, 40 * tau, limit=200)[0]
        np.testing.assert_allclose(thermal.markov_spread(law, R, tau), np.sqrt(variance), rtol=1e-8)
        # Two states with equal rates 1 / (2 t_P) and loads +-sd have the spread of T06.
        flip = thermal.MarkovPower(jnp.array([-100.0, 100.0]), jnp.full(2, 2.0), 1 - jnp.eye(2))
        ou = thermal.ou_spread(0.05, 100.0, 1.0, 0.08)[0]
        np.testing.assert_allclose(thermal.markov_spread(flip, 0.05, 0.08), ou, rtol=1e-12)


def test_one_load_state_moves_all_packages_of_a_job():
    load = jnp.array([[0.0, 1.0], [0.5, 0.25]])
    idle, full = jnp.array([100.0, 5.0]), jnp.array([1000.0, 25.0])
    watts = thermal.job_watts(load, jnp.array([0, 0, 1]), idle, full)
    np.testing.assert_allclose(watts[0], [[100, 1000], [100, 1000], [550, 325]])
    np.testing.assert_allclose(watts[1], [[5, 25], [5, 25], [15, 10]])


def test_coolant_and_ambient():
    coolant = thermal.series_coolant_kelvin(300.0, jnp.array([[1000.0], [500], [500]]), 100.0)
    np.testing.assert_allclose(coolant[:, 0], [305, 312.5, 317.5])
    hours = np.arange(8766)
    air = thermal.ambient_kelvin(jnp.asarray(hours), 300.0, 10.0, 5.0, (4383.0, 15.0))
    expected = 300 + 10 * np.cos(2 * np.pi * (hours - 4383) / 8766)
    np.testing.assert_allclose(air, expected + 5 * np.cos(2 * np.pi * (hours - 15) / 24), atol=1e-3)


# Gradients.


def test_gradients_through_a_network_are_finite_differences():
    """Also of a tray of equal packages, where eigenvectors have no derivative."""
    copies = 2
    with jax.enable_x64(True):

        @jax.jit
        def engine_margin(x):
            one = package(**{"engine-plate": x[0]})
            tray = thermal.tray_network([one] * copies, 2, x[1])
            m = modes(tray)
            watts = jnp.tile(jnp.array([x[2], 20.0, 0.0, 20.0]), copies)
            coolant = jnp.tile(jnp.stack([x[3], jnp.asarray(308.15)]), copies)
            cold = steady_kelvin(tray, watts / 3, coolant)
            kelvin = step(m, cold, watts, coolant, x[4]).kelvin[-3]
            orbit = periodic_kelvin(
                m, jnp.stack([watts, watts / 3]), coolant, jnp.stack([x[4], x[4] / 2])
            )
            ring = thermal.Ring(x[5], x[6], 0.5, 10.0, 2.3e-4, 0.1)
            tuning = thermal.tuning_watts(ring, kelvin)
            return thermal.lock_margin(ring, kelvin) + orbit[1, 0] + orbit[0, -1] + 1e3 * tuning

        # No conductance between the packages: every time constant is there twice.
        x = np.array([1.0, 0.0, 1000.0, 313.15, 0.8, 363.0, 40.0])
        got = jax.jit(jax.grad(engine_margin))(jnp.array(x))
        assert np.all(np.isfinite(got))
        for i in range(len(x)):
            e = np.eye(len(x))[i] * 1e-4
            fd = (engine_margin(jnp.array(x + e)) - engine_margin(jnp.array(x - e))) / 2e-4
            np.testing.assert_allclose(got[i], fd, rtol=1e-5, atol=1e-7)


def test_gradients_of_excursions_are_finite_differences():
    with jax.enable_x64(True):

        @jax.jit
        def shares(x):
            wave, pole = thermal.SquareWave(x[0], x[1], 2.0, 0.4), thermal.Pole(x[2], x[3], x[4])
            spread = thermal.ou_spread(x[2], x[1] - x[0], 1.0, x[3])
            return (
                thermal.seconds_above(wave, pole, 334.0)
                + 3 * thermal.seconds_faster(wave, pole, 8.0)
                + thermal.gaussian_dead_share(334.0 - x[4] - 15.0, spread, 0.1)
                + thermal.unlocked_prob(x[4] - 315.0, 3.0)
            )

        x = np.array([300.0, 1000.0, 0.03, 1.0, 313.15])
        got = jax.jit(jax.grad(shares))(jnp.array(x))
        for i in range(len(x)):
            e = np.eye(len(x))[i] * 1e-6 * x[i]
            fd = (shares(jnp.array(x + e)) - shares(jnp.array(x - e))) / (2e-6 * x[i])
            np.testing.assert_allclose(got[i], fd, rtol=1e-6)
            assert got[i] != 0


def test_what_has_no_gradient_says_so():
    def locked_share(kelvin):
        return thermal.in_lock(thermal.lock_margin(RING, kelvin)).astype(float).mean()

    def dead(kelvin):
        margin = thermal.lock_margin(RING, kelvin)
        return thermal.lock_step(jnp.zeros(2), margin, margin - 1, 1.0, 0.1).dead_seconds.sum()

    def lost_in_a_swing(limit):
        wave = thermal.SquareWave(300.0, 1000.0, 2.0)
        outside = thermal.seconds_above(wave, thermal.Pole(0.03, 2.0), limit)
        return thermal.dead_share(outside, 2.0, 0.1).sum()

    def load_after(jump):
        law = thermal.MarkovPower(jnp.array([0.0, 1.0]), jnp.ones(2), jump)
        return law.load[thermal.markov_next(law, jnp.zeros(2, int), jnp.full(2, 0.5))].sum()

    kelvin = jnp.array([350.0, 361.0])
    for f, x in (
        (locked_share, kelvin),
        (dead, kelvin),
        (lost_in_a_swing, jnp.array([19.0, 22.0])),
        (load_after, 1 - jnp.eye(2)),
    ):
        assert np.isfinite(jax.jit(f)(x))
        for derivative in (jax.grad(f), jax.grad(jax.jit(f))):
            with pytest.raises(ValueError, match=r"gradient"):
                derivative(x)
    # What does not pass through the threshold, or says that the zero is meant, has its gradient.
    assert jax.grad(lambda w: (w * thermal.in_lock(kelvin - 355)).sum())(2.0) == 1
    still = jax.grad(lambda k: dead(jax.lax.stop_gradient(k)) + k.sum())(kelvin)
    np.testing.assert_array_equal(still, [1, 1])


# Devices and templates.


def test_mach_zehnder_and_vcsel():
    law = thermal.MachZehnder(340.0, np.pi / 90, 3.5)
    margins = thermal.mach_zehnder_margin_db(law, jnp.array([340.0, 370.0, 310.0, 390.0]))
    np.testing.assert_allclose(margins, [3.5, 3.5 - 3.0103, 3.5 - 3.0103, -np.inf], rtol=1e-4)
    laser = thermal.Vcsel(1e-3, 320.0, 60.0, 0.5, 0.004, 1e-3)
    watts = thermal.vcsel_watts(laser, jnp.array([6e-3, 6e-3, 1e-3]), jnp.array([320.0, 380, 340]))
    np.testing.assert_allclose(watts, [2.5e-3, 0.5 * 0.76 * 4e-3, 0.0], rtol=1e-5)
    np.testing.assert_allclose(
        thermal.vcsel_margin_db(laser, 4e-3, 320.0), 10 * np.log10(1.5), rtol=1e-5
    )
    assert thermal.vcsel_margin_db(laser, 1e-3, 340.0) == -np.inf
    slope = jax.grad(thermal.vcsel_margin_db, (1, 2))(laser, 4e-3, 350.0)
    assert slope[0] > 0 > slope[1]  # derating the current and heating both cost margin
    assert jax.grad(thermal.vcsel_margin_db, 1)(laser, 1e-4, 340.0) == 0


def test_depth_of_integration_costs_kelvin():
    engine, crosstalk = {}, {}
    for name, template in thermal.TEMPLATES.items():
        net = package(name)
        kelvin = steady_kelvin(net, thermal.full_watts(template), COOLANT)
        engine[name] = float(kelvin[1])
        crosstalk[name] = float(thermal.resistance(net)[1, 0])
        assert 333 < engine[name] < 393
    order = ["near_package", "2d", "2.5d", "3d"]
    assert sorted(crosstalk, key=crosstalk.get) == order  # what the compute die does to the engine
    assert crosstalk["3d"] > 3 * crosstalk["near_package"]


def test_every_default_has_a_source():
    for template in thermal.TEMPLATES.values():
        assert set(template.capacitance) == set(template.watts) == set(thermal.NODES)
        for part in (template.paths, template.capacitance, template.watts):
            for default in part.values():
                assert default.low <= default.value <= default.high
                assert default.source
    fields = thermal.default_ring()
    ring = thermal.Ring(**{name: default.value for name, default in fields.items()})
    assert thermal.in_lock(thermal.lock_margin(ring, jnp.asarray(350.0)))


def test_tray_joins_neighbours_only():
    tray = thermal.tray_network([package(), package("3d"), package()], 2, 5.0)
    assert tray.boundary.shape == (12, 6)
    watts = jnp.zeros(12).at[0].set(500.0)
    coolant = jnp.tile(jnp.array([300.0, 300.0]), 3)
    rise = steady_kelvin(tray, watts, coolant) - 300
    plates = np.asarray(rise)[[2, 6, 10]]
    assert plates[0] > 5 * plates[1] > 25 * plates[2] > 0
    out = thermal.boundary_watts(tray, rise + 300, coolant)
    assert float(out.sum()) == pytest.approx(500, rel=1e-3)


def test_mistakes_are_named():
    with pytest.raises(ValueError, match=r"nodes \[2\] have no path"):
        thermal.network([1.0, 1.0, 1.0], [(0, 1, 1.0)], [(0, 0, 1.0)])
    with pytest.raises(ValueError, match="two different nodes"):
        thermal.network([1.0], [(0, 0, 1.0)], [(0, 0, 1.0)])
    with pytest.raises(ValueError, match="no path plate-moon; there are: compute-plate"):
        package(**{"plate-moon": 1.0})


@pytest.mark.parametrize(
    "name",
    [n for n in dir(thermal) if "!!! example" in (inspect.getdoc(getattr(thermal, n)) or "")],
)
def test_examples_run(name):
    blocks = re.findall(r"```python\n(.*?)```", inspect.getdoc(getattr(thermal, name)), re.DOTALL)
    assert blocks
    for block in blocks:
        exec(inspect.cleandoc(block), {})
