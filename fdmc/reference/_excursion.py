"""Excursions in a history: when they come and go, what they warm, and which lanes they take meanwhile."""

import dataclasses
import functools
import math
import random
from collections import Counter
from collections.abc import Callable, Iterable

from ..spec import Excursion
from ._ageing import Pace
from ._capacity import Loss, Reach, fed, reach
from ._law import draw
from ._machine import Machine, Part, Unit


@dataclasses.dataclass(eq=False)
class Site:
    """One instance of an excursion's unit, and what it covers; `order` of the kind, as written."""

    kind: Excursion
    order: int
    unit: Unit
    lanes: list[tuple[int, int]]  # (accelerator, plane)
    parts: dict[Pace, list[Part]]

    @property
    def accelerators(self) -> int:
        """How many accelerators have lanes in it."""
        return len({i for i, _ in self.lanes})

    @property
    def name(self) -> str:
        """Its class, in results."""
        return f"{self.unit.template}/{self.kind.name}"


def sites(machine: Machine) -> list[Site]:
    """All places that an excursion may strike, those that cover most first."""
    if "sites" not in machine.memo:
        found = [
            _site(machine, kind, order, unit)
            for order, kind in enumerate(machine.heat.excursions)
            for unit in machine.units[kind.unit]
        ]
        machine.memo["sites"] = sorted(found, key=lambda site: -len(site.lanes))
    return machine.memo["sites"]


def _site(machine: Machine, kind: Excursion, order: int, unit: Unit) -> Site:
    covered = fed(unit) if unit.feeds else [unit]
    lit = machine.heat.reaches_lanes(kind)
    lanes = sorted({lane for top in covered for lane in _lanes(machine, top)}) if lit else []
    parts: dict[Pace, list[Part]] = {}
    for part in dict.fromkeys(part for top in covered for part in top.all_parts()):
        for pace in part.paces:
            if pace.warm:
                parts.setdefault(pace, []).append(part)
    return Site(kind, order, unit, lanes, parts)


def _lanes(machine: Machine, top: Unit) -> list[tuple[int, int]]:
    """All links (accelerator, plane) with lanes below a unit."""
    if top.role == "container":
        inside = top.find(machine.scenario.fabric.accelerator)
        return [(each.number, k) for each in inside for k in range(machine.plane_count)]
    found = reach(machine, top)
    assert all(x == 1 for x in found.values()), f"{top.template} has only a part of a link."
    return [(i, k) for _, i, k in found]


def dark_losses(machine: Machine, active: Iterable[Site], shift: float = 0.0) -> list[Loss]:
    """What each takes of the lanes that those around it have left; of equal ones, those before it."""
    around: dict[tuple[int, int], float] = {}
    result = []
    for site in sorted(active, key=lambda site: (-len(site.lanes), site.order)):
        dark: Reach = {}
        for lane in site.lanes:
            before = around.get(lane, 0.0)
            around[lane] = before + site.kind.rise_kelvin
            taken = machine.heat.taken(site.kind.rise_kelvin, before, shift)
            if taken > 0:
                dark["link", *lane] = taken
        result.append(Loss(dark, 1.0, {site: 1.0}))
    return result


def dark_now(machine: Machine, active: Iterable[Site], shift: float = 0.0) -> float:
    """The share of all lanes that heat keeps dark, excursions or not."""
    lost, rises = machine.heat.lost, dict[tuple[int, int], float]()
    for site in active:
        for lane in site.lanes:
            rises[lane] = rises.get(lane, 0.0) + site.kind.rise_kelvin
    many = Counter(rises.values())
    more = math.fsum((lost(x, shift) - lost(0.0, shift)) * n for x, n in many.items())
    links = len(machine.accelerators) * machine.plane_count
    return lost(0.0, shift) + (more / links if links else 0.0)


class Weather:
    """The excursions of one history.

    `at` plans what happens at a time after now, `retime` tells a part that its pace has changed, `begun` and `changed`
    tell the history that an excursion has begun, and that others last than before or the season has turned. It starts
    at `begins`; `shift` is that of the environment's present step, in kelvin.
    """

    def __init__(
        self,
        machine: Machine,
        rng: random.Random,
        at: Callable[[float, Callable[[], None]], None],
        retime: Callable[[Part], None],
        begun: Callable[[Site], None],
        changed: Callable[[], None],
        begins: float = 0.0,
    ):
        self.machine, self.rng = machine, rng
        self.at, self.retime, self.begun, self.changed = at, retime, begun, changed
        self.lasting: dict[Site, None] = {}
        self.seasons, self.begins = machine.heat.seasons, begins
        self.season, self.shift = 0, self.seasons[0][1]
        self.warm: Counter[tuple[Site, Pace]] = Counter()
        self.over: dict[tuple[Pace, Part], list[Site]] = {}
        for site in sites(machine):
            for pace, parts in site.parts.items():
                for part in parts:
                    self.over.setdefault((pace, part), []).append(site)

    def start(self) -> None:
        """From now on they come."""
        for site in sites(self.machine):
            self.wait(site)
        if len(self.seasons) > 1:
            into = self.begins % math.fsum(hours for hours, _ in self.seasons)
            while into >= self.seasons[self.season][0]:
                into -= self.seasons[self.season][0]
                self.season += 1
            self.last_until(self.seasons[self.season][0] - into)

    def last_until(self, hours: float) -> None:
        """This step of the environment lasts for so long from now on."""
        self.shift = self.seasons[self.season][1]
        self.at(hours, self.turn)

    def turn(self) -> None:
        """The next step of the environment."""
        self.season = (self.season + 1) % len(self.seasons)
        self.last_until(self.seasons[self.season][0])
        self.changed()

    def wait(self, site: Site) -> None:
        rate = site.kind.rate_per_hour
        if rate > 0:
            self.at(self.rng.expovariate(rate), lambda: self.begin(site))

    def begin(self, site: Site) -> None:
        """It warms what it covers, each pace for as long as its recovery is worth to it."""
        kind, heat = site.kind, self.machine.heat
        hours = draw(kind.duration, self.rng)
        self.lasting[site] = None
        for pace in site.parts:
            self.heat(site, pace, 1)
            tail = pace.tail(kind.rise_kelvin, kind.recovery_hours)
            self.at(hours + tail, functools.partial(self.heat, site, pace, -1))
        self.at(hours + heat.after(kind), lambda: self.end(site))
        self.begun(site)

    def end(self, site: Site) -> None:
        """Its lanes are back, and the next one may come."""
        del self.lasting[site]
        self.changed()
        self.wait(site)

    def heat(self, site: Site, pace: Pace, change: int) -> None:
        """One more or one less excursion here, for the parts of a class."""
        self.warm[site, pace] += change
        for part in site.parts[pace]:
            self.retime(part)

    def rise(self, part: Part, pace: Pace) -> float:
        """All rises together."""
        over = self.over.get((pace, part), ())
        return math.fsum(self.warm[site, pace] * site.kind.rise_kelvin for site in over)
