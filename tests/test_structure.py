"""Units with a structure: the engine against the reference, counting groups, chains and closed forms.

Every statistical comparison allows |z| <= 4.9, one false alarm in a million. Seeds are fixed.
"""

import functools
import itertools
import math
import random
from pathlib import Path
from typing import Any
from unittest import mock

import jax
import numpy as np
import pytest
from _compare import Z, assert_alike, engine_facts, reference_facts
from _machines import EVERY_COLLECTIVE, at, exponential, load
from scipy import integrate

import fdmc
from fdmc import reference
from fdmc.collect._run import BINS
from fdmc.kernel import Bounds, Draws
from fdmc.kernel._structure import lost
from fdmc.lifetime import Spared, Structured, cumulative_hazard, hours_at, lost_prob
from fdmc.plan import table
from fdmc.report import describe
from fdmc.spec import Exponential, LogNormal, Structure, Weibull
from fdmc.spec.fault_tree import Formula


EXAMPLE = Path(__file__).parent.parent / "docs" / "examples" / "power-and-cooling.yaml"


def room(bounds: Bounds):
    """Start with these bounds: room for almost every replica, so that one program is compiled."""
    return mock.patch("fdmc.collect._run.first_bounds", return_value=bounds)


def holds(formula: Formula | str | bool, failed: set[str] | frozenset[str]) -> bool:
    """The formula, said once more."""
    if not isinstance(formula, Formula):
        return formula in failed
    true = sum(holds(argument, failed) for argument in formula.args)
    return true >= {"or": 1, "and": len(formula.args)}.get(formula.op, formula.least)


def brute_force(structure: Structure, failed) -> Any:
    """P(lost) as the sum over all states."""
    total = 0.0
    for state in itertools.product((False, True), repeat=len(structure.copies)):
        names = {n for n, down in zip(structure.copies, state, strict=True) if down}
        if holds(structure.formula, names):
            total = total + math.prod(
                p if down else 1 - p for p, down in zip(failed, state, strict=True)
            )
    return total


# --- the reference ---

# An N+1 shelf on a bus bar feeds packages; two lines of pump and valve behind one filter cool the
# rack. Jobs open at every failure (psu, pump), or when the unit is lost (bus, valve, filter).
RACKS: dict[str, Any] = {
    "mission": "3000 h",
    "components": {
        "gpu": {"mtbf": "8000 h", "repair": "5 h"},
        "psu": {"mtbf": "900 h", "repair": {"exponential": {"mean": "60 h"}}},
        "bus": {"mtbf": "5000 h", "repair": "10 h"},
        "pump": {
            "lifetime": {"weibull": {"shape": 2.0, "scale": "1200 h"}},
            "repair": {"exponential": {"mean": "80 h"}},
        },
        "valve": {"mtbf": "1500 h", "repair": "40 h"},
        "filter": {"lifetime": {"lognormal": {"median": "4000 h", "sigma": 0.6}}, "repair": "30 h"},
    },
    "units": {
        "pod": {"contains": {"rack": 2}},
        "rack": {"contains": {"package": 4, "shelf": 2, "loop": 1}},
        "shelf": {
            "components": {"psu": 4, "bus": 1},
            "structure": {"or": ["bus", {"atleast": {"failed": 2, "of": ["psu"]}}]},
            "feeds": "package",
        },
        "loop": {
            "components": {"filter": 1, "pump": 2, "valve": 2},
            "structure": {
                "or": [
                    "filter",
                    {"and": [{"or": ["pump[0]", "valve[0]"]}, {"or": ["pump[1]", "valve[1]"]}]},
                ]
            },
        },
        "package": {"components": {"gpu": 1}},
    },
    "fabric": {"accelerator": "package", "lane_rate": "100 Gb/s"},
    "workload": EVERY_COLLECTIVE,
    "service": {
        "technicians": 2,
        "replace": {
            "bus": {"swap": "shelf", "takes_out": "nothing"},
            "psu": {"stock": 3, "restock": "200 h"},
            "valve": {"swap": "loop", "takes_out": "rack"},
            "filter": {"swap": "loop", "takes_out": "rack"},
        },
    },
}

# One technician has a queue. Each fan waits until two of three have failed and is then swapped
# alone, in a plane; a door in a package is a link unit; laser and driver share a swap.
LATE: dict[str, Any] = {
    "mission": "2000 h",
    "start": "stationary",
    "run_in": "500 h",
    "components": {
        "fan": {"mtbf": "500 h"},
        "chip": {"mtbf": "4000 h", "repair": "20 h"},
        "laser": {"lifetime": {"weibull": {"shape": 1.6, "scale": "700 h"}}},
        "driver": {"mtbf": "1500 h", "repair": "15 h"},
    },
    "units": {
        "pod": {"contains": {"package": 3, "asic": 2}},
        "asic": {"components": {"chip": 1}, "contains": {"tray": 1}},
        "tray": {
            "components": {"fan": 3},
            "structure": {"atleast": {"failed": 2, "of": ["fan"]}},
        },
        "package": {"contains": {"engine": 2}},
        "engine": {
            "components": {"laser": 3, "driver": 2},
            "structure": {
                "or": [
                    {"and": ["driver"]},
                    {"and": ["laser[0]", "laser[1]"]},
                    {"and": ["laser[2]", "driver[0]"]},
                ]
            },
        },
    },
    "fabric": {
        "accelerator": "package",
        "plane": "asic",
        "lane_rate": "100 Gb/s",
        "policy": "park",
    },
    "workload": {**EVERY_COLLECTIVE, "slice": 2},
    "service": {
        "technicians": 1,
        "replace": {
            "fan": {"when": "short", "time": "25 h", "stock": 1, "restock": "100 h"},
            "laser": {"swap": "engine", "time": {"exponential": {"mean": "30 h"}}},
        },
    },
}


@pytest.mark.statistical
@pytest.mark.parametrize(
    ("document", "facts"),
    [
        pytest.param(RACKS, 26, id="racks", marks=pytest.mark.verification),
        pytest.param(LATE, 20, id="late", marks=pytest.mark.verification),
    ],
)
def test_histories_are_those_of_the_reference(document, facts):
    """Who is blamed inside a group is a convention of each; sums over a group agree."""
    scenario = load(document)
    with room(Bounds(10, 12, 16, BINS)):
        found = engine_facts(scenario, 2048), reference_facts(scenario, 500)
    ours, theirs = (
        {key: fact for key, fact in each.items() if not key.startswith("blame.component")}
        for each in found
    )
    assert_alike(ours, theirs, at_least=facts)


# --- counting groups ---


def shelf(parts: Any, structure: Any, when: str) -> dict[str, Any]:
    unit = {"components": {"psu": parts}} | ({"structure": structure} if structure else {})
    return {
        "mission": "4000 h",
        "components": {"psu": exponential(2000, 60), "gpu": exponential(3000, 30)},
        "units": {
            "pod": {"contains": {"rack": 2}},
            "rack": {"contains": {"package": 2, "shelf": 1}},
            "shelf": {**unit, "feeds": "package"},
            "package": {"components": {"gpu": 1}},
        },
        "fabric": {"accelerator": "package", "policy": {"park": "rack"}},
        "service": {
            "technicians": 1,
            "replace": {"shelf": {"swap": "shelf", "when": when}} if when == "short" else {},
        },
    }


@pytest.mark.parametrize("when", ["failed", "short"])
def test_a_vote_is_a_counting_group(when):
    """Racks are parked at the first loss, so that how much is lost does not matter: the same integers."""
    vote = {"atleast": {"failed": 2, "of": ["psu"]}}
    with room(Bounds(6, 12, 4, BINS)):
        counted = engine_facts(load(shelf({"count": 5, "need": 4}, None, when)), 256)
        voted = engine_facts(load(shelf(5, vote, when)), 256)
    assert counted["impaired"].mean > 0
    for name, fact in counted.items():
        if not name.startswith("blame."):  # shared by how much each has taken
            assert voted[name] == fact, name


# --- one history by hand ---


def test_a_unit_stays_lost_until_no_two_are_failed():
    """The newest failure carries the loss, and is repaired first: the first that remains takes over."""
    document = {
        "components": {"a": at(100, 100), "b": at(120, 100), "c": at(130, 19), "d": at(405, 90)},
        "units": {
            "system": {
                "components": {"a": 1, "b": 1, "c": 1, "d": 1},
                "structure": {"or": ["d", {"atleast": {"failed": 2, "of": ["a", "b", "c"]}}]},
            }
        },
        "fabric": {"accelerator": "system"},
    }
    # a is down in [100, 200] and [300, 400], b in [120, 220] and [340, 440], c in [130, 149], [279, 298] and
    # [428, 447], d from 405 on: two of a, b, c in [120, 200], [340, 400] and [428, 440].
    scenario = load(document, mission="450 h")
    hours = 80 + 60 + 45
    assert reference.history(scenario, 1, 0).full_hours == pytest.approx(450 - hours, rel=1e-4)
    facts = engine_facts(scenario, 16)
    assert facts["impaired"].mean == pytest.approx(hours, rel=1e-3)
    assert facts["interruptions"].mean == 3
    assert facts["swaps.c"].mean == 3


def test_what_fails_while_the_unit_is_swapped_fails_once():
    """The swap of the unit is open already, so that no other job opens; it renews both parts."""
    document = {
        "components": {"a": at(100), "b": at(150)},
        "units": {"system": {"components": {"a": 1, "b": 1}, "structure": {"or": ["a", "b"]}}},
        "fabric": {"accelerator": "system"},
        "service": {"replace": {"system": {"time": "100 h"}}},
    }
    scenario = load(document, mission="250 h")
    facts = engine_facts(scenario, 16)
    assert reference.history(scenario, 1, 0).failures == {"system/a": 1, "system/b": 1}
    assert (facts["failures.a"].mean, facts["failures.b"].mean) == (1, 1)
    assert (facts["swaps.system"].mean, facts["interruptions"].mean) == (1, 1)
    assert facts["impaired"].mean == pytest.approx(100, rel=1e-3)


# --- states without queues ---

PARTS = {
    "valve": {"lifetime": {"weibull": {"shape": 1.5, "scale": "4000 h"}}, "repair": "60 h"},
    "pump": {"lifetime": {"lognormal": {"median": "900 h", "sigma": 0.7}}, "repair": "90 h"},
    "psu": {"mtbf": "700 h", "repair": "50 h"},
}
SHARED: dict[str, Any] = {
    "or": [
        "valve",
        {"and": ["pump", "psu[0]"]},
        {"and": [{"or": ["pump[0]", "psu[1]"]}, {"or": ["pump[1]", "psu[2]"]}, "psu[0]"]},
        {"atleast": {"failed": 3, "of": ["psu"]}},
    ]
}


def system(parts: dict[str, Any], **more: Any):
    document = {
        "components": parts,
        "units": {
            "pod": {"contains": {"system": 2}},
            "system": {"components": {"valve": 1, "pump": 2, "psu": 4}, "structure": SHARED},
        },
        "fabric": {"accelerator": "system"},
        "mission": "300 h",
    }
    return load({**document, **more})


def structure_of(scenario) -> Structure:
    found = scenario.units["system"].structure
    assert found is not None
    return found


def law_of(scenario, copy: str):
    return scenario.components[copy.partition("[")[0]].lifetime


def failed_by(scenario, hours: float) -> list[float]:
    copies = structure_of(scenario).copies
    return [-math.expm1(-float(cumulative_hazard(law_of(scenario, c), hours))) for c in copies]


def near(estimate, exact: float, count: int) -> None:
    assert abs(estimate.best - exact) <= Z * math.sqrt(exact * (1 - exact) / count)


@pytest.mark.statistical
def test_snapshots_are_the_sum_over_all_states():
    scenario = system(PARTS)
    at_a_time = brute_force(structure_of(scenario), failed_by(scenario, 300.0))
    state = fdmc.snapshot(scenario, time_hours=300.0, replicas=1 << 14, seed=3)
    near(state["full_strength"], (1 - at_a_time) ** 2, 1 << 14)
    near(state["availability"], 1 - at_a_time, 1 << 15)
    repair = {"valve": 60.0, "pump": 90.0, "psu": 50.0}
    mean = {"valve": 4000 * math.gamma(1 + 1 / 1.5), "pump": 900 * math.exp(0.245), "psu": 700.0}
    down = [repair[c.partition("[")[0]] for c in structure_of(scenario).copies]
    down = [
        r / (r + mean[c.partition("[")[0]])
        for r, c in zip(down, structure_of(scenario).copies, strict=True)
    ]
    state = fdmc.snapshot(scenario, replicas=1 << 14, seed=4)
    near(state["availability"], 1 - brute_force(structure_of(scenario), down), 1 << 15)


# --- missions ---


@pytest.mark.statistical
@pytest.mark.parametrize(
    "draws",
    [Draws.SOURCES, Draws.ORDER, pytest.param(Draws.LIFETIMES, marks=pytest.mark.verification)],
)
def test_missions_have_the_closed_form(draws):
    scenario = system(PARTS)
    exact = 1 - (1 - brute_force(structure_of(scenario), failed_by(scenario, 300.0))) ** 2
    for level in ("system", "pod", "domain"):
        found = fdmc.mission(scenario, replicas=1 << 15, seed=5, draws=draws)[level]
        assert found.exact_prob == pytest.approx(exact, rel=1e-12)
        near(found.sampled_prob, exact, 1 << 15)


@pytest.mark.statistical
def test_the_reference_has_the_same_mission():
    scenario = system(PARTS)
    machine = reference.build(scenario)
    exact = fdmc.mission(scenario, replicas=1)["system"].exact_prob
    lost_by = sum(reference.mission(machine, 6, k)["system"] <= 300.0 for k in range(2000)) / 2000
    assert abs(lost_by - exact) <= Z * math.sqrt(exact * (1 - exact) / 2000)


def test_the_law_of_a_vote_is_that_of_spares():
    """To the last digits of both tails."""
    names = tuple("abcde")
    element = Weibull(1.7, 500.0)
    vote = Structured(Structure(Formula("atleast", names, 3), names), (element,) * 5, copies=7)
    spared = Spared(element, 5, 2, copies=7)
    hours = np.geomspace(1e-6, 5e3, 200)
    np.testing.assert_allclose(
        cumulative_hazard(vote, hours), cumulative_hazard(spared, hours), rtol=1e-11
    )
    hazard = np.geomspace(1e-24, 400, 200)
    np.testing.assert_allclose(hours_at(vote, hazard), hours_at(spared, hazard), rtol=1e-11)


def test_hours_at_inverts_the_hazard_of_unlike_parts():
    structure = structure_of(system(PARTS))
    laws = (Weibull(1.5, 4e3), *[LogNormal(900.0, 0.7)] * 2, *[Exponential(700.0)] * 4)
    law = Structured(structure, laws, copies=3)
    hazard = np.geomspace(1e-24, 300, 300)
    np.testing.assert_allclose(cumulative_hazard(law, hours_at(law, hazard)), hazard, rtol=1e-9)


# --- availability ---


@pytest.mark.statistical
def test_availability_is_the_sum_over_all_states():
    times = {"valve": (3000.0, 40.0), "pump": (1000.0, 60.0), "psu": (700.0, 50.0)}
    scenario = system({name: exponential(*both) for name, both in times.items()})
    structure = structure_of(scenario)

    def up(hours: float) -> float:
        failed = []
        for copy in structure.copies:
            a, b = (1 / t for t in times[copy.partition("[")[0]])
            failed.append(a / (a + b) * -math.expm1(-(a + b) * hours))
        return (1 - brute_force(structure, failed)) ** 2

    answer = fdmc.availability(scenario, seed=7, replicas=4096)
    mean = integrate.quad(up, 0, 300, epsabs=1e-13)[0] / 300
    assert answer.exact == pytest.approx(mean, abs=1e-12)
    assert answer.stationary == pytest.approx(up(math.inf), abs=1e-14)
    half = (answer.sampled.high - answer.sampled.low) / 2
    assert abs(answer.sampled.best - mean) <= Z / 1.96 * half
    assert answer.occurrences > 4096


def test_availability_says_what_it_needs():
    parts = {name: exponential(1000, 10) for name in PARTS}
    refused = [
        system(PARTS),
        system(parts, service={"technicians": 1}),
        system(parts, service={"replace": {"psu": {"stock": 1, "restock": "9 h"}}}),
        system(parts, service={"replace": {"system": {}}}),
    ]
    for scenario in refused:
        with pytest.raises(ValueError, match="exact availability of structures needs"):
            fdmc.availability(scenario, replicas=16)


# --- formulas at random ---


def a_formula(rng: random.Random, names: list[str], depth: int) -> Formula:
    """Operands in any gate may repeat elsewhere, as shared parts do."""
    args: list[Any] = list(rng.sample(names, rng.randint(2, min(4, len(names)))))
    if depth:
        args[rng.randrange(len(args))] = a_formula(rng, names, depth - 1)
        args.append(a_formula(rng, names, rng.randrange(depth)))
    return Formula("atleast", tuple(args), rng.randint(1, len(args)))


@functools.cache
def random_structures() -> list[Structure]:
    rng = random.Random(8)
    found = []
    for number in range(12):
        names = [f"p{i}" for i in range(31 if number % 2 else 9)]
        found.append(Structure(a_formula(rng, names, 3), tuple(names)))
    return found


def test_the_kernel_reads_formulas_as_they_are_written():
    structures = random_structures()
    rows = jax.tree.map(jax.numpy.asarray, table(structures))
    rng = random.Random(9)
    row, words, expected = [], [], []
    for i, structure in enumerate(structures):
        for _ in range(200):
            names = frozenset(n for n in structure.copies if rng.random() < 0.4)
            row.append(i)
            words.append(sum(1 << structure.copies.index(name) for name in names))
            expected.append(holds(structure.formula, names))
    got = jax.jit(lambda r, w: lost(rows, r, w))(np.int32(row), np.int32(words))
    np.testing.assert_array_equal(got, expected)
    assert 0.1 < np.mean(expected) < 0.9
    assert not np.any(lost(rows, jax.numpy.int32([-1]), jax.numpy.int32([2**31 - 1])))


def test_probabilities_are_the_sum_over_all_states():
    rng = np.random.default_rng(10)
    for structure in random_structures()[::2]:
        failed = rng.random((9, 3))
        kept_lost = lost_prob(structure, failed, 1 - failed)
        exact = brute_force(structure, failed)
        np.testing.assert_allclose(kept_lost[0], exact, rtol=1e-12)
        np.testing.assert_allclose(kept_lost[1], 1 - exact, rtol=1e-10)


# --- what is said, and the example ---


def test_show_prints_structures():
    machine = describe(load(RACKS))
    shown = {unit.name: unit.structure for unit in machine.units if unit.structure}
    assert shown["loop"].lost_when == (
        "filter or ((pump[0] or valve[0]) and (pump[1] or valve[1]))"
    )
    assert shown["loop"].minimal_cut_sets == (
        ("filter",),
        ("pump[0]", "pump[1]"),
        ("pump[1]", "valve[0]"),
        ("pump[0]", "valve[1]"),
        ("valve[0]", "valve[1]"),
    )
    takes = {row.name: row.takes.text for row in machine.classes if row.takes}
    assert takes["shelf/psu"] == "2 accelerators, by the structure of shelf"


def test_the_example_is_what_it_says():
    """A shelf and a loop of the example, with the laws of the library, against all their states."""
    scenario = fdmc.load(EXAMPLE)
    hours = scenario.mission_hours
    found = fdmc.mission(scenario, replicas=16)
    for unit, copies in (("shelf", 8), ("loop", 4)):
        structure = scenario.units[unit].structure
        assert structure is not None
        laws = [law_of(scenario, name) for name in structure.copies]
        failed = [-math.expm1(-float(cumulative_hazard(law, hours))) for law in laws]
        exact = 1 - (1 - brute_force(structure, failed)) ** copies
        assert found[unit].exact_prob == pytest.approx(exact, rel=1e-12)
    result = fdmc.run(scenario, stop=fdmc.Replicas(64))
    assert 0.98 < result["goodput"].best < 1
