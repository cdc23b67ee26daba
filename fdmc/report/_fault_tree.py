"""The answer of a fault tree as sentences, tables and JSON."""

import math
from collections.abc import Iterator
from typing import Any

from rich.console import Group

from ..collect import FaultTreeAnswer
from ..tally import Estimate
from ._format import duration, number, percent
from ._table import table


def fault_tree_caption(answer: FaultTreeAnswer) -> str:
    """Return the answer in a few sentences."""
    at = f"{number(answer.time_hours, 6)} h ({duration(answer.time_hours)})"
    lines = []
    if answer.probability is not None:
        lines.append(f"{answer.top_event} of {answer.model}, by {at}: {_said(answer.probability)}")
    else:
        lines.append(f"{answer.model}: event trees at {at}")
    for what, value in (
        ("unavailability at that time", answer.unavailability),
        ("unavailability in the long run", answer.steady_unavailability),
        ("mean time to failure", answer.mttf),
    ):
        if value is not None:
            lines.append(f"{what}: {_said(value)}")
    lines.append(f"method: {answer.method}" + (f"; {answer.message}" if answer.message else ""))
    if answer.other_tops:
        others = ", ".join(answer.other_tops[:8]) + (", ..." if len(answer.other_tops) > 8 else "")
        lines.append(f"the model has other top events (choose with --top): {others}")
    lines += [f"note: {note}" for note in answer.notes]
    compiled = (
        f", {number(answer.compile_seconds)} s of it compiling" if answer.compile_seconds else ""
    )
    lines.append(f"{number(answer.seconds)} s{compiled}")
    return "\n".join(lines)


def fault_tree_tables(answer: FaultTreeAnswer, top: int) -> Iterator[Group]:
    """Yield the tables of what was asked for, at most `top` rows each."""
    if answer.curve:
        rows = [(_hours(p.time_hours), *_columns(p.probability)) for p in answer.curve]
        yield table("Probability by mission time", ("!time", ">best", ">95 % interval"), rows)
    if answer.importance is not None:
        yield _importance(answer, top)
    if answer.cut_sets is not None:
        yield _cut_sets(answer, top)
    if answer.uncertainty is not None:
        yield _uncertainty(answer)
    for initiating, sequences in answer.sequences.items():
        rows = [(name, *_columns(value)[:1]) for name, value in sequences.items()]
        yield table(f"Sequences after {initiating}", ("!sequence", ">probability"), rows)


def fault_tree_object(answer: FaultTreeAnswer) -> dict[str, Any]:
    """Return the answer as one JSON object; what was not asked for is left out."""
    made: dict[str, Any] = {
        "model": answer.model,
        "top_event": answer.top_event,
        "other_top_events": answer.other_tops,
        "method": answer.method,
        "message": answer.message,
        "status": answer.status,
        "notes": answer.notes,
        "time_hours": answer.time_hours,
        "probability": _triple(answer.probability),
        "seconds": answer.seconds,
        "compile_seconds": answer.compile_seconds,
    }
    for name in ("unavailability", "steady_unavailability", "mttf"):
        if getattr(answer, name) is not None:
            made[name] = _triple(getattr(answer, name))
    if answer.curve:
        made["curve"] = [
            {"time_hours": p.time_hours, **(_triple(p.probability) or {})} for p in answer.curve
        ]
    if answer.importance is not None:
        made["importance"] = [
            {k: _infinite(v) for k, v in vars(row).items()} for row in answer.importance
        ]
    if answer.cut_sets is not None:
        made["cut_sets"] = answer.cut_sets
    if answer.uncertainty is not None:
        u = answer.uncertainty
        made["uncertainty"] = {
            "trials": u.trials, "quantities": len(u.quantities), "mean": _triple(u.mean),
            "quantiles": {str(q): _triple(e) for q, e in u.quantiles.items()}, "seconds": u.seconds,
        }  # fmt: skip
    if answer.sequences:
        made["sequences"] = {
            i: {name: _triple(e) for name, e in named.items()}
            for i, named in answer.sequences.items()
        }
    return made


def _importance(answer: FaultTreeAnswer, top: int) -> Group:
    assert answer.importance is not None
    ranked = sorted(answer.importance, key=lambda row: -abs(row.criticality))
    rows = [
        (
            row.event, number(row.probability), *(
                _plainly(v) for v in (row.birnbaum, row.criticality, row.fussell_vesely, row.raw, row.rrw, row.dif)
            ),
        )
        for row in ranked[:top]
    ]  # fmt: skip
    left = len(ranked) - len(rows)
    title = "Importance" + (f" ({left} more events in --json)" if left else "")
    heads = ("!event", ">P", ">Birnbaum", ">criticality", ">Fussell-Vesely", ">RAW", ">RRW", ">DIF")
    return table(title, heads, rows)


def _cut_sets(answer: FaultTreeAnswer, top: int) -> Group:
    found = answer.cut_sets
    assert found is not None
    orders = ", ".join(f"{count:,} of order {order}" for order, count in found.by_order.items())
    rows = [
        (" ".join(c.events), number(c.probability), percent(c.share)) for c in found.listed[:top]
    ]
    title = f"{found.count:,} minimal cut sets: {orders}; the most probable"
    return table(title, ("!events", ">probability", ">of the top event"), rows)


def _uncertainty(answer: FaultTreeAnswer) -> Group:
    u = answer.uncertainty
    assert u is not None
    rows = [("mean", *_columns(u.mean))]
    rows += [(f"{100 * q:.0f} %", *_columns(e)) for q, e in u.quantiles.items()]
    rate = u.trials / max(u.seconds, 1e-9)
    title = f"Uncertainty of {len(u.quantities)} quantities, {u.trials:,} trials ({number(rate)}/s)"
    return table(title, ("!of the probability", ">best", ">95 % interval"), rows)


def _hours(hours: float) -> str:
    return f"{number(hours, 6)} h"


def _plainly(value: float) -> str:
    if math.isinf(value):
        return "infinite"
    return f"{value:.4g}"


def _columns(e: Estimate) -> tuple[str, str]:
    if e.status == "exact":
        return f"{e.best:.9g}", "exact"
    return f"{e.best:.5g}", f"[{e.low:.5g}, {e.high:.5g}]"


def _said(e: Estimate) -> str:
    unit = "" if e.unit in ("probability", "1") else f" {e.unit}"
    if math.isinf(e.best):
        return "infinite: it may never occur"
    best, interval = _columns(e)
    if e.status == "exact":
        return f"{best}{unit} (exact)"
    return f"{best}{unit}, 95 % interval {interval} from {e.replicas:,} replicas"


def _infinite(value: Any) -> Any:
    """JSON has no infinity: the word, so that it is not taken for a missing value."""
    return "inf" if isinstance(value, float) and math.isinf(value) else value


def _triple(e: Estimate | None) -> dict[str, Any] | None:
    if e is None:
        return None
    values = {"low": e.low, "best": e.best, "high": e.high}
    return {k: _infinite(v) for k, v in values.items()} | {"unit": e.unit, "status": e.status}
