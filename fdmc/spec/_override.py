"""`--set path=value`: change one leaf of a document before it is validated."""

import re
import types
import typing
from typing import Any

from pydantic import BaseModel

from ._fields import Form
from ._form import DocumentForm
from ._problem import Finding, Path, did_you_mean, dotted
from ._yaml import read_yaml


_PART = re.compile(r"[^.\[\]]+|\[\d+\]")
_CHOICES = (
    ("rate", "mtbf", "lifetime", "mechanisms"),
    ("mean", "mtbf", "rate"),
    ("p90", "sigma"),
    ("scale", "mean"),
    ("constant", "square_wave", "ornstein_uhlenbeck", "markov"),
    ("ring", "mach_zehnder", "vcsel"),
    ("named", "negative_binomial", "bose_einstein"),
    ("linear", "williams_brown"),
    ("layers", "density"),
    ("layers", "law"),
)


def override(data: dict[str, Any], setting: str) -> Finding | None:
    """Apply one `path=value` to `data` in place; what is wrong with it comes back."""
    written, equals, value = setting.partition("=")
    path = parts(written.strip())
    if not equals or not path:
        return Finding(
            ("--set",), f"'{setting}' is no path=value", "write components.gpu.rate=500 FIT"
        )
    here: Any = data
    for depth, key in enumerate(path):
        found = _step(data, path, depth, here)
        if found is not None:
            return found
        if depth == len(path) - 1:
            return _put(here, path, value)
        here = _open(here, key, path[: depth + 1])
        if here is None:
            return Finding(path, "no such place in the document", "")
    return None


def parts(path: str) -> Path:
    """The keys of a dotted path; list positions may be written `[0]` or `.0`."""
    found = [part.strip("[]") for part in _PART.findall(path)]
    return tuple(int(part) if part.isdigit() else part for part in found)


def model_at(path: Path) -> Any:
    """The annotation of the form at `path`; None when the form has no such place."""
    here: Any = DocumentForm
    for key in path:
        here = _inner(here)
        if isinstance(here, type) and issubclass(here, BaseModel):
            field = here.model_fields.get(str(key))
            if field is None:
                return None
            here = field.annotation
        elif typing.get_origin(here) in (dict, list):
            here = typing.get_args(here)[-1]
        else:
            return None
    return _inner(here)


def keys_at(path: Path) -> tuple[str, ...]:
    """The keys that the form knows at `path`; empty where names are free."""
    here = model_at(path)
    if isinstance(here, type) and issubclass(here, BaseModel):
        return tuple(here.model_fields)
    return ()


def _inner(annotation: Any) -> Any:
    while typing.get_origin(annotation) is typing.Annotated:
        annotation = typing.get_args(annotation)[0]
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        inner = [arg for arg in typing.get_args(annotation) if arg is not type(None)]
        return _inner(inner[0]) if len(inner) == 1 else annotation
    return annotation


def _step(data: dict[str, Any], path: Path, depth: int, here: Any) -> Finding | None:
    """Whether the key at `depth` may stand where it does."""
    key, around = path[depth], path[:depth]
    form = model_at(around)
    if isinstance(form, type) and issubclass(form, Form):
        if str(key) not in form.model_fields:
            return Finding(
                path[: depth + 1], "no such key", did_you_mean(str(key), form.model_fields)
            )
        return None
    if isinstance(here, list):
        if not isinstance(key, int) or key >= len(here):
            return Finding(path[: depth + 1], f"the list has {len(here)} entries, counted from 0")
        return None
    if isinstance(here, dict) and key not in here and form is not Any:
        known = list(here)
        if around == ("service", "replace"):
            known = [*data.get("components", {}), *data.get("units", {})]
        if key not in known:
            message = f"'{dotted(around)}' has no '{key}'" if around else f"there is no '{key}'"
            return Finding(path[: depth + 1], message, did_you_mean(str(key), known))
    return None


def _open(here: Any, key: Any, path: Path) -> Any:
    """The mapping or list at `key`, written out when it was short or missing."""
    value = here[key] if isinstance(here, list) else here.get(key)
    if isinstance(value, dict | list):
        return value
    form = model_at(path)
    if form in (None, float, int, str):
        return None
    number = isinstance(value, int) and not isinstance(value, bool)
    short = {"count": value} if number and "count" in keys_at(path) else {}
    _drop_rivals(here, path)
    here[key] = short
    return short


def _put(here: Any, path: Path, value: str) -> Finding | None:
    if not isinstance(here, dict | list):
        return Finding(path, "no such place in the document")
    text = read_yaml(value)
    if value.strip() and text.findings:
        return Finding(path, f"'{value.strip()}' cannot be read", "quote it as in YAML")
    key = path[-1]
    _drop_rivals(here, path)
    if isinstance(here, dict):
        # A law has one key: the new one replaces the old one.
        keys = keys_at(path[:-1])
        if "lognormal" in keys:
            here.clear()
        here[str(key)] = text.data if value.strip() else None
    else:
        here[int(key)] = text.data
    return None


def _drop_rivals(here: Any, path: Path) -> None:
    """Of two ways to give one number, keep the one being set; names are never rivals."""
    key = path[-1]
    if not isinstance(here, dict) or not keys_at(path[:-1]):
        return
    for choice in _CHOICES:
        if key in choice:
            for rival in choice:
                if rival != key:
                    here.pop(rival, None)
