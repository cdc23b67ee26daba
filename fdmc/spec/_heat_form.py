"""The section `thermal` as it is written; estimates among its defaults say that they are."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field, create_model, model_validator

from ._fields import (
    Amperes,
    Duty,
    Form,
    Hours,
    HoursOrZero,
    JoulesPerKelvin,
    Kelvin,
    KelvinPerSecond,
    KelvinPerWatt,
    KelvinWide,
    Name,
    NonNegative,
    PerKelvin,
    Positive,
    RadiansPerKelvin,
    RatePerHour,
    Seconds,
    SecondsMore,
    Share,
    Switch,
    Text,
    Watts,
    WattsMore,
    WattsPerAmpere,
    WattsPerKelvin,
    refuse,
)
from ._heat import Effect
from ._law_form import Repair, one_of


class SquareLoadForm(Form):
    """High, then low, in step everywhere: computation, then communication."""

    high: Share = Field(description="Load in the first part of a period, 1 for full load.")
    low: Share = Field(description="Load in the rest of it.")
    period: SecondsMore = Field(description="Length of a period, such as that of a step.")
    duty: Duty = Field(description="Share of the period at the high load.")

    @model_validator(mode="after")
    def _order(self) -> "SquareLoadForm":
        if self.low > self.high:
            raise refuse("low exceeds high", "exchange the two, and write duty for the high one")
        return self


class NoisyLoadForm(Form):
    """An Ornstein-Uhlenbeck load."""

    mean: Share = Field(description="Mean load.")
    sd: NonNegative = Field(description="Its standard deviation.")
    tau: SecondsMore = Field(description="Time constant of its correlation.")


class MarkovLoadForm(Form):
    """Computation and communication in turn, each for an exponential time."""

    compute: Share = Field(description="Load while it computes.")
    compute_time: SecondsMore = Field(description="Mean time of computation.")
    communicate: Share = Field(description="Load while it communicates.")
    communicate_time: SecondsMore = Field(description="Mean time of communication.")


class LoadForm(Form):
    """The load of the job over time: give exactly one key, or write a number such as 0.8."""

    constant: Share | None = Field(default=None, description="Always this load.")
    square_wave: SquareLoadForm | None = None
    ornstein_uhlenbeck: NoisyLoadForm | None = None
    markov: MarkovLoadForm | None = None

    @model_validator(mode="after")
    def _one(self) -> "LoadForm":
        one_of(self, tuple(LoadForm.model_fields), "load")
        return self


def _constant(value: Any) -> Any:
    return value if isinstance(value, dict) else {"constant": value}


LoadField = Annotated[LoadForm, BeforeValidator(_constant, json_schema_input_type=Share | LoadForm)]


if TYPE_CHECKING:

    class StopsForm(Form):
        """As below; its other key is `for`."""

        every: float
else:  # `for` is a word of Python, so that these fields cannot be written as a class

    class _StopsBase(Form):
        @model_validator(mode="after")
        def _order(self) -> "_StopsBase":
            if getattr(self, "for") >= self.every:
                raise refuse("for must be shorter than every", "write a shorter for")
            return self

    StopsForm = create_model(
        "StopsForm",
        __base__=_StopsBase,
        __doc__="The job stops now and then: restarts, tests, other jobs.",
        every=(Hours, Field(description="Time from one stop to the next.")),
        **{"for": (Hours, Field(description="How long one lasts."))},
    )


class DeviceForm(Form):
    """What all devices have."""

    unit: Name = Field(description="The unit that is one lane.")
    spread: KelvinWide = Field(
        description="Standard deviation of what a device is off by (fabrication, placement)."
    )


class RingForm(DeviceForm):
    """Rings with heaters; the defaults are those of `fdmc.thermal.default_ring`, which has ranges."""

    top: Kelvin = Field(
        default=363.15,
        description="Temperature at which they need no heater; default 90 degC, an estimate.",
    )
    range: KelvinWide = Field(
        default=40.0,
        description="What the heater can add; default 40 K, an estimate (10 mW a ring at most).",
    )
    budget: KelvinWide = Field(
        default=0.5,
        description="How far off they may be; default 0.5 K, an estimate (a tenth of the linewidth).",
    )
    tracking: KelvinPerSecond = Field(
        default=100.0,
        description="Fastest change that the loops follow; default 100 K/s, an estimate.",
    )
    tracking_spread: Positive = Field(
        default=0.1, description="Relative spread of tracking; default 0.1, an estimate."
    )
    heater: WattsPerKelvin = Field(
        default=2.3e-4,
        description="Heater power of one ring; default 0.23 mW/K, an estimate (recalled).",
    )
    relock: Seconds = Field(
        default=0.1,
        description="From being in range to carrying data; default 100 ms, an estimate.",
    )


class MachZehnderForm(DeviceForm):
    """Mach-Zehnder modulators; what has no default has no source."""

    set: Kelvin = Field(description="Temperature at which the bias is exact.")
    drift: RadiansPerKelvin = Field(description="Phase between the arms that bias control leaves.")
    budget: Positive = Field(description="Penalty that the link can bear, in dB.")
    relock: Seconds = Field(description="From being in range to carrying data.")


class VcselForm(DeviceForm):
    """Directly driven VCSELs; what has no default has no source."""

    amperes: Amperes = Field(description="Drive current.")
    threshold: Amperes = Field(description="Least threshold current, at `best`.")
    best: Kelvin = Field(description="Temperature at which gain and cavity are aligned.")
    detuning: KelvinWide = Field(description="So far from `best` the threshold has doubled.")
    slope: WattsPerAmpere = Field(description="Light per current at `best`.")
    slope_per_kelvin: PerKelvin = Field(description="Share of the slope lost per kelvin.")
    needed: WattsMore = Field(description="Light at which the link is at its limit.")
    relock: Seconds = Field(description="From being in range to carrying data.")

    @model_validator(mode="after")
    def _lit(self) -> "VcselForm":
        if self.amperes <= self.threshold:
            raise refuse("amperes must be more than threshold", "write a higher drive current")
        return self


class LinkForm(Form):
    """The optical devices of the lanes: give exactly one key."""

    ring: RingForm | None = None
    mach_zehnder: MachZehnderForm | None = None
    vcsel: VcselForm | None = None

    @model_validator(mode="after")
    def _one(self) -> "LinkForm":
        one_of(self, tuple(LinkForm.model_fields), "link")
        return self


class ExcursionForm(Form):
    """A cooling event: what is below a unit, or below what that feeds, is warmer for a time."""

    unit: Name = Field(description="The unit that it strikes, one instance at a time.")
    rate: RatePerHour = Field(description="How often, per instance, such as 0.5 /y.")
    rise: KelvinWide = Field(description="How much warmer it gets.")
    duration: Repair = Field(description="How long it lasts, fixed or a law.")
    recovery: HoursOrZero = Field(
        default=0.0, description="Time constant with which the rise decays after it; default 0."
    )
    source: Text | None = Field(default=None, description="Where the numbers come from.")


class ThermalForm(Form):
    """Heat in every package: where components sit, what cools them, and what goes wrong with it."""

    on: Switch = Field(default=True, description="false: as if this section were not there.")
    template: Literal["2d", "2.5d", "3d", "near_package"] = Field(
        description="How light is put beside logic; `fdmc.thermal.TEMPLATES` has the numbers."
    )
    unit: Name | None = Field(
        default=None, description="The unit that is one package; default: fabric.accelerator."
    )
    coolant: Kelvin = Field(description="Temperature of the coolant.")
    air: Kelvin | None = Field(
        default=None, description="Temperature of the air; default: that of the coolant."
    )
    resistance: dict[Name, KelvinPerWatt] = Field(
        default={}, description="By path, such as compute-plate, instead of the template's."
    )
    capacitance: dict[Name, JoulesPerKelvin] = Field(
        default={}, description="By node, instead of the template's."
    )
    watts: dict[Name, Watts] = Field(
        default={}, description="Heat at full load by node, instead of the template's."
    )
    idle: Share = Field(
        default=0.3, description="Share of full heat at load 0; default 0.3, an estimate."
    )
    load: LoadField = Field(
        default=LoadForm(constant=1.0),
        description="Load of the job, the same everywhere; default 1: full all the time.",
    )
    stops: StopsForm | None = Field(default=None, description="When the job stops; default: never.")
    nodes: dict[Name, list[Name]] = Field(
        default={}, description="Components by the node that they sit at."
    )
    link: LinkForm | None = Field(default=None, description="What heat does to light.")
    excursions: dict[Name, ExcursionForm] = Field(default={}, description="Cooling events by name.")
    cooling: NonNegative = Field(
        default=0.1, description="Power of cooling per watt of heat; default 0.1, an estimate."
    )
    effects: list[Effect] = Field(
        default=["ageing", "cycling", "lock"],
        description="What is counted; default: all of it.",
    )
