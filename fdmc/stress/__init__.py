"""Stress and ageing: by how much heat, humidity, current and cycles shorten a life."""

from ._arrhenius import (
    BOLTZMANN_EV_PER_KELVIN as BOLTZMANN_EV_PER_KELVIN,
    arrhenius as arrhenius,
)
