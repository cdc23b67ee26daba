"""What independent failures of nodes do to a k-hop ring, by recursion over its nodes."""

import numpy as np


def ring_cut_probability(nodes: int, hops: int, down: float, closed: bool = True) -> float:
    """Probability that a k-hop ring is cut somewhere: that `hops` nodes in a row are down.

    That is the unreliability of a consecutive-k-out-of-n:F system.

    **Arguments:**

    - `nodes`: nodes on the ring.
    - `hops`: the farthest that a node reaches, less than `nodes`.
    - `down`: probability that a node is down, each by itself.
    - `closed`: a ring; otherwise a line.

    **Returns:** the probability, by the recursion $R_n = R_{n-1} - p q^k R_{n-k-1}$ of the line, and for the ring
    $p^2 \\sum_{i<k} (i+1) q^i R_{n-i-2}$, which places the run around node 0 (Derman, Lieberman and Ross, IEEE Trans.
    Reliability 31, 1982).

    **Raises:** `ValueError` for hops that do not fit, or no probability.

    !!! example

        ```python
        from fdmc.fabric import ring_cut_probability

        assert abs(ring_cut_probability(4, 2, 0.5, closed=False) - 8 / 16) < 1e-12
        assert abs(ring_cut_probability(4, 2, 0.5) - 9 / 16) < 1e-12  # and both ends
        ```
    """
    _check(nodes, hops, down)
    q, p = down, 1 - down
    whole = [1.0] * hops + [1 - q**hops]
    for n in range(hops + 1, nodes + 1):
        whole.append(whole[n - 1] - p * q**hops * whole[n - hops - 1])
    if not closed:
        return 1 - whole[nodes]
    return 1 - p * p * sum((i + 1) * q**i * whole[nodes - i - 2] for i in range(hops))


def ring_waste(nodes: int, hops: int, group: int, down: float, closed: bool = True) -> float:
    """Mean share of all nodes that are up, but stand in no whole group.

    **Arguments:** as for `ring_cut_probability`; `group` nodes of one piece make a group.

    **Returns:** the share, exact: the expected number of groups is a sum over the nodes at which one is completed. On a
    ring with a cut, pieces begin behind `hops` nodes that are down; without a cut all nodes that are up are one piece.

    **Raises:** as `ring_cut_probability`, and for a group of no node.

    !!! example

        ```python
        from fdmc.fabric import ring_waste

        assert abs(ring_waste(100, 3, 8, 0.0) - 0.04) < 1e-12  # 12 groups of 8, and 4 nodes left
        assert ring_waste(100, 3, 8, 0.02) < 0.04 < ring_waste(100, 1, 8, 0.02)
        ```
    """
    _check(nodes, hops, down)
    if group < 1:
        raise ValueError(f"a group of {group} nodes: it has one at least")
    if not closed:
        groups = _on_a_line(nodes, hops, group, down)
    else:
        groups = _uncut(nodes, hops, group, down)
        groups += nodes * down**hops * _first_piece(nodes - hops, hops, group, down)
    return float(1 - down - groups * group / nodes)


def _check(nodes: int, hops: int, down: float):
    if not 1 <= hops < nodes:
        raise ValueError(f"{hops} hops do not fit a ring of {nodes} nodes: from 1 to {nodes - 1}")
    if not 0 <= down <= 1:
        raise ValueError(f"down is a probability from 0 to 1, but is {down:g}")


def _on_a_line(nodes: int, hops: int, group: int, down: float) -> float:
    """Expected groups; `state[r, d]`: r nodes of a group so far, d down in a row (the last: as many as cut)."""
    state, groups = np.zeros((group, hops + 1)), 0.0
    state[0, hops] = 1.0
    for _ in range(nodes):
        up, after = (1 - down) * state.sum(axis=1), np.zeros_like(state)
        groups += up[-1]
        after[:, 0] = np.roll(up, 1)
        after[:, 1:] += down * state[:, :-1]
        after[:, hops] += down * state[:, hops]
        after[0, hops], after[1:, hops] = after[:, hops].sum(), 0.0
        state = after
    return groups


def _first_piece(nodes: int, hops: int, group: int, down: float) -> float:
    """Expected groups of the piece that begins at the first of these nodes, which is up; 0 when it is down."""
    state, groups = np.zeros((group, hops)), 0.0
    for number in range(nodes):
        up, after = (1 - down) * state.sum(axis=1), np.zeros_like(state)
        if number == 0:
            up[0] = 1 - down
        groups += up[-1]
        after[:, 0] = np.roll(up, 1)
        after[:, 1:] = down * state[:, :-1]
        state = after
    return groups


def _uncut(nodes: int, hops: int, group: int, down: float) -> float:
    """Expected groups of a ring times whether it is not cut; `state[l, r, d]` with l down before the first one up."""
    shape = (hops, group, hops)
    state, count = np.zeros(shape), np.zeros(shape)
    leading = 1.0  # all down so far
    for number in range(nodes):
        up, counted = ((1 - down) * x.sum(axis=2) for x in (state, count))
        if number < hops:
            up[number, 0] += (1 - down) * leading
        leading *= down
        counted[:, -1] += up[:, -1]
        moved = []
        for old, gone in ((state, up), (count, counted)):
            after = np.zeros(shape)
            after[:, :, 0] = np.roll(gone, 1, axis=1)
            after[:, :, 1:] = down * old[:, :, :-1]
            moved.append(after)
        state, count = moved
    lead, trail = np.arange(hops)[:, None, None], np.arange(hops)
    return float(np.sum(np.where(lead + trail < hops, count, 0.0)))
