"""The door: whatever is wrong with a scenario is found here, all of it at once."""

import dataclasses
import os
import pathlib
import re
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from .. import library
from ._build import build
from ._check import check
from ._draft import draft
from ._extends import extended, reader
from ._form import DocumentForm
from ._override import keys_at, override
from ._problem import Finding, Path, Problem, ScenarioError, did_you_mean, dotted, shown
from ._scenario import Scenario
from ._structure_file import write_out
from ._yaml import MOST_BYTES, Text, plain, read_yaml


def load(
    source: str | os.PathLike[str] | Mapping[str, Any] | Scenario, sets: Iterable[str] = ()
) -> Scenario:
    """Read a scenario and check all of it.

    **Arguments:**

    - `source`: a YAML file, the name of a packaged scenario, a mapping of the same form, or a
      scenario (to change it). Fault trees that it names are seen from its file, or from the working
      directory.
    - `sets`: overrides such as `"components.gpu.rate=500 FIT"`, applied before anything is checked.

    **Raises:** `ScenarioError` with every problem, its path, its line and its fix.

    ```python
    import fdmc

    scenario = fdmc.load("cpo-512", sets=["service.technicians=4"])
    ```
    """
    sets = [sets] if isinstance(sets, str) else list(sets)
    origin, name, text, folder = _read(source)
    if not isinstance(text.data, dict):
        found = Finding(
            (), "a scenario is a mapping of sections", "start with name, mission, components"
        )
        text.findings.append(found)
        text.data = {}
    findings = list(text.findings)
    if not text.data and findings:
        raise _error(origin, text, findings)
    if "extends" in text.data:
        file = None if isinstance(source, Mapping | Scenario) else folder / origin
        text = extended(text, file, folder, reader(library.scenarios(), _read_text))
        findings = list(text.findings)
    for setting in sets:
        changed = plain(text.data)
        found = override(changed, setting)
        if found is None:
            text.data = changed
        else:
            findings.append(found)
    unread, trees = write_out(text.data, folder)
    findings += unread
    form, wrong = _validate(text.data)
    findings += wrong
    checked = [_in_file(found, trees) for found in check(draft(text.data))]
    findings += _beyond(dict.fromkeys(checked), findings)
    findings += _document(text.data)
    if findings or form is None:
        raise _error(origin, text, findings)
    return build(form, name, text.data)


def _read(source: Any) -> tuple[str, str, Text, pathlib.Path]:
    """What to call the document in messages, its default name, its text, and the folder it is in."""
    here = pathlib.Path()
    if isinstance(source, Scenario):
        return source.name, source.name, Text(plain(source.document), {}, []), here
    if isinstance(source, Mapping):
        name = str(source.get("name", "scenario"))
        try:
            return name, name, Text(plain(dict(source)), {}, []), here
        except TypeError as error:
            raise ScenarioError(name, [Problem("", None, str(error))]) from None
    path = pathlib.Path(source)
    packaged = library.scenarios()
    if not path.is_file() and str(source) in packaged:
        path = packaged[str(source)]
    try:
        return path.name, path.stem, _read_text(path), path.parent
    except (FileNotFoundError, NotADirectoryError):
        hint = did_you_mean(str(source), [*packaged, *_beside(path)])
        raise _unreadable(path, "no such file or packaged scenario", hint) from None
    except UnicodeDecodeError:
        raise _unreadable(path, "it is not UTF-8 text", "save it as UTF-8") from None
    except (OSError, ValueError) as error:
        raise _unreadable(path, f"it cannot be read ({error})", "") from None


def _read_text(path: pathlib.Path) -> Text:
    if path.stat().st_size > MOST_BYTES:
        raise _unreadable(path, "it is larger than 5 MB", "a scenario is a few kilobytes")
    return read_yaml(path.read_text(encoding="utf-8-sig"))


def _beside(path: pathlib.Path) -> list[str]:
    """The YAML files in the same folder, for a suggestion."""
    try:
        return [str(other) for other in sorted(path.parent.glob("*.yaml"))[:100]]
    except (OSError, ValueError):
        return []


def _unreadable(path: pathlib.Path, message: str, suggestion: str) -> ScenarioError:
    return ScenarioError(str(path), [Problem("", None, message, suggestion)])


def _validate(data: dict[str, Any]) -> tuple[DocumentForm | None, list[Finding]]:
    try:
        return DocumentForm.model_validate(data), []
    except ValidationError as error:
        return None, [_finding(data, dict(item)) for item in error.errors(include_url=False)]


def _finding(data: dict[str, Any], error: dict[str, Any]) -> Finding:
    """One error of the form, in our words."""
    path: Path = tuple(part for part in error["loc"] if part != "[key]")
    context, value = error.get("ctx", {}), error.get("input")
    kind = error["type"]
    if kind == "fdmc":
        return Finding(_written(data, path), context["message"], context["suggestion"])
    if kind == "extra_forbidden":
        return Finding(path, "unknown key", did_you_mean(str(path[-1]), keys_at(path[:-1])))
    if kind == "missing":
        return Finding(path, "missing", _describe(path))
    if kind == "literal_error":
        choices = re.sub(r"'", "", context["expected"])
        return Finding(path, f"{shown(value)} is not possible", f"write {choices}")
    if kind in ("model_type", "dict_type", "model_attributes_type"):
        keys = keys_at(path)
        hint = f"give {', '.join(keys)}" if keys else "write name: count"
        return Finding(path, f"{shown(value)} is not a mapping", hint)
    if kind == "list_type":
        return Finding(
            path, f"{shown(value)} is not a list", "write [..] or lines that start with '-'"
        )
    return Finding(path, str(error["msg"]))


def _written(data: Any, path: Path) -> Path:
    """`path` without the keys that a short form such as `4 h` leaves out."""
    for depth, key in enumerate(path):
        if isinstance(data, dict) and key in data:
            data = data[key]
        elif isinstance(data, list) and isinstance(key, int) and key < len(data):
            data = data[key]
        elif isinstance(data, dict | list):
            return path
        else:
            return path[:depth]
    return path


_EXAMPLES = {
    "mission": 'write one such as "5 y"',
    "components": "name the parts that fail",
    "units": "name the units and what they contain",
    "fabric": "name at least fabric.accelerator",
    "accelerator": "name the unit that is one accelerator",
    "size": 'write one such as "1 GiB"',
    "op": "write all_reduce, all_gather, reduce_scatter, all_to_all or broadcast",
    "count": "write how many there are",
    "shape": "write one such as 1.6",
    "scale": 'write one such as "9 y"',
    "median": 'write one such as "24 h"',
    "margin": "write one such as 0.5",
    "time_power": "write one such as 0.5",
    "solder": "write SAC305 or SNPB",
    "swing": 'write one such as "60 K"',
    "cycles": 'write one such as "2 /d"',
    "template": "write 2d, 2.5d, 3d or near_package",
    "coolant": 'write one such as "35 degC"',
    "spread": 'write one such as "5 K"',
    "unit": "name a unit",
    "every": 'write one such as "7 d"',
    "for": 'write one such as "8 h"',
    "time": 'write one such as "1 h"',
    "duration": "write how long it lasts",
}


def _describe(path: Path) -> str:
    return _EXAMPLES.get(str(path[-1]), "give a value")


def _beyond(found: Iterable[Finding], known: list[Finding]) -> list[Finding]:
    """Findings at places where nothing was found yet, so that one mistake is said once."""
    said = {finding.path for finding in known}
    return [finding for finding in found if finding.path not in said]


def _in_file(found: Finding, trees: list[Path]) -> Finding:
    """What is wrong inside a formula that was read from a file is said where the file is named."""
    for path in trees:
        if found.path[: len(path)] == path:
            return dataclasses.replace(found, path=(*path, "file"))
    return found


def _document(data: dict[str, Any]) -> list[Finding]:
    """What is wrong with the document as a whole."""
    found = []
    for key in ("components", "units"):
        if data.get(key) == {}:
            found.append(Finding((key,), "none is given", _EXAMPLES[key]))
    if data.get("run_in") is not None and data.get("start", "new") == "new":
        fix = "write start: stationary"
        found.append(Finding(("run_in",), "only a stationary start has a run-in", fix))
    if data.get("extends") is not None:
        said = "only a document that is read extends another one"
        found.append(Finding(("extends",), said, "write it in the file"))
    return found


def _error(origin: str, text: Text, findings: list[Finding]) -> ScenarioError:
    problems = [
        Problem(
            dotted(found.path),
            text.line(found.path),
            found.message,
            found.suggestion,
            text.file(found.path),
        )
        for found in findings
    ]
    problems.sort(key=lambda problem: (problem.file, problem.line or 0, problem.path))
    return ScenarioError(origin, problems)
