"""The factory behind a machine: lanes that test has found lost, and latent defects, package by package."""

import itertools
import math
from random import Random

from ..spec import DefectLaw, LatentDefects, Manufacturing, Scenario, Weibull
from ._law import draw
from ._machine import Counting, Machine, Part, Unit
from ._yields import DieRecord, Factory, density, fallen, packages_of


class Field:
    """Which packages are in the machine, and what they have brought with them.

    Packages that ship at full bandwidth are built in, in their order; every swap takes the next ones. The first lanes
    of a group are those that test has found lost, the next ones have a latent defect. Defects elsewhere on the die of
    the lanes come with their package, those of other parts are drawn when the part is new.
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
        self.on_die: dict[Unit, int] = {}

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
            self.on_die[group.parent] = die.latent_fatal
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
        if part.name.endswith("/latent"):
            return [self._first(part.unit, pace.name) for pace in part.paces]
        if not part.name.endswith(":latent"):
            return [draw(law, self.rng) for law in part.lives]
        return [self._infant()] if part.unit in self.weak else []

    def _first(self, unit: Unit, name: str) -> float:
        """When the first of the latent defects fails that a unit has on the die of its lanes, or on another part."""
        carrier = name.split("/")[1].removesuffix(":latent")
        if carrier == self.made.lanes.die:
            return min((self._infant() for _ in range(self.on_die[unit])), default=math.inf)
        burnt = unit.template == self.made.unit
        steps = self.made.steps if burnt or self.made.mount is None else self.made.mount.steps
        latent, part = self.made.latent, self.made.parts[carrier]
        assert latent is not None
        assert part.area_mm2 is not None
        woken, asleep = _woken(latent) if burnt else (0.0, latent.ratio)
        count = 0
        for layer in part.layers:
            mean = part.area_mm2 * layer.density_per_cm2 * layer.critical / 100
            for _ in range(layer.layers * sum(step.parts.get(carrier, 0) for step in steps)):
                count += sleepers(layer.law, mean, woken, asleep, self.rng)
        lives = (self._infant(burnt) for _ in range(count))
        return min(lives, default=math.inf)

    def _infant(self, burnt: bool = True) -> float:
        """What is left of a latent defect's life, of those that burn-in has not woken."""
        latent = self.made.latent
        assert latent is not None
        assert latent.infant is not None
        since = _burnt_hours(latent) if burnt else 0.0
        while True:
            age = draw(latent.infant, self.rng)
            if age > since:
                return age - since


def sleepers(law: DefectLaw | None, mean: float, woken: float, asleep: float, rng: Random) -> int:
    """Latent defects on a die without killers and defects that burn-in woke: `woken` and `asleep` for a killer."""
    while True:
        here = mean * _density(law, rng)
        if fallen((1 + woken) * here, rng) == 0:
            return fallen(asleep * here, rng)


def _density(law: DefectLaw | None, rng: Random) -> float:
    """Density of the place of one die, of mean 1, by how defects gather."""
    assert law is not None
    if law.kind_of == "poisson":
        return 1.0
    if law.kind_of == "murphy":  # a triangle from 0 to 2
        return rng.random() + rng.random()
    alpha = 1.0 if law.kind_of == "seeds" else law.parameter
    assert alpha is not None
    return rng.gammavariate(alpha, 1 / alpha)


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
        latent_fatal_defects=latent * together * _passing(together * die.test.coverage, alphas),
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


def _passing(found: float, alphas: list[float]) -> float:
    """Mean density of dies that the test on the wafer passes, when it finds so many defects a die."""
    rng, total, passed = Random(1), 0.0, 0.0
    for _ in range(20_000):
        here = math.prod(density(alpha, rng) for alpha in alphas)
        total += here * math.exp(-found * here)
        passed += math.exp(-found * here)
    return total / passed


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
