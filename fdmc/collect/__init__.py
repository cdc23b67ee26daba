from ._availability import (
    Availability as Availability,
    availability as availability,
    population_of as population_of,
)
from ._compare import Comparison as Comparison, compare as compare
from ._engine import Engine as Engine, first_bounds as first_bounds, larger as larger
from ._fault_interval import Counts as Counts
from ._fault_states import (
    DEFAULT_FAULT_STOP as DEFAULT_FAULT_STOP,
    FaultStates as FaultStates,
    fault_states as fault_states,
)
from ._fault_times import (
    DEFAULT_TIMES_STOP as DEFAULT_TIMES_STOP,
    FaultTimes as FaultTimes,
    fault_times as fault_times,
)
from ._fault_tree import NoAnswer as NoAnswer, fault_tree as fault_tree
from ._ledger import Ledger as Ledger, LedgerError as LedgerError
from ._result import Contributor as Contributor, Result as Result
from ._run import CHUNK as CHUNK, DEFAULT_STOP as DEFAULT_STOP, run as run
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
from ._top_probability import TopProbability as TopProbability
from ._tree_answer import FaultTreeAnswer as FaultTreeAnswer
