from ._ageing import Ageing as Ageing, ageing as ageing, lifetime_of as lifetime_of
from ._arrays import AnyArray as AnyArray, Quantiles as Quantiles
from ._direction import (
    RECEIVE as RECEIVE,
    SEND as SEND,
    direction_of as direction_of,
    one_way as one_way,
)
from ._effects import Effect as Effect, Effects as Effects, PlanError as PlanError
from ._fabric import Sharing as Sharing
from ._factory import factory_plan as factory_plan
from ._gradient import (
    Sensitivity as Sensitivity,
    knobs_of as knobs_of,
    sensitivity as sensitivity,
)
from ._heat import Heat as Heat, Knobs as Knobs
from ._job import Job as Job, Reconfiguration as Reconfiguration
from ._knobs import (
    COMPUTE_TIME as COMPUTE_TIME,
    ON_THE_HOST as ON_THE_HOST,
    GradientError as GradientError,
    other_knobs_of as other_knobs_of,
    repair_scores as repair_scores,
)
from ._latent import field_life as field_life
from ._lower import (
    DARK as DARK,
    ClassInfo as ClassInfo,
    Directory as Directory,
    is_latent as is_latent,
    lower as lower,
)
from ._mission import (
    MissionPlan as MissionPlan,
    Source as Source,
    level_hazards as level_hazards,
    lower_mission as lower_mission,
    sources_of as sources_of,
)
from ._packages import (
    LANES_A_DRAW as LANES_A_DRAW,
    PACKAGE_STREAMS as PACKAGE_STREAMS,
    PackagePlan as PackagePlan,
    Supply as Supply,
    package_plan as package_plan,
)
from ._plan import (
    COMPUTE as COMPUTE,
    LINK as LINK,
    MAX_ACCELERATORS as MAX_ACCELERATORS,
    OPPORTUNISTIC as OPPORTUNISTIC,
    PLANE as PLANE,
    TRUNK as TRUNK,
    UNATTENDED as UNATTENDED,
    WINDOWED as WINDOWED,
    Classes as Classes,
    Excursions as Excursions,
    Exposures as Exposures,
    Places as Places,
    Plan as Plan,
    Service as Service,
    Structures as Structures,
    Wear as Wear,
    Work as Work,
)
from ._ring import Ring as Ring
from ._rows import EXCURSION as EXCURSION, Row as Row, rows_of as rows_of
from ._service import SCHEDULED as SCHEDULED
from ._streams import stream as stream
from ._structures import Gates as Gates, table as table
