"""Counts of failed elements, and the gamma laws that they are mixed over."""

import math

import numpy as np
from jaxtyping import Float
from scipy import linalg, special

from ._check import Distribution, Number, namespace


NODES = 48
"""Of a gamma law: exact to 1e-12 of exp(-c x) for c up to alpha, 1e-4 of it for c of 10 alpha."""


def gamma_nodes(
    alpha: Number, nodes: int = NODES
) -> tuple[Float[np.ndarray, " nodes"], Float[np.ndarray, " nodes"]]:
    """Values and weights that integrate over a gamma law of mean 1 and shape `alpha`.

    Gauss's rule for generalised Laguerre polynomials (Golub and Welsch, 1969), from the eigenvalues of their
    recurrence, which unlike the usual weights does not overflow for a large `alpha`.
    """
    if math.isinf(float(alpha)):
        return np.ones(1), np.ones(1)
    k = np.arange(nodes)
    off = np.sqrt(k[1:] * (k[1:] + float(alpha) - 1))
    values, vectors = linalg.eigh_tridiagonal(2 * k + float(alpha), off)
    return values / float(alpha), vectors[0] ** 2


def product_nodes(
    alphas: tuple[Number, ...], nodes: int = NODES
) -> tuple[Float[np.ndarray, " nodes"], Float[np.ndarray, " nodes"]]:
    """The same for the product of independent gamma laws of mean 1."""
    values, weights = np.ones(1), np.ones(1)
    for alpha in alphas:
        x, w = gamma_nodes(alpha, nodes)
        values, weights = np.outer(values, x).ravel(), np.outer(weights, w).ravel()
    return values, weights


def log_choose(count: int) -> Float[np.ndarray, " outcomes"]:
    """Logarithms of the binomial coefficients of `count`, from 0 to all."""
    k = np.arange(count + 1)
    whole = special.gammaln(count + 1)
    return whole - special.gammaln(k + 1) - special.gammaln(count - k + 1)


def binomial_prob(count: int, fail_prob: Number, log_good: Number | None = None) -> Distribution:
    """Probabilities of 0 to `count` failures of independent elements, on a new last axis.

    **Arguments:** `fail_prob` of each; `log_good`, the logarithm of the complement where it is
    known better than by subtraction.
    """
    xp = namespace(fail_prob)
    p = xp.asarray(fail_prob, float)[..., None]
    certain, k = p >= 1, np.arange(count + 1)
    if log_good is None:
        each_good = xp.log1p(-xp.where(certain, 0.0, p))
    else:
        each_good = xp.where(certain, 0.0, xp.asarray(log_good, float)[..., None])
    log_prob = log_choose(count) + k * xp.log(xp.where(p > 0, p, 1.0)) + (count - k) * each_good
    possible = xp.where(certain, k == count, (p > 0) | (k == 0))
    return xp.where(possible, xp.exp(log_prob), 0.0)
