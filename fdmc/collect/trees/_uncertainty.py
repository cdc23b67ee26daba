"""Uncertain parameters as the outer loop: trials of the parameters, each with an exact probability.

Trial k of a seed is the same for ever, and a quantity keeps its draws when others are added: its
stream is named after it.
"""

import collections
import concurrent.futures
import os
import time
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from scipy import stats

from ...kernel import stream_keys, threefry2x32
from ...logic import Diagram, Values, deviates, probabilities
from ...plan import stream
from ...spec.fault_tree import FaultTree
from ...tally import CONFIDENCE, Estimate
from ._answer import Uncertainty


_TRIALS = 4096  # drawn and evaluated at once by one thread
_LEVELS = (0.05, 0.5, 0.95)


@jax.jit
def _scores(keys: jax.Array, pair: jax.Array) -> jax.Array:
    """Standard normals, float32[names, 2 pairs]: the words of block k are those of trials 2k and 2k + 1.

    By the smaller tail, so that both tails have all their digits, to 6.3 standard deviations.
    """
    words = threefry2x32((keys[:, :1], keys[:, 1:]), (pair, jnp.zeros_like(pair)))
    word = jnp.stack(words, -1).reshape(len(keys), -1)
    upper = word >= jnp.uint32(1 << 31)
    tail = (jnp.where(upper, ~word, word).astype(jnp.float32) + 0.5) * 2.0**-32
    return jnp.where(upper, -1, 1) * jax.scipy.special.ndtri(tail)


def score_keys(seed: int, names: tuple[str, ...]) -> np.ndarray:
    """Return the keys of the quantities' streams, uint32[names, 2]; several of one event are told apart."""
    seen: collections.Counter[str] = collections.Counter()
    numbers = []
    for name in names:
        numbers.append(stream(f"{name} #{seen[name]}"))
        seen[name] += 1
    return stream_keys(seed, np.array(numbers, np.uint32))


def scores(keys: np.ndarray, first: int, last: int) -> np.ndarray:
    """Return the normal scores of trials [first, last), float32[names, trials]; `first` is even."""
    pairs = np.arange(first // 2, -(-last // 2), dtype=np.uint32)[None]
    return np.asarray(_scores(keys, pairs))[:, : last - first]


def uncertainty(
    tree: FaultTree,
    diagram: Diagram,
    time_hours: float,
    *,
    trials: int,
    seed: int,
    parameters: Mapping[str, Any] | None = None,
) -> Uncertainty:
    """Propagate the deviates of a tree into its first root's probability.

    **Raises:** ValueError when the model has no uncertain quantity, or a trial gives no probability.
    """
    names = deviates(tree)
    if not names:
        raise ValueError("the model has no uncertain quantity (no deviate in any expression).")
    began, keys = time.perf_counter(), score_keys(seed, names)

    def some(first: int) -> np.ndarray:
        drawn = scores(keys, first, min(first + _TRIALS, trials))
        p = np.asarray(Values(tree, time_hours, parameters, drawn).events(), np.float32)
        # A normal or lognormal quantity may leave [0, 1]; as a probability it ends there.
        return probabilities(diagram, np.clip(p, 0, 1, out=p).T)[:, 0]

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        top = np.concatenate(list(pool.map(some, range(0, trials, _TRIALS)))).astype(float)
    if not np.all(np.isfinite(top)):
        raise ValueError("some trials of the parameters give no number; check the deviates.")
    return Uncertainty(trials, _mean(top), _quantiles(top), names, time.perf_counter() - began)


def _mean(values: np.ndarray) -> Estimate:
    n, best = len(values), float(values.mean())
    if n < 2:
        return Estimate(0.0, best, 1.0, "probability", n, "one_replica")
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, n - 1) * values.std(ddof=1) / np.sqrt(n))
    return Estimate(max(best - half, 0.0), best, min(best + half, 1.0), "probability", n)


def _quantiles(values: np.ndarray) -> dict[float, Estimate]:
    """Quantiles with distribution-free intervals: binomial ranks of the order statistics."""
    ordered, n = np.sort(values), len(values)
    found = {}
    for level in _LEVELS:
        low, high = stats.binom.ppf([(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2], n, level)
        ends = ordered[[max(int(low) - 1, 0), min(int(high), n - 1)]]
        best = float(np.quantile(ordered, level))
        found[level] = Estimate(float(ends[0]), best, float(ends[1]), "probability", n)
    return found
