"""Degraded fabrics: what is left of the links, and how long a collective takes on it."""

from ._collectives import (
    ALGORITHMS as ALGORITHMS,
    bus_factor as bus_factor,
    collective_seconds as collective_seconds,
)
from ._state import LinkState as LinkState, link_state as link_state
