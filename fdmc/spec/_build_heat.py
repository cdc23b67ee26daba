"""The thermal section from a valid form: defaults filled in, in the units of the inside."""

from ._heat import (
    EFFECTS,
    ConstantLoad,
    Excursion,
    Link,
    Load,
    MachZehnderLink,
    MarkovLoad,
    NoisyLoad,
    RingLink,
    SquareLoad,
    Stops,
    Thermal,
    VcselLink,
)
from ._heat_form import (
    ExcursionForm,
    LinkForm,
    LoadForm,
    MachZehnderForm,
    RingForm,
    ThermalForm,
    VcselForm,
)


def thermal(form: ThermalForm | None, accelerator: str) -> Thermal | None:
    """The heat of a form that has passed every check; None when it is absent or off."""
    if form is None or not form.on:
        return None
    stops = form.stops
    return Thermal(
        template=form.template,
        unit=form.unit or accelerator,
        coolant_kelvin=form.coolant,
        air_kelvin=form.coolant if form.air is None else form.air,
        resistance=dict(form.resistance),
        capacitance=dict(form.capacitance),
        watts=dict(form.watts),
        idle=form.idle,
        load=_load(form.load),
        stops=None if stops is None else Stops(stops.every, getattr(stops, "for")),
        nodes={node: tuple(sorted(names)) for node, names in form.nodes.items()},
        link=None if form.link is None else _link(form.link),
        excursions=tuple(_excursion(name, event) for name, event in form.excursions.items()),
        cooling=form.cooling,
        effects=tuple(effect for effect in EFFECTS if effect in form.effects),
    )


def _load(form: LoadForm) -> Load:
    if form.square_wave is not None:
        wave = form.square_wave
        return SquareLoad(wave.high, wave.low, wave.period, wave.duty)
    if form.ornstein_uhlenbeck is not None:
        noise = form.ornstein_uhlenbeck
        return NoisyLoad(noise.mean, noise.sd, noise.tau)
    if form.markov is not None:
        turn = form.markov
        return MarkovLoad(turn.compute, turn.compute_time, turn.communicate, turn.communicate_time)
    assert form.constant is not None, "checked"
    return ConstantLoad(form.constant)


def _link(form: LinkForm) -> Link:
    if form.ring is not None:
        return _ring(form.ring)
    if form.mach_zehnder is not None:
        return _mach_zehnder(form.mach_zehnder)
    assert form.vcsel is not None, "checked"
    return _vcsel(form.vcsel)


def _ring(form: RingForm) -> RingLink:
    return RingLink(
        unit=form.unit,
        spread_kelvin=form.spread,
        top_kelvin=form.top,
        range_kelvin=form.range,
        budget_kelvin=form.budget,
        tracking_kelvin_per_second=form.tracking,
        tracking_spread=form.tracking_spread,
        heater_watts_per_kelvin=form.heater,
        relock_seconds=form.relock,
    )


def _mach_zehnder(form: MachZehnderForm) -> MachZehnderLink:
    return MachZehnderLink(
        unit=form.unit,
        spread_kelvin=form.spread,
        set_kelvin=form.set,
        radians_per_kelvin=form.drift,
        budget_db=form.budget,
        relock_seconds=form.relock,
    )


def _vcsel(form: VcselForm) -> VcselLink:
    return VcselLink(
        unit=form.unit,
        spread_kelvin=form.spread,
        amperes=form.amperes,
        threshold_amperes=form.threshold,
        best_kelvin=form.best,
        detuning_kelvin=form.detuning,
        watts_per_ampere=form.slope,
        slope_per_kelvin=form.slope_per_kelvin,
        needed_watts=form.needed,
        relock_seconds=form.relock,
    )


def _excursion(name: str, form: ExcursionForm) -> Excursion:
    return Excursion(
        name=name,
        unit=form.unit,
        rate_per_hour=form.rate,
        rise_kelvin=form.rise,
        duration=form.duration.law(),
        recovery_hours=form.recovery,
        source=form.source or "not stated",
    )
