"""Service: spares from the shelf, the queue for technicians, repair times (`docs/model.md`, section 3)."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool

from ..plan import UNATTENDED, Plan
from ._draw import U32, exponential
from ._entries import QUEUE, REPAIR, Outages, count, first, hold, least, row_of, some
from ._quantile import quantile
from ._visits import guests, may_begin


def take_spare(plan: Plan, now, shelf, cls, opens):
    """Return when the job has its spare, and the shelf after ordering it again."""
    c = row_of(plan.classes, cls)
    if not plan.stock:
        return now, shelf
    pooled, ordered = c.pool >= 0, now + c.restock_hours
    slots = sum(plan.stock)
    if not slots:  # every part is ordered when it has failed
        return jnp.where(pooled, ordered, now), shelf
    pools = jnp.repeat(
        jnp.arange(len(plan.stock)), jnp.array(plan.stock), total_repeat_length=slots
    )
    mine = pools[:, None] == c.pool
    earliest = least(plan.alive, jnp.where(mine, shelf, jnp.inf))
    arrives = jnp.where(jnp.isinf(earliest), ordered, jnp.maximum(now, earliest))
    ready = jnp.where(pooled, arrives, now)
    if plan.shelf is not None:  # a place on the shelf that is not there is never taken
        mine = mine & ~jnp.isinf(shelf)
    taken = opens & first(plan.alive, mine & (shelf == earliest))
    return ready, jnp.where(taken, ordered, shelf)


def repair_hours(plan: Plan, cls, word, now):
    """Draw the repair time of a job."""
    c = row_of(plan.classes, cls)
    unit = exponential(word, U32(1 << 31))
    hours = c.repair_hours * jnp.where(c.repair_kind == 0, 1, unit)
    if plan.drawn_repairs:
        drawn = quantile(plan.quantiles, c.repair_table, unit)
        hours = jnp.where(c.repair_kind == 2, drawn, hours)
    if UNATTENDED in plan.rules:
        # The clock ticks in steps of up to 14 s (float32, five years): a reset of 30 s is rounded at random, so that
        # its mean is right.
        tick = jnp.nextafter(now, jnp.inf) - now
        off = (word >> 8).astype(jnp.float32) * 2.0**-24 - 0.5
        hours = jnp.where(c.repair_kind == 0, jnp.maximum(hours + off * tick, 0), hours)
    return hours


def startable(plan: Plan, now, x: Outages) -> Bool[Array, " lanes"]:
    """Is there a job with its spare, and a technician for it?"""
    if plan.rules:
        return some(plan.alive, may_begin(plan, now, x))
    waits = some(plan.alive, x.phase == QUEUE)
    return (
        waits & (count(plan.alive, x.phase == REPAIR) < plan.technicians) if plan.queued else waits
    )


def dispatch(plan: Plan, now, outages: Outages, may: Bool[Array, " lanes"]) -> Outages:
    """Start the job that has waited longest, if a technician is free; under rules, of those that may begin."""
    phase, time = hold(plan.alive, (outages.phase, outages.time))
    x = eqx.tree_at(lambda t: (t.phase, t.time), outages, (phase, time))
    waits = may_begin(plan, now, x) if plan.rules else phase == QUEUE
    longest = first(
        plan.alive, waits & (time == least(plan.alive, jnp.where(waits, time, jnp.inf)))
    )
    can = some(plan.alive, waits) if plan.rules else startable(plan, now, x)
    starts = hold(plan.alive, longest & may & can)
    phase = jnp.where(starts, REPAIR, phase)
    time = jnp.where(starts, now + x.duration, time)
    if outages.guest is not None:
        invited = (starts & guests(plan, x)).astype(jnp.int32)
        outages = eqx.tree_at(lambda t: t.guest, outages, jnp.where(starts, invited, outages.guest))
    return eqx.tree_at(lambda t: (t.phase, t.time), outages, (phase, time))
