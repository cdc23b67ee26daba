"""A k-hop ring from the short list of losses: nodes that are passed over, cuts, and what the pieces are worth.

The law is in `docs/model.md`, section 4. Dead nodes are few ranges; a walk takes them in the order of their places, and
live nodes are the gaps between them. Only machines with a ring compile any of this.
"""

import dataclasses
import functools

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from ..fabric import RingState, RingWalk, ring_seconds
from ..plan import COMPUTE, PLANE, Plan, Ring
from ._entries import fold, hold
from ._losses import Losses, added, added_where, coverage, each, left_by, outside


class Ringed(eqx.Module):
    """The links of the accelerators that work, and the pace of their compute."""

    links: RingState
    pace: Float[Array, " lanes"]

    @property
    def used(self) -> Float[Array, " lanes"]:
        """Accelerators that work."""
        return self.links.used


def ringed(plan: Plan, x: Losses) -> Ringed:
    """Return what is left of the ring; the least is over all live nodes, in whichever piece they are."""
    alive, ring = plan.alive, _ring(plan)
    mine = x.active & (x.kind != PLANE)
    x, mine = hold(alive, (x, mine))
    out = mine if plan.park else hold(alive, _lost(plan, x, mine))
    size = max(plan.park, ring.size)
    low = jnp.where(out, x.low // size * size, x.low)
    high = jnp.where(out, -(-x.high // size) * size, x.high)
    # A node that is passed over is dead with all its accelerators.
    y = dataclasses.replace(
        x,
        low=low,
        high=high,
        kind=jnp.where(out, COMPUTE, x.kind),
        loss=jnp.where(out, 1.0, x.loss),
    )
    y, out = hold(alive, (y, out))
    walk = hold(alive, _walk(plan, y, out))
    live = (walk.live * ring.size).astype(jnp.float32)
    chosen = walk.longest // ring.group if ring.together else walk.groups
    used = (chosen * ring.group * ring.size).astype(jnp.float32)
    return _weakest(plan, y, mine, live, used)


def ring_work(plan: Plan, state: Ringed, light):
    """Return the work rate and the collective efficiencies of a state; `light` as in `domain`."""
    work, used = plan.work, state.used
    running = (used >= work.minimum) & (used > 0) & (state.pace > 0)
    lane = work.bytes_per_second_per_lane
    lane = lane if light is None else lane * light
    step = work.compute_seconds / jnp.where(running, state.pace, 1)
    healthy, ratios = work.compute_seconds, []
    for j in range(len(plan.collectives)):
        good = work.healthy_seconds[j]
        seconds = jnp.where(running, _seconds(plan, state, j, lane), good)
        step = step + jnp.maximum(seconds - work.overlap_seconds[j], 0)
        healthy = healthy + jnp.maximum(good - work.overlap_seconds[j], 0)
        ratio = jnp.where(seconds > 0, good / jnp.maximum(seconds, 1e-30), 1)
        ratios.append(jnp.where(running, ratio, 0))
    rate = jnp.where(running, used / plan.accelerators * healthy / step, 0)
    return rate, jnp.stack(ratios) if ratios else jnp.zeros((0, used.shape[0]))


def _ring(plan: Plan) -> Ring:
    assert plan.ring is not None
    return plan.ring


def _seconds(plan: Plan, state: Ringed, j: int, lane) -> Float[Array, " lanes"]:
    op, algorithm = plan.collectives[j]
    hop = None if plan.work.latency_seconds is None else plan.work.latency_seconds[j]
    many = plan.job.groups[j] if plan.job.groups else 0
    links = state.links
    if many:
        n = jnp.minimum(links.used, float(many))
        total = links.sum_port * n / jnp.maximum(links.used, 1)
        links = dataclasses.replace(links, used=n, sum_port=total)
    names = (algorithm,) if isinstance(algorithm, str) else algorithm
    size = plan.work.size_bytes[j]
    return functools.reduce(
        jnp.minimum, [ring_seconds(op, name, size, links, lane, hop) for name in names]
    )


def _lost(plan: Plan, x: Losses, mine) -> Bool[Array, "slots lanes"]:
    """Return where the accelerators of a range have nothing left on a side."""
    _, link, _ = coverage(plan, x, mine)
    return mine & (functools.reduce(jnp.minimum, link) <= 0)


def _walk(plan: Plan, y: Losses, out) -> RingWalk:
    """Walk along the ring; of ranges that begin at one node the longest counts."""
    ring, alive = _ring(plan), plan.alive
    low, high = y.low // ring.size, y.high // ring.size
    low, high = hold(alive, (jnp.where(out, low, ring.nodes), jnp.where(out, high, 0)))
    lanes = out.shape[1:]

    def go(_, value):
        walk, last, end = value
        ahead = low > last
        following = fold(alive, jnp.minimum, jnp.where(ahead, low, ring.nodes))
        until = fold(alive, jnp.maximum, jnp.where(low == following, high, 0))
        until = jnp.maximum(until, jnp.maximum(end, following))
        walk = walk.past(jnp.maximum(following - end, 0), until - jnp.maximum(following, end))
        return hold(alive, (walk, following, until))

    start = RingWalk.start(lanes, ring.hops, ring.group)
    before, nothing = jnp.full(lanes, -1, jnp.int32), jnp.zeros(lanes, jnp.int32)
    # One more step than ranges: past the live nodes behind the last of them.
    walk, _, _ = each(out.shape[0] + 1, go, (start, before, nothing))
    return walk.end(ring.closed)


def _weakest(plan: Plan, y: Losses, mine, live, used) -> Ringed:
    """Return the least of what live accelerators have left, and the sum of those that work."""
    alive = plan.alive
    pace, link, before = hold(alive, coverage(plan, y, mine))
    after = [b * left_by(y, mine, g) for g, b in enumerate(before)]
    sides = 2 // len(link)  # one number for both where no loss tells them apart
    port, port_after, port_before = (sides * added(list(c)) for c in (link, after, before))
    side = functools.reduce(jnp.minimum, link)
    dead = hold(alive, mine & (port <= 0))
    top_dead = outside(alive, y, dead)
    y, top_dead = hold(alive, (y, top_dead))

    def bury(j, inside):
        one = y.row(j)
        within = (y.low <= one.low) & (one.high <= y.high)
        return inside + jnp.where(top_dead[j] & within, one.size, 0)

    inside = each(mine.shape[0], bury, jnp.zeros(mine.shape))
    working = hold(alive, mine & ~dead & (inside < y.size))

    def slowest(values, free):  # whoever has lost nothing is no slower than that
        worst = fold(alive, jnp.minimum, jnp.where(working, values, free))
        return jnp.where(live > 0, worst, 0.0)

    lost = added_where(alive, mine, y.size * (port_before - port_after))
    total = (2.0 * plan.accelerators - lost) * used / jnp.maximum(live, 1)
    lanes, weakest = plan.lanes_per_link, slowest(side, 1.0)
    links = RingState(
        used=used,
        live=live,
        min_port=slowest(port, 2.0) * lanes,
        sum_port=jnp.where(live > 0, total, 0) * lanes,
        min_link=weakest * lanes,
        max_link=jnp.full(used.shape, float(lanes)),
        exact=weakest >= 1,
    )
    return Ringed(links, slowest(pace, 1.0))
