"""What a fabric has besides lanes and planes, as it is written: classes of traffic, a trunk, a torus, a ring."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

from ._fields import Count, Form, Gbps, Name, Portion, Switch, refuse
from ._problem import shown


class ClassForm(Form):
    """A class of traffic: the part of every link that is reserved for it."""

    share: Portion = Field(description="Part of the lanes of every link, such as 30 %.")
    priority: Count = Field(
        default=1, description="When lanes are lost, 1 keeps its own longest, then 2, and so on."
    )


class TrunkForm(Form):
    """A second level: units with planes of their own, joined by fewer lanes than they have inside."""

    unit: Name = Field(description="The unit that has its own planes, such as a rack.")
    lanes: Count = Field(description="Lanes from one of these units to the others, one direction.")
    link: Name | None = Field(
        default=None, description="The unit whose copies carry these lanes; default: none fails."
    )
    lane_rate: Gbps | None = Field(
        default=None, description="One of these lanes; default: that of the fabric."
    )


def _sides(value: Any) -> tuple[int, ...]:
    whole = isinstance(value, list) and all(type(each) is int for each in value)
    if not whole or not 1 <= len(value) <= 3 or min(value) < 1:
        raise refuse(f"{shown(value)} is no shape", "write one to three numbers such as [4, 4, 4]")
    return tuple(value)


Sides = Annotated[
    tuple[int, ...],
    BeforeValidator(_sides),
    WithJsonSchema(
        {
            "type": "array",
            "items": {"type": "integer", "minimum": 1},
            "minItems": 1,
            "maxItems": 3,
        }
    ),
]


class TorusForm(Form):
    """A torus of cubes, joined by optical circuit switches that are the planes."""

    cube: Sides = Field(description="Accelerators of a parking unit along each dimension.")
    slice: Sides = Field(description="Accelerators of a slice along each dimension.")


class HopRingForm(Form):
    """A ring of nodes whose transceivers switch their light to neighbours at several distances."""

    node: Name = Field(description="The unit that is one node, such as a tray.")
    hops: Count = Field(description="How many places away the farthest neighbour is.")
    closed: Switch = Field(default=True, description="Whether the last node reaches the first.")
