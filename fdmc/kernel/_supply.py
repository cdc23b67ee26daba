"""Packages as the factory ships them, in the machine: the spares that test has used are spares that the field lacks.

A replica draws candidates; those that ship are numbered in their order. The first ones are the machine at time
zero, the rest is what swaps take, one after the other. Only machines with `manufacturing` compile any of this.
"""

import dataclasses
from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Int

from ..plan import PACKAGE_STREAMS, Plan, Supply
from ._packages import packages


class Pool(eqx.Module):
    """The packages of a replica that ship at full bandwidth, in their order; beyond `ready` they are void.

    `lost`: lanes of each die that test has found lost; `latent`: latent defects of each die, for each of the plan's
    classes of them; `reached` their running sum over the groups of a new machine (both empty where none are followed).
    """

    lost: Int[Array, "dies candidates lanes"]
    latent: Int[Array, "classes_and_dies candidates lanes"]
    reached: Int[Array, "classes groups lanes"]
    ready: Int[Array, " lanes"]


def shipped(plan: Plan, keys, replica, candidates: int) -> Pool:
    """Return the packages that ship, of so many candidates."""
    supply = supply_of(plan)
    factory = dataclasses.replace(supply.factory, packages=candidates)
    made = packages(factory, keys[-len(PACKAGE_STREAMS) :], replica)
    good = jnp.all(made.lost <= factory.spares, 0) & ~made.scrapped
    order = jnp.argsort(~good, axis=0, stable=True)
    small = jnp.int8 if supply.each < 128 else jnp.int16
    sort = lambda counts: jnp.take_along_axis(counts, order[None], 1).astype(small)
    lost, none = sort(made.lost), jnp.zeros((0, *order.shape), small)
    kinds = {"die": made.latent_fatal, "lane": made.latent}
    latent = [sort(kinds[where]) for where in plan.latent]
    reached = [jnp.cumsum(machine(plan, each).astype(jnp.int32), 0) for each in latent]
    return Pool(
        lost,
        jnp.concatenate(latent) if latent else none,
        jnp.stack(reached) if reached else none,
        jnp.sum(good, 0),
    )


def machine(plan: Plan, counts: Int[Array, "dies candidates lanes"]) -> Int[Array, "groups lanes"]:
    """Return the counts of a pool's dies for each group of lanes of a new machine."""
    dies, groups = counts.shape[0], supply_of(plan).homes.shape[0]
    return jnp.swapaxes(counts[:, : groups // dies], 0, 1).reshape(groups, -1)


def supply_of(plan: Plan) -> Supply:
    """Return the supply of a plan that has one."""
    assert plan.supply is not None, "only machines with manufacturing have one"
    return plan.supply


def used_spares(
    plan: Plan, used: Int[Array, "groups lanes"], row
) -> tuple[Int[Array, " lanes"], Bool[Array, " lanes"]]:
    """Return how many elements of the group of a component copy test has found lost (0 for others), and
    whether the copy is on none of them.
    """
    supply = supply_of(plan)
    batch = supply.batch[row]
    found = jnp.take_along_axis(used, jnp.maximum(batch, 0)[None], 0)[0].astype(jnp.int32)
    found = jnp.where(batch >= 0, found, 0)
    return found, supply.rank[row] >= found


def swapped(
    plan: Plan,
    pool: Pool,
    used,
    taken: Int[Array, " lanes"],
    done: Bool[Array, " lanes"],
    low,
    high,
) -> tuple[Int[Array, "groups lanes"], Int[Array, " lanes"]]:
    """Return the used spares once the FRU `[low, high)` has been swapped for new packages, and how many are taken."""
    homes, dies = supply_of(plan).homes, pool.lost.shape[0]
    first, count = renewed_groups(plan, done, low, high)
    number = jnp.arange(homes.shape[0], dtype=jnp.int32)[:, None]
    for m in range(plan.made):
        package = package_of(pool, first, m, taken)
        value = of_package(pool.lost, first + m, package)
        used = jnp.where((number == first + m) & (m < count), value, used)
    return used, taken + -(-count // dies)


def renewed_groups(
    plan: Plan, done: Bool[Array, " lanes"], low, high
) -> tuple[Int[Array, " lanes"], Int[Array, " lanes"]]:
    """Return the first group of lanes in the FRU `[low, high)` and how many there are, none where nothing is `done`."""
    homes = supply_of(plan).homes[:, None]
    first = jnp.sum(homes < low, 0)
    return first, jnp.where(done, jnp.sum(homes < high, 0) - first, 0)


def package_of(pool: Pool, first, m, taken) -> Int[Array, "*groups lanes"]:
    """Return the package that group `first + m` comes from, where a swap takes packages from `taken` on."""
    dies, candidates = pool.lost.shape[:2]
    return jnp.minimum(taken + (first % dies + m) // dies, candidates - 1)


def of_package(
    counts: Int[Array, "dies candidates lanes"], group, package, kind: Any = 0, kinds: int = 1
) -> Int[Array, "*groups lanes"]:
    """Return the count of a group of lanes that comes from a package; of one of several kinds of counts."""
    dies, candidates = counts.shape[0] // kinds, counts.shape[1]
    at = (group % dies) * candidates + package
    if kinds > 1:
        at = at + kind * (dies * candidates)
    lanes = counts.shape[-1]
    return jnp.take_along_axis(counts.reshape(-1, lanes), at.reshape(-1, lanes), 0).reshape(
        at.shape
    )
