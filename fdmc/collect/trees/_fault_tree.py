"""One question to a fault tree: exact where that is cheap, else bounds of chance, and which it was."""

import dataclasses
import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ...logic import (
    BudgetError,
    Diagram,
    Structure,
    TooLarge,
    Values,
    diagram,
    markov,
    probabilities,
    structure,
)
from ...spec.fault_tree import FaultTree, expand_common_causes, read
from ...tally import Estimate
from .._stop import AbstractStop, Progress, RelativeError, WallTime
from ._answer import CurvePoint, FaultTreeAnswer, exactly
from ._moments import mean_time
from ._ranking import ranking
from ._sequences import sequence_probabilities
from ._states import fault_states
from ._times import fault_times
from ._uncertainty import uncertainty as propagate


MISSION_HOURS = 8760.0
"""The default mission time, one year: that of the Open-PSA tools."""


class NoAnswer(ValueError):
    """No answer of the kind that was asked for; the message says why and what to do."""


@dataclasses.dataclass(frozen=True)
class _Question:
    """What is asked of one top event, defaults filled in."""

    tree: FaultTree
    top: str
    times: tuple[float, ...]
    method: str
    seed: int
    stop: tuple[AbstractStop, ...]
    parameters: Mapping[str, Any]
    house: Mapping[str, bool]
    mttf: bool
    seconds: float
    progress: Callable[[Progress, float], None] | None


@dataclasses.dataclass(frozen=True)
class _Extras:
    """What else is asked of a static tree."""

    importance: bool
    cut_sets: int
    cut_off: float
    uncertainty: int

    @property
    def any(self) -> bool:
        return bool(self.importance or self.cut_sets or self.uncertainty)


def fault_tree(
    model: FaultTree | str | Sequence[str],
    *,
    top: str | None = None,
    method: str = "auto",
    time_hours: float | Sequence[float] = MISSION_HOURS,
    seed: int = 0,
    stop: AbstractStop | Sequence[AbstractStop] = (RelativeError(0.01), WallTime(60.0)),
    parameters: Mapping[str, Any] | None = None,
    house: Mapping[str, bool] | None = None,
    common_causes: bool = True,
    importance: bool = False,
    cut_sets: int = 0,
    cut_off: float = 0.0,
    uncertainty: int = 0,
    mttf: bool = False,
    exact_seconds: float = 20.0,
    progress: Callable[[Progress, float], None] | None = None,
) -> FaultTreeAnswer:
    """Return the probability of a top event by a time, and what else is asked for.

    **Arguments:** a tree, a model file (Open-PSA .xml, Galileo .dft) or several files of one model; `top`, a gate
    (default: the first top event); `method`, `exact`, `mc` (Monte Carlo) or `auto` (exact within `exact_seconds`,
    else Monte Carlo, and the answer says so); `time_hours`, one mission time or several (a curve; the
    last one is the answer); `stop` rules of Monte Carlo; values of `parameters` and states of `house` events that
    replace the model's; whether groups of `common_causes` are expanded; how many of the most
    probable `cut_sets` to list, those above `cut_off`; trials of the parameters' `uncertainty`; the mean time to
    failure (`mttf`). `progress` hears replicas and the fraction done.

    **Raises:** `FaultTreeError` for a bad model, `NoAnswer` where a question has no answer of the kind asked for,
    ValueError for bad arguments.

    !!! example

        ```python
        import fdmc

        answer = fdmc.fault_tree("docs/examples/coolant.xml", importance=True)
        print(answer.probability, answer.method)
        ```
    """
    began = time.perf_counter()
    tree = _tree(model)
    if common_causes:
        tree = expand_common_causes(tree)
    question = _question(
        tree, top, method, time_hours, seed, stop, parameters, house, mttf, exact_seconds, progress
    )
    if question is None:
        answer = _sequences_only(tree, time_hours)
    elif tree.is_dynamic:
        answer = _dynamic(question)
    else:
        answer = _static(question, _Extras(importance, cut_sets, cut_off, uncertainty))
    if tree.is_dynamic and (importance or cut_sets or uncertainty):
        answer = _with_note(answer, "importance, cut sets and uncertainty are for static trees.")
    return dataclasses.replace(answer, seconds=time.perf_counter() - began)


def _tree(model: FaultTree | str | Sequence[str]) -> FaultTree:
    if isinstance(model, FaultTree):
        return model
    return read(*([model] if isinstance(model, str) else model))


def _question(tree, top, method, times, seed, stop, parameters, house, mttf, seconds, progress):
    """Check the arguments; None when the model has sequences and no top event."""
    hours = tuple(float(t) for t in np.atleast_1d(times))
    if not hours or not all(t >= 0 and math.isfinite(t) for t in hours):
        raise ValueError(f"time_hours must be finite and not negative, but is {times}.")
    if method not in ("auto", "exact", "mc"):
        raise ValueError(f"method must be auto, exact or mc, but is {method!r}.")
    unknown = sorted(set(house or {}) - set(tree.house_events))
    if unknown:
        raise ValueError(f"the model has no house event {', '.join(unknown)}.")
    if top is None:
        if not tree.tops:
            return None
        top = tree.tops[0]
    elif top not in tree.gates and top not in tree.basic_events:
        raise ValueError(f"the model has no gate {top}; its top events: {', '.join(tree.tops)}.")
    rules = (stop,) if isinstance(stop, AbstractStop) else tuple(stop)
    return _Question(
        tree,
        top,
        hours,
        method,
        seed,
        rules,
        parameters or {},
        house or {},
        mttf,
        seconds,
        progress,
    )


def _sequences_only(tree: FaultTree, times) -> FaultTreeAnswer:
    hours = float(np.atleast_1d(times)[-1])
    found = sequence_probabilities(tree, hours, None)
    return FaultTreeAnswer(
        tree.name, None, (), "exact (decision diagram)", "", "ok", hours, None, 0.0, sequences=found
    )


def _blank(q: _Question, method: str, probability: Estimate, **more: Any) -> FaultTreeAnswer:
    others = tuple(name for name in q.tree.tops if name != q.top)
    fields: dict[str, Any] = {"message": "", "status": "ok", **more}
    return FaultTreeAnswer(
        model=q.tree.name, top_event=q.top, other_tops=others, method=method, time_hours=q.times[-1],
        probability=probability, seconds=0.0, **fields,
    )  # fmt: skip


def _with_note(answer: FaultTreeAnswer, note: str) -> FaultTreeAnswer:
    return dataclasses.replace(answer, notes=(*answer.notes, note))


def _static(q: _Question, extras: "_Extras") -> FaultTreeAnswer:
    lowered = structure(q.tree, [q.top], house=q.house)
    p = _events(q, np.array(q.times))
    found, why, wanted = None, "", extras.any or q.mttf
    if q.method != "mc" or wanted:
        try:
            found = diagram(lowered, seconds=q.seconds)
        except BudgetError as error:
            why = str(error)
    if q.method == "exact" and found is None:
        raise NoAnswer(f"{q.top}: no exact answer; {why}")
    if q.method == "mc" or found is None:
        answer = _sampled(q, lowered, p, why)
    else:
        answer = _exact(q, found, p)
    if found is not None:
        return _more(q, answer, found, p[-1], extras)
    note = "importance, cut sets, uncertainty and MTTF need a decision diagram, and none was found."
    return _with_note(answer, note) if wanted else answer


def _events(q: _Question, hours: np.ndarray) -> np.ndarray:
    """The probabilities of the events, float64[times, events]; outside [0, 1] is bad input."""
    with np.errstate(over="ignore"):
        p = np.asarray(Values(q.tree, hours, q.parameters).events(), float)
    p = np.broadcast_to(p.reshape(len(p), -1), (len(p), len(hours)))
    for name, row in zip(q.tree.basic_events, p, strict=True):
        if not np.all((row >= 0) & (row <= 1)):
            bad = row[~((row >= 0) & (row <= 1))][0]
            raise ValueError(f"the probability of {name} is {bad:g}; it must lie in [0, 1].")
    return np.ascontiguousarray(p.T)


def _exact(q: _Question, found: Diagram, p: np.ndarray) -> FaultTreeAnswer:
    top = np.clip(probabilities(found, p)[:, 0], 0.0, 1.0)
    curve = tuple(
        CurvePoint(t, exactly(float(v))) for t, v in zip(q.times, top, strict=True)
    ) if len(q.times) > 1 else ()  # fmt: skip
    return _blank(q, "exact (decision diagram)", exactly(float(top[-1])), curve=curve)


def _unanswered(why: str) -> str:
    """What became of the exact answer; the advice to sample has been followed."""
    return f"no exact answer: {why.removesuffix('use Monte Carlo.').rstrip(' ;:,')}" if why else ""


def _sampled(q: _Question, lowered: Structure, p: np.ndarray, why: str) -> FaultTreeAnswer:
    found = [fault_states(lowered, row, seed=q.seed, stop=q.stop, progress=q.progress) for row in p]
    points = tuple(CurvePoint(t, f[0]) for t, f in zip(q.times, found, strict=True))
    good = all(f.status == "ok" for f in found)
    return _blank(
        q, f"Monte Carlo (states, {found[-1].method[0]})", points[-1].probability,
        curve=points if len(points) > 1 else (), status="ok" if good else "precision_not_reached",
        message=_unanswered(why),
        compile_seconds=sum(f.timing["compile_seconds"] for f in found),
    )  # fmt: skip


def _more(
    q: _Question, answer: FaultTreeAnswer, found: Diagram, p: np.ndarray, extras: "_Extras"
) -> FaultTreeAnswer:
    more, notes = ranking(found, p, extras.importance, extras.cut_sets, extras.cut_off)
    if extras.uncertainty:
        more["uncertainty"] = propagate(
            q.tree, found, q.times[-1], trials=extras.uncertainty, seed=q.seed,
            parameters=q.parameters,
        )  # fmt: skip
    if q.mttf:
        failed = lambda hours: probabilities(found, _events(q, hours))[:, 0]
        more["mttf"] = exactly(mean_time(failed), "h")
    if q.tree.initiating_events:
        more["sequences"] = sequence_probabilities(q.tree, q.times[-1], q.parameters)
    return dataclasses.replace(answer, **more, notes=(*answer.notes, *notes))


def _dynamic(q: _Question) -> FaultTreeAnswer:
    why = ""
    if q.method != "mc":
        try:
            return _markov(q)
        except (TooLarge, ValueError) as error:
            why = str(error)
    if q.method == "exact":
        raise NoAnswer(f"{q.top}: no exact answer; {why}")
    return _simulated(q, why)


def _markov(q: _Question) -> FaultTreeAnswer:
    found = markov(q.tree, q.top, times=q.times, mttf=q.mttf, seconds=q.seconds)
    points = [exactly(float(v)) for v in np.clip(found.unreliability, 0.0, 1.0)]
    curve = tuple(CurvePoint(t, v) for t, v in zip(q.times, points, strict=True))
    more: dict[str, Any] = {}
    if found.unavailability is not None:
        more["unavailability"] = exactly(float(found.unavailability[-1]))
    if found.steady_state is not None:
        more["steady_unavailability"] = exactly(found.steady_state)
    if found.mttf is not None and q.mttf:
        more["mttf"] = exactly(found.mttf, "h")
    more["curve"] = curve if len(curve) > 1 else ()
    return _blank(q, "exact (Markov chain)", points[-1], **more)


def _simulated(q: _Question, why: str) -> FaultTreeAnswer:
    found = fault_times(
        q.tree, q.top, times=q.times, mttf=q.mttf, seed=q.seed, stop=q.stop, progress=q.progress
    )
    points = tuple(
        CurvePoint(t, p) for t, p in zip(found.times_hours, found.unreliability, strict=True)
    )
    return _blank(
        q, "Monte Carlo (times)", points[-1].probability, status=found.status, mttf=found.mttf,
        unavailability=found.unavailability[-1] if found.unavailability else None,
        curve=points if len(points) > 1 else (), message=_unanswered(why),
        compile_seconds=found.timing["compile_seconds"],
    )  # fmt: skip
