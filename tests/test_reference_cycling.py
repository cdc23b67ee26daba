"""Thermal cycles in the plain-Python reference, and what `effects` leaves out."""

import dataclasses
import math
from collections.abc import Iterator

import pytest
from _one_pole import (
    AF,
    AF10,
    HOT,
    ONE_POLE,
    OUTAGE,
    PLAIN,
    WARM,
    engine,
    mechanism,
    old,
    pod,
    s,
    with_excursions,
)

from fdmc import spec
from fdmc.reference._cycling import environment_cycles


def test_cycles_of_load_stops_and_excursions():
    def damage(swing: float, peak: float, hours: float) -> float:
        ratio = (swing / 50) ** 2.65 * (hours / 0.5) ** 0.136
        return ratio * math.exp(2185 * (1 / 373.15 - 1 / peak))

    cycling = spec.Cycling("SAC305", 50.0, 373.15, 0.5, 2.0)
    joint = (mechanism(spec.Weibull(2.0, 1e4), "joint", reference_kelvin=None, cycling=cycling),)
    load = spec.SquareLoad(1.0, 0.5, 4.0, 0.5)
    thermal = dataclasses.replace(
        with_excursions(OUTAGE),
        load=load,
        stops=spec.Stops(100.0, 10.0),
        unit="els",
        nodes={"engine": ("laser",)},
    )
    node = engine(load=load)
    (pace,) = pod(thermal, ONE_POLE, joint).part("els/laser").paces
    kinds = [
        (0.9 * 900, node.high - node.low, node.high, 2 / 3600),
        (0.01, node.high - 300, node.high, 90.0),
        (1 / (300 + 20), 10.0, node.high + 10, 20.0),
    ]
    total = sum(rate * damage(*cycle) for rate, *cycle in kinds) / 2.0
    assert pace.clock().steps[0][1] == pytest.approx(total, rel=1e-6)
    (pace,) = pod(dataclasses.replace(thermal, effects=()), ONE_POLE, joint).part("els/laser").paces
    assert pace.clock().when(0.0, 1e-9) == math.inf


def test_elastic_swings_do_no_harm():
    """3 K are taken off the swing of the excursion and off the reference cycle's, and a swing below that is none."""
    cycling = spec.Cycling("SAC305", 50.0, 373.15, 0.5, 2.0, elastic_kelvin=3.0)
    joint = (mechanism(spec.Weibull(2.0, 1e4), "joint", reference_kelvin=None, cycling=cycling),)
    slight = dataclasses.replace(OUTAGE, name="slight", rise_kelvin=2.0)
    for kinds in ((OUTAGE,), (OUTAGE, slight)):
        (pace,) = pod(with_excursions(*kinds), None, joint).part("els/laser").paces
        damage = (7 / 47) ** 2.65 * 40**0.136 * math.exp(2185 * (1 / 373.15 - 1 / (HOT + 10)))
        assert pace.speed(0.0) == pytest.approx(damage / 320 / 2, rel=1e-9)


def test_cycles_of_a_random_load():
    """Ranges of Rayleigh amplitudes: E (2 A)^q = (2 sqrt 2 sd)^q Gamma(1 + q / 2); no heat factor to speak of."""
    cycling = spec.Cycling("SNPB", 10.0, 1e9, 1.0, 1.0)
    joint = (mechanism(spec.Weibull(2.0, 1e4), "joint", reference_kelvin=None, cycling=cycling),)
    load = spec.NoisyLoad(0.5, 0.01, 5.0)
    thermal = dataclasses.replace(PLAIN, load=load, unit="els", nodes={"engine": ("laser",)})
    node = engine(load=load)
    (pace,) = pod(thermal, ONE_POLE, joint).part("els/laser").paces
    period = 2 * math.pi * node.sd / node.speed_sd / 3600
    swings = (2 * math.sqrt(2) * node.sd / 10) ** 1.9 * math.gamma(1 + 0.95)
    heat = math.exp(1414 * (1e-9 - 1 / 310))
    assert pace.speed(0.0) == pytest.approx(swings / period * period ** (1 / 3) * heat, rel=5e-3)


def test_cycles_of_the_environment():
    """0, 10, 4, 20, -5, 3, 0: the great one from 20 to -5, 10 to 4 inside it, and 3 to 0."""
    shifts = (0.0, 10.0, 4.0, 20.0, 12.0, -5.0, 3.0)
    steps = [spec.Step(10.0 + i, shift) for i, shift in enumerate(shifts)]
    found = sorted((k.swing, k.peak, k.per_hour, k.dwell) for k in environment_cycles(steps, 300.0))
    once = 1 / sum(step.hours for step in steps)
    assert found == [(3.0, 303.0, once, 16.0), (6.0, 310.0, once, 11.0), (25.0, 320.0, once, 13.0)]
    assert not environment_cycles([spec.Step(5.0, 8.0)], 300.0)


def test_effects_can_be_left_out():
    cycling = spec.Cycling("SAC305", 50.0, 373.15, 0.5, 2.0)
    ways = (
        *old(1000.0),
        mechanism(spec.Exponential(1.0), "joint", reference_kelvin=None, cycling=cycling),
    )
    both = dataclasses.replace(WARM, nodes={"engine": ("ring",)})

    def paces(*effects: spec.Effect) -> Iterator[float]:
        machine = pod(dataclasses.replace(both, effects=effects), ONE_POLE, ways)
        for pace in machine.part("els/laser").paces:
            yield pace.speed(0.0)
            yield pace.speed(10.0)
        yield machine.heat.lost(10.0)

    joint = list(paces("cycling"))[2]
    assert joint > 0
    assert list(paces()) == [1.0, 1.0, 0.0, 0.0, 0.0]
    assert list(paces("ageing")) == [pytest.approx(AF), pytest.approx(AF10), 0.0, 0.0, 0.0]
    assert list(paces("lock", "cycling")) == pytest.approx(
        [1.0, 1.0, joint, joint, s(10)], rel=1e-6
    )
