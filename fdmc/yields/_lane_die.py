"""A die with lanes and spare lanes: what takes one lane, what takes them all."""

import math

import equinox as eqx
import numpy as np
from jaxtyping import Float

from ._check import require_nonnegative, require_prob, require_spares
from ._clustering import Clustering
from ._mixture import binomial_prob, gamma_nodes, product_nodes


class LaneDie(eqx.Module):
    """A die (an engine, an array) whose lanes are exchangeable at test.

    **Arguments:**

    - `lanes` at full bandwidth, and `spares` on top of them.
    - `lane_defects`: mean number of defects that take one lane, on each lane; clustered.
    - `fatal_defects`: mean number of defects on the die that take it whole; clustered.
    - `lane_loss_prob`: loss of a lane in what comes after the wafer: bonds, fibres, lasers, tuning.
    - `shared_loss_prob`: loss of all lanes at once after the wafer: the common cause.
    - `latent_ratio`: latent defects for each that takes one lane, $\\gamma$.
    - `latent_fatal_defects`: mean number of latent defects elsewhere on the die, which take it whole in use; clustered.

    With the density of its place $G$ (`Clustering`) a lane is lost with
    $1 - (1-p_l) e^{-m_l G}$ and the die with $1 - (1-p_s) e^{-m_f G}$, independently given $G$.
    """

    lanes: int = eqx.field(static=True)
    spares: int = eqx.field(static=True)
    lane_defects: float = 0.0
    fatal_defects: float = 0.0
    lane_loss_prob: float = 0.0
    shared_loss_prob: float = 0.0
    latent_ratio: float = 0.0
    latent_fatal_defects: float = 0.0

    def __check_init__(self):
        require_spares(self.lanes, self.spares)
        require_nonnegative(
            lane_defects=self.lane_defects,
            fatal_defects=self.fatal_defects,
            latent_ratio=self.latent_ratio,
            latent_fatal_defects=self.latent_fatal_defects,
        )
        require_prob(lane_loss_prob=self.lane_loss_prob, shared_loss_prob=self.shared_loss_prob)

    @property
    def count(self) -> int:
        """Lanes and spares."""
        return self.lanes + self.spares

    @property
    def lane_hazard(self) -> float:
        """$-\\log(1 - p_l)$: what a lane has against it apart from the wafer."""
        return _hazard(self.lane_loss_prob)

    @property
    def shared_hazard(self) -> float:
        """$-\\log(1 - p_s)$."""
        return _hazard(self.shared_loss_prob)


def lanes_lost_prob(
    die: LaneDie, density: Float[np.ndarray, "..."] | float, die_alpha: float = np.inf
) -> Float[np.ndarray, "... outcomes"]:
    """Distribution of the lanes that a die has lost at test, given the density of its wafer.

    **Arguments:** `density` relative to the mean, $G_l G_w$; `die_alpha` of `Clustering`, which is
    integrated over. A die that is taken whole has lost all lanes and spares.

    **Returns:** probabilities of 0 to `die.count`, on a new last axis; on the host.
    """
    each, weights, _ = _by_node(die, density, die_alpha)
    return np.sum(weights[:, None] * each, -2)


def latent_lanes(
    die: LaneDie, density: Float[np.ndarray, "..."] | float, die_alpha: float, most_lost: int
) -> tuple[Float[np.ndarray, "..."], Float[np.ndarray, "..."]]:
    """Probability that a die has lost at most so many lanes, and its mean number of latent lanes then.

    **Arguments:** as for `lanes_lost_prob`.

    **Returns:** $P(K \\le m)$ and $E[L\\,1(K \\le m)]$: each of the $n - K$ good lanes has a latent defect with
    $1 - e^{-\\gamma m_l G}$.
    """
    each, weights, intensity = _by_node(die, density, die_alpha)
    kept = each[..., : most_lost + 1]
    good = kept @ (die.count - np.arange(most_lost + 1))
    share = -np.expm1(-die.latent_ratio * die.lane_defects * intensity)
    return kept.sum(-1) @ weights, (good * share) @ weights


def latent_fatal_free(
    die: LaneDie,
    density: Float[np.ndarray, "..."] | float,
    die_alpha: float,
    most_lost: int,
    share: float,
) -> tuple[Float[np.ndarray, "..."], Float[np.ndarray, "..."]]:
    """Probability that a die has lost at most so many lanes and that none of a `share` of its latent defects
    elsewhere has failed, and its mean number of those then.

    **Arguments:** as for `lanes_lost_prob`.

    **Returns:** $E[e^{-x m G}\\,1(K \\le k)]$ and $E[m G\\,1(K \\le k)]$.
    """
    each, weights, intensity = _by_node(die, density, die_alpha)
    kept = each[..., : most_lost + 1].sum(-1)
    mean = die.latent_fatal_defects * intensity
    return (kept * np.exp(-share * mean)) @ weights, (kept * mean) @ weights


def _by_node(die: LaneDie, density, die_alpha: float):
    """Distribution of the lanes lost at each density of a die, the weights of these, and the densities."""
    require_nonnegative(density=density)
    values, weights = gamma_nodes(die_alpha)
    intensity = np.asarray(density, float)[..., None] * values
    hazard = die.lane_defects * intensity + die.lane_hazard
    whole = -np.expm1(-(die.fatal_defects * intensity + die.shared_hazard))[..., None]
    each = (1 - whole) * binomial_prob(die.count, -np.expm1(-hazard), -hazard)
    each = each + whole * (np.arange(die.count + 1) == die.count)
    return each, weights, intensity


def die_lanes_lost_prob(die: LaneDie, clustering: Clustering) -> Float[np.ndarray, " outcomes"]:
    """The same for a die of any wafer and lot, to be given to `repair`, `binned`, `repair_yield`.

    !!! example

        ```python
        from fdmc.yields import Clustering, LaneDie, die_lanes_lost_prob, repair_yield

        die = LaneDie(64, 4, lane_defects=0.01)
        even = repair_yield(die_lanes_lost_prob(die, Clustering()), 4)
        assert repair_yield(die_lanes_lost_prob(die, Clustering(wafer_alpha=2.0)), 4) < even
        ```
    """
    values, weights = product_nodes((clustering.lot_alpha, clustering.wafer_alpha))
    return weights @ lanes_lost_prob(die, values, clustering.die_alpha)


def _hazard(prob: float) -> float:
    return -math.log1p(-prob) if prob < 1 else math.inf
