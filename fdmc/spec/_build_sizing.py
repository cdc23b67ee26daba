"""The section `sizing` from a valid form: bounds as numbers, costs in the currency."""

from typing import Any

from ._check_sizing import label_of
from ._economics_units import money
from ._sizing import Limit, Option, Sizing, Variable, as_set, bound_of
from ._sizing_form import RESOURCES, ConstraintsForm, SizingForm, VariableForm


def sizing(form: SizingForm | None, data: dict[str, Any]) -> Sizing | None:
    """What is asked of a form that has passed every check; None when the section is absent."""
    if form is None:
        return None
    label, objective = label_of(data), form.objective
    return Sizing(
        sense="least" if objective.least is not None else "most",
        metric=str(objective.least or objective.most),
        limits=tuple(_limits(form.constraints, label)),
        variables=tuple(_variable(name, one, label) for name, one in form.variables.items()),
    )


def _limits(form: ConstraintsForm, label: str):
    for name in type(form).model_fields:
        one: Any = getattr(form, name)
        if one is None:
            continue
        if name in RESOURCES:
            yield Limit(name, money(one.at_most, label) if name == "cost" else one.at_most)
        else:
            yield Limit(name, one.at_least, getattr(one, "of", None))


def _variable(name: str, form: VariableForm, label: str) -> Variable:
    if form.choice is not None:
        options = tuple(
            Option(
                key,
                tuple(as_set(path, value) for path, value in one.set.items()),
                0.0 if one.cost is None else money(one.cost, label),
            )
            for key, one in form.choice.items()
        )
        return Variable(name, "choice", "", 0.0, 0.0, "", False, (), options)
    low, high = bound_of(getattr(form, "from")), bound_of(form.to)
    assert low is not None, "checked"
    assert high is not None, "checked"
    points = []
    for key, amount in (form.cost or {}).items():
        at = bound_of(key)
        assert at is not None, "checked"
        points.append((at[0], money(amount, label)))
    kind, path = ("count", form.count) if form.count is not None else ("value", form.value)
    return Variable(
        name, kind, str(path), low[0], high[0], low[1], form.scale == "log",
        tuple(sorted(points)), (),
    )  # fmt: skip
