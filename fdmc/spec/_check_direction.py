"""Checks of components that fail in one direction: what they stand on, whom they are counted with, and the fabric."""

from collections.abc import Iterator

from ._check_roles import Ends, fabric_ends
from ._draft import Draft
from ._problem import Finding
from ._roles import role_of, supplier_of
from ._tree import Tree


ONE_WAY = ("send", "receive")
_OTHER_FORMS = ("trunk", "torus", "ring")


def check_directions(draft: Draft, tree: Tree) -> Iterator[Finding]:
    """Parts with a direction take lanes, agree with those they are counted with, and the fabric has forms for them."""
    ways = {name: draft.section("components", name).get("direction") for name in draft.components}
    ways = {name: way for name, way in ways.items() if way in ONE_WAY}
    ends = fabric_ends(draft, tree)
    placed = {part for unit in tree.nodes for part in draft.units[unit].components}
    if not ways.keys() & placed or ends is None:
        return
    first = next(part for part in ways if part in placed)
    other = [key for key in _OTHER_FORMS if draft.section("fabric").get(key) is not None]
    if other:
        said = f"a fabric with a {other[0]} has closed forms for equal directions only"
        path = ("components", first, "direction")
        yield Finding(path, said, f"drop every direction, or {other[0]}")
        return
    yield from _check_ends(draft, tree, ends, ways)
    yield from _check_structures(draft, tree, ways)
    yield from _check_counted(draft, tree, ways)
    if draft.section("fabric").get("classes") is None:  # which says the same of the job
        yield from _check_job(draft)


def _check_ends(draft: Draft, tree: Tree, ends: Ends, ways: dict[str, str]) -> Iterator[Finding]:
    """What takes compute has no direction."""
    said: set[str] = set()
    for name in tree.nodes:
        parts = [part for part in draft.units[name].components if part in ways]
        if not parts or _end(draft, tree, ends, name) != "container":
            continue
        for part in parts:
            if part not in said:
                what = f"'{part}' on '{name}' takes compute, which has no direction"
                fix = "drop direction, or put it on a link, a plane, or what feeds them"
                yield Finding(("components", part, "direction"), what, fix)
            said.add(part)


def _end(draft: Draft, tree: Tree, ends: Ends, name: str) -> str:
    """The role of the units that lose something in the end: suppliers lose what they feed, supports what holds them."""
    seen: set[str] = set()
    while name not in seen:
        seen.add(name)
        role = role_of(tree, draft.units, ends.accelerator, ends.plane, name)
        parent = tree.nodes[name].parent
        if role == "supplier":
            supplier = supplier_of(tree, draft.units, name)
            target = None if supplier is None else draft.units[supplier].feeds
            if target not in tree.nodes:
                return ""
            name = str(target)
        elif role == "support" and parent is not None:
            name = parent
        else:
            return role
    return ""


def _check_structures(draft: Draft, tree: Tree, ways: dict[str, str]) -> Iterator[Finding]:
    """A structure loses all or nothing, in one direction or in both."""
    for name in tree.nodes:
        if draft.section("units", name).get("structure") is None:
            continue
        yield from _alike(list(draft.units[name].components), ways, f"the structure of '{name}'")


def _alike(parts: list[str], ways: dict[str, str], where: str) -> Iterator[Finding]:
    if len({ways.get(part) for part in parts}) > 1:
        some = next(part for part in parts if part in ways)
        other = next(part for part in parts if ways.get(part) != ways[some])
        said = f"'{some}' and '{other}' of {where} differ in direction, and it loses all or nothing"
        fix = "write the same direction for every component of it, or none"
        yield Finding(("components", some, "direction"), said, fix)


def _check_counted(draft: Draft, tree: Tree, ways: dict[str, str]) -> Iterator[Finding]:
    """Elements of a counting group send and receive with parts of their own, or have no direction at all."""
    made = draft.section("manufacturing", "lanes").get("unit")
    for name, node in tree.nodes.items():
        below = [part for unit in tree.below(name) for part in draft.units[unit].components]
        one_way = [part for part in below if part in ways]
        if name == made and one_way:
            said = f"test finds lanes lost both ways, and '{one_way[0]}' fails one way"
            fix = f"drop the direction of {', '.join(one_way)}, or manufacturing"
            yield Finding(("components", one_way[0], "direction"), said, fix)
        both = [part for part in below if part not in ways]
        if node.need is not None and one_way and both:
            said = f"'{name}' is counted with spares for each direction, and '{both[0]}' has none"
            fix = f"write a direction for {', '.join(both)} as well, or for no part of '{name}'"
            yield Finding(("components", one_way[0], "direction"), said, fix)


def _check_job(draft: Draft) -> Iterator[Finding]:
    """The closed forms of two directions know the whole domain only."""
    workload = draft.section("workload")
    said = "parts fail in one direction, and the closed forms of that are for all that live"
    if workload.get("uses") is not None:
        yield Finding(("workload", "uses"), said, "drop uses, or every direction")
    for key in ("elastic", "non_uniform"):
        if key in draft.section("fabric", "policy"):
            fix = "write degrade, park or drop, or drop every direction"
            yield Finding(("fabric", "policy"), said, fix)
    collectives = workload.get("collectives")
    for number, body in enumerate(collectives if isinstance(collectives, list) else []):
        if isinstance(body, dict) and body.get("group") is not None:
            path = ("workload", "collectives", number, "group")
            yield Finding(path, said, "drop group, or every direction")
