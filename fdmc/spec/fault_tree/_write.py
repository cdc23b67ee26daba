"""The back door: fault trees into files."""

import gzip
import os
import pathlib

from ._error import FaultTreeError, Place, Report
from ._galileo_write import to_galileo
from ._model import FaultTree
from ._open_psa_write import to_open_psa
from ._read import FORMATS, MOST_BYTES, format_of


def write(tree: FaultTree, path: str | os.PathLike[str]) -> None:
    """Write a fault tree so that `read` gives the same tree back.

    **Arguments:** `path`, a name that ends with `.xml` (Open-PSA) or `.dft` (Galileo), or with `.gz` after that.

    **Raises:** `FaultTreeError` with every reason why the format cannot hold the tree; nothing is
    written then. OSError when the file cannot be written.
    """
    file = pathlib.Path(path)
    kind = format_of(file)
    if not kind:
        report = Report()
        report.add(Place(), "its name does not tell the format", f"use {', '.join(FORMATS)}")
        raise FaultTreeError(file.name, report.problems)
    text = to_galileo(tree) if kind == "Galileo" else to_open_psa(tree)
    content = text.encode("utf-8")
    if len(content) > MOST_BYTES:
        report = Report()
        report.add(Place(), f"the file would be larger than {MOST_BYTES >> 20} MiB")
        raise FaultTreeError(file.name, report.problems)
    packed = file.suffix.lower() == ".gz"
    file.write_bytes(gzip.compress(content, mtime=0) if packed else content)
