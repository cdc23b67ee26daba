"""Checks of the section thermal: names, places in the tree, and temperatures that can be."""

from collections.abc import Iterator
from typing import Any

from . import _units as units
from ._check_environment import read
from ._check_names import dangling
from ._draft import Draft
from ._fields import HOTTEST_KELVIN
from ._heat_form import RingForm
from ._heat_names import NODES, PATHS
from ._problem import Finding, Path, did_you_mean, shown
from ._tree import Tree


def check_heat(draft: Draft) -> Iterator[Finding]:
    """Names that name nothing and temperatures that cannot be, whatever else is wrong with the tree."""
    body = draft.section("thermal")
    if not body:
        return
    yield from _check_unit(draft, body)
    yield from _check_template(draft, body)
    yield from _check_nodes(draft)
    yield from _check_range(draft)
    for path, unit in _named_units(draft):
        if unit not in draft.units:
            yield dangling(path, "unit", unit, draft.units)
    coolant = read(body.get("coolant"), units.KELVIN)
    for name in draft.section("thermal", "excursions"):
        path = ("thermal", "excursions", name, "rise")
        rise = read(draft.section(*path[:-1]).get("rise"), units.DIFFERENCE)
        if rise is not None and coolant is not None and coolant + rise > HOTTEST_KELVIN:
            yield Finding(path, "it takes the coolant above 400 degC", "write a smaller rise")


def check_heat_places(draft: Draft, tree: Tree) -> Iterator[Finding]:
    """Components, lanes and excursions are where heat reaches them."""
    package = draft.section("fabric").get("accelerator")
    if not isinstance(package, str) or package not in tree.nodes:
        return
    inside = tree.below(package)
    here = {part for unit in inside for part in draft.units[unit].components}
    for path, name, _ in _seats(draft):
        own = draft.section("components", name).get("at") is not None
        if name in draft.components and name not in here and not own:
            said = f"'{name}' is on no unit at or below '{package}'"
            yield Finding(path, said, f"give components.{name}.at instead")
    for path, unit in _named_units(draft):
        if unit not in tree.nodes:
            continue
        if path[1] == "excursions":
            if not _reaches(draft, tree, unit, package):
                warmed = draft.units[unit].feeds or unit
                said = f"nothing at or below '{warmed}' has a temperature"
                yield Finding(path, said, f"name {package}, or a unit that holds or feeds it")
        elif unit == package or unit not in inside:
            lanes = ", ".join(name for name in inside if name != package)
            fix = f"write one of {lanes}" if lanes else "give it a unit for one lane"
            yield Finding(path, f"'{unit}' is not below '{package}'", fix)


def _check_unit(draft: Draft, body: dict[str, Any]) -> Iterator[Finding]:
    unit, path = body.get("unit"), ("thermal", "unit")
    accelerator = draft.section("fabric").get("accelerator")
    if not isinstance(unit, str):
        return
    if unit not in draft.units:
        yield dangling(path, "unit", unit, draft.units)
    elif isinstance(accelerator, str) and accelerator in draft.units and unit != accelerator:
        fix = f"write {accelerator}, or leave it out"
        yield Finding(path, f"'{unit}' is not the accelerator", fix)


def _check_template(draft: Draft, body: dict[str, Any]) -> Iterator[Finding]:
    template = body.get("template")
    paths = PATHS.get(template) if isinstance(template, str) else None
    for key in draft.section("thermal", "resistance") if paths else ():
        if paths and key not in paths:
            hint = did_you_mean(key, paths)
            turned = "-".join(reversed(key.split("-")))
            if turned in paths:
                hint = f"write it the other way round, {turned}"
            yield Finding(("thermal", "resistance", key), f"{template} has no such path", hint)
    for section in ("capacitance", "watts", "nodes"):
        for key in draft.section("thermal", section):
            if key not in NODES:
                hint = did_you_mean(key, NODES)
                yield Finding(("thermal", section, key), "no node has this name", hint)


def _seats(draft: Draft) -> Iterator[tuple[Path, str, str]]:
    """Every component that is listed at a node: where, its name, the node."""
    for node, names in draft.section("thermal", "nodes").items():
        for i, name in enumerate(names if isinstance(names, list) else []):
            if isinstance(name, str):
                yield ("thermal", "nodes", node, i), name, node


def _check_nodes(draft: Draft) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for path, name, node in _seats(draft):
        if name not in draft.components:
            if name in draft.units:
                yield Finding(path, f"{shown(name)} is a unit", "name the components on it")
            else:
                yield dangling(path, "component", name, draft.components)
        elif node not in NODES:
            continue  # said where it stands
        elif name in seen:
            yield Finding(path, f"'{name}' is at {seen[name]} already", "name it once")
        elif draft.section("components", name).get("at") is not None:
            said = f"'{name}' has a temperature of its own"
            yield Finding(path, said, f"drop it here, or drop components.{name}.at")
        seen.setdefault(name, node)


def _named_units(draft: Draft) -> Iterator[tuple[Path, str]]:
    """The units named by the link and the excursions."""
    for section in ("link", "excursions"):
        for key in draft.section("thermal", section):
            path = ("thermal", section, key, "unit")
            unit = draft.section(*path[:-1]).get("unit")
            if isinstance(unit, str):
                yield path, unit


def _check_range(draft: Draft) -> Iterator[Finding]:
    """Rings work down to top - range, which must be a temperature."""
    ring, path = draft.section("thermal", "link", "ring"), ("thermal", "link", "ring", "range")
    defaults = {key: RingForm.model_fields[key].default for key in ("top", "range")}
    top = read(ring.get("top"), units.KELVIN) if "top" in ring else defaults["top"]
    wide = read(ring.get("range"), units.DIFFERENCE) if "range" in ring else defaults["range"]
    if ring and top is not None and wide is not None and top > 0 and top - wide <= 0:
        yield Finding(path, "it reaches down to absolute zero", 'write one such as "40 K"')


def _reaches(draft: Draft, tree: Tree, unit: str, package: str) -> bool:
    """Whether an excursion there warms anything that has a temperature."""
    warmed = draft.units[unit].feeds or unit
    seated = {name for _, name, _ in _seats(draft)}
    lanes = {named for path, named in _named_units(draft) if path[1] == "link"}
    inside = set(tree.below(package))
    for name in tree.below(warmed) if warmed in tree.nodes else ():
        if name == package or name in lanes:
            return True
        for part in draft.units[name].components:
            at = draft.section("components", part).get("at")
            if at is not None or (part in seated and name in inside):
                return True
    return False
