from ._draw import (
    exponential as exponential,
    stream_keys as stream_keys,
    threefry2x32 as threefry2x32,
    uniform as uniform,
)
from ._history import (
    Bounds as Bounds,
    COUNTS_FULL as COUNTS_FULL,
    history as history,
    LATENTS_FULL as LATENTS_FULL,
    Outcome as Outcome,
    OUTAGES_FULL as OUTAGES_FULL,
    RENEWALS_FULL as RENEWALS_FULL,
)
from ._mission import Draws as Draws, mission as mission
from ._population import population as population, Population as Population
from ._quantile import quantile as quantile
from ._snapshot import snapshot as snapshot
