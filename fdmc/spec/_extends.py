"""`extends: NAME`: a document that says only what differs from another one.

Mappings are merged key by key, null takes a key away, everything else is replaced. The name and the
title are the document's own, and so is what is asked of it (`sizing`). What the other document says keeps
its own file and line.
"""

import dataclasses
import pathlib
from collections.abc import Callable, Iterator
from typing import Any

from ._problem import Finding, Path, did_you_mean, shown
from ._structure_file import write_out
from ._yaml import Text


_OWN = ("name", "title", "extends", "sizing")  # a question about a machine is not inherited
Reader = Callable[[str, pathlib.Path], tuple[pathlib.Path, Text] | str]
"""Reads the document of a name as seen from a folder: its file and text, or what to write instead."""


def extended(text: Text, file: pathlib.Path | None, folder: pathlib.Path, read: Reader) -> Text:
    """The document with everything that it extends merged in.

    **Arguments:** the `text` of `file` (None: it came from Python); the `folder` that names are seen
    from; `read` a file.

    **Returns:** a new `Text`; findings say which document could not be had.
    """
    seen = () if file is None else (file.resolve(),)
    if file is None:  # nothing of it has a line, least of all that of the base around it
        text = dataclasses.replace(text, lines=dict.fromkeys(_paths(text.data, ()), 0))
    return _extended(text, folder, read, seen)


def _paths(value: Any, path: Path) -> Iterator[Path]:
    yield path
    items = value.items() if isinstance(value, dict) else ()
    for key, inner in items:
        yield from _paths(inner, (*path, key))


def _extended(
    text: Text, folder: pathlib.Path, read: Reader, seen: tuple[pathlib.Path, ...]
) -> Text:
    if not isinstance(text.data, dict) or text.data.get("extends") is None:
        return text
    name = text.data["extends"]
    own = dataclasses.replace(text, data={k: v for k, v in text.data.items() if k != "extends"})
    found = _base(name, folder, read, seen)
    if isinstance(found, Finding):
        own.findings = [*own.findings, found]
        return own
    file, base = found
    base = _extended(base, file.parent, read, (*seen, file.resolve()))
    if not isinstance(base.data, dict):
        said = f"{shown(name)} is no mapping of sections"
        own.findings = [*own.findings, Finding(("extends",), said, "name a scenario")]
        return own
    base = _named(base, file.name)
    wrong, _ = write_out(base.data, file.parent)
    kept = {key: value for key, value in base.data.items() if key not in _OWN}
    lines, files = dict(base.lines), dict(base.files)
    merged = _merged(kept, own.data, (), own.lines, (lines, files))
    lines.update(own.lines)
    for path in own.lines:
        files.pop(path, None)
    return Text(merged, lines, [*own.findings, *base.findings, *wrong], files)


def _base(
    name: Any, folder: pathlib.Path, read: Reader, seen: tuple[pathlib.Path, ...]
) -> tuple[pathlib.Path, Text] | Finding:
    path: Path = ("extends",)
    if not isinstance(name, str):
        return Finding(path, f"{shown(name)} is not a name", "write one such as cpo-512")
    found = read(name, folder)
    if isinstance(found, str):
        return Finding(path, f"no file or packaged scenario is called {shown(name)}", found)
    if found[0].resolve() in seen:
        chain = [file.stem for file in (*seen, found[0])]
        said = "scenarios extend each other in a circle: " + " > ".join(chain)
        return Finding(path, said, "break the circle")
    return found


def _named(base: Text, file: str) -> Text:
    """The document with its file beside every line that has none yet."""
    return dataclasses.replace(base, files={path: file for path in base.lines} | base.files)


def _merged(
    base: Any, own: Any, path: Path, lines: dict[Path, int], notes: tuple[dict, dict]
) -> Any:
    """`own` over `base`; what is replaced or taken away loses the lines of the base."""
    if not (isinstance(base, dict) and isinstance(own, dict)):
        _forget(path, notes)
        return own
    merged = dict(base)
    for key, value in own.items():
        here = (*path, key)
        if key in base and value is None:
            del merged[key]
            _forget(here, notes)
        elif key in base:
            merged[key] = _merged(base[key], value, here, lines, notes)
        else:
            merged[key] = value
    return merged


def _forget(path: Path, notes: tuple[dict, dict]) -> None:
    for note in notes:
        for other in [other for other in note if other[: len(path)] == path]:
            del note[other]


def reader(packaged: dict[str, pathlib.Path], read_text: Callable[[pathlib.Path], Text]) -> Reader:
    """A `Reader` of files beside a document, then of packaged scenarios."""

    def read(name: str, folder: pathlib.Path) -> tuple[pathlib.Path, Text] | str:
        file = folder / name
        if not file.is_file() and name in packaged:
            file = packaged[name]
        try:
            return file, read_text(file)
        except (OSError, ValueError) as error:
            if isinstance(error, FileNotFoundError | NotADirectoryError):
                beside = [other.name for other in folder.glob("*.yaml")] if folder.is_dir() else []
                return did_you_mean(name, [*packaged, *beside])
            return f"it cannot be read ({error})"

    return read
