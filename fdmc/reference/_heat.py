"""Heat in a machine: which part has which temperatures, which light is left, and what an excursion covers."""

import dataclasses
import math
from collections.abc import Collection, Iterator
from typing import Any

from ..spec import Component, Excursion, Mechanism, Scenario
from ._ageing import Pace, arrhenius, current_speed, decayed
from ._cycling import Kind, environment_cycles, excursion_cycles, fatigue_speed, load_cycles
from ._law import mean
from ._light import NONE_DARK, lost_share
from ._temperature import Network, Node, Points, temperatures


_EVERYTHING = ("ageing", "cycling", "lock")


@dataclasses.dataclass(eq=False)
class Heat:
    """What temperature does in a scenario, by template: all copies of a template are alike."""

    scenario: Scenario
    nodes: dict[str, Node]
    memo: dict[Any, Any] = dataclasses.field(default_factory=dict)

    @property
    def effects(self) -> Collection[str]:
        thermal = self.scenario.thermal
        return _EVERYTHING if thermal is None else thermal.effects

    @property
    def excursions(self) -> tuple[Excursion, ...]:
        return () if self.scenario.thermal is None else self.scenario.thermal.excursions

    # --- light ---

    @property
    def always_name(self) -> str:
        """The class of what heat keeps dark all the time."""
        assert self.scenario.thermal is not None
        assert self.scenario.thermal.link is not None
        return f"{self.scenario.thermal.link.unit}/dark_lanes"

    @property
    def seasons(self) -> tuple[tuple[float, float], ...]:
        """Steps of the environment where the packages are: (hours, shift in kelvin); the whole time at none."""
        thermal, environment = self.scenario.thermal, self.scenario.environment
        if thermal is None or environment is None:
            return ((math.inf, 0.0),)
        if not self._shifted(self.scenario.tree.ancestors(thermal.unit)):
            return ((math.inf, 0.0),)
        return tuple((step.hours, step.shift_kelvin) for step in environment.steps)

    def lost(self, rise: float, shift: float = 0.0) -> float:
        """s(x): the lanes that are lost at a rise, in a step of the environment with this shift."""
        lost = self._lost(shift + rise) if "lock" in self.effects else 0.0
        return lost if lost > NONE_DARK else 0.0

    def _lost(self, rise: float) -> float:
        """The lanes that a rise would take, were lock in effect."""
        thermal = self.scenario.thermal
        if thermal is None or thermal.link is None:
            return 0.0
        if rise not in self.memo:
            self.memo[rise] = lost_share(self.scenario, self.nodes["engine"], rise)
        return self.memo[rise]

    def taken(self, rise: float, around: float = 0.0, shift: float = 0.0) -> float:
        """What a rise takes of the lanes that the rises around it have left."""
        before = self.lost(around, shift)
        more = self.lost(around + rise, shift) - before
        return more / (1 - before) if more > NONE_DARK else 0.0

    def reaches_lanes(self, excursion: Excursion) -> bool:
        """Whether there are lanes below what it warms."""
        thermal = self.scenario.thermal
        if thermal is None or thermal.link is None:
            return False
        return self.covers(excursion, self.scenario.tree.ancestors(thermal.link.unit))

    def darkens(self, excursion: Excursion) -> bool:
        """Whether it takes lanes by itself, in some step of the environment."""
        each = (self.taken(excursion.rise_kelvin, 0.0, shift) for _, shift in self.seasons)
        return self.reaches_lanes(excursion) and any(share > 0 for share in each)

    def after(self, excursion: Excursion) -> float:
        """For how long after its duration an excursion lasts: until its light is back, or what it warmed is cold.

        As if lock were in effect, so that what is left out of `effects` changes no excursion.
        """
        if excursion.name not in self.memo:
            self.memo[excursion.name] = self._after(excursion)
        return self.memo[excursion.name]

    def _after(self, excursion: Excursion) -> float:
        thermal, rise = self.scenario.thermal, excursion.rise_kelvin
        if not self.reaches_lanes(excursion) or self._lost(rise) - self._lost(0.0) <= NONE_DARK:
            return excursion.recovery_hours
        assert thermal is not None
        assert thermal.link is not None
        tail = max(0.0, decayed(lambda x: self._lost(x) - self._lost(0.0), rise))
        lasts = excursion.recovery_hours * tail + thermal.link.relock_seconds / 3600
        return lasts or excursion.recovery_hours

    def per_hour(self, excursion: Excursion) -> float:
        """Excursions an hour on one instance: while one lasts, no other one begins."""
        lasts = mean(excursion.duration) + self.after(excursion)
        return excursion.rate_per_hour / (1 + excursion.rate_per_hour * lasts)

    # --- ageing ---

    def covers(self, excursion: Excursion, above: Collection[str]) -> bool:
        """Whether it warms what stands below these templates: what it feeds, else what it holds."""
        return (self.scenario.units[excursion.unit].feeds or excursion.unit) in above

    def paces(self, unit: str, component: Component, above: Collection[str]) -> tuple[Pace, ...]:
        """One pace for each mechanism of a component on a unit with these templates above it."""
        key = unit, component.name
        if key not in self.memo:
            each = component.mechanisms
            self.memo[key] = tuple(self._pace(unit, component, one, above) for one in each)
        return self.memo[key]

    def _pace(
        self, unit: str, component: Component, mechanism: Mechanism, above: Collection[str]
    ) -> Pace:
        name = f"{unit}/{component.name}" + (f":{mechanism.name}" if mechanism.name else "")
        constant = current_speed(component, mechanism)
        if mechanism.cycling is not None:
            constant *= self._fatigue(component, mechanism, above)
        points = self._points(component, above)
        if (
            points is None
            or mechanism.activation_energy_ev is None
            or mechanism.reference_kelvin is None
            or "ageing" not in self.effects
        ):
            return Pace(name, lambda rise: constant)

        def speed(rise: float) -> float:
            each = (share * arrhenius(mechanism, kelvin + rise) for kelvin, share in points)
            return constant * math.fsum(each)

        environment = self.scenario.environment
        if environment is None or not self._shifted(above):
            return Pace(name, speed, warm=True)
        steps = tuple((step.hours, step.shift_kelvin) for step in environment.steps)
        return Pace(name, speed, steps, warm=True)

    def _shifted(self, above: Collection[str]) -> bool:
        environment = self.scenario.environment
        if environment is None:
            return False
        return environment.units is None or any(name in above for name in environment.units)

    def _node(self, component: Component, above: Collection[str]) -> Node | None:
        thermal = self.scenario.thermal
        if thermal is None or thermal.unit not in above:
            return None
        name = thermal.node_of(component.name)
        return None if name is None else self.nodes[name]

    def _points(self, component: Component, above: Collection[str]) -> Points | None:
        node = self._node(component, above)
        if node is not None:
            return node.points
        return None if component.at_kelvin is None else ((component.at_kelvin, 1.0),)

    def _fatigue(self, component: Component, mechanism: Mechanism, above: Collection[str]) -> float:
        if "cycling" not in self.effects:
            return 0.0
        node = self._node(component, above)
        kelvin = node.high if node is not None else component.at_kelvin
        if self.scenario.thermal is None or kelvin is None:
            return 1.0  # nobody knows its cycles: those of its reference
        assert mechanism.cycling is not None
        return fatigue_speed(mechanism.cycling, self._cycles(node, kelvin, above))

    def _cycles(self, node: Node | None, kelvin: float, above: Collection[str]) -> Iterator[Kind]:
        thermal = self.scenario.thermal
        if node is not None and thermal is not None:
            yield from load_cycles(thermal, node)
        for each in self.excursions:
            if self.covers(each, above):
                yield excursion_cycles(each, self.per_hour(each), kelvin)
        if self.scenario.environment is not None and self._shifted(above):
            yield from environment_cycles(self.scenario.environment.steps, kelvin)


def heat_of(scenario: Scenario, network: Network | None) -> Heat:
    """Solve the package of a scenario, if it has one that anything asks about."""
    thermal = scenario.thermal
    if thermal is None or (not thermal.nodes and thermal.link is None):
        return Heat(scenario, {})
    if network is None:
        raise ValueError(f"give the network of the template '{thermal.template}'.")
    return Heat(scenario, temperatures(scenario, network))
