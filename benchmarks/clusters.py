"""Published results on AI clusters from their stated inputs alone, each with its interval.

    python -m benchmarks.clusters [--only V01 ...] [--json] [--write-results]

A case matches when the estimate lies within the published tolerance. Two published values are negative controls:
they do not follow from the inputs that are published with them, and an engine that gave them would be wrong. What
a source leaves open is in the column `assumed`; no input is fitted. One line a case; exit status 1 when a case
fails or there is none. The cases: V01 TPU v4 (ISCA 2023); V03 TPU v4 resiliency (NSDI 2024); V04 non-uniform tensor
parallelism (arXiv 2504.06095); V05 Meta's research clusters (arXiv 2410.21680); V06 FT-HSDP (arXiv 2602.00277);
V09 AIReSim; V13 Alibaba HPN (SIGCOMM 2024); V14 Llama 3.
"""

import argparse
import sys
import time

from . import _cluster_jobs, _cluster_pods, _cluster_pool
from ._cluster_rows import Published, line, markdown
from ._measure import machine
from ._results import RESULTS, write_section


CASES = dict(sorted((_cluster_pods.CASES | _cluster_jobs.CASES | _cluster_pool.CASES).items()))
TITLE = "Published results on clusters"


def section(rows, where: dict[str, str], seconds: float) -> str:
    """The section of `RESULTS.md`."""
    good = sum(row.ok for row in rows if isinstance(row, Published))
    count = f"{good} of {len(rows)} as they have to be, {seconds:.0f} s"
    head = f"## {TITLE}\n\n{where['key']}; {where['date']}; {where['versions']}; {count}"
    why = (
        "`python -m benchmarks.clusters`. Inputs are those that were published; where one is missing, the last column "
        "says what was assumed. The negative controls are published values that do not follow from their inputs."
    )
    return f"{head}\n\n{why}\n\n{markdown(rows)}"


def main(argv: list[str] | None = None) -> int:
    """Run the cases; 1 when one fails, else 0."""
    arguments = argparse.ArgumentParser(description="Published results on AI clusters.")
    arguments.add_argument(
        "--only", nargs="+", choices=CASES, metavar="CASE", help=", ".join(CASES)
    )
    arguments.add_argument("--json", action="store_true", help="one JSON object a line")
    arguments.add_argument("--write-results", action="store_true", help=f"write to {RESULTS.name}")
    options = arguments.parse_args(argv)
    if options.only and options.write_results:
        arguments.error("--write-results needs all cases")
    rows, start = [], time.perf_counter()
    for case in options.only or CASES:
        for row in CASES[case]():
            print(line(row, options.json), flush=True)
            rows.append(row)
    if options.write_results:
        where = machine()
        write_section("clusters", where["key"], section(rows, where, time.perf_counter() - start))
    checked = [row for row in rows if isinstance(row, Published)]
    failed = sum(not row.ok for row in checked)
    if not options.json:
        skipped = len(rows) - len(checked)
        print(f"{len(checked) - failed} ok, {failed} failed, {skipped} skipped")
    return 1 if failed or not checked else 0


if __name__ == "__main__":
    sys.exit(main())
