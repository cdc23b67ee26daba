"""Families of sets as zero-suppressed diagrams: the minimal solutions of a decision diagram, in flat arrays.

A row of `node` is (level, low, high, least, most): the sets without and with the variable, and the sizes of the
smallest and the largest set. Node 0 is the empty family and node 1 the
family of the empty set. Families in here are minimal: none of their sets contains another.

S. Minato, "Zero-suppressed BDDs for set manipulation in combinatorial problems", DAC 1993; A. Rauzy, "New algorithms
for fault trees analysis", Reliability Engineering and System Safety 40 (1993) 203.
"""

from typing import no_type_check

import numpy as np
from numba import njit

from ._bdd import NODES, STEPS, apply, make, mix


_BOTTOM = 2**31 - 1
_ZERO = np.int64(0)


@njit(cache=True)
@no_type_check
def _join(level, low, high, node, unique, counts):
    """The family of the sets of `low` and of those of `high` with the variable at `level`, or NODES."""
    if high == 0:
        return low
    mask = np.uint64(len(unique) - 1)
    slot = mix(level, low, high) & mask
    while unique[slot] != 0:
        i = unique[slot]
        if node[i, 0] == level and node[i, 1] == low and node[i, 2] == high:
            return i
        slot = (slot + np.uint64(1)) & mask
    n = counts[0]
    if n == len(node):
        return NODES
    node[n, 0] = level
    node[n, 1] = low
    node[n, 2] = high
    node[n, 3] = min(node[low, 3], node[high, 3] + 1)
    node[n, 4] = max(node[low, 4], node[high, 4] + 1)
    unique[slot] = n
    counts[0] = n + 1
    return n


@njit(cache=True, inline="always")
@no_type_check
def _part(node, f, level, branch):
    """The sets of f without (1) or with (2) the variable at `level`, which is not above f's own."""
    if node[f, 0] == level:
        return node[f, branch]
    return f if branch == 1 else 0


@njit(cache=True, inline="always")
@no_type_check
def _plain(f, g, node):
    """The sets of f that contain no set of g where that needs no recursion, else -1."""
    if f == 0 or g == 1 or f == g:
        return 0
    return f if node[f, 4] < node[g, 3] else -1  # every set of g is larger than any of f


@njit(cache=True)
@no_type_check
def _without(f, g, node, unique, cache, stack, counts):
    """The sets of f that contain no set of g, or a negative status.

    With f = f0 + x f1 and g = g0 + x g1: (f0 without g0) + x ((f1 without g1) without g0).
    """
    depth, result = 0, -1
    mask = np.uint64(len(cache) - 1)
    while True:
        if result < 0:  # go down
            counts[1] += 1
            if counts[1] > counts[2]:
                return STEPS
            result = _plain(f, g, node)
            if result < 0:
                while (
                    node[g, 0] < node[f, 0]
                ):  # a set with a variable that f has not is in no set of f
                    g = node[g, 1]
                result = _plain(f, g, node)
            if result < 0:
                entry = cache[mix(f, g, 7) & mask]
                if entry[0] == f and entry[1] == g:
                    result = entry[2]
            if result < 0:
                frame = stack[depth]
                frame[0], frame[1], frame[2] = f, g, 0
                depth += 1
                level = node[f, 0]
                f, g = node[f, 1], _part(node, g, level, 1)
                continue
        if depth == 0:
            return result
        frame = stack[depth - 1]
        level = node[frame[0], 0]
        g0, g1 = _part(node, frame[1], level, 1), _part(node, frame[1], level, 2)
        if frame[2] == 0:
            frame[2], frame[3] = 1, result
            f, g, result = node[frame[0], 2], g1, -1
        elif frame[2] == 1:
            frame[2] = 2
            f, g, result = result, g0, -1
        else:
            result = _join(np.int64(level), np.int64(frame[3]), result, node, unique, counts)
            if result < 0:
                return result
            entry = cache[mix(frame[0], frame[1], 7) & mask]
            entry[0], entry[1], entry[2] = frame[0], frame[1], result
            depth -= 1


@njit(cache=True)
@no_type_check
def minimal(level, low, high, levels, node, unique, cache, counts):
    """The minimal solutions of every node of a decision diagram without negated edges.

    **Arguments:** nodes, children first: their level, and as `low` and `high` 0 (false), 1 (true) or 2 + node;
    `levels`, how many there are; tables as for `build`.

    **Returns:** the families of false, true and the nodes, int32[2 + nodes]; a negative first entry is a status.

    The minimal sets of events that make f true while all others are working: those of f0, and x with those of f1 that
    contain none of f0's. For a tree that is not coherent these are the minimal sets of its monotone hull.
    """
    family = np.zeros(2 + len(level), np.int32)
    family[1] = 1
    stack = np.empty((levels + 2, 4), np.int32)
    for i in range(2):
        node[i, 0], node[i, 1], node[i, 2] = _BOTTOM, i, 0
    node[0, 3], node[0, 4] = _BOTTOM - 1, -1
    node[1, 3], node[1, 4] = 0, 0
    counts[0] = 2
    for i in range(len(level)):
        f0 = np.int64(family[low[i]])
        f1 = _without(np.int64(family[high[i]]), f0, node, unique, cache, stack, counts)
        if f1 >= 0:
            f1 = _join(np.int64(level[i]), f0, f1, node, unique, counts)
        if f1 < 0:
            family[0] = f1
            return family
        family[2 + i] = f1
    return family


@njit(cache=True)
@no_type_check
def keep(node, roots):
    """Drop the families that no root needs; the roots are changed in place.

    **Returns:** int32[kept, 3], rows 0 and 1 being the constants.
    """
    place = np.zeros(len(node), np.int32)
    place[:2] = 1
    for root in roots:
        place[root] = 1
    for i in range(len(node) - 1, 1, -1):
        if place[i]:
            place[node[i, 1]] = 1
            place[node[i, 2]] = 1
    kept = np.empty((place.sum(), 3), np.int32)
    count = 0
    for i in range(len(node)):
        if place[i]:
            place[i] = count
            kept[count, 0] = node[i, 0]
            kept[count, 1] = place[node[i, 1]] if i > 1 else i
            kept[count, 2] = place[node[i, 2]] if i > 1 else i
            count += 1
    for r in range(len(roots)):
        roots[r] = place[roots[r]]
    return kept


@njit(cache=True)
@no_type_check
def _either(f, g, node, unique, cache, stack, counts):
    result = apply(_ZERO, np.int64(f ^ 1), np.int64(g ^ 1), node, unique, cache, stack, counts)
    return result if result < 0 else result ^ 1


@njit(cache=True)
@no_type_check
def _weigh(node, start, stop, p, value):
    """Probabilities of nodes start .. stop - 1 and of their negations, at 2 node and 2 node + 1."""
    for i in range(start, stop):
        x = p[node[i, 0]]
        for sign in range(2):
            high, low = node[i, 2] ^ sign, node[i, 1] ^ sign
            value[2 * i + sign] = x * value[high] + (1.0 - x) * value[low]


@njit(cache=True)
@no_type_check
def _forget(node, unique, start, counts):
    """Take the nodes from `start` on out again, the last one first, which leaves the hash table as it was."""
    mask = np.uint64(len(unique) - 1)
    for i in range(counts[0] - 1, start - 1, -1):
        slot = mix(node[i, 0], node[i, 1], node[i, 2]) & mask
        while unique[slot] != i:
            slot = (slot + np.uint64(1)) & mask
        unique[slot] = 0
    counts[0] = start


@njit(cache=True)
@no_type_check
def _quotient(families, hull, level, union, node, unique, cache, stack, counts):
    """For each family the diagram of "some set with the variable at `level`, but for that variable, has failed"."""
    union[:] = 0
    for i in range(2, len(families)):
        at, low, high = families[i, 0], families[i, 1], families[i, 2]
        if at == level:
            union[i] = hull[high]
        elif at < level and (union[low] or union[high]):
            f, g = np.int64(union[low]), np.int64(union[high])
            both = _either(f, g, node, unique, cache, stack, counts)
            union[i] = both
            if both >= 0:
                union[i] = make(np.int64(at), f, both, node, unique, counts)
            if union[i] < 0:
                return union[i]
    return 0


@njit(cache=True)
@no_type_check
def unions(families, root, p, node, unique, cache, counts, out):
    """Probabilities of unions of the sets of a family.

    **Arguments:** `families`, rows (level, low, high), children first; `root`, a family; `p`, probability by level;
    tables as for `build`; `out`, float64[levels], NaN where P(union of the root's sets that contain the variable,
    without it) is asked for, which replaces it unless the node budget is reached.

    **Returns:** P(union of the root's sets), or NaN when even that does not fit.
    """
    hull = np.zeros(len(families), np.int32)
    hull[1] = 1
    stack = np.empty((len(p) + 2, 6), np.int32)
    node[0, 0], node[0, 1], node[0, 2] = _BOTTOM, 0, 0
    counts[0] = 1
    for i in range(2, len(families)):
        low, high = np.int64(hull[families[i, 1]]), np.int64(hull[families[i, 2]])
        both = _either(low, high, node, unique, cache, stack, counts)
        level = np.int64(families[i, 0])
        hull[i] = make(level, low, both, node, unique, counts) if both >= 0 else both
        if hull[i] < 0:
            return np.nan
    value = np.empty(2 * len(node))
    value[0], value[1] = 0.0, 1.0
    start = counts[0]
    _weigh(node, _ZERO + 1, start, p, value)
    union = np.empty(len(families), np.int32)
    for level in range(len(p)):
        if not np.isnan(out[level]):
            continue
        if counts[0] > start + (len(node) - start) // 2:
            _forget(node, unique, start, counts)
            cache[:] = 0
            counts[1] += len(cache)
        before = counts[0]
        counts[1] += len(families)
        if _quotient(families, hull, level, union, node, unique, cache, stack, counts) < 0:
            _forget(node, unique, start, counts)
            cache[:] = 0
            if counts[1] > counts[2]:
                break
            continue
        _weigh(node, before, counts[0], p, value)
        out[level] = value[union[root]]
    return value[hull[root]]
