"""The machines that are compared, the uncertain rows of their parts, and what each row moves."""

import concurrent.futures
import dataclasses
import functools
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

import fdmc
from fdmc import Estimate
from fdmc.collect import Comparison
from fdmc.library import row


NAMES = {
    "pluggable": "DSP pluggable",
    "lpo": "LPO",
    "npo": "NPO, external lasers",
    "cpo": "CPO, external lasers",
    "cpo-vcsel": "CPO, VCSEL",
    "cpo-inp": "CPO, InP on silicon",
    "microled": "micro-LED cables",
    "ocs": "DSP pluggable, OCS",
    "ocs-ring": "3-hop ring of OCS transceivers",
}
FIRST = "pluggable"
POLICIES = {
    "degrade": "the job goes on with the lanes that are left",
    "park": "the job stops, and goes on without the accelerator",
}
COPPER_REACH = {
    # As copper-64: one rack, 8 planes of 8 lanes, its chips and its stock.
    "pluggable": ("fabric.lanes_per_link=8",),
    "lpo": ("fabric.lanes_per_link=8",),
    "microled": ("fabric.lanes_per_link=8",),
    "cpo": ("fabric.lanes_per_link=8", "units.switch_tray.contains.switch_els=8"),
}
_RACK = (
    "units.pod.contains={rack: 1, switch_tray: 4}",
    "units.asic.contains.chip=1",
    "service.replace.package.stock=2",
    "service.replace.tray.stock=1",
    "service.replace.nic.stock=1",
    "economics.tokens.per_step=0.01875 Mtoken",
)
# Library rows of whole engines, and how many of them one of 6.4 Tb/s is: what the sum of its parts is held against.
WHOLE = {
    "npo": ("NPO-32", 2.0),
    "cpo": ("OE-16", 4.0),
    "cpo-vcsel": ("VCSEL-CPO", 6.25),
    "cpo-inp": ("OIO-OCI", 1.5625),
}
IN_ENGINES = ("pic", "eic", "fibre_array", "attach", "socket", "driver")
_NEVER = "0.001 FIT"
# The board of an external laser module is row ELS-MOD less its 8 lasers: of the least and the most of both.
_BOARD = ("els_board", "ELS-MOD", 52.0, 1100.0)


@functools.cache
def packaged(technology: str) -> fdmc.Scenario:
    """The scenario of a technology at 512 accelerators, as it is."""
    return fdmc.load(f"{technology}-512")


def scenario(technology: str, size: int, policy: str = "degrade", sets: Sequence[str] = ()):
    """A packaged scenario with a policy and some changes."""
    return fdmc.load(f"{technology}-{size}", [f"fabric.policy={policy}", *sets])


def in_reach(technology: str, policy: str = "degrade") -> fdmc.Scenario:
    """A machine of the size that copper reaches: copper itself, or another technology in its place."""
    if technology == "copper":
        return fdmc.load("copper-64", [f"fabric.policy={policy}"])
    return scenario(technology, 512, policy, (*_RACK, *COPPER_REACH[technology]))


@dataclasses.dataclass(frozen=True)
class Knob:
    """A component whose rate is not known better than its library row says; rates in FIT."""

    component: str
    row: str
    grade: str
    low: float
    best: float
    high: float
    optics: bool
    warm: bool = False

    def set(self, fit: float) -> tuple[str, ...]:
        """The changes that give it another rate; one that wears keeps its shape, one with a temperature ages alike."""
        found, here = row(self.row), f"components.{self.component}"
        if found.shape is not None and found.scale_hours is not None:
            scale = found.scale_hours * self.best / fit
            law = {"Weibull": "weibull", "lognormal": "lognormal"}[found.distribution]
            names = {"weibull": ("shape", "scale"), "lognormal": ("sigma", "median")}[law]
            body = f"{{{law}: {{{names[0]}: {found.shape}, {names[1]}: {scale} h}}}}"
            return (f"{here}.lifetime={body}",)
        changes = (f"{here}.rate={fit} FIT",)
        if not self.warm:
            return changes
        kelvin, energy = found.reference_kelvin, found.activation_energy_ev
        return (*changes, f"{here}.reference={kelvin} K", f"{here}.activation_energy={energy} eV")


def knobs(technology: str) -> list[Knob]:
    """Every component of a technology whose row is of grade B or C; its optics first."""
    return knobs_of(packaged(technology))


def knobs_of(machine: fdmc.Scenario) -> list[Knob]:
    """The same of any machine."""
    shared = set(packaged(FIRST).components) - {"module"}
    found = []
    for name, part in machine.components.items():
        if name == _BOARD[0]:
            found.append(Knob(name, _BOARD[1], "C", _BOARD[2], 190.0, _BOARD[3], True))
        elif part.use is not None and row(part.use).grade != "A":
            r = row(part.use)
            low, best, high = r.fit_min, r.fit_typ, r.fit_max
            assert low is not None, "rated"
            assert best is not None, "rated"
            assert high is not None, "rated"
            warm = part.at_kelvin is not None
            found.append(Knob(name, r.id, r.grade, low, best, high, name not in shared, warm))
    return sorted(found, key=lambda knob: not knob.optics)


Some = TypeVar("Some")
Arm = tuple[str, str]  # of a row (or of several together), and which end: low or high
BASE: Arm = ("", "")
OPTICS, SHARED, ENGINE = "all of its optics", "all that technologies share", "whole engine"
SPARED = "lanes and lasers with spares"
_ENDS = {"low": lambda k: k.set(k.low), "high": lambda k: k.set(k.high)}


def spared(technology: str) -> set[str]:
    """Components whose first failures spares absorb: they move little, and are moved together."""
    machine = packaged(technology)
    counted = {name for name, node in machine.tree.nodes.items() if node.need is not None}
    return {
        name
        for unit in machine.units.values()
        for name, group in unit.components.items()
        if group.need is not None or unit.name in counted
    }


def arms(technology: str, rows: bool) -> dict[Arm, tuple[str, ...]]:
    """What is changed in each variation of a technology, nothing in the first; its `rows` one by one, or not."""
    found: dict[Arm, tuple[str, ...]] = {BASE: ()}
    some, behind = knobs(technology), spared(technology)
    for end, change in _ENDS.items():
        graded = [knob for knob in some if knob.grade == "C"]
        found[OPTICS, end] = sum((change(k) for k in graded if k.optics), ())
        found[SHARED, end] = sum((change(k) for k in graded if not k.optics), ())
        mine = [knob for knob in some if knob.optics]
        for knob in mine if rows else ():
            if knob.component not in behind:
                found[knob.row, end] = change(knob)
        if rows and behind & {knob.component for knob in mine}:
            found[SPARED, end] = sum((change(k) for k in mine if k.component in behind), ())
    if rows and technology in WHOLE:
        id, copies = WHOLE[technology]
        r = row(id)
        parts = [name for name in IN_ENGINES if name in packaged(technology).components]
        rest = tuple(f"components.{name}.rate={_NEVER}" for name in parts if name != "eic")
        for end, fit in {"low": r.fit_min, "best": r.fit_typ, "high": r.fit_max}.items():
            assert fit is not None, "rated"
            found[ENGINE, end] = (f"components.eic.rate={copies * fit} FIT", *rest)
    return found


@dataclasses.dataclass(frozen=True)
class Moved:
    """One technology under one variation: goodput lost, and gained over the first technology as it is."""

    technology: str
    arm: Arm
    lost: Estimate
    gain: Estimate


Variations = dict[str, dict[Arm, Moved]]


def vary(policy: str, replicas: int, seed: int) -> Variations:
    """Every variation of every technology at 512 accelerators, all against the first one as it is."""
    one = functools.partial(vary_one, policy=policy, replicas=replicas, seed=seed)
    return dict(zip(NAMES, at_once(one, NAMES), strict=True))


def vary_one(technology: str, policy: str, replicas: int, seed: int) -> dict[Arm, Moved]:
    """Every variation of one technology, in one comparison: they differ in numbers, and share a program."""
    changes = arms(technology, rows=True)
    machines = [scenario(FIRST, 512, policy)]
    machines += [scenario(technology, 512, policy, sets) for sets in changes.values()]
    pair = fdmc.compare(machines, seed=seed, replicas=replicas, chunk=replicas)
    return {
        arm: Moved(technology, arm, pair.goodput[i].complement(), pair.gain[i])
        for i, arm in enumerate(changes, start=1)
    }


def at_once(function: Callable[[str], Some], names: Iterable[str]) -> list[Some]:
    """Call a function for every name, two at a time: most of the time goes into compiling, on one core."""
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        return list(pool.map(function, names))


def paired(machines: Sequence[fdmc.Scenario], replicas: int, seed: int) -> Comparison:
    """Compare machines by the same histories; two chunks, so that two cores are busy."""
    return fdmc.compare(machines, seed=seed, replicas=replicas, chunk=max(replicas // 2, 16))


def rank(gain: float, others: Sequence[float]) -> int:
    """1 for what gains most."""
    return 1 + sum(other > gain for other in others)


def ranks(moved: Variations, technology: str, name: str) -> tuple[int, int]:
    """Best and worst rank of a technology while its own numbers move, those of the others stay."""
    others = [found[BASE].gain.best for other, found in moved.items() if other != technology]
    own = [m.gain.best for arm, m in moved[technology].items() if arm == BASE or arm[0] == name]
    places = [rank(gain, others) for gain in own]
    return min(places), max(places)


@dataclasses.dataclass(frozen=True)
class RowEffect:
    """A row at both ends in all technologies that use it: what moves most, and which pairs change places."""

    name: str
    grade: str
    rates: tuple[float, float, float] | None
    technologies: tuple[str, ...]
    low: float
    high: float
    most: str
    flips: tuple[str, ...]


def row_effects(moved: Variations) -> Iterator[RowEffect]:
    """The effect of every row on the ranking; changes of lost goodput are those of the technology moved most."""
    known = {knob.row: knob for name in NAMES for knob in knobs(name)}
    names = dict.fromkeys(arm[0] for found in moved.values() for arm in found if arm != BASE)
    for name in names:
        if name in (ENGINE, OPTICS):
            continue  # each technology's own; they are told apart
        users = tuple(t for t, found in moved.items() if (name, "high") in found)
        change = {
            (t, end): moved[t][name, end].lost.best - moved[t][BASE].lost.best
            for t in users
            for end in ("low", "high")
        }
        most = max(users, key=lambda t: abs(change[t, "high"]) + abs(change[t, "low"]))
        flips = [f for end in ("low", "high") for f in _flips(moved, name, end)]
        knob = known.get(name)
        yield RowEffect(
            name,
            "C" if knob is None else knob.grade,
            None if knob is None else (knob.low, knob.best, knob.high),
            users,
            change[most, "low"],
            change[most, "high"],
            most,
            tuple(flips),
        )


def _flips(moved: Variations, name: str, end: str) -> Iterator[str]:
    """Pairs whose order is beyond the intervals, before and after, and not the same."""
    for a, b in itertools.combinations(moved, 2):
        before = _ahead(moved[a][BASE].gain, moved[b][BASE].gain)
        after = _ahead(*(moved[t].get((name, end), moved[t][BASE]).gain for t in (a, b)))
        if before * after < 0:
            first, second = (a, b) if after > 0 else (b, a)
            yield f"{first} before {second} ({end})"


def _ahead(a: Estimate, b: Estimate) -> int:
    """1 when the first gains more beyond both intervals, -1 when less, 0 when that cannot be told."""
    gap = a.best - b.best
    if abs(gap) <= (a.width + b.width) / 2:
        return 0
    return 1 if gap > 0 else -1
