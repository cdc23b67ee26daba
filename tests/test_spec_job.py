"""The job in a document: what is understood, and every mistake about spares, groups, circuits and fleets."""

import pathlib
import re

import pytest
import yaml
from test_spec_errors import changed, problems

import fdmc
from fdmc import report
from fdmc.plan import PlanError, lower
from fdmc.spec import Leaving, Parallel, Policy, Reconfigure, load


RING = {"op": "all_reduce", "size": "1 GiB", "algorithm": "ring"}
# Each row: the workload, the fabric, and what is said; nothing else may be said. 16 accelerators, 2 a tray.
ONE_PROBLEM = [
    ({"uses": 17}, {}, "workload.uses: 17 exceeds the 16 'package' of the machine; write at most"),
    ({"uses": 0}, {}, "workload.uses: 0 must be at least 1"),
    ({"uses": 5}, {"policy": {"park": "tray"}}, "uses: 5 is not a whole number of slices of 2"),
    ({"uses": 9, "slice": 2}, {}, "workload.uses: 9 is not a whole number of slices of 2"),
    ({"uses": 8, "minimum": 9}, {}, "workload.minimum: 9 exceeds the 8 accelerators that the job"),
    ({}, {"policy": {"elastic": "tensor"}}, "is no policy; write degrade, park, drop"),
    ({}, {"policy": {"elastic": "data"}}, "workload.parallel: missing, and fabric.policy needs it"),
    (
        {"parallel": {"data": 4}},
        {"policy": {"non_uniform": "tensor", "batch": "best"}},
        '"best" is no way to share the batch; write balanced or equal',
    ),
    (
        {"parallel": {"data": 4}, "uses": 8},
        {"policy": {"elastic": "data"}},
        "workload.uses: a policy of groups keeps every accelerator at its place",
    ),
    (
        {"parallel": {"data": 4}, "slice": 2},
        {"policy": {"elastic": "data"}},
        "workload.slice: a policy of groups keeps every accelerator",
    ),
    ({"parallel": {"tensor": 3, "data": 2}}, {}, "tensor groups of 3 do not divide 16"),
    ({"parallel": {"expert": 5}}, {}, "workload.parallel.expert: groups of 5 do not divide 16"),
    ({"parallel": {"tensr": 2}}, {}, "workload.parallel.tensr: unknown key; did you mean 'tensor'"),
    ({"collectives": [{**RING, "group": "data"}]}, {}, "does not say how large a data group is"),
    (
        {
            "collectives": [{**RING, "group": "data", "algorithm": "optimal"}],
            "parallel": {"data": 2},
        },
        {},
        "collectives[0].algorithm: which group is the slowest is only known where the slowest link",
    ),
    (
        {"collectives": [{**RING, "group": "data"}], "parallel": {"data": 2}, "domains": 3},
        {},
        "workload.scale_out: missing, and a collective of group data goes across domains",
    ),
    (
        {"domains": 3, "scale_out": {"rate": "400 Gb/s"}},
        {},
        "workload.scale_out: only collectives of group data go across domains",
    ),
    (
        {
            "collectives": [{"op": "all_to_all", "size": "1 MB", "group": "data"}],
            "parallel": {"data": 2},
            "domains": 3,
            "scale_out": {"rate": "400 Gb/s"},
        },
        {},
        "workload.collectives[0].op: all_to_all across domains has no closed form here",
    ),
    ({"domains": 0}, {}, "workload.domains: 0 must be at least 1"),
    (
        {"domains": {"count": 4, "on_stop": "leave"}},
        {},
        "workload.domains.stall: missing, how long the others wait when a domain leaves; write one",
    ),
    (
        {"domains": {"count": 4, "stall": "3 min"}},
        {},
        "domains.stall: a fleet that stops with every domain has none; write on_stop: leave, or",
    ),
    (
        {"domains": {"count": 4, "on_stop": "leave", "stall": "3 min", "minimum": 5}},
        {},
        "workload.domains.minimum: 5 exceeds the 4 domains of the fleet; write at most 4",
    ),
    (
        {"domains": {"count": 4, "on_stop": "go"}},
        {},
        'domains.on_stop: "go" is not possible; write stop or',
    ),
    (
        {"domains": {"count": 4, "stal": "3 min"}},
        {},
        "domains.stal: unknown key; did you mean 'stall'",
    ),
    (
        {
            "collectives": [{**RING, "group": "data"}],
            "parallel": {"data": 2},
            "domains": {"count": 3},
        },
        {},
        "workload.scale_out: missing, and a collective of group data goes across domains",
    ),
    (
        {},
        {"reconfigure": {"spares": ["lasr"]}},
        'spares[0]: "lasr" has no spares; did you mean \'las',
    ),
    (
        {},
        {"reconfigure": {"when": "optimal"}},
        "fabric.reconfigure.when: there is nothing to switch",
    ),
    (
        {},
        {"reconfigure": {"spares": ["lane"], "when": "always"}},
        'fabric.reconfigure.when: "always" is no rule; write optimal or {loss_above: 5 %}',
    ),
    ({}, {"reconfigure": {"switch": "30"}}, 'fabric.reconfigure.switch: "30" has no unit'),
    (
        {"checkpoint": {"interval": "dally"}},
        {},
        'workload.checkpoint.interval: "dally" is not a time',
    ),
]


def written(workload, fabric):
    data = changed("workload", {"collectives": [], **workload})
    data["fabric"] |= fabric
    return data


@pytest.mark.parametrize(("workload", "fabric", "said"), ONE_PROBLEM)
def test_one_problem_is_said_once(workload, fabric, said):
    found = problems(written(workload, fabric))
    assert len(found) == 1, [str(p) for p in found]
    assert said in str(found[0])


def test_blocks_that_cut_units_are_refused():
    """Trays hold two accelerators: three data replicas would cut them."""
    data = written({"parallel": {"data": 3}}, {"policy": {"elastic": "data"}})
    data["units"]["rack"]["contains"]["tray"] = 6  # 24 accelerators, 12 a rack, 8 a replica
    (problem,) = problems(data)
    assert "blocks of 8 accelerators cut 'rack', which holds 12" in str(problem)


def test_suppliers_that_cut_blocks_are_refused():
    data = written({"parallel": {"data": 4}}, {"policy": {"elastic": "data"}})
    data["units"]["rack"]["contains"] |= {"tray": 6, "pump": 4}
    data["units"]["pump"] = {"components": {"fan": 1}, "feeds": "tray"}
    data["units"]["rack"]["contains"]["pump"] = 2
    data["workload"]["parallel"] = {"data": 6}  # 4 accelerators each; a pump feeds 3 trays of 2
    with pytest.raises(PlanError, match="pump/fan takes ranges that cut blocks of 4"):
        lower(load(_repaired(data)))


def _repaired(data):
    for part in data["components"].values():
        part.setdefault("repair", "1 h")
    return data


def test_what_is_written_is_what_is_meant():
    data = written(
        {
            "parallel": {"tensor": 2, "data": 4, "expert": 8},
            "collectives": [{**RING, "group": "data"}],
            "domains": 3,
            "scale_out": {"rate": "400 Gb/s"},
            "checkpoint": {"write": "30 s", "interval": "daly"},
        },
        {
            "policy": {"non_uniform": "tensor"},
            "reconfigure": {
                "switch": "30 ms",
                "bring_up": "20 s",
                "spares": ["psu", "lane"],
                "when": {"loss_above": "5 %"},
            },
        },
    )
    scenario = load(data)
    assert scenario.workload.parallel == Parallel(2, 4, 8)
    assert scenario.workload.scale_out_gbps == 400
    assert scenario.workload.checkpoint.interval_rule == "daly"
    assert scenario.fabric.policy == Policy("non_uniform", None, "balanced")
    expected = Reconfigure(0.03, 20.0, ("lane", "psu"), 0.05, True)
    assert scenario.fabric.reconfigure == expected
    assert load(scenario.document) == scenario
    machine = report.describe(scenario)
    assert machine.policy == "non-uniform tensor (groups of 2, a balanced batch)"
    told = " ".join(machine.job or ())
    assert "4 data replicas of 4 accelerators" in told
    assert "3 such domains with 48 accelerators" in told
    assert "Spares of lane, psu are switched in where that brings back more than 5" in told


def test_what_is_written_of_a_fleet_is_what_is_meant():
    fleet = {"count": 4, "on_stop": "leave", "stall": "3 min", "minimum": 3, "batch": "smaller"}
    scenario = load(written({"domains": fleet}, {}))
    assert (scenario.workload.domains, scenario.workload.leaving) == (
        4,
        Leaving(180.0, 3, "smaller"),
    )
    assert load(scenario.document) == scenario
    told = " ".join(report.describe(scenario).job or ())
    assert "waits" in told
    assert (
        "one that stops leaves, the others wait for 3 min and go on with their part of the" in told
    )
    short = load(written({"domains": {"count": 4, "on_stop": "leave", "stall": "0 s"}}, {}))
    assert short.workload.leaving == Leaving(0.0, 1, "kept")


def test_what_is_not_written_changes_nothing():
    scenario = fdmc.load("nvl72-copper")
    assert scenario.fingerprint == "00c0ffebd2cb887f"
    assert report.describe(scenario).job is None


def test_the_example_of_the_model_is_good():
    text = (pathlib.Path(__file__).parents[1] / "docs" / "model.md").read_text()
    blocks = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)]
    (job,) = (each for each in blocks if "parallel" in each.get("workload", {}))
    job["fabric"]["reconfigure"]["spares"] = ["psu"]  # this machine has no such ports
    scenario = load({"extends": "cpo-512", **job})
    assert scenario.workload.parallel == Parallel(8, 64, None)
    assert lower(scenario)[0].job.groups == (8, -1)
