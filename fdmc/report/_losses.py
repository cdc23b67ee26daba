"""What failures and repairs take from the accelerators, in words and numbers."""

import dataclasses

from ..plan import COMPUTE, LINK, PLANE, SEND, TRUNK, Effect, Effects, PlanError, direction_of
from ..spec import Scenario, resolve_rule
from ._format import fraction


@dataclasses.dataclass(frozen=True)
class Loss:
    """What one failure (or repair) takes: of which accelerators and planes, what part.

    `kind` is compute, lanes, planes or trunk; `accelerators` and `planes` are how many are touched, and
    `share` the part of them that is lost, 1 being all. The first `spares` failures of a counting
    group take nothing; in a unit with a structure it is the combination that counts. With a `direction` only
    what accelerators send (or receive) is lost.
    """

    kind: str
    accelerators: int
    planes: int
    share: float
    spares: int
    text: str
    direction: str | None = None


def failure_loss(scenario: Scenario, effects: Effects, unit: str, component: str) -> Loss | None:
    """Return what the failure of one `component` on `unit` takes; `None` when fdmc cannot say."""
    group = scenario.units[unit].components[component]
    takes = scenario.components[component].takes
    try:
        counted = None if group.need is not None else effects.group(unit)
        effect = effects.of(unit) if counted is None else counted[1]
        way = direction_of(scenario, component, effect.kind == PLANE)
        effect = dataclasses.replace(effect, direction=way)
        if scenario.units[unit].structure is not None:
            loss = _loss(scenario, effect, 0, 1.0)
            return dataclasses.replace(loss, text=f"{loss.text}, by the structure of {unit}")
        if group.need is not None:
            return _loss(scenario, effect, group.spares, takes / group.need)
        if counted is not None:
            return _counted(scenario, counted[0], effect, takes)
        return _loss(scenario, effect, 0, takes)
    except (PlanError, IndexError):
        return None


def repair_loss(scenario: Scenario, effects: Effects, unit: str, component: str) -> Loss | None:
    """Return what the repair takes out; `None` when that is nothing or fdmc cannot say."""
    rule = resolve_rule(scenario, unit, component)
    try:
        out = None if rule.takes_out is None else effects.of(rule.takes_out)
    except (PlanError, IndexError):
        return None
    return None if out is None else _loss(scenario, out, 0, 1.0)


def unit_loss(scenario: Scenario, effects: Effects, unit: str) -> Loss:
    """Return what losing all of one copy of `unit` takes.

    **Raises:** `PlanError` when fdmc cannot represent it.
    """
    counted = effects.group(unit)
    if counted is not None and counted[0] == unit:
        return _counted(scenario, *counted)
    return _loss(scenario, effects.of(unit), 0, 1.0)


def _counted(scenario: Scenario, unit: str, effect: Effect, takes: float = 1.0) -> Loss:
    """Return what one element of a counting group takes once its spares are used up."""
    node = scenario.tree.nodes[unit]
    need = node.need or node.count
    return _loss(scenario, effect, node.count - need, takes / need)


def _loss(scenario: Scenario, effect: Effect, spares: int, step: float) -> Loss:
    share = min(effect.share * step, 1.0)
    touched = int(effect.high[0] - effect.low[0])
    planes = int(effect.right[0] - effect.left[0])
    all_planes = scenario.fabric.planes
    part, who = fraction(share), f"{touched:,} accelerator{'s' * (touched != 1)}"
    some = "" if part == "all" else f"{part} of "
    if effect.kind == COMPUTE:
        kind, text = "compute", f"{some}{who}"
    elif effect.kind == LINK:
        where = "" if planes == all_planes else f" to {planes:,} of {all_planes:,} planes"
        kind, text = "lanes", f"{some or 'all '}{'the ' if some else ''}lanes of {who}{where}"
    elif effect.kind == TRUNK:
        kind, text = "trunk", f"{some or 'all '}{'the ' if some else ''}trunk of {who}"
    else:
        kind, text = "planes", f"{some}{planes:,} of {all_planes:,} planes, for all"
    way = None
    if effect.direction:
        way = "send" if effect.direction == SEND else "receive"
        text = f"{text}, {'sending' if way == 'send' else 'receiving'} only"
    if spares:
        text = f"{text}, after {spares:,} spare{'s' * (spares != 1)}"
    return Loss(kind, touched, planes, share, spares, text, way)
