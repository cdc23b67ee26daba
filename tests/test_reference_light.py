"""Light that heat takes in the plain-Python reference, against closed forms; |z| <= 4.9 is allowed."""

import dataclasses
import math
from typing import Any

import pytest
from _machines import agree
from _one_pole import (
    LIT,
    ONE_POLE,
    OUTAGE,
    PLAIN,
    RING,
    TRAY,
    WARM,
    engine,
    old,
    pod,
    s,
    spare,
    starting,
)

from fdmc import reference, spec
from fdmc.reference._ageing import decayed
from fdmc.reference._light import dark_share, limits, phi


# --- light ---


def dark(rise: float = 0.0, **more: Any) -> float:
    thermal = dataclasses.replace(PLAIN, **{"link": RING, **more})
    scenario = pod(thermal, ONE_POLE).scenario
    return dark_share(scenario, engine(**more), rise)


def test_rings_between_heater_and_top():
    """At 320 K, between 319.5 and 350.5, offsets of 2 K."""
    assert limits(RING) == (319.5, 350.5)
    for x in (0.0, 12.0, 29.0):
        assert dark(x) == pytest.approx(phi(x - 30.5, 2.0) + phi(-0.5 - x, 2.0))
    exact = dataclasses.replace(RING, spread_kelvin=0.0)
    assert [dark(x, link=exact) for x in (0.0, 30.4, 30.6, -0.6)] == [0.0, 0.0, 1.0, 1.0]


def test_swings_lose_lock_and_speed_costs_it():
    load = spec.SquareLoad(1.0, 0.5, 2.0, 0.5)
    node = engine(load=load)
    sluggish = dataclasses.replace(RING, tracking_kelvin_per_second=2.0, tracking_spread=0.0)
    assert node.high - 2.0 < sluggish.top_kelvin
    speed = dark(15.0, link=sluggish, load=load) - dark(15.0, load=load)
    # After each switch it moves at v exp(-t / tau), for 1 s.
    first = (320 - node.low) / 2.0
    relocking = 2 * 0.1 / 2.0
    assert speed == pytest.approx(2.0 * math.log(first / 2.0) + relocking, abs=0.01)
    patient = dataclasses.replace(RING, relock_seconds=0.5)
    relocking = dark(35.0, link=patient, load=load) - dark(35.0, load=load)
    cold = dark(5.0, link=patient, load=load) - dark(5.0, load=load)
    out = [phi(319.5 - kelvin - 5, 2.0) for kelvin in (node.low, node.high)]
    assert cold == pytest.approx((out[0] - out[1]) / 2.0 * 0.4, rel=1e-5)
    out = [phi(kelvin + 35 - 350.5, 2.0) for kelvin in (node.low, node.high)]
    assert relocking == pytest.approx((out[1] - out[0]) / 2.0 * 0.4, rel=1e-5)


def test_random_loads_lose_lock():
    """Normal temperatures and normal offsets add their variances; Rice's rate over both."""
    load, slow = spec.NoisyLoad(0.8, 0.2, 3.0), dataclasses.replace(RING, relock_seconds=0.0)
    node, x = engine(load=load), 30.0
    wide = math.hypot(node.sd, 2.0)
    out = phi(316 + x - 350.5, wide) + phi(319.5 - 316 - x, wide)
    assert dark(x, link=slow, load=load) == pytest.approx(out, rel=1e-5)
    rice = node.speed_sd / (2 * math.pi * wide) * math.exp(-((350.5 - 316 - x) ** 2) / 2 / wide**2)
    assert dark(x, load=load) - out == pytest.approx(0.1 * rice, rel=1e-3)


def test_mach_zehnder_and_vcsel_ranges():
    mz = spec.MachZehnderLink("lane", 1.0, 330.0, 0.02, 0.5, 0.1)
    low, high = limits(mz) or (0.0, 0.0)
    assert high - 330 == pytest.approx(330 - low)
    assert -10 * math.log10(math.cos(0.02 * (high - 330))) == pytest.approx(0.5)
    laser = spec.VcselLink("lane", 1.0, 6e-3, 1e-3, 310.0, 30.0, 0.4, 0.005, 1.2e-3, 0.1)

    def light(kelvin: float) -> float:
        off = kelvin - 310
        return 0.4 * (1 - 0.005 * off) * (6e-3 - 1e-3 * (1 + (off / 30) ** 2))

    low, high = limits(laser) or (0.0, 0.0)
    assert low < 310 < high
    assert (light(low), light(high)) == (pytest.approx(1.2e-3), pytest.approx(1.2e-3))
    assert light((low + high) / 2) > 1.2e-3
    for change in ({"needed_watts": 5e-3}, {"amperes": 0.5e-3}):
        weak = dataclasses.replace(laser, **change)
        assert limits(weak) is None
        assert dark(link=weak) == 1.0


def test_tails():
    """A linear effect is worth its time constant; a threshold lasts until the decay has passed it."""
    assert decayed(lambda x: 0.01 * x, 8.0) == pytest.approx(1.0)
    assert decayed(lambda x: float(x > 2.0), 8.0) == pytest.approx(math.log(4), rel=0.01)
    assert decayed(lambda x: 0.0, 8.0) == 0.0


# --- lanes in histories ---


def test_background_slows_every_lane():
    """At 320 K, 40 % of the rings are too cold; the healthy machine has all its lanes."""
    machine = pod(LIT, ONE_POLE)
    background = spare(phi(-0.5, 2.0))
    assert machine.heat.lost(0.0) == pytest.approx(background)
    assert background > 0.2
    with starting():
        outcome = reference.history(machine, 1, 0)
    assert outcome.work == pytest.approx(2000 * (1 - background), rel=1e-6)
    assert outcome.full_hours == 2000
    assert outcome.dark_hours == pytest.approx(2000 * background)
    assert outcome.blame == {"lane/dark_lanes": pytest.approx(4 * 2000 * background)}


def test_nested_excursions_take_what_their_sum_takes():
    """All-to-all at the pace of the slowest; the pod's outage first, the tray's in what it leaves."""
    long = dataclasses.replace(OUTAGE, rise_kelvin=5.0, duration=spec.Fixed(100.0))
    machine = pod(dataclasses.replace(WARM, excursions=(long, TRAY)), ONE_POLE)
    assert s(0) < 1e-6 < s(5) < s(10) < 1
    with starting(outage=100, tray1=150):
        outcome = reference.history(machine, 1, 0)
    relock = 0.1 / 3600
    lost = 50 * s(5) + (50 + relock) * s(10) + 10 * s(5)
    assert outcome.work == pytest.approx(2000 - lost, rel=1e-6)
    mean10 = (2 * s(5) + 2 * s(10)) / 4  # one tray of two has both
    assert outcome.dark_hours == pytest.approx(50 * s(5) + 50 * mean10 + 10 * s(5) / 2, rel=1e-3)
    inner = 2 * (1 - (1 - s(10)) / (1 - s(5)))  # lanes of two packages
    share = 4 * s(5) / (4 * s(5) + inner)
    blame = 4 * (50 * s(5) + 50 * s(10) * share)
    assert outcome.blame["pod/outage"] == pytest.approx(blame, rel=1e-3)
    assert sum(outcome.blame.values()) == pytest.approx(outcome.lost_accelerator_hours, rel=1e-4)
    assert outcome.blast == {4: 1, 2: 1}
    assert not outcome.jobs
    assert (outcome.interruptions, outcome.drains) == (0, 0)


@pytest.mark.parametrize(
    ("policy", "interruptions", "used"), [("park", 2, 2), ("drop", 1, 0), ("degrade", 0, 4)]
)
def test_excursions_interrupt_by_policy(policy, interruptions, used):
    """The tray's for 60 h, then the pod's: what it makes unused comes back at its end, and no job opens."""
    fabric = {"policy": policy}
    later = dataclasses.replace(OUTAGE, rise_kelvin=5.0)
    thermal = dataclasses.replace(WARM, excursions=(later, TRAY))
    machine = pod(thermal, ONE_POLE, fabric=fabric)
    with starting(outage=500, tray0=100):
        outcome = reference.history(machine, 1, 0)
    assert outcome.interruptions == (2 if policy != "degrade" else 0)
    out = {"park": 2 * 60 + 4 * 20, "drop": 4 * 80, "degrade": 0}[policy]
    assert outcome.used_hours == pytest.approx(2000 - out / 4, rel=1e-4)
    assert not outcome.jobs


def test_a_dark_machine_is_interrupted_under_degrade():
    dead = dataclasses.replace(OUTAGE, rise_kelvin=80.0)
    machine = pod(dataclasses.replace(WARM, excursions=(dead,)), ONE_POLE)
    with starting(outage=500):
        outcome = reference.history(machine, 1, 0)
    assert outcome.interruptions == 1
    assert outcome.running_hours == pytest.approx(1980, rel=1e-6)
    assert outcome.dark_hours == pytest.approx(20, rel=1e-4)


def test_recovery_and_relocking_keep_lanes_dark():
    """Devices of no spread are all out above 5.5 K: of 22 K, for ln 4 time constants after the end."""
    link = dataclasses.replace(RING, spread_kelvin=0.0, relock_seconds=1800.0)
    hot = dataclasses.replace(OUTAGE, rise_kelvin=22.0, recovery_hours=6.0)
    machine = pod(dataclasses.replace(WARM, link=link, excursions=(hot,)), ONE_POLE)
    with starting(outage=500):
        outcome = reference.history(machine, 1, 0)
    assert outcome.dark_hours == pytest.approx(20 + 6 * math.log(4) + 0.5, rel=1e-3)
    assert outcome.hot_hours == {"pod/outage": outcome.dark_hours}


@pytest.mark.statistical
def test_lost_lanes_over_time():
    often = dataclasses.replace(OUTAGE, unit="tray", rise_kelvin=5.0, rate_per_hour=1 / 60)
    thermal = dataclasses.replace(WARM, excursions=(often,))
    machine = pod(thermal, ONE_POLE, start="stationary", run_in="500 h")
    dark_hours = [reference.history(machine, 8, k).dark_hours for k in range(150)]
    lasts = 20 + 0.1 / 3600
    agree(dark_hours, 2000 * s(5) * lasts / (60 + lasts))


def test_without_effects_excursions_only_come_and_go():
    """They are blocked for as long as their darkness would last, were there any."""
    hot = dataclasses.replace(OUTAGE, recovery_hours=6.0)
    for effects in ((), ("ageing",), ("lock",)):
        thermal = dataclasses.replace(WARM, excursions=(hot,), effects=effects)
        machine = pod(thermal, ONE_POLE, old(1000.0) if not effects else ())
        with starting(outage=100):
            outcome = reference.history(machine, 1, 0)
        dark = 6 * decayed(lambda x: s(x) - s(0), 10.0) + 0.1 / 3600
        assert 1 < dark < 6
        assert outcome.hot_hours["pod/outage"] == pytest.approx(20 + dark, rel=1e-4)
        assert machine.heat.per_hour(hot) == pytest.approx(1 / (300 + 20 + dark), rel=1e-4)
        assert outcome.failures["pod/outage"] == 1
        assert outcome.blast == {4 if "lock" in effects else 0: 1}
        assert (outcome.work == 2000) == ("lock" not in effects)


def test_seasons_shift_the_lanes_too():
    """0 K from 0, 5 K from 300, 0 K from 500; one tray's excursion from 250 to 310, the other's from 460 to 520."""
    steps = {"steps": [{"for": "300 h", "shift": "0 K"}, {"for": "200 h", "shift": "+5 K"}]}
    both = (dataclasses.replace(TRAY, name="early"), dataclasses.replace(TRAY, name="late"))
    thermal = dataclasses.replace(WARM, excursions=both)
    for units, d in ((["package"], 5.0), (["els"], 0.0)):
        machine = pod(thermal, ONE_POLE, environment={**steps, "units": units}, mission="600 h")
        with starting(early0=250, late1=460):
            outcome = reference.history(machine, 1, 0)
        relock = 0.1 / 3600
        lost = 290 * s(0) + 50 * s(5) + 10 * s(5 + d) + 150 * s(d) + 40 * s(5 + d)
        lost += (20 + relock) * s(5) + (600 - 520 - 40) * s(0)
        assert outcome.work == pytest.approx(600 - lost, rel=1e-6)
        mean = lambda x, y: (s(x) + s(y)) / 2
        dark = 250 * s(0) + 50 * mean(0, 5) + 10 * mean(d, 5 + d) + 150 * s(d)
        dark += 40 * mean(d, 5 + d) + 20 * mean(0, 5) + 80 * s(0)
        assert outcome.dark_hours == pytest.approx(dark, rel=1e-4)
        assert (outcome.interruptions, outcome.drains) == (0, 0)
        assert sum(outcome.blame.values()) == pytest.approx(4 * (600 - outcome.work), rel=1e-6)


def test_the_environment_turns_backwards_before_zero():
    steps = {"steps": [{"for": "70 h", "shift": "0 K"}, {"for": "40 h", "shift": "+5 K"}]}
    more = {"environment": steps, "start": "stationary", "run_in": "133 h"}
    machine = pod(dataclasses.replace(WARM, excursions=()), ONE_POLE, mission="100 h", **more)
    outcome = reference.history(machine, 1, 0)
    assert outcome.dark_hours == pytest.approx(70 * s(0) + 30 * s(5), rel=1e-6)


def test_an_excursion_of_an_engine_takes_its_own_planes():
    inner = dataclasses.replace(TRAY, name="inner", unit="engine", duration=spec.Fixed(50.0))
    outer = dataclasses.replace(TRAY, name="outer", unit="package", duration=spec.Fixed(20.0))
    thermal = dataclasses.replace(WARM, excursions=(inner, outer))
    units = {
        "package": {"components": {"gpu": 1}, "contains": {"engine": 2}},
        "engine": {"contains": {"lane": {"count": 8, "need": 6}}},
    }
    machine = pod(thermal, ONE_POLE, more_units=units)
    with starting(inner2=100, outer1=100):  # in one half of the same package
        outcome = reference.history(machine, 1, 0)
    dark = (20 * (s(10) + s(5)) + 30 * s(5)) / 2
    assert outcome.dark_hours == pytest.approx(dark / 4 + 2000 * s(0), rel=1e-3)
    assert outcome.blast == {1: 2}
    inside = 1 - (1 - s(10)) / (1 - s(5))  # of half of its lanes
    blame = 4 * 20 * (1 - (1 - (s(5) + s(10)) / 2)) * s(5) / (s(5) + inside / 2)
    assert outcome.blame["package/outer"] == pytest.approx(blame, rel=0.02)
