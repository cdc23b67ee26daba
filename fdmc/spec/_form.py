"""The document as it is written, section by section; its JSON Schema comes from here."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field, create_model

from ._economics_form import EconomicsForm
from ._fabric_form import ClassForm, HopRingForm, TorusForm, TrunkForm
from ._fields import (
    Count,
    Form,
    Fraction,
    Gbps,
    Hours,
    KelvinMore,
    LongHours,
    Name,
    Outage,
    ScenarioName,
    Stock,
    Switch,
    Technicians,
    Text,
    refuse,
)
from ._heat_form import ThermalForm
from ._law_form import Repair
from ._manufacturing_form import ManufacturingForm
from ._mechanism_form import ComponentForm
from ._problem import shown
from ._service_form import ScheduledForm, WindowsForm
from ._sizing_form import SizingForm
from ._structure_form import StructureField
from ._workload_form import PolicyField, ReconfigureForm, WorkloadForm


class GroupForm(Form):
    """Equal elements in one parent; `need` makes it a counting group with spares."""

    count: Count = Field(description="How many there are.")
    need: Count | None = Field(default=None, description="How many must work; the rest are spares.")


def _group(value: Any) -> Any:
    if isinstance(value, dict):
        return value
    if isinstance(value, bool) or not isinstance(value, int):
        raise refuse(
            f"{shown(value)} is not a count", "write one such as 8, or {count: 8, need: 6}"
        )
    return {"count": value}


def _empty(value: Any) -> Any:
    return {} if value is None else value


GroupField = Annotated[GroupForm, BeforeValidator(_group, json_schema_input_type=Count | GroupForm)]


class UnitForm(Form):
    """A template of the containment tree."""

    contains: dict[Name, GroupField] = Field(
        default={}, description="Units inside, with their counts."
    )
    components: dict[Name, GroupField] = Field(
        default={}, description="Components on it, with counts."
    )
    feeds: Name | None = Field(default=None, description="The unit that this one supplies.")
    structure: StructureField = Field(
        default=None, description="When its components have cost the whole unit: a fault tree."
    )


UnitField = Annotated[UnitForm, BeforeValidator(_empty, json_schema_input_type=UnitForm | None)]


class FabricForm(Form):
    """Accelerators, planes and lanes."""

    accelerator: Name = Field(description="The unit that is one accelerator.")
    plane: Name | None = Field(default=None, description="The unit that is one switching plane.")
    planes: Count | None = Field(
        default=None, description="Number of planes, when no unit models them."
    )
    lanes_per_link: Count = Field(default=1, description="Lanes of an accelerator to each plane.")
    lane_rate: Gbps | None = Field(default=None, description="One lane, one direction.")
    efficiency: Fraction = Field(
        default=1.0, description="Share of the lane rate that carries data."
    )
    policy: PolicyField = Field(
        default="degrade", description="degrade, park, drop, {park: unit}, elastic, non_uniform."
    )
    classes: dict[Name, ClassForm] | None = Field(
        default=None,
        description="Classes of traffic that have a part of every link for themselves.",
        json_schema_extra={"minProperties": 1},
    )
    trunk: TrunkForm | None = Field(
        default=None, description="A second level above units that have planes of their own."
    )
    torus: TorusForm | None = Field(
        default=None, description="Slices are tori of cubes, whose faces the planes join."
    )
    ring: HopRingForm | None = Field(
        default=None, description="Nodes on a ring that pass over dead ones; planes: 2, the sides."
    )
    reconfigure: ReconfigureForm | None = Field(
        default=None, description="Optical circuit switching: its time, and when spares step in."
    )


class RuleForm(Form):
    """How the parts named by the entry are replaced."""

    swap: Name | None = Field(
        default=None, description="The FRU: the component, its unit, or a unit above."
    )
    takes_out: Outage = Field(
        default=None, description="Unit out of service while it lasts, or nothing."
    )
    time: Repair | None = Field(default=None, description="Repair time, fixed or a law.")
    stock: Stock = Field(default=None, description="Spares on the shelf.")
    restock: Hours | None = Field(default=None, description="Time until a used spare is replaced.")
    when: Literal["failed", "short"] | None = Field(
        default=None, description="Open a job at every failure, or only when something is lost."
    )
    technician: Switch = Field(
        default=True, description="Whether a job needs one; without, it occupies nobody."
    )
    window: Switch = Field(default=False, description="Begin only in a maintenance window.")
    opportunistic: Switch = Field(
        default=False, description="Done as well when a unit around the FRU is out of service."
    )


RuleField = Annotated[RuleForm, BeforeValidator(_empty, json_schema_input_type=RuleForm | None)]


class ServiceForm(Form):
    """Technicians, replacement rules, maintenance windows and scheduled work."""

    technicians: Technicians = Field(default=None, description="Repairs at the same time.")
    replace: dict[Name, RuleField] = Field(default={}, description="Rules by component or unit.")
    windows: WindowsForm | None = Field(
        default=None, description="Maintenance windows, for rules with `window: true`."
    )
    scheduled: dict[Name, ScheduledForm] = Field(
        default={}, description="Planned work by name, such as firmware."
    )


if TYPE_CHECKING:

    class StepForm(Form):
        """As below; its other key is `for`."""

        shift: float
else:  # `for` is a word of Python, so that this form cannot be written as a class
    StepForm = create_model(
        "StepForm",
        __base__=Form,
        __doc__="One step of the cycle of temperatures.",
        **{
            "for": (Hours, Field(description="How long it lasts.")),
            "shift": (KelvinMore, Field(description="What it adds to every temperature (`at`).")),
        },
    )


class EnvironmentForm(Form):
    """Temperatures over the mission: steps that follow each other and begin again."""

    steps: list[StepForm] = Field(
        description="Steps, repeated for ever from time zero.", json_schema_extra={"minItems": 1}
    )
    units: list[Name] | None = Field(
        default=None, description="Units whose components are shifted; default: all."
    )


class DocumentForm(Form):
    """A machine, what fails in it, who repairs it, and the work it does."""

    fdmc: Literal[1] = Field(default=1, description="Version of this form.")
    extends: Text | None = Field(
        default=None,
        description="Another scenario: mappings here are merged into it, null takes a key away.",
    )
    name: ScenarioName | None = Field(default=None, description="Short name; default: the file's.")
    title: Text | None = Field(default=None, description="One line for people.")
    mission: LongHours = Field(description="Time that is simulated.")
    start: Literal["new", "stationary"] = Field(default="new", description="State at time zero.")
    run_in: LongHours | None = Field(
        default=None, description="History before time zero, for stationary."
    )
    components: dict[Name, ComponentForm] = Field(description="Parts with a lifetime.")
    units: dict[Name, UnitField] = Field(description="Templates of the containment tree.")
    fabric: FabricForm = Field(description="Accelerators, planes and lanes.")
    environment: EnvironmentForm | None = Field(
        default=None, description="Temperatures that rise and fall over the mission."
    )
    thermal: ThermalForm | None = Field(
        default=None, description="Heat: temperatures by node, light that loses lock, excursions."
    )
    manufacturing: ManufacturingForm | None = Field(
        default=None, description="How the units that carry the lanes are made, tested and sold."
    )
    sizing: SizingForm | None = Field(
        default=None, description="What may be chosen, within which limits, and what for."
    )
    economics: EconomicsForm | None = Field(
        default=None, description="What parts cost and draw, and who is paid for what."
    )
    service: ServiceForm = Field(default_factory=ServiceForm)
    workload: WorkloadForm = Field(default_factory=WorkloadForm)
