"""`fdmc fault-tree` as a stranger uses it: answers, formats, bad input, exit codes."""

import json
from pathlib import Path

import pytest

from fdmc.cli import main
from fdmc.spec.fault_tree import read


ROOT = Path(__file__).parent.parent
COOLANT, LASERS, SHELF = (
    str(ROOT / "docs" / "examples" / n) for n in ("coolant.xml", "lasers.dft", "shelf.dft")
)


def run(capsys, *words):
    code = main(["fault-tree", *words])
    heard = capsys.readouterr()
    return code, heard.out, heard.err


def test_json_has_the_promised_fields(capsys):
    words = (
        "--json",
        "--importance",
        "--cut-sets",
        "--rows",
        "5",
        "--uncertainty",
        "500",
        "--mttf",
    )
    code, out, err = run(capsys, COOLANT, *words)
    answer = json.loads(out)
    assert code == 0
    assert err == ""
    assert answer["top_event"] == "no-coolant"
    assert answer["method"] == "exact (decision diagram)"
    assert answer["status"] == "ok"
    p = answer["probability"]
    assert p["low"] == p["best"] == p["high"] == pytest.approx(0.0439, rel=0.01)
    assert answer["seconds"] > 0
    assert {row["event"] for row in answer["importance"]} >= {"exchanger", "feed-1"}
    assert answer["cut_sets"]["count"] == 9
    assert len(answer["cut_sets"]["listed"]) == 5
    assert answer["uncertainty"]["trials"] == 500
    assert answer["mttf"]["unit"] == "h"


def test_people_get_sentences_and_tables(capsys):
    code, out, _ = run(capsys, COOLANT, "--importance", "--cut-sets", "--time", "1 d, 1 y")
    assert code == 0
    for words in ("no-coolant of coolant, by 8,760 h (1 y)", "method: exact", "Birnbaum",
                  "9 minimal cut sets", "Probability by mission time"):  # fmt: skip
        assert words in out


def test_monte_carlo_says_why_and_how_well(capsys):
    code, out, _ = run(capsys, LASERS, "--time", "5 y", "--replicas", "20000", "--json", "--quiet")
    answer = json.loads(out)
    assert code == 0
    assert answer["method"] == "Monte Carlo (times)"
    assert "lognormal" in answer["message"]
    assert answer["probability"]["low"] < answer["probability"]["best"]


def test_a_target_that_is_not_reached_exits_with_3(capsys):
    words = ("--time", "5 y", "--target-error", "1e-6", "--wall", "0.5", "--json", "--quiet")
    code, out, _ = run(capsys, LASERS, *words)
    assert code == 3
    assert json.loads(out)["status"] == "precision_not_reached"


def test_an_exact_answer_that_does_not_exist_exits_with_3(capsys):
    code, out, err = run(capsys, LASERS, "--method", "exact", "--json")
    assert code == 3
    assert json.loads(out)["status"] == "no_answer"
    assert "no exact answer" in err


def test_models_are_written_and_read_again(capsys, tmp_path):
    path = tmp_path / "again.xml"
    code, _, err = run(capsys, COOLANT, "--write", str(path))
    assert code == 0
    assert "wrote" in err
    assert read(str(path)) == read(COOLANT)
    code, _, err = run(capsys, LASERS, "--write", str(tmp_path / "lasers.xml"))
    assert code == 2
    assert "spare" in err


def test_files_are_written(capsys, tmp_path):
    words = ("--importance", "--uncertainty", "200", "--time", "24,1 y", "--out", str(tmp_path))
    code, out, _ = run(capsys, COOLANT, *words)
    assert code == 0
    names = {p.name for p in tmp_path.iterdir()}
    assert names == {"answer.json", "curve.png", "importance.png", "uncertainty.png"}
    assert "Wrote answer.json" in out


BAD = [
    (("nowhere.xml",), "nowhere.xml"),
    ((COOLANT, "--top", "no-cooland"), "no gate no-cooland"),
    ((COOLANT, "--time", "a year"), "is not a mission time"),
    ((COOLANT, "--house", "maintenance=maybe"), "NAME=true"),
    ((COOLANT, "--set", "pump-rat=1"), "no parameter pump-rat"),
    ((COOLANT, "--set", "pump-rate"), "NAME=VALUE"),
    ((COOLANT, "--target-error", "-1"), "not possible"),
    ((COOLANT, "--cut-off", "2"), "between 0 and 1"),
    ((SHELF, COOLANT), "two formats"),
]


@pytest.mark.parametrize(("words", "message"), BAD)
def test_bad_input_is_a_message_and_exits_with_2(capsys, words, message):
    code, out, err = run(capsys, *words, "--json")
    assert code == 2
    assert json.loads(out)["status"] == "bad_input"
    assert message in err
    assert "Traceback" not in err


BROKEN = sorted((ROOT / "tests" / "broken_fault_trees").iterdir())


@pytest.mark.parametrize("path", BROKEN, ids=lambda p: p.name)
def test_broken_models_are_refused_with_place_and_reason(capsys, path):
    code, out, err = run(capsys, str(path), "--json")
    assert code == 2
    assert json.loads(out)["error"]
    assert path.name in err
    assert "Traceback" not in err
