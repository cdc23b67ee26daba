"""Histories of a dynamic fault tree with repairs, inspections or restrictions, occurrence by occurrence.

What is kept of an event is what is left: of its age in hours at full stress while it works, of its repair while it is
failed. A long mission therefore swallows no short repair; the clock alone is absolute, a sum with a
correction (Knuth's two-sum), and serves to observe.
"""

import functools
import operator

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, UInt32

from .._draw import U32
from .._entries import hold
from ._dynamic import depend, fired, least, start_over
from ._dynamic_draw import coin, first_ages, unit
from ._dynamic_plan import DynamicNumbers, DynamicShape, Sampler
from ._dynamic_renewal import Slots, renew, slots
from ._dynamic_state import Instant


class FaultOutcome(eqx.Module):
    """One replica's facts: the first top failure (infinite: none), how many, and what the asked times saw.

    `down_hours` and `failed` are up to and at each of the asked times; `steps` counts occurrences; `unfinished`
    replicas were cut off.
    """

    first_hours: Float[Array, " lanes"]
    failures: Int[Array, " lanes"]
    down_hours: Float[Array, "times lanes"]
    failed: Bool[Array, "times lanes"]
    steps: Int[Array, " lanes"]
    unfinished: Bool[Array, " lanes"]


class _State(eqx.Module):
    now: Float[Array, " lanes"]
    lost: Float[Array, " lanes"]  # what the sum `now` has rounded away
    left: list
    stages: list
    phases: list
    words: tuple
    step: UInt32[Array, ""]
    out: FaultOutcome


class _Model(eqx.Module):
    """What no step changes."""

    shape: DynamicShape = eqx.field(static=True)
    slots: Slots = eqx.field(static=True)
    numbers: DynamicNumbers
    keys: UInt32[Array, "4 2"]
    replica: UInt32[Array, " lanes"]
    times: Float[Array, " times"]
    horizon: Float[Array, ""]
    first_only: bool = eqx.field(static=True)

    @property
    def alive(self) -> Bool[Array, ""]:
        """True, but not known to be so when compiling."""
        return self.horizon > 0

    def words(self, step):
        """Return the function from a block's number in a step to its random words."""
        return lambda slot: self.slots.words(self.keys, self.replica, step, slot)

    def acts(self, step):
        """Return whether an uncertain dependency acts in this step."""
        prob = self.numbers.row_prob
        words = self.words(step)
        return lambda row, _: (
            coin(prob[row], words(self.slots.rows[row])) if row in self.slots.rows else None
        )

    def going(self, s: _State) -> Bool[Array, " lanes"]:
        """Return whether a replica goes on."""
        on = s.now < self.horizon
        return on & (s.out.failures == 0) if self.first_only else on


def fault_histories(
    shape: DynamicShape,
    numbers: DynamicNumbers,
    keys: UInt32[Array, "4 2"],
    replica: UInt32[Array, " lanes"],
    times_hours: Float[Array, " times"],
    horizon_hours: Float[Array, ""],
    first_only: bool,
    most_steps: int,
) -> FaultOutcome:
    """Return the outcomes of these replicas.

    **Arguments:** as for `first_failures`, any tree; `times_hours` that are asked, none after the
    horizon; `first_only` ends a replica with its first top failure, so that the horizon may be infinite;
    `most_steps` cuts off those that go on for ever.
    """
    first_only = first_only or not shape.repairable
    model = _Model(
        shape, slots(shape), numbers, keys, replica, times_hours, horizon_hours, first_only
    )
    going = lambda s: jnp.any(model.going(s)) & (s.step <= U32(most_steps))
    end = jax.lax.while_loop(going, lambda s: _step(model, s), _start(model))
    return eqx.tree_at(lambda out: out.unfinished, end.out, model.going(end))


def _start(m: _Model) -> _State:
    shape = m.shape
    ages = hold(m.alive, first_ages(shape, m.numbers, m.keys, m.replica))
    # What is the same in all lanes would be a constant, and folded into every loop.
    zero = jnp.where(m.replica == m.replica, 0.0, jnp.inf)
    none = zero.astype(jnp.int32)
    s = Instant.new(shape, none)
    start_over(shape, s, m.acts(U32(0)))
    no = [zero != zero] * shape.events
    broken = [s.failed(e) for e in range(shape.events)]
    left = [
        zero + jnp.inf if age is None and shape.repairs[e] is not None else age
        for e, age in enumerate(ages)
    ]
    left = renew(shape, m.numbers, m.alive, m.words(U32(0)), left, no, broken)
    stages = [
        m.numbers.stage_hours[i]
        * unit(Sampler.EXPONENTIAL, 1.0, _stage_words(m, i), m.numbers.tables)
        for i in range(len(shape.inspections))
    ]
    failed = s.failed(shape.top)
    down = jnp.zeros((m.times.shape[0], 1)) + zero
    out = FaultOutcome(
        jnp.where(failed, zero, jnp.inf),
        failed.astype(jnp.int32),
        down,
        down != down,
        none,
        failed & ~failed,
    )
    phases = [none for _ in shape.inspections]
    return _State(zero, zero, left, stages, phases, s.pack(), U32(1), out)


def _stage_words(m: _Model, inspection: int):
    # Step 0 of the histories has blocks beyond those of any event: count from the other end.
    return m.slots.words(m.keys, m.replica, U32(0xFFFFFFFF), inspection)


def _step(m: _Model, s: _State) -> _State:
    shape = m.shape
    old = Instant.unpack(shape, s.words)
    waits, speeds = _waits(m, s, old)
    going = m.going(s)
    wait = least([*waits, *s.stages], m.replica)
    wait = jnp.where(going, jnp.minimum(wait, (m.horizon - s.now) - s.lost), jnp.inf)
    wait = hold(m.alive, wait)
    ends = (wait >= (m.horizon - s.now) - s.lost) | (wait == jnp.inf)
    then = jnp.where(ends, jnp.inf, wait)
    hits = hold(m.alive, fired(shape, waits, then))
    rings = _rings(s, hits, then)
    words, phases, ended = hold(m.alive, _settle(m, s, old, hits, rings))
    new = Instant.unpack(shape, words)
    dt = jnp.where(jnp.isinf(wait), 0.0, wait)
    left = [
        None if each is None else each - (dt if speed is None else dt * speed)
        for each, speed in zip(s.left, speeds, strict=True)
    ]
    left = renew(
        shape, m.numbers, m.alive, m.words(s.step), left, *_redrawn(m, old, new, hits, ended)
    )
    fresh = unit(Sampler.EXPONENTIAL, 1.0, m.words(s.step)(0), m.numbers.tables)
    stages = [
        jnp.where(ring, mean * fresh, stage - dt)
        for ring, mean, stage in zip(rings, m.numbers.stage_hours, s.stages, strict=True)
    ]
    now, lost = _sum(s.now, s.lost, dt)
    now = jnp.where(ends, jnp.inf, now)
    out = _observe(m, s, old, new, dt, going, now, ends)
    return _State(now, lost, left, stages, list(phases), words, s.step + 1, out)


def _waits(m: _Model, s: _State, old: Instant) -> tuple[list, list]:
    """Return how long every event takes to happen, and how fast its clock runs (None: 1)."""
    shape = m.shape
    waits, speeds = [], []
    for event, left in enumerate(s.left):
        if left is None:
            waits.append(None)
            speeds.append(None)
            continue
        broken, active = old.failed(event), old.active(event)
        wait, speed = left, None
        if active is not None:
            dormancy = m.numbers.dormancy[event]
            full = active | broken
            wait = jnp.where(full, left, left / dormancy)
            speed = jnp.where(full, 1.0, dormancy)
        stops = []
        if shape.repairs[event] is None:
            stops.append(broken)
        if event in shape.watched:
            stops.append(old.refused[shape.watched.index(event)])
        for stop in stops:
            wait = jnp.where(stop, jnp.inf, wait)
            speed = jnp.where(stop, 0.0, 1.0 if speed is None else speed)
        waits.append(wait)
        speeds.append(speed)
    return waits, speeds


def _rings(s: _State, hits: list, then) -> list:
    """Return which inspection is due; an event that is due at the same time goes first."""
    found = functools.reduce(operator.or_, hits) != 0
    rings = []
    for stage in s.stages:
        rings.append((stage == then) & (then < jnp.inf) & ~found)
        found = found | rings[-1]
    return rings


def _settle(m: _Model, s: _State, old: Instant, hits: list, rings: list):
    """Return the words after the occurrence, the phases of the inspections, and which of them have ended."""
    shape, new = m.shape, old.copy()
    new.events = [e ^ h for e, h in zip(new.events, hits, strict=True)]
    phases, ended = [], []
    for (members, length), ring, phase in zip(shape.inspections, rings, s.phases, strict=True):
        phase = phase + ring
        ended.append(phase >= length)
        phases.append(jnp.where(ended[-1], 0, phase))
        for event in (e for e in members if e < shape.events):
            new.set(event, ended[-1], False)
    new.settle(old, range(shape.events))
    allowed = new.allowed(old)
    if allowed is not None:
        new.keep(allowed, old)
    _come_back(shape, new, old)
    for row, (trigger, _, _) in enumerate(shape.rows if shape.repairable else ()):
        new.tried[row] = new.tried[row] & new.failed(trigger)
    depend(shape, new, m.acts(s.step))
    if allowed is not None:
        for i, event in enumerate(shape.watched):
            refused = old.refused[i] | _bit(hits, event)
            new.refused[i] = refused & ~(allowed & _happens(hits, rings))
    return new.pack(), phases, ended


def _happens(hits: list, rings: list) -> Bool[Array, " lanes"]:
    return functools.reduce(operator.or_, [*(h != 0 for h in hits), *rings])


def _bit(words: list, event: int) -> Bool[Array, " lanes"]:
    return ((words[event // 32] >> event % 32) & 1) != 0


def _come_back(shape: DynamicShape, new: Instant, old: Instant):
    """Let come back what is repaired with something; chains along the rows take one pass."""
    for _ in range(min(2, len(shape.renewals))):
        before = new.copy()
        for trigger, dependent in shape.renewals:
            back = old.failed(trigger) & ~new.failed(trigger) & new.failed(dependent)
            new.set(dependent, back, False)
        new.settle(before, [dependent for _, dependent in shape.renewals])


def _redrawn(m: _Model, old: Instant, new: Instant, hits: list, ended: list):
    """Return which events have an age anew, and which have failed and wait for a repair."""
    shape = m.shape
    aged, broken = [], []
    for event in range(shape.events):
        hit, was, fails = _bit(hits, event), old.failed(event), new.failed(event)
        broken.append(fails & (~was | hit))
        fresh = was
        for (members, _), end in zip(shape.inspections, ended, strict=True):
            fresh = fresh | end if event in members else fresh
        if event in shape.watched:
            i = shape.watched.index(event)
            # It was refused; something else has happened since, and it has an age again.
            fresh = fresh | ((old.refused[i] | hit) & ~new.refused[i])
        aged.append(~fails & fresh)
    return aged, broken


def _sum(high, low, more):
    """Return the sum in two words (Knuth's two-sum)."""
    more = more + low
    total = high + more
    part = total - high
    return total, (high - (total - part)) + (more - part)


def _observe(
    m: _Model, s: _State, old: Instant, new: Instant, dt, going, now, ends
) -> FaultOutcome:
    """Account for the time before the occurrence, in the old state, and count a new top failure."""
    out, was, fails = s.out, old.failed(m.shape.top), new.failed(m.shape.top)
    to_go = (m.times[:, None] - s.now) - s.lost
    spent = jnp.clip(to_go, 0, dt)
    seen = going & (to_go >= 0) & ((to_go < dt) | ends)
    falls = going & ~ends & fails & ~was
    return FaultOutcome(
        jnp.where(falls, jnp.minimum(out.first_hours, now), out.first_hours),
        out.failures + falls,
        out.down_hours + jnp.where(going & was, spent, 0),
        jnp.where(seen, was, out.failed),
        out.steps + going,
        out.unfinished,
    )
