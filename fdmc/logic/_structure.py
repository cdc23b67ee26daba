"""The structure function as arrays: events and two-valued gates in topological order.

A literal is `2 * node + negated`; node 0 is the constant false, so literal 0 is false and literal 1 is true.
Nodes 1 .. events are the basic events; the gates follow, every gate after its arguments.
"""

import dataclasses
import enum
from collections.abc import Mapping, Sequence

import numpy as np

from ..spec.fault_tree import FaultTree, Formula


class Kind(enum.IntEnum):
    """What a gate does with its arguments; every other connective is one of these and negation."""

    AND = 0
    OR = 1
    VOTE = 2
    XOR = 3


@dataclasses.dataclass(frozen=True, eq=False)
class Structure:
    """Gates over events, arguments of gate g at `child[offset[g] : offset[g + 1]]` (literals).

    `kind` int8[gates], `need` int32[gates] (the k of VOTE, else 0), `offset` int32[gates + 1],
    `child` int32[arguments], `roots` int32[roots] (literals). `events` and `gates` are names; a gate that has no name
    of its own has "". XOR is the parity of its arguments.
    """

    events: tuple[str, ...]
    gates: tuple[str, ...]
    kind: np.ndarray
    need: np.ndarray
    offset: np.ndarray
    child: np.ndarray
    roots: np.ndarray

    def arguments(self, gate: int) -> np.ndarray:
        """The literals of one gate, int32[arguments]."""
        return self.child[self.offset[gate] : self.offset[gate + 1]]


def structure(
    tree: FaultTree,
    roots: Sequence[str | bool | Formula],
    house: Mapping[str, bool] | None = None,
    free: Sequence[str] = (),
) -> Structure:
    """Lower the formulas of static `roots` into arrays.

    **Arguments:** `roots`, names of gates or events, constants, or formulas; `house`, states of house events that
    differ from the tree's; `free`, house events that stay events of the structure (their probability is then 0 or 1).

    **Raises:** ValueError for a connective whose value depends on the order of failures.
    """
    states = dict(tree.house_events) | dict(house or {})
    builder = _Builder(tree, {n: s for n, s in states.items() if n not in free}, tuple(free))
    literals = [builder.literal(root) for root in roots]
    return builder.finish(literals)


class _Builder:
    """Visits formulas depth first and appends each gate once, after its arguments."""

    def __init__(self, tree: FaultTree, house: Mapping[str, bool], free: tuple[str, ...]):
        self.tree, self.house = tree, house
        names = (*tree.basic_events, *free)
        self.literals: dict[str, int] = {name: 2 * i + 2 for i, name in enumerate(names)}
        self.events = names
        self.known: dict[tuple, int] = {}
        self.rows: list[tuple[str, Kind, int, tuple[int, ...]]] = []

    def literal(self, root: str | bool | Formula) -> int:
        """The literal of a name, constant or formula, without recursion: trees are deep."""
        done: list[int] = []
        work: list = [root]
        while work:
            item = work.pop()
            if isinstance(item, tuple):
                formula, name = item
                count = len(formula.args)
                args = tuple(done[len(done) - count :])
                del done[len(done) - count :]
                done.append(self._gate(formula, args, name))
            elif isinstance(item, bool):
                done.append(int(item))
            elif isinstance(item, Formula):
                work += [(item, ""), *reversed(item.args)]
            elif item in self.literals:
                done.append(self.literals[item])
            elif item in self.house:
                done.append(int(self.house[item]))
            else:
                formula = self.tree.gates[item].formula
                work += [(formula, item), *reversed(formula.args)]
        return done[0]

    def _gate(self, formula: Formula, args: tuple[int, ...], name: str) -> int:
        literal = self._connective(formula, args, name)
        if name:
            self.literals[name] = literal
        return literal

    def _connective(self, formula: Formula, args: tuple[int, ...], name: str) -> int:
        negated = tuple(a ^ 1 for a in args)
        match formula.op:
            case "and":
                return self._add(name, Kind.AND, 0, args)
            case "or":
                return self._add(name, Kind.OR, 0, args)
            case "nand":
                return self._add(name, Kind.AND, 0, args) ^ 1
            case "nor":
                return self._add(name, Kind.OR, 0, args) ^ 1
            case "not":
                return negated[0]
            case "is":
                return args[0]
            case "xor":
                return self._add(name, Kind.XOR, 0, args)
            case "iff":
                return self._add(name, Kind.XOR, 0, args) ^ 1
            case "imply":
                return self._add(name, Kind.OR, 0, (negated[0], args[1]))
            case "atleast":
                return self._vote(name, formula.least, args)
            case "cardinality":
                low = self._vote("", formula.least, args)
                high = self._vote("", formula.most + 1, args)
                return self._add(name, Kind.AND, 0, (low, high ^ 1))
        raise ValueError(
            f"`{formula.op}` depends on the order of failures; it has no state reading."
        )

    def _vote(self, name: str, need: int, args: tuple[int, ...]) -> int:
        if need <= 0:
            return 1
        if need > len(args):
            return 0
        if need in (1, len(args)):
            return self._add(name, Kind.OR if need == 1 else Kind.AND, 0, args)
        return self._add(name, Kind.VOTE, need, args)

    def _add(self, name: str, kind: Kind, need: int, args: tuple[int, ...]) -> int:
        key = (kind, need, tuple(sorted(args)))
        if key not in self.known:
            self.known[key] = 2 * (1 + len(self.events) + len(self.rows))
            self.rows.append((name, kind, need, args))
        return self.known[key]

    def finish(self, roots: Sequence[int]) -> Structure:
        """Return the arrays."""
        counts = [len(row[3]) for row in self.rows]
        return Structure(
            self.events,
            tuple(row[0] for row in self.rows),
            np.array([row[1] for row in self.rows], np.int8),
            np.array([row[2] for row in self.rows], np.int32),
            np.concatenate([[0], np.cumsum(counts)]).astype(np.int32),
            np.array([a for row in self.rows for a in row[3]], np.int32),
            np.array(roots, np.int32),
        )
