"""The plain-Python histories of fault trees: the rules one by one, and closed forms.

Every statistical comparison allows |z| <= 4.9, one false alarm in a million; seeds are fixed.
"""

import math

import numpy as np
import pytest
from _timed_trees import CASES, exponential, law, tree

from fdmc.reference import fault_tree_history


Z, HISTORIES = 4.9, 1500


@pytest.mark.parametrize("name", CASES)
def test_rule(name):
    model, hours = CASES[name]
    found = fault_tree_history(model, 9.9, 0, 0)
    times = sorted([*found.begins, *found.ends])
    assert times == pytest.approx(hours)
    assert found.first_hours == (pytest.approx(hours[0]) if hours else math.inf)


def test_a_history_knows_its_state_and_its_down_time():
    found = fault_tree_history(CASES["repair"][0], 9.9, 0, 0)
    assert [found.failed_at(t) for t in (1.9, 2.1, 3.1, 5.5, 9.5)] == [0, 1, 0, 1, 0]
    assert found.down_hours() == pytest.approx(3.0)


def share(model, hours, ask) -> float:
    return float(np.mean([ask(fault_tree_history(model, hours, 1, k)) for k in range(HISTORIES)]))


def near(found, exact):
    assert abs(found - exact) <= Z * math.sqrt(exact * (1 - exact) / HISTORIES)


@pytest.mark.statistical
def test_cold_spare_is_erlang():
    model = tree({"top": ("spare", "ab")}, {"a": exponential(1.0), "b": exponential(1.0, 0.0)})
    near(share(model, 1.5, lambda h: bool(h.begins)), 1 - 2.5 * math.exp(-1.5))


@pytest.mark.statistical
def test_two_of_three_under_repair():
    model = tree({"top": ("atleast", "abc", 2)}, {e: exponential(0.5, repair=1.0) for e in "abc"})
    q = (1 - math.exp(-1.5 * 2)) / 3
    near(share(model, 2.0, lambda h: h.failed_at(2.0)), 3 * q**2 - 2 * q**3)


@pytest.mark.statistical
@pytest.mark.parametrize(
    ("event", "exact"),
    [
        (law("Weibull", 2.0, 1.5, 0.5), 1 - math.exp(-(0.25**1.5))),
        (law("lognormal", 2.0, 0.7), 0.5 * math.erfc(math.log(2) / 0.7 / math.sqrt(2))),
        (law("erlang", 2.0, 1.0), 1 - 2 * math.exp(-1)),
        (law("gamma", 2.0, 1.0), 1 - 2 * math.exp(-1)),
    ],
)
def test_laws(event, exact):
    near(share(tree({"top": ("or", "a")}, {"a": event}), 1.0, lambda h: bool(h.begins)), exact)
