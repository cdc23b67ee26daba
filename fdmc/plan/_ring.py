"""The part of a plan that says how the nodes of a k-hop ring stand."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Ring:
    """Nodes on a ring; all of it is shape.

    So many `nodes` of `size` accelerators each reach `hops` places to either side. `group` nodes of one piece work
    together; all groups stand in one piece when some collective is of the whole job (`together`).
    """

    size: int
    nodes: int
    hops: int
    closed: bool
    group: int
    together: bool
