"""Prices and powers as the rest of fdmc sees them: plain numbers, each with where it comes from.

Amounts are in the currency of the section, powers in watts, times in the unit that the name of the field says.
"""

import dataclasses


ESTIMATE = "estimate"
"""The source of a number that names none."""


@dataclasses.dataclass(frozen=True)
class Amount:
    """A price or a power of one component or unit; `grade` says how far it can be trusted."""

    value: float
    source: str
    grade: str


@dataclasses.dataclass(frozen=True)
class Economics:
    """What a machine costs and draws.

    `price` and `power` (watts, in service) are of one component or unit without what is inside it that has one of its
    own; `spare` is what one used spare costs where that is not the price with all inside. `technician_per_year` and
    `energy_per_kwh` are None where they are not priced; `pue` multiplies the power that energy is paid for. Tokens of
    the ideal machine are given for a second or for a step, or not at all. `rack` is the unit that is one rack; `optics`
    the components and units that, with all that is inside them, are the optics.
    """

    currency: str
    price: dict[str, Amount]
    spare: dict[str, float]
    power: dict[str, Amount]
    technician_per_year: float | None
    energy_per_kwh: float | None
    pue: float
    tokens_per_second: float | None
    tokens_per_step: float | None
    rack: str | None
    optics: tuple[str, ...] | None
