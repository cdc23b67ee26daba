"""Bounds, exactness and unequal directions against linear programs and partitions."""

import itertools

import jax.numpy as jnp
import numpy as np
import pytest
from _asymmetric_programs import ASYMMETRIC_PROGRAMS
from _linear_programs import LINEAR_PROGRAMS
from scipy.optimize import linprog
from test_fabric import RTOL, _seconds, _state

from fdmc.fabric import (
    ALGORITHMS,
    asymmetric_seconds,
    collective_bounds,
    collective_seconds,
    directed_link_state,
    directed_seconds,
    link_state,
)


def _left(rng, n, planes, touched_prob):
    left = rng.choice([0.0, 0.25, 0.75], (n, planes))
    return np.where(rng.random((n, planes)) < touched_prob, left, 1.0)


def _random_capacity(rng, n, planes, touched_prob):
    return _left(rng, n, planes, touched_prob) * rng.choice([1.0, 2.0], planes)


@pytest.mark.parametrize("op", LINEAR_PROGRAMS)
def test_bounds_hold_the_linear_program(op):
    rng, finite = np.random.default_rng(21), 0
    for touched_prob in (0.1, 0.2, 0.2, 0.3, 0.3, 0.4):
        capacity = _random_capacity(rng, 5, 3, touched_prob)
        state = _state(capacity)
        if state.min_link == 0:
            continue
        low, high = collective_bounds(op, 1.0, state)
        truth = LINEAR_PROGRAMS[op](capacity)
        assert low * (1 - RTOL) <= truth <= high * (1 + RTOL)
        assert not state.exact or low == high
        finite += np.isfinite(high) and not state.exact
    assert finite


@pytest.mark.parametrize("op", LINEAR_PROGRAMS)
def test_bounds_of_two_pairs_that_meet_on_a_slow_plane(op):
    # The lower form does not see the cut between the pairs; the upper one is what the slow plane alone carries.
    capacity = np.array([[1, 0, 0.1], [1, 0, 0.1], [0, 1, 0.1], [0, 1, 0.1]])
    low, high = collective_bounds(op, 1.0, _state(capacity))
    truth = LINEAR_PROGRAMS[op](capacity)
    assert low < 0.5 * truth
    assert truth <= high * (1 + RTOL)
    alone = _seconds(op, "optimal", np.full((4, 1), 0.1))
    np.testing.assert_allclose(high, alone, rtol=RTOL)


def _partitions(n):
    """Block numbers of every partition of n accelerators."""
    if n == 0:
        yield ()
        return
    for rest in _partitions(n - 1):
        for block in range(max(rest, default=-1) + 2):
            yield (*rest, block)


def _strength(capacity):
    """Tree packing: the worst partition's 2(|P|-1) over its cut (exponential)."""
    total, worst = capacity.sum(0), 0.0
    for number in _partitions(len(capacity)):
        blocks = max(number) + 1
        if blocks == 1:
            continue
        inside = np.array([capacity[np.array(number) == b].sum(0) for b in range(blocks)])
        cut = np.minimum(inside, total - inside).sum()
        worst = max(worst, 2 * (blocks - 1) / cut if cut else np.inf)
    return worst


def test_partitions_are_the_linear_program_too():
    rng = np.random.default_rng(22)
    for _ in range(4):
        capacity = _random_capacity(rng, 5, 3, 0.3) + 0.05
        np.testing.assert_allclose(_strength(capacity), LINEAR_PROGRAMS["all_reduce"](capacity))


@pytest.mark.parametrize("n", [7, 8])
def test_all_reduce_is_the_strength_of_larger_states(n):
    rng, seen = np.random.default_rng(n), 0
    while seen < 4:
        capacity = _random_capacity(rng, n, 4, 0.07)
        state = _state(capacity)
        if state.exact and state.min_link > 0 and capacity.min() < 1:
            seen += 1
            got = _seconds("all_reduce", "optimal", capacity)
            np.testing.assert_allclose(got, _strength(capacity), rtol=RTOL)


def _asymmetric(op, send, receive):
    up, down = jnp.asarray(send, jnp.float32), jnp.asarray(receive, jnp.float32)
    return asymmetric_seconds(op, 1.0, up, down, jnp.ones(up.shape[:-1], bool))


ONE_RATIO = ("all_to_all", "broadcast")  # need planes with one ratio of sending to receiving


@pytest.mark.parametrize("op", ASYMMETRIC_PROGRAMS)
def test_unequal_directions_are_the_linear_program(op):
    rng, seen = np.random.default_rng(23), {True: 0, False: 0}
    while min(seen.values()) < 4:
        send, receive = (_left(rng, 5, 2, 0.06) for _ in range(2))
        (send, receive)[rng.integers(2)][rng.integers(5)] *= rng.choice([0.2, 1.0])
        rates = rng.choice([1.0, 2.0], (2, 2))
        send, receive = send * rates[0], receive * rates[int(op not in ONE_RATIO)]
        if min(send.sum(1).min(), receive.sum(1).min()) == 0:
            continue
        exact = bool(_state(send).exact & _state(receive).exact)
        seen[exact] += 1
        if seen[exact] > 4:
            continue
        got, truth = _asymmetric(op, send, receive), ASYMMETRIC_PROGRAMS[op](send, receive)
        assert got <= truth * (1 + RTOL)
        if exact:
            np.testing.assert_allclose(got, truth, rtol=RTOL)


def test_all_to_all_over_planes_that_differ_by_direction_can_exceed_its_form():
    # Both directions pass the flag; planes that send twice as fast as they receive are the reason.
    send = np.array([[2.0, 0.0], [2.0, 1.0], [2.0, 1.0], [2.0, 1.0], [2.0, 1.0]])
    receive = np.array([[1.0, 2.0], [0.25, 1.5], [1.0, 2.0], [1.0, 2.0], [1.0, 2.0]])
    form, truth = (f("all_to_all", send, receive) for f in (_asymmetric, _asymmetric_program))
    assert _state(send).exact
    assert form < 0.99 * truth


def _asymmetric_program(op, send, receive):
    return ASYMMETRIC_PROGRAMS[op](send, receive)


@pytest.mark.parametrize("op", ASYMMETRIC_PROGRAMS)
def test_equal_directions_are_the_optimal_form(op):
    capacity = np.random.default_rng(24).uniform(0.5, 1.0, (3, 8, 4))
    got = _asymmetric(op, capacity, capacity)
    np.testing.assert_allclose(got, _seconds(op, "optimal", capacity), rtol=RTOL)


@pytest.mark.parametrize("op", ALGORITHMS)
def test_every_algorithm_with_equal_directions_is_that_of_links(op):
    capacity = jnp.asarray(np.random.default_rng(26).uniform(0.5, 1.0, (3, 8, 4)), jnp.float32)
    used = jnp.ones((3, 8), bool).at[1, 2].set(False)
    both, one = directed_link_state(capacity, capacity, used), link_state(capacity, used)
    for how in (*ALGORITHMS[op], ALGORITHMS[op]):
        got = directed_seconds(op, how, 3.0, both, 2.0, 0.01)
        np.testing.assert_allclose(got, collective_seconds(op, how, 3.0, one, 2.0, 0.01), rtol=RTOL)


def test_the_slowest_direction_sets_the_pace_of_an_algorithm():
    """By hand: one sends at 3.5 of 4, and two of four planes move less than all could."""
    ones = jnp.ones((4, 4))
    state = directed_link_state(ones.at[0, 0].set(0.5), ones, jnp.ones(4, bool))
    ring = directed_seconds("all_gather", "ring", 1.0, state, 1.0, 0.1)
    np.testing.assert_allclose(ring, 3 / 4 / 3.5 + 3 * 0.1, rtol=RTOL)
    switch = directed_seconds("all_reduce", "in_switch", 1.0, state)
    np.testing.assert_allclose(switch, 1.25 / 3.5, rtol=RTOL)
    # Nobody sends on plane 0, nobody receives on plane 1: each port has 3, and two planes pass on.
    apart = directed_link_state(ones.at[:, 0].set(0.0), ones.at[:, 1].set(0.0), jnp.ones(4, bool))
    assert (apart.min_send, apart.min_receive, apart.moved, apart.pace) == (3.0, 3.0, 8.0, 2.0)
    np.testing.assert_allclose(
        directed_seconds("all_to_all", "direct", 1.0, apart), 3 / 4 / 2, rtol=RTOL
    )
    with pytest.raises(ValueError, match="no closed form for all_gather/tree"):
        directed_seconds("all_gather", "tree", 1.0, apart)


def test_unequal_directions_count_participants_and_dead_ends():
    send, receive = jnp.ones((2, 4, 2)).at[1, 0].set(0.0), jnp.ones((2, 4, 2))
    used = jnp.ones((2, 4), bool)
    times = asymmetric_seconds("all_reduce", 1.0, send, receive, used)
    np.testing.assert_allclose(times, [0.75, np.inf])
    alive = asymmetric_seconds("all_reduce", 1.0, send, receive, used.at[:, 0].set(False))
    np.testing.assert_allclose(alive, 4 / 6, rtol=RTOL)
    assert np.all(asymmetric_seconds("all_gather", 1.0, send, receive, ~used) == 0)
    with pytest.raises(ValueError, match="no asymmetric form for 'scatter'"):
        asymmetric_seconds("scatter", 1.0, send, receive, used)


def test_direct_is_the_optimum_where_pairs_share_planes():
    """Without forwarding, over any split of each message among the planes that a pair shares."""
    rng = np.random.default_rng(25)
    for _ in range(4):
        capacity = _random_capacity(rng, 5, 3, 0.1) + 0.05
        if _state(capacity).exact:
            truth = _without_forwarding(capacity)
            np.testing.assert_allclose(_seconds("all_to_all", "direct", capacity), truth, rtol=RTOL)


def _without_forwarding(capacity):
    """Linear program: message i to j is split over planes; ports have their capacity."""
    n, planes = capacity.shape
    pairs = list(itertools.permutations(range(n), 2))
    upper, at, equal = [], [], []
    for node, k, end in itertools.product(range(n), range(planes), (0, 1)):
        row = np.zeros((len(pairs), planes))
        row[[pair[end] == node for pair in pairs], k] = 1.0
        upper.append(np.r_[0.0, row.ravel()])
        at.append(capacity[node, k])
    for m in range(len(pairs)):
        row = np.zeros((len(pairs), planes))
        row[m] = 1.0
        equal.append(np.r_[-1 / n, row.ravel()])
    goal = np.r_[-1.0, np.zeros(len(pairs) * planes)]
    return 1 / -linprog(goal, upper, at, equal, np.zeros(len(pairs)), method="highs").fun
