"""The economics section from a valid form: amounts in the currency, library rows looked up."""

from .. import library
from ._economics import ESTIMATE, Amount, Economics
from ._economics_form import EconomicsForm, PowerForm
from ._economics_units import money
from ._model import Unit


def economics(form: EconomicsForm | None, units: dict[str, Unit]) -> Economics | None:
    """The prices and powers of a form that has passed every check; None when it is absent."""
    if form is None:
        return None
    label, tokens = form.currency, form.tokens
    return Economics(
        currency=label,
        price={
            name: _amount(money(item.price, label), item.source)
            for name, item in form.price.items()
        },
        spare={
            name: money(item.spare, label)
            for name, item in form.price.items()
            if item.spare is not None
        },
        power={name: _power(item) for name, item in form.power.items()},
        technician_per_year=None if form.technician is None else money(form.technician, label, "y"),
        energy_per_kwh=None if form.energy is None else money(form.energy, label, "kWh"),
        pue=form.pue,
        tokens_per_second=None if tokens is None else tokens.rate,
        tokens_per_step=None if tokens is None else tokens.per_step,
        rack=form.rack or ("rack" if "rack" in units else None),
        optics=None if form.optics is None else tuple(sorted(form.optics)),
    )


def _amount(value: float, source: str | None) -> Amount:
    said = source or ESTIMATE
    return Amount(value, said, "C" if said.lower().startswith(ESTIMATE) else "user")


def _power(form: PowerForm) -> Amount:
    if form.use is None:
        assert form.power is not None, "checked"
        return _amount(form.power, form.source)
    row = library.rows()[form.use]
    watts = row_watts(row)
    assert watts is not None, "checked"
    return Amount(watts, form.source or f"library row {row.id}: {row.source}", row.grade)


def row_watts(row: library.Row) -> float | None:
    """The power of a library row, or its energy per bit at its full bandwidth; None without either."""
    if row.power_watts is not None:
        return row.power_watts
    if row.picojoules_per_bit is not None and row.bandwidth_gbps is not None:
        return row.picojoules_per_bit * row.bandwidth_gbps * 1e-3  # pJ/bit x Gbit/s = mW
    return None
