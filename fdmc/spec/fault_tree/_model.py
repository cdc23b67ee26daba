"""A fault tree as data: names, formulas and expressions, as Open-PSA and Galileo files say them.

Nothing here computes. Times are hours, rates are per hour.
"""

import dataclasses
from collections.abc import Mapping


@dataclasses.dataclass(frozen=True)
class Parameter:
    """The value of a named parameter of the tree."""

    name: str


@dataclasses.dataclass(frozen=True)
class MissionTime:
    """The time at which the tree is asked, in hours."""


@dataclasses.dataclass(frozen=True)
class Call:
    """An operation on expressions; `op` is the word of the Open-PSA format.

    Arithmetic (`add`, `mul`, `exp`, ...), laws that give the probability of being failed (`exponential`,
    `GLM`, `Weibull`, `periodic-test`, and ours: `erlang` of phases, rate, time; `lognormal` of median
    hours, sigma, time; `gamma` of shape, scale hours, time), and deviates (`lognormal-deviate`, ...), whose
    value is their mean unless they are drawn.
    """

    op: str
    args: tuple["Expression", ...]


Expression = float | bool | Parameter | MissionTime | Call
"""A number, a name, the mission time, or an operation on those."""

DEVIATES = (
    "uniform-deviate",
    "normal-deviate",
    "lognormal-deviate",
    "gamma-deviate",
    "beta-deviate",
    "histogram",
)
"""The operations whose value is uncertain."""

STATIC = ("and", "or", "atleast", "cardinality", "not", "xor", "nand", "nor", "imply", "iff", "is")
"""The connectives whose value depends on the states of their arguments alone; `is` passes one on."""

DYNAMIC = ("pand", "pand-exclusive", "por", "por-exclusive", "spare")
"""The connectives whose value depends on the order of the failures."""


@dataclasses.dataclass(frozen=True)
class Formula:
    """A connective over names, constants and formulas; `least` and `most` bound the failed arguments.

    `least` is the k of `atleast` and of `cardinality`, `most` is the upper bound of `cardinality`.
    """

    op: str
    args: tuple["Formula | str | bool", ...]
    least: int = 0
    most: int = 0


@dataclasses.dataclass(frozen=True)
class Gate:
    """A named formula."""

    formula: Formula
    label: str = ""
    attributes: tuple[tuple[str, str], ...] = ()
    line: int = dataclasses.field(default=0, compare=False)


@dataclasses.dataclass(frozen=True)
class BasicEvent:
    """What fails without a cause in the tree.

    `probability` is the probability of being failed at the mission time (unrepaired); as a function of the mission
    time it is the law of the lifetime. `dormancy` multiplies the hazard while the event waits
    as a spare (0 cold, 1 hot). `repair` is the law of the repair time in the same form, or None.
    """

    probability: Expression
    dormancy: float = 1.0
    repair: Expression | None = None
    label: str = ""
    attributes: tuple[tuple[str, str], ...] = ()
    line: int = dataclasses.field(default=0, compare=False)


@dataclasses.dataclass(frozen=True)
class Dependency:
    """A constraint among the elements of a dynamic tree, that is itself never failed.

    `fdep`: the first element's failure fails the others, each with `probability`. `seq`: the elements
    can only fail in this order. `mutex`: at most one of them fails. `rdep`: the others are
    repaired with the first. `inspection`: all are renewed together, at the end of a stage of
    `phases` exponential phases of rate `rate`, repeated.
    """

    kind: str
    args: tuple[str, ...]
    probability: float = 1.0
    phases: int = 0
    rate: float = 0.0
    line: int = dataclasses.field(default=0, compare=False)


@dataclasses.dataclass(frozen=True)
class CommonCause:
    """A group of basic events that fail together: beta factor, MGL, alpha factor or phi factor.

    `factors` maps the number of members that fail together to the factor of the model; `probability` is the total
    failure probability of one member.
    """

    model: str
    members: tuple[str, ...]
    probability: Expression
    factors: tuple[tuple[int, Expression], ...]
    line: int = dataclasses.field(default=0, compare=False)


@dataclasses.dataclass(frozen=True)
class Shock:
    """A shock on a failure domain: while it has not come every member lives by its own law.

    `probability` is that of at least one shock by the mission time; a shock fails each member with
    probability `lethality`, independently of the others (1: the whole failure domain at once).
    """

    members: tuple[str, ...]
    probability: Expression
    lethality: float = 1.0
    line: int = dataclasses.field(default=0, compare=False)


@dataclasses.dataclass(frozen=True)
class Collect:
    """A step of an event tree: the formula or expression is joined to the path."""

    what: "Formula | Expression"


@dataclasses.dataclass(frozen=True)
class SetHouse:
    """A step of an event tree: from here on the house event has this state."""

    name: str
    state: bool


@dataclasses.dataclass(frozen=True)
class Fork:
    """A step of an event tree: one path for each state of a functional event."""

    event: str
    paths: tuple[tuple[str, tuple["Step", ...]], ...]


@dataclasses.dataclass(frozen=True)
class Goto:
    """The last step of a path: a sequence, a named branch, or another event tree."""

    kind: str
    name: str


Step = Collect | SetHouse | Fork | Goto
"""What stands along a path of an event tree. Rules are written out in place."""


@dataclasses.dataclass(frozen=True)
class EventTree:
    """An initiating event's tree of functional events; sequences end its paths."""

    initial: tuple[Step, ...]
    branches: Mapping[str, tuple[Step, ...]]
    sequences: Mapping[str, tuple[Step, ...]]
    functional_events: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class FaultTree:
    """A model: top events, gates, events, parameters, and what couples them.

    `tops` are the top events in the order of the file: the declared one, or every gate that no other refers to.
    `frequencies` are those of the initiating events that have one; `units` are what the file says of a
    parameter, for the reader: every number is in hours and per hour whatever it says.
    """

    name: str
    tops: tuple[str, ...]
    gates: Mapping[str, Gate]
    basic_events: Mapping[str, BasicEvent]
    house_events: Mapping[str, bool] = dataclasses.field(default_factory=dict)
    parameters: Mapping[str, Expression] = dataclasses.field(default_factory=dict)
    dependencies: Mapping[str, Dependency] = dataclasses.field(default_factory=dict)
    common_causes: Mapping[str, CommonCause] = dataclasses.field(default_factory=dict)
    shocks: Mapping[str, Shock] = dataclasses.field(default_factory=dict)
    event_trees: Mapping[str, EventTree] = dataclasses.field(default_factory=dict)
    initiating_events: Mapping[str, str] = dataclasses.field(default_factory=dict)
    frequencies: Mapping[str, Expression] = dataclasses.field(default_factory=dict)
    units: Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def is_dynamic(self) -> bool:
        """True when the order of failures matters, or a failed element comes back."""
        gates = any(gate.formula.op in DYNAMIC for gate in self.gates.values())
        repairs = any(event.repair is not None for event in self.basic_events.values())
        return gates or repairs or bool(self.dependencies)
