"""Spares that optical circuits bring in: run on what is left, or stop, switch, and run on."""

import dataclasses

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from ..plan import Plan
from ._domain import Domain, domain
from ._entries import fold, hold
from ._losses import Losses
from ._policy import Crew


def delivered(
    plan: Plan,
    losses: Losses,
    kind: Int[Array, "slots lanes"],
    away: Bool[Array, "slots lanes"],
    light: Float[Array, " lanes"] | None = None,
    crew: Crew | None = None,
) -> Domain:
    """Return what the machine delivers, the better of both ways where spares wait to be switched in.

    **Arguments:** as for `domain`; `kind` is the class of each slot, `away` are those whose repair takes out more than
    they have lost. The loss of a switched group is that without its spares, and may exceed one.
    """
    r = plan.reconfiguration
    if r is None:
        return domain(plan, losses, light, crew)
    spares = losses.active & ~away & r.switched[kind]
    relief = jnp.where(spares, r.relief[kind], 0)
    spares, relief = hold(plan.alive, (spares, relief))
    rough = _lose(losses, jnp.minimum(losses.loss, 1))
    healed = _lose(losses, jnp.clip(losses.loss - relief, 0, 1))
    stay, switch = (hold(plan.alive, domain(plan, state, light, crew)) for state in (rough, healed))
    gain = switch.rate - stay.rate
    longest = fold(plan.alive, jnp.maximum, jnp.where(spares, r.outage_hours[kind], 0))
    pays = gain * longest > switch.rate * r.stop_hours
    pays = hold(plan.alive, (gain > 0) & jnp.where(r.above < 0, pays, gain > r.above))
    now = jax.tree.map(lambda a, b: jnp.where(pays, a, b), switch, stay)
    brought = jnp.minimum(losses.loss, relief) / jnp.maximum(plan.classes.share[kind], 1e-20)
    number = fold(plan.alive, jnp.add, jnp.where(spares, brought, 0))
    return dataclasses.replace(now, switched=jnp.where(pays, number, 0))


def _lose(losses: Losses, loss) -> Losses:
    return dataclasses.replace(losses, loss=loss, active=losses.active & (loss > 0))
