"""Latent defects in the field: the last classes of a plan, whose copies each replica has in its own places.

A package has its defects from the factory: on the lanes that follow those lost at test, and elsewhere on its dies,
where one fails all lanes of a die. Those of a new machine have one clock for each kind, at the cumulative hazard of a
life times their number; a swap whose packages have some starts others (`_renewal.py`). A candidate is one of the
clock's defects: void when its lane or its die has failed before, or when its group has since been swapped, which the
number of the package tells. Only machines that follow them compile any of this.
"""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from ..plan import Plan
from ._entries import hold, iota, pick
from ._renewal import Renewals
from ._supply import Pool, of_package, package_of, renewed_groups, supply_of


_NEVER = 1e9  # age of a clock without defects: beyond all that fails


def numbered(plan: Plan, pool: Pool) -> Int[Array, "groups lanes"]:
    """Return the package that each group of lanes of a new machine comes from."""
    shape = pool.reached.shape[1:]
    number = iota(shape[0]) // supply_of(plan).factory.dies
    small = jnp.int16 if pool.lost.shape[1] < 1 << 15 else jnp.int32
    return jnp.broadcast_to(number.astype(small), shape)


def first_ages(plan: Plan, pool: Pool, age: Float[Array, "classes lanes"]):
    """Return the first ages of all classes, with those of latent defects by their number in the new machine."""
    kinds = len(plan.latent)
    found = pool.reached[:, -1]
    of_one = age[-kinds:] * plan.classes.positions[-kinds:, None].astype(jnp.float32)
    mine = jnp.where(found > 0, of_one / jnp.maximum(found, 1), _NEVER)
    return jnp.concatenate([age[:-kinds], mine])


def brought(
    plan: Plan, pool: Pool, taken: Int[Array, " lanes"], done: Bool[Array, " lanes"], low, high
) -> Int[Array, "classes lanes"]:
    """Return how many latent defects a swap of the FRU `[low, high)` brings, from package `taken` on."""
    kinds = len(plan.latent)
    group, number, here = _bringing(plan, pool, taken, done, low, high)
    each = [of_package(pool.latent, group, number, kind, kinds) for kind in range(kinds)]
    return jnp.stack([jnp.sum(jnp.where(here, mine, 0), 0, dtype=jnp.int32) for mine in each])


def renumbered(
    plan: Plan,
    pool: Pool,
    package,
    taken: Int[Array, " lanes"],
    done: Bool[Array, " lanes"],
    low,
    high,
) -> Int[Array, "groups lanes"]:
    """Return the package of each group once the FRU `[low, high)` has been swapped."""
    first, count = renewed_groups(plan, done, low, high)
    m = iota(package.shape[0]) - first
    number = package_of(pool, first, m, taken).astype(package.dtype)
    return jnp.where((m >= 0) & (m < count), number, package)


def at_risk(plan: Plan, pool: Pool, r: Renewals, slot, renewed, cls, copies):
    """Return how many copies the clock has that fired: `copies`, or latent defects."""
    mine, kind = _kind(plan, cls)
    assert r.defects is not None, "asked for where latent defects are followed"
    later = _of_kind(kind, [pick(plan.alive, slot, each) for each in r.defects])
    found = jnp.where(renewed, later, _of_kind(kind, list(pool.reached[:, -1])))
    return jnp.where(mine, found.astype(copies.dtype), copies)


def defect(plan: Plan, pool: Pool, r: Renewals, slot, renewed, package, cls, position):
    """Return the place of the defect `position` of its clock, and whether it is still in the machine.

    **Arguments:** the list of renewals, the slot whose clock fired, whether one did; the package of each group; the
    class, others than latent defects keep their position.
    """
    supply, kinds = supply_of(plan), len(plan.latent)
    mine, kind = _kind(plan, cls)
    dies = supply.factory.dies
    reached = _of_kind(kind, list(pool.reached))
    group = jnp.sum(reached <= position, 0)
    group = jnp.minimum(group, reached.shape[0] - 1)
    before = jnp.where(group > 0, _row(reached, jnp.maximum(group - 1, 0)), 0)
    found = (group, group // dies, position - before)
    assert r.taken is not None, "asked for where latent defects are followed"
    taken = pick(plan.alive, slot, r.taken)
    low, high = pick(plan.alive, slot, r.low), pick(plan.alive, slot, r.high)
    groups, numbers, here = _bringing(plan, pool, taken, renewed, low, high)
    brings = jnp.where(here, of_package(pool.latent, groups, numbers, kind, kinds), 0)
    groups, numbers, brings = hold(plan.alive, (groups, numbers, brings.astype(jnp.int32)))
    reached = jnp.cumsum(brings, 0)
    m = jnp.minimum(jnp.sum(reached <= position, 0), plan.made - 1)
    now = (_row(groups, m), _row(numbers, m), position - _row(reached - brings, m))
    found = tuple(jnp.where(renewed, new, old) for new, old in zip(now, found, strict=True))
    group, number, rank = found
    rank = rank + of_package(pool.lost, group, number)
    still = _row(package, group) == number
    places = {"die": group, "lane": group * supply.each + rank}
    place = _of_kind(kind, [places[where] for where in plan.latent])
    return jnp.where(mine, place, position), ~mine | still


def _bringing(plan: Plan, pool: Pool, taken, done, low, high):
    """Return the groups of lanes that a swap renews, the packages that they come from, and which of them there are."""
    first, count = renewed_groups(plan, done, low, high)
    m = iota(plan.made)
    number = package_of(pool, first, m, taken)
    return jnp.broadcast_to(first + m, number.shape), number, m < count


def _kind(plan: Plan, cls) -> tuple[Bool[Array, " lanes"], Int[Array, " lanes"]]:
    """Return whether a class is one of latent defects, and which."""
    first = plan.classes.positions.shape[0] - len(plan.latent)
    return cls >= first, jnp.maximum(cls - first, 0)


def _of_kind(kind, values: list[Array]) -> Array:
    """Return the value of a kind, of those of all kinds."""
    found = values[0]
    for k, value in enumerate(values[1:], 1):
        found = jnp.where(kind == k, value, found)
    return found


def _row(counts: Int[Array, "groups lanes"], group) -> Int[Array, " lanes"]:
    return jnp.take_along_axis(counts, group[None], 0)[0].astype(jnp.int32)
