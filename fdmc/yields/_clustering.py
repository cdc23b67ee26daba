"""Defects that gather by lot, by wafer and by die: why dies of one wafer fail together."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import equinox as eqx
import numpy as np

from ._check import Number, require_count, require_nonnegative, require_positive
from ._mixture import gamma_nodes, product_nodes


class Clustering(eqx.Module):
    """By how much the defect density varies between lots, between wafers of a lot, and on a wafer.

    The mean number of defects of a die is $\\lambda G_l G_w G_d$, with independent gamma factors of
    mean 1 and shape $\\alpha$, one a lot, one a wafer, one a die (Koren and Koren, "Defect tolerance
    in VLSI circuits", Proc. IEEE 86, 1998, on clusters of several sizes).

    **Arguments:** `lot_alpha`, `wafer_alpha`, `die_alpha`: positive; `math.inf`, the default of
    each, is no variation on that level.
    """

    lot_alpha: float = math.inf
    wafer_alpha: float = math.inf
    die_alpha: float = math.inf

    def __check_init__(self):
        require_positive(
            True,
            lot_alpha=self.lot_alpha,
            wafer_alpha=self.wafer_alpha,
            die_alpha=self.die_alpha,
        )

    @property
    def spread(self) -> float:
        """Coefficient of variation of the density, squared: $\\prod_i (1 + 1/\\alpha_i) - 1$."""
        return _spread(self.lot_alpha, self.wafer_alpha, self.die_alpha)


class DefectMoments(NamedTuple):
    """Moments of the number of defects on a die, and covariances of two dies."""

    mean: Number
    variance: Number
    same_wafer_covariance: Number
    same_lot_covariance: Number


class Moments(NamedTuple):
    """Mean and variance."""

    mean: float
    variance: float


def defect_moments(mean_defects: Number, clustering: Clustering) -> DefectMoments:
    """Moments of the number of defects on a die, and how two dies go together.

    **Arguments:** `mean_defects` of a die, $\\lambda$, any shape.

    **Returns:** $\\lambda$; $\\lambda + \\lambda^2 CV^2$ with `Clustering.spread`; the covariance of
    two dies of a wafer, $\\lambda^2 [(1+1/\\alpha_l)(1+1/\\alpha_w) - 1]$; of two dies on different
    wafers of a lot, $\\lambda^2/\\alpha_l$.

    **Raises:** `ValueError` for host values that are negative or NaN.
    """
    require_nonnegative(mean_defects=mean_defects)
    square = mean_defects**2
    return DefectMoments(
        mean_defects,
        mean_defects + square * clustering.spread,
        square * _spread(clustering.lot_alpha, clustering.wafer_alpha),
        square * _spread(clustering.lot_alpha),
    )


def all_good_prob(
    mean_defects: float, clustering: Clustering, dies_per_wafer: Sequence[int] = (1,)
) -> float:
    """Probability that all dies of a set have no defect, when some share a wafer or a lot.

    **Arguments:**

    - `mean_defects` of each die, $\\lambda$.
    - `dies_per_wafer`: how many dies come from each of several wafers of one lot: `(4,)` are four
        dies of one wafer, `(1, 1)` two dies of one lot and different wafers.

    **Returns:** with one level only $(1 + n\\lambda/\\alpha)^{-\\alpha}$ for $n$ dies of a wafer,
    which is more than the power of one die's yield; levels above the die are integrated by Gauss's
    rule on the host (relative error below 1e-9 while $n \\lambda$ is below 2 $\\alpha$).

    **Raises:** `ValueError` for values that are negative or NaN.

    !!! example

        ```python
        from fdmc.yields import Clustering, all_good_prob

        four = all_good_prob(0.2, Clustering(wafer_alpha=2.0), (4,))
        assert abs(four - 0.51020408) < 1e-8
        ```
    """
    require_nonnegative(mean_defects=mean_defects)
    require_count(0, dies_per_wafer=np.asarray(dies_per_wafer, float))
    lots, lot_weights = gamma_nodes(clustering.lot_alpha)
    wafers, wafer_weights = gamma_nodes(clustering.wafer_alpha)
    mean = mean_defects * np.outer(lots, wafers)
    if math.isinf(clustering.die_alpha):
        log_good = -mean
    else:
        log_good = -clustering.die_alpha * np.log1p(mean / clustering.die_alpha)
    of_lot = np.ones(len(lots))
    for dies in dies_per_wafer:
        of_lot = of_lot * (np.exp(dies * log_good) @ wafer_weights)
    return float(of_lot @ lot_weights)


def passing_density(mean_defects: float, clustering: Clustering) -> float:
    """Mean density of dies without a defect, relative to that of all dies: they come from better places.

    **Arguments:** `mean_defects` of a die that its test finds, $\\lambda$.

    **Returns:** $E[G e^{-\\lambda G}] / E[e^{-\\lambda G}]$, at most 1; for one level $\\alpha/(\\alpha + \\lambda)$,
    by which the whole gamma law of such dies is narrower.

    **Raises:** `ValueError` for values that are negative or NaN.

    !!! example

        ```python
        from fdmc.yields import Clustering, passing_density

        assert abs(passing_density(0.5, Clustering(die_alpha=2.0)) - 2.0 / 2.5) < 1e-12
        ```
    """
    require_nonnegative(mean_defects=mean_defects)
    values, weights = product_nodes((clustering.lot_alpha, clustering.wafer_alpha))
    mean = mean_defects * values
    if math.isinf(clustering.die_alpha):
        good, density = np.exp(-mean), 1.0
    else:
        density = 1 / (1 + mean / clustering.die_alpha)
        good = density**clustering.die_alpha
    return float(weights @ (values * density * good) / (weights @ good))


def yield_moments(
    mean_defects: float,
    clustering: Clustering,
    *,
    dies: int,
    wafers: int = 1,
    lots: int = 1,
) -> Moments:
    """Mean and variance of the share of good dies among those of several wafers and lots.

    **Arguments:** `mean_defects` of a die; `dies` of each wafer, `wafers` of each lot, `lots`.

    **Returns:** `Moments`. With $Y$ the yield of a die and $Y_w$, $Y_l$ the probability that two
    dies of a wafer, of a lot, are both good, the variance is
    $[Y - Y^2 + (n-1)(Y_w - Y^2) + n (W-1)(Y_l - Y^2)] / (n W L)$: it does not vanish with many dies.

    **Raises:** `ValueError` for values that are negative or NaN, and counts below 1.
    """
    require_count(1, dies=dies, wafers=wafers, lots=lots)
    one = all_good_prob(mean_defects, clustering)
    same_wafer = all_good_prob(mean_defects, clustering, (2,))
    same_lot = all_good_prob(mean_defects, clustering, (1, 1))
    square = one**2
    variance = one - square + (dies - 1) * (same_wafer - square)
    variance += dies * (wafers - 1) * (same_lot - square)
    return Moments(one, variance / (dies * wafers * lots))


def _spread(*alphas: float) -> float:
    return math.prod(1 + 1 / alpha for alpha in alphas) - 1
