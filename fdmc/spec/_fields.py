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
    if kelvin <= 0:
        where = "at" if kelvin == 0 else "below"
        raise refuse(f"{shown(value)} is {where} absolute zero", 'write one such as "45 degC"')
    if kelvin > HOTTEST_KELVIN:
        raise refuse(f"{shown(value)} is above 400 degC", 'write one such as "45 degC"')
    return kelvin


def _difference(minimum: float, value: Any) -> float:
    if _CELSIUS.search(str(value)):
        fix = re.sub(r"\s*[°A-Za-z].*", "", str(value).strip()) + " K"
        said = f"{shown(value)} is a temperature, not a difference"
        raise refuse(said, f'write "{fix}"')
    return _quantity(units.DIFFERENCE, minimum, None, value)


def _energy(value: Any) -> float:
    energy = _quantity(units.ELECTRON_VOLTS, 0.0, None, value)
    if energy > _MOST_EV:
        said = f"{shown(value)} is more than {_MOST_EV:g} eV"
        raise refuse(said, 'write an activation energy such as "0.7 eV"')
    return energy


def _finite(value: Any, example: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise refuse(f"{shown(value)} is not a number", f"write one such as {example}")
    return float(value)


def _number(low: float, high: float, value: Any) -> float:
    number = _finite(value, "1.5" if math.isinf(high) else "0.5")
    if not low < number <= high:
        bounds = "more than 0" if math.isinf(high) else f"more than {low:g} and at most {high:g}"
        raise refuse(f"{value:g} must be {bounds}")
    return number


def _from_zero(high: float, value: Any) -> float:
    number = _finite(value, "0.1")
    if not 0 <= number <= high:
        raise refuse(f"{value:g} must be {'0 or more' if math.isinf(high) else 'between 0 and 1'}")
    return number


def _inside(value: Any) -> float:
    number = _finite(value, "0.8")
    if not 0 < number < 1:
        raise refuse(f"{value:g} must be more than 0 and less than 1")
    return number


def _portion(whole: bool, value: Any) -> float:
    """A share of something, as a number or in percent: from 0 to below 1, or above 0 where it may be the `whole`."""
    text = value.strip() if isinstance(value, str) else ""
    number = value
    if text.endswith("%"):
        try:
            number = float(text[:-1]) / 100
        except ValueError:
            pass
    if isinstance(number, bool) or not isinstance(number, int | float) or math.isnan(number):
        raise refuse(f"{shown(value)} is no share", 'write one such as "50 %" or 0.5')
    if not (0 < number <= 1 if whole else 0 <= number < 1):
        said = "more than 0 % and at most 100 %" if whole else "at least 0 % and less than 100 %"
        raise refuse(f"{shown(value)} must be {said}")
    return float(number)


def _switch(value: Any) -> bool:
    if not isinstance(value, bool):
        raise refuse(f"{shown(value)} is neither true nor false", "write true or false")
    return value


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


def whole_number(value: Any) -> int:
    """A number of things, at least one of them, that stands for a mapping."""
    return _whole(1, None, value) or 1


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
    float,
    *_field(
        functools.partial(_difference, -math.inf),
        _written(units.DIFFERENCE, ("+8 K", "-3 K", "0 K")),
    ),
]
KelvinWide = Annotated[
    float,
    *_field(functools.partial(_difference, LEAST), _written(units.DIFFERENCE, ("40 K", "0.5 K"))),
]
ElectronVolts = Annotated[
    float, *_field(_energy, _written(units.ELECTRON_VOLTS, ("0.7 eV", "0.35 eV")))
]
HoursOrZero = Annotated[float, *_of(units.HOURS, 0.0, "10 min", "0 h")]
EventsPerHour = Annotated[float, *_of(units.EVENTS_PER_HOUR, LEAST, "2 /d", "0.5 /y")]
Watts = Annotated[float, *_of(units.WATTS, 0.0, "900 W", "0 W")]
WattsMore = Annotated[float, *_of(units.WATTS, LEAST, "1 mW")]
Amperes = Annotated[float, *_of(units.AMPERES, LEAST, "8 mA")]
KelvinPerWatt = Annotated[float, *_of(units.KELVIN_PER_WATT, LEAST, "0.015 K/W")]
JoulesPerKelvin = Annotated[float, *_of(units.JOULES_PER_KELVIN, LEAST, "100 J/K")]
KelvinPerSecond = Annotated[float, *_of(units.KELVIN_PER_SECOND, LEAST, "100 K/s")]
WattsPerKelvin = Annotated[float, *_of(units.WATTS_PER_KELVIN, 0.0, "0.23 mW/K")]
WattsPerAmpere = Annotated[float, *_of(units.WATTS_PER_AMPERE, LEAST, "0.4 W/A")]
PerKelvin = Annotated[float, *_of(units.PER_KELVIN, 0.0, "0.004 /K", "0.4 %/K")]
RadiansPerKelvin = Annotated[float, *_of(units.RADIANS_PER_KELVIN, LEAST, "0.01 rad/K")]
Millimetres = Annotated[float, *_of(units.MILLIMETRES, 0.0, "300 mm", "0.2 mm")]
SquareMillimetres = Annotated[float, *_of(units.SQUARE_MILLIMETRES, LEAST, "60 mm2")]
SquareMillimetresOrZero = Annotated[float, *_of(units.SQUARE_MILLIMETRES, 0.0, "0.5 mm2")]
PerSquareCentimetre = Annotated[float, *_of(units.PER_SQUARE_CENTIMETRE, 0.0, "0.1 /cm2")]
PerSquareMillimetre = Annotated[float, *_of(units.PER_SQUARE_MILLIMETRE, 0.0, "1e-4 /mm2")]
GramsPerSquareMillimetre = Annotated[
    float, *_of(units.GRAMS_PER_SQUARE_MILLIMETRE, 0.0, "26.13 g/mm2")
]
Kilograms = Annotated[float, *_of(units.KILOGRAMS, 0.0, "1.2 kg")]
TokensMore = Annotated[float, *_of(units.TOKENS, LEAST, "4 Mtoken")]
TokensPerSecond = Annotated[float, *_of(units.TOKENS_PER_SECOND, LEAST, "1.2 Mtoken/s")]

_POSITIVE = {"type": "number", "exclusiveMinimum": 0}
Positive = Annotated[float, *_field(functools.partial(_number, 0.0, math.inf), _POSITIVE)]
Fraction = Annotated[
    float, *_field(functools.partial(_number, 0.0, 1.0), {**_POSITIVE, "maximum": 1})
]
_ZERO = {"type": "number", "minimum": 0}
NonNegative = Annotated[float, *_field(functools.partial(_from_zero, math.inf), _ZERO)]
Share = Annotated[float, *_field(functools.partial(_from_zero, 1.0), {**_ZERO, "maximum": 1})]
_PERCENT = {"type": "string", "pattern": r"^\s*[-+0-9.eE]+\s*%\s*$", "examples": ["50 %"]}
Left = Annotated[
    float,
    *_field(
        functools.partial(_portion, False),
        {"anyOf": [{**_ZERO, "exclusiveMaximum": 1}, _PERCENT]},
    ),
]
Portion = Annotated[
    float,
    *_field(functools.partial(_portion, True), {"anyOf": [{**_POSITIVE, "maximum": 1}, _PERCENT]}),
]
Duty = Annotated[float, *_field(_inside, {**_POSITIVE, "exclusiveMaximum": 1})]
Switch = Annotated[bool, *_field(_switch, {"type": "boolean"})]

Count = Annotated[
    int, *_field(functools.partial(_whole, 1, None), {"type": "integer", "minimum": 1})
]
CountOrZero = Annotated[
    int, *_field(functools.partial(_whole, 0, None), {"type": "integer", "minimum": 0})
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
