"""How the lanes of a fabric are divided, in words: classes of traffic, a trunk, a torus, a ring, directions."""

import math

from ..plan import PLANE, SEND, Effects, PlanError, direction_of
from ..spec import Scenario
from ._format import number, percent


def fabric_text(scenario: Scenario) -> tuple[str, ...] | None:
    """Return a sentence on each way in which lanes are divided; `None` when they are not."""
    found = (
        *_classes(scenario),
        *_trunk(scenario),
        *_torus(scenario),
        *_ring(scenario),
        *_directions(scenario),
    )
    return found or None


def _classes(scenario: Scenario) -> tuple[str, ...]:
    classes = scenario.fabric.classes
    if classes is None:
        return ()
    order = sorted(classes.items(), key=lambda item: item[1].priority)
    named = [f"{name} {percent(each.share)} (priority {each.priority})" for name, each in order]
    rest = 1.0 - math.fsum(each.share for each in classes.values())
    rest_text = f", and {percent(rest)} for what has no class" if rest > 1e-9 else ""
    return (
        f"Classes of traffic reserve of every link: {', '.join(named)}{rest_text}. When lanes are lost, the lowest "
        "priority gives up its own first; classes run side by side.",
    )


def _trunk(scenario: Scenario) -> tuple[str, ...]:
    trunk, fabric = scenario.fabric.trunk, scenario.fabric
    if trunk is None:
        return ()
    tree = scenario.tree
    units, size = tree.nodes[trunk.unit].total, tree.per(trunk.unit, fabric.accelerator)
    inside = size * fabric.planes * fabric.lanes_per_link * fabric.lane_rate_gbps
    up = trunk.lanes * trunk.lane_rate_gbps
    ratio = (
        f", {number(inside / up)} times less than its accelerators have" if up and inside else ""
    )
    carried = "nothing that fails" if trunk.link is None else f"{trunk.link}"
    lanes = f"{trunk.lanes:,} lane{'s' * (trunk.lanes != 1)}"
    return (
        f"Two levels: each of {units:,} '{trunk.unit}' has planes of its own and a trunk of {lanes} to the others"
        f"{ratio}; carried by {carried}.",
    )


def _torus(scenario: Scenario) -> tuple[str, ...]:
    torus = scenario.fabric.torus
    if torus is None:
        return ()
    cube, shape = (" x ".join(map(str, sides)) for sides in (torus.cube, torus.shape))
    lanes = scenario.fabric.lanes_per_link
    return (
        f"Slices are tori of {shape} {scenario.fabric.accelerator}s in cubes of {cube}, with {lanes:,} "
        f"lane{'s' * (lanes != 1)} between neighbours; the planes join the faces of the cubes.",
    )


def _directions(scenario: Scenario) -> tuple[str, ...]:
    """Return which parts take what accelerators send, and which what they receive; a plane sends what they receive."""
    effects, found = Effects(scenario), {"send": [], "receive": []}
    for unit in scenario.tree.nodes:
        for part in scenario.units[unit].components:
            if scenario.components[part].direction is None:
                continue
            try:
                counted = effects.group(unit)
                kind = (effects.of(unit) if counted is None else counted[1]).kind
            except (PlanError, IndexError):  # said where it matters
                continue
            way = direction_of(scenario, part, kind == PLANE)
            found["send" if way == SEND else "receive"].append(f"{unit}/{part}")
    takes = [
        f"{', '.join(names)} take{'s' * (len(names) == 1)} only what accelerators {way}"
        for way, names in found.items()
        if names
    ]
    return (f"Sending and receiving fail apart: {'; '.join(takes)}.",) if takes else ()


def _ring(scenario: Scenario) -> tuple[str, ...]:
    ring, fabric = scenario.fabric.ring, scenario.fabric
    if ring is None:
        return ()
    nodes = scenario.tree.nodes[ring.node].total
    what, dead = "ring" if ring.closed else "line", ring.hops - 1
    over = f"up to {dead} dead one{'s' * (dead != 1)} in a row" if dead else "no dead one"
    far = f"{ring.hops:,} place{'s' * (ring.hops != 1)} to either side"
    lanes = f"{fabric.lanes_per_link:,} lane{'s' * (fabric.lanes_per_link != 1)}"
    return (
        f"{nodes:,} '{ring.node}' stand on a {what} and reach {far}, so that {over} can be passed over; each "
        f"'{fabric.accelerator}' has {lanes} to either neighbour.",
    )
