"""The answer of `allocate`: designs, their bound, their prices."""

import dataclasses
import math
from collections.abc import Mapping


class NoDesignError(ValueError):
    """No design keeps within the limits, or none was found; the message says which."""


@dataclasses.dataclass(frozen=True)
class Design:
    """One way to build the system.

    - `counts`: by subsystem, how many of each of its parts.
    - `log_reliability`: natural logarithm of the reliability of the system.
    - `uses`: by resource, what it uses in all.
    - `reliabilities`: by subsystem, the reliability chosen for its components, where it is chosen.
    """

    counts: Mapping[str, tuple[int, ...]]
    log_reliability: float
    uses: Mapping[str, float]
    reliabilities: Mapping[str, float] = dataclasses.field(default_factory=dict)

    @property
    def reliability(self) -> float:
        """Probability that the system works."""
        return math.exp(self.log_reliability)

    @property
    def unreliability(self) -> float:
        """Probability that it does not, with all its digits."""
        return -math.expm1(self.log_reliability)


@dataclasses.dataclass(frozen=True)
class Allocation:
    """The answer of `allocate`.

    - `design`: the best design found.
    - `objective`: its reliability, or under `LeastUse` its use of that resource.
    - `bound`: no design is better than this: above `objective` for a reliability, below it for a
        use, and equal to it when proved.
    - `proved`: that the design is optimal: every other one was bounded away or looked at.
    - `relaxation`: the bound by prices alone, before the search.
    - `prices`: change of the objective for one more unit of each resource's limit, in the
        relaxation: at most 0 for a use. Under `LeastUse`, `"reliability"` prices the reliability
        asked for. An integer design only moves in steps: prices rank resources, they do not
        promise.
    - `next_best`: the designs that follow, in order; proved with `next_best_proved`.
    - `labels`: partial designs that were kept, a measure of the work.
    """

    design: Design
    objective: float
    bound: float
    proved: bool
    relaxation: float
    prices: Mapping[str, float]
    next_best: tuple[Design, ...]
    next_best_proved: bool
    labels: int

    @property
    def gap(self) -> float:
        """Distance of the objective from the bound, in its unit; 0 when proved."""
        return abs(self.bound - self.objective)
