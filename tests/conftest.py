"""What all tests share."""

import jax
import pytest


@pytest.fixture(autouse=True, scope="module")
def _forget_programs():
    """Drop compiled programs after each file: a worker that keeps them all needs 7 GiB in the end."""
    yield
    jax.clear_caches()
