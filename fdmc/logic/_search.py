"""The search for a diagram of each module: several orders under growing budgets, until one fits."""

import dataclasses
import functools
import time

import numpy as np

from ._bdd import build, compact
from ._modules import Module, group, modules, twins
from ._order import orders
from ._simplify import Net, simplify
from ._structure import Kind, Structure


_FIRST_BUDGET = 1 << 14
_BUDGET_GROWTH = 4
_COMPARE_BELOW = 1 << 16  # up to this budget every order is built and the smallest diagram kept
_SMALL = 1500  # nodes: not worth another order
_STEPS_PER_NODE = 40
_STEPS_PER_SECOND = (
    10_000_000  # what a slow core does, so that one build cannot outlast the time that is left
)


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
    net = Net(2, ((Kind.AND, 0, (2, 4)),), (6,))
    _part(net, Module((3,), (1, 2), (3,)), {}, _SMALL, time.monotonic() + 3600)


def _part(
    net: Net, module: Module, below: dict[int, Part], node_budget: int, end: float
) -> Part | None:
    """The smallest diagram of the first round of orders in which there is one."""
    arrays = _arrays(net, module, below)
    sizes = [len(below[node].node) if node in below else 0 for node in module.variables]
    places = {}
    budget = min(_FIRST_BUDGET, node_budget)
    while True:
        best: Part | None = None
        for name, place_of in orders(net, module, sizes):
            if time.monotonic() > end:
                return best
            if name not in places:
                places[name] = place_of()
            found = _attempt(module, arrays, name, places[name], budget, end)
            if found is not None and (best is None or len(found.node) < len(best.node)):
                best = found
            if best is not None and (budget > _COMPARE_BELOW or len(best.node) < _SMALL):
                return best
        if best is not None or budget >= node_budget:
            return best
        budget = min(budget * _BUDGET_GROWTH, node_budget)


def _arrays(
    net: Net, module: Module, below: dict[int, Part]
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
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


def _attempt(
    module: Module,
    arrays: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
    name: str,
    place: np.ndarray,
    budget: int,
    end: float,
) -> Part | None:
    """The module's diagram in one order, or None if it does not fit."""
    steps = min(budget * _STEPS_PER_NODE, (end - time.monotonic()) * _STEPS_PER_SECOND + 1)
    node = np.empty((budget, 3), np.int32)
    entries = 1 << (budget - 1).bit_length()
    unique, cache = np.zeros(2 * entries, np.int32), np.zeros((entries, 4), np.int32)
    counts = np.array([0, 0, int(steps)], np.int64)
    literals = build(*arrays, place, node, unique, cache, counts)
    if literals[0] < 0:
        return None
    index = [1 + len(place) + module.gates.index(root) for root in module.roots]
    roots = literals[index]
    rows = compact(node[: counts[0]], roots)
    variables = np.empty(len(place), np.int64)
    variables[place] = module.variables
    named = dict(zip(module.roots, roots.tolist(), strict=True))
    return Part(rows, tuple(variables.tolist()), named, name)


def _failure(net: Net, module: Module, node_budget: int, seconds: float, end: float) -> str:
    late = time.monotonic() > end
    reached = f"{seconds:g} s" if late else f"{node_budget:,} nodes"
    names = "; ".join(name for name, _ in orders(net, module, []))
    return (
        f"No exact answer within {reached}: a module of {len(module.gates):,} gates over "
        f"{len(module.variables):,} variables has no diagram that fits in any order tried ({names})."
    )
