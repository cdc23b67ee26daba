"""Exact answers of dynamic fault trees: states explored, chains solved, independent parts combined."""

import dataclasses
import time
from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float

from ...spec.fault_tree import FaultTree
from ._chain import Budget, Chain, TooLarge, chain
from ._dynamic import dynamic_structure
from ._parts import Leaf, Part, combine, leaves, parts, surely
from ._solve import STEPS, Curve, fails_surely, mean_time, steady_state


WHOLE = 20_000
"""States up to which the mean time of parts with stiff rates is taken from the chain of the whole."""
SURVIVAL = 1e-13
"""The survival probability at which the integral for a mean time ends."""

Curves = Callable[[Float[np.ndarray, " times"]], Float[np.ndarray, " times"]]


@dataclasses.dataclass(frozen=True, eq=False)
class MarkovAnswer:
    """What the chains of a tree say.

    `times` hours and `unreliability` float64[times]: P(the top event has failed at least once by then). `mttf` hours,
    mean time to the first failure (inf when it may never fail, None when it was not asked for or not found within
    the budget). Of repairable trees `unavailability` float64[times], P(failed at t), and its limit `steady_state`;
    None otherwise. `states`: of all chains that were explored; `parts`: the independent parts of the tree.
    """

    times: np.ndarray
    unreliability: np.ndarray
    mttf: float | None
    unavailability: np.ndarray | None
    steady_state: float | None
    states: int
    parts: int


def markov(
    tree: FaultTree,
    top: str | None = None,
    *,
    times: Sequence[float] | Float[np.ndarray, " times"] = (),
    mttf: bool = True,
    state_budget: int = 200_000,
    seconds: float = 60.0,
) -> MarkovAnswer:
    """Solve a dynamic tree exactly; the rules are those of `docs/fault-trees-dynamic.md`.

    **Arguments:** `top`, a gate or event (the first top event without it); `times`, hours; `mttf`, whether to find
    the mean time; `state_budget`, states of one chain; `seconds`, for everything.

    **Raises:** TooLarge when a budget is exceeded; ValueError for a law that no chain can follow (neither
    exponential nor Erlang nor constant), and for trees that have no meaning in time.

    !!! example
        ```python
        answer = fdmc.logic.markov(tree, times=[1000.0, 8760.0])
        ```
    """
    at = np.asarray(times, np.float64).reshape(-1)
    if not np.isfinite(at).all() or (at < 0).any():
        raise ValueError("times must be finite and at least 0 hours.")
    solver = _Solver(tree, top or tree.tops[0], Budget(state_budget, time.monotonic() + seconds))
    repairable = dynamic_structure(tree, solver.top).repairable
    first = parts(tree, solver.top, only_or=repairable)
    curve = solver.curve(first, absorbing=True)
    unreliability = curve(at)
    mean = solver.mean(first, curve) if mttf else None
    unavailability = limit = None
    if repairable:
        now = parts(tree, solver.top)
        unavailability = solver.curve(now, absorbing=False)(at)
        values = {id(x): np.array([steady_state(solver.chain(x, False))]) for x in leaves(now)}
        limit = float(combine(now, values)[0])
    found = (unreliability, mean, unavailability, limit)
    return MarkovAnswer(at, *found, solver.states, len(leaves(first)))


class _Solver:
    """Chains of the parts of one tree, each explored once."""

    def __init__(self, tree: FaultTree, top: str, budget: Budget):
        self.tree, self.top, self.budget = tree, top, budget
        self.chains: dict[tuple[int, bool], tuple[Part, Chain]] = {}
        self.fastest = 0.0

    @property
    def states(self) -> int:
        """The states of all chains so far."""
        return sum(c.states for _, c in self.chains.values())

    def chain(self, part: Part, absorbing: bool) -> Chain:
        """The chain of a leaf."""
        key = (id(part), absorbing)
        if key not in self.chains:
            leaf = leaves(part)[0]
            structure = dynamic_structure(leaf.tree, leaf.top, self.top)
            # The part is kept beside its chain, so that no other part can get its id.
            self.chains[key] = (part, chain(structure, absorbing, self.budget))
        return self.chains[key][1]

    def curve(self, part: Part, absorbing: bool) -> Curves:
        """The probability of the failed top event as a function of time."""
        curves = {id(x): Curve(self.chain(x, absorbing), self.budget) for x in leaves(part)}
        self.fastest = max(c.rate for c in curves.values())
        return lambda at: combine(part, {key: c(at) for key, c in curves.items()})

    def mean(self, part: Part, curve: Curves) -> float | None:
        """The mean time to failure: of the chain, or by quadrature of the survival of the parts.

        Parts whose rates are stiff are put together again, when the chain of the whole is small.
        """
        if isinstance(part, Leaf):
            return mean_time(self.chain(part, True), self.budget)
        sure = {id(x): fails_surely(self.chain(x, True)) for x in leaves(part)}
        if not surely(part, sure):
            return np.inf
        found = self._quadrature(curve)
        if found is not None:
            return found
        small = dataclasses.replace(self.budget, states=min(WHOLE, self.budget.states))
        try:
            whole = chain(dynamic_structure(self.tree, self.top), True, small)
        except TooLarge:
            return None
        return mean_time(whole, self.budget)

    def _quadrature(self, curve: Curves) -> float | None:
        """The integral of the survival over panels that double, each by Gauss and Legendre's rule.

        None when the rates are stiff: then the survival lasts too many jumps.
        """
        node, weight = np.polynomial.legendre.leggauss(24)
        low, high, total = 0.0, 1 / self.fastest, 0.0
        while high * self.fastest < STEPS / 2:
            at = (low + high) / 2 + (high - low) / 2 * node
            survival = 1 - curve(at)
            total += (high - low) / 2 * float(weight @ survival)
            if survival[-1] < SURVIVAL:
                return total
            low, high = high, 2 * high
        return None
