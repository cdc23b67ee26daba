"""Machines whose heat matters: excursions, strikes, seasons, so often that few histories say much."""

import copy
from typing import Any

from _machines import EVERY_COLLECTIVE, load


RARE = {"mtbf": "1e9 h", "repair": "1 h"}
# 2 racks, 4 trays, 8 accelerators of 2 engines; a loop for each tray, an external laser module for each package.
UNITS: dict[str, Any] = {
    "pod": {"contains": {"rack": 2}},
    "rack": {"contains": {"tray": 2, "loop": 2}},
    "loop": {"components": {"pump": 1}, "feeds": "tray"},
    "tray": {"contains": {"package": 2, "els": 2}},
    "els": {"components": {"laser": {"count": 3, "need": 2}}, "feeds": "engine"},
    "package": {"components": {"gpu": 1}, "contains": {"engine": 2}},
    "engine": {"components": {"pic": 1}, "contains": {"lane": {"count": 6, "need": 4}}},
    "lane": {"components": {"ring": 1}},
}
JOB: dict[str, Any] = {
    **EVERY_COLLECTIVE,
    "checkpoint": {"write": "30 s", "interval": "optimal"},
    "restart": {"detect": "1 min", "resume": "5 min"},
}
HEAT: dict[str, Any] = {
    "template": "2.5d",
    "coolant": "40 degC",
    "load": {"square_wave": {"high": 1, "low": 0.6, "period": "2 s", "duty": 0.7}},
}
MACHINE: dict[str, Any] = {
    "mission": "1500 h",
    "components": dict.fromkeys(("pump", "laser", "gpu", "pic", "ring"), RARE),
    "units": UNITS,
    "fabric": {"accelerator": "package", "planes": 4, "lane_rate": "200 Gb/s", "efficiency": 0.5},
    "workload": JOB,
    "service": {"replace": {"lane": {"time": "10 h"}}},
}


def machine(thermal: dict[str, Any], parts: dict[str, Any] | None = None, **more: Any):
    """The machine with this heat and these parts."""
    whole = copy.deepcopy(MACHINE)
    whole["components"] |= parts or {}
    return load({**whole, "thermal": {**HEAT, **thermal}}, **more)


def excursion(unit: str, every: str, rise: str, duration: Any, recovery: str = "0 h") -> dict:
    """An excursion, so often."""
    rate = f"{1 / float(every.removesuffix(' h'))} /h"
    return {"unit": unit, "rate": rate, "rise": rise, "duration": duration, "recovery": recovery}


# Light alone: rises that add from the pod down to an engine, durations of every law, long recoveries.
NESTED = machine(
    {
        "load": {"constant": 0.9},
        "link": {"ring": {"unit": "lane", "spread": "3 K", "top": "84 degC", "range": "40 K", "relock": "30 min"}},
        "excursions": {
            "chiller": excursion("pod", "400 h", "3 K", {"exponential": {"mean": "30 h"}}, "4 h"),
            "cdu": excursion("rack", "150 h", "4 K", {"lognormal": {"median": "15 h", "sigma": 0.8}}, "3 h"),
            "manifold": excursion("rack", "200 h", "2.5 K", "25 h", "1 h"),
            "pump_trip": excursion("loop", "120 h", "5 K", {"gamma": {"shape": 2, "mean": "20 h"}}, "2 h"),
            "fan": excursion("engine", "300 h", "6 K", "18 h"),
        },
    },
    {
        "ring": {"mtbf": "2000 h"},
        "gpu": {"mtbf": "3000 h", "repair": "30 h"},
        "laser": {"mtbf": "900 h", "repair": "20 h"},
    },
)  # fmt: skip

# Ageing: strikes are most of the failures, mechanisms of several energies, currents and drives, and one technician.
AGED = machine(
    {
        "nodes": {"engine": ["ring", "pic"], "compute": ["gpu"]},
        "link": {"ring": {"unit": "lane", "spread": "3 K", "top": "90 degC", "range": "40 K"}},
        "stops": {"every": "24 h", "for": "2 h"},
        "excursions": {
            "cdu": excursion("rack", "160 h", "22 K", {"lognormal": {"median": "30 h", "sigma": 0.6}}, "5 h"),
            "chiller": excursion("pod", "900 h", "4 K", "20 h", "3 h"),
        },
    },
    {
        "gpu": {"mtbf": "20000 h", "reference": "70 degC", "activation_energy": "0.7 eV"},
        "pic": {"mtbf": "12000 h", "reference": "60 degC", "activation_energy": "0.9 eV", "repair": "12 h"},
        "ring": {"mtbf": "20000 h", "reference": "60 degC", "activation_energy": "0.8 eV"},
        "pump": {
            "lifetime": {"weibull": {"shape": 2, "scale": "1500 h"}}, "repair": "5 h",
            "at": "40 degC", "reference": "40 degC", "activation_energy": "0.2 eV",
        },
        "laser": {
            "at": "50 degC",
            "current": 0.9,
            "mechanisms": {
                "random": {"mtbf": "3000 h", "reference": "45 degC", "activation_energy": "0.35 eV"},
                "worn": {
                    "mtbf": "9000 h", "reference": "50 degC", "activation_energy": "1.1 eV", "current_exponent": 3,
                },
                "dull": {
                    "lifetime": {
                        "drive_rise": {"rise": 0.5, "after": "900 h", "time_power": 0.7, "sigma": 0.3, "margin": 0.6},
                    },
                },
            },
        },
    },
    service={
        "technicians": 1,
        "replace": {
            "lane": {"time": "10 h"},
            "gpu": {"swap": "package", "takes_out": "tray", "time": {"exponential": {"mean": "12 h"}}},
            "els": {"swap": "els", "time": "15 h", "stock": 3, "restock": "100 h"},
        },
    },
    fabric={"policy": "park"},
)  # fmt: skip

# Seasons: lanes and parts are warmer in some steps, where light is lost that is not in others; a run-in of two cycles.
SEASONS = machine(
    {
        "load": {"ornstein_uhlenbeck": {"mean": 0.8, "sd": 0.1, "tau": "3 s"}},
        "nodes": {"engine": ["ring", "pic"]},
        "link": {"ring": {"unit": "lane", "spread": "4 K", "top": "78 degC", "range": "30 K"}},
        "excursions": {
            "cdu": excursion("rack", "200 h", "6 K", {"exponential": {"mean": "20 h"}}, "3 h"),
            "leak": excursion("tray", "500 h", "3 K", "40 h"),
        },
    },
    {
        "gpu": {"mtbf": "4000 h"},
        "pic": {"mtbf": "6000 h", "reference": "60 degC", "activation_energy": "0.7 eV", "repair": "12 h"},
        "ring": {"mtbf": "6000 h", "reference": "60 degC", "activation_energy": "0.5 eV"},
    },
    mission="1500 h",
    start="stationary",
    run_in="700 h",
    environment={"units": ["tray"], "steps": [
        {"for": "160 h", "shift": "-6 K"}, {"for": "90 h", "shift": "5 K"}, {"for": "100 h", "shift": "0 K"},
    ]},
    service={"replace": {"lane": {"time": "10 h"}, "gpu": {"swap": "package", "takes_out": "tray", "time": "12 h"}}},
    fabric={"policy": "drop"},
)  # fmt: skip
