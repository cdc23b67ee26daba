"""What is wrong at some moment, and what the rest is worth: between two occurrences nothing changes."""

import dataclasses

from ._capacity import Loss, combine, losses, weights
from ._excursion import Site, dark_losses, dark_now
from ._machine import Machine, Part, Unit
from ._reconfigure import reconfiguring_pays, to_switch
from ._work import Work, work


@dataclasses.dataclass(frozen=True)
class Active:
    """All that is wrong at some moment: parts with the class that struck them, repairs as (first failure,
    its class, unit out), excursions, and by how much the environment shifts the temperature of the lanes.
    """

    failed: frozenset[tuple[Part, str]]
    repairs: frozenset[tuple[Part, str, Unit]]
    excursions: frozenset[Site]
    shift: float = 0.0


@dataclasses.dataclass(frozen=True)
class State:
    """What is lost at some moment, what the rest is worth, and each class's share of the blame.

    Spares that circuits must be switched for count as lost, in `losses`, whether or not they have been.
    """

    losses: list[Loss]
    work: Work
    blame: dict[str, float]
    dark: float
    switched: int = 0  # spares that circuits have brought in


def state_of(machine: Machine, active: Active) -> State:
    """What these failures, repairs and excursions leave.

    States recur, above all in small machines, so the machine remembers some.
    """
    remembered = machine.memo.setdefault("states", {})
    if active not in remembered:
        if len(remembered) > 10_000:
            remembered.clear()
        remembered[active] = _state_of(machine, active)
    return remembered[active]


def _state_of(machine: Machine, active: Active) -> State:
    # In one order, whatever the sets': sums then agree to the last digit.
    parts = sorted((part for part, _ in active.failed), key=_place)
    repairs = sorted(((part, out) for part, _, out in active.repairs), key=lambda p: _place(p[0]))
    names = {part: name for part, name, _ in active.repairs} | dict(active.failed)
    sites = sorted(active.excursions, key=lambda site: (site.name, site.unit.number))
    dark = dark_losses(machine, sites, active.shift)
    lost = rough = [*losses(machine, parts, repairs, switched=False), *dark]
    always = machine.heat.lost(0.0, active.shift)
    now = work(machine, combine(machine, lost), 1.0 - always)
    healed = [*losses(machine, parts, repairs), *dark]
    switched = to_switch(rough)
    if switched:
        better = work(machine, combine(machine, healed), 1.0 - always)
        if reconfiguring_pays(machine, rough, now.rate, better.rate):
            lost, now = healed, better
        else:
            switched = 0
    shares: dict[str, float] = {}
    if always > 0:  # what is dark all the time has its share of the blame, too
        shares[machine.heat.always_name] = len(machine.accelerators) * always
    for loss in lost:
        for cause, weight in weights(machine, loss).items():
            add(shares, cause.name if isinstance(cause, Site) else names[cause], weight)
    total = sum(shares.values())
    blame = {name: share / total for name, share in shares.items()} if total > 0 else {}
    return State(rough, now, blame, dark_now(machine, sites, active.shift), switched)


def _place(part: Part) -> tuple[str, int]:
    return part.name, part.number


def add(to: dict[str, float], name: str, amount: float) -> None:
    """Add to what is there under a name."""
    to[name] = to.get(name, 0.0) + amount
