"""The probability reading: a decision diagram evaluated block by block, with its gradient.

One vector holds every value: 0, 1, p of the events, 1 - p of the events, then the nodes (`fdmc.logic.Diagram`); nothing
is subtracted, so small probabilities keep their digits in float32 too. The gradient is one reverse pass whatever
the number of events. Bryant, "Graph-based algorithms for Boolean function manipulation" (1986).
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Int32

from ...logic import Diagram


WIDTH = 64
"""Nodes of a block: wide enough to vectorise, narrow enough that thin levels waste little."""


class Decisions(NamedTuple):
    """A diagram as blocks of nodes that depend on earlier blocks only; entries are slots, `roots` too.

    The value of a node is up * high + down * low. A padded node reads slot 0 throughout.
    """

    up: Int32[Array, "blocks width"]
    high: Int32[Array, "blocks width"]
    down: Int32[Array, "blocks width"]
    low: Int32[Array, "blocks width"]
    roots: Int32[Array, " roots"]


def decisions(diagram: Diagram) -> Decisions:
    """Sort the nodes of a diagram into blocks, on the host."""
    table = np.stack([diagram.up, diagram.high, diagram.down, diagram.low]).astype(np.int64)
    first, nodes = diagram.first, diagram.nodes
    level = np.zeros(first + nodes, np.int64)
    for i in range(nodes):
        level[first + i] = 1 + level[table[:, i]].max()
    rows = []
    for depth in range(1, level.max(initial=0) + 1):
        these = np.flatnonzero(level[first:] == depth)
        parts = np.split(these, range(WIDTH, len(these), WIDTH))
        rows += [np.pad(part, (0, WIDTH - len(part)), constant_values=nodes) for part in parts]
    place = np.array(rows, np.int64).reshape(-1, WIDTH)
    slot = np.arange(first + nodes + 1)
    slot[first + place] = first + np.arange(place.size).reshape(place.shape)
    padded = np.pad(slot[table], ((0, 0), (0, 1)))  # node number `nodes` is padding: all zero
    up, high, down, low = (jnp.asarray(column[place], jnp.int32) for column in padded)
    return Decisions(up, high, down, low, jnp.asarray(slot[diagram.roots], jnp.int32))


@jax.custom_vjp
def top_probability(diagram: Decisions, p: Float[Array, "events ..."]) -> Float[Array, "roots ..."]:
    """Return the probability of every root from the probabilities of independent events.

    Shannon's expansion at every node: P = p P(high) + (1 - p) P(low).
    """
    return _table(diagram, p)[diagram.roots]


def _table(diagram: Decisions, p: jax.Array) -> jax.Array:
    blocks, width = diagram.up.shape
    constants = jnp.stack([jnp.zeros(p.shape[1:], p.dtype), jnp.ones(p.shape[1:], p.dtype)])
    nodes = jnp.zeros((blocks * width, *p.shape[1:]), p.dtype)
    start = 2 + 2 * p.shape[0]

    def block(b, table):
        high = table[diagram.up[b]] * table[diagram.high[b]]
        row = high + table[diagram.down[b]] * table[diagram.low[b]]
        return lax.dynamic_update_slice_in_dim(table, row, start + width * b, 0)

    table = jnp.concatenate([constants, p, 1 - p, nodes])
    return lax.fori_loop(0, blocks, block, table) if blocks else table


def _forward(diagram: Decisions, p: jax.Array):
    table = _table(diagram, p)
    return table[diagram.roots], (diagram, p.shape[0], table)


def _backward(saved, wanted: jax.Array):
    diagram, events, table = saved
    blocks, width = diagram.up.shape
    adjoint = jnp.zeros_like(table).at[diagram.roots].add(wanted)

    def block(i, adjoint):
        b = blocks - 1 - i
        mine = lax.dynamic_slice_in_dim(adjoint, 2 + 2 * events + width * b, width)
        up, high, down, low = diagram.up[b], diagram.high[b], diagram.down[b], diagram.low[b]
        parts = (mine * table[high], mine * table[up], mine * table[low], mine * table[down])
        where = jnp.concatenate([up, high, down, low])
        return adjoint.at[where].add(jnp.concatenate(parts))

    adjoint = lax.fori_loop(0, blocks, block, adjoint) if blocks else adjoint
    return None, adjoint[2 : 2 + events] - adjoint[2 + events : 2 + 2 * events]


top_probability.defvjp(_forward, _backward)
