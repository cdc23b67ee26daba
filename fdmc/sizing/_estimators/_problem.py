"""What is differentiated: groups of redundant elements, what they share, and how their losses add up."""

import dataclasses
import enum
import math
from collections.abc import Sequence

import numpy as np

from .._environment import Environment
from .._problem import Amount, repeated, require_none
from ._measure import Exceedance, Mean, Measure, TailMean


BOLTZMANN_EV = 8.617333262e-5  # eV/K, CODATA 2018


class Kind(enum.Enum):
    """What a variable of a group is."""

    COUNT = "count"
    NEED = "need"
    RATE = "rate"
    TIME = "time"
    TEMPERATURE = "temperature"
    CAPACITY = "capacity"
    SHOCK = "shock"


HAZARDS = (Kind.RATE, Kind.TIME, Kind.TEMPERATURE)
"""Kinds that move the probability of failure of the elements of one group, and nothing else."""


class Law(enum.Enum):
    """How the probability that an element is down follows from rate x time = h, its exposure.

    `MISSION`: not repaired, $1 - e^{-h}$ when the time is over. `REPAIRED`: in the long run, with a mean repair time
    as `time`, $h / (1 + h)$.
    """

    MISSION = "mission"
    REPAIRED = "repaired"


class Moment(enum.Enum):
    """When the state is looked at: at the `END` of the mission, or at `ANY` moment of it, all alike."""

    END = "end"
    ANY = "any"


class Loss(enum.Enum):
    """What is left of a group with m of n elements failed, of which k are needed.

    `PROPORTIONAL`: `clip((n - m) / k, 0, 1)`. `THRESHOLD`: all of it while `m <= n - k`, then nothing.
    """

    PROPORTIONAL = "proportional"
    THRESHOLD = "threshold"


class Combine(enum.Enum):
    """What the machine delivers of what its groups do: the sum, the least, or the product."""

    SUM = "sum"
    MIN = "min"
    PRODUCT = "product"


@dataclasses.dataclass(frozen=True)
class CapacityGroup:
    """Equal elements of which some are spare.

    - `name`: of the group; its variables are `name.count` and so on.
    - `count`, `need`: elements that there are, and that full capacity needs. They may be real numbers where only
        closed forms are asked for (`ExactAutodiff` on sums and products).
    - `rate_per_hour`: of failure of one element, at the reference temperature.
    - `time_hours`: the mission, or the mean repair time, by the problem's `law`.
    - `capacity`: what the whole group is worth, in the problem's unit.
    - `loading`: of the logarithm of the rate on the shared factors, one number for each (or one for the only factor).
    - `hit`: the probability that the common shock fails an element, from 0 to below 1.
    - `kelvin`, `reference_kelvin`, `activation_energy_ev`: the temperature; the rate is multiplied by the Arrhenius
        factor. Without `kelvin` there is no temperature to move.
    """

    name: str
    count: Amount
    need: Amount
    rate_per_hour: Amount
    time_hours: Amount
    capacity: Amount = 1.0
    loading: Amount | Sequence[Amount] = 0.0
    hit: Amount = 0.0
    kelvin: Amount | None = None
    reference_kelvin: Amount = 328.15
    activation_energy_ev: Amount = 0.7

    def problems(self) -> list[str]:
        """What is wrong with it, in words."""
        positive = ("need", "rate_per_hour", "time_hours", "capacity", "reference_kelvin")
        found = [
            f"{field} must be positive and finite, but is {getattr(self, field)}"
            for field in positive
            if not 0 < getattr(self, field) < math.inf
        ]
        if not self.need <= self.count < math.inf:
            found.append(f"count must be at least need ({self.need}), but is {self.count}")
        if not 0 <= self.hit < 1:
            found.append(f"hit must be 0 or more and below 1, but is {self.hit}")
        if not np.all(np.isfinite(np.asarray(self.loading, float))):
            found.append(f"loading must be finite, but is {self.loading}")
        if self.kelvin is not None and not 0 < self.kelvin < math.inf:
            found.append(f"kelvin must be positive and finite, but is {self.kelvin}")
        return [f"group {self.name!r}: {problem}" for problem in found]


@dataclasses.dataclass(frozen=True)
class CapacityProblem:
    """Expected lost capacity of groups that share an environment and a common shock.

    Given the factors $z$, the moment $u$ and the shock $s$ the elements fail independently, in group $i$ with
    probability $p_i$ from the exposure $h_i = \\lambda_i t_i A(T_i) u e^{\\ell_i \\cdot z}$ by the `law`, or by the
    shock. With $x_i$ left of group $i$ and the operation $\\circ$ of `combine`, lost is
    $\\circ_i c_i - \\circ_i c_i x_i$.

    **Arguments:**

    - `groups`: of elements.
    - `combine`, `loss`, `law`, `moment`: see those.
    - `measure`: of the lost capacity: its `Mean`, `TailMean` (CVaR) or the probability of an `Exceedance`.
    - `environment`: the shared factors on which groups load, as nodes; None: nothing is shared. A gamma frailty has
        the logarithms of its nodes here, with loading 1.
    - `shock`: expected number of common shocks in the mission (mean of a Poisson number; under `REPAIRED` its rate x
        duration); None: there is none.
    - `unit`: of the capacities.

    **Raises:** `SizingError`, a `ValueError` that lists everything that is wrong.

    !!! example

        ```python
        from fdmc.sizing import CapacityGroup, CapacityProblem, ExactAutodiff, capacity_gradient

        lasers = CapacityGroup("laser", count=9, need=8, rate_per_hour=2e-6, time_hours=43800)
        slope = capacity_gradient(CapacityProblem([lasers]), ExactAutodiff())
        assert slope.by["laser.rate"].best > 0 > slope.by["laser.count"].best
        ```
    """

    groups: Sequence[CapacityGroup]
    combine: Combine = Combine.SUM
    loss: Loss = Loss.PROPORTIONAL
    law: Law = Law.MISSION
    moment: Moment = Moment.END
    measure: Measure = Mean()
    environment: Environment | None = None
    shock: Amount | None = None
    unit: str = "1"

    def __post_init__(self):
        require_none("capacity problem", self._problems())

    def _problems(self) -> list[str]:
        found = [] if self.groups else ["there are no groups"]
        found += repeated("group", [one.name for one in self.groups])
        factors = 0 if self.environment is None else self.environment.nodes.shape[1]
        for one in self.groups:
            found += one.problems()
            loading = np.asarray(one.loading, float)
            size = loading.size
            if loading.any() and size != factors:
                found.append(
                    f"group {one.name!r}: loading has {size} factors, but the environment has {factors}"
                )
        if self.shock is None and any(one.hit for one in self.groups):
            found.append("hit has no effect without a shock: give the problem's `shock`")
        if self.shock is not None and not 0 < self.shock < math.inf:
            found.append(f"shock must be positive and finite, but is {self.shock}")
        if self.law is Law.REPAIRED and self.moment is Moment.ANY:
            found.append("moment: ANY is of a mission; the long run is the same at every moment")
        if isinstance(self.measure, TailMean) and not 0 < self.measure.share <= 1:
            found.append(
                f"measure: share must be above 0 and at most 1, but is {self.measure.share}"
            )
        if isinstance(self.measure, Exceedance) and not self.measure.lost >= 0:
            found.append(f"measure: lost must be zero or more, but is {self.measure.lost}")
        return found

    @property
    def variables(self) -> dict[str, tuple[Kind, int, float]]:
        """Kind, number of the group (-1 for the shock) and value of each variable, by name."""
        found: dict[str, tuple[Kind, int, float]] = {}
        for i, one in enumerate(self.groups):
            values = {
                Kind.COUNT: one.count, Kind.NEED: one.need, Kind.RATE: one.rate_per_hour, Kind.TIME: one.time_hours,
                Kind.CAPACITY: one.capacity, Kind.TEMPERATURE: one.kelvin,
            }  # fmt: skip
            for kind, value in values.items():
                if value is not None:
                    found[f"{one.name}.{kind.value}"] = (kind, i, float(value))
        if self.shock is not None:
            found["shock"] = (Kind.SHOCK, -1, float(self.shock))
        return found

    @property
    def whole(self) -> bool:
        """Whether all counts and needs are whole numbers."""
        return all(float(v).is_integer() for one in self.groups for v in (one.count, one.need))


PER = {
    Kind.COUNT: "1", Kind.NEED: "1", Kind.RATE: "h", Kind.TIME: "1/h", Kind.TEMPERATURE: "1/K",
    Kind.CAPACITY: "1", Kind.SHOCK: "1",
}  # fmt: skip
"""Unit of the derivative of a share, by kind of variable."""
