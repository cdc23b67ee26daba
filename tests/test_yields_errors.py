"""Bad input to the yield laws: refused with the name, the value and what to write instead."""

import math

import numpy as np
import pytest

from fdmc import yields
from fdmc.yields import (
    BoseEinstein,
    Clustering,
    LinearCoverage,
    NegativeBinomial,
    Poisson,
    Seeds,
    TunedRing,
    WilliamsBrown,
)


BAD = {
    "yield above 1": (lambda: LinearCoverage(0.9).pass_prob(1.2), "good_prob .*1.2.*0.98"),
    "yield of an inverse": (lambda: Poisson().mean_defects(1.5), "good_prob .*1.5.*0.98"),
    "coverage": (lambda: WilliamsBrown(95.0), "coverage .*95.*0.98"),
    "area": (lambda: yields.die_yield(-3.0, 0.1, Poisson()), "area_mm2 .*-3.*in mm2"),
    "area of none": (lambda: yields.gross_dies(0.0, yields.ECO_CHIP_WAFER), "area_mm2 .*0.*in mm2"),
    "large die": (lambda: yields.gross_dies(9e4, yields.ECO_CHIP_WAFER), "area_mm2 .*90000"),
    "density": (lambda: yields.die_yield(3.0, -0.1, Poisson()), "density_per_cm2 .*-0.1.*per cm2"),
    "alpha 0": (lambda: NegativeBinomial(0.0), "alpha .*positive.* 0.*math.inf"),
    "alpha below": (lambda: Clustering(wafer_alpha=-1.0), "wafer_alpha .*-1.*math.inf"),
    "NaN": (lambda: Poisson().good_prob(math.nan), "mean_defects .*nan.*mean number"),
    "NaN alpha": (lambda: NegativeBinomial(math.nan), "alpha .*nan"),
    "NaN in an array": (lambda: Seeds().good_prob(np.array([1.0, math.nan])), "mean_defects .*nan"),
    "spares": (lambda: yields.LaneDie(4, 5), r"spares .*lanes \(4\).* 5.*on top"),
    "lanes": (lambda: yields.repair(np.ones(4) / 4, 0, 3), "lanes .*whole.* 0"),
    "more spares than elements": (
        lambda: yields.repair_yield(np.ones(4) / 4, 5),
        r"spares .*\(3\).* 5.*included",
    ),
    "other number": (lambda: yields.repair(np.ones(4) / 4, 4, 1), "failed_prob .*= 5.* 3"),
    "bins rise": (lambda: yields.Bins((0.5, 1.0)), "shares must fall"),
    "bins above 1": (lambda: yields.Bins((1.5, 1.0)), "shares .*1.5"),
    "no bins": (lambda: yields.Bins(()), "shares .*above 0"),
    "correlation": (lambda: yields.BetaBinomialLosses(0.1, 1.0), "correlation .*below 1.* 1"),
    "beta": (lambda: yields.CommonCauseLosses(0.1, 1.1), "beta .*1.1.*common"),
    "bond": (lambda: yields.Joining(1.1), "alignment_prob .*1.1.*0.98"),
    "fibres": (lambda: yields.fibre_attach_yield(-1), "count .*-1"),
    "cost": (lambda: yields.Step("x", cost=-1.0), "cost .*-1.*currency"),
    "step yield": (lambda: yields.Step("x", good_prob=2.0), "good_prob .*2.*0.98"),
    "layers": (lambda: BoseEinstein(0), "layers .*whole.* 0"),
    "spread": (lambda: TunedRing(1.0, 0.0, 1.0, 0.0), "spread_nm .*0.*nm"),
    "dies": (lambda: yields.shipment(yields.LaneDie(4, 1), 0, Clustering()), "dies .*whole.* 0"),
    "latent": (lambda: yields.latent_free_prob(Poisson(), 1.0, -1.0), "latent_ratio .*-1"),
    "burn-in backwards": (
        lambda: yields.early_failure_prob(Poisson(), 1.0, 0.1, 0.5, 0.2),
        "field_share less activated_share",
    ),
    "nothing ships": (
        lambda: yields.cost_per_package(
            yields.shipment(yields.LaneDie(4, 0, lane_loss_prob=1.0), 1, Clustering()), 1.0
        ),
        "shipped .*none",
    ),
}


@pytest.mark.parametrize(("call", "said"), BAD.values(), ids=BAD)
def test_bad_input_is_named_with_its_value_and_the_fix(call, said):
    with pytest.raises(ValueError, match=said):
        call()
