"""Ageing on another clock than the wall's: faster at constant stress, or now faster, now slower."""

import dataclasses
import functools

import numpy as np

from ..spec import Competing, Exponential, Fixed, Gamma, Law, LogNormal, Weibull


@dataclasses.dataclass(frozen=True)
class Exposure:
    r"""How ageing follows a cycle of stress: $E(t) = \int_0^t r(s)\,ds$, piecewise linear.

    `rates` $r$ are relative to the mean over the cycle, so that a whole cycle of `hours` counts as it
    lasts; the mean belongs to the law (`accelerated`). A life of law $F_0$ ends before $t$ with
    probability $F_0(E(t))$ (cumulative exposure; Nelson, *Accelerated Testing*, 1990).
    """

    hours: tuple[float, ...]
    rates: tuple[float, ...]

    @functools.cached_property
    def knots(self) -> tuple[np.ndarray, np.ndarray]:
        """Hours and exposure at the ends of the steps; the cycle ends at the same number of both."""
        hours = np.concatenate([[0.0], np.cumsum(self.hours)])
        reached = np.concatenate([[0.0], np.cumsum(np.multiply(self.hours, self.rates))])
        return hours, reached * (hours[-1] / reached[-1])

    def reached(self, hours):
        """Return the exposure after so many hours, any shape."""
        return _along(hours, *self.knots)

    def hours_at(self, exposure):
        """Return the hours after which an exposure is reached: the inverse."""
        hours, reached = self.knots
        return _along(exposure, reached, hours)

    def begun_at(self, hours: float) -> "Exposure":
        """Return the same cycle for a clock whose zero is `hours` after its beginning."""
        ends = np.cumsum(self.hours)
        phase = hours % ends[-1]
        first = int(np.searchsorted(ends, phase, side="right"))
        if first == len(ends) or phase == 0.0:
            return self
        spent = phase - (ends[first] - self.hours[first])
        order = [*range(first, len(ends)), *range(first)]
        lengths = [self.hours[i] for i in order]
        lengths[0] -= spent
        rates = [self.rates[i] for i in order]
        if spent > 0.0:
            lengths, rates = [*lengths, spent], [*rates, rates[0]]
        return Exposure(tuple(map(float, lengths)), tuple(rates))


def _along(x, knots, values):
    """Interpolate a function that grows by one cycle a cycle."""
    turns, rest = np.divmod(np.asarray(x, float), knots[-1])
    return turns * knots[-1] + np.interp(rest, knots, values)


@dataclasses.dataclass(frozen=True)
class Exposed:
    """The least of independent lifetimes that age on clocks of their own (None: the wall's)."""

    laws: tuple[Law, ...]
    exposures: tuple[Exposure | None, ...]


def accelerated(law: Law, factor: float) -> Law:
    """Return the law of a life that passes `factor` times faster: `F(factor t)`, of the same kind.

    !!! example

        ```python
        from fdmc.lifetime import accelerated
        from fdmc.spec import Weibull

        assert accelerated(Weibull(2.0, 900.0), 3.0) == Weibull(2.0, 300.0)
        ```
    """
    if factor == 1.0:
        return law
    match law:
        case Exponential(mean_hours=mean):
            return Exponential(mean / factor)
        case Weibull(shape=beta, scale_hours=eta):
            return Weibull(beta, eta / factor)
        case LogNormal(median_hours=median, sigma=sigma):
            return LogNormal(median / factor, sigma)
        case Gamma(shape=k, scale_hours=theta):
            return Gamma(k, theta / factor)
        case Competing(laws=laws):
            return Competing(tuple(accelerated(one, factor) for one in laws))  # pyright: ignore[reportArgumentType]
        case Fixed(hours=hours):
            return Fixed(hours / factor)
    raise TypeError(f"unknown law {law}.")
