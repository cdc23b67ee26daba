"""Importance of basic events, exactly, from one reverse pass; Fussell-Vesely from the minimal cut sets."""

import dataclasses
import functools
import time

import numpy as np
from jaxtyping import Float

from ._cut_sets import CutSets
from ._diagram import Diagram
from ._evaluate import gradient, probabilities
from ._zbdd import unions


_CANCELLED = 1e-6  # below this part of P(top), a difference has lost too many digits
_FIRST_BUDGET = 1 << 14
_STEPS_PER_SECOND = 10_000_000


@dataclasses.dataclass(frozen=True, eq=False)
class Importance:
    """Importance of every event for one root; each field float64[events], P is the root's probability.

    | field | meaning |
    |---|---|
    | `birnbaum` | dP/dp = P(e = 1) - P(e = 0), negative where the event's failure helps |
    | `criticality` | p dP/dp / P, the chance that the event has failed and is critical, given the root has |
    | `fussell_vesely` | P(some minimal cut set that contains the event has failed) / P |
    | `raw` | risk achievement worth, P(e = 1) / P |
    | `rrw` | risk reduction worth, P / P(e = 0), infinite where nothing fails without the event |
    | `dif` | diagnostic importance, P(e | root) |

    `note` says why `fussell_vesely` is NaN where it is. Ratios to a root that cannot fail are NaN or
    infinite.
    """

    probability: float
    birnbaum: np.ndarray
    criticality: np.ndarray
    fussell_vesely: np.ndarray
    raw: np.ndarray
    rrw: np.ndarray
    dif: np.ndarray
    note: str


def importance(
    diagram: Diagram,
    p: Float[np.ndarray, " events"],
    families: CutSets | None = None,
    *,
    root: int = 0,
    node_budget: int = 1 << 20,
    seconds: float = 10.0,
) -> Importance:
    """The importance of every event for one root.

    **Arguments:** `p`, probability of each event; `families`, the minimal cut sets, for Fussell-Vesely; `root`, which
    of the roots; `node_budget` and `seconds` bound Fussell-Vesely, which is NaN for what does not fit.

    **Returns:** an `Importance`.

    W. Vesely et al., NUREG/CR-3385 (1983), for the definitions.
    """
    p = np.asarray(p, np.float64)
    values, slopes = gradient(dataclasses.replace(diagram, roots=diagram.roots[root : root + 1]), p)
    top, birnbaum = float(values[0]), slopes[0]
    failed = _conditional(diagram, p, root, top, top + (1 - p) * birnbaum, 1.0)
    working = _conditional(diagram, p, root, top, top - p * birnbaum, 0.0)
    vesely, note = np.full(len(p), np.nan), "The minimal cut sets were not given."
    if families is not None:
        vesely, note = _fussell_vesely(families, p, root, node_budget, seconds)
    with np.errstate(divide="ignore", invalid="ignore"):
        return Importance(
            top,
            birnbaum,
            p * birnbaum / top,
            vesely / top,
            failed / top,
            np.where(working > 0, top / working, np.inf if top > 0 else np.nan),
            p * failed / top,
            note,
        )


def _conditional(
    diagram: Diagram, p: np.ndarray, root: int, top: float, linear: np.ndarray, state: float
) -> np.ndarray:
    """P(root | event in this state), which is linear in p, but computed anew where the line has lost its digits."""
    poor = np.flatnonzero(linear < _CANCELLED * top)
    if len(poor):
        trials = np.tile(p, (len(poor), 1))
        trials[np.arange(len(poor)), poor] = state
        linear = linear.copy()
        linear[poor] = probabilities(diagram, trials)[:, root]
    return linear


def _fussell_vesely(
    families: CutSets, p: np.ndarray, root: int, node_budget: int, seconds: float
) -> tuple[np.ndarray, str]:
    """P(union of the cut sets that contain the event) for every event, and a note on what is missing.

    A module is one event to what is above it, so that the union over the cut sets through an event of a module is the
    union over those through the module, without it, times the module's own union.
    """
    _compile()
    end = time.monotonic() + seconds
    events, modules = len(families.events), len(families.module)
    value = np.concatenate([p, np.zeros(modules)])  # of modules: P(union of all their cut sets)
    without = []
    for m in range(modules):
        value[events + m], found = _unions(
            families, m, int(families.module[m]), value, node_budget, end
        )
        without.append(found)
    top = int(families.roots[root])
    weight = np.zeros(events + modules)
    if top >= families.part[-1]:
        weight[families.variable[top]] = 1.0
    elif top > 1:
        m = int(np.searchsorted(families.part, top, side="right")) - 1
        _, found = _unions(families, m, top, value, node_budget, end)
        _spread(weight, found, 1.0)
        for below in range(m - 1, -1, -1):
            _spread(weight, without[below], weight[events + below])
    union = weight[:events] * p
    missing = int(np.isnan(union).sum())
    note = (
        f"Fussell-Vesely of {missing} events did not fit into {node_budget:,} nodes and {seconds:g} s."
        if missing
        else ""
    )
    return union, note


def _spread(weight: np.ndarray, found: tuple[np.ndarray, np.ndarray], factor: float) -> None:
    variables, without = found
    if factor != 0:
        weight[variables] += factor * without


def _unions(
    families: CutSets, m: int, top: int, value: np.ndarray, node_budget: int, end: float
) -> tuple[float, tuple[np.ndarray, np.ndarray]]:
    """P(union) of the family `top` of module m; the variables, and P(union through each, without it)."""
    start, stop = int(families.part[m]), int(families.part[m + 1])
    if top < 2:
        return float(top), (np.zeros(0, np.int64), np.zeros(0))
    level = families.level[start:stop]
    present, place = np.unique(level, return_inverse=True)
    variables = np.zeros(len(present), np.int64)
    variables[place] = families.variable[start:stop]
    edges = [families.low[start:stop], families.high[start:stop]]
    local = [np.where(edge > 1, edge - start + 2, edge) for edge in edges]
    rows = np.zeros((stop - start + 2, 3), np.int32)
    rows[2:] = np.stack([place, *local], axis=1)
    without = np.full(len(present), np.nan)
    budget = min(_FIRST_BUDGET, node_budget)
    while True:
        union = _fill(rows, top - start + 2, value[variables], without, budget, end)
        late = time.monotonic() > end
        if budget >= node_budget or late or not (np.isnan(union) or np.isnan(without).any()):
            return union, (variables, without)
        budget = min(8 * budget, node_budget)


def _fill(
    rows: np.ndarray, top: int, p: np.ndarray, without: np.ndarray, budget: int, end: float
) -> float:
    """P(union of the family `top`); what fits of `without` is filled in."""
    entries = 1 << (budget - 1).bit_length()
    node = np.empty((budget + 1, 3), np.int32)
    unique, cache = np.zeros(4 * entries, np.int32), np.zeros((entries, 4), np.int32)
    steps = int(max(end - time.monotonic(), 0.0) * _STEPS_PER_SECOND)
    counts = np.array([0, 0, steps], np.int64)
    return float(unions(rows, top, p, node, unique, cache, counts, without))


@functools.cache
def _compile() -> None:
    """Have Numba compile the engine, or load it, before a clock runs."""
    rows = np.array([[0, 0, 0], [0, 0, 0], [0, 0, 1]], np.int32)
    _fill(rows, 2, np.full(1, 0.5), np.full(1, np.nan), 8, time.monotonic() + 3600)
