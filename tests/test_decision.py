"""The probability reading on devices: a decision diagram, its value and its gradient."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from fdmc.kernel import decisions, top_probability
from fdmc.logic import diagram, structure
from fdmc.spec.fault_tree import BasicEvent, FaultTree, Formula, Gate


def lowered(formula, n, *more):
    events = {f"e{i}": BasicEvent(0.5) for i in range(n)}
    tree = FaultTree("t", ("top",), {"top": Gate(formula)}, events)
    return decisions(diagram(structure(tree, ["top", *more])))


def vote(n, k, *more):
    return lowered(Formula("atleast", tuple(f"e{i}" for i in range(n)), k), n, *more)


def brute(p, k):
    total = 0.0
    for state in itertools.product((0, 1), repeat=len(p)):
        weight = np.prod([q if s else 1 - q for s, q in zip(state, p, strict=True)])
        total += weight * (sum(state) >= k)
    return total


@pytest.mark.parametrize(("n", "k"), [(1, 1), (5, 3), (9, 2)])
def test_value_and_gradient_are_those_of_all_states(n, k):
    p = np.random.default_rng(n).uniform(0.01, 0.6, n)
    table = vote(n, k)
    with jax.enable_x64(True):
        value, slope = jax.value_and_grad(lambda x: top_probability(table, x)[0])(jnp.asarray(p))
    assert float(value) == pytest.approx(brute(p, k), rel=1e-12)
    for i in range(n):
        up, down = (brute(np.where(np.arange(n) == i, v, p), k) for v in (1.0, 0.0))
        assert float(slope[i]) == pytest.approx(up - down, rel=1e-10)


def test_several_roots_negated_and_plain():
    never = Formula("not", (Formula("xor", ("e0", "e1")),))
    got = top_probability(vote(3, 2, "e1", never, True), jnp.asarray([0.1, 0.2, 0.3]))
    xor = 0.1 * 0.8 + 0.9 * 0.2
    np.testing.assert_allclose(got, [0.098, 0.2, 1 - xor, 1.0], rtol=1e-6)


def test_lanes_are_batches_and_vmap_agrees():
    p = jnp.asarray(np.random.default_rng(0).uniform(0, 1, (7, 33)), jnp.float32)
    table = vote(7, 4)
    lanes = top_probability(table, p)
    one = jax.vmap(lambda x: top_probability(table, x), in_axes=1, out_axes=1)(p)
    np.testing.assert_allclose(lanes, one, rtol=1e-6)


def test_a_wide_diagram_fills_several_blocks():
    table = vote(150, 70)
    assert table.up.shape[0] > 150
    with jax.enable_x64(True):
        got = top_probability(table, jnp.full(150, 0.4))
    assert float(got[0]) == pytest.approx(stats.binom.sf(69, 150, 0.4), rel=1e-11)


def test_small_probabilities_keep_their_digits_in_float32():
    got = top_probability(vote(4, 4), jnp.full(4, 1e-4, jnp.float32))
    assert float(got[0]) == pytest.approx(1e-16, rel=1e-6)
