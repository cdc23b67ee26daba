"""`fdmc yield`: tables, JSON that is only JSON, files, exit codes, and every kind of mistake."""

import json

import pytest
from _made import TEXT
from rich.cells import cell_len

from fdmc import cli


@pytest.fixture
def fdmc(capsys):
    def call(*words):
        code = cli.main([str(word) for word in words])
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return code, said.out, said.err

    return call


@pytest.fixture
def made(tmp_path):
    path = tmp_path / "made.yaml"
    path.write_text(TEXT)
    return path


def test_tables(made, fdmc):
    code, out, err = fdmc("yield", made, "--packages", 4000, "--seed", 3)
    assert (code, err) == (0, "")
    for words in (
        "made: each engine has 8 lanes and 2 spares", "2 go into each package",
        "4,000 engines in 250 machines of seed 3", "Each engine", "Each package", "yield-adjusted bandwidth, per start",
        "by live lanes and spares left", "75 %", "Scrap by step", "count of lanes", "burn_in", "attach",
        "Where the cost of one package that ships went, USD", "ring", "95 % interval", "per Tb/s",
    ):  # fmt: skip
        assert words in out, words
    assert max(cell_len(line) for line in out.splitlines()) <= 120


def test_json_and_files(made, fdmc, tmp_path):
    folder = tmp_path / "new" / "folder"
    words = ("--packages", 4000, "--out", folder, "--json", "--quiet")
    code, out, err = fdmc("yield", made, *words)
    assert (code, err) == (0, "")
    found = json.loads(out, parse_constant=pytest.fail)
    assert {path.name for path in folder.iterdir()} == {"result.json", "shipped.png", "shipped.svg"}
    assert json.loads((folder / "result.json").read_text())["exact"] == found["exact"]
    assert (found["status"], found["packages"], found["seed"]) == ("ok", 4000, 0)
    exact, sampled = found["exact"]["unit.ship_prob"], found["sampled"]["unit.ship_prob"]
    assert exact["status"] == "exact"
    assert exact["low"] == exact["best"] == exact["high"]
    assert sampled["low"] < sampled["best"] < sampled["high"]
    assert {row["bin"] for row in found["shipped"]} == {1.0, 0.75}
    assert [one["name"] for one in found["spendings"]["unit"]] == [
        "stack", "pic", "eic", "fibres", "burn_in",
    ]  # fmt: skip


def test_set_changes_what_ships(made, fdmc):
    share = {}
    for density in ("0.5", "1"):
        words = ("--set", f"manufacturing.parts.pic.density={density} /cm2", "--json")
        _, out, _ = fdmc("yield", made, "--packages", 16, *words)
        share[density] = json.loads(out)["exact"]["unit.ship_prob"]["best"]
    assert share["1"] < share["0.5"]


def test_one_machine(made, fdmc):
    code, out, _ = fdmc("yield", made, "--packages", 1, "--json")
    assert code == 0
    json.loads(out, parse_constant=pytest.fail)
    code, out, _ = fdmc("yield", made, "--packages", 1)
    assert "unknown" in out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("MADE", "--set", "manufacturing.on=false"), "'made' says nothing of manufacturing"),
        (("nvl72-copper",), "'nvl72-copper' says nothing of manufacturing: add that section"),
        (("MADE", "--set", "manufacturing.steps[0].lanes.loss=1"), "no unit ships"),
        (("MADE", "--packages", "0"), "it must be at least 1"),
        (("MADE", "--packages", "many"), "'many' is not a whole number"),
        (("MADE", "--set", "manufacturing.parts.pic.area=-1 mm2"), 'pic.area: "-1 mm2" must be more than zero'),
        (("MADE", "--set", "manufacturing.clustering.die=0"), "clustering.die: 0 must be more than 0."),
        (("MADE", "--set", "manufacturing.parts.memory.good=2"), "2 must be more than 0 and at most 1."),
        (("MADE", "--set", "units.engine.contains.lane.need=4"), "6 spares are more than the 4 lanes"),
        (("MADE", "--set", "manufacturing.parts.pik.area=1 mm2"), "has no 'pik'; did you mean 'pic'?"),
        (("cpo-3dd",), "did you mean 'cpo-3d'?"),
        (("MADE", "--replicas", "9"), "--replicas: histories are run for --burn-in only"),
        (("MADE", "--burn-in", "24"), "'24' is not a time with its unit; write one such as '24 h'"),
        (("cpo-2d", "--burn-in", "24 h"), "'cpo-2d' does not say how burn-in ages its parts"),
        (("MADE", "--burn-in", "24 h"), "which the factory makes in groups"),
        (("MADE", "--out", "MADE/below"), "--out: "),
    ],
)  # fmt: skip
def test_bad_input(words, said, made, fdmc):
    words = [word.replace("MADE", str(made)) for word in words]
    code, out, err = fdmc("yield", *words)
    assert (code, out) == (2, "")
    assert said in err
    code, out, _ = fdmc("yield", *words, "--json")
    assert code == 2
    assert json.loads(out)["status"] == "bad_input"


@pytest.mark.verification
def test_burn_in_is_compared(made, fdmc):
    """Two tables more, and rows in the JSON: half a minute, most of it compiling."""
    swap = ("--set", "service.replace.ring={swap: package, time: 24 h}")
    words = ("yield", made, "--packages", 800, *swap, "--replicas", 64, "--burn-in", "0 h", "4 d")
    code, out, err = fdmc(*words)
    assert (code, err) == (0, "")
    for said in ("Burn-in of one engine (exact)", "Goodput that a new machine loses", "first year"):
        assert said in out
    none, long = json.loads(fdmc(*words, "--json")[1])["burn_in"]
    assert (none["hours"], long["hours"]) == (0, 96)
    assert none["ship_prob"]["best"] > long["ship_prob"]["best"]
    assert none["mission"]["low"] < none["mission"]["best"] < none["mission"]["high"]


def test_an_interrupt(made, fdmc, monkeypatch):
    def stop(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("fdmc.cli._progress.Fractions.__call__", stop)
    assert fdmc("yield", made, "--packages", 100)[0] == 130


def test_progress_is_told(made, fdmc, monkeypatch):
    monkeypatch.setattr("fdmc.cli._progress.Fractions._EVERY_SECONDS", 0.0)
    monkeypatch.setattr("fdmc.collect._manufacture._DIES", 160)
    code, _, err = fdmc("yield", made, "--packages", 640)
    assert code == 0
    assert "fdmc: 25 % drawn, " in err


def test_a_problem_of_an_extended_file_names_it(made, fdmc, tmp_path):
    child = tmp_path / "child.yaml"
    child.write_text("extends: made.yaml\ncomponents: {ring: null}\n")
    code, out, _ = fdmc("yield", child, "--json")
    problems = json.loads(out)["problems"]
    assert code == 2
    assert {problem["file"] for problem in problems} <= {"", "made.yaml"}
    assert any(problem["file"] == "made.yaml" for problem in problems)


def test_show_and_list_mention_it(made, fdmc):
    code, out, _ = fdmc("show", made)
    assert code == 0
    assert "Manufacturing is on: every engine is made" in out
    assert json.loads(fdmc("show", made, "--json")[1])["made"] == "engine"
    assert "Manufacturing" not in fdmc("show", made, "--set", "manufacturing.on=false")[1]
    rows = {
        row["name"]: row for row in json.loads(fdmc("list", "scenarios", "--json")[1])["scenarios"]
    }
    assert (rows["cpo-2d"]["made"], rows["cpo-3d"]["made"], rows["cpo-512"]["made"]) == (
        "engine",
        "package",
        None,
    )
