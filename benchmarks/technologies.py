"""The optical technologies on one job: goodput, blast radius, spares, power; and what the ranking leans on.

    python -m benchmarks.technologies [--replicas N] [--seed S] [--tables 512,256,64,rows] [--json] [--write-results]

Every machine is a packaged scenario with the same accelerators, racks, planes and bandwidth; only the optics, how they
are replaced and what they draw differ. All share their histories: the accelerators of history k fail alike
everywhere. Differences are to retimed pluggables, in percentage points of ideal work, positive where less is lost, for
two policies: the job goes on with the lanes that are left (degrade), or stops for every lost lane and goes on without
that accelerator (park). Brackets are 95 % intervals; powers are exact sums.
A quick look: --replicas 256 --tables 512,rows.

rows: under either policy every library row of grade B or C of the optics at both ends of its range, the C rows of a
technology all at once, those that all technologies share, and rows of whole engines in the place of the sum of their
parts. It needs a quarter of the histories. `--write-results` also puts the tables into docs/technologies.md; with rows,
docs/figures/technologies.png is drawn anew. Most of the time goes into compiling: variations of one machine share a
program where they need the same room.
"""

import argparse
import contextlib
import dataclasses
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import jax

import fdmc
from fdmc import Estimate

from . import _technologies as machines
from ._measure import machine
from ._results import table, write_section
from ._technologies import BASE, ENGINE, NAMES, OPTICS, POLICIES, RowEffect, Variations
from ._technologies_figure import draw


Z = 1.96
DOCS = Path(__file__).resolve().parent.parent / "docs"
FIGURE = DOCS / "figures" / "technologies.png"
TABLES = ("512", "256", "64", "rows")
SPARES = {"packages": ("package",), "switch trays": ("switch_tray",)}
_NOT_OPTICS = ("package", "switch_tray", "tray", "gsp", "corruption", "nic", "psu", "pump", "flow")
BEGIN = "<!-- made by python -m benchmarks.technologies --write-results; a test keeps it as in RESULTS.md -->"
END = "<!-- end of what is made -->"
WORDS = {"degrade": "goes on", "park": "stops"}
Row = dict[str, str]
Metrics = dict[str, Estimate]


@dataclasses.dataclass(frozen=True)
class Asked:
    """How much is drawn."""

    replicas: int
    seed: int


@contextlib.contextmanager
def programs() -> Iterator[None]:
    """Compile a program once for all that share it: variations of one machine differ in numbers only."""
    settings = {
        "jax_compilation_cache_dir": None,
        "jax_persistent_cache_min_compile_time_secs": 0.0,
        "jax_persistent_cache_min_entry_size_bytes": -1,
    }
    before = {name: getattr(jax.config, name) for name in settings}
    with tempfile.TemporaryDirectory() as folder:
        try:
            for name, value in settings.items():
                jax.config.update(name, folder if value is None else value)
            yield
        finally:
            for name, value in before.items():
                jax.config.update(name, value)


def compared(names: dict[str, str], make, asked: Asked) -> list[Row]:
    """Rows of one table: `make(technology, policy)` gives the machines of the technologies in `names`."""
    pairs = {
        policy: machines.paired([make(name, policy) for name in names], asked.replicas, asked.seed)
        for policy in POLICIES
    }
    gains = {policy: pair.gain for policy, pair in pairs.items()}
    rows = []
    for i, name in enumerate(names):
        differences = {
            f"{WORDS[policy]}: better by, points": "-" if i == 0 else points(gain[i])
            for policy, gain in gains.items()
        }
        result = pairs["degrade"].metrics(i)
        rows.append(_row(names[name], make(name), result, differences))
    return rows


def _row(name: str, found: fdmc.Scenario, result: Metrics, differences: Row) -> Row:
    spares = {f"{key} a year": many(result, frus) for key, frus in SPARES.items()}
    smaller = tuple(
        metric.removeprefix("spares_per_year.")
        for metric in result
        if metric.startswith("spares_per_year.") and not metric.endswith(_NOT_OPTICS)
    )
    return {
        "technology": name,
        "lost goodput, %": bracketed(result["goodput"].complement(), 100),
        **differences,
        "blast radius": bracketed(result["blast_radius.mean"]),
        **spares,
        "smaller optical FRUs a year": many(result, smaller),
        "optics, kW": power(result, "power.optics", 1e-3),
        "pJ/bit, peak": power(result, "joules_per_bit.peak"),
        "pJ/bit, by traffic": power(result, "joules_per_bit.traffic"),
        "its optics lose most by": deciding(found, result),
    }


def many(result: Metrics, frus: Sequence[str]) -> str:
    """Spares of some FRUs a year; their intervals are taken as independent."""
    some = [result[f"spares_per_year.{fru}"] for fru in frus if f"spares_per_year.{fru}" in result]
    some = [e for e in some if e.best > 0]
    if not some:
        return "none seen" if frus else "-"
    half = sum((e.width / 2) ** 2 for e in some) ** 0.5
    best = sum(e.best for e in some)
    return bracketed(
        Estimate(max(best - half, 0), best, best + half, some[0].unit, some[0].replicas)
    )


def power(result: Metrics, name: str, scale: float = 1.0) -> str:
    """A power or an energy, exact or nearly so; a dash where the scenario does not say."""
    return f"{scale * result[name].best:.3g}" if name in result else "-"


def deciding(found: fdmc.Scenario, result: Metrics) -> str:
    """The optical component that takes most from goodput, its row and grade."""
    optics = {k.component: k for k in machines.knobs_of(found) if k.optics}
    best = max(optics, key=lambda name: result[f"lost_goodput.component.{name}"].best, default=None)
    return "-" if best is None else f"{best} ({optics[best].row}, {optics[best].grade})"


def bracketed(e: Estimate, scale: float = 1.0) -> str:
    """The best value and the interval, with the digits that the interval leaves."""
    low, best, high = (scale * x for x in (e.low, e.best, e.high))
    if not high > low:
        return f"{best:.4g}"
    digits = max(0, min(6, 1 - int(f"{high - low:e}".partition("e")[2])))
    return f"{best:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"


def points(e: Estimate) -> str:
    """A difference in percentage points, with its sign."""
    half = 50 * e.width
    digits = max(0, min(8, 1 - int(f"{max(half, 1e-9):e}".partition("e")[2])))
    return f"{100 * e.best:+.{digits}f} ± {half:.{digits}f}"


def ranking(found: dict[str, Variations]) -> list[Row]:
    """Rank and lost goodput of each technology, and where its own C rows take them."""
    rows = []
    for name, title in NAMES.items():
        row: Row = {"technology": title}
        for policy, moved in found.items():
            mine = moved[name]
            span = [mine[OPTICS, end].lost.best for end in ("low", "high")]
            best, worst = machines.ranks(moved, name, OPTICS)
            base = machines.ranks(moved, name, "")[0]
            word = WORDS[policy]
            row[f"{word}: lost goodput, %"] = f"{100 * mine[BASE].lost.best:.3f}"
            row[f"{word}: C rows low to high"] = f"{100 * min(span):.3f} to {100 * max(span):.3f}"
            row[f"{word}: rank"] = f"{base} ({best} to {worst})"
        for policy, word in WORDS.items():
            row[f"{word}: row of the whole engine"] = _whole_engine(found[policy][name])
        rows.append(row)
    return rows


def _whole_engine(mine: dict[machines.Arm, machines.Moved]) -> str:
    """What is lost with the row of the whole engine in the place of its parts, and at both ends of that row."""
    whole = [mine.get((ENGINE, end)) for end in ("low", "best", "high")]
    if whole[0] is None:
        return "-"
    low, best, high = (100 * m.lost.best for m in whole if m is not None)
    return f"{best:.3f} ({low:.3f} to {high:.3f})"


def effects(moved: Variations) -> tuple[list[Row], list[str]]:
    """The rows that move something, and the names of those that do not."""
    rows, still = [], []
    found: list[RowEffect] = sorted(
        machines.row_effects(moved), key=lambda e: -max(abs(e.low), abs(e.high))
    )
    for e in found:
        if max(abs(e.low), abs(e.high)) < 5e-6 and not e.flips:
            still.append(e.name)
            continue
        rate = "-" if e.rates is None else " / ".join(f"{x:g}" for x in e.rates)
        rows.append(
            {
                "row": e.name,
                "grade": e.grade,
                "FIT low / typical / high": rate,
                "moves most": NAMES[e.most],
                "low, points": f"{100 * e.low:+.4f}",
                "high, points": f"{100 * e.high:+.4f}",
                "changes places": "; ".join(e.flips) or "nobody",
            }
        )
    return rows, still


ROW_TITLES = {
    "degrade": "What one row moves, the job going on",
    "park": "What one row moves, the job stopping for every lost lane",
}
TITLES = {
    "512": "512 accelerators, 12.8 Tb/s each",
    "256": "256 accelerators, half the racks",
    "64": "64 accelerators, one rack: what copper reaches",
}


def study(asked: Asked, tables: Sequence[str]) -> Iterator[tuple[str, str, list[Row]]]:
    """Yield a title, a note and rows for each table."""
    for size in ("512", "256"):
        if size in tables:
            make = lambda name, policy="degrade", size=int(size): machines.scenario(
                name, size, policy
            )
            yield TITLES[size], "", compared(NAMES, make, asked)
    if "64" in tables:
        names = {name: NAMES[name] for name in machines.COPPER_REACH} | {"copper": "copper"}
        yield TITLES["64"], "", compared(names, machines.in_reach, asked)
    if "rows" in tables:
        fewer = max(asked.replicas // 4, 64)
        found = {policy: machines.vary(policy, fewer, asked.seed) for policy in POLICIES}
        note = (
            f"{fewer:,} histories. Rank 1 loses least; in brackets: while the C rows of its optics go from all low to "
            "all high and the others stay."
        )
        yield "Where the C rows take each technology", note, ranking(found)
        for policy, moved in found.items():
            rows, still = effects(moved)
            note = (
                "Each row in all technologies that use it; changes of lost goodput of the one that it moves most. "
                "Places change where both orders are beyond the intervals."
            )
            if still:
                note += f" Below 0.0005 points everywhere: {', '.join(still)}."
            yield ROW_TITLES[policy], note, rows
        draw(found, FIGURE)


def main(argv: list[str] | None = None) -> int:
    """Compute the tables, print them; the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--replicas", type=int, default=1024, help="histories a machine")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tables", default=",".join(TABLES), help="which, such as 512,rows")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--write-results", action="store_true", help="replace RESULTS.md's section")
    options = parser.parse_args(argv)
    tables = options.tables.split(",")
    for name in tables:
        if name not in TABLES:
            parser.error(f"--tables: '{name}' is none of {', '.join(TABLES)}")
    if options.write_results and set(tables) != set(TABLES):
        parser.error("--write-results needs all tables")
    parts, start = [], time.perf_counter()
    with programs():
        for title, note, rows in study(Asked(options.replicas, options.seed), tables):
            body = [list(row.values()) for row in rows]
            said = f"{note}\n\n" if note else ""
            parts.append(f"**{title}**\n\n{said}{table(list(rows[0]), body)}")
            for row in rows if options.json else ():
                print(json.dumps({"table": title, **row}), flush=True)
            if not options.json:
                print(f"\n{parts[-1]}", flush=True)
    if options.write_results:
        seconds = time.perf_counter() - start
        write_section("technologies", machine()["key"], _section(options, parts, seconds))
        into_docs(parts)
    return 0


def into_docs(parts: Sequence[str]) -> None:
    """Put the tables of 512 accelerators between the marks of docs/technologies.md, beside what they mean."""
    file = DOCS / "technologies.md"
    others = tuple(f"**{TITLES[size]}**" for size in ("256", "64"))
    made = "\n\n".join(part for part in parts if not part.startswith(others))
    before, _, rest = file.read_text().partition(BEGIN)
    file.write_text(f"{before}{BEGIN}\n{made}\n{END}{rest.partition(END)[2]}")


def _section(options, parts: list[str], seconds: float) -> str:
    where = machine()
    return (
        f"## Optical technologies: {where['key']}\n\n"
        f"`python -m benchmarks.technologies --replicas {options.replicas} --seed {options.seed} --write-results`: "
        f"{options.replicas:,} histories of 5 years; {where['date']}, {where['versions']}; {seconds:.0f} s.\n"
        "`docs/technologies.md` says how to read it; most rates of optics are estimates (grade C).\n\n"
        + "\n\n".join(parts)
    )


if __name__ == "__main__":
    sys.exit(main())
