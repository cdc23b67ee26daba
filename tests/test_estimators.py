"""Estimators of gradients: each kind of variable against differences of exact values; those that cannot, raise.

The oracle adds up all states of all elements in plain Python, environments included; |z| <= 4.9.
"""

import collections
import dataclasses
import itertools
import math
import re
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from scipy.special import betainc

from fdmc.plan import GradientError
from fdmc.sizing import (
    AbstractEstimator,
    BiasedGradientWarning,
    CapacityGroup,
    CapacityProblem,
    Combine,
    ConditionalMonteCarlo,
    Environment,
    ExactAutodiff,
    Exceedance,
    Gumbel,
    Law,
    Loss,
    Mean,
    Moment,
    Pathwise,
    Pivotal,
    ScoreFunction,
    SizingError,
    StraightThrough,
    TailMean,
    capacity_gradient,
    gauss_hermite,
)


Z = 4.9
REPLICAS = 2048
LASER = CapacityGroup("laser", 4, 3, 4e-4, 800.0, 2.0, 0.5, 0.3, 330.0, 320.0, 0.35)
PUMP = CapacityGroup("pump", 3, 2, 3e-4, 1000.0, 1.7, -0.4, 0.2, 335.0, 330.0, 0.5)
TRAY = CapacityGroup("tray", 2, 2, 1e-4, 900.0, 1.9, 0.3, 0.1, 320.0, 320.0, 0.6)
SITE = gauss_hermite(3)
SUM = CapacityProblem([LASER, PUMP, TRAY], environment=SITE, shock=0.4)
PRODUCT = dataclasses.replace(SUM, combine=Combine.PRODUCT, moment=Moment.ANY)
LEAST = dataclasses.replace(SUM, combine=Combine.MIN, law=Law.REPAIRED)
TAIL = dataclasses.replace(SUM, measure=TailMean(0.2), moment=Moment.ANY)
OVER = dataclasses.replace(PRODUCT, measure=Exceedance(1.3), loss=Loss.THRESHOLD)
PROBLEMS = {"sum": SUM, "product": PRODUCT, "least": LEAST, "tail": TAIL, "over": OVER}
FIELDS = {
    "count": "count", "need": "need", "rate": "rate_per_hour", "time": "time_hours", "capacity": "capacity",
    "temperature": "kelvin",
}  # fmt: skip


def moved(problem: CapacityProblem, name: str, by: float) -> CapacityProblem:
    """The problem with one variable changed."""
    if name == "shock":
        assert problem.shock is not None
        return dataclasses.replace(problem, shock=problem.shock + by)
    group, kind = name.split(".")
    field = FIELDS[kind]
    groups = [
        dataclasses.replace(g, **{field: getattr(g, field) + by}) if g.name == group else g
        for g in problem.groups
    ]
    return dataclasses.replace(problem, groups=groups)


def environments(problem: CapacityProblem) -> Iterator[tuple[float, list[float]]]:
    """Probability of each environment, and there of the failure of an element of each group."""
    shared = problem.environment or Environment(np.zeros((1, 1)), np.ones(1))
    moments = [(1.0, 1.0)]
    if problem.moment is Moment.ANY:
        points = zip(*np.polynomial.legendre.leggauss(12), strict=True)
        moments = [((x + 1) / 2, w / 2) for x, w in points]
    down = lambda h: 1 - math.exp(-h) if problem.law is Law.MISSION else h / (1 + h)
    factors = list(zip(shared.nodes[:, 0], shared.weights, strict=True))
    for (z, weight), (u, wu) in itertools.product(factors, moments):
        hit = down(problem.shock * u) if problem.shock else 0.0
        probs = []
        for g in problem.groups:
            hotter = (1 / g.reference_kelvin - 1 / g.kelvin) if g.kelvin else 0.0
            log_factor = float(np.sum(g.loading)) * z
            log_factor += g.activation_energy_ev / 8.617333262e-5 * hotter
            probs.append(down(g.rate_per_hour * g.time_hours * math.exp(log_factor) * u))
        yield weight * wu * (1 - hit), probs
        shocked = [1 - (1 - p) * (1 - g.hit) for p, g in zip(probs, problem.groups, strict=True)]
        yield weight * wu * hit, shocked


def distribution(problem: CapacityProblem) -> dict[float, float]:
    """Probability of each loss, by adding up all states."""
    operation = {Combine.SUM: math.fsum, Combine.MIN: min, Combine.PRODUCT: math.prod}
    together = operation[problem.combine]
    counts = [range(int(g.count) + 1) for g in problem.groups]
    losses = {}
    for state in itertools.product(*counts):
        values = []
        for g, m in zip(problem.groups, state, strict=True):
            share = min(max((g.count - m) / g.need, 0), 1)
            if problem.loss is Loss.THRESHOLD:
                share = float(m <= g.count - g.need)
            values.append(g.capacity * share)
        lost = together([g.capacity for g in problem.groups]) - together(values)
        losses[state] = round(lost, 10)
    found: dict[float, float] = collections.defaultdict(float)
    for weight, probs in environments(problem):
        each = [
            [math.comb(int(g.count), m) * p**m * (1 - p) ** (g.count - m) for m in ms]
            for g, p, ms in zip(problem.groups, probs, counts, strict=True)
        ]
        for state, lost in losses.items():
            found[lost] += weight * math.prod(row[m] for row, m in zip(each, state, strict=True))
    return found


def exact(problem: CapacityProblem) -> float:
    """The measure of lost capacity."""
    states, measure = distribution(problem), problem.measure
    if isinstance(measure, Mean):
        return sum(lost * p for lost, p in states.items())
    if isinstance(measure, Exceedance):
        return sum(p for lost, p in states.items() if lost > measure.lost + 1e-9)
    worst, share = 0.0, float(measure.share)
    for lost, p in sorted(states.items(), reverse=True):
        taken = min(p, share)
        worst, share = worst + lost * taken, share - taken
    return worst / float(measure.share)


def derivative(problem: CapacityProblem, name: str, value=exact) -> float:
    """By central differences; their error is 1e-8 of the value."""
    step = 1e-4 * problem.variables[name][2] if not name.endswith("temperature") else 1e-2
    return (value(moved(problem, name, step)) - value(moved(problem, name, -step))) / (2 * step)


def difference(problem: CapacityProblem, name: str, step: int) -> float:
    return step * (exact(moved(problem, name, step)) - exact(problem))


ESTIMATORS: dict[str, AbstractEstimator] = {
    "exact": ExactAutodiff(),
    "conditional": ConditionalMonteCarlo(),
    "pivotal": Pivotal(),
    "less": Pivotal(step=-1),
    "pathwise": Pathwise(),
    "score": ScoreFunction(),
    "straight": StraightThrough(),
    "gumbel": Gumbel(1.0),
}
NAMES = [
    "laser.count",
    "laser.need",
    "pump.rate",
    "laser.time",
    "tray.temperature",
    "laser.capacity",
    "shock",
]
NAMES_OF_KIND = {name.split(".")[-1]: i for i, name in enumerate(NAMES)}
# What each sees of NAMES, in their order: d derivative, D difference, b a biased one, a dot: it raises.
SEEN = {
    #           sum        product    least      tail       over
    "exact":       "ddddddd ddddddd ..ddddd ..ddddd ..ddd.d",
    "conditional": "ddddddd ddddddd ..ddddd ..ddddd ..ddd.d",
    "pivotal":     "DDddd.d DDddd.d DDddd.d ..ddd.d DDddd.d",
    "less":        "DDddd.d DDddd.d DDddd.d ..ddd.d DDddd.d",
    "pathwise":    ".....d. ..ddddd .....d. ..ddddd ..ddd.d",
    "score":       "..ddd.d ..ddd.d ..ddd.d ..ddd.d ..ddd.d",
    "straight":    "..bbbb. ..bbbb. ..bbbb. ..bbbb. .......",
    "gumbel":      "..bbbb. ..bbbb. ..bbbb. ..bbbb. .......",
}  # fmt: skip


def relaxed(problem: CapacityProblem) -> float:
    """The mean of a sum or product for real counts and needs, with SciPy's incomplete beta function."""
    total = 0.0
    for weight, probs in environments(problem):
        left = []
        for g, p in zip(problem.groups, probs, strict=True):
            k, s = g.need, g.count - g.need
            if s:
                short = g.count * p * betainc(s, k, p) - s * betainc(s + 1, k, p)
            else:
                short = g.count * p
            left.append(1 - short / k)
        values = [g.capacity * x for g, x in zip(problem.groups, left, strict=True)]
        whole = [g.capacity for g in problem.groups]
        together = math.fsum if problem.combine is Combine.SUM else math.prod
        total += weight * (together(whole) - together(values))
    return total


@pytest.fixture(scope="module")
def truth() -> dict[tuple[str, str, str], float]:
    found = {}
    for case, problem in PROBLEMS.items():
        for name in NAMES:
            if name.split(".")[-1] not in ("count", "need"):
                found[case, name, "d"] = derivative(problem, name)
                continue
            for step, which in ((1, "pivotal"), (-1, "less")):
                found[case, name, which] = difference(problem, name, step)
            if case in ("sum", "product"):
                found[case, name, "d"] = derivative(problem, name, relaxed)
    return found


# Each program takes a second to compile: these are drawn in every run, all others by `make verify`.
OFTEN = {
    "exact": ["product", "least", "tail"], "conditional": ["sum", "least"], "pivotal": ["sum", "over"], "less": ["sum"],
    "pathwise": ["product", "tail"], "score": ["sum", "tail"], "straight": ["sum"], "gumbel": ["sum"],
}  # fmt: skip


@pytest.mark.parametrize("which", ESTIMATORS)
def test_what_is_not_seen_raises(which):
    for (case, problem), row in zip(PROBLEMS.items(), SEEN[which].split(), strict=True):
        for name, sees in zip(NAMES, row, strict=True):
            if sees != ".":
                said = ESTIMATORS[which].sees(problem, *problem.variables[name][:2])
                assert said == ("difference" if sees == "D" else "derivative"), (case, name)
                continue
            with pytest.raises(GradientError, match=type(ESTIMATORS[which]).__name__):
                capacity_gradient(problem, ESTIMATORS[which], [name], replicas=2)


def test_the_page_says_what_is_seen():
    """The table of docs/gradients.md, column by column, on every problem."""
    page = (Path(__file__).parent.parent / "docs/gradients.md").read_text()
    said = {
        name: [cell.strip() for cell in cells.split("|")]
        for name, cells in re.findall(r"^\| `(\w+)` \| (.*) \|$", page, re.MULTILINE)
    }
    columns = [
        ("laser.count", "laser.need"),
        ("laser.rate", "laser.time", "laser.temperature"),
        ("laser.capacity",),
        ("shock",),
    ]
    limits = {
        "d (means of sums and products)": lambda p: isinstance(p.measure, Mean) and p.combine is not Combine.MIN,
        "D (not of `TailMean`)": lambda p: not isinstance(p.measure, TailMean),
        "d (`Moment.ANY` of a mission)": lambda p: p.moment is Moment.ANY,
        "b (no thresholds)": lambda p: p.loss is not Loss.THRESHOLD and not isinstance(p.measure, Exceedance),
        "d": lambda p: True, "-": lambda p: False,
    }  # fmt: skip
    for which, row in SEEN.items():
        cells = said[type(ESTIMATORS[which]).__name__]
        for problem, seen in zip(PROBLEMS.values(), row.split(), strict=True):
            for kinds, cell in zip(columns, cells, strict=True):
                for kind in (name.split(".")[-1] for name in kinds):
                    has = limits[cell](problem)
                    if kind == "capacity" and isinstance(problem.measure, Exceedance):
                        has = False  # the sentence under the table
                    assert seen[NAMES_OF_KIND[kind]] == (cell[0] if has else ".")


@pytest.mark.statistical
@pytest.mark.parametrize("which", ESTIMATORS)
def test_every_estimator_on_every_kind_of_variable(which, truth):
    check(which, OFTEN[which], truth)


@pytest.mark.verification
@pytest.mark.parametrize("which", ESTIMATORS)
def test_every_estimator_on_every_problem(which, truth):
    check(which, list(PROBLEMS), truth)


def check(which: str, cases: list[str], truth) -> None:
    """Against exact differences; biased ones warn, and are biased."""
    estimator, biases = ESTIMATORS[which], []
    for case, row in zip(PROBLEMS, SEEN[which].split(), strict=True):
        seen = {name: sees for name, sees in zip(NAMES, row, strict=True) if sees != "."}
        if not seen or case not in cases:
            continue
        with warnings.catch_warnings(record=True) as heard:
            warnings.simplefilter("always", BiasedGradientWarning)
            found = capacity_gradient(
                PROBLEMS[case], estimator, list(seen), seed=7, replicas=REPLICAS
            )
        assert bool(heard) == estimator.biased
        for name, sees in seen.items():
            ours, right = found.by[name], truth[case, name, which if sees == "D" else "d"]
            error = (ours.high - ours.low) / 2 / 1.96
            z = (ours.best - right) / max(error, 1e-6 * abs(right))
            if sees == "b":
                biases.append(abs(z))
                continue
            assert abs(z) <= Z, f"{case} {name}: z = {z:.1f}, {ours} against {right}"
            assert error < abs(right), f"{case} {name} says nothing: {ours}"
            assert found.meaning[name] == ("difference" if sees == "D" else "derivative")
    assert bool(biases) == estimator.biased
    if biases:
        assert max(biases) > 2 * Z  # it is biased, and seen to be


def test_no_spares_no_frailty():
    """Closed forms: one element of one needed, and a threshold without spares."""
    one = CapacityGroup("part", 1, 1, 1e-3, 100.0, 3.0)
    found = capacity_gradient(
        CapacityProblem([one]), ExactAutodiff(), ["part.rate", "part.capacity"]
    )
    assert found.lost.best == pytest.approx(-3 * math.expm1(-0.1), rel=1e-9)
    assert found.by["part.rate"].best == pytest.approx(3 * 100 * math.exp(-0.1), rel=1e-9)
    assert found.by["part.capacity"].best == pytest.approx(-math.expm1(-0.1), rel=1e-9)
    assert found.by["part.rate"].unit == "h"
    assert found.by["part.rate"].status == "exact"


def test_rare_losses_cost_no_more_replicas():
    """Five spares of 36: a loss of 1e-11, whose derivative 500 pivotal replicas know to 5 %."""
    lanes = CapacityGroup("lane", 37, 32, 5e-7, 2e4, 32.0)
    p = -math.expm1(-0.01)
    found = capacity_gradient(
        CapacityProblem([lanes]), Pivotal(), ["lane.rate", "lane.count"], replicas=500
    )
    tail = lambda n, s: betainc(s, n - s + 1, p)
    rate = 37 * tail(36, 5) * (1 - p) * 2e4  # one of 32 is lost for each failure beyond five
    ours = found.by["lane.rate"]
    assert ours.best == pytest.approx(rate, rel=1e-12)
    assert found.by["lane.count"].best == pytest.approx(-(1 - p) * tail(37, 6), rel=1e-12)


def test_problems_are_said_all_at_once():
    bad = CapacityGroup("a", 2, 3, -1.0, 1.0, loading=0.5, hit=0.2)
    with pytest.raises(SizingError) as caught:
        CapacityProblem([bad, bad], law=Law.REPAIRED, moment=Moment.ANY, measure=TailMean(0))
    said = str(caught.value)
    for part in (
        "'a' is there twice",
        "rate_per_hour",
        "count must be",
        "loading",
        "hit",
        "moment",
        "share",
    ):
        assert part in said
    with pytest.raises(GradientError, match="no such variable: b.rate"):
        capacity_gradient(SUM, ExactAutodiff(), ["b.rate"])
    with pytest.raises(GradientError, match="whole numbers"):
        capacity_gradient(moved(SUM, "laser.count", 0.5), ScoreFunction(), ["shock"])
    with pytest.raises(GradientError, match="temperature must be positive"):
        Gumbel(0.0)
