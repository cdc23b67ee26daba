"""What a minimisation refuses."""

import math

from ...plan import GradientError
from .._problem import require_none
from ._base import AbstractEstimator
from ._exact import ExactAutodiff
from ._problem import CapacityProblem, Kind


def require_limits(
    problem: CapacityProblem, bounds, prices, budget, at_most, projected: bool
) -> None:
    """Raise what is wrong with bounds, prices and limits, all at once."""
    known, found = problem.variables, []
    if not bounds:
        found.append("there are no bounds, and nothing to move")
    found += [
        f"bounds: no variable {n!r}; there are {', '.join(known)}" for n in bounds if n not in known
    ]
    found += [f"prices: {n!r} has no bounds" for n in prices if n not in bounds]
    for name, (low, high) in bounds.items():
        if not -math.inf < low < high < math.inf:
            found.append(f"bounds of {name!r} must increase, but are {low} and {high}")
        elif name in known and not low <= known[name][2] <= high:
            found.append(
                f"bounds of {name!r} must hold its value {known[name][2]}: {low} and {high} do not"
            )
        elif name in known and known[name][0] not in (Kind.COUNT,) and low <= 0:
            found.append(f"bounds of {name!r} must be positive, but begin at {low}")
        elif name.endswith(".count") and name in known:
            need = bounds.get(
                name.replace(".count", ".need"), (0, problem.groups[known[name][1]].need)
            )[1]
            if low < need:
                found.append(f"bounds of {name!r} begin at {low}, below the need of {need}")
        elif name.endswith(".need") and name in known and name[:-4] + "count" not in bounds:
            if high > (count := problem.groups[known[name][1]].count):
                found.append(f"bounds of {name!r} end at {high}, above the count of {count}")
    if budget is not None and at_most is not None:
        found.append("give a budget or at_most, not both")
    if (budget is not None or at_most is not None) and not prices:
        found.append("prices: none are given, and a limit without them has no effect")
    if projected and at_most is not None:
        found.append("limit: Projection keeps budgets only; AugmentedLagrangian keeps at_most")
    if at_most is not None and not at_most > 0:
        found.append(f"at_most must be positive, but is {at_most}")
    if budget is not None and not found:
        least = sum(min(float(prices.get(n, 0)) * float(v) for v in b) for n, b in bounds.items())
        if least > budget:
            found.append(f"budget: the cheapest design costs {least:g}, more than {budget}")
    require_none("minimisation", found)


def require_derivative(problem: CapacityProblem, estimator: AbstractEstimator, name: str) -> None:
    """Raise where an estimator gives no derivative that real numbers can follow."""
    kind, group, _ = problem.variables[name]
    if estimator.sees(problem, kind, group) != "derivative":
        raise GradientError(
            f"{type(estimator).__name__} sees the difference of one element of {name}, and no optimiser of real "
            "numbers follows that; ExactAutodiff has the derivative of a relaxation."
        )
    if kind in (Kind.COUNT, Kind.NEED) and not isinstance(estimator, ExactAutodiff):
        raise GradientError(
            f"{type(estimator).__name__} draws elements, and {name} is no whole number on its way; ExactAutodiff "
            "follows it."
        )
