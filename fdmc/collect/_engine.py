"""The one jit, and the placement of chunks on devices."""

import concurrent.futures
import dataclasses
import functools
import math
import os
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..kernel import (
    LATENTS_FULL,
    OUTAGES_FULL,
    PACKAGES_FULL,
    RENEWALS_FULL,
    Bounds,
    history,
    stream_keys,
)
from ..plan import Directory, Plan
from ._compile import jit


_LIMIT = Bounds(outages=64, latents=4096, renewals=1024)


_BLOCK = 128  # replicas whose state fits the caches of a core


RERUN_LANES = 128  # of replicas that run again with larger bounds
_VECTOR = 16  # lanes of the widest vector registers


def whole_vectors(lanes: int) -> int:
    """Round up to whole vectors: in the lanes left over the compiler may round otherwise."""
    return -(-lanes // _VECTOR) * _VECTOR


def padded(replicas: np.ndarray, lanes: int) -> np.ndarray:
    """Repeat the last replica up to `lanes`, so that one program serves short chunks too."""
    return np.pad(replicas, (0, lanes - len(replicas)), mode="edge")


def first_bounds(directory: Directory, bins: int, windows: int = 0) -> Bounds:
    """Return bounds that few replicas exceed; those that do run again with larger ones."""

    def room(mean: float, least: int) -> int:
        return max(least, math.ceil((mean + 4 * math.sqrt(mean) + 2) / 4) * 4)

    return Bounds(
        outages=min(room(directory.expected_outages, 4), _LIMIT.outages),
        latents=min(room(directory.expected_latents, 8), _LIMIT.latents),
        renewals=min(room(directory.expected_renewals, 4), _LIMIT.renewals),
        bins=bins,
        windows=windows,
        packages=directory.packages,
    )


def wider(bounds: Bounds, status: int) -> Bounds:
    """Return bounds with more room where the status says that it was short."""
    room = lambda n, bit, limit: min(n + n // 2, limit) if status & bit else n
    return dataclasses.replace(
        bounds,
        outages=room(bounds.outages, OUTAGES_FULL, _LIMIT.outages),
        latents=room(bounds.latents, LATENTS_FULL, _LIMIT.latents),
        renewals=room(bounds.renewals, RENEWALS_FULL, _LIMIT.renewals),
        packages=room(bounds.packages, PACKAGES_FULL, 1 << 20),
    )


def larger(bounds: Bounds) -> Bounds | None:
    """Return the next larger bounds, `None` at the limit."""
    if bounds.outages >= _LIMIT.outages and bounds.latents >= _LIMIT.latents:
        return None
    return Bounds(
        outages=min(2 * bounds.outages, _LIMIT.outages),
        latents=min(4 * bounds.latents, _LIMIT.latents),
        renewals=min(4 * bounds.renewals, _LIMIT.renewals),
        bins=bounds.bins,
        windows=bounds.windows,
        packages=2 * bounds.packages,
    )


@functools.cache
def _compiled(program: Any, in_blocks: bool):
    """Return the jitted program; in blocks it takes its replicas a few at a time, in the same call."""
    return jit(_in_blocks(program) if in_blocks else program, static_argnames="bounds")


def _in_blocks(program: Any):
    def blocked(plan, keys, replica, *more, bounds):
        lanes = replica.shape[0]
        sizes = [n for n in range(_VECTOR, _BLOCK + 1, _VECTOR) if lanes % n == 0]
        if lanes <= _BLOCK or sizes[-1] < _BLOCK // 2:
            return program(plan, keys, replica, *more, bounds=bounds)
        some = lambda replica: program(plan, keys, replica, *more, bounds=bounds)
        out = jax.lax.map(some, replica.reshape(-1, sizes[-1]))
        joined = lambda x: jnp.moveaxis(x, 0, -2).reshape(*x.shape[1:-1], lanes)
        return jax.tree.map(joined, out)

    return blocked


class Programs:
    """Compiled programs that plans of one shape share: many designs of a machine, one compilation."""

    def __init__(self):
        self.found: dict = {}
        self.lock = threading.Lock()


class Engine:
    """Runs chunks of replicas of one plan, several at once, on the devices given.

    Chunks are independent, so the devices need not talk: each chunk is one call on one device, and host
    threads keep every CPU core or two chunks a GPU busy. `program` is the kernel; it may ask for `more`
    arrays after the replicas, and the last axis of all that it returns is that of the replicas. Engines with
    the same `programs` compile each shape once.
    """

    def __init__(
        self,
        plan: Plan,
        seed: int,
        devices: list[Any],
        program: Any = history,
        more: Any = (),
        programs: Programs | None = None,
    ):
        self.seed, self.devices = seed, devices
        self.streams = np.asarray(plan.streams)
        on_device = lambda values, d: jax.device_put(jax.tree.map(jnp.asarray, values), d)
        self.plans = [on_device(plan, d) for d in devices]
        self.more = [on_device(more, d) for d in devices]
        on_cpu = devices[0].platform == "cpu"
        self.program = _compiled(program, on_cpu)
        each = max(1, (os.cpu_count() or 1) // len(devices)) if on_cpu else 2
        self.workers = each * len(devices)
        self.pool = concurrent.futures.ThreadPoolExecutor(self.workers)
        self.compile_seconds = 0.0
        programs = programs or Programs()
        self._programs, self._compiling = programs.found, programs.lock
        leaves, tree = jax.tree.flatten((plan, more))
        self.shape = (
            tree,
            tuple((np.shape(leaf), str(getattr(leaf, "dtype", type(leaf)))) for leaf in leaves),
        )

    def compile(self, lanes: int, bounds: Bounds):
        """Compile for every device ahead, so that compile and run times can be told apart."""
        for which in range(len(self.devices)):
            self._program(which, lanes, bounds)

    def submit(self, number: int, replicas: np.ndarray, bounds: Bounds):
        """Start a chunk; the future holds its outcome on the host."""
        return self.pool.submit(self._call, number % len(self.devices), replicas, bounds)

    def again(
        self,
        replicas: np.ndarray,
        out: Any,
        bounds: Bounds,
        status: Callable[[Any], Any],
        whose: str,
    ) -> Iterator[tuple[np.ndarray, Any]]:
        """Run those replicas of a chunk again that hit a bound, with larger ones until they fit.

        **Arguments:** the chunk's replicas and outcome; the bounds that it had; `status` of an outcome;
        `whose` they are, for the error.

        **Yields:** places in the chunk, and the outcomes that count there, later ones over earlier ones.

        **Raises:** `ValueError` when a replica outgrows every bound.
        """
        hit = np.flatnonzero(np.asarray(status(out))[: len(replicas)])
        while len(hit):
            larger_bounds = larger(bounds)
            if larger_bounds is None:
                raise ValueError(f"{whose}: a replica outgrew every bound.")
            bounds, left = larger_bounds, []
            for some in np.array_split(hit, -(-len(hit) // RERUN_LANES)):
                part = padded(replicas[some], RERUN_LANES)
                found = self.submit(0, part, bounds).result()
                yield some, found
                left.append(some[np.asarray(status(found))[: len(some)] > 0])
            hit = np.concatenate(left)

    def _arguments(self, which: int, replicas: np.ndarray):
        keys = stream_keys(self.seed, self.streams, int(replicas[0] >> np.uint64(32)))
        low = (replicas & np.uint64(0xFFFFFFFF)).astype(np.uint32)
        keys, low = jax.device_put((keys, low), self.devices[which])
        return (self.plans[which], keys, low, *self.more[which])

    def _program(self, which: int, lanes: int, bounds: Bounds):
        key = (self.shape, which, lanes, bounds)
        with self._compiling:
            first = key not in self._programs
            if first:
                self._programs[key] = concurrent.futures.Future()
        if first:  # outside the lock: others go on with the programs that they have
            self._programs[key].set_result(self._compile(which, lanes, bounds))
        return self._programs[key].result()

    def _compile(self, which: int, lanes: int, bounds: Bounds):
        start = time.perf_counter()
        arguments = self._arguments(which, np.arange(lanes, dtype=np.uint64))
        program = self.program.lower(*arguments, bounds=bounds).compile()
        self.compile_seconds += time.perf_counter() - start
        return program

    def _call(self, which: int, replicas: np.ndarray, bounds: Bounds) -> Any:
        program = self._program(which, len(replicas), bounds)
        return jax.tree.map(np.asarray, program(*self._arguments(which, replicas)))

    def close(self):
        """Let the threads go."""
        self.pool.shutdown(wait=True, cancel_futures=True)


def chunks(first: int, last: int, size: int) -> Iterator[np.ndarray]:
    """Split replicas [first, last) into chunks that do not straddle a multiple of 2^32."""
    while first < last:
        border = ((first >> 32) + 1) << 32
        stop = min(first + size, last, border)
        yield np.arange(first, stop, dtype=np.uint64)
        first = stop
