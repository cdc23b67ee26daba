"""A component and its mechanisms from a valid form, with what its library row adds."""

from .. import library
from ._heat import Cycling, Drive, Mechanism
from ._law import Exponential, Fixed, Law, LogNormal, Weibull
from ._law_form import exponential
from ._mechanism_form import ComponentForm, CyclingForm, StressForm
from ._model import Component


HOURS_PER_FAILURE_AT_1_FIT = 1e9


def component(name: str, form: ComponentForm) -> Component:
    """The component of a form that has passed every check."""
    row = library.row(form.use) if form.use is not None else None
    own = own_law(form) is not None or form.mechanisms is not None
    repair = form.repair.law() if form.repair is not None else None
    source, grade, text = _sources(form), "user", ""
    if row is not None:
        text = row.component
        if own and not source:
            source = f"not stated (overrides {row.id})"
        elif not own:
            source, grade = form.source or row.source, row.grade
        if repair is None and row.repair_hours is not None:
            repair = Fixed(row.repair_hours)
    source = source or "not stated"
    return Component(
        name=name,
        mechanisms=_mechanisms(form, row, source),
        repair=repair,
        source=source,
        grade=grade,
        use=form.use,
        description=form.description or text,
        at_kelvin=form.at,
        current=form.current,
        leaves=form.leaves or None,
        direction=None if form.direction == "both" else form.direction,
    )


def _sources(form: ComponentForm) -> str:
    """What the component says of its source, or else what its mechanisms say of theirs."""
    written = (form.mechanisms or {}).items()
    each = "; ".join(f"{name}: {way.source}" for name, way in written if way.source)
    return form.source or each


def _mechanisms(form: ComponentForm, row: library.Row | None, source: str) -> tuple[Mechanism, ...]:
    if form.mechanisms is None:
        return (_only(form, row, source),)
    return tuple(
        _mechanism(name, way, way.source or form.source or "not stated", _law(way))
        for name, way in form.mechanisms.items()
    )


def _only(form: ComponentForm, row: library.Row | None, source: str) -> Mechanism:
    """The mechanism of a plain lifetime.

    A row's reference temperature is that of the row's own lifetime, and what is written as a
    fatigue life follows the cycles alone, unless the component says more.
    """
    law = own_law(form)
    reference, energy, said = form.reference, form.activation_energy, []
    if row is not None and form.cycling is None:
        if reference is None and law is None and row.reference_kelvin is not None:
            reference = row.reference_kelvin
            said.append(f'reference from library row {row.id} ("{row.ref_temp}")')
        if energy is None and row.activation_energy_ev is not None:
            energy = row.activation_energy_ev
            said.append(f"energy from library row {row.id}")
    if reference is None or energy is None:
        return _mechanism("", form, source, law or row_law(row))
    return _mechanism(
        "", form, "; ".join(said) or "the scenario", law or row_law(row), reference, energy
    )


def _mechanism(
    name: str,
    form: StressForm,
    source: str,
    law: Law,
    reference: float | None = None,
    energy: float | None = None,
) -> Mechanism:
    """A mechanism; it has both a reference temperature and an energy, or neither."""
    gradual = form.lifetime.drive_rise if form.lifetime is not None else None
    drive = gradual or form.drive
    if form.reference is not None and form.activation_energy is not None:
        reference, energy = form.reference, form.activation_energy
    return Mechanism(
        name=name,
        lifetime=law,
        source=source,
        reference_kelvin=reference,
        activation_energy_ev=energy,
        current_exponent=form.current_exponent or 0.0,
        drive=None if drive is None else Drive(drive.margin, drive.time_power),
        cycling=None if form.cycling is None else _cycling(form.cycling),
    )


def _cycling(form: CyclingForm) -> Cycling:
    return Cycling(form.solder, form.swing, form.maximum, form.dwell, form.cycles, form.elastic)


def own_law(form: StressForm) -> Law | None:
    """The lifetime that is written, if any."""
    if form.lifetime is not None:
        return form.lifetime.law()
    if form.rate is not None or form.mtbf is not None:
        return exponential(form.rate, form.mtbf)
    return None


def _law(form: StressForm) -> Law:
    law = own_law(form)
    assert law is not None, "checked"
    return law


def row_law(row: library.Row | None) -> Law:
    """The lifetime of a library row, at its reference temperature.

    Weibull or lognormal where the row has a shape and a scale, else exponential at `fit_typ`.

    **Raises:** `ValueError` when the row has no failure rate.
    """
    if row is None or row.fit_typ is None:
        raise ValueError(f"row {row.id if row else None} has no failure rate.")
    if row.shape is not None and row.scale_hours is not None:
        if row.distribution.lower() == "weibull":
            return Weibull(row.shape, row.scale_hours)
        if row.distribution.lower() == "lognormal":
            return LogNormal(row.scale_hours, row.shape)
    return Exponential(HOURS_PER_FAILURE_AT_1_FIT / row.fit_typ)
