"""NumPy: whole-array operations on chunks that fit the cache; sampling on one thread a core.

The histories (b) and (c) step all their replicas at once, on one thread: the arrays are short.
"""

import functools
import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from benchmarks import _jobs as jobs
from benchmarks._measure import Job, Measurement, Sums, cores, measure


TOOL = "NumPy"
CHUNK = 1 << 13  # trials of (a): 1 MiB of lifetimes
CHUNKS = 32
REPLICAS = 1 << 14
SLOTS = 16  # trays with an open job that a replica of (c) may have at once
Generator = np.random.Generator


def _generators(seed: int, n: int) -> list[Generator]:
    """Independent streams, of the fastest of NumPy's bit generators."""
    return [Generator(np.random.SFC64(s)) for s in np.random.SeedSequence(seed).spawn(n)]


def _on_threads(seed: int, n: int, threads: int, chunk: Callable) -> np.ndarray:
    """Sum of `chunk(generator)` over n chunks; NumPy lets go of the interpreter in long loops."""
    if threads == 1:
        return np.sum([chunk(g) for g in _generators(seed, n)], 0)
    with ThreadPoolExecutor(threads) as pool:
        return np.sum(list(pool.map(chunk, _generators(seed, n))), 0)


def _second_of_4(x: np.ndarray) -> np.ndarray:
    """Second smallest along axis 1, by a network of comparisons."""
    low, high = np.minimum(x[:, ::2], x[:, 1::2]), np.maximum(x[:, ::2], x[:, 1::2])
    return np.minimum(np.maximum(low[:, 0], low[:, 1]), np.minimum(high[:, 0], high[:, 1]))


def _lifetimes(u: np.ndarray) -> np.ndarray:
    """Weibull lifetimes from uniforms, in place; large uniforms fail late."""
    np.subtract(np.float32(1), u, out=u)  # the generator gives 0, not 1
    np.log(u, out=u)
    np.negative(u, out=u)
    np.power(u, np.float32(1 / jobs.SHAPE), out=u)
    u *= np.float32(jobs.SCALE_YEARS)
    return u


def _chunk_a(rng: Generator, transform_first: bool) -> int:
    x = rng.random((jobs.BLOCKS, jobs.COPIES, CHUNK), dtype=np.float32)
    if transform_first:
        system = _second_of_4(_lifetimes(x)).min(0)
    else:
        system = _lifetimes(_second_of_4(x).min(0))
    return int(np.count_nonzero(system < jobs.AT_YEARS))


def _plain_a(seed: int) -> Sums:
    """The job in as few words as NumPy allows, as most would write it."""
    trials = 1 << 17
    rng = np.random.default_rng(seed)
    x = jobs.SCALE_YEARS * rng.weibull(jobs.SHAPE, (trials, jobs.BLOCKS, jobs.COPIES))
    hits = int(np.sum(np.sort(x)[..., 1].min(-1) < jobs.AT_YEARS))
    return Sums(trials, hits, hits, x.size, x.size)


def job_a(seconds: float) -> list[Measurement]:
    """8 x 3-of-4 Weibull."""
    ways = {
        "every lifetime, one thread": (True, 1),
        "every lifetime": (True, cores()),
        "order statistics first": (False, cores()),
    }
    job = Job(
        "a", TOOL, "lifetimes", jobs.exact_a(), method="every lifetime, plain", proportion=True
    )
    rows = [measure(job, _plain_a, seconds)]
    for method, (transform_first, threads) in ways.items():
        chunk = functools.partial(_chunk_a, transform_first=transform_first)

        def once(seed, threads=threads, chunk=chunk):
            hits = int(_on_threads(seed, CHUNKS, threads, chunk))
            draws = CHUNKS * CHUNK * jobs.LIFETIMES
            return Sums(CHUNKS * CHUNK, hits, hits, draws, draws)

        job = Job("a", TOOL, "lifetimes", jobs.exact_a(), method=method, proportion=True)
        rows.append(measure(job, once, seconds))
    return rows


def _run_b(seed: int) -> Sums:
    """One clock a replica, for its number of failed units; now and then the finished leave."""
    (rng,) = _generators(seed, 1)
    failed, now, up = np.zeros(REPLICAS, np.int8), np.zeros(REPLICAS), np.zeros(REPLICAS)
    rates = (jobs.UNITS - np.arange(jobs.UNITS + 1)) * jobs.UNIT_RATE
    totals = rates + np.where(np.arange(jobs.UNITS + 1) > 0, jobs.REPAIR_RATE, 0.0)
    share, mean_wait = rates / totals, 1 / totals
    done, occurrences, draws = [], 0, 0
    for step in itertools.count(1):
        following = now + rng.standard_exponential(len(now)) * mean_wait[failed]
        np.minimum(following, jobs.MISSION, out=following)
        up += (following - now) * (failed <= jobs.UNITS - jobs.NEEDED)
        now, draws = following, draws + 2 * len(now)
        running = now < jobs.MISSION
        occurrences += int(np.count_nonzero(running))
        fails = rng.random(len(now), dtype=np.float32) < share[failed]
        failed = np.where(running, np.where(fails, failed + 1, failed - 1), failed)
        if step % 16 == 0:
            done.append(up[~running])
            failed, now, up = failed[running], now[running], up[running]
            if not len(now):
                break
    reward = np.concatenate(done) / jobs.MISSION
    return Sums(REPLICAS, reward.sum(), np.square(reward).sum(), occurrences, draws)


def job_b(seconds: float) -> list[Measurement]:
    """5-of-6 with one technician."""
    job = Job("b", TOOL, "occurrences", jobs.exact_b(), method="one clock, replicas in step")
    return [measure(job, _run_b, seconds)]


class _Domains:
    """Replicas of (c) in step. Trays without an open job are alike, so only the others are stored.

    `dead` holds a bit for every failed part of the trays with an open job, in order of opening;
    the first `TECHNICIANS` of them are under repair.
    """

    def __init__(self, rng: Generator):
        self.rng, self.now = rng, np.zeros(REPLICAS)
        self.lost_hours, self.jobs = np.zeros(REPLICAS), np.zeros(REPLICAS, np.int64)
        self.dead = np.zeros((REPLICAS, SLOTS), np.int64)
        self.occurrences = self.draws = 0

    def lost(self) -> np.ndarray:
        """Accelerators lost: all of a tray under repair or without its board."""
        waiting = self.dead[:, jobs.TECHNICIANS :]
        lost = jobs.PER_TRAY * np.minimum(self.jobs, jobs.TECHNICIANS)
        rows = np.flatnonzero(self.jobs > jobs.TECHNICIANS)
        board = waiting[rows] >> jobs.PER_TRAY > 0
        each = np.where(board, jobs.PER_TRAY, np.bitwise_count(waiting[rows]))
        lost[rows] += each.sum(1, dtype=np.int64)
        return lost

    def step(self) -> bool:
        """One occurrence in every replica that has not ended; whether one has not."""
        failing = jobs.TRAYS * jobs.TRAY_RATE
        repairing = np.minimum(self.jobs, jobs.TECHNICIANS) * jobs.REPAIR_RATE
        total = failing + repairing
        following = self.now + self.rng.standard_exponential(REPLICAS) / total
        np.minimum(following, jobs.MISSION, out=following)
        self.lost_hours += self.lost() * (following - self.now)
        self.now, running = following, following < jobs.MISSION
        choice = self.rng.random(REPLICAS) * total
        self.draws += 2 * REPLICAS
        self._fail(np.flatnonzero(running & (choice < failing)), choice / failing)
        rows = np.flatnonzero(running & (choice >= failing))
        self._finish(rows, ((choice[rows] - failing) / jobs.REPAIR_RATE).astype(int))
        return bool(running.any())

    def _fail(self, rows: np.ndarray, choice: np.ndarray) -> None:
        position = choice[rows] * jobs.TRAYS
        tray = np.minimum(position.astype(int), jobs.TRAYS - 1)
        part = (position - tray) * jobs.TRAY_RATE / jobs.ACCELERATOR_RATE
        bit = 1 << np.minimum(part.astype(int), jobs.PER_TRAY)  # the rest is the board's
        opens = tray >= self.jobs[rows]
        slot = np.where(opens, self.jobs[rows], tray)
        self.occurrences += int(np.count_nonzero(self.dead[rows, slot] & bit == 0))
        self.dead[rows, slot] |= bit
        self.jobs[rows] += opens

    def _finish(self, rows: np.ndarray, slot: np.ndarray) -> None:
        """The tray in `slot` is as new; those behind it move up."""
        later = np.concatenate([self.dead[rows, 1:], np.zeros((len(rows), 1), int)], 1)
        moves = np.arange(SLOTS) >= np.minimum(slot, self.jobs[rows] - 1)[:, None]
        self.dead[rows] = np.where(moves, later, self.dead[rows])
        self.jobs[rows] -= 1
        self.occurrences += len(rows)


def _run_c(seed: int) -> Sums:
    domains = _Domains(_generators(seed, 1)[0])
    while domains.step():
        pass
    reward = 1 - domains.lost_hours / (jobs.ACCELERATORS * jobs.MISSION)
    squares = np.square(reward).sum()
    return Sums(REPLICAS, reward.sum(), squares, domains.occurrences, domains.draws)


def job_c(seconds: float) -> list[Measurement]:
    """The repairable domain of 512 accelerators."""
    job = Job("c", TOOL, "occurrences", jobs.exact_c(), method="one clock, replicas in step")
    return [measure(job, _run_c, seconds)]


def _chunk_d(rng: Generator, fit: float, method: str) -> tuple[int, int]:
    """Sixteen trials: those with a short accelerator, and failed lanes."""
    shape = (16, jobs.ACCELERATORS, jobs.LANES)
    if method == "every lifetime":
        exposure = np.float32(fit * jobs.FIT * jobs.MISSION)
        failed = rng.standard_exponential(shape, dtype=np.float32) < exposure
    elif method == "every lane's state at 5 y":
        failed = rng.random(shape, dtype=np.float32) < np.float32(jobs.lane_prob(fit))
    else:
        failed = rng.binomial(jobs.LANES, jobs.lane_prob(fit), shape[:2])[..., None]
    count = failed.sum(-1, dtype=np.uint8)
    short = count > jobs.LANES - jobs.LANES_NEEDED
    return int(np.count_nonzero(short.any(-1))), int(count.sum())


def job_d(seconds: float) -> list[Measurement]:
    """512 x 40 lanes: drawn one by one, and by one binomial an accelerator."""
    ways = {"every lifetime": jobs.LANES, "every lane's state at 5 y": jobs.LANES}
    ways["a binomial an accelerator"] = 1
    rows = []
    for fit, (method, each) in itertools.product(jobs.LANE_FITS, ways.items()):
        chunk = functools.partial(_chunk_d, fit=fit, method=method)

        def once(seed, chunk=chunk, each=each):
            hits, failed = _on_threads(seed, CHUNKS, cores(), chunk)
            trials = 16 * CHUNKS
            lanes, draws = trials * jobs.ALL_LANES, trials * jobs.ACCELERATORS * each
            return Sums(trials, int(hits), int(hits), lanes, draws, int(failed))

        case = f"{fit} FIT"
        job = Job("d", TOOL, "lanes", jobs.exact_d(fit), case, method, proportion=True)
        rows.append(measure(job, once, seconds, jobs.failed_lanes_note(fit)))
    return rows
