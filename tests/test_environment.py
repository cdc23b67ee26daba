"""Temperatures and the environment: what they may say, and how ageing follows them in every reading.

Statistical comparisons allow |z| <= 4.9, one false alarm in a million each; seeds are fixed.
"""

import copy
import math
from typing import Any
from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from _compare import Z, assert_alike, engine_facts, reference_facts
from _machines import load

import fdmc
from fdmc import library, reference
from fdmc.collect._run import BINS
from fdmc.kernel import Bounds, Draws
from fdmc.kernel._exposure import exposure, later
from fdmc.lifetime import Exposure, accelerated, cumulative_hazard
from fdmc.plan import ageing, level_hazards, lower
from fdmc.plan._ageing import exposures_of
from fdmc.report import describe
from fdmc.spec import Competing, Exponential, Gamma, LogNormal, Weibull
from fdmc.stress import arrhenius


YEAR = 8760.0
HALVES = {"steps": [{"for": "182.5 d", "shift": "0 K"}, {"for": "182.5 d", "shift": "+20 K"}]}
UNEVEN = {
    "steps": [
        {"for": "1000 h", "shift": "-10 K"},
        {"for": "500 h", "shift": "+25 K"},
        {"for": "1500 h", "shift": "0 K"},
    ]
}


def heated(lifetime: dict[str, Any], energy: str = "0.7 eV") -> dict[str, Any]:
    return {**lifetime, "at": "55 degC", "reference": "40 degC", "activation_energy": energy}


def system(part: dict[str, Any], count: Any = 1, **more: Any) -> dict[str, Any]:
    return {
        "components": {"part": {"repair": "1 min", **part}},
        "units": {"system": {"components": {"part": count}}},
        "fabric": {"accelerator": "system"},
        **more,
    }


WEIBULL = {"lifetime": {"weibull": {"shape": 2.5, "scale": "9 y"}}}


# --- the document ---


def problems(change: dict[str, Any], **sections: Any) -> str:
    document = system({**heated(WEIBULL), **change}, environment=HALVES, **sections)
    part = document["components"]["part"]
    document["components"]["part"] = {k: v for k, v in part.items() if v is not None}
    with pytest.raises(fdmc.ScenarioError) as error:
        load(document)
    assert len(error.value.problems) == 1, str(error.value)
    return str(error.value.problems[0])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"at": "45"}, 'components.part.at: "45" has no unit; write "45 degC".'),
        ({"at": "-300 degC"}, "below absolute zero"),
        ({"at": "401 degC"}, "above 400 degC"),
        ({"at": "3 h"}, "is not a temperature"),
        ({"activation_energy": "-1 eV"}, 'activation_energy: "-1 eV" must be zero or more.'),
        ({"activation_energy": "35 eV"}, "more than 5 eV"),
        ({"activation_energy": None}, "no activation energy is known"),
        ({"reference": None}, "give components.part.reference"),
        ({"at": None, "reference": None}, "activation_energy: does nothing without"),
        ({"lifetime": None, "use": "LAS-PUMP", "reference": None}, '"case 0-70C"'),
        ({"lifetime": None, "use": "FAU-DET", "activation_energy": None}, "row FAU-DET has none"),
        # A row's temperature is that of its own rate.
        (
            {"lifetime": None, "use": "LAS-UHP", "rate": "9 FIT", "reference": None},
            "the temperature at which the lifetime holds is missing",
        ),
    ],
)
def test_bad_temperatures(change, said):
    assert said in problems(change)


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"steps": []}, "environment.steps: there is none"),
        ({"steps": [{"for": "1 y", "shift": "8 degC"}]}, 'not a difference; write "8 K"'),
        ({"steps": [{"for": "1 y", "shift": "8"}]}, 'shift: "8" has no unit; write "8 K"'),
        ({"steps": [{"for": "1 y", "shift": "900 K"}]}, "it takes 'part' above 400 degC"),
        ({"steps": [{"for": "1 y", "shift": "-400 K"}]}, "it takes 'part' below absolute zero"),
        ({"steps": [{"for": "0 h", "shift": "1 K"}]}, "steps[0].for"),
        ({"steps": [{"lasts": "1 h", "for": "1 h", "shift": "1 K"}]}, "unknown key"),
        ({**HALVES, "units": ["sytsem"]}, "did you mean 'system'?"),
    ],
)
def test_bad_environments(environment, said):
    document = system(heated(WEIBULL), environment=environment)
    with pytest.raises(fdmc.ScenarioError) as error:
        load(document)
    assert len(error.value.problems) == 1, str(error.value)
    assert said in str(error.value.problems[0])


def test_library_rows_give_reference_and_energy():
    known = {id: library.row(id).reference_kelvin for id in ("LAS-UHP", "ELS-MOD", "EIC-DSP")}
    assert known == {"LAS-UHP": 318.15, "ELS-MOD": 328.15, "EIC-DSP": 378.15}
    unknown = ("LAS-PUMP", "PIC-HTR", "GPU", "FIBRE", "OCS-MEMS", "MOSAIC")
    assert [library.row(id).reference_kelvin for id in unknown] == [None] * 5 + [343.15]
    scenario = load(system({"use": "LAS-UHP", "at": "55 degC"}))
    part = scenario.components["part"]
    (heat,) = part.mechanisms
    assert (part.at_kelvin, heat.name) == (328.15, "")
    assert (heat.reference_kelvin, heat.activation_energy_ev) == (318.15, 0.35)
    assert '"laser 40-50C"' in heat.source


def test_schema_overrides_and_fingerprint():
    scenario = load(system(heated(WEIBULL), environment=HALVES))
    changed = fdmc.load(scenario, sets=["environment.steps[1].for=90 d"])
    assert changed.environment is not None
    assert [step.hours for step in changed.environment.steps] == [4380.0, 2160.0]
    assert changed.fingerprint != scenario.fingerprint
    steps = fdmc.spec.schema()["$defs"]["EnvironmentForm"]["properties"]["steps"]
    assert steps["minItems"] == 1
    assert fdmc.load(scenario.document).fingerprint == scenario.fingerprint


def test_packaged_scenarios_are_what_they_were():
    assert fdmc.load("cpo-512").fingerprint == "a4e5c01576cf0842"
    for name in library.scenarios():
        plan, _ = lower(fdmc.load(name))
        assert not plan.exposed
        assert plan.exposures.rate.size == 0


# --- constant temperature ---


@pytest.mark.parametrize(
    "law",
    [
        Exponential(9e4),
        Weibull(1.7, 9e4),
        LogNormal(9e4, 0.8),
        Gamma(2.2, 9e4),
        Competing((Exponential(9e4), Weibull(4.0, 5e4))),
    ],
)
def test_accelerated_laws_are_of_the_same_kind(law):
    t = np.geomspace(10.0, 1e6, 50)
    fast = accelerated(law, 3.7)
    assert type(fast) is type(law)
    np.testing.assert_allclose(cumulative_hazard(fast, t), cumulative_hazard(law, 3.7 * t), 1e-12)


def test_a_constant_temperature_is_a_faster_law_and_nothing_else():
    factor = float(arrhenius(0.7, 55 + 273.15, 40 + 273.15))
    scale = 9 * YEAR / factor
    plain = {"lifetime": {"weibull": {"shape": 2.5, "scale": f"{scale!r} h"}}}
    hot = load(system(heated(WEIBULL), {"count": 9, "need": 8}))
    other = load(system(plain, {"count": 9, "need": 8}))
    same = jax.tree.map(lambda a, b: np.array_equal(a, b), lower(hot)[0], lower(other)[0])
    assert jax.tree.all(same)
    for time in (None, 4 * YEAR):
        assert fdmc.snapshot(hot, time_hours=time, replicas=256) == fdmc.snapshot(
            other, time_hours=time, replicas=256
        )
    assert level_hazards(hot, 5 * YEAR) == level_hazards(other, 5 * YEAR)
    # A cycle of equal shifts is constant too.
    shifted = {"steps": [{"for": "1 d", "shift": "5 K"}, {"for": "9 d", "shift": "5 K"}]}
    warm = load(system({**heated(WEIBULL), "at": "50 degC"}, environment=shifted))
    assert not lower(warm)[0].exposed
    assert ageing(warm, "system", "part")[0].mean == pytest.approx(factor, rel=1e-12)


def test_too_far_from_the_reference():
    scenario = load(system({**heated(WEIBULL, "2 eV"), "at": "390 degC"}))
    with pytest.raises(fdmc.plan.PlanError, match="no law holds over more than"):
        lower(scenario)


# --- exposure ---


CYCLE = Exposure((1000.0, 500.0, 1500.0), (0.4, 3.0, 11 / 15))


def test_exposure_and_its_inverse():
    t = np.linspace(0.0, 20_000.0, 1234)
    rate = np.select([t % 3000 < 1000, t % 3000 < 1500], [0.4, 3.0], 11 / 15)
    slopes = np.diff(CYCLE.reached(t)) / np.diff(t)
    inside = rate[1:] == rate[:-1]
    np.testing.assert_allclose(slopes[inside], rate[:-1][inside], 1e-9)
    assert CYCLE.reached(9000.0) == 9000.0
    np.testing.assert_allclose(CYCLE.hours_at(CYCLE.reached(t)), t, atol=1e-8)
    for begins in (-7000.0, -3000.0, 0.0, 1000.0, 1234.0):
        turned = CYCLE.begun_at(begins)
        phase = begins % 3000
        expected = CYCLE.reached(t + phase) - CYCLE.reached(phase)
        np.testing.assert_allclose(turned.reached(t), expected, atol=1e-8)


def test_the_kernel_has_the_same_clock():
    rows = exposures_of([None, CYCLE], -4100.0)
    turned = CYCLE.begun_at(-4100.0)
    since = jnp.linspace(0.0, 40_000.0, 101)[:, None]
    age = jnp.geomspace(0.1, 1e5, 60)[None]
    hours = np.asarray(later(rows, jnp.ones((101, 60), jnp.int32), since, age))
    exact = turned.hours_at(turned.reached(np.asarray(since)) + np.asarray(age))
    np.testing.assert_allclose(hours, exact, 4e-7, 0.02)  # float32 hours of some years
    wall = np.asarray(later(rows, jnp.zeros((101, 60), jnp.int32), since, age))
    np.testing.assert_allclose(wall, np.asarray(since + age), 4e-7, 0.02)
    assert np.all(hours >= np.asarray(since))
    assert jnp.isinf(later(rows, jnp.int32(1), jnp.float32(5.0), jnp.float32(jnp.inf)))
    reached = np.asarray(exposure(rows, jnp.int32(1), since[:, 0]))
    np.testing.assert_allclose(reached, turned.reached(np.asarray(since)[:, 0]), 4e-7, 0.02)


# --- without repair ---


def test_published_cumulative_exposure():
    """Case P09: lognormal 82,000 h at 85 degC, sigma 1.385, 0.93 eV; 2 y at 45, 1 y at 65, 2 y at 45 degC."""
    laser = {
        "lifetime": {"lognormal": {"median": "82000 h", "sigma": 1.385}},
        "at": "45 degC",
        "reference": "85 degC",
        "activation_energy": "0.93 eV",
    }
    steps = [{"for": f"{y} y", "shift": f"{shift} K"} for y, shift in ((2, 0), (1, 20), (2, 0))]
    scenario = load(system(laser, environment={"steps": steps}), mission="5 y")
    prob = -math.expm1(-float(level_hazards(scenario, 5 * YEAR)["domain"]))
    assert prob == pytest.approx(0.004787021, rel=1e-6)
    found = fdmc.mission(scenario, replicas=1 << 16)["domain"]
    within(found.sampled_prob.best, prob, 1 << 16)


def within(share: float, prob: float, replicas: int) -> None:
    z = (share - prob) / math.sqrt(prob * (1 - prob) / replicas)
    assert abs(z) <= Z, f"z = {z:.2f}: {share} against {prob}"


@pytest.mark.statistical
@pytest.mark.parametrize("draws", list(Draws))
def test_missions_follow_the_profile(draws):
    scenario = load(
        system(heated(WEIBULL), {"count": 4, "need": 3}, environment=HALVES), mission="1.7 y"
    )
    slow, fast = (float(arrhenius(0.7, 328.15 + d, 313.15)) for d in (0.0, 20.0))
    age = (slow + fast) * 0.5 * YEAR + slow * 0.5 * YEAR + fast * 0.2 * YEAR
    failed = -math.expm1(-((age / (9 * YEAR)) ** 2.5))
    prob = 1 - (1 - failed) ** 4 - 4 * failed * (1 - failed) ** 3
    level = fdmc.mission(scenario, replicas=1 << 15, draws=draws)["domain"]
    assert level.exact_prob == pytest.approx(prob, rel=1e-9)
    within(level.sampled_prob.best, prob, 1 << 15)


@pytest.mark.statistical
def test_snapshots_follow_the_profile():
    scenario = load(system(heated(WEIBULL), {"count": 4, "need": 3}, environment=HALVES))
    (life,) = ageing(scenario, "system", "part")
    assert life.exposure is not None
    failed = -math.expm1(-float(cumulative_hazard(life.law, life.exposure.reached(1.2 * YEAR))))
    whole = (1 - failed) ** 4 + 4 * failed * (1 - failed) ** 3
    state = fdmc.snapshot(scenario, time_hours=1.2 * YEAR, replicas=1 << 13)
    within(state["full_strength"].best, whole, 1 << 13)
    machine = reference.build(scenario)
    theirs = [reference.snapshot(machine, 1, k, 1.2 * YEAR).whole for k in range(2000)]
    within(float(np.mean(theirs)), whole, 2000)
    with pytest.raises(ValueError, match="no state is stationary"):
        fdmc.snapshot(scenario)
    with pytest.raises(ValueError, match="no state is stationary"):
        reference.snapshot(machine, 1, 1)


@pytest.mark.statistical
def test_groups_of_unlike_clocks():
    document = {
        "components": {
            "ring": heated({"mtbf": "12 y"}, "0.5 eV"),
            "heater": heated(WEIBULL, "0.9 eV"),
        },
        "units": {
            "system": {"contains": {"lane": {"count": 6, "need": 5}}},
            "lane": {"components": {"ring": 1, "heater": 1}},
        },
        "fabric": {"accelerator": "system"},
        "environment": HALVES,
    }
    document["components"] = {k: {**v, "repair": "1 h"} for k, v in document["components"].items()}
    scenario = load(document, mission="1.2 y")
    failed = sum(
        float(cumulative_hazard(life.law, life.exposure.reached(1.2 * YEAR)))
        for (life,) in (ageing(scenario, "lane", name) for name in ("ring", "heater"))
        if life.exposure is not None
    )
    p = -math.expm1(-failed)
    prob = 1 - (1 - p) ** 6 - 6 * p * (1 - p) ** 5
    exact = -math.expm1(-float(level_hazards(scenario, 1.2 * YEAR)["system"]))
    assert exact == pytest.approx(prob, rel=1e-9)
    machine = reference.build(scenario)
    lost = [reference.mission(machine, 1, k)["system"] <= 1.2 * YEAR for k in range(3000)]
    within(float(np.mean(lost)), prob, 3000)
    with pytest.raises(fdmc.plan.PlanError, match="follow the environment differently"):
        fdmc.mission(scenario)


def test_laboratories_need_constant_rates():
    part = {**heated({"mtbf": "1000 h"}), "repair": {"exponential": {"mean": "24 h"}}}
    hot = load(system(part, {"count": 6, "need": 5}))
    factor = float(arrhenius(0.7, 55 + 273.15, 40 + 273.15))
    plain = {"mtbf": f"{1000 / factor!r} h", "repair": part["repair"]}
    other = load(system(plain, {"count": 6, "need": 5}))
    assert fdmc.availability(hot, replicas=256) == fdmc.availability(other, replicas=256)
    with pytest.raises(ValueError, match="the environment changes them"):
        fdmc.availability(load({**hot.document, "environment": HALVES}))


# --- histories ---


@pytest.mark.statistical
def test_occurrences_of_an_exponential_class():
    """A tenth of the cycles more hot than cold, a run-in that ends within a step."""
    scenario = load(
        system(heated({"mtbf": "2 y"}), 8, environment=UNEVEN, start="stationary", run_in="1700 h"),
        mission="1400 h",
    )
    speeds = [float(arrhenius(0.7, 328.15 + d, 313.15)) for d in (-10.0, 25.0, 0.0)]
    age = 1000 * speeds[0] + 400 * speeds[1]
    facts = engine_facts(scenario, 8192)
    fact = facts["failures.part"]
    z = (fact.mean - 8 * age / (2 * YEAR)) / math.sqrt(fact.variance / fact.count)
    assert abs(z) <= Z, f"z = {z:.2f}"


MACHINE: dict[str, Any] = {
    "components": {
        "gpu": {"mtbf": "3000 h", "repair": {"exponential": {"mean": "40 h"}}},
        "laser": {
            **heated({"lifetime": {"weibull": {"shape": 3.0, "scale": "9000 h"}}}, "0.5 eV"),
            "repair": "20 h",
        },
        "pic": {**heated({"mtbf": "6000 h"}, "0.3 eV"), "repair": "30 h"},
        "pump": {
            **heated({"lifetime": {"lognormal": {"median": "8000 h", "sigma": 0.6}}}, "0.6 eV"),
            "repair": "10 h",
        },
    },
    "units": {
        "pod": {"contains": {"tray": 2, "loop": 1}},
        "loop": {"components": {"pump": {"count": 3, "need": 2}}, "feeds": "tray"},
        "tray": {"components": {"gpu": 1}, "contains": {"engine": 1}},
        "engine": {"components": {"pic": 1, "laser": {"count": 3, "need": 2}}},
    },
    "fabric": {"accelerator": "tray", "planes": 2},
    "service": {"technicians": 1, "replace": {"engine": {"takes_out": "tray", "time": "30 h"}}},
    "environment": {
        "units": ["tray"],
        "steps": [{"for": "4000 h", "shift": "-25 K"}, {"for": "3000 h", "shift": "+20 K"}],
    },
    "start": "stationary",
    "run_in": "1300 h",
}


@pytest.mark.statistical
@pytest.mark.verification
def test_engine_and_reference_agree():
    """Wear renewed by swaps, a part out of reach of the environment, and one without temperature."""
    scenario = load(copy.deepcopy(MACHINE), mission="1.2 y")
    plan, _ = lower(scenario)
    assert plan.exposed
    assert plan.wearing == 2
    with mock.patch("fdmc.collect._run.first_bounds", return_value=Bounds(8, 24, 16, BINS)):
        ours = engine_facts(scenario, 2048)
    assert_alike(ours, reference_facts(scenario, 1000), 25)


# --- what is said ---


def test_show_says_temperatures():
    machine = describe(load(copy.deepcopy(MACHINE)))
    assert next(c for c in machine.classes if c.component == "gpu").heat == ()
    heat = {c.component: c.heat[0] for c in machine.classes if c.heat}
    assert heat["laser"].shifted
    assert not heat["pump"].shifted
    assert heat["pump"].mean_acceleration == heat["pump"].acceleration
    assert heat["laser"].acceleration == pytest.approx(
        float(arrhenius(0.5, 55 + 273.15, 40 + 273.15))
    )
    laser = next(c for c in machine.classes if c.component == "laser")
    mean = heat["laser"].mean_acceleration
    assert laser.fit_of_one == pytest.approx(1e9 / (9000 * math.gamma(1 + 1 / 3) / mean))
