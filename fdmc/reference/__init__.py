"""The same scenarios in plain Python: slow, obvious, and sharing no code with the fast engine.

Read it beside `docs/model.md`: `_machine.py` is section 1 (and the rules of section 3),
`_capacity.py` section 2, `_history.py` section 3, `_work.py`, `_policy.py`, `_reconfigure.py` and `_fabric.py`
section 4. Of section 3's heat, `_temperature.py`, `_ageing.py`, `_cycling.py` and `_light.py` are put together in
`_heat.py`, and `_excursion.py` makes it happen.
"""

from ._capacity import Capacities as Capacities, Loss as Loss, capacities as capacities
from ._fabric import granted as granted
from ._fault_tree import (
    FaultHistory as FaultHistory,
    fault_tree_history as fault_tree_history,
)
from ._fleet import Fleet as Fleet, fleet as fleet
from ._history import Outcome as Outcome, history as history
from ._machine import Machine as Machine, Part as Part, Unit as Unit, build as build
from ._policy import Choice as Choice, restarts as restarts
from ._state import Active as Active, State as State, state_of as state_of
from ._static import Snapshot as Snapshot, mission as mission, snapshot as snapshot
from ._temperature import Network as Network, Node as Node, temperatures as temperatures
from ._work import Work as Work, ettr as ettr, goodput as goodput, work as work
