"""What the room takes: floats, NumPy arrays and JAX arrays, checked where they are known."""

from types import ModuleType

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Real


Number = Real[Array, "..."] | Real[np.ndarray, "..."] | np.floating | np.integer | float | int
"""JAX arrays inside a transformation, NumPy or floats on the host; everything broadcasts."""

Distribution = Real[Array, "... outcomes"] | Real[np.ndarray, "... outcomes"]
"""Probabilities of 0, 1, ... on the last axis."""

_SHARE = "write a share of 1: 98 % is 0.98"
_ALPHA = "small is clustered, and math.inf is no clustering"
_FIXES = {
    "prob": _SHARE,
    "share": _SHARE,
    "coverage": _SHARE,
    "ratio": _SHARE,
    "beta": "write the share of the losses that is common: 0.05 to 0.2 is usual",
    "correlation": "write the correlation of two elements: 0 is independent",
    "alpha": _ALPHA,
    "mm2": "give the area in mm2",
    "mm": "give the length in mm",
    "nm": "give the wavelength in nm",
    "cm2": "give defects per cm2: 0.1 is usual of a mature process",
    "defects": "give the mean number of defects, area times density",
    "lanes": "give a whole number of lanes",
    "spares": "give a whole number of spare lanes, 0 for none",
    "cost": "give the cost in one currency, 0 for none",
    "kg": "give kilograms of CO2 equivalent, 0 for none",
}
_COUNT = "give a whole number"
_NUMBER = "give a finite number"


def namespace(*values: Number) -> ModuleType:
    """`jax.numpy` as soon as one value is a JAX array, else NumPy."""
    return jnp if any(isinstance(value, jax.Array) for value in values) else np


def require_prob(**values: Number) -> None:
    """Raise a `ValueError` that names the first host value outside 0 <= x <= 1."""
    for name, value in values.items():
        known = _known(value)
        _require(name, known, (known >= 0) & (known <= 1), "in [0, 1]", True)


def require_share(**values: Number) -> None:
    """Raise a `ValueError` that names the first host value outside 0 < x <= 1."""
    for name, value in values.items():
        known = _known(value)
        _require(name, known, (known > 0) & (known <= 1), "above 0 and at most 1", True)


def require_positive(or_infinite: bool = False, /, **values: Number) -> None:
    """Raise a `ValueError` that names the first host value that is not positive and finite."""
    for name, value in values.items():
        known = _known(value)
        _require(name, known, known > 0, "positive", or_infinite)


def require_nonnegative(**values: Number) -> None:
    """Raise a `ValueError` that names the first host value that is negative or not finite."""
    for name, value in values.items():
        known = _known(value)
        _require(name, known, known >= 0, "zero or more", False)


def require_finite(**values: Number) -> None:
    """Raise a `ValueError` that names the first host value that is infinite or NaN."""
    for name, value in values.items():
        known = _known(value)
        _require(name, known, np.isfinite(known), "finite", False)


def require_count(least: int, **values: Number) -> None:
    """Raise a `ValueError` that names the first host value that is no whole number from `least`."""
    for name, value in values.items():
        known = _known(value)
        whole = (known >= least) & (known == np.floor(known))
        _require(name, known, whole, f"a whole number, {least} or more", False)


def require_spares(lanes: int, spares: int) -> None:
    """Raise a `ValueError` for counts that are not whole, and for more spares than lanes."""
    require_count(1, lanes=lanes)
    require_count(0, spares=spares)
    if spares > lanes:
        raise ValueError(
            f"spares must be at most lanes ({lanes}), but is {spares}: "
            "`lanes` are those that carry data, the spares come on top."
        )


def _known(value: Number) -> np.ndarray:
    """The value on the host; a JAX array may be traced, or cost a copy, and passes as 1."""
    return np.asarray(1.0 if isinstance(value, jax.Array) else value, float)


def _require(name: str, known: np.ndarray, holds, what: str, infinite: bool) -> None:
    good = np.asarray(holds & ~np.isnan(known) & (infinite | np.isfinite(known)))
    if not np.all(good):
        fix = _FIXES.get(name.rsplit("_", 1)[-1], _COUNT if "whole" in what else _NUMBER)
        raise ValueError(f"{name} must be {what}, but is {known[~good].flat[0]:g}: {fix}.")
