"""Torus forms against linear programs and against routes walked link by link."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from _torus_programs import TORUS_PROGRAMS, busiest_link, detour_load

from fdmc.fabric import torus_seconds, torus_state


RTOL = 2e-6
SHAPES = [(2,), (5,), (8,), (3, 3), (4, 4), (4, 3), (5, 2), (2, 3), (2, 2, 2), (3, 3, 2), (1, 4)]


def _links(shape, *cuts, left=0.0):
    links = np.ones((len(shape), np.prod(shape)), np.float32)
    for j, x in cuts:
        links[j, x] = left
    return links


def _seconds(op, algorithm, links, shape):
    return torus_seconds(op, algorithm, 1.0, torus_state(jnp.asarray(links), shape))


@pytest.mark.parametrize("op", TORUS_PROGRAMS)
@pytest.mark.parametrize("shape", SHAPES)
def test_healthy_and_with_one_weak_link_they_are_the_linear_program(op, shape):
    states = [_links(shape)]
    for j, d in enumerate(shape):
        if d > 1:
            states.append(_links(shape, (j, 0), left=0.25))
        if d > 2:
            states.append(_links(shape, (j, np.prod(shape) - 1)))
    for links in states:
        assert torus_state(jnp.asarray(links), shape).exact
        got = _seconds(op, "optimal", links, shape)
        np.testing.assert_allclose(got, TORUS_PROGRAMS[op](links, shape), rtol=RTOL)


@pytest.mark.parametrize("op", TORUS_PROGRAMS)
def test_with_more_cuts_they_are_bounds(op):
    rng = np.random.default_rng(31)
    for shape in ((6,), (4, 4), (3, 4), (2, 2, 3)):
        for cuts in (2, 3):
            links = _links(shape)
            links.reshape(-1)[rng.choice(links.size, cuts, replace=False)] = 0.3
            truth = TORUS_PROGRAMS[op](links, shape)
            assert _seconds(op, "optimal", links, shape) <= truth * (1 + RTOL)


@pytest.mark.parametrize("op", TORUS_PROGRAMS)
def test_a_weak_accelerator_is_seen(op):
    around = [(0, 1), (0, 4), (1, 3), (1, 4)]  # all links of accelerator 4
    links = _links((3, 3), *around, left=0.1)
    got = _seconds(op, "optimal", links, (3, 3))
    np.testing.assert_allclose(got, TORUS_PROGRAMS[op](links, (3, 3)), rtol=RTOL)


@pytest.mark.parametrize("op", TORUS_PROGRAMS)
def test_bound_can_be_strict(op):
    """Two neighbours with weak links to all others are neither a slab nor single."""
    around = [(1, 1), (1, 2), (0, 0), (0, 1), (0, 6), (0, 7)]
    links = _links((3, 3), *around, left=0.1)
    assert _seconds(op, "optimal", links, (3, 3)) < 0.7 * TORUS_PROGRAMS[op](links, (3, 3))


def test_flag_counts_weak_links():
    for cuts, exact in ((0, True), (1, True), (2, False)):
        links = _links((4, 4), *[(0, m) for m in range(cuts)])
        assert bool(torus_state(jnp.asarray(links), (4, 4)).exact) is exact
    assert torus_state(jnp.asarray(_links((2, 4), (0, 7))), (2, 4)).exact  # there is no such link


@pytest.mark.parametrize(
    "shape", [(2,), (5,), (8,), (16,), (4, 4), (4, 3), (3, 5), (2, 6), (4, 2, 3)]
)
def test_shortest_routes_link_by_link(shape):
    pairs = busiest_link(shape)
    got = _seconds("all_to_all", "shortest", _links(shape), shape)
    np.testing.assert_allclose(got, pairs / np.prod(shape), rtol=RTOL)
    assert got >= _seconds("all_to_all", "optimal", _links(shape), shape) * (1 - RTOL)


@pytest.mark.parametrize("n", [3, 8])
def test_ring_goes_the_long_way_round_a_cut(n):
    healthy = _seconds("all_reduce", "ring", _links((n,)), (n,))
    for cuts in ([], [1], [0, 2]):
        got = _seconds("all_reduce", "ring", _links((n,), *[(0, x) for x in cuts]), (n,))
        np.testing.assert_allclose(got / healthy, detour_load(n, cuts))


def test_healthy_rings_reach_the_optimum():
    for shape in ((8,), (4, 4), (4, 4, 4), (2, 2), (3, 5)):
        ring, best = (_seconds("all_reduce", a, _links(shape), shape) for a in ("ring", "optimal"))
        np.testing.assert_allclose(ring, best, rtol=RTOL)


def test_published_values():
    # TPU v4 (NSDI'24): a cut link halves neighbour patterns; one of 192 links costs all-to-all 1/32.
    cube = (4, 4, 4)
    kept = [
        _seconds("all_to_all", "optimal", _links(cube), cube)
        / _seconds("all_to_all", "optimal", _links(cube, (j, 5)), cube)
        for j in range(3)
    ]
    np.testing.assert_allclose(kept, 31 / 32, rtol=RTOL)


def test_a_torus_in_two_parts_never_ends():
    for cuts in ([(0, 0), (0, 4)], [(0, x) for x in range(8)]):
        for op, how in (
            ("all_reduce", "ring"),
            ("all_to_all", "optimal"),
            ("all_to_all", "shortest"),
        ):
            assert _seconds(op, how, _links((8,), *cuts), (8,)) == np.inf
    lonely = _links((3, 3), (0, 0), (0, 6), (1, 0), (1, 2))
    assert _seconds("all_reduce", "optimal", lonely, (3, 3)) == np.inf


def test_batches_latency_and_payload():
    links = np.stack([_links((4, 3)), _links((4, 3), (1, 4))])
    state = torus_state(jnp.asarray(links), (4, 3))
    got = torus_seconds("all_reduce", "optimal", 1e9, state, 50e9, 1e-6)
    want = 2 * 11 / np.array([48, 46]) * 1e9 / 50e9 + 2 * (3 + 2) * 1e-6
    np.testing.assert_allclose(got, want, rtol=RTOL)
    wire, both = (torus_seconds("all_to_all", "optimal", 1.0, state, 1.0, a) for a in (None, 1.0))
    np.testing.assert_allclose(both - wire, 2 + 1, rtol=1e-5)  # as far as the farthest


def test_gradient_is_the_slope():
    rng = np.random.default_rng(32)
    shape = (4, 3)
    links = rng.uniform(0.5, 1.0, (2, 12)).astype(np.float32)
    direction = rng.normal(size=links.shape)
    for op, how in (("all_reduce", "optimal"), ("all_reduce", "ring"), ("all_to_all", "optimal")):
        gradient = jax.grad(lambda c, op=op, how=how: _seconds(op, how, c, shape))(
            jnp.asarray(links)
        )
        assert np.all(np.isfinite(gradient))
        step = 1e-3
        up, down = (_seconds(op, how, links + s * step * direction, shape) for s in (1, -1))
        np.testing.assert_allclose(
            np.sum(gradient * direction), (up - down) / (2 * step), rtol=2e-2
        )


def test_misfits_are_refused():
    with pytest.raises(ValueError, match=r"does not fit a torus of shape \(4, 4\)"):
        torus_state(jnp.ones((2, 15)), (4, 4))
    with pytest.raises(ValueError, match="does not fit"):
        torus_state(jnp.ones((1, 1)), (1,))
    state = torus_state(jnp.ones((1, 8)), (8,))
    with pytest.raises(ValueError, match="no torus form for broadcast/ring; there are: all_reduce"):
        torus_seconds("broadcast", "ring", 1.0, state)
