"""What goes to standard output and to standard error."""

import json
import sys
from collections.abc import Iterable
from pathlib import Path

from rich.console import Console, Group
from rich.text import Text

from ..report import plain
from ._errors import UsageError


_NARROWEST = 120  # columns when the output is no terminal


def console(error: bool = False, least: int = 0) -> Console:
    """Return a console on the streams of this moment, at least so wide; brackets are brackets."""
    file = sys.stderr if error else sys.stdout
    width = None if file.isatty() else _NARROWEST
    width = max(Console(file=file, width=width).width, least)
    return Console(file=file, width=width, markup=False, highlight=False, emoji=False)


def show(parts: Iterable[str | Group], least: int = 0):
    """Print paragraphs and tables, an empty line between them, for a screen so wide at least."""
    screen = console(least=least)
    try:
        for number, part in enumerate(parts):
            if number:
                screen.print()
            screen.print(Text(part) if isinstance(part, str) else part)
    except SystemExit:  # what rich makes of a pipe whose reader has gone
        raise BrokenPipeError from None


def show_json(value: object):
    """Print one JSON object: finite numbers, nulls for all others."""
    print(json.dumps(plain(value), indent=2, allow_nan=False, ensure_ascii=False))


def folder_for(out: str | None) -> Path | None:
    """Return the folder of `--out`, made if it is not there; None without it.

    **Raises:** `UsageError` where nothing can be written.
    """
    if out is None:
        return None
    folder = Path(out)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--out: {out} cannot be written to ({error.strerror}).") from None
    return folder


def say(text: str):
    """Print a line for people on standard error."""
    print(text, file=sys.stderr, flush=True)
