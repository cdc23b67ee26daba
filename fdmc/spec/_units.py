"""Quantities: a number and a unit in, a plain number in the unit of the inside out.

pint knows the units; this file keeps the list short (a scenario needs time, rate, data and
temperature, not furlongs) and the messages useful. A unit that is missing is an error.
"""

import dataclasses
import functools
import math
import re
from typing import Any

import pint

from ._problem import did_you_mean, shown


_DEFINITIONS = """
kilo- = 1e3 = k-
mega- = 1e6 = M-
giga- = 1e9 = G-
tera- = 1e12 = T-
peta- = 1e15 = P-
milli- = 1e-3 = m-
micro- = 1e-6 = u- = µ-
nano- = 1e-9 = n-
kibi- = 1024 = Ki-
mebi- = 1048576 = Mi-
gibi- = 1073741824 = Gi-
tebi- = 1099511627776 = Ti-
hour = [time] = h = hr
minute = hour / 60 = min
second = hour / 3600 = s = sec
day = 24 * hour = d
week = 168 * hour = wk
year = 8760 * hour = y = yr
percent = 0.01
FIT = 1e-9 / hour
bit = [data] = b
byte = 8 * bit = B
kelvin = [temperature] = K
degree_Celsius = kelvin; offset: 273.15 = degC = celsius
gram = [mass] = g
metre = [length] = m
watt = [power] = W
joule = watt * second = J
volt = [voltage] = V
ampere = [current] = A
radian = [angle] = rad
square_millimetre = 1e-6 * metre ** 2 = mm2
square_centimetre = 1e-4 * metre ** 2 = cm2
electron_volt = 1.602176634e-19 * joule = eV
token = [token]
"""

_NUMBER = r"[-+]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|[-+]?(?:inf|nan)(?:inity)?"
_QUANTITY = re.compile(
    rf"\s*(?P<number>{_NUMBER})\s*(?P<unit>[A-Za-zµ%°]*2?(?:\s*/\s*[A-Za-z]+2?)?)\s*"
)
_UNIT_NAMES = (
    "h", "min", "s", "ms", "us", "ns", "d", "wk", "y", "hour", "minute", "second", "day", "week",
    "year", "FIT", "bit", "byte", "b", "B", "kB", "MB", "GB", "TB", "KiB", "MiB", "GiB", "TiB",
    "Gb/s", "Tb/s", "Mb/s", "degC", "K", "eV", "W", "mW", "J", "A", "mA", "rad",
    "mm", "mm2", "cm2", "/cm2", "/mm2", "g/mm2", "kg", "token", "Mtoken", "token/s", "Mtoken/s",
)  # fmt: skip


class QuantityError(ValueError):
    """A quantity that cannot be read; `suggestion` says what to write instead."""

    message: str
    suggestion: str

    def __init__(self, message: str, suggestion: str):
        self.message = message
        self.suggestion = suggestion
        ValueError.__init__(self, f"{message}; {suggestion}" if suggestion else message)


@dataclasses.dataclass(frozen=True)
class Dimension:
    """A kind of quantity: its name, its unit inside fdmc, and the unit to propose to a writer."""

    name: str
    inside: str
    proposed: str


HOURS = Dimension("time", "hour", "h")
YEARS = Dimension("time", "hour", "y")
SECONDS = Dimension("time", "second", "s")
PER_HOUR = Dimension("failure rate", "1 / hour", "FIT")
BYTES = Dimension("size", "byte", "GiB")
GBPS = Dimension("data rate", "gigabit / second", "Gb/s")
KELVIN = Dimension("temperature", "kelvin", "degC")
DIFFERENCE = Dimension("temperature difference", "kelvin", "K")
ELECTRON_VOLTS = Dimension("energy", "electron_volt", "eV")
EVENTS_PER_HOUR = Dimension("rate", "1 / hour", "/d")
WATTS = Dimension("power", "watt", "W")
AMPERES = Dimension("current", "ampere", "mA")
KELVIN_PER_WATT = Dimension("thermal resistance", "kelvin / watt", "K/W")
JOULES_PER_KELVIN = Dimension("heat capacity", "joule / kelvin", "J/K")
KELVIN_PER_SECOND = Dimension("speed of temperature", "kelvin / second", "K/s")
WATTS_PER_KELVIN = Dimension("power per kelvin", "watt / kelvin", "mW/K")
WATTS_PER_AMPERE = Dimension("slope", "watt / ampere", "W/A")
PER_KELVIN = Dimension("share per kelvin", "1 / kelvin", "/K")
RADIANS_PER_KELVIN = Dimension("phase per kelvin", "radian / kelvin", "rad/K")
MILLIMETRES = Dimension("length", "mm", "mm")
SQUARE_MILLIMETRES = Dimension("area", "mm2", "mm2")
PER_SQUARE_CENTIMETRE = Dimension("density of defects", "1 / cm2", "/cm2")
PER_SQUARE_MILLIMETRE = Dimension("density of defects", "1 / mm2", "/mm2")
GRAMS_PER_SQUARE_MILLIMETRE = Dimension("carbon per area", "gram / mm2", "g/mm2")
KILOGRAMS = Dimension("mass", "kilogram", "kg")
TOKENS = Dimension("number of tokens", "token", "Mtoken")
TOKENS_PER_SECOND = Dimension("rate of tokens", "token / second", "Mtoken/s")


def quantity(value: object, dimension: Dimension, minimum: float = -math.inf) -> float:
    """Read one quantity, such as `"250 FIT"`, as a number in `dimension.inside`.

    **Arguments:**

    - `value`: the text of the document.
    - `dimension`: what it must be.
    - `minimum`: the least allowed value; 0 allows zero, and the least positive number (
      `math.ulp(0.0)`) does not.

    **Raises:** `QuantityError` with the fix when the unit is missing, unknown or of another kind,
    or when the number is not finite or too small.
    """
    number, unit = _split(value, dimension)
    try:
        result = float(_registry().Quantity(number, _unit(unit)).to(dimension.inside).magnitude)
    except (pint.DimensionalityError, pint.OffsetUnitCalculusError):
        fix = f'write a {dimension.name} such as "{number:g} {dimension.proposed}"'
        raise QuantityError(f"{shown(value)} is not a {dimension.name}", fix) from None
    if not math.isfinite(result):
        raise QuantityError(f"{shown(value)} is not a finite number", f"write a {dimension.name}")
    if result < minimum:
        least = "zero or more" if minimum == 0 else "more than zero"
        raise QuantityError(f"{shown(value)} must be {least}", "")
    return result


def _split(value: object, dimension: Dimension) -> tuple[float, str]:
    example = f'"4 {dimension.proposed}"'
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise QuantityError(
            f"{shown(value)} is not a {dimension.name}", f"write one such as {example}"
        )
    match = _QUANTITY.fullmatch(str(value)[:100])
    if match is None:
        raise QuantityError(
            f"{shown(value)} is not a {dimension.name}", f"write one such as {example}"
        )
    number = float(match["number"].replace("_", ""))
    if not math.isfinite(number):
        raise QuantityError(
            f"{shown(value)} is not a finite number", f"write one such as {example}"
        )
    unit = re.sub(r"\s", "", match["unit"])
    if not unit:
        fix = f'write "{str(value).strip()} {dimension.proposed}"'
        raise QuantityError(f"{shown(value)} has no unit", fix)
    return number, unit


@functools.lru_cache(maxsize=256)
def _unit(text: str) -> Any:  # a pint unit; the generics of pint 0.26 defeat run-time checkers
    name = text.replace("%", "percent").replace("°C", "degC").replace("°", "deg")
    name = f"1{name}" if name.startswith("/") else name
    try:
        return _registry().parse_units(name)
    except (pint.UndefinedUnitError, pint.DefinitionSyntaxError, ValueError, TypeError):
        raise QuantityError(
            f"no unit is called '{text}'", did_you_mean(text, _UNIT_NAMES)
        ) from None


@functools.lru_cache(maxsize=1)
def _registry() -> Any:
    registry = pint.UnitRegistry(None)  # pyright: ignore[reportArgumentType]
    for line in _DEFINITIONS.strip().splitlines():
        registry.define(line)
    return registry
