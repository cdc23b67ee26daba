"""The host loop: chunks out, tallies in, until a rule says stop."""

import collections
import dataclasses
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from ..plan import lower
from ..spec import Scenario, load
from ..tally import Estimate, Tally
from ._columns import WINDOWS, columns_of, measure
from ._economics import spending_of
from ._engine import (
    RERUN_LANES,
    Engine,
    chunks,
    first_bounds,
    larger,
    padded,
    whole_vectors,
    wider,
)
from ._ledger import Ledger, LedgerError
from ._result import Result, result_of
from ._stop import AbstractStop, Progress, RelativeError, Replicas, WallTime


CHUNK = 2048
BINS = 30
_SAVE_SECONDS = 5.0
_WIDENINGS = 4  # programs compiled for wider bounds, at the most
DEFAULT_STOP = (RelativeError(0.01), WallTime(60.0))


def run(
    scenario: Scenario | str | Path,
    *,
    seed: int = 0,
    stop: AbstractStop | Sequence[AbstractStop] = DEFAULT_STOP,
    chunk: int = CHUNK,
    devices: int | None = None,
    ledger: str | Path | None = None,
    resume: bool = False,
    progress: Callable[[Progress, float], None] | None = None,
) -> Result:
    """Simulate a scenario's histories and say what its failures cost.

    **Arguments:**

    - `scenario`: a `Scenario`, a file, or the name of a packaged one.
    - `seed`: 64 bits. Replica *k* of a seed is one history for ever, whatever the chunks and devices.
    - `stop`: one rule or several; the first that is met ends the run.
    - `chunk`: replicas a call.
    - `devices`: how many devices to use; all by default.
    - `ledger`: a file that keeps the counts, so that the run can be resumed; with `resume` it is.
    - `progress`: called with a `Progress` and the fraction done, in [0, 1].

    **Returns:** a `Result`.

    **Raises:** `ScenarioError`, `PlanError`, `LedgerError`, `ValueError`.

    !!! example

        ```python
        import fdmc

        result = fdmc.run("nvl72-copper", stop=fdmc.Replicas(200))
        assert 0.9 < result["goodput"].best < 1
        ```
    """
    if not isinstance(scenario, Scenario):
        scenario = load(scenario)
    if chunk < 1:
        raise ValueError(f"chunk must be at least 1, but is {chunk}.")
    rules = [stop] if isinstance(stop, AbstractStop) else list(stop)
    job = _Job(scenario, seed, rules, chunk, _devices(devices), ledger, resume, progress)
    return job.run()


def _devices(count: int | None) -> list[Any]:
    found = jax.local_devices()
    if count is not None and not 1 <= count <= len(found):
        raise ValueError(f"devices must be in [1, {len(found)}] here, but is {count}.")
    return found[:count]


class _Job:
    """One run: its plan, its engine, and what it has counted."""

    def __init__(self, scenario, seed, rules, chunk, devices, ledger, resume, progress):
        start = time.perf_counter()
        self.scenario, self.seed, self.rules, self.progress = scenario, seed, rules, progress
        self.plan, self.directory = lower(scenario)
        self.columns = columns_of(self.plan, self.directory, BINS, spending_of(scenario))
        windows = WINDOWS if self.plan.lit else 0
        self.bounds = self.ample = first_bounds(self.directory, BINS, windows)
        self.tried = {self.bounds}
        self.chunk, self.path = chunk, None if ledger is None else Path(ledger)
        self.engine = Engine(self.plan, seed, devices)
        zero = Tally.zero(len(self.columns.columns), self.columns.core, BINS)
        self.ledger = Ledger(scenario.fingerprint, seed, BINS, 0, 0.0, 0, zero)
        if resume:
            if self.path is None:
                raise LedgerError("nothing to resume: name the ledger.")
            self.ledger = Ledger.load(self.path)
            self.ledger.check(scenario.fingerprint, seed, BINS)
        self.pending: list[int] = []
        self.lower_seconds = time.perf_counter() - start

    def run(self) -> Result:
        counts = [rule.count for rule in self.rules if isinstance(rule, Replicas)]
        last = min(counts, default=1 << 63)
        chunk = min(self.chunk, max(last - self.ledger.done, 1))
        lanes = whole_vectors(chunk)
        try:
            self.engine.compile(lanes, self.bounds)
            self._loop(last, chunk, lanes)
        except KeyboardInterrupt:
            self._keep()
            raise
        finally:
            self.engine.close()
        if self.path:
            self.ledger.save(self.path)
        return self._result()

    def _keep(self):
        """Save an interrupted run, unless it was cut in the middle of a chunk: then the last save stands."""
        tally = self.ledger.tally
        if self.path and tally.replicas + tally.void + len(self.pending) == self.ledger.done:
            self._flush()
            self.ledger.save(self.path)

    def _loop(self, last: int, chunk: int, lanes: int):
        began = saved = time.perf_counter()
        before, compiled = self.ledger.seconds, self.engine.compile_seconds
        flying = collections.deque()
        queue = enumerate(chunks(self.ledger.done, last, chunk))
        done = self._tell() >= 1
        while not done or flying:
            while not done and len(flying) < self.engine.workers + 1:
                if self.ample not in self.tried and len(self.tried) < _WIDENINGS:
                    self.bounds = self.ample  # many replicas ran twice: start with more room
                    self.tried.add(self.bounds)
                number, replicas = next(queue, (0, None))
                if replicas is None:
                    break
                future = self.engine.submit(number, padded(replicas, lanes), self.bounds)
                flying.append((replicas, future, self.bounds))
            if not flying:
                break
            replicas, future, bounds = flying.popleft()
            self._take(replicas, future.result(), bounds)
            self.ledger.done = int(replicas[-1]) + 1
            if len(self.pending) >= RERUN_LANES:  # few at a time: memory stays flat
                self._flush()
            now = time.perf_counter()
            lately = self.engine.compile_seconds - compiled
            self.ledger.seconds = before + now - began - lately
            if self.path and now - saved > _SAVE_SECONDS:
                self._flush()
                self.ledger.save(self.path)
                saved = now
            done = done or self._tell() >= 1
        self._flush()
        self._tell()

    def _take(self, replicas: np.ndarray, out, bounds):
        """Tally the replicas whose bounds held, and keep the others for another run."""
        status = np.asarray(out.status)[: len(replicas)]
        keep = np.flatnonzero(status == 0)
        columns, levels, steps = measure(self.plan, self.directory, self.columns, out, keep)
        self.ledger.tally = self.ledger.tally.merge(
            Tally.of(columns, self.columns.core, levels, steps)
        )
        hit = replicas[status > 0]
        if bounds == self.bounds and len(hit) > 0.04 * len(replicas):
            self.ample = wider(bounds, int(np.bitwise_or.reduce(status)))
        if larger(bounds) is None:
            self.ledger.tally.void += len(hit)
        elif bounds in self.tried:
            self.pending.extend(int(k) for k in hit)
        else:
            self._rerun(hit, larger(bounds))

    def _flush(self):
        """Run the replicas that hit a bound again, with larger ones."""
        pending, self.pending = np.array(self.pending, np.uint64), []
        self.ledger.reruns += len(pending)
        self._rerun(pending, larger(self.bounds))

    def _rerun(self, replicas: np.ndarray, bounds):
        high = replicas >> np.uint64(32)
        for word in np.unique(high):
            some = replicas[high == word]
            for first in range(0, len(some), RERUN_LANES):
                part = some[first : first + RERUN_LANES]
                again = self.engine.submit(0, padded(part, RERUN_LANES), bounds)
                self._take(part, again.result(), bounds)

    def _tell(self) -> float:
        """Return how much of the way is done, and tell the listener."""
        here = Progress(self.ledger.done, self.ledger.seconds, self._lost())
        fraction = max((rule.fraction(here) for rule in self.rules), default=1.0)
        if self.progress:
            self.progress(here, min(fraction, 1.0))
        return fraction

    def _lost(self) -> Estimate:
        if self.ledger.tally.replicas < 2:
            return Estimate(0.0, 0.0, 1.0, "1", self.ledger.tally.replicas, "no_replicas")
        return self._result()["goodput"].complement()

    def _result(self) -> Result:
        met = [r for r in self.rules if isinstance(r, RelativeError)]
        result = result_of(
            self.scenario, self.plan, self.directory, self.columns, self.ledger, self.engine
        )
        timing = {**result.timing, "lower_seconds": self.lower_seconds}
        status = result.status
        if met and status == "ok":
            lost = result["goodput"].complement()
            reached = lost.best > 0 and lost.width <= met[0].width * lost.best
            status = "ok" if reached else "precision_not_reached"
        return dataclasses.replace(result, timing=timing, status=status)
