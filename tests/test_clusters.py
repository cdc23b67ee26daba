"""The table of published results: what counts as a match, and that a miss is told."""

import json

import pytest

from benchmarks import clusters
from benchmarks._cluster_rows import Kind, Published, Skipped, line, markdown
from fdmc import Estimate


def row(best: float, value: float, kind: Kind = "match", half: float = 0.01) -> Published:
    got = Estimate(best - half, best, best + half, "h", 100)
    return Published("V00", "a result", value, 0.05, got, "nothing", kind)


@pytest.mark.parametrize(
    ("case", "ok", "verdict"),
    [
        (row(1.04, 1.0), True, "match"),
        (row(1.06, 1.0), False, "FAILED"),
        (row(0.94, 1.0), False, "FAILED"),
        (row(0.9, 1.0, "bound"), True, "below"),
        (row(1.1, 1.0, "bound"), False, "FAILED"),
        (row(1.2, 1.0, "control"), True, "differs, as it must"),
        (row(0.8, 1.0, "control"), True, "differs, as it must"),
        (row(1.02, 1.0, "control"), False, "FAILED: matches"),
        (row(1.2, 1.0, "control", half=0.3), False, "FAILED: matches"),  # nobody can tell
    ],
)
def test_verdicts(case, ok, verdict):
    assert (case.ok, case.verdict) == (ok, verdict)


def test_lines_and_tables():
    assert "1 ± 0.05" in " ".join(line(row(1.04, 1.0), False).split())
    assert json.loads(line(row(1.2, 1.0, "control"), True))["verdict"] == "differs, as it must"
    text = markdown([row(1.04, 1.0), Skipped("V99", "nothing to read")])
    assert "1.04 [1.03, 1.05] h" in text
    assert "- V99: skipped, nothing to read" in text


@pytest.mark.parametrize(("best", "status"), [(1.0, 0), (2.0, 1)])
def test_status(monkeypatch, capsys, best, status):
    monkeypatch.setattr(clusters, "CASES", {"V00": lambda: [row(best, 1.0)]})
    assert clusters.main([]) == status
    assert (
        capsys.readouterr().out.splitlines()[-1] == f"{1 - status} ok, {status} failed, 0 skipped"
    )


def test_every_case_of_the_list_is_there():
    assert {name.partition(".")[0] for name in clusters.CASES} == set(
        "V01 V03 V04 V04a V04b V04c V05 V06 V09 V13 V14".split()
    )


@pytest.mark.statistical
def test_a_case_in_json(capsys):
    assert clusters.main(["--only", "V13", "V05.no", "--json"]) == 0
    rows = [json.loads(text) for text in capsys.readouterr().out.splitlines()]
    assert [one["kind"] for one in rows] == ["match", "match", "control"]
    assert all(one["got"]["low"] < one["got"]["best"] < one["got"]["high"] for one in rows)
