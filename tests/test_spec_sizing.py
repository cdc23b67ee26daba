"""The section `sizing`: what it means, and everything that can be wrong with it, at once."""

import pytest

import fdmc
from fdmc.spec import load


def document(**changes):
    base = load("docs/examples/sized-shelves.yaml").document
    sizing = {**base["sizing"], **changes}
    return {**base, "sizing": {k: v for k, v in sizing.items() if v is not None}}


def problems(data) -> dict[str, str]:
    with pytest.raises(fdmc.ScenarioError) as error:
        load(data)
    return {problem.path.removeprefix("sizing."): str(problem) for problem in error.value.problems}


def test_a_question_is_not_the_machine():
    asked = load(document())
    without = load({k: v for k, v in asked.document.items() if k != "sizing"})
    assert asked.sizing is not None
    assert without.sizing is None
    assert asked.fingerprint == without.fingerprint
    assert load(asked.document).sizing == asked.sizing


def test_a_question_is_not_inherited(tmp_path):
    (tmp_path / "mine.yaml").write_text("extends: cpo-512\nmission: 1 y\n")
    assert load("cpo-512").sizing is not None
    assert load(tmp_path / "mine.yaml").sizing is None


def test_variables_of_three_kinds():
    data = document(
        variables={
            "fans": {"count": "units.rack.components.fan.count", "from": 4, "to": 8},
            "write": {
                "value": "workload.checkpoint.write", "from": "5 s", "to": "60 s", "scale": "log",
                "cost": {"5 s": "1 MEUR", "60 s": "0 EUR"},
            },
            "pump": {"choice": {"own": {}, "other": {"set": {"components.pump.repair": "5 h"}, "cost": "3 kEUR"}}},
        }
    )  # fmt: skip
    fans, write, pump = load(data).sizing.variables
    assert fans.sets(6) == ("units.rack.components.fan.count=6",)
    assert write.sets(7.5) == ('workload.checkpoint.write="7.5 s"',)
    assert [write.cost(at) for at in (5.0, 32.5, 60.0)] == pytest.approx([1e6, 5e5, 0.0])
    assert (pump.cost("own"), pump.cost("other")) == (0.0, 3e3)
    assert [v.written(data) for v in (fans, write, pump)] == [6, None, "own"]
    changed = load(data, pump.sets("other")).document
    assert pump.written(changed) == "other"
    assert load(changed).components["pump"].repair.hours == 5


def test_everything_wrong_is_said_at_once():
    found = problems(
        document(
            objective={"least": "cost", "most": "goodput"},
            constraints={"goodput": {"at_least": 99.9}, "cost": {"at_most": "5 USD"}},
            variables={
                "a": {"count": "units.rack.components.fan.cuont", "from": 4, "to": 8},
                "b": {"count": "service.technicians", "from": 8, "to": 4},
                "c": {"value": "workload.checkpoint.write", "from": "5 s", "to": "1 min"},
                "d": {"value": "workload.checkpoint.write", "from": "5 s", "to": "9 s", "cost": {"6 s": "1 EUR"}},
                "e": {"choice": {"only": {}}, "from": 3},
                "f": {"count": "service.technicians", "value": "mission", "from": 1, "to": 2},
                "g": {"count": "economics.price.fan", "from": 1, "to": 2},
                "h": {"count": "units.rack.components.pump.count", "from": 1.5, "to": 2},
                "i": {"value": "workload.restart.resume", "from": "0 s", "to": "9 s", "scale": "log"},
            },
        )
    )  # fmt: skip
    for path, said in {
        "objective": "give least or most",
        "constraints.goodput.at_least": "no share between 0 and 1",
        "constraints.cost.at_most": "'USD' is not EUR",
        "variables.a.count": "did you mean 'count'?",
        "variables.b.to": "not above from",
        "variables.c.to": "write both in the same unit",
        "variables.d.cost": "give the cost at both ends",
        "variables.d.value": "variable 'c' has this path too",
        "variables.e.choice": "one option is no choice",
        "variables.e.from": "a choice has no from",
        "variables.f": "give count, value or choice",
        "variables.g.count": "'economics' cannot be varied",
        "variables.h.from": "is no whole number",
        "variables.i.scale": "log needs bounds above zero",
    }.items():
        assert said in found[path], (path, found.get(path))


@pytest.mark.parametrize(
    ("changes", "path", "said"),
    [
        ({"constraints": None}, "constraints", "the cheapest machine"),
        ({"variables": {}}, "variables", "none is given"),
        ({"constraints": {"power": {"at_most": "9 kW"}}}, "constraints.power", "economics.power"),
        (
            {"objective": {"most": "goodput_cvar"}, "constraints": None},
            "objective",
            "of which share of the missions",
        ),
    ],
)
def test_questions_that_have_no_answer(changes, path, said):
    assert said in problems(document(**changes))[path]
