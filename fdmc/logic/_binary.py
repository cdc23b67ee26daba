"""A structure as two-input word operations: AND with complemented inputs, and XOR.

Literals are `2 * node + negated` as in `Structure`: node 0 is the constant false, then the events, then one node an
operation. Equal operations are made once, constants are folded, and what no root reads is left out.
"""

import dataclasses
import heapq
from collections.abc import Callable, Sequence

import numpy as np

from ._structure import Kind, Structure


DRAW, XOR = 0, 1
"""What a step does: draw an event, XOR of two values; 2, 3 and 4 are the AND of so many."""

_WIDEST = 4


@dataclasses.dataclass(frozen=True, eq=False)
class Binary:
    """Operations in topological order: `first`, `second` int32[operations] literals, `xor` bool[operations].

    `level` int32[operations] is the length of the longest path from an event, at least 1.
    """

    events: int
    first: np.ndarray
    second: np.ndarray
    xor: np.ndarray
    level: np.ndarray
    roots: np.ndarray


def binary(structure: Structure) -> Binary:
    """Lower every gate to two-input operations: n-ary gates by shallow trees, votes by counters."""
    builder = _Builder(len(structure.events))
    value = [2 * node for node in range(1 + len(structure.events))]
    for gate, kind in enumerate(structure.kind):
        args = [value[x >> 1] ^ (x & 1) for x in structure.arguments(gate).tolist()]
        match kind:
            case Kind.AND:
                out = builder.fold(args, builder.conjunction)
            case Kind.OR:
                out = builder.fold([x ^ 1 for x in args], builder.conjunction) ^ 1
            case Kind.XOR:
                out = builder.fold(args, builder.parity)
            case _:
                out = builder.vote(args, int(structure.need[gate]))
        value.append(out)
    return builder.finish([value[x >> 1] ^ (x & 1) for x in structure.roots.tolist()])


class _Builder:
    """Appends each different operation once."""

    def __init__(self, events: int):
        self.events = events
        self.level = [0] * (events + 1)
        self.rows: list[tuple[int, int, bool]] = []
        self.known: dict[tuple[int, int, bool], int] = {}

    def conjunction(self, a: int, b: int) -> int:
        """Return the literal of a AND b."""
        a, b = min(a, b), max(a, b)
        if a == 0 or b == a ^ 1:
            return 0
        if a in (1, b):
            return b
        return self._add(a, b, False)

    def parity(self, a: int, b: int) -> int:
        """Return the literal of a XOR b; the signs go out in front."""
        sign = (a ^ b) & 1
        a, b = sorted((a & ~1, b & ~1))
        if a == b:
            return sign
        return (b if a == 0 else self._add(a, b, True)) ^ sign

    def _add(self, a: int, b: int, xor: bool) -> int:
        key = (a, b, xor)
        if key not in self.known:
            self.known[key] = 2 * (1 + self.events + len(self.rows))
            self.rows.append(key)
            self.level.append(1 + max(self.level[a >> 1], self.level[b >> 1]))
        return self.known[key]

    def fold(self, args: Sequence[int], operation: Callable[[int, int], int]) -> int:
        """Combine the literals, the shallowest first; nothing gives the neutral element."""
        if not args:
            return 1 if operation == self.conjunction else 0
        if operation == self.conjunction:
            args = list(dict.fromkeys(args))
        heap = [(self.level[x >> 1], i, x) for i, x in enumerate(args)]
        heapq.heapify(heap)
        while len(heap) > 1:
            x = operation(heapq.heappop(heap)[2], heapq.heappop(heap)[2])
            heapq.heappush(heap, (self.level[x >> 1], len(args) + len(heap), x))
        return heap[0][2]

    def vote(self, args: Sequence[int], need: int) -> int:
        """Return the literal of "at least `need` of the arguments"."""
        n = len(args)
        if need <= 0 or need > n:
            return int(need <= 0)
        if 2 * need > n + 1:
            return self.vote([x ^ 1 for x in args], n - need + 1) ^ 1
        return self._few(args, need) if need <= 2 else self._count(args, need)

    def _few(self, args: Sequence[int], need: int) -> int:
        """At least j of the arguments so far, for j up to `need`: 2 operations an argument and j."""
        least = [1] + [0] * need
        for x in args:
            for j in range(need, 0, -1):
                both = self.conjunction(least[j - 1], x)
                least[j] = self.conjunction(least[j] ^ 1, both ^ 1) ^ 1
        return least[need]

    def _count(self, args: Sequence[int], need: int) -> int:
        """Count in bit slices by full adders, 5 to 7 operations an argument, and compare."""
        column, digits = list(args), []
        while column:
            carries = []
            while len(column) > 1:
                a, b, c = column.pop(), column.pop(), column.pop() if column else 0
                half = self.parity(a, b)
                carry = self.conjunction(self.conjunction(a, b) ^ 1, self.conjunction(half, c) ^ 1)
                carries.append(carry ^ 1)
                column.insert(0, self.parity(half, c))
            digits.append(column[0])
            column = carries
        reached = 1
        for i, digit in enumerate(digits):
            if need >> i & 1:
                reached = self.conjunction(digit, reached)
            else:
                reached = self.conjunction(digit ^ 1, reached ^ 1) ^ 1
        return 0 if need >> len(digits) else reached

    def finish(self, roots: Sequence[int]) -> Binary:
        """Keep what the roots read, depth first, so that a value is read soon after it is made."""
        order = _depth_first(self.rows, self.events, roots)
        number = {node: node for node in range(self.events + 1)}
        number |= {node: 1 + self.events + i for i, node in enumerate(order)}
        move = lambda x: 2 * number[x >> 1] + (x & 1)
        rows = [self.rows[node - 1 - self.events] for node in order]
        return Binary(
            self.events,
            np.array([move(row[0]) for row in rows], np.int32),
            np.array([move(row[1]) for row in rows], np.int32),
            np.array([row[2] for row in rows], bool),
            np.array([self.level[node] for node in order], np.int32),
            np.array([move(x) for x in roots], np.int32),
        )


def _depth_first(rows: list, events: int, roots: Sequence[int]) -> list[int]:
    """Return the operations that the roots read in post-order, without recursion."""
    done, order = set(range(events + 1)), []
    work = [(x >> 1, False) for x in reversed(roots)]
    while work:
        node, ready = work.pop()
        if node in done:
            continue
        if ready:
            done.add(node)
            order.append(node)
        else:
            a, b, _ = rows[node - 1 - events]
            # The later operation has the larger subtree as a rule: its temporaries go first.
            work += [(node, True), (min(a, b) >> 1, False), (max(a, b) >> 1, False)]
    return order


@dataclasses.dataclass(frozen=True, eq=False)
class Program:
    """Steps over slots, int32[steps, 7]: what, slot of the result, four arguments, complemented arguments as bits.

    The arguments are slots; the first one of DRAW is the event. `roots` int32[roots, 2] are slot and negation;
    slot -1 is the constant false.
    """

    steps: np.ndarray
    slots: int
    roots: np.ndarray


def program(binary: Binary, resident: bool = False) -> Program:
    """Give the values slots by linear scan: a slot is free again once nothing reads its value.

    ANDs that only one other AND reads are computed with it, up to four arguments at a time. Events are drawn
    when they are first read; if `resident`, event e is in slot e from the start and stays.
    """
    scan = _Scan(binary, resident)
    for i, args in _wide(binary):
        scan.step(i, args)
    roots = [(scan.fetch(x >> 1) if x > 1 else -1, x & 1) for x in binary.roots.tolist()]
    return Program(
        np.array(scan.steps, np.int32).reshape(-1, 7),
        max(scan.top, 1),
        np.array(roots, np.int32).reshape(-1, 2),
    )


def _wide(binary: Binary) -> list[tuple[int, list[int]]]:
    """Return the operations that are left and their arguments, once ANDs are joined."""
    first, second = binary.first.tolist(), binary.second.tolist()
    base = 1 + binary.events
    readers = np.bincount(
        np.concatenate([binary.first, binary.second, binary.roots]) >> 1,
        minlength=base + len(first),
    )
    inside: dict[int, list[int]] = {}  # ANDs that may still be joined, by literal
    out: dict[int, list[int]] = {}
    for i, (a, b) in enumerate(zip(first, second, strict=True)):
        args = [a, b]
        if not binary.xor[i]:
            for x in (a, b):
                if x in inside and len(args) + len(inside[x]) - 1 <= _WIDEST:
                    args.remove(x)
                    args += inside[x]
                    del out[(x >> 1) - base]
            if readers[base + i] == 1:
                inside[2 * (base + i)] = args
        out[i] = args
    return list(out.items())


class _Scan:
    """Slots in use, and the steps so far."""

    def __init__(self, binary: Binary, resident: bool):
        self.xor, self.events = binary.xor, binary.events
        self.left = np.bincount(binary.roots >> 1, minlength=1 + binary.events + len(binary.first))
        for _, args in _wide(binary):
            np.add.at(self.left, np.array(args) >> 1, 1)
        self.left[: 1 + binary.events] += resident  # residents are never free
        self.slot = {e + 1: e for e in range(binary.events)} if resident else {}
        self.top = len(self.slot)
        self.free: list[int] = []
        self.steps: list[tuple[int, ...]] = []

    def place(self, node: int) -> int:
        """Return a slot for the node."""
        if not self.free:
            self.free.append(self.top)
            self.top += 1
        self.slot[node] = self.free.pop()
        return self.slot[node]

    def fetch(self, node: int) -> int:
        """Return the slot of the node; an event that has none is drawn."""
        if node not in self.slot:
            self.steps.append((DRAW, self.place(node), node - 1, 0, 0, 0, 0))
        return self.slot[node]

    def step(self, operation: int, args: list[int]):
        """Append an operation, and free what it was the last to read."""
        slots = [self.fetch(x >> 1) for x in args]
        complement = sum((x & 1) << k for k, x in enumerate(args))
        # Not the slot of an argument: the compiled loop would fear that it overlaps, and not vectorise.
        out = self.place(1 + self.events + operation)
        for x in args:
            self.left[x >> 1] -= 1
            if self.left[x >> 1] == 0:
                self.free.append(self.slot[x >> 1])
        code = XOR if self.xor[operation] else len(args)
        self.steps.append((code, out, *slots, *[0] * (_WIDEST - len(slots)), complement))
