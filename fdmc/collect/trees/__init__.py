from ._answer import FaultTreeAnswer as FaultTreeAnswer
from ._fault_tree import NoAnswer as NoAnswer, fault_tree as fault_tree
from ._interval import Counts as Counts
from ._states import (
    DEFAULT_FAULT_STOP as DEFAULT_FAULT_STOP,
    FaultStates as FaultStates,
    fault_states as fault_states,
)
from ._times import (
    DEFAULT_TIMES_STOP as DEFAULT_TIMES_STOP,
    FaultTimes as FaultTimes,
    fault_times as fault_times,
)
from ._top_probability import TopProbability as TopProbability
