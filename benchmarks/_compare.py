"""Rows side by side: fdmc's ratio to each, the targets, the checks, the Markdown."""

import dataclasses
import math

from . import _jobs as jobs
from ._measure import Measurement
from ._results import table


Z = 4.9  # one false alarm in a million
FDMC = "fdmc"
EVERY, ORDER = "every lifetime", "order statistics first"
TITLES = {
    "a": "8 blocks in series, each 3-of-4 Weibull(1.5, 10 y), "
    f"P(failed by 1 y) = {jobs.exact_a():.9e}",
    "b": "5-of-6, MTBF 1000 h, repair 24 h, 1 technician, "
    f"availability over 5 y = {jobs.exact_b():.10f}",
    "c": "512 accelerators in 64 trays, 4 technicians, repair takes the tray out, "
    f"mean capacity over 5 y = {jobs.exact_c():.9f}",
    "d": "512 x 40 lanes, 4 spares each, no repair, P(some accelerator short by 5 y) = "
    + ", ".join(f"{jobs.exact_d(fit):.6e} at {fit} FIT" for fit in jobs.LANE_FITS),
}


@dataclasses.dataclass(frozen=True)
class Missing:
    """A job that a tool gave no (further) answer to, and why."""

    job: str
    tool: str
    reason: str


Row = Measurement | Missing


def best(
    rows: list[Row], job: str, tools: tuple[str, ...], method: str = "", case: str = ""
) -> float:
    """Highest rate of these tools in a case, by methods that begin so; NaN if there is none."""
    rates = [
        row.rate
        for row in rows
        if isinstance(row, Measurement)
        and (row.job, row.case) == (job, case)
        and row.tool in tools
        and row.method.startswith(method)
    ]
    return max(rates, default=math.nan)


def ratio(rows: list[Row], row: Measurement) -> float:
    """fdmc's rate over this row's: by the same method where fdmc has it, else its best."""
    if row.tool == FDMC:
        return math.nan
    same = [
        mine.rate
        for mine in rows
        if isinstance(mine, Measurement)
        and (mine.tool, mine.job, mine.case) == (FDMC, row.job, row.case)
        and mine.method
        and row.method.startswith(mine.method)
    ]
    return max(same, default=best(rows, row.job, (FDMC,), case=row.case)) / row.rate


def targets(rows: list[Row]) -> list[str]:
    """What fdmc set out to reach, and what it reached in this run."""
    arrays = ("NumPy", "Numba")
    goals = [
        ("a", EVERY, "", arrays, EVERY, 8.0),
        ("a", ORDER, "", arrays, EVERY, 15.0),
        ("a", ORDER, "", arrays, ORDER, 1.0),
        ("b", "", "", ("Numba",), "a clock a unit", 2.0),
        ("b", "", "", ("Numba",), "", 2.0),
        ("b", "", "", ("SimPy",), "", 500.0),
        ("c", "", "", ("RePyability",), "576 components", 1000.0),
        ("c", "", "", ("RePyability",), "64 trays", 1000.0),
        ("c", "", "", ("Numba",), "", 1.0),
        *(("d", "", f"{fit} FIT", arrays, EVERY, 100.0) for fit in jobs.LANE_FITS),
    ]
    lines = []
    for job, mine, case, tools, theirs, wanted in goals:
        reached = best(rows, job, (FDMC,), mine, case) / best(rows, job, tools, theirs, case)
        if math.isnan(reached):
            continue
        ours = " ".join(filter(None, (f"({job})", mine, case)))
        other = " and ".join(tools) + (f" ({theirs})" if theirs else "")
        lines.append(f"{ours}: {reached:.3g} x the best of {other}; wanted {wanted:g} x")
    rate = best(rows, "c", (FDMC,))
    return [*lines, f"(c): {rate:.3g} occurrences/s; wanted 1e7"] if rate == rate else lines


def problems(rows: list[Row]) -> list[str]:
    """Answers that disagree with the exact one, or with each other on job (c)."""
    measured = [row for row in rows if isinstance(row, Measurement)]
    found = [
        f"({row.job}) {row.tool} {row.case} {row.method}: z = {row.z:+.1f}"
        for row in measured
        if row.z is not None and abs(row.z) > Z
    ]
    domains = [row for row in measured if row.job == "c" and row.exact is not None]
    for i, one in enumerate(domains):
        for other in domains[:i]:
            error = math.hypot(one.standard_error, other.standard_error)
            if abs(one.answer - other.answer) > Z * error:
                found.append(f"(c) {one.tool} {one.method} and {other.tool} {other.method} differ")
    return found


def _number(value: float, digits: int = 3) -> str:
    return "-" if math.isnan(value) else f"{value:.{digits}g}"


def _score(row: Measurement) -> str:
    if row.exact is None:
        return "-"
    if row.z is not None:
        return f"{row.z + 0.0:+.1f}"
    return "exact" if math.isclose(row.answer, row.exact, rel_tol=1e-6) else "off"


def _cells(rows: list[Row], row: Row) -> list[str]:
    if isinstance(row, Missing):
        return [row.tool, row.reason[:60], *[""] * 8]
    return [
        row.tool,
        ", ".join(filter(None, (row.case, row.method))),
        f"{row.answer:.7g} ± {row.standard_error:.1e}",
        _score(row),
        _number(row.rate),
        _number(row.draw_rate),
        f"{row.seconds_cold:.2f}",
        f"{row.seconds_warm:.3f}",
        _number(row.peak_mib, 4),
        _number(ratio(rows, row)),
    ]


def markdown(rows: list[Row]) -> str:
    """One table a job, then notes, targets and problems."""
    parts = []
    for job, title in TITLES.items():
        mine = [row for row in rows if row.job == job]
        if not mine:
            continue
        unit = next((row.unit for row in mine if isinstance(row, Measurement)), "units")
        head = ["tool", "method", "answer", "z", f"{unit}/s", "draws/s", "cold s", "warm s"]
        head += ["peak MiB", "fdmc / it"]
        parts.append(f"**({job})** {title}\n\n" + table(head, [_cells(rows, row) for row in mine]))
        parts.append(
            "\n".join(_note(row) for row in mine if isinstance(row, Measurement) and row.note)
        )
    parts += ["\n".join(f"- {line}" for line in targets(rows))]
    wrong = problems(rows)
    verdict = f"All answers agree with the exact ones and with each other (|z| <= {Z})."
    parts.append("\n".join(f"- DISAGREES: {line}" for line in wrong) if wrong else verdict)
    return "\n\n".join(filter(None, parts))


def _note(row: Measurement) -> str:
    return f"- {' '.join(filter(None, (row.tool, row.case, row.method)))}: {row.note}"
