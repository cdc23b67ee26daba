"""Collective times on degraded fabrics against linear programs that know no closed form."""

import itertools
import json
import os
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import linprog

from fdmc.fabric import ALGORITHMS, LinkState, bus_factor, collective_seconds, link_state


RTOL = 2e-6  # deterministic, float32
EVERY_FORM = [(op, algorithm) for op in ALGORITHMS for algorithm in ALGORITHMS[op]]
REFERENCE = Path(
    os.environ.get("FDMC_REFERENCE", Path(__file__).parents[2] / "shared" / "reference")
)


def _state(capacity, used=None):
    capacity = jnp.asarray(capacity, jnp.float32)
    return link_state(capacity, jnp.ones(capacity.shape[:-1], bool) if used is None else used)


def _seconds(op, algorithm, capacity):
    return collective_seconds(op, algorithm, 1.0, _state(capacity))


class _Fabric:
    """Flows over accelerators and planes: maximise the rate of a collective with payload 1.

    Variables are the rate, the traffic `d[i, j, k]` from `i` to `j` over plane `k`, and flows
    `f[v, i, j]` inside it. By Edmonds' theorem trees that reach everyone with a total rate fit
    into `d` exactly when each accelerator alone can receive a flow of that rate.
    """

    def __init__(self, capacity, commodities):
        self.capacity = np.asarray(capacity, float)
        self.n, self.planes = self.capacity.shape
        self.source, self.target = np.nonzero(~np.eye(self.n, dtype=bool))
        self.width = 1 + len(self.source) * (self.planes + commodities)
        self.upper, self.equal = [], []

    def traffic(self, arcs, k):
        row = np.zeros(self.width)
        row[1 + np.flatnonzero(arcs) * self.planes + k] = 1.0
        return row

    def flow(self, arcs, commodity):
        row = np.zeros(self.width)
        row[1 + len(self.source) * (self.planes + commodity) + np.flatnonzero(arcs)] = 1.0
        return row

    def balance(self, commodity, node):
        arriving = self.flow(self.target == node, commodity)
        return arriving - self.flow(self.source == node, commodity)

    def limit_ports(self, reversed_too):
        """Each port sends and receives at most its capacity; trees may be used both ways."""
        for i, k in itertools.product(range(self.n), range(self.planes)):
            sends = self.traffic(self.source == i, k)
            receives = self.traffic(self.target == i, k)
            rows = [sends + receives] if reversed_too else [sends, receives]
            self.upper += [(row, self.capacity[i, k]) for row in rows]

    def flows_within_traffic(self, commodities):
        """`commodities` share an arc: one each for trees, all of them for plain messages."""
        for arc in np.eye(len(self.source)):
            flows = sum(self.flow(arc, commodity) for commodity in commodities)
            self.upper.append((flows - sum(self.traffic(arc, k) for k in range(self.planes)), 0.0))

    def seconds(self):
        def stack(rows):
            return (np.array([r for r, _ in rows]), [b for _, b in rows]) if rows else (None, None)

        goal = np.zeros(self.width)
        goal[0] = -1.0
        (upper, upper_at), (equal, equal_at) = stack(self.upper), stack(self.equal)
        solved = linprog(goal, upper, upper_at, equal, equal_at, method="highs")
        assert solved.status == 0
        return 1 / -solved.fun


def _lp_trees(capacity, root, reversed_too):
    """Broadcast from `root`; with the trees used in both directions, all-reduce."""
    n = len(capacity)
    lp = _Fabric(capacity, n)
    lp.limit_ports(reversed_too)
    for v in set(range(n)) - {root}:
        lp.flows_within_traffic([v])
        for node in set(range(n)) - {root}:
            row = lp.balance(v, node)
            row[0] = -1.0 if node == v else 0.0
            lp.equal.append((row, 0.0))
    return lp.seconds()


def _lp_all_gather(capacity):
    """Trees from a super source that feeds 1/n of the rate into each accelerator."""
    n = len(capacity)
    lp = _Fabric(capacity, n)
    lp.limit_ports(reversed_too=False)
    for v in range(n):
        lp.flows_within_traffic([v])
        for node in range(n):
            row = lp.balance(v, node)
            row[0] = 1 / n - (node == v)
            lp.equal.append((row, 0.0))
    return lp.seconds()


def _lp_all_to_all(capacity):
    """Commodity `s` leaves accelerator `s`, 1/n of the payload to each; others may forward."""
    n = len(capacity)
    lp = _Fabric(capacity, n)
    lp.limit_ports(reversed_too=False)
    lp.flows_within_traffic(range(n))
    for s, node in itertools.product(range(n), range(n)):
        if s != node:
            row = lp.balance(s, node)
            row[0] = -1 / n
            lp.equal.append((row, 0.0))
    return lp.seconds()


LINEAR_PROGRAMS = {
    "all_reduce": lambda c: _lp_trees(c, 0, reversed_too=True),
    "all_gather": _lp_all_gather,
    "reduce_scatter": _lp_all_gather,  # the same flows, backwards
    "all_to_all": _lp_all_to_all,
    "broadcast": lambda c: _lp_trees(c, 0, reversed_too=False),
}


def _random_states(seed, count, exact, down_prob):
    rng = np.random.default_rng(seed)
    while count:
        capacity = (rng.random((5, 3)) > down_prob) * rng.choice([1.0, 2.0], 3)
        state = _state(capacity)
        if state.min_link > 0 and state.exact == exact and not np.all(capacity > 0):
            count -= 1
            yield capacity


@pytest.mark.parametrize("op", LINEAR_PROGRAMS)
def test_optimal_is_the_linear_program(op):
    for capacity in _random_states(11, 5, exact=True, down_prob=0.15):
        got = _seconds(op, "optimal", capacity)
        np.testing.assert_allclose(got, LINEAR_PROGRAMS[op](capacity), rtol=RTOL)


@pytest.mark.parametrize("op", LINEAR_PROGRAMS)
def test_optimal_is_a_bound_without_the_flag(op):
    for capacity in _random_states(12, 4, exact=False, down_prob=0.4):
        assert _seconds(op, "optimal", capacity) <= LINEAR_PROGRAMS[op](capacity) * (1 + RTOL)


def test_bound_can_be_strict():
    # Two pairs that meet on one slow plane only: the closed form does not see the cut.
    capacity = [[1, 0, 0.1], [1, 0, 0.1], [0, 1, 0.1], [0, 1, 0.1]]
    assert not _state(capacity).exact
    truth = LINEAR_PROGRAMS["all_reduce"](capacity)
    assert _seconds("all_reduce", "optimal", capacity) < 0.5 * truth


def test_flag_is_blind_to_slow_links():
    # Every accelerator is attached to both planes, yet the optimum is 25 % above the form.
    capacity = [[1.0, 0.25], [0.25, 1.0], [0.25, 1.0]]
    assert _state(capacity).exact
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


@pytest.mark.parametrize(
    ("op", "algorithm", "expected"),
    [
        ("all_reduce", "optimal", 14 / 28),
        ("all_reduce", "ring", 2 * 7 / 8 / 3),
        ("all_reduce", "in_switch", np.inf),
        ("all_gather", "optimal", 7 / 8 / 3),
        ("all_gather", "ring", 7 / 8 / 3),
        ("reduce_scatter", "ring", 7 / 8 / 3),
        ("reduce_scatter", "optimal", 7 / 8 / 3),
        ("all_to_all", "optimal", 7 / 8 / 3),
        ("broadcast", "optimal", 1 / 3),
    ],
)
def test_eight_accelerators_that_lost_different_planes(op, algorithm, expected):
    capacity = np.ones((8, 4)) - np.eye(8, 4)
    np.testing.assert_allclose(_seconds(op, algorithm, capacity), expected, rtol=RTOL)


def test_in_switch_needs_everyone_on_the_plane():
    capacity = np.ones((8, 4)) - np.eye(8, 4) * np.array([1, 0.5, 0, 0])
    got = _seconds("all_reduce", "in_switch", capacity)
    np.testing.assert_allclose(got, 9 / 8 / 2.5, rtol=RTOL)


@pytest.mark.parametrize("n", [4, 6, 8])
def test_only_the_optimal_all_reduce_hides_a_slow_accelerator(n):
    healthy, slow = np.ones((n, 2)), np.ones((n, 2))
    slow[0] = 0.5
    ring = _seconds("all_reduce", "ring", healthy)
    assert _seconds("all_reduce", "optimal", slow) / ring == pytest.approx(n / (n - 1), rel=RTOL)
    assert _seconds("all_reduce", "ring", slow) / ring == pytest.approx(2.0, rel=RTOL)


def test_state_counts_participants_only():
    capacity = np.ones((4, 6, 3), np.float32)
    capacity[1, 5] = 0.25  # not a participant there
    capacity[2, 0, 1] = 0.0
    capacity[3, :, 2] = 0.0  # a dead plane
    used = np.ones((4, 6), bool)
    used[1, 5] = False
    used[0] = False
    state = link_state(jnp.asarray(capacity), jnp.asarray(used))
    np.testing.assert_array_equal(state.used, [0, 5, 6, 6])
    np.testing.assert_array_equal(state.min_link, [0, 3, 2, 2])
    np.testing.assert_array_equal(state.sum_link, [0, 15, 17, 12])
    np.testing.assert_array_equal(state.sum_plane_min, [0, 3, 2, 2])
    np.testing.assert_array_equal(state.exact, True)


@pytest.mark.parametrize(("attached", "exact"), [(0, True), (1, False), (4, False), (5, True)])
def test_flag_counts_more_than_two_thirds(attached, exact):
    capacity = np.ones((6, 2))
    capacity[attached:, 1] = 0.0
    assert bool(_state(capacity).exact) is exact


@pytest.mark.parametrize(("op", "algorithm"), EVERY_FORM)
def test_batches_payloads_and_units(op, algorithm):
    capacity = np.random.default_rng(3).uniform(0.5, 1.0, (3, 2, 8, 4))
    batch = collective_seconds(op, algorithm, jnp.array([1e9, 2e9]), _state(capacity), 50e9)
    assert batch.shape == (3, 2)
    alone = _seconds(op, algorithm, capacity[1, 1])
    np.testing.assert_allclose(batch[1, 1], alone * 2e9 / 50e9, rtol=RTOL)


def test_two_exchange_over_their_slower_link():
    assert _seconds("all_reduce", "ring", [[2.0, 1.0], [2.0, 2.0]]) == pytest.approx(1 / 3)
    assert _seconds("all_reduce", "optimal", [[2.0, 1.0], [2.0, 2.0]]) == pytest.approx(1 / 3)


@pytest.mark.parametrize(("op", "algorithm"), EVERY_FORM)
def test_nobody_waits_alone(op, algorithm):
    for used in (np.zeros(8, bool), np.arange(8) == 3):
        state = _state(np.ones((8, 4)), jnp.asarray(used))
        assert collective_seconds(op, algorithm, 1e9, state) == 0


@pytest.mark.parametrize(("op", "algorithm"), EVERY_FORM)
def test_dead_fabric_is_infinite_with_finite_gradients(op, algorithm):
    def rate(capacity, size):
        return 1 / (1 + collective_seconds(op, algorithm, size, _state(capacity), 50e9))

    cut = np.ones((8, 4), np.float32)
    cut[0] = 0.0
    for capacity in (jnp.zeros((8, 4)), jnp.asarray(cut)):
        assert collective_seconds(op, algorithm, 1e9, _state(capacity)) == jnp.inf
        value, gradients = jax.value_and_grad(rate, (0, 1))(capacity, 1e9)
        assert value == 0
        assert all(np.all(np.isfinite(gradient)) for gradient in gradients)


@pytest.mark.parametrize(("op", "algorithm"), EVERY_FORM)
def test_gradient_is_the_slope(op, algorithm):
    rng = np.random.default_rng(4)
    capacity, direction = rng.uniform(0.5, 1.0, (6, 3)), rng.normal(size=(6, 3))
    gradient = jax.grad(lambda c: _seconds(op, algorithm, c))(jnp.asarray(capacity, jnp.float32))
    step = 1e-2
    up, down = (_seconds(op, algorithm, capacity + s * step * direction) for s in (1, -1))
    slope = (up - down) / (2 * step)
    np.testing.assert_allclose(np.sum(gradient * direction), slope, rtol=2e-3, atol=1e-4)


def test_gradients_survive_a_hundred_thousand_accelerators():
    def seconds(least):
        state = LinkState(jnp.asarray(98_304), least, least * 98_304, least, jnp.asarray(True))
        return collective_seconds("all_reduce", "optimal", 1e12, state, 1e9)

    assert jax.grad(seconds)(jnp.float32(450.0)) == pytest.approx(-2 * 1e12 / 450e9 / 450, rel=1e-3)


def test_bus_factors():
    assert bus_factor("all_reduce", 72) * 429.37 == pytest.approx(846.82, rel=1e-3)  # C01
    assert bus_factor("all_to_all", 8) == 0.875
    assert bus_factor("broadcast", 8) == 1


def test_unknown_forms_name_the_known_ones():
    with pytest.raises(ValueError, match="no closed form for broadcast/ring; .*all_reduce/ring"):
        collective_seconds("broadcast", "ring", 1.0, _state(np.ones((4, 2))))
    with pytest.raises(ValueError, match="unknown collective 'gossip'"):
        bus_factor("gossip", 4)


def test_reference_states():
    path = REFERENCE / "collectives_lp.json"
    if not path.exists():
        pytest.skip("the reference states are not beside this checkout")
    columns = {
        ("all_reduce", "optimal"): "lp_allreduce",
        ("all_reduce", "ring"): "cf_ring",
        ("all_reduce", "in_switch"): "cf_nvls",
        ("all_gather", "optimal"): "lp_allgather",
        ("all_to_all", "optimal"): "lp_alltoall_forward",
        ("broadcast", "optimal"): "lp_broadcast_root0",
    }
    for case in json.loads(path.read_text()):
        for (op, algorithm), column in columns.items():
            got = _seconds(op, algorithm, case["c"])
            want = np.inf if case[column] is None else case[column]
            if algorithm == "in_switch":
                want *= 1 + 1 / case["N"]  # the file leaves this factor out
            if column.startswith("cf") or _state(case["c"]).exact:
                np.testing.assert_allclose(got, want, rtol=RTOL)
            else:
                assert got <= want * (1 + RTOL)
