"""Metrics of jobs on part of a machine, of reconfigurations, and of fleets of domains that stop together."""

import math
from collections.abc import Callable, Mapping
from typing import Protocol, runtime_checkable

from ..plan import Plan
from ..spec import Scenario
from ..tally import Estimate
from ._fleet import SHARES, fleet_of
from ._goodput import ettr_of, goodput_of, mttf_hours


HOURS_PER_YEAR = 8760.0


@runtime_checkable
class Sums(Protocol):
    """What reads estimates out of a tally."""

    mission: float

    def mean(self, name: str, scale: float, unit: str, most: float = math.inf) -> Estimate:
        """Estimate the mean of a column."""
        ...

    def ratio(self, f: Callable[[dict[str, float]], float], unit: str) -> Estimate:
        """Estimate a function of the core columns."""
        ...


def job_metrics(plan: Plan, found: Mapping[str, Estimate], sums: Sums) -> dict[str, Estimate]:
    """Return what a job with hot spares or with reconfigurations has besides: `.all` is of all accelerators."""
    out = {}
    if plan.job.uses:
        part = plan.workers / plan.accelerators
        for name in ("goodput", "work_rate", "availability"):
            out[f"{name}.all"] = found[name].scaled(part, "1")
    if plan.reconfiguration is not None:
        year = HOURS_PER_YEAR / sums.mission
        out["reconfigurations_per_year"] = sums.mean("reconfigurations", year, "1/y")
    return out


def fleet_metrics(scenario: Scenario, plan: Plan, sums: Sums) -> dict[str, Estimate]:
    """Return what a job on all domains of a fleet gets, each of which works at its own rate.

    Any stop stops all, or the domain that stops leaves the others.
    """
    domains = scenario.workload.domains
    if domains is None:
        return {}
    year = HOURS_PER_YEAR / sums.mission
    count = float(domains * plan.accelerators)
    out = {"fleet.accelerators": Estimate(count, count, count, "accelerators", 0, "exact")}
    if scenario.workload.leaving is not None:
        return out | _leaving(scenario, plan, sums)
    return out | {
        "fleet.goodput": _share(sums.ratio(lambda x: goodput_of(scenario, x, domains), "1")),
        "fleet.ettr": _share(sums.ratio(lambda x: ettr_of(scenario, x, domains), "1")),
        "fleet.interruptions_per_year": sums.mean("interruptions", year * domains, "1/y"),
        "fleet.mttf": _between(sums.ratio(lambda x: _rate(scenario, x, domains), "1/h")),
    }


def _leaving(scenario: Scenario, plan: Plan, sums: Sums) -> dict[str, Estimate]:
    """Return what the fleet gets when domains leave and rejoin."""
    year = HOURS_PER_YEAR / sums.mission
    found = lambda name: sums.ratio(
        lambda x: getattr(fleet_of(scenario, plan, x), name), "1/h" if name == "stops" else "1"
    )
    shares = {name: _share(found(name)) for name in SHARES}
    return {
        **{f"fleet.{name}": share for name, share in shares.items()},
        "fleet.interruptions_per_year": sums.mean(
            "interruptions", year * float(scenario.workload.domains or 1), "1/y"
        ),
        "fleet.mttf": _between(found("stops")),
    }


def _rate(scenario: Scenario, x: Mapping[str, float], domains: int) -> float:
    return 1 / max(mttf_hours(scenario, x, domains), 1e-9)


def _between(rate: Estimate) -> Estimate:
    """Return mean hours between events of a rate."""
    over = lambda x: 1 / x if x > 0 else math.inf
    low, best, high = over(rate.high), over(rate.best), over(rate.low)
    return Estimate(low, best, high, "h", rate.replicas, rate.status)


def _share(e: Estimate) -> Estimate:
    most = max(e.best, 1.0)  # fewer domains may need less time for a step
    return Estimate(max(e.low, 0.0), e.best, min(e.high, most), e.unit, e.replicas, e.status)
