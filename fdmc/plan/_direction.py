"""Parts that fail in one direction: which way that is for the accelerators, and spares that are counted apart."""

from ..spec import Scenario


SEND, RECEIVE = 1, 2
"""What accelerators send and what they receive, in `Effect.direction`; 0 is both."""


def one_way(scenario: Scenario) -> bool:
    """Whether any part of the machine fails in one direction only."""
    parts = (part for unit in scenario.units.values() for part in unit.components)
    return any(scenario.components[part].direction is not None for part in parts)


def direction_of(scenario: Scenario, component: str, at_plane: bool) -> int:
    """Return the direction of the accelerators that a failure takes: a plane sends what they receive."""
    direction = scenario.components[component].direction
    if direction is None:
        return 0
    return SEND if (direction == "send") != at_plane else RECEIVE


def counted_apart(scenario: Scenario, unit: str) -> bool:
    """Whether elements of a counting group send and receive with parts of their own: each has the spares for itself."""
    if scenario.tree.nodes[unit].need is None:
        return False
    below = [part for name in scenario.tree.below(unit) for part in scenario.units[name].components]
    return len({scenario.components[part].direction for part in below}) > 1
