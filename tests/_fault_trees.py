"""Random small structures, and what is true of them by enumeration in plain Python."""

import math

import numpy as np

from fdmc.logic import Kind, Structure


def random_structure(
    seed: int, events: int = 5, gates: int = 7, roots: int = 2, coherent: bool = False
) -> Structure:
    """A DAG with all kinds of gates, negated and constant arguments; the last gates are the roots."""
    rng = np.random.default_rng(seed)
    kinds, needs, args = [], [], []
    for gate in range(gates):
        kind = int(rng.integers(3 if coherent else 4))
        width = int(rng.integers(1, 6))
        nodes = rng.integers(int(coherent), 1 + events + gate, width)
        negated = np.zeros(width, int) if coherent else rng.integers(2, size=width)
        kinds.append(kind)
        needs.append(int(rng.integers(1, width + 1)) if kind == Kind.VOTE else 0)
        args.append(2 * nodes + negated)
    last = 2 * (1 + events + np.arange(gates - roots, gates))
    signs = np.zeros(roots, int) if coherent else rng.integers(2, size=roots)
    return Structure(
        tuple(f"e{i}" for i in range(events)),
        ("",) * gates,
        np.array(kinds, np.int8),
        np.array(needs, np.int32),
        np.cumsum([0, *map(len, args)]).astype(np.int32),
        np.concatenate(args).astype(np.int32),
        (last + signs).astype(np.int32),
    )


def events_as_roots(count: int) -> Structure:
    """Nothing but events, each a root."""
    zero = np.zeros(0, np.int32)
    roots = 2 * np.arange(1, count + 1)
    names = tuple(f"e{i}" for i in range(count))
    return Structure(
        names, (), zero.astype(np.int8), zero, np.zeros(1, np.int32), zero, roots.astype(np.int32)
    )


def truth(structure: Structure, failed: tuple[bool, ...]) -> list[bool]:
    """The roots, gate by gate."""
    value = [False, *failed]
    of = lambda x: value[x >> 1] != bool(x & 1)
    for gate, kind in enumerate(structure.kind.tolist()):
        args = [of(x) for x in structure.arguments(gate).tolist()]
        value.append(
            [all(args), any(args), sum(args) >= structure.need[gate], sum(args) % 2 == 1][kind]
        )
    return [of(x) for x in structure.roots.tolist()]


def assignments(events: int) -> list[tuple[bool, ...]]:
    """All states; bit e of the number of a state is event e."""
    return [tuple(bool(k >> e & 1) for e in range(events)) for k in range(1 << events)]


def probabilities(structure: Structure, probability: np.ndarray) -> np.ndarray:
    """The probabilities of the roots."""
    total = np.zeros(len(structure.roots))
    for failed in assignments(len(structure.events)):
        pairs = zip(failed, probability.tolist(), strict=True)
        total += math.prod(p if f else 1 - p for f, p in pairs) * np.array(truth(structure, failed))
    return total
