"""The k-hop ring: pieces by search, links by linear programs, states and histories of the reference, bad input."""

import copy
import itertools
import random

import jax
import jax.numpy as jnp
import jsonschema
import numpy as np
import pytest
from _machines import PART, load
from _ring_programs import RING_PROGRAMS, states
from _states import SLOTS, assert_states_alike, walk

import fdmc
from fdmc import reference
from fdmc.fabric import (
    RingWalk,
    ring_cut_probability,
    ring_seconds,
    ring_state,
    ring_waste,
    torus_seconds,
    torus_state,
)
from fdmc.plan import PlanError, lower
from fdmc.reference._ring import pieces
from fdmc.report._fabric import fabric_text
from fdmc.spec import ScenarioError, _scenario as spec_scenario, schema


RTOL = 2e-6
Z = 4.9
STATES = 250


# --- who reaches whom ---


_state = jax.jit(ring_state, static_argnames=("hops", "node", "group", "closed", "together"))


def dense(live, hops, group, closed=True, together=False):
    """The state of whole accelerators, two a node."""
    capacity = jnp.asarray(np.repeat(live, 2, axis=-1)[..., None] * np.ones(2), jnp.float32)
    return _state(capacity, hops=hops, group=group, closed=closed, together=together)


@pytest.mark.parametrize("closed", [True, False])
@pytest.mark.parametrize(("hops", "group"), [(1, 2), (2, 3), (4, 1)])
def test_every_state_of_nine_nodes(hops, group, closed):
    """Against a search of the graph; a node that is dead passes nothing on."""
    every = np.array(list(states(9)))
    found = [[len(p) // group for p in pieces(list(live), hops, closed)] for live in every]
    used = [2 * group * sum(parts) for parts in found]
    np.testing.assert_array_equal(dense(every, hops, group, closed).used, used)
    if group == 3:
        most = [2 * group * max(parts, default=0) for parts in found]
        alone = dense(every, hops, group, closed, together=True)
        np.testing.assert_array_equal(alone.used, most)
        np.testing.assert_array_equal(alone.live, 2 * every.sum(-1))


def test_a_walk_over_runs_is_that_over_nodes():
    rng = random.Random(5)
    for _ in range(60):
        runs = [(rng.randint(0, 3), rng.randint(0, 4)) for _ in range(rng.randint(1, 6))]
        live = [up for a, b in runs for up in [True] * a + [False] * b]
        hops, group, closed = rng.randint(1, 4), rng.randint(1, 3), rng.random() < 0.5
        if len(live) <= hops:
            continue
        walk = RingWalk.start((), hops, group)
        for a, b in runs:
            walk = walk.past(jnp.asarray(a), jnp.asarray(b))
        parts = pieces(live, hops, closed)
        walk = walk.end(closed)
        assert walk.groups == sum(len(p) // group for p in parts), (runs, hops, closed)
        assert walk.longest == max(map(len, parts), default=0)
        if parts and closed:
            assert max(walk.cuts, 1) == len(parts)


def test_misfits_are_refused():
    misfits: list[tuple[tuple[int, int], dict]] = [
        ((7, 2), {"hops": 1}),
        ((8, 2), {"hops": 4}),
        ((9, 2), {"hops": 1, "node": 3}),
    ]
    for shape, how in misfits:
        with pytest.raises(ValueError, match="do not fit a ring"):
            ring_state(jnp.ones(shape), **how)
    with pytest.raises(ValueError, match="no ring form for all_to_all/ring; there are: all_reduce"):
        ring_seconds("all_to_all", "ring", 1.0, ring_state(jnp.ones((8, 2)), hops=2))
    with pytest.raises(ValueError, match="from 1 to 7"):
        ring_cut_probability(8, 8, 0.1)
    with pytest.raises(ValueError, match="probability"):
        ring_waste(8, 2, 1, 1.5)
    with pytest.raises(ValueError, match="a group of 0 nodes"):
        ring_waste(8, 2, 0, 0.5)


# --- how long a collective takes ---


def around(links):
    """The state of a ring with these links, from sides that are as weak as the links next to them."""
    links = np.asarray(links, np.float32)
    return _state(jnp.asarray(np.stack([np.roll(links, 1), links], -1)), hops=1)


OPTIMAL = list(RING_PROGRAMS)
ROUTES = {"all_to_all": "direct", "broadcast": "optimal"}  # of the others: ring


@pytest.mark.parametrize("op", OPTIMAL)
def test_whole_rings_are_the_linear_program(op):
    for n in (4, 8):
        state = around(np.ones(n))
        assert state.exact
        truth = RING_PROGRAMS[op](np.ones(n))
        np.testing.assert_allclose(ring_seconds(op, "optimal", 1.0, state), truth, rtol=RTOL)
        route = ROUTES.get(op, "ring")
        np.testing.assert_allclose(ring_seconds(op, route, 1.0, state), truth, rtol=RTOL)


@pytest.mark.parametrize("op", OPTIMAL)
def test_weak_rings_lie_between_the_bound_and_the_route(op):
    rng = np.random.default_rng(7)
    for n, weak in itertools.product((4, 8), (1, 3)):
        links = np.ones(n)
        links[rng.choice(n, weak, replace=False)] = rng.uniform(0.1, 0.9, weak)
        state, truth = around(links), RING_PROGRAMS[op](links)
        assert not state.exact
        assert ring_seconds(op, "optimal", 1.0, state) <= truth * (1 + RTOL)
        if op != "broadcast":
            route = ROUTES.get(op, "ring")
            assert ring_seconds(op, route, 1.0, state) >= truth * (1 - RTOL)


def test_a_ring_is_a_torus_of_one_dimension():
    """The all-reduce and the all-to-all of `torus_seconds`, whole and with one weak link."""
    for n, left in ((8, 1.0), (8, 0.25)):
        links = np.ones(n, np.float32)
        links[1] = left
        torus = torus_state(jnp.asarray(links[None]), (n,))
        for op in ("all_reduce", "all_to_all"):
            got = ring_seconds(op, "optimal", 1.0, around(links))
            np.testing.assert_allclose(got, torus_seconds(op, "optimal", 1.0, torus), rtol=RTOL)


def test_latency_and_payload():
    state = around(np.ones(10))
    for op, algorithm, steps in (
        ("all_reduce", "ring", 18),
        ("all_gather", "ring", 9),
        ("all_reduce", "optimal", 10),
        ("all_to_all", "direct", 5),
        ("broadcast", "optimal", 5),
    ):
        wire, both = (ring_seconds(op, algorithm, 1e9, state, 5e9, a) for a in (None, 1.0))
        np.testing.assert_allclose(both - wire, steps, rtol=1e-5)
        np.testing.assert_allclose(wire, ring_seconds(op, algorithm, 0.2, state), rtol=1e-5)
    nobody = ring_state(jnp.zeros((8, 2)), hops=2)
    assert ring_seconds("all_to_all", "optimal", 1.0, nobody) == 0.0


# --- in scenarios ---


RING = {
    "components": {name: dict(PART) for name in ("gpu", "host", "optic", "laser", "hub", "psu")},
    "units": {
        "pod": {"contains": {"rack": 3}},
        "rack": {
            "contains": {"tray": 4, "els": 2},
            "components": {"hub": 1, "psu": {"count": 3, "need": 2}},
        },
        "tray": {"contains": {"package": 2}, "components": {"host": 1}},
        "package": {"contains": {"link": 4}, "components": {"gpu": 1}},
        "link": {"components": {"optic": 1}},
        "els": {"components": {"laser": {"count": 4, "need": 3}}, "feeds": "link"},
    },
    "fabric": {
        "accelerator": "package",
        "planes": 2,
        "lanes_per_link": 8,
        "lane_rate": "200 Gb/s",
        "ring": {"node": "tray", "hops": 2},
    },
    "service": {
        "replace": {
            "gpu": {"swap": "gpu", "takes_out": "tray"},
            "host": {"swap": "tray", "takes_out": "tray"},
            "optic": {"swap": "link"},
            "laser": {"swap": "els"},
            "hub": {"swap": "hub", "takes_out": "nothing"},
            "psu": {"swap": "psu", "takes_out": "nothing"},
        }
    },
}
LEFT = {"hub": 0.75, "gpu": 0.0, "optic": 0.5}
RING["components"] |= {name: {**PART, "leaves": left} for name, left in LEFT.items()}
ALL = {
    "compute": "20 ms",
    "collectives": [
        {"op": "all_reduce", "size": "1 GiB", "latency": "1 ms", "algorithm": ["optimal", "ring"]},
        {"op": "all_to_all", "size": "64 MiB", "overlap": "2 ms"},
        {"op": "all_gather", "size": "1 GiB", "algorithm": "ring", "latency": "30 us"},
        {"op": "broadcast", "size": "256 MiB"},
    ],
}
BY_GROUPS = {
    "compute": "20 ms",
    "parallel": {"tensor": 6},
    "collectives": [
        {"op": "all_reduce", "size": "1 GiB", "group": "tensor", "algorithm": "ring"},
        {"op": "reduce_scatter", "size": "1 GiB", "group": "tensor", "latency": "1 ms"},
        {"op": "all_to_all", "size": "64 MiB", "group": "tensor", "algorithm": "direct"},
    ],
}
RINGS = {
    "degrade": {"workload": ALL},
    "park": {"workload": ALL, "fabric": {"policy": "park"}},
    "park trays, a line of three hops": {
        "workload": ALL,
        "fabric": {
            "policy": {"park": "tray"},
            "ring": {"node": "tray", "hops": 3, "closed": False},
        },
    },
    "groups": {"workload": BY_GROUPS, "fabric": {"ring": {"node": "tray", "hops": 1}}},
    "groups in one piece": {
        "workload": {
            **BY_GROUPS,
            "collectives": [*BY_GROUPS["collectives"][:1], *ALL["collectives"][1:]],
            "minimum": 8,
        },
        "fabric": {"ring": {"node": "tray", "hops": 1}},
    },
    "sides that fail together": {
        "workload": ALL,
        "units": {
            **RING["units"],
            "package": {"contains": {"link": 1}, "components": {"gpu": 1}},
        },
    },
    "park racks": {
        "workload": {**BY_GROUPS, "parallel": {"tensor": 2}},
        "fabric": {"policy": {"park": "rack"}, "ring": {"node": "tray", "hops": 4}},
    },
}


# Cases whose parts the others have too.
NIGHTLY = {
    "park", "park trays, a line of three hops", "park racks", "sides that fail together", "groups",
}  # fmt: skip


@pytest.mark.parametrize(
    "case",
    [pytest.param(c, marks=pytest.mark.verification) if c in NIGHTLY else c for c in RINGS],
)
def test_random_states_are_those_of_the_reference(case):
    """The walk over ranges against the search of the graph, and everything that follows from it."""
    more = RINGS[case]
    scenario = load(RING, **more)
    plan, directory = lower(scenario)
    machine = reference.build(scenario)
    # At first every slot is a node of its own, with a live one behind the last.
    first = [machine.part("package/gpu", 4 * i) for i in range(SLOTS)]
    expected, got = walk(plan, directory, machine, case, STATES, few=4, repaired=0.5, first=first)
    running = assert_states_alike(plan, expected, got)
    np.testing.assert_array_equal(got.used[running], np.array([w.used for w in expected])[running])
    assert running.mean() > 0.1
    assert len({round(work.rate, 6) for work in expected}) > 3


# --- over time ---


@pytest.mark.statistical
def test_histories_are_those_of_the_reference():
    """Work, interruptions and goodput of whole histories: with repairs that take trays out. |z| <= 4.9."""
    parts = {
        name: {**part, "mtbf": "3000 h", "repair": {"exponential": {"mean": "60 h"}}}
        for name, part in RING["components"].items()
    }
    scenario = load(RING, components=parts, workload=ALL, mission="2000 h")
    result = fdmc.run(scenario, seed=1, stop=fdmc.Replicas(256), chunk=256)
    machine = reference.build(scenario)
    plain = [reference.history(machine, 1, k) for k in range(16)]
    work = np.array([1 - each.work / each.hours for each in plain])
    got = result["work_rate"].complement()
    spread = np.hypot(work.std(ddof=1) / np.sqrt(len(plain)), got.width / 2 / 1.96)
    assert abs(work.mean() - got.best) <= Z * spread
    stops = np.array([each.interruptions / each.hours * 8760 for each in plain])
    got = result["interruptions_per_year"]
    spread = np.hypot(stops.std(ddof=1) / np.sqrt(len(plain)), got.width / 2 / 1.96)
    assert abs(stops.mean() - got.best) <= Z * spread


# --- bad input ---


def test_problems_are_said_together():
    """Every mistake of a ring at once, each with its path and what to write."""
    with pytest.raises(ScenarioError) as caught:
        load(
            RING,
            fabric={
                "planes": 4,
                "policy": {"elastic": "data"},
                "ring": {"node": "tray", "hops": 12},
            },
            workload={
                "compute": "1 s",
                "uses": 20,
                "slice": 2,
                "parallel": {"tensor": 3, "data": 4},
                "collectives": [
                    {"op": "all_to_all", "size": "1 MiB", "group": "data"},
                    {"op": "all_gather", "size": "1 MiB", "algorithm": "recursive"},
                ],
            },
        )
    said = {problem.path: str(problem) for problem in caught.value.problems}
    for path, text in {
        "fabric.planes": "two sides",
        "fabric.policy": "passed over",
        "fabric.ring.hops": "write at most 11",
        "workload.uses": "drop uses",
        "workload.slice": "parallel: {tensor: 32}",
        "workload.parallel.tensor": "cut 'tray'",
        "workload.collectives[0].group": "no neighbours",
        "workload.collectives[1].algorithm": "write one or more of optimal, ring",
    }.items():
        assert text in said[path], said


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("fabric.ring", {"node": "tray"}, "hops"),
        ("fabric.ring", {"node": "try", "hops": 2}, "tray"),
        ("fabric.ring", {"node": "pod", "hops": 2}, "write tray or rack"),
        ("fabric.ring", {"node": "link", "hops": 2}, "no unit between"),
        ("fabric.classes", {"fast": {"share": 0.5}}, "drop classes, or ring"),
        ("units.tray.contains.package", 3, "an even number"),
        ("components.optic.direction", "send", "drop every direction, or ring"),
    ],
)
def test_one_problem(path, value, said):
    document = copy.deepcopy({"fdmc": 1, "name": "test", "mission": "5 y", **RING})
    here = document
    *around, last = path.split(".")
    for key in around:
        here = here[key]
    here[last] = value
    with pytest.raises(ScenarioError) as caught:
        fdmc.load(document)
    text = "\n".join(str(problem) for problem in caught.value.problems)
    assert said in text, text
    assert len(caught.value.problems) == 1, text


def test_what_cuts_a_node_is_refused():
    els = {"components": {"laser": 1}, "feeds": "package"}  # three packages each, of trays of two
    rack = {"contains": {"tray": 3, "els": 2}, "components": {"hub": 1, "psu": 1}}
    with pytest.raises(PlanError, match="els/laser takes ranges that cut nodes of 2 accelerators"):
        lower(load(RING, units={**RING["units"], "els": els, "rack": rack}))


def test_what_is_said_and_what_is_kept():
    scenario = load(RING)
    jsonschema.validate({"fdmc": 1, "mission": "5 y", **RING}, schema())
    assert (
        "12 'tray' stand on a ring and reach 2 places to either side, so that up to 1 dead one"
        in (" ".join(fabric_text(scenario) or ()))
    )
    line = load(RING, fabric={"ring": {"node": "tray", "hops": 2, "closed": False}})
    without = load(RING, fabric={"ring": None})
    assert len({each.fingerprint for each in (scenario, line, without)}) == 3
    assert "ring" not in str(spec_scenario._canonical(without.fabric))
