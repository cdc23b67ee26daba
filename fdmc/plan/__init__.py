from ._ageing import Ageing as Ageing, ageing as ageing
from ._effects import Effect as Effect, Effects as Effects, PlanError as PlanError
from ._lower import ClassInfo as ClassInfo, Directory as Directory, lower as lower
from ._mission import (
    MissionPlan as MissionPlan,
    Source as Source,
    level_hazards as level_hazards,
    lower_mission as lower_mission,
    sources_of as sources_of,
)
from ._plan import (
    COMPUTE as COMPUTE,
    LINK as LINK,
    MAX_ACCELERATORS as MAX_ACCELERATORS,
    PLANE as PLANE,
    AnyArray as AnyArray,
    Classes as Classes,
    Exposures as Exposures,
    Places as Places,
    Plan as Plan,
    Quantiles as Quantiles,
    Structures as Structures,
    Wear as Wear,
    Work as Work,
)
from ._streams import stream as stream
from ._structures import Gates as Gates, table as table
