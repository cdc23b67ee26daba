"""The BDD engine: reduced, ordered, with complement edges, in flat arrays; nothing is raised in here.

`no_type_check` keeps the run-time type checks of the tests out of what Numba compiles.

A literal is `2 * node + negated`; node 0 is the constant false. A row of `node` is (level, low, high): the variable's
place in the order and the literals for the variable false and true. `low` is never negated, which makes the form
unique and means that a node's own function is false while every variable is false.

R. E. Bryant, "Graph-based algorithms for Boolean function manipulation", IEEE Trans. Computers 35 (1986) 677;
K. S. Brace, R. L. Rudell and R. E. Bryant, "Efficient implementation of a BDD package", DAC 1990.
"""

from typing import no_type_check

import numpy as np
from numba import njit

from .._structure import Kind


NODES = -1
"""Status: the node budget was reached."""
STEPS = -2
"""Status: the step budget was reached."""
_AND, _VOTE, _XOR = int(Kind.AND), int(Kind.VOTE), int(Kind.XOR)
_BOTTOM = 2**31 - 1
_ZERO = np.int64(0)  # Numba would compile a callee once more for a bare 0, and for an int32


@njit(cache=True, inline="always")
@no_type_check
def mix(a, b, c):
    """A hash of three small integers."""
    h = np.uint64(a) * np.uint64(0x9E3779B97F4A7C15)
    h = (h ^ np.uint64(b)) * np.uint64(0xBF58476D1CE4E5B9)
    h = ((h ^ (h >> np.uint64(29))) + np.uint64(c)) * np.uint64(0x94D049BB133111EB)
    return h ^ (h >> np.uint64(32))


@njit(cache=True, inline="always")
@no_type_check
def make(level, low, high, node, unique, counts):
    """The literal of "if the variable at `level` then `high` else `low`", or NODES.

    **Arguments:** `unique`, hash table of node numbers (0 empty); `counts`, [nodes, steps, steps allowed].
    """
    if low == high:
        return low
    sign = low & 1
    low ^= sign
    high ^= sign
    mask = np.uint64(len(unique) - 1)
    slot = mix(level, low, high) & mask
    while unique[slot] != 0:
        i = unique[slot]
        if node[i, 0] == level and node[i, 1] == low and node[i, 2] == high:
            return 2 * i + sign
        slot = (slot + np.uint64(1)) & mask
    n = counts[0]
    if n == len(node):
        return NODES
    node[n, 0] = level
    node[n, 1] = low
    node[n, 2] = high
    unique[slot] = n
    counts[0] = n + 1
    return 2 * n + sign


@njit(cache=True, inline="always")
@no_type_check
def _trivial(xor, f, g):
    """The result where no recursion is needed (f < g), else -1."""
    if xor:  # both without sign
        if f == 0:
            return g
        if f == g:
            return 0
    else:
        if f == 0 or f == g ^ 1:
            return 0
        if f == 1 or f == g:
            return g
    return -1


@njit(cache=True, inline="always")
@no_type_check
def _branch(node, f, level, side):
    """Literal f where the variable at `level`, not below f's own, is false (side 1) or true (side 2)."""
    return node[f >> 1, side] ^ (f & 1) if node[f >> 1, 0] == level else f


@njit(cache=True)
@no_type_check
def apply(xor, f, g, node, unique, cache, stack, counts):
    """The literal of f AND g, or of f XOR g, or a negative status.

    **Arguments:** `cache`, int32[entries, 4] of (f, g, xor, result); `stack`, int32[levels + 2, 6], one frame for each
    level that is open: f, g, level, 2 * place in the cache + sign of the result, stage, result of the low branch.
    """
    depth, result, steps = 0, -1, counts[1]
    mask = np.uint64(len(cache) - 1)
    while True:
        if result < 0:  # go down
            steps += 1
            if steps > counts[2]:
                counts[1] = steps
                return STEPS
            sign = 0
            if xor:
                sign = (f ^ g) & 1
                f &= ~1
                g &= ~1
            if f > g:
                f, g = g, f
            result = _trivial(xor, f, g)
            if result < 0:
                slot = mix(f, g, xor) & mask
                entry = cache[slot]
                if entry[0] == f and entry[1] == g and entry[2] == xor:
                    result = entry[3]
                else:
                    level = min(node[f >> 1, 0], node[g >> 1, 0])
                    frame = stack[depth]
                    frame[0], frame[1], frame[2] = f, g, level
                    frame[3], frame[4] = 2 * np.int64(slot) + sign, 0
                    depth += 1
                    f, g = _branch(node, f, level, 1), _branch(node, g, level, 1)
                    continue
            result ^= sign
        if depth == 0:
            counts[1] = steps
            return result
        frame = stack[depth - 1]
        f, g, level = frame[0], frame[1], frame[2]
        if frame[4] == 0:  # the low branch is done
            frame[4] = 1
            frame[5] = result
            result = -1
            f, g = _branch(node, f, level, 2), _branch(node, g, level, 2)
            continue
        result = make(np.int64(level), np.int64(frame[5]), result, node, unique, counts)
        if result < 0:
            counts[1] = steps
            return result
        entry = cache[frame[3] >> 1]
        entry[0], entry[1], entry[2], entry[3] = f, g, xor, result
        result ^= frame[3] & 1
        depth -= 1


@njit(cache=True)
@no_type_check
def _join(xor, args, node, unique, cache, stack, counts):
    """The literal of AND or XOR of all arguments (changed in place), neighbours first; counts[4]: joined so far."""
    left, counts[4] = len(args), 0
    while left > 1:
        for i in range(left // 2):
            f, g = args[2 * i], args[2 * i + 1]
            args[i] = apply(xor, f, g, node, unique, cache, stack, counts)
            if args[i] < 0:
                return args[i]
            counts[4] += 1
        if left % 2:
            args[left // 2] = args[left - 1]
        left = (left + 1) // 2
    return args[0]


@njit(cache=True)
@no_type_check
def _vote(need, args, row, node, unique, cache, stack, counts):
    """At least `need` of `args`: row[j] is "at least j of those read so far"."""
    row[0] = 1
    row[1 : need + 1] = 0
    for x in args:
        for j in range(need, 0, -1):
            both = apply(_ZERO, x, row[j - 1], node, unique, cache, stack, counts)
            if both < 0:
                return both
            none = apply(_ZERO, both ^ 1, row[j] ^ 1, node, unique, cache, stack, counts)
            if none < 0:
                return none
            row[j] = none ^ 1
    return row[need]


@njit(cache=True)
@no_type_check
def _deepest_first(args, node):
    """Sort literals by level, from the bottom of the order up: what grows is then at the bottom."""
    for i in range(1, len(args)):
        a, j = args[i], i
        while j > 0 and node[args[j - 1] >> 1, 0] < node[a >> 1, 0]:
            args[j] = args[j - 1]
            j -= 1
        args[j] = a


def first_rows(places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first rows of the node table, the constant and the variables by place; and the literals of the variables."""
    node = np.empty((1 + len(places), 3), np.int32)
    node[:, 0], node[:, 1], node[:, 2] = np.arange(-1, len(places)), 0, 1
    node[0] = _BOTTOM, 0, 0
    return node, 2 + 2 * places


@njit(cache=True)
@no_type_check
def build(kind, need, offset, child, node, unique, cache, counts, literal):
    """Build the gates of a module one after the other, or go on where a smaller table was full.

    **Arguments:** gates as in `Structure`, the node numbers of variables coming first; `node` int32[budget, 3] with the
    variables entered by `enlarge`, `unique` int32[power of two], `cache` int32[power of two, 4]; `counts` int64[5],
    [nodes, steps, steps allowed, gates done, arguments of the next gate done]; `literal` int32[1 + variables + gates],
    what variables and, by and by, gates are.

    **Returns:** 0, NODES or STEPS. A node comes after its children.
    """
    first = len(literal) - len(kind)
    stack = np.empty((first + 1, 6), np.int32)
    row = np.empty(len(child) + 1, np.int64)
    for g in range(counts[3], len(kind)):
        args = np.empty(offset[g + 1] - offset[g], np.int64)
        for i in range(len(args)):  # from the last, since most gates are written in order
            a = child[offset[g + 1] - 1 - i]
            args[i] = literal[a >> 1] ^ (a & 1)
        _deepest_first(args, node)
        if kind[g] == _VOTE:
            result = _vote(need[g], args, row, node, unique, cache, stack, counts)
        else:
            result = _join(np.int64(kind[g] == _XOR), args, node, unique, cache, stack, counts)
        if result < 0:
            return result
        literal[first + g] = result
        counts[3] = g + 1
    return 0


@njit(cache=True)
@no_type_check
def enlarge(node, unique, cache, old, count):
    """Enter the first `count` rows of `node` and the results of a smaller cache into empty tables."""
    mask = np.uint64(len(unique) - 1)
    for i in range(1, count):
        slot = mix(node[i, 0], node[i, 1], node[i, 2]) & mask
        while unique[slot] != 0:
            slot = (slot + np.uint64(1)) & mask
        unique[slot] = i
    mask = np.uint64(len(cache) - 1)
    for i in range(len(old)):
        if old[i, 1]:
            cache[mix(old[i, 0], old[i, 1], old[i, 2]) & mask] = old[i]


@njit(cache=True)
@no_type_check
def compact(node, roots):
    """Drop the nodes that no root needs.

    **Arguments:** `node`, int32[nodes, 3], a node after its children; `roots`, int32[roots] literals, changed in place.

    **Returns:** the rows that are left, in the same order.
    """
    place = np.zeros(len(node), np.int32)
    place[0] = 1
    for root in roots:
        place[root >> 1] = 1
    for i in range(len(node) - 1, 0, -1):
        if place[i]:
            place[node[i, 1] >> 1] = 1
            place[node[i, 2] >> 1] = 1
    count = 0
    for i in range(len(node)):
        if place[i]:
            place[i] = count
            count += 1
    kept = np.empty((count, 3), np.int32)
    for i in range(len(node)):
        if i == 0 or place[i]:
            j = place[i]
            kept[j, 0] = node[i, 0]
            kept[j, 1] = 2 * place[node[i, 1] >> 1] + (node[i, 1] & 1)
            kept[j, 2] = 2 * place[node[i, 2] >> 1] + (node[i, 2] & 1)
    for r in range(len(roots)):
        roots[r] = 2 * place[roots[r] >> 1] + (roots[r] & 1)
    return kept


@njit(cache=True)
@no_type_check
def mark(node, wanted):
    """Mark every literal that a wanted literal needs when no edge may be negated.

    **Arguments:** `wanted`, uint8[2 * nodes], 1 at the roots; changed in place.
    """
    for i in range(len(node) - 1, 0, -1):
        for sign in range(2):
            if wanted[2 * i + sign]:
                wanted[node[i, 1] ^ sign] = 1
                wanted[node[i, 2] ^ sign] = 1
