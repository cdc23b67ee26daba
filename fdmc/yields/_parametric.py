"""Resonances that the heater cannot bring to their channel: yield lost to geometry, not to defects."""

import equinox as eqx
import jax
import numpy as np
from scipy import special

from ._check import (
    Distribution,
    Number,
    namespace,
    require_count,
    require_finite,
    require_nonnegative,
    require_positive,
)
from ._losses import AbstractLosses
from ._mixture import binomial_prob


class TunedRing(eqx.Module):
    """A ring made blue of its channel, for a heater only adds heat and so only moves it to the red.

    **Arguments:** wavelengths in nm; kelvin become nm by `fdmc.thermal.ring_drift_nm_per_kelvin`.
    There are no defaults: no public data was found.

    - `blue_nm`: how far blue of the channel it is made, on average.
    - `spread_nm`: standard deviation of that from ring to ring.
    - `range_nm`: how far the heater moves it.
    - `budget_nm`: how far off the channel it may stay, either way.
    """

    blue_nm: Number
    spread_nm: Number
    range_nm: Number
    budget_nm: Number

    def __check_init__(self):
        require_finite(blue_nm=self.blue_nm)
        require_positive(spread_nm=self.spread_nm)
        require_nonnegative(range_nm=self.range_nm, budget_nm=self.budget_nm)


def resonance_yield(ring: TunedRing, common_nm: Number = 0.0) -> Number:
    """Share of rings that the heater can bring to their channel.

    **Arguments:** `ring`; `common_nm`, an offset to the blue that all rings of a die share.

    **Returns:** $\\Phi((r + b - \\mu)/s) - \\Phi((-b - \\mu)/s)$ with the range $r$, the budget $b$,
    the spread $s$, and $\\mu$ both offsets together; differentiable.

    **Raises:** `ValueError` for host values that are not finite.

    !!! example

        ```python
        from fdmc.yields import TunedRing, resonance_yield

        assert abs(resonance_yield(TunedRing(1.0, 0.5, 2.0, 0.0)) - 0.9545) < 1e-4
        ```
    """
    return 1 - _lost_prob(ring, common_nm)


class ResonanceLosses(AbstractLosses):
    """Rings of a bank that share an offset: the bank's wafer thickness and width, say.

    **Arguments:** `ring`; `common_spread_nm`, the standard deviation of the offset that all share, from
    bank to bank, zero for rings that are lost one by one. Integrated by the trapezoid rule on the host.
    """

    ring: TunedRing
    common_spread_nm: float

    def __check_init__(self):
        require_nonnegative(common_spread_nm=self.common_spread_nm)

    def failed_prob(self, count: int) -> Distribution:
        require_count(0, count=count)
        common = float(self.common_spread_nm)
        # Both the density and the step of the lost share must be resolved: of smooth functions
        # the trapezoid rule over the whole line is as good as Gauss's.
        finest = min(1.0, float(np.min(self.ring.spread_nm)) / common) if common else 1.0
        z = np.linspace(-_REACH, _REACH, 2 * int(np.ceil(_REACH * _PER_SPREAD / finest)) + 1)
        weights = np.exp(-(z**2) / 2)
        each = binomial_prob(count, _lost_prob(self.ring, common * z))
        return weights @ each / weights.sum()


_REACH, _PER_SPREAD = 9.0, 6.0  # standard deviations, and steps to each


def _lost_prob(ring: TunedRing, common_nm: Number) -> Number:
    """Both tails, neither by subtraction from one."""
    require_finite(common_nm=common_nm)
    mean = ring.blue_nm + common_nm
    far = (ring.range_nm + ring.budget_nm - mean) / ring.spread_nm
    near = (mean + ring.budget_nm) / ring.spread_nm
    ndtr = special.ndtr if namespace(far, near) is np else jax.scipy.special.ndtr
    return ndtr(-far) + ndtr(-near)
