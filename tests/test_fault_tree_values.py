"""Probabilities of events from expressions: laws, deviates, parameters, and their gradients."""

import math

import jax
import numpy as np
import pytest
from scipy import integrate, stats

from fdmc.logic import Values, deviates
from fdmc.spec.fault_tree import BasicEvent, Call, FaultTree, Formula, Gate, MissionTime, Parameter


T = MissionTime()


def tree(parameters=None, **events):
    gate = Gate(Formula("or", tuple(events)))
    basic = {name: BasicEvent(e) for name, e in events.items()}
    return FaultTree("t", ("top",), {"top": gate}, basic, parameters=parameters or {})


def value(expression, t=100.0, **parameters):
    return float(Values(tree(parameters, e=expression), t).event("e"))


LAWS = [
    (Call("exponential", (1e-9, T)), stats.expon(scale=1e9).cdf(100.0)),
    (Call("exponential", (0.02, Call("mul", (2.0, T)))), stats.expon(scale=50).cdf(200.0)),
    (Call("Weibull", (80.0, 1.7, 0.0, T)), stats.weibull_min(1.7, scale=80).cdf(100.0)),
    (Call("Weibull", (80.0, 1.7, 30.0, T)), stats.weibull_min(1.7, scale=80).cdf(70.0)),
    (Call("Weibull", (80.0, 1.7, 130.0, T)), 0.0),
    (Call("erlang", (3.0, 0.05, T)), stats.gamma(3, scale=20).cdf(100.0)),
    (Call("gamma", (2.5, 40.0, T)), stats.gamma(2.5, scale=40).cdf(100.0)),
    (Call("lognormal", (90.0, 0.7, T)), stats.lognorm(0.7, scale=90).cdf(100.0)),
    (Call("fixed", (100.0, T)), 1.0),
    (Call("fixed", (100.5, T)), 0.0),
]


@pytest.mark.parametrize(("law", "expected"), LAWS)
def test_laws_are_those_of_scipy(law, expected):
    assert value(law) == pytest.approx(expected, rel=1e-12, abs=0)


def test_glm_solves_its_differential_equation():
    gamma, rate, repair = 0.03, 2e-3, 0.05
    rhs = lambda t, q: rate * (1 - q) - repair * q
    solved = integrate.solve_ivp(rhs, (0, 100), [gamma], rtol=1e-11, atol=1e-13).y[0, -1]
    assert value(Call("GLM", (gamma, rate, repair, T))) == pytest.approx(solved, rel=1e-8)
    assert value(Call("GLM", (gamma, 0.0, 0.0, T))) == gamma


def solved(rate, repair, interval, first, until):
    """Failed hidden until a test, then repaired at a rate: integrated step by step, and not in closed form."""
    up, hidden, found, t = 1.0, 0.0, 0.0, 0.0
    tests = [first + k * interval for k in range(1000) if first + k * interval < until]
    for end in [*tests, until]:
        span = end - t
        rhs = lambda _, y: [-rate * y[0] + repair * y[2], rate * y[0], -repair * y[2]]
        y = integrate.solve_ivp(rhs, (0, span), [up, hidden, found], rtol=1e-11, atol=1e-14).y[
            :, -1
        ]
        up, hidden, found, t = *y, end
        if end < until:
            hidden, found = 0.0, hidden + found
    return hidden + found


@pytest.mark.parametrize("until", [50.0, 100.0, 130.0, 1234.5])
@pytest.mark.parametrize("repair", [0.05, 2e-3])
def test_periodic_tests_with_repair_follow_the_states(until, repair):
    law = Call("periodic-test", (2e-3, repair, 100.0, 60.0, T))
    assert value(law, until) == pytest.approx(solved(2e-3, repair, 100, 60, until), rel=1e-7)


def test_periodic_tests_renew():
    law = Call("periodic-test", (2e-3, 100.0, 60.0, T))
    failed = lambda t: -math.expm1(-2e-3 * t)
    assert value(law, 50.0) == pytest.approx(failed(50))
    assert value(law, 170.0) == pytest.approx(failed(10))
    assert value(law, 160.0) == pytest.approx(failed(100)), "at a test, what it finds"


def test_arithmetic_and_choices():
    e = Call("div", (Call("add", (1.0, 2.0, 3.0)), Call("pow", (2.0, 3.0))))
    assert value(e) == 0.75
    assert value(Call("ite", (Call("lt", (T, 50.0)), 0.1, 0.2))) == 0.2
    chosen = Call("switch", (Call("lt", (T, 50.0)), 0.1, Call("lt", (T, 150.0)), 0.2, 0.3))
    assert value(chosen) == pytest.approx(0.2)
    assert value(Call("exp", (Call("neg", (Call("log", (4.0,)),)),))) == pytest.approx(0.25)
    assert value(Call("mean", (0.1, 0.2, 0.6))) == pytest.approx(0.3)


def test_unknown_parameters_and_operations_are_said():
    with pytest.raises(ValueError, match="no parameter speed"):
        Values(tree(e=0.1), 1.0, {"speed": 2.0})
    with pytest.raises(ValueError, match="`frobnicate` with 1 arguments"):
        value(Call("frobnicate", (1.0,)))


DEVIATES = [
    (Call("uniform-deviate", (0.1, 0.3)), stats.uniform(0.1, 0.2)),
    (Call("normal-deviate", (0.4, 0.02)), stats.norm(0.4, 0.02)),
    (Call("gamma-deviate", (2.0, 0.05)), stats.gamma(2.0, scale=0.05)),
    (Call("beta-deviate", (2.0, 7.0)), stats.beta(2, 7)),
    (Call("lognormal-deviate", (-5.0, 0.5)), stats.lognorm(0.5, scale=math.exp(-5))),
    (
        Call("histogram", (0.0, 0.1, 1.0, 0.4, 3.0)),
        stats.rv_histogram(([1.0, 3.0], [0.0, 0.1, 0.4]), density=False),
    ),
]


@pytest.mark.parametrize(("deviate", "law"), DEVIATES)
def test_deviates_have_their_mean_and_quantiles(deviate, law):
    assert value(deviate) == pytest.approx(law.mean(), rel=1e-12)
    levels = np.array([[0.001, 0.3, 0.5, 0.97]])
    drawn = Values(tree(e=deviate), 1.0, scores=stats.norm.ppf(levels)).event("e")
    np.testing.assert_allclose(drawn, law.ppf(levels[0]), rtol=1e-10)


def test_lognormal_error_factor_is_the_ratio_of_quantile_to_median():
    deviate = Call("lognormal-deviate", (3e-5, 10.0, 0.95))
    drawn = Values(tree(e=deviate), 1.0, scores=stats.norm.ppf([[0.5, 0.95]])).event("e")
    assert drawn[1] / drawn[0] == pytest.approx(10.0)
    sigma = math.log(10) / stats.norm.ppf(0.95)
    assert drawn[0] == pytest.approx(3e-5 * math.exp(-(sigma**2) / 2))


def test_a_parameter_is_drawn_once_and_events_each_for_themselves():
    uncertain = Call("uniform-deviate", (0.0, 1.0))
    model = tree({"shared": uncertain}, a=Parameter("shared"), b=Parameter("shared"), c=uncertain)
    assert deviates(model) == ("parameter shared", "event c")
    drawn = Values(model, 1.0, scores=stats.norm.ppf([[0.2], [0.7]])).events()
    np.testing.assert_allclose(drawn[:, 0], [0.2, 0.2, 0.7])


def test_gradients_reach_parameters_and_time():
    model = tree({"rate": 1e-3}, a=Call("exponential", (Parameter("rate"), T)))
    f = lambda rate, t: Values(model, t, {"rate": rate}).event("a")
    rate, t = jax.grad(f, (0, 1))(1e-3, 100.0)
    assert float(rate) == pytest.approx(100 * math.exp(-0.1), rel=1e-5)
    assert float(t) == pytest.approx(1e-3 * math.exp(-0.1), rel=1e-5)
