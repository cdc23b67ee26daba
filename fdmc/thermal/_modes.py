"""Exact steps of a network under piecewise-constant power, whatever the length of the step."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Real

from ._network import ThermalNetwork, heat_in, ranked, resistance


Seconds = Real[Array, "*#batch"] | float | int


class Modes(eqx.Module):
    """A network with what its steps need: its time constants and their shapes.

    With $A = C^{-1/2} G C^{-1/2} = V \\Lambda V^T$, $\\theta = C^{1/2} T$ relaxes mode by mode, and
    $e^{-C^{-1} G t} = C^{-1/2} V e^{-\\Lambda t} V^T C^{1/2}$ is contractive for every $t$, where
    scaling and squaring in float32 is not (Higham, "Functions of matrices", 2008, ch. 10).

    **Arguments:** `network`; `kelvin_per_watt` is $G^{-1}$; `symmetric` is $A$, through which
    gradients flow; `rates` (per second, fastest first) and `shapes` are its eigenvalues and
    eigenvectors, without a gradient of their own.
    """

    network: ThermalNetwork
    kelvin_per_watt: Float[Array, "nodes nodes"]
    symmetric: Float[Array, "nodes nodes"]
    rates: Float[Array, " nodes"]
    shapes: Float[Array, "nodes nodes"]


class ThermalStep(eqx.Module):
    """Temperatures at the end of a step and their mean over it, in kelvin."""

    kelvin: Float[Array, " nodes *batch"]
    mean_kelvin: Float[Array, " nodes *batch"]


def modes(net: ThermalNetwork) -> Modes:
    """Decompose a network once, for any number of steps.

    The eigenvalues are those of $A^{-1}$, the time constants: in float32 they carry an absolute
    error of 1e-7 of the slowest, which a step cannot see; from $A$ the slow ones would be lost.

    !!! example

        ```python
        from fdmc.thermal import cauer, modes

        assert abs(1 / modes(cauer([0.03], [70.0])).rates[0] - 2.1) < 1e-6
        ```
    """
    root = jnp.sqrt(net.capacitance)
    R = resistance(net)
    times, shapes = jnp.linalg.eigh(jax.lax.stop_gradient(root[:, None] * R * root))
    shortest = jnp.finfo(times.dtype).eps * times[-1]  # below it rounding decides, even the sign
    symmetric = net.conductance / (root[:, None] * root)
    return Modes(net, R, symmetric, 1 / jnp.maximum(times, shortest), shapes)


def step(
    m: Modes,
    kelvin: Float[Array, " nodes *batch"],
    watts: Float[Array, " nodes *batch"],
    boundary_kelvin: Float[Array, " boundaries *#batch"],
    seconds: Seconds,
) -> ThermalStep:
    """Move temperatures forward under constant power and boundaries, exactly.

    **Arguments:**

    - `m`: the network's `modes`.
    - `kelvin`: temperatures at the start.
    - `watts`: heat put into each node during the step.
    - `boundary_kelvin`: temperature of each boundary during the step.
    - `seconds`: length of the step, one for all or one each; zero is allowed.

    **Returns:** `ThermalStep`. $T(t) = T_\\infty - e^{-C^{-1} G t} (T_\\infty - T_0)$; the mean is
    $T_\\infty - G^{-1} C (T(t) - T_0) / t$, which is the energy balance.

    Differentiable in everything, the network included; networks with equal time constants too
    (the derivative of the exponential is that of Daletskii and Krein, not that of eigenvectors).

    !!! example

        ```python
        import jax.numpy as jnp
        from fdmc.thermal import cauer, modes, step

        plate, coolant = modes(cauer([0.03], [70.0])), jnp.array([313.15])
        after = step(plate, coolant, jnp.array([700.0]), coolant, 2.1)
        assert abs(after.kelvin[0] - (313.15 + 21 * (1 - jnp.exp(-1.0)))) < 1e-3
        ```
    """
    heat, base = heat_in(m.network, watts, boundary_kelvin)
    rise = jnp.einsum("ij,j...->i...", m.kelvin_per_watt, heat)
    gap = rise - (kelvin - base)
    t = jnp.asarray(seconds, gap.dtype)
    moved = relaxed(m, gap, t)
    stored = moved * m.network.capacitance.reshape(-1, *[1] * (gap.ndim - 1))
    lag = jnp.einsum("ij,j...->i...", m.kelvin_per_watt, stored)
    share = jnp.where(t > 0, lag / jnp.where(t > 0, t, 1.0), gap)
    return ThermalStep(kelvin + moved, base + rise - share)


def thermal_history(
    m: Modes,
    kelvin: Float[Array, " nodes *batch"],
    watts: Float[Array, "steps nodes *batch"],
    boundary_kelvin: Float[Array, "steps boundaries *#batch"],
    seconds: Real[Array, "steps *#batch"],
) -> ThermalStep:
    """Temperatures through a sequence of steps, arguments as for `step` with an axis before them.

    **Returns:** `ThermalStep` with fields `[steps, nodes, *batch]`: at the end of each step, and
    the mean over each step.
    """

    def one(now, inputs):
        done = step(m, now, *inputs)
        return done.kelvin, (done.kelvin, done.mean_kelvin)

    ends, means = jax.lax.scan(one, kelvin, (watts, boundary_kelvin, seconds))[1]
    return ThermalStep(ends, means)


def periodic_kelvin(
    m: Modes,
    watts: Float[Array, "phases nodes *batch"],
    boundary_kelvin: Float[Array, " boundaries *#batch"],
    seconds: Real[Array, " phases"],
) -> Float[Array, "phases nodes *batch"]:
    """Temperatures at the start of each phase, once a repeating load has settled.

    **Arguments:** as for `step`; `watts` and `seconds` of each phase of the period.

    **Returns:** kelvin, at the start of each phase. The orbit is $(I - e^{-C^{-1} G T})^{-1}$ times
    what one period leaves of a start at the mean. With one time constant, these are all extremes.
    """
    every_phase = ranked(boundary_kelvin, watts[0])[:, None]
    heat, base = heat_in(m.network, jnp.moveaxis(watts, 0, 1), every_phase)
    rise = jnp.einsum("ij,j...->i...", m.kelvin_per_watt, heat)  # [nodes, phases, *batch]
    weight = seconds / jnp.sum(seconds)
    mean = jnp.einsum("np...,p->n...", rise, weight)
    target = jnp.moveaxis(rise - mean[:, None], 1, 0)

    def phase(now, inputs):
        goal, t = inputs
        return now + relaxed(m, goal - now, t), now

    left, _ = jax.lax.scan(phase, jnp.zeros_like(mean), (target, seconds))
    period = relaxed(m, jnp.eye(len(m.rates), dtype=mean.dtype), jnp.sum(seconds))
    start = jnp.einsum("ij,j...->i...", jnp.linalg.inv(period), left)
    _, starts = jax.lax.scan(phase, start, (target, seconds))
    return base[0] + mean + starts


def relaxed(
    m: Modes, gap: Float[Array, " nodes *batch"], seconds: Real[Array, "*#batch"]
) -> Float[Array, " nodes *batch"]:
    """Return $(I - e^{-C^{-1} G t})$ times a gap: how far it closes in the time."""
    t = jnp.asarray(seconds, gap.dtype)
    t = t.reshape(*[1] * (gap.ndim - 1 - t.ndim), *t.shape)
    root = jnp.sqrt(m.network.capacitance).reshape(-1, *[1] * (gap.ndim - 1))
    return _relaxed(m.symmetric, m.rates, m.shapes, t, root * gap) / root


@jax.custom_jvp
def _relaxed(symmetric, rates, shapes, t, vector):
    """Apply $1 - e^{-A t}$; only `rates` and `shapes` are read, only `symmetric` is differentiated."""
    closed = -jnp.expm1(-_column(rates, vector) * t)
    return _back(shapes, closed * _forth(shapes, vector))


@_relaxed.defjvp
def _relaxed_jvp(primals, tangents):
    symmetric, rates, shapes, t, vector = primals
    d_symmetric, _, _, d_t, d_vector = tangents
    amount, rate = _forth(shapes, vector), _column(rates, vector)
    d_shape = rate * jnp.exp(-rate * t) * d_t * amount
    # Daletskii-Krein: in the eigenbasis the derivative is a product with divided differences.
    low = _column(jnp.minimum(rates[:, None], rates), vector, 2)
    apart = _column(jnp.abs(rates[:, None] - rates), vector, 2) * t
    x = jnp.where(apart > 0, apart, 1.0)
    divided = t * jnp.exp(-low * t) * jnp.where(apart > 0, -jnp.expm1(-x) / x, 1.0)
    turned = _column(shapes.T @ d_symmetric @ shapes, vector, 2)
    d_shape += jnp.sum(divided * turned * amount, 1)
    out = _relaxed(symmetric, rates, shapes, t, vector)
    return out, _relaxed(symmetric, rates, shapes, t, d_vector) + _back(shapes, d_shape)


def _column(values: Array, like: Array, axes: int = 1) -> Array:
    """Give values the trailing axes of a batch."""
    return values.reshape(*values.shape[:axes], *[1] * (like.ndim - 1))


def _forth(shapes: Array, vector: Array) -> Array:
    return jnp.einsum("ik,i...->k...", shapes, vector)


def _back(shapes: Array, amount: Array) -> Array:
    return jnp.einsum("ik,k...->i...", shapes, amount)
