"""How many of n equal elements are lost at test: lanes, rings, lasers, wavelengths, bumps."""

import abc

import equinox as eqx
import numpy as np

from ._check import (
    Distribution,
    Number,
    namespace,
    require_count,
    require_nonnegative,
    require_positive,
    require_prob,
)
from ._mixture import binomial_prob, gamma_nodes, log_choose


class AbstractLosses(eqx.Module):
    """How elements of one kind are lost, together or apart."""

    @abc.abstractmethod
    def failed_prob(self, count: int) -> Distribution:
        """Distribution of the number lost.

        **Arguments:** `count` of elements, spares included.

        **Returns:** probabilities of 0 to `count` lost, shape `[..., count + 1]`.
        """


class IndependentLosses(AbstractLosses):
    """Each is lost on its own: a binomial count. `fail_prob` is that of one element."""

    fail_prob: Number

    def __check_init__(self):
        require_prob(fail_prob=self.fail_prob)

    def failed_prob(self, count: int) -> Distribution:
        require_count(0, count=count)
        return binomial_prob(count, self.fail_prob)


class CommonCauseLosses(AbstractLosses):
    """A part of the losses takes all elements at once: the beta-factor model.

    Fleming, "A reliability model for common mode failures in redundant safety systems", 1975.

    **Arguments:** `fail_prob` of an element by either cause, $p$; `beta`, the share of it that is
    common, $\\beta$ (0.05 to 0.2 is an estimate, grade C). All are lost together with probability
    $\\beta p$; else each with $(1-\\beta) p / (1 - \\beta p)$, so that $p$ is exact.
    """

    fail_prob: Number
    beta: Number

    def __check_init__(self):
        require_prob(fail_prob=self.fail_prob, beta=self.beta)

    def failed_prob(self, count: int) -> Distribution:
        require_count(0, count=count)
        xp = namespace(self.fail_prob, self.beta)
        common = xp.asarray(self.beta * self.fail_prob, float)[..., None]
        possible = xp.where(common < 1, 1 - common, 1.0)
        own = xp.where(common < 1, (self.fail_prob - common[..., 0])[..., None] / possible, 0.0)
        apart = (1 - common) * binomial_prob(count, own[..., 0])
        return apart + common * (np.arange(count + 1) == count)


class BetaBinomialLosses(AbstractLosses):
    """Elements of one group share a probability that varies from group to group as a beta law.

    **Arguments:** `fail_prob` of an element, its mean $p$; `correlation` of two elements of a
    group, $\\rho$, at least 0 and below 1 (Skellam 1948).
    """

    fail_prob: Number
    correlation: Number

    def __check_init__(self):
        require_prob(fail_prob=self.fail_prob)
        require_nonnegative(correlation=self.correlation)
        if not np.all(np.asarray(_host(self.correlation)) < 1):
            raise ValueError(
                f"correlation must be below 1, but is {np.max(_host(self.correlation)):g}: "
                "all that are lost together are `CommonCauseLosses` of beta 1."
            )

    def failed_prob(self, count: int) -> Distribution:
        require_count(0, count=count)
        xp = namespace(self.fail_prob, self.correlation)
        p = xp.asarray(self.fail_prob, float)[..., None]
        ratio = xp.asarray(self.correlation / (1 - self.correlation), float)[..., None]
        i = np.arange(count)
        # Rising factorials as sums of logarithms: no difference of large log-gammas for small rho.
        rising = lambda start: _cumulated(xp, start + ratio * i)
        lost, good, whole = rising(p), rising(1 - p), rising(1 + 0 * p)
        return xp.exp(log_choose(count) + lost + good[..., ::-1] - whole[..., -1:])


class ClusteredLosses(AbstractLosses):
    """Defects gather on groups: each element's mean number of them varies as a gamma law.

    **Arguments:** `mean_defects` of an element, $m$; `alpha`. An element without a defect is good:
    alone with $(1 + m/\\alpha)^{-\\alpha}$, and $j$ together with $(1 + j m/\\alpha)^{-\\alpha}$.
    """

    mean_defects: Number
    alpha: float

    def __check_init__(self):
        require_nonnegative(mean_defects=self.mean_defects)
        require_positive(True, alpha=self.alpha)

    def failed_prob(self, count: int) -> Distribution:
        require_count(0, count=count)
        values, weights = gamma_nodes(self.alpha)
        xp = namespace(self.mean_defects)
        mean = xp.asarray(self.mean_defects, float)[..., None] * values
        each = binomial_prob(count, -xp.expm1(-mean), -mean)
        return xp.sum(weights[:, None] * each, -2)


def _cumulated(xp, factors):
    """Logarithm of the product of the first 0, 1, ... factors, of which some may be 0."""
    some = xp.where(factors > 0, factors, 1.0)
    logs = xp.cumsum(xp.where(factors > 0, xp.log(some), -xp.inf), -1)
    return xp.concatenate([xp.zeros((*logs.shape[:-1], 1)), logs], -1)


def _host(value: Number) -> np.ndarray:
    return np.asarray(value if isinstance(value, np.ndarray | float | int | np.number) else 0.0)
