from ._arrhenius import BOLTZMANN_EV_PER_KELVIN, cooler_by
from ._number import Number, namespace, require_finite, require_nonnegative, require_positive


def eyring(
    at_stress: Number,
    reference_stress: Number,
    at_kelvin: Number,
    reference_kelvin: Number,
    *,
    energy_ev: Number,
    per_stress: Number,
    kelvin_per_stress: Number = 0.0,
    temperature_power: Number = 0.0,
) -> Number:
    """How much faster a part ages under heat and one further stress: the generalised Eyring law.

    **Arguments:**

    - `at_stress`, `reference_stress`: the stresses $S$ and $S_0$ (a voltage, a field, the
        logarithm of a humidity ...), in one unit.
    - `at_kelvin`, `reference_kelvin`: absolute temperatures $T$ and $T_0$.
    - `energy_ev`: activation energy $E_a$ without stress, in eV.
    - `per_stress`: $B$, per unit of stress.
    - `kelvin_per_stress`: $C$, kelvin per unit of stress; what couples stress with heat.
    - `temperature_power`: $m$, 0 in most uses and 1 in Eyring's own rate equation.

    All broadcast against each other.

    **Returns:**

    $(T/T_0)^m \\exp[E_a/k (1/T_0 - 1/T)] \\exp[(B + C/T) S - (B + C/T_0) S_0]$, dimensionless.
    The form is that of reliability handbooks, recalled; no constants are given, since none
    are general.

    **Raises:** `ValueError` for host values that are NaN or infinite, and temperatures that are
    not positive.

    !!! example

        ```python
        from fdmc.stress import arrhenius, eyring

        factor = eyring(5.0, 5.0, 398.15, 328.15, energy_ev=0.7, per_stress=3.0)
        assert factor == arrhenius(0.7, 398.15, 328.15)
        ```
    """
    require_finite(
        at_stress=at_stress,
        reference_stress=reference_stress,
        energy_ev=energy_ev,
        per_stress=per_stress,
        kelvin_per_stress=kelvin_per_stress,
        temperature_power=temperature_power,
    )
    require_positive(at_kelvin=at_kelvin, reference_kelvin=reference_kelvin)
    xp = namespace(
        at_stress,
        reference_stress,
        at_kelvin,
        reference_kelvin,
        energy_ev,
        per_stress,
        kelvin_per_stress,
        temperature_power,
    )
    heat = energy_ev / BOLTZMANN_EV_PER_KELVIN * cooler_by(at_kelvin, reference_kelvin)
    stress = per_stress * (at_stress - reference_stress) + kelvin_per_stress * (
        at_stress / at_kelvin - reference_stress / reference_kelvin
    )
    return (at_kelvin / reference_kelvin) ** temperature_power * xp.exp(heat + stress)


def e_model(
    at_mv_per_cm: Number,
    reference_mv_per_cm: Number,
    at_kelvin: Number,
    reference_kelvin: Number,
    *,
    energy_ev: Number,
    cm_per_mv: Number = 3.0,
) -> Number:
    """How much faster a dielectric approaches breakdown (TDDB) in a stronger field and heat.

    **Arguments:**

    - `at_mv_per_cm`, `reference_mv_per_cm`: fields $E$ and $E_0$ in the dielectric, MV/cm.
    - `at_kelvin`, `reference_kelvin`: absolute temperatures $T$ and $T_0$.
    - `energy_ev`: activation energy $E_a$ in eV; it belongs to the dielectric, so none is assumed.
    - `cm_per_mv`: field acceleration $\\gamma$; 2.5 to 3.5 cm/MV (recalled), hence 3.

    All broadcast against each other.

    **Returns:**

    $\\exp[\\gamma (E - E_0)] \\exp[E_a/k (1/T_0 - 1/T)]$, dimensionless: Eyring's law with the
    field as stress (the thermochemical E-model of McPherson, recalled).

    **Raises:** `ValueError` for host values that are NaN, fields, energies or accelerations that
    are negative, and temperatures that are not positive.

    !!! example

        ```python
        import math
        from fdmc.stress import e_model

        factor = e_model(9.0, 8.0, 330.0, 330.0, energy_ev=0.7, cm_per_mv=3.0)
        assert math.isclose(factor, math.exp(3.0))
        ```
    """
    require_nonnegative(
        at_mv_per_cm=at_mv_per_cm,
        reference_mv_per_cm=reference_mv_per_cm,
        energy_ev=energy_ev,
        cm_per_mv=cm_per_mv,
    )
    return eyring(
        at_mv_per_cm,
        reference_mv_per_cm,
        at_kelvin,
        reference_kelvin,
        energy_ev=energy_ev,
        per_stress=cm_per_mv,
    )
