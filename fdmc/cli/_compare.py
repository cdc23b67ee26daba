"""`fdmc compare`: the same histories in several machines, and the differences."""

import argparse

from .. import collect
from ..report import compare_object, compare_tables
from ..spec import load
from ._errors import GOOD, UsageError
from ._options import whole
from ._output import show, show_json
from ._progress import Fractions, Interrupt


EXAMPLES = """examples:
  fdmc compare pluggable-512 cpo-512
  fdmc compare cpo-512 lpo-512 npo-512 --replicas 8192 --json
  fdmc compare today.yaml tomorrow.yaml --set service.technicians=4     # the change goes into both
"""


def compare(args: argparse.Namespace) -> int:
    """Carry out `fdmc compare`; return the exit code."""
    if len(args.scenarios) < 2:
        raise UsageError(
            "compare: name two scenarios or more; the first is what others are held against."
        )
    machines = [load(name, args.set) for name in args.scenarios]
    with Interrupt(args.quiet) as interrupt:
        found = collect.compare(
            machines,
            seed=args.seed,
            replicas=args.replicas,
            progress=Fractions(args.quiet, interrupt, "simulated"),
        )
    if args.json:
        show_json(compare_object(found))
    else:
        show(compare_tables(found))
    return GOOD


def compare_options(made: argparse.ArgumentParser):
    """Add the options of `fdmc compare`, those of every verb apart."""
    made.add_argument(
        "scenarios",
        metavar="SCENARIO",
        nargs="+",
        help="YAML files or names of packaged scenarios; the others are held against the first",
    )
    made.add_argument(
        "--replicas",
        metavar="N",
        type=whole(2, 1 << 31, "2048"),
        default=2048,
        help="histories of each machine (default 2,048)",
    )
    made.add_argument(
        "--seed",
        metavar="N",
        type=whole(0, 2**64 - 1, "7"),
        default=0,
        help="64-bit seed (default 0)",
    )
    made.add_argument("--quiet", action="store_true", help="no progress on standard error")
