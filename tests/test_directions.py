"""Parts that fail in one direction: states by hand, closed forms, whole histories, and bad input."""

import itertools
import json
import math
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from _compare import Z, assert_alike, engine_facts, reference_facts
from _machines import LEAVES, PART, TORUS, load
from _states import RTOL, slots_of, state_of
from test_domain import CLASSES, one_way

import fdmc
from fdmc import reference
from fdmc.collect import Fault, Trace
from fdmc.plan import lower
from fdmc.report import describe, machine_object
from fdmc.sizing import from_plan
from fdmc.spec import ScenarioError, schema


EXAMPLE = Path(__file__).parents[1] / "docs" / "examples" / "one-way-links.yaml"
LANE, SIZE = 100e9 / 8, 1e9  # bytes per second, bytes
SENDS, RECEIVES = {**PART, "direction": "send"}, {**PART, "direction": "receive"}

# Four accelerators with one lane to each of two planes, on an engine of three lanes: one of them is a spare.
ENGINES: dict[str, Any] = {
    "components": {"gpu": PART, "chip": PART, "laser": SENDS, "diode": RECEIVES, "driver": SENDS},
    "units": {
        "pod": {"contains": {"package": 4, "asic": 2}},
        "package": {"components": {"gpu": 1}, "contains": {"engine": 1}},
        "engine": {"components": {"driver": 1}, "contains": {"lane": {"count": 3, "need": 2}}},
        "lane": {"components": {"laser": 1, "diode": 1}},
        "asic": {"components": {"chip": 1}, "contains": {"bank": 2}},
        "bank": {"components": {"driver": 1}},
    },
    "fabric": {"accelerator": "package", "plane": "asic", "lane_rate": "100 Gb/s"},
    "service": {"replace": {"lane": {}}},
}
HEALTHY = {
    "all_reduce": 3 / 4,
    "all_gather": 3 / 8,
    "reduce_scatter": 3 / 8,
    "all_to_all": 3 / 8,
    "broadcast": 1 / 2,
}
"""Lane-seconds of a byte: four accelerators of two lanes."""


def job(*ops: str) -> dict[str, Any]:
    return {"compute": "20 ms", "collectives": [{"op": op, "size": "1 GB"} for op in ops]}


def efficiencies(scenario, *failed: str) -> dict[str, float]:
    """Return those of a state, of which the engine and the reference must think alike; and how many can work."""
    plan, directory = lower(scenario)
    machine = reference.build(scenario)
    named = (each[:-1].split("[") for each in failed)
    parts = [machine.part(name, int(number)) for name, number in named]
    work = reference.work(machine, reference.capacities(machine, parts))
    state = state_of(plan, [slots_of(machine, plan, directory, parts, set())])
    assert state.rate[0] == pytest.approx(work.rate, rel=RTOL)
    found = {
        op: float(x) for (op, _), x in zip(plan.collectives, state.efficiency[:, 0], strict=True)
    }
    assert found == pytest.approx(work.efficiency, rel=RTOL)
    return {**found, "available": float(state.available[0])}


def slower(available: float = 4, **bad: float):
    """Return the efficiencies of collectives that take so many lane-seconds."""
    found = {op: HEALTHY[op] / seconds for op, seconds in bad.items()}
    return pytest.approx({**found, "available": available}, rel=RTOL)


EVERY = load(ENGINES, workload=job(*HEALTHY))
LASERS, DIODES = ([f"lane/{name}[{i}]" for i in (0, 1)] for name in ("laser", "diode"))
BANK = "bank/driver[0]"


def test_spares_of_each_direction_are_counted_apart():
    """A laser and a diode fail, of one lane or of two, and nothing is lost; two of a kind take half of a direction."""
    for number in (0, 1):
        assert efficiencies(EVERY, "lane/laser[0]", f"lane/diode[{number}]") == slower(**HEALTHY)
    # One in four has one lane left of two: all planes pass on 7 of 8.
    sends = {**HEALTHY, "all_reduce": 1, "all_gather": 3 / 7, "reduce_scatter": 3 / 4}
    sends |= {"all_to_all": 3 / 4, "broadcast": 1}
    receives = {**sends, "all_gather": 3 / 4, "reduce_scatter": 3 / 7}
    assert efficiencies(EVERY, *LASERS) == slower(**sends)
    assert efficiencies(EVERY, *DIODES) == slower(**receives)
    both = {op: max(sends[op], receives[op]) for op in sends}
    assert efficiencies(EVERY, *LASERS, *DIODES) == slower(**both)


def test_who_cannot_send_is_not_used_and_what_a_plane_sends_is_received():
    alone = {**HEALTHY, "all_reduce": 4 / 6, "all_gather": 1 / 3, "reduce_scatter": 1 / 3}
    alone["all_to_all"] = 1 / 3
    for failed in (["engine/driver[0]"], [*DIODES, "lane/diode[2]"]):
        assert efficiencies(EVERY, *failed) == slower(3, **alone)
    # A bank of plane 0 takes half of what all receive from it; of the others it passes on what it can send.
    less = {"all_gather": 3 / 6, "reduce_scatter": 3 / 6, "all_to_all": 3 / 6}
    less |= {"all_reduce": 1, "broadcast": 1 / 1.5}
    assert efficiencies(EVERY, BANK) == slower(**less)
    # Who is not used receives nothing either: of plane 0 three have half.
    found = efficiencies(EVERY, BANK, "engine/driver[0]")
    assert found["all_reduce"] == pytest.approx(3 / 4 / (4 / 4.5), rel=RTOL)
    assert efficiencies(EVERY, BANK, *LASERS)["all_gather"] == pytest.approx(
        3 / 8 / (3 / 5.5), rel=RTOL
    )
    assert efficiencies(EVERY, BANK, *DIODES)["all_gather"] == pytest.approx(
        3 / 8 / (3 / 4 / 0.75), rel=RTOL
    )


def test_the_mean_efficiency_is_that_of_chains():
    """Each lane is a chain of four states, since a swap renews both of its parts, and all lanes are independent."""
    laser, diode, repair = 1 / 300.0, 1 / 500.0, 1 / 50.0
    document = {
        "components": {
            "laser": {"mtbf": "300 h", "direction": "send"},
            "diode": {"mtbf": "500 h", "direction": "receive"},
        },
        "units": {
            "pod": {"contains": {"package": 4}},
            "package": {"contains": {"engine": 1}},
            "engine": {"contains": {"lane": {"count": 3, "need": 2}}},
            "lane": {"components": {"laser": 1, "diode": 1}},
        },
        "fabric": {"accelerator": "package", "lane_rate": "100 Gb/s"},
        "service": {"replace": {"lane": {"time": {"exponential": {"mean": "50 h"}}}}},
        "workload": job("all_reduce", "all_gather"),
        "mission": "2000 h",
        "start": "stationary",
        "run_in": "500 h",
    }
    good = repair / (repair + laser + diode)
    dark = good * laser / (repair + diode), good * diode / (repair + laser)
    lane = {(0, 0): good, (1, 0): dark[0], (0, 1): dark[1], (1, 1): 1 - good - sum(dark)}
    engines: dict[
        tuple[float, float], float
    ] = {}  # what it sends and receives, and its probability
    for lanes in itertools.product(lane, repeat=3):
        lost = (sum(each) for each in zip(*lanes, strict=True))
        u, d = (1 - max(m - 1, 0) / 2 for m in lost)
        left = (u, d) if min(u, d) > 0 else (0.0, 0.0)
        engines[left] = engines.get(left, 0.0) + math.prod(lane[each] for each in lanes)
    running, reduced, gathered = 0.0, 0.0, 0.0
    for state in itertools.product(engines, repeat=4):
        alive = [left for left in state if left[0] > 0]
        chance, n = math.prod(engines[left] for left in state), len(alive)
        if not alive:
            continue
        running += chance
        sends, receives = (list(each) for each in zip(*alive, strict=True))
        u, d, b = min(sends), min(receives), min(sum(sends), sum(receives))
        reduce = max(1 / u, 1 / d, 2 * (n - 1) / b)
        gather = max((n - 1) / n / d, 1 / n / u, (n - 1) / b)
        reduced += chance * (6 / 4 / reduce if n > 1 else 1.0)
        gathered += chance * (3 / 4 / gather if n > 1 else 1.0)
    found = fdmc.run(load(document), seed=4, stop=fdmc.Replicas(512), chunk=512)
    for op, mean in (("all_reduce", reduced / running), ("all_gather", gathered / running)):
        got = found[f"collective_efficiency.{op}"]
        spread = (got.high - got.low) / 2 / 1.96
        assert abs(got.best - mean) < Z * spread, f"{op}: {got} against {mean}"
        assert spread < 2e-3
    assert found["inexact_time"].best > 0.01


def test_first_losses_are_those_of_both_kinds_of_lane():
    """No driver fails, and at most one laser and one diode of each engine."""
    scenario = load(ENGINES, mission="200 h")
    q = math.exp(-200 / 1000)
    good = q * (q**3 + 3 * q**2 * (1 - q)) ** 2
    found = fdmc.mission(scenario, replicas=1 << 14, seed=2)["engine"]
    assert found.exact_prob == pytest.approx(1 - good**4, rel=1e-6)
    assert found.sampled_prob.low < found.exact_prob < found.sampled_prob.high
    machine = reference.build(scenario)
    fails = [reference.mission(machine, 3, k)["engine"] <= 200 for k in range(600)]
    mean = sum(fails) / len(fails)
    assert abs(mean - found.exact_prob) < Z * math.sqrt(mean * (1 - mean) / len(fails))


@pytest.mark.verification
def test_histories_are_those_of_the_reference():
    scenario = fdmc.load(EXAMPLE, ["mission=1000 h", "service.technicians=2"])
    ours = engine_facts(scenario, 4096, 3)
    assert_alike(ours, reference_facts(scenario, 640, 5), 30)


def test_a_trace_takes_units_out_both_ways():
    """By hand: an engine is out for 7 hours, a plane for 12, and 3 of them together."""
    day = Trace((Fault("engine", 1, 2.0, 9.0), Fault("asic", 0, 6.0, 18.0)), hours=24.0)
    found = fdmc.replay(load(ENGINES, workload=job("all_gather")), day)
    step = lambda lane_seconds: 0.02 + SIZE / LANE * lane_seconds
    alone, both, plane = (
        share * step(3 / 8) / step(seconds)
        for share, seconds in ((3 / 4, 1 / 3), (3 / 4, 2 / 3), (1, 3 / 4))
    )
    assert found.work_rate.tolist() == pytest.approx([1, alone, both, plane, 1], rel=RTOL)


CLASSED = {"fabric": {**ENGINES["fabric"], "classes": CLASSES}}
GROUP = {"op": "all_gather", "size": "1 GB", "group": "tensor"}


@pytest.mark.parametrize(
    ("base", "path", "value", "said"),
    [
        (ENGINES, "components.gpu.direction", "send", "'gpu' on 'package' takes compute"),
        (ENGINES, "components.chip.direction", "up", "send"),
        (ENGINES, "components.diode.direction", "both", "counted with spares for each direction, and 'diode'"),
        (ENGINES, "units.bank.components.chip", 1, None),
        (ENGINES, "workload.uses", 2, "parts fail in one direction"),
        ({**ENGINES, **CLASSED}, "workload.uses", 2, "a fabric with classes"),
        (LEAVES, "components.optic.direction", "send", "a fabric with a trunk"),
        (TORUS, "components.ocs.direction", "receive", "a fabric with a torus"),
    ],
)  # fmt: skip
def test_one_problem(base, path, value, said):
    document = json.loads(json.dumps({"fdmc": 1, "name": "test", "mission": "5 y", **base}))
    document.setdefault("workload", {})
    if "torus" in base["fabric"]:
        document["workload"] = {"slice": 2}
    *around, last = path.split(".")
    here = document
    for key in around:
        here = here[key]
    here[last] = value
    if said is None:
        assert fdmc.load(document)
        return
    with pytest.raises(ScenarioError) as caught:
        fdmc.load(document)
    text = "\n".join(str(problem) for problem in caught.value.problems)
    assert said in text
    assert len(caught.value.problems) == 1, text


def test_every_problem_at_once():
    """A structure of both directions, groups, a policy of blocks."""
    units = {**ENGINES["units"], "bank": {"components": {"driver": 1, "chip": 1}}}
    units["bank"]["structure"] = {"and": ["driver", "chip"]}
    units["asic"] = {**units["asic"], "components": {}}
    with pytest.raises(ScenarioError) as caught:
        load(
            ENGINES,
            units=units,
            workload={"parallel": {"tensor": 2, "data": 2}, "collectives": [GROUP]},
            fabric={"policy": {"elastic": "data"}},
        )
    said = {problem.path for problem in caught.value.problems}
    assert {"components.driver.direction", "fabric.policy", "workload.collectives[0].group"} <= said
    ring = {"accelerator": "package", "planes": 2, "ring": {"node": "package", "hops": 2}}
    with pytest.raises(ScenarioError, match="a fabric with a ring has closed forms for equal"):
        load({**ENGINES, "fabric": ring})
    with pytest.raises(ScenarioError, match="test finds lanes lost both ways"):
        fdmc.load("cpo-chiplet", [f"components.{p}.direction=send" for p in ("ring", "heater")])


def test_what_is_said_of_directions():
    scenario = fdmc.load(EXAMPLE)
    shown = machine_object(describe(scenario))
    assert "lane/vcsel, bank/amplifier take only what accelerators send" in shown["fabric"][0]
    takes = {row["name"]: row["takes"] for row in shown["classes"]}
    assert takes["bank/driver"]["direction"] == takes["lane/detector"]["direction"] == "receive"
    assert takes["engine/driver"]["text"].endswith("2 of 4 planes, sending only")
    assert takes["engine/connector"]["direction"] is None
    left = from_plan(*lower(scenario)).left_out
    assert "what lanes send or receive" in left["engine/driver"]
    assert "engine/connector" not in left


def test_both_directions_are_none():
    """Written or not, it is the old fingerprint, and the old plan."""
    plain = one_way({**ENGINES, "components": dict.fromkeys(ENGINES["components"], PART)})
    both = one_way(plain, laser="both", chip="both")
    assert load(plain).fingerprint == load(both).fingerprint != load(ENGINES).fingerprint
    assert lower(load(both))[0].sharing is None
    jsonschema.validate({"fdmc": 1, "mission": "5 y", **both}, schema())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"mission": "5 y", **one_way(plain, laser="up")}, schema())
