"""Checks of the units that have a structure: its names, its size, and what stands beside it."""

from collections.abc import Iterator

from ._draft import Draft
from ._problem import Finding, Path
from ._structure import MOST_COPIES, MOST_GATES, copies_of, events, gates, read_structure
from ._tree import Tree


def check_structures(draft: Draft) -> Iterator[Finding]:
    """What is wrong with structures, whatever else is wrong with the tree."""
    for name in draft.units:
        body = draft.section("units", name)
        if body.get("structure") is not None:
            yield from _check_structure(draft, name, body["structure"])


def _check_structure(draft: Draft, name: str, value: object) -> Iterator[Finding]:
    parts, path = draft.units[name].components, ("units", name, "structure")
    if not isinstance(value, str | dict) or not draft.counted:
        return  # the forms say so
    if not parts:
        yield Finding(path, f"'{name}' has no components", "give it some, or drop structure")
        return
    for part, group in parts.items():
        if group.need is not None:
            where = ("units", name, "components", part, "need")
            fix = f"drop need, and write {{atleast: {{failed: {group.spares + 1}, of: [{part}]}}}}"
            yield Finding(where, "the unit has a structure, which says what is needed", fix)
    total = sum(group.count for group in parts.values())
    if total > MOST_COPIES:
        said = f"'{name}' has {total} components, and a structure holds at most {MOST_COPIES}"
        yield Finding(path, said, "divide the unit")
        return
    formula, findings = read_structure(value, parts, path)
    yield from findings
    if formula is None:
        return
    if len(gates(formula)) > MOST_GATES:
        said = f"{len(gates(formula))} gates, and a structure holds at most {MOST_GATES}"
        yield Finding(path, said, "divide the unit")
    missing = [copy for copy in copies_of(parts) if copy not in set(events(formula))]
    for part in dict.fromkeys(copy.partition("[")[0] for copy in missing):
        yield _missing(path, part, [copy for copy in missing if copy.partition("[")[0] == part])


def _missing(path: Path, part: str, copies: list[str]) -> Finding:
    said = f"{', '.join(copies[:4])}{', ...' if len(copies) > 4 else ''} "
    said += "appears" if len(copies) == 1 else "appear"
    where = (*path[:-1], "components", part)
    fix = "add it there, or move the component to a unit of its own"
    return Finding(where, f"{said} nowhere in the structure", fix)


def check_counted_structures(draft: Draft, tree: Tree) -> Iterator[Finding]:
    """A unit with a structure is not an element of a counting group, nor in one."""
    for name in tree.nodes:
        if draft.section("units", name).get("structure") is None:
            continue
        counted = next((up for up in tree.ancestors(name) if tree.nodes[up].need is not None), None)
        if counted is not None:
            where = "is" if counted == name else f"stands in '{counted}', which is"
            said = f"'{name}' {where} counted with spares, so it cannot have a structure"
            fix = f"drop the need of '{counted}', or the structure"
            yield Finding(("units", name, "structure"), said, fix)
