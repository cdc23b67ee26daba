"""What `fdmc run` answers about costs after the run itself: robustness per watt."""

import argparse
import dataclasses

from .. import collect
from ..collect import Robustness, no_robustness
from ..report import robustness_object, robustness_table
from ..spec import Scenario
from ._errors import UsageError
from ._output import say


_MOST = 4096
"""Histories of the paired run at the most: each is two machines."""


@dataclasses.dataclass(frozen=True)
class CostAnswers:
    """What was asked for; None where it was not."""

    robustness: Robustness | None = None

    def tables(self) -> list:
        """Return the tables of what was asked for."""
        return [] if self.robustness is None else [robustness_table(self.robustness)]

    def keys(self) -> dict:
        """Return the JSON keys of what was asked for."""
        return {} if self.robustness is None else {"robustness": robustness_object(self.robustness)}


def check_costs(args: argparse.Namespace, scenario: Scenario):
    """Refuse what cannot be answered before anything runs."""
    why = no_robustness(scenario) if args.robustness else None
    if why is not None:
        raise UsageError(f"--robustness: {why}")


def cost_answers(args: argparse.Namespace, scenario: Scenario, seed: int, done: int) -> CostAnswers:
    """Run what was asked for, on at most 4,096 of the histories that are done."""
    if not args.robustness:
        return CostAnswers()
    if not args.quiet:
        say("fdmc: running again without spare elements")
    replicas = max(min(done, _MOST), 1)
    return CostAnswers(collect.robustness(scenario, seed=seed, replicas=replicas))
