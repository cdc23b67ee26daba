"""The Markov chain of a dynamic tree: its states, breadth first, and its transition rates."""

import dataclasses
import time

import numpy as np
from jaxtyping import Float, Int, Int8
from scipy import sparse

from ..diagrams import BudgetError
from ._dynamic import DynamicStructure
from ._reduce import Reduction
from ._state import FAILED, WORKS, Machine, States


CHUNK = 4096
"""Columns expanded at a time; bounds the memory of one step."""


class TooLarge(BudgetError):
    """The chain would exceed its budget of states or seconds."""


@dataclasses.dataclass(frozen=True)
class Budget:
    """What exploring one tree may cost; `until` is a value of `time.monotonic`."""

    states: int
    until: float

    def check(self, states: int) -> None:
        """Raise TooLarge when the budget is exceeded."""
        if states > self.states:
            raise TooLarge(f"more than {self.states:,} states: use Monte Carlo.")
        if time.monotonic() > self.until:
            raise TooLarge(f"out of time after {states:,} states: use Monte Carlo.")


@dataclasses.dataclass(frozen=True, eq=False)
class Chain:
    """A chain: `rates[i, j]` from state i to j, per hour; `initial`, probabilities at time zero.

    `failed` bool[states]: where the top event has failed.
    """

    rates: sparse.csr_array
    initial: Float[np.ndarray, " states"]
    failed: np.ndarray

    @property
    def states(self) -> int:
        """The number of states."""
        return len(self.initial)


def chain(structure: DynamicStructure, absorbing: bool, budget: Budget) -> Chain:
    """Explore the states of a tree.

    **Arguments:** `absorbing`, leave a state in which the top event has failed for good (always so without
    repair).

    **Raises:** TooLarge; ValueError for a law that is not exponential, Erlang or constant.
    """
    return _Explorer(structure, absorbing, budget).run()


class _Explorer:
    def __init__(self, structure: DynamicStructure, absorbing: bool, budget: Budget):
        self.machine = Machine(structure)
        self.reduce = Reduction(self.machine)
        self.absorbing = absorbing or self.machine.latched
        self.budget = budget
        self.numbers: dict[bytes, int] = {}
        self.failed: list[np.ndarray] = []
        self.frontier: list[States] = []

    def run(self) -> Chain:
        """Breadth first from the initial state."""
        start = self.machine.initial()
        if self.machine.s.start >= 0:
            before, start = start, start.copy()
            start[self.machine.s.start] = FAILED
            self.machine.instant(start, before, np.ones(1, bool))
        _, weight, states = self.settle(start)
        number = self._number(states)
        initial = np.bincount(number, weight)
        parts: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
        base = 0
        while self.frontier:
            level = np.concatenate(self.frontier, axis=1)
            self.frontier = []
            for first in range(0, level.shape[1], CHUNK):
                parts.append(self._expand(level[:, first : first + CHUNK], base + first))
                self.budget.check(len(self.numbers))
            base += level.shape[1]
        n = len(self.numbers)
        rows, columns, rates = (np.concatenate(p) for p in zip(*parts, strict=True))
        matrix = sparse.csr_array((rates, (rows, columns)), shape=(n, n))
        matrix.setdiag(0.0)
        matrix.eliminate_zeros()
        initial = np.concatenate([initial, np.zeros(n - len(initial))])
        return Chain(matrix, initial, np.concatenate(self.failed))

    def _expand(self, states: States, base: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        rates = self.machine.rates(states)
        if self.absorbing:
            rates = rates * (states[self.machine.s.top] == WORKS)
        moves, column = np.nonzero(rates)
        after, allowed = self.machine.move(states[:, column], moves)
        moves, column, after = moves[allowed], column[allowed], after[:, allowed]
        if len(self.machine.s.trigger):
            self.reduce(after)
        index, weight, after = self.settle(after)
        moves, column = moves[index], column[index]
        return base + column, self._number(after), rates[moves, column] * weight

    def settle(
        self, states: States
    ) -> tuple[
        Int[np.ndarray, " ends"], Float[np.ndarray, " ends"], Int8[np.ndarray, "slots ends"]
    ]:
        """Let dependencies act until none is left: (column begun from, probability, state)."""
        m, s = self.machine, self.machine.s
        n = states.shape[1]
        ends: list[tuple[np.ndarray, np.ndarray, States]] = []
        index, weight = np.arange(n), np.ones(n)
        refused = np.zeros((len(s.trigger), n), bool)
        tried = m.at.tried
        while len(index) and len(s.trigger):
            due = (states[s.trigger] == FAILED) & (states[s.dependent] == WORKS)
            due &= (states[tried] == 0) & ~refused
            busy = due.any(0)
            if self.absorbing:
                busy &= states[s.top] != FAILED
            ends.append((index[~busy], weight[~busy], states[:, ~busy]))
            index, weight, states = index[busy], weight[busy], states[:, busy]
            refused, row = refused[:, busy], due[:, busy].argmax(0)
            column = np.arange(len(index))
            after = states.copy()
            after[s.dependent[row], column] = FAILED
            after[tried.start + row, column] = 1
            good = m.instant(after, states, np.ones(len(index), bool))
            refused[row[~good], column[~good]] = True
            chance = s.dependency_prob[row]
            missed = good & (chance < 1)
            failing = states[:, missed].copy()
            failing[tried.start + row[missed], np.arange(failing.shape[1])] = 1
            states = np.concatenate([after[:, good], states[:, ~good], failing], axis=1)
            new = np.zeros((len(s.trigger), int(good.sum())), bool)
            refused = np.concatenate([new, refused[:, ~good], refused[:, missed]], axis=1)
            index = np.concatenate([index[good], index[~good], index[missed]])
            weight = np.concatenate(
                [(weight * chance)[good], weight[~good], (weight * (1 - chance))[missed]]
            )
        ends.append((index, weight, states))
        parts = [np.concatenate([e[k] for e in ends], axis=-1) for k in range(3)]
        return parts[0], parts[1], parts[2]

    def _number(self, states: States) -> Int[np.ndarray, " states"]:
        """The numbers of states, new ones put on the frontier."""
        if self.absorbing:
            over = states[self.machine.s.top] == FAILED
            states[:, over] = 0
            states[self.machine.s.top, over] = FAILED
        self.reduce(states)
        rows = np.ascontiguousarray(states.T)
        keys = rows.view(np.dtype((np.void, rows.shape[1])))[:, 0]
        unique, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
        number = np.empty(len(unique), np.int64)
        new = []
        for i, key in enumerate(unique.tolist()):
            known = len(self.numbers)
            number[i] = self.numbers.setdefault(key, known)
            if number[i] == known:
                new.append(first[i])
        if new:
            fresh = states[:, new]
            self.frontier.append(fresh)
            self.failed.append(fresh[self.machine.s.top] == FAILED)
        return number[inverse]
