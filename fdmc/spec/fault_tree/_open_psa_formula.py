"""Formulas of the Open-PSA format."""

from ._error import Report, quoted
from ._model import Formula
from ._number import integer
from ._open_psa_names import EVENTS, Definition, Names, Scope
from ._words import CONNECTIVES, FORMULA, REFERENCES
from ._xml import Node, fold


Argument = Formula | str | bool


class FormulaReader:
    """Reads formulas; names are resolved where they stand."""

    def __init__(self, names: Names, report: Report):
        self.names, self.report = names, report
        self._unknown_names: set[tuple[str, str]] = set()

    def one(self, node: Node, scope: Scope) -> Formula | None:
        """The one formula among the children of a node; None after a problem."""
        found = [child for child in node.children if child.tag in FORMULA]
        if len(found) != 1:
            if node.whole:
                self.report.add(node.place, f"needs one formula, but has {len(found)}")
            return None
        value = fold(found[0], lambda inner, values: self._join(inner, values, scope))
        return value if isinstance(value, Formula | None) else Formula("is", (value,))

    def _join(self, node: Node, values: list[Argument | None], scope: Scope) -> Argument | None:
        if node.tag in REFERENCES:
            return self._name(node, scope)
        if node.tag == "constant":
            return self.boolean(node)
        least = most = 0
        if node.tag in ("atleast", "cardinality"):
            bound = self._bound(node, "min")
            upper = self._bound(node, "max") if node.tag == "cardinality" else 0
            if bound is None or upper is None:
                return None
            least, most = bound, upper
            if not self._possible(node, least, most, len(values)):
                return None
        if not node.whole or any(value is None for value in values):
            return None
        if len(values) not in CONNECTIVES[node.tag]:
            count = CONNECTIVES[node.tag]
            self.report.add(node.place, f"takes {count.arguments}, but has {len(values)}")
            return None
        return Formula(node.tag, tuple(v for v in values if v is not None), least, most)

    def _possible(self, node: Node, least: int, most: int, count: int) -> bool:
        wrong = not 0 <= least <= count or (
            node.tag == "cardinality" and not least <= most <= count
        )
        if wrong and node.whole:
            bounds = f"{least} to {most}" if node.tag == "cardinality" else str(least)
            message = f"counts {bounds} of {count} arguments"
            self.report.add(node.place, message, f"write numbers from 0 to {count}, rising")
        return not wrong

    def boolean(self, node: Node) -> bool | None:
        """The value of a constant."""
        value = node.attributes.get("value")
        if value in ("true", "false"):
            return value == "true"
        if value is not None:
            self.report.add(node.place, f"{quoted(value)} is not a truth value", "true or false")
        return None

    def _bound(self, node: Node, attribute: str) -> int | None:
        if attribute not in node.attributes:
            return None
        value = integer(node.attributes[attribute])
        if isinstance(value, str):
            self.report.add(node.place, f'attribute "{attribute}" {value}')
            return None
        return value

    def _name(self, node: Node, scope: Scope) -> str | None:
        if "name" not in node.attributes:
            return None
        wanted = node.attributes.get("type", "event") if node.tag == "event" else node.tag
        if wanted != "event" and wanted not in EVENTS:
            hint = self.report.like(wanted, EVENTS)
            self.report.add(node.place, f"unknown type {quoted(wanted)}", hint)
            return None
        found = self.names.resolve("event", node.name, scope)
        if found is None:
            self._unknown(node, wanted)
        elif wanted not in ("event", found.kind):
            message = f"{quoted(node.name)} is a {found.kind}, not a {wanted}"
            self.report.add(node.place, message, f'write <{found.kind} name="{node.name[:80]}"/>')
        else:
            return found.name
        return None

    def _unknown(self, node: Node, wanted: str) -> None:
        if (node.name, wanted) in self._unknown_names:
            return  # once is enough
        self._unknown_names.add((node.name, wanted))
        what = "gate or event" if wanted == "event" else wanted.replace("-", " ")
        known = self.names.spaces["event"].items()
        kind = (name for name, found in known if wanted in ("event", found.kind))
        hint = self.report.like(node.name, kind)
        if not hint:
            hint = "define it, in this file or in one that is read with it"
        self.report.add(node.place, f"no {what} {quoted(node.name)} is defined", hint)

    def resolve(self, node: Node, kind: str, scope: Scope) -> Definition | None:
        """The definition of one kind that a node names, without a report."""
        found = self.names.resolve("event", node.name, scope)
        return found if found is not None and found.kind == kind else None
