"""The scenario itself, its tree, its fingerprint, and which rule replaces what."""

import dataclasses
import functools
import hashlib
import json
from typing import Any, Literal

from ._economics import Economics
from ._heat import Thermal
from ._manufacturing import Manufacturing
from ._model import Component, Environment, Fabric, Rule, Service, Unit, Workload
from ._sizing import Sizing
from ._tree import Tree, build_tree
from .fault_tree import Formula


# Fields that say something to people and change no answer.
_SAID = {"title", "document", "source", "grade", "use", "description", "copies", "sizing"}
# What came later: machines without it keep the fingerprint that they had.
_LATER = (
    "structure", "at_kelvin", "current", "environment", "thermal", "manufacturing", "latency_seconds",
    "economics", "leaves", "direction", "classes", "trunk", "traffic", "torus", "ring",
    "batch", "reconfigure", "group", "interval_rule", "uses", "parallel", "domains", "scale_out_gbps",
    "leaving",
    "unattended", "windowed", "opportunistic", "windows", "scheduled",
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Scenario:
    """A validated machine, its service and its workload.

    `document` is what was written, overrides applied: `load(scenario.document)` gives the same.
    """

    name: str
    title: str
    mission_hours: float
    start: Literal["new", "stationary"]
    run_in_hours: float
    components: dict[str, Component]
    units: dict[str, Unit]
    fabric: Fabric
    service: Service
    workload: Workload
    document: dict[str, Any] = dataclasses.field(repr=False, compare=False)
    environment: Environment | None = None
    thermal: Thermal | None = None
    manufacturing: Manufacturing | None = None
    economics: Economics | None = None
    sizing: Sizing | None = None

    @functools.cached_property
    def tree(self) -> Tree:
        """The containment tree."""
        contained = {child for unit in self.units.values() for child in unit.contains}
        return build_tree(self.units, next(name for name in self.units if name not in contained))

    @functools.cached_property
    def fingerprint(self) -> str:
        """16 hexadecimal digits that depend on the content alone, not on how it was written.

        Key order, comments, the spelling of units, the title and the sources do not matter;
        numbers are compared to 12 digits.
        """
        text = json.dumps(_canonical(self), sort_keys=True, ensure_ascii=True, allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def resolve_rule(scenario: Scenario, unit_name: str, component_name: str) -> Rule:
    """The rule that replaces `component_name` on `unit_name`, its defaults filled in.

    That is the entry named like the component, else like its unit, else like the nearest unit
    above it; else the component itself is swapped and nothing else is taken out. `time` stays
    None where the component's own repair time holds.

    **Raises:** `KeyError` when the unit has no such component.
    """
    if component_name not in scenario.units[unit_name].components:
        raise KeyError(f"unit '{unit_name}' has no component '{component_name}'.")
    replace = scenario.service.replace
    names = (component_name, *scenario.tree.ancestors(unit_name))
    rule = next((replace[name] for name in names if name in replace), None)
    if rule is None:
        rule = Rule(component_name, component_name, None, None, None, None, None)
    if rule.when is not None:
        return rule
    element = counted_element(scenario.tree, scenario.units[unit_name], component_name)
    return dataclasses.replace(rule, when="failed" if rule.swap in element else "short")


def counted_element(tree: Tree, unit: Unit, component_name: str) -> tuple[str, ...]:
    """The names that may be swapped without touching another element of the counting group.

    Those are the component and, when a unit is the counted element (or nothing is counted), the
    units from its own up to that element. A structure counts components.
    """
    if unit.components[component_name].need is not None or unit.structure is not None:
        return (component_name,)
    chain = tree.ancestors(unit.name)
    for position, name in enumerate(chain):
        if tree.nodes[name].need is not None:
            return (component_name, *chain[: position + 1])
    return (component_name, *chain)


def _canonical(value: Any) -> Any:
    if isinstance(value, Formula):
        args = sorted((_canonical(argument) for argument in value.args), key=json.dumps)
        return {"op": value.op, "least": value.least, "args": args}
    if dataclasses.is_dataclass(value):
        names = [f.name for f in dataclasses.fields(value) if f.name not in _SAID]
        names = [n for n in names if n not in _LATER or getattr(value, n) is not None]
        fields = {name: _canonical(getattr(value, name)) for name in names}
        kind = getattr(type(value), "kind", None)
        return fields if kind is None else {"law": kind, **fields}
    if isinstance(value, dict):
        return {key: _canonical(item) for key, item in value.items()}
    if isinstance(value, tuple):
        # Those that have names were written as a mapping, in whatever order.
        named = all(dataclasses.is_dataclass(item) and hasattr(item, "name") for item in value)
        items = sorted(value, key=lambda item: item.name) if named else value
        return [_canonical(item) for item in items]
    return float(f"{value:.12g}") if isinstance(value, float) else value
