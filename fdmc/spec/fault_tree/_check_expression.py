"""Are the numbers of a fault tree possible ones?"""

from collections.abc import Callable

from ._error import Place, Report, quoted
from ._graph import find_cycle, round_trip
from ._model import Call, Expression, FaultTree, MissionTime, Parameter
from ._words import ARITHMETIC, BOOLEAN, DEVIATE_FORMS, LAWS, OUR_LAWS, PERIODIC_TEST


_INFINITE = float("inf")
Range = tuple[float, float, bool]
_POSITIVE: Range = (0.0, _INFINITE, False)
_NOT_NEGATIVE: Range = (0.0, _INFINITE, True)
_PROBABILITY: Range = (0.0, 1.0, True)
_RANGES: dict[str, Range] = {
    **dict.fromkeys(("rate", "repair rate", "rate under test", "time", "shift"), _NOT_NEGATIVE),
    **dict.fromkeys(("first test", "test duration"), _NOT_NEGATIVE),
    **dict.fromkeys(("scale", "shape", "median", "sigma", "test interval", "phases"), _POSITIVE),
    **dict.fromkeys(("standard deviation", "alpha", "beta", "hours"), _POSITIVE),
    **dict.fromkeys(("start failure", "detection", "restart failure"), _PROBABILITY),
    "error factor": (1.0, _INFINITE, True),
    "level": (0.0, 1.0, False),
}


def takes(op: str, count: int) -> bool:
    """Whether an operation takes so many arguments."""
    if op in ARITHMETIC or op in BOOLEAN:
        return count in (ARITHMETIC.get(op) or BOOLEAN[op])
    if op in ("switch", "histogram"):
        return count % 2 == 1 and (op == "switch" or count >= 3)
    return bool(argument_names(op, count))


def argument_names(op: str, count: int) -> tuple[str, ...]:
    """What the arguments of a law or of an uncertain value are, or nothing."""
    if op == "periodic-test":
        return PERIODIC_TEST.get(count, ())
    known = [*DEVIATE_FORMS.get(op, ()), LAWS.get(op, ()), OUR_LAWS.get(op, ())]
    return next((names for names in known if len(names) == count), ())


def forms(op: str) -> str:
    """How many arguments an operation takes, in words."""
    if op == "periodic-test":
        return "4, 5 or 11"
    if op in ("switch", "histogram"):
        return "an odd number of"
    named = [*DEVIATE_FORMS.get(op, ()), LAWS.get(op, ()), OUR_LAWS.get(op, ())]
    known = [f"{len(names)} ({', '.join(names)})" for names in named if names]
    return " or ".join(known) or str(ARITHMETIC.get(op) or BOOLEAN.get(op))


class ExpressionCheck:
    """Checks expressions of one tree."""

    def __init__(self, tree: FaultTree, report: Report):
        self.tree, self.report = tree, report
        self._cyclic = False

    def parameters(self, place: Callable[[str], Place]) -> None:
        """Check every parameter, and that none is defined by itself."""
        for name, value in self.tree.parameters.items():
            self.check(value, place(name))
        graph = {name: parameters_in(value) for name, value in self.tree.parameters.items()}
        cycle = find_cycle(graph)
        self._cyclic = bool(cycle)
        if cycle:
            message = f"the parameters go round in a circle: {round_trip(cycle)}"
            self.report.add(place(cycle[0]), message)

    def probability(self, value: Expression, place: Place) -> None:
        """Check an expression that is a probability."""
        self.check(value, place)
        self._range("the probability", value, _PROBABILITY, place)

    def check(self, value: Expression, place: Place) -> None:
        """Check an expression: names, counts, and the ranges of the numbers that are written out."""
        for item in walk_expression(value):
            if isinstance(item, Parameter) and item.name not in self.tree.parameters:
                hint = self.report.like(item.name, self.tree.parameters)
                self.report.add(place, f"no parameter {quoted(item.name)} is defined", hint)
            elif isinstance(item, Call):
                self._call(item, place.inside(item.op))
            elif isinstance(item, float) and not -_INFINITE < item < _INFINITE:
                self.report.add(place, f"{item} is not a finite number")

    def _call(self, call: Call, place: Place) -> None:
        count = len(call.args)
        if not takes(call.op, count):
            known = (*ARITHMETIC, *BOOLEAN, *LAWS, *OUR_LAWS, *DEVIATE_FORMS, "switch", "histogram")
            if call.op in (*known, "periodic-test"):
                message = f"takes {forms(call.op)} arguments, but has {count}"
                self.report.add(place, message)
            else:
                self.report.add(place, "is an unknown operation", self.report.like(call.op, known))
            return
        for name, argument in zip(argument_names(call.op, count), call.args, strict=False):
            if name in _RANGES:
                self._range(f"the {name}", argument, _RANGES[name], place)
        if call.op == "uniform-deviate":
            self._rising(call.args, place)
        elif call.op == "histogram":
            self._rising((call.args[0], *call.args[1::2]), place)
            for weight in call.args[2::2]:
                self._range("the weight", weight, _NOT_NEGATIVE, place)
        elif call.op == "div" and 0.0 in map(self._literal, call.args[1:]):
            self.report.add(place, "divides by 0")
        elif call.op == "erlang" and (self._literal(call.args[0]) or 1.0) % 1.0:
            self.report.add(place, "the number of phases is not whole")

    def _range(self, what: str, value: Expression, bounds: Range, place: Place) -> None:
        number = self._literal(value)
        low, high, closed = bounds
        if number is None or low < number < high or (closed and number in (low, high)):
            return
        if high < _INFINITE:
            between = "from 0 to 1" if closed else "between 0 and 1"
        else:
            between = f"at least {low:g}" if closed else f"above {low:g}"
        self.report.add(place, f"{what} is {number!r}", f"it must be {between}")

    def _rising(self, values: tuple[Expression, ...], place: Place) -> None:
        numbers = [self._literal(value) for value in values]
        known = [number for number in numbers if number is not None]
        if any(a >= b for a, b in zip(known, known[1:], strict=False)):
            self.report.add(place, "the boundaries do not rise", "write the smaller first")

    def _literal(self, value: Expression) -> float | None:
        """The number, if it is written out, by itself or as a parameter."""
        while isinstance(value, Parameter) and not self._cyclic:
            value = self.tree.parameters.get(value.name, MissionTime())
        sign = 1.0
        while isinstance(value, Call) and value.op == "neg" and len(value.args) == 1:
            sign, value = -sign, value.args[0]
        return sign * value if isinstance(value, float) else None


def walk_expression(expression: Expression) -> list[Expression]:
    """The expression and everything inside it."""
    found: list[Expression] = []
    work = [expression]
    while work:
        item = work.pop()
        found.append(item)
        if isinstance(item, Call):
            work += reversed(item.args)
    return found


def parameters_in(expression: Expression) -> list[str]:
    """The parameters that an expression mentions."""
    return [item.name for item in walk_expression(expression) if isinstance(item, Parameter)]
