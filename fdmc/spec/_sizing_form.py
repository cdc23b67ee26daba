"""The section `sizing` as it is written: an objective, constraints, variables."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema, create_model, model_validator

from ._fields import Form, Name, Text, Watts, refuse
from ._problem import shown


QUALITIES = ("goodput", "availability", "goodput_quantile", "goodput_cvar")
"""Metrics of which more is better, estimated by simulation."""
RESOURCES = ("cost", "power")
"""Metrics of which less is better."""


def _share(value: Any) -> float:
    number: Any = value
    if isinstance(value, str) and value.strip().endswith("%"):
        try:
            number = round(float(value.strip()[:-1]) / 100, 12)
        except ValueError:
            number = None
    if isinstance(number, bool) or not isinstance(number, int | float) or not 0 < number < 1:
        said = f"{shown(value)} is no share between 0 and 1"
        raise refuse(said, 'write one such as "98.9 %" or 0.989')
    return float(number)


Percent = Annotated[
    float,
    BeforeValidator(_share),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
                {"type": "string", "pattern": r"^\s*[0-9.]+\s*%\s*$"},
            ],
            "examples": ["98.9 %", 0.989],
        }
    ),
]


# Read where the currency is known: in `_check_sizing.py`.
_Money = Annotated[
    Any,
    WithJsonSchema(
        {
            "type": "string",
            "description": "An amount with its currency.",
            "pattern": r"^\s*[-+0-9.]",
            "examples": ["2 MEUR", "30 kEUR"],
        }
    ),
]


class ObjectiveForm(Form):
    """What to make least or most."""

    least: Literal["cost", "power"] | None = Field(default=None, description="Make this least.")
    most: (
        Literal[
            "goodput", "availability", "goodput_quantile", "goodput_cvar", "robustness_per_watt"
        ]
        | None
    ) = Field(default=None, description="Make this most.")

    @model_validator(mode="after")
    def _one(self) -> "ObjectiveForm":
        if (self.least is None) == (self.most is None):
            raise refuse("give least or most, one of them", "write one such as {least: cost}")
        return self


class AtLeastForm(Form):
    """A lower bound."""

    at_least: Percent = Field(description="No less than this.")


class TailForm(Form):
    """A lower bound for the worst missions: for the quantile, or for the mean of all below it."""

    of: Percent = Field(default=0.05, description="Share of the missions that count as worst.")
    at_least: Percent = Field(description="No less than this.")


class MostCostForm(Form):
    """An upper bound for the total cost over the mission."""

    at_most: _Money = Field(description="No more than this.")


class MostPowerForm(Form):
    """An upper bound for power."""

    at_most: Watts = Field(description="No more than this.")


class ConstraintsForm(Form):
    """Bounds that a design must keep."""

    goodput: AtLeastForm | None = Field(default=None, description="Useful work over ideal work.")
    availability: AtLeastForm | None = Field(
        default=None, description="Share of the accelerators in use."
    )
    goodput_quantile: TailForm | None = Field(
        default=None, description="Goodput that all but a share of the missions exceed."
    )
    goodput_cvar: TailForm | None = Field(
        default=None, description="Mean goodput of the worst share of the missions."
    )
    cost: MostCostForm | None = Field(default=None, description="Total cost over the mission.")
    power: MostPowerForm | None = Field(default=None, description="Power of the machine.")


class OptionForm(Form):
    """One alternative of a choice."""

    set: dict[Text, Any] = Field(
        default={}, description="What it changes: path and value, as for --set."
    )
    cost: _Money | None = Field(default=None, description="What it costs; default: nothing.")


def _option(value: Any) -> Any:
    return {} if value is None else value


OptionField = Annotated[
    OptionForm, BeforeValidator(_option, json_schema_input_type=OptionForm | None)
]
_BOUND = Annotated[Any, WithJsonSchema({"type": ["string", "number"], "examples": [8, "25 degC"]})]
_POINTS = Annotated[
    dict[Text, Any] | None,
    WithJsonSchema({"type": "object", "additionalProperties": {"type": "string"}}),
]

if TYPE_CHECKING:

    class VariableForm(Form):
        """As below; its other keys are `from` and `to`."""

        count: str | None
        value: str | None
        choice: dict[str, OptionForm] | None
        to: Any
        cost: dict[str, Any] | None
        scale: Literal["linear", "log"]
else:

    class _VariableForm(Form):
        @model_validator(mode="after")
        def _kind(self):
            given = [k for k in ("count", "value", "choice") if getattr(self, k) is not None]
            if len(given) != 1:
                raise refuse(
                    "give count, value or choice, one of them",
                    "write one such as count: service.technicians",
                )
            return self

    VariableForm = create_model(
        "VariableForm",
        __base__=_VariableForm,
        __doc__="One thing to choose.",
        **{
            "count": (
                Text | None,
                Field(default=None, description="Path of a whole number, as for --set."),
            ),
            "value": (
                Text | None,
                Field(default=None, description="Path of a number with its unit, as for --set."),
            ),
            "choice": (
                dict[Name, OptionField] | None,
                Field(default=None, description="Alternatives by name."),
            ),
            "from": (_BOUND | None, Field(default=None, description="The least.")),
            "to": (_BOUND | None, Field(default=None, description="The most.")),
            "cost": (
                _POINTS,
                Field(
                    default=None,
                    description="What it costs beside the prices of economics: amounts at points, straight lines "
                    "between them.",
                ),
            ),
            "scale": (
                Literal["linear", "log"],
                Field(default="linear", description="Whether steps are equal sums or ratios."),
            ),
        },
    )


class SizingForm(Form):
    """What may be chosen, within which limits, and what for."""

    objective: ObjectiveForm = Field(description="What to make least or most.")
    constraints: ConstraintsForm = Field(
        default_factory=ConstraintsForm, description="Bounds that a design must keep."
    )
    variables: dict[Name, VariableForm] = Field(description="What may be chosen, by name.")
