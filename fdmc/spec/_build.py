"""From a valid document form to a scenario: library rows looked up, defaults filled in."""

from collections.abc import Mapping
from typing import Any

from ._build_component import component
from ._build_economics import economics
from ._build_heat import thermal
from ._build_manufacturing import manufacturing
from ._build_sizing import sizing
from ._build_workload import policy, reconfigure, workload
from ._fabric_form import ClassForm, TrunkForm
from ._form import (
    DocumentForm,
    EnvironmentForm,
    FabricForm,
    GroupForm,
    RuleForm,
    ServiceForm,
    UnitForm,
)
from ._model import (
    Environment,
    Fabric,
    Group,
    Ring,
    Rule,
    Scheduled,
    Service,
    Step,
    Torus,
    TrafficClass,
    Trunk,
    Unit,
    Windows,
)
from ._scenario import Scenario
from ._structure import structure_of


HOURS_PER_YEAR = 8760.0


def build(form: DocumentForm, name: str, data: dict[str, Any]) -> Scenario:
    """The scenario of a form that has passed every check."""
    units = {key: _unit(key, unit) for key, unit in form.units.items()}
    run_in = form.run_in or (HOURS_PER_YEAR if form.start == "stationary" else 0.0)
    return Scenario(
        name=form.name or name,
        title=form.title or "",
        mission_hours=form.mission,
        start=form.start,
        run_in_hours=run_in,
        components={key: component(key, part) for key, part in form.components.items()},
        units=units,
        fabric=_fabric(form.fabric, units),
        service=_service(form.service),
        workload=workload(form.workload),
        document=data,
        environment=None if form.environment is None else _environment(form.environment),
        thermal=thermal(form.thermal, form.fabric.accelerator),
        manufacturing=manufacturing(form.manufacturing, form.thermal),
        economics=economics(form.economics, units),
        sizing=sizing(form.sizing, data),
    )


def _unit(name: str, form: UnitForm) -> Unit:
    parts = _groups(form.components)
    structure = None if form.structure is None else structure_of(form.structure, parts)
    return Unit(name, _groups(form.contains), parts, form.feeds, structure)


def _groups(groups: Mapping[str, GroupForm]) -> dict[str, Group]:
    return {key: Group(group.count, group.need) for key, group in groups.items()}


def _environment(form: EnvironmentForm) -> Environment:
    steps = tuple(Step(getattr(step, "for"), step.shift) for step in form.steps)
    return Environment(steps, None if form.units is None else tuple(form.units))


def _fabric(form: FabricForm, units: Mapping[str, Unit]) -> Fabric:
    parents = {child: name for name, unit in units.items() for child in unit.contains}
    planes = form.planes or 1
    if form.plane is not None:
        planes, here = 1, form.plane
        top = None if form.trunk is None else form.trunk.unit
        while here in parents and here != top:
            planes *= units[parents[here]].contains[here].count
            here = parents[here]
    root = next(name for name in units if name not in parents)
    return Fabric(
        accelerator=form.accelerator,
        plane=form.plane,
        planes=planes,
        lanes_per_link=form.lanes_per_link,
        lane_rate_gbps=form.lane_rate or 0.0,
        efficiency=form.efficiency,
        policy=policy(form.policy, form.accelerator, root),
        reconfigure=reconfigure(form.reconfigure),
        classes=_classes(form.classes),
        trunk=None if form.trunk is None else _trunk(form.trunk, form.lane_rate),
        torus=None if form.torus is None else Torus(form.torus.cube, form.torus.slice),
        ring=None if form.ring is None else Ring(form.ring.node, form.ring.hops, form.ring.closed),
    )


def _classes(forms: Mapping[str, ClassForm] | None) -> dict[str, TrafficClass] | None:
    if forms is None:
        return None
    return {name: TrafficClass(form.share, form.priority) for name, form in forms.items()}


def _trunk(form: TrunkForm, lane_rate: float | None) -> Trunk:
    return Trunk(form.unit, form.lanes, form.link, form.lane_rate or lane_rate or 0.0)


def _service(form: ServiceForm) -> Service:
    w = form.windows
    planned = tuple(
        Scheduled(name, s.unit, s.every, s.time.law(), s.technician, s.window)
        for name, s in form.scheduled.items()
    )
    return Service(
        form.technicians,
        {key: _rule(key, rule) for key, rule in form.replace.items()},
        windows=None if w is None else Windows(w.every, getattr(w, "for"), w.first),
        scheduled=planned or None,
    )


def _rule(name: str, form: RuleForm) -> Rule:
    return Rule(
        name=name,
        swap=form.swap or name,
        takes_out=form.takes_out,
        time=form.time.law() if form.time is not None else None,
        stock=form.stock,
        restock_hours=form.restock,
        when=form.when,
        unattended=None if form.technician else True,
        windowed=form.window or None,
        opportunistic=form.opportunistic or None,
    )
