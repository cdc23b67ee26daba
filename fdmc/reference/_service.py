"""When work may begin: maintenance windows, and scheduled work that the copies of a unit have in turn."""

import dataclasses
import math

from ..spec import Law, Scheduled, Windows
from ._machine import Machine, Part, Unit


@dataclasses.dataclass(eq=False)
class Job:
    """One open job; `out` is what it takes out of service while the work lasts.

    `fru` is None for scheduled work, which renews nothing. A `guest` began because a unit around its FRU was out.
    """

    number: int
    opener: Part
    fru: Unit | Part | None
    out: Unit | None
    spare_at: float
    repair_hours: float
    technician: bool = True
    windowed: bool = False
    opportunistic: bool = False
    guest: bool = False

    def lies_in(self, unit: Unit) -> bool:
        """Whether its FRU lies in a unit, or is that."""
        return self.fru is not None and inside(self.fru, unit)


def inside(fru: Unit | Part, unit: Unit) -> bool:
    """Whether a FRU lies in a unit, or is that."""
    return unit in (fru.above() if isinstance(fru, Unit) else fru.unit.above())


@dataclasses.dataclass(eq=False)
class Calendar:
    """The maintenance windows of one history, from one opening to the next."""

    windows: Windows | None
    closes: float = math.inf
    number: int = 0

    def start(self, now: float) -> None:
        """Find the last opening before or at `now`."""
        if self.windows is not None:
            self.number = math.floor((now - self.windows.first_hours) / self.windows.every_hours)
            self.closes = self.opening() + self.windows.open_hours

    def opening(self, after: int = 0) -> float:
        """When the window that is `after` the present one opens."""
        assert self.windows is not None
        return self.windows.first_hours + (self.number + after) * self.windows.every_hours

    def open(self) -> None:
        """The next window opens."""
        assert self.windows is not None
        self.number += 1
        self.closes = self.opening() + self.windows.open_hours


@dataclasses.dataclass(eq=False)
class Turns:
    """Scheduled work: copy `m mod n` of the `n` copies begins at `(m + 1/2) every / n`, for every whole `m`."""

    kind: Scheduled
    copies: list[Part]  # stand for the units, as what is to blame
    number: int = 0

    @property
    def law(self) -> Law:
        """How long one copy is out."""
        return self.kind.time

    @property
    def copy(self) -> Part:
        """The one whose turn is next."""
        return self.copies[self.number % len(self.copies)]

    def time(self) -> float:
        """When it begins."""
        return (self.number + 0.5) * self.kind.every_hours / len(self.copies)

    def start(self, now: float) -> None:
        """Find the first turn that is not over."""
        self.number = math.ceil(now * len(self.copies) / self.kind.every_hours - 0.5)


def turns(machine: Machine) -> list[Turns]:
    """The scheduled work of a machine, as it is before anything has happened."""
    kinds = machine.scenario.service.scheduled or ()
    if "turns" not in machine.memo:
        machine.memo["turns"] = [
            [
                Part(f"{kind.unit}/{kind.name}", i, unit, [], ())
                for i, unit in enumerate(machine.units[kind.unit])
            ]
            for kind in kinds
        ]
    return [Turns(kind, copies) for kind, copies in zip(kinds, machine.memo["turns"], strict=True)]
