"""From mean lost hours, idle hours and stops to goodput: the host's half of section 4 of the model."""

import math
from collections.abc import Mapping

from ..spec import Scenario
from ..workload import daly_interval, ettr, optimal_interval, young_interval


RULES = {"young": young_interval, "daly": daly_interval, None: optimal_interval}
"""Intervals between checkpoints by name; None: the exact optimum."""
LEAVING = (
    "wall; who stops leaves, the others wait for the stall, all of it anew when one more leaves"
)
"""The failure clock of a fleet whose domains leave and rejoin."""
BATCH = {
    "kept": "kept: the domains present do all of it",
    "smaller": "smaller: the parts of absent domains are not done",
}
"""What is done of the batch while domains are absent, in words."""
Facts = Mapping[str, float]
"""Mean `lost` and `idle` hours, `interruptions`, `drains` and, where the scenario has them, `reconfigurations`
of a history."""


def conventions_of(scenario: Scenario) -> dict[str, str]:
    """Return the choices behind a result, those that only some scenarios need among them."""
    work = scenario.workload
    found = {
        "failure_clock": "wall",
        "waste_denominator": "all accelerators",
        "spare_return": "first in, first out",
        "confidence": "95 %",
    }
    if work.uses is not None:
        found["waste_denominator"] = "accelerators that the job uses"
        found["hot_spares"] = "the best, then the lowest numbers, work; who returns is taken back"
    if work.checkpoint.interval_rule is not None:
        found["checkpoint_interval"] = work.checkpoint.interval_rule
    if work.domains is not None:
        stops = work.leaving is None
        found["fleet_failure_clock"] = (
            "wall; a stop of any domain stops all domains" if stops else LEAVING
        )
        found["fleet_work_rate"] = "domains share the batch by their pace"
        if work.leaving is not None:
            found["fleet_batch"] = BATCH[work.leaving.batch]
            found["fleet_domains"] = "independent, with the same law"
    return found


def reconfigure_seconds(scenario: Scenario) -> float:
    """Return what every change of the accelerators in use adds to a restart: circuits are switched."""
    reconfigure = scenario.fabric.reconfigure
    return 0.0 if reconfigure is None else reconfigure.seconds


def restart_hours(scenario: Scenario) -> float:
    """Return how long an interruption lasts: to notice, to switch circuits, to resume."""
    restart = scenario.workload.restart
    seconds = restart.detect_seconds + restart.resume_seconds + reconfigure_seconds(scenario)
    return seconds / 3600


def mttf_hours(scenario: Scenario, x: Facts, domains: int = 1) -> float:
    """Return the mean run time between interruptions of a job on so many domains."""
    stops = x["interruptions"] - paused(scenario, x)
    return _running(scenario, x) / (stops * domains) if stops > 0 else math.inf


def _running(scenario: Scenario, x: Facts) -> float:
    return max(scenario.mission_hours - x["idle"], 0.0)


def ettr_of(scenario: Scenario, x: Facts, domains: int = 1) -> float:
    """Return the share of the run time that checkpoints and restarts leave."""
    return daly_of(scenario, mttf_hours(scenario, x, domains), restart_hours(scenario))


def daly_of(scenario: Scenario, mttf: float, restart: float) -> float:
    """Return the share of the run time that checkpoints leave, and restarts of so many hours after so many."""
    if mttf <= 0:  # it never runs
        return 0.0
    checkpoint = scenario.workload.checkpoint
    write, interval = checkpoint.write_seconds / 3600, checkpoint.interval_seconds
    if interval is None:
        if write == 0 or not math.isfinite(mttf):
            return math.exp(-restart / mttf)
        tau = float(RULES[checkpoint.interval_rule](mttf, write))
    else:
        tau = interval / 3600
    return float(ettr(mttf, interval_hours=tau, write_hours=write, restart_hours=restart))


def goodput_of(scenario: Scenario, x: Facts, domains: int = 1) -> float:
    """Return goodput from mean lost hours, idle hours, interruptions and drains of a history.

    Of `domains` that do one job, any stop stops all, and each works at its own rate.
    """
    running = _running(scenario, x)
    if running == 0:
        return 0.0
    resume = scenario.workload.restart.resume_seconds + reconfigure_seconds(scenario)
    pauses = paused(scenario, x) * reconfigure_seconds(scenario)
    drained = x["drains"] / running * resume / 3600
    stalled = (drained + pauses / running / 3600) * domains
    kept = max(ettr_of(scenario, x, domains) - stalled, 0.0)
    return kept * (1 - x["lost"] / scenario.mission_hours)


def paused(scenario: Scenario, x: Facts) -> float:
    """Return the reconfigurations that the job only waits for."""
    reconfigure = scenario.fabric.reconfigure
    waits = reconfigure is not None and not reconfigure.restart
    return x.get("reconfigurations", 0.0) if waits else 0.0
