"""XML as nodes that know their line, with every protection of defusedxml on."""

import dataclasses
import re
from collections.abc import Callable
from typing import Any
from xml.etree.ElementTree import ParseError

from defusedxml import DTDForbidden, EntitiesForbidden, ExternalReferenceForbidden
from defusedxml.ElementTree import DefusedXMLParser

from ._error import Place, quoted


MOST_ELEMENTS = 1_000_000
MOST_DEPTH = 200  # nested formulas are compared and printed by recursion
MOST_TEXT = 1_000_000
_CHUNK = 1 << 16
CONTAINERS = (
    "opsa-mef",
    "define-fault-tree",
    "define-component",
    "model-data",
    "define-event-tree",
)


@dataclasses.dataclass(eq=False, slots=True)
class Node:
    """An element of the document."""

    tag: str
    attributes: dict[str, str]
    line: int
    file: str
    parent: "Node | None"
    children: list["Node"] = dataclasses.field(default_factory=list)
    text: str = ""
    whole: bool = True  # False: children that were not understood were taken out

    @property
    def name(self) -> str:
        """The attribute `name`, or ""."""
        return self.attributes.get("name", "")

    @property
    def place(self) -> Place:
        """The path from the nearest definition, as `define-gate "G1"/and`, and the line."""
        parts = []
        node: Node | None = self
        while node is not None and len(parts) < MOST_DEPTH:
            parts.append(f"{node.tag} {quoted(node.name)}" if node.name else node.tag)
            nested = node.parent is not None and node.parent.tag not in CONTAINERS
            node = node.parent if nested else None
        if len(parts) > 6:
            parts[3:-2] = ["..."]
        return Place("/".join(reversed(parts)), self.line, self.file)


def fold(
    root: Node, join: Callable[[Node, list], Any], parts: Callable[[Node], list[Node]] | None = None
) -> Any:
    """What `join(node, values of its parts)` makes of a node, without recursion: documents nest deeply."""
    work: list[tuple[Node, int]] = [(root, -1)]
    done: list[Any] = []
    while work:
        node, count = work.pop()
        if count < 0:
            inner = parts(node) if parts else node.children
            if inner:
                work.append((node, len(inner)))
                work += [(child, -1) for child in reversed(inner)]
            else:
                done.append(join(node, []))
        else:
            values = done[len(done) - count :]
            del done[len(done) - count :]
            done.append(join(node, values))
    return done[0]


class XmlError(Exception):
    """A text that is no XML, or that is not let in."""

    def __init__(self, place: Place, message: str, suggestion: str = ""):
        self.place, self.message, self.suggestion = place, message, suggestion
        Exception.__init__(self, message)


class _Target:
    """Builds the nodes; called by the parser."""

    def __init__(self, file: str):
        self.file = file
        self.parser: DefusedXMLParser | None = None
        self.root: Node | None = None
        self.open: list[Node] = []
        self.count = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        line = self.parser.parser.CurrentLineNumber if self.parser else 0
        parent = self.open[-1] if self.open else None
        node = Node(tag, attributes, line, self.file, parent)
        self.count += 1
        if self.count > MOST_ELEMENTS:
            raise XmlError(node.place, f"the file has more than {MOST_ELEMENTS} elements")
        if len(self.open) >= MOST_DEPTH:
            hint = "give the inner formulas gates of their own"
            raise XmlError(node.place, f"elements nest deeper than {MOST_DEPTH} levels", hint)
        if parent is None:
            self.root = node
        else:
            parent.children.append(node)
        self.open.append(node)

    def end(self, tag: str) -> None:
        self.open.pop()

    def data(self, data: str) -> None:
        if self.open:
            node = self.open[-1]
            node.text += data
            if len(node.text) > MOST_TEXT:
                raise XmlError(node.place, f"it has more than {MOST_TEXT} characters of text")

    def close(self) -> Node | None:
        return self.root


def parse_xml(content: bytes, file: str = "") -> Node:
    """The root of a document.

    **Raises:** `XmlError` for a text that is no XML, declares a document type or an entity, or is beyond the limits.
    """
    target = _Target(file)
    parser = DefusedXMLParser(
        target=target, forbid_dtd=True, forbid_entities=True, forbid_external=True
    )
    target.parser = parser
    try:
        for start in range(0, len(content), _CHUNK):
            parser.feed(content[start : start + _CHUNK])
        parser.close()
    except ParseError as error:
        line = error.position[0] if getattr(error, "position", None) else None
        raise XmlError(Place("", line, file), _explain(error, target), _hint(error)) from None
    except (DTDForbidden, EntitiesForbidden, ExternalReferenceForbidden):
        line = parser.parser.CurrentLineNumber
        message = "a document type or entity declaration is not accepted"
        raise XmlError(Place("", line, file), message, "delete <!DOCTYPE ...>") from None
    except (ValueError, LookupError) as error:  # encodings that Python has, and expat has not
        raise XmlError(Place("", None, file), f"it is not XML that can be read ({error})") from None
    if target.root is None:
        raise XmlError(Place("", None, file), "it has no element")
    return target.root


def _explain(error: ParseError, target: _Target) -> str:
    text = re.sub(r": line \d+, column \d+$", "", str(error))
    if target.open and text.startswith(("no element found", "unclosed")):
        node = target.open[-1]
        return f"the file ends inside <{node.tag}>, which was opened in line {node.line}"
    if target.root is None and text.startswith("no element found"):
        return "it has no element"
    return f"it is not XML ({text})"


def _hint(error: ParseError) -> str:
    text = str(error)
    if "invalid token" in text or "encoding" in text:
        return "save it as UTF-8 and write & as &amp; and < as &lt;"
    if "no element found" in text:
        return "is the file complete?"
    return ""
