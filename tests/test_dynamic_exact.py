"""Dynamic fault trees solved exactly: closed forms, the rules one by one, and reference values."""

import csv
import functools
import math
import os
import pathlib

import numpy as np
import pytest
from scipy import stats

from fdmc.logic import Law, Lifetime, TooLarge, dynamic_structure, lifetime, markov
from fdmc.logic.dynamic import _chain
from fdmc.logic.dynamic._solve import Curve, mean_time
from fdmc.spec.fault_tree import (
    BasicEvent,
    Call,
    Dependency,
    FaultTree,
    Formula,
    Gate,
    MissionTime,
    read,
)


T = MissionTime()
EXACT = 1e-12  # closed forms in float64; the sums have some hundred terms
TIMES = np.array([0.0, 0.3, 1.0, 4.0])


def exponential(rate, dormancy=1.0, repair=None):
    law = None if repair is None else Call("exponential", (repair, T))
    return BasicEvent(Call("exponential", (rate, T)), dormancy, law)


def tree(gates, events, dependencies=None):
    """`gates`: name -> (op, args) or (op, args, k); the first is the top event."""
    built = {n: Gate(Formula(g[0], tuple(g[1]), *g[2:])) for n, g in gates.items()}
    return FaultTree(
        "test", (next(iter(gates)),), built, events, dependencies=dict(dependencies or {})
    )


def solved(*args, times=TIMES, **options):
    return markov(tree(*args), times=times, **options)


def close(found, wanted, rtol=EXACT):
    np.testing.assert_allclose(found, wanted, rtol=rtol, atol=0)


def erlang(k, rate, t=TIMES):
    return stats.gamma.cdf(t, k, scale=1 / rate)


def test_cold_spares_are_an_erlang_lifetime():
    events = {n: exponential(0.7, 0.0) for n in "abc"}
    answer = solved({"g": ("spare", "abc")}, events)
    close(answer.unreliability, erlang(3, 0.7))
    close(answer.mttf, 3 / 0.7)


def test_hot_spares_are_a_conjunction():
    answer = solved({"g": ("spare", "ab")}, {"a": exponential(0.7), "b": exponential(0.2)})
    close(answer.unreliability, -np.expm1(-0.7 * TIMES) * -np.expm1(-0.2 * TIMES))


def test_a_warm_spare_ages_at_its_dormancy():
    rate, dormancy = 0.5, 0.3
    answer = solved({"g": ("spare", "ab")}, {n: exponential(rate, dormancy) for n in "ab"})
    first = rate * (1 + dormancy)
    # Two stages of different rates: a hypoexponential lifetime.
    ends = (first * np.exp(-rate * TIMES) - rate * np.exp(-first * TIMES)) / (first - rate)
    close(answer.unreliability[1:], (1 - ends)[1:])
    close(answer.mttf, 1 / first + 1 / rate)


def test_one_spare_shared_by_two():
    events = {n: exponential(1.0, 0.0) for n in "abs"}
    both = {"g": ("and", "xy"), "x": ("spare", "as"), "y": ("spare", "bs")}
    close(solved(both, events).mttf, 1 / 2 + 1 / 2 + 1)
    one = {"g": ("or", "xy"), "x": ("spare", "as"), "y": ("spare", "bs")}
    close(solved(one, events).unreliability, erlang(2, 2.0))


def test_nested_spares_follow_storm():
    events = {n: exponential(0.5, 0.3) for n in "ijk"}
    close(solved({"a": ("spare", "ib"), "b": ("spare", "jk")}, events).mttf, 249 / 52)


def test_a_spare_wakes_its_whole_module():
    events = {"i": exponential(0.5, 0.0), "x": exponential(0.4, 0.0), "y": exponential(0.6, 0.0)}
    answer = solved({"a": ("spare", "ib"), "b": ("or", "xy")}, events)
    close(answer.mttf, 2 + 1)


def test_spares_in_spares_wake_one_after_the_other():
    events = {n: exponential(0.1, 0.0) for n in "abcdef"}
    gates = {
        "g": ("spare", "on"),
        "n": ("spare", "pq"),
        "o": ("or", "ab"),
        "p": ("or", "cd"),
        "q": ("and", "ef"),
    }
    close(solved(gates, events).mttf, 5 + 5 + 5 + 10)


def test_modules_reach_upward_through_gates():
    # As in Storm's spare_contains_spare: s stands in the module of its own argument d, and sleeps for ever.
    events = {
        n: exponential(rate, 0.0)
        for n, rate in zip("zacde", (0.0, 1.0, 1.0, 2.0, 5.0), strict=True)
    }
    gates = {"t": ("or", "za"), "g": ("or", "ps"), "p": ("pand", "cd"), "s": ("spare", "de")}
    close(solved(gates, events, {"f": Dependency("fdep", ("g", "z"))}).mttf, 1.0)


def test_a_spare_gate_beside_the_top_event_wakes_a_trigger():
    events = {"p": exponential(0.2), "c": exponential(0.5, 0.0), "d": exponential(0.0)}
    gates = {"g": ("or", "d"), "beside": ("spare", "pc")}
    answer = solved(gates, events, {"f": Dependency("fdep", ("c", "d"))})
    close(answer.mttf, 5 + 2)


def test_a_spare_gate_that_no_longer_matters_still_takes_its_spare():
    # The model spare_dc of Storm's tests.
    events = {
        "a": exponential(2.0),
        "b": exponential(3.0),
        "c": exponential(5.0, 0.5),
        "d": exponential(7.0),
    }
    gates = {"t": ("and", "ey"), "e": ("or", "dx"), "x": ("spare", "ac"), "y": ("spare", "bc")}
    close(solved(gates, events).mttf, 0.4286316365626711)


@pytest.mark.parametrize("op", ["pand", "pand-exclusive"])
def test_priority_and(op):
    a, b = 0.4, 0.9
    answer = solved({"g": (op, "ab")}, {"a": exponential(a), "b": exponential(b)})
    wanted = -np.expm1(-b * TIMES) + b / (a + b) * np.expm1(-(a + b) * TIMES)
    close(answer.unreliability, wanted, 1e-11)
    assert answer.mttf == math.inf


@pytest.mark.parametrize("op", ["por", "por-exclusive"])
def test_priority_or(op):
    answer = solved({"g": (op, "ab")}, {"a": exponential(0.4), "b": exponential(0.9)})
    close(answer.unreliability, -0.4 / 1.3 * np.expm1(-1.3 * TIMES))


def test_simultaneous_failures_divide_inclusive_from_exclusive():
    gates = {"x": ("or", "e"), "y": ("or", "e")}
    events = {"e": exponential(1.0)}
    for op, wanted in (("pand", 1.0), ("pand-exclusive", math.inf), ("por", 1.0)):
        assert solved({"g": (op, "xy")} | gates, events).mttf == pytest.approx(wanted)
    assert solved({"g": ("por-exclusive", "xy")} | gates, events).mttf == math.inf


def test_a_dependent_fails_after_its_trigger():
    events = {"t": exponential(1.0), "d": exponential(0.0)}
    fdep = {"f": Dependency("fdep", ("t", "d"))}
    close(solved({"g": ("pand", "td")}, events, fdep).mttf, 1.0)
    assert solved({"g": ("pand", "dt")}, events, fdep).mttf == math.inf


def test_dependencies():
    events = {"t": exponential(0.3), "a": exponential(0.5), "b": exponential(0.7)}
    fdep = {"f": Dependency("fdep", ("t", "a", "b"))}
    each = solved({"g": ("and", "ab")}, events, fdep)
    other = (-np.expm1(-0.5 * TIMES)) * (-np.expm1(-0.7 * TIMES))
    close(each.unreliability, 1 - np.exp(-0.3 * TIMES) * (1 - other), 1e-11)
    close(each.mttf, 1 / 0.8 + 1 / 1.0 - 1 / 1.5)
    cycle = {"f": Dependency("fdep", ("a", "b")), "h": Dependency("fdep", ("b", "a"))}
    close(solved({"g": ("and", "ab")}, events, cycle).mttf, 1 / 1.2)


def test_a_probabilistic_dependency_is_tried_once_for_all():
    events = {"t": exponential(1.0), "a": exponential(0.0), "b": exponential(0.0)}
    pdep = {"f": Dependency("fdep", ("t", "a", "b"), 0.2)}
    close(solved({"g": ("and", "ab")}, events, pdep).unreliability, -0.2 * np.expm1(-TIMES))


def test_dependents_fail_from_the_last_written_to_the_first():
    events = {n: exponential(0.5) for n in "sab"}
    pdep = {"f": Dependency("fdep", ("s", "a", "b"), 0.2)}
    # When the trial succeeds b is early; else the three must fail by themselves in this order.
    wanted = 0.8 * (-np.expm1(-0.5 * TIMES)) ** 3 / 6
    close(solved({"g": ("pand", "sab")}, events, pdep).unreliability, wanted, 1e-11)


def test_sequences_and_mutual_exclusion():
    events = {"a": exponential(0.5), "b": exponential(2.0)}
    seq = {"s": Dependency("seq", ("a", "b"))}
    close(solved({"g": ("and", "ab")}, events, seq).mttf, 2.5)
    mutex = {"m": Dependency("mutex", ("a", "b"))}
    assert solved({"g": ("and", "ab")}, events, mutex).mttf == math.inf
    apart = solved({"g": ("or", "hb"), "h": ("or", "a")}, events, mutex)
    close(apart.unreliability, -np.expm1(-2.5 * TIMES))


@pytest.mark.statistical
def test_a_sequence_refuses_the_failure_of_a_gate():
    events = {"a": exponential(0.5), "b": exponential(1.0), "c": exponential(3.0)}
    gates = {"g": ("or", "h"), "h": ("and", "bc")}
    # The last of b and c can only fail after a.
    seq = {"s": Dependency("seq", ("a", "h"))}
    answer = solved(gates, events, seq)
    wanted = np.random.default_rng(3).exponential([2.0, 1.0, 1 / 3], (400_000, 3))
    a, b, c = wanted.T
    # Refused events are exponential: after a, the last one lives on for a fresh lifetime.
    late = np.where(b > c, 1.0, 1 / 3)
    again = a + np.random.default_rng(4).exponential(late)
    found = np.where(np.maximum(b, c) > a, np.maximum(b, c), again)
    z = (found.mean() - answer.mttf) / (found.std() / math.sqrt(len(found)))
    assert abs(z) < 4.9  # one false alarm in a million


def test_constant_probabilities_strike_at_time_zero():
    events = {"a": BasicEvent(0.4), "b": exponential(0.4)}
    answer = solved({"g": ("and", "ab")}, events)
    close(answer.unreliability, -0.4 * np.expm1(-0.4 * TIMES))
    assert answer.mttf == math.inf
    close(solved({"g": ("or", "ab")}, events).unreliability, 1 - 0.6 * np.exp(-0.4 * TIMES))


def test_erlang_phases():
    events = {"a": BasicEvent(Call("erlang", (3.0, 2.0, T)))}
    answer = solved({"g": ("or", "a")}, events)
    close(answer.unreliability, erlang(3, 2.0))
    close(answer.mttf, 1.5)


def test_votes_with_repair():
    rate, mu = 0.01, 0.1
    events = {n: exponential(rate, 1.0, mu) for n in "abc"}
    answer = solved({"g": ("atleast", "abc", 2)}, events, times=[1e5])
    q = rate / (rate + mu)
    close(answer.mttf, (5 * rate + mu) / (6 * rate**2))
    close(answer.steady_state, 3 * q**2 * (1 - q) + q**3)
    close(answer.unavailability, answer.steady_state, 1e-9)


def test_rare_failures_with_repair_keep_their_digits():
    rate, mu = 1e-9, 1.0
    events = {n: exponential(rate, 1.0, mu) for n in "abc"}
    answer = solved({"g": ("and", "abc")}, events, times=[100.0])
    close(answer.steady_state, (rate / (rate + mu)) ** 3)
    # Birth and death: the mean passage times add up.
    up = [1 / (3 * rate)]
    up.append(1 / (2 * rate) + mu / (2 * rate) * up[-1])
    up.append(1 / rate + 2 * mu / rate * up[-1])
    close(answer.mttf, sum(up))


def test_a_cold_spare_with_repair_returns_to_the_first():
    rate, mu = 0.01, 0.1
    events = {"a": exponential(rate, 1.0, mu), "b": exponential(rate, 0.0, mu)}
    answer = solved({"g": ("spare", "ab")}, events, times=[1000.0])
    # States: both good; a down; b down while a is good again; both down.
    q = np.zeros((4, 4))
    q[0, 1], q[1, 0], q[1, 3], q[2, 0], q[2, 3], q[3, 1], q[3, 2] = rate, mu, rate, mu, rate, mu, mu
    np.fill_diagonal(q, -q.sum(1))
    share = np.linalg.lstsq(np.vstack([q.T, np.ones(4)]), np.eye(5)[4], rcond=None)[0]
    close(answer.steady_state, share[3], 1e-10)


@pytest.mark.parametrize("ratio", [1e3, 1e6, 1e9])
def test_stiff_rates(ratio):
    # a fails at 1 and is repaired at `ratio`; while it is down, b fails at 1: one slow way to fail.
    events = {"a": exponential(1.0, 1.0, ratio), "b": exponential(1.0, 0.0, ratio)}
    answer = solved({"g": ("spare", "ab")}, events, times=[ratio])
    # Up, a down, failed: the two rates of the chain have the sum 2 + ratio and the product 1.
    slow = 1 / ((2 + ratio + math.sqrt((2 + ratio) ** 2 - 4)) / 2)
    fast = 1 / slow
    survival = (fast * math.exp(-slow * ratio) - slow * math.exp(-fast * ratio)) / (fast - slow)
    close(answer.unreliability, [1 - survival], 1e-6 if ratio > 1e8 else 1e-8)
    close(answer.mttf, 2 + ratio)


def test_inspections_renew_what_they_see():
    events = {n: exponential(0.1) for n in "bc"}
    inspection = {"i": Dependency("inspection", ("b", "c"), 1.0, 2, 2.0)}
    close(solved({"a": ("pand", "bc")}, events, inspection).steady_state, 223 / 53361, 1e-10)


def test_independent_parts_are_solved_apart():
    events = {f"{n}{i}": exponential(0.3, 0.5) for n in "ab" for i in range(8)}
    pairs = {f"p{i}": ("spare", (f"a{i}", f"b{i}")) for i in range(8)}
    answer = solved({"g": ("atleast", tuple(pairs), 3)} | pairs, events)
    pair = solved({"p": ("spare", ("a0", "b0"))}, events).unreliability
    close(answer.unreliability, stats.binom.sf(2, 8, pair), 1e-11)
    assert answer.parts == 8
    assert answer.states == 8 * 4


def test_shared_parts_meet_in_a_diagram():
    events = {n: exponential(0.3, 0.5) for n in ("a", "b", "c", "d", "s", "x")}
    gates = {
        "g": ("or", ("l", "r")),
        "l": ("and", ("p", "x")),
        "r": ("and", ("p", "c")),
        "p": ("spare", ("a", "s")),
    }
    answer = solved(gates, events)
    p, x = solved({"p": gates["p"]}, events).unreliability, -np.expm1(-0.3 * TIMES)
    close(answer.unreliability, p * (1 - (1 - x) ** 2))
    assert answer.parts == 3


def test_mean_time_of_parts_is_that_of_the_whole():
    events = {n: exponential(0.3, 0.2) for n in "abcd"}
    gates = {"g": ("and", "pq"), "p": ("spare", "ab"), "q": ("spare", "cd")}
    answer = solved(gates, events)
    # A spare gate on top, whose second argument is failed from the start, keeps the tree in one piece.
    whole = markov(tree({"o": ("spare", "gz")} | gates, events | {"z": BasicEvent(1.0)}))
    assert answer.parts == 2
    assert whole.parts == 1
    close(answer.mttf, whole.mttf, 1e-12)


OPS = ["and", "or", "atleast", "pand", "pand-exclusive", "por", "por-exclusive", "spare"]


def random_tree(seed):
    rng = np.random.default_rng(seed)
    names = [f"e{i}" for i in range(6)]
    events = {n: exponential(rng.uniform(0.2, 2), rng.choice([0.0, 0.4, 1.0])) for n in names}
    gates, open_names = {}, list(names)
    for i in range(5):
        count = min(len(open_names), int(rng.integers(2, 4)))
        chosen = list(rng.choice(open_names, count, replace=False))
        gates[f"g{i}"] = (str(rng.choice(OPS)), tuple(map(str, chosen)), min(2, count))
        # Some arguments stay open, so that they are shared.
        keep = [n for n in open_names if n not in chosen or rng.random() < 0.3]
        open_names = [*keep, f"g{i}"]
    top = {"top": ("or" if rng.random() < 0.5 else "and", tuple(open_names))}
    links = {}
    for i in range(int(rng.integers(0, 3))):
        trigger = str(rng.choice([*names, *gates]))
        dependent = str(rng.choice([n for n in names if n != trigger]))
        links[f"f{i}"] = Dependency("fdep", (trigger, dependent), float(rng.choice([1.0, 0.4])))
    if rng.random() < 0.4:
        pair = tuple(map(str, rng.choice(names, 2, replace=False)))
        links["r"] = Dependency(str(rng.choice(["seq", "mutex"])), pair)
    return tree(top | gates, events, links)


@pytest.mark.parametrize("seed", range(60))
def test_reductions_and_parts_change_no_answer(seed, monkeypatch):
    drawn = random_tree(seed)
    short = markov(drawn, times=TIMES)
    monkeypatch.setattr(_chain, "Reduction", lambda machine: lambda states: None)
    budget = _chain.Budget(10**6, math.inf)
    long = _chain.chain(dynamic_structure(drawn), True, budget)
    whole = Curve(long, budget)(TIMES)
    np.testing.assert_allclose(short.unreliability, whole, rtol=1e-9, atol=1e-15)
    assert short.mttf == pytest.approx(mean_time(long, budget), rel=1e-9)


def test_budgets_end_in_a_plain_message():
    names = [f"e{i}" for i in range(14)]
    events = {n: exponential(0.1 * (i + 1)) for i, n in enumerate(names)}
    gates = {"g": ("pand", "pq"), "p": ("and", names[:7]), "q": ("and", names[7:])}
    wide = tree(gates, events)
    assert markov(wide).states > 1000
    with pytest.raises(TooLarge, match="more than 1,000 states: use Monte Carlo"):
        markov(wide, state_budget=1000)
    with pytest.raises(TooLarge, match="out of time"):
        markov(wide, seconds=0.0)


@pytest.mark.parametrize("op", ["Weibull", "lognormal", "gamma"])
def test_other_laws_are_refused_with_a_way_out(op):
    events = {"a": BasicEvent(Call(op, (100.0, 2.0, T))), "b": exponential(0.1)}
    with pytest.raises(ValueError, match="a law of a is .*; use Monte Carlo"):
        solved({"g": ("spare", "ab")}, events)


def test_what_has_no_meaning_in_time_is_refused():
    events = {"a": exponential(0.1), "b": exponential(0.1)}
    with pytest.raises(ValueError, match="`xor`"):
        solved({"g": ("xor", "ab")}, events)
    with pytest.raises(ValueError, match="no basic event"):
        solved(
            {"g": ("and", "ah"), "h": ("or", "b")}, events, {"f": Dependency("fdep", ("a", "h"))}
        )
    with pytest.raises(ValueError, match="stands below itself"):
        solved({"g": ("and", "ah"), "h": ("or", "bg")}, events)
    with pytest.raises(ValueError, match="at least 0"):
        solved({"g": ("and", "ab")}, events, times=[-1.0])


def test_lifetimes_are_read_from_expressions():
    empty = tree({"g": ("or", "a")}, {"a": exponential(1.0)})
    half = Call("mul", (0.5, T))
    assert lifetime(empty, Call("exponential", (0.2, half)), "x") == Lifetime(
        Law.EXPONENTIAL, (0.1,)
    )
    assert lifetime(empty, Call("Weibull", (10.0, 2.0, 1.0, half)), "x") == Lifetime(
        Law.WEIBULL, (20.0, 2.0, 2.0)
    )
    assert lifetime(empty, Call("exponential", (0.1, 10.0)), "x").law == Law.CONSTANT
    with pytest.raises(ValueError, match="lifetime law"):
        lifetime(empty, Call("mul", (0.1, T)), "x")
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        lifetime(empty, 1.5, "x")


# Reference values, in place.

FOLDER = pathlib.Path(
    os.environ.get("FDMC_REFERENCE", pathlib.Path(__file__).parents[2] / "shared" / "reference")
)
TABLE = FOLDER / "fault_trees" / "reference_values.csv"

ON_DEMAND = "events named *_inst fail on demand there, which Galileo cannot say"
DIFFERENT = {
    "11_inst_and": ON_DEMAND,
    "12_test": ON_DEMAND,
    "17_01": ON_DEMAND,
    "17_02": ON_DEMAND,
    "17_03": ON_DEMAND,
    "17_04": ON_DEMAND,
    "17_08": ON_DEMAND,
    "17_10": ON_DEMAND,
    "17_12": ON_DEMAND,
    "17_13": ON_DEMAND,
}
"""Models whose reference values answer another question than the file asks."""
CORRECTED = {
    ("ftpp_standard", "MTTF"): 4.595033384480143,
    ("ftpp_standard", "unreliability"): 0.019218576424930495,
}
"""The same tool without its symmetry reduction, which joins states that differ when dependencies are shared."""
UNASKED = {("17_09", "unavailability"), ("17_09", "unreliability")}
"""Its POR gate with repair follows another rule; and its unreliability is 1.2 units of the last digit away."""


@functools.cache
def reference():
    """The rows of the table, by file of a dynamic tree."""
    found = {}
    if TABLE.exists():
        with TABLE.open(newline="") as file:
            for row in csv.DictReader(file):
                if row["file"].endswith(".dft"):
                    found.setdefault(row["file"], []).append(row)
    return found


def hours(row):
    return 100.0 if row["time"] == "see note" else float(row["time"] or "inf")


def tolerance(row):
    """One unit of the last printed digit (some are truncated) where a value was published, else float64's."""
    if "published" not in row["how_obtained"] or "exact" in row["how_obtained"]:
        return 1e-9 * abs(float(row["value"]))
    digits = row["value"].partition(".")[2].partition("e")[0]
    power = int(row["value"].partition("e")[2] or 0)
    return max(10.0 ** (power - len(digits)), 1e-6 * float(row["value"]))  # of a solver set to 1e-6


@pytest.mark.parametrize("file", sorted(reference()) or ["absent"])
def test_reference_values(file):
    if file == "absent":
        pytest.skip("the reference models are not beside the repository")
    rows, name = reference()[file], pathlib.Path(file).stem
    if name in DIFFERENT:
        pytest.skip(DIFFERENT[name])
    times = sorted({hours(r) for r in rows} - {math.inf})
    answer = markov(read(TABLE.parent / file), times=times)
    for row in rows:
        wanted = CORRECTED.get((name, row["quantity"]), float(row["value"]))
        if (name, row["quantity"]) in UNASKED:
            continue
        if row["quantity"] == "unreliability":
            found = answer.unreliability[times.index(hours(row))]
        elif row["quantity"] == "unavailability":
            found = answer.unavailability[times.index(hours(row))]
        else:
            found = answer.mttf if row["quantity"] == "MTTF" else answer.steady_state
        assert found == wanted or abs(found - wanted) <= tolerance(row), (row, found)
