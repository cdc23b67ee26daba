"""New ages and repair times of the events that have failed or come back in a step."""

import dataclasses
import functools
import operator

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, UInt32

from .._draw import U32, threefry2x32
from .._entries import hold
from ._dynamic_draw import RENEWALS, Words, time_of, unit
from ._dynamic_plan import Ages, DynamicNumbers, DynamicShape, Sampler


Lanes = Float[Array, " lanes"]
Bits = Bool[Array, " lanes"]

_SELECTED = (Sampler.WEIBULL, Sampler.LOGNORMAL, Sampler.TABLE)


@dataclasses.dataclass(frozen=True)
class Slots:
    """Which random block of a step an event or an uncertain dependency draws from.

    Block 0 is that of the event that has happened by itself; what may happen together with it has a block of its own.
    """

    events: dict[int, int]
    rows: dict[int, int]

    @property
    def count(self) -> int:
        """Blocks a step."""
        return 1 + len(self.events) + len(self.rows)

    def words(
        self, keys: UInt32[Array, "4 2"], replica: Words, step: UInt32[Array, ""], slot: int
    ) -> tuple[Words, Words]:
        """Return the random words of one block of a step."""
        number = step * U32(self.count) + U32(slot)
        key = (keys[RENEWALS, 0], keys[RENEWALS, 1])
        return threefry2x32(key, (replica, jnp.broadcast_to(number, replica.shape)))


def slots(shape: DynamicShape) -> Slots:
    """Return the blocks of a step."""
    together = {d for _, d, _ in shape.rows} | {d for _, d in shape.renewals} | set(shape.watched)
    together |= {e for members, _ in shape.inspections for e in members if e < shape.events}
    own = [e for e in sorted(together) if _drawn(shape, e)]
    events = {e: 1 + i for i, e in enumerate(own)}
    uncertain = [r for r, (_, _, certain) in enumerate(shape.rows) if not certain]
    return Slots(events, {r: 1 + len(own) + i for i, r in enumerate(uncertain)})


def _drawn(shape: DynamicShape, event: int) -> bool:
    return shape.repairs[event] is not None or shape.lifetimes[event] != Sampler.NEVER


def renew(
    shape: DynamicShape,
    numbers: DynamicNumbers,
    alive: Bool[Array, ""],
    words,
    left: list[Lanes | None],
    aged: list[Bits],
    broken: list[Bits],
) -> list[Lanes | None]:
    """Return what is left of every event where it is new (`aged`) or has just failed (`broken`).

    **Arguments:** `words(slot)`, the random words of a block of this step; `left`, for all other lanes.
    """
    block = slots(shape).events
    shared = _Units(shape, numbers, alive, words(0), aged, broken, set(block))
    found: list[Lanes | None] = []
    for event, old in enumerate(left):
        units = (
            _Units(shape, numbers, alive, words(block[event]), aged, broken, None)
            if event in block
            else shared
        )
        for kind, ages, where in (
            (shape.lifetimes[event], numbers.lifetimes, aged[event]),
            (shape.repairs[event] or Sampler.NEVER, numbers.repairs, broken[event]),
        ):
            if old is None:
                continue
            if kind == Sampler.NEVER:
                new = jnp.inf
            else:
                new = time_of(ages, event, units.of(kind, ages.power[event]))
            old = jnp.where(where, new, old)
        found.append(old)
    return found


class _Units:
    """Unit times from one block; where many events share it, the parameters of the one that draws are selected."""

    def __init__(self, shape, numbers, alive, words, aged, broken, others):
        self.words, self.tables, self.shared = words, numbers.tables, {}
        if others is None:
            return
        self.shared[Sampler.EXPONENTIAL] = unit(Sampler.EXPONENTIAL, 1.0, words, self.tables)
        for kind in _SELECTED:
            powers = []
            for kinds, ages, where in (
                (shape.lifetimes, numbers.lifetimes, aged),
                (shape.repairs, numbers.repairs, broken),
            ):
                powers += _powers(kinds, ages, where, kind, others)
            if powers:
                power = functools.reduce(operator.add, powers)
                self.shared[kind] = unit(kind, power, words, self.tables)
        self.shared = hold(alive, self.shared)

    def of(self, kind: Sampler, power) -> Lanes:
        """Return the unit time of a law."""
        if kind in self.shared:
            return self.shared[kind]
        return unit(kind, power, self.words, self.tables)


def _powers(kinds, ages: Ages, where: list[Bits], kind: Sampler, others: set[int]) -> list[Lanes]:
    return [
        jnp.where(where[event], ages.power[event], 0.0)
        for event, each in enumerate(kinds)
        if each == kind and event not in others
    ]
