"""Orders of the variables of a module: many heuristics, because none is good on every tree."""

import dataclasses
import itertools
from collections.abc import Callable, Iterator
from typing import no_type_check

import numpy as np
from numba import njit

from ._modules import Module
from ._simplify import Net


_FORCE_ROUNDS = 40


@dataclasses.dataclass(frozen=True, eq=False)
class _Graph:
    """A module by local node: variables 1 .. `variables`, then gates with `args[gate - 1 - variables]`."""

    variables: int
    args: tuple[tuple[int, ...], ...]
    roots: tuple[int, ...]


def orders(
    net: Net, module: Module, sizes: list[int]
) -> Iterator[tuple[str, Callable[[], np.ndarray]]]:
    """Yield names of heuristics and functions that give the place of each variable, int32[variables].

    **Arguments:** `sizes`, how large the diagram of each variable is, 0 for an event.

    Depth first with the arguments as written, or sorted by the number of variables under them, by the size of the
    tree under them, by how many gates share them or by their top-down weight (S. Minato et al., DAC 1990); then FORCE
    from some of those (F. Aloul, I. Markov and K. Sakallah, GLSVLSI 2003: every gate pulls its arguments together).
    The first four are good on most trees, and on different ones.
    """
    if len(module.gates) == 1:
        # the largest last, because the negation of what comes last is not needed
        yield "small first", lambda: _rank(np.argsort(sizes, kind="stable"))
        return
    graph = _graph(net, module)
    support, weight, shared = _support(graph), _weight(graph), _shared(graph)
    first = 1 + graph.variables
    wide = [(-s, -n) for s, n in zip(support, shared, strict=True)]
    gates = [(node < first, -n) for node, n in enumerate(shared)]
    heavy = [-w for w in weight]
    yield "narrow first", lambda: _depth_first(graph, support)
    yield "small first, FORCE", lambda: _force(graph, _depth_first(graph, _size(graph)))
    yield "wide first, FORCE", lambda: _force(graph, _depth_first(graph, wide))
    yield "heavy first", lambda: _depth_first(graph, heavy)
    yield "gates first", lambda: _depth_first(graph, gates)
    yield "as written, FORCE", lambda: _force(graph, _depth_first(graph, None))
    yield "narrow first, FORCE", lambda: _force(graph, _depth_first(graph, support))
    yield "weight", lambda: _rank(np.argsort(heavy[1:first], kind="stable"))
    yield "wide first", lambda: _depth_first(graph, wide)
    yield "gates first, FORCE", lambda: _force(graph, _depth_first(graph, gates))
    yield "as written", lambda: _depth_first(graph, None)


def _graph(net: Net, module: Module) -> _Graph:
    nodes = (0, *module.variables, *module.gates)
    local = {node: i for i, node in enumerate(nodes)}
    args = tuple(tuple(local[a >> 1] for a in net.arguments(gate)) for gate in module.gates)
    return _Graph(len(module.variables), args, tuple(local[root] for root in module.roots))


def _support(graph: _Graph) -> list[int]:
    """How many variables each node depends on."""
    masks = [0] + [1 << i for i in range(graph.variables)]
    for args in graph.args:
        mask = 0
        for a in args:
            mask |= masks[a]
        masks.append(mask)
    return [mask.bit_count() for mask in masks]


def _size(graph: _Graph) -> list[float]:
    """How many nodes the tree under each node has when nothing is shared."""
    size = [1.0] * (1 + graph.variables)
    for args in graph.args:
        size.append(1.0 + sum(size[a] for a in args))
    return size


def _shared(graph: _Graph) -> list[int]:
    """How many gates each node is an argument of."""
    count = [0] * (1 + graph.variables + len(graph.args))
    for args in graph.args:
        for a in args:
            count[a] += 1
    return count


def _weight(graph: _Graph) -> list[float]:
    """One for a root, shared out equally from gates to arguments."""
    weight = [0.0] * (1 + graph.variables + len(graph.args))
    for root in graph.roots:
        weight[root] = 1.0
    for g in range(len(graph.args) - 1, -1, -1):
        share = weight[1 + graph.variables + g] / len(graph.args[g])
        for a in graph.args[g]:
            weight[a] += share
    return weight


def _depth_first(graph: _Graph, key: list | None) -> np.ndarray:
    """Places in order of the first visit, arguments with the smallest key first."""
    first = 1 + graph.variables
    seen = [False] * (first + len(graph.args))
    place = np.zeros(graph.variables, np.int32)
    count = 0
    work = list(reversed(graph.roots))
    while work:
        node = work.pop()
        if seen[node]:
            continue
        seen[node] = True
        if node < first:
            place[node - 1] = count
            count += 1
            continue
        args = graph.args[node - first]
        if key is not None:
            args = sorted(args, key=key.__getitem__)
        work += reversed(args)
    return place


def _rank(order: np.ndarray) -> np.ndarray:
    place = np.empty(len(order), np.int32)
    place[order] = np.arange(len(order), dtype=np.int32)
    return place


def _force(graph: _Graph, place: np.ndarray) -> np.ndarray:
    """Move every node to the mean of the centres of its gates, again and again; the least total span wins."""
    first = 1 + graph.variables
    members = [(*args, first + g) for g, args in enumerate(graph.args)]
    offset = np.zeros(1 + len(members), np.int64)
    np.cumsum([len(m) for m in members], out=offset[1:])
    member = np.fromiter(itertools.chain.from_iterable(members), np.int64, offset[-1])
    at = np.zeros(first + len(members))
    at[1:first] = place
    best = np.array(place, np.int32)
    _pull(offset, member, at, best, _FORCE_ROUNDS)
    return best


@njit(cache=True)
@no_type_check
def _pull(offset, member, at, best, rounds):
    """The rounds of FORCE over the hyperedges `member[offset[g] : offset[g + 1]]`, the last of each being a gate.

    **Arguments:** `at` float64[nodes], where the variables are; `best` int32[variables], their places, changed.
    """
    gates, least = len(offset) - 1, np.inf
    order, spare = np.empty(len(at), np.int64), np.empty(len(at), np.int64)
    degree, total = np.zeros(len(at)), np.empty(len(at))
    degree[0] = 1  # the constant, which is nowhere
    for node in member:
        degree[node] += 1
    for g in range(gates):
        for m in range(offset[g], offset[g + 1] - 1):
            at[member[offset[g + 1] - 1]] += at[member[m]] / (offset[g + 1] - 1 - offset[g])
    for _ in range(rounds):
        total[:] = 0
        for g in range(gates):
            centre = 0.0
            for m in range(offset[g], offset[g + 1]):
                centre += at[member[m]] / (offset[g + 1] - offset[g])
            for m in range(offset[g], offset[g + 1]):
                total[member[m]] += centre
        for node in range(len(at)):
            total[node] /= degree[node]
        _sort(total, order, spare)
        for i in range(len(order)):
            at[order[i]] = i
        span = 0.0
        for g in range(gates):
            low, high = np.inf, 0.0
            for m in range(offset[g], offset[g + 1]):
                low, high = min(low, at[member[m]]), max(high, at[member[m]])
            span += high - low
        if span < least:
            least, count = span, 0
            for node in order:
                if 1 <= node <= len(best):
                    best[node - 1] = count
                    count += 1


@njit(cache=True)
@no_type_check
def _sort(key, order, spare):
    """Fill `order` with the positions of the keys in ascending order, equal ones as they come: merging, from pairs."""
    n, width = len(key), 1
    for i in range(n):
        order[i] = i
    while width < n:
        for start in range(0, n, 2 * width):
            i, middle = start, min(start + width, n)
            j, end = middle, min(start + 2 * width, n)
            for k in range(start, end):
                if i < middle and (j >= end or key[order[i]] <= key[order[j]]):
                    spare[k] = order[i]
                    i += 1
                else:
                    spare[k] = order[j]
                    j += 1
        order[:] = spare
        width *= 2
