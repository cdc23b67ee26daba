"""Tails of counts of failures, as smooth functions of redundancy and of probabilities."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from ._beta import Argument, Real, log_regularised_beta, regularised_beta


Probs = Float[Array, " units"] | Float[np.ndarray, " units"]
Count = Int[Array, "..."] | Int[np.ndarray, "..."] | int


def binomial_tail(k: Argument, n: Argument, prob: Argument) -> Real:
    """Probability that at least `k` of `n` units have failed, for real `k` and `n`.

    **Arguments:**

    - `k`: how many failures are one too many; with $s$ spares, $s + 1$.
    - `n`: how many units there are, spares included.
    - `prob`: that a unit has failed. All broadcast, all differentiable.

    **Returns:** $I_p(k, n - k + 1)$, at integers $\\sum_{j \\ge k} \\binom nj p^j (1-p)^{n-j}$; between
    them its smooth relaxation. 1 for $k \\le 0$ and 0 for $k \\ge n + 1$, where its gradient is 0:
    keep an optimiser within $0 < k < n + 1$. Accuracy is that of `regularised_beta`.

    !!! example

        ```python
        import jax
        from fdmc.sizing import binomial_tail

        assert abs(binomial_tail(2, 4, 0.1) - 0.0523) < 1e-6
        per_spare = jax.grad(lambda s: binomial_tail(s + 1, 32 + s, 1e-3))(2.0)
        assert per_spare < 0
        ```
    """
    return _tail(regularised_beta, k, n, prob, 1.0, 0.0)


def log_binomial_tail(k: Argument, n: Argument, prob: Argument) -> Real:
    """Logarithm of `binomial_tail`, also where that underflows.

    !!! example

        ```python
        from fdmc.sizing import log_binomial_tail

        assert abs(log_binomial_tail(40, 40, 1e-3) + 276.31) < 1e-2
        ```
    """
    return _tail(log_regularised_beta, k, n, prob, 0.0, -jnp.inf)


def _tail(
    function: Callable[[Argument, Argument, Argument], Real],
    k: Argument,
    n: Argument,
    prob: Argument,
    all_: float,
    none: float,
) -> Real:
    """A tail, with what lies outside of its domain kept away from the function and its gradient."""
    k, n, prob = jnp.broadcast_arrays(k, n, prob)
    inside = (k > 0) & (k < n + 1)
    value = function(jnp.where(inside, k, 1.0), jnp.where(inside, n - k + 1, 1.0), prob)
    return jnp.where(inside, value, jnp.where(k <= 0, all_, none))


def poisson_binomial(prob: Probs) -> Float[Array, " outcomes"]:
    """Probabilities of 0, 1, ..., n failures among independent units that differ.

    **Arguments:**

    - `prob`: that each unit has failed; differentiable.

    **Returns:** the exact distribution, by adding one unit after the other. All terms are positive:
    relative errors are about `units` roundings, down to where a float underflows.

    !!! example

        ```python
        import jax.numpy as jnp
        from fdmc.sizing import poisson_binomial

        assert jnp.allclose(poisson_binomial(jnp.array([0.5, 0.2])), jnp.array([0.4, 0.5, 0.1]))
        ```
    """

    def add(pmf, p):
        return pmf * (1 - p) + jnp.roll(pmf, 1).at[0].set(0.0) * p, None

    prob = jnp.asarray(prob)
    none_failed = jnp.zeros(prob.shape[0] + 1, prob.dtype).at[0].set(1.0)
    return jax.lax.scan(add, none_failed, prob)[0]


def poisson_binomial_tail(prob: Probs, k: Count) -> Float[Array, "..."]:
    """Probability that at least `k` of some independent units that differ have failed.

    **Arguments:**

    - `prob`: that each unit has failed; differentiable.
    - `k`: integers; may be traced.

    **Returns:** the exact tail; 1 for `k` of zero or less, 0 above the number of units.

    !!! example

        ```python
        import jax.numpy as jnp
        from fdmc.sizing import poisson_binomial_tail

        assert abs(poisson_binomial_tail(jnp.array([0.5, 0.2]), 1) - 0.6) < 1e-6
        ```
    """
    pmf = poisson_binomial(prob)
    failures = jnp.arange(pmf.shape[0])
    return jnp.where(failures >= jnp.asarray(k)[..., None], pmf, 0.0).sum(axis=-1)


def log_poisson_binomial_tail(prob: Probs, k: Count) -> Float[Array, "..."]:
    """Logarithm of `poisson_binomial_tail`, also where that underflows; probabilities below 1.

    !!! example

        ```python
        import jax.numpy as jnp
        from fdmc.sizing import log_poisson_binomial_tail

        assert abs(log_poisson_binomial_tail(jnp.full(40, 1e-3), 40) + 276.31) < 1e-2
        ```
    """

    def add(log_pmf, p):
        one_more = jnp.roll(log_pmf, 1).at[0].set(never)
        return jnp.logaddexp(log_pmf + jnp.log1p(-p), one_more + jnp.log(p)), None

    prob = jnp.asarray(prob)
    never = jnp.finfo(prob.dtype).min / 4  # the sum of two infinities would have no gradient
    none_failed = jnp.full(prob.shape[0] + 1, never, prob.dtype).at[0].set(0.0)
    log_pmf = jax.lax.scan(add, none_failed, prob)[0]
    enough = jnp.arange(log_pmf.shape[0]) >= jnp.asarray(k)[..., None]
    return jax.scipy.special.logsumexp(jnp.where(enough, log_pmf, -jnp.inf), axis=-1)
