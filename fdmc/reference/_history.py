"""One history: failures, queues, spares, repairs, event by event: section 3 of the contract."""

import bisect
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
from ._made import field_of
from ._policy import restarts
from ._service import Calendar, Job, Turns, inside, turns
from ._state import Active, State, add, state_of


@dataclasses.dataclass(frozen=True)
class Spell:
    """A time in which nothing changed, in hours, and the interruptions and drains of the history until its end."""

    start: float
    end: float
    rate: float
    interruptions: int
    drains: int


@dataclasses.dataclass
class Outcome:
    """What one history came to; hours are integrals over the mission.

    `dark_hours` counts the share of all lanes that heat keeps dark, `hot_hours` how long excursions of each
    class last, all their instances together. Of the drains, those that scheduled work has caused are `planned_drains`;
    `planned` is how often it fell due. `diary` has every spell of the mission in turn.
    """

    hours: float
    work: float = 0.0
    used_hours: float = 0.0
    full_hours: float = 0.0
    running_hours: float = 0.0
    inexact_hours: float = 0.0
    lost_accelerator_hours: float = 0.0
    interruptions: int = 0
    reconfigurations: int = 0
    drains: int = 0
    efficiency_hours: dict[str, float] = dataclasses.field(default_factory=dict)
    failures: Counter[str] = dataclasses.field(default_factory=Counter)
    jobs: Counter[str] = dataclasses.field(default_factory=Counter)
    blame: dict[str, float] = dataclasses.field(default_factory=dict)
    blast: Counter[int] = dataclasses.field(default_factory=Counter)
    dark_hours: float = 0.0
    hot_hours: dict[str, float] = dataclasses.field(default_factory=dict)
    planned: Counter[str] = dataclasses.field(default_factory=Counter)
    planned_drains: Counter[str] = dataclasses.field(default_factory=Counter)
    diary: list[Spell] = dataclasses.field(default_factory=list, repr=False)


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
        self.field = field_of(machine, rng)
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
        self.open: dict[
            Unit | Part, Job
        ] = {}  # by FRU, or by what stands for a unit in scheduled work
        self.queue: list[tuple[float, int, Job]] = []  # with a spare, waiting to begin
        self.repairing: dict[Job, None] = {}
        self.pools: defaultdict[str, list[float]] = defaultdict(list)  # opening times by rule
        self.calendar = Calendar(scenario.service.windows)
        self.turns = turns(machine)
        self.joining = any(rule.opportunistic for rule in machine.rules.values())
        tell = (self.after, self.retime, self.begun, self.settle)
        self.weather = Weather(machine, rng, *tell, self.start)

    def live(self) -> None:
        """From all new to the end of the mission."""
        if self.field is not None:
            self.field.swap(self.machine.root)
        for part in self.machine.parts:
            self.renew(part)
        self.weather.start()
        self.settle()
        self.calendar.start(self.now)
        if self.calendar.windows is not None:
            self.at(self.calendar.opening(1), self.window)
        for each in self.turns:
            each.start(self.now)
            self.at(each.time(), functools.partial(self.turn, each))
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
        if self.field is None:
            lives = [draw(law, self.rng) for law in part.lives]
        elif not (lives := self.field.lives(part)):
            self.lives[part] = Life([], self.now, [])
            return
        self.age(part, lives)

    def age(self, part: Part, left: list[float]) -> None:
        """From now on it has so much of every life left; the first to end fails it."""
        clocks = [pace.clock(self.weather.rise(part, pace)) for pace in part.paces]
        ends = [clock.when(self.now, age) for clock, age in zip(clocks, left, strict=True)]
        first = ends.index(min(ends))
        self.lives[part] = life = Life(left, self.now, clocks)
        self.at(ends[first], lambda: self.fail(part, life, part.paces[first].name))

    def retime(self, part: Part) -> None:
        """Excursions have changed its paces: what is left of its lives ends earlier, or later."""
        life = self.lives[part]
        if part in self.failed or not life.left:
            return
        gained = (clock.gained(life.since, self.now) for clock in life.clocks)
        self.age(part, [max(0.0, a - g) for a, g in zip(life.left, gained, strict=True)])

    def fail(self, part: Part, life: Life, name: str) -> None:
        """Steps 1 and 2: the occurrence is counted; a job opens or not."""
        if life is not self.lives[part]:
            return  # renewed, or at another pace, before it failed
        before = self.state
        self.failed[part] = None
        self.struck[part] = name
        self.settle()
        rule = self.machine.rules[part.name]
        fru, out = rule.fru(part), rule.out(part)
        group = part.counting
        short = group is not None and any(loss.group is group for loss in self.state.losses)
        # A second failure in an element that is down already takes nothing more.
        mates = [other for other in self.failed if other is not part and other.counting is group]
        twin = any(other.element is part.element for other in mates)
        takes = short and not twin
        wanted = group is None or rule.when == "failed" or short
        wanted = wanted or (rule.opportunistic and self.out_around(fru))
        opens = wanted and fru not in self.open and rule.time is not None
        if self.now >= 0:
            self.outcome.failures[name] += 1
            self.outcome.blast[self.blast(part, takes, out if opens else None)] += 1
        job = self.open_job(part, fru, out) if opens else None
        if job is not None and job in self.waiting() and self.may_begin(job):
            self.begin(job)  # a repair that starts at once belongs to the interruption
        if self.now >= 0:
            self.outcome.interruptions += self.restarts(before)
            uses = self.machine.scenario.workload.uses
            chosen = restarts(before.work.choice, self.state.work.choice, uses)
            self.outcome.reconfigurations += not chosen and self.restarts(before)
        self.start_repairs(self.state)

    def begun(self, site: Site) -> None:
        """An excursion: nobody repairs it."""
        before = self.state
        self.settle()
        if self.now >= 0:
            dark = self.machine.heat.darkens(site.kind)
            self.outcome.failures[site.name] += 1
            self.outcome.blast[site.accelerators if dark else 0] += 1
            self.outcome.interruptions += self.restarts(before)

    def restarts(self, before: State) -> bool:
        """Whether the job restarts on the way from a state to this one, or stops for spares to be switched in."""
        uses = self.machine.scenario.workload.uses
        chosen = restarts(before.work.choice, self.state.work.choice, uses)
        return chosen or self.state.switched > before.switched

    def open_job(self, part: Part, fru: Unit | Part, out: Unit | None) -> Job:
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
        job = Job(
            self.count, part, fru, out, spare_at, draw(rule.time, self.rng),
            rule.technician, rule.windowed, rule.opportunistic,
        )  # fmt: skip
        self.open[fru] = job
        if spare_at > self.now:
            self.at(spare_at, lambda: self.join_queue(job))
        else:
            bisect.insort(self.queue, (job.spare_at, job.number, job))
        return job

    def join_queue(self, job: Job) -> None:
        """Step 4: first come first served, by the time of the spare."""
        bisect.insort(self.queue, (job.spare_at, job.number, job))
        self.start_repairs(self.state)

    def turn(self, of: Turns) -> None:
        """Scheduled work falls due on the next copy, unless it is still open there."""
        copy = of.copy
        of.number += 1
        self.at(of.time(), functools.partial(self.turn, of))
        if copy in self.open:
            return
        if self.now >= 0:
            self.outcome.planned[copy.name] += 1
        self.count += 1
        hours, kind = draw(of.law, self.rng), of.kind
        job = Job(
            self.count, copy, None, copy.unit, self.now, hours, kind.technician, kind.windowed
        )
        self.struck[copy], self.open[copy] = copy.name, job
        self.join_queue(job)

    def window(self) -> None:
        """A maintenance window opens."""
        self.calendar.open()
        self.at(self.calendar.opening(1), self.window)
        self.start_repairs(self.state)

    def waiting(self) -> list[Job]:
        return [job for _, _, job in self.queue]

    def out_around(self, fru: Unit | Part) -> bool:
        """Whether a unit around a FRU is out of service."""
        return any(job.out is not None and inside(fru, job.out) for job in self.repairing)

    def may_begin(self, job: Job) -> bool:
        """Guests of a visit may, others when a technician is free and the window open, where they need those."""
        if job.opportunistic and job.fru is not None and self.out_around(job.fru):
            return True
        if job.windowed and self.now >= self.calendar.closes:
            return False
        busy = sum(each.technician and not each.guest for each in self.repairing)
        return not job.technician or busy < (self.technicians or math.inf)

    def begin(self, job: Job) -> None:
        """The repair, and with it the outage."""
        job.guest = job.opportunistic and job.fru is not None and self.out_around(job.fru)
        self.queue.remove((job.spare_at, job.number, job))
        self.repairing[job] = None
        self.at(self.now + job.repair_hours, functools.partial(self.finish, job))
        self.settle()

    def start_repairs(self, before: State) -> None:
        """Step 5: those that may begin do, in turn; a drain when that takes used accelerators."""
        self.join_visits()
        while job := next((job for job in self.waiting() if self.may_begin(job)), None):
            self.begin(job)
            if self.now >= 0 and self.restarts(before):
                self.outcome.drains += 1
                if job.fru is None:
                    self.outcome.planned_drains[job.opener.name] += 1
            before = self.state
            self.join_visits()

    def join_visits(self) -> None:
        """Failures that spares cover get a job, too, where a unit around their FRU is out."""
        for part in list(self.failed) if self.joining else ():
            rule = self.machine.rules[part.name]
            fru = rule.fru(part)
            wanted = rule.opportunistic and rule.time is not None and fru not in self.open
            if wanted and self.out_around(fru):
                self.open_job(part, fru, rule.out(part))

    def finish(self, job: Job) -> None:
        """Step 6: every component of the FRU is new, and the technician is free."""
        del self.repairing[job], self.open[job.opener if job.fru is None else job.fru]
        if self.field is not None and job.fru is not None:
            self.field.swap(job.fru)
        for part in job.fru.all_parts() if job.fru is not None else ():
            self.renew(part)
        self.settle()
        self.start_repairs(self.state)

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
        start = max(self.now, 0.0)
        hours, self.now = time - start, time
        if hours <= 0:
            return
        outcome, state, n = self.outcome, self.state.work, len(self.machine.accelerators)
        counts = outcome.interruptions, outcome.drains
        outcome.diary.append(Spell(start, time, state.rate, *counts))
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
