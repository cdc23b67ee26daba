"""States of a machine whose components fail and are repaired independently."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, UInt32

from ..plan import Plan
from ._domain import Domain
from ._draw import U32, exponential, threefry2x32
from ._entries import iota, rows
from ._losses import unpack
from ._reconfigure import delivered
from ._structure import lost
from ._supply import machine, shipped, used_spares


class _Failed(eqx.Module):
    """Failed components in the order of the plan's rows; `cls` is -1 in empty slots."""

    cls: Int[Array, "slots lanes"]
    row: Int[Array, "slots lanes"]


def snapshot(
    plan: Plan,
    unavailability: Float[Array, " classes"],
    keys: UInt32[Array, "streams 2"],
    replica: UInt32[Array, " lanes"],
    slots: int,
    candidates: int = 0,
) -> tuple[Domain, Bool[Array, " lanes"]]:
    """Return the domains of these replicas, and which of them had more than `slots` failures.

    A machine that is made is built of the first packages that ship, of so many `candidates`: lanes that test has found
    lost cannot fail, and are spares that the machine does not have. Where too few ship the replica counts as full, too.
    Copies fail with their class's probability; the gap to the next failed copy is geometric, so that the
    work is in the failures and not in the copies.
    """
    used, few = None, jnp.zeros(replica.shape, bool)
    if plan.made:
        pool = shipped(plan, keys, replica, candidates)
        used = machine(plan, pool.lost)
        few = pool.ready < used.shape[0] // pool.lost.shape[0]
    failed, full = _failures(plan, unavailability, keys, replica, slots, used)
    losses = _losses(plan, failed, used)
    light = jnp.full(replica.shape, 1 - plan.excursions.lost[0, 0]) if plan.lit else None
    still = jnp.zeros(losses.loss.shape, bool)
    return delivered(plan, losses, jnp.maximum(failed.cls, 0), still, light), full | few


def _failures(plan: Plan, unavailability, keys, replica, slots: int, used):
    lanes, classes = replica.shape[0], unavailability.shape[0]
    rate = -jnp.log1p(-unavailability)
    empty = jnp.full((slots, lanes), -1, jnp.int32)
    none = jnp.zeros(lanes, jnp.int32)
    start = (none, none - 1, none, none.astype(U32), _Failed(empty, empty))

    def step(state):
        cls, position, found, tally, failed = state
        going = cls < classes
        c = jnp.minimum(cls, classes - 1)
        words = threefry2x32((keys[c, 0], keys[c, 1]), (replica, tally))
        gap = jnp.minimum(exponential(*words) / jnp.maximum(rate[c], 1e-30), float(1 << 30))
        after = position + 1 + gap.astype(jnp.int32)
        hit = going & (after >= 0) & (after < plan.classes.positions[c].astype(jnp.int32))
        row = plan.classes.first[c] + after
        fails = hit
        if used is not None:
            fails = hit & used_spares(plan, used, jnp.where(hit, row, 0))[1]
        at = fails & (iota(slots) == found)
        failed = _Failed(jnp.where(at, c, failed.cls), jnp.where(at, row, failed.row))
        cls = jnp.where(hit | ~going, cls, cls + 1)
        return cls, jnp.where(hit, after, -1), found + fails, tally + going, failed

    state = jax.lax.while_loop(lambda s: jnp.any(s[0] < classes), step, start)
    return state[4], state[2] > slots


def _losses(plan: Plan, failed: _Failed, used):
    """Losses of the failed components; the first of a counting group carries what the group lacks."""
    c, p = plan.classes, plan.places
    active = failed.cls >= 0
    cls, row = jnp.maximum(failed.cls, 0), jnp.maximum(failed.row, 0)
    counting = active & (c.counting[cls] > 0)
    group, element = jnp.where(counting, p.group[row], -1), p.element[row]
    number = iota(failed.cls.shape[0])
    slots = number.shape[0]

    def twins(j, twin):
        same = counting & (element[j] == element) & (group[j] == group)
        return twin | (same & (j < number))

    twin = jax.lax.fori_loop(0, slots, twins, jnp.zeros(active.shape, bool))

    def members(j, value):
        count, later = value
        same = counting & (group[j] == group)
        return count + (same & ~twin[j]), later | (same & (j < number))

    start = (jnp.zeros(active.shape, jnp.int32), jnp.zeros(active.shape, bool))
    count, later = jax.lax.fori_loop(0, slots, members, start)
    spares = c.spares[cls]
    if used is not None:
        spares = spares - jnp.stack([used_spares(plan, used, each)[0] for each in rows(row)])
    lacks = jnp.clip((count - spares).astype(jnp.float32) * c.share[cls], 0, plan.most)
    if plan.structured:
        lacks = _structured(plan, cls, row, group, counting, lacks)
    loss = jnp.where(counting, jnp.where(later, 0, lacks), c.share[cls])
    return unpack(active, p.span[row], p.reach[row], loss)


def _structured(plan: Plan, cls, row, group, counting, lacks):
    """What the groups of units with a structure have lost; `lacks` for the others."""
    structure = plan.classes.structure[cls]
    home = plan.places.home[row]
    built = counting & (structure >= 0)
    bit = 1 << jnp.where(built, home - group, 0)

    def members(j, word):
        return word | jnp.where(built[j] & (group[j] == group), bit[j], 0)

    failed = jax.lax.fori_loop(0, row.shape[0], members, jnp.zeros(row.shape, jnp.int32))
    share = jnp.where(lost(plan.structures, structure, failed), plan.classes.share[cls], 0)
    return jnp.where(built, share, lacks)
