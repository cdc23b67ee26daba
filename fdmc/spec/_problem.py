"""What is wrong with a scenario, and how it is said."""

import dataclasses
import difflib
from collections.abc import Iterable, Sequence


Path = tuple[str | int, ...]
"""Where something stands in a document: keys and list positions from the top."""


@dataclasses.dataclass(frozen=True)
class Problem:
    """One thing wrong with a scenario, where it stands, and what to write instead.

    `file` names the document of the line where that is another one, which the scenario extends.
    """

    path: str
    line: int | None
    message: str
    suggestion: str = ""
    file: str = ""

    def __str__(self) -> str:
        text = f"{self.path}: {self.message}" if self.path else self.message
        if self.suggestion:
            text = f"{text}; {self.suggestion}"
        return text if text.endswith(("?", ".")) else f"{text}."


class ScenarioError(ValueError):
    """A scenario that cannot be used; `problems` lists everything that is wrong with it."""

    problems: tuple[Problem, ...]
    origin: str

    def __init__(self, origin: str, problems: Sequence[Problem]):
        self.origin = origin
        self.problems = tuple(problems)
        ValueError.__init__(self, render(origin, self.problems))


@dataclasses.dataclass(frozen=True)
class Finding:
    """A problem before its line is known: the path is still a tuple of keys."""

    path: Path
    message: str
    suggestion: str = ""


def dotted(path: Path) -> str:
    """The path as people write it: `workload.collectives[0].size`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`did you mean 'package'?`, or the choices when they are few, or nothing."""
    names = sorted(set(known))
    lower = {name.lower(): name for name in reversed(names)}
    close = difflib.get_close_matches(word.lower()[:80], list(lower), n=1, cutoff=0.6)
    if close:
        return f"did you mean '{lower[close[0]]}'?"
    if 0 < len(names) <= 12:
        return "write one of " + ", ".join(names)
    return ""


def shown(value: object) -> str:
    """A value of the document as it may be quoted in one line of a message."""
    words = {True: "true", False: "false", None: "null"}
    named = value is None or isinstance(value, bool)
    text = value if isinstance(value, str) else words[value] if named else repr(value)
    text = " ".join(text.split())
    return f'"{text[:57]}..."' if len(text) > 60 else f'"{text}"'


def render(origin: str, problems: Sequence[Problem], most: int = 10**9) -> str:
    """The message of an error: how many problems there are, and `most` of them, a line each."""
    count = f"{len(problems)} problem" + ("" if len(problems) == 1 else "s")
    shown = problems[:most]
    width = max((len(str(problem.line)) for problem in shown if problem.line), default=0)
    lines = [f"{origin}: {count}"]
    for problem in shown:
        where = f"line {problem.line:>{width}}  " if problem.line else ""
        where = f"{problem.file} {where}" if problem.file else where
        lines.append(f"  {where}{problem}")
    if len(problems) > len(shown):
        lines.append(f"  and {len(problems) - len(shown)} more")
    return "\n".join(lines)
