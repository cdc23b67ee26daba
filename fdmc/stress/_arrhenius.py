from ._number import Number, namespace, require_finite, require_positive


BOLTZMANN_EV_PER_KELVIN = 8.617333262e-5
"""Boltzmann's constant over the elementary charge (CODATA 2018, exact by definition)."""


def arrhenius(energy_ev: Number, at_kelvin: Number, reference_kelvin: Number) -> Number:
    """How much faster a part ages at one temperature than at another.

    **Arguments:**

    - `energy_ev`: activation energy $E_a$ in eV. Negative is allowed: hot carriers do more harm
        in the cold.
    - `at_kelvin`: absolute temperature $T$ of the part, of the junction for lasers.
    - `reference_kelvin`: absolute temperature $T_0$ at which its lifetime is known.

    All broadcast against each other.

    **Returns:**

    $\\exp[E_a/k \\; (1/T_0 - 1/T)]$ with $k$ = 8.617333262e-5 eV/K, dimensionless: above 1 where
    hotter than the reference. Recalled energies: 0.7 for silicon logic, 0.35 for random
    failures of lasers. From vendors' data: 0.55 for thermoelectric coolers, 0.86-0.93 for the
    wear-out of edge-emitting lasers.

    **Raises:** `ValueError` for temperatures on the host that are not positive, or NaN; JAX
    arrays are not looked at, in any law of this room.

    !!! example

        ```python
        from fdmc.stress import arrhenius

        assert abs(arrhenius(0.7, 125 + 273.15, 55 + 273.15) - 77.645) < 1e-3
        ```
    """
    require_finite(energy_ev=energy_ev)
    require_positive(at_kelvin=at_kelvin, reference_kelvin=reference_kelvin)
    xp = namespace(energy_ev, at_kelvin, reference_kelvin)
    return xp.exp(energy_ev / BOLTZMANN_EV_PER_KELVIN * cooler_by(at_kelvin, reference_kelvin))


def cooler_by(at_kelvin: Number, reference_kelvin: Number) -> Number:
    """$1/T_0 - 1/T$ per kelvin, without the cancellation that costs float32 its digits."""
    return (at_kelvin - reference_kelvin) / (at_kelvin * reference_kelvin)
