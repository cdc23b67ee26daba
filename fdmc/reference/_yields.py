"""Factories unit by unit: defects fall one at a time, and what a test finds is thrown away."""

import dataclasses
import itertools
import math
from collections.abc import Iterator
from random import Random


@dataclasses.dataclass(frozen=True)
class Factory:
    """What makes the packages of one machine; fields as in the model, `math.inf` does not vary."""

    packages: int
    dies: int
    lanes: int
    spares: int
    packages_per_wafer: int
    wafers_per_lot: int
    lane_defects: float = 0.0
    fatal_defects: float = 0.0
    lane_loss_prob: float = 0.0
    shared_loss_prob: float = 0.0
    latent_ratio: float = 0.0
    latent_fatal_defects: float = 0.0
    assembly_prob: float = 1.0
    lot_alpha: float = math.inf
    wafer_alpha: float = math.inf
    die_alpha: float = math.inf


@dataclasses.dataclass
class DieRecord:
    """A die after test: lanes that carry data, spares left, good lanes with a latent defect, such defects elsewhere."""

    live: int
    spares: int
    latent: int
    latent_fatal: int


@dataclasses.dataclass
class PackageRecord:
    """A package: its dies, and whether assembly has scrapped it."""

    dies: list[DieRecord]
    scrapped: bool


def made_packages(factory: Factory, rng: Random) -> list[PackageRecord]:
    """Make the packages of one machine."""
    return list(itertools.islice(packages_of(factory, rng), factory.packages))


def packages_of(factory: Factory, rng: Random) -> Iterator[PackageRecord]:
    """Make packages for ever, wafer after wafer."""
    lot = wafer = 1.0
    for number in itertools.count():
        if number % (factory.packages_per_wafer * factory.wafers_per_lot) == 0:
            lot = density(factory.lot_alpha, rng)
        if number % factory.packages_per_wafer == 0:
            wafer = lot * density(factory.wafer_alpha, rng)
        dies = [_die(factory, wafer, rng) for _ in range(factory.dies)]
        yield PackageRecord(dies, rng.random() >= factory.assembly_prob)


def _die(factory: Factory, wafer: float, rng: Random) -> DieRecord:
    here = wafer * density(factory.die_alpha, rng)
    count = factory.lanes + factory.spares
    working = [True] * count
    for _ in range(fallen(factory.lane_defects * count * here, rng)):
        working[rng.randrange(count)] = False
    if fallen(factory.fatal_defects * here, rng) > 0:
        working = [False] * count
    # What comes after the wafer.
    working = [good and rng.random() >= factory.lane_loss_prob for good in working]
    if rng.random() < factory.shared_loss_prob:
        working = [False] * count
    weak = set()
    for _ in range(fallen(factory.latent_ratio * factory.lane_defects * count * here, rng)):
        weak.add(rng.randrange(count))
    good = sum(working)
    latent = sum(working[lane] for lane in weak)
    elsewhere = factory.latent_fatal_defects * here
    whole = fallen(elsewhere, rng) if elsewhere else 0
    return DieRecord(min(good, factory.lanes), max(good - factory.lanes, 0), latent, whole)


def density(alpha: float, rng: Random) -> float:
    """Density of one place relative to the mean."""
    return 1.0 if math.isinf(alpha) else rng.gammavariate(alpha, 1 / alpha)


def fallen(mean: float, rng: Random) -> int:
    """Number of defects that fall while a clock of unit rate runs from 0 to the mean."""
    number, clock = 0, rng.expovariate(1.0)
    while clock < mean:
        number += 1
        clock += rng.expovariate(1.0)
    return number


@dataclasses.dataclass(frozen=True)
class Work:
    """A step of the line: items that enter, harm that it does, cost, and a test's chance to see a bad unit."""

    good_prob: float
    cost: float
    coverage: float
    enter: "tuple[Line, ...]" = ()


@dataclasses.dataclass(frozen=True)
class Line:
    """A production line: its steps in order."""

    steps: tuple[Work, ...]


def shipped_unit(line: Line, rng: Random) -> tuple[float, bool, int]:
    """Start units until one ships: the cost of all of them, whether it is good, and how many were started."""
    spent, started = 0.0, 0
    while True:
        started += 1
        good, passed = True, True
        for step in line.steps:
            spent += step.cost
            for item in step.enter:
                cost, item_good, _ = shipped_unit(item, rng)
                spent += cost
                good = good and item_good
            good = good and rng.random() < step.good_prob
            if not good and rng.random() < step.coverage:
                passed = False
                break
        if passed:
            return spent, good, started
