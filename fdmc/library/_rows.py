"""The component library: one row per part, each with its source, its range and a grade.

Rates are at the reference temperature of the row. Grades: A counted in the field, B a primary
source, C an estimate.
"""

import csv
import dataclasses
import difflib
import functools
import importlib.resources
import re


@dataclasses.dataclass(frozen=True)
class Row:
    """One part; None where the source says nothing. `fit_*` are failures per 1e9 hours."""

    id: str
    domain: str
    component: str
    technology: str
    count_unit: str
    fit_min: float | None
    fit_typ: float | None
    fit_max: float | None
    ref_temp: str
    hazard_type: str
    distribution: str
    shape: float | None
    scale_hours: float | None
    activation_energy_ev: float | None
    other_acceleration: str
    replaceable_unit: str
    repair_hours: float | None
    blast_radius: str
    power_watts: float | None
    picojoules_per_bit: float | None
    bandwidth_gbps: float | None
    lanes: str
    yield_value: float | None
    yield_basis: str
    temperature_sensitivity: str
    sparing_in_practice: str
    source: str
    year: str
    grade: str
    provenance: str
    notes: str
    range_kind: str

    @property
    def reference_kelvin(self) -> float | None:
        """The reference temperature where the text names one: `40C`, or the middle of `laser 40-50C`.

        None for words (`field`, `room`) and for ranges of more than 20 K, which are those of operation.
        """
        found = _CELSIUS.findall(self.ref_temp)
        if len(found) != 1:
            return None
        low, high = (float(end) for end in (found[0][0] or found[0][1], found[0][1]))
        return (low + high) / 2 + 273.15 if 0 <= high - low <= _WIDEST else None


_CELSIUS = re.compile(r"(?<![\w.])(?:(\d+)-)?(\d+)C\b")
_WIDEST = 20.0  # kelvins between the ends of a range whose middle stands for it

# Columns of the data file that have a longer name here.
_COLUMNS = {
    "scale_hours": "scale_h",
    "activation_energy_ev": "Ea_eV",
    "other_acceleration": "other_accel",
    "power_watts": "power_W",
    "picojoules_per_bit": "pJ_per_bit",
    "bandwidth_gbps": "bandwidth_Gbps",
    "temperature_sensitivity": "temp_sensitivity",
    "grade": "confidence",
}


@functools.lru_cache(maxsize=1)
def rows() -> dict[str, Row]:
    """All rows by id, in the order of the data file."""
    file = importlib.resources.files("fdmc.library") / "components.csv"
    lines = file.read_text(encoding="utf-8").splitlines()
    return {record["id"]: _row(record) for record in csv.DictReader(lines)}


def row(id: str) -> Row:
    """The row of a part.

    **Raises:** `KeyError` that names the nearest id.
    """
    table = rows()
    if id in table:
        return table[id]
    close = difflib.get_close_matches(id.upper(), list(table), n=1, cutoff=0.5)
    hint = f"did you mean '{close[0]}'?" if close else "see `fdmc list components`."
    raise KeyError(f"the library has no row '{id}'; {hint}")


def _row(record: dict[str, str]) -> Row:
    values: dict[str, str | float | None] = {}
    for field in dataclasses.fields(Row):
        text = record[_COLUMNS.get(field.name, field.name)].strip()
        values[field.name] = text if field.type is str else _number(text)
    return Row(**values)  # pyright: ignore[reportArgumentType]


def _number(text: str) -> float | None:
    """A number, or None where the source has none ("data-rate free" for optical switches)."""
    return None if text in ("", "data-rate free") else float(text)
