"""Thermal cycles of solder: which there are, how often, and what one of them does (Norris-Landzberg)."""

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from ..spec import Cycling, Excursion, SquareLoad, Step, Thermal
from ._law import mean
from ._temperature import Node


# Exponents of swing and time, and the kelvin of the peak.
_SOLDER = {"SNPB": (1.9, 1 / 3, 1414.0), "SAC305": (2.65, 0.136, 2185.0)}


class Kind(NamedTuple):
    """Cycles of one kind: how many an hour, swing and peak in kelvin, time at the peak, period."""

    per_hour: float
    swing: float
    peak: float
    dwell: float
    period: float


def fatigue_speed(cycling: Cycling, kinds: Iterable[Kind]) -> float:
    """How much faster a joint tires under these cycles than under those at which its life holds."""
    swing_power, time_power, heat = _SOLDER[cycling.solder]
    elastic = cycling.elastic_kelvin
    total = 0.0
    for kind in kinds:
        hours = kind.period if cycling.solder == "SNPB" else kind.dwell
        total += (
            kind.per_hour
            * (max(0.0, kind.swing - elastic) / (cycling.swing_kelvin - elastic)) ** swing_power
            * (hours / cycling.dwell_hours) ** time_power
            * math.exp(heat * (1 / cycling.max_kelvin - 1 / kind.peak))
        )
    return total / cycling.cycles_per_hour


def load_cycles(thermal: Thermal, node: Node) -> Iterator[Kind]:
    """Swings of the load while the job runs, and its stops."""
    running = 1 - node.stop_share
    if isinstance(thermal.load, SquareLoad) and node.high > node.low:
        period = thermal.load.period_seconds / 3600
        swing, dwell = node.high - node.low, thermal.load.duty * period
        yield Kind(running / period, swing, node.high, dwell, period)
    elif node.sd > 0:
        period = 2 * math.pi * node.sd / node.speed_sd / 3600
        for r, share in _rayleigh():
            peak = node.mean + r * node.sd
            yield Kind(running * share / period, 2 * r * node.sd, peak, period / 2, period)
    stops = thermal.stops
    if stops is not None and node.high > node.stopped:
        every = stops.every_hours
        swing, dwell = node.high - node.stopped, every - stops.hours
        yield Kind(1 / every, swing, node.high, dwell, every)


def _rayleigh() -> list[tuple[float, float]]:
    """Amplitudes of a narrow-band process, in standard deviations, with their shares."""
    step = 0.02
    places = [(k + 0.5) * step for k in range(400)]
    return [(r, r * math.exp(-(r**2) / 2) * step) for r in places]


def excursion_cycles(excursion: Excursion, per_hour: float, kelvin: float) -> Kind:
    """One cycle for each excursion, on top of a temperature."""
    hours, peak = mean(excursion.duration), kelvin + excursion.rise_kelvin
    return Kind(per_hour, excursion.rise_kelvin, peak, hours, 1 / per_hour)


def environment_cycles(steps: Sequence[Step], kelvin: float) -> list[Kind]:
    """Cycles of steps that repeat for ever: begun at the hottest, every one closes within the round."""
    first = max(range(len(steps)), key=lambda i: steps[i].shift_kelvin)
    turned = [*steps[first:], *steps[: first + 1]]
    whole = math.fsum(step.hours for step in steps)
    kinds: list[Kind] = []

    def count(hot: Step, cold: Step) -> None:
        swing, peak = hot.shift_kelvin - cold.shift_kelvin, kelvin + hot.shift_kelvin
        if swing > 0:
            kinds.append(Kind(1 / whole, swing, peak, hot.hours, whole))

    held: list[Step] = []
    for step in turned:
        if len(held) >= 2 and _between(held[-2], held[-1], step):
            held.pop()  # on the way, no turning point
        held.append(step)
        while len(held) >= 4 and _inside(held[-4:]):
            _, a, b, last = held[-4:]
            count(*sorted((a, b), key=lambda each: -each.shift_kelvin))
            held[-3:] = [last]
    if len(held) >= 3:  # from the hottest to the coldest and back
        count(held[0], min(held, key=lambda each: each.shift_kelvin))
    return kinds


def _between(before: Step, step: Step, after: Step) -> bool:
    rise = step.shift_kelvin - before.shift_kelvin
    return rise * (after.shift_kelvin - step.shift_kelvin) >= 0


def _inside(four: Sequence[Step]) -> bool:
    """Whether the range in the middle is no larger than those before and after it."""
    outer, a, b, last = (step.shift_kelvin for step in four)
    return abs(b - a) <= abs(a - outer) and abs(b - a) <= abs(last - b)
