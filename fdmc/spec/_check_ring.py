"""Checks of a k-hop ring: its nodes, and what the closed forms of a ring know of the job."""

from collections.abc import Iterator
from typing import Any

from ._check_roles import Ends, fabric_ends
from ._collective_form import ALGORITHMS
from ._draft import Draft, whole
from ._problem import Finding, Path
from ._tree import Tree


ON_A_RING = {
    "all_reduce": ("optimal", "ring"),
    "all_gather": ("optimal", "ring"),
    "reduce_scatter": ("optimal", "ring"),
    "all_to_all": ("optimal", "direct"),
    "broadcast": ("optimal",),
}
"""Algorithms with a closed form on a ring, by operation."""


def check_ring(draft: Draft, tree: Tree) -> Iterator[Finding]:
    """Nodes hold accelerators, which have two sides; the job is of whole groups that follow each other."""
    ring, ends = draft.section("fabric", "ring"), fabric_ends(draft, tree)
    if not ring or ends is None:
        return
    fabric, where = draft.section("fabric"), ("fabric", "ring")
    for key in ("trunk", "classes", "torus"):
        if fabric.get(key):
            said = f"a ring has no {key}: its links are those of neighbours"
            yield Finding(("fabric", key), said, f"drop {key}, or ring")
    if ends.plane is not None:
        said = "a ring has no switching planes: transceivers switch"
        yield Finding(("fabric", "plane"), said, "drop plane, and write planes: 2")
    elif ends.planes not in (None, 2):
        said = f"an accelerator on a ring has two sides, and planes is {ends.planes}"
        yield Finding(("fabric", "planes"), said, "write planes: 2")
    yield from _check_job(draft)
    node, held = ring.get("node"), tree.ancestors(ends.accelerator)[1:-1]
    if node not in tree.nodes:
        return
    if node not in held:
        said = f"'{node}' is no unit between an accelerator and the whole machine"
        fix = f"write {' or '.join(held)}" if held else "put the accelerators into trays"
        yield Finding((*where, "node"), said, fix)
        return
    if draft.counted:
        yield from _check_counts(draft, tree, ends, str(node))


def _check_counts(draft: Draft, tree: Tree, ends: Ends, node: str) -> Iterator[Finding]:
    size, nodes = tree.per(node, ends.accelerator), tree.nodes[node].total
    where: Path = ("fabric", "ring")
    if size % 2:
        said = f"'{node}' has {size} '{ends.accelerator}'; a ring goes out through half and back through the others"
        yield Finding((*where, "node"), said, "name a unit with an even number of them")
    hops = whole(draft.section(*where).get("hops"))
    if hops is not None and hops >= nodes:
        said = f"{hops} hops go round a ring of {nodes} nodes"
        yield Finding((*where, "hops"), said, f"write at most {nodes - 1}")
    tensor = whole(draft.section("workload", "parallel").get("tensor", 1))
    if tensor is not None and tensor % size and size % tensor:
        said = f"tensor groups of {tensor} cut '{node}', which holds {size}"
        fix = f"choose groups that divide {size}, or multiples of it"
        yield Finding(("workload", "parallel", "tensor"), said, fix)


def _check_job(draft: Draft) -> Iterator[Finding]:
    """What the closed forms of a ring do not know of the job."""
    workload = draft.section("workload")
    if workload.get("uses") is not None:
        said = "the closed forms of a fabric with ring are for all accelerators that live"
        yield Finding(("workload", "uses"), said, "drop uses")
    if workload.get("slice", 1) != 1:
        said = "on a ring groups are those that follow each other"
        fix = "drop slice, and write one such as parallel: {tensor: 32}"
        yield Finding(("workload", "slice"), said, fix)
    for key in ("elastic", "non_uniform"):
        if key in draft.section("fabric", "policy"):
            said = "on a ring whole nodes are passed over"
            yield Finding(("fabric", "policy"), said, "write degrade, park or drop")
    collectives = workload.get("collectives")
    for number, body in enumerate(collectives if isinstance(collectives, list) else []):
        if isinstance(body, dict):
            yield from _check_collective(("workload", "collectives", number), body)


def _check_collective(path: Path, body: dict[str, Any]) -> Iterator[Finding]:
    if body.get("group") in ("data", "expert"):
        said = f"accelerators of a group {body['group']} are no neighbours on a ring"
        yield Finding((*path, "group"), said, "write tensor, or drop group")
    op, how = body.get("op"), body.get("algorithm", "optimal")
    if not isinstance(op, str) or op not in ON_A_RING:
        return
    for name in how if isinstance(how, list) else [how]:
        if name in ALGORITHMS[op] and name not in ON_A_RING[op]:
            said = f"there is no closed form of {op} by {name} on a ring"
            fix = f"write one or more of {', '.join(ON_A_RING[op])}"
            yield Finding((*path, "algorithm"), said, fix)
