"""The verbs, their options and their help."""

import argparse
from importlib import metadata

from ..collect import CHUNK
from ._compare import EXAMPLES as _COMPARE, compare, compare_options
from ._doctor import doctor
from ._fault_tree import fault_tree
from ._fault_tree_options import EXAMPLES as _FAULT_TREE, fault_tree_options
from ._options import relative, seconds, whole
from ._run import run
from ._show import list_all, show, show_schema
from ._size import EXAMPLES as _SIZE, size, size_options
from ._yield import EXAMPLES as _YIELD, yield_options, yields


_EXITS = "exit status: 0 good, 2 bad input, 3 precision not reached, 130 interrupted and resumable."
_ABOUT = """Failure-domain Monte Carlo: how much useful work a machine of many
accelerators loses when its parts fail, and which failure domain is to blame.

  fdmc run cpo-512              simulate a packaged scenario
  fdmc show cpo-512             what the machine is, before anything runs
  fdmc compare pluggable-512 cpo-512   the same failures in several machines
  fdmc size cpo-512             where the next euro of redundancy goes
  fdmc yield cpo-2.5d           what the factory ships: bins, spares left, cost
  fdmc fault-tree plant.xml     Open-PSA and Galileo models: exact, Monte Carlo, importance
  fdmc list                     packaged scenarios and components, with sources
  fdmc doctor                   is this machine ready, and how fast is it"""
_RUN = """examples:
  fdmc run cpo-512
  fdmc run my-machine.yaml --replicas 10000 --seed 7
  fdmc run cpo-512 --rtol '0.5 %' --wall '10 min' --out answer
  fdmc run cpo-512 --set service.technicians=4 --set 'components.gpu.rate=5000 FIT'
  fdmc run cpo-512 --out answer --resume        # after Ctrl-C, or for more precision
  fdmc run cpo-512 --json --quiet > answer.json
  fdmc run cpo-512 --set thermal.on=true --shares --gradient thermal.coolant

--rtol and --wall hold by default (0.01 and 60 s, whichever comes first); --replicas alone runs
exactly so many histories. History k of a seed is the same for ever, whatever the chunks.
"""
_SHOW = """examples:
  fdmc show cpo-512                                  the compiled tree, failure budget, repairs
  fdmc show cpo-512 --path 'rack[2].tray[*].engine'  single instances, and what losing one takes
  fdmc show cpo-512 --set fabric.policy=drop
  fdmc show LAS-UHP                                  a row of the component library
  fdmc show schema > fdmc.schema.json                the JSON Schema of a scenario, for editors
"""
_LIST = """examples:
  fdmc list
  fdmc list components --json
"""
_DOCTOR = """examples:
  fdmc doctor
  fdmc doctor --no-speed --json
"""


class Refused(ValueError):
    """A command line that argparse cannot read; `usage` is what it would have printed."""

    def __init__(self, message: str, usage: str):
        self.usage = usage
        ValueError.__init__(self, message)


class _Parser(argparse.ArgumentParser):
    """Raises what argparse would print, so that `--json` stays JSON."""

    def error(self, message: str):
        raise Refused(message, f"\n{self.format_usage().strip()}\nsee `{self.prog} --help`")


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    top = _Parser(
        prog="fdmc",
        description=_ABOUT,
        epilog=_EXITS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    top.add_argument("--version", action="version", version=f"fdmc {metadata.version('fdmc')}")
    verbs = top.add_subparsers(title="verbs", metavar="VERB", required=True)
    _run_options(_verb(verbs, "run", run, "simulate a scenario and say what failures cost", _RUN))
    fault_tree_options(
        _verb(
            verbs,
            "fault-tree",
            fault_tree,
            "answer a fault tree, exactly where that is cheap",
            _FAULT_TREE,
        )
    )
    made = _verb(verbs, "compare", compare, "hold machines against each other", _COMPARE)
    compare_options(made)
    _set_option(made)
    made = _verb(verbs, "size", size, "choose the redundancy of a scenario", _SIZE)
    size_options(made)
    _set_option(made)
    made = _verb(verbs, "yield", yields, "say what the factory of a scenario ships", _YIELD)
    yield_options(made)
    _set_option(made)
    _show_options(
        _verb(verbs, "show", show, "show a scenario, or a component of the library", _SHOW)
    )
    _verb(
        verbs, "list", list_all, "list packaged scenarios and the component library", _LIST
    ).add_argument(
        "what",
        nargs="?",
        choices=("components", "scenarios"),
        help="one of the two lists; both by default",
    )
    _verb(verbs, "schema", show_schema, "print the JSON Schema of a scenario, for editors")
    _verb(
        verbs, "doctor", doctor, "say what this machine has and how fast it is", _DOCTOR
    ).add_argument(
        "--no-speed",
        action="store_true",
        help="leave the speed test out (two seconds and a compilation)",
    )
    return top


def _verb(verbs, name: str, does, said: str, examples: str = "") -> argparse.ArgumentParser:
    made = verbs.add_parser(
        name,
        help=said,
        description=f"{said[0].upper()}{said[1:]}.",
        epilog=f"{examples}\n{_EXITS}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    made.set_defaults(verb=does)
    made.add_argument(
        "--json", action="store_true", help="print one JSON object on standard output, nothing else"
    )
    return made


def _set_option(made: argparse.ArgumentParser):
    made.add_argument(
        "--set",
        metavar="PATH=VALUE",
        action="append",
        default=[],
        help="change one value of the scenario, with its unit: service.technicians=4, "
        "'components.gpu.rate=500 FIT', workload.collectives[0].size='2 GiB'; "
        "may be given several times",
    )


def _run_options(made: argparse.ArgumentParser):
    made.add_argument(
        "scenario",
        metavar="SCENARIO",
        help="a YAML file, or the name of a packaged scenario (`fdmc list scenarios`)",
    )
    _set_option(made)
    _stop_options(made.add_argument_group("when to stop (the first rule that is met ends the run)"))
    _engine_options(made.add_argument_group("how to run"))
    _output_options(made.add_argument_group("what to write"))
    _heat_options(made.add_argument_group("what heat does"))
    _cost_options(made.add_argument_group("what redundancy is worth"))
    _trace_options(made.add_argument_group("faults that have happened, nothing sampled"))


def _trace_options(group):
    group.add_argument(
        "--trace",
        metavar="FILE",
        help="faults to replay: CSV with unit, copy, start_hours and end_hours, or JSON with node_id, "
        "event_time (days) and event_type",
    )
    group.add_argument(
        "--trace-unit",
        metavar="UNIT",
        help="what a node of a JSON trace is a copy of (default: the root's child that holds the accelerators)",
    )


def _stop_options(group):
    group.add_argument(
        "--replicas",
        metavar="N",
        type=whole(1, 2**62, "1000"),
        help="histories to simulate; without --rtol and --wall exactly N",
    )
    group.add_argument(
        "--rtol",
        metavar="W",
        type=relative,
        help="full width of the 95 %% interval of lost goodput over its mean: 0.01 or '1 %%' "
        "(default 0.01)",
    )
    group.add_argument(
        "--wall",
        metavar="TIME",
        type=seconds,
        help="run time, compilation apart and earlier parts of a resumed run included: seconds, "
        "or one such as '2 min', '1 h' (default 60 s)",
    )


def _engine_options(group):
    group.add_argument(
        "--seed",
        metavar="N",
        type=whole(0, 2**64 - 1, "7"),
        help="64-bit seed (default 0, or the ledger's with --resume)",
    )
    group.add_argument(
        "--chunk",
        metavar="N",
        type=whole(1, 1 << 22, "2048"),
        default=CHUNK,
        help="histories in one call of a device; the answer does not depend on it "
        f"(default {CHUNK})",
    )
    group.add_argument(
        "--devices",
        metavar="N",
        type=whole(1, 1 << 20, "1"),
        help="devices to use (default: all; `fdmc doctor` lists them)",
    )


def _output_options(group):
    group.add_argument(
        "--out",
        metavar="DIR",
        help="folder for result.json, result.nc (NetCDF), ledger.json, and figures as PNG and SVG",
    )
    group.add_argument(
        "--resume",
        action="store_true",
        help="go on from the ledger in DIR, left by Ctrl-C, a crash or a finished run",
    )
    group.add_argument(
        "--top",
        metavar="N",
        type=whole(1, 10_000, "12"),
        default=12,
        help="rows of the table of components (default 12)",
    )
    group.add_argument("--quiet", action="store_true", help="no progress on standard error")


def _heat_options(group):
    group.add_argument(
        "--shares",
        action="store_true",
        help="share of lost goodput due to ageing, cycling and lock: the same histories again (at "
        "most 4096) without each",
    )
    group.add_argument(
        "--gradient",
        metavar="PATH",
        nargs="*",
        help="how lost goodput moves with these numbers, such as thermal.coolant; without PATH with all that can be "
        "said (write it after SCENARIO)",
    )


def _cost_options(group):
    group.add_argument(
        "--robustness",
        action="store_true",
        help="gain of redundancy per watt that it draws: the same histories again (at most 4096) without spare "
        "elements",
    )


def _show_options(made: argparse.ArgumentParser):
    made.add_argument(
        "name",
        metavar="NAME",
        help="a YAML file, a packaged scenario, a component of the library, or `schema`",
    )
    _set_option(made)
    made.add_argument(
        "--path",
        metavar="PATH",
        help="show single instances instead: 'rack[2].tray[*].engine'; a name without brackets "
        "means all of them",
    )
