"""Lifetimes and repair times of a fault tree: draws from the expressions of its events."""

import math
import operator
import random
from collections.abc import Mapping

from ..spec.fault_tree import Call, Expression, MissionTime, Parameter


_ARITHMETIC = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "div": operator.truediv,
    "pow": operator.pow,
}


def value(expression: Expression, parameters: Mapping[str, Expression]) -> float:
    """The number that an expression without time, chance or laws stands for.

    **Raises:** ValueError for any other expression.
    """
    match expression:
        case Parameter(name=name):
            return value(parameters[name], parameters)
        case Call(op="neg", args=(one,)):
            return -value(one, parameters)
        case Call(op=op, args=args) if op in _ARITHMETIC:
            first, *rest = (value(a, parameters) for a in args)
            for each in rest:
                first = _ARITHMETIC[op](first, each)
            return float(first)
        case int() | float():
            return float(expression)
    raise ValueError(f"{expression} has no value of its own.")


def timed(expression: Expression, parameters: Mapping[str, Expression]) -> bool:
    """Whether an expression depends on the time; one that does not is a probability."""
    match expression:
        case MissionTime():
            return True
        case Parameter(name=name):
            return timed(parameters[name], parameters)
        case Call(args=args):
            return any(timed(a, parameters) for a in args)
    return False


def possible(law: Expression | None, parameters: Mapping[str, Expression]) -> bool:
    """Whether a repair ever ends: a rate of zero is no repair."""
    if isinstance(law, Call) and law.op == "exponential":
        return value(law.args[0], parameters) > 0
    return law is not None and law != 0.0


def draw(expression: Expression, parameters: Mapping[str, Expression], rng: random.Random) -> float:
    """One time in hours: infinite for what never happens; a probability happens at once or never."""
    numbers = lambda args: [value(a, parameters) for a in args]
    match expression:
        case Call(op="exponential", args=(rate, MissionTime())):
            (rate,) = numbers([rate])
            return rng.expovariate(rate) if rate > 0 else math.inf
        case Call(op="Weibull", args=(scale, shape, start, MissionTime())):
            scale, shape, start = numbers((scale, shape, start))
            return start + rng.weibullvariate(scale, shape)
        case Call(op="lognormal", args=(median, sigma, MissionTime())):
            median, sigma = numbers((median, sigma))
            return rng.lognormvariate(math.log(median), sigma)
        case Call(op="gamma", args=(shape, scale, MissionTime())):
            return rng.gammavariate(*numbers((shape, scale)))
        case Call(op="erlang", args=(phases, rate, MissionTime())):
            phases, rate = numbers((phases, rate))
            return sum(rng.expovariate(rate) for _ in range(round(phases)))
        case Call(op="fixed", args=(hours, MissionTime())):
            return value(hours, parameters)
    return 0.0 if rng.random() < value(expression, parameters) else math.inf
