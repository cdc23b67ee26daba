"""Checks of the section `sizing`: paths that lead somewhere, bounds in order, costs that cover them."""

import re
from collections.abc import Iterator
from typing import Any

from ._draft import Draft
from ._economics_units import DEFAULT_CURRENCY, LABEL, money
from ._override import override
from ._problem import Finding, Path, shown
from ._sizing import as_set, bound_of
from ._sizing_form import QUALITIES
from ._units import QuantityError
from ._yaml import plain


_HERE = "sizing"
_FIXED = ("sizing", "name", "title", "extends", "fdmc", "mission", "start", "economics")


def label_of(data: dict[str, Any]) -> str:
    """The currency of the document."""
    economics = data.get("economics")
    label = economics.get("currency") if isinstance(economics, dict) else None
    good = isinstance(label, str) and LABEL.fullmatch(label)
    return str(label) if good else DEFAULT_CURRENCY


def check_sizing(draft: Draft) -> Iterator[Finding]:
    """What can be said without simulating anything."""
    if draft.data.get(_HERE) is None:
        return
    variables = draft.section(_HERE, "variables")
    if isinstance(draft.data[_HERE], dict) and "variables" in draft.data[_HERE] and not variables:
        fix = "write one such as technicians: {count: service.technicians, from: 1, to: 8}"
        yield Finding((_HERE, "variables"), "none is given", fix)
    yield from _check_question(draft)
    try:
        copy = plain(draft.data)
    except TypeError:
        return
    seen: dict[str, str] = {}
    for name in variables:
        body = draft.section(_HERE, "variables", name)
        yield from _check_variable(draft, copy, (_HERE, "variables", name), body)
        for kind in ("count", "value"):
            path = body.get(kind)
            if isinstance(path, str) and seen.setdefault(path, name) != name:
                said = f"variable '{seen[path]}' has this path too"
                yield Finding((_HERE, "variables", name, kind), said, "keep one of them")


def _check_question(draft: Draft) -> Iterator[Finding]:
    objective = draft.section(_HERE, "objective")
    constraints = draft.section(_HERE, "constraints")
    economics, label = draft.section("economics"), label_of(draft.data)
    uses = [*constraints, objective.get("least")]
    if "cost" in uses and draft.data.get("economics") is None:
        where = ("constraints", "cost") if "cost" in constraints else ("objective",)
        fix = "add economics with prices"
        yield Finding((_HERE, *where), "cost needs the section economics", fix)
    if ("power" in uses or objective.get("most") == "robustness_per_watt") and not (
        economics.get("power")
    ):
        where = ("constraints", "power") if "power" in constraints else ("objective",)
        yield Finding((_HERE, *where), "power needs economics.power", "add the power of the parts")
    amount = draft.section(_HERE, "constraints", "cost").get("at_most")
    if amount is not None:
        yield from _amount((_HERE, "constraints", "cost", "at_most"), amount, label)
    if "least" in objective and not any(name in constraints for name in QUALITIES):
        said = "least without a bound on goodput or availability is the cheapest machine"
        fix = 'add constraints such as goodput: {at_least: "98 %"}'
        yield Finding((_HERE, "constraints"), said, fix)
    most = objective.get("most")
    if most in ("goodput_quantile", "goodput_cvar") and most not in constraints:
        said = f"most {most} needs to know of which share of the missions"
        yield Finding((_HERE, "objective"), said, f"add constraints.{most} with of and at_least")


def _amount(path: Path, value: Any, label: str) -> Iterator[Finding]:
    try:
        money(value, label)
    except QuantityError as error:
        yield Finding(path, error.message, error.suggestion)


def _check_variable(
    draft: Draft, copy: dict[str, Any], path: Path, body: dict[str, Any]
) -> Iterator[Finding]:
    label = label_of(draft.data)
    if isinstance(body.get("choice"), dict):
        yield from _check_choice(draft, copy, path, body["choice"], label)
        for key in ("from", "to", "cost", "scale"):
            if key in body:
                yield Finding((*path, key), f"a choice has no {key}", "remove it")
        return
    kind = "count" if "count" in body else "value"
    if not isinstance(body.get(kind), str):
        return
    missing = [key for key in ("from", "to") if body.get(key) is None]
    for key in missing:
        yield Finding((*path, key), "missing", "write the bounds of the variable, from and to")
    if missing:
        return
    low, high = (bound_of(body[key]) for key in ("from", "to"))
    yield from _check_bounds(path, kind, body, low, high)
    if low is None or high is None or not low[0] < high[0] or low[1] != high[1]:
        return
    for key in ("from", "to"):
        found = _apply(copy, body[kind], body[key])
        if found is not None:
            yield Finding((*path, kind), f"{shown(body[kind])}: {found.message}", found.suggestion)
            break
    yield from _check_points(path, body, low, high, label)


def _check_bounds(path: Path, kind: str, body, low, high) -> Iterator[Finding]:
    for key, bound in (("from", low), ("to", high)):
        whole = isinstance(body[key], int) and not isinstance(body[key], bool)
        if kind == "count" and not (whole and body[key] >= 0):
            yield Finding((*path, key), f"{shown(body[key])} is no whole number", "write 0 or more")
        elif bound is None:
            said = f"{shown(body[key])} is no number with a unit"
            yield Finding((*path, key), said, 'write one such as "25 degC"')
    if low is None or high is None:
        return
    if low[1] != high[1]:
        said = f"from is in '{low[1]}', to in '{high[1]}'"
        yield Finding((*path, "to"), said, "write both in the same unit")
    elif not low[0] < high[0]:
        yield Finding((*path, "to"), f"{high[0]:g} is not above from, {low[0]:g}")
    elif body.get("scale") == "log" and low[0] <= 0:
        yield Finding((*path, "scale"), "log needs bounds above zero", "write scale: linear")


def _check_points(path: Path, body, low, high, label: str) -> Iterator[Finding]:
    points = body.get("cost")
    if points is None:
        return
    if not isinstance(points, dict):
        fix = f'write one such as {{"{body["from"]}": "0 {label}", "{body["to"]}": "9 k{label}"}}'
        yield Finding((*path, "cost"), "amounts at points are needed", fix)
        return
    at = []
    for key, amount in points.items():
        bound = bound_of(key)
        if bound is None or bound[1] != low[1]:
            said = f"{shown(key)} is no value such as {shown(body['from'])}"
            yield Finding((*path, "cost", key), said, "write points in the unit of from and to")
        else:
            at.append(bound[0])
        yield from _amount((*path, "cost", key), amount, label)
    if at and (min(at) > low[0] or max(at) < high[0]):
        said = f"the points go from {min(at):g} to {max(at):g}, the variable from {low[0]:g} to {high[0]:g}"
        yield Finding((*path, "cost"), said, "give the cost at both ends at least")


def _check_choice(
    draft: Draft, copy: dict[str, Any], path: Path, options: dict[str, Any], label: str
) -> Iterator[Finding]:
    if len(options) < 2:
        yield Finding((*path, "choice"), "one option is no choice", "give two or more")
    for name, option in options.items():
        body = option if isinstance(option, dict) else {}
        sets = body.get("set")
        for written, value in (sets if isinstance(sets, dict) else {}).items():
            found = _apply(copy, str(written), value)
            if found is not None:
                where = (*path, "choice", name, "set", written)
                yield Finding(where, found.message, found.suggestion)
        if body.get("cost") is not None:
            yield from _amount((*path, "choice", name, "cost"), body["cost"], label)


def _apply(copy: dict[str, Any], path: str, value: Any) -> Finding | None:
    """What is wrong with setting a path; `copy` is changed, which paths survive."""
    first = re.split(r"[.\[]", path.strip(), maxsplit=1)[0]
    if first in _FIXED:
        return Finding((), f"'{first}' cannot be varied", "name a part of the machine")
    if "=" in path:
        return Finding((), f"{shown(path)} is no path", "write one such as service.technicians")
    return override(copy, as_set(path, value))
