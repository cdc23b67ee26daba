"""Resonant devices: when they lose lock, how long they are dead, and what tuning costs."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Real

from ._gradient import no_gradient


Number = Real[Array, "..."] | float | int


class Ring(eqx.Module):
    """A ring (or a bank of rings) that a heater keeps on its channel.

    A heater only adds heat, so the ring is made for the highest temperature it shall work at.

    **Arguments:**

    - `top_kelvin`: chip temperature at which it meets its channel with the heater off.
    - `range_kelvin`: what the heater can add.
    - `budget_kelvin`: how far off the channel it may be, either way.
    - `tracking_kelvin_per_second`: fastest change that the loop follows within the budget.
    - `heater_watts_per_kelvin`: heater power for each kelvin that it adds.
    - `relock_seconds`: from being back in range to carrying data.
    """

    top_kelvin: Number
    range_kelvin: Number
    budget_kelvin: Number
    tracking_kelvin_per_second: Number
    heater_watts_per_kelvin: Number
    relock_seconds: Number


class LockMargins(eqx.Module):
    """Distance to each of the three ways out of lock, in kelvin; below zero is out."""

    hot: Float[Array, "*batch"]
    cold: Float[Array, "*batch"]
    fast: Float[Array, "*batch"]


class LockStep(eqx.Module):
    """What a link did in a step: `dead_seconds`, whether lock was `lost`, and what it still waits for.

    `remaining_seconds` of relocking: zero while it carries data, infinite while it is out of range.
    """

    remaining_seconds: Float[Array, "*batch"]
    dead_seconds: Float[Array, "*batch"]
    lost: Bool[Array, "*batch"]


def lock_margins(
    ring: Ring, kelvin: Number, kelvin_per_second: Number = 0.0, carrier_kelvin: Number = 0.0
) -> LockMargins:
    """Distance of a ring to each limit, at a chip temperature that moves at some speed.

    **Arguments:**

    - `kelvin`, `kelvin_per_second`: temperature of the chip and its change.
    - `carrier_kelvin`: drift of the light itself, in kelvin of the ring (nm over nm/K), upwards
        when the wavelength grows.

    **Returns:** with $T_t$ the top shifted by the carrier and $b$ the budget: hot is $T_t + b - T$,
    cold (the heater's range is used up) $T - T_t + r + b$, and fast $b (1 - |\\dot T| / v)$, for a loop of
    first order lags behind by $|\\dot T|$ times its time constant, which is $b / v$.

    !!! example

        ```python
        from fdmc.thermal import Ring, lock_margins

        ring = Ring(360.0, 40.0, 0.5, 10.0, 2.3e-4, 0.1)
        margins = lock_margins(ring, 361.0)
        assert (margins.hot, margins.cold, margins.fast) == (-0.5, 41.5, 0.5)
        ```
    """
    room = ring.top_kelvin + carrier_kelvin - jnp.asarray(kelvin, float)
    hot = room + ring.budget_kelvin
    cold = ring.range_kelvin - room + ring.budget_kelvin
    moved = jnp.abs(jnp.asarray(kelvin_per_second, float)) / ring.tracking_kelvin_per_second
    return LockMargins(*jnp.broadcast_arrays(hot, cold, ring.budget_kelvin * (1 - moved)))


def lock_margin(
    ring: Ring, kelvin: Number, kelvin_per_second: Number = 0.0, carrier_kelvin: Number = 0.0
) -> Float[Array, "..."]:
    """The least of the three `lock_margins`, in kelvin: what to differentiate instead of lock."""
    margins = lock_margins(ring, kelvin, kelvin_per_second, carrier_kelvin)
    return jnp.minimum(jnp.minimum(margins.hot, margins.cold), margins.fast)


def in_lock(margin: Float[Array, "*batch"]) -> Bool[Array, "*batch"]:
    """Whether a margin (kelvin or dB) is not below zero.

    **Raises:** `ValueError` when differentiated.
    """
    return no_gradient(margin, _LOCK) >= 0


_LOCK = (
    "lock is a threshold of the margin: its gradient is zero or missing. Differentiate "
    "`lock_margin`, `unlocked_prob` or `gaussian_dead_share`."
)


def unlocked_prob(margin: Number, spread: Number) -> Float[Array, "..."]:
    """Share of a bank of devices that is out of lock: $\\Phi(-m / s)$.

    **Arguments:** `margin` of the mean device, and the standard deviation `spread` among devices
    (fabrication, placement), in the same unit. Differentiable in both, which lock is not; the
    least of several margins must be far enough from the others (else add their shares).
    """
    return jax.scipy.stats.norm.cdf(-jnp.asarray(margin / spread, float))


def heater_kelvin(ring: Ring, kelvin: Number, carrier_kelvin: Number = 0.0) -> Float[Array, "..."]:
    """What the heater adds at a chip temperature: up to the top, within its range."""
    room = ring.top_kelvin + carrier_kelvin - jnp.asarray(kelvin, float)
    return jnp.clip(room, 0.0, ring.range_kelvin)


def tuning_watts(ring: Ring, kelvin: Number, carrier_kelvin: Number = 0.0) -> Float[Array, "..."]:
    """Heater power of one ring; it falls as the chip warms. It is heat in the engine too."""
    return ring.heater_watts_per_kelvin * heater_kelvin(ring, kelvin, carrier_kelvin)


def lock_step(
    remaining_seconds: Float[Array, "*batch"],
    margin_before: Float[Array, "*batch"],
    margin_after: Float[Array, "*batch"],
    seconds: Number,
    relock_seconds: Number,
) -> LockStep:
    """Follow a link through one step, from its margin at both ends.

    **Arguments:**

    - `remaining_seconds`: as the step before left it; zero for a link that carries data.
    - `margin_before`, `margin_after`: at the ends of the step; linear in between, which is exact
        to second order in the step. The margin may jump between steps, as that of `fast` does
        when the power switches; what comes and goes within a step is not seen.
    - `seconds`: length of the step; `relock_seconds`: from being back in range to carrying data.

    **Returns:** `LockStep`. A link is dead while its margin is negative and while it relocks; an
    excursion during relocking starts the relocking anew, and is no second loss.

    **Raises:** `ValueError` when differentiated with respect to a margin.
    """
    before, after = (no_gradient(m, _LOCK) for m in (margin_before, margin_after))
    was_in, is_in = before >= 0, after >= 0
    change = before - after
    crossing = was_in != is_in
    waiting = jnp.where(was_in & jnp.isinf(remaining_seconds), relock_seconds, remaining_seconds)
    first = jnp.where(crossing, seconds * before / jnp.where(crossing, change, 1.0), 0.0)
    rest = seconds - first
    dead = jnp.where(
        was_in,
        jnp.where(
            is_in,
            jnp.minimum(waiting, seconds),
            jnp.minimum(waiting, first) + rest,
        ),
        jnp.where(is_in, first + jnp.minimum(relock_seconds, rest), seconds),
    )
    left = jnp.where(was_in, waiting - seconds, relock_seconds - rest)
    remaining = jnp.where(is_in, jnp.maximum(left, 0.0), jnp.inf)
    lost = jnp.where(was_in, ~is_in & (waiting <= first), waiting <= 0)
    return LockStep(remaining, dead, lost)
