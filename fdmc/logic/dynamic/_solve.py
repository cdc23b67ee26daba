"""Answers of one Markov chain: transient probabilities, mean times, the steady state."""

import numpy as np
from jaxtyping import Float
from scipy import sparse
from scipy.integrate import solve_ivp
from scipy.sparse import csgraph, linalg as sparse_linalg
from scipy.special import gammaln

from ._chain import Budget, Chain, TooLarge


DENSE = 400
"""Chains up to this many states are also solved densely: for stiff rates, and free of cancellation."""
STEPS = 200_000
"""Products with the transition matrix before a chain counts as stiff."""
FAST, FEW = 5_000, 16
"""Above so many jumps a small chain is squared instead, when it is asked for few times."""


class Curve:
    """The probability of a failed state as a function of time, by uniformisation.

    With jumps at the constant rate `rate`, the probability after k jumps is `mass[k]`, computed when it is
    first needed, and the probability at t is its mean over Poisson(rate x t) jumps.
    """

    def __init__(self, chain: Chain, budget: Budget):
        self.chain, self.budget = chain, budget
        out = np.asarray(chain.rates.sum(axis=1)).ravel()
        self.rate = float(out.max(initial=0.0))
        self.vector = chain.initial.copy()
        self.mass = [float(self.vector[chain.failed].sum())]
        self.moved = np.inf
        self.steady = self.rate == 0
        if not self.steady:
            stay = sparse.diags_array(1.0 - out / self.rate)
            self.step = sparse.csr_array((chain.rates / self.rate + stay).T)

    def __call__(self, times: Float[np.ndarray, " times"]) -> Float[np.ndarray, " times"]:
        """The probability at each time, hours >= 0."""
        if not len(times):
            return np.zeros(0)
        jumps = self.rate * float(np.max(times))
        few = len(times) <= FEW and self.chain.states <= DENSE
        if few and jumps > FAST and len(self.mass) <= jumps:
            return np.array([self._squared(float(t)) for t in times])
        self._extend(int(jumps + 10 * np.sqrt(jumps) + 40))
        if not self.steady and len(self.mass) <= jumps:
            return self._stiff(times)
        mass = np.array(self.mass)
        return np.array([self._mean(mass, self.rate * float(t)) for t in times])

    def _mean(self, mass: np.ndarray, jumps: float) -> float:
        if jumps == 0:
            return float(mass[0])
        spread = 10 * np.sqrt(jumps) + 40
        k = np.arange(max(0, int(jumps - spread)), int(jumps + spread))
        weight = np.exp(k * np.log(jumps) - jumps - gammaln(k + 1))
        return float(weight @ mass[np.minimum(k, len(mass) - 1)] / weight.sum())

    def _extend(self, count: int) -> None:
        """Jump until `count`, until nothing changes any more, or until the chain counts as stiff."""
        limit = min(count, STEPS)
        self.steady = self._settled(count)
        while len(self.mass) <= limit and not self.steady:
            after = self.step @ self.vector
            self.moved = float(np.abs(after - self.vector).sum())
            self.vector = after
            self.mass.append(float(after[self.chain.failed].sum()))
            self.steady = self._settled(count)
            if len(self.mass) % 256 == 0:
                self.budget.check(self.chain.states)

    def _settled(self, count: int) -> bool:
        """True when the jumps up to `count` change nothing: none moves more than the last one did."""
        left = max(count - len(self.mass), 1)
        return self.rate == 0 or self.moved * left <= 1e-12 * self.mass[-1]

    def _squared(self, t: float) -> float:
        """Uniformisation over a short time, squared until the time is `t`; no number is negative."""
        squarings = max(0, int(np.ceil(np.log2(max(self.rate * t, 1.0)))))
        mean = self.rate * t / 2**squarings
        step = self.step.toarray()
        term = np.eye(len(step)) * np.exp(-mean)
        total = term.copy()
        for k in range(1, 30):
            term = term @ step * (mean / k)
            total += term
        for _ in range(squarings):
            total = total @ total
            # Rounding would double with every squaring; the columns are distributions.
            total /= total.sum(axis=0)
        self.budget.check(len(step))
        return float((total @ self.chain.initial)[self.chain.failed].sum())

    def _stiff(self, times: Float[np.ndarray, " times"]) -> Float[np.ndarray, " times"]:
        if self.chain.states <= DENSE:
            return np.array([self._squared(float(t)) for t in times])
        out = np.asarray(self.chain.rates.sum(axis=1)).ravel()
        slope = sparse.csr_array((self.chain.rates - sparse.diags_array(out)).T)
        order = np.argsort(times)

        def slopes(_: float, v: np.ndarray) -> np.ndarray:
            self.budget.check(self.chain.states)
            return slope @ v

        solved = solve_ivp(
            slopes, (0.0, float(times.max())), self.chain.initial, "Radau", times[order],
            jac=slope, rtol=1e-9, atol=1e-15,
        )  # fmt: skip
        if not solved.success:
            raise TooLarge(f"stiff rates defeat the solver ({solved.message}): use Monte Carlo.")
        values = np.empty(len(times))
        values[order] = solved.y[self.chain.failed].sum(axis=0)
        return values


def fails_surely(chain: Chain) -> bool:
    """True when a failed state is reached with probability one: from every state there is a way."""
    reaches = chain.failed.copy()
    while True:
        more = reaches | (chain.rates @ reaches.astype(np.float64) > 0)
        if (more == reaches).all():
            return bool(reaches.all())
        reaches = more


def mean_time(chain: Chain, budget: Budget) -> float:
    """The mean time to a failed state; inf when it may never be reached."""
    if not fails_surely(chain):
        return np.inf
    alive = ~chain.failed
    inner = sparse.csr_array(chain.rates[alive][:, alive])
    out = np.asarray(chain.rates.sum(axis=1)).ravel()[alive]
    n = len(out)
    if n == 0:
        return 0.0
    count, _ = csgraph.connected_components(inner, connection="strong")
    if count == n:
        # Without cycles the fixed point is reached exactly, after as many rounds as the longest path.
        time, old = 1 / out, None
        while old is None or (time != old).any():
            time, old = (1 + inner @ time) / out, time
            budget.check(n)
    elif n <= DENSE:
        lost = np.asarray(chain.rates[alive][:, chain.failed].sum(axis=1)).ravel()
        time = _hitting_times(inner.toarray(), lost)
    else:
        matrix = sparse.csc_array(sparse.diags_array(out) - inner)
        time = _solved(matrix, np.ones(n))
    return float(chain.initial[alive] @ time)


def _hitting_times(rates: np.ndarray, lost: np.ndarray) -> np.ndarray:
    """Mean times to absorption by eliminating states one by one, sums of positive numbers only.

    Grassmann, Taksar and Heyman (1985); it stays accurate when failures are rare.
    """
    n = len(lost)
    rates, lost, waited, out = rates.copy(), lost.copy(), np.ones(n), np.empty(n)
    for k in range(n - 1, -1, -1):
        out[k] = rates[k, :k].sum() + lost[k]
        into = rates[:k, k] / out[k]
        rates[:k, :k] += np.outer(into, rates[k, :k])
        lost[:k] += into * lost[k]
        waited[:k] += into * waited[k]
    time = np.empty(n)
    for k in range(n):
        time[k] = (waited[k] + rates[k, :k] @ time[:k]) / out[k]
    return time


def steady_state(chain: Chain) -> float:
    """The long-run probability of a failed state."""
    count, label = csgraph.connected_components(chain.rates, connection="strong")
    rows, columns = chain.rates.nonzero()
    leaving = np.zeros(count, bool)
    leaving[label[rows[label[rows] != label[columns]]]] = True
    closed = ~leaving[label]
    reached = _absorbed(chain, closed)
    total = 0.0
    for c in np.flatnonzero(~leaving):
        members = np.flatnonzero(label == c)
        share = _stationary(sparse.csr_array(chain.rates[members][:, members]))
        total += float(reached[members].sum() * share[chain.failed[members]].sum())
    return total


def _absorbed(chain: Chain, closed: np.ndarray) -> np.ndarray:
    """The probability of entering the closed classes at each of their states."""
    reached = np.where(closed, chain.initial, 0.0)
    if closed.all():
        return reached
    inner = chain.rates[~closed][:, ~closed]
    out = np.asarray(chain.rates.sum(axis=1)).ravel()[~closed]
    matrix = sparse.csc_array((sparse.diags_array(out) - inner).T)
    spent = _solved(matrix, chain.initial[~closed])
    reached[closed] += sparse.csr_array(chain.rates[~closed][:, closed]).T @ spent
    return reached


def _stationary(rates: sparse.csr_array) -> np.ndarray:
    """The stationary distribution of an irreducible chain."""
    out = np.asarray(rates.sum(axis=1)).ravel()
    n = len(out)
    if n <= DENSE:
        dense, out = rates.toarray(), np.ones(n)
        for k in range(n - 1, 0, -1):
            out[k] = dense[k, :k].sum()
            dense[:k, :k] += np.outer(dense[:k, k] / out[k], dense[k, :k])
        share = np.ones(n)
        for k in range(1, n):
            share[k] = share[:k] @ dense[:k, k] / out[k]
        return share / share.sum()
    matrix = sparse.csc_array((rates - sparse.diags_array(out)).T)
    # The balance of the first state follows from the others: its share is set to one instead.
    right = -matrix[1:, [0]].toarray().ravel()
    share = np.concatenate([[1.0], _solved(matrix[1:, 1:], right)])
    return share / share.sum()


def _solved(matrix: sparse.csc_array, right: np.ndarray) -> np.ndarray:
    return np.atleast_1d(np.asarray(sparse_linalg.spsolve(matrix, right)))
