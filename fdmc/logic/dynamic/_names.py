"""Which named elements of a dynamic tree matter to a top event, and which are activated together."""

import dataclasses
import graphlib
from collections.abc import Iterable

from ...spec.fault_tree import DYNAMIC, FaultTree, Formula


ORDERED = ("and", "or", "is", "atleast", *DYNAMIC)
"""The connectives that have a meaning in time: none of them is repaired by a failure."""


@dataclasses.dataclass(frozen=True)
class NamedGate:
    """A connective over names; `least` is the k of `atleast`."""

    op: str
    args: tuple[str, ...]
    least: int = 0


class Names:
    """The formulas of a tree flattened to names, and what `top` depends on.

    `formulas[gate]` has names alone for arguments (dependencies among them are left out); `constants` are house
    events and the two constants; `needed` holds every element that can influence `top`. What is joined to
    `root` is active from the start.
    """

    def __init__(self, tree: FaultTree, top: str, root: str | None = None):
        self.tree, self.top, self.root = tree, top, root or top
        self.formulas: dict[str, NamedGate] = {}
        self.constants = dict(tree.house_events) | {"true": True, "false": False}
        for name, gate in tree.gates.items():
            self._flatten(name, gate.formula)
        if top not in self.formulas and top not in tree.basic_events:
            raise ValueError(f"the tree has no gate or event {top}.")
        self.parents: dict[str, list[str]] = {}
        for name, formula in self.formulas.items():
            for argument in formula.args if formula.op != "spare" else ():
                self.parents.setdefault(argument, []).append(name)
        self.needed = self._closure()
        self._check()

    def _flatten(self, name: str, formula: Formula) -> None:
        args: list[str] = []
        for place, argument in enumerate(formula.args):
            if isinstance(argument, Formula):
                args.append(f"{name}/{place}")
                self._flatten(args[-1], argument)
            elif isinstance(argument, bool):
                args.append("true" if argument else "false")
            elif argument not in self.tree.dependencies:
                args.append(argument)
        self.formulas[name] = NamedGate(formula.op, tuple(args), formula.least)

    def _check(self) -> None:
        for name in self.needed:
            formula = self.formulas.get(name)
            if formula is not None and formula.op not in ORDERED:
                raise ValueError(
                    f"the gate {name} is `{formula.op}`, which has no meaning in a dynamic tree."
                )
            if formula is not None and formula.op == "atleast":
                if not 1 <= formula.least <= len(formula.args):
                    raise ValueError(
                        f"the gate {name} needs {formula.least} of {len(formula.args)} arguments."
                    )
            if formula is None and name not in {**self.tree.basic_events, **self.constants}:
                raise ValueError(f"the tree refers to {name}, which it does not define.")
        for group in (*self.tree.common_causes.values(), *self.tree.shocks.values()):
            if set(group.members) & self.needed:
                raise ValueError(
                    "common causes and shocks on events of a dynamic tree are not supported: "
                    "write each cause as an event and a dependency."
                )

    def below(self, names: Iterable[str]) -> set[str]:
        """The names and everything under them."""
        seen: set[str] = set()
        work = list(names)
        while work:
            name = work.pop()
            if name not in seen:
                seen.add(name)
                work += self.formulas[name].args if name in self.formulas else ()
        return seen

    def _closure(self) -> set[str]:
        """Follow arguments, triggers, restrictions and claims until nothing is added."""
        needed = self.below([self.top])
        while True:
            more = set()
            for d in self.tree.dependencies.values():
                if d.kind in ("seq", "mutex") and needed & self.below(d.args):
                    more |= set(d.args)
                elif d.kind in ("fdep", "rdep") and needed & set(d.args[1:]):
                    more.add(d.args[0])
            for name, formula in self.formulas.items():
                if formula.op == "spare" and self.below(formula.args) & needed:
                    more.add(name)
            grown = needed | self.below(more)
            if grown == needed:
                return needed
            needed = grown

    def influences(self) -> set[str]:
        """What `top` depends on by chance: its elements, constants left out, and its inspections."""
        found = self.needed - set(self.constants)
        for name, d in self.tree.dependencies.items():
            if d.kind == "inspection" and found & set(d.args):
                found.add(f"inspection {name}")
        return found

    def order(self) -> list[str]:
        """The needed gates by level, within a level as written; ValueError on a cycle."""
        graph = {n: f.args for n, f in self.formulas.items() if n in self.needed}
        try:
            ordered = list(graphlib.TopologicalSorter(graph).static_order())
        except graphlib.CycleError as error:
            raise ValueError(f"the gate {error.args[1][0]} stands below itself.") from None
        level = dict.fromkeys(self.tree.basic_events, 0)
        for name in ordered:
            level[name] = 1 + max((level[a] for a in graph.get(name, ())), default=-1)
        return sorted(graph, key=lambda name: level[name])

    def module(self, argument: str) -> tuple[str, ...]:
        """The events and spare gates that are activated with an element.

        They are joined to it through gates that are no spare gates, downward and upward.
        """
        seen, work = {argument}, [argument]
        while work:
            name = work.pop()
            formula = self.formulas.get(name)
            if formula is not None and formula.op == "spare":
                continue
            near = {*(formula.args if formula else ()), *self.parents.get(name, ())} - seen
            work += near
            seen |= near
        every = (*self.tree.basic_events, *self.formulas)
        leaves = {n for n in seen if n not in self.formulas or self.formulas[n].op == "spare"}
        return tuple(n for n in every if n in leaves)
