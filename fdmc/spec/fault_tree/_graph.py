"""Names in formulas, and circles among them; without recursion, because trees are deep."""

from collections.abc import Iterable, Iterator, Mapping

from ._error import quoted
from ._model import Formula, Gate


def walk(formula: Formula) -> Iterator[Formula | str | bool]:
    """The formula and everything inside it."""
    work: list[Formula | str | bool] = [formula]
    while work:
        item = work.pop()
        yield item
        if isinstance(item, Formula):
            work += reversed(item.args)


def names_in(formula: Formula) -> list[str]:
    """The names that a formula mentions, in their order."""
    return [item for item in walk(formula) if isinstance(item, str)]


def references(gates: Mapping[str, Gate]) -> set[str]:
    """Every name that a formula of the gates mentions."""
    return {name for gate in gates.values() for name in names_in(gate.formula)}


def find_cycle(graph: Mapping[str, Iterable[str]]) -> list[str]:
    """A cycle of the graph, each name once, or nothing. Depth first, without recursion."""
    state: dict[str, bool] = {}  # True while the node is on the path
    for start in graph:
        if start in state:
            continue
        path, work = [start], [iter(graph[start])]
        state[start] = True
        while work:
            for name in work[-1]:
                if state.get(name):
                    return path[path.index(name) :]
                if name in graph and name not in state:
                    state[name] = True
                    path.append(name)
                    work.append(iter(graph[name]))
                    break
            else:
                work.pop()
                state[path.pop()] = False
    return []


def round_trip(cycle: list[str]) -> str:
    """A cycle as it may stand in a message."""
    shown = cycle if len(cycle) <= 12 else [*cycle[:6], "...", *cycle[-5:]]
    return " > ".join(quoted(name) if name != "..." else name for name in [*shown, cycle[0]])
