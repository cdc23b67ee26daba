"""The result of a run as tables."""

from collections.abc import Iterator, Sequence

from rich.console import Group

from ..collect import Contributor, Result
from ..tally import Estimate
from ._caption import lost_goodput
from ._costs import run_cost_tables
from ._format import best, duration, interval, number, share, unit_of
from ._heat_tables import run_heat_tables
from ._job import fleet_tables
from ._table import table


_HEADLINES = {
    "goodput": "useful work over ideal work",
    "work_rate": "speed of the job, checkpoints and restarts apart",
    "ettr": "share of run time kept after checkpoints and restarts",
    "availability": "accelerators in use over all",
    "full_strength": "time with nothing lost anywhere",
    "idle": "time without any work",
    "lost_accelerator_hours_per_year": "lost to failures and repairs",
    "interruptions_per_year": "failures that stop the job",
    "drains_per_year": "repairs that stop the job",
    "inexact_time": "time in which collective times are lower bounds",
    "blast_radius.mean": "accelerators hit by an occurrence",
    "occurrences_per_year": "failures of components",
}


def result_tables(result: Result, top: int, wide: bool = True) -> Iterator[Group]:
    """Yield the tables of a run: of long lists `top` rows, on wide screens with remarks."""
    yield _headlines(result, wide)
    yield from fleet_tables(result)
    yield from run_heat_tables(result)
    yield from run_cost_tables(result)
    yield _components(result, top)
    yield _contributors(result, "level", "Contributors by level", "!level")
    yield _contributors(result, "fru", "Contributors by FRU", "!FRU")
    yield _blast(result)
    yield _rates(result, "occurrences_per_year.", "Occurrences", "!component", top)
    yield _rates(result, "spares_per_year.", "Spares used", "!FRU", top=len(result.metrics))
    conventions = [(k.replace("_", " "), v) for k, v in result.conventions.items()]
    yield table("Conventions", ("!what", "choice"), conventions)


def _headlines(result: Result, wide: bool) -> Group:
    rows = [_row("lost goodput", lost_goodput(result), "1 - goodput")]
    for name, e in result.metrics.items():
        if name in _HEADLINES:
            rows.append(_row(name, e, _HEADLINES[name]))
        elif name.startswith("collective_efficiency."):
            rows.append(_row(name, e, "healthy over actual time"))
    columns = ("!metric", ">best", ">95 % interval", "!unit", "what it says")
    rows = [rows[1], rows[0], *rows[2:]]
    if wide:
        return table("Headline metrics", columns, rows)
    narrow = ("metric", ">best", ">95 % interval", "unit")
    return table("Headline metrics", narrow, [row[:4] for row in rows])


def _row(name: str, e: Estimate, said: str) -> tuple:
    return name, best(e), interval(e), unit_of(e), said


def _components(result: Result, top: int) -> Group:
    found, classes = result.contributors("component"), result.directory.classes

    def row(c: Contributor):
        levels = "/".join(dict.fromkeys(i.unit for i in classes if i.component == c.name))
        lost = best(c.goodput), interval(c.goodput)
        return c.name, levels, *lost, share(c.share), best(c.lost), c.grade

    note = (
        "Share of ideal work lost to failures, repairs, and the checkpoints and restarts after "
        "interruptions.\nAccelerator-hours a year are what failures and repairs take directly.\n"
        "Grades of the rates: A counted in the field, B a primary source, C an estimate."
    )
    rest = found[top:]
    if rest:
        together = share(sum(c.share for c in rest))
        note = f"… and {len(rest)} more, together {together} (--top {len(found)}).\n{note}"
    columns = (
        "!component", "level", ">lost goodput, %", ">95 % interval", ">share", ">acc. h/y", "!grade",
    )  # fmt: skip
    return table("Contributors by component", columns, map(row, found[:top]), note)


def _contributors(result: Result, by: str, title: str, heading: str) -> Group:
    rows = [
        (c.name, best(c.goodput), interval(c.goodput), share(c.share), best(c.lost), c.grade)
        for c in result.contributors(by)
    ]
    columns = (heading, ">lost goodput, %", ">95 % interval", ">share", ">acc. h/y", "!grades")
    return table(title, columns, rows)


def _rates(result: Result, prefix: str, title: str, heading: str, top: int) -> Group:
    """Return the metrics that begin with `prefix`, the largest first."""
    found = {k.removeprefix(prefix): e for k, e in result.metrics.items() if k.startswith(prefix)}
    order = sorted(found, key=lambda name: -found[name].best)
    rest = sum(found[name].best for name in order[top:])
    note = f"… and {len(order) - top} more, together {number(rest)} a year." if order[top:] else ""
    rows = [(name, best(found[name]), interval(found[name])) for name in order[:top]]
    return table(title, (heading, ">per year", ">95 % interval"), rows, note)


def _blast(result: Result) -> Group:
    total = sum(e.best for e in result.blast_radius.values())
    rows = [
        (f"{size:,}", best(e), interval(e), share(e.best / total) if total else "–")
        for size, e in result.blast_radius.items()
    ]
    columns = (">accelerators", ">occurrences/y", ">95 % interval", ">share")
    note = (
        "Accelerators impaired or taken out by an occurrence at its worst, repair included; "
        "0: a spare absorbs it."
    )
    return table("Blast radius", columns, rows, note)


def timing(result: Result, mission_hours: float) -> str:
    """Return where the time went, in one line."""
    t = result.timing
    occurrences = result["occurrences_per_year"].best * mission_hours / 8760 * result.replicas
    seconds = max(t["run_seconds"], 1e-9)
    pieces = [
        f"lowered in {_seconds(t.get('lower_seconds', 0.0))}",
        f"compiled in {_seconds(t['compile_seconds'])}",
        f"ran {_seconds(t['run_seconds'])}",
        f"{number(t['replicas_per_second'])} histories/s",
        f"{number(occurrences / seconds)} occurrences/s",
    ]
    if t["rerun_replicas"]:
        pieces.append(f"{int(t['rerun_replicas']):,} histories run again with more room")
    origin = result.origin
    where = (
        f"fdmc {origin['fdmc']}, JAX {origin['jax']}, Python {origin['python']}, {origin['device']}"
    )
    return f"Timing: {', '.join(pieces)}.\nOrigin: {where}; fingerprint {result.fingerprint}."


def _seconds(value: float) -> str:
    return duration(value / 3600) if value >= 120 else f"{number(value)} s"


def scenarios_table(rows: Sequence[dict]) -> Group:
    """Return the packaged scenarios."""
    columns = ("!scenario", ">accelerators", ">planes", "!mission", "!grades", "!made", "title")
    return table(
        "Packaged scenarios",
        columns,
        [
            (
                row["name"], f"{row['accelerators']:,}", f"{row['planes']:,}",
                duration(row["mission_hours"]),
                ", ".join(f"{n} {grade}" for grade, n in row["grades"].items()),
                row["made"] or "", row["title"],
            )
            for row in rows
        ],
        "grades: how many components have a rate of that grade; `fdmc show NAME` says which.\n"
        "made: the unit whose manufacturing is described; `fdmc yield NAME`.",
    )  # fmt: skip


def components_table(rows: Sequence[dict]) -> Group:
    """Return the component library."""

    def fits(row):
        return [
            "–" if row[key] is None else number(row[key], 6)
            for key in ("fit_min", "fit_typ", "fit_max")
        ]

    columns = ("!id", "component", ">FIT min", ">typical", ">max", "!grade", "source")
    note = (
        "FIT: failures in 1e9 hours. Grades: A counted in the field, B a primary source, C an "
        "estimate. "
        "`fdmc show ID` has the whole row."
    )
    made = [
        (r["id"], r["component"], *fits(r), r["grade"], f"{r['source']} ({r['year']})")
        for r in rows
    ]
    return table(f"Component library, {len(rows)} rows", columns, made, note)
