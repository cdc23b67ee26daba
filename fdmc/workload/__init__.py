"""From the state of the machine to lost work: step time, checkpoints and restarts, policies, power."""

from ._checkpoint import (
    daly_interval as daly_interval,
    ettr as ettr,
    ettr_wall as ettr_wall,
    optimal_interval as optimal_interval,
    young_interval as young_interval,
)
from ._fleet import (
    FleetShares as FleetShares,
    elastic_fleet as elastic_fleet,
    fleet_ettr as fleet_ettr,
    job_mttf_hours as job_mttf_hours,
    kept_share as kept_share,
    removing_pays as removing_pays,
    rerouting_pays as rerouting_pays,
)
from ._pool import (
    PoolOutcome as PoolOutcome,
    ServerPool as ServerPool,
    pool_job as pool_job,
)
from ._power import (
    joules_per_bit as joules_per_bit,
    joules_per_token as joules_per_token,
    robustness_per_watt as robustness_per_watt,
)
from ._step import exposed_seconds as exposed_seconds, step_seconds as step_seconds
from ._straggler import (
    exponential_straggler as exponential_straggler,
    gaussian_straggler as gaussian_straggler,
)
