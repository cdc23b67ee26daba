"""Spares that circuits bring in: the rule state by state, and a group of parts as a chain."""

import itertools
import random
from typing import Any

import jax
import numpy as np
import pytest
from _machines import EVERY_COLLECTIVE, Z, exponential, load
from _states import RTOL, SLOTS, a_state, packed, slots_of
from test_domain import TWO

import fdmc
from fdmc import reference
from fdmc.kernel._losses import unpack
from fdmc.kernel._reconfigure import delivered
from fdmc.plan import lower
from fdmc.reference import Active, state_of


CIRCUITS = {"switch": "30 ms", "bring_up": "20 s", "spares": ["lane", "psu", "laser"]}
RULES = {
    "what pays": {**CIRCUITS, "bring_up": "3 min", "restart": False},
    "above 5 %": {**CIRCUITS, "when": {"loss_above": "5 %"}},
}
_delivered = jax.jit(lambda plan, kind, away, *words: delivered(plan, unpack(*words), kind, away))


@pytest.mark.parametrize("rule", RULES)
def test_random_states_are_those_of_the_reference(rule):
    scenario = load(TWO, workload=EVERY_COLLECTIVE, fabric={"reconfigure": RULES[rule]})
    plan, directory = lower(scenario)
    machine = reference.build(scenario)
    names = [info.name for info in directory.classes]
    rng = random.Random(rule)
    expected, slots, kinds = [], [], []
    for number in range(200):
        failed = a_state(machine, rng, SLOTS if number % 2 else 3)
        struck = frozenset((part, part.name) for part in failed)
        expected.append(state_of(machine, Active(struck, frozenset(), frozenset())))
        slots.append(slots_of(machine, plan, directory, failed, set()))
        kind = [names.index(part.name) for part in failed]
        kinds.append(kind + [0] * (SLOTS - len(kind)))
    kinds = np.array(kinds, np.int32).T
    got = _delivered(plan, kinds, np.zeros(kinds.shape, bool), *packed(slots))
    np.testing.assert_allclose(
        got.rate, [state.work.rate for state in expected], rtol=RTOL, atol=1e-7
    )
    np.testing.assert_allclose(got.switched, [state.switched for state in expected], atol=1e-3)
    assert 0.1 < np.mean(np.asarray(got.switched) > 0) < 0.9


MTBF, REPAIR, COUNT, NEED = 500.0, 20.0, 6, 4


def group(**reconfigure: Any):
    """One accelerator of four ports and two spares, each with a technician of its own."""
    return load(
        {
            "components": {"port": exponential(MTBF, REPAIR)},
            "units": {"chip": {"components": {"port": {"count": COUNT, "need": NEED}}}},
            "fabric": {"accelerator": "chip", "reconfigure": {"spares": ["port"], **reconfigure}},
            "workload": {
                "checkpoint": {"write": "10 s", "interval": "10 min"},
                "restart": {"detect": "1 min", "resume": "4 min"},
            },
        },
        mission="200 d",
        start="stationary",
        run_in="30 d",
    )


def chain():
    """Probabilities of 0 to `COUNT` failed ports."""
    weights = [1.0]
    for m in range(COUNT):
        weights.append(weights[-1] * (COUNT - m) / MTBF * REPAIR / (m + 1))
    return np.array(weights) / sum(weights)


def lost(failed: int, spares: int) -> float:
    return min(max((failed - spares) / NEED, 0.0), 1.0)


# Where a reconfiguration brings 25 %, or all, it pays; where it stops for longer than a repair lasts, it never does.
CHAINS = {
    "always": ({"bring_up": "1 min"}, True),
    "never": ({"bring_up": "40 h", "restart": False}, False),
    "above a fifth": ({"bring_up": "1 min", "when": {"loss_above": "20 %"}}, True),
    "above a half": ({"bring_up": "1 min", "when": {"loss_above": "50 %"}, "restart": False}, None),
}


@pytest.mark.parametrize("case", CHAINS)
def test_a_group_of_ports_is_a_chain(case):
    written, brings = CHAINS[case]
    pi = chain()
    switched = [bool(brings) and m > 0 for m in range(COUNT + 1)]
    if brings is None:  # two spares bring half of the work, which is not more than a half
        switched = [False] * (COUNT + 1)
    rate = sum(p * (1 - lost(m, 2 * s)) for m, (p, s) in enumerate(zip(pi, switched, strict=True)))
    spares = [min(m, 2) * s for m, s in enumerate(switched)]
    more = [b > a for a, b in itertools.pairwise(spares)]
    births = sum(p * (COUNT - m) / MTBF for m, p in enumerate(pi[:-1]) if more[m])
    result = fdmc.run(group(**written), seed=3, stop=fdmc.Replicas(1024), chunk=1024)
    for name, exact in (("work_rate", rate), ("reconfigurations_per_year", births * 8760)):
        got = result[name]
        sigma = (got.high - got.low) / 2 / 1.96
        assert abs(got.best - exact) <= Z * sigma + 1e-9, f"{name}: {got} against {exact}"
    if brings:  # every stop costs detection, resumption and the circuits; Daly's form
        stops = result["interruptions_per_year"].best
        assert stops == pytest.approx(result["reconfigurations_per_year"].best, rel=1e-3)
        m, tau, delta, r = 8760 / stops, 600 / 3600, 10 / 3600, (60 + 240 + 60) / 3600
        exact = tau / (m * np.exp(r / m) * np.expm1((tau + delta) / m))
        assert result["ettr"].best == pytest.approx(exact, rel=1e-5)
