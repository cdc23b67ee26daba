"""When to stop: rules are values, and the first that is met ends the run."""

import abc
import dataclasses

from ..tally import Estimate


@dataclasses.dataclass(frozen=True)
class Progress:
    """Where a run stands: replicas done, seconds since it began (compilation apart), lost goodput."""

    replicas: int
    seconds: float
    lost: Estimate


class AbstractStop(abc.ABC):
    """A rule that ends a run."""

    @abc.abstractmethod
    def fraction(self, progress: Progress) -> float:
        """Return how much of the way is done: 1 or more means stop."""


@dataclasses.dataclass(frozen=True)
class Replicas(AbstractStop):
    """Stop after exactly `count` replicas."""

    count: int

    def __post_init__(self):
        if self.count < 1:
            raise ValueError(f"replicas must be at least 1, but is {self.count}.")

    def fraction(self, progress: Progress) -> float:
        return progress.replicas / self.count


@dataclasses.dataclass(frozen=True)
class RelativeError(AbstractStop):
    """Stop when the 95 % interval of lost goodput is no wider than `width` times its mean."""

    width: float
    least: int = 256

    def __post_init__(self):
        if not 0 < self.width < 10:
            raise ValueError(f"rtol must be in (0, 10), but is {self.width}.")

    def fraction(self, progress: Progress) -> float:
        if progress.replicas < self.least or not progress.lost.best > 0:
            return 0.0
        wanted = self.width * progress.lost.best
        # The width falls with the square root of the replicas.
        return (wanted / max(progress.lost.width, 1e-300)) ** 2


@dataclasses.dataclass(frozen=True)
class WallTime(AbstractStop):
    """Stop after so many seconds of simulation; the chunks in flight are finished."""

    seconds: float

    def __post_init__(self):
        if not self.seconds > 0:
            raise ValueError(f"wall time must be positive, but is {self.seconds} s.")

    def fraction(self, progress: Progress) -> float:
        return progress.seconds / self.seconds
