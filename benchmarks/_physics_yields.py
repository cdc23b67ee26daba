"""Cases of yield, assembly, test and repair, through `fdmc.yields`."""

from collections.abc import Callable, Sequence

import numpy as np

from fdmc.yields import (
    CHIPLET_ACTUARY_WAFER,
    BoseEinstein,
    Clustering,
    IndependentLosses,
    Layer,
    LinearCoverage,
    Murphy,
    NegativeBinomial,
    Part,
    Poisson,
    Product,
    Seeds,
    Step,
    Wafer,
    WilliamsBrown,
    all_good_prob,
    critical_area_mm2,
    die_carbon_kg,
    die_yield,
    fibre_attach_yield,
    good_die_cost,
    gross_dies,
    latent_free_prob,
    layered_yield,
    make,
    raw_die_cost,
    repair_yield,
)


Answer = Sequence[float] | np.ndarray
"""One number for each that the case expects."""

MM2_PER_CM2 = 100.0
UM2_PER_CM2 = 1e8

NODE_7NM = {"D0": 0.09, "wafer": 9346.0, "critical_level": 10.0}
"""Defects per cm2, cost of a wafer and clustering, as Chiplet Actuary has them."""


def _yield_laws(x) -> Answer:
    laws = [Poisson(), Murphy(), Seeds(), *map(NegativeBinomial, (2.0, 3.0, 10.0))]
    return [*(float(law.good_prob(x)) for law in laws), BoseEinstein(4).good_prob(x)]


def _actuary_die(A, D0, wafer, critical_level=10.0, dia=300.0, scribe=0.2, edge=5.0) -> Answer:
    form = Wafer(float(dia), float(edge), float(scribe))
    good = die_yield(A, D0, NegativeBinomial(float(critical_level)))
    raw = raw_die_cost(A, wafer, form)
    return [good, gross_dies(A, form), raw, good_die_cost(A, wafer, form, good)]


def _on_organic(
    chips: int, area: float, bond: float, bump: float, substrate_cost: float
) -> Product:
    """Chips with bumps (cost per mm2), and the substrate beneath them, which enters with them."""
    good = die_yield(area, NODE_7NM["D0"], NegativeBinomial(NODE_7NM["critical_level"]))
    raw = raw_die_cost(area, NODE_7NM["wafer"], CHIPLET_ACTUARY_WAFER)
    die = Product("chip", (Step("fab", good, cost=raw), Step("bumps", cost=bump * area)))
    return Product(
        "package", (Step("attach", bond**chips, cost=substrate_cost, parts=(Part(die, chips),)),)
    )


def _actuary_mcm(bond, bump, os, scale) -> Answer:
    """Four chips of 200 mm2 and a tenth more for their links; against one of 800 mm2."""
    chips, area, layers = 4, 200 * 1.1, 2.0  # several large chips take twice the layers
    several = make(_on_organic(chips, area, bond, bump, scale * chips * area * os * layers))
    one = make(_on_organic(1, 800.0, bond, bump, scale * 800 * os))
    substrate, dies = several.spendings
    return [
        dies.raw,
        dies.scrap_before,
        substrate.raw,
        substrate.scrap_after,
        dies.scrap_after,
        several.cost,
        one.cost,
    ]


def _catch_stack(A, layers, cov) -> Answer:
    """`layers` is a list in words: copies x defects per mm2 / critical share, and the clustering."""
    kinds, alpha = layers.removeprefix("D0/crit: ").split("; alpha ")
    stack = []
    for kind in kinds.split(","):
        copies, _, rest = kind.rpartition("x")
        density, share = map(float, rest.split("/"))
        law = NegativeBinomial(float(alpha))
        stack.append(Layer(density * MM2_PER_CM2, share, law, int(copies or 1)))
    good = layered_yield(A, stack)
    test = LinearCoverage(cov)
    return [good, test.pass_prob(good), 1 - test.defect_level(good)]


def _eco_chip(A, D0_per_cm2, alpha, cpa_g_per_mm2, wafer_d_mm, gross, formula) -> Answer:
    good = die_yield(A, D0_per_cm2, NegativeBinomial(float(alpha)))
    return [good, die_carbon_kg(A, good, cpa_g_per_mm2, Wafer(float(wafer_d_mm)))]


def _particles(Y0, D0) -> Answer:
    area = critical_area_mm2(Y0, D0 * UM2_PER_CM2, Poisson())
    return [die_yield(area, 10**-6.9 * UM2_PER_CM2, Poisson())]


def _escapes(Y, T) -> Answer:
    return [WilliamsBrown(T).defect_level(Y), LinearCoverage(T).defect_level(Y)]


def _one_wafer(x, a, n) -> Answer:
    gathered = Clustering(wafer_alpha=float(a))
    return [all_good_prob(x, gathered, (n,)), all_good_prob(x, gathered) ** n]


def _spare_lanes(n, r, p) -> Answer:
    losses = IndependentLosses(p)
    return [repair_yield(losses.failed_prob(k), s) for k, s in ((n, r), (n - r, 0))]


FORMULAS: dict[str, Callable[..., Answer]] = {
    "Y01": _yield_laws,
    "Y02": _actuary_die,
    "Y03": _actuary_die,
    "Y04": _actuary_mcm,
    "Y06": _catch_stack,
    "Y09": _eco_chip,
    "Y10": lambda p: fibre_attach_yield(np.array([288, 1088]), p),
    "Y11": _particles,
    "Y12": _escapes,
    "Y13": lambda alpha, lam, gamma: [latent_free_prob(NegativeBinomial(alpha), lam, gamma)],
    "Y14": _one_wafer,
    "R01": _spare_lanes,
}
