"""From the list of outages to the state of the domain: used accelerators, bandwidth, work rate.

Every outage takes a range of accelerators, and the ranges come from one containment tree, so two of
them are nested or disjoint. Inclusion-exclusion over such a family telescopes: an outage adds what it
changes given those that contain it. Cost: slots^2 x segments operations a state, and nothing of the
machine's size.
"""

import dataclasses
import functools
import operator

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from ..fabric import LinkState, collective_seconds
from ..plan import COMPUTE, LINK, PLANE, Plan
from ._entries import fold, hold, iota, rows


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


class Domain(eqx.Module):
    """What the machine delivers in one state."""

    rate: Float[Array, " lanes"]
    used: Float[Array, " lanes"]
    available: Float[Array, " lanes"]  # before slices and minimum
    efficiency: Float[Array, "collectives lanes"]
    exact: Bool[Array, " lanes"]
    weight: Float[Array, "slots lanes"]


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


def domain(plan: Plan, losses: Losses, light: Float[Array, " lanes"] | None = None) -> Domain:
    """Return what the machine delivers under these losses (`docs/model.md`, section 4).

    **Arguments:** `light` is the share of every lane that has its light, None for all of it.
    """
    planes = _plane_capacity(plan, losses)
    available, state, pace = (_parked if plan.park else _degraded)(plan, losses, planes)
    available, state, pace = hold(plan.alive, (available, state, pace))
    rate, efficiency = _work(plan, state, pace, light)
    exact = state.exact | (rate <= 0)
    return Domain(rate, state.used, available, efficiency, exact, _weights(plan, losses))


def _each(slots: int, body, start):
    """Fold `body(j, value)` over the slots: unrolled while that is short, else as a loop."""
    if slots > _UNROLLED:
        return jax.lax.fori_loop(0, slots, body, start)
    for j in range(slots):
        start = body(j, start)
    return start


def _plane_capacity(plan: Plan, x: Losses) -> list[Float[Array, " lanes"]]:
    """Live planes in each segment, fractions included."""
    segments, lanes = plan.segment_planes.shape[0], x.loss.shape[1:]
    if PLANE not in plan.kinds:
        return [jnp.broadcast_to(plan.segment_planes[g], lanes) for g in range(segments)]
    number = iota(plan.planes)

    def lose(j, live):
        one = x.row(j)
        hit = one.active & (one.kind == PLANE) & (one.left <= number) & (number < one.right)
        return live * jnp.where(hit, 1 - one.loss, 1)

    live = _each(x.loss.shape[0], lose, jnp.ones((plan.planes, *lanes)))
    live = rows(hold(plan.alive, live))
    width = plan.planes // segments
    return [_total(live[g * width : (g + 1) * width]) for g in range(segments)]


def _outside(alive, x: Losses, active: Bool[Array, "slots lanes"]) -> Bool[Array, "slots lanes"]:
    """Which active losses lie in no other active one (of equals, the first counts)."""

    def cover(j, top):
        return top & ~(active[j] & x.after(x.row(j), j))

    return hold(alive, _each(active.shape[0], cover, active))


def _total(arrays: list[Array]) -> Array:
    return functools.reduce(operator.add, arrays)


def _sum(alive, mask, values) -> Array:
    return fold(alive, operator.add, jnp.where(mask, values, jnp.zeros((), values.dtype)))


def _parked(plan: Plan, x: Losses, planes):
    """Park every unit that has lost anything; the others run at full rate."""
    size = plan.park
    units = dataclasses.replace(x, low=x.low // size * size, high=-(-x.high // size) * size)
    active = x.active & (x.kind != PLANE)
    units, active = hold(plan.alive, (units, active))
    lost = _sum(plan.alive, _outside(plan.alive, units, active), units.high - units.low)
    available = plan.accelerators - lost
    whole = size * plan.slice
    used = (available // whole * whole).astype(jnp.float32)
    link = _total(planes) * plan.lanes_per_link
    yes = jnp.ones(link.shape, bool)
    state = LinkState(used, link, link * used, link, yes)
    return available.astype(jnp.float32), state, jnp.ones(link.shape)


def _degraded(plan: Plan, x: Losses, planes):
    """Everything that lives works, at the pace of the slowest."""
    alive = plan.alive
    mine = x.active & (x.kind != PLANE)
    x, mine = hold(alive, (x, mine))
    pace, link, before = hold(alive, _coverage(plan, x, mine))
    after = [b * _left_by(x, mine, g) for g, b in enumerate(before)]

    def live(capacities):
        return _total([c * p for c, p in zip(capacities, planes, strict=True)])

    healthy = _total(planes)
    bandwidth, after_live, before_live = hold(alive, (live(link), live(after), live(before)))
    dead = hold(alive, mine & (bandwidth <= 0))
    top_dead = _outside(alive, x, dead)
    used = jnp.where(healthy > 0, plan.accelerators - _sum(alive, top_dead, x.size), 0)
    top = _outside(alive, x, mine)
    untouched = plan.accelerators - _sum(alive, top, x.size) > 0

    def bury(j, inside):
        one = x.row(j)
        within = (x.low <= one.low) & (one.high <= x.high)
        return inside + jnp.where(top_dead[j] & within, one.size, 0)

    inside = _each(mine.shape[0], bury, jnp.zeros(mine.shape))
    working, used, untouched = hold(alive, (mine & ~dead & (inside < x.size), used, untouched))

    def slowest(values, free):
        worst = fold(alive, jnp.minimum, jnp.where(working, values, jnp.inf))
        worst = jnp.minimum(worst, jnp.where(untouched, free, jnp.inf))
        return jnp.where(used > 0, worst, 0.0)

    def summed(values_after, values_before, free):
        gain = x.size * (values_after - values_before)
        return plan.accelerators * free + _sum(alive, mine, gain)

    exact = jnp.ones(used.shape, bool)
    for g in range(len(planes) if plan.collectives else 0):
        # No outage touches these, so the rate of their links is the best of the plane.
        one, other = ((c[g] >= 1).astype(jnp.float32) for c in (after, before))
        exact = exact & ((planes[g] <= 0) | (4 * summed(one, other, 1.0) > 3 * used))
    worst = [slowest(link[g], 1.0) * planes[g] for g in range(len(planes))]
    lanes, part = plan.lanes_per_link, jnp.floor(used / plan.slice) * plan.slice
    total = summed(after_live, before_live, healthy) * part / jnp.maximum(used, 1)
    state = LinkState(
        used=part,
        min_link=slowest(bandwidth, healthy) * lanes,
        sum_link=jnp.where(used > 0, total, 0) * lanes,
        sum_plane_min=_total(worst) * lanes,
        exact=exact,
    )
    return used, state, slowest(pace, 1.0)


def _left_by(x: Losses, mine, g: int):
    """What losses leave of segment g, each alone: nothing when the accelerator itself is dead."""
    keep = 1 - x.loss
    served = mine & (x.kind == LINK) & (x.left <= g) & (g < x.right)
    dead = mine & (x.kind == COMPUTE) & (keep <= 0)
    return jnp.where(served, keep, jnp.where(dead, 0.0, 1.0))


def _coverage(plan: Plan, x: Losses, mine):
    """Compute and link capacity in every range: of all that covers it, and of what precedes it."""
    segments = plan.segment_planes.shape[0]
    one = jnp.ones(mine.shape)

    def cover(j, value):
        pace, link, before = value
        this, its = x.row(j), mine[j]
        inside, after = x.inside(this), x.after(this, j)
        if COMPUTE in plan.kinds:
            pace = pace * jnp.where(its & (this.kind == COMPUTE) & inside, 1 - this.loss, 1)
        left = [_left_by(this, its, g) for g in range(segments)]
        link = [c * jnp.where(inside, f, 1) for c, f in zip(link, left, strict=True)]
        before = [c * jnp.where(after, f, 1) for c, f in zip(before, left, strict=True)]
        return pace, link, before

    return _each(mine.shape[0], cover, (one, [one] * segments, [one] * segments))


def _work(plan: Plan, state: LinkState, pace, light):
    """Work rate and collective efficiencies of a state."""
    work, used = plan.work, state.used
    running = (used >= work.minimum) & (used > 0) & (pace > 0)
    if plan.collectives:  # one accelerator alone has nobody to talk to
        running = running & ((state.min_link > 0) | (used <= 1))
    healthy = work.compute_seconds + jnp.sum(
        jnp.maximum(work.healthy_seconds - work.overlap_seconds, 0)
    )
    step = work.compute_seconds / jnp.where(running, pace, 1)
    lane = work.bytes_per_second_per_lane
    lane = lane if light is None else lane * light
    efficiency = []
    for j, (op, algorithm) in enumerate(plan.collectives):
        hop = None if work.latency_seconds is None else work.latency_seconds[j]
        seconds = collective_seconds(op, algorithm, work.size_bytes[j], state, lane, hop)
        seconds = jnp.where(running, seconds, work.healthy_seconds[j])
        step = step + jnp.maximum(seconds - work.overlap_seconds[j], 0)
        ratio = jnp.where(seconds > 0, work.healthy_seconds[j] / jnp.maximum(seconds, 1e-30), 1)
        efficiency.append(jnp.where(running, ratio, 0))
    rate = jnp.where(running, used / plan.accelerators * healthy / step, 0)
    empty = jnp.zeros((0, used.shape[0]))
    return rate, jnp.stack(efficiency) if efficiency else empty


def _weights(plan: Plan, x: Losses) -> Float[Array, "slots lanes"]:
    """Accelerators that each loss alone has taken: its share of the blame."""
    part = (x.right - x.left).astype(jnp.float32)
    scale = jnp.where(x.kind == PLANE, 1 / plan.planes, 1 / plan.segment_planes.shape[0])
    part = jnp.where(x.kind == COMPUTE, 1.0, part * scale)
    return jnp.where(x.active, x.size * x.loss * part, 0)
