"""SimPy: generator processes on one core, with `random.Random` as its own examples use it."""

import random
from collections.abc import Callable, Generator

import simpy

from benchmarks import _jobs as jobs
from benchmarks._measure import Job, Measurement, Sums, measure


TOOL = "SimPy"
Process = Generator[simpy.Event, None, None]
Replica = Callable[[random.Random], tuple[float, int, int]]


def _rows(job: Job, replica: Replica, replicas: int, seconds: float) -> list[Measurement]:
    """`replica` gives its reward, its model units and the numbers it drew."""

    def once(seed: int) -> Sums:
        rng = random.Random(seed)
        results = [replica(rng) for _ in range(replicas)]
        rewards, units, draws = zip(*results, strict=True)
        return Sums(replicas, sum(rewards), sum(r * r for r in rewards), sum(units), sum(draws))

    return [measure(job, once, seconds)]


def _mission(rng: random.Random) -> tuple[float, int, int]:
    """Each copy is a process; the block that loses its second copy ends the replica."""
    env = simpy.Environment()
    failed, over = [0] * jobs.BLOCKS, env.event()

    def copy(block: int) -> Process:
        yield env.timeout(rng.weibullvariate(jobs.SCALE_YEARS, jobs.SHAPE))
        failed[block] += 1
        if failed[block] == 2 and not over.triggered:
            over.succeed()

    for block in range(jobs.BLOCKS):
        for _ in range(jobs.COPIES):
            env.process(copy(block))
    env.run(over)
    return float(env.now < jobs.AT_YEARS), jobs.LIFETIMES, jobs.LIFETIMES


def job_a(seconds: float) -> list[Measurement]:
    """8 x 3-of-4 Weibull."""
    job = Job("a", TOOL, "lifetimes", jobs.exact_a(), "", "every lifetime", proportion=True)
    return _rows(job, _mission, 1000, seconds)


class _Integral:
    """Time integral of a piecewise constant value."""

    def __init__(self, env: simpy.Environment):
        self.env, self.value, self.since, self.area = env, 0, 0.0, 0.0

    def change(self, by: int) -> None:
        self.settle(self.env.now)
        self.value += by

    def settle(self, now: float) -> float:
        self.area += self.value * (now - self.since)
        self.since = now
        return self.area


def _five_of_six(rng: random.Random) -> tuple[float, int, int]:
    """Each unit is a process, the technician a resource."""
    env = simpy.Environment()
    technician = simpy.Resource(env, 1)
    failed, down, occurrences = 0, _Integral(env), 0

    def unit() -> Process:
        nonlocal failed, occurrences
        while True:
            yield env.timeout(rng.expovariate(jobs.UNIT_RATE))
            failed, occurrences = failed + 1, occurrences + 1
            if failed == 2:
                down.change(1)
            with technician.request() as turn:
                yield turn
                yield env.timeout(rng.expovariate(jobs.REPAIR_RATE))
            failed, occurrences = failed - 1, occurrences + 1
            if failed == 1:
                down.change(-1)

    for _ in range(jobs.UNITS):
        env.process(unit())
    env.run(jobs.MISSION)
    up = 1 - down.settle(jobs.MISSION) / jobs.MISSION
    return up, occurrences, occurrences + jobs.UNITS


def job_b(seconds: float) -> list[Measurement]:
    """5-of-6 with one technician."""
    job = Job("b", TOOL, "occurrences", jobs.exact_b(), method="a process a unit")
    return _rows(job, _five_of_six, 20, seconds)


class _Domain:
    """The repairable domain: a process for each class's failures and one for every job."""

    def __init__(self, rng: random.Random):
        self.rng, self.env = rng, simpy.Environment()
        self.technicians = simpy.Resource(self.env, jobs.TECHNICIANS)
        self.dead: list[set[int]] = [set() for _ in range(jobs.TRAYS)]  # the board is part PER_TRAY
        self.opened, self.out = [False] * jobs.TRAYS, [False] * jobs.TRAYS
        self.lost = _Integral(self.env)
        self.occurrences = self.draws = 0
        self.env.process(self.failures(jobs.PER_TRAY, jobs.ACCELERATOR_RATE, first=0))
        self.env.process(self.failures(1, jobs.BOARD_RATE, first=jobs.PER_TRAY))

    def lost_in(self, tray: int) -> int:
        if self.out[tray] or jobs.PER_TRAY in self.dead[tray]:
            return jobs.PER_TRAY
        return len(self.dead[tray])

    def failures(self, each: int, rate: float, first: int) -> Process:
        """One clock for a class; a draw that hits a failed part is void."""
        while True:
            yield self.env.timeout(self.rng.expovariate(jobs.TRAYS * each * rate))
            tray, part = divmod(int(self.rng.random() * jobs.TRAYS * each), each)
            self.draws += 2
            if first + part not in self.dead[tray]:
                self.fail(tray, first + part)

    def fail(self, tray: int, part: int) -> None:
        before = self.lost_in(tray)
        self.dead[tray].add(part)
        self.lost.change(self.lost_in(tray) - before)
        self.occurrences += 1
        if not self.opened[tray]:
            self.opened[tray] = True
            self.env.process(self.job(tray))

    def job(self, tray: int) -> Process:
        with self.technicians.request() as turn:
            yield turn
            self.lost.change(jobs.PER_TRAY - self.lost_in(tray))
            self.out[tray] = True
            self.draws += 1
            yield self.env.timeout(self.rng.expovariate(jobs.REPAIR_RATE))
        self.lost.change(-jobs.PER_TRAY)
        self.dead[tray].clear()
        self.opened[tray] = self.out[tray] = False
        self.occurrences += 1


def _domain(rng: random.Random) -> tuple[float, int, int]:
    domain = _Domain(rng)
    domain.env.run(jobs.MISSION)
    lost = domain.lost.settle(jobs.MISSION)
    capacity = 1 - lost / (jobs.ACCELERATORS * jobs.MISSION)
    return capacity, domain.occurrences, domain.draws


def job_c(seconds: float) -> list[Measurement]:
    """The repairable domain of 512 accelerators."""
    job = Job("c", TOOL, "occurrences", jobs.exact_c(), method="a process a class and a job")
    return _rows(job, _domain, 20, seconds)


def _lanes(fit: float) -> Replica:
    def replica(rng: random.Random) -> tuple[float, int, int]:
        """Each lane is a process, which waits for the end of its life."""
        env = simpy.Environment()
        failed, short = [0] * jobs.ACCELERATORS, False

        def lane(accelerator: int) -> Process:
            nonlocal short
            yield env.timeout(rng.expovariate(fit * jobs.FIT))
            failed[accelerator] += 1
            short = short or failed[accelerator] > jobs.LANES - jobs.LANES_NEEDED

        for accelerator in range(jobs.ACCELERATORS):
            for _ in range(jobs.LANES):
                env.process(lane(accelerator))
        env.run(jobs.MISSION)
        return float(short), jobs.ALL_LANES, jobs.ALL_LANES

    return replica


def job_d(seconds: float) -> list[Measurement]:
    """512 x 40 lanes, every lane a process."""
    rows = []
    for fit in jobs.LANE_FITS:
        exact, case = jobs.exact_d(fit), f"{fit} FIT"
        job = Job("d", TOOL, "lanes", exact, case, "every lifetime", proportion=True)
        rows += _rows(job, _lanes(fit), 2, seconds)
    return rows
