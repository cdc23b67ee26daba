"""Which lanes of the machine come out of the factory, and which swaps bring new ones."""

import math

import numpy as np

from ..spec import Scenario
from ._effects import PlanError
from ._factory import factory_of
from ._packages import Supply
from ._rows import Row


def supply_of(scenario: Scenario, rows: list[Row]) -> Supply | None:
    """Return the supply of a scenario with `manufacturing`, None without.

    **Raises:** `PlanError` when the lanes are replaced one by one, or when only they are: a made group comes whole.
    """
    made = scenario.manufacturing
    if made is None:
        return None
    lane = made.lanes.unit
    node = scenario.tree.nodes[lane]
    mine = lane_rows(scenario, rows)
    if not mine:
        raise PlanError(
            f"manufacturing.lanes.unit: nothing on '{lane}' fails, so that its spares do not matter in the field; "
            "give it a component."
        )
    for row in mine:
        check_whole(scenario, row, lane)
    factory, ship_prob = factory_of(scenario)
    homes = np.unique(np.concatenate([row.places["group"] for row in mine]))
    batch, rank = [], []
    for row in rows:
        group, element = row.places["group"], row.places["element"]
        ours = row in mine
        batch.append(np.searchsorted(homes, group) if ours else np.full(group.shape, -1))
        size = _size(mine, node.count)
        rank.append((element - group) // size if ours else np.zeros(group.shape, np.int64))
    return Supply(
        factory=factory,
        ship_prob=np.asarray(ship_prob, np.float32),
        homes=homes.astype(np.int32),
        batch=np.concatenate(batch).astype(np.int32),
        rank=np.concatenate(rank).astype(np.int32),
        each=node.count,
        latent=tuple(row.latent for row in rows if row.latent not in ("", "part")),
    )


def lane_rows(scenario: Scenario, rows: list[Row]) -> list[Row]:
    """Return the rows whose components are on the lanes that the factory makes, their latent defects included."""
    made = scenario.manufacturing
    inside = () if made is None else scenario.tree.below(made.lanes.unit)
    return [row for row in rows if row.counting and (row.latent == "lane" or row.unit in inside)]


def most_groups(supply: Supply, rows: list[Row]) -> int:
    """Return how many groups of lanes one swap renews at the most."""
    homes = np.asarray(supply.homes)
    most = 0
    for row in rows:
        low, high = row.places["fru_low"], row.places["fru_high"]
        most = max(most, int(np.max(np.searchsorted(homes, high) - np.searchsorted(homes, low))))
    return most


def started(supply: Supply, swaps: float) -> int:
    """Return how many packages a replica should start so that few need more: the machine, and all that is swapped."""
    factory = supply.factory
    wanted = supply.homes.shape[0] / factory.dies + swaps
    starts = (wanted + 4 * math.sqrt(swaps) + 8) / max(float(supply.ship_prob), 1e-3)
    return math.ceil(starts / 16) * 16


def _size(mine: list[Row], count: int) -> int:
    """Homes from one element of a group to the next."""
    if count == 1:
        return 1
    row = max(mine, key=lambda r: r.places["element"].size)
    steps = np.diff(np.unique(row.places["element"]))
    return int(steps.min())


def check_whole(scenario: Scenario, row: Row, lane: str) -> None:
    """Refuse a component of the lanes that is replaced with less than their whole group, or before that is short."""
    low, high, group = (row.places[k] for k in ("fru_low", "fru_high", "group"))
    if row.rule.when == "short" and np.all(low < group) and np.all(group < high):
        return
    raise PlanError(
        f"service.replace.{row.rule.name}: '{row.name}' is on '{lane}', which the factory makes in groups; let it be "
        "replaced when the group is short, with the unit around the group (when: short, swap that unit)."
    )
