"""Wearing components that swaps have renewed: a short list of clocks, each with an age of its own.

The originals of a class have one superposed clock; every swap of an FRU that holds wearing copies starts
another. A candidate is void when its copy belongs to a later swap: the later clock counts then.
"""

import dataclasses

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from ..plan import Plan
from ._draw import U32, exponential, threefry2x32
from ._entries import first, iota, pick, some
from ._exposure import later
from ._quantile import quantile


RENEWAL = 2  # top bits of the slots that renewals draw from
_OLDEST = 40.0  # cumulative hazard that nobody lives to see (e^-40)


class Renewals(eqx.Module):
    """Swaps that renewed wearing components: [low, high) at `birth`, and the clocks that they started.

    Where latent defects are followed: how many it has brought, from package `taken` of the pool on.
    """

    low: Int[Array, "slots lanes"]
    high: Int[Array, "slots lanes"]
    birth: Float[Array, "slots lanes"]
    kind: Int[Array, "slots lanes"]
    fru: Int[Array, "slots lanes"]
    age: Float[Array, "wearing slots lanes"]  # cumulative hazard at the next candidate
    clock: Float[Array, "wearing slots lanes"]
    defects: Int[Array, "slots lanes"] | None = None
    taken: Int[Array, "slots lanes"] | None = None


def hours_of(plan: Plan, law, age):
    """Return the hours at which a clock has this age; it stops where no copy is left.

    A steep law would otherwise ring for ever on copies that are gone.
    """
    return jnp.where(age > _OLDEST, jnp.inf, quantile(plan.quantiles, law, age))


def after(plan: Plan, cls, since, hours):
    """Return when a class has aged so many hours since then: later or sooner as the environment has it."""
    if not plan.exposed:
        return since + hours
    return later(plan.exposures, cls, since, hours)


def advance(plan: Plan, r: Renewals, ages, clocks, tick, again, unit, cls, home):
    """Advance the wearing clock that fired.

    **Arguments:** the list; ages and clocks of the originals, [wearing, lanes]; the masks of the original
    class and of the renewal whose clock fired; the step in age; class and home of the candidate.

    **Returns:** whether the candidate's copy belongs to the clock that fired, and the new ages, clocks and list.
    """
    steady = plan.classes.positions.shape[0] - plan.wearing
    renewed = jnp.any(again, (0, 1))
    slot = some(plan.alive, again)
    birth = jnp.where(renewed, pick(plan.alive, slot, r.birth), -1)
    covers = (r.low <= home) & (home < r.high) & (r.birth > birth) & ~slot
    own = (cls < steady) | ~some(plan.alive, covers)
    flat = lambda values: values.reshape(-1, renewed.shape[0])  # a reduction would not vectorise
    before = jnp.where(
        renewed, pick(plan.alive, flat(again), flat(r.age)), pick(plan.alive, tick, ages)
    )
    age = before + unit
    law = plan.wear.law[jnp.maximum(cls - steady, 0)]
    hours = after(plan, cls, jnp.maximum(birth, 0), hours_of(plan, law, age))
    original = tick & ~renewed
    ages = jnp.where(original, age, ages)
    clocks = jnp.where(original, hours, clocks)
    r = eqx.tree_at(
        lambda t: (t.age, t.clock),
        r,
        (jnp.where(again, age, r.age), jnp.where(again, hours, r.clock)),
    )
    return own, ages, clocks, r


def renew(
    plan: Plan, keys, replica, r: Renewals, swaps, now, done, low, high, cls, fru,
    defects=None, taken=None,
):  # fmt: skip
    """Start clocks for the wearing components of a swapped FRU, and end their old ones.

    **Arguments:** where latent defects are followed also those that the swap brings, and its first package.

    **Returns:** the list, the number of swaps so far, and whether the list was full.
    """
    steady = plan.classes.positions.shape[0] - plan.wearing
    copies = plan.wear.copies[:, cls]
    if defects is not None:
        copies = jnp.where(iota(plan.wearing) == plan.wearing - 1, defects[None], copies)
    starts = done & some(plan.alive, copies > 0)
    # New packages without defects end the clocks of old ones too.
    old = (starts if defects is None else done) & (low <= r.low) & (r.high <= high)
    slot = starts & first(plan.alive, old | (r.low < 0))
    drop = lambda values, empty: jnp.where(old, empty, values)
    ages, clocks = [], []
    for i in range(plan.wearing):
        key = (keys[steady + i, 0], keys[steady + i, 1])
        words = threefry2x32(key, (replica, swaps | U32(RENEWAL << 30)))
        age = exponential(*words) / jnp.maximum(copies[i], 1).astype(jnp.float32)
        clock = after(plan, jnp.int32(steady + i), now, hours_of(plan, plan.wear.law[i], age))
        clock = jnp.where(copies[i] > 0, clock, jnp.inf)
        ages.append(jnp.where(slot, age, r.age[i]))
        clocks.append(jnp.where(slot, clock, drop(r.clock[i], jnp.inf)))
    new = Renewals(
        low=jnp.where(slot, low, drop(r.low, -1)),
        high=jnp.where(slot, high, drop(r.high, -1)),
        birth=jnp.where(slot, now, r.birth),
        kind=jnp.where(slot, cls, r.kind),
        fru=jnp.where(slot, fru, r.fru),
        age=jnp.stack(ages),
        clock=jnp.stack(clocks),
    )
    if defects is not None and taken is not None:
        assert r.defects is not None, "told of defects only where they are followed"
        assert r.taken is not None, "told of defects only where they are followed"
        found = jnp.where(slot, defects, r.defects), jnp.where(slot, taken, r.taken)
        new = dataclasses.replace(new, defects=found[0], taken=found[1])
    return new, swaps + starts.astype(U32), starts & ~some(plan.alive, slot)
