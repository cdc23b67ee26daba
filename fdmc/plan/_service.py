"""Which jobs need a technician, a window or a visit, and scheduled work: `docs/model.md`, section 3."""

import dataclasses
import math

import numpy as np

from ..spec import Exponential, Law, Rule, Scenario, Scheduled
from ._effects import Effect, Effects, PlanError
from ._plan import OPPORTUNISTIC, UNATTENDED, WINDOWED, Service


SCHEDULED = "scheduled_work"
"""What stands for the FRU of scheduled work, which has none."""
_MOST_WINDOWS = 1 << 20


@dataclasses.dataclass(frozen=True)
class Planned:
    """Scheduled work as a row of the plan has it."""

    unit: str
    name: str
    rule: Rule
    lifetime: Exponential
    time: Law
    effect: Effect
    copies: int


def scheduled_of(scenario: Scenario, effects: Effects) -> list[Planned]:
    """Return the scheduled work of a scenario.

    **Raises:** `PlanError` where a copy of the unit is only a part of what the accelerators lose.
    """
    found = []
    for s in scenario.service.scheduled or ():
        effect = effects.of(s.unit)
        if effect.share < 1:
            raise PlanError(
                f"service.scheduled.{s.name}.unit: one '{s.unit}' is only a part of a plane, a link or a supply; name "
                "a unit around it."
            )
        rule = Rule(
            s.name, SCHEDULED, s.unit, s.time, None, None, "failed",
            unattended=None if s.technician else True, windowed=s.windowed or None,
        )  # fmt: skip
        copies = scenario.tree.nodes[s.unit].total
        life = Exponential(1 / s.every_hours)
        found.append(Planned(s.unit, s.name, rule, life, s.time, effect, copies))
    return found


def service_of(
    scenario: Scenario, rules: list[Rule], out: list[tuple[np.ndarray, np.ndarray]]
) -> Service:
    """Return the service of a scenario.

    **Arguments:** the rule of every class, and the homes that the repair of its places takes out.

    **Raises:** `PlanError` for more windows than anybody needs.
    """
    bits = [
        UNATTENDED * bool(r.unattended)
        + WINDOWED * bool(r.windowed)
        + OPPORTUNISTIC * bool(r.opportunistic)
        for r in rules
    ]
    visits = any(r.opportunistic for r in rules)
    none = np.zeros(0, np.int32)
    join = lambda k: np.concatenate([each[k] for each in out]).astype(np.int32) if visits else none
    work = [_turns(scenario, s) for s in scenario.service.scheduled or ()]
    column = lambda k, kind: np.array([each[k] for each in work], kind)
    every, lasts, opens = _windows(scenario)
    return Service(
        rules=np.array(bits, np.int32),
        out_low=join(0),
        out_high=join(1),
        every_hours=np.asarray(every, np.float32),
        open_hours=np.asarray(lasts, np.float32),
        opens_hours=opens.astype(np.float32),
        gap_hours=column(0, np.float32),
        first_hours=column(1, np.float32),
        first_copy=column(2, np.int32),
    )


def _windows(scenario: Scenario) -> tuple[float, float, np.ndarray]:
    w = scenario.service.windows
    if w is None:
        return 0.0, 0.0, np.zeros(0)
    end = scenario.run_in_hours + scenario.mission_hours
    first = math.fmod(w.first_hours + scenario.run_in_hours, w.every_hours)
    count = end / w.every_hours + 4
    if count > _MOST_WINDOWS:
        raise PlanError(
            f"service.windows.every: {count:.3g} windows in a history, more than a million."
        )
    return w.every_hours, w.open_hours, first + w.every_hours * np.arange(-1, math.ceil(count))


def _turns(scenario: Scenario, s: Scheduled) -> tuple[float, float, int]:
    """Hours between two turns, those of the first, and whose it is: copy `m mod n` at `(m + 1/2) every / n`."""
    copies = scenario.tree.nodes[s.unit].total
    gap = s.every_hours / copies
    number = math.ceil(-scenario.run_in_hours / gap - 0.5)
    return gap, (number + 0.5) * gap + scenario.run_in_hours, number % copies
