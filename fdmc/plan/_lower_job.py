"""Lowering of the job: its groups, its hot spares, and what reconfigurations bring."""

import math

import numpy as np

from ..lifetime import mean_hours
from ..spec import Scenario
from ._effects import PlanError
from ._job import Job, Reconfiguration
from ._rows import Row


def job_of(scenario: Scenario, accelerators: int) -> Job:
    """Return how the job of a scenario divides its accelerators."""
    workload, policy = scenario.workload, scenario.fabric.policy
    used, parallel = workload.uses or accelerators, workload.parallel
    tensor, data = (1, 1) if parallel is None else (parallel.tensor, parallel.data)
    by_groups = policy.kind if policy.kind in ("elastic", "non_uniform") else ""

    def size(group: str | None) -> int:
        if group is None or parallel is None:
            return 0
        return -1 if group == "data" and by_groups else parallel.size(group, used)

    groups = tuple(size(c.group) for c in workload.collectives)
    return Job(
        uses=workload.uses or 0,
        policy=by_groups,
        replica=used // data,
        tensor=tensor,
        balanced=policy.batch != "equal",
        groups=groups if any(groups) else (),
    )


def participants(scenario: Scenario, accelerators: int) -> list[int]:
    """Return how many take part in each collective of the healthy job."""
    parallel = scenario.workload.parallel
    return [
        accelerators if parallel is None else parallel.size(c.group, accelerators)
        for c in scenario.workload.collectives
    ]


def across_seconds(scenario: Scenario) -> np.ndarray | None:
    """Return the time of each collective across domains, times the blocks that share it; None where there is none.

    After the domain's own part an accelerator of each of `n` blocks has `S / n` to exchange with its `D - 1` partners
    in other domains, over its own scale-out port: `(D - 1) / D` of it for a gather or scatter, twice for an all-reduce.
    """
    workload = scenario.workload
    domains, rate = workload.domains or 1, workload.scale_out_gbps
    if rate is None or domains == 1:
        return None
    trips = [
        0 if c.group != "data" else 2 if c.op == "all_reduce" else 1 for c in workload.collectives
    ]
    size = np.array([c.size_bytes for c in workload.collectives])
    return np.array(trips) * (domains - 1) / domains * size / (rate * 1e9 / 8)


def check_blocks(job: Job, rows: list[Row]):
    """Refuse a machine in which a failure or a repair cuts through a block of the job.

    **Raises:** `PlanError`.
    """
    if not job.policy:
        return
    sizes = {job.replica, job.tensor} if job.policy == "non_uniform" else {job.replica}
    for row in rows:
        for effect in (row.effect, row.out):
            if effect is None:
                continue
            for size in sizes:
                within = effect.low // size == (effect.high - 1) // size
                whole = (effect.low % size == 0) & (effect.high % size == 0)
                if not np.all(within | whole):
                    raise PlanError(
                        f"workload.parallel: {row.name} takes ranges that cut blocks of {size} accelerators; "
                        "choose blocks that hold them or lie in them."
                    )


def switched(scenario: Scenario, row: Row) -> bool:
    """Whether a spare of the row's counting group steps in only by a reconfiguration."""
    reconfigure = scenario.fabric.reconfigure
    if reconfigure is None or not row.counting or row.structure >= 0:
        return False
    group = scenario.units[row.unit].components[row.component]
    if group.need is not None:
        return row.component in reconfigure.spares
    nodes = scenario.tree.nodes
    counted = (name for name in scenario.tree.ancestors(row.unit) if nodes[name].need is not None)
    return next(counted, None) in reconfigure.spares


def reconfiguration_of(scenario: Scenario, rows: list[Row]) -> Reconfiguration | None:
    """Return when spares are switched in, None where none are."""
    reconfigure, workload = scenario.fabric.reconfigure, scenario.workload
    which = np.array([switched(scenario, row) for row in rows])
    if reconfigure is None or not which.any():
        return None
    if scenario.manufacturing is not None:
        raise PlanError("fabric.reconfigure.spares: made lanes have spares that nothing switches.")
    seconds = reconfigure.seconds
    if reconfigure.restart:
        seconds += workload.restart.detect_seconds + workload.restart.resume_seconds
        seconds += (workload.checkpoint.interval_seconds or 0.0) / 2
    above = -1.0 if reconfigure.loss_above is None else reconfigure.loss_above
    return Reconfiguration(
        switched=which,
        relief=np.array([row.spares * row.share for row in rows], np.float32) * which,
        outage_hours=np.array(
            [
                _finite(mean_hours(row.repair)) if s else 0
                for row, s in zip(rows, which, strict=True)
            ],
            np.float32,
        ),
        stop_hours=np.asarray(seconds / 3600, np.float32),
        above=np.asarray(above, np.float32),
    )


def _finite(hours: float) -> float:
    return hours if math.isfinite(hours) else 1e9
