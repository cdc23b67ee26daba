"""Manufacturing in the document: every kind of mistake, and what is said about it."""

import pytest
from _made import base, changed, problems

from fdmc.spec import load


# Each row: where, what is written there, and what is said; nothing else may be said.
ONE_PROBLEM = [
    # Lanes.
    ("lanes.area", "-1 mm2", 'manufacturing.lanes.area: "-1 mm2" must be zero or more.'),
    ("lanes.area", 2, 'lanes.area: "2" has no unit; write "2 mm2".'),
    ("lanes.area", "2 mm", 'lanes.area: "2 mm" is not a area'),
    ("lanes.area", "6 mm2", 'area: 10 lanes of 6 mm2 are more than the 50 mm2 of their die; write at most "5 mm2".'),
    ("lanes.unit", "lanee", "manufacturing.lanes.unit: no unit is called \"lanee\"; did you mean 'lane'?"),
    ("lanes.unit", "package", "lanes.unit: 'package' is not below 'engine'; write one of lane."),
    ("lanes.die", "pik", "manufacturing.lanes.die: no part is called \"pik\"; did you mean 'pic'?"),
    ("lanes.common_cause", 1.5, "lanes.common_cause: 1.5 must be between 0 and 1."),
    ("lanes.ring.spread", None, "lanes.ring.spread: missing; give it here, or a thermal.link.ring to read it from."),
    ("lanes.ring.range", "0 K", 'lanes.ring.range: "0 K" must be more than zero.'),
    # Clustering.
    ("clustering.die", 0, "manufacturing.clustering.die: 0 must be more than 0."),
    ("clustering.wafer", -2, "manufacturing.clustering.wafer: -2 must be more than 0."),
    ("clustering", None, "manufacturing.clustering: missing"),
    ("clustering.wafers_per_lot", 0, "wafers_per_lot: 0 must be at least 1"),
    # Parts.
    ("parts.pic.area", "0 mm2", 'manufacturing.parts.pic.area: "0 mm2" must be more than zero.'),
    ("parts.eic.density", "-0.1 /cm2", 'parts.eic.density: "-0.1 /cm2" must be zero or more.'),
    ("parts.eic.density", 0.1, 'parts.eic.density: "0.1" has no unit; write "0.1 /cm2".'),
    ("parts.eic.law", {"negative_binomial": 0}, "parts.eic.law.negative_binomial: 0 must be more than 0."),
    ("parts.eic.law", {"negative_binomial": -1}, "parts.eic.law.negative_binomial: -1 must be more than 0."),
    ("parts.eic.law", "gauss", 'parts.eic.law: "gauss" is no law of defects; write poisson, murphy, seeds, {neg'),
    ("parts.eic.law", None, "parts.eic.law: missing: how defects gather matters more than how many there are; write"),
    ("parts.pic.law", "seeds", "parts.pic.law: the defects of the die of the lanes gather as manufacturing.clustering"),
    ("parts.pic.test", {"linear": 0.9}, "finds defects, not dies; write {williams_brown: 0.9}, or the number alone."),
    ("parts.memory.good", 1.1, "parts.memory.good: 1.1 must be more than 0 and at most 1."),
    ("parts.memory.density", "1 /cm2", "memory: density is of dies, and no area is given; give the area of the die."),
    ("parts.pic.good", 0.9, "parts.pic: area and good exclude each other; drop good"),
    ("parts.pic.density", None, "parts.pic: no density of defects is given; give density, such as \"0.1 /cm2\"."),
    ("parts.host.density", "1 /cm2", "parts.host: layers excludes density and law; write them in the layers."),
    ("parts.host.layers", [{"density": "1 /cm2"}], "parts.host.layers[0].law: missing: how defects gather"),
    ("parts.host.layers.0.critical", 0, "host.layers[0].critical: 0 must be more than 0 and at most 1."),
    ("parts.host.area", "60000 mm2", "parts.host.area: a wafer of 300 mm holds no die of 60000 mm2; divide the die"),
    ("parts.host.wafer.diameter", "5 mm", "host.area: a wafer of 5 mm holds no die of 400 mm2"),
    ("parts.host.wafer.cost", -1, "parts.host.wafer.cost: -1 must be 0 or more."),
    ("parts.eic.test", 1.2, "parts.eic.test: 1.2 must be between 0 and 1."),
    ("parts.eic.test", {}, "parts.eic.test: no coverage is given; give one of linear, williams_brown."),
    ("parts.pic.carbon", "20 g", '"20 g" is not a carbon per area; write a carbon per area such as "20 g/mm2".'),
    ("parts.spare", {"good": 1}, "manufacturing.parts.spare: no step takes it; put it into the parts of a step, or"),
    # Steps.
    ("steps.0.parts.pik", 1, "manufacturing.steps[0].parts.pik: no part has this name; did you mean 'pic'?"),
    ("steps.0.parts.pic", 2, "steps: 'engine' has 1 group of lanes, but 2 pic enter its steps; give a step"),
    ("steps.0.joining", "glue", 'steps[0].joining.preset: "glue" is not possible; write organic, fan_out'),
    ("steps.0.joining", None, "steps[0]: chips are joined, but joining is missing; write one such as micro_bump."),
    ("steps.0.joining", {"bond": 0.9}, "steps[0].joining: neither preset nor alignment is given"),
    ("steps.0.joining", {"alignment": 1.1}, "joining.alignment: 1.1 must be more than 0 and at most 1."),
    ("steps.0.step", "burn_in", "steps[0].step: 'burn_in' is a word of fdmc's own; rename it."),
    ("steps.1.step", "stack", "steps[1].step: two steps have this name; rename one."),
    ("steps.1.fibres", -1, "steps[1].fibres: -1 must be at least 0."),
    ("steps.1.good", 2, "steps[1].good: 2 must be more than 0 and at most 1."),
    ("steps.1.lanes.loss", -0.1, "steps[1].lanes.loss: -0.1 must be between 0 and 1."),
    ("steps.1.carbon", "0.5", 'steps[1].carbon: "0.5" has no unit; write "0.5 kg".'),
    ("steps.1.prats", {}, "manufacturing.steps[1].prats: unknown key; did you mean 'parts'?"),
    # Mount.
    ("mount.unit", "lane", "manufacturing.mount.unit: 'lane' does not hold 'engine'; write one of package, pod."),
    ("mount.unit", "pakage", "mount.unit: no unit is called \"pakage\"; did you mean 'package'?"),
    ("mount.steps.0.parts.engine", 1, "mount.steps: 'package' holds 2 engine, but 1 enter the steps; give a step"),
    ("mount.steps.0.lanes", {"loss": 0.1}, "the lanes are counted before 'engine' is mounted; move it to the steps"),
    # The rest.
    ("unit", "engin", "manufacturing.unit: no unit is called \"engin\"; did you mean 'engine'?"),
    ("bins", [0.75, 1], "manufacturing: bins must fall; name the largest first, such as [1, 0.875]."),
    ("bins", [1.5], "manufacturing.bins[0]: 1.5 must be more than 0 and at most 1."),
    ("bins", [], "manufacturing: bins must fall"),
    ("latent.infant", None, "manufacturing.latent: burn_in without infant; give infant: it says what burn-in wakes."),
    ("latent.ratio", -1, "manufacturing.latent.ratio: -1 must be 0 or more."),
    ("latent.burn_in.acceleration", 0, "burn_in.acceleration: 0 must be more than 0."),
    ("on", "yes", 'manufacturing.on: "yes" is neither true nor false; write true or false.'),
]  # fmt: skip


@pytest.mark.parametrize(("path", "value", "said"), ONE_PROBLEM, ids=lambda x: str(x)[:40])
def test_one_problem(path, value, said):
    found = problems(changed(f"manufacturing.{path}", value))
    assert len(found) == 1, found
    assert said in found[0]


def test_more_spares_than_lanes():
    data = base()
    data["units"]["engine"]["contains"]["lane"] = {"count": 10, "need": 4}
    assert problems(data) == [
        "units.engine.contains.lane.need: 6 spares are more than the 4 lanes; write a need of 5 or more."
    ]


def test_bandwidth_needs_a_rate():
    data = base()
    del data["fabric"]["lane_rate"]
    (said,) = problems(data)
    assert said.startswith("fabric.lane_rate: missing, and manufacturing needs it; write one such")


def test_many_problems_at_once():
    data = base()
    made = data["manufacturing"]
    made["unit"] = "engin"
    made["parts"]["pic"]["area"] = "-50 mm2"
    made["parts"]["eic"]["test"] = 3
    made["clustering"]["lot"] = 0
    made["mount"]["steps"][0]["cost"] = -70
    assert len(problems(data)) == 5


def test_off_is_checked_all_the_same():
    assert (
        len(problems(changed("manufacturing.parts.pic.area", "0 mm2"), ["manufacturing.on=false"]))
        == 1
    )


def test_rivals_give_way_to_what_is_set():
    assert load(base(), ["manufacturing.parts.eic.law.bose_einstein=4"]).manufacturing
    assert load(
        base(), ["manufacturing.parts.host.density=0.1 /cm2", "manufacturing.parts.host.law=seeds"]
    )
