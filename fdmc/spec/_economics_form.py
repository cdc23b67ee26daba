"""The section `economics` as it is written: what parts cost and draw, and who is paid for what."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from ._economics_units import DEFAULT_CURRENCY, LABEL
from ._fields import Form, Name, NonNegative, Text, TokensMore, TokensPerSecond, Watts, refuse
from ._problem import shown


def _label(value: Any) -> str:
    if not isinstance(value, str) or not LABEL.fullmatch(value):
        raise refuse(f"{shown(value)} is not a currency", "write a label such as EUR or USD")
    return value


def _amount(*examples: str) -> WithJsonSchema:
    """An amount is read where its currency is known: in `_check_economics.py`."""
    return WithJsonSchema(
        {
            "type": "string",
            "description": "An amount with its currency.",
            "pattern": r"^\s*[-+0-9.]",
            "examples": list(examples),
        }
    )


Money = Annotated[Any, _amount("30 kEUR", "12 EUR")]
MoneyPerYear = Annotated[Any, _amount("120 kEUR/y")]
MoneyPerEnergy = Annotated[Any, _amount("0.1 EUR/kWh")]
Currency = Annotated[
    str,
    BeforeValidator(_label),
    WithJsonSchema({"type": "string", "pattern": f"^{LABEL.pattern}$"}),
]


class PriceForm(Form):
    """The price of one, without what is inside it that has a price of its own."""

    price: Money = Field(description="Of one component or unit.")
    spare: Money | None = Field(
        default=None,
        description="What one used spare costs, all inside it included, where failed ones are mended or under "
        "warranty; default: its price with all inside.",
    )
    source: Text | None = Field(
        default=None, description="Where the number comes from; default: estimate."
    )


class PowerForm(Form):
    """The power that one draws in service, without what is inside it that has a power of its own."""

    power: Watts | None = Field(default=None, description="Of one component or unit, in service.")
    use: Text | None = Field(
        default=None, description="Library row whose power (or energy per bit at full rate) it is."
    )
    source: Text | None = Field(
        default=None, description="Where the number comes from; default: estimate, or the row."
    )

    @model_validator(mode="after")
    def _one(self) -> "PowerForm":
        if (self.power is None) == (self.use is None):
            raise refuse("give power or use, one of them", 'write one such as {power: "30 W"}')
        return self


def _price(value: Any) -> Any:
    return value if isinstance(value, dict) else {"price": value}


def _power(value: Any) -> Any:
    return value if isinstance(value, dict) else {"power": value}


PriceField = Annotated[PriceForm, BeforeValidator(_price, json_schema_input_type=Money | PriceForm)]
PowerField = Annotated[PowerForm, BeforeValidator(_power, json_schema_input_type=Watts | PowerForm)]


class TokensForm(Form):
    """Tokens of the ideal machine; of a step they follow how fast the healthy machine is."""

    rate: TokensPerSecond | None = Field(default=None, description="Tokens a second.")
    per_step: TokensMore | None = Field(
        default=None, description="Tokens of one step of the workload."
    )

    @model_validator(mode="after")
    def _one(self) -> "TokensForm":
        if (self.rate is None) == (self.per_step is None):
            raise refuse("give rate or per_step, one of them", 'write one such as "1.2 Mtoken/s"')
        return self


def _tokens(value: Any) -> Any:
    return value if isinstance(value, dict) else {"rate": value}


TokensField = Annotated[
    TokensForm, BeforeValidator(_tokens, json_schema_input_type=TokensPerSecond | TokensForm)
]


class EconomicsForm(Form):
    """What the machine costs to buy, to repair and to feed."""

    currency: Currency = Field(
        default=DEFAULT_CURRENCY, description="Label of all amounts; default EUR."
    )
    price: dict[Name, PriceField] = Field(
        default={}, description="By component or unit, each without what inside it has a price."
    )
    power: dict[Name, PowerField] = Field(
        default={}, description="By component or unit, each without what inside it has a power."
    )
    technician: MoneyPerYear | None = Field(
        default=None, description="One technician, all in; default: not counted."
    )
    energy: MoneyPerEnergy | None = Field(
        default=None, description="Price of energy at the meter; default: not counted."
    )
    pue: NonNegative = Field(
        default=1.0,
        description="Power at the meter over power of the machine; default 1: cooling and conversion not counted.",
    )
    tokens: TokensField | None = Field(
        default=None, description="Tokens of the ideal machine; default: none."
    )
    rack: Name | None = Field(
        default=None, description="The unit that is one rack; default: one called rack, if any."
    )
    optics: list[Name] | None = Field(
        default=None,
        description="Components and units that, with all inside them, are the optics.",
        json_schema_extra={"minItems": 1},
    )
