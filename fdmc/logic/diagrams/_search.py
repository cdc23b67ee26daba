"""The search for a diagram of each module: several orders under growing budgets, until one fits."""

import dataclasses
import functools
import itertools
import time

import numpy as np

from .._structure import Kind, Structure
from ._bdd import NODES, build, compact, enlarge, first_rows
from ._modules import Module, group, modules, twins
from ._order import orders
from ._simplify import Net, simplify


_FIRST_TABLE = 1 << 8
_FIRST_BUDGET = 1 << 14
_HEAT = 4  # orders that race each other
_KEPT = (
    4,
    2,
    1,
)  # those that go on to the second budget, to the third, and from there on; each is twice the last
_HEAT_BUDGET = 1 << 20  # the next heat has its turn before anything grows beyond this
_SMALL = 1500  # nodes: not worth another order
_STEPS_PER_NODE = 40
_STEPS_PER_SECOND = (
    10_000_000  # what a slow core does, so that one build cannot outlast the time that is left
)
_Arrays = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


class BudgetError(ValueError):
    """No exact answer was found within the budget; the message says which, and what was tried."""


@dataclasses.dataclass(frozen=True, eq=False)
class Part:
    """The diagram of one module.

    `node` int32[nodes, 3] is (level, low, high) as in the engine; `variables` are the net's nodes by level; `roots`
    maps the module's root gates to literals; `order` names the heuristic.
    """

    node: np.ndarray
    variables: tuple[int, ...]
    roots: dict[int, int]
    order: str


def search(structure: Structure, node_budget: int, seconds: float) -> tuple[Net, list[Part]]:
    """Simplify a structure and build every module, each after those that it stands on.

    **Raises:** BudgetError when a module fits no budget in any order.
    """
    _compile()
    end = time.monotonic() + seconds
    net = group(twins(simplify(structure)))
    parts = []
    below: dict[int, Part] = {}
    for module in modules(net):
        part = _part(net, module, below, node_budget, end)
        if part is None:
            raise BudgetError(_failure(net, module, node_budget, seconds, end))
        below.update((root, part) for root in part.roots)
        parts.append(part)
    return net, parts


@functools.cache
def _compile() -> None:
    """Have Numba compile the engine, or load it, before a clock runs."""
    net = Net(3, ((Kind.AND, 0, (2, 4)), (Kind.AND, 0, (6, 8))), (10,))
    module = Module((4, 5), (1, 2, 3), (5,))
    for _, place_of in orders(net, module, []):
        place_of()
    _part(net, module, {}, _SMALL, time.monotonic() + 3600)


def _part(
    net: Net, module: Module, below: dict[int, Part], node_budget: int, end: float
) -> Part | None:
    """The diagram of the first order that fits: heats of a few orders, first within a middling budget, then in all."""
    arrays = _arrays(net, module, below)
    sizes = [len(below[node].node) if node in below else 0 for node in module.variables]
    for limit in dict.fromkeys((min(_HEAT_BUDGET, node_budget), node_budget)):
        found = orders(net, module, sizes)
        while heat := list(itertools.islice(found, _HEAT)):
            attempts = [_Attempt(module, arrays, name, place_of()) for name, place_of in heat]
            part = _race(attempts, limit, limit == node_budget, end)
            if part is not None or time.monotonic() > end:
                return part
    return None


def _race(attempts: list["_Attempt"], limit: int, thorough: bool, end: float) -> Part | None:
    """Let attempts go on under a budget that grows to `limit`, fewer and fewer, those first that have come furthest.

    **Arguments:** `thorough`, whether those left behind get the whole budget when the leader does not fit either.
    """
    budget = min(_FIRST_BUDGET, limit)
    part = _smallest(attempts, budget, end)
    behind: list[_Attempt] = []
    for kept in itertools.chain(_KEPT, itertools.repeat(1)):
        if part is not None or budget == limit or time.monotonic() > end:
            break
        attempts.sort(key=lambda attempt: attempt.progress, reverse=True)
        behind = attempts[kept:] + behind
        del attempts[kept:]
        budget = min(2 * budget, limit)
        part = _smallest(attempts, budget, end)
    attempts.clear()  # their tables are large
    while part is None and thorough and behind and time.monotonic() < end:
        attempt = behind.pop(0)
        part = attempt.part() if attempt.run(limit, end) else None
    return part


def _smallest(attempts: list["_Attempt"], budget: int, end: float) -> Part | None:
    """The smallest diagram within a budget; after one is found, the others may make half as many nodes again."""
    best: Part | None = None
    for attempt in attempts:
        if time.monotonic() > end or not attempt.run(budget, end):
            continue
        part, made = attempt.part(), attempt.made
        budget = made + made // 2
        if best is None or len(part.node) < len(best.node):
            best = part
        if len(best.node) < max(_SMALL, made // 8):  # little against the work of one more
            break
    return best


def _arrays(net: Net, module: Module, below: dict[int, Part]) -> _Arrays:
    """Kind, need, offset and child over the module's own nodes, with constant or negated modules put in."""
    local = {node: 2 + 2 * i for i, node in enumerate((*module.variables, *module.gates))}
    for node in module.variables:
        literal = below[node].roots[node] if node in below else 2
        local[node] = literal if literal < 2 else local[node] ^ (literal & 1)
    rows = [net.rows[gate - net.first] for gate in module.gates]
    child = [local[a >> 1] ^ (a & 1) for _, _, args in rows for a in args]
    return (
        np.array([kind for kind, _, _ in rows], np.int8),
        np.array([need for _, need, _ in rows], np.int32),
        np.concatenate([[0], np.cumsum([len(args) for _, _, args in rows])]).astype(np.int32),
        np.array(child, np.int32),
    )


class _Attempt:
    """The building of a module's diagram in one order, which goes on in larger tables when they are full."""

    def __init__(
        self, module: Module, arrays: tuple[np.ndarray, ...], name: str, place: np.ndarray
    ):
        self.module, self.arrays, self.name, self.place = module, arrays, name, place
        self.literal = np.zeros(1 + len(place) + len(module.gates), np.int32)
        self.node, self.literal[1 : 1 + len(place)] = first_rows(place)
        self.unique, self.cache = np.zeros(0, np.int32), np.zeros((0, 4), np.int32)
        self.counts = np.array([len(self.node), 0, 0, 0, 0], np.int64)

    @property
    def progress(self) -> tuple[int, int]:
        """Gates that are done, and arguments of the next one."""
        return int(self.counts[3]), int(self.counts[4])

    @property
    def made(self) -> int:
        """How many nodes there are, needed or not."""
        return int(self.counts[0])

    def run(self, budget: int, end: float) -> bool:
        """Go on until all gates are done (true), or the budget of nodes or the time is used up."""
        left = (end - time.monotonic()) * _STEPS_PER_SECOND + 1
        self.counts[2] = self.counts[1] + int(min(budget * _STEPS_PER_NODE, left))
        while len(self.node) <= budget:
            if len(self.unique):
                kind, need, offset, child = self.arrays
                tables = self.node, self.unique, self.cache, self.counts, self.literal
                status = build(kind, need, offset, child, *tables)
                if status != NODES or len(self.node) == budget:
                    return status == 0
            self._enlarge(min(4 * max(len(self.node), _FIRST_TABLE), budget))
        return False

    def _enlarge(self, budget: int) -> None:
        entries = 1 << (budget - 1).bit_length()  # at least two: the constant and a variable
        node, old = np.empty((budget, 3), np.int32), self.cache
        node[: self.made] = self.node[: self.made]
        self.node, self.unique = node, np.zeros(2 * entries, np.int32)
        self.cache = np.zeros((entries // 2, 4), np.int32)
        enlarge(self.node, self.unique, self.cache, old, self.made)

    def part(self) -> Part:
        """The diagram, when all gates are done."""
        index = [1 + len(self.place) + self.module.gates.index(root) for root in self.module.roots]
        roots = self.literal[index]
        rows = compact(self.node[: self.counts[0]], roots)
        variables = np.empty(len(self.place), np.int64)
        variables[self.place] = self.module.variables
        named = dict(zip(self.module.roots, roots.tolist(), strict=True))
        return Part(rows, tuple(variables.tolist()), named, self.name)


def _failure(net: Net, module: Module, node_budget: int, seconds: float, end: float) -> str:
    late = time.monotonic() > end
    reached = f"{seconds:g} s" if late else f"{node_budget:,} nodes"
    names = "; ".join(name for name, _ in orders(net, module, []))
    return (
        f"No exact answer within {reached}: a module of {len(module.gates):,} gates over "
        f"{len(module.variables):,} variables has no diagram that fits in any order tried ({names})."
    )
