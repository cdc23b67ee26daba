"""The closed forms of collectives against linear programs: equal under the flag, bounds without."""

import itertools

import numpy as np
import pytest
from _linear_programs import LINEAR_PROGRAMS
from scipy.optimize import linprog
from test_fabric import RTOL, _seconds, _state


def _random_states(seed, count, exact, touched_prob):
    """Five accelerators on three planes; some links are dead, or have a part of their lanes."""
    rng = np.random.default_rng(seed)
    while count:
        left = rng.choice([0.0, 0.25, 0.75], (5, 3))
        touched = rng.random((5, 3)) < touched_prob
        capacity = np.where(touched, left, 1.0) * rng.choice([1.0, 2.0], 3)
        state = _state(capacity)
        if state.min_link > 0 and state.exact == exact and touched.any():
            count -= 1
            yield capacity


@pytest.mark.parametrize("op", LINEAR_PROGRAMS)
def test_optimal_is_the_linear_program(op):
    for capacity in _random_states(11, 6, exact=True, touched_prob=0.12):
        got = _seconds(op, "optimal", capacity)
        np.testing.assert_allclose(got, LINEAR_PROGRAMS[op](capacity), rtol=RTOL)


@pytest.mark.parametrize("op", LINEAR_PROGRAMS)
def test_optimal_is_a_bound_without_the_flag(op):
    for capacity in _random_states(12, 4, exact=False, touched_prob=0.4):
        assert _seconds(op, "optimal", capacity) <= LINEAR_PROGRAMS[op](capacity) * (1 + RTOL)


def test_bound_can_be_strict():
    # Two pairs that meet on one slow plane only: the closed form does not see the cut.
    capacity = [[1, 0, 0.1], [1, 0, 0.1], [0, 1, 0.1], [0, 1, 0.1]]
    assert not _state(capacity).exact
    truth = LINEAR_PROGRAMS["all_reduce"](capacity)
    assert _seconds("all_reduce", "optimal", capacity) < 0.5 * truth


def test_slow_links_clear_the_flag():
    # Every accelerator is attached to both planes, yet the optimum is 25 % above the form.
    capacity = [[1.0, 0.25], [0.25, 1.0], [0.25, 1.0]]
    assert not _state(capacity).exact
    truth = LINEAR_PROGRAMS["all_reduce"](capacity)
    form = _seconds("all_reduce", "optimal", capacity)
    np.testing.assert_allclose(truth, 1.25 * form, rtol=RTOL)


def _least_strength(n, attached):
    """The worst any weighted mix of planes with `attached` links can do, relative to the form.

    For a partition with the given block sizes the cut is linear in the weights of the planes, so
    a linear program finds the worst mix (weights alike under swaps inside a block suffice).
    """
    worst = np.inf
    for blocks in _block_sizes(n, n):
        if len(blocks) == 1:
            continue
        kinds = itertools.product(*[range(size + 1) for size in blocks])
        kinds = np.array([kind for kind in kinds if sum(kind) >= attached], float)
        total = kinds.sum(1)
        cut = np.minimum(total, 2 * (total - kinds.max(1)))
        at_least = np.vstack([(kinds / np.array(blocks)).T, total])
        needed = np.append(np.ones(len(blocks)), 2 * (n - 1))
        solved = linprog(cut, -at_least, -needed, method="highs")
        worst = min(worst, solved.fun / (2 * (len(blocks) - 1)))
    return worst


def _block_sizes(n, largest):
    if n == 0:
        yield ()
    for first in range(min(n, largest), 0, -1):
        for rest in _block_sizes(n - first, first):
            yield (first, *rest)


@pytest.mark.parametrize("n", range(3, 13))
def test_three_quarters_attached_is_sound_for_any_planes(n):
    assert _least_strength(n, 3 * n // 4 + 1) == pytest.approx(1.0, abs=1e-9)


def test_two_thirds_attached_is_a_rule_of_thumb():
    # Seven accelerators, some planes with 5 attached: the optimum can be 1/0.95 of the form.
    assert _least_strength(7, 5) == pytest.approx(0.95, abs=1e-9)
