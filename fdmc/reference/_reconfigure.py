"""Spares that optical circuits bring in: whether to run on what is left, or to stop and switch."""

from collections.abc import Sequence

from ._capacity import Loss
from ._law import mean
from ._machine import Counting, Machine, Part


def to_switch(rough: Sequence[Loss]) -> int:
    """How many spares there are for what has failed; `rough` is what is lost without them."""
    number = 0
    for loss in _waiting(rough):
        assert isinstance(loss.group, Counting)
        number += min(loss.failed, loss.group.count - loss.group.need)
    return number


def reconfiguring_pays(machine: Machine, rough: Sequence[Loss], stay: float, switch: float) -> bool:
    """Whether to stop and switch: work rates without the spares, and with them."""
    reconfigure, workload = machine.scenario.fabric.reconfigure, machine.scenario.workload
    assert reconfigure is not None
    gain = switch - stay
    if gain <= 0:
        return False
    if reconfigure.loss_above is not None:
        return gain > reconfigure.loss_above
    hours = 0.0
    for loss in _waiting(rough):
        for part in loss.causes:
            if isinstance(part, Part) and (time := machine.rules[part.name].time) is not None:
                hours = max(hours, mean(time))
    stop = reconfigure.switch_seconds + reconfigure.bring_up_seconds
    if reconfigure.restart:  # half of the work since the last checkpoint is done again
        restart, interval = workload.restart, workload.checkpoint.interval_seconds
        stop += restart.detect_seconds + restart.resume_seconds + (interval or 0.0) / 2
    return gain * hours > switch * stop / 3600


def _waiting(rough: Sequence[Loss]) -> list[Loss]:
    return [loss for loss in rough if isinstance(loss.group, Counting) and loss.group.switched]
