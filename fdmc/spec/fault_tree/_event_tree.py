"""The paths of event trees, from the initiating events to the sequences."""

import dataclasses
from collections.abc import Mapping

from .._problem import Problem
from ._error import FaultTreeError, quoted
from ._graph import names_in
from ._model import Collect, Expression, FaultTree, Fork, Formula, Goto, SetHouse, Step


MOST_STEPS = 500_000  # walked, over all paths of one initiating event: branches may multiply


@dataclasses.dataclass(frozen=True)
class SequencePath:
    """One way to a sequence.

    Its probability, given the initiating event, is that of `formula` (True: nothing was collected) under the
    states of the house events in `house`, times the product of `expressions`.
    """

    formula: Formula | bool
    expressions: tuple[Expression, ...]
    house: Mapping[str, bool]


def sequences(tree: FaultTree) -> dict[str, dict[str, tuple[SequencePath, ...]]]:
    """Walk the event tree of every initiating event: its paths, by initiating event and by sequence.

    A sequence that links to another event tree goes on there and is none of the result. The
    probability of a sequence is the sum over its paths, which exclude each other when the event tree is well made.

    **Raises:** `FaultTreeError` when the paths are too many to walk, or when a house event is set after a
    formula was collected that depends on it: tools differ about what that means.
    """
    found = {}
    for name, first in tree.initiating_events.items():
        walker = _Walker(tree, name)
        walker.walk(first)
        found[name] = {key: tuple(paths) for key, paths in walker.paths.items()}
    return found


@dataclasses.dataclass(frozen=True)
class _State:
    """Where a path stands: what follows, and what it has collected."""

    tree: str
    sequence: str
    steps: tuple[Step, ...]
    formulas: tuple[Formula, ...] = ()
    expressions: tuple[Expression, ...] = ()
    house: Mapping[str, bool] = dataclasses.field(default_factory=dict)


class _Walker:
    """Walks the paths of one initiating event, depth first and without recursion."""

    def __init__(self, tree: FaultTree, initiator: str):
        self.tree, self.initiator = tree, initiator
        self.paths: dict[str, list[SequencePath]] = {}
        self._depends: dict[int, frozenset[str]] = {}
        self._budget = MOST_STEPS

    def walk(self, name: str) -> None:
        """Follow every path of an event tree; sequences are listed in the order of their definition."""
        work = [_State(name, "", self.tree.event_trees[name].initial)]
        entered: set[str] = set()
        while work:
            state = work.pop()
            if state.tree not in entered:
                entered.add(state.tree)
                for key, _ in self._sequences(state.tree):
                    self.paths.setdefault(key, [])
            work += reversed(self._advance(state))
        for key, steps in [item for t in entered for item in self._sequences(t)]:
            if any(isinstance(step, Goto) for step in steps):
                del self.paths[key]  # it only leads on to another event tree

    def _sequences(self, tree: str) -> list[tuple[str, tuple[Step, ...]]]:
        return list(self.tree.event_trees[tree].sequences.items())

    def _advance(self, state: _State) -> list[_State]:
        """Walk to the next fork, or to the end of the path."""
        for step in state.steps:
            self._budget -= 1
            if self._budget < 0:
                self._refuse(f"its paths have more than {MOST_STEPS} steps in all")
            if isinstance(step, Collect):
                state = self._collect(state, step)
            elif isinstance(step, SetHouse):
                state = self._set(state, step)
            elif isinstance(step, Fork):
                return [dataclasses.replace(state, steps=steps) for _, steps in step.paths]
            else:
                return [self._go(state, step)]
        formula = Formula("and", state.formulas) if len(state.formulas) > 1 else True
        if len(state.formulas) == 1:
            formula = state.formulas[0]
        path = SequencePath(formula, state.expressions, state.house)
        self.paths.setdefault(state.sequence, []).append(path)
        return []

    def _collect(self, state: _State, step: Collect) -> _State:
        if isinstance(step.what, Formula):
            return dataclasses.replace(state, formulas=(*state.formulas, step.what))
        return dataclasses.replace(state, expressions=(*state.expressions, step.what))

    def _set(self, state: _State, step: SetHouse) -> _State:
        before = state.house.get(step.name, self.tree.house_events[step.name])
        if before != step.state:
            for formula in state.formulas:
                if step.name in self._reach(formula):
                    name = quoted(step.name)
                    self._refuse(f"house event {name} changes after a formula that depends on it")
        return dataclasses.replace(state, house={**state.house, step.name: step.state})

    def _go(self, state: _State, step: Goto) -> _State:
        here = self.tree.event_trees[state.tree]
        if step.kind == "branch":
            return dataclasses.replace(state, steps=here.branches[step.name])
        if step.kind == "sequence":
            return dataclasses.replace(state, sequence=step.name, steps=here.sequences[step.name])
        linked = self.tree.event_trees[step.name]
        return dataclasses.replace(state, tree=step.name, sequence="", steps=linked.initial)

    def _reach(self, formula: Formula) -> frozenset[str]:
        """Every name that the value of a formula depends on."""
        if id(formula) not in self._depends:
            seen: set[str] = set()
            work = names_in(formula)
            while work:
                name = work.pop()
                if name not in seen:
                    seen.add(name)
                    gate = self.tree.gates.get(name)
                    work += names_in(gate.formula) if gate else ()
            self._depends[id(formula)] = frozenset(seen)
        return self._depends[id(formula)]

    def _refuse(self, message: str) -> None:
        path = f"define-initiating-event {quoted(self.initiator)}"
        raise FaultTreeError(self.tree.name, [Problem(path, None, message)])
