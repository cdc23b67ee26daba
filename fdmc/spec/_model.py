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
    drive current over that at which its lifetimes hold. A failure `leaves` this share of its unit (None: nothing),
    and takes only what its end of a link does in this `direction` (None: both).
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
    leaves: float | None = None
    direction: Literal["send", "receive"] | None = None

    @property
    def takes(self) -> float:
        """The share of its unit that its failure takes: 1 unless it leaves a part."""
        return 1.0 - (self.leaves or 0.0)

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
    """What is done with impaired accelerators; `unit` is the parking unit.

    `elastic` drops data replicas with a dead accelerator, `non_uniform` goes on with what is left of tensor groups;
    `batch` then says whether replicas share the batch by their pace (`balanced`) or wait for the slowest (`equal`).
    """

    kind: Literal["degrade", "park", "elastic", "non_uniform"]
    unit: str | None
    batch: Literal["balanced", "equal"] | None = None


@dataclasses.dataclass(frozen=True)
class Reconfigure:
    """What an optical circuit switch takes to join other accelerators, and when it brings spares in.

    Spares of the counted parts in `spares` step in only by a reconfiguration: when that brings back more than
    `loss_above` of the healthy work rate, or where it pays (None). With `restart` the job starts again from its
    checkpoint then, else it waits.
    """

    switch_seconds: float
    bring_up_seconds: float
    spares: tuple[str, ...]
    loss_above: float | None
    restart: bool

    @property
    def seconds(self) -> float:
        """Time of one reconfiguration."""
        return self.switch_seconds + self.bring_up_seconds


@dataclasses.dataclass(frozen=True)
class TrafficClass:
    """A class of traffic: its part of the lanes of every link, and its rank when lanes are lost (1: the first)."""

    share: float
    priority: int


@dataclasses.dataclass(frozen=True)
class Trunk:
    """Every `unit` has planes of its own, and `lanes` to the others; copies of `link` carry them (None: none fails)."""

    unit: str
    lanes: int
    link: str | None
    lane_rate_gbps: float


@dataclasses.dataclass(frozen=True)
class Torus:
    """Accelerators along each dimension: of a parking unit, and of the slice that `Workload.slice` of them make."""

    cube: tuple[int, ...]
    shape: tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class Ring:
    """Copies of `node` on a ring (a line, where it is not `closed`), which reach up to `hops` places to either side."""

    node: str
    hops: int
    closed: bool


@dataclasses.dataclass(frozen=True)
class Fabric:
    """Accelerators, switching planes and the lanes between them; `lane_rate_gbps` one way.

    Of a fabric with a `trunk` the `planes` are those of one of its units.
    """

    accelerator: str
    plane: str | None
    planes: int
    lanes_per_link: int
    lane_rate_gbps: float
    efficiency: float
    policy: Policy
    reconfigure: Reconfigure | None = None
    classes: dict[str, TrafficClass] | None = None
    trunk: Trunk | None = None
    torus: Torus | None = None
    ring: Ring | None = None


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
    """How a failed part is replaced; None: nothing taken out, own repair time, unlimited stock.

    Jobs need no technician where `unattended`, begin only in a maintenance window where `windowed`, and are done
    as well when a unit around the FRU is out where `opportunistic`; each is True or None.
    """

    name: str
    swap: str
    takes_out: str | None
    time: Law | None
    stock: int | None
    restock_hours: float | None
    when: Literal["failed", "short"] | None
    unattended: Literal[True] | None = None
    windowed: Literal[True] | None = None
    opportunistic: Literal[True] | None = None


@dataclasses.dataclass(frozen=True)
class Windows:
    """Maintenance windows: one begins at `first_hours`, and every `every_hours` before and after it."""

    every_hours: float
    open_hours: float
    first_hours: float


@dataclasses.dataclass(frozen=True)
class Scheduled:
    """Planned work: each copy of `unit` is out of service for `time` once in `every_hours`."""

    name: str
    unit: str
    every_hours: float
    time: Law
    technician: bool
    windowed: bool


@dataclasses.dataclass(frozen=True)
class Service:
    """Technicians (None: unlimited), the replacement rules by name of component or unit, and planned work."""

    technicians: int | None
    replace: dict[str, Rule]
    windows: Windows | None = None
    scheduled: tuple[Scheduled, ...] | None = None


@dataclasses.dataclass(frozen=True)
class Collective:
    """One collective of a step; `size_bytes` per accelerator, `latency_seconds` a step of its algorithm.

    Without `latency_seconds` steps take no time. Of several algorithms the fastest counts, state by state. It runs
    in each `group` of the job (`Parallel`) by itself, or among all (None), on the lanes of its class of `traffic`.
    """

    op: Literal["all_reduce", "all_gather", "reduce_scatter", "all_to_all", "broadcast"]
    size_bytes: float
    overlap_seconds: float
    algorithm: str | tuple[str, ...]
    latency_seconds: float | None = None
    group: Literal["tensor", "expert", "data"] | None = None
    traffic: str | None = None

    @property
    def algorithms(self) -> tuple[str, ...]:
        """The algorithms to choose among, one or several."""
        return (self.algorithm,) if isinstance(self.algorithm, str) else self.algorithm


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """Cost of a checkpoint and the run time between two; None: that of `interval_rule`, else the optimal one."""

    write_seconds: float
    interval_seconds: float | None
    interval_rule: Literal["young", "daly"] | None = None


@dataclasses.dataclass(frozen=True)
class Restart:
    """Time to notice an interruption, and to run again after it."""

    detect_seconds: float
    resume_seconds: float


@dataclasses.dataclass(frozen=True)
class Parallel:
    """How a job divides its accelerators: tensor groups of `tensor` consecutive ones, `data` equal blocks of them.

    An expert group has `expert` accelerators.
    """

    tensor: int
    data: int
    expert: int | None

    def size(self, group: str | None, accelerators: int) -> int:
        """Participants of one collective of a group, in a job of so many accelerators."""
        sizes = {None: accelerators, "tensor": self.tensor, "data": self.data}
        return sizes[group] if group in sizes else self.expert or accelerators


@dataclasses.dataclass(frozen=True)
class Leaving:
    """What a fleet does when a domain leaves it: the others wait for `stall_seconds`, and go on without it.

    Below `minimum` domains all wait. `batch`: `kept`, those that are left do all of it, or `smaller`.
    """

    stall_seconds: float
    minimum: int
    batch: str


@dataclasses.dataclass(frozen=True)
class Workload:
    """The job: one step's compute and collectives, and what keeps it safe.

    It `uses` so many accelerators (None: all), the others are hot spares; `domains` of them do one job (None: one).
    A domain that stops stops all of them, or leaves, where `leaving` is given.
    """

    compute_seconds: float
    collectives: tuple[Collective, ...]
    checkpoint: Checkpoint
    restart: Restart
    slice: int
    minimum: int
    uses: int | None = None
    parallel: Parallel | None = None
    domains: int | None = None
    scale_out_gbps: float | None = None
    leaving: Leaving | None = None
