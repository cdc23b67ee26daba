"""Chunks of histories of a fault tree on threads and devices, and their exact sums."""

import concurrent.futures
import dataclasses
import functools
import itertools
import math
import os
import time
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ...kernel import (
    FAULT_STREAMS,
    DynamicNumbers,
    DynamicShape,
    FaultOutcome,
    fault_histories,
    first_failures,
    stream_keys,
)
from ...plan import stream
from .._compile import jit
from .._engine import chunks, padded, whole_vectors


EXPONENT = -173  # the last bit of the least float32
SCALE = 2.0**EXPONENT
"""Hours of one unit of the exact sums of times."""

_CACHE_WORDS = 1 << 19  # float32 words of state that stay in the caches of a core
_LEAST, _MOST, _ACCELERATOR = 2048, 16384, 1 << 18  # lanes a chunk


@dataclasses.dataclass(frozen=True)
class Question:
    """What is asked of a tree: the state at `times`, histories `until` a time or the first failure."""

    shape: DynamicShape
    numbers: DynamicNumbers
    times: tuple[float, ...]
    until: float
    first_only: bool
    most_steps: int

    @property
    def seen(self) -> tuple[float, ...]:
        """The times at which whole histories are looked at; of a tree without repair first failures are enough."""
        return self.times if self.shape.repairable and not self.first_only else ()


@dataclasses.dataclass
class TimesTally:
    """Exact sums over replicas; times in units of `SCALE`. They merge in any order to the same integers.

    Replicas that have failed by the times (`at_times`), that are failed at them (`failed_at`), that never fail, and
    that were cut off (`unfinished`); sums and squares of first failures, down times and numbers of failures.
    """

    replicas: int
    at_times: np.ndarray
    failed_at: np.ndarray
    down: list[int]
    down_square: list[int]
    never: int = 0
    unfinished: int = 0
    sum: int = 0
    square: int = 0
    failures: int = 0
    failures_square: int = 0
    occurrences: int = 0

    @staticmethod
    def zero(question: Question) -> "TimesTally":
        """Return the neutral tally."""
        none = lambda times: np.zeros(len(times), np.int64)
        zeros = [0] * len(question.seen)
        return TimesTally(0, none(question.times), none(question.seen), zeros, zeros)

    @staticmethod
    def of(question: Question, out: FaultOutcome, n: int) -> "TimesTally":
        """Tally the first n replicas of a chunk."""
        first, failed = np.asarray(out.first_hours)[:n], np.asarray(out.failed)[:, :n]
        failures = np.asarray(out.failures)[:n].astype(np.int64)
        times = np.asarray(question.times, np.float32)
        finite = first[np.isfinite(first)]
        total, square = exact_sums(finite) if math.isinf(question.until) else (0, 0)
        down = [exact_sums(row) for row in np.asarray(out.down_hours)[:, :n]]
        return TimesTally(
            n,
            np.array([np.count_nonzero(first <= t) for t in times], np.int64),
            np.count_nonzero(failed, axis=1).astype(np.int64),
            [d[0] for d in down],
            [d[1] for d in down],
            n - len(finite),
            int(np.count_nonzero(np.asarray(out.unfinished)[:n])),
            total,
            square,
            int(failures.sum()),
            int((failures**2).sum()),
            int(np.asarray(out.steps)[:n].astype(np.int64).sum()),
        )

    def merge(self, other: "TimesTally") -> "TimesTally":
        """Return the tally of both."""
        both: dict[str, Any] = {}
        for field in dataclasses.fields(self):
            mine, theirs = getattr(self, field.name), getattr(other, field.name)
            lists = isinstance(mine, list)
            both[field.name] = (
                [a + b for a, b in zip(mine, theirs, strict=True)] if lists else mine + theirs
            )
        return TimesTally(**both)


def exact_sums(values: np.ndarray) -> tuple[int, int]:
    """Return the sum and the sum of squares of non-negative float32 values, in units of `SCALE` and its square."""
    mantissa, exponent = np.frexp(values.astype(np.float32))
    bits = np.ldexp(mantissa, 24).astype(np.int64)
    place = exponent.astype(np.int64) - 24 - EXPONENT
    total = square = 0
    while len(bits):
        # Integers of 50 bits, whose squares in two halves fit 64 bits for 4096 values; the smaller ones next.
        least = int(place.max()) - 26
        now = place >= least
        for part in np.array_split(
            group := bits[now] << (place[now] - least), -(-len(group) // 4096)
        ):
            high, low = part >> 25, part & ((1 << 25) - 1)
            total += int(part.sum()) << least
            whole = (int((high * high).sum()) << 50) + (int((high * low).sum()) << 26)
            square += (whole + int((low * low).sum())) << 2 * least
        bits, place = bits[~now], place[~now]
    return total, square


@dataclasses.dataclass(frozen=True)
class Ran:
    """A tally and the seconds that it took."""

    tally: TimesTally
    compile_seconds: float
    run_seconds: float


def _outcome(shape, numbers, keys, replica, times, until, first_only, most_steps) -> FaultOutcome:
    """Run the kernel that the tree needs."""
    if not shape.absolute:
        return fault_histories(shape, numbers, keys, replica, times, until, first_only, most_steps)
    first, steps = first_failures(shape, numbers, keys, replica, until)
    none = jnp.zeros((0, *replica.shape))
    return FaultOutcome(
        first, jnp.isfinite(first).astype(jnp.int32), none, none > 0, steps, first != first
    )


@functools.lru_cache(maxsize=128)
def _program(
    layout: tuple, shape: DynamicShape, lanes: int, times: int, first_only: bool, most: int, device
):
    """Compile for a structure: every number of the tree is an argument."""
    sharding = jax.sharding.SingleDeviceSharding(device)
    like = lambda kind, *size: jax.ShapeDtypeStruct(size, kind, sharding=sharding)
    tree, sizes = layout
    numbers = jax.tree.unflatten(tree, [like(np.float32, *size) for size in sizes])
    keys, replica = like(np.uint32, len(FAULT_STREAMS), 2), like(np.uint32, lanes)
    asked, until = like(np.float32, times), like(np.float32)
    jitted = jit(_outcome, static_argnums=(0, 6, 7))
    lowered = jitted.lower(shape, numbers, keys, replica, asked, until, first_only, most)
    return lowered.compile()


def _layout(numbers: DynamicNumbers) -> tuple:
    leaves, tree = jax.tree.flatten(numbers)
    return tree, tuple(np.shape(leaf) for leaf in leaves)


def lanes_of(question: Question, platform: str) -> int:
    """Return how many replicas go into one call, so that their state stays in cache."""
    if platform != "cpu":
        return _ACCELERATOR
    shape = question.shape
    words = (
        shape.events * (1 if shape.absolute else 3) + shape.modules + 3 * len(question.seen) + 16
    )
    lanes = 1 << (_CACHE_WORDS // words).bit_length()
    return min(max(lanes, _LEAST), _MOST)


def run_chunks(
    question: Question,
    seed: int,
    chunk: int | None,
    replicas: int | None,
    done: Callable[[TimesTally, float], bool],
) -> Ran:
    """Run chunks in order until `done`, or exactly so many replicas; every core or device is kept busy."""
    devices = jax.local_devices()
    on_cpu = devices[0].platform == "cpu"
    workers = (os.cpu_count() or 1) if on_cpu else 2 * len(devices)
    size = chunk or min(lanes_of(question, devices[0].platform), replicas or 1 << 62)
    lanes = whole_vectors(size)
    begin = time.perf_counter()
    call = _caller(question, seed, lanes, devices)
    compiled = time.perf_counter()
    tally = TimesTally.zero(question)
    work = enumerate(chunks(0, replicas or 1 << 62, size))
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        for part in _in_order(pool, call, work, 2 * workers):
            tally = tally.merge(part)
            if done(tally, time.perf_counter() - compiled):
                break
    return Ran(tally, compiled - begin, time.perf_counter() - compiled)


def _in_order(pool, call, work: Iterator, depth: int) -> Iterator[TimesTally]:
    """Yield results in the order of the work, with so many in flight."""
    flying = [pool.submit(call, *one) for one in itertools.islice(work, depth)]
    try:
        while flying:
            yield flying.pop(0).result()
            flying += [pool.submit(call, *one) for one in itertools.islice(work, 1)]
    finally:
        for each in flying:
            each.cancel()


def _caller(question: Question, seed: int, lanes: int, devices: list):
    """Return the function that runs a chunk; the programs are compiled here."""
    q, layout = question, _layout(question.numbers)
    programs = [
        _program(layout, q.shape, lanes, len(q.seen), q.first_only, q.most_steps, d)
        for d in devices
    ]
    streams = np.array([stream(name) for name in FAULT_STREAMS], np.uint32)
    times, until = np.asarray(q.seen, np.float32), np.float32(q.until)
    fixed = [jax.device_put((q.numbers, times, until), d) for d in devices]

    def call(number: int, replicas: np.ndarray) -> TimesTally:
        which = number % len(devices)
        keys = stream_keys(seed, streams, int(replicas[0] >> np.uint64(32)))
        low = (padded(replicas, lanes) & np.uint64(0xFFFFFFFF)).astype(np.uint32)
        numbers, asked, end = fixed[which]
        out = programs[which](numbers, *jax.device_put((keys, low), devices[which]), asked, end)
        return TimesTally.of(q, out, len(replicas))

    return call
