from ._arrhenius import arrhenius
from ._number import Number, namespace, require_nonnegative, require_positive


def black(
    at_current: Number,
    reference_current: Number,
    at_kelvin: Number,
    reference_kelvin: Number,
    *,
    current_power: Number = 2.0,
    energy_ev: Number = 0.9,
    critical_current: Number = 0.0,
) -> Number:
    """How much faster a conductor wears by electromigration.

    **Arguments:**

    - `at_current`, `reference_current`: current densities $J$ and $J_0$, in one unit; without a
        threshold only their ratio counts.
    - `at_kelvin`, `reference_kelvin`: absolute temperatures $T$ and $T_0$ of the conductor.
    - `current_power`: $n$, 1 (growth of voids) to 2 (nucleation).
    - `energy_ev`: $E_a$ in eV; 0.8 to 1.0 for copper (recalled), hence 0.9.
    - `critical_current`: $J_c$, the density below which nothing moves (Blech's effect).

    All broadcast against each other.

    **Returns:**

    $((J - J_c)/(J_0 - J_c))^n \\exp[E_a/k (1/T_0 - 1/T)]$, dimensionless, and 0 for
    $J \\le J_c$; from $TTF = A (J - J_c)^{-n} e^{E_a/kT}$ (Black, *Electromigration - a brief
    survey*, 1969).

    **Raises:** `ValueError` for host values that are negative or NaN, a reference that is not
    above the critical density, and temperatures that are not positive.

    !!! example

        ```python
        from fdmc.stress import black

        assert abs(black(2.0, 1.0, 105 + 273.15, 85 + 273.15) - 18.7014) < 1e-4
        ```
    """
    require_nonnegative(
        at_current=at_current,
        critical_current=critical_current,
        current_power=current_power,
        energy_ev=energy_ev,
    )
    moving = reference_current - critical_current
    require_positive(**{"reference_current - critical_current": moving})
    xp = namespace(at_current, critical_current)
    wind = (xp.maximum(at_current - critical_current, 0.0) / moving) ** current_power
    return wind * arrhenius(energy_ev, at_kelvin, reference_kelvin)
