"""Packages in the field: the spares that test has used, in the machine at time zero and after every swap."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

import fdmc
from fdmc.collect._engine import Engine, first_bounds
from fdmc.kernel import packages, stream_keys
from fdmc.kernel._supply import Pool, machine, shipped, swapped, used_spares
from fdmc.plan import PACKAGE_STREAMS, PlanError, lower, stream
from fdmc.spec import load
from fdmc.yields import die_lanes_lost_prob, factory


Z = 4.9  # one false alarm in a million
LOSS, RATE_PER_HOUR, MISSION_HOURS = 0.04, 1.5e-6, 5 * 8760.0
COUNT, NEED = 36, 32
DOCUMENT = {
    "mission": "5 y",
    "components": {
        "gpu": {"rate": "1000 FIT", "repair": "10 h"},
        "ring": {"rate": "1500 FIT", "repair": "10 h"},
    },
    "units": {
        "pod": {"contains": {"tray": 4}},
        "tray": {"contains": {"package": 4}},
        "package": {"contains": {"engine": 2}, "components": {"gpu": 1}},
        "engine": {"contains": {"lane": {"count": COUNT, "need": NEED}}},
        "lane": {"components": {"ring": 1}},
    },
    "fabric": {
        "accelerator": "package", "planes": 8, "lanes_per_link": 4, "lane_rate": "200 Gb/s",
    },
    "service": {"replace": {"ring": {"swap": "package", "time": "80 y"}, "gpu": {"swap": "gpu"}}},
    "workload": {"compute": "10 ms", "collectives": [{"op": "all_reduce", "size": "1 GiB"}]},
    "manufacturing": {
        "unit": "package",
        "lanes": {"unit": "lane", "die": "pic", "area": "0.1 mm2"},
        "clustering": {"die": 1000},
        "parts": {"pic": {"area": "20 mm2", "density": "0.05 /cm2", "test": 1, "wafer": {"cost": 5000}}},
        "steps": [{"step": "stack", "parts": {"pic": 2}, "lanes": {"loss": LOSS}, "good": 0.9}],
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def lowered():
    scenario = load(DOCUMENT)
    return scenario, *lower(scenario)


def keys_of(plan, seed=1):
    return jnp.asarray(stream_keys(seed, np.asarray(plan.streams)))


def test_the_machine_is_built_of_the_packages_that_ship(lowered):
    """In their order, dies together: those that the factory's own kernel draws for the same replicas."""
    _, plan, directory = lowered
    replica, candidates = jnp.arange(16, dtype=jnp.uint32), directory.packages
    pool = shipped(plan, keys_of(plan), replica, candidates)
    names = np.array([stream(name) for name in PACKAGE_STREAMS], np.uint32)
    made = packages(
        dataclasses.replace(plan.supply.factory, packages=candidates),
        jnp.asarray(stream_keys(1, names)),
        replica,
    )
    lost, scrapped = np.asarray(made.lost), np.asarray(made.scrapped)
    used = np.asarray(machine(plan, pool.lost)).reshape(16, 2, -1)  # packages, dies, replicas
    for k in range(16):
        good = np.flatnonzero((lost[:, :, k] <= COUNT - NEED).all(0) & ~scrapped[:, k])
        assert len(good) == pool.ready[k]
        np.testing.assert_array_equal(used[:, :, k], lost[:, good[:16], k].T)
    assert scrapped.any()
    assert (lost > COUNT - NEED).any()


def test_lanes_that_test_has_found_lost_do_not_fail(lowered):
    _, plan, directory = lowered
    first = sum(c.copies for c in directory.classes[: _ring(directory)])
    used = jnp.full((32, 1), 3, jnp.int8)
    for lane, lives in enumerate([False, False, False, True, True]):
        count, alive = used_spares(plan, used, jnp.array([first + COUNT + lane]))
        assert (int(count[0]), bool(alive[0])) == (3, lives)
    gpu = [c.name for c in directory.classes].index("package/gpu")
    start = sum(c.copies for c in directory.classes[:gpu])
    assert int(used_spares(plan, used, jnp.array([start]))[0][0]) == 0


def _ring(directory) -> int:
    return [c.name for c in directory.classes].index("lane/ring")


def test_a_swap_takes_the_next_packages_of_the_pool(lowered):
    """Package 2 is swapped in replica 0, nothing in replica 1: both its engines are those of package 16."""
    _, plan, _ = lowered
    lost = jnp.asarray(np.arange(2 * 40 * 2).reshape(2, 40, 2) % 5, jnp.int8)
    pool = Pool(lost, lost[:0], lost[:0, :0], jnp.array([40, 40]))
    used, homes = machine(plan, lost), np.asarray(plan.supply.homes)
    low = jnp.array([homes[4] - 3, 1])
    high = jnp.array([homes[5] + COUNT, 0])
    taken = jnp.array([16, 16])
    after, number = swapped(plan, pool, used, taken, jnp.array([True, False]), low, high)
    expected = np.array(used)
    expected[4:6, 0] = np.asarray(lost)[:, 16, 0]
    np.testing.assert_array_equal(after, expected)
    np.testing.assert_array_equal(number, [17, 16])


def short_prob(works, one_pool: bool = True, hours: float = MISSION_HOURS) -> float:
    """Of an engine that is not swapped until then: the mixture of binomials over the spares that test has left."""
    spares, failed = COUNT - NEED, -np.expm1(-RATE_PER_HOUR * hours)
    if not one_pool:
        return float(scipy.stats.binom.sf(spares, COUNT, failed))
    lost = die_lanes_lost_prob(works.die, works.clustering)[: spares + 1]
    used = np.arange(spares + 1)
    return float(lost / lost.sum() @ scipy.stats.binom.sf(spares - used, COUNT - used, failed))


def test_engines_run_short_as_often_as_the_spares_left_say(lowered):
    """Nothing is swapped in time, so that a package is short once."""
    scenario, plan, directory = lowered
    short = short_prob(factory(scenario))
    assert short > 3 * short_prob(factory(scenario), one_pool=False)
    bounds = dataclasses.replace(first_bounds(directory, 0), outages=64)
    replicas = 4096
    engine = Engine(plan, 1, jax.local_devices())
    try:
        out = engine.submit(0, np.arange(replicas, dtype=np.uint64), bounds).result()
    finally:
        engine.close()
    assert not np.any(out.status)
    jobs = np.asarray(out.failures)[_ring(directory)] >> 16
    expected = 16 * (1 - (1 - short) ** 2)
    assert abs(jobs.mean() - expected) <= Z * jobs.std() / np.sqrt(replicas)


def test_a_snapshot_begins_with_the_spares_that_test_has_left(lowered, monkeypatch):
    """None of 32 engines is short after a year; with few candidates the replicas are run again."""
    scenario = load(DOCUMENT, ["components.gpu.rate=0.001 FIT"])
    plan, directory = lower(scenario)
    few = plan, dataclasses.replace(directory, packages=17)
    monkeypatch.setattr("fdmc.collect._static.lower", lambda _: few)
    seen = fdmc.snapshot(scenario, time_hours=8760.0, replicas=8192)["full_strength"]
    whole = lambda one_pool: (1 - short_prob(factory(scenario), one_pool, 8760.0)) ** 32
    half = Z / 1.96 * seen.width / 2
    assert abs(seen.best - whole(True)) <= half
    assert abs(seen.best - whole(False)) > half


def test_made_lanes_come_whole():
    alone = load(DOCUMENT, ["service.replace.ring.swap=ring"])
    with pytest.raises(PlanError, match="makes in groups"):
        lower(alone)
    bad = load(
        DOCUMENT, ["manufacturing.steps=[{step: stack, parts: {pic: 2}, lanes: {loss: 0.5}}]"]
    )
    with pytest.raises(PlanError, match="ship at full bandwidth"):
        lower(bad)


def test_the_same_histories_without_a_factory_lose_less():
    quick = ["service.replace.ring.time=24 h"]
    made = load(DOCUMENT, quick)
    drawn = load(DOCUMENT, [*quick, "manufacturing.on=false"])
    gain = fdmc.compare([made, drawn], replicas=256).gain[1]
    assert gain.low > 0
