"""Formulas, expressions and steps as elements of an Open-PSA document, without recursion."""

from collections.abc import Sequence

from ._error import Report, quoted
from ._model import (
    Call,
    Collect,
    Expression,
    FaultTree,
    Fork,
    Formula,
    Goto,
    MissionTime,
    Parameter,
    SetHouse,
    Step,
)
from ._open_psa_names import Names, Scope
from ._words import CONNECTIVES, EXPRESSION
from ._xml import Node


class Nodes:
    """Builds elements; a name that would mean something else where it stands is a problem."""

    def __init__(self, tree: FaultTree, names: Names, report: Report):
        self.tree, self.names, self.report = tree, names, report

    def child(self, parent: Node, tag: str, **attributes: str) -> Node:
        """Append an element to another."""
        node = Node(tag, attributes, 0, "", parent)
        parent.children.append(node)
        return node

    def truth(self, parent: Node, value: bool, tag: str = "constant") -> None:
        """Append a truth value."""
        self.child(parent, tag, value="true" if value else "false")

    def reference(self, space: str, name: str, parent: Node, scope: Scope) -> None:
        """Append a name, as it is called from a container."""
        found = self.names.spaces[space].get(name)
        tag = found.kind if found else space
        text = name
        if found is not None and self._means(space, name, scope) is not found:
            # something nearer has this name: use a path instead
            paths = (found.scope.path(found.node.name), name.split(".", 1)[-1])
            right = [path for path in paths if self._means(space, path, scope) is found]
            if right:
                text = right[0]
            else:
                message = f"{quoted(name)} means something else here"
                self.report.add(parent.place, message, "rename one of the two")
        self.child(parent, tag, name=text)

    def _means(self, space: str, name: str, scope: Scope) -> object:
        return self.names.resolve(space, name, scope)

    def formula(self, formula: Formula, parent: Node, scope: Scope) -> None:
        """Append a formula."""
        work: list[tuple[Formula | str | bool, Node]] = [(formula, parent)]
        if formula.op == "is" and not isinstance(formula.args[0], Formula):
            work = [(formula.args[0], parent)]
        while work:
            item, above = work.pop()
            if isinstance(item, bool):
                self.truth(above, item)
            elif isinstance(item, str):
                self.reference("event", item, above, scope)
            elif item.op not in CONNECTIVES:
                self.report.add(above.place, f"there is no formula `{item.op}` here")
            else:
                node = self.child(above, item.op)
                if item.op in ("atleast", "cardinality"):
                    node.attributes["min"] = str(item.least)
                if item.op == "cardinality":
                    node.attributes["max"] = str(item.most)
                work += [(arg, node) for arg in reversed(item.args)]

    def expression(self, expression: Expression, parent: Node, scope: Scope) -> None:
        """Append an expression."""
        work: list[tuple[Expression, Node]] = [(expression, parent)]
        while work:
            item, above = work.pop()
            if isinstance(item, bool):
                self.truth(above, item, "bool")
            elif isinstance(item, Parameter):
                self.reference("parameter", item.name, above, scope)
            elif isinstance(item, MissionTime):
                self.child(above, "system-mission-time")
            elif not isinstance(item, Call):
                self.child(above, "float", value=repr(float(item)))
            elif item.op not in EXPRESSION:
                hint = "write a Galileo file"
                self.report.add(above.place, f"it has no expression `{item.op}`", hint)
            else:
                work += reversed(self._arguments(item, self.child(above, item.op)))

    def _arguments(self, call: Call, node: Node) -> list[tuple[Expression, Node]]:
        """The arguments of an operation and the elements that they go into."""
        args = list(call.args)
        if call.op == "switch":
            pairs = [self.child(node, "case") for _ in args[1::2]]
            inner = [(arg, pairs[i // 2]) for i, arg in enumerate(args[:-1])]
            return [*inner, (args[-1], node)]
        if call.op == "histogram":
            self.expression(args[0], node, self.names.root)
            pairs = [self.child(node, "bin") for _ in args[1::2]]
            return [(arg, pairs[i // 2]) for i, arg in enumerate(args[1:])]
        return [(arg, node) for arg in args]

    def steps(self, steps: Sequence[Step], parent: Node) -> None:
        """Append the steps of a path of an event tree."""
        scope = self.names.root
        work: list[tuple[Step, Node]] = [(step, parent) for step in reversed(steps)]
        while work:
            step, above = work.pop()
            if isinstance(step, Collect):
                if isinstance(step.what, Formula):
                    self.formula(step.what, self.child(above, "collect-formula"), scope)
                else:
                    self.expression(step.what, self.child(above, "collect-expression"), scope)
            elif isinstance(step, SetHouse):
                node = self.child(above, "set-house-event", name=step.name)
                self.truth(node, step.state)
            elif isinstance(step, Goto):
                self.child(above, step.kind, name=step.name)
            elif isinstance(step, Fork):
                fork = self.child(above, "fork", **{"functional-event": step.event})
                for state, inner in step.paths:
                    path = self.child(fork, "path", state=state)
                    work += [(part, path) for part in reversed(inner)]
