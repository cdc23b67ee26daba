"""`size`: one verb from a scenario with `sizing` to the design, its certificate, and where the money went."""

import dataclasses
import math
import time
from collections.abc import Callable
from pathlib import Path

from ..collect import Programs, unprotected
from ..spec import Limit, Scenario, Sizing, load
from ._arena import Arena
from ._certify import ATTEMPTS, certify, cost_of, design, domains, standings
from ._controls import Control, greedy, random_search, uniform
from ._frontier import frontier_of
from ._judge import Judge, Verdict
from ._problem import SizingError
from ._propose import Model
from ._search import Question, Search
from ._sized import ModelBound, Move, Price, Rival, Sized, SizedDesign
from ._space import Point, Space, machine, moved


REPLICAS = 2048
WALL = 300.0
_OTHER_SEED = 0x9E3779B97F4A7C15
_PROGRAMS = Programs()
"""What has been compiled: the next question about the same machine starts at once."""
_SHARES = {"search": 0.45, "certificate": 0.65, "prices": 0.8, "controls": 1.0}
"""Shares of the time by which each part stops asking for more."""


def size(
    scenario: Scenario | str | Path,
    *,
    target: float | None = None,
    budget: float | int | None = None,
    seed: int = 0,
    replicas: int = REPLICAS,
    wall: float | int = WALL,
    controls: bool = True,
    frontier: int = 0,
    progress: Callable[[str, float], None] | None = None,
) -> Sized:
    """Choose the redundancy of a machine: the best design within limits, certified by an independent seed.

    **Arguments:**

    - `scenario`: one with a section `sizing`: a `Scenario`, a file, or the name of a packaged one.
    - `target`: goodput to be reached at the least cost; in place of the scenario's objective and bound.
    - `budget`: total cost over the mission, in the currency of the scenario, for the most goodput; with
        `target` a bound beside it.
    - `seed`: of the search; the certificate has another one.
    - `replicas`: most histories of a design in the search.
    - `wall`: seconds after which nothing new is asked for; what is under way is finished.
    - `controls`: search at random and greedily too, each with as many histories as the search.
    - `frontier`: how many designs from cheap to good to size besides.
    - `progress`: called with what is being done and the share of the time that has passed.

    **Returns:** a `Sized`. An analytic screen, calibrated to a simulated run, proposes designs (the best of its
    table with a proof); histories with common random numbers choose among them and their neighbours; an
    independent seed certifies the limits with one-sided bounds of 95 %. Bound and proof are those of the screen.

    **Raises:** `ScenarioError`; `SizingError` when nothing is asked, or a variable makes no machine at its bounds.

    !!! example

        ```python
        import fdmc

        answer = fdmc.size("docs/examples/sized-shelves.yaml", controls=False, replicas=256)
        assert answer.status == "ok" and answer.design.goodput.best > 0.999
        ```
    """
    machine_ = scenario if isinstance(scenario, Scenario) else load(scenario)
    asked = _asked(machine_, target, budget)
    job = _Job(machine_, asked, seed, replicas, wall, progress)
    return job.run(controls, frontier)


def _asked(scenario: Scenario, target: float | None, budget: float | int | None) -> Sizing:
    """The question: the scenario's, changed by what is asked for here."""
    asked, wrong = scenario.sizing, []
    if asked is None:
        what = "the scenario has no section `sizing`: say what may be chosen (docs/sizing.md)"
        raise SizingError(f"sizing of {scenario.name}", [what])
    if target is not None and not 0 < target < 1:
        wrong.append(f"target must be between 0 and 1, but is {target}")
    if budget is not None and not 0 < budget < math.inf:
        wrong.append(f"budget must be positive, but is {budget}")
    if budget is not None and scenario.economics is None:
        wrong.append("a budget needs prices: add economics to the scenario")
    if scenario.workload.domains is not None:
        wrong.append("workload.domains: a fleet cannot be sized; size one domain of it")
    if target is not None and asked.sense == "most" and scenario.economics is None:
        wrong.append("a target is reached at the least cost: add economics to the scenario")
    if wrong:
        raise SizingError(f"sizing of {scenario.name}", wrong)
    limits = {limit.metric: limit for limit in asked.limits}
    sense, metric = asked.sense, asked.metric
    if target is not None:
        limits["goodput"] = Limit("goodput", target)
        sense, metric = ("least", "cost") if sense == "most" else (sense, metric)
    if budget is not None:
        limits["cost"] = Limit("cost", float(budget))
        if target is None:
            # The bound that the scenario asks for would make a small budget impossible.
            limits.pop("goodput", None)
            sense, metric = "most", "goodput"
    return Sizing(sense, metric, tuple(limits.values()), asked.variables)


class _Job:
    """One answer in the making."""

    def __init__(self, scenario: Scenario, asked: Sizing, seed, replicas, wall, progress):
        self.began, self.wall, self.progress = time.monotonic(), wall, progress
        self.seconds: dict[str, float] = {}
        self.asked, self.seed, self.replicas = asked, seed, replicas
        self.scenario = scenario
        self.space = Space(dataclasses.replace(scenario, sizing=asked))
        self.start = self.space.start()
        # What the written settings cost beside the prices counts too, or the comparison would favour them.
        pairs = zip(self.space.variables, self.start, strict=True)
        extra = sum(variable.cost(setting) for variable, setting in pairs)
        self.written = machine(self.space.base, extra)
        self.bare = None
        if asked.metric == "robustness_per_watt":
            self.bare = machine(unprotected(self.space.base))
        self.programs = _PROGRAMS
        self.arena = self._arena(seed)
        self.model = Model(self.space, self.arena, self.bare)
        self.arena.crowd = self.model.crowd
        self.judge = Judge(self.arena, asked.limits, asked.metric, self.bare)

    def _arena(self, seed: int) -> Arena:
        ends = [self.start]
        for i, variable in enumerate(self.space.variables):
            ends += [moved(self.start, i, setting) for setting in self.space.ends(variable)]
        numbers = [v for v in self.space.variables if v.kind != "choice"]
        for which in (0, 1):  # everything small, everything large: groups may stand in groups
            point = self.start
            for i, variable in enumerate(self.space.variables):
                if variable in numbers:
                    point = moved(point, i, self.space.ends(variable)[which])
            ends.append(point)
        found = [self.space.made(point) for point in dict.fromkeys(ends)]
        return Arena(
            [self.written, *(made for made in found if made is not None)], seed, self.programs
        )

    def question(self, part: str) -> Question:
        """What is asked, until the time of this part is up."""
        deadline = self.began + self.wall * _SHARES[part]
        a = self.asked
        return Question(a.sense, a.metric, a.limits, deadline, self.replicas)

    def tell(self, text: str, _: float = 0.0):
        """Say what is being done."""
        if self.progress:
            self.progress(text, min((time.monotonic() - self.began) / self.wall, 1.0))

    def timed(self, name: str, since: float):
        """Note what a part has taken."""
        self.seconds[name] = self.seconds.get(name, 0.0) + time.monotonic() - since

    def run(self, controls: bool, frontier: int) -> Sized:
        self.tell("compiling")
        at = time.monotonic()
        search = Search(self.space, self.judge, self.model, self.question("search"), self.tell)
        search.run(self.start)
        spent = self.arena.histories
        self.timed("search", at)
        at = time.monotonic()
        point, certified, judge, seed = self._certified(search)
        self.timed("certificate", at)
        at = time.monotonic()
        self.tell("prices")
        prices = self._prices(point)
        moves = self._moves(point)
        self.timed("prices", at)
        at = time.monotonic()
        rivals = self._rivals(search, point, certified, judge, spent if controls else 0)
        self.timed("controls", at)
        at = time.monotonic()
        curve = ()
        if frontier:
            q = self.question("controls")
            curve = frontier_of(self.space, self.model, judge, q, self.tell, frontier)
        self.timed("frontier", at)
        return self._answer(search, point, certified, judge, seed, prices, moves, rivals, curve)

    def _certified(self, search: Search) -> tuple[Point, Verdict, Judge, int]:
        """Put designs to the test until one passes: each on histories of its own."""
        point = search.best if search.best is not None else self._nearest(search)
        question = self.question("certificate")
        attempt = 0
        while True:
            self.tell(f"certificate of design {attempt + 1}")
            seed = (self.seed ^ (_OTHER_SEED + attempt)) & (2**64 - 1)
            arena = Arena([], seed, self.programs).like(self.arena)
            judge = Judge(arena, self.asked.limits, self.asked.metric, self.bare)
            certified = certify(judge, search.made(point), question)
            attempt += 1
            if certified.passes or search.best is None or question.late or attempt == ATTEMPTS:
                return point, certified, judge, seed
            # Ask the search for as much more as was missed here.
            for limit in judge.limits:
                one = certified.metrics[limit.metric]
                missed = max(limit.bound - one.best, 0.0) + 2.5 * one.error
                search.margins[limit.metric] = max(search.margins.get(limit.metric, 0.0), missed)
            better = search.safer()
            if better is None or better == point:
                return point, certified, judge, seed
            point = better

    def _nearest(self, search: Search) -> Point:
        """The design tried that misses its limits least, by what was simulated."""

        def missed(tried):
            found = self.judge(search.made(tried.point), tried.replicas)
            short = [
                max(limit.bound - found.metrics[limit.metric].best, 0.0)
                for limit in self.judge.limits
            ]
            forecast = self.model.forecast(tried.point)
            over = [
                max(forecast[limit.metric] / limit.bound - 1, 0.0)
                for limit in self.asked.limits
                if limit.metric in ("cost", "power")
            ]
            return sum(short) + sum(over)

        return min(search.tried, key=missed).point

    def _prices(self, point: Point) -> tuple[Price, ...]:
        """One step of every number up and down, paired with the design on the same histories."""
        found, n = [], min(self.replicas, 1024)
        here = self._seen(point, n)
        for i, variable in enumerate(self.space.variables):
            if variable.kind == "choice":
                continue
            for step in (1, -1):
                to = self.space.step(variable, point[i], step)
                if to is None or self.space.made(moved(point, i, to)) is None:
                    continue
                if time.monotonic() > self.began + self.wall * _SHARES["prices"]:
                    return tuple(found)
                there = moved(point, i, to)
                gain = self._seen(there, n).less(here)
                found.append(
                    Price(
                        variable.name, f"{variable.said(point[i])} → {variable.said(to)}",
                        gain.estimate(), self.model.cost(there) - self.model.cost(point),
                        self._watts(there) - self._watts(point), self.model.slope(point, i, to),
                    )
                )  # fmt: skip
        return tuple(found)

    def _seen(self, point: Point, n: int):
        made = self.space.made(point)
        assert made is not None
        return self.judge(made, n).metrics["goodput"]

    def _watts(self, point: Point) -> float:
        made = self.space.made(point)
        assert made is not None
        return made.watts or 0.0

    def _moves(self, point: Point) -> tuple[Move, ...]:
        """What every change from the written design is worth: the design without it, on the same histories."""
        found, n = [], min(self.replicas, 1024)
        here = self._seen(point, n)
        for i, variable in enumerate(self.space.variables):
            back = moved(point, i, self.start[i])
            if back == point or self.space.made(back) is None:
                continue
            found.append(
                Move(
                    variable.name, _unit(variable.path), variable.said(self.start[i]),
                    variable.said(point[i]), self.model.cost(point) - self.model.cost(back),
                    here.less(self._seen(back, n)).estimate(),
                )
            )  # fmt: skip
        return tuple(sorted(found, key=lambda move: -abs(move.cost)))

    def _rivals(self, search, point: Point, certified: Verdict, judge: Judge, budget: int):
        """Uniform sparing at the same cost, and searches with as many histories, on the certificate's histories."""
        found = []
        made, n = search.made(point), certified.replicas
        if made.cost is not None:
            cost = self.model.cost(point)
            for name, like in (
                ("uniform spares, all else as sized", point),
                ("uniform spares, all else as written", self.start),
            ):
                self.tell(name)
                spread = uniform(self.space, self.model, like, cost)
                if spread is not None and self.space.made(spread) is not None:
                    found.append(self._rival(name, spread, certified, judge, n, 1, n))
        if not budget:
            return tuple(found)
        for control in self._searches(budget):
            if control.point is None:
                found.append(Rival(None, control.name, None, control.designs, control.histories))
            else:
                found.append(
                    self._rival(
                        control.name, control.point, certified, judge, n,
                        control.designs, control.histories,
                    )
                )  # fmt: skip
        return tuple(found)

    def _searches(self, budget: int) -> list[Control]:
        found = []
        for name in ("random search", "greedy"):
            self.tell(name)
            # Each pays for all that it looks at, as the search did.
            arena = Arena([], self.seed, self.programs).like(self.arena)
            judge = Judge(arena, self.asked.limits, self.asked.metric, self.bare)
            question = self.question("controls")
            if name == "greedy":
                found.append(greedy(self.space, judge, self.model, question, budget, self.start))
            else:
                found.append(
                    random_search(self.space, judge, self.model, question, budget, self.seed)
                )
        return found

    def _rival(self, name, point, certified, judge, n, designs, histories) -> Rival:
        made = self.space.made(point)
        found = judge(made, n)
        gain = certified.metrics["goodput"].less(found.metrics["goodput"])
        said = design(self.space, name, point, found, judge.arena, None)
        return Rival(said, name, gain.estimate(), designs, histories)

    def _answer(self, search, point, certified, judge, seed, prices, moves, rivals, curve) -> Sized:
        n, made = certified.replicas, certified.made
        searched = self._seen(point, 1)
        sized = design(self.space, "sized", point, certified, judge.arena, searched)
        before = judge(self.written, n)
        written = SizedDesign(
            "as written", self.space.said(self.start), cost_of(self.written, judge.arena, n),
            self.written.watts, None, {k: v.estimate() for k, v in before.metrics.items()},
        )  # fmt: skip
        gain = certified.metrics["goodput"].less(before.metrics["goodput"]).estimate()
        stands = standings(judge, certified, self.asked_question(), sized.cost)
        good = all(one.status in ("kept", "known") for one in stands)
        status = "no_design" if search.best is None else "ok" if good else "precision_not_reached"
        economics = self.scenario.economics
        others = self._next_best(search, point)
        return Sized(
            name=self.scenario.name,
            fingerprint=self.scenario.fingerprint,
            status=status,
            sense=self.asked.sense,
            metric=self.asked.metric,
            currency="" if economics is None else economics.currency,
            seed=self.seed,
            certificate_seed=seed,
            scenario=load({**made.scenario.document, "name": f"{self.scenario.name}-sized"}),
            design=sized,
            written=written,
            gain=gain,
            standings=stands,
            rivals=rivals,
            prices=prices,
            moves=moves,
            domains=domains(self.written, made, judge.arena, n),
            next_best=others,
            model=self._bound(search),
            near=dataclasses.asdict(search.near),
            frontier=curve,
            history=tuple(
                {**dataclasses.asdict(one), "point": self.space.said(one.point)}
                for one in search.tried
            ),
            designs=self.judge.count,
            histories=self.arena.histories,
            seconds={**self.seconds, "all": time.monotonic() - self.began},
        )

    def asked_question(self) -> Question:
        """The question without a deadline."""
        return self.question("controls")

    def _bound(self, search: Search) -> ModelBound | None:
        found = search.proposal
        if found is None or math.isnan(found.bound):
            return None
        return ModelBound(found.objective, found.bound, found.proved, found.price)

    def _next_best(self, search: Search, point: Point) -> tuple[SizedDesign, ...]:
        """The best other designs tried that kept the limits, by the histories of the search."""
        kept = {one.point: one for one in search.tried if one.standing == "kept"}
        kept.pop(point, None)
        sign = 1 if self.asked.sense == "least" else -1
        order = sorted(kept.values(), key=lambda one: sign * one.objective)[:3]
        found = []
        for one in order:
            verdict = self.judge(search.made(one.point), one.replicas)
            known = verdict.metrics["goodput"]
            found.append(design(self.space, "next best", one.point, verdict, self.arena, known))
        return tuple(found)


def _unit(path: str) -> str:
    """The unit or rule whose number a path is, for people."""
    words = path.split(".")
    if words[0] == "service" and len(words) > 2:
        return words[2]
    return words[1] if words[0] in ("units", "components") and len(words) > 1 else words[0]
