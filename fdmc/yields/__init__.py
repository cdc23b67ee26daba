"""Yield: what never worked, what test let through, what repair used up, and what it all costs."""

from ._assembly import (
    FAN_OUT as FAN_OUT,
    FIBRE_PROB as FIBRE_PROB,
    HYBRID_DIE_TO_WAFER as HYBRID_DIE_TO_WAFER,
    HYBRID_WAFER_TO_WAFER as HYBRID_WAFER_TO_WAFER,
    MICRO_BUMP as MICRO_BUMP,
    ORGANIC as ORGANIC,
    SILICON_INTERPOSER as SILICON_INTERPOSER,
    Joining as Joining,
    fibre_attach_yield as fibre_attach_yield,
    joining_yield as joining_yield,
    series_yield as series_yield,
)
from ._clustering import (
    Clustering as Clustering,
    DefectMoments as DefectMoments,
    Moments as Moments,
    all_good_prob as all_good_prob,
    defect_moments as defect_moments,
    passing_density as passing_density,
    yield_moments as yield_moments,
)
from ._defects import (
    AbstractDefects as AbstractDefects,
    BoseEinstein as BoseEinstein,
    Layer as Layer,
    Murphy as Murphy,
    NegativeBinomial as NegativeBinomial,
    Poisson as Poisson,
    Seeds as Seeds,
    critical_area_mm2 as critical_area_mm2,
    die_yield as die_yield,
    layered_yield as layered_yield,
)
from ._escape import (
    FULL_TEST as FULL_TEST,
    UNTESTED as UNTESTED,
    AbstractTest as AbstractTest,
    LinearCoverage as LinearCoverage,
    WilliamsBrown as WilliamsBrown,
)
from ._factory import (
    BURN_IN as BURN_IN,
    Factory as Factory,
    factory as factory,
    unit_into as unit_into,
)
from ._flow import (
    Made as Made,
    Part as Part,
    Product as Product,
    Spending as Spending,
    Step as Step,
    make as make,
)
from ._lane_die import (
    LaneDie as LaneDie,
    die_lanes_lost_prob as die_lanes_lost_prob,
    lanes_lost_prob as lanes_lost_prob,
    latent_lanes as latent_lanes,
)
from ._latent import (
    BurnIn as BurnIn,
    Dormant as Dormant,
    burn_in as burn_in,
    early_failure_prob as early_failure_prob,
    latent_free_prob as latent_free_prob,
)
from ._losses import (
    AbstractLosses as AbstractLosses,
    BetaBinomialLosses as BetaBinomialLosses,
    ClusteredLosses as ClusteredLosses,
    CommonCauseLosses as CommonCauseLosses,
    IndependentLosses as IndependentLosses,
)
from ._outcome import (
    Grade as Grade,
    Shipment as Shipment,
    cost_per_package as cost_per_package,
    cost_per_tbps as cost_per_tbps,
    package_lanes_prob as package_lanes_prob,
    shipment as shipment,
    shipped_early_prob as shipped_early_prob,
    shipped_latent_fatal as shipped_latent_fatal,
    shipped_latent_lanes as shipped_latent_lanes,
    yield_adjusted_tbps as yield_adjusted_tbps,
)
from ._parametric import (
    ResonanceLosses as ResonanceLosses,
    TunedRing as TunedRing,
    resonance_yield as resonance_yield,
)
from ._repair import (
    FULL as FULL,
    Bins as Bins,
    Repair as Repair,
    binned as binned,
    repair as repair,
    repair_yield as repair_yield,
)
from ._wafer import (
    CHIPLET_ACTUARY_WAFER as CHIPLET_ACTUARY_WAFER,
    ECO_CHIP_WAFER as ECO_CHIP_WAFER,
    Wafer as Wafer,
    die_carbon_kg as die_carbon_kg,
    good_die_cost as good_die_cost,
    gross_dies as gross_dies,
    raw_die_cost as raw_die_cost,
)
