"""Uncertain quantities: the mean of a deviate, and its value at a normal score.

Parameters are those of the Open-PSA model exchange format (chapter 4, random deviates). A lognormal is given by
its mean, its error factor at a confidence level (EF = q(level) / median, so sigma = log EF / z(level)),
or by mu and sigma of its logarithm.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import special, stats


def mean(op: str, args: Sequence[Any], xp, functions) -> Any:
    """The mean of a deviate; JAX arrays in `args` keep their gradients."""
    match op:
        case "uniform-deviate":
            return (args[0] + args[1]) / 2
        case "normal-deviate":
            return args[0]
        case "lognormal-deviate":
            return args[0] if len(args) == 3 else xp.exp(args[0] + args[1] ** 2 / 2)
        case "gamma-deviate":
            return args[0] * args[1]
        case "beta-deviate":
            return args[0] / (args[0] + args[1])
        case "histogram":
            edges, weights = _histogram(args)
            middles = (edges[:-1] + edges[1:]) / 2
            return float(np.sum(middles * weights) / np.sum(weights))
    raise ValueError(f"`{op}` is not a deviate.")


def value_at(op: str, args: Sequence[Any], score: np.ndarray) -> np.ndarray:
    """The value of a deviate at a normal score: the quantile at level ndtr(score), float64[...].

    Scores and not levels, because normal and lognormal quantities, which most are, then need no inverse.
    """
    match op:
        case "uniform-deviate":
            return args[0] + (args[1] - args[0]) * special.ndtr(score)
        case "normal-deviate":
            return args[0] + args[1] * score
        case "lognormal-deviate":
            mu, sigma = (np.asarray(v, score.dtype) for v in log_moments(*args))
            return np.exp(mu + sigma * score)
        case "gamma-deviate":
            return args[1] * special.gammaincinv(args[0], special.ndtr(score))
        case "beta-deviate":
            return special.betaincinv(args[0], args[1], special.ndtr(score))
        case "histogram":
            edges, weights = _histogram(args)
            return stats.rv_histogram((weights, edges), density=False).ppf(special.ndtr(score))
    raise ValueError(f"`{op}` is not a deviate.")


def log_moments(first: Any, second: Any, level: Any = None) -> tuple[Any, Any]:
    """Mean and standard deviation of the logarithm: as given, or from mean, error factor and its level."""
    if level is None:
        return first, second
    sigma = np.log(second) / special.ndtri(level)
    return np.log(first) - sigma**2 / 2, sigma


def _histogram(args: Sequence[Any]) -> tuple[np.ndarray, np.ndarray]:
    # First the lower bound, then (upper bound, weight) of every bin.
    bins = np.asarray(args[1:], float).reshape(-1, 2)
    return np.concatenate([[float(args[0])], bins[:, 0]]), bins[:, 1]
