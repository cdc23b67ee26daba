"""Numbers of parts, repairs and the job that have a gradient, and why others have none."""

import numpy as np
from jaxtyping import Float, Int

from ..spec import Exponential, Fixed, Gamma, Law, LogNormal, Scenario
from ._plan import Plan
from ._rows import Row


COMPUTE_TIME = "workload.compute"
"""It moves what every state of a history is worth."""
ON_THE_HOST = (
    "workload.checkpoint.interval",
    "workload.checkpoint.write",
    "workload.restart.detect",
    "workload.restart.resume",
)
"""They move goodput at given histories, in closed form."""
FIT_HOURS = 1e9

_SCALED = (Exponential, Gamma, LogNormal)


class GradientError(ValueError):
    """A gradient was asked for where there is none, or none that would be right."""


def other_knobs_of(scenario: Scenario) -> dict[str, tuple[float, str]]:
    """Return the numbers of parts, repairs and the job that have a gradient, by path: their value and unit.

    Rates are in FIT at the reference temperature; a repair time is the mean of an exponential, the scale of a gamma,
    the median of a lognormal law.
    """
    found: dict[str, tuple[float, str]] = {}
    for name, part in scenario.components.items():
        for way in part.mechanisms:
            if isinstance(way.lifetime, Exponential):
                inside = f"mechanisms.{way.name}.rate" if way.name else "rate"
                found[f"components.{name}.{inside}"] = FIT_HOURS / way.lifetime.mean_hours, "FIT"
        if isinstance(part.repair, _SCALED):
            found[f"components.{name}.repair"] = scale_hours(part.repair), "h"
    for name, rule in scenario.service.replace.items():
        if isinstance(rule.time, _SCALED):
            found[f"service.replace.{name}.time"] = scale_hours(rule.time), "h"
    work = scenario.workload
    seconds = (
        work.checkpoint.interval_seconds, work.checkpoint.write_seconds, work.restart.detect_seconds,
        work.restart.resume_seconds,
    )  # fmt: skip
    for path, value in (
        (COMPUTE_TIME, work.compute_seconds),
        *zip(ON_THE_HOST, seconds, strict=True),
    ):
        if value:  # a time of zero moves one way only
            found[path] = value, "s"
    return found


def scale_hours(law: Law) -> float:
    """Return the number that stretches a law in time."""
    match law:
        case Exponential(mean_hours=hours):
            return hours
        case Gamma(scale_hours=hours):
            return hours
        case LogNormal(median_hours=hours):
            return hours
    raise GradientError(f"a {law.kind} law has no gradient in its scale yet.")


def moves_row(path: str, row: Row) -> bool:
    """Whether a rate or a repair time is that of a row."""
    if not row.fails:
        return False
    place, name, *rest = path.split(".")
    if place == "service":  # .replace.NAME.time
        return row.rule.name == rest[0] and row.rule.time is not None
    if rest == ["repair"]:
        return row.component == name and row.rule.time is None
    mechanism = rest[1] if rest[0] == "mechanisms" else ""
    return row.component == name and row.mechanism == mechanism


def refuse_undrawn(plan: Plan, path: str, rows: list[Row], own: np.ndarray) -> None:
    """Raise where repairs are drawn outside the stream of their class, which the score would miss."""
    for i in np.flatnonzero(own):
        row = rows[i]
        if row.rule.opportunistic:
            raise GradientError(
                f"{path}: repairs of '{row.name}' that a visit opens are drawn elsewhere, and their score is not "
                "counted; leave `opportunistic` out, or compare two scenarios (fdmc.compare)."
            )
        chances = np.diff(np.asarray(plan.excursions.which), axis=1, prepend=0.0)
        if chances[:, i].any():
            raise GradientError(
                f"{path}: excursions strike '{row.name}', and the repairs of those failures are drawn elsewhere: their "
                "score is not counted. Leave the excursions out, or compare two scenarios (fdmc.compare)."
            )


def repair_scores(
    rows: list[Row],
) -> tuple[Float[np.ndarray, " rows"], Int[np.ndarray, " rows"], Float[np.ndarray, " rows"]]:
    """Return how the score of each row's repair times follows from the draws.

    **Returns:** the scale of each law in hours, then kind and parameter of its score with respect to the logarithm of
    the scale, for a time of $r$ scales: kind 1, $r$ - parameter (exponential: 1, gamma: its shape); kind 2,
    $\\log r$ / parameter (lognormal: the variance of the logarithm); kind 0, a law without one.
    """
    scales, parameters = np.ones((2, len(rows)))
    kinds = np.zeros(len(rows), np.int32)
    for i, row in enumerate(rows):
        match row.repair:
            case Exponential():
                kinds[i] = 1
            case Gamma(shape=shape):
                kinds[i], parameters[i] = 1, shape
            case LogNormal(sigma=sigma):
                kinds[i], parameters[i] = 2, sigma**2
            case _:
                continue
        scales[i] = scale_hours(row.repair)
    return scales, kinds, parameters


def why_none(scenario: Scenario, path: str) -> str:
    """Say why a number has no gradient."""
    place, _, rest = path.partition(".")
    name, _, field = rest.partition(".")
    part = scenario.components.get(name) if place == "components" else None
    law = None
    if part is not None and field == "rate":
        if len(part.mechanisms) > 1:
            return (
                f"'{name}' fails in several ways; name one, components.{name}.mechanisms.NAME.rate"
            )
        return f"'{name}' wears: the score function sees constant rates only"
    if part is not None and field == "repair":
        law = part.repair
    if path.startswith("service.replace.") and path.endswith(".time"):
        rule = scenario.service.replace.get(path.split(".")[2])
        law = rule.time if rule else None
    if isinstance(law, Fixed):
        return (
            "the repair time is fixed, so that nothing is drawn which could be likelier, and histories jump where "
            "repairs and failures change places; give it a law"
        )
    if law is not None:
        return f"a {law.kind} repair time has no score here yet (exponential, gamma and lognormal have)"
    if path == ON_THE_HOST[0] and scenario.workload.checkpoint.interval_seconds is None:
        return "fdmc chooses the interval for each machine; give a number to move it"
    if path in (COMPUTE_TIME, *ON_THE_HOST):
        return "it is zero, and moves one way only"
    return "counts and thresholds are steps, and other numbers are not differentiated yet"
