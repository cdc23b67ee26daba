"""Cases of ageing, wear and failure rates, through `fdmc.stress` and `fdmc.lifetime`."""

from collections.abc import Callable, Sequence

import numpy as np

from fdmc.lifetime import Spared, cumulative_hazard, hours_at
from fdmc.spec import Exponential
from fdmc.stress import (
    EDGE_EMITTER,
    Cycle,
    Solder,
    annual_failure_prob,
    arrhenius,
    black,
    coffin_manson,
    count_to_fit,
    exposure,
    fit_to_mtbf,
    fit_upper,
    lognormal_rate,
    lognormal_through,
    miner,
    mtbf_to_fit,
    norris_landzberg,
    peck,
    prob_to_fit,
    rainflow,
)


Answer = Sequence[float] | np.ndarray
"""One number for each that the case expects."""

CELSIUS = 273.15
HOURS_PER_DAY = 24.0
HOURS_PER_YEAR = 8760.0

TEC_HOURS = (990_000.0, 60_000.0, 27_000.0, 4600.0, 1800.0, 360.0)
"""The vendor's table, to which one straight line in ln L is fitted by its mean."""

ASTM_FIGURE_6 = (-2, 1, -3, 5, -1, 3, -4, 4, -2)
MINER_KELVIN = 10.0  # of a unit of that figure


def _kelvin(celsius):
    return np.asarray(celsius, float) + CELSIUS


def _tec(T_C, Ea, anchor) -> Answer:
    faster = arrhenius(Ea, _kelvin(T_C), _kelvin(T_C[0]))
    return np.exp(np.mean(np.log(TEC_HOURS * faster))) / faster


def _peck(n, Ea, RHt, Tt, RHu, Tu) -> Answer:
    factor = peck(
        RHt / 100,
        RHu / 100,
        Tt + CELSIUS,
        Tu + CELSIUS,
        humidity_power=n,
        energy_ev=Ea,
    )
    return [float(factor)]


def _black(n, Ea, Jr, T1, T2) -> Answer:
    factor = black(Jr, 1.0, T1 + CELSIUS, T2 + CELSIUS, current_power=n, energy_ev=Ea)
    return [float(factor)]


def _norris_landzberg(dT, f, Tmax, n, m, EaK) -> list[float]:
    """By swing alone, by time alone, by peak alone, and together."""
    test, use = (
        Cycle(swing, peak + CELSIUS, HOURS_PER_DAY / rate)
        for swing, peak, rate in zip(dT, Tmax, f, strict=True)
    )
    solder = Solder(n, m, EaK)
    alone = [{"swing_kelvin": test.swing_kelvin}, {"hours": test.hours}]
    alone += [{"max_kelvin": test.max_kelvin}, test._asdict()]
    return [float(norris_landzberg(use._replace(**one), use, solder)) for one in alone]


def _range_counts(series) -> tuple[np.ndarray, np.ndarray]:
    cycles = rainflow(np.asarray(series, float))
    swings, kind = np.unique(cycles.swing, return_inverse=True)
    return swings, np.bincount(kind, weights=cycles.count)


def _miner(N0, dT0, q) -> Answer:
    swings, counts = _range_counts(ASTM_FIGURE_6)
    return [float(miner(counts, N0 / coffin_manson(MINER_KELVIN * swings, dT0, swing_power=q)))]


def _exposed_laser(steps_h_C) -> Answer:
    hours, celsius = np.transpose(steps_h_C)
    age = exposure(hours.sum(), hours, EDGE_EMITTER.acceleration(_kelvin(celsius)))
    return [float(_failed(EDGE_EMITTER.law(), age))]


def _failed(law, hours):
    return -np.expm1(-cumulative_hazard(law, hours))


def _datasheet_laser(T_C, fit) -> Answer:
    """A lognormal through two rates at one temperature, read at twenty years."""
    early, late = (float(age.removesuffix("y")) * HOURS_PER_YEAR for age in fit)
    law = lognormal_through((early, late), tuple(map(float, fit.values())))
    return [lognormal_rate(law, 20 * HOURS_PER_YEAR)]


def _rates_of_counts(gpus, days, counts) -> Answer:
    return count_to_fit(np.asarray(counts, float), gpus * days * HOURS_PER_DAY)


def _interruptions(n) -> Answer:
    """Of all causes, hours between; of GPUs and their memory (case F01), failures per year."""
    gpus, days, failures = 16_384, 54, 148 + 72
    between = fit_to_mtbf(count_to_fit(n, days * HOURS_PER_DAY))
    each = fit_to_mtbf(count_to_fit(failures, gpus * days * HOURS_PER_DAY))
    return [float(between), HOURS_PER_YEAR / float(each)]


def _jobs(rate) -> Answer:
    node = fit_to_mtbf(count_to_fit(rate, 1000 * HOURS_PER_DAY))
    return [float(node) / (gpus / 8) for gpus in (16_384, 131_072)]


def _links(p, h) -> Answer:
    links = 3000
    return [*prob_to_fit(np.asarray(p), h), links * p[0]]


def _cubes(n, k, conf) -> Answer:
    """Unit exponentials stand for availabilities: one that lives past t is up."""
    hours = hours_at(Spared(Exponential(1.0), n, n - k), -np.log(conf))
    five_more = Spared(Exponential(1.0), n, n - k - 5)
    return [float(np.exp(-hours)), float(np.exp(-cumulative_hazard(five_more, hours)))]


def _switches(p, h, hw) -> Answer:
    total = float(prob_to_fit(p, h))
    return [total, hw * total]


FORMULAS: dict[str, Callable[..., Answer]] = {
    "P01": lambda Ea, Tu, Tt: [float(arrhenius(Ea, Tt + CELSIUS, Tu + CELSIUS))],
    "P02": _tec,
    "P03": _peck,
    "P04": _black,
    "P05": _norris_landzberg,
    "P06": lambda **inputs: _norris_landzberg(**inputs)[-1:],
    "P07": lambda series: _range_counts(series)[1],
    "P08": _miner,
    "P09": _exposed_laser,
    "P10": lambda r, T, cl: fit_upper(r, T, np.asarray(cl)),
    "P11": lambda MTBF_Mh: 100 * annual_failure_prob(1e6 * np.asarray(MTBF_Mh)),
    "P12": _datasheet_laser,
    "F01": _rates_of_counts,
    "F02": _interruptions,
    "F03": _jobs,
    "F04": _links,
    "F05": _cubes,
    "F07": _switches,
    "F08": lambda: mtbf_to_fit(np.array([9.36e6, 8.79e6, 468e3, 125e6, 352_590.0])),
}
