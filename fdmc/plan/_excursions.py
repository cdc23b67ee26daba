"""Cooling events as rows of the plan: whom they heat, which lanes they darken, what fails in them."""

import dataclasses

import numpy as np

from ..lifetime import mean_hours
from ..spec import Excursion, Exponential, Law, Mechanism, Scenario
from ._effects import Effect, Effects, PlanError
from ._heat import Heat, heated, reaches_lanes, rises_of, season_hours, steps_of
from ._plan import COMPUTE, LINK, Excursions


@dataclasses.dataclass(frozen=True)
class Struck:
    """A class at constant rate, as the lowering knows it."""

    unit: str
    component: str
    mechanism: Mechanism
    law: Law
    copies: int


def effect_of(scenario: Scenario, effects: Effects, e: Excursion) -> Effect:
    """Return the lanes that an excursion heats: all planes of whole accelerators, no accelerators if there are none.

    Its share is 1 where it takes lanes by itself, and 0 where it takes some only with others, or none.

    **Raises:** `PlanError` where an instance heats less than all lanes of an accelerator on some plane.
    """
    none = np.zeros(scenario.tree.nodes[e.unit].total, np.int64)
    if not reaches_lanes(scenario, e):
        return Effect(LINK, none, none, none, none, 0.0)
    found = effects.of(e.unit)
    if found.share < 1:
        raise PlanError(
            f"thermal.excursions.{e.name}.unit: one '{e.unit}' heats only a part of the lanes that an accelerator has "
            "on a plane; name a unit around it."
        )
    share = float(Heat(scenario, {}).darkens(e))
    if found.kind == COMPUTE:
        planes = none + scenario.fabric.planes
        return Effect(LINK, found.low, found.high, none, planes, share)
    return dataclasses.replace(found, share=share)


def excursions_of(scenario: Scenario, classes: list[Struck | None], heat: Heat) -> Excursions:
    """Return the rows; `classes` are those of the plan, None for what nothing strikes."""
    t = scenario.thermal
    kinds = () if t is None else t.excursions
    grid = rises_of(scenario)
    seasons, cycle = season_hours(scenario, -scenario.run_in_hours)
    rates = np.zeros((len(kinds), len(classes)))
    hours = np.zeros_like(rates)
    copies = np.zeros(rates.shape, np.int32)
    for i, e in enumerate(kinds):
        below = scenario.tree.below(heated(scenario, e))
        for c, struck in enumerate(classes):
            if struck is None or struck.unit not in below:
                continue
            copies[i, c] = _below(scenario, e, struck)
            rates[i, c], tail = _strikes(heat, e, struck)
            rates[i, c] *= copies[i, c]
            hours[i, c] = rates[i, c] * tail
    mean = np.array([mean_hours(e.duration) for e in kinds])
    weight = np.cumsum(rates * mean[:, None] + hours, 1)
    which = weight / np.maximum(weight[:, -1:], 1e-300) if len(classes) else weight
    return Excursions(
        rise_kelvin=np.array([e.rise_kelvin for e in kinds], np.float32),
        tail_hours=np.array([float(tail_hours(heat, e)) for e in kinds], np.float32),
        strikes=rates.sum(1).astype(np.float32),
        strike_hours=hours.sum(1).astype(np.float32),
        which=which.astype(np.float32),
        copies=copies,
        several=np.array([_several(scenario, e) for e in kinds], np.int32),
        lost=np.asarray(heat.lost_by_season, np.float32),
        step_kelvin=np.asarray(grid[1], np.float32),
        season_hours=seasons.astype(np.float32),
        cycle_hours=np.asarray(cycle, np.float32),
    )


def tail_hours(heat: Heat, e: Excursion):
    """The tail of its darkness, or where it darkens nothing, of its heat."""
    dark = heat.lock_tail_hours(e)
    return heat.xp.where(dark > 0, dark, e.recovery_hours)


def _strikes(heat: Heat, e: Excursion, struck: Struck) -> tuple[float, float]:
    """Failures an hour that the excursion adds to one copy, and the hours by which its recovery prolongs it.

    The mean over the steps of the environment, of which `struck.law` is the mean too.
    """
    at = (struck.unit, struck.component, struck.mechanism)
    assert isinstance(struck.law, Exponential)
    steps = [(s.hours, s.shift_kelvin) for s in steps_of(heat.scenario, struck.unit)] or [
        (1.0, 0.0)
    ]
    hours, shifts = np.array(steps).T
    base = np.dot(hours, [float(heat.speed(*at, s)) for s in shifts])
    hot = np.dot(hours, [float(heat.speed(*at, s + e.rise_kelvin)) for s in shifts])
    rate = float(hot / base - 1) / struck.law.mean_hours
    return rate, float(heat.ageing_tail_hours(*at, e))


def _several(scenario: Scenario, e: Excursion) -> int:
    """How many instances of the unit heat the same instance of what it feeds."""
    nodes = scenario.tree.nodes
    return max(1, nodes[e.unit].total // nodes[heated(scenario, e)].total)


def _below(scenario: Scenario, e: Excursion, struck: Struck) -> int:
    """How many copies of a class one instance of the unit heats."""
    nodes, target = scenario.tree.nodes, heated(scenario, e)
    groups = nodes[e.unit].total // _several(scenario, e)
    copies, rest = divmod(struck.copies, groups)
    if rest or nodes[e.unit].total % _several(scenario, e):
        raise PlanError(
            f"thermal.excursions.{e.name}.unit: {nodes[e.unit].total} '{e.unit}' cannot heat "
            f"{nodes[target].total} '{target}' evenly."
        )
    return copies
