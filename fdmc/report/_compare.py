"""Paired what-ifs as a table and as an object."""

from collections.abc import Iterator
from typing import Any

from rich.console import Group

from ..collect import Comparison
from ._format import best, interval, plain
from ._table import table


def compare_tables(found: Comparison) -> Iterator[Group | str]:
    """Yield the table of a comparison."""
    rows = []
    for i, name in enumerate(found.names):
        row = [name, best(found.goodput[i]), interval(found.goodput[i])]
        if i:
            row += [best(found.gain[i]), interval(found.gain[i])]
        rows.append([*row, *[""] * (5 - len(row))])
    columns = (
        "!scenario",
        ">goodput, %",
        ">95 % interval",
        ">gain, points",
        ">95 % interval",
    )
    note = (
        f"{found.replicas:,} histories of seed {found.seed}, the same ones in every machine: parts of the same name "
        f"fail alike.\nGain: goodput less that of {found.names[0]}, replica by replica."
    )
    yield table("Goodput", columns, rows, note)


def compare_object(found: Comparison) -> dict[str, Any]:
    """Return the JSON object of a comparison, one row a scenario."""
    rows = [
        {
            "scenario": name,
            "goodput": plain(found.goodput[i]),
            "gain": plain(found.gain[i]),
            "share": plain(found.share[i]),
            "correlation": plain(found.correlation[i]),
        }
        for i, name in enumerate(found.names)
    ]
    return {"seed": found.seed, "replicas": found.replicas, "scenarios": rows, "status": "ok"}
