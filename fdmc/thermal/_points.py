"""The temperatures that a load settles to, with their shares of the time: what ageing and lock are averaged over."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Real

from ..spec import ConstantLoad, Load, MarkovLoad, NoisyLoad, SquareLoad
from ._modes import Modes, modes, periodic_kelvin, step
from ._network import ThermalNetwork, kelvin_per_second, steady_kelvin


Number = Real[Array, "..."] | float | int
_PHASE = 24  # points of a phase, denser where it begins and temperatures move
_HERMITE = 9  # points of a normal law: exact for polynomials of degree 17


class LoadPoints(eqx.Module):
    """A settled load, seen from the nodes of a network: a mean over `share` of normal laws.

    Each point has a temperature, a speed and a share of the time. Random loads have one point and a
    standard deviation; a square wave has many and none. `low` and `high` are the ends of its swing, reached once a
    period, and `edge` the greatest speeds after each change of the load.
    """

    share: Float[Array, " points"]
    kelvin: Float[Array, "nodes points"]
    speed: Float[Array, "nodes points"]
    sd: Float[Array, " nodes"]
    speed_sd: Float[Array, " nodes"]
    low: Float[Array, " nodes"]
    high: Float[Array, " nodes"]
    edge: Float[Array, "nodes edges"]
    per_second: Float[Array, ""]


def load_watts(
    full_watts: Float[Array, " nodes"], idle: Number, load: Number
) -> Float[Array, " nodes"]:
    """Heat of each node at a load: `idle` of the full heat at load 0, all of it at 1."""
    return full_watts * (idle + (1 - idle) * load)


def mean_load(load: Load) -> float:
    """Time average of the load, 0 at idle and 1 at full load."""
    match load:
        case ConstantLoad(level=level):
            return level
        case SquareLoad(high=high, low=low, duty=duty):
            return duty * high + (1 - duty) * low
        case NoisyLoad(mean=mean):
            return mean
        case MarkovLoad():
            a, b = load.compute_seconds, load.communicate_seconds
            return (load.compute * a + load.communicate * b) / (a + b)


def load_points(
    net: ThermalNetwork,
    full_watts: Float[Array, " nodes"],
    idle: Number,
    load: Load,
    boundary_kelvin: Float[Array, " boundaries"],
) -> LoadPoints:
    """Where the temperatures of a network are, and how fast they move, under a settled load.

    **Arguments:**

    - `net`, `full_watts`: the network, and the heat of each node at load 1.
    - `idle`: share of that heat at load 0.
    - `load`: of the job.
    - `boundary_kelvin`: of coolant and air.

    **Returns:** `LoadPoints`. Differentiable in heat and boundaries.
    """
    if isinstance(load, SquareLoad):
        return _square(net, full_watts, idle, load, boundary_kelvin)
    kelvin = steady_kelvin(net, load_watts(full_watts, idle, mean_load(load)), boundary_kelvin)
    sd, speed_sd = jnp.zeros_like(kelvin), jnp.zeros_like(kelvin)
    if not isinstance(load, ConstantLoad):
        sd, speed_sd = _normal(modes(net), full_watts * (1 - idle), *_noise(load))
    none = jnp.zeros((len(kelvin), 1))
    return LoadPoints(
        jnp.ones(1), kelvin[:, None], none, sd, speed_sd, kelvin, kelvin, none[:, :0], jnp.zeros(())
    )  # fmt: skip


def hermite(
    points: LoadPoints,
) -> tuple[Real[Array, " more"] | np.ndarray, Real[Array, "nodes more"] | np.ndarray]:
    """Shares and temperatures for means over the points, their normal laws included."""
    at, weight = np.polynomial.hermite_e.hermegauss(_HERMITE)
    if points.share.shape[0] > 1:
        return points.share, points.kelvin
    return weight / weight.sum(), points.kelvin + points.sd[:, None] * at


def _square(net, full_watts, idle, load: SquareLoad, boundary) -> LoadPoints:
    m = modes(net)
    watts = jnp.stack([load_watts(full_watts, idle, x) for x in (load.high, load.low)])
    seconds = np.array([load.duty, 1 - load.duty]) * load.period_seconds
    starts = periodic_kelvin(m, watts, boundary, jnp.asarray(seconds, float))
    u = (np.arange(_PHASE) + 0.5) / _PHASE  # at u^2 of the phase, with weight 2u
    kelvin, speed, share = [], [], []
    for phase in range(2):
        at = jnp.asarray(u**2 * seconds[phase], float)
        wide = lambda x: jnp.broadcast_to(x[:, None], (len(x), _PHASE))
        there = step(m, wide(starts[phase]), wide(watts[phase]), boundary[:, None], at).kelvin
        kelvin.append(there)
        speed.append(kelvin_per_second(net, there, wide(watts[phase]), boundary[:, None]))
        share.append(2 * u / _PHASE * seconds[phase] / load.period_seconds)
    edge = [
        jnp.maximum(
            jnp.abs(kelvin_per_second(net, starts[p], watts[p], boundary)),
            jnp.max(jnp.abs(speed[p]), 1),  # deep in a stack the heat arrives later
        )
        for p in range(2)
    ]
    both = jnp.concatenate([*kelvin, starts.T], 1)
    zero = jnp.zeros(len(full_watts))
    return LoadPoints(
        share=jnp.asarray(np.concatenate(share), float),
        kelvin=jnp.concatenate(kelvin, 1),
        speed=jnp.concatenate(speed, 1),
        sd=zero,
        speed_sd=zero,
        low=jnp.min(both, 1),
        high=jnp.max(both, 1),
        edge=jnp.stack(edge, 1),
        per_second=jnp.asarray(1 / load.period_seconds, float),
    )


def _noise(load: NoisyLoad | MarkovLoad) -> tuple[float, float]:
    """Standard deviation and correlation time of a random load."""
    if isinstance(load, NoisyLoad):
        return load.sd, load.tau_seconds
    a, b = load.compute_seconds, load.communicate_seconds
    return abs(load.compute - load.communicate) * np.sqrt(a * b) / (a + b), a * b / (a + b)


def _normal(m: Modes, swing: Float[Array, " nodes"], sd: float, tau: float) -> tuple[Array, Array]:
    r"""Standard deviations of temperature and speed under a load with an exponential correlation.

    Mode $m$ of the network follows $\dot x_m = -\lambda_m x_m + b_m l$. With $\kappa = 1 / \tau$ and
    $s_m = 1/(\lambda_m + \kappa)$,
    $\mathrm{Cov}(x_m, x_n) = \sigma^2 b_m b_n (s_m + s_n) / (\lambda_m + \lambda_n)$ and
    $\mathrm{Cov}(x_m, l) = \sigma^2 b_m s_m$. Exact for the first two moments of any such load; one pole
    gives `ou_spread`.
    """
    root = jnp.sqrt(m.network.capacitance)
    b, rates = m.shapes.T @ (swing / root), m.rates
    seen = 1 / (rates + 1 / tau)
    cov = sd**2 * b[:, None] * b * (seen[:, None] + seen) / (rates[:, None] + rates)
    with_load = sd**2 * b * seen
    cross = rates[:, None] * with_load[:, None] * b
    speed = rates[:, None] * rates * cov - cross - cross.T + sd**2 * b[:, None] * b
    spread = lambda c: (
        jnp.sqrt(
            jnp.maximum(jnp.einsum("im,mn,in->i", m.shapes, c, m.shapes, precision="highest"), 0.0)
        )
        / root
    )
    return jax.lax.stop_gradient(spread(cov)), jax.lax.stop_gradient(spread(speed))
