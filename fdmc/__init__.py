"""fdmc: failure-domain Monte Carlo for AI machines."""

from .collect import (
    RelativeError as RelativeError,
    Replicas as Replicas,
    Result as Result,
    WallTime as WallTime,
    availability as availability,
    compare as compare,
    mission as mission,
    run as run,
    snapshot as snapshot,
)
from .spec import Scenario as Scenario, ScenarioError as ScenarioError, load as load
from .tally import Estimate as Estimate
