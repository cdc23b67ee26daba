"""Latent defects as classes of the plan: what passed test, and fails by the infant law in the field."""

import dataclasses
import functools
import math

import numpy as np

from ..lifetime import FirstLatent, Remaining, cumulative_hazard
from ..spec import LatentDefects, Manufacturing, Rule, Scenario, Weibull
from ..yields import factory
from ._effects import Effects, PlanError
from ._rows import LATENT, Row, unit_row
from ._supply import Supply, check_whole, lane_rows


COUNTED = ("die", "lane")
"""Latent defects that each package of each replica has its own number of: the last classes of a plan, in this order."""


def latent_rows(scenario: Scenario, effects: Effects, rows: list[Row]) -> list[Row]:
    """Return the rows of latent defects, the last ones of the plan; none where histories follow none.

    Those of a lane fail it: they have a place for each lane, with the lane's own number for its home, and it is
    replaced as the first component of the lane is. Those elsewhere on the die of the lanes fail the unit around the
    lanes, those of other parts the unit that the factory makes, or its mount. A life begins where burn-in has left it.
    """
    made = scenario.manufacturing
    if made is None or made.latent is None or made.latent.infant is None:
        return []
    mine = lane_rows(scenario, rows)
    if not mine:
        return []
    for row in mine:
        check_whole(scenario, row, made.lanes.unit)
    works, lane = factory(scenario), scenario.tree.nodes[made.lanes.unit]
    assert lane.parent is not None, "checked"
    whole = functools.partial(_unit_row, scenario, effects, mine[0])
    life = field_life(made.latent)
    found = [
        whole(made.unit, name, FirstLatent(life, left), "part")
        for name, left in works.dormant.items()
    ]
    for name, left in works.mounted.items():
        assert made.mount is not None, "these are its parts"
        found.append(whole(made.mount.unit, name, FirstLatent(made.latent.infant, left), "part"))
    if works.die.latent_fatal_defects > 0:
        found.append(whole(lane.parent, made.lanes.die, life, "die"))
    if works.die.latent_ratio * works.die.lane_defects > 0:
        found.append(
            _lane_row(made, mine[0], lane.parent, lane.need or lane.count, lane.count, life)
        )
    _check_names(rows, found)
    return found


def _lane_row(made: Manufacturing, first: Row, parent: str, need: int, count: int, life) -> Row:
    element, index = np.unique(first.places["element"], return_index=True)
    effect = first.effect.take(index)
    return dataclasses.replace(
        first,
        unit=parent,
        component=made.lanes.unit,
        mechanism=LATENT,
        count=count,
        lifetime=life,
        exposure=None,
        share=effect.share / need,
        effect=effect,
        out=None if first.out is None else first.out.take(index),
        places={**{name: of[index] for name, of in first.places.items()}, "home": element},
        latent="lane",
    )


def _unit_row(
    scenario: Scenario, effects: Effects, first: Row, unit: str, name: str, life, where
) -> Row:
    """The row of defects of a part that fail a unit: replaced by the unit's rule, or as the lanes are."""
    chain, replace = scenario.tree.ancestors(unit), scenario.service.replace
    rule: Rule | None = next((replace[above] for above in chain if above in replace), None)
    if rule is None and first.rule.swap in chain:
        rule = first.rule
    if rule is None or rule.swap not in chain:
        raise PlanError(
            f"service.replace: a latent defect of '{name}' fails '{unit}' whole, and no rule swaps that; add "
            f"service.replace.{unit}, such as {{swap: {unit}, takes_out: {unit}, time: 24 h}}."
        )
    rule = dataclasses.replace(rule, when="failed")
    row = unit_row(scenario, effects, unit, rule, rule.time or first.repair)
    return dataclasses.replace(row, component=name, mechanism=LATENT, lifetime=life, latent=where)


def _check_names(rows: list[Row], found: list[Row]):
    taken = {row.name for row in rows}
    for row in found:
        if row.name in taken:
            raise PlanError(
                f"components.{row.component}.mechanisms.{LATENT}: '{row.name}' is what the latent defects of "
                "manufacturing are called; rename the mechanism."
            )


def field_life(latent: LatentDefects) -> Weibull | Remaining:
    """Return the life in use of a latent defect that burn-in has not woken, in hours."""
    assert latent.infant is not None, "asked for where it is known"
    if latent.burn_in is None or latent.burn_in.use_hours == 0:
        return latent.infant
    return Remaining(latent.infant, latent.burn_in.use_hours)


def latent_failures(supply: Supply, row: Row, hours: float) -> float:
    """Return about how many latent defects of the first packages fail within so many hours."""
    hazard = float(cumulative_hazard(row.lifetime, hours))
    each = 1.0 if row.latent == "part" else _defects(supply, row.latent)
    return row.places["home"].size * each * -math.expm1(-hazard)


def defective_prob(row: Row) -> float:
    """Return the probability that a part has a latent defect."""
    assert isinstance(row.lifetime, FirstLatent), "asked of parts"
    return -math.expm1(-float(row.lifetime.defects.hazard(1.0)))


def renewing_share(supply: Supply, groups: int) -> float:
    """Return an upper bound of the share of swaps that bring a latent defect, with so many groups at the most."""
    each = {"lane": supply.each, "die": 1}
    of_one = math.fsum(each[where] * _defects(supply, where) for where in supply.latent)
    return min(1.0, groups * of_one)


def _defects(supply: Supply, where: str) -> float:
    """Latent defects of a lane, or of the rest of its die, about."""
    factory = supply.factory
    if where == "die":
        return float(factory.latent_fatal_defects)
    return -math.expm1(-float(factory.latent_ratio * factory.lane_defects))
