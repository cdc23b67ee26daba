import dataclasses
from collections.abc import Callable

import numpy as np
from jaxtyping import Array, Bool, Float
from scipy import stats

from ._checkpoint import Number, ettr_wall, namespace


Answer = Bool[Array, "..."] | Bool[np.ndarray, "..."] | bool | np.bool_


def job_mttf_hours(failures_per_unit_hour: Number, units: Number = 1) -> Number:
    """Mean time between interruptions of a job that every failure of any of its units stops.

    **Arguments:**

    - `failures_per_unit_hour`: failures per hour of one unit (an accelerator, a node).
    - `units`: number of units in the job, one when the rate is that of the whole job.

    **Returns:**

    Hours, on the clock of the rate: $1 / (\\lambda n)$, infinite for a rate of zero. Exact for constant hazards,
    and for renewals of any law over a long time.

    !!! example

        ```python
        from fdmc.workload import job_mttf_hours

        assert abs(job_mttf_hours(6.50 / 1000 / 24, 16_384 / 8) - 1.8) < 0.01
        ```
    """
    xp = namespace(failures_per_unit_hour, units)
    rate = xp.asarray(failures_per_unit_hour) * units
    return xp.where(rate > 0, 1 / xp.where(rate > 0, rate, 1.0), xp.inf)[()]


def kept_share(failed_prob: Number, group: Number) -> Number:
    """Expected share of accelerators that stay in use when one failure takes its whole group.

    **Arguments:**

    - `failed_prob`: probability $f$ that one member has failed, independently of the others.
    - `group`: members $n$ that go out of use together.

    **Returns:**

    $(1-f)^n$. The policies differ in the group: dropping a domain, the $n$ accelerators of the domain;
    parking an accelerator that has lost a link, its $K$ links; non-uniform tensor parallelism, where
    the others of the domain take over the work, the accelerator alone, $1 - f$.

    !!! example

        ```python
        from fdmc.workload import kept_share

        assert abs(kept_share(1e-3, 64) - 0.938) < 1e-3
        assert abs(576 * (1 - kept_share(1e-3, 18)) - 10.3) < 0.05
        ```
    """
    xp = namespace(failed_prob, group)
    certain = xp.asarray(failed_prob) >= 1
    log_intact = xp.log1p(-xp.where(certain, 0.0, failed_prob))
    return xp.where(certain, 0.0, xp.exp(group * log_intact))[()]


def removing_pays(removed_share: Number, slow_down: Number) -> Answer:
    """Whether to take impaired accelerators out of the job rather than run degraded with them.

    **Arguments:**

    - `removed_share`: share of the accelerators that would go: those parked, or a dropped domain.
    - `slow_down`: step time with them over step time of the rest, $s \\ge 1$.

    **Returns:**

    Whether $1 - x > 1/s$: what the rest does exceeds what all do at the pace of the slowest.

    !!! example

        ```python
        from fdmc.workload import removing_pays

        assert removing_pays(1 / 72, 1.06) and not removing_pays(1 / 72, 1.01)
        ```
    """
    return (1 - removed_share) * slow_down > 1


def rerouting_pays(
    slow_down: Number, *, repair_hours: Number, restart_hours: Number, interval_hours: Number
) -> Answer:
    """Whether to run over the remaining paths until the repair rather than reconfigure and restart.

    **Arguments:**

    - `slow_down`: step time on the remaining paths over the healthy one, $s \\ge 1$.
    - `repair_hours`: time until the repair.
    - `restart_hours`: time $R$ to reconfigure and resume.
    - `interval_hours`: work between two checkpoints, $\\tau$; half of it is repeated.

    **Returns:**

    Whether $(s - 1) T_\\text{repair} < R + \\tau/2$: how much longer the work of `repair_hours` healthy
    hours takes, against the restart and the work that it repeats on average. The reconfigured job is
    taken to run at full speed.

    !!! example

        ```python
        from fdmc.workload import rerouting_pays

        rest = dict(restart_hours=0.1, interval_hours=0.5)
        assert rerouting_pays(1.06, repair_hours=4.0, **rest)
        assert not rerouting_pays(1.06, repair_hours=24.0, **rest)
        ```
    """
    return (slow_down - 1) * repair_hours < restart_hours + interval_hours / 2


def fleet_ettr(
    failures_per_hour: Number, domains: Number, *, stall_hours: Number, absent_hours: Number
) -> Number:
    """Useful over elapsed time of a fleet whose domains leave and rejoin while the others go on.

    **Arguments:**

    - `failures_per_hour`: failures of the whole fleet per hour of wall time, $\\lambda$.
    - `domains`: number $D$ of domains, each a replica of the data-parallel group.
    - `stall_hours`: time for which one failure stalls all of them, $R$.
    - `absent_hours`: time for which the domain that failed is then missing, $A$.

    **Returns:**

    $(1 - \\lambda R)(1 - \\lambda A / D)$, neither factor below 0: $\\lambda A$ domains are missing at any time
    (Little's law), and the rest goes on in proportion. The clock of failures is the wall; with `absent_hours`
    0 this is `ettr_wall`. A domain that is missing already is counted as failing at the same rate.

    !!! example

        ```python
        from fdmc.workload import fleet_ettr

        share = fleet_ettr(60 / 18, 16, stall_hours=3 / 60, absent_hours=10 / 60)
        assert abs(share - (1 - 3 / 18) * (1 - 10 / 18 / 16)) < 1e-12
        ```
    """
    present = ettr_wall(failures_per_hour, absent_hours / domains)
    return ettr_wall(failures_per_hour, stall_hours) * present


Worth = Callable[[Float[np.ndarray, " n"]], Float[np.ndarray, " n"]]
"""Work rate of so many domains, over that of all."""


@dataclasses.dataclass(frozen=True)
class FleetShares:
    """How a fleet whose domains leave and rejoin spends its time.

    Shares of the wall clock that add up to 1: `stalled`, all wait because one has just left; `waiting`, fewer than the
    minimum take part; `working`. `work` is what is done over what all domains would do all the time, and `domains` the
    mean number of those that take part while it works.

    !!! example

        ```python
        from fdmc.workload import elastic_fleet

        shares = elastic_fleet(0.98, 0.001, 16, minimum=15)
        assert abs(shares.stalled + shares.waiting + shares.working - 1) < 1e-12
        ```
    """

    stalled: float
    waiting: float
    working: float
    work: float
    domains: float


def elastic_fleet(
    present_prob: float,
    leaving_prob: float,
    domains: int,
    *,
    minimum: int = 1,
    worth: Worth | None = None,
) -> FleetShares:
    """Return how a fleet of independent domains spends its time, each of which leaves and rejoins on its own.

    **Arguments:**

    - `present_prob`: share of the time $p$ in which a domain takes part, or could.
    - `leaving_prob`: share of the time $q$ in which it has left so recently that the others still wait for a new group:
        leaves per hour times how long they wait, where a domain is away for at least that long; $p + q \\le 1$.
    - `domains`: their number $D$.
    - `minimum`: domains $m$ below which the fleet waits.
    - `worth`: work rate of `n` domains over that of all, float64[n] of float64[n]; $n / D$ if None.

    **Returns:**

    `FleetShares`. Nobody waits for a new group with probability $(1 - q)^D$: a wait that is under way begins anew when
    one more leaves. Then $n \\sim \\mathrm{Bin}(D, p / (1 - q))$ domains take part. Exact for domains that are
    independent and alike, whatever their laws. With few stalls and absences it is `fleet_ettr`, where stalls follow one
    another instead: $1 - \\lambda R$ there, about $e^{-\\lambda R}$ here, which is the clock of `ettr`.

    !!! example

        ```python
        from fdmc.workload import elastic_fleet, fleet_ettr

        # A domain leaves once in 1,000 h and is away for 30 min, for the first 3 of which the others wait.
        some = elastic_fleet(1 - 1e-3 * 0.5, 1e-3 * 0.05, 196)
        closed = fleet_ettr(196e-3, 196, stall_hours=0.05, absent_hours=0.45)
        assert abs(some.work - closed) < 1e-4
        ```
    """
    together = (1 - leaving_prob) ** domains
    present = min(present_prob / (1 - leaving_prob), 1.0) if leaving_prob < 1 else 0.0
    mean, variance = domains * present, domains * present * (1 - present)
    # Below this the probability is less than 1e-30 (Chernoff).
    least = max(minimum, int(mean - 12 * variance**0.5 - 100))
    n = np.arange(least, domains + 1, dtype=np.float64)
    prob = stats.binom.pmf(n, domains, present)
    waits = float(stats.binom.cdf(minimum - 1, domains, present))
    value = n / domains if worth is None else worth(n)
    return FleetShares(
        stalled=1 - together,
        waiting=together * waits,
        working=together * (1 - waits),
        work=together * float(prob @ value),
        domains=float(prob @ n) / (1 - waits) if waits < 1 else 0.0,
    )
