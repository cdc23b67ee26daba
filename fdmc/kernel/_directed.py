"""States of fabrics of which some parts fail in one direction: what accelerators send and what they receive.

The laws are in `docs/model.md`, section 4. Each direction has its own links and planes; sums over accelerators
telescope as in `_domain`, for each segment of the planes by itself, since a plane passes on what is sent to it and what
can be received from it. Only machines with such parts compile any of this.
"""

import dataclasses
import functools
from collections.abc import Callable

import jax.numpy as jnp
from jaxtyping import Array, Float

from ..fabric import DirectedState
from ..plan import PLANE, RECEIVE, SEND, Plan
from ._entries import fold, hold
from ._losses import Losses, added, added_where, coverage, each, left_by, nest, outside


Values = Float[Array, "..."]
Granted = Callable[[int, Values], Values]
"""What a class of traffic (its row) gets of a link that keeps a part of its lanes."""
Live = tuple[Float[Array, "planes lanes"], Float[Array, "planes lanes"]] | None
"""What is left of every plane, of what accelerators send to it and of what they receive (None: all)."""

_UNEQUAL = 1e-6  # of a plane: far below one lane, far above the rounding of a product


def both_ways(x: Losses) -> tuple[Losses, Losses]:
    """Return the losses of what accelerators send, and of what they receive; the others are not active there."""
    way, kind = x.kind >> 4, x.kind & 15
    of = lambda other: dataclasses.replace(x, kind=kind, active=x.active & (way != other))
    return of(RECEIVE), of(SEND)


def directed_parked(
    plan: Plan, x: tuple[Losses, Losses], live: Live, granted: Granted, rows: int
) -> tuple[Values, Values, tuple[DirectedState, ...]]:
    """Return who is available, the pace, and the links of every class: what has lost anything either way is parked."""
    size = plan.park
    units = dataclasses.replace(
        x[0], low=x[0].low // size * size, high=-(-x[0].high // size) * size
    )
    own = (x[0].active | x[1].active) & (units.kind != PLANE)
    units, own = hold(plan.alive, (units, own))
    top = outside(plan.alive, units, own)
    available = plan.accelerators - added_where(plan.alive, top, units.high - units.low)
    whole = size * plan.slice
    used = (available // whole * whole).astype(jnp.float32)
    one = jnp.ones(used.shape)
    exact, found = _one_ratio(plan, live, one), []
    for row in range(rows):
        up, down = (_planes(plan, granted, row, live, way)(_all(plan, one)) for way in (0, 1))
        common = _common(plan, granted, row, live, _all(plan, one), _all(plan, one))
        found.append(_state(plan, used, up, down, common * used, common, exact))
    return available.astype(jnp.float32), one, tuple(found)


def directed_degraded(
    plan: Plan, x: tuple[Losses, Losses], live: Live, granted: Granted, rows: int
) -> tuple[Values, Values, tuple[DirectedState, ...]]:
    """Return the same where everything that lives, and has lanes both ways, works at the pace of the slowest."""
    alive, segments = plan.alive, plan.segment_planes.shape[0]
    ways = [way.active & (way.kind != PLANE) for way in x]
    ranges, ways = hold(alive, (x[0], ways))
    mine, nested = ways[0] | ways[1], nest(alive, ranges)
    (pace, *one_way), (_, *other_way) = (
        hold(alive, coverage(plan, ranges, its, nested)) for its in ways
    )
    link, before = zip(one_way, other_way, strict=True)
    after = [
        [b * left_by(ranges, its, g) for g, b in enumerate(ahead)]
        for its, ahead in zip(ways, before, strict=True)
    ]
    one = jnp.ones(mine.shape[1:])
    view = [[_planes(plan, granted, row, live, way) for way in (0, 1)] for row in range(rows)]

    def ports(links):
        return hold(alive, [[v(c) for v, c in zip(row, links, strict=True)] for row in view])

    def fit(values):
        return functools.reduce(jnp.minimum, [w for row in values for w in row]) > 0

    here, free = ports(link), ports([_all(plan, one)] * 2)
    fits, then, ahead = hold(alive, (fit(here), fit(ports(after)), fit(ports(before))))
    dead = hold(alive, mine & ~fits)
    top, top_dead = (outside(alive, ranges, which, nested) for which in (mine, dead))
    lost, touched = (added_where(alive, which, ranges.size) for which in (top_dead, top))
    used = jnp.where(fit(free), plan.accelerators - lost, 0)

    def bury(j, inside):
        gone = ranges.row(j)
        within = (ranges.low <= gone.low) & (gone.high <= ranges.high)
        return inside + jnp.where(top_dead[j] & within, gone.size, 0)

    buried = each(mine.shape[0], bury, jnp.zeros(mine.shape))
    working = mine & ~dead & (buried < ranges.size)
    working, used, untouched = hold(alive, (working, used, touched < plan.accelerators))

    def slowest(values, full):
        worst = fold(alive, jnp.minimum, jnp.where(working, values, jnp.inf))
        worst = jnp.minimum(worst, jnp.where(untouched, full, jnp.inf))
        return jnp.where(used > 0, worst, 0.0)

    def summed(with_it, without, full):
        gain = jnp.where(then, with_it, 0) - jnp.where(ahead, without, 0)
        return plan.accelerators * full + added_where(alive, mine, ranges.size * gain)

    exact = _one_ratio(plan, live, one)
    for way in (0, 1) if plan.collectives else ():
        for g in range(segments):
            now, then_ = ((c[way][g] >= 1).astype(jnp.float32) for c in (after, before))
            gone = _segment(plan, live, way, g) <= 0
            exact = exact & (gone | (4 * summed(now, then_, 1.0) > 3 * used))
    part = jnp.floor(used / plan.slice) * plan.slice
    scale = jnp.where(used > 0, part / jnp.maximum(used, 1), 0)
    worst = [[slowest(c, 1.0) for c in link[way]] for way in (0, 1)]
    found = []
    for row in range(rows):
        up, down = (slowest(here[row][way], free[row][way]) for way in (0, 1))
        moved = _moved(plan, granted, row, live, after, before, summed) * scale
        common = _common(plan, granted, row, live, *worst)
        found.append(_state(plan, part, up, down, moved, common, exact))
    return used, slowest(pace, 1.0), tuple(found)


def _state(plan: Plan, used, up, down, moved, common, exact) -> DirectedState:
    lanes = plan.lanes_per_link
    return DirectedState(used, up * lanes, down * lanes, moved * lanes, common * lanes, exact)


def _all(plan: Plan, one: Values) -> list[Values]:
    return [one] * plan.segment_planes.shape[0]


def _linear(plan: Plan) -> bool:
    """Whether all lanes are one class: what planes have of links is then a product."""
    return plan.sharing is None or plan.sharing.reserve is None


def _width(plan: Plan) -> int:
    return plan.planes // plan.segment_planes.shape[0]


def _planes(
    plan: Plan, granted: Granted, row: int, live: Live, way: int
) -> Callable[[list[Values]], Values]:
    """Return what turns the capacities of links, by segment, into what a class gets of all planes in one direction."""
    width = _width(plan)

    def of_segment(g: int, c: Values) -> Values:
        if live is None or _linear(plan):
            return _segment(plan, live, way, g) * granted(row, c)
        left = live[way]
        add = lambda k, total: total + granted(row, c * left[g * width + k])
        return each(width, add, jnp.zeros(jnp.broadcast_shapes(c.shape, left.shape[1:])))

    return lambda links: added([of_segment(g, c) for g, c in enumerate(links)])


def _common(plan: Plan, granted: Granted, row: int, live: Live, up, down) -> Values:
    """Return what the planes have of these links in both directions at once: of each plane the lesser."""
    width = _width(plan)

    def of_plane(k, g: int) -> Values:
        ways = (up[g], down[g])
        if live is not None:
            ways = tuple(c * left[g * width + k] for c, left in zip(ways, live, strict=True))
        return jnp.minimum(*(granted(row, c) for c in ways))

    def of_segment(g: int) -> Values:
        if live is None:
            return width * of_plane(0, g)
        return each(width, lambda k, t: t + of_plane(k, g), jnp.zeros(up[g].shape))

    return added([of_segment(g) for g in range(len(up))])


def _moved(plan: Plan, granted: Granted, row: int, live: Live, after, before, summed) -> Values:
    """Return what all planes pass on: of each the lesser of what all can send to it, and receive from it."""
    width, one = _width(plan), jnp.ones(after[0][0].shape[1:])

    def sums(g: int, left: tuple[Values, Values]) -> list[Values]:
        got = lambda c, way: granted(row, c * left[way])
        return [
            summed(got(after[way][g], way), got(before[way][g], way), got(one, way))
            for way in (0, 1)
        ]

    def of_segment(g: int) -> Values:
        if live is None:
            return width * jnp.minimum(*sums(g, (one, one)))
        sent, received = live
        at = lambda k: (sent[g * width + k], received[g * width + k])
        if not _linear(plan):
            return each(width, lambda k, t: t + jnp.minimum(*sums(g, at(k))), 0 * one)
        whole = hold(plan.alive, sums(g, (one, one)))
        lesser = lambda k: jnp.minimum(*(s * left for s, left in zip(whole, at(k), strict=True)))
        return each(width, lambda k, t: t + lesser(k), 0 * one)

    return added([of_segment(g) for g in range(len(after[0]))])


def _segment(plan: Plan, live: Live, way: int, g: int) -> Values:
    """Return how many planes of a segment live in one direction, fractions included."""
    if live is None:
        return plan.segment_planes[g]
    width = _width(plan)
    return jnp.sum(live[way][g * width : (g + 1) * width], 0)


def _one_ratio(plan: Plan, live: Live, one: Values):
    """Return whether the forms that ask for it find planes with one ratio of sending to receiving."""
    yes = one > 0
    if live is None or not any(op in ("all_to_all", "broadcast") for op, _ in plan.collectives):
        return yes
    return yes & jnp.all(jnp.abs(live[0] - live[1]) < _UNEQUAL, 0)
