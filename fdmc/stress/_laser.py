import math
from collections.abc import Callable
from typing import NamedTuple

from scipy import optimize, special

from ..spec import LogNormal
from ._arrhenius import arrhenius
from ._number import Number, require_nonnegative, require_positive
from ._rates import HOURS_PER_FIT


class LaserWearOut(NamedTuple):
    """Wear-out of one design of laser: a lognormal lifetime that current and heat shorten.

    - `median_hours`, `sigma`: the lognormal law at the reference.
    - `reference_kelvin`: junction temperature $T_0$ of the reference.
    - `energy_ev`: activation energy $E_a$ in eV.
    - `current_power`: $n$ of the drive current.
    """

    median_hours: Number
    sigma: Number
    reference_kelvin: Number
    energy_ev: Number
    current_power: Number

    def acceleration(self, at_kelvin: Number, current_ratio: Number = 1.0) -> Number:
        """How much faster the laser wears than at its reference.

        **Arguments:**

        - `at_kelvin`: junction temperature $T_j$.
        - `current_ratio`: drive current over that of the reference, $I/I_0$; 0 is off.

        Both broadcast against each other and the fields.

        **Returns:**

        $(I/I_0)^n \\exp[E_a/k (1/T_0 - 1/T_j)]$, dimensionless. Use it as a factor of `exposure`
        with `law()`, or divide the median by it.

        **Raises:** `ValueError` for host values that are negative or NaN, and for temperatures
        that are not positive.
        """
        require_nonnegative(
            current_ratio=current_ratio,
            current_power=self.current_power,
            energy_ev=self.energy_ev,
        )
        heat = arrhenius(self.energy_ev, at_kelvin, self.reference_kelvin)
        return current_ratio**self.current_power * heat

    def law(self) -> LogNormal:
        """The lifetime at the reference, as data for `fdmc.lifetime`; host numbers only."""
        require_positive(median_hours=self.median_hours, sigma=self.sigma)
        return LogNormal(float(self.median_hours), float(self.sigma))


EDGE_EMITTER = LaserWearOut(
    median_hours=82_000.0,
    sigma=1.385,
    reference_kelvin=85 + 273.15,
    energy_ev=0.93,
    current_power=2.0,
)
"""Edge emitter, 1310 nm: 82,000 h at 85 degC, sigma 1.385, 0.86 to 0.93 eV (recalled). With 0.93 eV
it agrees with the rates of AlGaInAs lasers at 40 degC in Tummala and Swaminathan, *System on
Package*, 2008, p. 335. `current_power` is 2 to 3 in general; 2 claims least for derating."""


def vcsel(
    median_hours: Number,
    reference_kelvin: Number,
    *,
    sigma: Number = 0.5,
    energy_ev: Number = 0.7,
    current_power: Number = 2.0,
) -> LaserWearOut:
    """Wear-out of oxide-aperture VCSELs whose median life is known at one temperature.

    **Arguments:**

    - `median_hours`: median life at the reference. There is no default: several mechanisms
        coexist, and one design's law must not be copied to another.
    - `reference_kelvin`: junction temperature of the reference.
    - `sigma`: of the logarithm of life, 0.5.
    - `energy_ev`: 0.55 to 1.1 eV by design; 0.7 is recalled as the usual one.
    - `current_power`: 2.

    **Returns:**

    The wear-out, to be accelerated.

    !!! example

        ```python
        from fdmc.stress import vcsel

        laser = vcsel(50_000.0, 273.15 + 85)
        assert laser.acceleration(273.15 + 85, current_ratio=0.5) == 0.25
        ```
    """
    return LaserWearOut(median_hours, sigma, reference_kelvin, energy_ev, current_power)


def drive_rise(hours: Number, growth: Number, time_power: Number) -> Number:
    """By how much the drive current of an ageing laser has risen, for the same light.

    **Arguments:**

    - `hours`: age $t$ at the reference stress (`exposure`).
    - `growth`: $A$ of this laser, per hour to the power $m$; lognormal among lasers.
    - `time_power`: $m$; 1 is linear, 0.5 diffusion.

    All broadcast against each other.

    **Returns:**

    $I/I_0 - 1 = A t^m$, dimensionless.

    **Raises:** `ValueError` for host values that are negative or NaN, and a power of 0.

    !!! example

        ```python
        from fdmc.stress import drive_rise

        assert drive_rise(10_000.0, 0.002, 0.5) == 0.2
        ```
    """
    require_nonnegative(hours=hours, growth=growth)
    require_positive(time_power=time_power)
    return growth * hours**time_power


def drive_life_hours(margin: Number, growth: Number, time_power: Number) -> Number:
    """Age at which a laser has used up its power margin: `drive_rise` inverted.

    **Arguments:**

    - `margin`: highest drive current over that of the new laser, less 1.
    - `growth`, `time_power`: $A$ and $m$, as for `drive_rise`.

    All broadcast against each other.

    **Returns:**

    $(margin/A)^{1/m}$ in hours at the reference stress. A lognormal $A$ of median $A_{50}$ and
    $\\sigma_A$ makes it lognormal, with its median at $A_{50}$ and $\\sigma = \\sigma_A / m$.
    Derating buys life twice: it slows ageing and widens the margin.

    **Raises:** `ValueError` for host values that are negative or NaN, and a growth or power of 0.

    !!! example

        ```python
        from fdmc.stress import drive_life_hours

        assert abs(drive_life_hours(0.2, 0.002, 0.5) - 10_000) < 1e-6
        ```
    """
    require_nonnegative(margin=margin)
    require_positive(growth=growth, time_power=time_power)
    return (margin / growth) ** (1 / time_power)


def lognormal_rate(law: LogNormal, hours: float) -> float:
    """The failure rate of a lognormal lifetime at an age, in FIT: the hazard, not its mean.

    **Arguments:**

    - `law`: the lifetime, of median $t_{50}$ and $\\sigma$.
    - `hours`: the age $t$.

    **Returns:**

    $10^9 \\varphi(z) / (\\sigma t \\Phi(-z))$ with $z = \\ln(t/t_{50})/\\sigma$; on the host.

    **Raises:** `ValueError` for an age that is not positive.

    !!! example

        ```python
        from fdmc.spec import LogNormal
        from fdmc.stress import lognormal_rate

        assert abs(lognormal_rate(LogNormal(6.25e6, 1.387), 43_800.0) - 11) < 0.1
        ```
    """
    require_positive(hours=hours)
    z = math.log(hours / law.median_hours) / law.sigma
    return HOURS_PER_FIT * math.exp(_log_mills(z)) / (law.sigma * hours)


def lognormal_through(hours: tuple[float, float], fits: tuple[float, float]) -> LogNormal:
    """The lognormal lifetime that has two given failure rates at two given ages.

    **Arguments:**

    - `hours`: the two ages, the earlier one first.
    - `fits`: the rate at each in FIT, the hazard then (`lognormal_rate`) and not its mean until
        then, as a vendor's "11 FIT at 5 years".

    **Returns:**

    The only such law, found numerically on the host: at each age $\\sigma t h$ gives $z$, and the
    two $z$ must lie $\\ln(t_2/t_1)/\\sigma$ apart.

    **Raises:** `ValueError` for ages that do not rise, rates that are not positive, and rates
    that no lognormal has: they must not fall as fast as one over age.

    !!! example

        ```python
        from fdmc.stress import lognormal_through

        law = lognormal_through((43_800.0, 87_600.0), (11.0, 29.0))
        assert abs(law.sigma - 1.387) < 1e-3
        ```
    """
    (early, late), (first, second) = hours, fits
    require_positive(hours=early, later_hours=late)
    require_positive(fits=first, later_fits=second, **{"the rise of hours": late - early})
    apart = math.log(late / early)
    means = [t * rate / HOURS_PER_FIT for t, rate in zip(hours, fits, strict=True)]

    def excess(log_sigma: float) -> float:  # rises with sigma, from below 0 to above
        z, z_late = (_inverse_mills(math.exp(log_sigma) * mean) for mean in means)
        return z_late - z - apart / math.exp(log_sigma)

    if means[1] <= means[0] or excess(-_LOG_SIGMA) > 0 or excess(_LOG_SIGMA) < 0:
        raise ValueError(f"no lognormal lifetime has rates of {fits} FIT at {hours} hours.")
    sigma = math.exp(_root(excess, -_LOG_SIGMA, _LOG_SIGMA))
    return LogNormal(early * math.exp(-sigma * _inverse_mills(sigma * means[0])), sigma)


_LOG_SIGMA = 12.0
"""Bounds of the search: sigma from 6e-6 to 1.6e5."""


def _log_mills(z: float) -> float:
    """Of the hazard of a standard normal, $\\varphi(z) / \\Phi(-z)$, which rises with $z$."""
    if z < -30:  # where erfcx overflows, all survive
        return -(z**2) / 2 - math.log(2 * math.pi) / 2
    return math.log(2 / math.pi) / 2 - math.log(special.erfcx(z / math.sqrt(2)))


def _inverse_mills(hazard: float) -> float:
    """The $z$ of a hazard; it lies below the hazard, and above where the density alone has it."""
    log_hazard = math.log(hazard)
    low = -2 - math.sqrt(2 * abs(log_hazard))
    return _root(lambda z: _log_mills(z) - log_hazard, low, hazard)


def _root(function: Callable[[float], float], low: float, high: float) -> float:
    return float(optimize.brentq(function, low, high, xtol=1e-12))  # type: ignore[arg-type]
