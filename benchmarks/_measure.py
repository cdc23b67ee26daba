"""A measurement and how it is taken: first run apart from the rest, peak memory, the machine."""

import dataclasses
import datetime
import math
import os
import platform
import resource
import sys
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

from scipy import stats


BATCH_SECONDS = 0.1  # a shorter run would owe its rate to a quiet moment of the machine
VERSIONS = ("numpy", "numba", "simpy", "repyability", "surpyval", "jax", "jaxlib")


@dataclasses.dataclass(frozen=True)
class Sums:
    """What one run came to: sums over its trials, so that runs can be pooled."""

    trials: int
    total: float
    total_squares: float
    units: float
    draws: float
    failed_lanes: float = math.nan

    def __add__(self, other: "Sums") -> "Sums":
        pairs = zip(dataclasses.astuple(self), dataclasses.astuple(other), strict=True)
        return Sums(*(a + b for a, b in pairs))


@dataclasses.dataclass(frozen=True)
class Measurement:
    """One job in one tool.

    `model_units` and `draws` belong to the batch of runs that took `seconds_warm`, the best one;
    the answer pools all runs. `seconds_cold` is import, compilation and first run. With `hits`, the
    answer is hits / trials. Only rows of one `case` are compared, and of one `method` where fdmc
    has it.
    """

    job: str
    tool: str
    answer: float
    standard_error: float
    exact: float | None
    model_units: float
    draws: float
    seconds_cold: float
    seconds_warm: float
    unit: str
    case: str = ""
    method: str = ""
    trials: int = 0
    hits: int | None = None
    peak_mib: float = math.nan
    note: str = ""

    @property
    def rate(self) -> float:
        """Model units a second, warm."""
        return self.model_units / self.seconds_warm

    @property
    def draw_rate(self) -> float:
        """Random numbers a second, warm; NaN when the tool does not say."""
        return self.draws / self.seconds_warm

    @property
    def z(self) -> float | None:
        """Standard normal score against the exact answer; from binomial tails for counted hits."""
        if self.exact is None:
            return None
        if self.hits is None:
            off = self.answer - self.exact
            return off / self.standard_error if self.standard_error > 0 else None
        below = float(stats.binom.cdf(self.hits, self.trials, self.exact))
        above = float(stats.binom.sf(self.hits - 1, self.trials, self.exact))
        score = max(0.0, float(stats.norm.isf(min(below, above))))
        return score if above < below else -score


@dataclasses.dataclass(frozen=True)
class Job:
    """What is measured, apart from the tool's own part in it."""

    job: str
    tool: str
    unit: str
    exact: float | None = None
    case: str = ""
    method: str = ""
    proportion: bool = False


def _batch(run: Callable[[int], Sums], seed: int) -> tuple[Sums, float, int]:
    """Runs for at least BATCH_SECONDS: their sums, the time they took, the next seed."""
    begin = time.perf_counter()
    sums = run(seed)
    while (took := time.perf_counter() - begin) < BATCH_SECONDS:
        seed += 1
        sums = sums + run(seed)
    return sums, took, seed + 1


def measure(
    job: Job, run: Callable[[int], Sums], seconds: float, note: Callable[[Sums], str] | None = None
) -> Measurement:
    """Run once, cold; then in batches, each run with a new seed, and keep the best batch."""
    begin = time.perf_counter()
    pooled = run(0)
    cold = time.perf_counter() - begin
    best, best_batch = math.inf, pooled
    spent, seed = 0.0, 1
    while spent < seconds:
        batch, took, seed = _batch(run, seed)
        pooled = pooled + batch
        if took / batch.units < best / best_batch.units:
            best, best_batch = took, batch
        spent += took
    answer = pooled.total / pooled.trials
    variance = max(0.0, pooled.total_squares / pooled.trials - answer**2)
    return Measurement(
        job=job.job,
        tool=job.tool,
        answer=float(answer),
        standard_error=math.sqrt(variance / max(1, pooled.trials - 1)),
        exact=job.exact,
        model_units=float(best_batch.units),
        draws=float(best_batch.draws),
        seconds_cold=cold,
        seconds_warm=best,
        unit=job.unit,
        case=job.case,
        method=job.method,
        trials=pooled.trials,
        hits=round(pooled.total) if job.proportion else None,
        note=note(pooled) if note else "",
    )


def peak_mib() -> float:
    """Largest resident memory of this process so far, in MiB."""
    status = Path("/proc/self/status")
    if status.exists():  # unlike getrusage, this does not inherit the parent's peak
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 1024


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _version(name: str) -> str | None:
    try:
        return f"{name} {metadata.version(name)}"
    except metadata.PackageNotFoundError:
        return None


def machine(device: str | None = None) -> dict[str, str]:
    """Where and with what: `key` names the machine, the rest describes it."""
    key = f"{_processor()}, {cores()} cores"
    if device:
        key += f", {device}"
    versions = [f"Python {platform.python_version()}", *filter(None, map(_version, VERSIONS))]
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    return {"key": key, "date": today, "versions": ", ".join(versions)}
