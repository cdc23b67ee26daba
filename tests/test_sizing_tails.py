"""Smooth tails against exact sums, integrals and finite differences, in float64 and float32."""

import fractions
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate
import scipy.special

from fdmc.sizing import (
    binomial_tail,
    gauss_hermite,
    gauss_laguerre,
    log_binomial_tail,
    log_poisson_binomial_tail,
    log_regularised_beta,
    poisson_binomial,
    poisson_binomial_tail,
    regularised_beta,
)


@pytest.fixture
def double():
    with jax.enable_x64(True):
        yield


def exact_tail(k, n, p):
    """The binomial sum in rational arithmetic: `p` is a float, and so a fraction."""
    p = fractions.Fraction(p)
    return sum(math.comb(n, j) * p**j * (1 - p) ** (n - j) for j in range(k, n + 1))


CASES = [
    (1, 4, 0.1),
    (2, 9, 0.004),
    (5, 36, 0.03),
    (12, 36, 0.3),
    (30, 36, 0.9),
    (3, 512, 1e-3),
    (9, 9, 0.5),
]
REAL_CASES = [
    (2.5, 3.7, 0.4),
    (0.3, 8.0, 0.02),
    (12.0, 0.6, 0.9),
    (40.2, 55.1, 0.5),
    (7.9, 8.1, 0.2),
    (3.0, 900.0, 2e-3),
]


@pytest.mark.parametrize(("k", "n", "p"), CASES)
def test_at_integers_the_tail_is_the_binomial_sum(double, k, n, p):
    exact = exact_tail(k, n, p)
    assert float(binomial_tail(k, n, p)) == pytest.approx(float(exact), rel=1e-11)
    log_exact = math.log(exact.numerator) - math.log(exact.denominator)
    assert float(log_binomial_tail(k, n, p)) == pytest.approx(log_exact, rel=1e-11, abs=1e-11)


@pytest.mark.parametrize(("k", "n", "p"), CASES)
def test_in_single_precision_four_digits_are_right(k, n, p):
    got = binomial_tail(jnp.float32(k), jnp.float32(n), jnp.float32(p))
    assert got.dtype == jnp.float32
    exact = float(exact_tail(k, n, float(np.float32(p))))
    assert float(got) == pytest.approx(exact, rel=1e-4)


def test_logarithms_reach_where_floats_do_not(double):
    exact = exact_tail(300, 512, 1e-3)
    assert float(binomial_tail(300, 512, 1e-6)) == 0
    log_exact = math.log(exact.numerator) - math.log(exact.denominator)
    assert float(log_binomial_tail(300, 512, 1e-3)) == pytest.approx(log_exact, rel=1e-11)
    assert log_exact < -1400


def test_real_arguments_agree_with_another_implementation(double):
    rng = np.random.default_rng(0)
    a, b = np.exp(rng.uniform(np.log(0.1), np.log(1e4), (2, 500)))
    mean = a / (a + b)
    x = mean + rng.normal(size=500) * 2 * np.sqrt(mean * (1 - mean) / (a + b + 1))
    x = np.clip(x, 1e-9, 1 - 1e-9)
    expected = scipy.special.betainc(a, b, x)
    keep = expected > 1e-250
    got = np.asarray(regularised_beta(a, b, x))
    np.testing.assert_allclose(got[keep], expected[keep], rtol=1e-11)


def derivatives(a, b, x):
    """Of $I_x(a,b)$ by integrals: under the integral sign, with digamma from the normalisation."""

    def density(t):
        return math.exp(
            (a - 1) * math.log(t) + (b - 1) * math.log1p(-t) - scipy.special.betaln(a, b)
        )

    def mean(weight, digamma):
        # d/da log density = log t - psi(a) + psi(a + b); the substitution removes the end's pole.
        power = 1 / min(a, 1.0)
        return scipy.integrate.quad(
            lambda u: (weight(u**power) - digamma) * density(u**power) * power * u ** (power - 1),
            0, x ** (1 / power), epsabs=1e-14, epsrel=1e-12, limit=400,
        )[0]  # fmt: skip

    psi = scipy.special.digamma
    along_a = mean(math.log, psi(a) - psi(a + b))
    along_b = mean(lambda t: math.log1p(-t), psi(b) - psi(a + b))
    return along_a, along_b, density(x)


@pytest.mark.parametrize(("a", "b", "x"), REAL_CASES)
def test_gradients_in_all_arguments_are_integrals(double, a, b, x):
    got = jax.grad(regularised_beta, argnums=(0, 1, 2))(a, b, x)
    np.testing.assert_allclose(np.array(got), derivatives(a, b, x), rtol=1e-9, atol=1e-13)
    of_log = jax.grad(log_regularised_beta, argnums=(0, 1, 2))(a, b, x)
    value = float(regularised_beta(a, b, x))
    np.testing.assert_allclose(np.array(of_log) * value, np.array(got), rtol=1e-11)


@pytest.mark.parametrize(
    ("a", "b", "x"),  # seconds to compile, each
    [
        REAL_CASES[1],
        *(
            pytest.param(*case, marks=pytest.mark.verification)
            for case in (REAL_CASES[0], *REAL_CASES[2:])
        ),
    ],
)
def test_forward_and_second_derivatives(double, a, b, x):
    point = np.array([a, b, x])

    def function(v):
        return regularised_beta(v[0], v[1], v[2])

    forward = jax.jacfwd(function)(point)
    np.testing.assert_allclose(forward, jax.grad(function)(point), rtol=1e-12)
    hessian = np.asarray(jax.hessian(function)(point))
    for i in range(3):
        step = 1e-5 * np.eye(3)[i] * point[i]
        quotient = (jax.grad(function)(point + step) - jax.grad(function)(point - step)) / (
            2 * step[i]
        )
        np.testing.assert_allclose(
            hessian[i], quotient, rtol=1e-5, atol=1e-7 * np.abs(hessian).max()
        )


def test_gradients_in_single_precision():
    for a, b, x in REAL_CASES:
        got = jax.grad(regularised_beta, argnums=(0, 1, 2))(*map(jnp.float32, (a, b, x)))
        rounded = [float(np.float32(one)) for one in (a, b, x)]
        np.testing.assert_allclose(np.array(got), derivatives(*rounded), rtol=1e-3, atol=1e-6)


def test_the_ends_and_the_outside(double):
    assert regularised_beta(2.0, 3.0, 0.0) == 0
    assert regularised_beta(2.0, 3.0, 1.0) == 1
    assert np.all(np.isfinite(jax.grad(regularised_beta, argnums=(0, 1, 2))(2.0, 3.0, 0.0)))
    assert jax.grad(regularised_beta, argnums=2)(1.0, 3.0, 0.0) == 3
    assert np.isnan(regularised_beta(-1.0, 3.0, 0.5))
    assert np.isnan(regularised_beta(1.0, 3.0, 1.5))
    assert binomial_tail(0, 4, 0.1) == 1
    assert binomial_tail(5, 4, 0.1) == 0
    assert log_binomial_tail(5, 4, 0.1) == -np.inf
    assert jax.grad(binomial_tail, argnums=2)(5.0, 4.0, 0.1) == 0


@pytest.mark.verification
def test_a_spare_helps_less_the_more_there_are(double):
    slope = jax.vmap(jax.grad(lambda s: log_binomial_tail(s + 1, 32 + s, 1e-3)))(
        jnp.linspace(0, 4, 9)
    )
    value = binomial_tail(jnp.arange(1.0, 6.0), 32 + jnp.arange(5.0), 1e-3)
    assert np.all(np.asarray(slope) < 0)
    assert np.all(np.diff(value) < 0)


def test_units_that_differ_by_every_subset(double):
    prob = np.random.default_rng(1).uniform(0.01, 0.9, 7)
    pmf = np.zeros(8)
    for subset in range(128):
        failed = (subset >> np.arange(7)) & 1
        pmf[failed.sum()] += np.prod(np.where(failed, prob, 1 - prob))
    np.testing.assert_allclose(poisson_binomial(prob), pmf, rtol=1e-13)
    tail = np.append(np.cumsum(pmf[::-1])[::-1], 0.0)
    np.testing.assert_allclose(poisson_binomial_tail(prob, np.arange(9)), tail, rtol=1e-13)
    np.testing.assert_allclose(
        np.exp(log_poisson_binomial_tail(prob, np.arange(8))), tail[:8], rtol=1e-12
    )


@pytest.mark.parametrize("tail", [poisson_binomial_tail, log_poisson_binomial_tail])
def test_poisson_binomial_gradients_are_exact_differences(double, tail):
    """The tail is linear in each probability: its derivative is P(.. | failed) - P(.. | works)."""
    prob = np.random.default_rng(2).uniform(0.01, 0.4, 9)
    gradient = np.asarray(jax.grad(lambda p: tail(p, 3))(prob))
    whole = float(poisson_binomial_tail(prob, 3))
    for i in range(9):
        others = np.delete(prob, i)
        exact = float(poisson_binomial_tail(others, 2)) - float(poisson_binomial_tail(others, 3))
        scale = whole if tail is log_poisson_binomial_tail else 1.0
        assert gradient[i] * scale == pytest.approx(exact, rel=1e-11)


def test_equal_units_are_binomial(double):
    assert float(poisson_binomial_tail(np.full(36, 0.03), 5)) == pytest.approx(
        float(binomial_tail(5, 36, 0.03)), rel=1e-12
    )


def test_shared_normal_factors(double):
    two = gauss_hermite(9, factors=2)
    assert two.nodes.shape == (81, 2)
    moment = two.expectation(lambda z: jnp.exp(0.3 * z[0] - 0.4 * z[1]))
    assert float(moment) == pytest.approx(math.exp(0.125), rel=1e-10)


def test_a_shared_frailty_has_its_closed_form(double):
    def survival(hazard):
        return gauss_laguerre(40, shape=2.5).expectation(lambda g: jnp.exp(-hazard * g[0]))

    assert float(survival(0.7)) == pytest.approx((1 + 0.7 / 2.5) ** -2.5, rel=1e-12)
    slope = -((1 + 0.7 / 2.5) ** -3.5)
    assert float(jax.grad(survival)(0.7)) == pytest.approx(slope, rel=1e-11)


@pytest.mark.verification
def test_a_shared_factor_raises_the_tail_of_groups(double):
    site = gauss_hermite(15)

    def unreliability(spread):
        def given(z):
            p = -jnp.expm1(-0.002 * jnp.exp(spread * z[0]))
            return 1 - (1 - binomial_tail(2.0, 9.0, p)) ** 64

        return site.expectation(given)

    assert float(unreliability(0.6)) > float(unreliability(1e-6)) * 1.2
    quotient = (unreliability(0.6 + 1e-5) - unreliability(0.6 - 1e-5)) / 2e-5
    assert float(jax.grad(unreliability)(0.6)) == pytest.approx(float(quotient), rel=1e-6)
