"""Closed forms of what a swinging load does to a temperature behind one RC pole."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Real

from ._gradient import no_gradient


Number = Real[Array, "..."] | float | int


class SquareWave(eqx.Module):
    """A load that alternates: `high_watts` for `duty` of each period, then `low_watts`."""

    low_watts: Number
    high_watts: Number
    period_seconds: Number
    duty: Number = 0.5


class Pole(eqx.Module):
    """One RC pole: its resistance, its time constant, and what it stands on.

    For a network, $R$ is the entry of `resistance` whose swing matters, and the base holds what
    the other nodes and slower poles contribute.
    """

    kelvin_per_watt: Number
    tau_seconds: Number
    base_kelvin: Number = 0.0


def square_wave_watts(wave: SquareWave, seconds: Number) -> Float[Array, "..."]:
    """Power at a time; the period starts with the high phase."""
    phase = jnp.asarray(seconds / wave.period_seconds, float) % 1.0
    return jnp.where(phase < wave.duty, wave.high_watts, wave.low_watts)


def square_wave_kelvin(wave: SquareWave, pole: Pole) -> tuple[Array, Array]:
    """Lowest and highest temperature once the swing has settled, in kelvin.

    Their difference is $\\Delta P R (1 - e^{-dT/\\tau})(1 - e^{-(1-d)T/\\tau}) / (1 - e^{-T/\\tau})$, which is
    $\\Delta P R \\tanh(T / 4 \\tau)$ at half duty.

    !!! example

        ```python
        from fdmc.thermal import Pole, SquareWave, square_wave_kelvin

        low, high = square_wave_kelvin(SquareWave(300, 1000, 2.0), Pole(0.03, 2.0))
        assert abs(high - low - 5.1432935) < 1e-5
        ```
    """
    low, high = _rises(wave, pole)
    return pole.base_kelvin + low, pole.base_kelvin + high


def _phases(wave: SquareWave) -> tuple[Array, Array]:
    on = jnp.asarray(wave.duty * wave.period_seconds, float)
    return on, wave.period_seconds - on


def _targets(wave: SquareWave, pole: Pole) -> tuple[Array, Array]:
    """Rises that the pole would settle to in either phase."""
    low, high = (jnp.asarray(pole.kelvin_per_watt * w) for w in (wave.low_watts, wave.high_watts))
    return low, high


def _rises(wave: SquareWave, pole: Pole) -> tuple[Array, Array]:
    on, off = (t / pole.tau_seconds for t in _phases(wave))
    low, high = _targets(wave, pole)
    peak = (high - low) * jnp.expm1(-on) / jnp.expm1(-(on + off))
    return low + peak * jnp.exp(-off), low + peak


def seconds_above(wave: SquareWave, pole: Pole, limit_kelvin: Number) -> Float[Array, "..."]:
    """Time of each period above a limit, once the swing has settled.

    It rises past the limit $t_1 = \\tau \\ln((T_h - T_{min}) / (T_h - \\theta))$ after the load does, and
    falls past it $t_2 = \\tau \\ln((T_{max} - T_l) / (\\theta - T_l))$ after: $d T - t_1 + t_2$.

    Differentiable; the load must swing up (`high_watts` above `low_watts`).
    """
    on, _ = _phases(wave)
    settle_low, settle_high = _targets(wave, pole)
    low, high = _rises(wave, pole)
    wanted = limit_kelvin - pole.base_kelvin
    limit = jnp.clip(wanted, low, high)
    rising = jnp.log((settle_high - low) / (settle_high - limit))
    falling = jnp.log((high - settle_low) / (limit - settle_low))
    above = on + pole.tau_seconds * (falling - rising)
    # Exactly none and exactly all outside the swing: rounding must not look like a loss of lock.
    return jnp.where(wanted >= high, 0.0, jnp.where(wanted <= low, wave.period_seconds, above))


def seconds_faster(wave: SquareWave, pole: Pole, kelvin_per_second: Number) -> Array:
    """Time of each period in which the temperature moves faster than a limit, either way.

    The speed decays as $e^{-t/\\tau}$ from $(T_h - T_{min})/\\tau$ after each rise of the load, and from
    $(T_{max} - T_l)/\\tau$ after each fall. Differentiable.
    """
    settle_low, settle_high = _targets(wave, pole)
    low, high = _rises(wave, pole)
    limit = kelvin_per_second * pole.tau_seconds
    after_rise, after_fall = (
        jnp.clip(pole.tau_seconds * jnp.log(gap / limit), 0.0, phase)
        for gap, phase in zip((settle_high - low, high - settle_low), _phases(wave), strict=True)
    )
    return after_rise + after_fall


def dead_share(
    outside_seconds: Number, period_seconds: Number, relock_seconds: Number
) -> Float[Array, "..."]:
    """Share of the time that a link is dead which goes out of lock once a period.

    **Arguments:** `outside_seconds` of each period beyond the limit, the period, and how long
    relocking takes; a link that cannot relock within the rest of the period stays dead.

    **Returns:** $\\min(1, (t_{out} + t_{relock} [t_{out} > 0]) / T)$.

    **Raises:** `ValueError` when differentiated with respect to `outside_seconds`: the loss costs
    its relocking at once. `seconds_above / period` has a gradient, and so has `gaussian_dead_share`.
    """
    outside = no_gradient(
        jnp.asarray(outside_seconds, float),
        "`dead_share` jumps by the relocking time where lock is first lost: it has no gradient "
        "to the excursion. Differentiate `seconds_above` or `gaussian_dead_share`.",
    )
    lost = jnp.where(outside > 0, outside + relock_seconds, 0.0)
    return jnp.minimum(1.0, lost / period_seconds)


def ou_spread(
    kelvin_per_watt: Number, watts_sd: Number, power_tau_seconds: Number, tau_seconds: Number
) -> tuple[Array, Array]:
    """Standard deviations of temperature (K) and of its speed (K/s) under an Ornstein-Uhlenbeck load.

    $\\sigma_T = R \\sigma_P \\sqrt{t_P / (t_P + \\tau)}$ and $\\sigma_{\\dot T} = \\sigma_T / \\sqrt{t_P \\tau}$:
    two poles in series driven by white noise.
    """
    share = jnp.asarray(power_tau_seconds / (power_tau_seconds + tau_seconds), float)
    kelvin = kelvin_per_watt * watts_sd * jnp.sqrt(share)
    return kelvin, kelvin / jnp.sqrt(jnp.asarray(power_tau_seconds * tau_seconds, float))


def gaussian_excursions(
    margin_kelvin: Number, spread: tuple[Number, Number]
) -> tuple[Array, Array]:
    """Share of the time beyond a limit, and times a second that it is passed outwards.

    **Arguments:** `margin_kelvin` from the mean to the limit, negative beyond it; `spread`, the
    standard deviations of temperature and speed, as `ou_spread` gives them.

    **Returns:** $\\Phi(-m / \\sigma_T)$ and Rice's
    $\\sigma_{\\dot T} / (2 \\pi \\sigma_T) \\, e^{-m^2 / 2 \\sigma_T^2}$ (Rice, "Mathematical analysis of
    random noise", 1945). Differentiable, also across the limit.
    """
    sd, speed = spread
    z = jnp.asarray(margin_kelvin / sd, float)
    return jax.scipy.stats.norm.cdf(-z), speed / sd / (2 * jnp.pi) * jnp.exp(-(z**2) / 2)


def gaussian_dead_share(
    margin_kelvin: Number, spread: tuple[Number, Number], relock_seconds: Number
) -> Array:
    """Share of the time that a link is dead under Gaussian swings, relocking included.

    $P + (1 - P)(1 - e^{-\\nu t / (1 - P)})$: the losses of a locked link as a Poisson process of rate
    $\\nu / (1 - P)$, and a link is dead for the time $t$ after the last one. Exact to first order in
    $\\nu t$, which is right where excursions are rare; they come in clusters where they are not.
    Differentiable everywhere.
    """
    prob, rate = gaussian_excursions(margin_kelvin, spread)
    inside = jnp.maximum(1 - prob, jnp.finfo(prob.dtype).tiny)  # deep outside there is no relocking
    return prob - inside * jnp.expm1(-rate / inside * relock_seconds)
