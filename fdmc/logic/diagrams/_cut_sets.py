"""Minimal cut sets: how many, of which order, and the most probable, without writing them all down."""

import dataclasses
import functools
import heapq
import itertools
import time
from collections.abc import Iterator

import numpy as np
from jaxtyping import Float

from ._diagram import Diagram
from ._search import BudgetError
from ._zbdd import keep, minimal


_STEPS_PER_SECOND = 10_000_000
_FIRST_BUDGET = 1 << 14


@dataclasses.dataclass(frozen=True, eq=False)
class CutSets:
    """Minimal cut sets as families of sets, children first; a family may hold more sets than can be listed.

    Family 0 is empty, family 1 holds the empty set only, and family i is that of `low[i]`, and those of `high[i]` each
    with a member of `variable[i]`: an event, or len(events) + module, which stands for any cut set of the module.

    `variable`, `level` (its place in the module's order), `low`, `high` int32[families]; `part` int32[modules + 1],
    the families of module m are part[m] .. part[m + 1] - 1; `module` int32[modules], the family of a module's
    function, 0 where nothing needs it; `roots` int32[roots].

    **A cut set** is a set of events whose failure fails the root while every other event works; it is minimal when
    none of its subsets is one. For coherent trees that is the usual notion. For others it is Rauzy's minimal cut set
    ("Mathematical foundation of minimal cutsets", IEEE Trans. Reliability 50 (2001) 389): the failures of a prime
    implicant, negated events being left out because working is what is expected; published counts count these.
    """

    events: tuple[str, ...]
    variable: np.ndarray
    level: np.ndarray
    low: np.ndarray
    high: np.ndarray
    part: np.ndarray
    module: np.ndarray
    roots: np.ndarray


def cut_sets(diagram: Diagram, *, node_budget: int = 1 << 22, seconds: float = 30.0) -> CutSets:
    """The minimal cut sets of every root.

    **Arguments:** `node_budget`, most families to create for one module; `seconds`, most time, compilation apart.

    **Raises:** BudgetError when a module's cut sets do not fit.
    """
    _compile()
    end = time.monotonic() + seconds
    columns, module = [np.zeros((4, 2), np.int32)], []
    roots = np.zeros(len(diagram.roots), np.int32)
    ends = [2]
    for m in range(len(diagram.module)):
        found = _families(diagram, m, node_budget, end)
        if found is None:
            raise BudgetError(_failure(diagram, m, node_budget, seconds, end))
        rows, asked = found
        shift = np.where(rows > 1, ends[-1] - 2, 0)
        shift[:2] = 0
        columns.append((rows + shift)[:, 2:])
        family = {slot: f + (ends[-1] - 2 if f > 1 else 0) for slot, f in asked.items()}
        for r, slot in enumerate(diagram.roots.tolist()):
            if slot in family:
                roots[r] = family[slot]
        module.append(family.get(int(diagram.module[m, 0]), 0))
        ends.append(ends[-1] + rows.shape[1] - 2)
    loose = _single_events(diagram, roots, ends[-1])
    variable, level, low, high = np.concatenate([*columns, loose], axis=1).astype(np.int32)
    return CutSets(
        diagram.events,
        variable,
        level,
        low,
        high,
        np.array(ends, np.int32),
        np.array(module, np.int32),
        roots,
    )


def _single_events(diagram: Diagram, roots: np.ndarray, first: int) -> np.ndarray:
    """Families of the roots that are constants, events or negated events; the roots are filled in."""
    rows = []
    for r, slot in enumerate(diagram.roots.tolist()):
        if slot < 2 or 2 + len(diagram.events) <= slot < diagram.first:
            roots[r] = int(slot != 0)
        elif slot < diagram.first:
            roots[r] = first + len(rows)
            rows.append((slot - 2, 0, 0, 1))
    return np.array(rows, np.int32).reshape(-1, 4).T


def _families(
    diagram: Diagram, m: int, node_budget: int, end: float
) -> tuple[np.ndarray, dict[int, int]] | None:
    """Variable, level, low, high of module m, and families by slot of what is asked of it; None if it does not fit."""
    rows = slice(int(diagram.part[m]), int(diagram.part[m + 1]))
    first = diagram.first + rows.start
    asked = {int(s) for s in diagram.roots if first <= s < diagram.first + rows.stop}
    asked |= {int(diagram.module[m, 0])} - {-1}
    level = diagram.level[rows]
    low, high = (
        np.where(edge < 2, edge, edge - np.int32(first - 2))
        for edge in (diagram.low[rows], diagram.high[rows])
    )
    variable = np.zeros(int(level.max(initial=-1)) + 1, np.int32)
    variable[level] = diagram.variable[rows]
    slots = sorted(asked)
    budget = min(_FIRST_BUDGET, node_budget)
    while True:
        found = _solve(level, low, high, len(variable), budget, end)
        if found is not None:
            family, node = found
            roots = np.array([family[s if s < 2 else s - first + 2] for s in slots], np.int32)
            kept = keep(node, roots)
            names = np.concatenate([np.zeros(2, np.int32), variable[kept[2:, 0]]])
            return np.stack([names, *kept.T]), dict(zip(slots, roots.tolist(), strict=True))
        if budget >= node_budget or time.monotonic() > end:
            return None
        budget = min(8 * budget, node_budget)


@functools.cache
def _compile() -> None:
    """Have Numba compile the engine, or load it, before a clock runs."""
    one = np.ones(1, np.int32)
    found = _solve(0 * one, 0 * one, one, 1, 4, time.monotonic() + 3600)
    if found is not None:
        keep(found[1], one)


def _solve(
    level: np.ndarray, low: np.ndarray, high: np.ndarray, levels: int, budget: int, end: float
) -> tuple[np.ndarray, np.ndarray] | None:
    """Families of false, true and the nodes, and the rows of all families."""
    entries = 1 << (budget - 1).bit_length()
    node = np.empty((budget + 2, 5), np.int32)
    unique, cache = np.zeros(2 * entries, np.int32), np.zeros((entries, 4), np.int32)
    steps = max(end - time.monotonic(), 0.0) * _STEPS_PER_SECOND + 1
    counts = np.array([0, 0, int(steps)], np.int64)
    family = minimal(level, low, high, levels, node, unique, cache, counts)
    return (family, node[: counts[0]]) if family[0] >= 0 else None


def _failure(diagram: Diagram, m: int, node_budget: int, seconds: float, end: float) -> str:
    reached = f"{seconds:g} s" if time.monotonic() > end else f"{node_budget:,} families"
    nodes = int(diagram.part[m + 1] - diagram.part[m])
    return (
        f"No minimal cut sets within {reached}: they do not fit for a module whose diagram has {nodes:,} "
        "nodes. Probability and importance (but for Fussell-Vesely) do not need them."
    )


def count_cut_sets(families: CutSets) -> list[int]:
    """The exact number of minimal cut sets of every root."""
    return _sums(families, 1)


def count_by_order(families: CutSets) -> list[list[int]]:
    """How many minimal cut sets of every root have 0, 1, 2, ... events.

    The generating function sum over sets of x^order, evaluated at a power of two above every coefficient, which then
    stand side by side in one long integer.
    """
    width = max(count_cut_sets(families), default=0).bit_length() + 1
    found = []
    for total in _sums(families, 1 << width):
        orders = []
        while total:
            orders.append(total & ((1 << width) - 1))
            total >>= width
        found.append(orders)
    return found


def _sums(families: CutSets, event: int) -> list[int]:
    """The sum over the sets of each root of the product of `event` over their members, in exact integers."""
    total = [0, 1] + [0] * (len(families.variable) - 2)
    values = [event] * len(families.events) + [0] * len(families.module)
    columns = (families.variable.tolist(), families.low.tolist(), families.high.tolist())
    rows = list(zip(*columns, strict=True))
    part = [*families.part.tolist(), len(rows)]
    for m in range(len(part) - 1):  # the last part holds the roots that are events
        for i in range(part[m], part[m + 1]):
            variable, low, high = rows[i]
            total[i] = values[variable] * total[high] + total[low]
        if m < len(families.module):
            values[len(families.events) + m] = total[families.module[m]]
    return [total[root] for root in families.roots]


def most_probable(
    families: CutSets,
    p: Float[np.ndarray, " events"],
    *,
    root: int = 0,
    limit: int | None = None,
    cutoff: float = 0.0,
) -> Iterator[tuple[float, tuple[int, ...]]]:
    """Yield the minimal cut sets of one root, the most probable first.

    **Arguments:** `p`, probability of each event; `root`, which of the roots; `limit`, how many at most; `cutoff`, the
    least probability of a cut set. Cut sets below it are never visited.

    **Yields:** the product of the members' probabilities, and the members as numbers of events, ascending.

    Best first: a family's bound is the probability of its best set, so the path that keeps the bound leads to it.
    """
    if len(p) != len(families.events):
        raise ValueError(f"{len(families.events)} probabilities are needed, but {len(p)} came.")
    walk = _Walk(families, np.asarray(p, float).tolist(), cutoff)
    found = walk.sets(int(families.roots[root]))
    return found if limit is None else itertools.islice(found, limit)


class _Walk:
    """Best-first search; what is still to be joined is a linked list of (family, rest, bound of both)."""

    def __init__(self, families: CutSets, p: list[float], cutoff: float):
        self.cutoff, self.events = cutoff, len(p)
        self.families = families.module.tolist()
        columns = (families.variable.tolist(), families.low.tolist(), families.high.tolist())
        self.rows = list(zip(*columns, strict=True))
        self.value = p + [0.0] * len(self.families)
        self.bound = [-1.0, 1.0] + [0.0] * (len(self.rows) - 2)
        part = [*families.part.tolist(), len(self.rows)]
        for m in range(len(part) - 1):
            for i in range(part[m], part[m + 1]):
                variable, low, high = self.rows[i]
                self.bound[i] = max(self.value[variable] * self.bound[high], self.bound[low])
            if m < len(self.families):
                self.value[self.events + m] = self.bound[self.families[m]]

    def sets(self, root: int) -> Iterator[tuple[float, tuple[int, ...]]]:
        """Yield probability and members, in descending order of probability."""
        heap: list[tuple] = []
        self._push(heap, (1.0, root, (0, None, 1.0), None))
        while heap:
            prob, family, rest, chosen = heapq.heappop(heap)[2]
            while family != 1 or rest[1] is not None:
                if family == 1:
                    family, rest = rest[0], rest[1]
                    continue
                variable, low, high = self.rows[family]
                take = self._take(prob, variable, high, rest, chosen)
                if self.bound[low] > self.value[variable] * self.bound[high]:
                    self._push(heap, take)
                    family = low
                else:
                    self._push(heap, (prob, low, rest, chosen))
                    prob, family, rest, chosen = take
            yield prob, _members(chosen)

    def _take(self, prob: float, variable: int, high: int, rest: tuple, chosen) -> tuple:
        """The state after the variable has been chosen: an event is in, a module is to be gone through."""
        if variable < self.events:
            return prob * self.value[variable], high, rest, (variable, chosen)
        after = (high, rest, self.bound[high] * rest[2])
        return prob, self.families[variable - self.events], after, chosen

    def _push(self, heap: list[tuple], state: tuple) -> None:
        prob, family, rest, _ = state
        bound = prob * self.bound[family] * rest[2]
        if self.bound[family] >= 0 and bound >= self.cutoff:
            heapq.heappush(heap, (-bound, len(heap), state))


def _members(chosen: tuple | None) -> tuple[int, ...]:
    found = []
    while chosen is not None:
        event, chosen = chosen
        found.append(event)
    return tuple(sorted(found))
