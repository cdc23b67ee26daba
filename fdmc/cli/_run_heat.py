"""What `fdmc run` answers about heat after the run itself: shares of its effects, and gradients."""

import argparse
import dataclasses

from .. import collect
from ..collect import Gradient, HeatShares
from ..plan import knobs_of, lower, other_knobs_of, sensitivity
from ..report import gradient_object, gradient_table, shares_object, shares_table, unseen
from ..spec import Scenario
from ._errors import UsageError
from ._output import say


_MOST = 4096
"""Histories that shares and gradients take at the most: each is several machines, or several derivatives."""


@dataclasses.dataclass(frozen=True)
class HeatAnswers:
    """What was asked for; None and nothing where it was not."""

    scenario: Scenario
    shares: HeatShares | None = None
    gradient: Gradient | None = None

    def tables(self) -> list:
        """Return the tables of what was asked for."""
        found = [] if self.shares is None else [shares_table(self.shares)]
        if self.gradient is not None:
            known = {**knobs_of(self.scenario), **other_knobs_of(self.scenario)}
            found.append(gradient_table(self.scenario, self.gradient, known))
        return found

    def keys(self) -> dict:
        """Return the JSON keys of what was asked for."""
        found = {} if self.shares is None else {"heat_shares": shares_object(self.shares)}
        if self.gradient is not None:
            found["gradient"] = gradient_object(self.gradient)
        return found


def check(args: argparse.Namespace, scenario: Scenario):
    """Refuse what cannot be answered before anything runs; fill in the paths of `--gradient` without any."""
    if args.shares and scenario.thermal is None:
        raise UsageError(
            f"--shares: {scenario.name} has no thermal section (or it is off: --set thermal.on=true), so that heat "
            "has no share in its losses."
        )
    if args.shares and scenario.thermal is not None and not scenario.thermal.effects:
        raise UsageError("--shares: thermal.effects is empty; nothing is left to take out.")
    if args.gradient is None:
        return
    hidden = unseen(scenario)
    if args.gradient:
        for path in args.gradient:
            if hidden.get(path, ("unknown",)):
                sensitivity(scenario, lower(scenario)[0], path)  # raises, with the reason
        return
    args.gradient = [path for path, classes in hidden.items() if not classes]
    left = [path for path, classes in hidden.items() if classes]
    if not args.gradient:
        raise UsageError(
            f"--gradient: no number of {scenario.name} has a gradient"
            + (
                f" ({', '.join(left)} move what wears)."
                if left
                else "; give it a thermal section, `at` or `current`."
            )
        )
    if left and not args.quiet:
        say(f"fdmc: no gradient for {', '.join(left)}; `fdmc show` says why")


def answers(args: argparse.Namespace, scenario: Scenario, seed: int, done: int) -> HeatAnswers:
    """Run what was asked for, on at most 4,096 of the histories that are done."""
    replicas = max(min(done, _MOST), 1)
    shares = gradient = None
    if args.shares:
        if not args.quiet:
            say("fdmc: running again without each effect of heat")
        shares = collect.heat_shares(scenario, seed=seed, replicas=replicas)
    if args.gradient:
        if not args.quiet:
            say("fdmc: differentiating")
        gradient = collect.gradient(scenario, args.gradient, seed=seed, replicas=replicas)
    return HeatAnswers(scenario, shares, gradient)
