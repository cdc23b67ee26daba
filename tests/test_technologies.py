"""The optical technologies: one machine and one job, counts by hand, and what the comparison does with them."""

import dataclasses

import numpy as np
import pytest
from scipy import stats

import fdmc
from benchmarks import _technologies as compared, technologies
from benchmarks._results import RESULTS
from benchmarks._technologies import BASE, NAMES, OPTICS, POLICIES, SPARED, Knob, Moved
from fdmc.collect import costs_of
from fdmc.collect._compare import Arm, share
from fdmc.collect._engine import Programs
from fdmc.library import row
from fdmc.plan import lower
from fdmc.spec import load


SIZES = (256, 512)
NEW = [name for name in NAMES if name not in ("pluggable", "cpo")]


def total(scenario, unit):
    return scenario.tree.nodes[unit].total


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", NAMES)
def test_one_job(name, size):
    """The same accelerators, racks, planes, bandwidth and work; parts that are no optics are the same parts."""
    scenario, first = load(f"{name}-{size}"), load(f"pluggable-{size}")
    assert scenario.workload == first.workload
    assert scenario.start == first.start == "new"
    assert scenario.mission_hours == first.mission_hours
    fabric = scenario.fabric
    ring = (
        name == "ocs-ring"
    )  # no packet switches: both sides of an accelerator take the place of planes
    assert fabric.planes == (2 if ring else 16)
    assert fabric.lanes_per_link * fabric.lane_rate_gbps == (6400 if ring else 800)
    assert fabric.policy == first.fabric.policy
    units = {"package": size, "tray": size // 4, "rack": size // 64}
    for unit, count in (units if ring else units | {"chip": size // 8}).items():
        assert total(scenario, unit) == count
    for part, value in first.components.items():
        if part != "module" and not (ring and part == "switch"):
            assert scenario.components[part] == value
    # A switch chip has 102.4 Tb/s: what all links bring is what all chips end.
    lanes_gbps = fabric.planes * fabric.lanes_per_link * fabric.lane_rate_gbps
    assert size * lanes_gbps == 12_800 * size
    assert ring or size * lanes_gbps == total(scenario, "chip") * 102_400


def test_a_ring_takes_its_time():
    """What the scenario and the page say of the same job on a ring: its all-to-all crosses two links."""
    steps = {}
    for name in ("pluggable", "ocs-ring"):
        work = lower(load(f"{name}-512"))[0].work
        late = np.maximum(work.healthy_seconds - work.overlap_seconds, 0)
        steps[name] = 1e3 * (float(work.compute_seconds) + late.sum())
    assert steps["ocs-ring"] == pytest.approx(180 + 512**2 / 4 / 512 * 2**29 / 2 / 800e9 * 1e3)
    assert round(steps["ocs-ring"]) == 223
    assert round(steps["pluggable"]) == 180
    path = load("ocs-ring-512").fabric.ring
    assert (path.node, path.hops, path.closed) == ("tray", 3, True)


@pytest.mark.parametrize("name", ["npo", "cpo", "cpo-vcsel", "cpo-inp"])
def test_lanes_of_engines(name):
    """Two engines bring all lanes that an accelerator has, and an eighth more; both ends have as many engines."""
    scenario = load(f"{name}-512")
    lanes = scenario.tree.nodes["lane"]
    assert 2 * lanes.need == scenario.fabric.planes * scenario.fabric.lanes_per_link
    assert 8 * (lanes.count - lanes.need) == lanes.need
    assert total(scenario, "engine") == total(scenario, "switch_engine")


@pytest.mark.parametrize(("name", "engine_end"), [("cpo-vcsel", 1e-16), ("cpo-inp", 1e-7)])
def test_spare_lanes_suffice_where_lanes_are_not_modelled(name, engine_end):
    """What the comments of the scenarios say of an engine in a switch: a binomial over the mission."""
    scenario = load(f"{name}-512")
    lanes = scenario.tree.nodes["lane"]
    rate = sum(
        1 / scenario.components[c].lifetime.mean_hours for c in scenario.units["lane"].components
    )
    failed = rate * scenario.mission_hours
    assert stats.binom.sf(lanes.count - lanes.need, lanes.count, failed) < engine_end


def test_ports_of_the_circuit_switches():
    """16 accelerators reach 18 planes, the ninth tray's among them, through one switch of the row's ports."""
    scenario = load("ocs-512")
    accelerators = total(scenario, "package") // total(scenario, "circuit_switch")
    tray = scenario.fabric.planes // total(scenario, "switch_tray")
    out = accelerators * (scenario.fabric.planes + tray)
    assert (accelerators, out) == (16, 288)
    assert out <= float(row("OCS-LC").lanes)
    assert total(scenario, "path") == 512 * 16


def test_repairs():
    """The FRU and what its swap takes out, from the module to the package."""
    rules = {
        ("pluggable", "module"): ("module", None),
        ("lpo", "module"): ("module", None),
        ("microled", "link"): ("link", None),
        ("npo", "engine"): ("engine", "tray"),
        ("cpo", "package"): ("package", "tray"),
        ("cpo", "els"): ("els", None),
    }
    for (name, rule), (fru, out) in rules.items():
        found = load(f"{name}-512").service.replace[rule]
        assert (found.swap, found.takes_out) == (fru, out)
    assert load("copper-64").service.replace["cable"].takes_out == "rack"


@pytest.mark.parametrize(
    ("name", "watts"),
    [
        ("pluggable", 8192 * 25.0),
        ("lpo", 8192 * 8.0),
        ("microled", 16_384 * 4.2),
        ("ocs", 8192 * 25.0 + 32 * 100.0),
        ("ocs-ring", 4096 * 27.0),
        # An engine pair of 12.8 Tb/s at 0.75 and at 5 pJ/bit, at both ends.
        ("cpo-vcsel", 2048 * 4.8),
        ("cpo-inp", 2048 * 32.0),
    ],
)
def test_watts_of_the_optics(name, watts):
    assert costs_of(load(f"{name}-512")).optics_watts == pytest.approx(watts, rel=1e-12)
    assert costs_of(load(f"{name}-256")).optics_watts == pytest.approx(watts / 2, rel=1e-12)


def test_rows_of_power():
    """Joules per bit of the rows that engines were given: 6.4 Tb/s each."""
    for name, id in {"cpo-vcsel": "VCSEL-CPO", "cpo-inp": "OIO-OCI"}.items():
        pj = row(id).picojoules_per_bit
        assert load(f"{name}-512").economics.power["engine"].value == pytest.approx(
            pj * 6.4, rel=1e-9
        )
    npo = load("npo-512").economics.power
    lights = (
        9 * npo["laser"].value / 4 + npo["els_board"].value / 4
    )  # a laser module lights four engines
    assert npo["switch_engine"].value + lights == pytest.approx(40, abs=0.5)  # 2 x NPO-32


# --- what is varied ---


def test_a_knob_sets_what_it_says():
    """Every uncertain row of every technology at its high end; laws that wear keep shape and are scaled."""
    for name in ("lpo", "npo", "cpo-vcsel", "cpo-inp", "ocs"):
        for knob in compared.knobs(name):
            assert knob.low <= knob.best <= knob.high
        changed = compared.scenario(name, 512, sets=compared.arms(name, rows=False)[OPTICS, "high"])
        for knob in compared.knobs(name):
            if knob.optics and knob.grade == "C":
                mean = changed.components[knob.component].lifetime.mean_hours
                assert mean == pytest.approx(1e9 / knob.high, rel=1e-9)
    pump = next(knob for knob in compared.knobs("lpo") if knob.component == "pump")
    slow, fast = (load("lpo-512", pump.set(fit)).components["pump"].lifetime for fit in (1e4, 4e4))
    assert slow.shape == fast.shape == 2
    assert slow.scale_hours == pytest.approx(4 * fast.scale_hours)
    assert (
        load("lpo-512", pump.set(pump.best)).components["pump"].lifetime
        == load("lpo-512").components["pump"].lifetime
    )


def test_a_warm_laser_ages_alike():
    laser = next(knob for knob in compared.knobs("cpo") if knob.component == "laser")
    before, after = (
        s.components["laser"] for s in (load("cpo-512"), load("cpo-512", laser.set(20.0)))
    )
    assert (after.at_kelvin, after.current) == (before.at_kelvin, before.current)
    (was,), (now,) = before.mechanisms, after.mechanisms
    assert now.lifetime.mean_hours == pytest.approx(was.lifetime.mean_hours)
    for field in ("reference_kelvin", "activation_energy_ev"):
        assert getattr(now, field) == pytest.approx(getattr(was, field))


def test_a_whole_engine_has_the_rate_of_its_row():
    for name, (id, copies) in compared.WHOLE.items():
        sets = compared.arms(name, rows=True)[compared.ENGINE, "best"]
        parts = load(f"{name}-512", sets).components
        engine = [part for part in compared.IN_ENGINES if part in parts]
        rate = sum(1e9 / parts[part].lifetime.mean_hours for part in engine)
        assert rate == pytest.approx(copies * row(id).fit_typ, rel=1e-3)
        gbps = row(id).bandwidth_gbps
        assert copies * gbps == pytest.approx(6400)


def test_what_spares_stand_behind_moves_together():
    arms = compared.arms("cpo", rows=True)
    assert (SPARED, "low") in arms
    assert compared.spared("cpo") == {"psu", "pump", "ring", "heater", "detector", "laser"}
    assert not {"PIC-MRM", "PIC-HTR", "PIC-GEPD", "LAS-UHP"} & {name for name, _ in arms}
    assert {"PIC-DIE", "EIC-7NM", "FAU", "OE-ATTACH", "ELS-MOD"} <= {name for name, _ in arms}


def moved(gains, half=0.001):
    """A comparison by hand: for each technology and arm its gain; what is lost is 0.1 less that."""
    width = lambda x: fdmc.Estimate(x - half, x, x + half, "1", 1)
    return {
        name: {arm: Moved(name, arm, width(0.1 - x), width(x)) for arm, x in arms.items()}
        for name, arms in gains.items()
    }


def test_ranks_and_changed_places_by_hand(monkeypatch):
    """Three machines: the row of b and c takes b below a when high; c goes with it and stays last."""
    monkeypatch.setattr(compared, "NAMES", {})
    some = moved(
        {
            "a": {BASE: 0.02},
            "b": {BASE: 0.03, ("ROW", "low"): 0.035, ("ROW", "high"): 0.01},
            "c": {BASE: 0.01, ("ROW", "low"): 0.011, ("ROW", "high"): -0.02},
        }
    )
    assert [compared.ranks(some, name, "") for name in "abc"] == [(2, 2), (1, 1), (3, 3)]
    assert compared.ranks(some, "b", "ROW") == (1, 2)
    (effect,) = compared.row_effects(some)
    assert effect.technologies == ("b", "c")
    assert effect.most == "c"
    assert (effect.low, effect.high) == (pytest.approx(-0.001), pytest.approx(0.03))
    assert effect.flips == ("a before b (high)",)
    # Within the intervals nothing changes places.
    close = moved(
        {name: {arm: e.gain.best for arm, e in arms.items()} for name, arms in some.items()},
        half=0.02,
    )
    assert next(compared.row_effects(close)).flips == ()


def test_variations_share_programs():
    """What differs in numbers only has one shape, and the room that any of them needs; far more room is its own."""
    arms, programs = compared.arms("cpo", rows=True), Programs()
    kinds = (BASE, (OPTICS, "low"), ("OE-ATTACH", "high"), (OPTICS, "high"))
    found = [Arm(compared.scenario("cpo", 512, "park", arms[kind]), 1, programs) for kind in kinds]
    alone = [arm.bounds for arm in found]
    share(found)
    base, low, high, all_high = [arm.bounds for arm in found]
    assert len({arm.engine.shape for arm in found}) == 1
    assert base == low == high
    assert len(set(alone)) > 2
    assert all_high.latents == alone[3].latents > 4 * base.latents
    for arm, own in zip(found, alone, strict=True):
        arm.engine.close()
        assert all(
            room >= least
            for room, least in zip(
                dataclasses.astuple(arm.bounds), dataclasses.astuple(own), strict=True
            )
        )


def test_every_policy_has_its_rows():
    assert set(technologies.WORDS) == set(technologies.ROW_TITLES) == set(POLICIES)


def test_every_grade_that_is_moved_is_of_the_library():
    for name in NEW:
        for knob in compared.knobs(name):
            assert isinstance(knob, Knob)
            assert knob.grade in "BC"
            assert dataclasses.astuple(knob)[1] in {"ELS-MOD"} or row(knob.row).fit_typ == knob.best


@pytest.mark.statistical
def test_copper_fails_as_often_as_its_cables_say():
    """8,192 pairs of 5 FIT, less what is down; every swap takes out all 64 accelerators. |z| <= 4.9."""
    result = fdmc.run("copper-64", seed=1, stop=fdmc.Replicas(256), chunk=128)
    seen, exact = result["occurrences_per_year.cable"], 8192 * 5e-9 * 8760
    assert abs(seen.best - exact) <= 4.9 / 1.96 * seen.width / 2
    rack = result.blast_radius[64]
    others = sum(
        result[f"occurrences_per_year.{part}"].best
        for part in ("flow", "switch", "coupling", "cold_plate")
    )
    assert seen.best <= rack.best <= seen.best + others + result["occurrences_per_year.pump"].best


def test_the_page_has_the_tables_of_the_results():
    """What stands between the marks was made by one run, whose section is in RESULTS.md; all names are packaged."""
    page = (technologies.DOCS / "technologies.md").read_text()
    made = page.partition(technologies.BEGIN)[2].partition(technologies.END)[0]
    results = RESULTS.read_text()
    tables = [line for line in made.splitlines() if line.startswith("|")]
    assert len(tables) > 3 * 3
    assert [line for line in tables if line not in results] == []
    assert all(f"`{name}`" in page for name in NAMES)
