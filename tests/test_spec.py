"""Loading: what a document means, its tree, its overrides, its fingerprint, its schema."""

import copy
import dataclasses
import math
import subprocess
import sys

import numpy as np
import pytest
import yaml

from fdmc import library, spec
from fdmc.spec import load


TEXT = """
fdmc: 1
name: small
title: a small pod
mission: 5 y
components:
  gpu:   {rate: 1000 FIT, repair: 4 h, source: field}
  laser: {mtbf: 1000 h}
  ring:  {lifetime: {weibull: {shape: 1.6, scale: 9 y}}}
  pump:
    lifetime: {bathtub: {infant: {weibull: {shape: 0.5, scale: 90 y}}, random: {rate: 100 FIT}}}
  chip:  {use: NVSWITCH}
units:
  pod:    {contains: {tray: 4, asic: 4}}
  tray:   {contains: {package: 2, els: 2, loop: 1}}
  package: {components: {gpu: 1}, contains: {engine: 2}}
  engine: {contains: {lane: {count: 9, need: 8}}}
  lane:   {components: {ring: 1}}
  els:    {components: {laser: {count: 3, need: 2}}, feeds: engine}
  loop:   {components: {pump: {count: 2, need: 1}}, feeds: tray}
  asic:   {components: {chip: 1}}
fabric: {accelerator: package, plane: asic, lanes_per_link: 4, lane_rate: 200 Gb/s}
service:
  technicians: 2
  replace:
    package:
      {takes_out: tray, time: {lognormal: {median: 24 h, p90: 72 h}}, stock: 6, restock: 21 d}
    laser: {swap: els, time: 1 h}
workload:
  compute: 180 ms
  collectives: [{op: all_reduce, size: 1 GiB, overlap: 60 ms}]
  checkpoint: {write: 30 s}
"""


def document():
    return yaml.safe_load(TEXT)


def close(law, expected):
    """Whether two laws are the same up to the rounding of units."""
    if isinstance(law, spec.Competing):
        return all(close(a, b) for a, b in zip(law.laws, expected.laws, strict=True))
    numbers = dataclasses.astuple(expected)
    return type(law) is type(expected) and dataclasses.astuple(law) == pytest.approx(numbers)


@pytest.fixture
def small():
    return load(document())


def test_scenario(small):
    assert (small.name, small.title, small.mission_hours) == ("small", "a small pod", 43800.0)
    assert (small.start, small.run_in_hours) == ("new", 0.0)
    assert small.fabric == spec.Fabric(
        "package", "asic", 4, 4, 200.0, 1.0, spec.Policy("degrade", None)
    )
    assert small.workload == spec.Workload(
        0.18,
        (spec.Collective("all_reduce", 2.0**30, 0.06, "optimal"),),
        spec.Checkpoint(30.0, None),
        spec.Restart(0.0, 0.0),
        1,
        1,
    )
    assert small.service.technicians == 2
    rule = small.service.replace["package"]
    assert close(rule.time, spec.LogNormal(24.0, math.log(3) / 1.2815515655446004))
    assert dataclasses.replace(rule, time=None) == spec.Rule(
        "package", "package", "tray", None, 6, 504.0, None
    )
    assert small.units["els"] == spec.Unit("els", {}, {"laser": spec.Group(3, 2)}, "engine")
    assert small.units["els"].components["laser"].spares == 1


def test_components(small):
    gpu = small.components["gpu"]
    assert close(gpu.lifetime, spec.Exponential(1e6))
    assert (gpu.repair, gpu.source, gpu.grade, gpu.use) == (spec.Fixed(4.0), "field", "user", None)
    assert close(small.components["laser"].lifetime, spec.Exponential(1000.0))
    assert small.components["laser"].source == "not stated"
    assert close(small.components["ring"].lifetime, spec.Weibull(1.6, 9 * 8760.0))
    pump = small.components["pump"].lifetime
    assert close(pump, spec.Competing((spec.Weibull(0.5, 788400.0), spec.Exponential(1e7))))
    assert pump.kind == "competing"
    chip = small.components["chip"]
    assert (chip.use, chip.grade, chip.repair) == ("NVSWITCH", "C", spec.Fixed(8.0))
    assert close(chip.lifetime, spec.Exponential(1e9 / 400))


LAWS = [
    ("lifetime", {"exponential": {"mean": "24 h"}}, spec.Exponential(24.0)),
    ("lifetime", {"exponential": {"rate": "1 /d"}}, spec.Exponential(24.0)),
    ("lifetime", {"mtbf": "1 d"}, spec.Exponential(24.0)),
    ("lifetime", {"lognormal": {"median": "24 h", "sigma": 0.5}}, spec.LogNormal(24.0, 0.5)),
    ("lifetime", {"gamma": {"shape": 2, "scale": "3 h"}}, spec.Gamma(2.0, 3.0)),
    ("repair", {"gamma": {"shape": 2, "mean": "3 h"}}, spec.Gamma(2.0, 1.5)),
    ("repair", {"exponential": {"mtbf": "24 h"}}, spec.Exponential(24.0)),
    ("repair", {"fixed": "90 min"}, spec.Fixed(1.5)),
    ("repair", "90 min", spec.Fixed(1.5)),
]


@pytest.mark.parametrize(("field", "written", "law"), LAWS)
def test_laws(field, written, law):
    data = document()
    data["components"]["gpu"] = {"rate": "1 FIT"} if field == "repair" else {}
    data["components"]["gpu"][field] = written
    assert close(getattr(load(data).components["gpu"], field), law)


def test_library_row_overridden():
    data = document()
    data["components"]["gpu"] = {"use": "GPU", "repair": "2 h"}
    gpu = load(data).components["gpu"]
    assert (gpu.repair, gpu.grade) == (spec.Fixed(2.0), "A")
    assert close(gpu.lifetime, spec.Exponential(1e9 / 6970))
    data["components"]["gpu"] = {"use": "GPU", "rate": "5 FIT"}
    gpu = load(data).components["gpu"]
    assert (gpu.grade, gpu.repair) == ("user", spec.Fixed(24.0))
    assert gpu.source == "not stated (overrides GPU)"
    data["components"]["gpu"] = {"use": "FAN"}
    assert close(load(data).components["gpu"].lifetime, spec.Weibull(1.5, 300000.0))
    data["components"]["gpu"] = {"use": "TEC"}
    assert close(load(data).components["gpu"].lifetime, spec.LogNormal(990000.0, 0.5))


def test_defaults():
    data = document()
    del data["workload"], data["service"], data["name"]
    data["start"] = "stationary"
    scenario = load(data)
    assert scenario.name == "scenario"
    assert scenario.run_in_hours == 8760.0
    assert scenario.workload.compute_seconds == 1.0
    assert scenario.workload.checkpoint == spec.Checkpoint(0.0, None)
    assert scenario.service == spec.Service(None, {})
    assert load({**data, "run_in": "10 d"}).run_in_hours == 240.0


@pytest.mark.parametrize(
    ("written", "policy"),
    [
        ("degrade", spec.Policy("degrade", None)),
        ("park", spec.Policy("park", "package")),
        ("drop", spec.Policy("park", "pod")),
        ({"park": "tray"}, spec.Policy("park", "tray")),
    ],
)
def test_policies(written, policy):
    data = document()
    data["fabric"]["policy"] = written
    assert load(data).fabric.policy == policy


def test_planes_given_as_a_number():
    data = document()
    del data["units"]["pod"]["contains"]["asic"], data["units"]["asic"], data["components"]["chip"]
    data["fabric"] = {"accelerator": "package", "planes": 6, "lane_rate": "1 Gb/s"}
    assert load(data).fabric.planes == 6
    del data["fabric"]["planes"]
    assert load(data).fabric.planes == 1


def test_plain_laboratory_system():
    scenario = load(
        {
            "mission": "1 y",
            "components": {
                "machine": {"mtbf": "1000 h", "repair": {"exponential": {"mean": "24 h"}}}
            },
            "units": {"lab": {"components": {"machine": {"count": 6, "need": 5}}}},
            "fabric": {"accelerator": "lab"},
            "service": {"technicians": 1},
        }
    )
    assert scenario.tree.root == "lab"
    assert scenario.fabric.lane_rate_gbps == 0.0


def test_tree(small):
    tree = small.tree
    assert tree is small.tree
    assert tree.root == "pod"
    assert list(tree.nodes) == ["pod", "tray", "package", "engine", "lane", "els", "loop", "asic"]
    lane = tree.nodes["lane"]
    assert lane == spec.Node("lane", "engine", 9, 8, 144, 4, (), "pod/tray/package/engine/lane")
    assert tree.nodes["tray"].children == ("package", "els", "loop")
    assert tree.ancestors("engine") == ("engine", "package", "tray", "pod")
    assert tree.below("package") == ("package", "engine", "lane")
    assert tree.per("tray", "engine") == 4
    assert tree.per("tray", "tray") == 1
    with pytest.raises(ValueError, match="not inside"):
        tree.per("engine", "tray")


@pytest.mark.parametrize(
    ("path", "name", "numbers"),
    [
        ("pod", "pod", [0]),
        ("tray", "tray", [0, 1, 2, 3]),
        ("tray[2]", "tray", [2]),
        ("pod.tray[*].package[1]", "package", [1, 3, 5, 7]),
        ("tray[1].package", "package", [2, 3]),
        ("tray[1].engine", "engine", [4, 5, 6, 7]),
        ("tray[1].engine[1]", "engine", [5, 7]),
        ("tray[3].package[0].engine[1].lane[8]", "lane", [13 * 9 + 8]),
    ],
)
def test_select(small, path, name, numbers):
    found, instances = small.tree.select(path)
    assert found == name
    assert instances.dtype == np.int64
    np.testing.assert_array_equal(instances, numbers)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("tary[1]", "no unit is called 'tary'.*did you mean 'tray'"),
        ("tray[4]", r"out of range: 0 to 3"),
        ("tray[99999999999]", r"out of range"),
        ("package.tray", "'tray' is not below 'package'"),
        ("asic.engine", "not below"),
        ("tray[-1]", "no step of a path"),
        ("tray[1", "no step of a path"),
        ("", "no step of a path"),
        ("tray.tray", "stands twice"),
    ],
)
def test_select_refuses(small, path, message):
    with pytest.raises(ValueError, match=message):
        small.tree.select(path)


def test_resolve_rule(small):
    rule = spec.resolve_rule(small, "lane", "ring")
    assert (rule.name, rule.swap, rule.takes_out, rule.when) == (
        "package",
        "package",
        "tray",
        "short",
    )
    assert spec.resolve_rule(small, "package", "gpu").when == "failed"
    rule = spec.resolve_rule(small, "els", "laser")
    assert (rule.name, rule.swap, rule.takes_out, rule.when) == ("laser", "els", None, "short")
    rule = spec.resolve_rule(small, "loop", "pump")
    assert rule == spec.Rule("pump", "pump", None, None, None, None, "failed")
    with pytest.raises(KeyError, match="has no component"):
        spec.resolve_rule(small, "loop", "gpu")


@pytest.mark.parametrize(
    ("swap", "when"), [("ring", "failed"), ("lane", "failed"), ("engine", "short")]
)
def test_when_follows_the_counted_element(swap, when):
    scenario = load(document(), [f"service.replace.ring={{swap: {swap}}}"])
    assert spec.resolve_rule(scenario, "lane", "ring").when == when
    written = load(document(), [f"service.replace.ring={{swap: {swap}, when: short}}"])
    assert spec.resolve_rule(written, "lane", "ring").when == "short"


def test_frozen(small):
    with pytest.raises(dataclasses.FrozenInstanceError):
        small.mission_hours = 1.0


def test_overrides():
    data = document()
    before = copy.deepcopy(data)
    scenario = load(
        data,
        [
            "components.gpu.rate=500 FIT",
            "components.laser.rate=2 /y",
            "components.chip.rate=7 FIT",
            "components.gpu.repair={lognormal: {median: 2 h, sigma: 1}}",
            "components.ring.lifetime.weibull.scale=8 y",
            "service.technicians=4",
            "service.replace.package.time=3 h",
            "service.replace.els={time: 2 h}",
            "units.els.components.laser.need=1",
            "units.tray.contains.els.count=4",
            "units.asic.components.chip=2",
            "workload.collectives[0].size=2 GiB",
            "workload.restart.detect=1 min",
            "fabric.policy.park=tray",
            "mission = 1 y",
        ],
    )
    assert data == before
    assert close(scenario.components["gpu"].lifetime, spec.Exponential(2e6))
    assert scenario.components["gpu"].repair == spec.LogNormal(2.0, 1.0)
    assert close(scenario.components["laser"].lifetime, spec.Exponential(4380.0))
    assert close(scenario.components["chip"].lifetime, spec.Exponential(1e9 / 7))
    assert close(scenario.components["ring"].lifetime, spec.Weibull(1.6, 8 * 8760.0))
    assert scenario.service.technicians == 4
    assert scenario.service.replace["package"].time == spec.Fixed(3.0)
    assert scenario.service.replace["els"].time == spec.Fixed(2.0)
    assert scenario.units["els"].components["laser"] == spec.Group(3, 1)
    assert scenario.units["tray"].contains["els"] == spec.Group(4)
    assert scenario.units["asic"].components["chip"] == spec.Group(2)
    assert scenario.workload.collectives[0].size_bytes == 2.0**31
    assert scenario.workload.restart.detect_seconds == 60.0
    assert scenario.fabric.policy == spec.Policy("park", "tray")
    assert scenario.mission_hours == 8760.0


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("components.gpuu.rate=5 FIT", "did you mean 'gpu'?"),
        ("components.gpu.rat=5 FIT", "components.gpu.rat: no such key; did you mean 'rate'?"),
        ("unit.tray.contains.els=3", "unit: no such key; did you mean 'units'?"),
        ("units.tray.contains.elss=3", "did you mean 'els'?"),
        ("workload.collectives[3].size=1 GiB", "the list has 1 entries"),
        ("service.replace.engin.time=3 h", "did you mean 'engine'?"),
        ("mission", "is no path=value"),
        ("=3", "is no path=value"),
        ("mission=4", '"4" has no unit; write "4 y"'),
        ("mission=", "is not a time"),
        ("mission.x=3", "no such place"),
        ("mission=[4", "cannot be read"),
        ("units.els.components.laser.need=7", "7 exceeds count 3; write a need between 1 and 3"),
        ("units.asic.components.chip.need=2", "2 exceeds count 1"),
    ],
)
def test_overrides_refused(setting, message):
    with pytest.raises(spec.ScenarioError) as caught:
        load(document(), [setting])
    assert message in str(caught.value)


def test_a_scenario_and_its_document_load_again(small):
    assert load(small.document).fingerprint == small.fingerprint
    assert load(small).fingerprint == small.fingerprint
    changed = load(small, ["mission=1 y"])
    assert changed.fingerprint != small.fingerprint
    assert load(changed.document).mission_hours == 8760.0
    assert small.document["mission"] == "5 y"


def test_fingerprint_depends_on_content_alone(small, tmp_path):
    assert len(small.fingerprint) == 16
    int(small.fingerprint, 16)

    def reverse(value):
        if isinstance(value, dict):
            return {key: reverse(value[key]) for key in reversed(value)}
        return value

    assert load(reverse(document())).fingerprint == small.fingerprint
    file = tmp_path / "other.yaml"
    file.write_text("# a comment\n" + TEXT.replace("5 y", "43800 h").replace("a small pod", "else"))
    assert load(file).fingerprint == small.fingerprint
    file.write_text(TEXT.replace("1000 FIT", "1e-6 /h").replace("180 ms", "0.18 s"))
    assert load(str(file)).fingerprint == small.fingerprint
    file.write_text(
        TEXT.replace("{swap: els, time: 1 h}", "{swap: els, takes_out: nothing, time: 1 h}")
    )
    assert load(file).fingerprint == small.fingerprint
    for old, new in [("1000 FIT", "1001 FIT"), ("need: 8", "need: 7"), ("lognormal", "gamma")]:
        text = TEXT.replace(old, new).replace("{gamma: {median: 24 h, p90: 72 h}}", "3 h")
        file.write_text(text)
        assert load(file).fingerprint != small.fingerprint


def test_schema():
    schema = spec.schema()
    assert schema["title"] == "fdmc scenario"
    assert "mission" in schema["required"]
    jsonschema = pytest.importorskip("jsonschema")
    validator = jsonschema.Draft202012Validator(schema)
    validator.check_schema(schema)
    validator.validate(document())
    for path in library.scenarios().values():
        # What it extends is merged in: a change of another document is whole only together with it.
        validator.validate(load(path).document)
    bad = document()
    bad["fabrik"] = {}
    assert not validator.is_valid(bad)
    bad = document()
    bad["units"]["tray"]["contains"]["els"] = 0
    assert not validator.is_valid(bad)


def test_every_key_of_the_schema_is_described():
    schema = spec.schema()
    for name, form in schema["$defs"].items():
        assert form.get("description"), name
    for key, value in schema["properties"].items():
        assert value.get("description") or "$ref" in value, key


def test_spec_imports_no_accelerator_library():
    code = "import sys, fdmc.spec._load; print(sorted({'jax', 'equinox'} & set(sys.modules)))"
    shield = "import types, sys, pathlib; p = types.ModuleType('fdmc'); "
    shield += "p.__path__ = ['fdmc']; sys.modules['fdmc'] = p; "
    done = subprocess.run([sys.executable, "-c", shield + code], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr
