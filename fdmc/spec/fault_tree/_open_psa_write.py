"""Fault trees written in the Open-PSA format."""

import itertools
import re
from collections.abc import Callable
from xml.sax.saxutils import escape, quoteattr

from ._check import refuse_if_wrong
from ._error import FaultTreeError, Place, Report, quoted
from ._model import BasicEvent, CommonCause, FaultTree
from ._open_psa import read_open_psa
from ._open_psa_names import MOST_NESTED, Definition, Names, Scope, wrong_name
from ._open_psa_nodes import Nodes
from ._same import refuse_unless_same
from ._words import UNITS
from ._xml import MOST_DEPTH, Node, XmlError, parse_xml


_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'


def to_open_psa(tree: FaultTree) -> str:
    """The text of an Open-PSA file that reads back as the same tree.

    **Raises:** `FaultTreeError` with every reason why the format cannot hold the tree.
    """
    refuse_if_wrong(tree)
    report = Report()
    root = _Writer(tree, report).root()
    text = "" if report.problems else _HEAD + _text(root, report)
    if report.problems:
        raise FaultTreeError(f"{tree.name} in Open-PSA", report.problems)

    def again(report: Report) -> FaultTree | None:
        try:
            return read_open_psa([parse_xml(text.encode())], "", report)
        except XmlError as error:
            report.add(error.place, error.message, error.suggestion)
            return None

    refuse_unless_same(tree, again, "Open-PSA")
    return text


class _Writer:
    """Builds the document; an element whose name has dots goes into the containers that they name."""

    def __init__(self, tree: FaultTree, report: Report):
        self.tree, self.report = tree, report
        self.document = Node("opsa-mef", {"name": tree.name}, 0, "", None)
        self.names = Names(report)
        self.containers: dict[tuple[str, ...], tuple[Node, Scope]] = {}
        self.nodes = Nodes(tree, self.names, report)
        self.main = self._main_name()

    def root(self) -> Node:
        """The document."""
        self._refusals()
        tree = self.tree
        tops = set(tree.tops)
        order = tuple(name for name in tree.gates if name in tops)
        first = [] if order == tree.tops else [name for name in tree.tops if name in tree.gates]
        kinds = [("gate", dict.fromkeys([*first, *tree.gates])), ("basic-event", tree.basic_events)]
        kinds += [("house-event", tree.house_events), ("parameter", tree.parameters)]
        # all names first: how an element is called from elsewhere depends on the others
        parts = [(kind, name, *self._enter(kind, name)) for kind, names in kinds for name in names]
        for kind, name, node, scope in parts:
            self._fill(kind, name, node, scope)
        for name, group in tree.common_causes.items():
            self._group(name, group)
        for name, target in tree.initiating_events.items():
            node = self._named("define-initiating-event", name, self.document)
            node.attributes["event-tree"] = target
            if name in tree.frequencies:
                self.nodes.expression(tree.frequencies[name], node, self.names.root)
        for name, event_tree in tree.event_trees.items():
            node = self._named("define-event-tree", name, self.document)
            for event in event_tree.functional_events:
                self._named("define-functional-event", event, node)
            for kind, steps in (
                ("sequence", event_tree.sequences),
                ("branch", event_tree.branches),
            ):
                for key, inner in steps.items():
                    self.nodes.steps(inner, self._named(f"define-{kind}", key, node))
            self.nodes.steps(event_tree.initial, self.nodes.child(node, "initial-state"))
        return self.document

    def _refusals(self) -> None:
        tree = self.tree
        if not tree.name:
            self.report.add(Place(), "the tree has no name")
        if tree.dependencies:
            message = f"it has no dependencies, and the tree {len(tree.dependencies)}"
            self.report.add(Place(), message, "write a Galileo file")
        if tree.shocks:
            message = f"it has no shocks, and the tree {len(tree.shocks)}"
            self.report.add(Place(), message, "expand them first")

    def _main_name(self) -> str:
        """A name for the container of what is public, that no path begins with."""
        tables = (self.tree.gates, self.tree.basic_events, self.tree.house_events)
        names = itertools.chain(*tables, self.tree.parameters)
        taken = {name.split(".")[0] for name in names if "." in name}
        main = "model" if wrong_name(self.tree.name) else self.tree.name
        while main in taken:
            main += "-public"
        return main

    def _enter(self, kind: str, name: str) -> tuple[Node, Scope]:
        *path, last = name.split(".")
        parent, scope = self._container(tuple(path) or (self.main,))
        node = self._named(f"define-{kind}", last, parent)
        if path:
            node.attributes["role"] = "private"
        space = "parameter" if kind == "parameter" else "event"
        found = Definition(kind, name, scope, node)
        scope.elements[space, last] = self.names.spaces[space][name] = found
        return node, scope

    def _container(self, path: tuple[str, ...]) -> tuple[Node, Scope]:
        if not path:
            return self.document, self.names.root
        if len(path) > MOST_NESTED:
            message = f"containers nest deeper than {MOST_NESTED} levels"
            self.report.add(Place(quoted(".".join(path))), message)
            path = path[:MOST_NESTED]
        if path not in self.containers:
            parent, outer = self.document, self.names.root
            for depth, name in enumerate(path, 1):
                if path[:depth] not in self.containers:
                    tag = "define-fault-tree" if depth == 1 else "define-component"
                    scope = Scope(name, outer, False, depth)
                    outer.inner[name] = scope
                    self.containers[path[:depth]] = self._named(tag, name, parent), scope
                parent, outer = self.containers[path[:depth]]
        return self.containers[path]

    def _named(self, tag: str, name: str, parent: Node) -> Node:
        wrong = wrong_name(name)
        if wrong:
            self.report.add(Place(f"{tag} {quoted(name)}"), wrong)
        return self.nodes.child(parent, tag, name=name)

    def _fill(self, kind: str, name: str, node: Node, scope: Scope) -> None:
        tree = self.tree
        if kind == "gate":
            gate = tree.gates[name]
            self._notes(node, gate.label, gate.attributes)
            self.nodes.formula(gate.formula, node, scope)
        elif kind == "basic-event":
            self._event(name, tree.basic_events[name], node, scope)
        elif kind == "house-event":
            self.nodes.truth(node, tree.house_events[name])
        else:
            unit = tree.units.get(name)
            if unit is not None:
                node.attributes["unit"] = unit
                if unit not in UNITS:
                    self.report.add(node.place, f"the unit {quoted(unit)} is not accepted")
            self.nodes.expression(tree.parameters[name], node, scope)

    def _event(self, name: str, event: BasicEvent, node: Node, scope: Scope) -> None:
        self._notes(node, event.label, event.attributes)
        if event.dormancy != 1.0 or event.repair is not None:
            self.report.add(node.place, "it has no dormancy and no repair", "write a Galileo file")
        groups = [g for g in self.tree.common_causes.values() if name in g.members]
        if not groups:
            self.nodes.expression(event.probability, node, scope)
        elif groups[0].probability != event.probability:
            self.report.add(node.place, "its probability is not that of its CCF group")

    def _notes(self, node: Node, label: str, attributes: tuple[tuple[str, str], ...]) -> None:
        if label:
            self.nodes.child(node, "label").text = label
        if attributes:
            inner = self.nodes.child(node, "attributes")
            for name, value in attributes:
                self.nodes.child(inner, "attribute", name=name, value=value)

    def _group(self, name: str, group: CommonCause) -> None:
        node = self._named("define-CCF-group", name, self.document)
        node.attributes["model"] = group.model
        scope = self.names.root
        members = self.nodes.child(node, "members")
        for member in group.members:
            self.nodes.reference("event", member, members, scope)
        self.nodes.expression(group.probability, self.nodes.child(node, "distribution"), scope)
        factors = self.nodes.child(node, "factors")
        for level, factor in group.factors:
            inner = self.nodes.child(factors, "factor", level=str(level))
            self.nodes.expression(factor, inner, scope)


def _text(root: Node, report: Report) -> str:
    """The document as text; characters that XML has not are a problem."""
    lines: list[str] = []
    work: list[tuple[Node | str, int]] = [(root, 0)]
    write: Callable[[str], None] = lines.append
    while work:
        node, depth = work.pop()
        if isinstance(node, str):
            write(node)
            continue
        if depth >= MOST_DEPTH:
            report.add(node.place, f"formulas nest deeper than {MOST_DEPTH} levels")
            break
        for value in (*node.attributes.values(), node.text):
            if _ILLEGAL.search(value):
                report.add(node.place, "it has characters that XML has not")
        attributes = "".join(f" {key}={quoteattr(value)}" for key, value in node.attributes.items())
        head = f"{'  ' * depth}<{node.tag}{attributes}"
        if node.text:
            write(f"{head}>{escape(node.text, {chr(13): '&#13;'})}</{node.tag}>")
        elif node.children:
            write(f"{head}>")
            work.append((f"{'  ' * depth}</{node.tag}>", depth))
            work += [(child, depth + 1) for child in reversed(node.children)]
        else:
            write(f"{head}/>")
    return "\n".join(lines) + "\n"
