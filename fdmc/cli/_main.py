"""The one place where errors become messages and exit codes."""

import os
import sys
from collections.abc import Sequence

from ..collect import LedgerError, TraceError
from ..plan import GradientError, PlanError
from ..spec import ScenarioError
from ..spec.fault_tree import FaultTreeError
from ._errors import BAD_INPUT, GOOD, INTERRUPTED, UsageError
from ._output import say, show_json
from ._parser import Refused, parser


def main(argv: Sequence[str] | None = None) -> int:
    """Carry out one command line; return its exit code. Bad input is a message, no traceback."""
    written = list(sys.argv[1:] if argv is None else argv)
    wants_json = "--json" in written
    try:
        args = parser().parse_args(written)
        args.written = written
        code = args.verb(args)
        sys.stdout.flush()
        return code
    except Refused as error:
        return _refuse(str(error), [], wants_json, hint=error.usage)
    except (ScenarioError, FaultTreeError) as error:
        names = ("path", "line", "message", "suggestion", "file")
        problems = [{name: getattr(p, name) for name in names} for p in error.problems]
        return _refuse(str(error), problems, wants_json)
    except (UsageError, PlanError, GradientError, LedgerError, TraceError) as error:
        return _refuse(str(error), [], wants_json)
    except KeyboardInterrupt:
        say("fdmc: interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        # The reader (`head`) has seen enough; Python would complain again on closing the stream.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return GOOD
    except SystemExit as stop:  # --help and --version
        return int(stop.code or 0)


def _refuse(message: str, problems: list, wants_json: bool, hint: str = "") -> int:
    say(f"fdmc: {message}{hint}")
    if wants_json:
        show_json({"error": message, "problems": problems, "status": "bad_input"})
    return BAD_INPUT
