"""Checks of temperatures: what a component's needs beside it, and what the environment does to it."""

from collections.abc import Iterator
from typing import Any

from .. import library
from . import _units as units
from ._check_names import dangling
from ._draft import Draft
from ._fields import HOTTEST_KELVIN
from ._problem import Finding, Path, shown


_OWN = ("rate", "mtbf", "lifetime")


def check_temperatures(draft: Draft) -> Iterator[Finding]:
    """A temperature needs an activation energy, and the temperature at which the lifetime holds."""
    for name in draft.components:
        body = draft.section("components", name)
        path: Path = ("components", name, "at")
        if body.get("at") is None:
            for key in ("reference", "activation_energy"):
                if body.get(key) is not None:
                    said = "does nothing without the temperature of the component"
                    fix = f'give components.{name}.at such as "45 degC"'
                    yield Finding(("components", name, key), said, fix)
            continue
        use = body.get("use")
        row = library.rows().get(use) if isinstance(use, str) else None
        if body.get("activation_energy") is None and (
            row is None or row.activation_energy_ev is None
        ):
            said = "no activation energy is known" + (f" (row {row.id} has none)" if row else "")
            fix = f'give components.{name}.activation_energy such as "0.7 eV"'
            yield Finding(path, said, fix)
        if body.get("reference") is None:
            fix = f'give components.{name}.reference such as "40 degC"'
            if row is None or any(body.get(key) is not None for key in _OWN):
                yield Finding(path, "the temperature at which the lifetime holds is missing", fix)
            elif row.reference_kelvin is None:
                named = shown(row.ref_temp) if row.ref_temp else "empty"
                said = f"the reference temperature of row {row.id} is {named}, which is not a temperature"
                yield Finding(path, said, fix)


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
    for i, step in enumerate(steps if isinstance(steps, list) else []):
        shift = _read(step.get("shift"), units.DIFFERENCE) if isinstance(step, dict) else None
        for name in draft.components:
            at = _read(draft.section("components", name).get("at"), units.KELVIN)
            if shift is None or at is None or not 0 < at <= HOTTEST_KELVIN:
                continue  # said where it stands
            if 0 < at + shift <= HOTTEST_KELVIN:
                continue
            side = "above 400 degC" if at + shift > 0 else "below absolute zero"
            path: Path = ("environment", "steps", i, "shift")
            yield Finding(path, f"it takes '{name}' {side}", "write a smaller shift")
            break


def _read(value: Any, dimension: units.Dimension) -> float | None:
    """A quantity, or None where it is missing or was found to be wrong already."""
    if value is None:
        return None
    try:
        return units.quantity(value, dimension)
    except units.QuantityError:
        return None
