"""Collective times on small tori by linear programs and by walking routes; no closed form is known here."""

import numpy as np
import scipy.sparse as sp
from scipy.optimize import linprog


def directed_links(capacity, shape):
    """Source, target and capacity of every directed link; link 2m+1 is link 2m turned round."""
    nodes = np.arange(np.prod(shape)).reshape(shape)
    found = []
    for j, d in enumerate(shape):
        following = np.roll(nodes, -1, j).ravel()
        coordinate = np.indices(shape)[j].ravel()
        for x in nodes.ravel():
            if d > 2 or coordinate[x] < d - 1:
                c = capacity[j][x]
                found += [(x, following[x], c), (following[x], x, c)]
    source, target, live = np.array(found).T
    return source.astype(int), target.astype(int), live


def _incidence(capacity, shape):
    source, target, live = directed_links(capacity, shape)
    links, nodes = len(live), int(np.prod(shape))
    ones, columns = np.ones(links), np.tile(np.arange(links), 2)
    where = (np.r_[target, source], columns)
    return sp.csr_matrix((np.r_[ones, -ones], where), shape=(nodes, links)), live


def _solve(upper, upper_at, equal):
    goal = np.zeros(upper.shape[1])
    goal[0] = -1.0
    nothing = np.zeros(equal.shape[0])
    solved = linprog(goal, upper, upper_at, equal, nothing, method="highs")
    assert solved.status == 0
    return 1 / -solved.fun if solved.fun < 0 else np.inf


def _all_to_all(capacity, shape):
    """One commodity a source, 1/N of the payload to each other; any routes."""
    incidence, live = _incidence(capacity, shape)
    nodes, links = incidence.shape
    balance = sp.block_diag([incidence[np.arange(nodes) != s] for s in range(nodes)])
    rate = sp.csr_matrix(np.full((balance.shape[0], 1), -1 / nodes))
    upper = sp.hstack([sp.csr_matrix((links, 1)), *[sp.identity(links)] * nodes], "csr")
    return _solve(upper, live, sp.hstack([rate, balance], "csr"))


def _all_reduce(capacity, shape):
    """Trees from accelerator 0 in some links' traffic (Edmonds), used in both directions."""
    incidence, live = _incidence(capacity, shape)
    nodes, links = incidence.shape
    others = nodes - 1
    balance = sp.block_diag([incidence[1:]] * others)
    rate = -np.eye(others).reshape(-1, 1)
    equal = sp.hstack([sp.csr_matrix(rate), sp.csr_matrix((len(rate), links)), balance], "csr")
    inside = [
        sp.csr_matrix((others * links, 1)),
        sp.vstack([-sp.identity(links)] * others),
        sp.identity(others * links),
    ]
    turned = sp.identity(links, format="csr")[np.arange(links) ^ 1]
    both = [
        sp.csr_matrix((links, 1)),
        sp.identity(links) + turned,
        sp.csr_matrix((links, others * links)),
    ]
    upper = sp.vstack([sp.hstack(inside), sp.hstack(both)], "csr")
    return _solve(upper, np.r_[np.zeros(others * links), live], equal)


TORUS_PROGRAMS = {"all_reduce": _all_reduce, "all_to_all": _all_to_all}


def busiest_link(shape):
    """Pairs on the busiest directed link: dimensions in turn, shortest way, antipodal pairs upwards."""
    load = {}
    for source in np.ndindex(*shape):
        for target in np.ndindex(*shape):
            here = list(source)
            for j, d in enumerate(shape):
                ahead = (target[j] - here[j]) % d
                step, hops = (1, ahead) if 2 * ahead <= d else (-1, d - ahead)
                for _ in range(hops):
                    after = here.copy()
                    after[j] = (here[j] + step) % d
                    link = (tuple(here), tuple(after))
                    load[link] = load.get(link, 0) + 1
                    here = after
    return max(load.values())


def detour_load(n, cut):
    """Neighbour exchange in both directions on a ring; what crosses the cut links goes the long way."""
    load = {}
    for x in range(n):
        for step in (1, -1):
            hops, way = 1, step
            link = x if step == 1 else (x - 1) % n
            if link in cut:
                hops, way = n - 1, -step
            here = x
            for _ in range(hops):
                crossed = here if way == 1 else (here - 1) % n
                load[crossed, way] = load.get((crossed, way), 0) + 1
                here = (here + way) % n
    return max(load.values()) if not any(link in cut for link, _ in load) else np.inf
