"""Packages as they leave the factory: lanes lost at test and latent defects, drawn as counts.

The dies of a package come from one wafer, wafers from lots, and the density of each varies as a
gamma law. A die draws how many of its exchangeable lanes are lost, not which: a binomial
count by inversion, from the small end, so that the cost is the count and not the lanes.
"""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Int, UInt32

from ..plan import LANES_A_DRAW, PACKAGE_STREAMS, AnyArray, PackagePlan
from ._draw import U32, exponential, threefry2x32, uniform
from ._entries import hold
from ._quantile import quantile


_LOT, _WAFER, _DIE, _LANES, _LATENT, _ASSEMBLY, _LATENT_FATAL = range(len(PACKAGE_STREAMS))
_BLOCK = 4  # counts a pass
_PIECES = 1 << 20  # of a die: so many that no piece has two defects
_MOST = 60.0  # defects of a die: more of them fail it no sooner, and exp(-60) is a number


class Packages(eqx.Module):
    """The packages of each replica's machine, at time zero.

    `lost`: lanes and spares of each die lost at test; `latent`: of those that passed, how many
    carry a latent defect; `scrapped`: in assembly; `latent_fatal`: latent defects elsewhere on each die.
    """

    lost: Int[Array, "dies packages lanes"]
    latent: Int[Array, "dies packages lanes"]
    scrapped: Bool[Array, "packages lanes"]
    latent_fatal: Int[Array, "dies packages lanes"]


def packages(
    plan: PackagePlan, keys: UInt32[Array, "streams 2"], replica: UInt32[Array, " lanes"]
) -> Packages:
    """Return the packages of some replicas.

    **Arguments:** `keys` of `PACKAGE_STREAMS` (`stream_keys`), low words of the replica numbers.

    **Returns:** `Packages`; package p of replica k does not depend on how many replicas are drawn.
    """
    alive = jnp.asarray(plan.lanes > 0)
    shape = (plan.dies, plan.packages, *replica.shape)
    density = _density_of_wafers(plan, keys, replica, alive)
    die = jax.lax.broadcasted_iota(U32, shape, 0) + U32(plan.dies) * jax.lax.broadcasted_iota(
        U32, shape, 1
    )
    if plan.varies[2]:
        density = hold(alive, density * _density(plan, keys, _DIE, die, replica))
    density = jnp.broadcast_to(density, shape)
    count = plan.lanes + plan.spares
    lost, taken = _lost(plan, keys, die, replica, density, count, alive)
    whole = plan.fatal_defects * density + plan.shared_hazard
    lost = jnp.where(uniform(taken) < -jnp.expm1(-whole), count.astype(jnp.int32), lost)
    latent = latent_fatal = jnp.zeros_like(lost)
    if plan.latent_fatal:
        latent_fatal = _latent_fatal(plan, keys, die, replica, density, alive)
    if plan.latent:
        latent = _latent(plan, keys, die, replica, density, count - lost, alive)
    package = jax.lax.broadcasted_iota(U32, shape[1:], 0)
    word, _ = _words(keys, _ASSEMBLY, package, replica)
    return Packages(lost, latent, uniform(word) < plan.scrap_prob, latent_fatal)


def lanes_and_spares(
    plan: PackagePlan, lost: Int[AnyArray, "dies packages lanes"]
) -> tuple[Int[Array, "dies packages lanes"], Int[Array, "dies packages lanes"]]:
    """Return the live lanes and the spares left of each die after repair."""
    lanes, spares = jnp.int32(plan.lanes), jnp.int32(plan.spares)
    good = lanes + spares - lost
    return jnp.minimum(good, lanes), jnp.maximum(good - lanes, 0)


def _words(keys, stream: int, slot, replica):
    counter = (jnp.broadcast_to(replica, slot.shape), slot)
    return threefry2x32((keys[stream, 0], keys[stream, 1]), counter)


def _density(plan: PackagePlan, keys, stream: int, number, replica):
    """Relative density of a lot, a wafer or a die, by its number."""
    return quantile(
        plan.densities, jnp.int32(stream), exponential(*_words(keys, stream, number, replica))
    )


def _density_of_wafers(plan: PackagePlan, keys, replica, alive):
    """Density of each package's wafer, [packages, lanes]: drawn once a wafer."""
    wafers = -(-plan.packages // plan.packages_per_wafer)
    lots = -(-wafers // plan.wafers_per_lot)
    density = jnp.ones((plan.packages, *replica.shape))
    levels = (
        (_LOT, lots, plan.wafers_per_lot * plan.packages_per_wafer),
        (_WAFER, wafers, plan.packages_per_wafer),
    )
    for stream, number, each in levels:
        if plan.varies[stream]:
            place = jax.lax.broadcasted_iota(U32, (number, *replica.shape), 0)
            drawn = hold(alive, _density(plan, keys, stream, place, replica))
            density = density * jnp.repeat(drawn, each, 0)[: plan.packages]
    return density


def _lost(plan: PackagePlan, keys, die, replica, density, count, alive):
    """Lanes lost on each die, and a spare random word."""
    hazard = plan.lane_defects * density + plan.lane_hazard
    return _count(plan, keys, _LANES, die, replica, hazard, count, alive)


def _latent(plan: PackagePlan, keys, die, replica, density, good, alive):
    """Good lanes with a latent defect: given the density they are independent of the killers."""
    hazard = plan.latent_ratio * plan.lane_defects * density
    return _count(plan, keys, _LATENT, die, replica, hazard, good.astype(jnp.float32), alive)[0]


def _latent_fatal(plan: PackagePlan, keys, die, replica, density, alive):
    """Latent defects outside the lanes: a Poisson count, given the density independent of the killers too."""
    hazard = jnp.minimum(plan.latent_fatal_defects * density, _MOST) / _PIECES
    word, _ = hold(alive, _words(keys, _LATENT_FATAL, die, replica))
    return _binomial(word, jnp.float32(_PIECES), hazard, alive)


def _count(plan: PackagePlan, keys, stream: int, die, replica, hazard, count, alive):
    """How many of `count` lanes have an event of this hazard, and a random word left over."""
    total, spare = jnp.zeros(die.shape, jnp.int32), jnp.zeros_like(die)
    for group in range(plan.groups):
        size = jnp.clip(count - group * LANES_A_DRAW, 0, LANES_A_DRAW)
        word, other = hold(
            alive, _words(keys, stream, die * U32(plan.groups) + U32(group), replica)
        )
        spare = other if group == 0 else spare
        total = total + _binomial(word, size, hazard, alive)
    return total, spare


def _binomial(word, count, hazard, alive):
    """Return a binomial count of 1 - exp(-hazard), by inversion of its upper tail.

    A small word is a large count, and the tail is what is left of a difference: its probability is
    right to 4e-7 (5e-6 where half of 120 lanes are lost, or most), and to 20 % of itself where it is
    less.
    Where more than half are lost those that are not are counted instead, and the first term does not underflow.
    """
    many = hazard > math.log(2.0)
    rare = jnp.where(many, -jnp.log(-jnp.expm1(-jnp.where(many, hazard, 1.0))), hazard)
    start = (uniform(word), jnp.exp(-count * rare), -jnp.expm1(-count * rare), jnp.expm1(rare))
    u, term, tail, odds = hold(alive, start)
    count = jnp.broadcast_to(count, word.shape)

    def step(state):
        found, term, tail, k = state
        for _ in range(_BLOCK):
            found = found + (u < tail)
            ratio = jnp.maximum(count - k, 0) / (k + 1) * odds
            term = term * ratio
            tail = tail - term
            # Far out the difference is rounding; the first two terms beyond, and a geometric
            # series from them, are its bounds, as the ratio of the terms falls.
            beyond = jnp.maximum(count - k - 1, 0) / (k + 2) * odds
            ratio = jnp.maximum(count - k - 2, 0) / (k + 3) * odds
            least = beyond * term * (1 + ratio)
            most = least + 2 * beyond * term * ratio * ratio
            tail = jnp.where(beyond < 0.5, jnp.clip(tail, least, most), tail)
            k = k + 1
        return found, term, tail, k

    start = (jnp.zeros(word.shape, jnp.int32), term, tail, jnp.float32(0))
    found = jax.lax.while_loop(lambda s: jnp.any(u < s[2]), step, start)[0]
    return jnp.where(many, count.astype(jnp.int32) - found, found)
