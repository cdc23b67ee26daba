"""Fault trees written in the Galileo format."""

import json
from collections.abc import Callable

from ._check import refuse_if_wrong
from ._error import FaultTreeError, Place, Report, quoted
from ._galileo import CONSTRAINT, KEYWORD, MOST_NAME, read_galileo
from ._galileo_event import event_text
from ._galileo_words import GATES, KEPT
from ._model import Dependency, FaultTree, Gate
from ._same import refuse_unless_same


_WORDS = {"and": "and", "or": "or", "not": "not", "spare": "spare", "pand": "pand", "por": "por"}
_WORDS |= {"pand-exclusive": "pand-excl", "por-exclusive": "por-excl"}
Refuse = Callable[[str], None]


def to_galileo(tree: FaultTree) -> str:
    """The text of a `.dft` file that reads back as the same tree.

    Labels, attributes and the name of the model stand in comments, as `//@ label "G1" "Pump room"`.

    **Raises:** `FaultTreeError` with every reason why the format cannot hold the tree.
    """
    refuse_if_wrong(tree)
    report = Report()
    _check_sections(tree, report)
    lines = [_note("name", tree.name)]
    lines += [f"toplevel {_name(top)};" for top in tree.tops[:1]]
    for name, gate in tree.gates.items():
        lines += _gate(name, gate, tree, _refuser(report, "gate", name))
    for name, dependency in tree.dependencies.items():
        refuse = _refuser(report, "dependency", name)
        _check_name(name, refuse)
        lines.append(_dependency(name, dependency, refuse))
    for name, event in tree.basic_events.items():
        refuse = _refuser(report, "basic event", name)
        _check_name(name, refuse)
        lines.append(f"{_name(name)} {event_text(event, refuse)};")
        lines += _notes(name, event.label, event.attributes)
    if report.problems:
        raise FaultTreeError(f"{tree.name} in Galileo", report.problems)
    text = "\n".join(lines) + "\n"
    refuse_unless_same(tree, lambda report: read_galileo(_bytes(text), "", report), "Galileo")
    return text


def _bytes(text: str) -> bytes:
    """A lone surrogate, which UTF-8 has not, makes bytes that are refused when they are read."""
    return text.encode("utf-8", "surrogatepass")


def _check_sections(tree: FaultTree, report: Report) -> None:
    if len(tree.tops) != 1:
        names = ", ".join(quoted(top) for top in tree.tops[:5])
        message = f"it has one top event, and the tree {len(tree.tops)} ({names})"
        report.add(Place("toplevel"), message, "join them by a gate")
    sections = {
        "house events": tree.house_events,
        "parameters": tree.parameters,
        "common causes": tree.common_causes,
        "shocks": tree.shocks,
        "event trees": tree.event_trees,
        "initiating events": tree.initiating_events,
        "frequencies": tree.frequencies,
        "units of parameters": tree.units,
    }
    hints = {"common causes": "expand them first", "shocks": "expand them first"}
    for what, table in sections.items():
        if table:
            report.add(Place(), f"it has no {what}, and the tree {len(table)}", hints.get(what, ""))


def _refuser(report: Report, kind: str, name: str) -> Refuse:
    return lambda message: report.add(Place(f"{kind} {quoted(name)}"), message)


def _check_name(name: str, refuse: Refuse) -> None:
    if not name or '"' in name or not name.isprintable() or len(name) > MOST_NAME:
        refuse(f"a name has up to {MOST_NAME} printable characters, and no quotation mark")


def _gate(name: str, gate: Gate, tree: FaultTree, refuse: Refuse) -> list[str]:
    _check_name(name, refuse)
    formula = gate.formula
    names = [arg for arg in formula.args if isinstance(arg, str)]
    if len(names) < len(formula.args):
        refuse("an argument of a gate is a name; give constants and inner formulas names")
    keyword, inner, notes = _split_attributes(gate, tree)
    names += inner
    if formula.op == "atleast":
        word = f"{formula.least}of{len(names)}"
    elif formula.op not in _WORDS:
        refuse(f"there is no gate `{formula.op}`")
        word = ""
    else:
        word = keyword or _WORDS[formula.op]
    children = "".join(f" {_name(child)}" for child in names)
    return [f"{_name(name)} {word}{children};", *_notes(name, gate.label, notes)]


def _split_attributes(gate: Gate, tree: FaultTree) -> tuple[str, list[str], list[tuple[str, str]]]:
    """The word of the gate, the dependencies among its children, and the other attributes."""
    rest = list(gate.attributes)
    keyword = ""
    if rest and rest[0][0] == KEYWORD:
        word = rest[0][1]
        if word in KEPT and GATES[word] == gate.formula.op:
            keyword = word
            rest.pop(0)
    inner: list[str] = []
    while rest and rest[0][0] == CONSTRAINT and rest[0][1] in tree.dependencies:
        inner.append(rest.pop(0)[1])
    return keyword, inner, rest


def _dependency(name: str, dependency: Dependency, refuse: Refuse) -> str:
    plain = Dependency(dependency.kind, dependency.args)
    word = dependency.kind
    if dependency.kind == "inspection":
        word = f"{dependency.phases}insp{float(dependency.rate)!r}"
        plain = Dependency("inspection", dependency.args, 1.0, dependency.phases, dependency.rate)
    elif dependency.kind == "fdep" and dependency.probability != 1.0:
        word = f"pdep={float(dependency.probability)!r}"
        plain = Dependency("fdep", dependency.args, dependency.probability)
    if dependency != plain:
        refuse(f"`{dependency.kind}` has no such probability, phases or rate")
    return f"{_name(name)} {word}" + "".join(f" {_name(arg)}" for arg in dependency.args) + ";"


def _notes(name: str, label: str, attributes: list | tuple) -> list[str]:
    lines = [_note("label", name, label)] if label else []
    return lines + [_note("attribute", name, key, value) for key, value in attributes]


def _note(kind: str, *values: str) -> str:
    return f"//@ {kind} " + " ".join(json.dumps(value) for value in values)


def _name(name: str) -> str:
    return f'"{name}"'
