"""Published results on AI clusters from their stated inputs alone, through the public API.

Exact answers of the same models stand beside them: those hold to |z| <= 4.9 (the intervals are 95 %
ones, so 2.5 times as wide), the published ones to the tolerance of their own digits.
"""

import math
from typing import Any

import pytest
from _machines import load
from scipy import stats

import fdmc


pytestmark = pytest.mark.statistical


def near(estimate: fdmc.Estimate, exact: float) -> bool:
    """|z| <= 4.9, and what so many replicas miss once in a million: -log(1e-6) = 14 in n."""
    return abs(estimate.best - exact) <= 4.9 / 1.96 * estimate.width / 2 + 14 / estimate.replicas


# --- TPU v4 (ISCA 2023, figure 4): slices of any healthy cubes of an optically switched pod ---


@pytest.mark.parametrize(
    ("cubes", "published"), [(16, {0.99: 0.75, 0.995: 0.75}), (32, {0.99: 0.5}), (48, {0.99: 0.75})]
)
def test_slices_of_an_optically_switched_pod(cubes, published):
    """64 cubes of 16 hosts, host availability h: E[floor(H / s)] s / 64 with H ~ Bin(64, h^16)."""
    for h, goodput in published.items():
        mtbf = 100 * h / (1 - h)
        document = {
            "components": {"host": {"mtbf": f"{mtbf} h", "repair": "100 h"}},
            "units": {"pod": {"contains": {"cube": 64}}, "cube": {"components": {"host": 16}}},
            "fabric": {"accelerator": "cube", "policy": "park"},
            "workload": {"slice": cubes},
        }
        rate = fdmc.snapshot(load(document), replicas=8192, seed=1)["work_rate"]
        healthy = stats.binom(64, h**16)
        exact = sum(healthy.pmf(n) * (n // cubes) * cubes / 64 for n in range(65))
        assert near(rate, exact)
        assert rate.best == pytest.approx(goodput, abs=0.015)  # read off a figure, to 1 point


# --- Nonuniform tensor parallelism (arXiv 2504.06095, figure 3): all of a domain or nothing ---


def domains(size: int, count: int) -> fdmc.Scenario:
    document = {
        "components": {"gpu": {"mtbf": "999 h", "repair": "1 h"}},  # one in a thousand is down
        "units": {
            "cluster": {"contains": {"domain": count}},
            "domain": {"contains": {"package": size}},
            "package": {"components": {"gpu": 1}},
        },
        "fabric": {"accelerator": "package", "policy": {"park": "domain"}},
    }
    return load(document)


def test_a_cluster_of_domains_of_64():
    """32K accelerators, 0.1 % failed: 94 % left."""
    left = fdmc.snapshot(domains(64, 512), replicas=1024, seed=2)["availability"]
    assert near(left, 0.999**64)
    assert left.best == pytest.approx(0.94, abs=0.005)


@pytest.mark.parametrize(
    ("size", "published"),
    [(8, 0.992), (32, 0.968), (72, 0.930), (128, 0.879), (256, 0.772), (512, 0.595)],
)
def test_domains_of_other_sizes(size, published):
    """The share left does not depend on the number of domains: 16 of them."""
    left = fdmc.snapshot(domains(size, 16), replicas=4096, seed=3)["availability"]
    assert near(left, 0.999**size)
    assert left.best == pytest.approx(published, abs=0.006)


# --- Meta's research clusters (arXiv 2410.21680): any node interrupts the job on all of them ---


def job(nodes: int, workload: dict[str, Any], repair: str = "1 s", **more: Any) -> fdmc.Scenario:
    """Nodes of 8 accelerators with 6.50 failures in 1000 node-days (RSC-1); all or nothing."""
    document = {
        "components": {"node": {"rate": "0.65 %/d", "repair": repair}},
        "units": {"cluster": {"contains": {"host": nodes}}, "host": {"components": {"node": 1}}},
        "fabric": {"accelerator": "host", "policy": "drop"},
        "workload": workload,
    }
    return load(document, mission="5 d", **more)


@pytest.mark.parametrize(("accelerators", "hours"), [(16_384, 1.8), (131_072, 0.23)])
def test_mean_time_to_failure_of_research_clusters(accelerators, hours):
    result = fdmc.run(job(accelerators // 8, {}), stop=fdmc.Replicas(256), chunk=256)
    rate = result["interruptions_per_year"]
    # Failures within the second of a repair interrupt nothing.
    assert near(rate, accelerators / 8 * 0.0065 * 365 * (1 - 1 / 3600 / hours))
    assert 8760 / rate.best == pytest.approx(hours, rel=0.025)


@pytest.mark.parametrize(("minutes", "published"), [(60, 0.7), (5, 0.93)])
def test_effective_training_time_of_research_clusters(minutes, published):
    """A restart of 5 min at 16,384: exact Daly 0.714 and 0.933, published to first order."""
    workload = {
        "checkpoint": {"write": "0 s", "interval": f"{minutes} min"},
        "restart": {"resume": "5 min"},
    }
    result = fdmc.run(job(2048, workload), stop=fdmc.Replicas(256), chunk=256)
    tau, r, m = minutes / 60, 5 / 60, 24 / (2048 * 0.0065)
    assert near(result["ettr"], tau / (m * math.exp(r / m) * math.expm1(tau / m)))
    assert result["ettr"].best == pytest.approx(published, abs=0.02)


@pytest.mark.parametrize(
    ("stall", "published", "tolerance"),
    [pytest.param(10, 0.44, 0.01, marks=pytest.mark.verification), (3, 0.80, 0.05)],
)
def test_stalls_of_a_hundred_thousand_accelerators(stall, published, tolerance):
    """FT-HSDP (arXiv 2602.00277): 98,304 accelerators, a failure every 18 min, each a stall.

    On the wall clock one stall follows the other, a queue with one server: up for 1 - R / M.
    """
    scenario = job(
        98_304 // 8,
        {},
        repair=f"{stall} min",
        start="stationary",
        run_in="1 d",
        service={"technicians": 1},
    )
    result = fdmc.run(scenario, stop=fdmc.Replicas(512), chunk=512)
    exact = 1 - stall / 60 * 98_304 / 8 * 0.0065 / 24
    assert near(result["work_rate"], exact)
    assert result["work_rate"].best == pytest.approx(published, abs=tolerance)
