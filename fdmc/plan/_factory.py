"""From the manufacturing section of a scenario to the factory of its packages."""

from ..spec import Scenario
from ..yields import Bins, Factory, factory, shipment
from ._effects import PlanError
from ._packages import PackagePlan, package_plan


_FULL = Bins((1.0,))


def factory_of(scenario: Scenario) -> tuple[PackagePlan, float]:
    """Return the factory of a scenario, and the share of its packages that ships at full bandwidth.

    A machine is built of those: lower bins are sold elsewhere.

    **Raises:** `PlanError` when hardly any package is good enough.
    """
    made = factory(scenario)
    shipped = shipment(
        made.die, made.dies, made.clustering, bins=_FULL, assembly_prob=made.assembly_prob
    )
    if shipped.ship_prob < 1e-3:
        raise PlanError(
            f"manufacturing: {shipped.ship_prob:.2g} of the packages ship at full bandwidth; a machine cannot be "
            "built of them. Give more spares, or lose fewer lanes."
        )
    return factory_plan(made), float(shipped.ship_prob)


def factory_plan(made: Factory) -> PackagePlan:
    """Return the plan of a factory's packages, as many as one machine has."""
    return package_plan(
        made.die,
        made.clustering,
        packages=made.packages,
        dies=made.dies,
        packages_per_wafer=made.packages_per_wafer,
        wafers_per_lot=made.wafers_per_lot,
        assembly_prob=made.assembly_prob,
    )
