"""Classes of traffic, trunks and tori in the plan, and what collectives take of a healthy machine that has them."""

import math

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from ..fabric import (
    Level,
    LinkState,
    collective_seconds,
    switched_torus_state,
    torus_seconds,
    two_level_seconds,
)
from ..spec import Fabric, Scenario
from ._arrays import AnyArray
from ._direction import one_way


class Reserve(eqx.Module):
    """What each class of traffic that the job uses gets of a link that keeps the part `f` of its lanes.

    That is `share (1 - clip((whole - f) / level, 0, 1))`: all of its `share` down to `whole`, what it and all that come
    before it or stand beside it have together; `level` is what those of its own priority have.
    """

    share: Float[AnyArray, " traffic"]
    whole: Float[AnyArray, " traffic"]
    level: Float[AnyArray, " traffic"]


class Sharing(eqx.Module):
    """A fabric whose lanes are divided: among classes of traffic, between levels or directions, in a torus.

    `traffic` is the row of `reserve` of each collective (all 0 without classes), `units` how many a trunk joins
    (0: there is none), each by `trunk_bytes_per_second`. Slices are a `torus` of (accelerators of a cube, of the
    slice) along each dimension; with it each accelerator has the lanes of a link to each neighbour. Sending and
    receiving are counted apart where some part fails in one direction (`directed`).
    """

    reserve: Reserve | None
    trunk_bytes_per_second: Float[AnyArray, ""]
    traffic: tuple[int, ...] = eqx.field(static=True)
    units: int = eqx.field(static=True)
    torus: tuple[tuple[int, ...], tuple[int, ...]] | None = eqx.field(static=True)
    directed: bool = eqx.field(static=True, default=False)

    @property
    def rows(self) -> int:
        """Classes of traffic in use; one without classes."""
        return 1 if self.reserve is None else self.reserve.share.shape[0]


def sharing_of(scenario: Scenario) -> Sharing | None:
    """Return how the lanes of a fabric are divided, None where every collective has all of them."""
    fabric, collectives = scenario.fabric, scenario.workload.collectives
    named = {each.traffic for each in collectives} if fabric.classes else set()
    directed = one_way(scenario)
    if not named and fabric.trunk is None and fabric.torus is None and not directed:
        return None
    used = sorted(named, key=str)
    rows = np.array([_row(fabric, name) for name in used], np.float32).T
    trunk, units, rate = fabric.trunk, 0, 0.0
    if trunk is not None:
        units = scenario.tree.nodes[trunk.unit].total
        rate = trunk.lanes * trunk.lane_rate_gbps * 1e9 / 8 * fabric.efficiency
    return Sharing(
        reserve=Reserve(*rows) if used else None,
        trunk_bytes_per_second=np.asarray(rate, np.float32),
        traffic=tuple(used.index(c.traffic) if used else 0 for c in collectives),
        units=units,
        torus=None if fabric.torus is None else (fabric.torus.cube, fabric.torus.shape),
        directed=directed,
    )


def _row(fabric: Fabric, name: str | None) -> tuple[float, float, float]:
    """Return share, whole and level of a class; None is what has no class, and comes last."""
    classes = fabric.classes or {}
    if name is None:
        rest = 1.0 - math.fsum(each.share for each in classes.values())
        return rest, 1.0, rest
    mine = classes[name]
    level = math.fsum(c.share for c in classes.values() if c.priority == mine.priority)
    before = math.fsum(c.share for c in classes.values() if c.priority < mine.priority)
    return mine.share, min(before + level, 1.0), level


def healthy_seconds(scenario: Scenario, sharing: Sharing, used: int) -> list[float]:
    """Return the time of every collective of a healthy machine in which `used` accelerators work."""
    fabric, found = scenario.fabric, []
    rate = fabric.lane_rate_gbps * 1e9 / 8 * fabric.efficiency
    link = fabric.planes * fabric.lanes_per_link
    for each, row in zip(scenario.workload.collectives, sharing.traffic, strict=True):
        share = 1.0 if sharing.reserve is None else float(sharing.reserve.share[row])
        n, hop = float(used), each.latency_seconds
        if sharing.torus is not None:
            state = switched_torus_state(jnp.ones(fabric.planes), *sharing.torus)
            args = (each.size_bytes, state, rate * fabric.lanes_per_link, hop)
            found.append(min(float(torus_seconds(each.op, a, *args)) for a in each.algorithms))
            continue
        if not sharing.units:
            state = _alike(n, share * link)
            args = (each.size_bytes, state, rate, hop)
            found.append(float(collective_seconds(each.op, each.algorithm, *args)))
            continue
        inside = Level(_alike(n / sharing.units, share * link), each.algorithm, rate, hop)
        trunk = float(sharing.trunk_bytes_per_second)
        across = Level(_alike(sharing.units, share), each.algorithm, trunk, hop)
        found.append(float(two_level_seconds(each.op, each.size_bytes, inside, across)))
    return found


def _alike(n: float | int, link: float | int) -> LinkState:
    """Return the state of `n` equal participants."""
    many, b = jnp.asarray(float(n)), jnp.asarray(link)
    return LinkState(many, b, many * b, b, jnp.asarray(True))
