"""The factory of a machine's packages, lowered to arrays."""

import math

import equinox as eqx
import numpy as np
from jaxtyping import Float, Int

from ..lifetime import quantile_table
from ..spec import Gamma
from ..yields import Clustering, LaneDie
from ._arrays import AnyArray, Quantiles


PACKAGE_STREAMS = (
    "yields/lot",
    "yields/wafer",
    "yields/die",
    "yields/lanes",
    "yields/latent",
    "yields/assembly",
    "yields/latent_fatal",
)
"""Names of the sources of chance, in the order of their keys; append only."""

LANES_A_DRAW = 120
"""Lanes counted by one draw: float32 holds the probability that so many lanes of 1/2 are all good."""


class PackagePlan(eqx.Module):
    """The factory of one machine's packages; what one replica draws.

    Package p is of wafer p // `packages_per_wafer`, and a wafer w of lot w // `wafers_per_lot`. The
    densities of lots, wafers and dies are rows of `densities`; `varies` says which of them vary. Hazards
    are those of `LaneDie`, `lane_defects`, `fatal_defects` and `latent_fatal_defects` for a density of 1.
    `latent` and `latent_fatal` say which latent defects there are.
    """

    densities: Quantiles
    lanes: Float[AnyArray, ""]
    spares: Float[AnyArray, ""]
    lane_defects: Float[AnyArray, ""]
    lane_hazard: Float[AnyArray, ""]
    fatal_defects: Float[AnyArray, ""]
    shared_hazard: Float[AnyArray, ""]
    latent_ratio: Float[AnyArray, ""]
    latent_fatal_defects: Float[AnyArray, ""]
    scrap_prob: Float[AnyArray, ""]
    packages: int = eqx.field(static=True)
    dies: int = eqx.field(static=True)
    packages_per_wafer: int = eqx.field(static=True)
    wafers_per_lot: int = eqx.field(static=True)
    groups: int = eqx.field(static=True)
    varies: tuple[bool, bool, bool] = eqx.field(static=True)
    latent: bool = eqx.field(static=True)
    latent_fatal: bool = eqx.field(static=True)


def package_plan(
    die: LaneDie,
    clustering: Clustering,
    *,
    packages: int,
    dies: int,
    packages_per_wafer: int,
    wafers_per_lot: int = 25,
    assembly_prob: float = 1.0,
) -> PackagePlan:
    """Return the plan of a machine's packages, on the host.

    **Arguments:** `die` and how many a package holds (`dies`); `packages` of a machine; how many
    come of one wafer, and wafers of a lot (25 is a full carrier, recalled).

    **Raises:** `ValueError` for counts below 1 and an `assembly_prob` outside 0..1.
    """
    counts = {
        "packages": packages,
        "dies": dies,
        "packages_per_wafer": packages_per_wafer,
        "wafers_per_lot": wafers_per_lot,
    }
    for name, value in counts.items():
        if value < 1:
            raise ValueError(f"{name} must be 1 or more, but is {value}: give a whole number.")
    if not 0 <= assembly_prob <= 1:
        raise ValueError(
            f"assembly_prob must be in [0, 1], but is {assembly_prob:g}: write a share of 1."
        )
    alphas = (clustering.lot_alpha, clustering.wafer_alpha, clustering.die_alpha)
    varies = (not math.isinf(alphas[0]), not math.isinf(alphas[1]), not math.isinf(alphas[2]))
    laws = [
        Gamma(a, 1 / a) if some else Gamma(1.0, 1.0) for a, some in zip(alphas, varies, strict=True)
    ]
    number = lambda x: np.array(x, np.float32)
    return PackagePlan(
        densities=Quantiles(*quantile_table(laws)),
        lanes=number(die.lanes),
        spares=number(die.spares),
        lane_defects=number(die.lane_defects),
        lane_hazard=number(die.lane_hazard),
        fatal_defects=number(die.fatal_defects),
        shared_hazard=number(die.shared_hazard),
        latent_ratio=number(die.latent_ratio),
        latent_fatal_defects=number(die.latent_fatal_defects),
        scrap_prob=number(1 - assembly_prob),
        groups=-(-die.count // LANES_A_DRAW),
        varies=varies,
        latent=die.latent_ratio > 0,
        latent_fatal=die.latent_fatal_defects > 0,
        **counts,
    )


class Supply(eqx.Module):
    """Which lanes of a machine come out of a factory: `homes`, the first element of each group, in order.

    Group g is die g % dies of package g // dies, which ships with probability `ship_prob`. Of each row of `Places`,
    `batch` is its group (-1 for none) and `rank` the number of its element there, of `each`: the first ones are those
    that test has found lost, the next ones those with a latent defect. `latent` names the last classes of the plan,
    whose copies are the defects that packages happen to have: on the rest of a `die`, on a `lane`.
    """

    factory: PackagePlan
    ship_prob: Float[AnyArray, ""]
    homes: Int[AnyArray, " groups"]
    batch: Int[AnyArray, " places"]
    rank: Int[AnyArray, " places"]
    each: int = eqx.field(static=True)
    latent: tuple[str, ...] = eqx.field(static=True)
