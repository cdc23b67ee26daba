"""Dies of a wafer, what one costs, and the carbon that it carries."""

import math

import equinox as eqx
import numpy as np

from ._check import (
    Number,
    namespace,
    require_nonnegative,
    require_positive,
    require_share,
)


class Wafer(eqx.Module):
    """A wafer, cut into dies.

    **Arguments:** `diameter_mm`; `edge_mm`, the ring along the rim that carries none; `scribe_mm`,
    the street between two dies.
    """

    diameter_mm: Number
    edge_mm: Number = 0.0
    scribe_mm: Number = 0.0

    def __check_init__(self):
        require_positive(diameter_mm=self.diameter_mm)
        require_nonnegative(edge_mm=self.edge_mm, scribe_mm=self.scribe_mm)


CHIPLET_ACTUARY_WAFER = Wafer(300.0, 5.0, 0.2)
"""300 mm, rim of 5 mm, streets of 0.2 mm: the parameters of Chiplet Actuary (Feng and Ma, DAC 2022)."""

ECO_CHIP_WAFER = Wafer(450.0)
"""450 mm without rim and streets: what ECO-CHIP takes (Sudarshan et al., HPCA 2024)."""


def gross_dies(area_mm2: Number, wafer: Wafer) -> Number:
    """Dies that a wafer holds, good and bad; no whole number, as the published forms have it.

    **Arguments:** `area_mm2` of a die, $A$; the `wafer`.

    **Returns:** $\\pi r^2/A' - \\pi d/\\sqrt{2 A'}$, with $d = 2r$ the diameter within the rim and
    $A' = A + 2 s \\sqrt A + s^2$ the die with its street. With `CHIPLET_ACTUARY_WAFER` it is the
    form of Chiplet Actuary, with `ECO_CHIP_WAFER` that of ECO-CHIP.

    **Raises:** `ValueError` for areas that are not positive, and for dies of which a wafer holds
    none.

    !!! example

        ```python
        from fdmc.yields import CHIPLET_ACTUARY_WAFER, gross_dies

        assert abs(gross_dies(800.0, CHIPLET_ACTUARY_WAFER) - 58.793) < 1e-3
        ```
    """
    require_positive(area_mm2=area_mm2)
    xp = namespace(area_mm2, wafer.diameter_mm)
    d = wafer.diameter_mm - 2 * wafer.edge_mm
    street = wafer.scribe_mm
    area = area_mm2 + 2 * street * xp.sqrt(area_mm2) + street**2
    dies = math.pi * (d / 2) ** 2 / area - math.pi * d / xp.sqrt(2 * area)
    if xp is np and not np.all(dies > 0):
        raise ValueError(
            f"area_mm2 must be one of which a wafer of {wafer.diameter_mm:g} mm holds a die, "
            f"but is {np.max(area_mm2):g}: divide the die, or take a larger wafer."
        )
    return dies


def raw_die_cost(area_mm2: Number, wafer_cost: Number, wafer: Wafer) -> Number:
    """Cost of a die, good or bad: that of the wafer over its `gross_dies`, in the same currency."""
    require_nonnegative(wafer_cost=wafer_cost)
    return wafer_cost / gross_dies(area_mm2, wafer)


def good_die_cost(area_mm2: Number, wafer_cost: Number, wafer: Wafer, good_prob: Number) -> Number:
    """Cost of a known good die: that of the wafer over its good dies, tests apart."""
    require_share(good_prob=good_prob)
    return raw_die_cost(area_mm2, wafer_cost, wafer) / good_prob


def die_carbon_kg(
    area_mm2: Number, good_prob: Number, carbon_g_per_mm2: Number, wafer: Wafer
) -> Number:
    """Carbon of manufacture that a good die carries, with its share of the wafer's offcut.

    **Arguments:**

    - `area_mm2`: of the die, $A$.
    - `good_prob`: its yield $Y$, above 0.
    - `carbon_g_per_mm2`: grams of CO2 equivalent per mm2 of processed wafer, $c$.
    - `wafer`: with $n$ `gross_dies`.

    **Returns:** $A c / Y + (A_w - \\lfloor n \\rfloor A) \\, c / n$ in kg (ECO-CHIP, Sudarshan et al.,
    HPCA 2024). The offcut is not divided by the yield there, nor here.

    **Raises:** `ValueError` for values that are negative or NaN, and a yield outside 0..1.
    """
    require_share(good_prob=good_prob)
    require_nonnegative(carbon_g_per_mm2=carbon_g_per_mm2)
    dies = gross_dies(area_mm2, wafer)
    xp = namespace(area_mm2, wafer.diameter_mm)
    offcut = math.pi * wafer.diameter_mm**2 / 4 - xp.floor(dies) * area_mm2
    grams = area_mm2 * carbon_g_per_mm2 / good_prob + offcut * carbon_g_per_mm2 / dies
    return grams / GRAMS_PER_KG


GRAMS_PER_KG = 1000.0
