"""Checks of what failures leave, of classes of traffic, of a trunk, and of a torus."""

import math
from collections.abc import Iterator
from typing import Any

from ._check_roles import fabric_ends
from ._collective_form import ALGORITHMS
from ._draft import Draft, whole
from ._problem import Finding, Path, did_you_mean, shown
from ._roles import supplier_of
from ._tree import Tree


TWO_LEVELS = ("optimal", "ring", "recursive", "direct")
"""Algorithms of an all-reduce that divides into a reduce-scatter, an all-reduce and an all-gather."""


ON_A_TORUS = {"all_reduce": ("optimal", "ring"), "all_to_all": ("optimal",)}
"""Operations and algorithms with a closed form on a torus that has lost switches."""
OPERATIONS = tuple(ALGORITHMS)


def check_leaves(draft: Draft, tree: Tree) -> Iterator[Finding]:
    """A failure that leaves a part stands in no structure, and among equals in a counting group."""
    for name in tree.nodes:
        parts = draft.units[name].components
        if draft.section("units", name).get("structure") is not None:
            for part in parts:
                if _portion(draft.section("components", part).get("leaves")):
                    said = f"'{part}' is in the structure of '{name}', which loses all or nothing"
                    yield Finding(("components", part, "leaves"), said, "drop leaves, or structure")
        if tree.nodes[name].need is None:
            continue
        below = [part for unit in tree.below(name) for part in draft.units[unit].components]
        left = {part: _portion(draft.section("components", part).get("leaves")) for part in below}
        if len(set(left.values())) > 1:
            some = next(part for part in left if left[part])
            other = next(part for part in left if left[part] != left[some])
            said = f"'{some}' and '{other}' fail the same '{name}', one of a group with spares"
            fix = "write the same leaves for every component of it"
            yield Finding(("components", some, "leaves"), said, fix)


def check_classes(draft: Draft) -> Iterator[Finding]:
    """Classes of traffic share the lanes, and collectives name those that there are."""
    classes = draft.section("fabric", "classes")
    shares = {
        name: _portion(draft.section("fabric", "classes", name).get("share")) for name in classes
    }
    total = math.fsum(shares.values())
    if total > 1 + 1e-9:
        said = f"the classes reserve {100 * total:.4g} % of every link"
        yield Finding(("fabric", "classes"), said, "reserve at most 100 %")
    for path, each in _collectives(draft):
        name = each.get("class")
        if name is None:
            if classes and total >= 1 - 1e-9:
                said = "the classes reserve all of every link, and nothing is left for this one"
                yield Finding(path, said, "give it a class, or reserve less")
        elif not classes:
            said = f"there is no class {shown(name)}: the fabric has none"
            yield Finding(
                (*path, "class"), said, f"write fabric.classes: {{{name}: {{share: 30 %}}}}"
            )
        elif name not in classes:
            hint = did_you_mean(str(name), classes) or f"write {' or '.join(classes)}"
            yield Finding((*path, "class"), f"there is no class {shown(name)}", hint)


def check_trunk(draft: Draft, tree: Tree) -> Iterator[Finding]:
    """A trunk joins units that hold accelerators and planes; its link stands in them."""
    trunk = draft.section("fabric", "trunk")
    ends = fabric_ends(draft, tree)
    unit, link = trunk.get("unit"), trunk.get("link")
    if not trunk or ends is None or unit not in tree.nodes:
        return
    where: Path = ("fabric", "trunk")
    holds = tree.ancestors(ends.accelerator)[1:-1]
    if unit not in holds:
        said = f"'{unit}' is no unit between an accelerator and the whole machine"
        fix = f"write {' or '.join(holds)}" if holds else "put the accelerators into racks"
        yield Finding((*where, "unit"), said, fix)
        return
    if ends.plane is not None and unit not in tree.ancestors(ends.plane):
        said = f"'{ends.plane}' is outside '{unit}', whose planes are its own"
        yield Finding(("fabric", "plane"), said, f"put it into '{unit}', or drop trunk")
    if link in tree.nodes:
        yield from _check_uplink(draft, tree, ends.accelerator, ends.plane, unit, link)
    yield from _check_two_levels(draft)


def _check_uplink(
    draft: Draft, tree: Tree, accelerator: str, plane: str | None, unit: str, link: str
) -> Iterator[Finding]:
    where: Path = ("fabric", "trunk", "link")
    above = tree.ancestors(link)
    held = {*tree.ancestors(accelerator), *(tree.ancestors(plane) if plane else ())}
    if unit not in above[1:] or link in held or accelerator in above or plane in above:
        said = f"'{link}' does not stand in '{unit}' beside its accelerators and planes"
        yield Finding(where, said, f"contain it in '{unit}'")
    elif supplier_of(tree, draft.units, link) is not None:
        yield Finding(where, f"'{link}' supplies other units", "drop feeds")
    elif any(tree.nodes[up].need is not None for up in above[1 : above.index(unit)]):
        said = f"'{link}' stands in a counting group"
        yield Finding(where, said, f"contain it in '{unit}' itself, and count it there")


def _check_two_levels(draft: Draft) -> Iterator[Finding]:
    """Algorithms that do not divide into levels."""
    for path, each in _collectives(draft):
        if each.get("op") != "all_reduce":
            continue
        for name in _algorithms(each):
            if name in ("tree", "in_switch"):
                said = f"{name} does not divide into a level inside and one across a trunk"
                fix = f"write one or more of {', '.join(TWO_LEVELS)}"
                yield Finding((*path, "algorithm"), said, fix)


def check_torus(draft: Draft, tree: Tree) -> Iterator[Finding]:
    """Cubes fill a slice, are parked whole, and have a plane at every position of their faces."""
    torus, ends = draft.section("fabric", "torus"), fabric_ends(draft, tree)
    cube, shape = _sides(torus.get("cube")), _sides(torus.get("slice"))
    if ends is None or not cube or not shape:
        return
    where: Path = ("fabric", "torus")
    for key in ("trunk", "classes"):
        if draft.section("fabric").get(key):
            said = f"a torus has no {key}: its links are those of neighbours"
            yield Finding(("fabric", key), said, f"drop {key}, or torus")
    fits = len(cube) == len(shape) and all(
        d % c == 0 and d > 2 for c, d in zip(cube, shape, strict=True)
    )
    if not fits:
        said = f"cubes of {cube} do not fill a slice of {shape}"
        yield Finding(
            (*where, "slice"), said, "write multiples of the cube's numbers, 3 or more each"
        )
        return
    unit = draft.section("fabric", "policy").get("park")
    size, many = math.prod(cube), math.prod(shape) // math.prod(cube)
    if unit not in tree.nodes or tree.per(str(unit), ends.accelerator) != size:
        said = f"the policy does not park cubes of {size}"
        fix = f"write policy: {{park: NAME}}, a unit of {size} '{ends.accelerator}'"
        yield Finding(("fabric", "policy"), said, fix)
    if whole(draft.section("workload").get("slice", 1)) not in (None, many):
        said = f"a slice of {shape} has {many} cubes"
        yield Finding(("workload", "slice"), said, f"write {many}")
    positions = sum(size // c for c in cube)
    if ends.planes not in (None, positions):
        said = f"the faces of cubes of {cube} have {positions} positions, and there are {ends.planes} planes"
        fix = f"give each position its plane: {positions}"
        yield Finding(("fabric", "planes" if ends.plane is None else "plane"), said, fix)
    for path, each in _collectives(draft):
        op = each.get("op")
        if op in OPERATIONS and op not in ON_A_TORUS:
            said = f"there is no closed form of {op} on a torus"
            yield Finding((*path, "op"), said, f"write {' or '.join(ON_A_TORUS)}")
        for name in _algorithms(each):
            if op in ON_A_TORUS and name in ALGORITHMS[op] and name not in ON_A_TORUS[op]:
                said = f"there is no closed form of {op} by {name} on a torus"
                fix = f"write one or more of {', '.join(ON_A_TORUS[op])}"
                yield Finding((*path, "algorithm"), said, fix)


def _sides(value: object) -> list[int]:
    """The numbers of a shape, none when they cannot be read."""
    numbers = [whole(each) for each in value] if isinstance(value, list) else []
    return [each for each in numbers if each is not None] if None not in numbers else []


def _algorithms(each: dict[str, Any]) -> list[Any]:
    names = each.get("algorithm", "optimal")
    return names if isinstance(names, list) else [names]


def _collectives(draft: Draft) -> Iterator[tuple[Path, dict[str, Any]]]:
    listed = draft.section("workload").get("collectives")
    for number, each in enumerate(listed if isinstance(listed, list) else []):
        if isinstance(each, dict):
            yield ("workload", "collectives", number), each


def _portion(value: object) -> float:
    """A share as it is written; what cannot be read counts as none, the forms refuse it."""
    if isinstance(value, str) and value.strip().endswith("%"):
        try:
            return float(value.strip()[:-1]) / 100
        except ValueError:
            return 0.0
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else 0.0
