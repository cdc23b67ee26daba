from typing import NamedTuple

from ._arrhenius import cooler_by
from ._number import OR_INFINITE, Number, namespace, require_nonnegative, require_positive


def coffin_manson(
    at_swing_kelvin: Number,
    reference_swing_kelvin: Number,
    *,
    swing_power: Number,
    elastic_swing_kelvin: Number = 0.0,
) -> Number:
    """How much more damage one cycle does than one of another swing.

    **Arguments:**

    - `at_swing_kelvin`, `reference_swing_kelvin`: from trough to peak, $\\Delta T$ and
        $\\Delta T_r$.
    - `swing_power`: $q$; 1 to 3 for solder, 3 to 5 for hard metals, 6 to 9 for brittle parts (all
        recalled).
    - `elastic_swing_kelvin`: $\\Delta T_0$, the part of every swing that does no harm.

    All broadcast against each other.

    **Returns:**

    $((\\Delta T - \\Delta T_0)/(\\Delta T_r - \\Delta T_0))^q$, dimensionless, and 0 for elastic
    swings. Divide the cycles to failure at the reference by it to have
    $N_f = A (\\Delta T - \\Delta T_0)^{-q}$ (Coffin 1954, Manson 1953).

    **Raises:** `ValueError` for host values that are negative or NaN, and a reference that is
    elastic.

    !!! example

        ```python
        from fdmc.stress import coffin_manson

        cycles = 10_000 / coffin_manson(50.0, 100.0, swing_power=2.0)
        assert cycles == 40_000
        ```
    """
    require_nonnegative(
        at_swing_kelvin=at_swing_kelvin,
        elastic_swing_kelvin=elastic_swing_kelvin,
        swing_power=swing_power,
    )
    plastic = reference_swing_kelvin - elastic_swing_kelvin
    require_positive(**{"reference_swing_kelvin - elastic_swing_kelvin": plastic})
    xp = namespace(at_swing_kelvin, elastic_swing_kelvin)
    return (xp.maximum(at_swing_kelvin - elastic_swing_kelvin, 0.0) / plastic) ** swing_power


class Cycle(NamedTuple):
    """A thermal cycle: its swing, its hottest point, and for how long it creeps.

    - `swing_kelvin`: from trough to peak.
    - `max_kelvin`: absolute temperature of the peak.
    - `hours`: the period of the cycle, or the dwell at the peak, as the `Solder` reads it.
    """

    swing_kelvin: Number
    max_kelvin: Number
    hours: Number


class Solder(NamedTuple):
    """Constants of Norris and Landzberg for one alloy.

    - `swing_power`: $n$ of the swing.
    - `time_power`: $m$ of the time of one cycle, positive: slow cycles creep more.
    - `heat_kelvin`: $K = E_a/k$ of the peak temperature, in kelvin.
    """

    swing_power: Number
    time_power: Number
    heat_kelvin: Number


SNPB = Solder(swing_power=1.9, time_power=1 / 3, heat_kelvin=1414.0)
"""Tin-lead (Norris and Landzberg 1969; recalled). `Cycle.hours` is the period, 1 over frequency."""

SAC305 = Solder(swing_power=2.65, time_power=0.136, heat_kelvin=2185.0)
"""Tin-silver-copper (Pan et al., SMTAI 2005; recalled). `Cycle.hours` is the dwell at the peak."""


def norris_landzberg(at: Cycle, reference: Cycle, solder: Solder) -> Number:
    """How much more damage one cycle does to solder than another cycle.

    **Arguments:**

    - `at`: the cycle in question, as in a test.
    - `reference`: the cycle at which the number of cycles to failure is known, as in use.
    - `solder`: `SNPB`, `SAC305` or your own constants.

    All fields broadcast against each other.

    **Returns:**

    $(\\Delta T / \\Delta T_r)^n \\, (h / h_r)^m \\exp[K (1/T_r - 1/T)]$ with the peak temperatures
    $T$, dimensionless: cycles to failure at the reference over those at `at`.

    There are two traps. **The sign of the time**: with frequencies $f = 1/h$ the middle factor
    is $(f_r / f)^m$, below 1 for a test faster than use, since fast cycles leave less time to
    creep. Some public texts and programs print $(f / f_r)^m$ instead, and so turn 0.275 into
    3.6 for 48 cycles a day against one. Times, not frequencies, are taken here so that the sign
    is plain. **What the time is**: the tin-lead exponent was fitted to the frequency, that of
    SAC305 to the dwell at the peak, without ramps. The same number for both is right only where
    the dwell is the same share of the period in both cycles.

    **Raises:** `ValueError` for host values that are negative or NaN, and for references, times
    or temperatures that are zero.

    !!! example

        ```python
        from fdmc.stress import SNPB, Cycle, norris_landzberg

        test, use = Cycle(180.0, 398.15, 0.5), Cycle(50.0, 348.15, 24.0)
        assert abs(norris_landzberg(test, use, SNPB) - 5.22) < 0.01
        ```
    """
    require_nonnegative(**{"at.swing_kelvin": at.swing_kelvin}, **_fields("solder", solder))
    require_positive(
        **{"at.max_kelvin": at.max_kelvin, "at.hours": at.hours},
        **_fields("reference", reference),
    )
    xp = namespace(*at, *reference, *solder)
    return (
        (at.swing_kelvin / reference.swing_kelvin) ** solder.swing_power
        * (at.hours / reference.hours) ** solder.time_power
        * xp.exp(solder.heat_kelvin * cooler_by(at.max_kelvin, reference.max_kelvin))
    )


FIDES_JOINT = Solder(swing_power=1.9, time_power=1 / 3, heat_kelvin=1414.0)
"""FIDES guide, solder joints."""

FIDES_CASE = Solder(swing_power=4.0, time_power=0.0, heat_kelvin=1414.0)
"""FIDES guide, cases of semiconductors: the time of a cycle does not count."""

_FIDES_CYCLE = Cycle(swing_kelvin=20.0, max_kelvin=313.15, hours=2.0)
_FIDES_PERIOD_HOURS = 12.0


def fides_cycling(cycles_per_hour: Number, cycle: Cycle, part: Solder = FIDES_JOINT) -> Number:
    """By how much thermal cycles multiply the base failure rate of a part in FIDES.

    **Arguments:**

    - `cycles_per_hour`: $N/t$, cycles of this kind over the hours of the phase of life.
    - `cycle`: swing $\\Delta T$, peak $T$ and period $\\theta$ of such a cycle.
    - `part`: `FIDES_JOINT` or `FIDES_CASE`.

    All broadcast against each other.

    **Returns:**

    $\\Pi = 12 (N/t) \\, (\\min(\\theta, 2)/2)^{1/3} (\\Delta T/20)^{1.9}
    \\exp[1414 (1/313.15 - 1/T)]$ for joints; power 4 and no time for cases (FIDES guide 2009,
    recalled, and in agreement with public code). 1 is two cycles a day of 20 K, up to 40 degC,
    of two hours or more. The guide rounds 273.15 to 273, which moves the result by less than
    0.1 % from -55 to 125 degC.

    **Raises:** `ValueError` as `norris_landzberg`, and for negative rates on the host.

    !!! example

        ```python
        from fdmc.stress import Cycle, fides_cycling

        assert abs(fides_cycling(1 / 12, Cycle(20.0, 313.15, 12.0)) - 1) < 1e-12
        ```
    """
    require_nonnegative(cycles_per_hour=cycles_per_hour)
    xp = namespace(cycle.hours)
    creeping = cycle._replace(hours=xp.minimum(cycle.hours, _FIDES_CYCLE.hours))
    return _FIDES_PERIOD_HOURS * cycles_per_hour * norris_landzberg(creeping, _FIDES_CYCLE, part)


def miner(cycles: Number, cycles_to_failure: Number) -> Number:
    """The share of its life that a part has used up in cycles of several kinds.

    **Arguments:**

    - `cycles`: $n_i$, how many there were of each kind; halves are allowed. Shape `[..., kinds]`.
    - `cycles_to_failure`: $N_i$, how many of that kind the part survives; infinite is allowed.
        Shape `[..., kinds]`.

    **Returns:**

    $D = \\sum_i n_i / N_i$ over the last axis, dimensionless; the part fails at $D \\ge 1$
    (Palmgren 1924, Miner 1945).

    **Raises:** `ValueError` for negative counts on the host, and for numbers to failure that are
    not positive.

    !!! example

        ```python
        import numpy as np
        from fdmc.stress import miner

        assert miner(np.array([100.0, 5.0]), np.array([1000.0, 10.0])) == 0.6
        ```
    """
    require_nonnegative(cycles=cycles)
    require_positive(OR_INFINITE, cycles_to_failure=cycles_to_failure)
    xp = namespace(cycles, cycles_to_failure)
    return xp.sum(xp.atleast_1d(cycles / cycles_to_failure), axis=-1)


def _fields(name: str, values: Cycle | Solder) -> dict[str, Number]:
    return {f"{name}.{field}": value for field, value in values._asdict().items()}
