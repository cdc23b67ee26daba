"""`allocate`: one verb for redundancy allocation problems of every kind."""

from ._answer import Allocation
from ._continuous import allocate_stages
from ._options import allocate_options
from ._problem import Goal, MostReliability, Problem, require_none
from ._stages import ReliabilityRedundancy


def allocate(
    problem: Problem | ReliabilityRedundancy,
    *,
    goal: Goal = MostReliability(),
    next_best: int = 3,
    width: int = 100_000,
) -> Allocation:
    """Find the best redundancy within limits, with a proof that it is the best.

    **Arguments:**

    - `problem`: a `Problem` (one option for each subsystem: component mixes, spares, multi-state
        units, with or without a shared environment), or a `ReliabilityRedundancy` (numbers of
        components and their reliabilities).
    - `goal`: `MostReliability()`, or `LeastUse(resource, reliability)` for a `Problem`.
    - `next_best`: how many further designs to find, in order.
    - `width`: most partial designs kept at once. What does not fit is bounded and dropped; the
        answer then comes with a gap instead of a proof.

    **Returns:** an `Allocation`. A `Problem` is solved by its Lagrangian dual over the options,
    pegging and enumeration of everything above the cut-off (Nauss, "The 0-1 knapsack problem with
    multiple choice constraints", 1978). Under a shared environment each partial design is bounded
    by Hölder's inequality. For stages in series each count vector is bounded by its own convex
    dual; other structures are solved from several starts, bounded loosely, and not proved.

    **Raises:** `NoDesignError` when nothing keeps within the limits, `SizingError` for a goal that
    does not fit the problem; both are `ValueError`s.

    !!! example

        ```python
        from fdmc.sizing import Part, Problem, Resource, allocate, parallel

        laser = parallel("laser", [Part("uhp", 0.99, {"cost": 5}), Part("dfb", 0.9, {"cost": 2})], most=3)
        pump = parallel("pump", [Part("pump", 0.95, {"cost": 3})], most=3)
        answer = allocate(Problem([laser, pump], [Resource("cost", 12)]))
        assert answer.proved and answer.design.counts == {"laser": (0, 3), "pump": (2,)}
        ```
    """
    wrong = []
    if next_best < 0:
        wrong.append(f"next_best must be zero or more, but is {next_best}")
    if width < 1:
        wrong.append(f"width must be positive, but is {width}")
    if isinstance(problem, ReliabilityRedundancy) and not isinstance(goal, MostReliability):
        wrong.append("goal must be MostReliability() where reliabilities are chosen")
    require_none("allocation", wrong)
    if isinstance(problem, ReliabilityRedundancy):
        return allocate_stages(problem, next_best)
    return allocate_options(problem, goal, next_best, width)
