"""A job on a pool of servers with standbys, spares and false repairs (V09)."""

import math
from collections.abc import Iterator

import jax
import numpy as np

import fdmc
from fdmc.workload import PoolOutcome, ServerPool, pool_job

from ._cluster_rows import Published


DAYS, REPLICAS = 256, 64
RATE = 0.01 / 24


def pool(bad_rate: float) -> ServerPool:
    """The servers of AIReSim's report."""
    return ServerPool(
        job=4096,
        standbys=16,
        working=4160,
        spares=200,
        bad_share=0.15,
        failures_per_hour=RATE,
        bad_failures_per_hour=bad_rate,
        recovery_hours=20 / 60,
        selection_hours=3 / 60,
        fetch_hours=20 / 60,
        automatic_hours=2.0,
        manual_hours=48.0,
        manual_prob=0.8,
        automatic_false_prob=0.4,
        manual_false_prob=0.2,
    )


def outcomes(servers: ServerPool, replicas: int = REPLICAS) -> PoolOutcome:
    """That many histories of the job."""
    keys = jax.random.split(jax.random.key(0), replicas)
    out = jax.jit(jax.vmap(lambda key: pool_job(servers, DAYS * 24.0, key)))(keys)
    if np.any(np.asarray(out.full)):
        raise RuntimeError("more repairs at a time than there is room for.")
    return out


def mean(values: np.ndarray, unit: str) -> fdmc.Estimate:
    """Mean and 95 % interval."""
    values = np.asarray(values, np.float64)
    best, half = values.mean(), 1.96 * values.std(ddof=1) / math.sqrt(values.size)
    return fdmc.Estimate(best - half, best, best + half, unit, values.size)


def job_on_a_pool() -> Iterator[Published]:
    """V09: AIReSim's report."""
    rest = "exponential repairs, 3 min to choose servers again, 20 min to fetch a spare"
    readings = {"a bad server fails 5 times as often": 5, "5 times as often besides": 6}
    for reading, factor in readings.items():
        out = outcomes(pool(factor * RATE))
        told = f"{reading}; {rest}"
        hours, failures = np.asarray(out.hours, np.float64), np.asarray(out.failures)
        for what, value, got in (
            ("hours of a job of 256 days", 9866, mean(hours, "h")),
            ("failures of it", 11_146, mean(failures, "failures")),
            ("effective training ratio", 0.6228, mean(DAYS * 24 / hours, "1")),
        ):
            yield Published("V09", what, value, 0.005 * value, got, told)


CASES = {"V09": job_on_a_pool}
