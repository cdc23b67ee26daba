"""A cover of the top event: sets of events, one of which fails whenever the top event is true.

The sets are what a top-down search for cut sets has in hand at any time: events that must fail, while the
gates that must also be true are not looked into yet. However early the search stops, the sets cover, so that
sampling from them leaves nothing out; the longer it goes on, the nearer the sum of their probabilities
comes to the probability of the top event.
"""

import dataclasses
import heapq
import itertools
import math

import numpy as np

from ._structure import Kind, Structure


_MOST_COMBINATIONS = 256  # of a vote that is looked into
_ALL, _ANY, _VOTE, _EVENT = "all", "any", "vote", "event"
_FALSE, _TRUE = 0, 1


@dataclasses.dataclass(frozen=True, eq=False)
class Cover:
    """Sets of events, none inside another, with the product of their events' probabilities.

    `bound` is the sum of `probability`, and an upper bound of the probability of the root.
    """

    sets: tuple[tuple[int, ...], ...]
    probability: np.ndarray

    @property
    def bound(self) -> float:
        return math.fsum(self.probability)


def cover(
    structure: Structure, probability: np.ndarray, root: int, most: int = 20_000, rest: float = 0.01
) -> Cover:
    """Return a cover of a root, by looking into the most probable open set first.

    A negated event is taken to be true, which only makes the cover wider: non-coherent trees need no other care.

    **Arguments:** `probability` float64[events], each in (0, 1/2]; `root`, a literal; `most`, about how many
    sets; `rest`, the share of the bound at which open sets are left as they are.
    """
    hull = _Hull(structure, probability)
    search = _Search(hull, probability)
    search.push((), (), (hull.literal(root),))
    search.run(most, rest)
    sets = _minimal(search.sets())
    product = [math.prod(float(probability[e]) for e in events) for events in sets]
    return Cover(tuple(tuple(sorted(events)) for events in sets), np.array(product))


class _Hull:
    """The smallest structure above the given one that never falls when an event fails.

    Nodes are (kind, need, children); 0 is false, 1 is true. `guess` is the probability of a node as if its
    children were independent, and steers the search only.
    """

    def __init__(self, structure: Structure, probability: np.ndarray):
        self.nodes: list[tuple[str, int, tuple[int, ...]]] = [(_ANY, 0, ()), (_ALL, 0, ())]
        self.guess = [0.0, 1.0]
        self.known: dict[tuple, int] = {}
        events = [self._node(_EVENT, e, (), float(p)) for e, p in enumerate(probability)]
        self.above = [(_FALSE, _TRUE), *((e, _TRUE) for e in events)]
        for gate, kind in enumerate(structure.kind):
            args = structure.arguments(gate).tolist()
            self.above.append(self._gate(Kind(kind), int(structure.need[gate]), args))

    def literal(self, x: int) -> int:
        """Return the node above a literal."""
        return self.above[x >> 1][x & 1]

    def _gate(self, kind: Kind, need: int, args: list[int]) -> tuple[int, int]:
        """Return the nodes above a gate and above its negation."""
        plain, negated = [self.literal(x) for x in args], [self.literal(x ^ 1) for x in args]
        match kind:
            case Kind.AND:
                return self.all(plain), self.any(negated)
            case Kind.OR:
                return self.any(plain), self.all(negated)
            case Kind.VOTE:
                return self.vote(need, plain), self.vote(len(args) - need + 1, negated)
        odd, even = _FALSE, _TRUE
        for x, y in zip(plain, negated, strict=True):
            odd, even = (
                self.any((self.all((odd, y)), self.all((even, x)))),
                self.any((self.all((odd, x)), self.all((even, y)))),
            )
        return odd, even

    def all(self, children) -> int:
        """Return the node that all children make true."""
        flat = self._flat(children, _ALL)
        if _FALSE in flat:
            return _FALSE
        return flat[0] if len(flat) == 1 else self._node(_ALL, 0, flat, self._product(flat))

    def any(self, children) -> int:
        """Return the node that any child makes true."""
        flat = self._flat(children, _ANY)
        if _TRUE in flat:
            return _TRUE
        none = math.prod((1 - self.guess[c] for c in flat), start=1.0)
        return flat[0] if len(flat) == 1 else self._node(_ANY, 0, flat, 1 - none)

    def vote(self, need: int, children) -> int:
        """Return the node that `need` of the children make true."""
        need -= sum(c == _TRUE for c in children)
        open_ = tuple(c for c in children if c not in (_TRUE, _FALSE))
        if need <= 0 or need > len(open_):
            return _TRUE if need <= 0 else _FALSE
        if need in (1, len(open_)):
            return self.any(open_) if need == 1 else self.all(open_)
        count = np.ones(1)
        for c in open_:
            count = np.append(count * (1 - self.guess[c]), 0) + np.append(0, count * self.guess[c])
        return self._node(_VOTE, need, open_, float(count[need:].sum()))

    def _flat(self, children, kind: str) -> tuple[int, ...]:
        """Splice in children of the same kind; the empty node of the kind is its neutral element."""
        found: dict[int, None] = {}
        for c in children:
            inner = self.nodes[c][2] if self.nodes[c][0] == kind else (c,)
            found |= dict.fromkeys(inner)
        return tuple(sorted(found))

    def _product(self, children) -> float:
        return math.prod((self.guess[c] for c in children), start=1.0)

    def _node(self, kind: str, need: int, children: tuple[int, ...], guess: float) -> int:
        if not children and kind != _EVENT:
            return _TRUE if kind == _ALL else _FALSE
        key = (kind, need, children)
        if key not in self.known:
            self.known[key] = len(self.nodes)
            self.nodes.append(key)
            self.guess.append(guess)
        return self.known[key]


class _Search:
    """Open and closed sets: (events that fail, gates that must be true as well)."""

    def __init__(self, hull: _Hull, probability: np.ndarray):
        self.hull = hull
        self.prob = [float(p) for p in probability]
        self.heap: list[tuple[float, int, frozenset[int], frozenset[int]]] = []
        self.closed: dict[frozenset[int], float] = {}
        self.stuck: list[frozenset[int]] = []
        self.seen: set[tuple[frozenset[int], frozenset[int]]] = set()
        self.open_mass = self.closed_mass = 0.0

    def push(self, events, gates, new):
        """Add the set that needs these events, these gates and the new nodes."""
        events, gates, work = set(events), set(gates), list(new)
        while work:
            c = work.pop()
            kind, need, children = self.hull.nodes[c]
            if c == _FALSE:
                return
            if kind == _EVENT:
                events.add(need)
            elif kind == _ALL:
                work += children
            else:
                gates.add(c)
        gates = {g for g in gates if not self._met(g, events)}
        item = (frozenset(events), frozenset(gates))
        if item in self.seen:
            return
        self.seen.add(item)
        mass = math.prod(self.prob[e] for e in events)
        if gates:
            heapq.heappush(self.heap, (-mass, len(self.seen), *item))
            self.open_mass += mass
        elif item[0] not in self.closed:
            self.closed[item[0]] = mass
            self.closed_mass += mass

    def _met(self, gate: int, events: set[int]) -> bool:
        kind, need, children = self.hull.nodes[gate]
        least = need if kind == _VOTE else 1
        nodes = self.hull.nodes
        failed = sum(nodes[c][0] == _EVENT and nodes[c][1] in events for c in children)
        return failed >= least

    def run(self, most: int, rest: float):
        """Look into open sets until few are left, or too many sets."""
        steps = 0
        while self.heap and self.open_mass > rest * self.closed_mass and steps < 2 * most:
            if len(self.heap) + len(self.closed) + len(self.stuck) > most:
                break
            mass, _, events, gates = heapq.heappop(self.heap)
            self.open_mass = max(self.open_mass + mass, 0.0)
            steps += 1
            gate = min((g for g in gates if self._ways(g)), key=self._guess, default=None)
            if gate is None:
                self.stuck.append(events)
                continue
            kind, need, children = self.hull.nodes[gate]
            groups = (
                itertools.combinations(children, need)
                if kind == _VOTE
                else zip(children, strict=True)
            )
            for group in groups:
                self.push(events, gates - {gate}, group)

    def _guess(self, gate: int) -> tuple[float, int]:
        return self.hull.guess[gate], gate

    def _ways(self, gate: int) -> bool:
        kind, need, children = self.hull.nodes[gate]
        return kind != _VOTE or math.comb(len(children), need) <= _MOST_COMBINATIONS

    def sets(self) -> set[frozenset[int]]:
        """Return the events of all sets, open or closed."""
        return {*self.closed, *self.stuck, *(item[2] for item in self.heap)}


def _minimal(sets: set[frozenset[int]]) -> list[frozenset[int]]:
    """Drop every set that contains another; the order is that of size, then of events."""
    kept: list[frozenset[int]] = []
    by_least: dict[int, list[frozenset[int]]] = {}
    for events in sorted(sets, key=lambda s: (len(s), sorted(s))):
        if any(small <= events for e in events for small in by_least.get(e, ())):
            continue
        kept.append(events)
        if not events:
            return kept
        by_least.setdefault(min(events), []).append(events)
    return kept
