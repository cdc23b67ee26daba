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
from ._entries import first, hold, pick, some
from ._exposure import later
from ._quantile import quantile


RENEWAL = 2  # top bits of the slots that renewals draw from
_OLDEST = 40.0  # cumulative hazard that nobody lives to see (e^-40)


class Renewals(eqx.Module):
    """Swaps that renewed wearing components: [low, high) at `birth`, and the clocks that they started.

    Where latent defects are followed: how many of each kind it has brought, from package `taken` of the pool on. Most
    parts have none, and their swap takes no slot: `swapped` is when each unit with such parts was swapped last.
    """

    low: Int[Array, "slots lanes"]
    high: Int[Array, "slots lanes"]
    birth: Float[Array, "slots lanes"]
    kind: Int[Array, "slots lanes"]
    fru: Int[Array, "slots lanes"]
    age: Float[Array, "wearing slots lanes"]  # cumulative hazard at the next candidate
    clock: Float[Array, "wearing slots lanes"]
    defects: Int[Array, "kinds slots lanes"] | None = None
    taken: Int[Array, "slots lanes"] | None = None
    swapped: Float[Array, "units lanes"] | None = None


def hours_of(plan: Plan, number, age):
    """Return the hours at which the clock of a wearing class has this age; it stops where no copy is left.

    A steep law would otherwise ring for ever on copies that are gone.
    """
    if plan.parts:
        age = _of_defect(plan, number, age)
    law = plan.wear.law[number]
    return jnp.where(age > _OLDEST, jnp.inf, quantile(plan.quantiles, law, age))


def _of_defect(plan: Plan, number, age):
    """Return the age of one latent defect when a part that may have some has this one; other classes keep theirs."""
    rows, of = plan.wear.share, number - _first_part(plan)
    assert rows is not None, "asked for where there are such parts"
    if isinstance(of, int) and not 0 <= of < plan.parts:
        return age
    failed = quantile(plan.quantiles, rows[jnp.clip(of, 0, plan.parts - 1)], age)
    failed = hold(plan.alive, failed)
    one = jnp.where(failed < 1, -jnp.log1p(-jnp.minimum(failed, 1 - 1e-7)), 2 * _OLDEST)
    return hold(plan.alive, jnp.where((of >= 0) & (of < plan.parts), one, age))


def _first_part(plan: Plan) -> int:
    return plan.wearing - len(plan.latent) - plan.parts


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
    if plan.parts:
        part = cls - steady - _first_part(plan)
        own = own & ((part < 0) | (part >= plan.parts) | (_swapped(plan, r, home) == birth))
    flat = lambda values: values.reshape(-1, renewed.shape[0])  # a reduction would not vectorise
    before = jnp.where(
        renewed, pick(plan.alive, flat(again), flat(r.age)), pick(plan.alive, tick, ages)
    )
    age = before + unit
    hours = hours_of(plan, jnp.maximum(cls - steady, 0), age)
    hours = after(plan, cls, jnp.maximum(birth, 0), hours)
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
        copies = jnp.concatenate([copies[: -len(defects)], defects.astype(copies.dtype)])
    words = lambda i: threefry2x32(
        (keys[steady + i, 0], keys[steady + i, 1]), (replica, swaps | U32(RENEWAL << 30))
    )
    drawn = []
    for i in range(plan.wearing):
        age = exponential(*words(i)) / jnp.maximum(copies[i], 1).astype(jnp.float32)
        clock = after(plan, jnp.int32(steady + i), now, hours_of(plan, i, age))
        drawn.append((age, jnp.where(copies[i] > 0, clock, jnp.inf)))
    number = starts = done & some(plan.alive, copies > 0)
    if plan.parts:
        drawn, copies = hold(plan.alive, (drawn, copies))
        at = _first_part(plan)
        rings = [clock < jnp.inf for _, clock in drawn[at : at + plan.parts]]
        others = jnp.concatenate([copies[:at], copies[at + plan.parts :]]) > 0
        starts = done & some(plan.alive, jnp.concatenate([jnp.stack(rings), others]))
    # New packages without defects end the clocks of old ones too.
    always = defects is not None or plan.parts > 0
    old = (done if always else starts) & (low <= r.low) & (r.high <= high)
    slot = starts & first(plan.alive, old | (r.low < 0))
    drop = lambda values, empty: jnp.where(old, empty, values)
    ages, clocks = [], []
    for i, (age, clock) in enumerate(drawn):
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
        found = jnp.where(slot, defects[:, None], r.defects), jnp.where(slot, taken, r.taken)
        new = dataclasses.replace(new, defects=found[0], taken=found[1])
    if plan.parts:
        assert r.swapped is not None, "kept where there are such parts"
        inside = (low <= _homes(plan)) & (_homes(plan) < high) & done
        new = dataclasses.replace(new, swapped=jnp.where(inside, now, r.swapped))
    return new, swaps + number.astype(U32), starts & ~some(plan.alive, slot)


def _swapped(plan: Plan, r: Renewals, home) -> Float[Array, " lanes"]:
    """Return when a unit was swapped last, -1 for never; of homes that are no such unit too."""
    assert r.swapped is not None, "kept where there are such parts"
    homes = _homes(plan)[:, 0]
    at = jnp.minimum(jnp.searchsorted(homes, home, method="scan_unrolled"), homes.shape[0] - 1)
    return jnp.where(homes[at] == home, jnp.take_along_axis(r.swapped, at[None], 0)[0], -1)


def _homes(plan: Plan) -> Int[Array, "units 1"]:
    assert plan.wear.homes is not None, "known where there are such parts"
    return jnp.asarray(plan.wear.homes)[:, None]
