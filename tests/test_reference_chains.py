"""The plain-Python reference against exact Markov chains and closed forms.

Statistical checks allow |z| <= 4.9, which is one false alarm in a million; their seeds are fixed.
"""

import math
from collections.abc import Callable
from typing import Any

import pytest
from _machines import PART, TWO_RACKS, agree, exponential, laboratory, load
from _markov import (
    base_stock,
    machine_repair,
    nested_frus,
    palm_backorders,
    shared_technician,
    swap_when_short,
)
from scipy import integrate, special, stats

from fdmc import reference, spec
from fdmc.reference import _law


YEARS_5 = 43800.0


def test_published_availability_of_5_of_6() -> None:
    chain = machine_repair(6, 1000.0, 24.0, 1)
    assert chain.mean(lambda failed: failed <= 1) == pytest.approx(0.9836086519, abs=5e-11)
    assert chain.mean(lambda failed: failed <= 1, YEARS_5) == pytest.approx(0.9836280961, abs=5e-11)


@pytest.mark.statistical
@pytest.mark.parametrize("technicians", [1, 2, None])
def test_k_of_n_with_technicians(technicians: int | None) -> None:
    chain = machine_repair(6, 1000.0, 24.0, technicians)
    machine = laboratory(
        {"node": exponential(1000, 24)},
        {"node": {"count": 6, "need": 5}},
        service={"technicians": technicians} if technicians else {},
    )
    outcomes = [reference.history(machine, 11, r) for r in range(60)]
    exact = chain.mean(lambda failed: failed <= 1, YEARS_5)
    agree([each.full_hours / YEARS_5 for each in outcomes], exact)
    exact = chain.mean(lambda failed: min(1.0, (6 - failed) / 5), YEARS_5)
    agree([each.work / YEARS_5 for each in outcomes], exact)
    exact = YEARS_5 * chain.mean(lambda failed: (6 - failed) / 1000.0, YEARS_5)
    agree([each.failures["system/node"] for each in outcomes], exact)


@pytest.mark.statistical
def test_two_classes_share_a_technician() -> None:
    """Capacity is the product of two groups without spares, each linear in what has failed."""
    counts, mtbf, repair = (2, 3), (500.0, 300.0), (50.0, 10.0)
    chain = shared_technician(counts, mtbf, repair)
    machine = laboratory(
        {"slow": exponential(500, 50), "fast": exponential(300, 10)},
        {"slow": {"count": 2, "need": 2}, "fast": {"count": 3, "need": 3}},
        service={"technicians": 1},
        mission="10000 h",
    )
    outcomes = [reference.history(machine, 12, r) for r in range(150)]
    exact = chain.mean(lambda q: (1 - q.count(0) / 2) * (1 - q.count(1) / 3), 10000.0)
    agree([each.work / 10000 for each in outcomes], exact)
    for kind, name in enumerate(("slow", "fast")):
        rate = chain.mean(lambda q, kind=kind: (counts[kind] - q.count(kind)) / mtbf[kind], 10000.0)
        agree([each.failures[f"system/{name}"] for each in outcomes], 10000 * rate)


@pytest.mark.statistical
def test_spares_inside_one_fru() -> None:
    """4 lasers, 3 needed, the module is swapped only when short; failures during the swap count."""
    chain = swap_when_short(4, 3, 1000.0, 100.0)
    document = {
        "mission": "20000 h",
        "components": {"laser": {"mtbf": "1000 h"}},
        "units": {
            "system": {"contains": {"board": 1, "els": 1}},
            "board": {},
            "els": {"components": {"laser": {"count": 4, "need": 3}}},
        },
        "fabric": {"accelerator": "board"},
        "service": {"replace": {"els": {"time": {"exponential": {"mean": "100 h"}}}}},
    }
    machine = reference.build(load(document))
    outcomes = [reference.history(machine, 13, r) for r in range(150)]
    exact = chain.mean(lambda s: 1 - min(1.0, max(0, s[0] - 1) / 3), 20000.0)
    agree([each.work / 20000 for each in outcomes], exact)
    swaps = 20000 * chain.mean(lambda s: 0 if s[1] or s[0] != 1 else 3 / 1000, 20000.0)
    agree([each.jobs["els"] for each in outcomes], swaps)


@pytest.mark.statistical
def test_a_larger_swap_renews_smaller_parts_while_their_jobs_run_on() -> None:
    chain = nested_frus((300.0, 400.0), (150.0, 50.0))
    document = {
        "mission": "20000 h",
        "components": {"small": exponential(300, 150), "big": exponential(400, 50)},
        "units": {
            "system": {"contains": {"board": 1}},
            "board": {"components": {"small": 1, "big": 1}},
        },
        "fabric": {"accelerator": "system"},
        "service": {"replace": {"small": {}, "board": {}}},
    }
    machine = reference.build(load(document))
    outcomes = [reference.history(machine, 14, r) for r in range(150)]
    exact = chain.mean(lambda s: not (s[0] or s[1]), 20000.0)
    agree([each.full_hours / 20000 for each in outcomes], exact)
    jobs = 20000 * chain.mean(lambda s: 0 if s[0] or s[2] else 1 / 300, 20000.0)
    agree([each.jobs["small"] for each in outcomes], jobs)


@pytest.mark.statistical
@pytest.mark.parametrize(("spares", "lifetimes"), [(0, 20), (2, 20), (5, 20)])
def test_stock_with_a_fixed_restock_time(spares: int, lifetimes: int) -> None:
    """Insensitive to the law of the lead time, so exact for a fixed one."""
    count, mtbf, restock = 10, 1000.0, 300.0
    exact = base_stock(count, spares, mtbf, restock)
    hours = lifetimes * mtbf
    machine = laboratory(
        {"node": {"mtbf": "1000 h", "repair": "0.001 h"}},
        {"node": {"count": count, "need": count}},
        mission=f"{hours} h",
        start="stationary",
        run_in="3000 h",
        service={"replace": {"node": {"stock": spares, "restock": f"{restock} h"}}},
    )
    agree([reference.history(machine, 15, r).work / hours for r in range(80)], exact)


def test_palm() -> None:
    """With many positions the closed network becomes Palm's Poisson pipeline."""
    positions = 20000
    short = (1 - base_stock(positions, 6, positions * 200.0, 1000.0)) * positions
    assert short == pytest.approx(palm_backorders(1 / 200, 6, 1000.0), rel=1e-3)


@pytest.mark.statistical
@pytest.mark.parametrize(
    "law",
    [
        {"weibull": {"shape": 2.5, "scale": "500 h"}},
        {"lognormal": {"median": "400 h", "sigma": 0.8}},
        {"gamma": {"shape": 3, "mean": "450 h"}},
        {
            "bathtub": {
                "infant": {"weibull": {"shape": 0.5, "scale": "4000 h"}},
                "wearout": {"weibull": {"shape": 4, "scale": "600 h"}},
            }
        },
    ],
)
def test_stationary_renewals(law: dict[str, Any]) -> None:
    """In the long run a part works MTTF / (MTTF + MTTR) of the time, whatever the laws."""
    repair = {"lognormal": {"median": "30 h", "p90": "90 h"}}
    machine = laboratory(
        {"a": {"lifetime": law, "repair": repair}},
        {"a": 1},
        mission="10000 h",
        start="stationary",
        run_in="6000 h",
    )
    up = _law.mean(machine.parts[0].lifetime)
    down = 30 * math.exp((math.log(3) / 1.2815515655446004) ** 2 / 2)
    outcomes = [reference.history(machine, 16, r) for r in range(250)]
    agree([each.work / 10000 for each in outcomes], up / (up + down))
    agree([each.failures["system/a"] for each in outcomes], 10000 / (up + down))


# --- laws, snapshots, missions ---


def test_survival_and_means() -> None:
    for t in (0.1, 1.0, 3.0, 12.0):
        assert _law.survival(spec.Gamma(2.5, 1.5), t) == pytest.approx(
            special.gammaincc(2.5, t / 1.5)
        )
        assert _law.survival(spec.LogNormal(2.0, 0.7), t) == pytest.approx(
            stats.norm.sf(math.log(t / 2) / 0.7)
        )
    both = spec.Competing((spec.Exponential(3.0), spec.Exponential(6.0)))
    assert _law.mean(both) == pytest.approx(2.0, rel=1e-12)
    bathtub = spec.Competing(
        (spec.Weibull(0.5, 40.0), spec.Weibull(4.0, 6.0), spec.Gamma(3.0, 9.0))
    )
    expected = integrate.quad(lambda t: _law.survival(bathtub, t), 0, 30, epsabs=1e-12, limit=500)[
        0
    ]
    assert _law.mean(bathtub) == pytest.approx(expected, rel=1e-7)


@pytest.mark.statistical
def test_stationary_snapshot_of_a_sliced_machine() -> None:
    """Published: 64 cubes of 16 hosts, 99 % available; slices of 16 cubes reach 75 %."""
    document = {
        "components": {"host": {"mtbf": "99 h", "repair": "1 h"}},
        "units": {"pod": {"contains": {"cube": 64}}, "cube": {"components": {"host": 16}}},
        "fabric": {"accelerator": "cube", "policy": "park"},
        "workload": {"slice": 16},
    }
    machine = reference.build(load(document))
    healthy = stats.binom(64, 0.99**16)
    exact = sum(healthy.pmf(h) * (h // 16) * 16 / 64 for h in range(65))
    assert exact == pytest.approx(0.75, abs=0.01)
    agree([reference.snapshot(machine, 17, r).rate for r in range(3000)], exact)


@pytest.mark.statistical
def test_snapshot_at_a_time() -> None:
    """4-of-6 at half its mean life, without repair."""
    machine = laboratory({"node": PART}, {"node": {"count": 6, "need": 4}})
    exact = stats.binom(6, math.exp(-0.5)).sf(3)
    agree([float(reference.snapshot(machine, 18, r, 500.0).whole) for r in range(5000)], exact)


@pytest.mark.statistical
def test_missions() -> None:
    """The two racks: each level's first loss, all parts exponential with a mean of 1000 h."""
    rings = 16  # engines, each short at the second dead lane of 5 (a lane dies at twice the rate)
    machine = reference.build(load(TWO_RACKS))
    samples = [reference.mission(machine, 19, r) for r in range(400)]

    def mean_of(survival: Callable[[float], float]) -> float:
        return 1000 * integrate.quad(survival, 0, 50, epsabs=1e-13, limit=400)[0]

    def at_most_one(n: int, rate: float) -> Callable[[float], float]:
        return lambda t: math.exp(-n * rate * t) * (1 + n * math.expm1(rate * t))

    lanes, lasers = at_most_one(5, 2.0), at_most_one(3, 1.0)
    supplies, pumps = at_most_one(4, 1.0), at_most_one(2, 1.0)

    def engine(t: float) -> float:  # its pic and lanes, its laser modules, the pumps of its rack
        return math.exp(-16 * t) * lanes(t) ** rings * lasers(t) ** 8

    expected = {
        "lane": lambda t: math.exp(-80 * 2 * t),
        "els": lambda t: lasers(t) ** 8,
        "cdu": lambda t: pumps(t) ** 2,
        "asic": lambda t: math.exp(-4 * t),
        "fan": lambda t: math.exp(-4 * t),
        "switch_tray": lambda t: math.exp(-8 * t),
        "engine": engine,
        "package": lambda t: engine(t) * math.exp(-8 * t),
        "tray": lambda t: engine(t) * math.exp(-12 * t),
        "rack": lambda t: engine(t) * math.exp(-16 * t) * supplies(t) ** 2 * pumps(t) ** 2,
        "domain": lambda t: engine(t) * math.exp(-25 * t) * supplies(t) ** 2 * pumps(t) ** 2,
    }
    for level, survival in expected.items():
        agree([sample[level] for sample in samples], mean_of(survival))
    assert all(sample["pod"] == sample["domain"] for sample in samples)
