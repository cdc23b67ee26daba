"""From a scenario to the rows of its plan: which component is where, what it fails, what its repair takes out."""

import dataclasses
import math
from typing import Literal

import numpy as np

from ..lifetime import Exposure, FirstLatent, Remaining
from ..spec import Exponential, Law, Rule, Scenario, resolve_rule
from ._ageing import ageing
from ._direction import counted_apart, direction_of
from ._effects import Effect, Effects, PlanError
from ._excursions import Struck, effect_of
from ._plan import PLANE
from ._service import SCHEDULED, scheduled_of
from ._structures import structure_row


EXCURSION = "excursion"
"""What stands for the FRU of a cooling event, which has none."""
LATENT = "latent"
"""What stands for the mechanism of a latent defect."""


@dataclasses.dataclass(frozen=True)
class Row:
    """One class before its numbers become arrays: a mechanism of a component on a unit, or a cooling event.

    Or latent defects (`latent` says where: on a `lane`, on the `die` of the lanes, on a `part`): then `component` is
    what has them.
    """

    unit: str
    component: str
    mechanism: str
    count: int
    lifetime: Law | Remaining | FirstLatent
    exposure: Exposure | None
    rule: Rule
    repair: Law
    counting: bool
    spares: int
    share: float
    structure: int
    effect: Effect
    out: Effect | None
    places: dict[str, np.ndarray]
    latent: Literal["", "lane", "die", "part"] = ""

    @property
    def label(self) -> str:
        return f"{self.component}:{self.mechanism}" if self.mechanism else self.component

    @property
    def name(self) -> str:
        return f"{self.unit}/{self.label}"

    @property
    def fails(self) -> bool:
        """Whether it is a component, and no excursion, scheduled work or latent defect."""
        return not self.latent and self.rule.swap not in (EXCURSION, SCHEDULED)

    def struck(self, scenario: Scenario) -> Struck | None:
        """What excursions may strike: a class at constant rate."""
        if not self.fails or not isinstance(self.lifetime, Exponential):
            return None
        mechanisms = scenario.components[self.component].mechanisms
        mechanism = next(m for m in mechanisms if m.name == self.mechanism)
        copies = self.places["home"].size
        return Struck(self.unit, self.component, mechanism, self.lifetime, copies)


def rows_of(scenario: Scenario, effects: Effects) -> list[Row]:
    """Return the rows in the plan's order: excursions, scheduled work, constant rates, what wears."""
    homes = _homes(scenario)
    rows = [
        row
        for unit in scenario.tree.nodes
        for component in scenario.units[unit].components
        for row in _rows(scenario, effects, homes, unit, component)
    ]
    _check_when(effects, rows)
    rows.sort(key=lambda row: not isinstance(row.lifetime, Exponential))
    excursions = _excursion_rows(scenario, effects)
    return [*excursions, *_scheduled_rows(scenario, effects, homes, excursions), *rows]


def _homes(scenario: Scenario) -> dict[str, tuple[np.ndarray, int, dict[str, int]]]:
    """Number the machine depth first: home of every unit instance, its size, offsets of its components."""
    nodes = scenario.tree.nodes
    size: dict[str, int] = {}
    for name in reversed(nodes):
        unit = scenario.units[name]
        size[name] = 1 + sum(g.count for g in unit.components.values())
        size[name] += sum(
            nodes[child].count * size[child] + counted_apart(scenario, child)
            for child in nodes[name].children
        )
    homes = {scenario.tree.root: np.zeros(1, np.int64)}
    layout = {}
    for name in nodes:
        offset, offsets = 1, {}
        for component, group in scenario.units[name].components.items():
            offsets[component] = offset
            offset += group.count
        for child in nodes[name].children:
            offset += counted_apart(scenario, child)  # a number before its elements: see `_row`
            copies = np.arange(nodes[child].count) * size[child]
            homes[child] = (homes[name][:, None] + offset + copies).ravel()
            offset += nodes[child].count * size[child]
        layout[name] = (homes[name], size[name], offsets)
    return layout


def _excursion_rows(scenario: Scenario, effects: Effects) -> list[Row]:
    """Rows of the cooling events; their homes are below zero, so that no repair reaches them."""
    if scenario.thermal is None:
        return []
    rows, home = [], -2
    for e in scenario.thermal.excursions:
        count = scenario.tree.nodes[e.unit].total
        effect, none = effect_of(scenario, effects, e), np.full(count, -1)
        rule = Rule(EXCURSION, EXCURSION, None, None, None, None, "failed")
        places = dict(
            home=home - np.arange(count), element=none, group=none, fru_low=none, fru_high=none,
            fru=np.arange(count), out_low=none, out_high=none,
        )  # fmt: skip
        rows.append(
            Row(
                e.unit, e.name, "", 1, Exponential(1 / e.rate_per_hour), None, rule, e.duration,
                False, 0, effect.share, -1, effect, None, places,
            )
        )  # fmt: skip
        home -= count
    return rows


def _scheduled_rows(
    scenario: Scenario, effects: Effects, homes, excursions: list[Row]
) -> list[Row]:
    """Rows of scheduled work; each copy has an empty FRU of its own, so that it has one job at a time."""
    rows, home = [], -2 - sum(row.places["home"].size for row in excursions)
    for s in scheduled_of(scenario, effects):
        none, own = np.full(s.copies, -1), home - np.arange(s.copies)
        start, size, _ = homes[s.unit]
        places = dict(
            home=own, element=none, group=none, fru_low=own, fru_high=own,
            fru=np.arange(s.copies), out_low=start, out_high=start + size,
        )  # fmt: skip
        rows.append(
            Row(
                s.unit, s.name, "", 1, s.lifetime, None, s.rule, s.time, False, 0, 0.0, -1,
                s.effect, s.effect, places,
            )
        )  # fmt: skip
        home -= s.copies
    return rows


def _rows(scenario: Scenario, effects: Effects, homes, unit: str, component: str) -> list[Row]:
    """Rows of a component on a unit, one for each mechanism."""
    first = _row(scenario, effects, homes, unit, component)
    rows = []
    for life in ageing(scenario, unit, component):
        constant = isinstance(life.quiet, Exponential)
        law = life.quiet if constant else life.law
        rows.append(
            dataclasses.replace(
                first, mechanism=life.mechanism, lifetime=law, exposure=life.exposure
            )
        )
    return rows


def _row(scenario: Scenario, effects: Effects, homes, unit: str, component: str) -> Row:
    nodes, path = scenario.tree.nodes, f"units.{unit}.components.{component}"
    group, part = scenario.units[unit].components[component], scenario.components[component]
    rule = resolve_rule(scenario, unit, component)
    repair = rule.time or part.repair
    if repair is None:
        raise PlanError(
            f"{path}: no repair time; give components.{component}.repair or a replace rule with time."
        )
    start, _, offsets = homes[unit]
    home = (start[:, None] + offsets[component] + np.arange(group.count)).ravel()
    instance = np.repeat(np.arange(nodes[unit].total), group.count)
    none = np.full(home.shape, -1)
    counted = effects.group(unit)
    if group.need is not None and counted:
        raise PlanError(f"{path}: counting groups do not nest; '{counted[0]}' is one already.")
    if scenario.units[unit].structure is not None:
        effect, spares, share, size = effects.of(unit).take(instance), 0, 1.0, 1
        # The components of a unit come first in it, so that a copy's bit is `home - first`.
        element, first = home, np.repeat(start + 1, group.count)
    elif group.need is not None:
        effect, spares, share = effects.of(unit).take(instance), group.spares, 1 / group.need
        element, first = home, home - np.tile(np.arange(group.count), nodes[unit].total)
        size = 1
    elif counted:
        inner = nodes[counted[0]]
        number = instance // scenario.tree.per(inner.name, unit)
        effect = counted[1].take(number // inner.count)
        need = inner.need or inner.count
        spares, share = inner.count - need, 1 / need
        element = homes[inner.name][0][number]
        first = homes[inner.name][0][number // inner.count * inner.count]
        size = homes[inner.name][1]
    else:
        effect, spares, share, element, first, size = (
            effects.of(unit).take(instance),
            0,
            1.0,
            none,
            none,
            0,
        )
    share *= part.takes
    way = direction_of(scenario, component, effect.kind == PLANE)
    effect = dataclasses.replace(effect, direction=way)
    low, high, number = _fru(scenario, homes, rule, unit, component, home, instance)
    out_low, out_high = _out_homes(scenario, homes, rule, unit, instance)
    if counted and size > 1 and np.any((low > element) | (high < element + size)):
        parts = sum(len(scenario.units[n].components) for n in scenario.tree.below(counted[0]))
        if parts > 1:
            raise PlanError(
                f"service.replace.{rule.name}.swap: '{rule.swap}' is smaller than '{counted[0]}', one "
                "element of a counting group; swap that or something larger."
            )
    out = None
    if rule.takes_out is not None:
        out = effects.of(rule.takes_out).take(instance // scenario.tree.per(rule.takes_out, unit))
        _check_out(rule, effect, out, share)
        out = out if out.share >= 1 else None
    if counted and part.direction == "receive" and counted_apart(scenario, counted[0]):
        # Another group, of other elements, which stand for the same units: numbers that nothing else has there.
        element, first = element + 1, first - 1
    return Row(
        unit, component, "", group.count, part.lifetime, None, rule, repair, bool(size), spares,
        share * effect.share, structure_row(scenario, unit), effect, out,
        dict(
            home=home, element=element, group=first, fru_low=low, fru_high=high, fru=number,
            out_low=out_low, out_high=out_high,
        ),
    )  # fmt: skip


def unit_row(scenario: Scenario, effects: Effects, unit: str, rule: Rule, repair: Law) -> Row:
    """Return the row of what fails a whole unit at once, with a place for each copy of the unit, at its own number."""
    instance = np.arange(scenario.tree.nodes[unit].total)
    homes, none = _homes(scenario), np.full(instance.shape, -1)
    effect, out = effects.of(unit), None
    low, high, number = _fru(scenario, homes, rule, unit, "", homes[unit][0], instance)
    out_low, out_high = _out_homes(scenario, homes, rule, unit, instance)
    if rule.takes_out is not None:
        out = effects.of(rule.takes_out).take(instance // scenario.tree.per(rule.takes_out, unit))
        _check_out(rule, effect, out, 1.0)
        out = out if out.share >= 1 else None
    places = dict(
        home=homes[unit][0], element=none, group=none, fru_low=low, fru_high=high, fru=number,
        out_low=out_low, out_high=out_high,
    )  # fmt: skip
    return Row(
        unit, "", "", 1, Exponential(1.0), None, rule, repair, False, 0, effect.share, -1, effect, out, places
    )  # fmt: skip


def _check_out(rule: Rule, effect: Effect, out: Effect, share: float):
    where = f"service.replace.{rule.name}.takes_out: '{rule.takes_out}'"
    if not out.covers(effect):
        raise PlanError(
            f"{where} is less than what the failure itself takes; name a larger unit, or nothing."
        )
    if out.share < 1 and not (math.isclose(out.share, effect.share * share) and effect.covers(out)):
        raise PlanError(
            f"{where} is only a part of a plane or of a supply; name a larger unit, or nothing."
        )


def _check_when(effects: Effects, rows: list[Row]):
    """All components of a counting group open jobs at every failure, or all only when it is short."""
    seen: dict[str, Row] = {}
    for row in rows:
        inner = effects.group(row.unit)
        other = seen.setdefault(inner[0], row) if inner else row
        if other.rule.when != row.rule.when:
            raise PlanError(
                f"service.replace.{row.rule.name}.when: '{row.name}' is replaced when {row.rule.when}, "
                f"'{other.name}' of the same counting group when {other.rule.when}; make them alike."
            )


def _fru(scenario: Scenario, homes, rule: Rule, unit, component, home, instance):
    """Return the home intervals and the numbers of the FRU copies."""
    if rule.swap == component:
        return home, home + 1, np.arange(home.size)
    number = instance // scenario.tree.per(rule.swap, unit)
    start, size, _ = homes[rule.swap]
    return start[number], start[number] + size, number


def _out_homes(scenario: Scenario, homes, rule: Rule, unit, instance):
    """Return the home intervals of what a repair takes out, empty ones for nothing."""
    if rule.takes_out is None:
        return np.full(instance.shape, -1), np.full(instance.shape, -1)
    number = instance // scenario.tree.per(rule.takes_out, unit)
    start, size, _ = homes[rule.takes_out]
    return start[number], start[number] + size
