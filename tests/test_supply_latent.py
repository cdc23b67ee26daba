"""Latent defects in the field: closed forms for packages that are never swapped, the plain reference for others."""

import dataclasses
import functools
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from fdmc.collect import burn_in_trade, manufacture
from fdmc.collect._engine import first_bounds
from fdmc.collect._manufacture_burn_in import burnt
from fdmc.collect._manufactured import exact_metrics
from fdmc.kernel import Bounds, history as kernel, stream_keys
from fdmc.kernel._latent import at_risk, brought, defect, renumbered
from fdmc.kernel._renewal import Renewals, advance
from fdmc.kernel._supply import Pool
from fdmc.lifetime import Remaining, cumulative_hazard, hours_at, mean_hours
from fdmc.plan import lower
from fdmc.reference import history
from fdmc.reference._machine import build
from fdmc.report._format import best, interval
from fdmc.spec import Weibull, load
from fdmc.yields import (
    NegativeBinomial,
    early_failure_prob,
    factory,
    shipped_early_prob,
    shipped_latent_lanes,
)
from fdmc.yields._mixture import binomial_prob, gamma_nodes


Z = 4.9  # one false alarm in a million
COUNT, NEED, PACKAGES, ALPHA = 18, 16, 4, 2.0
HOURS = 5 * 8760.0
BURNT = Weibull(0.5, 20_000.0), 6000.0
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
            "package": {"swap": "package", "time": "2000 h"},
            "tray": {"swap": "tray", "takes_out": "tray", "time": "50 h"},
            "gpu": {"swap": "tray", "takes_out": "tray"},
        }
    },
    "workload": {"compute": "10 ms", "collectives": [{"op": "all_reduce", "size": "1 GiB"}]},
    "manufacturing": {
        "unit": "package",
        "lanes": {"unit": "lane", "die": "pic", "area": "0.5 mm2"},
        "clustering": {"die": ALPHA},
        "parts": {
            "pic": {"area": "11 mm2", "density": "2 /cm2", "test": 0.6, "wafer": {"cost": 5000}},
            "eic": {
                "area": "1 mm2",
                "layers": [
                    {"density": "1 /cm2", "layers": 2, "law": "murphy"},
                    {"density": "1 /cm2", "critical": 0.5, "law": {"negative_binomial": 0.7}},
                ],
            },
            "host": {"area": "4 mm2", "density": "1 /cm2", "law": "seeds"},
        },
        "steps": [{"step": "stack", "parts": {"pic": 2, "eic": 1}, "lanes": {"loss": 0.02}, "good": 0.9}],
        "mount": {"unit": "tray", "steps": [{"step": "attach", "parts": {"package": 2, "host": 1}}]},
        "latent": {
            "ratio": 15,
            "infant": {"shape": BURNT[0].shape, "scale": f"{BURNT[0].scale_hours} h"},
            "burn_in": {"time": "120 h", "acceleration": 50},
        },
    },
}  # fmt: skip
NEVER = [
    "service.replace.package.time=80 y",
    "service.replace.tray.time=80 y",
    "components.gpu.rate=0.01 FIT",
]
LANE, RING, PIC = "engine/lane:latent", "lane/ring", "engine/pic:latent"
EIC, HOST = "package/eic:latent", "tray/host:latent"
ENGINES, WORKS = 2 * PACKAGES, factory(load(DOCUMENT))


simulate = jax.jit(kernel, static_argnames="bounds")


@functools.cache
def bounds() -> Bounds:
    """One program for every machine here: roomy enough for all."""
    found = first_bounds(lower(load(DOCUMENT))[1], 0)
    return dataclasses.replace(found, outages=20, latents=40, renewals=24, packages=192)


def counts(sets=(), replicas=2048):
    """Occurrences and jobs by class, and lost hours, of histories that hit no bound."""
    plan, directory = lower(load(DOCUMENT, list(sets)))
    keys = jnp.asarray(stream_keys(1, np.asarray(plan.streams)))
    out = simulate(plan, keys, jnp.arange(replicas, dtype=jnp.uint32), bounds=bounds())
    assert not np.any(out.status), "every history fits, so that none is left out"
    words = np.asarray(out.failures)
    names = [c.name for c in directory.classes]
    failures = dict(zip(names, words & 0xFFFF, strict=True))
    jobs = dict(zip(names, words >> 16, strict=True))
    return failures, jobs, np.asarray(out.lost_hours)


@pytest.fixture(scope="module")
def kept():
    """Packages that are never swapped."""
    return counts(NEVER, 6144)


def failed_prob(life) -> float:
    """Of a latent defect, in the mission."""
    return float(-np.expm1(-cumulative_hazard(life, HOURS)))


def z_of(sample, expected) -> float:
    sample = np.asarray(sample, float)
    return (sample.mean() - expected) / (sample.std() / np.sqrt(len(sample)))


def test_what_is_left_of_an_infant_life():
    """H(burnt + t) - H(burnt), its inverse, and the mean by the survivors' draws; exponential lives forget."""
    law, since = (
        BURNT[0],
        600.0,
    )  # more of it, and the difference that is tested against would cancel
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
    each = shipped_latent_lanes(WORKS.die, WORKS.dies, WORKS.clustering)
    failed = failed_prob(Remaining(*BURNT))
    assert 4 < PACKAGES * each * failed < 16  # enough to see
    assert abs(z_of(kept[0][LANE], PACKAGES * each * failed)) < Z


def test_a_defect_elsewhere_on_the_die_fails_the_engine_once(kept):
    """The first of them: a negative binomial link, as dies that lose few lanes at test come from better places."""
    early = shipped_early_prob(WORKS.die, 1, WORKS.clustering, failed_prob(Remaining(*BURNT)))
    assert abs(z_of(kept[0][PIC], ENGINES * early)) < Z
    # Without the link: dies as they were started.
    started = NegativeBinomial(ALPHA).good_prob(
        WORKS.die.latent_fatal_defects * failed_prob(Remaining(*BURNT))
    )
    assert abs(z_of(kept[0][PIC], ENGINES * (1 - started))) > Z


@pytest.mark.parametrize(
    ("name", "life", "copies", "burnt"),
    [(EIC, Remaining(*BURNT), PACKAGES, True), (HOST, BURNT[0], PACKAGES // 2, False)],
)
def test_defects_of_other_parts_fail_what_they_are_in(kept, name, life, copies, burnt):
    """The unit that is made, or its mount, which no oven has seen: what Barnett's relation leaves of each layer."""
    part = name.split("/")[1].removesuffix(":latent")
    left = (WORKS.dormant if burnt else WORKS.mounted)[part]
    woken = -np.expm1(-((BURNT[1] / BURNT[0].scale_hours) ** BURNT[0].shape)) if burnt else 0.0
    assert left.woken == pytest.approx(woken, rel=1e-12)
    field = woken + (1 - woken) * failed_prob(life)
    free = 1.0
    for law, mean, number in left.layers:
        free *= (1 - early_failure_prob(law, mean, 15.0, woken, field)) ** number
    assert abs(z_of(kept[0][name], copies * (1 - free))) < Z


def test_metrics_of_the_factory_count_them():
    """What a unit is failed by, and its mount, in closed form; the mean number of defects is sampled beside it."""
    made = manufacture(load(DOCUMENT), packages=200_000, seed=2)
    share, early = failed_prob(Remaining(*BURNT)), WORKS.dormant["eic"]
    dies = shipped_early_prob(WORKS.die, 2, WORKS.clustering, share)
    unit = 1 - (1 - dies) * np.exp(-early.hazard(share))
    assert made["unit.early_failures.mission"].best == pytest.approx(unit, rel=1e-12)
    mount = -np.expm1(-WORKS.mounted["host"].hazard(failed_prob(BURNT[0])))
    assert made["product.early_failures.mission"].best == pytest.approx(2 * unit + mount, rel=1e-12)
    assert dies == pytest.approx(
        1 - (1 - shipped_early_prob(WORKS.die, 1, WORKS.clustering, share)) ** 2, rel=1e-9
    )
    seen, known = made.sampled["unit.latent_defects"], made.exact["unit.latent_defects"].best
    assert abs(seen.best - known) <= Z / 1.96 * seen.width / 2


def test_packages_are_swapped_for_what_test_and_field_take(kept):
    """Each engine by a mixture over its density: lanes lost at test, then lanes that a ring or a defect fails, or the
    whole die by a defect elsewhere; and each package by its electronics.
    """
    die = WORKS.die
    values, weights = gamma_nodes(ALPHA)
    hazard = die.lane_defects * values + die.lane_hazard
    spares, used = COUNT - NEED, np.arange(COUNT - NEED + 1)
    whole = np.exp(-die.fatal_defects * values - die.shared_hazard)[:, None]
    lost = whole * np.asarray(binomial_prob(COUNT, -np.expm1(-hazard)))[:, : spares + 1]
    weak = -np.expm1(-die.latent_ratio * die.lane_defects * values)
    failed = failed_prob(Remaining(*BURNT))
    whole = np.exp(-die.latent_fatal_defects * failed * values)[:, None]
    kept_eic = np.exp(-WORKS.dormant["eic"].hazard(failed))
    for lanes, dies, agrees in (
        (weak * failed, whole, True),
        (weak * failed, 1, False),
        (0 * weak, whole, False),
    ):
        fails = 1 - np.exp(-1e-6 * HOURS) * (1 - lanes)
        lasts = dies * scipy.stats.binom.cdf(spares - used, COUNT - used, fails[:, None])
        engine = weights @ (lost * lasts).sum(1) / (weights @ lost.sum(1))
        jobs = sum(kept[1][name] for name in (RING, LANE, PIC, EIC))
        z = z_of(jobs, PACKAGES * (1 - kept_eic * engine**2))
        assert (abs(z) < Z) == agrees
    assert kept[1][LANE].sum() > 0  # a defect takes the last lane now and then


def test_swaps_bring_packages_with_defects_of_their_own():
    """The plain reference, swaps of a package and of a whole tray among them."""
    failures, jobs, lost_hours = counts()
    machine = build(load(DOCUMENT))
    runs = [history(machine, 1, k) for k in range(120)]
    short = np.sum([jobs[name] for name in (RING, LANE, PIC, EIC)], 0)
    pairs = {
        "jobs": (short, [float(run.jobs["package"]) for run in runs]),
        "lost": (lost_hours, [run.hours - run.work for run in runs]),
        **{name: (x, [float(run.failures[name]) for run in runs]) for name, x in failures.items()},
    }
    assert failures["package/gpu"].mean() > 2  # trays are swapped, over packages swapped before
    assert short.mean() > 1
    assert {PIC, EIC, HOST} < set(failures)
    for name, (ours, theirs) in pairs.items():
        a, b = np.asarray(ours, float), np.asarray(theirs, float)
        error = np.sqrt(a.var() / len(a) + b.var() / len(b))
        assert abs(a.mean() - b.mean()) < Z * error, name


def test_early_life_comes_first(kept):
    """The first year has more than a fifth of what the mission has, by its closed form: the hazard falls."""
    each = PACKAGES * shipped_latent_lanes(WORKS.die, WORKS.dies, WORKS.clustering)
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
    on_die = np.zeros((2, 8, n), np.int8)
    on_die[1, 1] = on_die[0, 2] = 1  # groups 3 and 4
    on_die[0, 5] = 2  # and the first die of package 5
    of_die = np.moveaxis(on_die[:, :4], 0, 1).reshape(8, n)
    pool = Pool(
        jnp.asarray(lost), jnp.concatenate([on_die, latent]),
        jnp.cumsum(jnp.asarray([of_die, new], jnp.int32), 1), jnp.full(n, 8),
    )  # fmt: skip
    low, high = jnp.full(n, homes[4] - 2), jnp.full(n, homes[7] + COUNT)
    taken, first = jnp.full(n, 4), jnp.repeat(jnp.arange(4), 2)[:, None] + jnp.zeros((8, n), int)
    done = jnp.array([True, True, True, False])
    both = brought(plan, pool, taken, done, low, high)
    np.testing.assert_array_equal(both, [[2, 2, 2, 0], [2, 2, 2, 0]])
    package = renumbered(plan, pool, first, taken, done, low, high)
    np.testing.assert_array_equal(package[:, 0], [0, 0, 1, 1, 4, 4, 5, 5])
    np.testing.assert_array_equal(package[:, 3], first[:, 3])
    r = Renewals(
        low[None], high[None], jnp.zeros((1, n)), taken[None], taken[None], jnp.zeros((1, 1, n)),
        jnp.zeros((1, 1, n)), jnp.full((2, 1, n), 2), taken[None],
    )  # fmt: skip
    ask = lambda package, renewed, position, back=1: defect(
        plan, pool, r, renewed[None], renewed, package,
        jnp.full(n, plan.classes.positions.shape[0] - back), jnp.asarray(position),
    )  # fmt: skip
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
    place, there = ask(first, ~done & done, [0, 0, 0, 0], 2)
    np.testing.assert_array_equal(place, 3)  # the engine itself
    assert there.all()
    place, there = ask(package, ~done & done, [1, 1, 1, 1], 2)
    np.testing.assert_array_equal(place, 4)
    np.testing.assert_array_equal(there, [False, False, False, True])  # swapped since
    place, there = ask(package, done, [0, 1, 0, 0], 2)
    np.testing.assert_array_equal(place[:3], 6)
    assert there[:3].all()
    n_classes = jnp.full(n, plan.classes.positions.shape[0] - 2)
    count = at_risk(plan, pool, r, done[None], done, n_classes, jnp.zeros(n, int))
    np.testing.assert_array_equal(count, [2, 2, 2, 2])


def test_a_part_that_was_swapped_takes_its_defects_with_it(plan):
    """A clock of the new machine, and one of a swap at 100 h, for a unit that was never swapped, then, and later."""
    plan = jax.tree.map(jnp.asarray, plan)
    names = [c.name for c in lower(load(DOCUMENT))[1].classes]
    cls, kinds, n = names.index(EIC), plan.wearing, 3
    home = plan.places.home[plan.classes.first[cls]]
    unit = int(np.flatnonzero(plan.wear.homes == home)[0])
    swapped = (
        jnp.full((len(plan.wear.homes), n), -1.0).at[unit].set(jnp.array([-1.0, 100.0, 200.0]))
    )
    one = lambda value, *shape: jnp.full((*shape, 1, n), value)
    r = Renewals(
        one(1), one(0), one(100.0), one(0), one(0), one(0.5, kinds), one(jnp.inf, kinds),
        one(0, len(plan.latent)), one(0), swapped,
    )  # fmt: skip
    still = jnp.zeros((kinds, n))
    where = jnp.full(n, cls), jnp.full(n, home)
    for again, owns in ((False, [True, False, False]), (True, [False, True, False])):
        mine = jnp.broadcast_to(jnp.arange(kinds)[:, None] == cls - len(names) + kinds, (kinds, n))
        fired, tick = mine[:, None] & again, mine & (not again)
        own = advance(plan, r, still, still, tick, fired, jnp.full(n, 0.1), *where)[0]
        np.testing.assert_array_equal(own, owns)


BURN_IN = ["manufacturing.latent.burn_in={time: 24 h, acceleration: 60, cost: 3}"]
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
        names = (
            "unit.ship_prob", "unit.cost", "unit.early_failures.first_year",
            "unit.latent_failures.first_year", "product.early_failures.first_year",
        )  # fmt: skip
        ships, cost, fails, lanes, whole = (exact[name].best for name in names)
        assert row[1:3] == [f"{100 * ships:.3f}", f"{cost:.2f}"]
        assert row[3:6] == [f"{100 * fails:.4f}", f"{lanes:.6f}", f"{100 * whole:.4f}"]
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
        assert cells[6:] == [f"{best(e)} {interval(e)}" for e in seen]


def test_without_an_infant_law_histories_follow_none():
    """Numbers of a machine whose latent defects are only counted are those of one that has none."""
    off = ["manufacturing.latent.infant=null", "manufacturing.latent.burn_in=null"]
    without = lower(load(DOCUMENT, off))
    none = lower(load(DOCUMENT, ["manufacturing.latent=null"]))
    assert not without[0].latent
    assert [c.name for c in without[1].classes] == [c.name for c in none[1].classes]
    assert without[1].classes[-1].name == RING
    assert not without[0].parts
