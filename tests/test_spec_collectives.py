"""Collectives as they are written: algorithms, latency, and what a fingerprint makes of them."""

import copy
from typing import Any

import jsonschema
import pytest
from _machines import TWO_RACKS, load

import fdmc
from fdmc import fabric, spec
from fdmc.collect._columns import collective_names
from fdmc.plan import lower
from fdmc.spec._collective_form import ALGORITHMS


def machine(**collective: Any) -> spec.Scenario:
    one = {"op": "all_reduce", "size": "1 MiB", **collective}
    return load(TWO_RACKS, workload={"compute": "1 ms", "collectives": [one]})


def test_what_may_be_written_has_a_closed_form():
    assert {op: set(names) for op, names in ALGORITHMS.items()} == {
        op: set(names) for op, names in fabric.ALGORITHMS.items()
    }


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("ring", "ring"),
        (["ring"], "ring"),
        (["tree", "ring"], ("ring", "tree")),
        (["ring", "tree"], ("ring", "tree")),
    ],
)
def test_one_algorithm_or_several(written, meant):
    (one,) = machine(algorithm=written, latency="2 us").workload.collectives
    assert one.algorithm == meant
    assert one.latency_seconds == pytest.approx(2e-6)
    assert set(one.algorithms) == set([meant] if isinstance(meant, str) else meant)


def test_the_fingerprint_knows_what_changes_the_answer():
    """And no time for a step is how every machine was before there was a word for it."""
    plain = machine()
    assert plain.fingerprint == machine(latency="0 s", algorithm=["optimal"]).fingerprint
    both = machine(algorithm=["ring", "tree"]).fingerprint
    assert both == machine(algorithm=["tree", "ring"]).fingerprint
    others = [machine(algorithm=x).fingerprint for x in ("ring", "tree", "direct")]
    late = [machine(latency=x).fingerprint for x in ("1 us", "2 us")]
    assert len({plain.fingerprint, both, *others, *late}) == 7


def test_the_fingerprint_is_that_of_before():
    """Written down before algorithms could be several: results on disk keep their scenario."""
    assert fdmc.load("nvl72-copper").fingerprint == "00c0ffebd2cb887f"


def test_no_latency_is_no_term():
    plan, _ = lower(machine(algorithm="tree"))
    assert plan.work.latency_seconds is None
    plan, _ = lower(machine(algorithm="tree", latency="3 us"))
    assert plan.work.latency_seconds == pytest.approx([3e-6])


def test_a_document_loads_again_and_fits_its_schema():
    scenario = machine(algorithm=["ring", "in_switch"], latency="2 us")
    assert spec.load(scenario.document) == scenario
    jsonschema.validate(scenario.document, spec.schema())
    broken = copy.deepcopy(scenario.document)
    broken["workload"]["collectives"][0]["algorithm"] = ["rings"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(broken, spec.schema())


def test_names_of_metrics_tell_algorithms_apart():
    several = [
        {"op": "all_reduce", "size": "1 MiB", "algorithm": algorithm}
        for algorithm in ("ring", ["tree", "ring"], "ring")
    ]
    plan, _ = lower(load(TWO_RACKS, workload={"collectives": several}))
    assert collective_names(plan) == [
        "all_reduce.ring.1",
        "all_reduce.ring_or_tree",
        "all_reduce.ring.3",
    ]


def test_latency_decides_for_small_payloads():
    """Healthy: 1 KiB goes round a ring of 8 in 14 steps, up and down a tree in 6, directly in 2."""
    times = {}
    for algorithm in ("ring", "tree", "direct", ["ring", "tree"]):
        plan, _ = lower(machine(size="1 KiB", algorithm=algorithm, latency="10 us"))
        times[str(algorithm)] = float(plan.work.healthy_seconds[0])
    assert times["ring"] == pytest.approx(140e-6, rel=1e-3)
    assert times["tree"] == pytest.approx(60e-6, rel=1e-3)
    assert times["direct"] == pytest.approx(20e-6, rel=1e-2)
    assert times["['ring', 'tree']"] == times["tree"]
