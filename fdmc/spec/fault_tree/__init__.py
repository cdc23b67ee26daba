from ._common_cause import expand_common_causes as expand_common_causes
from ._error import FaultTreeError as FaultTreeError
from ._event_tree import SequencePath as SequencePath, sequences as sequences
from ._galileo_write import to_galileo as to_galileo
from ._model import (
    DEVIATES as DEVIATES,
    DYNAMIC as DYNAMIC,
    STATIC as STATIC,
    BasicEvent as BasicEvent,
    Call as Call,
    Collect as Collect,
    CommonCause as CommonCause,
    Dependency as Dependency,
    EventTree as EventTree,
    Expression as Expression,
    FaultTree as FaultTree,
    Fork as Fork,
    Formula as Formula,
    Gate as Gate,
    Goto as Goto,
    MissionTime as MissionTime,
    Parameter as Parameter,
    SetHouse as SetHouse,
    Shock as Shock,
    Step as Step,
)
from ._open_psa_write import to_open_psa as to_open_psa
from ._read import read as read
from ._write import write as write
