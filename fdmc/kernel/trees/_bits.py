"""Packed states on accelerators: 32 replicas to a word, events drawn row by row, gates in batches.

The counter of a draw is (index, block | purpose << 16) under the key of (seed, event, high word of the block's number):
purpose 0 draws the number of hits, 1 their positions (4 of 16 bits a counter), 2 the binary digits. A bit is a
function of the seed, the event and the replica; `_bits_cpu` draws the same bits.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int, UInt32

from .._draw import U32, threefry2x32
from ._bits_law import BLOCK, BLOCK_WORDS, BitLaws


_BATCH = 64  # operations of one level that run together
_COUNT, _POSITION, _DIGIT = (purpose << 16 for purpose in range(3))


class Words(eqx.Module):
    """What `state_counts` needs: laws, operations and roots as arrays.

    `first` and `second` are literals of operations in whole batches, each batch of one level, the gaps filled with
    operations that nothing reads; operation i is node 1 + events + i. `rows` are the events that are drawn
    with equally many hit counters.
    """

    digits: Int[Array, " events"]
    level: Int[Array, " events"]
    least: Int[Array, " events"]
    start: Int[Array, " events"]
    stop: Int[Array, " events"]
    high: UInt32[Array, " thresholds"]
    low: UInt32[Array, " thresholds"]
    first: Int[Array, " operations"]
    second: Int[Array, " operations"]
    xor: Bool[Array, " operations"]
    roots: Int[Array, " roots"]
    rows: tuple[Int[Array, " _"], ...]
    counters: tuple[int, ...] = eqx.field(static=True)


def words_of(laws: BitLaws, first, second, xor, level, roots) -> Words:
    """Return the arrays for operations in topological order (see `fdmc.logic.Binary`)."""
    events, count = len(laws.digits), len(first)
    order = np.argsort(level, kind="stable")
    batches = []
    for here in np.split(order, np.flatnonzero(np.diff(level[order])) + 1) if count else ():
        padded = np.pad(here, (0, -len(here) % _BATCH), constant_values=-1)
        batches.append(padded)
    place = np.concatenate([np.zeros(0, np.int64), *batches]).astype(np.int64)
    number = np.arange(1 + events + count)
    number[1 + events + place[place >= 0]] = 1 + events + np.flatnonzero(place >= 0)
    move = lambda x: np.where(place >= 0, 2 * number[x[place] >> 1] + (x[place] & 1), 0)
    need = -(-laws.most // 4)
    size = np.where(need > 0, 4 ** np.ceil(np.log(np.maximum(need, 1)) / np.log(4)), 0)
    sizes = np.unique(size)
    return Words(
        digits=jnp.asarray(laws.digits),
        level=jnp.asarray(laws.level),
        least=jnp.asarray(laws.least),
        start=jnp.asarray(laws.start),
        stop=jnp.asarray(laws.stop),
        high=jnp.asarray(laws.high),
        low=jnp.asarray(laws.low),
        first=jnp.asarray(move(first), jnp.int32),
        second=jnp.asarray(move(second), jnp.int32),
        xor=jnp.asarray(np.where(place >= 0, xor[place], False) if count else np.zeros(0, bool)),
        roots=jnp.asarray(2 * number[roots >> 1] + (roots & 1), jnp.int32),
        rows=tuple(jnp.asarray(np.flatnonzero(size == s), jnp.int32) for s in sizes),
        counters=tuple(int(s) for s in sizes),
    )


def hit_counts(
    words: Words, keys: UInt32[Array, "events 2"], blocks: UInt32[Array, " blocks"]
) -> Int[Array, "events blocks"]:
    """Return how many hits each event has in each block, by bisection of 64 random bits."""
    key = (keys[:, :1], keys[:, 1:])
    a, b = threefry2x32(key, (jnp.zeros_like(blocks)[None], (blocks | U32(_COUNT))[None]))
    low = jnp.broadcast_to(words.start[:, None], a.shape)
    high = jnp.broadcast_to(words.stop[:, None], a.shape)
    for _ in range(max(words.high.shape[0], 1).bit_length()):
        mid = (low + high) // 2
        h, l = words.high[mid], words.low[mid]
        below = (low < high) & ((a < h) | ((a == h) & (b < l)))
        low, high = jnp.where(below, mid + 1, low), jnp.where(below, high, mid)
    return words.least[:, None] + low - words.start[:, None]


def event_words(
    words: Words, keys: UInt32[Array, "events 2"], blocks: UInt32[Array, " blocks"]
) -> UInt32[Array, "events words"]:
    """Return the states of the events, the blocks one after the other in a row."""
    hits = hit_counts(words, keys, blocks)
    out = jnp.zeros((hits.shape[0], blocks.shape[0] * BLOCK_WORDS), jnp.uint32)
    for rows, counters in zip(words.rows, words.counters, strict=True):

        def body(i, out, rows=rows, counters=counters):
            e = rows[i]
            key = (keys[e, 0], keys[e, 1])
            row = _dense(key, words.digits[e], words.level[e], blocks)
            row = row | _sparse(key, hits[e], counters, blocks)
            return jax.lax.dynamic_update_slice(out, row.reshape(1, -1), (e, jnp.int32(0)))

        out = jax.lax.fori_loop(0, rows.shape[0], body, out)
    return out


def _sparse(key, hits: Int[Array, " blocks"], counters: int, blocks: UInt32[Array, " blocks"]):
    """Return the words whose replicas are hit, uint32[blocks, words]."""
    index = jnp.arange(counters, dtype=jnp.uint32)[None]
    a, b = threefry2x32(key, (index, (blocks | U32(_POSITION))[:, None]))
    place = jnp.stack([a & U32(0xFFFF), a >> 16, b & U32(0xFFFF), b >> 16], -1)
    place = place.reshape(len(blocks), -1)
    drawn = jnp.arange(4 * counters) < hits[:, None]
    where = jnp.where(drawn, place, U32(BLOCK))  # beyond the block: dropped
    block = jnp.arange(len(blocks))[:, None]
    # Hits may coincide, so that bits cannot be added up: set flags, then pack them.
    flags = jnp.zeros((len(blocks), BLOCK), bool).at[block, where].set(True, mode="drop")
    weights = U32(1) << jnp.arange(32, dtype=jnp.uint32)
    return jnp.sum(flags.reshape(-1, BLOCK_WORDS, 32) * weights, -1, dtype=jnp.uint32)


def _dense(key, digits, level, blocks: UInt32[Array, " blocks"]):
    """Return words whose bits are true with probability level / 2^digits, uint32[blocks, words]."""

    def pair(i, acc):
        index = (i * BLOCK_WORDS).astype(jnp.uint32) + jnp.arange(BLOCK_WORDS, dtype=jnp.uint32)[
            None
        ]
        bits = threefry2x32(key, (index, (blocks | U32(_DIGIT))[:, None]))
        for j, bit in enumerate(bits):
            digit = 2 * i + j
            joined = jnp.where((level >> digit) & 1 == 1, acc | bit, acc & bit)
            acc = jnp.where(digit < digits, joined, acc)
        return acc

    zero = jnp.zeros((len(blocks), BLOCK_WORDS), jnp.uint32)
    return jax.lax.fori_loop(0, (digits + 1) // 2, pair, zero)


def gate_words(words: Words, states: UInt32[Array, "events words"]) -> UInt32[Array, "nodes words"]:
    """Return the states of all nodes: the constant, the events, the operations."""
    first = 1 + states.shape[0]
    count = words.first.shape[0]
    nodes = jnp.zeros((first + count, states.shape[1]), jnp.uint32).at[1:first].set(states)

    if not count:
        return nodes

    def batch(i, nodes):
        cut = lambda x: jax.lax.dynamic_slice(x, (i * _BATCH,), (_BATCH,))
        read = lambda x: nodes[x >> 1] ^ jnp.where(x & 1, U32(0xFFFFFFFF), U32(0))[:, None]
        a, b = read(cut(words.first)), read(cut(words.second))
        out = jnp.where(cut(words.xor)[:, None], a ^ b, a & b)
        return jax.lax.dynamic_update_slice(nodes, out, (first + i * _BATCH, jnp.int32(0)))

    return jax.lax.fori_loop(0, count // _BATCH, batch, nodes)


def root_words(words: Words, nodes: UInt32[Array, "nodes words"]) -> UInt32[Array, "roots words"]:
    """Return the states of the roots."""
    flip = jnp.where(words.roots & 1, U32(0xFFFFFFFF), U32(0))
    return nodes[words.roots >> 1] ^ flip[:, None]


def state_counts(
    words: Words,
    keys: UInt32[Array, "events 2"],
    blocks: UInt32[Array, " blocks"],
    valid: UInt32[Array, " words"],
) -> UInt32[Array, " roots"]:
    """Count in how many replicas of the blocks each root is true.

    **Arguments:** `keys` of the events (`stream_keys`), for the high word of the blocks' replica numbers; `blocks`, the
    low 16 bits of their numbers, fewer than 2^16; `valid`, the mask of the replicas of all blocks.
    """
    roots = root_words(words, gate_words(words, event_words(words, keys, blocks)))
    return jnp.sum(jax.lax.population_count(roots & valid), -1, dtype=jnp.uint32)
