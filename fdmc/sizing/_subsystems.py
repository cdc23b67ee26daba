"""Options of a subsystem from its parts: mixed parallel types, spares in groups, multi-state units."""

import dataclasses
import functools
import itertools
from collections.abc import Mapping, Sequence

import numpy as np
import scipy.special
from jaxtyping import Float, Int, Real

from ._problem import Amount, Subsystem, repeated, require_none


@dataclasses.dataclass(frozen=True)
class Part:
    """A type of component that may be built in any number.

    - `name`: of the type.
    - `reliability`: probability that one works at the end of the mission.
    - `uses`: what one of it uses, by resource.
    """

    name: str
    reliability: Amount
    uses: Mapping[str, Amount]

    def problems(self) -> list[str]:
        """What is wrong with it, in words."""
        found = _use_problems(self.uses)
        if not 0 <= self.reliability <= 1:
            found.append(f"reliability must be from 0 to 1, but is {self.reliability}")
        return [f"part {self.name!r}: {problem}" for problem in found]


@dataclasses.dataclass(frozen=True)
class MultiStatePart:
    """A type of component with levels of performance between whole and broken.

    - `name`: of the type.
    - `capacity`: what it delivers in each of its states, in the unit of the demand.
    - `prob`: probability of each state; they sum to 1.
    - `uses`: what one of it uses, by resource.
    """

    name: str
    capacity: Sequence[Amount]
    prob: Sequence[Amount]
    uses: Mapping[str, Amount]

    def problems(self) -> list[str]:
        """What is wrong with it, in words."""
        found = _use_problems(self.uses)
        prob = np.asarray(self.prob, float)
        if not len(prob) or len(prob) != len(self.capacity):
            found.append(f"has {len(self.capacity)} capacities, but {len(prob)} probabilities")
        if not np.all(prob >= 0) or abs(prob.sum() - 1) > 1e-9:
            found.append("probabilities of its states must be zero or more and sum to 1")
        if not np.all(np.isfinite(np.asarray(self.capacity, float))):
            found.append("capacities must be finite")
        return [f"part {self.name!r}: {problem}" for problem in found]


def parallel(
    name: str,
    parts: Sequence[Part],
    *,
    most: int,
    least: int = 1,
    need: int = 1,
    mixing: bool = True,
) -> Subsystem:
    """Options of a subsystem that works while `need` of its active, independent components do.

    **Arguments:**

    - `parts`: types to choose from.
    - `least`, `most`: bounds on the number of components in all.
    - `need`: how many must work, of whatever type; 1 is a parallel system.
    - `mixing`: types may stand beside each other; else all components are of one type.

    **Returns:** every multiset of `least` to `most` components, and its reliability
    $1 - \\prod_j (1 - r_j)^{x_j}$, or for more than one needed, the Poisson-binomial tail (Coit
    and Smith, "Reliability optimization of series-parallel systems", 1996).

    **Raises:** `SizingError` with everything that is wrong.

    !!! example

        ```python
        from fdmc.sizing import Part, parallel

        laser = parallel("laser", [Part("a", 0.9, {"cost": 2}), Part("b", 0.8, {"cost": 1})], most=2)
        assert laser.counts.tolist() == [[1, 0], [0, 1], [2, 0], [1, 1], [0, 2]]
        ```
    """
    _check(name, parts, least, most, need)
    if mixing:
        counts = _multisets(len(parts), max(least, need), most)
    else:
        one_type = np.arange(max(least, need), most + 1)
        counts = np.concatenate([np.outer(one_type, row) for row in np.eye(len(parts), dtype=int)])
    reliability = np.array([part.reliability for part in parts], float)
    with np.errstate(divide="ignore", invalid="ignore"):
        if need == 1:
            log_q = np.log1p(-reliability)
            # 0 x -inf: no component of a perfect type is no redundancy.
            failed = np.sum(np.where(counts > 0, counts * log_q, 0.0), axis=1)
            log_reliability = np.log1p(-np.exp(failed))
        else:
            log_reliability = np.array([_voted(row, reliability, need) for row in counts])
    return _subsystem(name, parts, counts, log_reliability[:, None])


def spares(
    name: str,
    *,
    need: int,
    failure_prob: Amount | Float[np.ndarray, " environments"],
    most: int,
    groups: int = 1,
    uses: Mapping[str, Amount],
) -> Subsystem:
    """Options of equal groups that share nothing: `need` units each, and 0 to `most` spares.

    **Arguments:**

    - `need`: units that must work in each group.
    - `failure_prob`: probability that a unit has failed by the end; one for each environment.
    - `most`: most spares in a group; all groups get the same number.
    - `groups`: number of groups; all must work.
    - `uses`: what one spare in one group uses, by resource; what is needed anyway is not counted.

    **Returns:** an option for each number of spares $s$, with reliability
    $(1 - I_p(s + 1, k))^m$: spares are active, a group of $k + s$ fails with the $(s+1)$-th unit.

    **Raises:** `SizingError` with everything that is wrong.

    !!! example

        ```python
        from fdmc.sizing import spares

        lanes = spares("lanes", need=32, failure_prob=1e-3, most=2, groups=512, uses={"cost": 0.3})
        assert lanes.uses["cost"].tolist() == [0.0, 512 * 0.3, 1024 * 0.3]
        ```
    """
    p = np.atleast_1d(np.asarray(failure_prob, float))
    found = _use_problems(uses)
    if not np.all((p >= 0) & (p <= 1)):
        found.append("failure_prob must be from 0 to 1")
    if need < 1 or groups < 1 or most < 0:
        found.append(
            f"need ({need}) and groups ({groups}) must be positive, most ({most}) not negative"
        )
    require_none(f"subsystem {name!r}", found)
    count = np.arange(most + 1)
    failed = scipy.special.betainc(count[:, None] + 1.0, float(need), p)
    with np.errstate(divide="ignore"):
        log_reliability = groups * np.log1p(-failed)
    used = {resource: use * groups * count for resource, use in uses.items()}
    return Subsystem(name, count[:, None], log_reliability, used, ("spare",))


def multi_state(
    name: str,
    parts: Sequence[MultiStatePart],
    *,
    demands: Sequence[Amount],
    most: int,
    least: int = 1,
) -> Subsystem:
    """Options of a subsystem whose capacities add up, against levels of demand.

    **Arguments:**

    - `parts`: types to choose from.
    - `demands`: levels of demand, in the unit of the capacities; the environments of `Problem`,
        whose weights are the shares of time of the levels.
    - `least`, `most`: bounds on the number of components in all.

    **Returns:** every multiset of `least` to `most` components, and for each level the probability
    that their capacities sum to it at least (universal generating function; Ushakov 1986, Levitin
    and Lisnianski 1998).

    **Raises:** `SizingError` with everything that is wrong.

    !!! example

        ```python
        import numpy as np
        from fdmc.sizing import MultiStatePart, multi_state

        pump = MultiStatePart("pump", [0, 50, 100], [0.1, 0.2, 0.7], {"cost": 1})
        cooling = multi_state("cooling", [pump], demands=[50, 100], most=1)
        assert np.allclose(np.exp(cooling.log_reliability), [[0.9, 0.7]])
        ```
    """
    _check(name, parts, least, most, 1)
    counts = _multisets(len(parts), least, most)
    levels = np.asarray(demands, float)
    with np.errstate(divide="ignore"):
        rows = np.log([_meets(tuple(row), tuple(parts), levels) for row in counts.tolist()])
    return _subsystem(name, parts, counts, np.minimum(rows, 0.0))


def _check(
    name: str, parts: Sequence[Part | MultiStatePart], least: int, most: int, need: int
) -> None:
    found = [problem for part in parts for problem in part.problems()]
    found += repeated("part", [part.name for part in parts])
    if not parts:
        found.append("there are no parts")
    if need < 1 or least < 0 or most < max(least, need):
        found.append(
            f"need ({need}) must be positive, least ({least}) not negative, "
            f"and most ({most}) at least both"
        )
    require_none(f"subsystem {name!r}", found)


def _use_problems(uses: Mapping[str, Amount]) -> list[str]:
    return [
        f"uses of {resource!r} must be finite and zero or more, but are {use}"
        for resource, use in uses.items()
        if not 0 <= use < np.inf
    ]


def _subsystem(
    name: str,
    parts: Sequence[Part | MultiStatePart],
    counts: Int[np.ndarray, "options parts"],
    log_reliability: Float[np.ndarray, "options environments"],
) -> Subsystem:
    resources = dict.fromkeys(resource for part in parts for resource in part.uses)
    uses = {
        resource: counts @ np.array([part.uses.get(resource, 0.0) for part in parts], float)
        for resource in resources
    }
    return Subsystem(name, counts, log_reliability, uses, tuple(part.name for part in parts))


@functools.lru_cache(maxsize=256)
def _multisets(parts: int, least: int, most: int) -> Int[np.ndarray, "options parts"]:
    """Count vectors of `least` to `most` things of some types, small ones first."""
    rows = []
    for total in range(least, most + 1):
        for chosen in itertools.combinations_with_replacement(range(parts), total):
            rows.append(np.bincount(np.array(chosen, int), minlength=parts))
    return np.array(rows, int).reshape(-1, parts)


def _voted(
    counts: Int[np.ndarray, " parts"], reliability: Float[np.ndarray, " parts"], need: int
) -> Real[np.ndarray, ""] | float:
    """Logarithm of the probability that `need` of a mixed group work."""
    works = np.ones(1)
    for r in np.repeat(reliability, counts):
        works = np.append(works * (1 - r), 0.0) + np.append(0.0, works * r)
    return np.log1p(-works[:need].sum())


def _meets(
    counts: tuple[int, ...],
    parts: tuple[MultiStatePart, ...],
    demands: Float[np.ndarray, " levels"],
) -> Float[np.ndarray, " levels"]:
    """Probability that the capacities sum to each demand at least."""
    state = {0.0: 1.0}
    for part, count in zip(parts, counts, strict=True):
        for _ in range(count):
            following: dict[float, float] = {}
            for (total, prob), (more, chance) in itertools.product(
                state.items(), zip(part.capacity, part.prob, strict=True)
            ):
                key = float(total + more)
                following[key] = following.get(key, 0.0) + float(prob * chance)
            state = following
    capacity = np.array(list(state))
    prob = np.array(list(state.values()))
    # 0.1 + 0.2 meets a demand of 0.3.
    enough = capacity >= demands[:, None] - 1e-9 * np.abs(demands[:, None])
    return enough @ prob
