"""Ageing, wear, heat and yield against published and derived values.

    python -m benchmarks.physics --cases CASES.csv [--json]

The CSV has columns `case_id`, `inputs` (a JSON object), `expected` (a JSON list, compared element
by element) and `rel_tol`. One line a case, with its worst element; exit status 1 when a case
fails or there is none.
"""

import csv
import importlib.util
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from . import _physics_stress
from ._cases import Check, Pending, parser, report


ROOMS = {
    "T": "heat is not written",
    "Y": "yields are not written",
    "R": "spares against yield are not written",
}
"""Why a case of that letter has no formula yet."""


def _formulas() -> dict[str, Callable[..., _physics_stress.Answer]]:
    found = dict(_physics_stress.FORMULAS)
    for module in ("_physics_thermal", "_physics_yields"):
        name = f"{__package__}.{module}"
        if importlib.util.find_spec(name) is not None:
            found |= importlib.import_module(name).FORMULAS
    return found


def run_cases(path: Path) -> Iterator[Check | Pending]:
    """The cases of the table, by their formula."""
    formulas = _formulas()
    with path.open(newline="") as lines:
        for row in csv.DictReader(lines):
            name = row["case_id"]
            if name not in formulas:
                yield Pending(name, ROOMS.get(name[:1], "no formula yet"))
                continue
            got = np.ravel(np.asarray(formulas[name](**json.loads(row["inputs"])), float))
            expected = np.ravel(np.asarray(json.loads(row["expected"]), float))
            yield _worst(name, expected, got, float(row["rel_tol"]), row["description"])


def _worst(name: str, expected: np.ndarray, got: np.ndarray, tolerance: float, note: str) -> Check:
    """The element that is furthest off; a wrong number of them is a failure of its own."""
    if expected.shape != got.shape:
        note = f"{len(got)} elements where {len(expected)} are expected: {note}"
        return Check(name, float(len(expected)), float("nan"), tolerance, note=note)
    checks = [
        Check(name, float(one), float(other), tolerance, note=note)
        for one, other in zip(expected, got, strict=True)
    ]
    # NaN is furthest of all: no comparison with it holds.
    return max(checks, key=lambda check: np.nan_to_num(abs(check.relative_error), nan=np.inf))


def main(argv: list[str] | None = None) -> int:
    """Run what was asked for; the exit status."""
    arguments = parser("Ageing, wear, heat and yield against known values.")
    options = arguments.parse_args(argv)
    if options.cases is None:
        arguments.error("nothing to check: give --cases")
    return report(run_cases(options.cases), options.json)


if __name__ == "__main__":
    sys.exit(main())
