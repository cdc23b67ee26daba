"""Defect-limited yield: how likely a die without a killer defect is, by how defects gather."""

import abc
import math
from collections.abc import Sequence

import equinox as eqx

from ._check import (
    Number,
    namespace,
    require_count,
    require_nonnegative,
    require_positive,
    require_share,
)


MM2_PER_CM2 = 100.0


class AbstractDefects(eqx.Module):
    """How defects gather on dies, given their mean number.

    Every law here is a Poisson count whose mean varies from die to die, so that it also knows what
    defects of another kind do on the dies that passed (`latent_free_prob`).
    """

    @abc.abstractmethod
    def good_prob(self, mean_defects: Number) -> Number:
        """Yield $Y$: probability that a die has no defect.

        **Arguments:** `mean_defects`, $\\lambda = A D_0$, zero or more, any shape.

        **Returns:** a probability of the same shape.

        **Raises:** `ValueError` for host values that are negative or NaN.
        """

    @abc.abstractmethod
    def good_density(self, mean_defects: Number) -> Number:
        """Mean density of dies without a defect, relative to that of all dies: $-d \\log Y / d\\lambda$.

        **Arguments:** `mean_defects`, zero or more, any shape.

        **Returns:** at most 1, of the same shape: good dies come from better places.

        **Raises:** `ValueError` for host values that are negative or NaN.
        """

    @abc.abstractmethod
    def mean_defects(self, good_prob: Number) -> Number:
        """Mean number of defects of dies whose yield is known: `good_prob` inverted.

        **Arguments:** `good_prob`, above 0 and at most 1, any shape.

        **Returns:** $\\lambda$ of the same shape.

        **Raises:** `ValueError` for host values outside 0..1.
        """


class Poisson(AbstractDefects):
    """Defects fall independently: $Y = e^{-\\lambda}$; the least optimistic for large dies."""

    def good_prob(self, mean_defects: Number) -> Number:
        require_nonnegative(mean_defects=mean_defects)
        return namespace(mean_defects).exp(-mean_defects)

    def good_density(self, mean_defects: Number) -> Number:
        require_nonnegative(mean_defects=mean_defects)
        return 0.0 * mean_defects + 1.0

    def mean_defects(self, good_prob: Number) -> Number:
        require_share(good_prob=good_prob)
        return -namespace(good_prob).log(good_prob)


class Murphy(AbstractDefects):
    """Densities spread as a triangle: $Y = ((1 - e^{-\\lambda}) / \\lambda)^2$.

    Murphy, "Cost-size optima of monolithic integrated circuits", Proc. IEEE 52 (1964).
    """

    def good_prob(self, mean_defects: Number) -> Number:
        require_nonnegative(mean_defects=mean_defects)
        return _mean_survival(mean_defects)[0] ** 2

    def good_density(self, mean_defects: Number) -> Number:
        require_nonnegative(mean_defects=mean_defects)
        height, slope = _mean_survival(mean_defects)
        return -2 * slope / height

    def mean_defects(self, good_prob: Number) -> Number:
        require_share(good_prob=good_prob)
        root = good_prob**0.5
        # The curve is convex and falls: Newton's steps from below never overshoot; from far
        # below each doubles the value.
        value = 2 * (1 - root)
        for _ in range(_NEWTON):
            height, slope = _mean_survival(value)
            value = value + (root - height) / slope
        return value


class Seeds(AbstractDefects):
    """Densities spread exponentially: $Y = 1 / (1 + \\lambda)$; negative binomial of $\\alpha$ 1.

    Seeds, IEEE International Electron Devices Meeting 1967. Some texts give the name to
    $e^{-\\sqrt\\lambda}$, which is another law.
    """

    def good_prob(self, mean_defects: Number) -> Number:
        require_nonnegative(mean_defects=mean_defects)
        return 1 / (1 + mean_defects)

    def good_density(self, mean_defects: Number) -> Number:
        require_nonnegative(mean_defects=mean_defects)
        return 1 / (1 + mean_defects)

    def mean_defects(self, good_prob: Number) -> Number:
        require_share(good_prob=good_prob)
        return 1 / good_prob - 1


class NegativeBinomial(AbstractDefects):
    """Densities spread as a gamma law: $Y = (1 + \\lambda/\\alpha)^{-\\alpha}$.

    Stapper, "Defect density distribution for LSI yield calculations", IEEE Trans. Electron Devices
    20 (1973).

    **Arguments:** `alpha`, the clustering parameter, positive; `math.inf` is Poisson. There is no
    default: it is 2 to 10, and moves the yield of a large die by more than its density does.
    """

    alpha: Number

    def __check_init__(self):
        require_positive(True, alpha=self.alpha)

    def good_prob(self, mean_defects: Number) -> Number:
        if isinstance(self.alpha, float) and math.isinf(self.alpha):
            return Poisson().good_prob(mean_defects)
        require_nonnegative(mean_defects=mean_defects)
        xp = namespace(mean_defects, self.alpha)
        return xp.exp(-self.alpha * xp.log1p(mean_defects / self.alpha))

    def good_density(self, mean_defects: Number) -> Number:
        if isinstance(self.alpha, float) and math.isinf(self.alpha):
            return Poisson().good_density(mean_defects)
        require_nonnegative(mean_defects=mean_defects)
        return 1 / (1 + mean_defects / self.alpha)

    def mean_defects(self, good_prob: Number) -> Number:
        if isinstance(self.alpha, float) and math.isinf(self.alpha):
            return Poisson().mean_defects(good_prob)
        require_share(good_prob=good_prob)
        xp = namespace(good_prob, self.alpha)
        return self.alpha * xp.expm1(-xp.log(good_prob) / self.alpha)


class BoseEinstein(AbstractDefects):
    """Defects of several equal critical layers, each of which gathers as `Seeds` has it.

    $Y = (1 + \\lambda/n)^{-n}$ (Price, "A new look at yield of integrated circuits", Proc. IEEE 58,
    1970). For unlike layers see `layered_yield`.

    **Arguments:** `layers`, $n$, a whole number.
    """

    layers: int = eqx.field(static=True)

    def __check_init__(self):
        require_count(1, layers=self.layers)

    def good_prob(self, mean_defects: Number) -> Number:
        return NegativeBinomial(float(self.layers)).good_prob(mean_defects)

    def good_density(self, mean_defects: Number) -> Number:
        return NegativeBinomial(float(self.layers)).good_density(mean_defects)

    def mean_defects(self, good_prob: Number) -> Number:
        return NegativeBinomial(float(self.layers)).mean_defects(good_prob)


class Layer(eqx.Module):
    """Layers of one kind that defects may kill.

    **Arguments:**

    - `density_per_cm2`: defects on each layer.
    - `critical_share`: share of the area in which a defect kills, 0 < x <= 1.
    - `law`: how they gather.
    - `copies`: how many such layers there are, each gathering on its own.
    """

    density_per_cm2: Number
    critical_share: Number
    law: AbstractDefects
    copies: int = 1

    def __check_init__(self):
        require_nonnegative(density_per_cm2=self.density_per_cm2)
        require_share(critical_share=self.critical_share)
        require_count(0, copies=self.copies)


def die_yield(area_mm2: Number, density_per_cm2: Number, law: AbstractDefects) -> Number:
    """Share of dies without a killer defect.

    **Arguments:**

    - `area_mm2`: critical area $A$ of a die.
    - `density_per_cm2`: killer defects $D_0$.
    - `law`: how defects gather; there is no default, for it matters more than the density.

    **Returns:** $Y(A D_0)$, the shape of area and density together; differentiable.

    **Raises:** `ValueError` for host values that are negative, NaN, or an area of 0.

    !!! example

        ```python
        from fdmc.yields import NegativeBinomial, die_yield

        assert abs(die_yield(400.0, 0.11, NegativeBinomial(10.0)) - 0.650122) < 1e-6
        ```
    """
    require_positive(area_mm2=area_mm2)
    require_nonnegative(density_per_cm2=density_per_cm2)
    return law.good_prob(area_mm2 * density_per_cm2 / MM2_PER_CM2)


def layered_yield(area_mm2: Number, layers: Sequence[Layer]) -> Number:
    """Share of dies that no layer has killed: $\\prod_i Y_i(A D_i c_i)$.

    **Arguments:** `area_mm2`, and the critical `layers`; their defects are independent. This is the
    form of CATCH (Graening and Gupta, 2025), with $c_i$ the share of the area that is critical.

    **Raises:** `ValueError` for an area that is not positive.

    !!! example

        ```python
        from fdmc.yields import Layer, Seeds, layered_yield

        metal = Layer(0.25, 1.0, Seeds(), copies=4)
        assert abs(layered_yield(100.0, [metal]) - 1.25**-4) < 1e-12
        ```
    """
    require_positive(area_mm2=area_mm2)
    good: Number = 1.0
    for layer in layers:
        density = layer.density_per_cm2 * layer.critical_share
        good = good * layer.law.good_prob(area_mm2 * density / MM2_PER_CM2) ** layer.copies
    return good


def critical_area_mm2(good_prob: Number, density_per_cm2: Number, law: AbstractDefects) -> Number:
    """Area in which a defect kills, from one measured yield: `die_yield` inverted.

    **Arguments:** `good_prob` measured at `density_per_cm2`, and the `law`.

    **Returns:** mm2, to be used at other densities.

    **Raises:** `ValueError` for a yield outside 0..1 and a density that is not positive.
    """
    require_positive(density_per_cm2=density_per_cm2)
    return law.mean_defects(good_prob) / density_per_cm2 * MM2_PER_CM2


_NEWTON = 60
_SMALL = 0.01  # below, the series is right to 1e-16, and differences lose digits
_SERIES = [(-1) ** k / math.factorial(k + 1) for k in range(8)]


def _mean_survival(mean_defects: Number) -> tuple[Number, Number]:
    """$(1 - e^{-m})/m$ and its slope, also at 0."""
    xp = namespace(mean_defects)
    small = mean_defects < _SMALL
    m = xp.where(small, 1.0, mean_defects)  # twice guarded: neither branch may be NaN in a gradient
    value = -xp.expm1(-m) / m
    slope = (xp.exp(-m) - value) / m
    near = xp.where(small, mean_defects, 0.0)
    series = sum(c * near**k for k, c in enumerate(_SERIES))
    rise = sum(k * c * near ** (k - 1) for k, c in enumerate(_SERIES) if k)
    return xp.where(small, series, value), xp.where(small, rise, slope)
