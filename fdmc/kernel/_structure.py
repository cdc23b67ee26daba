"""Units with a structure: their failed copies as bits, and whether those lose the unit.

Only machines that have such units compile any of this.
"""

import operator

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from ..plan import Plan, Structures
from ._entries import Latents, Outages, first, fold, pick, some


_UNROLLED = 8  # gates up to which they are unrolled


def lost(
    s: Structures, row: Int[Array, " *shape"], failed: Int[Array, " *shape"]
) -> Bool[Array, " *shape"]:
    """Return whether the copies in the word `failed` lose a unit whose structure has this row."""
    gates = s.need.shape[1]

    def gate(g, true):
        of = jnp.maximum(row, 0)
        count = jax.lax.population_count(failed & s.copies[of, g])
        count = count + jax.lax.population_count(true & s.gates[of, g])
        return true | jnp.where(count >= s.need[of, g], 1 << g, 0)

    true = jnp.zeros_like(failed)
    if gates > _UNROLLED:
        true = jax.lax.fori_loop(0, gates, gate, true)
    else:
        for g in range(gates):
            true = gate(g, true)
    return (row >= 0) & (((true >> (gates - 1)) & 1) > 0)


def bits(alive, home: Int[Array, "slots ..."], group: Int[Array, "slots ..."], of):
    """Return the copies of the group `of` among these failed ones, as a word."""
    ours = (group == of) & (home >= 0)
    return fold(alive, operator.or_, jnp.where(ours, 1 << jnp.where(ours, home - of, 0), 0))


def struck(plan: Plan, x: Outages, latents: Latents, cls, home, group):
    """Return whether the class has a structure, and whether its unit is lost once `home` has failed too."""
    row = plan.classes.structure[cls]
    failed = bits(plan.alive, x.home, x.group, group) | 1 << jnp.where(row >= 0, home - group, 0)
    if False in plan.counted:
        failed = failed | bits(plan.alive, latents.home, latents.group, group)
    return row >= 0, lost(plan.structures, row, failed)


def relieved(
    plan: Plan, x: Outages, latents: Latents, low, high, group, loss
) -> Float[Array, "slots lanes"]:
    """Return the losses of the outages once the FRU `[low, high)` is new; `group` knows it already.

    Only the swap of a single copy leaves failures in its group: the first of them that remains
    carries what is still lost.
    """
    mine = first(plan.alive, (low <= x.home) & (x.home < high) & (x.group >= 0))
    cls = pick(plan.alive, mine, x.kind)
    row = plan.classes.structure[cls]
    of = jnp.where(some(plan.alive, mine) & (row >= 0), pick(plan.alive, mine, x.group), -2)
    rest = group == of
    failed = bits(plan.alive, jnp.where(rest, x.home, -1), group, of)
    if False in plan.counted:
        new = (low <= latents.home) & (latents.home < high)
        home = jnp.where(new, -1, latents.home)
        failed = failed | bits(plan.alive, home, latents.group, of)
    left = jnp.where(lost(plan.structures, row, failed), plan.classes.share[cls], 0)
    return jnp.where(rest, jnp.where(first(plan.alive, rest), left, 0), loss)
