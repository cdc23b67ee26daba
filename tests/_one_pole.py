"""Two trays of packages of one thermal pole, and excursions that begin when they are told to."""

import dataclasses
import math
from typing import Any
from unittest import mock

from _machines import load

from fdmc import reference, spec
from fdmc.reference import Network
from fdmc.reference._excursion import Site, Weather
from fdmc.reference._light import phi


K = 8.617333262e-5
HOT = 328.15  # where parts with `at` are
ONE_POLE = Network({"engine-coolant": 0.5}, {"engine": 4.0}, {"engine": 40.0})  # 2 s, 20 K
PLAIN = spec.Thermal(
    "one pole",
    "package",
    300.0,
    300.0,
    {},
    {},
    {},
    0.0,
    spec.ConstantLoad(),
    None,
    {},
    None,
    (),
    0.0,
)
RING = spec.RingLink("lane", 2.0, 350.0, 30.0, 0.5, 100.0, 0.2, 2e-4, 0.1)
OUTAGE = spec.Excursion("outage", "pod", 1 / 300.0, 10.0, spec.Fixed(20.0), 1e-9, "test")


def arrhenius(energy: float, kelvin: float, reference_kelvin: float) -> float:
    return math.exp(energy / K * (1 / reference_kelvin - 1 / kelvin))


def mechanism(life: spec.Law, name: str = "", **more: Any) -> spec.Mechanism:
    heat = {"reference_kelvin": 313.15, "activation_energy_ev": 0.7}
    return spec.Mechanism(name, life, "test", **{**heat, **more})


AF = arrhenius(0.7, HOT, 313.15)
AF10 = arrhenius(0.7, HOT + 10, 313.15)


def pod(
    thermal: spec.Thermal | None = None,
    network: Network | None = None,
    ways: tuple[spec.Mechanism, ...] = (),
    current: float | None = None,
    more_units: dict[str, Any] | None = None,
    **more: Any,
) -> reference.Machine:
    """Two trays of two packages of 8 lanes, 6 of them needed; a laser in each tray; a loop for each tray."""
    rare = {"mtbf": "1e12 h", "repair": "1 h"}
    laser = {**rare, "at": "55 degC", "reference": "40 degC", "activation_energy": "0.7 eV"}
    document = {
        "mission": "2000 h",
        "components": {"gpu": rare, "ring": rare, "pump": rare, "laser": laser},
        "units": {
            "pod": {"contains": {"tray": 2, "loop": 2}},
            "loop": {"components": {"pump": 1}, "feeds": "tray"},
            "tray": {"contains": {"package": 2, "els": 1}},
            "els": {"components": {"laser": 1}},
            "package": {
                "components": {"gpu": 1},
                "contains": {"lane": {"count": 8, "need": 6}},
            },
            "lane": {"components": {"ring": 1}},
            **(more_units or {}),
        },
        "fabric": {"accelerator": "package", "planes": 2, "lane_rate": "100 Gb/s"},
        "workload": {"compute": "1 ns", "collectives": [{"op": "all_to_all", "size": "1 GiB"}]},
        "service": {"replace": {"laser": {"time": "1 s"}, "lane": {"time": "1 h"}}},
    }
    scenario = load(document, **more)
    parts = dict(scenario.components)
    if ways:
        parts["laser"] = dataclasses.replace(parts["laser"], mechanisms=ways, current=current)
    return reference.build(
        dataclasses.replace(scenario, components=parts, thermal=thermal), network
    )


def with_excursions(*excursions: spec.Excursion, **more: Any) -> spec.Thermal:
    return dataclasses.replace(PLAIN, excursions=excursions, **more)


def engine(**more: Any) -> reference.Node:
    machine = pod(dataclasses.replace(PLAIN, **more), ONE_POLE)
    return reference.temperatures(machine.scenario, ONE_POLE)["engine"]


def starting(**starts: float) -> Any:
    """Excursions that begin once, at times by name (or name and number)."""

    def wait(self: Weather, site: Site) -> None:
        start = starts.get(f"{site.kind.name}{site.unit.number}", starts.get(site.kind.name))
        if start is not None and site not in seen:
            seen.add(site)
            self.at(float(start), lambda: self.begin(site))

    seen: set[Site] = set()
    return mock.patch.object(Weather, "wait", wait)


def old(hours: float) -> tuple[spec.Mechanism, ...]:
    """A laser that fails at this age at nominal temperature, to a few parts in a million."""
    return (mechanism(spec.Weibull(1e6, hours * AF)),)


TRAY = dataclasses.replace(
    OUTAGE, name="tray", unit="tray", rise_kelvin=5.0, duration=spec.Fixed(60.0)
)
SLOW_SWAP = {"replace": {"laser": {"takes_out": "tray", "time": "1e9 h"}}}


def spare(p: float) -> float:
    """6 of 8 lanes are needed; p of them are dark, one by one."""
    return sum((k - 2) / 6 * math.comb(8, k) * p**k * (1 - p) ** (8 - k) for k in range(3, 9))


LIT = with_excursions(OUTAGE, link=RING)  # at 320 K the cold limit is 0.5 K away
# At 345 K: 0.3 % dark; 5 K more, 40 %; 10 K more, 99 %.
WARM = dataclasses.replace(LIT, coolant_kelvin=325.0)


def s(x: float) -> float:
    return spare(phi(x - 5.5, 2.0) + phi(-25.5 - x, 2.0))
