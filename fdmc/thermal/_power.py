"""The power of a job over time; every random number is an argument, so that the caller draws it.

Training load swings together (Choukse et al., "Power stabilization for AI training datacenters",
2025): a job has one power state, and every package of the job follows it.
"""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Real

from ._gradient import no_gradient


Number = Real[Array, "..."] | float | int


class MarkovPower(eqx.Module):
    """Load that jumps between states, each held for an exponential time.

    **Arguments:**

    - `load`: power in each state, 0 at idle and 1 at full load (or in watts).
    - `mean_seconds`: mean time in each state.
    - `jump_prob`: row `i` is where the load goes on leaving state `i`; zero diagonal.
    """

    load: Float[Array, " states"]
    mean_seconds: Float[Array, " states"]
    jump_prob: Float[Array, "states states"]


TRAINING_STATES = ("compute", "communicate", "idle", "checkpoint")


def training_power() -> MarkovPower:
    """A training job in the states of `TRAINING_STATES`; every number is an estimate.

    An iteration of 1.5 s (published: 1-2 s), a fifth of it exposed communication at 60 % load; a
    checkpoint of 30 s each half hour at 30 % load; a stop of 10 minutes each 8 hours at idle,
    which is where failures would come in.
    """
    checkpoint, stop = 1.5 / 1800, 1.5 / (8 * 3600)
    jump = [
        [0.0, 1 - checkpoint - stop, stop, checkpoint],
        [1.0, 0.0, 0.0, 0.0],
        [1.0, 0.0, 0.0, 0.0],
        [1.0, 0.0, 0.0, 0.0],
    ]
    return MarkovPower(
        jnp.array([1.0, 0.6, 0.0, 0.3]), jnp.array([1.2, 0.3, 600.0, 30.0]), jnp.array(jump)
    )


def markov_next(
    law: MarkovPower, state: Int[Array, "*batch"], uniform: Float[Array, "*batch"]
) -> Int[Array, "*batch"]:
    """Draw the state after `state` from a uniform in (0, 1).

    **Raises:** `ValueError` when differentiated with respect to `jump_prob`: a jump is a count.
    """
    jump = no_gradient(
        law.jump_prob,
        "`jump_prob` decides which state is drawn: it has no pathwise gradient. Differentiate "
        "`markov_shares` and `markov_spread`, or stop its gradient.",
    )
    # Comparing with the cumulative row; the last state takes what rounding leaves.
    edges = jnp.cumsum(jump, 1)[:, :-1] / jnp.sum(jump, 1, keepdims=True)
    return jnp.sum(uniform[..., None] >= edges[state], -1).astype(state.dtype)


def markov_seconds(
    law: MarkovPower, state: Int[Array, "*batch"], exponential: Float[Array, "*batch"]
) -> Float[Array, "*batch"]:
    """Time that the load stays in `state`, from a standard exponential; in seconds."""
    return law.mean_seconds[state] * exponential


def markov_shares(law: MarkovPower) -> Float[Array, " states"]:
    """Long-run share of the time in each state."""
    Q, n = _generator(law), len(law.load)
    # The flow balance is short of one equation; the shares' sum is it. Scaled, so that rates of
    # seconds and of hours weigh alike.
    balance = (law.mean_seconds[:, None] * Q).T.at[-1].set(1.0)
    visits = jnp.linalg.solve(balance, jnp.zeros(n).at[-1].set(1.0))
    return visits * law.mean_seconds / jnp.sum(visits * law.mean_seconds)


def markov_spread(law: MarkovPower, kelvin_per_watt: Number, tau_seconds: Number) -> Array:
    """Standard deviation of the temperature that the load leaves behind one RC pole, in kelvin.

    $R^2\\, \\tilde p^T \\Pi (I - \\tau Q)^{-1} \\tilde p$ is its square, with $Q$ the generator, $\\Pi$ the
    shares of time and $\\tilde p$ the load (here in watts) less its mean; two states give the form
    of `ou_spread` with $t_P$ the inverse of the sum of both rates. Derived: the autocovariance
    $\\tilde p^T \\Pi e^{Qs} \\tilde p$ against the pole's $e^{-s / \\tau} / \\tau$.

    **Arguments:** `kelvin_per_watt` and `tau_seconds` of the pole, scalars.
    """
    share = markov_shares(law)
    p = law.load - share @ law.load
    seen = jnp.linalg.solve(jnp.eye(len(p)) - tau_seconds * _generator(law), p)
    return kelvin_per_watt * jnp.sqrt((share * p) @ seen)


def _generator(law: MarkovPower) -> Float[Array, "states states"]:
    jump = law.jump_prob / jnp.sum(law.jump_prob, 1, keepdims=True)
    return (jump - jnp.eye(len(law.load))) / law.mean_seconds[:, None]


def ou_step(
    value: Number, normal: Number, seconds: Number, mean: Number, sd: Number, tau_seconds: Number
) -> Float[Array, "..."]:
    """Step an Ornstein-Uhlenbeck process exactly.

    **Arguments:**

    - `value`: at the start; `normal`: a standard normal; `seconds`: length of the step.
    - `mean`, `sd`: of the stationary law, in the unit of `value`; `tau_seconds`: correlation time.

    **Returns:** $\\mu + (x - \\mu) e^{-t/\\tau} + \\sigma \\sqrt{1 - e^{-2t/\\tau}} z$ (Gillespie, Phys. Rev. E 54,
    1996). Differentiable in all but `seconds` at zero.
    """
    aged = jnp.asarray(seconds / tau_seconds, float)
    noise = jnp.sqrt(-jnp.expm1(-2 * aged)) * normal
    return mean + (value - mean) * jnp.exp(-aged) + sd * noise


def job_watts(
    load: Float[Array, " jobs *batch"],
    job: Int[Array, " packages"],
    idle_watts: Float[Array, " nodes"],
    full_watts: Float[Array, " nodes"],
) -> Float[Array, "nodes packages *batch"]:
    """Heat in the nodes of every package, from the one power state of its job.

    **Arguments:**

    - `load`: of each job, 0 at idle and 1 at full load.
    - `job`: which job each package works for.
    - `idle_watts`, `full_watts`: heat in each node of a package at both ends.
    """
    mine = load[job]
    lift = (1, *[1] * mine.ndim)
    idle, full = idle_watts.reshape(-1, *lift[1:]), full_watts.reshape(-1, *lift[1:])
    return idle + (full - idle) * mine


def ambient_kelvin(
    hours: Number,
    mean_kelvin: Number,
    yearly_kelvin: Number = 0.0,
    daily_kelvin: Number = 0.0,
    warmest_hours: tuple[Number, Number] = (0.0, 0.0),
) -> Float[Array, "..."]:
    """Temperature of air or coolant over the year and the day; add `ou_step` for weather.

    **Arguments:**

    - `hours`: since the start; `mean_kelvin`: over a year.
    - `yearly_kelvin`, `daily_kelvin`: amplitudes, half of peak to peak.
    - `warmest_hours`: hour of the year and of the day that are warmest.
    """
    year, day = (
        # The remainder first: in float32 the cosine of 5 years of days has lost its minutes.
        jnp.cos(2 * jnp.pi * ((jnp.asarray(hours, float) - peak) % period) / period)
        for peak, period in zip(warmest_hours, (8766.0, 24.0), strict=True)
    )
    return mean_kelvin + yearly_kelvin * year + daily_kelvin * day


def series_coolant_kelvin(
    inlet_kelvin: Number, watts: Float[Array, " packages *batch"], flow_watts_per_kelvin: Number
) -> Float[Array, " packages *batch"]:
    """Mean coolant temperature at each package of a loop that passes them one after the other.

    **Arguments:** `watts` that each package gives to the coolant, in the order of the flow;
    `flow_watts_per_kelvin`: $\\dot m c_p$ of the loop. The coolant's own heat capacity is left out:
    it passes a tray in a few seconds.

    **Returns:** $T_{in} + (\\sum_{j<i} P_j + P_i / 2) / \\dot m c_p$.
    """
    return inlet_kelvin + (jnp.cumsum(watts, 0) - watts / 2) / flow_watts_per_kelvin


def picojoules_per_bit(watts: Number, gigabits_per_second: Number) -> Float[Array, "..."]:
    """Energy of a bit: watts over the rate, in pJ/bit."""
    return jnp.asarray(1000 * watts / gigabits_per_second, float)
