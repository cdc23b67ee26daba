"""What leaves the factory: packages by live lanes and spares left, and what one good package takes."""

import equinox as eqx
import numpy as np
from jaxtyping import Float

from ._check import Number, require_count, require_nonnegative, require_positive, require_prob
from ._clustering import Clustering
from ._lane_die import LaneDie, lanes_lost_prob, latent_fatal_free, latent_lanes
from ._mixture import product_nodes
from ._repair import FULL, Bins


GBPS_PER_TBPS = 1000.0
_NODES = 24  # a level, for the joint distribution: its grid is large


class Grade(eqx.Module):
    """Packages sold in one bin.

    `share` of full bandwidth; `lanes` of the package; `prob` of a package started to be sold so;
    `spares_prob[j]`: that it is, and has j spares left in all its dies. Good lanes that the bin does
    not need are spares too.
    """

    share: float
    lanes: int
    prob: float
    spares_prob: Float[np.ndarray, " spares"]


class Shipment(eqx.Module):
    """What becomes of the packages started: the `grades` that ship, the rest is scrap."""

    grades: tuple[Grade, ...]

    @property
    def ship_prob(self) -> float:
        """Share of the packages started that ship in any bin."""
        return sum(grade.prob for grade in self.grades)

    @property
    def mean_lanes(self) -> float:
        """Lanes of a package that ships, on average."""
        return sum(grade.prob * grade.lanes for grade in self.grades) / self.ship_prob

    @property
    def mean_spares(self) -> float:
        """Spares left on a package that ships, on average."""
        left = (g.spares_prob @ np.arange(len(g.spares_prob)) for g in self.grades)
        return float(sum(left)) / self.ship_prob


def shipment(
    die: LaneDie,
    dies: int,
    clustering: Clustering,
    *,
    bins: Bins = FULL,
    assembly_prob: float = 1.0,
) -> Shipment:
    """Packages by bin and spares left, when all dies of a package come from one wafer.

    **Arguments:**

    - `die`: of which a package holds `dies`, each with spares of its own.
    - `clustering`: of the defects; dies of one wafer fail together.
    - `bins`: a package runs all its dies at one share; the largest that each of them reaches. The default sells
        full bandwidth only.
    - `assembly_prob`: that assembly does not scrap the package.

    **Returns:** `Shipment`; probabilities are exact to about 1e-12, on the host.

    **Raises:** `ValueError` for no die, and an `assembly_prob` outside 0..1.

    !!! example

        ```python
        from fdmc.yields import Clustering, LaneDie, shipment

        shipped = shipment(LaneDie(64, 4, lane_loss_prob=0.01), 8, Clustering())
        assert abs(shipped.ship_prob - 0.9993821962**8) < 1e-9
        assert shipped.mean_spares < 8 * 4
        ```
    """
    require_count(1, dies=dies)
    require_prob(assembly_prob=assembly_prob)
    values, weights = product_nodes((clustering.lot_alpha, clustering.wafer_alpha))
    good = lanes_lost_prob(die, values, clustering.die_alpha)[:, ::-1]  # by lanes that are good
    needs, higher, grades = bins.lanes(die.lanes), die.count + 1, []
    for share, need in zip(bins.shares, needs, strict=True):
        length = dies * (die.count - need) + 1
        least = _power(good[:, need:], dies, length)
        best = np.where(np.arange(need, die.count + 1) < higher, 0.0, good[:, need:])
        prob = assembly_prob * (weights @ (least - _power(best, dies, length)))
        prob = np.maximum(prob, 0.0)  # the transform leaves 1e-17 of either sign where nothing is
        grades.append(Grade(share, dies * need, float(prob.sum()), prob))
        higher = need
    return Shipment(tuple(grades))


def shipped_latent_lanes(
    die: LaneDie, dies: int, clustering: Clustering, *, bins: Bins = FULL
) -> float:
    """Mean number of lanes with a latent defect on a package that ships.

    **Arguments:** as for `shipment`; what assembly scraps does not depend on the lanes.

    **Returns:** $E[L \\mid \\text{ships}]$. Packages that ship come from better places than those started, so this is
    less than the share of lanes with one times the lanes that are good.

    **Raises:** `ValueError` for no die, and when no package ships.

    !!! example

        ```python
        from fdmc.yields import Clustering, LaneDie, shipped_latent_lanes

        die = LaneDie(64, 4, lane_defects=0.01, latent_ratio=0.5)
        even = shipped_latent_lanes(die, 8, Clustering())
        assert abs(even / 8 - (68 - 0.68) * 0.005) < 0.01
        assert shipped_latent_lanes(die, 8, Clustering(wafer_alpha=0.5)) < even
        ```
    """
    values, weights, most = _places(die, dies, clustering, bins)
    ships, latent = latent_lanes(die, values, clustering.die_alpha, most)
    return dies * float(weights @ (latent * ships ** (dies - 1))) / _shipping(weights, ships, dies)


def shipped_latent_fatal(
    die: LaneDie, dies: int, clustering: Clustering, *, bins: Bins = FULL
) -> float:
    """Mean number of latent defects outside the lanes, on all dies of a package that ships.

    **Arguments, raises:** as for `shipped_latent_lanes`; $E[n \\mid \\text{ships}]$.
    """
    values, weights, most = _places(die, dies, clustering, bins)
    ships, mean = latent_fatal_free(die, values, clustering.die_alpha, most, 0.0)
    return dies * float(weights @ (mean * ships ** (dies - 1))) / _shipping(weights, ships, dies)


def shipped_early_prob(
    die: LaneDie, dies: int, clustering: Clustering, share: float, *, bins: Bins = FULL
) -> float:
    """Probability that a latent defect outside the lanes has failed on a package that has shipped.

    **Arguments:** as for `shipped_latent_lanes`; `share` of such defects that fail by then.

    **Returns:** $1 - E[e^{-x m \\sum G};\\text{ships}] / P(\\text{ships})$: with killers of the same places, one die
    and one level the negative binomial $1 - [1 + x m / (\\alpha + \\lambda)]^{-\\alpha}$ (`early_failure_prob`).

    **Raises:** as `shipped_latent_lanes`.

    !!! example

        ```python
        from fdmc.yields import Clustering, LaneDie, NegativeBinomial, early_failure_prob, shipped_early_prob

        die = LaneDie(64, 4, fatal_defects=0.5, latent_fatal_defects=0.5 * 0.015)
        known = early_failure_prob(NegativeBinomial(2.0), 0.5, 0.015, 0.0, 0.3)
        assert abs(shipped_early_prob(die, 1, Clustering(die_alpha=2.0), 0.3) - known) < 1e-9
        ```
    """
    require_prob(share=share)
    values, weights, most = _places(die, dies, clustering, bins)
    ships, _ = latent_fatal_free(die, values, clustering.die_alpha, most, 0.0)
    free, _ = latent_fatal_free(die, values, clustering.die_alpha, most, share)
    return float(weights @ (ships**dies - free**dies)) / _shipping(weights, ships, dies)


def _places(die: LaneDie, dies: int, clustering: Clustering, bins: Bins):
    """Densities of wafers, their weights, and the lanes that a die of the lowest bin may have lost."""
    require_count(1, dies=dies)
    values, weights = product_nodes((clustering.lot_alpha, clustering.wafer_alpha))
    return values, weights, die.count - min(bins.lanes(die.lanes))


def _shipping(weights: Float[np.ndarray, " nodes"], ships, dies: int) -> float:
    prob = float(weights @ ships**dies)
    if not prob > 0:
        raise ValueError("bins must let a package ship, but none does: widen them.")
    return prob


def package_lanes_prob(
    die: LaneDie, dies: int, clustering: Clustering
) -> Float[np.ndarray, "live spares"]:
    """Joint distribution of the live lanes and the spares left of a package, unbinned.

    **Arguments:** as for `shipment`. Each die has up to `die.lanes` live.

    **Returns:** probabilities, shape `[dies * lanes + 1, dies * spares + 1]`, that sum to 1; the
    last row holds packages at full bandwidth. Right to about 1e-13 of absolute error.
    """
    require_count(1, dies=dies)
    values, weights = product_nodes((clustering.lot_alpha, clustering.wafer_alpha), _NODES)
    lost = lanes_lost_prob(die, values, clustering.die_alpha)
    good = die.count - np.arange(die.count + 1)
    live, spares = np.minimum(good, die.lanes), np.maximum(good - die.lanes, 0)
    shape = (dies * die.lanes + 1, dies * die.spares + 1)
    # Sums of independent dies are products of transforms; a die takes only count + 1 places.
    turn = lambda places, size: np.exp(
        -2j
        * np.pi
        * np.outer(places, np.arange(size // 2 + 1 if size is shape[1] else size))
        / size
    )
    of_live, of_spares = turn(live, shape[0]), turn(spares, shape[1])
    total = np.zeros((shape[0], shape[1] // 2 + 1), complex)
    for weight, one in zip(weights, lost, strict=True):
        total += weight * ((of_live * one[:, None]).T @ of_spares) ** dies
    return np.maximum(np.fft.irfft2(total, shape), 0.0)


def yield_adjusted_tbps(shipped: Shipment, lane_gbps: Number) -> Number:
    """Yield-adjusted bandwidth per package started, in Tb/s.

    **Arguments:** `lane_gbps` of a lane, in Gb/s.

    **Returns:** $E[\\text{bandwidth of a shipped package}] \\times P(\\text{ships})$.

    **Raises:** `ValueError` for a rate that is not positive.
    """
    require_positive(lane_gbps=lane_gbps)
    lanes = sum(grade.prob * grade.lanes for grade in shipped.grades)
    return lanes * lane_gbps / GBPS_PER_TBPS


def cost_per_package(shipped: Shipment, cost_per_start: Number) -> Number:
    """Cost of a package that ships, in the currency of `cost_per_start`, a package started."""
    require_nonnegative(cost_per_start=cost_per_start)
    return cost_per_start / _some(shipped)


def cost_per_tbps(shipped: Shipment, cost_per_start: Number, lane_gbps: Number) -> Number:
    """Cost of a delivered Tb/s: that of a package started over its `yield_adjusted_tbps`."""
    require_nonnegative(cost_per_start=cost_per_start)
    _some(shipped)
    return cost_per_start / yield_adjusted_tbps(shipped, lane_gbps)


def _some(shipped: Shipment) -> float:
    if not shipped.ship_prob > 0:
        raise ValueError("shipped must have a package that ships, but has none: widen its bins.")
    return shipped.ship_prob


def _power(
    prob: Float[np.ndarray, "nodes outcomes"], dies: int, length: int
) -> Float[np.ndarray, "nodes length"]:
    """Distribution of the sum of `dies` draws, one row a node."""
    return np.fft.irfft(np.fft.rfft(prob, 2 * length) ** dies, 2 * length)[:, :length]
