"""One group of exchangeable components with technicians: a count is the whole state.

Exponential lifetimes and repairs make it a birth-death chain, drawn event by event (Gillespie). Cost a
step: one Threefry block, one logarithm, about twenty operations; nothing is stored but three words a replica.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, UInt32

from ..plan import AnyArray
from ._draw import U32, exponential, threefry2x32
from ._entries import hold


_BLOCK = 2  # occurrences a pass: more, and their draws no longer stay in cache


class Population(eqx.Module):
    """`count` components with rates per hour; more than `spares` failed is short."""

    count: Float[AnyArray, ""]
    spares: Float[AnyArray, ""]
    failure_rate: Float[AnyArray, ""]
    repair_rate: Float[AnyArray, ""]
    technicians: Float[AnyArray, ""]
    mission_hours: Float[AnyArray, ""]


def population(
    plan: Population, key: UInt32[Array, "2"], replica: UInt32[Array, " lanes"]
) -> tuple[Float[Array, " lanes"], Int[Array, " lanes"]]:
    """Return the hours spent short, and the number of occurrences (failures and repairs)."""
    end = plan.mission_hours
    clock = jnp.zeros(replica.shape)
    none = jnp.zeros(replica.shape, jnp.int32)

    def step(state):
        now, failed, occurrences, short, i = state
        slots = [i * U32(_BLOCK) + U32(k) for k in range(_BLOCK)]
        words = [
            threefry2x32((key[0], key[1]), (replica, jnp.broadcast_to(s, replica.shape)))
            for s in slots
        ]
        units = [exponential(a, U32(1 << 31)) for a, _ in words]
        chances = [(b >> 8).astype(jnp.float32) * 2.0**-24 for _, b in words]
        for unit, chance in hold(end > 0, list(zip(units, chances, strict=True))):
            down = failed.astype(jnp.float32)
            up = (plan.count - down) * plan.failure_rate
            total = up + jnp.minimum(down, plan.technicians) * plan.repair_rate
            then = jnp.minimum(now + unit / total, end)
            short = short + jnp.where(down > plan.spares, then - now, 0)
            going = then < end
            failed = failed + jnp.where(going, jnp.where(chance * total < up, 1, -1), 0)
            occurrences = occurrences + going
            now = then
        return now, failed, occurrences, short, i + 1

    start = (clock, none, none, clock, U32(0))
    state = jax.lax.while_loop(lambda s: jnp.any(s[0] < end), step, start)
    return state[3], state[2]
