"""Degraded fabrics: what is left of the links, and how long a collective takes on it."""

from ._asymmetric import (
    DirectedState as DirectedState,
    asymmetric_seconds as asymmetric_seconds,
    directed_link_state as directed_link_state,
    directed_seconds as directed_seconds,
)
from ._collectives import (
    ALGORITHMS as ALGORITHMS,
    bus_factor as bus_factor,
    collective_bounds as collective_bounds,
    collective_seconds as collective_seconds,
)
from ._hierarchy import (
    Level as Level,
    hierarchical_seconds as hierarchical_seconds,
    two_level_seconds as two_level_seconds,
)
from ._message import message_seconds as message_seconds
from ._ring import (
    RingState as RingState,
    ring_seconds as ring_seconds,
    ring_state as ring_state,
)
from ._ring_exact import ring_cut_probability as ring_cut_probability, ring_waste as ring_waste
from ._ring_walk import RingWalk as RingWalk
from ._sparse import sparse_link_state as sparse_link_state
from ._state import LinkState as LinkState, link_state as link_state
from ._torus import (
    TorusState as TorusState,
    torus_seconds as torus_seconds,
    torus_state as torus_state,
)
from ._torus_switched import switched_torus_state as switched_torus_state
