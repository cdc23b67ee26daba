"""`fdmc size`: choose the redundancy of a machine."""

import argparse
import json
import time
from pathlib import Path

import yaml

from ..report import save_sizing, sizing_caption, sizing_tables
from ..sizing import REPLICAS, WALL, NoDesignError, Sized, SizingError, size as size_
from ..spec import QuantityError, Scenario, load, money as read_money
from ._errors import GOOD, NOT_REACHED, UsageError
from ._options import seconds, whole
from ._output import folder_for, say, show, show_json
from ._progress import Interrupt


EXAMPLES = """examples:
  fdmc size cpo-512
  fdmc size cpo-512 --target '99 %' --out answer
  fdmc size cpo-512 --budget 40MEUR --frontier 8 --out answer
  fdmc size my-machine.yaml --wall '2 min' --json --quiet > answer.json

The scenario's section `sizing` says what may be chosen, within which limits, and what for (docs/sizing.md).
--target asks for a goodput at the least cost, --budget for the most goodput at a cost.
"""
_EVERY_SECONDS = 5.0


def size(args: argparse.Namespace) -> int:
    """Carry out `fdmc size`; return the exit code."""
    scenario = load(args.scenario, args.set)
    target, budget = _target(args.target), _budget(args.budget, scenario)
    folder = folder_for(args.out)
    with Interrupt(args.quiet) as interrupt:
        try:
            answer = size_(
                scenario, target=target, budget=budget, seed=args.seed, replicas=args.replicas,
                wall=args.wall, controls=not args.no_controls, frontier=args.frontier,
                progress=_Progress(args.quiet, interrupt),
            )  # fmt: skip
        except (SizingError, NoDesignError) as error:
            raise UsageError(str(error)) from None
    files = _save(answer, folder) if folder else []
    if args.json:
        show_json(answer.to_dict())
    else:
        show([sizing_caption(answer), *sizing_tables(answer), _told(answer, files, args.out)], 120)
    return GOOD if answer.status == "ok" else NOT_REACHED


def _told(answer: Sized, files: list[str], out: str | None) -> str:
    spent = ", ".join(
        f"{name} {value:.0f} s" for name, value in answer.seconds.items() if value >= 0.5
    )
    wrote = f"\nWrote {', '.join(files)} to {out}." if files else ""
    return f"Time: {spent}.{wrote}"


def size_options(made: argparse.ArgumentParser):
    """Add the options of `fdmc size`, those of every verb apart."""
    made.add_argument(
        "scenario",
        metavar="SCENARIO",
        help="a YAML file, or the name of a packaged scenario, with a section `sizing`",
    )
    made.add_argument(
        "--target", metavar="SHARE", help="goodput to reach at the least cost: 98.9%% or 0.989"
    )
    made.add_argument(
        "--budget", metavar="AMOUNT", help="cost over the mission for the most goodput: 40MEUR"
    )
    made.add_argument(
        "--frontier",
        metavar="N",
        type=whole(2, 100, "8"),
        default=0,
        help="also size N designs from the cheapest to the best",
    )
    made.add_argument(
        "--seed",
        metavar="N",
        type=whole(0, 2**64 - 1, "7"),
        default=0,
        help="64-bit seed of the search (default 0); the certificate has another one",
    )
    made.add_argument(
        "--replicas",
        metavar="N",
        type=whole(64, 1 << 22, "2048"),
        default=REPLICAS,
        help=f"most histories of a design in the search (default {REPLICAS:,})",
    )
    made.add_argument(
        "--wall",
        metavar="TIME",
        type=seconds,
        default=WALL,
        help=f"when nothing new is asked for any more: seconds, or '2 min' (default {WALL:g} s)",
    )
    made.add_argument(
        "--no-controls",
        action="store_true",
        help="leave out random search and greedy steps, which take as many histories as the search",
    )
    made.add_argument(
        "--out",
        metavar="DIR",
        help="folder for sizing.json, the sized scenario as YAML, and the figure as PNG and SVG",
    )
    made.add_argument("--quiet", action="store_true", help="no progress on standard error")


def _target(text: str | None) -> float | None:
    if text is None:
        return None
    number, scale = text.strip(), 1.0
    if number.endswith("%"):
        number, scale = number[:-1], 0.01
    try:
        value = round(float(number) * scale, 12)
    except ValueError:
        value = -1.0
    if not 0 < value < 1:
        raise UsageError(f"--target: '{text}' is no share between 0 and 1; write 98.9% or 0.989.")
    return value


def _budget(text: str | None, scenario: Scenario) -> float | None:
    if text is None:
        return None
    if scenario.economics is None:
        raise UsageError(f"--budget: {scenario.name} has no prices; add economics (docs/costs.md).")
    try:
        return read_money(text, scenario.economics.currency)
    except QuantityError as error:
        raise UsageError(f"--budget: {error}.") from None


def _save(answer: Sized, folder: Path) -> list[str]:
    """Write the answer, the machine to build, and the figure; return the file names."""
    text = json.dumps(answer.to_dict(), indent=1, allow_nan=False, ensure_ascii=False)
    (folder / "sizing.json").write_text(text + "\n", encoding="utf-8")
    name = f"{answer.scenario.name}.yaml"
    document = yaml.safe_dump(answer.scenario.document, sort_keys=False, allow_unicode=True)
    said = f"# Sized by fdmc from {answer.name}: {answer.status}.\n"
    (folder / name).write_text(said + document, encoding="utf-8")
    return ["sizing.json", name, *(path.name for path in save_sizing(answer, folder))]


class _Progress:
    """Says every few seconds what is being done and how much of the time is left at the most."""

    def __init__(self, quiet: bool, interrupt: Interrupt):
        self.quiet, self.interrupt = quiet, interrupt
        self.began, self.said, self.last = time.perf_counter(), -_EVERY_SECONDS, ""

    def __call__(self, text: str, fraction: float):
        self.interrupt.check()
        now = time.perf_counter() - self.began
        if self.quiet or (text == self.last and now - self.said < _EVERY_SECONDS):
            return
        self.said, self.last = now, text
        left = now * (1 - fraction) / fraction if fraction > 0 else 0.0
        say(f"fdmc: {now:.0f} s, {text}" + (f"; at most {left:.0f} s more" if now >= 1 else ""))
