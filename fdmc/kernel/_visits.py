"""Rules of jobs: without a technician, in a window, in a visit; and scheduled work (`docs/model.md`, section 3).

Only machines with such rules compile any of this.
"""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from ..plan import OPPORTUNISTIC, UNATTENDED, WINDOWED, Plan
from ._draw import threefry2x32
from ._entries import QUEUE, REPAIR, SHELF, Latents, Outages, count, first, hold, pick, some
from ._losses import each


NOWHERE = -(1 << 30)  # FRU of a failure that joins no visit: nothing that is out holds it
_VISIT = 13 << 28  # top bits of the slots that repairs in a visit draw from


def may_begin(plan: Plan, now, x: Outages) -> Bool[Array, "slots lanes"]:
    """Which jobs may begin now: guests of a visit, and those that have their technician and their window."""
    assert x.rules is not None
    waits = x.phase == QUEUE
    may = waits
    if plan.queued:
        busy = x.phase == REPAIR
        if UNATTENDED in plan.rules:
            busy = busy & (x.rules & UNATTENDED == 0)
        if x.guest is not None:
            busy = busy & (x.guest == 0)
        free = count(plan.alive, busy) < plan.technicians
        may = may & (free | (x.rules & UNATTENDED > 0))
    if WINDOWED in plan.rules:
        last, _ = openings(plan, now)
        may = may & ((now < last + plan.service.open_hours) | (x.rules & WINDOWED == 0))
    if OPPORTUNISTIC in plan.rules:
        may = may | (waits & guests(plan, x))
    return hold(plan.alive, may)


def guests(plan: Plan, x: Outages) -> Bool[Array, "slots lanes"]:
    """Which jobs are opportunistic, with a unit around their FRU out of service."""
    assert x.rules is not None
    return (x.rules & OPPORTUNISTIC > 0) & out_around(plan, x, x.fru_low, x.fru_high)


def out_around(plan: Plan, x: Outages, low, high) -> Bool[Array, "..."]:
    """Whether each FRU `[low, high)` lies in a unit that a repair has taken out of service."""
    repairing = x.phase == REPAIR
    from_, to = x.out_low, x.out_high
    assert from_ is not None
    assert to is not None

    def around(j, found):
        return found | (repairing[j] & (from_[j] <= low) & (high <= to[j]))

    return each(x.phase.shape[0], around, jnp.zeros(low.shape, bool))


def openings(plan: Plan, now: Float[Array, " lanes"]) -> tuple[Array, Array]:
    """Return when the last window opened, and when the next one does: later than now, whatever the rounding."""
    opens, every = plan.service.opens_hours, plan.service.every_hours
    guess = ((now - opens[0]) / every).astype(jnp.int32)
    at = jnp.clip(guess, 1, opens.shape[0] - 3)
    before, this, after, later = (opens[at + k] for k in (-1, 0, 1, 2))
    last = jnp.where(after <= now, after, jnp.where(this <= now, this, before))
    coming = jnp.where(this > now, this, jnp.where(after > now, after, later))
    return hold(plan.alive, (last, coming))


def next_opening(plan: Plan, now, x: Outages) -> Float[Array, " lanes"]:
    """Return when the next window opens, where a job waits for one; else never."""
    assert x.rules is not None
    waits = some(plan.alive, (x.phase == QUEUE) & (x.rules & WINDOWED > 0))
    return jnp.where(waits, openings(plan, now)[1], jnp.inf)


def joining(plan: Plan, x: Outages, latents: Latents) -> Bool[Array, "latents lanes"]:
    """Return the first failure that a spare covers, that has no job, and around whose FRU a unit is out."""
    low, high = latents.fru_low, latents.fru_high
    assert low is not None
    assert high is not None
    job = (x.phase == SHELF) | (x.phase == QUEUE) | (x.phase == REPAIR)

    def opened(j, found):
        return found | (job[j] & (x.fru_low[j] == low) & (x.fru_high[j] == high))

    open_already = each(x.phase.shape[0], opened, jnp.zeros(low.shape, bool))
    waits = (latents.home >= 0) & ~open_already & out_around(plan, x, low, high)
    return hold(plan.alive, first(plan.alive, hold(plan.alive, waits)))


def visitor(plan: Plan, keys, replica, latents: Latents, joins, number, candidate):
    """Put the failure that joins a visit, the `number`-th to do so, in the place of the candidate.

    **Returns:** whether one joins; class, row of `Places` and word for the repair time.
    """
    cls, row, word = candidate
    assert latents.kind is not None
    assert latents.row is not None
    one = some(plan.alive, joins)
    cls = jnp.where(one, pick(plan.alive, joins, latents.kind), cls)
    row = jnp.where(one, pick(plan.alive, joins, latents.row), row)
    own, _ = threefry2x32((keys[cls, 0], keys[cls, 1]), (replica, number | jnp.uint32(_VISIT)))
    return hold(plan.alive, (one, cls, row, jnp.where(one, own, word)))


def started(plan: Plan, before: Outages, after: Outages, failed: Int[Array, " lanes"]) -> Array:
    """Return -3 - class where scheduled work has just begun, else what `failed` says."""
    begun = (after.phase == REPAIR) & (before.phase == QUEUE)
    cls = jnp.where(some(plan.alive, begun), pick(plan.alive, begun, after.kind), -1)
    planned = (cls >= plan.hot) & (cls < plan.hot + plan.scheduled)
    return jnp.where(planned, -3 - cls, failed)


def turn(plan: Plan, cls, tally, n) -> tuple[Bool[Array, " lanes"], Array, Array]:
    """Return whether a class is scheduled work, whose turn it is, and when the next one's is."""
    s = plan.service
    mine = (cls >= plan.hot) & (cls < plan.hot + plan.scheduled)
    kind = jnp.clip(cls - plan.hot, 0, plan.scheduled - 1)
    copy = (s.first_copy[kind] + tally.astype(jnp.int32) - 1) % jnp.maximum(n.astype(jnp.int32), 1)
    return mine, copy, s.first_hours[kind] + tally.astype(jnp.float32) * s.gap_hours[kind]
