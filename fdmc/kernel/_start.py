"""The state of a history, and the machine as it is when everything is new."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, UInt32

from ..plan import OPPORTUNISTIC, Plan
from ._draw import U32, exponential, threefry2x32
from ._entries import Latents, Outages, iota
from ._heat import window_starts
from ._latent import first_ages, numbered
from ._outcome import Bounds, Outcome, window_hours
from ._policy import Crew, first_crew
from ._renewal import Renewals, after, hours_of
from ._supply import machine
from ._visits import NOWHERE


class State(eqx.Module):
    """What a history knows of itself at some moment, a column a replica."""

    now: Float[Array, " lanes"]
    clock: Float[Array, "classes lanes"]
    age: Float[Array, "wearing lanes"]
    candidates: UInt32[Array, "classes lanes"]
    shelf: Float[Array, "spares lanes"]  # when each spare is on the shelf again
    outages: Outages
    latents: Latents
    renewals: Renewals
    swaps: UInt32[Array, " lanes"]
    windows: Float[Array, "windows lanes"]  # where each begins
    struck: UInt32[Array, " lanes"]  # draws for strikes so far
    passed: Int[Array, " lanes"]  # edges of the environment's steps
    used: Int[Array, "groups lanes"]  # spares that test has used
    package: (
        Int[Array, "groups lanes"] | None
    )  # where each group comes from, if latent defects count
    taken: Int[Array, " lanes"]  # packages from the factory so far
    available: Float[Array, " lanes"]
    # Class of the failure just before, -1 after a timer, -2 a season, -3 - class after a start of scheduled work.
    failed: Int[Array, " lanes"]
    joined: UInt32[Array, " lanes"]  # jobs that visits have opened so far
    out: Outcome
    crew: Crew | None = None  # with hot spares
    switched: Float[Array, " lanes"] | None = None  # spares that circuits have brought in


def _shelf(plan: Plan, lanes: int):
    """Return when each spare is on the shelf for the first time."""
    empty = jnp.zeros((sum(plan.stock), lanes), jnp.float32)
    return empty if plan.shelf is None else empty + plan.shelf[:, None]


def _packages(plan: Plan) -> int:
    """Return how many packages are in the machine."""
    assert plan.supply is not None
    return plan.supply.homes.shape[0] // plan.supply.factory.dies


def start(plan: Plan, keys, replica, bounds: Bounds, pool) -> State:
    """Return the state in which all components are new."""
    lanes = replica.shape[0]
    c, w, a = plan.classes, plan.wearing, bounds.outages
    n_classes = c.positions.shape[0]
    slot, own = jnp.zeros((n_classes, lanes), U32), keys[:n_classes]
    words = threefry2x32((own[:, :1], own[:, 1:]), (replica[None], slot))
    unit = exponential(*words) / c.positions[:, None].astype(jnp.float32)
    clock = unit * c.mean_hours[:, None]
    steady = n_classes - w
    if plan.latent:
        unit = first_ages(plan, pool, unit)
    age = unit[steady:]
    if w:
        wear = [hours_of(plan, i, age[i]) for i in range(w)]
        clock = jnp.concatenate([clock[:steady], jnp.stack(wear)])
    clock = after(plan, iota(n_classes), jnp.zeros(()), clock)
    if plan.scheduled:
        begins = jnp.broadcast_to(plan.service.first_hours[:, None], (plan.scheduled, lanes))
        clock = jnp.concatenate([clock[: plan.hot], begins, clock[plan.hot + plan.scheduled :]])

    def ints(n, fill=0):
        return jnp.full((n, lanes), fill, jnp.int32)

    def floats(n, fill=0.0):
        return jnp.full((n, lanes), fill, jnp.float32)

    outages = Outages(
        phase=ints(a), time=floats(a, jnp.inf), duration=floats(a), kind=ints(a), home=ints(a, -1),
        element=ints(a, -1), group=ints(a, -1), fru=ints(a), fru_low=ints(a, -1),
        fru_high=ints(a, -1), loss=floats(a),
        span=ints(a), reach=ints(a), out_span=ints(a), out_reach=ints(a, -1),
        rules=ints(a) if plan.rules else None,
    )  # fmt: skip
    if OPPORTUNISTIC in plan.rules:
        more = (ints(a), ints(a, -1), ints(a, -1))
        outages = eqx.tree_at(
            lambda t: (t.guest, t.out_low, t.out_high), outages, more, is_leaf=lambda t: t is None
        )
    n = bounds.latents if False in plan.counted else 0
    visits = (ints(n), ints(n), ints(n, NOWHERE), ints(n, NOWHERE)) if plan.joins else ()
    latents = Latents(ints(n, -1), ints(n, -1), ints(n, -1), *visits)
    r = bounds.renewals if w else 0
    renewals = Renewals(
        ints(r, -1), ints(r, -1), floats(r), ints(r), ints(r),
        jnp.zeros((w, r, lanes)), jnp.full((w, r, lanes), jnp.inf),
        *((jnp.zeros((len(plan.latent), r, lanes), jnp.int32), ints(r)) if plan.latent else ()),
        swapped=None if plan.wear.homes is None else floats(plan.wear.homes.shape[0], -1.0),
    )  # fmt: skip
    zero, none = jnp.zeros(lanes), jnp.zeros(lanes, jnp.int32)
    tallies = jnp.zeros((n_classes, lanes), U32)
    out = Outcome(
        zero, zero, zero, zero, zero, floats(len(plan.collectives)), floats(n_classes), zero,
        floats(bounds.bins), zero, floats(bounds.windows), tallies, tallies, tallies,
        none, none, tallies[:0], none, tallies if plan.joins else tallies[:0],
        none if plan.reconfiguration is not None else None,
    )  # fmt: skip
    return State(
        now=zero, clock=clock, age=age, candidates=jnp.ones((n_classes, lanes), U32),
        shelf=_shelf(plan, lanes), outages=outages, latents=latents, renewals=renewals,
        swaps=jnp.zeros(lanes, U32),
        windows=window_starts(plan, keys, replica, bounds.windows, window_hours(plan, bounds)),
        struck=jnp.zeros(lanes, U32), passed=jnp.zeros(lanes, jnp.int32),
        used=machine(plan, pool.lost) if plan.made else jnp.zeros((0, lanes), jnp.int8),
        package=numbered(plan, pool) if plan.latent else None,
        taken=none + (_packages(plan) if plan.made else 0),
        available=jnp.full(lanes, float(plan.workers)),
        failed=none - 1, joined=jnp.zeros(lanes, U32), out=out,
        crew=first_crew(plan, lanes) if plan.job.uses else None,
        switched=zero if plan.reconfiguration is not None else None,
    )  # fmt: skip
