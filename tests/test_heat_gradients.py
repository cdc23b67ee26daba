"""Gradients of lost goodput: against differences on common random numbers, and exact derivatives; |z| <= 4.9."""

import copy
import math
from typing import Any

import jax
import numpy as np
import pytest
from _compare import Z
from _hot_machines import JOB, excursion, machine
from _machines import load

import fdmc
from fdmc import GradientError
from fdmc.collect._compile import jit
from fdmc.collect._gradient import _slopes
from fdmc.kernel import Bounds, history, stream_keys
from fdmc.plan import lower
from fdmc.tally import mean_of


HISTORY = jit(history, static_argnames="bounds")
# Rings at the cold end of their heaters' range, few spares; the range matters as much as the top.
COLD = machine(
    {
        "coolant": "40 degC",
        "air": "40 degC",
        "load": {"constant": 0.9},
        "nodes": {"engine": ["pic"]},
        "link": {"ring": {"unit": "lane", "spread": "4 K", "top": "88 degC", "range": "15 K"}},
        "excursions": {"cdu": excursion("rack", "150 h", "14 K", "40 h", "4 h")},
    },
    {
        "pic": {"mtbf": "8000 h", "reference": "75 degC", "activation_energy": "0.7 eV", "repair": "30 h"},
        "laser": {
            "mtbf": "1200 h", "at": "50 degC", "reference": "45 degC", "activation_energy": "0.7 eV",
            "current": 0.9, "current_exponent": 2, "repair": "30 h",
        },
    },
    mission="1000 h",
    # Without overlap: where communication begins to show, lost work has a kink that differences would straddle.
    workload={**JOB, "collectives": [{"op": "all_to_all", "size": "256 MiB"}]},
)  # fmt: skip
REPLICAS, BOUNDS = 8192, Bounds(14, 4, 4)
# Where the number is written, as a function of its change.
CHANGES: dict[str, Any] = {
    "thermal.coolant": (0.1, ("thermal", "coolant"), lambda h: f"{40 + h} degC"),
    "thermal.link.ring.top": (0.1, ("thermal", "link", "ring", "top"), lambda h: f"{88 + h} degC"),
    "thermal.link.ring.range": (0.1, ("thermal", "link", "ring", "range"), lambda h: f"{15 + h} K"),
    "components.laser.current": (0.05, ("components", "laser", "current"), lambda h: 0.9 + h),
    "components.laser.at": (1.0, ("components", "laser", "at"), lambda h: f"{50 + h} degC"),
}


def changed(path: str, by: float) -> fdmc.Scenario:
    _, keys, write = CHANGES[path]
    document = copy.deepcopy(COLD.document)
    here = document
    for key in keys[:-1]:
        here = here[key]
    here[keys[-1]] = write(by)
    return load(document)


def facts(scenario: fdmc.Scenario) -> np.ndarray:
    """Lost and idle hours, interruptions and drains of the same replicas; one program serves all scenarios."""
    plan, _ = lower(scenario)
    keys = stream_keys(5, np.asarray(plan.streams), 0)
    out = HISTORY(plan, keys, np.arange(REPLICAS, dtype=np.uint32), bounds=BOUNDS)
    assert np.mean(np.asarray(out.status) > 0) < 1e-3  # those stop early, in all scenarios alike
    columns = (out.lost_hours, out.idle_hours, np.asarray(out.stops).sum(0), out.drains)
    return np.stack([np.asarray(x, float) for x in columns], 1)


@pytest.fixture(scope="module")
def found() -> fdmc.Gradient:
    return fdmc.gradient(COLD, list(CHANGES), seed=3, replicas=REPLICAS, chunk=2048)


@pytest.fixture(scope="module")
def weights() -> np.ndarray:
    return _slopes(COLD, facts(COLD))


@pytest.mark.statistical
@pytest.mark.verification
@pytest.mark.parametrize("path", CHANGES)
def test_gradients_are_differences(path, found, weights):
    step = CHANGES[path][0]
    change = (facts(changed(path, step)) - facts(changed(path, -step))) @ weights / (2 * step)
    differences, ours = mean_of(change, "1"), found.total[path]
    error = math.hypot(differences.width, ours.width) / 2 / 1.96
    z = (ours.best - differences.best) / error
    assert abs(z) <= Z, f"z = {z:.1f}: {ours} against {differences}"
    assert ours.width < 3 * abs(ours.best), ours  # it says something
    by_light = found.by_light[path].best
    assert (by_light != 0) == path.startswith("thermal")
    parts = found.by_rate[path].best + by_light
    assert parts == pytest.approx(ours.best, rel=1e-9)


def lab(law: dict[str, Any], **more: Any) -> fdmc.Scenario:
    part = {**law, "at": "50 degC", "reference": "40 degC", "activation_energy": "0.7 eV"}
    part["repair"] = {"exponential": {"mean": "40 h"}}
    document = {
        "components": {"part": part},
        "units": {"system": {"components": {"part": 1}}},
        "fabric": {"accelerator": "system"},
    }
    return load(document, mission="1000 h", **more)


@pytest.mark.statistical
def test_an_exact_derivative():
    """One part, exponential life and repair: d lost / d at, with d log rate / d at = Ea / k T^2."""

    def lost(rate: float) -> float:
        both = rate + 1 / 40
        return rate / both * (1 + math.expm1(-both * 1000) / both / 1000)

    rate = math.exp(0.7 / 8.617333262e-5 * (1 / 313.15 - 1 / 323.15)) / 500
    slope = rate * 0.7 / 8.617333262e-5 / 323.15**2
    exact = (lost(rate * 1.001) - lost(rate / 1.001)) / (0.002 * rate) * slope
    found = fdmc.gradient(lab({"mtbf": "500 h"}), ["components.part.at"], seed=2, replicas=16384)
    ours = found.total["components.part.at"]
    z = (ours.best - exact) / (ours.width / 2 / 1.96)
    assert abs(z) <= Z, f"z = {z:.1f}: {ours} against {exact}"
    assert ours.width < 0.3 * exact
    assert ours.unit == "1/K"
    lost_now = found.lost_goodput
    assert abs(lost_now.best - lost(rate)) <= Z * lost_now.width / 2 / 1.96


def test_what_has_no_gradient_says_so():
    steps = {"steps": [{"for": "100 h", "shift": "0 K"}, {"for": "100 h", "shift": "5 K"}]}
    weibull = {"lifetime": {"weibull": {"shape": 2, "scale": "500 h"}}}
    at = "components.part.at"
    for scenario, path, said in (
        (COLD, "units.els.components.laser.count", "counts and thresholds are steps"),
        (COLD, "thermal.nothing", "has no gradient"),
        (lab(weibull), at, "which wears"),
        (lab({"mtbf": "500 h"}, environment=steps), at, "in each step of the environment"),
    ):
        with pytest.raises(GradientError, match=said):
            fdmc.gradient(scenario, [path], replicas=16)


def test_equal_steps_of_the_environment_have_one():
    """A constant shift of 5 K is a part 5 K warmer."""
    from fdmc.plan import sensitivity  # noqa: PLC0415

    steps = {"steps": [{"for": "100 h", "shift": "5 K"}]}
    scenario = lab({"mtbf": "500 h"}, environment=steps)
    moves = sensitivity(scenario, lower(scenario)[0], "components.part.at").log_rate
    assert float(jax.numpy.sum(moves)) == pytest.approx(0.7 / 8.617333262e-5 / 328.15**2, rel=1e-4)
