"""What is wrong with the files of a fault tree, gathered until all of them were read."""

import dataclasses
from collections.abc import Iterable, Sequence

from .._problem import Problem, did_you_mean, render


MOST_SHOWN = 50
MOST_COMPARED = 4_000_000  # letters times letters, in all suggestions: at worst some seconds
MOST_PROBLEMS = 2_000  # a file with more is of another kind, not one with mistakes


class FaultTreeError(ValueError):
    """A fault tree that cannot be used; `problems` lists everything that is wrong with it."""

    problems: tuple[Problem, ...]
    origin: str

    def __init__(self, origin: str, problems: Sequence[Problem]):
        self.origin = origin
        self.problems = tuple(problems)
        ValueError.__init__(self, render(origin, self.problems, MOST_SHOWN))


@dataclasses.dataclass(frozen=True)
class Place:
    """Where something stands: the element and its line, and the file when there are several."""

    path: str = ""
    line: int | None = None
    file: str = ""

    def inside(self, part: str) -> "Place":
        """The place of a part of it."""
        return Place(f"{self.path}/{part}" if self.path else part, self.line, self.file)


class TooManyProblemsError(Exception):
    """The list of problems is full; reading goes no further."""


class Report:
    """The problems found so far."""

    def __init__(self):
        self._found: list[tuple[str, int, Problem]] = []
        self._seen: set[Problem] = set()
        self._compared = 0

    def add(self, place: Place, message: str, suggestion: str = "") -> None:
        """Note one problem, once."""
        path = f"{place.file}: {place.path}".removesuffix(": ") if place.file else place.path
        problem = Problem(path, place.line or None, message, suggestion)
        if problem in self._seen:
            return
        self._seen.add(problem)
        self._found.append((place.file, place.line or 0, problem))
        if len(self._found) >= MOST_PROBLEMS:
            raise TooManyProblemsError

    @property
    def problems(self) -> list[Problem]:
        """The problems in the order of the lines."""
        return [problem for *_, problem in sorted(self._found, key=lambda found: found[:2])]

    def like(self, word: str, known: Iterable[str]) -> str:
        """`did_you_mean`, as long as it takes no time: a large file may have thousands of mistakes."""
        if self._compared > MOST_COMPARED:
            return ""
        names = [name[:80] for name in known]
        self._compared += min(len(word), 80) * sum(map(len, names))
        return did_you_mean(word, names) if self._compared <= MOST_COMPARED else ""


def quoted(name: str) -> str:
    """A name as it may stand in a message: in one line, and not without end."""
    text = " ".join(name.split())
    return f'"{text[:77]}..."' if len(text) > 80 else f'"{text}"'
