"""Gradients of expected lost goodput: the score function for rates, pathwise derivatives for what heat takes.

Rates decide how often something fails, which no path shows: their part is the covariance of what is lost with the
score of the failures, its baseline the mean of the other replicas. The share of lanes that heat darkens, and for
how long, moves what is lost on every path: that part is a forward derivative through the history kernel.
"""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import equinox as eqx
import jax
import numpy as np

from ..kernel import Outcome, history
from ..plan import Plan, Sensitivity, knobs_of, lower, sensitivity
from ..spec import Scenario, load
from ..tally import Estimate, mean_of
from ._engine import (
    Engine,
    chunks,
    first_bounds,
    padded,
    whole_vectors,
)
from ._result import goodput_of


_FACTS = ("lost", "idle", "interruptions", "drains")


@dataclasses.dataclass(frozen=True)
class Gradient:
    """Derivatives of 1 - goodput with their 95 % intervals, by path; `by_rate` and `by_light` are their two parts.

    `by_rate` is what moves because parts fail more or less often, `by_light` what moves because heat darkens more or
    fewer lanes.
    """

    lost_goodput: Estimate
    total: dict[str, Estimate]
    by_rate: dict[str, Estimate]
    by_light: dict[str, Estimate]
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
    """Estimate how expected lost goodput moves with temperatures, heater range and laser currents.

    **Arguments:**

    - `scenario`: a `Scenario`, a file, or the name of a packaged one.
    - `parameters`: paths such as `thermal.coolant`; default: all that have a gradient.
    - `seed`, `replicas`; `chunk`, replicas a call.

    **Returns:** a `Gradient`; units are those of 1 - goodput per kelvin, or per one of a current ratio.

    **Raises:** `GradientError` for numbers without a gradient (counts, thresholds) and for those that move what the
    estimator does not see (classes that wear); never a silent zero.
    """
    machine = scenario if isinstance(scenario, Scenario) else load(scenario)
    plan, directory = lower(machine)
    known = knobs_of(machine)
    paths = list(known) if parameters is None else list(parameters)
    tangents = [sensitivity(machine, plan, path) for path in paths]
    run = _Run(plan, first_bounds(directory, 0), seed, tangents, chunk)
    facts, light, scores = run.collect(replicas)
    weights = _slopes(machine, facts)
    by_rate, by_light, total = {}, {}, {}
    for j, path in enumerate(paths):
        unit = f"1/{known[path][1]}" if known[path][1] != "1" else "1"
        n = len(facts)
        others = (facts.sum(0) - facts) / max(n - 1, 1)
        rate = ((facts - others) @ weights) * scores[:, j]
        path_part = light[:, j] @ weights[:2]
        for found, values in ((by_rate, rate), (by_light, path_part), (total, rate + path_part)):
            found[path] = mean_of(values, unit)
    lost = 1 - goodput_of(machine, dict(zip(_FACTS, facts.mean(0), strict=True)))
    spread = mean_of(facts @ weights, "1")
    half = (spread.high - spread.low) / 2
    at = Estimate(lost - half, lost, lost + half, "1", len(facts))
    return Gradient(at, total, by_rate, by_light, len(facts), seed)


def _slopes(scenario: Scenario, facts: np.ndarray) -> np.ndarray:
    """Derivatives of 1 - goodput with respect to the means of the facts."""
    mean = facts.mean(0)

    def lost(x):
        return 1 - goodput_of(scenario, dict(zip(_FACTS, x, strict=True)))

    slopes = []
    for i, scale in enumerate(np.maximum(np.abs(mean) * 1e-4, 1e-9)):
        step = np.eye(len(mean))[i] * scale
        up, down = mean + step, np.maximum(mean - step, 0)
        slopes.append((lost(up) - lost(down)) / (up[i] - down[i]))
    return np.array(slopes)


def _moved(plan: Plan, keys, replica, tangents: Sensitivity, *, bounds):
    """One outcome, and the derivatives of lost and idle hours along every row of the tangents."""

    def facts(lost, tails):
        moved = eqx.tree_at(
            lambda p: (p.excursions.lost, p.excursions.tail_hours), plan, (lost, tails)
        )
        out = history(moved, keys, replica, bounds)
        return (out.lost_hours, out.idle_hours), out

    at = (plan.excursions.lost, plan.excursions.tail_hours)
    one = lambda t: jax.jvp(facts, at, (t.lost, t.tail_hours), has_aux=True)
    _, moves, out = jax.vmap(one, out_axes=(None, 0, None))(tangents)
    return out, moves


_jitted = jax.jit(_moved, static_argnames="bounds")


class _Run:
    """Chunks of replicas with their derivatives."""

    def __init__(self, plan: Plan, bounds, seed: int, tangents: list[Sensitivity], chunk: int):
        stacked = jax.tree.map(lambda *leaves: np.stack(leaves), *tangents)
        self.plan, self.bounds, self.tangents, self.chunk = plan, bounds, stacked, chunk
        self.engine = Engine(plan, seed, jax.local_devices(), _jitted, (stacked,))

    def collect(self, replicas: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return facts [replicas, 4], their forward derivatives [replicas, paths, 2], scores [replicas, paths]."""
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
        facts, light, scores = (np.concatenate(values) for values in zip(*rows, strict=True))
        return facts, light, scores

    def _finish(self, replicas: np.ndarray, done):
        out, moves = done
        found = self._measure(out, moves, len(replicas))
        status = lambda both: both[0].status
        for some, (out, moves) in self.engine.again(
            replicas, done, self.bounds, status, "gradient"
        ):
            for old, new in zip(found, self._measure(out, moves, len(some)), strict=True):
                old[some] = new
        return found

    def _measure(
        self, out: Outcome, moves, count: int
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        take = lambda x: np.asarray(x, float)[..., :count]
        facts = np.stack(
            [
                take(out.lost_hours),
                take(out.idle_hours),
                take(out.stops).sum(0),
                take(out.drains),
            ],
            1,
        )
        light = np.stack([take(move).T for move in moves], -1)
        c = self.plan.classes
        hours = float(self.plan.mission_hours + self.plan.run_in_hours)
        rates = np.asarray(c.positions, float) / np.asarray(c.mean_hours, float)
        extra = take(out.candidates) - (rates * hours)[:, None]
        return facts, light, (self.tangents.log_rate @ extra).T
