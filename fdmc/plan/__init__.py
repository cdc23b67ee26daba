from ._effects import Effect as Effect, Effects as Effects, PlanError as PlanError
from ._lower import ClassInfo as ClassInfo, Directory as Directory, lower as lower
from ._mission import (
    level_hazards as level_hazards,
    lower_mission as lower_mission,
    MissionPlan as MissionPlan,
    Source as Source,
    sources_of as sources_of,
)
from ._plan import (
    AnyArray as AnyArray,
    Classes as Classes,
    COMPUTE as COMPUTE,
    LINK as LINK,
    MAX_ACCELERATORS as MAX_ACCELERATORS,
    Places as Places,
    Plan as Plan,
    PLANE as PLANE,
    Quantiles as Quantiles,
    Wear as Wear,
    Work as Work,
)
from ._streams import stream as stream
