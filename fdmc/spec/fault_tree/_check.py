"""What must hold of a fault tree, whatever file or program it comes from."""

from collections.abc import Callable, Iterable, Mapping
from itertools import chain

from ._check_coupling import check_couplings
from ._check_event_tree import check_event_trees
from ._check_expression import ExpressionCheck
from ._error import FaultTreeError, Place, Report, TooManyProblemsError, quoted
from ._graph import find_cycle, names_in, round_trip, walk
from ._model import DYNAMIC, STATIC, FaultTree, Formula
from ._words import CONNECTIVES, MANY, Arity


Places = dict[tuple[str, str], Place]
_ARITIES = {**CONNECTIVES, "is": Arity(1, 1), **dict.fromkeys(DYNAMIC, MANY)}


def check(
    tree: FaultTree, places: Places, report: Report, steps: Mapping[int, Place] | None = None
) -> None:
    """Report dangling names, cycles, impossible counts, and numbers out of their range.

    **Arguments:** `places`, where the file says it, by kind and name; `steps`, the same of the steps of event
    trees, by their identity.
    """

    def place(kind: str, name: str) -> Place:
        return places.get((kind, name)) or Place(f"{kind} {quoted(name)}")

    expressions = ExpressionCheck(tree, report)
    expressions.parameters(lambda name: place("parameter", name))
    _check_names(tree, place, report)
    for name, gate in tree.gates.items():
        check_formula(gate.formula, tree, place("gate", name), report)
    cycle = find_cycle({name: names_in(gate.formula) for name, gate in tree.gates.items()})
    if cycle:
        message = f"the gates go round in a circle: {round_trip(cycle)}"
        report.add(place("gate", cycle[0]), message, "a fault tree has no loops")
    for name, event in tree.basic_events.items():
        here = place("basic-event", name)
        expressions.probability(event.probability, here)
        if event.repair is not None:
            expressions.probability(event.repair, here.inside("repair"))
        if not 0.0 <= event.dormancy <= 1.0:
            report.add(here, f"the dormancy is {event.dormancy}, not between 0 and 1")
    for name, value in tree.frequencies.items():
        expressions.check(value, place("initiating-event", name))
    check_couplings(tree, place, expressions, report)
    check_event_trees(tree, place, steps or {}, expressions, check_formula, report)
    _check_tops(tree, place, report)


def refuse_if_wrong(tree: FaultTree) -> None:
    """Check a tree that comes from a program.

    **Raises:** `FaultTreeError` with everything that is wrong with it.
    """
    report = Report()
    try:
        check(tree, {}, report)
    except TooManyProblemsError:
        pass
    if report.problems:
        raise FaultTreeError(tree.name, report.problems)


def check_formula(formula: Formula, tree: FaultTree, place: Place, report: Report) -> None:
    """Report unknown names and connectives, and counts that cannot be."""
    for inner in walk(formula):
        if isinstance(inner, str):
            if not (
                inner in tree.gates or inner in tree.basic_events or inner in tree.house_events
            ):
                known = chain(tree.gates, tree.basic_events, tree.house_events)
                hint = report.like(inner, known)
                report.add(place, f"no gate or event {quoted(inner)} is defined", hint)
        elif isinstance(inner, Formula):
            _check_connective(inner, place, report)


def _check_connective(formula: Formula, place: Place, report: Report) -> None:
    count = len(formula.args)
    if formula.op not in (*STATIC, *DYNAMIC):
        hint = report.like(formula.op, (*STATIC, *DYNAMIC))
        report.add(place, f"unknown connective {quoted(formula.op)}", hint)
    elif count not in _ARITIES[formula.op]:
        arity = _ARITIES[formula.op]
        report.add(place, f"`{formula.op}` takes {arity.arguments}, but has {count}")
    elif formula.op == "atleast" and not 0 <= formula.least <= count:
        message = f"`atleast` needs {formula.least} of {count} arguments"
        report.add(place, message, f"write a number from 0 to {count}")
    elif formula.op == "cardinality" and not 0 <= formula.least <= formula.most <= count:
        message = f"`cardinality` counts {formula.least} to {formula.most} of {count} arguments"
        report.add(place, message, f"write numbers from 0 to {count}, the smaller first")


def _check_names(tree: FaultTree, place: Callable[[str, str], Place], report: Report) -> None:
    taken: dict[str, str] = {}
    tables: list[tuple[str, Iterable[str]]] = [
        ("gate", tree.gates),
        ("basic-event", tree.basic_events),
        ("house-event", tree.house_events),
        ("dependency", tree.dependencies),
    ]
    for kind, names in tables:
        for name in names:
            if name in taken:
                report.add(place(kind, name), f"{quoted(name)} is a {taken[name]} already")
            taken[name] = kind


def _check_tops(tree: FaultTree, place: Callable[[str, str], Place], report: Report) -> None:
    for name in tree.tops:
        if name not in tree.gates and name not in tree.basic_events:
            hint = report.like(name, chain(tree.gates, tree.basic_events))
            report.add(place("toplevel", name), f"no gate or event {quoted(name)} is defined", hint)
    if not tree.tops and not tree.event_trees and not report.problems:
        report.add(Place(), "the model has no top event", "define a gate that no other refers to")
