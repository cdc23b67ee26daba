"""The capacity reading: what a degraded structure still delivers."""

from collections.abc import Sequence

import jax.numpy as jnp
from jaxtyping import Array, Float

from ...logic import Kind, Structure


def capacity(structure: Structure, live: Float[Array, "events ..."]) -> Float[Array, "roots ..."]:
    """Return the live capacity of every root from that of the events.

    **Arguments:** `live`, capacity of each event in any one unit (lanes, Gb/s, kW); 0 has failed.

    OR, which any failure fails, is a chain: the least. AND, which only all failures fail, shares its load: the sum. A
    vote that k of n failures fail needs m = n - k + 1: the sum of the m largest, so that spares replace losses
    and what is lost beyond them is lost in proportion. A shared gate gives each of its readers all that it has.

    **Raises:** ValueError for negation and exclusive or, under which a failure would add capacity.
    """
    zero = jnp.zeros(live.shape[1:], live.dtype)
    never = jnp.full(live.shape[1:], jnp.inf, live.dtype)
    value = [zero, *(live[i] for i in range(live.shape[0]))]

    def read(literal: int) -> Array:
        if literal == 1:  # the constant true: has failed
            return zero
        if literal == 0:  # the constant false: never limits, never adds
            return never
        if literal & 1:
            raise ValueError("capacity is defined for coherent trees; this one has a negation.")
        return value[literal >> 1]

    for gate, kind in enumerate(structure.kind):
        args = [read(int(a)) for a in structure.arguments(gate)]
        value.append(_delivered(Kind(kind), int(structure.need[gate]), args))
    return jnp.stack([read(int(root)) for root in structure.roots])


def _delivered(kind: Kind, need: int, args: Sequence[Array]) -> Array:
    if kind is Kind.XOR:
        raise ValueError("capacity is defined for coherent trees; this one has an exclusive or.")
    stacked = jnp.stack(args)
    if kind is Kind.OR:
        return stacked.min(0)
    if kind is Kind.AND:
        return stacked.sum(0)
    return jnp.sort(stacked, axis=0)[need - 1 :].sum(0)
