"""How fast a part ages: every mechanism of it, step by step through the environment."""

import dataclasses
import math
from collections.abc import Callable

from ..spec import Component, Mechanism


_BOLTZMANN = 8.617333262e-5  # eV/K


@dataclasses.dataclass(frozen=True)
class Clock:
    """Steps of (hours, hours of age per hour), repeated for ever; one begins at time zero."""

    steps: tuple[tuple[float, float], ...]

    def when(self, since: float, age: float) -> float:
        """The time at which a part that was new at `since` has this age."""
        if all(speed == 0 for _, speed in self.steps):
            return math.inf
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

    def gained(self, since: float, until: float) -> float:
        """By how much a part ages between two times."""
        if len(self.steps) == 1:
            return (until - since) * self.steps[0][1]
        return self._age(until) - self._age(since)

    def _age(self, time: float) -> float:
        cycle = math.fsum(hours for hours, _ in self.steps)
        whole = math.floor(time / cycle)
        age = whole * math.fsum(hours * speed for hours, speed in self.steps)
        left = time - whole * cycle
        for hours, speed in self.steps:
            age += min(max(left, 0.0), hours) * speed
            left -= hours
        return age


@dataclasses.dataclass(eq=False)
class Pace:
    """How one mechanism of a class ages.

    `name` is what its failures are called, `speed` its hours of age per hour when everything is so much warmer
    (rather than at nominal temperatures), and `steps` the (hours, shift in kelvin) of the environment.
    """

    name: str
    speed: Callable[[float], float] = lambda rise: 1.0
    steps: tuple[tuple[float, float], ...] = ((math.inf, 0.0),)
    warm: bool = False  # whether temperatures matter to it
    clocks: dict[float, Clock] = dataclasses.field(default_factory=dict)
    tails: dict[tuple[float, float], float] = dataclasses.field(default_factory=dict)

    def clock(self, rise: float = 0.0) -> Clock:
        """What it ages by while it is so much warmer."""
        if rise not in self.clocks:
            speeds = ((hours, self.speed(shift + rise)) for hours, shift in self.steps)
            self.clocks[rise] = Clock(tuple(speeds))
        return self.clocks[rise]

    def tail(self, rise: float, recovery_hours: float) -> float:
        """For how long the full rise would add as much age as its decay does."""
        key = rise, recovery_hours
        if key not in self.tails:
            still = self.speed(0.0)
            added = decayed(lambda x: self.speed(x) / still - 1, rise) if still > 0 else 0.0
            self.tails[key] = recovery_hours * added
        return self.tails[key]


def decayed(g: Callable[[float], float], rise: float, steps: int = 400) -> float:
    """`int_0^inf g(rise exp(-x)) dx / g(rise)`, in `u = exp(-x)`; 0 where the full rise does nothing."""
    if g(rise) == 0:
        return 0.0
    middles = ((k + 0.5) / steps for k in range(steps))
    return math.fsum(g(rise * u) / u for u in middles) / steps / g(rise)


def current_speed(component: Component, mechanism: Mechanism) -> float:
    """How much faster than at the reference current it ages, its power margin included."""
    if component.current is None:
        return 1.0
    speed = component.current**mechanism.current_exponent
    if mechanism.drive is None:
        return speed
    margin = mechanism.drive.margin
    wider = ((1 + margin) / component.current - 1) / margin
    return speed / wider ** (1 / mechanism.drive.time_power)


def arrhenius(mechanism: Mechanism, kelvin: float) -> float:
    """Hours of age per hour at a temperature."""
    assert mechanism.reference_kelvin is not None
    assert mechanism.activation_energy_ev is not None
    colder = 1 / mechanism.reference_kelvin - 1 / kelvin
    return math.exp(mechanism.activation_energy_ev / _BOLTZMANN * colder)
