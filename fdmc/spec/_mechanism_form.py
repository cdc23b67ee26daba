"""Components as they are written: their lifetime, or the mechanisms that compete for them."""

from typing import Literal

from pydantic import Field, model_validator

from ._fields import (
    ElectronVolts,
    EventsPerHour,
    Form,
    Hours,
    Kelvin,
    KelvinWide,
    Left,
    Name,
    NonNegative,
    Positive,
    RatePerHour,
    Text,
    refuse,
)
from ._law_form import Lifetime, Repair, one_of


OWN = ("rate", "mtbf", "lifetime")
"""The ways to write a lifetime."""

STRESS = ("reference", "activation_energy", "current_exponent", "drive", "cycling")
"""What says how stress shortens a lifetime."""


class DriveForm(Form):
    """A laser that ages gradually: its drive current rises until the margin is used up."""

    margin: Positive = Field(description="Highest drive current over that when new, less 1.")
    time_power: Positive = Field(
        description="The current rises as time to this power: 1 linear, 0.5 diffusion."
    )


class CyclingForm(Form):
    """The thermal cycles under which a fatigue life holds (Norris-Landzberg)."""

    solder: Literal["SAC305", "SNPB"] = Field(description="The alloy.")
    swing: KelvinWide = Field(description="Difference of temperature in a cycle.")
    maximum: Kelvin = Field(description="Highest temperature of a cycle.")
    dwell: Hours = Field(
        description="What the alloy's constants ask for: time at the peak (SAC305), period (SNPB)."
    )
    cycles: EventsPerHour = Field(description="How often, such as 2 /d.")
    elastic: KelvinWide = Field(
        default=10.0,
        description="Part of every swing that strains nothing for good; default 10 K (estimate: "
        "without it the ripple of every step would count as damage, which no test has shown).",
    )

    @model_validator(mode="after")
    def _harms(self) -> "CyclingForm":
        if self.elastic >= self.swing:
            raise refuse("the reference swing is elastic: it does no harm", "give a wider swing")
        return self


class StressForm(Form):
    """A lifetime, and how stress shortens it."""

    rate: RatePerHour | None = Field(default=None, description="Constant failure rate.")
    mtbf: Hours | None = Field(
        default=None, description="Mean time between failures, constant rate."
    )
    lifetime: Lifetime | None = Field(default=None, description="Lifetime law.")
    reference: Kelvin | None = Field(
        default=None, description="Temperature at which the lifetime holds."
    )
    activation_energy: ElectronVolts | None = Field(default=None, description="Of Arrhenius' law.")
    current_exponent: NonNegative | None = Field(
        default=None, description="Ageing goes as drive current to this power; default 0: not."
    )
    drive: DriveForm | None = Field(
        default=None, description="Gradual ageing, whose power margin a lower current widens."
    )
    cycling: CyclingForm | None = Field(
        default=None, description="The cycles under which a fatigue life holds."
    )

    @model_validator(mode="after")
    def _one_drive(self) -> "StressForm":
        gradual = self.lifetime is not None and self.lifetime.drive_rise is not None
        if gradual and self.drive is not None:
            raise refuse("drive_rise gives margin and time_power already", "drop drive")
        return self


class MechanismForm(StressForm):
    """One way to fail: one of `rate`, `mtbf`, `lifetime`, and how stress shortens it."""

    source: Text | None = Field(default=None, description="Where the numbers come from.")

    @model_validator(mode="after")
    def _one_lifetime(self) -> "MechanismForm":
        one_of(self, OWN, "lifetime")
        return self


class ComponentForm(StressForm):
    """A library row (`use`), one of `rate`, `mtbf`, `lifetime` (they override it), or `mechanisms`."""

    use: Name | None = Field(default=None, description="Row of the component library, such as GPU.")
    mechanisms: dict[Name, MechanismForm] | None = Field(
        default=None,
        description="Ways to fail that compete, by name, instead of one lifetime.",
        json_schema_extra={"minProperties": 1},
    )
    repair: Repair | None = Field(default=None, description="Repair time, fixed or a law.")
    at: Kelvin | None = Field(
        default=None, description="Its own temperature at nominal conditions; it ages by it."
    )
    current: Positive | None = Field(
        default=None, description="Its drive current over that at which its lifetimes hold."
    )
    reference: Kelvin | None = Field(
        default=None, description="Temperature of the lifetime; default: the library row's."
    )
    activation_energy: ElectronVolts | None = Field(
        default=None, description="Of Arrhenius' law; default: the library row's."
    )
    leaves: Left = Field(
        default=0.0,
        description="What its failure leaves of its unit until the repair, such as a lower speed; default: nothing.",
    )
    direction: Literal["send", "receive", "both"] = Field(
        default="both",
        description="What its failure takes of links and planes: what the end that it stands at sends, or receives.",
    )
    source: Text | None = Field(default=None, description="Where the numbers come from.")
    description: Text | None = Field(default=None, description="What the part is.")

    @model_validator(mode="after")
    def _one_lifetime(self) -> "ComponentForm":
        given = [key for key in OWN if getattr(self, key) is not None]
        if self.mechanisms is not None:
            if not self.mechanisms:
                raise refuse("there is no mechanism", "name one, such as wear_out: {mtbf: 9 y}")
            beside = [key for key in (*OWN, *STRESS) if getattr(self, key) is not None]
            if beside:
                said = f"mechanisms and {' and '.join(beside)} exclude each other"
                raise refuse(said, f"move {' and '.join(beside)} into a mechanism")
            return self
        if len(given) > 1:
            raise refuse(f"{' and '.join(given)} exclude each other", "keep one of them")
        if not given and self.use is None:
            raise refuse("no lifetime is given", f"give one of use, {', '.join(OWN)}, mechanisms")
        return self
