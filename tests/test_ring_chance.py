"""Rings whose nodes fail by chance, against exact recursions, and as they did: a public trace of faults."""

import itertools
from pathlib import Path

import numpy as np
import pytest
from _ring_programs import states
from test_replay import TRACE
from test_ring import Z, dense

import fdmc
from fdmc.collect import load_trace
from fdmc.fabric import ring_cut_probability, ring_waste
from fdmc.reference._ring import pieces


EXAMPLE = Path(__file__).parents[1] / "docs" / "examples" / "ring-of-hosts.yaml"


def by_states(nodes, hops, closed, down, what):
    """The mean of a number of pieces, over every state."""
    total = 0.0
    for live in states(nodes):
        chance = np.prod([1 - down if up else down for up in live])
        total += chance * what(list(live), pieces(list(live), hops, closed))
    return total


def longest_run(live, closed):
    """Nodes in a row that are down."""
    runs = [len(list(g)) for up, g in itertools.groupby(live * 2 if closed else live) if not up]
    return min(max(runs, default=0), len(live))


@pytest.mark.parametrize("closed", [True, False])
def test_recursions_against_every_state(closed):
    for nodes, hops, down in ((3, 1, 0.5), (7, 1, 0.1), (8, 2, 0.3), (9, 3, 0.4), (8, 7, 0.6)):
        cut = by_states(
            nodes, hops, closed, down, lambda up, _, k=hops: longest_run(up, closed) >= k
        )
        assert ring_cut_probability(nodes, hops, down, closed) == pytest.approx(cut, abs=1e-12)
        for group in (1, 2, 3):

            def left(up, parts, group=group):
                return sum(len(p) % group for p in parts) / len(up)

            want = by_states(nodes, hops, closed, down, left)
            assert ring_waste(nodes, hops, group, down, closed) == pytest.approx(want, abs=1e-12)


def hall(nodes: int, size: int, hops: int, tensor: int, *more: str):
    """The example of the docs with so many hosts, for groups of `tensor` accelerators."""
    sets = {
        "units.hall.contains.host": nodes,
        "units.host.contains.gpu": size,
        "fabric.ring.hops": hops,
        "workload.parallel.tensor": tensor,
    }
    return fdmc.load(EXAMPLE, [*(f"{path}={value}" for path, value in sets.items()), *more])


OFTEN = ("components.fault={mtbf: 40 h, repair: {exponential: {mean: 10 h}}}", "mission=4000 h")


@pytest.mark.statistical
def test_waste_of_histories_is_the_recursion():
    """Hosts down for a fifth of the time: what is used is what the recursion leaves. |z| <= 4.9."""
    down, nodes, hops, group = 0.2, 24, 2, 4
    scenario = hall(nodes, 2, hops, 2 * group, *OFTEN)
    exact = 1 - down - ring_waste(nodes, hops, group, down)
    state = fdmc.snapshot(scenario, replicas=1 << 14, seed=3)["availability"]
    assert abs(state.best - exact) <= Z / 1.96 * state.width / 2
    assert state.width < 0.004
    assert exact < 1 - down - ring_waste(nodes, nodes - 1, group, down) - 0.01  # cuts matter here


@pytest.mark.verification
@pytest.mark.statistical
def test_waste_of_long_histories_is_the_recursion():
    """The same over time, from the stationary state on. |z| <= 4.9."""
    down, nodes, hops, group = 0.2, 24, 2, 4
    scenario = hall(nodes, 2, hops, 2 * group, *OFTEN)
    got = fdmc.run(scenario, seed=1, stop=fdmc.Replicas(256), chunk=128)["availability"]
    exact = 1 - down - ring_waste(nodes, hops, group, down)
    assert abs(got.best - exact) <= Z / 1.96 * got.width / 2


@pytest.mark.skipif(not TRACE.exists(), reason="the public trace is not here")
def test_a_published_trace_wastes_a_tenth_of_what_racks_and_cubes_do():
    """InfiniteHBD (arXiv 2502.03885, abstract): waste more than ten times below that of NVL-72 and TPUv4, same trace.

    400 nodes of 8 in the order in which the trace names them, groups of 32. Racks of 9 nodes form groups inside, cubes
    of 8 are lost with any node of theirs; both by hand.
    """
    trace = load_trace(TRACE, "host")
    used = {hops: fdmc.replay(hall(400, 8, hops, 32), trace)["availability"] for hops in (2, 3)}
    start, end, node = (
        np.array([getattr(f, name) for f in trace.faults])
        for name in ("start_hours", "end_hours", "copy")
    )
    edges = np.unique(np.clip([0.0, trace.hours, *start, *end], 0, trace.hours))
    racks = cubes = 0.0
    lasts, found = np.diff(edges) / trace.hours, []
    for begin, until in itertools.pairwise(edges):
        live = np.ones(400, bool)
        live[node[(start <= begin) & (begin < end)]] = False
        found.append(live)
        rack, cube = live[:396].reshape(-1, 9).sum(1), live.reshape(-1, 8).sum(1)
        racks += (until - begin) / trace.hours * np.mean(8 * rack % 32 / 72)
        cubes += (until - begin) / trace.hours * np.mean(np.where(cube < 8, cube / 8, 0))
    states_of = np.array(found)
    by_nodes = lasts @ np.asarray(dense(states_of, 3, 4).used) / 800
    assert used[3] == pytest.approx(by_nodes, rel=1e-6)
    ring = {hops: lasts @ states_of.mean(1) - share for hops, share in used.items()}
    assert (round(racks, 3), round(cubes, 3)) == (0.109, 0.075)
    assert [round(ring[hops], 4) for hops in (2, 3)] == [0.0064, 0.0041]
    assert min(racks, cubes) > 10 * max(ring.values())
