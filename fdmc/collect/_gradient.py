"""Gradients of expected lost goodput: the score function for what is drawn, pathwise derivatives for what it is worth.

Rates and repair times decide what happens, which no path shows: their part is the covariance of what is lost with
the score of the draws, its baseline the mean of the other replicas. The share of lanes that heat darkens, and for
how long, and the compute time of a step move what is lost on every path: that part is a forward derivative through the
history kernel. Checkpoints and restarts move goodput at given histories, in closed form.
"""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from ..kernel import POSITION, Outcome, exponential, history, quantile, threefry2x32
from ..plan import (
    COMPUTE_TIME,
    ON_THE_HOST,
    AnyArray,
    Effects,
    GradientError,
    Plan,
    Sensitivity,
    knobs_of,
    lower,
    other_knobs_of,
    repair_scores,
    rows_of,
    sensitivity,
)
from ..spec import Scenario, load
from ..tally import Estimate, function_estimate, mean_of
from ._engine import (
    Engine,
    chunks,
    first_bounds,
    padded,
    whole_vectors,
)
from ._goodput import goodput_of


_FACTS = ("lost", "idle", "interruptions", "drains", "reconfigurations")


@dataclasses.dataclass(frozen=True)
class Gradient:
    """Derivatives of 1 - goodput with their 95 % intervals, by path; `total` is the sum of the parts.

    `by_rate` is what moves because parts fail or are repaired more or less often, `by_light` because heat darkens more
    or fewer lanes, `by_work` because the job computes, checkpoints or restarts faster or slower.
    """

    lost_goodput: Estimate
    total: dict[str, Estimate]
    by_rate: dict[str, Estimate]
    by_light: dict[str, Estimate]
    by_work: dict[str, Estimate]
    replicas: int
    seed: int


def gradient(
    scenario: Scenario | str | Path,
    parameters: Sequence[str] | None = None,
    *,
    seed: int = 0,
    replicas: int = 4096,
    chunk: int = 512,
) -> Gradient:
    """Estimate how expected lost goodput moves with temperatures, currents, rates, repair times and the job's times.

    **Arguments:**

    - `scenario`: a `Scenario`, a file, or the name of a packaged one.
    - `parameters`: paths such as `thermal.coolant` or `components.laser.rate`; default: all temperatures, ranges and
        currents that have a gradient.
    - `seed`, `replicas`; `chunk`, replicas a call.

    **Returns:** a `Gradient`; units are those of 1 - goodput per kelvin, FIT, hour of repair, second of the job, or per
    one of a current ratio.

    **Raises:** `GradientError` for numbers without a gradient (counts, thresholds, fixed repair times) and for those
    that move what the estimator does not see (classes that wear), or without any; never a silent zero.
    """
    machine = scenario if isinstance(scenario, Scenario) else load(scenario)
    plan, directory = lower(machine)
    if plan.reconfiguration is not None:
        raise GradientError(
            "fabric.reconfigure: when spares are switched in is a threshold, which no estimator here sees."
        )
    known = knobs_of(machine)
    paths = list(known) if parameters is None else list(parameters)
    known |= other_knobs_of(machine)
    if not paths:
        raise GradientError(
            "no temperature, range or current to follow here; name parameters, such as components.NAME.rate."
        )
    tangents = [sensitivity(machine, plan, path) for path in paths]
    run = _Run(machine, plan, first_bounds(directory, 0), seed, tangents, chunk)
    facts, moves, scores = run.collect(replicas)
    weights = _slopes(machine, facts)
    parts: list[dict[str, Estimate]] = [{}, {}, {}, {}]
    n = len(facts)
    others = (facts.sum(0) - facts) / max(n - 1, 1)
    for j, path in enumerate(paths):
        unit = f"1/{known[path][1]}" if known[path][1] != "1" else "1"
        rate = ((facts - others) @ weights) * scores[:, j]
        moved, none = moves[:, j] @ weights[:2], np.zeros(n)
        light, work = (none, moved) if path == COMPUTE_TIME else (moved, none)
        for found, values in zip(parts, (rate + moved, rate, light, work), strict=True):
            found[path] = mean_of(values, unit)
        if path in ON_THE_HOST:
            parts[0][path] = parts[3][path] = _of_the_job(machine, path, facts, unit)
    lost = 1 - goodput_of(machine, dict(zip(_FACTS, facts.mean(0), strict=True)))
    spread = mean_of(facts @ weights, "1")
    half = (spread.high - spread.low) / 2
    at = Estimate(lost - half, lost, lost + half, "1", n)
    total, by_rate, by_light, by_work = parts
    return Gradient(at, total, by_rate, by_light, by_work, n, seed)


_FIELDS = {
    "interval": ("checkpoint", "interval_seconds"), "write": ("checkpoint", "write_seconds"),
    "detect": ("restart", "detect_seconds"), "resume": ("restart", "resume_seconds"),
}  # fmt: skip


def _of_the_job(scenario: Scenario, path: str, facts: np.ndarray, unit: str) -> Estimate:
    """Derivative of 1 - goodput with respect to a time of the job, at the mean facts."""
    section, field = _FIELDS[path.rpartition(".")[2]]
    of = getattr(scenario.workload, section)
    value = getattr(of, field)
    step = 1e-4 * value

    def lost(by: float, x: np.ndarray) -> float:
        changed = dataclasses.replace(of, **{field: value + by})
        workload = dataclasses.replace(scenario.workload, **{section: changed})
        moved = dataclasses.replace(scenario, workload=workload)
        return 1 - goodput_of(moved, dict(zip(_FACTS, x, strict=True)))

    slope = lambda x: (lost(step, x) - lost(-step, x)) / (2 * step)
    n = len(facts)
    cov = np.cov(facts.T) if n > 1 else np.zeros((facts.shape[1],) * 2)
    return function_estimate(slope, facts.mean(0), cov, n, unit)


def _slopes(scenario: Scenario, facts: np.ndarray) -> np.ndarray:
    """Derivatives of 1 - goodput with respect to the means of the facts."""
    mean = facts.mean(0)

    def lost(x):
        return 1 - goodput_of(scenario, dict(zip(_FACTS, x, strict=False)))

    slopes = []
    for i, scale in enumerate(np.maximum(np.abs(mean) * 1e-4, 1e-9)):
        step = np.eye(len(mean))[i] * scale
        up, down = mean + step, np.maximum(mean - step, 0)
        slopes.append((lost(up) - lost(down)) / (up[i] - down[i]))
    return np.array(slopes)


class _Drawn(eqx.Module):
    """Classes whose repair times are scored: their rows, and `repair_scores` of them."""

    rows: Int[AnyArray, " scored"]
    scale: Float[AnyArray, " scored"]
    kind: Int[AnyArray, " scored"]
    parameter: Float[AnyArray, " scored"]


def _moved(plan: Plan, keys, replica, tangents: Sensitivity, drawn: _Drawn | None, *, bounds):
    """One outcome, derivatives of lost and idle hours along every row of the tangents, scores of repair times."""

    def facts(lost, tails, compute):
        moved = eqx.tree_at(
            lambda p: (p.excursions.lost, p.excursions.tail_hours, p.work.compute_seconds),
            plan,
            (lost, tails, compute),
        )
        out = history(moved, keys, replica, bounds)
        return (out.lost_hours, out.idle_hours), out

    at = (plan.excursions.lost, plan.excursions.tail_hours, plan.work.compute_seconds)

    def one(t):
        return jax.jvp(facts, at, (t.lost, t.tail_hours, t.compute_seconds), has_aux=True)

    _, moves, out = jax.vmap(one, out_axes=(None, 0, None))(tangents)
    repairs = None if drawn is None else _repair_scores(plan, keys, replica, out.candidates, drawn)
    return out, moves, repairs


def _repair_scores(plan: Plan, keys, replica, candidates, drawn: _Drawn):
    """Sum the scores of the repair times that the candidates of each class have drawn, [scored, lanes].

    Those of void candidates, which nobody has used, are in it: they have mean zero whatever else happens.
    """
    own, count = keys[drawn.rows], candidates[drawn.rows]
    c, rows = plan.classes, drawn.rows[:, None]
    scale, parameter = drawn.scale[:, None], drawn.parameter[:, None]

    def more(state):
        number, total = state
        slot = jnp.full_like(count, number | (POSITION << 30))
        _, word = threefry2x32((own[:, :1], own[:, 1:]), (replica[None], slot))
        unit = exponential(word, jnp.uint32(1 << 31))
        of = unit
        if plan.drawn_repairs:
            hours = quantile(plan.quantiles, c.repair_table[rows], unit)
            of = jnp.where(c.repair_kind[rows] == 2, hours / scale, unit)
        score = jnp.where(drawn.kind[:, None] == 1, of - parameter, jnp.log(of) / parameter)
        return number + 1, total + jnp.where(number <= count, score, 0.0)

    last = jnp.max(count)
    start = (jnp.uint32(1), jnp.zeros(count.shape))
    return jax.lax.while_loop(lambda state: state[0] <= last, more, start)[1]


class _Run:
    """Chunks of replicas with their derivatives."""

    def __init__(
        self, scenario: Scenario, plan: Plan, bounds, seed: int, tangents: list[Sensitivity], chunk
    ):
        stacked = jax.tree.map(lambda *leaves: np.stack(leaves), *tangents)
        self.plan, self.bounds, self.tangents, self.chunk = plan, bounds, stacked, chunk
        self.scored, drawn = np.flatnonzero(stacked.log_repair.any(0)), None
        if len(self.scored):
            rows = self.scored.astype(np.int32)
            laws = repair_scores(rows_of(scenario, Effects(scenario)))
            scale, kind, parameter = (values[rows] for values in laws)
            drawn = _Drawn(
                rows=rows,
                scale=scale.astype(np.float32),
                kind=kind,
                parameter=parameter.astype(np.float32),
            )
        self.engine = Engine(plan, seed, jax.local_devices(), _moved, (stacked, drawn))

    def collect(self, replicas: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return facts [replicas, 5], forward derivatives of two [replicas, paths, 2], scores [replicas, paths]."""
        parts = list(chunks(0, replicas, self.chunk))
        lanes = whole_vectors(min(self.chunk, replicas))
        try:
            self.engine.compile(lanes, self.bounds)
            flying = [
                self.engine.submit(i, padded(part, lanes), self.bounds)
                for i, part in enumerate(parts)
            ]
            rows = [self._finish(part, f.result()) for part, f in zip(parts, flying, strict=True)]
        finally:
            self.engine.close()
        facts, moves, scores = (np.concatenate(values) for values in zip(*rows, strict=True))
        return facts, moves, scores

    def _finish(self, replicas: np.ndarray, done):
        out, moves, repairs = done
        found = self._measure(out, moves, repairs, len(replicas))
        status = lambda both: both[0].status
        again = self.engine.again(replicas, done, self.bounds, status, "gradient")
        for some, (out, moves, repairs) in again:
            measured = self._measure(out, moves, repairs, len(some))
            for old, new in zip(found, measured, strict=True):
                old[some] = new
        return found

    def _measure(
        self, out: Outcome, moves, repairs, count: int
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        take = lambda x: np.asarray(x, float)[..., :count]
        facts = np.stack(
            [
                take(out.lost_hours),
                take(out.idle_hours),
                take(out.stops).sum(0),
                take(out.drains),
                np.zeros(count) if out.reconfigurations is None else take(out.reconfigurations),
            ],
            1,
        )
        light = np.stack([take(move).T for move in moves], -1)
        c = self.plan.classes
        hours = float(self.plan.mission_hours + self.plan.run_in_hours)
        rates = np.asarray(c.positions, float) / np.asarray(c.mean_hours, float)
        extra = take(out.candidates) - (rates * hours)[:, None]
        scores = self.tangents.log_rate @ extra
        if repairs is not None:
            scores = scores + self.tangents.log_repair[:, self.scored] @ take(repairs)
        return facts, light, scores.T
