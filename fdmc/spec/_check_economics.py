"""Checks of the economics section: amounts, names, library rows, the rack."""

from collections.abc import Iterator
from typing import Any, Literal

from .. import library
from ._build_economics import row_watts
from ._check_names import dangling
from ._draft import Draft
from ._economics_units import DEFAULT_CURRENCY, LABEL, money
from ._problem import Finding, Path, did_you_mean, shown
from ._tree import Tree
from ._units import QuantityError


_HERE = "economics"


def check_economics(draft: Draft) -> Iterator[Finding]:
    """What can be seen without the tree."""
    body = draft.section(_HERE)
    if draft.data.get(_HERE) is None:
        return
    if isinstance(draft.data[_HERE], dict) and not (body.get("price") or body.get("power")):
        fix = 'write one such as price: {package: "30 kEUR"}'
        yield Finding((_HERE,), "neither price nor power is given", fix)
    yield from _amounts(draft, body)
    yield from _powers(draft)
    yield from _names(draft, body)


def _amounts(draft: Draft, body: dict[str, Any]) -> Iterator[Finding]:
    label = body.get("currency", DEFAULT_CURRENCY)
    if not isinstance(label, str) or not LABEL.fullmatch(label):
        return  # said by the form, and no amount can be read
    for name, item in draft.section(_HERE, "price").items():
        path = (_HERE, "price", name)
        if not isinstance(item, dict):
            yield from _amount(path, item, label, "")
        elif "price" in item:
            yield from _amount((*path, "price"), item["price"], label, "")
        if isinstance(item, dict) and item.get("spare") is not None:
            yield from _amount((*path, "spare"), item["spare"], label, "")
    if body.get("technician") is not None:
        yield from _amount((_HERE, "technician"), body["technician"], label, "y")
    if body.get("energy") is not None:
        yield from _amount((_HERE, "energy"), body["energy"], label, "kWh")
    pue = body.get("pue", 1)
    if isinstance(pue, int | float) and not isinstance(pue, bool) and 0 <= pue < 1:
        said = f"{pue:g} is less than 1: the meter would show less than the machine draws"
        yield Finding((_HERE, "pue"), said, "write one such as 1.2")


def _amount(path: Path, value: Any, label: str, per: Literal["", "y", "kWh"]) -> Iterator[Finding]:
    try:
        money(value, label, per)
    except QuantityError as error:
        yield Finding(path, error.message, error.suggestion)


def _powers(draft: Draft) -> Iterator[Finding]:
    rows = library.rows()
    for name, item in draft.section(_HERE, "power").items():
        use = item.get("use") if isinstance(item, dict) else None
        if not isinstance(use, str):
            continue
        path = (_HERE, "power", name, "use")
        if use not in rows:
            hint = did_you_mean(use, rows) or "see `fdmc list components`"
            yield Finding(path, f"the library has no row {shown(use)}", hint)
        elif row_watts(rows[use]) is None:
            said = f"row {use} has no power ({rows[use].component})"
            yield Finding(path, said, 'use another row, or write one such as {power: "30 W"}')


def _names(draft: Draft, body: dict[str, Any]) -> Iterator[Finding]:
    known = [*draft.components, *draft.units]
    for section in ("price", "power"):
        for name in draft.section(_HERE, section):
            if name not in known:
                yield dangling((_HERE, section, name), "component or unit", name, known)
    optics = body.get("optics")
    named: list[Any] = optics if isinstance(optics, list) else []
    if optics == []:
        yield Finding((_HERE, "optics"), "none is given", "name units such as engine, or drop it")
    for number, name in enumerate(named):
        if isinstance(name, str) and name not in known:
            said = f"no component or unit is called {shown(name)}"
            yield Finding((_HERE, "optics", number), said, did_you_mean(name, known))
        elif name in named[:number]:
            yield Finding((_HERE, "optics", number), f"{name} stands there twice", "write it once")
    rack = body.get("rack")
    if isinstance(rack, str) and rack not in draft.units:
        yield dangling((_HERE, "rack"), "unit", rack, draft.units)


def check_rack(draft: Draft, tree: Tree) -> Iterator[Finding]:
    """A rack holds accelerators."""
    rack = draft.section(_HERE).get("rack")
    accelerator = draft.section("fabric").get("accelerator")
    if not isinstance(accelerator, str) or accelerator not in tree.nodes:
        return
    chain = tree.ancestors(accelerator)
    if isinstance(rack, str) and rack in tree.nodes and rack not in chain:
        fix = f"write one of {', '.join(reversed(chain))}"
        yield Finding((_HERE, "rack"), f"no {accelerator} is inside a {rack}", fix)
