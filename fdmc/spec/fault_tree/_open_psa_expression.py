"""Expressions of the Open-PSA format."""

from ._check_expression import forms, takes
from ._error import Report, quoted
from ._model import Call, Expression, MissionTime, Parameter
from ._number import integer, number
from ._open_psa_names import Names, Scope
from ._words import EXPRESSION, KINDS
from ._xml import Node, fold


Pair = tuple[Expression, Expression]
_INNER = KINDS["expression"][1]


class ExpressionReader:
    """Reads expressions; parameters are resolved where they stand."""

    def __init__(self, names: Names, report: Report):
        self.names, self.report = names, report

    def one(self, node: Node, scope: Scope) -> Expression | None:
        """The one expression among the children of a node; None after a problem."""
        found = self.children(node)
        if len(found) != 1:
            if node.whole:
                self.report.add(node.place, f"needs one expression, but has {len(found)}")
            return None
        return self.read(found[0], scope)

    def children(self, node: Node) -> list[Node]:
        """The expressions among the children of a node."""
        return [c for c in node.children if c.tag in EXPRESSION and c.tag not in _INNER]

    def read(self, node: Node, scope: Scope) -> Expression | None:
        """The value of an element of an expression; None after a problem."""
        return fold(node, lambda inner, values: self._join(inner, values, scope))

    def _join(
        self, node: Node, values: list[Expression | Pair | None], scope: Scope
    ) -> Expression | Pair | None:
        if node.tag in ("float", "int", "bool"):
            return self._constant(node)
        if node.tag == "parameter":
            return self._parameter(node, scope)
        if node.tag == "system-mission-time":
            return MissionTime()
        if not node.whole or any(value is None for value in values):
            return None
        if node.tag in _INNER:
            return self._pair(node, values)
        if node.tag in ("switch", "histogram"):
            return self._pairs(node, values)
        count = len(values)
        if not takes(node.tag, count):
            self.report.add(node.place, f"takes {forms(node.tag)} arguments, but has {count}")
            return None
        return Call(node.tag, tuple(values))  # type: ignore[arg-type]

    def _constant(self, node: Node) -> float | bool | None:
        text = node.attributes.get("value")
        if text is None:
            return None
        if node.tag == "bool":
            if text in ("true", "false"):
                return text == "true"
            self.report.add(
                node.place, f"{quoted(text)} is not a truth value", "write true or false"
            )
            return None
        value = integer(text) if node.tag == "int" else number(text)
        if isinstance(value, str):
            self.report.add(node.place, value)
            return None
        return float(value)

    def _parameter(self, node: Node, scope: Scope) -> Parameter | None:
        if "name" not in node.attributes:
            return None
        found = self.names.resolve("parameter", node.name, scope)
        if found is None:
            hint = self.report.like(node.name, self.names.spaces["parameter"])
            self.report.add(node.place, f"no parameter {quoted(node.name)} is defined", hint)
            return None
        return Parameter(found.name)

    def _pair(self, node: Node, values: list) -> Pair | None:
        if len(values) != 2:
            self.report.add(node.place, f"takes 2 arguments, but has {len(values)}")
            return None
        return (values[0], values[1])

    def _pairs(self, node: Node, values: list) -> Call | None:
        """`switch` ends with its default value, `histogram` begins with its lowest boundary."""
        inner, at, what = ("case", -1, "last") if node.tag == "switch" else ("bin", 0, "first")
        tags = [child.tag == inner for child in node.children]
        if not tags or tags.pop(at) or not all(tags) or (node.tag == "histogram" and not tags):
            message = f"needs <{inner}> elements and one expression, which stands {what}"
            self.report.add(node.place, message)
            return None
        single = values.pop(at)
        flat = [part for pair in values for part in pair]
        return Call(node.tag, tuple([*flat, single] if at else [single, *flat]))
