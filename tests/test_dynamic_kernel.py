"""Fault trees in time: the kernels against rules, closed forms, reference values and plain Python.

Every statistical comparison allows |z| <= 4.9, one false alarm in a million; there are about 120 of them. Seeds
are fixed.
"""

import concurrent.futures
import csv
import dataclasses
import functools
import math
import multiprocessing
import os
import pathlib
from fractions import Fraction

import numpy as np
import pytest
from _timed_trees import CASES, at, exponential, law, random_tree, tree
from scipy import integrate, stats

from fdmc import reference
from fdmc.collect import RelativeError, fault_times
from fdmc.collect.trees._times_run import SCALE, _program, exact_sums
from fdmc.kernel import dynamic_plan
from fdmc.logic import dynamic_structure
from fdmc.spec.fault_tree import read


Z = 4.9
MANY = 1 << 15


def near(estimate, exact, replicas=None):
    n = replicas or estimate.replicas
    error = math.sqrt(exact * (1 - exact) / n)
    assert abs(estimate.best - exact) <= Z * error, (estimate, exact)


# --- rules, one replica each way -------------------------------------------------------------------


@pytest.mark.parametrize("name", CASES)
def test_rule(name):
    model, hours = CASES[name]
    last = 9.9
    found = fault_times(model, times=[last], replicas=16)
    edges = np.array([*hours, last] if len(hours) % 2 else hours, np.float64)
    assert found.unreliability[0].best == bool(hours)
    if hours:
        for t in (max(hours[0] - 0.01, 0.005), hours[0] + 0.01):
            found_by_then = fault_times(model, times=[t], replicas=16).unreliability[0].best
            assert found_by_then == (t > hours[0])
    if found.failures is not None:
        down = (edges[1::2] - edges[::2]).sum()
        assert found.failures.best == (len(hours) + 1) // 2
        assert found.interval_unavailability[0].best * last == pytest.approx(down, rel=1e-5)
        assert found.unavailability[0].best == len(hours) % 2


# --- closed forms ----------------------------------------------------------------------------------


@pytest.mark.statistical
def test_cold_spare_is_erlang():
    model = tree({"top": ("spare", "ab")}, {"a": exponential(1.0), "b": exponential(1.0, 0.0)})
    found = fault_times(model, times=[0.1, 1.5, 4.0], mttf=True, replicas=MANY)
    for t, estimate in zip(found.times_hours, found.unreliability, strict=True):
        near(estimate, 1 - (1 + t) * math.exp(-t))
    assert abs(found.mttf.best - 2.0) <= Z * math.sqrt(2 / MANY)
    assert (found.never.best, found.never.status) == (0, "no_hits")
    assert found.never.high > 0


@pytest.mark.statistical
def test_pand_integral_and_the_replicas_that_never_fail():
    model = tree({"top": ("pand", "ab")}, {"a": exponential(1.0), "b": exponential(3.0)})
    found = fault_times(model, times=[0.5, 2.0], mttf=True, replicas=MANY)
    for t, estimate in zip(found.times_hours, found.unreliability, strict=True):
        near(estimate, -math.expm1(-3 * t) + 0.75 * math.expm1(-4 * t))
    near(found.never, 0.75)
    assert (found.mttf.best, found.mttf.status) == (math.inf, "infinite")


@pytest.mark.statistical
def test_warm_weibull_standby_fails_by_exposure():
    life = stats.weibull_min(2.0)
    law_of = lambda dormancy: law("Weibull", 1.0, 2.0, 0.0, dormancy=dormancy)
    model = tree({"top": ("spare", "ab")}, {"a": law_of(1.0), "b": law_of(0.3)})
    t = 1.2
    # The standby has failed by t when its exposure 0.3 a + (t - a) has reached its age.
    exact, _ = integrate.quad(lambda a: life.pdf(a) * life.cdf(t - 0.7 * a), 0, t)
    near(fault_times(model, times=[t], replicas=MANY).unreliability[0], exact)


@pytest.mark.statistical
def test_laws():
    events = {
        "a": (law("Weibull", 2.0, 1.5, 0.5), lambda t: stats.weibull_min(1.5, 0.5, 2.0).cdf(t)),
        "b": (law("lognormal", 2.0, 0.7), lambda t: stats.lognorm(0.7, 0, 2.0).cdf(t)),
        "c": (law("erlang", 3.0, 1.0), lambda t: stats.gamma(3).cdf(t)),
        "d": (law("gamma", 0.5, 4.0), lambda t: stats.gamma(0.5, 0, 4.0).cdf(t)),
        "e": (exponential(0.2), lambda t: stats.expon(0, 5).cdf(t)),
    }
    for top, (event, cdf) in events.items():
        found = fault_times(
            tree({"top": ("or", [top])}, {top: event}), times=[0.1, 1.0, 3.0, 9.0], replicas=MANY
        )
        for t, estimate in zip(found.times_hours, found.unreliability, strict=True):
            near(estimate, cdf(t))


@pytest.mark.statistical
def test_two_of_three_under_repair():
    model = tree({"top": ("atleast", "abc", 2)}, {e: exponential(0.5, repair=1.0) for e in "abc"})
    found = fault_times(model, times=[0.5, 2.0, 8.0], mttf=True, replicas=MANY)
    part = lambda t: -math.expm1(-1.5 * t) / 3
    state = lambda t: 3 * part(t) ** 2 - 2 * part(t) ** 3
    for i, t in enumerate(found.times_hours):
        near(found.unavailability[i], state(t))
        mean = integrate.quad(state, 0, t)[0] / t
        down = found.interval_unavailability[i]
        assert abs(down.best - mean) <= Z * (down.high - down.low) / 3.92
    exact = (5 * 0.5 + 1.0) / (6 * 0.25)  # (5 lambda + mu) / (6 lambda^2)
    assert abs(found.mttf.best - exact) <= Z * (found.mttf.high - found.mttf.low) / 3.92


@pytest.mark.statistical
def test_a_long_mission_swallows_no_short_repair():
    # At the end the clock moves in steps of 2 h; a repair takes 0.1 h.
    model = tree({"top": ("or", "a")}, {"a": law("exponential", 1e-4, repair=at(0.1).probability)})
    found = fault_times(model, times=[2e7], replicas=64)
    down = found.interval_unavailability[0]
    assert abs(down.best - 1e-5) <= Z * 1e-5 / math.sqrt(64 * 2000)
    assert abs(found.failures.best - 2000) <= Z * math.sqrt(2000 / 64)


@pytest.mark.statistical
def test_late_occurrences_pass_between_two_ticks_of_the_clock():
    # The spare lives and is repaired for 0.1 h each, 2e7 h after the start, where a float32 clock moves by 2 h.
    events = {"a": at(2e7), "b": exponential(10.0, 0.0, repair=10.0)}
    found = fault_times(tree({"top": ("spare", "ab")}, events), times=[2e7 + 100], replicas=64)
    down = found.interval_unavailability[0].best * (2e7 + 100)
    # Half of the 100 h; the variance of an alternating process is 2 x 10 x 10 / 20^3 an hour.
    assert abs(down - 50) <= Z * math.sqrt(2.5 / 64) + 0.025


# --- reference values -------------------------------------------------------------------------------


@functools.cache
def reference_rows() -> list[dict]:
    home = os.environ.get("FDMC_REFERENCE")
    beside = pathlib.Path(__file__).parents[2] / "shared" / "reference"
    folder = pathlib.Path(home) if home else beside
    table = folder / "fault_trees" / "reference_values.csv"
    if not table.exists():
        return []
    with table.open() as file:
        rows = [dict(row) for row in csv.DictReader(file)]
    return [row | {"file": str(table.parent / row["file"])} for row in rows]


MODELS = (
    "pand", "por", "pdep4", "seq5", "mutex4", "spare8", "spare_conflict_test", "fdep_bound",
    "spare_contains_spare", "cas", "cm2", "csp_repair", "dftres_repair-pand", "prdc2021_17_15", "prdc2019_02",
)  # fmt: skip


@pytest.mark.statistical
@pytest.mark.parametrize("model", MODELS)
def test_reference_value(model):
    rows = [r for r in reference_rows() if r["model"] == model]
    if not rows:
        pytest.skip("the folder of reference values is not beside the repository")
    hours = lambda row: (
        100.0 if row["time"] == "see note" else float((row["time"] or "0").replace("inf", "2000"))
    )
    times = sorted({hours(r) for r in rows} - {0.0})
    mttf = any(r["quantity"] == "MTTF" for r in rows)
    steady = any(r["quantity"].startswith("steady") for r in rows)
    found = fault_times(
        read(rows[0]["file"]), times=times, mttf=mttf, replicas=1 << 9 if steady else MANY, seed=3
    )
    for row in rows:
        value = float(row["value"])
        if row["quantity"] == "MTTF":
            half = (found.mttf.high - found.mttf.low) / 3.92
            assert found.mttf.best == value == math.inf or abs(found.mttf.best - value) <= Z * half
            continue
        i = times.index(hours(row))
        if row["quantity"].startswith("steady"):
            mean = found.interval_unavailability[i]
            assert abs(mean.best - value) <= Z * (mean.high - mean.low) / 3.92
        else:
            lists = {"unreliability": found.unreliability, "unavailability": found.unavailability}
            near(lists[row["quantity"]][i], value)


# --- plain Python ----------------------------------------------------------------------------------

HOURS, HISTORIES = (0.3, 1.0, 3.0), 2000
RANDOM = [(0, False), (1, False), (0, True), (1, True), (2, True)]


def plain_facts(seed: int, repair: bool) -> np.ndarray:
    """Sums and squares over the reference's histories; it runs in a process that checks no types."""
    model, rows = random_tree(seed, repair), []
    for replica in range(HISTORIES):
        h = reference.fault_tree_history(model, HOURS[-1], 1, replica)
        rows.append([h.first_hours <= t for t in HOURS] + [h.failed_at(t) for t in HOURS])
        rows[-1] += [h.down_hours() / HOURS[-1], len(h.begins)]
    values = np.array(rows, float)
    return np.stack([values.mean(0), values.var(0)])


@pytest.fixture(scope="module")
def plain():
    with concurrent.futures.ProcessPoolExecutor(
        2, mp_context=multiprocessing.get_context("spawn")
    ) as pool:
        yield dict(zip(RANDOM, pool.map(plain_facts, *zip(*RANDOM, strict=True)), strict=True))


@pytest.mark.verification
@pytest.mark.statistical
@pytest.mark.parametrize(("seed", "repair"), RANDOM)
def test_random_tree(plain, seed, repair):
    found = fault_times(random_tree(seed, repair), times=HOURS, replicas=MANY, seed=5)
    ours = [*found.unreliability]
    if repair:
        assert found.unavailability is not None
        assert found.interval_unavailability is not None
        ours += [*found.unavailability, found.interval_unavailability[-1], found.failures]
    for estimate, mean, variance in zip(ours, *plain[seed, repair], strict=False):
        error = math.sqrt(variance * (1 / HISTORIES + 1 / MANY) + 1e-9)
        assert abs(estimate.best - mean) <= Z * error, (estimate, mean)


# --- what must not change ---------------------------------------------------------------------------


def facts(found):
    values = {f.name: getattr(found, f.name) for f in dataclasses.fields(found)}
    return {k: v for k, v in values.items() if k not in ("timing", "counts")}


@pytest.mark.parametrize("repair", [False, pytest.param(True, marks=pytest.mark.verification)])
def test_chunks_do_not_show(repair):
    model = random_tree(1, repair)
    asked = {"times": (0.5, 2.0), "mttf": not repair, "replicas": 2000}
    first, *others = (fault_times(model, **asked, chunk=size) for size in (4096, 64, 16))
    assert first.occurrences > 2000
    for other in others:
        assert facts(other) == facts(first)


def test_numbers_change_without_compiling():
    build = lambda rate, shape: tree(
        {"top": ("spare", "ab")}, {"a": exponential(rate), "b": law("Weibull", 2.0, shape, 0.0)}
    )
    few = fault_times(build(1.0, 2.0), times=[1.0], replicas=4096)
    compiled = _program.cache_info().misses
    many = fault_times(build(3.0, 3.0), times=[0.5], replicas=4096)
    assert _program.cache_info().misses == compiled
    assert many.unreliability[0].best != few.unreliability[0].best


def test_sums_are_exact():
    values = np.exp(np.random.default_rng(0).normal(0, 20, 9000)).astype(np.float32)
    total, square = exact_sums(values)
    assert total * Fraction(SCALE) == sum(Fraction(float(v)) for v in values)
    assert math.isclose(square * SCALE**2, math.fsum(values.astype(float) ** 2), rel_tol=1e-14)


# --- the door ---------------------------------------------------------------------------------------

PAIR = tree({"top": ("and", "ab")}, {e: exponential(1.0) for e in "ab"})


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({}, "nothing is asked"),
        ({"times": [0.0]}, "must be positive"),
        ({"times": [math.inf]}, "must be positive"),
        ({"times": [1.0], "stop": []}, "at least one rule"),
    ],
)
def test_refused(asked, message):
    with pytest.raises(ValueError, match=message):
        fault_times(PAIR, **asked)


def test_a_mean_time_beyond_simulation_is_refused(monkeypatch):
    monkeypatch.setattr("fdmc.collect.trees._times.MOST_STEPS", 100)
    model = tree({"top": ("and", "ab")}, {e: exponential(1e-6, repair=1.0) for e in "ab"})
    with pytest.raises(ValueError, match="have not failed after 100 occurrences"):
        fault_times(model, mttf=True, replicas=16)


def test_a_rule_ends_the_run():
    found = fault_times(PAIR, times=[1.0], stop=RelativeError(0.02))
    assert found.status == "ok"
    assert found.unreliability[0].width <= 0.02 * found.unreliability[0].best
    low, high = found.interval(confidence=0.99)
    assert low < found.unreliability[0].low < found.unreliability[0].high < high


def test_nothing_seen_is_bounded():
    rare = tree({"top": ("and", "ab")}, {e: exponential(1e-9) for e in "ab"})
    estimate = fault_times(rare, times=[1.0], replicas=1000).unreliability[0]
    assert (estimate.best, estimate.status) == (0.0, "no_hits")
    assert 2e-3 < estimate.high < 4e-3


def test_absolute_trees_keep_times_and_others_what_is_left():
    shape = lambda model: dynamic_plan(dynamic_structure(model))[0]
    assert shape(CASES["shared spare"][0]).absolute
    assert not shape(CASES["sequence"][0]).absolute
    assert not shape(CASES["repair"][0]).absolute
