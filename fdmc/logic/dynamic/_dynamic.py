"""Dynamic fault trees as arrays: events, gates in topological order, dependencies and activation.

What the arrays mean, rule by rule, stands in `docs/fault-trees-dynamic.md`.
"""

import dataclasses
import enum
from collections.abc import Sequence

import numpy as np

from ...spec.fault_tree import FaultTree
from ._law import Law, Lifetime, lifetime
from ._names import Names


class DynamicKind(enum.IntEnum):
    """What a gate of a dynamic tree does with its arguments."""

    AND = 0
    OR = 1
    VOTE = 2
    PAND = 3
    PAND_EXCLUSIVE = 4
    POR = 5
    POR_EXCLUSIVE = 6
    SPARE = 7


KINDS = {
    "and": DynamicKind.AND,
    "or": DynamicKind.OR,
    "is": DynamicKind.OR,
    "atleast": DynamicKind.VOTE,
    "pand": DynamicKind.PAND,
    "pand-exclusive": DynamicKind.PAND_EXCLUSIVE,
    "por": DynamicKind.POR,
    "por-exclusive": DynamicKind.POR_EXCLUSIVE,
    "spare": DynamicKind.SPARE,
}


@dataclasses.dataclass(frozen=True)
class Inspection:
    """Elements renewed together at the end of every stage of `phases` exponential phases of `rate`."""

    members: tuple[int, ...]
    phases: int
    rate: float


@dataclasses.dataclass(frozen=True, eq=False)
class DynamicStructure:
    """A dynamic tree: elements 0 .. events - 1 are events, the gates follow, each after its arguments.

    `top`: the element whose failure is asked. Events: `lifetimes`, `dormancy` float64[events] (the factor on an
    event's ageing while it is dormant), `repairs` (a law or None). Gates: `kind` int8[gates], `need`
    int32[gates] (the k of VOTE), arguments of gate g are `child[offset[g] : offset[g + 1]]` (elements). Dependencies,
    one row each and in order: when `trigger` fails, `dependent` (an event) fails with `dependency_prob`.
    When `repair_trigger` comes back, `repair_dependent` comes back. `sequences` and `mutexes` hold elements.
    `modules[a]` are the events and spare gates that are activated when a spare gate begins to use
    its argument `child[a]`; () for arguments of other gates. `active` bool[elements]: active from the start.
    `start`: a hidden event that fails at time zero and triggers events of constant probability, or -1.
    """

    events: tuple[str, ...]
    gates: tuple[str, ...]
    top: int
    lifetimes: tuple[Lifetime, ...]
    dormancy: np.ndarray
    repairs: tuple[Lifetime | None, ...]
    kind: np.ndarray
    need: np.ndarray
    offset: np.ndarray
    child: np.ndarray
    trigger: np.ndarray
    dependent: np.ndarray
    dependency_prob: np.ndarray
    repair_trigger: np.ndarray
    repair_dependent: np.ndarray
    sequences: tuple[tuple[int, ...], ...]
    mutexes: tuple[tuple[int, ...], ...]
    inspections: tuple[Inspection, ...]
    modules: tuple[tuple[int, ...], ...]
    active: np.ndarray
    start: int

    def arguments(self, gate: int) -> np.ndarray:
        """The elements under one gate (numbered from zero among the gates), int32[arguments]."""
        return self.child[self.offset[gate] : self.offset[gate + 1]]

    @property
    def repairable(self) -> bool:
        """True when a failed element can come back."""
        return any(r is not None for r in self.repairs) or bool(self.inspections)


def dynamic_structure(
    tree: FaultTree, top: str | None = None, root: str | None = None
) -> DynamicStructure:
    """Lower a dynamic tree into arrays; what cannot influence `top` is left out.

    **Arguments:** `top`, a gate or an event (the tree's first top event without it); `root`, the gate whose
    arguments are active from the start, when `top` is only a part of a tree.

    **Raises:** ValueError for what has no meaning in time: negation, a law that is no lifetime, a cycle of
    gates, a dependent that is no event, common causes and shocks on events of the tree.
    """
    names = Names(tree, top or tree.tops[0], root)
    return _Lowering(tree, names).finish()


class _Lowering:
    """Numbers the elements that matter and fills the arrays."""

    def __init__(self, tree: FaultTree, names: Names):
        self.tree, self.names = tree, names
        self.events = [n for n in tree.basic_events if n in names.needed]
        self.gates = names.order()
        laws = {n: lifetime(tree, tree.basic_events[n].probability, n) for n in self.events}
        self.hidden: dict[str, Lifetime] = {}
        rows = self._dependencies()
        chance = {n: law.parameters[0] for n, law in laws.items() if law.law == Law.CONSTANT}
        chance |= {n: float(state) for n, state in names.constants.items() if n in names.needed}
        self.hidden |= {n: Lifetime(Law.CONSTANT, (chance[n],)) for n in chance if n not in laws}
        starts = [("start of time", n, p) for n, p in chance.items() if p > 0]
        if starts:
            self.hidden["start of time"] = Lifetime(Law.CONSTANT, (1.0,))
        # The order settles races that Storm leaves open; its reference values take the lower bound.
        self.rows = starts + rows[::-1]
        self.laws = laws | self.hidden
        self.number = {n: i for i, n in enumerate([*self.laws, *self.gates])}

    def _dependencies(self) -> list[tuple[str, str, float]]:
        """(trigger, dependent, probability); one coin for all dependents is a hidden event between."""
        rows = []
        for name, dependency in self.tree.dependencies.items():
            if dependency.kind != "fdep":
                continue
            trigger, *dependents = dependency.args
            wanted = [d for d in dependents if d in self.names.needed]
            for d in wanted:
                if d not in self.tree.basic_events:
                    raise ValueError(f"the dependency {name} fails {d}, which is no basic event.")
            p = dependency.probability
            if p < 1 and len(wanted) > 1:
                coin = f"{name} succeeds"
                self.hidden[coin] = Lifetime(Law.EXPONENTIAL, (0.0,))
                rows += [(trigger, coin, p), *((coin, d, 1.0) for d in wanted)]
            elif p > 0:
                rows += [(trigger, d, p) for d in wanted]
        return rows

    def _ids(self, names: Sequence[str]) -> tuple[int, ...]:
        return tuple(self.number[n] for n in names if n in self.number)

    def _of_kind(self, kind: str) -> list[tuple[int, ...]]:
        return [self._ids(d.args) for d in self.tree.dependencies.values() if d.kind == kind]

    def _repairs(self) -> tuple[Lifetime | None, ...]:
        laws: list[Lifetime | None] = []
        for name in self.laws:
            event = self.tree.basic_events.get(name)
            law = None
            if event is not None and event.repair is not None:
                law = lifetime(self.tree, event.repair, f"{name} (repair)")
            laws.append(
                None if law and law.law <= Law.EXPONENTIAL and law.parameters[0] == 0 else law
            )
        return tuple(laws)

    def finish(self) -> DynamicStructure:
        """Return the arrays."""
        formulas = [self.names.formulas[g] for g in self.gates]
        counts = [len(f.args) for f in formulas]
        modules, active = self._activation(formulas)
        renewals = [(r[0], d) for r in self._of_kind("rdep") for d in r[1:]] + [
            (self.number[t], self.number[d]) for t, d, _ in self.rows if d in self.hidden
        ]
        events = self.tree.basic_events
        dormancy = [events[n].dormancy if n in events else 1.0 for n in self.laws]
        return DynamicStructure(
            tuple(self.laws),
            tuple(self.gates),
            self.number[self.names.top],
            tuple(self.laws.values()),
            np.array(dormancy, np.float64),
            self._repairs(),
            np.array([KINDS[f.op] for f in formulas], np.int8),
            np.array([f.least for f in formulas], np.int32),
            np.concatenate([[0], np.cumsum(counts)]).astype(np.int32),
            np.array([self.number[a] for f in formulas for a in f.args], np.int32),
            np.array([self.number[t] for t, _, _ in self.rows], np.int32),
            np.array([self.number[d] for _, d, _ in self.rows], np.int32),
            np.array([p for _, _, p in self.rows], np.float64),
            np.array([t for t, _ in renewals], np.int32),
            np.array([d for _, d in renewals], np.int32),
            tuple(s for s in self._of_kind("seq") if len(s) > 1),
            tuple(m for m in self._of_kind("mutex") if len(m) > 1),
            self._inspections(),
            modules,
            active,
            self.number.get("start of time", -1),
        )

    def _inspections(self) -> tuple[Inspection, ...]:
        found = [d for d in self.tree.dependencies.values() if d.kind == "inspection"]
        rows = [Inspection(self._ids(d.args), d.phases, d.rate) for d in found]
        return tuple(r for r in rows if r.members)

    def _activation(self, formulas: list) -> tuple[tuple[tuple[int, ...], ...], np.ndarray]:
        """What each argument of a spare gate activates, and what is active from the start."""
        awake = self.names.module(self.names.root)
        modules, dormant = [], set()
        for formula in formulas:
            for argument in formula.args:
                module: tuple[str, ...] = ()
                if formula.op == "spare":
                    module = self.names.module(argument)
                    dormant |= set(module) - set(awake)
                modules.append(self._ids(module))
        active = [n not in dormant for n in self.number]
        return tuple(modules), np.array(active, bool)
