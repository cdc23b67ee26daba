"""Which ranges lie in which, as bits: against the bounds themselves, with more ranges than a word has bits."""

import jax.numpy as jnp
import numpy as np
import pytest

from fdmc.kernel._losses import Losses, has, nest, outside


LANES = 16


def tree_of_ranges(slots: int) -> Losses:
    """Ranges of a tree of halves, [slots, lanes]; equal ones occur."""
    rng = np.random.default_rng(slots)
    size = 1 << rng.integers(0, 7, (slots, LANES))
    low = rng.integers(0, 64, (slots, LANES)) // size * size
    zero = jnp.zeros((slots, LANES), jnp.int32)
    return Losses(
        active=jnp.asarray(rng.random((slots, LANES)) < 0.2),
        low=jnp.asarray(low, jnp.int32), high=jnp.asarray(low + size, jnp.int32),
        kind=zero, left=zero, right=zero, loss=jnp.ones((slots, LANES)),
    )  # fmt: skip


@pytest.mark.parametrize("slots", [5, 32, 40])
def test_bits_are_the_comparisons(slots):
    x = tree_of_ranges(slots)
    low, high, active = (np.asarray(v) for v in (x.low, x.high, x.active))
    inside = (low[:, None] <= low) & (high <= high[:, None])  # [around, within, lane]
    equal, number = inside & inside.swapaxes(0, 1), np.arange(slots)
    earlier = (number[:, None] < number)[..., None]
    found = nest(jnp.array(True), x)
    for j in range(slots):
        np.testing.assert_array_equal(has(j, found.inside), inside[j])
        np.testing.assert_array_equal(has(j, found.after), inside[j] & (~equal[j] | earlier[j]))
    covered = np.any(active[:, None] & inside & (~equal | earlier), 0)
    np.testing.assert_array_equal(outside(jnp.array(True), x, x.active), active & ~covered)
