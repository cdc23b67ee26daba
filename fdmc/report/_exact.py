"""What needs no sampling: rates, and how long the machine goes before it loses anything."""

import math

import numpy as np
from scipy import stats

from ..lifetime import cumulative_hazard, mean_hours
from ..spec import Group, Scenario


FIT = 1e9  # hours in the definition: 1 FIT is one failure in 1e9 h
HOURS_PER_YEAR = 8760.0
# Hours at which survival is integrated: 4,000 steps of 1.2 % from 1e-6 h to 1e15 h.
_GRID = np.exp(np.linspace(math.log(1e-6), math.log(1e15), 4001))


def fit(scenario: Scenario, component: str) -> float:
    """Return failures in 1e9 hours of one copy: the constant rate, or one over the mean lifetime."""
    return FIT / mean_hours(scenario.components[component].lifetime)


def log_survival(scenario: Scenario, unit: str, hours) -> np.ndarray:
    r"""Return log P(one copy of `unit` has lost nothing at `hours` of age), without any repair.

    Components are independent: a series adds $\log R$; of $n$ elements with reliability $R$ of which
    $k$ are needed, $\log P(\text{at most } n - k \text{ have failed})$. What feeds the unit from outside is not in it.
    """
    body, total = scenario.units[unit], np.zeros(np.shape(hours))
    for name, group in body.components.items():
        one = -cumulative_hazard(scenario.components[name].lifetime, hours)
        total = total + _group(group, one)
    for name, group in body.contains.items():
        total = total + _group(group, log_survival(scenario, name, hours))
    return total


def _group(group: Group, log_one: np.ndarray) -> np.ndarray:
    if group.need is None:
        return group.count * log_one
    lost = stats.binom.sf(group.spares, group.count, -np.expm1(log_one))
    with np.errstate(divide="ignore"):
        return np.log1p(-np.minimum(lost, 1.0))


def mean_hours_to_loss(scenario: Scenario, unit: str) -> float:
    """Return the mean time until one new copy of `unit` first loses something, without any repair."""
    survival = np.exp(log_survival(scenario, unit, _GRID))
    if survival[-1] > 0:
        return math.inf
    # The integral of S over log t, by the trapezoid rule; S is 1 below the first knot.
    return float(np.trapezoid(survival * _GRID, np.log(_GRID)) + _GRID[0])
