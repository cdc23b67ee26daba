"""A small machine with manufacturing, and how to change one place of it."""

from typing import Any

import pytest
import yaml

from fdmc.spec import ScenarioError, load


TEXT = """
name: made
mission: 5 y
components:
  gpu: {rate: 1000 FIT, repair: 4 h}
  ring: {rate: 10 FIT, repair: 4 h}
units:
  pod:     {contains: {package: 8}}
  package: {components: {gpu: 1}, contains: {engine: 2}}
  engine:  {contains: {lane: {count: 10, need: 8}}}
  lane:    {components: {ring: 1}}
fabric: {accelerator: package, planes: 2, lanes_per_link: 8, lane_rate: 100 Gb/s}
manufacturing:
  unit: engine
  lanes:
    unit: lane
    die: pic
    area: 2 mm2
    ring: {test: 60 degC, top: 70 degC, range: 20 K, budget: 0.5 K, spread: 4 K}
    common_cause: 0.2
  clustering: {lot: 5, wafer: 3, die: 2, wafers_per_lot: 4}
  parts:
    pic: {area: 50 mm2, density: 0.5 /cm2, test: 0.9, wafer: {cost: 4000}, carbon: 20 g/mm2}
    eic: {area: 30 mm2, density: 0.1 /cm2, law: {negative_binomial: 10}, test: 0.95, wafer: {cost: 9000}, cost: 1}
    host: {area: 400 mm2, layers: [{density: 0.05 /cm2, critical: 0.8, layers: 2, law: seeds}], wafer: {cost: 16000}}
    memory: {good: 0.99, test: 0, cost: 200}
  steps:
    - {step: stack, parts: {pic: 1, eic: 1}, joining: micro_bump, bonds: 1000, lanes: {bonds: 50}, cost: 10, test: 0.9}
    - {step: fibres, fibres: 2, lanes: {fibres: 1, loss: 0.002}, cost: 30, carbon: 0.5 kg}
  mount:
    unit: package
    steps:
      - {step: attach, parts: {host: 1, memory: 2, engine: 2}, joining: {preset: organic, alignment: 0.98}, cost: 70}
  bins: [1, 0.75]
  latent: {ratio: 0.2, infant: {shape: 0.5, scale: 20000 h}, burn_in: {time: 24 h, acceleration: 50, cost: 2}}
"""


def base() -> dict[str, Any]:
    return yaml.safe_load(TEXT)


def changed(path: str, value: Any) -> dict[str, Any]:
    """The machine with another value at a dotted path; None takes the key away."""
    data = base()
    *around, last = (int(key) if key.isdigit() else key for key in path.split("."))
    here: Any = data
    for key in around:
        here = here[key]
    if value is None:
        del here[last]
    else:
        here[last] = value
    return data


def problems(source, sets=()) -> list[str]:
    with pytest.raises(ScenarioError) as caught:
        load(source, sets)
    return [str(problem) for problem in caught.value.problems]
