"""Fleets whose domains leave and rejoin: all states, a chain, the plain simulation, published numbers, by hand."""

import dataclasses
import itertools
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from _machines import Z, exponential, load

import fdmc
from fdmc import reference, report
from fdmc.collect import Fault, Trace
from fdmc.collect._fleet import SHARES, fleet_of
from fdmc.collect._goodput import goodput_of
from fdmc.plan import lower
from fdmc.spec import Reconfigure
from fdmc.tally import function_estimate
from fdmc.workload import FleetShares, elastic_fleet, ettr_wall, fleet_ettr


DOCS = Path(__file__).parents[1] / "docs"


# --- the composition ---


def by_states(p: float, q: float, domains: int, minimum: int, worth) -> FleetShares:
    """Every state of every domain: present, just left, away."""
    stalled = waiting = working = work = taking = 0.0
    for states in itertools.product(("present", "left", "away"), repeat=domains):
        prob = math.prod({"present": p, "left": q, "away": 1 - p - q}[state] for state in states)
        n = states.count("present")
        if "left" in states:
            stalled += prob
        elif n < minimum:
            waiting += prob
        else:
            working += prob
            work += prob * worth(n)
            taking += prob * n
    return FleetShares(stalled, waiting, working, work, taking / working)


@pytest.mark.parametrize("minimum", [1, 3, 5])
def test_shares_are_sums_over_all_states(minimum):
    for worth in (None, lambda n: np.sqrt(n / 5)):
        got = elastic_fleet(0.7, 0.1, 5, minimum=minimum, worth=worth)
        want = by_states(0.7, 0.1, 5, minimum, worth or (lambda n: n / 5))
        assert dataclasses.astuple(got) == pytest.approx(dataclasses.astuple(want), rel=1e-12)


def test_many_domains_are_no_heavier():
    """A binomial of a million domains far from its ends: mean and shares."""
    got = elastic_fleet(0.999, 1e-9, 1_000_000, minimum=998_000)
    assert got.stalled == pytest.approx(-math.expm1(-1e-3), rel=1e-6)
    assert got.domains == pytest.approx(999_000, rel=1e-6)
    assert got.stalled + got.waiting + got.working == pytest.approx(1)


def test_few_stalls_and_absences_are_the_closed_form():
    """The two differ by products of rare things: a tenth of the failures, a hundredth of the difference."""
    domains, stall, absent = 196, 0.05, 0.5

    def apart(failures: float) -> float:
        here = elastic_fleet(1 - failures * absent, failures * stall, domains)
        missing = dict(
            stall_hours=stall, absent_hours=absent - stall
        )  # after the stall, in its words
        return here.work - fleet_ettr(failures * domains, domains, **missing)

    assert 0 < apart(1e-4) < 1e-6
    assert apart(1e-4) == pytest.approx(apart(1e-3) / 100, rel=0.02)


# --- domains ---


def machine(domains: Any, policy: Any = "drop", copies: int = 8, **more: Any):
    """Accelerators at constant rates behind one plane; two a tray, which a repair takes out."""
    replace = {"package": {"swap": "package", "takes_out": "tray"}} if policy == "park" else {}
    document = {
        "components": {"gpu": exponential(more.pop("mtbf", 400.0), 20.0)},
        "units": {
            "pod": {"contains": {"tray": copies // 2}},
            "tray": {"contains": {"package": 2}},
            "package": {"components": {"gpu": 1}},
        },
        "fabric": {
            "accelerator": "package", "planes": 1, "lanes_per_link": 4, "lane_rate": "200 Gb/s",
            "policy": policy,
        },
        "service": {"technicians": more.pop("technicians", "unlimited"), "replace": replace},
        "workload": {"domains": domains, **more},
    }  # fmt: skip
    return load(document, mission="100 d", start="stationary", run_in="30 d")


ACROSS: dict[str, Any] = {
    "compute": "20 ms",
    "parallel": {"data": 8},
    "collectives": [
        {
            "op": "all_reduce",
            "size": "1 GiB",
            "algorithm": "ring",
            "group": "data",
            "overlap": "5 ms",
        },
        {"op": "all_gather", "size": "256 MiB"},
    ],
    "scale_out": {"rate": "400 Gb/s"},
}
HOUR = {"detect": "6 min", "resume": "54 min"}
BRIEF = {"detect": "5 min", "resume": "10 min"}
LEAVE = {"on_stop": "leave", "stall": "30 min"}
CASES = {
    "dropped": machine({"count": 4, **LEAVE, "minimum": 3, "batch": "smaller"}, restart=HOUR),
    "alone": machine({"count": 2, **LEAVE}, restart=HOUR, mtbf=200.0),
    "drains": machine(
        {"count": 4, **LEAVE, "stall": "10 min"},
        "park",
        technicians=1,
        mtbf=600.0,
        restart=BRIEF,
        **ACROSS,
    ),
    "smaller": machine(
        {"count": 4, **LEAVE, "batch": "smaller"},
        {"elastic": "data"},
        mtbf=2000.0,
        restart=BRIEF,
        **ACROSS,
    ),
}
FLEETS = 48


def facts(outcomes) -> dict[str, float]:
    """Mean facts of a domain, as the engine counts them."""
    hours = outcomes[0].hours
    mean = lambda f: float(np.mean([f(each) for each in outcomes]))
    return {
        "lost": hours - mean(lambda each: each.work),
        "idle": hours - mean(lambda each: each.running_hours),
        "interruptions": mean(lambda each: each.interruptions),
        "drains": mean(lambda each: each.drains),
    }


@pytest.fixture(scope="module", params=CASES)
def played(request):
    """A scenario, histories of its domains, and fleets that are played by them."""
    scenario = CASES[request.param]
    count, built = scenario.workload.domains, reference.build(scenario)
    outcomes = [reference.history(built, 11, number) for number in range(FLEETS * count)]
    fleets = [
        reference.fleet(scenario, outcomes[i : i + count]) for i in range(0, len(outcomes), count)
    ]
    return request.param, scenario, outcomes, fleets


def test_the_composition_is_what_the_plain_simulation_does(played):
    """Domains side by side, spell by spell: shares of the time, work, leaves, and the last to leave. |z| <= 4.9."""
    name, scenario, outcomes, fleets = played
    plan, _ = lower(scenario)
    x = facts(outcomes)
    got = fleet_of(scenario, plan, x)
    working, count = 1 - got.stalled - got.waiting, scenario.workload.domains
    expected = {
        "stalled": got.stalled,
        "waiting": got.waiting,
        "working": working,
        "work": got.goodput,  # checkpoints cost nothing here
        "present_hours": got.present * count,
        "domain_hours": got.ettr * (1 - x["idle"] / scenario.mission_hours) * count,
        "leaves": got.stops * working,
        "last": got.stops * working * (1 - got.present) ** (count - 1),
    }
    for key, exact in expected.items():
        seen = np.array([getattr(each, key) / each.hours for each in fleets])
        if seen.any():
            error = seen.std(ddof=1) / math.sqrt(len(seen))
            assert abs(seen.mean() - exact) <= Z * error, f"{name}, {key}: {seen.mean()}, {exact}"
    if name == "alone":
        assert expected["last"] > 0.01 * expected["leaves"]
    if name == "drains":
        assert x["drains"] > 0.2 * x["interruptions"] > 1
    if name == "dropped":
        assert got.waiting > 0.1


def test_the_interval_is_that_of_resampled_histories(played):
    """The delta method against the spread over histories drawn again from those at hand."""
    _, scenario, outcomes, _ = played
    plan, _ = lower(scenario)
    rows = np.array([list(facts([each]).values()) for each in outcomes])
    names = list(facts(outcomes[:1]))

    def goodput(row: np.ndarray) -> float:
        return fleet_of(scenario, plan, dict(zip(names, row, strict=True))).goodput

    found = function_estimate(goodput, rows.mean(0), np.cov(rows.T), len(rows), "1")
    rng = np.random.default_rng(5)
    again = [goodput(rows[rng.integers(len(rows), size=len(rows))].mean(0)) for _ in range(200)]
    assert found.width / 2 / 1.96 == pytest.approx(np.std(again), rel=0.25)


def test_a_fleet_of_one_is_its_domain():
    """Without a stall nobody else waits: restarts, checkpoints and all, to the last digit."""
    checkpoint = {"write": "30 s", "interval": "young"}
    scenario = machine(
        {"count": 1, "on_stop": "leave", "stall": "0 s"}, restart=HOUR, checkpoint=checkpoint
    )
    plan, _ = lower(scenario)
    x = {"lost": 300.0, "idle": 200.0, "interruptions": 31.0, "drains": 0.0}
    assert fleet_of(scenario, plan, x).goodput == pytest.approx(goodput_of(scenario, x), rel=1e-12)


def test_nothing_left_to_do():
    """A domain that never runs, one that never stops, and circuits that the others wait for."""
    scenario = CASES["dropped"]
    plan, hours = lower(scenario)[0], scenario.mission_hours
    x = {"lost": hours, "idle": hours, "interruptions": 0.0, "drains": 0.0}
    nothing = fleet_of(scenario, plan, x)
    assert (nothing.goodput, nothing.ettr, nothing.waiting) == (0, 0, 1)
    perfect = fleet_of(scenario, plan, dict.fromkeys(x, 0.0))
    assert (perfect.goodput, perfect.ettr, perfect.stops) == (1, 1, 0)
    switches = Reconfigure(16.0, 20.0, ("gpu",), None, restart=False)
    fabric = dataclasses.replace(scenario.fabric, reconfigure=switches)
    waits = dict.fromkeys(x, 0.0) | {"interruptions": 100.0, "reconfigurations": 100.0}
    got = fleet_of(dataclasses.replace(scenario, fabric=fabric), plan, waits)
    assert got.stalled == pytest.approx(-math.expm1(-4 * 100 / hours * 36 / 3600), rel=1e-12)
    assert got.goodput == pytest.approx(1 - got.stalled, rel=1e-12)
    with pytest.raises(ValueError, match="no domain of this scenario leaves"):
        fleet_of(machine(4), plan, x)


# --- a chain, through the engine ---


def up(domains: int, failure: float, repair: float) -> np.ndarray:
    """Stationary probabilities of the number of domains that are up: the balance of a birth-death chain."""
    rates = np.zeros((domains + 1, domains + 1))
    for n in range(domains):
        rates[n, n + 1] = (domains - n) * repair
        rates[n + 1, n] = (n + 1) * failure
    balance = (rates - np.diag(rates.sum(1))).T
    balance[-1] = 1
    return np.linalg.solve(balance, np.eye(domains + 1)[-1])


@pytest.fixture(scope="module")
def chained() -> tuple[fdmc.Scenario, fdmc.Result]:
    """Domains that fail whole and come back whole: a chain of those that are up."""
    domains = {"count": 6, "on_stop": "leave", "stall": "0 s", "minimum": 4}
    work = {**ACROSS, "parallel": {"data": 2}}
    scenario = machine(domains, copies=2, mtbf=200.0, **work)
    return scenario, fdmc.run(scenario, seed=3, stop=fdmc.Replicas(1024), chunk=1024)


def test_domains_up_are_a_chain(chained):
    """Two accelerators that fail at 1/200 h and are mended in 20 h: a domain is up with the square of one."""
    scenario, result = chained
    both = (200 / 220) ** 2
    pi = up(6, 1 - both, both)
    compute, late = 20e-3, []
    ring, inside = 0.5 * 2 * 2**30 / 100e9, 0.5 * 2**28 / 100e9
    for n in range(1, 7):  # a ring of two in the domain, then half of it over n domains
        across = 2 * (n - 1) / n * 2**30 / 2 / 50e9
        late.append(max(0.0, ring + across - 5e-3))
    full = compute + inside + late[5]
    share = {n: full / ((compute + inside) * 6 / n + late[n - 1]) for n in (4, 5, 6)}
    exact = {
        "fleet.goodput": sum(pi[n] * share[n] for n in share),
        "fleet.waiting": pi[:4].sum(),
        "fleet.present": both,
    }
    for name, value in exact.items():
        sigma = result[name].width / 2 / 1.96
        assert abs(result[name].best - value) <= Z * sigma, f"{name}: {result[name]}, {value}"
        assert sigma < 0.02
    assert result["fleet.batch"].best == 1
    stops = both * 6 * 2 / 200  # an hour, of domains that are up
    hours, spread = pi[4:].sum() / stops, result["fleet.mttf"].width / 2 / 1.96
    assert abs(result["fleet.mttf"].best - hours) <= Z * spread < 0.1 * hours


def test_what_a_run_says_of_a_fleet(chained):
    scenario, result = chained
    assert result.conventions["fleet_failure_clock"].startswith("wall; who stops leaves")
    assert result.conventions["fleet_batch"].startswith("kept")
    for name, estimate in result.metrics.items():
        assert report.document_of(name).unit == estimate.unit, name
    assert {f"fleet.{name}" for name in SHARES} <= set(result.metrics)
    assert result["fleet.accelerators"].best == 12
    told = " ".join(report.describe(scenario).job or ())
    assert "leaves, the others wait for 0 s and go on with all of the batch, below 4" in told


def test_a_trace_of_one_domain_is_composed_too():
    scenario = machine({"count": 4, **LEAVE, "batch": "smaller"}, restart=HOUR)
    found = fdmc.replay(scenario, Trace((Fault("tray", 1, 100.0, 200.0),), hours=1000.0))
    back = math.exp(
        -1 / 1000 / 0.9
    )  # one stop in 1,000 h, an hour to restart in the 900 h of running
    assert found["fleet.present"] == pytest.approx(0.9 * back, rel=1e-6)
    assert found["fleet.stalled"] == pytest.approx(1 - (1 - 0.5e-3 * back) ** 4, rel=1e-6)


# --- published ---


def composed(domains: dict[str, Any], **x: float):
    """A fleet of some domain of which only the facts count, over 1,000 h."""
    scenario = dataclasses.replace(
        machine(domains, restart={"resume": "10 min"}), mission_hours=1e3
    )
    none = {"lost": 0.0, "idle": 0.0, "interruptions": 0.0, "drains": 0.0}
    return fleet_of(scenario, lower(scenario)[0], none | x)


def test_elastic_training_published():
    """FT-HSDP, arXiv:2602.00277 (V06): a failure every 18 min among 98,304; 3 min of stall leave 80 %.

    Said on a clock on which stalls follow one another, 1 - R / M; ours is exp(-R / M). 16 replicas, 10 min absent.
    """
    failures = 60 / 18 / 16 * 1e3
    for stall, published, whole in ((3, 0.80, 0.05), (10, 0.44, 0.01)):
        got = composed(
            {"count": 16, "on_stop": "leave", "stall": f"{stall} min"}, interruptions=failures
        )
        assert 1 - got.stalled == pytest.approx(math.exp(-stall / 18), rel=0.02)
        serial = ettr_wall(60 / 18, stall / 60) if stall == 10 else got.goodput
        assert serial == pytest.approx(published, abs=whole)


def test_dropped_domains_published():
    """Non-uniform tensor parallelism, arXiv 2504.06095 (V04a): 0.1 % failed, domains of 64 drop out: 94 % left."""
    idle = 1e3 * (1 - (1 - 1e-3) ** 64)
    domains = {"count": 512, "on_stop": "leave", "stall": "0 s", "batch": "smaller"}
    got = composed(domains, lost=idle, idle=idle)
    assert got.goodput == pytest.approx(0.94, abs=5e-3)
    assert got.batch == pytest.approx(got.goodput, rel=1e-9)


# --- what was there before ---


def test_a_number_of_domains_is_what_it_was():
    before = fdmc.load("cpo-512", ["workload.domains=196"])
    assert before.fingerprint == "ff0edef39cc60926"
    for written in ("{count: 196}", "{count: 196, on_stop: stop}"):
        same = fdmc.load("cpo-512", [f"workload.domains={written}"])
        assert (same.workload, same.fingerprint) == (before.workload, before.fingerprint)
    assert before.workload.leaving is None


@pytest.mark.verification
def test_the_page_of_fleets_says_what_runs_say():
    """Every number of the table of docs/fleets.md, from the example as it stands there."""
    page = (DOCS / "fleets.md").read_text()
    rows = re.findall(r"\| (?:as written|`([^`]+)`) \| ([\d.]+) \[", page)
    assert len(rows) >= 5
    for setting, goodput in rows:
        sets = [setting] if setting else []
        scenario = fdmc.load(DOCS / "examples" / "fleet-100k.yaml", sets)
        result = fdmc.run(scenario, seed=1, stop=fdmc.Replicas(256))
        assert f"{100 * result['fleet.goodput'].best:.2f}" == goodput, setting
