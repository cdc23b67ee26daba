"""What many replicas have in common: exact sums that merge in any order, on any machine, on any day."""

import dataclasses
from typing import Any

import numpy as np


HOURS = 1 << 20  # hours are counted in 2^-20 h (3.4 ms)
# Histogram of the lost part of the work rate in each time bin: level 0 below 1e-6, then logarithmic to 1.
LEVELS = 200
_SPLIT = 22


def level_of(lost: np.ndarray) -> np.ndarray:
    """Return the histogram level of lost fractions in [0, 1]."""
    log = np.log10(np.maximum(lost, 1e-9)) / 6 + 1
    return np.clip(np.ceil(log * (LEVELS - 1)), 0, LEVELS - 1).astype(np.int64)


def level_edges() -> tuple[np.ndarray, np.ndarray]:
    """Return the least and the greatest lost fraction of every level."""
    top = 10 ** (6 * (np.arange(LEVELS) / (LEVELS - 1) - 1))
    return np.concatenate([[0.0], top[:-1]]), top


@dataclasses.dataclass
class Tally:
    """Sums over replicas as Python integers: merging is exact, commutative and associative.

    `sums` and `squares` have one entry a column; `cross` the products of the first columns with one
    another; `curve` counts replicas by time bin and level of the lost work rate; `void` counts replicas in
    which a bound was hit, and which stand in no other number.
    """

    replicas: int
    sums: np.ndarray
    squares: np.ndarray
    cross: np.ndarray
    curve: np.ndarray
    steps: int = 0
    void: int = 0

    @staticmethod
    def zero(columns: int, core: int, bins: int) -> "Tally":
        """Return the neutral tally."""
        big = lambda *shape: np.zeros(shape, object)
        return Tally(0, big(columns), big(columns), big(core, core), big(bins, LEVELS))

    @staticmethod
    def of(columns: np.ndarray, core: int, curve: np.ndarray, steps: int) -> "Tally":
        """Tally a chunk: int64[replicas, columns] below 2^44 in size, levels int64[replicas, bins]."""
        low = columns & ((1 << _SPLIT) - 1)
        high = columns >> _SPLIT
        product = lambda a, b: np.einsum("ri,ri->i", a, b).astype(object)
        squares = (product(high, high) << 2 * _SPLIT) + (product(high, low) << _SPLIT + 1)
        h, l = high[:, :core], low[:, :core]
        matrix = lambda a, b: np.einsum("ri,rj->ij", a, b).astype(object)
        mixed = matrix(h, l)
        cross = (matrix(h, h) << 2 * _SPLIT) + ((mixed + mixed.T) << _SPLIT) + matrix(l, l)
        counts = np.zeros((curve.shape[1], LEVELS), np.int64)
        for b in range(curve.shape[1]):
            counts[b] = np.bincount(curve[:, b], minlength=LEVELS)
        return Tally(
            replicas=len(columns),
            sums=columns.sum(0).astype(object),
            squares=squares + product(low, low),
            cross=cross,
            curve=counts.astype(object),
            steps=steps,
        )

    def merge(self, other: "Tally") -> "Tally":
        """Return the tally of both."""
        both: dict[str, Any] = {
            f.name: getattr(self, f.name) + getattr(other, f.name) for f in dataclasses.fields(self)
        }
        return Tally(**both)

    def to_dict(self) -> dict:
        """Return plain lists and integers."""
        values = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        return {k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in values.items()}

    @staticmethod
    def from_dict(values: dict) -> "Tally":
        """Return the tally that `to_dict` has written."""
        fields: dict[str, Any] = {
            k: np.array(v, object) if isinstance(v, list) else v for k, v in values.items()
        }
        return Tally(**fields)
