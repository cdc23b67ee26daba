"""The failure that comes next: which class, which of its copies, whether it counts, and the clock after it."""

import equinox as eqx
import jax.numpy as jnp

from ..plan import Plan
from ._draw import U32, below, exponential, threefry2x32
from ._entries import first, hold, iota, least, pick, row_of, some
from ._heat import below_instance, picked, strike_hours, victim, words
from ._latent import at_risk, defect
from ._renewal import advance, after
from ._start import State
from ._visits import turn


POSITION = 1  # top bits of the slots that positions and repairs draw from


def candidate(plan: Plan, keys, replica, s: State, fails, striking, pool):
    """Return class, position and validity of the candidate, the advanced clocks, and spare randomness.

    `striking` marks the outage that strikes, an excursion: then the candidate is one of the copies below it.
    """
    c, w = plan.classes, plan.wearing
    steady = c.positions.shape[0] - w
    at = first(plan.alive, s.clock == least(plan.alive, s.clock))
    again, renewed = jnp.zeros((w, 0, fails.shape[0]), bool), jnp.zeros(fails.shape, bool)
    if w:
        flat = s.renewals.clock.reshape(-1, fails.shape[0])
        renewed = least(plan.alive, flat) < least(plan.alive, s.clock)
        again = (first(plan.alive, flat == least(plan.alive, flat)) & renewed).reshape(
            s.renewals.clock.shape
        )
        of = jnp.any(again, 1)
        at = jnp.where(renewed, jnp.concatenate([jnp.zeros_like(at[:steady]), of]), at)
    strikes = jnp.zeros(fails.shape, bool)
    kind = instance = jnp.zeros(fails.shape, jnp.int32)
    if plan.hot:
        strikes = some(plan.alive, striking)
        kind, instance = hold(plan.alive, picked(plan, striking, s.outages))
        at = jnp.where(strikes, iota(at.shape[0]) == kind, at)
        again, renewed, fails = again & ~strikes, renewed & ~strikes, fails | strikes
    cls = pick(plan.alive, at, jnp.broadcast_to(iota(at.shape[0]), at.shape))
    n = row_of(c.positions, cls)
    base = jnp.zeros(n.shape, jnp.int32)
    if w:
        slot = some(plan.alive, again)
        copies = plan.wear.copies[
            jnp.maximum(cls - steady, 0), pick(plan.alive, slot, s.renewals.kind)
        ]
        n = jnp.where(renewed, copies.astype(U32), n)
        base = jnp.where(renewed, pick(plan.alive, slot, s.renewals.fru) * copies, 0)
        if plan.latent:
            n = at_risk(plan, pool, s.renewals, slot, renewed, cls, n)
    key = row_of((keys[: len(c.positions), 0], keys[: len(c.positions), 1]), cls)
    tally = pick(plan.alive, at, s.candidates)
    gap = jnp.zeros(fails.shape)
    if plan.hot:
        word, gap = hold(plan.alive, words(plan, keys, replica, s.struck))
        hit = victim(plan, kind, word)
        from_, copies = below_instance(plan, kind, instance, hit)
        cls, base = jnp.where(strikes, hit, cls), jnp.where(strikes, from_, base)
        n = jnp.where(strikes, copies.astype(U32), n)
        x = s.outages
        later = strike_hours(s.now, gap, x.loss, x.duration)
        key = tuple(
            jnp.where(strikes, mine, own)
            for mine, own in zip(keys[c.positions.shape[0]], key, strict=True)
        )
        drawn = strikes | (fails & (cls < plan.hot))
        tally, number = jnp.where(strikes, s.struck, tally), s.struck + drawn
        times = jnp.where(striking, later, x.time)
        s = eqx.tree_at(lambda t: (t.outages.time, t.struck), s, (times, number))
    cls, n, base, at, key, tally = hold(plan.alive, (cls, n, base, at, key, tally))
    high, low = threefry2x32(key, (replica, tally))
    where, word = threefry2x32(key, (replica, tally | U32(POSITION << 30)))
    position = base + below(where, n).astype(jnp.int32)
    unit = exponential(high, low) / jnp.maximum(n, 1).astype(jnp.float32)
    position, unit, word = hold(plan.alive, (position, unit, word))
    tick = at & fails & ~strikes
    coming = after(plan, cls, s.now, unit * row_of(c.mean_hours, cls))
    if plan.scheduled:
        mine, copy, next_turn = turn(plan, cls, tally, n)
        position, coming = jnp.where(mine, copy, position), jnp.where(mine, next_turn, coming)
        position, coming = hold(plan.alive, (position, coming))
    clock = jnp.where(tick, coming, s.clock)
    valid, age, renewals = fails, s.age, s.renewals
    if plan.latent:
        slot = some(plan.alive, again)
        found = defect(plan, pool, s.renewals, slot, renewed, s.package, cls, position)
        position, there = hold(plan.alive, found)
        valid = valid & there
    if w:
        home = plan.places.home[c.first[cls] + position]
        own, age, worn, renewals = advance(
            plan, s.renewals, s.age, s.clock[steady:], tick[steady:], again & fails, unit, cls, home
        )
        valid, clock = valid & own, jnp.concatenate([clock[:steady], worn])
    s = eqx.tree_at(
        lambda t: (t.clock, t.age, t.candidates, t.renewals),
        s,
        (clock, age, s.candidates + tick, renewals),
    )
    return cls, position, valid, s, word, gap
