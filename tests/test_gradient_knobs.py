"""Gradients in rates, repair times and times of the job: exact derivatives of small machines; |z| <= 4.9."""

import math

import jax
import numpy as np
import pytest
from _machines import Z, load
from scipy import stats

import fdmc
from fdmc import GradientError
from fdmc.collect._gradient import _of_the_job
from fdmc.plan import lower, other_knobs_of
from fdmc.workload import ettr


MISSION = 400.0
# Two accelerators of three parts, of which each has another law of repair; all that is alive works.
DOCUMENT = {
    "components": {
        "a": {"rate": "2e6 FIT", "repair": {"exponential": {"mean": "40 h"}}},
        "b": {"mtbf": "700 h", "repair": {"gamma": {"shape": 2, "scale": "25 h"}}},
        "c": {"mtbf": "600 h", "repair": "20 h"},
    },
    "units": {
        "pod": {"contains": {"package": 2}},
        "package": {"components": {"a": 1, "b": 1, "c": 1}},
    },
    "fabric": {"accelerator": "package", "planes": 1, "lanes_per_link": 2, "lane_rate": "200 Gb/s"},
    "service": {"replace": {"c": {"swap": "c", "time": {"lognormal": {"median": "30 h", "p90": "80 h"}}}}},
    "workload": {"compute": "20 ms", "collectives": [{"op": "all_to_all", "size": "1 GiB"}]},
}  # fmt: skip
PATHS = {
    "components.a.rate": 2e6, "components.b.rate": 1e9 / 700, "components.c.rate": 1e9 / 600,
    "components.a.repair": 40.0, "components.b.repair": 25.0, "service.replace.c.time": 30.0, "workload.compute": 0.02,
}  # fmt: skip
SIGMA = math.log(80 / 30) / stats.norm.ppf(0.9)


def machine(**more) -> fdmc.Scenario:
    return load(DOCUMENT, mission=f"{MISSION} h", **more)


def down(rate: float, survival, points: int = 400) -> np.ndarray:
    """Probability that a part is down, hour by hour: D(t) = int_0^t rate (1 - D(s)) P(repair > t - s) ds."""
    step = MISSION / points
    kept = survival(np.arange(points + 1) * step)
    found = np.zeros(points + 1)
    for i in range(1, points + 1):
        past = (1 - found[:i]) * kept[i:0:-1]
        known = np.sum(past) - past[0] / 2
        # Trapezoid, whose last point is unknown: D = r h (known + (1 - D) kept[0] / 2).
        found[i] = rate * step * (known + 0.5) / (1 + rate * step / 2)
    return found


def lost(x: dict[str, float], exchange: float) -> float:
    """Mean lost work of the two accelerators; alone, one has nothing to exchange."""
    repairs = (
        lambda t: np.exp(-t / x["components.a.repair"]),
        lambda t: stats.gamma.sf(t, 2, scale=x["components.b.repair"]),
        lambda t: stats.norm.sf(np.log(np.maximum(t, 1e-9) / x["service.replace.c.time"]) / SIGMA),
    )
    up = math.prod(
        1 - down(x[f"components.{name}.rate"] / 1e9, repair)
        for name, repair in zip("abc", repairs, strict=True)
    )
    compute = x["workload.compute"]
    work = up**2 + up * (1 - up) * (compute + exchange) / compute
    return 1 - np.trapezoid(work, dx=1 / (len(work) - 1))


@pytest.fixture(scope="module")
def found() -> fdmc.Gradient:
    return fdmc.gradient(machine(), list(PATHS), seed=4, replicas=16384, chunk=4096)


@pytest.mark.statistical
@pytest.mark.parametrize("path", PATHS)
def test_exact_derivatives(path, found):
    exchange = float(np.asarray(lower(machine())[0].work.healthy_seconds)[0])
    value = PATHS[path]
    up, down_ = (lost({**PATHS, path: value * factor}, exchange) for factor in (1.001, 0.999))
    exact, ours = (up - down_) / (0.002 * value), found.total[path]
    z = (ours.best - exact) / (ours.width / 2 / 1.96)
    assert abs(z) <= Z, f"z = {z:.1f}: {ours} against {exact}"
    assert ours.width < 0.5 * abs(exact), ours
    part = found.by_work if path == "workload.compute" else found.by_rate
    assert part[path].best == ours.best
    assert ours.unit == {"rate": "1/FIT", "compute": "1/s"}.get(path.split(".")[-1], "1/h")
    at = found.lost_goodput
    assert abs(at.best - lost(PATHS, exchange)) <= Z * at.width / 2 / 1.96


def test_times_of_the_job_in_closed_form():
    """Derivatives of Daly's formula at given histories."""
    job = {
        "checkpoint": {"write": "2 min", "interval": "1 h"},
        "restart": {"detect": "3 min", "resume": "5 min"},
    }
    scenario = machine(workload=job)
    facts = np.array(
        [[40.0, 4.0, 3.0, 0.0, 0.0], [60.0, 6.0, 5.0, 0.0, 0.0], [50.0, 2.0, 4.0, 0.0, 0.0]]
    )
    lost_hours, idle, stops = facts.mean(0)[:3]
    seconds = {"checkpoint.write": 120.0, "checkpoint.interval": 3600.0, "restart.detect": 180.0}

    def goodput(write, interval, detect):
        share = ettr(
            (MISSION - idle) / stops, interval_hours=interval / 3600, write_hours=write / 3600,
            restart_hours=(detect + 300) / 3600,
        )  # fmt: skip
        return share * (1 - lost_hours / MISSION)

    with jax.enable_x64(True):
        right = jax.grad(goodput, (0, 1, 2))(*map(jax.numpy.float64, seconds.values()))
    for name, slope in zip(seconds, right, strict=True):
        ours = _of_the_job(scenario, f"workload.{name}", facts, "1/s")
        assert ours.best == pytest.approx(-float(slope), rel=1e-4)
        assert ours.low < ours.best < ours.high


def test_what_has_no_gradient_says_why():
    document = {
        "components": {
            "a": {"lifetime": {"weibull": {"shape": 2, "scale": "500 h"}}, "repair": "5 h"},
            "b": {"mtbf": "500 h", "repair": "5 h"},
        },
        "units": {"system": {"components": {"a": 1, "b": 1}}},
        "fabric": {"accelerator": "system"},
        "service": {"replace": {"b": {"swap": "b", "time": {"exponential": {"mean": "3 h"}}}}},
    }
    scenario = load(document, mission="1000 h")
    for path, said in {
        "components.a.rate": "wears",
        "components.a.repair": "fixed",
        "components.b.repair": "fixed",
        "workload.checkpoint.interval": "fdmc chooses the interval",
        "service.technicians": "counts and thresholds are steps",
    }.items():
        with pytest.raises(GradientError, match=said):
            fdmc.gradient(scenario, [path], replicas=16)
    with pytest.raises(GradientError, match="name parameters"):
        fdmc.gradient(scenario, replicas=16)
    known = {"components.b.rate", "service.replace.b.time", "workload.compute"}
    assert set(other_knobs_of(scenario)) == known
    hidden = {**document["components"]["b"], "repair": {"exponential": {"mean": "9 h"}}}
    both = load({**document, "components": {**document["components"], "b": hidden}}, mission="1 y")
    with pytest.raises(GradientError, match="moves nothing"):
        fdmc.gradient(both, ["components.b.repair"], replicas=16)
