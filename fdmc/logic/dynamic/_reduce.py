"""Forget what can no longer matter: the canonical form of states of a dynamic tree.

A state is replaced by one from which the top event fails with the same law, so that fewer states are
explored. The first three rules hold without repair, where a failed element stays failed.
"""

import numpy as np
from jaxtyping import Bool, Int8

from ._dynamic import DynamicKind
from ._state import FAILED, NEVER, NO_MATTER, WORKS, Machine, States


Needed = Bool[np.ndarray, "elements states"]


class Reduction:
    """Canonical states of one machine."""

    def __init__(self, machine: Machine):
        self.m = machine
        s, e = machine.s, machine.events
        self.asleep = not s.active.all()
        self.rows = list(zip(s.trigger.tolist(), s.dependent.tolist(), strict=True))
        self.zero = [
            i for i in range(e) if machine.rate[i] == 0 and not (i == s.start and s.start >= 0)
        ]
        self.gate_of = np.repeat(np.arange(len(s.gates)), np.diff(s.offset))
        self.groups = self._exchangeable()
        self.influence = {g: self._influence(g) for g in machine.spares}

    def _influence(self, g: int) -> tuple[list[int], list[int]]:
        """Dormant elements that a spare gate may activate, and the spare gates it competes with."""
        s, places = self.m.s, range(len(self.m.gates[g]))
        woken = {x for j in places for x in s.modules[s.offset[g] + j] if not s.active[x]}
        rivals = {h for j in places for h, _ in self.m.rivals[g, j]}
        return sorted(woken), sorted(rivals)

    def _exchangeable(self) -> list[list[int]]:
        """Events of one law under the same static gates, that nothing else refers to."""
        s, m = self.m.s, self.m
        apart = {int(x) for x in (*s.trigger, *s.dependent, *s.repair_trigger, *s.repair_dependent)}
        apart |= {x for group in (*s.sequences, *s.mutexes) for x in group} | {s.top}
        apart |= {x for i in s.inspections for x in i.members}
        parents: dict[int, list[int]] = {}
        for g, args in enumerate(m.gates):
            for a in args:
                parents.setdefault(a, []).append(g)
        groups: dict[tuple, list[int]] = {}
        for i in range(m.events):
            above = parents.get(i, [])
            static = all(s.kind[g] <= DynamicKind.VOTE for g in above)
            if i in apart or not static or m.phases[i] > 1:
                continue
            modules = tuple(k for k, module in enumerate(s.modules) if i in module)
            key = (m.rate[i], m.repair[i], s.dormancy[i], bool(s.active[i]), tuple(above), modules)
            groups.setdefault(key, []).append(i)
        return [g for g in groups.values() if len(g) > 1]

    def __call__(self, states: States) -> None:
        """Bring every column into its canonical form, in place."""
        if self.m.latched:
            self._never(states)
            needed = self._needed(states)
            status = states[: self.m.elements]
            status[~needed] = NO_MATTER
        self._clean(states)
        for group in self.groups:
            states[group] = np.sort(states[group], axis=0)
            if self.asleep:
                awake = [self.m.elements + i for i in group]
                states[awake] = np.sort(states[awake], axis=0)[::-1]

    def _clean(self, states: States) -> None:
        """Give rows that say nothing in this state one value."""
        at, s, status = self.m.at, self.m.s, states[: self.m.elements]
        works = status == WORKS
        for i, row in at.phase.items():
            states[row] *= works[i]
        if not self.m.latched:
            for row, (t, d) in enumerate(self.rows, at.tried.start):
                states[row] |= (status[t] == FAILED) & (status[d] == FAILED)
            return
        if self.asleep:
            states[at.active] = np.where(works, states[at.active], s.active[:, None])
        for g, row in at.uses.items():
            states[row] *= works[self.m.events + g]
        for a, row in at.late.items():
            states[row] *= works[self.m.events + self.gate_of[a]]
        for row, (_, d) in enumerate(self.rows, at.tried.start):
            states[row] *= works[d]

    def _never(self, states: States) -> None:
        """Mark what cannot fail any more."""
        status, tried = states[: self.m.elements], self.m.at.tried.start
        while True:
            before = (status == NEVER).sum()
            for i in self.zero:
                never = status[i] == WORKS
                for row, (t, d) in enumerate(self.rows):
                    if d == i:
                        never = never & ((states[tried + row] == 1) | (status[t] == NEVER))
                status[i] = np.where(never, NEVER, status[i])
            self._never_restricted(status)
            for g in range(len(self.m.gates)):
                row = self.m.events + g
                never = (status[row] == WORKS) & self._gate_never(states, g)
                status[row] = np.where(never, NEVER, status[row])
            if (status == NEVER).sum() == before:
                return

    def _never_restricted(self, status: Int8[np.ndarray, "elements states"]) -> None:
        for members in self.m.s.sequences:
            for left, right in zip(members[:-1], members[1:], strict=True):
                stuck = (status[left] == NEVER) & (status[right] == WORKS)
                status[right] = np.where(stuck, NEVER, status[right])
        for members in self.m.s.mutexes:
            failed = (status[list(members)] == FAILED).any(0)
            for x in members:
                status[x] = np.where(failed & (status[x] == WORKS), NEVER, status[x])

    def _gate_never(self, states: States, g: int) -> Bool[np.ndarray, " states"]:
        args, kind, s = self.m.gates[g], self.m.s.kind[g], self.m.s
        never = states[list(args)] == NEVER
        if kind == DynamicKind.AND:
            return never.any(0)
        if kind == DynamicKind.OR:
            return never.all(0)
        if kind == DynamicKind.VOTE:
            return never.sum(0) > len(args) - s.need[g]
        if kind == DynamicKind.SPARE:
            uses = np.minimum(states[self.m.at.uses[g]], len(args) - 1)
            return never[uses, np.arange(states.shape[1])]
        row = self.m.at.late[int(s.offset[g])]
        late = (states[row : row + len(args)] == 1).any(0)
        chain = kind in (DynamicKind.PAND, DynamicKind.PAND_EXCLUSIVE)
        return late | (never.any(0) if chain else never[0])

    def _needed(self, states: States) -> Needed:
        """Which elements can still influence the top event."""
        m, s, status = self.m, self.m.s, states[: self.m.elements]
        works, alive = status == WORKS, status[s.top] == WORKS
        needed = np.zeros(status.shape, bool)
        needed[s.top] = True
        for group in (*s.sequences, *s.mutexes):
            needed[list(group)] |= alive & works[list(group)].any(0)
        count = -1
        while count != (count := int(needed.sum())):
            for g in reversed(range(len(m.gates))):
                needed[list(m.gates[g])] |= needed[m.events + g] & works[m.events + g]
            for row, (t, d) in enumerate(self.rows):
                needed[t] |= needed[d] & works[d] & (states[m.at.tried.start + row] == 0)
            for g, (woken, rivals) in self.influence.items():
                asleep = states[[m.elements + x for x in woken]] == 0
                acts = (needed[woken] & works[woken] & asleep).any(0)
                for h in rivals:
                    acts = acts | (needed[m.events + h] & works[m.events + h])
                needed[m.events + g] |= acts & works[m.events + g]
        return needed
