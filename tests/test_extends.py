"""`extends`: what is merged, what is said about it, and where a problem stands."""

import pytest

from fdmc import library
from fdmc.spec import ScenarioError, load


BASE = """\
name: base
title: the base
mission: 5 y
components:
  gpu: {rate: 1000 FIT, repair: 4 h}
  fan: {rate: 500 FIT, repair: 1 h}
units:
  rack: {contains: {tray: 4}}
  tray: {components: {gpu: {count: 4, need: 3}, fan: 2}}
fabric: {accelerator: tray}
service:
  technicians: 2
  replace: {gpu: {takes_out: tray, stock: 3, restock: 21 d}}
"""


@pytest.fixture
def folder(tmp_path):
    def write(**texts):
        for name, text in texts.items():
            (tmp_path / f"{name}.yaml").write_text(text)
        return tmp_path

    write(base=BASE)
    return write


def problems(source, sets=()):
    with pytest.raises(ScenarioError) as caught:
        load(source, sets)
    return caught.value


def test_mappings_merge_and_null_takes_away(folder):
    text = """
extends: base.yaml
mission: 2 y
components: {gpu: {rate: 700 FIT}, fan: null, pump: {rate: 20 FIT, repair: 2 h}}
units: {tray: {components: {gpu: 8, fan: null, pump: 1}}}
service: {replace: {gpu: {stock: null, restock: null}}}
"""
    scenario = load(folder(child=text) / "child.yaml")
    assert (scenario.name, scenario.title) == ("child", "")
    assert scenario.mission_hours == 2 * 8760
    assert list(scenario.components) == ["gpu", "pump"]
    assert scenario.components["gpu"].lifetime.mean_hours == pytest.approx(1e9 / 700)
    assert scenario.components["gpu"].repair.hours == 4
    groups = scenario.units["tray"].components
    assert {name: (g.count, g.need) for name, g in groups.items()} == {
        "gpu": (8, None),
        "pump": (1, None),
    }
    rule = scenario.service.replace["gpu"]
    assert (rule.takes_out, rule.stock) == ("tray", None)
    assert "extends" not in scenario.document


def test_the_fingerprint_is_that_of_the_merged_content(folder):
    here = folder(same="extends: base.yaml\n", other="extends: same.yaml\nmission: 6 y\n")
    base, same = load(here / "base.yaml"), load(here / "same.yaml")
    whole = here / "whole.yaml"
    whole.write_text(BASE.replace("mission: 5 y", "mission: 6 y"))
    # The name is part of the content, as it always was.
    assert load(here / "base.yaml", ["name=same"]).fingerprint == same.fingerprint
    assert load(here / "other.yaml").fingerprint == load(whole, ["name=other"]).fingerprint
    assert load(here / "other.yaml").fingerprint != same.fingerprint
    again = load(same.document, ["name=same"])
    assert again.fingerprint == same.fingerprint
    assert base.units == same.units


def test_sets_come_after(folder):
    here = folder(child="extends: base.yaml\nservice: {technicians: 3}\n")
    assert load(here / "child.yaml").service.technicians == 3
    assert load(here / "child.yaml", ["service.technicians=5"]).service.technicians == 5
    said = problems(here / "child.yaml", ["extends=base.yaml"])
    assert "extends: only a document that is read extends another one" in str(said)


def test_from_python_and_packaged():
    scenario = load({"name": "less", "extends": "nvl72-copper", "mission": "1 y"})
    assert (scenario.name, scenario.mission_hours) == ("less", 8760)
    assert scenario.units == load("nvl72-copper").units


def test_a_problem_stands_where_it_was_written(folder):
    text = "extends: base.yaml\ncomponents:\n  gpu: {rate: 700}\nunits: {tray: {components: {gpu: {need: 9}}}}\n"
    found = problems(folder(child=text) / "child.yaml").problems
    assert [(p.path, p.file, p.line) for p in found] == [
        ("components.gpu.rate", "", 3),
        ("units.tray.components.gpu.need", "", 4),
    ]


def test_a_mapping_of_both_stands_in_the_child(folder):
    error = problems(
        folder(child="extends: base.yaml\nfabric: {accelerator: null}\n") / "child.yaml"
    )
    (found,) = error.problems
    assert (found.path, found.file, found.line) == ("fabric.accelerator", "", 2)


def test_a_problem_of_the_base_names_its_file(folder):
    # The child takes the part away that line 9 of the base asks for.
    error = problems(folder(child="extends: base.yaml\ncomponents: {fan: null}\n") / "child.yaml")
    (found,) = error.problems
    assert (found.path, found.file, found.line) == ("units.tray.components.fan", "base.yaml", 9)
    assert "base.yaml line 9  units.tray.components.fan: no component has this name" in str(error)


def test_what_is_replaced_loses_the_lines_of_the_base(folder):
    text = "extends: base.yaml\nfabric: 3\nunits: {tray: {components: {gpu: {count: 0}}}}\n"
    found = problems(folder(child=text) / "child.yaml").problems
    assert {(p.path, p.file, p.line) for p in found} == {
        ("fabric", "", 2),
        ("units.tray.components.gpu.count", "", 3),
    }
    # From Python nothing has a line, not even that of the mapping around it.
    found = problems({"extends": "cpo-512", "fabric": {"lane_rate": "3"}}).problems
    assert [(p.path, p.file, p.line) for p in found] == [("fabric.lane_rate", "", None)]


def test_problems_of_two_files_are_all_said(folder):
    here = folder(wrong=BASE.replace("5 y", "5"), child="extends: wrong.yaml\nstart: old\n")
    said = str(problems(here / "child.yaml"))
    assert "2 problems" in said
    assert 'wrong.yaml line 3  mission: "5" has no unit' in said
    assert "line 2  start:" in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("extends: bas.yaml\n", "no file or packaged scenario is called \"bas.yaml\"; did you mean 'base.yaml'?"),
        ("extends: cpo-521\n", "called \"cpo-521\"; did you mean 'cpo-512'?"),
        ("extends: 3\n", 'extends: "3" is not a name; write one such as cpo-512.'),
        ("extends: [base.yaml]\n", "is not a name"),
        ("extends: child.yaml\n", "scenarios extend each other in a circle: child > child; break the circle."),
        ("extends: list.yaml\n", '"list.yaml" is no mapping of sections; name a scenario.'),
        ("extends: .\n", "it cannot be read"),
    ],
)  # fmt: skip
def test_what_cannot_be_extended(folder, text, said):
    here = folder(child=text, list="- 1\n")
    assert said in str(problems(here / "child.yaml"))


def test_a_long_circle(folder):
    here = folder(a="extends: b.yaml\n", b="extends: c.yaml\n", c="extends: a.yaml\n")
    assert "in a circle: a > b > c > a" in str(problems(here / "a.yaml"))


def test_a_structure_in_a_file_is_seen_from_the_file_that_names_it(folder):
    here = folder()
    (here / "trees").mkdir()
    (here / "trees" / "shelf.dft").write_text(
        'toplevel "t"; "t" and "fan-1" "fan-2"; "fan-1" lambda=0.1; "fan-2" lambda=0.1;\n'
    )
    inner = BASE.replace(", fan: 2}}", "}}") + "\n"
    inner = inner.replace(
        "fabric:", "  shelf: {components: {fan: 2}, structure: {file: shelf.dft}}\nfabric:"
    ).replace("rack: {contains: {tray: 4}}", "rack: {contains: {tray: 4, shelf: 1}}")
    (here / "trees" / "inner.yaml").write_text(inner)
    scenario = load(folder(child="extends: trees/inner.yaml\n") / "child.yaml")
    assert scenario.units["shelf"].structure is not None


def test_nothing_else_changes():
    """Packaged scenarios that extend nothing keep their fingerprints."""
    for name, path in library.scenarios().items():
        if "extends" not in path.read_text():
            assert load(name).fingerprint == load(load(name).document, [f"name={name}"]).fingerprint
