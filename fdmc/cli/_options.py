"""Values of options: read once, with a message that says what to write instead."""

import argparse
import math
import re


_SECONDS = {"ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_WALL = re.compile(r"\s*([0-9.]+(?:[eE][-+]?\d+)?)\s*([a-zA-Z]*)\s*")


def whole(least: int, most: int, what: str):
    """Return a reader of whole numbers in [least, most]."""

    def read(text: str) -> int:
        try:
            value = int(text.replace("_", "").replace(",", ""))
        except ValueError:
            raise argparse.ArgumentTypeError(
                f"'{text}' is not a whole number; write one such as {what}"
            ) from None
        if not least <= value <= most:
            bound = f"at least {least}" if value < least else f"at most {most}"
            raise argparse.ArgumentTypeError(f"{value} is not possible; it must be {bound}")
        return value

    return read


def relative(text: str) -> float:
    """Read a relative width: `0.01` or `1 %`."""
    number, scale = text.strip(), 1.0
    if number.endswith("%"):
        number, scale = number[:-1], 0.01
    try:
        value = float(number) * scale
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"'{text}' is not a relative width; write 0.01 or '1 %'"
        ) from None
    if not 0 < value < 10:
        raise argparse.ArgumentTypeError(
            f"{text} is not possible; write a width between 0 and 10, such as 0.01"
        )
    return value


def hours(text: str) -> float:
    """Read a time with its unit, in hours: `0 h`, `90 min`, `4 d`."""
    match = _WALL.fullmatch(text)
    try:
        value = float(match[1]) * _SECONDS[match[2]] / 3600 if match else math.nan
    except (KeyError, ValueError):
        value = math.nan
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(
            f"'{text}' is not a time with its unit; write one such as '24 h', '90 min' or '4 d'"
        )
    return value


def seconds(text: str) -> float:
    """Read a time: seconds, or a number and ms, s, min, h or d."""
    match = _WALL.fullmatch(text)
    unit = (match[2] or "s") if match else ""
    try:
        value = float(match[1]) * _SECONDS[unit] if match else math.nan
    except (KeyError, ValueError):
        value = math.nan
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(
            f"'{text}' is not a time; write seconds, or one such as '2 min' or '1 h'"
        )
    if value <= 0:
        raise argparse.ArgumentTypeError(f"'{text}' must be more than zero")
    return value
