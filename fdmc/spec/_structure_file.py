"""Structures that stand in files of their own: fault trees, written into the document as formulas.

A document that was read is then whole: it can be loaded again anywhere, and its fingerprint is that
of its content. The laws in such a file are not used: the scenario's components have the lifetimes.
"""

import pathlib
import re
from collections.abc import Mapping
from typing import Any

from ._problem import Finding, Path, did_you_mean, shown
from ._structure import normal, why_not
from .fault_tree import FaultTree, FaultTreeError, Formula, read


MOST_OPERANDS = 5_000  # of a tree that is written out: a shared gate is written again at each use
MOST_NESTED = 12  # gates inside each other, once gates that are not needed are gone
_DEEPEST = 200  # ... and before
_COPY = re.compile(r"(?P<name>.+?)(?:\[(?P<inner>\d+)\]|-(?P<dash>\d+))")


def write_out(data: dict[str, Any], folder: pathlib.Path) -> tuple[list[Finding], list[Path]]:
    """Replace `structure: {file: ..}` of every unit by the formula of the file, seen from `folder`.

    **Returns:** what is wrong with the files, and the places that name one. A structure whose file is of
    no use is dropped from `data`.
    """
    findings: list[Finding] = []
    places: list[Path] = []
    units = data.get("units")
    for name, unit in units.items() if isinstance(units, dict) else ():
        value = unit.get("structure") if isinstance(unit, dict) else None
        if not isinstance(value, dict) or "file" not in value:
            continue
        file = _File(value, folder, ("units", name, "structure"))
        parts = unit.get("components")
        written = file.written(parts if isinstance(parts, dict) else {})
        findings += file.findings
        places.append(file.path)
        if written is None or file.findings:
            del unit["structure"]
        else:
            unit["structure"] = written
    return findings, places


class _TooMuch(Exception):
    """The tree unfolds to more than any unit needs."""


class _File:
    """One `{file: .., top: ..}`, and what is wrong with it."""

    def __init__(self, value: dict[str, Any], folder: pathlib.Path, path: Path):
        self.value, self.folder, self.path = value, folder, path
        self.findings: list[Finding] = []
        self.operands = 0
        self.components: Mapping[str, Any] = {}

    def written(self, components: Mapping[str, Any]) -> Any:
        """The formula as a document writes it; None when the file is of no use."""
        self.components = components
        for key in self.value.keys() - {"file", "top"}:
            hint = did_you_mean(str(key), ("file", "top"))
            self._wrong("unknown key", hint, key)
        tree = self._read()
        top = None if tree is None else self._top(tree)
        if tree is None or top is None:
            return None
        try:
            formula = self._operand(tree, top, top, 0)
            formula = normal(formula) if formula is not None else None
            if _depth(formula) > MOST_NESTED:
                raise _TooMuch(f"its gates nest deeper than {MOST_NESTED} levels")
        except _TooMuch as error:
            return self._wrong(str(error), "divide the unit")
        if isinstance(formula, bool):
            always = "always" if formula else "never"
            return self._wrong(f"'{top}' has {always} failed", "leave house events out")
        return _document(formula)

    def _read(self) -> FaultTree | None:
        name = self.value["file"]
        if not isinstance(name, str):
            return self._wrong(f"{shown(name)} is not a text", "name an .xml or .dft file")
        try:
            tree = read(self.folder / name)
        except FaultTreeError as error:
            for problem in error.problems:
                where = f"{name}, line {problem.line}" if problem.line else name
                at = f"{where}, {problem.path}" if problem.path else where
                self._wrong(f"{at}: {problem.message}", problem.suggestion)
            return None
        except (OSError, ValueError) as error:
            return self._wrong(f"{name} cannot be read ({error})", "")
        coupled = [*tree.dependencies, *tree.common_causes, *tree.shocks]
        if coupled:
            said = f"'{coupled[0]}' couples events, and only their gates can be used here"
            self._wrong(said, "write what they share as an event of its own")
        return tree

    def _top(self, tree: FaultTree) -> str | None:
        top = self.value.get("top")
        if top is None and len(tree.tops) == 1:
            return tree.tops[0]
        known = [*tree.gates, *tree.basic_events]
        if top is None:
            said = f"the file has {len(tree.tops)} top events"
            return self._wrong(said, did_you_mean("", tree.tops) or "name one of them", "top")
        if top not in known:
            said = f"no gate of the file is called {shown(top)}"
            return self._wrong(said, did_you_mean(str(top), tree.gates), "top")
        return top

    def _operand(
        self, tree: FaultTree, value: Formula | str | bool, gate: str, depth: int
    ) -> Formula | str | bool | None:
        """The operand over copies of components, constants folded; None when a finding says why."""
        self.operands += 1
        if self.operands > MOST_OPERANDS:
            raise _TooMuch(f"its shared gates unfold to more than {MOST_OPERANDS} operands")
        if depth > _DEEPEST:
            raise _TooMuch(f"its gates nest deeper than {_DEEPEST} levels")
        if isinstance(value, bool):
            return value
        if isinstance(value, Formula):
            return self._formula(tree, value, gate, depth)
        if value in tree.gates:
            return self._operand(tree, tree.gates[value].formula, value, depth + 1)
        if value in tree.house_events:
            return tree.house_events[value]
        return self._copy(value)

    def _formula(
        self, tree: FaultTree, formula: Formula, gate: str, depth: int
    ) -> Formula | str | bool | None:
        n = len(formula.args)
        votes = {"or": 1, "is": 1, "and": n, "atleast": formula.least}
        if formula.op == "cardinality" and formula.most >= n:
            votes["cardinality"] = formula.least
        if formula.op not in votes:
            return self._refuse(tree, formula.op, gate)
        found = [self._operand(tree, argument, gate, depth + 1) for argument in formula.args]
        if any(argument is None for argument in found):
            return None
        least = votes[formula.op] - sum(argument is True for argument in found)
        args = tuple(a for a in found if a is not None and not isinstance(a, bool))
        if least <= 0 or least > len(args):
            return least <= 0
        if least == 1:
            return Formula("or", tuple(dict.fromkeys(args)))
        if least == len(args):
            return Formula("and", tuple(dict.fromkeys(args)))
        if len(set(args)) < len(args):
            return self._wrong(f"gate '{gate}' counts an event twice", "name it once")
        return Formula("atleast", args, least)

    def _refuse(self, tree: FaultTree, op: str, gate: str) -> None:
        line = tree.gates[gate].line if gate in tree.gates else 0
        where = f"line {line}, gate '{gate}'" if line else f"gate '{gate}'"
        self._wrong(f"{where} is `{op}`: {why_not(op)}", "use or, and, atleast")

    def _copy(self, event: str) -> str | None:
        """The copy that an event is named after: `pump[0]`, or `pump-1` for the same; `pump` if alone."""
        match = None if event in self.components else _COPY.fullmatch(event)
        name = match["name"] if match else event
        if name not in self.components:
            said = f"event '{event}' is named after no component of the unit"
            return self._wrong(said, did_you_mean(name, self.components))
        group = self.components[name]
        count = group.get("count") if isinstance(group, dict) else group
        if not isinstance(count, int) or isinstance(count, bool) or count < 1:
            return event  # the forms say so
        copy = 0
        if match:  # fault trees count from one
            copy = int(match["inner"]) if match["inner"] else int(match["dash"]) - 1
        if not 0 <= copy < count or (match is None and count > 1):
            said = f"event '{event}' is no copy of '{name}'"
            many = f"name it {name}[0] to {name}[{count - 1}], or {name}-1 to {name}-{count}"
            return self._wrong(said, f"name it {name}" if count == 1 else many)
        return name if count == 1 else f"{name}[{copy}]"

    def _wrong(self, message: str, suggestion: str, key: str = "file") -> None:
        found = Finding((*self.path, key), message, suggestion)
        if found not in self.findings:
            self.findings.append(found)


def _depth(formula: Formula | str | bool | None) -> int:
    if not isinstance(formula, Formula):
        return 0
    return 1 + max(_depth(argument) for argument in formula.args)


def _document(formula: Formula | str | bool | None) -> Any:
    """A formula as a document writes it."""
    if not isinstance(formula, Formula):
        return formula
    args = [_document(argument) for argument in formula.args]
    if formula.op == "atleast":
        return {"atleast": {"failed": formula.least, "of": args}}
    return {formula.op: args}
