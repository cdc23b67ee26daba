"""Estimators of gradients beside exact values: what each knows after the same time.

    python -m benchmarks.gradients [--replicas N] [--write-results]

One machine of three kinds of groups that share a site and a common shock, in three questions: the mean of a sum at the
end of the mission, the mean of a product over the mission, and a rare one, the probability that the sum loses more than
0.6. One line for each estimator and variable: what it gives, the exact value, the estimate with its 95 % interval, and
variance x CPU time over that of the best unbiased estimator of the same number (its difference or derivative): 1 is
best, 100 takes a hundred times as long to the same interval; `none` where nothing varies, up to rounding. Time is that
of a compiled call for all variables that the estimator sees. Exit status 1 when an unbiased estimate is more than 4.9
standard errors off.
"""

import argparse
import dataclasses
import functools
import sys
import time
import warnings
from collections.abc import Iterator

import numpy as np

from fdmc.plan import GradientError
from fdmc.sizing import (
    AbstractEstimator,
    BiasedGradientWarning,
    CapacityGroup,
    CapacityProblem,
    Combine,
    ConditionalMonteCarlo,
    ExactAutodiff,
    Exceedance,
    Gumbel,
    Moment,
    Pathwise,
    Pivotal,
    ScoreFunction,
    StraightThrough,
    capacity_gradient,
    gauss_hermite,
)

from ._measure import machine
from ._results import table, write_section


Z = 4.9
ROUNDING = 1e-9  # of a sum of float64, and of the relaxation where there are no spares
LASERS = CapacityGroup("laser", 9, 8, 1e-6, 43800, 1.0, 0.5, 0.1, 328.0, 318.0, 0.35)
LANES = CapacityGroup("lane", 18, 16, 5e-7, 43800, 1.2, 0.3, 0.02)
SUPPLIES = CapacityGroup("supply", 8, 6, 7e-7, 43800, 0.9, 0.4, 0.15)
SUM = CapacityProblem([LASERS, LANES, SUPPLIES], environment=gauss_hermite(5), shock=0.05)
PROBLEMS = {
    "sum, at the end": SUM,
    "product, any moment": dataclasses.replace(SUM, combine=Combine.PRODUCT, moment=Moment.ANY),
    "P(sum loses > 0.6)": dataclasses.replace(SUM, measure=Exceedance(0.6)),
}
VARIABLES = [
    "laser.count",
    "laser.need",
    "laser.rate",
    "laser.temperature",
    "lane.time",
    "supply.capacity",
    "shock",
]
ESTIMATORS: dict[str, AbstractEstimator] = {
    "conditional": ConditionalMonteCarlo(), "pivotal": Pivotal(), "pathwise": Pathwise(), "score": ScoreFunction(),
    "straight-through, biased": StraightThrough(), "Gumbel 0.5, biased": Gumbel(0.5),
}  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Row:
    """One estimator on one variable; `work` is its variance times its time."""

    problem: str
    variable: str
    estimator: str
    meaning: str
    exact: float
    low: float
    best: float
    high: float
    work: float
    biased: bool

    @property
    def z(self) -> float:
        return (self.best - self.exact) / max(self.error, ROUNDING * abs(self.exact))

    @property
    def error(self) -> float:
        return (self.high - self.low) / 2 / 1.96

    @property
    def varies(self) -> bool:
        return self.error > ROUNDING * abs(self.exact)


def rows_of(name: str, replicas: int) -> Iterator[Row]:
    problem = PROBLEMS[name]
    for label, estimator in ESTIMATORS.items():
        asked = [variable for variable in VARIABLES if sees(problem, estimator, variable)]
        if not asked:
            continue
        found = capacity_gradient(problem, estimator, asked, seed=1, replicas=replicas)
        start = time.process_time()
        for seed in (2, 3):
            capacity_gradient(problem, estimator, asked, seed=seed, replicas=replicas)
        seconds = (time.process_time() - start) / 2
        for variable in asked:
            ours, meaning = found.by[variable], found.meaning[variable]
            work = float(np.var(found.samples[variable], ddof=1)) / replicas * seconds
            right = exact(problem, variable, meaning)
            yield Row(
                name, variable, label, meaning, right, ours.low, ours.best, ours.high, work, estimator.biased
            )  # fmt: skip


def sees(problem: CapacityProblem, estimator: AbstractEstimator, variable: str) -> bool:
    try:
        estimator.sees(problem, *problem.variables[variable][:2])
    except GradientError:
        return False
    return True


@functools.cache
def slopes(name: str) -> dict[str, float]:
    """All exact derivatives of a problem."""
    found = capacity_gradient(PROBLEMS[name], ExactAutodiff())
    return {variable: one.best for variable, one in found.by.items()}


def exact(problem: CapacityProblem, variable: str, meaning: str) -> float:
    """The exact derivative, or difference of one element more."""
    if meaning == "derivative":
        return slopes(next(name for name, one in PROBLEMS.items() if one is problem))[variable]
    group, field = variable.split(".")
    more = [
        dataclasses.replace(g, **{field: getattr(g, field) + 1}) if g.name == group else g
        for g in problem.groups
    ]
    both = [dataclasses.replace(problem, groups=groups) for groups in (more, problem.groups)]
    after, before = (capacity_gradient(p, ExactAutodiff(), ["shock"]).lost.best for p in both)
    return after - before


def section(rows: list[Row], replicas: int, where: str) -> str:
    best: dict[tuple[str, str, str], float] = {}
    for row in rows:
        key = (row.problem, row.variable, row.meaning)
        if not row.biased and row.varies:
            best[key] = min(best.get(key, np.inf), row.work)
    body = []
    for row in rows:
        least = best.get((row.problem, row.variable, row.meaning))
        ratio = "-" if row.biased else f"{row.work / least:.2g}" if row.varies and least else "none"
        interval = f"{row.best:.4g} [{row.low:.4g}, {row.high:.4g}]"
        body.append(
            [
                row.problem,
                row.variable,
                row.estimator,
                row.meaning,
                f"{row.exact:.4g}",
                interval,
                f"{row.z:+.1f}",
                ratio,
            ]
        )
    head = [
        "problem",
        "variable",
        "estimator",
        "gives",
        "exact",
        "estimate, 95 %",
        "z",
        "variance x time",
    ]
    text = (
        f"## Gradients of lost capacity: {where}\n\n`python -m benchmarks.gradients`, {replicas:,} replicas each. "
        "Lines that are missing raise: the estimator does not see that variable. Variance x CPU time over the least of "
        "the unbiased estimators of the same number; none: nothing varies. `ExactAutodiff` draws nothing, and is the "
        "column `exact`.\n\n"
    )
    return text + table(head, body)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--replicas", type=int, default=8192)
    parser.add_argument("--write-results", action="store_true")
    args = parser.parse_args()
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", BiasedGradientWarning
        )  # they are here to be seen beside the others
        rows = [row for name in PROBLEMS for row in rows_of(name, args.replicas)]
    where = machine()["key"]
    text = section(rows, args.replicas, where)
    print(text)
    if args.write_results:
        write_section("gradients", where, text)
    wrong = [row for row in rows if not row.biased and abs(row.z) > Z]
    for row in wrong:
        print(f"{row.problem}, {row.variable}, {row.estimator}: z = {row.z:.1f}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
