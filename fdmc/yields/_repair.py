"""Repair by redundancy at test, and what it leaves: live lanes, spares, and the bin that is sold."""

import math
from typing import NamedTuple

import equinox as eqx
import numpy as np
from jaxtyping import Int

from ._check import (
    Distribution,
    Number,
    namespace,
    require_count,
    require_share,
    require_spares,
)


class Repair(NamedTuple):
    """What repair leaves of a group, one row for each number of elements lost.

    Live lanes and spares left are counts; `prob` has the probabilities of the rows on its last axis.
    """

    live: Int[np.ndarray, " outcomes"]
    spares: Int[np.ndarray, " outcomes"]
    prob: Distribution


class Bins(eqx.Module):
    """The shares of full bandwidth at which packages are sold, the largest first.

    **Arguments:** `shares`, falling, above 0 and at most 1. What has less than the least is scrap.
    """

    shares: tuple[float, ...] = eqx.field(static=True, default=(1.0,))

    def __check_init__(self):
        require_share(shares=np.array(self.shares or (0.0,), float))
        if any(a <= b for a, b in zip(self.shares, self.shares[1:], strict=False)):
            raise ValueError(
                f"shares must fall, but are {self.shares}: name the largest bin first."
            )

    def lanes(self, lanes: int) -> list[int]:
        """Lanes that each bin needs, of `lanes` at full bandwidth: $\\lceil b L \\rceil$."""
        # 7/8 of 64 is 56, whatever the last bit of 7/8 says.
        return [math.ceil(share * lanes - 1e-9) for share in self.shares]


FULL = Bins((1.0,))
"""Only what reaches full bandwidth is sold."""


def repair_yield(failed_prob: Distribution, spares: int) -> Number:
    """Probability that spares make up for all that is lost: k of n.

    **Arguments:** `failed_prob`, the distribution of the number lost, `[..., n + 1]`; `spares`
    among the n.

    **Returns:** $P(N \\le s)$, differentiable in the probabilities.

    **Raises:** `ValueError` for more spares than elements.

    !!! example

        ```python
        from fdmc.yields import IndependentLosses, repair_yield

        lanes = IndependentLosses(0.01).failed_prob(64 + 4)
        assert abs(repair_yield(lanes, 4) - 0.9993821962) < 1e-10
        ```
    """
    count = _count(failed_prob)
    require_count(0, spares=spares)
    if spares > count:
        raise ValueError(
            f"spares must be at most the number of elements ({count}), but is {spares}: "
            "`failed_prob` is of all elements, spares included."
        )
    return namespace(failed_prob).sum(failed_prob[..., : spares + 1], -1)


def repair(failed_prob: Distribution, lanes: int, spares: int) -> Repair:
    """Live lanes and spares left after test, for each number of lanes lost.

    **Arguments:** `failed_prob` of all `lanes + spares`, on the last axis; `lanes` at full bandwidth.

    **Returns:** `Repair`: $\\min(L, L + s - N)$ live, $\\max(0, s - N)$ spares that the field has.

    **Raises:** `ValueError` for more spares than lanes, and a distribution of another number.
    """
    require_spares(lanes, spares)
    good = lanes + spares - _numbers(failed_prob, lanes + spares)
    return Repair(np.minimum(good, lanes), np.maximum(good - lanes, 0), failed_prob)


def binned(failed_prob: Distribution, lanes: int, spares: int, bins: Bins) -> Number:
    """Probability of each bin, and of scrap, for one group after repair.

    **Arguments:** as for `repair`; `bins`, the largest that can be reached is taken.

    **Returns:** shape `[..., bins + 1]`, scrap last.

    **Raises:** as `repair`.

    !!! example

        ```python
        from fdmc.yields import Bins, IndependentLosses, binned

        shares = binned(IndependentLosses(0.02).failed_prob(66), 64, 2, Bins((1.0, 7 / 8)))
        assert abs(shares.sum() - 1) < 1e-12
        ```
    """
    require_spares(lanes, spares)
    good = lanes + spares - _numbers(failed_prob, lanes + spares)
    xp = namespace(failed_prob)
    edges = [lanes + spares + 1, *bins.lanes(lanes), 0]
    within = [
        (good < above) & (good >= least) for above, least in zip(edges, edges[1:], strict=False)
    ]
    return xp.stack([xp.sum(failed_prob * inside, -1) for inside in within], -1)


def _count(failed_prob: Distribution) -> int:
    return np.shape(failed_prob)[-1] - 1


def _numbers(failed_prob: Distribution, expected: int) -> Int[np.ndarray, " outcomes"]:
    count = _count(failed_prob)
    if count != expected:
        raise ValueError(
            f"failed_prob must be of lanes + spares = {expected} elements, but is of {count}: "
            "ask the law of losses for their sum."
        )
    return np.arange(count + 1)
