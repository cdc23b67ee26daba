"""The job as it is written, and what is done when it loses accelerators: policies, spares, fleets."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from . import _units as units
from ._collective_form import CollectiveForm
from ._fields import (
    LEAST,
    Count,
    Form,
    Gbps,
    Left,
    Name,
    Seconds,
    SecondsMore,
    Switch,
    refuse,
    whole_number,
)
from ._problem import shown


RULES = ("young", "daly")
"""Approximations of the optimal interval that have a name; `optimal` is exact."""
BATCHES = ("balanced", "equal")
FLEET_BATCHES = ("kept", "smaller")
_WORDS = ("degrade", "park", "drop")
_HOW = "write degrade, park, drop, {park: tray}, {elastic: data} or {non_uniform: tensor}"


def _policy(value: Any) -> Any:
    if isinstance(value, str) and value in _WORDS:
        return value
    if isinstance(value, dict):
        if list(value) == ["park"] and isinstance(value["park"], str):
            return value
        if value == {"elastic": "data"}:
            return value
        if value.get("non_uniform") == "tensor" and value.keys() <= {"non_uniform", "batch"}:
            if (batch := value.get("batch", BATCHES[0])) in BATCHES:
                return value
            said = f"{shown(batch)} is no way to share the batch"
            raise refuse(said, "write balanced or equal")
    raise refuse(f"{shown(value)} is no policy", _HOW)


def _only(**properties: Any) -> dict[str, Any]:
    needed = [key for key in properties if key != "batch"]
    return {
        "type": "object",
        "properties": properties,
        "required": needed,
        "additionalProperties": False,
    }


PolicyField = Annotated[
    Any,
    BeforeValidator(_policy),
    WithJsonSchema(
        {
            "anyOf": [
                {"enum": list(_WORDS)},
                _only(park={"type": "string", "description": "The unit that is parked whole."}),
                _only(elastic={"const": "data"}),
                _only(non_uniform={"const": "tensor"}, batch={"enum": list(BATCHES)}),
            ]
        }
    ),
]


def _interval(value: Any) -> Any:
    if value == "optimal":
        return None
    if isinstance(value, str) and value in RULES:
        return value
    try:
        return units.quantity(value, units.SECONDS, LEAST)
    except units.QuantityError as error:
        raise refuse(error.message, error.suggestion) from None


IntervalField = Annotated[
    Any,
    BeforeValidator(_interval),
    WithJsonSchema(
        {
            "type": "string",
            "description": "A time with its unit, or a rule.",
            "examples": ["optimal", *RULES, "30 min"],
        }
    ),
]


class AboveForm(Form):
    """Reconfigure when it brings back more than this."""

    loss_above: Left | None = Field(
        default=None, description="Share of the healthy work rate, such as 5 %."
    )


def _when(value: Any) -> Any:
    if value == "optimal":
        return {}
    if isinstance(value, dict) and value.get("loss_above") is not None:
        return value
    raise refuse(f"{shown(value)} is no rule", "write optimal or {loss_above: 5 %}")


WhenField = Annotated[
    AboveForm, BeforeValidator(_when, json_schema_input_type=Literal["optimal"] | AboveForm)
]


class ReconfigureForm(Form):
    """What an optical circuit switch takes to join other accelerators or ports."""

    switch: Seconds = Field(default=0.0, description="Time in which the mirrors move.")
    bring_up: Seconds = Field(default=0.0, description="Time until the new links carry data.")
    spares: list[Name] = Field(
        default=[], description="Counted parts whose spares step in only by a reconfiguration."
    )
    when: WhenField | None = Field(
        default=None, description="When spares are switched in; default: optimal."
    )
    restart: Switch = Field(
        default=True, description="Whether the job restarts from its checkpoint then, or waits."
    )


class CheckpointForm(Form):
    """Saving the state of the job."""

    write: Seconds = Field(default=0.0, description="Time that one checkpoint stops the job.")
    interval: IntervalField = Field(
        default=None, description="Run time between checkpoints, or optimal, young or daly."
    )


class RestartForm(Form):
    """Getting back to work after an interruption."""

    detect: Seconds = Field(default=0.0, description="Time to notice.")
    resume: Seconds = Field(default=0.0, description="Time to load and run again.")


class ParallelForm(Form):
    """How the job divides its accelerators, in the order of their numbers."""

    tensor: Count = Field(default=1, description="Accelerators of a tensor group, consecutive.")
    data: Count = Field(default=1, description="Replicas, equal consecutive blocks.")
    expert: Count | None = Field(default=None, description="Accelerators of an expert group.")


class ScaleOutForm(Form):
    """The network between domains."""

    rate: Gbps = Field(description="Of one accelerator, one direction.")


class DomainsForm(Form):
    """Domains that do one job together, and what the others do when one of them stops."""

    count: Count = Field(description="Equal domains of the fleet.")
    on_stop: Literal["stop", "leave"] = Field(
        default="stop",
        description="stop: a stop of any domain stops all. leave: the others go on without it.",
    )
    stall: Seconds | None = Field(
        default=None,
        description="Time for which the others wait when one leaves, until they are a new group.",
    )
    minimum: Count | None = Field(
        default=None, description="Domains below which the fleet waits; default: 1."
    )
    batch: Literal["kept", "smaller"] | None = Field(
        default=None,
        description="What those that are left do: all of the batch (default), or their part of it.",
    )


def _domains(value: Any) -> Any:
    return value if isinstance(value, dict) else {"count": whole_number(value)}


DomainsField = Annotated[
    DomainsForm,
    BeforeValidator(_domains, json_schema_input_type=Count | DomainsForm),
]


class WorkloadForm(Form):
    """The job."""

    compute: SecondsMore = Field(default=1.0, description="Computation of one step.")
    collectives: list[CollectiveForm] = Field(default=[], description="Collectives of one step.")
    checkpoint: CheckpointForm = Field(default_factory=CheckpointForm)
    restart: RestartForm = Field(default_factory=RestartForm)
    slice: Count = Field(
        default=1, description="Parking units (or accelerators) that work only together."
    )
    minimum: Count = Field(default=1, description="Accelerators below which no work is done.")
    uses: Count | None = Field(
        default=None, description="Accelerators of the job; the others are hot spares."
    )
    parallel: ParallelForm | None = Field(
        default=None, description="Tensor, data and expert groups, for policies and collectives."
    )
    domains: DomainsField | None = Field(
        default=None,
        description="Equal domains that do one job together, a fleet: how many, or a mapping.",
    )
    scale_out: ScaleOutForm | None = Field(
        default=None, description="The network between domains, for collectives of group data."
    )
