"""One collective of a step as it is written: what is moved, and the algorithms that may move it."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from ._fields import Bytes, Form, Name, Seconds, refuse
from ._problem import shown


ALGORITHMS = {
    "all_reduce": ("optimal", "ring", "recursive", "direct", "tree", "in_switch"),
    "all_gather": ("optimal", "ring", "recursive", "direct"),
    "reduce_scatter": ("optimal", "ring", "recursive", "direct"),
    "all_to_all": ("optimal", "direct"),
    "broadcast": ("optimal", "tree"),
}
"""Algorithms of every operation, those that `fdmc.fabric` has closed forms for."""
_NAMES = tuple(dict.fromkeys(name for names in ALGORITHMS.values() for name in names))


def _algorithms(value: Any) -> tuple[str, ...]:
    names = value if isinstance(value, list) else [value]
    if not names:
        raise refuse("no algorithm", f"write one or more of {', '.join(_NAMES)}")
    for name in names:
        if not isinstance(name, str) or name not in _NAMES:
            raise refuse(f"{shown(name)} is no algorithm", f"write one of {', '.join(_NAMES)}")
        if names.count(name) > 1:
            raise refuse(f"{name} stands there twice", "write it once")
    return tuple(name for name in _NAMES if name in names)


_ONE = {"enum": list(_NAMES)}
_SEVERAL = {"type": "array", "items": _ONE, "minItems": 1, "uniqueItems": True}
AlgorithmField = Annotated[
    Any,
    BeforeValidator(_algorithms),
    WithJsonSchema(
        {"anyOf": [_ONE, _SEVERAL], "description": "Of several the fastest, state by state."}
    ),
]


class CollectiveForm(Form):
    """One collective operation of a step."""

    op: Literal["all_reduce", "all_gather", "reduce_scatter", "all_to_all", "broadcast"]
    size: Bytes = Field(description="Data per accelerator.")
    overlap: Seconds = Field(default=0.0, description="Time hidden behind computation.")
    algorithm: AlgorithmField = ("optimal",)
    latency: Seconds = Field(default=0.0, description="Time of each step of the algorithm.")
    traffic: Name | None = Field(
        default=None, alias="class", description="Its class of traffic (fabric.classes)."
    )
    group: Literal["tensor", "expert", "data"] | None = Field(
        default=None, description="Groups that it runs in (workload.parallel); default: all."
    )

    @model_validator(mode="after")
    def _algorithm_fits(self) -> "CollectiveForm":
        for name in self.algorithm:
            if name not in ALGORITHMS[self.op]:
                of = " and ".join(op for op, names in ALGORITHMS.items() if name in names)
                fits = ", ".join(ALGORITHMS[self.op])
                raise refuse(f"{name} is for {of} only", f"write one or more of {fits}")
        return self


def algorithm_of(form: CollectiveForm) -> str | tuple[str, ...]:
    """The algorithm, or those to choose among in the order of `ALGORITHMS`: how it was written says nothing."""
    return form.algorithm[0] if len(form.algorithm) == 1 else form.algorithm
