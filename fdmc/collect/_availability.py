"""Laboratory systems: k of n exchangeable components with technicians, exactly and sampled.

Those of unlike components that never wait are in `_availability_structure`.
"""

import concurrent.futures
import dataclasses
import math
import os

import jax.numpy as jnp
import numpy as np

from ..kernel import Population, population, stream_keys
from ..plan import ageing, lifetime_of, lower
from ..spec import Exponential, Scenario, load, resolve_rule
from ..tally import HOURS, Estimate, mean_estimate
from ._availability_structure import ENVIRONMENT, HEAT, structure_availability
from ._compile import jit
from ._scheduled import refuse_planned


_LANES = 8192
_population = jit(population)


@dataclasses.dataclass(frozen=True)
class Availability:
    """Fraction of the mission with enough components: exact, long-run exact, and sampled."""

    exact: float
    stationary: float
    sampled: Estimate
    occurrences: int


def availability(
    scenario: Scenario | str, *, seed: int = 0, replicas: int = 1 << 14
) -> Availability:
    """Return how much of the mission a k-of-n system with technicians is up, or a machine of structures.

    **Arguments:** a scenario with one component class in one counting group, exponential lifetimes and
    repairs, unlimited spares, each component swapped by itself; or one whose components are like that, all of
    them in units with a structure, and unlimited technicians; `seed`; `replicas`.

    **Raises:** `ValueError` for any other machine: `fdmc.run` simulates those.

    !!! example

        ```python
        import fdmc

        lab = fdmc.load({
            "fdmc": 1, "name": "lab", "mission": "5 y",
            "components": {"unit": {"mtbf": "1000 h", "repair": {"exponential": {"mean": "24 h"}}}},
            "units": {"system": {"components": {"unit": {"count": 6, "need": 5}}}},
            "fabric": {"accelerator": "system"}, "service": {"technicians": 1},
        })
        answer = fdmc.availability(lab, replicas=2048)
        assert abs(answer.exact - 0.9836280961) < 1e-9
        assert answer.sampled.low < answer.exact < answer.sampled.high
        ```
    """
    scenario = scenario if isinstance(scenario, Scenario) else load(scenario)
    if any(unit.structure is not None for unit in scenario.units.values()):
        return Availability(*structure_availability(scenario, seed, replicas))
    plan, name = population_of(scenario)
    exact, stationary = _exact(plan)
    key = jnp.asarray(stream_keys(seed, np.asarray([name], np.uint32))[0])

    def chunk(first: int):
        replica = jnp.arange(first, first + lanes, dtype=jnp.uint32)
        short, occurrences = _population(plan, key, replica)
        keep = min(lanes, replicas - first)
        return np.asarray(short)[:keep], np.asarray(occurrences)[:keep]

    lanes = min(_LANES, replicas)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        parts = list(pool.map(chunk, range(0, replicas, lanes)))
    ticks = np.rint(np.concatenate([p[0] for p in parts]).astype(float) * HOURS)
    ticks = ticks.astype(np.int64).astype(object)
    mission = scenario.mission_hours
    short = mean_estimate(
        ticks.sum(), (ticks**2).sum(), replicas, scale=1 / HOURS / mission, most=1.0, unit="1"
    )
    total = int(sum(p[1].sum(dtype=np.int64) for p in parts))
    return Availability(exact, stationary, short.complement(), total)


def population_of(scenario: Scenario) -> tuple[Population, int]:
    """Return the plan of a laboratory system and its stream.

    **Raises:** `ValueError` when the machine is not one.
    """
    refuse_planned(scenario, "an exact availability")
    full, directory = lower(scenario)
    info = directory.classes[0]
    part = scenario.components[info.part]
    law, exposure = lifetime_of(ageing(scenario, info.unit, info.part))
    rule = resolve_rule(scenario, info.unit, info.part)
    repair = rule.time or part.repair
    group = scenario.units[info.unit].components[info.part]
    plain = (
        len(directory.classes) == 1
        and group.need is not None
        and group.count == info.copies
        and (rule.swap, rule.takes_out, rule.stock, rule.when) == (info.part, None, None, "failed")
    )
    if exposure is not None:
        raise ValueError(ENVIRONMENT)
    if scenario.thermal is not None:
        raise ValueError(HEAT)
    if not (plain and isinstance(law, Exponential) and isinstance(repair, Exponential)):
        raise ValueError(
            "an exact availability needs one counting group of one exponential component, swapped by "
            "itself with an exponential repair and unlimited spares; use fdmc.run for this machine."
        )
    technicians = None if rule.unattended else scenario.service.technicians
    technicians = technicians or group.count
    values = (
        group.count, group.spares, 1 / law.mean_hours, 1 / repair.mean_hours,
        technicians, scenario.mission_hours,
    )  # fmt: skip
    return Population(*(np.asarray(v, float) for v in values)), int(full.streams[0])


def _exact(plan: Population) -> tuple[float, float]:
    """Solve the birth-death chain: its mean over the mission from all good, and its long run."""
    n, failed = int(plan.count), np.arange(int(plan.count) + 1)
    up = (n - failed) * float(plan.failure_rate)
    down = np.minimum(failed, float(plan.technicians)) * float(plan.repair_rate)
    # Detailed balance makes the generator symmetric, so that its spectrum gives every integral.
    ratio = np.concatenate([[1.0], np.cumprod(up[:-1] / down[1:])])
    root = np.sqrt(ratio)
    matrix = np.diag(-(up + down)) + np.diag(np.sqrt(up[:-1] * down[1:]), 1)
    matrix += np.triu(matrix, 1).T
    values, vectors = np.linalg.eigh(matrix)
    t = float(plan.mission_hours)
    mean = np.array([1.0 if abs(v) * t < 1e-9 else math.expm1(v * t) / (v * t) for v in values])
    good = failed <= float(plan.spares)
    time_average = (vectors[0] / root[0] * mean) @ (vectors.T @ (root * good))
    return float(time_average), float(ratio[good].sum() / ratio.sum())
