"""Dynamic fault trees in plain Python: one history at a time, every element asked after every occurrence.

Read it beside `docs/fault-trees-dynamic.md`. An event carries what is left of its age, in hours at full stress;
between occurrences nothing changes but those ages, so the next occurrence is the least of what is left.
"""

import dataclasses
import math
import random

from ..spec.fault_tree import FaultTree
from ._fault_tree_law import draw, possible, timed, value
from ._fault_tree_state import State


@dataclasses.dataclass(frozen=True)
class FaultHistory:
    """When the top event began and ceased to hold, in hours, up to the horizon."""

    begins: tuple[float, ...]
    ends: tuple[float, ...]
    horizon_hours: float

    @property
    def first_hours(self) -> float:
        """The first failure, infinite if there is none."""
        return self.begins[0] if self.begins else math.inf

    def failed_at(self, hours: float) -> bool:
        """Whether the top event holds at a time."""
        return sum(b <= hours for b in self.begins) > sum(e <= hours for e in self.ends)

    def down_hours(self) -> float:
        """The hours in which the top event held."""
        ends = (*self.ends, self.horizon_hours)
        return sum(b - a for a, b in zip(self.begins, ends, strict=False))


def fault_tree_history(
    tree: FaultTree, horizon_hours: float, seed: int, replica: int
) -> FaultHistory:
    """Simulate one history of the first top event until the horizon, or until nothing more can happen.

    Without repairs it ends with the first failure.
    """
    return _Replica(tree, random.Random(f"{seed}/{replica}")).run(horizon_hours)


class _Replica:
    """The clocks of one history, and what an occurrence does."""

    def __init__(self, tree: FaultTree, rng: random.Random):
        self.tree, self.rng, self.state = tree, rng, State(tree)
        events = tree.basic_events
        self.constant = {n for n, e in events.items() if not timed(e.probability, tree.parameters)}
        self.left = {n: math.inf if n in self.constant else self._age(n) for n in events}
        self.refused: set[str] = set()
        self.repair_left: dict[str, float] = {}
        dependencies = tree.dependencies.items()
        self.inspections = {
            n: [d.phases, self._stage(d.rate)] for n, d in dependencies if d.kind == "inspection"
        }
        # (dependency, trigger, dependent): what has a probability is triggered by time zero, "".
        written = [
            (n, d.args[0], e) for n, d in dependencies if d.kind == "fdep" for e in d.args[1:]
        ]
        self.rows = [(n, "", n) for n in events if n in self.constant] + written[::-1]
        self.chance = {n: value(events[n].probability, tree.parameters) for n in self.constant}
        self.chance |= {n: d.probability for n, d in dependencies if d.kind == "fdep"}
        self.coins: dict[str, bool] = {}
        self.tried: set[tuple[str, str, str]] = set()

    def _age(self, name: str) -> float:
        event = self.tree.basic_events[name]
        return draw(event.probability, self.tree.parameters, self.rng)

    def _stage(self, rate: float) -> float:
        return self.rng.expovariate(rate) if rate > 0 else math.inf

    def _works(self, name: str) -> bool:
        return name not in self.state.failed

    def _fail(self, name: str) -> bool:
        if not self.state.fail(name):
            return False
        repair = self.tree.basic_events[name].repair
        if repair is not None and possible(repair, self.tree.parameters):
            self.repair_left[name] = draw(repair, self.tree.parameters, self.rng)
        return True

    def _depend(self):
        """Let dependencies act, always the first that can."""
        for row in self.rows:
            name, trigger, dependent = row
            if self._works(trigger) and trigger:
                self.tried.discard(row)
                self.coins.pop(name, None)
        while any(self._act(row) for row in self.rows):
            pass

    def _act(self, row: tuple[str, str, str]) -> bool:
        name, trigger, dependent = row
        can = not (self._works(trigger) and trigger) and self._works(dependent)
        if row in self.tried or not can:
            return False
        if name not in self.coins:
            self.coins[name] = self.rng.random() < self.chance[name]
        if self.coins[name] and not self._fail(dependent):
            return False  # refused: it waits
        self.tried.add(row)
        return True

    def _renew(self, names: list[str]):
        """Renew events, and those that come back with what works again."""
        for name in names:
            self.repair_left.pop(name, None)
            if name not in self.constant:
                self.left[name] = self._age(name)
        before = set(self.state.failed)
        self.state.failed -= set(names)
        self.state.settle(before)
        for dependency in self.tree.dependencies.values():
            first, *others = dependency.args
            if dependency.kind == "rdep" and first in before and self._works(first):
                back = [o for o in others if not self._works(o)]
                if back:
                    self._renew(back)

    def _speed(self, name: str) -> float:
        """How fast an event ages now."""
        if not self._works(name) or name in self.refused:
            return 0.0
        if self.state.is_active(name):
            return 1.0
        return self.tree.basic_events[name].dormancy

    def _happen(self, what: str, name: str):
        if what == "fail":
            if not self._fail(name):
                # It goes on living: after the next occurrence with an age of its own again.
                self.refused.add(name)
                return
        elif what == "repair":
            self._renew([name])
        elif what == "inspect":
            dependency, stage = self.tree.dependencies[name], self.inspections[name]
            stage[0] -= 1
            stage[1] = self._stage(dependency.rate)
            if stage[0] == 0:
                stage[0] = dependency.phases
                self._renew([a for a in dependency.args if a in self.tree.basic_events])
        self._depend()
        for refused in self.refused:
            self.left[refused] = self._age(refused)
        self.refused = set()

    def run(self, horizon_hours: float) -> FaultHistory:
        """Step from occurrence to occurrence."""
        now, begins, ends, top = 0.0, [], [], self.tree.tops[0]
        self._happen("start", "")
        while True:
            if self._works(top) != (len(begins) == len(ends)):
                (ends if self._works(top) else begins).append(now)
                if not self.state.repairable:
                    break
            speeds = {name: self._speed(name) for name in self.left}
            waits = [(self.left[n] / s, "fail", n) for n, s in speeds.items() if s > 0]
            waits += [(left, "repair", n) for n, left in self.repair_left.items()]
            waits += [(stage[1], "inspect", n) for n, stage in self.inspections.items()]
            wait, what, name = min(waits, default=(math.inf, "", ""))
            now += wait
            if now > horizon_hours or math.isinf(wait):
                break
            self.left.update({n: self.left[n] - wait * s for n, s in speeds.items() if s})
            self.repair_left = {n: left - wait for n, left in self.repair_left.items()}
            for stage in self.inspections.values():
                stage[1] -= wait
            self._happen(what, name)
        return FaultHistory(tuple(begins), tuple(ends), horizon_hours)
