"""How optical devices answer to temperature: rings, Mach-Zehnder modulators, VCSELs.

Wavelengths in nanometres, temperatures in kelvin, powers in watts, link margins in dB.
"""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Real


Number = Real[Array, "..."] | float | int


def ring_linewidth_nm(wavelength_nm: Number, quality: Number) -> Float[Array, "..."]:
    """Full width at half maximum of a resonance, $\\lambda / Q$."""
    return jnp.asarray(wavelength_nm / quality, float)


def ring_drift_nm_per_kelvin(
    wavelength_nm: Number, group_index: Number, index_per_kelvin: Number, confinement: Number = 1.0
) -> Float[Array, "..."]:
    """Drift of a resonance, $d\\lambda / dT = \\Gamma (\\lambda / n_g) \\, dn / dT$.

    Silicon at 1310 nm: $dn/dT$ = 1.86e-4 per kelvin and $n_g$ = 4.2 give 0.058 nm/K; published
    rings have 0.05 to 0.08 (Bogaerts et al., "Silicon microring resonators", 2012).
    """
    return jnp.asarray(confinement * wavelength_nm / group_index * index_per_kelvin, float)


def ring_budget_kelvin(
    linewidth_nm: Number, drift_nm_per_kelvin: Number, share: Number = 0.1
) -> Float[Array, "..."]:
    """How far a ring may be off its channel: a share of its linewidth, either way, in kelvin."""
    return jnp.asarray(share * linewidth_nm / drift_nm_per_kelvin, float)


class MachZehnder(eqx.Module):
    """A Mach-Zehnder modulator held at quadrature.

    **Arguments:**

    - `set_kelvin`: where its bias is exact.
    - `radians_per_kelvin`: drift of the phase between its arms, what bias control leaves of it.
    - `budget_db`: penalty that the link can bear.
    """

    set_kelvin: Number
    radians_per_kelvin: Number
    budget_db: Number


def mach_zehnder_margin_db(law: MachZehnder, kelvin: Number) -> Float[Array, "..."]:
    """Link margin left at a temperature, in dB; negative when the link is down.

    The slope of $(1 + \\sin\\phi) / 2$ at a phase error $\\phi$ is $\\cos\\phi$ of that at quadrature: the
    penalty is $-10 \\log_{10} \\cos\\phi$ (optical). Beyond a quarter wave there is no eye left, and
    the margin is minus infinity with gradient zero.
    """
    eye = jnp.cos(law.radians_per_kelvin * (jnp.asarray(kelvin, float) - law.set_kelvin))
    wide = jnp.abs(law.radians_per_kelvin * (kelvin - law.set_kelvin)) < jnp.pi / 2
    open_eye = jnp.where(wide, eye, 1.0)
    return jnp.where(wide, law.budget_db + 10 * jnp.log10(open_eye), -jnp.inf)


class Vcsel(eqx.Module):
    """A directly driven VCSEL.

    **Arguments:**

    - `threshold_amperes`: least threshold, at `best_kelvin`, where gain and cavity are aligned.
    - `detuning_kelvin`: at this distance from `best_kelvin` the threshold has doubled.
    - `watts_per_ampere`: slope at `best_kelvin`; `slope_per_kelvin`: share of it lost per kelvin.
    - `needed_watts`: optical power at which the link is at its limit.
    """

    threshold_amperes: Number
    best_kelvin: Number
    detuning_kelvin: Number
    watts_per_ampere: Number
    slope_per_kelvin: Number
    needed_watts: Number


def vcsel_watts(law: Vcsel, amperes: Number, kelvin: Number) -> Float[Array, "..."]:
    """Optical power at a drive current and junction temperature; zero below threshold.

    $\\eta (1 - s (T - T_b)) (I - I_0 (1 + ((T - T_b) / T_w)^2))$: the parabolic threshold and linear slope
    of Scott, Geels, Corzine and Coldren (IEEE J. Quantum Electron. 29, 1993).
    """
    off = jnp.asarray(kelvin, float) - law.best_kelvin
    threshold = law.threshold_amperes * (1 + (off / law.detuning_kelvin) ** 2)
    slope = law.watts_per_ampere * (1 - law.slope_per_kelvin * off)
    return jnp.maximum(slope, 0.0) * jnp.maximum(amperes - threshold, 0.0)


def vcsel_margin_db(law: Vcsel, amperes: Number, kelvin: Number) -> Float[Array, "..."]:
    """Link margin left at a current and temperature, in dB; negative when the link is down.

    A lower current wears the laser less and leaves less of this. Minus infinity, with gradient
    zero, where there is no light.
    """
    light = vcsel_watts(law, amperes, kelvin)
    lit = light > 0
    return jnp.where(lit, 10 * jnp.log10(jnp.where(lit, light, 1.0) / law.needed_watts), -jnp.inf)
