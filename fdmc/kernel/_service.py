"""Service: spares from the shelf, the queue for technicians, repair times (`docs/model.md`, section 3)."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool

from ..plan import Plan
from ._draw import U32, exponential
from ._entries import QUEUE, REPAIR, Outages, count, first, hold, least, some
from ._quantile import quantile


def take_spare(plan: Plan, now, shelf, cls, opens):
    """Return when the job has its spare, and the shelf after ordering it again."""
    c = plan.classes
    if not plan.stock:
        return now, shelf
    pooled, ordered = c.pool[cls] >= 0, now + c.restock_hours[cls]
    slots = sum(plan.stock)
    if not slots:  # every part is ordered when it has failed
        return jnp.where(pooled, ordered, now), shelf
    pools = jnp.repeat(
        jnp.arange(len(plan.stock)), jnp.array(plan.stock), total_repeat_length=slots
    )
    mine = pools[:, None] == c.pool[cls]
    earliest = least(plan.alive, jnp.where(mine, shelf, jnp.inf))
    arrives = jnp.where(jnp.isinf(earliest), ordered, jnp.maximum(now, earliest))
    ready = jnp.where(pooled, arrives, now)
    taken = opens & first(plan.alive, mine & (shelf == earliest))
    return ready, jnp.where(taken, ordered, shelf)


def repair_hours(plan: Plan, cls, word):
    """Draw the repair time of a job."""
    c = plan.classes
    unit = exponential(word, U32(1 << 31))
    hours = c.repair_hours[cls] * jnp.where(c.repair_kind[cls] == 0, 1, unit)
    if plan.drawn_repairs:
        drawn = quantile(plan.quantiles, c.repair_table[cls], unit)
        hours = jnp.where(c.repair_kind[cls] == 2, drawn, hours)
    return hours


def startable(plan: Plan, x: Outages) -> Bool[Array, " lanes"]:
    """Is there a job with its spare, and a technician for it?"""
    waits = some(plan.alive, x.phase == QUEUE)
    return (
        waits & (count(plan.alive, x.phase == REPAIR) < plan.technicians) if plan.queued else waits
    )


def dispatch(plan: Plan, now, outages: Outages, may: Bool[Array, " lanes"]) -> Outages:
    """Start the job that has waited longest, if a technician is free."""
    phase, time = hold(plan.alive, (outages.phase, outages.time))
    x = eqx.tree_at(lambda t: (t.phase, t.time), outages, (phase, time))
    waits = phase == QUEUE
    longest = first(
        plan.alive, waits & (time == least(plan.alive, jnp.where(waits, time, jnp.inf)))
    )
    starts = hold(plan.alive, longest & may & startable(plan, x))
    phase = jnp.where(starts, REPAIR, phase)
    time = jnp.where(starts, now + x.duration, time)
    return eqx.tree_at(lambda t: (t.phase, t.time), outages, (phase, time))
