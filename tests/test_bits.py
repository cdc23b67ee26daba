"""Packed states: words against truth tables, bits against their law, no trace of chunks or engines."""

import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from _fault_trees import (
    assignments,
    events_as_roots,
    probabilities,
    random_structure,
    truth,
)
from scipy import special, stats

from fdmc.collect.trees._sampler import Accelerated, Covered, Crude
from fdmc.kernel import (
    BLOCK,
    BLOCK_WORDS,
    bit_laws,
    event_words,
    stream_keys,
    threefry2x32,
    valid_words,
    words_of,
)
from fdmc.kernel.trees._bits import gate_words, root_words
from fdmc.kernel.trees._bits_cpu import _threefry, draw, run_steps
from fdmc.logic import binary, collapsed, cover, program


LIMIT = 4.9  # standard deviations: one false alarm in a million
PROBS = (1e-12, 1e-9, 1e-7, 1e-4, 0.01, 0.03, 0.1, 0.3, 1 / 3, 0.5)


def score(hits: int, n: int, p: float) -> float:
    """Normal score of a binomial count by its exact tails."""
    below, above = stats.binom.cdf(hits, n, p), stats.binom.sf(hits - 1, n, p)
    return float(special.ndtri(min(1.0, 2 * min(below, above)) / 2))


def pack(table: np.ndarray) -> np.ndarray:
    """The words of boolean rows [replicas, events], as rows of events."""
    packed = np.packbits(np.ascontiguousarray(table.T), axis=1, bitorder="little")
    return np.ascontiguousarray(packed).view(np.uint32)


def words(structure, probability=None):
    b = binary(structure)
    laws = bit_laws(np.full(len(structure.events), 0.1) if probability is None else probability)
    return words_of(laws, b.first, b.second, b.xor, b.level, b.roots)


def law_rows(probability: np.ndarray):
    laws = bit_laws(probability)
    columns = (laws.digits, laws.level, laws.least, laws.start, laws.stop)
    return np.stack(columns, 1).astype(np.int32), laws


@pytest.mark.parametrize("seed", range(40))
def test_words_equal_the_truth_table(seed):
    """Every state of the events is one replica; both engines, every gate kind, roots negated or not."""
    s = random_structure(seed, events=6, gates=9, roots=3)
    table = np.array(assignments(6))
    packed = pack(table)
    expected = np.array([truth(s, failed) for failed in assignments(6)]).T
    w = words(s)
    roots = np.asarray(root_words(w, gate_words(w, jnp.asarray(packed))))
    bits = np.unpackbits(roots.view(np.uint8), axis=1, bitorder="little").astype(bool)
    assert np.array_equal(bits, expected)

    steps = program(binary(s), resident=True)
    slots = np.zeros((max(steps.slots, 6), packed.shape[1]), np.uint32)
    slots[:6] = packed
    nothing = np.zeros(0, np.uint32)
    laws = np.zeros((0, 5), np.int32)
    run_steps(
        slots,
        np.zeros((2, 4), np.uint32),
        steps.steps,
        laws,
        nothing,
        nothing,
        np.zeros((0, 2), np.uint32),
        np.uint32(0),
    )
    for (slot, negated), row in zip(steps.roots.tolist(), expected, strict=True):
        word = slots[slot] if slot >= 0 else np.zeros(packed.shape[1], np.uint32)
        bit = np.unpackbits(word.view(np.uint8), bitorder="little").astype(bool)
        assert np.array_equal(bit ^ bool(negated), row)


@pytest.mark.parametrize(("n", "need"), [(7, 3), (7, 4), (9, 5), (12, 6), (12, 10), (5, 2)])
def test_votes_of_many_count_right(n, need):
    """Wide votes go through bit-sliced counters."""
    s = events_as_roots(n)
    rows = dict(
        kind=[2], need=[need], offset=[0, n], child=2 * np.arange(1, n + 1), roots=[2 * n + 2]
    )
    dtypes = dict(kind=np.int8)
    fields = {k: np.array(v, dtypes.get(k, np.int32)) for k, v in rows.items()}
    s = type(s)(s.events, ("",), **fields)
    table = np.array(assignments(n))
    packed = pack(table)
    w = words(s)
    bits = np.asarray(root_words(w, gate_words(w, jnp.asarray(packed)))).view(np.uint8)
    got = np.unpackbits(bits, bitorder="little").astype(bool)
    assert np.array_equal(got, table.sum(1) >= need)


def test_the_scalar_generator_is_the_house_generator():
    rng = np.random.default_rng(0)
    for k0, k1, c0, c1 in rng.integers(1 << 32, size=(20, 4), dtype=np.uint32):
        with np.errstate(over="ignore"):
            expected = threefry2x32((k0, k1), (c0, c1))
        assert _threefry(k0, k1, c0, c1) == expected


@pytest.mark.parametrize("p", [1e-20, 1e-15, *PROBS, 0.49999, 0.2500001, 0.0999])
def test_tables_give_the_probability(p):
    """A bit misses all hits with probability sum_k P(K = k) (1 - 1/B)^k: no draw needed. Relative error 1e-11."""
    laws = bit_laws(np.array([p]))
    tail = laws.high * 2.0**-32 + laws.low * 2.0**-64
    j = laws.least[0] + np.arange(len(tail))
    stay = np.log1p(-1 / BLOCK)
    hit = -np.expm1(laws.least[0] * stay) + math.fsum(tail / BLOCK * np.exp(j * stay))
    coarse = laws.level[0] / 2.0 ** laws.digits[0]
    # The last kept tail is 2^-64 at least: what p = 1e-20 loses is 2^-80.
    assert coarse + (1 - coarse) * hit == pytest.approx(p, rel=1e-11, abs=2.0**-80)


def test_both_engines_draw_the_same_bits():
    p = np.array([1e-7, 3e-5, 1e-3, 0.01, 0.01, 0.07, 0.11, 0.25, 1 / 3, 0.4999, 0.5])
    keys = stream_keys(7, np.arange(len(p)), 3)
    blocks = np.array([0, 5, 65535], np.uint32)
    xla = np.asarray(jax.jit(event_words)(words(events_as_roots(len(p)), p), keys, blocks))
    rows, laws = law_rows(p)
    scratch, row = np.zeros((2, 4096), np.uint32), np.zeros(BLOCK_WORDS, np.uint32)
    for e, (i, block) in itertools.product(range(len(p)), enumerate(blocks)):
        draw(row, scratch, rows[e], laws.high, laws.low, keys[e, 0], keys[e, 1], block)
        assert np.array_equal(row, xla[e, i * BLOCK_WORDS : (i + 1) * BLOCK_WORDS]), p[e]


def test_both_engines_count_the_same():
    s = random_structure(3, events=8, gates=12, roots=3)
    given = (s, np.linspace(0.02, 0.98, 8))
    cpu, xla = (kind(*collapsed(*given), 11) for kind in (Crude, Accelerated))
    for first, last in ((0, 70_000), (1 << 32, (1 << 32) + 3 * BLOCK)):
        assert cpu.count(first, last).tolist() == xla.count(first, last).tolist()


@pytest.mark.parametrize("kind", ["crude", "covered"])
def test_chunks_leave_no_trace(kind):
    s = random_structure(5, events=8, gates=10, roots=1, coherent=True)
    reduced = collapsed(s, np.geomspace(0.01, 0.2, 8), modules=False)
    sampler = Crude(*reduced, 2)
    if kind == "covered":
        sampler = Covered(*reduced, 2, cover(*reduced, int(reduced[0].roots[0])))
    start, last = (1 << 32) - 3 * BLOCK, (1 << 32) - 1000
    whole = sampler.count(start, last)
    assert whole.sum() > 0
    for size in (BLOCK, 2 * BLOCK):
        cuts = [*range(start, last, size), last]
        parts = [sampler.count(a, b) for a, b in itertools.pairwise(cuts)]
        assert np.array_equal(np.sum(parts, 0), whole)


def test_every_block_is_drawn_anew():
    """Neither the low nor the high word of a replica's number is forgotten."""
    sampler = Crude(*collapsed(events_as_roots(20), np.full(20, 0.3)), 1)
    starts = (0, BLOCK, 1 << 32, (1 << 32) + BLOCK, 1 << 48)
    assert len({tuple(sampler.count(k, k + BLOCK)) for k in starts}) == len(starts)


def test_a_count_ends_at_its_last_replica():
    """The counts of prefixes grow by the bits of the rows, one replica at a time and across words."""
    sampler = Crude(*collapsed(events_as_roots(1), np.array([0.3])), 5)
    rows, laws = law_rows(np.array([0.3]))
    key = stream_keys(5, np.array([0x0F17_0000]))[0]
    row, scratch = np.zeros(BLOCK_WORDS, np.uint32), np.zeros((2, 4096), np.uint32)
    draw(row, scratch, rows[0], laws.high, laws.low, key[0], key[1], np.uint32(0))
    bits = np.unpackbits(row.view(np.uint8), bitorder="little")
    for n in (1, 2, 31, 32, 33, 1000, BLOCK - 1, BLOCK):
        assert sampler.count(0, n).tolist() == [int(bits[:n].sum())]
    assert int(valid_words(33).view(np.uint8).sum()) == 4 * 255 + 1


@pytest.mark.statistical
def test_marginals():
    """2^31 replicas of each event, exact binomial tails, |z| <= 4.9."""
    p = np.array([0.0, *PROBS, 0.7, 0.999, 1 - 1e-6, 1.0])
    n = 1 << 31
    sampler = Crude(*collapsed(events_as_roots(len(p)), p), 20)
    size = sampler.blocks * BLOCK
    hits = sum(sampler.count(first, min(first + size, n)) for first in range(0, n, size))
    assert hits[0] == 0
    assert hits[-1] == n
    scores = [score(int(h), n, q) for h, q in zip(hits, p, strict=True) if 0 < q < 1]
    assert max(map(abs, scores)) <= LIMIT, scores
    assert sum(z * z for z in scores) < stats.chi2.isf(1e-6, len(scores))


@pytest.mark.statistical
def test_bits_are_independent():
    """Pairs of events, and a replica and its neighbours at many lags: |z| <= 4.9."""
    p = np.array([0.002, 0.01, 0.01, 0.06, 0.12, 0.3, 0.37, 0.5])
    rows, laws = law_rows(p)
    keys = stream_keys(1, np.arange(len(p)))
    out = np.zeros((len(p), 32, BLOCK_WORDS), np.uint32)
    scratch = np.zeros((2, 4096), np.uint32)
    for e, b in itertools.product(range(len(p)), range(32)):
        k = keys[e]
        draw(out[e, b], scratch, rows[e], laws.high, laws.low, k[0], k[1], np.uint32(b))
    bits = np.unpackbits(out.reshape(len(p), -1).view(np.uint8), axis=1, bitorder="little")
    bits = bits.astype(bool)
    pairs = [(i, j, 0) for i, j in itertools.combinations(range(len(p)), 2)]
    lags = [(i, i, lag) for i in range(len(p)) for lag in (1, 2, 3, 31, 32, 64, 2048, BLOCK)]
    for i, j, lag in pairs + lags:
        a, b = bits[i, lag:], bits[j, : bits.shape[1] - lag]
        n, both = len(a), int((a & b).sum())
        q = p[i] * p[j]
        sd = math.sqrt(n * (q * (1 - q) + (2 * q * (p[i] - q) if lag else 0)))
        assert abs(both - n * q) <= LIMIT * sd, (i, j, lag)


@pytest.mark.parametrize("seed", range(30))
def test_collapsed_keeps_the_law(seed):
    rng = np.random.default_rng(seed)
    s = random_structure(100 + seed, events=7, gates=6, roots=2)
    p = rng.choice([0.0, 1.0, 1e-9, 0.01, 0.3, 0.8, 1 - 1e-6], 7)
    expected = probabilities(s, p)
    for modules in (False, True):
        reduced, q = collapsed(s, p, modules)
        assert np.all((q > 0) & (q <= 0.5))
        np.testing.assert_allclose(probabilities(reduced, q), expected, rtol=1e-12, atol=1e-17)


def test_collapsed_loses_no_digits_of_a_small_complement():
    s = random_structure(0, events=2, gates=1, roots=1, coherent=True)
    fields = dict(kind=np.array([1], np.int8), need=np.zeros(1, np.int32))
    fields |= dict(offset=np.array([0, 2], np.int32), child=np.array([2, 4], np.int32))
    s = type(s)(s.events, ("",), **fields, roots=np.array([7], np.int32))  # not (a or b)
    reduced, q = collapsed(s, np.array([1e-14, 3e-14]))
    assert reduced.roots.tolist() == [3]
    assert q[0] == pytest.approx(4e-14, rel=1e-13)


@pytest.mark.statistical
@pytest.mark.parametrize("seed", range(12))
def test_frequencies_agree_with_enumeration(seed):
    """All roots of random trees, 2^20 replicas, exact binomial tails, |z| <= 4.9."""
    rng = np.random.default_rng(seed)
    s = random_structure(200 + seed, events=8, gates=12, roots=3)
    p = rng.choice([1e-3, 0.05, 0.4, 0.9], 8)
    n = 1 << 20
    for modules in (False, True):
        hits = Crude(*collapsed(s, p, modules), seed).count(0, n)
        for h, q in zip(hits.tolist(), probabilities(s, p).tolist(), strict=True):
            if 1e-15 < q < 1 - 1e-15:
                assert abs(score(h, n, q)) <= LIMIT
            else:
                assert h == round(q) * n
