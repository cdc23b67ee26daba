from ._arrhenius import arrhenius
from ._number import Number, require_nonnegative, require_share


def peck(
    at_humidity: Number,
    reference_humidity: Number,
    at_kelvin: Number,
    reference_kelvin: Number,
    *,
    humidity_power: Number = 2.66,
    energy_ev: Number = 0.79,
) -> Number:
    """How much faster a part corrodes in damper and hotter air.

    **Arguments:**

    - `at_humidity`, `reference_humidity`: relative humidities $RH$ and $RH_0$ as shares, above 0
        and at most 1 (85 % is 0.85).
    - `at_kelvin`, `reference_kelvin`: absolute temperatures $T$ and $T_0$.
    - `humidity_power`: $n$; 2.66 is Peck's (recalled), FIDES uses 4.4.
    - `energy_ev`: $E_a$ in eV; 0.79 is Peck's (recalled), FIDES uses 0.9.

    All broadcast against each other.

    **Returns:**

    $(RH/RH_0)^n \\exp[E_a/k (1/T_0 - 1/T)]$, dimensionless, from $TTF = A \\, RH^{-n} e^{E_a/kT}$
    (Peck, *Comprehensive model for humidity testing correlation*, IRPS 1986).

    **Raises:** `ValueError` for humidities on the host outside 0..1, NaN, negative powers or
    energies, and temperatures that are not positive.

    !!! example

        ```python
        from fdmc.stress import peck

        assert abs(peck(0.85, 0.60, 85 + 273.15, 40 + 273.15) - 99.964) < 1e-3
        ```
    """
    require_share(at_humidity=at_humidity, reference_humidity=reference_humidity)
    require_nonnegative(humidity_power=humidity_power, energy_ev=energy_ev)
    damp = (at_humidity / reference_humidity) ** humidity_power
    return damp * arrhenius(energy_ev, at_kelvin, reference_kelvin)
