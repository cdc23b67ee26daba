"""Every kind of mistake, what is said about it, and that all of them are said at once."""

import contextlib
import copy
import itertools
import math

import pytest
import yaml

from fdmc.spec import ScenarioError, load


TEXT = """
mission: 5 y
components:
  gpu:   {rate: 1000 FIT, repair: 4 h}
  laser: {rate: 100 FIT}
  ring:  {rate: 10 FIT}
  psu:   {rate: 2000 FIT}
  fan:   {rate: 100 FIT}
  chip:  {rate: 400 FIT}
units:
  pod:     {contains: {rack: 2, asic: 4}}
  rack:    {contains: {tray: 4, shelf: 1}}
  shelf:   {components: {psu: {count: 3, need: 2}}}
  tray:    {contains: {package: 2, els: 2}}
  package: {components: {gpu: 1}, contains: {engine: 2}}
  engine:  {contains: {lane: {count: 9, need: 8}}}
  lane:    {components: {ring: 1}}
  els:     {components: {laser: {count: 3, need: 2}}, contains: {box: 1}, feeds: engine}
  box:     {components: {fan: 1}}
  asic:    {components: {chip: 1}}
fabric: {accelerator: package, plane: asic, lane_rate: 200 Gb/s}
service:
  replace:
    package: {takes_out: tray, time: 24 h, stock: 6, restock: 21 d}
workload:
  collectives: [{op: all_reduce, size: 1 GiB}]
"""


def changed(path, value):
    data = yaml.safe_load(TEXT)
    *around, last = (int(key) if key.isdigit() else key for key in path.split("."))
    here = data
    for key in around:
        here = here[key]
    if value is None:
        del here[last]
    else:
        here[last] = value
    return data


def problems(source, sets=()):
    with pytest.raises(ScenarioError) as caught:
        load(source, sets)
    return caught.value.problems


def test_the_base_is_good():
    assert load(yaml.safe_load(TEXT)).tree.root == "pod"


# Each row: where, what is written there, and what is said; nothing else may be said.
ONE_PROBLEM = [
    ("mission", 5, 'mission: "5" has no unit; write "5 y".'),
    ("mission", "0 h", 'mission: "0 h" must be more than zero.'),
    ("mission", "3 kg", 'mission: "3 kg" is not a time; write a time such as "3 y".'),
    ("mission", None, 'mission: missing; write one such as "5 y".'),
    ("misson", "3 y", "misson: unknown key; did you mean 'mission'?"),
    ("fdmc", 2, 'fdmc: "2" is not possible; write 1.'),
    ("start", "old", 'start: "old" is not possible; write new or stationary.'),
    ("run_in", "1 y", "run_in: only a stationary start has a run-in; write start: stationary."),
    ("name", "a b", 'name: "a b" is not a name; use letters'),
    ("name", ["a"], "is not a name"),
    ("components.gpu.rate", "100", 'components.gpu.rate: "100" has no unit; write "100 FIT".'),
    ("components.gpu.rate", 100, 'components.gpu.rate: "100" has no unit; write "100 FIT".'),
    ("components.gpu.rate", "-1 FIT", 'components.gpu.rate: "-1 FIT" must be more than zero.'),
    ("components.gpu.rate", "0 FIT", "must be more than zero"),
    ("components.gpu.rate", "nan FIT", "is not a finite number"),
    ("components.gpu.rate", math.inf, 'components.gpu.rate: "inf" is not a finite number'),
    ("components.gpu.rate", True, 'components.gpu.rate: "true" is not a failure rate'),
    ("components.gpu.mtbf", "3 h", "components.gpu: rate and mtbf exclude each other"),
    ("components.gpu.sorce", "x", "components.gpu.sorce: unknown key; did you mean 'source'?"),
    ("components.gpu.source", ["x"], "components.gpu.source: \"['x']\" is not a text"),
    ("components.gpu.repair", "3 kg", 'components.gpu.repair: "3 kg" is not a time'),
    ("components.gpu.repair", 3, 'components.gpu.repair: "3" has no unit; write "3 h".'),
    ("components.gpu.repair", {"weibull": {}}, "components.gpu.repair.weibull: unknown key"),
    ("components.gpu.repair", {}, "components.gpu.repair: no law is given; give one of fixed"),
    ("components.gpu", {"use": "GPUU"}, "the library has no row \"GPUU\"; did you mean 'GPU'?"),
    ("components.gpu", {"use": 3}, 'components.gpu.use: "3" is not a name'),
    ("service.replace.package.takes_out", 3, 'package.takes_out: "3" is not a name'),
    ("components.gpu", {"use": "D0-5"}, "components.gpu.use: row D0-5 has no failure rate"),
    ("components.gpu", {"use": "SYS-Q3450"}, "has no failure rate"),
    ("components.gpu", {}, "components.gpu: no lifetime is given; give one of use, rate"),
    ("components.gpu", {"lifetime": "9 y"}, "components.gpu.lifetime: a lifetime cannot be fixed"),
    ("components.gpu", {"lifetime": {"fixed": "9 y"}}, "a lifetime cannot be fixed"),
    ("components.gpu", {"lifetime": {}}, "components.gpu.lifetime: no law is given"),
    ("components.gpu", {"lifetime": {"weibul": {}}}, "did you mean 'weibull'?"),
    ("components.gpu", {"lifetime": {"weibull": {"scale": "9 y"}}}, "weibull.shape: missing"),
    (
        "components.gpu",
        {"lifetime": {"weibull": {"shape": 0, "scale": "9 y"}}},
        "weibull.shape: 0 must be more than 0",
    ),
    (
        "components.gpu",
        {"lifetime": {"weibull": {"shape": "2 h", "scale": "9 y"}}},
        'weibull.shape: "2 h" is not a number',
    ),
    (
        "components.gpu",
        {"lifetime": {"weibull": {"shape": math.nan, "scale": "9 y"}}},
        'shape: "nan" is not a number',
    ),
    (
        "components.gpu",
        {"lifetime": {"lognormal": {"median": "3 h", "p90": "2 h"}}},
        "lognormal: p90 must be longer than the median",
    ),
    (
        "components.gpu",
        {"lifetime": {"lognormal": {"median": "3 h"}}},
        "lognormal: neither p90 nor sigma is given; give one of p90, sigma",
    ),
    (
        "components.gpu",
        {"lifetime": {"gamma": {"shape": 2, "mean": "3 h", "scale": "2 h"}}},
        "gamma: scale and mean exclude each other",
    ),
    (
        "components.gpu",
        {"lifetime": {"bathtub": {"infant": {"rate": "3 FIT"}}}},
        "bathtub: a bathtub has two or three laws",
    ),
    (
        "components.gpu",
        {"lifetime": {"bathtub": {"infant": {"bathtub": {}}, "random": {"rate": "3 FIT"}}}},
        "bathtub.infant.bathtub: unknown key",
    ),
    (
        "components.gpu",
        {"lifetime": {"bathtub": {"infant": "3 h", "random": {"rate": "3 FIT"}}}},
        "bathtub.infant: a lifetime cannot be fixed",
    ),
    ("components.spare", {"rate": "1 FIT"}, "components.spare: no unit has this component"),
    ("components.tray", {"rate": "1 FIT"}, "a component and a unit have this name"),
    ("components.2x", {"rate": "1 FIT"}, '"2x" is not a name'),
    ("units.rack.contains.tray", 0, "units.rack.contains.tray: 0 must be at least 1."),
    ("units.rack.contains.tray", -3, "-3 must be at least 1"),
    ("units.rack.contains.tray", 2.0, '"2.0" is not a count'),
    ("units.rack.contains.tray", True, 'units.rack.contains.tray: "true" is not a count'),
    ("units.rack.contains.tray", "4", '"4" is not a count'),
    ("units.shelf.components.psu", {"need": 3}, "units.shelf.components.psu.count: missing"),
    ("units.rack.contains.tray", {"count": 4, "ned": 3}, "did you mean 'need'?"),
    ("units.rack.contains.tray", 2**31, "must be less than 2147483648"),
    ("units.rack.contains.tray", 2**28, "the machine would have"),
    ("units.rack.contains.tary", 2, "no unit has this name; did you mean 'tray'?"),
    ("units.rack.contains.fan", 2, "units.rack.contains.fan: this is a component"),
    ("units.rack.components", {"els": 2}, "units.rack.components.els: this is a unit"),
    ("units.rack.components", {"fann": 2}, "no component has this name; did you mean 'fan'?"),
    ("units.rack.components", 3, 'units.rack.components: "3" is not a mapping'),
    ("units.rack.contents", {}, "units.rack.contents: unknown key"),
    ("units", 3, 'units: "3" is not a mapping'),
    ("components", [], 'components: "[]" is not a mapping'),
    ("components", {}, "components: none is given; name the parts that fail"),
    ("units", {}, "units: none is given; name the units and what they contain"),
    ("units.rack", 3, 'units.rack: "3" is not a mapping'),
    ("units.rack.contains.engine", 2, "'engine' is contained in 'rack' already"),
    ("units.lane.contains", {"rack": 1}, "'rack' is contained in 'pod' already"),
    ("units.lane.contains", {"pod": 1}, "units contain each other in a circle: pod > rack"),
    ("units.lane.contains", {"lane": 1}, "'lane' is contained in 'engine' already"),
    ("units.hall", {}, "units: several roots: pod, hall"),
    ("units.shelf.components.psu.need", 4, "4 exceeds count 3; write a need between 1 and 3."),
    ("units.shelf.components.psu.need", 0, "units.shelf.components.psu.need: 0 must be at least 1"),
    (
        "units.package.contains.engine",
        {"count": 2, "need": 1},
        "a counting group inside an element",
    ),
    (
        "units.lane.components.ring",
        {"count": 2, "need": 1},
        "inside an element of another ('lane')",
    ),
    ("units.rack.contains.tray", {"count": 4, "need": 3}, "'tray' holds accelerators or is one"),
    ("units.pod.contains.asic", {"count": 4, "need": 3}, "'asic' holds planes or is one"),
    ("units.tray.contains.els", 3, "units.els.feeds: 3 'els' cannot share 4 'engine' equally"),
    ("units.els.feeds", "engin", "no unit is called \"engin\"; did you mean 'engine'?"),
    ("units.els.feeds", "shelf", "'shelf' is not inside 'tray', which holds 'els'"),
    ("units.els.feeds", "box", "'box' is inside 'els' itself"),
    ("units.els.feeds", "els", "'els' is inside 'els' itself"),
    ("units.els.feeds", 3, 'units.els.feeds: "3" is not a name'),
    ("units.pod.feeds", "rack", "'pod' is the root"),
    ("units.rack.feeds", "asic", "'rack' holds accelerators or planes"),
    ("units.package.contains.engine", 3, "3 copies cannot share 4 planes equally"),
    ("fabric", None, "fabric: missing; name at least fabric.accelerator."),
    ("fabric.accelerator", "packge", "no unit is called \"packge\"; did you mean 'package'?"),
    ("fabric.accelerator", None, "fabric.accelerator: missing"),
    ("fabric.plane", "asics", "did you mean 'asic'?"),
    ("fabric.plane", "engine", "'engine' is or holds the accelerator, or is inside it"),
    ("fabric.planes", 5, "fabric.planes: 5, but the machine has 4 of 'asic'"),
    ("fabric.lane_rate", None, "fabric.lane_rate: missing, and collectives need it"),
    ("fabric.lane_rate", "200 Gb", 'fabric.lane_rate: "200 Gb" is not a data rate'),
    ("fabric.efficiency", 1.5, "fabric.efficiency: 1.5 must be more than 0 and at most 1."),
    ("fabric.efficiency", "high", "is not a number"),
    ("fabric.policy", "parc", 'fabric.policy: "parc" is no policy'),
    ("fabric.policy", {"park": 3}, "is no policy"),
    ("fabric.policy", {"park": "trai"}, 'fabric.policy.park: no unit is called "trai"'),
    ("fabric.policy", {"park": "els"}, "'els' does not hold accelerators; write package or tray"),
    ("service.technicians", 0, "service.technicians: 0 must be at least 1."),
    ("service.technicians", 1.5, "is not a whole number"),
    ("service.technicians", True, "is not a whole number"),
    ("service.replace.packge", {}, "no component or unit has this name; did you mean 'package'?"),
    ("service.replace.package.swap", "els", "'els' does not hold 'gpu' of 'package'"),
    ("service.replace.package.swap", "pakage", "did you mean 'package'?"),
    ("service.replace.package.takes_out", "trays", "did you mean 'tray'?"),
    ("service.replace.package.takes_out", "engine", "'engine' is not 'package' or a unit above it"),
    (
        "service.replace.package.takes_out",
        "els",
        "write package or tray or rack or pod, or nothing",
    ),
    (
        "service.replace.shelf",
        {"takes_out": "shelf"},
        "'shelf' does not cover what a failure of 'psu'",
    ),
    ("service.replace.ring", {"takes_out": "lane"}, "does not cover what a failure of 'ring'"),
    ("service.replace.asic", {"takes_out": "asci"}, "did you mean 'asic'?"),
    ("service.replace.package.restock", None, "package.stock: stock without restock"),
    ("service.replace.package.stock", None, "package.restock: restock without stock"),
    ("service.replace.package.stock", -1, "-1 must be at least 0"),
    ("service.replace.package.when", "late", '"late" is not possible; write failed or short'),
    ("workload.compute", "0 s", 'workload.compute: "0 s" must be more than zero'),
    ("workload.collectives.0.op", "allreduce", 'workload.collectives[0].op: "allreduce"'),
    ("workload.collectives.0.size", "3 s", 'workload.collectives[0].size: "3 s" is not a size'),
    ("workload.collectives.0.size", None, "workload.collectives[0].size: missing"),
    ("workload.collectives.0.algorithm", "trees", '"trees" is no algorithm; write one of optimal'),
    ("workload.collectives.0.algorithm", [], "no algorithm; write one or more of optimal, ring"),
    ("workload.collectives.0.algorithm", ["ring", 3], '"3" is no algorithm'),
    ("workload.collectives.0.algorithm", ["ring", "tree", "ring"], "ring stands there twice"),
    ("workload.collectives.0", {"op": "broadcast", "size": "1 MB", "algorithm": "ring"}, "only"),
    (
        "workload.collectives.0",
        {"op": "all_to_all", "size": "1 MB", "algorithm": ["direct", "in_switch"]},
        "in_switch is for all_reduce only; write one or more of optimal, direct",
    ),
    ("workload.collectives.0.latency", "2 B", '"2 B" is not a time'),
    ("workload.collectives.0.latency", "-1 us", "must be zero or more"),
    ("workload.collectives", {"op": "broadcast"}, "is not a list"),
    ("workload.checkpoint", "30 s", 'workload.checkpoint: "30 s" is not a mapping; give write'),
    (
        "workload.checkpoint",
        {"interval": "optimum"},
        'checkpoint.interval: "optimum" is not a time',
    ),
    ("workload.restart", {"detect": "-1 s"}, "must be zero or more"),
    ("workload.minimum", 17, "workload.minimum: 17 exceeds the 16 'package' of the machine"),
    ("workload.slice", 17, "workload.slice: 17 exceeds the 16 'package' of the machine"),
    ("workload.slice", 0, "workload.slice: 0 must be at least 1."),
]


@pytest.mark.parametrize(("path", "value", "said"), ONE_PROBLEM)
def test_one_problem(path, value, said):
    found = problems(changed(path, value))
    assert [said in str(problem) for problem in found] == [True], [str(p) for p in found]


def test_suppliers_in_a_circle():
    data = yaml.safe_load(TEXT)
    data["units"]["tray"]["contains"]["pump"] = 2
    data["units"]["pump"] = {"feeds": "els"}
    assert load(data).units["pump"].feeds == "els"
    data["units"]["els"]["feeds"] = "pump"
    assert {"suppliers feed each other in a circle" in str(p) for p in problems(data)} == {True}


def test_suppliers_with_spares_are_refused():
    data = changed("units.tray.contains.els", {"count": 2, "need": 1})
    data["units"]["els"]["components"]["laser"] = 1
    assert ["'els' is in a counting group" in str(p) for p in problems(data)] == [True]


@pytest.mark.parametrize(("swap", "out"), [("asic", "asic"), ("asic", "pod"), ("asic", "nothing")])
def test_a_plane_may_take_out(swap, out):
    data = changed("service.replace.asic", {"swap": swap, "takes_out": out})
    assert load(data).service.replace["asic"].takes_out in (out, None)


@pytest.mark.parametrize("out", ["box", "els", "tray"])
def test_a_supplier_may_take_out(out):
    data = changed("service.replace.box", {"swap": "box", "takes_out": out})
    assert load(data).service.replace["box"].takes_out == out


@pytest.mark.parametrize("count", [1, 2, 4, 8, 12])
def test_link_counts_that_divide(count):
    data = changed("units.package.contains.engine", count)
    data["units"]["els"]["feeds"] = "package"
    assert load(data).tree.nodes["engine"].count == count


def test_a_link_inside_a_link_divides_its_planes():
    data = yaml.safe_load(TEXT)
    data["units"]["engine"]["contains"] = {"fibre": 3}
    data["units"]["fibre"] = {"contains": {"lane": {"count": 9, "need": 8}}}
    assert ["3 copies cannot share 2 planes" in str(p) for p in problems(data)] == [True]
    data["units"]["engine"]["contains"] = {"fibre": 6}
    assert load(data).fabric.planes == 4


def test_all_at_once_with_lines(tmp_path):
    file = tmp_path / "cpo.yaml"
    text = TEXT.replace("100 FIT}", '"100"}', 1).replace("need: 8", "need: 10")
    text = text.replace("{package: 2,", "{pakage: 2,").replace("plane: asic", "plane: asics")
    file.write_text(text)
    assert str(pytest.raises(ScenarioError, load, file).value).splitlines() == [
        "cpo.yaml: 4 problems",
        '  line  5  components.laser.rate: "100" has no unit; write "100 FIT".',
        "  line 14  units.tray.contains.pakage: no unit has this name; did you mean 'package'?",
        "  line 16  units.engine.contains.lane.need: 10 exceeds count 9; "
        "write a need between 1 and 9.",
        "  line 21  fabric.plane: no unit is called \"asics\"; did you mean 'asic'?",
    ]


def test_a_problem_has_parts():
    (problem,) = problems(changed("units.shelf.components.psu.need", 4))
    assert problem.path == "units.shelf.components.psu.need"
    assert problem.line is None
    assert problem.message == "4 exceeds count 3"
    assert problem.suggestion == "write a need between 1 and 3"


YAML_PROBLEMS = [
    ("a: [1, 2", "not YAML"),
    ("a: b: c", "not YAML: mapping values are not allowed here"),
    ("a: *nothing", "found undefined alias"),
    ("\tmission: 5 y", "not YAML"),
    ("mission: 5 y\x00", "not YAML"),
    ("a: 1\n---\nb: 2", "not YAML: expected a single document"),
    ("[1, 2]", "a scenario is a mapping"),
    ("hello", "a scenario is a mapping"),
    ("", "the document is empty"),
    ("# only a comment", "the document is empty"),
    ("? [a, b]\n: 3", "a key must be a word"),
    ("mission: 5 y\nmission: 4 y", "mission: written twice, first in line 1; keep one."),
    ("a: &a [*a]", "contains itself"),
    ("[" * 3000, "not YAML"),
    ("a: !!python/object/apply:os.system [ls]", "unknown key"),
]


@pytest.mark.parametrize(("text", "said"), YAML_PROBLEMS)
def test_yaml(tmp_path, text, said):
    file = tmp_path / "bad.yaml"
    file.write_text(text)
    assert any(said in str(problem) for problem in problems(file)), problems(file)


def test_yaml_syntax_has_a_line(tmp_path):
    file = tmp_path / "bad.yaml"
    file.write_text(TEXT + "  oops: [1,\n")
    assert problems(file)[0].line >= 27


def test_yaml_bomb(tmp_path):
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
    file = tmp_path / "bomb.yaml"
    file.write_text("\n".join(rows))
    assert "unfolds to more than" in str(problems(file)[0])


def test_too_large(tmp_path):
    file = tmp_path / "large.yaml"
    file.write_text("# " + "x" * 5_000_001)
    assert "larger than 5 MB" in str(problems(file)[0])


def test_yaml_words_are_those_of_yaml_1_2(tmp_path):
    file = tmp_path / "site.yaml"
    text = TEXT.replace("rate: 1000 FIT", "rate: 1e3 FIT, source: 2026-01-02, description: on")
    text = text.replace("plane: asic", "plane: asic, efficiency: 9e-1").replace(
        "asic: ", '"asic": '
    )
    file.write_text(text)
    scenario = load(file)
    assert scenario.name == "site"
    assert scenario.components["gpu"].source == "2026-01-02"
    assert scenario.components["gpu"].description == "on"
    assert scenario.fabric.efficiency == 0.9


def test_aliases_and_merge_keys_are_followed(tmp_path):
    file = tmp_path / "alias.yaml"
    text = TEXT.replace("gpu:   {", "gpu: &gpu {").replace("laser: {rate", "laser: {<<: *gpu, rate")
    file.write_text(text)
    scenario = load(file)
    assert scenario.components["laser"].repair == scenario.components["gpu"].repair
    assert scenario.components["laser"].lifetime != scenario.components["gpu"].lifetime


def test_sources():
    assert "did you mean 'cpo-512'?" in str(problems("cpo-51")[0])
    assert "no such file or packaged scenario" in str(problems("nowhere/at/all.yaml")[0])
    assert "cannot be read" in str(problems("/")[0])
    assert "has no place in a document" in str(problems({"mission": object()})[0])
    assert "nests deeper" in str(problems(endless())[0])
    assert len(problems({})) == 4


def test_not_text(tmp_path):
    file = tmp_path / "bad.yaml"
    file.write_bytes(b"\xff\xfe\x00mission")
    assert "not UTF-8" in str(problems(file)[0])


def endless():
    data = {}
    data["a"] = data
    return data


JUNK = [3, -1, 2.5, "x", "", None, True, [], {}, [1], {"a": 1}, math.nan, math.inf, "9" * 5000]


def places(value, path=()):
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in items if isinstance(value, dict | list) else ():
        yield from places(item, (*path, key)) if isinstance(item, dict | list) else [(*path, key)]


def test_junk_anywhere_is_a_problem_or_fine_but_never_a_crash():
    base = yaml.safe_load(TEXT)
    pairs = itertools.product(list(places(base))[1:], JUNK)
    for path, junk in itertools.islice(pairs, 0, None, 3):
        data = copy.deepcopy(base)
        here = data
        for key in path[:-1]:
            here = here[key]
        here[path[-1]] = copy.deepcopy(junk)
        with contextlib.suppress(ScenarioError):
            load(data)
