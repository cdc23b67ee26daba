"""Importance of events against every state of small trees, closed forms, and reference values."""

import time

import numpy as np
import pytest
from _structures import (
    aralia,
    gates,
    minimal_sets,
    needs_reference,
    random_structure,
    reference,
    states,
    truth,
    weights,
)
from hypothesis import given, settings, strategies as st

from fdmc.logic import Importance, Kind, Structure, cut_sets, diagram, importance


seeds = st.integers(0, 2**32 - 1)


def brute(structure: Structure, p: np.ndarray, root: int) -> dict[str, np.ndarray]:
    """The definitions, summed over every state."""
    holds = truth(structure)[:, root]
    state, weight = states(len(p)), weights(p)
    top = weight @ holds
    failed, working, union = np.zeros((3, len(p)))
    sets = minimal_sets(holds)
    for e in range(len(p)):
        rest = weights(np.delete(p, e))
        failed[e], working[e] = rest @ holds[state[:, e]], rest @ holds[~state[:, e]]
        through = [state[:, sorted(s)].all(1) for s in sets if e in s]
        union[e] = weight @ np.any(through, axis=0) if through else 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        return {
            "birnbaum": failed - working,
            "criticality": p * (failed - working) / top,
            "fussell_vesely": union / top,
            "raw": failed / top,
            "rrw": top / working,
            "dif": p * failed / top,
        }


def check(found: Importance, expected: dict[str, np.ndarray]) -> None:
    for name, values in expected.items():
        np.testing.assert_allclose(
            getattr(found, name), values, rtol=1e-9, atol=1e-12, err_msg=name
        )


@settings(max_examples=150, deadline=None, derandomize=True)
@given(seeds, st.booleans())
def test_random_trees_against_every_state(seed, coherent):
    structure = random_structure(seed, events=8, gates=10, roots=2, coherent=coherent)
    p = np.random.default_rng(seed).uniform(0.05, 0.95, 8)
    found = diagram(structure)
    families = cut_sets(found)
    for root in range(2):
        check(importance(found, p, families, root=root), brute(structure, p, root))


def test_signs_follow_the_event():
    # pump fails and the relief valve does not: a failed valve helps
    found = importance(diagram(gates(2, (Kind.AND, 0, [2, 5]))), np.array([0.1, 0.2]))
    np.testing.assert_allclose(found.birnbaum, [0.8, -0.1])
    np.testing.assert_allclose(found.criticality, [1.0, -0.25])
    np.testing.assert_allclose(found.raw, [10.0, 0.0], atol=1e-15)
    np.testing.assert_allclose(found.rrw, [np.inf, 0.8])


def test_risk_reduction_without_a_single_point_of_failure_is_exact():
    # a and (b or c): without a nothing fails, and that is infinite, not 1e16
    p = np.array([1e-7, 0.3, 1e-12])
    rows = [(Kind.OR, 0, [4, 6]), (Kind.AND, 0, [2, 8])]
    found = importance(diagram(gates(3, *rows)), p)
    assert found.rrw[0] == np.inf
    assert found.rrw[1] == pytest.approx((0.3 + 0.7e-12) / 1e-12, rel=1e-12)


def test_an_impossible_top_has_no_ratios():
    found = importance(diagram(gates(2, (Kind.AND, 0, [2, 4]))), np.array([0.0, 0.5]))
    assert found.probability == 0
    np.testing.assert_array_equal(found.raw, [np.inf, np.nan])
    assert np.isnan(found.rrw).all()
    np.testing.assert_allclose(found.birnbaum, [0.5, 0.0])


def test_vesely_multiplies_through_modules():
    # (a or b) and (c or d), a module each: through a, P(a) P(c or d)
    rows = [(Kind.OR, 0, [2, 4]), (Kind.OR, 0, [6, 8]), (Kind.AND, 0, [10, 12])]
    found = diagram(gates(4, *rows))
    p = np.array([0.1, 0.2, 0.3, 0.4])
    measures = importance(found, p, cut_sets(found))
    np.testing.assert_allclose(measures.fussell_vesely, p / [0.28, 0.28, 0.58, 0.58])
    assert measures.note == ""


def test_without_cut_sets_vesely_says_why():
    measures = importance(diagram(random_structure(1)), np.full(7, 0.1))
    assert np.isnan(measures.fussell_vesely).all()
    assert measures.note == "The minimal cut sets were not given."


def test_a_budget_too_small_says_so():
    n = 24
    rng = np.random.default_rng(4)
    rows = [(Kind.OR, 0, (2 * rng.choice(n, 3, replace=False) + 2).tolist()) for _ in range(n)]
    rows.append((Kind.AND, 0, [2 * (n + 1 + g) for g in range(n)]))
    found = diagram(gates(n, *rows))
    families = cut_sets(found)
    measures = importance(found, np.full(n, 0.1), families, node_budget=2000)
    missing = int(np.isnan(measures.fussell_vesely).sum())
    assert 0 < missing
    assert measures.note.startswith(f"Fussell-Vesely of {missing} events did not fit into 2,000 ")
    full = importance(found, np.full(n, 0.1), families)
    assert not np.isnan(full.fussell_vesely).any()
    there = ~np.isnan(measures.fussell_vesely)
    np.testing.assert_allclose(measures.fussell_vesely[there], full.fussell_vesely[there])


def names() -> list[str]:
    rows = reference("reference_importance")
    return sorted({r["model"].split("/")[-1][:-4] for r in rows if "aralia" in r["model"]})


COLUMNS = {
    "birnbaum": "MIF_Birnbaum(=dP/dp)",
    "criticality": "CIF",
    "dif": "DIF=P(e|top)",
    "raw": "RAW",
    "rrw": "RRW",
}


@needs_reference
@pytest.mark.parametrize("name", names())
def test_reference_values(name):
    structure, p = aralia(name)
    found = diagram(structure)
    measures = importance(found, p)
    rows = [
        r for r in reference("reference_importance") if r["model"] == f"models/aralia/{name}.xml"
    ]
    place = [found.events.index(r["event"]) for r in rows]
    for field, column in COLUMNS.items():
        expected = np.array([float(r[column] or "nan") for r in rows])
        np.testing.assert_allclose(getattr(measures, field)[place], expected, rtol=1e-8)


@needs_reference
def test_all_events_cost_little_more_than_one_evaluation():
    structure, p = aralia("jbd9601")
    found = diagram(structure)
    start = time.perf_counter()
    importance(found, p)
    assert time.perf_counter() - start < 1  # SCRAM: 3.1 s
