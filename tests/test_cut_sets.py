"""Minimal cut sets against every state of small trees, and published counts."""

import itertools
import math

import numpy as np
import pytest
from _structures import (
    aralia,
    gates,
    make,
    minimal_sets,
    needs_reference,
    random_structure,
    truth,
    values_of,
)
from hypothesis import given, settings, strategies as st

from fdmc.logic import (
    BudgetError,
    Kind,
    count_by_order,
    count_cut_sets,
    cut_sets,
    diagram,
    most_probable,
)


seeds = st.integers(0, 2**32 - 1)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(seeds, st.booleans())
def test_random_trees_against_every_state(seed, coherent):
    structure = random_structure(seed, events=8, gates=10, roots=2, coherent=coherent)
    families = cut_sets(diagram(structure))
    p = np.random.default_rng(seed).uniform(0, 1, 8)
    for root, holds in enumerate(truth(structure).T):
        expected = minimal_sets(holds)
        found = list(most_probable(families, p, root=root))
        assert {frozenset(members) for _, members in found} == expected
        assert len(found) == len(expected) == count_cut_sets(families)[root]
        orders = [0] * (max(map(len, expected), default=-1) + 1)
        for members in expected:
            orders[len(members)] += 1
        assert count_by_order(families)[root] == orders
        for prob, members in found:
            assert prob == pytest.approx(math.prod(p[e] for e in members), rel=1e-12)
        probs = [prob for prob, _ in found]
        assert all(a >= b * (1 - 1e-12) for a, b in itertools.pairwise(probs))


@settings(max_examples=50, deadline=None, derandomize=True)
@given(seeds, st.floats(0.001, 0.5), st.integers(0, 5))
def test_cut_off_and_limit_give_the_first_of_all(seed, cutoff, limit):
    families = cut_sets(diagram(random_structure(seed, events=8, gates=10, coherent=True)))
    p = np.random.default_rng(seed).uniform(0, 1, 8)
    every = list(most_probable(families, p))
    assert list(most_probable(families, p, limit=limit)) == every[:limit]
    assert list(most_probable(families, p, cutoff=cutoff)) == [s for s in every if s[0] >= cutoff]


def product_of_sums(groups: int, size: int):
    """(OR of the first `size` events) AND (OR of the next) AND ..., each a module."""
    rows: list[tuple[Kind, int, list[int]]] = []
    for g in range(groups):
        rows.append((Kind.OR, 0, [2 * (1 + g * size + i) for i in range(size)]))
    events = groups * size
    rows.append((Kind.AND, 0, [2 * (1 + events + g) for g in range(groups)]))
    return gates(events, *rows)


def test_counts_beyond_floating_point_are_exact():
    families = cut_sets(diagram(product_of_sums(40, 7)))
    assert count_cut_sets(families) == [7**40]
    assert count_by_order(families) == [[0] * 40 + [7**40]]
    assert len(families.variable) < 400


def test_the_best_of_astronomically_many_are_found():
    families = cut_sets(diagram(product_of_sums(40, 7)))
    p = np.tile([0.9, 0.5, 0.1, 0.1, 0.1, 0.1, 0.1], 40)
    found = list(most_probable(families, p, limit=41))
    assert found[0][1] == tuple(range(0, 280, 7))
    assert found[0][0] == pytest.approx(0.9**40)
    assert [prob for prob, _ in found[1:]] == pytest.approx([0.9**39 * 0.5] * 40)
    assert len({members for _, members in found}) == 41


def test_votes_have_binomially_many():
    families = cut_sets(diagram(gates(30, (Kind.VOTE, 12, list(range(2, 62, 2))))))
    assert count_cut_sets(families) == [math.comb(30, 12)]


def test_impossible_events_are_still_in_cut_sets():
    families = cut_sets(diagram(gates(2, (Kind.OR, 0, [2, 4]))))
    assert list(most_probable(families, np.array([0.0, 0.5]))) == [(0.5, (1,)), (0.0, (0,))]


def test_negated_events_are_left_out():
    # a and not b, or b and not a: each alone, and both together is no solution of less
    families = cut_sets(diagram(gates(2, (Kind.XOR, 0, [2, 4]))))
    assert [members for _, members in most_probable(families, np.full(2, 0.5))] == [(0,), (1,)]


def test_constants_events_and_negations_as_roots():
    families = cut_sets(diagram(make(2, [], [], [0], [], [0, 1, 2, 5])))
    assert count_cut_sets(families) == [0, 1, 1, 1]
    assert count_by_order(families) == [[], [1], [0, 1], [1]]
    found = [list(most_probable(families, np.array([0.3, 0.1]), root=r)) for r in range(4)]
    assert found == [[], [(1.0, ())], [(0.3, (0,))], [(1.0, ())]]


def test_a_budget_is_reached_and_said():
    n = 24
    rng = np.random.default_rng(4)
    rows = [(Kind.OR, 0, (2 * rng.choice(n, 3, replace=False) + 2).tolist()) for _ in range(n)]
    rows.append((Kind.AND, 0, [2 * (n + 1 + g) for g in range(n)]))
    found = diagram(gates(n, *rows))
    with pytest.raises(BudgetError, match="No minimal cut sets within 50 families"):
        cut_sets(found, node_budget=50)


def test_probabilities_are_counted():
    families = cut_sets(diagram(random_structure(1)))
    with pytest.raises(ValueError, match="7 probabilities are needed, but 3 came"):
        most_probable(families, np.zeros(3))


COUNTS = values_of("number of minimal cut sets")
SLOW = {"edf9204", "edfpa14r", "edf9203", "edfpa14q"}  # each has a smaller sister that stays


@needs_reference
@pytest.mark.parametrize("name", sorted(COUNTS.keys() - SLOW))
def test_published_counts(name):
    structure, _ = aralia(name)
    families = cut_sets(diagram(structure))
    assert count_cut_sets(families) == [COUNTS[name]]
    assert sum(count_by_order(families)[0]) == COUNTS[name]
