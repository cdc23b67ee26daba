"""The section `manufacturing` as it is written; estimates among its defaults say that they are."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from ._fields import (
    Count,
    CountOrZero,
    Form,
    Fraction,
    GramsPerSquareMillimetre,
    Hours,
    Kelvin,
    KelvinWide,
    Kilograms,
    Millimetres,
    Name,
    NonNegative,
    PerSquareCentimetre,
    PerSquareMillimetre,
    Positive,
    Share,
    SquareMillimetres,
    SquareMillimetresOrZero,
    Switch,
    Text,
    refuse,
)
from ._law_form import WeibullForm, one_of
from ._manufacturing import Preset


_LAWS = ("poisson", "murphy", "seeds")
_NEXT = "write poisson, murphy, seeds, {negative_binomial: 10} or {bose_einstein: 4}"


class DefectLawForm(Form):
    """How defects gather: `poisson`, `murphy`, `seeds`, or give one of the other keys."""

    named: Literal["poisson", "murphy", "seeds"] | None = None
    negative_binomial: Positive | None = Field(default=None, description="Its alpha; 2 to 10.")
    bose_einstein: Count | None = Field(default=None, description="Number of critical layers.")

    @model_validator(mode="after")
    def _one(self) -> "DefectLawForm":
        one_of(self, tuple(DefectLawForm.model_fields))
        return self


def _law(value: Any) -> Any:
    if isinstance(value, dict):
        return value
    if value not in _LAWS:
        raise refuse(f"{value!r} is no law of defects".replace("'", '"'), _NEXT)
    return {"named": value}


DefectLawField = Annotated[
    DefectLawForm, BeforeValidator(_law, json_schema_input_type=Literal[_LAWS] | DefectLawForm)
]


class DefectLayerForm(Form):
    """Critical layers of one kind."""

    density: PerSquareCentimetre = Field(description="Defects on each layer.")
    critical: Fraction = Field(default=1.0, description="Share of the area in which one kills.")
    layers: Count = Field(default=1, description="How many layers of the kind there are.")
    law: DefectLawField | None = Field(default=None, description="How they gather.")


class WaferForm(Form):
    """The wafer; its defaults are the parameters of Chiplet Actuary (2022)."""

    diameter: Millimetres = Field(default=300.0, description="Diameter; default 300 mm.")
    edge: Millimetres = Field(default=5.0, description="Rim that carries no die; default 5 mm.")
    scribe: Millimetres = Field(default=0.2, description="Street between dies; default 0.2 mm.")
    cost: NonNegative = Field(default=0.0, description="Price of a processed wafer.")


class TestForm(Form):
    """Coverage of a test: a number is linear, 1 finds all, 0 is no test."""

    __test__ = False  # pytest would collect it

    linear: Share | None = Field(default=None, description="Share of the bad units that it finds.")
    williams_brown: Share | None = Field(
        default=None, description="Share of the defects that it finds."
    )

    @model_validator(mode="after")
    def _one(self) -> "TestForm":
        one_of(self, tuple(TestForm.model_fields), "coverage")
        return self


def _coverage(value: Any) -> Any:
    return value if isinstance(value, dict) else {"linear": value}


TestField = Annotated[TestForm, BeforeValidator(_coverage, json_schema_input_type=Share | TestForm)]
_FULL = TestForm(linear=1.0)


class PartForm(Form):
    """A die, which has an area, or a part that is bought."""

    area: SquareMillimetres | None = Field(default=None, description="Area of the die.")
    density: PerSquareCentimetre | None = Field(default=None, description="Killer defects.")
    critical: Fraction = Field(default=1.0, description="Share of the area in which one kills.")
    law: DefectLawField | None = Field(
        default=None, description="How they gather; on the die of the lanes `clustering` says so."
    )
    layers: list[DefectLayerForm] | None = Field(
        default=None, description="Critical layers, instead of density, critical and law."
    )
    good: Fraction | None = Field(default=None, description="Share of bought parts that are good.")
    wafer: WaferForm = Field(default=WaferForm(), description="The wafer it is cut from.")
    test: TestField = Field(default=_FULL, description="Test before it enters; default: finds all.")
    cost: NonNegative = Field(default=0.0, description="Cost of one, its share of a wafer apart.")
    carbon: GramsPerSquareMillimetre | None = Field(
        default=None, description="CO2 equivalent per area of processed wafer."
    )
    source: Text | None = Field(default=None, description="Where the numbers come from.")

    @model_validator(mode="after")
    def _kind(self) -> "PartForm":
        dies = [
            key for key in ("density", "layers", "law", "carbon") if getattr(self, key) is not None
        ]
        if self.area is None and dies:
            raise refuse(f"{dies[0]} is of dies, and no area is given", "give the area of the die")
        if self.area is not None and self.good is not None:
            raise refuse("area and good exclude each other", "drop good: defects say it of a die")
        if self.area is not None and self.density is None and self.layers is None:
            raise refuse("no density of defects is given", 'give density, such as "0.1 /cm2"')
        if self.layers is not None and (self.density is not None or self.law is not None):
            raise refuse("layers excludes density and law", "write them in the layers")
        return self


class JoiningForm(Form):
    """A way to join chips: a preset, numbers, or a preset with some other numbers."""

    preset: Preset | None = None
    alignment: Fraction | None = Field(default=None, description="Share of chips well placed.")
    bond: Fraction | None = Field(default=None, description="Share of joints that are good.")
    via: Fraction | None = Field(default=None, description="Share of vias that are good.")
    dielectric: PerSquareMillimetre | None = Field(
        default=None, description="Defects that part directly bonded faces."
    )

    @model_validator(mode="after")
    def _some(self) -> "JoiningForm":
        if self.preset is None and self.alignment is None:
            raise refuse("neither preset nor alignment is given", "write one such as micro_bump")
        return self


def _joining(value: Any) -> Any:
    return {"preset": value} if isinstance(value, str) else value


JoiningField = Annotated[
    JoiningForm, BeforeValidator(_joining, json_schema_input_type=Preset | JoiningForm)
]


class LaneHarmForm(Form):
    """What a step may do to each lane, the others apart."""

    bonds: CountOrZero = Field(default=0, description="Joints of a lane, by the step's joining.")
    fibres: CountOrZero = Field(default=0, description="Fibres of a lane.")
    loss: Share = Field(default=0.0, description="Share of lanes lost to anything else.")


class AssemblyStepForm(Form):
    """One step of making, in the order of the list; chip-first and chip-last differ in it."""

    step: Name = Field(description="What it is called in tables.")
    parts: dict[Name, Count] = Field(default={}, description="Parts that enter, with their counts.")
    joining: JoiningField | None = Field(default=None, description="How chips are joined.")
    chips: CountOrZero | None = Field(
        default=None, description="Chips placed; default: all parts that enter, 0 without joining."
    )
    bonds: CountOrZero = Field(default=0, description="Joints whose fault costs the whole unit.")
    vias: CountOrZero = Field(default=0, description="Vias whose fault costs the whole unit.")
    bonded: SquareMillimetresOrZero = Field(default=0.0, description="Area bonded face to face.")
    fibres: CountOrZero = Field(default=0, description="Fibres whose fault costs the whole unit.")
    fibre: Fraction = Field(
        default=0.99865, description="Share of fibres attached at first pass (OIF panel, 2023)."
    )
    good: Fraction = Field(default=1.0, description="Share of units that come to no other harm.")
    lanes: LaneHarmForm = Field(default=LaneHarmForm(), description="Harm to single lanes.")
    test: TestField = Field(default=_FULL, description="Test after it; default: finds all.")
    cost: NonNegative = Field(default=0.0, description="Cost of the step and its materials.")
    carbon: Kilograms = Field(default=0.0, description="CO2 equivalent of the same.")
    source: Text | None = Field(default=None, description="Where the numbers come from.")

    @model_validator(mode="after")
    def _joined(self) -> "AssemblyStepForm":
        joined = self.chips or self.bonds or self.vias or self.bonded or self.lanes.bonds
        if joined and self.joining is None:
            raise refuse("chips are joined, but joining is missing", "write one such as micro_bump")
        return self


class RingAtTestForm(Form):
    """Rings beyond the reach of their heaters; what is left out is read from thermal.link.ring."""

    test: Kelvin = Field(description="Temperature of the engine while it is tested.")
    top: Kelvin | None = Field(default=None, description="Where they need no heater.")
    range: KelvinWide | None = Field(default=None, description="What the heater can add.")
    budget: KelvinWide | None = Field(default=None, description="How far off they may be.")
    spread: KelvinWide | None = Field(
        default=None, description="Standard deviation from ring to ring."
    )


class LaneMakingForm(Form):
    """The lanes: their group in the tree says how many are built and how many are needed."""

    unit: Name = Field(description="The unit that is one lane.")
    die: Name = Field(description="The part that carries the lanes of one group.")
    area: SquareMillimetresOrZero = Field(
        description="Area of that die in which a defect costs one lane; the rest costs all."
    )
    ring: RingAtTestForm | None = Field(default=None, description="Rings out of reach at test.")
    common_cause: Share = Field(
        default=0.1,
        description="Share of the losses of lanes after the wafer that takes all lanes of a group; default "
        "0.1, an estimate (0.05 to 0.2).",
    )


class DefectClusteringForm(Form):
    """By how much the density of defects varies: alpha of lots, wafers, dies; left out: not at all."""

    lot: Positive | None = None
    wafer: Positive | None = None
    die: Positive | None = None
    wafers_per_lot: Count = Field(default=25, description="Default 25, a full carrier (recalled).")


class BurnInForm(Form):
    """Burn-in of every unit before its lanes are counted."""

    time: Hours = Field(description="Time in the oven.")
    acceleration: Positive = Field(description="How much faster parts age there than in use.")
    cost: NonNegative = Field(default=0.0, description="Cost of one unit.")


class LatentForm(Form):
    """Defects that pass test and fail first."""

    ratio: NonNegative = Field(
        description="Latent defects for each that kills; 0.005 to 0.02 (recalled)."
    )
    infant: WeibullForm | None = Field(
        default=None,
        description="When one fails, at use conditions; with it histories follow them.",
    )
    burn_in: BurnInForm | None = None

    @model_validator(mode="after")
    def _woken(self) -> "LatentForm":
        if self.burn_in is not None and self.infant is None:
            raise refuse("burn_in without infant", "give infant: it says what burn-in wakes")
        return self


class MountForm(Form):
    """The larger unit that takes the units that ship; they enter its steps by their name."""

    unit: Name = Field(description="A unit above, such as the package.")
    steps: list[AssemblyStepForm] = Field(description="Its steps.")


class ManufacturingForm(Form):
    """How a unit that carries lanes is made, tested, repaired by spares, and sold."""

    on: Switch = Field(default=True, description="false: as if this section were not there.")
    unit: Name = Field(description="What is made and tested, then shipped or scrapped whole.")
    lanes: LaneMakingForm
    clustering: DefectClusteringForm = Field(description="Of the defects on the die of the lanes.")
    parts: dict[Name, PartForm] = Field(description="Dies, and parts that are bought.")
    steps: list[AssemblyStepForm] = Field(description="What is done, in order.")
    mount: MountForm | None = Field(default=None, description="What becomes of units that ship.")
    bins: list[Fraction] = Field(
        default=[1.0], description="Shares of full bandwidth at which units are sold, falling."
    )
    latent: LatentForm | None = Field(default=None, description="Latent defects; default: none.")
    currency: Text = Field(default="USD", description="Of all costs.")

    @model_validator(mode="after")
    def _falling(self) -> "ManufacturingForm":
        bins = self.bins
        if not bins or any(a <= b for a, b in zip(bins, bins[1:], strict=False)):
            raise refuse("bins must fall", "name the largest first, such as [1, 0.875]")
        return self
