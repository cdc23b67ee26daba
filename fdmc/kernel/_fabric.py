"""States of fabrics whose lanes are divided: among classes of traffic, between two levels by trunks, in a torus, by
direction.

The laws are in `docs/model.md`, section 4. Sums over accelerators telescope as in `_domain`, for a class of traffic
with what it gets of every link in the place of the link itself; trunks are ranges of whole units, and telescope
likewise. Only machines that have one or the other compile any of this.
"""

import dataclasses
import functools
import operator
from collections.abc import Callable, Sequence

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from ..fabric import (
    DirectedState,
    Level,
    LinkState,
    TorusState,
    collective_seconds,
    directed_seconds,
    switched_torus_state,
    torus_seconds,
    two_level_seconds,
)
from ..plan import PLANE, TRUNK, Plan, Sharing
from ._directed import Live, directed_degraded, directed_parked
from ._entries import fold, hold, iota
from ._losses import Losses, added, added_where, coverage, each, left_by, nest, outside


Values = Float[Array, "..."]


class Divided(eqx.Module):
    """What is left for each class of traffic: its links, and as one of `units` its trunks."""

    available: Float[Array, " lanes"]
    pace: Float[Array, " lanes"]
    links: tuple[LinkState | DirectedState, ...]
    trunks: tuple[LinkState, ...] = ()  # none without a trunk
    torus: TorusState | None = None

    @property
    def used(self) -> Float[Array, " lanes"]:
        """Accelerators that work."""
        return self.links[0].used

    @property
    def exact(self) -> Bool[Array, " lanes"]:
        """Whether the closed forms of `optimal` are the optimum."""
        if self.torus is not None:
            return self.torus.exact
        levels = [self.links, self.trunks] if self.trunks else [self.links]
        return functools.reduce(operator.and_, [level[0].exact for level in levels])


def divided(plan: Plan, x: Losses, live: Float[Array, "planes lanes"] | None) -> Divided:
    """Return what classes and levels get; `live` is what is left of every plane (None: all of all)."""
    return (_parked if plan.park else _degraded)(plan, x, live)


def directed(plan: Plan, ways: tuple[Losses, Losses], live: Live) -> Divided:
    """Return the same where some parts fail in one direction: losses and planes as accelerators send and receive."""
    of_class = functools.partial(_granted, plan)
    state = directed_parked if plan.park else directed_degraded
    return Divided(*state(plan, ways, live, of_class, _sharing(plan).rows))


def divided_work(plan: Plan, state: Divided, light):
    """Return the work rate and the collective efficiencies of a state; `light` as in `domain`."""
    work, used = plan.work, state.used
    running = (used >= work.minimum) & (used > 0) & (state.pace > 0)
    if plan.collectives:
        running = running & _talks(state)
    lane = work.bytes_per_second_per_lane
    lane = lane if light is None else lane * light
    good = [work.healthy_seconds[j] for j in range(len(plan.collectives))]
    times = [jnp.where(running, _seconds(plan, state, j, lane), t) for j, t in enumerate(good)]
    healthy = work.compute_seconds + _waited(plan, good)
    step = work.compute_seconds / jnp.where(running, state.pace, 1) + _waited(plan, times)
    rate = jnp.where(running, used / plan.accelerators * healthy / step, 0)
    ratios = [
        jnp.where(running, jnp.where(now > 0, t / jnp.maximum(now, 1e-30), 1), 0)
        for t, now in zip(good, times, strict=True)
    ]
    return rate, jnp.stack(ratios) if ratios else jnp.zeros((0, used.shape[0]))


def _seconds(plan: Plan, state: Divided, j: int, lane) -> Float[Array, " lanes"]:
    """Return the time of collective `j`, `lane` being the bytes a second of one lane."""
    sharing, (op, algorithm) = _sharing(plan), plan.collectives[j]
    hop = None if plan.work.latency_seconds is None else plan.work.latency_seconds[j]
    size, row = plan.work.size_bytes[j], sharing.traffic[j]
    link = state.links[row]
    if state.torus is not None:
        names = (algorithm,) if isinstance(algorithm, str) else algorithm
        lane = lane * plan.lanes_per_link
        times = [torus_seconds(op, name, size, state.torus, lane, hop) for name in names]
        return functools.reduce(jnp.minimum, times)
    if isinstance(link, DirectedState):
        return directed_seconds(op, algorithm, size, link, lane, hop)
    if not sharing.units:
        return collective_seconds(op, algorithm, size, link, lane, hop)
    trunk = state.trunks[row]
    members = link.used / jnp.maximum(trunk.used, 1)
    inside = Level(eqx.tree_at(lambda s: s.used, link, members), algorithm, lane, hop)
    across = Level(trunk, algorithm, sharing.trunk_bytes_per_second, hop)
    return two_level_seconds(op, size, inside, across)


def _waited(plan: Plan, seconds: Sequence[Values]) -> Values:
    """Return what a step waits: collectives of a class follow one another, classes run side by side."""
    sharing = _sharing(plan)
    waits = []
    for row in range(sharing.rows):
        mine = [j for j, of in enumerate(sharing.traffic) if of == row]
        late = [jnp.maximum(seconds[j] - plan.work.overlap_seconds[j], 0) for j in mine]
        waits += [added(late)] if late else []
    return functools.reduce(jnp.maximum, waits) if waits else jnp.zeros(())


def _talks(state: Divided) -> Bool[Array, " lanes"]:
    """Return whether every class that the job uses has lanes, or nobody to talk to."""
    if state.torus is not None:  # a dimension that is cut leaves slabs that nothing joins
        return jnp.isfinite(state.torus.crossing)
    found = [s.pace if isinstance(s, DirectedState) else s.min_link for s in state.links]
    least = functools.reduce(jnp.minimum, found)
    return (least > 0) | (state.used <= 1)


def _sharing(plan: Plan) -> Sharing:
    assert plan.sharing is not None
    return plan.sharing


def _granted(plan: Plan, row: int, left: Values) -> Values:
    """Return what a class gets of a link (or a trunk) that keeps the part `left`."""
    reserve = _sharing(plan).reserve
    if reserve is None:
        return left
    lacks = jnp.clip((reserve.whole[row] - left) / reserve.level[row], 0, 1)
    return reserve.share[row] * (1 - lacks)


def _planes(plan: Plan, row: int, live) -> Callable[[list[Values]], Values]:
    """Return what turns the capacities of links, by segment, into what a class gets of all planes."""
    width = plan.planes // plan.segment_planes.shape[0]

    def all_planes(links: list[Values]) -> Values:
        if live is None:
            return added([width * _granted(plan, row, c) for c in links])

        def of_segment(g: int, c: Values) -> Values:
            add = lambda k, total: total + _granted(plan, row, c * live[g * width + k])
            shape = jnp.broadcast_shapes(c.shape, live.shape[1:])
            return each(width, add, jnp.zeros(shape))

        return added([of_segment(g, c) for g, c in enumerate(links)])

    return all_planes


def _parked(plan: Plan, x: Losses, live) -> Divided:
    """Park every unit that has lost anything of its own, or its trunk; the others run at full rate."""
    sharing, size = _sharing(plan), plan.park
    trunk = _Trunks(plan, x)
    own = x.active & (x.kind != PLANE) & ((x.kind != TRUNK) | (trunk.link <= 0))
    units = dataclasses.replace(x, low=x.low // size * size, high=-(-x.high // size) * size)
    units, own = hold(plan.alive, (units, own))
    top = outside(plan.alive, units, own)
    available = plan.accelerators - added_where(plan.alive, top, units.high - units.low)
    whole = size * plan.slice
    used = (available // whole * whole).astype(jnp.float32)
    yes, full = jnp.ones(used.shape, bool), [jnp.ones(used.shape)] * plan.segment_planes.shape[0]
    links = []
    for row in range(sharing.rows):
        link = _planes(plan, row, live)(full) * plan.lanes_per_link
        links.append(LinkState(used, link, link * used, link, yes))
    trunks = trunk.across(units, top) if sharing.units else ()
    torus = _torus(plan, live, used) if sharing.torus else None
    pace = jnp.ones(used.shape)
    return Divided(available.astype(jnp.float32), pace, tuple(links), trunks, torus)


def _torus(plan: Plan, live, used) -> TorusState:
    """Return the state of every slice: all of them use all planes, and parked cubes are in none."""
    torus = _sharing(plan).torus
    assert torus is not None
    all_of = jnp.ones((plan.planes, *used.shape)) if live is None else live
    return switched_torus_state(jnp.moveaxis(all_of, 0, -1), *torus)


def _degraded(plan: Plan, x: Losses, live) -> Divided:
    """Everything that lives, and has lanes of every class and a trunk, works at the pace of the slowest."""
    alive, sharing = plan.alive, _sharing(plan)
    mine = x.active & (x.kind != PLANE)
    x, mine = hold(alive, (x, mine))
    trunk = _Trunks(plan, x)
    nested = nest(alive, x)
    pace, link, before = hold(alive, coverage(plan, x, mine, nested))
    after = [b * left_by(x, mine, g) for g, b in enumerate(before)]
    views = [_planes(plan, row, live) for row in range(sharing.rows)]
    free = [jnp.ones(x.loss.shape[1:])] * len(link)
    here, then, ahead, healthy = hold(
        alive, tuple([view(c) for view in views] for c in (link, after, before, free))
    )

    def fit(values, up):
        return functools.reduce(jnp.minimum, values) * up > 0

    fits, fit_then, fit_ahead = (
        fit(here, trunk.link), fit(then, trunk.after), fit(ahead, trunk.before)
    )  # fmt: skip
    dead = hold(alive, mine & ~fits)
    top_dead = outside(alive, x, dead, nested)
    works = functools.reduce(jnp.minimum, healthy) > 0
    used = jnp.where(works, plan.accelerators - added_where(alive, top_dead, x.size), 0)
    top = outside(alive, x, mine, nested)
    untouched = plan.accelerators - added_where(alive, top, x.size) > 0
    buried = _inside(x, x, top_dead)
    working, used, untouched = hold(alive, (mine & ~dead & (buried < x.size), used, untouched))

    def slowest(values, full):
        worst = fold(alive, jnp.minimum, jnp.where(working, values, jnp.inf))
        worst = jnp.minimum(worst, jnp.where(untouched, full, jnp.inf))
        return jnp.where(used > 0, worst, 0.0)

    def summed(one, other, full):
        gain = jnp.where(fit_then, one, 0) - jnp.where(fit_ahead, other, 0)
        return plan.accelerators * full + added_where(alive, mine, x.size * gain)

    whole = [
        tuple((c[g] >= 1).astype(jnp.float32) for c in (after, before)) for g in range(len(link))
    ]
    part = jnp.floor(used / plan.slice) * plan.slice
    exact = jnp.ones(used.shape, bool)
    if sharing.units and plan.collectives:  # the rule below is for one level
        one, other = (functools.reduce(jnp.minimum, c) for c in zip(*whole, strict=True))
        exact = summed(one, other, 1.0) >= used
    elif plan.collectives:
        for g, (one, other) in enumerate(whole):
            gone = _segment(plan, live, g) <= 0
            exact = exact & (gone | (4 * summed(one, other, 1.0) > 3 * used))
    worst = [slowest(c, 1.0) for c in link]
    states = []
    for row, view in enumerate(views):
        total = summed(then[row], ahead[row], healthy[row]) * part / jnp.maximum(used, 1)
        states.append(
            LinkState(
                used=part,
                min_link=slowest(here[row], healthy[row]) * plan.lanes_per_link,
                sum_link=jnp.where(used > 0, total, 0) * plan.lanes_per_link,
                sum_plane_min=view(worst) * plan.lanes_per_link,
                exact=exact,
            )
        )
    trunks = trunk.across(x, top_dead) if sharing.units else ()
    return Divided(used, slowest(pace, 1.0), tuple(states), trunks)


def _segment(plan: Plan, live, g: int):
    """Return how many planes of a segment live, fractions included."""
    width = plan.planes // plan.segment_planes.shape[0]
    return jnp.asarray(width) if live is None else jnp.sum(live[g * width : (g + 1) * width], 0)


def _inside(x: Losses, y: Losses, top: Bool[Array, "slots lanes"]) -> Float[Array, "slots lanes"]:
    """Return how many accelerators of the disjoint ranges `top` of `y` lie in each range of `x`."""

    def add(j, inside):
        one = y.row(j)
        within = (x.low <= one.low) & (one.high <= x.high)
        return inside + jnp.where(top[j] & within, one.size, 0)

    return each(top.shape[0], add, jnp.zeros(top.shape))


class _Trunks:
    """What is left of the trunks under each range of losses: of all that cover it, before it, and after it."""

    def __init__(self, plan: Plan, x: Losses):
        self.plan, self.x = plan, x
        self.lost = x.active & (x.kind == TRUNK)
        one = jnp.ones(x.loss.shape)
        self.link = self.before = self.after = one
        if TRUNK in plan.kinds:
            keep = jnp.where(self.lost, 1 - x.loss, 1.0)
            self.link, self.before = hold(plan.alive, _covered(x, keep))
            self.after = self.before * keep

    def across(self, gone: Losses, top: Bool[Array, "slots lanes"]) -> tuple[LinkState, ...]:
        """Return the units as participants, for each class; the ranges `top` of `gone` are not used."""
        plan, x = self.plan, self.x
        units = _sharing(plan).units
        size = plan.accelerators // units
        # A unit is gone when all its accelerators are: by one range, or by several, the first of which says so.
        cell = gone.low // size
        small = top & (gone.high - gone.low < size)

        def same(j, value):
            total, first = value
            mine = small & small[j] & (cell == cell[j])
            total = total + jnp.where(mine, gone.size[j], 0)
            return total, first & ~(mine & (j < iota(top.shape[0])))

        total, first = each(top.shape[0], same, (jnp.zeros(top.shape), small))
        out = (top & ~small) | (small & first & (total >= size))
        low = jnp.where(out, cell * size, x.low)
        high = jnp.where(out, jnp.maximum(gone.high, (cell + 1) * size), x.high)
        keep = jnp.where(out, 0.0, jnp.where(self.lost, 1 - x.loss, 1.0))
        y = dataclasses.replace(x, low=low, high=high)
        y, out, keep = hold(plan.alive, (y, out, keep))
        link, before = hold(plan.alive, _covered(y, keep))
        counts = out | self.lost
        after = before * keep

        def summed(one, other, full):
            return units * full + added_where(plan.alive, counts, y.size / size * (one - other))

        number = summed((after > 0).astype(jnp.float32), (before > 0).astype(jnp.float32), 1.0)
        whole = summed((after >= 1).astype(jnp.float32), (before >= 1).astype(jnp.float32), 1.0)
        seen = self.lost & (link > 0) & (_inside(y, y, out) < y.size)
        found = []
        for row in range(_sharing(plan).rows):
            got = functools.partial(_granted, plan, row)
            full = got(jnp.ones(()))
            least = jnp.minimum(
                full, fold(plan.alive, jnp.minimum, jnp.where(seen, got(link), full))
            )
            total = summed(got(after), got(before), full)
            found.append(LinkState(number, least, total, least, 4 * whole > 3 * number))
        return tuple(found)


def _covered(x: Losses, keep: Float[Array, "slots lanes"]):
    """Return the product of what losses keep over all that cover each range, and over those that precede it."""

    def cover(j, value):
        link, before = value
        one = x.row(j)
        link = link * jnp.where(x.inside(one), keep[j], 1)
        return link, before * jnp.where(x.after(one, j), keep[j], 1)

    return each(keep.shape[0], cover, (jnp.ones(keep.shape), jnp.ones(keep.shape)))
