"""fdmc: failure-domain Monte Carlo for AI machines."""

from . import _xla as _xla  # before anything uses JAX
from .collect import (
    FaultTreeAnswer as FaultTreeAnswer,
    Gradient as Gradient,
    HeatShares as HeatShares,
    ManufacturingResult as ManufacturingResult,
    NoAnswer as NoAnswer,
    RelativeError as RelativeError,
    Replay as Replay,
    Replicas as Replicas,
    Result as Result,
    Robustness as Robustness,
    TopProbability as TopProbability,
    WallTime as WallTime,
    availability as availability,
    compare as compare,
    fault_tree as fault_tree,
    gradient as gradient,
    heat_shares as heat_shares,
    manufacture as manufacture,
    mission as mission,
    replay as replay,
    robustness as robustness,
    run as run,
    snapshot as snapshot,
)
from .plan import GradientError as GradientError
from .sizing import Sized as Sized, SizingError as SizingError, size as size
from .spec import Scenario as Scenario, ScenarioError as ScenarioError, load as load
from .spec.fault_tree import FaultTree as FaultTree, FaultTreeError as FaultTreeError
from .tally import Estimate as Estimate
