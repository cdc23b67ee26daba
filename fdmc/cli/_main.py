"""The verbs and their options, and the one place where errors become exit codes."""

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import metadata

from ..collect import CHUNK, LedgerError
from ..plan import PlanError
from ..spec import ScenarioError
from ._doctor import doctor
from ._errors import BAD_INPUT, GOOD, INTERRUPTED, UsageError
from ._options import relative, seconds, whole
from ._output import say, show_json
from ._run import run
from ._show import list_all, show, show_schema


_EXITS = "exit status: 0 good, 2 bad input, 3 precision not reached, 130 interrupted and resumable."
_ABOUT = """Failure-domain Monte Carlo: how much useful work a machine of many accelerators loses when its parts
fail, and which failure domain is to blame.

  fdmc run cpo-512              simulate a packaged scenario
  fdmc show cpo-512             what the machine is, before anything runs
  fdmc list                     packaged scenarios and components, with sources
  fdmc doctor                   is this machine ready, and how fast is it"""
_RUN = """examples:
  fdmc run cpo-512
  fdmc run my-machine.yaml --replicas 10000 --seed 7
  fdmc run cpo-512 --rtol '0.5 %' --wall '10 min' --out answer
  fdmc run cpo-512 --set service.technicians=4 --set 'components.gpu.rate=5000 FIT'
  fdmc run cpo-512 --out answer --resume        # after Ctrl-C, or for more precision
  fdmc run cpo-512 --json --quiet > answer.json

--rtol and --wall hold by default (0.01 and 60 s, whichever comes first); --replicas alone runs exactly so many
histories. History k of a seed is the same for ever, whatever the chunks and the devices.
"""
_SHOW = """examples:
  fdmc show cpo-512                                     the compiled tree, failure budget, replacements
  fdmc show cpo-512 --path 'rack[2].tray[*].engine'     single instances, and what losing one takes
  fdmc show cpo-512 --set fabric.policy=drop
  fdmc show LAS-UHP                                     a row of the component library
  fdmc show schema > fdmc.schema.json                   the JSON Schema of a scenario, for editors
"""
_LIST = """examples:
  fdmc list
  fdmc list components --json
"""
_DOCTOR = """examples:
  fdmc doctor
  fdmc doctor --no-speed --json
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Carry out one command line; return its exit code. Bad input is a message, never a traceback."""
    written = list(sys.argv[1:] if argv is None else argv)
    wants_json = "--json" in written
    try:
        args = parser().parse_args(written)
        args.written = written
        code = args.verb(args)
        sys.stdout.flush()
        return code
    except _Refused as error:
        return _refuse(str(error), [], wants_json, hint=error.usage)
    except ScenarioError as error:
        problems = [
            {"path": p.path, "line": p.line, "message": p.message, "suggestion": p.suggestion}
            for p in error.problems
        ]
        return _refuse(str(error), problems, wants_json)
    except (UsageError, PlanError, LedgerError) as error:
        return _refuse(str(error), [], wants_json)
    except KeyboardInterrupt:
        say("fdmc: interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        # The reader (`head`) has seen enough; Python would complain once more when it closes the stream.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return GOOD
    except SystemExit as stop:  # --help and --version
        return int(stop.code or 0)


def _refuse(message: str, problems: list, wants_json: bool, hint: str = "") -> int:
    say(f"fdmc: {message}{hint}")
    if wants_json:
        show_json({"error": message, "problems": problems, "status": "bad_input"})
    return BAD_INPUT


class _Refused(ValueError):
    """A command line that argparse cannot read."""

    def __init__(self, message: str, usage: str):
        self.usage = usage
        ValueError.__init__(self, message)


class _Parser(argparse.ArgumentParser):
    """Raises what argparse would print, so that `--json` stays JSON."""

    def error(self, message: str):
        raise _Refused(message, f"\n{self.format_usage().strip()}\nsee `{self.prog} --help`")


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    raw = argparse.RawDescriptionHelpFormatter
    top = _Parser(
        prog="fdmc", description=_ABOUT, epilog=_EXITS, formatter_class=raw, allow_abbrev=False
    )
    top.add_argument("--version", action="version", version=f"fdmc {metadata.version('fdmc')}")
    verbs = top.add_subparsers(title="verbs", metavar="VERB", required=True)

    def verb(name: str, does, said: str, examples: str = ""):
        made = verbs.add_parser(
            name, help=said, description=f"{said[0].upper()}{said[1:]}.", epilog=f"{examples}\n{_EXITS}",
            formatter_class=raw, allow_abbrev=False,
        )  # fmt: skip
        made.set_defaults(verb=does)
        made.add_argument(
            "--json",
            action="store_true",
            help="print one JSON object on standard output, nothing else",
        )
        return made

    _run_options(verb("run", run, "simulate a scenario and say what its failures cost", _RUN))
    _show_options(
        verb(
            "show",
            show,
            "show a scenario as it is understood, or a component with its source",
            _SHOW,
        )
    )
    made = verb("list", list_all, "list packaged scenarios and the component library", _LIST)
    made.add_argument(
        "what",
        nargs="?",
        choices=("components", "scenarios"),
        help="one of the two lists; both by default",
    )
    verb("schema", show_schema, "print the JSON Schema of a scenario, for editors")
    made = verb("doctor", doctor, "say what this machine has and how fast it is", _DOCTOR)
    made.add_argument(
        "--no-speed",
        action="store_true",
        help="leave the speed test out (two seconds and a compilation)",
    )
    return top


def _set_option(made: argparse.ArgumentParser):
    made.add_argument(
        "--set", metavar="PATH=VALUE", action="append", default=[],
        help="change one value of the scenario, with its unit: service.technicians=4, 'components.gpu.rate=500 FIT', "
        "workload.collectives[0].size='2 GiB'; may be given several times",
    )  # fmt: skip


def _run_options(made: argparse.ArgumentParser):
    add = made.add_argument
    add(
        "scenario",
        metavar="SCENARIO",
        help="a YAML file, or the name of a packaged scenario (`fdmc list scenarios`)",
    )
    _set_option(made)
    ending = made.add_argument_group("when to stop (the first rule that is met ends the run)")
    ending.add_argument(
        "--replicas", metavar="N", type=whole(1, 2**62, "1000"),
        help="histories to simulate; without --rtol and --wall exactly N",
    )  # fmt: skip
    ending.add_argument(
        "--rtol", metavar="W", type=relative,
        help="full width of the 95 %% interval of lost goodput over its mean: 0.01 or '1 %%' (default 0.01)",
    )  # fmt: skip
    ending.add_argument(
        "--wall", metavar="TIME", type=seconds,
        help="run time, compilation apart and earlier parts of a resumed run included: seconds, or '2 min', '1 h' "
        "(default 60 s)",
    )  # fmt: skip
    how = made.add_argument_group("how to run")
    how.add_argument(
        "--seed",
        metavar="N",
        type=whole(0, 2**64 - 1, "7"),
        help="64-bit seed (default 0, or the ledger's with --resume)",
    )
    how.add_argument(
        "--chunk", metavar="N", type=whole(1, 1 << 22, "2048"), default=CHUNK,
        help=f"histories in one call of a device; the answer does not depend on it (default {CHUNK})",
    )  # fmt: skip
    how.add_argument(
        "--devices",
        metavar="N",
        type=whole(1, 1 << 20, "1"),
        help="devices to use (default: all; `fdmc doctor` lists them)",
    )
    what = made.add_argument_group("what to write")
    what.add_argument(
        "--out", metavar="DIR",
        help="folder for result.json, result.nc (NetCDF), ledger.json, and the figures as PNG and SVG",
    )  # fmt: skip
    what.add_argument(
        "--resume",
        action="store_true",
        help="go on from the ledger in DIR, left by Ctrl-C, a crash or a finished run",
    )
    what.add_argument(
        "--top",
        metavar="N",
        type=whole(1, 10_000, "12"),
        default=12,
        help="rows of the table of components (default 12)",
    )
    what.add_argument("--quiet", action="store_true", help="no progress on standard error")


def _show_options(made: argparse.ArgumentParser):
    add = made.add_argument
    add(
        "name",
        metavar="NAME",
        help="a YAML file, a packaged scenario, a component of the library, or `schema`",
    )
    _set_option(made)
    add(
        "--path", metavar="PATH",
        help="show single instances instead: 'rack[2].tray[*].engine'; a name without brackets means all of them",
    )  # fmt: skip
