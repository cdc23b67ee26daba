"""YAML in, plain data and a line number for every path out.

YAML 1.2 scalars, so that `on` is a text and `1e6` a number; duplicate keys are refused; aliases
are followed, but a document that unfolds to more than `MOST_NODES` nodes is refused.
"""

import dataclasses
import re
from typing import Any

import yaml

from ._problem import Finding, Path, dotted, shown


MOST_BYTES = 5_000_000
MOST_NODES = 20_000
MOST_DEPTH = 40

_INT = re.compile(r"[-+]?[0-9]{1,300}")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_WORDS: dict[str, Any] = {
    "": None, "~": None, "null": None, "true": True, "false": False,
    ".nan": float("nan"), ".inf": float("inf"), "+.inf": float("inf"), "-.inf": -float("inf"),
}  # fmt: skip


@dataclasses.dataclass
class Text:
    """A document that was read: its data, the line of each path, and what was wrong.

    `files` names the file of every path that another document says (`extends`).
    """

    data: Any
    lines: dict[Path, int]
    findings: list[Finding]
    files: dict[Path, str] = dataclasses.field(default_factory=dict)

    def line(self, path: Path) -> int | None:
        """The line of `path`, or of the nearest thing around it that is written."""
        written = self._written(path)
        return None if written is None else self.lines[written] or None

    def file(self, path: Path) -> str:
        """The other document that says it; nothing where it is this one."""
        written = self._written(path)
        return "" if written is None else self.files.get(written, "")

    def _written(self, path: Path) -> Path | None:
        return next(
            (path[:end] for end in range(len(path), -1, -1) if path[:end] in self.lines), None
        )


def scalar(text: str) -> Any:
    """What a word without quotes means."""
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    if _INT.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text


def read_yaml(source: str) -> Text:
    """Read a document; syntax errors become findings, with their line under the path `()`."""
    text = Text({}, {}, [])
    if len(source.encode("utf-8", "replace")) > MOST_BYTES:
        message = f"the document is larger than {MOST_BYTES // 1_000_000} MB"
        text.findings.append(
            Finding((), message, "a scenario is a few kilobytes; split or shorten it")
        )
        return text
    try:
        node = yaml.compose(source, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        text.lines[()] = mark.line + 1 if mark else 1
        said = " ".join(part for part in (error.context, error.problem) if part)
        text.findings.append(
            Finding((), f"not YAML: {said}", "check indentation, colons and quotes")
        )
        return text
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        said = (
            "it nests too deeply"
            if isinstance(error, RecursionError)
            else str(error).splitlines()[0]
        )
        text.findings.append(Finding((), f"not YAML: {said}"))
        return text
    if node is None:
        text.findings.append(
            Finding((), "the document is empty", "see the packaged scenarios for the form")
        )
        return text
    _Walk(text).start(node)
    return text


class _TooMuch(Exception):
    """The document unfolds to more than anyone writes."""


class _Walk:
    """Turns composed nodes into data, once."""

    text: Text
    visited: int

    def __init__(self, text: Text):
        self.text = text
        self.visited = 0

    def start(self, node: yaml.Node) -> None:
        try:
            self.text.data = self._value(node, ())
        except _TooMuch as error:
            self.text.data = {}
            self.text.findings.append(Finding((), str(error), "write it without aliases"))

    def _value(self, node: yaml.Node, path: Path) -> Any:
        self.visited += 1
        if self.visited > MOST_NODES:
            raise _TooMuch(f"the document unfolds to more than {MOST_NODES} entries")
        if len(path) > MOST_DEPTH:
            raise _TooMuch(
                f"the document nests deeper than {MOST_DEPTH} levels, or contains itself"
            )
        self.text.lines.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self._value(item, (*path, i)) for i, item in enumerate(node.value)]
        if getattr(node, "style", None) is None and not node.tag.startswith("!"):
            return scalar(node.value)
        return node.value

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        result: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self._find(path, key_node, "a key must be a word", "write it without brackets")
                continue
            key = key_node.value
            line = key_node.start_mark.line + 1
            if key == "<<" and key_node.style is None:
                merged.update(self._merge(value_node, path))
                continue
            here = (*path, key)
            if key in result:
                first = self.text.lines[here]
                self.text.lines[here] = line
                self.text.findings.append(
                    Finding(here, f"written twice, first in line {first}", "keep one")
                )
            self.text.lines[here] = line
            result[key] = self._value(value_node, here)
        return {**merged, **result}

    def _merge(self, node: yaml.Node, path: Path) -> dict[str, Any]:
        value = self._value(node, path)
        parts = value if isinstance(value, list) else [value]
        if not all(isinstance(part, dict) for part in parts):
            self._find(path, node, "'<<' merges mappings only", "")
            return {}
        result: dict[str, Any] = {}
        for part in reversed(parts):
            result.update(part)
        return result

    def _find(self, path: Path, node: yaml.Node, message: str, suggestion: str) -> None:
        self.text.lines.setdefault((*path, shown(node.value)), node.start_mark.line + 1)
        self.text.findings.append(Finding(path, message, suggestion))


def plain(value: Any, path: Path = ()) -> Any:
    """A deep copy of a mapping from Python as a document would hold it.

    **Raises:** `TypeError` with the path when something in it has no place in a document.
    """
    if len(path) > MOST_DEPTH:
        raise TypeError(f"the document nests deeper than {MOST_DEPTH} levels, or contains itself")
    if isinstance(value, dict):
        return {str(key): plain(item, (*path, str(key))) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item, (*path, i)) for i, item in enumerate(value)]
    if hasattr(value, "item") and getattr(value, "ndim", None) == 0:
        return value.item()
    if value is None or isinstance(value, str | int | float | bool):
        return value
    raise TypeError(f"{dotted(path)}: a {type(value).__name__} has no place in a document")
