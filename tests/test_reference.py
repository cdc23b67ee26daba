"""The plain-Python reference: effects by hand, histories by hand, chances against exact answers.

Statistical checks allow |z| <= 4.9, which is one false alarm in a million; their seeds are fixed.
"""

import math
import statistics
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from _markov import (
    base_stock,
    machine_repair,
    nested_frus,
    palm_backorders,
    shared_technician,
    swap_when_short,
)
from scipy import integrate, special, stats

from fdmc import reference, spec
from fdmc.reference import _law


Z = 4.9
YEARS_5 = 43800.0


def agree(samples: Sequence[float], exact: float) -> None:
    spread = statistics.stdev(samples) / math.sqrt(len(samples))
    z = (statistics.fmean(samples) - exact) / spread
    assert abs(z) <= Z, f"z = {z:.2f}: {statistics.fmean(samples)} against {exact}"


def load(document: dict[str, Any]) -> spec.Scenario:
    return spec.load({"fdmc": 1, "name": "test", "mission": "5 y", **document})


def laboratory(
    components: dict[str, Any], groups: dict[str, Any], **more: Any
) -> reference.Machine:
    """One accelerator with components on it; its work rate is its live compute."""
    document = {
        "components": components,
        "units": {"system": {"components": groups}},
        "fabric": {"accelerator": "system"},
    }
    return reference.build(load({**document, **more}))


def exponential(mtbf: float, repair: float) -> dict[str, Any]:
    return {"mtbf": f"{mtbf} h", "repair": {"exponential": {"mean": f"{repair} h"}}}


def at(hours: float, repair: float = 10.0) -> dict[str, Any]:
    """A part that fails when it is `hours` old, to a few parts in a million."""
    return {"lifetime": {"weibull": {"shape": 1e6, "scale": f"{hours} h"}}, "repair": f"{repair} h"}


# --- effects, by hand: 2 racks, 4 trays, 8 accelerators; 4 planes on 2 switch trays ---


PART = {"mtbf": "1000 h", "repair": "1 h"}
NAMES = "bus psu pump board laser gpu pic ring heater chip rotor nic".split()
TWO_RACKS = {
    "components": dict.fromkeys(NAMES, PART),
    "units": {
        "pod": {"contains": {"rack": 2, "switch_tray": 2}, "components": {"bus": 1}},
        "rack": {
            "contains": {"tray": 2, "cdu": 1, "nic_box": 2},
            "components": {"psu": {"count": 4, "need": 3}},
        },
        "cdu": {"components": {"pump": {"count": 2, "need": 1}}, "feeds": "rack"},
        "nic_box": {"components": {"nic": 1}},
        "tray": {"contains": {"package": 2, "els": 2}, "components": {"board": 1}},
        "els": {"components": {"laser": {"count": 3, "need": 2}}, "feeds": "engine"},
        "package": {"components": {"gpu": 1}, "contains": {"engine": 2}},
        "engine": {"components": {"pic": 1}, "contains": {"lane": {"count": 5, "need": 4}}},
        "lane": {"components": {"ring": 1, "heater": 1}},
        "switch_tray": {"contains": {"asic": 2, "fan": 2}},
        "fan": {"components": {"rotor": 1}},
        "asic": {"components": {"chip": 1}},
    },
    "fabric": {
        "accelerator": "package",
        "plane": "asic",
        "lanes_per_link": 2,
        "lane_rate": "200 Gb/s",
        "efficiency": 0.5,
    },
}


def two_racks(**fabric: Any) -> reference.Machine:
    return reference.build(load({**TWO_RACKS, "fabric": {**TWO_RACKS["fabric"], **fabric}}))


MACHINE = two_racks()
WHOLE = [1.0] * 8


def parts(*names: str) -> list[reference.Part]:
    """`parts('lane/ring 0 1')` are the first two rings."""
    found = []
    for name in names:
        label, *numbers = name.split()
        found += [MACHINE.part(label, int(number)) for number in numbers]
    return found


def units(template: str, *numbers: int) -> list[reference.Unit]:
    return [MACHINE.units[template][number] for number in numbers]


def test_roles() -> None:
    roles = {name: copies[0].role for name, copies in MACHINE.units.items()}
    assert [name for name in roles if roles[name] == "container"] == [
        "pod",
        "rack",
        "tray",
        "package",
    ]
    assert [name for name in roles if roles[name] == "supplier"] == ["els", "cdu"]
    assert [name for name in roles if roles[name] == "link"] == ["engine", "lane"]
    assert [name for name in roles if roles[name] == "plane"] == ["switch_tray", "asic"]
    assert [name for name in roles if roles[name] == "support"] == ["nic_box", "fan"]


def test_numbers_are_depth_first() -> None:
    assert [unit.number for unit in MACHINE.root.find("lane")] == list(range(80))
    laser = MACHINE.part("els/laser", 13)
    assert (laser.unit.number, laser.unit.parent.number) == (4, 2)


def test_roles_and_rules_agree_with_the_scenario() -> None:
    scenario = MACHINE.scenario
    assert {name: len(copies) for name, copies in MACHINE.units.items()} == {
        name: node.total for name, node in scenario.tree.nodes.items()
    }
    for name, mine in MACHINE.rules.items():
        theirs = spec.resolve_rule(scenario, *name.split("/"))
        swap = mine.swap or name.split("/")[1]
        assert (mine.name, swap, mine.when) == (theirs.name, theirs.swap, theirs.when)


@pytest.mark.parametrize(
    ("failed", "compute"),
    [
        ("package/gpu 3", [1, 1, 1, 0, 1, 1, 1, 1]),
        ("tray/board 1", [1, 1, 0, 0, 1, 1, 1, 1]),
        ("rack/psu 0", WHOLE),
        ("rack/psu 0 2", [2 / 3] * 4 + [1] * 4),
        ("rack/psu 0 1 2 3", [0] * 4 + [1] * 4),
        ("rack/psu 3 4", WHOLE),
        ("cdu/pump 2", WHOLE),
        ("cdu/pump 2 3", [1] * 4 + [0] * 4),
        ("nic_box/nic 1", [1 / 2] * 4 + [1] * 4),
        ("nic_box/nic 0 1", [1 / 4] * 4 + [1] * 4),
        ("pod/bus 0", [0] * 8),
    ],
)
def test_compute_lost(failed: str, compute: list[float]) -> None:
    state = reference.capacities(MACHINE, parts(failed))
    assert state.compute == pytest.approx(compute)
    assert state.links == [[1] * 4] * 8
    assert state.planes == [1] * 4


@pytest.mark.parametrize(
    ("failed", "links"),
    [
        (["engine/pic 5"], {2: [1, 1, 0, 0]}),
        (["lane/ring 0"], {}),
        (["lane/ring 0", "lane/heater 0"], {}),  # one lane
        (["lane/ring 0", "lane/heater 1"], {0: [3 / 4, 3 / 4, 1, 1]}),
        (["lane/ring 0 1 2 3 4"], {0: [0, 0, 1, 1]}),
        (["lane/ring 4 5"], {}),  # two engines
        (["els/laser 3"], {}),
        (["els/laser 3 4"], {1: [1 / 2] * 4}),  # the second laser module feeds the second package
        (["els/laser 3 4 5"], {1: [0] * 4}),
        (["els/laser 3 4", "lane/ring 10 11"], {1: [3 / 8, 3 / 8, 1 / 2, 1 / 2]}),
    ],
)
def test_links_lost(failed: list[str], links: dict[int, list[float]]) -> None:
    state = reference.capacities(MACHINE, parts(*failed))
    assert state.links == [links.get(i, [1] * 4) for i in range(8)]
    assert state.compute == WHOLE
    assert state.planes == [1] * 4


@pytest.mark.parametrize(
    ("failed", "planes"),
    [
        ("asic/chip 3", [1, 1, 1, 0]),
        ("fan/rotor 0", [1 / 2, 1 / 2, 1, 1]),
        ("fan/rotor 0 1", [1 / 4, 1 / 4, 1, 1]),
    ],
)
def test_planes_lost(failed: str, planes: list[float]) -> None:
    state = reference.capacities(MACHINE, parts(failed))
    assert state.planes == planes
    assert state.compute == WHOLE
    assert state.links == [[1] * 4] * 8


def test_units_out_of_service() -> None:
    out = [*units("tray", 1), *units("switch_tray", 0), *units("engine", 0), *units("els", 7)]
    state = reference.capacities(MACHINE, out=out)
    assert state.compute == [1, 1, 0, 0, 1, 1, 1, 1]
    assert state.planes == [0, 0, 1, 1]
    assert state.links == [[0, 0, 1, 1]] + [[1] * 4] * 6 + [[0] * 4]
    lane = reference.capacities(MACHINE, parts("lane/ring 0"), units("lane", 0))
    assert lane.links[0] == [1] * 4
    lanes = reference.capacities(MACHINE, parts("lane/ring 0"), units("lane", 1))
    assert lanes.links[0] == [3 / 4, 3 / 4, 1, 1]


def test_links_that_share_a_plane() -> None:
    """Four engines over two planes: copies 0 and 1 carry half of plane 0 each."""
    document = {
        "components": {"pic": PART},
        "units": {
            "pod": {"contains": {"package": 2}},
            "package": {"contains": {"engine": 4}},
            "engine": {"contains": {"half": 2}},
            "half": {"components": {"pic": 1}},
        },
        "fabric": {"accelerator": "package", "planes": 2},
    }
    machine = reference.build(load(document))
    failed = [machine.part("half/pic", number) for number in (0, 6, 7, 8)]
    links = reference.capacities(machine, failed).links
    assert links == [[3 / 4, 9 / 16], [3 / 4, 1]]


# --- from capacities to work ---


def lose_planes(machine: reference.Machine, down: dict[int, int]) -> reference.Capacities:
    """Accelerator i has lost its link to plane down[i]."""
    links = [[float(down.get(i) != k) for k in range(4)] for i in range(8)]
    return reference.Capacities(WHOLE.copy(), links, [1.0] * 4)


def with_work(workload: dict[str, Any], **fabric: Any) -> reference.Machine:
    return reference.build(
        load({**TWO_RACKS, "fabric": {**TWO_RACKS["fabric"], **fabric}, "workload": workload})
    )


@pytest.mark.parametrize(
    ("op", "algorithm", "efficiency"),
    [
        ("all_reduce", "optimal", 0.4375 / 0.5),  # linear program: 0.5 for each unit of size
        ("all_reduce", "ring", 0.4375 / (7 / 12)),
        ("all_reduce", "in_switch", None),  # no plane has everybody
        ("all_gather", "optimal", 3 / 4),
        ("reduce_scatter", "optimal", 3 / 4),
        ("all_to_all", "optimal", 3 / 4),
        ("broadcast", "optimal", 3 / 4),
    ],
)
def test_collectives_with_four_links_down(
    op: str, algorithm: str, efficiency: float | None
) -> None:
    one = {"op": op, "size": "1 GiB", "algorithm": algorithm}
    machine = with_work({"compute": "1 ns", "collectives": [one]})
    state = reference.work(machine, lose_planes(machine, {0: 0, 1: 1, 2: 2, 3: 3}))
    assert state.used == 8
    if efficiency is None:
        assert state.rate == 0
    else:
        assert state.efficiency[op] == pytest.approx(efficiency)
        assert state.rate == pytest.approx(efficiency, rel=1e-6)
    assert state.exact


def test_one_slow_accelerator_costs_an_optimal_all_reduce_little() -> None:
    """p / (p - 1) at half bandwidth; a ring would cost 2."""
    machine = with_work({"collectives": [{"op": "all_reduce", "size": "1 GiB"}]})
    links = [[0.5] * 4] + [[1.0] * 4] * 7
    state = reference.work(machine, reference.Capacities(WHOLE.copy(), links, [1.0] * 4))
    assert 1 / state.efficiency["all_reduce"] == pytest.approx(8 / 7)


def test_step_time_with_overlap() -> None:
    """4 planes x 2 lanes x 200 Gb/s x 0.5 = 100 GB/s: 100 GB all-to-all in 7/8 s, 1/4 s hidden."""
    collective = {"op": "all_to_all", "size": "100 GB", "overlap": "250 ms"}
    machine = with_work({"compute": "1 s", "collectives": [collective]})
    compute = [1.0] * 7 + [0.8]
    state = reference.work(
        machine, reference.Capacities(compute, [[1.0] * 4] * 8, [1.0, 1.0, 0.0, 0.0])
    )
    healthy = 1 + 0.875 - 0.25
    assert state.rate == pytest.approx(healthy / (1 / 0.8 + 1.75 - 0.25))
    assert state.efficiency["all_to_all"] == pytest.approx(0.5)


def test_exactness_flag() -> None:
    machine = with_work({"collectives": [{"op": "all_reduce", "size": "1 GiB"}]})
    assert reference.work(machine, lose_planes(machine, {0: 0, 1: 0})).exact  # 6 of 8 attached
    assert not reference.work(machine, lose_planes(machine, {0: 0, 1: 0, 2: 0})).exact
    dead = lose_planes(machine, dict.fromkeys(range(8), 0))
    assert reference.work(machine, dead).exact


@pytest.mark.parametrize(
    ("policy", "failed", "used"),
    [
        ("degrade", ["package/gpu 0", "engine/pic 2", "rack/psu 4 5"], 7),
        ("degrade", ["engine/pic 2 3"], 7),
        ("degrade", ["asic/chip 0"], 8),
        ("park", ["package/gpu 0", "engine/pic 2", "rack/psu 4 5"], 2),
        ("park", ["asic/chip 0"], 8),
        ("park", ["lane/ring 0", "els/laser 0"], 8),
        ({"park": "tray"}, ["package/gpu 0", "engine/pic 8"], 4),
        ("drop", ["asic/chip 0"], 8),
        ("drop", ["lane/ring 0 1"], 0),
    ],
)
def test_policies(policy: Any, failed: list[str], used: int) -> None:
    machine = two_racks(policy=policy)
    mine = [machine.part(part.name, part.number) for part in parts(*failed)]
    assert reference.work(machine, reference.capacities(machine, mine)).used == used


def test_slices_and_minimum() -> None:
    """Whole pairs of trays, and at least 6 accelerators."""
    machine = with_work({"slice": 2}, policy={"park": "tray"})
    state = reference.work(machine, reference.capacities(machine, [machine.part("package/gpu", 0)]))
    assert (state.used, state.rate) == (4, 0.5)
    machine = with_work({"minimum": 6}, policy={"park": "tray"})
    failed = [machine.part("package/gpu", 0)]
    assert reference.work(machine, reference.capacities(machine, failed)).rate == 6 / 8
    failed.append(machine.part("package/gpu", 2))
    assert reference.work(machine, reference.capacities(machine, failed)).rate == 0


def test_ettr_of_published_jobs() -> None:
    """Meta's RSC-1 at 131,072 accelerators, 5 min restart: exact Daly 0.720 and 0.934."""
    for minutes, hours, expected in ((60, 1.8, 0.720), (5, 1.8, 0.934)):
        document = {"checkpoint": {"write": "0 s", "interval": f"{minutes} min"}}
        workload = load(
            {**TWO_RACKS, "workload": {**document, "restart": {"resume": "5 min"}}}
        ).workload
        assert reference.ettr(workload, hours) == pytest.approx(expected, abs=0.02)


def test_the_optimal_interval_is_the_best() -> None:
    def with_interval(interval: str) -> float:
        checkpoint = {"write": "30 s", "interval": interval}
        return reference.ettr(
            load({**TWO_RACKS, "workload": {"checkpoint": checkpoint}}).workload, 2.0
        )

    best = with_interval("optimal")
    assert best == pytest.approx(max(with_interval(f"{s} s") for s in range(550, 750)), rel=1e-6)
    assert best >= with_interval("620 s")


# --- histories, by hand ---


def fails_at(machine: reference.Machine, name: str, *hours: float) -> None:
    """Give the copies of a class lifetimes of their own, to a few parts in a million."""
    for number, each in enumerate(hours):
        machine.part(name, number).lifetime = spec.Weibull(1e6, float(each))


def test_a_swap_renews_the_whole_fru() -> None:
    """a at 1000 opens the job; b is new at 1010 and does not fail at 1100."""
    parts = {"a": at(1000), "b": at(1100)}
    rules = {"replace": {"system": {"time": "20 h"}}}
    machine = laboratory(parts, {"a": 1, "b": 1}, mission="2000 h", service=rules)
    outcome = reference.history(machine, 1, 0)
    assert outcome.failures == {"system/a": 1}
    assert outcome.full_hours == pytest.approx(1980, abs=0.1)


def test_spares_run_out() -> None:
    """One spare, 500 h restock: failed at 1000 has it, at 1100 waits to 1500, at 1200 to 1600."""
    pool = {"stock": 1, "restock": "500 h"}
    machine = laboratory({"a": at(1)}, {"a": 3}, mission="2000 h", service={"replace": {"a": pool}})
    fails_at(machine, "system/a", 1000, 1100, 1200)
    outcome = reference.history(machine, 1, 0)
    assert outcome.jobs == {"a": 3}
    assert outcome.full_hours == pytest.approx(2000 - 10 - (1610 - 1100), abs=0.1)


def test_the_queue_is_by_the_time_of_the_spare() -> None:
    """The second a fails before c but has its spare at 1500: after c, before d."""
    machine = laboratory(
        {"a": at(1, 100), "c": at(1400, 200), "d": at(1550, 10)},
        {"a": 2, "c": 1, "d": 1},
        mission="1900 h",
        service={"technicians": 1, "replace": {"a": {"stock": 1, "restock": "500 h"}}},
    )
    fails_at(machine, "system/a", 1000, 1150)
    outcome = reference.history(machine, 1, 0)
    # d is down with a and c from 1550, with a from 1600, alone from 1700 to 1710.
    assert outcome.blame["system/d"] == pytest.approx(50 / 3 + 100 / 2 + 10, abs=0.1)
    assert outcome.full_hours == pytest.approx(1900 - 100 - (1710 - 1150), abs=0.1)


def pod(service: dict[str, Any], policy: Any = "degrade", **components: Any) -> reference.Machine:
    """Two trays of two accelerators, two planes, two links each."""
    return reference.build(
        load(
            {
                "mission": "2000 h",
                "components": components,
                "units": {
                    "pod": {"contains": {"tray": 2}},
                    "tray": {"contains": {"package": 2}},
                    "package": {"contains": {"engine": 2}, "components": {"gpu": 1}},
                    "engine": {"components": {"pic": 1}},
                },
                "fabric": {"accelerator": "package", "planes": 2, "policy": policy},
                "service": service,
            }
        )
    )


RARE = {"mtbf": "1e12 h", "repair": "1 h"}
SWAP = {"replace": {"engine": {"swap": "package", "takes_out": "tray", "time": "100 h"}}}


def test_a_repair_takes_the_tray_out() -> None:
    """All 8 engines fail at 1500; with one technician the packages are swapped one by one."""
    machine = pod({"technicians": 1, **SWAP}, gpu=RARE, pic=at(1500))
    outcome = reference.history(machine, 1, 0)
    assert outcome.failures == {"engine/pic": 8}
    assert outcome.jobs == {"engine": 4}  # the second engine of a package finds the job open
    assert sum(outcome.blast[size] for size in (1, 2)) == 8
    assert outcome.blast[2] == 4  # those that open a job take the tray
    assert outcome.lost_accelerator_hours == pytest.approx(4 * (2000 - outcome.work))
    assert sum(outcome.blame.values()) == pytest.approx(outcome.lost_accelerator_hours)
    assert outcome.running_hours < 2000 - 99  # nobody has a lane until 1600


@pytest.mark.parametrize(
    ("policy", "interruptions", "drains"),
    [("degrade", 0, 1), ("park", 1, 1), ({"park": "tray"}, 1, 0), ("drop", 1, 0)],
)
def test_interruptions_and_drains(policy: Any, interruptions: int, drains: int) -> None:
    """One link fails; its accelerator loses half of its lanes; the swap takes the tray."""
    machine = pod(SWAP, policy, gpu=RARE, pic=RARE)
    fails_at(machine, "engine/pic", 1500)
    outcome = reference.history(machine, 1, 0)
    assert outcome.failures == {"engine/pic": 1}
    assert (outcome.interruptions, outcome.drains) == (interruptions, drains)
    used = 0 if policy == "drop" else 2
    assert outcome.used_hours == pytest.approx(2000 - 100 * (4 - used) / 4, abs=0.1)
    assert outcome.blame == {"engine/pic": pytest.approx(100 * (4 - used), abs=0.1)}
    assert outcome.full_hours == pytest.approx(1900, abs=0.1)
    assert outcome.blast == {2: 1}


def test_a_tray_that_stays_out_is_drained_once() -> None:
    """The second gpu fails in a tray that is out, and its repair follows at once."""
    rule = {"takes_out": "tray", "time": "100 h"}
    machine = pod({"technicians": 1, "replace": {"gpu": rule}}, gpu=RARE, pic=RARE)
    fails_at(machine, "package/gpu", 1000, 1050)
    outcome = reference.history(machine, 1, 0)
    assert (outcome.interruptions, outcome.drains) == (1, 1)
    assert outcome.lost_accelerator_hours == pytest.approx(2 * 200, abs=0.1)
    assert outcome.blast == {2: 2}


def test_what_a_repair_takes_out_includes_what_the_failure_took() -> None:
    """An engine that carries half of a plane is lost once, not again by its own swap."""
    document = {
        "mission": "2000 h",
        "components": {"pic": RARE},
        "units": {
            "pod": {"contains": {"package": 2}},
            "package": {"contains": {"engine": 2}},
            "engine": {"components": {"pic": 1}},
        },
        "fabric": {"accelerator": "package", "lane_rate": "100 Gb/s"},
        "service": {"replace": {"engine": {"takes_out": "engine", "time": "100 h"}}},
        "workload": {"compute": "1 ns", "collectives": [{"op": "all_to_all", "size": "1 GiB"}]},
    }
    machine = reference.build(load(document))
    fails_at(machine, "engine/pic", 1000)
    assert reference.history(machine, 1, 0).work == pytest.approx(2000 - 50, abs=0.1)


def test_blame_is_shared_by_what_each_has_taken() -> None:
    """A gpu takes one accelerator, a link half of another: while both are down, 2 to 1."""
    machine = pod({"technicians": 1}, "park", gpu=RARE, pic=RARE)
    for part in (machine.part("package/gpu", 0), machine.part("engine/pic", 2)):
        part.lifetime = spec.Weibull(1e6, 1000.0)
    outcome = reference.history(machine, 1, 0)
    # Each repair takes 1 h; in the first hour 2 are lost, in the second 1.
    down_together = {"package/gpu": 2 * 2 / 3, "engine/pic": 2 * 1 / 3}
    assert outcome.lost_accelerator_hours == pytest.approx(3, abs=0.02)
    first = min(outcome.blame, key=lambda name: outcome.blame[name] - down_together[name])
    for name, shared in down_together.items():
        assert outcome.blame[name] == pytest.approx(shared + (name != first), abs=0.02)


def test_a_part_without_repair_stays_failed() -> None:
    part = at(1000)
    del part["repair"]
    outcome = reference.history(laboratory({"a": part}, {"a": 1}, mission="4000 h"), 1, 0)
    assert outcome.failures == {"system/a": 1}
    assert outcome.work == pytest.approx(1000, abs=0.1)


def test_the_run_in_is_not_counted() -> None:
    """Failures at 1000, 2010, 3020, ... of which the run-in sees the first two."""
    machine = laboratory(
        {"a": at(1000)}, {"a": 1}, mission="2000 h", start="stationary", run_in="2500 h"
    )
    outcome = reference.history(machine, 1, 0)
    assert outcome.failures == {"system/a": 2}  # at 520 and 1530
    assert outcome.full_hours == pytest.approx(2000 - 20, abs=0.1)
    assert outcome.hours == 2000


def test_same_seed_same_history() -> None:
    machine = reference.build(load({**TWO_RACKS, "mission": "500 h"}))
    outcome = reference.history(machine, 3, 5)
    assert outcome == reference.history(machine.scenario, 3, 5)
    assert outcome != reference.history(machine, 3, 6)
    assert sum(outcome.blame.values()) == pytest.approx(outcome.lost_accelerator_hours)
    assert sum(outcome.failures.values()) == sum(outcome.blast.values())


# --- histories against exact chains ---


def test_published_availability_of_5_of_6() -> None:
    chain = machine_repair(6, 1000.0, 24.0, 1)
    assert chain.mean(lambda failed: failed <= 1) == pytest.approx(0.9836086519, abs=5e-11)
    assert chain.mean(lambda failed: failed <= 1, YEARS_5) == pytest.approx(0.9836280961, abs=5e-11)


@pytest.mark.statistical
@pytest.mark.parametrize("technicians", [1, 2, None])
def test_k_of_n_with_technicians(technicians: int | None) -> None:
    chain = machine_repair(6, 1000.0, 24.0, technicians)
    machine = laboratory(
        {"node": exponential(1000, 24)},
        {"node": {"count": 6, "need": 5}},
        service={"technicians": technicians} if technicians else {},
    )
    outcomes = [reference.history(machine, 11, r) for r in range(60)]
    exact = chain.mean(lambda failed: failed <= 1, YEARS_5)
    agree([each.full_hours / YEARS_5 for each in outcomes], exact)
    exact = chain.mean(lambda failed: min(1.0, (6 - failed) / 5), YEARS_5)
    agree([each.work / YEARS_5 for each in outcomes], exact)
    exact = YEARS_5 * chain.mean(lambda failed: (6 - failed) / 1000.0, YEARS_5)
    agree([each.failures["system/node"] for each in outcomes], exact)


@pytest.mark.statistical
def test_two_classes_share_a_technician() -> None:
    """Capacity is the product of two groups without spares, each linear in what has failed."""
    counts, mtbf, repair = (2, 3), (500.0, 300.0), (50.0, 10.0)
    chain = shared_technician(counts, mtbf, repair)
    machine = laboratory(
        {"slow": exponential(500, 50), "fast": exponential(300, 10)},
        {"slow": {"count": 2, "need": 2}, "fast": {"count": 3, "need": 3}},
        service={"technicians": 1},
        mission="10000 h",
    )
    outcomes = [reference.history(machine, 12, r) for r in range(150)]
    exact = chain.mean(lambda q: (1 - q.count(0) / 2) * (1 - q.count(1) / 3), 10000.0)
    agree([each.work / 10000 for each in outcomes], exact)
    for kind, name in enumerate(("slow", "fast")):
        rate = chain.mean(lambda q, kind=kind: (counts[kind] - q.count(kind)) / mtbf[kind], 10000.0)
        agree([each.failures[f"system/{name}"] for each in outcomes], 10000 * rate)


@pytest.mark.statistical
def test_spares_inside_one_fru() -> None:
    """4 lasers, 3 needed, the module is swapped only when short; failures during the swap count."""
    chain = swap_when_short(4, 3, 1000.0, 100.0)
    document = {
        "mission": "20000 h",
        "components": {"laser": {"mtbf": "1000 h"}},
        "units": {
            "system": {"contains": {"board": 1, "els": 1}},
            "board": {},
            "els": {"components": {"laser": {"count": 4, "need": 3}}},
        },
        "fabric": {"accelerator": "board"},
        "service": {"replace": {"els": {"time": {"exponential": {"mean": "100 h"}}}}},
    }
    machine = reference.build(load(document))
    outcomes = [reference.history(machine, 13, r) for r in range(150)]
    exact = chain.mean(lambda s: 1 - min(1.0, max(0, s[0] - 1) / 3), 20000.0)
    agree([each.work / 20000 for each in outcomes], exact)
    swaps = 20000 * chain.mean(lambda s: 0 if s[1] or s[0] != 1 else 3 / 1000, 20000.0)
    agree([each.jobs["els"] for each in outcomes], swaps)


@pytest.mark.statistical
def test_a_larger_swap_renews_smaller_parts_while_their_jobs_run_on() -> None:
    chain = nested_frus((300.0, 400.0), (150.0, 50.0))
    document = {
        "mission": "20000 h",
        "components": {"small": exponential(300, 150), "big": exponential(400, 50)},
        "units": {
            "system": {"contains": {"board": 1}},
            "board": {"components": {"small": 1, "big": 1}},
        },
        "fabric": {"accelerator": "system"},
        "service": {"replace": {"small": {}, "board": {}}},
    }
    machine = reference.build(load(document))
    outcomes = [reference.history(machine, 14, r) for r in range(150)]
    exact = chain.mean(lambda s: not (s[0] or s[1]), 20000.0)
    agree([each.full_hours / 20000 for each in outcomes], exact)
    jobs = 20000 * chain.mean(lambda s: 0 if s[0] or s[2] else 1 / 300, 20000.0)
    agree([each.jobs["small"] for each in outcomes], jobs)


@pytest.mark.statistical
@pytest.mark.parametrize(("spares", "lifetimes"), [(0, 20), (2, 20), (5, 20)])
def test_stock_with_a_fixed_restock_time(spares: int, lifetimes: int) -> None:
    """Insensitive to the law of the lead time, so exact for a fixed one."""
    count, mtbf, restock = 10, 1000.0, 300.0
    exact = base_stock(count, spares, mtbf, restock)
    hours = lifetimes * mtbf
    machine = laboratory(
        {"node": {"mtbf": "1000 h", "repair": "0.001 h"}},
        {"node": {"count": count, "need": count}},
        mission=f"{hours} h",
        start="stationary",
        run_in="3000 h",
        service={"replace": {"node": {"stock": spares, "restock": f"{restock} h"}}},
    )
    agree([reference.history(machine, 15, r).work / hours for r in range(80)], exact)


def test_palm() -> None:
    """With many positions the closed network becomes Palm's Poisson pipeline."""
    positions = 20000
    short = (1 - base_stock(positions, 6, positions * 200.0, 1000.0)) * positions
    assert short == pytest.approx(palm_backorders(1 / 200, 6, 1000.0), rel=1e-3)


@pytest.mark.statistical
@pytest.mark.parametrize(
    "law",
    [
        {"weibull": {"shape": 2.5, "scale": "500 h"}},
        {"lognormal": {"median": "400 h", "sigma": 0.8}},
        {"gamma": {"shape": 3, "mean": "450 h"}},
        {
            "bathtub": {
                "infant": {"weibull": {"shape": 0.5, "scale": "4000 h"}},
                "wearout": {"weibull": {"shape": 4, "scale": "600 h"}},
            }
        },
    ],
)
def test_stationary_renewals(law: dict[str, Any]) -> None:
    """In the long run a part works MTTF / (MTTF + MTTR) of the time, whatever the laws."""
    repair = {"lognormal": {"median": "30 h", "p90": "90 h"}}
    machine = laboratory(
        {"a": {"lifetime": law, "repair": repair}},
        {"a": 1},
        mission="10000 h",
        start="stationary",
        run_in="6000 h",
    )
    up = _law.mean(machine.parts[0].lifetime)
    down = 30 * math.exp((math.log(3) / 1.2815515655446004) ** 2 / 2)
    outcomes = [reference.history(machine, 16, r) for r in range(250)]
    agree([each.work / 10000 for each in outcomes], up / (up + down))
    agree([each.failures["system/a"] for each in outcomes], 10000 / (up + down))


# --- laws, snapshots, missions ---


def test_survival_and_means() -> None:
    for t in (0.1, 1.0, 3.0, 12.0):
        assert _law.survival(spec.Gamma(2.5, 1.5), t) == pytest.approx(
            special.gammaincc(2.5, t / 1.5)
        )
        assert _law.survival(spec.LogNormal(2.0, 0.7), t) == pytest.approx(
            stats.norm.sf(math.log(t / 2) / 0.7)
        )
    both = spec.Competing((spec.Exponential(3.0), spec.Exponential(6.0)))
    assert _law.mean(both) == pytest.approx(2.0, rel=1e-12)
    bathtub = spec.Competing(
        (spec.Weibull(0.5, 40.0), spec.Weibull(4.0, 6.0), spec.Gamma(3.0, 9.0))
    )
    expected = integrate.quad(lambda t: _law.survival(bathtub, t), 0, 30, epsabs=1e-12, limit=500)[
        0
    ]
    assert _law.mean(bathtub) == pytest.approx(expected, rel=1e-7)


@pytest.mark.statistical
def test_stationary_snapshot_of_a_sliced_machine() -> None:
    """Published: 64 cubes of 16 hosts, 99 % available; slices of 16 cubes reach 75 %."""
    document = {
        "components": {"host": {"mtbf": "99 h", "repair": "1 h"}},
        "units": {"pod": {"contains": {"cube": 64}}, "cube": {"components": {"host": 16}}},
        "fabric": {"accelerator": "cube", "policy": "park"},
        "workload": {"slice": 16},
    }
    machine = reference.build(load(document))
    healthy = stats.binom(64, 0.99**16)
    exact = sum(healthy.pmf(h) * (h // 16) * 16 / 64 for h in range(65))
    assert exact == pytest.approx(0.75, abs=0.01)
    agree([reference.snapshot(machine, 17, r).rate for r in range(3000)], exact)


@pytest.mark.statistical
def test_snapshot_at_a_time() -> None:
    """4-of-6 at half its mean life, without repair."""
    machine = laboratory({"node": PART}, {"node": {"count": 6, "need": 4}})
    exact = stats.binom(6, math.exp(-0.5)).sf(3)
    agree([float(reference.snapshot(machine, 18, r, 500.0).whole) for r in range(5000)], exact)


@pytest.mark.statistical
def test_missions() -> None:
    """The two racks: each level's first loss, all parts exponential with a mean of 1000 h."""
    rings = 16  # engines, each short at the second dead lane of 5 (a lane dies at twice the rate)
    samples = [reference.mission(MACHINE, 19, r) for r in range(400)]

    def mean_of(survival: Callable[[float], float]) -> float:
        return 1000 * integrate.quad(survival, 0, 50, epsabs=1e-13, limit=400)[0]

    def at_most_one(n: int, rate: float) -> Callable[[float], float]:
        return lambda t: math.exp(-n * rate * t) * (1 + n * math.expm1(rate * t))

    lanes, lasers = at_most_one(5, 2.0), at_most_one(3, 1.0)
    supplies, pumps = at_most_one(4, 1.0), at_most_one(2, 1.0)

    def engine(t: float) -> float:  # its pic and lanes, its laser modules, the pumps of its rack
        return math.exp(-16 * t) * lanes(t) ** rings * lasers(t) ** 8

    expected = {
        "lane": lambda t: math.exp(-80 * 2 * t),
        "els": lambda t: lasers(t) ** 8,
        "cdu": lambda t: pumps(t) ** 2,
        "asic": lambda t: math.exp(-4 * t),
        "fan": lambda t: math.exp(-4 * t),
        "switch_tray": lambda t: math.exp(-8 * t),
        "engine": engine,
        "package": lambda t: engine(t) * math.exp(-8 * t),
        "tray": lambda t: engine(t) * math.exp(-12 * t),
        "rack": lambda t: engine(t) * math.exp(-16 * t) * supplies(t) ** 2 * pumps(t) ** 2,
        "domain": lambda t: engine(t) * math.exp(-25 * t) * supplies(t) ** 2 * pumps(t) ** 2,
    }
    for level, survival in expected.items():
        agree([sample[level] for sample in samples], mean_of(survival))
    assert all(sample["pod"] == sample["domain"] for sample in samples)
