"""How the units that carry the lanes are made, as the rest of fdmc sees it.

Areas in mm2, densities of defects per cm2, temperatures in kelvin, carbon as said; costs in one `currency`.
No field is called `name`: a tuple of things that have names is a mapping, and the order of steps counts.
"""

import dataclasses
from typing import Literal

from ._law import Weibull


Preset = Literal[
    "organic",
    "fan_out",
    "silicon_interposer",
    "micro_bump",
    "hybrid_die_to_wafer",
    "hybrid_wafer_to_wafer",
]
"""Ways to join chips; `fdmc.yields` has their numbers and sources."""


@dataclasses.dataclass(frozen=True)
class DefectLaw:
    """How defects gather: `poisson`, `murphy`, `seeds`; `negative_binomial` and `bose_einstein` with a `parameter`."""

    kind_of: str
    parameter: float | None = None


@dataclasses.dataclass(frozen=True)
class DefectLayer:
    """`layers` critical layers of one kind: defects per cm2 of each, the share of the area in which one kills."""

    density_per_cm2: float
    critical: float
    layers: int
    law: DefectLaw | None


@dataclasses.dataclass(frozen=True)
class WaferCut:
    """A wafer, its cut into dies, and its price."""

    diameter_mm: float
    edge_mm: float
    scribe_mm: float
    cost: float


@dataclasses.dataclass(frozen=True)
class TestModel:
    """What a test finds: `linear` of bad units, `williams_brown` of defects."""

    __test__ = False  # pytest would collect it

    model: Literal["linear", "williams_brown"]
    coverage: float


@dataclasses.dataclass(frozen=True)
class PartMade:
    """A die (it has an area, and layers), or a part that is bought: the share `good` of it is.

    `cost` of one, that of its wafer apart; `carbon_g_per_mm2` of processed wafer, None where nothing is known.
    """

    area_mm2: float | None
    layers: tuple[DefectLayer, ...]
    good: float
    wafer: WaferCut
    test: TestModel
    cost: float
    carbon_g_per_mm2: float | None
    source: str


@dataclasses.dataclass(frozen=True)
class JoiningMade:
    """A way to join chips: a preset, and what is different here (None: as the preset has it)."""

    preset: Preset | None
    alignment_prob: float | None
    bond_prob: float | None
    via_prob: float | None
    dielectric_per_mm2: float | None


@dataclasses.dataclass(frozen=True)
class LaneHarm:
    """What a step may do to each lane: `bonds` and `fibres` whose fault costs that lane, and any other `loss`."""

    bonds: int
    fibres: int
    loss: float


@dataclasses.dataclass(frozen=True)
class AssemblyStep:
    """One step: parts enter, chips are joined, fibres attached; a test scraps what it finds."""

    step: str
    parts: dict[str, int]
    joining: JoiningMade | None
    chips: int
    bonds: int
    vias: int
    bonded_mm2: float
    fibres: int
    fibre_prob: float
    good: float
    lanes: LaneHarm
    test: TestModel
    cost: float
    carbon_kg: float
    source: str


@dataclasses.dataclass(frozen=True)
class RingAtTest:
    """Rings with heaters at the temperature of the test, as `fdmc.thermal.Ring`; `spread` is from ring to ring."""

    test_kelvin: float
    top_kelvin: float
    range_kelvin: float
    budget_kelvin: float
    spread_kelvin: float


@dataclasses.dataclass(frozen=True)
class LaneMaking:
    """The lanes: which `unit` is one, on which `die` they are, the area in which a defect costs one lane.

    `common_cause`: share of what lanes are lost to after the wafer that takes all lanes of a group at once.
    """

    unit: str
    die: str
    area_mm2: float
    ring: RingAtTest | None
    common_cause: float


@dataclasses.dataclass(frozen=True)
class DefectClustering:
    """Variation of the density of defects of the lane die by lot, wafer and die; None is none."""

    lot_alpha: float | None
    wafer_alpha: float | None
    die_alpha: float | None
    wafers_per_lot: int


@dataclasses.dataclass(frozen=True)
class BurnInMade:
    """`hours` in the oven, in which parts age `acceleration` times as fast as in use; `cost` of a unit."""

    hours: float
    acceleration: float
    cost: float

    @property
    def use_hours(self) -> float:
        """Hours at use conditions that age a part as much."""
        return self.hours * self.acceleration


@dataclasses.dataclass(frozen=True)
class LatentDefects:
    """`ratio` latent defects for each that kills; when one fails in use, and what burn-in wakes.

    Without `infant` they are counted when units ship, and histories do not know of them.
    """

    ratio: float
    infant: Weibull | None
    burn_in: BurnInMade | None


@dataclasses.dataclass(frozen=True)
class Mount:
    """What becomes of units that ship: the steps of the larger `unit` that holds them."""

    unit: str
    steps: tuple[AssemblyStep, ...]


@dataclasses.dataclass(frozen=True)
class Manufacturing:
    """Every `unit` is made by `steps`, its lanes are counted, and it ships in the first of `bins` that it reaches."""

    unit: str
    lanes: LaneMaking
    clustering: DefectClustering
    parts: dict[str, PartMade]
    steps: tuple[AssemblyStep, ...]
    mount: Mount | None
    bins: tuple[float, ...]
    latent: LatentDefects | None
    currency: str
