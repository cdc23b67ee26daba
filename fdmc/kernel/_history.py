"""Repairable histories: the next occurrence of every replica, over and over, until the mission ends.

The laws are in `docs/model.md`, section 3; `fdmc.reference` is the same in plain Python. One step handles
one occurrence per replica: a failure, a spare that arrives, or the end of a repair. Failures come from
one clock a class, the superposed failure process of all its copies; a candidate that
falls on a copy that is down, or that a swap has renewed since, is void (thinning, which is exact).
"""

import dataclasses
import operator

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, UInt32

from ..plan import Plan
from ._domain import Domain, domain, unpack
from ._draw import U32, below, exponential, threefry2x32
from ._entries import (
    EMPTY,
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
from ._renewal import Renewals, advance, after, hours_of, renew
from ._service import dispatch, repair_hours, startable, take_spare
from ._structure import relieved, struck


POSITION = 1  # top bits of the slots that positions and repairs draw from
OUTAGES_FULL, LATENTS_FULL, RENEWALS_FULL, COUNTS_FULL = 1, 2, 4, 8  # status bits


@dataclasses.dataclass(frozen=True)
class Bounds:
    """How many active outages, latent failures and renewals a replica may have; and time bins."""

    outages: int = 8
    latents: int = 16
    renewals: int = 16
    bins: int = 0


class Outcome(eqx.Module):
    """One replica's facts. Hours are over the mission; `status` is 0 when no bound was hit.

    `failures` counts occurrences (low 16 bits) and jobs (high 16 bits) of a class, `hits` those that
    took something (low) and of these the ones that opened a job (high); `stops` the interruptions.
    """

    lost_hours: Float[Array, " lanes"]
    unused_hours: Float[Array, " lanes"]
    impaired_hours: Float[Array, " lanes"]
    idle_hours: Float[Array, " lanes"]
    inexact_hours: Float[Array, " lanes"]
    slowed_hours: Float[Array, "collectives lanes"]
    blame_hours: Float[Array, "classes lanes"]
    curve_hours: Float[Array, "bins lanes"]
    failures: UInt32[Array, "classes lanes"]
    hits: UInt32[Array, "classes lanes"]
    stops: UInt32[Array, "classes lanes"]
    drains: Int[Array, " lanes"]
    steps: Int[Array, " lanes"]
    status: Int[Array, " lanes"]


class _State(eqx.Module):
    now: Float[Array, " lanes"]
    clock: Float[Array, "classes lanes"]
    age: Float[Array, "wearing lanes"]
    candidates: UInt32[Array, "classes lanes"]
    shelf: Float[Array, "spares lanes"]  # when each spare is on the shelf again
    outages: Outages
    latents: Latents
    renewals: Renewals
    swaps: UInt32[Array, " lanes"]
    available: Float[Array, " lanes"]
    failed: Int[Array, " lanes"]  # class of the failure just before, -1 after anything else
    out: Outcome


def history(
    plan: Plan, keys: UInt32[Array, "classes 2"], replica: UInt32[Array, " lanes"], bounds: Bounds
) -> Outcome:
    """Return the outcomes of these replicas.

    **Arguments:** `keys` of the streams (see `stream_keys`), the low words of the replica numbers, and
    the bounds. An outcome does not depend on the bounds unless its status says that one was hit.
    """
    end = plan.run_in_hours + plan.mission_hours
    state = _start(plan, keys, replica, bounds)
    step = lambda s: _step(plan, keys, replica, bounds, s)
    state = jax.lax.while_loop(lambda s: jnp.any(s.now < end), step, state)
    return state.out


def _start(plan: Plan, keys, replica, bounds: Bounds) -> _State:
    lanes = replica.shape[0]
    c, w, a = plan.classes, plan.wearing, bounds.outages
    n_classes = c.positions.shape[0]
    slot = jnp.zeros((n_classes, lanes), U32)
    words = threefry2x32((keys[:, :1], keys[:, 1:]), (replica[None], slot))
    unit = exponential(*words) / c.positions[:, None].astype(jnp.float32)
    clock = unit * c.mean_hours[:, None]
    steady = n_classes - w
    age = unit[steady:]
    if w:
        wear = [hours_of(plan, plan.wear.law[i], age[i]) for i in range(w)]
        clock = jnp.concatenate([clock[:steady], jnp.stack(wear)])
    clock = after(plan, iota(n_classes), jnp.zeros(()), clock)

    def ints(n, fill=0):
        return jnp.full((n, lanes), fill, jnp.int32)

    def floats(n, fill=0.0):
        return jnp.full((n, lanes), fill, jnp.float32)

    outages = Outages(
        phase=ints(a), time=floats(a, jnp.inf), duration=floats(a), kind=ints(a), home=ints(a, -1),
        element=ints(a, -1), group=ints(a, -1), fru=ints(a), fru_low=ints(a, -1),
        fru_high=ints(a, -1), loss=floats(a),
        span=ints(a), reach=ints(a), out_span=ints(a), out_reach=ints(a, -1),
    )  # fmt: skip
    n = bounds.latents if False in plan.counted else 0
    latents = Latents(ints(n, -1), ints(n, -1), ints(n, -1))
    r = bounds.renewals if w else 0
    renewals = Renewals(
        ints(r, -1), ints(r, -1), floats(r), ints(r), ints(r),
        jnp.zeros((w, r, lanes)), jnp.full((w, r, lanes), jnp.inf),
    )  # fmt: skip
    zero, none = jnp.zeros(lanes), jnp.zeros(lanes, jnp.int32)
    tallies = jnp.zeros((n_classes, lanes), U32)
    out = Outcome(
        zero, zero, zero, zero, zero, floats(len(plan.collectives)), floats(n_classes),
        floats(bounds.bins), tallies, tallies, tallies, none, none, none,
    )  # fmt: skip
    return _State(
        now=zero, clock=clock, age=age, candidates=jnp.ones((n_classes, lanes), U32),
        shelf=floats(sum(plan.stock)), outages=outages, latents=latents, renewals=renewals,
        swaps=jnp.zeros(lanes, U32), available=jnp.full(lanes, float(plan.accelerators)),
        failed=none - 1, out=out,
    )  # fmt: skip


def _step(plan: Plan, keys, replica, bounds: Bounds, s: _State) -> _State:
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
    now = domain(plan, losses)
    timer = jnp.where(repairing | (x.phase == SHELF), x.time, jnp.inf)
    # A technician who has just been freed starts his next job in a step of its own.
    starts = startable(plan, x)
    due = jnp.where(starts, s.now, least(plan.alive, timer))
    next_failure = least(plan.alive, s.clock)
    if plan.wearing:
        next_failure = jnp.minimum(
            next_failure, least(plan.alive, s.renewals.clock.reshape(-1, s.now.shape[0]))
        )
    now, due, next_failure = hold(plan.alive, (now, due, next_failure))
    until = jnp.minimum(jnp.minimum(due, next_failure), end)
    going = s.now < end
    out = _accumulate(plan, s, now, x.kind, until, going)
    fails = going & (next_failure < due) & (next_failure < end)
    rings = going & (due <= next_failure) & (due < end) & ~starts
    counts = going & (until >= plan.run_in_hours)
    s = eqx.tree_at(
        lambda t: (t.now, t.available, t.failed, t.out),
        s,
        (until, now.available, jnp.full_like(s.failed, -1), out),
    )
    ends = rings & first(plan.alive, timer == due)
    s = _ring(plan, keys, replica, s, rings, ends)
    rests = rings & some(plan.alive, ends & repairing)
    s = _fail(plan, keys, replica, s, fails, counts)
    outages = dispatch(plan, s.now, s.outages, ~rests & (s.now < end))
    return eqx.tree_at(lambda t: t.outages, s, outages)


def _accumulate(plan: Plan, s: _State, now: Domain, kind, until, going) -> Outcome:
    """Integrate the state that has lasted since the last occurrence, and count what it interrupted."""
    o = s.out
    since = jnp.maximum(s.now, plan.run_in_hours)
    hours = jnp.where(going, jnp.maximum(until - since, 0), 0)
    lost = (1 - now.rate) * hours
    idle, hurt = now.rate <= 0, some(plan.alive, now.weight > 0)
    share = (
        lost * plan.accelerators / jnp.maximum(fold(plan.alive, operator.add, now.weight), 1e-20)
    )
    cls = jnp.arange(o.blame_hours.shape[0])[:, None]
    blame = o.blame_hours
    for j in range(now.weight.shape[0]):
        blame = blame + jnp.where(cls == kind[j], now.weight[j] * share, 0)
    fell = going & (now.available < s.available) & (s.now >= plan.run_in_hours)
    bins = o.curve_hours.shape[0]
    curve = o.curve_hours
    if bins:
        width = plan.mission_hours / bins
        left = plan.run_in_hours + jnp.arange(bins)[:, None] * width
        overlap = jnp.minimum(until, left + width) - jnp.maximum(s.now, left)
        curve = curve + jnp.where(going, (1 - now.rate) * jnp.maximum(overlap, 0), 0)
    return Outcome(
        lost_hours=o.lost_hours + lost,
        unused_hours=o.unused_hours + (1 - now.used / plan.accelerators) * hours,
        impaired_hours=o.impaired_hours + jnp.where(hurt, hours, 0),
        idle_hours=o.idle_hours + jnp.where(idle, hours, 0),
        inexact_hours=o.inexact_hours + jnp.where(now.exact, 0, hours),
        slowed_hours=o.slowed_hours + jnp.where(idle, 0, 1 - now.efficiency) * hours,
        blame_hours=blame,
        curve_hours=curve,
        failures=o.failures,
        hits=o.hits,
        stops=o.stops + (fell & (cls == s.failed)),
        drains=o.drains + (fell & (s.failed < 0)),
        steps=o.steps + going,
        status=o.status,
    )


def _ring(plan: Plan, keys, replica, s: _State, rings, at) -> _State:
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
        latents = Latents(
            *(jnp.where(freed, -1, f) for f in (latents.home, latents.element, latents.group))
        )
    s = eqx.tree_at(lambda t: (t.outages, t.latents), s, (x, latents))
    if plan.wearing:
        cls, fru = pick(plan.alive, ends, x.kind), pick(plan.alive, ends, x.fru)
        renewals, swaps, full = renew(
            plan, keys, replica, s.renewals, s.swaps, s.now, done, low, high, cls, fru
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
    return jnp.where(mine, jnp.where(first(plan.alive, rest), jnp.clip(lacks, 0, 1), 0), loss)


def _fail(plan: Plan, keys, replica, s: _State, fails, counts) -> _State:
    """The next candidate of some class: a failure, unless it falls on a copy that cannot fail."""
    c, p, x = plan.classes, plan.places, s.outages
    cls, position, valid, s, word = _candidate(plan, keys, replica, s, fails)
    row = c.first[cls] + position.astype(jnp.int32)
    row = hold(plan.alive, row)
    home, element, group = p.home[row], p.element[row], p.group[row]
    home, element, group = hold(plan.alive, (home, element, group))
    valid = valid & ~some(plan.alive, x.home == home)
    counting, short_only = c.counting[cls] > 0, c.when_failed[cls] == 0
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
    lacks = (failed - c.spares[cls]).astype(jnp.float32) * c.share[cls]
    loss = jnp.where(counting, jnp.clip(lacks, 0, 1), c.share[cls])
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
    opens = valid & ~open_already & (~counting | ~short_only | (loss > 0))
    takes = valid & (loss > 0) & ~twin
    carried = counting & keeps & some(plan.alive, x.group == group)
    enters = opens | (takes & ~carried) | (valid & counting & ~short_only)
    if plan.counted:
        same = valid & counting & ~twin & (x.group == group) & (x.phase != EMPTY)
        shared = jnp.where(keeps, loss, 0.0)
        x = eqx.tree_at(lambda t: t.loss, x, jnp.where(same, shared, x.loss))
    joined = twin
    if plan.singly:  # the first job of an element that has failed before joins its group
        joined = counting & some(plan.alive, (x.element == element) & (x.group == group))
    opens, enters, takes, loss, twin, joined = hold(
        plan.alive, (opens, enters, takes, loss, twin, joined)
    )
    ready, shelf = take_spare(plan, s.now, s.shelf, cls, opens)
    duration = repair_hours(plan, cls, word)
    phase = jnp.where(opens, jnp.where(ready > s.now, SHELF, QUEUE), PASSENGER)
    slot = enters & first(plan.alive, x.phase == EMPTY)
    full = enters & ~some(plan.alive, slot)
    slot, full, ready, duration, phase = hold(plan.alive, (slot, full, ready, duration, phase))
    fields = (
        phase, ready, duration, cls, home, element, jnp.where(counting & ~joined, group, -1),
        _fru(plan, row), fru_low, fru_high, jnp.where(twin, 0.0, loss),
        p.span[row], p.reach[row], p.out_span[row], p.out_reach[row],
    )  # fmt: skip
    new = Outages(*(field[None] for field in fields))
    x = jax.tree.map(lambda old, value: jnp.where(slot, value, old), x, new)
    status = jnp.where(full, OUTAGES_FULL, 0)
    latents = s.latents
    if False in plan.counted:
        late = valid & counting & waits
        place = late & first(plan.alive, latents.home < 0)
        status = status | jnp.where(late & ~some(plan.alive, place), LATENTS_FULL, 0)
        row = Latents(home[None], element[None], jnp.where(twin, -1, group)[None])
        latents = jax.tree.map(lambda old, value: jnp.where(place, value, old), latents, row)
    out = _count(s.out, cls, valid & counts, opens, takes, status)
    return _stop(
        eqx.tree_at(
            lambda t: (t.outages, t.latents, t.shelf, t.failed, t.out),
            s,
            (x, latents, shelf, jnp.where(valid, cls, s.failed), out),
        ),
        plan, status,
    )  # fmt: skip


def _candidate(plan: Plan, keys, replica, s: _State, fails):
    """Return class, position and validity of the candidate, the advanced clocks, and a spare word."""
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
    key = (keys[cls, 0], keys[cls, 1])
    tally = pick(plan.alive, at, s.candidates)
    cls, n, base, at, key, tally = hold(plan.alive, (cls, n, base, at, key, tally))
    high, low = threefry2x32(key, (replica, tally))
    where, word = threefry2x32(key, (replica, tally | U32(POSITION << 30)))
    position = base + below(where, n).astype(jnp.int32)
    unit = exponential(high, low) / jnp.maximum(n, 1).astype(jnp.float32)
    position, unit, word = hold(plan.alive, (position, unit, word))
    tick = at & fails
    clock = jnp.where(tick, after(plan, cls, s.now, unit * c.mean_hours[cls]), s.clock)
    valid, age, renewals = fails, s.age, s.renewals
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
    return cls, position, valid, s, word


def _fru(plan: Plan, row):
    """Number of the FRU, which only the renewal of wearing components asks for."""
    return plan.wear.fru[row] if plan.wearing else jnp.zeros(row.shape, jnp.int32)


def _count(out: Outcome, cls, valid, opens, takes, status) -> Outcome:
    at = iota(out.failures.shape[0]) == cls
    job = jnp.where(opens, U32(1 << 16), U32(0))
    failures = out.failures + jnp.where(at & valid, 1 + job, 0)
    hits = out.hits + jnp.where(at & valid & takes, 1 + job, 0)
    full = jnp.any((failures & U32(0xFFFF)) == U32(0xFFFF), 0)
    status = out.status | status | jnp.where(full, COUNTS_FULL, 0)
    return eqx.tree_at(lambda t: (t.failures, t.hits, t.status), out, (failures, hits, status))


def _stop(s: _State, plan: Plan, status) -> _State:
    """End a replica whose bound was hit: its outcome is void and says so."""
    end = plan.run_in_hours + plan.mission_hours
    return eqx.tree_at(
        lambda t: (t.now, t.out.status),
        s,
        (jnp.where(status > 0, end, s.now), s.out.status | status),
    )
