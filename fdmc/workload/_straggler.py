import jax.numpy as jnp
import jax.scipy.special
import numpy as np
import scipy.special

from ._checkpoint import Number, namespace


_NODES = np.arange(-320, 321) / 32.0
"""The trapezoidal rule on [-10, 10] for a smooth integrand that vanishes at both ends converges
geometrically; the narrowest peak here, 1e9 participants, is eight nodes wide."""
_LOG_BELOW = scipy.special.log_ndtr(_NODES)
"""$\\ln \\Phi$, in float64: single precision would lose the upper tail, where the largest of many lies."""


def gaussian_straggler(participants: Number) -> Number:
    """Expected largest of independent Gaussian delays, in standard deviations.

    **Arguments:**

    - `participants`: $N \\ge 1$, up to 1e9; any shape.

    **Returns:**

    $E[\\max] = \\int x\\, N \\varphi(x) \\Phi(x)^{N-1} dx$ of standard normals by quadrature; the tables of
    normal order statistics agree (Harter, *Expected values of normal order statistics*, Biometrika 48,
    1961). NumPy in, NumPy out; differentiable in `participants`.

    !!! example

        ```python
        from fdmc.workload import gaussian_straggler

        assert abs(gaussian_straggler(72) - 2.39) < 5e-3
        ```
    """
    xp = namespace(participants)
    n = xp.asarray(participants, xp.result_type(float))[..., None]
    x, log_below = (xp.asarray(values, n.dtype) for values in (_NODES, _LOG_BELOW))
    mass = n * xp.exp(-0.5 * x**2 + (n - 1) * log_below)
    # Dividing by the mass spares the factor of the density, and cancels rounding common to both.
    return xp.sum(x * mass, axis=-1) / xp.sum(mass, axis=-1)


def exponential_straggler(participants: Number) -> Number:
    """Expected largest of independent exponential delays, in units of their mean.

    **Arguments:**

    - `participants`: $N \\ge 1$; any shape.

    **Returns:**

    The harmonic number $H_N = \\sum_{m=1}^{N} 1/m$ (Rényi's representation of order statistics), between
    integers $\\psi(N+1) + \\gamma$. NumPy in, NumPy out; differentiable.

    !!! example

        ```python
        from fdmc.workload import exponential_straggler

        assert abs(exponential_straggler(4) - (1 + 1 / 2 + 1 / 3 + 1 / 4)) < 1e-12
        ```
    """
    xp = namespace(participants)
    special = jax.scipy.special if xp is jnp else scipy.special
    n = xp.asarray(participants, xp.result_type(float))
    return special.digamma(n + 1) + np.euler_gamma
