"""Four ways to put light beside logic, as thermal networks whose every default says where it is from.

No public temperature map of a co-packaged engine was found: what is marked an estimate is one.
"""

import dataclasses
from collections.abc import Mapping, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Real

from ._network import ThermalNetwork, network


Number = Real[Array, ""] | float | int


@dataclasses.dataclass(frozen=True)
class Default:
    """A number with its range, its unit and its source; `estimate` says that nobody measured it."""

    value: float
    low: float
    high: float
    unit: str
    source: str
    estimate: bool = True


@dataclasses.dataclass(frozen=True)
class Template:
    """A kind of integration.

    **Arguments:**

    - `description`: what is where.
    - `paths`: `"a-b"` to its resistance in K/W; `b` may be one of `BOUNDARIES`.
    - `capacitance`: of each of `NODES`, in J/K.
    - `watts`: heat in each of `NODES` at full load.
    """

    description: str
    paths: Mapping[str, Default]
    capacitance: Mapping[str, Default]
    watts: Mapping[str, Default]


NODES = ("compute", "engine", "plate", "substrate")
"""The nodes of every template, in order: logic, optical engine, cold plate with lid, substrate."""

BOUNDARIES = ("coolant", "air")
"""The boundaries of every template, in order."""


def _resistance(value: float, low: float, high: float, source: str, estimate=True) -> Default:
    return Default(value, low, high, "K/W", source, estimate)


_CAPACITANCE = {
    "compute": Default(1.5, 1.0, 3.0, "J/K", "800 mm2 of silicon 0.78 mm thick, and its memory"),
    "engine": Default(
        0.08, 0.05, 0.2, "J/K", "local time constant of 0.05 to 0.1 s at 1 K/W to the plate"
    ),
    "plate": Default(
        100.0, 50.0, 250.0, "J/K", "lid and plate of 30 cm3 of copper: 2 s at 0.02 K/W (1 to 5 s)"
    ),
    "substrate": Default(20.0, 10.0, 60.0, "J/K", "80 x 80 x 1.5 mm of laminate at 2 MJ/(m3 K)"),
}
_WATTS = {
    "compute": Default(1000.0, 500.0, 1500.0, "W", "current accelerators and switches"),
    "engine": Default(
        20.0, 5.0, 40.0, "W", "3.2 Tb/s at 6.25 pJ/bit; vendors' co-packaged 5.6 pJ/bit, with laser"
    ),
    "plate": Default(0.0, 0.0, 0.0, "W", "no source", False),
    "substrate": Default(20.0, 0.0, 60.0, "W", "losses of the last voltage conversion"),
}
_PACKAGE = {
    "compute-plate": _resistance(0.015, 0.008, 0.03, "thermal interface and lid, 800 mm2"),
    "plate-coolant": _resistance(
        0.02, 0.01, 0.03, "vendors' target for liquid-cooled plates is below 0.03 K/W"
    ),
    "compute-substrate": _resistance(0.5, 0.2, 1.0, "bumps and underfill of 800 mm2"),
    "substrate-air": _resistance(10.0, 3.0, 30.0, "balls and board to moving air"),
}
_ENGINE_TO_PLATE = _resistance(1.0, 0.5, 2.0, "engines are put at 0.5 to 2 K/W")


TEMPLATES: dict[str, Template] = {
    "2d": Template(
        "Engine beside the compute die on an organic substrate, under the same plate.",
        _PACKAGE
        | {
            "engine-plate": _ENGINE_TO_PLATE,
            "engine-substrate": _resistance(5.0, 2.0, 10.0, "bumps and underfill of 50 mm2"),
            "compute-engine": _resistance(
                17.0, 8.0, 50.0, "10 mm of laminate 30 x 1 mm at 20 W/(m K): L / k A"
            ),
        },
        _CAPACITANCE,
        _WATTS,
    ),
    "2.5d": Template(
        "Engine beside the compute die on a silicon interposer, under the same plate.",
        _PACKAGE
        | {
            "engine-plate": _ENGINE_TO_PLATE,
            "engine-substrate": _resistance(6.0, 3.0, 12.0, "as in 2D, through the interposer"),
            "compute-engine": _resistance(
                2.6, 1.0, 6.0, "1 mm of silicon 30 x 0.1 mm at 130 W/(m K): L / k A"
            ),
        },
        _CAPACITANCE,
        _WATTS,
    ),
    "3d": Template(
        "Engine bonded under the compute die; its heat leaves through that die.",
        _PACKAGE
        | {
            "compute-engine": _resistance(
                0.2, 0.05, 0.5, "10 um bond layer of 50 mm2 at 1.5 W/(m K), and spreading"
            ),
            "engine-substrate": _resistance(5.0, 2.0, 10.0, "bumps and underfill of 50 mm2"),
        },
        _CAPACITANCE,
        _WATTS,
    ),
    "near_package": Template(
        "Engine in a socket on the board beside the package, on a plate of its own.",
        _PACKAGE
        | {
            "engine-coolant": _resistance(1.5, 0.8, 3.0, "a small plate and its interface"),
            "engine-substrate": _resistance(
                30.0, 10.0, 100.0, "socket, and some centimetres of board"
            ),
        },
        _CAPACITANCE,
        _WATTS,
    ),
}
"""The packaged templates by name: `2d`, `2.5d`, `3d` and `near_package`."""


def package_network(
    template: Template,
    kelvin_per_watt: Mapping[str, Number] | None = None,
    joules_per_kelvin: Mapping[str, Number] | None = None,
) -> ThermalNetwork:
    """Build the network of a package.

    **Arguments:**

    - `template`: one of `TEMPLATES`, or your own.
    - `kelvin_per_watt`, `joules_per_kelvin`: instead of defaults, by path and by node; may be traced.

    **Returns:** a `ThermalNetwork` with `NODES` and `BOUNDARIES`.

    **Raises:** `ValueError` for a path or node that the template does not have.

    !!! example

        ```python
        import jax.numpy as jnp
        from fdmc.thermal import TEMPLATES, full_watts, package_network, steady_kelvin

        three_d = package_network(TEMPLATES["3d"], {"plate-coolant": 0.01})
        kelvin = steady_kelvin(three_d, full_watts(TEMPLATES["3d"]), jnp.array([313.15, 308.15]))
        assert kelvin[1] > kelvin[0]  # the engine is the hotter one
        ```
    """
    ohms = _overridden("path", template.paths, kelvin_per_watt or {})
    stored = _overridden("node", template.capacitance, joules_per_kelvin or {})
    links, boundaries = [], []
    for path, r in ohms.items():
        start, end = path.split("-")
        if end in BOUNDARIES:
            boundaries.append((NODES.index(start), BOUNDARIES.index(end), 1 / r))
        else:
            links.append((NODES.index(start), NODES.index(end), 1 / r))
    return network([stored[node] for node in NODES], links, boundaries)


def _overridden(
    what: str, defaults: Mapping[str, Default], given: Mapping[str, Number]
) -> dict[str, Number]:
    unknown = sorted(set(given) - set(defaults))
    if unknown:
        raise ValueError(f"no {what} {', '.join(unknown)}; there are: {', '.join(defaults)}")
    return {name: default.value for name, default in defaults.items()} | dict(given)


def full_watts(template: Template) -> Float[Array, " nodes"]:
    """Heat in each of `NODES` at full load."""
    return jnp.array([template.watts[node].value for node in NODES])


def tray_network(
    packages: Sequence[ThermalNetwork], node: int, watts_per_kelvin: Number
) -> ThermalNetwork:
    """Join packages side by side into a tray, each to the next one at the same node.

    **Arguments:**

    - `packages`: networks of equal shape.
    - `node`: which node touches its neighbour (the plate, or the substrate).
    - `watts_per_kelvin`: conductance between neighbours.

    **Returns:** a `ThermalNetwork` whose nodes and boundaries are those of the first package, then
    those of the second, and so on: each package has its own coolant (`series_coolant_kelvin`).
    """
    n, count = len(packages[0].capacitance), len(packages)
    difference = np.zeros((count - 1, count, n))
    for i in range(count - 1):
        difference[i, i, node], difference[i, i + 1, node] = 1, -1
    G, B = (
        jax.scipy.linalg.block_diag(*blocks)
        for blocks in ([p.conductance for p in packages], [p.boundary for p in packages])
    )
    D = jnp.asarray(difference.reshape(count - 1, -1), G.dtype)
    capacitance = jnp.concatenate([p.capacitance for p in packages])
    return ThermalNetwork(G + watts_per_kelvin * (D.T @ D), B, capacitance)


def default_ring() -> dict[str, Default]:
    """Fields of `Ring` for a silicon micro-ring with a heater, with their sources."""
    kelvin = "kelvin"
    return {
        "top_kelvin": Default(363.15, 353.15, 378.15, kelvin, "design for an engine at 90 degC"),
        "range_kelvin": Default(
            40.0, 20.0, 60.0, kelvin, "10 mW a ring at most, tuning is put at 2 to 10 mW"
        ),
        "budget_kelvin": Default(
            0.5, 0.25, 1.0, kelvin, "a tenth of the linewidth of Q 4500 (NVIDIA, OFC 2026), derived"
        ),
        "tracking_kelvin_per_second": Default(
            100.0, 10.0, 1000.0, "K/s", "0.5 K within 5 ms, a slow thermal loop"
        ),
        "heater_watts_per_kelvin": Default(
            2.3e-4, 1e-4, 5e-4, "W/K", "0.25 nm/mW at 0.058 nm/K (recalled heater efficiency)"
        ),
        "relock_seconds": Default(0.1, 0.01, 10.0, "s", "search, lock and link training"),
    }
