"""Do the paths of the event trees lead to sequences?"""

from collections.abc import Callable, Iterator, Mapping

from ._check_expression import ExpressionCheck
from ._error import Place, Report, quoted
from ._graph import find_cycle, round_trip
from ._model import Collect, EventTree, FaultTree, Fork, Formula, Goto, SetHouse, Step


MOST_VISITED = 5_000_000  # parts of event trees, over all initiating events

Where = Callable[[str, str], Place]
FormulaCheck = Callable[[Formula, FaultTree, Place, Report], None]


def check_event_trees(
    tree: FaultTree,
    place: Where,
    places: Mapping[int, Place],
    expressions: ExpressionCheck,
    formula_check: FormulaCheck,
    report: Report,
) -> None:
    """Report what is wrong with the event trees of a model."""
    for name, target in tree.initiating_events.items():
        if target not in tree.event_trees:
            hint = report.like(target, tree.event_trees)
            here = place("initiating-event", name)
            report.add(here, f"no event tree {quoted(target)} is defined", hint)
    for name, event_tree in tree.event_trees.items():
        for step, part in _steps(name, event_tree, place):
            here = places.get(id(step), part)
            if isinstance(step, Collect):
                if isinstance(step.what, Formula):
                    formula_check(step.what, tree, here, report)
                else:
                    expressions.check(step.what, here)
            elif isinstance(step, SetHouse) and step.name not in tree.house_events:
                hint = report.like(step.name, tree.house_events)
                report.add(here, f"no house event {quoted(step.name)} is defined", hint)
            elif isinstance(step, Fork) and step.event not in event_tree.functional_events:
                hint = report.like(step.event, event_tree.functional_events)
                report.add(here, f"no functional event {quoted(step.event)} is defined here", hint)
            elif isinstance(step, Goto):
                _check_goto(step, tree, event_tree, here, report)
    graph = _graph(tree.event_trees)
    cycle = find_cycle(graph)
    if cycle:
        message = f"the paths go round in a circle: {round_trip(cycle)}"
        report.add(place("event-tree", cycle[0].split(" ")[0]), message)
    else:
        _check_sequences(tree, graph, place, report)


def _check_goto(
    step: Goto, tree: FaultTree, event_tree: EventTree, here: Place, report: Report
) -> None:
    tables: dict[str, Mapping] = {
        "sequence": event_tree.sequences,
        "branch": event_tree.branches,
        "event-tree": tree.event_trees,
    }
    if step.kind not in tables:
        report.add(here, f"a path cannot lead to a {quoted(step.kind)}")
    elif step.name not in tables[step.kind]:
        hint = report.like(step.name, tables[step.kind])
        report.add(here, f"no {step.kind} {quoted(step.name)} is defined", hint)


def _check_sequences(
    tree: FaultTree, graph: Mapping[str, list[str]], place: Where, report: Report
) -> None:
    """Trees that are linked name their sequences apart: results are told by these names."""
    budget = MOST_VISITED
    for first in dict.fromkeys(tree.initiating_events.values()):
        if first not in tree.event_trees:
            continue
        owner: dict[str, str] = {}
        seen, work = {first}, [first]
        while work:
            name = work.pop()
            for sequence in tree.event_trees[name].sequences if name in tree.event_trees else ():
                if sequence in owner:
                    message = f"sequence {quoted(sequence)} is in {quoted(owner[sequence])} too"
                    report.add(place("event-tree", name), message, "rename one of the two")
                owner[sequence] = name
            fresh = [target for target in graph.get(name, ()) if target not in seen]
            seen.update(fresh)
            work += fresh
            budget -= 1 + len(graph.get(name, ()))
            if budget < 0:
                report.add(Place(), "the event trees are too many, or linked too closely")
                return


def _graph(trees: Mapping[str, EventTree]) -> dict[str, list[str]]:
    """Which parts of the event trees lead to which: "TREE", or "TREE branch NAME"."""
    graph: dict[str, list[str]] = {}
    for name, event_tree in trees.items():
        parts = {"": event_tree.initial}
        parts |= {f" branch {key}": steps for key, steps in event_tree.branches.items()}
        parts |= {f" sequence {key}": steps for key, steps in event_tree.sequences.items()}
        for part, steps in parts.items():
            gotos = [step for step in walk_steps(steps) if isinstance(step, Goto)]
            graph[name + part] = [
                step.name if step.kind == "event-tree" else f"{name} {step.kind} {step.name}"
                for step in gotos
            ]
    return graph


def _steps(name: str, tree: EventTree, place: Where) -> Iterator[tuple[Step, Place]]:
    here = place("event-tree", name)
    yield from ((step, here) for step in walk_steps(tree.initial))
    for kind, parts in (("branch", tree.branches), ("sequence", tree.sequences)):
        for key, steps in parts.items():
            inner = place(kind, f"{name}/{key}")
            yield from ((step, inner) for step in walk_steps(steps))


def walk_steps(steps: tuple[Step, ...]) -> Iterator[Step]:
    """Every step of a path and of the paths that fork from it."""
    work: list[Step] = list(reversed(steps))
    while work:
        step = work.pop()
        yield step
        if isinstance(step, Fork):
            for _, inner in reversed(step.paths):
                work += reversed(inner)
