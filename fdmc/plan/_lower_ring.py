"""Lowering of a k-hop ring, and what collectives take of a healthy machine that has one."""

import jax.numpy as jnp
import numpy as np

from ..fabric import RingState, ring_seconds
from ..spec import Scenario
from ._effects import PlanError
from ._ring import Ring
from ._rows import Row


def ring_of(scenario: Scenario) -> Ring | None:
    """Return the ring of a fabric, None where there is none."""
    ring, nodes, workload = scenario.fabric.ring, scenario.tree.nodes, scenario.workload
    if ring is None:
        return None
    size = scenario.tree.per(ring.node, scenario.fabric.accelerator)
    tensor = 1 if workload.parallel is None else workload.parallel.tensor
    return Ring(
        size=size,
        nodes=nodes[ring.node].total,
        hops=ring.hops,
        closed=ring.closed,
        group=max(1, tensor // size),
        together=any(c.group is None for c in workload.collectives),
    )


def check_nodes(ring: Ring | None, rows: list[Row]):
    """Refuse a machine in which a failure or a repair cuts through a node of the ring.

    **Raises:** `PlanError`.
    """
    if ring is None:
        return
    for row in rows:
        for effect in (row.effect, row.out):
            if effect is None:
                continue
            within = effect.low // ring.size == (effect.high - 1) // ring.size
            whole = (effect.low % ring.size == 0) & (effect.high % ring.size == 0)
            if not np.all(within | whole):
                raise PlanError(
                    f"fabric.ring: {row.name} takes ranges that cut nodes of {ring.size} accelerators; "
                    "choose blocks of whole nodes, or blocks in one."
                )


def healthy_seconds_on_a_ring(scenario: Scenario, members: list[int]) -> list[float]:
    """Return the time of every collective among so many accelerators of a healthy ring."""
    fabric = scenario.fabric
    rate = fabric.lane_rate_gbps * 1e9 / 8 * fabric.efficiency
    link, found = jnp.asarray(float(fabric.lanes_per_link)), []
    for each, many in zip(scenario.workload.collectives, members, strict=True):
        n = jnp.asarray(float(many))
        state = RingState(n, n, 2 * link, 2 * link * n, link, link, jnp.asarray(True))
        args = (each.size_bytes, state, rate, each.latency_seconds)
        found.append(min(float(ring_seconds(each.op, a, *args)) for a in each.algorithms))
    return found
