"""What a machine loses with a unit: roles of templates and ranges of accelerators and planes.

`docs/model.md`, section 2. Everything is vectorised over the instances of one template.
"""

import dataclasses

import numpy as np

from ..spec import Node, Scenario, role_of
from ._plan import COMPUTE, LINK, PLANE, TRUNK


class PlanError(ValueError):
    """A scenario that is well formed but that the engine cannot represent."""


@dataclasses.dataclass(frozen=True)
class Effect:
    """Losing all of instance `i` of a template takes `share` of these accelerators or planes.

    Of lanes, what accelerators send or receive, by `direction` (0: both).
    """

    kind: int
    low: np.ndarray
    high: np.ndarray
    left: np.ndarray
    right: np.ndarray
    share: float
    direction: int = 0

    def take(self, index: np.ndarray) -> "Effect":
        """Return the effects of some of the instances."""
        ends = ("low", "high", "left", "right")
        return dataclasses.replace(self, **{end: getattr(self, end)[index] for end in ends})

    @property
    def span(self) -> np.ndarray:
        """The accelerators in a word, as kernels read them."""
        return self.low << 16 | self.high

    def reach(self, width: int) -> np.ndarray:
        """The kind, direction and planes in a word; the planes of links in segments of `width`."""
        scale = width if self.kind == LINK else 1
        return (
            self.direction << 28
            | self.kind << 24
            | (self.left // scale) << 12
            | self.right // scale
        )

    def covers(self, other: "Effect") -> bool:
        """Whether this takes everything that `other` takes."""
        inside = (self.low <= other.low) & (other.high <= self.high)
        if self.kind == COMPUTE:
            return other.kind != PLANE and self.share >= 1 and bool(inside.all())
        planes = (self.left <= other.left) & (other.right <= self.right)
        same = self.kind == other.kind and self.share >= other.share
        same = same and self.direction in (0, other.direction)
        return same and bool((inside & planes).all())


class Effects:
    """The effects of every unit of a scenario."""

    def __init__(self, scenario: Scenario):
        self.scenario = scenario
        self.tree = scenario.tree
        self.fabric = scenario.fabric
        self.accelerators = self.tree.nodes[self.fabric.accelerator].total
        self._known: dict[str, Effect] = {}

    def role(self, name: str) -> str:
        """Return container, link, plane, supplier or support; what feeds nothing itself supports."""
        fabric, units = self.fabric, self.scenario.units
        uplink = None if fabric.trunk is None else fabric.trunk.link
        role = role_of(self.tree, units, fabric.accelerator, fabric.plane, name, uplink)
        if role == "supplier" and units[name].feeds is None:
            return "support"
        if role == "plane" and name not in self.tree.ancestors(str(fabric.plane)):
            return "support"
        if role == "trunk" and name != uplink:
            return "support"
        return role

    def of(self, name: str) -> Effect:
        """Return the effect of losing all of one instance, for every instance of the template."""
        if name not in self._known:
            self._known[name] = getattr(self, f"_{self.role(name)}")(name)
        return self._known[name]

    def group(self, name: str) -> tuple[str, Effect] | None:
        """Return the counting group that the components of a unit belong to: its unit, what it takes.

        The effect is that of losing all of the group, per instance of the group's parent.
        """
        for unit in self.tree.ancestors(name):
            if self.tree.nodes[unit].need is not None:
                return unit, self._pooled(unit)
        return None

    def _parent(self, node: Node) -> str:
        assert node.parent is not None, "the root has no share in anything"
        return node.parent

    def _pooled(self, unit: str) -> Effect:
        role, node = self.role(unit), self.tree.nodes[unit]
        if role in ("container", "plane"):
            raise PlanError(
                f"units.{self._parent(node)}.contains.{unit}: a {role} cannot be in a counting group."
            )
        if role == "supplier":
            return self._fed(unit, blocks=1)
        if role == "link" and self._parent(node) == self.fabric.accelerator:
            return self._all_links()
        if role == "trunk":
            return self._trunk(self._parent(node))
        return self.of(self._parent(node))

    def _container(self, name: str) -> Effect:
        per = self.tree.per(name, self.fabric.accelerator)
        first = np.arange(self.tree.nodes[name].total) * per
        none = np.zeros_like(first)
        return Effect(COMPUTE, first, first + per, none, none, 1.0)

    def _plane(self, name: str) -> Effect:
        assert self.fabric.plane is not None
        per = self.tree.per(name, self.fabric.plane)
        first = np.arange(self.tree.nodes[name].total) * per
        none = np.zeros_like(first)
        if self.fabric.trunk is not None:  # planes of one unit: links of its accelerators
            unit = first // self.fabric.planes
            size = self.tree.per(self.fabric.trunk.unit, self.fabric.accelerator)
            left = first % self.fabric.planes
            return Effect(LINK, unit * size, (unit + 1) * size, left, left + per, 1.0)
        return Effect(PLANE, none, none + self.accelerators, first, first + per, 1.0)

    def _trunk(self, name: str) -> Effect:
        """Return the effect of losing all that copies of `name`, inside the unit, carry of the trunk."""
        trunk = self.fabric.trunk
        assert trunk is not None
        per = self.tree.per(trunk.unit, name)
        size = self.tree.per(trunk.unit, self.fabric.accelerator)
        unit = np.arange(self.tree.nodes[name].total) // per
        none = np.zeros_like(unit)
        return Effect(TRUNK, unit * size, (unit + 1) * size, none, none, 1 / per)

    def _support(self, name: str) -> Effect:
        node = self.tree.nodes[name]
        effect = self.of(self._parent(node)).take(np.arange(node.total) // node.count)
        return dataclasses.replace(effect, share=effect.share / node.count)

    def _all_links(self) -> Effect:
        """Return the effect of losing every lane of an accelerator, for every accelerator."""
        first = np.arange(self.accelerators)
        none = np.zeros_like(first)
        return Effect(LINK, first, first + 1, none, none + self.fabric.planes, 1.0)

    def _link(self, name: str) -> Effect:
        node = self.tree.nodes[name]
        number = np.arange(node.total)
        parent, copy = number // node.count, number % node.count
        direct = self._parent(node) == self.fabric.accelerator
        whole = (self._all_links() if direct else self.of(self._parent(node))).take(parent)
        if node.need is not None:  # pooled: one element's own share is never asked for
            return dataclasses.replace(whole, share=whole.share / node.count)
        width = int((whole.right - whole.left)[0])
        if width % node.count == 0:
            left = whole.left + copy * (width // node.count)
            return dataclasses.replace(whole, left=left, right=left + width // node.count)
        if node.count % width == 0:
            left = whole.left + copy // (node.count // width)
            share = whole.share * width / node.count
            return dataclasses.replace(whole, left=left, right=left + 1, share=share)
        raise PlanError(
            f"units.{self._parent(node)}.contains.{name}: {node.count} copies cannot share {width} planes evenly; "
            "use a divisor or a multiple."
        )

    def _supplier(self, name: str) -> Effect:
        return self._fed(name, blocks=self.tree.nodes[name].count)

    def _fed(self, name: str, blocks: int) -> Effect:
        """Return what each of `blocks` equal parts of the fed units under every parent takes together."""
        node, target = self.tree.nodes[name], self.scenario.units[name].feeds
        assert target is not None
        fed = self.tree.per(self._parent(node), target)
        if fed % blocks:
            raise PlanError(
                f"units.{name}.feeds: {blocks} copies cannot feed {fed} '{target}' evenly."
            )
        size = fed // blocks
        first = np.arange(self.tree.nodes[self._parent(node)].total * blocks) * size
        a, b = self.of(target).take(first), self.of(target).take(first + size - 1)
        whole = dataclasses.replace(a, high=b.high, right=np.maximum(a.right, b.right))
        if a.kind == LINK and self.role(target) == "plane":
            raise PlanError(
                f"units.{name}.feeds: '{target}' belongs to one unit of a trunk; feed what holds it."
            )
        if a.kind != LINK:
            # Fed units that share one range (engines of a plane) lose it by their number.
            block = self.of(target).take(np.arange(size))
            ranges = len(set(zip(block.low, block.left, strict=True)))
            return dataclasses.replace(whole, share=min(1.0, a.share * size / ranges))
        per = self.tree.per(self.fabric.accelerator, target)
        if size % per == 0:  # whole accelerators
            none = np.zeros_like(first)
            return Effect(LINK, a.low, b.high, none, none + self.fabric.planes, 1.0)
        if np.any(a.low != b.low):
            raise PlanError(
                f"units.{name}.feeds: a copy feeds parts of several accelerators unevenly."
            )
        if a.share < 1:
            copies = a.share * size / (whole.right - whole.left)[0]
            return dataclasses.replace(whole, share=float(min(copies, 1.0)))
        return whole
