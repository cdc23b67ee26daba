"""Broadcast and all-gather on a ring by linear programs that know no closed form, and every state of some nodes."""

import itertools

import numpy as np
import scipy.sparse as sp
from _torus_programs import TORUS_PROGRAMS, _incidence, _solve


def _flows(capacity, rates):
    """Trees fit into the links' traffic (Edmonds) when each accelerator alone can receive `rates` of the total.

    `rates[v]`: what each accelerator sends to v, per unit of rate; the links carry the union.
    """
    incidence, live = _incidence([capacity], (len(capacity),))
    links = len(live)
    balance = sp.block_diag([incidence] * len(rates))
    wanted = np.concatenate([-np.asarray(r, float) for r in rates]).reshape(-1, 1)
    equal = sp.hstack([sp.csr_matrix(wanted), sp.csr_matrix((len(wanted), links)), balance], "csr")
    many = len(rates)
    inside = sp.hstack(
        [
            sp.csr_matrix((many * links, 1)),
            sp.vstack([-sp.identity(links)] * many),
            sp.identity(many * links),
        ]
    )
    limit = sp.hstack(
        [sp.csr_matrix((links, 1)), sp.identity(links), sp.csr_matrix((links, many * links))]
    )
    return _solve(sp.vstack([inside, limit], "csr"), np.r_[np.zeros(many * links), live], equal)


def _broadcast(capacity):
    n = len(capacity)
    return _flows(capacity, [np.eye(n)[v] - np.eye(n)[0] for v in range(1, n)])


def _all_gather(capacity):
    n = len(capacity)
    return _flows(capacity, [np.eye(n)[v] - 1 / n for v in range(n)])


RING_PROGRAMS = {
    "all_reduce": lambda c: TORUS_PROGRAMS["all_reduce"]([c], (len(c),)),
    "all_to_all": lambda c: TORUS_PROGRAMS["all_to_all"]([c], (len(c),)),
    "all_gather": _all_gather,
    "reduce_scatter": _all_gather,  # the same flows, backwards
    "broadcast": _broadcast,
}


def states(nodes):
    """Every state of so many nodes: True is up."""
    return itertools.product((True, False), repeat=nodes)
