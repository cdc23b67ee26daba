"""`fdmc run`: simulate a scenario and say what its failures cost."""

import argparse
import shlex
from pathlib import Path

import jax

from .. import collect
from ..collect import AbstractStop, Ledger, RelativeError, Replicas, Result, WallTime
from ..report import caption, result_tables, run_object, save, timing
from ..spec import Scenario, load
from ._errors import GOOD, INTERRUPTED, NOT_REACHED, UsageError
from ._output import console, say, show, show_json
from ._progress import Interrupt, Listener
from ._run_costs import CostAnswers, check_costs, cost_answers
from ._run_heat import HeatAnswers, answers, check
from ._run_trace import run_trace


_RTOL, _WALL = 0.01, 60.0


def run(args: argparse.Namespace) -> int:
    """Carry out `fdmc run`; return the exit code."""
    scenario = load(args.scenario, args.set)
    if args.trace is not None or args.trace_unit is not None:
        if args.trace is None:
            raise UsageError("--trace-unit needs --trace FILE.")
        return run_trace(args, scenario)
    rules = stop_rules(args)
    _check_devices(args.devices)
    check(args, scenario)
    check_costs(args, scenario)
    folder = _folder(args)
    seed = _seed(args, scenario, folder)
    quiet = args.quiet
    try:
        with Interrupt(quiet) as interrupt, Listener(quiet) as listener:

            def progress(here, fraction):
                listener(here, fraction)
                interrupt.check()

            result = collect.run(
                scenario, seed=seed, stop=rules, chunk=args.chunk, devices=args.devices,
                ledger=folder and folder / "ledger.json", resume=args.resume, progress=progress,
            )  # fmt: skip
        heat = answers(args, scenario, seed, result.replicas)
        costs = cost_answers(args, scenario, seed, result.replicas)
    except KeyboardInterrupt:
        return _interrupted(args, scenario, seed, folder)
    more = {**heat.keys(), **costs.keys()}
    files = save(result, rules, folder, scenario, more) if folder else []
    if args.json:
        show_json({**run_object(result, rules), **more})
    else:
        _show(args, scenario, rules, result, files, (heat, costs))
    return GOOD if result.status == "ok" else NOT_REACHED


def stop_rules(args: argparse.Namespace) -> list[AbstractStop]:
    """Return what ends the run: `--replicas` alone means exactly so many."""
    rules: list[AbstractStop] = []
    if args.replicas is not None:
        rules.append(Replicas(args.replicas))
    if args.rtol is not None or args.replicas is None:
        rules.append(RelativeError(_RTOL if args.rtol is None else args.rtol))
    if args.wall is not None or args.replicas is None:
        rules.append(WallTime(_WALL if args.wall is None else args.wall))
    return rules


def _show(
    args,
    scenario: Scenario,
    rules,
    result: Result,
    files: list[str],
    more: tuple[HeatAnswers, CostAnswers],
):
    mission = scenario.mission_hours
    wrote = [f"Wrote {', '.join(files)} and ledger.json to {args.out}."] if files else []
    tables = list(result_tables(result, args.top, wide=console().width >= 110))
    tables += [table for answer in more for table in answer.tables()]
    show([caption(result, rules, mission), *tables, timing(result, mission), *wrote])


def _check_devices(count: int | None):
    found = len(jax.local_devices())
    if count is not None and count > found:
        raise UsageError(
            f"--devices: {count} asked for, but there {'is' if found == 1 else 'are'} {found}; see "
            f"`fdmc doctor`."
        )


def _folder(args: argparse.Namespace) -> Path | None:
    """Make the output folder and see that it can be written to."""
    if args.out is None:
        if args.resume:
            raise UsageError("--resume needs --out DIR, the folder of the run to continue.")
        return None
    folder = Path(args.out)
    if args.resume and not (folder / "ledger.json").is_file():
        raise UsageError(
            f"--resume: there is no ledger in {args.out}; leave --resume out to start a run there."
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".fdmc-probe"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise UsageError(f"--out: {args.out} cannot be written to ({error.strerror}).") from None
    return folder


def _seed(args: argparse.Namespace, scenario: Scenario, folder: Path | None) -> int:
    """Return the seed: that of the ledger when a run goes on, and no other."""
    path = folder and folder / "ledger.json"
    if path is None or not path.is_file():
        return args.seed or 0
    try:
        ledger = Ledger.load(path)
    except (ValueError, OSError) as error:
        if args.resume:
            raise UsageError(f"--resume: {error}") from None
        return args.seed or 0
    if not args.resume:
        if ledger.done and not args.quiet:
            say(
                f"fdmc: starting afresh; {args.out} holds a ledger of {ledger.done:,} histories "
                f"(--resume goes on)"
            )
        return args.seed or 0
    seed = ledger.seed if args.seed is None else args.seed
    if ledger.fingerprint != scenario.fingerprint:
        raise UsageError(
            f"--resume: the ledger in {args.out} is of another scenario (fingerprint "
            f"{ledger.fingerprint}, not "
            f"{scenario.fingerprint}); give the same file and the same --set."
        )
    if ledger.seed != seed:
        raise UsageError(
            f"--resume: the ledger in {args.out} has seed {ledger.seed}; leave --seed out."
        )
    return seed


def _interrupted(
    args: argparse.Namespace, scenario: Scenario, seed: int, folder: Path | None
) -> int:
    """Say how to go on."""
    done, command = 0, None
    if folder and (folder / "ledger.json").is_file():
        done = Ledger.load(folder / "ledger.json").done
        words = args.written if args.resume else [*args.written, "--resume"]
        command = shlex.join(["fdmc", *words])
        text = f"interrupted; {done:,} histories are kept. To go on:\n  {command}"
    else:
        text = "interrupted; nothing is kept without --out DIR."
    say(f"fdmc: {text}")
    if args.json:
        show_json(
            {
                "scenario": scenario.name, "fingerprint": scenario.fingerprint, "seed": seed,
                "replicas": done, "status": "interrupted", "resume": command,
            }
        )  # fmt: skip
    return INTERRUPTED
