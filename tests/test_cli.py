"""The command line: answers, JSON that is only JSON, exit codes, and every kind of mistake."""

import argparse
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest
import yaml

from fdmc import cli
from fdmc.collect import Ledger


DOCS = pathlib.Path(__file__).parent.parent / "docs"
TRAY = DOCS / "examples/heated-tray.yaml"
SMALL = """
name: small
mission: 2 y
components:
  gpu: {mtbf: 3000 h, repair: 24 h}
units:
  rack: {contains: {tray: 2}}
  tray: {contains: {package: 2}}
  package: {components: {gpu: 1}}
fabric: {accelerator: package}
service: {technicians: 1, replace: {gpu: {takes_out: tray}}}
"""


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    path = tmp_path_factory.mktemp("scenarios") / "small.yaml"
    path.write_text(SMALL)
    return str(path)


@pytest.fixture
def fdmc(capsys):
    def call(*words):
        code = cli.main([str(word) for word in words])
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return code, said.out, said.err

    return call


@pytest.fixture(scope="module")
def answered(small, tmp_path_factory):
    """A folder with a finished run of 300 histories, in three chunks."""
    folder = tmp_path_factory.mktemp("answer") / "new" / "folder"
    words = ["run", small, "--replicas", "300", "--seed", "5", "--chunk", "100"]
    assert cli.main([*words, "--out", str(folder), "--quiet"]) == 0
    return folder


def test_run_says_everything(small, fdmc):
    code, out, err = fdmc("run", small, "--replicas", 100, "--set", "service.technicians=2")
    assert code == 0
    for words in (
        "small did", "95 % interval", "100 histories of seed 0; stopped as 100 histories are done",
        "Headline metrics", "Contributors by component", "Contributors by level", "Spares used",
        "Blast radius", "failure clock", "compiled in", "occurrences/s", "user",
    ):  # fmt: skip
        assert words in out, words
    assert err.startswith("fdmc: compiling\n")  # lines of progress follow where that takes long


def test_run_json(small, fdmc):
    words = (
        "run",
        small,
        "--rtol",
        "0.01 %",
        "--wall",
        "0.05 s",
        "--chunk",
        100,
        "--json",
        "--quiet",
    )
    code, out, err = fdmc(*words)
    assert (code, err) == (3, "")
    found = json.loads(out, parse_constant=pytest.fail)
    for key in ("scenario", "fingerprint", "seed", "replicas", "status", "conventions", "timing"):
        assert key in found
    assert found["status"] == "precision_not_reached"
    assert found["stopped_by"] == ["wall"]
    goodput = found["metrics"]["goodput"]
    assert 0 < goodput["low"] < goodput["best"] < goodput["high"] < 1
    assert goodput["unit"] == "1"
    assert len(found["conventions"]) >= 3


def test_one_history_has_no_interval_and_no_infinity(small, fdmc):
    code, out, _ = fdmc("run", small, "--replicas", 1, "--json", "--quiet")
    assert code == 0
    found = json.loads(out, parse_constant=pytest.fail)
    assert found["metrics"]["blast_radius.mean"]["high"] is None


def test_the_folder(answered):
    names = {path.name for path in answered.iterdir()}
    figures = {
        f"{n}.{k}" for n in ("work_rate", "contributors", "blast_radius") for k in ("png", "svg")
    }
    assert names == {"result.json", "result.nc", "ledger.json"} | figures
    assert Ledger.load(answered / "ledger.json").done == 300
    assert all(path.stat().st_size > 1000 for path in answered.iterdir())


def test_resume_goes_on_with_the_same_seed(small, answered, fdmc, tmp_path):
    (tmp_path / "ledger.json").write_text((answered / "ledger.json").read_text())
    words = ("run", small, "--replicas", 400, "--chunk", 100, "--json", "--quiet")
    code, out, _ = fdmc(*words, "--out", tmp_path, "--resume")
    resumed = json.loads(out)
    code_straight, out, _ = fdmc(*words, "--seed", 5)
    straight = json.loads(out)
    assert (code, code_straight) == (0, 0)
    assert (resumed["seed"], resumed["replicas"]) == (5, 400)
    assert resumed["metrics"] == straight["metrics"]


def test_a_fresh_run_tells_of_the_ledger_that_it_replaces(small, answered, fdmc, tmp_path):
    (tmp_path / "ledger.json").write_text((answered / "ledger.json").read_text())
    code, _, err = fdmc("run", small, "--replicas", 100, "--out", tmp_path)
    assert code == 0
    assert "starting afresh" in err
    assert "300 histories (--resume goes on)" in err


def test_an_interrupt_keeps_the_ledger(small, tmp_path):
    """Ctrl-C in a process of its own: 130, the command to go on, and a ledger that adds up."""
    words = ["run", small, "--replicas", "100000000", "--chunk", "512", "--out", str(tmp_path)]
    code = "import sys; from fdmc.cli import main; sys.exit(main(sys.argv[1:]))"
    process = subprocess.Popen(
        [sys.executable, "-c", code, *words, "--json"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "JAX_PLATFORMS": "cpu"},
    )  # fmt: skip
    try:
        for line in process.stderr:
            if "compiling" in line:
                break
        time.sleep(2)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=50)
    finally:
        process.kill()
    assert process.returncode == 130
    assert "stopping after the chunk at hand" in err
    assert "Traceback" not in err
    found = json.loads(out)
    assert found["status"] == "interrupted"
    assert found["resume"].startswith("fdmc run ")
    assert found["resume"].endswith("--resume")
    ledger = Ledger.load(tmp_path / "ledger.json")
    assert ledger.done == found["replicas"]
    assert ledger.done == ledger.tally.replicas + ledger.tally.void


def test_an_interrupt_between_chunks(small, fdmc, tmp_path, monkeypatch):
    """The third time that the run tells of its progress, somebody presses Ctrl-C."""
    told = []

    def press(listener, progress, fraction):
        told.append(progress.replicas)
        if len(told) == 3:
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr("fdmc.cli._progress.Listener.__call__", press)
    before = signal.getsignal(signal.SIGINT)
    words = ("run", small, "--replicas", 1000, "--chunk", 100)
    code, out, err = fdmc(*words, "--out", tmp_path, "--quiet")
    assert (code, out) == (130, "")
    assert f"{told[-1]:,} histories are kept" in err
    assert "--resume" in err
    assert signal.getsignal(signal.SIGINT) is before
    monkeypatch.undo()
    code, out, _ = fdmc(*words, "--out", tmp_path, "--quiet", "--resume", "--json")
    resumed = json.loads(out)
    code_straight, out, _ = fdmc(*words, "--quiet", "--json")
    assert (code, code_straight, resumed["replicas"]) == (0, 0, 1000)
    assert resumed["metrics"] == json.loads(out)["metrics"]


# Each row: the words, and what must be said.
BAD = [
    ((), "required: VERB"),
    (("fly",), "invalid choice: 'fly'"),
    (("run",), "required: SCENARIO"),
    (("run", "cpo-521"), "did you mean 'cpo-512'?"),
    (("run", "no/such/file.yaml"), "no such file or packaged scenario"),
    (("run", "SMALL", "--replicas", "-3"), "it must be at least 1"),
    (("run", "SMALL", "--replicas", "0"), "it must be at least 1"),
    (("run", "SMALL", "--replicas", "many"), "'many' is not a whole number"),
    (("run", "SMALL", "--replicas"), "expected one argument"),
    (("run", "SMALL", "--seed", "-1"), "it must be at least 0"),
    (("run", "SMALL", "--seed", str(2**64)), "it must be at most"),
    (("run", "SMALL", "--rtol", "0"), "write a width between 0 and 10"),
    (("run", "SMALL", "--rtol", "nan"), "write a width between 0 and 10"),
    (("run", "SMALL", "--rtol", "tight"), "write 0.01 or '1 %'"),
    (("run", "SMALL", "--wall", "-5"), "is not a time"),
    (("run", "SMALL", "--wall", "0"), "must be more than zero"),
    (("run", "SMALL", "--wall", "2 fortnights"), "write seconds, or one such as '2 min'"),
    (("run", "SMALL", "--wall", "1.2.3"), "is not a time"),
    (("run", "SMALL", "--chunk", "0"), "it must be at least 1"),
    (("run", "SMALL", "--devices", "0"), "it must be at least 1"),
    (("run", "SMALL", "--devices", "4096"), "4096 asked for, but there"),
    (("run", "SMALL", "--resume"), "--resume needs --out DIR"),
    (("run", "SMALL", "--resume", "--out", "EMPTY"), "there is no ledger in"),
    (("run", "SMALL", "--out", "FILE"), "cannot be written to"),
    (("run", "SMALL", "--out", "FILE/below"), "cannot be written to"),
    (("run", "SMALL", "--set", "service.technicians"), "is no path=value"),
    (("run", "SMALL", "--set", "service.technician=4"), "did you mean 'technicians'?"),
    (("run", "SMALL", "--set", "mission=5"), 'write "5 y"'),
    (("run", "SMALL", "--frobnicate"), "unrecognized arguments: --frobnicate"),
    (("run", "SMALL", "--replica", "5"), "unrecognized arguments"),
    (("run", "FILE"), "1 problem"),
    (("run", "SMALL", "--shares"), "--shares: small has no thermal section"),
    (("run", "SMALL", "--gradient"), "no number of small has a gradient"),
    (("run", "SMALL", "--gradient", "thermal.coolant"), "thermal.coolant has no gradient"),
    (("show", "cpo512"), "did you mean 'cpo-512'?"),
    (("show", "LAS-UHPP"), "did you mean 'LAS-UHP'?"),
    (("show", "zzzzzzzzz"), "see `fdmc list`"),
    (("show", "missing.yaml"), "no such file or packaged scenario"),
    (("show", "SMALL", "--path", "trayy"), "did you mean 'tray'?"),
    (("show", "SMALL", "--path", "tray[2]"), "out of range: 0 to 1"),
    (("show", "SMALL", "--path", "[]"), "no step of a path"),
    (("show", "GPU", "--set", "a=1"), "are for scenarios"),
    (("list", "unicorns"), "invalid choice: 'unicorns'"),
]


@pytest.mark.parametrize(
    ("words", "said"), BAD, ids=[" ".join(words) or "nothing" for words, _ in BAD]
)
def test_bad_input(words, said, small, fdmc, tmp_path):
    (tmp_path / "file").write_text("just text")
    (tmp_path / "empty").mkdir()
    places = {"SMALL": small, "EMPTY": f"{tmp_path}/empty", "FILE": f"{tmp_path}/file"}
    words = [word.replace("FILE/below", f"{tmp_path}/file/below") for word in words]
    words = [places.get(word, word) for word in words]
    code, out, err = fdmc(*words)
    assert (code, out) == (2, "")
    assert said in err
    code, out, err = fdmc(*words, "--json")
    assert code == 2
    assert said in json.loads(out)["error"] or "--replicas" in words


@pytest.mark.parametrize(
    ("ledger", "said"),
    [
        ("{half a ledg", "not a ledger of fdmc"),
        ("[1, 2]", "not a ledger of fdmc"),
        (b"\xff\xfe\x00", "--resume"),
        ("other seed", "has seed 5; leave --seed out"),
        ("other scenario", "is of another scenario"),
    ],
)
def test_a_ledger_that_does_not_belong(ledger, said, small, answered, fdmc, tmp_path):
    path = tmp_path / "ledger.json"
    words = ["run", small, "--out", tmp_path, "--resume", "--replicas", 10]
    if str(ledger).startswith("other"):
        path.write_text((answered / "ledger.json").read_text())
        words += ["--seed", 6] if ledger == "other seed" else ["--set", "mission=3 y"]
    else:
        path.write_bytes(ledger if isinstance(ledger, bytes) else ledger.encode())
    code, out, err = fdmc(*words)
    assert (code, out) == (2, "")
    assert said in err


def test_every_problem_of_a_scenario_is_in_the_json(fdmc, tmp_path):
    path = tmp_path / "bad.yaml"
    document = yaml.safe_load(SMALL)
    document["mission"] = 5
    document["fabric"]["acelerator"] = "package"
    path.write_text(yaml.safe_dump(document))
    code, out, err = fdmc("run", path, "--json")
    problems = json.loads(out)["problems"]
    assert code == 2
    assert {problem["path"] for problem in problems} == {"mission", "fabric.acelerator"}
    assert all(problem["line"] for problem in problems)
    assert "did you mean 'accelerator'?" in err


@pytest.mark.verification
def test_heat_in_the_json(fdmc, tmp_path):
    words = ("--replicas", 64, "--json", "--quiet", "--out", tmp_path)
    code, out, err = fdmc("run", TRAY, *words, "--shares", "--gradient", "thermal.link.ring.range")
    assert (code, err) == (0, "")
    found = json.loads(out, parse_constant=pytest.fail)
    assert list(found["heat_shares"]) == ["ageing", "cycling", "lock"]
    for said in found["heat_shares"].values():
        for part in ("gain", "share"):
            assert said[part]["low"] < said[part]["best"] < said[part]["high"]
    slope = found["gradient"]["thermal.link.ring.range"]
    assert list(slope) == ["total", "by_rate", "by_light"]
    assert slope["total"]["high"] < 0
    assert slope["total"]["unit"] == "1/K"
    assert found["metrics"]["power.heat"]["status"] == "exact"
    assert json.loads((tmp_path / "result.json").read_text())["gradient"] == found["gradient"]
    assert (tmp_path / "heat.png").stat().st_size > 10_000


@pytest.mark.verification
def test_heat_in_the_tables(fdmc):
    code, out, err = fdmc("run", TRAY, "--replicas", 64, "--gradient")
    assert code == 0
    assert "differentiating" in err
    for words in (
        "Gradients of lost goodput",
        "thermal.air",
        "components.laser.current",
        "% per K",
    ):
        assert words in out, words
    assert "Share of lost goodput by effect" not in out
    code, out, _ = fdmc("show", TRAY, "--json")
    assert json.loads(out, parse_constant=pytest.fail)["heat"]["packages"] == 4


def test_a_gradient_that_is_refused(fdmc, tmp_path):
    """The reason is there before anything runs, and without a path the others are found."""
    document = yaml.safe_load(TRAY.read_text())
    document["components"]["laser"]["lifetime"] = {"weibull": {"shape": 2, "scale": "20 y"}}
    del document["components"]["laser"]["rate"]
    path = tmp_path / "worn.yaml"
    path.write_text(yaml.safe_dump(document))
    code, out, err = fdmc("run", path, "--gradient", "components.laser.at")
    assert (code, out) == (2, "")
    assert "els/laser" in err
    assert "which wears" in err
    code, out, _ = fdmc("show", path)
    assert "gradient with respect to components.laser.at" in out
    code, out, _ = fdmc("show", path, "--json")
    reasons = {q["question"]: q["why"] for q in json.loads(out)["questions"]}
    assert "els/laser" in reasons["gradient with respect to components.laser.current"]


def test_a_machine_that_the_engine_refuses(fdmc, tmp_path):
    path = tmp_path / "refused.yaml"
    path.write_text(SMALL.replace(", repair: 24 h", ""))
    code, _, err = fdmc("run", path, "--replicas", 10)
    assert code == 2
    assert "no repair time; give components.gpu.repair" in err
    code, out, _ = fdmc("show", path, "--json")
    assert code == 0
    answers = {q["question"]: q for q in json.loads(out)["questions"]}
    histories = answers["goodput, availability, blame, occurrences, spares"]
    assert histories["answer"] == "refused"
    assert "no repair time" in histories["why"]


def test_show(fdmc):
    code, out, _ = fdmc("show", "nvl72-copper", "--set", "service.technicians=3")
    assert code == 0
    for words in (
        "72 accelerators, 18 planes", "technicians 3", "Failure budget by level (exact)",
        "switch_tray",
        "its repair takes out", "rack: 72 accelerators", "1, restock 21 d", "library row",
        "sampled", "refused",
    ):  # fmt: skip
        assert words in out, words
    code, out, _ = fdmc("show", "nvl72-copper", "--json")
    found = json.loads(out, parse_constant=pytest.fail)
    assert found["accelerators"] == 72
    assert {unit["name"] for unit in found["units"]} >= {"rack", "tray", "package", "asic"}
    assert {row["grade"] for row in found["classes"]} == {"A", "C"}


def test_show_path(fdmc):
    code, out, _ = fdmc("show", "cpo-512", "--path", "rack[2].tray[*].engine", "--json")
    found = json.loads(out)
    assert (code, found["count"], found["unit"]) == (0, 128, "engine")
    assert found["instances"][0]["accelerators"] == [128, 128]
    code, out, _ = fdmc("show", "cpo-512", "--path", "rack[2].tray[3]")
    assert code == 0
    assert "140 to 143" in out


def test_show_component(fdmc):
    code, out, _ = fdmc("show", "las-uhp")
    assert code == 0
    assert "Lumentum" in out
    code, out, _ = fdmc("show", "GPU", "--json")
    assert json.loads(out)["fit_typ"] == 6970


def test_schema(fdmc):
    code, out, _ = fdmc("show", "schema")
    assert (code, json.loads(out)["title"]) == (0, "fdmc scenario")
    assert fdmc("schema", "--json") == (0, out, "")


def test_list(fdmc):
    code, out, _ = fdmc("list")
    assert code == 0
    assert "cpo-512" in out
    assert "6,055" in out
    assert "Lumentum" in out
    code, out, _ = fdmc("list", "--json")
    found = json.loads(out, parse_constant=pytest.fail)
    assert {row["name"] for row in found["scenarios"]} >= {"cpo-512", "nvl72-copper"}
    assert len(found["components"]) == 90
    assert all(row["grade"] and row["source"] for row in found["components"])
    code, out, _ = fdmc("list", "scenarios", "--json")
    assert list(json.loads(out)) == ["scenarios"]


def test_doctor(fdmc, monkeypatch):
    monkeypatch.setattr("fdmc.cli._doctor._SECONDS", 0.1)
    code, out, _ = fdmc("doctor", "--json")
    found = json.loads(out, parse_constant=pytest.fail)
    assert code == 0
    assert found["speed"]["occurrences_per_second"] > 1000
    assert found["devices"]
    assert found["versions"]["jax"]
    code, out, _ = fdmc("doctor", "--no-speed")
    assert code == 0
    assert "CUDA" in out


def options(parser):
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield from action.choices.items()


def test_compare_pairs_machines(fdmc, small, tmp_path):
    better = tmp_path / "better.yaml"
    better.write_text(SMALL.replace("24 h", "6 h").replace("name: small", "name: better"))
    words = ("compare", small, better, "--replicas", 64, "--seed", 3)
    code, out, err = fdmc(*words, "--json")
    assert (code, err) == (0, "")
    found = json.loads(out, parse_constant=pytest.fail)
    assert [row["scenario"] for row in found["scenarios"]] == ["small", "better"]
    gain = found["scenarios"][1]["gain"]
    assert 0 < gain["low"] < gain["best"] < gain["high"]
    assert found["scenarios"][0]["gain"]["best"] == 0
    code, out, _ = fdmc(*words)
    assert code == 0
    for said in ("small", "better", "gain, points", "64 histories of seed 3"):
        assert said in out
    code, _, err = fdmc("compare", small)
    assert (code, "two scenarios" in err) == (2, True)
    assert fdmc("compare", small, "nothing-of-that-name", "--json")[0] == 2


def test_help_is_complete_and_documented(fdmc):
    code, out, _ = fdmc("--help")
    assert code == 0
    page = (DOCS / "command-line.md").read_text()
    for name, verb in options(cli.parser()):
        assert name in out
        assert f"fdmc {name}" in page
        code, said, _ = fdmc(name, "--help")
        assert code == 0
        assert "130 interrupted" in said
        for action in verb._actions:
            assert action.help, (name, action.dest)
            for option in action.option_strings[-1:]:
                assert option == "--help" or f"`{option}" in page, (name, option)
    code, out, _ = fdmc("--version")
    assert (code, out.split()[0]) == (0, "fdmc")


def test_a_pipe_that_closes_early():
    code = "import sys; from fdmc.cli import main; sys.exit(main(['list']))"
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    process.stdout.close()
    err = process.stderr.read().decode()
    process.stderr.close()
    assert process.wait(timeout=60) == 0
    assert "Traceback" not in err
    assert "BrokenPipe" not in err
