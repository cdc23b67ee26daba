"""Heat: the cases T02 to T09 through the public functions of `fdmc.thermal`.

Each formula takes the JSON of a case's inputs as keyword arguments and returns what is expected
of it: a list of numbers.
"""

import re
from collections.abc import Callable, Mapping, Sequence

import jax
import jax.numpy as jnp
import numpy as np

from fdmc.thermal import (
    Pole,
    SquareWave,
    film_watts_per_kelvin,
    ou_spread,
    picojoules_per_bit,
    ring_budget_kelvin,
    ring_drift_nm_per_kelvin,
    ring_linewidth_nm,
    square_wave_kelvin,
    stack_rise,
)


T03_STACK_UM = (2.0, 48.0, 48.0, 2.0)  # "as T02"
RECTANGLE = re.compile(r"(lower|upper)-(left|right) ([\d.]+)x([\d.]+) ?mm")


def _floorplan(
    watts: float | str | Mapping[str, float], cells: tuple[int, int], die_mm: Sequence[float]
) -> np.ndarray:
    """Heat of each cell of a source layer: spread evenly, or in rectangles at the corners."""
    if not isinstance(watts, Mapping):
        total = float(str(watts).split()[0])
        return np.full(cells, total / (cells[0] * cells[1]))
    plan = np.zeros(cells)
    for name, heat in watts.items():
        found = RECTANGLE.search(name)
        if found is None:
            raise ValueError(f"cannot place {name!r}: write 'lower-left 5x5mm'")
        row, column, width, height = found.groups()
        nx = round(cells[0] * float(width) / die_mm[0])
        ny = round(cells[1] * float(height) / die_mm[1])
        x = slice(nx) if column == "left" else slice(cells[0] - nx, None)
        y = slice(ny) if row == "lower" else slice(cells[1] - ny, None)
        plan[x, y] += heat / (nx * ny)
    return plan


def _two_dies(
    die_mm: Sequence[float],
    stack_bottom_to_top_um: Sequence[str],
    k_W_mK: float,
    h_W_m2K: float,
    Ta_K: float,
    cells_um: Sequence[float],
    die1_W: float | str | Mapping[str, float],
    die2_W: float | str | Mapping[str, float],
    **_: object,
) -> list[float]:
    """Temperature of the top die's source layer in the cell at the origin."""
    names = [layer.split() for layer in stack_bottom_to_top_um]
    thick = np.array([float(words[-1]) for words in names]) * 1e-6
    cells = (round(1000 * die_mm[0] / cells_um[0]), round(1000 * die_mm[1] / cells_um[1]))
    watts = np.zeros((len(names), *cells))
    heat = {"die1": die1_W, "die2": die2_W}
    for layer, words in enumerate(names):
        if words[1] == "source":
            watts[layer] = _floorplan(heat[words[0]], cells, die_mm)
    probe = next(i for i, words in enumerate(names) if words[:2] == ["die2", "source"])
    metres = (die_mm[0] / 1000, die_mm[1] / 1000)
    with jax.enable_x64(True):
        conductivity = jnp.full(len(thick), k_W_mK)
        rise = stack_rise(jnp.asarray(watts), jnp.asarray(thick), conductivity, metres, h_W_m2K)
        return [Ta_K + float(rise[probe, 0, 0])]


def _one_dimension(q_W_m2: float, h: float, k: float, **_: object) -> list[float]:
    """All heat from the bottom of the stack of T02, uniform: one cell a layer, 1 m2."""
    with jax.enable_x64(True):
        watts = jnp.zeros((4, 1, 1)).at[0].set(q_W_m2 / 2).at[3].set(q_W_m2 / 2)
        thick = jnp.array(T03_STACK_UM) * 1e-6
        rise = stack_rise(watts, thick, jnp.full(4, k), (1.0, 1.0), h)
        return [300.0 + float(rise[3, 0, 0])]


def _heat_out(
    htc_top: float,
    htc_bottom: float,
    plate_mm: Sequence[float],
    mean_rise_K: Mapping[str, float],
    **_: object,
) -> list[float]:
    """Heat through both faces, from the mean temperatures that another solver prints."""
    square_metres = plate_mm[0] * plate_mm[1] * 1e-6
    faces = [(htc_top, mean_rise_K["lid2"]), (htc_bottom, mean_rise_K["substrate_1"])]
    return [sum(float(film_watts_per_kelvin(h, square_metres)) * rise for h, rise in faces)]


def _ripple(dP: float, R: float, tau: float, period: float, duty: float) -> list[float]:
    low, high = square_wave_kelvin(SquareWave(0.0, dP, period, duty), Pole(R, tau))
    return [float(high - low)]


def _ring(lam: float, Q: float, ng: float, dndT: float, Gamma: float = 1.0) -> list[float]:
    width = ring_linewidth_nm(lam, Q)
    drift = ring_drift_nm_per_kelvin(lam, ng, dndT, Gamma)
    kelvins = [ring_budget_kelvin(width, drift, share) for share in (1.0, 0.1)]
    return [float(x) for x in (width, drift, *kelvins)]


def _published_energy(**_: object) -> list[float]:
    """Module, linear module, DSP and co-packaged 1.6T (pJ/bit); watts of optics saved a port."""
    rated = [(17, 800), (9, 400), (30, 1600), (9, 1600)]
    return [*(float(picojoules_per_bit(w, rate)) for w, rate in rated), (3300 - 1960) / 64]


FORMULAS: dict[str, Callable[..., list[float]]] = {
    "T02": _two_dies,
    "T03": _one_dimension,
    "T04": _heat_out,
    "T05": _ripple,
    "T06": lambda R, sP, tP, tau: [float(ou_spread(R, sP, tP, tau)[0])],
    "T08": _ring,
    "T09": _published_energy,
}
