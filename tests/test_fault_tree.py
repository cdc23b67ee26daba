"""The analysis of fault trees from end to end: routes, curves, mean times, sequences, uncertainty, gradients."""

import dataclasses
import itertools
import math
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import fdmc
from fdmc.collect import NoAnswer, Replicas
from fdmc.collect.trees._uncertainty import score_keys, scores
from fdmc.logic import Values, structure
from fdmc.spec.fault_tree import (
    BasicEvent,
    Call,
    Dependency,
    FaultTree,
    Formula,
    Gate,
    MissionTime,
    Parameter,
    expand_common_causes,
    read,
)


EXAMPLES = Path(__file__).parent.parent / "docs" / "examples"
COOLANT, LASERS, SHELF = (str(EXAMPLES / n) for n in ("coolant.xml", "lasers.dft", "shelf.dft"))
T = MissionTime()


def exponential(rate):
    return BasicEvent(Call("exponential", (rate, T)))


def vote(k, n, event):
    names = tuple(f"e{i}" for i in range(n))
    gate = Gate(Formula("atleast", names, k))
    return FaultTree("vote", ("top",), {"top": gate}, dict.fromkeys(names, event))


def enumerated(tree, hours):
    """The top event's probability as a sum over all states of the events."""
    tree = expand_common_causes(tree)
    lowered, p = structure(tree, tree.tops), Values(tree, hours).events()
    total = 0.0
    for state in itertools.product((False, True), repeat=len(p)):
        value = [False, *state]
        for g in range(len(lowered.kind)):
            args = [value[a >> 1] ^ bool(a & 1) for a in lowered.arguments(g)]
            need = {0: len(args), 1: 1, 2: lowered.need[g]}[int(lowered.kind[g])]
            value.append(sum(args) >= need)
        root = int(lowered.roots[0])
        if value[root >> 1] ^ bool(root & 1):
            total += np.prod(np.where(state, p, 1 - p))
    return total


def test_the_example_is_the_sum_over_its_states():
    answer = fdmc.fault_tree(COOLANT)
    assert answer.method == "exact (decision diagram)"
    assert answer.probability.best == pytest.approx(enumerated(read(COOLANT), 8760.0), rel=1e-12)
    assert answer.probability.low == answer.probability.high


def test_cut_sets_are_ranked_by_their_share_of_the_top_event():
    answer = fdmc.fault_tree(COOLANT, cut_sets=100, importance=True)
    p = {row.event: row.probability for row in answer.importance}
    listed = answer.cut_sets.listed
    assert answer.cut_sets.count == len(listed) == sum(answer.cut_sets.by_order.values())
    for one in listed:
        assert one.probability == pytest.approx(math.prod(p[e] for e in one.events))
        assert one.share == pytest.approx(one.probability / answer.probability.best)
    assert [c.probability for c in listed] == sorted((c.probability for c in listed), reverse=True)


def test_common_causes_may_be_left_out():
    alone = fdmc.fault_tree(COOLANT, common_causes=False).probability.best
    tree = dataclasses.replace(read(COOLANT), common_causes={})
    assert alone == pytest.approx(enumerated(tree, 8760.0), rel=1e-12)


@pytest.mark.statistical
def test_monte_carlo_covers_the_exact_answer():
    # |z| <= 4.9, one false alarm in a million; the interval is 1.96 standard errors each way.
    exact = fdmc.fault_tree(COOLANT).probability.best
    sampled = fdmc.fault_tree(COOLANT, method="mc", stop=Replicas(1 << 20), seed=3)
    assert sampled.method.startswith("Monte Carlo (states")
    p = sampled.probability
    assert 0 < p.width < 0.05 * p.best
    assert abs(p.best - exact) < 4.9 / 1.96 * p.width / 2


def test_a_curve_is_its_points():
    hours = [100.0, 4000.0, 8760.0]
    curve = fdmc.fault_tree(COOLANT, time_hours=hours).curve
    for t, point in zip(hours, curve, strict=True):
        assert point.time_hours == t
        assert point.probability == fdmc.fault_tree(COOLANT, time_hours=t).probability


def test_house_events_and_parameters_replace_the_models():
    plain = fdmc.fault_tree(COOLANT).probability.best
    assert fdmc.fault_tree(COOLANT, house={"maintenance": True}).probability.best > 2 * plain
    assert fdmc.fault_tree(COOLANT, parameters={"pump-rate": 0.0}).probability.best < plain


MEAN_TIMES = [
    (vote(2, 3, exponential(0.01)), 5 / 6 / 0.01),
    (vote(1, 1, BasicEvent(Call("Weibull", (400.0, 2.0, 0.0, T)))), 400 * math.gamma(1.5)),
    (vote(3, 3, exponential(1e-9)), (1 + 1 / 2 + 1 / 3) * 1e9),
    (vote(2, 2, BasicEvent(Call("lognormal", (1e4, 0.5, T)))), None),
]


@pytest.mark.parametrize(("tree", "expected"), MEAN_TIMES)
def test_mean_times_are_those_of_closed_forms(tree, expected):
    found = fdmc.fault_tree(tree, mttf=True).mttf.best
    if expected is None:  # the larger of two lognormals
        law = stats.lognorm(0.5, scale=1e4)
        expected = law.expect(lambda t: 2 * t * law.cdf(t))
    assert found == pytest.approx(expected, rel=1e-7)


def test_a_top_event_that_may_never_come_has_no_mean_time():
    assert math.isinf(fdmc.fault_tree(vote(1, 2, BasicEvent(0.1)), mttf=True).mttf.best)


def standby(law):
    events = {"main": BasicEvent(law), "standby": BasicEvent(law, dormancy=0.0)}
    return FaultTree("t", ("top",), {"top": Gate(Formula("spare", tuple(events)))}, events)


def test_a_cold_standby_is_exactly_erlang():
    tree = standby(Call("exponential", (0.01, T)))
    answer = fdmc.fault_tree(tree, time_hours=[50.0, 200.0], mttf=True)
    assert answer.method == "exact (Markov chain)"
    expected = stats.gamma(2, scale=100).cdf([50, 200])
    np.testing.assert_allclose([p.probability.best for p in answer.curve], expected, rtol=1e-8)
    assert answer.mttf.best == pytest.approx(200.0)


@pytest.mark.statistical
def test_a_cold_standby_with_wear_is_sampled_and_says_why():
    tree = standby(Call("Weibull", (100.0, 2.0, 0.0, T)))
    answer = fdmc.fault_tree(tree, time_hours=150.0, stop=Replicas(1 << 18))
    assert answer.method == "Monte Carlo (times)"
    assert "weibull" in answer.message
    law = stats.weibull_min(2, scale=100)
    exact = law.expect(lambda t: law.cdf(150 - t), lb=0, ub=150)
    p = answer.probability
    assert abs(p.best - exact) < 4.9 / 1.96 * p.width / 2
    with pytest.raises(NoAnswer, match="no exact answer"):
        fdmc.fault_tree(tree, method="exact")


def test_repair_gives_unavailability_beside_unreliability():
    events = {
        n: BasicEvent(Call("exponential", (0.01, T)), repair=Call("exponential", (0.1, T)))
        for n in "ab"
    }
    tree = FaultTree("t", ("top",), {"top": Gate(Formula("and", ("a", "b")))}, events)
    answer = fdmc.fault_tree(tree, time_hours=1000.0, mttf=True)
    assert answer.steady_unavailability.best == pytest.approx((1 / 11) ** 2)
    assert answer.unavailability.best == pytest.approx((1 / 11) ** 2, rel=1e-6)
    assert answer.mttf.best == pytest.approx((3 * 0.01 + 0.1) / (2 * 0.01**2))


def test_what_is_asked_of_static_trees_alone_is_said_of_dynamic_ones():
    answer = fdmc.fault_tree(standby(Call("exponential", (0.01, T))), importance=True)
    assert answer.importance is None
    assert "static" in " ".join(answer.notes)


BAD = [
    ({"top": "pmup"}, "no gate pmup"),
    ({"time_hours": -1.0}, "not negative"),
    ({"time_hours": math.nan}, "finite"),
    ({"method": "guess"}, "auto, exact or mc"),
    ({"house": {"maintanance": True}}, "no house event maintanance"),
    ({"parameters": {"rate": 1.0}}, "no parameter rate"),
    ({"parameters": {"pump-beta": 1.5}}, r"lie in \[0, 1\]"),
    (
        {"uncertainty": 10, "common_causes": False, "parameters": {"pump-rate": math.nan}},
        "pump-1 is nan",
    ),
]


@pytest.mark.parametrize(("arguments", "message"), BAD)
def test_bad_arguments_are_said(arguments, message):
    with pytest.raises(ValueError, match=message):
        fdmc.fault_tree(COOLANT, **arguments)


def test_uncertainty_of_one_lognormal_is_that_lognormal():
    deviate = Call("lognormal-deviate", (1e-3, 3.0, 0.95))
    tree = vote(1, 1, BasicEvent(deviate))
    found = fdmc.fault_tree(tree, uncertainty=20_000, seed=5).uncertainty
    sigma = math.log(3) / stats.norm.ppf(0.95)
    law = stats.lognorm(sigma, scale=1e-3 * math.exp(-(sigma**2) / 2))
    for level, e in found.quantiles.items():
        wide = (e.high - e.low) / 2 * 4.9 / 1.96
        assert abs(e.best - law.ppf(level)) < wide
    assert abs(found.mean.best - 1e-3) < 4.9 / 1.96 * found.mean.width / 2
    assert found.quantities == ("event e0",)


def test_trials_are_the_same_however_many_are_asked_for():
    tree = vote(1, 1, BasicEvent(Call("uniform-deviate", (0.0, 1.0))))
    short = fdmc.fault_tree(tree, uncertainty=3).uncertainty.mean.best
    keys = score_keys(0, ("event e0",))
    from_long = scores(keys, 0, 5000)[0, :3]
    assert np.array_equal(scores(keys, 2, 3)[0], from_long[2:])
    assert short == pytest.approx(stats.norm.cdf(from_long).mean(), rel=1e-6)


def test_a_model_without_deviates_has_no_uncertainty():
    with pytest.raises(ValueError, match="no uncertain quantity"):
        fdmc.fault_tree(vote(1, 2, BasicEvent(0.1)), uncertainty=10)


EVENT_TREE = """<opsa-mef>
  <define-initiating-event name="leak" event-tree="response"/>
  <define-event-tree name="response">
    <define-functional-event name="valve"/><define-functional-event name="drain"/>
    <define-sequence name="safe"/><define-sequence name="spill"/>
    <initial-state>
      <fork functional-event="valve">
        <path state="closes"><collect-formula><not><gate name="stuck"/></not></collect-formula>
          <sequence name="safe"/></path>
        <path state="stays"><collect-formula><gate name="stuck"/></collect-formula>
          <fork functional-event="drain">
            <path state="yes"><collect-expression><float value="0.9"/></collect-expression>
              <sequence name="safe"/></path>
            <path state="no"><collect-expression><float value="0.1"/></collect-expression>
              <sequence name="spill"/></path>
          </fork>
        </path>
      </fork>
    </initial-state>
  </define-event-tree>
  <define-fault-tree name="valve"><define-gate name="stuck">
    <or><basic-event name="seat"/><basic-event name="actuator"/></or></define-gate>
    <define-basic-event name="seat"><float value="0.02"/></define-basic-event>
    <define-basic-event name="actuator"><float value="0.05"/></define-basic-event>
  </define-fault-tree>
</opsa-mef>"""


def test_sequences_of_event_trees_share_out_one(tmp_path):
    path = tmp_path / "leak.xml"
    path.write_text(EVENT_TREE)
    found = fdmc.fault_tree(str(path)).sequences["leak"]
    stuck = 1 - 0.98 * 0.95
    assert found["spill"].best == pytest.approx(stuck * 0.1)
    assert found["safe"].best + found["spill"].best == pytest.approx(1.0)


def test_gradients_are_the_slopes_of_exact_values():
    top = fdmc.TopProbability(COOLANT)
    at = {"pump-rate": 2e-5, "pump-beta": 0.05, "feed-rate": 5e-6}
    value = lambda p: fdmc.fault_tree(COOLANT, parameters=p).probability.best
    with jax.enable_x64(True):
        slopes = jax.grad(lambda p: top(8760.0, p))({k: jnp.asarray(v) for k, v in at.items()})
        by_time = float(jax.grad(lambda t: top(t, at))(8000.0))
    for name, v in at.items():
        up, down = (value(at | {name: v * f}) for f in (1.001, 0.999))
        assert float(slopes[name]) == pytest.approx((up - down) / (0.002 * v), rel=1e-5)
    up, down = (
        fdmc.fault_tree(COOLANT, time_hours=t, parameters=at).probability.best
        for t in (8001.0, 7999.0)
    )
    assert by_time == pytest.approx((up - down) / 2, rel=1e-5)


def test_birnbaum_importance_is_the_gradient():
    top = fdmc.TopProbability(COOLANT)
    rows = {r.event: r for r in fdmc.fault_tree(COOLANT, importance=True).importance}
    p = top.event_probabilities(8760.0)
    with jax.enable_x64(True):
        slopes = jax.grad(top.of_events)(jnp.asarray(p))
    for name, slope in zip(top.events, slopes, strict=True):
        if name in rows:
            assert float(slope) == pytest.approx(rows[name].birnbaum, rel=1e-12)


def test_sweeps_over_times_and_house_events_are_one_vmap():
    top = fdmc.TopProbability(COOLANT)
    hours = jnp.array([500.0, 8760.0])
    exact = [fdmc.fault_tree(COOLANT, time_hours=float(t)).probability.best for t in hours]
    np.testing.assert_allclose(jax.vmap(top)(hours), exact, rtol=1e-5)
    states = jnp.array([0.0, 1.0])
    swept = jax.vmap(lambda on: top(8760.0, house={"maintenance": on}))(states)
    exact = [
        fdmc.fault_tree(COOLANT, house={"maintenance": bool(s)}).probability.best for s in states
    ]
    np.testing.assert_allclose(swept, exact, rtol=1e-5)


def test_dynamic_trees_have_no_top_probability():
    with pytest.raises(ValueError, match="order of failures"):
        fdmc.TopProbability(standby(0.1))
    tree = vote(1, 2, BasicEvent(0.1))
    coupled = dataclasses.replace(tree, dependencies={"d": Dependency("fdep", ("e0", "e1"))})
    with pytest.raises(ValueError, match="order of failures"):
        fdmc.TopProbability(coupled)


def test_parameters_may_be_shared_between_events():
    rate = Call("exponential", (Parameter("rate"), T))
    tree = dataclasses.replace(vote(2, 2, BasicEvent(rate)), parameters={"rate": 1e-3})
    slope = jax.grad(lambda r: fdmc.TopProbability(tree)(100.0, {"rate": r}))(1e-3)
    p, d = -math.expm1(-0.1), 100 * math.exp(-0.1)
    assert float(slope) == pytest.approx(2 * p * d, rel=1e-5)
