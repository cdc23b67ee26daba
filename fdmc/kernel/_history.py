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
from ._candidate import candidate
from ._draw import U32
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
    row_of,
    some,
)
from ._heat import (
    begin,
    darken,
    season_of,
    strikes_at,
)
from ._latent import brought, renumbered
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
from ._renewal import renew
from ._service import dispatch, repair_hours, startable, take_spare
from ._start import State, start
from ._structure import relieved, struck
from ._supply import shipped, swapped, used_spares
from ._visits import NOWHERE, joining, next_opening, out_around, started, visitor


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
    """The next occurrence of every replica; where states are cheap, the next timer and then the next failure.

    Every replica pays for all that a pass may do. Timers and failures mostly take turns, and what follows the one has
    little in common with what follows the other: two passes with half of it each cost what one with both does, and a
    second state.
    """
    one = lambda s, **which: _pass(plan, keys, replica, bounds, s, pool, **which)
    counted = plan.park > 0 and plan.sharing is None and plan.ring is None
    # A strike and a visit are timers that end in a failure.
    if not counted or plan.hot or plan.joins:
        return one(s, timers=True, failures=True)
    return one(one(s, timers=True, failures=False), timers=False, failures=True)


def _pass(
    plan: Plan, keys, replica, bounds: Bounds, s: State, pool, *, timers: bool, failures: bool
) -> State:
    """Take every replica to its next occurrence, if that is one of those asked for; the others stay as they are."""
    end = plan.run_in_hours + plan.mission_hours
    x = s.outages
    repairing = x.phase == REPAIR
    season, edge = season_of(plan, s.passed)
    now, dark, steady = _state(plan, s, season)
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
    fails = going & (next_failure < due) & (next_failure < end)
    rings = going & (due <= next_failure) & (due < end) & ~starts
    turns = going & (until == edge) if plan.seasons > 1 else jnp.zeros_like(going)
    fails, rings = fails & ~turns, rings & ~turns
    if not failures:
        going = going & ~fails
    if not timers:
        going = going & ~rings
    s = _wait(plan, bounds, s, now, jnp.where(going, until, s.now), going, turns, dark, steady)
    rests, striking = jnp.zeros_like(going), None
    if timers:
        ends = rings & first(plan.alive, timer == due)
        striking = ends & strikes_at(plan, x, ends) if plan.hot else None
        s = _ring(plan, keys, replica, s, rings, ends, pool)
        rests = rings & some(plan.alive, ends & repairing)
    if failures:
        counts = going & (until >= plan.run_in_hours)
        s = _fail(plan, keys, replica, s, fails, counts, striking, joins, pool)
    outages = dispatch(plan, s.now, s.outages, ~rests & (s.now < end))
    if plan.scheduled:
        s = eqx.tree_at(lambda t: t.failed, s, started(plan, s.outages, outages, s.failed))
    return eqx.tree_at(lambda t: t.outages, s, outages)


def _state(plan: Plan, s: State, season):
    """What the machine delivers now, and the shares of its lanes that are dark: now, and all the time."""
    x = s.outages
    away = (x.phase == REPAIR) & (x.out_reach >= 0)
    losses = unpack(
        x.phase != EMPTY,
        jnp.where(away, x.out_span, x.span),
        jnp.where(away, x.out_reach, x.reach),
        jnp.where(away, 1.0, x.loss),
    )
    steady = dark = jnp.zeros(())
    if plan.lit:
        steady = dark = plan.excursions.lost[season, 0]
    if plan.hot:
        losses, more = darken(plan, x, losses, season)
        dark = steady + more
    light = 1 - steady if plan.lit else None
    return delivered(plan, losses, x.kind, away, light, s.crew), dark, steady


def _wait(plan: Plan, bounds: Bounds, s: State, now, until, going, turns, dark, steady) -> State:
    """Let the state last until then, and forget what brought it about."""
    out = accumulate(plan, s, now, s.outages.kind, until, going, steady)
    if plan.lit:
        out = darkness(plan, bounds, s, out, dark, until, going)
    failed = jnp.where(turns, -2, jnp.full_like(s.failed, -1))
    kept = lambda new, old: jnp.where(going, new, old)
    s = eqx.tree_at(
        lambda t: (t.now, t.available, t.failed, t.passed, t.out),
        s,
        (
            until,
            kept(now.available, s.available),
            kept(failed, s.failed),
            s.passed + (going & turns),
            out,
        ),
    )
    if now.crew is not None:
        s = eqx.tree_at(lambda t: t.crew, s, jax.tree.map(kept, now.crew, s.crew))
    if now.switched is not None:
        s = eqx.tree_at(lambda t: t.switched, s, kept(now.switched, s.switched))
    return s


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
    cls, position, valid, s, word, gap = candidate(plan, keys, replica, s, fails, striking, pool)
    x = s.outages
    row = row_of(plan.classes.first, cls) + position.astype(jnp.int32)
    joined_visit = None
    if joins is not None:
        joined_visit, cls, row, word = visitor(
            plan, keys, replica, s.latents, joins, s.joined, (cls, row, word)
        )
    row = hold(plan.alive, row)
    c, p = row_of(plan.classes, cls), plan.places
    home, element, group = p.home[row], p.element[row], p.group[row]
    home, element, group = hold(plan.alive, (home, element, group))
    valid = valid & ~some(plan.alive, x.home == home)
    counting, short_only = c.counting > 0, c.when_failed == 0
    spares = c.spares
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
    lacks = (failed - spares).astype(jnp.float32) * c.share
    loss = jnp.where(counting, jnp.clip(lacks, 0, plan.most), c.share)
    # What is repaired when short waits among the latents, and its first job keeps the group's loss.
    waits = keeps = short_only
    if plan.structured:
        built, dead = hold(plan.alive, struck(plan, x, s.latents, cls, home, group))
        loss = jnp.where(built, jnp.where(dead, c.share, 0), loss)
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
