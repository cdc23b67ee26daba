"""Allocation by options: the best designs of a table, their bound and their prices."""

import dataclasses
import math

import numpy as np
from jaxtyping import Int

from ._answer import Allocation, Design, NoDesignError
from ._dual import prices
from ._labels import Found, Search, first_room, search, sweep
from ._problem import Goal, LeastUse, MostReliability, Problem, goal_problems, require_none
from ._table import Table, table


SMALLEST_ROOM = 1e-12
"""Share of the span of all values with which the cut-off starts at least: less is rounding."""


def allocate_options(problem: Problem, goal: Goal, next_best: int, width: int) -> Allocation:
    """Solve a problem whose choices are options; `allocate` documents it."""
    require_none("allocation", goal_problems(goal, problem.resources))
    rows = table(problem, goal, next_best + 1)
    stuck = [
        one.name for one, row in zip(problem.subsystems, rows.rows, strict=True) if not len(row)
    ]
    if stuck:
        raise NoDesignError(f"No option of {', '.join(stuck)} ever works.")
    price = prices(rows)
    if price is None:
        raise NoDesignError(_infeasible(rows))
    prepared = search(rows, price, next_best + 1)
    found = _deepen(prepared, width)
    if not len(found.value):
        if found.unseen == math.inf:
            raise NoDesignError(_infeasible(rows))
        raise NoDesignError(f"No design was found with {width} labels; raise `width`.")
    return _answer(problem, prepared, found)


def _deepen(search: Search, width: int) -> Found:
    """Raise the cut-off until the designs below it are enough, or the labels too many."""
    lowest = search.dual_bound
    span = sum(float(np.ptp(one)) for one in search.priced)
    highest = lowest + span
    room = max(first_room(search), SMALLEST_ROOM * max(span, abs(lowest)))
    cutoff, best, labels = lowest + room, None, 0
    while True:
        found = sweep(search, cutoff if cutoff < highest else math.inf, width)
        labels += found.labels
        enough = len(found.value) == search.keep
        if best is None or len(found.value) >= len(best.value):
            best = found
        if (enough and found.value[-1] <= found.unseen) or found.unseen == math.inf:
            break
        if enough and found.value[-1] != cutoff:
            narrower = float(found.value[-1])
            if found.unseen < cutoff and narrower >= cutoff:
                break
            cutoff = narrower
        elif found.unseen < cutoff:
            break
        else:
            room *= 4
            cutoff = lowest + room
    return dataclasses.replace(best, labels=labels)


def _answer(problem: Problem, search: Search, found: Found) -> Allocation:
    table = search.table
    designs = [_design(problem, table, chosen) for chosen in found.chosen]
    best = float(found.value[0])
    proved = best <= found.unseen
    unseen = best if proved else found.unseen
    if isinstance(table.goal, MostReliability):
        objective, bound = designs[0].reliability, math.exp(-unseen)
        relaxation = math.exp(-search.dual_bound)
    else:
        objective, bound, relaxation = best, unseen, search.dual_bound
    return Allocation(
        design=designs[0],
        objective=objective,
        bound=objective if proved else bound,
        proved=proved,
        relaxation=relaxation,
        prices=_prices(problem, search, objective),
        next_best=tuple(designs[1:]),
        next_best_proved=bool(found.value[-1] <= found.unseen),
        labels=found.labels,
    )


def _design(problem: Problem, table: Table, chosen: Int[np.ndarray, " subsystems"]) -> Design:
    counts, log_r = {}, np.zeros(len(table.weights))
    uses = dict.fromkeys((one.name for one in problem.resources), 0.0)
    for subsystem, rows, choice in zip(problem.subsystems, table.rows, chosen, strict=True):
        row = rows[choice]
        counts[subsystem.name] = tuple(subsystem.counts[row].tolist())
        log_r = log_r + subsystem.log_reliability[row]
        for name, use in subsystem.uses.items():
            uses[name] += float(use[row])
    log_reliability = float(np.log1p(np.expm1(log_r) @ table.weights))
    return Design(counts, log_reliability, uses)


def _prices(problem: Problem, search: Search, objective: float) -> dict[str, float]:
    """From multipliers of the table to the objective's unit."""
    goal, price = search.table.goal, dict.fromkeys((one.name for one in problem.resources), 0.0)
    by_limit = dict(zip(search.table.limited, search.price.tolist(), strict=False))
    if isinstance(goal, LeastUse):
        price |= {name: -each for name, each in by_limit.items()}
        return price | {"reliability": float(search.price[-1] / goal.reliability)}
    return price | {name: each * objective for name, each in by_limit.items()}


def _infeasible(table: Table) -> str:
    """Why no design keeps within the limits, as far as one limit alone tells."""
    least = np.sum([uses.min(axis=0) for uses in table.uses], axis=0)
    names = [*table.limited, "loss of reliability (-log R)"]
    short = [
        f"{name}: the least is {need:.6g}, the limit {limit:.6g}"
        for name, need, limit in zip(names, least, table.limits, strict=False)
        if need > limit
    ]
    return "No design keeps within the limits" + (
        f" ({'; '.join(short)})." if short else " together."
    )
