"""The kinds of value in a document: quantities, whole numbers, names; checked and described."""

import functools
import math
import re
from collections.abc import Callable
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, WithJsonSchema
from pydantic_core import PydanticCustomError

from . import _units as units
from ._problem import shown


LEAST = math.ulp(0.0)
HOTTEST_KELVIN = 400.0 + 273.15  # nothing in a machine works there; a slip of the pen does
_CELSIUS = re.compile(r"(°|deg|celsius|degree)", re.IGNORECASE)
_MOST_EV = 5.0  # activation energies of degradation are below 2 eV
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_TITLE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]*")


class Form(BaseModel):
    """A mapping of the document; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def refuse(message: str, suggestion: str = "") -> PydanticCustomError:
    """An error of a field that carries its fix."""
    return PydanticCustomError("fdmc", "{message}", {"message": message, "suggestion": suggestion})


def _quantity(dimension: units.Dimension, minimum: float, word: str | None, value: Any) -> Any:
    if word is not None and value == word:
        return None
    try:
        return units.quantity(value, dimension, minimum)
    except units.QuantityError as error:
        raise refuse(error.message, error.suggestion) from None


def _temperature(value: Any) -> float:
    kelvin = _quantity(units.KELVIN, -math.inf, None, value)
    if kelvin < 0:
        raise refuse(f"{shown(value)} is below absolute zero", 'write one such as "45 degC"')
    if kelvin > HOTTEST_KELVIN:
        raise refuse(f"{shown(value)} is above 400 degC", 'write one such as "45 degC"')
    return kelvin


def _difference(value: Any) -> float:
    if _CELSIUS.search(str(value)):
        fix = re.sub(r"\s*[°A-Za-z].*", "", str(value).strip()) + " K"
        said = f"{shown(value)} is a temperature, not a difference"
        raise refuse(said, f'write "{fix}"')
    return _quantity(units.DIFFERENCE, -math.inf, None, value)


def _energy(value: Any) -> float:
    energy = _quantity(units.ELECTRON_VOLTS, 0.0, None, value)
    if energy > _MOST_EV:
        said = f"{shown(value)} is more than {_MOST_EV:g} eV"
        raise refuse(said, 'write an activation energy such as "0.7 eV"')
    return energy


def _number(low: float, high: float, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise refuse(f"{shown(value)} is not a number", "write one such as 1.5")
    if not low < value <= high:
        bounds = "more than 0" if math.isinf(high) else f"more than {low:g} and at most {high:g}"
        raise refuse(f"{value:g} must be {bounds}")
    return float(value)


def _whole(minimum: int, word: str | None, value: Any) -> int | None:
    if word is not None and value == word:
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        example = f"write one such as {max(minimum, 4)}" + (f" or '{word}'" if word else "")
        raise refuse(f"{shown(value)} is not a whole number", example)
    if not minimum <= value <= 2**31 - 1:
        bound = f"at least {minimum}" if value < minimum else "less than 2147483648"
        raise refuse(f"{value} must be {bound}")
    return value


def _text(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise refuse(f"{shown(value)} is not a text", "write it in quotes")
    return str(value)


def _name(pattern: re.Pattern[str], value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str) or not pattern.fullmatch(value):
        raise refuse(
            f"{shown(value)} is not a name", "use letters, digits, '_' and '-', a letter first"
        )
    if value == "nothing":
        raise refuse("'nothing' is not a name", "it is the word for taking nothing out")
    return value


def _field(check: Callable[[Any], Any], schema: dict[str, Any]) -> Any:
    return (BeforeValidator(check), WithJsonSchema(schema))


def _of(dimension: units.Dimension, minimum: float, *examples: str, word: str | None = None) -> Any:
    check = functools.partial(_quantity, dimension, minimum, word)
    return _field(check, _written(dimension, examples, word))


def _written(dimension: units.Dimension, examples: tuple[str, ...], word: str | None = None) -> Any:
    quantity: dict[str, Any] = {
        "type": "string",
        "description": f"A {dimension.name} with its unit.",
        "examples": list(examples),
    }
    if word is None:
        quantity["pattern"] = r"^\s*[-+0-9.]"
    return quantity


Hours = Annotated[float, *_of(units.HOURS, LEAST, "4 h", "15 min", "21 d", "5 y")]
LongHours = Annotated[float, *_of(units.YEARS, LEAST, "5 y", "8760 h")]
RatePerHour = Annotated[float, *_of(units.PER_HOUR, LEAST, "250 FIT", "0.08 %/d", "2 /y")]
Seconds = Annotated[float, *_of(units.SECONDS, 0.0, "180 ms", "30 s", "5 min")]
SecondsMore = Annotated[float, *_of(units.SECONDS, LEAST, "180 ms", "30 s", "5 min")]
Interval = Annotated[float | None, *_of(units.SECONDS, LEAST, "optimal", "30 min", word="optimal")]
Bytes = Annotated[float, *_of(units.BYTES, LEAST, "1 GiB", "512 MiB", "100 MB")]
Gbps = Annotated[float, *_of(units.GBPS, LEAST, "200 Gb/s", "1.6 Tb/s")]
Kelvin = Annotated[float, *_field(_temperature, _written(units.KELVIN, ("45 degC", "318 K")))]
KelvinMore = Annotated[
    float, *_field(_difference, _written(units.DIFFERENCE, ("+8 K", "-3 K", "0 K")))
]
ElectronVolts = Annotated[
    float, *_field(_energy, _written(units.ELECTRON_VOLTS, ("0.7 eV", "0.35 eV")))
]

_POSITIVE = {"type": "number", "exclusiveMinimum": 0}
Positive = Annotated[float, *_field(functools.partial(_number, 0.0, math.inf), _POSITIVE)]
Fraction = Annotated[
    float, *_field(functools.partial(_number, 0.0, 1.0), {**_POSITIVE, "maximum": 1})
]

Count = Annotated[
    int, *_field(functools.partial(_whole, 1, None), {"type": "integer", "minimum": 1})
]
Technicians = Annotated[
    int | None,
    *_field(
        functools.partial(_whole, 1, "unlimited"),
        {"anyOf": [{"type": "integer", "minimum": 1}, {"const": "unlimited"}]},
    ),
]
Stock = Annotated[
    int | None,
    *_field(
        functools.partial(_whole, 0, "unlimited"),
        {"anyOf": [{"type": "integer", "minimum": 0}, {"const": "unlimited"}]},
    ),
]
Text = Annotated[str, *_field(_text, {"type": "string"})]
Name = Annotated[
    str,
    *_field(functools.partial(_name, _NAME), {"type": "string", "pattern": f"^{_NAME.pattern}$"}),
]
ScenarioName = Annotated[
    str,
    *_field(functools.partial(_name, _TITLE), {"type": "string", "pattern": f"^{_TITLE.pattern}$"}),
]
Outage = Annotated[
    str | None,
    *_field(
        lambda value: None if value in (None, "nothing") else _name(_NAME, value),
        {"type": "string", "pattern": f"^{_NAME.pattern}$"},
    ),
]
