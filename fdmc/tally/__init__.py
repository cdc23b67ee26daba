from ._estimate import (
    CONFIDENCE as CONFIDENCE,
    Estimate as Estimate,
    function_estimate as function_estimate,
    mean_estimate as mean_estimate,
    mean_of as mean_of,
)
from ._tally import (
    HOURS as HOURS,
    LEVELS as LEVELS,
    Tally as Tally,
    level_edges as level_edges,
    level_of as level_of,
)
