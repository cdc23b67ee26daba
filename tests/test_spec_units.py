"""Quantities: what is read, and what is said when it cannot be."""

import math

import pytest
from hypothesis import given, settings, strategies as st

from fdmc.spec import _units as units


@pytest.mark.parametrize(
    ("text", "dimension", "expected"),
    [
        ("250 FIT", units.PER_HOUR, 250e-9),
        ("250FIT", units.PER_HOUR, 250e-9),
        ("1 /h", units.PER_HOUR, 1.0),
        ("0.08 %/d", units.PER_HOUR, 0.0008 / 24),
        ("2 / y", units.PER_HOUR, 2 / 8760),
        ("1e-6/h", units.PER_HOUR, 1e-6),
        ("5 y", units.HOURS, 43800.0),
        ("1 year", units.HOURS, 8760.0),
        ("2 weeks", units.HOURS, 336.0),
        ("21 d", units.HOURS, 504.0),
        ("15 min", units.HOURS, 0.25),
        ("36 s", units.HOURS, 0.01),
        ("1_000 h", units.HOURS, 1000.0),
        ("180 ms", units.SECONDS, 0.18),
        ("50 us", units.SECONDS, 50e-6),
        ("50 µs", units.SECONDS, 50e-6),
        ("1 h", units.SECONDS, 3600.0),
        ("1 GiB", units.BYTES, 2.0**30),
        ("512 MiB", units.BYTES, 2.0**29),
        ("1 GB", units.BYTES, 1e9),
        ("8 Gb", units.BYTES, 1e9),
        ("200 Gb/s", units.GBPS, 200.0),
        ("1.6 Tb/s", units.GBPS, 1600.0),
        ("50 GB/s", units.GBPS, 400.0),
        ("85 degC", units.KELVIN, 358.15),
        ("25 °C", units.KELVIN, 298.15),
        ("300 K", units.KELVIN, 300.0),
        ("0.015 K/W", units.KELVIN_PER_WATT, 0.015),
        ("1 kJ/K", units.JOULES_PER_KELVIN, 1000.0),
        ("100 K/s", units.KELVIN_PER_SECOND, 100.0),
        ("0.23 mW/K", units.WATTS_PER_KELVIN, 2.3e-4),
        ("0.4 %/K", units.PER_KELVIN, 0.004),
        ("0.01 rad/K", units.RADIANS_PER_KELVIN, 0.01),
        ("8 mA", units.AMPERES, 0.008),
        ("0.4 mW/mA", units.WATTS_PER_AMPERE, 0.4),
        ("1 kW", units.WATTS, 1000.0),
        ("24 /d", units.EVENTS_PER_HOUR, 1.0),
    ],
)
def test_reads(text, dimension, expected):
    assert units.quantity(text, dimension) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize(
    ("value", "dimension", "message"),
    [
        ("100", units.PER_HOUR, '"100" has no unit; write "100 FIT"'),
        (100, units.PER_HOUR, '"100" has no unit; write "100 FIT"'),
        (5, units.YEARS, '"5" has no unit; write "5 y"'),
        ("3 kg", units.HOURS, '"3 kg" is not a time; write a time such as "3 h"'),
        ("3 h", units.PER_HOUR, '"3 h" is not a failure rate'),
        ("4 Gb", units.GBPS, "is not a data rate"),
        ("4 hous", units.HOURS, "no unit is called 'hous'; did you mean 'hour'?"),
        ("4 furlongs", units.HOURS, "no unit is called 'furlongs'"),
        (True, units.HOURS, '"true" is not a time'),
        (None, units.HOURS, '"null" is not a time'),
        ([4], units.HOURS, "is not a time"),
        ("h", units.HOURS, '"h" is not a time'),
        ("", units.HOURS, "is not a time"),
        ("4 h h", units.HOURS, "is not a time"),
        ("9**9**9 h", units.HOURS, "is not a time"),
        ("__import__('os')", units.HOURS, "is not a time"),
        ("nan h", units.HOURS, "is not a finite number"),
        ("inf h", units.HOURS, "is not a finite number"),
        ("1e999 h", units.HOURS, "is not a finite number"),
        (math.nan, units.HOURS, "is not a"),
    ],
)
def test_refuses(value, dimension, message):
    with pytest.raises(units.QuantityError) as caught:
        units.quantity(value, dimension)
    assert message in str(caught.value)


def test_minimum():
    assert units.quantity("0 s", units.SECONDS, 0.0) == 0.0
    with pytest.raises(units.QuantityError, match="must be zero or more"):
        units.quantity("-1 s", units.SECONDS, 0.0)
    with pytest.raises(units.QuantityError, match="must be more than zero"):
        units.quantity("0 FIT", units.PER_HOUR, math.ulp(0.0))


@settings(max_examples=60, deadline=None)
@given(
    st.floats(1e-9, 1e9),
    st.sampled_from([("h", 1.0), ("d", 24.0), ("y", 8760.0), ("min", 1 / 60), ("s", 1 / 3600)]),
)
def test_round_trip(hours, unit):
    name, per_hour = unit
    text = f"{hours / per_hour!r} {name}"
    assert units.quantity(text, units.HOURS) == pytest.approx(hours, rel=1e-12)
