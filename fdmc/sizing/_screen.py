"""The screen: what every class of a machine loses on average, by formulas, smooth in all numbers.

A separable model: failures come one at a time, groups are k of n, shelves are Palm's (S - 1, S) with Poisson demand,
the queue for technicians is Erlang's, and what one outage costs is asked of the kernel's own domain. It is then
calibrated, class by class, to one simulated run. It proposes designs; it certifies nothing.
"""

import dataclasses
import functools
import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..collect import goodput_of
from ..kernel import domain, unpack
from ..lifetime import cumulative_hazard, mean_hours
from ..plan import EXCURSION, Effects, Plan, Row, rows_of
from ..spec import Exponential, Fixed, Gamma, Law, LogNormal, Scenario, Weibull
from ._tail import binomial_tail


Numbers = Float[Array, "..."] | Float[np.ndarray, "..."]
_ENDLESS = 1e6
"""Technicians where there is no queue."""


class Classes(eqx.Module):
    """What the screen knows of each class and pool; everything may be a real number.

    - `rate`: failures an hour of all copies; `counted`, `short`: whether a counting group absorbs them, and whether it
        is repaired only when short; `groups`, `elements`, `spares`: of such groups; `element_rate`: of one element, all
        its classes together; `part`: this class's part of it.
    - `repair`, `repair_squared`: mean hours, and the mean of their squares; `out`: whether it takes something out;
        `lost_failed`, `lost_out`: the work rate lost by one failure beyond the spares, and by its repair;
        `stops_failed`, `stops_out`: whether they take an accelerator from the job; `attended`: whether somebody comes.
    - `pool`: one row a pool, 1 where it serves the class; `stock`, `restock` (hours); `technicians`; `hours`: of the
        mission.
    """

    rate: Numbers
    counted: Numbers
    short: Numbers
    groups: Numbers
    elements: Numbers
    spares: Numbers
    element_rate: Numbers
    part: Numbers
    repair: Numbers
    repair_squared: Numbers
    out: Numbers
    lost_failed: Numbers
    lost_out: Numbers
    stops_failed: Numbers
    stops_out: Numbers
    attended: Numbers
    pool: Numbers
    stock: Numbers
    restock: Numbers
    technicians: Numbers
    hours: Numbers


class Loads(eqx.Module):
    """What each class does over the mission: jobs, machine-hours lost, interruptions and drains.

    `crowd` is the mean number of outages at once.
    """

    jobs: Numbers
    lost: Numbers
    stops: Numbers
    drains: Numbers
    crowd: Numbers


def loads(x: Classes) -> Loads:
    """Return the loads of all classes; differentiable in every number."""
    chance = -jnp.expm1(-x.element_rate * x.hours)
    short = jnp.clip(binomial_tail(x.spares + 1, x.elements, chance), 0.0, 1 - 1e-15)
    of_groups = x.groups * -jnp.log1p(-short) / x.hours * x.part
    jobs = jnp.where((x.counted * x.short) > 0, of_groups, x.rate)
    at_shelf, in_stock = _shelves(x, jobs * x.attended)
    queued, free = _queue(x, jobs * x.attended)
    wait = (at_shelf + queued) * x.attended
    at_once = jnp.where(x.attended > 0, in_stock * free, 0.0)
    down = wait + (1 - x.out) * x.repair
    u = x.element_rate * (wait + x.repair) / (1 + x.element_rate * (wait + x.repair))
    lacking, hit = _beyond(x.elements, x.spares, u)
    alone = (x.counted * (1 - x.short)) > 0
    failed = jnp.where(alone, x.groups * x.part * lacking, jobs * down)
    repaired = jobs * x.out * x.repair
    lost = (failed * x.lost_failed + repaired * x.lost_out) * x.hours
    taken = jnp.where(alone, hit, 1.0) * x.stops_failed
    goes_out = x.out * x.stops_out
    stops = jobs * jnp.maximum(taken, goes_out * at_once) * x.hours
    drains = jobs * goes_out * (1 - at_once) * x.hours
    crowd = jnp.sum(jobs * (wait + x.repair))
    return Loads(jobs * x.hours, lost, stops, drains, crowd)


def _beyond(n, spares, u):
    """Mean number of failed elements beyond the spares, and the chance that one more failure is one of them."""
    at_least = lambda k, m: jnp.where(k > 0, binomial_tail(jnp.maximum(k, 1e-9), m, u), 1.0)
    hit = at_least(spares, jnp.maximum(n - 1, 1e-9))
    mean = n * u * hit - spares * at_least(spares + 1, n)
    return jnp.maximum(mean, 0.0), hit


def _shelves(x: Classes, jobs):
    """Mean wait for a spare of each class, and the chance that one is there (Palm 1938)."""
    demand = x.pool @ jobs
    on_order = jnp.maximum(demand * x.restock, 1e-12)
    at_least = lambda k: jnp.where(
        k > 0, jax.scipy.special.gammainc(jnp.maximum(k, 1e-9), on_order), 1.0
    )
    missing = on_order * at_least(x.stock) - x.stock * at_least(x.stock + 1)
    wait = jnp.maximum(missing, 0.0) / jnp.maximum(demand, 1e-300)
    pooled = x.pool.sum(0)
    return x.pool.T @ wait, x.pool.T @ (1 - at_least(x.stock)) + (1 - pooled)


def _queue(x: Classes, jobs):
    """Mean wait for a technician, and the chance that one is free: Erlang's C for a real number of them.

    Exact for one technician, or exponential repairs of one mean; else the usual approximation (Lee and Longton 1959).
    """
    load = jnp.sum(jobs * x.repair)
    # What an arriving job finds of the one under repair: long jobs weigh more than short ones (Pollaczek, Khinchine).
    rest = jnp.sum(jobs * x.repair_squared) / jnp.maximum(2 * load, 1e-300)
    c = x.technicians
    log_all_busy = c * jnp.log(jnp.maximum(load, 1e-300)) - load - jax.scipy.special.gammaln(c + 1)
    tail = jax.scipy.special.gammaincc(c + 1, load)
    blocked = jnp.exp(log_all_busy) / jnp.maximum(tail, 1e-300)
    used = jnp.minimum(load / c, 0.999)  # beyond, the queue grows all mission long
    busy = jnp.clip(blocked / (1 - used * (1 - blocked)), 0.0, 1.0)
    wait = busy * rest / (c * (1 - used))
    endless = c >= _ENDLESS
    return jnp.where(endless, 0.0, jnp.minimum(wait, x.hours / 2)), jnp.where(
        endless, 1.0, 1 - busy
    )


@jax.jit
def _single(plan: Plan, span, reach, loss):
    """Work rate lost, and accelerators lost, in the states with one outage each."""
    active = jnp.ones(span.shape, bool)
    found = domain(plan, unpack(active, span, reach, loss))
    return 1 - found.rate, plan.accelerators - found.available


@functools.lru_cache(maxsize=4096)
def _average_rate(law, hours: float) -> float:
    return float(cumulative_hazard(law, hours)) / hours


def classes_of(scenario: Scenario, plan: Plan) -> Classes:
    """Return the numbers of a scenario; `plan` is its plan, padded or not.

    A life that wears counts by its mean hazard over the mission; repair times by their means.
    """
    rows = rows_of(scenario, Effects(scenario))
    pools = tuple(dict.fromkeys(row.rule.name for row in rows if row.rule.stock is not None))
    hours = scenario.mission_hours
    lost_failed, stops_failed, lost_out, stops_out = _outages(plan, rows)
    rates = [_rate(row, hours) for row in rows]
    groups = [_group(row) for row in rows]
    # All classes of one element share its spares.
    total: dict[int, float] = {}
    for group, rate in zip(groups, rates, strict=True):
        total[group.key] = total.get(group.key, 0.0) + rate
    each = [total[g.key] / (g.number * g.elements) if g.counted else 0.0 for g in groups]
    column = lambda values: np.array(list(values), float)
    technicians, replace = scenario.service.technicians, scenario.service.replace
    mine = [[row.rule.name == pool for row in rows] for pool in pools]
    return Classes(
        rate=column(rates),
        counted=column(group.counted for group in groups),
        short=column(row.rule.when == "short" for row in rows),
        groups=column(group.number for group in groups),
        elements=column(group.elements for group in groups),
        spares=column(row.spares for row in rows),
        element_rate=column(each),
        part=column(
            rate / total[g.key] if g.counted and rate else 1.0
            for g, rate in zip(groups, rates, strict=True)
        ),
        repair=column(mean_hours(row.repair) for row in rows),
        repair_squared=column(_squared(row.repair) for row in rows),
        out=column(row.out is not None for row in rows),
        lost_failed=lost_failed,
        lost_out=lost_out,
        stops_failed=stops_failed,
        stops_out=stops_out,
        attended=column(not _lone(row) for row in rows),
        pool=np.array(mine, float).reshape(len(pools), len(rows)),
        stock=column(replace[pool].stock or 0 for pool in pools),
        restock=column(replace[pool].restock_hours or 0.0 for pool in pools),
        technicians=np.asarray(_ENDLESS if technicians is None else technicians, float),
        hours=np.asarray(hours, float),
    )


def _lone(row: Row) -> bool:
    """Whether nobody is sent: a cooling event, work that is scheduled."""
    return row.rule.swap == EXCURSION or not getattr(row, "fails", True)


def _rate(row: Row, hours: float) -> float:
    copies = row.places["home"].size
    if isinstance(row.lifetime, Fixed):
        return copies / row.lifetime.hours
    if isinstance(row.lifetime, Exponential):
        return copies / row.lifetime.mean_hours
    return copies * _average_rate(row.lifetime, hours)


def _squared(law: Law) -> float:
    """Mean square of a repair time, hours squared."""
    mean = mean_hours(law)
    match law:
        case Fixed():
            return mean**2
        case LogNormal(sigma=sigma):
            return mean**2 * math.exp(sigma**2)
        case Gamma(shape=shape):
            return mean**2 * (1 + 1 / shape)
        case Weibull(shape=shape):
            return mean**2 * math.gamma(1 + 2 / shape) / math.gamma(1 + 1 / shape) ** 2
    return 2 * mean**2  # exponential


@dataclasses.dataclass(frozen=True)
class _Group:
    """The counting group of a class: `number` of them in the machine, `elements` each, spares included."""

    key: int
    counted: bool
    number: int
    elements: int


def _group(row: Row) -> _Group:
    if not row.counting or row.structure >= 0:
        return _Group(-1, False, 1, 1)
    first = row.places["group"]
    number = 1 + int(np.count_nonzero(np.diff(first)))  # copies are numbered depth first
    need = max(round(row.effect.share / row.share), 1)
    return _Group(int(first[0]), True, number, row.spares + need)


def _outages(plan: Plan, rows: list[Row]):
    """What one failure and one repair of each class take, by the kernel's own domain."""
    classes, places = plan.classes, plan.places
    first = np.asarray(classes.first)
    take = lambda field: np.asarray(getattr(places, field))[first]
    span = np.concatenate([take("span"), take("out_span")])[None]
    reach = np.concatenate([take("reach"), take("out_reach")])[None]
    share = np.minimum(np.asarray([row.share for row in rows]), 1.0)
    loss = np.concatenate([share, np.ones(len(rows))]).astype(np.float32)[None]
    lost, taken = (np.asarray(v, float) for v in _single(plan, span, reach, loss))
    n = len(rows)
    outed = np.asarray([row.out is not None for row in rows], float)
    return lost[:n], (taken[:n] > 0) * 1.0, lost[n:] * outed, (taken[n:] > 0) * outed


@dataclasses.dataclass(frozen=True)
class Calibration:
    """Simulated over modelled, class by class; 1 where either has seen nothing. `drains` is one number."""

    jobs: np.ndarray
    lost: np.ndarray
    stops: np.ndarray
    drains: float


def ratio(seen: np.ndarray, said: np.ndarray) -> np.ndarray:
    """Seen over said, 1 where one of them is nothing."""
    good = (seen > 0) & (said > 0)
    return np.where(good, seen / np.where(good, said, 1.0), 1.0)


@jax.jit
def _both(x: Classes, along: Classes) -> tuple[Loads, Loads]:
    return jax.jvp(loads, (x,), (along,))


def loads_of(x: Classes, along: Classes | None = None) -> tuple[Loads, Loads]:
    """The loads and their derivatives along a direction of the numbers, automatic, through the tails; in float64."""
    with jax.enable_x64(True):
        to64 = lambda t: jax.tree.map(lambda v: jnp.asarray(v, float), t)
        still = jax.tree.map(np.zeros_like, x) if along is None else along
        # One program for both: compiling is what takes time.
        return jax.tree.map(np.asarray, _both(to64(x), to64(still)))


def goodput_by(scenario: Scenario, found: Loads, by: Calibration) -> float:
    """Goodput of the calibrated model."""
    facts = {
        "lost": float(np.sum(found.lost * by.lost)),
        "idle": 0.0,
        "interruptions": float(np.sum(found.stops * by.stops)),
        "drains": float(np.sum(found.drains) * by.drains),
        "reconfigurations": 0.0,
    }
    return goodput_of(scenario, facts)
