"""Formulas as the files of cases write them: `sum alpha_i(-1000/ln r_i)^1.5 (n_i+exp(n_i/4))<=C`.

Juxtaposition multiplies, braces are parentheses, `x_i` is the stage's own, `R3` that of stage 3.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import jax.numpy as jnp


Value = Any
Names = Callable[[str, str], Value]
"""What a name with a subscript (empty, `i` or a number) stands for."""

Formula = Callable[[Names], Value]

FUNCTIONS = {"ln": jnp.log, "log": jnp.log, "exp": jnp.exp, "sqrt": jnp.sqrt}
SPELLINGS = {
    "−": "-",
    "·": "*",
    "×": "*",
    "**": "^",
    "≤": "<=",
    "{": "(",
    "}": ")",
    "[": "(",
    "]": ")",
}

BRIDGE = (
    "R1R2 + R3R4 + R1R4R5 + R2R3R5 - R1R2R3R4 - R1R2R3R5 - R1R2R4R5 - R1R3R4R5 - R2R3R4R5"
    " + 2R1R2R3R4R5"
)
SERIES_PARALLEL = "1 - (1-R1R2)(1-(1-(1-R3)(1-R4))R5)"
"""The two classic structures that are named rather than written (Hikita et al., 1992)."""


def formula(text: str, names: Iterable[str]) -> Formula:
    """Read a formula in some names; a `ValueError` says what cannot be read."""
    reader = _Reader(text, names)
    read = reader.sum_()
    if reader.tokens:
        raise ValueError(f"cannot read {text!r} from {reader.tokens[0]!r}")
    return read


def constraints(text: str, data: Mapping[str, Value]) -> list[tuple[str, Formula, float]]:
    """The terms of `sum ... <= limit`, with a name and a limit each; ranges are left out."""
    found = []
    for part in text.replace("≤", "<=").split(";"):
        left, relation, right = part.partition("<=")
        if relation and left.strip().startswith("sum "):
            name = right.strip()
            limit = float(data[name]) if name in data else float(name)
            terms = formula(left.strip()[4:], [*data, "n", "r"])
            found.append((f"{name} ({len(found)})", terms, limit))
    return found


def ranges(text: str) -> dict[str, float]:
    """`lowest`, `highest`, `least` and `most` of stages, as far as a text gives them."""
    found: dict[str, float] = {}
    for part in text.split(";"):
        between = re.fullmatch(r"\s*([^<]+)<=\s*r(?:_i)?\s*<=([^<]+)", part)
        if between:
            low, high = (float(formula(side, [])(_no_names)) for side in between.groups())
            found |= {"lowest": low, "highest": high}
        within = re.fullmatch(r"\s*n(?:_i)?\s+in\s+(\d+)\.\.(\d+)\s*", part)
        if within:
            found |= {"least": int(within[1]), "most": int(within[2])}
    return found


def structure(text: str, stages: int) -> Callable[[Value], Value] | None:
    """Reliability of the system from that of its stages; none when they are in series."""
    words = text.lower()
    if re.match(r"\s*prod(uct)?\b", words):
        return None
    if ":" in text:
        text = text.partition(":")[2]
    elif "bridge" in words:
        text = BRIDGE
    elif "parallel" in words:
        text = SERIES_PARALLEL
    read = formula(re.sub(r"^\s*R_?s(ys)?\s*=", "", text), ["R", "Q"])

    def system(reliability: Value) -> Value:
        def names(name: str, subscript: str) -> Value:
            if not 1 <= int(subscript or 0) <= stages:
                raise ValueError(f"{text!r} names stage {subscript!r} of {stages}")
            one = reliability[int(subscript) - 1]
            return one if name == "R" else 1 - one

        return read(names)

    return system


def _no_names(name: str, subscript: str) -> Value:
    raise ValueError(f"unknown name {name!r}")


class _Reader:
    """Recursive descent; every method reads one level and returns a function of the names."""

    def __init__(self, text: str, names: Iterable[str]):
        for spelling, usual in SPELLINGS.items():
            text = text.replace(spelling, usual)
        words = sorted({*names, *FUNCTIONS, "e"}, key=len, reverse=True)
        name = rf"(?:{'|'.join(map(re.escape, words))})(?:_i(?![a-z])|_?\d+)?"
        number = r"\d+(?:\.\d+)?(?:[eE][-+]?\d+)?|\.\d+"
        self.words = words
        self.tokens = re.findall(rf"{number}|{name}|\S", text)

    def sum_(self) -> Formula:
        terms = [self.product()]
        while self.tokens[:1] in (["+"], ["-"]):
            minus = self.tokens.pop(0) == "-"
            term = self.product()
            terms.append((lambda names, t=term: -t(names)) if minus else term)
        return lambda names: sum(term(names) for term in terms[1:]) + terms[0](names)

    def product(self) -> Formula:
        read = self.signed()
        while self.tokens and self.tokens[0] not in "+-)":
            over = self.tokens[0] == "/"
            if self.tokens[0] in "*/":
                self.tokens.pop(0)
            factor = self.signed()
            read = _over(read, factor) if over else _times(read, factor)
        return read

    def signed(self) -> Formula:
        if self.tokens[:1] == ["-"]:
            self.tokens.pop(0)
            inner = self.signed()
            return lambda names: -inner(names)
        return self.power()

    def power(self) -> Formula:
        base = self.atom()
        if self.tokens[:1] != ["^"]:
            return base
        self.tokens.pop(0)
        exponent = self.signed()
        return lambda names: base(names) ** exponent(names)

    def atom(self) -> Formula:
        if not self.tokens:
            raise ValueError("the formula ends too early")
        token = self.tokens.pop(0)
        if token == "(":
            inner = self.sum_()
            if self.tokens[:1] != [")"]:
                raise ValueError("a parenthesis is not closed")
            self.tokens.pop(0)
            return inner
        if token in FUNCTIONS:
            argument = self.atom()
            return lambda names: FUNCTIONS[token](argument(names))
        if token[0].isdigit() or token[0] == ".":
            return lambda names: float(token)
        if token == "e":
            return lambda names: jnp.exp(1.0)
        return self.name(token)

    def name(self, token: str) -> Formula:
        for word in self.words:
            rest = token.removeprefix(word)
            if token.startswith(word) and re.fullmatch(r"(_i|_?\d+)?", rest):
                return lambda names: names(word, rest.lstrip("_"))
        raise ValueError(f"cannot read {token!r}")


def _times(left: Formula, right: Formula) -> Formula:
    return lambda names: left(names) * right(names)


def _over(left: Formula, right: Formula) -> Formula:
    return lambda names: left(names) / right(names)
