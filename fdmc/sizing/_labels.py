"""The integer search: labels, subsystem by subsystem, cut off by the Lagrangian bound.

A label is a choice for the first few subsystems. It goes on while its bound - its priced value, and
for every other subsystem the best priced value - is below a cut-off. The cut-off rises until enough
designs below it are found: every design below it is then known, and that is the proof.
"""

import dataclasses

import numpy as np
from jaxtyping import Bool, Float, Int

from ._shared import tilted_bound
from ._table import Table


ROUNDING = 1e-12
"""Share of the cut-off, and of the priced limits, within which two bounds are not told apart."""

BLOCK = 1 << 22  # labels x options x environments looked at together


@dataclasses.dataclass(frozen=True)
class Labels:
    """Choices for the first few subsystems of the order; all arrays have one row a label.

    `bound` grows by the regret of each choice; `tight` is the higher one that knows the environment,
    and nothing may be added to it.
    """

    chosen: Int[np.ndarray, "labels chosen"]
    value: Float[np.ndarray, " labels"]
    use: Float[np.ndarray, "labels limits"]
    log_reliability: Float[np.ndarray, "labels environments"]
    bound: Float[np.ndarray, " labels"]
    tight: Float[np.ndarray, " labels"]

    def take(self, rows: Int[np.ndarray, " some"] | Bool[np.ndarray, " labels"]) -> "Labels":
        """Some of them."""
        return Labels(*(getattr(self, field.name)[rows] for field in dataclasses.fields(self)))


@dataclasses.dataclass(frozen=True)
class Found:
    """What a sweep found: whole designs, lowest value first.

    - `chosen`: an option of each subsystem, in the subsystems' own order; the lowest `keep`.
    - `unseen`: no design that was not looked at has a lower value than this.
    - `labels`: how many were kept in all.
    """

    chosen: Int[np.ndarray, "designs subsystems"]
    value: Float[np.ndarray, " designs"]
    unseen: float
    labels: int


@dataclasses.dataclass(frozen=True)
class Search:
    """A table with its prices, in the order in which it is searched."""

    table: Table
    price: Float[np.ndarray, " limits"]
    order: list[int]
    priced: list[Float[np.ndarray, " _"]]
    keep: int

    @property
    def dual_bound(self) -> float:
        """No design has a lower value: the Lagrangian bound at the prices."""
        least = sum(float(priced.min()) for priced in self.priced)
        return least - float(self.price @ self.table.limits)


def search(table: Table, price: Float[np.ndarray, " limits"], keep: int) -> Search:
    """Prepare: subsystems whose choice is nearly free come first, the decided ones last."""
    priced = [v + u @ price for v, u in zip(table.values, table.uses, strict=True)]
    regret = [np.partition(one, 1)[1] - one.min() if len(one) > 1 else np.inf for one in priced]
    order = np.argsort(regret, kind="stable").tolist()
    return Search(table, price, order, priced, keep)


def first_room(search: Search) -> float:
    """A first guess of how far above the dual bound the best design lies."""
    regret = np.concatenate([one - one.min() for one in search.priced])
    regret = np.sort(regret[regret > 0])
    return float(regret[: len(search.order)].mean()) if len(regret) else 0.0


def sweep(search: Search, cutoff: float, width: int) -> Found:
    """Every design with a value up to `cutoff`, unless more than `width` labels are alive at once."""
    table = search.table
    labels = Labels(
        np.zeros((1, 0), np.int32),
        np.zeros(1),
        np.zeros((1, len(table.limits))),
        np.zeros((1, len(table.weights))),
        np.array([search.dual_bound]),
        np.array([search.dual_bound]),
    )
    margin = cutoff + ROUNDING * (abs(cutoff) + float(search.price @ table.limits))
    unseen, count = margin, 0
    for place in range(len(search.order)):
        labels = _extend(search, labels, place, margin)
        labels = _merge(labels, search.keep) if not table.shared else labels
        if len(labels.value) > width:
            first = np.argpartition(labels.tight, width)
            unseen = min(unseen, float(labels.tight[first[width:]].min()))
            labels = labels.take(np.sort(first[:width]))
        count += len(labels.value)
    value = labels.value
    if table.shared and not np.isfinite(table.most_loss):
        value = -np.log1p(np.expm1(labels.log_reliability) @ table.weights)
    best = np.argsort(value, kind="stable")[: search.keep]
    chosen = np.empty((len(best), len(search.order)), int)
    chosen[:, search.order] = labels.chosen[best]
    return Found(chosen, value[best], unseen, count)


def _extend(search: Search, labels: Labels, place: int, margin: float) -> Labels:
    """Add each option of the next subsystem to each label, as far as limits and cut-off allow."""
    subsystem = search.order[place]
    block = max(1, BLOCK // (len(search.priced[subsystem]) * len(search.table.weights)))
    parts = [
        _extend_block(search, labels.take(np.arange(start, stop)), place, margin)
        for start in range(0, max(len(labels.value), 1), block)
        for stop in [min(start + block, len(labels.value))]
    ]
    if len(parts) == 1:
        return parts[0]
    joined = (
        np.concatenate([getattr(part, field.name) for part in parts])
        for field in dataclasses.fields(Labels)
    )
    return Labels(*joined)


def _extend_block(search: Search, labels: Labels, place: int, margin: float) -> Labels:
    table, subsystem, rest = search.table, search.order[place], search.order[place + 1 :]
    priced, uses = search.priced[subsystem], table.uses[subsystem]
    ahead = sum((table.uses[j].min(axis=0) for j in rest), np.zeros(len(table.limits)))
    alive = labels.bound[:, None] + (priced - priced.min()) <= margin
    for limit in range(len(table.limits)):
        left = table.limits[limit] - ahead[limit]
        alive &= labels.use[:, limit, None] + uses[None, :, limit] <= left
    parent, option = np.nonzero(alive)
    bound = labels.bound[parent] + (priced - priced.min())[option]
    made = Labels(
        np.column_stack([labels.chosen[parent], option.astype(np.int32)]),
        labels.value[parent] + table.values[subsystem][option],
        labels.use[parent] + uses[option],
        labels.log_reliability[parent] + table.log_reliability[subsystem][option],
        bound,
        bound,
    )
    if not table.shared or not len(parent):
        return made
    tilted = tilted_bound(table, search.price, made.log_reliability, made.value, made.use, rest)
    tight = np.maximum(bound, tilted)
    return dataclasses.replace(made, tight=tight).take(np.isfinite(tight) & (tight <= margin))


def _merge(labels: Labels, keep: int) -> Labels:
    """Of labels with the same uses keep the best few: what completes one completes the others."""
    if len(labels.value) <= keep:
        return labels
    order = np.lexsort((labels.value, *labels.use.T))
    use = labels.use[order]
    new = np.ones(len(order), bool)
    new[keep:] = np.any(use[keep:] != use[:-keep], axis=1)
    return labels.take(np.sort(order[new]))
