"""`fdmc yield`: what the factory of a scenario ships."""

import argparse
import json
import time
from pathlib import Path

from .. import collect
from ..collect import PACKAGES, ManufacturingResult
from ..report import (
    manufacturing_caption,
    manufacturing_object,
    manufacturing_tables,
    number,
    save_manufacturing,
)
from ..spec import load
from ._errors import GOOD, UsageError
from ._options import whole
from ._output import say, show, show_json
from ._progress import Interrupt


EXAMPLES = """examples:
  fdmc yield cpo-2.5d
  fdmc yield cpo-2d --packages 10000000 --seed 7 --out answer
  fdmc yield cpo-chiplet --set 'manufacturing.parts.pic.density=0.5 /cm2' --json
  fdmc yield cpo-2.5d --set 'manufacturing.bins=[1, 0.875]'
"""
_EVERY_SECONDS = 5.0


def yields(args: argparse.Namespace) -> int:
    """Carry out `fdmc yield`; return the exit code."""
    scenario = load(args.scenario, args.set)
    folder = _folder(args.out)
    with Interrupt(args.quiet) as interrupt:
        try:
            result = collect.manufacture(
                scenario,
                seed=args.seed,
                packages=args.packages,
                progress=_Progress(args.quiet, interrupt),
            )
        except ValueError as error:
            raise UsageError(str(error)) from None
    files = _save(result, folder) if folder else []
    if args.json:
        show_json(manufacturing_object(result))
    else:
        wrote = [f"Wrote {', '.join(files)} to {args.out}."] if files else []
        parts = [manufacturing_caption(result), *manufacturing_tables(result), *wrote]
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
        "--out", metavar="DIR", help="folder for result.json, and a figure as PNG and SVG"
    )
    made.add_argument("--quiet", action="store_true", help="no progress on standard error")


def _folder(out: str | None) -> Path | None:
    if out is None:
        return None
    folder = Path(out)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--out: {out} cannot be written to ({error.strerror}).") from None
    return folder


def _save(result: ManufacturingResult, folder: Path) -> list[str]:
    text = json.dumps(manufacturing_object(result), indent=1, allow_nan=False)
    try:
        (folder / "result.json").write_text(text + "\n", encoding="utf-8")
        return ["result.json", *(path.name for path in save_manufacturing(result, folder))]
    except OSError as error:
        raise UsageError(f"--out: {folder} cannot be written to ({error.strerror}).") from None


class _Progress:
    """Says now and then how far the drawing is, and leaves it when that was asked for."""

    def __init__(self, quiet: bool, interrupt: Interrupt):
        self.quiet, self.interrupt = quiet, interrupt
        self.began = self.said = time.perf_counter()

    def __call__(self, fraction: float) -> None:
        self.interrupt.check()
        now = time.perf_counter()
        if self.quiet or now - self.said < _EVERY_SECONDS or fraction >= 1:
            return
        self.said, left = now, (now - self.began) * (1 - fraction) / fraction
        say(f"fdmc: {100 * fraction:.0f} % drawn, {number(left)} s left")
