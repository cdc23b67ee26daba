"""Heat as the rest of fdmc sees it: the thermal network, its load, its light, and what goes wrong with cooling.

Temperatures in kelvin, powers in watts; times are hours unless the name of the field says otherwise.
"""

import dataclasses
from typing import ClassVar, Literal

from ._law import Law


Effect = Literal["ageing", "cycling", "lock"]
EFFECTS: tuple[Effect, ...] = ("ageing", "cycling", "lock")
"""What heat does to a machine; a scenario may leave some of it out, to see what it costs."""


@dataclasses.dataclass(frozen=True)
class Cycling:
    """The thermal cycles at which a fatigue life holds: so many an hour, so wide, so hot, so long.

    `dwell_hours` is the time that the alloy's constants ask for: the period (SnPb) or the time at the peak (SAC305).
    `elastic_kelvin` of every swing do no harm.
    """

    solder: Literal["SAC305", "SNPB"]
    swing_kelvin: float
    max_kelvin: float
    dwell_hours: float
    cycles_per_hour: float
    elastic_kelvin: float = 0.0


@dataclasses.dataclass(frozen=True)
class Drive:
    """A laser that ages gradually: its drive current rises as `t ** time_power` until `margin` is used up.

    `margin` is the highest current over that at the reference, less 1.
    """

    margin: float
    time_power: float


@dataclasses.dataclass(frozen=True)
class Mechanism:
    """One way in which a component fails; several compete for it, each ageing in its own way.

    The lifetime holds at `reference_kelvin`, at the reference current, and under the cycles of `cycling`; None: what
    temperature (or cycling) there is does not matter to it.
    """

    name: str
    lifetime: Law
    source: str
    reference_kelvin: float | None = None
    activation_energy_ev: float | None = None
    current_exponent: float = 0.0
    drive: Drive | None = None
    cycling: Cycling | None = None


@dataclasses.dataclass(frozen=True)
class ConstantLoad:
    """The same load all the time; 0 is idle, 1 full load."""

    kind: ClassVar[str] = "constant"
    level: float = 1.0


@dataclasses.dataclass(frozen=True)
class SquareLoad:
    """`high` for `duty` of each period, then `low`: computation, then communication, in step everywhere."""

    kind: ClassVar[str] = "square_wave"
    high: float
    low: float
    period_seconds: float
    duty: float


@dataclasses.dataclass(frozen=True)
class NoisyLoad:
    """An Ornstein-Uhlenbeck load."""

    kind: ClassVar[str] = "ornstein_uhlenbeck"
    mean: float
    sd: float
    tau_seconds: float


@dataclasses.dataclass(frozen=True)
class MarkovLoad:
    """Computation and communication, each held for an exponential time."""

    kind: ClassVar[str] = "markov"
    compute: float
    compute_seconds: float
    communicate: float
    communicate_seconds: float


Load = ConstantLoad | SquareLoad | NoisyLoad | MarkovLoad


@dataclasses.dataclass(frozen=True)
class Stops:
    """The job stops (load 0) for `hours`, once in `every_hours`: restarts, tests, other jobs."""

    every_hours: float
    hours: float


@dataclasses.dataclass(frozen=True)
class RingLink:
    """Rings with heaters, as `fdmc.thermal.Ring`; each ring is off by a normal offset of `spread_kelvin`.

    `tracking_spread` is the relative spread of the tracking rates of their loops.
    """

    kind: ClassVar[str] = "ring"
    unit: str
    spread_kelvin: float
    top_kelvin: float
    range_kelvin: float
    budget_kelvin: float
    tracking_kelvin_per_second: float
    tracking_spread: float
    heater_watts_per_kelvin: float
    relock_seconds: float


@dataclasses.dataclass(frozen=True)
class MachZehnderLink:
    """Mach-Zehnder modulators, as `fdmc.thermal.MachZehnder`."""

    kind: ClassVar[str] = "mach_zehnder"
    unit: str
    spread_kelvin: float
    set_kelvin: float
    radians_per_kelvin: float
    budget_db: float
    relock_seconds: float


@dataclasses.dataclass(frozen=True)
class VcselLink:
    """Directly driven VCSELs, as `fdmc.thermal.Vcsel`, at a drive current."""

    kind: ClassVar[str] = "vcsel"
    unit: str
    spread_kelvin: float
    amperes: float
    threshold_amperes: float
    best_kelvin: float
    detuning_kelvin: float
    watts_per_ampere: float
    slope_per_kelvin: float
    needed_watts: float
    relock_seconds: float


Link = RingLink | MachZehnderLink | VcselLink


@dataclasses.dataclass(frozen=True)
class Excursion:
    """A cooling event: everything below `unit` (or below what it feeds) is warmer by `rise_kelvin`.

    It lasts for a draw of `duration`, then the rise decays with the time constant `recovery_hours`.
    """

    name: str
    unit: str
    rate_per_hour: float
    rise_kelvin: float
    duration: Law
    recovery_hours: float
    source: str


@dataclasses.dataclass(frozen=True)
class Thermal:
    """Heat in every `unit` (a package): template, surroundings, load, and which component sits at which node.

    `resistance`, `capacitance` and `watts` replace numbers of the template (K/W by path, J/K and W at full load by
    node); at load 0 every node has `idle` of its full heat. `cooling` is the power of cooling per watt of heat.
    """

    template: str
    unit: str
    coolant_kelvin: float
    air_kelvin: float
    resistance: dict[str, float]
    capacitance: dict[str, float]
    watts: dict[str, float]
    idle: float
    load: Load
    stops: Stops | None
    nodes: dict[str, tuple[str, ...]]
    link: Link | None
    excursions: tuple[Excursion, ...]
    cooling: float
    effects: tuple[Effect, ...] = EFFECTS

    def node_of(self, component: str) -> str | None:
        """The node that a component sits at; None when it is at none."""
        return next((node for node, names in self.nodes.items() if component in names), None)
