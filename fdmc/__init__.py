"""fdmc: failure-domain Monte Carlo for AI machines."""

from .collect import (
    availability as availability,
    compare as compare,
    mission as mission,
    RelativeError as RelativeError,
    Replicas as Replicas,
    Result as Result,
    run as run,
    snapshot as snapshot,
    WallTime as WallTime,
)
from .spec import load as load, Scenario as Scenario, ScenarioError as ScenarioError
from .tally import Estimate as Estimate
