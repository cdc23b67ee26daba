"""The sparse state of the kernel against the dense one of the reference, on random states."""

from typing import Any

import numpy as np
import pytest
from _machines import EVERY_COLLECTIVE, LEAVES, PART, SHARED_PLANES, TORUS, TWO_RACKS, load
from _states import RTOL, assert_states_alike, slots_of, state_of, walk

from fdmc import reference
from fdmc.fabric import ALGORITHMS
from fdmc.plan import lower


STATES = 250

RULES = {
    "lane": {"swap": "engine", "takes_out": "engine", "time": "1 h"},
    "pic": {"swap": "engine", "takes_out": "package"},
    "gpu": {"swap": "gpu", "takes_out": "tray"},
    "board": {"swap": "tray", "takes_out": "rack"},
    "chip": {"swap": "asic", "takes_out": "asic"},
    "rotor": {"swap": "fan", "takes_out": "switch_tray"},
    "psu": {"swap": "psu", "takes_out": "rack"},
}
TWO = {**TWO_RACKS, "service": {"replace": RULES}}
# What failures leave: of compute, of links, of lanes in a counting group, of supplies and of a plane.
LEFT = {
    "gpu": 0.8, "board": 0.5, "pic": "25 %", "ring": 0.5, "heater": 0.5, "laser": 0.375, "psu": "60 %", "chip": 0.75
}  # fmt: skip
LEAVING = {
    **TWO,
    "components": {name: {**PART, "leaves": LEFT.get(name, 0)} for name in TWO_RACKS["components"]},
}


def one_way(document: dict[str, Any], **ways: str) -> dict[str, Any]:
    """Give some parts of a document a direction."""
    parts = document["components"]
    return {
        **document,
        "components": {
            name: {**part, **({"direction": ways[name]} if name in ways else {})}
            for name, part in parts.items()
        },
    }


# Lanes of which a part sends and a part receives, light to send by, and chips that send or receive.
ONE_WAY = one_way(TWO, ring="send", heater="receive", laser="send", chip="receive")
LEAVING_ONE_WAY = one_way(LEAVING, ring="receive", heater="send", laser="send", pic="receive")
# Lasers at both ends: those of the planes light what accelerators receive.
SHARED_ONE_WAY = one_way(
    SHARED_PLANES, laser="send", pic="receive", ring="send", optic="receive", chip="send"
)


def collective(op: str, algorithm: str | list[str], size: str, latency: str) -> dict[str, Any]:
    return {"op": op, "algorithm": algorithm, "size": size, "latency": latency}


# Latencies about as long as the bytes take, and no two alike: no term hides another.
EVERY_ALGORITHM = {
    "compute": "20 ms",
    "collectives": [
        collective(op, algorithm, "512 MiB", f"{number + 1} ms")
        for number, (op, algorithm) in enumerate(
            (op, algorithm) for op in ALGORITHMS for algorithm in ALGORITHMS[op]
        )
    ],
}
# Latencies at which it depends on the state which of them is the fastest.
THE_FASTEST = {
    "compute": "20 ms",
    "collectives": [
        collective("all_reduce", ["tree", "ring"], "64 MiB", "30 us"),
        collective("all_gather", ["ring", "recursive"], "64 MiB", "500 us"),
        collective("broadcast", ["optimal", "tree"], "64 MiB", "50 us"),
    ],
}
# Two classes of one priority, of which one moves no step, and one before them; a rest for what has no class.
CLASSES = {
    "expert": {"share": "30 %", "priority": 1},
    "gradient": {"share": 0.4, "priority": 2},
    "background": {"share": "10 %", "priority": 2},
}
CLASSED = {
    "compute": "20 ms",
    "collectives": [
        {"op": "all_to_all", "size": "256 MiB", "class": "expert", "overlap": "3 ms"},
        {"op": "all_reduce", "size": "1 GiB", "class": "gradient"},
        {"op": "all_gather", "size": "64 MiB", "class": "gradient", "overlap": "9 ms"},
        {"op": "broadcast", "size": "512 MiB"},
    ],
}
SWITCHED = {
    "compute": "20 ms",
    "collectives": [
        {"op": "all_reduce", "size": "1 GiB", "algorithm": "in_switch", "class": "gradient"},
        {"op": "all_gather", "size": "1 GiB", "class": "expert", "latency": "1 ms"},
    ],
}
TWO_LEVELS = {
    "compute": "20 ms",
    "collectives": [
        {"op": "all_reduce", "size": "256 MiB", "overlap": "5 ms", "latency": "1 ms"},
        {"op": "all_to_all", "size": "256 MiB", "latency": "20 us"},
        {"op": "broadcast", "size": "128 MiB", "algorithm": "tree", "latency": "3 ms"},
        {
            "op": "reduce_scatter",
            "size": "128 MiB",
            "algorithm": ["ring", "recursive"],
            "latency": "1 ms",
        },
    ],
}
NEIGHBOURS = {
    "compute": "20 ms",
    "slice": 2,
    "collectives": [
        {"op": "all_reduce", "size": "4 GiB", "algorithm": ["optimal", "ring"], "latency": "1 ms"},
        {"op": "all_to_all", "size": "1 GiB", "overlap": "2 ms", "latency": "30 us"},
    ],
}
LEAF_RULES = {
    "chip": {"swap": "leaf", "takes_out": "leaf"},
    "fan": {"swap": "leaf_tray", "takes_out": "leaf_tray"},
    "optic": {"swap": "module"},
    "cable": {"swap": "uplink", "takes_out": "rack"},
    "gpu": {"swap": "gpu", "takes_out": "tray"},
    "psu": {"swap": "psu", "takes_out": "rack"},
}
UP = {**LEAVES, "service": {"replace": LEAF_RULES}}
ONE_RACK = {
    **UP["units"]["rack"],
    "contains": {**UP["units"]["rack"]["contains"], "uplink": 1},
}
ONE_UP = {**UP, "units": {**UP["units"], "rack": ONE_RACK}}
COUNTED_RACK = {
    **UP["units"]["rack"],
    "contains": {**UP["units"]["rack"]["contains"], "uplink": {"count": 4, "need": 3}},
}
COUNTED_UP = {
    **LEAVES,
    "components": {**LEAVES["components"], "spine": {**PART, "leaves": "50 %"}},
    "service": {
        "replace": {**LEAF_RULES, "optic": {"swap": "uplink"}, "cable": {"swap": "uplink"}}
    },
    "units": {**UP["units"], "rack": COUNTED_RACK},
}
CASES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "degrade": (TWO, {"workload": EVERY_COLLECTIVE}),
    "parts that leave something": (LEAVING, {"workload": EVERY_COLLECTIVE}),
    "parts that leave something, park": (
        LEAVING,
        {"workload": EVERY_COLLECTIVE, "fabric": {"policy": "park"}},
    ),
    "degrade in threes": (TWO, {"workload": {**EVERY_COLLECTIVE, "slice": 3}}),
    "at least six": (TWO, {"workload": {**EVERY_COLLECTIVE, "minimum": 6}}),
    "park": (TWO, {"workload": EVERY_COLLECTIVE, "fabric": {"policy": "park"}}),
    "park trays": (TWO, {"workload": EVERY_COLLECTIVE, "fabric": {"policy": {"park": "tray"}}}),
    "pairs of trays": (
        TWO,
        {"workload": {**EVERY_COLLECTIVE, "slice": 2}, "fabric": {"policy": {"park": "tray"}}},
    ),
    "three parked work together": (
        TWO,
        {"workload": {**EVERY_COLLECTIVE, "slice": 3}, "fabric": {"policy": "park"}},
    ),
    "drop": (TWO, {"workload": EVERY_COLLECTIVE, "fabric": {"policy": "drop"}}),
    "in the switch": (
        TWO,
        {
            "workload": {
                "compute": "20 ms",
                "collectives": [
                    {"op": "all_reduce", "size": "1 GiB", "algorithm": "in_switch"},
                    {"op": "all_gather", "size": "1 GiB"},
                ],
            }
        },
    ),
    "every algorithm": (TWO, {"workload": EVERY_ALGORITHM}),
    "every algorithm, in threes": (TWO, {"workload": {**EVERY_ALGORITHM, "slice": 3}}),
    "the fastest of several": (TWO, {"workload": THE_FASTEST}),
    "the fastest, park": (TWO, {"workload": THE_FASTEST, "fabric": {"policy": "park"}}),
    "shared planes": (SHARED_PLANES, {"workload": EVERY_COLLECTIVE}),
    "shared planes, park": (
        SHARED_PLANES,
        {"workload": EVERY_COLLECTIVE, "fabric": {"policy": "park"}},
    ),
    "classes": (TWO, {"workload": CLASSED, "fabric": {"classes": CLASSES}}),
    "classes in threes": (
        TWO,
        {"workload": {**CLASSED, "slice": 3}, "fabric": {"classes": CLASSES}},
    ),
    "classes, park": (
        TWO,
        {"workload": CLASSED, "fabric": {"classes": CLASSES, "policy": {"park": "tray"}}},
    ),
    "classes, shared planes": (
        SHARED_PLANES,
        {"workload": SWITCHED, "fabric": {"classes": CLASSES}},
    ),
    "classes, in the switch": (TWO, {"workload": SWITCHED, "fabric": {"classes": CLASSES}}),
    "trunk": (UP, {"workload": TWO_LEVELS}),
    "trunk in twos": (UP, {"workload": {**TWO_LEVELS, "slice": 2}}),
    "trunk, park": (UP, {"workload": TWO_LEVELS, "fabric": {"policy": {"park": "rack"}}}),
    "one uplink": (ONE_UP, {"workload": TWO_LEVELS}),
    "one uplink, park": (ONE_UP, {"workload": TWO_LEVELS, "fabric": {"policy": "park"}}),
    "trunk, counted uplinks": (COUNTED_UP, {"workload": TWO_LEVELS}),
    "trunk and classes": (
        UP,
        {"workload": {**CLASSED, "slice": 2}, "fabric": {"classes": CLASSES}},
    ),
    "directions": (ONE_WAY, {"workload": EVERY_COLLECTIVE}),
    "directions, park trays in pairs": (
        ONE_WAY,
        {"workload": {**EVERY_COLLECTIVE, "slice": 2}, "fabric": {"policy": {"park": "tray"}}},
    ),
    "directions, parts that leave something, in threes": (
        LEAVING_ONE_WAY,
        {"workload": {**EVERY_ALGORITHM, "slice": 3}},
    ),
    "directions, shared planes": (SHARED_ONE_WAY, {"workload": THE_FASTEST}),
    "directions, every algorithm": (SHARED_ONE_WAY, {"workload": EVERY_ALGORITHM}),
    "directions and classes": (ONE_WAY, {"workload": CLASSED, "fabric": {"classes": CLASSES}}),
    "directions and classes, shared planes": (
        SHARED_ONE_WAY,
        {"workload": SWITCHED, "fabric": {"classes": CLASSES}},
    ),
    "directions and classes, park": (
        SHARED_ONE_WAY,
        {"workload": CLASSED, "fabric": {"classes": CLASSES, "policy": "park"}},
    ),
    "directions, no collectives": (ONE_WAY, {}),
    "torus": (TORUS, {"workload": NEIGHBOURS}),
    "no collectives": (TWO, {}),
    "no collectives, park": (TWO, {"fabric": {"policy": "park"}}),
}


# Cases whose parts the others have too.
NIGHTLY = {
    "parts that leave something, park", "classes", "classes, in the switch",
    "trunk", "trunk in twos", "trunk, park", "directions, parts that leave something, in threes",
    "directions, shared planes", "directions, every algorithm", "directions and classes",
    "directions and classes, park", "directions, no collectives",
}  # fmt: skip


@pytest.mark.parametrize(
    "case",
    [pytest.param(c, marks=pytest.mark.verification) if c in NIGHTLY else c for c in CASES],
)
def test_random_states_are_those_of_the_reference(case):
    document, more = CASES[case]
    scenario = load(document, **more)
    plan, directory = lower(scenario)
    expected, got = walk(plan, directory, reference.build(scenario), case, STATES)
    running = assert_states_alike(plan, expected, got)
    used = np.array([work.used for work in expected])
    np.testing.assert_array_equal(got.used[running], used[running])
    assert running.mean() > 0.02  # the states are worth comparing
    assert len({round(work.rate, 6) for work in expected}) > 3 or "drop" in case


PAIR: dict[str, Any] = {
    "components": {"gpu": PART, "chip": PART},
    "units": {
        "pod": {"contains": {"package": 2, "asic": 1}},
        "package": {"components": {"gpu": 1}},
        "asic": {"components": {"chip": 1}},
    },
    "fabric": {
        "accelerator": "package",
        "plane": "asic",
        "lane_rate": "100 Gb/s",
        "policy": "park",
    },
}


def a_pair(failed: str, workload: dict[str, Any]):
    """Return what is left of two accelerators on one plane: the engine's, and the reference's."""
    scenario = load(PAIR, workload=workload)
    plan, directory = lower(scenario)
    machine = reference.build(scenario)
    parts = [machine.part(failed)]
    state = state_of(plan, [slots_of(machine, plan, directory, parts, set())])
    return state, reference.work(machine, reference.capacities(machine, parts))


def test_nobody_waits_alone():
    """One accelerator is left: its collective takes no time, and its efficiency is one."""
    state, work = a_pair("package/gpu", EVERY_COLLECTIVE)
    assert state.rate[0] == pytest.approx(work.rate, rel=RTOL)
    assert state.efficiency[:, 0].tolist() == list(work.efficiency.values()) == [1.0] * 3


def test_a_job_that_never_talks_needs_no_planes():
    """All planes are dead, which parks nobody, and there is no collective to wait for."""
    state, work = a_pair("asic/chip", {"compute": "1 s"})
    assert work.rate == 1.0
    assert state.rate[0] == 1.0
