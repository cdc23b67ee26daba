"""Expectation over an environment that all units share, by quadrature."""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import scipy.special
from jaxtyping import Array, Float

from ._problem import require_none


@dataclasses.dataclass(frozen=True)
class Environment:
    """Nodes and weights that stand for a distribution of what all units share.

    - `nodes`: values of the shared factors.
    - `weights`: their probabilities; they sum to 1.
    """

    nodes: Float[np.ndarray, "points factors"]
    weights: Float[np.ndarray, " points"]

    def expectation(self, function: Callable[[Float[Array, " factors"]], Any]) -> Any:
        """Expected value of a JAX function of the factors; differentiable in whatever it closes over.

        **Returns:** $\\sum_z w_z f(z)$, of the shape of the function's value.
        """
        values = jax.vmap(function)(jnp.asarray(self.nodes))
        return jax.tree.map(lambda value: jnp.tensordot(self.weights, value, axes=1), values)


def gauss_hermite(order: int, factors: int = 1) -> Environment:
    """Independent standard normal factors: a temperature, a lot, a site.

    **Arguments:**

    - `order`: nodes in each factor; polynomials to degree `2 * order - 1` are exact.
    - `factors`: how many; `order ** factors` nodes in all.

    **Returns:** the product rule.

    **Raises:** `SizingError` for an order or a number of factors below 1.

    !!! example

        ```python
        import jax.numpy as jnp
        from fdmc.sizing import gauss_hermite

        site = gauss_hermite(7)
        assert abs(site.expectation(lambda z: jnp.exp(0.5 * z[0])) - jnp.exp(0.125)) < 1e-5
        ```
    """
    found = [
        f"{name} must be positive, but is {value}"
        for name, value in (("order", order), ("factors", factors))
        if value < 1
    ]
    require_none("quadrature", found)
    nodes, weights = np.polynomial.hermite_e.hermegauss(order)
    weights = weights / weights.sum()
    grid = np.meshgrid(*[nodes] * factors, indexing="ij")
    product = weights
    for _ in range(factors - 1):
        product = np.multiply.outer(product, weights)
    return Environment(np.stack(grid, axis=-1).reshape(-1, factors), product.ravel())


def gauss_laguerre(order: int, shape: float) -> Environment:
    """A gamma factor of mean 1 that multiplies all hazards (a shared frailty).

    **Arguments:**

    - `order`: number of nodes; polynomials to degree `2 * order - 1` are exact.
    - `shape`: of the gamma distribution; its variance is 1 / `shape`.

    **Returns:** generalised Gauss-Laguerre quadrature.

    **Raises:** `SizingError` for an order below 1 or a shape that is not positive.

    !!! example

        ```python
        import jax.numpy as jnp
        from fdmc.sizing import gauss_laguerre

        frailty = gauss_laguerre(20, shape=2.0)  # E exp(-g h) = (1 + h / shape) ** -shape
        assert abs(frailty.expectation(lambda g: jnp.exp(-g[0])) - 1.5**-2) < 1e-5
        ```
    """
    found = [f"order must be positive, but is {order}"] if order < 1 else []
    if not 0 < shape < np.inf:
        found.append(f"shape must be positive and finite, but is {shape}")
    require_none("quadrature", found)
    nodes, weights = scipy.special.roots_genlaguerre(order, shape - 1)
    return Environment(nodes[:, None] / shape, weights / weights.sum())
