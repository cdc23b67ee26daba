from ._draw import (
    exponential as exponential,
    stream_keys as stream_keys,
    threefry2x32 as threefry2x32,
    uniform as uniform,
)
from ._history import (
    COUNTS_FULL as COUNTS_FULL,
    LATENTS_FULL as LATENTS_FULL,
    OUTAGES_FULL as OUTAGES_FULL,
    RENEWALS_FULL as RENEWALS_FULL,
    Bounds as Bounds,
    Outcome as Outcome,
    history as history,
)
from ._mission import Draws as Draws, mission as mission
from ._population import Population as Population, population as population
from ._quantile import quantile as quantile
from ._snapshot import snapshot as snapshot
