"""What needs no sampling: rates, and how long the machine goes before it loses anything."""

import dataclasses
import math

import numpy as np

from ..lifetime import mean_hours
from ..plan import ageing, level_hazards
from ..spec import Scenario


FIT = 1e9  # hours in the definition: 1 FIT is one failure in 1e9 h
HOURS_PER_YEAR = 8760.0
# Hours at which survival is integrated: steps of 2.4 % from 1e-6 h to 1e15 h.
_GRID = np.exp(np.linspace(math.log(1e-6), math.log(1e15), 2001))


@dataclasses.dataclass(frozen=True)
class FirstLoss:
    """When a level, anywhere in a new machine that is never repaired, first loses something."""

    before_mission_ends_prob: float
    mean_hours: float | None


def fit(scenario: Scenario, unit: str, component: str) -> float:
    """Return failures in 1e9 hours of one copy: the rate, or one over the mean lifetime.

    At its own temperature; under an environment, at the mean acceleration.
    """
    return math.fsum(FIT / mean_hours(life.law) for life in ageing(scenario, unit, component))


def first_losses(scenario: Scenario) -> dict[str, FirstLoss]:
    r"""Return by level the closed form of the first loss and its mean time.

    Sources of loss are independent, so their cumulative hazards add to $H(t)$, and the mean is
    $\int e^{-H(t)}\,dt$, by the trapezoid rule over $\log t$; `None` when it may never come.
    """
    hours = np.append(scenario.mission_hours, _GRID)
    found = {}
    for level, hazard in level_hazards(scenario, hours).items():
        survival = np.exp(-hazard[1:])
        mean = float(np.trapezoid(survival * _GRID, np.log(_GRID)) + _GRID[0])
        never = survival[-1] > 0
        found[level] = FirstLoss(float(-np.expm1(-hazard[0])), None if never else mean)
    return found
