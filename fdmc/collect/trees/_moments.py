"""The mean time to failure of a static tree: the integral of its reliability, to a stated accuracy."""

import math
from collections.abc import Callable

import numpy as np


_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(16)
_ACCURACY = 1e-10
_PANELS = tuple(1 << n for n in range(5, 15))
_LONGEST_HOURS = 1e18  # beyond it a top event that has not occurred never will


def mean_time(failed: Callable[[np.ndarray], np.ndarray]) -> float:
    """Return the integral of 1 - F(t) over t >= 0 in hours; infinite when F stays below one.

    **Arguments:** `failed`, F of float64[times]: the probability that the top event has occurred.

    Gauss-Legendre on panels that are equal in log t, halved until two answers agree to 1e-10.
    """
    end = _end(failed)
    if math.isinf(end):
        return math.inf
    start = end
    while 1 - float(failed(np.array([start]))[0]) < 1 - 1e-13 and start > end * 1e-30:
        start /= 4
    head = start * (1 - float(failed(np.array([0.0]))[0]))
    before = math.inf
    for panels in _PANELS:
        total = head + _integral(failed, math.log(start), math.log(end), panels)
        if abs(total - before) <= _ACCURACY * total:
            return total
        before = total
    return before


def _end(failed: Callable[[np.ndarray], np.ndarray]) -> float:
    """A time by which survival is below 1e-14, or infinity."""
    times = np.geomspace(1e-9, _LONGEST_HOURS, 256)
    gone = np.flatnonzero(1 - failed(times) < 1e-14)
    return float(times[gone[0]]) if gone.size else math.inf


def _integral(failed: Callable[[np.ndarray], np.ndarray], low: float, high: float, panels: int):
    edges = np.linspace(low, high, panels + 1)
    middle, half = (edges[1:] + edges[:-1]) / 2, (high - low) / panels / 2
    t = np.exp(middle[:, None] + half * _NODES)
    alive = 1 - failed(t.ravel()).reshape(t.shape)
    return float(np.sum(alive * t * _WEIGHTS) * half)
