"""Which share of a bank of lanes is dark at a temperature: the limits of its devices, and how often they are passed."""

import math

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import xlog1py, xlogy
from jax.scipy.stats import norm
from jaxtyping import Array, Float, Real
from scipy.optimize import brentq
from scipy.special import gammaln

from ..spec import Link, MachZehnderLink, RingLink, VcselLink
from ._points import LoadPoints


Number = Real[Array, "..."] | float | int
_FAR = 300.0  # kelvin from a VCSEL's best temperature, where no light is left
_SHARPEST = 1e-4  # kelvin: what a bank without any spread is given, lest its limits divide by zero


class LockLimits(eqx.Module):
    """The range of temperatures in which a bank of devices carries data.

    **Arguments:**

    - `low_kelvin`, `high_kelvin`: of the mean device; `spread_kelvin`: standard deviation among devices.
    - `speed_kelvin_per_second`, `speed_spread`: fastest change that the mean loop follows, and the
        relative spread among loops; infinite where nothing tracks.
    - `relock_seconds`: from being back in range to carrying data.
    """

    low_kelvin: Number
    high_kelvin: Number
    spread_kelvin: Number
    speed_kelvin_per_second: Number
    speed_spread: Number
    relock_seconds: Number


def lock_limits(
    link: Link, top_kelvin: Number | None = None, range_kelvin: Number | None = None
) -> LockLimits:
    """The limits of the devices of a link; a ring's top and heater range may be traced instead.

    **Raises:** `ValueError` for a VCSEL whose light is too little at every temperature.
    """
    match link:
        case RingLink():
            top = link.top_kelvin if top_kelvin is None else top_kelvin
            reach = link.range_kelvin if range_kelvin is None else range_kelvin
            speed = (link.tracking_kelvin_per_second, link.tracking_spread)
            low, high = top - reach - link.budget_kelvin, top + link.budget_kelvin
        case MachZehnderLink():
            half = math.acos(10 ** (-link.budget_db / 10)) / link.radians_per_kelvin
            low, high, speed = link.set_kelvin - half, link.set_kelvin + half, (math.inf, 1.0)
        case VcselLink():
            (low, high), speed = _vcsel_range(link), (math.inf, 1.0)
    return LockLimits(low, high, link.spread_kelvin, *speed, link.relock_seconds)


def _vcsel_range(link: VcselLink) -> tuple[float, float]:
    """The temperatures at which the light is just enough; it has one maximum in between."""

    def spare(kelvin):  # watts, as `vcsel_watts` has them: in NumPy, for a trace has no numbers
        off = kelvin - link.best_kelvin
        threshold = link.threshold_amperes * (1 + (off / link.detuning_kelvin) ** 2)
        slope = np.maximum(link.watts_per_ampere * (1 - link.slope_per_kelvin * off), 0.0)
        return slope * np.maximum(link.amperes - threshold, 0.0) - link.needed_watts

    kelvin = np.linspace(link.best_kelvin - _FAR, link.best_kelvin + _FAR, 6001)
    best = kelvin[np.argmax(spare(kelvin))]
    if spare(best) < 0:
        raise ValueError(
            "thermal.link.vcsel: its light is below `needed` at every temperature; raise the current."
        )
    ends = (best - _FAR, best + _FAR)
    root = lambda end: float(brentq(spare, best, end))  # pyright: ignore[reportArgumentType]
    low, high = (root(end) if spare(end) < 0 else float(end) for end in ends)
    return low, high


def dark_prob(
    limits: LockLimits, points: LoadPoints, node: int, rise_kelvin: Float[Array, " rises"]
) -> Float[Array, " rises"]:
    """Share of the lanes that is dark at some rises over the settled load, in [0, 1].

    **Arguments:**

    - `limits`: of the devices; `points`: of the load; `node`: where the devices are.
    - `rise_kelvin`: what excursions add.

    **Returns:** out of range, too fast, and relocking after either, as in `docs/model.md`; differentiable
    in limits and temperatures. Relocking after noise is too fast is left out: a load that jumps has no
    rate of such crossings.
    """
    x = jnp.asarray(rise_kelvin, float)[:, None]
    spread = jnp.maximum(jnp.asarray(limits.spread_kelvin, float), _SHARPEST)
    total = jnp.sqrt(spread**2 + points.sd[node] ** 2)
    kelvin, relock = points.kelvin[node] + x, limits.relock_seconds
    hot, cold = kelvin - limits.high_kelvin, limits.low_kelvin - kelvin
    outside = jnp.sum(points.share * (norm.cdf(hot / total) + norm.cdf(cold / total)), 1)
    # Those that pass a limit once a period: by a swing between its ends, by noise at Rice's rate.
    low, high = points.low[node] + x[:, 0], points.high[node] + x[:, 0]
    over = norm.cdf((high - limits.high_kelvin) / spread)
    over -= norm.cdf((low - limits.high_kelvin) / spread)
    under = norm.cdf((limits.low_kelvin - low) / spread)
    under -= norm.cdf((limits.low_kelvin - high) / spread)
    often = points.speed_sd[node] / (2 * jnp.pi * total)
    often = often * sum(jnp.exp(-(m[:, 0] ** 2) / (2 * total**2)) for m in (hot, cold))
    relocking = relock * (points.per_second * (over + under) + often)
    return jnp.clip(outside + relocking + _too_fast(limits, points, node), 0.0, 1.0)


def _too_fast(limits: LockLimits, points: LoadPoints, node: int) -> Number:
    """Share of the lanes whose loop cannot follow, and that relock after such a change of load."""
    fastest = limits.speed_kelvin_per_second
    if isinstance(fastest, float) and math.isinf(fastest):
        return 0.0
    width = jnp.maximum(jnp.asarray(limits.speed_spread, float), 1e-6)

    def beyond(speed):  # every loop follows what stands still
        return jnp.where(speed == 0, 0.0, norm.cdf((jnp.abs(speed) / fastest - 1) / width))

    share = jnp.sum(points.share * beyond(points.speed[node]))
    share += limits.relock_seconds * points.per_second * jnp.sum(beyond(points.edge[node]))
    noisy = jnp.sqrt(points.speed_sd[node] ** 2 + (fastest * width) ** 2)
    return jnp.where(points.speed_sd[node] > 0, 2 * norm.cdf(-fastest / noisy), share)


def short_share(dark: Float[Array, "..."], count: int, need: int) -> Float[Array, "..."]:
    """Share of the needed lanes that is missing on average when lanes are dark independently; spares come first.

    $E[\\max(0, B - (n - k))] / k$ with $B$ binomial: smooth where the mean itself would be covered by the spares.

    **Arguments:** `dark`, the probability of one lane; `count` and `need`, $n$ and $k$ of a group.
    """
    spares = count - need
    number = np.arange(spares + 1.0, count + 1)
    log_ways = gammaln(count + 1) - gammaln(number + 1) - gammaln(count - number + 1)
    all_dark = jnp.asarray(dark, float) >= 1
    p = jnp.where(all_dark, 0.5, dark)[..., None]  # at 1 the logarithm has no slope
    log_prob = log_ways + xlogy(number, p) + xlog1py(count - number, -p)
    missing = jnp.sum((number - spares) / need * jnp.exp(log_prob), -1)
    return jnp.where(all_dark, 1.0, missing)
