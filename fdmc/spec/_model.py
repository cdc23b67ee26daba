"""The scenario as the rest of fdmc sees it: names and plain numbers, validated, frozen.

Times are hours unless the name of the field says otherwise.
"""

import dataclasses
from typing import Literal

from ._heat import Mechanism
from ._law import Competing, Law
from .fault_tree import Formula


@dataclasses.dataclass(frozen=True)
class Component:
    """The smallest thing with a lifetime; `grade` says how far its numbers can be trusted.

    Its mechanisms compete: the first to strike fails it. One that is written as a plain lifetime has the name "".
    `at_kelvin` is its temperature at nominal conditions (None: that of its thermal node, or unknown), `current` its
    drive current over that at which its lifetimes hold.
    """

    name: str
    mechanisms: tuple[Mechanism, ...]
    repair: Law | None
    source: str
    grade: str
    use: str | None
    description: str
    at_kelvin: float | None = None
    current: float | None = None

    @property
    def lifetime(self) -> Law:
        """The lifetime at all references: of the only mechanism, or of all that compete."""
        if len(self.mechanisms) == 1:
            return self.mechanisms[0].lifetime
        parts: list[Law] = []
        for mechanism in self.mechanisms:
            law = mechanism.lifetime
            parts += law.laws if isinstance(law, Competing) else (law,)
        return Competing(tuple(parts))  # pyright: ignore[reportArgumentType]


@dataclasses.dataclass(frozen=True)
class Group:
    """Equal elements in one parent; with `need` written it is a counting group with spares."""

    count: int
    need: int | None = None

    @property
    def spares(self) -> int:
        """How many may fail before anything is lost."""
        return 0 if self.need is None else self.count - self.need


@dataclasses.dataclass(frozen=True)
class Structure:
    """The unit has lost all of itself when `formula` is true; its gates are or, and, atleast.

    `copies` are the component copies of the unit in the order of the document; a copy is called
    `pump[0]`, or `pump` when there is only one. No gate has a single argument or one of its own kind.
    """

    formula: Formula
    copies: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Unit:
    """A template of the containment tree, and the unit that it supplies (`feeds`).

    With a `structure` its components take nothing one by one: together they take all of it.
    """

    name: str
    contains: dict[str, Group]
    components: dict[str, Group]
    feeds: str | None
    structure: Structure | None = None


@dataclasses.dataclass(frozen=True)
class Policy:
    """What is done with impaired accelerators; `unit` is the parking unit (None: `degrade`)."""

    kind: Literal["degrade", "park"]
    unit: str | None


@dataclasses.dataclass(frozen=True)
class Fabric:
    """Accelerators, switching planes and the lanes between them; `lane_rate_gbps` one way."""

    accelerator: str
    plane: str | None
    planes: int
    lanes_per_link: int
    lane_rate_gbps: float
    efficiency: float
    policy: Policy


@dataclasses.dataclass(frozen=True)
class Step:
    """So long, every temperature is shifted by so much."""

    hours: float
    shift_kelvin: float


@dataclasses.dataclass(frozen=True)
class Environment:
    """Steps of temperature, repeated for ever from time zero, for all in `units` (None: everywhere)."""

    steps: tuple[Step, ...]
    units: tuple[str, ...] | None


@dataclasses.dataclass(frozen=True)
class Rule:
    """How a failed part is replaced; None: nothing taken out, own repair time, unlimited stock."""

    name: str
    swap: str
    takes_out: str | None
    time: Law | None
    stock: int | None
    restock_hours: float | None
    when: Literal["failed", "short"] | None


@dataclasses.dataclass(frozen=True)
class Service:
    """Technicians (None: unlimited) and the replacement rules by name of component or unit."""

    technicians: int | None
    replace: dict[str, Rule]


@dataclasses.dataclass(frozen=True)
class Collective:
    """One collective of a step; `size_bytes` per accelerator, `latency_seconds` a step of its algorithm.

    Without `latency_seconds` steps take no time. Of several algorithms the fastest counts, state by state.
    """

    op: Literal["all_reduce", "all_gather", "reduce_scatter", "all_to_all", "broadcast"]
    size_bytes: float
    overlap_seconds: float
    algorithm: str | tuple[str, ...]
    latency_seconds: float | None = None

    @property
    def algorithms(self) -> tuple[str, ...]:
        """The algorithms to choose among, one or several."""
        return (self.algorithm,) if isinstance(self.algorithm, str) else self.algorithm


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """Cost of a checkpoint and the run time between two; None: the optimal interval."""

    write_seconds: float
    interval_seconds: float | None


@dataclasses.dataclass(frozen=True)
class Restart:
    """Time to notice an interruption, and to run again after it."""

    detect_seconds: float
    resume_seconds: float


@dataclasses.dataclass(frozen=True)
class Workload:
    """The job: one step's compute and collectives, and what keeps it safe."""

    compute_seconds: float
    collectives: tuple[Collective, ...]
    checkpoint: Checkpoint
    restart: Restart
    slice: int
    minimum: int
