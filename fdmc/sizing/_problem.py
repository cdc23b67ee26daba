"""What is to be allocated: subsystems in series, their options, the resources that limit them, the goal."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Int


Amount = float | int | np.floating | np.integer
"""A number that a user gives."""


class SizingError(ValueError):
    """A sizing problem that cannot be used; `problems` lists everything that is wrong with it."""

    problems: tuple[str, ...]

    def __init__(self, what: str, problems: Sequence[str]):
        self.problems = tuple(problems)
        lines = "".join(f"\n  - {problem}" for problem in self.problems)
        ValueError.__init__(self, f"Invalid {what}:{lines}")


def require_none(what: str, problems: Sequence[str]) -> None:
    """Raise what is wrong, all at once."""
    if problems:
        raise SizingError(what, problems)


@dataclasses.dataclass(frozen=True)
class Resource:
    """What redundancy draws on: cost, weight, power, volume.

    - `name`: as it stands in `uses`.
    - `limit`: the most that a design may use in all, in the unit of the uses; infinite when it is
        only counted. A design may exceed it by 1e-9 of it: uses are sums of rounded numbers.
    """

    name: str
    limit: Amount = math.inf


@dataclasses.dataclass(frozen=True)
class MostReliability:
    """Find the design of the highest reliability within the limits."""


@dataclasses.dataclass(frozen=True)
class LeastUse:
    """Find the design that uses least of a resource at a stated reliability.

    - `resource`: its name; it may have a limit of its own.
    - `reliability`: the least reliability of the system, above 0 and below 1.
    """

    resource: str
    reliability: Amount


Goal = MostReliability | LeastUse


@dataclasses.dataclass(frozen=True)
class Subsystem:
    """One subsystem and the options for it: exactly one of them is built.

    - `name`: of the subsystem.
    - `counts`: how many of each part an option holds.
    - `log_reliability`: natural logarithm of the probability that the subsystem works with an
        option, given the environment; at most 0. It is a logarithm because 1 - 1e-17 is no float.
    - `uses`: for every resource named, how much of it an option uses, zero or more; a resource
        that is not named is not used.
    - `parts`: names of the columns of `counts`; numbered when left out.

    `parallel`, `spares` and `multi_state` build them from parts.
    """

    name: str
    counts: Int[np.ndarray, "options parts"]
    log_reliability: Float[np.ndarray, "options environments"]
    uses: Mapping[str, Float[np.ndarray, " options"]]
    parts: tuple[str, ...] = ()

    def problems(self) -> list[str]:
        """What is wrong with it, in words."""
        found = []
        options = len(self.counts)
        if not options:
            found.append("has no options")
        if self.parts and len(self.parts) != self.counts.shape[1]:
            found.append(f"names {len(self.parts)} parts, but counts {self.counts.shape[1]}")
        if len(self.log_reliability) != options:
            found.append(
                f"has {options} options, but {len(self.log_reliability)} rows of reliability"
            )
        if not np.all(self.log_reliability <= 0):  # NaN is not, either
            found.append("log_reliability must be at most 0 (a reliability of at most 1)")
        for name, use in self.uses.items():
            if np.shape(use) != (options,):
                found.append(
                    f"has {options} options, but uses of {name!r} of shape {np.shape(use)}"
                )
            elif not np.all((use >= 0) & np.isfinite(use)):
                found.append(f"uses of {name!r} must be finite and zero or more")
        return [f"subsystem {self.name!r}: {problem}" for problem in found]


@dataclasses.dataclass(frozen=True)
class Problem:
    """Subsystems in series that share resources and, perhaps, an environment.

    The system works when all its subsystems do. Given the environment $z$ they fail independently,
    so that $R(x) = \\sum_z w_z \\prod_i R_i(x_i, z)$. With one environment this is the classic
    redundancy allocation problem; several are the nodes of a quadrature (shared temperature,
    `gauss_hermite`), or levels of demand (multi-state systems, `multi_state`).

    **Arguments:**

    - `subsystems`: in series; their options are alternatives.
    - `resources`: with limits, shared by all.
    - `weights`: probabilities of the environments; they sum to 1.

    **Raises:** `SizingError`, a `ValueError` that lists everything that is wrong.
    """

    subsystems: Sequence[Subsystem]
    resources: Sequence[Resource]
    weights: Sequence[Amount] | Float[np.ndarray, " environments"] = (1.0,)

    def __post_init__(self):
        require_none("allocation problem", self._problems())

    def _problems(self) -> list[str]:
        found = [] if self.subsystems else ["there are no subsystems"]
        found += resource_problems(self.resources)
        found += repeated("subsystem", [one.name for one in self.subsystems])
        weights = np.asarray(self.weights, float)
        if weights.ndim != 1 or not np.all(weights > 0) or abs(weights.sum() - 1) > 1e-9:
            found.append("weights must be positive and sum to 1")
        known = {resource.name for resource in self.resources}
        for one in self.subsystems:
            found += one.problems()
            shape = np.shape(one.log_reliability)
            if len(shape) != 2 or shape[1] != weights.size:
                found.append(
                    f"subsystem {one.name!r}: log_reliability must have one column for each of the "
                    f"{weights.size} weights, but has shape {shape}"
                )
            for name in sorted(set(one.uses) - known):
                found.append(f"subsystem {one.name!r}: uses {name!r}, which is no resource")
        return found


def resource_problems(resources: Sequence[Resource]) -> list[str]:
    """What is wrong with resources."""
    found = repeated("resource", [one.name for one in resources])
    for one in resources:
        if not one.limit >= 0:
            found.append(f"resource {one.name!r}: limit must be zero or more, but is {one.limit}")
    return found


def repeated(kind: str, names: Sequence[Any]) -> list[str]:
    """Names that stand for two things."""
    twice = sorted({name for name in names if names.count(name) > 1})
    return [f"{kind} {name!r} is there twice" for name in twice]


def goal_problems(goal: Goal, resources: Sequence[Resource]) -> list[str]:
    """What is wrong with a goal."""
    if isinstance(goal, MostReliability):
        return []
    found = []
    if goal.resource not in {one.name for one in resources}:
        found.append(f"goal: {goal.resource!r} is no resource")
    if not 0 < goal.reliability < 1:
        found.append(f"goal: reliability must be above 0 and below 1, but is {goal.reliability}")
    return found
