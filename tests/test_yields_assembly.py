"""Losses, repair, bins, products and what ships, against closed forms and the plain reference."""

import math
from random import Random

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate
import scipy.stats

from fdmc import yields
from fdmc.reference import _yields as plain
from fdmc.yields import (
    FULL_TEST,
    UNTESTED,
    Bins,
    Clustering,
    LaneDie,
    LinearCoverage,
    Part,
    Product,
    Step,
    make,
)


Z = 4.9  # one false alarm in a million
DIE = LaneDie(
    16, 3, lane_defects=0.03, fatal_defects=0.05, lane_loss_prob=0.01, shared_loss_prob=0.02
)
GATHERED = Clustering(4.0, 3.0, 2.0)
LOSSES = {
    "independent": yields.IndependentLosses(0.03),
    "common": yields.CommonCauseLosses(0.03, 0.2),
    "beta": yields.BetaBinomialLosses(0.03, 0.1),
    "clustered": yields.ClusteredLosses(0.03, 2.0),
}


# Losses and repair


@pytest.mark.parametrize("law", LOSSES.values(), ids=LOSSES)
def test_losses_are_distributions_with_their_mean(law):
    prob = law.failed_prob(68)
    each = 1 - (1 + 0.03 / 2) ** -2 if isinstance(law, yields.ClusteredLosses) else 0.03
    assert prob.shape == (69,)
    assert prob.sum() == pytest.approx(1, rel=1e-12)
    assert prob @ np.arange(69) == pytest.approx(68 * each, rel=1e-12)
    np.testing.assert_allclose(law.failed_prob(0), [1], rtol=1e-14)


def test_spare_lanes_r01():
    lanes = yields.IndependentLosses(0.01)
    good = yields.repair_yield(lanes.failed_prob(68), 4)
    assert good == pytest.approx(0.9993821961739948, rel=1e-13)
    assert yields.repair_yield(lanes.failed_prob(64), 0) == pytest.approx(0.99**64, rel=1e-13)


def test_losses_against_other_code():
    k = np.arange(21)
    np.testing.assert_allclose(
        LOSSES["independent"].failed_prob(20), scipy.stats.binom.pmf(k, 20, 0.03), rtol=1e-11
    )
    a, b = 0.03 * 9, 0.97 * 9
    np.testing.assert_allclose(
        LOSSES["beta"].failed_prob(20), scipy.stats.betabinom.pmf(k, 20, a, b), rtol=1e-9
    )
    law = scipy.stats.gamma(2.0, scale=0.5)
    for lost in (0, 1, 5):
        mixed = scipy.integrate.quad(
            lambda g, k=lost: law.pdf(g) * scipy.stats.binom.pmf(k, 20, -math.expm1(-0.03 * g)),
            0,
            40,
        )[0]
        assert LOSSES["clustered"].failed_prob(20)[lost] == pytest.approx(mixed, rel=1e-8)


def test_limits_of_the_losses():
    alone = LOSSES["independent"].failed_prob(20)
    np.testing.assert_allclose(yields.CommonCauseLosses(0.03, 0.0).failed_prob(20), alone)
    np.testing.assert_allclose(yields.BetaBinomialLosses(0.03, 0.0).failed_prob(20), alone)
    even = yields.ClusteredLosses(-math.log(0.97), math.inf).failed_prob(20)
    np.testing.assert_allclose(even, alone, rtol=1e-11)
    together = yields.CommonCauseLosses(0.03, 1.0).failed_prob(20)
    np.testing.assert_allclose(together[[0, 20]], [0.97, 0.03])
    certain = yields.IndependentLosses(1.0).failed_prob(5)
    np.testing.assert_array_equal(certain, [0, 0, 0, 0, 0, 1])
    np.testing.assert_array_equal(yields.BetaBinomialLosses(0.0, 0.2).failed_prob(2), [1, 0, 0])


def test_dependence_takes_the_use_of_spares():
    """Same mean loss; the more together, the less four spares help."""
    order = ("independent", "beta", "common")
    fails = [1 - yields.repair_yield(LOSSES[name].failed_prob(68), 8) for name in order]
    assert fails[0] < 0.001 < fails[2] < fails[1]


def test_repair_yield_has_a_gradient():
    good = lambda p: yields.repair_yield(yields.IndependentLosses(p).failed_prob(68), 4)
    slope = -68 * scipy.stats.binom.pmf(4, 67, 0.01)
    assert jax.grad(good)(jnp.float32(0.01)) == pytest.approx(slope, rel=1e-3)


def test_repair_and_bins_share_out_all():
    prob = DIE_PROB
    left = yields.repair(prob, 16, 3)
    np.testing.assert_array_equal(left.live[:5], [16, 16, 16, 16, 15])
    np.testing.assert_array_equal(left.spares[:5], [3, 2, 1, 0, 0])
    assert left.live[-1] == 0
    shares = yields.binned(prob, 16, 3, Bins((1.0, 7 / 8, 0.5)))
    assert shares.sum() == pytest.approx(1)
    assert shares[0] == pytest.approx(yields.repair_yield(prob, 3))
    assert shares[1] == pytest.approx(prob[4:6].sum())
    assert shares[2] == pytest.approx(prob[6:12].sum())


DIE_PROB = yields.die_lanes_lost_prob(DIE, GATHERED)


# What ships


def test_shipment_of_independent_dies_is_a_product():
    die = LaneDie(64, 4, lane_loss_prob=0.01)
    shipped = yields.shipment(die, 8, Clustering(), assembly_prob=0.9)
    one = scipy.stats.binom.pmf(range(5), 68, 0.01)
    assert shipped.ship_prob == pytest.approx(0.9 * one.sum() ** 8, rel=1e-11)
    spares = np.array([1.0])
    for _ in range(8):
        spares = np.convolve(spares, one[::-1])
    np.testing.assert_allclose(shipped.grades[0].spares_prob, 0.9 * spares, atol=1e-13)
    assert shipped.mean_lanes == 512
    mean = 8 * (4 - one @ np.arange(5) / one.sum())
    assert shipped.mean_spares == pytest.approx(mean, rel=1e-10)


def test_shipment_and_joint_distribution_agree():
    shipped = yields.shipment(DIE, 3, GATHERED)
    joint = yields.package_lanes_prob(DIE, 3, GATHERED)
    assert joint.shape == (49, 10)
    assert joint.sum() == pytest.approx(1, rel=1e-10)
    np.testing.assert_allclose(shipped.grades[0].spares_prob, joint[-1], atol=1e-9)
    mean = 3 * (np.minimum(19 - np.arange(20), 16) @ DIE_PROB)
    assert joint.sum(1) @ np.arange(49) == pytest.approx(mean, rel=1e-8)


def test_bins_take_the_largest_share_that_every_die_reaches():
    bins = Bins((1.0, 7 / 8, 0.5))
    shipped = yields.shipment(DIE, 1, GATHERED, bins=bins)
    shares = yields.binned(DIE_PROB, 16, 3, bins)
    np.testing.assert_allclose([g.prob for g in shipped.grades], shares[:3], rtol=1e-9)
    assert [g.lanes for g in shipped.grades] == [16, 14, 8]
    # 15 and 14 good lanes ship as 14, with one and no spare left.
    np.testing.assert_allclose(shipped.grades[1].spares_prob[:2], DIE_PROB[[5, 4]], rtol=1e-9)
    two = yields.shipment(DIE, 2, GATHERED, bins=bins)
    least = yields.shipment(DIE, 2, GATHERED, bins=Bins((0.5,)))
    assert two.ship_prob == pytest.approx(least.ship_prob, rel=1e-12)


def test_yield_adjusted_bandwidth_and_costs():
    bins = Bins((1.0, 7 / 8))
    shipped = yields.shipment(DIE, 4, GATHERED, bins=bins, assembly_prob=0.95)
    tbps = yields.yield_adjusted_tbps(shipped, 100.0)
    by_definition = shipped.mean_lanes * 0.1 * shipped.ship_prob
    assert tbps == pytest.approx(by_definition, rel=1e-12)
    assert yields.cost_per_tbps(shipped, 500.0, 100.0) == pytest.approx(500 / tbps)
    assert yields.cost_per_package(shipped, 500.0) == pytest.approx(500 / shipped.ship_prob)
    only_full = yields.shipment(DIE, 4, GATHERED, assembly_prob=0.95)
    assert tbps > yields.yield_adjusted_tbps(only_full, 100.0)


def test_one_wafer_for_a_package_ships_more_than_many():
    apart = yields.repair_yield(DIE_PROB, 3) ** 4
    assert yields.shipment(DIE, 4, GATHERED).ship_prob > apart


# Assembly


def test_joining_multiplies_its_faults():
    way = yields.Joining(0.999, 0.999999, 0.9999, 1e-4)
    got = yields.joining_yield(way, 3, bonds=20_000, vias=100, bonded_mm2=50.0)
    direct = 0.999**3 * 0.999999**20_000 * 0.9999**100 / (1 + 1e-4 * 50)
    assert got == pytest.approx(direct, rel=1e-12)
    np.testing.assert_allclose(
        yields.fibre_attach_yield(np.array([288, 1088])), [0.678, 0.230], atol=5e-4
    )


def test_chip_first_and_chip_last_are_those_of_chiplet_actuary():
    """Their `Advanced.cost_RE`: interposer (y1) tested before chips are attached (y2), or built on them."""
    y1, y2, y3 = 0.9, 0.98**4, 0.99
    interposer, substrate, chips = 30.0, 12.0, 200.0
    die = Product("chips", (Step("fab", cost=chips),))
    on_substrate = Step("substrate", y3, cost=substrate)
    last = make(
        Product(
            "last",
            (
                Step("interposer", y1, cost=interposer),
                Step("attach", y2, parts=(Part(die),)),
                on_substrate,
            ),
        )
    )
    first = make(
        Product("first", (Step("build", y1, cost=interposer, parts=(Part(die),)), on_substrate))
    )
    assert last.cost == pytest.approx(
        interposer / (y1 * y2 * y3) + chips / (y2 * y3) + substrate / y3
    )
    assert first.cost == pytest.approx((interposer + chips) / (y1 * y3) + substrate / y3)
    assert first.ship_prob == pytest.approx(y1 * y3)
    for made in (first, last):
        total = sum(s.raw + s.scrap_before + s.scrap_after for s in made.spendings)
        assert total == pytest.approx(made.cost)
        assert made.raw_cost == pytest.approx(interposer + chips + substrate)
        assert made.good_prob == 1


def test_untested_dies_spoil_stacks():
    """Wafer to wafer the product of the dies; die to wafer only what the bond does."""

    def stack(test):
        die = Product("die", (Step("fab", 0.8, cost=10.0, carbon_kg=1.0, test=test),))
        return make(Product("stack", (Step("bond", 0.95, cost=2.0, parts=(Part(die, 2),)),)))

    blind, known = stack(UNTESTED), stack(FULL_TEST)
    assert blind.ship_prob == pytest.approx(0.8**2 * 0.95)
    assert blind.cost == pytest.approx(22 / (0.64 * 0.95))
    assert known.ship_prob == pytest.approx(0.95)
    assert known.cost == pytest.approx((25 + 2) / 0.95)
    assert known.carbon_kg == pytest.approx(2 * 1.25 / 0.95)


def test_cost_has_a_gradient_to_every_yield():
    def cost(fab, bond):
        die = Product("die", (Step("fab", fab, cost=10.0),))
        return make(Product("stack", (Step("bond", bond, 2.0, parts=(Part(die, 2),)),))).cost

    slopes = jax.grad(cost, (0, 1))(0.8, 0.9)
    np.testing.assert_allclose(slopes, [-20 / 0.64 / 0.9, -27 / 0.81], rtol=1e-5)


def product_and_line():
    """A package of two kinds of chiplet, with leaky tests: as the room has it, and plainly."""
    fab, rework = (0.7, 20.0, 0.9), (0.95, 3.0, 0.8)
    step = lambda name, numbers, parts=(): Step(
        name, numbers[0], numbers[1], parts=parts, test=LinearCoverage(numbers[2])
    )
    photonic, electronic = (
        Product("pic", (step("fab", fab), step("facet", rework))),
        Product("eic", (step("fab", (0.9, 35.0, 0.95)),)),
    )
    stack = Product("stack", (step("bond", (0.97, 4.0, 0.5), (Part(photonic), Part(electronic))),))
    package = Product(
        "package",
        (step("attach", (0.9, 15.0, 0.9), (Part(stack, 2),)), step("fibres", (0.93, 9.0, 0.97))),
    )
    pic = plain.Line((plain.Work(*fab), plain.Work(*rework)))
    eic = plain.Line((plain.Work(0.9, 35.0, 0.95),))
    both = plain.Line((plain.Work(0.97, 4.0, 0.5, (pic, eic)),))
    line = plain.Line((plain.Work(0.9, 15.0, 0.9, (both, both)), plain.Work(0.93, 9.0, 0.97)))
    return package, line


@pytest.mark.statistical
def test_products_against_units_made_one_by_one():
    package, line = product_and_line()
    made = make(package)
    rng = Random(5)
    units = np.array([plain.shipped_unit(line, rng) for _ in range(20_000)], float)
    mean, error = units.mean(0), units.std(0) / math.sqrt(len(units))
    expected = [made.cost, made.good_prob, 1 / made.ship_prob]
    z = (mean - expected) / error
    assert np.all(np.abs(z) < Z), z
    assert made.good_prob < 1


@pytest.mark.statistical
def test_latent_defects_against_defects_that_fall_one_by_one():
    """P(no latent | no killer), dies one by one; binomial z."""
    rng = Random(11)
    alpha, mean, ratio = 2.0, 0.5, 0.2
    passed = free = 0
    for _ in range(100_000):
        here = mean * plain.density(alpha, rng)
        if plain.fallen(here, rng) == 0:
            passed += 1
            free += plain.fallen(ratio * here, rng) == 0
    expected = yields.latent_free_prob(yields.NegativeBinomial(alpha), mean, ratio)
    assert abs(free - passed * expected) < Z * math.sqrt(passed * expected * (1 - expected))
