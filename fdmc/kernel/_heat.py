"""Excursions of temperature in a history: the lanes that they darken, and the failures that they add.

An excursion is an outage that nobody repairs: it has the phase HOT, ends at `duration`, and strikes at the rate
`loss`; `time` is its next strike or its end. Only machines with excursions compile any of this.
"""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from ..plan import Plan
from ._domain import Losses
from ._draw import U32, exponential, threefry2x32
from ._entries import HOT, Outages, hold, iota, pick, rows, some


_DARKENS = 1e-7  # of the lanes: fewer are none, and rounding
_WINDOW = 3  # top bits of the slots that windows draw from


def taken(plan: Plan, season: Int[Array, " lanes"], rise: Float[Array, "..."]):
    """Return the share of an engine's lanes that is dark at a rise, linear between the knots."""
    lost, knots = plan.excursions.lost, plan.excursions.lost.shape[1]
    at = jnp.clip(rise / plan.excursions.step_kelvin, 0.0, float(knots - 1))
    low = jnp.minimum(at.astype(jnp.int32), knots - 2)
    left = lost[season, low]
    return left + (at - low.astype(at.dtype)) * (lost[season, low + 1] - left)


def season_of(plan: Plan, passed: Int[Array, " lanes"]) -> tuple[Int[Array, " lanes"], Array]:
    """Return the step of the environment after so many of its edges, and when it ends."""
    if plan.seasons == 1:
        return jnp.zeros_like(passed), jnp.full(passed.shape, jnp.inf)
    e = plan.excursions
    number = passed + jnp.sum(e.season_hours <= 0)
    season, turn = number % plan.seasons, number // plan.seasons
    return season, e.season_hours[season] + turn.astype(jnp.float32) * e.cycle_hours


def darken(
    plan: Plan, x: Outages, losses: Losses, season: Int[Array, " lanes"]
) -> tuple[Losses, Float[Array, " lanes"]]:
    """Return the losses with those of the excursions, and the share of all lanes that these take.

    What an excursion takes depends on the rises of those around it, of equal ones of those written before it:
    together they take what the sum of their rises does.
    """
    slots = x.phase.shape[0]
    kind = jnp.minimum(jnp.maximum(x.kind, 0), plan.hot - 1)
    hot = (x.phase == HOT) & (losses.low < losses.high)
    rise = jnp.where(hot, plan.excursions.rise_kelvin[kind], 0.0)
    hot, rise = hold(plan.alive, (hot, rise))
    around = []
    for j in range(slots):
        one = losses.row(j)
        wider = (losses.low <= one.low) & (one.high <= losses.high)
        wider &= (losses.left <= one.left) & (one.right <= losses.right)
        same = (losses.low == one.low) & (losses.high == one.high)
        same &= (losses.left == one.left) & (losses.right == one.right)
        first = (kind < kind[j]) | ((kind == kind[j]) & (iota(slots) < j))
        covers = hot & wider & (~same | first)
        around.append(sum(rows(jnp.where(covers, rise, 0.0))))
    before = hold(plan.alive, jnp.stack(around))
    free, left = 1 - taken(plan, season, before), 1 - taken(plan, season, before + rise)
    loss = jnp.where(hot & (free - left > _DARKENS), (free - left) / jnp.maximum(free, 1e-12), 0.0)
    loss = jnp.where(x.phase == HOT, loss, losses.loss)
    part = (losses.right - losses.left).astype(jnp.float32) / plan.segment_planes.shape[0]
    share = jnp.where(hot, losses.size * part * (free - left), 0.0)
    dark = sum(rows(share)) / plan.accelerators
    loss, dark = hold(plan.alive, (loss, dark))
    active = jnp.where(x.phase == HOT, loss > 0, losses.active)
    return Losses(
        active, losses.low, losses.high, losses.kind, losses.left, losses.right, loss
    ), dark  # fmt: skip


def begin(
    plan: Plan, cls: Int[Array, " lanes"], now, duration, unit
) -> tuple[Bool[Array, " lanes"], Float[Array, " lanes"], Float[Array, " lanes"], Array]:
    """Return which lanes have an excursion begin, its next event, its end, and the rate of its strikes."""
    e, hot = plan.excursions, cls < plan.hot
    kind = jnp.minimum(cls, plan.hot - 1)
    lasts = duration + e.tail_hours[kind]
    rate = (e.strikes[kind] * duration + e.strike_hours[kind]) / jnp.maximum(lasts, 1e-9)
    return hot, strike_hours(now, unit, rate, now + lasts), now + lasts, rate


def strike_hours(now, unit, rate, end):
    """Return when an excursion strikes next, or its end."""
    return jnp.minimum(now + unit / jnp.maximum(rate, 1e-30), end)


def victim(plan: Plan, kind: Int[Array, " lanes"], word) -> Int[Array, " lanes"]:
    """Draw the class that an excursion of this kind strikes."""
    which = plan.excursions.which
    classes = which.shape[1]
    unit = (word >> 8).astype(jnp.float32) * 2.0**-24
    found = jnp.zeros(kind.shape, jnp.int32)
    for bit in reversed(range((classes - 1).bit_length())):
        ahead = found + (1 << bit)
        passed = (ahead < classes) & (unit >= which[kind, jnp.minimum(ahead, classes) - 1])
        found = jnp.where(passed, ahead, found)
    return found


def below_instance(plan: Plan, kind, instance, cls) -> tuple[Int[Array, " lanes"], Array]:
    """Return the first copy of a class below an instance of an excursion's unit, and how many there are."""
    e = plan.excursions
    copies = e.copies[kind, cls]
    return instance // e.several[kind] * copies, copies


def strikes_at(plan: Plan, x: Outages, ends: Bool[Array, "slots lanes"]) -> Bool[Array, " lanes"]:
    """Return the lanes in which the excursion whose time has come strikes instead of ending."""
    return some(plan.alive, ends & (x.phase == HOT) & (x.time < x.duration))


def words(plan: Plan, keys, replica, number):
    """Return a word to choose a victim by, and a standard exponential for the next strike.

    Strikes have a stream of their own, after those of the classes: excursions are the same with and without them.
    """
    key = keys[plan.classes.positions.shape[0]]
    which, gap = threefry2x32((key[0], key[1]), (replica, number))
    return which, exponential(gap, U32(1 << 31))


def window_starts(plan: Plan, keys, replica, windows: int, width) -> Float[Array, "windows lanes"]:
    """Return where the windows of each replica begin: one in each equal part of the mission."""
    number = jnp.arange(windows, dtype=jnp.uint32)[:, None]
    slot = number | U32(_WINDOW << 30)
    key = keys[min(plan.classes.positions.shape[0], keys.shape[0] - 1)]
    word, _ = threefry2x32((key[0], key[1]), (replica[None], slot))
    unit = (word >> 8).astype(jnp.float32) * 2.0**-24
    room = plan.mission_hours - width
    return plan.run_in_hours + (number.astype(jnp.float32) + unit) / windows * room


def picked(plan: Plan, mask, x: Outages):
    """Return kind and instance of the excursion in a mask."""
    kind = jnp.minimum(pick(plan.alive, mask, x.kind), plan.hot - 1)
    return kind, pick(plan.alive, mask, x.fru)
