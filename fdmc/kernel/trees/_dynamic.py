"""The first failure of a dynamic fault tree without repair, occurrence by occurrence.

Ages are drawn once and kept as times of failure: of an event that is active from the start the age itself, of one
in a spare module a function of the time at which the module was activated. One step finds the next
failure of every replica and settles it; the state between steps is a few words of bits and those times.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, UInt32

from .._entries import hold
from ._dynamic_draw import first_ages, first_coins
from ._dynamic_plan import DynamicNumbers, DynamicShape
from ._dynamic_state import Instant, mask


_BITS = 32


def first_failures(
    shape: DynamicShape,
    numbers: DynamicNumbers,
    keys: UInt32[Array, "4 2"],
    replica: UInt32[Array, " lanes"],
    horizon_hours: Float[Array, ""],
) -> tuple[Float[Array, " lanes"], Int[Array, " lanes"]]:
    """Return the hours of the first top failure, infinite if there is none by the horizon, and the occurrences.

    Times are float32: two failures closer together than 6e-8 of their time may change places.

    **Arguments:** the tree (`dynamic_plan`; `shape.absolute` must be true), `keys` of the streams
    `FAULT_STREAMS`, the low words of the replica numbers, and the horizon, which may be infinite.
    """
    alive = jnp.asarray(horizon_hours > 0)
    ages = first_ages(shape, numbers, keys, replica)
    coins = first_coins(shape, numbers, keys, replica)
    ages, coins = hold(alive, (ages, coins))
    # A float array is the template of the lanes: arrays of constants would be folded into every loop.
    zero = jnp.where(replica == replica, 0.0, jnp.inf)
    acts = lambda row, _: coins[row]
    start = Instant.new(shape, replica.astype(jnp.int32))
    start_over(shape, start, acts)
    words = start.pack()
    activated = [jnp.where(bit, zero, jnp.inf) for bit in start.awake]
    failed = start.failed(shape.top)
    first = jnp.where(failed, zero, jnp.inf)
    now = jnp.where(failed, jnp.inf, zero)

    def step(state):
        now, words, activated, first, steps = state
        due = due_times(shape, numbers, ages, activated, words)
        then = jnp.where(now < jnp.inf, least(due, replica), jnp.inf)
        then = hold(alive, jnp.where(then <= horizon_hours, then, jnp.inf))
        before = Instant.unpack(shape, words)
        s, hits = before.copy(), fired(shape, due, then)
        s.events = [e | h for e, h in zip(s.events, hits, strict=True)]
        s.settle(before, range(shape.events))
        depend(shape, s, acts)
        after = hold(alive, s.pack())
        s = Instant.unpack(shape, after)
        activated = [
            jnp.where(bit, jnp.minimum(old, then), old)
            for bit, old in zip(s.awake, activated, strict=True)
        ]
        top = s.failed(shape.top)
        first = jnp.where(top, jnp.minimum(first, then), first)
        steps = steps + (then < jnp.inf)
        return jnp.where(top, jnp.inf, then), after, activated, first, steps

    going = lambda state: jnp.any(state[0] < jnp.inf)
    state = (now, words, activated, first, zero.astype(jnp.int32))
    return jax.lax.while_loop(going, step, state)[3:]


def start_over(shape: DynamicShape, s: Instant, acts: Callable):
    """Let happen what happens at time zero: the hidden event `start` fails, and triggers."""
    if shape.start >= 0:
        before = s.copy()
        s.set(shape.start, s.gates[0] == s.gates[0], True)
        s.settle(before, [shape.start])
    depend(shape, s, acts)


def due_times(shape: DynamicShape, numbers: DynamicNumbers, ages, activated, words) -> list:
    """Return when every event fails as things stand, infinite where it is failed, None where it never can."""
    s = Instant.unpack(shape, words)
    found: list = []
    for event, age in enumerate(ages):
        if age is None:
            found.append(None)
            continue
        homes = shape.homes[event]
        if homes:
            since = activated[homes[0]]
            for other in homes[1:]:
                since = jnp.minimum(since, activated[other])
            dormancy = numbers.dormancy[event]
            dormant = age / dormancy
            age = jnp.where(dormant <= since, dormant, since + (age - dormancy * since))
        found.append(jnp.where(s.failed(event), jnp.inf, age))
    return found


def least(values: list, like) -> Float[Array, " lanes"]:
    """Return the least of the values that there are."""
    found = jnp.full(like.shape, jnp.inf)
    for value in values:
        found = found if value is None else jnp.minimum(found, value)
    return found


def fired(shape: DynamicShape, due: list, then) -> list:
    """Return the words of the first event that is due at the time, no bit where the time is infinite."""
    words = [jnp.zeros(then.shape, jnp.int32)] * -(-shape.events // _BITS)
    for event, when in enumerate(due):
        if when is not None:
            bit = jnp.where(when == then, jnp.int32(mask(event)), 0)
            words[event // _BITS] = words[event // _BITS] | bit
    found = then == jnp.inf
    for i, word in enumerate(words):
        words[i] = jnp.where(found, 0, word & -word)
        found = found | (word != 0)
    return words


def depend(shape: DynamicShape, s: Instant, acts: Callable):
    """Let dependencies act, always the first that can, each in an instant of its own.

    **Arguments:** `acts(row, can)`: whether a dependency acts when it can, None for always.
    """
    order = act_order(shape)
    for row in order:
        trigger, dependent, _ = shape.rows[row]
        can = s.failed(trigger) & ~s.failed(dependent)
        if not shape.absolute:
            can = can & ~s.tried[row]
        does = acts(row, can)
        does = can if does is None else can & does
        before = s.copy()
        s.set(dependent, does, True)
        s.settle(before, [dependent])
        tried = can
        allowed = s.allowed(before) if dependent in shape.watched else None
        if allowed is not None:
            s.keep(allowed | ~does, before)
            tried = can & (allowed | ~does)  # what a restriction refuses waits
        if not shape.absolute:
            s.tried[row] = s.tried[row] | tried


_LONGEST = 4096  # visits of dependencies an occurrence


def act_order(shape: DynamicShape) -> list[int]:
    """Return the rows in an order in which each comes again after those that may have made it possible.

    Where dependencies trigger one another in too many ways to follow each, all rows come in turn as often as there
    are rows: then an earlier row may act after a later one at the same point of time.

    **Raises:** ValueError when even that is too long.
    """
    rows = range(len(shape.rows))
    below = [_under(shape, trigger) for trigger, _, _ in shape.rows]
    # A row that a restriction has refused may be allowed after any other.
    freed = {row for row in rows if shape.rows[row][1] in shape.watched}
    after = [[r for r in rows if shape.rows[q][1] in below[r] or r in freed] for q in rows]
    order: list[int] = []
    work = [(row, row, frozenset({row})) for row in reversed(rows)]
    while work and len(order) <= _LONGEST:
        row, last, path = work.pop()
        order.append(row)
        again = [r for r in after[row] if r < last and r not in path]
        work += [(r, last, path | {r}) for r in reversed(again)]
    if len(order) <= _LONGEST:
        return order
    if len(rows) ** 2 > _LONGEST:
        raise ValueError(
            f"{len(rows)} dependencies that trigger one another are too many to simulate."
        )
    return list(rows) * len(rows)


def _under(shape: DynamicShape, element: int) -> set[int]:
    found, work = set(), [element]
    while work:
        one = work.pop()
        if one not in found:
            found.add(one)
            work += shape.arguments[one - shape.events] if one >= shape.events else ()
    return found
