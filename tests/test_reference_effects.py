"""The plain-Python reference: what is lost with what, and what the rest is worth, by hand."""

from typing import Any

import pytest
from _machines import PART, TWO_RACKS, load

from fdmc import reference, spec


# --- effects, by hand: 2 racks, 4 trays, 8 accelerators; 4 planes on 2 switch trays ---


def two_racks(**fabric: Any) -> reference.Machine:
    return reference.build(load(TWO_RACKS, fabric=fabric))


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
    return reference.build(load(TWO_RACKS, fabric=fabric, workload=workload))


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
    assert reference.work(machine, lose_planes(machine, {0: 0})).exact  # 7 of 8 are whole
    assert not reference.work(machine, lose_planes(machine, {0: 0, 1: 0})).exact
    slow = [[0.5] + [1.0] * 3] * 2 + [[1.0] * 4] * 6  # attached, and at half rate
    assert not reference.work(machine, reference.Capacities(WHOLE.copy(), slow, [1.0] * 4)).exact
    dead = reference.Capacities(WHOLE.copy(), [[1.0] * 4] * 8, [0.0, 1.0, 0.5, 1.0])
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
