"""What a history came to: integrals over the mission, and counts."""

import dataclasses
import operator
from typing import Protocol, runtime_checkable

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, UInt32

from ..plan import Plan
from ._domain import Domain
from ._draw import U32
from ._entries import fold, iota, some


OUTAGES_FULL, LATENTS_FULL, RENEWALS_FULL, COUNTS_FULL, PACKAGES_FULL = (
    1,
    2,
    4,
    8,
    16,
)  # status bits


@runtime_checkable
class Moment(Protocol):
    """What the integrals need of the state of a history."""

    now: Float[Array, " lanes"]
    windows: Float[Array, "windows lanes"]
    available: Float[Array, " lanes"]
    failed: Int[Array, " lanes"]
    switched: Float[Array, " lanes"] | None
    out: "Outcome"


@dataclasses.dataclass(frozen=True)
class Bounds:
    """How many active outages, latent failures and renewals a replica may have; time bins and windows.

    And how many packages its factory may start.
    """

    outages: int = 8
    latents: int = 16
    renewals: int = 16
    bins: int = 0
    windows: int = 0
    packages: int = 0


class Outcome(eqx.Module):
    """One replica's facts. Hours are over the mission; `status` is 0 when no bound was hit.

    `failures` counts occurrences (low 16 bits) and jobs (high 16 bits) of a class, `hits` those that
    took something (low) and of these the ones that opened a job (high); `stops` the interruptions.
    `dark_hours` integrates the share of all lanes that heat darkens, `window_hours` the same in windows of time;
    `steady_hours` is the blame of what is dark all the time. `candidates` counts those that the clock of
    each class has given, void ones included: a Poisson process where the rate is constant. `visits` counts the
    jobs that visits have opened for failures that a spare covers. Of scheduled work, `failures` counts how often it
    fell due, and `stops` its drains.
    """

    lost_hours: Float[Array, " lanes"]
    unused_hours: Float[Array, " lanes"]
    impaired_hours: Float[Array, " lanes"]
    idle_hours: Float[Array, " lanes"]
    inexact_hours: Float[Array, " lanes"]
    slowed_hours: Float[Array, "collectives lanes"]
    blame_hours: Float[Array, "classes lanes"]
    steady_hours: Float[Array, " lanes"]
    curve_hours: Float[Array, "bins lanes"]
    dark_hours: Float[Array, " lanes"]
    window_hours: Float[Array, "windows lanes"]
    failures: UInt32[Array, "classes lanes"]
    hits: UInt32[Array, "classes lanes"]
    stops: UInt32[Array, "classes lanes"]
    drains: Int[Array, " lanes"]
    steps: Int[Array, " lanes"]
    candidates: UInt32[Array, "_ lanes"]
    status: Int[Array, " lanes"]
    visits: UInt32[Array, "_ lanes"]
    reconfigurations: Int[Array, " lanes"] | None = None  # of the stops, those to switch spares in


def accumulate(plan: Plan, s: Moment, now: Domain, kind, until, going, steady) -> Outcome:
    """Integrate the state that has lasted since the last occurrence, and count what it interrupted."""
    o = s.out
    since = jnp.maximum(s.now, plan.run_in_hours)
    hours = jnp.where(going, jnp.maximum(until - since, 0), 0)
    lost = (1 - now.rate) * hours
    idle, hurt = now.rate <= 0, some(plan.alive, now.weight > 0)
    # What is dark all the time has its share of the blame too.
    steady = plan.accelerators * steady
    active = fold(plan.alive, operator.add, now.weight) + steady
    share = lost * plan.accelerators / jnp.maximum(active, 1e-20)
    cls = jnp.arange(o.blame_hours.shape[0])[:, None]
    blame = o.blame_hours
    for j in range(now.weight.shape[0]):
        blame = blame + jnp.where(cls == kind[j], now.weight[j] * share, 0)
    dropped = now.available < s.available if now.fell is None else now.fell
    fell = dropped
    if (
        now.switched is not None and s.switched is not None
    ):  # by whole spares, whatever the rounding
        fell = dropped | (now.switched > s.switched + 0.5)
    fell = going & fell & (s.now >= plan.run_in_hours)
    drained, stopped = s.failed == -1, cls == s.failed
    if plan.scheduled:
        drained = drained | (s.failed <= -3)
        stopped = stopped | (cls == -3 - s.failed)
    bins = o.curve_hours.shape[0]
    curve = o.curve_hours
    if bins:
        width = plan.mission_hours / bins
        left = plan.run_in_hours + jnp.arange(bins)[:, None] * width
        overlap = jnp.minimum(until, left + width) - jnp.maximum(s.now, left)
        curve = curve + jnp.where(going, (1 - now.rate) * jnp.maximum(overlap, 0), 0)
    return Outcome(
        lost_hours=o.lost_hours + lost,
        unused_hours=o.unused_hours + (1 - now.used / plan.workers) * hours,
        impaired_hours=o.impaired_hours + jnp.where(hurt, hours, 0),
        idle_hours=o.idle_hours + jnp.where(idle, hours, 0),
        inexact_hours=o.inexact_hours + jnp.where(now.exact, 0, hours),
        slowed_hours=o.slowed_hours + jnp.where(idle, 0, 1 - now.efficiency) * hours,
        blame_hours=blame,
        steady_hours=o.steady_hours + steady * share,
        curve_hours=curve,
        dark_hours=o.dark_hours,
        window_hours=o.window_hours,
        failures=o.failures,
        hits=o.hits,
        stops=o.stops + (fell & stopped),
        drains=o.drains + (fell & drained),
        steps=o.steps + going,
        candidates=o.candidates,
        status=o.status,
        visits=o.visits,
        reconfigurations=None
        if o.reconfigurations is None
        else o.reconfigurations + (fell & ~dropped & (s.failed >= 0)),
    )


def window_hours(plan: Plan, bounds: Bounds):
    """Return how long a window of time lasts: an hour, in short missions less."""
    return jnp.minimum(1.0, plan.mission_hours / max(bounds.windows, 1))


def darkness(plan: Plan, bounds: Bounds, s: Moment, out: Outcome, dark, until, going) -> Outcome:
    """Integrate the lanes that heat has darkened since the last occurrence."""
    since = jnp.maximum(s.now, plan.run_in_hours)
    hours = jnp.where(going, jnp.maximum(until - since, 0), 0)
    overlap = jnp.minimum(until, s.windows + window_hours(plan, bounds)) - jnp.maximum(
        s.now, s.windows
    )
    inside = jnp.where(going, dark * jnp.maximum(overlap, 0), 0)
    return eqx.tree_at(
        lambda o: (o.dark_hours, o.window_hours),
        out,
        (out.dark_hours + dark * hours, out.window_hours + inside),
    )


def count_failure(out: Outcome, cls, valid, opens, takes, status) -> Outcome:
    at = iota(out.failures.shape[0]) == cls
    job = jnp.where(opens, U32(1 << 16), U32(0))
    failures = out.failures + jnp.where(at & valid, 1 + job, 0)
    hits = out.hits + jnp.where(at & valid & takes, 1 + job, 0)
    full = jnp.any((failures & U32(0xFFFF)) == U32(0xFFFF), 0)
    status = out.status | status | jnp.where(full, COUNTS_FULL, 0)
    return eqx.tree_at(lambda t: (t.failures, t.hits, t.status), out, (failures, hits, status))
