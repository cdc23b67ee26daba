"""When a unit has lost all of itself: a formula over its own component copies, read and counted.

Formulas are those of fault trees. As a scenario writes them, an operand is a gate, a component's name
(all its copies), or one copy such as `pump[0]`; here an operand is a gate or one copy.
"""

import functools
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ._model import Group, Structure
from ._problem import Finding, Path, did_you_mean, shown
from .fault_tree import DYNAMIC, STATIC, Formula


GATES = ("or", "and", "atleast")
MOST_COPIES = 31  # bits of a word that is never negative, one a copy
MOST_GATES = 31  # bits of such a word, one a gate
_COPY = re.compile(r"(?P<name>[A-Za-z][\w-]*)\[(?P<copy>\d{1,9})\]")
_EXAMPLE = "write one such as {or: [valve, {and: [pump]}]}"


def copies_of(parts: Mapping[str, Group]) -> tuple[str, ...]:
    """What the component copies of a unit are called."""
    return tuple(copy for name, group in parts.items() for copy in _names(name, group))


def structure_of(value: Any, parts: Mapping[str, Group]) -> Structure:
    """The structure that a good document has written."""
    formula, findings = read_structure(value, parts)
    assert formula is not None
    assert not findings
    return Structure(formula, copies_of(parts))


def read_structure(
    value: Any, parts: Mapping[str, Group], path: Path = ()
) -> tuple[Formula | None, list[Finding]]:
    """The formula of what stands at `path` of a document, and everything that is wrong with it."""
    reader = _Reader(parts)
    found = reader.operand(value, path)
    if len(found) > 1 and not reader.findings:
        said = f"{shown(value)} has {len(found)} copies"
        fix = f"write {{or: [{value}]}} if any, {{and: [{value}]}} if all of them must fail"
        reader.findings.append(Finding(path, said, fix))
    if reader.findings or not found:
        return None, reader.findings
    formula = normal(found[0])
    return formula if isinstance(formula, Formula) else Formula("or", (formula,)), []


def events(formula: Formula | str | bool) -> Iterator[str]:
    """The names in a formula, depth first, repeated as they are written."""
    if isinstance(formula, Formula):
        for argument in formula.args:
            yield from events(argument)
    elif isinstance(formula, str):
        yield formula


def gates(formula: Formula) -> list[Formula]:
    """The different gates of a formula, every gate after its arguments."""
    found: dict[Formula, None] = {}
    for argument in formula.args:
        if isinstance(argument, Formula):
            found.update(dict.fromkeys(gates(argument)))
    found[formula] = None
    return list(found)


def normal(formula: Formula | str | bool) -> Formula | str | bool:
    """The same function without gates of one argument, and without gates inside one of their kind."""
    if not isinstance(formula, Formula):
        return formula
    args = tuple(normal(argument) for argument in formula.args)
    if len(args) == 1:
        return args[0]
    op = formula.op
    if op == "atleast" and formula.least in (1, len(args)):
        op = "or" if formula.least == 1 else "and"
    if op == "atleast":
        return Formula(op, args, formula.least)
    flat: dict[Formula | str | bool, None] = {}
    for argument in args:
        if isinstance(argument, Formula) and argument.op == op:
            flat.update(dict.fromkeys(argument.args))
        else:
            flat[argument] = None
    return next(iter(flat)) if len(flat) == 1 else Formula(op, tuple(flat))


def cut_sets(structure: Structure, most: int = 256) -> tuple[frozenset[str], ...] | None:
    """The minimal sets of copies that together lose the unit, smallest first; None: more than `most`."""
    bit = {name: 1 << i for i, name in enumerate(structure.copies)}
    try:
        found = _cuts(structure.formula, bit, most)
    except OverflowError:
        return None
    if len(found) > most:
        return None
    return tuple(frozenset(name for name, b in bit.items() if mask & b) for mask in found)


def why_not(op: str) -> str:
    """Why a connective of fault trees cannot stand in the structure of a repairable unit."""
    if op in DYNAMIC:
        return "the order of failures decides, which the state of a repairable unit does not hold"
    return "a further failure could give the unit back"


def _names(name: str, group: Group) -> list[str]:
    return [name] if group.count == 1 else [f"{name}[{copy}]" for copy in range(group.count)]


class _Reader:
    """Reads one structure, and gathers what is wrong with it."""

    def __init__(self, parts: Mapping[str, Group]):
        self.parts = parts
        self.findings: list[Finding] = []

    def operand(self, value: Any, path: Path) -> tuple[Formula | str, ...]:
        """A gate or copies; nothing when a finding says why."""
        if isinstance(value, str):
            return self._copies(value, path)
        if not isinstance(value, dict) or not value:
            return self._wrong(path, f"{shown(value)} is no structure", _EXAMPLE)
        unknown = [key for key in value if key not in GATES]
        for key in unknown:
            if key in (*STATIC, *DYNAMIC):
                said = f"'{key}' cannot stand in a structure: {why_not(key)}"
                self._wrong((*path, key), said, "use or, and, atleast")
            else:
                self._wrong((*path, key), "unknown key", did_you_mean(str(key), GATES))
        if unknown:
            return ()
        if len(value) > 1:
            said = f"{' and '.join(value)} stand side by side"
            return self._wrong(path, said, "nest them: {or: [valve, {and: [pump]}]}")
        ((op, body),) = value.items()
        least, items, path = self._gate(op, body, (*path, op))
        args = None if items is None else self._list(items, path)
        if args is None or least is None:
            return ()
        if least > len(args):
            said = f"{least} exceeds the {len(args)} of the list"
            return self._wrong((*path[:-1], "failed"), said, f"write at most {len(args)}")
        return (Formula(op, args, least if op == "atleast" else 0),)

    def _gate(self, op: str, body: Any, path: Path) -> tuple[int | None, Any, Path]:
        """How many of the list must have failed, the list, and where it stands."""
        if op != "atleast":
            return 1, body, path
        if not isinstance(body, dict):
            self._wrong(path, f"{shown(body)} is not a mapping", "give failed, of")
            return None, None, path
        for key in body.keys() - {"failed", "of"}:
            hint = did_you_mean(str(key), ("failed", "of"))
            if key in ("need", "min", "k"):
                hint = "write failed, which counts those that have failed, not those that must work"
            self._wrong((*path, key), "unknown key", hint)
        least = body.get("failed")
        if "failed" not in body:
            if not body.keys() & {"need", "min", "k"}:
                self._wrong((*path, "failed"), "missing", "write how many must have failed")
            least = None
        elif isinstance(least, bool) or not isinstance(least, int) or least < 1:
            said = f"{shown(least)} is not a whole number of at least 1"
            self._wrong((*path, "failed"), said, "write how many must have failed")
            least = None
        if "of" not in body:
            self._wrong((*path, "of"), "missing", "write the list of operands")
            return None, None, path
        return least, body["of"], (*path, "of")

    def _list(self, items: Any, path: Path) -> tuple[Formula | str, ...] | None:
        if not isinstance(items, list):
            self._wrong(path, f"{shown(items)} is not a list", "write [valve, pump]")
            return None
        if not items:
            self._wrong(path, "the list is empty", "name what must fail")
            return None
        before = len(self.findings)
        args: list[Formula | str] = []
        for i, item in enumerate(items):
            for argument in self.operand(item, (*path, i)):
                if isinstance(argument, str) and argument in args:
                    said = f"'{argument}' stands twice in this list"
                    self._wrong((*path, i), said, "name it once")
                else:
                    args.append(argument)
        return tuple(args) if len(self.findings) == before else None

    def _copies(self, name: str, path: Path) -> tuple[str, ...]:
        match = _COPY.fullmatch(name)
        part = match["name"] if match and name not in self.parts else name
        if part not in self.parts:
            said = f"the unit has no component {shown(part)}"
            return self._wrong(path, said, did_you_mean(part, self.parts))
        names = _names(part, self.parts[part])
        if part == name:
            return tuple(names)
        copy = int(match["copy"]) if match else 0
        if copy >= len(names):
            said = f"{shown(name)} is out of range"
            last = f"the unit has {len(names)} of '{part}', counted from 0"
            return self._wrong(path, said, last)
        return (names[copy],)

    def _wrong(self, path: Path, message: str, suggestion: str) -> tuple[()]:
        self.findings.append(Finding(path, message, suggestion))
        return ()


def _cuts(formula: Formula | str | bool, bit: Mapping[str, int], most: int) -> list[int]:
    """Minimal cut sets as words; gives up early when a gate has far more than `most`."""
    if not isinstance(formula, Formula):
        return [bit[str(formula)]]
    args = [_cuts(argument, bit, most) for argument in formula.args]
    if formula.op == "or":
        return _minimal([mask for each in args for mask in each], most)
    if formula.op == "and":
        return functools.reduce(lambda a, b: _both(a, b, most), args)
    rows: list[list[int]] = [[0]] + [[] for _ in range(formula.least)]
    for each in args:  # rows[k]: at least k of the arguments so far
        for k in range(formula.least, 0, -1):
            rows[k] = _minimal(rows[k] + _both(each, rows[k - 1], most), most)
    return rows[formula.least]


def _both(a: list[int], b: list[int], most: int) -> list[int]:
    if len(a) * len(b) > 64 * most:
        raise OverflowError
    return _minimal([x | y for x in a for y in b], most)


def _minimal(masks: list[int], most: int) -> list[int]:
    """Drop every set that holds another; smallest first."""
    kept: list[int] = []
    for mask in sorted(set(masks), key=lambda m: (m.bit_count(), m)):
        if not any(mask & small == small for small in kept):
            kept.append(mask)
            if len(kept) > 4 * most:
                raise OverflowError
    return kept
