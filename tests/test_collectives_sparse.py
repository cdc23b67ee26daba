"""The sparse form finds the same statistics as the dense one."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fdmc.fabric import collective_seconds, link_state, sparse_link_state


N, K, L = 24, 5, 4
DOMAIN = dict(accelerators=N, planes=K, lanes_per_link=L)
FIELDS = ("used", "min_link", "sum_link", "sum_plane_min", "exact")


def _sample(rng, slots, batch, whole_prob):
    """Lists without repetitions, and the capacities they stand for; links and planes, some slots empty."""
    accelerator, plane = np.zeros((2, slots, batch), np.int32)
    live = rng.integers(0, L + 1, (slots, batch)).astype(np.float32)  # L: an empty slot
    dense = np.full((batch, N, K), L, np.float32)
    for m in range(batch):
        whole = rng.random(slots) < whole_prob
        planes = rng.permutation(K)
        whole &= np.cumsum(whole) <= K
        links = rng.choice(N * K, slots, replace=False)
        accelerator[:, m] = np.where(whole, -1, links // K)
        plane[:, m] = np.where(whole, planes[(np.cumsum(whole) - 1) % K], links % K)
        for a, k, left in zip(accelerator[:, m], plane[:, m], live[:, m], strict=True):
            rows = slice(None) if a < 0 else a
            dense[m, rows, k] = np.minimum(dense[m, rows, k], left)
    return accelerator, plane, live, dense


def _both(accelerator, plane, live, dense):
    sparse = sparse_link_state(*map(jnp.asarray, (accelerator, plane, live)), **DOMAIN)
    return sparse, link_state(jnp.asarray(dense), jnp.ones(dense.shape[:-1], bool))


@pytest.mark.parametrize("whole_prob", [0.0, 0.2])
@pytest.mark.parametrize("slots", [1, 3, 12])
def test_sparse_is_dense(slots, whole_prob):
    sparse, dense = _both(*_sample(np.random.default_rng(slots), slots, 500, whole_prob))
    for field in FIELDS:
        np.testing.assert_array_equal(getattr(sparse, field), getattr(dense, field), field)
    if slots == 12:
        assert 0 < np.mean(sparse.exact) < 1


@pytest.mark.parametrize("count", [5, 6])
def test_flag_counts_a_quarter(count):
    """Of 24 accelerators, 5 on one plane may have lost lanes; 6 are not fewer than a quarter."""
    rows = jnp.arange(count)
    plane, live = jnp.zeros(count, jnp.int32), jnp.full(count, 3.0)
    assert bool(sparse_link_state(rows, plane, live, **DOMAIN).exact) is (count == 5)
    dead = sparse_link_state(
        jnp.append(rows, -1), jnp.append(plane, 0), jnp.append(live, 0.0), **DOMAIN
    )
    assert dead.exact  # nobody needs that plane
    assert dead.min_link == (K - 1) * L


def test_empty_lists_are_healthy():
    zeros = jnp.zeros((3, 7), jnp.int32)
    state = sparse_link_state(zeros, zeros, jnp.full((3, 7), float(L)), **DOMAIN)
    for field, value in zip(FIELDS, (N, K * L, N * K * L, K * L, True), strict=True):
        np.testing.assert_array_equal(getattr(state, field), np.full(7, value), field)


def test_shapes_and_participants_of_each_state():
    rng = np.random.default_rng(5)
    accelerator, plane, live, _ = _sample(rng, 4, 6, 0.1)
    flat = sparse_link_state(*map(jnp.asarray, (accelerator, plane, live)), **DOMAIN)
    boxed = [jnp.asarray(x.reshape(4, 2, 3)) for x in (accelerator, plane, live)]
    shaped = sparse_link_state(*boxed, **DOMAIN)
    np.testing.assert_array_equal(shaped.sum_link.ravel(), flat.sum_link)
    alone = sparse_link_state(*(jnp.asarray(x[:, 2]) for x in (accelerator, plane, live)), **DOMAIN)
    assert alone.min_link == flat.min_link[2]
    fewer = sparse_link_state(*boxed, **(DOMAIN | {"accelerators": jnp.array([24, 20, 16])}))
    np.testing.assert_array_equal(fewer.used, [[24, 20, 16]] * 2)
    less = shaped.sum_link[:, 1] - fewer.sum_link[:, 1]
    lost = np.where(accelerator < 0, L - live, 0).sum(0).reshape(2, 3)[:, 1]
    np.testing.assert_array_equal(less, 4 * (K * L - lost))


def test_times_and_gradients_are_those_of_the_dense_form():
    where, which = jnp.array([2, 2, 7, -1]), jnp.array([0, 1, 1, 3])
    lanes = jnp.array([1.5, 2.5, 0.75, 3.0])

    def sparse(live):
        return _times(sparse_link_state(where, which, live, **DOMAIN))

    def dense(live):
        full = jnp.full((N, K), float(L)).at[:, 3].set(live[3])
        full = full.at[where[:3], which[:3]].set(live[:3])
        return _times(link_state(full, jnp.ones(N, bool)))

    np.testing.assert_allclose(sparse(lanes), dense(lanes), rtol=1e-6)
    np.testing.assert_allclose(
        jax.jacrev(sparse)(lanes), jax.jacrev(dense)(lanes), rtol=1e-5, atol=1e-9
    )


def _times(state):
    pairs = [("all_reduce", a) for a in ("optimal", "ring", "in_switch")]
    return jnp.stack([collective_seconds(op, how, 100.0, state) for op, how in pairs])
