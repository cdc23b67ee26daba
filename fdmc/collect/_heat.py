"""What heat does to a machine: bandwidth that holds, locks that are lost, and the power that it takes."""

import math
from typing import Protocol, runtime_checkable

import numpy as np

from ..plan import Heat, Plan
from ..spec import RingLink, Scenario
from ..tally import Estimate, Tally
from ._columns import WINDOW_EDGES, WINDOWS, Columns


HOURS_PER_YEAR = 8760.0
_QUANTILE = 0.01


@runtime_checkable
class Sums(Protocol):
    """Estimates out of a tally."""

    tally: Tally
    columns: Columns

    def mean(self, name: str, scale: float, unit: str, most: float = math.inf) -> Estimate:
        """Estimate the mean of a column times `scale`."""
        ...


def heat_metrics(scenario: Scenario, plan: Plan, sums: Sums) -> dict[str, Estimate]:
    """Return the metrics of the thermal section; none without one."""
    if scenario.thermal is None:
        return {}
    n = sums.tally.replicas
    exactly = lambda x, unit: Estimate(x, x, x, unit, n, "exact")
    found = {"steady_dark_lanes": exactly(_steady(scenario, plan), "1")}
    if plan.lit:
        year = HOURS_PER_YEAR / scenario.mission_hours
        dark = sums.mean("dark", 1 / scenario.mission_hours, "1")
        found["thermally_stable_throughput"] = dark.complement()
        most = 1 - float(np.min(plan.excursions.lost[:, 0]))
        found["thermally_stable_throughput.p1"] = _quantile(sums, most)
        found["lock_losses_per_year"] = sums.mean("lock_losses", year, "1/y")
    else:
        found["thermally_stable_throughput"] = exactly(1.0, "1")
    return found | {f"power.{k}": exactly(v, "W") for k, v in heat_watts(scenario).items()}


def _steady(scenario: Scenario, plan: Plan) -> float:
    """Share of the lanes that is dark between excursions, averaged over the steps of the environment."""
    t = scenario.thermal
    assert t is not None
    lost = np.asarray(plan.excursions.lost, float)[:, 0]
    if len(lost) == 1:
        return float(lost[0])
    assert scenario.environment is not None
    return float(np.average(lost, weights=[step.hours for step in scenario.environment.steps]))


def _quantile(sums: Sums, most: float) -> Estimate:
    """Estimate the 1 % quantile of the bandwidth in windows of an hour, none of which can have more than `most`.

    The share of windows below each edge has an interval over replicas (its windows may be alike); the
    quantile lies between the edges at which the ends of that interval pass 1 %. No window seen below: then it is
    `most`, and its lower bound the edge that the rule of three leaves.
    """
    n = sums.tally.replicas
    below = [sums.mean(f"window.{b}", 1 / WINDOWS, "1", most=1.0) for b in range(len(WINDOW_EDGES))]

    edges = np.append(WINDOW_EDGES, 1.0)

    def reached(shares: list[float]) -> int:
        return int(np.argmax(np.append(np.array(shares) >= _QUANTILE, True)))

    best, high, low = (reached([getattr(e, k) for e in below]) for k in ("best", "low", "high"))
    # A window that counts at an edge lies between it and the one before.
    ends = (edges[max(low - 1, 0)], edges[best], edges[high])
    lowest, middle, highest = (min(float(x), most) for x in ends)
    return Estimate(lowest, middle, highest, "1", n)


def heat_watts(scenario: Scenario) -> dict[str, float]:
    """Return the power of the whole machine that heat asks for, in watts: heat itself, cooling, tuning of rings.

    All at the mean over the load, between excursions. Cooling takes `thermal.cooling` for each watt of heat.
    """
    t = scenario.thermal
    assert t is not None
    heat = Heat(scenario, {})
    packages = scenario.tree.nodes[t.unit].total
    watts = packages * heat.mean_watts
    found = {"heat": watts, "cooling": t.cooling * watts}
    if isinstance(t.link, RingLink):
        rings = scenario.tree.nodes[t.link.unit].total
        found["tuning"] = rings * t.link.heater_watts_per_kelvin * heat.heater_kelvin(t.link)
    return found
