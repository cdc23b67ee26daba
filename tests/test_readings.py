"""One structure function, four readings: they agree with each other and with all states, one by one."""

import itertools

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import fdmc
from fdmc.collect import fault_states, fault_times
from fdmc.kernel import capacity
from fdmc.logic import Values, diagram, probability, structure
from fdmc.spec.fault_tree import BasicEvent, Call, FaultTree, Formula, Gate, MissionTime


HOURS = 100.0
Z = 4.9  # one false alarm in a million


@st.composite
def drawings(draw, ops=("and", "or", "atleast"), least=3, most=6):
    """Rates of the events, then (connective, arguments, k) of gates over what stands before them."""
    n = draw(st.integers(least, most))
    rates = draw(st.lists(st.floats(1e-3, 2e-2), min_size=n, max_size=n))
    names, gates = [f"e{i}" for i in range(n)], []
    for g in range(draw(st.integers(1, 5))):
        op = draw(st.sampled_from(ops))
        many = 2 if op in ("xor", "imply", "iff") else draw(st.integers(2, 4))
        many = 1 if op == "not" else min(many, len(names))
        args = tuple(draw(st.permutations(names))[:many])
        gates.append((op, args, draw(st.integers(1, many)) if op == "atleast" else 0))
        names.append(f"g{g}")
    return rates, gates


def build(drawing):
    """The tree of a drawing; made outside the strategy, whose run-time type checks would draw too."""
    rates, gates = drawing
    law = lambda rate: BasicEvent(Call("exponential", (rate, MissionTime())))
    events = {f"e{i}": law(rate) for i, rate in enumerate(rates)}
    named = {f"g{g}": Gate(Formula(*gate)) for g, gate in enumerate(gates)}
    return FaultTree("t", (f"g{len(gates) - 1}",), named, events)


def holds(tree, name, failed):
    """The value of a gate or event, recursively, from the words of its formula."""
    if name in tree.basic_events:
        return name in failed
    formula = tree.gates[name].formula
    args = [holds(tree, a, failed) for a in formula.args]
    if formula.op in ("xor", "iff"):
        return (args[0] != args[1]) == (formula.op == "xor")
    return {
        "and": all(args), "or": any(args), "atleast": sum(args) >= formula.least, "not": not args[0],
        "nand": not all(args), "nor": not any(args), "imply": not args[0] or args[-1],
    }[formula.op]  # fmt: skip


def states(tree):
    for pattern in itertools.product((0, 1), repeat=len(tree.basic_events)):
        yield {n for n, s in zip(tree.basic_events, pattern, strict=True) if s}, np.array(pattern)


EVERY = ("and", "or", "atleast", "not", "nand", "nor", "xor", "iff", "imply")


@settings(max_examples=40, deadline=None)
@given(drawings(EVERY))
def test_probability_is_the_state_reading_weighed(drawing):
    tree = build(drawing)
    lowered = structure(tree, tree.tops)
    p, found = Values(tree, HOURS).events(), diagram(lowered)
    total = 0.0
    for failed, pattern in states(tree):
        value = holds(tree, tree.tops[0], failed)
        assert float(probability(found, pattern.astype(float))[0]) == value
        total += value * np.prod(np.where(pattern, p, 1 - p))
    assert float(probability(found, p)[0]) == pytest.approx(total, rel=1e-12, abs=1e-300)


@pytest.mark.statistical
@settings(max_examples=12, deadline=None, derandomize=True)
@given(drawings(EVERY))
def test_states_are_drawn_as_the_probability_says(drawing):
    tree = build(drawing)
    lowered, n = structure(tree, tree.tops), 1 << 18
    p = Values(tree, HOURS).events()
    exact = min(max(float(probability(diagram(lowered), p)[0]), 0.0), 1.0)
    drawn = fault_states(lowered, p, replicas=n, estimator="crude", modules=False)
    error = np.sqrt(exact * (1 - exact) / n)
    assert abs(drawn[0].best - exact) <= Z * error + 1 / n


@pytest.mark.statistical
@settings(max_examples=5, deadline=None, derandomize=True)
@given(drawings())
def test_times_are_those_of_the_same_probability(drawing):
    tree = build(drawing)
    n = 1 << 17
    drawn = fault_times(tree, times=[HOURS / 2, HOURS], replicas=n)
    for t, e in zip(drawn.times_hours, drawn.unreliability, strict=True):
        exact = fdmc.fault_tree(tree, method="exact", time_hours=t).probability.best
        assert abs(e.best - exact) <= Z * np.sqrt(exact * (1 - exact) / n) + 1 / n


@settings(max_examples=30, deadline=None)
@given(drawings(("and", "or")))
def test_no_capacity_is_left_exactly_when_the_top_event_holds(drawing):
    tree = build(drawing)
    lowered = structure(tree, tree.tops)
    live = np.stack([1.0 - pattern for _, pattern in states(tree)], axis=1)
    left = np.asarray(capacity(lowered, jnp.asarray(live)))[0]
    for (failed, _), one in zip(states(tree), left, strict=True):
        assert (one == 0) == holds(tree, tree.tops[0], failed)


@pytest.mark.parametrize(("n", "need"), [(6, 5), (9, 8), (36, 32), (5, 2)])
def test_a_vote_has_the_capacity_of_a_counting_group(n, need):
    gate = Gate(Formula("atleast", tuple(f"e{i}" for i in range(n)), n - need + 1))
    tree = FaultTree("t", ("top",), {"top": gate}, {f"e{i}": BasicEvent(0.1) for i in range(n)})
    failed = np.arange(n + 1)
    live = (np.arange(n)[:, None] >= failed).astype(float)
    got = np.asarray(capacity(structure(tree, tree.tops), jnp.asarray(live)))[0]
    np.testing.assert_allclose(got / need, 1 - np.clip((failed - (n - need)) / need, 0, 1))


def test_capacity_refuses_what_failures_would_increase():
    tree = FaultTree(
        "t",
        ("top",),
        {"top": Gate(Formula("xor", ("a", "b")))},
        dict.fromkeys("ab", BasicEvent(0.1)),
    )
    with pytest.raises(ValueError, match="exclusive or"):
        capacity(structure(tree, tree.tops), jnp.ones(2))
    with pytest.raises(ValueError, match="negation"):
        capacity(structure(tree, [Formula("not", ("a",))]), jnp.ones(2))
