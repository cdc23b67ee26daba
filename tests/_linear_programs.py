"""Collective times on degraded fabrics by linear programs that know no closed form."""

import itertools

import numpy as np
from scipy.optimize import linprog


class _Fabric:
    """Flows over accelerators and planes: maximise the rate of a collective with payload 1.

    Variables are the rate, the traffic `d[i, j, k]` from `i` to `j` over plane `k`, and flows
    `f[v, i, j]` inside it. By Edmonds' theorem trees that reach everyone with a total rate fit
    into `d` exactly when each accelerator alone can receive a flow of that rate.
    """

    def __init__(self, capacity, commodities):
        self.capacity = np.asarray(capacity, float)
        self.n, self.planes = self.capacity.shape
        self.source, self.target = np.nonzero(~np.eye(self.n, dtype=bool))
        self.width = 1 + len(self.source) * (self.planes + commodities)
        self.upper, self.equal = [], []

    def traffic(self, arcs, k):
        row = np.zeros(self.width)
        row[1 + np.flatnonzero(arcs) * self.planes + k] = 1.0
        return row

    def flow(self, arcs, commodity):
        row = np.zeros(self.width)
        row[1 + len(self.source) * (self.planes + commodity) + np.flatnonzero(arcs)] = 1.0
        return row

    def balance(self, commodity, node):
        arriving = self.flow(self.target == node, commodity)
        return arriving - self.flow(self.source == node, commodity)

    def limit_ports(self, reversed_too):
        """Each port sends and receives at most its capacity; trees may be used both ways."""
        for i, k in itertools.product(range(self.n), range(self.planes)):
            sends = self.traffic(self.source == i, k)
            receives = self.traffic(self.target == i, k)
            rows = [sends + receives] if reversed_too else [sends, receives]
            self.upper += [(row, self.capacity[i, k]) for row in rows]

    def flows_within_traffic(self, commodities):
        """`commodities` share an arc: one each for trees, all of them for plain messages."""
        for arc in np.eye(len(self.source)):
            flows = sum(self.flow(arc, commodity) for commodity in commodities)
            self.upper.append((flows - sum(self.traffic(arc, k) for k in range(self.planes)), 0.0))

    def seconds(self):
        def stack(rows):
            return (np.array([r for r, _ in rows]), [b for _, b in rows]) if rows else (None, None)

        goal = np.zeros(self.width)
        goal[0] = -1.0
        (upper, upper_at), (equal, equal_at) = stack(self.upper), stack(self.equal)
        solved = linprog(goal, upper, upper_at, equal, equal_at, method="highs")
        assert solved.status == 0
        return 1 / -solved.fun


def _lp_trees(capacity, root, reversed_too):
    """Broadcast from `root`; with the trees used in both directions, all-reduce."""
    n = len(capacity)
    lp = _Fabric(capacity, n)
    lp.limit_ports(reversed_too)
    for v in set(range(n)) - {root}:
        lp.flows_within_traffic([v])
        for node in set(range(n)) - {root}:
            row = lp.balance(v, node)
            row[0] = -1.0 if node == v else 0.0
            lp.equal.append((row, 0.0))
    return lp.seconds()


def _lp_all_gather(capacity):
    """Trees from a super source that feeds 1/n of the rate into each accelerator."""
    n = len(capacity)
    lp = _Fabric(capacity, n)
    lp.limit_ports(reversed_too=False)
    for v in range(n):
        lp.flows_within_traffic([v])
        for node in range(n):
            row = lp.balance(v, node)
            row[0] = 1 / n - (node == v)
            lp.equal.append((row, 0.0))
    return lp.seconds()


def _lp_all_to_all(capacity):
    """Commodity `s` leaves accelerator `s`, 1/n of the payload to each; others may forward."""
    n = len(capacity)
    lp = _Fabric(capacity, n)
    lp.limit_ports(reversed_too=False)
    lp.flows_within_traffic(range(n))
    for s, node in itertools.product(range(n), range(n)):
        if s != node:
            row = lp.balance(s, node)
            row[0] = -1 / n
            lp.equal.append((row, 0.0))
    return lp.seconds()


LINEAR_PROGRAMS = {
    "all_reduce": lambda c: _lp_trees(c, 0, reversed_too=True),
    "all_gather": _lp_all_gather,
    "reduce_scatter": _lp_all_gather,  # the same flows, backwards
    "all_to_all": _lp_all_to_all,
    "broadcast": lambda c: _lp_trees(c, 0, reversed_too=False),
}
