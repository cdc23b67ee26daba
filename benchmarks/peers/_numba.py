"""Numba, all cores: the sampling jobs here, the histories in two files beside it.

Every thread has its own stream, so the numbers change with the number of threads. Trials run side
by side in arrays that fit the first cache, in loops that LLVM vectorises.
"""

from collections.abc import Callable

import numba
import numpy as np

from benchmarks import _jobs as jobs
from benchmarks._measure import Job, Measurement, Sums, measure

from ._numba_domain import job_c as job_c
from ._numba_histories import job_b as job_b
from ._numba_random import F32, LANES, U32, fast_exp, fast_log, fill, lanes_state, uniform32


TOOL = "Numba"
BLOCKS, COPIES = jobs.BLOCKS, jobs.COPIES
SCALE, EXPONENT, AT = F32(jobs.SCALE_YEARS), F32(1 / jobs.SHAPE), F32(jobs.AT_YEARS)
ACCELERATORS, LANES_EACH = jobs.ACCELERATORS, jobs.LANES
SPARES = jobs.LANES - jobs.LANES_NEEDED
LAST = U32(0xFFFFFFFF)


@numba.njit
def _lifetimes(bits, out):
    """Weibull lifetimes by the library's logarithm and power; small words fail early."""
    for j in range(LANES):
        out[j] = SCALE * (-np.log(F32(1) - uniform32(bits[j]))) ** EXPONENT


@numba.njit
def _fast_lifetimes(bits, out):
    """The same by polynomials."""
    for j in range(LANES):
        log_exposure = fast_log(-fast_log(F32(1) - uniform32(bits[j])))
        out[j] = SCALE * fast_exp(EXPONENT * log_exposure)


@numba.njit
def _words(bits, out):
    """No transform: order statistics are taken on the words."""
    for j in range(LANES):
        out[j] = bits[j]


@numba.njit
def _keep_two(x, first, second):
    """Smallest and second smallest so far; `min` and `max` would not vectorise, for NaN's sake."""
    for j in range(LANES):
        a, b, c = x[j], first[j], second[j]
        later = a if a > b else b
        second[j] = later if later < c else c
        first[j] = a if a < b else b


@numba.njit
def _system(state, bits, x, first, second, transform, never, system):
    """First of the blocks' second failures."""
    system[:] = never
    for _ in range(BLOCKS):
        first[:] = never
        second[:] = never
        for _ in range(COPIES):
            fill(state, bits)
            transform(bits, x)
            _keep_two(x, first, second)
        for j in range(LANES):
            system[j] = second[j] if second[j] < system[j] else system[j]


@numba.njit
def _transform_first(seed, thread, rounds, transform):
    state, bits = lanes_state(seed, thread), np.empty(LANES, np.uint32)
    x, first = np.empty(LANES, np.float32), np.empty(LANES, np.float32)
    second, system = np.empty(LANES, np.float32), np.empty(LANES, np.float32)
    hits = 0
    for _ in range(rounds):
        _system(state, bits, x, first, second, transform, F32(np.inf), system)
        for j in range(LANES):
            hits += system[j] < AT
    return hits


@numba.njit
def _select_first(seed, thread, rounds, transform):
    state, bits = lanes_state(seed, thread), np.empty(LANES, np.uint32)
    x, first = np.empty(LANES, np.uint32), np.empty(LANES, np.uint32)
    second, system = np.empty(LANES, np.uint32), np.empty(LANES, np.uint32)
    lifetimes = np.empty(LANES, np.float32)
    hits = 0
    for _ in range(rounds):
        _system(state, bits, x, first, second, _words, LAST, system)
        transform(system, lifetimes)
        for j in range(LANES):
            hits += lifetimes[j] < AT
    return hits


@numba.njit(parallel=True)
def _plain(trials):
    """The job as most would write it: Numba's own generator and a loop over trials."""
    hits = 0
    for _trial in numba.prange(trials):
        system = np.inf
        for _ in range(BLOCKS):
            first, second = np.inf, np.inf
            for _ in range(COPIES):
                x = jobs.SCALE_YEARS * np.random.weibull(jobs.SHAPE)  # noqa: NPY002
                if x < first:
                    first, second = x, first
                elif x < second:
                    second = x
            system = min(system, second)
        hits += system < jobs.AT_YEARS
    return hits


def _plain_a(seed: int) -> Sums:
    """Numba's generators are seeded by the system, a thread each: the seed is not theirs."""
    trials = 1 << 18
    hits = int(_plain(trials))
    return Sums(trials, hits, hits, trials * jobs.LIFETIMES, trials * jobs.LIFETIMES)


def _spread(work: Callable, transform: Callable) -> Callable:
    """One worker a thread; the sum of their hits."""

    @numba.njit(parallel=True)
    def run(seed, threads, rounds):
        hits = np.zeros(threads, np.int64)
        for thread in numba.prange(threads):
            hits[thread] = work(seed, thread, rounds, transform)
        return hits.sum()

    return run


def job_a(seconds: float) -> list[Measurement]:
    """8 x 3-of-4 Weibull."""
    ways = {
        "every lifetime": (_transform_first, _lifetimes),
        "every lifetime, polynomials": (_transform_first, _fast_lifetimes),
        "order statistics first": (_select_first, _fast_lifetimes),
    }
    rounds, threads = 2000, numba.get_num_threads()
    trials = rounds * threads * LANES
    draws = trials * jobs.LIFETIMES
    job = Job(
        "a", TOOL, "lifetimes", jobs.exact_a(), method="every lifetime, plain", proportion=True
    )
    rows = [measure(job, _plain_a, seconds)]
    for method, (work, transform) in ways.items():
        run = _spread(work, transform)

        def once(seed, run=run):
            hits = int(run(seed, threads, rounds))
            return Sums(trials, hits, hits, draws, draws)

        job = Job("a", TOOL, "lifetimes", jobs.exact_a(), method=method, proportion=True)
        rows.append(measure(job, once, seconds))
    return rows


@numba.njit
def _exponentials(bits, threshold, count):
    """A lane has failed when its exponential lifetime is below the mission's exposure."""
    for j in range(LANES):
        count[j] += -fast_log(F32(1) - uniform32(bits[j])) < threshold


@numba.njit
def _bernoulli(bits, threshold, count):
    """The same without the lifetime."""
    for j in range(LANES):
        count[j] += uniform32(bits[j]) < threshold


@numba.njit
def _short(seed, thread, trials, threshold, failing):
    """Trials with a short accelerator, and failed lanes; LANES accelerators side by side."""
    state, bits = lanes_state(seed, thread), np.empty(LANES, np.uint32)
    count = np.empty(LANES, np.uint32)
    hits, failed = 0, 0
    for _ in range(trials):
        short = 0
        for _ in range(ACCELERATORS // LANES):
            count[:] = 0
            for _ in range(LANES_EACH):
                fill(state, bits)
                failing(bits, threshold, count)
            for j in range(LANES):
                failed += count[j]
                short += count[j] > SPARES
        hits += short > 0
    return hits, failed


def _spread_short(failing: Callable) -> Callable:
    @numba.njit(parallel=True)
    def run(seed, threads, trials, threshold):
        hits, failed = np.zeros(threads, np.int64), np.zeros(threads, np.int64)
        for thread in numba.prange(threads):
            hits[thread], failed[thread] = _short(seed, thread, trials, threshold, failing)
        return hits.sum(), failed.sum()

    return run


def job_d(seconds: float) -> list[Measurement]:
    """512 x 40 lanes, every lane drawn."""
    each, threads = 2000, numba.get_num_threads()
    trials, draws = each * threads, each * threads * jobs.ALL_LANES
    ways = {"every lifetime": _exponentials, "every lane's state at 5 y": _bernoulli}
    rows = []
    for fit in jobs.LANE_FITS:
        for method, failing in ways.items():
            run = _spread_short(failing)
            exposure = fit * jobs.FIT * jobs.MISSION
            threshold = F32(exposure if failing is _exponentials else jobs.lane_prob(fit))

            def once(seed, run=run, threshold=threshold):
                hits, failed = run(seed, threads, each, threshold)
                return Sums(trials, int(hits), int(hits), draws, draws, int(failed))

            case = f"{fit} FIT"
            job = Job("d", TOOL, "lanes", jobs.exact_d(fit), case, method, proportion=True)
            rows.append(measure(job, once, seconds, jobs.failed_lanes_note(fit)))
    return rows
