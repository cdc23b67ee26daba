import functools

import jax
from jaxtyping import Array


@functools.partial(jax.custom_jvp, nondiff_argnums=(1,))
def no_gradient(value: Array, advice: str) -> Array:
    """Pass a value on to where its gradient would be a silent zero; differentiating it raises.

    **Arguments:**

    - `value`: what a threshold or a draw is about to be taken of.
    - `advice`: the sentence that the error says: what has no gradient, and what has one.

    **Raises:** `ValueError` while tracing, when a derivative is asked for. `jax.lax.stop_gradient`
    around the value says that the zero is meant.

    !!! example

        ```python
        import jax.numpy as jnp
        from fdmc.thermal import no_gradient

        assert no_gradient(jnp.ones(()), "counts have no gradient") == 1
        ```
    """
    return value


@no_gradient.defjvp
def _refuse(advice, primals, tangents):
    raise ValueError(advice)
