"""Collective times with unequal directions by linear programs that know no closed form."""

import itertools

import numpy as np
from scipy.optimize import linprog


class _Ports:
    """Flows over accelerators and planes, as in `_linear_programs`, with sets of trees kept apart.

    Variables are the rate, the traffic of every set on each arc and plane, and flows inside it. Trees that
    reduce need not be those that broadcast turned round, because the directions differ.
    """

    def __init__(self, send, receive, sets, commodities):
        self.send, self.receive = np.asarray(send, float), np.asarray(receive, float)
        self.n, self.planes = self.send.shape
        self.source, self.target = np.nonzero(~np.eye(self.n, dtype=bool))
        self.arcs, self.sets, self.commodities = len(self.source), sets, commodities
        self.width = 1 + sets * self.arcs * (self.planes + commodities)
        self.upper, self.equal = [], []
        for i, k in itertools.product(range(self.n), range(self.planes)):
            for ends, capacity in ((self.source, self.send), (self.target, self.receive)):
                row = sum(self.traffic(t, ends == i, [k]) for t in range(sets))
                self.upper.append((row, capacity[i, k]))

    def traffic(self, t, arcs, planes):
        row = np.zeros(self.width)
        for a, k in itertools.product(np.flatnonzero(arcs), planes):
            row[1 + (t * self.arcs + a) * self.planes + k] = 1.0
        return row

    def flow(self, t, commodity, arcs):
        row = np.zeros(self.width)
        start = 1 + self.sets * self.arcs * self.planes
        row[start + (t * self.commodities + commodity) * self.arcs + np.flatnonzero(arcs)] = 1.0
        return row

    def within(self, t, commodities):
        for arc in np.eye(self.arcs):
            flows = sum(self.flow(t, c, arc) for c in commodities)
            self.upper.append((flows - self.traffic(t, arc, range(self.planes)), 0.0))

    def arrives(self, t, commodity, node, share):
        """The net flow into a node is a share of the rate."""
        row = self.flow(t, commodity, self.target == node)
        row = row - self.flow(t, commodity, self.source == node)
        row[0] = -share
        self.equal.append((row, 0.0))

    def seconds(self):
        goal = np.zeros(self.width)
        goal[0] = -1.0
        rows = [np.array([r for r, _ in part]) for part in (self.upper, self.equal)]
        ends = [[b for _, b in part] for part in (self.upper, self.equal)]
        solved = linprog(goal, rows[0], ends[0], rows[1], ends[1], method="highs")
        assert solved.status == 0
        return 1 / -solved.fun


def _all_reduce(send, receive):
    """Trees from accelerator 0 to all, and other trees from all to it."""
    n = len(send)
    lp = _Ports(send, receive, 2, n)
    for t, sign in ((0, 1.0), (1, -1.0)):
        for v in range(1, n):
            lp.within(t, [v])
            for node in range(1, n):
                lp.arrives(t, v, node, sign * (node == v))
    return lp.seconds()


def _all_gather(send, receive):
    n = len(send)
    lp = _Ports(send, receive, 1, n)
    for v in range(n):
        lp.within(0, [v])
        for node in range(n):
            lp.arrives(0, v, node, (node == v) - 1 / n)
    return lp.seconds()


def _all_to_all(send, receive):
    n = len(send)
    lp = _Ports(send, receive, 1, n)
    lp.within(0, range(n))
    for s, node in itertools.permutations(range(n), 2):
        lp.arrives(0, s, node, 1 / n)
    return lp.seconds()


def _broadcast(send, receive):
    """Trees from the root to all; of all roots the worst."""
    n, times = len(send), []
    for root in range(n):
        order = [root, *(i for i in range(n) if i != root)]
        lp = _Ports(np.asarray(send)[order], np.asarray(receive)[order], 1, n)
        for v in range(1, n):
            lp.within(0, [v])
            for node in range(1, n):
                lp.arrives(0, v, node, float(node == v))
        times.append(lp.seconds())
    return max(times)


ASYMMETRIC_PROGRAMS = {
    "all_reduce": _all_reduce,
    "all_gather": _all_gather,
    "reduce_scatter": lambda send, receive: _all_gather(receive, send),  # time runs backwards
    "all_to_all": _all_to_all,
    "broadcast": _broadcast,
}
