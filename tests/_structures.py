"""Random structure functions, and what brute force says about them."""

import csv
import functools
import os
from pathlib import Path

import numpy as np
import pytest

from fdmc.logic import Kind, Structure


def random_structure(
    seed: int, events: int = 7, gates: int = 9, roots: int = 1, coherent: bool = False
) -> Structure:
    """A DAG with shared gates, constants, repeated arguments, and (unless coherent) negations and XOR."""
    rng = np.random.default_rng(seed)
    kinds = (Kind.AND, Kind.OR, Kind.VOTE) if coherent else tuple(Kind)
    kind, need, child, offset = [], [], [], [0]
    for g in range(gates):
        nodes = 1 + events + g
        size = int(rng.integers(1, 5))
        near = rng.integers(
            max(1, nodes - 5), nodes, size
        )  # recent gates, so that the tree is deep
        far = rng.integers(1, nodes, size)
        args = 2 * np.where(rng.random(size) < 0.5, near, far)
        if not coherent:
            args += rng.random(size) < 0.25
        if rng.random() < 0.05:
            args[0] = rng.integers(0, 2)
        kind.append(int(rng.choice(kinds)))
        need.append(int(rng.integers(1, size + 1)) if kind[-1] == Kind.VOTE else 0)
        child += args.tolist()
        offset.append(len(child))
    top = 2 * np.arange(events + gates, events + gates - roots, -1)
    if not coherent:
        top = top + rng.integers(0, 2, roots)
    return make(events, kind, need, offset, child, top)


def make(events: int, kind, need, offset, child, roots) -> Structure:
    return Structure(
        tuple(f"e{i}" for i in range(events)),
        ("",) * len(kind),
        np.array(kind, np.int8),
        np.array(need, np.int32),
        np.array(offset, np.int32),
        np.array(child, np.int32),
        np.array(roots, np.int32),
    )


def gates(events: int, *rows: tuple[Kind, int, list[int]]) -> Structure:
    """A structure from rows (kind, need, literals); the root is the last one."""
    offset = np.concatenate([[0], np.cumsum([len(row[2]) for row in rows])])
    child = [a for row in rows for a in row[2]]
    kinds, needs = [int(row[0]) for row in rows], [row[1] for row in rows]
    return make(events, kinds, needs, offset, child, [2 * (events + len(rows))])


def states(events: int) -> np.ndarray:
    """Every state, bool[2 ** events, events]; event e is bit e of the row's number."""
    return (np.arange(2**events)[:, None] >> np.arange(events)) & 1 == 1


def truth(structure: Structure) -> np.ndarray:
    """The roots in every state, bool[2 ** events, roots], one gate after the other."""
    columns = [np.zeros(2 ** len(structure.events), bool), *states(len(structure.events)).T]

    def literal(a: int) -> np.ndarray:
        return columns[a >> 1] ^ bool(a & 1)

    for g, kind in enumerate(structure.kind):
        args = np.array([literal(int(a)) for a in structure.arguments(g)])
        match Kind(int(kind)):
            case Kind.AND:
                columns.append(args.all(0))
            case Kind.OR:
                columns.append(args.any(0))
            case Kind.VOTE:
                columns.append(args.sum(0) >= structure.need[g])
            case Kind.XOR:
                columns.append(args.sum(0) % 2 == 1)
    return np.stack([literal(int(r)) for r in structure.roots], axis=1)


def weights(p: np.ndarray) -> np.ndarray:
    """The probability of every state."""
    return np.where(states(len(p)), p, 1 - p).prod(1)


def minimal_sets(solution: np.ndarray) -> set[frozenset[int]]:
    """The minimal states (sets of failed events) among those where `solution` holds."""
    found: list[int] = []
    for s in sorted(np.flatnonzero(solution).tolist(), key=int.bit_count):
        if not any(s & f == f for f in found):
            found.append(s)
    return {frozenset(i for i in range(s.bit_length()) if s >> i & 1) for s in found}


REFERENCE = Path(
    os.environ.get("FDMC_REFERENCE", Path(__file__).parents[2] / "shared" / "reference")
)
needs_reference = pytest.mark.skipif(
    not (REFERENCE / "fault_trees").is_dir(),
    reason="the reference models are not here; FDMC_REFERENCE names their folder",
)


@functools.cache
def reference(table: str) -> list[dict[str, str]]:
    """Rows of one of the reference tables; [] where they are not at hand."""
    path = REFERENCE / "fault_trees" / f"{table}.csv"
    if not path.is_file():
        return []
    with path.open() as file:
        return list(csv.DictReader(file))


@functools.cache
def aralia(name: str) -> tuple[Structure, np.ndarray]:
    """A tree of the Aralia set as arrays, and the probabilities of its events."""
    from fdmc.logic import structure  # noqa: PLC0415
    from fdmc.spec.fault_tree import read  # noqa: PLC0415

    tree = read(REFERENCE / "fault_trees" / "models" / "aralia" / f"{name}.xml")
    found = structure(tree, list(tree.tops))
    p = np.array([tree.basic_events[event].probability for event in found.events], float)
    return found, p


def values_of(quantity: str) -> dict[str, float]:
    """Reference values of the Aralia trees by model."""
    rows = [r for r in reference("reference_values") if r["family"].startswith("Aralia")]
    return {r["model"]: float(r["value"]) for r in rows if r["quantity"] == quantity}
