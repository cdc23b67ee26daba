"""Numba: an event loop for the repairable domain of job (c)."""

import numba
import numpy as np

from benchmarks import _jobs as jobs
from benchmarks._measure import Measurement

from ._numba_histories import ALL, MISSION, rows, two
from ._numba_random import LANES


TRAYS, PER_TRAY, TECHNICIANS = jobs.TRAYS, jobs.PER_TRAY, jobs.TECHNICIANS
ACCELERATORS = jobs.ACCELERATORS * jobs.ACCELERATOR_RATE  # rate of the class
ALL_PARTS = ACCELERATORS + jobs.TRAYS * jobs.BOARD_RATE
BOARD = 1 << PER_TRAY  # the board's bit beside its accelerators'


@numba.njit(inline="always", error_model="numpy")
def _lost(dead, repairing):
    """Accelerators that a tray has lost, from the bits of its failed parts."""
    if repairing or dead & BOARD:
        return PER_TRAY
    lost = 0
    while dead:
        dead &= dead - 1
        lost += 1
    return lost


@numba.njit(inline="always", error_model="numpy")
def _failing_part(choice):
    """Tray and bit of the part that fails, by one draw over the whole population."""
    scaled = choice * (ALL_PARTS / ALL)
    if scaled < ACCELERATORS:
        position = min(int(scaled / jobs.ACCELERATOR_RATE), jobs.ACCELERATORS - 1)
        return position // PER_TRAY, 1 << (position % PER_TRAY)
    return min(int((scaled - ACCELERATORS) / jobs.BOARD_RATE), TRAYS - 1), BOARD


@numba.njit(inline="always", error_model="numpy")
def _next_failure(now, state):
    """When some part of all, new or not, would fail next (void if it has), and the draw for which.

    Replaced parts need no clocks of their own: all are exponential.
    """
    e, choice = two(state)
    return now + e / ALL_PARTS, choice


@numba.njit(inline="always", error_model="numpy")
def _earliest(busy):
    done = 0
    for i in range(1, TECHNICIANS):
        if busy[i] < busy[done]:
            done = i
    return done


@numba.njit(inline="always", error_model="numpy")
def _start(tray, now, state, dead, out, busy, at_work):
    """Send a free technician; how many accelerators that takes beside those already lost."""
    free = 0
    while busy[free] < np.inf:
        free += 1
    lost = _lost(dead[tray], False)
    out[tray], at_work[free] = True, tray
    busy[free] = now + two(state)[0] / jobs.REPAIR_RATE
    return PER_TRAY - lost


@numba.njit(error_model="numpy")
def _domain(state):
    """The repairable domain: hours x accelerators lost, occurrences, words drawn.

    One clock for all parts, one for every technician, and a ring of trays that wait.
    """
    dead = np.zeros(TRAYS, np.int64)
    opened, out = np.zeros(TRAYS, np.bool_), np.zeros(TRAYS, np.bool_)
    busy, at_work = np.full(TECHNICIANS, np.inf), np.zeros(TECHNICIANS, np.int64)
    ring, head, waiting, repairing = np.zeros(TRAYS, np.int64), 0, 0, 0
    lost_hours, lost, now, occurrences, words = 0.0, 0, 0.0, 0, 1
    failure, choice = _next_failure(0.0, state)
    while True:
        done = _earliest(busy)
        following = min(failure, busy[done], MISSION)
        lost_hours += lost * (following - now)
        now = following
        if now >= MISSION:
            return lost_hours, occurrences, words
        if failure < busy[done]:
            tray, bit = _failing_part(choice)
            failure, choice = _next_failure(now, state)
            words += 1
            if dead[tray] & bit:
                continue
            lost -= _lost(dead[tray], out[tray])
            dead[tray] |= bit
            lost += _lost(dead[tray], out[tray])
            if not opened[tray]:  # otherwise its open job renews this part as well
                opened[tray] = True
                ring[(head + waiting) % TRAYS] = tray
                waiting += 1
        else:
            tray = at_work[done]
            lost -= PER_TRAY
            repairing -= 1
            dead[tray], opened[tray], out[tray], busy[done] = 0, False, False, np.inf
        occurrences += 1
        while waiting and repairing < TECHNICIANS:
            lost += _start(ring[head % TRAYS], now, state, dead, out, busy, at_work)
            head, waiting, repairing, words = head + 1, waiting - 1, repairing + 1, words + 1


@numba.njit(error_model="numpy")
def _domain_reward(state):
    lost_hours, occurrences, words = _domain(state)
    return 1 - lost_hours / (jobs.ACCELERATORS * MISSION), occurrences, words


def job_c(seconds: float) -> list[Measurement]:
    """The repairable domain of 512 accelerators."""
    ways = {"one clock for all parts": _domain_reward}
    return rows("c", jobs.exact_c(), ways, 16 * LANES, seconds)
