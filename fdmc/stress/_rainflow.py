import dataclasses

import numpy as np
from jaxtyping import Float, Int, Real


@dataclasses.dataclass(frozen=True)
class Cycles:
    """Cycles of a history, in the order in which they were counted; all of shape `[cycles]`.

    - `count`: 1 for a cycle, 0.5 for half of one.
    - `start`, `end`: places of its two turning points in the history. With them every property
        of a cycle is read off the history, differentiably where that is a JAX array: its swing
        is `abs(history[end] - history[start])`, its peak their maximum, its period about twice
        the time between them.
    - `swing`: the absolute difference, in the unit of the history.
    """

    count: Float[np.ndarray, " cycles"]
    start: Int[np.ndarray, " cycles"]
    end: Int[np.ndarray, " cycles"]
    swing: Float[np.ndarray, " cycles"]


def rainflow(history: Real[np.ndarray, " times"]) -> Cycles:
    """Count the cycles in a history of stress or temperature, on the host.

    **Arguments:**

    - `history`: values in time order, such as kelvin; their spacing does not matter.

    **Returns:**

    The cycles and halves of ASTM E1049-85 (2017), section 5.4.4 (rainflow). The halves are
    twice as many as the cycles they stand for, and none is lost: the largest swing is always
    among them. A history that does not move has none.

    **Raises:** `ValueError` for a value that is infinite or NaN.

    !!! example

        ```python
        import numpy as np
        from fdmc.stress import rainflow

        cycles = rainflow(np.array([-2, 1, -3, 5, -1, 3, -4, 4, -2]))
        assert sorted(zip(cycles.swing, cycles.count))[0] == (3, 0.5)
        ```
    """
    values = np.asarray(history, float)
    if not np.all(np.isfinite(values)):
        raise ValueError("history must be finite, but holds infinite values or NaN.")
    counted: list[tuple[float, int, int]] = []
    open_: list[int] = []  # turning points whose ranges are not counted yet
    for point in _turning_points(values):
        open_.append(point)
        while len(open_) >= 3:
            first, second, third = open_[-3:]
            if abs(values[third] - values[second]) < abs(values[second] - values[first]):
                break
            if len(open_) == 3:  # the range holds the start of the history: half a cycle
                counted.append((0.5, first, second))
                del open_[0]
            else:
                counted.append((1.0, first, second))
                del open_[-3:-1]
    counted += [(0.5, a, b) for a, b in zip(open_, open_[1:], strict=False)]
    count = np.array([one for one, _, _ in counted], float)
    start = np.array([one for _, one, _ in counted], int)
    end = np.array([one for _, _, one in counted], int)
    return Cycles(count, start, end, np.abs(values[end] - values[start]))


def _turning_points(values: Float[np.ndarray, " times"]) -> list[int]:
    """Places where the direction changes, with both ends; of a plateau the last place."""
    steps = np.flatnonzero(np.diff(values))  # from each of these the history moves
    if not len(steps):
        return []
    up = values[steps + 1] > values[steps]
    return [0, *steps[1:][up[1:] != up[:-1]].tolist(), len(values) - 1]
