"""A trace of faults in the place of sampled failures: the same fabric, policies and goodput."""

import dataclasses
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from ..kernel import Domain, domain, unpack
from ..plan import LINK, Effect, Effects, Plan, PlanError, lower
from ..spec import Scenario, load
from ._columns import collective_names
from ._fleet import SHARES, fleet_of
from ._goodput import ettr_of, goodput_of
from ._trace import Fault, Trace, TraceError, load_trace


@dataclasses.dataclass(frozen=True)
class Replay:
    """What a trace costs. Nothing is sampled, so that numbers have no intervals.

    `metrics` are those of a `Result` with the same names, and `interruptions`, a count; state `i` lasts from
    `hours[i]` to `hours[i + 1]`, with this `work_rate` and so many `available` accelerators.
    """

    scenario: str
    fingerprint: str
    faults: int
    metrics: dict[str, float]
    hours: np.ndarray
    work_rate: np.ndarray
    available: np.ndarray

    def __getitem__(self, name: str) -> float:
        """Return a metric."""
        return self.metrics[name]

    def to_dict(self) -> dict:
        """Return plain values, for JSON."""
        return {
            "scenario": self.scenario,
            "fingerprint": self.fingerprint,
            "faults": self.faults,
            "hours": float(self.hours[-1] - self.hours[0]),
            "metrics": self.metrics,
            "states": {
                "start_hours": self.hours[:-1].tolist(),
                "work_rate": self.work_rate.tolist(),
                "available": self.available.tolist(),
            },
            "status": "ok",
        }


def replay(
    scenario: Scenario | str | Path,
    trace: Trace | str | Path,
    *,
    unit: str | None = None,
    hours: float | None = None,
) -> Replay:
    """Say what a trace of faults costs a machine, with its own policies and workload.

    **Arguments:**

    - `scenario`: a `Scenario`, a file, or the name of a packaged one; its lifetimes, mission and service do not
        matter.
    - `trace`: a `Trace`, or a file (see `fdmc.collect.load_trace`).
    - `unit`: the unit that a node of a JSON trace is a copy of; by default the root's first child with accelerators.
    - `hours`: end of the window from 0 on; by default that of the trace.

    **Returns:** a `Replay`. Between two events the state is the scenario's with the faulty units out of service. A
    time at which faults start and leave fewer accelerators available is an interruption (what comes back at the same
    time counts as in use); a unit that comes back costs nothing. Goodput is as in `docs/model.md`, section 4, with the
    window in the place of the mission.

    **Raises:** `TraceError` for a trace that does not fit, `ScenarioError`, `PlanError`.

    !!! example

        ```python
        import fdmc
        from fdmc.collect import Fault, Trace

        day = Trace((Fault("tray", 3, 6.0, 18.0),), hours=24.0)
        assert fdmc.replay("nvl72-copper", day)["availability"] < 1
        ```
    """
    scenario = scenario if isinstance(scenario, Scenario) else load(scenario)
    if not isinstance(trace, Trace):
        trace = load_trace(trace, unit or _node(scenario))
    end = trace.hours if hours is None else hours
    if not end > 0:
        raise TraceError(f"the window must be longer than 0 h, but is {end:g} h.")
    scenario = dataclasses.replace(scenario, mission_hours=end)
    plan, _ = lower(scenario)
    if plan.lit:
        raise PlanError("thermal: a trace says nothing of heat; write thermal.on: false.")
    if plan.reconfiguration is not None:
        raise PlanError("fabric.reconfigure.spares: a trace does not say what spares are switched.")
    faults = [f for f in trace.faults if f.start_hours < min(f.end_hours, end)]
    times = sorted(
        {0.0, end, *(t for f in faults for t in (f.start_hours, f.end_hours) if t < end)}
    )
    state, fell = _states(plan, _words(scenario, plan, faults), faults, np.array(times[:-1]))
    stops = int(np.sum(fell[1:]))
    metrics = _metrics(scenario, plan, state, stops, np.array(times))
    rate, available = (np.asarray(x, np.float64) for x in (state.rate, state.available))
    return Replay(
        scenario.name, scenario.fingerprint, len(faults), metrics, np.array(times), rate, available
    )


def _node(scenario: Scenario) -> str:
    """The root's first child that holds accelerators."""
    tree, accelerator = scenario.tree, scenario.fabric.accelerator
    *inside, root = tree.ancestors(accelerator)
    return inside[-1] if inside else root


def _words(scenario: Scenario, plan: Plan, faults: list[Fault]) -> np.ndarray:
    """What each fault takes, in the words that kernels read: int64[span and reach and share, faults]."""
    effects, nodes = Effects(scenario), scenario.tree.nodes
    width = plan.planes // plan.segment_planes.shape[0]
    words = np.zeros((3, len(faults)))
    for i, fault in enumerate(faults):
        if fault.unit not in nodes:
            raise TraceError(
                f"{scenario.name} has no unit {fault.unit!r}; it has {', '.join(nodes)}."
            )
        if not 0 <= fault.copy < nodes[fault.unit].total:
            count = nodes[fault.unit].total
            raise TraceError(f"{fault.unit} {fault.copy}: there are {count}, from 0 on.")
        effect = effects.of(fault.unit).take(np.array([fault.copy]))
        _check(fault, effect, width)
        words[:, i] = effect.span[0], effect.reach(width)[0], effect.share
    return words


def _check(fault: Fault, effect: Effect, width: int):
    if effect.kind == LINK and (effect.left[0] % width or effect.right[0] % width):
        raise PlanError(
            f"{fault.unit}: no component of the scenario takes as few planes as one of these."
        )


@jax.jit
def _evaluate(plan: Plan, crew, active, span, reach, loss) -> Domain:
    return domain(plan, unpack(active, span, reach, loss), crew=crew)


def _states(plan: Plan, words: np.ndarray, faults: list[Fault], at: np.ndarray):
    """The states that begin at these times, a lane each, and whether that interrupts.

    It does when less is available than between what ends and what starts then. Faults that are active are slots.
    Several of one unit are one outage.
    """
    starts = np.array([f.start_hours for f in faults])
    ends = np.array([f.end_hours for f in faults])
    active = [np.flatnonzero((starts <= t) & (t < ends)) for t in at]
    active += [np.flatnonzero((starts < t) & (t < ends)) for t in at]
    units = [(fault.unit, fault.copy) for fault in faults]
    active = [list({units[i]: i for i in which}.values()) for which in active]
    slots = max(1, *(len(which) for which in active))
    lanes = np.zeros((3, slots, len(active)))
    used = np.zeros((slots, len(active)), bool)
    for lane, which in enumerate(active):
        lanes[:, : len(which), lane] = words[:, which]
        used[: len(which), lane] = True
    span, reach = (jnp.asarray(x, jnp.int32) for x in lanes[:2])
    device = jax.tree.map(jnp.asarray, plan)
    packed = (jnp.asarray(used), span, reach, jnp.asarray(lanes[2], jnp.float32))
    both = _evaluate(device, None, *packed)
    count = len(at)
    half = lambda values, which: jax.tree.map(
        lambda x: x[..., :count] if which == 0 else x[..., count:], values
    )
    state, between = half(both, 0), half(both, 1)
    if between.crew is None:
        fell = state.available < between.available
    else:  # what is chosen anew depends on who was at work before
        state = _evaluate(device, between.crew, *half(packed, 0))
        fell = state.fell
    return jax.tree.map(np.asarray, state), np.asarray(fell)


def _metrics(
    scenario: Scenario, plan: Plan, state: Domain, stops: int, times: np.ndarray
) -> dict[str, float]:
    lasts, whole = np.diff(times), times[-1]
    mean = lambda x: float(np.sum(lasts * np.asarray(x, np.float64)) / whole)
    running = state.rate > 0
    lost, idle = 1 - mean(state.rate), mean(~running)
    x = {"lost": lost * whole, "idle": idle * whole, "interruptions": stops, "drains": 0.0}
    out = {
        "goodput": goodput_of(scenario, x),
        "work_rate": 1 - lost,
        "ettr": ettr_of(scenario, x),
        "availability": mean(state.used) / plan.workers,
        "full_strength": 1 - mean(np.any(state.weight > 0, axis=0)),
        "idle": idle,
        "interruptions": float(stops),
        "interruptions_per_year": stops / whole * 8760,
    }
    if plan.job.uses:
        part = plan.workers / plan.accelerators
        out |= {
            f"{name}.all": out[name] * part for name in ("goodput", "work_rate", "availability")
        }
    if (domains := scenario.workload.domains) is not None:
        if scenario.workload.leaving is None:
            out["fleet.goodput"] = goodput_of(scenario, x, domains)
            out["fleet.ettr"] = ettr_of(scenario, x, domains)
        else:
            fleet = fleet_of(scenario, plan, x)
            out |= {f"fleet.{name}": getattr(fleet, name) for name in SHARES}
    for j, name in enumerate(collective_names(plan)):
        ratio = mean(np.where(running, state.efficiency[j], 0.0)) / max(1 - idle, 1e-300)
        out[f"collective_efficiency.{name}"] = ratio
    out["inexact_time"] = mean(~state.exact)
    return out
