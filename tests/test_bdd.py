"""The exact engine against every state of small trees, closed forms, and published trees."""

import itertools
import math
import time

import numpy as np
import pytest
from _structures import (
    aralia,
    gates,
    make,
    needs_reference,
    random_structure,
    states,
    truth,
    values_of,
    weights,
)
from hypothesis import given, settings, strategies as st

from fdmc.logic import BudgetError, Diagram, Kind, diagram, gradient, probabilities, probability
from fdmc.logic.diagrams._modules import group, module_gates, twins
from fdmc.logic.diagrams._simplify import Net, simplify


RTOL = 1e-12  # float64, a few hundred operations
seeds = st.integers(0, 2**32 - 1)


def by_hand(diagram: Diagram, p: np.ndarray) -> np.ndarray:
    """The evaluation that the docstring of Diagram describes, one node after the other."""
    value = [0.0, 1.0, *p, *(1 - p)]
    for i in range(diagram.nodes):
        up, down = value[diagram.up[i]], value[diagram.down[i]]
        value.append(up * value[diagram.high[i]] + down * value[diagram.low[i]])
    return np.array([value[root] for root in diagram.roots])


def net_truth(net: Net) -> np.ndarray:
    rows = [(kind, need, list(args)) for kind, need, args in net.rows]
    found = gates(net.events, *rows)
    return truth(make(net.events, found.kind, found.need, found.offset, found.child, net.roots))


@settings(max_examples=150, deadline=None, derandomize=True)
@given(seeds)
def test_random_trees_against_every_state(seed):
    structure = random_structure(seed, roots=3)
    p = np.random.default_rng(seed).uniform(0, 1, 7)
    found = diagram(structure)
    expected = weights(p) @ truth(structure)
    np.testing.assert_allclose(probability(found, p), expected, rtol=RTOL)
    np.testing.assert_allclose(by_hand(found, p), expected, rtol=RTOL)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(seeds)
def test_gradients_against_every_state(seed):
    structure = random_structure(seed, roots=2)
    p = np.random.default_rng(seed).uniform(0, 1, 7)
    holds = truth(structure)
    value, slope = gradient(diagram(structure), p)
    np.testing.assert_allclose(value, weights(p) @ holds, rtol=RTOL)
    for e, failed in enumerate(states(7).T):
        rest = weights(np.delete(p, e))
        expected = rest @ holds[failed].astype(float) - rest @ holds[~failed]
        np.testing.assert_allclose(slope[:, e], expected, rtol=RTOL, atol=1e-14)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(seeds)
def test_rewriting_changes_no_state(seed):
    structure = random_structure(seed, roots=3)
    simple = simplify(structure)
    together = twins(simple)
    for net in (simple, together, group(together)):
        np.testing.assert_array_equal(net_truth(net), truth(structure))


@settings(max_examples=100, deadline=None, derandomize=True)
@given(seeds)
def test_modules_against_their_definition(seed):
    net = simplify(random_structure(seed, events=10, gates=12, roots=2))
    above: dict[int, set[int]] = {n: set() for n in range(net.first + len(net.rows))}
    for g, (_, _, args) in enumerate(net.rows):
        for a in args:
            above[a >> 1].add(net.first + g)
    for root in net.roots:
        above[root >> 1].add(-1)

    def below(gate: int) -> set[int]:
        found, work = set(), [gate]
        while work:
            for a in net.arguments(work.pop()):
                if a >> 1 not in found:
                    found.add(a >> 1)
                    work.append(a >> 1)
        return found

    expected = set()
    for gate in range(net.first, net.first + len(net.rows)):
        inside = below(gate) | {gate}
        if all(above[node] <= inside for node in inside - {gate}):
            expected.add(gate)
    assert module_gates(net) == expected


def test_shared_arguments_become_modules():
    # e0 and e1 stand together under two gates; e2 e3 share with nobody else inside the top gate
    AND, OR = Kind.AND, Kind.OR
    structure = gates(
        6,
        (OR, 0, [2, 4, 10]),
        (OR, 0, [2, 4, 12]),
        (AND, 0, [14, 16]),
        (AND, 0, [6, 8]),
        (OR, 0, [6, 20]),
        (OR, 0, [18, 20, 22]),
    )
    found = diagram(structure)
    assert len(found.module) > 2
    p = np.linspace(0.1, 0.6, 6)
    np.testing.assert_allclose(probability(found, p), weights(p) @ truth(structure), rtol=RTOL)


@pytest.mark.parametrize(("n", "k"), [(1, 1), (5, 3), (40, 7), (200, 150)])
def test_k_of_n_is_binomial(n, k):
    found = diagram(gates(n, (Kind.VOTE, k, list(range(2, 2 * n + 2, 2)))))
    q = 0.01 if k < 20 else 0.7
    exact = math.fsum(math.comb(n, j) * q**j * (1 - q) ** (n - j) for j in range(k, n + 1))
    value, slope = gradient(found, np.full(n, q))
    assert value[0] == pytest.approx(exact, rel=1e-11)
    critical = math.comb(n - 1, k - 1) * q ** (k - 1) * (1 - q) ** (n - k)
    np.testing.assert_allclose(slope[0], critical, rtol=1e-9)
    assert found.nodes <= k * (n - k + 1)


@pytest.mark.parametrize("shared", [False, True])
def test_deep_chains(shared):
    depth = 10_000
    rows = [(Kind.AND, 0, [2, 4])]
    for g in range(1, depth):
        event = 2 * (1 + g % 7) if shared else 2 * (g + 2)
        rows.append((Kind(g % 2), 0, [2 * (depth + 1 + g), event]))
    structure = gates(depth + 1, *rows)
    found = diagram(structure)
    p = np.random.default_rng(3).uniform(0.3, 0.7, depth + 1)
    if shared:
        few = random_free(structure, 7)
        assert probability(found, p)[0] == pytest.approx(weights(p[:7]) @ few, rel=RTOL)
    else:
        expected = p[0] * p[1]
        for g in range(1, depth):
            q = p[g + 1]
            expected = expected * q if g % 2 == 0 else expected + q - expected * q
        assert probability(found, p)[0] == pytest.approx(expected, rel=1e-10)


def random_free(structure, used: int) -> np.ndarray:
    """The root in every state of the first `used` events; no other event may matter."""
    value = dict(zip(range(1, used + 1), states(used).T, strict=True))
    for g, kind in enumerate(structure.kind):
        args = np.array([value[int(a) >> 1] for a in structure.arguments(g)])
        node = 1 + len(structure.events) + g
        value[node] = args.all(0) if kind == Kind.AND else args.any(0)
    return value[int(structure.roots[0]) >> 1].astype(float)


def test_small_probabilities_keep_their_digits():
    # (a or b) and (a or c) and not d, five times over, all of it unlikely: no 1 - (1 - x) survives here
    OR, AND = Kind.OR, Kind.AND
    rows, tops = [], []
    for copy in range(5):
        e = [8 * copy + 2 * i for i in range(1, 5)]
        first = 2 * (21 + len(rows))
        rows += [
            (OR, 0, [e[0], e[1]]),
            (OR, 0, [e[0], e[2]]),
            (AND, 0, [first, first + 2, e[3] ^ 1]),
        ]
        tops.append(first + 4)
    rows.append((AND, 0, tops))
    p = np.tile([1e-13, 2e-9, 3e-5, 1 - 2**-40], 5)
    one = (p[0] + (1 - p[0]) * p[1] * p[2]) * 2.0**-40
    assert probability(diagram(gates(20, *rows)), p)[0] == pytest.approx(one**5, rel=1e-13)


def test_negated_modules_keep_their_digits():
    # the top is "the module works", which is nearly impossible: 1 - P(module) would be all rounding
    AND, OR, XOR = Kind.AND, Kind.OR, Kind.XOR
    p = np.array([1 - 2**-50, 1 - 2**-49, 0.25, 0.5])
    rows = [(OR, 0, [2, 4]), (XOR, 0, [6, 8]), (XOR, 0, [10, 12]), (AND, 0, [14, 10 ^ 1])]
    found = probability(diagram(gates(4, *rows)), p)[0]
    assert found == pytest.approx(2.0**-99 * 0.5, rel=1e-13)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(seeds, st.integers(0, 200))
def test_trials_agree_with_single_evaluations(seed, trials):
    found = diagram(random_structure(seed, roots=2))
    p = np.random.default_rng(seed).uniform(0, 1, (trials, 7))
    together = probabilities(found, p)
    assert together.shape == (trials, 2)
    for row, one in zip(together, p, strict=True):
        np.testing.assert_allclose(row, probability(found, one), rtol=1e-14)


def test_constants_events_and_negations_as_roots():
    structure = make(2, [], [], [0], [], [0, 1, 2, 5])
    value, slope = gradient(diagram(structure), np.array([0.3, 0.1]))
    np.testing.assert_allclose(value, [0, 1, 0.3, 0.9])
    np.testing.assert_allclose(slope, [[0, 0], [0, 0], [1, 0], [0, -1]])


def test_children_come_first():
    found = diagram(random_structure(11, roots=3))
    slot = found.first + np.arange(found.nodes)
    for column in (found.up, found.down, found.high, found.low):
        assert (column < slot).all()
        assert (column >= 0).all()


def hard(n: int = 60):
    """Random 3-clauses over n events: nothing known makes its diagram small."""
    rng = np.random.default_rng(5)
    rows = [(Kind.OR, 0, (2 * rng.choice(n, 3, replace=False) + 2).tolist()) for _ in range(3 * n)]
    rows.append((Kind.AND, 0, [2 * (n + 1 + g) for g in range(3 * n)]))
    return gates(n, *rows)


def test_a_node_budget_is_reached_quickly_and_said():
    start = time.monotonic()
    with pytest.raises(BudgetError, match=r"within 20,000 nodes: a module of 1\d\d gates .*FORCE"):
        diagram(hard(), node_budget=20_000)
    assert time.monotonic() - start < 5


def test_a_time_budget_is_kept():
    diagram(random_structure(1))  # compiled
    start = time.monotonic()
    with pytest.raises(BudgetError, match=r"within 0.5 s"):
        diagram(hard(120), node_budget=1 << 26, seconds=0.5)
    assert time.monotonic() - start < 4


@pytest.mark.parametrize("budgets", [{"node_budget": 0}, {"seconds": 0.0}])
def test_budgets_are_positive(budgets):
    with pytest.raises(ValueError, match="Budgets are positive"):
        diagram(random_structure(1), **budgets)


@pytest.mark.parametrize("p", [[0.1] * 6, [0.1] * 6 + [1.1], [0.1] * 6 + [math.nan]])
def test_probabilities_are_checked(p):
    with pytest.raises(ValueError, match="probabilities are needed|lie in"):
        probability(diagram(random_structure(1)), np.array(p))


def test_an_xor_of_many_stays_small():
    n = 500
    found = diagram(gates(n, (Kind.XOR, 0, list(range(2, 2 * n + 2, 2)))))
    p = np.linspace(0.0, 0.001, n)
    assert probability(found, p)[0] == pytest.approx((1 - np.prod(1 - 2 * p)) / 2, rel=1e-12)
    assert found.nodes < 2 * n


def test_equal_gates_behind_de_morgan_are_one():
    # not (a and b) against (not a or not b): their XOR is false
    rows = [(Kind.AND, 0, [2, 4]), (Kind.OR, 0, [3, 5]), (Kind.XOR, 0, [6 ^ 1, 8])]
    assert simplify(gates(2, *rows)).roots == (0,)


def test_votes_fold_constants_and_pairs():
    for need, args in itertools.product(range(1, 6), [[1, 2, 4, 0, 6], [2, 3, 4, 4, 6]]):
        structure = gates(3, (Kind.VOTE, need, args))
        np.testing.assert_array_equal(net_truth(simplify(structure)), truth(structure))


EXACT = values_of("P(top)")
SLOW = {"edf9204", "edfpa14r", "edf9203", "edfpa14q"}  # each has a smaller sister that stays


@needs_reference
@pytest.mark.parametrize("name", sorted(EXACT.keys() - SLOW))
def test_published_trees(name):
    structure, p = aralia(name)
    assert probability(diagram(structure), p)[0] == pytest.approx(EXACT[name], rel=1e-9)
