"""Closed forms of collective times on degraded fabrics, and their gradients."""

import json
import os
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

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


@pytest.mark.parametrize("left", [0.0, 0.5])
@pytest.mark.parametrize(("whole", "exact"), [(0, True), (1, False), (6, False), (7, True)])
def test_flag_counts_more_than_three_quarters(whole, exact, left):
    """A plane's best rate counts as whole: one that is slow for everybody is a slow plane."""
    capacity = np.ones((8, 2))
    capacity[whole:, 1] = left
    assert bool(_state(capacity).exact) is exact


def test_flag_looks_at_participants_only():
    capacity = np.ones((8, 2))
    capacity[4:, 1] = 0.0
    assert not _state(capacity).exact
    assert _state(capacity, jnp.arange(8) < 5).exact  # 4 of 5


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
