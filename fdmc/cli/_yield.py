"""`fdmc yield`: what the factory of a scenario ships."""

import argparse
import json
from pathlib import Path

from .. import collect
from ..collect import PACKAGES, BurnInRow, ManufacturingResult, burn_in_trade
from ..report import (
    burn_in_tables,
    manufacturing_caption,
    manufacturing_object,
    manufacturing_tables,
    plain,
    save_manufacturing,
)
from ..spec import Scenario, load
from ._errors import GOOD, UsageError
from ._options import hours, whole
from ._output import folder_for, show, show_json
from ._progress import Fractions, Interrupt


EXAMPLES = """examples:
  fdmc yield cpo-2.5d
  fdmc yield cpo-2d --packages 10000000 --seed 7 --out answer
  fdmc yield cpo-chiplet --set 'manufacturing.parts.pic.density=0.5 /cm2' --json
  fdmc yield cpo-2.5d --set 'manufacturing.bins=[1, 0.875]'
  fdmc yield machine.yaml --burn-in '0 h' '24 h' '4 d'
"""
_REPLICAS = 1024


def yields(args: argparse.Namespace) -> int:
    """Carry out `fdmc yield`; return the exit code."""
    scenario = load(args.scenario, args.set)
    folder = folder_for(args.out)
    trade = _trade(args, scenario)
    with Interrupt(args.quiet) as interrupt:
        try:
            result = collect.manufacture(
                scenario,
                seed=args.seed,
                packages=args.packages,
                progress=Fractions(args.quiet, interrupt, "drawn"),
            )
        except ValueError as error:
            raise UsageError(str(error)) from None
    found = manufacturing_object(result) | ({"burn_in": plain(trade)} if trade else {})
    files = _save(result, found, folder) if folder else []
    if args.json:
        show_json(found)
    else:
        wrote = [f"Wrote {', '.join(files)} to {args.out}."] if files else []
        parts = [manufacturing_caption(result), *manufacturing_tables(result)]
        parts += burn_in_tables(result, trade) if trade else ()
        parts += wrote
        show(parts)
    return GOOD


def yield_options(made: argparse.ArgumentParser):
    """Add the options of `fdmc yield`, those of every verb apart."""
    made.add_argument(
        "scenario",
        metavar="SCENARIO",
        help="a YAML file, or the name of a packaged scenario (`fdmc list scenarios`)",
    )
    made.add_argument(
        "--packages",
        metavar="N",
        type=whole(1, 1 << 31, "1000000"),
        default=PACKAGES,
        help=f"units to draw, at least: they come as whole machines (default {PACKAGES:,})",
    )
    made.add_argument(
        "--seed",
        metavar="N",
        type=whole(0, 2**64 - 1, "7"),
        default=0,
        help="64-bit seed (default 0)",
    )
    made.add_argument(
        "--burn-in",
        metavar="TIME",
        nargs="+",
        type=hours,
        help="compare these times in the oven: what ships, and the goodput that histories lose",
    )
    made.add_argument(
        "--replicas",
        metavar="N",
        type=whole(1, 1 << 24, "1000"),
        help=f"histories for each time of --burn-in (default {_REPLICAS:,})",
    )
    made.add_argument(
        "--out", metavar="DIR", help="folder for result.json, and a figure as PNG and SVG"
    )
    made.add_argument("--quiet", action="store_true", help="no progress on standard error")


def _trade(args: argparse.Namespace, scenario: Scenario) -> tuple[BurnInRow, ...]:
    """Return one row for each time of --burn-in, none without it."""
    if args.burn_in is None:
        if args.replicas is not None:
            raise UsageError("--replicas: histories are run for --burn-in only; give that too.")
        return ()
    replicas = _REPLICAS if args.replicas is None else args.replicas
    try:
        return burn_in_trade(scenario, args.burn_in, seed=args.seed, replicas=replicas)
    except ValueError as error:
        raise UsageError(f"--burn-in: {error}") from None


def _save(result: ManufacturingResult, found: dict, folder: Path) -> list[str]:
    text = json.dumps(found, indent=1, allow_nan=False)
    try:
        (folder / "result.json").write_text(text + "\n", encoding="utf-8")
        return ["result.json", *(path.name for path in save_manufacturing(result, folder))]
    except OSError as error:
        raise UsageError(f"--out: {folder} cannot be written to ({error.strerror}).") from None
