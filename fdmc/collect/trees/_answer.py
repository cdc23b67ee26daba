"""What a fault-tree analysis says: probabilities with their origin, importance, cut sets."""

import dataclasses
from collections.abc import Mapping

from ...tally import Estimate


@dataclasses.dataclass(frozen=True)
class EventImportance:
    """The importance of one event for the top event; the measures are those of `fdmc.logic.Importance`."""

    event: str
    probability: float
    birnbaum: float
    criticality: float
    fussell_vesely: float
    raw: float
    rrw: float
    dif: float


@dataclasses.dataclass(frozen=True)
class RankedCutSet:
    """A minimal cut set, the probability of all its events, and its share of the top event's."""

    events: tuple[str, ...]
    probability: float
    share: float


@dataclasses.dataclass(frozen=True)
class CutSets:
    """How many minimal cut sets there are, how many of each order, and the most probable of them."""

    count: int
    by_order: Mapping[int, int]
    listed: tuple[RankedCutSet, ...]


@dataclasses.dataclass(frozen=True)
class Uncertainty:
    """The top event's probability over the uncertainty of its parameters.

    `quantiles` maps 0.05, 0.5 and 0.95 to their estimates; `quantities` names what was drawn.
    """

    trials: int
    mean: Estimate
    quantiles: Mapping[float, Estimate]
    quantities: tuple[str, ...]
    seconds: float


@dataclasses.dataclass(frozen=True)
class CurvePoint:
    """The probability of the top event by one mission time."""

    time_hours: float
    probability: Estimate


@dataclasses.dataclass(frozen=True)
class FaultTreeAnswer:
    """The answer of `fault_tree`.

    `method` says how it was found: `exact (decision diagram)`, `exact (Markov chain)`, `Monte Carlo (...)`;
    `message` why, when something else had been asked for or was tried. `probability` is that of the top event having
    occurred by `time_hours`; None for a model that has event trees only. `unavailability` is the
    probability of being failed at that time, for repairable trees. `seconds` is the time of the analysis,
    `compile_seconds` of it went into compiling.
    """

    model: str
    top_event: str | None
    other_tops: tuple[str, ...]
    method: str
    message: str
    status: str
    time_hours: float
    probability: Estimate | None
    seconds: float
    compile_seconds: float = 0.0
    unavailability: Estimate | None = None
    steady_unavailability: Estimate | None = None
    mttf: Estimate | None = None
    curve: tuple[CurvePoint, ...] = ()
    importance: tuple[EventImportance, ...] | None = None
    cut_sets: CutSets | None = None
    uncertainty: Uncertainty | None = None
    sequences: Mapping[str, Mapping[str, Estimate]] = dataclasses.field(default_factory=dict)
    notes: tuple[str, ...] = ()


def exactly(value: float, unit: str = "probability") -> Estimate:
    """An exact number as an estimate: no width, no replicas."""
    return Estimate(value, value, value, unit, 0, "exact")
