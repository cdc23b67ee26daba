"""Values of the expressions of a fault tree: probabilities of its events from parameters, time and chance.

The same code runs in float64 on the host and in JAX, where it has gradients to every parameter and to the
time. Laws and deviates are those of the Open-PSA model exchange format (Epstein and Rauzy, 2008, chapter 4)
and the lifetimes of Galileo; times are hours.
"""

import math
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy import special as device_special
from scipy import special as host_special

from ..spec.fault_tree import DEVIATES, Call, Expression, FaultTree, MissionTime, Parameter
from ._deviate import mean, value_at


Value = Any
"""A float or an array (NumPy or JAX); every operation broadcasts."""


def deviates(tree: FaultTree) -> tuple[str, ...]:
    """The independent uncertain quantities of a tree, in the order of their slots: `parameter rate`, `event E1`.

    A deviate inside a parameter is one quantity however often the parameter is used; deviates inside
    events are each their own.
    """
    named = [(f"parameter {n}", e) for n, e in tree.parameters.items()]
    named += [(f"event {n}", e.probability) for n, e in tree.basic_events.items()]
    return tuple(name for name, expression in named for _ in range(_count(expression)))


class Values:
    """The values of a tree's parameters and events at one time.

    **Arguments:** `time_hours`, float or array; `parameters`, values that replace definitions, by name; `scores`,
    float64[slots, ...], a normal score for each of `deviates(tree)` (without it every deviate
    has its mean). Arrays of JAX make every result an array of JAX.

    **Raises:** ValueError where an expression has no value: an unknown parameter, or an operation that is not defined.
    """

    def __init__(
        self,
        tree: FaultTree,
        time_hours: Value,
        parameters: Mapping[str, Value] | None = None,
        scores: np.ndarray | None = None,
    ):
        self.tree, self.time, self.scores = tree, time_hours, scores
        self.known = dict(parameters or {})
        unknown = sorted(set(self.known) - set(tree.parameters))
        if unknown:
            raise ValueError(f"the model has no parameter {', '.join(unknown)}.")
        on_device = any(isinstance(v, jax.Array) for v in (time_hours, *self.known.values()))
        self.xp: ModuleType = jnp if on_device else np
        self.special: ModuleType = device_special if on_device else host_special
        self.slots = _slots(tree)
        self.slot = 0

    def parameter(self, name: str) -> Value:
        """The value of a parameter."""
        if name not in self.known:
            if name not in self.tree.parameters:
                raise ValueError(f"the model has no parameter {name}.")
            self.known[name] = self._define(("parameter", name), self.tree.parameters[name])
        return self.known[name]

    def event(self, name: str) -> Value:
        """The probability that a basic event has failed at the time."""
        return self._define(("event", name), self.tree.basic_events[name].probability)

    def events(self) -> Value:
        """The probabilities of all basic events, float[events, ...]."""
        xp = self.xp
        if not self.tree.basic_events:
            return xp.zeros(0)
        rows = xp.broadcast_arrays(*(xp.asarray(self.event(n)) for n in self.tree.basic_events))
        stacked = xp.stack(rows)
        return stacked if xp.issubdtype(stacked.dtype, xp.floating) else stacked * 1.0

    def value(self, expression: Expression) -> Value:
        """The value of any expression."""
        match expression:
            case Parameter(name=name):
                return self.parameter(name)
            case MissionTime():
                return self.time
            case Call(op=op, args=args) if op in DEVIATES:
                return self._deviate(op, args)
            case Call(op=op, args=args):
                return self._call(op, args)
        return expression

    def _define(self, key: tuple[str, str], expression: Expression) -> Value:
        outer, self.slot = self.slot, self.slots[key]
        value = self.value(expression)
        self.slot = outer
        return value

    def _deviate(self, op: str, args: tuple[Expression, ...]) -> Value:
        slot = self.slot
        self.slot += 1
        values = [self.value(a) for a in args]
        if self.scores is None:
            return mean(op, values, self.xp, self.special)
        return value_at(op, values, self.scores[slot])

    def _call(self, op: str, args: tuple[Expression, ...]) -> Value:
        if op in ("ite", "switch"):
            return self._choose(args)
        values = [self.value(a) for a in args]
        if op in LAWS:
            return LAWS[op](self.xp, self.special, *values)
        if op in ARITHMETIC:
            return ARITHMETIC[op](self.xp, *values)
        raise ValueError(f"the operation `{op}` with {len(args)} arguments is not defined.")

    def _choose(self, args: tuple[Expression, ...]) -> Value:
        # (condition, value) pairs and a last value: `ite` has one pair, `switch` any number.
        values = [self.value(a) for a in args]
        chosen = values[-1]
        for condition, value in reversed(list(zip(values[:-1:2], values[1:-1:2], strict=True))):
            chosen = self.xp.where(condition, value, chosen)
        return chosen


def _count(expression: Expression) -> int:
    """The deviates of one expression, those of the parameters it names left out."""
    if not isinstance(expression, Call):
        return 0
    return (expression.op in DEVIATES) + sum(_count(a) for a in expression.args)


def _slots(tree: FaultTree) -> dict[tuple[str, str], int]:
    slots, at = {}, 0
    for name, expression in tree.parameters.items():
        slots["parameter", name] = at
        at += _count(expression)
    for name, event in tree.basic_events.items():
        slots["event", name] = at
        at += _count(event.probability)
    return slots


def _exponential(xp, special, rate, t):
    return -xp.expm1(-rate * t)


def _glm(xp, special, gamma, rate, repair, t):
    # Fails on demand with probability gamma, then alternates: eq. (4.3) of the format's description.
    total = rate + repair
    safe = xp.where(total == 0, 1.0, total)
    steady = xp.where(total == 0, gamma, rate / safe)
    return steady + (gamma - steady) * xp.exp(-total * t)


def _weibull(xp, special, scale, shape, start, t):
    # The power of zero has no finite gradient: both branches are kept finite.
    past = t > start
    age = xp.where(past, t - start, 1.0)
    return xp.where(past, -xp.expm1(-((age / scale) ** shape)), 0.0)


def _lognormal(xp, special, median, sigma, t):
    age = xp.where(t > 0, t, 1.0)
    return xp.where(t > 0, special.ndtr(xp.log(age / median) / sigma), 0.0)


def _periodic_test(xp, special, rate, *rest):
    """Renewed at every test (4 arguments), or repaired at a rate after a test that finds it failed (5)."""
    if len(rest) == 3:
        interval, first, t = rest
        since = (t - first) % interval
        # At a test the value is that just before it, as the format's reference implementation has it.
        since = xp.where(since == 0, interval, since)
        return -xp.expm1(-rate * xp.where(t <= first, t, since))
    if len(rest) == 4:
        return _repaired_test(xp, rate, *rest)
    raise ValueError(
        f"`periodic-test` with {len(rest) + 1} arguments is not supported; write 4 or 5 of them."
    )


def _repaired_test(xp, rate, repair, interval, first, t):
    def ends(span):
        """P(failed at the end of a span), begun failed under repair and begun working."""
        worked = -xp.expm1(-rate * span)
        equal = xp.abs(rate - repair) < 1e-9 * (rate + repair)
        gap = xp.where(equal, 1.0, repair - rate)
        again = (repair * worked + rate * xp.expm1(-repair * span)) / gap
        both = 1 - xp.exp(-rate * span) * (1 + rate * span)
        return xp.exp(-repair * span) + xp.where(equal, both, again), worked

    tests = xp.maximum(xp.ceil((t - first) / interval) - 1, 0.0)
    down, up = ends(interval)
    ratio = down - up
    begun = -xp.expm1(-rate * first)
    at_test = ratio**tests * begun + up * (1 - ratio**tests) / (1 - ratio)
    down, up = ends(t - first - tests * interval)
    return xp.where(t <= first, -xp.expm1(-rate * t), at_test * down + (1 - at_test) * up)


LAWS: dict[str, Callable] = {
    "exponential": _exponential,
    "GLM": _glm,
    "Weibull": _weibull,
    "periodic-test": _periodic_test,
    "erlang": lambda xp, special, phases, rate, t: special.gammainc(phases * 1.0, rate * t),
    "gamma": lambda xp, special, shape, scale, t: special.gammainc(shape, t / scale),
    "lognormal": _lognormal,
    "fixed": lambda xp, special, hours, t: xp.where(t >= hours, 1.0, 0.0),
}
"""P(failed by t): the last argument is the time in hours."""


def _fold(function: str) -> Callable:
    def folded(xp, first, *rest):
        for value in rest:
            first = getattr(xp, function)(first, value)
        return first

    return folded


def _unary(function: str) -> Callable:
    return lambda xp, a: getattr(xp, function)(a)


ARITHMETIC: dict[str, Callable] = {
    "neg": lambda xp, a: -a,
    "add": _fold("add"),
    "sub": _fold("subtract"),
    "mul": _fold("multiply"),
    "div": _fold("divide"),
    "pi": lambda xp: math.pi,
    "mod": lambda xp, a, b: xp.fmod(a, b),
    "pow": lambda xp, a, b: xp.power(a * 1.0, b),
    "min": _fold("minimum"),
    "max": _fold("maximum"),
    "mean": lambda xp, *values: sum(values) / len(values),
    "not": lambda xp, a: xp.logical_not(a),
    "and": _fold("logical_and"),
    "or": _fold("logical_or"),
    "eq": lambda xp, a, b: a == b,
    "df": lambda xp, a, b: a != b,
    "lt": lambda xp, a, b: a < b,
    "gt": lambda xp, a, b: a > b,
    "leq": lambda xp, a, b: a <= b,
    "geq": lambda xp, a, b: a >= b,
    **{
        word: _unary(name)
        for word, name in {
            "abs": "abs", "acos": "arccos", "asin": "arcsin", "atan": "arctan", "cos": "cos",
            "sin": "sin", "tan": "tan", "cosh": "cosh", "sinh": "sinh", "tanh": "tanh",
            "acosh": "arccosh", "asinh": "arcsinh", "atanh": "arctanh", "exp": "exp", "log": "log",
            "log10": "log10", "sqrt": "sqrt", "ceil": "ceil", "floor": "floor",
        }.items()
    },
}  # fmt: skip
"""Arithmetic and logic of the format, by its word."""
