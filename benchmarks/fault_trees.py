"""Fault trees with known answers: exact ones to nine digits, sampled ones by their interval.

    python -m benchmarks.fault_trees --cases DIRECTORY [--family WORD] [--json]

The directory holds `reference_values.csv` (columns model, file, family, quantity, time, value, how_obtained, note),
the models that it names, and perhaps `reference_importance.csv` (model, event, MIF_Birnbaum(=dP/dp), CIF,
DIF=P(e|top), RAW, RRW). One line a quantity: expected, got, error, tolerance, verdict, method and seconds.
Exit status 1 when one fails. `python -m benchmarks.fault_tree_speed` compares speeds with other tools.
"""

import csv
import dataclasses
import functools
import math
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from scipy import stats

import fdmc
from fdmc.collect import FaultTreeAnswer
from fdmc.spec.fault_tree import FaultTree, read
from fdmc.tally import CONFIDENCE, Estimate

from ._cases import Check, Pending, parser, report


STATIC_TOLERANCE = 1e-9
DYNAMIC_TOLERANCE = 1e-6  # Storm's own precision of transient probabilities
Z99 = float(stats.norm.ppf(0.995))
Z95 = float(stats.norm.ppf((1 + CONFIDENCE) / 2))
SAMPLED_STOP = (fdmc.RelativeError(0.01), fdmc.WallTime(20.0))
EXACT_SECONDS = 30.0


DISPUTED = {
    ("ftpp_standard", "dft_examples"): "the value rests on a symmetry reduction that shared dependencies break; "
    "without it Storm gives 0.0192185764249 and 4.595033384480143",
    **dict.fromkeys(
        [("prdc2021_" + n, "prdc2021") for n in (
            "11_inst_and", "12_test", "17_01", "17_02", "17_03", "17_04", "17_08", "17_10", "17_12", "17_13",
        )],
        "its events on demand have a rate in the file, and a probability in the published model",
    ),
    ("prdc2021_17_09", "prdc2021"): "the unavailability wants a repairable POR that recovers with its other arguments; "
    "the unreliability differs in the last digit printed (1.04e-6), and the tools disagree there",
}  # fmt: skip
"""Values that do not follow from the file that they stand for: shown, and not counted as failing."""


@dataclasses.dataclass(frozen=True)
class Case:
    """One row of the table: the question and its known answer."""

    id: str
    files: tuple[str, ...]
    quantity: str
    time: float
    value: str
    family: str
    how: str
    note: str


def cases(folder: Path) -> Iterator[Case]:
    """The rows of the table of values."""
    with (folder / "reference_values.csv").open(newline="") as lines:
        for row in csv.DictReader(lines):
            parts = row["file"].split("+")
            # A second file of a model is named from the folder of models.
            files = [folder / part for part in parts]
            files = [
                f if f.exists() else folder / "models" / p
                for f, p in zip(files, parts, strict=True)
            ]
            yield Case(
                f"{row['model']}: {row['quantity']}" + (f" at {row['time']}" if row["time"] else ""),
                tuple(str(f) for f in files), row["quantity"], _hours(row), row["value"],
                row["family"], row["how_obtained"], row["note"],
            )  # fmt: skip


def _hours(row: dict[str, str]) -> float:
    text = row["time"] if row["time"] != "see note" else row["note"]
    match = re.search(r"[-+0-9.e]*\d|inf", text) if text else None
    return float(match[0]) if match else 8760.0


@functools.lru_cache(maxsize=4)
def _read(files: tuple[str, ...]) -> FaultTree:
    return read(*files)


@functools.lru_cache(maxsize=8)
def _answer(
    files: tuple[str, ...], top: str | None, hours: float, ccf: bool, **more
) -> FaultTreeAnswer:
    return fdmc.fault_tree(
        _read(files), top=top, time_hours=hours, common_causes=ccf, stop=SAMPLED_STOP,
        exact_seconds=EXACT_SECONDS, **more,
    )  # fmt: skip


def check(case: Case) -> Check | Pending:
    """Ask the question of one row."""
    began = time.perf_counter()
    try:
        found = _ask(case)
    except ValueError as error:
        return Pending(case.id, str(error).splitlines()[0])
    got, method = found
    verdict = _judged(case, got, f"{method}, {time.perf_counter() - began:.2f} s")
    reason = next(
        (r for (m, f), r in DISPUTED.items() if case.id.startswith(m + ":") and f in case.files[0]),
        "",
    )
    if reason and not verdict.ok:
        return Pending(case.id, f"expected {case.value}, got {got.best:.10g}; {reason}", "disputed")
    return verdict


def _judged(case: Case, got: Estimate, note: str) -> Check:
    expected = float(case.value)
    if case.quantity == "number of minimal cut sets":
        return Check(case.id, expected, got.best, _digits(case.value), note=note)
    if got.status == "exact":
        return Check(case.id, expected, got.best, _tolerance(case), note=note)
    # A sampled answer: the 99 % interval must hold the expected value, whose own error adds.
    sigma = re.search(r"1 sigma ([-0-9.e]+)", case.how)
    half = math.hypot((got.high - got.low) / 2 / Z95 * Z99, Z99 * float(sigma[1]) if sigma else 0.0)
    return Check(case.id, expected, got.best, max(half, got.high - got.best) / expected, note=note)


def _tolerance(case: Case) -> float:
    if case.files[0].endswith(".dft"):
        return max(DYNAMIC_TOLERANCE, _digits(case.value))
    return STATIC_TOLERANCE


def _digits(value: str) -> float:
    """One unit of the last digit that is written, relative."""
    mantissa = value.lower().split("e")[0]
    digits = len(mantissa.replace(".", "").lstrip("-0"))
    return 10.0 ** -(digits - 1) if "." in mantissa and digits < 12 else 0.0


def _ask(case: Case) -> tuple[Estimate, str]:
    q, ccf = case.quantity, case.quantity.endswith("with CCF expanded")
    ask = functools.partial(_answer, case.files)
    if q.startswith("sequence prob"):
        _, initiating, name = q.split(":", 2)
        answer = ask(None, case.time, False)
        return answer.sequences[initiating][name], answer.method
    if q == "number of minimal cut sets":
        answer = ask(None, case.time, False, cut_sets=1)
        if answer.cut_sets is None:
            raise ValueError(answer.message or "no cut sets")
        count = float(answer.cut_sets.count)
        return Estimate(count, count, count, "", 0, "exact"), answer.method
    if q.startswith("P(top)") or q.startswith("P top:"):
        top = q.removeprefix("P top:").split(" with ")[0] if q.startswith("P top:") else None
        if top is not None and top not in _read(case.files).gates:  # a sequence of an event tree
            answer = ask(None, case.time, ccf)
            named = {n: e for found in answer.sequences.values() for n, e in found.items()}
            return named[top], answer.method
        answer = ask(top, case.time, ccf)
        assert answer.probability is not None
        return answer.probability, answer.method
    return _dynamic(case, ask)


def _dynamic(case: Case, ask) -> tuple[Estimate, str]:
    forever = math.isinf(case.time)
    answer = ask(None, 8760.0 if forever else case.time, False, mttf=case.quantity == "MTTF")
    found = {
        "unreliability": answer.probability,
        "unavailability": answer.unavailability,
        "steady-state unavailability": answer.steady_unavailability,
        "MTTF": answer.mttf,
    }[case.quantity]
    if found is None:
        raise ValueError(f"no {case.quantity}: {answer.message}")
    return found, answer.method


COLUMNS = {
    "MIF_Birnbaum(=dP/dp)": "birnbaum", "CIF": "criticality", "DIF=P(e|top)": "dif", "RAW": "raw", "RRW": "rrw",
}  # fmt: skip


def importance_checks(folder: Path) -> Iterator[Check | Pending]:
    """The table of importance: every measure of every event, the worst of each model in one line."""
    path = folder / "reference_importance.csv"
    if not path.exists():
        return
    models: dict[str, list[dict[str, str]]] = {}
    with path.open(newline="") as lines:
        for row in csv.DictReader(lines):
            models.setdefault(row["model"], []).append(row)
    for model, rows in models.items():
        yield from _importance(folder, model, rows)


def _importance(folder: Path, model: str, rows) -> Iterator[Check | Pending]:
    began = time.perf_counter()
    files = [folder / model]
    others = sorted(files[0].parent.glob("*basic-events.xml"))
    tree = read(*(str(f) for f in (*files, *others)))
    answer = fdmc.fault_tree(tree, importance=True, common_causes=False)
    found = {row.event: row for row in answer.importance or ()}
    for column, name in COLUMNS.items():
        worst = None
        for row in rows:
            if row["event"] not in found or row[column] == "":
                yield Pending(f"{model}: {row['event']} {name}", "not among the events")
                continue
            one = Check(
                f"{model}: {name} of {len(rows)} events", float(row[column]),
                float(getattr(found[row["event"]], name)), 1e-9,
                note=f"worst: {row['event']}, {time.perf_counter() - began:.2f} s",
            )  # fmt: skip
            if worst is None or abs(one.relative_error) > abs(worst.relative_error):
                worst = one
        if worst is not None:
            yield worst


def main(argv: list[str] | None = None) -> int:
    """Run every case of the directory; the exit status."""
    arguments = parser("Fault trees with known answers.")
    arguments.add_argument(
        "--family", default="", help="only families with this word in their name"
    )
    options = arguments.parse_args(argv)
    if options.cases is None:
        arguments.error("nothing to check: give --cases DIRECTORY")
    if not (options.cases / "reference_values.csv").is_file():
        arguments.error(f"--cases: {options.cases} has no reference_values.csv")

    def results() -> Iterator[Check | Pending]:
        for case in cases(options.cases):
            if options.family in case.family:
                yield check(case)
        if options.family in "importance":
            yield from importance_checks(options.cases)

    return report(results(), options.json)


if __name__ == "__main__":
    sys.exit(main())
