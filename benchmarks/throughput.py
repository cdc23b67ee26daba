"""NumPy, Numba, SimPy, RePyability and fdmc on the same four jobs, in one run, side by side.

    python -m benchmarks.throughput [--jobs a,b,c,d] [--tools fdmc,numba,...] [--seconds S]
                                    [--patience S] [--json] [--write-results]

Every job runs in every tool in a process of its own. `cold` is import, compilation and first run;
`warm` is the best batch of runs within `--seconds`. Rates are the model's (whatever is drawn)
and warm; occurrences are failures and restorations. `plain` is a job as most would write it; the other rows
of NumPy and Numba are written for threads, caches and vector registers. Exit status 1 when an answer is wrong.
"""

import argparse
import dataclasses
import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from ._compare import TITLES, Missing, Row, markdown, problems, ratio
from ._measure import Measurement, machine
from ._results import RESULTS, write_section


ROOT = Path(__file__).resolve().parent.parent
TOOLS = {
    "numpy": "NumPy",
    "numba": "Numba",
    "simpy": "SimPy",
    "repyability": "RePyability",
    "fdmc": "fdmc",
}


def _child(tool: str, job: str, seconds: float, patience: float) -> tuple[str, str]:
    """What the child printed, and why it stopped short (empty when it did not)."""
    command = [sys.executable, "-m", "benchmarks._child", tool, job, str(seconds)]
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    with tempfile.TemporaryDirectory() as cache:  # empty, so that `cold` includes compilation
        child = subprocess.Popen(
            command,
            env=os.environ | {"PYTHONPATH": path, "NUMBA_CACHE_DIR": cache},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            printed, complaints = child.communicate(timeout=patience)
        except subprocess.TimeoutExpired:
            child.kill()
            return child.communicate()[0], f"no further answer in {patience:g} s"
    last = (complaints.strip().splitlines() or ["no message"])[-1]
    return printed, "" if child.returncode == 0 else f"failed: {last}"


def _run(tool: str, job: str, seconds: float, patience: float) -> Iterator[tuple[Row, str | None]]:
    """The rows of one job in one tool, each with the device it ran on."""
    printed, stopped = _child(tool, job, seconds, patience)
    for line in printed.splitlines():
        if not line.startswith("{"):
            continue
        found = json.loads(line)
        if "row" in found:
            yield Measurement(**found["row"]), found["device"]
        else:
            stopped = found["reason"]
    if stopped:
        yield Missing(job, TOOLS[tool], stopped), None


def _json_row(rows: list[Row], row: Row) -> dict[str, object]:
    line = dataclasses.asdict(row)
    if isinstance(row, Measurement):
        line |= {"rate": row.rate, "draw_rate": row.draw_rate, "z": row.z}
        line["fdmc_ratio"] = ratio(rows, row)
    return {
        key: None if isinstance(value, float) and not math.isfinite(value) else value
        for key, value in line.items()
    }


def _options(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="The same jobs in fdmc and its peers.")
    parser.add_argument("--jobs", type=lambda s: s.split(","), default=list(TITLES))
    parser.add_argument("--tools", type=lambda s: s.split(","), default=list(TOOLS))
    parser.add_argument("--seconds", type=float, default=3.0, help="warm time a row")
    parser.add_argument("--patience", type=float, default=180.0, help="most time a job and tool")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument("--write-results", action="store_true", help=f"update {RESULTS.name}")
    options = parser.parse_args(argv)
    if unknown := set(options.jobs) - set(TITLES) | set(options.tools) - set(TOOLS):
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    return options


def main(argv: list[str] | None = None) -> int:
    """Measure what was asked for, print it; the exit status."""
    options = _options(argv)
    rows: list[Row] = []
    device = None
    for job in options.jobs:
        for tool in options.tools:
            print(f"({job}) {TOOLS[tool]} ...", file=sys.stderr, flush=True)
            for row, where in _run(tool, job, options.seconds, options.patience):
                rows.append(row)
                device = where or device
    here = machine(device)
    if options.json:
        print(json.dumps({"machine": here, "rows": [_json_row(rows, row) for row in rows]}))
    section = f"## {here['key']}\n\n{here['date']}; {here['versions']}\n\n{markdown(rows)}"
    if not options.json:
        print(section)
    if options.write_results:
        write_section("throughput", here["key"], section)
    return 1 if problems(rows) else 0


if __name__ == "__main__":
    sys.exit(main())
