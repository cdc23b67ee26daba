"""One look for every table."""

from collections.abc import Iterable, Sequence

from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text


def table(
    title: str, columns: Sequence[str], rows: Iterable[Sequence[object]], note: str = ""
) -> Group:
    """Return a titled table.

    A column whose heading starts with `>` is flush right, one with `!` is never folded. Cells are
    taken literally: a bracket is a bracket, not a style.
    """
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for heading in columns:
        right, whole = heading.startswith(">"), heading.startswith((">", "!"))
        made.add_column(
            Text(heading.lstrip(">!")),
            justify="right" if right else "left",
            no_wrap=whole,
            overflow="fold",
        )
    for row in rows:
        made.add_row(*(Text(str(cell)) for cell in row))
    notes = [Text(note, style="dim")] if note else []
    return Group(Text(title, style="bold"), made, *notes)
