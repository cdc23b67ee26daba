"""From a valid document form to a scenario: library rows looked up, defaults filled in."""

from collections.abc import Mapping
from typing import Any

from .. import library
from ._form import (
    ComponentForm,
    DocumentForm,
    EnvironmentForm,
    FabricForm,
    GroupForm,
    RuleForm,
    UnitForm,
    WorkloadForm,
)
from ._law import Exponential, Fixed, Law, LogNormal, Weibull
from ._law_form import exponential
from ._model import (
    Checkpoint,
    Collective,
    Component,
    Environment,
    Fabric,
    Group,
    Policy,
    Restart,
    Rule,
    Service,
    Step,
    Temperature,
    Unit,
    Workload,
)
from ._scenario import Scenario
from ._structure import structure_of


HOURS_PER_YEAR = 8760.0
HOURS_PER_FAILURE_AT_1_FIT = 1e9


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
        components={key: _component(key, part) for key, part in form.components.items()},
        units=units,
        fabric=_fabric(form.fabric, units),
        service=Service(
            form.service.technicians,
            {key: _rule(key, rule) for key, rule in form.service.replace.items()},
        ),
        workload=_workload(form.workload),
        document=data,
        environment=None if form.environment is None else _environment(form.environment),
    )


def _unit(name: str, form: UnitForm) -> Unit:
    parts = _groups(form.components)
    structure = None if form.structure is None else structure_of(form.structure, parts)
    return Unit(name, _groups(form.contains), parts, form.feeds, structure)


def _groups(groups: Mapping[str, GroupForm]) -> dict[str, Group]:
    return {key: Group(group.count, group.need) for key, group in groups.items()}


def _component(name: str, form: ComponentForm) -> Component:
    row = library.row(form.use) if form.use is not None else None
    own: Law | None = None
    if form.lifetime is not None:
        own = form.lifetime.law()
    elif form.rate is not None or form.mtbf is not None:
        own = exponential(form.rate, form.mtbf)
    repair = form.repair.law() if form.repair is not None else None
    if row is None:
        assert own is not None
        source, grade, text = "not stated", "user", ""
    else:
        source, grade, text = row.source, row.grade, row.component
        if own is not None:
            source, grade = f"not stated (overrides {row.id})", "user"
        if repair is None and row.repair_hours is not None:
            repair = Fixed(row.repair_hours)
    return Component(
        name=name,
        lifetime=own if own is not None else row_law(row),
        repair=repair,
        source=form.source or source,
        grade=grade,
        use=form.use,
        description=form.description or text,
        temperature=_temperature(form, row),
    )


def _temperature(form: ComponentForm, row: library.Row | None) -> Temperature | None:
    """How hot the component is; a row's reference temperature is that of the row's own lifetime."""
    if form.at is None:
        return None
    energy, reference, said = form.activation_energy, form.reference, []
    if reference is None:
        assert row is not None, "checked"
        reference = row.reference_kelvin
        said.append(f'reference from library row {row.id} ("{row.ref_temp}")')
    if energy is None:
        assert row is not None, "checked"
        energy = row.activation_energy_ev
        said.append(f"energy from library row {row.id}")
    assert energy is not None, "checked"
    assert reference is not None, "checked"
    return Temperature(form.at, reference, energy, "; ".join(said) or "the scenario")


def _environment(form: EnvironmentForm) -> Environment:
    steps = tuple(Step(getattr(step, "for"), step.shift) for step in form.steps)
    return Environment(steps, None if form.units is None else tuple(form.units))


def row_law(row: library.Row | None) -> Law:
    """The lifetime of a library row, at its reference temperature.

    Weibull or lognormal where the row has a shape and a scale, else exponential at `fit_typ`.

    **Raises:** `ValueError` when the row has no failure rate.
    """
    if row is None or row.fit_typ is None:
        raise ValueError(f"row {row.id if row else None} has no failure rate.")
    if row.shape is not None and row.scale_hours is not None:
        if row.distribution.lower() == "weibull":
            return Weibull(row.shape, row.scale_hours)
        if row.distribution.lower() == "lognormal":
            return LogNormal(row.scale_hours, row.shape)
    return Exponential(HOURS_PER_FAILURE_AT_1_FIT / row.fit_typ)


def _fabric(form: FabricForm, units: Mapping[str, Unit]) -> Fabric:
    parents = {child: name for name, unit in units.items() for child in unit.contains}
    planes = form.planes or 1
    if form.plane is not None:
        planes, here = 1, form.plane
        while here in parents:
            planes *= units[parents[here]].contains[here].count
            here = parents[here]
    root = next(name for name in units if name not in parents)
    policy = {
        "degrade": Policy("degrade", None),
        "park": Policy("park", form.accelerator),
        "drop": Policy("park", root),
    }
    return Fabric(
        accelerator=form.accelerator,
        plane=form.plane,
        planes=planes,
        lanes_per_link=form.lanes_per_link,
        lane_rate_gbps=form.lane_rate or 0.0,
        efficiency=form.efficiency,
        policy=policy[form.policy]
        if isinstance(form.policy, str)
        else Policy("park", form.policy["park"]),
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
    )


def _workload(form: WorkloadForm) -> Workload:
    return Workload(
        compute_seconds=form.compute,
        collectives=tuple(
            Collective(item.op, item.size, item.overlap, item.algorithm)
            for item in form.collectives
        ),
        checkpoint=Checkpoint(form.checkpoint.write, form.checkpoint.interval),
        restart=Restart(form.restart.detect, form.restart.resume),
        slice=form.slice,
        minimum=form.minimum,
    )
