"""From the state of the machine to lost work: step time, checkpoints and restarts."""

from ._checkpoint import (
    ettr as ettr,
    ettr_wall as ettr_wall,
    optimal_interval as optimal_interval,
)
from ._step import step_seconds as step_seconds
