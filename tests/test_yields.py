"""Yield laws, wafers, tests and latent defects against closed forms and published tools."""

import csv
import json
import math
import os
import re
import textwrap
from pathlib import Path

import jax
import numpy as np
import pytest
import scipy.integrate
import scipy.special
import scipy.stats
from hypothesis import given, settings, strategies as st

from benchmarks._physics_yields import FORMULAS
from fdmc import yields
from fdmc.yields import (
    BoseEinstein,
    Clustering,
    Layer,
    LinearCoverage,
    Murphy,
    NegativeBinomial,
    Poisson,
    Seeds,
    TunedRing,
    WilliamsBrown,
)


LAWS = {
    "poisson": Poisson(),
    "murphy": Murphy(),
    "seeds": Seeds(),
    "nb2": NegativeBinomial(2.0),
    "nb-inf": NegativeBinomial(math.inf),
    "bose-einstein": BoseEinstein(4),
}
laws = pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)
means = st.floats(0.0, 20.0)


# Published and closed values


def test_yield_laws_y01():
    expected = [0.36787944, 0.3995764, 0.5, 0.44444444, 0.421875, 0.38554329, 0.4096]
    np.testing.assert_allclose(FORMULAS["Y01"](1.0), expected, rtol=2e-8)


def test_chiplet_actuary_dies_y02_y03():
    seven = FORMULAS["Y02"](800, 0.09, 9346, 10, 300, 0.2, 5)
    expected = [0.49894439291408804, 58.79298269794954, 158.964549358132, 318.6017352148172]
    np.testing.assert_allclose(seven, expected, rtol=1e-13)
    five = FORMULAS["Y03"](400, 0.11, 16988)
    expected = [0.6501222254573358, 129.98426971831083, 130.69273718131222, 201.02794838212915]
    np.testing.assert_allclose(five, expected, rtol=1e-13)


def test_chiplet_actuary_package_y04():
    got = FORMULAS["Y04"](0.99, 0.005, 0.005, 4)
    expected = [154.26866, 32.4625, 35.2, 1.44392, 7.65978, 231.03485257652048, 342.0219547624417]
    np.testing.assert_allclose(got, expected, rtol=4e-6)
    np.testing.assert_allclose(got[-2:], expected[-2:], rtol=1e-13)


def test_catch_stack_y06():
    layers = "D0/crit: .005/.8,2x.0003/.5,2x.005/.3,2x.005/.1; alpha 2"
    expected = [0.8975693604612056, 0.9057638116243092, 0.9909529934206486]
    np.testing.assert_allclose(FORMULAS["Y06"](13.12752, layers, 0.92), expected, rtol=1e-13)


def test_eco_chip_y09():
    got = FORMULAS["Y09"](148, 0.2, 10, 26.13, 450, "", "")
    np.testing.assert_allclose(got, [0.747, 5.499026], rtol=2e-5)


def test_particles_of_hybrid_bonds_y11():
    assert FORMULAS["Y11"](0.9450131559166479, 1e-9)[0] == pytest.approx(
        0.0008087403127561526, rel=1e-12
    )


def test_every_case_of_yield_is_right():
    """The table itself, where the checkout has it."""
    beside = Path(__file__).parents[2] / "shared" / "reference"
    path = Path(os.environ.get("FDMC_REFERENCE", beside)) / "physics_cases.csv"
    if not path.exists():
        pytest.skip("the reference table is not in this checkout")
    with path.open(newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if row["case_id"][0] in "YR"]
    assert len(rows) == len(FORMULAS)
    for row in rows:
        got = FORMULAS[row["case_id"]](**json.loads(row["inputs"]))
        np.testing.assert_allclose(got, json.loads(row["expected"]), rtol=float(row["rel_tol"]))


# Laws


@laws
@given(mean=means)
@settings(max_examples=40, deadline=None)
def test_laws_and_their_inverses_agree(law, mean):
    good = law.good_prob(mean)
    assert 0 < good <= 1
    assert law.mean_defects(good) == pytest.approx(mean, rel=1e-9, abs=1e-9)


@laws
def test_laws_begin_at_one_with_slope_minus_one(law):
    assert law.good_prob(0.0) == 1
    assert jax.grad(law.good_prob)(1e-4) == pytest.approx(-1, rel=1e-3)
    assert np.isfinite(jax.grad(law.good_prob)(0.0))


@laws
def test_gradients_are_those_of_differences(law):
    for mean in (0.3, 2.0):
        step = 1e-5
        slope = (law.good_prob(mean + step) - law.good_prob(mean - step)) / (2 * step)
        assert jax.grad(law.good_prob)(mean) == pytest.approx(slope, rel=1e-3)


def test_murphy_is_the_triangle_of_densities():
    triangle = lambda x: x if x < 1 else 2 - x
    for mean in (0.1, 1.0, 5.0):
        mixed = sum(
            scipy.integrate.quad(lambda x, m=mean: triangle(x) * math.exp(-m * x), a, a + 1)[0]
            for a in (0, 1)
        )
        assert Murphy().good_prob(mean) == pytest.approx(mixed, rel=1e-10)


def test_negative_binomial_is_its_count():
    for alpha in (0.5, 2.0, 10.0):
        zero = scipy.stats.nbinom.pmf(0, alpha, alpha / (alpha + 1.3))
        assert NegativeBinomial(alpha).good_prob(1.3) == pytest.approx(zero, rel=1e-12)


def test_published_tools_differ_by_clustering():
    """5 nm, 400 mm2: 65 % in one published tool, 36 % in another (formula sheet)."""
    assert yields.die_yield(400.0, 0.11, NegativeBinomial(10.0)) == pytest.approx(0.650, abs=1e-3)
    assert yields.die_yield(400.0, 0.3, NegativeBinomial(3.0)) == pytest.approx(0.364, abs=1e-3)


def test_layers_multiply_and_critical_share_scales():
    whole = yields.layered_yield(120.0, [Layer(0.1, 0.5, Poisson(), 2)])
    assert whole == pytest.approx(yields.die_yield(120.0, 0.1, Poisson()), rel=1e-13)
    both = yields.layered_yield(120.0, [Layer(0.1, 1.0, Seeds()), Layer(0.2, 0.3, Murphy())])
    assert both == pytest.approx(Seeds().good_prob(0.12) * Murphy().good_prob(0.072), rel=1e-13)
    assert yields.layered_yield(120.0, []) == 1


def test_gross_dies_are_both_published_forms():
    area = 148.0
    eco_chip = math.pi * 450 * (450 / (4 * area) - 1 / math.sqrt(2 * area))
    assert yields.gross_dies(area, yields.ECO_CHIP_WAFER) == pytest.approx(eco_chip, rel=1e-13)
    street = area + 2 * 0.2 * math.sqrt(area) + 0.04
    actuary = math.pi * 145**2 / street - math.pi * 290 / math.sqrt(2 * street)
    got = yields.gross_dies(area, yields.CHIPLET_ACTUARY_WAFER)
    assert got == pytest.approx(actuary, rel=1e-13)


# Tests and latent defects


@pytest.mark.parametrize("kind", [WilliamsBrown, LinearCoverage])
def test_escapes_balance(kind):
    """Good units always pass, so passing and good is good."""
    for good in (0.1, 0.5, 0.99):
        for coverage in (0.0, 0.3, 1.0):
            test = kind(coverage)
            passing_and_good = test.pass_prob(good) * (1 - test.defect_level(good))
            assert passing_and_good == pytest.approx(good, rel=1e-13)
        assert kind(1.0).defect_level(good) == pytest.approx(0, abs=1e-15)
        assert kind(0.0).pass_prob(good) == 1


def test_williams_brown_is_found_by_its_faults():
    """Poisson faults, each found with the coverage."""
    faults, coverage = 0.8, 0.9
    test = WilliamsBrown(coverage)
    assert test.pass_prob(math.exp(-faults)) == pytest.approx(math.exp(-faults * coverage))


def test_latent_defects_y13_and_limits():
    ratio, mean = 0.015, 0.5
    direct = (1 + ratio * mean / (2 + mean)) ** -2
    got = yields.latent_free_prob(NegativeBinomial(2.0), mean, ratio)
    assert got == pytest.approx(direct, rel=1e-14)
    limit = yields.latent_free_prob(NegativeBinomial(1e9), mean, ratio)
    assert limit == pytest.approx(math.exp(-mean) ** ratio, rel=1e-7)
    assert yields.latent_free_prob(Poisson(), mean, ratio) == pytest.approx(0.992528, rel=1e-6)
    # Murphy's by its definition: the triangle, given that no killer fell.
    x = np.linspace(0, 2, 200_001)
    weight = np.minimum(x, 2 - x) * np.exp(-mean * x)
    mixed = np.sum(weight * np.exp(-ratio * mean * x)) / np.sum(weight)
    assert yields.latent_free_prob(Murphy(), mean, ratio) == pytest.approx(mixed, rel=1e-8)


@laws
def test_burn_in_only_moves_defects_from_the_field_to_the_factory(law):
    mean, ratio = 0.7, 0.02
    for share in (0.0, 0.4, 1.0):
        burnt = yields.burn_in(law, mean, ratio, share)
        kept = burnt.pass_prob * burnt.latent_free_prob
        assert kept == pytest.approx(burnt.latent_free_before_prob, rel=1e-13)
        failed = yields.early_failure_prob(law, mean, ratio, share, 1.0)
        assert 1 - failed == pytest.approx(burnt.latent_free_prob, rel=1e-13)
    assert yields.burn_in(law, mean, ratio, 0.0).pass_prob == 1
    assert yields.burn_in(law, mean, ratio, 1.0).latent_free_prob == 1


# Resonances


def test_resonances_within_reach():
    ring = TunedRing(1.2, 0.6, 2.0, 0.1)
    normal = scipy.stats.norm(1.2, 0.6)
    direct = normal.cdf(2.1) - normal.cdf(-0.1)
    assert yields.resonance_yield(ring) == pytest.approx(direct, rel=1e-12)
    # Too red cannot be repaired by heat, too blue needs range: best is the middle.
    middle = TunedRing(1.0, 0.6, 2.0, 0.0)
    slope = jax.grad(lambda blue: yields.resonance_yield(TunedRing(blue, 0.6, 2.0, 0.0)))
    assert slope(1.0) == pytest.approx(0, abs=1e-6)
    assert slope(0.8) > 0 > slope(1.2)
    far = yields.resonance_yield(TunedRing(1.0, 0.1, 2.0, 0.0))
    assert 1 - far == pytest.approx(0, abs=1e-15)
    assert yields.resonance_yield(middle, 0.3) < yields.resonance_yield(middle)


def test_rings_of_a_bank_go_together():
    ring = TunedRing(0.5, 0.2, 1.0, 0.05)
    alone = yields.ResonanceLosses(ring, 0.0).failed_prob(16)
    lost = 1 - yields.resonance_yield(ring)
    np.testing.assert_allclose(alone, scipy.stats.binom.pmf(range(17), 16, lost), rtol=1e-9)
    for common in (0.05, 0.4, 3.0):
        bank = yields.ResonanceLosses(ring, common).failed_prob(16)
        assert bank.sum() == pytest.approx(1, rel=1e-12)
        wide = TunedRing(0.5, math.hypot(0.2, common), 1.0, 0.05)
        mean = 16 * (1 - yields.resonance_yield(wide))
        assert bank @ np.arange(17) == pytest.approx(mean, rel=1e-10)


# Clustering


def test_dies_of_one_wafer_y14():
    gathered = Clustering(wafer_alpha=2.0)
    assert yields.all_good_prob(0.2, gathered, (4,)) == pytest.approx(1.4**-2, rel=1e-12)
    assert yields.all_good_prob(0.2, gathered, (1, 1, 1, 1)) == pytest.approx(1.1**-8, rel=1e-12)


def test_levels_are_integrals_over_gamma_laws():
    lot, wafer, die, mean = 3.0, 1.5, 4.0, 0.6
    lots, wafers = (scipy.stats.gamma(alpha, scale=1 / alpha) for alpha in (lot, wafer))
    # The trapezoid rule in the logarithm of the density, on which all is smooth.
    log_g = np.linspace(-25.0, 4.5, 3000)
    g, step = np.exp(log_g), log_g[1] - log_g[0]
    of_lot, of_wafer = (law.pdf(g) * g * step for law in (lots, wafers))
    one = (1 + mean * np.outer(g, g) / die) ** -die
    direct = of_lot @ ((one**2 @ of_wafer) * (one @ of_wafer))
    got = yields.all_good_prob(mean, Clustering(lot, wafer, die), (2, 1))
    assert got == pytest.approx(direct, rel=1e-9)


@given(st.floats(0.5, 50.0), st.floats(0.5, 50.0), st.floats(0.5, 50.0), st.floats(0.01, 1.0))
@settings(max_examples=30, deadline=None)
def test_sharing_a_wafer_never_hurts_a_set(lot, wafer, die, mean):
    gathered = Clustering(lot, wafer, die)
    one = yields.all_good_prob(mean, gathered)
    same = yields.all_good_prob(mean, gathered, (3,))
    lots = yields.all_good_prob(mean, gathered, (1, 1, 1))
    assert one**3 <= lots * (1 + 1e-12) <= same * (1 + 1e-9)


def test_defect_moments_are_those_of_the_mixture():
    gathered = Clustering(5.0, 3.0, 2.0)
    assert gathered.spread == pytest.approx(1.2 * (4 / 3) * 1.5 - 1)
    moments = yields.defect_moments(0.8, gathered)
    assert moments.variance == pytest.approx(0.8 + 0.64 * 1.4)
    assert moments.same_wafer_covariance == pytest.approx(0.64 * 0.6)
    assert moments.same_lot_covariance == pytest.approx(0.64 * 0.2)
    only = yields.defect_moments(0.8, Clustering(die_alpha=2.0))
    law = scipy.stats.nbinom(2.0, 2.0 / 2.8)
    assert only.variance == pytest.approx(law.var())


def test_share_of_good_dies_without_clustering_is_binomial():
    moments = yields.yield_moments(0.5, Clustering(), dies=40, wafers=3, lots=2)
    y = math.exp(-0.5)
    assert moments.mean == pytest.approx(y, rel=1e-13)
    assert moments.variance == pytest.approx(y * (1 - y) / 240, rel=1e-10)
    many = yields.yield_moments(0.5, Clustering(wafer_alpha=2.0), dies=10**9)
    assert many.variance == pytest.approx(1.5**-2 - 1.25**-4, rel=1e-6)


# Examples


@pytest.mark.parametrize("name", [n for n in dir(yields) if not n.startswith("_")])
def test_examples_run(name):
    for block in re.findall(r"```python\n(.*?)```", getattr(yields, name).__doc__ or "", re.DOTALL):
        exec(textwrap.dedent(block), {})


@laws
def test_good_dies_come_from_better_places(law):
    """Their mean density is the slope of -log Y, also at 0, where dies are as they come."""
    for mean in (0.0, 1e-4, 0.3, 5.0):
        step = 1e-5
        ends = [law.good_prob(max(mean + d, 0.0)) for d in (-step, step)]
        slope = math.log(ends[0] / ends[1]) / (mean + step - max(mean - step, 0.0))
        assert law.good_density(mean) == pytest.approx(slope, rel=2e-5)
    assert law.good_density(0.0) == pytest.approx(1.0, rel=1e-12)


@laws
def test_what_is_dormant_fails_by_the_laws_of_its_layers(law):
    left = yields.Dormant(((law, 0.4, 2), (Poisson(), 0.1, 1)), 0.5, 0.3)
    for share in (1e-9, 0.2, 1.0):
        field = 0.3 + 0.7 * share
        free = (1 - yields.early_failure_prob(law, 0.4, 0.5, 0.3, field)) ** 2
        free *= 1 - yields.early_failure_prob(Poisson(), 0.1, 0.5, 0.3, field)
        assert left.hazard(share) == pytest.approx(-math.log(free), rel=1e-6, abs=1e-15)
        assert left.share(left.hazard(share)) == pytest.approx(share, rel=1e-12)
    assert left.hazard(1e-12) == pytest.approx(1e-12 * left.mean, rel=1e-9)
    assert left.share(1.01 * left.hazard(1.0)) > 1


def test_dies_that_pass_are_of_the_mean_density_of_their_places():
    """One level in closed form; three by the moments of what a test of small coverage passes."""
    for level in ("lot_alpha", "wafer_alpha", "die_alpha"):
        one = yields.Clustering(**{level: 2.0})
        assert yields.passing_density(0.5, one) == pytest.approx(2.0 / 2.5, rel=1e-9)
    gathered = yields.Clustering(5.0, 3.0, 2.0)
    assert yields.passing_density(1e-6, gathered) == pytest.approx(
        1 - 1e-6 * gathered.spread, rel=1e-9
    )
    assert yields.passing_density(0.5, yields.Clustering()) == pytest.approx(1.0)
    step = 1e-5
    ends = [yields.all_good_prob(0.5 + d, gathered) for d in (-step, step)]
    slope = math.log(ends[0] / ends[1]) / (2 * step)
    assert yields.passing_density(0.5, gathered) == pytest.approx(slope, rel=1e-6)
