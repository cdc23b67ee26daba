"""The instant of a dynamic tree in a few words a replica: gates, claims, restrictions, dependencies.

The structure is static, so that an instant is straight-line code over bits. What must be remembered is packed into
32-bit words: one result is one fused loop, where a result for every bit would compute everything again for
each of them. The rules are those of `docs/fault-trees-dynamic.md`.
"""

import dataclasses
import functools
import operator
from collections.abc import Iterable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Int

from ...logic import DynamicKind
from ._dynamic_plan import DynamicShape


_BITS = 32
_CHAINS = (DynamicKind.PAND, DynamicKind.PAND_EXCLUSIVE)
_STRICT = (DynamicKind.PAND_EXCLUSIVE, DynamicKind.POR_EXCLUSIVE)
_ORDERED = (*_CHAINS, DynamicKind.POR, DynamicKind.POR_EXCLUSIVE)

Lanes = Bool[Array, " lanes"]
Word = Int[Array, " lanes"]


def any_of(bits: Iterable[Lanes]) -> Lanes:
    """Return whether one of the bits is true."""
    return functools.reduce(operator.or_, bits)


def _count(bits: Iterable[Lanes]) -> Word:
    return functools.reduce(operator.add, (bit.astype(jnp.int32) for bit in bits))


def _all_of(bits: Iterable[Lanes]) -> Lanes:
    return functools.reduce(operator.and_, bits)


@dataclasses.dataclass
class Instant:
    """A state while it is being settled. Bits of events stay packed in `events`; the rest is one array a bit.

    `gates`: failed. `late[gate, place]`: an argument of an order gate that came too early. `uses[i][place]`: the
    argument that spare gate i uses, none when it is failed. `awake[module]`. `tried[row]`: uncertain dependencies
    that have been tried. `refused` events of `shape.watched`.
    """

    shape: DynamicShape
    events: list[Word]
    gates: list[Lanes]
    late: dict[tuple[int, int], Lanes]
    uses: list[list[Lanes]]
    awake: list[Lanes]
    tried: list[Lanes]
    refused: list[Lanes]

    # --- memory -------------------------------------------------------------------------------

    @staticmethod
    def new(shape: DynamicShape, lanes: Word) -> "Instant":
        """Return the state before time zero: everything works."""
        no = lanes != lanes
        yes = ~no
        s = Instant(
            shape,
            [jnp.zeros_like(lanes, jnp.int32)] * -(-shape.events // _BITS),
            [no] * len(shape.kinds),
            {key: no for key in _late_places(shape)},
            [[yes] + [no] * (len(spare.arguments) - 1) for spare in shape.spares],
            [no] * shape.modules,
            [no] * len(shape.rows),
            [no] * len(shape.watched),
        )
        s.settle(s.copy(), range(shape.events))
        return s

    def pack(self) -> tuple[Word, ...]:
        """Return the words that `unpack` reads."""
        flags = [
            *self.late.values(),
            *(bit for uses in self.uses for bit in uses),
            *self.awake,
            *(() if self.shape.absolute else self.tried),
            *self.refused,
            self.failed(self.shape.top),
        ]
        words = list(self.events)
        for first in range(0, len(flags), _BITS):
            group = flags[first : first + _BITS]
            words.append(
                functools.reduce(
                    operator.or_, (bit.astype(jnp.int32) << i for i, bit in enumerate(group))
                )
            )
        return tuple(words)

    @staticmethod
    def unpack(shape: DynamicShape, words: tuple[Word, ...]) -> "Instant":
        """Return the state that has been packed."""
        n = -(-shape.events // _BITS)
        bits = _Reader(words[n:])
        late = {key: bits.next() for key in _late_places(shape)}
        uses = [[bits.next() for _ in spare.arguments] for spare in shape.spares]
        awake = [bits.next() for _ in range(shape.modules)]
        rows = 0 if shape.absolute else len(shape.rows)
        s = Instant(
            shape, list(words[:n]), [], late, uses, awake, [bits.next() for _ in range(rows)],
            [bits.next() for _ in shape.watched],
        )  # fmt: skip
        for gate in range(len(shape.kinds)):
            s.gates.append(s._known(gate))
        return s

    def copy(self) -> "Instant":
        """Return a copy that can be settled apart."""
        uses = [list(u) for u in self.uses]
        return Instant(
            self.shape, list(self.events), list(self.gates), dict(self.late), uses,
            list(self.awake), list(self.tried), list(self.refused),
        )  # fmt: skip

    def keep(self, where: Lanes, other: "Instant"):
        """Take the other state where the mask is false; `tried` and `refused` are kept."""
        choose = lambda new, old: new if new is old else jnp.where(where, new, old)
        self.events = [choose(a, b) for a, b in zip(self.events, other.events, strict=True)]
        self.gates = [choose(a, b) for a, b in zip(self.gates, other.gates, strict=True)]
        self.late = {k: choose(v, other.late[k]) for k, v in self.late.items()}
        self.uses = [
            [choose(a, b) for a, b in zip(*pair, strict=True)]
            for pair in zip(self.uses, other.uses, strict=True)
        ]
        self.awake = [choose(a, b) for a, b in zip(self.awake, other.awake, strict=True)]

    # --- elements -----------------------------------------------------------------------------

    def failed(self, element: int) -> Lanes:
        """Return whether an element is failed."""
        if element >= self.shape.events:
            return self.gates[element - self.shape.events]
        return (self.events[element // _BITS] & mask(element)) != 0

    def active(self, element: int) -> Lanes | None:
        """Return whether an event or a spare gate is active, None for one that always is."""
        homes = self.shape.homes[element]
        return any_of(self.awake[m] for m in homes) if homes else None

    def set(self, element: int, where: Lanes, failed: bool):
        """Fail an event, or let it come back."""
        i = element // _BITS
        bit = jnp.where(where, jnp.int32(mask(element)), 0)
        self.events[i] = self.events[i] | bit if failed else self.events[i] & ~bit

    # --- gates --------------------------------------------------------------------------------

    def _static(self, gate: int) -> Lanes:
        shape = self.shape
        args, kind = shape.arguments[gate], shape.kinds[gate]
        masks: dict[int, int] = {}
        single = []
        for arg in args:
            if arg < shape.events:
                masks[arg // _BITS] = masks.get(arg // _BITS, 0) | mask(arg)
            else:
                single.append(self.failed(arg))
        if kind == DynamicKind.OR:
            return any_of([*((self.events[i] & m) != 0 for i, m in masks.items()), *single])
        if kind == DynamicKind.VOTE:
            need = shape.needs[gate]
            return _count(self.failed(a) for a in args) >= need
        return _all_of([*((self.events[i] & m) == m for i, m in masks.items()), *single])

    def _known(self, gate: int) -> Lanes:
        """Return the state of a gate from what is remembered."""
        shape = self.shape
        kind, args = shape.kinds[gate], shape.arguments[gate]
        if kind == DynamicKind.SPARE:
            number = [s.gate for s in shape.spares].index(gate + shape.events)
            return ~any_of(self.uses[number])
        if kind not in _ORDERED:
            return self._static(gate)
        wanted = args if kind in _CHAINS else args[:1]
        late = [self.late[gate, place] for place in range(1, len(args))]
        return _all_of([*(self.failed(a) for a in wanted), *(~bit for bit in late)])

    def settle(self, before: "Instant", changed: Iterable[int]):
        """Let the gates above the changed events follow, once, bottom up, and pass activation on.

        `before`: the state of the instant before, in which none of those events had changed.
        """
        shape = self.shape
        above = shape.above(changed)
        numbers = {spare.gate: i for i, spare in enumerate(shape.spares)}
        for gate, kind in enumerate(shape.kinds):
            element = gate + shape.events
            if element not in above:
                continue
            if kind == DynamicKind.SPARE:
                self._claim(numbers[element])
            elif kind in _ORDERED:
                self._order(gate, before)
            self.gates[gate] = self._known(gate)
        if above & set(numbers):
            self._activate()

    def _order(self, gate: int, before: "Instant"):
        kind, args = self.shape.kinds[gate], self.shape.arguments[gate]
        for place in range(1, len(args)):
            a, b = args[place - 1 if kind in _CHAINS else 0], args[place]
            late = before.late[gate, place] | ~self.failed(a)
            if kind in _STRICT:
                late |= ~before.failed(b) & ~before.failed(a)
            self.late[gate, place] = late & self.failed(b)

    def _claim(self, number: int):
        shape = self.shape
        spare, own = shape.spares[number], self.uses[number]
        free = []
        for place, arg in enumerate(spare.arguments):
            works = ~self.failed(arg)
            rivals = [
                self.uses[other][there]
                for other, rival in enumerate(shape.spares)
                for there, same in enumerate(rival.arguments)
                if other != number and same == arg
            ]
            free.append(works & (~any_of(rivals) | own[place]) if rivals else works)
        first, none = [free[0]], ~free[0]
        for each in free[1:]:
            first.append(each & none)
            none = none & ~each
        if not shape.repairable:
            kept = [u & f for u, f in zip(own, free, strict=True)]
            claims = any_of(own) & ~any_of(kept)
            first = [k | (claims & f) for k, f in zip(kept, first, strict=True)]
        self.uses[number] = first

    def _activate(self):
        shape = self.shape
        if shape.repairable:
            self.awake = [self.awake[0] != self.awake[0]] * len(self.awake)
        for _ in range(_activation_passes(shape)):
            for spare, uses in reversed(list(zip(shape.spares, self.uses, strict=True))):
                on = self.active(spare.gate)
                for module, used in zip(spare.modules, uses, strict=True):
                    self.awake[module] = self.awake[module] | (used if on is None else used & on)

    def allowed(self, before: "Instant") -> Lanes | None:
        """Return whether the restrictions allow what has failed since, None if there are none."""
        new = lambda e: self.failed(e) & ~before.failed(e)
        wrong = [
            new(b) & ~self.failed(a)
            for group in self.shape.sequences
            for a, b in zip(group, group[1:], strict=False)
        ]
        for group in self.shape.mutexes:
            several = _count(self.failed(e) for e in group) > 1
            wrong.append(several & any_of(new(e) for e in group))
        # Without the barrier XLA's simplifier goes round in circles on some trees.
        return jax.lax.optimization_barrier(~any_of(wrong)) if wrong else None


class _Reader:
    """Reads bits of words one after the other."""

    def __init__(self, words: tuple[Word, ...]):
        self.words, self.at = words, 0

    def next(self) -> Lanes:
        i, self.at = self.at, self.at + 1
        return (self.words[i // _BITS] & mask(i)) != 0


def mask(element: int) -> int:
    """Return the bit of an element in its word, as a signed 32-bit integer."""
    bit = 1 << element % _BITS
    return bit - (1 << _BITS) if bit >> (_BITS - 1) else bit


def _late_places(shape: DynamicShape) -> list[tuple[int, int]]:
    return [
        (gate, place)
        for gate, kind in enumerate(shape.kinds)
        if kind in _ORDERED
        for place in range(1, len(shape.arguments[gate]))
    ]


def _activation_passes(shape: DynamicShape) -> int:
    """One, where every spare gate in a module stands below those that claim the module."""
    for i, inner in enumerate(shape.spares):
        for outer in shape.spares[:i]:
            if set(shape.homes[inner.gate]) & set(outer.modules):
                return len(shape.spares)
    return 1
