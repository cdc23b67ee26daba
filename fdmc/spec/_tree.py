"""The containment tree: which unit holds which, how many there are, and how to address them."""

import dataclasses
import re
from collections.abc import Mapping

import numpy as np

from ._model import Unit
from ._problem import did_you_mean


_STEP = re.compile(r"(?P<name>[A-Za-z][\w-]*)(?:\[(?P<index>\*|\d{1,12})\])?")


@dataclasses.dataclass(frozen=True)
class Node:
    """One template of the tree; `count` is per parent instance, `total` in the whole machine."""

    name: str
    parent: str | None
    count: int
    need: int | None
    total: int
    depth: int
    children: tuple[str, ...]
    path: str


@dataclasses.dataclass(frozen=True)
class Tree:
    """All templates of a machine, depth first from `root` in the order of the document."""

    root: str
    nodes: dict[str, Node]

    def ancestors(self, name: str) -> tuple[str, ...]:
        """The unit itself, its parent, and so on up to the root."""
        chain = [name]
        while (parent := self.nodes[chain[-1]].parent) is not None:
            chain.append(parent)
        return tuple(chain)

    def below(self, name: str) -> tuple[str, ...]:
        """The unit itself and everything inside it, depth first."""
        return tuple(other for other in self.nodes if name in self.ancestors(other))

    def per(self, ancestor: str, name: str) -> int:
        """How many copies of `name` one `ancestor` holds (1 for itself).

        **Raises:** `ValueError` when `name` is not inside `ancestor`.
        """
        if ancestor not in self.ancestors(name):
            raise ValueError(f"'{name}' is not inside '{ancestor}'.")
        return self.nodes[name].total // self.nodes[ancestor].total

    def select(self, path: str) -> tuple[str, np.ndarray]:
        """The instances that a path addresses, such as `rack[*].tray[3].engine`.

        An index counts the copies within one parent instance; a name without brackets means all
        of them, and levels (the root too) may be left out.

        **Returns:** the template's name and the sorted instance numbers, `int64`.

        **Raises:** `ValueError` on an unknown unit, an index out of range, or a wrong order.
        """
        here, numbers = self.root, np.zeros(1, np.int64)
        for position, part in enumerate(path.strip().split(".")):
            match = _STEP.fullmatch(part.strip())
            if match is None:
                raise ValueError(
                    f"'{part}' in '{path}' is no step of a path; write 'tray[3]' or 'tray'."
                )
            name, index = match["name"], match["index"]
            if position > 0 and name == here:
                raise ValueError(f"'{name}' stands twice in '{path}'.")
            numbers = self._descend(here, numbers, name, index, path)
            here = name
        return here, numbers

    def _descend(
        self, here: str, numbers: np.ndarray, name: str, index: str | None, path: str
    ) -> np.ndarray:
        if name not in self.nodes:
            hint = did_you_mean(name, self.nodes)
            raise ValueError(f"no unit is called '{name}' in '{path}'; {hint}".rstrip("; "))
        chain = self.ancestors(name)
        if here not in chain:
            raise ValueError(
                f"'{name}' is not below '{here}' in '{path}'; it is {self.nodes[name].path}."
            )
        count = self.nodes[name].count
        if index not in (None, "*") and int(index) >= count:
            raise ValueError(f"{name}[{index}] in '{path}' is out of range: 0 to {count - 1}.")
        for step in reversed(chain[: chain.index(here)]):
            copies = np.arange(self.nodes[step].count, dtype=np.int64)
            numbers = (numbers[:, None] * len(copies) + copies).ravel()
        if index in (None, "*") or name == here:
            return numbers
        return numbers[numbers % count == int(index)]


def build_tree(units: Mapping[str, Unit], root: str) -> Tree:
    """The tree below `root`; the units must form one (each contained once, no cycle)."""
    nodes: dict[str, Node] = {}

    def visit(name: str, parent: Node | None, count: int, need: int | None) -> None:
        children = tuple(child for child in units[name].contains if child in units)
        total = count * (parent.total if parent else 1)
        path = f"{parent.path}/{name}" if parent else name
        depth = parent.depth + 1 if parent else 0
        node = Node(
            name, parent.name if parent else None, count, need, total, depth, children, path
        )
        nodes[name] = node
        for child in children:
            group = units[name].contains[child]
            visit(child, node, group.count, group.need)

    visit(root, None, 1, None)
    return Tree(root, nodes)
