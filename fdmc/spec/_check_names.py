"""Names that name nothing, and spares without restock: what can be seen without the tree."""

from collections import Counter
from collections.abc import Iterable, Iterator

from ._draft import Draft
from ._problem import Finding, Path, did_you_mean, shown


def check_names(draft: Draft) -> Iterator[Finding]:
    """Names that name nothing, whatever else is wrong with the tree."""
    yield from _check_components(draft)
    yield from _check_fabric_names(draft)
    yield from _check_rule_names(draft)


def _check_components(draft: Draft) -> Iterator[Finding]:
    used = Counter(key for unit in draft.units.values() for key in unit.components)
    for name in draft.components:
        if name in draft.units:
            said = "a component and a unit have this name"
            yield Finding(("components", name), said, "give one of them another name")
        elif not used[name]:
            said = "no unit has this component"
            yield Finding(
                ("components", name), said, "put it under a unit's components, or remove it"
            )
    for name, unit in draft.units.items():
        for key in unit.components:
            if key not in draft.components:
                path = ("units", name, "components", key)
                if key in draft.units:
                    yield Finding(path, "this is a unit", "move it to contains")
                else:
                    yield dangling(path, "component", key, draft.components)
        if unit.feeds is not None and unit.feeds not in draft.units:
            yield dangling(("units", name, "feeds"), "unit", unit.feeds, draft.units)


def _check_fabric_names(draft: Draft) -> Iterator[Finding]:
    fabric = draft.section("fabric")
    policy = draft.section("fabric", "policy")
    named = (
        (("fabric", "accelerator"), fabric.get("accelerator")),
        (("fabric", "plane"), fabric.get("plane")),
        (("fabric", "policy", "park"), policy.get("park")),
        (("fabric", "trunk", "unit"), draft.section("fabric", "trunk").get("unit")),
        (("fabric", "trunk", "link"), draft.section("fabric", "trunk").get("link")),
        (("fabric", "ring", "node"), draft.section("fabric", "ring").get("node")),
    )
    for path, name in named:
        if isinstance(name, str) and name not in draft.units:
            yield dangling(path, "unit", name, draft.units)
    if draft.section("workload").get("collectives") and fabric and "lane_rate" not in fabric:
        fix = 'write one such as "200 Gb/s"'
        yield Finding(("fabric", "lane_rate"), "missing, and collectives need it", fix)


def _check_rule_names(draft: Draft) -> Iterator[Finding]:
    known = [*draft.components, *draft.units]
    for name in draft.section("service", "replace"):
        path = ("service", "replace", name)
        body = draft.section(*path)
        if name not in known:
            yield dangling(path, "component or unit", name, known)
        swap, out = body.get("swap"), body.get("takes_out")
        if isinstance(swap, str) and swap not in known:
            yield dangling((*path, "swap"), "component or unit", swap, known)
        if isinstance(out, str) and out not in (*draft.units, "nothing"):
            yield dangling((*path, "takes_out"), "unit", out, [*draft.units, "nothing"])
        stock, restock = body.get("stock"), body.get("restock")
        if stock not in (None, "unlimited") and restock is None:
            fix = 'write how long a new spare takes, such as "21 d"'
            yield Finding((*path, "stock"), "stock without restock", fix)
        if restock is not None and stock is None:
            fix = "write how many spares are on the shelf"
            yield Finding((*path, "restock"), "restock without stock", fix)


def dangling(path: Path, kind: str, name: str, known: Iterable[str]) -> Finding:
    """The finding for a name that names nothing."""
    said = f"no {kind} has this name" if path[-1] == name else f"no {kind} is called {shown(name)}"
    return Finding(path, said, did_you_mean(name, known))
