"""The active outages of a replica: a short list, never all components.

Arrays are [slots, lanes]; every lane is one replica. One-hot masks replace scatters because they
stay elementwise, and XLA fuses what is elementwise.
"""

import functools
import operator
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int


_NONE = 1 << 30  # no such slot
_FEW = 4  # rows up to which a choice costs less than a gather
_LONG = 3  # slots from which recomputing a fold costs more than keeping it
EMPTY, SHELF, QUEUE, REPAIR, PASSENGER, HOT = 0, 1, 2, 3, 4, 5  # phases of an outage


class Outages(eqx.Module):
    """Failed components with a job or with a loss.

    SHELF waits for a spare until `time`, QUEUE has waited for a technician since `time`, REPAIR ends at
    `time`, PASSENGER waits for the job of another outage in its FRU, HOT is an excursion (`_heat.py`).
    The other fields are a row of `Places` and of `Classes`; `home` is -1 once a larger swap has renewed
    the component. The last four are those of jobs under rules (`_service.py`), where there are such.
    """

    phase: Int[Array, "slots lanes"]
    time: Float[Array, "slots lanes"]
    duration: Float[Array, "slots lanes"]
    kind: Int[Array, "slots lanes"]
    home: Int[Array, "slots lanes"]
    element: Int[Array, "slots lanes"]
    group: Int[Array, "slots lanes"]
    fru: Int[Array, "slots lanes"]
    fru_low: Int[Array, "slots lanes"]
    fru_high: Int[Array, "slots lanes"]
    loss: Float[Array, "slots lanes"]
    span: Int[Array, "slots lanes"]
    reach: Int[Array, "slots lanes"]
    out_span: Int[Array, "slots lanes"]
    out_reach: Int[Array, "slots lanes"]
    rules: Int[Array, "slots lanes"] | None = None
    guest: Int[Array, "slots lanes"] | None = None
    out_low: Int[Array, "slots lanes"] | None = None
    out_high: Int[Array, "slots lanes"] | None = None


class Latents(eqx.Module):
    """Failed components of groups that are repaired only when short.

    The last four fields are there where some of them may be repaired in a visit (`_service.py`).
    """

    home: Int[Array, "slots lanes"]
    element: Int[Array, "slots lanes"]
    group: Int[Array, "slots lanes"]
    kind: Int[Array, "slots lanes"] | None = None
    row: Int[Array, "slots lanes"] | None = None
    fru_low: Int[Array, "slots lanes"] | None = None
    fru_high: Int[Array, "slots lanes"] | None = None


def rows(values: Array) -> list[Array]:
    """Return the slots one by one: unrolled folds stay elementwise, a reduction would not vectorise."""
    return [values[j] for j in range(values.shape[0])]


def hold(alive: Bool[Array, ""], values):
    """Return the values unchanged, computed once.

    XLA on CPUs fuses every consumer with a copy of its producers, so that a shared value, a
    Threefry block say, is computed again for every slot that reads it; it also removes optimisation
    barriers before it fuses. A conditional stops it. `alive` must be true, and not known to be so when compiling.
    Accelerators fuse into kernels with many outputs and need no such help.
    """
    keep = lambda t: jax.lax.cond(alive, lambda u: u, lambda u: jax.tree.map(jnp.zeros_like, u), t)
    return jax.lax.platform_dependent(values, cpu=keep, default=lambda t: t)


def row_of(table: Any, number: Int[Array, "..."]) -> Any:
    """Return a row of each table in the tree, one for every number.

    A gather goes lane by lane; a choice among few rows takes whole vectors.
    """

    def of(values):
        if values.shape[0] > _FEW:
            return values[number]
        chosen = jnp.broadcast_to(values[0], number.shape)
        for i in range(1, values.shape[0]):
            chosen = jnp.where(number == i, values[i], chosen)
        return chosen

    return jax.tree.map(of, table)


def iota(slots: int) -> Int[Array, "slots 1"]:
    """Return the slot numbers."""
    return jnp.arange(slots, dtype=jnp.int32)[:, None]


def fold(alive: Bool[Array, ""], operation, values: Array) -> Array:
    """Fold over the slots; a long fold is held, lest every slot that reads it computes it again."""
    folded = functools.reduce(operation, rows(values))
    return hold(alive, folded) if values.shape[0] > _LONG else folded


def least(alive: Bool[Array, ""], values: Array) -> Array:
    """Return the least value over the slots, infinity if there are none."""
    if not values.shape[0]:
        return jnp.full(values.shape[1:], jnp.inf)
    return fold(alive, jnp.minimum, values)


def some(alive: Bool[Array, ""], mask: Bool[Array, "slots ..."]) -> Bool[Array, "..."]:
    """Return whether any slot is true."""
    return fold(alive, operator.or_, mask)


def count(alive: Bool[Array, ""], mask: Bool[Array, "slots lanes"]) -> Int[Array, " lanes"]:
    """Return how many slots are true."""
    return fold(alive, operator.add, mask.astype(jnp.int32))


def pick(alive: Bool[Array, ""], mask: Bool[Array, "slots lanes"], values: Array) -> Array:
    """Return the value of the one true slot, 0 if there is none."""
    return fold(alive, operator.add, jnp.where(mask, values, jnp.zeros((), values.dtype)))


def first(alive: Bool[Array, ""], mask: Bool[Array, "slots lanes"]) -> Bool[Array, "slots lanes"]:
    """Return the mask of the first true slot of every lane."""
    slot = iota(mask.shape[0])
    found = functools.reduce(jnp.minimum, rows(jnp.where(mask, slot, _NONE)))
    return slot == hold(alive, found)
