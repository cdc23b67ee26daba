"""What a run costs and draws: spares that repairs use up, cost and energy of useful work."""

import dataclasses
import math
from collections.abc import Callable
from typing import Protocol, runtime_checkable

import numpy as np
from scipy import stats

from ..plan import Plan
from ..spec import Scenario
from ..tally import CONFIDENCE, Estimate, Tally, mean_estimate
from ..workload import joules_per_bit, joules_per_token
from ._columns import SPENT, Columns, Spending
from ._costs import HOURS_PER_YEAR, Costs, costs_of


_FEW = 100
"""Swaps below which their own (Poisson) spread bounds what they cost."""
_QUANTA = 2.0**24
"""Quanta that one swap of the dearest FRU costs: sums stay below 2^44 up to a million of them a replica."""
_PICO = 1e12
Numbers = dict[str, float]
"""Core columns of one replica by name: hours or counts."""


@runtime_checkable
class Sums(Protocol):
    """Estimates out of a tally."""

    tally: Tally
    columns: Columns

    def mean(self, name: str, scale: float, unit: str, most: float = math.inf) -> Estimate:
        """Estimate the mean of a column times `scale`."""
        ...

    def ratio(self, f: Callable[[Numbers], float], unit: str) -> Estimate:
        """Estimate a function of the core columns."""
        ...


def spending_of(scenario: Scenario) -> Spending | None:
    """Return what used spares cost; None when the scenario has no economics."""
    if scenario.economics is None:
        return None
    price = costs_of(scenario).swap_price
    return Spending(price, max((*price.values(), 0.0)) / _QUANTA or 1.0)


def economics_metrics(
    scenario: Scenario, plan: Plan, sums: Sums, goodput_of: Callable[[Scenario, Numbers], float]
) -> dict[str, Estimate]:
    """Return the metrics of the economics section; none without one."""
    if scenario.economics is None:
        return {}
    costs, n = costs_of(scenario), sums.tally.replicas
    exactly = lambda x, unit: Estimate(x, x, x, unit, n, "exact")
    money, yearly = costs.currency, f"{costs.currency}/y"
    e = scenario.economics
    out = {
        "cost.capital": exactly(costs.capital, money),
        "cost.shelf": exactly(costs.shelf, money),
        "cost.spares_per_year": _spares(scenario, sums, yearly),
    }
    if e.technician_per_year is not None and scenario.service.technicians is not None:
        out["cost.repair_per_year"] = exactly(costs.technicians_per_year, yearly)
    if e.energy_per_kwh is not None:
        out["cost.energy_per_year"] = exactly(costs.energy_per_year, yearly)
    out["cost.total"] = _total(costs, out["cost.spares_per_year"])
    work = _Work(scenario, plan, costs, sums.columns, goodput_of)
    out["cost.per_useful_accelerator_hour"] = sums.ratio(
        lambda x: work.cost(x) / work.accelerator_hours(x), f"{money}/accelerator h"
    )
    tokens = tokens_per_second(scenario, plan)
    if tokens is not None:
        seconds = scenario.mission_hours * 3600
        out["cost.per_million_useful_tokens"] = sums.ratio(
            lambda x: work.cost(x) / (work.goodput(x) * tokens * seconds / 1e6), f"{money}/Mtoken"
        )
    if e.power:
        out |= _power(scenario, plan, costs, sums, work, tokens, exactly)
    if e.rack is not None and e.rack in scenario.tree.ancestors(scenario.fabric.accelerator):
        racks = scenario.tree.nodes[e.rack].total
        out["serviceable_performance_per_rack"] = sums.ratio(
            lambda x: plan.workers * work.goodput(x) / racks, "accelerators/rack"
        )
    return out


def _power(
    scenario: Scenario, plan: Plan, costs: Costs, sums: Sums, work: "_Work", tokens, exactly
) -> dict[str, Estimate]:
    out = {
        "power.total": exactly(costs.watts, "W"),
        "power.redundancy": exactly(costs.redundancy_watts, "W"),
    }
    if costs.optics_watts is not None:
        optics = costs.optics_watts
        out["power.optics"] = exactly(optics, "W")
        peak, moved = peak_bits_per_second(scenario), traffic_bits_per_second(scenario, plan)
        if peak > 0:
            out["joules_per_bit.peak"] = exactly(
                _PICO * float(joules_per_bit(optics, peak)), "pJ/bit"
            )
        if moved > 0:
            out["joules_per_bit.traffic"] = sums.ratio(
                lambda x: _PICO * float(joules_per_bit(optics, moved * work.goodput(x))), "pJ/bit"
            )
    if tokens is not None:
        out["joules_per_token"] = sums.ratio(
            lambda x: float(joules_per_token(costs.watts, work.goodput(x), tokens)), "J/token"
        )
    return out


@dataclasses.dataclass(frozen=True)
class _Work:
    """Cost and useful work of one replica, or of the mean one."""

    scenario: Scenario
    plan: Plan
    costs: Costs
    columns: Columns
    goodput_of: Callable[[Scenario, Numbers], float]

    def goodput(self, x: Numbers) -> float:
        """Goodput; the least positive number where there is none, so that ratios are huge."""
        return max(self.goodput_of(self.scenario, x), 1e-300)

    def accelerator_hours(self, x: Numbers) -> float:
        """Hours of ideal work of one accelerator that those of the job have done over the mission."""
        return self.plan.workers * self.scenario.mission_hours * self.goodput(x)

    def cost(self, x: Numbers) -> float:
        """Cost of the mission, used spares included."""
        assert self.columns.spending is not None
        return self.costs.total + x[SPENT] * self.columns.spending.quantum


def _spares(scenario: Scenario, sums: Sums, unit: str) -> Estimate:
    """Cost of used spares a year; while few are swapped, at least as wide as the Poisson interval of their number."""
    columns, tally = sums.columns, sums.tally
    assert columns.spending is not None
    i, year = columns.index(SPENT), HOURS_PER_YEAR / scenario.mission_hours
    dearest = max((*columns.spending.price.values(), 0.0)) * year
    found = mean_estimate(
        tally.sums[i], tally.squares[i], tally.replicas, scale=columns.spending.quantum * year,
        most=math.inf if tally.sums[i] else dearest, unit=unit,
    )  # fmt: skip
    priced = [f"swaps.{name}" for name in columns.frus if columns.spending.price.get(name)]
    swaps = sum(tally.sums[columns.index(name)] for name in priced)
    if found.status != "ok" or swaps >= _FEW:
        return found
    tail = (1 - CONFIDENCE) / 2
    low = float(stats.chi2.ppf(tail, 2 * swaps)) / 2 / swaps * found.best
    high = float(stats.chi2.isf(tail, 2 * swaps + 2)) / 2 / swaps * found.best
    return dataclasses.replace(found, low=min(found.low, low), high=max(found.high, high))


def _total(costs: Costs, spares: Estimate) -> Estimate:
    """Everything over the mission: only the spares vary."""
    at = lambda x: costs.total + costs.years * x
    return dataclasses.replace(
        spares, low=at(spares.low), best=at(spares.best), high=at(spares.high), unit=costs.currency,
        status="ok" if spares.status == "no_hits" else spares.status,
    )  # fmt: skip


def healthy_step_seconds(plan: Plan) -> float:
    """Seconds of one step of the healthy machine: computation, and collectives that it does not hide.

    Collectives of one class of traffic follow one another, classes run side by side.
    """
    work = plan.work
    late = np.maximum(np.asarray(work.healthy_seconds) - np.asarray(work.overlap_seconds), 0.0)
    row = np.zeros(len(late), int) if plan.sharing is None else np.array(plan.sharing.traffic)
    waits = np.bincount(row.astype(int), weights=late)
    return float(np.asarray(work.compute_seconds)) + float(max(waits, default=0.0))


def tokens_per_second(scenario: Scenario, plan: Plan) -> float | None:
    """Tokens a second of the ideal machine; None when the scenario gives none."""
    e = scenario.economics
    assert e is not None
    if e.tokens_per_step is not None:
        return e.tokens_per_step / healthy_step_seconds(plan)
    return e.tokens_per_second


def peak_bits_per_second(scenario: Scenario) -> float:
    """Bits that leave all accelerators a second with every needed lane at its full rate, one direction."""
    fabric = scenario.fabric
    accelerators = scenario.tree.nodes[fabric.accelerator].total
    return accelerators * fabric.planes * fabric.lanes_per_link * fabric.lane_rate_gbps * 1e9


def traffic_bits_per_second(scenario: Scenario, plan: Plan) -> float:
    """Bits that the collectives of the ideal machine send a second, all accelerators together.

    Of `S` bytes each of `n` accelerators sends `2 (n - 1) / n S` in an all-reduce (`S` where switches may add up, which
    is the fastest where links are whole) and `(n - 1) / n S` in the others, whatever the algorithm. Those outside whole
    slices send nothing. Of a job in several groups `n` is the size of one, and what leaves the domain is not counted.
    """
    fabric, work = scenario.fabric, scenario.workload
    whole = work.slice
    if fabric.policy.unit is not None:
        whole *= scenario.tree.per(fabric.policy.unit, fabric.accelerator)
    used = plan.workers // whole * whole
    size = lambda c: used if work.parallel is None else work.parallel.size(c.group, used)
    sent = sum(sent_share(c.op, c.algorithms, size(c)) * c.size_bytes for c in work.collectives)
    return used * 8 * sent / healthy_step_seconds(plan)


def sent_share(op: str, algorithms: tuple[str, ...], used: int) -> float:
    """Bytes that one of `used` accelerators sends for each byte of `size`, on average."""
    if used < 2:
        return 0.0
    if op == "all_reduce":
        return 1.0 if "in_switch" in algorithms else 2 * (used - 1) / used
    return (used - 1) / used
