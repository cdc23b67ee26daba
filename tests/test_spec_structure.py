"""Structures of units: how they are written, inline and by file, and what is said of mistakes."""

import copy
import itertools
from typing import Any

import pytest
import yaml

from fdmc.spec import ScenarioError, cut_sets, gates, load, resolve_rule, schema
from fdmc.spec.fault_tree import Formula


PART = {"mtbf": "1000 h", "repair": "1 h"}
BASE: dict[str, Any] = {
    "fdmc": 1,
    "name": "base",
    "mission": "1 y",
    "components": dict.fromkeys(("valve", "pump", "psu"), PART),
    "units": {
        "pod": {"contains": {"loop": 2, "package": 2}},
        "loop": {"components": {"valve": 1, "pump": 2, "psu": 4}, "feeds": "package"},
        "package": {"components": {"valve": 1}},
    },
    "fabric": {"accelerator": "package"},
}
GOOD = {"or": ["valve", {"and": ["pump"]}, {"atleast": {"failed": 2, "of": ["psu"]}}]}


def document(structure: Any, **loop: Any) -> dict[str, Any]:
    data = copy.deepcopy(BASE)
    data["units"]["loop"].update(structure=structure, **loop)
    return data


def said(source: Any) -> list[str]:
    with pytest.raises(ScenarioError) as caught:
        load(source)
    return [str(problem) for problem in caught.value.problems]


def holds(formula: Formula | str | bool, failed: set[str]) -> bool:
    if not isinstance(formula, Formula):
        return formula in failed
    true = sum(holds(argument, failed) for argument in formula.args)
    return true >= {"or": 1, "and": len(formula.args)}.get(formula.op, formula.least)


def test_names_mean_all_copies():
    structure = load(document(GOOD)).units["loop"].structure
    assert structure is not None
    assert structure.copies == ("valve", "pump[0]", "pump[1]", *(f"psu[{i}]" for i in range(4)))
    pumps = Formula("and", ("pump[0]", "pump[1]"))
    supplies = Formula("atleast", ("psu[0]", "psu[1]", "psu[2]", "psu[3]"), 2)
    assert structure.formula == Formula("or", ("valve", pumps, supplies))
    assert gates(structure.formula) == [pumps, supplies, structure.formula]
    assert load(BASE).units["loop"].structure is None


@pytest.mark.parametrize(
    ("written", "same"),
    [
        ({"or": ["valve", {"or": ["pump", {"or": ["psu"]}]}]}, {"or": ["psu", "valve", "pump"]}),
        ({"and": [{"and": ["valve", "pump"]}, "psu"]}, {"and": ["valve", "pump", "psu"]}),
        (
            {"atleast": {"failed": 1, "of": ["valve", "pump", "psu"]}},
            {"or": ["valve", "pump", "psu"]},
        ),
        (
            {"atleast": {"failed": 7, "of": ["valve", "pump", "psu"]}},
            {"and": ["valve", "pump", "psu"]},
        ),
    ],
)
def test_the_fingerprint_does_not_depend_on_spelling(written, same):
    assert load(document(written)).fingerprint == load(document(same)).fingerprint
    assert load(document(written)).fingerprint != load(document(GOOD)).fingerprint
    assert load(document(written)).fingerprint != load(BASE).fingerprint


def test_minimal_cut_sets_are_those_of_every_state():
    shared = {"and": [{"or": ["pump[0]", "psu[0]", "valve"]}, {"or": ["pump[1]", "psu[1]"]}]}
    for written in (GOOD, {"or": [shared, {"atleast": {"failed": 2, "of": ["psu", "valve"]}}]}):
        structure = load(document(written)).units["loop"].structure
        assert structure is not None
        states = [
            frozenset(state)
            for n in range(len(structure.copies) + 1)
            for state in itertools.combinations(structure.copies, n)
        ]
        lost = [state for state in states if holds(structure.formula, set(state))]
        least = [s for s in lost if not any(t < s for t in lost)]
        found = cut_sets(structure)
        assert found is not None
        assert set(found) == set(least)
        assert len(found) == len(least)
        assert cut_sets(structure, most=len(least) - 1) is None


def test_when_is_that_of_a_counting_group():
    data = document(GOOD)
    data["service"] = {"replace": {"loop": {"swap": "loop"}, "pump": {}}}
    scenario = load(data)
    assert resolve_rule(scenario, "loop", "psu").when == "short"
    assert resolve_rule(scenario, "loop", "pump").when == "failed"


def test_the_schema_knows_structures():
    jsonschema = pytest.importorskip("jsonschema")
    check = jsonschema.Draft202012Validator(schema())
    check.check_schema(schema())
    good = [GOOD, "valve", {"file": "a.xml"}, {"file": "a.dft", "top": "x"}, {"and": ["pump[1]"]}]
    bad = [{"xor": ["valve"]}, 3, {"or": []}, {"atleast": {"of": ["psu"]}}, {"or": ["pump[x]"]}]
    assert [list(check.iter_errors(document(each))) for each in good] == [[]] * len(good)
    assert all(list(check.iter_errors(document(each))) for each in bad)


WRONG = [
    (
        3,
        'units.loop.structure: "3" is no structure; write one such as {or: [valve, {and: [pump]}]}.',
    ),
    ("valv", "units.loop.structure: the unit has no component \"valv\"; did you mean 'valve'?"),
    ("pump", 'structure: "pump" has 2 copies; write {or: [pump]} if any, {and: [pump]} if all'),
    ({"or": []}, "units.loop.structure.or: the list is empty; name what must fail."),
    ({"or": "pump"}, 'units.loop.structure.or: "pump" is not a list; write [valve, pump].'),
    ({"or": ["pump", "pump[0]"]}, "structure.or[1]: 'pump[0]' stands twice in this list"),
    ({"or": ["pump[2]"]}, "or[0]: \"pump[2]\" is out of range; the unit has 2 of 'pump', counted"),
    ({"or": [{"and": ["pump"], "or": ["psu"]}]}, "or[0]: and and or stand side by side; nest them"),
    ({"ore": ["pump"]}, "units.loop.structure.ore: unknown key; did you mean 'or'?"),
    (
        {"not": ["pump"]},
        "structure.not: 'not' cannot stand in a structure: a further failure could",
    ),
    ({"or": [{"pand": ["pump"]}]}, "or[0].pand: 'pand' cannot stand in a structure: the order of"),
    ({"atleast": ["pump"]}, "structure.atleast: \"['pump']\" is not a mapping; give failed, of."),
    ({"atleast": {"of": ["pump"]}}, "structure.atleast.failed: missing; write how many"),
    ({"atleast": {"failed": 2}}, "structure.atleast.of: missing; write the list of operands."),
    (
        {"atleast": {"failed": 0, "of": ["psu"]}},
        'structure.atleast.failed: "0" is not a whole number of at least 1',
    ),
    (
        {"atleast": {"failed": 5, "of": ["psu"]}},
        "structure.atleast.failed: 5 exceeds the 4 of the list; write at most 4.",
    ),
    (
        {"atleast": {"need": 2, "of": ["psu"]}},
        "atleast.need: unknown key; write failed, which counts those that have failed, not those",
    ),
    ({"file": "none.xml"}, "units.loop.structure.file: "),
    ({"file": 3}, 'units.loop.structure.file: "3" is not a text; name an .xml or .dft file.'),
]


@pytest.mark.parametrize(("structure", "message"), WRONG)
def test_one_mistake_is_said_once(structure, message):
    (problem,) = said(document(structure))
    assert message in problem


def test_all_mistakes_are_said_at_once_with_their_lines(tmp_path):
    text = """
fdmc: 1
mission: 1 y
components: {valve: {mtbf: 9 y, repair: 1 h}, pump: {mtbf: 9 y, repair: 1 h}}
units:
  pod: {contains: {loop: 4, package: 2, idle: 1}}
  loop:
    components:
      valve: 1
      pump: {count: 3, need: 2}
    structure:
      or:
        - valv
        - {atleast: {failed: 4, of: [pump]}}
  package: {components: {valve: 1}}
  idle: {structure: valve}
fabric: {accelerator: package}
mision: 1 y
"""
    path = tmp_path / "s.yaml"
    path.write_text(text)
    with pytest.raises(ScenarioError) as caught:
        load(path)
    found = [(problem.line, str(problem).split(":")[0]) for problem in caught.value.problems]
    assert found == [
        (10, "units.loop.components.pump.need"),
        (13, "units.loop.structure.or[0]"),
        (14, "units.loop.structure.or[1].atleast.failed"),
        (16, "units.idle.structure"),
        (18, "mision"),
    ]
    assert "drop need, and write {atleast: {failed: 2, of: [pump]}}" in str(caught.value)
    assert "'idle' has no components; give it some, or drop structure" in str(caught.value)


def test_every_copy_stands_in_the_structure():
    problems = said(document({"or": ["valve", "pump[1]"]}))
    fix = "add it there, or move the component to a unit of its own."
    assert problems == [
        f"units.loop.components.psu: psu[0], psu[1], psu[2], psu[3] appear nowhere in the structure; {fix}",
        f"units.loop.components.pump: pump[0] appears nowhere in the structure; {fix}",
    ]


def test_sizes():
    (problem,) = said(document(GOOD, components={"valve": 1, "pump": 10, "psu": 21}))
    assert "'loop' has 32 components, and a structure holds at most 31; divide the unit" in problem
    pairs = list(itertools.combinations([f"psu[{i}]" for i in range(9)], 2))[:32]
    many = {"and": [{"or": list(pair)} for pair in pairs]}
    problems = said(document(many, components={"valve": 1, "pump": 1, "psu": 9}))
    assert any("33 gates, and a structure holds at most 31" in problem for problem in problems)
    load(document(GOOD, components={"valve": 1, "pump": 10, "psu": 20}))


def test_a_structure_inside_a_counting_group():
    data = document(GOOD)
    data["units"]["pod"]["contains"] = {"box": {"count": 3, "need": 2}, "package": 2}
    data["units"]["box"] = {"contains": {"loop": 1}}
    del data["units"]["loop"]["feeds"]
    (problem,) = said(data)
    assert "'loop' stands in 'box', which is counted with spares" in problem
    data["units"]["pod"]["contains"] = {"loop": {"count": 3, "need": 2}, "package": 2}
    del data["units"]["box"]
    (problem,) = said(data)
    assert "'loop' is counted with spares, so it cannot have a structure; drop the need" in problem


# --- by file ---

GALILEO = """toplevel "no-flow";
"no-flow" or "valve" "pumps" "short";
"pumps" and "pump[0]" "pump-2";
"short" 2of4 "psu-1" "psu-2" "psu-3" "psu-4";
"valve" lambda=1e-5; "pump[0]" lambda=1e-5; "pump-2" lambda=1e-5;
"psu-1" lambda=1e-5; "psu-2" lambda=1e-5; "psu-3" lambda=1e-5; "psu-4" lambda=1e-5;
"""


def by_file(tmp_path, text: str, name: str = "tree.dft", **more: Any):
    (tmp_path / name).write_text(text)
    path = tmp_path / "scenario.yaml"
    path.write_text(yaml.safe_dump(document({"file": name, **more}), sort_keys=False))
    return path


def test_a_file_says_what_the_inline_form_says(tmp_path):
    path = by_file(tmp_path, GALILEO)
    scenario, inline = load(path), load(document(GOOD))
    assert scenario.units["loop"].structure == inline.units["loop"].structure
    assert scenario.fingerprint == inline.fingerprint
    assert load(scenario.document) == scenario  # needs the file no more
    assert scenario.document["units"]["loop"]["structure"] == {
        "or": [
            "valve",
            {"and": ["pump[0]", "pump[1]"]},
            {"atleast": {"failed": 2, "of": [f"psu[{i}]" for i in range(4)]}},
        ]
    }


OPEN_PSA = """<opsa-mef><define-fault-tree name="t">
<define-gate name="top">FORMULA</define-gate>
<define-gate name="pumps"><and><basic-event name="pump-1"/><basic-event name="pump-2"/></and></define-gate>
<define-gate name="other"><or><basic-event name="valve"/><gate name="pumps"/></or></define-gate>
<define-house-event name="open"><constant value="true"/></define-house-event>
</define-fault-tree><model-data>
EVENTS</model-data></opsa-mef>"""
EVENTS = "".join(
    f'<define-basic-event name="{name}"><float value="0.1"/></define-basic-event>\n'
    for name in ("valve", "pump-1", "pump-2", "psu-1", "psu-2", "psu-3", "psu-4")
)
SUPPLIES = "".join(f'<basic-event name="psu-{i}"/>' for i in (1, 2, 3, 4))


def open_psa(formula: str) -> str:
    return OPEN_PSA.replace("FORMULA", formula).replace("EVENTS", EVENTS)


def test_open_psa_with_house_events_and_several_tops(tmp_path):
    formula = (
        '<or><basic-event name="valve"/><gate name="pumps"/>'
        f'<atleast min="3"><house-event name="open"/>{SUPPLIES}</atleast></or>'
    )
    path = by_file(tmp_path, open_psa(formula), "tree.xml", top="top")
    assert load(path).fingerprint == load(document(GOOD)).fingerprint
    (problem,) = said(by_file(tmp_path, open_psa(formula), "tree.xml"))
    assert "structure.top: the file has 2 top events; write one of other, top" in problem
    (problem,) = said(by_file(tmp_path, open_psa(formula), "tree.xml", top="topp"))
    assert "structure.top: no gate of the file is called \"topp\"; did you mean 'top'?" in problem


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        (
            '<xor><gate name="other"/><gate name="pumps"/></xor>',
            "gate 'top' is `xor`: a further failure could give the unit back",
        ),
        ('<not><gate name="other"/></not>', "gate 'top' is `not`: a further failure could"),
        ('<or><gate name="other"/><not><gate name="pumps"/></not></or>', "gate 'top' is `not`"),
        ('<or><house-event name="open"/><gate name="other"/></or>', "'top' has always failed"),
        ('<or><gate name="other"/></or>', "psu[3] appear nowhere in the structure"),
    ],
)
def test_trees_that_are_no_structure(tmp_path, formula, message):
    problems = said(by_file(tmp_path, open_psa(formula), "tree.xml", top="top"))
    assert any(message in problem for problem in problems)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"pumps" and', '"pumps" pand', "gate 'pumps' is `pand`: the order of failures decides"),
        (
            '"valve"',
            '"vlave"',
            "event 'vlave' is named after no component of the unit; did you mean",
        ),
        (
            '"psu-4"',
            '"psu-5"',
            "'psu-5' is no copy of 'psu'; name it psu[0] to psu[3], or psu-1 to",
        ),
        ('"pump-2"', '"pump"', "event 'pump' is no copy of 'pump'; name it pump[0] to pump[1]"),
        ('"pump-2"', '"pump-1"', None),  # twice the same copy: the other appears nowhere
        ('"valve" lambda', '"f" fdep "valve" "pump[0]"; "valve" lambda', "couples events"),
        ("2of4", "9of4", "structure.file"),
        ("toplevel", "topevent", "structure.file"),
    ],
)
def test_files_with_mistakes(tmp_path, old, new, message):
    problems = said(by_file(tmp_path, GALILEO.replace(old, new)))
    if message is None:
        assert problems == [
            "units.loop.components.pump: pump[1] appears nowhere in the structure; add it there, "
            "or move the component to a unit of its own."
        ]
    else:
        assert any(message in problem for problem in problems)


def test_shared_gates_that_unfold_without_end(tmp_path):
    lines = ['toplevel "g30";', '"g0" or "valve" "pump-1";', '"h0" and "pump-2" "psu-1";']
    for i in range(30):
        lines.append(f'"g{i + 1}" and "g{i}" "h{i}";')
        lines.append(f'"h{i + 1}" or "g{i}" "h{i}";')
    lines += [f'"{name}" lambda=1;' for name in ("valve", "pump-1", "pump-2", "psu-1")]
    problems = said(by_file(tmp_path, "\n".join(lines)))
    assert any("unfold to more than 5000 operands; divide the unit" in each for each in problems)
