"""Laws as they are written: `{weibull: {shape: 1.6, scale: 9 y}}`, `4 h`, `{mtbf: 1000 h}`."""

import math
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from ._fields import Form, Hours, Positive, RatePerHour, refuse
from ._law import Competing, Exponential, Fixed, Gamma, Law, LogNormal, Weibull


_NORMAL_P90 = 1.2815515655446004  # the 90 % quantile of the standard normal


class ExponentialForm(Form):
    """Constant rate: give exactly one of the three."""

    mean: Hours | None = Field(default=None, description="Mean time.")
    mtbf: Hours | None = Field(default=None, description="Mean time between failures.")
    rate: RatePerHour | None = Field(default=None, description="Constant rate.")

    @model_validator(mode="after")
    def _one(self) -> "ExponentialForm":
        one_of(self, ("mean", "mtbf", "rate"))
        return self

    def law(self) -> Exponential:
        return exponential(self.rate, self.mean or self.mtbf)


class WeibullForm(Form):
    """Cumulative hazard (t / scale) ** shape."""

    shape: Positive = Field(description="Below 1 infant mortality, above 1 wear-out.")
    scale: Hours = Field(description="Time by which 63.2 % have failed.")

    def law(self) -> Weibull:
        return Weibull(self.shape, self.scale)


class LogNormalForm(Form):
    """Median with either the 90 % quantile or the standard deviation of the logarithm."""

    median: Hours = Field(description="Time by which half have failed, or are repaired.")
    p90: Hours | None = Field(
        default=None, description="Time by which 90 % have failed, or are repaired."
    )
    sigma: Positive | None = Field(default=None, description="Standard deviation of the logarithm.")

    @model_validator(mode="after")
    def _one(self) -> "LogNormalForm":
        one_of(self, ("p90", "sigma"))
        if self.p90 is not None and self.p90 <= self.median:
            raise refuse("p90 must be longer than the median", "exchange the two")
        return self

    def law(self) -> LogNormal:
        sigma = self.sigma
        if sigma is None:
            assert self.p90 is not None
            sigma = math.log(self.p90 / self.median) / _NORMAL_P90
        return LogNormal(self.median, sigma)


class GammaForm(Form):
    """Shape with either scale or mean (mean = shape * scale)."""

    shape: Positive = Field(description="Shape, 1 for an exponential.")
    scale: Hours | None = Field(default=None, description="Scale.")
    mean: Hours | None = Field(default=None, description="Mean time.")

    @model_validator(mode="after")
    def _one(self) -> "GammaForm":
        one_of(self, ("scale", "mean"))
        return self

    def law(self) -> Gamma:
        if self.scale is not None:
            return Gamma(self.shape, self.scale)
        assert self.mean is not None
        return Gamma(self.shape, self.mean / self.shape)


class SimpleLifetimeForm(Form):
    """One lifetime law: give exactly one key."""

    rate: RatePerHour | None = Field(default=None, description="Exponential with this rate.")
    mtbf: Hours | None = Field(default=None, description="Exponential with this mean.")
    exponential: ExponentialForm | None = None
    weibull: WeibullForm | None = None
    lognormal: LogNormalForm | None = None
    gamma: GammaForm | None = None

    @model_validator(mode="after")
    def _one(self) -> "SimpleLifetimeForm":
        one_of(self, tuple(SimpleLifetimeForm.model_fields))
        return self

    def law(self) -> Exponential | Weibull | LogNormal | Gamma:
        return simple_law(self)


def _not_fixed(value: Any) -> Any:
    if isinstance(value, str | int | float) or (isinstance(value, dict) and "fixed" in value):
        raise refuse(
            "a lifetime cannot be fixed", "write {mtbf: 9 y} or {weibull: {shape: 2, scale: 9 y}}"
        )
    return value


PhaseForm = Annotated[SimpleLifetimeForm, BeforeValidator(_not_fixed)]


class BathtubForm(Form):
    """Competing causes, the first to strike counts: give two or three."""

    infant: PhaseForm | None = Field(
        default=None, description="Early failures, such as a Weibull of shape below 1."
    )
    random: PhaseForm | None = Field(default=None, description="Failures at a constant rate.")
    wearout: PhaseForm | None = Field(
        default=None, description="Wear-out, such as a Weibull of shape above 1."
    )

    @model_validator(mode="after")
    def _two(self) -> "BathtubForm":
        if len(self.phases()) < 2:
            raise refuse("a bathtub has two or three laws", "give two of infant, random, wearout")
        return self

    def phases(self) -> list[SimpleLifetimeForm]:
        return [phase for phase in (self.infant, self.random, self.wearout) if phase is not None]

    def law(self) -> Competing:
        return Competing(tuple(phase.law() for phase in self.phases()))


class DriveRiseForm(Form):
    """Drive current of a laser that grows as A t^m, A lognormal, until its margin is used up."""

    rise: Positive = Field(description="Median rise of the drive current `after` so long.")
    after: Hours = Field(description="Age at which `rise` holds.")
    time_power: Positive = Field(description="m: 1 linear, 0.5 diffusion.")
    sigma: Positive = Field(description="Standard deviation of the logarithm of A.")
    margin: Positive = Field(description="Highest drive current over that when new, less 1.")

    def law(self) -> LogNormal:
        """When A t^m reaches the margin: t = (margin / A)^(1/m)."""
        median = self.after * (self.margin / self.rise) ** (1 / self.time_power)
        return LogNormal(median, self.sigma / self.time_power)


class LifetimeForm(Form):
    """A lifetime law: give exactly one key."""

    rate: RatePerHour | None = Field(default=None, description="Exponential with this rate.")
    mtbf: Hours | None = Field(default=None, description="Exponential with this mean.")
    exponential: ExponentialForm | None = None
    weibull: WeibullForm | None = None
    lognormal: LogNormalForm | None = None
    gamma: GammaForm | None = None
    bathtub: BathtubForm | None = None
    drive_rise: DriveRiseForm | None = None

    @model_validator(mode="after")
    def _one(self) -> "LifetimeForm":
        one_of(self, tuple(LifetimeForm.model_fields))
        return self

    def law(self) -> Law:
        other = self.bathtub or self.drive_rise
        return simple_law(self) if other is None else other.law()


class RepairForm(Form):
    """A repair-time law: give exactly one key, or write a time such as `4 h`."""

    fixed: Hours | None = Field(default=None, description="Always this long.")
    exponential: ExponentialForm | None = None
    lognormal: LogNormalForm | None = None
    gamma: GammaForm | None = None

    @model_validator(mode="after")
    def _one(self) -> "RepairForm":
        one_of(self, tuple(RepairForm.model_fields))
        return self

    def law(self) -> Law:
        return simple_law(self) if self.fixed is None else Fixed(self.fixed)


def _time_is_fixed(value: Any) -> Any:
    return value if isinstance(value, dict) else {"fixed": value}


Lifetime = Annotated[LifetimeForm, BeforeValidator(_not_fixed)]
Repair = Annotated[
    RepairForm,
    BeforeValidator(_time_is_fixed, json_schema_input_type=Hours | RepairForm),
]


def one_of(form: Form, keys: tuple[str, ...], what: str = "law") -> None:
    """Refuse a form unless exactly one of `keys` is given."""
    given = [key for key in keys if getattr(form, key) is not None]
    if len(given) > 1:
        raise refuse(f"{' and '.join(given)} exclude each other", "keep one of them")
    if not given:
        said = (
            f"no {what} is given"
            if len(keys) > 3 or what != "law"
            else f"neither {' nor '.join(keys)} is given"
        )
        raise refuse(said, f"give one of {', '.join(keys)}")


def exponential(rate: float | None, mean: float | None) -> Exponential:
    """The exponential law of a rate per hour, or else of a mean in hours."""
    if rate is not None:
        return Exponential(1.0 / rate)
    assert mean is not None
    return Exponential(mean)


def simple_law(form: SimpleLifetimeForm | LifetimeForm | RepairForm) -> Any:
    """The law of the one key that is given."""
    for key in ("exponential", "weibull", "lognormal", "gamma"):
        inner = getattr(form, key, None)
        if inner is not None:
            return inner.law()
    return exponential(getattr(form, "rate", None), getattr(form, "mtbf", None))
