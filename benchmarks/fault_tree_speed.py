"""Fault trees in fdmc and beside other tools, in one run on one machine.

    python -m benchmarks.fault_tree_speed --models DIRECTORY [--parts exact,importance,...] [--write-results]

`exact`: CPU seconds for probability, reading included, beside SCRAM (`scram` on the path); start-up and compilation
apart. `importance`: all events against one evaluation. `uncertainty`: trials a second, every event lognormal with
error factor 3, beside SCRAM. `sampling`: samples of the tree a second beside bit-packed NumPy.
`dynamic`: traces a second beside Storm's simulator (`stormpy`). A tool that is not there is said to be missing.
"""

import argparse
import dataclasses
import functools
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

import fdmc
from fdmc.collect import fault_states, fault_times
from fdmc.logic import Values, diagram, gradient, probabilities, probability, structure
from fdmc.spec.fault_tree import Call, FaultTree, read, to_open_psa

from ._measure import machine
from ._results import table, write_section
from .peers import fault_tree_numpy


REPEATS = 5
UNCERTAIN = ("jbd9601", "edfpa15p")
SAMPLED = ("chinese", "das9601", "jbd9601", "nus9601")
DYNAMIC = ("cardiac", "cas", "cm2", "mcs", "hecs_2_2")
_NOTHING = (
    '<opsa-mef><define-fault-tree name="t"><define-gate name="g"><or><event name="a"/><event name="b"/></or>'
    '</define-gate><define-basic-event name="a"><float value="0.1"/></define-basic-event>'
    '<define-basic-event name="b"><float value="0.1"/></define-basic-event></define-fault-tree></opsa-mef>'
)


def best(run: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> float:
    """The least time of a few runs, the first left out."""
    run()
    times = []
    for _ in range(REPEATS):
        begin = clock()
        run()
        times.append(clock() - begin)
    return min(times)


def scram(*arguments: str) -> float | None:
    """CPU seconds of one run of SCRAM, start-up included; None without SCRAM or an answer in five minutes."""
    if shutil.which("scram") is None:
        return None
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = ["scram", "--bdd", "--probability", "true", "-l", "1", "-o", os.devnull, *arguments]
    try:
        done = subprocess.run(command, capture_output=True, timeout=300, check=False)
    except subprocess.TimeoutExpired:
        return None
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return spent if done.returncode == 0 else None


def scram_start() -> float | None:
    """CPU seconds that SCRAM takes for nothing."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "nothing.xml"
        path.write_text(_NOTHING)
        times = [scram(str(path)) for _ in range(REPEATS)]
    return None if None in times else min(t for t in times if t is not None)


def exact(models: Path) -> Iterator[list[str]]:
    """CPU seconds of every static tree, and their sum."""
    start, total = scram_start(), np.zeros(3)
    for path in sorted((models / "aralia").glob("*.xml")):
        if path.stem == "nus9601":
            continue
        whole = best(lambda path=path: _solve(read(str(path))), time.process_time)
        tree = read(str(path))
        alone = best(lambda tree=tree: _solve(tree), time.process_time)
        peers = [scram(str(path)) for _ in range(3)]
        peer = None if start is None or None in peers else max(min(peers) - start, 0.0)  # type: ignore[type-var]
        lowered = diagram(structure(tree, tree.tops))
        total += (whole, alone, peer or 0.0)
        yield [path.stem, f"{lowered.nodes:,}", *_seconds(whole, alone, peer)]
    yield ["all", "", *_seconds(*total)]


def _solve(tree: FaultTree) -> float:
    found = diagram(structure(tree, tree.tops))
    return float(probability(found, Values(tree, 8760.0).events())[0])


def _seconds(whole: float, alone: float, peer: float | None) -> list[str]:
    if peer is None:
        return [f"{whole:.4f}", f"{alone:.4f}", "missing", "-", "-"]
    ratios = [f"{x / peer:.2f}" if peer >= 0.005 else "-" for x in (whole, alone)]
    return [f"{whole:.4f}", f"{alone:.4f}", f"{peer:.3f}", *ratios]


def importance(models: Path) -> Iterator[list[str]]:
    """One evaluation of the probability against the slopes to all events."""
    for name in ("baobab1", "das9601", "edf9204", "jbd9601"):
        tree = read(str(models / "aralia" / f"{name}.xml"))
        found, p = diagram(structure(tree, tree.tops)), Values(tree, 8760.0).events()
        one, all_of_them = (best(functools.partial(f, found, p)) for f in (probability, gradient))
        row = [
            name,
            f"{len(p)}",
            f"{found.nodes:,}",
            f"{one * 1e6:.0f}",
            f"{all_of_them * 1e6:.0f}",
        ]
        yield [*row, f"{all_of_them / one:.2f}"]


def uncertain(tree: FaultTree, factor: float = 3.0) -> FaultTree:
    """The tree with a lognormal distribution about every probability."""
    events = {
        name: dataclasses.replace(
            event, probability=Call("lognormal-deviate", (event.probability, factor, 0.95))
        )
        for name, event in tree.basic_events.items()
    }
    return dataclasses.replace(tree, basic_events=events)


def uncertainty(models: Path) -> Iterator[list[str]]:
    """Trials a second: with the draws of the parameters, and of the diagram alone."""
    for name in UNCERTAIN:
        tree = uncertain(read(str(models / "aralia" / f"{name}.xml")))
        found = diagram(structure(tree, tree.tops))
        trials = 1 << 17
        run = lambda tree=tree, n=trials: fdmc.fault_tree(tree, uncertainty=n).uncertainty
        mine = trials / min(run().seconds for _ in range(3))  # type: ignore[union-attr]
        p = np.tile(Values(tree, 8760.0).events(), (1 << 14, 1))
        alone = len(p) / best(lambda found=found, p=p: probabilities(found, p))
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"{name}.xml"
            path.write_text(to_open_psa(tree))
            base = scram(str(path))
            more = scram(str(path), "--uncertainty", "true", "--num-trials", "1000")
        peer = None if base is None or more is None else 1000 / max(more - base, 1e-3)
        said = ["missing", "-"] if peer is None else [f"{peer:.0f}", f"{mine / peer:.0f}"]
        yield [name, f"{found.nodes:,}", f"{mine:,.0f}", f"{alone:,.0f}", *said]


def sampling(models: Path) -> Iterator[list[str]]:
    """Samples of the top event a second."""
    for name in SAMPLED:
        tree = read(str(models / "aralia" / f"{name}.xml"))
        lowered, p = structure(tree, tree.tops), Values(tree, 8760.0).events()
        replicas = 1 << 24
        rates = []
        for modules in (True, False):
            found = [
                fault_states(
                    lowered, p, seed=s, replicas=replicas, estimator="crude", modules=modules
                )
                for s in range(4)
            ]
            rates.append(max(f.replicas_per_second for f in found[1:]))
        peer = numpy_rate(lowered, p)
        nodes = len(lowered.events) + len(lowered.gates)
        yield [
            name, f"{nodes:,}", f"{rates[0]:.2e}", f"{rates[1]:.2e}", f"{rates[1] * nodes:.2e}",
            f"{peer:.2e}", f"{rates[0] / peer:.1f}", f"{rates[1] / peer:.1f}",
        ]  # fmt: skip


def numpy_rate(lowered, p: np.ndarray) -> float:
    """Samples a second of the bit-packed NumPy peer, one process."""
    replicas = 1 << 21
    return replicas / best(lambda: fault_tree_numpy.sample(lowered, p, replicas, seed=1))


def dynamic(models: Path) -> Iterator[list[str]]:
    """Traces a second of dynamic trees at the time when half of them have failed."""
    for name in DYNAMIC:
        path = next(models.rglob(f"{name}.dft"))
        tree = read(str(path))
        until = fdmc.fault_tree(tree, mttf=True, time_hours=1.0).mttf
        assert until is not None
        runs = [
            fault_times(tree, times=[until.best], seed=s, replicas=1 << 21).traces_per_second
            for s in range(4)
        ]
        peer = storm_rate(path, until.best)
        said = ["missing", "-"] if peer is None else [f"{peer:.2e}", f"{max(runs[1:]) / peer:.0f}"]
        yield [
            name,
            f"{len(tree.basic_events)}",
            f"{until.best:.4g}",
            f"{max(runs[1:]):.2e}",
            *said,
        ]


def storm_rate(path: Path, until: float) -> float | None:
    """Traces a second of Storm's simulator, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.peers.fault_tree_storm", str(path), repr(until)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    return float(done.stdout.split()[-1]) if done.returncode == 0 else None


PARTS = {
    "exact": (exact, "Exact probability of the Aralia trees, CPU seconds (read: file reading included; start-up apart)",
              ["tree", "nodes", "fdmc, read", "fdmc, in memory", "SCRAM", "read / SCRAM", "memory / SCRAM"]),
    "importance": (importance, "Birnbaum importance of all events against one evaluation",
                   ["tree", "events", "nodes", "one, us", "all, us", "ratio"]),
    "uncertainty": (uncertainty, "Uncertainty, every event lognormal with error factor 3, trials/s",
                    ["tree", "nodes", "fdmc", "fdmc, diagram alone", "SCRAM", "fdmc / SCRAM"]),
    "sampling": (sampling, "Samples of the tree, samples/s (NumPy: one process)",
                 ["tree", "nodes", "fdmc", "no modules", "node evaluations/s", "NumPy", "ratio", "no modules"]),
    "dynamic": (dynamic, "Dynamic trees, traces/s to the mean time to failure",
                ["tree", "events", "until h", "fdmc", "Storm's simulator", "ratio"]),
}  # fmt: skip


def main(argv: list[str] | None = None) -> int:
    """Measure what was asked for and print it; the exit status."""
    parser = argparse.ArgumentParser(description="Fault trees in fdmc and its peers.")
    parser.add_argument("--models", type=Path, required=True, help="folder with aralia/ and dft_*/")
    parser.add_argument("--parts", type=lambda s: s.split(","), default=list(PARTS))
    parser.add_argument("--write-results", action="store_true", help="update RESULTS.md")
    options = parser.parse_args(argv)
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"unknown parts: {', '.join(sorted(unknown))}; write {', '.join(PARTS)}")
    here = machine()
    lines = [f"## Fault trees: {here['key']}", "", f"{here['date']}; {here['versions']}", ""]
    for part in options.parts:
        run, title, head = PARTS[part]
        print(f"{part} ...", file=sys.stderr, flush=True)
        lines += [f"**{title}**", "", table(head, list(run(options.models))), ""]
    text = "\n".join(lines)
    print(text)
    if options.write_results:
        write_section("fault trees", here["key"], text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
