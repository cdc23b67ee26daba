"""The rare-event estimator: covers cover, weights are unbiased, intervals hold what they promise."""

import csv
import dataclasses
import math
import os
from pathlib import Path

import numpy as np
import pytest
from _fault_trees import assignments, events_as_roots, probabilities, random_structure, truth
from scipy import special, stats

from fdmc.collect import Counts, Replicas, fault_states
from fdmc.collect.trees._sampler import Covered
from fdmc.kernel import BLOCK
from fdmc.logic import Kind, Structure, collapsed, cover, structure
from fdmc.tally import Estimate


LIMIT = 4.9  # standard deviations: one false alarm in a million
SURE = 1 - 1e-6
BESIDE = Path(__file__).parents[1] / "../shared/reference"
REFERENCE = Path(os.environ.get("FDMC_REFERENCE", BESIDE)) / "fault_trees"


def one_gate(kind: Kind, args: list[int], events: int, need: int = 0) -> Structure:
    root = 2 * (events + 1)
    return dataclasses.replace(
        events_as_roots(events),
        gates=("",),
        kind=np.array([kind], np.int8),
        need=np.array([need], np.int32),
        offset=np.array([0, len(args)], np.int32),
        child=np.array(args, np.int32),
        roots=np.array([root], np.int32),
    )


@pytest.mark.parametrize("most", [1, 3, 1000])
@pytest.mark.parametrize("seed", range(40))
def test_covers_cover(seed, most):
    """Whenever the root is true all events of some set fail, however early the search stops."""
    s = random_structure(seed, events=7, gates=9, roots=1, coherent=seed % 2 == 0)
    s, p = collapsed(s, np.random.default_rng(seed).uniform(0, 1, 7), modules=seed % 3 == 0)
    found = cover(s, p, int(s.roots[0]), most)
    np.testing.assert_allclose(
        found.probability, [math.prod(p[e] for e in events) for events in found.sets]
    )
    for failed in assignments(len(p)):
        if truth(s, failed)[0]:
            assert any(all(failed[e] for e in events) for events in found.sets)
    assert not any(set(a) < set(b) for a in found.sets for b in found.sets)


@pytest.mark.parametrize("most", [1, 4, 1000])
def test_covers_of_wide_gates_cover(most):
    """A vote and a wide OR that share events, under an AND: every state of 8 events."""
    s = dataclasses.replace(
        events_as_roots(8),
        gates=("", "", ""),
        kind=np.array([Kind.VOTE, Kind.OR, Kind.AND], np.int8),
        need=np.array([2, 0, 0], np.int32),
        offset=np.array([0, 4, 9, 11], np.int32),
        child=np.array([2, 4, 6, 8, 8, 10, 12, 14, 16, 18, 20], np.int32),
        roots=np.array([22], np.int32),
    )
    found = cover(s, np.geomspace(0.4, 1e-3, 8), 22, most, rest=0.0)
    for failed in assignments(8):
        if truth(s, failed)[0]:
            assert any(all(failed[e] for e in events) for events in found.sets)
    if most == 1000:  # the search has ended: the sets are cut sets
        assert all(truth(s, tuple(e in events for e in range(8)))[0] for events in found.sets)


def test_a_finished_cover_is_the_minimal_cut_sets():
    s = one_gate(Kind.VOTE, [2, 4, 6, 8, 10], 5, need=3)
    found = cover(s, np.full(5, 0.01), int(s.roots[0]))
    assert len(found.sets) == 10
    assert found.bound == pytest.approx(10e-6)


def unlikely(seed: int, coherent: bool) -> tuple[Structure, np.ndarray, float]:
    """The first random tree from this seed on whose root is rare but possible."""
    while True:
        s = random_structure(seed, events=9, gates=14, roots=1, coherent=coherent)
        p = np.random.default_rng(seed).uniform(1e-4, 3e-3, 9)
        truth_ = float(probabilities(s, p)[0])
        if 1e-12 < truth_ < 1e-4 and len(collapsed(s, p)[0].kind) > 1:
            return s, p, truth_
        seed += 1000


@pytest.mark.statistical
@pytest.mark.parametrize(("tree", "coherent"), [(0, True), (1, True), (2, False), (3, False)])
def test_intervals_cover_and_weights_are_unbiased(tree, coherent):
    """300 runs: nominal 99 % and 95 % coverage by binomial tails at 1e-6; mean |z| <= 4.9."""
    s, p, expected = unlikely(tree, coherent)
    check_coverage(*collapsed(s, p, modules=tree % 2 == 0), expected, runs=300, replicas=3000)


def check_coverage(s: Structure, p: np.ndarray, expected: float, runs: int, replicas: int):
    """Short runs of one sampler: as many stretches of its replicas."""
    sampler = Covered(s, p, 9, cover(s, p, int(s.roots[0])))
    firsts = [k * BLOCK for k in range(runs)]
    found = [sampler.results(sampler.count(k, k + replicas), replicas)[0] for k in firsts]
    for confidence in (0.95, 0.99):
        ends = [counts.interval(confidence) for counts in found]
        inside = sum(low <= expected <= high for low, high in ends)
        assert stats.binom.cdf(inside, runs, confidence) > 1e-6, inside
    best = np.array([counts.mean for counts in found])
    spread = best.std(ddof=1) / math.sqrt(runs)
    assert abs(best.mean() - expected) <= LIMIT * spread + 1e-12 * expected


@pytest.mark.statistical
def test_a_poor_cover_is_still_unbiased():
    """Likely events and a negated one; 200 runs as above."""
    s = one_gate(Kind.VOTE, [2, 4, 6, 9], 4, need=2)
    p = np.array([0.01, 0.02, 0.3, 0.999])
    s, q = collapsed(s, p, modules=False)
    expected = float(probabilities(s, q)[0])
    check_coverage(s, q, expected, runs=200, replicas=4000)


def test_crude_intervals_are_exact():
    """Clopper and Pearson's ends by their definition: a tail of 0.5 % each."""
    low, high = Counts(1000, np.array([7]), np.ones(1)).interval(0.99)
    assert stats.binom.sf(6, 1000, low) == pytest.approx(0.005)
    assert stats.binom.cdf(7, 1000, high) == pytest.approx(0.005)
    none = Counts(1000, np.array([0]), np.ones(1))
    assert none.interval(0.95)[1] == pytest.approx(1 - 0.05 ** (1 / 1000))
    assert none.estimate().status == "no_hits"


def test_few_weighted_hits_have_a_poisson_interval():
    """With equal weights Fay and Feuer's ends are those of a Poisson count."""
    low, high = Counts(10**6, np.array([5, 0]), np.array([1.0, 0.5]), 1e-3).interval(0.95)
    assert low == pytest.approx(float(special.gammaincinv(5, 0.025)) * 1e-9)
    assert high == pytest.approx(float(special.gammainccinv(6, 0.025)) * 1e-9)


@pytest.mark.parametrize("value", [1.0, 0.5])
def test_no_interval_is_a_point(value):
    """A thousand equal replicas do not prove the thousand and first."""
    low, high = Counts(1000, np.array([1000, 0]), np.array([value, 1.0]), 1e-9).interval()
    assert low < value * 1e-9 * (1 - 1e-3)
    assert (high > value * 1e-9 * (1 + 1e-3)) == (value < 1)


@pytest.mark.statistical
@pytest.mark.parametrize("share", [1e-4, 0.02, 0.5, 0.98])
def test_weighted_intervals_cover(share):
    """Worths of 1, 1/2 and 1/7 in 2,000 replicas, 2,000 times: nominal 99 %, binomial tail at 1e-6."""
    rng = np.random.default_rng(0)
    value = np.array([1.0, 0.5, 1 / 7])
    prob = share * np.array([0.2, 0.3, 0.5])
    draws = rng.multinomial(2000, [*prob, 1 - share], 2000)[:, :3]
    ends = np.array([Counts(2000, d, value).interval(0.99) for d in draws])
    mean = float(prob @ value)
    inside = int(((ends[:, 0] <= mean) & (mean <= ends[:, 1])).sum())
    assert stats.binom.cdf(inside, 2000, 0.99) > 1e-6, inside


def test_auto_says_what_it_chose():
    events = np.full(3, 1e-5)
    vote = [2, 4, 6]
    twice = dataclasses.replace(
        one_gate(Kind.VOTE, vote, 3, need=2), roots=np.array([8, 8, 2, 0], np.int32)
    )
    found = fault_states(twice, events, replicas=1 << 16, modules=False)
    assert found.method == ("rare", "rare", "exact", "exact")
    assert found[0].low <= 3e-10 - 2e-15 <= found[0].high
    assert found[3] == Estimate(0.0, 0.0, 0.0, "1", 0)
    likely = fault_states(twice, np.full(3, 0.4), replicas=1 << 16, modules=False)
    assert likely.method == ("crude", "crude", "exact", "exact")
    read_once = fault_states(one_gate(Kind.VOTE, vote, 3, need=2), events)
    assert read_once.method == ("exact",)
    assert read_once[0].best == pytest.approx(3e-10 - 2e-15, rel=1e-12)


def test_a_run_is_a_function_of_its_seed():
    s = random_structure(8, events=8, gates=12, roots=2)
    p = np.full(8, 0.2)
    a, b = (fault_states(s, p, seed=3, replicas=200_000, modules=False) for _ in range(2))
    other = fault_states(s, p, seed=4, replicas=200_000, modules=False)
    hits = lambda found: [c.hits.tolist() for c in found.counts]
    assert hits(a) == hits(b) != hits(other)


def test_progress_is_told_and_precision_is_reported():
    s = one_gate(Kind.AND, [2, 4], 2)
    told = []
    found = fault_states(
        s,
        np.array([1e-4, 1e-4]),
        estimator="crude",
        modules=False,
        stop=Replicas(1 << 19),
        progress=lambda here, fraction: told.append((here.replicas, fraction)),
    )
    assert told[-1] == (1 << 19, 1.0)
    assert found[0].status == "no_hits"
    assert 1e-8 < found[0].high < 1e-5


def test_bad_arguments_are_all_named():
    s = one_gate(Kind.AND, [2, 4], 2)
    with pytest.raises(ValueError, match=r"(?s)probability\[1\].*estimator") as caught:
        fault_states(s, np.array([0.1, np.nan]), estimator="magic", replicas=0)
    assert "replicas must be" in str(caught.value)
    not_both = dataclasses.replace(s, roots=np.array([7], np.int32))
    with pytest.raises(ValueError, match="no cover"):
        fault_states(not_both, np.array([1e-3, 1e-3]), estimator="rare", modules=False)


needs_models = pytest.mark.skipif(
    not REFERENCE.is_dir(), reason="the reference models are not beside the repository"
)


def aralia(name: str) -> tuple[Structure, np.ndarray, float]:
    from fdmc.spec.fault_tree import read  # noqa: PLC0415

    tree = read(REFERENCE / f"models/aralia/{name}.xml")
    s = structure(tree, tree.tops)
    probability = [tree.basic_events[e].probability for e in s.events]
    with (REFERENCE / "reference_values.csv").open() as file:
        rows = [r for r in csv.DictReader(file) if r["model"] == name]
    value = next(float(r["value"]) for r in rows if r["quantity"].startswith("P(top)"))
    return s, np.array(probability, float), value


@needs_models
@pytest.mark.statistical
@pytest.mark.parametrize(
    ("name", "method"),
    [
        ("das9204", "rare"),
        ("das9209", "rare"),
        pytest.param("isp9605", "rare", marks=pytest.mark.verification),
        ("chinese", "crude"),
        ("das9601", "crude"),
        ("jbd9601", "crude"),
    ],
)
def test_aralia(name, method):
    """Within 2 % of the exact value at 95 %; the interval of one false alarm in a million covers."""
    s, p, expected = aralia(name)
    found = fault_states(s, p, seed=1)
    assert found.method == (method,)
    assert found.status == "ok"
    low, high = found.interval(0, SURE)
    assert low <= expected <= high


@needs_models
@pytest.mark.statistical
def test_nus9601():
    """No exact value is known: 9.796e-6 +- 1.7e-7 by crude sampling elsewhere."""
    s, p, elsewhere = aralia("nus9601")
    found = fault_states(s, p, seed=1)
    assert found[0].width < 0.02 * found[0].best
    assert abs(found[0].best - elsewhere) < LIMIT * 1.7e-7
