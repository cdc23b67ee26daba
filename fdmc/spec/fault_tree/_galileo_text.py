"""Statements of a Galileo file: words and quoted names between semicolons, without the comments."""

import dataclasses
import json
import re

from ._error import Place, Report, quoted


MOST_TOKENS = 2_000_000
_TOKEN = re.compile(
    r"(?P<space>\s+)|(?P<comment>//[^\n]*)|(?P<block>/\*.*?\*/)|(?P<open>/\*)"
    r'|"(?P<quoted>[^"\n]*)"|(?P<quote>")|(?P<end>;)|(?P<bare>(?:(?!//|/\*)[^\s;"])+)',
    re.DOTALL,
)
_NOTE = re.compile(r"//@ *([a-z]+)((?: +\"(?:[^\"\\]|\\.)*\")+) *\r?")


@dataclasses.dataclass(frozen=True)
class Word:
    """A word or quoted name, and its line."""

    text: str
    quoted: bool
    line: int


@dataclasses.dataclass(eq=False)
class Text:
    """The statements, and the notes of our own that stand in comments as `//@ label "name" "text"`."""

    statements: list[list[Word]] = dataclasses.field(default_factory=list)
    notes: list[tuple[int, str, list[str]]] = dataclasses.field(default_factory=list)


def split(content: str, report: Report) -> Text:
    """Cut a file into statements; what cannot be cut is a problem."""
    found = Text()
    words: list[Word] = []
    line = count = 1
    for match in _TOKEN.finditer(content):
        kind, text = match.lastgroup, match.group()
        if kind in ("open", "quote"):
            what = "comment" if kind == "open" else "quoted name"
            report.add(Place("", line), f"a {what} begins here and does not end")
            return found
        if kind == "end":
            if words:
                found.statements.append(words)
            words = []
        elif kind in ("quoted", "bare"):
            words.append(
                Word(match["quoted"] if kind == "quoted" else text, kind == "quoted", line)
            )
            count += 1
        elif kind == "comment" and text.startswith("//@"):
            _note(text, line, found)
        line += text.count("\n")
        if count > MOST_TOKENS:
            report.add(Place("", line), f"the file has more than {MOST_TOKENS} words")
            return found
    if words:
        first = quoted(words[0].text)
        message = "the last statement does not end with a semicolon"
        report.add(Place(first, words[0].line), message, "is the file complete?")
    return found


def _note(text: str, line: int, found: Text) -> None:
    match = _NOTE.fullmatch(text)
    if match:
        try:
            values = json.loads("[" + ",".join(_strings(match[2])) + "]")
        except ValueError:
            return  # a comment like any other
        found.notes.append((line, match[1], values))


def _strings(text: str) -> list[str]:
    return re.findall(r'"(?:[^"\\]|\\.)*"', text)
