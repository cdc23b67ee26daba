"""What every table of a plan is made of."""

from typing import TYPE_CHECKING, Any

import equinox as eqx
import numpy as np
from jaxtyping import Array, Float


if TYPE_CHECKING:
    AnyArray = Any
else:
    AnyArray = Array | np.ndarray  # NumPy on the host, JAX in a kernel


class Quantiles(eqx.Module):
    """Laws as tables: log time at evenly spaced log cumulative hazards, with slopes per step.

    One way for every law: the time of unit-exponential age `h` is `exp(table(log h))`. Weibull
    tables are straight lines; a cubic Hermite between knots keeps every other law to 5e-6 (tests/test_lifetime.py).
    """

    log_hours: Float[AnyArray, "laws knots"]
    slope: Float[AnyArray, "laws knots"]
