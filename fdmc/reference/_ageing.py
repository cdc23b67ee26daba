"""How fast a part ages: Arrhenius' law, step by step through the environment."""

import dataclasses
import math
from collections.abc import Collection

from ..spec import Scenario


_BOLTZMANN = 8.617333262e-5  # eV/K


@dataclasses.dataclass(frozen=True)
class Clock:
    """Steps of (hours, hours of age per hour), repeated for ever; one begins at time zero."""

    steps: tuple[tuple[float, float], ...]

    def when(self, since: float, age: float) -> float:
        """The time at which a part that was new at `since` has this age."""
        if len(self.steps) == 1:
            return since + age / self.steps[0][1]
        cycle = math.fsum(hours for hours, _ in self.steps)
        gained = math.fsum(hours * speed for hours, speed in self.steps)
        whole = math.floor(age / gained)
        left, time, into = age - whole * gained, since + whole * cycle, since % cycle
        for hours, speed in self.steps * 2:  # one cycle more than suffices, from within a step on
            if into >= hours:
                into -= hours
                continue
            room = hours - into
            if left <= room * speed:
                return time + left / speed
            left, time, into = left - room * speed, time + room, 0.0
        return time


WALL = Clock(((math.inf, 1.0),))


def clock_of(scenario: Scenario, component: str, above: Collection[str]) -> Clock:
    """The clock of a component on a unit with these templates above it, its own included."""
    heat, environment = scenario.components[component].temperature, scenario.environment
    if heat is None:
        return WALL

    def speed(kelvin: float) -> float:
        colder = 1 / heat.reference_kelvin - 1 / kelvin
        return math.exp(heat.activation_energy_ev / _BOLTZMANN * colder)

    if environment is None or not (
        environment.units is None or any(name in above for name in environment.units)
    ):
        return Clock(((math.inf, speed(heat.at_kelvin)),))
    return Clock(
        tuple((step.hours, speed(heat.at_kelvin + step.shift_kelvin)) for step in environment.steps)
    )
