"""What simulated histories say of a design: each metric with the influence of every history, so that designs pair."""

import dataclasses
import math

import numpy as np
from jaxtyping import Float

from ..collect import goodput_of
from ..spec import Limit, Scenario
from ..tally import Estimate
from ._arena import FACTS, Arena, Facts
from ._space import Made


PASS_Z, FAIL_Z = 1.645, 2.326
"""One-sided normal bounds: 95 % that a limit is kept, 99 % that it is not."""
_JOB = FACTS[:5]
"""The facts that goodput is made of."""


@dataclasses.dataclass(frozen=True)
class Seen:
    """A metric as seen: its value, and what every history adds to it (mean zero)."""

    best: float
    influence: Float[np.ndarray, " histories"]

    @property
    def error(self) -> float:
        """Standard error."""
        n = len(self.influence)
        return float(np.std(self.influence, ddof=1) / math.sqrt(n)) if n > 1 else math.inf

    def less(self, other: "Seen", scale: float = 1.0) -> "Seen":
        """The paired difference, over the histories that both have."""
        n = min(len(self.influence), len(other.influence))
        return Seen(
            (self.best - other.best) / scale,
            (self.influence[:n] - other.influence[:n]) / scale,
        )

    def estimate(self, unit: str = "1", z: float = 1.96) -> Estimate:
        """The value with its 95 % interval."""
        half = z * self.error
        return Estimate(self.best - half, self.best, self.best + half, unit, len(self.influence))


def seen(scenario: Scenario, facts: Facts, metric: str, of: float | None = None) -> Seen:
    """Read one metric out of the histories of a design."""
    if metric == "availability":
        share = facts.rows[:, FACTS.index("unused")] / scenario.mission_hours
        return Seen(float(1 - share.mean()), share.mean() - share)
    if metric == "goodput":
        return _goodput(scenario, facts)
    assert of is not None
    each = mission_goodput(scenario, facts)
    edge = float(np.quantile(each, of, method="inverted_cdf"))
    if metric == "goodput_cvar":
        short = np.minimum(each - edge, 0.0) / of
        return Seen(edge + float(short.mean()), short - short.mean())
    below = (each <= edge) * 1.0
    # The density at the quantile, from order statistics as far around it as its own error reaches.
    reach = max(math.sqrt(of * (1 - of) / len(each)), 1.0 / len(each))
    low, high = np.quantile(each, [max(of - reach, 0.0), min(of + reach, 1.0)])
    return Seen(edge, (below.mean() - below) * float(high - low) / (2 * reach))


def mission_goodput(scenario: Scenario, facts: Facts) -> Float[np.ndarray, " histories"]:
    """The goodput of every single history: of one mission, its own interruptions counted."""
    rows = facts.rows[:, : len(_JOB)]
    distinct, which = np.unique(rows, axis=0, return_inverse=True)
    each = [goodput_of(scenario, dict(zip(_JOB, row, strict=True))) for row in distinct.tolist()]
    return np.array(each)[which]


def _goodput(scenario: Scenario, facts: Facts) -> Seen:
    """Goodput of the means, and its influence by the delta method."""
    rows = facts.rows[:, : len(_JOB)]
    mean = rows.mean(0)
    value = lambda x: goodput_of(scenario, dict(zip(_JOB, x.tolist(), strict=True)))
    influence = np.zeros(len(rows))
    spread = rows.std(0) / math.sqrt(len(rows))
    for i, step in enumerate(np.maximum(spread, 1e-9 * np.maximum(mean, 1e-6))):
        up, down = mean.copy(), mean.copy()
        up[i], down[i] = mean[i] + step, max(mean[i] - step, 0.0)
        influence += (value(up) - value(down)) / (up[i] - down[i]) * (rows[:, i] - mean[i])
    return Seen(value(mean), influence)


@dataclasses.dataclass(frozen=True)
class Verdict:
    """A design on so many histories: `metrics` by name, and how it stands to every limit that is simulated."""

    made: Made
    replicas: int
    metrics: dict[str, Seen]
    standing: dict[str, str]

    @property
    def passes(self) -> bool:
        """Whether every such limit is kept, each at 95 %."""
        return all(one == "kept" for one in self.standing.values())

    @property
    def fails(self) -> bool:
        """Whether some limit is missed, at 99 %."""
        return any(one == "missed" for one in self.standing.values())


class Judge:
    """Simulates designs and says which limits they keep."""

    def __init__(self, arena: Arena, limits: tuple[Limit, ...], metric: str, bare: Made | None):
        self.arena, self.bare, self.metric = arena, bare, metric
        self.limits = tuple(limit for limit in limits if limit.metric not in ("cost", "power"))
        self.wanted = {limit.metric: limit.of for limit in self.limits} | {"goodput": None}
        if metric in ("availability",):
            self.wanted.setdefault(metric, None)
        self.count = 0
        self._said: dict[tuple[int, int], Verdict] = {}

    def __call__(self, made: Made, replicas: int, pass_z: float = PASS_Z) -> Verdict:
        """Say how a design does on the first `replicas` histories (more where more are known)."""
        self.count += self.arena.known(made) == 0
        facts = self.arena.facts(made, replicas)
        n = len(facts.rows)
        metrics = {name: seen(made.scenario, facts, name, of) for name, of in self.wanted.items()}
        if self.metric == "robustness_per_watt":
            metrics[self.metric] = self._robustness(made, metrics["goodput"], n)
        standing = {}
        for limit in self.limits:
            found = metrics[limit.metric]
            low, high = found.best - pass_z * found.error, found.best + FAIL_Z * found.error
            state = "kept" if low >= limit.bound else "missed" if high < limit.bound else "open"
            standing[limit.metric] = state
        return Verdict(made, n, metrics, standing)

    def _robustness(self, made: Made, goodput: Seen, n: int) -> Seen:
        """What redundancy gains over the machine without it, per watt that it draws."""
        assert self.bare is not None
        assert made.watts is not None
        assert self.bare.watts is not None
        plain = seen(self.bare.scenario, self.arena.facts(self.bare, n), "goodput")
        more = made.watts - self.bare.watts
        if more <= 0:
            return Seen(-math.inf, np.zeros(n))
        return goodput.less(plain, more)
