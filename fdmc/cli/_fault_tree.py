"""`fdmc fault-tree`: exact and Monte Carlo answers of Open-PSA and Galileo models."""

import argparse
import time
from pathlib import Path

from .. import collect
from ..collect import AbstractStop, NoAnswer, Progress, RelativeError, Replicas, WallTime
from ..report import (
    fault_tree_caption,
    fault_tree_object,
    fault_tree_tables,
    number,
    save_fault_tree,
)
from ..spec.fault_tree import FaultTree, read, write
from ._errors import GOOD, NOT_REACHED, UsageError
from ._output import say, show, show_json
from ._progress import Interrupt


_RTOL, _WALL = 0.01, 60.0
_EVERY_SECONDS = 5.0


def fault_tree(args: argparse.Namespace) -> int:
    """Carry out `fdmc fault-tree`; return the exit code."""
    tree = read(*args.model)
    if args.write:
        return _write(tree, args.write)
    rules: list[AbstractStop] = [Replicas(args.replicas)] if args.replicas else []
    if args.target_error is not None or not rules:
        rules.append(RelativeError(args.target_error or _RTOL))
    if args.wall is not None or not args.replicas:
        rules.append(WallTime(args.wall or _WALL))
    try:
        with Interrupt(args.quiet) as interrupt:
            answer = collect.fault_tree(
                tree, top=args.top, method=args.method, time_hours=args.time, seed=args.seed,
                stop=rules, parameters=dict(args.set), house=dict(args.house),
                common_causes=not args.no_common_causes, importance=args.importance,
                cut_sets=args.rows if args.cut_sets else 0, cut_off=args.cut_off, uncertainty=args.uncertainty,
                mttf=args.mttf, progress=_Progress(args.quiet, interrupt),
            )  # fmt: skip
    except NoAnswer as error:
        say(f"fdmc: {error}")
        if args.json:
            show_json({"error": str(error), "problems": [], "status": "no_answer"})
        return NOT_REACHED
    except ValueError as error:
        raise error if hasattr(error, "problems") else UsageError(str(error)) from None
    files = save_fault_tree(answer, Path(args.out)) if args.out else []
    if args.json:
        show_json(fault_tree_object(answer))
    else:
        wrote = [f"Wrote {', '.join(files)} to {args.out}."] if files else []
        show([fault_tree_caption(answer), *fault_tree_tables(answer, args.rows), *wrote])
    return GOOD if answer.status == "ok" else NOT_REACHED


def _write(tree: FaultTree, path: str) -> int:
    try:
        write(tree, path)
    except OSError as error:
        raise UsageError(f"--write: {path} cannot be written ({error.strerror}).") from None
    say(f"fdmc: wrote {path}")
    return GOOD


class _Progress:
    """Says now and then how far the sampling is, and leaves it when that was asked for."""

    def __init__(self, quiet: bool, interrupt: Interrupt):
        self.quiet, self.interrupt = quiet, interrupt
        self.began = self.said = time.perf_counter()

    def __call__(self, progress: Progress, fraction: float) -> None:
        self.interrupt.check()
        now = time.perf_counter()
        if self.quiet or now - self.said < _EVERY_SECONDS:
            return
        self.said, spent = now, now - self.began
        left = spent * (1 - fraction) / fraction if 0 < fraction < 1 else 0.0
        say(
            f"fdmc: {progress.replicas:,} replicas, {100 * min(fraction, 1):.0f} %, {number(left)} s left"
        )
