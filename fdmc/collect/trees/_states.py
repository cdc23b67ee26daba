"""Monte Carlo of static fault trees: crude, or from a cover of the top event when it is rare."""

import collections
import concurrent.futures
import dataclasses
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

import jax
import numpy as np
from jaxtyping import Float

from ...kernel import BLOCK
from ...logic import Structure, collapsed, cover
from ...tally import Estimate
from .._stop import AbstractStop, Progress, RelativeError, Replicas, WallTime
from ._interval import Counts
from ._sampler import AbstractSampler, Accelerated, Covered, Crude, workers


DEFAULT_FAULT_STOP = (RelativeError(0.02), WallTime(60.0))
ESTIMATORS = ("auto", "crude", "rare")

_PILOT = 16 * BLOCK  # replicas of the crude pilot
_RARE_PILOT = 2 * BLOCK
_RARE_BELOW = 1e-3  # no cover is looked for when the pilot's share is above
_RARE_COST = 4.0  # of a replica from a cover, in crude ones
_COVER_SETS = (2_000, 20_000)  # at most; the next size when the first is poor
_POOR = 20.0  # relative variance
_FAR = 0xFFFF_FFFF << 32  # the pilot's replicas: no run gets here
_NARROWEST = 1e-9  # a cover this close to its root gives the answer

_Sampler = TypeVar("_Sampler", bound=AbstractSampler)
Listener = Callable[[Progress, float], None]


@dataclasses.dataclass(frozen=True, eq=False)
class FaultStates:
    """The probability of each root, how it was found, and with what effort.

    `method` of a root is `crude`, `rare` (sampled from a cover of the root), or `exact` (the tree is a module whose
    probability has a closed form, or its root is constant). `status` is `ok` or `precision_not_reached`.
    `replicas_per_second` is of the run alone; `timing` has `lower_seconds`, `pilot_seconds`, `compile_seconds` and
    `run_seconds`.
    """

    estimates: tuple[Estimate, ...]
    method: tuple[str, ...]
    counts: tuple[Counts, ...]
    seed: int
    status: str
    timing: Mapping[str, float]
    replicas_per_second: float

    def __getitem__(self, root: int) -> Estimate:
        return self.estimates[root]

    def interval(self, root: int = 0, confidence: float = 0.99) -> tuple[float, float]:
        """Return the interval of a root's probability at another confidence."""
        return self.counts[root].interval(confidence)


def fault_states(
    structure: Structure,
    probability: Float[np.ndarray, " events"],
    *,
    seed: int = 0,
    replicas: int | None = None,
    stop: AbstractStop | Sequence[AbstractStop] = DEFAULT_FAULT_STOP,
    estimator: str = "auto",
    modules: bool = True,
    accelerator: bool | None = None,
    progress: Listener | None = None,
) -> FaultStates:
    """Estimate the probability that each root of a structure is true, its events being independent.

    **Arguments:**

    - `probability`: of each event.
    - `seed`: 64 bits. Replica *k* of a seed has the same state for ever, whatever the chunks, threads and devices.
    - `replicas`: exactly so many; else the rules `stop`, of which the first that is met ends the run.
    - `estimator`: `crude` draws every event by its own probability; `rare` fails a set of events without which the
      root cannot be true, draws the others, and weighs; `auto` chooses for every root by a pilot run.
    - `modules`: replace gates over events that nothing else reads by one event with the exact probability.
    - `accelerator`: draw crude states by XLA on its default device; by default if that is not a CPU.
    - `progress`: called with a `Progress` and the fraction done of the root or roots at work.

    **Returns:** a `FaultStates`.

    **Raises:** ValueError for an argument out of range, and for `rare` if no cover says more than "P < 1".

    !!! example

        ```python
        import numpy as np
        from fdmc.collect import fault_states
        from fdmc.logic import structure
        from fdmc.spec.fault_tree import BasicEvent, FaultTree, Formula, Gate

        two_of_three = Gate(Formula("atleast", ("a", "b", "c"), least=2))
        pumps = FaultTree("pumps", ("top",), {"top": two_of_three}, {e: BasicEvent(1e-5) for e in "abc"})
        s = structure(pumps, pumps.tops)
        found = fault_states(s, np.full(3, 1e-5), estimator="rare", modules=False, replicas=1 << 16)
        assert found[0].low <= 3e-10 - 2e-15 <= found[0].high
        ```
    """
    probability = np.asarray(probability, float)
    _check(structure, probability, estimator, replicas)
    rules = [stop] if isinstance(stop, AbstractStop) else list(stop)
    rules = rules if replicas is None else [Replicas(replicas)]
    on_device = jax.default_backend() != "cpu" if accelerator is None else accelerator
    job = _Job(structure, probability, seed, rules, modules, on_device, progress)
    return job.run(estimator)


def _check(structure: Structure, probability: np.ndarray, estimator: str, replicas: int | None):
    problems = []
    if probability.shape != (len(structure.events),):
        problems.append(
            f"probability must have shape ({len(structure.events)},), but has {probability.shape}."
        )
    bad = np.flatnonzero(~((probability >= 0) & (probability <= 1)))
    problems += [
        f"probability[{i}] must be in [0, 1], but is {probability[i]}." for i in bad.tolist()[:10]
    ]
    if estimator not in ESTIMATORS:
        problems.append(f"estimator must be one of {', '.join(ESTIMATORS)}, but is {estimator!r}.")
    if replicas is not None and not 0 < replicas < _FAR:
        problems.append(f"replicas must be in [1, {_FAR}), but is {replicas}.")
    if problems:
        raise ValueError("\n".join(problems))


class _Job:
    """One call: the roots, their samplers, and the time spent."""

    def __init__(self, structure, probability, seed, rules, modules, on_device, progress):
        start = time.perf_counter()
        self.seed, self.rules, self.progress = seed, rules, progress
        self.modules, self.on_device = modules, on_device
        self.given = (structure, probability)
        self.alone = [self._only([i]) for i in range(len(structure.roots))]
        self.timing: dict[str, float] = dict.fromkeys(
            ("pilot_seconds", "compile_seconds", "run_seconds"), 0.0
        )
        self.timing["lower_seconds"] = time.perf_counter() - start
        self.replicas = 0

    def run(self, estimator: str) -> FaultStates:
        known = [_known(*alone) for alone in self.alone]
        exact = {i: Counts(0, *_NONE, p) for i, p in enumerate(known) if p is not None}
        open_ = [i for i in range(len(known)) if i not in exact]
        start = time.perf_counter()
        rare = self._rare(open_, estimator)
        compiling = self.timing["compile_seconds"]
        self.timing["pilot_seconds"] += time.perf_counter() - start - compiling
        counts = dict(exact)
        crude = [i for i in open_ if i not in rare]
        if crude:
            reduced = self._only(crude)
            kind = Accelerated if self.on_device else Crude
            counts |= zip(crude, self._sample(kind(*reduced, self.seed)), strict=True)
        for i, sampler in rare.items():
            counts[i] = self._sample(sampler)[0]
        method = [
            "exact" if i in exact else "rare" if i in rare else "crude" for i in sorted(counts)
        ]
        return self._result([counts[i] for i in sorted(counts)], method)

    def _only(self, roots: list[int]) -> tuple[Structure, np.ndarray]:
        """Return what these roots read."""
        structure, probability = self.given
        part = dataclasses.replace(structure, roots=structure.roots[roots])
        return collapsed(part, probability, self.modules)

    def _rare(self, open_: list[int], estimator: str) -> dict[int, Covered]:
        """Return the samplers of the roots that a cover answers better."""
        if estimator == "crude" or not open_:
            return {}
        hits = [0] * len(open_)
        if estimator == "auto":
            pilot = self._compiled(Crude(*self._only(open_), self.seed))
            hits = pilot.count(_FAR, _FAR + _PILOT).tolist()
        rare = {}
        for i, seen in zip(open_, hits, strict=True):
            if seen <= _RARE_BELOW * _PILOT:
                sampler, variance = self._covered(*self.alone[i])
                if _better(sampler, variance, seen, estimator):
                    rare[i] = sampler
                elif estimator == "rare":
                    raise ValueError(
                        f"no cover of root {i} was found that bounds its probability below 1; "
                        'use estimator="crude".'
                    )
        return rare

    def _covered(
        self, structure: Structure, probability: np.ndarray
    ) -> tuple[Covered | None, float]:
        """Return a sampler from a cover of the one root, and the relative variance of its pilot."""
        best: tuple[Covered | None, float] = (None, float("inf"))
        for most in _COVER_SETS:
            found = cover(structure, probability, int(structure.roots[0]), most)
            if found.bound >= 1:
                continue
            sampler = self._compiled(Covered(structure, probability, self.seed, found))
            counts = sampler.count(_FAR, _FAR + _RARE_PILOT)
            variance = sampler.results(counts, _RARE_PILOT)[0].relative_variance
            if best[0] is None or variance < best[1]:
                best = (sampler, variance)
            if variance < _POOR:
                break
        return best

    def _compiled(self, sampler: _Sampler) -> _Sampler:
        """Return the sampler with its loop compiled, by counting one replica."""
        start = time.perf_counter()
        sampler.count(0, 1)
        self.timing["compile_seconds"] += time.perf_counter() - start
        return sampler

    def _sample(self, sampler: AbstractSampler) -> list[Counts]:
        """Count until a rule is met; the rules see whole calls in the order of their replicas."""
        self._compiled(sampler)
        start, done = time.perf_counter(), 0
        total = np.zeros(1, np.int64)
        exactly = min((r.count for r in self.rules if isinstance(r, Replicas)), default=_FAR)
        flying: collections.deque = collections.deque()
        queue = _calls(exactly, sampler.blocks)
        with concurrent.futures.ThreadPoolExecutor(workers()) as pool:
            while True:
                while len(flying) <= workers() and (cut := next(queue, None)):
                    flying.append((cut[1], pool.submit(sampler.count, *cut)))
                if not flying:
                    break
                done, future = flying.popleft()
                total = total + future.result()
                seconds = time.perf_counter() - start
                if self._tell(sampler.results(total, done), done, seconds) >= 1:
                    break
            pool.shutdown(cancel_futures=True)
        self.timing["run_seconds"] += time.perf_counter() - start
        self.replicas += done
        return sampler.results(total, done)

    def _tell(self, counts: list[Counts], done: int, seconds: float) -> float:
        """Return how far the root that is farthest from the goal has come, and tell the listener."""
        here = [Progress(done, seconds, c.estimate()) for c in counts]
        fractions = [max((rule.fraction(h) for rule in self.rules), default=1.0) for h in here]
        fraction = min(fractions)
        if self.progress:
            self.progress(here[fractions.index(fraction)], min(fraction, 1.0))
        return fraction

    def _result(self, counts: list[Counts], method: list[str]) -> FaultStates:
        estimates = tuple(c.estimate() for c in counts)
        wanted = [r.width for r in self.rules if isinstance(r, RelativeError)]
        missed = any(
            e.width > w * e.best or e.best == 0 < e.high for e in estimates for w in wanted
        )
        rate = self.replicas / max(self.timing["run_seconds"], 1e-9)
        status = "precision_not_reached" if missed else "ok"
        return FaultStates(
            estimates, tuple(method), tuple(counts), self.seed, status, self.timing, rate
        )


_NONE = (np.zeros(1, np.int64), np.ones(1))


def _better(sampler: Covered | None, variance: float, hits: int, estimator: str) -> bool:
    """Return whether a cover serves better than crude replicas, by the work for the same error."""
    if sampler is None or estimator == "rare":
        return sampler is not None
    if not hits:
        return sampler.cover.bound < 0.1
    return _RARE_COST * variance < _PILOT / hits - 1


def _known(structure: Structure, probability: np.ndarray) -> float | None:
    """Return the probability of the root if it is constant or an event."""
    node, negated = divmod(int(structure.roots[0]), 2)
    if node > len(probability):
        return None
    true = float(probability[node - 1]) if node else 0.0
    return 1 - true if negated else true


def _calls(replicas: int, blocks: int) -> Iterator[tuple[int, int]]:
    """Cut replicas into calls: short ones first, none across a multiple of 2^32."""
    first, size = 0, min(blocks, 4) * BLOCK
    while first < replicas:
        last = min(first + size, replicas, ((first >> 32) + 1) << 32)
        yield first, last
        first, size = last, min(2 * size, blocks * BLOCK)
