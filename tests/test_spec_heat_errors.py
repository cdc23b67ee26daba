"""Heat and mechanisms in the document: every kind of mistake, and what is said about it."""

import contextlib
import copy
import itertools

import pytest
from _heated import DWELL, MACH, RISE, TEXT, VCSEL, base, changed, problems

from fdmc.spec import ScenarioError, load


# Each row: where, what is written there, and what is said; nothing else may be said.
ONE_PROBLEM = [
    # Components.
    ("components.laser.current", 0, "components.laser.current: 0 must be more than 0."),
    ("components.laser.current", "1 A", 'current: "1 A" is not a number'),
    ("components.laser.current", 1.5, "current: 1.5 leaves nothing of the power margin 0.5; write a current below 1.5"),
    ("components.pump.current", 0.8, "pump.current: no mechanism depends on the current; give components.pump."),
    ("components.pump.current_exponent", -1, "current_exponent: -1 must be 0 or more"),
    ("components.pump.drive", {"margin": 0.5}, "components.pump.drive.time_power: missing; write one such as 0.5."),
    ("components.pump.cycling", DWELL, "components.pump.cycling: does nothing without the temperature"),
    ("components.laser.rate", "9 FIT", "laser: mechanisms and rate exclude each other; move rate into a mechanism."),
    ("components.laser.cycling", DWELL, "components.laser: mechanisms and cycling exclude each other"),
    ("components.laser.mechanisms.wear_out.drive", {"margin": 1, "time_power": 1}, "drive_rise gives margin and time"),
    ("components.laser.mechanisms.random.rate", None, "laser.mechanisms.random: no lifetime is given; give one"),
    ("components.laser.mechanisms.random.mtbf", "9 y", "random: rate and mtbf exclude each other; keep one of them."),
    ("components.laser.mechanisms.random.use", "X", "components.laser.mechanisms.random.use: unknown key"),
    ("components.laser.mechanisms.random.refernce", "9 degC", "refernce: unknown key; did you mean 'reference'?"),
    ("components.laser.mechanisms.random.reference", None, "activation_energy: does nothing without reference; give "),
    ("components.laser.mechanisms.random.activation_energy", None, "components.laser.mechanisms.random.reference: "),
    ("components.laser.at", None, "does nothing without the temperature of the component"),
    ("components.solder.cycling.swing", "60 degC", 'swing: "60 degC" is a temperature, not a difference; write'),
    ("components.solder.cycling.swing", "0 K", 'swing: "0 K" must be more than zero.'),
    ("components.solder.cycling.solder", "SAC", 'solder: "SAC" is not possible; write SAC305 or SNPB.'),
    ("components.solder.cycling.cycles", 2, 'cycles: "2" has no unit; write "2 /d".'),
    ("components.solder.cycling.cycles", "2 h", '"2 h" is not a rate; write a rate such as "2 /d".'),
    ("components.solder.cycling.dwell", None, "components.solder.cycling.dwell: missing; give a value."),
    ("components.solder.lifetime", {"drive_rise": {**RISE, "sigma": 0}}, "drive_rise.sigma: 0 must be more than 0"),
    ("components.gpu.activation_energy", None, "thermal.nodes.compute[0]: no activation energy is known; give comp"),
    ("components.gpu.reference", None, "compute[0]: the temperature at which the lifetime holds is missing; give comp"),
    # The section, its template and its numbers.
    ("thermal", 3, 'thermal: "3" is not a mapping; give on, template'),
    ("thermal.on", "yes", 'thermal.on: "yes" is neither true nor false; write true or false.'),
    ("thermal.template", "4d", 'thermal.template: "4d" is not possible; write 2d, 2.5d, 3d or near_package.'),
    ("thermal.template", None, "thermal.template: missing; write 2d, 2.5d, 3d or near_package."),
    ("thermal.coolant", None, 'thermal.coolant: missing; write one such as "35 degC".'),
    ("thermal.coolant", 35, 'thermal.coolant: "35" has no unit; write "35 degC".'),
    ("thermal.coolant", "398 degC", "it takes the coolant above 400 degC"),
    ("thermal.air", "0 K", 'thermal.air: "0 K" is at absolute zero'),
    ("thermal.unit", "pakage", "thermal.unit: no unit is called \"pakage\"; did you mean 'package'?"),
    ("thermal.unit", "engine", "thermal.unit: 'engine' is not the accelerator; write package, or leave it out."),
    ("thermal.resistance", {"plate-coolnt": "1 K/W"}, "2.5d has no such path; did you mean 'plate-coolant'?"),
    ("thermal.resistance", {"engine-compute": "1 K/W"}, "write it the other way round, compute-engine."),
    ("thermal.resistance", {"plate-coolant": 0.01}, 'resistance.plate-coolant: "0.01" has no unit; write "0.01 K/W".'),
    ("thermal.resistance", {"plate-coolant": "1 W/K"}, '"1 W/K" is not a thermal resistance'),
    ("thermal.capacitance", {"engin": "1 J/K"}, "capacitance.engin: no node has this name; did you mean 'engine'"),
    ("thermal.capacitance", {"engine": "0 J/K"}, '"0 J/K" must be more than zero.'),
    ("thermal.watts", {"coolant": "1 W"}, "thermal.watts.coolant: no node has this name; write one of compute, engine"),
    ("thermal.watts", {"engine": "-1 W"}, '"-1 W" must be zero or more.'),
    ("thermal.watts", {"engine": "1 J"}, '"1 J" is not a power; write a power such as "1 W".'),
    ("thermal.idle", 1.1, "thermal.idle: 1.1 must be between 0 and 1."),
    ("thermal.cooling", -0.1, "thermal.cooling: -0.1 must be 0 or more."),
    ("thermal.effects", ["agin"], "thermal.effects[0]: \"agin\" is not possible; write ageing, cycling or lock."),
    # Load.
    ("thermal.load", 1.2, "thermal.load: 1.2 must be between 0 and 1."),
    ("thermal.load", "80 %", 'thermal.load: "80 %" is not a number'),
    ("thermal.load", {}, "thermal.load: no load is given; give one of constant, square_wave"),
    ("thermal.load", {"constant": 1, "markov": None, "sine": 3}, "thermal.load.sine: unknown key"),
    ("thermal.load.square_wave.duty", 1, "thermal.load.square_wave.duty: 1 must be more than 0 and less than 1."),
    ("thermal.load.square_wave.period", "0 s", '"0 s" must be more than zero.'),
    ("thermal.load.square_wave.low", 1.0001, "low: 1.0001 must be between 0 and 1"),
    ("thermal.load.square_wave.high", 0.5, "thermal.load.square_wave: low exceeds high; exchange"),
    ("thermal.load", {"ornstein_uhlenbeck": {"mean": 0.8, "sd": -1, "tau": "9 s"}}, "sd: -1 must be 0 or more."),
    ("thermal.load", {"ornstein_uhlenbeck": {"mean": 0.8, "sd": 0}}, "thermal.load.ornstein_uhlenbeck.tau: missing"),
    ("thermal.load", {"markov": {"compute": 1, "compute_time": "1 s", "communicate": 1}}, "communicate_time: missing"),
    ("thermal.stops.for", "8 h", "thermal.stops: for must be shorter than every; write a shorter for."),
    ("thermal.stops.every", None, "thermal.stops.every: missing"),
    # Nodes.
    ("thermal.nodes.engin", ["ring"], "thermal.nodes.engin: no node has this name; did you mean 'engine'?"),
    ("thermal.nodes.engine", "ring", 'thermal.nodes.engine: "ring" is not a list'),
    ("thermal.nodes.engine.0", "rin", "thermal.nodes.engine[0]: no component is called \"rin\"; did you mean 'ring'?"),
    ("thermal.nodes.plate", ["engine"], 'thermal.nodes.plate[0]: "engine" is a unit; name the components on it.'),
    ("thermal.nodes.plate", ["ring"], "thermal.nodes.plate[0]: 'ring' is at engine already; name it once."),
    ("thermal.nodes.plate", ["laser"], "plate[0]: 'laser' has a temperature of its own; drop it here, or drop comp"),
    ("thermal.nodes.plate", ["pumps"], "plate[0]: no component is called \"pumps\"; did you mean 'pump'?"),
    ("thermal.nodes.plate", ["pump"], "'pump' is on no unit at or below 'package'; give components.pump.at instead."),
    # Links.
    ("thermal.link", {}, "thermal.link: no link is given; give one of ring, mach_zehnder, vcsel."),
    ("thermal.link", {"ring": {"unit": "lane"}}, 'thermal.link.ring.spread: missing; write one such as "5 K".'),
    ("thermal.link.vcsel", VCSEL, "thermal.link: ring and vcsel exclude each other; keep one of them."),
    ("thermal.link.ring.unit", "lan", "thermal.link.ring.unit: no unit is called \"lan\"; did you mean 'lane'?"),
    ("thermal.link.ring.unit", "els", "'els' is not below 'package'; write one of engine, lane."),
    ("thermal.link.ring.unit", "package", "'package' is not below 'package'"),
    ("thermal.link.ring.range", "400 K", "thermal.link.ring.range: it reaches down to absolute zero"),
    ("thermal.link.ring.range", "40", '"40" has no unit; write "40 K".'),
    ("thermal.link.ring.top", "410 degC", "above 400 degC"),
    ("thermal.link.ring.tracking", "100 K", '"100 K" is not a speed of temperature'),
    ("thermal.link.ring.heater", 0.23, '"0.23" has no unit; write "0.23 mW/K".'),
    ("thermal.link.ring.relock", "-1 s", '"-1 s" must be zero or more.'),
    ("thermal.link", {"vcsel": {**VCSEL, "amperes": "8"}}, 'vcsel.amperes: "8" has no unit; write "8 mA".'),
    ("thermal.link", {"vcsel": {**VCSEL, "amperes": "0.5 mA"}}, "vcsel: amperes must be more than threshold"),
    ("thermal.link", {"vcsel": {**VCSEL, "slope": "0.4 mW"}}, '"0.4 mW" is not a slope'),
    ("thermal.link", {"vcsel": {**VCSEL, "slope_per_kelvin": "1 rad/K"}}, "is not a share per kelvin"),
    ("thermal.link", {"mach_zehnder": {**MACH, "drift": "0.01 /K"}}, "is not a phase per kelvin"),
    ("thermal.link", {"mach_zehnder": {**MACH, "budget": "1 dB"}}, '"1 dB" is not a number'),
    # Excursions.
    ("thermal.excursions.clog.unit", "rak", "excursions.clog.unit: no unit is called \"rak\"; did you mean 'rack'?"),
    ("thermal.excursions.clog.unit", None, "thermal.excursions.clog.unit: missing; name a unit."),
    ("thermal.excursions.clog.rate", "0 /y", '"0 /y" must be more than zero.'),
    ("thermal.excursions.clog.rise", "-8 K", '"-8 K" must be more than zero.'),
    ("thermal.excursions.clog.rise", "390 K", "clog.rise: it takes the coolant above 400 degC; write a smaller rise."),
    ("thermal.excursions.clog.duration", None, "duration: missing; write how long it lasts."),
    ("thermal.excursions.clog.duration", {"weibull": {}}, "thermal.excursions.clog.duration.weibull: unknown key"),
    ("thermal.excursions.clog.recovery", "10", 'recovery: "10" has no unit; write "10 h".'),
    ("thermal.excursions.a b", {}, "is not a name"),
    ("units.loop.feeds", None, "thermal.excursions.pump.unit: nothing at or below 'loop' has a temperature; name pack"),
    ("environment.steps.0.shift", "380 K", "it takes 'laser' above 400 degC"),
]  # fmt: skip

# Where one slip is several: each mechanism that lacks a temperature, each event on hot coolant.
MORE = {
    ("components.laser.at", "None"): 5,
    ("thermal.nodes.plate", "['pump']"): 3,
    ("thermal.coolant", "398 degC"): 3,
    ("thermal.excursions.a b", "{}"): 5,
}


@pytest.mark.parametrize(("path", "value", "said"), ONE_PROBLEM)
def test_one_problem_is_said_once(path, value, said):
    found = problems(changed(path, value))
    assert len(found) <= MORE.get((path, str(value)), 1), found
    assert any(said in one for one in found), found


def test_all_at_once_with_lines(tmp_path):
    file = tmp_path / "heat.yaml"
    text = TEXT.replace("unit: lane", "unit: lame").replace("[gpu, solder]", "[gpu]")
    file.write_text(text.replace("coolant: 35 degC", "coolant: 35"))
    with pytest.raises(ScenarioError) as caught:
        load(file)
    lines = text.splitlines()
    found = {problem.path: problem for problem in caught.value.problems}
    assert set(found) == {
        "components.solder.cycling",
        "thermal.coolant",
        "thermal.link.ring.unit",
    }
    assert "or list it in thermal.nodes" in found["components.solder.cycling"].suggestion
    for path, part in (("thermal.coolant", "coolant: 35"), ("thermal.link.ring.unit", "lame")):
        line = found[path].line
        assert line is not None
        assert part in lines[line - 1]


def test_a_temperature_needs_something_that_follows_it():
    data = base()
    data["components"]["laser"]["mechanisms"] = {"random": {"rate": "9 FIT"}}
    del data["components"]["laser"]["current"]
    (found,) = problems(data)
    assert found.startswith("components.laser.at: no mechanism has a reference and an activation_")
    assert "components.laser.mechanisms.random.reference" in found
    data["components"]["laser"]["mechanisms"]["solder"] = {"mtbf": "9 y", "cycling": DWELL}
    load(data)


JUNK = [None, 3, "x", [], {}, [1], {"a": 1}, True, [[]], {"unit": []}, -1e300]


def places(value, path=()):
    yield path
    if not isinstance(value, dict | list):
        return
    for key, item in value.items() if isinstance(value, dict) else enumerate(value):
        yield from places(item, (*path, key))


def test_junk_anywhere_is_a_problem_or_fine_but_never_a_crash():
    heat = [p for p in places(base()) if p[:1] == ("thermal",) or p[:2] == ("components", "laser")]
    for path, junk in itertools.islice(itertools.product(heat, JUNK), 0, None, 2):
        data = base()
        here = data
        for key in path[:-1]:
            here = here[key]
        here[path[-1]] = copy.deepcopy(junk)
        with contextlib.suppress(ScenarioError):
            load(data)
