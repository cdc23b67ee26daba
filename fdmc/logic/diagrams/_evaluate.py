"""Probabilities from a diagram: one pass up for the values, one pass down for all derivatives, many trials at once."""

import concurrent.futures
import os
from typing import no_type_check

import numpy as np
from jaxtyping import Float
from numba import njit

from ._diagram import Diagram


_LANES = 64  # trials that walk through the table together: enough for the vector units, few enough for the cache


@njit(cache=True, nogil=True)
@no_type_check
def _forward(up, down, high, low, value):
    first = len(value) - len(up)
    for i in range(len(up)):
        value[first + i] = value[up[i]] * value[high[i]] + value[down[i]] * value[low[i]]


@njit(cache=True, nogil=True)
@no_type_check
def _reverse(up, down, high, low, value, slope):
    """Pass d(root)/d(slot) from every node on to what it reads."""
    first = len(value) - len(up)
    for i in range(len(up) - 1, -1, -1):
        s = slope[first + i]
        if s != 0.0:
            slope[high[i]] += s * value[up[i]]
            slope[low[i]] += s * value[down[i]]
            slope[up[i]] += s * value[high[i]]
            slope[down[i]] += s * value[low[i]]


def _values(diagram: Diagram, p: np.ndarray) -> np.ndarray:
    value = np.empty(diagram.first + diagram.nodes)
    value[:2] = 0, 1
    value[2 : 2 + len(p)] = p
    value[2 + len(p) : diagram.first] = 1 - p
    _forward(diagram.up, diagram.down, diagram.high, diagram.low, value)
    return value


def _checked(diagram: Diagram, p: np.ndarray) -> np.ndarray:
    """Raise ValueError unless the last axis of `p` has one probability for each event."""
    p = np.asarray(p, np.float32 if p.dtype == np.float32 else np.float64)
    if p.shape[-1] != len(diagram.events):
        raise ValueError(f"{len(diagram.events)} probabilities are needed, but {p.shape[-1]} came.")
    if p.size and not (p.min() >= 0 and p.max() <= 1):
        raise ValueError("Probabilities lie in [0, 1].")
    return p


def probability(diagram: Diagram, p: Float[np.ndarray, " events"]) -> Float[np.ndarray, " roots"]:
    """The exact probability of every root when the events are independent.

    **Arguments:** `p`, probability of each event of `diagram.events`.

    **Returns:** probabilities, each to about 1e-15 times the depth of the diagram, relative, however small.

    **Raises:** ValueError when `p` has the wrong length or leaves [0, 1].

    P(f) = p P(f | x) + (1 - p) P(f | not x), Shannon's expansion, from the bottom.

    ```python
    import numpy as np
    from fdmc.logic import diagram, probability, structure
    from fdmc.spec.fault_tree import BasicEvent, FaultTree, Formula, Gate

    events = {"pump": BasicEvent(0.1), "standby": BasicEvent(0.2)}
    tree = FaultTree("loop", ("dry",), {"dry": Gate(Formula("and", ("pump", "standby")))}, events)
    assert np.isclose(probability(diagram(structure(tree, tree.tops)), np.array([0.1, 0.2])), 0.02)
    ```
    """
    return _values(diagram, _checked(diagram, p))[diagram.roots]


def gradient(
    diagram: Diagram, p: Float[np.ndarray, " events"]
) -> tuple[Float[np.ndarray, " roots"], Float[np.ndarray, "roots events"]]:
    """The probability of every root, and its derivative to the probability of every event (Birnbaum's importance).

    **Arguments:** as for `probability`.

    **Returns:** values, and derivatives, negative where an event's failure helps. One pass down for each root, whatever
    the number of events. Derivatives carry an absolute error of about 1e-15 P(root | event).
    """
    p = _checked(diagram, p)
    value = _values(diagram, p)
    slopes = np.zeros((len(diagram.roots), len(p)))
    for row, root in zip(slopes, diagram.roots, strict=True):
        slope = np.zeros(len(value))
        slope[root] = 1.0
        _reverse(diagram.up, diagram.down, diagram.high, diagram.low, value, slope)
        row[:] = slope[2 : 2 + len(p)] - slope[2 + len(p) : diagram.first]
    return value[diagram.roots], slopes


@njit(cache=True, nogil=True)
@no_type_check
def _program(up, down, high, low, roots, first):
    """Rows (target, up, high, down, low) in which a slot is used again once its value has been read for the last time.

    **Returns:** int32[nodes, 5], the new slots of the roots, and the number of slots.
    """
    nodes = len(up)
    last = np.full(first + nodes, -1, np.int32)
    for i in range(nodes):
        last[up[i]] = last[down[i]] = last[high[i]] = last[low[i]] = i
    for root in roots:
        last[root] = nodes
    place = np.arange(first + nodes).astype(np.int32)
    free = np.empty(nodes, np.int32)
    spare, slots = 0, first
    rows = np.empty((nodes, 5), np.int32)
    for i in range(nodes):
        if spare:
            spare -= 1
            target = free[spare]
        else:
            target = slots
            slots += 1
        place[first + i] = target
        reads = (up[i], high[i], down[i], low[i])
        rows[i, 0] = (
            target  # never one of those read, so that the lanes may be computed in any order
        )
        for j in range(4):
            rows[i, j + 1] = place[reads[j]]
        for slot in reads:
            if slot >= first and last[slot] == i:
                last[slot] = -1  # read twice, freed once
                free[spare] = place[slot]
                spare += 1
    return rows, place[roots], slots


@njit(cache=True, nogil=True)
@no_type_check
def _lanes(rows, roots, slots, p, begin, end, out):
    """Fill rows begin .. end of `out` [trials, roots] from `p` [events, trials], _LANES trials at a time."""
    events = len(p)
    work = np.zeros((slots, _LANES), p.dtype)
    work[1] = 1
    for start in range(begin, end, _LANES):
        count = min(_LANES, end - start)
        for e in range(events):
            for j in range(count):
                work[2 + e, j] = p[e, start + j]
                work[2 + events + e, j] = 1 - p[e, start + j]
        for i in range(len(rows)):
            target = work[rows[i, 0]]
            up, high = work[rows[i, 1]], work[rows[i, 2]]
            down, low = work[rows[i, 3]], work[rows[i, 4]]
            for j in range(_LANES):
                target[j] = up[j] * high[j] + down[j] * low[j]
        for r in range(len(roots)):
            for j in range(count):
                out[start + j, r] = work[roots[r], j]


def probabilities(
    diagram: Diagram, p: Float[np.ndarray, "trials events"]
) -> Float[np.ndarray, "trials roots"]:
    """The exact probability of every root in many trials, on all cores.

    **Arguments:** `p`, probabilities of the events in each trial (drawn from their uncertainty, say). In float32 all
    of it is: half the memory traffic, and relative errors of some 1e-6.

    **Returns:** what `probability` gives for each row, whatever the number of cores.

    **Raises:** ValueError as `probability` does.
    """
    p = np.ascontiguousarray(_checked(diagram, p).T)  # no copy of what was made event by event
    columns = (diagram.up, diagram.down, diagram.high, diagram.low)
    rows, roots, slots = _program(*columns, diagram.roots, diagram.first)
    trials = p.shape[1]
    out = np.empty((trials, len(roots)), p.dtype)
    workers = max(1, min(os.cpu_count() or 1, trials // _LANES))
    cuts = [trials * w // workers for w in range(workers + 1)]
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        spans = zip(cuts, cuts[1:], strict=False)
        for done in [pool.submit(_lanes, rows, roots, slots, p, a, b, out) for a, b in spans]:
            done.result()
    return out
