"""How a unit's structure is written; its JSON Schema comes from here, its checks from elsewhere.

One mistake in a formula must not hide the next, so the form lets every mapping through.
"""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

from ._fields import Count, Form, Text, refuse
from ._problem import shown


_COPY = r"^[A-Za-z][A-Za-z0-9_-]*(\[[0-9]+\])?$"
_Copies = Annotated[
    str,
    WithJsonSchema(
        {
            "type": "string",
            "pattern": _COPY,
            "description": "A component of the unit, all its copies; or one copy of it.",
            "examples": ["pump", "pump[0]"],
        }
    ),
]


class OrForm(Form):
    """Lost when any of these has failed."""

    any_of: list["OperandField"] = Field(alias="or", min_length=1)


class AndForm(Form):
    """Lost when all of these have failed."""

    all_of: list["OperandField"] = Field(alias="and", min_length=1)


class VoteForm(Form):
    """How many of which."""

    failed: Count = Field(description="How many of them must have failed.")
    of: list["OperandField"] = Field(min_length=1)


class AtLeastForm(Form):
    """Lost when at least so many of these have failed."""

    atleast: VoteForm


class FileForm(Form):
    """A fault tree in a file; its basic events are named like the components of the unit."""

    file: Text = Field(description="Open-PSA .xml or Galileo .dft, seen from the scenario's file.")
    top: Text | None = Field(default=None, description="The top event, when there are several.")


OperandField = OrForm | AndForm | AtLeastForm | _Copies


def _structure(value: Any) -> Any:
    if value is None or isinstance(value, dict | str):
        return value
    raise refuse(
        f"{shown(value)} is no structure", "write one such as {or: [valve, {and: [pump]}]}"
    )


StructureField = Annotated[
    Any,
    BeforeValidator(
        _structure,
        json_schema_input_type=OrForm | AndForm | AtLeastForm | FileForm | _Copies | None,
    ),
]
