"""The component library and the packaged scenarios: every number has a source."""

import dataclasses

import pytest
import yaml

from fdmc import library, reference, spec


WHOLE = ["cpo-512", "nvl72-copper", "pluggable-512", "tpuv4-pod"]
MADE = [
    "cpo-2.5d",
    "cpo-2d",
    "cpo-3d",
    "cpo-chiplet",
    "cpo-monolithic",
    "inp-2d",
    "npo",
    "vcsel-2d",
]
TECHNOLOGIES = ["cpo-inp", "cpo-vcsel", "lpo", "microled", "npo", "ocs", "ocs-ring"]
SIZES = [f"{name}-{size}" for name in TECHNOLOGIES for size in (256, 512)]
OTHERS = [
    "copper-64",
    "cpo-256",
    "pluggable-256",
    *SIZES,
]  # tests/test_technologies.py looks closer
NAMES = sorted(WHOLE + MADE + OTHERS)
OPTICS = {"pic", "eic", "fibre_array", "attach", "ring", "heater", "detector", "laser", "els_board"}


def test_rows():
    rows = library.rows()
    assert len(rows) == 90
    assert {row.grade for row in rows.values()} == {"A", "B", "C"}
    assert all(row.id == key and row.source and row.component for key, row in rows.items())
    rated = [row for row in rows.values() if row.fit_typ is not None]
    assert len(rated) == 81
    for row in rated:
        assert row.fit_min is not None
        assert row.fit_max is not None
        assert 0 < row.fit_min <= row.fit_typ <= row.fit_max, row.id


def test_row():
    gpu = library.row("GPU")
    assert (gpu.fit_min, gpu.fit_typ, gpu.fit_max) == (6055.0, 6970.0, 7989.0)
    assert (gpu.grade, gpu.repair_hours, gpu.replaceable_unit) == ("A", 24.0, "GPU tray")
    assert library.row("OCS-MEMS").bandwidth_gbps is None
    assert library.row("CDU-PUMP").scale_hours == 50000.0
    with pytest.raises(KeyError, match="no row 'GPUU'; did you mean 'GPU'?"):
        library.row("GPUU")
    with pytest.raises(KeyError, match="fdmc list components"):
        library.row("zzzzzzz")
    with pytest.raises(dataclasses.FrozenInstanceError):
        gpu.fit_typ = 1.0  # pyright: ignore


def test_every_rated_row_makes_a_component():
    for id, row in library.rows().items():
        document = {
            "mission": "1 y",
            "components": {"part": {"use": id}},
            "units": {"unit": {"components": {"part": 1}}},
            "fabric": {"accelerator": "unit"},
        }
        if row.fit_typ is None:
            with pytest.raises(spec.ScenarioError, match="has no failure rate"):
                spec.load(document)
            continue
        part = spec.load(document).components["part"]
        assert (part.source, part.grade, part.use) == (row.source, row.grade, id)
        assert part.description == row.component
        if row.shape is not None and row.scale_hours is not None:
            assert part.lifetime.kind == row.distribution.lower()
        else:
            assert part.lifetime == spec.Exponential(1e9 / row.fit_typ)


def test_scenarios_are_listed():
    assert list(library.scenarios()) == NAMES
    assert all(path.is_file() for path in library.scenarios().values())


@pytest.mark.parametrize("name", NAMES)
def test_packaged_scenarios_load(name):
    scenario = spec.load(name)
    assert scenario.name == name
    assert scenario.title
    for unit in scenario.tree.nodes:
        for component in scenario.units[unit].components:
            rule = spec.resolve_rule(scenario, unit, component)
            assert rule.time or scenario.components[component].repair, (unit, component)
    for component in scenario.components.values():
        assert component.source != "not stated"
        assert component.grade in ("A", "B", "C") or component.source


@pytest.mark.parametrize("name", NAMES)
def test_inline_numbers_say_where_they_come_from(name):
    document = yaml.safe_load(library.scenarios()[name].read_text())
    assert ("extends" in document) == (name not in WHOLE)
    for part in document.get("components", {}).values():
        assert part is None or "use" in part or "source" in part


@pytest.mark.parametrize("name", MADE)
def test_made_scenarios_are_one_machine(name):
    """The same accelerators, planes and bandwidth; light is made and placed in another way."""
    scenario = spec.load(name)
    assert totals(name, "package", "asic", "switch_tray") == (64, 16, 8)
    assert scenario.fabric == spec.load("cpo-2d").fabric
    assert scenario.workload == spec.load("cpo-512").workload
    node = scenario.tree.nodes["lane"]
    assert scenario.tree.per("package", "engine") * (node.need or node.count) == 64
    assert scenario.manufacturing is not None
    assert scenario.manufacturing.lanes.unit == "lane"


def totals(name, *units):
    tree = spec.load(name).tree
    return tuple(tree.nodes[unit].total for unit in units)


def test_nvl72_copper():
    scenario = spec.load("nvl72-copper")
    assert totals("nvl72-copper", "package", "tray", "switch_tray", "asic") == (72, 18, 9, 18)
    assert scenario.fabric.planes == 18
    assert (
        scenario.tree.nodes["link"].total * scenario.units["link"].components["cable"].count == 5184
    )
    assert scenario.workload.minimum == 64
    fabric = scenario.fabric
    gigabytes = fabric.planes * fabric.lanes_per_link * fabric.lane_rate_gbps / 8
    assert gigabytes == 900.0


def test_cpo_and_pluggable_differ_in_their_optics_alone():
    cpo, pluggable = spec.load("cpo-512"), spec.load("pluggable-512")
    assert totals("cpo-512", "package", "engine", "lane", "asic") == (512, 1024, 36864, 16)
    assert totals("pluggable-512", "package", "link", "asic") == (512, 4096, 16)
    assert cpo.workload == pluggable.workload
    assert cpo.fabric == pluggable.fabric
    assert cpo.fabric.planes * cpo.fabric.lanes_per_link * cpo.fabric.lane_rate_gbps == 12800.0
    assert set(cpo.components) - set(pluggable.components) == OPTICS
    assert set(pluggable.components) - set(cpo.components) == {"module"}
    for name in set(cpo.components) & set(pluggable.components):
        assert cpo.components[name] == pluggable.components[name]
    lanes = cpo.fabric.planes * cpo.fabric.lanes_per_link
    assert cpo.units["package"].contains["engine"].count * 32 == lanes
    assert pluggable.units["package"].contains["link"].count * 8 == lanes


def test_tpuv4_pod():
    scenario = spec.load("tpuv4-pod")
    assert totals("tpuv4-pod", "cube", "host", "chip", "switch") == (64, 1024, 4096, 48)
    assert scenario.fabric.policy == spec.Policy("park", "cube")
    assert (scenario.workload.slice, scenario.workload.minimum) == (16, 1024)
    assert scenario.start == "stationary"
    assert scenario.components["machine"].lifetime.mean_hours == pytest.approx(24 / 0.0008)
    machine = scenario.components["machine"]
    down = machine.repair.mean_hours / (machine.repair.mean_hours + machine.lifetime.mean_hours)
    assert down == pytest.approx(0.0078, rel=0.01)
    torus = scenario.fabric.torus
    assert torus is not None
    assert (torus.cube, torus.shape) == ((4, 4, 4), (8, 8, 16))  # 16 cubes, 48 positions


def test_a_lost_switch_costs_the_torus_its_links():
    """What the scenario says: 0.03 % of a step in a short dimension, 0.5 % in the long one, as lower bounds."""
    machine = reference.build(spec.load("tpuv4-pod"))
    found = [
        reference.work(machine, reference.capacities(machine, [machine.part("switch/ocs", number)]))
        for number in (0, 17, 40)
    ]
    assert [round(1 - work.rate, 4) for work in found] == [0.0003, 0.0003, 0.0052]
    assert [work.efficiency["all_to_all"] for work in found] == pytest.approx([1, 1, 15 / 16])
    assert not any(work.exact for work in found)
