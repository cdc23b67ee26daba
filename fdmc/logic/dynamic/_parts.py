"""Independent parts of a dynamic tree: what static gates may combine after each part is solved alone."""

import dataclasses

import numpy as np
from jaxtyping import Float

from ...spec.fault_tree import BasicEvent, FaultTree, Formula, Gate
from .._structure import structure
from ..diagrams import Diagram, diagram, probability
from ._names import NamedGate, Names


STATIC = ("and", "or", "is", "atleast")


@dataclasses.dataclass(frozen=True, eq=False)
class Leaf:
    """A part that is solved as one chain: the element `top` of `tree`."""

    tree: FaultTree
    top: str


@dataclasses.dataclass(frozen=True, eq=False)
class Combination:
    """At least `need` of independent parts."""

    need: int
    parts: tuple["Part", ...]


@dataclasses.dataclass(frozen=True, eq=False)
class Shared:
    """Static gates over independent parts that share some of them: a diagram whose events are `parts`."""

    diagram: Diagram
    parts: tuple["Part", ...]


Part = Leaf | Combination | Shared


def parts(tree: FaultTree, top: str, only_or: bool = False) -> Part:
    """Split a tree at its static gates, as far down as their arguments share nothing.

    **Arguments:** `only_or`, leave conjunctions and votes whole: the time of the first failure of a
    repairable conjunction is not that of its parts.
    """
    return _Splitter(tree, top, only_or).part(top)


def leaves(part: Part) -> list[Leaf]:
    """The parts that are solved as chains."""
    return [part] if isinstance(part, Leaf) else [x for p in part.parts for x in leaves(p)]


def combine(
    part: Part, values: dict[int, Float[np.ndarray, " times"]]
) -> Float[np.ndarray, " times"]:
    """The probability that the whole has failed; `values` holds that of each leaf, by `id(leaf)`."""
    if isinstance(part, Leaf):
        return values[id(part)]
    p = np.stack([combine(q, values) for q in part.parts])
    if isinstance(part, Shared):
        inside = np.clip(p, 0.0, 1.0).T
        return np.array([float(probability(part.diagram, column)[0]) for column in inside])
    if part.need == 1:
        with np.errstate(divide="ignore"):
            return -np.expm1(np.log1p(-np.minimum(p, 1.0)).sum(0))
    if part.need == len(p):
        return p.prod(0)
    return _at_least(part.need, p)


def surely(part: Part, sure: dict[int, bool]) -> bool:
    """True when the whole fails with probability one; `sure` says it of each leaf."""
    if isinstance(part, Leaf):
        return sure[id(part)]
    certain = [surely(q, sure) for q in part.parts]
    if isinstance(part, Shared):
        # Gates are coherent: the top event fails surely when it does so with those parts alone.
        return bool(probability(part.diagram, np.array(certain, np.float64))[0] == 1)
    return sum(certain) >= part.need


def _at_least(need: int, p: Float[np.ndarray, "parts times"]) -> Float[np.ndarray, " times"]:
    # count[j]: the probability of j failures among the parts seen, the last entry of `need` or more.
    count = np.zeros((need + 1, p.shape[1]))
    count[0] = 1.0
    for q in p:
        reached = count[need] + count[need - 1] * q
        count[1:need] = count[1:need] * (1 - q) + count[: need - 1] * q
        count[0] *= 1 - q
        count[need] = reached
    return count[need]


class _Splitter:
    def __init__(self, tree: FaultTree, root: str, only_or: bool):
        self.tree, self.root, self.only_or = tree, root, only_or
        self.names = Names(tree, root)
        self.known: dict[str, set[str]] = {}

    def part(self, name: str) -> Part:
        formula = self.names.formulas.get(name)
        if formula is None or formula.op not in STATIC or not formula.args:
            return Leaf(self.tree, name)
        if len(formula.args) == 1:
            return self.part(formula.args[0])
        args = self._flat(formula)
        need = {"and": len(args), "or": 1, "is": 1}.get(formula.op, formula.least)
        if self.only_or and need > 1:
            return Leaf(self.tree, name)
        groups = self._groups(args)
        split = need in (1, len(args)) or len(groups) == len(args)
        if len(groups) == 1 or not split or len(set(args)) < len(args):
            return self._shared(name)
        found = tuple(self._group(formula.op, group) for group in groups)
        return Combination(1 if need == 1 else len(found) if need == len(args) else need, found)

    def _flat(self, formula: NamedGate) -> list[str]:
        """The arguments, those of conjunctions in a conjunction and disjunctions in a disjunction too."""
        args: list[str] = []
        for a in formula.args:
            inner = self.names.formulas.get(a)
            same = inner is not None and inner.op == formula.op and formula.op in ("and", "or")
            args += self._flat(inner) if inner is not None and same else [a]
        return list(dict.fromkeys(args)) if formula.op in ("and", "or") else list(args)

    def _groups(self, args: list[str]) -> list[list[str]]:
        """Arguments grouped by what they share."""
        groups: list[tuple[set[str], list[str]]] = []
        for a in args:
            reach = self._reach(a)
            apart = [g for g in groups if not g[0] & reach]
            joined = [g for g in groups if g[0] & reach]
            members = [x for g in joined for x in g[1]] + [a]
            groups = [*apart, (reach.union(*(g[0] for g in joined)), members)]
        return [members for _, members in groups]

    def _reach(self, name: str) -> set[str]:
        if name not in self.known:
            self.known[name] = Names(self.tree, name, self.root).influences()
        return self.known[name]

    def _group(self, op: str, group: list[str]) -> Part:
        if len(group) == 1:
            return self.part(group[0])
        name = f"{op} of {', '.join(group)}"
        gate = Gate(Formula(op, tuple(group)))
        tree = dataclasses.replace(self.tree, gates={**self.tree.gates, name: gate})
        return _Splitter(tree, self.root, self.only_or)._shared(name)

    def _shared(self, name: str) -> Part:
        """Static gates down to parts that share nothing, as far as there are any below `name`."""
        whole = {x for d in self.tree.dependencies.values() for x in d.args}
        while not self.only_or and name not in whole:
            upper = self._upper(name, whole)
            above: dict[str, set[str]] = {}
            for gate in upper:
                for a in self.names.formulas[gate].args:
                    if a not in upper:
                        above.setdefault(a, set()).add(gate)
            joined = {x for g in self._groups(list(above)) if len(g) > 1 for x in g}
            if not joined:
                return (
                    self._diagram(name, upper, list(above))
                    if len(above) > 1
                    else Leaf(self.tree, name)
                )
            for a in joined:
                whole |= above[a]
        return Leaf(self.tree, name)

    def _upper(self, name: str, whole: set[str]) -> set[str]:
        """The static gates reached from `name` through static gates, none of them in `whole`."""
        upper, work = {name}, [name]
        while work:
            for a in self.names.formulas[work.pop()].args:
                formula = self.names.formulas.get(a)
                if formula is not None and formula.op in STATIC and not {a} & (whole | upper):
                    upper.add(a)
                    work.append(a)
        return upper

    def _diagram(self, name: str, upper: set[str], below: list[str]) -> Part:
        events = {a: BasicEvent(0.5) for a in below}
        found = {g: self.names.formulas[g] for g in upper}
        gates = {g: Gate(Formula(f.op, f.args, f.least)) for g, f in found.items()}
        static = FaultTree(name, (name,), gates, events)
        return Shared(diagram(structure(static, [name])), tuple(self.part(a) for a in below))
