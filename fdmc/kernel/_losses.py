"""The active losses of a state: ranges of accelerators that are nested or disjoint, and what covers them."""

import functools
import operator

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from ..plan import COMPUTE, LINK, Plan
from ._entries import fold, hold, iota


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


def outside(alive, x: Losses, active: Bool[Array, "slots lanes"]) -> Bool[Array, "slots lanes"]:
    """Which active losses lie in no other active one (of equals, the first counts)."""

    def cover(j, top):
        return top & ~(active[j] & x.after(x.row(j), j))

    return hold(alive, each(active.shape[0], cover, active))


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


def coverage(plan: Plan, x: Losses, mine):
    """Compute and link capacity in every range: of all that covers it, and of what precedes it."""
    segments = plan.segment_planes.shape[0]
    one = jnp.ones(mine.shape)

    def cover(j, value):
        pace, link, before = value
        this, its = x.row(j), mine[j]
        inside, after = x.inside(this), x.after(this, j)
        if COMPUTE in plan.kinds:
            pace = pace * jnp.where(its & (this.kind == COMPUTE) & inside, 1 - this.loss, 1)
        left = [left_by(this, its, g) for g in range(segments)]
        link = [c * jnp.where(inside, f, 1) for c, f in zip(link, left, strict=True)]
        before = [c * jnp.where(after, f, 1) for c, f in zip(before, left, strict=True)]
        return pace, link, before

    return each(mine.shape[0], cover, (one, [one] * segments, [one] * segments))
