"""Hot spares, elastic replicas, tensor groups with fewer, groups of collectives: by state, by hand, over time."""

import itertools
import math
import random
from collections.abc import Iterable
from typing import Any

import jax
import numpy as np
import pytest
from _machines import EVERY_COLLECTIVE, SHARED_PLANES, Z, agree, exponential, load
from _states import SLOTS, a_state, assert_states_alike, packed, slots_of, state_of, walk
from scipy import stats
from test_domain import TWO

import fdmc
from fdmc import reference
from fdmc.kernel._domain import domain, unpack
from fdmc.plan import lower


STATES = 200
ALL = EVERY_COLLECTIVE
RING: dict[str, Any] = {
    "compute": "20 ms",
    "collectives": [
        {"op": "all_reduce", "size": "1 GiB", "algorithm": "ring", "group": "tensor"},
        {"op": "all_gather", "size": "256 MiB", "group": "data"},
        {"op": "all_to_all", "size": "256 MiB", "latency": "1 ms", "group": "expert"},
        {"op": "reduce_scatter", "size": "128 MiB"},
    ],
}
PAIRS = {"tensor": 2, "data": 2, "expert": 4}
CASES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "spares, degrade": (TWO, {"workload": {**ALL, "uses": 6}}),
    "spares, degrade, in twos": (TWO, {"workload": {**ALL, "uses": 6, "slice": 2}}),
    "spares, shared planes": (SHARED_PLANES, {"workload": {**ALL, "uses": 3}}),
    "spares, park": (TWO, {"workload": {**ALL, "uses": 5}, "fabric": {"policy": "park"}}),
    "spares, park trays": (
        TWO,
        {"workload": {**ALL, "uses": 4, "minimum": 4}, "fabric": {"policy": {"park": "tray"}}},
    ),
    "elastic": (
        TWO,
        {"workload": {**ALL, "parallel": {"data": 4}}, "fabric": {"policy": {"elastic": "data"}}},
    ),
    "elastic, halves": (
        TWO,
        {
            "workload": {**RING, "parallel": {**PAIRS, "data": 2}},
            "fabric": {"policy": {"elastic": "data"}},
        },
    ),
    "non-uniform": (
        TWO,
        {
            "workload": {**ALL, "parallel": PAIRS},
            "fabric": {"policy": {"non_uniform": "tensor"}},
        },
    ),
    "non-uniform, equal": (
        TWO,
        {
            "workload": {**ALL, "parallel": {"tensor": 4, "data": 2}},
            "fabric": {"policy": {"non_uniform": "tensor", "batch": "equal"}},
        },
    ),
    "non-uniform, groups": (
        SHARED_PLANES,
        {
            "workload": {**RING, "parallel": {"tensor": 2, "data": 1, "expert": 2}},
            "fabric": {"policy": {"non_uniform": "tensor"}},
        },
    ),
    "groups": (TWO, {"workload": {**RING, "parallel": PAIRS}}),
    "groups, park": (
        TWO,
        {"workload": {**RING, "parallel": PAIRS}, "fabric": {"policy": "park"}},
    ),
    "groups of a fleet": (
        TWO,
        {
            "workload": {
                **RING,
                "parallel": {"tensor": 2, "data": 4, "expert": 2},
                "domains": 16,
                "scale_out": {"rate": "400 Gb/s"},
            },
            "fabric": {"policy": {"elastic": "data"}},
        },
    ),
}


# Those that compile once more what others compile, a little differently.
SLOW = (
    "spares, degrade, in twos",
    "spares, shared planes",
    "elastic, halves",
    "non-uniform, groups",
    "groups, park",
    "groups",
    "spares, park",
)
MOVES = ("spares, degrade", "spares, shared planes", "spares, park")


def some(cases: Iterable[str], slow: Iterable[str]):
    """The cases, of which those that are slow are left to `make verify`."""
    late = pytest.mark.verification
    return [pytest.param(case, marks=late if case in slow else ()) for case in cases]


@pytest.mark.parametrize("case", some(CASES, SLOW))
def test_random_states_are_those_of_the_reference(case):
    document, more = CASES[case]
    scenario = load(document, **more)
    plan, directory = lower(scenario)
    expected, got = walk(plan, directory, reference.build(scenario), case, STATES)
    running = assert_states_alike(plan, expected, got)
    if plan.job.uses:
        np.testing.assert_array_equal(got.crew.whole, [len(w.choice.whole) for w in expected])
        np.testing.assert_array_equal(got.crew.live, [w.choice.live for w in expected])
    assert running.mean() > 0.02
    assert len({round(work.rate, 6) for work in expected}) > 3


_next = jax.jit(lambda plan, crew, *words: domain(plan, unpack(*words), crew=crew))


def next_state(plan, slots, crew):
    """Evaluate states that come after those with this crew."""
    return jax.tree.map(np.asarray, _next(plan, crew, *packed(slots)))


def moves(case: str):
    """Return for random pairs of states, the second with one failure more: the engine's and the reference's."""
    document, more = CASES[case]
    scenario = load(document, **more)
    plan, directory = lower(scenario)
    machine = reference.build(scenario)
    rng = random.Random(f"{case}, moves")
    slots, works = [], []
    for _ in range(STATES):
        failed = a_state(machine, rng, SLOTS)
        pair = [failed[:-1], failed]
        works.append([reference.work(machine, reference.capacities(machine, f)) for f in pair])
        slots.append([slots_of(machine, plan, directory, f, set()) for f in pair])
    before = state_of(plan, [pair[0] for pair in slots])
    after = next_state(plan, [pair[1] for pair in slots], before.crew)
    return scenario.workload.uses, after, works


@pytest.mark.parametrize("case", some(MOVES, ("spares, degrade", "spares, park")))
def test_a_spare_that_steps_in_is_a_restart_and_a_lost_spare_is_none(case):
    uses, after, works = moves(case)
    expected = [reference.restarts(a.choice, b.choice, uses) for a, b in works]
    np.testing.assert_array_equal(after.fell, expected)
    assert 0.05 < np.mean(expected) < 0.95


def test_uneven_tensor_groups_lose_what_was_published():
    """V04b's law: a replica loses the failed share of its most impaired group, here of 4 groups of 8 in 8 replicas."""
    failed, groups, tensor = 0.02, 4, 8
    scenario = load(
        {
            "components": {"gpu": {"mtbf": f"{(1 - failed) / failed} h", "repair": "1 h"}},
            "units": {"pod": {"contains": {"gpus": 256}}, "gpus": {"components": {"gpu": 1}}},
            "fabric": {"accelerator": "gpus", "policy": {"non_uniform": "tensor"}},
            "workload": {"parallel": {"tensor": tensor, "data": 8}},
        }
    )
    at_most = stats.binom(tensor, failed).cdf(np.arange(tensor)) ** groups
    kept = sum(np.diff(at_most, prepend=0.0) * (1 - np.arange(tensor) / tensor))
    got = fdmc.snapshot(scenario, replicas=4096)["work_rate"]
    assert abs(got.best - kept) <= Z * (got.high - got.low) / 2 / 1.96
    assert (
        kept < 1 - 3 * failed
    )  # far more than the 2 % that have failed: it is the worst group that counts


MTBF, REPAIR = 400.0, 20.0
DOWN = REPAIR / (MTBF + REPAIR)
WORK = {
    "checkpoint": {"write": "30 s", "interval": "young"},
    "restart": {"detect": "1 min", "resume": "4 min"},
    "domains": 100,
}


def eight(policy: Any, technicians: int | str = "unlimited", **workload: Any):
    """Eight accelerators at constant rates, and nothing else."""
    return load(
        {
            "components": {"gpu": exponential(MTBF, REPAIR)},
            "units": {"pod": {"contains": {"package": 8}}, "package": {"components": {"gpu": 1}}},
            "fabric": {"accelerator": "package", "policy": policy},
            "service": {"technicians": technicians},
            "workload": {**WORK, **workload},
        },
        mission="100 d",
        start="stationary",
        run_in="30 d",
    )


def states():
    """All states of eight independent accelerators, with their probabilities."""
    for up in itertools.product((0, 1), repeat=8):
        yield up, math.prod(1 - DOWN if x else DOWN for x in up)


def blocks(up, size: int, tensor: int) -> list[float]:
    """The pace of each data replica of `size`, that of its tensor group with the fewest left."""
    return [
        min(sum(up[i : i + tensor]) / tensor for i in range(start, start + size, tensor))
        for start in range(0, 8, size)
    ]


def by_blocks(size: int, tensor: int, worth) -> tuple[float, float]:
    """Work rate and interruptions an hour: those of accelerators that live in replicas that work."""
    rate = stops = 0.0
    for up, p in states():
        paces = blocks(up, size, tensor)
        live = [pace == 1 if worth == "elastic" else pace > 0 for pace in paces]
        gone_on = [pace for pace, lives in zip(paces, live, strict=True) if lives]
        work = sum(gone_on) if worth != "equal" else len(gone_on) * min(gone_on, default=0)
        rate += p * work / len(paces)
        stops += p * sum(up[i] for i in range(8) if live[i // size]) / MTBF
    return rate, stops


def with_spares(uses: int) -> tuple[float, float]:
    """One technician: a chain over the number of those that have failed."""
    weights = [1.0]
    for k in range(8):
        weights.append(weights[-1] * (8 - k) / MTBF * REPAIR)
    pi = [w / sum(weights) for w in weights]
    used = [min(8 - k, uses) for k in range(9)]
    mean = sum(p * n for p, n in zip(pi, used, strict=True))
    return mean / uses, mean / MTBF


CHAINS = {
    "spares": (eight("park", technicians=1, uses=6), with_spares(6)),
    "spares, degrade": (eight("degrade", technicians=1, uses=6), with_spares(6)),
    "elastic": (eight({"elastic": "data"}, parallel={"data": 4}), by_blocks(2, 1, "elastic")),
    "balanced": (
        eight({"non_uniform": "tensor"}, parallel={"tensor": 2, "data": 2}),
        by_blocks(4, 2, "balanced"),
    ),
    "equal": (
        eight({"non_uniform": "tensor", "batch": "equal"}, parallel={"tensor": 2, "data": 2}),
        by_blocks(4, 2, "equal"),
    ),
}


@pytest.mark.parametrize("case", some(CHAINS, ("spares, degrade", "balanced", "equal")))
def test_eight_accelerators_are_a_chain(case):
    scenario, (rate, stops) = CHAINS[case]
    result = fdmc.run(scenario, seed=5, stop=fdmc.Replicas(1024), chunk=1024)
    for name, exact in (("work_rate", rate), ("interruptions_per_year", stops * 8760)):
        got = result[name]
        sigma = (got.high - got.low) / 2 / 1.96
        assert abs(got.best - exact) <= Z * sigma, f"{name}: {got} against {exact}"
    outcomes = [reference.history(scenario, 5, replica) for replica in range(40)]
    hours = scenario.mission_hours
    agree([each.work / hours for each in outcomes], rate)
    agree([each.interruptions / hours for each in outcomes], stops)


def test_a_fleet_stops_with_any_of_its_domains():
    result = fdmc.run(CHAINS["elastic"][0], seed=5, stop=fdmc.Replicas(1024), chunk=1024)
    hours = (1 - result["idle"].best) * 8760 / result["interruptions_per_year"].best / 100
    write, restart = 30 / 3600, 300 / 3600
    tau = math.sqrt(2 * write * hours)  # Young
    share = tau / (hours * math.exp(restart / hours) * math.expm1((tau + write) / hours))
    assert result["fleet.mttf"].best == pytest.approx(hours, rel=1e-9)
    assert result["fleet.ettr"].best == pytest.approx(share, rel=1e-9)
    assert result["fleet.goodput"].best == pytest.approx(share * result["work_rate"].best, rel=1e-9)
    assert result["fleet.accelerators"].best == 800
    assert result["ettr"].best > result["fleet.ettr"].best > 0
    assert result.conventions["checkpoint_interval"] == "young"
    assert result.conventions["fleet_failure_clock"].startswith("wall")
