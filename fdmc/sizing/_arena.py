"""Histories of many designs by one program: places and shelves padded to the largest, common random numbers."""

import dataclasses
import hashlib
import math
from collections.abc import Callable, Iterable

import jax
import numpy as np

from ..collect import Engine, Programs, chunks, first_bounds, padded
from ..kernel import Bounds
from ..plan import Directory, Plan
from ._space import Made


LANES = 256
"""Histories in one call."""

_SIZES = (8, 12, 16, 24, 32, 48, 64)
"""Outages at once that programs are compiled for: each size costs a compilation."""

FACTS = ("lost", "idle", "interruptions", "drains", "reconfigurations", "unused", "spent")
"""What is kept of every history: hours, counts, hours not in use, and what repairs have used up (currency)."""


@dataclasses.dataclass
class Facts:
    """What the first histories of a design came to.

    `rows` float64[histories, FACTS]; sums over histories by class of the plan: `blame` (hours times accelerators),
    `stops` (interruptions) and `jobs`; `moments` by unit: sums of blame, of stops, of their squares and product.
    """

    rows: np.ndarray
    blame: np.ndarray
    stops: np.ndarray
    jobs: np.ndarray
    moments: np.ndarray

    def means(self) -> dict[str, float]:
        """Means of the rows by name."""
        return dict(zip(FACTS, self.rows.mean(0).tolist(), strict=True))


class Arena:
    """Simulates designs, the same replicas of one seed for all, and remembers what it has seen."""

    def __init__(self, machines: Iterable[Made], seed: int, programs: Programs | None = None):
        self.seed, self.programs = seed, programs or Programs()
        self.devices = jax.local_devices()
        self.histories = 0
        self.crowd: Callable[[Made], float] | None = None
        self.seen: dict[str, Facts] = {}
        self.stock: dict[str, int] = {}
        self.places, directories = 0, []
        for made in machines:
            plan, directory = made.plan, made.directory
            self.places = max(self.places, len(plan.places.home))
            directories.append(directory)
            for pool, stock in zip(directory.pools, plan.stock, strict=True):
                self.stock[pool] = max(self.stock.get(pool, 0), stock)
        self.bounds = _roomy(directories) if directories else Bounds()

    def like(self, other: "Arena") -> "Arena":
        """Take the shapes of another arena, so that its programs serve here."""
        self.places, self.stock, self.bounds = other.places, other.stock, other.bounds
        self.crowd = other.crowd
        return self

    def roomy(self, made: Made) -> Bounds:
        """Return the bounds for a design: a few sizes for all, by how many outages it has at once."""
        mean = 0.0 if self.crowd is None else self.crowd(made)
        need = mean + 4 * math.sqrt(mean) + 4
        outages = next(
            (size for size in _SIZES if size >= max(need, self.bounds.outages)), _SIZES[-1]
        )
        return dataclasses.replace(self.bounds, outages=outages)

    def facts(self, made: Made, replicas: int) -> Facts:
        """Return what the first `replicas` histories came to; those that are known are not simulated again."""
        key = _key(made.plan)
        known = self.seen.get(key)
        first = 0 if known is None else len(known.rows)
        if first >= replicas:
            assert known is not None
            return known
        more = self._simulate(made, first, replicas)
        self.histories += replicas - first
        if known is not None:
            more = Facts(
                np.concatenate([known.rows, more.rows]),
                known.blame + more.blame,
                known.stops + more.stops,
                known.jobs + more.jobs,
                known.moments + more.moments,
            )
        self.seen[key] = more
        return more

    def known(self, made: Made) -> int:
        """Return how many histories of a design are known."""
        found = self.seen.get(_key(made.plan))
        return 0 if found is None else len(found.rows)

    def pad(self, plan: Plan, directory: Directory) -> Plan:
        """Return the same machine in the shape that all designs share, or as it is if it does not fit."""
        n = len(plan.places.home)
        if n > self.places or any(
            stock > self.stock.get(pool, -1)
            for pool, stock in zip(directory.pools, plan.stock, strict=True)
        ):
            return plan
        longer = lambda x: np.pad(x, (0, self.places - n), mode="edge")
        places = dataclasses.replace(
            plan.places,
            **{
                f.name: longer(getattr(plan.places, f.name))
                for f in dataclasses.fields(plan.places)
            },
        )
        wear = dataclasses.replace(plan.wear, fru=longer(plan.wear.fru))
        most = tuple(self.stock[pool] for pool in directory.pools)
        there = [
            np.arange(most_here) < here for most_here, here in zip(most, plan.stock, strict=True)
        ]
        shelf = np.where(np.concatenate([*there, np.zeros(0, bool)]), 0, np.inf).astype(np.float32)
        return dataclasses.replace(plan, places=places, wear=wear, stock=most, shelf=shelf)

    def _simulate(self, made: Made, first: int, last: int) -> Facts:
        plan = self.pad(made.plan, made.directory)
        engine = Engine(plan, self.seed, self.devices, programs=self.programs)
        parts = list(chunks(first, last, LANES))
        bounds = self.roomy(made)
        try:
            flying = [engine.submit(i, padded(p, LANES), bounds) for i, p in enumerate(parts)]
            found = [
                self._read(engine, made, part, future.result(), bounds)
                for part, future in zip(parts, flying, strict=True)
            ]
        finally:
            engine.close()
        rows = np.concatenate([rows for rows, *_ in found])
        return Facts(rows, *(np.sum([one[i] for one in found], axis=0) for i in (1, 2, 3, 4)))

    def _read(self, engine: Engine, made: Made, replicas: np.ndarray, out, bounds: Bounds):
        n = len(replicas)
        rows, by_class = _rows(made, out, n), _by_class(out, n)
        for some, again in engine.again(replicas, out, bounds, lambda o: o.status, "a design"):
            rows[some] = _rows(made, again, len(some))
            for mine, other in zip(by_class, _by_class(again, len(some)), strict=True):
                mine[:, some] = other
        return rows, *(one.sum(1) for one in by_class), _moments(made, *by_class[:2])


def _rows(made: Made, out, n: int) -> np.ndarray:
    take = lambda x: np.asarray(x)[..., :n].astype(np.float64)
    stops = take(out.stops).sum(0)
    jobs = (np.asarray(out.failures)[:, :n] >> 16).astype(np.float64)
    some = out.reconfigurations is not None
    circuits = take(out.reconfigurations) if some else np.zeros(n)
    columns = (
        take(out.lost_hours), take(out.idle_hours), stops, take(out.drains),
        circuits, take(out.unused_hours), made.swaps @ jobs,
    )  # fmt: skip
    return np.stack(columns, 1)


def _moments(made: Made, blame: np.ndarray, stops: np.ndarray) -> np.ndarray:
    """Sums by unit of blame, stops, their squares and their product: float64[5, units]."""
    names = units_of(made)
    which = np.array([[info.unit == name for info in made.directory.classes] for name in names])
    b, s = which @ blame, which @ stops
    return np.stack([b.sum(1), s.sum(1), (b * b).sum(1), (s * s).sum(1), (b * s).sum(1)])


def units_of(made: Made) -> tuple[str, ...]:
    """The units that have classes, in the order of the plan."""
    return tuple(dict.fromkeys(info.unit for info in made.directory.classes))


def _by_class(out, n: int) -> list[np.ndarray]:
    """Blame in hours times accelerators, interruptions, jobs: float64[classes, histories]."""
    jobs = np.asarray(out.failures)[:, :n] >> 16
    found = (np.asarray(out.blame_hours)[:, :n], np.asarray(out.stops)[:, :n], jobs)
    return [one.astype(np.float64) for one in found]


def _roomy(directories: list[Directory]) -> Bounds:
    """Bounds that all designs share, with room to spare: a second program for a few histories costs more."""
    found = [first_bounds(directory, 0) for directory in directories]
    most = lambda name: max(getattr(one, name) for one in found)
    return dataclasses.replace(
        found[0], outages=most("outages") + 4, latents=most("latents"), renewals=most("renewals"),
        packages=most("packages"),
    )  # fmt: skip


def _key(plan: Plan) -> str:
    """What a plan says, in short: designs that differ in checkpoints alone share their histories."""
    leaves, tree = jax.tree.flatten(plan)
    digest = hashlib.blake2b(repr(tree).encode(), digest_size=16)
    for leaf in leaves:
        digest.update(np.ascontiguousarray(leaf).tobytes())
    return digest.hexdigest()
