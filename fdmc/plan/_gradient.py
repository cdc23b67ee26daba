"""How the leaves of a plan move with a number of the scenario, by automatic differentiation."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from ..spec import Exponential, Mechanism, RingLink, Scenario
from ._arrays import AnyArray
from ._effects import Effects
from ._excursions import tail_hours
from ._heat import Heat, float_is, steps_of
from ._knobs import (
    COMPUTE_TIME,
    ON_THE_HOST,
    GradientError,
    moves_row,
    other_knobs_of,
    refuse_undrawn,
    why_none,
)
from ._latent import latent_rows
from ._plan import Plan
from ._rows import Row, rows_of


class Sensitivity(eqx.Module):
    """Derivatives of the leaves of a plan with respect to one number.

    `log_rate` is that of each class's rate of failure, over its rate between excursions: those are the failures that
    the score counts, and what excursions add is taken to be lost as they are. `log_repair` is that of the scale of each
    class's drawn repair times. The others are those of the fields of the same name.
    """

    log_rate: Float[AnyArray, " classes"]
    log_repair: Float[AnyArray, " classes"]
    lost: Float[AnyArray, "seasons grid"]
    tail_hours: Float[AnyArray, " excursions"]
    compute_seconds: Float[AnyArray, ""]


def knobs_of(scenario: Scenario) -> dict[str, tuple[float, str]]:
    """Return the numbers of heat and light that have a gradient, by path: their value and unit.

    `other_knobs_of` has the numbers of single parts, repairs and the job.
    """
    found: dict[str, tuple[float, str]] = {}
    t = scenario.thermal
    if t is not None:
        found["thermal.coolant"] = (t.coolant_kelvin, "K")
        found["thermal.air"] = (t.air_kelvin, "K")
        if isinstance(t.link, RingLink):
            found["thermal.link.ring.top"] = (t.link.top_kelvin, "K")
            found["thermal.link.ring.range"] = (t.link.range_kelvin, "K")
    for name, part in scenario.components.items():
        if part.at_kelvin is not None:
            found[f"components.{name}.at"] = (part.at_kelvin, "K")
        if any(m.current_exponent or m.drive for m in part.mechanisms):
            found[f"components.{name}.current"] = (part.current or 1.0, "1")
    return found


def sensitivity(scenario: Scenario, plan: Plan, path: str) -> Sensitivity:
    """Return how the plan of a scenario moves with the number at `path`, per its unit (kelvin, or ratio).

    **Raises:** `GradientError` for a number without a gradient, and where it moves what no estimator sees: the life of
    a class that wears, or a class that ages differently in the steps of an environment.
    """
    known = knobs_of(scenario)
    effects = Effects(scenario)
    rows = rows_of(scenario, effects)
    rows += latent_rows(scenario, effects, rows)
    still = Sensitivity(
        np.zeros(len(rows)),
        np.zeros(len(rows)),
        np.zeros(np.shape(plan.excursions.lost)),
        np.zeros(np.shape(plan.excursions.tail_hours)),
        np.zeros(()),
    )
    if path in other_knobs_of(scenario):
        return _of_other(scenario, plan, path, rows, still)
    if path not in known:
        have = ", ".join([*known, *other_knobs_of(scenario)])
        raise GradientError(
            f"{path} has no gradient: {why_none(scenario, path)}. These have one: {have or 'none'}."
        )
    value, _ = known[path]

    def leaves(x):
        heat = Heat(scenario, {path: x})
        rates = jnp.stack([jnp.asarray(_rate(heat, row), float) for row in rows])
        t = scenario.thermal
        kinds = () if t is None else t.excursions
        tails = [jnp.asarray(tail_hours(heat, e), float) for e in kinds]
        lost = jnp.asarray(heat.lost_by_season, float)
        return rates, lost, jnp.stack(tails) if tails else jnp.zeros(0)

    at = jnp.asarray(value, float)
    rates, lost, tails = jax.jvp(leaves, (at,), (jnp.ones_like(at),))[1]
    here = Heat(scenario, {})
    rates = np.asarray(rates) / [float(_rate(here, row, quiet=True)) or 1.0 for row in rows]
    _refuse_unseen(scenario, rows, rates, path)
    moving = lambda s: (s.log_rate, s.lost, s.tail_hours)
    return eqx.tree_at(moving, still, (rates, np.asarray(lost), np.asarray(tails)))


def _of_other(
    scenario: Scenario, plan: Plan, path: str, rows: list[Row], still: Sensitivity
) -> Sensitivity:
    """Return how the plan moves with the rate of a part, a repair time, or a number of the job."""
    value, unit = other_knobs_of(scenario)[path]
    if path == COMPUTE_TIME:
        return eqx.tree_at(lambda s: s.compute_seconds, still, np.ones(()))
    if path in ON_THE_HOST:
        return still
    own = np.array([moves_row(path, row) for row in rows])
    if not own.any():
        raise GradientError(
            f"{path} moves nothing in this machine: no part is there, or a rule with a time of its own."
        )
    if unit == "h":
        refuse_undrawn(plan, path, rows, own)
        return eqx.tree_at(lambda s: s.log_repair, still, own / value)
    heat = Heat(scenario, {})
    # Excursions strike a part that fails more often more often, too.
    shares = [
        float(_rate(heat, row)) / (float(_rate(heat, row, quiet=True)) or 1.0) if mine else 0.0
        for row, mine in zip(rows, own, strict=True)
    ]
    log_rate = np.array(shares) / value
    _refuse_unseen(scenario, rows, log_rate, path)
    return eqx.tree_at(lambda s: s.log_rate, still, log_rate)


def _rate(heat: Heat, row: Row, quiet: bool = False):
    """A number proportional to the failure rate of a row; failures that excursions add enter by their mean.

    **Arguments:** `quiet`, between excursions.
    """
    if not row.fails:
        return 1.0
    mechanism = _mechanism(heat.scenario, row)
    if heat.thermal is not None and mechanism.cycling is not None:
        if "cycling" not in heat.thermal.effects:
            return 1.0
        damage = heat.damage(row.unit, row.component, mechanism.cycling)
        known = heat.temperatures(row.unit, row.component) is not None
        fatigue = sum(damage.values()) if known else 1.0
        if float_is(fatigue, 0.0):  # nothing cycles it
            return 1.0
    else:
        fatigue = 1.0
    speed = heat.speed if quiet else heat.hot_speed
    steps = steps_of(heat.scenario, row.unit)  # where they differ, there is no gradient
    shift = steps[0].shift_kelvin if steps else 0.0
    return fatigue * speed(row.unit, row.component, mechanism, shift)


def _mechanism(scenario: Scenario, row: Row) -> Mechanism:
    mechanisms = scenario.components[row.component].mechanisms
    return next(m for m in mechanisms if m.name == row.mechanism)


def _refuse_unseen(scenario: Scenario, rows: list[Row], rates: np.ndarray, path: str):
    for row, moves in zip(rows, rates, strict=True):
        if moves == 0:
            continue
        if not isinstance(row.lifetime, Exponential):
            raise GradientError(
                f"{path} moves the life of '{row.name}', which wears: the score function sees constant rates only. "
                "Give it an exponential life, or compare two scenarios (fdmc.compare)."
            )
        if row.exposure is not None:
            raise GradientError(
                f"{path} moves '{row.name}' differently in each step of the environment, which the score function "
                "does not see; leave the environment out, or compare two scenarios (fdmc.compare)."
            )
