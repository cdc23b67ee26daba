from ._draw import (
    exponential as exponential,
    stream_keys as stream_keys,
    threefry2x32 as threefry2x32,
    uniform as uniform,
)
from ._history import Bounds as Bounds, history as history, Outcome as Outcome
from ._quantile import quantile as quantile
