"""A job on a pool of servers: exact cases, and the same in plain Python."""

import dataclasses
import random
import statistics

import jax
import numpy as np
import pytest
from _plain_pool import plain_job

from fdmc.workload import ServerPool, pool_job


Z = 4.9
SMALL = ServerPool(
    job=12,
    standbys=2,
    working=16,
    spares=3,
    bad_share=0.3,
    failures_per_hour=2e-3,
    bad_failures_per_hour=2e-2,
    recovery_hours=1.0,
    selection_hours=2.0,
    fetch_hours=3.0,
    automatic_hours=20.0,
    manual_hours=60.0,
    manual_prob=0.6,
    automatic_false_prob=0.5,
    manual_false_prob=0.3,
)


def run(pool: ServerPool, hours: float, replicas: int = 256, seed: int = 1):
    keys = jax.random.split(jax.random.key(seed), replicas)
    out = jax.jit(jax.vmap(lambda key: pool_job(pool, hours, key)))(keys)
    return jax.tree.map(np.asarray, out)


def test_nothing_fails():
    out = run(ServerPool(job=4, standbys=0, working=4, spares=0), 100.0, replicas=4)
    np.testing.assert_array_equal(out.hours, 100)
    np.testing.assert_array_equal(out.failures, 0)


@pytest.mark.statistical
def test_failures_of_good_servers_are_those_of_a_poisson_process():
    """Repairs are quick, so that nobody waits: the mean is rate x servers x run time, and so is the variance."""
    pool = ServerPool(
        job=100,
        standbys=10,
        working=120,
        spares=0,
        failures_per_hour=1e-3,
        recovery_hours=0.5,
        automatic_hours=0.01,
    )
    out = run(pool, 1000.0, replicas=1024)
    assert abs(out.failures.mean() - 100) <= Z * np.sqrt(100 / 1024)
    assert out.failures.var() == pytest.approx(100, rel=Z * np.sqrt(2 / 1024))
    np.testing.assert_array_equal(out.selections, 0)
    np.testing.assert_allclose(out.hours, 1000 + 0.5 * out.failures, rtol=1e-6)


@pytest.mark.statistical
def test_every_bad_server_fails_until_a_repair_is_not_false():
    """Nobody stands by, so that all are in the job; by the end all are good: 1 / (1 - P(false)) failures each."""
    pool = dataclasses.replace(SMALL, standbys=0, working=12, spares=0)
    out = run(pool, 4000.0, replicas=1024)
    bad, false = int(0.3 * 12), 0.4 * 0.5 + 0.6 * 0.3
    mean, variance = bad / (1 - false), bad * false / (1 - false) ** 2
    assert abs(out.bad_failures.mean() - mean) <= Z * np.sqrt(variance / 1024)


@pytest.mark.statistical
@pytest.mark.parametrize("more", [{}, {"spares": 0}, {"standbys": 0}, {"standbys": 4}])
def test_it_is_the_plain_one(more):
    pool = dataclasses.replace(SMALL, **more)
    replicas, hours = 2048, 1500.0
    out = run(pool, hours, replicas)
    assert not out.full.any()
    rng = random.Random(str(more))
    plain = [plain_job(pool, hours, rng) for _ in range(replicas)]
    for name in ("hours", "failures", "bad_failures", "selections", "fetched"):
        got, want = getattr(out, name).astype(float), [one[name] for one in plain]
        spread = np.hypot(got.std(ddof=1), statistics.stdev(want)) / np.sqrt(replicas)
        assert abs(got.mean() - statistics.fmean(want)) <= Z * spread + 1e-3, name
    if not more:
        assert out.fetched.mean() > 1  # the case is worth comparing
        assert out.selections.mean() > 3


def test_too_many_repairs_are_told():
    pool = dataclasses.replace(SMALL, repairs=1)
    assert run(pool, 1500.0, replicas=8).full.any()


def test_a_pool_smaller_than_its_job():
    with pytest.raises(ValueError, match="at least job"):
        ServerPool(job=4, standbys=2, working=5, spares=9)
