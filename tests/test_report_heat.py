"""Heat made visible: what `show` says before a run, tables, figure, shares of the effects, gradients."""

import dataclasses
import json
import pathlib

import numpy as np
import pytest
import yaml
from _heated import base, changed
from matplotlib import image
from rich.console import Console

import fdmc
from fdmc import Estimate, Replicas, load, report, run
from fdmc.collect import heat_watts
from fdmc.collect._columns import WINDOW_EDGES
from fdmc.collect._heat import _quantile
from fdmc.plan import Heat, knobs_of, lower, sensitivity
from fdmc.tally import Tally
from fdmc.thermal import NODES, default_ring


TRAY = pathlib.Path(__file__).parent.parent / "docs/examples/heated-tray.yaml"
NOISY = {"ornstein_uhlenbeck": {"mean": 0.8, "sd": 0.1, "tau": "1 s"}}


def text_of(*parts):
    screen = Console(width=140, markup=False)
    with screen.capture() as capture:
        for part in parts:
            screen.print(part)
    return capture.get()


@pytest.fixture(scope="module")
def tray():
    return load(TRAY)


@pytest.fixture(scope="module")
def machine(tray):
    return report.describe(tray)


@pytest.fixture(scope="module")
def result(tray):
    return run(tray, seed=3, stop=Replicas(200), chunk=200)


def test_temperatures_are_those_of_the_network(tray, machine):
    heat, points = machine.heat, Heat(tray, {}).points
    for i, row in enumerate(heat.nodes):
        assert row.name == NODES[i]
        assert row.lowest_kelvin < row.mean_kelvin < row.highest_kelvin
        assert row.mean_kelvin == pytest.approx(np.dot(points.share, points.kelvin[i]))
        assert heat.coolant_kelvin < row.idle_kelvin < row.lowest_kelvin
    assert heat.load == "100 % for 80 % of every 1.5 s, 60 % for 20 %"
    assert heat.stops == "10 min in every 24 h"


def test_a_random_load_reaches_three_deviations():
    scenario = load(changed("thermal.load", NOISY))
    heat, points = report.describe(scenario).heat, Heat(scenario, {}).points
    for row, sd in zip(heat.nodes, points.sd, strict=True):
        assert sd > 0
        assert row.highest_kelvin - row.mean_kelvin == pytest.approx(3 * sd, rel=1e-5)
        assert row.mean_kelvin - row.lowest_kelvin == pytest.approx(3 * sd, rel=1e-5)


def test_margins_are_to_the_limits_of_a_ring(machine):
    link, engine = machine.heat.link, machine.heat.nodes[NODES.index("engine")]
    budget = default_ring()["budget_kelvin"].value
    top, reach = 273.15 + 90, 25
    assert link.devices == 4 * 2 * 9
    assert link.hot_margin_kelvin == pytest.approx(top + budget - engine.highest_kelvin)
    assert link.cold_margin_kelvin == pytest.approx(engine.lowest_kelvin - (top - reach - budget))
    assert 0 < link.heater_kelvin < reach
    assert 0 < link.steady_dark_lanes < 0.01


def test_power(tray, machine):
    found = machine.heat.power_watts
    assert found == heat_watts(tray)
    # 1040 W at full load; at idle 0.3 of it; 0.8 x 1 + 0.2 x 0.6 = 0.92 while it runs, 10 min a day without.
    load = 0.92 * (1 - 10 / 1440)
    assert found["heat"] == pytest.approx(4 * 1040 * (0.3 + 0.7 * load))
    assert found["cooling"] == pytest.approx(0.1 * found["heat"])


def test_excursions(tray, machine):
    pump, clog = machine.heat.excursions
    assert (pump.name, pump.unit, pump.instances, pump.accelerators) == ("pump_trip", "loop", 1, 4)
    assert (clog.name, clog.instances, clog.accelerators) == ("clogging", 4, 1)
    assert pump.per_year_each == pytest.approx(4)
    assert clog.active_share == pytest.approx(168 / (8760 + 168), rel=1e-3)
    lost = Heat(tray, {}).lost
    taken = 1 - (1 - lost(12.0)) / (1 - lost(0.0))
    assert pump.dark_lanes == pytest.approx(taken, rel=1e-6)
    assert pump.dark_lanes > 0.2 > clog.dark_lanes > machine.heat.link.steady_dark_lanes


def test_cycles_add_up_to_the_acceleration(machine):
    rows = [row for row in machine.heat.cycles if row.name == "package/solder"]
    assert [row.kind for row in rows][0] == "stops"
    assert sum(row.share for row in rows) == pytest.approx(1)
    solder = next(c for c in machine.classes if c.component == "solder")
    assert sum(row.life_used for row in rows) == pytest.approx(solder.heat[0].acceleration)
    stops = rows[0]
    engine = machine.heat.nodes[NODES.index("engine")]
    assert stops.per_year == pytest.approx(365)
    assert stops.swing_kelvin == pytest.approx(engine.highest_kelvin - engine.idle_kelvin, rel=1e-5)


def test_effects_that_are_left_out_are_said(tray):
    cold = dataclasses.replace(tray, thermal=dataclasses.replace(tray.thermal, effects=("ageing",)))
    heat = report.describe(cold).heat
    assert heat.left_out == ("cycling", "lock")
    assert heat.cycles == ()
    assert [e.dark_lanes for e in heat.excursions] == [0, 0]
    assert heat.link.steady_dark_lanes == 0
    said = text_of(*report.machine_tables(report.describe(cold)))
    assert "Left out (thermal.effects): cycling, lock." in said
    assert "not counted" in said


def test_the_tables_of_a_machine(machine):
    said = text_of(*report.machine_tables(machine))
    for words in (
        "template 2.5d", "Coolant 40 degC, air 35 degC", "margin, cold", "power: tuning", "Excursions",
        "Cycling damage (Norris-Landzberg)", "Without a temperature, 1 of 5 classes: pump.",
    ):  # fmt: skip
        assert words in said, words
    assert "nan" not in said
    found = report.machine_object(machine)
    assert found["heat"]["link"]["kind"] == "ring"
    json.dumps(found, allow_nan=False)


def test_a_machine_without_heat_says_nothing_of_it():
    machine = report.describe(load("nvl72-copper"))
    assert machine.heat is None
    assert "heat" not in report.machine_object(machine)
    assert "Excursions" not in text_of(*report.machine_tables(machine))
    assert not any("gradients of lost" in q.question for q in machine.questions)


def test_questions(machine):
    answers = {q.question: q.answer for q in machine.questions}
    assert (
        answers["excursions: lost goodput, lock losses, thermally stable throughput"] == "sampled"
    )
    gradients = next(q for q in answers if q.startswith("gradients of lost goodput"))
    assert answers[gradients] == "sampled"
    assert "thermal.link.ring.range" in gradients


@pytest.mark.verification
@pytest.mark.parametrize("season", [True, False])
def test_gradients_that_are_refused_are_those_that_differentiation_refuses(season):
    document = base()
    for part in document["components"].values():
        part["repair"] = "4 h"
    if not season:
        del document["environment"]
    scenario = load(document)
    plan, _ = lower(scenario)
    found = report.unseen(scenario)
    assert list(found) == list(knobs_of(scenario))
    for path, classes in found.items():
        if classes:
            with pytest.raises(fdmc.GradientError, match=path):
                sensitivity(scenario, plan, path)
        else:
            sensitivity(scenario, plan, path)
    assert any(found.values())
    refused = [
        q for q in report.describe(scenario).questions if q.question.startswith("gradient w")
    ]
    assert len(refused) == sum(bool(classes) for classes in found.values())


def test_every_metric_of_heat_is_documented(result):
    found = {"thermally_stable_throughput", "thermally_stable_throughput.p1", "steady_dark_lanes"}
    found |= {"lock_losses_per_year", "power.heat", "power.cooling", "power.tuning"}
    assert found <= set(result.metrics)
    for name, estimate in result.metrics.items():
        assert report.document_of(name).unit == estimate.unit, name


def test_throughput_is_what_is_not_dark(result, machine):
    """The steady part and each excursion's share of time, which hardly overlap."""
    heat = machine.heat
    away = sum(e.active_share * e.dark_lanes for e in heat.excursions)
    kept = (1 - heat.link.steady_dark_lanes) * (1 - away)
    e = result["thermally_stable_throughput"]
    assert e.low - 2 * e.width < kept < e.high + 2 * e.width
    worst = result["thermally_stable_throughput.p1"]
    assert worst.low <= worst.best <= worst.high
    assert worst.best < e.best < 1 - result["steady_dark_lanes"].best
    assert result["steady_dark_lanes"].best == pytest.approx(heat.link.steady_dark_lanes, rel=1e-5)
    assert result["steady_dark_lanes"].status == "exact"


def test_the_worst_hours_cannot_be_better_than_the_steady_state():
    """Windows of which none, or 2 %, or an unsure 1 %, lie below the edge 0.9."""

    class Below:
        def __init__(self, low, best, high):
            self.tally, self.columns = Tally.zero(0, 0, 0), None
            self.share = (low, best, high)

        def mean(self, name, scale, unit, most=1.0):
            edge = WINDOW_EDGES[int(name.removeprefix("window."))]
            return Estimate(*(self.share if edge >= 0.9 else (0.0, 0.0, 0.0)), "1", 9)

    never = _quantile(Below(0.0, 0.0, 0.001), 0.9999)
    assert (never.low, never.best, never.high) == (0.9975, 0.9999, 0.9999)
    often = _quantile(Below(0.015, 0.02, 0.025), 0.9999)
    assert (often.low, often.best, often.high) == pytest.approx((0.8975, 0.9, 0.9))
    unsure = _quantile(Below(0.005, 0.009, 0.013), 0.9999)
    assert (unsure.low, unsure.best, unsure.high) == pytest.approx((0.8975, 0.9999, 0.9999))


def test_an_exact_estimate_says_so():
    exact = Estimate(492_933.3, 492_933.3, 492_933.3, "W", 9, "exact")
    assert (report.best(exact), report.interval(exact)) == ("492,900", "exact")
    share = Estimate(1.89186e-5, 1.89186e-5, 1.89186e-5, "1", 9, "exact")
    assert (report.best(share), report.interval(share)) == ("0.001892", "exact")


def test_the_tables_of_a_run(result):
    said = text_of(*report.result_tables(result, 12))
    for words in (
        "thermally_stable_throughput.p1", "steady_dark_lanes", "exact", "power.tuning", "Lanes that heat darkens",
        "pump_trip", "clogging", "all the time",
    ):  # fmt: skip
        assert words in said, words


def test_files(result, tray, tmp_path):
    files = report.save(result, [Replicas(200)], tmp_path, tray, {"gradient": {"a": 1.0}})
    assert {"heat.png", "heat.svg"} <= set(files)
    values = json.loads((tmp_path / "result.json").read_text())
    assert values["metrics"]["power.heat"]["status"] == "exact"
    assert values["gradient"] == {"a": 1.0}
    pixels = image.imread(tmp_path / "heat.png")
    assert len(np.unique(pixels.reshape(-1, pixels.shape[2]), axis=0)) > 50
    svg = (tmp_path / "heat.svg").read_text()
    for words in ("pump trip: 12 K", "engine", "too hot", "too cold", "coolant"):
        assert words in svg, words


@pytest.mark.parametrize("of", [NOISY, {"constant": 0.9}], ids=["noisy", "constant"])
def test_a_figure_of_every_load(of, result, tmp_path):
    scenario = load(changed("thermal.load", of))
    said = report.describe(scenario).heat.load
    assert "80 % with sd 10 %" in said or said == "90 %, constant"
    report.save(result, [Replicas(200)], tmp_path, scenario)
    assert (tmp_path / "heat.png").stat().st_size > 10_000


@pytest.mark.verification
def test_shares_of_the_effects(tray):
    """Rates that hold below the temperature make heat a loss; paired differences are those of `compare`."""
    shares = fdmc.heat_shares(tray, seed=5, replicas=300)
    assert list(shares.share) == ["ageing", "cycling", "lock"]
    assert shares.share["ageing"].low > 0.2
    assert shares.share["lock"].low > 0.05
    arms = [
        dataclasses.replace(tray, thermal=dataclasses.replace(tray.thermal, effects=effects))
        for effects in (tray.thermal.effects, ("ageing", "cycling"))
    ]
    pair = fdmc.compare(arms, seed=5, replicas=300)
    assert pair.gain[1] == shares.gain["lock"]
    assert shares.share["lock"].best == pytest.approx(
        pair.gain[1].best / (1 - pair.goodput[0].best)
    )
    assert pair.share[0].best == 0
    said = text_of(report.shares_table(shares))
    assert "300 histories of seed 5" in said
    found = report.shares_object(shares)
    assert (
        found["lock"]["share"]["low"]
        < found["lock"]["share"]["best"]
        < found["lock"]["share"]["high"]
    )


def test_parts_that_are_cooler_than_their_reference_have_a_negative_share():
    document = yaml.safe_load(TRAY.read_text())
    document["components"]["gpu"]["reference"] = "100 degC"
    shares = fdmc.heat_shares(load(document), seed=1, replicas=300)
    assert shares.share["ageing"].high < 0


def test_shares_need_heat(tray):
    with pytest.raises(ValueError, match="no thermal section"):
        fdmc.heat_shares("nvl72-copper", replicas=10)
    none = dataclasses.replace(tray, thermal=dataclasses.replace(tray.thermal, effects=()))
    with pytest.raises(ValueError, match="effects is empty"):
        fdmc.heat_shares(none, replicas=10)


def test_the_share_of_a_ratio_has_the_interval_of_its_replicas(tray):
    """Seeds spread as one interval says, and four times the replicas halve it."""
    lit = dataclasses.replace(tray, thermal=dataclasses.replace(tray.thermal, effects=("lock",)))
    dark = dataclasses.replace(tray, thermal=dataclasses.replace(tray.thermal, effects=()))
    found = [fdmc.compare([lit, dark], seed=s, replicas=100).share[1] for s in range(4)]
    half = np.mean([e.width / 2 for e in found])
    assert np.ptp([e.best for e in found]) < 3 * half
    wide = fdmc.compare([lit, dark], seed=0, replicas=400).share[1]
    assert wide.width == pytest.approx(half, rel=0.3)  # four times the replicas, half the width
