"""What is said of a factory: rows, metrics, and where the cost of what ships went."""

import dataclasses
import math
from collections.abc import Iterator

import numpy as np

from ..lifetime import cumulative_hazard
from ..plan import field_life
from ..spec import Scenario
from ..tally import Estimate, function_estimate, mean_estimate
from ..yields import (
    BURN_IN,
    Dormant,
    Factory,
    Made,
    Product,
    Shipment,
    Spending,
    die_lanes_lost_prob,
    make,
    shipped_early_prob,
    shipped_latent_fatal,
    shipped_latent_lanes,
    unit_into,
)


GBPS_PER_TBPS = 1000.0
HOURS_PER_YEAR = 8760.0
LANES = "lanes"
"""The name of the count of lanes among the steps that scrap."""


@dataclasses.dataclass(frozen=True)
class ShippedRow:
    """Units that ship with so many live lanes and spares left, both of the whole unit, per unit started."""

    bin: float
    live_lanes: int
    spares_left: int
    exact: Estimate
    sampled: Estimate


@dataclasses.dataclass(frozen=True)
class LostRow:
    """Groups of lanes that have lost so many when they are counted, spares included, among those started."""

    lanes: int
    exact: Estimate
    sampled: Estimate


@dataclasses.dataclass(frozen=True)
class ManufacturingResult:
    """What a factory ships. `result["unit.ship_prob"]` is an `Estimate`: exact where that is known, else sampled.

    `unit` is what is made and tested whole, `product` what it is delivered in: the mount of `per_product` units,
    or itself. `exact` holds closed forms (status `exact`, no width) and `sampled` what the drawn units say, under
    the same names, which `docs/yields.md` defines. `spendings` say where the cost of one that shipped went.
    """

    scenario: str
    title: str
    fingerprint: str
    seed: int
    replicas: int
    packages: int
    unit: str
    product: str
    currency: str
    lanes: int
    spares: int
    groups: int
    per_product: int
    exact: dict[str, Estimate]
    sampled: dict[str, Estimate]
    shipped: tuple[ShippedRow, ...]
    lost: tuple[LostRow, ...]
    spendings: dict[str, tuple[Spending, ...]]
    timing: dict[str, float]
    origin: dict[str, str]

    def __getitem__(self, name: str) -> Estimate:
        return self.exact[name] if name in self.exact else self.sampled[name]

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys((*self.exact, *self.sampled)))

    def __str__(self):
        cost, share = self["product.cost_per_tbps"].best, self["product.ship_prob"].best
        return (
            f"{self.scenario}: {share:.2%} of the {self.product}s started ship, {cost:.4g} {self.currency} per "
            f"delivered Tb/s (exact; sampled with {self.packages} {self.unit}s, seed {self.seed})"
        )

    def to_dict(self) -> dict:
        """Return the JSON form of the result."""
        found = dataclasses.asdict(self)
        found["spendings"] = {
            name: [spent._asdict() for spent in rows] for name, rows in self.spendings.items()
        }
        return {"status": "ok", **found}


@dataclasses.dataclass
class Counts:
    """Whole numbers by replica: groups by lanes lost, units by bin and spares left; of units that ship, lanes with a
    latent defect, and such defects elsewhere on the dies of the lanes.
    """

    lost: list[np.ndarray]
    shipped: list[np.ndarray]
    latent: list[np.ndarray]
    latent_fatal: list[np.ndarray]

    @property
    def replicas(self) -> int:
        return sum(len(one) for one in self.latent)

    def joined(self) -> "Counts":
        """All chunks as one."""
        join = lambda some: [np.concatenate(some)]
        return Counts(
            join(self.lost), join(self.shipped), join(self.latent), join(self.latent_fatal)
        )


def exactly(value: float, unit: str) -> Estimate:
    """Return a number that is known."""
    value = float(value)
    return Estimate(value, value, value, unit, 0, "exact")


def exact_metrics(
    scenario: Scenario, made: Factory, shipped: Shipment
) -> tuple[dict[str, Estimate], dict[str, tuple[Spending, ...]]]:
    """Return every closed form, and the spendings of unit and product."""
    one = make(made.product)
    counted = shipped.ship_prob / float(one.ship_prob)  # passes burn-in and the count of its lanes
    latent = shipped_latent_lanes(made.die, made.dies, made.clustering, bins=made.bins)
    currency = scenario.manufacturing.currency if scenario.manufacturing else ""
    rate = scenario.fabric.lane_rate_gbps / GBPS_PER_TBPS
    found = {
        "unit.peak_bandwidth": (made.dies * made.die.lanes * rate, "Tb/s"),
        "unit.ship_prob": (shipped.ship_prob, "1"),
        **{f"unit.bin.{g.share:g}": (g.prob, "1") for g in shipped.grades},
        "unit.escape_prob": (1 - one.good_prob, "1"),
        "unit.live_lanes": (shipped.mean_lanes, "lanes"),
        "unit.spares_left": (shipped.mean_spares, "lanes"),
        "unit.lanes_lost_per_group": (_mean(_lost_prob(made)), "lanes"),
        "unit.latent_lanes": (latent, "lanes"),
        **{
            f"unit.latent_failures.{by}": (share * latent, "lanes")
            for by, share in failed_shares(scenario).items()
        },
        "unit.latent_defects": (
            shipped_latent_fatal(made.die, made.dies, made.clustering, bins=made.bins)
            + sum(left.mean for left in made.dormant.values()),
            "defects",
        ),
        **{
            f"unit.early_failures.{by}": (_unit_fails(made, share), "failures")
            for by, share in failed_shares(scenario).items()
        },
        **_delivered("unit", shipped.ship_prob, shipped.mean_lanes * rate),
        **_spent("unit", float(one.cost) / counted, currency, shipped.mean_lanes * rate),
        **_carbon("unit", float(one.carbon_kg) / counted),
        **_scrap("unit", made.product),
        **_burnt(made),
        f"unit.scrap.{LANES}": (made.assembly_prob - shipped.ship_prob, "1"),
        **{f"unit.lane_loss.{name}": (p, "1") for name, p in made.lane_losses.items()},
    }
    spendings = {"unit": _after_count(one, counted)}
    if made.mount is None:
        for name in [name for name in found if not name.startswith("unit.lane")]:
            found[name.replace("unit.", "product.", 1)] = found[name]
    else:
        more, spent = _mounted(scenario, made, one, counted, shipped.mean_lanes, currency)
        found |= more
        spendings["product"] = spent
    return {name: exactly(value, unit) for name, (value, unit) in found.items()}, spendings


def _mounted(
    scenario: Scenario, made: Factory, one: Made, counted: float, lanes: float, currency: str
):
    """Metrics and spendings of the mount, its units at what they have cost when they ship."""
    assert made.mount is not None
    rate = scenario.fabric.lane_rate_gbps / GBPS_PER_TBPS
    each, unit = made.per_mount, made.product.name
    cost, carbon = float(one.cost) / counted, float(one.carbon_kg) / counted
    mount = unit_into(made.mount, unit, float(one.good_prob), cost, carbon)
    whole = make(mount)
    tbps = each * lanes * rate
    found = {
        "product.peak_bandwidth": (each * made.dies * made.die.lanes * rate, "Tb/s"),
        "product.ship_prob": (whole.ship_prob, "1"),
        "product.escape_prob": (1 - whole.good_prob, "1"),
        "product.live_lanes": (each * lanes, "lanes"),
        **_delivered("product", float(whole.ship_prob), tbps),
        **_spent("product", float(whole.cost), currency, tbps),
        **_carbon("product", float(whole.carbon_kg)),
        **_scrap("product", mount),
    }
    of_mount = failed_shares(scenario, burnt=False)
    for by, share in failed_shares(scenario).items():
        own = -math.expm1(-_hazard(made.mounted, of_mount[by]))
        failures = each * _unit_fails(made, share) + own
        found[f"product.early_failures.{by}"] = (failures, "failures")
    return found, whole.spendings


def _delivered(what: str, ship_prob: float, tbps: float) -> dict[str, tuple[float, str]]:
    return {
        f"{what}.bandwidth": (tbps, "Tb/s"),
        f"{what}.yield_adjusted_bandwidth": (tbps * ship_prob, "Tb/s"),
    }


def _spent(what: str, cost: float, currency: str, tbps: float) -> dict[str, tuple[float, str]]:
    return {
        f"{what}.cost": (cost, currency),
        f"{what}.cost_per_tbps": (cost / tbps, f"{currency} per Tb/s"),
    }


def _carbon(what: str, kg: float) -> dict[str, tuple[float, str]]:
    return {f"{what}.carbon": (kg, "kg")} if kg > 0 else {}


def _scrap(what: str, product: Product) -> dict[str, tuple[float, str]]:
    """Share of those started that each step scraps: what reaches it less what leaves it."""
    reached = [
        float(make(Product(product.name, product.steps[:i])).ship_prob)
        for i in range(len(product.steps) + 1)
    ]
    falls = zip(product.steps, reached, reached[1:], strict=False)
    return {f"{what}.scrap.{step.name}": (before - after, "1") for step, before, after in falls}


def _unit_fails(made: Factory, share: float) -> float:
    """Probability that a latent defect outside the lanes fails a unit that ships, when each does with this share."""
    die = shipped_early_prob(made.die, made.dies, made.clustering, share, bins=made.bins)
    return -math.expm1(math.log1p(-die) - _hazard(made.dormant, share))


def _hazard(dormant: dict[str, Dormant], share: float) -> float:
    return math.fsum(float(left.hazard(share)) for left in dormant.values())


def failed_shares(scenario: Scenario, burnt: bool = True) -> dict[str, float]:
    """Return the share of latent defects that ship and fail in the first year of use, and in the mission.

    Of those that burn-in has left, or on parts that it has not seen.
    """
    made = scenario.manufacturing
    if made is None or made.latent is None or made.latent.infant is None:
        return {}
    life = field_life(made.latent) if burnt else made.latent.infant
    ends = {"first_year": HOURS_PER_YEAR, "mission": scenario.mission_hours}
    return {name: -math.expm1(-float(cumulative_hazard(life, t))) for name, t in ends.items()}


def _burnt(made: Factory) -> dict[str, tuple[float, str]]:
    burns = any(step.name == BURN_IN for step in made.product.steps)
    lost = made.assembly_prob / made.burnt_prob - made.assembly_prob
    return {f"unit.scrap.{BURN_IN}": (lost, "1")} if burns else {}


def _after_count(one: Made, counted: float) -> tuple[Spending, ...]:
    """The spendings of a unit once those scrapped at the count of their lanes are paid for too."""
    rows = []
    for name, raw, before, after in one.spendings:
        whole = raw + before
        rows.append(Spending(name, raw, before, (whole + after) / counted - whole))
    return tuple(rows)


def _lost_prob(made: Factory) -> np.ndarray:
    return die_lanes_lost_prob(made.die, made.clustering)


def _mean(prob: np.ndarray) -> float:
    return float(prob @ np.arange(len(prob)))


def sampled_metrics(
    scenario: Scenario, made: Factory, counts: Counts, exact: dict[str, Estimate]
) -> dict[str, Estimate]:
    """Return what the drawn units say; replicas are independent, units of one are not."""
    shipped, n, units = counts.shipped[0], counts.replicas, made.packages
    needs = np.array(made.bins.lanes(made.die.lanes)) * made.dies
    by_bin = shipped.sum(2)
    columns = np.stack(
        [
            by_bin.sum(1),
            by_bin @ needs,
            shipped.sum(1) @ np.arange(shipped.shape[2]),
            counts.latent[0],
            counts.latent_fatal[0],
        ]
    ).astype(float)
    mean, cov = columns.mean(1), np.cov(columns) if n > 1 else np.zeros((5, 5))
    rate = scenario.fabric.lane_rate_gbps / GBPS_PER_TBPS
    lost = counts.lost[0] @ np.arange(counts.lost[0].shape[1])
    start = exact["unit.cost"].best * exact["unit.ship_prob"].best  # of a unit started
    currency = exact["unit.cost"].unit
    others = sum(
        left.mean for left in made.dormant.values()
    )  # in closed form: they are independent of the lanes
    most = float(made.dies * made.die.lanes)
    found = {
        "unit.ship_prob": _share(by_bin.sum(1), units),
        **{
            f"unit.bin.{share:g}": _share(by_bin[:, i], units)
            for i, share in enumerate(made.bins.shares)
        },
        "unit.lanes_lost_per_group": _of_counts(
            lost, units * made.dies, float(made.die.count), "lanes"
        ),
        "unit.yield_adjusted_bandwidth": _of_counts(by_bin @ needs, units, most, "").scaled(
            rate, "Tb/s"
        ),
    }
    if by_bin.sum() == 0:
        return found
    ratio = lambda f, unit: function_estimate(f, mean, cov, n, unit)
    if len(needs) > 1:  # in one bin all have the same lanes
        found |= {
            "unit.live_lanes": ratio(lambda x: x[1] / x[0], "lanes"),
            "unit.bandwidth": ratio(lambda x: x[1] / x[0] * rate, "Tb/s"),
        }
    found |= {
        "unit.spares_left": ratio(lambda x: x[2] / x[0], "lanes"),
        "unit.latent_lanes": ratio(lambda x: x[3] / x[0], "lanes"),
        "unit.latent_defects": ratio(lambda x: x[4] / x[0] + others, "defects"),
        **{
            f"unit.latent_failures.{by}": ratio(
                lambda x, failed=failed: failed * x[3] / x[0], "lanes"
            )
            for by, failed in failed_shares(scenario).items()
        },
        "unit.cost": ratio(lambda x: start * units / x[0], currency),
        "unit.cost_per_tbps": ratio(lambda x: start * units / x[1] / rate, f"{currency} per Tb/s"),
    }
    return found


def _share(count: np.ndarray, units: int) -> Estimate:
    return _of_counts(count, units, 1.0, "1")


def _of_counts(count: np.ndarray, units: int, most: float, unit: str) -> Estimate:
    """Estimate the mean a unit of exact counts by replica."""
    total, square = int(count.sum()), int((count.astype(object) ** 2).sum())
    return mean_estimate(total, square, len(count), scale=1 / units, most=most, unit=unit)


def shipped_rows(made: Factory, shipped: Shipment, counts: Counts) -> tuple[ShippedRow, ...]:
    """Return the joint distribution of live lanes and spares left, where it is more than nothing."""
    rows = []
    for i, grade in enumerate(shipped.grades):
        for left, prob in enumerate(grade.spares_prob):
            seen = counts.shipped[0][:, i, left]
            if prob > 1e-12 or seen.any():
                share = _share(seen, made.packages)
                rows.append(ShippedRow(grade.share, grade.lanes, left, exactly(prob, "1"), share))
    return tuple(rows)


def lost_rows(made: Factory, counts: Counts) -> tuple[LostRow, ...]:
    """Return the distribution of lanes lost by a group, where it is more than nothing."""
    prob, seen = _lost_prob(made), counts.lost[0]
    return tuple(
        LostRow(k, exactly(p, "1"), _share(seen[:, k], made.packages * made.dies))
        for k, p in enumerate(prob)
        if p > 1e-12 or seen[:, k].any()
    )
