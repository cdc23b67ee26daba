from types import ModuleType

import numpy as np
from jaxtyping import Array, Real

from ._number import OR_INFINITE, Number, namespace, require_nonnegative, require_positive


Pieces = Real[Array, "... pieces"] | Real[np.ndarray, "... pieces"]


def exposure(
    hours: Number, durations_hours: Pieces, factors: Pieces, *, repeat: bool = False
) -> Number:
    """By how much a part has aged under stress that is constant in pieces.

    **Arguments:**

    - `hours`: time $t$ since the start, shape `[...]`.
    - `durations_hours`: how long each piece lasts, shape `[pieces]`.
    - `factors`: acceleration $a$ of ageing in each piece, from any law of this room; shape
        `[..., pieces]`, whose leading axes broadcast against `hours`.
    - `repeat`: begin again after the last piece. Otherwise the last one goes on for ever, and
        its duration does not matter.

    **Returns:**

    $\\tau(t) = \\int_0^t a(s) \\, ds$ in hours at the reference stress, the age at which every law
    is read: $F(t) = F_0(\\tau(t))$ and $H(t) = H_0(\\tau(t))$ (cumulative exposure; Nelson,
    *Accelerated Testing*, 1990). Under competing risks every mechanism has factors of its own.

    **Raises:** `ValueError` for host values that are negative or NaN, or a cycle without length.

    !!! example

        ```python
        import numpy as np
        from fdmc.lifetime import cumulative_hazard
        from fdmc.spec import Weibull
        from fdmc.stress import exposure

        age = exposure(30.0, np.array([10.0, 5.0, 5.0]), np.array([1.0, 4.0, 1.0]))
        assert age == 10 + 20 + 15
        failed_prob = -np.expm1(-cumulative_hazard(Weibull(2.0, 100.0), age))
        ```
    """
    require_nonnegative(hours=hours)
    xp = _checked(durations_hours, factors, hours, repeat)
    starts, lengths = _pieces(xp, durations_hours, repeat)
    time = xp.asarray(hours)[..., None]
    aged = 0.0
    if repeat:
        period = xp.sum(lengths)
        whole = xp.floor(time / period)
        time = time - whole * period
        aged = whole[..., 0] * xp.sum(factors * lengths, axis=-1)
    # Added up in the order of the inverse, or rounding could put an age beyond the last ageing.
    return aged + xp.cumsum(factors * xp.clip(time - starts, 0.0, lengths), axis=-1)[..., -1]


def hours_at_exposure(
    exposure_hours: Number, durations_hours: Pieces, factors: Pieces, *, repeat: bool = False
) -> Number:
    """When a part reaches an age under stress that is constant in pieces: `exposure` inverted.

    **Arguments:**

    - `exposure_hours`: age $\\tau$ in hours at the reference stress, shape `[...]`; infinite is
        allowed on the host too, and never reached.
    - `durations_hours`, `factors`, `repeat`: as for `exposure`.

    **Returns:**

    The first $t$ with $\\tau(t) \\ge \\tau$ (to rounding), in hours, and infinity where ageing stops before.
    Draw an age at failure once, from the law at the reference stress; this is when it fails.

    **Raises:** `ValueError` for host values that are negative or NaN, or a cycle without length.

    !!! example

        ```python
        import numpy as np
        from fdmc.stress import hours_at_exposure

        assert hours_at_exposure(20.0, np.array([10.0, 5.0]), np.array([1.0, 4.0])) == 12.5
        ```
    """
    require_nonnegative(OR_INFINITE, exposure_hours=exposure_hours)
    xp = _checked(durations_hours, factors, exposure_hours, repeat)
    _, lengths = _pieces(xp, durations_hours, repeat)
    age = xp.asarray(exposure_hours) * 1.0
    shape = xp.broadcast_shapes(age.shape, factors.shape[:-1])
    if not repeat:
        return _within(xp, age, lengths, factors)
    total = xp.broadcast_to(xp.sum(factors * lengths, axis=-1), shape)
    ever = (total > 0) & xp.isfinite(age)
    gain = xp.where(ever, total, 1.0)
    # The last instant of a cycle belongs to it, also where it ends without ageing.
    whole = xp.maximum(xp.ceil(xp.where(ever, age, 0.0) / gain) - 1, 0.0)
    inside = _within(xp, xp.where(ever, age, 0.0) - whole * gain, lengths, factors)
    never = xp.where(age > 0, xp.inf, 0.0)
    return xp.where(ever, whole * xp.sum(lengths) + inside, never)[()]


def _within(xp: ModuleType, age: Number, lengths: Pieces, factors: Pieces) -> Number:
    """Time spent in all pieces until the age is reached; the last one may be endless."""
    gains = factors[..., :-1] * lengths[:-1]
    before = xp.cumsum(xp.concatenate([xp.zeros_like(factors[..., :1]) * 1.0, gains], -1), -1)
    left = xp.asarray(age)[..., None] - before
    ages = factors > 0
    needed = xp.where(ages, left / xp.where(ages, factors, 1.0), xp.inf)
    return xp.sum(xp.where(left > 0, xp.minimum(needed, lengths), 0.0), axis=-1)


def _pieces(xp: ModuleType, durations: Pieces, repeat: bool) -> tuple[Pieces, Pieces]:
    """Starts and lengths; the last is endless unless the pieces repeat."""
    lengths = xp.asarray(durations) * 1.0
    starts = xp.concatenate([xp.zeros_like(lengths[:1]), xp.cumsum(lengths)[:-1]])
    if not repeat:
        lengths = xp.concatenate([lengths[:-1], xp.full_like(lengths[:1], xp.inf)])
    return starts, lengths


def _checked(durations: Pieces, factors: Pieces, time: Number, repeat: bool) -> ModuleType:
    require_nonnegative(durations_hours=durations, factors=factors)
    if repeat:
        require_positive(**{"the sum of durations_hours": durations.sum()})
    return namespace(durations, factors, time)
