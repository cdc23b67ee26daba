"""Histories with heat: the engine against the reference and closed forms; |z| <= 4.9, one false alarm in a million.

Seeds are fixed; about 120 comparisons.
"""

import math
from typing import Any
from unittest import mock

import numpy as np
import pytest
from _compare import (
    FEW_AND_MANY,
    Fact,
    Z,
    assert_alike,
    built,
    engine_facts,
    engine_run,
    reference_facts,
)
from _hot_machines import AGED, NESTED, SEASONS, excursion, machine

from fdmc.collect._run import BINS
from fdmc.kernel import Bounds
from fdmc.stress import arrhenius


pytestmark = pytest.mark.statistical


def room(outages: int, latents: int = 4, renewals: int = 4):
    """Start with these bounds: room for almost every replica, so that one program is compiled."""
    bounds = Bounds(outages, latents, renewals, BINS, 16)
    return mock.patch("fdmc.collect._run.first_bounds", return_value=bounds)


def agree(fact: Fact, exact: float) -> None:
    z = (fact.mean - exact) / math.sqrt(fact.variance / fact.count)
    assert abs(z) <= Z, f"z = {z:.2f}: {fact.mean} against {exact}"


def adds_up(ours: dict[str, Fact]) -> None:
    for kind in ("component", "fru", "level"):
        blame = sum(fact.mean for name, fact in ours.items() if name.startswith(f"blame.{kind}."))
        assert blame == pytest.approx(ours["lost"].mean, rel=1e-4)


@pytest.mark.verification
@FEW_AND_MANY
def test_light_that_nested_excursions_take(times):
    """Five kinds from the pod down to an engine, some of equal reach, random durations, recovery and relocking."""
    with room(20):
        ours, result = engine_run(NESTED, 768 * times)
    assert_alike(ours, reference_facts(NESTED, 150 * times), at_least=40)
    adds_up(ours)
    hours = NESTED.mission_hours
    assert result["thermally_stable_throughput"].best == pytest.approx(
        1 - ours["dark"].mean / hours
    )


@pytest.mark.verification
@FEW_AND_MANY
def test_ageing_that_excursions_add(times):
    """Strikes are most of the failures of lasers and engines; mechanisms, currents, a drive, stops, parking.

    Components of one group share the blame in the reference (`docs/model.md`, section 5): left out.
    """
    with room(12, 16, 12):
        ours = engine_facts(AGED, 1024 * times)
    theirs = reference_facts(AGED, 120 * times)
    some = lambda facts: {
        k: v for k, v in facts.items() if not k.startswith("blame.component.laser")
    }
    assert_alike(some(ours), some(theirs), at_least=38)
    adds_up(ours)
    quiet = (
        4 * 2 * 3 * AGED.mission_hours / 9000 * 0.9**3
    )  # of `worn`, at its reference temperature
    assert ours["failures.laser:worn"].mean > 1.5 * quiet


@FEW_AND_MANY
def test_seasons_shift_parts_and_lanes(times):
    """Noise, a stationary start after a run-in of two cycles, lanes dark all the time, the whole domain dropped."""
    with room(10):
        ours = engine_facts(SEASONS, 768 * times)
    assert_alike(ours, reference_facts(SEASONS, 150 * times), at_least=28)
    adds_up(ours)


LASER = {"at": "50 degC", "reference": "50 degC", "activation_energy": "0.8 eV", "repair": "1 s"}


def test_one_kind_of_excursion_in_closed_form():
    """A wait of mean 1 / rate, then a duration of any law and its tail: shares of time, strikes, lost light."""
    gamma: dict[str, Any] = {"gamma": {"shape": 2, "mean": "25 h"}}
    scenario = machine(
        {
            "load": {"constant": 0.9},
            "link": {"ring": {"unit": "lane", "spread": "3 K", "top": "84 degC", "range": "40 K"}},
            "excursions": {"cdu": excursion("rack", "100 h", "9 K", gamma, "6 h")},
        },
        {"laser": {**LASER, "mtbf": "800 h"}},
        start="stationary",
        run_in="1000 h",
    )
    with room(6):
        facts = engine_facts(scenario, 2048)
    theirs = built(scenario).heat
    (kind,) = theirs.excursions
    cycle, hours = 100 + 25 + theirs.after(kind), 1500.0
    agree(facts["failures.cdu"], 2 * hours / cycle)
    agree(facts["lock_losses"], 2 * hours / cycle)
    x = np.linspace(0, 40, 400_001)
    gain = lambda rise: arrhenius(0.8, 323.15 + rise, 323.15) - 1
    tail = 6 * np.trapezoid(np.asarray(gain(9 * np.exp(-x))), x)
    more = (25 * float(gain(9.0)) + float(tail)) / cycle
    assert more > 0.2
    agree(facts["failures.laser"], 24 * hours / 800 * (1 + more))
    share = (25 + theirs.after(kind)) / cycle
    agree(facts["dark"], hours * (theirs.lost(0.0) * (1 - share) + theirs.lost(9.0) * share))
