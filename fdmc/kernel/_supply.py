"""Packages as the factory ships them, in the machine: the spares that test has used are spares that the field lacks.

A replica draws candidates; those that ship are numbered in their order. The first ones are the machine at time
zero, the rest is what swaps take, one after the other. Only machines with `manufacturing` compile any of this.
"""

import dataclasses

import jax.numpy as jnp
from jaxtyping import Array, Bool, Int

from ..plan import PACKAGE_STREAMS, Plan
from ._packages import packages


def shipped(
    plan: Plan, keys, replica, candidates: int
) -> tuple[Int[Array, "dies candidates lanes"], Int[Array, " lanes"]]:
    """Return lanes lost at test of the packages that ship at full bandwidth, in their order, and how many do."""
    assert plan.supply is not None
    factory = dataclasses.replace(plan.supply.factory, packages=candidates)
    made = packages(factory, keys[-len(PACKAGE_STREAMS) :], replica)
    good = jnp.all(made.lost <= factory.spares, 0) & ~made.scrapped
    order = jnp.argsort(~good, axis=0, stable=True)
    pool = jnp.take_along_axis(made.lost, order[None], 1)
    return pool.astype(jnp.int8), jnp.sum(good, 0)


def machine(plan: Plan, pool: Int[Array, "dies candidates lanes"]) -> Int[Array, "groups lanes"]:
    """Return the spares that each group of lanes of a new machine has lost at test."""
    assert plan.supply is not None
    dies, groups = pool.shape[0], plan.supply.homes.shape[0]
    return jnp.swapaxes(pool[:, : groups // dies], 0, 1).reshape(groups, -1)


def used_spares(
    plan: Plan, used: Int[Array, "groups lanes"], row
) -> tuple[Int[Array, " lanes"], Bool[Array, " lanes"]]:
    """Return how many elements of the group of a component copy test has found lost (0 for others), and
    whether the copy is on none of them.
    """
    assert plan.supply is not None
    batch = plan.supply.batch[row]
    found = jnp.take_along_axis(used, jnp.maximum(batch, 0)[None], 0)[0].astype(jnp.int32)
    found = jnp.where(batch >= 0, found, 0)
    return found, plan.supply.rank[row] >= found


def swapped(
    plan: Plan, pool, used, taken: Int[Array, " lanes"], done: Bool[Array, " lanes"], low, high
) -> tuple[Int[Array, "groups lanes"], Int[Array, " lanes"]]:
    """Return the used spares once the FRU `[low, high)` has been swapped for new packages, and how many are taken."""
    assert plan.supply is not None
    homes, dies = plan.supply.homes[:, None], pool.shape[0]
    first = jnp.sum(homes < low, 0)
    count = jnp.where(done, jnp.sum(homes < high, 0) - first, 0)
    number = jnp.arange(homes.shape[0], dtype=jnp.int32)[:, None]
    flat = pool.reshape(-1, pool.shape[-1])
    for m in range(plan.made):
        group = first + m
        package = jnp.minimum(taken + (first % dies + m) // dies, pool.shape[1] - 1)
        at = (group % dies) * pool.shape[1] + package
        value = jnp.take_along_axis(flat, at[None], 0)[0]
        used = jnp.where((number == group) & (m < count), value, used)
    return used, taken + -(-count // dies)
