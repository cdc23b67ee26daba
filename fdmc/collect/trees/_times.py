"""Monte Carlo of fault trees in time: dynamic gates, any lifetime law, repairs; one run, every mission time."""

import dataclasses
import math
import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from ...kernel import DynamicNumbers, DynamicShape, dynamic_plan
from ...logic import DynamicStructure, dynamic_structure
from ...spec.fault_tree import FaultTree
from ...tally import Estimate, mean_estimate
from .._stop import AbstractStop, Progress, RelativeError, Replicas, WallTime
from ._interval import Counts
from ._times_run import SCALE, Question, TimesTally, run_chunks


DEFAULT_TIMES_STOP = (RelativeError(0.02), WallTime(60.0))
MOST_STEPS = 1 << 22
"""Occurrences a replica may have: more means that its end is nowhere near."""


@dataclasses.dataclass(frozen=True, eq=False)
class FaultTimes:
    """When the top event fails, with 95 % intervals.

    `unreliability[i]`: it has failed at least once by `times_hours[i]`. Of repairable trees also
    `unavailability[i]`, it is failed at that time; `interval_unavailability[i]`, the failed part of the time until
    then; `failures`, how often it fails by the last time; all None without repair. `mttf`, the mean time to the first
    failure, and `never`, the part of the replicas that can never fail: where there are some, the mean is infinite.
    `timing` has `lower_seconds`, `compile_seconds` and `run_seconds`; `status` is `ok` or `precision_not_reached`.
    """

    top: str
    times_hours: tuple[float, ...]
    unreliability: tuple[Estimate, ...]
    unavailability: tuple[Estimate, ...] | None
    interval_unavailability: tuple[Estimate, ...] | None
    failures: Estimate | None
    mttf: Estimate | None
    never: Estimate | None
    counts: tuple[Counts, ...]
    replicas: int
    occurrences: int
    seed: int
    status: str
    timing: Mapping[str, float]

    @property
    def traces_per_second(self) -> float:
        """Replicas a second of the run, compilation apart."""
        return self.replicas / max(self.timing["run_seconds"], 1e-9)

    def interval(self, point: int = -1, confidence: float = 0.99) -> tuple[float, float]:
        """Return the exact binomial interval of the unreliability at one time, at another confidence."""
        return self.counts[point].interval(confidence)


def fault_times(
    tree: FaultTree | DynamicStructure,
    top: str | None = None,
    *,
    times: Sequence[float] = (),
    mttf: bool = False,
    seed: int = 0,
    replicas: int | None = None,
    stop: AbstractStop | Sequence[AbstractStop] = DEFAULT_TIMES_STOP,
    chunk: int | None = None,
    progress: Callable[[Progress, float], None] | None = None,
) -> FaultTimes:
    """Simulate a fault tree in time.

    **Arguments:**

    - `times`: hours at which unreliability (and unavailability) are asked; one run answers all of them.
    - `mttf`: also the mean time to the first failure. The run then goes on to the first failure of every
      replica; a repairable tree runs twice, once for the times and once to the first failures.
    - `seed`: 64 bits. Replica *k* of a seed is one history for ever, whatever the chunks, threads and devices.
    - `replicas`: exactly so many; else the rules `stop`, of which the first that is met ends the run. They
      look at the unreliability at the last time, or at the mean time if no times are asked.
    - `chunk`: replicas a call of the kernel, by default what fits the caches.

    Times are float32: of a tree without repair the order of two failures is kept to 6e-8 of their time; with repair
    what is left of every age and repair is kept, so that no gap is swallowed however long the mission.

    **Raises:** ValueError for a tree without a meaning in time, for times that are not positive and finite, and for a
    mean time when replicas still run after `MOST_STEPS` occurrences.

    !!! example

        ```python
        from fdmc.collect import fault_times
        from fdmc.spec.fault_tree import BasicEvent, Call, FaultTree, Formula, Gate, MissionTime

        hours = lambda mean: Call("exponential", (1 / mean, MissionTime()))
        pumps = {"pump": BasicEvent(hours(1000.0)), "standby": BasicEvent(hours(1000.0), dormancy=0.0)}
        tree = FaultTree("cooling", ("top",), {"top": Gate(Formula("spare", tuple(pumps)))}, pumps)
        found = fault_times(tree, times=[1000.0], mttf=True, replicas=1 << 16)
        assert abs(found.unreliability[0].best - 0.264) < 0.01
        assert found.mttf.low < 2000 < found.mttf.high
        ```
    """
    begin = time.perf_counter()
    asked = _checked_times(times, mttf)
    rules = [stop] if isinstance(stop, AbstractStop) else list(stop)
    rules = rules if replicas is None else [Replicas(replicas)]
    if not rules:
        raise ValueError("stop needs at least one rule.")
    structure = tree if isinstance(tree, DynamicStructure) else dynamic_structure(tree, top)
    shape, numbers = dynamic_plan(structure)
    names = (*structure.events, *structure.gates)
    lowered = time.perf_counter() - begin
    both = shape.repairable and bool(asked) and mttf
    run = _Run(shape, numbers, asked, seed, rules, chunk, progress)
    main = run(first_only=not asked, until=math.inf if mttf and not both else max(asked))
    second = run(first_only=True, until=math.inf) if both else None
    if mttf and (second or main).unfinished:
        raise ValueError(
            f"{(second or main).unfinished} replicas have not failed after {MOST_STEPS} occurrences: the "
            "mean time to failure is beyond simulation; ask for unreliability at `times`, or exactly."
        )
    timing = {"lower_seconds": lowered, **run.timing}
    status = "ok" if run.met else "precision_not_reached"
    first = (second or main) if mttf else None
    return FaultTimes(
        **_estimates(asked, main, first),
        top=names[structure.top],
        seed=seed,
        status=status,
        timing=timing,
    )


def _checked_times(times: Sequence[float], mttf: bool) -> tuple[float, ...]:
    asked = tuple(float(t) for t in times)
    if not asked and not mttf:
        raise ValueError("nothing is asked: give `times`, or `mttf=True`.")
    for t in asked:
        if not (0 < t < 1e30):
            raise ValueError(f"times must be positive and finite, but one is {t} h.")
    return asked


class _Run:
    """Runs a question until a rule is met, and adds up what it took."""

    def __init__(
        self,
        shape: DynamicShape,
        numbers: DynamicNumbers,
        times: tuple[float, ...],
        seed: int,
        rules: Sequence[AbstractStop],
        chunk: int | None,
        progress: Callable[[Progress, float], None] | None,
    ):
        self.model, self.times, self.seed = (shape, numbers), times, seed
        self.rules, self.chunk, self.progress = rules, chunk, progress
        self.timing = {"compile_seconds": 0.0, "run_seconds": 0.0}
        self.met, self.look = True, 0

    def __call__(self, first_only: bool, until: float) -> TimesTally:
        self.look = 0
        question = Question(
            *self.model, () if first_only else self.times, until, first_only, MOST_STEPS
        )
        exact = next((r.count for r in self.rules if isinstance(r, Replicas)), None)
        found = run_chunks(question, self.seed, self.chunk, exact, self._done)
        if exact is not None and found.tally.replicas >= exact:
            self.met = True
        self.timing["compile_seconds"] += found.compile_seconds
        self.timing["run_seconds"] += found.run_seconds
        return found.tally

    def _done(self, tally: TimesTally, seconds: float) -> bool:
        late = any(isinstance(r, WallTime) and seconds >= r.seconds for r in self.rules)
        if tally.replicas < self.look and not late:
            return False
        # An interval costs as much as a chunk: look a few dozen times a run, and by the number of replicas.
        self.look = tally.replicas + tally.replicas // 16
        lost = _mean_time(tally) if not tally.at_times.size else _counts(tally)[-1].estimate()
        progress = Progress(tally.replicas, seconds, lost)
        fractions = {rule: rule.fraction(progress) for rule in self.rules}
        if self.progress is not None:
            self.progress(progress, max(fractions.values()))
        wanted = [f >= 1 for rule, f in fractions.items() if not isinstance(rule, WallTime)]
        self.met = any(wanted) or not wanted
        return max(fractions.values()) >= 1


def _counts(tally: TimesTally) -> list[Counts]:
    one = np.ones(1)
    return [Counts(tally.replicas, np.array([hits], np.int64), one) for hits in tally.at_times]


def _mean_time(tally: TimesTally) -> Estimate:
    finite = tally.replicas - tally.never
    mean = mean_estimate(tally.sum, tally.square, finite, scale=SCALE, most=math.inf, unit="h")
    if tally.never:
        # Some replicas never fail: the mean is infinite, at least that of those that do.
        return Estimate(mean.low, math.inf, math.inf, "h", tally.replicas, "infinite")
    return mean


def _estimates(times: tuple[float, ...], main: TimesTally, first: TimesTally | None) -> dict:
    n, repaired = main.replicas, len(main.down) > 0
    counts = tuple(_counts(main))
    down = [
        mean_estimate(total, square, n, scale=SCALE / t, most=1.0, unit="1")
        for t, total, square in zip(times, main.down, main.down_square, strict=False)
    ]
    failures = mean_estimate(
        main.failures, main.failures_square, n, scale=1.0, most=math.inf, unit="1", count=True
    )
    never = None if first is None else _share(first.never, first.replicas)
    return {
        "times_hours": times,
        "unreliability": tuple(c.estimate() for c in counts),
        "unavailability": tuple(_share(h, n) for h in main.failed_at.tolist())
        if repaired
        else None,
        "interval_unavailability": tuple(down) if repaired else None,
        "failures": failures if repaired else None,
        "mttf": None if first is None else _mean_time(first),
        "never": never,
        "counts": counts,
        "replicas": n,
        "occurrences": main.occurrences,
    }


def _share(hits: int, n: int) -> Estimate:
    return Counts(n, np.array([hits], np.int64), np.ones(1)).estimate()
