"""Checks of components: what temperature, current and cycles need beside them, or do nothing without."""

import dataclasses
from collections.abc import Iterator
from typing import Any

from .. import library
from ._draft import Draft
from ._mechanism_form import OWN
from ._problem import Finding, Path, dotted, shown


_PAIR = (("reference", "40 degC"), ("activation_energy", "0.7 eV"))
_STRESSED = ("reference", "activation_energy", "cycling")


@dataclasses.dataclass(frozen=True)
class _Way:
    """One mechanism as written; the only one of a plain lifetime stands at the component's own path."""

    path: Path
    body: dict[str, Any]
    row: library.Row | None

    @property
    def fatigue(self) -> bool:
        return self.body.get("cycling") is not None

    @property
    def energy(self) -> bool:
        known = self.row is not None and self.row.activation_energy_ev is not None
        return self.body.get("activation_energy") is not None or (known and not self.fatigue)

    @property
    def reference(self) -> bool:
        own = any(self.body.get(key) is not None for key in OWN)
        known = self.row is not None and self.row.reference_kelvin is not None
        return self.body.get("reference") is not None or (known and not own and not self.fatigue)


def check_mechanisms(draft: Draft) -> Iterator[Finding]:
    """A temperature needs a mechanism that follows it, and what mechanisms say needs a temperature."""
    places, lost = _node_places(draft), _unreadable_nodes(draft)
    for name in draft.components:
        body = draft.section("components", name)
        where: Path | None = ("components", name, "at")
        if body.get("at") is None:
            where = places.get(name)
        ways = list(_ways(draft, name))
        if where is None:
            yield from () if lost else _without_temperature(draft, name, ways)
        elif where[0] == "components" or draft.section("thermal").get("on") is not False:
            yield from _at_temperature(name, where, body, ways)
        yield from _check_current(name, body, ways)


def _unreadable_nodes(draft: Draft) -> bool:
    """Whether a component may be at no node only through a mistake that is said elsewhere."""
    nodes = draft.section("thermal").get("nodes", {})
    if not isinstance(nodes, dict) or not isinstance(draft.data.get("thermal"), dict | None):
        return True
    return any(
        not isinstance(names, list) or not all(name in draft.components for name in names)
        for names in nodes.values()
    )


def _node_places(draft: Draft) -> dict[str, Path]:
    """Where each component is listed first among the nodes; also while thermal is off."""
    places: dict[str, Path] = {}
    for node, names in draft.section("thermal", "nodes").items():
        for i, name in enumerate(names if isinstance(names, list) else []):
            if isinstance(name, str):
                places.setdefault(name, ("thermal", "nodes", node, i))
    return places


def _ways(draft: Draft, name: str) -> Iterator[_Way]:
    body = draft.section("components", name)
    if body.get("mechanisms") is None:
        use = body.get("use")
        yield _Way(
            ("components", name), body, library.rows().get(use) if isinstance(use, str) else None
        )
        return
    for key in draft.section("components", name, "mechanisms"):
        path = ("components", name, "mechanisms", key)
        yield _Way(path, draft.section(*path), None)


def _without_temperature(draft: Draft, name: str, ways: list[_Way]) -> Iterator[Finding]:
    fix = f'give components.{name}.at such as "45 degC"'
    if draft.section("thermal"):
        fix += ", or list it in thermal.nodes"
    for way in ways:
        for key in _STRESSED:
            if way.body.get(key) is not None:
                said = "does nothing without the temperature of the component"
                yield Finding((*way.path, key), said, fix)


def _at_temperature(
    name: str, where: Path, body: dict[str, Any], ways: list[_Way]
) -> Iterator[Finding]:
    if body.get("mechanisms") is None:
        yield from _only(where, ways[0])
    elif ways and not any(way.fatigue or (way.energy and way.reference) for way in ways):
        first = dotted(ways[0].path)
        said = "no mechanism has a reference and an activation_energy, or cycling"
        yield Finding(where, said, f"give {first}.reference and {first}.activation_energy")
    yield from _half(name, ways)


def _only(where: Path, way: _Way) -> Iterator[Finding]:
    """What the only lifetime of a component at a temperature lacks."""
    if way.fatigue:
        return
    row, at = way.row, dotted(way.path)
    if not way.energy:
        said = "no activation energy is known" + (f" (row {row.id} has none)" if row else "")
        yield Finding(where, said, f'give {at}.activation_energy such as "0.7 eV"')
    if way.reference:
        return
    fix = f'give {at}.reference such as "40 degC"'
    if row is None or row.reference_kelvin is not None:
        yield Finding(where, "the temperature at which the lifetime holds is missing", fix)
        return
    if any(way.body.get(key) is not None for key in OWN):
        yield Finding(where, "the temperature at which the lifetime holds is missing", fix)
        return
    named = shown(row.ref_temp) if row.ref_temp else "empty"
    said = f"the reference temperature of row {row.id} is {named}, which is not a temperature"
    yield Finding(where, said, fix)


def _half(name: str, ways: list[_Way]) -> Iterator[Finding]:
    """A reference without an energy, or the other way round, where only a pair means something."""
    for way in ways:
        if way.path == ("components", name) and not way.fatigue:
            continue  # said already
        for (key, _), (other, example) in (_PAIR, _PAIR[::-1]):
            if way.body.get(key) is not None and way.body.get(other) is None:
                fix = f'give {dotted(way.path)}.{other} such as "{example}"'
                yield Finding((*way.path, key), f"does nothing without {other}", fix)


def _check_current(name: str, body: dict[str, Any], ways: list[_Way]) -> Iterator[Finding]:
    """The current does something, and leaves some of the power margin."""
    current, path = body.get("current"), ("components", name, "current")
    if isinstance(current, bool) or not isinstance(current, int | float) or not ways:
        return
    drives = [drive for way in ways if (drive := _drive(way.body)) is not None]
    if not drives and not any(way.body.get("current_exponent") for way in ways):
        fix = f"give {dotted(ways[0].path)}.current_exponent such as 2"
        yield Finding(path, "no mechanism depends on the current", fix)
    for drive in drives:
        margin = drive.get("margin")
        if isinstance(margin, int | float) and 0 < 1 + margin <= current:
            said = f"{current:g} leaves nothing of the power margin {margin:g}"
            yield Finding(path, said, f"write a current below {1 + margin:g}")
            return


def _drive(body: dict[str, Any]) -> dict[str, Any] | None:
    lifetime = body.get("lifetime")
    gradual = lifetime.get("drive_rise") if isinstance(lifetime, dict) else None
    found = body.get("drive") if gradual is None else gradual
    return found if isinstance(found, dict) else None
