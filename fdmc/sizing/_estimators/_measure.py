"""What of the distribution of lost capacity counts."""

import dataclasses

from .._problem import Amount


@dataclasses.dataclass(frozen=True)
class Mean:
    """Expected lost capacity."""


@dataclasses.dataclass(frozen=True)
class TailMean:
    """Mean of the lost capacity over the worst `share` of the states (CVaR, expected shortfall).

    It is $\\min_\\eta \\eta + E(L - \\eta)^+ / \\mathrm{share}$ (Rockafellar and Uryasev, *Optimization of conditional
    value-at-risk*, J. Risk 2, 2000), so that its derivative is that of the expectation at the best $\\eta$.
    """

    share: Amount


@dataclasses.dataclass(frozen=True)
class Exceedance:
    """Probability that more than `lost` is lost.

    A quantile target says the same: "95 % of the states lose at most l" is "l is exceeded with at most 5 %". The
    quantile itself moves in steps where losses do, and has no derivative.
    """

    lost: Amount


Measure = Mean | TailMean | Exceedance
