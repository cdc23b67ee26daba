"""Reliability-redundancy: every count vector is solved, or bounded away."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from ._answer import Allocation, Design, NoDesignError
from ._certificate import box_bounds, convex, dual_bounds
from ._interior import BATCH, Model, Optima, model, solver
from ._problem import SizingError
from ._stages import ReliabilityRedundancy


MOST_COUNTS = 2_000_000
"""Count vectors beyond which a problem is refused: they are all looked at."""

PROVED = 1e-9
"""Share of the loss within which a design and its bound are one: rounding of the continuous part."""


@dataclasses.dataclass
class _Counts:
    """All count vectors that fit with the least reliable components, and what is known of each."""

    counts: Float[np.ndarray, "designs stages"]
    bound: Float[np.ndarray, " designs"]  # no reliabilities give a lower loss
    loss: Float[np.ndarray, " designs"]  # of the reliabilities found; infinite before
    reliability: Float[np.ndarray, "designs stages"]
    multipliers: Float[np.ndarray, "designs limits"]
    relaxation: float  # the lowest of the bounds, before the search
    solved: int = 0


def allocate_stages(problem: ReliabilityRedundancy, next_best: int) -> Allocation:
    """Solve a problem whose reliabilities are chosen, too; `allocate` documents it."""
    functions = model(problem)
    known = _start(problem, functions)
    series = problem.system is None
    certain = series and convex(functions, np.array([one.most for one in problem.stages], float))
    solve = solver(functions, (0.5,)) if series else solver(functions)
    waiting = np.argsort(known.bound, kind="stable")
    while len(waiting):
        _record(known, waiting[:BATCH], solve(known.counts[waiting[:BATCH]]))
        waiting = waiting[BATCH:]
        if certain and known.solved <= BATCH:
            _tighten(functions, known)
        waiting = waiting[known.bound[waiting] < np.sort(known.loss)[: next_best + 1][-1]]
        waiting = waiting[np.argsort(known.bound[waiting], kind="stable")]
    if not np.any(np.isfinite(known.loss)):
        raise NoDesignError("The continuous part ended within the limits for no count vector.")
    if certain:
        _certify(functions, known)
    return _answer(problem, functions, known, next_best)


def _start(problem: ReliabilityRedundancy, functions: Model) -> _Counts:
    """Count vectors, stage by stage, that fit with the least reliable components."""
    made = np.zeros((1, 0))
    used = np.zeros((1, len(functions.limits)))
    tables = _least_uses(problem, functions)
    ahead = np.cumsum([table.min(axis=0) for table in tables[::-1]], axis=0)[::-1]
    ahead = np.vstack([ahead[1:], np.zeros(len(functions.limits))])
    for stage, table, later in zip(problem.stages, tables, ahead, strict=True):
        with_stage = used[:, None] + table[None]
        row, choice = np.nonzero(np.all(with_stage + later <= functions.limits, axis=2))
        if not len(row):
            raise NoDesignError(
                "No design keeps within the limits, even with the least reliable components."
            )
        if len(row) > MOST_COUNTS:
            raise SizingError(
                "reliability-redundancy problem",
                [f"more than {MOST_COUNTS} count vectors fit: narrow `least` and `most`"],
            )
        made = np.column_stack([made[row], choice + stage.least])
        used = with_stage[row, choice]
    designs = len(made)
    bound = box_bounds(functions, made)
    return _Counts(
        counts=made,
        bound=bound,
        loss=np.full(designs, np.inf),
        reliability=np.full(made.shape, np.nan),
        multipliers=np.zeros((designs, len(functions.limits))),
        relaxation=float(bound.min()),
    )


def _least_uses(
    problem: ReliabilityRedundancy, functions: Model
) -> list[Float[np.ndarray, "_ limits"]]:
    """By stage and number of components, the uses with the least reliable components."""
    most = max(stage.most for stage in problem.stages)
    with jax.enable_x64(True):
        low = jnp.asarray(functions.lowest)
        every = jnp.broadcast_to(jnp.arange(1.0, most + 1)[:, None], (most, len(low)))
        uses = np.asarray(jax.vmap(lambda n: functions.uses(low, n))(every))
    return [uses[one.least - 1 : one.most, i] for i, one in enumerate(problem.stages)]


def _record(known: _Counts, rows: np.ndarray, found: Optima) -> None:
    known.loss[rows] = found.loss
    known.reliability[rows] = found.reliability
    known.multipliers[rows] = found.multipliers
    known.solved += len(rows)


def _tighten(functions: Model, known: _Counts) -> None:
    """The prices of the best design bound all count vectors."""
    best = int(np.argmin(known.loss))
    if np.isfinite(known.loss[best]):
        price = np.broadcast_to(known.multipliers[best], known.multipliers.shape)
        known.bound = np.maximum(known.bound, dual_bounds(functions, known.counts, price))
        known.relaxation = float(known.bound.min())


def _certify(functions: Model, known: _Counts) -> None:
    """Each solved count vector is bounded by its own prices: tight, where it was solved well."""
    solved = np.flatnonzero(np.isfinite(known.loss))
    bound = dual_bounds(functions, known.counts[solved], known.multipliers[solved])
    known.bound[solved] = np.maximum(known.bound[solved], bound)


def _answer(
    problem: ReliabilityRedundancy, functions: Model, known: _Counts, next_best: int
) -> Allocation:
    first = np.argsort(known.loss, kind="stable")[: next_best + 1]
    first = first[np.isfinite(known.loss[first])]
    designs = [_design(problem, known, row) for row in first.tolist()]
    loss, last, lowest = known.loss[first[0]], known.loss[first[-1]], float(known.bound.min())
    proved = bool(loss - lowest <= PROVED * loss)
    others = np.delete(known.bound, first)
    certain = bool(np.all(known.loss[first] - known.bound[first] <= PROVED * known.loss[first]))
    objective = designs[0].reliability
    price = dict.fromkeys((one.name for one in problem.resources), 0.0)
    price |= dict(zip(functions.names, known.multipliers[first[0]] * objective, strict=True))
    return Allocation(
        design=designs[0],
        objective=objective,
        bound=objective if proved else float(np.exp(-lowest)),
        proved=proved,
        relaxation=float(np.exp(-known.relaxation)),
        prices={name: float(each) for name, each in price.items()},
        next_best=tuple(designs[1:]),
        next_best_proved=certain and bool(np.all(others >= last * (1 - PROVED))),
        labels=known.solved,
    )


def _design(problem: ReliabilityRedundancy, known: _Counts, row: int) -> Design:
    counts, chosen = known.counts[row], known.reliability[row]
    uses = dict.fromkeys((one.name for one in problem.resources), 0.0)
    with jax.enable_x64(True):
        for stage, n, r in zip(problem.stages, counts, chosen, strict=True):
            for name, use in stage.uses.items():
                uses[name] += float(use(jnp.asarray(n), jnp.asarray(r)))
    names = [stage.name for stage in problem.stages]
    return Design(
        {name: (int(n),) for name, n in zip(names, counts, strict=True)},
        -float(known.loss[row]),
        uses,
        dict(zip(names, chosen.tolist(), strict=True)),
    )
