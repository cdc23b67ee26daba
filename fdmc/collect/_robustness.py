"""Robustness per watt: what redundancy gains, over the same machine without it, for what it draws."""

import copy
import dataclasses
from pathlib import Path

from ..spec import Scenario, load
from ..tally import Estimate
from ._compare import compare
from ._costs import costs_of


@dataclasses.dataclass(frozen=True)
class Robustness:
    """What the spare elements of a machine gain, draw and cost.

    `goodput` is that of the machine and `bare` that of the same machine without spare elements; `gain` their
    difference, replica by replica. `watts` and `capital` are what the spare elements draw and cost; `per_watt` is
    the gain over the watts (1/W), `per_capital` the gain over their capital (1 over the currency; None when they cost
    nothing). `correlation` is that of the lost work of both machines: what pairing is worth.
    """

    scenario: str
    goodput: Estimate
    bare: Estimate
    gain: Estimate
    watts: float
    capital: float
    currency: str
    per_watt: Estimate
    per_capital: Estimate | None
    correlation: float
    replicas: int
    seed: int


def robustness(
    scenario: Scenario | str | Path, *, seed: int = 0, replicas: int = 2048, chunk: int = 1024
) -> Robustness:
    r"""Estimate what redundancy gains for each watt that it draws.

    The same replicas run in the unprotected machine: every group has as many elements as it needs (`count` = `need`),
    all else, the spares on the shelf and the crews too, is as it was: they draw nothing. With goodput $g$, $g_0$ of
    the unprotected machine and $P$ the power of the spare elements, robustness per watt is $(g - g_0) / P$.

    **Arguments:** `scenario`, a `Scenario`, a file, or the name of a packaged one; `seed`; `replicas`; `chunk`,
    replicas a call.

    **Raises:** `ValueError` for a scenario without economics, without spare elements, or whose spare elements draw
    nothing; `ScenarioError` when the unprotected machine is none (supply that cannot be divided, say).
    """
    machine = scenario if isinstance(scenario, Scenario) else load(scenario)
    why = no_robustness(machine)
    if why is not None:
        raise ValueError(why)
    bare, costs = unprotected(machine), costs_of(machine)
    watts, capital = costs.redundancy_watts, costs.redundancy_capital
    found = compare([bare, machine], seed=seed, replicas=replicas, chunk=min(chunk, replicas))
    gain = found.gain[1]
    return Robustness(
        scenario=machine.name,
        goodput=found.goodput[1],
        bare=found.goodput[0],
        gain=gain,
        watts=watts,
        capital=capital,
        currency=costs.currency,
        per_watt=gain.scaled(1 / watts, "1/W"),
        per_capital=gain.scaled(1 / capital, f"1/{costs.currency}") if capital > 0 else None,
        correlation=found.correlation[1],
        replicas=found.replicas,
        seed=seed,
    )


def no_robustness(scenario: Scenario) -> str | None:
    """Return why a scenario has no robustness per watt; None when it has."""
    if scenario.economics is None:
        return f"{scenario.name} has no economics section: give powers (docs/costs.md)."
    groups = [
        group
        for unit in scenario.units.values()
        for group in (*unit.contains.values(), *unit.components.values())
    ]
    if not any(group.spares for group in groups):
        return f"{scenario.name} has no spare elements: no group needs fewer than its count."
    if costs_of(scenario).redundancy_watts <= 0:
        return f"The spare elements of {scenario.name} draw nothing: give economics.power of what they are."
    return None


def unprotected(scenario: Scenario) -> Scenario:
    """Return the same machine without spare elements: every `count` is what is needed."""
    document = copy.deepcopy(scenario.document)
    for name, unit in scenario.units.items():
        for section, groups in (("contains", unit.contains), ("components", unit.components)):
            for key, group in groups.items():
                if group.need is not None:
                    document["units"][name][section][key]["count"] = group.need
    return load({**document, "name": f"{scenario.name}-bare"})
