"""The same scenarios in plain Python: slow, obvious, and sharing no code with the fast engine.

Read it beside `docs/model.md`: `_machine.py` is section 1 (and the rules of section 3),
`_capacity.py` section 2, `_history.py` section 3, `_work.py` section 4.
"""

from ._capacity import Capacities as Capacities, Loss as Loss, capacities as capacities
from ._fault_tree import (
    FaultHistory as FaultHistory,
    fault_tree_history as fault_tree_history,
)
from ._history import Outcome as Outcome, history as history
from ._machine import Machine as Machine, Part as Part, Unit as Unit, build as build
from ._static import Snapshot as Snapshot, mission as mission, snapshot as snapshot
from ._work import Work as Work, ettr as ettr, goodput as goodput, work as work
