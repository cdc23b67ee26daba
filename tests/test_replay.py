"""Traces of faults: read from files, and replayed like the reference says."""

import json
import math
import os
import random
from pathlib import Path

import numpy as np
import pytest
from _machines import EVERY_COLLECTIVE, TWO_RACKS, load

import fdmc
from fdmc import cli, reference
from fdmc.collect import Fault, Trace, TraceError, load_trace
from fdmc.plan import PlanError


REFERENCE = Path(
    os.environ.get("FDMC_REFERENCE", Path(__file__).parents[2] / "shared" / "reference")
)
TRACE = REFERENCE / "read_only" / "gpu_node_fault_trace.json"
JOB = {
    **EVERY_COLLECTIVE,
    "checkpoint": {"write": "30 s", "interval": "optimal"},
    "restart": {"detect": "1 min", "resume": "5 min"},
}
PARKED = {"fabric": {"policy": "park"}}
HOSTS = {
    "components": {"host": {"mtbf": "1000 h", "repair": "1 h"}},
    "units": {"pod": {"contains": {"node": 4}}, "node": {"components": {"host": 1}}},
    "fabric": {"accelerator": "node", **PARKED["fabric"]},
}


def test_by_hand():
    """Four hosts over 100 h: one is out for 30 h, another joins it for 10 h, and there is one at the beginning."""
    faults = (
        Fault("node", 1, 20.0, 50.0),
        Fault("node", 3, 40.0, 50.0),
        Fault("node", 0, 0.0, 10.0),
    )
    got = fdmc.replay(load(HOSTS), Trace(faults, 100.0))
    np.testing.assert_array_equal(got.hours, [0, 10, 20, 40, 50, 100])
    np.testing.assert_allclose(got.available, [3, 4, 3, 2, 4])
    np.testing.assert_allclose(got.work_rate, [0.75, 1, 0.75, 0.5, 1])
    assert got["availability"] == pytest.approx(1 - 0.25 * 0.5)
    assert got["full_strength"] == pytest.approx(0.6)
    assert got["interruptions"] == 2  # what is out at the beginning interrupts nothing
    assert got["idle"] == 0


def test_one_outage_however_often_it_is_reported():
    twice = (Fault("node", 1, 20.0, 50.0), Fault("node", 1, 30.0, 60.0))
    got = fdmc.replay(load(HOSTS), Trace(twice, 100.0))
    assert got["availability"] == pytest.approx(1 - 0.25 * 0.4)
    assert got["interruptions"] == 1


def test_one_comes_back_when_another_goes():
    """What is back at that very time counts as in use: the job stops though as many are available as before."""
    faults = (Fault("node", 1, 20.0, 50.0), Fault("node", 2, 50.0, 60.0))
    got = fdmc.replay(load(HOSTS), Trace(faults, 100.0))
    assert got["interruptions"] == 2
    assert got["availability"] == pytest.approx(1 - 0.25 * 0.4)


def test_nothing_happens():
    got = fdmc.replay(load(HOSTS), Trace((), 100.0))
    assert got["goodput"] == got["work_rate"] == got["availability"] == 1
    assert got["interruptions"] == 0


def random_faults(scenario: fdmc.Scenario, hours: float, rng: random.Random) -> list[Fault]:
    units = "rack tray package engine asic els cdu switch_tray fan fan nic_box".split()
    faults = []
    for _ in range(60):
        unit, start = rng.choice(units), rng.uniform(0, hours)
        copy = rng.randrange(scenario.tree.nodes[unit].total)
        faults.append(Fault(unit, copy, start, start + rng.expovariate(1 / 20)))
        if rng.random() < 0.3:  # reported again
            faults.append(Fault(unit, copy, start + 1.0, start + 30.0))
    return faults


@pytest.mark.parametrize(
    "more",
    [{}, PARKED, {"fabric": {"policy": {"park": "tray"}}, "workload": {**JOB, "minimum": 4}}],
)
def test_states_and_goodput_are_those_of_the_reference(more):
    scenario = load(TWO_RACKS, **{"workload": JOB, **more})
    hours = 1000.0
    faults = random_faults(scenario, hours, random.Random(str(more)))
    got = fdmc.replay(scenario, Trace(tuple(faults), hours))
    machine = reference.build(scenario)
    rates, available = [], []
    for t in got.hours[:-1]:
        out = {(f.unit, f.copy) for f in faults if f.start_hours <= t < f.end_hours}
        units = [machine.units[name][copy] for name, copy in sorted(out)]
        work = reference.work(machine, reference.capacities(machine, [], units))
        rates.append(work.rate)
        available.append(work.available)
    np.testing.assert_allclose(got.work_rate, rates, rtol=2e-5, atol=1e-7)
    np.testing.assert_array_equal(got.available, [len(x) for x in available])
    starts = {f.start_hours for f in faults}
    stops = sum(
        t in starts and bool(before - after)
        for t, before, after in zip(got.hours[1:], available, available[1:], strict=False)
    )
    assert got["interruptions"] == stops > 10
    lasts = np.diff(got.hours)
    running = float(lasts[np.array(rates) > 0].sum())
    ettr = reference.ettr(scenario.workload, running / stops)
    assert got["ettr"] == pytest.approx(ettr, rel=1e-6)
    assert got["goodput"] == pytest.approx(ettr * float(lasts @ rates) / hours, rel=1e-4)


CSV = "unit,copy,start_hours,end_hours\nnode,1,20,50\nnode,3,40,\n"
EVENTS = [
    {"node_id": "b", "event_time": 1.0, "event_type": "fault_start"},
    {"node_id": "a", "event_time": 2.0, "event_type": "fault_end"},
    {"node_id": "b", "event_time": 3.0, "event_type": "fault_end"},
    {"node_id": "b", "event_time": 3.0, "event_type": "fault_start"},
]


def test_files(tmp_path):
    (tmp_path / "faults.csv").write_text(CSV)
    (tmp_path / "faults.json").write_text(json.dumps(EVENTS))
    table = load_trace(tmp_path / "faults.csv")
    assert table == Trace((Fault("node", 1, 20.0, 50.0), Fault("node", 3, 40.0, math.inf)), 50.0)
    trace = load_trace(tmp_path / "faults.json", "node")
    assert trace.hours == 72
    # The end of `a` has no start: it was out before. The last start of `b` has no end.
    assert set(trace.faults) == {
        Fault("node", 0, 24.0, 72.0),
        Fault("node", 1, 0.0, 48.0),
        Fault("node", 0, 72.0, math.inf),
    }


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("x.csv", "unit,copy,start_hours\n", "column end_hours is missing"),
        ("x.csv", CSV + "node,x,1,2\n", "line 4: a copy or a time is no number"),
        ("x.csv", CSV + "node,1,9,2\n", "line 4: it ends before it starts"),
        ("x.csv", CSV.splitlines()[0], "no fault starts or ends"),
        ("x.json", "{", "not a list of starts and ends"),
        ("x.json", json.dumps([{**EVENTS[0], "event_type": "fault"}]), "not a list of starts"),
        ("x.json", json.dumps([{**EVENTS[0], "event_time": -1}]), "not a list of starts"),
    ],
)
def test_files_that_are_refused(tmp_path, name, text, message):
    (tmp_path / name).write_text(text)
    with pytest.raises(TraceError, match=message):
        load_trace(tmp_path / name, "node")
    with pytest.raises(TraceError, match="cannot be read"):
        load_trace(tmp_path / f"no-{name}", "node")


@pytest.mark.parametrize(
    ("fault", "message"),
    [(Fault("host", 0, 1.0, 2.0), "no unit 'host'"), (Fault("node", 4, 1.0, 2.0), "there are 4")],
)
def test_traces_that_do_not_fit(fault, message):
    with pytest.raises(TraceError, match=message):
        fdmc.replay(load(HOSTS), Trace((fault,), 10.0))
    with pytest.raises(TraceError, match="window"):
        fdmc.replay(load(HOSTS), Trace((), 0.0))


def test_heat_is_no_part_of_a_trace():
    hot = fdmc.load("cpo-512", ["thermal.on=true"])
    with pytest.raises(PlanError, match="nothing of heat"):
        fdmc.replay(hot, Trace((), 10.0))


def test_command_line(tmp_path, capsys):
    path = tmp_path / "faults.csv"
    path.write_text("unit,copy,start_hours,end_hours\ntray,3,6,18\ntray,4,20,24\n")
    assert cli.main(["run", "nvl72-copper", "--trace", str(path), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["hours"] == 24
    assert answer["faults"] == 2
    assert 0.9 < answer["metrics"]["availability"] < 1
    assert cli.main(["run", "nvl72-copper", "--trace", str(path)]) == 0
    assert "2 faults of a trace in 1.0 days" in capsys.readouterr().out
    assert cli.main(["run", "nvl72-copper", "--trace", str(path), "--replicas", "9"]) == 2
    assert "leave --replicas out" in capsys.readouterr().err
    assert cli.main(["run", "nvl72-copper", "--trace", str(tmp_path / "none.csv")]) == 2
    assert "cannot be read" in capsys.readouterr().err
    assert cli.main(["run", "nvl72-copper", "--trace-unit", "tray"]) == 2


@pytest.mark.skipif(not TRACE.exists(), reason="no trace here; FDMC_REFERENCE names its folder")
def test_a_public_trace():
    """348 days of 400 nodes: 2.31 % of the nodes' time in repair; mean repair 5.5 d, median 0.85 d, p90 13.5 d."""
    document = {**HOSTS, "units": {**HOSTS["units"], "pod": {"contains": {"node": 400}}}}
    got = fdmc.replay(load(document), TRACE)
    assert 1 - got["availability"] == pytest.approx(0.0231, abs=5e-5)
    days = [(f.end_hours - f.start_hours) / 24 for f in load_trace(TRACE, "node").faults]
    found = [np.mean(days), np.median(days), np.quantile(days, 0.9)]
    np.testing.assert_allclose(found, [5.5, 0.85, 13.5], rtol=0.01)
