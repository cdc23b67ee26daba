"""One history: failures, queues, spares, repairs, event by event: section 3 of the contract."""

import dataclasses
import functools
import heapq
import math
import random
from collections import Counter, defaultdict
from collections.abc import Callable

from ..spec import Scenario
from ._ageing import Clock
from ._capacity import group_reach, reach, touched
from ._excursion import Site, Weather
from ._law import draw
from ._machine import Machine, Part, Unit, build
from ._state import Active, add, state_of


@dataclasses.dataclass
class Outcome:
    """What one history came to; hours are integrals over the mission.

    `dark_hours` counts the share of all lanes that heat keeps dark, `hot_hours` how long excursions of each
    class last, all their instances together.
    """

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
    dark_hours: float = 0.0
    hot_hours: dict[str, float] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(eq=False)
class Job:
    """One open repair job; `out` is what it takes out of service while the repair lasts."""

    number: int
    opener: Part
    fru: Unit | Part
    out: Unit | None
    spare_at: float
    repair_hours: float


@dataclasses.dataclass(eq=False)
class Life:
    """What was left of every life of a part at a time, and at which paces they go on to its pending failure."""

    left: list[float]
    since: float
    clocks: list[Clock]


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
        self.lives: dict[Part, Life] = {}
        self.struck: dict[Part, str] = {}  # the class of its last failure
        self.open: dict[Unit | Part, Job] = {}  # by FRU
        self.queue: list[tuple[float, int, Job]] = []  # with a spare, waiting for a technician
        self.repairing: dict[Job, None] = {}
        self.pools: defaultdict[str, list[float]] = defaultdict(list)  # opening times by rule
        tell = (self.after, self.retime, self.begun, self.settle)
        self.weather = Weather(machine, rng, *tell, self.start)

    def live(self) -> None:
        """From all new to the end of the mission."""
        for part in self.machine.parts:
            self.renew(part)
        self.weather.start()
        self.settle()
        while self.events:
            time, _, happen = heapq.heappop(self.events)
            self.pass_time(time)
            happen()
        self.pass_time(self.end)

    def at(self, time: float, happen: Callable[[], None]) -> None:
        if time <= self.end:
            self.count += 1
            heapq.heappush(self.events, (time, self.count, happen))

    def after(self, hours: float, happen: Callable[[], None]) -> None:
        self.at(self.now + hours, happen)

    def renew(self, part: Part) -> None:
        """A new component, failed or not before."""
        self.failed.pop(part, None)
        self.age(part, [draw(law, self.rng) for law in part.lives])

    def age(self, part: Part, left: list[float]) -> None:
        """From now on it has so much of every life left; the first to end fails it."""
        clocks = [pace.clock(self.weather.rise(part, pace)) for pace in part.paces]
        ends = [clock.when(self.now, age) for clock, age in zip(clocks, left, strict=True)]
        first = ends.index(min(ends))
        self.lives[part] = life = Life(left, self.now, clocks)
        self.at(ends[first], lambda: self.fail(part, life, part.paces[first].name))

    def retime(self, part: Part) -> None:
        """Excursions have changed its paces: what is left of its lives ends earlier, or later."""
        if part in self.failed:
            return
        life = self.lives[part]
        gained = (clock.gained(life.since, self.now) for clock in life.clocks)
        self.age(part, [max(0.0, a - g) for a, g in zip(life.left, gained, strict=True)])

    def fail(self, part: Part, life: Life, name: str) -> None:
        """Steps 1 and 2: the occurrence is counted; a job opens or not."""
        if life is not self.lives[part]:
            return  # renewed, or at another pace, before it failed
        before = self.state.work.available
        self.failed[part] = None
        self.struck[part] = name
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
            self.outcome.failures[name] += 1
            self.outcome.blast[self.blast(part, takes, out if opens else None)] += 1
        drains = self.outcome.drains
        if opens:
            self.open_job(part, fru, out)
        self.outcome.drains = drains  # a repair that starts at once belongs to the interruption
        if self.now >= 0:
            self.outcome.interruptions += bool(before - self.state.work.available)

    def begun(self, site: Site) -> None:
        """An excursion: nobody repairs it."""
        before = self.state.work.available
        self.settle()
        if self.now >= 0:
            dark = self.machine.heat.darkens(site.kind)
            self.outcome.failures[site.name] += 1
            self.outcome.blast[site.accelerators if dark else 0] += 1
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
        struck = self.struck
        repairs = [(job.opener, job.out) for job in self.repairing if job.out is not None]
        active = Active(
            frozenset((part, struck[part]) for part in self.failed),
            frozenset((part, struck[part], out) for part, out in repairs),
            frozenset(self.weather.lasting),
            self.weather.shift,
        )
        self.state = state_of(self.machine, active)

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
            add(outcome.efficiency_hours, op, efficiency * hours)
        for name, share in self.state.blame.items():
            add(outcome.blame, name, share * n * (1.0 - state.rate) * hours)
        outcome.dark_hours += self.state.dark * hours
        for site in self.weather.lasting:
            add(outcome.hot_hours, site.name, hours)
