"""Missions without repair: when each level of the machine first loses something.

Three ways to draw the same law, from the plainest to the least work; `tests/` holds them together.
"""

import enum

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, UInt32

from ..plan import MissionPlan
from ._draw import U32, exponential, threefry2x32
from ._entries import hold
from ._exposure import later
from ._quantile import quantile


class Draws(enum.Enum):
    """What a mission draws.

    Every lifetime, transformed; every lifetime's uniform, of which only the order statistic that
    matters is transformed; or one number a source, through the closed form of its first loss.
    """

    LIFETIMES = "lifetimes"
    ORDER = "order"
    SOURCES = "sources"


def mission(
    plan: MissionPlan,
    keys: UInt32[Array, "sources 2"],
    replica: UInt32[Array, " lanes"],
    draws: Draws,
) -> Float[Array, "levels lanes"]:
    """Return the hours of the first loss on every level.

    **Arguments:** `keys` of the streams (`stream_keys`), low words of the replica numbers. Levels
    are right one by one; a counting group and its own elements are drawn independently.
    """
    draw = {Draws.LIFETIMES: _lifetimes, Draws.ORDER: _order, Draws.SOURCES: _source}[draws]
    # Every level reads every source: held, it is drawn once.
    alive = jnp.asarray(plan.edges_hours[0] > 0)
    hours = [hold(alive, draw(plan, i, keys[i], replica)) for i in range(len(plan.shapes))]
    if plan.exposures.some:  # what is least in exposure is first in time
        zero = jnp.zeros(replica.shape)
        hours = [later(plan.exposures, jnp.int32(i), zero, each) for i, each in enumerate(hours)]
    never = jnp.full(replica.shape, jnp.inf)
    levels = []
    for level in range(plan.reaches.shape[0]):
        first = never
        for i, each in enumerate(hours):
            first = jnp.minimum(first, jnp.where(plan.reaches[level, i] > 0, each, jnp.inf))
        levels.append(first)
    return jnp.stack(levels)


def _source(plan: MissionPlan, i: int, key, replica):
    """One draw for the whole source, through the table of its first loss."""
    age = exponential(*threefry2x32((key[0], key[1]), (replica, jnp.zeros_like(replica))))
    return quantile(plan.groups, jnp.int32(i), age)


def _order(plan: MissionPlan, i: int, key, replica):
    """Every element's random word; order statistics commute with monotone transforms."""
    if plan.gates[i]:  # of unlike elements the order of words says nothing
        return _lifetimes(plan, i, key, replica)
    word = _first_loss(plan, i, key, replica, lambda word, _: word, U32(0xFFFFFFFF))
    return _hours(plan, i, word)


def _lifetimes(plan: MissionPlan, i: int, key, replica):
    """Every element's lifetime."""

    def hours(word, element):
        if plan.parts[i]:
            age = exponential(word, U32(1 << 31))
            return quantile(plan.elements, jnp.int32(plan.parts[i][element]), age)
        return _hours(plan, i, word)

    return _first_loss(plan, i, key, replica, hours, jnp.float32(jnp.inf))


def _first_loss(plan: MissionPlan, i: int, key, replica, value, never):
    """First over the copies of the time, made of `value(word, element)`, at which one has lost something."""
    count, spares, copies = plan.shapes[i]
    blocks = -(-count // 2)

    def values_of(copy):
        for b in range(blocks):
            slot = jnp.broadcast_to(U32(copy) * U32(blocks) + U32(b), replica.shape)
            words = threefry2x32((key[0], key[1]), (replica, slot))[: count - 2 * b]
            for k, word in enumerate(words):
                yield value(word, 2 * b + k)

    def smallest(values, k: int):
        least = [jnp.broadcast_to(never, replica.shape)] * k
        for x in values:
            for j in range(k):
                least[j], x = jnp.minimum(least[j], x), jnp.maximum(least[j], x)
        return least[k - 1]

    def group(copy, first):
        if not plan.gates[i]:
            return jnp.minimum(first, smallest(values_of(copy), spares + 1))
        values = list(values_of(copy))
        for need, of, inner in plan.gates[i]:  # gates follow the elements, as their bits do
            mask = of | inner << count
            values.append(smallest([v for bit, v in enumerate(values) if mask >> bit & 1], need))
        return jnp.minimum(first, values[-1])

    start = jnp.broadcast_to(never, replica.shape)
    if copies * count <= 64:
        for copy in range(copies):
            start = group(copy, start)
        return start
    return jax.lax.fori_loop(0, copies, lambda c, f: group(c.astype(U32), f), start)


def _hours(plan: MissionPlan, i: int, word):
    """Return the lifetime of an element from 32 bits: small words are early failures."""
    age = exponential(word, U32(1 << 31))
    if plan.weibull[i]:
        return plan.scale_hours[i] * jnp.exp2(jnp.log2(age) * plan.power[i])
    return quantile(plan.elements, jnp.int32(i), age)
