"""Ages and repair times of a dynamic tree's events from random words."""

import jax.numpy as jnp
from jaxtyping import Array, Float, UInt32

from ...plan import Quantiles
from .._draw import U32, exponential, threefry2x32, uniform
from .._quantile import quantile
from ._dynamic_plan import Ages, DynamicNumbers, DynamicShape, Sampler


FAULT_STREAMS = ("fault tree ages", "fault tree normals", "fault tree coins", "fault tree renewals")
"""Names of the streams, in the order of the keys that the kernels take."""
_AGES, _NORMALS, _COINS, RENEWALS = range(4)
_HALF = U32(1 << 31)

Lanes = Float[Array, " lanes"]
Words = UInt32[Array, " lanes"]


def block(key: UInt32[Array, "2"], replica: Words, slot) -> tuple[Words, Words]:
    """Return the two random words of a slot."""
    return threefry2x32((key[0], key[1]), (replica, jnp.broadcast_to(U32(slot), replica.shape)))


def normal(words: tuple[Words, Words]) -> Lanes:
    """Return a standard normal (Box and Muller, 1958), exact in the tails to 2^-32."""
    radius = jnp.sqrt(2 * exponential(words[0], jnp.full_like(words[0], _HALF)))
    return radius * jnp.cos((2 * jnp.pi) * uniform(words[1]))


def unit(kind: Sampler, power, words: tuple[Words, Words], tables: Quantiles) -> Lanes:
    """Return a time in units of a law's scale; `power` may be one number or one a lane."""
    if kind == Sampler.FIXED:
        return jnp.ones(words[0].shape)
    if kind == Sampler.LOGNORMAL:
        return jnp.exp(power * normal(words))
    age = exponential(*words)
    if kind == Sampler.WEIBULL:
        return jnp.exp2(jnp.log2(age) * power)
    if kind == Sampler.TABLE:
        return quantile(tables, jnp.broadcast_to(power, age.shape).astype(jnp.int32), age)
    return age


def time_of(ages: Ages, event: int, units: Lanes) -> Lanes:
    """Return hours from units of the scale."""
    return ages.start[event] + ages.scale[event] * units


def first_ages(
    shape: DynamicShape, numbers: DynamicNumbers, keys: UInt32[Array, "4 2"], replica: Words
) -> list[Lanes | None]:
    """Return the age at failure of every event at the start, None for those that never fail.

    Two events share a block of random words, a lognormal one has a block of its own.
    """
    found: list[Lanes | None] = []
    words: tuple[Words, Words] = (replica, replica)
    for event, kind in enumerate(shape.lifetimes):
        if event % 2 == 0:
            words = block(keys[_AGES], replica, event // 2)
        own = (words[event % 2], jnp.full_like(replica, _HALF))
        if kind == Sampler.LOGNORMAL:
            own = block(keys[_NORMALS], replica, event)
        power = numbers.lifetimes.power[event]
        never = kind == Sampler.NEVER
        age = None if never else unit(kind, power, own, numbers.tables)
        found.append(None if age is None else time_of(numbers.lifetimes, event, age))
    return found


def coin(prob: Float[Array, ""], words: tuple[Words, Words]):
    """Return true with a probability, exact to float32 however small."""
    return exponential(*words) < -jnp.log1p(-prob)


def first_coins(
    shape: DynamicShape, numbers: DynamicNumbers, keys: UInt32[Array, "4 2"], replica: Words
) -> list:
    """Return for every dependency whether it acts, None for those that are certain."""
    return [
        None if certain else coin(numbers.row_prob[row], block(keys[_COINS], replica, row))
        for row, (_, _, certain) in enumerate(shape.rows)
    ]
