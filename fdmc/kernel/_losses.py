"""The active losses of a state: ranges of accelerators that are nested or disjoint, and what covers them."""

import functools
import operator

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, UInt32

from ..plan import COMPUTE, LINK, Plan
from ._entries import fold, hold, iota


_WORD = 32  # bits
_UNROLLED = 8  # slots up to which pairs are unrolled: beyond, compiling would take minutes


class Losses(eqx.Module):
    """Active losses: accelerators [low, high), fraction lost, kind, planes or segments [left, right)."""

    active: Bool[Array, "slots lanes"]
    low: Int[Array, "slots lanes"]
    high: Int[Array, "slots lanes"]
    kind: Int[Array, "slots lanes"]
    left: Int[Array, "slots lanes"]
    right: Int[Array, "slots lanes"]
    loss: Float[Array, "slots lanes"]

    @property
    def size(self) -> Float[Array, "..."]:
        """Accelerators in each range."""
        return (self.high - self.low).astype(jnp.float32)

    def row(self, j) -> "Losses":
        """Return loss j, every field [lanes]."""
        return jax.tree.map(lambda x: x[j], self)

    def inside(self, one: "Losses") -> Bool[Array, "slots lanes"]:
        """Which ranges lie in the range of `one`."""
        return (one.low <= self.low) & (self.high <= one.high)

    def after(self, one: "Losses", j) -> Bool[Array, "slots lanes"]:
        """Which ranges lie in that of `one`, loss j, and come after it where they are equal."""
        equal = (one.low == self.low) & (self.high == one.high)
        return self.inside(one) & (~equal | (j < iota(self.low.shape[0])))


def unpack(active, span, reach, loss) -> Losses:
    """Return the losses from their packed words, [slots, lanes] each."""
    return Losses(
        active=active & (loss > 0) & (reach >= 0),
        low=span >> 16,
        high=span & 0xFFFF,
        kind=reach >> 24,
        left=(reach >> 12) & 0xFFF,
        right=reach & 0xFFF,
        loss=loss,
    )


def each(slots: int, body, start):
    """Fold `body(j, value)` over the slots: unrolled while that is short, else as a loop."""
    if slots > _UNROLLED:
        return jax.lax.fori_loop(0, slots, body, start)
    for j in range(slots):
        start = body(j, start)
    return start


class Nest(eqx.Module):
    """Which ranges lie in which: bit j of `inside` for one that lies in range j, of `after` if it comes after it too.

    Bits, 32 ranges a word, because a pair of slots is asked for again and again: comparing bounds costs six times
    as much.
    """

    inside: UInt32[Array, "words slots lanes"]
    after: UInt32[Array, "words slots lanes"]


def nest(alive, x: Losses) -> Nest:
    """Return which ranges lie in which, computed once."""
    slots = x.low.shape[0]
    none = jnp.zeros((-(-slots // _WORD), *x.low.shape), jnp.uint32)

    def add(j, bits):
        one = x.row(j)
        return tuple(
            b | jnp.where(yes, bit(j, b), jnp.uint32(0))
            for b, yes in zip(bits, (x.inside(one), x.after(one, j)), strict=True)
        )

    return hold(alive, Nest(*each(slots, add, (none, none))))


def bit(j, words: UInt32[Array, "words slots lanes"]) -> UInt32[Array, "words _ _"]:
    """Return words like these of which bit j is set; `j` is a number, or one for each slot."""
    one = jnp.broadcast_to(jnp.uint32(1) << jnp.uint32(j % _WORD), (1, *(jnp.shape(j) or (1, 1))))
    if words.shape[0] == 1:
        return one
    word = jnp.arange(words.shape[0])[:, None, None]
    return jnp.where(word == j // _WORD, one, jnp.uint32(0))


def has(j, words: UInt32[Array, "words slots lanes"]) -> Bool[Array, "_ lanes"]:
    """Return where bit j of the words is set."""
    return jnp.any((words & bit(j, words)) != 0, 0)


def outside(
    alive, x: Losses, active: Bool[Array, "slots lanes"], nested: Nest | None = None
) -> Bool[Array, "slots lanes"]:
    """Return which active losses lie in no other active one (of equals, the first counts)."""
    if nested is None:
        # A range lies in none of higher rank; of equal ones, the first counts.
        rank = hold(alive, iota(active.shape[0]) - (x.high - x.low) * active.shape[0])

        def cover(j, covered):
            return covered | (active[j] & x.inside(x.row(j)) & (rank[j] < rank))

        covered = each(active.shape[0], cover, jnp.zeros(active.shape, bool))
        return hold(alive, active & ~covered)
    none = jnp.zeros((nested.after.shape[0], 1, active.shape[1]), jnp.uint32)
    add = lambda j, words: words | jnp.where(active[j], bit(j, words), jnp.uint32(0))
    mask = hold(alive, each(active.shape[0], add, none))
    return hold(alive, active & ~jnp.any((nested.after & mask) != 0, 0))


def added(arrays: list[Array]) -> Array:
    return functools.reduce(operator.add, arrays)


def added_where(alive, mask, values) -> Array:
    return fold(alive, operator.add, jnp.where(mask, values, jnp.zeros((), values.dtype)))


def left_by(x: Losses, mine, g: int):
    """What losses leave of segment g, each alone: nothing when the accelerator itself is dead."""
    keep = 1 - x.loss
    served = mine & (x.kind == LINK) & (x.left <= g) & (g < x.right)
    dead = mine & (x.kind == COMPUTE) & (keep <= 0)
    return jnp.where(served, keep, jnp.where(dead, 0.0, 1.0))


def coverage(plan: Plan, x: Losses, mine, nested: Nest | None = None):
    """Compute and link capacity in every range: of all that covers it, and of what precedes it."""
    nested = nest(plan.alive, x) if nested is None else nested
    one = jnp.ones(mine.shape)
    computes = mine & (x.kind == COMPUTE)
    keep = jnp.where(computes, 1 - x.loss, 1) if COMPUTE in plan.kinds else one
    left = [left_by(x, mine, g) for g in range(plan.segment_planes.shape[0])]
    keep, left = hold(plan.alive, (keep, left))

    def cover(j, value):
        pace, link, before = value
        inside, after = has(j, nested.inside), has(j, nested.after)
        if COMPUTE in plan.kinds:
            pace = pace * jnp.where(inside, keep[j], 1)
        link = [c * jnp.where(inside, f[j], 1) for c, f in zip(link, left, strict=True)]
        before = [c * jnp.where(after, f[j], 1) for c, f in zip(before, left, strict=True)]
        return pace, link, before

    return each(mine.shape[0], cover, (one, [one] * len(left), [one] * len(left)))
