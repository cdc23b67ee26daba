"""What heat comes to before anything is drawn, in engine and reference: temperatures, tails, dark lanes, cycles."""

import copy
import dataclasses
import functools
import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from _compare import built
from _heated import MACH, VCSEL, base
from _hot_machines import AGED, NESTED, SEASONS, excursion, machine

import fdmc
from fdmc import reference, spec, thermal
from fdmc.plan import Heat, PlanError, lower
from fdmc.plan._excursions import tail_hours
from fdmc.plan._heat import rises_of
from fdmc.spec import load
from fdmc.thermal import NODES


SQUARE = {"square_wave": {"high": 1, "low": 0.5, "period": "3 s", "duty": 0.3}}
LOADS: dict[str, Any] = {
    "constant": 0.8,
    "square": SQUARE,
    "noisy": {"ornstein_uhlenbeck": {"mean": 0.7, "sd": 0.1, "tau": "4 s"}},
    "markov": {
        "markov": {
            "compute": 1,
            "compute_time": "3 s",
            "communicate": 0.5,
            "communicate_time": "1 s",
        }
    },
}
RING = {"unit": "lane", "spread": "2 K", "top": "80 degC", "range": "20 K"}
LINKS: dict[str, Any] = {
    "ring": {"ring": RING},
    "sluggish": {"ring": {**RING, "tracking": "3 K/s", "tracking_spread": 0.3, "relock": "20 ms"}},
    "cold": {
        "ring": {**RING, "top": "110 degC", "range": "25 K", "budget": "2 K", "relock": "0.3 s"}
    },
    "mach_zehnder": {"mach_zehnder": {**MACH, "drift": "0.02 rad/K"}},
    "vcsel": {"vcsel": {**VCSEL, "needed": "2.3 mW"}},
}


OTHERS = {"nested": NESTED, "aged": AGED, "seasons": SEASONS}


@functools.cache
def known(name: str) -> reference.Machine:
    """Of the reference; its temperatures do not depend on the link."""
    return built(OTHERS.get(name) or heated(name))


@functools.cache
def heated(load_name: str = "square", link: str = "ring") -> spec.Scenario:
    """The machine of the specification, with another load and link."""
    document = copy.deepcopy(base())
    document["thermal"] |= {"load": LOADS[load_name], "link": LINKS[link], "coolant": "45 degC"}
    document["components"]["solder"]["cycling"]["elastic"] = "4 K"
    return load(document)


@pytest.mark.parametrize("name", LOADS)
def test_temperatures_of_all_nodes(name):
    scenario = heated(name)
    points, theirs = Heat(scenario, {}).points, known(name).heat.nodes
    for i, node in enumerate(NODES):
        mean = float((points.share * points.kelvin[i]).sum())
        assert mean == pytest.approx(theirs[node].mean, abs=0.003)
        assert float(points.low[i]) == pytest.approx(theirs[node].low, abs=0.003)
        assert float(points.high[i]) == pytest.approx(theirs[node].high, abs=0.003)
        assert float(points.sd[i]) == pytest.approx(theirs[node].sd, rel=1e-3, abs=1e-6)
        assert float(points.speed_sd[i]) == pytest.approx(theirs[node].speed_sd, rel=1e-3, abs=1e-6)
        assert Heat(scenario, {}).idle_kelvin[i] == pytest.approx(theirs[node].stopped, abs=0.003)


def classes(scenario: spec.Scenario):
    """Return unit and component of every class."""
    for unit in scenario.tree.nodes:
        for component in scenario.units[unit].components:
            yield unit, component


@pytest.mark.parametrize("name", [*LOADS, "aged", "seasons"])
def test_speeds_and_tails_of_every_mechanism(name):
    """At several rises: temperature, current, drive, and the cycles of load, stops, excursions and environment."""
    scenario, theirs = OTHERS.get(name) or heated(name), known(name)
    heat, seen = Heat(scenario, {}), 0
    for unit, component in classes(scenario):
        paces = theirs.part(f"{unit}/{component}").paces
        for m, pace in zip(scenario.components[component].mechanisms, paces, strict=True):
            fatigue = 1.0
            if m.cycling is not None and heat.temperatures(unit, component) is not None:
                fatigue = float(sum(heat.damage(unit, component, m.cycling).values()))
            for rise in (0.0, -5.0, 12.0):
                speed = fatigue * float(heat.speed(unit, component, m, rise))
                close = 5e-4 if fatigue == 1 else 5e-3  # 4000 points of Rayleigh's law
                assert speed == pytest.approx(pace.speed(rise), rel=close)
            for e in heat.above(unit) if pace.warm else ():
                tail = float(heat.ageing_tail_hours(unit, component, m, e))
                assert tail == pytest.approx(pace.tail(e.rise_kelvin, e.recovery_hours), rel=2e-3)
                seen += 1
    assert seen >= 3


@pytest.mark.parametrize(
    ("name", "link"),
    [(name, link) for name in LOADS for link in ("ring", "sluggish")]
    + [("square", "cold"), ("noisy", "cold"), ("noisy", "mach_zehnder"), ("square", "vcsel")],
)
def test_dark_lanes_at_every_rise(name, link):
    """The table is linear between 257 rises: a spread of 2 K bends by less than 1e-4 in between."""
    scenario = heated(name, link)
    heat, theirs = (
        Heat(scenario, {}),
        dataclasses.replace(known(name).heat, scenario=scenario, memo={}),
    )
    rises = np.linspace(0, rises_of(scenario)[-1], 12)
    nominal = [theirs._lost(x) for x in rises]
    assert min(nominal) < 0.9
    assert max(nominal) > 0.01
    np.testing.assert_allclose(heat.lost(rises), nominal, rtol=5e-3, atol=5e-4)
    assert scenario.environment is not None
    for row, step in zip(heat.lost_by_season, scenario.environment.steps, strict=True):
        exact = [theirs.lost(x, step.shift_kelvin) for x in rises]
        found = np.interp(rises, rises_of(scenario), row)
        np.testing.assert_allclose(found, exact, rtol=5e-3, atol=5e-4)


@pytest.mark.parametrize("name", OTHERS)
def test_how_long_excursions_last(name):
    """The same whatever is left out of the effects."""
    for effects in (spec.EFFECTS, ("ageing",)):
        thermal_section = OTHERS[name].thermal
        assert thermal_section is not None
        one = dataclasses.replace(
            OTHERS[name], thermal=dataclasses.replace(thermal_section, effects=effects)
        )
        heat, theirs = Heat(one, {}), dataclasses.replace(known(name).heat, scenario=one, memo={})
        for e in theirs.excursions:
            assert float(tail_hours(heat, e)) == pytest.approx(theirs.after(e), rel=3e-3)
            assert heat.darkens(e) == theirs.darkens(e)
            per_hour = 1 / (1 / e.rate_per_hour + heat.blocked_hours(e))
            assert per_hour == pytest.approx(theirs.per_hour(e), rel=1e-3)


def test_only_excursions_that_take_lanes_have_a_blast_radius():
    """A rise that darkens nothing by itself, a unit without lanes, and everything without lock."""
    plan, directory = lower(NESTED)
    assert [c.loss_accelerators for c in directory.classes[:5]] == [8, 4, 4, 2, 1]
    assert plan.classes.share[:5].tolist() == [1] * 5
    kinds = {
        "slight": excursion("rack", "99 h", "1e-3 K", "1 h"),
        "els": excursion("els", "99 h", "9 K", "1 h"),
    }
    link = {"ring": {"unit": "lane", "spread": "3 K", "top": "92 degC"}}
    laser = {
        "laser": {
            "mtbf": "1e9 h",
            "repair": "1 h",
            "at": "40 degC",
            "reference": "40 degC",
            "activation_energy": "1 eV",
        }
    }
    some = machine({"link": link, "excursions": kinds}, laser)
    assert lower(some)[0].classes.share[:2].tolist() == [
        0,
        1,
    ]  # `els` feeds engines, whose lanes it warms
    dark = machine({"link": link, "excursions": kinds, "effects": ["ageing"]}, laser)
    assert lower(dark)[0].classes.share[:2].tolist() == [0, 0]
    lane = {"x": excursion("lane", "9 h", "9 K", "1 h")}
    with pytest.raises(PlanError, match="only a part of the lanes"):
        lower(machine({"link": link, "excursions": lane}))


# --- closed forms ---


def one_pole(load: Any) -> thermal.LoadPoints:
    """4 J/K and 0.5 K/W to the coolant at 300 K: 2 s, 20 K."""
    net = thermal.network([4.0], [], [(0, 0, 2.0), (0, 1, 0.0)])
    return jax.jit(
        lambda: thermal.load_points(net, jnp.array([40.0]), 0.0, load, jnp.array([300.0, 290.0]))
    )()


@pytest.mark.parametrize("period", [0.05, 1.0, 30.0])
def test_the_ripple_of_a_square_wave(period):
    points = one_pole(spec.SquareLoad(1.0, 0.25, period, 0.5))
    swing = 0.75 * 20 * math.tanh(period / 4 / 2.0)
    assert float(points.high[0] - points.low[0]) == pytest.approx(swing, rel=2e-3)
    assert float((points.share * points.kelvin[0]).sum()) == pytest.approx(312.5, abs=2e-3)
    assert float(points.edge[0, 0]) == pytest.approx((320 - float(points.low[0])) / 2, rel=1e-3)


def test_noise_through_one_pole():
    """Its spread and Rice's rate, and what relocking at that rate costs."""
    points = one_pole(spec.NoisyLoad(0.7, 0.1, 3.0))
    sd, speed = thermal.ou_spread(0.5, 40 * 0.1, 3.0, 2.0)
    assert float(points.sd[0]) == pytest.approx(float(sd), rel=1e-4)
    assert float(points.speed_sd[0]) == pytest.approx(float(speed), rel=1e-4)
    ring = spec.RingLink("lane", 0.0, 317.0, 30.0, 0.0, math.inf, 0.2, 0.0, 0.05)
    limits = thermal.lock_limits(ring)
    share, often = thermal.gaussian_excursions(317.0 - 314.0, (sd, speed))
    dark = thermal.dark_prob(limits, points, 0, jnp.zeros(1))
    assert float(dark[0]) == pytest.approx(float(share + 0.05 * often), rel=1e-3)


def test_temperatures_above_everything_leave_no_light():
    assert float(thermal.short_share(jnp.array(1.0), 6, 4)) == 1.0
    p = np.array([0.0, 0.1, 0.5])
    exact = [
        sum((k - 2) / 4 * math.comb(6, k) * x**k * (1 - x) ** (6 - k) for k in (3, 4, 5, 6))
        for x in p
    ]
    np.testing.assert_allclose(thermal.short_share(jnp.asarray(p), 6, 4), exact, rtol=1e-5)


def test_snapshots_with_excursions_are_refused():
    with pytest.raises(ValueError, match="excursion"):
        fdmc.snapshot(NESTED, replicas=64)
