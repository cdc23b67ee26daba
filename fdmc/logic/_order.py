"""Orders of the variables of a module: many heuristics, because none is good on every tree."""

import dataclasses
from collections.abc import Callable, Iterator

import numpy as np

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

    Depth first with the arguments as written, by the number of variables under them (ascending, descending) or by
    their top-down weight (S. Minato et al., DAC 1990); then FORCE from some of those (F. Aloul, I. Markov and
    K. Sakallah, GLSVLSI 2003: every gate pulls its arguments together).
    """
    graph = _graph(net, module)
    if (
        len(graph.args) == 1
    ):  # the largest last, because the negation of what comes last is not needed
        yield "small first", lambda: _rank(np.argsort(sizes, kind="stable"))
        return
    support, weight = _support(graph), _weight(graph)
    wide = [-s for s in support]
    yield "narrow first", lambda: _depth_first(graph, support)
    yield "wide first, FORCE", lambda: _force(graph, _depth_first(graph, wide))
    yield "heavy first", lambda: _depth_first(graph, [-w for w in weight])
    yield "as written, FORCE", lambda: _force(graph, _depth_first(graph, None))
    yield "narrow first, FORCE", lambda: _force(graph, _depth_first(graph, support))
    yield "as written", lambda: _depth_first(graph, None)
    yield "wide first", lambda: _depth_first(graph, wide)
    yield (
        "weight",
        lambda: _rank(np.argsort(-np.array(weight[1 : 1 + graph.variables]), kind="stable")),
    )


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
    sizes = np.array([len(m) for m in members])
    member = np.concatenate([np.array(m) for m in members])
    edge = np.repeat(np.arange(len(members)), sizes)
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    degree = np.maximum(np.bincount(member, minlength=first + len(members)), 1)
    at = np.zeros(first + len(members))
    at[1:first] = place
    for g, args in enumerate(graph.args):
        at[first + g] = np.mean(at[list(args)])
    best, least = place, np.inf
    for _ in range(_FORCE_ROUNDS):
        centre = np.bincount(edge, weights=at[member]) / sizes
        at = np.bincount(member, weights=centre[edge], minlength=len(at)) / degree
        at = _rank(np.argsort(at, kind="stable")).astype(float)
        ends = at[member]
        span = (np.maximum.reduceat(ends, starts) - np.minimum.reduceat(ends, starts)).sum()
        if span >= least:
            continue
        best, least = _rank(np.argsort(at[1:first], kind="stable")), span
    return best
