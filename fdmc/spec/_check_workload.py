"""Checks of the job against the machine: its size, its groups, its spares, its fleet."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ._draft import Draft, whole
from ._problem import Finding, Path, did_you_mean, shown
from ._tree import Tree


if TYPE_CHECKING:
    from ._check_roles import Ends


_SLOWEST = "ring, recursive, direct or tree"
_ACROSS = ("all_reduce", "all_gather", "reduce_scatter")


def check_workload(draft: Draft, tree: Tree, ends: "Ends", counted: bool) -> Iterator[Finding]:
    """Everything that is wrong between the job and the machine."""
    yield from _check_switched(draft, tree)
    yield from _check_divided(draft)
    yield from _check_collectives(draft)
    yield from _check_fleet(draft)
    if not counted:
        return
    policy = draft.section("fabric").get("policy")
    unit = policy.get("park") if isinstance(policy, dict) else None
    unit = tree.root if policy == "drop" else unit or ends.accelerator
    if isinstance(unit, str) and unit in tree.nodes:
        yield from _check_counts(draft, tree, ends, unit)
    yield from _check_groups(draft, tree, ends)


def _check_counts(draft: Draft, tree: Tree, ends: "Ends", unit: str) -> Iterator[Finding]:
    workload = draft.section("workload")
    counts = (("minimum", ends.accelerator), ("slice", unit), ("uses", ends.accelerator))
    for key, name in counts:
        wanted, total = whole(workload.get(key)), tree.nodes[name].total
        if wanted is not None and wanted > total:
            said = f"{wanted} exceeds the {total} '{name}' of the machine"
            yield Finding(("workload", key), said, f"write at most {total}")
    uses, together = whole(workload.get("uses")), whole(workload.get("slice", 1))
    if uses is None:
        return
    parks = draft.section("fabric").get("policy", "degrade") != "degrade"
    each = tree.nodes[ends.accelerator].total // tree.nodes[unit].total if parks else 1
    if together is not None and uses % (each * together):
        said = f"{uses} is not a whole number of slices of {each * together} accelerators"
        yield Finding(("workload", "uses"), said, f"write a multiple of {each * together}")
    least = whole(workload.get("minimum"))
    if least is not None and least > uses:
        said = f"{least} exceeds the {uses} accelerators that the job uses"
        yield Finding(("workload", "minimum"), said, f"write at most {uses}")


def _check_groups(draft: Draft, tree: Tree, ends: "Ends") -> Iterator[Finding]:
    workload, policy = draft.section("workload"), draft.section("fabric", "policy")
    total = tree.nodes[ends.accelerator].total
    job = whole(workload.get("uses", total))
    parallel = workload.get("parallel")
    by_groups = policy.get("elastic") == "data" or policy.get("non_uniform") == "tensor"
    if by_groups and parallel is None:
        fix = "write one such as parallel: {tensor: 8, data: 64}"
        yield Finding(("workload", "parallel"), "missing, and fabric.policy needs it", fix)
    if by_groups:
        for key in ("uses", "slice"):
            if workload.get(key, 1) != 1:
                said = "a policy of groups keeps every accelerator at its place in the job"
                yield Finding(("workload", key), said, f"drop {key}, or use degrade or park")
    if not isinstance(parallel, dict) or job is None:
        return
    tensor, data = whole(parallel.get("tensor", 1)), whole(parallel.get("data", 1))
    expert = whole(parallel.get("expert", 1))
    path: Path = ("workload", "parallel")
    if tensor and data and job % (tensor * data):
        said = f"{data} replicas of tensor groups of {tensor} do not divide {job} accelerators"
        yield Finding(path, said, f"choose tensor x data that divides {job}")
        return
    if expert and job % expert:
        said = f"groups of {expert} do not divide {job} accelerators"
        yield Finding((*path, "expert"), said, f"choose a divisor of {job}")
    if by_groups and tensor and data and total % (tensor * data) == 0:
        blocks = {"data": total // data}
        if "non_uniform" in policy:
            blocks["tensor"] = tensor
        for key, size in blocks.items():
            yield from _check_cut(tree, ends, (*path, key), size)


def _check_cut(tree: Tree, ends: "Ends", path: Path, size: int) -> Iterator[Finding]:
    """Blocks of accelerators and units must not cut each other: one holds the other."""
    for name in tree.ancestors(ends.accelerator):
        held = tree.nodes[ends.accelerator].total // tree.nodes[name].total
        if held % size and size % held:
            said = f"blocks of {size} accelerators cut '{name}', which holds {held}"
            fix = f"choose blocks that divide {held}, or multiples of it"
            yield Finding(path, said, fix)
            return


def _check_collectives(draft: Draft) -> Iterator[Finding]:
    workload = draft.section("workload")
    collectives = workload.get("collectives")
    parallel = workload.get("parallel")
    domains = _domains(draft)
    crossing = False
    for number, body in enumerate(collectives if isinstance(collectives, list) else []):
        group = body.get("group") if isinstance(body, dict) else None
        if group not in ("tensor", "expert", "data"):
            continue
        path = ("workload", "collectives", number)
        crossing = crossing or group == "data"
        if not isinstance(parallel, dict) or group not in parallel:
            said = f"workload.parallel does not say how large a {group} group is"
            fix = f"write one such as parallel: {{{group}: 8}}"
            yield Finding((*path, "group"), said, fix)
        op, how = body.get("op"), body.get("algorithm", "optimal")
        names = how if isinstance(how, list) else [how]
        if (op in ("all_reduce", "broadcast") and "optimal" in names) or "in_switch" in names:
            said = "which group is the slowest is only known where the slowest link decides"
            yield Finding((*path, "algorithm"), said, f"write {_SLOWEST}")
        if group == "data" and domains != 1 and op not in _ACROSS:
            said = f"{op} across domains has no closed form here"
            yield Finding((*path, "op"), said, f"write {', '.join(_ACROSS)}")
    scale_out = workload.get("scale_out")
    if scale_out is not None and not (crossing and domains != 1):
        said = "only collectives of group data go across domains"
        fix = "write domains, and a collective with group: data"
        yield Finding(("workload", "scale_out"), said, fix)
    if scale_out is None and crossing and domains != 1:
        said = "missing, and a collective of group data goes across domains"
        yield Finding(("workload", "scale_out"), said, "write one such as {rate: 400 Gb/s}")


def _domains(draft: Draft) -> int | None:
    """How many domains there are; None where that cannot be read."""
    body = draft.section("workload").get("domains", 1)
    return whole(body.get("count") if isinstance(body, dict) else body)


def _check_fleet(draft: Draft) -> Iterator[Finding]:
    """What is said of a fleet that goes on, and what is missing of it."""
    body, path = draft.section("workload", "domains"), ("workload", "domains")
    if not body:
        return
    if body.get("on_stop", "stop") == "stop":
        for key in ("stall", "minimum", "batch"):
            if body.get(key) is not None:
                said = "a fleet that stops with every domain has none"
                yield Finding((*path, key), said, f"write on_stop: leave, or drop {key}")
    elif body["on_stop"] == "leave" and body.get("stall") is None:
        said = "missing, how long the others wait when a domain leaves"
        yield Finding((*path, "stall"), said, "write one such as stall: 3 min (arXiv:2602.00277)")
    least, count = whole(body.get("minimum")), _domains(draft)
    if least is not None and count is not None and least > count:
        said = f"{least} exceeds the {count} domains of the fleet"
        yield Finding((*path, "minimum"), said, f"write at most {count}")


def _check_divided(draft: Draft) -> Iterator[Finding]:
    """Lanes that are divided have closed forms of their own, which know the whole domain only."""
    fabric, workload = draft.section("fabric"), draft.section("workload")
    by = next((key for key in ("classes", "trunk", "torus") if fabric.get(key) is not None), None)
    if by is None:
        return
    said = f"the closed forms of a fabric with {by} are for all accelerators that live"
    if workload.get("uses") is not None:
        yield Finding(("workload", "uses"), said, "drop uses")
    for key in ("elastic", "non_uniform"):
        if key in draft.section("fabric", "policy"):
            yield Finding(("fabric", "policy"), said, "write degrade, park or drop")
    collectives = workload.get("collectives")
    for number, body in enumerate(collectives if isinstance(collectives, list) else []):
        if isinstance(body, dict) and body.get("group") is not None:
            path = ("workload", "collectives", number, "group")
            yield Finding(path, said, "drop group")


def _check_switched(draft: Draft, tree: Tree) -> Iterator[Finding]:
    """Spares that a reconfiguration brings in: counted parts, and a rule for them."""
    body = draft.section("fabric", "reconfigure")
    named = body.get("spares")
    named = [name for name in named if isinstance(name, str)] if isinstance(named, list) else []
    counted = {name for name, node in tree.nodes.items() if node.need is not None}
    for unit in draft.units.values():
        counted |= {name for name, group in unit.components.items() if group.need is not None}
    for number, name in enumerate(named):
        if name not in counted:
            path = ("fabric", "reconfigure", "spares", number)
            said = f"{shown(name)} has no spares"
            fix = did_you_mean(name, counted) or "name a unit or component with a need"
            yield Finding(path, said, fix)
    if body.get("when") is not None and not named:
        said = "there is nothing to switch in"
        fix = "name the spares, such as spares: [port]"
        yield Finding(("fabric", "reconfigure", "when"), said, fix)
