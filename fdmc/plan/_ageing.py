"""How fast each mechanism ages: heat, current, cycles and the environment as acceleration and exposure."""

import dataclasses

import numpy as np

from ..lifetime import Exposed, Exposure, accelerated
from ..spec import Competing, Exponential, Law, Mechanism, Scenario
from ._effects import PlanError
from ._heat import Heat, steps_of
from ._plan import Exposures


_MOST = 1e6  # an acceleration beyond this is a slip of the pen, and no law holds so far out
NEVER = Exponential(1e18)
"""The life of a part whose only stress has been left out."""


@dataclasses.dataclass(frozen=True)
class Ageing:
    """The life of one mechanism: `law` at its mean acceleration, on the clock of `exposure` (None: the wall's).

    `at_reference` is the life at its references; `nominal` the acceleration at nominal conditions and `mean` with
    environment and excursions; `shifted` says whether these reach it. `quiet` is the law between excursions.
    """

    mechanism: str
    at_reference: Law
    law: Law
    quiet: Law
    nominal: float
    mean: float
    exposure: Exposure | None
    shifted: bool


def ageing(scenario: Scenario, unit: str, component: str) -> tuple[Ageing, ...]:
    """Return how a component on a unit ages, one by one for its mechanisms.

    **Raises:** `PlanError` when one would age more than a million times faster or slower than at its references.
    """
    heat = Heat(scenario, {})
    return tuple(_one(heat, unit, component, m) for m in scenario.components[component].mechanisms)


def lifetime_of(lives: tuple[Ageing, ...]) -> tuple[Law | Exposed, Exposure | None]:
    """Return the law of the first of several lives, and the one clock that all share (None: the wall's)."""
    exposure = lives[0].exposure
    if len(lives) == 1:
        return lives[0].law, exposure
    if any(life.exposure != exposure for life in lives):
        return Exposed(tuple(e.law for e in lives), tuple(e.exposure for e in lives)), None
    parts: list[Law] = []
    for life in lives:
        parts += life.law.laws if isinstance(life.law, Competing) else (life.law,)
    return Competing(tuple(parts)), exposure  # pyright: ignore[reportArgumentType]


def _one(heat: Heat, unit: str, component: str, mechanism: Mechanism) -> Ageing:
    law, name = mechanism.lifetime, mechanism.name
    fatigue = _fatigue(heat, unit, component, mechanism)
    if fatigue == 0:
        return Ageing(name, law, NEVER, NEVER, 0.0, 0.0, None, False)
    steps = steps_of(heat.scenario, unit)
    shifts = [0.0, *(step.shift_kelvin for step in steps)]
    quiet = [fatigue * float(heat.speed(unit, component, mechanism, s)) for s in shifts]
    hot = [fatigue * float(heat.hot_speed(unit, component, mechanism, s)) for s in shifts]
    for factor in (*quiet, *hot):
        if not 1 / _MOST <= factor <= _MOST:
            raise PlanError(
                f"components.{component}: it would age {factor:.2g} times as fast as at its reference; "
                f"no law holds over more than a factor of {_MOST:.0e}. Look at its temperature, current and cycles."
            )
    if len(shifts) == 1:
        shifted = hot[0] != quiet[0]
        return Ageing(
            name, law, accelerated(law, hot[0]), accelerated(law, quiet[0]),
            quiet[0], hot[0], None, shifted,
        )  # fmt: skip
    hours = [step.hours for step in steps]
    average = lambda rates: float(np.dot(hours, rates[1:]) / np.sum(hours))
    if min(hot[1:]) == max(hot[1:]):
        return Ageing(
            name, law, accelerated(law, hot[1]), accelerated(law, quiet[1]),
            quiet[0], hot[1], None, True,
        )  # fmt: skip
    # Excursions add nearly the same share in every step; the clock is that between them.
    mean = average(quiet)
    exposure = Exposure(tuple(hours), tuple(factor / mean for factor in quiet[1:]))
    return Ageing(
        name, law, accelerated(law, average(hot)), accelerated(law, mean),
        quiet[0], average(hot), exposure, True,
    )  # fmt: skip


def _fatigue(heat: Heat, unit: str, component: str, mechanism: Mechanism) -> float:
    """How much faster than its reference cycles those that there are use up a fatigue life; 0 for not at all."""
    thermal, cycling = heat.thermal, mechanism.cycling
    if thermal is None or cycling is None:
        return 1.0
    if "cycling" not in thermal.effects:
        return 0.0
    if (
        heat.temperatures(unit, component) is None
    ):  # elsewhere than in a package: as at its reference
        return 1.0
    return float(sum(heat.damage(unit, component, cycling).values()))


def exposures_of(exposures: list[Exposure | None], begins: float = 0.0) -> Exposures:
    """Return one row an exposure, for a clock that is at zero `begins` hours into the cycle.

    All of them are of one environment, so that they share the ends of their steps.
    """
    found = next((e for e in exposures if e is not None), None)
    if found is None:
        none = np.zeros((len(exposures), 0), np.float32)
        return Exposures(np.ones((), np.float32), np.zeros(0, np.float32), none, none)
    constant = Exposure(found.hours, (1.0,) * len(found.hours))
    turned = [(e or constant).begun_at(begins) for e in exposures]
    hours = turned[0].knots[0]
    reached = np.array([e.knots[1] for e in turned])
    return Exposures(
        cycle_hours=np.asarray(hours[-1], np.float32),
        start_hours=hours[:-1].astype(np.float32),
        reached=reached[:, :-1].astype(np.float32),
        rate=(np.diff(reached) / np.diff(hours)).astype(np.float32),
    )
