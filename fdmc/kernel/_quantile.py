"""Times from unit-exponential ages, by the plan's tables."""

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from ..lifetime import LOG_HAZARD_START, LOG_HAZARD_STEP
from ..plan import Quantiles


def quantile(
    tables: Quantiles, law: Int[Array, "..."], age: Float[Array, "..."]
) -> Float[Array, "..."]:
    """Return the time (hours) at which a law's cumulative hazard is `age`: cubic Hermite in logs."""
    knots = tables.log_hours.shape[1]
    x = (jnp.log(age) - LOG_HAZARD_START) / LOG_HAZARD_STEP
    i = jnp.clip(jnp.floor(x), 0, knots - 2)
    t = x - i
    i = i.astype(jnp.int32)
    y0, y1 = tables.log_hours[law, i], tables.log_hours[law, i + 1]
    m0, m1 = tables.slope[law, i], tables.slope[law, i + 1]
    rise = y1 - y0
    inner = y0 + t * (m0 + t * (3 * rise - 2 * m0 - m1 + t * (m0 + m1 - 2 * rise)))
    # Outside the table the law goes on as a power of the hazard.
    outer = jnp.where(t < 0, y0 + m0 * t, y1 + m1 * (t - 1))
    return jnp.exp(jnp.where((t < 0) | (t > 1), outer, inner))
