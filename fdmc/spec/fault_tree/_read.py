"""The front door of fault-tree files."""

import gzip
import os
import pathlib
import zlib

from .._problem import did_you_mean
from ._error import FaultTreeError, Place, Report, TooManyProblemsError
from ._galileo import read_galileo
from ._model import FaultTree
from ._open_psa import read_open_psa
from ._xml import Node, XmlError, parse_xml


MOST_BYTES = 64 << 20
FORMATS = {".xml": "Open-PSA", ".dft": "Galileo", ".xml.gz": "Open-PSA", ".dft.gz": "Galileo"}
"""The formats by the end of the file's name."""


class UnreadableError(Exception):
    """A file that gives no text: what is wrong with it, and what to do."""

    def __init__(self, message: str, suggestion: str = ""):
        self.message, self.suggestion = message, suggestion
        Exception.__init__(self, message)


def read(*paths: str | os.PathLike[str]) -> FaultTree:
    """Read a fault tree and check all of it.

    **Arguments:** `paths`, one Galileo file (`.dft`), or the Open-PSA files (`.xml`) that make a model
    together; `.gz` after that where they are packed.

    **Raises:** `FaultTreeError` with every problem, its line, its element and its fix.

    ```python
    from fdmc.spec import fault_tree

    tree = fault_tree.read("cooling.xml", "cooling-basic-events.xml")
    ```
    """
    files = [pathlib.Path(path) for path in paths]
    origin = ", ".join(file.name or str(file) for file in files) or "fault tree"
    report = Report()
    tree = None
    try:
        tree = _read(files, report)
    except TooManyProblemsError:
        pass
    if report.problems or tree is None:
        raise FaultTreeError(origin, report.problems)
    return tree


def _read(files: list[pathlib.Path], report: Report) -> FaultTree | None:
    formats = {format_of(file) for file in files}
    contents: list[tuple[str, bytes]] = []
    for file in files:
        name = file.name if len(files) > 1 else ""
        try:
            contents.append((name, _content(file)))
        except UnreadableError as error:
            report.add(Place("", None, name), error.message, error.suggestion)
    if not files:
        report.add(Place(), "no file is given")
    elif formats == {"Galileo"} and len(files) > 1:
        report.add(Place(), "a Galileo model is one file", "put the files together")
    elif len(formats) > 1:
        report.add(Place(), "files of two formats do not make a model", "read one after the other")
    if report.problems:
        return None
    title = files[0].name.split(".")[0] or files[0].name
    if formats == {"Galileo"}:
        return read_galileo(contents[0][1], title, report)
    roots: list[Node] = []
    for name, content in contents:
        try:
            roots.append(parse_xml(content, name))
        except XmlError as error:
            report.add(error.place, error.message, error.suggestion)
    return None if report.problems else read_open_psa(roots, title, report)


def format_of(file: pathlib.Path) -> str:
    """The format that the name of a file tells, or ""."""
    suffixes = "".join(file.suffixes[-2:]) if file.suffix.lower() == ".gz" else file.suffix
    return FORMATS.get(suffixes.lower(), "")


def _content(file: pathlib.Path) -> bytes:
    """The bytes of a file, unpacked.

    **Raises:** `UnreadableError`.
    """
    if not format_of(file):
        raise UnreadableError("its name does not tell the format", "use .xml or .dft")
    try:
        if file.exists() and not file.is_file():
            raise UnreadableError("it is not a file")
        with file.open("rb") as stream:
            content = stream.read(MOST_BYTES + 1)
        if len(content) <= MOST_BYTES and file.suffix.lower() == ".gz":
            with gzip.open(file) as packed:
                content = packed.read(MOST_BYTES + 1)
    except FileNotFoundError:
        raise UnreadableError("no such file", _beside(file)) from None
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise UnreadableError(f"it cannot be unpacked ({error})", "is it complete?") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UnreadableError(f"it cannot be read ({reason})") from None
    if len(content) > MOST_BYTES:
        limit = f"{MOST_BYTES >> 20} MiB"
        raise UnreadableError(f"it is larger than {limit}", "a fault tree is a few megabytes")
    if not content.strip():
        raise UnreadableError("it is empty")
    return content


def _beside(file: pathlib.Path) -> str:
    """A model in the same folder, for a suggestion."""
    try:
        names = [other.name for other in sorted(file.parent.iterdir())[:200] if format_of(other)]
        return did_you_mean(file.name, names)
    except (OSError, ValueError):
        return ""
