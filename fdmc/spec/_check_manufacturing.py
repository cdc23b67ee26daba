"""Checks of the section manufacturing: names, counts against the tree, areas against dies and wafers."""

import math
from collections import Counter
from collections.abc import Iterator
from typing import Any

from . import _units as units
from ._check_environment import read
from ._check_names import dangling
from ._draft import Draft, whole
from ._manufacturing_form import WaferForm
from ._problem import Finding, Path
from ._tree import Tree


_RING = ("top", "range", "budget", "spread")
_OURS = ("lanes", "burn_in")  # what tables call the count of lanes, and burn-in
_BUILT_IN = ("top", "range", "budget")  # the form of the link has defaults for these


def check_making(draft: Draft) -> Iterator[Finding]:
    """Names that name nothing and numbers that cannot be, whatever else is wrong with the tree."""
    body = draft.section("manufacturing")
    if not body:
        return
    yield from _check_units(draft, body)
    yield from _check_steps(draft, body)
    yield from _check_parts(draft)
    yield from _check_lane_die(draft)
    yield from _check_ring(draft)
    if draft.section("fabric") and "lane_rate" not in draft.section("fabric"):
        fix = 'write one such as "100 Gb/s"'
        yield Finding(("fabric", "lane_rate"), "missing, and manufacturing needs it", fix)


def check_making_places(draft: Draft, tree: Tree) -> Iterator[Finding]:
    """The lanes, the unit and the mount hold each other, and the parts are enough for them."""
    body = draft.section("manufacturing")
    unit, lane = body.get("unit"), draft.section("manufacturing", "lanes").get("unit")
    mount = draft.section("manufacturing", "mount").get("unit")
    if unit not in tree.nodes:
        return
    if lane in tree.nodes:
        yield from _check_lanes(draft, tree, unit, lane)
    if mount not in tree.nodes:
        return
    path = ("manufacturing", "mount")
    if unit == mount or mount not in tree.ancestors(unit):
        fix = "write one of " + ", ".join(tree.ancestors(unit)[1:])
        yield Finding((*path, "unit"), f"'{mount}' does not hold '{unit}'", fix)
        return
    each, entering = tree.per(mount, unit), _entering(_steps(draft, *path))[unit]
    if entering != each:
        said = f"'{mount}' holds {each} {unit}, but {entering} enter the steps"
        yield Finding((*path, "steps"), said, f"give a step parts: {{{unit}: {each}}}")


def _check_lanes(draft: Draft, tree: Tree, unit: str, lane: str) -> Iterator[Finding]:
    path, node = ("manufacturing", "lanes", "unit"), tree.nodes[lane]
    if lane == unit or node.parent is None or unit not in tree.ancestors(lane):
        inside = [name for name in tree.below(unit) if name != unit]
        fix = "write one of " + ", ".join(inside) if inside else "name a unit that holds the lanes"
        yield Finding(path, f"'{lane}' is not below '{unit}'", fix)
        return
    need = node.count if node.need is None else node.need
    if node.count - need > need:
        where = ("units", node.parent, "contains", lane, "need")
        said = f"{node.count - need} spares are more than the {need} lanes"
        yield Finding(where, said, f"write a need of {-(-node.count // 2)} or more")
    die = draft.section("manufacturing", "lanes").get("die")
    groups = tree.per(unit, node.parent)
    entering = _entering(_steps(draft, "manufacturing"))[str(die)]
    if die in draft.section("manufacturing", "parts") and entering != groups:
        what = f"'{unit}' has {groups} group{'s' * (groups != 1)} of lanes"
        said = f"{what}, but {entering} {die} enter its steps"
        fix = f"give a step parts: {{{die}: {groups}}}"
        yield Finding(("manufacturing", "steps"), said, fix)
    yield from _check_area(draft, node.count)


def _check_area(draft: Draft, count: int) -> Iterator[Finding]:
    lanes = draft.section("manufacturing", "lanes")
    part = draft.section("manufacturing", "parts", str(lanes.get("die")))
    own = read(lanes.get("area"), units.SQUARE_MILLIMETRES)
    whole_die = read(part.get("area"), units.SQUARE_MILLIMETRES)
    if own is None or whole_die is None or whole_die <= 0:
        return  # said by the forms
    if count * own > whole_die * (1 + 1e-9):
        said = f"{count} lanes of {own:g} mm2 are more than the {whole_die:g} mm2 of their die"
        fix = f'write at most "{whole_die / count:.4g} mm2"'
        yield Finding(("manufacturing", "lanes", "area"), said, fix)


def _check_units(draft: Draft, body: dict[str, Any]) -> Iterator[Finding]:
    named = (
        (("manufacturing", "unit"), body.get("unit")),
        (("manufacturing", "lanes", "unit"), draft.section("manufacturing", "lanes").get("unit")),
        (("manufacturing", "mount", "unit"), draft.section("manufacturing", "mount").get("unit")),
    )
    for path, name in named:
        if isinstance(name, str) and name not in draft.units:
            yield dangling(path, "unit", name, draft.units)


def _steps(draft: Draft, *section: str) -> list[dict[str, Any]]:
    steps = draft.section(*section).get("steps")
    return (
        [step if isinstance(step, dict) else {} for step in steps or ()]
        if isinstance(steps, list)
        else []
    )


def _entering(steps: list[dict[str, Any]]) -> Counter[str]:
    """How many of each part enter."""
    found: Counter[str] = Counter()
    for step in steps:
        parts = step.get("parts")
        for name, count in parts.items() if isinstance(parts, dict) else ():
            found[name] += whole(count) or 0
    return found


def _check_steps(draft: Draft, body: dict[str, Any]) -> Iterator[Finding]:
    parts, unit = draft.section("manufacturing", "parts"), body.get("unit")
    used: set[str] = set()
    for section in (("manufacturing",), ("manufacturing", "mount")):
        # A unit that is misspelt is said once, where it is named.
        named = [unit] if unit in draft.units else list(draft.units)
        here = [*parts, *named] if len(section) > 1 else [*parts]
        seen: set[str] = set()
        for i, step in enumerate(_steps(draft, *section)):
            path: Path = (*section, "steps", i)
            name = step.get("step")
            if name in _OURS:
                yield Finding((*path, "step"), f"'{name}' is a word of fdmc's own", "rename it")
            if isinstance(name, str) and name in seen:
                yield Finding((*path, "step"), "two steps have this name", "rename one")
            seen.add(str(name))
            if len(section) > 1 and step.get("lanes"):
                said = f"the lanes are counted before '{unit}' is mounted"
                yield Finding((*path, "lanes"), said, "move it to the steps of the unit")
            for part in _entering([step]):
                used.add(part)
                if part not in here:
                    yield dangling((*path, "parts", part), "part", part, here)
    for name in parts:
        if name not in used:
            path = ("manufacturing", "parts", name)
            yield Finding(path, "no step takes it", "put it into the parts of a step, or drop it")


def _check_parts(draft: Draft) -> Iterator[Finding]:
    parts = draft.section("manufacturing", "parts")
    die = draft.section("manufacturing", "lanes").get("die")
    known = die in parts  # else any part without a law may be the one that is meant
    for name, body in parts.items():
        if not isinstance(body, dict) or body.get("area") is None:
            continue
        path: Path = ("manufacturing", "parts", name)
        layers = body.get("layers")
        laws = [((*path, "law"), body.get("law"))]
        if isinstance(layers, list):
            laws = [
                ((*path, "layers", i, "law"), layer.get("law") if isinstance(layer, dict) else "")
                for i, layer in enumerate(layers)
            ]
        for where, law in laws:
            if name != die and law is None and known:
                fix = "write poisson, murphy, seeds, {negative_binomial: 10} or {bose_einstein: 4}"
                said = "missing: how defects gather matters more than how many there are"
                yield Finding(where, said, fix)
            elif name == die and law is not None:
                said = "the defects of the die of the lanes gather as manufacturing.clustering says"
                yield Finding(where, said, "drop it")
        yield from _check_wafer(draft, path)


def _check_wafer(draft: Draft, path: Path) -> Iterator[Finding]:
    """A wafer that holds a die: the count of `fdmc.yields.gross_dies` is positive."""
    area = read(draft.section(*map(str, path)).get("area"), units.SQUARE_MILLIMETRES)
    cut = draft.section(*map(str, path), "wafer")
    sizes = []
    for key in ("diameter", "edge", "scribe"):
        default = WaferForm.model_fields[key].default
        sizes.append(read(cut[key], units.MILLIMETRES) if key in cut else default)
    diameter, edge, street = sizes
    if area is None or area <= 0 or None in sizes:
        return
    d, cell = diameter - 2 * edge, (math.sqrt(area) + street) ** 2
    if d <= 0 or d * math.sqrt(2) <= 4 * math.sqrt(cell):
        said = f"a wafer of {diameter:g} mm holds no die of {area:g} mm2"
        yield Finding((*path, "area"), said, "divide the die, or take a larger wafer")


def _check_lane_die(draft: Draft) -> Iterator[Finding]:
    parts, die = (
        draft.section("manufacturing", "parts"),
        draft.section("manufacturing", "lanes").get("die"),
    )
    if not isinstance(die, str) or not parts:
        return
    path: Path = ("manufacturing", "lanes", "die")
    if die not in parts:
        yield dangling(path, "part", die, parts)
        return
    body = draft.section("manufacturing", "parts", die)
    if body.get("area") is None:
        yield Finding(path, f"'{die}' is no die", f"give manufacturing.parts.{die}.area")
    test = body.get("test")
    linear = test.get("linear") if isinstance(test, dict) else None
    if linear is not None:
        fix = f"write {{williams_brown: {linear}}}, or the number alone"
        said = "the test of the die of the lanes finds defects, not dies"
        yield Finding(("manufacturing", "parts", die, "test", "linear"), said, fix)


def _check_ring(draft: Draft) -> Iterator[Finding]:
    ring = draft.section("manufacturing", "lanes").get("ring")
    if not isinstance(ring, dict):
        return
    link = draft.section("thermal", "link", "ring")
    known = {*ring, *link, *(_BUILT_IN if link else ())}
    for key in _RING:
        if key not in known:
            path = ("manufacturing", "lanes", "ring", key)
            fix = "give it here, or a thermal.link.ring to read it from"
            yield Finding(path, "missing", fix)
