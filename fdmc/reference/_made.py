"""The factory behind a machine: lanes that test has found lost, and lanes with a latent defect, package by package."""

import itertools
import math
from random import Random

from ..spec import LatentDefects, Manufacturing, Scenario, Weibull
from ._law import draw
from ._machine import Counting, Machine, Part, Unit
from ._yields import DieRecord, Factory, density, packages_of


class Field:
    """Which packages are in the machine, and what they have brought with them.

    Packages that ship at full bandwidth are built in, in their order; every swap takes the next ones. The first lanes
    of a group are those that test has found lost, the next ones have a latent defect.
    """

    def __init__(self, machine: Machine, made: Manufacturing, rng: Random):
        self.machine, self.made, self.rng = machine, made, rng
        lanes = machine.units[made.lanes.unit]
        groups = dict.fromkeys(lane.counting for lane in lanes)
        self.groups = [group for group in groups if isinstance(group, Counting)]
        self.dies = len(self.groups) // len(machine.units[made.unit])
        self.packages = packages_of(factory_of(machine.scenario, self.dies), rng)
        self.gone: set[Unit] = set()
        self.weak: set[Unit] = set()

    def swap(self, fru: Unit | Part) -> None:
        """What is in it comes from the next packages; the root itself is the machine when it is new."""
        inside = set(fru.below()) if isinstance(fru, Unit) else set()
        news: dict[int, list[DieRecord]] = {}
        for number, group in enumerate(self.groups):
            if group.elements[0] not in inside:
                continue
            package = number // self.dies
            if package not in news:
                news[package] = self._next()
            die = news[package][number % self.dies]
            self._fill(group, group.count - die.live - die.spares, die.latent)
        if news:
            self.machine.memo.pop("states", None)

    def _fill(self, group: Counting, lost: int, latent: int) -> None:
        group.lost_at_test = lost
        for i, lane in enumerate(group.elements):
            assert isinstance(lane, Unit)
            for marks, marked in ((self.gone, i < lost), (self.weak, lost <= i < lost + latent)):
                (marks.add if marked else marks.discard)(lane)

    def _next(self) -> list[DieRecord]:
        """The dies of the next package that ships: all its lanes live."""
        for package in self.packages:
            if all(die.live == self.groups[0].need for die in package.dies):
                return package.dies
        raise AssertionError("the line never ends")

    def lives(self, part: Part) -> list[float]:
        """The hours that a new part has before it; none when it cannot fail."""
        if isinstance(part.element, Unit) and part.element in self.gone:
            return []
        if not part.name.endswith(":latent"):
            return [draw(law, self.rng) for law in part.lives]
        return [self._infant()] if part.unit in self.weak else []

    def _infant(self) -> float:
        """What is left of a latent defect's life, of those that burn-in has not woken."""
        latent = self.made.latent
        assert latent is not None
        assert latent.infant is not None
        burnt = _burnt_hours(latent)
        while True:
            age = draw(latent.infant, self.rng)
            if age > burnt:
                return age - burnt


def field_of(machine: Machine, rng: Random) -> Field | None:
    """The field of a machine that is made, None of one that is not."""
    made = machine.scenario.manufacturing
    return None if made is None else Field(machine, made, rng)


def factory_of(scenario: Scenario, dies: int) -> Factory:
    """The line of a scenario whose lanes are lost to defects, fibres and a plain share.

    What assembly scraps is left out: it hits packages whatever their lanes are. It decides which ones are of one wafer,
    as does the share that the wafer's test passes, which is taken as the mean of a few thousand dies.
    """
    made = scenario.manufacturing
    assert made is not None
    die = made.parts[made.lanes.die]
    if made.lanes.ring is not None or any(s.joining and s.lanes.bonds for s in made.steps):
        raise ValueError("the reference knows neither rings at test nor bonds of single lanes")
    parent = next(u for u in scenario.units.values() if made.lanes.unit in u.contains)
    group = parent.contains[made.lanes.unit]
    need = group.need or group.count
    assert die.area_mm2 is not None
    per_mm2 = sum(x.layers * x.density_per_cm2 * x.critical for x in die.layers) / 100
    alone = made.lanes.area_mm2 * per_mm2
    together = (die.area_mm2 - group.count * made.lanes.area_mm2) * per_mm2
    woken, latent = _woken(made.latent)
    kept = math.prod(
        step.fibre_prob**step.lanes.fibres * (1 - step.lanes.loss) for step in made.steps
    )
    shared = made.lanes.common_cause * (1 - kept)
    infinite = lambda alpha: math.inf if alpha is None else alpha
    alphas = [infinite(a) for a in _alphas(made)]
    return Factory(
        packages=1,
        dies=dies,
        lanes=need,
        spares=group.count - need,
        packages_per_wafer=max(
            1, int(_good_dies(made, together * die.test.coverage, alphas) / dies)
        ),
        wafers_per_lot=made.clustering.wafers_per_lot,
        lane_defects=alone * (1 + woken),
        fatal_defects=together * (1 - die.test.coverage + woken),
        lane_loss_prob=1 - kept / (1 - shared),
        shared_loss_prob=shared,
        latent_ratio=latent / (1 + woken),
        lot_alpha=alphas[0],
        wafer_alpha=alphas[1],
        die_alpha=alphas[2],
    )


def _alphas(made: Manufacturing) -> tuple[float | None, float | None, float | None]:
    c = made.clustering
    return c.lot_alpha, c.wafer_alpha, c.die_alpha


def _burnt_hours(latent: LatentDefects) -> float:
    return 0.0 if latent.burn_in is None else latent.burn_in.hours * latent.burn_in.acceleration


def _woken(latent: LatentDefects | None) -> tuple[float, float]:
    """Latent defects for each killer: those that burn-in wakes, and the others."""
    if latent is None:
        return 0.0, 0.0
    asleep = 1.0
    if isinstance(latent.infant, Weibull):
        asleep = math.exp(
            -((_burnt_hours(latent) / latent.infant.scale_hours) ** latent.infant.shape)
        )
    return latent.ratio * (1 - asleep), latent.ratio * asleep


def _good_dies(made: Manufacturing, found: float, alphas: list[float]) -> float:
    """Dies of a wafer that its test passes, when that finds so many defects a die."""
    die = made.parts[made.lanes.die]
    assert die.area_mm2 is not None
    wafer, cell = die.wafer, (math.sqrt(die.area_mm2) + die.wafer.scribe_mm) ** 2
    across = wafer.diameter_mm - 2 * wafer.edge_mm
    whole = math.pi * across**2 / 4 / cell - math.pi * across / math.sqrt(2 * cell)
    rng, many = Random(0), 4000
    draws = (math.prod(density(alpha, rng) for alpha in alphas) for _ in itertools.repeat(0, many))
    return whole * sum(math.exp(-found * each) for each in draws) / many
