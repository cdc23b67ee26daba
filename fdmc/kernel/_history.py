"""Repairable histories: the next occurrence of every replica, over and over, until the mission ends.

The laws are in `docs/model.md`, section 3; `fdmc.reference` is the same in plain Python. One step handles
one occurrence per replica: a failure, a spare that arrives, or the end of a repair. Failures come from
one clock a class, the superposed failure process of all its copies; a candidate that
falls on a copy that is down, or that a swap has renewed since, is void (thinning, which is exact).
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, UInt32

from ..plan import OPPORTUNISTIC, WINDOWED, Plan
from ._draw import U32, below, exponential, threefry2x32
from ._entries import (
    EMPTY,
    HOT,
    PASSENGER,
    QUEUE,
    REPAIR,
    SHELF,
    Latents,
    Outages,
    count,
    first,
    fold,
    hold,
    iota,
    least,
    pick,
    some,
)
from ._heat import (
    begin,
    below_instance,
    darken,
    picked,
    season_of,
    strike_hours,
    strikes_at,
    victim,
    words,
)
from ._latent import at_risk, brought, defect, renumbered
from ._losses import unpack
from ._outcome import (
    LATENTS_FULL,
    OUTAGES_FULL,
    PACKAGES_FULL,
    RENEWALS_FULL,
    Bounds,
    Outcome,
    accumulate,
    count_failure,
    darkness,
)
from ._reconfigure import delivered
from ._renewal import advance, after, renew
from ._service import dispatch, repair_hours, startable, take_spare
from ._start import State, start
from ._structure import relieved, struck
from ._supply import shipped, swapped, used_spares
from ._visits import NOWHERE, joining, next_opening, out_around, started, turn, visitor


POSITION = 1  # top bits of the slots that positions and repairs draw from


def history(
    plan: Plan, keys: UInt32[Array, "streams 2"], replica: UInt32[Array, " lanes"], bounds: Bounds
) -> Outcome:
    """Return the outcomes of these replicas.

    **Arguments:** `keys` of the streams (see `stream_keys`), the low words of the replica numbers, and
    the bounds. An outcome does not depend on the bounds unless its status says that one was hit.
    """
    end = plan.run_in_hours + plan.mission_hours
    pool = shipped(plan, keys, replica, bounds.packages) if plan.made else None
    state = start(plan, keys, replica, bounds, pool)
    step = lambda s: _step(plan, keys, replica, bounds, s, pool)
    state = jax.lax.while_loop(lambda s: jnp.any(s.now < end), step, state)
    if pool is not None:  # what is taken beyond those that ship is void
        short = jnp.where(state.taken > pool.ready, PACKAGES_FULL, 0)
        state = eqx.tree_at(lambda s: s.out.status, state, state.out.status | short)
    return eqx.tree_at(lambda out: out.candidates, state.out, state.candidates - U32(1))


def _step(plan: Plan, keys, replica, bounds: Bounds, s: State, pool) -> State:
    end = plan.run_in_hours + plan.mission_hours
    x = s.outages
    repairing = x.phase == REPAIR
    away = repairing & (x.out_reach >= 0)
    losses = unpack(
        x.phase != EMPTY,
        jnp.where(away, x.out_span, x.span),
        jnp.where(away, x.out_reach, x.reach),
        jnp.where(away, 1.0, x.loss),
    )
    season, edge = season_of(plan, s.passed)
    steady = dark = jnp.zeros(())
    if plan.lit:
        steady = dark = plan.excursions.lost[season, 0]
    if plan.hot:
        losses, more = darken(plan, x, losses, season)
        dark = steady + more
    now = delivered(plan, losses, x.kind, away, 1 - steady if plan.lit else None, s.crew)
    timed = repairing | (x.phase == SHELF) | (x.phase == HOT)
    timer = jnp.where(timed, x.time, jnp.inf)
    # A technician who has just been freed starts his next job in a step of its own.
    starts = startable(plan, s.now, x)
    joins = None
    if plan.joins:
        joins = joining(plan, x, s.latents) & (s.now < end)
        starts = starts | some(plan.alive, joins)
    due = jnp.where(starts, s.now, least(plan.alive, timer))
    if WINDOWED in plan.rules:
        due = jnp.minimum(due, next_opening(plan, s.now, x))
    next_failure = least(plan.alive, s.clock)
    if plan.wearing:
        next_failure = jnp.minimum(
            next_failure, least(plan.alive, s.renewals.clock.reshape(-1, s.now.shape[0]))
        )
    now, due, next_failure = hold(plan.alive, (now, due, next_failure))
    until = jnp.minimum(jnp.minimum(due, next_failure), end)
    if plan.seasons > 1:
        until = jnp.minimum(until, edge)
    going = s.now < end
    out = accumulate(plan, s, now, x.kind, until, going, steady)
    if plan.lit:
        out = darkness(plan, bounds, s, out, dark, until, going)
    fails = going & (next_failure < due) & (next_failure < end)
    rings = going & (due <= next_failure) & (due < end) & ~starts
    failed = jnp.full_like(s.failed, -1)
    if plan.seasons > 1:
        turns = until == edge
        fails, rings = fails & ~turns, rings & ~turns
        failed = jnp.where(turns, -2, failed)
        s = eqx.tree_at(lambda t: t.passed, s, s.passed + (going & turns))
    counts = going & (until >= plan.run_in_hours)
    s = eqx.tree_at(
        lambda t: (t.now, t.available, t.failed, t.out),
        s,
        (until, now.available, failed, out),
    )
    if now.crew is not None:
        s = eqx.tree_at(lambda t: t.crew, s, now.crew)
    if now.switched is not None:
        s = eqx.tree_at(lambda t: t.switched, s, now.switched)
    ends = rings & first(plan.alive, timer == due)
    striking = ends & strikes_at(plan, x, ends) if plan.hot else None
    s = _ring(plan, keys, replica, s, rings, ends, pool)
    rests = rings & some(plan.alive, ends & repairing)
    s = _fail(plan, keys, replica, s, fails, counts, striking, joins, pool)
    outages = dispatch(plan, s.now, s.outages, ~rests & (s.now < end))
    if plan.scheduled:
        s = eqx.tree_at(lambda t: t.failed, s, started(plan, s.outages, outages, s.failed))
    return eqx.tree_at(lambda t: t.outages, s, outages)


def _ring(plan: Plan, keys, replica, s: State, rings, at, pool) -> State:
    """A spare has arrived, or a repair has ended."""
    x = s.outages
    arrives = at & (x.phase == SHELF)
    ends = at & (x.phase == REPAIR)
    done = some(plan.alive, ends)
    low = jnp.where(done, pick(plan.alive, ends, x.fru_low), 1)
    high = jnp.where(done, pick(plan.alive, ends, x.fru_high), 0)
    arrives, ends, done, low, high = hold(plan.alive, (arrives, ends, done, low, high))
    inside = (low <= x.home) & (x.home < high)
    job = (x.phase == SHELF) | (x.phase == QUEUE) | (x.phase == REPAIR)
    gone = ends | (inside & ~job)
    if plan.hot:
        gone = gone | (at & (x.phase == HOT) & (x.time >= x.duration))
    healed = inside & ~gone
    phase = jnp.where(gone, EMPTY, jnp.where(arrives, QUEUE, x.phase))
    home = jnp.where(gone | healed, -1, x.home)
    group = jnp.where(gone | healed, -1, x.group)
    loss = jnp.where(gone | healed, 0, x.loss)
    if True in plan.counted or plan.singly:
        loss = _recount(plan, x, s.latents, ends, low, high, group, loss)
    if plan.structured:
        loss = relieved(plan, x, s.latents, low, high, group, loss)
    changed = hold(plan.alive, (phase, home, group, loss))
    x = eqx.tree_at(lambda t: (t.phase, t.home, t.group, t.loss), x, changed)
    latents = s.latents
    if False in plan.counted:
        freed = (low <= latents.home) & (latents.home < high)
        gone_ = [jnp.where(freed, -1, f) for f in (latents.home, latents.element, latents.group)]
        latents = eqx.tree_at(lambda t: (t.home, t.element, t.group), latents, tuple(gone_))
    s = eqx.tree_at(lambda t: (t.outages, t.latents), s, (x, latents))
    more = ()
    if plan.latent:
        defects = brought(plan, pool, s.taken, done, low, high)
        package = renumbered(plan, pool, s.package, s.taken, done, low, high)
        package, *more = hold(plan.alive, (package, defects, s.taken))
        s = eqx.tree_at(lambda t: t.package, s, package)
    if plan.made:
        new = hold(plan.alive, swapped(plan, pool, s.used, s.taken, done, low, high))
        s = eqx.tree_at(lambda t: (t.used, t.taken), s, new)
    if plan.wearing:
        cls, fru = pick(plan.alive, ends, x.kind), pick(plan.alive, ends, x.fru)
        renewals, swaps, full = renew(
            plan, keys, replica, s.renewals, s.swaps, s.now, done, low, high, cls, fru, *more
        )
        s = eqx.tree_at(lambda t: (t.renewals, t.swaps), s, (renewals, swaps))
        s = _stop(s, plan, jnp.where(full, RENEWALS_FULL, 0))
    return s


def _recount(plan: Plan, x: Outages, latents: Latents, ends, low, high, group, loss):
    """After a repair, the first remaining failure of its group carries what the group still lacks."""
    c = plan.classes
    kind = pick(plan.alive, ends, x.kind)
    of = jnp.where(some(plan.alive, ends & (x.group >= 0)), pick(plan.alive, ends, x.group), -2)
    when_failed = c.when_failed[kind] > 0
    rest = group == of
    failed, mine = count(plan.alive, rest), rest & when_failed
    if plan.singly:
        # A group repaired when short has all its failures among the latents.
        new = (low <= latents.home) & (latents.home < high)
        freed = fold(plan.alive, jnp.maximum, jnp.where(new, latents.group, -2))
        of = jnp.where(when_failed, of, freed)
        rest = group == of
        failed = jnp.where(when_failed, failed, count(plan.alive, (latents.group == of) & ~new))
        mine = rest & (when_failed | (low >= of))
    lacks = (failed - c.spares[kind]).astype(jnp.float32) * c.share[kind]
    return jnp.where(
        mine, jnp.where(first(plan.alive, rest), jnp.clip(lacks, 0, plan.most), 0), loss
    )


def _fail(plan: Plan, keys, replica, s: State, fails, counts, striking, joins, pool) -> State:
    """The next candidate of some class: a failure, unless it falls on a copy that cannot fail.

    `joins` marks the latent failure that joins a visit: it opens a job, and nothing has failed.
    """
    c, p = plan.classes, plan.places
    cls, position, valid, s, word, gap = _candidate(plan, keys, replica, s, fails, striking, pool)
    x = s.outages
    row = c.first[cls] + position.astype(jnp.int32)
    joined_visit = None
    if joins is not None:
        joined_visit, cls, row, word = visitor(
            plan, keys, replica, s.latents, joins, s.joined, (cls, row, word)
        )
    row = hold(plan.alive, row)
    home, element, group = p.home[row], p.element[row], p.group[row]
    home, element, group = hold(plan.alive, (home, element, group))
    valid = valid & ~some(plan.alive, x.home == home)
    counting, short_only = c.counting[cls] > 0, c.when_failed[cls] == 0
    spares = c.spares[cls]
    if plan.made:
        used, lives = hold(plan.alive, used_spares(plan, s.used, row))
        valid, spares = valid & lives, spares - used
    failed = jnp.zeros(home.shape, jnp.int32)
    twin = jnp.zeros(home.shape, bool)
    if True in plan.counted:
        failed = count(plan.alive, x.group == group)
        twin = counting & some(plan.alive, (x.element == element) & (x.group == group))
    if False in plan.counted:
        valid = valid & ~some(plan.alive, s.latents.home == home)
        failed = jnp.where(short_only, count(plan.alive, s.latents.group == group), failed)
        twin = jnp.where(short_only, some(plan.alive, s.latents.element == element), twin)
    failed = failed + ~twin
    lacks = (failed - spares).astype(jnp.float32) * c.share[cls]
    loss = jnp.where(counting, jnp.clip(lacks, 0, plan.most), c.share[cls])
    # What is repaired when short waits among the latents, and its first job keeps the group's loss.
    waits = keeps = short_only
    if plan.structured:
        built, dead = hold(plan.alive, struck(plan, x, s.latents, cls, home, group))
        loss = jnp.where(built, jnp.where(dead, c.share[cls], 0), loss)
        waits, keeps = short_only & ~(built & dead), short_only & ~built
    fru_low, fru_high = p.fru_low[row], p.fru_high[row]
    if plan.singly:
        keeps = keeps & (fru_low < group)  # the newest of several jobs carries the loss
    job = (x.phase == SHELF) | (x.phase == QUEUE) | (x.phase == REPAIR)
    open_already = some(plan.alive, job & (x.fru_low == fru_low) & (x.fru_high == fru_high))
    wanted = ~counting | ~short_only | (loss > 0)
    joinable = jnp.zeros(home.shape, bool)
    if plan.joins:
        joinable = plan.service.rules[cls] & OPPORTUNISTIC > 0
        wanted = wanted | (joinable & out_around(plan, x, fru_low, fru_high))
    opens = valid & ~open_already & wanted & (cls >= plan.hot)
    if joined_visit is not None:
        opens = opens | (joined_visit & ~open_already)
    takes = valid & (loss > 0) & ~twin
    carried = counting & keeps & some(plan.alive, x.group == group)
    enters = opens | (takes & ~carried) | (valid & counting & ~short_only)
    enters = enters | (valid & (cls < plan.hot))
    if plan.counted:
        same = valid & counting & ~twin & (x.group == group) & (x.phase != EMPTY)
        shared = jnp.where(keeps, loss, 0.0)
        x = eqx.tree_at(lambda t: t.loss, x, jnp.where(same, shared, x.loss))
    joined = twin
    if plan.singly:  # the first job of an element that has failed before joins its group
        joined = counting & some(plan.alive, (x.element == element) & (x.group == group))
    if joined_visit is not None:
        joined = joined & ~joined_visit
    opens, enters, takes, loss, twin, joined = hold(
        plan.alive, (opens, enters, takes, loss, twin, joined)
    )
    ready, shelf = take_spare(plan, s.now, s.shelf, cls, opens)
    duration = repair_hours(plan, cls, word, s.now)
    phase = jnp.where(opens, jnp.where(ready > s.now, SHELF, QUEUE), PASSENGER)
    stored = jnp.where(twin, 0.0, loss)
    if plan.hot:
        hot, next_event, end, rate = begin(plan, cls, s.now, duration, gap)
        phase, ready = jnp.where(hot, HOT, phase), jnp.where(hot, next_event, ready)
        duration, stored = jnp.where(hot, end, duration), jnp.where(hot, rate, stored)
    slot = enters & first(plan.alive, x.phase == EMPTY)
    full = enters & ~some(plan.alive, slot)
    slot, full, ready, duration, phase, stored = hold(
        plan.alive, (slot, full, ready, duration, phase, stored)
    )
    fields = (
        phase, ready, duration, cls, home, element, jnp.where(counting & ~joined, group, -1),
        _fru(plan, row, cls, position), fru_low, fru_high, stored,
        p.span[row], p.reach[row], p.out_span[row], p.out_reach[row],
    )  # fmt: skip
    service = plan.service
    if plan.rules:
        fields = (*fields, service.rules[cls])
    if OPPORTUNISTIC in plan.rules:
        fields = (*fields, jnp.zeros_like(cls), service.out_low[row], service.out_high[row])
    new = Outages(*(field[None] for field in fields))
    x = jax.tree.map(lambda old, value: jnp.where(slot, value, old), x, new)
    status = jnp.where(full, OUTAGES_FULL, 0)
    latents = s.latents
    if False in plan.counted:
        late = valid & counting & waits
        place = late & first(plan.alive, latents.home < 0)
        status = status | jnp.where(late & ~some(plan.alive, place), LATENTS_FULL, 0)
        late_row = (home, element, jnp.where(twin, -1, group))
        if plan.joins:
            low, high = (jnp.where(joinable, f, NOWHERE) for f in (fru_low, fru_high))
            late_row = (*late_row, cls, row, low, high)
        late_row = Latents(*(field[None] for field in late_row))
        latents = jax.tree.map(lambda old, value: jnp.where(place, value, old), latents, late_row)
    out = count_failure(s.out, cls, valid & counts, opens, takes, status)
    if joined_visit is not None:
        at = (iota(out.visits.shape[0]) == cls) & joined_visit & opens & counts
        out = eqx.tree_at(lambda t: t.visits, out, out.visits + at)
        s = eqx.tree_at(lambda t: t.joined, s, s.joined + joined_visit)
    failed = valid
    if plan.scheduled:
        failed = valid & ((cls < plan.hot) | (cls >= plan.hot + plan.scheduled))
    return _stop(
        eqx.tree_at(
            lambda t: (t.outages, t.latents, t.shelf, t.failed, t.out),
            s,
            (x, latents, shelf, jnp.where(failed, cls, s.failed), out),
        ),
        plan, status,
    )  # fmt: skip


def _candidate(plan: Plan, keys, replica, s: State, fails, striking, pool):
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
    n = c.positions[cls]
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
    key = (keys[cls, 0], keys[cls, 1])
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
    coming = after(plan, cls, s.now, unit * c.mean_hours[cls])
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


def _fru(plan: Plan, row, cls, position):
    """Number of the FRU, which only the renewal of wearing components asks for; the instance of an excursion."""
    number = plan.wear.fru[row] if plan.wearing else jnp.zeros(row.shape, jnp.int32)
    return jnp.where(cls < plan.hot, position, number) if plan.hot else number


def _stop(s: State, plan: Plan, status) -> State:
    """End a replica whose bound was hit: its outcome is void and says so."""
    end = plan.run_in_hours + plan.mission_hours
    return eqx.tree_at(
        lambda t: (t.now, t.out.status),
        s,
        (jnp.where(status > 0, end, s.now), s.out.status | status),
    )
