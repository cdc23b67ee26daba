"""The availability of machines of structures whose parts never wait for repair: exact, and sampled."""

import numpy as np

from ..lifetime import lost_prob
from ..plan import ageing, lifetime_of
from ..spec import Exponential, Scenario, resolve_rule
from ..tally import Estimate
from ._run import run
from ._scheduled import refuse_planned
from ._stop import Replicas


_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(16)
_PANELS = 64
_HOURS_PER_YEAR = 8760.0


def structure_availability(
    scenario: Scenario, seed: int, replicas: int
) -> tuple[float, float, Estimate, int]:
    """Return the fraction of time in which no unit is lost: exact, long-run exact, sampled; and occurrences.

    Every part is a chain of two states of its own, so at any time the machine is that of its fault trees with
    `p(t) = a / (a + b) (1 - exp(-t (a + b)))`, for failures at rate `a` and repairs at rate `b`.

    **Raises:** `ValueError` unless every part is exponential, in a structure, and repaired by itself at once.
    """
    rates = {
        (unit, component): _rates(scenario, unit, component)
        for unit in scenario.tree.nodes
        for component in scenario.units[unit].components
    }
    if scenario.service.technicians is not None:
        raise ValueError(_REFUSAL)
    refuse_planned(scenario, "an exact availability")
    start, hours = scenario.run_in_hours, scenario.mission_hours
    # Nothing moves faster than all rates together, and what dies out does so in geometric panels.
    first = min(1e-3 / sum(a + b for a, b in rates.values()), hours / 2)
    edges = start + np.array([0.0, *np.geomspace(first, hours, _PANELS)])
    middle, half = (edges[1:] + edges[:-1]) / 2, (edges[1:] - edges[:-1]) / 2
    up = _up_prob(scenario, rates, middle[:, None] + half[:, None] * _NODES)
    exact = float(half @ (up @ _WEIGHTS)) / hours
    long_run = float(_up_prob(scenario, rates, np.array([np.inf]))[0])
    result = run(scenario, seed=seed, stop=Replicas(replicas))
    occurrences = result["occurrences_per_year"].best * hours / _HOURS_PER_YEAR * replicas
    return exact, long_run, result["full_strength"], round(occurrences)


HEAT = "an exact availability knows no thermal section; use fdmc.run for this machine."
ENVIRONMENT = (
    "an exact availability needs constant failure rates, and the environment changes them; "
    "use fdmc.run for this machine."
)
_REFUSAL = (
    "an exact availability of structures needs exponential parts with exponential repairs, all of them in units "
    "with a structure, each swapped by itself when it has failed, and no waiting for technicians or spares; "
    "use fdmc.run for this machine."
)


def _rates(scenario: Scenario, unit: str, component: str) -> tuple[float, float]:
    """Return the failure and repair rates of a part that is repaired by itself."""
    part, rule = scenario.components[component], resolve_rule(scenario, unit, component)
    repair = rule.time or part.repair
    alone = (rule.swap, rule.takes_out, rule.stock, rule.when) == (component, None, None, "failed")
    law, exposure = lifetime_of(ageing(scenario, unit, component))
    if exposure is not None:
        raise ValueError(ENVIRONMENT)
    if scenario.thermal is not None:
        raise ValueError(HEAT)
    if (
        scenario.units[unit].structure is None
        or not alone
        or not isinstance(law, Exponential)
        or not isinstance(repair, Exponential)
    ):
        raise ValueError(_REFUSAL)
    return 1 / law.mean_hours, 1 / repair.mean_hours


def _up_prob(scenario: Scenario, rates: dict, hours: np.ndarray) -> np.ndarray:
    """Return the probability that no unit is lost at a time after all was new."""
    up = np.ones_like(hours)
    for name, node in scenario.tree.nodes.items():
        body = scenario.units[name]
        if body.structure is None:
            continue
        failed = []
        for component, group in body.components.items():
            a, b = rates[name, component]
            failed += [a / (a + b) * -np.expm1(-(a + b) * hours)] * group.count
        up = up * lost_prob(body.structure, failed, [1 - p for p in failed])[1] ** node.total
    return up
