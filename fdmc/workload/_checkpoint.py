from types import ModuleType

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Real


Number = Real[Array, "..."] | Real[np.ndarray, "..."] | float | int
"""JAX arrays inside a kernel, NumPy float64 in the host's ledger: the same code serves both."""


def ettr(
    mttf_hours: Number,
    *,
    interval_hours: Number,
    write_hours: Number,
    restart_hours: Number,
) -> Number:
    """Useful over elapsed time of a job that checkpoints and restarts, exactly.

    **Arguments:**

    - `mttf_hours`: mean run time between interruptions, $M$; infinite is allowed.
    - `interval_hours`: work between two checkpoints, $\\tau$.
    - `write_hours`: time to write a checkpoint, $\\delta$.
    - `restart_hours`: detection and resumption after an interruption, $R$.

    All broadcast against each other.

    **Returns:**

    $\\tau / (M e^{R/M} (e^{(\\tau+\\delta)/M} - 1))$, in 0..1 (Daly, *A higher order estimate of
    the optimum checkpoint interval*, FGCS 22, 2006, complete model). It tends to
    $\\tau/(\\tau+\\delta)$ as $M$ grows and to 0 as $M$ vanishes. NumPy in, NumPy out.

    The clock of $M$ is run time; with wall time between failures see `ettr_wall`.

    !!! example

        ```python
        from fdmc.workload import ettr

        share = ettr(3.0, interval_hours=26 / 60, write_hours=2 / 60, restart_hours=0.25)
        assert abs(share - 0.7896013268236629) < 1e-12
        ```
    """
    xp = namespace(mttf_hours, interval_hours, write_hours, restart_hours)
    runs = xp.asarray(mttf_hours) > 0
    mttf = xp.where(runs, mttf_hours, 1.0)
    segment = (interval_hours + write_hours) / xp.where(xp.isinf(mttf), 1.0, mttf)
    segment = xp.where(xp.isinf(mttf), 0.0, segment)
    worked = xp.asarray(interval_hours) > 0
    overhead = write_hours / xp.where(worked, interval_hours, 1.0)
    # Without any interval the write decides: free checkpoints cost nothing, others all.
    share = xp.where(worked, 1 / (1 + overhead), xp.where(xp.asarray(write_hours) > 0, 0.0, 1.0))
    survival = xp.exp(-segment - restart_hours / mttf)
    return xp.where(runs, share * survival * _inverse_mean_survival(xp, segment), 0.0)[()]


def optimal_interval(mttf_hours: Number, write_hours: Number) -> Number:
    """Work between two checkpoints that loses least time, exactly.

    **Arguments:**

    - `mttf_hours`: mean run time between interruptions, $M$; infinite is allowed.
    - `write_hours`: time to write a checkpoint, $\\delta \\ge 0$.

    **Returns:**

    $\\tau^* = M (1 + W_0(-e^{-1-\\delta/M}))$ in hours, $W_0$ the principal branch of Lambert's
    function (Daly 2006, section 5). For a small $\\delta/M$ this is Young's
    $\\sqrt{2 \\delta M}$; it never exceeds $M$, and equals it where
    $M$ is 0 or infinite.

    !!! example

        ```python
        from fdmc.workload import optimal_interval

        assert abs(optimal_interval(1440.0, 5.0) - 116.69) < 0.01
        ```
    """
    xp = namespace(mttf_hours, write_hours)
    mttf_hours = xp.asarray(mttf_hours)
    usual = (mttf_hours > 0) & xp.isfinite(mttf_hours)
    mttf = xp.where(usual, mttf_hours, 1.0)
    interval = mttf * _one_plus_lambert(xp, write_hours / mttf)
    return xp.where(usual, interval, xp.maximum(mttf_hours, 0.0))[()]


def young_interval(mttf_hours: Number, write_hours: Number) -> Number:
    """Work between two checkpoints that loses least time, to first order.

    **Arguments:** as for `optimal_interval`.

    **Returns:**

    $\\sqrt{2 \\delta M}$ in hours (Young, *A first order approximation to the optimum checkpoint
    interval*, CACM 17, 1974), for $\\delta \\ll M$ only: for the comparison with published numbers.
    `optimal_interval` is exact.

    !!! example

        ```python
        from fdmc.workload import young_interval

        assert young_interval(24.0, 3.0) == 12.0
        ```
    """
    xp = namespace(mttf_hours, write_hours)
    return xp.sqrt(2 * xp.asarray(write_hours) * mttf_hours)


def daly_interval(mttf_hours: Number, write_hours: Number) -> Number:
    """Work between two checkpoints that loses least time, to higher order.

    **Arguments:** as for `optimal_interval`.

    **Returns:**

    $\\sqrt{2 \\delta M} (1 + \\frac13 \\sqrt{\\delta / 2M} + \\frac19 \\delta / 2M) - \\delta$ in hours for
    $\\delta < 2M$, else $M$ (Daly 2006, equation 37): the series of `optimal_interval` in $\\sqrt{\\delta / M}$, cut
    after three terms.

    !!! example

        ```python
        from fdmc.workload import daly_interval, optimal_interval

        assert abs(daly_interval(24.0, 0.1) / optimal_interval(24.0, 0.1) - 1) < 1e-4
        ```
    """
    xp = namespace(mttf_hours, write_hours)
    mttf_hours, write_hours = xp.asarray(mttf_hours), xp.asarray(write_hours)
    usual = (mttf_hours > 0) & xp.isfinite(mttf_hours) & (write_hours < 2 * mttf_hours)
    mttf = xp.where(usual, mttf_hours, xp.maximum(write_hours, 1.0))
    half = write_hours / (2 * mttf)
    interval = 2 * mttf * xp.sqrt(half) * (1 + xp.sqrt(half) / 3 + half / 9) - write_hours
    return xp.where(usual, interval, xp.maximum(mttf_hours, 0.0))[()]


def ettr_wall(failures_per_hour: Number, restart_hours: Number) -> Number:
    """Useful over elapsed time when failures are counted on the wall clock.

    **Arguments:**

    - `failures_per_hour`: failures per hour of wall time, $1/M$.
    - `restart_hours`: time lost to each, $R$.

    **Returns:**

    $1 - R/M$, and 0 where the stalls would fill all time. The run-time clock of `ettr` gives
    a larger share for the same numbers, since nothing fails during a stall there.

    !!! example

        ```python
        from fdmc.workload import ettr_wall

        assert abs(ettr_wall(60 / 18, 10 / 60) - 0.444) < 1e-3
        ```
    """
    xp = namespace(failures_per_hour, restart_hours)
    return xp.maximum(0.0, 1 - xp.asarray(failures_per_hour) * restart_hours)


def namespace(*values: Number) -> ModuleType:
    """`jax.numpy` if any value is a JAX array, else `numpy`."""
    return jnp if any(isinstance(value, jax.Array) for value in values) else np


def _inverse_mean_survival(xp: ModuleType, x: Number) -> Number:
    """$x / (1 - e^{-x})$; the series below 0.1 keeps its slope in float32 and at zero."""
    small = x < 0.1
    series = 1 + x / 2 + x**2 / 12 - x**4 / 720 + x**6 / 30240
    large = xp.where(small, 1.0, x)
    return xp.where(small, series, large / -xp.expm1(-large))


_BRANCH_SERIES = (
    1.0,
    -1 / 3,
    1 / 36,
    1 / 270,
    1 / 4320,
    -1 / 17010,
    -139 / 5443200,
    -1 / 204120,
    -571 / 2351462400,
)
"""Powers 1 to 9 of $p = \\sqrt{2d}$ in $1 + W_0(-e^{-1-d})$; from the inverse of
$d = \\lambda - 1 - \\ln \\lambda$ (Temme's series for the incomplete gamma function)."""


def _one_plus_lambert(xp: ModuleType, d: Number) -> Number:
    """$1 + W_0(-e^{-1-d})$ for $d \\ge 0$, without the cancellation at the branch point.

    With $\\lambda = -W_0$ the equation is $\\lambda = e^{\\lambda-1-d}$. Its residual is concave
    and rising below the root, so Newton's method from 0 never overshoots.
    """
    d = xp.asarray(d)
    near = d < 0.045  # p < 0.3: the series is good to 1e-11, Newton to 1e-6 in float32
    inside = near & (d > 0)
    p = xp.where(inside, xp.sqrt(2 * xp.where(inside, d, 0.02)), 0.0)
    series = xp.zeros_like(p)
    for coefficient in reversed(_BRANCH_SERIES):
        series = (series + coefficient) * p
    far = xp.where(near, 1.0, d)
    root = xp.zeros_like(p)
    for _ in range(6):
        value = xp.exp(root - 1 - far)
        root = root + (value - root) / (1 - value)
    return xp.where(near, series, 1 - root)
