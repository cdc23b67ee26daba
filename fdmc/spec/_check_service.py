"""Checks of the replacement rules: names, the FRU, what its repair takes out, spares."""

from collections.abc import Iterator

from ._check_roles import Ends, fabric_ends
from ._draft import Draft
from ._problem import Finding
from ._roles import role_of, supplier_of
from ._tree import Tree


def check_service(draft: Draft, tree: Tree) -> Iterator[Finding]:
    """What is wrong with `service.replace`."""
    rules = draft.section("service", "replace")
    users = _users(draft, tree, tuple(rules))
    ends = fabric_ends(draft, tree)
    for name in rules:
        if name in users:
            yield from _check_fru(draft, tree, name, users[name], ends)


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
        role = role_of(tree, draft.units, ends.accelerator, ends.plane, name)
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
    if role == "plane":
        outer = role_of(tree, draft.units, ends.accelerator, ends.plane, out)
        everything = tree.per(tree.root, ends.accelerator)
        whole = outer == "container" and tree.per(out, ends.accelerator) == everything
        return whole or (outer == "plane" and out in tree.ancestors(lost))
    if role == "supplier" and out not in tree.ancestors(lost):
        return supplier_of(tree, draft.units, out) == supplier_of(tree, draft.units, lost)
    return out in tree.ancestors(lost)
