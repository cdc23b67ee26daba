"""Numba, all cores: the sampling jobs here, the histories in `_numba_histories.py`.

Every thread has its own stream; trials run side by side in blocks that fit the first cache.
"""

import math

import numba
import numpy as np

from benchmarks import _jobs as jobs
from benchmarks._measure import Job, Measurement, Sums, measure

from ._numba_histories import job_b as job_b, job_c as job_c
from ._numba_random import LANES, F32, U32, fill, lanes_state, uniform32


TOOL = "Numba"
BLOCKS, COPIES, SCALE, EXPONENT = jobs.BLOCKS, jobs.COPIES, jobs.SCALE_YEARS, 1 / jobs.SHAPE
ACCELERATORS, PER_ACCELERATOR = jobs.ACCELERATORS, jobs.LANES
SPARES = jobs.LANES - jobs.LANES_NEEDED


@numba.njit(inline="always")
def _lifetime(bits):
    """Small words fail early."""
    return F32(SCALE) * (-np.log(F32(1) - uniform32(bits))) ** F32(EXPONENT)


@numba.njit(parallel=True, fastmath=True)
def _all_lifetimes(seed, threads, rounds):
    """Every lifetime transformed; each block ends with its second failure."""
    hits = np.zeros(threads, np.int64)
    for thread in numba.prange(threads):
        state, bits = lanes_state(seed, thread), np.empty(LANES, np.uint32)
        first, second, system = (np.empty(LANES, np.float32) for _ in range(3))
        count = 0
        for _ in range(rounds):
            system[:] = np.inf
            for _ in range(BLOCKS):
                first[:] = np.inf
                second[:] = np.inf
                for _ in range(COPIES):
                    fill(state, bits)
                    for j in range(LANES):
                        t = _lifetime(bits[j])
                        second[j] = min(second[j], max(first[j], t))
                        first[j] = min(first[j], t)
                for j in range(LANES):
                    system[j] = min(system[j], second[j])
            for j in range(LANES):
                count += system[j] < F32(jobs.AT_YEARS)
        hits[thread] = count
    return hits.sum()
