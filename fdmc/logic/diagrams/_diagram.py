"""A structure function as decision diagrams, one for each module, in one table that a single pass evaluates."""

import dataclasses

import numpy as np

from .._structure import Structure
from ._bdd import mark
from ._search import Part, search
from ._simplify import Net


@dataclasses.dataclass(frozen=True, eq=False)
class Diagram:
    """Binary decision diagrams without negated edges, children first.

    One vector holds every value. Slot 0 is 0, slot 1 is 1, slots 2 .. are p of the events, then 1 - p of the events,
    then the nodes: the value of node i, at slot `first + i`, is

        value[up[i]] * value[high[i]] + value[down[i]] * value[low[i]]

    so nothing is ever subtracted, and small probabilities keep their digits. `up` and `down` are the slots of the
    node's variable and of its negation: an event's, or those of the root of a module and of the module's negation,
    which is a diagram of its own. A branch that is false has the slots 0, 0.

    `variable` int32[nodes] is the event, or len(events) + module; `level` int32[nodes] its place in the module's order;
    `up`, `down`, `high`, `low` int32[nodes] slots; `part` int32[modules + 1]: module m owns the nodes part[m] ..
    part[m + 1] - 1, and modules come after those that they stand on; `module` int32[modules, 2]: slots of a module's
    function (false while every event is false) and of its negation, -1 where nothing needs it; `roots` int32[roots]
    slots; `orders` names the heuristic that won, by module.
    """

    events: tuple[str, ...]
    variable: np.ndarray
    level: np.ndarray
    up: np.ndarray
    down: np.ndarray
    high: np.ndarray
    low: np.ndarray
    part: np.ndarray
    module: np.ndarray
    roots: np.ndarray
    orders: tuple[str, ...]

    @property
    def first(self) -> int:
        """The slot of the first node."""
        return 2 + 2 * len(self.events)

    @property
    def nodes(self) -> int:
        """How many nodes there are."""
        return len(self.variable)


def diagram(structure: Structure, *, node_budget: int = 1 << 22, seconds: float = 30.0) -> Diagram:
    """Build the diagrams of a structure function, one for each module.

    **Arguments:** `node_budget`, most nodes that the building of one module in one order may create (about 50 bytes
    each); `seconds`, most time in all, compilation apart.

    **Raises:** BudgetError, a ValueError, when a module has no diagram within the budgets.
    """
    if node_budget < 1 or not seconds > 0:
        raise ValueError(f"Budgets are positive, but are {node_budget} nodes and {seconds} s.")
    net, parts = search(structure, node_budget, seconds)
    return _Assembly(net, parts).diagram(structure.events)


class _Assembly:
    """Lays out the parts: from the top, what is needed in which sign; from the bottom, the slots."""

    def __init__(self, net: Net, parts: list[Part]):
        self.net, self.parts = net, parts
        self.owner = {root: m for m, part in enumerate(parts) for root in part.roots}
        self.wanted = [np.zeros(2 * len(part.node), np.uint8) for part in parts]
        self.module = np.full((len(parts), 2), -1, np.int32)

    def diagram(self, events: tuple[str, ...]) -> Diagram:
        """Return the table."""
        for root in self.net.roots:
            if root >> 1 in self.owner:
                self.wanted[self.owner[root >> 1]][self._literal(root)] = 1
        for m in range(len(self.parts) - 1, -1, -1):
            self._want(m)
        self.slots: list[np.ndarray] = []
        first, columns, ends = 2 + 2 * len(events), [], [0]
        for m in range(len(self.parts)):
            columns.append(self._rows(m, first + ends[-1]))
            ends.append(ends[-1] + columns[-1].shape[1])
        table = np.concatenate([np.zeros((6, 0), np.int32), *columns], axis=1)
        roots = [self._root(root) for root in self.net.roots]
        return Diagram(
            events,
            *table,
            part=np.array(ends, np.int32),
            module=self.module,
            roots=np.array(roots, np.int32),
            orders=tuple(part.order for part in self.parts),
        )

    def _literal(self, root: int) -> int:
        """The literal in its own part of a literal of the net."""
        return self.parts[self.owner[root >> 1]].roots[root >> 1] ^ (root & 1)

    def _root(self, root: int) -> int:
        if root >> 1 in self.owner:
            return int(self.slots[self.owner[root >> 1]][self._literal(root)])
        if root < 2:
            return root
        return 1 + (root >> 1) + (self.net.events if root & 1 else 0)

    def _want(self, m: int) -> None:
        """Mark the literals that part m needs, in itself and at the roots of the modules below it."""
        part, wanted = self.parts[m], self.wanted[m]
        mark(part.node, wanted)
        level, high, low = self._edges(m)
        for branch, sign in ((high, 0), (low, 1)):
            used = np.zeros(len(part.variables) + 1, bool)
            used[level[branch != 0]] = True
            for place in np.flatnonzero(used[:-1]).tolist():
                below = self.owner.get(part.variables[place])
                if below is not None:
                    root = self.parts[below].roots[part.variables[place]] & ~1
                    self.wanted[below][root ^ sign] = 1

    def _edges(self, m: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Level, high and low literal of the wanted literals of part m, in order."""
        literals = np.flatnonzero(self.wanted[m][2:]) + 2
        rows, sign = self.parts[m].node[literals >> 1], literals & 1
        return rows[:, 0], rows[:, 2] ^ sign, rows[:, 1] ^ sign

    def _rows(self, m: int, first: int) -> np.ndarray:
        """Variable, level, up, down, high, low of the nodes of part m, the first one at slot `first`."""
        part, literals = self.parts[m], np.flatnonzero(self.wanted[m][2:]) + 2
        slot = np.full(2 * len(part.node), -1, np.int32)
        slot[:2] = 0, 1
        slot[literals] = first + np.arange(len(literals))
        self.slots.append(slot)
        if len(part.roots) == 1:
            root = next(iter(part.roots.values())) & ~1
            self.module[m] = slot[[root, root ^ 1]]
        level, high, low = self._edges(m)
        variables = np.array([self._variable(node) for node in part.variables], np.int32)
        variable, up, down = variables.reshape(-1, 3)[level].T
        up, down = np.where(high == 0, 0, up), np.where(low == 0, 0, down)
        return np.stack([variable, level, up, down, slot[high], slot[low]]).astype(np.int32)

    def _variable(self, node: int) -> tuple[int, int, int]:
        """Number, slot and slot of the negation of a variable of the net."""
        events = self.net.events
        if node <= events:
            return node - 1, 1 + node, 1 + node + events
        m = self.owner[node]
        return events + m, int(self.module[m, 0]), int(self.module[m, 1])
