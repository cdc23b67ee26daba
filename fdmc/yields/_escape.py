"""What a test lets through: known good dies are only as good as the test's coverage."""

import abc

import equinox as eqx

from ._check import Number, require_prob


class AbstractTest(eqx.Module):
    """A test that bad units may pass and good ones always do."""

    @abc.abstractmethod
    def pass_prob(self, good_prob: Number) -> Number:
        """Probability that a unit passes.

        **Arguments:** `good_prob`, the probability $Y$ that it is good, any shape.

        **Raises:** `ValueError` for host values outside 0..1.
        """

    @abc.abstractmethod
    def defect_level(self, good_prob: Number) -> Number:
        """Share of bad units among those that pass, the escapes; arguments as `pass_prob`."""


class WilliamsBrown(AbstractTest):
    """Defects are many and each fault is found with the probability of the others.

    $DL = 1 - Y^{1-T}$ (Williams and Brown, "Defect level as a function of fault coverage", IEEE
    Trans. Computers 30, 1981).

    **Arguments:** `coverage`, $T$, the share of faults that the test finds.
    """

    coverage: Number

    def __check_init__(self):
        require_prob(coverage=self.coverage)

    def pass_prob(self, good_prob: Number) -> Number:
        require_prob(good_prob=good_prob)
        return good_prob**self.coverage

    def defect_level(self, good_prob: Number) -> Number:
        require_prob(good_prob=good_prob)
        return 1 - good_prob ** (1 - self.coverage)


class LinearCoverage(AbstractTest):
    """Each bad unit is found with one probability, however many faults it has.

    $DL = (1-Y)(1-T) / (1 - (1-Y) T)$, the form of CATCH (Graening and Gupta, 2025).

    **Arguments:** `coverage`, $T$, the share of bad units that the test finds.
    """

    coverage: Number

    def __check_init__(self):
        require_prob(coverage=self.coverage)

    def pass_prob(self, good_prob: Number) -> Number:
        require_prob(good_prob=good_prob)
        return 1 - (1 - good_prob) * self.coverage

    def defect_level(self, good_prob: Number) -> Number:
        return (1 - good_prob) * (1 - self.coverage) / self.pass_prob(good_prob)


FULL_TEST = LinearCoverage(1.0)
"""Finds every bad unit."""

UNTESTED = LinearCoverage(0.0)
"""Finds none: the unit goes on as it is, as a die does in wafer-to-wafer bonding."""
