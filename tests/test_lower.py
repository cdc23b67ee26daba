"""Lowering: plans by hand, refusals, and what every part takes against the reference."""

import itertools
import random

import numpy as np
import pytest
from _compare import network
from _machines import PART, SHARED_PLANES, TWO_RACKS, load

from fdmc import reference
from fdmc.library import scenarios
from fdmc.plan import COMPUTE, LINK, PLANE, PlanError, lower
from fdmc.plan._ageing import ageing
from fdmc.reference._heat import heat_of
from fdmc.spec import load as load_spec


LIBRARY = ["cpo-512", "nvl72-copper", "pluggable-512", "tpuv4-pod"]
# Of one machine: what is made and warmed differently stands in the same places.
MADE = [
    "cpo-2.5d", "cpo-2d", "cpo-3d", "cpo-chiplet", "cpo-monolithic", "inp-2d", "npo", "vcsel-2d",
]  # fmt: skip
# The technologies, at 512 accelerators and with half the racks; copper as far as it reaches.
TECHNOLOGIES = [
    "copper-64", "cpo-inp-512", "cpo-vcsel-512", "lpo-512", "microled-512", "npo-512", "ocs-512",
    "ocs-ring-512",
]  # fmt: skip
HALVES = [
    "cpo-256", "cpo-inp-256", "cpo-vcsel-256", "lpo-256", "microled-256", "npo-256", "ocs-256", "ocs-ring-256",
    "pluggable-256",
]  # fmt: skip


def row_of(plan, directory, name, number=0):
    names = [info.name for info in directory.classes]
    return names.index(name), int(plan.classes.first[names.index(name)]) + number


def unpack(span, reach):
    """(kind, accelerators, planes or segments), as half-open ranges."""
    return (
        int(reach) >> 24,
        (int(span) >> 16, int(span) & 0xFFFF),
        (int(reach) >> 12 & 0xFFF, int(reach) & 0xFFF),
    )


@pytest.mark.parametrize(
    ("name", "number", "kind", "accelerators", "planes", "share"),
    [
        ("pod/bus", 0, COMPUTE, (0, 8), (0, 0), 1),
        ("rack/psu", 5, COMPUTE, (4, 8), (0, 0), 1 / 3),
        ("cdu/pump", 2, COMPUTE, (4, 8), (0, 0), 1),
        ("nic_box/nic", 3, COMPUTE, (4, 8), (0, 0), 1 / 2),
        ("tray/board", 1, COMPUTE, (2, 4), (0, 0), 1),
        ("package/gpu", 3, COMPUTE, (3, 4), (0, 0), 1),
        ("engine/pic", 5, LINK, (2, 3), (1, 2), 1),  # the second half of the planes: a segment
        ("lane/ring", 27, LINK, (2, 3), (1, 2), 1 / 4),
        ("els/laser", 3, LINK, (1, 2), (0, 2), 1 / 2),
        ("asic/chip", 3, PLANE, (0, 8), (3, 4), 1),
        ("fan/rotor", 1, PLANE, (0, 8), (0, 2), 1 / 2),
    ],
)
def test_what_a_part_takes(name, number, kind, accelerators, planes, share):
    plan, directory = lower(load(TWO_RACKS))
    c, row = row_of(plan, directory, name, number)
    assert unpack(plan.places.span[row], plan.places.reach[row]) == (kind, accelerators, planes)
    assert plan.classes.share[c] == pytest.approx(share)


def test_the_plan_of_two_racks():
    plan, directory = lower(load(TWO_RACKS))
    assert (plan.accelerators, plan.planes, plan.lanes_per_link, plan.park) == (8, 4, 2, 0)
    np.testing.assert_array_equal(plan.segment_planes, [2, 2])
    counts = {info.name: info.copies for info in directory.classes}
    assert counts["lane/heater"] == 80
    assert counts["els/laser"] == 24
    spares = {info.name: info.spares for info in directory.classes}
    assert {name: n for name, n in spares.items() if n} == {
        "rack/psu": 1, "cdu/pump": 1, "els/laser": 1, "lane/ring": 1, "lane/heater": 1,
    }  # fmt: skip
    # homes are the numbers of one walk: all different, FRUs are intervals around them
    homes = plan.places.home
    assert len(set(homes.tolist())) == len(homes) == sum(counts.values())
    assert np.all((plan.places.fru_low <= homes) & (homes < plan.places.fru_high))


def test_elements_and_groups():
    """A ring and the heater beside it are one element; five elements are a group."""
    plan, directory = lower(load(TWO_RACKS))
    p = plan.places
    rings, heaters = (
        row_of(plan, directory, f"lane/{name}")[1] + np.arange(80) for name in ("ring", "heater")
    )
    np.testing.assert_array_equal(p.element[rings], p.element[heaters])
    np.testing.assert_array_equal(p.group[rings], p.group[heaters])
    assert len(set(p.element[rings].tolist())) == 80
    groups = p.group[rings].reshape(16, 5)
    assert np.all(groups == groups[:, :1])
    assert len(set(groups[:, 0].tolist())) == 16
    assert np.all(p.element[row_of(plan, directory, "package/gpu")[1]] == -1)


def test_frus_and_what_repairs_take_out():
    rules = {
        "pic": {"swap": "package", "takes_out": "tray", "stock": 3, "restock": "5 h"},
        "chip": {
            "swap": "asic",
            "takes_out": "switch_tray",
            "time": {"lognormal": {"median": "3 h", "sigma": 1}},
        },
    }
    plan, directory = lower(
        load(TWO_RACKS, service={"replace": {**rules, "lane": {}}, "technicians": 3})
    )
    p, c = plan.places, plan.classes
    k, pic = row_of(plan, directory, "engine/pic", 5)  # on package 2, in tray 1
    gpu = row_of(plan, directory, "package/gpu", 2)[1]
    assert p.fru_low[pic] <= p.home[gpu] < p.fru_high[pic]
    assert unpack(p.out_span[pic], p.out_reach[pic]) == (COMPUTE, (2, 4), (0, 0))
    assert (plan.stock, int(c.pool[k]), float(c.restock_hours[k])) == ((3,), 0, 5.0)
    k, chip = row_of(plan, directory, "asic/chip", 3)
    assert unpack(p.out_span[chip], p.out_reach[chip]) == (PLANE, (0, 8), (2, 4))
    assert c.pool[k] == -1
    assert plan.drawn_repairs
    assert plan.queued
    assert plan.technicians == 3
    bus = row_of(plan, directory, "pod/bus")[1]
    assert (p.fru_low[bus], p.fru_high[bus], p.out_reach[bus]) == (p.home[bus], p.home[bus] + 1, -1)


def test_renewals_of_wearing_parts():
    """A swap of a package renews its gpu and two pics; of an engine, one; of a board, none."""
    wearing = {"lifetime": {"weibull": {"shape": 2, "scale": "9 y"}}, "repair": "1 h"}
    plan, directory = lower(
        load(
            TWO_RACKS,
            components={**TWO_RACKS["components"], "gpu": wearing, "pic": wearing},
            service={
                "replace": {"gpu": {"swap": "package"}, "pic": {"swap": "engine"}, "lane": {}}
            },
        )
    )
    names = [info.name for info in directory.classes]
    assert names[-2:] == ["package/gpu", "engine/pic"]
    copies = {name: plan.wear.copies[:, c].tolist() for c, name in enumerate(names)}
    assert copies["package/gpu"] == [1, 2]
    assert copies["engine/pic"] == [0, 1]
    assert copies["tray/board"] == [0, 0]
    first = row_of(plan, directory, "engine/pic")[1]
    np.testing.assert_array_equal(plan.wear.fru[first : first + 16], np.arange(16))
    assert plan.wear.law.tolist() == [0, 0]  # one law, one table


def test_parking_and_slices():
    plan, _ = lower(load(TWO_RACKS, fabric={"policy": {"park": "tray"}}, workload={"slice": 3}))
    assert (plan.park, plan.slice) == (2, 3)
    assert lower(load(TWO_RACKS, fabric={"policy": "drop"}))[0].park == 8
    assert lower(load(TWO_RACKS, fabric={"policy": "park"}))[0].park == 1


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"components": {"gpu": {"mtbf": "9 y"}}}, "no repair time"),
        ({"service": {"replace": {}}}, "smaller than 'lane'"),
        (
            {"units": {"engine": {"components": {"pic": 1}, "contains": {"lane": 3}}}},
            "3 copies cannot share 2 planes",
        ),
    ],
)  # fmt: skip
def test_refusals(more, message):
    more = {
        key: {**TWO_RACKS[key], **value} if key != "service" else value
        for key, value in more.items()
    }
    with pytest.raises(ValueError, match=message):
        lower(load({**TWO_RACKS, **more}))


def test_takes_out_must_cover_the_failure():
    rule = {"swap": "tray", "takes_out": "engine"}
    with pytest.raises(ValueError, match="takes_out"):
        lower(load(TWO_RACKS, service={"replace": {"lane": {}, "board": rule}}))


def test_a_counting_group_has_one_kind_of_job():
    """The engine counts a group among its open jobs or among its latent failures, not in both."""
    rules = {"ring": {"swap": "lane"}, "heater": {"swap": "engine"}}  # failed, and short
    with pytest.raises(PlanError, match="'lane/ring' of the same counting group when failed"):
        lower(load(TWO_RACKS, service={"replace": rules}))
    lower(load(TWO_RACKS, service={"replace": {**rules, "heater": {"swap": "lane"}}}))


def test_too_many_accelerators():
    document = {
        "components": {"gpu": PART},
        "units": {"pod": {"contains": {"package": 65536}}, "package": {"components": {"gpu": 1}}},
        "fabric": {"accelerator": "package"},
    }
    with pytest.raises(PlanError, match="at most 65535"):
        lower(load(document))


# --- every part against the reference ---


def taken(plan, row, loss, out=False):
    """What one slot leaves, densely: compute, links, planes."""
    p = plan.places
    kind, (low, high), (left, right) = unpack(
        *((p.out_span[row], p.out_reach[row]) if out else (p.span[row], p.reach[row]))
    )
    compute, planes = np.ones(plan.accelerators), np.ones(plan.planes)
    links = np.ones((plan.accelerators, plan.planes))
    width = plan.planes // len(plan.segment_planes)
    if kind == COMPUTE:
        compute[low:high] -= loss
    elif kind == PLANE:
        planes[left:right] -= loss
    else:
        links[low:high, left * width : right * width] -= loss
    return compute, links, planes


def check(scenario, machine, plan, directory, name, number):
    c, row = row_of(plan, directory, name, number)
    part = machine.part(name, number)
    failed, share = [part], plan.classes.share[c]
    if plan.classes.counting[c]:  # one more than its spares, this part among them
        mates = [x for x in machine.parts if x.counting is part.counting and x.name == name]
        elements = {id(x.element): x for x in [*mates, part]}
        need = int(plan.classes.spares[c]) + 1
        failed = [part, *(x for x in elements.values() if x is not part)][:need]
    state = reference.capacities(machine, failed)
    pairs = [(state, taken(plan, row, share))]
    out = machine.rules[name].out(part)
    if plan.places.out_reach[row] >= 0:
        pairs.append((reference.capacities(machine, out=[out]), taken(plan, row, 1.0, out=True)))
    for state, (compute, links, planes) in pairs:
        np.testing.assert_allclose(state.compute, compute, atol=1e-6, err_msg=name)
        np.testing.assert_allclose(state.links, links, atol=1e-6, err_msg=name)
        np.testing.assert_allclose(state.planes, planes, atol=1e-6, err_msg=name)


@pytest.mark.parametrize("document", [TWO_RACKS, SHARED_PLANES], ids=["two racks", "shared planes"])
def test_every_part_of_a_small_machine(document):
    scenario = load(document)
    machine, (plan, directory) = reference.build(scenario), lower(scenario)
    for info in directory.classes:
        for number in range(info.copies):
            check(scenario, machine, plan, directory, info.name, number)


@pytest.mark.parametrize("name", [*LIBRARY, *MADE, *TECHNOLOGIES])
def test_a_sample_of_parts_of_packaged_scenarios(name):
    sets = ["thermal.on=false", "manufacturing.on=false"] if name in MADE else []
    sets += ["units.pod.contains.rack=1"] if name in TECHNOLOGIES else []  # all racks are alike
    scenario = load_spec(name, sets)
    machine, (plan, directory) = reference.build(scenario), lower(scenario)
    rng = random.Random(name)
    for info, _ in itertools.product(directory.classes, range(3)):
        check(scenario, machine, plan, directory, info.name, rng.randrange(info.copies))


# Every part that ages by a law of its own is in one of them.
MECHANISMS = [*LIBRARY, "cpo-2d", "cpo-monolithic", "inp-2d", "lpo-512", "npo-512", "vcsel-2d"]
HEATED = [
    ("cpo-512", ["thermal.on=true", f"thermal.effects={some}"])
    for some in ("[ageing]", "[cycling]")
]


@pytest.mark.parametrize(("name", "sets"), [*((name, []) for name in MECHANISMS), *HEATED])
def test_every_mechanism_ages_as_fast_as_in_the_reference(name, sets):
    """Within 0.1 %: the two average over a load's cycle in different ways."""
    scenario = load_spec(name, sets)
    heat, tree = heat_of(scenario, network(scenario)), scenario.tree
    for unit, node in scenario.units.items():
        for part in node.components:
            paces = heat.paces(unit, scenario.components[part], tree.ancestors(unit))
            lives = ageing(scenario, unit, part)
            assert [one.nominal for one in lives] == pytest.approx(
                [pace.speed(0.0) for pace in paces], rel=1e-3
            ), f"{unit}/{part}"


@pytest.mark.parametrize("name", HALVES)
def test_half_of_the_racks(name):
    """The same classes, of which there are half as many (switch trays and their cooling apart)."""
    half, whole = (
        {info.name: info.copies for info in lower(load_spec(some))[1].classes}
        for some in (name, name.replace("256", "512"))
    )
    assert half == {
        key: copies if key.startswith("switch_tray/") else copies // 2
        for key, copies in whole.items()
    }


def test_every_packaged_scenario_is_among_them():
    assert sorted(scenarios()) == sorted([*LIBRARY, *MADE, *TECHNOLOGIES, *HALVES])
