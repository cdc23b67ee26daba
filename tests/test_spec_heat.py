"""Heat and mechanisms in the document: what may be written, and what it becomes."""

import copy
import math
import pathlib
import re

import pytest
import yaml
from _heated import MACH, TEXT, VCSEL, base, changed, problems

import fdmc
from fdmc import spec, thermal
from fdmc.spec import load
from fdmc.spec._heat_form import RingForm
from fdmc.spec._heat_names import NODES, PATHS


YEAR = 8760.0


def test_what_is_written_is_what_comes_in(tmp_path):
    file = tmp_path / "heat.yaml"
    file.write_text(TEXT)
    scenario = load(file)
    heat = scenario.thermal
    assert heat is not None
    assert (heat.template, heat.unit) == ("2.5d", "package")
    assert (heat.coolant_kelvin, heat.air_kelvin) == (308.15, 308.15)
    assert heat.resistance == {"plate-coolant": 0.015}
    assert (heat.capacitance, heat.watts) == ({"engine": 0.1}, {"compute": 900.0, "plate": 0.0})
    assert heat.load == spec.SquareLoad(1.0, 0.6, 1.5, 0.8)
    assert heat.stops == spec.Stops(8.0, 1 / 6)
    assert heat.nodes == {"engine": ("ring",), "compute": ("gpu", "solder")}
    assert (heat.idle, heat.cooling, heat.effects) == (0.3, 0.1, spec.EFFECTS)
    assert isinstance(heat.link, spec.RingLink)
    assert (heat.link.unit, heat.link.spread_kelvin) == ("lane", 5.0)
    pump, clog = heat.excursions
    assert (pump.name, pump.unit, pump.rise_kelvin) == ("pump", "loop", 15.0)
    assert pump.rate_per_hour == pytest.approx(0.5 / YEAR, rel=1e-12)
    assert pump.recovery_hours == pytest.approx(1 / 6, rel=1e-12)
    assert (clog.duration, clog.recovery_hours, clog.source) == (spec.Fixed(24.0), 0.0, "estimate")
    assert (heat.node_of("solder"), heat.node_of("laser")) == ("compute", None)
    again = load(scenario.document)
    assert again == scenario
    assert again.fingerprint == scenario.fingerprint


def test_mechanisms():
    parts = load(base()).components
    laser = parts["laser"]
    assert (laser.at_kelvin, laser.current) == (323.15, 0.9)
    assert laser.source == "random: field"
    random, wear, attach = laser.mechanisms
    assert isinstance(random.lifetime, spec.Exponential)
    assert math.isclose(random.lifetime.mean_hours, 5e7)
    assert (random.source, random.reference_kelvin) == ("field", 318.15)
    # 0.2 after 10,000 h as the root of time is 0.5 after 62,500 h.
    assert isinstance(wear.lifetime, spec.LogNormal)
    assert wear.lifetime.median_hours == pytest.approx(62_500.0, rel=1e-12)
    assert wear.lifetime.sigma == pytest.approx(0.8, rel=1e-12)
    assert (wear.drive, wear.current_exponent) == (spec.Drive(0.5, 0.5), 2.0)
    assert (attach.reference_kelvin, attach.activation_energy_ev) == (None, None)
    assert attach.cycling == spec.Cycling("SNPB", 100.0, 373.15, 1.0, 1.0, 10.0)
    assert isinstance(laser.lifetime, spec.Competing)
    (solder,) = parts["solder"].mechanisms
    assert solder.cycling is not None
    assert (solder.name, solder.cycling.dwell_hours) == ("", 0.5)
    assert solder.cycling.cycles_per_hour == pytest.approx(1 / 12, rel=1e-12)
    assert parts["pump"].mechanisms[0].reference_kelvin is None


def test_library_rows_and_mechanisms():
    data = base()
    ways = data["components"]["laser"].pop("mechanisms")
    del data["components"]["laser"]["current"]
    data["components"]["laser"]["use"] = "LAS-UHP"
    plain = load(data).components["laser"]
    (only,) = plain.mechanisms
    assert (only.reference_kelvin, only.activation_energy_ev) == (318.15, 0.35)
    assert '"laser 40-50C"' in only.source
    data["components"]["laser"]["mechanisms"] = ways
    several = load(data).components["laser"]
    assert len(several.mechanisms) == 3
    # A row's grade is that of its own numbers.
    assert (several.use, several.grade, several.repair) == ("LAS-UHP", "user", plain.repair)
    assert several.description == plain.description
    # A reference is that of the row's own rate, and a fatigue life follows cycles alone.
    data["components"]["laser"] = {"use": "LAS-UHP", "rate": "9 FIT"}
    (own,) = load(data).components["laser"].mechanisms
    assert (own.reference_kelvin, own.activation_energy_ev) == (None, None)
    cycling = copy.deepcopy(data["components"]["solder"]["cycling"])
    data["components"]["laser"] = {"use": "LAS-UHP", "cycling": cycling, "at": "50 degC"}
    (own,) = load(data).components["laser"].mechanisms
    assert (own.reference_kelvin, own.activation_energy_ev) == (None, None)


def test_every_load_and_link():
    loads = [
        (0.8, spec.ConstantLoad(0.8)),
        (None, spec.ConstantLoad(1.0)),
        (
            {"ornstein_uhlenbeck": {"mean": 0.8, "sd": 0.1, "tau": "2 s"}},
            spec.NoisyLoad(0.8, 0.1, 2.0),
        ),
        (
            {
                "markov": {
                    "compute": 1,
                    "compute_time": "1.2 s",
                    "communicate": 0.6,
                    "communicate_time": "300 ms",
                }
            },
            spec.MarkovLoad(1.0, 1.2, 0.6, 0.3),
        ),
    ]
    prints = set()
    for written, expected in loads:
        scenario = load(changed("thermal.load", written))
        assert scenario.thermal is not None
        assert scenario.thermal.load == expected
        prints.add(scenario.fingerprint)
    links = [
        (
            {"vcsel": VCSEL},
            spec.VcselLink("lane", 5.0, 8e-3, 6e-4, 303.15, 60.0, 0.4, 0.004, 1e-3, 0.01),
        ),
        ({"mach_zehnder": MACH}, spec.MachZehnderLink("lane", 5.0, 333.15, 0.01, 1.0, 0.01)),
        (None, None),
    ]
    for written, expected in links:
        scenario = load(changed("thermal.link", written))
        assert scenario.thermal is not None
        link = scenario.thermal.link
        prints.add(scenario.fingerprint)
        if link is None or expected is None:
            assert link is expected
            continue
        for key, value in vars(expected).items():
            assert getattr(link, key) == (
                value if isinstance(value, str) else pytest.approx(value, rel=1e-12)
            )
    assert len(prints) == len(loads) + len(links)


def test_names_and_defaults_agree_with_the_templates():
    assert NODES == thermal.NODES
    assert {name: set(paths) for name, paths in PATHS.items()} == {
        name: set(template.paths) for name, template in thermal.TEMPLATES.items()
    }
    ring = load(base()).thermal.link  # pyright: ignore[reportOptionalMemberAccess]
    for key, default in thermal.default_ring().items():
        assert getattr(ring, key) == default.value
    stated = [
        field.description for field in RingForm.model_fields.values() if not field.is_required()
    ]
    assert all("estimate" in (text or "") for text in stated)


def test_overrides():
    def heat(*sets):
        return load(base(), sets)

    scenario = heat("thermal.coolant=45 degC", "components.laser.current=0.8")
    assert scenario.thermal is not None
    assert scenario.thermal.coolant_kelvin == 318.15
    assert scenario.components["laser"].current == 0.8
    assert heat("thermal.on=false").thermal is None
    assert load(heat("thermal.on=false"), ["thermal.on=true"]).thermal == load(base()).thermal
    assert heat("thermal.effects=[lock, ageing]").thermal.effects == ("ageing", "lock")
    assert heat("thermal.effects=[]").thermal.effects == ()
    assert heat("thermal.load=0.5").thermal.load == spec.ConstantLoad(0.5)
    assert heat("thermal.load.constant=0.5").thermal.load == spec.ConstantLoad(0.5)
    assert heat("thermal.load.square_wave.low=0.5").thermal.load.low == 0.5
    noisy = ("thermal.load.ornstein_uhlenbeck={mean: 0.8, sd: 0.1, tau: 2 s}",)
    assert heat(*noisy).thermal.load == spec.NoisyLoad(0.8, 0.1, 2.0)
    assert heat("thermal.link.ring.top=80 degC").thermal.link.top_kelvin == 353.15
    assert heat("thermal.stops.for=1 h").thermal.stops.hours == 1.0
    assert heat("thermal.excursions.pump.rate=1 /y").thermal.excursions[0].rate_per_hour == 1 / YEAR
    assert heat("thermal.resistance={plate-coolant: 0.01 K/W}").thermal.resistance
    assert heat("thermal.nodes.engine=[ring]").thermal.nodes["engine"] == ("ring",)
    path = "components.laser.mechanisms.wear_out.lifetime.drive_rise.margin=1"
    assert heat(path).components["laser"].mechanisms[1].drive == spec.Drive(1.0, 0.5)
    path = "components.laser.mechanisms.random.mtbf=9 y"
    assert heat(path).components["laser"].mechanisms[0].lifetime == spec.Exponential(9 * YEAR)
    found = problems(base(), ["thermal.colant=45 degC", "thermal.excursions.pum.rate=1 /y"])
    assert any("did you mean 'coolant'?" in one for one in found)
    assert any("did you mean 'pump'?" in one for one in found)


def test_a_name_is_no_rival():
    data = base()
    data["components"]["vcsel"] = {"rate": "1 FIT"}
    data["units"]["lane"]["components"]["vcsel"] = 1
    found = load(data, ["units.lane.components.ring=2", "components.ring={rate: 1 FIT}"] + OFF)
    assert found.units["lane"].components == {"ring": spec.Group(2), "vcsel": spec.Group(1)}


OFF = ["thermal.nodes.engine=[]"]


def test_fingerprints():
    scenario = load(base())
    off = load(base(), ["thermal.on=false"])
    without = base()
    del without["thermal"]
    for name in ("gpu", "ring", "solder"):
        without["components"][name]["at"] = "60 degC"
    assert off.fingerprint not in (scenario.fingerprint, load(without).fingerprint)
    assert off.thermal is None
    # Order, units, sources and defaults that are written out say nothing new.
    same = base()
    heat = same["thermal"]
    ways = same["components"]["laser"]["mechanisms"]
    same["components"]["laser"]["mechanisms"] = dict(reversed(ways.items()))
    ways["random"]["source"] = "elsewhere"
    heat["excursions"] = dict(reversed(heat["excursions"].items()))
    heat["nodes"]["compute"].reverse()
    heat |= {"on": True, "unit": "package", "air": "308.15 K", "idle": 0.3, "cooling": 0.1}
    heat["effects"] = ["lock", "cycling", "ageing"]
    heat["link"]["ring"] |= {"top": "90 degC", "heater": "0.23 mW/K", "relock": "100 ms"}
    heat["excursions"]["clog"]["source"] = "elsewhere"
    assert load(same).fingerprint == scenario.fingerprint
    # Every number says something.
    prints = [
        load(base(), [one]).fingerprint
        for one in (
            "thermal.coolant=36 degC", "thermal.air=36 degC", "thermal.idle=0.4", "thermal.cooling=0.2",
            "thermal.effects=[lock]", "thermal.stops.for=11 min", "thermal.template=2d",
            "thermal.excursions.clog.rise=9 K", "thermal.excursions.clog.recovery=1 h",
            "thermal.link.ring.spread=6 K", "thermal.link.ring.tracking_spread=0.2",
            "components.laser.current=0.8", "components.laser.mechanisms.wear_out.current_exponent=3",
            "components.solder.cycling.dwell=1 h",
        )
    ]  # fmt: skip
    assert len({scenario.fingerprint, *prints}) == len(prints) + 1


def test_schema_knows_all_of_it():
    schema = fdmc.spec.schema()
    defs = schema["$defs"]
    assert set(defs["ThermalForm"]["required"]) == {"template", "coolant"}
    assert set(defs["StopsForm"]["required"]) == {"every", "for"}
    assert "drive_rise" in defs["LifetimeForm"]["properties"]
    for key in ("mechanisms", "current", "drive", "cycling", "current_exponent"):
        assert defs["ComponentForm"]["properties"][key]["description"]
    for form in ("ThermalForm", "RingForm", "VcselForm", "MachZehnderForm", "ExcursionForm"):
        assert all("description" in field for field in defs[form]["properties"].values()), form


def test_schema_validates():
    jsonschema = pytest.importorskip("jsonschema")
    validator = jsonschema.Draft202012Validator(fdmc.spec.schema())
    validator.validate(base())
    for path, value in (("thermal.load", 0.8), ("thermal.link", {"vcsel": VCSEL})):
        validator.validate(changed(path, value))
    for path, value in (("thermal.idle", 2), ("components.laser.mechanisms", {})):
        assert not validator.is_valid(changed(path, value))


def test_examples_of_the_model_are_good():
    text = (pathlib.Path(__file__).parents[1] / "docs" / "model.md").read_text()
    blocks = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)]
    data = base()
    (heat,) = (block["thermal"] for block in blocks if "thermal" in block)
    lasers = [
        block["components"]["laser"] for block in blocks if "laser" in block.get("components", ())
    ]
    (laser,) = (each for each in lasers if "mechanisms" in each)
    data["components"]["laser"] = laser
    data["components"]["solder"]["at"] = "60 degC"
    data["thermal"] = heat
    scenario = load(data)
    assert scenario.thermal is not None
    assert len(scenario.components["laser"].mechanisms) == 3


def test_rates_change_while_heat_is_off_and_want_a_reference_when_it_is_on():
    rate = ["components.eic.rate=25 FIT"]
    assert spec.load("cpo-512", rate).thermal is None
    with pytest.raises(spec.ScenarioError, match="components.eic.reference"):
        spec.load("cpo-512", [*rate, "thermal.on=true"])
