"""Rewriting of a structure into fewer gates with the same meaning, before anything is counted.

Everything becomes AND, VOTE or XOR over signed arguments: an OR is the negation of the AND of the negations, so that
one hash table finds equal gates behind De Morgan's law as well.
"""

import dataclasses
from collections.abc import Iterable

from .._structure import Kind, Structure


Row = tuple[Kind, int, tuple[int, ...]]
"""Kind (AND, VOTE or XOR), the k of VOTE (else 0), literals of the arguments."""


@dataclasses.dataclass(frozen=True, eq=False)
class Net:
    """Gates in topological order: node 0 is false, 1 .. `events` are events, gate g is node `events + 1 + g`."""

    events: int
    rows: tuple[Row, ...]
    roots: tuple[int, ...]

    @property
    def first(self) -> int:
        """The node of the first gate."""
        return self.events + 1

    def arguments(self, node: int) -> tuple[int, ...]:
        """Literals of the arguments of a gate's node; () for an event or the constant."""
        return self.rows[node - self.first][2] if node >= self.first else ()


def simplify(structure: Structure) -> Net:
    """Fold constants, merge equal gates, drop what no root needs, and join nested gates of one kind.

    **Returns:** a net over the same events with the same roots, in the order of the structure's roots.
    """
    rows = [
        (Kind(int(k)), int(need), tuple(structure.arguments(g).tolist()))
        for g, (k, need) in enumerate(zip(structure.kind, structure.need, strict=True))
    ]
    net = Net(len(structure.events), tuple(rows), tuple(structure.roots.tolist()))
    net = rebuild(net, net.rows)
    while (joined := _coalesce(net)) is not net:
        net = rebuild(joined, joined.rows)
    return net


def rebuild(net: Net, rows: Iterable[Row]) -> Net:
    """Build the gates anew from the bottom: constants folded, equal gates merged, unused gates dropped.

    **Arguments:** `rows`, the gates of `net`, each with any arguments that come before it.
    """
    rows = tuple(rows)
    used = _used(net.first, rows, net.roots)
    builder = Folder(net.events)
    image = list(range(0, 2 * net.first, 2))
    for (kind, need, args), wanted in zip(rows, used, strict=True):
        there = tuple([image[a >> 1] ^ (a & 1) for a in args]) if wanted else ()
        image.append(builder.gate(kind, need, there) if wanted else 0)
    roots = tuple(image[r >> 1] ^ (r & 1) for r in net.roots)
    used = _used(net.first, tuple(builder.rows), roots)
    if all(used):
        return Net(net.events, tuple(builder.rows), roots)
    return rebuild(Net(net.events, tuple(builder.rows), roots), builder.rows)


def _used(first: int, rows: tuple[Row, ...], roots: Iterable[int]) -> list[bool]:
    used = [False] * len(rows)
    for root in roots:
        if root >> 1 >= first:
            used[(root >> 1) - first] = True
    for g in range(len(rows) - 1, -1, -1):
        if used[g]:
            for a in rows[g][2]:
                if a >= 2 * first:
                    used[(a >> 1) - first] = True
    return used


class Folder:
    """Appends gates, each in one canonical form and once."""

    def __init__(self, events: int):
        self.rows: list[Row] = []
        self._events = events
        self._known: dict[tuple, int] = {}

    def gate(self, kind: Kind, need: int, args: tuple[int, ...]) -> int:
        """The literal of a gate over literals that exist."""
        if kind is Kind.AND:
            return self._and(args)
        if kind is Kind.OR:
            return self._and(tuple([a ^ 1 for a in args])) ^ 1
        return self._xor(args) if kind is Kind.XOR else self._vote(need, args)

    def _and(self, args: tuple[int, ...]) -> int:
        kept = dict.fromkeys(args)
        kept.pop(1, None)
        if 0 in kept or len({a >> 1 for a in kept}) < len(kept):  # or an argument and its negation
            return 0
        if len(kept) < 2:
            return next(iter(kept), 1)
        return self._new(Kind.AND, 0, tuple(kept))

    def _xor(self, args: tuple[int, ...]) -> int:
        sign, odd = 0, {}
        for a in args:
            sign ^= a & 1
            if odd.pop(a | 1, None) is None and a > 1:
                odd[a | 1] = a & ~1
        kept = tuple(odd.values())
        if len(kept) < 2:
            return (kept[0] if kept else 0) ^ sign
        return self._new(Kind.XOR, 0, kept) ^ sign

    def _vote(self, need: int, args: tuple[int, ...]) -> int:
        kept: list[int] = []
        for a in args:
            if a == 1 or a ^ 1 in kept:  # certain, or one of a pair of which exactly one fails
                need -= 1
                if a != 1:
                    kept.remove(a ^ 1)
            elif a != 0:
                kept.append(a)
        if need <= 0 or need > len(kept):
            return int(need <= 0)
        if need == len(kept):
            return self._and(tuple(kept))
        if need == 1:
            return self._and(tuple(a ^ 1 for a in kept)) ^ 1
        return self._new(Kind.VOTE, need, tuple(kept))

    def _new(self, kind: Kind, need: int, args: tuple[int, ...]) -> int:
        key = (kind, need, tuple(sorted(args)))
        if key not in self._known:
            self._known[key] = 2 * (1 + self._events + len(self.rows))
            self.rows.append((kind, need, args))
        return self._known[key]


def parents(net: Net) -> list[int]:
    """How many arguments and roots refer to each node."""
    count = [0] * (net.first + len(net.rows))
    for literal in net.roots:
        count[literal >> 1] += 1
    for _, _, args in net.rows:
        for a in args:
            count[a >> 1] += 1
    return count


def _coalesce(net: Net) -> Net:
    """Replace an argument by its own arguments where it is of the same kind and has no other parent.

    **Returns:** the net itself where there is none.
    """
    count = parents(net)
    single = {  # what may be joined, by literal
        2 * (net.first + g): row[0]
        for g, row in enumerate(net.rows)
        if row[0] is not Kind.VOTE and count[net.first + g] == 1
    }
    inner = {a for kind, _, args in net.rows for a in args if single.get(a) is kind}
    if not inner:
        return net
    rows: list[Row] = []
    for g, (kind, need, args) in enumerate(net.rows):
        if 2 * (net.first + g) in inner or inner.isdisjoint(args):
            rows.append((kind, need, args))  # one's head collects it; the next rebuild drops it
            continue
        work, flat = list(reversed(args)), []
        while work:
            a = work.pop()
            if a in inner:  # its only parent is this one, and of its kind
                work += reversed(net.arguments(a >> 1))
            else:
                flat.append(a)
        rows.append((kind, need, tuple(flat)))
    return Net(net.events, tuple(rows), net.roots)
