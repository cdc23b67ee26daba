"""Modules: gates whose events occur nowhere else, so that each is one independent event to what is above it."""

import dataclasses

from .._structure import Kind
from ._simplify import Net, Row, parents, rebuild


@dataclasses.dataclass(frozen=True, eq=False)
class Module:
    """A part of a net between module borders.

    `gates` are its nodes in topological order; `variables` are the events and modules it stands on, in the order of a
    depth-first visit; `roots` are the gates that are asked for (one, but for the last module of several roots).
    """

    gates: tuple[int, ...]
    variables: tuple[int, ...]
    roots: tuple[int, ...]


def modules(net: Net) -> list[Module]:
    """Split a net into modules, every module after those that it stands on.

    Gates of several roots that are no modules form the last one together.
    """
    borders = module_gates(net)
    roots = [root >> 1 for root in net.roots if root >> 1 >= net.first]
    loose = tuple(dict.fromkeys(root for root in roots if root not in borders))
    found = [_module(net, (gate,), borders) for gate in sorted(borders)]
    if loose:
        found.append(_module(net, loose, borders))
    return found


def _module(net: Net, roots: tuple[int, ...], borders: frozenset[int]) -> Module:
    seen: set[int] = set()
    gates, variables = [], []
    work = list(reversed(roots))
    while work:
        node = work.pop()
        if node in seen:
            continue
        seen.add(node)
        if node < net.first or (node in borders and node not in roots):
            variables.append(node)
        else:
            gates.append(node)
            work += [a >> 1 for a in reversed(net.arguments(node))]
    return Module(tuple(sorted(gates)), tuple(variables), roots)


def module_gates(net: Net) -> frozenset[int]:
    """The gates all of whose descendants are reached through them alone, in linear time.

    Y. Dutuit and A. Rauzy, "A linear-time algorithm to find modules of fault trees", IEEE Trans. Reliability 45
    (1996) 422: a gate is a module if every descendant is first met after it and last met before its visit ends.
    """
    size = net.first + len(net.rows)
    first, end, last = [0] * size, [0] * size, [0] * size
    date = 0
    work = [literal >> 1 for literal in reversed(net.roots)]
    while work:
        node = work.pop()
        date += 1
        if node < 0:  # all arguments of ~node have been visited
            end[~node] = last[~node] = date
            continue
        last[node] = date
        if not first[node]:
            first[node] = date
            if node >= net.first:
                work.append(~node)
                work += [a >> 1 for a in reversed(net.arguments(node))]
            else:
                end[node] = date
    low, high = first.copy(), last.copy()
    found = []
    for g, (_, _, args) in enumerate(net.rows):
        node = net.first + g
        least = min(low[a >> 1] for a in args)
        most = max(high[a >> 1] for a in args)
        if first[node] and least > first[node] and most < end[node]:
            found.append(node)
        low[node], high[node] = min(least, first[node]), max(most, last[node])
    return frozenset(found)


def group(net: Net) -> Net:
    """Give arguments of an AND or XOR that share events only among themselves a gate of their own.

    Where nothing else refers to those events the new gate is a module.
    """
    count = parents(net)
    shared = [node for node in range(1, len(count)) if count[node] > 1]
    if len(shared) * len(count) > 4_000_000_000:  # half a gigabyte of masks
        return net
    bits = {node: 1 << i for i, node in enumerate(shared)}
    masks = [bits.get(node, 0) for node in range(net.first)]
    for g, (_, _, args) in enumerate(net.rows):
        mask = bits.get(net.first + g, 0)
        for a in args:
            mask |= masks[a >> 1]
        masks.append(mask)
    rows: list[Row] = []
    moved = list(range(0, 2 * net.first, 2))
    for kind, need, args in net.rows:
        parts = _components(args, masks) if kind != Kind.VOTE and len(args) > 2 else []
        there = [moved[a >> 1] ^ (a & 1) for a in args]
        if 1 < len(parts) < len(args):
            there = [_part(part, there, kind, net.first, rows) for part in parts]
        moved.append(2 * (net.first + len(rows)))
        rows.append((kind, need, tuple(there)))
    roots = tuple(moved[r >> 1] ^ (r & 1) for r in net.roots)
    return rebuild(Net(net.events, tuple(rows), roots), rows)


def _part(part: list[int], args: list[int], kind: Kind, first: int, rows: list[Row]) -> int:
    if len(part) == 1:
        return args[part[0]]
    rows.append((kind, 0, tuple(args[i] for i in part)))
    return 2 * (first + len(rows) - 1)


def _components(args: tuple[int, ...], masks: list[int]) -> list[list[int]]:
    """Positions of the arguments, joined where masks overlap, each component in order."""
    parts: list[tuple[int, list[int]]] = []
    for i, a in enumerate(args):
        mask, members = masks[a >> 1], [i]
        if mask:
            touching = [part for part in parts if part[0] & mask]
            parts = [part for part in parts if not part[0] & mask]
            for other, theirs in touching:
                mask |= other
                members = theirs + members
        parts.append((mask, sorted(members)))
    return sorted((members for _, members in parts), key=lambda members: members[0])


def twins(net: Net) -> Net:
    """Give arguments that occur in the same AND gates, together and nowhere else, a gate of their own.

    Events of one unit often stand side by side under several gates; together they are one module.
    """
    where: dict[int, list[int]] = {}
    fixed = {root >> 1 for root in net.roots}
    for g, (kind, _, args) in enumerate(net.rows):
        for a in args:
            where.setdefault(a, []).append(g)
            if kind != Kind.AND:
                fixed.add(a >> 1)
    sets: dict[tuple[int, ...], list[int]] = {}
    for a, gates in where.items():
        if len(gates) > 1 and a ^ 1 not in where and a >> 1 not in fixed:
            sets.setdefault(tuple(gates), []).append(a)
    leader = {a: twin[0] for twin in sets.values() if len(twin) > 1 for a in twin}
    if not leader:
        return net
    rows: list[Row] = []
    moved = list(range(0, 2 * net.first, 2))
    made: dict[int, int] = {}
    for kind, need, args in net.rows:
        there = []
        for a in args:
            head = leader.get(a, -1)
            if head < 0:
                there.append(moved[a >> 1] ^ (a & 1))
            elif head == a:
                if a not in made:
                    part = sets[tuple(where[a])]
                    rows.append((Kind.AND, 0, tuple(moved[b >> 1] ^ (b & 1) for b in part)))
                    made[a] = 2 * (net.first + len(rows) - 1)
                there.append(made[a])
        moved.append(2 * (net.first + len(rows)))
        rows.append((kind, need, tuple(there)))
    roots = tuple(moved[r >> 1] ^ (r & 1) for r in net.roots)
    return rebuild(Net(net.events, tuple(rows), roots), rows)
