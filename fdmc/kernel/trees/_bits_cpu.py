"""Packed states on a CPU: draw and evaluate one block of 65,536 replicas at a time, in cache.

Compiled by Numba, because a hit is one read-modify-write of a word: XLA's scatter takes 3 ns for it and has no OR,
its elementwise forms 4 ns, a loop 0.4 ns. The counters are those of `_bits`, and so is every bit.
"""

import typing

import numba
import numpy as np


BLOCK_WORDS = 2048
STRIP = 16  # words that are counted together: one vector register
_U = np.uint32


def _kept(function):
    """Compile, and keep the machine code beside this file for the next process, if there is room for it.

    What is kept is thrown away when *this* file changes, so that all compiled functions must stand in it.
    """
    try:
        return numba.njit(nogil=True, cache=True)(function)
    except RuntimeError:  # no folder that could be written
        return numba.njit(nogil=True)(function)


@numba.njit(nogil=True)
@typing.no_type_check
def _four(x0, x1, r0, r1, r2, r3):
    x0 = _U(x0 + x1)
    x1 = _U(_U(x1 << _U(r0)) | _U(x1 >> _U(32 - r0))) ^ x0
    x0 = _U(x0 + x1)
    x1 = _U(_U(x1 << _U(r1)) | _U(x1 >> _U(32 - r1))) ^ x0
    x0 = _U(x0 + x1)
    x1 = _U(_U(x1 << _U(r2)) | _U(x1 >> _U(32 - r2))) ^ x0
    x0 = _U(x0 + x1)
    x1 = _U(_U(x1 << _U(r3)) | _U(x1 >> _U(32 - r3))) ^ x0
    return x0, x1


@numba.njit(nogil=True)
@typing.no_type_check
def _threefry(k0, k1, c0, c1):
    """Threefry-2x32-20 of one counter: `threefry2x32` of `_draw`, as scalars."""
    k2 = _U(k0 ^ k1 ^ _U(0x1BD11BDA))
    x0, x1 = _four(_U(c0 + k0), _U(c1 + k1), 13, 15, 26, 6)
    x0, x1 = _four(_U(x0 + k1), _U(x1 + k2 + _U(1)), 17, 29, 16, 24)
    x0, x1 = _four(_U(x0 + k2), _U(x1 + k0 + _U(2)), 13, 15, 26, 6)
    x0, x1 = _four(_U(x0 + k0), _U(x1 + k1 + _U(3)), 17, 29, 16, 24)
    x0, x1 = _four(_U(x0 + k1), _U(x1 + k2 + _U(4)), 13, 15, 26, 6)
    return _U(x0 + k2), _U(x1 + k0 + _U(5))


@numba.njit(nogil=True)
@typing.no_type_check
def _hits(law, high, low, k0, k1, block):
    """Return the number of hits: `least` and the thresholds above 64 random bits."""
    a, b = _threefry(k0, k1, _U(0), block)
    u = (np.uint64(a) << np.uint64(32)) | np.uint64(b)
    first, last = law[3], law[4]
    while first < last:
        mid = (first + last) >> 1
        if u < ((np.uint64(high[mid]) << np.uint64(32)) | np.uint64(low[mid])):
            first = mid + 1
        else:
            last = mid
    return law[2] + first - law[3]


@numba.njit(nogil=True)
@typing.no_type_check
def _dense(row, digits, level, k0, k1, block):
    """Combine `digits` words of random bits, the last digit first: P(bit) = level / 2^digits."""
    for pair in range(0, digits, 2):
        second = pair + 1 < digits
        for w in range(BLOCK_WORDS):
            a, b = _threefry(k0, k1, _U(pair * (BLOCK_WORDS // 2) + w), block | _U(2 << 16))
            acc = row[w]
            acc = acc | a if level >> pair & 1 else acc & a
            if second:
                acc = acc | b if level >> (pair + 1) & 1 else acc & b
            row[w] = acc


@numba.njit(nogil=True)
@typing.no_type_check
def _set(row, position):
    row[position >> _U(5)] |= _U(1) << (position & _U(31))


@numba.njit(nogil=True)
@typing.no_type_check
def draw(row, scratch, law, high, low, k0, k1, block):
    """Draw one event's block into `row`, uint32[words]; `law` is a row of `law_rows`."""
    for w in range(BLOCK_WORDS):
        row[w] = _U(0)
    if law[0] > 0:
        _dense(row, law[0], law[1], k0, k1, block)
    hits = _hits(law, high, low, k0, k1, block)
    whole = hits >> 2
    for i in range((hits + 3) >> 2):
        a, b = _threefry(k0, k1, _U(i), block | _U(1 << 16))
        scratch[0, i] = a
        scratch[1, i] = b
    for i in range(whole):
        a, b = scratch[0, i], scratch[1, i]
        _set(row, a & _U(0xFFFF))
        _set(row, a >> _U(16))
        _set(row, b & _U(0xFFFF))
        _set(row, b >> _U(16))
    for j in range(hits & 3):
        _set(row, _U(scratch[j >> 1, whole] >> _U(16 * (j & 1))) & _U(0xFFFF))


@numba.njit(nogil=True)
@typing.no_type_check
def _mask(complement, k):
    return _U(0xFFFFFFFF) if complement >> k & 1 else _U(0)


@numba.njit(nogil=True)
@typing.no_type_check
def _apply(slots, step):
    """Compute one step: an XOR of two slots, or an AND of two to four, complemented or not."""
    out, a, b = slots[step[1]], slots[step[2]], slots[step[3]]
    fa, fb = _mask(step[6], 0), _mask(step[6], 1)
    if step[0] == 1:
        for w in range(out.shape[0]):
            out[w] = a[w] ^ b[w]
    elif step[0] == 2:
        for w in range(out.shape[0]):
            out[w] = (a[w] ^ fa) & (b[w] ^ fb)
    else:
        c, fc = slots[step[4]], _mask(step[6], 2)
        if step[0] == 3:
            for w in range(out.shape[0]):
                out[w] = (a[w] ^ fa) & (b[w] ^ fb) & (c[w] ^ fc)
        else:
            d, fd = slots[step[5]], _mask(step[6], 3)
            for w in range(out.shape[0]):
                out[w] = (a[w] ^ fa) & (b[w] ^ fb) & (c[w] ^ fc) & (d[w] ^ fd)


@numba.njit(nogil=True)
@typing.no_type_check
def run_steps(slots, scratch, steps, laws, high, low, keys, block):
    """Run a program's steps on one block; events are drawn where the program says."""
    for i in range(steps.shape[0]):
        if steps[i, 0] == 0:
            e, out = steps[i, 2], slots[steps[i, 1]]
            draw(out, scratch, laws[e], high, low, keys[e, 0], keys[e, 1], block)
        else:
            _apply(slots, steps[i])


@numba.njit(nogil=True)
@typing.no_type_check
def _population(row, flip, last):
    """Count the bits of `row ^ flip`, in its words before the last only `last` masks the rest off."""
    total = 0
    for w in range(BLOCK_WORDS):
        x = (row[w] ^ flip) & last[w]
        x = _U(x - (_U(x >> _U(1)) & _U(0x55555555)))
        x = _U((x & _U(0x33333333)) + (_U(x >> _U(2)) & _U(0x33333333)))
        x = _U(_U(x + _U(x >> _U(4))) & _U(0x0F0F0F0F))
        total += np.int64(_U(x * _U(0x01010101)) >> _U(24))
    return total


@_kept
@typing.no_type_check
def count_blocks(steps, slots, roots, laws, high, low, keys, first, count, last):
    """Count in how many replicas each root is true, int64[roots].

    **Arguments:** `steps` int32[steps, 7], `slots`, and `roots` int32[roots, 2], of a `Program` whose roots all have
    slots; `laws` int32[events, 5]; `keys` uint32[events, 2]; blocks [first, first + count), `first` the low 16 bits of
    the number; `last` uint32[words], the mask of the last block.
    """
    buffer = np.zeros((slots, BLOCK_WORDS), np.uint32)
    scratch = np.zeros((2, 4096), np.uint32)
    every = np.full(BLOCK_WORDS, 0xFFFFFFFF, np.uint32)
    hits = np.zeros(roots.shape[0], np.int64)
    for n in range(count):
        run_steps(buffer, scratch, steps, laws, high, low, keys, _U(first + n))
        for r in range(roots.shape[0]):
            flip = _U(0xFFFFFFFF) if roots[r, 1] else _U(0)
            hits[r] += _population(buffer[roots[r, 0]], flip, last if n == count - 1 else every)
    return hits


@numba.njit(nogil=True)
@typing.no_type_check
def _choose(rows, start, member, threshold, alias, key, block):
    """Fail the events of one set in every replica."""
    sets = np.uint64(threshold.shape[0])
    for replica in range(32 * BLOCK_WORDS):
        a, b = _threefry(key[0], key[1], _U(replica), block | _U(3 << 16))
        i = np.int64((np.uint64(a) * sets) >> np.uint64(32))
        if b >= threshold[i]:
            i = np.int64(alias[i])
        bit = _U(1) << _U(replica & 31)
        for j in range(start[i], start[i + 1]):
            rows[member[j], replica >> 5] |= bit


@numba.njit(nogil=True)
@typing.no_type_check
def _count_sets(rows, w0, event, depth, after, leaf, path, planes):
    """Count the failed sets of the replicas of a strip in bit slices, uint32[planes, strip]."""
    planes[:] = _U(0)
    i = 0
    while i < event.shape[0]:
        d, row, some = depth[i], rows[event[i]], _U(0)
        for w in range(STRIP):
            x = path[d, w] & row[w0 + w]
            path[d + 1, w] = x
            some |= x
        if some == 0:
            i = after[i]
            continue
        if leaf[i]:
            for w in range(STRIP):
                carry = path[d + 1, w]
                k = 0
                while carry != 0:
                    digit = planes[k, w]
                    planes[k, w] = digit ^ carry
                    carry &= digit
                    k += 1
        i += 1


@numba.njit(nogil=True)
@typing.no_type_check
def _tally(root, flip, last, w0, planes, counts):
    """Add the replicas of a strip in which the root is true to `counts` at their number of failed sets."""
    for w in range(STRIP):
        x = (root[w0 + w] ^ flip) & last[w0 + w]
        bit = 0
        while x != 0:
            if x & _U(1):
                m = 0
                for k in range(planes.shape[0]):
                    m |= np.int64(_U(planes[k, w] >> _U(bit)) & _U(1)) << k
                counts[m] += 1
            x = _U(x >> _U(1))
            bit += 1


@_kept
@typing.no_type_check
def count_covered(
    steps, slots, root, laws, high, low, keys, key, start, member, threshold, alias,
    event, depth, after, leaf, first, count, last,
):  # fmt: skip
    """Count the replicas in which the root is true by the number of sets that fail, int64[sets + 1].

    **Arguments:** as those of `count_blocks`, for a program whose events are resident; `root` int32[2]; `key` of the
    choice of the set; then a `CoverTables`. Replicas with no failed set would disprove the cover.
    """
    rows = np.zeros((slots, BLOCK_WORDS), np.uint32)
    scratch = np.zeros((2, 4096), np.uint32)
    every = np.full(BLOCK_WORDS, 0xFFFFFFFF, np.uint32)
    counts = np.zeros(threshold.shape[0] + 1, np.int64)
    deepest = 0
    for i in range(depth.shape[0]):
        deepest = max(deepest, depth[i])
    path = np.full((deepest + 2, STRIP), 0xFFFFFFFF, np.uint32)
    digits = 1
    while threshold.shape[0] >> digits:
        digits += 1
    planes = np.zeros((digits, STRIP), np.uint32)
    flip = _U(0xFFFFFFFF) if root[1] else _U(0)
    for n in range(count):
        block = _U(first + n)
        for e in range(keys.shape[0]):
            draw(rows[e], scratch, laws[e], high, low, keys[e, 0], keys[e, 1], block)
        _choose(rows, start, member, threshold, alias, key, block)
        run_steps(rows, scratch, steps, laws, high, low, keys, block)
        mask = last if n == count - 1 else every
        for w0 in range(0, BLOCK_WORDS, STRIP):
            _count_sets(rows, w0, event, depth, after, leaf, path, planes)
            _tally(rows[root[0]], flip, mask, w0, planes, counts)
    return counts
