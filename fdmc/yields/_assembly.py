"""Joining chips: alignment, bonds, vias, dielectric, fibres, lasers."""

import equinox as eqx

from ._check import (
    Number,
    namespace,
    require_nonnegative,
    require_prob,
    require_share,
)


class Joining(eqx.Module):
    """A way to join chips, by the yield of each thing that it does.

    **Arguments:**

    - `alignment_prob`: of placing a chip.
    - `bond_prob`: of a joint; `via_prob`: of a via through a chip.
    - `dielectric_per_mm2`: defects of the bonded face that part it, for direct bonding.
    """

    alignment_prob: Number
    bond_prob: Number = 1.0
    via_prob: Number = 1.0
    dielectric_per_mm2: Number = 0.0

    def __check_init__(self):
        require_share(
            alignment_prob=self.alignment_prob, bond_prob=self.bond_prob, via_prob=self.via_prob
        )
        require_nonnegative(dielectric_per_mm2=self.dielectric_per_mm2)


ORGANIC = Joining(0.99)
"""Chips on an organic substrate, 0.99 a chip with all its joints (Chiplet Actuary, grade C)."""

FAN_OUT = Joining(0.98)
"""Chips on a fan-out layer, 0.98 a chip with all its joints (Chiplet Actuary, grade C)."""

SILICON_INTERPOSER = Joining(0.95)
"""Chips on a silicon interposer, 0.95 a chip with all its joints (Chiplet Actuary, grade C)."""

MICRO_BUMP = Joining(0.999, 0.999999)
"""Micro-bumps placed chip by chip: 0.999 a chip, 0.999999 a joint (CATCH's starter values, grade C)."""

HYBRID_WAFER_TO_WAFER = Joining(0.99999, 0.99999999, dielectric_per_mm2=1e-4)
"""Hybrid bonds, wafer to wafer: 0.99999 a chip, 0.99999999 a joint, 1e-4 per mm2 (CATCH's, grade C).
Dies are bonded untested (`UNTESTED`): the stack yields their product."""

HYBRID_DIE_TO_WAFER = Joining(0.999, 0.99999999, dielectric_per_mm2=1e-4)
"""Hybrid bonds, die to wafer: the bonds and faces of wafer-to-wafer, placed as micro-bumped chips
are, 0.999 a chip (an estimate of ours from both rows of CATCH, grade C). Dies may be known good."""

FIBRE_PROB = 0.99865
"""First-pass attach of one fibre: one tail of 3 sigma (OIF co-packaging panel 2023, grade C)."""


def joining_yield(
    joining: Joining,
    chips: Number,
    *,
    bonds: Number = 0,
    vias: Number = 0,
    bonded_mm2: Number = 0.0,
) -> Number:
    """Probability that chips are joined without a fault.

    **Arguments:** numbers of `chips`, of `bonds` and of `vias` of them all; `bonded_mm2`, the area
    bonded face to face. All broadcast.

    **Returns:** $a^{chips} b^{bonds} v^{vias} / (1 + D A)$ (CATCH, Graening and Gupta, 2025);
    differentiable.

    **Raises:** `ValueError` for host values that are negative or NaN.

    !!! example

        ```python
        from fdmc.yields import MICRO_BUMP, joining_yield

        assert abs(joining_yield(MICRO_BUMP, 2, bonds=10_000) - 0.999**2 * 0.999999**10_000) < 1e-12
        ```
    """
    require_nonnegative(bonded_mm2=bonded_mm2)
    aligned = series_yield(joining.alignment_prob, chips)
    bonded = series_yield(joining.bond_prob, bonds) * series_yield(joining.via_prob, vias)
    return aligned * bonded / (1 + joining.dielectric_per_mm2 * bonded_mm2)


def series_yield(good_prob: Number, count: Number) -> Number:
    """Probability that all of `count` independent parts are good, $y^n$: lasers, couplers, bumps.

    **Raises:** `ValueError` for host yields outside 0..1 and negative counts.
    """
    require_prob(good_prob=good_prob)
    require_nonnegative(count=count)
    xp = namespace(good_prob, count)
    return xp.asarray(good_prob, float) ** count


def fibre_attach_yield(fibres: Number, fibre_prob: Number = FIBRE_PROB) -> Number:
    """Probability that every fibre is attached at first pass: the product over fibres.

    **Arguments:** number of `fibres`, any shape; `fibre_prob` of each.

    !!! example

        ```python
        from fdmc.yields import fibre_attach_yield

        assert abs(fibre_attach_yield(288) - 0.678) < 1e-3
        ```
    """
    return series_yield(fibre_prob, fibres)
