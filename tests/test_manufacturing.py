"""Manufacturing in the document: what may be written, what it becomes, and what is made of it."""

import json
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import yaml
from _made import TEXT, base, changed

import fdmc
from fdmc import library, yields
from fdmc.kernel import packages, stream_keys
from fdmc.plan import PACKAGE_STREAMS, package_plan, stream
from fdmc.spec import load, schema
from fdmc.spec._manufacturing_form import RingAtTestForm, WaferForm


Z = 4.9  # one false alarm in a million
MADE = [
    "cpo-2.5d",
    "cpo-2d",
    "cpo-3d",
    "cpo-chiplet",
    "cpo-monolithic",
    "inp-2d",
    "npo",
    "vcsel-2d",
]


def test_what_is_written_is_what_comes_in(tmp_path):
    file = tmp_path / "made.yaml"
    file.write_text(TEXT)
    scenario = load(file)
    made = scenario.manufacturing
    assert made is not None
    assert (made.unit, made.currency, made.bins) == ("engine", "USD", (1.0, 0.75))
    assert (made.lanes.unit, made.lanes.die, made.lanes.area_mm2) == ("lane", "pic", 2.0)
    assert made.lanes.ring is not None
    assert (made.lanes.ring.test_kelvin, made.lanes.ring.spread_kelvin) == (333.15, 4.0)
    assert made.clustering.wafers_per_lot == 4
    pic, host, memory = (made.parts[name] for name in ("pic", "host", "memory"))
    assert (pic.area_mm2, pic.carbon_g_per_mm2, pic.wafer.cost) == (50.0, 20.0, 4000.0)
    assert pic.layers[0].density_per_cm2 == pytest.approx(0.5, rel=1e-12)
    assert (host.layers[0].layers, host.layers[0].critical) == (2, 0.8)
    assert (memory.area_mm2, memory.good, memory.test.coverage) == (None, 0.99, 0.0)
    stack, fibres = made.steps
    assert (stack.step, stack.chips, stack.lanes.bonds) == ("stack", 2, 50)
    assert (fibres.chips, fibres.carbon_kg, fibres.fibre_prob) == (0, 0.5, 0.99865)
    assert made.mount is not None
    assert made.mount.steps[0].chips == 5
    assert made.latent is not None
    assert made.latent.infant is not None
    assert (made.latent.infant.shape, made.latent.infant.scale_hours) == (0.5, 20_000.0)
    again = load(scenario.document)
    assert again == scenario
    assert again.fingerprint == scenario.fingerprint


def test_off_is_as_if_it_were_not_there():
    without = base()
    del without["manufacturing"]
    off = load(base(), ["manufacturing.on=false"])
    assert off.manufacturing is None
    assert off.fingerprint == load(without).fingerprint != load(base()).fingerprint
    with pytest.raises(ValueError, match="says nothing of manufacturing"):
        fdmc.manufacture(off)


def test_the_order_of_steps_is_content_and_the_order_of_parts_is_not():
    one, data = load(base()).fingerprint, base()
    data["manufacturing"]["parts"] = dict(reversed(data["manufacturing"]["parts"].items()))
    assert load(data).fingerprint == one
    data["manufacturing"]["steps"].reverse()
    assert load(data).fingerprint != one
    assert load(changed("manufacturing.parts.pic.source", "a paper")).fingerprint == one


SETS = (
    "lanes.area=1 mm2",
    "lanes.ring.spread=5 K",
    "parts.pic.wafer.edge=3 mm",
    "parts.eic.law.named=poisson",
    "parts.host.layers[0].density=0.1 /cm2",
    "parts.pic.test.williams_brown=0.5",
    "steps[0].joining.preset=organic",
    "steps[1].lanes.loss=0.01",
    "mount.steps[0].cost=71",
    "bins=[1]",
    "latent.burn_in.time=48 h",
    "clustering.wafer=4",
)


@pytest.mark.parametrize("setting", SETS)
def test_set_reaches_every_place(setting):
    assert load(base(), [f"manufacturing.{setting}"]).fingerprint != load(base()).fingerprint


def test_numbers_of_the_ring_come_from_the_link():
    data = base()
    data["thermal"] = {
        "on": False, "template": "2d", "coolant": "40 degC",
        "link": {"ring": {"unit": "lane", "spread": "5 K", "range": "25 K"}},
    }  # fmt: skip
    data["manufacturing"]["lanes"]["ring"] = {"test": "75 degC", "spread": "3 K"}
    made = load(data).manufacturing
    assert made is not None
    ring = made.lanes.ring
    assert ring is not None
    assert (ring.top_kelvin, ring.range_kelvin, ring.budget_kelvin) == (363.15, 25.0, 0.5)
    assert ring.spread_kelvin == 3.0
    assert set(RingAtTestForm.model_fields) == {"test", "top", "range", "budget", "spread"}


def test_defaults_are_those_of_the_library():
    wafer = yields.CHIPLET_ACTUARY_WAFER
    form = WaferForm()
    assert (form.diameter, form.edge, form.scribe) == (
        wafer.diameter_mm,
        wafer.edge_mm,
        wafer.scribe_mm,
    )
    made = load(base()).manufacturing
    assert made is not None
    assert made.steps[0].fibre_prob == yields.FIBRE_PROB


def test_the_schema_has_it():
    found = schema()
    assert "manufacturing" in found["properties"]
    assert "extends" in found["properties"]
    form = found["$defs"]["ManufacturingForm"]["properties"]
    assert set(form) >= {"unit", "lanes", "clustering", "parts", "steps", "mount", "bins", "latent"}


# The factory.


def test_lanes_of_a_group():
    """Every number of the die, by hand."""
    made = yields.factory(load(base()))
    die, ratio = made.die, 0.2
    woken = ratio * -math.expm1(-math.sqrt(24 * 50 / 20_000))
    assert (die.lanes, die.spares, made.dies, made.packages, made.per_mount) == (8, 2, 1, 16, 2)
    assert die.lane_defects == pytest.approx(0.005 * 2 * (1 + woken), rel=1e-12)
    assert die.fatal_defects == pytest.approx(0.005 * 30 * (0.1 + woken), rel=1e-9)
    assert die.latent_ratio == pytest.approx((ratio - woken) / (1 + woken), rel=1e-12)
    better = yields.passing_density(
        0.005 * 30 * 0.9, made.clustering
    )  # of dies that the wafer's test passes
    assert better < 0.95
    assert die.latent_fatal_defects == pytest.approx(
        (ratio - woken) * 0.005 * 30 * better, rel=1e-9
    )
    (eic,), (host,) = made.dormant["eic"].layers, made.mounted["host"].layers
    assert eic == (yields.NegativeBinomial(10.0), pytest.approx(0.03), 1)
    assert host == (yields.Seeds(), pytest.approx(0.16), 2)
    assert (made.dormant["eic"].woken, made.mounted["host"].woken) == (
        pytest.approx(woken / ratio),
        0,
    )
    tuned = yields.TunedRing(10.0, 4.0, 20.0, 0.5)
    good = 0.999999**50 * (0.99865 * 0.998) * yields.resonance_yield(tuned)
    lost = 1 - good
    assert die.shared_loss_prob == pytest.approx(0.2 * lost, rel=1e-9)
    whole = die.shared_loss_prob + (1 - die.shared_loss_prob) * die.lane_loss_prob
    assert whole == pytest.approx(lost, rel=1e-9)  # Fleming's model keeps the loss of one lane
    assert set(made.lane_losses) == {"stack", "fibres", "ring"}
    assert made.wafers_per_lot == 4
    passed = yields.all_good_prob(0.005 * 30 * 0.9, made.clustering)
    dies = yields.gross_dies(50.0, yields.CHIPLET_ACTUARY_WAFER) * passed
    assert made.packages_per_wafer == int(dies)


def test_cost_is_that_of_chiplet_actuary():
    """Four chips of 200 mm2 (and a tenth) on an organic substrate, case Y04: 231.03 USD."""
    data = base()
    data["units"]["engine"] = {"contains": {"lane": 1}}
    four = data["manufacturing"]
    del four["mount"], four["latent"], four["lanes"]["ring"]
    four["clustering"], four["bins"] = {}, [1]
    four["lanes"] |= {"area": "0 mm2", "common_cause": 0}
    wafer = {"cost": 9346}
    four["parts"] = {
        "pic": {"area": "0.01 mm2", "density": "0 /cm2"},
        "chip": {
            "area": "220 mm2", "density": "0.09 /cm2", "law": {"negative_binomial": 10}, "wafer": wafer,
        },
    }  # fmt: skip
    substrate = 4 * 4 * 220 * 0.005 * 2 + 4 * 220 * 0.005  # and the bumps of good chips
    four["steps"] = [
        {"step": "attach", "parts": {"pic": 1, "chip": 4}, "joining": "organic", "chips": 4, "cost": substrate}
    ]  # fmt: skip
    made = fdmc.manufacture(load(data), packages=16)
    assert made["unit.cost"].best == pytest.approx(231.03485257652048, rel=1e-6)
    assert made["unit.cost"].status == "exact"
    assert made["product.cost"] == made["unit.cost"]
    assert sum(sum(one[1:]) for one in made.spendings["unit"]) == pytest.approx(231.03485257652048)
    assert made["unit.scrap.attach"].best == pytest.approx(1 - 0.99**4)


def test_carbon_is_that_of_eco_chip():
    """Case Y09: 148 mm2 of 7 nm; the offcut is not divided by the yield."""
    data = base()
    made = data["manufacturing"]
    del made["mount"], made["latent"]
    made["parts"] = {"pic": {**made["parts"]["pic"], "density": "0 /cm2"}, "eic": {
        "area": "148 mm2", "density": "0.2 /cm2", "law": {"negative_binomial": 10}, "carbon": "26.13 g/mm2",
        "wafer": {"diameter": "450 mm", "edge": "0 mm", "scribe": "0 mm"},
    }}  # fmt: skip
    del made["parts"]["pic"]["carbon"]
    made["steps"] = [{"step": "stack", "parts": {"pic": 1, "eic": 1}}]
    made["lanes"] |= {"common_cause": 0}
    del made["lanes"]["ring"]
    found = fdmc.manufacture(load(data), packages=16)
    assert found["unit.carbon"].best == pytest.approx(5.499026, rel=1e-5)
    assert found["unit.carbon"].unit == "kg"


def test_chip_last_costs_less_than_chip_first():
    """A fault of the interposer is found before chips are on it, or after."""
    costs = []
    for step in ("stack", "fibres"):
        data = base()
        data["manufacturing"]["parts"]["interposer"] = {"cost": 50, "good": 0.8}
        if step == "stack":
            data["manufacturing"]["steps"][0]["parts"]["interposer"] = 1
        else:
            data["manufacturing"]["parts"]["interposer"]["test"] = 0
            data["manufacturing"]["steps"][1]["parts"] = {"interposer": 1}
        costs.append(fdmc.manufacture(load(data), packages=16)["unit.cost"].best)
    assert costs[0] < costs[1]


def test_bonding_untested_wafers_is_the_product_of_the_yields():
    data = base()
    for part in ("pic", "eic"):
        data["manufacturing"]["parts"][part]["test"] = 0
    data["manufacturing"]["steps"][0] |= {"joining": "hybrid_wafer_to_wafer", "test": 1}
    del data["manufacturing"]["latent"]
    made = yields.factory(load(data))
    stack = yields.make(yields.Product("stack", made.product.steps[:1])).ship_prob
    eic = yields.die_yield(30.0, 0.1, yields.NegativeBinomial(10.0))
    bonds = yields.joining_yield(yields.HYBRID_WAFER_TO_WAFER, 2, bonds=1000)
    assert stack == pytest.approx(eic * bonds, rel=1e-9)
    # What takes a photonic die whole is found where its lanes are counted.
    assert made.die.fatal_defects == pytest.approx(0.15)


def test_escapes_are_not_found_by_burn_in():
    with_oven = fdmc.manufacture(load(base()), packages=16)
    data = base()
    del data["manufacturing"]["latent"]["burn_in"], data["manufacturing"]["latent"]["infant"]
    without = fdmc.manufacture(load(data), packages=16)
    assert with_oven["unit.escape_prob"].best == pytest.approx(
        without["unit.escape_prob"].best, rel=1e-12
    )
    assert with_oven["unit.scrap.burn_in"].best > 0
    assert "unit.scrap.burn_in" not in without.exact
    assert with_oven["unit.ship_prob"].best < without["unit.ship_prob"].best


# What is made.


def test_the_whole_adds_up():
    made = fdmc.manufacture(load(base()), packages=2000)
    scrap = sum(made[name].best for name in made.exact if name.startswith("unit.scrap."))
    assert made["unit.ship_prob"].best + scrap == pytest.approx(1, abs=1e-12)
    bins = made["unit.bin.1"].best + made["unit.bin.0.75"].best
    assert made["unit.ship_prob"].best == pytest.approx(bins, abs=1e-12)
    assert sum(row.exact.best for row in made.shipped) == pytest.approx(bins, abs=1e-9)
    assert sum(row.exact.best for row in made.lost) == pytest.approx(1, abs=1e-9)
    assert sum(row.sampled.best for row in made.lost) == pytest.approx(1, abs=1e-9)
    for what in ("unit", "product"):
        spent = sum(sum(one[1:]) for one in made.spendings[what])
        assert spent == pytest.approx(made[f"{what}.cost"].best, rel=1e-12)
        kept = made[f"{what}.bandwidth"].best * made[f"{what}.ship_prob"].best
        assert made[f"{what}.yield_adjusted_bandwidth"].best == pytest.approx(kept, rel=1e-12)
    engine = next(one for one in made.spendings["product"] if one.name == "engine")
    assert engine.raw == pytest.approx(2 * made["unit.cost"].best, rel=1e-12)
    assert made["product.peak_bandwidth"].best == pytest.approx(2 * 8 * 0.1)
    json.dumps(made.to_dict())


@pytest.mark.statistical
@pytest.mark.parametrize("unit", ["engine", "package"])
def test_samples_agree_with_the_closed_forms(unit):
    """Every sampled metric with an exact one, and every cell that is seen often enough."""
    data = base()
    if unit == "package":
        made = data["manufacturing"]
        made["steps"] += made.pop("mount")["steps"]
        del made["steps"][-1]["parts"]["engine"]
        made["steps"][0]["parts"] = {"pic": 2, "eic": 2}
        made["unit"] = "package"
    found = fdmc.manufacture(load(data), packages=1_000_000, seed=3)
    checked = 0
    for name, seen in found.sampled.items():
        if name in found.exact:
            checked += 1
            assert abs(seen.best - found.exact[name].best) <= Z / 1.96 * seen.width / 2, name
    assert checked >= 9
    cells = [row for row in (*found.shipped, *found.lost) if row.exact.best > 1e-3]
    assert len(cells) >= 9
    for row in cells:
        assert abs(row.sampled.best - row.exact.best) <= Z / 1.96 * row.sampled.width / 2, row


@pytest.mark.statistical
def test_latent_defects_that_ship():
    """Without repair or scrap every good lane ships: the mean is that of a thinned Poisson count."""
    data = base()
    made = data["manufacturing"]
    del made["mount"], made["lanes"]["ring"]
    del made["latent"]["burn_in"], made["latent"]["infant"]
    made["parts"] = {"pic": {**made["parts"]["pic"], "area": "20 mm2", "test": 1}}
    made["steps"] = [{"step": "look", "parts": {"pic": 1}}]
    made["clustering"], made["bins"] = {"die": 2}, [1, 0.1]
    found = fdmc.manufacture(load(data), packages=1_000_000, seed=5)
    mean, ratio = 0.01, 0.2
    good = yields.NegativeBinomial(2.0)
    # A lane is good and has a latent defect: no killer, less no killer and no latent one.
    expected = 10 * (good.good_prob(mean) - good.good_prob((1 + ratio) * mean))
    seen = found.sampled["unit.latent_lanes"]
    assert found["unit.ship_prob"].best > 1 - 1e-9
    assert abs(seen.best - expected) <= Z / 1.96 * seen.width / 2
    assert found["unit.latent_lanes"].best == pytest.approx(float(expected), rel=1e-9)


def test_units_are_those_of_the_kernel_and_chunks_do_not_matter(monkeypatch):
    scenario = load(base())
    whole = fdmc.manufacture(scenario, packages=16 * 50, seed=9)
    monkeypatch.setattr("fdmc.collect._manufacture._DIES", 16 * 7)
    told = []
    cut = fdmc.manufacture(scenario, packages=16 * 50, seed=9, progress=told.append)
    assert cut.sampled == whole.sampled
    assert cut.shipped == whole.shipped
    assert (len(told), told[-1]) == (8, 1.0)
    made = yields.factory(scenario)
    plan = package_plan(
        made.die, made.clustering, packages=made.packages, dies=made.dies,
        packages_per_wafer=made.packages_per_wafer, wafers_per_lot=made.wafers_per_lot,
        assembly_prob=made.assembly_prob,
    )  # fmt: skip
    keys = stream_keys(9, np.array([stream(name) for name in PACKAGE_STREAMS], np.uint32))
    drawn = jax.jit(packages)(plan, keys, jnp.arange(50, dtype=jnp.uint32))
    good = (np.asarray(drawn.lost).max(0) <= 2 + 2) & ~np.asarray(drawn.scrapped)
    assert whole.sampled["unit.ship_prob"].best == pytest.approx(good.mean(), rel=1e-12)
    assert whole.packages == 800


def test_one_machine_has_no_interval():
    found = fdmc.manufacture(load(base()), packages=1)
    assert found.replicas == 1
    assert found.sampled["unit.ship_prob"].status == "one_replica"
    assert found.exact["unit.ship_prob"].status == "exact"
    assert found.exact["unit.ship_prob"].width == 0


def test_what_cannot_be_made():
    with pytest.raises(ValueError, match="no unit ships"):
        fdmc.manufacture(load(changed("manufacturing.steps.1.lanes.loss", 1)), packages=16)
    with pytest.raises(ValueError, match=r"packages must be in \[1, 2\^31\], but is 0"):
        fdmc.manufacture(load(base()), packages=0)


# The packaged scenarios.


@pytest.mark.parametrize(
    "name",  # each takes seconds to compile
    [pytest.param(x, marks=() if x.endswith("-2d") else pytest.mark.verification) for x in MADE],
)
def test_packaged_scenarios_are_made(name):
    scenario = load(name)
    made = scenario.manufacturing
    assert made is not None
    fabric = scenario.fabric
    lanes = fabric.planes * fabric.lanes_per_link
    assert (lanes, fabric.lane_rate_gbps) == (64, 100.0)
    found = fdmc.manufacture(scenario, packages=4096)
    assert found["product.peak_bandwidth"].best == pytest.approx(6.4)
    assert found.product == "package"
    for part in (*made.parts.values(), *made.steps, *(made.mount.steps if made.mount else ())):
        assert part.source != "not stated", part
    assert fdmc.manufacture(load(scenario.document), packages=64).exact == found.exact


@pytest.mark.parametrize(
    "name",  # each takes seconds to compile
    [
        "vcsel-2d",
        *(
            pytest.param(x, marks=pytest.mark.verification)
            for x in ("cpo-chiplet", "cpo-3d", "npo")
        ),
    ],
)
def test_packaged_scenarios_run(name):
    result = fdmc.run(load(name), stop=fdmc.Replicas(8), chunk=8)
    assert 0.9 < result["goodput"].best < 1


def test_extended_files_are_short():
    for name in MADE:
        text = library.scenarios()[name].read_text()
        assert "extends" in yaml.safe_load(text)
        assert len(text.splitlines()) < 90
