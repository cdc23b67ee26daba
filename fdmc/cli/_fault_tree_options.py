"""The options of `fdmc fault-tree`."""

import argparse
import math
import re

from ._options import relative, seconds, whole


EXAMPLES = """examples:
  fdmc fault-tree shelf.dft --time '5 y'
  fdmc fault-tree plant.xml --importance --cut-sets --rows 50
  fdmc fault-tree plant.xml events.xml --top g12 --method mc --target-error 0.001
  fdmc fault-tree shelf.dft --time '1 d, 30 d, 1 y' --mttf       # a curve over mission times
  fdmc fault-tree plant.xml --uncertainty 100000 --set pump-rate=2e-5 --house maintenance=true
  fdmc fault-tree plant.xml --write plant.dft                   # the same model in the other format
"""
_HOURS = {"s": 1 / 3600, "min": 1 / 60, "h": 1.0, "d": 24.0, "y": 8760.0}
_TIME = re.compile(r"\s*([0-9.]+(?:[eE][-+]?\d+)?)\s*([a-zA-Z]*)\s*")


def times(text: str) -> list[float]:
    """Read mission times with commas between them."""
    return [hours(part) for part in text.split(",")]


def hours(text: str) -> float:
    """Read a mission time: a number in the model's hours, or with s, min, h, d or y."""
    match = _TIME.fullmatch(text)
    try:
        value = float(match[1]) * _HOURS[match[2] or "h"] if match else math.nan
    except (KeyError, ValueError):
        value = math.nan
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(
            f"'{text}' is not a mission time; write hours, or one such as '30 d' or '5 y'"
        )
    return value


def assignment(text: str) -> tuple[str, float]:
    """Read NAME=VALUE."""
    name, equals, value = text.partition("=")
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not equals or not name.strip() or not math.isfinite(number):
        raise argparse.ArgumentTypeError(f"'{text}' is not NAME=VALUE with a number")
    return name.strip(), number


def state(text: str) -> tuple[str, bool]:
    """Read NAME=true or NAME=false."""
    name, equals, word = text.partition("=")
    states = {"true": True, "false": False, "1": True, "0": False}
    if not equals or word.strip().lower() not in states:
        raise argparse.ArgumentTypeError(f"'{text}' is not NAME=true or NAME=false")
    return name.strip(), states[word.strip().lower()]


def fraction(text: str) -> float:
    """Read a probability."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a probability between 0 and 1")
    return value


def fault_tree_options(made: argparse.ArgumentParser):
    """Add the options to the verb's parser."""
    made.add_argument(
        "model", metavar="MODEL", nargs="+",
        help="a model file, Open-PSA .xml or Galileo .dft; several files are parts of one model",
    )  # fmt: skip
    _question_options(made.add_argument_group("what is asked"))
    _more_options(made.add_argument_group("what else to say"))
    _method_options(made.add_argument_group("how to find it"))
    group = made.add_argument_group("what to write")
    group.add_argument("--out", metavar="DIR", help="folder for answer.json and figures")
    group.add_argument(
        "--write", metavar="FILE", help="only write the model, as .xml or .dft, and stop"
    )
    group.add_argument(
        "--rows", metavar="N", type=whole(1, 100_000, "20"), default=20,
        help="rows of each table, and cut sets to list (default 20)",
    )  # fmt: skip
    group.add_argument("--quiet", action="store_true", help="no progress on standard error")


def _question_options(group):
    group.add_argument("--top", metavar="NAME", help="a gate (default: the first top event)")
    group.add_argument(
        "--time", metavar="T", type=times, default=[8760.0],
        help="mission time: hours, or with a unit such as '5 y' (default 8760 h); several, with "
        "commas between them, give a curve, and the last is the answer",
    )  # fmt: skip
    group.add_argument(
        "--set", metavar="NAME=VALUE", type=assignment, action="append", default=[],
        help="another value of a parameter of the model; may be given several times",
    )  # fmt: skip
    group.add_argument(
        "--house", metavar="NAME=STATE", type=state, action="append", default=[],
        help="another state of a house event, true or false; may be given several times",
    )  # fmt: skip
    group.add_argument(
        "--no-common-causes", action="store_true",
        help="leave the model's common-cause groups out: members are then independent",
    )  # fmt: skip


def _more_options(group):
    group.add_argument(
        "--importance", action="store_true",
        help="Birnbaum, criticality, Fussell-Vesely, RAW, RRW and DIF of every event",
    )  # fmt: skip
    group.add_argument(
        "--cut-sets", action="store_true",
        help="count the minimal cut sets and list the most probable (as many as --rows)",
    )  # fmt: skip
    group.add_argument(
        "--cut-off", metavar="P", type=fraction, default=0.0,
        help="list only cut sets at least so probable",
    )  # fmt: skip
    group.add_argument(
        "--uncertainty", metavar="N", type=whole(1, 10**9, "10000"), default=0,
        help="draw the uncertain parameters N times; the probability's mean and quantiles",
    )  # fmt: skip
    group.add_argument("--mttf", action="store_true", help="the mean time to failure")


def _method_options(group):
    group.add_argument(
        "--method", choices=("auto", "exact", "mc"), default="auto",
        help="exact, Monte Carlo (mc), or exact where that is found soon (auto, the default)",
    )  # fmt: skip
    group.add_argument(
        "--target-error", metavar="E", type=relative,
        help="Monte Carlo: full width of the 95 %% interval over the probability: 0.01 or '1 %%' "
        "(default 0.01)",
    )  # fmt: skip
    group.add_argument(
        "--replicas", metavar="N", type=whole(1, 2**62, "1000000"), help="Monte Carlo: replicas"
    )
    group.add_argument(
        "--wall", metavar="TIME", type=seconds,
        help="Monte Carlo: seconds, or one such as '2 min' (default 60 s)",
    )  # fmt: skip
    group.add_argument(
        "--seed", metavar="N", type=whole(0, 2**64 - 1, "7"), default=0,
        help="64-bit seed (default 0)",
    )  # fmt: skip
