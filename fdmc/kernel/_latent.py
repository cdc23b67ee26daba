"""Latent defects in the field: the last class of a plan, whose copies each replica has in its own places.

A package has its defects from the factory, on the lanes that follow those lost at test. Those of a new machine have one
clock, at the cumulative hazard of a life times their number; a swap whose packages have some starts another
(`_renewal.py`). A candidate is one of the clock's defects: void when its lane has failed before, or when its group
has since been swapped, which the number of the package tells. Only machines that follow them compile any of this.
"""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from ..plan import Plan
from ._entries import iota, pick
from ._renewal import Renewals
from ._supply import Pool, of_package, package_of, renewed_groups, supply_of


_NEVER = 1e9  # age of a clock without defects: beyond all that fails


def numbered(plan: Plan, pool: Pool) -> Int[Array, "groups lanes"]:
    """Return the package that each group of lanes of a new machine comes from."""
    number = iota(pool.reached.shape[0]) // supply_of(plan).factory.dies
    small = jnp.int16 if pool.lost.shape[1] < 1 << 15 else jnp.int32
    return jnp.broadcast_to(number.astype(small), pool.reached.shape)


def first_ages(plan: Plan, pool: Pool, age: Float[Array, "classes lanes"]):
    """Return the first ages of all classes, with that of latent defects by their number in the new machine."""
    found = pool.reached[-1]
    of_one = age[-1] * plan.classes.positions[-1].astype(jnp.float32)
    mine = jnp.where(found > 0, of_one / jnp.maximum(found, 1), _NEVER)
    return jnp.where(iota(age.shape[0]) == age.shape[0] - 1, mine[None], age)


def brought(
    plan: Plan, pool: Pool, taken: Int[Array, " lanes"], done: Bool[Array, " lanes"], low, high
) -> Int[Array, " lanes"]:
    """Return how many latent defects a swap of the FRU `[low, high)` brings, from package `taken` on."""
    first, count = renewed_groups(plan, done, low, high)
    total = jnp.zeros(count.shape, jnp.int32)
    for m in range(plan.made):
        mine = of_package(pool.latent, first + m, package_of(pool, first, m, taken))
        total = total + jnp.where(m < count, mine, 0)
    return total


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
    for m in range(plan.made):
        number = package_of(pool, first, m, taken).astype(package.dtype)
        mine = (iota(package.shape[0]) == first + m) & (m < count)
        package = jnp.where(mine, number, package)
    return package


def at_risk(plan: Plan, pool: Pool, r: Renewals, slot, renewed, cls, copies):
    """Return how many copies the clock has that fired: `copies`, or latent defects."""
    mine = cls == plan.classes.positions.shape[0] - 1
    assert r.defects is not None, "asked for where latent defects are followed"
    found = jnp.where(renewed, pick(plan.alive, slot, r.defects), pool.reached[-1])
    return jnp.where(mine, found.astype(copies.dtype), copies)


def defect(plan: Plan, pool: Pool, r: Renewals, slot, renewed, package, cls, position):
    """Return the place of the defect `position` of its clock, and whether it is still in the machine.

    **Arguments:** the list of renewals, the slot whose clock fired, whether one did; the package of each group; the
    class, others than latent defects keep their position.
    """
    supply, mine = supply_of(plan), cls == plan.classes.positions.shape[0] - 1
    dies = supply.factory.dies
    group = jnp.sum(pool.reached <= position, 0)
    group = jnp.minimum(group, pool.reached.shape[0] - 1)
    before = jnp.where(group > 0, _row(pool.reached, jnp.maximum(group - 1, 0)), 0)
    found = (group, group // dies, position - before)
    assert r.taken is not None, "asked for where latent defects are followed"
    taken = pick(plan.alive, slot, r.taken)
    low, high = pick(plan.alive, slot, r.low), pick(plan.alive, slot, r.high)
    first, count = renewed_groups(plan, renewed, low, high)
    left = position
    for m in range(plan.made):
        number = package_of(pool, first, m, taken)
        here = jnp.where(m < count, of_package(pool.latent, first + m, number), 0)
        hit = renewed & (left >= 0) & (left < here)
        now = (first + m, number, left)
        found = tuple(jnp.where(hit, new, old) for new, old in zip(now, found, strict=True))
        left = left - here
    group, number, rank = found
    rank = rank + of_package(pool.lost, group, number)
    still = _row(package, group) == number
    place = group * supply.each + rank
    return jnp.where(mine, place, position), ~mine | still


def _row(counts: Int[Array, "groups lanes"], group) -> Int[Array, " lanes"]:
    return jnp.take_along_axis(counts, group[None], 0)[0].astype(jnp.int32)
