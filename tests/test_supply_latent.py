"""Latent defects in the field: closed forms for packages that are never swapped, the plain reference for others."""

import dataclasses
import functools
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from fdmc.collect import burn_in_trade
from fdmc.collect._engine import _jitted, first_bounds
from fdmc.collect._manufacture_burn_in import burnt
from fdmc.collect._manufactured import exact_metrics
from fdmc.kernel import Bounds, stream_keys
from fdmc.kernel._latent import brought, defect, renumbered
from fdmc.kernel._renewal import Renewals
from fdmc.kernel._supply import Pool
from fdmc.lifetime import Remaining, cumulative_hazard, hours_at, mean_hours
from fdmc.plan import lower
from fdmc.reference import history
from fdmc.reference._machine import build
from fdmc.report._format import best, interval
from fdmc.spec import Weibull, load
from fdmc.yields import factory, shipped_latent_lanes
from fdmc.yields._mixture import binomial_prob, gamma_nodes


Z = 4.9  # one false alarm in a million
COUNT, NEED, PACKAGES, ALPHA = 18, 16, 4, 2.0
HOURS = 5 * 8760.0
BURNT = Weibull(0.5, 20_000.0), 600.0
DOCUMENT = {
    "mission": "5 y",
    "components": {
        "gpu": {"rate": "20000 FIT", "repair": "100 h"},
        "ring": {"rate": "1000 FIT", "repair": "10 h"},
    },
    "units": {
        "pod": {"contains": {"tray": 2}},
        "tray": {"contains": {"package": 2}},
        "package": {"contains": {"engine": 2}, "components": {"gpu": 1}},
        "engine": {"contains": {"lane": {"count": COUNT, "need": NEED}}},
        "lane": {"components": {"ring": 1}},
    },
    "fabric": {
        "accelerator": "package", "planes": 4, "lanes_per_link": 8, "lane_rate": "200 Gb/s",
    },
    "service": {
        "replace": {
            "ring": {"swap": "package", "time": "2000 h"},
            "gpu": {"swap": "tray", "takes_out": "tray"},
        }
    },
    "workload": {"compute": "10 ms", "collectives": [{"op": "all_reduce", "size": "1 GiB"}]},
    "manufacturing": {
        "unit": "package",
        "lanes": {"unit": "lane", "die": "pic", "area": "0.5 mm2"},
        "clustering": {"die": ALPHA},
        "parts": {"pic": {"area": "20 mm2", "density": "2 /cm2", "test": 1, "wafer": {"cost": 5000}}},
        "steps": [{"step": "stack", "parts": {"pic": 2}, "lanes": {"loss": 0.02}, "good": 0.9}],
        "latent": {
            "ratio": 15,
            "infant": {"shape": BURNT[0].shape, "scale": f"{BURNT[0].scale_hours} h"},
            "burn_in": {"time": "12 h", "acceleration": 50},
        },
    },
}  # fmt: skip
NEVER = ["service.replace.ring.time=80 y", "components.gpu.rate=0.01 FIT"]
LANE, RING = "engine/lane:latent", "lane/ring"


@functools.cache
def bounds() -> Bounds:
    """One program for every machine here: roomy enough for all."""
    found = first_bounds(lower(load(DOCUMENT))[1], 0)
    return dataclasses.replace(found, outages=8, latents=40, renewals=24, packages=192)


def counts(sets=(), replicas=2048):
    """Occurrences and jobs by class, and lost hours, of histories that hit no bound."""
    plan, directory = lower(load(DOCUMENT, list(sets)))
    keys = jnp.asarray(stream_keys(1, np.asarray(plan.streams)))
    out = _jitted(plan, keys, jnp.arange(replicas, dtype=jnp.uint32), bounds=bounds())
    assert not np.any(out.status), "every history fits, so that none is left out"
    words = np.asarray(out.failures)
    names = [c.name for c in directory.classes]
    failures = dict(zip(names, words & 0xFFFF, strict=True))
    jobs = dict(zip(names, words >> 16, strict=True))
    return failures, jobs, np.asarray(out.lost_hours)


@pytest.fixture(scope="module")
def kept():
    """Packages that are never swapped."""
    return counts(NEVER)


def z_of(sample, expected) -> float:
    sample = np.asarray(sample, float)
    return (sample.mean() - expected) / (sample.std() / np.sqrt(len(sample)))


def test_what_is_left_of_an_infant_life():
    """H(burnt + t) - H(burnt), its inverse, and the mean by the survivors' draws; exponential lives forget."""
    law, since = BURNT
    left, t = Remaining(law, since), np.array([1e-3, 1.0, 600.0, 43_800.0])
    known = cumulative_hazard(law, since + t) - cumulative_hazard(law, since)
    np.testing.assert_allclose(cumulative_hazard(left, t), known, rtol=1e-9)
    np.testing.assert_allclose(hours_at(left, known), t, rtol=1e-9)
    drawn = law.scale_hours * np.random.default_rng(0).weibull(law.shape, 1_000_000)
    assert abs(z_of(np.minimum(drawn[drawn > since] - since, 1e5), mean_below(left, 1e5))) < Z
    assert mean_hours(Remaining(Weibull(1.0, 5e4), since)) == pytest.approx(5e4, rel=1e-3)


def mean_below(law, limit: float) -> float:
    t = np.linspace(0, limit, 200_001)
    return float(np.trapezoid(np.exp(-cumulative_hazard(law, t)), t))


def test_latent_defects_fail_by_the_infant_law(kept):
    """As many as ship, each with the probability that its life, as burn-in has left it, ends in the mission."""
    works = factory(load(DOCUMENT))
    each = shipped_latent_lanes(works.die, works.dies, works.clustering)
    failed = -np.expm1(-cumulative_hazard(Remaining(*BURNT), HOURS))
    assert 4 < PACKAGES * each * failed < 16  # enough to see
    assert abs(z_of(kept[0][LANE], PACKAGES * each * failed)) < Z


def test_engines_run_short_of_what_test_and_field_take(kept):
    """Each engine by a mixture over its density: lanes lost at test, then lanes that a ring or a defect fails."""
    die = factory(load(DOCUMENT)).die
    values, weights = gamma_nodes(ALPHA)
    hazard = die.lane_defects * values + die.lane_hazard
    spares, used = COUNT - NEED, np.arange(COUNT - NEED + 1)
    whole = np.exp(-die.fatal_defects * values - die.shared_hazard)[:, None]
    lost = whole * np.asarray(binomial_prob(COUNT, -np.expm1(-hazard)))[:, : spares + 1]
    weak = -np.expm1(-die.latent_ratio * die.lane_defects * values)
    latent = weak * -np.expm1(-cumulative_hazard(Remaining(*BURNT), HOURS))
    for share, agrees in ((latent, True), (0 * latent, False)):
        fails = 1 - np.exp(-1e-6 * HOURS) * (1 - share)
        short = scipy.stats.binom.sf(spares - used, COUNT - used, fails[:, None])
        engine = weights @ (lost * short).sum(1) / (weights @ lost.sum(1))
        z = z_of(kept[1][RING] + kept[1][LANE], PACKAGES * (1 - (1 - engine) ** 2))
        assert (abs(z) < Z) == agrees
    assert kept[1][LANE].sum() > 0  # a defect takes the last lane now and then


def test_swaps_bring_packages_with_defects_of_their_own():
    """The plain reference, swaps of a package and of a whole tray among them."""
    failures, jobs, lost_hours = counts()
    machine = build(load(DOCUMENT))
    runs = [history(machine, 1, k) for k in range(160)]
    short = jobs[RING] + jobs[LANE]
    pairs = {
        "jobs": (short, [float(run.jobs["ring"]) for run in runs]),
        "lost": (lost_hours, [run.hours - run.work for run in runs]),
        **{name: (x, [float(run.failures[name]) for run in runs]) for name, x in failures.items()},
    }
    assert failures["package/gpu"].mean() > 2  # trays are swapped, over packages swapped before
    assert short.mean() > 1
    for name, (ours, theirs) in pairs.items():
        a, b = np.asarray(ours, float), np.asarray(theirs, float)
        error = np.sqrt(a.var() / len(a) + b.var() / len(b))
        assert abs(a.mean() - b.mean()) < Z * error, name


def test_early_life_comes_first(kept):
    """The first year has more than a fifth of what the mission has, by its closed form: the hazard falls."""
    works = factory(load(DOCUMENT))
    each = PACKAGES * shipped_latent_lanes(works.die, works.dies, works.clustering)
    failed = -np.expm1(-cumulative_hazard(Remaining(*BURNT), [8760.0, HOURS]))
    first = counts([*NEVER, "mission=1 y"])[0][LANE]
    assert abs(z_of(first, each * failed[0])) < Z
    assert failed[0] > 1.3 * failed[1] / 5


@pytest.fixture(scope="module")
def plan():
    return lower(load(DOCUMENT))[0]


def test_the_defect_of_a_clock_is_a_lane_after_those_lost_at_test(plan):
    """Defects of a new machine in the order of its groups, then those of a swap's packages; stale ones are void."""
    homes, n = np.asarray(plan.supply.homes), 4
    lost, latent = np.zeros((2, 2, 8, n), np.int8)
    lost[0, 0], latent[0, 0], latent[1, 1], latent[0, 2] = 2, 1, 2, 1  # groups 0, 3 and 4
    lost[1, 5], latent[1, 5] = 1, 2  # package 5, the second of a swap: its second die
    new = np.moveaxis(latent[:, :4], 0, 1).reshape(8, n)
    pool = Pool(
        jnp.asarray(lost), jnp.asarray(latent), jnp.cumsum(jnp.asarray(new, jnp.int32), 0),
        jnp.full(n, 8),
    )  # fmt: skip
    low, high = jnp.full(n, homes[4] - 2), jnp.full(n, homes[7] + COUNT)
    taken, first = jnp.full(n, 4), jnp.repeat(jnp.arange(4), 2)[:, None] + jnp.zeros((8, n), int)
    done = jnp.array([True, True, True, False])
    np.testing.assert_array_equal(brought(plan, pool, taken, done, low, high), [2, 2, 2, 0])
    package = renumbered(plan, pool, first, taken, done, low, high)
    np.testing.assert_array_equal(package[:, 0], [0, 0, 1, 1, 4, 4, 5, 5])
    np.testing.assert_array_equal(package[:, 3], first[:, 3])
    r = Renewals(
        low[None], high[None], jnp.zeros((1, n)), taken[None], taken[None], jnp.zeros((1, 1, n)),
        jnp.zeros((1, 1, n)), jnp.full((1, n), 2), taken[None],
    )  # fmt: skip
    cls = jnp.full(n, plan.classes.positions.shape[0] - 1)
    ask = lambda package, renewed, position: defect(
        plan, pool, r, renewed[None], renewed, package, cls, jnp.asarray(position)
    )
    originals = np.array([0 * COUNT + 2, 3 * COUNT, 3 * COUNT + 1, 4 * COUNT])
    for now, last in (
        (first, True),
        (jnp.roll(package, 1, 1), False),
    ):  # group 4 is swapped, or not
        place, there = ask(now, ~done & done, [0, 1, 2, 3])
        np.testing.assert_array_equal(place, originals)
        np.testing.assert_array_equal(there, [True, True, True, last])
    place, there = ask(package, done, [0, 1, 1, 0])
    np.testing.assert_array_equal(place[:3], 7 * COUNT + np.array([1, 2, 2]))
    assert there[:3].all()


BURN_IN = [
    "manufacturing.latent={ratio: 0.02, infant: {shape: 0.4, scale: 50000 h}, "
    "burn_in: {time: 24 h, acceleration: 60, cost: 3}}",
    "units.engine.contains.lane.need=36",
    "fabric.lanes_per_link=9",
]
TIMES = {"none": 0.0, "24 h": 24.0, "4 d": 96.0}


def documented() -> list[list[str]]:
    """The rows of the table of burn-in in docs/yields.md."""
    text = (Path(__file__).parent.parent / "docs" / "yields.md").read_text()
    rows = text.partition("| in the oven |")[2].partition("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in row.strip("| ").split("|")] for row in rows]


@pytest.mark.verification
def test_the_documented_table_of_burn_in():
    """Its exact columns; more burn-in scraps more units, and fewer fail in the first year."""
    shipped, early = [], []
    for row in documented():
        scenario = burnt(load("cpo-2d", BURN_IN), TIMES[row[0]])
        works = factory(scenario)
        exact = exact_metrics(scenario, works, works.shipment())[0]
        names = "unit.ship_prob", "unit.cost", "unit.latent_failures.first_year"
        ships, cost, fails = (exact[name].best for name in names)
        assert row[1:4] == [f"{100 * ships:.3f}", f"{cost:.2f}", f"{fails:.6f}"]
        shipped.append(ships)
        early.append(fails)
    assert len(shipped) == len(TIMES)
    assert shipped == sorted(shipped, reverse=True)
    assert early == sorted(early, reverse=True)


@pytest.mark.verification
def test_the_documented_goodput_of_burn_in():
    """Its sampled columns, from the same replicas."""
    found = burn_in_trade(load("cpo-2d", BURN_IN), list(TIMES.values()))
    for cells, row in zip(documented(), found, strict=True):
        seen = row.first_year, row.first_year_latent, row.mission, row.mission_latent
        assert cells[4:] == [f"{best(e)} {interval(e)}" for e in seen]


def test_without_an_infant_law_histories_follow_none():
    """Numbers of a machine whose latent defects are only counted are those of one that has none."""
    off = ["manufacturing.latent.infant=null", "manufacturing.latent.burn_in=null"]
    without = lower(load(DOCUMENT, off))
    none = lower(load(DOCUMENT, ["manufacturing.latent=null"]))
    assert not without[0].latent
    assert [c.name for c in without[1].classes] == [c.name for c in none[1].classes]
    assert without[1].classes[-1].name == RING
