"""Cost and power: sums over the tree by hand, closed forms of cost per useful work, what redundancy is worth."""

import copy
import json
import math
from pathlib import Path

import numpy as np
import pytest
from scipy import integrate, stats

import fdmc
from fdmc import cli, library, report
from fdmc.collect import costs_of, unprotected
from fdmc.collect._columns import SPENT, Spending, columns_of
from fdmc.collect._economics import (
    economics_metrics,
    healthy_step_seconds,
    peak_bits_per_second,
    sent_share,
    traffic_bits_per_second,
)
from fdmc.plan import lower
from fdmc.report._costs_figure import cost_parts, save_cost_figure
from fdmc.spec import load
from fdmc.tally import Tally


Z = 4.9 / 1.96  # intervals of 95 % widened to one false alarm in a million
RACK = Path(__file__).parent.parent / "docs" / "examples" / "priced-rack.yaml"
YEAR = 8760.0
GPU, PSU, REPAIR = 900.0, 600.0, 60.0  # mean hours of a life, and of a repair

# Every failure is repaired at once for an exponential time, and restarts take no time: goodput is a closed form.
KNOWN = {
    "name": "known",
    "mission": "1 y",
    "components": {
        "gpu": {"mtbf": f"{GPU} h", "repair": {"exponential": {"mean": f"{REPAIR} h"}}},
        "psu": {"mtbf": f"{PSU} h", "repair": {"exponential": {"mean": f"{REPAIR} h"}}},
    },
    "units": {
        "rack": {"contains": {"package": 3}, "components": {"psu": {"count": 4, "need": 2}}},
        "package": {"components": {"gpu": 1}},
    },
    "fabric": {"accelerator": "package", "planes": 1},
    "economics": {
        "price": {"gpu": "9 kEUR", "psu": "500 EUR", "rack": "20 kEUR"},
        "power": {"gpu": "700 W", "psu": "50 W"},
        "energy": "0.2 EUR/kWh",
        "tokens": "3 ktoken/s",
    },
}


@pytest.fixture(scope="module")
def rack():
    return load(RACK)


@pytest.fixture(scope="module")
def known():
    return load(KNOWN)


@pytest.fixture(scope="module")
def result(known):
    return fdmc.run(known, seed=11, stop=fdmc.Replicas(2000), chunk=2000)


# --- sums over the tree ---


def test_sums_by_hand(rack):
    costs = costs_of(rack)
    lane = 20 + 50
    assert costs.capital == 8 * 40_000 + 8 * 9 * lane + 2 * 3 * 800 + 2 * 50_000
    assert costs.shelf == 40_000 + 9 * lane
    assert costs.watts == 8 * 1000 + 8 * 9 * 4 + 2 * 3 * 60
    assert costs.optics_watts == 8 * 9 * 4
    assert costs.redundancy_watts == 8 * 1 * 4 + 2 * 1 * 60
    assert costs.redundancy_capital == 8 * 1 * lane + 2 * 800
    assert costs.technicians_per_year == 120_000
    assert costs.energy_per_year == pytest.approx(costs.watts / 1000 * 1.2 * 8760 * 0.1)
    assert costs.years == pytest.approx(5)
    yearly = costs.technicians_per_year + costs.energy_per_year
    assert costs.total == pytest.approx(costs.capital + costs.shelf + 5 * yearly)
    assert costs.swap_price == {"package": 8_000, "psu": 800}
    assert costs.unpriced == ("the shelf of psu, which is unlimited",)
    row = costs.by_name["lane"]
    assert (row.copies, row.spares, row.price and row.price.grade) == (72, 8, "C")
    assert costs.by_name["laser"].power is not None
    assert costs.by_name["laser"].power.grade == "B"  # that of the library row
    assert costs.by_name["package"].price is not None
    assert costs.by_name["package"].price.source == "an offer of 2026"


def _recount(document, kind):
    """Walk the document instance by instance: nothing of the engine, no product of counts."""
    economics, units = document["economics"], document["units"]

    def own(name):
        item = economics[kind].get(name)
        item = item.get(kind) if isinstance(item, dict) and "use" not in item else item
        if isinstance(item, dict):
            row = library.rows()[item["use"]]
            return row.power_watts or 0.0
        if item is None:
            return 0.0
        number, unit = str(item).split()
        return float(number) * {"k": 1e3, "M": 1e6}.get(unit[0] if len(unit) > 1 else "", 1.0)

    inside = {name for unit in units.values() for name in (unit or {}).get("contains", {})}
    total, queue = 0.0, [name for name in units if name not in inside]
    while queue:
        here = queue.pop()
        total += own(here)
        body = units.get(here) or {}
        for key in ("contains", "components"):
            for name, group in body.get(key, {}).items():
                count = group["count"] if isinstance(group, dict) else group
                queue += [name] * count
    return total


@pytest.mark.parametrize("name", ["cpo-512", "pluggable-512", str(RACK)])
def test_packaged_machines_are_recounted(name):
    scenario = load(name)
    costs = costs_of(scenario)
    assert costs.capital == pytest.approx(_recount(scenario.document, "price"), rel=1e-12)
    assert costs.watts == pytest.approx(_recount(scenario.document, "power"), rel=1e-12)
    bare = costs_of(unprotected(scenario))
    assert costs.redundancy_watts == pytest.approx(costs.watts - bare.watts, rel=1e-9)
    assert costs.redundancy_capital == pytest.approx(costs.capital - bare.capital, rel=1e-9)
    assert bare.redundancy_watts == bare.redundancy_capital == 0


def test_optics_inside_optics_count_once(rack):
    nested = load(rack, ["economics.optics=[package, lane, laser]"])
    assert costs_of(nested).optics_watts == 8 * (1000 + 9 * 4)
    one = load(rack, ["economics.optics=[laser, psu]"])
    assert costs_of(one).optics_watts == 72 * 4 + 6 * 60


def test_a_component_on_two_units_has_one_price(rack):
    document = copy.deepcopy(rack.document)
    document["units"]["pod"]["components"] = {"psu": 2}
    costs = costs_of(load(document))
    assert costs.by_name["psu"].copies == 2 * 3 + 2
    assert costs.by_name["psu"].spares == 2


def test_what_nobody_prices_is_named(rack):
    free = load(rack, ["service.technicians=unlimited", "service.replace.package.stock=0"])
    costs = costs_of(free)
    assert costs.technicians_per_year == costs.shelf == 0
    assert costs.unpriced[0] == "technicians, who are unlimited"
    with pytest.raises(ValueError, match="nvl72-copper has no economics section"):
        costs_of(load("nvl72-copper"))


def test_the_price_of_a_fru_is_that_of_all_inside_it(rack):
    whole = load(rack, ["economics.price.package=40 kEUR"])
    assert costs_of(whole).swap_price["package"] == 40_000 + 9 * 70


# --- a machine whose goodput is known ---


def _up(mean, hours):
    """Probability that a part which was new at 0 works: exponential lives and repairs."""
    fails, mends = 1 / mean, 1 / REPAIR
    return (mends + fails * math.exp(-(fails + mends) * hours)) / (fails + mends)


def _goodput(count, need):
    def at(hours):
        down = np.arange(count + 1)
        lost = np.clip((down - (count - need)) / need, 0, 1)
        return _up(GPU, hours) * (stats.binom.pmf(down, count, 1 - _up(PSU, hours)) @ (1 - lost))

    return integrate.quad(at, 0, YEAR, limit=200)[0] / YEAR


def _mean_up(mean):
    return integrate.quad(lambda t: _up(mean, t), 0, YEAR, limit=200)[0] / YEAR


def _covers(estimate, value):
    half = Z * max(estimate.high - estimate.best, estimate.best - estimate.low)
    assert abs(estimate.best - value) < half, (estimate, value)


def test_cost_of_useful_work_is_its_closed_form(known, result):
    costs, goodput = costs_of(known), _goodput(4, 2)
    spares = YEAR * (3 * _mean_up(GPU) / GPU * 9_000 + 4 * _mean_up(PSU) / PSU * 500)
    total = 3 * 9_000 + 4 * 500 + 20_000 + (3 * 700 + 4 * 50) / 1000 * YEAR * 0.2 + spares
    _covers(result["goodput"], goodput)
    _covers(result["cost.spares_per_year"], spares)
    _covers(result["cost.total"], total)
    _covers(result["cost.per_useful_accelerator_hour"], total / (3 * YEAR * goodput))
    tokens = 3e3 * YEAR * 3600 * goodput
    _covers(result["cost.per_million_useful_tokens"], total / (tokens / 1e6))
    _covers(result["joules_per_token"], 2300 / (3e3 * goodput))
    _covers(result["serviceable_performance_per_rack"], 3 * goodput)
    assert costs.watts == result["power.total"].best == 2300
    assert result["power.redundancy"].best == 100
    assert "cost.repair_per_year" not in result.metrics  # no price of a technician
    assert "power.optics" not in result.metrics


def test_used_spares_are_swaps_times_price(result):
    """The exact sum of the rates; the spread of independent parts adds in squares."""
    gpu, psu = (result[f"spares_per_year.{name}"] for name in ("gpu", "psu"))
    found = result["cost.spares_per_year"]
    assert found.best == pytest.approx(9_000 * gpu.best + 500 * psu.best, rel=1e-7)
    width = math.hypot(9_000 * gpu.width, 500 * psu.width)
    assert found.width == pytest.approx(width, rel=0.05)
    assert found.unit == "EUR/y"
    assert result["cost.total"].width == pytest.approx(found.width)


def test_prices_move_no_goodput(known, result):
    document = {k: v for k, v in KNOWN.items() if k != "economics"}
    bare = fdmc.run(load(document), seed=11, stop=fdmc.Replicas(2000), chunk=2000)
    assert bare["goodput"].best == result["goodput"].best
    new = set(result.metrics) - set(bare.metrics)
    assert all(name.startswith(("cost.", "power.", "joules_", "serviceable_")) for name in new)
    assert len(new) == 11


def test_robustness_is_its_closed_form(known):
    found = fdmc.robustness(known, seed=11, replicas=2000)
    full, bare = _goodput(4, 2), _goodput(2, 2)
    _covers(found.goodput, full)
    _covers(found.bare, bare)
    _covers(found.gain, full - bare)
    _covers(found.per_watt, (full - bare) / 100)
    assert found.per_capital is not None
    _covers(found.per_capital, (full - bare) / 1_000)
    assert (found.watts, found.capital, found.per_watt.unit) == (100, 1_000, "1/W")
    assert found.gain.width < 0.7 * math.hypot(found.goodput.width, found.bare.width)
    said = report.robustness_object(found)
    assert said["robustness_per_watt"]["best"] == found.per_watt.best
    json.dumps(said, allow_nan=False)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (["economics=null"], "no economics section"),
        (["units.rack.components.psu=2"], "no spare elements"),
        (["economics.power.psu=0 W"], "draw nothing"),
    ],
)
def test_no_robustness(known, change, said, tmp_path, capsys):
    sets = [one for one in change if one != "economics=null"]
    scenario = load(known, sets) if sets else load({**KNOWN, "economics": None})
    with pytest.raises(ValueError, match=said):
        fdmc.robustness(scenario)
    path = tmp_path / "known.json"
    path.write_text(json.dumps(scenario.document))
    assert cli.main(["run", str(path), "--robustness", "--quiet"]) == 2
    assert said in capsys.readouterr().err


# --- energy of a bit ---


@pytest.mark.parametrize(
    ("op", "algorithms", "used", "share"),
    [
        ("all_reduce", ("ring",), 8, 2 * 7 / 8),
        ("all_reduce", ("ring", "in_switch"), 8, 1.0),
        ("all_to_all", ("direct",), 8, 7 / 8),
        ("broadcast", ("tree",), 4, 3 / 4),
        ("all_gather", ("optimal",), 1, 0.0),
    ],
)
def test_bytes_that_one_sends(op, algorithms, used, share):
    assert sent_share(op, algorithms, used) == share


def test_traffic_by_hand(rack):
    plan, _ = lower(rack)
    gib = 2**30
    step = 0.09 + 2 * 7 / 8 * gib / (8 * 100e9 / 8)  # 8 lanes of 100 Gb/s
    assert healthy_step_seconds(plan) == pytest.approx(step, rel=1e-6)
    bits = 8 * 2 * 7 / 8 * gib * 8 / step
    assert traffic_bits_per_second(rack, plan) == pytest.approx(bits, rel=1e-6)
    assert peak_bits_per_second(rack) == 8 * 8 * 100e9
    hidden = load(rack, ["workload.collectives=[{op: all_reduce, size: 1 GiB, overlap: 1 s}]"])
    assert healthy_step_seconds(lower(hidden)[0]) == pytest.approx(0.09)


class _Sums:
    """A tally of which only the mean matters."""

    def __init__(self, plan, directory, spending, spent):
        self.columns = columns_of(plan, directory, 0, spending)
        width = len(self.columns.columns)
        self.tally = Tally.zero(width, self.columns.core, 0)
        self.tally.replicas = 100
        i = self.columns.index(SPENT)
        self.tally.sums[i], self.tally.squares[i] = 100 * spent, 100 * spent**2
        self.tally.sums[self.columns.index("swaps.package")] = 100 if spent else 0
        self.x = {"lost": 0.0, SPENT: spent}

    def ratio(self, f, unit):
        value = f(self.x)
        return fdmc.Estimate(value, value, value, unit, 100)

    def mean(self, name, scale, unit, most=math.inf):
        raise NotImplementedError


def _metrics(scenario, goodput, spent=0):
    plan, directory = lower(scenario)
    sums = _Sums(plan, directory, Spending(costs_of(scenario).swap_price, 0.5), spent)
    return economics_metrics(scenario, plan, sums, lambda _, x: goodput)


def test_metrics_by_hand(rack):
    found, costs = _metrics(rack, 0.8, spent=1000), costs_of(rack)
    plan, _ = lower(rack)
    assert found["joules_per_bit.peak"].best == pytest.approx(288 / (64 * 100e9) * 1e12)
    moved = traffic_bits_per_second(rack, plan) * 0.8
    assert found["joules_per_bit.traffic"].best == pytest.approx(288 / moved * 1e12)
    tokens = 2e3 / healthy_step_seconds(plan)
    assert found["joules_per_token"].best == pytest.approx(costs.watts / (0.8 * tokens))
    assert found["serviceable_performance_per_rack"].best == pytest.approx(8 * 0.8 / 2)
    assert found["cost.spares_per_year"].best == pytest.approx(1000 * 0.5 / 5)
    assert found["cost.total"].best == pytest.approx(costs.total + 500)
    hours = 8 * 5 * YEAR * 0.8
    assert found["cost.per_useful_accelerator_hour"].best == pytest.approx(
        (costs.total + 500) / hours
    )
    exact = [name for name, e in found.items() if e.status == "exact"]
    assert len(exact) == 8


def test_no_spare_used_is_not_no_cost(rack):
    """The rule of three, times the dearest spare."""
    found = _metrics(rack, 0.8)
    spares = found["cost.spares_per_year"]
    assert (spares.best, spares.status) == (0.0, "no_hits")
    assert spares.high == pytest.approx(-math.log(0.05) / 100 * 8_000 / 5)
    assert found["cost.total"].high > found["cost.total"].best == costs_of(rack).total


def test_the_rack_is_a_unit_around_accelerators(rack):
    pod = _metrics(load(rack, ["economics.rack=pod"]), 0.5)
    assert pod["serviceable_performance_per_rack"].best == 4
    document = copy.deepcopy(rack.document)
    document["units"] = {
        {"rack": "box"}.get(k, k): {**v, "contains": {"box": 2}} if k == "pod" else v
        for k, v in document["units"].items()
    }
    document["economics"]["price"].pop("rack")
    assert "serviceable_performance_per_rack" not in _metrics(load(document), 0.5)


# --- said to people ---


def test_every_metric_of_cost_is_documented(result, rack):
    found = {**result.metrics, **_metrics(rack, 0.9)}
    for name, estimate in found.items():
        assert report.document_of(name).unit == estimate.unit, name
    mine = [m.name for m in report.METRICS if m.name.startswith(("cost.", "joules", "servicea"))]
    assert set(mine) <= set(found)


def test_show_says_it(rack, capsys):
    assert cli.main(["show", str(RACK), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["costs"]
    assert found["capital"] == costs_of(rack).capital
    assert found["by_name"]["laser"]["power_watts"]["grade"] == "B"
    assert found["shelves"] == [
        {"rule": "package", "fru": "package", "stock": 1, "price": 40_630.0}
    ]
    assert report.machine_object(report.describe(load("nvl72-copper"))).get("costs") is None


def test_the_figure_adds_up(known, result, tmp_path):
    parts = cost_parts(result, known)
    assert sum(value for _, value in parts) == pytest.approx(result["cost.total"].best)
    assert [name for name, _ in parts] == ["gpu", "rack", "psu", "used spares", "energy"]
    assert [p.name for p in save_cost_figure(result, known, tmp_path)] == ["cost.png", "cost.svg"]
    without = load({**KNOWN, "economics": None})
    assert save_cost_figure(result, without, tmp_path) == []
