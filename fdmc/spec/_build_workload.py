"""From the forms of the job and its policies to the model."""

from typing import Any

from ._collective_form import algorithm_of
from ._model import (
    Checkpoint,
    Collective,
    Leaving,
    Parallel,
    Policy,
    Reconfigure,
    Restart,
    Workload,
)
from ._workload_form import (
    BATCHES,
    FLEET_BATCHES,
    RULES,
    CheckpointForm,
    DomainsForm,
    ParallelForm,
    ReconfigureForm,
    WorkloadForm,
)


def policy(written: Any, accelerator: str, root: str) -> Policy:
    """The policy as it was written."""
    if isinstance(written, dict):
        if "park" in written:
            return Policy("park", written["park"])
        if "elastic" in written:
            return Policy("elastic", None)
        return Policy("non_uniform", None, written.get("batch", BATCHES[0]))
    named = {
        "degrade": Policy("degrade", None),
        "park": Policy("park", accelerator),
        "drop": Policy("park", root),
    }
    return named[written]


def reconfigure(form: ReconfigureForm | None) -> Reconfigure | None:
    """What a reconfiguration takes, None where nothing is said of it."""
    if form is None:
        return None
    above = None if form.when is None else form.when.loss_above
    return Reconfigure(form.switch, form.bring_up, tuple(sorted(form.spares)), above, form.restart)


def workload(form: WorkloadForm) -> Workload:
    """The job."""
    return Workload(
        compute_seconds=form.compute,
        collectives=tuple(
            Collective(
                item.op,
                item.size,
                item.overlap,
                algorithm_of(item),
                item.latency or None,
                item.group,
                item.traffic,
            )
            for item in form.collectives
        ),
        checkpoint=_checkpoint(form.checkpoint),
        restart=Restart(form.restart.detect, form.restart.resume),
        slice=form.slice,
        minimum=form.minimum,
        uses=form.uses,
        parallel=_parallel(form.parallel),
        domains=None if form.domains is None else form.domains.count,
        scale_out_gbps=None if form.scale_out is None else form.scale_out.rate,
        leaving=_leaving(form.domains),
    )


def _leaving(form: DomainsForm | None) -> Leaving | None:
    if form is None or form.on_stop == "stop" or form.stall is None:
        return None
    return Leaving(form.stall, form.minimum or 1, form.batch or FLEET_BATCHES[0])


def _checkpoint(form: CheckpointForm) -> Checkpoint:
    if form.interval in RULES:
        return Checkpoint(form.write, None, form.interval)
    return Checkpoint(form.write, form.interval)


def _parallel(form: ParallelForm | None) -> Parallel | None:
    return None if form is None else Parallel(form.tensor, form.data, form.expert)
