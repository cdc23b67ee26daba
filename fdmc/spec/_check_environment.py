"""Checks of the environment: its units, and that it leaves every temperature where it can be."""

from collections.abc import Iterator
from typing import Any

from . import _units as units
from ._check_names import dangling
from ._draft import Draft
from ._fields import HOTTEST_KELVIN
from ._problem import Finding, Path


def check_environment(draft: Draft) -> Iterator[Finding]:
    """Units exist, and nobody is shifted below absolute zero or above what can be meant."""
    body = draft.section("environment")
    named = body.get("units")
    for i, name in enumerate(named if isinstance(named, list) else []):
        if isinstance(name, str) and name not in draft.units:
            yield dangling(("environment", "units", i), "unit", name, draft.units)
    steps = body.get("steps")
    if steps == []:
        fix = 'write one such as {for: 182.5 d, shift: "+8 K"}'
        yield Finding(("environment", "steps"), "there is none", fix)
    temperatures = list(_temperatures(draft))
    for i, step in enumerate(steps if isinstance(steps, list) else []):
        shift = read(step.get("shift"), units.DIFFERENCE) if isinstance(step, dict) else None
        for name, at in temperatures:
            if shift is None or 0 < at + shift <= HOTTEST_KELVIN:
                continue
            side = "above 400 degC" if at + shift > 0 else "below absolute zero"
            path: Path = ("environment", "steps", i, "shift")
            yield Finding(path, f"it takes '{name}' {side}", "write a smaller shift")
            break


def _temperatures(draft: Draft) -> Iterator[tuple[str, float]]:
    """What the environment may shift; what is wrong by itself is said where it stands."""
    written = [(name, draft.section("components", name).get("at")) for name in draft.components]
    heat = draft.section("thermal")
    written += [(f"thermal.{key}", heat.get(key)) for key in ("coolant", "air")]
    for name, value in written:
        at = read(value, units.KELVIN)
        if at is not None and 0 < at <= HOTTEST_KELVIN:
            yield name, at


def read(value: Any, dimension: units.Dimension) -> float | None:
    """A quantity, or None where it is missing or was found to be wrong already."""
    if value is None:
        return None
    try:
        return units.quantity(value, dimension)
    except units.QuantityError:
        return None
