"""Sampled packages against closed forms (value and variance, by lot, wafer and die) and the plain factory."""

import dataclasses
import functools
import itertools
import math
from random import Random

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from fdmc import yields
from fdmc.kernel import lanes_and_spares, packages, stream_keys
from fdmc.kernel._packages import _binomial
from fdmc.plan import PACKAGE_STREAMS, package_plan, stream
from fdmc.reference import _yields as plain
from fdmc.yields import Bins, Clustering, LaneDie


Z = 4.9  # one false alarm in a million
GATHERED = Clustering(lot_alpha=5.0, wafer_alpha=3.0, die_alpha=2.0)
DIE = LaneDie(
    8,
    2,
    lane_defects=0.05,
    fatal_defects=0.03,
    lane_loss_prob=0.02,
    shared_loss_prob=0.01,
    latent_ratio=0.4,
    latent_fatal_defects=0.3,
)
draw = jax.jit(packages)


@functools.cache
def keys(seed=1):
    return stream_keys(seed, np.array([stream(name) for name in PACKAGE_STREAMS], np.uint32))


def drawn(die, clustering, replicas, seed=1, first=0, **shape):
    plan = package_plan(die, clustering, **shape)
    found = draw(plan, keys(seed), jnp.arange(first, first + replicas, dtype=jnp.uint32))
    return plan, jax.tree.map(np.asarray, found)


def z_of_mean(samples, mean, variance=None):
    variance = samples.var() if variance is None else variance
    return (samples.mean() - mean) / math.sqrt(variance / len(samples))


def z_of_variance(samples, mean, variance):
    squares = (samples - mean) ** 2
    return (squares.mean() - variance) / (squares.std() / math.sqrt(len(samples)))


CLUSTERINGS = {
    "none": Clustering(),
    "lots": Clustering(lot_alpha=2.0),
    "wafers": Clustering(wafer_alpha=2.0),
    "dies": Clustering(die_alpha=2.0),
    "all": GATHERED,
}
clusterings = pytest.mark.parametrize("clustering", CLUSTERINGS.values(), ids=CLUSTERINGS)


@pytest.mark.statistical
@clusterings
def test_share_of_good_dies_and_its_variance(clustering):
    """One lane a die and no spare: two lots of three wafers of 32 dies, in each of 40,000 replicas."""
    shape = {"packages": 24, "dies": 8, "packages_per_wafer": 4, "wafers_per_lot": 3}
    _, found = drawn(LaneDie(1, 0, lane_defects=0.5), clustering, 40_000, **shape)
    share = (found.lost == 0).mean((0, 1))
    mean, variance = yields.yield_moments(0.5, clustering, dies=32, wafers=3, lots=2)
    assert abs(z_of_mean(share, mean, variance)) < Z
    assert abs(z_of_variance(share, mean, variance)) < Z
    # And of single wafers and single dies.
    wafer = (found.lost[:, :4] == 0).mean((0, 1))
    moments = yields.yield_moments(0.5, clustering, dies=32)
    assert abs(z_of_variance(wafer, *moments)) < Z


@pytest.mark.statistical
@clusterings
def test_dies_go_together_as_their_wafer_and_lot_say(clustering):
    """Covariances of the lanes lost on two dies: of a package, of a wafer, of a lot, of two lots."""
    die = LaneDie(6, 2, lane_defects=0.1)
    shape = {"packages": 5, "dies": 2, "packages_per_wafer": 2, "wafers_per_lot": 2}
    _, found = drawn(die, clustering, 100_000, **shape)
    lost, n = found.lost.astype(float), die.count
    good = lambda dies: yields.all_good_prob(0.1, clustering, dies)
    mean = n * (1 - good((1,)))
    both = yields.all_good_prob(0.2, clustering)  # two lanes of one die
    variance = n * good((1,)) + n * (n - 1) * both - (n * good((1,))) ** 2
    assert abs(z_of_mean(lost[0, 0], mean, variance)) < Z
    assert abs(z_of_variance(lost[0, 0], mean, variance)) < Z
    pairs = {
        "package": (lost[0, 0], lost[1, 0], good((2,))),
        "wafer": (lost[0, 0], lost[1, 1], good((2,))),
        "lot": (lost[0, 0], lost[1, 3], good((1, 1))),
        "apart": (lost[0, 1], lost[1, 4], good((1,)) ** 2),
    }
    for name, (one, other, together) in pairs.items():
        products = (one - mean) * (other - mean)
        expected = n**2 * (together - good((1,)) ** 2)
        assert abs(z_of_mean(products, expected)) < Z, name


def z_of_counts(counted, prob, total):
    """Cells with enough, one by one, and the others together."""
    enough = prob * total > 25
    prob = np.append(prob[enough], max(0.0, prob[~enough].sum()))
    counted = np.append(counted[enough], counted[~enough].sum())
    spread = np.sqrt(np.maximum(total * prob * (1 - prob), 1.0))
    return np.abs(counted - total * prob) / spread


@pytest.mark.statistical
@clusterings
def test_lanes_and_spares_of_packages_have_their_joint_distribution(clustering):
    shape = {"packages": 1, "dies": 3, "packages_per_wafer": 1}
    plan, found = drawn(DIE, clustering, 400_000, assembly_prob=0.9, **shape)
    live, spares = (np.asarray(x).sum(0)[0] for x in lanes_and_spares(plan, found.lost))
    expected = yields.package_lanes_prob(DIE, 3, clustering)
    counted = np.zeros_like(expected)
    np.add.at(counted, (live, spares), 1)
    z = z_of_counts(counted.ravel(), expected.ravel(), live.size)
    assert len(z) > 20
    assert z.max() < Z
    assert abs(z_of_mean(found.scrapped[0].astype(float), 0.1, 0.09)) < Z


@pytest.mark.statistical
def test_grades_and_spares_are_those_of_the_shipment():
    bins = Bins((1.0, 0.75, 0.5))
    shape = {"packages": 1, "dies": 3, "packages_per_wafer": 1}
    _, found = drawn(DIE, GATHERED, 400_000, assembly_prob=0.9, **shape)
    good = DIE.count - found.lost[:, 0]
    open_to = ~found.scrapped[0]
    for grade, need in zip(
        yields.shipment(DIE, 3, GATHERED, bins=bins, assembly_prob=0.9).grades,
        bins.lanes(DIE.lanes),
        strict=True,
    ):
        mine = open_to & (good >= need).all(0)
        left = np.bincount((good[:, mine] - need).sum(0), minlength=len(grade.spares_prob)).astype(
            float
        )
        assert z_of_counts(left, grade.spares_prob, good.shape[1]).max() < Z
        open_to = open_to & ~mine


@pytest.mark.statistical
def test_latent_defects_are_left_on_good_lanes():
    """Mean of latent lanes: a lane is good and latent with E[e^-mG] less E[e^-(1 + r)mG]."""
    die = LaneDie(8, 2, lane_defects=0.3, latent_ratio=0.5)
    shape = {"packages": 1, "dies": 1, "packages_per_wafer": 1}
    _, found = drawn(die, GATHERED, 400_000, **shape)
    free = yields.all_good_prob(0.3, GATHERED) - yields.all_good_prob(0.45, GATHERED)
    assert abs(z_of_mean(found.latent[0, 0].astype(float), 10 * free)) < Z
    assert np.all(found.latent <= die.count - found.lost)


@pytest.mark.statistical
def test_latent_defects_elsewhere_follow_the_negative_binomial_of_good_dies():
    """Their number on dies that a killer has not taken, with one level of clustering (Barnett, Singh and Nelson)."""
    die = LaneDie(1, 0, fatal_defects=0.5, latent_fatal_defects=0.4)
    shape = {"packages": 1, "dies": 1, "packages_per_wafer": 1}
    _, found = drawn(die, Clustering(die_alpha=2.0), 400_000, **shape)
    good = (found.lost == 0)[0, 0]
    counted = np.bincount(found.latent_fatal[0, 0, good], minlength=40).astype(float)
    expected = scipy.stats.nbinom.pmf(np.arange(40), 2.0, 2.5 / 2.9)
    assert z_of_counts(counted, expected, good.sum()).max() < Z
    free = yields.latent_free_prob(yields.NegativeBinomial(2.0), 0.5, 0.8)
    assert expected[0] == pytest.approx(free, rel=1e-12)
    _, many = drawn(LaneDie(1, 0, latent_fatal_defects=300.0), Clustering(), 8, **shape)
    assert np.all(many.latent_fatal > 20)  # and no more than can be counted


@pytest.mark.statistical
def test_packages_against_a_factory_made_lane_by_lane():
    """Two independent codes and sources of chance; means, squares and products of neighbours."""
    shape = {"packages": 4, "dies": 2, "packages_per_wafer": 2, "wafers_per_lot": 1}
    plan, found = drawn(DIE, GATHERED, 60_000, assembly_prob=0.8, **shape)
    live, spares = (np.asarray(x) for x in lanes_and_spares(plan, found.lost))
    numbers = dataclasses.asdict(DIE)
    factory = plain.Factory(**shape, **numbers, assembly_prob=0.8, **dataclasses.asdict(GATHERED))
    rng = Random(3)
    made = [plain.made_packages(factory, rng) for _ in range(6_000)]
    record = lambda one: (one.live, one.spares, one.latent, one.latent_fatal)
    other = np.array([[[record(d) for d in p.dies] for p in machine] for machine in made], float)
    ours = (
        np.stack([live, spares, found.latent, found.latent_fatal], -1)
        .transpose(2, 1, 0, 3)
        .astype(float)
    )
    functions = [ours, other]
    for which in range(4):
        for power in (
            lambda x: x[:, 0, 0],
            lambda x: x[:, 3, 1] ** 2,
            lambda x: x[:, 0, 0] * x[:, 0, 1],
            lambda x: x[:, 0, 0] * x[:, 1, 0],
            lambda x: x[:, 0, 0] * x[:, 2, 0],
        ):
            a, b = (power(x[..., which]) for x in functions)
            error = math.sqrt(a.var() / len(a) + b.var() / len(b))
            assert abs(a.mean() - b.mean()) < Z * error, which
    scrapped = np.mean([[p.scrapped for p in machine] for machine in made])
    assert scrapped == pytest.approx(found.scrapped.mean(), abs=0.02)


@pytest.mark.parametrize(
    ("count", "prob"), [(1, 0.3), (5, 0.1), (68, 0.01), (68, 0.2), (68, 0.9), (120, 0.5)]
)
def test_counts_by_inversion_are_right_to_the_last_word(count, prob):
    """A word in the tail beyond k makes the count more than k, down to single words.

    Where most are lost those that are not are counted, and the words are of that tail.
    """
    fewer = min(prob, 1 - prob)
    few = scipy.stats.binom(count, fewer)
    edges = few.sf(np.arange(count)) * 2.0**32
    words = np.concatenate([edges * f for f in (0.99, 0.9995, 1.0005, 1.01)])
    words = np.concatenate([words, [0, 1, 2, 3, 7, 2.0**31]]).clip(0, 2**32 - 1).astype(np.uint32)
    hazard = jnp.full(words.shape, -np.log1p(-np.float64(prob)), jnp.float32)
    got = _binomial(jnp.asarray(words), jnp.float32(count), hazard, jnp.asarray(True))
    got = count - np.asarray(got) if prob > 0.5 else np.asarray(got)
    u = (words.astype(float) + 0.5) * 2.0**-32
    absolute = 5e-6 if count * fewer > 20 or prob > 0.5 else 4e-7
    off = lambda tail: np.minimum(absolute, 0.2 * tail)
    assert np.all(few.sf(got) - off(few.sf(got)) <= u)
    assert np.all(u <= few.sf(got - 1) + off(few.sf(got - 1)) + 2.0**-32)


@pytest.mark.statistical
def test_wide_arrays_are_drawn_in_groups():
    die = LaneDie(400, 20, lane_defects=0.04)
    shape = {"packages": 1, "dies": 1, "packages_per_wafer": 1}
    plan, found = drawn(die, Clustering(die_alpha=3.0), 200_000, **shape)
    assert plan.groups == 4
    expected = yields.die_lanes_lost_prob(die, Clustering(die_alpha=3.0))
    counted = np.bincount(found.lost.ravel(), minlength=421).astype(float)
    assert z_of_counts(counted, expected, found.lost.size).max() < Z


def test_dies_that_lose_nearly_all_are_counted_from_the_other_side():
    shape = {"packages": 1, "dies": 1, "packages_per_wafer": 1}
    _, found = drawn(LaneDie(100, 20, lane_loss_prob=0.97), Clustering(), 100_000, **shape)
    expected = scipy.stats.binom.pmf(np.arange(121), 120, 0.97)
    counted = np.bincount(found.lost.ravel(), minlength=121).astype(float)
    assert z_of_counts(counted, expected, found.lost.size).max() < Z
    _, certain = drawn(LaneDie(100, 20, lane_loss_prob=1.0), Clustering(), 8, **shape)
    assert np.all(certain.lost == 120)
    _, none = drawn(LaneDie(100, 20), GATHERED, 8, **shape)
    assert np.all(none.lost == 0)


def test_a_package_is_the_same_however_replicas_are_cut():
    shape = {"packages": 12, "dies": 4, "packages_per_wafer": 3, "wafers_per_lot": 2}
    _, whole = drawn(DIE, GATHERED, 448, **shape)
    for size in (64, 112):
        parts = [
            drawn(DIE, GATHERED, size, first=first, **shape)[1] for first in range(0, 448, size)
        ]
        for field in ("lost", "latent", "scrapped", "latent_fatal"):
            joined = np.concatenate([getattr(part, field) for part in parts], -1)
            np.testing.assert_array_equal(joined, getattr(whole, field))
    _, again = drawn(DIE, GATHERED, 448, seed=2, **shape)
    assert np.any(again.lost != whole.lost)


def test_more_packages_do_not_move_the_first():
    shape = {"dies": 1, "packages_per_wafer": 3, "wafers_per_lot": 2}
    _, few = drawn(DIE, GATHERED, 64, packages=7, **shape)
    _, many = drawn(DIE, GATHERED, 64, packages=20, **shape)
    np.testing.assert_array_equal(few.lost, many.lost[:, :7])
    np.testing.assert_array_equal(few.scrapped, many.scrapped[:7])


def test_worse_dies_lose_more_of_the_same_draws():
    """Common random numbers: where less than half are lost, every lane lost stays lost."""
    shape = {"packages": 8, "dies": 4, "packages_per_wafer": 2}
    lost = [
        drawn(LaneDie(64, 4, lane_defects=mean), GATHERED, 256, **shape)[1].lost
        for mean in (0.001, 0.01, 0.02)
    ]
    for fewer, more in itertools.pairwise(lost):
        assert np.all(fewer <= more)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"packages": 0}, "packages .* 0"),
        ({"dies": -1}, "dies .* -1"),
        ({"packages_per_wafer": 0}, "packages_per_wafer .* 0"),
        ({"assembly_prob": 1.2}, "assembly_prob .*1.2"),
        ({"assembly_prob": math.nan}, "assembly_prob .*nan"),
    ],
)
def test_bad_plans_are_refused(change, said):
    shape = {"packages": 1, "dies": 1, "packages_per_wafer": 1}
    with pytest.raises(ValueError, match=said):
        package_plan(DIE, GATHERED, **(shape | change))
