"""From the list of outages to the state of the domain: used accelerators, bandwidth, work rate.

Every outage takes a range of accelerators, and the ranges come from one containment tree, so two of them are nested or disjoint. Inclusion-exclusion over such a
family telescopes: an outage adds what it changes given those that contain it. Cost: slots^2 x segments operations a state, and nothing of the machine's size.
"""

import dataclasses
import functools
import operator

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from ..fabric import LinkState, collective_seconds
from ..plan import COMPUTE, LINK, Plan, PLANE
from ._entries import hold, rows


class Loss(eqx.Module):
    """An active loss: accelerators [low, high), fraction lost, kind, planes or segments [left, right).

    One slot at a time, every field [lanes]: pairs of slots are then plain elementwise expressions.
    """

    active: Bool[Array, " lanes"]
    low: Int[Array, " lanes"]
    high: Int[Array, " lanes"]
    kind: Int[Array, " lanes"]
    left: Int[Array, " lanes"]
    right: Int[Array, " lanes"]
    loss: Float[Array, " lanes"]

    def contains(self, other: "Loss") -> Bool[Array, " lanes"]:
        """Whether this range of accelerators holds the other."""
        return (self.low <= other.low) & (other.high <= self.high)


class Domain(eqx.Module):
    """What the machine delivers in one state."""

    rate: Float[Array, " lanes"]
    used: Float[Array, " lanes"]
    available: Float[Array, " lanes"]  # before slices and minimum
    efficiency: Float[Array, "collectives lanes"]
    exact: Bool[Array, " lanes"]
    weight: list[Float[Array, " lanes"]]


def unpack(active, span, reach, loss) -> list[Loss]:
    """Return the losses, slot by slot, from their packed words, [slots, lanes] each."""
    return [
        Loss(
            active=a & (x > 0) & (r >= 0),
            low=w >> 16,
            high=w & 0xFFFF,
            kind=r >> 24,
            left=(r >> 12) & 0xFFF,
            right=r & 0xFFF,
            loss=x,
        )
        for a, w, r, x in zip(*(rows(v) for v in (active, span, reach, loss)), strict=True)
    ]


def domain(plan: Plan, losses: list[Loss]) -> Domain:
    """Return what the machine delivers under these losses (`docs/model.md`, section 4)."""
    planes = _plane_capacity(plan, losses)
    available, state, pace = (_parked if plan.park else _degraded)(plan, losses, planes)
    available, state, pace = hold(plan.alive, (available, state, pace))
    rate, efficiency = _work(plan, state, pace)
    exact = state.exact | (rate <= 0)
    weights = [_weight(plan, x) for x in losses]
    return Domain(rate, state.used, available, efficiency, exact, weights)


def _plane_capacity(plan: Plan, losses: list[Loss]) -> list[Float[Array, " lanes"]]:
    """Live planes in each segment, fractions included."""
    segments, lanes = plan.segment_planes.shape[0], losses[0].loss.shape
    if PLANE not in plan.kinds:
        return [jnp.broadcast_to(plan.segment_planes[g], lanes) for g in range(segments)]
    number = jnp.arange(plan.planes)[:, None]
    live = jnp.ones((plan.planes, *lanes))
    for x in losses:
        hit = x.active & (x.kind == PLANE) & (x.left <= number) & (number < x.right)
        live = live * jnp.where(hit, 1 - x.loss, 1)
    live = rows(hold(plan.alive, live))
    width = plan.planes // segments
    return [sum(live[g * width : (g + 1) * width]) for g in range(segments)]


def _precedes(losses: list[Loss], j: int, i: int):
    """Does loss j contain loss i, and come before it where they are equal?"""
    a, b = losses[j], losses[i]
    return a.contains(b) if j < i else a.contains(b) & ~b.contains(a)


def _outside(losses: list[Loss], active):
    """Which active losses lie in no other active one (of equals, the first counts)."""
    out = []
    for i in range(len(losses)):
        top = active[i]
        for j in range(len(losses)):
            if j != i:
                top = top & ~(active[j] & _precedes(losses, j, i))
        out.append(top)
    return out


def _size(x: Loss) -> Float[Array, " lanes"]:
    return (x.high - x.low).astype(jnp.float32)


def _sum(masks, values):
    return functools.reduce(
        operator.add, [jnp.where(m, v, 0) for m, v in zip(masks, values, strict=True)]
    )


def _parked(plan: Plan, losses: list[Loss], planes):
    """Park every unit that has lost anything; the others run at full rate."""
    size = plan.park
    units = [
        dataclasses.replace(x, low=x.low // size * size, high=-(-x.high // size) * size)
        for x in losses
    ]
    active = [x.active & (x.kind != PLANE) for x in units]
    lost = _sum(_outside(units, active), [x.high - x.low for x in units])
    available = plan.accelerators - lost
    whole = size * plan.slice
    used = (available // whole * whole).astype(jnp.float32)
    link = sum(planes) * plan.lanes_per_link
    yes = jnp.ones(link.shape, bool)
    state = LinkState(used, link, link * used, link, yes)
    return available.astype(jnp.float32), state, jnp.ones(link.shape)


def _degraded(plan: Plan, losses: list[Loss], planes):
    """Everything that lives works, at the pace of the slowest."""
    slots = range(len(losses))
    mine = [x.active & (x.kind != PLANE) for x in losses]
    pace, link, before = zip(*(_coverage(plan, losses, mine, i) for i in slots), strict=True)
    pace, link, before = hold(plan.alive, (pace, link, before))
    after = [
        [b * _factor(x, m, g) for g, b in enumerate(bs)]
        for x, m, bs in zip(losses, mine, before, strict=True)
    ]

    def live(capacities):
        return sum(c * p for c, p in zip(capacities, planes, strict=True))

    healthy = sum(planes)
    bandwidth = [live(link[i]) for i in slots]
    dead = [m & (b <= 0) for m, b in zip(mine, bandwidth, strict=True)]
    sizes = [_size(x) for x in losses]
    top_dead = _outside(losses, dead)
    used = jnp.where(healthy > 0, plan.accelerators - _sum(top_dead, sizes), 0)
    untouched = plan.accelerators - _sum(_outside(losses, mine), sizes) > 0
    used, untouched, top_dead, dead = hold(plan.alive, (used, untouched, top_dead, dead))
    alive = []
    for i in slots:
        inside = _sum([top_dead[j] & losses[i].contains(losses[j]) for j in slots], sizes)
        alive.append(mine[i] & ~dead[i] & (inside < sizes[i]))
    alive = hold(plan.alive, alive)
    some = used > 0

    def slowest(values, free):
        worst = jnp.where(untouched, free, jnp.inf)
        for a, v in zip(alive, values, strict=True):
            worst = jnp.minimum(worst, jnp.where(a, v, jnp.inf))
        return jnp.where(some, worst, 0.0)

    def summed(value, free):
        gain = [s * (value(a) - value(b)) for s, a, b in zip(sizes, after, before, strict=True)]
        return plan.accelerators * free + _sum(mine, gain)

    exact = jnp.ones(used.shape, bool)
    for g in range(len(planes)):
        # No outage touches these, so the rate of their links is the best of the plane.
        whole = summed(lambda c, g=g: (c[g] >= 1).astype(jnp.float32), 1.0)
        exact = exact & ((planes[g] <= 0) | (4 * whole > 3 * used))
    worst = [slowest([c[g] for c in link], 1.0) * planes[g] for g in range(len(planes))]
    lanes = plan.lanes_per_link
    part = jnp.floor(used / plan.slice) * plan.slice
    state = LinkState(
        used=part,
        min_link=slowest(bandwidth, healthy) * lanes,
        sum_link=jnp.where(some, summed(live, healthy) * part / jnp.maximum(used, 1), 0) * lanes,
        sum_plane_min=sum(worst) * lanes,
        exact=exact,
    )
    return used, state, slowest(pace, 1.0)


def _factor(x: Loss, mine, g: int):
    """What a loss leaves of segment g, on its own: nothing when the accelerator itself is dead."""
    keep = 1 - x.loss
    served = mine & (x.kind == LINK) & (x.left <= g) & (g < x.right)
    dead = mine & (x.kind == COMPUTE) & (keep <= 0)
    return jnp.where(served, keep, jnp.where(dead, 0.0, 1.0))


def _coverage(plan: Plan, losses: list[Loss], mine, i: int):
    """Compute and link capacity in range i: of everything that covers it, and of what precedes it."""
    segments = plan.segment_planes.shape[0]
    one = jnp.ones(losses[i].loss.shape)
    pace, link, before = one, [one] * segments, [one] * segments
    for j, x in enumerate(losses):
        contains = x.contains(losses[i])
        if COMPUTE in plan.kinds:
            hit = mine[j] & (x.kind == COMPUTE) & contains
            pace = pace * jnp.where(hit, 1 - x.loss, 1)
        for g in range(segments):
            factor = _factor(x, mine[j], g)
            link[g] = link[g] * jnp.where(contains, factor, 1)
            if j != i:
                before[g] = before[g] * jnp.where(_precedes(losses, j, i), factor, 1)
    return pace, link, before


def _work(plan: Plan, state: LinkState, pace):
    """Work rate and collective efficiencies of a state."""
    work, used = plan.work, state.used
    running = (used >= work.minimum) & (used > 0) & (pace > 0) & (state.min_link > 0)
    healthy = work.compute_seconds + jnp.sum(
        jnp.maximum(work.healthy_seconds - work.overlap_seconds, 0)
    )
    step = work.compute_seconds / jnp.where(running, pace, 1)
    efficiency = []
    for j, (op, algorithm) in enumerate(plan.collectives):
        seconds = collective_seconds(
            op, algorithm, work.size_bytes[j], state, work.bytes_per_second_per_lane
        )
        seconds = jnp.where(running, seconds, work.healthy_seconds[j])
        step = step + jnp.maximum(seconds - work.overlap_seconds[j], 0)
        efficiency.append(jnp.where(running, work.healthy_seconds[j] / seconds, 0))
    rate = jnp.where(running, used / plan.accelerators * healthy / step, 0)
    empty = jnp.zeros((0, used.shape[0]))
    return rate, jnp.stack(efficiency) if efficiency else empty


def _weight(plan: Plan, x: Loss) -> Float[Array, " lanes"]:
    """Accelerators that one loss alone has taken: its share of the blame."""
    part = (x.right - x.left).astype(jnp.float32)
    scale = jnp.where(x.kind == PLANE, 1 / plan.planes, 1 / plan.segment_planes.shape[0])
    part = jnp.where(x.kind == COMPUTE, 1.0, part * scale)
    return jnp.where(x.active, _size(x) * x.loss * part, 0)
