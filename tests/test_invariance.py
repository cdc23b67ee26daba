"""Same seed, same integers: whatever the chunks, devices, bounds, a kill, or the day. All exact."""

import json
import os
import signal
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from _machines import exponential, load
from hypothesis import given, settings, strategies as st

import fdmc
from fdmc.collect._ledger import LedgerError
from fdmc.collect._stop import Progress
from fdmc.kernel import Bounds
from fdmc.tally import LEVELS, Tally


REPLICAS = 130
DOCUMENT = {
    "mission": "8000 h",
    "components": {
        "gpu": {"lifetime": {"weibull": {"shape": 1.5, "scale": "3000 h"}}, "repair": "30 h"},
        "laser": exponential(2000, 40),
    },
    "units": {
        "pod": {"contains": {"tray": 2}, "components": {"laser": {"count": 4, "need": 3}}},
        "tray": {"components": {"gpu": 2}},
    },
    "fabric": {"accelerator": "tray"},
    "service": {"technicians": 1},
}
SCENARIO = load(DOCUMENT)

# Run as a program: scenario file, ledger, replicas, chunk, devices ('all' for the default), resume.
PROGRAM = """
import sys, fdmc
scenario, ledger, replicas, chunk, devices, resume = sys.argv[1:]
devices = None if devices == "all" else int(devices)
how = {"stop": fdmc.Replicas(int(replicas)), "chunk": int(chunk), "devices": devices}
fdmc.run(scenario, seed=3, ledger=ledger, resume=resume == "yes", **how)
"""


def counted(path: Path) -> dict:
    """Return the sums of a ledger: everything but what describes the run itself."""
    tally = json.loads(path.read_text())["tally"]
    return {key: value for key, value in tally.items() if key != "steps"}


def run(path: Path, replicas: int = REPLICAS, **how) -> dict:
    fdmc.run(SCENARIO, seed=3, stop=fdmc.Replicas(replicas), ledger=path, **how)
    return counted(path)


@pytest.fixture(scope="module")
def expected(tmp_path_factory) -> dict:
    """The tally at a chunk of 64."""
    return run(tmp_path_factory.mktemp("expected") / "ledger", chunk=64)


def write(folder: Path) -> Path:
    path = folder / "scenario.yaml"
    path.write_text(json.dumps({"fdmc": 1, "name": "test", **DOCUMENT}))
    return path


def program(folder: Path, ledger: Path, *more: object, devices: int = 1) -> subprocess.Popen:
    flags = f"--xla_force_host_platform_device_count={devices}"
    environment = {**os.environ, "XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"}
    arguments = [sys.executable, "-c", PROGRAM, write(folder), ledger, *more]
    return subprocess.Popen(list(map(str, arguments)), env=environment)


@pytest.mark.parametrize("chunk", [1, 7, 4096])
def test_chunks_are_invisible(chunk, expected, tmp_path):
    assert run(tmp_path / "ledger", chunk=chunk) == expected


def test_devices_are_invisible(expected, tmp_path):
    """8 forced host devices, in a process of their own."""
    process = program(tmp_path, tmp_path / "ledger", REPLICAS, 16, "all", "no", devices=8)
    assert process.wait(timeout=300) == 0
    assert counted(tmp_path / "ledger") == expected


def test_killed_and_resumed(expected, tmp_path, monkeypatch):
    """kill -9 at any moment after the first entry; the ledger goes on from there."""
    ledger = tmp_path / "ledger"
    fast = PROGRAM.replace(
        "import sys, fdmc", "import sys, fdmc, fdmc.collect._run as r; r._SAVE_SECONDS = 0"
    )
    monkeypatch.setattr(sys.modules[__name__], "PROGRAM", fast)
    process = program(tmp_path, ledger, 1 << 40, 4, "all", "no")
    try:
        deadline = time.monotonic() + 120
        while not ledger.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    done = json.loads(ledger.read_text())["done"]
    assert 0 < done < 1 << 40
    replicas = max(REPLICAS, done + 3)
    resumed = run(ledger, replicas, chunk=32, resume=True)
    whole = expected if replicas == REPLICAS else run(tmp_path / "whole", replicas, chunk=64)
    assert resumed == whole


def test_bounds_are_invisible(expected, tmp_path, monkeypatch):
    """Replicas that outgrow tiny bounds run again with larger ones, until they fit."""
    tiny = lambda _, bins, windows=0: Bounds(outages=1, latents=1, renewals=1, bins=bins)
    monkeypatch.setattr("fdmc.collect._run.first_bounds", tiny)
    assert run(tmp_path / "ledger", chunk=64) == expected
    ledger = json.loads((tmp_path / "ledger").read_text())
    assert ledger["reruns"] > REPLICAS / 2
    assert ledger["tally"]["void"] == 0


def test_replicas_that_outgrow_every_bound_are_said_to(tmp_path, monkeypatch):
    tiny = lambda _, bins, windows=0: Bounds(outages=1, latents=1, renewals=8, bins=bins)
    monkeypatch.setattr("fdmc.collect._run.first_bounds", tiny)
    monkeypatch.setattr("fdmc.collect._run.larger", lambda _: None)
    result = fdmc.run(SCENARIO, seed=3, stop=fdmc.Replicas(REPLICAS))
    assert result.status == "bound_hit"
    assert 0 < result.timing["void_replicas"] == REPLICAS - result.replicas


def test_seeds_and_replicas_differ(expected, tmp_path):
    fdmc.run(SCENARIO, seed=4, stop=fdmc.Replicas(REPLICAS), ledger=tmp_path / "ledger", chunk=64)
    assert counted(tmp_path / "ledger")["sums"] != expected["sums"]


# --- ledgers ---


def test_ledgers_refuse_what_is_not_theirs(tmp_path):
    ledger = tmp_path / "ledger"
    run(ledger, 8, chunk=8)
    more = {"stop": fdmc.Replicas(16), "ledger": ledger, "resume": True, "chunk": 8}
    with pytest.raises(LedgerError, match="another seed: 3, not 4"):
        fdmc.run(SCENARIO, seed=4, **more)
    with pytest.raises(LedgerError, match="another scenario"):
        fdmc.run(load(DOCUMENT, mission="8001 h"), seed=3, **more)
    with pytest.raises(LedgerError, match="no ledger to resume"):
        fdmc.run(SCENARIO, seed=3, **{**more, "ledger": tmp_path / "none"})
    with pytest.raises(LedgerError, match="name the ledger"):
        fdmc.run(SCENARIO, seed=3, **{**more, "ledger": None})
    ledger.write_text("{")
    with pytest.raises(LedgerError, match="not a ledger"):
        fdmc.run(SCENARIO, seed=3, **more)


def test_a_finished_ledger_is_not_run_again(tmp_path):
    ledger = tmp_path / "ledger"
    first = run(ledger, 8, chunk=8)
    assert run(ledger, 8, chunk=8, resume=True) == first


# --- tallies ---


NUMBERS = st.integers(-(1 << 43), (1 << 43))


@st.composite
def tallies(draw):
    """A tally of a few replicas with three columns, two of them core, and two time bins."""
    rows = draw(st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS), min_size=1, max_size=4))
    levels = draw(
        st.lists(st.integers(0, LEVELS - 1), min_size=2 * len(rows), max_size=2 * len(rows))
    )
    columns = np.array(rows, np.int64)
    return Tally.of(columns, 2, np.array(levels).reshape(-1, 2), len(rows)), rows


def plain(tally: Tally) -> str:
    return json.dumps(tally.to_dict())


@settings(max_examples=60, deadline=None)
@given(tallies(), tallies(), tallies())
def test_merging_commutes_and_associates(a, b, c):
    a, b, c = a[0], b[0], c[0]
    assert plain(a.merge(b)) == plain(b.merge(a))
    assert plain(a.merge(b).merge(c)) == plain(a.merge(b.merge(c)))
    assert plain(a.merge(Tally.zero(3, 2, 2))) == plain(a)
    assert plain(Tally.from_dict(json.loads(plain(a)))) == plain(a)


@settings(max_examples=60, deadline=None)
@given(tallies())
def test_sums_are_exact(pair):
    tally, rows = pair
    assert list(tally.sums) == [sum(column) for column in zip(*rows, strict=True)]
    assert list(tally.squares) == [sum(x * x for x in column) for column in zip(*rows, strict=True)]
    cross = [[sum(row[i] * row[j] for row in rows) for j in range(2)] for i in range(2)]
    assert tally.cross.tolist() == cross
    assert tally.curve.sum() == 2 * len(rows)


# --- stop rules, memory ---


def a_progress(replicas=1000, seconds=2.0, half=0.001):
    lost = fdmc.Estimate(0.05 - half, 0.05, 0.05 + half, "1", replicas)
    return Progress(replicas, seconds, lost)


def test_stop_rules():
    assert fdmc.Replicas(4000).fraction(a_progress()) == 0.25
    assert fdmc.WallTime(8.0).fraction(a_progress()) == 0.25
    # 4 % wide; 2 % takes four times the replicas.
    assert fdmc.RelativeError(0.02).fraction(a_progress()) == pytest.approx(0.25)
    assert fdmc.RelativeError(0.05).fraction(a_progress()) > 1
    assert fdmc.RelativeError(0.05).fraction(a_progress(replicas=10)) == 0
    for wrong in (
        lambda: fdmc.Replicas(0),
        lambda: fdmc.WallTime(0.0),
        lambda: fdmc.RelativeError(0.0),
    ):
        with pytest.raises(ValueError, match="must be"):
            wrong()


def test_the_first_rule_that_is_met_ends_the_run():
    seen = []
    result = fdmc.run(
        SCENARIO,
        stop=(fdmc.RelativeError(0.5), fdmc.Replicas(100000)),
        chunk=256,
        progress=lambda progress, fraction: seen.append((progress.replicas, fraction)),
    )
    assert 256 <= result.replicas < 100000
    assert result.status == "ok"
    assert seen[-1] == (result.replicas, 1.0)
    assert [n for n, _ in seen] == sorted(n for n, _ in seen)
    missed = fdmc.run(SCENARIO, stop=(fdmc.RelativeError(1e-6), fdmc.Replicas(512)), chunk=256)
    assert missed.status == "precision_not_reached"
    assert missed.replicas == 512


def test_memory_does_not_grow_with_replicas():
    """What is kept on the host after 4 and after 64 chunks, and the peak between."""
    peaks = []
    for replicas in (1024, 16384):
        fdmc.run(SCENARIO, stop=fdmc.Replicas(256), chunk=256)
        tracemalloc.start()
        fdmc.run(SCENARIO, stop=fdmc.Replicas(replicas), chunk=256)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.3 * peaks[0] + 200_000


def test_bounds_are_invisible_in_comparisons(monkeypatch):
    expected = fdmc.compare([SCENARIO, SCENARIO], seed=3, replicas=64, chunk=64)
    tiny = lambda _, bins, windows=0: Bounds(outages=1, latents=1, renewals=1, bins=bins)
    monkeypatch.setattr("fdmc.collect._compare.first_bounds", tiny)
    tight = fdmc.compare([SCENARIO, SCENARIO], seed=3, replicas=64, chunk=64)
    assert tight == expected
    assert tight.metrics(1) == expected.metrics(0)  # replicas that ran again are counted once


def test_a_comparison_counts_what_a_run_counts():
    alone = fdmc.run(SCENARIO, seed=3, stop=fdmc.Replicas(64), chunk=32)
    found = fdmc.compare([SCENARIO, SCENARIO], seed=3, replicas=64, chunk=64)
    assert found.metrics(1) == alone.metrics
