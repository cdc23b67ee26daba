"""Burn-in against early life: what it scraps and costs, and what latent defects take from the job without it."""

import dataclasses
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from ..plan import is_latent, lower
from ..spec import Scenario, load
from ..tally import Estimate, Tally
from ..yields import factory
from ._columns import columns_of, measure
from ._engine import Engine, chunks, first_bounds, padded, whole_vectors
from ._ledger import Ledger
from ._manufactured import HOURS_PER_YEAR, exact_metrics
from ._result import result_of


_BINS = 1  # of time: the curve is not asked for
_LATENT = "latent defects"


@dataclasses.dataclass(frozen=True)
class BurnInRow:
    """One time in the oven, `hours`: what ships, and what is lost in the field.

    `ship_prob`, `cost`, the share of units that a latent defect fails whole in the first year (`early_failures`) and
    the lanes of a unit that fail by one (`early_lanes`) are exact. Sampled, with the same replicas for every time in
    the oven: `first_year` and `mission` are goodput lost over that time by a new machine, `first_year_latent` and
    `mission_latent` the part of it that latent defects are to blame for, those of the mount included.
    """

    hours: float
    ship_prob: Estimate
    cost: Estimate
    early_failures: Estimate
    early_lanes: Estimate
    first_year: Estimate
    first_year_latent: Estimate
    mission: Estimate
    mission_latent: Estimate


def burn_in_trade(
    scenario: Scenario | str,
    hours: Sequence[float] = (0.0, 24.0, 96.0),
    *,
    seed: int = 0,
    replicas: int = 1024,
    chunk: int = 512,
) -> tuple[BurnInRow, ...]:
    """Say what more or less burn-in would give and take, all else as in the scenario.

    **Arguments:** a `scenario` with `manufacturing.latent` of an `infant` law and a `burn_in`, of which the time is
    replaced by each of `hours` in the oven; `seed`; `replicas`; `chunk`, replicas a call.

    **Returns:** one `BurnInRow` for each time.

    **Raises:** `ScenarioError`; `ValueError` where the scenario does not say how burn-in ages its parts.
    """
    scenario = scenario if isinstance(scenario, Scenario) else load(scenario)
    if any(not np.isfinite(h) or h < 0 for h in hours):
        raise ValueError("times in the oven are hours, not below 0.")
    variants = [burnt(scenario, h) for h in hours]
    runs = _Runs(variants, seed, replicas, chunk)
    try:
        return tuple(runs.row(h, one) for h, one in zip(hours, variants, strict=True))
    finally:
        runs.engine.close()


def burnt(scenario: Scenario, hours: float) -> Scenario:
    """Return the scenario with so many hours in the oven; none costs nothing."""
    made = scenario.manufacturing
    if made is None or made.latent is None or made.latent.burn_in is None:
        raise ValueError(
            f"'{scenario.name}' does not say how burn-in ages its parts: give manufacturing.latent "
            "ratio, infant and burn_in: {time, acceleration, cost}."
        )
    oven = dataclasses.replace(made.latent.burn_in, hours=hours)
    if hours == 0:
        oven = dataclasses.replace(oven, cost=0.0)
    latent = dataclasses.replace(made.latent, burn_in=oven)
    return dataclasses.replace(scenario, manufacturing=dataclasses.replace(made, latent=latent))


class _Runs:
    """Histories of machines that differ in numbers only: one program serves all of them."""

    def __init__(self, variants: list[Scenario], seed: int, replicas: int, chunk: int):
        plan, directory = lower(variants[0])
        self.bounds = first_bounds(directory, _BINS)
        for one in variants[1:]:
            other = first_bounds(lower(one)[1], _BINS)
            both = zip(dataclasses.astuple(self.bounds), dataclasses.astuple(other), strict=True)
            self.bounds = type(self.bounds)(*(max(a, b) for a, b in both))
        self.seed, self.replicas, self.lanes = seed, replicas, min(chunk, replicas)
        self.engine = Engine(plan, seed, jax.local_devices()[:1])

    def row(self, hours: float, scenario: Scenario) -> BurnInRow:
        works = factory(scenario)
        exact = exact_metrics(scenario, works, works.shipment())[0]
        year = min(HOURS_PER_YEAR, scenario.mission_hours)
        first = self._run(dataclasses.replace(scenario, mission_hours=year))
        whole = self._run(scenario)
        return BurnInRow(
            hours,
            exact["unit.ship_prob"],
            exact["unit.cost"],
            exact["unit.early_failures.first_year"],
            exact["unit.latent_failures.first_year"],
            *first,
            *whole,
        )

    def _run(self, scenario: Scenario) -> tuple[Estimate, Estimate]:
        """Goodput lost, and what of it latent defects are to blame for: all their classes as one contributor."""
        plan, directory = lower(scenario)
        classes = [
            dataclasses.replace(c, component=_LATENT) if is_latent(c) else c
            for c in directory.classes
        ]
        directory = dataclasses.replace(directory, classes=tuple(classes))
        columns = columns_of(plan, directory, _BINS)
        self.engine.plans = [jax.tree.map(jnp.asarray, plan)]
        tally = Tally.zero(len(columns.columns), columns.core, _BINS)
        for part in chunks(0, self.replicas, self.lanes):
            lanes = padded(part, whole_vectors(self.lanes))
            out = self.engine.submit(0, lanes, self.bounds).result()
            rows, levels, steps = measure(plan, directory, columns, out, np.arange(len(part)))
            for some, again in self.engine.again(
                part, out, self.bounds, lambda o: o.status, scenario.name
            ):
                fitted = measure(plan, directory, columns, again, np.arange(len(some)))
                rows[some], levels[some] = fitted[:2]
            tally = tally.merge(Tally.of(rows, columns.core, levels, steps))
        ledger = Ledger(scenario.fingerprint, self.seed, _BINS, self.replicas, 0.0, 0, tally)
        found = result_of(scenario, plan, directory, columns, ledger, self.engine)
        key, nothing = f"lost_goodput.component.{_LATENT}", Estimate(0.0, 0.0, 0.0, "1", 0, "exact")
        return found["goodput"].complement(), found[key] if key in found else nothing
