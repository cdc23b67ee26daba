"""What failures leave, classes of traffic, trunks: states by hand, chains, whole histories, and bad input."""

import itertools
import math
import statistics
from typing import Any

import jax.numpy as jnp
import jsonschema
import numpy as np
import pytest
from _machines import LEAVES, PART, TORUS, exponential, load
from _states import slots_of, state_of
from test_domain import CLASSED, CLASSES, UP

import fdmc
from fdmc import fabric, reference
from fdmc.plan import lower
from fdmc.report._fabric import fabric_text
from fdmc.spec import ScenarioError, schema


RTOL = 2e-5
Z = 4.9
LANE = 100e9 / 8  # bytes per second


def worth(scenario, *failed: str):
    """Return the work rate and the used accelerators in a state.

    They are the reference's: `test_domain` holds the engine to it, in random states of such machines.
    """
    machine = reference.build(scenario)
    parts = [machine.part(*_named(name)) for name in failed]
    work = reference.work(machine, reference.capacities(machine, parts))
    return work.rate, work.used


def _named(name: str) -> tuple[str, int]:
    name, _, number = name.partition("[")
    return name, int(number.rstrip("]") or 0)


# Four accelerators on one plane by ten lanes; a slow port leaves 60 % of them.
PORTS: dict[str, Any] = {
    "components": {
        "gpu": PART,
        "port": {**PART, "leaves": "60 %"},
        "chip": {**PART, "leaves": 0.9},
    },
    "units": {
        "pod": {"contains": {"package": 4, "asic": 1}},
        "package": {"components": {"gpu": 1}, "contains": {"engine": 1}},
        "engine": {"components": {"port": 1}},
        "asic": {"components": {"chip": 1}},
    },
    "fabric": {
        "accelerator": "package",
        "plane": "asic",
        "lanes_per_link": 10,
        "lane_rate": "100 Gb/s",
        "classes": {"high": {"share": 0.5}, "low": {"share": "30 %", "priority": 2}},
    },
}
SIZE = 1e9


def job(*collectives: tuple[str, str | None]) -> dict[str, Any]:
    listed = [{"op": op, "size": "1 GB", **({"class": c} if c else {})} for op, c in collectives]
    return {"compute": "20 ms", "collectives": listed}


def moved(lanes: float, n: int = 4) -> float:
    """Seconds of an all-to-all or an all-gather among n."""
    return (n - 1) / n * SIZE / (lanes * LANE)


def test_the_lower_class_gives_way():
    """Of 6 lanes that are left, 5 stay with the first class and one of 3 with the second."""
    scenario = load(PORTS, workload=job(("all_to_all", "high"), ("all_gather", "low")))
    healthy = 0.02 + max(moved(5), moved(3))
    assert worth(scenario, "engine/port")[0] == pytest.approx(healthy / (0.02 + moved(1)), rel=RTOL)
    assert worth(scenario)[0] == pytest.approx(1.0, rel=RTOL)
    # The plane at 90 %: only what has no class has lost anything.
    assert worth(scenario, "asic/chip")[0] == pytest.approx(1.0, rel=RTOL)


def test_classes_run_side_by_side_and_a_class_one_by_one():
    shares = {"high": {"share": 0.5}, "low": {"share": 0.25, "priority": 2}}
    load_of = lambda *c: load(
        PORTS, workload=job(*c), fabric={**PORTS["fabric"], "classes": shares}
    )
    two = load_of(("all_to_all", "high"), ("all_gather", "high"), ("reduce_scatter", "low"))
    assert worth(two, "engine/port")[0] == pytest.approx(
        (0.02 + max(2 * moved(5), moved(2.5))) / (0.02 + max(2 * moved(5), moved(1))), rel=RTOL
    )


def test_without_lanes_of_a_class_an_accelerator_is_not_used():
    """Nothing is left for what has no class, so that three accelerators go on."""
    scenario = load(PORTS, workload=job(("all_to_all", "high"), ("all_gather", None)))
    good, less = (0.02 + max(moved(5, n), moved(2, n)) for n in (4, 3))
    rate, used = worth(scenario, "engine/port")
    assert used == 3
    assert rate == pytest.approx(3 / 4 * good / less, rel=RTOL)


def test_background_takes_lanes_and_moves_no_step():
    classes = {"high": {"share": 0.5, "priority": 2}, "background": {"share": 0.5}}
    fabric = {**PORTS["fabric"], "classes": classes}
    scenario = load(PORTS, workload=job(("all_to_all", "high")), fabric=fabric)
    slow = (0.02 + moved(5)) / (0.02 + moved(1))
    assert worth(scenario, "engine/port")[0] == pytest.approx(slow, rel=RTOL)


def two_racks(uplinks: int = 2, **workload: Any):
    """Two racks of two accelerators, a leaf switch in each, a trunk of four lanes on two uplinks."""
    return load(
        {
            "components": dict.fromkeys(("gpu", "chip", "cable"), PART),
            "units": {
                "pod": {"contains": {"rack": 2}},
                "rack": {"contains": {"package": 2, "leaf": 1, "uplink": uplinks}},
                "package": {"components": {"gpu": 1}},
                "leaf": {"components": {"chip": 1}},
                "uplink": {"components": {"cable": 1}},
            },
            "fabric": {
                "accelerator": "package",
                "plane": "leaf",
                "lanes_per_link": 10,
                "lane_rate": "100 Gb/s",
                "trunk": {"unit": "rack", "lanes": 4, "link": "uplink"},
            },
        },
        workload={"compute": "20 ms", **workload},
    )


def steps(lanes_up: float, total_up: float) -> dict[str, float]:
    """Seconds of a step of each collective: ten lanes inside, and these across, the least and all together."""
    inside, up, total = 10 * LANE, lanes_up * LANE, total_up * LANE
    half = SIZE / 2 / inside  # a reduce-scatter or an all-gather of two
    return {
        "all_reduce": 2 * half + SIZE * max(1 / up, 2 / total),
        "all_gather": half + SIZE / 2 / up,
        "reduce_scatter": half + SIZE / 2 / up,
        "broadcast": SIZE / inside + SIZE / up,
        "all_to_all": max(3 / 4 * SIZE / inside, 2 * SIZE / 2 / up),
    }


def test_two_levels_by_hand():
    """A cable of two is lost: the engine, and the reference."""
    good, bad = steps(4, 8), steps(2, 6)
    scenario = two_racks(collectives=[{"op": op, "size": "1 GB"} for op in good])
    rate, used = worth(scenario, "uplink/cable[1]")
    assert used == 4
    slower = (0.02 + sum(good.values())) / (0.02 + sum(bad.values()))
    assert rate == pytest.approx(slower, rel=RTOL)
    plan, directory = lower(scenario)
    machine = reference.build(scenario)
    cable = machine.part("uplink/cable", 1)
    state = state_of(plan, [slots_of(machine, plan, directory, [cable], set())])
    assert state.rate[0] == pytest.approx(slower, rel=RTOL)
    assert state.efficiency[:, 0] == pytest.approx([good[op] / bad[op] for op in good], rel=RTOL)
    assert plan.work.healthy_seconds == pytest.approx(list(good.values()), rel=RTOL)


def test_a_rack_without_trunk_or_leaf_is_not_used():
    """One rack goes on by itself, and needs no trunk."""
    scenario = two_racks(1, collectives=[{"op": "all_gather", "size": "1 GB"}])
    alone = 2 / 4 * (0.02 + steps(4, 8)["all_gather"]) / (0.02 + SIZE / 2 / (10 * LANE))
    for failed in ("uplink/cable[1]", "leaf/chip[1]"):
        rate, used = worth(scenario, failed)
        assert used == 2
        assert rate == pytest.approx(alone, rel=RTOL)
    # The cable of one rack, and both accelerators of the other.
    assert worth(scenario, "uplink/cable[0]", "package/gpu[2]", "package/gpu[3]") == (0, 0)


def test_what_a_failure_leaves_shows_in_the_work_of_a_chain():
    """One part that leaves 60 %: the work is 1 less 40 % of the time that a two-state chain is down."""
    part = {**exponential(1000.0, 100.0), "leaves": "60 %"}
    document = {
        "components": {"port": part},
        "units": {"system": {"components": {"port": 1}}},
        "fabric": {"accelerator": "system"},
        "mission": "1 y",
    }
    a, b, t = 1e-3, 1e-2, 8760.0
    down = a / (a + b) * (1 + math.expm1(-(a + b) * t) / ((a + b) * t))
    found = fdmc.run(load(document), seed=1, stop=fdmc.Replicas(4096))["work_rate"]
    spread = (found.high - found.low) / 2 / 1.96
    assert abs(found.best - (1 - 0.4 * down)) < Z * spread
    assert spread < 1e-3


def test_spares_step_in_for_the_worst():
    """Of 3 lasers 2 are needed, and a failed one leaves half: one costs nothing, two a quarter."""
    document = {
        "components": {"laser": {**PART, "leaves": 0.5}},
        "units": {"system": {"components": {"laser": {"count": 3, "need": 2}}}},
        "fabric": {"accelerator": "system"},
    }
    lasers = [f"system/laser[{i}]" for i in range(3)]
    rates = [worth(load(document), *lasers[:n])[0] for n in range(4)]
    assert rates == pytest.approx([1.0, 1.0, 0.75, 0.5])


@pytest.mark.verification
def test_histories_with_everything_are_those_of_the_reference():
    components = {**LEAVES["components"], "spine": {**PART, "leaves": "50 %"}}
    components["optic"] = {**PART, "leaves": "25 %"}
    fabric = {**UP["fabric"], "classes": CLASSES}
    scenario = load(UP, components=components, workload=CLASSED, fabric=fabric, mission="200 h")
    machine = reference.build(scenario)
    ours = fdmc.run(scenario, seed=3, stop=fdmc.Replicas(512))["work_rate"]
    theirs = [reference.history(machine, 5, k).work / 200.0 for k in range(250)]
    spread = math.hypot((ours.high - ours.low) / 3.92, statistics.stdev(theirs) / math.sqrt(250))
    assert abs(ours.best - statistics.fmean(theirs)) < Z * spread
    assert 0.1 < ours.best < 0.98


def dense_torus(live: np.ndarray, cube: tuple[int, ...], shape: tuple[int, ...]) -> np.ndarray:
    """Every link of a torus of cubes, those between cubes (and around) being the switches'."""
    links, before = np.ones((len(shape), *shape)), 0
    for j, c in enumerate(cube):
        others = [i for i in range(len(cube)) if i != j]
        sizes = [cube[i] for i in others]
        for x in itertools.product(*map(range, shape)):
            if x[j] % c == c - 1:
                place = np.ravel_multi_index([x[i] % cube[i] for i in others], sizes)
                links[(j, *x)] = live[before + int(place)]
        before += math.prod(sizes)
    return links.reshape(len(shape), -1)


@pytest.mark.parametrize(
    ("cube", "shape"),
    [((3, 3), (3, 6)), ((2, 3), (6, 3)), ((4, 2, 2), (4, 4, 6)), ((1, 3), (4, 3))],
)
def test_switches_and_links_make_the_same_torus(cube, shape):
    rng, planes = np.random.default_rng(len(shape)), sum(math.prod(cube) // c for c in cube)
    live = rng.choice([0.0, 0.25, 1.0], (24, planes), p=[0.1, 0.2, 0.7])
    links = np.stack([dense_torus(each, cube, shape) for each in live])
    want = fabric.torus_state(jnp.asarray(links), shape)
    got = fabric.switched_torus_state(jnp.asarray(live), cube, shape)
    for name in ("min_port", "sum_port", "crossing", "min_link", "min_ring"):
        np.testing.assert_allclose(getattr(got, name), getattr(want, name), rtol=1e-5)
    np.testing.assert_array_equal(got.exact, np.all(live == 1, 1))


def test_a_pod_of_cubes_by_hand():
    """A switch of the first dimension takes 1/16 of its middle cuts; its corner has no port to spare."""
    changed = {"lane_rate": "400 Gb/s", "torus": {"cube": [4, 4, 4], "slice": [16, 8, 8]}}
    big = [{"op": "all_to_all", "size": "1 GB"}, {"op": "all_reduce", "size": "1 GB"}]
    base = fdmc.load("tpuv4-pod").document
    scenario = load(
        base,
        fabric={**base["fabric"], **changed},
        workload={**base["workload"], "collectives": big},
    )
    link, n, lost = 50e9, 1024, 1024 / 4 / 16
    exchange = [8 * 8 * 64**2 / (2 * 64 * left) / n * SIZE / link for left in (1, 15 / 16)]
    reduce = [2 * (n - 1) / (6 * n - 2 * each) * SIZE / link for each in (0, lost)]
    reduce[1] = max(reduce[1], SIZE / (5 * link))
    plan, directory = lower(scenario)
    machine = reference.build(scenario)
    slots = slots_of(machine, plan, directory, [machine.part("switch/ocs", 3)], set())
    state = state_of(plan, [slots])
    assert plan.work.healthy_seconds == pytest.approx([exchange[0], reduce[0]], rel=RTOL)
    ratios = [exchange[0] / exchange[1], reduce[0] / reduce[1]]
    assert state.efficiency[:, 0] == pytest.approx(ratios, rel=RTOL)
    assert not state.exact[0]


FLAT = {
    **PORTS,
    "fabric": {**PORTS["fabric"], "classes": None},
    "workload": job(("all_to_all", None)),
}
CLASSY = {**PORTS, "workload": job(("all_to_all", "high"))}
RACKS = {**UP, "workload": {"compute": "1 s"}}
CUBES = {
    **TORUS,
    "workload": {"slice": 2, "collectives": [{"op": "all_reduce", "size": "1 GiB"}]},
}
ALL_REDUCE = {"op": "all_reduce", "size": "1 GiB"}
LASERS = {"package": {"components": {"gpu": 1}, "structure": "gpu", "contains": {"engine": 1}}}


@pytest.mark.parametrize(
    ("base", "path", "value", "said"),
    [
        (CLASSY, "components.port.leaves", "100 %", "must be at least 0 % and less than 100 %"),
        (CLASSY, "components.port.leaves", "half", "is no share"),
        (CLASSY, "components.port.leaves", True, "is no share"),
        (CLASSY, "fabric.classes.high.share", "0 %", "more than 0 %"),
        (CLASSY, "fabric.classes.high.share", "80 %", "reserve 110 % of every link"),
        (CLASSY, "fabric.classes.high.priority", 0, "at least 1"),
        (CLASSY, "fabric.classes.high.rank", 1, "rank"),
        (CLASSY, "workload.collectives.0.class", "hihg", "did you mean 'high'"),
        (FLAT, "workload.collectives.0.class", "high", "the fabric has none"),
        (CLASSY, "fabric.classes", {"high": {"share": 1}, "low": {"share": 0.0}}, "more than 0 %"),
        (RACKS, "fabric.trunk.unit", "pod", "no unit between an accelerator and the whole machine"),
        (RACKS, "fabric.trunk.unit", "rak", "did you mean 'rack'"),
        (RACKS, "fabric.trunk.link", "uplnik", "did you mean 'uplink'"),
        (RACKS, "fabric.trunk.link", "engine", "does not stand in 'rack' beside its accelerators"),
        (RACKS, "fabric.trunk.link", "cdu", "supplies other units"),
        (RACKS, "fabric.trunk.lanes", 0, "at least 1"),
        (CUBES, "fabric.torus.slice", [3, 7], "do not fill a slice"),
        (CUBES, "fabric.torus.slice", [9, 3], "has 3 cubes"),
        (CUBES, "fabric.torus.slice", "3x6", "is no shape"),
        (CUBES, "fabric.policy", "park", "does not park cubes of 9"),
        (CUBES, "units.pod.contains.switch", 8, "have 6 positions, and there are 8 planes"),
        (CUBES, "fabric.classes", {"high": {"share": 0.5}}, "a torus has no classes"),
        (CUBES, "workload.collectives.0.op", "broadcast", "no closed form of broadcast on a torus"),
        (CUBES, "workload.collectives.0.algorithm", "direct", "by direct on a torus"),
        (RACKS, "workload.uses", 8, "a fabric with trunk"),
        (CLASSY, "workload.uses", 3, "a fabric with classes"),
        (CUBES, "workload.uses", 18, "a fabric with torus"),
        (RACKS, "workload.collectives", [{**ALL_REDUCE, "algorithm": "in_switch"}], "does not divide"),
    ],
)  # fmt: skip
def test_one_problem(base, path, value, said):
    document = {"fdmc": 1, "name": "test", "mission": "5 y", **base}
    *around, last = (int(key) if key.isdigit() else key for key in path.split("."))
    document = _copied(document)
    here = document
    for key in around:
        here = here[key]
    here[last] = value
    with pytest.raises(ScenarioError) as caught:
        fdmc.load(document)
    text = "\n".join(str(problem) for problem in caught.value.problems)
    assert said in text
    assert len(caught.value.problems) == 1, text


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    return [_copied(item) for item in value] if isinstance(value, list) else value


def test_more_problems():
    """A structure loses all or nothing, elements of one group fail alike, and planes stand in their unit."""
    parts = {"gpu": {**PART, "leaves": 0.5}, "port": {**PART, "leaves": "60 %"}, "chip": PART}
    units = {**PORTS["units"], "package": {"components": {"gpu": 1}, "structure": "gpu"}}
    units["package"]["contains"] = {"engine": {"count": 3, "need": 2}}
    units["engine"] = {"components": {"port": 1, "chip": 1}}
    fabric = {**PORTS["fabric"], "trunk": {"unit": "package", "lanes": 2}}
    with pytest.raises(ScenarioError) as caught:
        load(PORTS, components=parts, units=units, fabric=fabric)
    said = {problem.path for problem in caught.value.problems}
    assert said == {"components.gpu.leaves", "components.port.leaves", "fabric.trunk.unit"}


@pytest.mark.parametrize("document", [CLASSY, RACKS, CUBES])
def test_the_schema_knows_what_may_be_written(document):
    jsonschema.validate({"fdmc": 1, "mission": "5 y", **document}, schema())
    wrong = {**document["fabric"], "trunk": {"unit": "rack"}}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"mission": "5 y", **document, "fabric": wrong}, schema())


def test_show_tells_how_lanes_are_divided():
    def text(document, **more):
        return " ".join(fabric_text(load(document, **more)) or ())

    assert "high 50 % (priority 1), low 30 % (priority 2), and 20 % for what has no" in text(PORTS)
    assert "each of 3 'rack' has planes of its own and a trunk of 8 lanes" in text(UP)
    assert "2 times less than its accelerators have; carried by uplink" in text(UP)
    assert "tori of 3 x 6 chips in cubes of 3 x 3, with 2 lanes" in text(
        TORUS, workload={"slice": 2}
    )
    assert not text(LEAVES, fabric={"trunk": None, "plane": None})


def test_nothing_said_is_the_old_fingerprint():
    """And what is said in two ways is one."""
    plain = load(PORTS, fabric={**PORTS["fabric"], "classes": None})
    other = {**PORTS["components"], "port": {**PART, "leaves": 0.6}, "gpu": {**PART, "leaves": 0}}
    same = load(PORTS, fabric={**PORTS["fabric"], "classes": None}, components=other)
    assert plain.fingerprint == same.fingerprint
    gone = {**other, "port": PART}
    assert load(PORTS, components=gone).fingerprint != load(PORTS).fingerprint


def test_shares_of_lanes_are_those_handed_out_one_by_one():
    """The formula of the plan, against the reference that hands lanes out by priority."""
    names, shares = ("a", "b", "c"), ("20 %", 0.3, 0.25)
    for ranks in itertools.product((1, 2, 3), repeat=3):
        classes = {
            name: {"share": share, "priority": rank}
            for name, share, rank in zip(names, shares, ranks, strict=True)
        }
        workload = job(*(("all_gather", name) for name in (*names, None)))
        scenario = load(PORTS, fabric={**PORTS["fabric"], "classes": classes}, workload=workload)
        sharing, machine = lower(scenario)[0].sharing, reference.build(scenario)
        assert sharing is not None
        assert sharing.reserve is not None
        r = sharing.reserve
        for left in np.linspace(0, 1, 41):
            got = r.share * (1 - np.clip((r.whole - left) / r.level, 0, 1))
            want = reference.granted(machine, float(left))
            for j, name in enumerate((*names, None)):
                assert got[sharing.traffic[j]] == pytest.approx(want[name], abs=1e-6)
