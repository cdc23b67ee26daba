"""`fdmc run --trace`: a trace of faults in the place of sampled failures."""

import argparse

from .. import collect
from ..report import replay_tables
from ..spec import Scenario
from ._errors import GOOD, UsageError
from ._output import show, show_json


_SAMPLING = ("replicas", "rtol", "wall", "seed", "devices", "out", "gradient")
_FLAGS = ("resume", "shares", "robustness")


def run_trace(args: argparse.Namespace, scenario: Scenario) -> int:
    """Replay the trace and show what it costs; return the exit code."""
    asked = [n for n in _SAMPLING if getattr(args, n, None) is not None]
    asked += [n for n in _FLAGS if getattr(args, n, False)]
    if asked:
        raise UsageError(f"--trace: nothing is sampled; leave --{asked[0]} out.")
    answer = collect.replay(scenario, args.trace, unit=args.trace_unit)
    if args.json:
        show_json(answer.to_dict())
    else:
        show(replay_tables(answer))
    return GOOD
