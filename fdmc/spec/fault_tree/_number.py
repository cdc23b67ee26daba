"""Numbers as files write them: plain decimal, finite, and no larger than a double holds."""

import math
import re


_FLOAT = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_INTEGER = re.compile(r"[+-]?[0-9]+")
MOST_DIGITS = 400  # a double written out in full has 309 digits before the point
MOST_INTEGER = 10**9


def number(text: str) -> float | str:
    """The finite number, or what is wrong with the text."""
    text = text.strip()
    if len(text) > MOST_DIGITS:
        return f"has a number of {len(text)} characters"
    if not _FLOAT.fullmatch(text):
        return f'needs a number, not "{_short(text)}"'
    value = float(text)
    if math.isinf(value):
        return f'has "{_short(text)}", which is larger than any double'
    if value == 0.0 and re.search("[1-9]", text.lower().split("e")[0]):
        return f'has "{_short(text)}", which is smaller than any double'
    return value


def integer(text: str) -> int | str:
    """The whole number, or what is wrong with the text."""
    text = text.strip()
    if not _INTEGER.fullmatch(text):
        return f'needs a whole number, not "{_short(text)}"'
    if len(text) > len(str(MOST_INTEGER)) or abs(int(text)) > MOST_INTEGER:
        return f'has "{_short(text)}", which is beyond {MOST_INTEGER}'
    return int(text)


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 40 else text[:37] + "..."
