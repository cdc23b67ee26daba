"""Exact answers for small systems: Markov chains, and closed queueing networks in product form."""

import itertools
import math
from collections.abc import Callable, Hashable, Mapping

import numpy as np
from scipy.linalg import expm


State = Hashable
Rates = Callable[[State], Mapping[State, float]]


class Chain:
    """A continuous-time Markov chain, its states found by walking from `start`."""

    def __init__(self, start: State, rates: Rates):
        self.states: list[State] = [start]
        index = {start: 0}
        arcs = []
        for here in self.states:  # grows while it is walked
            for there, rate in rates(here).items():
                if there not in index:
                    index[there] = len(self.states)
                    self.states.append(there)
                arcs.append((index[here], index[there], rate))
        n = len(self.states)
        self.generator = np.zeros((n, n))
        for i, j, rate in arcs:
            self.generator[i, j] += rate
            self.generator[i, i] -= rate

    def stationary(self) -> np.ndarray:
        """The probabilities in the long run."""
        n = len(self.states)
        system = np.vstack([self.generator.T, np.ones(n)])
        return np.linalg.lstsq(system, np.append(np.zeros(n), 1.0), rcond=None)[0]

    def occupancy(self, hours: float) -> np.ndarray:
        """The expected share of [0, hours] spent in each state, from the start state.

        The upper right block of exp([[Q, I], [0, 0]] t) is the integral of exp(Q s) over [0, t].
        """
        n = len(self.states)
        block = np.zeros((2 * n, 2 * n))
        block[:n, :n] = self.generator
        block[:n, n:] = np.eye(n)
        return expm(block * hours)[0, n:] / hours

    def mean(self, value: Callable[[State], float], hours: float | None = None) -> float:
        """The expected value in the long run, or averaged over [0, hours]."""
        shares = self.stationary() if hours is None else self.occupancy(hours)
        return float(sum(p * value(state) for p, state in zip(shares, self.states, strict=True)))


def machine_repair(count: int, mtbf: float, repair: float, technicians: int | None) -> Chain:
    """`count` equal units, exponential throughout; the state is how many have failed."""

    def rates(failed: int) -> dict[int, float]:
        out = {}
        if failed < count:
            out[failed + 1] = (count - failed) / mtbf
        if failed > 0:
            out[failed - 1] = min(failed, technicians or failed) / repair
        return out

    return Chain(0, rates)


def shared_technician(
    counts: tuple[int, int], mtbf: tuple[float, float], repair: tuple[float, float]
) -> Chain:
    """Two classes, one technician, first come first served: the state is the queue of classes."""

    def rates(queue: tuple[int, ...]) -> dict[tuple[int, ...], float]:
        out = {}
        for kind in (0, 1):
            if live := counts[kind] - queue.count(kind):
                out[(*queue, kind)] = live / mtbf[kind]
        if queue:
            out[queue[1:]] = 1.0 / repair[queue[0]]
        return out

    return Chain((), rates)


def swap_when_short(count: int, need: int, mtbf: float, repair: float) -> Chain:
    """Spares in one FRU that is swapped whole when they run short: (failed, swapping)."""

    def rates(state: tuple[int, bool]) -> dict[tuple[int, bool], float]:
        failed, swapping = state
        out = {}
        if failed < count:
            out[failed + 1, swapping or failed + 1 > count - need] = (count - failed) / mtbf
        if swapping:
            out[0, False] = 1.0 / repair
        return out

    return Chain((0, False), rates)


def nested_frus(mtbf: tuple[float, float], repair: tuple[float, float]) -> Chain:
    """A small part with its own FRU, beside a big one whose swap renews both.

    The state is (small failed, big failed, small job open, big job open); unlimited technicians.
    A small job whose part the big swap has renewed runs on, and no other opens meanwhile.
    """

    def rates(state: tuple[bool, bool, bool, bool]) -> dict[tuple[bool, bool, bool, bool], float]:
        small, big, small_job, big_job = state
        out = {}
        if not small:
            out[True, big, True, big_job] = 1.0 / mtbf[0]
        if not big:
            out[small, True, small_job, True] = 1.0 / mtbf[1]
        if small_job:
            out[False, big, False, big_job] = 1.0 / repair[0]
        if big_job:
            out[False, False, small_job, False] = 1.0 / repair[1]
        return out

    return Chain((False, False, False, False), rates)


def base_stock(count: int, spares: int, mtbf: float, restock: float) -> float:
    """Long-run share of `count` positions that work, when a swap takes no time but a spare.

    A closed network of two stations: positions (exponential) and orders on their way (infinitely
    many servers, so any lead time of the same mean gives the same answer, a fixed one too).
    With many positions the orders under way become Poisson: Palm's theorem.
    """
    weights, working = [1.0], [count]
    for ordered in range(1, count + spares + 1):
        weights.append(weights[-1] * working[-1] / mtbf * restock / ordered)
        working.append(min(count, count + spares - ordered))
    total = sum(weights)
    return sum(w * live for w, live in zip(weights, working, strict=True)) / total / count


def palm_backorders(demand_per_hour: float, spares: int, restock: float) -> float:
    """Expected backorders at a constant demand: E[max(0, Poisson(demand * restock) - spares)]."""
    mean = demand_per_hour * restock
    top = int(mean + 20 * math.sqrt(mean) + 50)
    terms = itertools.accumulate(range(1, top), lambda p, j: p * mean / j, initial=math.exp(-mean))
    return sum(p * max(0, j - spares) for j, p in enumerate(terms))
