"""Numbers for people, tables, the catalogue of metrics, figures, and the closed forms of `show`."""

import dataclasses
import json
import math
import pathlib

import numpy as np
import pytest
import xarray as xr
from matplotlib import image
from rich.console import Console

from fdmc import Estimate, RelativeError, Replicas, WallTime, load, report, run


DOCS = pathlib.Path(__file__).parent.parent / "docs"
SMALL = {
    "name": "small",
    "mission": "2 y",
    "components": {
        "gpu": {"mtbf": "3000 h", "repair": "24 h"},
        "psu": {"lifetime": {"weibull": {"shape": 2, "scale": "2 y"}}, "repair": "4 h"},
        "never": {"rate": "1e-9 FIT", "repair": "1 h"},
    },
    "units": {
        "rack": {"contains": {"tray": 4}, "components": {"never": 1}},
        "tray": {"contains": {"package": 2}, "components": {"psu": {"count": 3, "need": 2}}},
        "package": {"components": {"gpu": 1}},
    },
    "fabric": {"accelerator": "package", "planes": 2, "lane_rate": "100 Gb/s"},
    "service": {
        "technicians": 1,
        "replace": {"gpu": {"swap": "package", "takes_out": "tray", "stock": 1, "restock": "7 d"}},
    },
    "workload": {
        "compute": "100 ms",
        "collectives": [{"op": "all_reduce", "size": "1 GiB"}],
        "checkpoint": {"write": "30 s"},
        "restart": {"detect": "1 min", "resume": "5 min"},
    },
}


@pytest.fixture(scope="module")
def result():
    return run(load(SMALL), seed=3, stop=Replicas(200), chunk=100)


def text_of(*parts):
    screen = Console(width=120, record=True, quiet=True, markup=False)
    screen.quiet = False
    with screen.capture() as capture:
        for part in parts:
            screen.print(part)
    return capture.get()


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0, "0"), (6970.0, "6,970"), (24.0, "24"), (0.0421, "0.0421"), (3.2e-7, "3.2e-7"),
        (1e9 / 3, "333,000,000"),
        (1.5e13, "1.5e13"), (math.inf, "–"), (math.nan, "–"), (-0.5, "-0.5"), (99.9996, "100"),
    ],
)  # fmt: skip
def test_number(value, said):
    assert report.number(value) == said


@pytest.mark.parametrize(
    ("hours", "said"),
    [
        (0.5, "30 min"), (24.0, "24 h"), (72.0, "72 h"), (504.0, "21 d"), (43800.0, "5 y"),
        (36.5, "36.5 h"),
        (0.0, "0 s"), (10 / 3600, "10 s"), (1e-7, "0.36 ms"), (math.inf, "never"),
    ],
)  # fmt: skip
def test_duration(hours, said):
    assert report.duration(hours) == said


@pytest.mark.parametrize(
    ("estimate", "best", "interval"),
    [
        (Estimate(0.9866, 0.9867, 0.9868, "1", 9), "98.670", "[98.660, 98.680]"),
        (Estimate(7830.0, 8038.4, 8246.0, "h", 9), "8,040", "[7,830, 8,250]"),
        (Estimate(0.0, 0.0, 209_940.9, "h", 9, "no_hits"), "none seen", "[0, 210,000]"),
        (Estimate(-math.inf, 0.5, math.inf, "1", 1, "one_replica"), "50", "unknown"),
        (Estimate(0.0, math.nan, math.inf, "h", 0, "no_replicas"), "–", "unknown"),
        (Estimate(0.0, 0.002, 1.0, "h", 9), "0.0020", "[0, 1.0000]"),
        (Estimate(1.0, 1.0, 1.0, "1", 9), "100", "[100, 100]"),
        (Estimate(2e-9, 3e-9, 4e-9, "1/y", 9), "3.0e-9", "[2.0e-9, 4.0e-9]"),
    ],
)
def test_an_estimate_has_the_digits_of_its_interval(estimate, best, interval):
    assert (report.best(estimate), report.interval(estimate)) == (best, interval)


def test_plain_is_json():
    @dataclasses.dataclass
    class Thing:
        values: np.ndarray

    thing = {"a": math.inf, 2: [math.nan, np.float32(0.5), np.int64(3)], "t": Thing(np.arange(2))}
    assert report.plain(thing) == {"a": None, "2": [None, 0.5, 3], "t": {"values": [0, 1]}}


def test_every_metric_is_documented(result):
    for name, estimate in result.metrics.items():
        assert report.document_of(name).unit == estimate.unit, name
    used = {report.document_of(name).name for name in result.metrics}
    heat = ("thermally_stable", "steady_dark", "lock_losses", "power.")  # tests/test_report_heat.py
    cost = ("cost.", "joules_per_", "serviceable_")  # tests/test_costs.py
    planned = ("scheduled_per_year",)  # tests/test_service.py
    jobs = (
        "fleet.",
        "reconfigurations_per_year",
        "<metric>.all",
    )  # tests/test_spec_job.py, test_reconfigure.py
    elsewhere = (*heat, *cost, *planned, *jobs)
    assert used == {m.name for m in report.METRICS if not m.name.startswith(elsewhere)}
    with pytest.raises(KeyError, match="no metric is called 'goodputt'"):
        report.document_of("goodputt")


def test_a_metric_has_one_document(result):
    for name in result.metrics:
        assert sum(metric.matches(name) for metric in report.METRICS) == 1, name


def test_the_page_is_the_catalogue():
    assert report.metrics_table() in (DOCS / "metrics.md").read_text()


def test_the_caption_says_which_rule_ended_the_run(result):
    said = report.caption(result, [Replicas(200)], 17520.0)
    assert "200 histories of seed 3; stopped as 200 histories are done" in said
    assert f"{report.best(report.lost_goodput(result))} %" in said
    width = report.precision(result)
    reached = report.caption(result, [RelativeError(2 * width, least=1), WallTime(1e9)], 17520.0)
    assert "stopped as the interval is" in reached
    assert "not reached" not in reached
    missed = report.caption(result, [RelativeError(width / 3, least=1), WallTime(1e-9)], 17520.0)
    assert "of run time are over: precision not reached" in missed
    assert "about 9 times the histories would do" in missed


def test_the_caption_says_what_was_left_out(result):
    cut = dataclasses.replace(result, timing={**result.timing, "void_replicas": 7})
    assert "Bound hit: 7 histories" in report.caption(cut, [Replicas(200)], 17520.0)


def test_the_tables_have_every_contributor_and_grade(result):
    said = text_of(*report.result_tables(result, 12))
    for word in ("gpu", "psu", "package", "none seen", "failure clock", "user", "Blast radius"):
        assert word in said
    assert "nan" not in said
    assert "inf]" not in said
    few = text_of(*report.result_tables(result, 1))
    assert "… and 2 more, together" in few
    assert "compiled in" in report.timing(result, 17520.0)


def test_files_and_figures(result, tmp_path):
    files = report.save(result, [Replicas(200)], tmp_path)
    assert sorted(files) == sorted(path.name for path in tmp_path.iterdir())
    values = json.loads((tmp_path / "result.json").read_text())
    assert values["metrics"]["goodput"]["best"] == result["goodput"].best
    assert values["stopped_by"] == ["replicas"]
    assert [c["name"] for c in values["contributors"]["component"]][0] == "gpu"
    with xr.open_dataset(tmp_path / "result.nc") as data:
        goodput = data.metric.sel(name="goodput", bound="best").item()
        assert goodput == result["goodput"].best
        assert data.attrs["fingerprint"] == result.fingerprint
    for name in ("work_rate", "contributors", "blast_radius"):
        pixels = image.imread(tmp_path / f"{name}.png")
        assert pixels.shape[1] > 1000
        assert len(np.unique(pixels.reshape(-1, pixels.shape[2]), axis=0)) > 50
        svg = (tmp_path / f"{name}.svg").read_text()
        assert any(word in svg for word in ("accelerator", "work rate", "goodput"))
    assert "never" not in (tmp_path / "contributors.svg").read_text()


def test_figures_of_next_to_nothing(result, tmp_path):
    """One history, no loss, no interval: still three pictures, and no warning."""
    nothing = Estimate(0.0, 0.0, math.inf, "accelerator h/y", 1, "no_hits")
    metrics = {
        name: dataclasses.replace(e, low=-math.inf, high=math.inf, status="one_replica")
        if not name.startswith("lost")
        else nothing
        for name, e in result.metrics.items()
    }
    blast = {size: nothing for size in result.blast_radius}
    bare = dataclasses.replace(result, metrics=metrics, blast_radius=blast, replicas=1)
    assert len(report.save_figures(bare, tmp_path)) == 6
    text_of(*report.result_tables(bare, 3), report.caption(bare, [Replicas(1)], 17520.0))
    json.dumps(report.run_object(bare, [Replicas(1)]), allow_nan=False)


def test_first_loss_of_a_series_and_of_spares():
    """Exponentials in series: 1 / (8 / 3000). The mean of 2-of-3 Weibull by quadrature of its R."""
    found = report.first_losses(load(SMALL))
    assert found["package"].mean_hours == pytest.approx(3000 / 8, rel=1e-5)
    lost = found["package"].before_mission_ends_prob
    assert lost == pytest.approx(-math.expm1(-8 * 17520 / 3000), rel=1e-12)
    t = np.linspace(0, 80_000, 400_001)
    r = np.exp(-((t / 17520.0) ** 2))
    tray = (3 * r**2 - 2 * r**3) ** 4 * np.exp(-8 * t / 3000)
    assert found["tray"].mean_hours == pytest.approx(np.trapezoid(tray, t), rel=1e-5)
    assert found["rack"].mean_hours < found["tray"].mean_hours * (1 + 1e-5)


def test_the_machine(result):
    machine = report.describe(load(SMALL))
    units = {row.name: row for row in machine.units}
    assert (units["package"].total, units["package"].per_parent, units["package"].depth) == (
        8,
        2,
        2,
    )
    assert units["package"].fit_of_one == pytest.approx(1e9 / 3000)
    assert units["package"].occurrences_per_year == pytest.approx(8 * 8760 / 3000)
    rows = {row.name: row for row in machine.classes}
    psu, gpu = rows["tray/psu"], rows["package/gpu"]
    assert (psu.takes.share, psu.takes.spares, psu.takes.accelerators) == (0.5, 1, 2)
    assert psu.takes.text == "1/2 of 2 accelerators, after 1 spare"
    assert (psu.when, psu.exponential) == ("failed", False)
    assert (gpu.swap, gpu.takes_out, gpu.repair_takes.accelerators) == ("package", "tray", 2)
    assert (gpu.stock, gpu.restock_hours, gpu.repair_time) == (1, 168, "24 h")
    for row, info in zip(machine.classes, sorted_like(machine, result), strict=True):
        assert (row.copies, row.grade) == (info.copies, info.grade)
        assert row.takes.accelerators == info.loss_accelerators
    kinds = {q.answer for q in machine.questions}
    assert kinds == {"exact", "sampled", "refused"}
    assert "for psu the long-run mean" in machine.questions[1].why
    said = text_of(report.headline(machine), *report.machine_tables(machine))
    assert "after 1 spare" in said
    json.dumps(report.plain(machine), allow_nan=False)


def sorted_like(machine, result):
    infos = {info.name: info for info in result.directory.classes}
    return [infos[row.name] for row in machine.classes]


def test_a_refused_machine_is_shown_all_the_same():
    document = {**SMALL, "components": {**SMALL["components"], "never": {"rate": "1 FIT"}}}
    machine = report.describe(load(document))
    refused = [q for q in machine.questions if q.answer == "refused"]
    assert "no repair time" in refused[0].why
    assert "missing" in text_of(*report.machine_tables(machine))


@pytest.mark.parametrize("name", ["cpo-512", "nvl72-copper", "pluggable-512", "tpuv4-pod"])
def test_packaged_machines(name):
    machine = report.describe(load(name))
    assert all(row.takes is not None for row in machine.classes)
    assert not any("goodput" in q.question for q in machine.questions if q.answer == "refused")


def test_instances():
    cpo = load("cpo-512")
    trays = report.instances(cpo, "rack[2].tray[*]")
    assert (trays["count"], trays["takes"]) == (16, "4 accelerators")
    assert trays["instances"][3] == {
        "path": "rack[2].tray[3]", "number": 35, "accelerators": [140, 143], "planes": None,
    }  # fmt: skip
    engines = report.instances(cpo, "rack[7].tray[15].package[3].engine[1]")["instances"]
    assert engines[0]["accelerators"] == [511, 511]
    assert engines[0]["planes"] == [8, 15]
    lanes = report.instances(cpo, "lane")
    assert (lanes["count"], len(lanes["instances"])) == (36864, 10_000)
    assert lanes["takes"].endswith("after 4 spares")
    assert lanes["instances"][36]["accelerators"] == [0, 0]
    assert lanes["instances"][36]["planes"] == [8, 15]
    pod = report.instances(cpo, "pod")
    assert pod["instances"] == [
        {"path": "pod", "number": 0, "accelerators": [0, 511], "planes": None}
    ]
    with pytest.raises(ValueError, match="did you mean 'tray'"):
        report.instances(cpo, "trayy")
    assert "… and 112 more" in text_of(report.instances_table(report.instances(cpo, "tray"), 16))
