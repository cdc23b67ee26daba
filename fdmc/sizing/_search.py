"""The search on simulation: proposals of the screen, then neighbours, raced on common random numbers."""

import dataclasses
import math
import time
from collections.abc import Callable, Iterable

import numpy as np

from ..spec import Limit
from ._arena import FACTS
from ._judge import FAIL_Z, Judge, Verdict
from ._propose import Model, Proposal, propose
from ._space import Made, Point, Space


LADDER = (256, 512, 1024, 2048, 4096)
"""Histories of a design: it climbs while it cannot be told from its limits or from its rivals."""
_FIELD = 16
"""Neighbours in one race, at most."""
_DOUBT = 0.25
"""Share of a change of goodput by which the model may be wrong before a neighbour is left out."""
STEPS = (-2, -1, -0.5, -0.2, -0.05, 0.05, 0.2, 0.5, 1, 2)
"""Steps of a number: whole ones for counts, eighths of the range for values."""


@dataclasses.dataclass(frozen=True)
class Tried:
    """One look at a design: on so many histories, what it came to, and how it stood."""

    point: Point
    replicas: int
    goodput: float
    objective: float
    standing: str
    phase: str


@dataclasses.dataclass
class Neighbourhood:
    """What is known of the designs next to the winner.

    `no_better`: their objective is known without simulation and no better (cost is), or the paired difference says so;
    `failed`: simulated, and a limit is missed at 99 %; `open`: simulated, and not told apart; `screened`: left out, for
    the model would have to be wrong by more than 25 % of its own difference.
    """

    size: int = 0
    no_better: int = 0
    failed: int = 0
    open: int = 0
    screened: int = 0


Tell = Callable[[str, float], None]
"""Hears what is being done, and the share of the work that is done."""


@dataclasses.dataclass
class Question:
    """What is asked: `sense` least or most of `metric` within `limits`; by when to stop; most histories a design."""

    sense: str
    metric: str
    limits: tuple[Limit, ...]
    deadline: float
    replicas: int

    @property
    def ladder(self) -> tuple[int, ...]:
        """The rungs up to the most histories."""
        return (*(n for n in LADDER if n < self.replicas), self.replicas)

    @property
    def late(self) -> bool:
        """Whether the time is up."""
        return time.monotonic() > self.deadline


class Search:
    """Looks for the best design of a space."""

    def __init__(self, space: Space, judge: Judge, model: Model, question: Question, tell: Tell):
        self.space, self.judge, self.model = space, judge, model
        self.question, self.tell = question, tell
        self.tried: list[Tried] = []
        self.best: Point | None = None
        self.margins: dict[str, float] = {}
        self.proposal: Proposal | None = None
        self.near = Neighbourhood()

    def made(self, point: Point) -> Made:
        """The machine of a design that is one."""
        made = self.space.made(point)
        assert made is not None
        return made

    def look(self, point: Point, replicas: int, phase: str) -> Verdict:
        """Simulate a design and note it."""
        found = self.judge(self.made(point), replicas)
        standing = "missed" if found.fails else "kept" if found.passes else "open"
        if not self._affordable(point):
            standing = "missed"
        goodput = found.metrics["goodput"].best
        value = self.objective(point, found)
        self.tried.append(Tried(point, found.replicas, goodput, value, standing, phase))
        return found

    def objective(self, point: Point, found: Verdict) -> float:
        """The objective: cost and power as known beforehand, all else as simulated."""
        metric = self.question.metric
        if metric in found.metrics:
            return found.metrics[metric].best
        return self.model.forecast(point)[metric]

    def _affordable(self, point: Point) -> bool:
        found = self.model.forecast(point)
        return all(
            found[limit.metric] <= limit.bound * (1 + 1e-9) + self.margins.get(limit.metric, 0.0)
            for limit in self.question.limits
            if limit.metric in ("cost", "power")
        )

    def learn(self, point: Point, found: Verdict, spares: bool = False):
        """Calibrate the screen at a design, and ask of it what simulation needs to see a limit kept."""
        metrics = {name: one.best for name, one in found.metrics.items()}
        facts = self.judge.arena.facts(found.made, found.replicas)
        self.model.calibrate(point, facts, metrics, spares)
        # At the top of the ladder, as much as the bound of 95 % takes and as much again.
        shrink = math.sqrt(found.replicas / self.question.replicas)
        self.margins = {name: 2.5 * one.error * shrink for name, one in found.metrics.items()}
        spent = facts.rows[:, FACTS.index("spent")]
        off = abs(float(spent.mean()) - self.model.spares(point))
        error = float(np.std(spent)) / math.sqrt(len(spent))
        self.margins["cost"] = -(2.5 * error * shrink + off)

    def run(self, start: Point) -> Point | None:
        """Search from a design; the best one found that keeps its limits, None if none does."""
        first = self.look(
            start, self.question.ladder[min(2, len(self.question.ladder) - 1)], "start"
        )
        self.learn(start, first, spares=True)
        if first.passes and self._affordable(start):
            self.best = start
        self._proposals(start)
        self._neighbours()
        return self.best

    def safer(self) -> Point | None:
        """A design for the margins as they are now, which a certificate has widened; None without one."""
        assert self.best is not None
        q, self.best = self.question, None
        kept = self.margins
        self.proposal = propose(self.model, q.sense, q.metric, q.limits, self.tried[-1].point, kept)
        self.race(self.proposal.points[:4], "after the certificate")
        return self.best

    def _proposals(self, centre: Point):
        """Ask the screen, simulate what it says, calibrate it there, until it says nothing new."""
        known: set[Point] = {centre}
        for number in range(8):
            if self.question.late:
                return
            self.tell("proposals", number / 8)
            q = self.question
            self.proposal = propose(self.model, q.sense, q.metric, q.limits, centre, self.margins)
            fresh = [point for point in self.proposal.points if point not in known][:4]
            if not fresh:
                return
            known |= set(fresh)
            winner = self.race(fresh, "proposal")
            centre = winner if winner is not None else fresh[0]
            top = self.look(centre, q.replicas, "proposal")
            self.learn(centre, top)

    def _neighbours(self):
        """Race the neighbours of the best design until none is better."""
        while self.best is not None and not self.question.late:
            before = self.best
            field = self._field(before)
            self.tell("neighbours", 0.5)
            self.race(field, "neighbour")
            if self.best == before:
                return
            self.learn(self.best, self.look(self.best, self.question.replicas, "neighbour"))

    def _field(self, best: Point) -> list[Point]:
        """The neighbours that may be better: what is known beforehand and what the model rules out is left out."""
        q = self.question
        self.near = near = Neighbourhood()
        at = self.judge(self.made(best), q.replicas)
        here = self.model.forecast(best)
        value = self.objective(best, at)
        found = []
        singles, pairs = self.space.singles(best, STEPS), self.space.pairs(best)
        for point in dict.fromkeys((*singles, *pairs)):
            if self.space.made(point) is None:
                continue
            near.size += 1
            there = self.model.forecast(point)
            known = q.metric in ("cost", "power")
            if not self._affordable(point) or (known and there[q.metric] >= value * (1 - 1e-12)):
                near.no_better += 1
                continue
            if not self._promising(at, here, there, known):
                near.screened += 1
                continue
            gain = (
                value - there[q.metric] if q.sense == "least" else there[q.metric] - here[q.metric]
            )
            found.append((gain, point))
        found.sort(key=lambda pair: -pair[0])
        near.screened += max(len(found) - _FIELD, 0)
        return [point for _, point in found[:_FIELD]]

    def _promising(self, at: Verdict, here, there, known: bool) -> bool:
        """Whether a neighbour may keep the limits and be better, if the model is wrong by a quarter."""
        for limit in self.judge.limits:
            change = there[limit.metric] - here[limit.metric]
            seen = at.metrics[limit.metric]
            if seen.best + change + _DOUBT * abs(change) + 4 * seen.error < limit.bound:
                return False
        if known:
            return True
        change = there[self.question.metric] - here[self.question.metric]
        return change + _DOUBT * abs(change) + at.metrics[self.question.metric].error > 0

    def race(self, points: Iterable[Point], phase: str) -> Point | None:
        """Climb the ladder with designs; the best of them that keeps the limits, and `best` where it beats that."""
        alive, last = list(dict.fromkeys(points)), {}
        alive = [point for point in alive if self._affordable(point)]
        self.near.failed = self.near.open = 0
        for rung in self.question.ladder:
            if self.question.late and last:
                break
            for point in list(alive):
                last[point] = self.look(point, rung, phase)
                if last[point].fails or self._beaten(point, last[point]):
                    alive.remove(point)
                    self.near.failed += 1
            kept = [point for point in alive if last[point].passes]
            if not alive or (len(alive) == len(kept) == 1 and self._settled(alive[0], last)):
                break
            if self.question.sense == "least" and kept:
                cheapest = min(kept, key=lambda point: self.objective(point, last[point]))
                limit = self.objective(cheapest, last[cheapest])
                alive = [
                    point for point in alive
                    if point == cheapest or self.objective(point, last[point]) < limit
                ]  # fmt: skip
                if alive == [cheapest]:
                    break
        kept = [point for point in alive if last[point].passes]
        self.near.open = len(alive) - len(kept)
        return self._crown(kept, last)

    def _settled(self, point: Point, last: dict[Point, Verdict]) -> bool:
        return self.question.sense == "least" or self._beats(point, last[point])

    def _crown(self, kept: list[Point], last: dict[Point, Verdict]) -> Point | None:
        if not kept:
            return None
        sign = 1 if self.question.sense == "least" else -1
        winner = min(kept, key=lambda point: sign * self.objective(point, last[point]))
        if self._beats(winner, last[winner]):
            self.best = winner
        return winner

    def _difference(self, found: Verdict):
        """The paired difference of a simulated objective to the best design's."""
        assert self.best is not None
        mine = self.judge(self.made(self.best), found.replicas)
        return found.metrics[self.question.metric].less(mine.metrics[self.question.metric])

    def _beats(self, point: Point, found: Verdict) -> bool:
        """Whether a design that keeps the limits is better than the best so far: at 99 % where that is simulated."""
        if self.best is None or point == self.best:
            return True
        if self.question.metric in found.metrics:
            gain = self._difference(found)
            return gain.best > FAIL_Z * gain.error
        best = self.model.forecast(self.best)[self.question.metric]
        value = self.objective(point, found)
        return value < best if self.question.sense == "least" else value > best

    def _beaten(self, point: Point, found: Verdict) -> bool:
        """Whether a simulated objective is surely worse than the best design's."""
        if self.best is None or point == self.best or self.question.metric not in found.metrics:
            return False
        gain = self._difference(found)
        return gain.best + FAIL_Z * gain.error < 0
