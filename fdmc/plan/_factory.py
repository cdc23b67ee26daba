"""From the manufacturing section of a scenario to the factory of its packages."""

from ..spec import Scenario
from ._effects import PlanError
from ._packages import PackagePlan


def factory_of(scenario: Scenario) -> tuple[PackagePlan, float]:
    """Return the factory of a scenario, and the share of its packages that ships at full bandwidth.

    **Raises:** `PlanError`.
    """
    raise PlanError(
        "manufacturing: histories do not start from made packages yet; use `fdmc yield`."
    )
