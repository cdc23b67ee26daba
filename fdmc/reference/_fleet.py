"""A fleet whose domains leave and rejoin, spell by spell: section 4 of the contract."""

import dataclasses
from collections.abc import Iterable, Sequence

from ..spec import Leaving, Scenario
from ._history import Outcome
from ._machine import build
from ._work import healthy_seconds


@dataclasses.dataclass
class Fleet:
    """What a fleet came to before checkpoints: hours of the mission, and `work`, hours of all its healthy domains.

    `domain_hours` are those in which domains took part in work, `present_hours` those in which they could have;
    `leaves` counts the stops of domains that took part, `last` those of the only one.
    """

    hours: float
    working: float = 0.0
    stalled: float = 0.0
    waiting: float = 0.0
    work: float = 0.0
    domain_hours: float = 0.0
    present_hours: float = 0.0
    leaves: int = 0
    last: int = 0


@dataclasses.dataclass
class _Part:
    """The part that one domain takes: when and at which rate, when it leaves, and how long the others then wait."""

    present: list[tuple[float, float, float]] = dataclasses.field(default_factory=list)
    stops: list[float] = dataclasses.field(default_factory=list)
    stalls: list[tuple[float, float]] = dataclasses.field(default_factory=list)


def fleet(scenario: Scenario, domains: Sequence[Outcome]) -> Fleet:
    """Play the diaries of the domains of a fleet side by side."""
    leaving = scenario.workload.leaving
    assert leaving is not None
    parts = [_part(scenario, leaving, each) for each in domains]
    out = Fleet(domains[0].hours)
    out.leaves = sum(len(part.stops) for part in parts)
    stalls = _union(stall for part in parts for stall in part.stalls)
    turns = [(t, +1, rate) for part in parts for t, _, rate in part.present]
    turns += [(t, -1, rate) for part in parts for _, t, rate in part.present]
    turns += [(t, 0, +1.0) for t, _ in stalls] + [(t, 0, -1.0) for _, t in stalls]
    turns += [(out.hours, 0, 0.0)]
    worth = {n: _worth(scenario, leaving, n) for n in range(1, len(domains) + 1)}
    now, n, rates, waits = 0.0, 0, 0.0, 0.0
    # Who rejoins in the moment in which another leaves is there first; sums of rates may be off in the last place.
    for time, change, value in sorted(turns, key=lambda turn: (turn[0], -turn[1])):
        hours = min(time, out.hours) - now
        out.present_hours += n * hours
        if waits > 0:
            out.stalled += hours
        elif n < leaving.minimum:
            out.waiting += hours
        elif hours > 0:
            out.working += hours
            out.domain_hours += n * hours
            out.work += worth[n] * rates / n * hours
        if change < 0 and n == 1 and any(time in part.stops for part in parts):
            out.last += 1
        now, n = min(time, out.hours), n + change
        rates += change * value
        waits += value if change == 0 else 0.0
    return out


def _part(scenario: Scenario, leaving: Leaving, domain: Outcome) -> _Part:
    """What a domain does in the fleet: after a stop or a drain it restarts, in the time in which it runs."""
    restart, reconfigure = scenario.workload.restart, scenario.fabric.reconfigure
    resume = restart.resume_seconds + (0.0 if reconfigure is None else reconfigure.seconds)
    stall = leaving.stall_seconds / 3600
    planned = max(0.0, leaving.stall_seconds - restart.detect_seconds) / 3600
    away = max((restart.detect_seconds + resume) / 3600, stall)
    drained = max(resume / 3600, planned)
    part, left, was = _Part(), 0.0, None
    for spell in domain.diary:
        there = was is not None and was.rate > 0 and left == 0
        stops, drains = (
            getattr(spell, name) - (0 if was is None else getattr(was, name))
            for name in ("interruptions", "drains")
        )
        if stops:
            left = max(left, away)
        if drains:
            left = max(left, drained)
        if there and (stops or drains):
            part.stalls.append((spell.start, spell.start + (stall if stops else planned)))
            part.stops += [spell.start] if stops else []
        if spell.rate > 0:
            back = min(spell.start + left, spell.end)
            left = max(0.0, left - (spell.end - spell.start))
            if back < spell.end:
                left = 0.0
                part.present.append((back, spell.end, spell.rate))
        was = spell
    return part


def _union(spans: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """The times that any of these spans covers."""
    found: list[tuple[float, float]] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


def _worth(scenario: Scenario, leaving: Leaving, n: int) -> float:
    """Work of `n` healthy domains in the time in which all of them do 1."""
    every = scenario.workload.domains
    assert every is not None
    if leaving.batch == "smaller":
        return n / every * _step(scenario, every) / _step(scenario, n)
    # All of the batch: what a domain does in a step grows, but for the exchange at its end.
    grows = _step(scenario, every) - _step(scenario, every, True)
    return _step(scenario, every) / (grows * every / n + _step(scenario, n, True))


def _step(scenario: Scenario, n: int, once: bool = False) -> float:
    """Seconds of a step of `n` healthy domains, each with its part of the batch; or of what comes once in it."""
    workload = dataclasses.replace(scenario.workload, domains=n, leaving=None)
    if once:
        last = tuple(each for each in workload.collectives if each.group == "data")
        workload = dataclasses.replace(workload, compute_seconds=0.0, collectives=last)
    return healthy_seconds(build(dataclasses.replace(scenario, workload=workload)))
