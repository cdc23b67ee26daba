"""Numbers and reliabilities of components together: published optima, and a fine grid."""

import itertools

import jax.numpy as jnp
import numpy as np
import pytest

from fdmc.sizing import (
    LeastUse,
    NoDesignError,
    ReliabilityRedundancy,
    Resource,
    SizingError,
    Stage,
    allocate,
)


def classic(alpha, volume, weight, limits, system=None):
    """The four problems of Hikita et al. (1992) and Dhingra (1992) share these constraints."""

    def stage(i):
        return Stage(
            f"stage {i + 1}",
            {
                "volume": lambda n, r: jnp.asarray(volume[i] * n**2),
                "cost": lambda n, r: alpha[i] * (-1000 / jnp.log(r)) ** 1.5 * (n + jnp.exp(n / 4)),
                "weight": lambda n, r: weight[i] * n * jnp.exp(n / 4),
            },
        )

    resources = [Resource(*one) for one in zip(("volume", "cost", "weight"), limits, strict=True)]
    return ReliabilityRedundancy([stage(i) for i in range(len(alpha))], resources, system)


SERIES = ([2.33e-5, 1.45e-5, 5.41e-6, 8.05e-5, 1.95e-5], [1, 2, 3, 4, 2], [7, 8, 8, 6, 9])
SERIES_PARALLEL = (
    [2.5e-5, 1.45e-5, 5.41e-6, 5.41e-6, 2.1e-5],
    [2, 4, 5, 8, 4],
    [3.5, 4, 4, 3.5, 4.5],
)


def series_parallel(R):
    return 1 - (1 - R[0] * R[1]) * (1 - (1 - (1 - R[2]) * (1 - R[3])) * R[4])


def bridge(R):
    """By factoring on the fifth stage."""
    both = (1 - (1 - R[0]) * (1 - R[2])) * (1 - (1 - R[1]) * (1 - R[3]))
    none = 1 - (1 - R[0] * R[1]) * (1 - R[2] * R[3])
    return R[4] * both + (1 - R[4]) * none


@pytest.mark.verification
def test_the_series_problem_is_solved_and_proved():
    answer = allocate(classic(*SERIES, (110, 175, 200)), next_best=2)
    assert list(answer.design.counts.values()) == [(3,), (2,), (2,), (3,), (3,)]
    assert answer.objective == pytest.approx(0.9316823879070918, rel=1e-12)
    assert [one.reliability for one in answer.next_best] == pytest.approx(
        [0.9297531344810795, 0.9284882315474915], rel=1e-12
    )
    assert answer.proved
    assert answer.next_best_proved
    assert answer.relaxation >= answer.objective
    assert answer.design.uses["cost"] == pytest.approx(175, rel=1e-10)
    assert answer.prices["cost"] > 0
    assert answer.prices["volume"] == answer.prices["weight"] == 0
    # The price is the slope of the optimum, while the counts stay.
    more = allocate(classic(*SERIES, (110, 175 + 1e-3, 200)), next_best=0)
    assert (more.objective - answer.objective) / 1e-3 == pytest.approx(
        answer.prices["cost"], rel=1e-4
    )


@pytest.mark.parametrize(
    ("table", "limits", "system", "counts", "best"),
    [
        (SERIES_PARALLEL, (180, 175, 100), series_parallel, [2, 2, 2, 2, 4], 0.99997664906),
        (SERIES, (110, 175, 200), bridge, [3, 3, 2, 4, 1], 0.99988963755),
    ],
)
def test_other_structures_are_solved_but_not_proved(table, limits, system, counts, best):
    answer = allocate(classic(*table, limits, system), next_best=0)
    assert [n for (n,) in answer.design.counts.values()] == counts
    assert answer.objective == pytest.approx(best, abs=1e-11)  # as published
    assert not answer.proved
    assert answer.bound > answer.objective


def small(bend):
    """Two stages with a use of `bend` in the reliability: convex above 1, not so below."""

    def use(n, r):
        return n * (0.2 + r) ** bend

    stages = [Stage(name, {"cost": use}, most=3, lowest=0.3, highest=0.95) for name in "ab"]
    return ReliabilityRedundancy(stages, [Resource("cost", 3.0)])


@pytest.mark.parametrize("bend", [3.0, 0.5])
def test_against_a_grid(bend):
    answer = allocate(small(bend), next_best=0)
    grid = np.linspace(0.3, 0.95, 801)
    best = 0.0
    for n in itertools.product(range(1, 4), repeat=2):
        cost = n[0] * (0.2 + grid[:, None]) ** bend + n[1] * (0.2 + grid) ** bend
        R = (1 - (1 - grid[:, None]) ** n[0]) * (1 - (1 - grid) ** n[1])
        best = max(best, float(np.max(np.where(cost <= 3.0, R, 0.0))))
    assert answer.bound >= best
    if bend > 1:
        assert answer.proved
        assert best <= answer.objective <= best + 2e-3
    else:
        assert not answer.proved  # the dual needs uses that are convex


def test_wrong_problems_say_everything():
    bad = Stage("a", {"cots": lambda n, r: n * r}, least=3, most=2, lowest=0.9, highest=0.5)
    with pytest.raises(SizingError) as caught:
        ReliabilityRedundancy([bad, bad], [Resource("cost", -1)])
    for part in (
        "'cots', which is no resource",
        "least <= most",
        "lowest < highest",
        "'a' is there twice",
        "limit must be zero or more",
    ):
        assert part in str(caught.value)
    with pytest.raises(SizingError, match="increases(.|\n)*system must go from 0 to 1"):
        ReliabilityRedundancy(
            [Stage("a", {"cost": lambda n, r: -n * r})], [Resource("cost", 9)], lambda R: 0.5
        )


def test_what_does_not_fit_or_cannot_be_asked():
    with pytest.raises(NoDesignError, match="even with the least reliable"):
        allocate(classic(*SERIES, (1, 175, 200)))
    with pytest.raises(SizingError, match="MostReliability"):
        allocate(classic(*SERIES, (110, 175, 200)), goal=LeastUse("cost", 0.9))
