"""Redundancy allocation against known optima, with proof where the problem separates.

    python -m benchmarks.sizing --cases FILE.json ... [--json]

Files hold RAP-33 or other problems with component mixes, small classics, reliability-redundancy
problems, or spares under a shared environment; directories are searched for them. One line a case;
exit status 1 when a case fails or there is none. A case also fails when its optimum is not proved,
unless its structure is not in series, and when it is *better* than what is expected: look why.
"""

import argparse
import json
import math
import re
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

from fdmc.sizing import (
    Allocation,
    Part,
    Problem,
    ReliabilityRedundancy,
    Resource,
    Stage,
    Subsystem,
    allocate,
    gauss_hermite,
    parallel,
    spares,
)

from ._cases import Check, report
from ._sizing_formulas import Formula, constraints, formula, ranges, structure


TOLERANCE = 1e-9
HERMITE_ORDER = 7  # the files define their instances by this quadrature
MOST_PARTS = 50  # of one subsystem, where a file gives no bound

Case = Mapping[str, Any]


def run_file(path: Path) -> Iterator[Check]:
    """The cases of a file, by its form."""
    document = json.loads(path.read_text())
    if "loading" in document:
        yield from _shared_spares(path.stem, document)
    elif "subsystems" in document:
        parts = [_parts(rows) for rows in document["subsystems"].values()]
        most = int((re.search(r"x_ij\s*<=\s*(\d+)", document.get("objective", "")) or [0, 8])[1])
        for case in document["instances"]:
            name = f"{path.stem}.W{case['W']}.C{case['C']}"
            yield from _mixes(
                name, case, [parallel_of(parts, most, mixing=m) for m in (True, False)]
            )
    elif "instances" in document:
        for case in document["instances"]:
            parts = [_parts(rows) for rows in case["subsystems"]]
            name = f"{path.stem}.{case.get('seed', case['W'])}"
            yield from _mixes(name, case, [parallel_of(parts, case["nmax"], mixing=True)])
    else:
        for name, case in document.items():
            if isinstance(case, Mapping):
                yield from _readable(f"{path.stem}.{name}", case)


def _parts(rows: list[Any]) -> list[Part]:
    keys = ("r", "c", "w")
    values = [[row[key] for key in keys] if isinstance(row, Mapping) else row for row in rows]
    return [Part(f"type {n}", r, {"C": c, "W": w}) for n, (r, c, w) in enumerate(values, start=1)]


def parallel_of(parts: list[list[Part]], most: int, mixing: bool) -> list[Subsystem]:
    """Subsystems in parallel, numbered."""
    return [parallel(f"{n}", one, most=most, mixing=mixing) for n, one in enumerate(parts, start=1)]


def _mixes(name: str, case: Case, kinds: list[list[Subsystem]]) -> Iterator[Check]:
    """A case with components mixed, and where the file has it, of one type each."""
    resources = [Resource(key, case[key]) for key in ("C", "W")]
    for key, suffix, subsystems in zip(
        ("best_R", "best_R_no_mixing"), ("", ".one_type"), kinds, strict=False
    ):
        if key in case:
            answer, seconds = _timed(Problem(subsystems, resources))
            yield _check(name + suffix, case[key], answer, seconds)


def _readable(name: str, case: Case) -> Iterator[Check]:
    """A case with formulas; one that cannot be read fails with the reason."""
    try:
        yield from _stages(name, case) if "data" in case else _counts(name, case)
    except (KeyError, ValueError) as error:
        expected = case.get("best_R", math.nan)
        yield Check(name, expected, math.nan, TOLERANCE, note=f"{type(error).__name__}: {error}")


def _counts(name: str, case: Case) -> Iterator[Check]:
    """Numbers of equal components, under formulas or linear uses."""
    limits = (
        constraints(case["constraints"], case)
        if "constraints" in case
        else [
            (limit, formula(limit.lower() + " n", [limit.lower(), "n"]), float(case[limit]))
            for limit in ("C", "W")
            if limit in case
        ]
    )
    subsystems = []
    for i, r in enumerate(case["r"]):
        n = np.arange(1, MOST_PARTS + 1)
        uses = {
            key: np.array([float(terms(_names(case, i, float(one), None))) for one in n])
            for key, terms, _ in limits
        }
        fits = np.all([uses[key] <= limit for key, _, limit in limits], axis=0)
        log_r = np.log1p(-np.power(1 - r, n[fits]))
        uses = {key: use[fits] for key, use in uses.items()}
        subsystems.append(Subsystem(str(i), n[fits][:, None], log_r[:, None], uses))
    answer, seconds = _timed(Problem(subsystems, [Resource(key, b) for key, _, b in limits]))
    yield _check(name, case["best_R"], answer, seconds)


def _names(data: Case, stage: int, n: Any, r: Any):
    """What a name in a formula stands for, at a stage."""

    def look_up(name: str, subscript: str) -> Any:
        if name in "nr":
            return n if name == "n" else r
        value = data[name]
        return value[stage] if isinstance(value, list) else value

    return look_up


def _stages(name: str, case: Case) -> Iterator[Check]:
    """Numbers and reliabilities of components together, with the runners-up where they are given."""
    data = case["data"]
    limits = constraints(case["constraints"], data)
    stages = [
        Stage(
            str(i),
            {key: _use(terms, data, i) for key, terms, _ in limits},
            **ranges(case["constraints"]),
        )
        for i in range(len(data["alpha"]))
    ]
    system = structure(case["structure"], len(stages))
    resources = [Resource(key, limit) for key, _, limit in limits]
    runners = case.get("runner_up_n", [])
    answer, seconds = _timed(ReliabilityRedundancy(stages, resources, system), len(runners))
    yield _check(name, case["best"]["R"], answer, seconds, provable=system is None)
    for place, runner in enumerate(runners):
        got = answer.next_best[place].reliability
        yield Check(f"{name}.next{place + 1}", runner["R"], got, TOLERANCE)


def _use(terms: Formula, data: Case, stage: int):
    return lambda n, r: jnp.asarray(terms(_names(data, stage, n, r)))


def _shared_spares(name: str, document: Case) -> Iterator[Check]:
    """Spares of groups whose hazards share Gaussian factors."""
    loading = np.array(document["loading"], float)
    factors = gauss_hermite(HERMITE_ORDER, loading.shape[1])
    hazard = np.array(document["lam"]) * np.exp(factors.nodes @ loading.T)
    scale = 1 / 100 if "/100" in document["constraint_scale"] else 1.0
    subsystems = [
        spares(
            document["names"][i],
            need=document["k"][i],
            failure_prob=-np.expm1(-hazard[:, i]),
            most=document["smax"],
            groups=document["groups"][i],
            uses={
                "C": document["unit_cost"][i] * scale,
                "P": document["unit_power"][i] * scale,
            },
        )
        for i in range(len(document["names"]))
    ]
    for case in document["instances"]:
        resources = [Resource(key, case[key]) for key in ("C", "P")]
        answer, seconds = _timed(Problem(subsystems, resources, factors.weights), 1)
        case_id = f"{name}.C{case['C']}.P{case['P']}"
        got, note = answer.design.unreliability, _note(answer, seconds)
        yield Check(case_id, case["optimum"]["U"], got, _tolerance(answer), note=note)
        if "second" in case:
            second = answer.next_best[0].unreliability
            yield Check(f"{case_id}.second", case["second"]["U"], second, TOLERANCE)


def _timed(
    problem: Problem | ReliabilityRedundancy, next_best: int = 3
) -> tuple[Allocation, float]:
    began = time.perf_counter()
    answer = allocate(problem, next_best=next_best)
    return answer, time.perf_counter() - began


def _check(
    name: str, expected: float, answer: Allocation, seconds: float, provable: bool = True
) -> Check:
    tolerance = _tolerance(answer) if provable else TOLERANCE
    return Check(name, expected, answer.objective, tolerance, note=_note(answer, seconds))


def _tolerance(answer: Allocation) -> float:
    """Without a proof no objective is good enough."""
    return TOLERANCE if answer.proved else -math.inf


def _note(answer: Allocation, seconds: float) -> str:
    proof = "proved" if answer.proved else f"not proved, gap {answer.gap:.1e}"
    return f"{proof}, {answer.labels} labels, {seconds:.3f} s"


def main(argv: list[str] | None = None) -> int:
    """Run what was asked for; the exit status."""
    arguments = argparse.ArgumentParser(description="Redundancy allocation against known optima.")
    arguments.add_argument(
        "--cases", type=Path, nargs="+", required=True, metavar="PATH", help="files or directories"
    )
    arguments.add_argument("--json", action="store_true", help="one JSON object a line")
    options = arguments.parse_args(argv)
    files = [
        file
        for path in options.cases
        for file in (sorted(path.glob("*.json")) if path.is_dir() else [path])
    ]
    return report((check for file in files for check in run_file(file)), options.json)


if __name__ == "__main__":
    sys.exit(main())
