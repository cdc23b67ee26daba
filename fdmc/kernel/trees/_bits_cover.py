"""Rare events on packed states: fail one set of a cover, draw the rest by nature, count the sets that fail.

If the sets cover the root, set C is chosen with probability P(C) / S, S the sum of P(C), and M sets of the cover fail
in a replica, then P(root) = S E[root / M] (Karp and Luby 1983, here with sets that need not be cut sets).
"""

import dataclasses
from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, Int, UInt32


_PLANES = 16  # binary digits of the number of sets


@dataclasses.dataclass(frozen=True)
class CoverTables:
    """A cover as arrays: the sets, an alias table of their choice, and the sets as a trie in preorder.

    Node i of the trie stands for the events on its path; if they do not all fail in any replica of a strip, the walk
    goes on at `after[i]`. `leaf` nodes are whole sets.
    """

    start: Int[np.ndarray, " borders"]
    member: Int[np.ndarray, " members"]
    threshold: UInt32[np.ndarray, " sets"]
    alias: Int[np.ndarray, " sets"]
    event: Int[np.ndarray, " trie"]
    depth: Int[np.ndarray, " trie"]
    after: Int[np.ndarray, " trie"]
    leaf: Bool[np.ndarray, " trie"]


def cover_tables(
    sets: Sequence[tuple[int, ...]], probability: Float[np.ndarray, " sets"]
) -> CoverTables:
    """Return the tables; **raises** ValueError for an empty cover or one of 65,536 sets or more."""
    if not 0 < len(sets) < 1 << _PLANES:
        raise ValueError(f"a cover must have 1 to {(1 << _PLANES) - 1} sets, but has {len(sets)}.")
    threshold, alias = _alias(probability / probability.sum())
    sizes = [len(s) for s in sets]
    member = np.array([e for s in sets for e in s], np.int32)
    start = np.cumsum([0, *sizes]).astype(np.int32)
    return CoverTables(start, member, threshold, alias, *_trie(sets))


def _alias(share: Float[np.ndarray, " sets"]):
    """Return Vose's alias table, thresholds of 32 bits: the choice is off by 2^-32 of a set's share at the most."""
    n = len(share)
    weight = (share * n).tolist()
    threshold, alias = np.full(n, 0xFFFFFFFF, np.uint32), np.arange(n, dtype=np.int32)
    small = [i for i in range(n) if weight[i] < 1]
    large = [i for i in range(n) if weight[i] >= 1]
    while small and large:
        i, j = small.pop(), large[-1]
        threshold[i], alias[i] = min(int(weight[i] * 2**32), 2**32 - 1), j
        weight[j] -= 1 - weight[i]
        if weight[j] < 1:
            small.append(large.pop())
    return threshold, alias


def _trie(sets: Sequence[tuple[int, ...]]):
    """Return event, depth, after and leaf of the nodes; frequent events come first, so that paths are shared."""
    count: dict[int, int] = {}
    for s in sets:
        for e in s:
            count[e] = count.get(e, 0) + 1
    paths = sorted(sorted(s, key=lambda e: (-count[e], e)) for s in sets)
    paths.sort(key=lambda path: [(-count[e], e) for e in path])
    event, depth, leaf, before = [], [], [], []
    for path in paths:
        shared = 0
        while shared < min(len(path), len(before)) and path[shared] == before[shared]:
            shared += 1
        for d in range(shared, len(path)):
            event.append(path[d])
            depth.append(d)
            leaf.append(d == len(path) - 1)
        before = path
    after, last = np.zeros(len(event), np.int32), {}
    for i in range(len(event) - 1, -1, -1):
        # The next node that is not below this one: the nearest later one of its depth or less.
        after[i] = min((last[d] for d in range(depth[i] + 1) if d in last), default=len(event))
        last[depth[i]] = i
    as_int = lambda x: np.array(x, np.int32)
    return as_int(event), as_int(depth), after, np.array(leaf, bool)
