from ._laws import (
    cumulative_hazard as cumulative_hazard,
    hours_at as hours_at,
    KNOTS as KNOTS,
    LOG_HAZARD_START as LOG_HAZARD_START,
    LOG_HAZARD_STEP as LOG_HAZARD_STEP,
    mean_hours as mean_hours,
    quantile_table as quantile_table,
    Spared as Spared,
)
