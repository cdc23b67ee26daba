"""Lifetime and repair-time laws, as data. Every time is in hours; nothing here computes."""

import dataclasses
from typing import ClassVar


@dataclasses.dataclass(frozen=True)
class Exponential:
    """Constant hazard `1 / mean_hours`."""

    kind: ClassVar[str] = "exponential"
    mean_hours: float


@dataclasses.dataclass(frozen=True)
class Weibull:
    """Cumulative hazard `(t / scale_hours) ** shape`."""

    kind: ClassVar[str] = "weibull"
    shape: float
    scale_hours: float


@dataclasses.dataclass(frozen=True)
class LogNormal:
    """`log t` is normal with mean `log median_hours` and standard deviation `sigma`."""

    kind: ClassVar[str] = "lognormal"
    median_hours: float
    sigma: float


@dataclasses.dataclass(frozen=True)
class Gamma:
    """Density proportional to `t ** (shape - 1) * exp(-t / scale_hours)`."""

    kind: ClassVar[str] = "gamma"
    shape: float
    scale_hours: float


@dataclasses.dataclass(frozen=True)
class Fixed:
    """Always the same time (repairs only)."""

    kind: ClassVar[str] = "fixed"
    hours: float


@dataclasses.dataclass(frozen=True)
class Competing:
    """The least of independent lifetimes (a bathtub: infant, random, wear-out); hazards add."""

    kind: ClassVar[str] = "competing"
    laws: tuple[Exponential | Weibull | LogNormal | Gamma, ...]


Law = Exponential | Weibull | LogNormal | Gamma | Fixed | Competing
"""Any of the laws."""
