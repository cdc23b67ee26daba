"""A small machine with heat, mechanisms and excursions, and how to change one place of it."""

from typing import Any

import pytest
import yaml

from fdmc.spec import ScenarioError, load


TEXT = """
name: heat
mission: 5 y
components:
  gpu:    {rate: 1000 FIT, repair: 4 h, reference: 60 degC, activation_energy: 0.7 eV}
  ring:   {rate: 10 FIT, reference: 60 degC, activation_energy: 0.5 eV}
  solder:
    lifetime: {lognormal: {median: 20 y, sigma: 0.4}}
    cycling: {solder: SAC305, swing: 60 K, maximum: 85 degC, dwell: 30 min, cycles: 2 /d}
  laser:
    at: 50 degC
    current: 0.9
    mechanisms:
      random: {rate: 20 FIT, reference: 45 degC, activation_energy: 0.35 eV, source: field}
      wear_out:
        lifetime: {drive_rise: {rise: 0.2, after: 10000 h, time_power: 0.5, sigma: 0.4, margin: 0.5}}
        reference: 85 degC
        activation_energy: 0.93 eV
        current_exponent: 2
      attach:
        mtbf: 400 y
        cycling: {solder: SNPB, swing: 100 K, maximum: 100 degC, dwell: 1 h, cycles: 24 /d}
  pump: {rate: 2000 FIT}
units:
  pod:     {contains: {rack: 2}}
  rack:    {contains: {package: 4, els: 4, loop: 1}}
  loop:    {components: {pump: 1}, feeds: rack}
  package: {components: {gpu: 1, solder: 1}, contains: {engine: 2}}
  engine:  {contains: {lane: {count: 9, need: 8}}}
  lane:    {components: {ring: 1}}
  els:     {components: {laser: {count: 3, need: 2}}, feeds: engine}
fabric: {accelerator: package, planes: 2}
thermal:
  template: 2.5d
  coolant: 35 degC
  resistance: {plate-coolant: 0.015 K/W}
  capacitance: {engine: 0.1 J/K}
  watts: {compute: 900 W, plate: 0 W}
  load: {square_wave: {high: 1, low: 0.6, period: 1.5 s, duty: 0.8}}
  stops: {every: 8 h, for: 10 min}
  nodes: {engine: [ring], compute: [gpu, solder]}
  link: {ring: {unit: lane, spread: 5 K}}
  excursions:
    pump: {unit: loop, rate: 0.5 /y, rise: 15 K, duration: {lognormal: {median: 1 h, p90: 4 h}}, recovery: 10 min}
    clog: {unit: package, rate: 0.01 /y, rise: 8 K, duration: 24 h, source: estimate}
environment:
  steps: [{for: 1 y, shift: 5 K}, {for: 1 y, shift: 0 K}]
"""


def base() -> dict[str, Any]:
    return yaml.safe_load(TEXT.replace("template: 2.5d", 'template: "2.5d"'))


def changed(path, value):
    data = base()
    *around, last = (int(key) if key.isdigit() else key for key in path.split("."))
    here = data
    for key in around:
        here = here[key]
    if value is None:
        del here[last]
    else:
        here[last] = value
    return data


DWELL = {"solder": "SNPB", "swing": "60 K", "maximum": "85 degC", "dwell": "1 h", "cycles": "2 /d"}
RISE = {"rise": 0.2, "after": "1 y", "time_power": 1, "sigma": 0.4, "margin": 0.5}
VCSEL = {
    "unit": "lane", "spread": "5 K", "amperes": "8 mA", "threshold": "0.6 mA", "best": "30 degC", "detuning": "60 K",
    "slope": "0.4 W/A", "slope_per_kelvin": "0.4 %/K", "needed": "1 mW", "relock": "10 ms",
}  # fmt: skip
MACH = {
    "unit": "lane", "spread": "5 K", "set": "60 degC", "drift": "0.01 rad/K", "budget": 1, "relock": "10 ms",
}  # fmt: skip


def problems(source, sets=()):
    with pytest.raises(ScenarioError) as caught:
        load(source, sets)
    return [str(problem) for problem in caught.value.problems]
