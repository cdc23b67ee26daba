"""Slow statistical verification, run by `make verify`: packaged machines, and whole distributions."""

import numpy as np
import pytest
from _compare import assert_alike, engine_facts, reference_facts
from scipy import stats

import fdmc
from fdmc.spec import load


pytestmark = pytest.mark.verification


@pytest.mark.parametrize(
    ("name", "ours", "theirs"), [("nvl72-copper", 8192, 2000), ("cpo-512", 2048, 100)]
)
def test_packaged_machines_are_those_of_the_reference(name, ours, theirs):
    """Every mean of the engine against the plain-Python histories; |z| <= 4.9 each."""
    scenario = load(name)
    assert_alike(engine_facts(scenario, ours), reference_facts(scenario, theirs), at_least=30)


def lab(need: int) -> fdmc.Scenario:
    return load(
        {
            "fdmc": 1,
            "name": "lab",
            "mission": "5 y",
            "components": {"unit": {"mtbf": "1000 h", "repair": {"exponential": {"mean": "24 h"}}}},
            "units": {"system": {"components": {"unit": {"count": 6, "need": need}}}},
            "fabric": {"accelerator": "system"},
            "service": {"technicians": 1},
        }
    )


def test_scores_against_the_chain_are_normal():
    """400 seeds: their z against the exact availability pass Kolmogorov-Smirnov at one in a million."""
    scores = []
    for seed in range(400):
        answer = fdmc.availability(lab(5), seed=seed, replicas=1024)
        sampled = answer.sampled
        half = (sampled.high - sampled.low) / 2 / stats.t.ppf(0.975, 1023)
        scores.append((sampled.best - answer.exact) / half)
    assert stats.kstest(scores, "norm").pvalue > 1e-6
    covered = np.mean(np.abs(scores) < 1.96)
    assert stats.binom.cdf(covered * 400, 400, 0.95) > 1e-6


def test_first_losses_are_uniform_under_their_law():
    """The sampled share of missions lost, seed by seed, against the exact binomial."""
    exact = fdmc.mission(load("nvl72-copper", sets=["mission=30 d"]), replicas=1)[
        "domain"
    ].exact_prob
    levels = [
        stats.binom.cdf(
            fdmc.mission(load("nvl72-copper", sets=["mission=30 d"]), seed=s, replicas=4096)[
                "domain"
            ].sampled_prob.best
            * 4096,
            4096,
            exact,
        )
        for s in range(100)
    ]
    assert stats.kstest(levels, "uniform").pvalue > 1e-6
