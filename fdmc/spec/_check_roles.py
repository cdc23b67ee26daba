"""Checks that need the tree: fabric, roles, counting groups, suppliers, the workload's counts."""

import dataclasses
from collections.abc import Iterator

from ._check_workload import check_workload
from ._draft import Draft, whole
from ._problem import Finding
from ._roles import role_of, supplier_of
from ._tree import Tree


@dataclasses.dataclass(frozen=True)
class Ends:
    """The accelerator and the plane of a fabric whose names are good."""

    accelerator: str
    plane: str | None
    planes: int | None
    trunk: str | None = None  # the unit whose copies carry the lanes of a trunk
    leaf: str | None = None  # the unit that has planes of its own


def check_roles(draft: Draft, tree: Tree, counted: bool) -> Iterator[Finding]:
    """What is wrong with the roles of units; divisions are checked when counts are readable."""
    yield from _check_feeds(draft, tree, counted)
    ends = fabric_ends(draft, tree)
    yield from _check_nesting(draft, tree, ends)
    yield from _check_fabric(draft, tree, ends)
    if ends is None:
        return
    yield from _check_counting(draft, tree, ends)
    yield from _check_suppliers(draft, tree, ends)
    yield from check_workload(draft, tree, ends, counted)
    if counted and ends.planes is not None:
        yield from _check_links(draft, tree, ends, ends.planes)


def fabric_ends(draft: Draft, tree: Tree) -> Ends | None:
    """Accelerator, plane and number of planes, or None when the names are not good."""
    fabric = draft.section("fabric")
    accelerator, plane = fabric.get("accelerator"), fabric.get("plane")
    link = draft.section("fabric", "trunk").get("link")
    link = link if isinstance(link, str) else None
    if not isinstance(accelerator, str) or accelerator not in tree.nodes:
        return None
    if plane is not None:
        if not isinstance(plane, str) or plane not in tree.nodes:
            return None
        if plane in tree.ancestors(accelerator) or accelerator in tree.ancestors(plane):
            return None
        own = leaf_unit(draft, tree, plane)
        return Ends(accelerator, plane, tree.per(own or tree.root, plane), link, own)
    return Ends(accelerator, None, whole(fabric.get("planes", 1)), link)


def leaf_unit(draft: Draft, tree: Tree, plane: str) -> str | None:
    """The unit that has planes of its own below a trunk, if it holds the planes."""
    unit = draft.section("fabric", "trunk").get("unit")
    return unit if isinstance(unit, str) and unit in tree.ancestors(plane) else None


def _check_fabric(draft: Draft, tree: Tree, ends: Ends | None) -> Iterator[Finding]:
    fabric = draft.section("fabric")
    policy = fabric.get("policy")
    park = policy.get("park") if isinstance(policy, dict) else None
    accelerator, plane = fabric.get("accelerator"), fabric.get("plane")
    words = (accelerator, plane, park)
    accelerator, plane, park = (word if isinstance(word, str) else None for word in words)
    if ends is None and accelerator in tree.nodes and plane in tree.nodes:
        said = f"'{plane}' is or holds the accelerator, or is inside it"
        yield Finding(("fabric", "plane"), said, "a plane stands beside the accelerators")
    if ends and park in tree.nodes and park not in tree.ancestors(ends.accelerator):
        said = f"'{park}' does not hold accelerators"
        known = " or ".join(tree.ancestors(ends.accelerator))
        yield Finding(("fabric", "policy", "park"), said, f"write {known}")
    planes = whole(fabric.get("planes"))
    if ends and ends.plane and planes is not None and planes != ends.planes and draft.counted:
        said = f"{planes}, but the machine has {ends.planes} of '{ends.plane}'"
        yield Finding(("fabric", "planes"), said, "leave planes out where plane is given")


def _held(tree: Tree, ends: Ends | None) -> set[str]:
    """Units that hold accelerators or planes, or are one; they cannot have spares."""
    if ends is None:
        return set()
    planes = tree.ancestors(ends.plane) if ends.plane is not None else ()
    return {*tree.ancestors(ends.accelerator), *planes}


def _check_nesting(draft: Draft, tree: Tree, ends: Ends | None) -> Iterator[Finding]:
    counting = {name for name, node in tree.nodes.items() if node.need is not None}
    counting -= _held(tree, ends)
    for name in tree.nodes:
        around = next((up for up in tree.ancestors(name) if up in counting), None)
        unit = draft.units[name]
        groups = [("contains", key, unit.contains[key]) for key in unit.contains]
        groups += [("components", key, unit.components[key]) for key in unit.components]
        for section, key, group in groups:
            if around is not None and group.need is not None:
                said = f"a counting group inside an element of another ('{around}')"
                yield Finding(
                    ("units", name, section, key, "need"), said, "drop one of the two needs"
                )


def _check_counting(draft: Draft, tree: Tree, ends: Ends) -> Iterator[Finding]:
    for name, node in tree.nodes.items():
        if node.need is None or node.parent is None:
            continue
        path = ("units", node.parent, "contains", name, "need")
        if name in tree.ancestors(ends.accelerator):
            said = f"'{name}' holds accelerators or is one, so it cannot have spares here"
            yield Finding(path, said, "use workload.minimum or workload.slice")
        elif ends.plane is not None and name in tree.ancestors(ends.plane):
            said = f"'{name}' holds planes or is one, so it cannot have spares"
            yield Finding(path, said, "drop need: a lost plane costs its share of every link")


def _check_feeds(draft: Draft, tree: Tree, counted: bool) -> Iterator[Finding]:
    for name, node in tree.nodes.items():
        target = draft.units[name].feeds
        if target is None or target not in tree.nodes:
            continue
        path = ("units", name, "feeds")
        if node.parent is None:
            yield Finding(path, f"'{name}' is the root, so it cannot supply anything", "drop feeds")
        elif name in tree.ancestors(target):
            yield Finding(path, f"'{target}' is inside '{name}' itself", "drop feeds")
        elif node.parent not in tree.ancestors(target):
            known = [unit for unit in tree.below(node.parent) if name not in tree.ancestors(unit)]
            said = f"'{target}' is not inside '{node.parent}', which holds '{name}'"
            yield Finding(path, said, "write one of " + ", ".join(known[:12]))
        elif node.need is not None:
            said = f"'{name}' is in a counting group, and its copies feed blocks of their own"
            yield Finding(path, said, "put the spares inside the supplier, or drop feeds")
        elif counted and tree.per(node.parent, target) % node.count:
            fed = tree.per(node.parent, target)
            said = f"{node.count} '{name}' cannot share {fed} '{target}' equally"
            yield Finding(path, said, f"choose a count that divides {fed}")
        elif _feeds_itself(draft, tree, name):
            yield Finding(path, "suppliers feed each other in a circle", "break the circle")


def _feeds_itself(draft: Draft, tree: Tree, name: str) -> bool:
    here, seen = name, set()
    while here not in seen:
        seen.add(here)
        target = draft.units[here].feeds
        if target is None or target not in tree.nodes:
            return False
        above = supplier_of(tree, draft.units, target)
        if above is None:
            return False
        here = above
    return here == name


def _check_suppliers(draft: Draft, tree: Tree, ends: Ends) -> Iterator[Finding]:
    for name in _held(tree, ends) - {tree.root}:
        if draft.units[name].feeds is not None:
            said = f"'{name}' holds accelerators or planes, so it cannot be a supplier"
            yield Finding(("units", name, "feeds"), said, "drop feeds")


def _check_links(draft: Draft, tree: Tree, ends: Ends, planes: int) -> Iterator[Finding]:
    """Copies of a link unit and the planes that its parent serves must divide each other."""
    served = {ends.accelerator: planes}
    for name in tree.below(ends.accelerator)[1:]:
        node = tree.nodes[name]
        role = role_of(tree, draft.units, ends.accelerator, ends.plane, name)
        assert node.parent is not None
        if role != "link" or node.need is not None or node.parent not in served:
            continue  # suppliers feed blocks, and counted lanes are pooled over the planes
        above = served[node.parent]
        if above % node.count and node.count % above:
            path = ("units", node.parent, "contains", name)
            said = f"{node.count} copies cannot share {above} planes equally"
            yield Finding(path, said, f"choose a count that divides {above}, or a multiple of it")
            continue
        served[name] = max(1, above // node.count)
