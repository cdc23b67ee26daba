"""The answer of `size`: designs, prices, who got the money, what was tried."""

import dataclasses
import math

from ..spec import Limit, Scenario
from ..tally import Estimate


@dataclasses.dataclass(frozen=True)
class SizedDesign:
    """One design: its settings as written, what it costs and draws, and what simulation says of it.

    `searched` is its goodput on the histories of the search, which favour it (it was chosen by them); `metrics` are
    those of an independent seed. `cost` holds what repairs use up over the mission.
    """

    name: str
    settings: dict[str, str]
    cost: Estimate | None
    watts: float | None
    searched: Estimate | None
    metrics: dict[str, Estimate]

    @property
    def goodput(self) -> Estimate:
        """Goodput by the independent seed."""
        return self.metrics["goodput"]


@dataclasses.dataclass(frozen=True)
class Standing:
    """How the design stands to one limit: `certified` is the one-sided bound of 95 % of an independent seed.

    `status` is `kept`, `missed` (at 99 %), `open` (neither is certain), or `known` where nothing is sampled.
    """

    limit: Limit
    certified: float
    status: str


@dataclasses.dataclass(frozen=True)
class Price:
    """One step of one variable from the design: paired change of goodput, and what the step costs and draws."""

    variable: str
    step: str
    goodput: Estimate
    cost: float
    watts: float
    model: float | None

    @property
    def per_million(self) -> Estimate | None:
        """Goodput for one million of the currency; None where the step costs nothing."""
        return None if self.cost == 0 else _over(self.goodput, self.cost / 1e6, "1/million")

    @property
    def per_kilowatt(self) -> Estimate | None:
        """Goodput for one kilowatt; None where the step draws nothing."""
        return None if self.watts == 0 else _over(self.goodput, self.watts / 1e3, "1/kW")


def _over(e: Estimate, by: float, unit: str) -> Estimate:
    low, high = sorted((e.low / by, e.high / by))
    return Estimate(low, e.best / by, high, unit, e.replicas)


@dataclasses.dataclass(frozen=True)
class Move:
    """What one variable's change from the written to the sized design is worth: all others as sized."""

    variable: str
    unit: str
    written: str
    sized: str
    cost: float
    goodput: Estimate


@dataclasses.dataclass(frozen=True)
class Domain:
    """What the failures of one unit cost in goodput, before and after."""

    unit: str
    written: Estimate
    sized: Estimate


@dataclasses.dataclass(frozen=True)
class Rival:
    """Another way to spend: a design, and what the sized one gains over it, replica by replica."""

    design: SizedDesign | None
    name: str
    gain: Estimate | None
    designs: int
    histories: int


@dataclasses.dataclass(frozen=True)
class Frontier:
    """One design of the frontier: the bound it was sized for, its cost and its goodput by the independent seed."""

    target: float
    design: SizedDesign
    best: bool


@dataclasses.dataclass(frozen=True)
class ModelBound:
    """What the screen proves, of the screen: the best objective of its table and its bound, in the objective's unit.

    `price` is what one unit of goodput costs at the margin (or, under a budget, the goodput that one unit of it buys).
    """

    objective: float
    bound: float
    proved: bool
    price: float | None

    @property
    def gap(self) -> float:
        """Distance from the bound; 0 when proved."""
        return 0.0 if self.proved else abs(self.objective - self.bound)


@dataclasses.dataclass(frozen=True)
class Sized:
    """The answer of `size`. `print(answer)` is a caption; `answer.scenario` is the machine to build.

    `status` is `ok` (every limit certified), `precision_not_reached` (some limit is open or missed by the certificate),
    or `no_design` (nothing was found that keeps the limits: `design` is then the nearest). `near` says what is known of
    the neighbours of the design.
    """

    name: str
    fingerprint: str
    status: str
    sense: str
    metric: str
    currency: str
    seed: int
    certificate_seed: int
    scenario: Scenario = dataclasses.field(repr=False)
    design: SizedDesign
    written: SizedDesign
    gain: Estimate
    standings: tuple[Standing, ...]
    rivals: tuple[Rival, ...]
    prices: tuple[Price, ...]
    moves: tuple[Move, ...]
    domains: tuple[Domain, ...]
    next_best: tuple[SizedDesign, ...]
    model: ModelBound | None
    near: dict[str, int]
    frontier: tuple[Frontier, ...]
    history: tuple[dict, ...]
    designs: int
    histories: int
    seconds: dict[str, float]

    def __str__(self) -> str:
        d = self.design
        cost = "" if d.cost is None else f", {_amount(d.cost.best)} {self.currency}"
        said = ", ".join(f"{k} {v}" for k, v in d.settings.items())
        return (
            f"{self.name}: goodput {d.goodput.best:.3%} [{d.goodput.low:.3%}, {d.goodput.high:.3%}]{cost} "
            f"({self.status}): {said}"
        )

    def to_dict(self) -> dict:
        """The JSON form: numbers that are not finite become null."""
        plain: dict = {
            field.name: _plain(getattr(self, field.name))
            for field in dataclasses.fields(self)
            if field.name != "scenario"
        }
        plain["prices"] = [
            {
                **dataclasses.asdict(one),
                "per_million": _dict(one.per_million),
                "per_kilowatt": _dict(one.per_kilowatt),
            }
            for one in self.prices
        ]
        if self.model is not None:
            plain["model"]["gap"] = self.model.gap
        plain["document"] = self.scenario.document
        return {key: _finite(value) for key, value in plain.items()}


def _plain(value):
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def _dict(e: Estimate | None) -> dict | None:
    return None if e is None else dataclasses.asdict(e)


def _finite(value):
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _amount(value: float) -> str:
    for scale, prefix in ((1e6, "M"), (1e3, "k")):
        if abs(value) >= scale:
            return f"{value / scale:.4g} {prefix}"
    return f"{value:.4g} "
