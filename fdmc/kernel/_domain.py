"""From the list of outages to the state of the domain: used accelerators, bandwidth, work rate.

Every outage takes a range of accelerators, and the ranges come from one containment tree, so two of
them are nested or disjoint. Inclusion-exclusion over such a family telescopes: an outage adds what it
changes given those that contain it. Cost: slots^2 x segments operations a state, and nothing of the
machine's size.
"""

import dataclasses

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from ..fabric import LinkState, collective_seconds
from ..plan import COMPUTE, PLANE, TRUNK, Plan
from ._directed import both_ways
from ._entries import fold, hold, iota, rows
from ._fabric import directed, divided, divided_work
from ._losses import (
    Losses,
    added,
    added_where,
    coverage,
    each,
    has,
    left_by,
    nest,
    outside,
    unpack as unpack,
)
from ._policy import Blocks, Crew, blocks, first_crew, group_state, spared_degraded, spared_parked
from ._ring import ring_work, ringed


class Domain(eqx.Module):
    """What the machine delivers in one state."""

    rate: Float[Array, " lanes"]
    used: Float[Array, " lanes"]
    available: Float[Array, " lanes"]  # before slices and minimum
    efficiency: Float[Array, "collectives lanes"]
    exact: Bool[Array, " lanes"]
    weight: Float[Array, "slots lanes"]
    crew: Crew | None = None  # with hot spares: who works, and whether that had to change
    fell: Bool[Array, " lanes"] | None = None
    switched: Float[Array, " lanes"] | None = None  # spares that circuits have brought in


def domain(
    plan: Plan,
    losses: Losses,
    light: Float[Array, " lanes"] | None = None,
    crew: Crew | None = None,
) -> Domain:
    """Return what the machine delivers under these losses (`docs/model.md`, section 4).

    **Arguments:** `light` is the share of every lane that has its light, None for all of it; `crew` is that of the
    state before, None where nothing has failed yet.
    """
    if plan.ring is not None:
        return _on_a_ring(plan, losses, light)
    if plan.sharing is not None:
        return _divided(plan, losses, light)
    planes = _plane_capacity(plan, losses)
    if plan.job.uses:
        return _spared(plan, losses, planes, light, crew)
    if plan.job.policy:
        return _by_blocks(plan, losses, planes, light)
    available, state, pace = (_parked if plan.park else _degraded)(plan, losses, planes)
    available, state, pace = hold(plan.alive, (available, state, pace))
    rate, efficiency = _work(plan, state, pace, light)
    exact = state.exact | (rate <= 0)
    return Domain(rate, state.used, available, efficiency, exact, _weights(plan, losses))


def _divided(plan: Plan, losses: Losses, light) -> Domain:
    """Lanes are divided among classes of traffic, between two levels, or by direction."""
    assert plan.sharing is not None
    if plan.sharing.directed:
        ways = both_ways(losses)
        live = None
        if PLANE in plan.kinds:
            live = _live_planes(plan, ways[0]), _live_planes(plan, ways[1])
        state = hold(plan.alive, directed(plan, ways, live))
    else:
        live = _live_planes(plan, losses) if PLANE in plan.kinds else None
        state = hold(plan.alive, divided(plan, losses, live))
    rate, efficiency = divided_work(plan, state, light)
    exact = (state.exact if plan.collectives else True) | (rate <= 0)
    weights = _weights(plan, losses)
    return Domain(rate, state.used, state.available, efficiency, exact, weights)


def _on_a_ring(plan: Plan, losses: Losses, light) -> Domain:
    """Nodes pass over dead ones."""
    state = hold(plan.alive, ringed(plan, losses))
    rate, efficiency = ring_work(plan, state, light)
    exact = (state.links.exact if plan.collectives else True) | (rate <= 0)
    return Domain(rate, state.used, state.links.live, efficiency, exact, _weights(plan, losses))


def _spared(plan: Plan, losses: Losses, planes, light, crew: Crew | None) -> Domain:
    """Some accelerators are hot spares."""
    before = first_crew(plan, losses.loss.shape[1]) if crew is None else crew
    choose = spared_parked if plan.park else spared_degraded
    s = hold(plan.alive, choose(plan, losses, planes, before))
    rate, efficiency = _work(plan, s.state, s.pace, light)
    exact = s.state.exact | (rate <= 0)
    weights = _weights(plan, losses)
    return Domain(rate, s.state.used, s.available, efficiency, exact, weights, s.crew, s.fell)


def _by_blocks(plan: Plan, losses: Losses, planes, light) -> Domain:
    """Data replicas and tensor groups lose their dead accelerators together."""
    b = hold(plan.alive, blocks(plan, losses, planes))
    available, state, pace = _degraded(plan, b.losses, planes)
    available, state, pace = hold(plan.alive, (available, state, pace * b.pace))
    rate, efficiency = _work(plan, state, pace, light, b)
    exact = state.exact | (rate <= 0)
    return Domain(rate, state.used, available, efficiency, exact, _weights(plan, losses))


def _plane_capacity(plan: Plan, x: Losses) -> list[Float[Array, " lanes"]]:
    """Live planes in each segment, fractions included."""
    segments, lanes = plan.segment_planes.shape[0], x.loss.shape[1:]
    if PLANE not in plan.kinds:
        return [jnp.broadcast_to(plan.segment_planes[g], lanes) for g in range(segments)]
    live = rows(_live_planes(plan, x))
    width = plan.planes // segments
    return [added(live[g * width : (g + 1) * width]) for g in range(segments)]


def _live_planes(plan: Plan, x: Losses) -> Float[Array, "planes lanes"]:
    """What is left of every plane."""
    number, lanes = iota(plan.planes), x.loss.shape[1:]

    def lose(j, live):
        one = x.row(j)
        hit = one.active & (one.kind == PLANE) & (one.left <= number) & (number < one.right)
        return live * jnp.where(hit, 1 - one.loss, 1)

    return hold(plan.alive, each(x.loss.shape[0], lose, jnp.ones((plan.planes, *lanes))))


def _parked(plan: Plan, x: Losses, planes):
    """Park every unit that has lost anything; the others run at full rate."""
    size, active = plan.park, x.active
    units = x
    if size > 1:
        units = dataclasses.replace(x, low=x.low // size * size, high=-(-x.high // size) * size)
    if PLANE in plan.kinds:
        active = active & (x.kind != PLANE)
    units, active = hold(plan.alive, (units, active))
    lost = added_where(plan.alive, outside(plan.alive, units, active), units.high - units.low)
    available = plan.accelerators - lost
    whole = size * plan.slice
    used = (available // whole * whole).astype(jnp.float32)
    link = added(planes) * plan.lanes_per_link
    yes = jnp.ones(link.shape, bool)
    state = LinkState(used, link, link * used, link, yes)
    return available.astype(jnp.float32), state, jnp.ones(link.shape)


def _degraded(plan: Plan, x: Losses, planes):
    """Everything that lives works, at the pace of the slowest."""
    alive = plan.alive
    mine = x.active & (x.kind != PLANE)
    x, mine = hold(alive, (x, mine))
    nested = nest(alive, x)
    pace, link, before = hold(alive, coverage(plan, x, mine, nested))
    after = [b * left_by(x, mine, g) for g, b in enumerate(before)]

    def live(capacities):
        return added([c * p for c, p in zip(capacities, planes, strict=True)])

    healthy = added(planes)
    bandwidth, after_live, before_live = hold(alive, (live(link), live(after), live(before)))
    dead = hold(alive, mine & (bandwidth <= 0))
    top_dead = outside(alive, x, dead, nested)
    used = jnp.where(healthy > 0, plan.accelerators - added_where(alive, top_dead, x.size), 0)
    top = outside(alive, x, mine, nested)
    untouched = plan.accelerators - added_where(alive, top, x.size) > 0

    gone = hold(alive, jnp.where(top_dead, x.size, 0))
    number = iota(mine.shape[0])

    def bury(j, inside):
        within = has(number, nested.inside[:, j, None])
        return inside + jnp.where(within, gone[j], 0)

    inside = each(mine.shape[0], bury, jnp.zeros(mine.shape))
    working, used, untouched = hold(alive, (mine & ~dead & (inside < x.size), used, untouched))

    def slowest(values, free):
        worst = fold(alive, jnp.minimum, jnp.where(working, values, jnp.inf))
        worst = jnp.minimum(worst, jnp.where(untouched, free, jnp.inf))
        return jnp.where(used > 0, worst, 0.0)

    def summed(values_after, values_before, free):
        gain = x.size * (values_after - values_before)
        return plan.accelerators * free + added_where(alive, mine, gain)

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
        sum_plane_min=added(worst) * lanes,
        exact=exact,
    )
    return used, state, slowest(pace, 1.0)


def _work(plan: Plan, state: LinkState, pace, light, parts: Blocks | None = None):
    """Work rate and collective efficiencies of a state; `parts` are the blocks of the job, where they matter."""
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
    among = lambda whole, j: group_state(plan, whole, parts, j)
    efficiency = []
    for j, (op, algorithm) in enumerate(plan.collectives):
        hop = None if work.latency_seconds is None else work.latency_seconds[j]
        seconds = collective_seconds(op, algorithm, work.size_bytes[j], among(state, j), lane, hop)
        if work.across_seconds is not None:
            seconds = seconds + work.across_seconds[j] / jnp.maximum(among(state, j).used, 1)
        seconds = jnp.where(running, seconds, work.healthy_seconds[j])
        step = step + jnp.maximum(seconds - work.overlap_seconds[j], 0)
        ratio = jnp.where(seconds > 0, work.healthy_seconds[j] / jnp.maximum(seconds, 1e-30), 1)
        efficiency.append(jnp.where(running, ratio, 0))
    share = used / plan.workers if parts is None or parts.share is None else parts.share
    rate = jnp.where(running, share * healthy / step, 0)
    empty = jnp.zeros((0, used.shape[0]))
    return rate, jnp.stack(efficiency) if efficiency else empty


def _weights(plan: Plan, x: Losses) -> Float[Array, "slots lanes"]:
    """Accelerators that each loss alone has taken: its share of the blame."""
    if plan.kinds == {COMPUTE}:
        return jnp.where(x.active, x.size * x.loss, 0)
    part = (x.right - x.left).astype(jnp.float32)
    if plan.sharing is not None and plan.sharing.directed:  # one direction is half of a lane
        part = jnp.where(x.kind > 15, 0.5 * part, part)
        x = dataclasses.replace(x, kind=x.kind & 15)
    scale = jnp.where(x.kind == PLANE, 1 / plan.planes, 1 / plan.segment_planes.shape[0])
    part = jnp.where((x.kind == COMPUTE) | (x.kind == TRUNK), 1.0, part * scale)
    return jnp.where(x.active, x.size * x.loss * part, 0)
