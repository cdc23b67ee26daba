from ._exposure import (
    Exposed as Exposed,
    Exposure as Exposure,
    accelerated as accelerated,
)
from ._laws import (
    KNOTS as KNOTS,
    LOG_HAZARD_START as LOG_HAZARD_START,
    LOG_HAZARD_STEP as LOG_HAZARD_STEP,
    FirstLatent as FirstLatent,
    Remaining as Remaining,
    Spared as Spared,
    cumulative_hazard as cumulative_hazard,
    hours_at as hours_at,
    mean_hours as mean_hours,
    quantile_table as quantile_table,
    share_table as share_table,
)
from ._structured import Structured as Structured, lost_prob as lost_prob
