"""Defects that pass test and fail in the field first, and burn-in, which trades yield for them."""

import dataclasses
from typing import NamedTuple

import numpy as np

from ._check import Number, require_nonnegative, require_prob
from ._defects import AbstractDefects


class BurnIn(NamedTuple):
    """What burn-in costs and buys: `pass_prob` of tested dies; then `latent_free_prob` before and after."""

    pass_prob: Number
    latent_free_before_prob: Number
    latent_free_prob: Number


def latent_free_prob(law: AbstractDefects, mean_defects: Number, latent_ratio: Number) -> Number:
    """Probability that a die which passed test has no latent defect.

    Latent and killer defects come from the same places, so a wafer that yields badly also fails
    early. For each killer there are $\\gamma$ latent defects on average, with the same clustering.

    **Arguments:**

    - `law` of the defects; `mean_defects`, killers of a die, $\\lambda$.
    - `latent_ratio`: $\\gamma$; 0.005 to 0.02 (recalled). There is no default.

    **Returns:** $Y((1+\\gamma)\\lambda) / Y(\\lambda)$, which is exact for every law here: for the
    negative binomial $[1 + \\gamma\\lambda/(\\alpha+\\lambda)]^{-\\alpha}$ (after Barnett, Singh and
    Nelson, "Extending integrated-circuit yield-models to estimate early-life reliability", IEEE
    Trans. Reliability 52, 2003), for Poisson its limit $Y^\\gamma$.

    **Raises:** `ValueError` for host values that are negative or NaN.

    !!! example

        ```python
        from fdmc.yields import NegativeBinomial, latent_free_prob

        assert abs(latent_free_prob(NegativeBinomial(2.0), 0.5, 0.015) - 0.994027) < 1e-6
        ```
    """
    require_nonnegative(latent_ratio=latent_ratio)
    return _both_free(law, mean_defects, latent_ratio, 0.0)


def burn_in(
    law: AbstractDefects, mean_defects: Number, latent_ratio: Number, activated_share: Number
) -> BurnIn:
    """What burn-in does to tested dies: those whose latent defects it wakes are scrapped.

    **Arguments:**

    - `law`, `mean_defects`, `latent_ratio`: as for `latent_free_prob`.
    - `activated_share`: share of the latent defects that fail during burn-in, $B = F(E)$ with the
        infant-mortality law $F$ at the exposure $E$ of burn-in, in hours at use conditions.

    **Returns:** `BurnIn`: passes with $Y((1+\\gamma B)\\lambda)/Y(\\lambda)$, then free of latent
    defects with $Y((1+\\gamma)\\lambda)/Y((1+\\gamma B)\\lambda)$. Their product is the share of
    defect-free dies, which no burn-in changes.

    **Raises:** `ValueError` for host values that are negative or NaN, and shares above 1.
    """
    require_nonnegative(latent_ratio=latent_ratio)
    require_prob(activated_share=activated_share)
    woken = latent_ratio * activated_share
    return BurnIn(
        _both_free(law, mean_defects, woken, 0.0),
        _both_free(law, mean_defects, latent_ratio, 0.0),
        _both_free(law, mean_defects, latent_ratio, woken),
    )


def early_failure_prob(
    law: AbstractDefects,
    mean_defects: Number,
    latent_ratio: Number,
    activated_share: Number,
    field_share: Number,
) -> Number:
    """Probability that a die which passed test and burn-in fails early in the field.

    **Arguments:** as for `burn_in`; `field_share`, the share of all latent defects that have failed
    by some age in the field, burn-in included: $F(E + t)$, not below `activated_share`; 0 burn-in
    is none.

    **Returns:** $1 - Y((1+\\gamma F)\\lambda)/Y((1+\\gamma B)\\lambda)$.

    **Raises:** `ValueError` as `burn_in`.
    """
    require_nonnegative(latent_ratio=latent_ratio)
    require_prob(activated_share=activated_share, field_share=field_share)
    require_nonnegative(**{"field_share less activated_share": field_share - activated_share})
    woken, failed = latent_ratio * activated_share, latent_ratio * field_share
    return 1 - _both_free(law, mean_defects, failed, woken)


@dataclasses.dataclass(frozen=True)
class Dormant:
    """Latent defects that are left on a part once it has passed test and burn-in, wherever on it they are.

    **Arguments:**

    - `layers`: law, mean number of killers and number of such layers (copies of the part included).
    - `latent_ratio`: latent defects for each killer, $\\gamma$; `woken`: share of them that burn-in has woken, $B$.
    """

    layers: tuple[tuple[AbstractDefects, float, int], ...]
    latent_ratio: float
    woken: float = 0.0

    @property
    def mean(self) -> float:
        """Mean number of them: $\\sum_i \\gamma (1 - B) \\lambda_i g_i$, with $g_i$ the density of dies that passed."""
        return float(np.asarray(self.slope(0.0)))

    def hazard(self, share: Number) -> Number:
        """Return $-\\log$ of the probability that none of them has failed, when each has with probability `share`.

        **Returns:** $\\sum_i \\log Y_i((1 + \\gamma B)\\lambda_i) -
        \\log Y_i((1 + \\gamma (B + (1 - B) x))\\lambda_i)$, as the integral of its slope, which does not cancel
        where `share` is small.

        !!! example

            ```python
            from fdmc.yields import Dormant, NegativeBinomial, early_failure_prob
            import numpy as np

            law = NegativeBinomial(2.0)
            left = Dormant(((law, 0.5, 1),), 0.015, 0.2)
            early = early_failure_prob(law, 0.5, 0.015, 0.2, 0.2 + 0.8 * 0.3)
            assert abs(-np.expm1(-left.hazard(0.3)) - early) < 1e-12
            ```
        """
        x = np.asarray(share, float)
        return x * (self.slope(x[..., None] * _NODES) @ _WEIGHTS)

    def slope(self, share: Number) -> Number:
        """Return how fast `hazard` rises with the share: the mean number left of parts that have not failed."""
        x, ratio = np.asarray(share, float), self.latent_ratio
        failed = ratio * (self.woken + (1 - self.woken) * x)
        total = np.zeros_like(x)
        for law, mean, copies in self.layers:
            density = np.asarray(law.good_density((1 + failed) * mean))
            total = total + copies * ratio * (1 - self.woken) * mean * density
        return total

    def share(self, hazard: Number) -> Number:
        """Invert `hazard`: above that of all of them, values above 1 that rise with it."""
        top = float(np.asarray(self.hazard(_BEYOND)))
        h = np.minimum(np.asarray(hazard, float), top)
        x = h / self.mean
        for _ in range(_NEWTON):  # the curve is concave: steps from below never overshoot
            x = x + (h - self.hazard(x)) / self.slope(x)
        return x * np.maximum(np.asarray(hazard, float) / top, 1.0)


def _both_free(law: AbstractDefects, mean_defects: Number, ratio: Number, given: Number) -> Number:
    """Given that neither killers nor `given` latent defects are there, `ratio` of them are not either."""
    return law.good_prob((1 + ratio) * mean_defects) / law.good_prob((1 + given) * mean_defects)


_NEWTON = 12
_BEYOND = 2.0  # shares up to which the curve is followed, so that it is smooth at 1
_NODES, _WEIGHTS = (
    (np.polynomial.legendre.leggauss(12)[0] + 1) / 2,
    np.polynomial.legendre.leggauss(12)[1] / 2,
)
