"""The part of a plan that says which accelerators the job uses, in which groups, and when spares are switched in."""

import dataclasses
from typing import Literal

import equinox as eqx
from jaxtyping import Bool, Float

from ._arrays import AnyArray


@dataclasses.dataclass(frozen=True)
class Job:
    """How the job divides its accelerators; all of it is shape.

    It `uses` so many (0: all). The policy `elastic` drops blocks of `replica` accelerators, `non_uniform` goes on with
    what is left of groups of `tensor`; `balanced` blocks share the batch by their pace. `groups` says of each
    collective how many take part in one of it, 0 for all that are used; the blocks that live where it is -1.
    """

    uses: int = 0
    policy: Literal["", "elastic", "non_uniform"] = ""
    replica: int = 1
    tensor: int = 1
    balanced: bool = True
    groups: tuple[int, ...] = ()


class Reconfiguration(eqx.Module):
    """When spares that circuits must be switched for step in, by class.

    A group of a class in `switched` has lost what all its failures take; spares give back `relief` of that. They are
    switched in where that brings more than `above`; where it is negative, where it brings more in `outage_hours` than
    the `stop_hours` cost.
    """

    switched: Bool[AnyArray, " classes"]
    relief: Float[AnyArray, " classes"]
    outage_hours: Float[AnyArray, " classes"]
    stop_hours: Float[AnyArray, ""]
    above: Float[AnyArray, ""]
