"""The peer of the state reading: bit-packed NumPy with geometric gaps, one process, one core.

What one can write in an afternoon and make fast: 64 replicas to a word, one ufunc call a gate argument, votes by
bit-sliced counters. Failures of all events of one probability lie on one line of events x replicas bits, and the
gaps between them are geometric (the floor of an exponential), so that the work is one draw a failure. The
positions are distinct and sorted, so that words are sums of bits between borders.
"""

import numpy as np


CHUNK = 1 << 17  # replicas at a time: the rows of a small tree stay in the second-level cache
DENSE = 0.1  # from here on a uniform for each replica is cheaper than a gap for each failure


def failures(rng: np.random.Generator, prob: float, bits: int) -> np.ndarray:
    """Return the positions of the failures among `bits` Bernoulli variables, sorted, int64."""
    rate = -np.log1p(-prob)
    mean = bits * prob
    parts, last = [], -1
    while last < bits:
        count = int(mean + 4 * np.sqrt(mean) + 16)
        gaps = rng.standard_exponential(count)
        gaps *= 1 / rate
        positions = gaps.astype(np.int64)
        positions += 1
        np.cumsum(positions, out=positions)
        positions += last
        parts.append(positions)
        last = int(positions[-1])
        mean = max((bits - last) * prob, 0.0)
    positions = parts[0] if len(parts) == 1 else np.concatenate(parts)
    return positions[: np.searchsorted(positions, bits)]


def draw(rng: np.random.Generator, probability: np.ndarray, replicas: int) -> np.ndarray:
    """Return the states of the events, uint64[events, replicas / 64]."""
    rows = np.zeros((len(probability), replicas // 64), np.uint64)
    for prob in np.unique(probability):
        (events,) = np.nonzero(probability == prob)
        flip = prob > 0.5
        small = 1 - prob if flip else prob
        if small >= DENSE:
            bits = rng.random((len(events), replicas), np.float32) < small
            block = np.packbits(bits, axis=1, bitorder="little").view(np.uint64)
        else:
            block = np.zeros((len(events), replicas // 64), np.uint64)
            if small:
                position = failures(rng, small, len(events) * replicas)
                bit = np.uint64(1) << (position & 63).astype(np.uint64)
                np.add.at(block.reshape(-1), position >> 6, bit)
        rows[events] = ~block if flip else block
    return rows


def evaluate(structure, rows: np.ndarray) -> list[np.ndarray]:
    """Return the words of the roots from the words of the events."""
    words = rows.shape[1]
    value: list = [np.zeros(words, np.uint64), *rows, *[None] * len(structure.kind)]
    first = 1 + len(rows)
    last = last_use(structure)
    free: list[np.ndarray] = []

    def literal(x: int) -> np.ndarray:
        return ~value[x >> 1] if x & 1 else value[x >> 1]

    for gate, kind in enumerate(structure.kind):
        args = structure.arguments(gate).tolist()
        out = free.pop() if free else np.empty(words, np.uint64)
        if kind == 2:
            _vote([literal(x) for x in args], int(structure.need[gate]), out)
        else:
            ufunc = (np.bitwise_and, np.bitwise_or, None, np.bitwise_xor)[kind]
            out[:] = literal(args[0]) if len(args) == 1 else 0
            if len(args) > 1:
                ufunc(literal(args[0]), literal(args[1]), out=out)
            for x in args[2:]:
                ufunc(out, literal(x), out=out)
        value[first + gate] = out
        for node in last[gate]:
            if node >= first:
                free.append(value[node])
            value[node] = None
    return [literal(int(x)) for x in structure.roots]


def last_use(structure) -> list[list[int]]:
    """Return for each gate the nodes that nothing reads after it."""
    users: dict[int, int] = {}
    for gate in range(len(structure.kind)):
        for x in structure.arguments(gate).tolist():
            users[x >> 1] = gate
    for x in structure.roots.tolist():
        users.pop(x >> 1, None)
    dead: list[list[int]] = [[] for _ in structure.kind]
    for node, gate in users.items():
        if node:
            dead[gate].append(node)
    return dead


def _vote(words: list[np.ndarray], need: int, out: np.ndarray):
    """At least `need` of the words, counted in bit slices."""
    count = [np.zeros_like(out) for _ in range(len(words).bit_length())]
    for word in words:
        carry = word
        for digit in count:
            carry, digit[:] = digit & carry, digit ^ carry
    # count >= need: the borrow of count - need.
    out[:] = 0
    for i, digit in enumerate(count):
        if need >> i & 1:
            out |= ~digit
        else:
            out &= ~digit
    np.invert(out, out=out)


def sample(structure, probability: np.ndarray, replicas: int, seed: int = 0) -> np.ndarray:
    """Return how often each root is true in `replicas` samples, rounded up to whole chunks, and their number."""
    rng = np.random.default_rng(seed)
    hits = np.zeros(len(structure.roots), np.int64)
    done = 0
    while done < replicas:
        roots = evaluate(structure, draw(rng, probability, CHUNK))
        hits += [int(np.bitwise_count(r).sum()) for r in roots]
        done += CHUNK
    return np.append(hits, done)
