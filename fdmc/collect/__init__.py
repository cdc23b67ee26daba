from ._availability import (
    Availability as Availability,
    availability as availability,
    population_of as population_of,
)
from ._compare import Comparison as Comparison, compare as compare
from ._costs import CostRow as CostRow, Costs as Costs, ShelfRow as ShelfRow, costs_of as costs_of
from ._engine import (
    Engine as Engine,
    Programs as Programs,
    chunks as chunks,
    first_bounds as first_bounds,
    larger as larger,
    padded as padded,
)
from ._goodput import goodput_of as goodput_of
from ._gradient import Gradient as Gradient, gradient as gradient
from ._heat import heat_watts as heat_watts
from ._ledger import Ledger as Ledger, LedgerError as LedgerError
from ._manufacture import PACKAGES as PACKAGES, manufacture as manufacture
from ._manufacture_burn_in import BurnInRow as BurnInRow, burn_in_trade as burn_in_trade
from ._manufactured import (
    LANES as LANES,
    LostRow as LostRow,
    ManufacturingResult as ManufacturingResult,
    ShippedRow as ShippedRow,
)
from ._replay import Replay as Replay, replay as replay
from ._result import Contributor as Contributor, Result as Result
from ._robustness import (
    Robustness as Robustness,
    no_robustness as no_robustness,
    robustness as robustness,
    unprotected as unprotected,
)
from ._run import CHUNK as CHUNK, DEFAULT_STOP as DEFAULT_STOP, run as run
from ._shares import HeatShares as HeatShares, heat_shares as heat_shares
from ._static import (
    LevelLoss as LevelLoss,
    mission as mission,
    mission_counts as mission_counts,
    snapshot as snapshot,
)
from ._stop import (
    AbstractStop as AbstractStop,
    Progress as Progress,
    RelativeError as RelativeError,
    Replicas as Replicas,
    WallTime as WallTime,
)
from ._trace import (
    Fault as Fault,
    Trace as Trace,
    TraceError as TraceError,
    load_trace as load_trace,
)
from .trees import (
    DEFAULT_FAULT_STOP as DEFAULT_FAULT_STOP,
    DEFAULT_TIMES_STOP as DEFAULT_TIMES_STOP,
    Counts as Counts,
    FaultStates as FaultStates,
    FaultTimes as FaultTimes,
    FaultTreeAnswer as FaultTreeAnswer,
    NoAnswer as NoAnswer,
    TopProbability as TopProbability,
    fault_states as fault_states,
    fault_times as fault_times,
    fault_tree as fault_tree,
)
