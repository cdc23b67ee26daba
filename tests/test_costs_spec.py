"""The economics section: what it means, what is refused, and that old fingerprints stay."""

from pathlib import Path

import pytest

import fdmc
from fdmc import library
from fdmc.spec import ScenarioError, load, schema
from fdmc.spec._build_economics import row_watts
from fdmc.spec._economics_units import money
from fdmc.spec._units import QuantityError


RACK = Path(__file__).parent.parent / "docs" / "examples" / "priced-rack.yaml"


@pytest.fixture(scope="module")
def rack():
    return load(RACK)


def changed(rack, **economics):
    section = {**rack.document["economics"], **economics}
    section = {key: value for key, value in section.items() if value is not None}
    return load({**rack.document, "economics": section})


@pytest.mark.parametrize(
    ("text", "per", "value"),
    [
        ("30 kEUR", "", 30e3),
        ("4 EUR", "", 4.0),
        ("2.5MEUR", "", 2.5e6),
        ("0 EUR", "", 0.0),
        ("1_000 EUR", "", 1000.0),
        ("120 kEUR/y", "y", 120e3),
        ("10 kEUR / month", "y", 120e3),
        ("20 EUR/h", "y", 20 * 8760.0),
        ("0.1 EUR/kWh", "kWh", 0.1),
        ("80 EUR/MWh", "kWh", 0.08),
    ],
)
def test_amounts(text, per, value):
    assert money(text, "EUR", per) == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(
    ("value", "per", "said"),
    [
        (30, "", '"30" has no currency; write "30 EUR"'),
        ("30", "y", 'write "30 EUR/y"'),
        ("30 USD", "", "'USD' is not EUR"),
        ("30 mEUR", "", "'mEUR' is not EUR"),
        ("30 EUR/y", "", "is not a price; write"),
        ("30 EUR", "y", 'not a price per year; write "30 EUR/y"'),
        ("30 EUR/y", "kWh", 'not a price of energy; write "30 EUR/kWh"'),
        ("-3 EUR", "", "must be zero or more"),
        ("1e999 EUR", "", "not a finite number"),
        ("much", "", "is not a price"),
        (True, "", "is not a price"),
        (None, "", "is not a price"),
    ],
)
def test_no_amounts(value, per, said):
    with pytest.raises(QuantityError) as error:
        money(value, "EUR", per)
    assert said in str(error.value)


def test_what_is_written_is_what_is_meant(rack):
    e = rack.economics
    assert (e.currency, e.pue, e.rack, e.optics) == ("EUR", 1.2, "rack", ("lane",))
    assert (e.technician_per_year, e.energy_per_kwh) == (120e3, 0.1)
    assert (e.tokens_per_step, e.tokens_per_second) == (2e3, None)
    assert (e.price["package"].value, e.price["package"].source) == (40e3, "an offer of 2026")
    assert e.price["lane"] == fdmc.spec.Amount(20.0, "estimate", "C")
    guess = changed(rack, price={"lane": {"price": "4 EUR", "source": "estimate, half of that"}})
    assert guess.economics is not None
    assert guess.economics.price["lane"].grade == "C"
    assert e.spare == {"package": 8e3}
    assert e.power["laser"].value == library.rows()["LAS-UHP"].power_watts == 4
    assert e.power["laser"].source.startswith("library row LAS-UHP: ")
    assert load("nvl72-copper").economics is None


def test_rows_with_energy_per_bit_alone():
    rows = library.rows()
    assert row_watts(rows["OE-16"]) == 5.5
    assert row_watts(rows["OIO-OCI"]) == pytest.approx(5e-12 * 4096e9)  # 5 pJ/bit at 4 Tb/s
    assert row_watts(rows["UCIE-LANE"]) == pytest.approx(0.4e-12 * 32e9)
    assert row_watts(rows["VRM"]) is None


def test_another_currency(rack):
    dollars = changed(
        rack,
        currency="USD",
        price={"package": "40 kUSD"},
        technician=None,
        energy=None,
        tokens="3 Mtoken/s",
    )
    assert dollars.economics is not None
    assert dollars.economics.currency == "USD"
    assert dollars.economics.price["package"].value == 40e3
    assert dollars.economics.tokens_per_second == 3e6
    assert dollars.economics.technician_per_year is dollars.economics.energy_per_kwh is None


BAD = {
    "currency": "EUR",
    "price": {
        "package": 30,
        "lan": "4 EUR",
        "lane": {"price": "20 EUR", "spare": "3"},
        "laser": "-1 EUR",
        "gpu": {"price": "1 USD", "sorce": "x"},
        "psu": {"source": "nobody"},
    },
    "power": {
        "package": "12",
        "laser": {"use": "LAS-UH"},
        "gpu": {"use": "VRM"},
        "lane": {},
        "psu": "30 EUR",
    },
    "technician": "120 kEUR",
    "energy": "0.1 EUR",
    "pue": 0.5,
    "tokens": "12",
    "rack": "lane",
    "optics": ["lne", "lane", "lane"],
    "foo": 1,
}
SAID = {
    "price.package": 'write "30 EUR"',
    "price.lan": "did you mean 'lane'?",
    "price.lane.spare": 'write "3 EUR"',
    "price.laser": "zero or more",
    "price.gpu.price": "'USD' is not EUR",
    "price.gpu.sorce": "did you mean 'source'?",
    "price.psu.price": "missing",
    "power.package": 'write "12 W"',
    "power.laser.use": "did you mean 'LAS-UHP'?",
    "power.gpu.use": "has no power",
    "power.lane": "give power or use",
    "power.psu": "no unit is called 'EUR'",
    "technician": 'write "120 kEUR/y"',
    "energy": 'write "0.1 EUR/kWh"',
    "pue": "less than 1",
    "tokens": "12 Mtoken/s",
    "rack": "no package is inside a lane; write one of pod, rack, package",
    "optics[0]": "did you mean 'lane'?",
    "optics[2]": "lane stands there twice",
    "foo": "unknown key",
}


def test_every_problem_at_once(rack):
    with pytest.raises(ScenarioError) as error:
        load({**rack.document, "economics": BAD})
    found = {p.path.removeprefix("economics."): str(p) for p in error.value.problems}
    assert found.keys() == SAID.keys()
    for path, text in SAID.items():
        assert text in found[path], path


@pytest.mark.parametrize(
    ("section", "path", "said"),
    [
        ({}, "economics", "neither price nor power is given"),
        ({"price": {"lane": "1 EUR"}, "currency": 4}, "economics.currency", "not a currency"),
        ({"price": {"lane": "1 EUR"}, "optics": []}, "economics.optics", "none is given"),
        ({"price": {"lane": "1 EUR"}, "rack": "rak"}, "economics.rack", "did you mean 'rack'?"),
        ({"power": {"lane": {"power": "1 W", "use": "OE-16"}}}, "economics.power.lane", "one of"),
        (
            {"power": {"lane": "1 W"}, "tokens": {"rate": "1 token/s", "per_step": "1 token"}},
            "economics.tokens",
            "one of them",
        ),
        ([1], "economics", "not a mapping"),
    ],
)
def test_one_problem(rack, section, path, said):
    with pytest.raises(ScenarioError) as error:
        load({**rack.document, "economics": section})
    (problem,) = error.value.problems
    assert problem.path == path
    assert said in str(problem)


def test_lines(tmp_path):
    path = tmp_path / "bad.yaml"
    path.write_text(RACK.read_text().replace("lane: 20 EUR", "lane: 20"))
    with pytest.raises(ScenarioError) as error:
        load(path)
    (problem,) = error.value.problems
    assert problem.line == 1 + RACK.read_text().split("lane: 20 EUR")[0].count("\n")


def test_fingerprints(rack):
    """Prices are content, sources are not; a machine without them is what it was."""
    without = load({k: v for k, v in rack.document.items() if k != "economics"})
    assert load({**rack.document, "economics": None}).fingerprint == without.fingerprint
    price = rack.document["economics"]["price"]
    same = changed(rack, price={**price, "lane": {"price": "0.02 kEUR", "source": "a quote"}})
    other = changed(rack, price={**price, "lane": "21 EUR"})
    assert rack.fingerprint == same.fingerprint == load(rack.document).fingerprint
    assert len({rack.fingerprint, other.fingerprint, without.fingerprint}) == 3
    moved = load(rack, ["economics.pue=1.3"])
    assert moved.economics is not None
    assert moved.economics.pue == 1.3


@pytest.mark.parametrize(
    ("name", "sets", "fingerprint"),
    [
        ("cpo-512", [], "9e83c775ca978d52"),
        ("pluggable-512", [], "2750d05175c6fb00"),
        ("cpo-2d", ["manufacturing.latent.infant=null"], "36b337f040f46ef4"),
    ],
)
def test_prices_are_all_that_is_new(name, sets, fingerprint):
    """Without its prices (and infant law) a scenario has the fingerprint that it had before there were any."""
    document = {k: v for k, v in load(name).document.items() if k not in ("economics", "sizing")}
    assert load({**document, "name": name}, sets).fingerprint == fingerprint


def test_schema():
    found = schema()["$defs"]
    assert {"price", "power", "technician", "energy", "pue", "tokens", "rack", "optics"} < set(
        found["EconomicsForm"]["properties"]
    )
    assert found["PriceForm"]["required"] == ["price"]
