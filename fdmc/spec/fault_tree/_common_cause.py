"""Common causes rewritten as ordinary events that stay independent of each other."""

import dataclasses
import itertools
import math
from collections.abc import Iterator

from ._check import refuse_if_wrong
from ._error import FaultTreeError, Place, Report, quoted
from ._model import (
    BasicEvent,
    Call,
    CommonCause,
    Expression,
    FaultTree,
    Formula,
    Gate,
    Shock,
)


MOST_MEMBERS = 10  # of a group: 1,023 sets that may fail together
Parts = dict[str, BasicEvent]


def expand_common_causes(tree: FaultTree) -> FaultTree:
    r"""Rewrite CCF groups and shocks as gates over independent basic events.

    A member becomes a gate of its name: the OR of its own failure and of every common cause that it is in.
    With Q the probability of one member and n members, the probability of exactly one given set of k is

    - beta factor: \( Q_1 = (1 - \beta) Q,\; Q_n = \beta Q \),
    - MGL: \( Q_k = \prod_{j=2}^{k} \rho_j \, (1 - \rho_{k+1}) \, Q / \binom{n-1}{k-1} \),
    - alpha factor: \( Q_k = k \, \alpha_k / (\sum_j j \alpha_j) \, Q / \binom{n-1}{k-1} \),
    - phi factor: \( Q_k = \varphi_k Q \).

    A shock that kills each member with probability l becomes one event for each set of members: such
    shocks come as a Poisson process of their own, with the share \( l^k (1-l)^{n-k} \) of the rate
    (Marshall and Olkin 1967), so that \( Q_k = 1 - (1 - P)^{l^k (1-l)^{n-k}} \).

    The factors stay expressions: gradients reach them. A tree without common causes is returned as it is.

    **Raises:** `FaultTreeError` for a group of more than ten members that has no single shared cause.
    """
    if not tree.common_causes and not tree.shocks:
        return tree
    refuse_if_wrong(tree)
    report = Report()
    events = dict(tree.basic_events)
    causes: dict[str, list[str]] = {}
    for name, group in tree.common_causes.items():
        for subset, event in _group_events(name, group, tree, report):
            _add(subset, event, group.members, name, events, causes, tree)
    for name, shock in tree.shocks.items():
        for subset, event in _shock_events(name, shock, report):
            _add(subset, event, (), name, events, causes, tree)
    if report.problems:
        raise FaultTreeError(tree.name, report.problems)
    gates = dict(tree.gates)
    for member, names in causes.items():
        old = tree.basic_events[member]
        own = _fresh(f"{member} alone", tree, events)
        if member in events:
            events[own] = dataclasses.replace(events.pop(member), label="", attributes=())
            names = [own, *names]
        gates[member] = Gate(Formula("or", tuple(names)), old.label, old.attributes, old.line)
    return dataclasses.replace(tree, gates=gates, basic_events=events, common_causes={}, shocks={})


def _add(
    subset: tuple[str, ...],
    probability: Expression,
    replaced: tuple[str, ...],
    name: str,
    events: Parts,
    causes: dict[str, list[str]],
    tree: FaultTree,
) -> None:
    """Enter the event of one set of members; of a CCF group, a set of one is the member's own failure."""
    if replaced and len(subset) == 1:
        old = events[subset[0]]
        events[subset[0]] = dataclasses.replace(old, probability=probability)
        causes.setdefault(subset[0], [])
        return
    title = _fresh(f"{name} ({', '.join(subset)})", tree, events)
    events[title] = BasicEvent(probability)
    for member in subset:
        causes.setdefault(member, []).append(title)


def _fresh(name: str, tree: FaultTree, events: Parts) -> str:
    """The name, with primes until it is not taken."""
    taken = (tree.gates, tree.house_events, tree.dependencies, tree.basic_events, events)
    while any(name in table for table in taken):
        name += "'"
    return name


def _group_events(
    name: str, group: CommonCause, tree: FaultTree, report: Report
) -> Iterator[tuple[tuple[str, ...], Expression]]:
    count = len(group.members)
    levels = _levels(group)
    if count > MOST_MEMBERS and set(levels) != {1, count}:
        _too_many(f"define-CCF-group {quoted(name)}", count, group.line, report)
        return
    for level, probability in levels.items():
        for subset in itertools.combinations(group.members, level):
            yield subset, probability


def _too_many(path: str, count: int, line: int, report: Report) -> None:
    message = f"has {count} members, whose sets are too many to write out"
    report.add(Place(path, line), message, f"at most {MOST_MEMBERS}, or a beta factor")


def _levels(group: CommonCause) -> dict[int, Expression]:
    """The probability of one set of members, by the size of the set."""
    total, count = group.probability, len(group.members)
    factors = dict(group.factors)
    match group.model:
        case "beta-factor":
            beta = factors[count]
            return {1: _product(_complement(beta), total), count: _product(beta, total)}
        case "MGL":
            return _greek(factors, total, count)
        case "alpha-factor":
            weights = [_product(float(level), factor) for level, factor in factors.items()]
            mean = weights[0] if len(weights) == 1 else Call("add", tuple(weights))
            return {
                level: _product(
                    level / math.comb(count - 1, level - 1), Call("div", (factor, mean)), total
                )
                for level, factor in factors.items()
            }
    return {level: _product(factor, total) for level, factor in factors.items()}


def _greek(factors: dict[int, Expression], total: Expression, count: int) -> dict[int, Expression]:
    """Multiple Greek letters: of k that fail together, the share `factors[k + 1]` is joined by another."""
    levels: dict[int, Expression] = {}
    most = max(factors)
    for level in range(1, most + 1):
        parts = [factors[j] for j in range(2, level + 1)]
        if level < most:
            parts.append(_complement(factors[level + 1]))
        levels[level] = _product(1.0 / math.comb(count - 1, level - 1), *parts, total)
    return levels


def _shock_events(
    name: str, shock: Shock, report: Report
) -> Iterator[tuple[tuple[str, ...], Expression]]:
    count, lethality = len(shock.members), shock.lethality
    if lethality == 1.0:
        yield shock.members, shock.probability
        return
    if count > MOST_MEMBERS:
        _too_many(f"shock {quoted(name)}", count, shock.line, report)
        return
    for level in range(1, count + 1):
        share = lethality**level * (1.0 - lethality) ** (count - level)
        none = Call("pow", (_complement(shock.probability), share))
        for subset in itertools.combinations(shock.members, level):
            yield subset, _complement(none)


def _complement(value: Expression) -> Expression:
    return Call("sub", (1.0, value))


def _product(*values: Expression) -> Expression:
    kept = [value for value in values if value is True or value != 1.0]
    if len(kept) < 2:
        return kept[0] if kept else 1.0
    return Call("mul", tuple(kept))
