"""Paired what-ifs: the same histories in several machines, and the differences with their intervals."""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

import jax
import numpy as np

from ..kernel import Bounds
from ..plan import Directory, Plan, lower
from ..spec import Scenario, load
from ..tally import HOURS, Estimate, Tally, function_estimate
from ._columns import HOURS_UNIT, Columns, columns_of, measure
from ._economics import spending_of
from ._engine import (
    Engine,
    Programs,
    chunks,
    first_bounds,
    padded,
    whole_vectors,
)
from ._goodput import goodput_of
from ._result import TallySums, metrics_of


@dataclasses.dataclass(frozen=True)
class Comparison:
    """Goodput of each scenario, and what each gains over the first, replica by replica.

    `share` is that gain over what the first loses, (g - g0) / (1 - g0); it may be negative. `correlation` is that of
    the lost work of each with the first: what pairing is worth. `metrics` has all else, from the same histories.
    """

    names: tuple[str, ...]
    goodput: tuple[Estimate, ...]
    gain: tuple[Estimate, ...]
    share: tuple[Estimate, ...]
    correlation: tuple[float, ...]
    replicas: int
    seed: int
    counted: tuple["Counted", ...] = dataclasses.field(compare=False, repr=False)

    def metrics(self, which: int) -> dict[str, Estimate]:
        """Return all that the histories say of one scenario, by the names of `Result.metrics`.

        **Raises:** `ValueError` for a machine with a thermal section: a comparison does not look at windows of time.
        """
        found = self.counted[which]
        if found.plan.lit:
            said = "has a thermal section, of whose windows a comparison says nothing."
            raise ValueError(f"{found.scenario.name} {said}")
        sums = TallySums(found.tally, found.columns, found.scenario.mission_hours)
        return metrics_of(found.scenario, found.plan, found.directory, found.columns, sums)


@dataclasses.dataclass(frozen=True)
class Counted:
    """What has been counted of one scenario."""

    scenario: Scenario
    plan: Plan
    directory: Directory
    columns: Columns
    tally: Tally


def compare(
    scenarios: Sequence[Scenario | str | Path],
    *,
    seed: int = 0,
    replicas: int = 2048,
    chunk: int = 1024,
    progress: Callable[[float], None] | None = None,
) -> Comparison:
    """Simulate the same replicas of several scenarios and estimate the differences in goodput.

    Classes of the same name share their random streams, so that the GPU failures of replica *k* are the same in all
    scenarios that have the same GPUs: the differences vary less than the goodputs do.

    **Arguments:** two scenarios or more (objects, files, packaged names), the first is what the others
    are compared with; `seed`; `replicas`; `chunk`, replicas a call; `progress` is called with the fraction done.

    **Raises:** `ValueError` for fewer than two scenarios.
    """
    machines = [s if isinstance(s, Scenario) else load(s) for s in scenarios]
    if len(machines) < 2:
        raise ValueError("a comparison needs at least two scenarios.")
    programs = Programs()
    arms = [Arm(machine, seed, programs) for machine in machines]
    share(arms)
    core = sum(len(arm.core) for arm in arms)
    tally = Tally.zero(core, core, 0)
    none = np.zeros((0, 0), np.int64)
    try:
        for part in chunks(0, replicas, chunk):
            flying = [arm.start(part, chunk) for arm in arms]
            rows = [arm.finish(part, out) for arm, out in zip(arms, flying, strict=True)]
            tally = tally.merge(Tally.of(np.concatenate(rows, 1), core, none, 0))
            if progress:
                progress((int(part[-1]) + 1) / replicas)
    finally:
        for arm in arms:
            arm.engine.close()
    return _comparison(arms, tally, seed)


class Arm:
    """One scenario of a comparison, and what has been counted of it; `core` is what goodputs are made of."""

    def __init__(self, scenario: Scenario, seed: int, programs: Programs):
        self.scenario = scenario
        self.plan, self.directory = lower(scenario)
        self.columns = columns_of(self.plan, self.directory, 0, spending_of(scenario))
        spends = self.columns.spending is not None  # that column comes last
        self.core = self.columns.columns[: self.columns.core - spends]
        self.tally = Tally.zero(len(self.columns.columns), self.columns.core, 0)
        self.bounds = first_bounds(self.directory, 0)
        self.bounds = dataclasses.replace(self.bounds, outages=2 * self.bounds.outages)
        self.engine = Engine(self.plan, seed, jax.local_devices(), programs=programs)

    def start(self, replicas: np.ndarray, lanes: int):
        return self.engine.submit(0, padded(replicas, whole_vectors(lanes)), self.bounds)

    def finish(self, replicas: np.ndarray, future) -> np.ndarray:
        """Return the core columns, those of replicas that hit a bound from a run with larger ones."""
        out = future.result()
        rows, levels, steps = self._measure(out, len(replicas))
        for some, again in self.engine.again(
            replicas, out, self.bounds, lambda o: o.status, self.scenario.name
        ):
            rows[some] = self._measure(again, len(some))[0]
        self.tally = self.tally.merge(Tally.of(rows, self.columns.core, levels, steps))
        return rows[:, : len(self.core)]

    def counted(self) -> "Counted":
        return Counted(self.scenario, self.plan, self.directory, self.columns, self.tally)

    def _measure(self, out, count: int) -> tuple[np.ndarray, np.ndarray, int]:
        return measure(self.plan, self.directory, self.columns, out, np.arange(count))


def share(arms: Sequence[Arm]) -> None:
    """Let arms of one shape share a program: they differ in numbers, and in the room that these need.

    Compiling takes seconds, and room a little time in every step: who needs at least half as much as the largest of
    those left joins it.
    """
    left = sorted(arms, key=lambda arm: -_room(arm.bounds))
    while left:
        first = left[0]
        joins = lambda arm, first=first: (
            arm.engine.shape == first.engine.shape and 2 * _room(arm.bounds) >= _room(first.bounds)
        )
        some, left = list(filter(joins, left)), [arm for arm in left if not joins(arm)]
        sizes = zip(*(dataclasses.astuple(arm.bounds) for arm in some), strict=True)
        bounds = Bounds(*map(max, sizes))
        for arm in some:
            arm.bounds = bounds


def _room(bounds: Bounds) -> int:
    return bounds.outages + bounds.latents + bounds.renewals


def _comparison(arms: list[Arm], tally: Tally, seed: int) -> Comparison:
    n = tally.replicas
    core = [c for arm in arms for c in arm.core]
    unit = np.array([HOURS if c.unit == HOURS_UNIT else 1 for c in core])
    mean = tally.sums.astype(float) / n / unit
    spread = tally.cross * n - np.outer(tally.sums, tally.sums)
    cov = spread.astype(float) / max(n * (n - 1), 1) / np.outer(unit, unit)
    starts = np.cumsum([0, *(len(arm.core) for arm in arms)])

    def goodput(i: int, x: np.ndarray) -> float:
        names = [c.name for c in arms[i].core]
        values = x[starts[i] : starts[i + 1]]
        return goodput_of(arms[i].scenario, dict(zip(names, values, strict=True)))

    def share(i: int, x: np.ndarray) -> float:
        lost = 1 - goodput(0, x)
        return (goodput(i, x) - goodput(0, x)) / lost if lost > 0 else 0.0

    each = range(len(arms))
    estimates = [function_estimate(lambda x, i=i: goodput(i, x), mean, cov, n, "1") for i in each]
    gains = [
        function_estimate(lambda x, i=i: goodput(i, x) - goodput(0, x), mean, cov, n, "1")
        for i in each
    ]
    shares = [function_estimate(lambda x, i=i: share(i, x), mean, cov, n, "1") for i in each]
    deviation = np.sqrt(np.diag(cov))[starts[:-1]]  # lost work is the first column of each
    correlation = cov[starts[0], starts[:-1]] / np.maximum(deviation[0] * deviation, 1e-300)
    return Comparison(
        tuple(arm.scenario.name for arm in arms),
        tuple(estimates),
        tuple(gains),
        tuple(shares),
        tuple(float(c) for c in correlation),
        n,
        seed,
        tuple(arm.counted() for arm in arms),
    )
