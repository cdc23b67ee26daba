"""Dynamic fault trees in the Galileo format, as Storm and its relatives write it."""

import dataclasses
from itertools import chain
from typing import TypeVar

from ._check import Places, check
from ._error import Place, Report, quoted
from ._galileo_event import read_event
from ._galileo_text import Word, split
from ._galileo_words import ATTRIBUTES, DEPENDENCIES, GATES, INSPECTION, KEPT, PROBABLE, VOTE
from ._model import BasicEvent, Dependency, FaultTree, Formula, Gate
from ._number import integer, number


KEYWORD, CONSTRAINT = "keyword", "constraint"
"""Attributes of a gate: the word that the file has for it beside the connective, and dependencies
among its children."""

MOST_NAME = 500  # characters
_Element = TypeVar("_Element", Gate, BasicEvent)


def read_galileo(content: bytes, name: str, report: Report) -> FaultTree | None:
    """The fault tree of a file; problems go to the report."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        report.add(Place("", line), "it is not UTF-8 text", "save it as UTF-8")
        return None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        report.add(Place("", line), "it is not text")
        return None
    found = split(text, report)
    complete = not report.problems
    reader = _Reader(report)
    for statement in found.statements:
        reader.statement(statement)
    if complete and not found.statements:
        report.add(Place(), "it has no statement", 'a fault tree begins with toplevel "..."')
        return None
    reader.gates = {key: reader.bare(gate) for key, gate in reader.gates.items()}
    for line, kind, values in found.notes:
        title = reader.note(line, kind, values)
        name = name if title is None else title
    return reader.build(name) if complete else None  # what is cut off would be missed everywhere


class _Reader:
    """Collects statements by the kind of what they define."""

    def __init__(self, report: Report):
        self.report = report
        self.top = ""
        self.gates: dict[str, Gate] = {}
        self.events: dict[str, BasicEvent] = {}
        self.dependencies: dict[str, Dependency] = {}
        self.places: Places = {}
        self.lines: dict[str, int] = {}
        self.labels: dict[str, str] = {}
        self.attributes: dict[str, list[tuple[str, str]]] = {}

    def statement(self, words: list[Word]) -> None:
        """Take in one statement."""
        first, rest = words[0], words[1:]
        place = Place(quoted(first.text), first.line)
        if not first.quoted and first.text == "toplevel":
            self._toplevel(words, place)
            return
        if not first.quoted and first.text in ("param", "parameter"):
            hint = "write the numbers in their places"
            self.report.add(place, "parameters of Galileo files are not in the subset", hint)
            return
        if not first.text or not first.text.isprintable() or len(first.text) > MOST_NAME:
            message = "the name is empty, unprintable or without end"
            self.report.add(place, message, f"a name has up to {MOST_NAME} printable characters")
            return
        if first.text in self.lines:
            message = f"is defined already, in line {self.lines[first.text]}"
            self.report.add(place, message, "every name is defined once")
            return
        self.lines[first.text] = first.line
        if not rest:
            hint = "write a gate such as and, or a law such as lambda=0.1"
            self.report.add(place, "has neither a gate nor a law", hint)
        else:
            self._element(first.text, rest, place)

    def _toplevel(self, words: list[Word], place: Place) -> None:
        if self.top:
            self.report.add(place, "is given twice", "a model has one top event")
        elif len(words) != 2 or not words[1].text:
            self.report.add(place, "needs one name", 'write toplevel "name";')
        else:
            self.top = words[1].text
            self.places["toplevel", self.top] = place

    def _element(self, name: str, rest: list[Word], place: Place) -> None:
        word = rest[0].text
        args = tuple(item.text for item in rest[1:])
        vote, inspection = VOTE.fullmatch(word), INSPECTION.fullmatch(word)
        probable = PROBABLE.fullmatch(word)
        gate = word in GATES or vote is not None
        kind = "gate" if gate else "dependency"
        self.places[kind, name] = dataclasses.replace(place, path=f"{place.path} {word[:40]}")
        if rest[0].quoted:
            self.report.add(place, f"{quoted(word)} stands where a gate or a law is expected")
            self.gates[name] = Gate(Formula("is", (False,)))
        elif vote:
            self._vote(name, vote[1] or vote[3], vote[2], args, place)
        elif gate:
            self._gate(name, word, args, place)
        elif word in DEPENDENCIES:
            self.dependencies[name] = Dependency(word, args, line=place.line or 0)
        elif probable:
            value = self._number(probable[1], place.inside("pdep"))
            self.dependencies[name] = Dependency("fdep", args, value, line=place.line or 0)
        elif inspection:
            phases, rate = self._integer(inspection[1], place), self._number(inspection[2], place)
            line = place.line or 0
            self.dependencies[name] = Dependency("inspection", args, 1.0, phases, rate, line)
        elif "=" in word or (args and args[0].startswith("=")) or word in ATTRIBUTES:
            self.places["basic-event", name] = place
            self.events[name] = read_event(rest, place, self.report)
        else:
            known = (*GATES, *DEPENDENCIES, *ATTRIBUTES)
            hint = self.report.like(word, known)
            self.report.add(place, f"{quoted(word)} is neither a gate nor a law", hint)
            # it stays as something, so that those who name it are not wrong too
            self.gates[name] = Gate(Formula("is", (False,)))

    def _gate(self, name: str, word: str, args: tuple[str, ...], place: Place) -> None:
        op = GATES[word]
        keyword = ((KEYWORD, word),) if word in KEPT else ()
        self.gates[name] = Gate(Formula(op, args), attributes=keyword, line=place.line or 0)

    def _vote(
        self, name: str, need: str, of: str | None, args: tuple[str, ...], place: Place
    ) -> None:
        least = self._integer(need, place)
        if of is not None and self._integer(of, place) != len(args):
            message = f"counts {of[:20]} children, but has {len(args)}"
            self.report.add(place, message, f"write {need[:20]}of{len(args)}")
        self.gates[name] = Gate(Formula("atleast", args, least), line=place.line or 0)

    def _number(self, text: str, place: Place) -> float:
        value = number(text)
        if isinstance(value, str):
            self.report.add(place, value)
            return 0.0
        return value

    def _integer(self, text: str, place: Place) -> int:
        value = integer(text)
        if isinstance(value, str):
            self.report.add(place, value)
            return 0
        return value

    def note(self, line: int, kind: str, values: list[str]) -> str | None:
        """Take in what Galileo has no word for: `name`, `label` or `attribute`; return the name."""
        place = Place(f"//@ {kind}", line)
        if (kind, len(values)) == ("name", 1):
            return values[0]
        if (kind, len(values)) not in (("label", 2), ("attribute", 3)):
            return None  # a comment like any other
        name = values[0]
        if name not in self.gates and name not in self.events:
            hint = self.report.like(name, chain(self.gates, self.events))
            self.report.add(place, f"no gate or event {quoted(name)} is defined", hint)
        elif kind == "label":
            self.labels[name] = values[1]
        else:
            self.attributes.setdefault(name, []).append((values[1], values[2]))
        return None

    def build(self, name: str) -> FaultTree:
        """The tree, checked."""
        if not self.top and not self.report.problems:
            self.report.add(Place(), "no top event is declared", 'write toplevel "name";')
        tops = (self.top,) if self.top else ()
        gates = {key: self.noted(key, gate) for key, gate in self.gates.items()}
        events = {key: self.noted(key, event) for key, event in self.events.items()}
        tree = FaultTree(name, tops, gates, events, dependencies=self.dependencies)
        check(tree, self.places, self.report)
        return tree

    def bare(self, gate: Gate) -> Gate:
        """The gate without the dependencies among its children: they never fail and never count, as in Storm."""
        args = gate.formula.args
        inner = [arg for arg in args if isinstance(arg, str) and arg in self.dependencies]
        if not inner:
            return gate
        rest = tuple(arg for arg in args if arg not in self.dependencies)
        formula = dataclasses.replace(gate.formula, args=rest)
        notes = tuple((CONSTRAINT, arg) for arg in inner)
        return dataclasses.replace(gate, formula=formula, attributes=(*gate.attributes, *notes))

    def noted(self, name: str, element: _Element) -> _Element:
        """A gate or event with what the notes say of it."""
        label = self.labels.get(name, element.label)
        attributes = (*element.attributes, *self.attributes.get(name, ()))
        return dataclasses.replace(element, label=label, attributes=attributes)
