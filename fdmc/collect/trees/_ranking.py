"""Importance and minimal cut sets of a static tree, named."""

from typing import Any

import numpy as np

from ...logic import (
    BudgetError,
    CutSets as Families,
    Diagram,
    count_by_order,
    cut_sets,
    importance,
    most_probable,
    probability,
)
from ._answer import CutSets, EventImportance, RankedCutSet


_MEASURES = ("birnbaum", "criticality", "fussell_vesely", "raw", "rrw", "dif")


def ranking(
    diagram: Diagram, p: np.ndarray, rank: bool, limit: int, cut_off: float
) -> tuple[dict[str, Any], list[str]]:
    """Return `importance` of every event and `cut_sets` as asked for, and notes on what is missing.

    **Arguments:** float64[events]; whether to `rank` the events; cut sets to list and the least probability of one.
    """
    found: dict[str, Any] = {}
    notes: list[str] = []
    families: Families | None = None
    if rank or limit:
        try:
            families = cut_sets(diagram)
        except BudgetError as error:
            notes.append(str(error))
    if limit and families is not None:
        top = float(probability(diagram, p)[0])
        found["cut_sets"] = _listed(families, p, limit, cut_off, top)
    if rank:
        measured = importance(diagram, p, families)
        notes += [measured.note] if measured.note and families is not None else []
        columns = [getattr(measured, name).tolist() for name in _MEASURES]
        found["importance"] = tuple(
            EventImportance(name, *row)
            for name, *row in zip(diagram.events, p.tolist(), *columns, strict=True)
        )
    return found, notes


def _listed(families: Families, p: np.ndarray, limit: int, cut_off: float, top: float) -> CutSets:
    listed = most_probable(families, p, limit=limit, cutoff=cut_off)
    orders = count_by_order(families)[0]
    return CutSets(
        sum(orders),
        {order: n for order, n in enumerate(orders) if n},
        tuple(
            RankedCutSet(tuple(families.events[i] for i in members), prob, prob / max(top, 1e-300))
            for prob, members in listed
        ),
    )
