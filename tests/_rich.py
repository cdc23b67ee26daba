"""Scenarios that use every feature at once, so prone to fail that few histories say much."""

import copy
from typing import Any

from _machines import EVERY_COLLECTIVE, SHARED_PLANES, TWO_RACKS


def with_parts(document: dict[str, Any], parts: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Give the machine these parts, and replace other sections."""
    whole = copy.deepcopy(document)
    fabric = {**whole["fabric"], **more.pop("fabric", {})}
    return {**whole, "components": parts, "fabric": fabric, **more}


def weibull(shape: float, scale: str) -> dict[str, Any]:
    return {"weibull": {"shape": shape, "scale": scale}}


JOB: dict[str, Any] = {
    **EVERY_COLLECTIVE,
    "checkpoint": {"write": "30 s", "interval": "optimal"},
    "restart": {"detect": "1 min", "resume": "5 min"},
}

# Laser modules are swapped when short, lanes and supplies when failed; swaps of trays and packages
# renew wearing parts inside; every law of lifetimes and repairs occurs.
DEGRADED = with_parts(
    TWO_RACKS,
    {
        "bus": {"mtbf": "20000 h", "repair": "10 h"},
        "psu": {"lifetime": weibull(2.0, "3000 h"), "repair": {"exponential": {"mean": "30 h"}}},
        "pump": {"mtbf": "4000 h", "repair": {"gamma": {"shape": 2, "mean": "50 h"}}},
        "board": {"lifetime": {"gamma": {"shape": 2, "mean": "4000 h"}}},
        "laser": {"lifetime": weibull(1.5, "4000 h")},
        "gpu": {
            "lifetime": {
                "bathtub": {"infant": weibull(0.6, "60000 h"), "random": {"mtbf": "12000 h"}}
            },
            "repair": "1 h",
        },
        "pic": {"lifetime": {"lognormal": {"median": "4000 h", "sigma": 0.8}}},
        "ring": {"mtbf": "15000 h", "repair": "1 h"},
        "heater": {"mtbf": "15000 h", "repair": "1 h"},
        "chip": {"mtbf": "5000 h", "repair": "30 h"},
        "rotor": {"mtbf": "5000 h", "repair": "20 h"},
        "nic": {"mtbf": "6000 h", "repair": "12 h"},
    },
    mission="2500 h",
    workload=JOB,
    service={
        "technicians": 2,
        "replace": {
            "gpu": {
                "swap": "package",
                "takes_out": "tray",
                "time": {"lognormal": {"median": "16 h", "p90": "48 h"}},
                "stock": 1,
                "restock": "300 h",
            },
            "board": {"swap": "tray", "takes_out": "tray", "time": "30 h"},
            "pic": {"swap": "engine", "takes_out": "package", "time": "15 h"},
            "lane": {"swap": "lane", "time": {"exponential": {"mean": "12 h"}}},
            "els": {"swap": "els", "time": "15 h", "stock": 2, "restock": "300 h"},
            "chip": {"swap": "asic", "takes_out": "switch_tray"},
            "rotor": {"takes_out": "nothing"},
        },
    },
)

# No spare is free for long, the only technician has a queue, and time begins after a run-in.
PARKED = with_parts(
    SHARED_PLANES,
    {
        "gpu": {"lifetime": weibull(1.7, "3000 h")},
        "pic": {"lifetime": {"gamma": {"shape": 3, "mean": "9000 h"}}, "repair": "10 h"},
        "ring": {"mtbf": "5000 h"},
        "cell": {"lifetime": {"lognormal": {"median": "2500 h", "sigma": 0.5}}},
        "laser": {"mtbf": "12000 h", "repair": {"exponential": {"mean": "20 h"}}},
        "chip": {"mtbf": "8000 h", "repair": "20 h"},
        "optic": {"mtbf": "6000 h", "repair": "10 h"},
    },
    mission="1500 h",
    start="stationary",
    run_in="1000 h",
    workload={**JOB, "slice": 2},
    fabric={"policy": "park"},
    service={
        "technicians": 1,
        "replace": {
            "package": {
                "swap": "package",
                "takes_out": "package",
                "time": {"exponential": {"mean": "30 h"}},
                "stock": 2,
                "restock": "150 h",
            },
            "pic": {"swap": "engine", "takes_out": "tray"},
            "lane": {"swap": "package", "takes_out": "package", "time": "20 h", "when": "short"},
            "battery": {"swap": "battery", "takes_out": "tray", "time": "12 h"},
            "lamp": {
                "swap": "lamp",
                "time": "25 h",
                "when": "short",
                "stock": 1,
                "restock": "400 h",
            },
            "optic": {"swap": "asic", "takes_out": "asic", "time": "15 h"},
        },
    },
)

# Two classes in one element of a counting group, each with its own repair time.
LANES: dict[str, Any] = {
    "mission": "3000 h",
    "components": {
        "ring": {"mtbf": "3000 h", "repair": "20 h"},
        "heater": {"mtbf": "1000 h", "repair": "20 h"},
    },
    "units": {
        "pod": {"contains": {"package": 2}},
        "package": {"contains": {"engine": 1}},
        "engine": {"contains": {"lane": {"count": 5, "need": 4}}},
        "lane": {"components": {"ring": 1, "heater": 1}},
    },
    "fabric": {"accelerator": "package", "lane_rate": "100 Gb/s"},
    "workload": EVERY_COLLECTIVE,
    "service": {
        "replace": {
            "ring": {"swap": "lane", "time": "300 h"},
            "heater": {"swap": "lane", "time": "20 h"},
        }
    },
}
