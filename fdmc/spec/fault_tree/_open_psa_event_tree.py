"""Event trees of the Open-PSA format; rules are written out where they are named."""

from collections.abc import Sequence

from ._error import Place, Report, quoted
from ._model import Collect, EventTree, Fork, Goto, SetHouse, Step
from ._open_psa_expression import ExpressionReader
from ._open_psa_formula import FormulaReader
from ._open_psa_names import Scope, wrong_name
from ._words import INSTRUCTIONS
from ._xml import Node, fold


MOST_STEPS = 1_000  # of one rule, written out
MOST_WRITTEN = 1_000_000  # of all rules, in all places
MOST_RULES = 20  # rules inside rules
Steps = tuple[Step, ...]
Path = tuple[str, Steps]


class EventTreeReader:
    """Reads event trees; every gate and parameter is known by then."""

    def __init__(
        self, scope: Scope, formulas: FormulaReader, expressions: ExpressionReader, report: Report
    ):
        self.scope, self.report = scope, report
        self.formulas, self.expressions = formulas, expressions
        self.rules: dict[str, Node] = {}
        self.places: dict[int, Place] = {}  # by the identity of the steps
        self._made_steps: list[object] = []
        self._known: dict[str, Steps] = {}
        self._open: list[str] = []
        self._written = 0

    def read(self, node: Node, places: dict[tuple[str, str], Place]) -> EventTree:
        """The event tree of a `define-event-tree`."""
        parts: dict[str, dict[str, Node]] = {}
        for child in node.children:
            if child.tag.startswith("define-"):
                self.enter(child, parts.setdefault(child.tag, {}))
        for tag, found in parts.items():
            kind = tag.removeprefix("define-")
            places.update({(kind, f"{node.name}/{name}"): c.place for name, c in found.items()})
        initial = [child for child in node.children if child.tag == "initial-state"]
        if len(initial) != 1:
            self.report.add(node.place, f"needs one initial-state, but has {len(initial)}")
        branches = parts.get("define-branch", {})
        sequences = parts.get("define-sequence", {})
        return EventTree(
            self.steps(initial[0]) if initial else (),
            {name: self.steps(child) for name, child in branches.items()},
            {name: self.steps(child) for name, child in sequences.items()},
            tuple(parts.get("define-functional-event", {})),
        )

    def enter(self, node: Node, known: dict[str, Node]) -> None:
        """Note a named part; a name that is taken, or that is none, is a problem."""
        wrong = wrong_name(node.name) if "name" in node.attributes else ""
        if wrong:
            self.report.add(node.place, wrong)
        elif node.name in known:
            message = f"is defined already, in line {known[node.name].line}"
            self.report.add(node.place, message, "every name is defined once")
        elif node.name:
            known[node.name] = node

    def steps(self, node: Node) -> Steps:
        """The instructions of a branch, sequence, rule or path, in their order."""
        inner = [child for child in node.children if child.tag in INSTRUCTIONS]
        values = [fold(child, self._join, _parts) for child in inner]
        return self._sequence(node, values) or ()

    def _sequence(self, node: Node, values: Sequence[Steps | None]) -> Steps | None:
        if not node.whole or any(value is None for value in values):
            return None
        steps = tuple(step for value in values if value is not None for step in value)
        ends = [isinstance(step, Fork | Goto) for step in steps]
        if any(ends[:-1]):
            self.report.add(node.place, "nothing can follow a fork, sequence, branch or event-tree")
            return None
        if node.tag in ("path", "define-branch", "initial-state"):
            if not ends or not ends[-1]:
                hint = "end it with fork, sequence, branch or event-tree"
                self.report.add(node.place, "leads nowhere", hint)
                return None
        elif ends and ends[-1] and (node.tag == "define-rule" or not _links(steps[-1])):
            what = "a rule" if node.tag == "define-rule" else "a sequence"
            self.report.add(node.place, f"{what} holds no fork, sequence or branch")
            return None
        return steps

    def _join(self, node: Node, values: list) -> Steps | Path | None:
        made = self._made(node, values)
        if node.tag != "path" and made and node.tag != "rule":
            self.places[id(made[0])] = node.place
            self._made_steps.append(made[0])  # an identity is one as long as the step lives
        return made

    def _made(self, node: Node, values: list) -> Steps | Path | None:
        match node.tag:
            case "path":
                steps = self._sequence(node, values)
                return None if steps is None else (node.attributes.get("state", ""), steps)
            case "fork":
                return self._fork(node, values)
            case "collect-formula":
                what = self.formulas.one(node, self.scope)
                return None if what is None else (Collect(what),)
            case "collect-expression":
                what = self.expressions.one(node, self.scope)
                return None if what is None else (Collect(what),)
            case "set-house-event":
                return self._house(node)
            case "rule":
                return self._rule(node)
        return (Goto(node.tag, node.name),) if node.name else None

    def _fork(self, node: Node, values: Sequence[Path | None]) -> Steps | None:
        paths = [value for value in values if value is not None]
        if len(paths) < len(values) or not node.whole:
            return None
        states = [state for state, _ in paths]
        if not paths:
            self.report.add(node.place, "needs at least one path")
        if len(set(states)) < len(states):
            self.report.add(node.place, "has two paths of the same state")
        return (Fork(node.attributes.get("functional-event", ""), tuple(paths)),)

    def _house(self, node: Node) -> Steps | None:
        states = [self.formulas.boolean(child) for child in node.children]
        if len(states) != 1 or states[0] is None:
            if len(states) != 1 and node.whole:
                self.report.add(node.place, 'needs one <constant value="true|false"/>')
            return None
        found = self.formulas.resolve(node, "house-event", self.scope)
        return (SetHouse(found.name if found else node.name, states[0]),)

    def _rule(self, node: Node) -> Steps | None:
        name = node.name
        if name in self._known:
            self._written += len(self._known[name])
            if self._written > MOST_WRITTEN:
                self.report.add(Place(), f"the rules have more than {MOST_WRITTEN} steps in all")
                return None
            return self._known[name]
        if name not in self.rules:
            if name:
                hint = self.report.like(name, self.rules)
                self.report.add(node.place, f"no rule {quoted(name)} is defined", hint)
            return None
        if name in self._open or len(self._open) >= MOST_RULES:
            message = (
                "rules go round in a circle" if name in self._open else "rules nest too deeply"
            )
            self.report.add(node.place, f"{message}: {' > '.join([*self._open, name])[:200]}")
            return None
        self._open.append(name)
        steps = self.steps(self.rules[name])
        self._open.pop()
        if len(steps) > MOST_STEPS:
            self.report.add(node.place, f"rule {quoted(name)} has more than {MOST_STEPS} steps")
            steps = ()
        self._known[name] = steps
        return steps


def _parts(node: Node) -> list[Node]:
    """Formulas and expressions inside an instruction are read by their own readers."""
    return node.children if node.tag in ("fork", "path") else []


def _links(step: Step) -> bool:
    return isinstance(step, Goto) and step.kind == "event-tree"
