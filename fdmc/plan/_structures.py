"""Lowering the structures of units: formulas over component copies become gates over bits."""

import numpy as np

from ..spec import Scenario, Structure, cut_sets, gates
from ._plan import Structures


Gates = tuple[tuple[int, int, int], ...]
"""(need, mask of copies, mask of gates before) of every gate in topological order, the top event last."""


def gates_of(structure: Structure) -> Gates:
    """Return the gates of a structure, copy `i` being bit `i`."""
    copy = {name: 1 << i for i, name in enumerate(structure.copies)}
    order = gates(structure.formula)
    found = []
    for formula in order:
        need = {"or": 1, "and": len(formula.args), "atleast": formula.least}[formula.op]
        copies = sum(copy[a] for a in formula.args if isinstance(a, str))
        inner = sum(1 << order.index(a) for a in formula.args if not isinstance(a, str | bool))
        found.append((need, copies, inner))
    return tuple(found)


def structure_row(scenario: Scenario, unit: str) -> int:
    """Return the row of a unit in `Structures`, -1 when it has no structure."""
    units = _units(scenario)
    return units.index(unit) if unit in units else -1


def _units(scenario: Scenario) -> list[str]:
    return [name for name in scenario.tree.nodes if scenario.units[name].structure is not None]


def structures_of(scenario: Scenario) -> Structures:
    """Return the structures of all units that have one, in the order of the tree."""
    found = [scenario.units[name].structure for name in _units(scenario)]
    return table([structure for structure in found if structure is not None])


def table(structures: list[Structure]) -> Structures:
    """Return structures as rows of equal length."""
    found = [gates_of(structure) for structure in structures]
    length = max(map(len, found), default=0)
    # A row that is shorter repeats its top event: "at least 1 of that gate".
    rows = [row + ((1, 0, 1 << (len(row) - 1)),) * (length - len(row)) for row in found]
    words = np.array(rows, np.int32).reshape(len(rows), length, 3)
    return Structures(copies=words[..., 1], gates=words[..., 2], need=words[..., 0])


def fatal(scenario: Scenario, unit: str, component: str) -> bool:
    """Return whether a single failure of the component loses a unit with a structure."""
    structure = scenario.units[unit].structure
    if structure is None:
        return False
    found = cut_sets(structure)
    alone = {name.partition("[")[0] for cut in found or () if len(cut) == 1 for name in cut}
    return found is None or component in alone
