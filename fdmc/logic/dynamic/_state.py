"""What happens in a dynamic tree at one instant, for many states at once.

States are columns of an int8 matrix; `docs/fault-trees-dynamic.md` states the rules that stand here.
"""

import itertools

import numpy as np
from jaxtyping import Bool, Float, Int8

from ._dynamic import DynamicKind, DynamicStructure
from ._law import Law, Lifetime


States = Int8[np.ndarray, "slots states"]

WORKS, FAILED, NEVER, NO_MATTER = 0, 1, 2, 3
"""The status of an element; NEVER cannot fail any more, NO_MATTER no longer influences the top event."""

ORDERED = (
    DynamicKind.PAND,
    DynamicKind.PAND_EXCLUSIVE,
    DynamicKind.POR,
    DynamicKind.POR_EXCLUSIVE,
)


class Slots:
    """The rows of the matrix of states: the status of every element first, then what else is remembered.

    `active`, all elements or none; `uses[g]` of spare gate g (the place of the used argument; their number when
    there is none); `late[a]` of argument a of an order gate (it failed before the one it should follow);
    `tried`, dependencies; `phase[i]` of an Erlang event; `stage`, the first inspection.
    """

    def __init__(self, s: DynamicStructure, phases: np.ndarray):
        self.elements = len(s.events) + len(s.gates)
        wakes = not s.active.all()
        self.active = slice(self.elements, self.elements + wakes * self.elements)
        rows = itertools.count(self.active.stop)
        kinds = np.repeat(s.kind, np.diff(s.offset))
        self.uses = {g: next(rows) for g, k in enumerate(s.kind) if k == DynamicKind.SPARE}
        self.late = {a: next(rows) for a, k in enumerate(kinds) if k in ORDERED}
        self.phase = {i: next(rows) for i in np.flatnonzero(phases > 1).tolist()}
        start = next(rows)
        self.tried = slice(start, start + len(s.trigger))
        self.stage = self.tried.stop
        self.total = self.stage + len(s.inspections)


class Machine:
    """The rules of a tree whose events are exponential, Erlang or constant.

    A *move* is an event's failure (or the end of one of its phases), 0 .. events - 1, an event's repair, events ..
    2 events - 1, or the end of an inspection's phase, after them.

    **Raises:** ValueError for another law.
    """

    def __init__(self, structure: DynamicStructure):
        s = self.s = structure
        self.events, self.elements = len(s.events), len(s.events) + len(s.gates)
        rates = [_rate(n, law) for n, law in zip(s.events, s.lifetimes, strict=True)]
        self.rate = np.array([r[0] for r in rates], np.float64)
        self.phases = np.array([r[1] for r in rates], np.int64)
        self.at = Slots(s, self.phases)
        repairs = [_rate(n, law) for n, law in zip(s.events, s.repairs, strict=True)]
        if any(phases > 1 for _, phases in repairs):
            raise ValueError("an exact answer needs exponential repairs.")
        self.repair = np.array([r[0] for r in repairs], np.float64)
        self.latched = not s.repairable
        self.gates = [tuple(int(a) for a in s.arguments(g)) for g in range(len(s.gates))]
        self.spares = list(self.at.uses)
        self.rivals = self._rivals()

    def _rivals(self) -> dict[tuple[int, int], list[tuple[int, int]]]:
        """For each argument place of each spare gate, the places where other spare gates have it too."""
        places = [(g, j, a) for g in self.spares for j, a in enumerate(self.gates[g])]
        return {(g, j): [(h, k) for h, k, b in places if b == a and h != g] for g, j, a in places}

    def initial(self) -> States:
        """The state at time zero, before what happens there: one column."""
        state = np.zeros((self.at.total, 1), np.int8)
        if self.at.active.stop > self.elements:
            state[self.at.active, 0] = self.s.active
            self.activate(state)
        return state

    def rates(self, states: States) -> Float[np.ndarray, "moves states"]:
        """The rate of every move in every state, per hour; refused moves included."""
        e, at = self.events, self.at
        works = states[:e] == WORKS
        fail = np.where(works, self.rate[:, None], 0.0)
        if at.active.stop > self.elements:
            fail *= np.where(states[at.active][:e] == 1, 1.0, self.s.dormancy[:, None])
        repair = np.where(states[:e] == FAILED, self.repair[:, None], 0.0)
        stages = [np.full((1, states.shape[1]), i.rate) for i in self.s.inspections]
        return np.concatenate([fail, repair, *stages])

    def move(self, states: States, moves: np.ndarray) -> tuple[States, Bool[np.ndarray, " states"]]:
        """The states after one move each, and whether the move is allowed by the restrictions."""
        e = self.events
        after, column = states.copy(), np.arange(states.shape[1])
        failing = moves < e
        phased = failing & (self.phases[moves % e] > 1)
        if phased.any():
            row = np.array([self.at.phase[i] for i in moves[phased].tolist()])
            c = column[phased]
            after[row, c] += 1
            ended = np.ones(len(moves), bool)
            ended[phased] = after[row, c] == self.phases[moves[phased]]
            after[row[ended[phased]], c[ended[phased]]] = 0
            failing = failing & ended
        after[moves[failing], column[failing]] = FAILED
        allowed = np.ones(len(moves), bool)
        allowed[failing] = self.instant(after, states, failing)
        back = (moves >= e) & (moves < 2 * e)
        if back.any():
            after[:, back] = self.come_back(states[:, back], moves[back] - e)
        for i in range(len(self.s.inspections)):
            due = moves == 2 * e + i
            after[:, due] = self._inspect(states[:, due], i)
        return after, allowed

    def instant(
        self, after: States, before: States, which: Bool[np.ndarray, " states"]
    ) -> Bool[np.ndarray, " chosen"]:
        """Let the gates follow the events in the chosen columns; False where a restriction refuses."""
        if which.all():
            self.follow(after, before)
            return self._allowed(after, before)
        chosen, old = after[:, which], before[:, which]
        self.follow(chosen, old)
        after[:, which] = chosen
        return self._allowed(chosen, old)

    def _allowed(self, after: States, before: States) -> Bool[np.ndarray, " states"]:
        good = np.ones(after.shape[1], bool)
        for members in self.s.sequences:
            for left, right in zip(members[:-1], members[1:], strict=True):
                new = (after[right] == FAILED) & (before[right] != FAILED)
                good &= ~(new & (after[left] != FAILED))
        for members in self.s.mutexes:
            failed = after[list(members)] == FAILED
            new = failed & (before[list(members)] != FAILED)
            good &= ~((failed.sum(0) > 1) & new.any(0))
        return good

    def follow(self, states: States, before: States) -> None:
        """Evaluate all gates once, bottom up, in place, and pass activation on."""
        for g, args in enumerate(self.gates):
            row = self.events + g
            kind = self.s.kind[g]
            if kind == DynamicKind.SPARE:
                failed = self._claim(states, g)
            elif kind in ORDERED:
                failed = self._ordered(states, before, g)
            else:
                count = (states[list(args)] == FAILED).sum(0)
                need = {DynamicKind.AND: len(args), DynamicKind.OR: 1}.get(kind, self.s.need[g])
                failed = count >= need
            if self.latched:
                states[row] = np.where(states[row] == WORKS, failed, states[row])
            else:
                states[row] = failed
        self.activate(states)

    def _ordered(self, states: States, before: States, g: int) -> Bool[np.ndarray, " states"]:
        args, kind = self.gates[g], self.s.kind[g]
        strict = kind in (DynamicKind.PAND_EXCLUSIVE, DynamicKind.POR_EXCLUSIVE)
        chain = kind in (DynamicKind.PAND, DynamicKind.PAND_EXCLUSIVE)
        late = np.zeros(states.shape[1], bool)
        for place in range(1, len(args)):
            a, b = args[place - 1 if chain else 0], args[place]
            row = self.at.late[int(self.s.offset[g]) + place]
            first, second = states[a] == FAILED, states[b] == FAILED
            old = before[b] == FAILED
            flag = (old & (states[row] == 1)) | ~first
            if strict:
                flag |= ~old & (before[a] != FAILED)
            states[row] = flag & second
            late |= flag & second
        failed = states[list(args)] == FAILED
        return (failed.all(0) if chain else failed[0]) & ~late

    def _claim(self, states: States, g: int) -> Bool[np.ndarray, " states"]:
        """Choose the used argument of a spare gate; True where there is none."""
        args, uses = self.gates[g], self.at.uses
        old, works = states[uses[g]].copy(), states[self.events + g] == WORKS
        free = np.empty((len(args), states.shape[1]), bool)
        for j, a in enumerate(args):
            free[j] = states[a] != FAILED
            for h, k in self.rivals[g, j]:
                taken = (states[uses[h]] == k) & (states[self.events + h] == WORKS)
                free[j] &= ~taken | (old == j)
        choice = np.where(free.any(0), free.argmax(0), len(args)).astype(np.int8)
        if self.latched:
            own = np.minimum(old, len(args) - 1)
            keeps = free[own, np.arange(states.shape[1])] & (old < len(args))
            choice = np.where(keeps | ~works, old, choice)
        states[uses[g]] = choice
        return choice == len(args)

    def activate(self, states: States) -> None:
        """Activate what the active spare gates use; with repair, what they no longer use is dormant."""
        active = states[self.at.active]
        if not len(active):
            return
        if not self.latched:
            active[:] = self.s.active[:, None]
        changed = True
        while changed:
            changed = False
            for g in reversed(self.spares):
                awake = (states[self.events + g] == WORKS) & (active[self.events + g] == 1)
                for j in range(len(self.gates[g])):
                    uses = awake & (states[self.at.uses[g]] == j)
                    for member in self.s.modules[self.s.offset[g] + j]:
                        if (uses & (active[member] == 0)).any():
                            active[member] |= uses
                            changed = True

    def come_back(self, states: States, events: np.ndarray) -> States:
        """The states after the repair of one event each, and of what is repaired with it."""
        after = states.copy()
        after[events, np.arange(len(events))] = WORKS
        return self._settle_back(after, states)

    def _settle_back(self, after: States, before: States) -> States:
        while True:
            old = before
            self.follow(after, before)
            before = after.copy()
            for t, d in zip(self.s.repair_trigger, self.s.repair_dependent, strict=True):
                back = (old[t] == FAILED) & (after[t] != FAILED) & (after[d] == FAILED)
                after[d] = np.where(back, WORKS, after[d])
            if (after == before).all():
                break
        for row, t in enumerate(self.s.trigger):
            after[self.at.tried.start + row] &= after[t] == FAILED
        return after

    def _inspect(self, states: States, i: int) -> States:
        inspection, row = self.s.inspections[i], self.at.stage + i
        after = states.copy()
        after[row] += 1
        ended = after[row] == inspection.phases
        after[row, ended] = 0
        members = [m for m in inspection.members if m < self.events]
        for m in members:
            after[m] = np.where(ended, WORKS, after[m])
            if m in self.at.phase:
                after[self.at.phase[m], ended] = 0
        return self._settle_back(after, states)


def _rate(name: str, law: Lifetime | None) -> tuple[float, int]:
    if law is None:
        return 0.0, 1
    match law.law:
        case Law.CONSTANT:
            return 0.0, 1
        case Law.EXPONENTIAL:
            return law.parameters[0], 1
        case Law.ERLANG:
            return law.parameters[1], int(law.parameters[0])
    raise ValueError(
        f"a law of {name} is {law.law.name.lower()}: a Markov chain needs exponential, Erlang or "
        "constant ones; use Monte Carlo."
    )
