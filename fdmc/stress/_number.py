"""What the laws of stress take: floats, NumPy arrays and JAX arrays, checked where they are known."""

from types import ModuleType

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Real


Number = Real[Array, "..."] | Real[np.ndarray, "..."] | np.floating | np.integer | float | int
"""JAX arrays inside a kernel, NumPy or floats on the host; everything broadcasts."""

OR_INFINITE = True


def namespace(*values: Number) -> ModuleType:
    """`jax.numpy` as soon as one value is a JAX array, else NumPy."""
    return jnp if any(isinstance(value, jax.Array) for value in values) else np


def require_positive(or_infinite: bool = False, /, **values: Number) -> None:
    """Raise a `ValueError` that names the first host value that is not positive and finite."""
    for name, value in values.items():
        _require(name, value, _known(value) > 0, "positive", or_infinite)


def require_nonnegative(or_infinite: bool = False, /, **values: Number) -> None:
    """Raise a `ValueError` that names the first host value that is negative or not finite."""
    for name, value in values.items():
        _require(name, value, _known(value) >= 0, "zero or more", or_infinite)


def require_finite(**values: Number) -> None:
    """Raise a `ValueError` that names the first host value that is infinite or NaN."""
    for name, value in values.items():
        _require(name, value, np.isfinite(_known(value)), "finite")


def require_share(**values: Number) -> None:
    """Raise a `ValueError` that names the first host value outside 0 < x <= 1."""
    for name, value in values.items():
        known = _known(value)
        _require(name, value, (known > 0) & (known <= 1), "above 0 and at most 1")


def _known(value: Number) -> np.ndarray:
    """The value on the host; a JAX array may be traced, or cost a copy, and passes as 1."""
    return np.asarray(1.0 if isinstance(value, jax.Array) else value, float)


def _require(
    name: str, value: Number, holds: np.ndarray | np.bool, what: str, infinite: bool = False
) -> None:
    known = _known(value)
    good = np.asarray(holds & (infinite | np.isfinite(known)))
    if not np.all(good):
        raise ValueError(f"{name} must be {what}, but is {known[~good].flat[0]:g}.")
