"""Integer allocation against plain enumeration of every design."""

import dataclasses
import itertools

import numpy as np
import pytest

import fdmc.sizing as sizing
from fdmc.sizing import (
    LeastUse,
    MultiStatePart,
    NoDesignError,
    Part,
    Problem,
    Resource,
    SizingError,
    Subsystem,
    allocate,
    gauss_hermite,
    multi_state,
    parallel,
    spares,
)


RTOL = 1e-12


def random_problem(rng, environments=1, resources=2, subsystems=4, integer=True):
    """Small subsystems with options that trade reliability for uses, and limits that bind."""
    names = [f"resource {m}" for m in range(resources)]
    weights = rng.dirichlet(np.ones(environments)) if environments > 1 else np.ones(1)
    # Harsh environments are harsh for all: with independent ones a wrong exponent goes unseen.
    common = rng.normal(0, 1.5, (1, environments)) if environments > 1 else 0.0
    made = []
    for i in range(subsystems):
        options = int(rng.integers(2, 6))
        failed = 10 ** rng.uniform(-4, -0.3, (options, 1)) * np.exp(
            common + rng.normal(0, 0.3, (1, environments))
        )
        draw = (
            rng.integers(0, 8, (options, resources))
            if integer
            else rng.random((options, resources))
        )
        uses = {name: draw[:, m].astype(float) for m, name in enumerate(names)}
        counts = np.arange(options)[:, None]
        made.append(Subsystem(f"s{i}", counts, np.log1p(-np.minimum(failed, 0.99)), uses))
    # What a random design uses, and a little more: something always fits.
    pick = [int(rng.integers(len(s.counts))) for s in made]
    limits = [1.1 * sum(s.uses[n][c] for s, c in zip(made, pick, strict=True)) for n in names]
    return Problem(made, [Resource(n, b) for n, b in zip(names, limits, strict=True)], weights)


def every_design(problem):
    """Loss (-log R), uses and choice of all designs within the limits, by plain loops."""
    found = []
    for choice in itertools.product(*(range(len(s.counts)) for s in problem.subsystems)):
        uses = {
            r.name: sum(s.uses[r.name][c] for s, c in zip(problem.subsystems, choice, strict=True))
            for r in problem.resources
        }
        if any(uses[r.name] > r.limit * (1 + 1e-9) for r in problem.resources):
            continue
        log_r = sum(s.log_reliability[c] for s, c in zip(problem.subsystems, choice, strict=True))
        unreliability = float(-np.expm1(log_r) @ np.asarray(problem.weights))
        found.append((-np.log1p(-unreliability), uses, choice))
    return found


@pytest.mark.parametrize("environments", [1, 5])
@pytest.mark.parametrize("seed", range(40))
def test_most_reliability_is_that_of_enumeration(seed, environments):
    rng = np.random.default_rng(seed)
    problem = random_problem(rng, environments, resources=1 + seed % 3, integer=seed % 2 == 0)
    expected = sorted(loss for loss, _, _ in every_design(problem))
    answer = allocate(problem, next_best=4)
    got = [-one.log_reliability for one in (answer.design, *answer.next_best)]
    np.testing.assert_allclose(got, expected[:5], rtol=RTOL)
    assert answer.proved
    assert answer.next_best_proved
    assert answer.gap == 0
    assert answer.relaxation >= answer.objective * (1 - RTOL)
    designs = [tuple(one.counts.values()) for one in (answer.design, *answer.next_best)]
    assert len(set(designs)) == len(designs)


@pytest.mark.parametrize("environments", [1, 5])
@pytest.mark.parametrize("seed", range(40))
def test_least_use_is_that_of_enumeration(seed, environments):
    rng = np.random.default_rng(100 + seed)
    problem = random_problem(rng, environments, integer=False)
    designs = every_design(problem)
    share = (0.3, 0.02)[seed % 2]  # with few designs in reach the cut-off becomes infinite
    target = float(np.exp(-np.quantile([loss for loss, _, _ in designs], share)))
    name = problem.resources[0].name
    expected = sorted(u[name] for loss, u, _ in designs if loss <= -np.log(target) * (1 + 1e-12))
    answer = allocate(problem, goal=LeastUse(name, target), next_best=3)
    got = [one.uses[name] for one in (answer.design, *answer.next_best)]
    np.testing.assert_allclose(got, expected[:4], rtol=RTOL)
    assert answer.proved
    designs_found = (answer.design, *answer.next_best)
    assert all(one.reliability >= target * (1 - RTOL) for one in designs_found)
    assert answer.relaxation <= answer.objective * (1 + RTOL)
    assert answer.prices["reliability"] >= 0
    assert all(price <= 0 for key, price in answer.prices.items() if key != "reliability")


def attempt(problem, width):
    """The answer of a narrow search; none when it found no design."""
    try:
        return allocate(problem, next_best=0, width=width)
    except NoDesignError:
        return None


@pytest.mark.parametrize("environments", [1, 4])
@pytest.mark.parametrize("seed", range(10))
def test_without_room_for_labels_there_is_a_bound_instead_of_a_proof(seed, environments):
    rng = np.random.default_rng(200 + seed)
    problem = random_problem(rng, environments, subsystems=6)
    best = min(loss for loss, _, _ in every_design(problem))
    for width in (1, 2, 5):
        answer = attempt(problem, width)
        if answer is None:
            continue
        assert answer.bound >= np.exp(-best) * (1 - RTOL)
        assert answer.objective <= np.exp(-best) * (1 + RTOL)
        if answer.proved:  # true only when true
            np.testing.assert_allclose(-answer.design.log_reliability, best, rtol=RTOL)
        else:
            assert answer.bound > answer.objective
            assert answer.gap == answer.bound - answer.objective


def test_a_narrow_search_is_not_proved():
    rng = np.random.default_rng(3)
    answers = [attempt(random_problem(rng, subsystems=8), 2) for _ in range(12)]
    assert any(answer is not None and not answer.proved for answer in answers)


def test_prices_are_slopes_of_the_relaxation():
    """The relaxed optimum is concave in a limit: the price lies between its two difference quotients."""
    rng = np.random.default_rng(5)
    problem = random_problem(rng, resources=2, subsystems=6, integer=False)
    base = allocate(problem)
    assert max(base.prices.values()) > 0
    assert min(base.prices.values()) >= 0
    for m, resource in enumerate(problem.resources):
        relaxed = []
        for step in (-1e-4, 1e-4):
            changed = list(problem.resources)
            changed[m] = dataclasses.replace(resource, limit=resource.limit + step)
            answer = allocate(dataclasses.replace(problem, resources=changed))
            relaxed.append(np.log(answer.relaxation / base.relaxation) / step)
        # From log R of the relaxation to the objective's unit.
        less, more = (slope * base.objective for slope in relaxed)
        price = base.prices[resource.name]
        assert more - 1e-6 <= price <= less + 1e-6


def test_resources_without_a_limit_are_counted_at_no_price():
    lanes = parallel("lanes", [Part("lane", 0.9, {"cost": 2, "power": 3})], most=4)
    answer = allocate(Problem([lanes], [Resource("cost", 7), Resource("power")]))
    assert answer.design.counts == {"lanes": (3,)}
    assert answer.design.uses == {"cost": 6, "power": 9}
    assert answer.prices["power"] == 0
    free = allocate(Problem([lanes], [Resource("cost"), Resource("power")]))
    assert free.design.counts == {"lanes": (4,)}
    assert free.proved


def test_high_reliability_keeps_its_digits():
    parts = [Part("a", 1 - 1e-6, {"cost": 1})]
    answer = allocate(
        Problem([parallel("x", parts, most=4), parallel("y", parts, most=4)], [Resource("cost", 7)])
    )
    np.testing.assert_allclose(answer.design.unreliability, 1e-18 + 1e-24, rtol=1e-9)
    assert sorted(answer.design.counts.values()) == [(3,), (4,)]


def test_mixing_of_fyffe_hines_and_lee():
    """Two subsystems of RAP-33 against enumeration of every mix."""
    table = [
        [(0.90, 1, 3), (0.93, 1, 4), (0.91, 2, 2), (0.95, 2, 5)],
        [(0.97, 2, 8), (0.99, 3, 9), (0.96, 4, 7), (0.91, 3, 8)],
    ]
    subsystems = [
        parallel(
            str(i), [Part(str(j), r, {"C": c, "W": w}) for j, (r, c, w) in enumerate(row)], most=4
        )
        for i, row in enumerate(table)
    ]
    assert [len(s.counts) for s in subsystems] == [69, 69]
    problem = Problem(subsystems, [Resource("C", 8), Resource("W", 26)])
    expected = sorted(loss for loss, _, _ in every_design(problem))
    answer = allocate(problem, next_best=9)
    got = [-one.log_reliability for one in (answer.design, *answer.next_best)]
    np.testing.assert_allclose(got, expected[:10], rtol=1e-11)
    assert answer.proved


def test_groups_that_need_several_of_mixed_types():
    voted = parallel("v", [Part("a", 0.9, {}), Part("b", 0.7, {})], most=3, need=2)
    rows = {
        tuple(c): float(np.exp(r[0]))
        for c, r in zip(voted.counts, voted.log_reliability, strict=True)
    }
    assert rows[2, 0] == pytest.approx(0.81)
    assert rows[1, 1] == pytest.approx(0.63)
    assert rows[2, 1] == pytest.approx(0.81 * 0.3 + 0.81 * 0.7 + 2 * 0.09 * 0.7)


def test_one_type_each_is_fewer_options():
    parts = [Part("a", 0.9, {}), Part("b", 0.8, {})]
    assert parallel("x", parts, most=2, mixing=False).counts.tolist() == [
        [1, 0],
        [2, 0],
        [0, 1],
        [0, 2],
    ]


def test_spares_of_groups():
    one = spares("lanes", need=2, failure_prob=0.1, most=2, groups=3, uses={"cost": 2.0})
    works = [0.9**2, 0.9**3 + 3 * 0.9**2 * 0.1]
    np.testing.assert_allclose(np.exp(one.log_reliability[:2, 0]), np.power(works, 3))
    assert one.uses["cost"].tolist() == [0, 6, 12]


def test_multi_state_units_against_levels_of_demand():
    parts = [
        MultiStatePart("big", [0, 60, 100], [0.1, 0.2, 0.7], {"cost": 5}),
        MultiStatePart("small", [0, 40], [0.05, 0.95], {"cost": 2}),
    ]
    demands, shares = [40.0, 100.0], [0.4, 0.6]
    system = [multi_state(name, parts, demands=demands, most=3) for name in ("pump", "pipe")]
    mixed = [one.counts.tolist().index([1, 1]) for one in system][0]
    states = itertools.product(*(zip(p.capacity, p.prob, strict=True) for p in parts))
    sums = [(a + b, p * q) for (a, p), (b, q) in states]
    meets = [sum(p for total, p in sums if total >= demand) for demand in demands]
    np.testing.assert_allclose(np.exp(system[0].log_reliability[mixed]), meets)
    problem = Problem(system, [Resource("cost", 18)], shares)
    designs = every_design(problem)
    answer = allocate(problem)
    np.testing.assert_allclose(
        -answer.design.log_reliability, min(d[0] for d in designs), rtol=RTOL
    )
    assert answer.proved
    target = answer.objective * 0.98
    cheapest = allocate(problem, goal=LeastUse("cost", target))
    assert cheapest.objective == min(u["cost"] for loss, u, _ in designs if np.exp(-loss) >= target)


def test_a_shared_environment_changes_the_choice():
    """Optical spares under a common temperature: proved, and worse than independence promises."""
    site = gauss_hermite(5)
    loud = -np.expm1(-0.02 * np.exp(1.0 * site.nodes[:, 0]))
    groups = [
        spares(name, need=4, failure_prob=loud, most=3, groups=8, uses={"cost": cost})
        for name, cost in (("laser", 1.0), ("lane", 0.5), ("pump", 2.0))
    ]
    problem = Problem(groups, [Resource("cost", 40)], site.weights)
    answer = allocate(problem)
    best = min(loss for loss, _, _ in every_design(problem))
    np.testing.assert_allclose(-answer.design.log_reliability, best, rtol=RTOL)
    assert answer.proved


def test_what_never_fits_says_so():
    part = Part("a", 0.9, {"cost": 3})
    with pytest.raises(NoDesignError, match="cost: the least is 6, the limit 5"):
        allocate(
            Problem(
                [parallel("x", [part], most=2), parallel("y", [part], most=2)],
                [Resource("cost", 5)],
            )
        )
    with pytest.raises(NoDesignError, match="No option of x ever works"):
        allocate(Problem([parallel("x", [Part("a", 0.0, {})], most=2)], []))
    with pytest.raises(NoDesignError, match="loss of reliability"):
        allocate(
            Problem([parallel("x", [part], most=2)], [Resource("cost")]),
            goal=LeastUse("cost", 0.999),
        )


def test_everything_wrong_is_said_at_once():
    bad = Subsystem(
        "x", np.zeros((2, 1), int), np.array([[0.1], [-1.0]]), {"cots": np.array([1.0, -1.0])}
    )
    with pytest.raises(SizingError) as caught:
        Problem([bad, bad], [Resource("cost", -1.0), Resource("cost")], [0.5, 0.6])
    text = str(caught.value)
    for part in (
        "resource 'cost' is there twice",
        "limit must be zero or more",
        "subsystem 'x' is there twice",
        "weights must be positive and sum to 1",
        "log_reliability must be at most 0",
        "uses of 'cots' must be finite and zero or more",
        "one column for each of the 2 weights",
        "'cots', which is no resource",
    ):
        assert part in text
    assert len(caught.value.problems) >= 8


@pytest.mark.parametrize(
    ("build", "says"),
    [
        (
            lambda: parallel("x", [Part("a", 1.2, {"c": -1})], most=0),
            "reliability must be from 0 to 1",
        ),
        (lambda: parallel("x", [Part("a", 1.2, {"c": -1})], most=0), "finite and zero or more"),
        (lambda: parallel("x", [], most=2), "no parts"),
        (lambda: spares("x", need=0, failure_prob=2.0, most=1, uses={}), "failure_prob"),
        (lambda: spares("x", need=0, failure_prob=0.5, most=1, uses={}), "must be positive"),
        (
            lambda: multi_state("x", [MultiStatePart("a", [1], [0.5], {})], demands=[1], most=1),
            "sum to 1",
        ),
        (lambda: gauss_hermite(0), "order must be positive"),
        (lambda: sizing.gauss_laguerre(3, shape=-1.0), "shape must be positive"),
    ],
)
def test_parts_are_checked(build, says):
    with pytest.raises(SizingError, match=says):
        build()


def test_goals_are_checked():
    problem = Problem([parallel("x", [Part("a", 0.9, {"cost": 1})], most=2)], [Resource("cost", 2)])
    with pytest.raises(
        SizingError, match="'price' is no resource(.|\n)*reliability must be above 0"
    ):
        allocate(problem, goal=LeastUse("price", 1.0))
    with pytest.raises(SizingError, match="next_best(.|\n)*width"):
        allocate(problem, next_best=-1, width=0)
