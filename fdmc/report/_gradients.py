"""Which numbers of a scenario have a gradient, and which are refused one, without differentiating anything."""

from ..plan import Heat, ageing, knobs_of
from ..spec import Exponential, Mechanism, Scenario


def unseen(scenario: Scenario) -> dict[str, tuple[str, ...]]:
    """Return by path of a number the classes that it moves and that no estimator of gradients sees; none: it has one.

    Those are classes that wear, and classes that age differently in the steps of an environment. `fdmc.gradient` finds
    the same by differentiating, in seconds; this says it at once.
    """
    heat, hidden = Heat(scenario, {}), []
    for unit, body in scenario.units.items():
        for component in body.components:
            ways = scenario.components[component].mechanisms
            for way, life in zip(ways, ageing(scenario, unit, component), strict=True):
                if not isinstance(life.quiet, Exponential) or life.exposure is not None:
                    hidden.append((unit, component, way))
    return {
        path: tuple(f"{u}/{c}" + (f":{w.name}" if w.name else "") for u, c, w in hidden if _moves(heat, path, u, c, w))
        for path in knobs_of(scenario)
    }  # fmt: skip


def _moves(heat: Heat, path: str, unit: str, component: str, way: Mechanism) -> bool:
    """Whether a number reaches a mechanism: by its temperature, its cycles or its current."""
    t = heat.thermal
    if path == f"components.{component}.current":
        return bool(way.current_exponent or way.drive)
    ages = t is None or "ageing" in t.effects
    warm = ages and way.activation_energy_ev is not None and way.reference_kelvin is not None
    known = heat.temperatures(unit, component) is not None
    tired = t is not None and way.cycling is not None and "cycling" in t.effects and known
    placed = heat.node(unit, component) is not None
    if path == f"components.{component}.at":
        return not placed and (warm or tired)
    if path not in ("thermal.coolant", "thermal.air"):  # rings: they move light alone
        return False
    return placed and (warm or tired)
