"""Stress and ageing: by how much heat, humidity, current and cycles shorten a life."""

from ._arrhenius import (
    BOLTZMANN_EV_PER_KELVIN as BOLTZMANN_EV_PER_KELVIN,
    arrhenius as arrhenius,
)
from ._cycling import (
    FIDES_CASE as FIDES_CASE,
    FIDES_JOINT as FIDES_JOINT,
    SAC305 as SAC305,
    SNPB as SNPB,
    Cycle as Cycle,
    Solder as Solder,
    coffin_manson as coffin_manson,
    fides_cycling as fides_cycling,
    miner as miner,
    norris_landzberg as norris_landzberg,
)
from ._electromigration import black as black
from ._exposure import exposure as exposure, hours_at_exposure as hours_at_exposure
from ._eyring import e_model as e_model, eyring as eyring
from ._humidity import peck as peck
from ._laser import (
    EDGE_EMITTER as EDGE_EMITTER,
    LaserWearOut as LaserWearOut,
    drive_life_hours as drive_life_hours,
    drive_rise as drive_rise,
    lognormal_rate as lognormal_rate,
    lognormal_through as lognormal_through,
    vcsel as vcsel,
)
from ._rainflow import Cycles as Cycles, rainflow as rainflow
from ._rates import (
    annual_failure_prob as annual_failure_prob,
    count_to_fit as count_to_fit,
    fit_interval as fit_interval,
    fit_quantile as fit_quantile,
    fit_to_mtbf as fit_to_mtbf,
    fit_to_prob as fit_to_prob,
    fit_upper as fit_upper,
    mtbf_to_fit as mtbf_to_fit,
    prob_to_fit as prob_to_fit,
    rate_ratio_interval as rate_ratio_interval,
)
