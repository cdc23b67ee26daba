"""Checks across the sections of a document: names, counts, the tree, the library."""

from collections.abc import Iterator

from .. import library
from ._check_direction import check_directions
from ._check_economics import check_economics, check_rack
from ._check_environment import check_environment
from ._check_fabric import (
    check_classes,
    check_leaves,
    check_torus,
    check_trunk,
)
from ._check_heat import check_heat, check_heat_places
from ._check_manufacturing import check_making, check_making_places
from ._check_mechanisms import check_mechanisms
from ._check_names import check_names, dangling
from ._check_ring import check_ring
from ._check_roles import check_roles
from ._check_service import check_planned, check_service
from ._check_sizing import check_sizing
from ._check_structure import check_counted_structures, check_structures
from ._draft import Draft, whole
from ._mechanism_form import OWN
from ._model import Group
from ._problem import Finding, Path, did_you_mean, shown
from ._tree import Tree, build_tree


MOST_INSTANCES = 2**31 - 1
_UNIT_KEYS = {"contains", "components", "feeds", "structure"}


def check(draft: Draft) -> Iterator[Finding]:
    """Everything that is wrong between sections, in no particular order."""
    yield from _check_library(draft)
    yield from check_mechanisms(draft)
    if not draft.components or not draft.units:
        return  # said already, or all of the names below would be missing
    yield from _check_groups(draft)
    yield from check_names(draft)
    yield from check_structures(draft)
    yield from check_environment(draft)
    yield from check_classes(draft)
    yield from check_heat(draft)
    yield from check_making(draft)
    yield from check_economics(draft)
    yield from check_sizing(draft)
    yield from check_planned(draft)
    broken = list(_check_containment(draft))
    yield from broken
    roots = set(draft.units) - {child for unit in draft.units.values() for child in unit.contains}
    if broken or len(roots) != 1:
        return
    tree = build_tree(draft.units, roots.pop())
    sizes = list(_check_size(draft, tree))
    yield from sizes
    yield from check_roles(draft, tree, counted=draft.counted and not sizes)
    yield from check_service(draft, tree)
    yield from check_counted_structures(draft, tree)
    yield from check_leaves(draft, tree)
    yield from check_directions(draft, tree)
    yield from check_trunk(draft, tree)
    yield from check_torus(draft, tree)
    yield from check_ring(draft, tree)
    yield from check_heat_places(draft, tree)
    yield from check_making_places(draft, tree)
    yield from check_rack(draft, tree)


def _check_library(draft: Draft) -> Iterator[Finding]:
    rows = library.rows()
    for name in draft.components:
        body = draft.section("components", name)
        use = body.get("use")
        if not isinstance(use, str):
            continue
        path = ("components", name, "use")
        if use not in rows:
            hint = did_you_mean(use, rows) or "see `fdmc list components`"
            yield Finding(path, f"the library has no row {shown(use)}", hint)
        elif rows[use].fit_typ is None and not {*OWN, "mechanisms"} & body.keys():
            said = f"row {use} has no failure rate ({rows[use].component})"
            yield Finding(path, said, "use another row, or give a rate beside it")


def _check_groups(draft: Draft) -> Iterator[Finding]:
    for name, unit in draft.units.items():
        for section, groups in (("contains", unit.contains), ("components", unit.components)):
            for key in groups:
                body = draft.section("units", name, section, key)
                count, need = whole(body.get("count")), whole(body.get("need"))
                if count is not None and need is not None and need > count:
                    path = ("units", name, section, key, "need")
                    fix = f"write a need between 1 and {count}"
                    yield Finding(path, f"{need} exceeds count {count}", fix)


def _check_containment(draft: Draft) -> Iterator[Finding]:
    parents: dict[str, str] = {}
    for name, unit in draft.units.items():
        for key in unit.contains:
            path: Path = ("units", name, "contains", key)
            if key not in draft.units:
                if key in draft.components:
                    yield Finding(path, "this is a component", "move it to components")
                else:
                    yield dangling(path, "unit", key, draft.units)
            elif key in parents:
                said = f"'{key}' is contained in '{parents[key]}' already"
                yield Finding(path, said, "give each place a template of its own")
            else:
                parents[key] = name
    roots = [name for name in draft.units if name not in parents]
    # A misspelt name or section leaves a unit without a parent; saying both would be noise.
    lost = any(_unreadable(draft, name) for name in draft.units)
    if len(roots) > 1 and not lost:
        said = f"several roots: {', '.join(roots)}"
        yield Finding(("units",), said, "contain all but one of them somewhere")
    for cycle in _cycles(parents, draft):
        said = "units contain each other in a circle: " + " > ".join(cycle)
        yield Finding(("units", cycle[0], "contains", cycle[1]), said, "break the circle")


def _unreadable(draft: Draft, name: str) -> bool:
    """Whether some of what the unit contains may have been lost to a mistake said elsewhere."""
    body = draft.section("units").get(name)
    if not isinstance(body, dict):
        return body is not None
    contains = body.get("contains", {})
    return (
        not body.keys() <= _UNIT_KEYS
        or not isinstance(contains, dict)
        or not contains.keys() <= draft.units.keys()
    )


def _cycles(parents: dict[str, str], draft: Draft) -> Iterator[list[str]]:
    """Each circle of containment once, from its first unit in the document."""
    done: set[str] = set()
    for name in draft.units:
        chain = [name]
        while (parent := parents.get(chain[-1])) is not None and parent not in chain:
            chain.append(parent)
        if parent == name and name not in done:
            done.update(chain)
            yield [name, *reversed(chain)]


def _check_size(draft: Draft, tree: Tree) -> Iterator[Finding]:
    for name, node in tree.nodes.items():
        largest = max(draft.units[name].components.values(), key=_count, default=Group(1))
        total = node.total * largest.count
        if total > MOST_INSTANCES:
            said = f"the machine would have {total} of these"
            yield Finding(("units", name), said, "at most 2147483647 are possible")
            return


def _count(group: Group) -> int:
    return group.count
