"""Questions without queues: first losses of a mission, and states with independent repairs."""

import concurrent.futures
import dataclasses
import functools
import math
import os

import jax
import jax.numpy as jnp
import numpy as np

from ..kernel import Draws, mission as mission_kernel, snapshot as snapshot_kernel, stream_keys
from ..lifetime import Exposed, cumulative_hazard, mean_hours
from ..plan import ageing, level_hazards, lifetime_of, lower, lower_mission
from ..spec import Scenario, load, resolve_rule
from ..tally import Estimate, mean_estimate
from ._columns import collective_names
from ._compile import jit
from ._scheduled import refuse_planned


_LANES, _SCALE = 8192, 1 << 24


@dataclasses.dataclass(frozen=True)
class LevelLoss:
    """First loss on one level by the end of the mission: exact, and sampled beside it."""

    level: str
    exact_prob: float
    sampled_prob: Estimate


@functools.partial(jit, static_argnames=("blocks", "lanes", "draws"))
def _mission_counts(plan, keys, first, last, blocks: int, lanes: int, draws: Draws):
    """Count, level by level and edge by edge, the replicas in [first, last) that have lost something."""

    def block(counts, j):
        replica = first + j * jnp.uint32(lanes) + jax.lax.iota(jnp.uint32, lanes)
        hours = mission_kernel(plan, keys, replica, draws)
        lost = hours[:, None] <= plan.edges_hours[None, :, None]
        return counts + (lost & (replica < last)), None

    shape = (plan.reaches.shape[0], plan.edges_hours.shape[0], lanes)
    counts, _ = jax.lax.scan(
        block, jnp.zeros(shape, jnp.int32), jnp.arange(blocks, dtype=jnp.uint32)
    )
    return counts.sum(-1)


def mission_counts(plan, keys, replicas: int, draws: Draws, first: int = 0) -> np.ndarray:
    """Count the replicas [first, first + replicas) that have lost something, int64[levels, edges]."""
    cores = os.cpu_count() or 1
    # A block of all lifetimes is work enough for one call, and a loop over such blocks would only be slower.
    lanes, most = (4 * _LANES, 1) if draws == Draws.LIFETIMES else (_LANES, 64)
    lanes = min(lanes, replicas)
    blocks = min(-(-replicas // (lanes * cores)), most)
    last = first + replicas

    def count(start: int) -> np.ndarray:
        words = (jnp.uint32(start), jnp.uint32(last))
        return np.asarray(_mission_counts(plan, keys, *words, blocks, lanes, draws), np.int64)

    with concurrent.futures.ThreadPoolExecutor(cores) as pool:
        return np.sum(list(pool.map(count, range(first, last, blocks * lanes))), 0)


def mission(
    scenario: Scenario | str,
    *,
    seed: int = 0,
    replicas: int = 1 << 16,
    draws: Draws = Draws.SOURCES,
) -> dict[str, LevelLoss]:
    """Return the probability that each level loses something before the mission ends, without repair.

    **Arguments:** a scenario, file or packaged name; `seed`; `replicas` (below 2^32); what to draw.

    **Returns:** by level (`domain` is the whole machine) the exact probability and the sampled one.

    !!! example

        ```python
        import fdmc

        rack = fdmc.mission("nvl72-copper", replicas=4096)["domain"]
        assert rack.sampled_prob.low <= rack.exact_prob <= rack.sampled_prob.high
        ```
    """
    scenario = scenario if isinstance(scenario, Scenario) else load(scenario)
    if not 1 <= replicas < 1 << 32:
        raise ValueError(f"replicas must be in [1, 2^32), but is {replicas}.")
    plan, levels = lower_mission(scenario, 1)
    keys = jnp.asarray(stream_keys(seed, np.asarray(plan.streams)))
    total = mission_counts(plan, keys, replicas, draws)[:, 0]
    exact = level_hazards(scenario, scenario.mission_hours)
    counts = dict(zip(levels, total.tolist(), strict=True))
    counts["domain"] = counts[scenario.tree.root]
    return {
        name: LevelLoss(name, -math.expm1(-float(exact[name])), _share(count, replicas))
        for name, count in counts.items()
    }


def _share(count: int, n: int) -> Estimate:
    """Estimate a probability from a count, by the exact binomial interval (Clopper and Pearson)."""
    from scipy import stats  # noqa: PLC0415 (slow to import)

    low = float(stats.beta.ppf(0.025, count, n - count + 1)) if count else 0.0
    tail = 0.025 if count else 0.05
    high = float(stats.beta.isf(tail, count + 1, n - count)) if count < n else 1.0
    return Estimate(low, count / n, high, "1", n, "ok" if count else "no_hits")


_snapshot = jit(snapshot_kernel, static_argnames=("slots", "candidates"))


def snapshot(
    scenario: Scenario | str,
    *,
    time_hours: float | None = None,
    seed: int = 0,
    replicas: int = 1 << 14,
) -> dict[str, Estimate]:
    """Return what the machine delivers at a time without repair, or in its stationary state.

    **Arguments:** a scenario, file or packaged name; `time_hours` since all was new, or None: each component is then
    down with probability MTTR / (MTTF + MTTR), nothing waits and no repair takes anything out; `seed`; `replicas`.
    With `manufacturing` the machine is built of packages as they ship: spares that test has used are not there.

    **Raises:** `ValueError` for a stationary state under an environment that changes how anything ages; for excursions,
    scheduled work and latent defects; for a stationary state with maintenance windows or opportunistic repairs.

    **Returns:** `work_rate`, `availability`, `full_strength`, `inexact_time`, `collective_efficiency.<op>`.

    !!! example

        ```python
        import fdmc

        state = fdmc.snapshot("tpuv4-pod", replicas=2048)
        assert 0.6 < state["work_rate"].best < 0.9
        ```
    """
    scenario = scenario if isinstance(scenario, Scenario) else load(scenario)
    plan, directory = lower(scenario)
    if plan.hot:
        raise ValueError(
            "only histories have excursions: use fdmc.run, or leave thermal.excursions out."
        )
    if plan.latent:
        raise ValueError(
            "only histories follow latent defects: use fdmc.run, or leave manufacturing.latent.infant out."
        )
    refuse_planned(scenario, "a snapshot", scheduled_only=time_hours is not None)
    down = np.array([_unavailability(scenario, info, time_hours) for info in directory.classes])
    mean = sum(info.copies * q for info, q in zip(directory.classes, down, strict=True))
    keys = jnp.asarray(stream_keys(seed, np.asarray(plan.streams)))
    lanes = min(1024, replicas)
    slots = max(8, math.ceil((mean + 4 * math.sqrt(mean) + 2) / 8) * 8)
    sums = np.zeros((2, 4 + len(plan.collectives)), object)
    for first in range(0, replicas, lanes):
        replica = np.arange(first, first + lanes, dtype=np.uint32)
        state = _complete(plan, down.astype(np.float32), keys, replica, slots, directory.packages)
        values = np.rint(state[:, : replicas - first] * _SCALE).astype(np.int64)
        sums[0] += values.sum(1).astype(object)
        sums[1] += (values.astype(object) ** 2).sum(1)
    names = ["lost", "unused", "impaired", "inexact_time"]
    names += [f"collective_efficiency.{n}" for n in collective_names(plan)]
    found = {
        name: mean_estimate(a, b, replicas, scale=1 / _SCALE, most=1.0, unit="1")
        for name, a, b in zip(names, *sums, strict=True)
    }
    pairs = (("work_rate", "lost"), ("availability", "unused"), ("full_strength", "impaired"))
    good = {name: found.pop(other).complement() for name, other in pairs}
    return {**good, **found}


def _complete(plan, down, keys, replica, slots: int, candidates: int) -> np.ndarray:
    """Run a chunk, and again with more slots and packages those replicas that had more failures, or too few of them."""
    state, full = _snapshot(plan, down, keys, replica, slots=slots, candidates=candidates)
    values = np.stack(
        [
            1 - np.asarray(state.rate, float),
            1 - np.asarray(state.used, float) / plan.workers,
            np.any(np.asarray(state.weight) > 0, 0),
            ~np.asarray(state.exact),
            *np.asarray(state.efficiency, float),
        ]
    )
    full = np.flatnonzero(np.asarray(full))
    if len(full):
        if slots > 4096:
            raise ValueError("more than 4096 components are down at once; use a history instead.")
        again = np.resize(replica[full], len(replica))
        more = _complete(plan, down, keys, again, 2 * slots, 2 * candidates)
        values[:, full] = more[:, : len(full)]
    return values


def _unavailability(scenario: Scenario, info, time_hours: float | None) -> float:
    part = scenario.components[info.part]
    ages, exposure = lifetime_of(ageing(scenario, info.unit, info.part))
    if time_hours is not None:
        aged = time_hours if exposure is None else exposure.reached(time_hours)
        return -math.expm1(-float(cumulative_hazard(ages, aged)))
    if exposure is not None or isinstance(ages, Exposed):
        raise ValueError(
            f"the environment changes how '{info.name}' ages, so that no state is stationary; give "
            "time_hours, or use fdmc.run."
        )
    law = resolve_rule(scenario, info.unit, info.part).time or part.repair
    assert law is not None, "lowering has refused components without a repair time"
    repair = mean_hours(law)
    return repair / (mean_hours(ages) + repair)
