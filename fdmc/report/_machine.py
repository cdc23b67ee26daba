"""A scenario as it is understood before anything runs: units, rates, failures, repairs."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from ..collect import Costs
from ..lifetime import mean_hours
from ..plan import Effects, Heat, Plan, PlanError, ageing, lower
from ..spec import (
    Environment,
    Exponential,
    Law,
    Scenario,
    Structure,
    Windows,
    cut_sets,
    fault_tree,
    resolve_rule,
)
from ..thermal import NODES
from ._costs import costs_object, machine_costs
from ._exact import HOURS_PER_YEAR, FirstLoss, first_losses, fit
from ._fabric import fabric_text
from ._format import duration, law, plain
from ._heat import MachineHeat, heat_of
from ._job import job_text, policy_text
from ._losses import Loss, failure_loss, repair_loss
from ._questions import Question, questions


@dataclasses.dataclass(frozen=True)
class StructureRow:
    """When a unit is lost: its formula in words, and its minimal cut sets when they are few."""

    lost_when: str
    minimal_cut_sets: tuple[tuple[str, ...], ...] | None


@dataclasses.dataclass(frozen=True)
class HeatRow:
    """How hot one mechanism of a class is, and how much faster it ages by all stress than its lifetime says.

    `at_kelvin` is the mean over the load where it sits at a thermal `node`; None where nothing is known.
    `acceleration` is at nominal conditions, `mean_acceleration` with environment and excursions; `lifetime` is the
    one at the references. Without a reference temperature, temperature does not matter to it.
    """

    name: str
    node: str | None
    at_kelvin: float | None
    reference_kelvin: float | None
    activation_energy_ev: float | None
    acceleration: float
    mean_acceleration: float
    shifted: bool
    lifetime: str
    source: str


@dataclasses.dataclass(frozen=True)
class UnitRow:
    """One template of the containment tree and its failure budget (that of its own components)."""

    name: str
    path: str
    depth: int
    role: str
    per_parent: int
    need: int | None
    total: int
    feeds: str | None
    structure: StructureRow | None
    components: dict[str, int]
    fit_of_one: float
    fit_in_machine: float
    occurrences_per_year: float
    first_loss: FirstLoss


@dataclasses.dataclass(frozen=True)
class ClassRow:
    """One component on one unit: how often it fails, what that takes, how it is replaced."""

    name: str
    unit: str
    component: str
    copies: int
    lifetime: str
    fit_of_one: float
    fit_in_machine: float
    exponential: bool
    takes: Loss | None
    swap: str
    when: str
    repair_takes: Loss | None
    takes_out: str | None
    repair_time: str | None
    rule: str
    stock: int | None
    restock_hours: float | None
    technician: bool
    window: bool
    opportunistic: bool
    grade: str
    source: str
    at_reference: str
    heat: tuple[HeatRow, ...]


@dataclasses.dataclass(frozen=True)
class ScheduledRow:
    """Scheduled work: what it takes out, and how much of the time one copy is out."""

    name: str
    unit: str
    copies: int
    every_hours: float
    time: str
    technician: bool
    window: bool
    out_share: float


@dataclasses.dataclass(frozen=True)
class Machine:
    """Everything that `fdmc show` says about a scenario."""

    scenario: str
    title: str
    fingerprint: str
    mission_hours: float
    start: str
    accelerators: int
    planes: int
    lanes_per_link: int
    policy: str
    technicians: int | None
    windows: Windows | None
    scheduled: tuple[ScheduledRow, ...]
    environment: Environment | None
    made: str | None
    units: tuple[UnitRow, ...]
    classes: tuple[ClassRow, ...]
    questions: tuple[Question, ...]
    heat: MachineHeat | None
    costs: Costs | None
    fabric: tuple[str, ...] | None
    job: tuple[str, ...] | None


def describe(scenario: Scenario) -> Machine:
    """Compile a scenario and say what it is, even if the engine cannot run it."""
    effects = Effects(scenario)
    losses = first_losses(scenario)
    plan, refusal = _lowered(scenario)
    return Machine(
        scenario=scenario.name,
        title=scenario.title,
        fingerprint=scenario.fingerprint,
        mission_hours=scenario.mission_hours,
        start=scenario.start,
        accelerators=effects.accelerators,
        planes=scenario.fabric.planes,
        lanes_per_link=scenario.fabric.lanes_per_link,
        policy=policy_text(scenario),
        technicians=scenario.service.technicians,
        windows=scenario.service.windows,
        scheduled=tuple(
            ScheduledRow(
                s.name,
                s.unit,
                scenario.tree.nodes[s.unit].total,
                s.every_hours,
                law(s.time),
                s.technician,
                s.windowed,
                mean_hours(s.time) / s.every_hours,
            )
            for s in scenario.service.scheduled or ()
        ),
        environment=scenario.environment,
        made=None if scenario.manufacturing is None else scenario.manufacturing.unit,
        units=tuple(_unit(scenario, effects, name, losses[name]) for name in scenario.tree.nodes),
        classes=tuple(
            _class(scenario, effects, unit, component)
            for unit in scenario.tree.nodes
            for component in scenario.units[unit].components
        ),
        questions=questions(scenario, refusal),
        heat=heat_of(scenario, plan),
        costs=machine_costs(scenario),
        fabric=fabric_text(scenario),
        job=job_text(scenario),
    )


def machine_object(machine: Machine) -> dict:
    """Return what `fdmc show --json` prints; it says nothing of what the scenario does not have, such as heat."""
    found = plain(machine)
    if machine.costs is not None:
        found["costs"] = costs_object(machine.costs)
    return {
        k: v
        for k, v in found.items()
        if k not in ("heat", "costs", "fabric", "job") or v is not None
    }


def _lowered(scenario: Scenario) -> tuple[Plan | None, str | None]:
    """Return the plan, or why the engine cannot simulate the scenario."""
    try:
        return lower(scenario)[0], None
    except PlanError as error:
        return None, str(error)


def _unit(scenario: Scenario, effects: Effects, name: str, first: FirstLoss) -> UnitRow:
    node, body = scenario.tree.nodes[name], scenario.units[name]
    one = float(sum(group.count * fit(scenario, name, c) for c, group in body.components.items()))
    return UnitRow(
        name=name,
        path=node.path,
        depth=node.depth,
        role=effects.role(name),
        per_parent=node.count,
        need=node.need,
        total=node.total,
        feeds=body.feeds,
        structure=structure_row(body.structure),
        components={c: group.count for c, group in body.components.items()},
        fit_of_one=one,
        fit_in_machine=one * node.total,
        occurrences_per_year=one * node.total * 1e-9 * HOURS_PER_YEAR,
        first_loss=first,
    )


def structure_row(structure: Structure | None) -> StructureRow | None:
    """Return what is said about a structure."""
    if structure is None:
        return None
    found = cut_sets(structure)
    cuts = None
    if found is not None:
        cuts = tuple(tuple(name for name in structure.copies if name in cut) for cut in found)
    return StructureRow(_words(structure.formula), cuts)


def _words(formula: fault_tree.Formula | str | bool, inside: bool = False) -> str:
    """Return a formula in words: `valve or (pump[0] and pump[1])`."""
    if not isinstance(formula, fault_tree.Formula):
        return str(formula)
    args = [_words(argument, inside=True) for argument in formula.args]
    if formula.op == "atleast":
        return f"at least {formula.least} of ({', '.join(args)})"
    words = f" {formula.op} ".join(args)
    return f"({words})" if inside else words


def _class(scenario: Scenario, effects: Effects, unit: str, component: str) -> ClassRow:
    part, group = scenario.components[component], scenario.units[unit].components[component]
    rule = resolve_rule(scenario, unit, component)
    repair = rule.time or part.repair
    copies = group.count * scenario.tree.nodes[unit].total
    each = fit(scenario, unit, component)
    return ClassRow(
        name=f"{unit}/{component}",
        unit=unit,
        component=component,
        copies=copies,
        lifetime=_laws({life.mechanism: life.law for life in ageing(scenario, unit, component)}),
        fit_of_one=each,
        fit_in_machine=copies * each,
        exponential=all(isinstance(way.lifetime, Exponential) for way in part.mechanisms),
        takes=failure_loss(scenario, effects, unit, component),
        swap=rule.swap,
        when=rule.when or "failed",
        repair_takes=repair_loss(scenario, effects, unit, component),
        takes_out=rule.takes_out,
        repair_time=None if repair is None else law(repair),
        rule=rule.name,
        stock=rule.stock,
        restock_hours=rule.restock_hours,
        technician=not rule.unattended,
        window=bool(rule.windowed),
        opportunistic=bool(rule.opportunistic),
        grade=part.grade,
        source=part.source if part.use is None else f"library row {part.use}: {part.source}",
        at_reference=_laws({way.name: way.lifetime for way in part.mechanisms}),
        heat=_heat(scenario, unit, component),
    )


def _heat(scenario: Scenario, unit: str, component: str) -> tuple[HeatRow, ...]:
    """Return a row for each mechanism; none where neither temperature nor current is known."""
    part, heat = scenario.components[component], Heat(scenario, {})
    node, known = heat.node(unit, component), heat.temperatures(unit, component)
    if known is None and part.current is None:
        return ()
    at = None if known is None else float(np.dot(np.asarray(known[0]), np.asarray(known[1])))
    lives = ageing(scenario, unit, component)
    return tuple(
        HeatRow(
            name=f"{unit}/{component}" + (f":{way.name}" if way.name else ""),
            node=None if node is None else NODES[node],
            at_kelvin=at,
            reference_kelvin=way.reference_kelvin,
            activation_energy_ev=way.activation_energy_ev,
            acceleration=life.nominal,
            mean_acceleration=life.mean,
            shifted=life.shifted,
            lifetime=law(life.at_reference),
            source=way.source,
        )
        for way, life in zip(part.mechanisms, lives, strict=True)
    )


def _laws(laws: Mapping[str, Law]) -> str:
    """Return the laws of mechanisms by name; an only one that is written as a plain lifetime has none."""
    return "; ".join(f"{name}: {law(each)}" if name else law(each) for name, each in laws.items())


def stock_text(row: ClassRow) -> str:
    """Return the spares of a rule in words: `6, restock 21 d` or `unlimited`."""
    if row.stock is None:
        return "unlimited"
    return f"{row.stock:,}, restock {duration(row.restock_hours or 0.0)}"


def rule_text(row: ClassRow) -> str:
    """Return when a job of a rule opens and begins, in words: `failed; no technician; in visits too`."""
    words = [row.when]
    words += [] if row.technician else ["no technician"]
    words += ["in windows"] if row.window else []
    words += ["in visits too"] if row.opportunistic else []
    return "; ".join(words)
