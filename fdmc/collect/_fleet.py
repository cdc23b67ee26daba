"""From one domain to a fleet of them that leave and rejoin: the composition of section 4 of the model."""

import dataclasses
import math
from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from ..plan import Plan
from ..spec import Leaving, Scenario
from ..workload import elastic_fleet
from ._goodput import Facts, daly_of, paused, reconfigure_seconds, restart_hours


SHARES = ("goodput", "ettr", "present", "stalled", "waiting", "batch", "step_rate")
"""What a fleet has that lies between 0 and 1, but for what the step gains by fewer domains."""


@dataclasses.dataclass(frozen=True)
class Fleet:
    """What a fleet gets whose domains leave and rejoin; shares of the wall clock, or of what all would do.

    `stops` are those after which the others wait, for each hour in which the fleet works.
    """

    goodput: float
    ettr: float
    present: float
    stalled: float
    waiting: float
    batch: float
    step_rate: float
    stops: float


@dataclasses.dataclass(frozen=True)
class _Domain:
    """One domain: shares of the time in which it runs, takes part, and has just left; leaves by stops an hour."""

    running: float
    present: float
    leaving: float
    stops: float
    pace: float


def fleet_of(scenario: Scenario, plan: Plan, x: Facts) -> Fleet:
    """Return what the fleet gets, from the mean facts of a history of one of its domains.

    Domains are independent. Stops are Poisson in the time in which a domain runs, as in Daly's form, and its pace is
    the mean of the mission, also right after a stop.

    **Raises:** `ValueError` when domains of the fleet do not leave it.
    """
    work = scenario.workload
    leaving, count = work.leaving, work.domains
    if leaving is None or count is None:
        raise ValueError("no domain of this scenario leaves a fleet.")
    one = _domain(scenario, leaving, x)
    worth = worth_of(scenario, plan, leaving, count)
    shares = elastic_fleet(one.present, one.leaving, count, minimum=leaving.minimum, worth=worth)
    # All wait for circuits that one domain switches without a restart.
    pauses = count * paused(scenario, x) / scenario.mission_hours
    quiet = math.exp(-pauses * reconfigure_seconds(scenario) / 3600)
    working = shares.working * quiet
    # Only with the last domain is the work since the last checkpoint lost.
    alone = count * one.stops * (1 - one.present) ** (count - 1)
    kept = daly_of(scenario, working / alone if alone > 0 and working > 0 else math.inf, 0.0)
    goodput = kept * quiet * shares.work * one.pace
    full = count * one.running
    batch = 1.0 if leaving.batch == "kept" else shares.domains / count * one.pace
    return Fleet(
        goodput=goodput,
        ettr=kept * working * shares.domains / full if full > 0 else 0.0,
        present=one.present,
        stalled=1 - quiet * (1 - shares.stalled),
        waiting=quiet * shares.waiting,
        batch=batch,
        step_rate=goodput / batch if batch > 0 else 0.0,
        stops=count * one.stops / working if working > 0 else math.inf,
    )


def _domain(scenario: Scenario, leaving: Leaving, x: Facts) -> _Domain:
    """Return what the others see of a domain: it restarts after stops and drains, in the time in which it runs."""
    mission, restart = scenario.mission_hours, scenario.workload.restart
    running = max(1 - x["idle"] / mission, 0.0)
    if running == 0:
        return _Domain(0.0, 0.0, 0.0, 0.0, 0.0)
    stops = (x["interruptions"] - paused(scenario, x)) / mission
    drains = x["drains"] / mission
    # Nobody has to notice a drain; and a domain is back with the new group at the earliest.
    stall = leaving.stall_seconds / 3600
    planned = max(stall - restart.detect_seconds / 3600, 0.0)
    resume = (restart.resume_seconds + reconfigure_seconds(scenario)) / 3600
    away = stops * max(restart_hours(scenario), stall) + drains * max(resume, planned)
    back = math.exp(-away / running)
    return _Domain(
        running=running,
        present=running * back,
        leaving=(stops * stall + drains * planned) * back,
        stops=stops * back,
        pace=(1 - x["lost"] / mission) / running,
    )


def worth_of(scenario: Scenario, plan: Plan, leaving: Leaving, count: int) -> Callable | None:
    """Return the work rate of some healthy domains over that of all; None where it is their share.

    With fewer domains less goes across them. Collectives of group data take place once in a step; what else there is
    in a step grows with the part of the batch that a domain does.
    """
    work, parallel = plan.work, scenario.workload.parallel
    if work.across_seconds is None or parallel is None:
        return None
    whole, hidden = (
        np.asarray(x, np.float64)[:, None] for x in (work.healthy_seconds, work.overlap_seconds)
    )
    across = np.asarray(work.across_seconds, np.float64)[:, None] / parallel.data
    once = np.array([c.group == "data" for c in scenario.workload.collectives])
    compute = float(work.compute_seconds)

    def seconds(n: Float[np.ndarray, " n"]) -> tuple[np.ndarray, np.ndarray]:
        """Return the time of a step of `n` domains with their part of the batch, and what of it comes once."""
        fewer = 1 - (n - 1) / n * count / (count - 1)
        shown = np.maximum(whole - across * fewer - hidden, 0.0)
        return compute + shown.sum(0), shown[once].sum(0)

    full, full_once = seconds(np.array([float(count)]))

    def worth(n: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        step, step_once = seconds(n)
        if leaving.batch == "kept":
            return full / ((full - full_once) * count / n + step_once)
        return n / count * full / step

    return worth
