"""Small machines that together use every sentence of `docs/model.md`, and how to load them."""

import copy
import math
import statistics
from collections.abc import Sequence
from typing import Any

from fdmc import reference, spec


PART = {"mtbf": "1000 h", "repair": "1 h"}
NAMES = "bus psu pump board laser gpu pic ring heater chip rotor nic".split()

# 2 racks, 4 trays, 8 accelerators; 4 planes on 2 switch trays; an engine serves half of the planes.
TWO_RACKS: dict[str, Any] = {
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
    "service": {"replace": {"lane": {"time": "1 h"}}},
}

# Four packages of four half engines over two planes (each carries part of one), lanes straight on
# an accelerator, suppliers of accelerators, and planes with optics of their own.
SHARED_PLANES: dict[str, Any] = {
    "components": dict.fromkeys("gpu pic ring cell laser chip optic".split(), PART),
    "units": {
        "pod": {"contains": {"tray": 2, "asic": 2}},
        "tray": {
            "contains": {"package": 2, "battery": 2, "lamp": 4},
        },
        "battery": {"components": {"cell": {"count": 3, "need": 2}}, "feeds": "package"},
        "lamp": {"components": {"laser": {"count": 3, "need": 2}}, "feeds": "half"},
        "package": {
            "components": {"gpu": {"count": 2, "need": 2}},
            "contains": {"engine": 4, "lane": {"count": 6, "need": 4}},
        },
        "engine": {"contains": {"half": 2}},
        "half": {"components": {"pic": 1}},
        "lane": {"components": {"ring": 1}},
        "asic": {"components": {"chip": 1}, "contains": {"switch_engine": 4, "switch_lamp": 2}},
        "switch_engine": {"components": {"optic": 1}},
        "switch_lamp": {"components": {"laser": 1}, "feeds": "switch_engine"},
    },
    "fabric": {"accelerator": "package", "plane": "asic", "lane_rate": "100 Gb/s"},
}

# Three racks with four leaf switches of their own, and two uplinks of eight lanes in all from each to the others.
LEAVES: dict[str, Any] = {
    "components": dict.fromkeys("gpu pic board pump chip fan cable optic psu spine".split(), PART),
    "units": {
        "pod": {"contains": {"rack": 3}, "components": {"spine": 1}},
        "rack": {
            "contains": {"tray": 2, "leaf_tray": 1, "uplink": 2, "cdu": 1},
            "components": {"psu": {"count": 3, "need": 2}},
        },
        "cdu": {"components": {"pump": 1}, "feeds": "tray"},
        "tray": {"contains": {"package": 2}, "components": {"board": 1}},
        "package": {"components": {"gpu": 1}, "contains": {"engine": 2}},
        "engine": {"components": {"pic": 1}},
        "leaf_tray": {"contains": {"leaf": 4}, "components": {"fan": 1}},
        "leaf": {"components": {"chip": 1}},
        "uplink": {"components": {"cable": 1}, "contains": {"module": 2}},
        "module": {"components": {"optic": 1}},
    },
    "fabric": {
        "accelerator": "package",
        "plane": "leaf",
        "lanes_per_link": 2,
        "lane_rate": "100 Gb/s",
        "trunk": {"unit": "rack", "lanes": 8, "link": "uplink", "lane_rate": "200 Gb/s"},
    },
}

# Five cubes of 3 x 3 chips; six switches join the positions of their faces, two cubes make a slice of 3 x 6.
TORUS: dict[str, Any] = {
    "components": {
        **dict.fromkeys(("host", "cable", "ocs", "psu"), PART),
        "port": {**PART, "leaves": 0.75},
    },
    "units": {
        "pod": {"contains": {"cube": 5, "switch": 6}},
        "cube": {"contains": {"tray": 3}, "components": {"cable": 4}},
        "tray": {"contains": {"chip": 3}, "components": {"psu": {"count": 2, "need": 1}}},
        "chip": {"components": {"host": 1}},
        "switch": {"components": {"ocs": 1, "port": 2}},
    },
    "fabric": {
        "accelerator": "chip",
        "plane": "switch",
        "lane_rate": "400 Gb/s",
        "lanes_per_link": 2,
        "policy": {"park": "cube"},
        "torus": {"cube": [3, 3], "slice": [3, 6]},
    },
}

EVERY_COLLECTIVE: dict[str, Any] = {
    "compute": "20 ms",
    "collectives": [
        {"op": "all_reduce", "size": "1 GiB", "overlap": "5 ms"},
        {"op": "all_to_all", "size": "256 MiB"},
        {"op": "broadcast", "size": "512 MiB"},
    ],
}


def load(document: dict[str, Any], **more: Any) -> spec.Scenario:
    """Load a document with some of its sections replaced; sections that are mappings are merged."""
    whole = {"fdmc": 1, "name": "test", "mission": "5 y", **copy.deepcopy(document)}
    for key, value in more.items():
        old = whole.get(key)
        both = isinstance(old, dict) and isinstance(value, dict)
        whole[key] = {**old, **value} if both else value
    return spec.load(whole)


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


Z = 4.9  # statistical checks: one false alarm in a million, each


def agree(samples: Sequence[float], exact: float) -> None:
    """Hold the mean of independent samples against an exact answer."""
    spread = statistics.stdev(samples) / math.sqrt(len(samples))
    z = (statistics.fmean(samples) - exact) / spread
    assert abs(z) <= Z, f"z = {z:.2f}: {statistics.fmean(samples)} against {exact}"
