"""Amounts of money: a number and the currency in, a plain number out.

A currency is a label (`EUR`, `USD`), so that pint cannot know it: `30 kEUR`, `120 kEUR/y`, `0.1 EUR/kWh`.
"""

import math
import re
from typing import Literal

from ._problem import shown
from ._units import QuantityError


LABEL = re.compile(r"[A-Za-z]{1,8}")
DEFAULT_CURRENCY = "EUR"
_NUMBER = r"[-+]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_AMOUNT = re.compile(
    rf"\s*(?P<number>{_NUMBER})\s*(?P<unit>[A-Za-z]*)\s*(?:/\s*(?P<per>[A-Za-z]+))?\s*"
)
_PREFIXES = {"": 1.0, "k": 1e3, "M": 1e6}
_PER: dict[str, dict[str, float]] = {
    "": {},
    "y": {"y": 1.0, "yr": 1.0, "year": 1.0, "month": 12.0, "d": 365.0, "h": 8760.0},
    "kWh": {"kWh": 1.0, "MWh": 1e-3, "Wh": 1e3},
}


def money(value: object, currency: str, per: Literal["", "y", "kWh"] = "") -> float:
    """Read one amount, such as `"30 kEUR"` or (per `y`) `"120 kEUR/y"`, in units of the currency.

    **Raises:** `QuantityError` with the fix when the currency is missing or another one, when it is per something
    else, or when the number is negative or not finite.
    """
    what = {"": "price", "y": "price per year", "kWh": "price of energy"}[per]
    end = f"/{per}" if per else ""
    example = (
        f'write one such as "{4 if not per else 0.1 if per == "kWh" else 120} {currency}{end}"'
    )
    match = None
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        match = _AMOUNT.fullmatch(str(value)[:100])
    if match is None:
        raise QuantityError(f"{shown(value)} is not a {what}", example)
    number, unit, of = match["number"], match["unit"], match["per"] or ""
    if not unit:
        fix = f'write "{number} {currency}{end}"'
        raise QuantityError(f"{shown(value)} has no currency", fix)
    prefix = unit.removesuffix(currency) if unit.endswith(currency) else None
    if prefix not in _PREFIXES:
        fix = f'write "{number} {currency}{end}", "{number} k{currency}{end}" or "{number} M{currency}{end}"'
        raise QuantityError(f"'{unit}' is not {currency}", fix)
    if (of == "") != (per == "") or (per and of not in _PER[per]):
        raise QuantityError(f"{shown(value)} is not a {what}", f'write "{number} {unit}{end}"')
    amount = float(number.replace("_", "")) * _PREFIXES[prefix] * (_PER[per][of] if per else 1.0)
    if not math.isfinite(amount):
        raise QuantityError(f"{shown(value)} is not a finite number", example)
    if amount < 0:
        raise QuantityError(f"{shown(value)} must be zero or more", "")
    return amount
