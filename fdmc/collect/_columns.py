"""From the outcomes of a chunk to columns of integers, one row a replica."""

import dataclasses

import numpy as np

from ..kernel import Outcome
from ..plan import Directory, Plan
from ..tally import HOURS, level_of
from ._scheduled import apart, column_names


HOURS_UNIT, COUNT_UNIT, MONEY_UNIT = "h", "count", "money"
SPENT = "spent"
"""What the spares that a replica uses cost, in quanta of `Spending`."""
WINDOWS = 16
"""Windows of an hour in which a replica's delivered bandwidth is looked at, where there are excursions."""
WINDOW_EDGES = np.linspace(0.0, 1.0, 401)[:-1]
"""Shares of the bandwidth at which windows are counted; what is above the last one has lost nothing."""


@dataclasses.dataclass(frozen=True)
class Column:
    """A named sum: hours of the whole machine, or a count."""

    name: str
    unit: str


@dataclasses.dataclass(frozen=True)
class Spending:
    """What one used spare of each FRU costs, and the quantum of money in which a replica's sum is counted."""

    price: dict[str, float]
    quantum: float


@dataclasses.dataclass(frozen=True)
class Columns:
    """The columns of a scenario, and the groupings of classes behind them."""

    columns: tuple[Column, ...]
    core: int
    components: tuple[str, ...]
    frus: tuple[str, ...]
    levels: tuple[str, ...]
    sizes: tuple[int, ...]
    spending: Spending | None = None

    def __contains__(self, name: str) -> bool:
        """Return whether there is a column of this name."""
        return any(column.name == name for column in self.columns)

    def index(self, name: str) -> int:
        """Return the position of a column."""
        return [column.name for column in self.columns].index(name)


def columns_of(
    plan: Plan, directory: Directory, bins: int, spending: Spending | None = None
) -> Columns:
    """Return the columns; the first `core` ones are those that ratios are made of."""
    classes = directory.classes
    blamed = (*classes, *directory.steady)
    components, frus, levels = (
        tuple(dict.fromkeys(getattr(c, key) for c in blamed))
        for key in ("component", "fru", "unit")
    )
    ops = [f"slowed.{name}" for name in collective_names(plan)]
    core = [Column(name, HOURS_UNIT) for name in ("lost", "idle", *ops)]
    core += [Column(n, COUNT_UNIT) for n in ("interruptions", "drains", "occurrences", "blast")]
    core += [Column("reconfigurations", COUNT_UNIT)] if plan.reconfiguration is not None else []
    core += [] if spending is None else [Column(SPENT, MONEY_UNIT)]
    rest = [Column(name, HOURS_UNIT) for name in ("unused", "impaired", "inexact")]
    groups = (("component", components), ("fru", frus), ("level", levels))
    rest += [Column(f"blame.{kind}.{n}", HOURS_UNIT) for kind, names in groups for n in names]
    rest += [Column(f"stops.{kind}.{n}", COUNT_UNIT) for kind, names in groups for n in names]
    rest += [Column(f"failures.{n}", COUNT_UNIT) for n in components]
    rest += [Column(f"swaps.{n}", COUNT_UNIT) for n in frus]
    sizes = {0} | {c.loss_accelerators for c in classes} | {c.out_accelerators for c in classes}
    sizes |= {max(c.loss_accelerators, c.out_accelerators) for c in classes}
    rest += [Column(f"blast.{size}", COUNT_UNIT) for size in sorted(sizes)]
    rest += [Column(f"curve.{b}", HOURS_UNIT) for b in range(bins)]
    if plan.lit:
        rest += [Column("dark", HOURS_UNIT), Column("lock_losses", COUNT_UNIT)]
        rest += [Column(f"window.{b}", COUNT_UNIT) for b in range(len(WINDOW_EDGES))]
    rest += [Column(name, COUNT_UNIT) for name in column_names(directory)]
    return Columns(
        (*core, *rest), len(core), components, frus, levels, tuple(sorted(sizes)), spending
    )


def collective_names(plan: Plan) -> list[str]:
    """Return a name for each collective: its op, with the algorithm where an op occurs twice."""
    ops = [op for op, _ in plan.collectives]
    hows = [how if isinstance(how, str) else "_or_".join(how) for _, how in plan.collectives]
    names = [op if ops.count(op) == 1 else f"{op}.{how}" for op, how in zip(ops, hows, strict=True)]
    return [n if names.count(n) == 1 else f"{n}.{j + 1}" for j, n in enumerate(names)]


def measure(
    plan: Plan, directory: Directory, columns: Columns, out: Outcome, keep: np.ndarray
) -> tuple[np.ndarray, np.ndarray, int]:
    """Return the columns int64[replicas, columns], the levels of the curve, and the steps taken."""
    take = lambda x: np.asarray(x)[..., keep]
    hours = lambda x: np.rint(take(x).astype(np.float64) * HOURS).astype(np.int64)
    failures, hits = take(out.failures).astype(np.int64), take(out.hits).astype(np.int64)
    stops = take(out.stops).astype(np.int64)
    failed, jobs = failures & 0xFFFF, failures >> 16
    counts = apart(directory.classes, failed, jobs, stops)
    failed, jobs, stops = counts.failed, counts.jobs, counts.stops
    taking, taking_jobs = hits & 0xFFFF, hits >> 16
    blame = hours(np.asarray(out.blame_hours) / plan.accelerators)
    blamed = (*directory.classes, *directory.steady)
    if directory.steady:
        steady = hours(np.asarray(out.steady_hours) / plan.accelerators)
        nothing = np.zeros((1, blame.shape[1]), np.int64)
        blame = np.concatenate([blame, steady[None]])
        stops, failed, jobs = (np.concatenate([x, nothing]) for x in (stops, failed, jobs))
    blasts = _blasts(directory, failed, jobs, taking, taking_jobs, columns.sizes)
    if len(out.visits):  # jobs of failures that were counted long before
        jobs[: len(out.visits)] += take(out.visits).astype(np.int64)
    size = np.array(columns.sizes)
    group = lambda values, key, names: [
        values[[getattr(c, key) == name for c in blamed]].sum(0) for name in names
    ]
    parts = [
        hours(out.lost_hours),
        hours(out.idle_hours),
        *hours(out.slowed_hours),
        stops.sum(0),
        take(out.drains).astype(np.int64),
        failed.sum(0),
        (blasts * size[:, None]).sum(0),
        *([] if out.reconfigurations is None else [take(out.reconfigurations).astype(np.int64)]),
        *_spent(columns, group(jobs, "fru", columns.frus)),
        hours(out.unused_hours),
        hours(out.impaired_hours),
        hours(out.inexact_hours),
        *group(blame, "component", columns.components),
        *group(blame, "fru", columns.frus),
        *group(blame, "unit", columns.levels),
        *group(stops, "component", columns.components),
        *group(stops, "fru", columns.frus),
        *group(stops, "unit", columns.levels),
        *group(failed, "component", columns.components),
        *group(jobs, "fru", columns.frus),
        *blasts,
        *hours(out.curve_hours),
        *_darkness(plan, out, failed, take, hours),
        *counts.columns(directory),
    ]
    bins = np.asarray(out.curve_hours).shape[0]
    width = float(plan.mission_hours) / max(bins, 1)
    level = level_of(take(out.curve_hours).T.astype(np.float64) / width)
    return np.stack(parts, 1), level, int(take(out.steps).sum())


def _spent(columns: Columns, jobs: list[np.ndarray]) -> list[np.ndarray]:
    """Quanta of money that the jobs of each FRU cost, where spares are priced."""
    if columns.spending is None:
        return []
    price = np.array([columns.spending.price.get(name, 0.0) for name in columns.frus])
    return [np.rint(price @ np.array(jobs) / columns.spending.quantum).astype(np.int64)]


def _darkness(plan: Plan, out: Outcome, failed, take, hours) -> list[np.ndarray]:
    """Lanes that heat has darkened: over the mission, how often, and in windows of time."""
    if not plan.lit:
        return []
    darkens = np.asarray(plan.classes.share[: plan.hot]) > 0
    width = min(1.0, float(plan.mission_hours) / max(len(out.window_hours), 1))
    kept = 1 - take(out.window_hours).astype(np.float64) / width
    below = (kept[None] <= WINDOW_EDGES[:, None, None] + 1e-6).sum(1)
    return [hours(out.dark_hours), failed[: plan.hot][darkens].sum(0), *below]


def _blasts(directory: Directory, failed, jobs, taking, taking_jobs, sizes) -> np.ndarray:
    """Count occurrences by the accelerators that they impaired or took out at their worst."""
    blasts = np.zeros((len(sizes), failed.shape[1]), np.int64)
    for c, info in enumerate(directory.classes):
        loss, out = info.loss_accelerators, info.out_accelerators
        blasts[sizes.index(max(loss, out))] += taking_jobs[c]
        blasts[sizes.index(loss)] += taking[c] - taking_jobs[c]
        blasts[sizes.index(out)] += jobs[c] - taking_jobs[c]
        blasts[sizes.index(0)] += failed[c] - jobs[c] - taking[c] + taking_jobs[c]
    return blasts
