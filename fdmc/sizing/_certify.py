"""The certificate: the winner again, on histories that did not choose it; its rivals on the same ones."""

import math

import numpy as np
from scipy import stats

from ..spec import Limit
from ..tally import Estimate, mean_estimate
from ._arena import FACTS, Arena, units_of
from ._judge import Judge, Seen, Verdict, mission_goodput
from ._search import Question
from ._sized import Domain, SizedDesign, Standing
from ._space import Made, Point, Space


ATTEMPTS = 3
"""Designs that may be put to the test: each at 95 % / 3 wrong, so that all together are at 95 %."""
CERTIFY_Z = float(stats.norm.isf(0.05 / ATTEMPTS))
_LONGEST = 8
"""Times the histories of the search that a certificate may take."""


def certify(judge: Judge, made: Made, question: Question) -> Verdict:
    """Climb until every simulated limit is kept or missed, or the histories (or the time) are spent."""
    n = question.replicas
    while True:
        found = judge(made, n, pass_z=CERTIFY_Z)
        if found.passes or found.fails or n >= _LONGEST * question.replicas or question.late:
            return found
        n *= 2


def standings(
    judge: Judge, found: Verdict, question: Question, cost: Estimate | None
) -> tuple[Standing, ...]:
    """How the design stands to every limit."""
    out = []
    for limit in question.limits:
        if limit.metric == "power":
            assert found.made.watts is not None
            kept = found.made.watts <= limit.bound * (1 + 1e-9)
            out.append(Standing(limit, found.made.watts, "known" if kept else "missed"))
        elif limit.metric == "cost":
            assert cost is not None
            # Two-sided 95 % to one-sided 95 %: what repairs use up is sampled.
            high = cost.best + (cost.high - cost.best) * 1.645 / 1.96
            status = (
                "kept" if high <= limit.bound else "missed" if cost.low > limit.bound else "open"
            )
            out.append(Standing(limit, high, status))
        else:
            low = lower(judge, found, limit)
            state = found.standing[limit.metric]
            state = "kept" if low >= limit.bound else "open" if state == "kept" else state
            out.append(Standing(limit, low, state))
    return tuple(out)


def lower(judge: Judge, found: Verdict, limit: Limit) -> float:
    """The one-sided bound of a simulated metric; that of a quantile by order statistics, exactly."""
    one = found.metrics[limit.metric]
    if limit.metric == "goodput_quantile":
        assert limit.of is not None
        facts = judge.arena.facts(found.made, found.replicas)
        each = np.sort(mission_goodput(found.made.scenario, facts))
        at = int(stats.binom.ppf(0.05 / ATTEMPTS, len(each), limit.of))
        return float(each[at - 1]) if at >= 1 else -math.inf
    return one.best - CERTIFY_Z * one.error


def design(
    space: Space, name: str, point: Point, certified: Verdict, arena: Arena, searched: Seen | None
) -> SizedDesign:
    """A design with its numbers."""
    made = certified.made
    return SizedDesign(
        name=name,
        settings=space.said(point),
        cost=cost_of(made, arena, certified.replicas),
        watts=made.watts,
        searched=None if searched is None else searched.estimate(),
        metrics={
            key: one.estimate("1/W" if key == "robustness_per_watt" else "1")
            for key, one in certified.metrics.items()
        },
    )


def cost_of(made: Made, arena: Arena, replicas: int) -> Estimate | None:
    """Total cost over the mission, what repairs use up simulated."""
    if made.cost is None:
        return None
    spent = arena.facts(made, replicas).rows[:, FACTS.index("spent")]
    assert made.scenario.economics is not None
    total = Seen(made.cost + float(spent.mean()), spent - spent.mean())
    return total.estimate(made.scenario.economics.currency)


def domains(before: Made, after: Made, arena: Arena, replicas: int) -> tuple[Domain, ...]:
    """What the failures of every unit cost in goodput, in two designs; worst first."""
    was, now = _by_unit(before, arena, replicas), _by_unit(after, arena, replicas)
    none = Estimate(0.0, 0.0, 0.0, "1", replicas, "exact")
    found = [
        Domain(unit, was.get(unit, none), now.get(unit, none))
        for unit in dict.fromkeys([*was, *now])
    ]
    return tuple(sorted(found, key=lambda one: -max(one.written.best, one.sized.best)))


def _by_unit(made: Made, arena: Arena, replicas: int) -> dict[str, Estimate]:
    """Lost goodput by unit: direct loss, and restarts by its interruptions; both factors taken as known."""
    facts = arena.facts(made, replicas)
    n, mission = len(facts.rows), made.scenario.mission_hours
    means = facts.means()
    goodput = Judge(arena, (), "goodput", None)(made, n).metrics["goodput"].best
    kept = goodput / max(1 - means["lost"] / mission, 1e-300)
    stopped = means["interruptions"]
    direct = kept / mission / made.accelerators
    restart = (1 - kept) / stopped if stopped > 0 else 0.0
    b, s, bb, ss, bs = facts.moments
    mean = (direct * b + restart * s) / n
    square = (direct**2 * bb + restart**2 * ss + 2 * direct * restart * bs) / n
    half = 1.96 * np.sqrt(np.maximum(square - mean**2, 0.0) / max(n - 1, 1))
    unseen = mean_estimate(0, 0, n, scale=1.0, most=1.0, unit="1")  # a bound, never a bare zero
    return {
        unit: Estimate(max(m - h, 0.0), m, m + h, "1", n) if m > 0 else unseen
        for unit, m, h in zip(units_of(made), mean.tolist(), half.tolist(), strict=True)
    }
