"""Which accelerators work: hot spares, data replicas that drop out, tensor groups that go on with fewer.

Ranges of one containment tree are nested or disjoint, and so are the blocks of a job (`plan._job` refuses others), so
that counts of accelerators are sums over the short list of outages here too.
"""

import dataclasses

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from ..fabric import LinkState
from ..plan import COMPUTE, PLANE, Plan
from ._entries import fold, hold, iota
from ._losses import Losses, added, added_where, coverage, each, nest, outside


_GRID = (
    4096  # steps of the quality by which accelerators are chosen: floats of equal ones may differ
)
_BEST = 1 << 30


class Crew(eqx.Module):
    """What must be known of a state to tell whether the next one changes the set in use.

    Of those that have lost nothing the job uses the ones with numbers below `edge`: `whole` of them. So many `live`.
    """

    edge: Int[Array, " lanes"]
    whole: Int[Array, " lanes"]
    live: Int[Array, " lanes"]
    used: Int[Array, " lanes"]


class Spared(eqx.Module):
    """A job with hot spares in one state; `fell` when it had to restart since the one before."""

    available: Float[Array, " lanes"]
    state: LinkState
    pace: Float[Array, " lanes"]
    crew: Crew
    fell: Bool[Array, " lanes"]


def first_crew(plan: Plan, lanes: int) -> Crew:
    """Return the crew of a machine that has lost nothing: the lowest numbers."""
    uses = jnp.full(lanes, plan.job.uses, jnp.int32)
    return Crew(uses, uses, jnp.full(lanes, plan.accelerators, jnp.int32), uses)


def _edge(plan: Plan, low, size) -> Int[Array, " lanes"]:
    """Return the number below which `uses` accelerators lie outside of some disjoint ranges (empty ones: size 0)."""

    def grow(_, edge):
        return plan.job.uses + fold(plan.alive, jnp.add, jnp.where(low < edge, size, 0))

    # Each round takes in a range at least, or has all that begin below the edge.
    edge = jnp.full(low.shape[1:], plan.job.uses, jnp.int32)
    return jnp.minimum(each(low.shape[0], grow, edge), plan.accelerators)


def _crew(plan: Plan, x: Losses, top, whole, live, used, before: Crew) -> tuple[Crew, Array]:
    """Return the crew of a state, and whether it had to be chosen anew since the state before.

    `top` are the disjoint ranges that have lost something, `whole` those at work that have not.
    """
    size = jnp.where(top, x.high - x.low, 0)
    size = hold(plan.alive, size)
    now = Crew(_edge(plan, x.low, size), whole, live, used)
    hit = jnp.clip(jnp.minimum(x.high, before.edge) - x.low, 0, size)
    kept = before.edge - fold(plan.alive, jnp.add, hit)
    chosen = (live > plan.job.uses) | (live < before.live)
    fell = (used < before.used) | ((kept < before.whole) & chosen)
    return now, fell


def spared_parked(plan: Plan, x: Losses, planes, before: Crew) -> Spared:
    """Park every unit that has lost anything; of the others, the first ones work."""
    size = plan.park
    units = dataclasses.replace(x, low=x.low // size * size, high=-(-x.high // size) * size)
    active = x.active & (x.kind != PLANE)
    units, active = hold(plan.alive, (units, active))
    top = outside(plan.alive, units, active)
    live = plan.accelerators - added_where(plan.alive, top, units.high - units.low)
    available = jnp.minimum(live, plan.job.uses)
    crew, fell = _crew(plan, units, top, available, live, available, before)
    whole = size * plan.slice
    used = (available // whole * whole).astype(jnp.float32)
    link = added(planes) * plan.lanes_per_link
    state = LinkState(used, link, link * used, link, jnp.ones(link.shape, bool))
    return Spared(available.astype(jnp.float32), state, jnp.ones(link.shape), crew, fell)


def spared_degraded(plan: Plan, x: Losses, planes, before: Crew) -> Spared:
    """The best accelerators work, those that have lost nothing before all others, at the pace of the slowest."""
    alive = plan.alive
    mine = x.active & (x.kind != PLANE)
    x, mine = hold(alive, (x, mine))
    nested = nest(alive, x)
    pace, link, _ = hold(alive, coverage(plan, x, mine, nested))
    healthy = added(planes)
    bandwidth = hold(alive, added([c * p for c, p in zip(link, planes, strict=True)]))
    own = hold(alive, jnp.where(mine, _own(plan, x, mine), 0))
    top = outside(alive, x, mine, nested)
    free = plan.accelerators - added_where(alive, top, x.high - x.low)
    works = mine & (bandwidth > 0) & (pace > 0) & (own > 0)
    quality = jnp.clip(pace * bandwidth / jnp.maximum(healthy, 1e-20), 0, 1)
    key = jnp.round(quality * _GRID).astype(jnp.int32) * (1 << 16) + (0xFFFF - x.low)
    own, key = hold(alive, (jnp.where(works, own, 0), key))
    number = iota(own.shape[0])

    def ahead(j, sum_):
        better = (key[j] > key) | ((key[j] == key) & (j < number))
        return sum_ + jnp.where(better, own[j], 0)

    before_me = each(own.shape[0], ahead, jnp.zeros(own.shape, jnp.int32) + free)
    uses = plan.job.uses
    any_plane = healthy > 0
    member = jnp.where(any_plane, jnp.clip(uses - before_me, 0, own), 0)
    first = jnp.where(any_plane, jnp.minimum(free, uses), 0)
    live = jnp.where(any_plane, free + fold(alive, jnp.add, own), 0)
    member, first, live = hold(alive, (member, first, live))
    used = first + fold(alive, jnp.add, member)
    crew, fell = _crew(plan, x, top, first, live, used, before)
    state, slowest = _link_state(plan, planes, link, bandwidth, member, first, used, healthy)
    return Spared(used.astype(jnp.float32), state, slowest(pace, 1.0), crew, fell)


def _link_state(plan: Plan, planes, link, bandwidth, member, first, used, healthy):
    """The links of `first` whole accelerators and of `member` ones of each range."""
    alive, lanes = plan.alive, plan.lanes_per_link

    def slowest(values, free):
        worst = fold(alive, jnp.minimum, jnp.where(member > 0, values, jnp.inf))
        worst = jnp.minimum(worst, jnp.where(first > 0, free, jnp.inf))
        return jnp.where(used > 0, worst, 0.0)

    def summed(values, free):
        return first * free + fold(alive, jnp.add, member * values)

    exact = jnp.ones(used.shape, bool)
    for g in range(len(planes) if plan.collectives else 0):
        best = (link[g] >= 1).astype(jnp.float32)
        exact = exact & ((planes[g] <= 0) | (4 * summed(best, 1.0) > 3 * used))
    worst = [slowest(link[g], 1.0) * planes[g] for g in range(len(planes))]
    part = (used // plan.slice * plan.slice).astype(jnp.float32)
    total = summed(bandwidth, healthy) * part / jnp.maximum(used, 1)
    state = LinkState(
        used=part,
        min_link=slowest(bandwidth, healthy) * lanes,
        sum_link=total * lanes,
        sum_plane_min=added(worst) * lanes,
        exact=exact,
    )
    return state, slowest


def _own(plan: Plan, x: Losses, mine) -> Int[Array, "slots lanes"]:
    """Accelerators of each range that lie in no smaller one (of equal ranges, those of the last)."""
    number = iota(mine.shape[0])
    size = x.high - x.low

    def parent(j, found):
        which, least = found
        # The smallest range around: of equal ones, the last that comes before.
        closer = mine[j] & x.after(x.row(j), j) & (number != j) & (size[j] <= least)
        return jnp.where(closer, j, which), jnp.where(closer, size[j], least)

    start = (jnp.full(size.shape, -1, jnp.int32), jnp.full(size.shape, _BEST, jnp.int32))
    around, _ = hold(plan.alive, each(size.shape[0], parent, start))

    def take(j, own):
        return own - jnp.where(mine[j] & (around[j] == number), size[j], 0)

    return each(size.shape[0], take, size)


class Blocks(eqx.Module):
    """What blocks of the job have lost: `share` of the work, and by how much the slowest is slower."""

    losses: Losses
    share: Float[Array, " lanes"] | None
    pace: Float[Array, " lanes"]
    live: Float[Array, " lanes"]  # blocks


def blocks(plan: Plan, x: Losses, planes) -> Blocks:
    """Drop whole the blocks that cannot work, and say what the others are worth.

    `elastic` drops every block with a dead accelerator, `non_uniform` those in which a tensor group has nobody left.
    """
    alive, job = plan.alive, plan.job
    mine = x.active & (x.kind != PLANE)
    x, mine = hold(alive, (x, mine))
    nested = nest(alive, x)
    _, link, _ = hold(alive, coverage(plan, x, mine, nested))
    bandwidth = added([c * p for c, p in zip(link, planes, strict=True)])
    dead = hold(alive, mine & (bandwidth <= 0))
    top = outside(alive, x, dead, nested)
    size = jnp.where(top, x.high - x.low, 0)
    first = x.low // job.replica
    if job.policy == "elastic":
        drops = top
        gone = None
    else:
        group = x.low // job.tensor
        gone = _together(plan, size, group)
        drops = hold(alive, top & (gone >= job.tensor))
    low = jnp.where(drops, first * job.replica, x.low)
    high = jnp.where(drops, -(-x.high // job.replica) * job.replica, x.high)
    low, high, drops = hold(alive, (low, high, drops))
    losses = dataclasses.replace(
        x,
        low=low,
        high=high,
        kind=jnp.where(drops, COMPUTE, x.kind),
        loss=jnp.where(drops, 1.0, x.loss),
    )
    lost = added_where(alive, outside(alive, losses, drops), high - low)
    live = ((plan.accelerators - lost) // job.replica).astype(jnp.float32)
    one = jnp.ones(live.shape)
    if gone is None:
        return Blocks(losses, None, one, live)
    return _uneven(plan, losses, top & ~drops, drops, gone, first, live)


def _together(plan: Plan, values, key) -> Array:
    """For every slot the sum of the values of the slots with its key."""

    def add(j, sum_):
        return sum_ + jnp.where(key == key[j], values[j], 0)

    return hold(plan.alive, each(key.shape[0], add, jnp.zeros(key.shape, values.dtype)))


def _uneven(plan: Plan, x: Losses, hurt, drops, gone, block, live) -> Blocks:
    """Tensor groups with fewer members set the pace of their block, or of all."""
    job, alive, number = plan.job, plan.alive, iota(hurt.shape[0])

    def inside(j, out):
        return out | (drops[j] & (x.low[j] <= x.low) & (x.high <= x.high[j]))

    hurt = hurt & ~each(hurt.shape[0], inside, jnp.zeros(hurt.shape, bool))
    slower = jnp.where(hurt, gone / job.tensor, 0.0)
    hurt, slower = hold(alive, (hurt, slower))
    one, count = jnp.ones(live.shape), plan.accelerators // job.replica
    if not job.balanced:
        worst = fold(alive, jnp.maximum, slower)
        return Blocks(x, live / count, one - worst, live)

    def most(j, found):
        worst, earlier = found
        same = hurt[j] & (block == block[j])
        return jnp.where(same, jnp.maximum(worst, slower[j]), worst), earlier | (
            same & (j < number)
        )

    start = (jnp.zeros(hurt.shape), jnp.zeros(hurt.shape, bool))
    worst, earlier = hold(alive, each(hurt.shape[0], most, start))
    lost = added_where(alive, hurt & ~earlier, worst)
    return Blocks(x, (live - lost) / count, one, live)


def group_state(plan: Plan, whole: LinkState, parts: Blocks | None, number: int) -> LinkState:
    """Return the links of the slowest group in which a collective runs: the slowest link decides."""
    many = plan.job.groups[number] if plan.job.groups else 0
    if many == 0:
        return whole
    if many > 0:
        members = jnp.minimum(whole.used, float(many))
    else:
        assert parts is not None
        members = parts.live
    return dataclasses.replace(whole, used=members)
