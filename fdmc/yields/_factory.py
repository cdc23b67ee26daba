"""A scenario's `manufacturing` as the factory of this room: dies with lanes, products, bins."""

import math

import equinox as eqx
import numpy as np

from ..spec import AssemblyStep, DefectLaw, Manufacturing, PartMade, Scenario, TestModel
from ._assembly import (
    FAN_OUT,
    HYBRID_DIE_TO_WAFER,
    HYBRID_WAFER_TO_WAFER,
    MICRO_BUMP,
    ORGANIC,
    SILICON_INTERPOSER,
    Joining,
    fibre_attach_yield,
    joining_yield,
    series_yield,
)
from ._clustering import Clustering, all_good_prob, passing_density
from ._defects import (
    MM2_PER_CM2,
    AbstractDefects,
    BoseEinstein,
    Layer,
    Murphy,
    NegativeBinomial,
    Poisson,
    Seeds,
    layered_yield,
)
from ._escape import FULL_TEST, UNTESTED, AbstractTest, LinearCoverage, WilliamsBrown
from ._flow import Part, Product, Step, make
from ._lane_die import LaneDie
from ._latent import Dormant, burn_in
from ._outcome import Shipment, shipment
from ._parametric import TunedRing, resonance_yield
from ._repair import Bins
from ._wafer import Wafer, die_carbon_kg, gross_dies, raw_die_cost


_PRESETS = {
    "organic": ORGANIC,
    "fan_out": FAN_OUT,
    "silicon_interposer": SILICON_INTERPOSER,
    "micro_bump": MICRO_BUMP,
    "hybrid_die_to_wafer": HYBRID_DIE_TO_WAFER,
    "hybrid_wafer_to_wafer": HYBRID_WAFER_TO_WAFER,
}
BURN_IN = "burn_in"
"""The step that burn-in adds at the end; no step of a scenario is called so."""


class Factory(eqx.Module):
    """How the units of one machine are made, lanes apart from all else.

    - `die`: one group of lanes as it is counted at the final test; `dies` of them a unit.
    - `clustering` of its defects, `packages_per_wafer` units of one wafer, `wafers_per_lot`.
    - `packages`: units of the machine. Unit p, group d is instance `p * dies + d` of the lanes' parent.
    - `product`: the unit as far as all else counts; its lanes are counted after its last step.
    - `mount`: what it goes into, with `per_mount` units, before their own part is known.
    - `lane_losses`: share of lanes lost after the wafer, by what takes them, common cause included.
    - `burnt_prob`: that burn-in wakes nothing on the parts without lanes; it finds no older fault.
    - `dormant`: latent defects that ship on the parts without lanes, by part: those of the unit, then those that its
      `mount` adds (`mounted`), which no burn-in has seen.
    """

    die: LaneDie
    clustering: Clustering
    bins: Bins
    product: Product
    mount: Product | None
    lane_losses: dict[str, float]
    burnt_prob: float
    dormant: dict[str, Dormant] = eqx.field(static=True)
    mounted: dict[str, Dormant] = eqx.field(static=True)
    dies: int = eqx.field(static=True)
    packages: int = eqx.field(static=True)
    packages_per_wafer: int = eqx.field(static=True)
    wafers_per_lot: int = eqx.field(static=True)
    per_mount: int = eqx.field(static=True)

    @property
    def assembly_prob(self) -> float:
        """Probability that a unit reaches the count of its lanes."""
        return float(make(self.product).ship_prob) * self.burnt_prob

    def shipment(self) -> Shipment:
        """What becomes of the units started, exactly (`fdmc.yields.shipment`)."""
        return shipment(
            self.die,
            self.dies,
            self.clustering,
            bins=self.bins,
            assembly_prob=self.assembly_prob,
        )


def factory(scenario: Scenario) -> Factory:
    """Return the factory of a scenario.

    **Arguments:** a `scenario` with `manufacturing`.

    **Returns:** `Factory`. The die of the lanes is tested on its wafer for what takes it whole: a
    share T of those defects is found there, the others are lanes lost at the count. Burn-in wakes a
    share B of the latent defects, so that killers are $1 + \\gamma B$ times and latent ones $1 - B$
    times as many; outside the lanes they are on dies that their wafer's test has passed
    (`passing_density`). Each loss after the wafer is common to all lanes of a group with $\\beta$ (Fleming).

    **Raises:** `ValueError` when nothing is said of manufacturing.
    """
    made = scenario.manufacturing
    if made is None:
        raise ValueError(
            f"'{scenario.name}' says nothing of manufacturing: add that section, or turn it on with "
            "--set manufacturing.on=true."
        )
    tree, lane = scenario.tree, scenario.tree.nodes[made.lanes.unit]
    assert lane.parent is not None, "checked"
    c = made.clustering
    level = lambda alpha: math.inf if alpha is None else alpha
    clustering = Clustering(level(c.lot_alpha), level(c.wafer_alpha), level(c.die_alpha))
    dies = tree.per(made.unit, lane.parent)
    part = made.parts[made.lanes.die]
    losses = _lane_losses(made)
    die, found = _lane_die(made, part, lane.count, lane.need, losses, clustering)
    passed = all_good_prob(found, clustering)
    each = gross_dies(_area(part), _wafer(part)) * passed / dies
    return Factory(
        die=die,
        clustering=clustering,
        bins=Bins(made.bins),
        product=_product(made, passed),
        mount=_mount(made),
        lane_losses=losses,
        burnt_prob=_burnt(made),
        dormant=_dormant(made, made.steps, _woken(made)),
        mounted={} if made.mount is None else _dormant(made, made.mount.steps, 0.0),
        dies=dies,
        packages=tree.nodes[made.unit].total,
        packages_per_wafer=max(1, int(each)),
        wafers_per_lot=c.wafers_per_lot,
        per_mount=1 if made.mount is None else tree.per(made.mount.unit, made.unit),
    )


def _lane_die(
    made: Manufacturing,
    part: PartMade,
    count: int,
    need: int | None,
    losses: dict[str, float],
    clustering: Clustering,
) -> tuple[LaneDie, float]:
    """The group of lanes at the count, and the mean number of fatal defects found on the wafer."""
    lanes = count if need is None else need
    per_mm2 = sum(one.layers * one.density_per_cm2 * one.critical for one in part.layers)
    per_mm2 /= MM2_PER_CM2
    own = made.lanes.area_mm2 * per_mm2
    fatal = max(_area(part) - count * made.lanes.area_mm2, 0.0) * per_mm2
    found = fatal * part.test.coverage
    ratio = 0.0 if made.latent is None else made.latent.ratio
    woken = ratio * _woken(made)
    lost = -math.expm1(sum(math.log1p(-p) if p < 1 else -math.inf for p in losses.values()))
    beta = made.lanes.common_cause
    shared = beta * lost
    alone = (lost - shared) / (1 - shared) if shared < 1 else 0.0
    die = LaneDie(
        lanes,
        count - lanes,
        lane_defects=own * (1 + woken),
        fatal_defects=fatal * (1 - part.test.coverage + woken),
        lane_loss_prob=alone,
        shared_loss_prob=shared,
        latent_ratio=(ratio - woken) / (1 + woken),
        latent_fatal_defects=(ratio - woken) * fatal * passing_density(found, clustering),
    )
    return die, found


def _lane_losses(made: Manufacturing) -> dict[str, float]:
    found = {}
    for step in made.steps:
        harm = step.lanes
        good = float(fibre_attach_yield(harm.fibres, step.fibre_prob)) * (1 - harm.loss)
        if step.joining is not None:
            good *= float(series_yield(_joining(step).bond_prob, harm.bonds))
        if good < 1:
            found[step.step] = 1 - good
    ring = made.lanes.ring
    if ring is not None:
        # In kelvin as good as in nm: the heater must add what is left to `top`, plus the ring's offset.
        tuned = TunedRing(
            ring.top_kelvin - ring.test_kelvin,
            ring.spread_kelvin,
            ring.range_kelvin,
            ring.budget_kelvin,
        )
        found["ring"] = 1 - float(resonance_yield(tuned))
    return found


def _woken(made: Manufacturing) -> float:
    """Share of the latent defects that burn-in wakes: the infant law at its exposure."""
    latent = made.latent
    if latent is None or latent.infant is None or latent.burn_in is None:
        return 0.0
    infant = latent.infant
    return -math.expm1(-((latent.burn_in.use_hours / infant.scale_hours) ** infant.shape))


def _product(made: Manufacturing, passed: float) -> Product:
    parts = {name: _part(name, part) for name, part in made.parts.items()}
    body, die = made.parts[made.lanes.die], made.lanes.die
    parts[die] = Product(die, (_fab(die, body, passed, FULL_TEST),))
    steps = [_step(step, parts) for step in made.steps]
    oven = None if made.latent is None else made.latent.burn_in
    if oven is not None:
        steps.append(
            Step(BURN_IN, cost=oven.cost, test=UNTESTED)
        )  # `burnt_prob` has what it scraps
    return Product(made.unit, tuple(steps))


def _mount(made: Manufacturing) -> Product | None:
    """The mount with the unit as a part of no cost; `unit_into` puts in what it has cost."""
    if made.mount is None:
        return None
    parts = {name: _part(name, part) for name, part in made.parts.items()}
    parts[made.unit] = Product(made.unit, (Step(made.unit),))
    return Product(made.mount.unit, tuple(_step(step, parts) for step in made.mount.steps))


def unit_into(
    mount: Product, unit: str, good_prob: float, cost: float, carbon_kg: float
) -> Product:
    """The mount with its unit as it ships: escapes, cost and carbon of one."""
    made = Product(unit, (Step(unit, good_prob, cost, carbon_kg, test=UNTESTED),))
    swap = lambda part: Part(made, part.count) if part.product.name == unit else part
    steps = tuple(
        Step(s.name, s.good_prob, s.cost, s.carbon_kg, tuple(map(swap, s.parts)), s.test)
        for s in mount.steps
    )
    return Product(mount.name, steps)


def _burnt(made: Manufacturing) -> float:
    """Probability that burn-in wakes nothing on the parts that carry no lanes."""
    woken, good = _woken(made), 1.0
    if made.latent is None or woken == 0:
        return 1.0
    for layers in _layers(made, made.steps).values():
        for law, mean, copies in layers:
            good *= float(burn_in(law, mean, made.latent.ratio, woken).pass_prob) ** copies
    return good


def _dormant(
    made: Manufacturing, steps: tuple[AssemblyStep, ...], woken: float
) -> dict[str, Dormant]:
    """Latent defects that are left on the parts of some steps, of those that have any."""
    if made.latent is None or made.latent.ratio == 0:
        return {}
    found = {
        name: Dormant(layers, made.latent.ratio, woken)
        for name, layers in _layers(made, steps).items()
        if any(mean > 0 for _, mean, _ in layers)
    }
    return found if woken < 1 else {}


def _layers(
    made: Manufacturing, steps: tuple[AssemblyStep, ...]
) -> dict[str, tuple[tuple[AbstractDefects, float, int], ...]]:
    """Law, mean number of killers and number of the layers of each part without lanes that enters these steps."""
    counts: dict[str, int] = {}
    for step in steps:
        for name, count in step.parts.items():
            if name in made.parts and name != made.lanes.die:
                counts[name] = counts.get(name, 0) + count
    return {
        name: tuple(
            (
                _law(one.law),
                _area(made.parts[name]) * one.density_per_cm2 * one.critical / MM2_PER_CM2,
                count * one.layers,
            )
            for one in made.parts[name].layers
        )
        for name, count in counts.items()
        if made.parts[name].layers
    }


def _part(name: str, part: PartMade) -> Product:
    if part.area_mm2 is None:
        return Product(name, (Step(name, part.good, part.cost, test=_test(part.test)),))
    if any(
        layer.law is None for layer in part.layers
    ):  # the die of the lanes, put in by its caller
        return Product(name, ())
    layers = [
        Layer(one.density_per_cm2, one.critical, _law(one.law), one.layers) for one in part.layers
    ]
    good = float(layered_yield(part.area_mm2, layers))
    return Product(name, (_fab(name, part, good, _test(part.test)),))


def _fab(name: str, part: PartMade, good: float, test: AbstractTest) -> Step:
    """A die on its wafer. What it throws away carries carbon too, the wafer's offcut does so once."""
    wafer, carbon = _wafer(part), 0.0
    cost = float(raw_die_cost(_area(part), part.wafer.cost, wafer)) + part.cost
    passed = float(test.pass_prob(good))
    if part.carbon_g_per_mm2 is not None and passed > 0:
        kg = die_carbon_kg(_area(part), passed, part.carbon_g_per_mm2, wafer)
        carbon = float(np.asarray(kg)) * passed
    return Step(name, good, cost, carbon, test=test)


def _step(step: AssemblyStep, parts: dict[str, Product]) -> Step:
    good = step.good * float(fibre_attach_yield(step.fibres, step.fibre_prob))
    if step.joining is not None:
        good *= float(
            joining_yield(
                _joining(step),
                step.chips,
                bonds=step.bonds,
                vias=step.vias,
                bonded_mm2=step.bonded_mm2,
            )
        )
    entering = tuple(Part(parts[name], count) for name, count in step.parts.items())
    return Step(step.step, good, step.cost, step.carbon_kg, entering, _test(step.test))


def _joining(step: AssemblyStep) -> Joining:
    how = step.joining
    assert how is not None, "asked for only where chips are joined"
    base = Joining(1.0) if how.preset is None else _PRESETS[how.preset]
    values = (how.alignment_prob, how.bond_prob, how.via_prob, how.dielectric_per_mm2)
    known = (base.alignment_prob, base.bond_prob, base.via_prob, base.dielectric_per_mm2)
    return Joining(*(a if b is None else b for a, b in zip(known, values, strict=True)))


def _area(part: PartMade) -> float:
    assert part.area_mm2 is not None, "checked"
    return part.area_mm2


def _wafer(part: PartMade) -> Wafer:
    return Wafer(part.wafer.diameter_mm, part.wafer.edge_mm, part.wafer.scribe_mm)


def _test(test: TestModel) -> AbstractTest:
    return (LinearCoverage if test.model == "linear" else WilliamsBrown)(test.coverage)


def _law(law: DefectLaw | None) -> AbstractDefects:
    assert law is not None, "checked"
    plain = {"poisson": Poisson, "murphy": Murphy, "seeds": Seeds}
    if law.kind_of in plain:
        return plain[law.kind_of]()
    assert law.parameter is not None, "checked"
    if law.kind_of == "bose_einstein":
        return BoseEinstein(int(law.parameter))
    return NegativeBinomial(law.parameter)
