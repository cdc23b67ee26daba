"""Checks of the replacement rules: names, the FRU, what its repair takes out, spares; windows, scheduled work."""

from collections.abc import Iterator

from . import _units as units
from ._check_environment import read
from ._check_names import dangling
from ._check_roles import Ends, fabric_ends
from ._draft import Draft
from ._problem import Finding
from ._roles import role_of, supplier_of
from ._tree import Tree


_RESERVED = "scheduled_work"


def check_service(draft: Draft, tree: Tree) -> Iterator[Finding]:
    """What is wrong with `service.replace`."""
    rules = draft.section("service", "replace")
    users = _users(draft, tree, tuple(rules))
    ends = fabric_ends(draft, tree)
    for name in rules:
        if name in users:
            yield from _check_fru(draft, tree, name, users[name], ends)
    yield from _check_opportunistic(draft, tree, users)
    for name in draft.section("service", "scheduled"):
        yield from _check_counted(draft, tree, name)


def check_planned(draft: Draft) -> Iterator[Finding]:
    """What is wrong with windows and scheduled work, whatever else is wrong with the tree."""
    yield from _check_windows(draft)
    for section in ("components", "units"):
        if _RESERVED in draft.section(section):
            said = "results call planned work by this name"
            yield Finding((section, _RESERVED), said, "give it another name")
    taken = {*draft.components, *draft.section("thermal", "excursions")}
    for name in draft.section("service", "scheduled"):
        path = ("service", "scheduled", name)
        body = draft.section(*path)
        unit = body.get("unit")
        if name in taken:
            said = "a component or an excursion has this name"
            yield Finding(path, said, "give it another name: results blame by name")
        if isinstance(unit, str) and unit not in draft.units:
            yield dangling((*path, "unit"), "unit", unit, draft.units)
        every, time = (read(body.get(key), units.HOURS) for key in ("every", "time"))
        if every is not None and time is not None and time >= every > 0:
            said = f"it lasts as long as from one to the next, {body['every']}"
            yield Finding((*path, "time"), said, "write a shorter time")


def _check_windows(draft: Draft) -> Iterator[Finding]:
    path, body = ("service", "windows"), draft.section("service", "windows")
    waits = [
        ("service", section, name, "window")
        for section in ("replace", "scheduled")
        for name in draft.section("service", section)
        if draft.section("service", section, name).get("window") is True
    ]
    if not body:
        for where in waits:
            fix = "give service.windows, such as {every: 7 d, for: 8 h}"
            yield Finding(where, "there are no maintenance windows", fix)
        return
    if not waits:
        fix = "write window: true in a rule or in scheduled work, or leave them out"
        yield Finding(path, "nothing waits for these windows", fix)
    every, lasts = (read(body.get(key), units.HOURS) for key in ("every", "for"))
    if every is not None and lasts is not None and lasts >= every > 0:
        said = f"windows of {body['for']} every {body['every']} are always open"
        yield Finding((*path, "for"), said, "write a shorter time, or leave windows out")


def _check_counted(draft: Draft, tree: Tree, name: str) -> Iterator[Finding]:
    """Scheduled work takes out a unit whose loss is said: no element of a counting group, nor what is in one."""
    path = ("service", "scheduled", name, "unit")
    unit = draft.section(*path[:-1]).get("unit")
    if not isinstance(unit, str) or unit not in tree.nodes:
        return
    counted = next((u for u in tree.ancestors(unit) if tree.nodes[u].need is not None), None)
    if counted is not None:
        said = f"'{counted}' is in a counting group, whose spares would do its work"
        yield Finding(path, said, "name a unit around the group")


def _check_opportunistic(
    draft: Draft, tree: Tree, users: dict[str, list[tuple[str, str]]]
) -> Iterator[Finding]:
    """Some repair or scheduled work takes out a unit around the FRU: else the rule waits for nothing."""
    rules = draft.section("service", "replace")
    section = lambda kind, name, key: draft.section("service", kind, name).get(key)
    outs = [section("replace", name, "takes_out") for name in rules if users.get(name)]
    outs += [section("scheduled", n, "unit") for n in draft.section("service", "scheduled")]
    for name in rules:
        if section("replace", name, "opportunistic") is not True or not users.get(name):
            continue
        swap = section("replace", name, "swap")
        swap = swap if isinstance(swap, str) else name
        bases = [swap] if swap in tree.nodes else [unit for unit, _ in users[name]]
        if not any(out in tree.ancestors(base) for base in bases for out in outs):
            said = f"no repair and no scheduled work takes out a unit around '{swap}'"
            fix = "give some rule takes_out, or leave this out"
            yield Finding(("service", "replace", name, "opportunistic"), said, fix)


def _users(draft: Draft, tree: Tree, rules: tuple[str, ...]) -> dict[str, list[tuple[str, str]]]:
    """The classes (unit, component) that each rule replaces."""
    users: dict[str, list[tuple[str, str]]] = {name: [] for name in rules}
    for unit in tree.nodes:
        for component in draft.units[unit].components:
            names = (component, *tree.ancestors(unit))
            rule = next((name for name in names if name in users), None)
            if rule is not None:
                users[rule].append((unit, component))
    return users


def _check_fru(
    draft: Draft, tree: Tree, name: str, users: list[tuple[str, str]], ends: Ends | None
) -> Iterator[Finding]:
    path = ("service", "replace", name)
    body = draft.section(*path)
    swap, out = body.get("swap", name), body.get("takes_out", "nothing")
    if not isinstance(swap, str):
        return
    known = [*draft.components, *tree.nodes]
    if swap not in known:
        return
    for unit, component in users:
        choices = (component, *tree.ancestors(unit))
        if swap not in choices:
            said = f"'{swap}' does not hold '{component}' of '{unit}', which this rule replaces"
            yield Finding((*path, "swap"), said, "write " + " or ".join(choices))
            return
    if isinstance(out, str) and out in tree.nodes:
        yield from _check_takes_out(draft, tree, name, swap, out, users, ends)


def _check_takes_out(
    draft: Draft,
    tree: Tree,
    name: str,
    swap: str,
    out: str,
    users: list[tuple[str, str]],
    ends: Ends | None,
) -> Iterator[Finding]:
    path = ("service", "replace", name, "takes_out")
    for unit, component in users:
        chain = tree.ancestors(swap if swap in tree.nodes else unit)
        if out not in chain:
            said = f"'{out}' is not '{swap}' or a unit above it"
            yield Finding(path, said, f"write {' or '.join(chain)}, or nothing")
            return
        if ends is None:
            continue
        lost = _losing(draft, tree, ends, unit)
        if lost is not None and not _covers(draft, tree, ends, out, lost):
            said = f"'{out}' does not cover what a failure of '{component}' takes, '{lost}'"
            yield Finding(path, said, "name a unit that holds all of that, or write nothing")
            return


def _losing(draft: Draft, tree: Tree, ends: Ends, unit: str) -> str | None:
    """The unit that loses something when a component on `unit` fails: never a support."""
    losing = None
    for name in tree.ancestors(unit):
        role = role_of(tree, draft.units, ends.accelerator, ends.plane, name, ends.trunk)
        if role == "container":
            return losing or name
        if tree.nodes[name].need is not None:
            losing = None  # the spares of this group come first; its parent loses
        elif losing is None and role != "support":
            losing = name
    return losing


def _covers(draft: Draft, tree: Tree, ends: Ends, out: str, lost: str) -> bool:
    """Whether `out` being out of service takes at least what `lost` has lost."""
    role = role_of(tree, draft.units, ends.accelerator, ends.plane, lost)
    if role == "plane" and ends.leaf is None:
        outer = role_of(tree, draft.units, ends.accelerator, ends.plane, out)
        everything = tree.per(tree.root, ends.accelerator)
        whole = outer == "container" and tree.per(out, ends.accelerator) == everything
        return whole or (outer == "plane" and out in tree.ancestors(lost))
    if role == "supplier" and out not in tree.ancestors(lost):
        return supplier_of(tree, draft.units, out) == supplier_of(tree, draft.units, lost)
    return out in tree.ancestors(lost)
