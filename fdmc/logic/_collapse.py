"""What need not be sampled: modules with a closed form become one event each."""

import math
from collections.abc import Sequence

import numpy as np

from ._structure import Kind, Structure


def collapsed(
    structure: Structure, probability: np.ndarray, modules: bool = True
) -> tuple[Structure, np.ndarray]:
    """Return a structure with the same joint law of the roots, and the probabilities of its events.

    Arguments of a gate that nothing else reads and that are independent events become one event with the exact
    probability of the gate over them, again and again from the bottom; with `modules` false they stay.
    Events of probability 0 and 1 become constants, and an event more likely than 1/2 is replaced by its
    complement, so that every event that is left has a probability in (0, 1/2].

    **Arguments:** `probability` float64[events].
    """
    work = _Work(structure, probability)
    for gate in range(len(structure.kind)):
        work.visit(gate, modules)
    return work.finish()


class _Work:
    """Laws are pairs (P(true), P(false)): the smaller of the two must not be a difference."""

    def __init__(self, structure: Structure, probability: np.ndarray):
        self.structure = structure
        self.first = 1 + len(structure.events)
        laws = [(0.0, 1.0), *((float(p), 1 - float(p)) for p in probability)]
        self.law: list[tuple[float, float] | None] = [*laws, *[None] * len(structure.kind)]
        self.name = ["", *structure.events, *structure.gates]
        read = np.concatenate([structure.child, structure.roots]) >> 1
        self.reads = np.bincount(read, minlength=len(self.law)).tolist()
        self.gate: dict[int, tuple[Kind, int, list[int]]] = {}

    def of(self, literal: int) -> tuple[float, float] | None:
        """Return the law of a literal, None if its node is a gate that stays."""
        law = self.law[literal >> 1]
        return (law[1], law[0]) if law and literal & 1 else law

    def constant(self, literal: int) -> bool:
        """Return whether the literal is known."""
        law = self.of(literal)
        return law is not None and 0.0 in law

    def visit(self, gate: int, modules: bool):
        """Make the gate an event if all its arguments are its own, else those that are."""
        node, kind = self.first + gate, Kind(self.structure.kind[gate])
        need = int(self.structure.need[gate])
        args = self.structure.arguments(gate).tolist()
        own = [x for x in args if self.constant(x) or (self.reads[x >> 1] == 1 and self.of(x))]
        if all(self.constant(x) for x in args) or (modules and len(own) == len(args)):
            self.law[node] = _law(kind, need, [self.of(x) or (0.0, 1.0) for x in args])
            return
        if modules and len(own) > 1 and kind != Kind.VOTE:
            rest = [x for x in args if x not in own]
            self.law.append(_law(kind, need, [self.of(x) or (0.0, 1.0) for x in own]))
            self.name.append("")
            args = [*rest, 2 * len(self.law) - 2]
        self.gate[node] = (kind, need, args)

    def finish(self) -> tuple[Structure, np.ndarray]:
        """Number what the roots read."""
        live = {int(x) >> 1 for x in self.structure.roots}
        for node in reversed(self.gate):
            if node in live:
                live |= {x >> 1 for x in self.gate[node][2]}
        gates = [node for node in self.gate if node in live]
        events = [n for n in sorted(live) if self.law[n] and not self.constant(2 * n)]
        number = {0: 0} | {node: 1 + i for i, node in enumerate([*events, *gates])}
        move = lambda x: self._move(x, number)
        args = [[move(x) for x in self.gate[node][2]] for node in gates]
        reduced = Structure(
            tuple(self.name[n] for n in events),
            tuple(self.name[n] for n in gates),
            np.array([self.gate[n][0] for n in gates], np.int8),
            np.array([self.gate[n][1] for n in gates], np.int32),
            np.cumsum([0, *map(len, args)]).astype(np.int32),
            np.array([x for row in args for x in row], np.int32),
            np.array([move(x) for x in self.structure.roots.tolist()], np.int32),
        )
        return reduced, np.array([min(self.law[n] or (0.0,)) for n in events])

    def _move(self, literal: int, number: dict[int, int]) -> int:
        node, negated = literal >> 1, literal & 1
        true, false = self.law[node] or (0.0, 0.0)  # of a gate that stays: no flip, not known
        if self.law[node] and 0.0 in (true, false):
            return int(false == 0) ^ negated
        return 2 * number[node] + (
            negated ^ int(true > false)
        )  # an unlikely event, or its complement


def _law(kind: Kind, need: int, laws: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Return (P(true), P(false)) of a gate over independent arguments, each without cancellation."""
    match kind:
        case Kind.AND:
            false, true = _any([(f, t) for t, f in laws])
        case Kind.OR:
            true, false = _any(laws)
        case Kind.XOR:
            true, false = 0.0, 1.0
            for t, f in laws:
                true, false = true * f + false * t, true * t + false * f
        case _:
            count = np.ones(1)
            for t, f in laws:
                count = np.append(count * f, 0) + np.append(0, count * t)
            true, false = float(count[max(need, 0) :].sum()), float(count[: max(need, 0)].sum())
    return true, false


def _any(laws: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Return the probabilities that any argument is true, and that none is."""
    if any(f == 0 for _, f in laws):
        return 1.0, 0.0
    log_none = math.fsum(math.log1p(-t) if t < 0.5 else math.log(f) for t, f in laws)
    return -math.expm1(log_none), math.exp(log_none)
