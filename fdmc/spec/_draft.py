"""The structure of a document as far as it can be read, for the checks across sections.

Types and units may still be wrong here, and are reported by the forms; what cannot be read is
left out, so that one mistake is reported once.
"""

import dataclasses
from typing import Any

from ._model import Group, Unit


@dataclasses.dataclass(frozen=True)
class Draft:
    """Names and counts as written; `counted` is False when some count could not be read."""

    data: dict[str, Any]
    components: tuple[str, ...]
    units: dict[str, Unit]
    counted: bool

    def section(self, *path: str) -> dict[str, Any]:
        """A mapping of the document, empty when it is missing or of another kind."""
        here: Any = self.data
        for key in path:
            here = here.get(key) if isinstance(here, dict) else None
        return here if isinstance(here, dict) else {}


def draft(data: dict[str, Any]) -> Draft:
    """Read what can be read."""
    readable = [True]
    units = {}
    for name, value in _mapping(data.get("units")).items():
        body = _mapping(value)
        contains = {
            key: _group(item, readable) for key, item in _mapping(body.get("contains")).items()
        }
        parts = {
            key: _group(item, readable) for key, item in _mapping(body.get("components")).items()
        }
        feeds = body.get("feeds")
        units[name] = Unit(name, contains, parts, feeds if isinstance(feeds, str) else None)
    return Draft(data, tuple(_mapping(data.get("components"))), units, readable[0])


def whole(value: Any) -> int | None:
    """A positive whole number, or None."""
    good = isinstance(value, int) and not isinstance(value, bool) and 1 <= value < 2**31
    return value if good else None


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _group(value: Any, readable: list[bool]) -> Group:
    body = value if isinstance(value, dict) else {"count": value}
    count = whole(body.get("count"))
    if count is None:
        readable[0] = False
    need = whole(body.get("need"))
    return Group(count or 1, need)
