"""Lifetime laws of a dynamic tree's events, read from expressions in the mission time."""

import dataclasses
import enum
from collections.abc import Callable

from ...spec.fault_tree import Call, Expression, FaultTree, MissionTime, Parameter
from .._expression import Values


class Law(enum.IntEnum):
    """A lifetime law and its parameters; times in hours, rates per hour."""

    CONSTANT = 0
    """Failed at time zero with a probability, else never by itself."""
    EXPONENTIAL = 1
    """Rate."""
    ERLANG = 2
    """Number of phases, rate of a phase."""
    WEIBULL = 3
    """Scale, shape, time before which nothing fails."""
    LOGNORMAL = 4
    """Median, standard deviation of the logarithm."""
    GAMMA = 5
    """Shape, scale."""
    FIXED = 6
    """The age at failure."""


@dataclasses.dataclass(frozen=True)
class Lifetime:
    """A law with its parameters in the order that `Law` states; the age is the event's own."""

    law: Law
    parameters: tuple[float, ...]


def lifetime(tree: FaultTree, expression: Expression, name: str) -> Lifetime:
    """The lifetime law that an expression in the mission time states.

    **Arguments:** `name`, of the event, for the message.

    **Returns:** the law; an expression that does not contain the mission time is a constant probability.

    **Raises:** ValueError for an expression that is no law of its last argument, the mission time or
    a constant multiple of it.
    """
    values = Values(tree, 0.0)
    if not _timed(tree, expression):
        return Lifetime(Law.CONSTANT, (_probability(float(values.value(expression)), name),))
    while isinstance(expression, Parameter):
        expression = tree.parameters[expression.name]
    if isinstance(expression, Call) and expression.args:
        *head, last = expression.args
        factor = _factor(tree, values, last)
        timed = any(_timed(tree, a) for a in head)
        if expression.op in READERS and factor is not None and not timed:
            return READERS[expression.op](factor, *(float(values.value(a)) for a in head))
    raise ValueError(
        f"the event {name} of a dynamic tree needs a lifetime law of the mission time "
        f"({', '.join(READERS)}); its expression is none."
    )


def _probability(value: float, name: str) -> float:
    if not 0 <= value <= 1:
        raise ValueError(f"the event {name} has the probability {value}; it must be in [0, 1].")
    return value


def _timed(tree: FaultTree, expression: Expression) -> bool:
    """True when the value depends on the mission time."""
    match expression:
        case MissionTime():
            return True
        case Parameter(name=name):
            return name in tree.parameters and _timed(tree, tree.parameters[name])
        case Call(args=args):
            return any(_timed(tree, a) for a in args)
    return False


def _factor(tree: FaultTree, values: Values, expression: Expression) -> float | None:
    """The constant c of an expression c x mission time, or None."""
    match expression:
        case MissionTime():
            return 1.0
        case Parameter(name=name):
            return _factor(tree, values, tree.parameters[name])
        case Call(op="mul", args=args):
            constants = [a for a in args if not _timed(tree, a)]
            timed = [a for a in args if _timed(tree, a)]
            inner = _factor(tree, values, timed[0]) if len(timed) == 1 else None
            if inner is None:
                return None
            for constant in constants:
                inner *= float(values.value(constant))
            return inner
    return None


def _weibull(c: float, scale: float, shape: float, start: float = 0.0) -> Lifetime:
    return Lifetime(Law.WEIBULL, (scale / c, shape, start / c))


def _glm(c: float, demand: float, rate: float, repair: float) -> Lifetime:
    if demand or repair:
        raise ValueError("`GLM` with repair or failure on demand: write a rate and `repair`.")
    return Lifetime(Law.EXPONENTIAL, (rate * c,))


READERS: dict[str, Callable[..., Lifetime]] = {
    "exponential": lambda c, rate: Lifetime(Law.EXPONENTIAL, (rate * c,)),
    "GLM": _glm,
    "erlang": lambda c, phases, rate: Lifetime(Law.ERLANG, (phases, rate * c)),
    "Weibull": _weibull,
    "lognormal": lambda c, median, sigma: Lifetime(Law.LOGNORMAL, (median / c, sigma)),
    "gamma": lambda c, shape, scale: Lifetime(Law.GAMMA, (shape, scale / c)),
    "fixed": lambda c, hours: Lifetime(Law.FIXED, (hours / c,)),
}
"""Reads the arguments before the time; the age is `c` times the time."""
