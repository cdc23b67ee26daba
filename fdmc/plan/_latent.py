"""Latent defects as a class of the plan: lanes that passed test and fail by the infant law in the field."""

import dataclasses
import math

import numpy as np

from ..lifetime import Remaining, cumulative_hazard
from ..spec import LatentDefects, Scenario, Weibull
from ..yields import factory
from ._rows import LATENT, Row
from ._supply import Supply, lane_rows


def latent_row(scenario: Scenario, rows: list[Row]) -> Row | None:
    """Return the row of latent defects, None where histories follow none: the last one of the plan.

    It has a place for each lane, with the lane's own number for its home, and is replaced as the first component of the
    lane is. Its life begins where burn-in has left it.
    """
    made = scenario.manufacturing
    if made is None or made.latent is None or made.latent.infant is None:
        return None
    die, mine = factory(scenario).die, lane_rows(scenario, rows)
    if not mine or die.latent_ratio * die.lane_defects == 0:
        return None
    lane, first = scenario.tree.nodes[made.lanes.unit], mine[0]
    assert lane.parent is not None, "checked"
    element, index = np.unique(first.places["element"], return_index=True)
    effect = first.effect.take(index)
    return dataclasses.replace(
        first,
        unit=lane.parent,
        component=lane.name,
        mechanism=LATENT,
        count=lane.count,
        lifetime=field_life(made.latent),
        exposure=None,
        share=effect.share / (lane.need or lane.count),
        effect=effect,
        out=None if first.out is None else first.out.take(index),
        places={**{name: of[index] for name, of in first.places.items()}, "home": element},
        latent=True,
    )


def field_life(latent: LatentDefects) -> Weibull | Remaining:
    """Return the life in use of a latent defect that burn-in has not woken, in hours."""
    assert latent.infant is not None, "asked for where it is known"
    if latent.burn_in is None or latent.burn_in.use_hours == 0:
        return latent.infant
    return Remaining(latent.infant, latent.burn_in.use_hours)


def latent_failures(supply: Supply, row: Row, hours: float) -> float:
    """Return about how many latent defects of the first packages fail within so many hours."""
    failed = -math.expm1(-float(cumulative_hazard(row.lifetime, hours)))
    return row.places["home"].size * _share(supply) * failed


def renewing_share(supply: Supply, groups: int) -> float:
    """Return an upper bound of the share of swaps that bring a latent defect, with so many groups at the most."""
    return min(1.0, groups * supply.each * _share(supply)) if supply.latent else 0.0


def _share(supply: Supply) -> float:
    """Share of lanes with a latent defect, about."""
    factory = supply.factory
    return -math.expm1(-float(factory.latent_ratio * factory.lane_defects))
