"""The problem as a table: one option of each subsystem, least total value, uses within limits."""

import dataclasses

import numpy as np
from jaxtyping import Float, Int

from ._problem import Goal, MostReliability, Problem


LIMIT_SLACK = 1e-9
"""Share of a limit by which a design may exceed it: uses are sums of rounded numbers."""

LOSS_SLACK = 1e-12
"""Share of the loss by which a design may miss the reliability asked for: rounding of logarithms."""

MOST_COMPARED = 5000
"""Options of a subsystem beyond which all pairs are too many to compare; prices then thin them out."""


@dataclasses.dataclass(frozen=True)
class Table:
    """A multiple-choice knapsack: minimise the sum of `values`, the sums of `uses` within `limits`.

    - `rows`: for each subsystem, which of its options are here: those that fewer than `keep` others
        dominate can be in one of the `keep` best designs, no others.
    - `values`: what is minimised: the loss $-\\log R$, or the use of the goal's resource.
    - `uses`, `limits`: of every resource that has a limit, in the order of `limited`; under a goal
        of least use the loss comes last, limited by that of the reliability asked for.
    - `log_reliability`, `weights`: given the environment.

    With several environments the loss of the system is no sum. Values and uses then hold a sum that
    the loss is never below (Hölder): $\\mathrm E \\prod_i R_i \\le \\prod_i (\\mathrm E R_i^n)^{1/n}$.
    """

    goal: Goal
    limited: tuple[str, ...]
    rows: list[Int[np.ndarray, " _"]]
    values: list[Float[np.ndarray, " _"]]
    uses: list[Float[np.ndarray, "_ limits"]]
    limits: Float[np.ndarray, " limits"]
    log_reliability: list[Float[np.ndarray, "_ environments"]]
    weights: Float[np.ndarray, " environments"]

    @property
    def shared(self) -> bool:
        """Whether an environment couples the subsystems."""
        return len(self.weights) > 1

    @property
    def most_loss(self) -> float:
        """The loss of the least reliability asked for; infinite when none is."""
        return np.inf if isinstance(self.goal, MostReliability) else float(self.limits[-1])


def table(problem: Problem, goal: Goal, keep: int) -> Table:
    """Write a problem as a table, with the `keep` best designs of the problem still in it."""
    limited = [one for one in problem.resources if np.isfinite(one.limit)]
    limits = np.array([one.limit * (1 + LIMIT_SLACK) for one in limited], float)
    weights = np.asarray(problem.weights, float)
    rows, values, uses, logs = [], [], [], []
    for subsystem in problem.subsystems:
        log_r = subsystem.log_reliability
        loss = holder_loss(log_r, weights, len(problem.subsystems))
        none = np.zeros(len(log_r))
        use = np.array([subsystem.uses.get(one.name, none) for one in limited], float)
        use = use.reshape(len(limited), len(log_r)).T
        value = loss
        if not isinstance(goal, MostReliability):
            value = np.asarray(subsystem.uses.get(goal.resource, none), float)
        good = np.flatnonzero(np.isfinite(loss))  # a subsystem that never works is no option
        better = undominated(np.column_stack([value, use, -log_r])[good], keep)
        if not isinstance(goal, MostReliability):
            use = np.column_stack([use, loss])
        row = good[better]
        rows.append(row)
        values.append(value[row])
        uses.append(use[row])
        logs.append(log_r[row])
    if not isinstance(goal, MostReliability):
        limits = np.append(limits, -np.log(goal.reliability) * (1 + LOSS_SLACK))
    names = tuple(one.name for one in limited)
    return Table(goal, names, rows, values, uses, limits, logs, weights)


def holder_loss(
    log_reliability: Float[np.ndarray, "options environments"],
    weights: Float[np.ndarray, " environments"],
    exponent: int,
) -> Float[np.ndarray, " options"]:
    """The loss $-\\frac1n \\log \\mathrm E R^n$, exact where the loss is far below 1e-16 of 1."""
    mass = np.maximum(
        np.expm1(exponent * log_reliability) @ weights, -1.0
    )  # weights sum to 1 + 1e-16
    with np.errstate(divide="ignore"):
        return -np.log1p(mass) / exponent


def undominated(
    columns: Float[np.ndarray, "options columns"], keep: int
) -> Int[np.ndarray, " some"]:
    """Options that fewer than `keep` others are no worse than in every column.

    In a design that holds an option with `keep` such others, each of them in its place makes a
    design that is no worse: it need not be looked at. Of equal options the first comes first.
    """
    options = len(columns)
    if options > MOST_COMPARED:
        return np.arange(options)
    differs = np.tri(options, k=-1, dtype=bool).T  # or comes first
    no_worse = np.ones((options, options), bool)
    for column in columns.T:
        differs |= column[:, None] < column[None]
        no_worse &= column[:, None] <= column[None]
    no_worse &= differs
    return np.flatnonzero(no_worse.sum(axis=0) < keep)
