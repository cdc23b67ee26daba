"""How fast each component ages: its temperature and the environment as acceleration and exposure."""

import dataclasses

import numpy as np

from ..lifetime import Exposure, accelerated
from ..spec import Law, Scenario, Step
from ..stress import arrhenius
from ._effects import PlanError
from ._plan import Exposures


_MOST = 1e6  # an acceleration beyond this is a slip of the pen, and no law holds so far out


@dataclasses.dataclass(frozen=True)
class Ageing:
    """The life of one class: `law` at its mean acceleration, on the clock of `exposure` (None: the wall's).

    `at_reference` is the life at the reference temperature; `nominal` the acceleration at the component's own;
    `shifted` says whether the environment reaches it.
    """

    at_reference: Law
    law: Law
    nominal: float
    mean: float
    exposure: Exposure | None
    shifted: bool


def ageing(scenario: Scenario, unit: str, component: str) -> Ageing:
    """Return how a component on a unit ages.

    **Raises:** `PlanError` when it would age more than a million times faster or slower than at its reference.
    """
    part = scenario.components[component]
    heat, law = part.temperature, part.lifetime
    if heat is None:
        return Ageing(law, law, 1.0, 1.0, None, False)
    steps = _steps(scenario, unit)
    shifts = [0.0, *(step.shift_kelvin for step in steps)]
    factors = [
        float(arrhenius(heat.activation_energy_ev, heat.at_kelvin + shift, heat.reference_kelvin))
        for shift in shifts
    ]
    for factor in factors:
        if not 1 / _MOST <= factor <= _MOST:
            raise PlanError(
                f"components.{component}.at: it would age {factor:.2g} times as fast as at its reference "
                f"temperature; no law holds over more than a factor of {_MOST:.0e}."
            )
    nominal, *rest = factors
    if not rest:
        return Ageing(law, accelerated(law, nominal), nominal, nominal, None, False)
    hours = [step.hours for step in steps]
    mean = float(np.dot(hours, rest) / np.sum(hours))
    if min(rest) == max(rest):
        return Ageing(law, accelerated(law, rest[0]), nominal, rest[0], None, True)
    exposure = Exposure(tuple(hours), tuple(factor / mean for factor in rest))
    return Ageing(law, accelerated(law, mean), nominal, mean, exposure, True)


def _steps(scenario: Scenario, unit: str) -> tuple[Step, ...]:
    """Return the steps of the environment where they reach a unit."""
    environment = scenario.environment
    if environment is None:
        return ()
    named = environment.units
    here = named is None or any(name in named for name in scenario.tree.ancestors(unit))
    return environment.steps if here else ()


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
