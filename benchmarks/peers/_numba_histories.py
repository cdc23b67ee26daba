"""Numba: replicas spread over threads, each with its own stream, and the 5-of-6 system."""

from collections.abc import Callable

import numba
import numpy as np

from benchmarks import _jobs as jobs
from benchmarks._measure import Job, Measurement, Sums, measure

from ._numba_random import (
    F32,
    LANES,
    U64,
    fast_log,
    fill,
    lanes_state,
    next64,
    thread_state,
    uniform32,
)


TOOL = "Numba"
MISSION = jobs.MISSION
UNITS, SPARES = jobs.UNITS, jobs.UNITS - jobs.NEEDED
ALL = 2**32  # words are 32 bits, two to a draw


@numba.njit(inline="always", error_model="numpy")
def two(state):
    """A standard exponential, from the upper half of one word, and its lower half."""
    word = next64(state)
    u = (np.float64(word >> U64(32)) + 0.5) * 2.0**-32
    return -fast_log(F32(u)), np.int64(word & U64(ALL - 1))


@numba.njit(error_model="numpy")
def _clocks(state):
    """5-of-6, each unit with its own clock, a queue for the technician: hours up, occurrences."""
    fails, queue = np.empty(UNITS), np.empty(UNITS, np.int64)
    for i in range(UNITS):
        fails[i] = two(state)[0] / jobs.UNIT_RATE
    up_hours, now, repaired, occurrences, failed = 0.0, 0.0, np.inf, 0, 0
    while True:
        first = 0
        for i in range(1, UNITS):
            if fails[i] < fails[first]:
                first = i
        following = min(fails[first], repaired, MISSION)
        up_hours += (following - now) * (failed <= SPARES)
        now = following
        if now >= MISSION:
            return up_hours, occurrences
        occurrences += 1
        if fails[first] < repaired:
            fails[first] = np.inf
            queue[failed] = first
            failed += 1
            if failed == 1:
                repaired = now + two(state)[0] / jobs.REPAIR_RATE
        else:
            fails[queue[0]] = now + two(state)[0] / jobs.UNIT_RATE
            failed -= 1
            for i in range(failed):
                queue[i] = queue[i + 1]
            repaired = now + two(state)[0] / jobs.REPAIR_RATE if failed else np.inf


@numba.njit(error_model="numpy")
def _population(state):
    """5-of-6 by one clock for the number of failed units: one word an occurrence."""
    up_hours, now, occurrences, failed = 0.0, 0.0, 0, 0
    repair_rate = jobs.REPAIR_RATE
    while True:
        failing = (UNITS - failed) * jobs.UNIT_RATE
        total = failing + (repair_rate if failed else 0.0)
        e, choice = two(state)
        following = min(now + e / total, MISSION)
        up_hours += (following - now) * (failed <= SPARES)
        now = following
        if now >= MISSION:
            return up_hours, occurrences
        occurrences += 1
        failed += 1 if choice * total < failing * ALL else -1


@numba.njit(error_model="numpy")
def _step(choices, words, failed, now, up_hours):
    """One occurrence of every replica that has not ended; how many have not."""
    running = 0
    for j in range(LANES):
        n = failed[j]
        failing = F32(UNITS - n) * F32(jobs.UNIT_RATE)
        total = failing + (F32(jobs.REPAIR_RATE) if n > 0 else F32(0))
        following = now[j] - fast_log(uniform32(words[j])) / total
        goes_on = following < MISSION
        following = following if goes_on else MISSION
        up_hours[j] += following - now[j] if n <= SPARES else 0.0
        now[j] = following
        change = 1 if uniform32(choices[j]) * total < failing else -1
        failed[j] = n + change if goes_on else n
        running += goes_on
    return running


@numba.njit(error_model="numpy")
def _side_by_side(seed, thread, replicas, sums):
    """5-of-6 by one clock, LANES replicas in step, so that the loop vectorises."""
    state = lanes_state(seed, thread)
    choices, words = np.empty(LANES, np.uint32), np.empty(LANES, np.uint32)
    failed, now, up_hours = np.empty(LANES, np.int32), np.empty(LANES), np.empty(LANES)
    for _ in range(replicas // LANES):
        failed[:] = 0
        now[:] = 0.0
        up_hours[:] = 0.0
        running = LANES
        while running:
            fill(state, choices)
            fill(state, words)
            running = _step(choices, words, failed, now, up_hours)
            sums[2] += running
            sums[3] += 2 * LANES
        for j in range(LANES):
            reward = up_hours[j] / MISSION
            sums[0] += reward
            sums[1] += reward * reward


@numba.njit(parallel=True, error_model="numpy")
def _spread_side_by_side(seed, threads, each):
    sums = np.zeros((threads, 4))
    for thread in numba.prange(threads):
        _side_by_side(seed, thread, each, sums[thread])
    return sums.sum(0)


@numba.njit(error_model="numpy")
def _clocks_reward(state):
    up_hours, occurrences = _clocks(state)
    return up_hours / MISSION, occurrences, UNITS + occurrences


@numba.njit(error_model="numpy")
def _population_reward(state):
    up_hours, occurrences = _population(state)
    return up_hours / MISSION, occurrences, occurrences + 1


def _spread(history: Callable) -> Callable:
    """Replicas over threads: sums of the reward and its square, occurrences, words drawn."""

    @numba.njit(parallel=True, error_model="numpy")
    def run(seed, threads, each):
        sums = np.zeros((threads, 4))
        for thread in numba.prange(threads):
            state = thread_state(seed, thread)
            total, squares, occurrences, words = 0.0, 0.0, 0, 0
            for _ in range(each):
                reward, some, drawn = history(state)
                total += reward
                squares += reward * reward
                occurrences += some
                words += drawn
            sums[thread, 0], sums[thread, 1] = total, squares
            sums[thread, 2], sums[thread, 3] = occurrences, words
        return sums.sum(0)

    return run


def rows(job: str, exact: float, ways: dict, each: int, seconds: float) -> list[Measurement]:
    threads, found = numba.get_num_threads(), []
    for method, history in ways.items():
        run = history if history is _spread_side_by_side else _spread(history)

        def once(seed, run=run):
            total, squares, occurrences, words = run(seed, threads, each)
            return Sums(each * threads, total, squares, occurrences, words)

        found.append(measure(Job(job, TOOL, "occurrences", exact, method=method), once, seconds))
    return found


def job_b(seconds: float) -> list[Measurement]:
    """5-of-6 with one technician."""
    ways = {
        "a clock a unit": _clocks_reward,
        "one clock": _population_reward,
        "one clock, replicas in step": _spread_side_by_side,
    }
    return rows("b", jobs.exact_b(), ways, 16 * LANES, seconds)
