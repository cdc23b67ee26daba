"""Samplers of static fault trees: additive integer counts of any range of blocks of replicas."""

import abc
import dataclasses
import functools
import os

import jax
import numpy as np
from jaxtyping import Int, UInt32

from ...kernel import (
    BLOCK,
    BLOCK_WORDS,
    Words,
    bit_laws,
    count_blocks,
    count_covered,
    cover_tables,
    state_counts,
    stream_keys,
    valid_words,
    words_of,
)
from ...logic import Cover, Structure, binary, program
from .._compile import jit
from ._interval import Counts


_STREAM = 0x0F17_0000
"""The first stream of the static trees: event e draws from the e-th one after it."""
_CHOICE = 0x0F16_FFFF
"""The stream of the choice of a cover's set."""
_STEPS_A_CALL = 1 << 18  # times blocks: about 0.1 s
_NODES_A_CALL = 1 << 17  # times blocks on an accelerator: 1 GiB of words
_BORDER = 1 << 32 >> 16  # blocks that share the high word of their replicas' numbers


class AbstractSampler(abc.ABC):
    """Counts over replicas that depend on the seed and the replica only."""

    @property
    @abc.abstractmethod
    def blocks(self) -> int:
        """How many blocks to count in one call."""

    @abc.abstractmethod
    def count(self, first: int, last: int) -> Int[np.ndarray, " counts"]:
        """Return the counts of the replicas [first, last), at most `blocks` blocks, `first` at the start of one."""

    @abc.abstractmethod
    def results(self, counts: Int[np.ndarray, " counts"], replicas: int) -> list[Counts]:
        """Return what the summed counts say of each root."""


@dataclasses.dataclass(frozen=True, eq=False)
class Crude(AbstractSampler):
    """Every event by its own probability, on the CPU; counts are hits of the roots."""

    structure: Structure
    probability: np.ndarray
    seed: int

    @functools.cached_property
    def tables(self):
        """The program and the laws; a constant root reads no slot."""
        steps = program(binary(self.structure))
        return steps, _Laws(self.probability)

    @property
    def blocks(self) -> int:
        return _blocks(len(self.tables[0].steps))

    def count(self, first: int, last: int) -> Int[np.ndarray, " counts"]:
        steps, laws = self.tables
        live = steps.roots[:, 0] >= 0
        hits = np.where(steps.roots[:, 1] == 1, last - first, 0).astype(np.int64)
        if live.any():
            keys = _keys(self.seed, laws.events, first)
            where = _range(first, last)
            hits[live] = count_blocks(
                steps.steps, steps.slots, steps.roots[live], *laws.arrays, keys, *where
            )
        return hits

    def results(self, counts: Int[np.ndarray, " counts"], replicas: int) -> list[Counts]:
        return [Counts(replicas, counts[i : i + 1], np.ones(1)) for i in range(len(counts))]


@dataclasses.dataclass(frozen=True, eq=False)
class Accelerated(AbstractSampler):
    """The same counts as `Crude`, to the bit, by XLA on the default device."""

    structure: Structure
    probability: np.ndarray
    seed: int

    @functools.cached_property
    def words(self) -> Words:
        """Operations and laws as arrays on the device."""
        b = binary(self.structure)
        return jax.device_put(
            words_of(bit_laws(self.probability), b.first, b.second, b.xor, b.level, b.roots)
        )

    @property
    def blocks(self) -> int:
        nodes = 1 + len(self.probability) + self.words.first.shape[0]
        return max(1, min(256, _NODES_A_CALL // nodes))

    def count(self, first: int, last: int) -> Int[np.ndarray, " counts"]:
        keys = _keys(self.seed, len(self.probability), first)
        number, blocks, tail = _range(first, last)
        valid = np.zeros((self.blocks, BLOCK_WORDS), np.uint32)
        valid[: blocks - 1] = 0xFFFFFFFF
        valid[blocks - 1] = tail
        where = (number + np.arange(self.blocks, dtype=np.uint32)) & np.uint32(_BORDER - 1)
        return np.asarray(_state_counts(self.words, keys, where, valid.reshape(-1)), np.int64)

    def results(self, counts: Int[np.ndarray, " counts"], replicas: int) -> list[Counts]:
        return [Counts(replicas, counts[i : i + 1], np.ones(1)) for i in range(len(counts))]


_state_counts = jit(state_counts)


@dataclasses.dataclass(frozen=True, eq=False)
class Covered(AbstractSampler):
    """One set of a cover fails, the other events by nature; counts are hits by the number of failed sets.

    The structure has one root.
    """

    structure: Structure
    probability: np.ndarray
    seed: int
    cover: Cover

    @functools.cached_property
    def tables(self):
        """The program with resident events, the laws and the cover's tables."""
        steps = program(binary(self.structure), resident=True)
        tables = cover_tables(self.cover.sets, self.cover.probability)
        return steps, _Laws(self.probability), dataclasses.astuple(tables)

    @property
    def blocks(self) -> int:
        return _blocks(len(self.tables[0].steps) + len(self.probability) + 2000)

    def count(self, first: int, last: int) -> Int[np.ndarray, " counts"]:
        steps, laws, tables = self.tables
        keys = _keys(self.seed, laws.events, first)
        key = stream_keys(self.seed, np.array([_CHOICE]), first >> 32)[0]
        where = _range(first, last)
        laws_and_keys = (*laws.arrays, keys, key)
        arguments: tuple = (
            steps.steps,
            steps.slots,
            steps.roots[0],
            *laws_and_keys,
            *tables,
            *where,
        )
        return count_covered(*arguments)

    def results(self, counts: Int[np.ndarray, " counts"], replicas: int) -> list[Counts]:
        if counts[0]:
            raise RuntimeError("the cover does not cover: this is a bug in fdmc.")
        value = 1 / np.arange(1.0, len(counts))
        seen = np.flatnonzero(counts[1:])
        hits = counts[1:][seen] if len(seen) else np.zeros(1, np.int64)
        value = value[seen] if len(seen) else np.ones(1)
        # A second value marks the worth as anything in [0, 1]: what was not seen may be worth more.
        hits, value = np.append(hits, 0), np.append(value, 1.0)
        return [Counts(replicas, hits, value, self.cover.bound)]


class _Laws:
    """A `BitLaws` as the arrays that the compiled loops take."""

    def __init__(self, probability: np.ndarray):
        laws = bit_laws(probability)
        columns = (laws.digits, laws.level, laws.least, laws.start, laws.stop)
        self.events = len(probability)
        self.arrays = (np.stack(columns, 1).astype(np.int32), laws.high, laws.low)


def _blocks(steps: int) -> int:
    return max(1, min(4096, _STEPS_A_CALL // max(steps, 1)))


def _keys(seed: int, events: int, first: int) -> UInt32[np.ndarray, "events 2"]:
    return stream_keys(seed, _STREAM + np.arange(events), first >> 32)


def _range(first: int, last: int) -> tuple[int, int, UInt32[np.ndarray, " words"]]:
    """Return the low number of the first block, how many there are, and the mask of the last."""
    blocks = -(-(last - first) // BLOCK)
    return (first // BLOCK) % _BORDER, blocks, valid_words(last - first - (blocks - 1) * BLOCK)


def workers() -> int:
    """How many calls to keep going at once."""
    return os.cpu_count() or 1
