"""Collective times of sampled states of one domain: sparse form, dense form and plain NumPy, in one run.

    python -m benchmarks.collective_speed [--states N] [--write-results]

576 accelerators, 18 planes, 4 lanes a link; every link is down with probability 1e-3, independently. A
state is evaluated when the times of four collectives are there: all-reduce optimal, ring and
in-switch, and all-to-all. Sparse forms read short lists of links that are down, dense forms c[i,k] ready made.
Sampling is not in the times. Exit status 1 when a mean is not the exact one.
"""

import argparse
import concurrent.futures
import dataclasses
import sys
import time
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import scipy.stats

from fdmc.fabric import LinkState, collective_seconds, link_state, sparse_link_state

from ._measure import cores, machine
from ._results import table, write_section


ACCELERATORS, PLANES, LANES, DOWN_PROB = 576, 18, 4, 1e-3
SLOTS = 32  # more links down than that: once in 1e8 states
CHUNK = 2048  # states in one call: the lists of a call stay in cache
DENSE_CHUNK, DENSE_STATES = 64, 8192
SEED, REPEATS, WANTED, FALSE_ALARM_Z = 1, 3, 400_000, 4.9
COLLECTIVES = (
    ("all_reduce", "optimal"),
    ("all_reduce", "ring"),
    ("all_reduce", "in_switch"),
    ("all_to_all", "optimal"),
)
Lists = tuple[np.ndarray, np.ndarray, np.ndarray]


@dataclasses.dataclass
class Timed:
    """One method: the times of all collectives, [collectives, states], and how long they took."""

    name: str
    threads: int
    compile_seconds: float
    seconds: float
    times: np.ndarray

    @property
    def rate(self) -> float:
        return self.times.shape[1] / self.seconds


def sample(states: int, rng: np.random.Generator) -> Lists:
    """Lists of links that are down, [slots, states]: accelerator, plane, live lanes; distinct in a state."""
    links = ACCELERATORS * PLANES
    count = rng.binomial(links, DOWN_PROB, states)
    assert count.max() <= SLOTS
    listed = np.arange(SLOTS)[:, None] < count
    link = rng.integers(0, links, (SLOTS, states), np.int32)
    again = np.arange(states)
    while again.size:
        # Empty slots get numbers of their own, so that only listed links can be equal.
        apart = np.where(listed[:, again], link[:, again], -1 - np.arange(SLOTS)[:, None])
        again = again[np.any(np.diff(np.sort(apart, axis=0), axis=0) == 0, axis=0)]
        link[:, again] = rng.integers(0, links, (SLOTS, again.size), np.int32)
    live = np.where(listed, np.float32(0), np.float32(LANES))
    return link // PLANES, link % PLANES, live


def times(state: LinkState) -> jax.Array:
    """Seconds of a unit payload for every collective, [collectives, states]."""
    return jnp.stack([collective_seconds(op, how, 1.0, state) for op, how in COLLECTIVES])


def sparse(accelerator: jax.Array, plane: jax.Array, live: jax.Array) -> jax.Array:
    """From the lists, by the sparse form."""
    domain = dict(accelerators=ACCELERATORS, planes=PLANES, lanes_per_link=LANES)
    return times(sparse_link_state(accelerator, plane, live, **domain))


def dense(capacity: jax.Array) -> jax.Array:
    """From c[i,k], by the dense form."""
    return times(link_state(capacity, jnp.ones(capacity.shape[:-1], bool)))


def numpy_sparse(accelerator: np.ndarray, plane: np.ndarray, live: np.ndarray) -> np.ndarray:
    """From the lists, as one writes it in NumPy: counts by accelerator and by plane."""
    states = live.shape[1]
    lost = (LANES - live).ravel()
    state = np.broadcast_to(np.arange(states), live.shape).ravel()
    mine = np.bincount(state * ACCELERATORS + accelerator.ravel(), lost, states * ACCELERATORS)
    most = np.zeros((states, PLANES))
    np.maximum.at(most, (state, plane.ravel()), lost)
    link = PLANES * LANES
    least = link - mine.reshape(states, -1).max(axis=1)
    total = ACCELERATORS * link - np.bincount(state, lost, states)
    return numpy_times(least, total, link - most.sum(axis=1))


def numpy_dense(capacity: np.ndarray) -> np.ndarray:
    """From c[i,k], as one writes it in NumPy."""
    link = capacity.sum(axis=-1)
    return numpy_times(link.min(axis=-1), link.sum(axis=-1), capacity.min(axis=-2).sum(axis=-1))


def numpy_times(least: np.ndarray, total: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """The same four closed forms, written again."""
    n = ACCELERATORS
    with np.errstate(divide="ignore"):
        optimal = np.maximum(1 / least, 2 * (n - 1) / total)
        exchange = (n - 1) / n / least
        return np.stack([optimal, 2 * exchange, (1 + 1 / n) / whole, exchange])


def capacities(lists: Lists) -> np.ndarray:
    """The states of the lists as c[i,k], [states, accelerators, planes]."""
    accelerator, plane, live = lists
    state = np.broadcast_to(np.arange(live.shape[1]), live.shape)
    dense = np.full((live.shape[1], ACCELERATORS, PLANES), LANES, np.float32)
    np.minimum.at(dense, (state, accelerator, plane), live)
    return dense


def measure(name: str, call: Callable, chunks: list[tuple], threads: int, jitted: bool) -> Timed:
    """The best of a few passes over all chunks, compilation apart."""
    jax.clear_caches()  # the same form with other threads compiles anew, and is timed
    begin = time.perf_counter()
    run = jax.jit(call).lower(*chunks[0]).compile() if jitted else call
    compiled = time.perf_counter() - begin if jitted else 0.0
    best = float("inf")
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        for _ in range(REPEATS):
            begin = time.perf_counter()
            found = list(pool.map(lambda chunk: np.asarray(run(*chunk)), chunks))
            best = min(best, time.perf_counter() - begin)
    return Timed(name, threads, compiled, best, np.concatenate(found, axis=1))


def cut(arrays: tuple[np.ndarray, ...], size: int, axis: int) -> list[tuple]:
    """Chunks of states, each contiguous."""
    states = arrays[0].shape[axis]
    bounds = [slice(i, i + size) for i in range(0, states, size)]
    where = lambda s: (slice(None),) * axis + (s,)
    return [tuple(np.ascontiguousarray(a[where(s)]) for a in arrays) for s in bounds]


def expected() -> dict[str, float]:
    """Exact means over states: the ring over its healthy time, and the planes that all can reach."""
    lost = np.arange(PLANES)  # that one accelerator has lost them all is left out: 1e-54
    most = scipy.stats.binom.cdf(lost, PLANES, DOWN_PROB) ** ACCELERATORS
    slow = np.diff(most, prepend=0.0) @ (PLANES / (PLANES - lost))
    return {"ring slow-down": slow, "planes left": (1 - DOWN_PROB) ** ACCELERATORS}


def check(method: Timed) -> list[str]:
    """What does not agree: means against the exact ones."""
    n, link = ACCELERATORS, PLANES * LANES
    with np.errstate(divide="ignore"):
        got = {
            "ring slow-down": method.times[1] * link * n / (2 * (n - 1)),
            "planes left": (1 + 1 / n) / method.times[2] / link,
        }
    wrong = []
    for what, mean in expected().items():
        z = (got[what].mean() - mean) / (got[what].std() / np.sqrt(got[what].size))
        if abs(z) > FALSE_ALARM_Z:
            wrong.append(
                f"{method.name}: {what} {got[what].mean():.6g}, exact {mean:.6g} (z {z:+.1f})"
            )
    return wrong


def main(argv: list[str] | None = None) -> int:
    """Measure, print, and write where asked; the exit status."""
    parser = argparse.ArgumentParser(description="Speed of collective evaluation.")
    parser.add_argument("--states", type=int, default=1_000_000)
    parser.add_argument("--write-results", action="store_true", help="update RESULTS.md")
    options = parser.parse_args(argv)
    states = -(-options.states // CHUNK) * CHUNK  # whole chunks, so that one program serves all
    begin = time.perf_counter()
    lists = sample(states, np.random.default_rng(SEED))
    sampling = time.perf_counter() - begin
    few = min(DENSE_STATES, states)
    ready = (capacities(tuple(a[:, :few] for a in lists)),)
    short, full = cut(lists, CHUNK, 1), cut(ready, DENSE_CHUNK, 0)
    both = cores()
    found = [
        measure("NumPy, dense", numpy_dense, full, both, False),
        measure("NumPy, sparse", numpy_sparse, short, both, False),
        measure("fdmc, dense", dense, full, both, True),
        measure("fdmc, sparse", sparse, short, 1, True),
        measure("fdmc, sparse", sparse, short, both, True),
    ]
    wrong = [line for method in found for line in check(method)]
    for method in found[:-1]:  # every method on the states that it had, against the last
        same = np.allclose(method.times, found[-1].times[:, : method.times.shape[1]], rtol=1e-5)
        wrong += [] if same else [f"{method.name} and fdmc, sparse disagree"]
    text = section(found, sampling)
    print("\n".join([text, *wrong]))
    if options.write_results:
        write_section("collectives", machine()["key"], text)
    return 1 if wrong else 0


def section(found: list[Timed], sampling: float) -> str:
    """The measurements as a section of RESULTS.md."""
    here, fastest = machine(), found[-1]
    plain = max(method.rate for method in found if method.name.startswith("NumPy"))
    head = ["method", "threads", "states", "compile s", "run s", "states/s", "of the last"]
    body = [
        [
            method.name,
            f"{method.threads}",
            f"{method.times.shape[1]:,}",
            f"{method.compile_seconds:.2f}",
            f"{method.seconds:.3f}",
            f"{method.rate:.3g}",
            f"{method.rate / fastest.rate:.3g}",
        ]
        for method in found
    ]
    title = f"**Four collective times a state, {ACCELERATORS} accelerators, {PLANES} planes, links down {DOWN_PROB:g}**"
    exact = ", ".join(f"{what} {mean:.4f}" for what, mean in expected().items())
    speed = f"{fastest.rate:,.0f} states/s; wanted {WANTED:,}; {fastest.rate / plain:.2g} x the best of NumPy"
    notes = [
        f"- sampling all lists (NumPy, one thread) took {sampling:.2f} s and is not in the times",
        f"- exact means: {exact}; all methods agree (|z| <= {FALSE_ALARM_Z}), state by state to 1e-5",
        f"- fdmc, sparse: {speed}",
    ]
    lines = [
        f"## Collectives: {here['key']}",
        "",
        f"{here['date']}; {here['versions']}",
        "",
        title,
        "",
    ]
    return "\n".join([*lines, table(head, body), "", *notes])


if __name__ == "__main__":
    sys.exit(main())
