"""Optimisers on estimated gradients, against SciPy on exact values; the screen of a machine."""

import dataclasses
import math

import numpy as np
import pytest
import scipy.optimize
from _machines import TWO_RACKS, Z, load
from test_estimators import SITE, moved, relaxed

from fdmc.plan import GradientError, lower
from fdmc.sizing import (
    CapacityGroup,
    CapacityProblem,
    ExactAutodiff,
    Moment,
    Pathwise,
    Pivotal,
    Projection,
    ScoreFunction,
    SizingError,
    capacity_gradient,
    from_plan,
    minimise,
)


LASERS = CapacityGroup("laser", 9, 8, 2e-6, 43800, 20.0, 0.5)
LANES = CapacityGroup("lane", 36, 32, 4e-7, 43800, 10.0, 0.3)
PROBLEM = CapacityProblem([LASERS, LANES], environment=SITE)
BOUNDS = {"laser.count": (8, 13), "lane.count": (32, 42)}
PRICES = {"laser.count": 30, "lane.count": 4}


def lost(problem: CapacityProblem, x: dict[str, float]) -> float:
    for name, value in x.items():
        problem = moved(problem, name, value - problem.variables[name][2])
    return relaxed(problem)


def best(problem, bounds, prices, budget: float):
    """The least loss within a budget, by sequential quadratic programming on exact values."""
    names = list(bounds)
    price = np.array([prices[name] for name in names])
    span = np.array([high - low for low, high in bounds.values()])
    low = np.array([low for low, _ in bounds.values()], float)
    found = scipy.optimize.minimize(
        lambda y: math.log(lost(problem, dict(zip(names, low + span * y, strict=True)))),
        np.full(len(names), 0.3), bounds=[(1e-3, 1)] * len(names), method="SLSQP", options={"ftol": 1e-12},
        constraints={"type": "ineq", "fun": lambda y: (budget - price @ (low + span * y)) / budget},
    )  # fmt: skip
    return dict(zip(names, low + span * found.x, strict=True)), math.exp(found.fun)


def test_counts_within_a_budget():
    right, least = best(PROBLEM, BOUNDS, PRICES, 463.0)
    found = minimise(
        PROBLEM, ExactAutodiff(), BOUNDS, prices=PRICES, budget=463.0, steps=300, starts=2
    )
    assert found.status == "ok"
    assert found.cost == pytest.approx(463, abs=0.1)
    assert found.x == pytest.approx(right, abs=0.02)
    assert found.lost.best == pytest.approx(least, rel=1e-3)
    assert found.history.lost.shape == found.history.cost.shape == (2, 300)
    assert found.history.x.shape == (2, 300, 2)


def test_least_cost_at_a_loss():
    """Optimal where a euro buys the same everywhere: prices over derivatives are equal."""
    found = minimise(
        PROBLEM, ExactAutodiff(), BOUNDS, prices=PRICES, at_most=0.2, steps=300, starts=1
    )
    assert found.lost.best == pytest.approx(0.2, rel=1e-3)
    there = PROBLEM
    for name, value in found.x.items():
        there = moved(there, name, value - there.variables[name][2])
    per_euro = []
    for name in BOUNDS:
        up, down = (relaxed(moved(there, name, h)) for h in (1e-4, -1e-4))
        per_euro.append((up - down) / 2e-4 / PRICES[name])
    assert per_euro[0] == pytest.approx(per_euro[1], rel=0.02)


@pytest.mark.statistical
def test_drawn_gradients_find_the_same():
    """How warm to run, and which pumps to buy: noisy pathwise gradients, projected on the budget."""
    laser = dataclasses.replace(LASERS, kelvin=330.0, rate_per_hour=4e-6)
    lanes = dataclasses.replace(LANES, capacity=300.0)
    problem = CapacityProblem([laser, lanes], environment=SITE, moment=Moment.ANY)
    bounds = {"laser.temperature": (310.0, 340.0), "lane.rate": (2e-7, 2e-6)}
    prices = {"laser.temperature": -1.0, "lane.rate": -2e7}
    along = lambda t: lost(problem, {"laser.temperature": t, "lane.rate": (340 - t) / 2e7})
    right = scipy.optimize.minimize_scalar(along, bounds=(310, 336), method="bounded")
    found = minimise(
        problem, Pathwise(), bounds, prices=prices, budget=-340.0, limit=Projection(), steps=150, starts=2,
        replicas=512, seed=4,
    )  # fmt: skip
    assert found.status == "ok"
    assert lost(problem, found.x) < 1.01 * right.fun
    assert found.x["laser.temperature"] == pytest.approx(right.x, abs=1.0)
    error = (found.lost.high - found.lost.low) / 2 / 1.96
    assert abs(found.lost.best - lost(problem, found.x)) <= Z * error


def test_what_no_optimiser_follows_is_refused():
    with pytest.raises(GradientError, match="difference of one element"):
        minimise(PROBLEM, Pivotal(), BOUNDS)
    with pytest.raises(GradientError, match="ScoreFunction does not see a count"):
        minimise(PROBLEM, ScoreFunction(), BOUNDS)
    with pytest.raises(SizingError) as caught:
        minimise(
            PROBLEM, ExactAutodiff(), {"laser.count": (5, 8), "x": (1, 0)}, prices={"y": 1}, budget=1, at_most=0,
            limit=Projection(),
        )  # fmt: skip
    said = str(caught.value)
    for part in (
        "must hold its value 9",
        "no variable 'x'",
        "must increase",
        "'y' has no bounds",
        "not both",
        "at_most",
    ):
        assert part in said


def test_a_screen_is_the_first_order_of_a_machine():
    """Losses of a plan, class by class, by hand."""
    parts = {name: {"mtbf": "1000 h", "repair": "1 h"} for name in TWO_RACKS["components"]}
    parts["gpu"] = {"mtbf": "2000 h", "repair": {"lognormal": {"median": "10 h", "p90": "20 h"}}}
    screen = from_plan(*lower(load({**TWO_RACKS, "components": parts})))
    groups = {g.name: g for g in screen.problem.groups}
    assert screen.left_out == {}
    psu, gpu, lane = groups["rack/psu"], groups["package/gpu"], groups["lane/ring+lane/heater"]
    assert (psu.count, psu.need, psu.capacity) == (4, 3, pytest.approx(1))
    assert (lane.count, lane.need, lane.rate_per_hour) == (5, 4, pytest.approx(2e-3))
    sigma = math.log(2) / 1.2815515655446004
    assert gpu.time_hours == pytest.approx(10 * math.exp(sigma**2 / 2), rel=1e-3)
    down = 1 / 1001
    by_hand = (
        2 * 0.5 * (4 * down**3 * (1 - down) / 3 * 2 + down**4 + 6 * down**2 * (1 - down) ** 2 / 3)
    )
    alone = CapacityProblem([psu], law=screen.problem.law)
    assert capacity_gradient(alone, ExactAutodiff()).lost.best == pytest.approx(by_hand, rel=1e-4)
