"""One history: failures, queues, spares, repairs, event by event: section 3 of the contract."""

import dataclasses
import functools
import heapq
import math
import random
from collections import Counter, defaultdict
from collections.abc import Callable

from ..spec import Scenario
from ._capacity import Loss, combine, group_reach, losses, reach, touched, weights
from ._law import draw
from ._machine import Machine, Part, Unit, build
from ._work import Work, work


@dataclasses.dataclass
class Outcome:
    """What one history came to; hours are integrals over the mission."""

    hours: float
    work: float = 0.0
    used_hours: float = 0.0
    full_hours: float = 0.0
    running_hours: float = 0.0
    inexact_hours: float = 0.0
    lost_accelerator_hours: float = 0.0
    interruptions: int = 0
    drains: int = 0
    efficiency_hours: dict[str, float] = dataclasses.field(default_factory=dict)
    failures: Counter[str] = dataclasses.field(default_factory=Counter)
    jobs: Counter[str] = dataclasses.field(default_factory=Counter)
    blame: dict[str, float] = dataclasses.field(default_factory=dict)
    blast: Counter[int] = dataclasses.field(default_factory=Counter)


@dataclasses.dataclass(eq=False)
class Job:
    """One open repair job; `out` is what it takes out of service while the repair lasts."""

    number: int
    opener: Part
    fru: Unit | Part
    out: Unit | None
    spare_at: float
    repair_hours: float


@dataclasses.dataclass(frozen=True)
class State:
    """What is lost at some moment, what the rest is worth, and each class's share of the blame."""

    losses: list[Loss]
    work: Work
    blame: dict[str, float]


def state_of(
    machine: Machine, failed: frozenset[Part], repairs: frozenset[tuple[Part, Unit]]
) -> State:
    """The state with these parts failed and these (first failure, unit out) under repair.

    States recur, above all in small machines, so the machine remembers some.
    """
    remembered = machine.memo.setdefault("states", {})
    if (failed, repairs) not in remembered:
        if len(remembered) > 10_000:
            remembered.clear()
        remembered[failed, repairs] = _state_of(machine, failed, repairs)
    return remembered[failed, repairs]


def _state_of(
    machine: Machine, failed: frozenset[Part], repairs: frozenset[tuple[Part, Unit]]
) -> State:
    # In one order, whatever the sets': sums then agree to the last digit.
    parts = sorted(failed, key=_place)
    active = losses(machine, parts, sorted(repairs, key=lambda pair: _place(pair[0])))
    shares: dict[str, float] = {}
    for loss in active:
        for part, weight in weights(machine, loss).items():
            _add(shares, part.name, weight)
    total = sum(shares.values())
    blame = {name: share / total for name, share in shares.items()} if total > 0 else {}
    return State(active, work(machine, combine(machine, active)), blame)


def _place(part: Part) -> tuple[str, int]:
    return part.name, part.number


def history(scenario: Scenario | Machine, seed: int, replica: int) -> Outcome:
    """Simulate replica `replica` of `seed`; pass a built machine to save the building of it."""
    machine = build(scenario)
    run = _Run(machine, random.Random(f"{seed}/{replica}"))
    run.live()
    outcome = run.outcome
    outcome.lost_accelerator_hours = len(machine.accelerators) * (outcome.hours - outcome.work)
    return outcome


class _Run:
    """The state of a history, and what may happen to it."""

    def __init__(self, machine: Machine, rng: random.Random):
        scenario = machine.scenario
        self.machine, self.rng = machine, rng
        self.start = -scenario.run_in_hours if scenario.start == "stationary" else 0.0
        self.end = scenario.mission_hours
        self.now = self.start
        self.technicians = scenario.service.technicians
        self.outcome = Outcome(self.end)
        self.events: list[tuple[float, int, Callable[[], None]]] = []
        self.count = 0  # of events and jobs, so that equal times keep their order
        self.failed: dict[Part, None] = {}  # an ordered set
        self.lives: dict[Part, int] = {}  # a renewal ends a life, and its pending failure
        self.open: dict[Unit | Part, Job] = {}  # by FRU
        self.queue: list[tuple[float, int, Job]] = []  # with a spare, waiting for a technician
        self.repairing: dict[Job, None] = {}
        self.pools: defaultdict[str, list[float]] = defaultdict(list)  # opening times by rule
        self.state = state_of(machine, frozenset(), frozenset())

    def live(self) -> None:
        """From all new to the end of the mission."""
        for part in self.machine.parts:
            self.renew(part)
        while self.events:
            time, _, happen = heapq.heappop(self.events)
            self.pass_time(time)
            happen()
        self.pass_time(self.end)

    def at(self, time: float, happen: Callable[[], None]) -> None:
        if time <= self.end:
            self.count += 1
            heapq.heappush(self.events, (time, self.count, happen))

    def renew(self, part: Part) -> None:
        """A new component, failed or not before."""
        self.failed.pop(part, None)
        self.lives[part] = life = self.lives.get(part, 0) + 1
        age = draw(part.lifetime, self.rng)
        self.at(part.clock.when(self.now, age), lambda: self.fail(part, life))

    def fail(self, part: Part, life: int) -> None:
        """Steps 1 and 2: the occurrence is counted; a job opens or not."""
        if life != self.lives[part]:
            return  # renewed before it failed
        before = self.state.work.available
        self.failed[part] = None
        self.settle()
        rule = self.machine.rules[part.name]
        fru, out = rule.fru(part), rule.out(part)
        group = part.counting
        short = group is not None and any(loss.group is group for loss in self.state.losses)
        # A second failure in an element that is down already takes nothing more.
        twin = any(other.element is part.element for other in self.failed if other is not part)
        takes = short and not twin
        wanted = group is None or rule.when == "failed" or short
        opens = wanted and fru not in self.open and rule.time is not None
        if self.now >= 0:
            self.outcome.failures[part.name] += 1
            self.outcome.blast[self.blast(part, takes, out if opens else None)] += 1
        drains = self.outcome.drains
        if opens:
            self.open_job(part, fru, out)
        self.outcome.drains = drains  # a repair that starts at once belongs to the interruption
        if self.now >= 0:
            self.outcome.interruptions += bool(before - self.state.work.available)

    def open_job(self, part: Part, fru: Unit | Part, out: Unit | None) -> None:
        """Step 3: take a spare, or wait for the one that was ordered `stock` jobs ago."""
        rule = self.machine.rules[part.name]
        assert rule.time is not None
        opened = self.pools[rule.name]
        opened.append(self.now)
        spare_at = self.now
        if rule.stock is not None and len(opened) > rule.stock:
            spare_at = max(self.now, opened[-1 - rule.stock] + rule.restock_hours)
        if self.now >= 0:
            self.outcome.jobs[rule.name] += 1
        self.count += 1
        job = Job(self.count, part, fru, out, spare_at, draw(rule.time, self.rng))
        self.open[fru] = job
        if spare_at > self.now:
            self.at(spare_at, lambda: self.join_queue(job))
        else:
            self.join_queue(job)

    def join_queue(self, job: Job) -> None:
        """Step 4: first come first served, by the time of the spare."""
        heapq.heappush(self.queue, (job.spare_at, job.number, job))
        self.start_repairs(self.state.work.available)

    def start_repairs(self, before: frozenset[int]) -> None:
        """Step 5: technicians who are free start; a drain when that takes used accelerators."""
        while self.queue and (self.technicians or math.inf) > len(self.repairing):
            _, _, job = heapq.heappop(self.queue)
            self.repairing[job] = None
            self.at(self.now + job.repair_hours, functools.partial(self.finish, job))
            self.settle()
            if self.now >= 0 and before - self.state.work.available:
                self.outcome.drains += 1
            before = self.state.work.available

    def finish(self, job: Job) -> None:
        """Step 6: every component of the FRU is new, and the technician is free."""
        del self.repairing[job], self.open[job.fru]
        for part in job.fru.all_parts():
            self.renew(part)
        self.settle()
        self.start_repairs(self.state.work.available)

    def settle(self) -> None:
        """Recompute what is lost and what the rest is worth."""
        repairs = ((job.opener, job.out) for job in self.repairing if job.out is not None)
        self.state = state_of(self.machine, frozenset(self.failed), frozenset(repairs))

    def blast(self, part: Part, takes: bool, out: Unit | None) -> int:
        """Accelerators impaired by this occurrence, or taken out by its repair."""
        reaches = []
        if part.counting is None:
            reaches.append(reach(self.machine, part.unit))
        elif takes:
            reaches.append(group_reach(self.machine, part.counting))
        if out is not None and out.counting is None:
            reaches.append(reach(self.machine, out))
        return len(touched(self.machine, reaches))

    def pass_time(self, time: float) -> None:
        """Integrate the state since the last event, as far as it lies in the mission."""
        hours = time - max(self.now, 0.0)
        self.now = time
        if hours <= 0:
            return
        outcome, state, n = self.outcome, self.state.work, len(self.machine.accelerators)
        outcome.work += state.rate * hours
        outcome.used_hours += state.used / n * hours
        outcome.full_hours += state.whole * hours
        outcome.running_hours += (state.rate > 0) * hours
        outcome.inexact_hours += (state.rate > 0 and not state.exact) * hours
        for op, efficiency in state.efficiency.items():
            _add(outcome.efficiency_hours, op, efficiency * hours)
        for name, share in self.state.blame.items():
            _add(outcome.blame, name, share * n * (1.0 - state.rate) * hours)


def _add(to: dict[str, float], name: str, amount: float) -> None:
    to[name] = to.get(name, 0.0) + amount
