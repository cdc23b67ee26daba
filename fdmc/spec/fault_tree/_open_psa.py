"""Open-PSA models read from one or several documents."""

from collections.abc import Sequence

from ._check import Places, check
from ._error import Report, quoted
from ._graph import references
from ._model import BasicEvent, CommonCause, EventTree, Expression, FaultTree, Formula, Gate
from ._number import integer
from ._open_psa_event_tree import EventTreeReader
from ._open_psa_expression import ExpressionReader
from ._open_psa_formula import FormulaReader
from ._open_psa_names import Definition, Names, Scope
from ._open_psa_schema import check_elements
from ._words import CCF_MODELS, UNITS
from ._xml import Node


Notes = tuple[tuple[str, str], ...]


def read_open_psa(roots: Sequence[Node], name: str, report: Report) -> FaultTree:
    """The model that the documents make together; problems go to the report.

    **Arguments:** `roots`, the documents; `name`, what the model is called when no document says.
    """
    for root in roots:
        check_elements(root, report)
    reader = _Reader(report)
    for root in roots:
        reader.collect(root)
    return reader.build(name, roots)


class _Reader:
    """Two passes: definitions first, because a name may be used before it is defined."""

    def __init__(self, report: Report):
        self.report = report
        self.names = Names(report)
        self.formulas = FormulaReader(self.names, report)
        self.expressions = ExpressionReader(self.names, report)
        self.steps = EventTreeReader(self.names.root, self.formulas, self.expressions, report)
        self.groups: dict[str, Node] = {}
        self.group_scopes: dict[str, Scope] = {}
        self.trees: dict[str, Node] = {}
        self.initiators: dict[str, Node] = {}
        self.fault_trees: list[str] = []
        self.places: Places = {}

    def collect(self, root: Node) -> None:
        """The first pass: enter what a document defines, in its order."""
        work: list[tuple[Node, Scope]] = [(root, self.names.root)]
        while work:
            node, scope = work.pop()
            kind = node.tag.removeprefix("define-")
            if node.tag in ("opsa-mef", "model-data"):
                work += [(child, scope) for child in reversed(node.children)]
            elif node.tag in ("define-fault-tree", "define-component"):
                self.fault_trees += [node.name] if node.tag == "define-fault-tree" else []
                inner = self.names.container(node, scope)
                work += [(child, inner) for child in reversed(node.children)]
            elif kind in ("gate", "basic-event", "house-event", "parameter"):
                self.names.define(kind, node, scope)
            elif kind == "CCF-group":
                self.steps.enter(node, self.groups)
                self.group_scopes.setdefault(node.name, scope)
            elif kind in ("event-tree", "initiating-event", "rule"):
                tables = {"event-tree": self.trees, "rule": self.steps.rules}
                self.steps.enter(node, tables.get(kind, self.initiators))

    def build(self, name: str, roots: Sequence[Node]) -> FaultTree:
        """The second pass: formulas and expressions, then what is wrong with the whole."""
        groups = self._groups()
        gates, events = self._gates(), self._events(groups)
        parameters, units = self._parameters()
        initiators, frequencies = self._initiators()
        for rule in self.steps.rules.values():
            self.steps.steps(rule)  # those that nobody names are read too, for their mistakes
        trees: dict[str, EventTree] = {}
        for key, node in self.trees.items():
            self.places["event-tree", key] = node.place
            trees[key] = self.steps.read(node, self.places)
        titles = [root.name for root in roots if root.name] or self.fault_trees
        used = references(gates)
        tree = FaultTree(
            name=next((title for title in titles if title), name),
            tops=tuple(gate for gate in gates if gate not in used),
            gates=gates,
            basic_events=events,
            house_events=self._houses(),
            parameters=parameters,
            common_causes=groups,
            event_trees=trees,
            initiating_events=initiators,
            units=units,
            frequencies=frequencies,
        )
        check(tree, self.places, self.report, self.steps.places)
        return tree

    def _of(self, space: str, kind: str) -> list[Definition]:
        found = [d for d in self.names.spaces[space].values() if d.kind == kind]
        self.places.update({(kind, d.name): d.node.place for d in found})
        return found

    def _gates(self) -> dict[str, Gate]:
        gates = {}
        for found in self._of("event", "gate"):
            formula = self.formulas.one(found.node, found.scope)
            label, notes = self._notes(found.node)
            # a gate without a formula stays, so that those who name it are not wrong too
            formula = formula or Formula("is", (False,))
            gates[found.name] = Gate(formula, label, notes, found.node.line)
        return gates

    def _events(self, groups: dict[str, CommonCause]) -> dict[str, BasicEvent]:
        of_group = {name: group.probability for group in groups.values() for name in group.members}
        events = {}
        for found in self._of("event", "basic-event"):
            label, notes = self._notes(found.node)
            own = self.expressions.children(found.node)
            probability: Expression | None = of_group.get(found.name)
            if probability is None and not own:
                if found.node.whole and found.node.tag == "define-basic-event":
                    hint = "write <float value=.../> or a law inside it, or make it a member of a CCF group"
                    self.report.add(found.node.place, "no probability is given", hint)
            elif probability is None:
                probability = self.expressions.one(found.node, found.scope)
            elif own:
                message = "has a probability of its own, and is a member of a CCF group"
                self.report.add(found.node.place, message, "the group gives it its probability")
            value = 0.0 if probability is None else probability
            line = found.node.line
            events[found.name] = BasicEvent(value, label=label, attributes=notes, line=line)
        return events

    def _houses(self) -> dict[str, bool]:
        states = {}
        for found in self._of("event", "house-event"):
            constants = [child for child in found.node.children if child.tag == "constant"]
            if len(constants) > 1:
                self.report.add(found.node.place, "has more than one constant")
            self._notes(found.node)
            states[found.name] = bool(constants and self.formulas.boolean(constants[0]))
        return states

    def _parameters(self) -> tuple[dict[str, Expression], dict[str, str]]:
        values: dict[str, Expression] = {}
        units: dict[str, str] = {}
        for found in self._of("parameter", "parameter"):
            value = self.expressions.one(found.node, found.scope)
            values[found.name] = 0.0 if value is None else value
            unit = found.node.attributes.get("unit")
            self._notes(found.node)
            if unit in UNITS:
                units[found.name] = unit
            elif unit is not None:
                hint = f"convert the value; times are hours, rates per hour ({', '.join(UNITS)})"
                self.report.add(found.node.place, f"the unit {quoted(unit)} is not accepted", hint)
        return values, units

    def _groups(self) -> dict[str, CommonCause]:
        """CCF groups; a member that is defined nowhere else is defined by its group."""
        groups = {}
        for name, node in self.groups.items():
            scope = self.group_scopes[name]
            self.places["CCF-group", name] = node.place
            self._notes(node)
            members = [m for part in self._only(node, "members") for m in part.children]
            names = [self._member(member, scope) for member in members]
            model = node.attributes.get("model", "")
            if model not in CCF_MODELS:
                hint = self.report.like(model, CCF_MODELS)
                self.report.add(node.place, f"unknown model {quoted(model)}", hint)
                continue
            inner = self._only(node, "distribution")
            value = self.expressions.one(inner[0], scope) if inner else None
            factors = self._factors(node, scope)
            found = tuple(member for member in names if member is not None)
            probability = 0.0 if value is None else value
            groups[name] = CommonCause(model, found, probability, factors, node.line)
        return groups

    def _only(self, node: Node, tag: str) -> list[Node]:
        found = [child for child in node.children if child.tag == tag]
        if len(found) != 1:
            self.report.add(node.place, f"needs one <{tag}>, but has {len(found)}")
        return found[:1]

    def _member(self, node: Node, scope: Scope) -> str | None:
        if "name" not in node.attributes:
            return None
        found = self.names.resolve("event", node.name, scope)
        found = found or self.names.define("basic-event", node, scope)
        if found is not None and found.kind != "basic-event":
            self.report.add(node.place, f"is a {found.kind}; only basic events are members")
            return None
        return found.name if found else None

    def _factors(self, node: Node, scope: Scope) -> tuple[tuple[int, Expression], ...]:
        """Factors by level, in the order of levels; without a level it is the one after the last."""
        inner = [child for child in node.children if child.tag in ("factor", "factors")]
        nodes = [
            f for child in inner for f in ([child] if child.tag == "factor" else child.children)
        ]
        factors: dict[int, Expression] = {}
        last = 0 if node.attributes.get("model") in ("alpha-factor", "phi-factor") else 1
        for factor in nodes:
            text = factor.attributes.get("level")
            level = last + 1 if text is None else integer(text)
            value = self.expressions.one(factor, scope)
            if isinstance(level, str):
                self.report.add(factor.place, f'attribute "level" {level}')
                continue
            if level in factors:
                self.report.add(factor.place, f"level {level} has a factor already")
            factors[level] = 0.0 if value is None else value
            last = level
        return tuple(sorted(factors.items(), key=lambda item: item[0]))

    def _initiators(self) -> tuple[dict[str, str], dict[str, Expression]]:
        trees: dict[str, str] = {}
        frequencies: dict[str, Expression] = {}
        for name, node in self.initiators.items():
            self.places["initiating-event", name] = node.place
            self._notes(node)
            if "event-tree" not in node.attributes:
                message = "has no event tree, so that nothing follows from it"
                self.report.add(node.place, message, 'write event-tree="..."')
                continue
            trees[name] = node.attributes["event-tree"]
            if self.expressions.children(node):
                value = self.expressions.one(node, self.names.root)
                frequencies |= {} if value is None else {name: value}
        return trees, frequencies

    def _notes(self, node: Node) -> tuple[str, Notes]:
        """The label and the attributes of an element."""
        both = [child for child in node.children if child.tag in ("label", "attributes")]
        if not both:
            return "", ()
        labels = [child for child in both if child.tag == "label"]
        groups = [child for child in both if child.tag == "attributes"]
        for found, tag in ((labels, "label"), (groups, "attributes")):
            if len(found) > 1:
                self.report.add(found[1].place, f"is the second <{tag}>")
        notes = [child for group in groups for child in group.children]
        pairs = tuple((note.name, note.attributes.get("value", "")) for note in notes)
        return labels[0].text if labels else "", pairs
