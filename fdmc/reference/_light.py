"""How many lanes are dark: ranges of devices, the speed that they follow, and relocking."""

import math

from ..spec import Link, MachZehnderLink, RingLink, Scenario, SquareLoad, VcselLink
from ._temperature import Node


NONE_DARK = 1e-7  # fewer than one lane in so many is none


def phi(distance: float, spread: float) -> float:
    """P(a normal deviate of this spread is below a distance)."""
    if spread == 0:
        return float(distance > 0)
    return 0.5 * math.erfc(-distance / spread / math.sqrt(2))


def limits(link: Link) -> tuple[float, float] | None:
    """Between which temperatures a device of no offset carries data; None: nowhere."""
    if isinstance(link, RingLink):
        top, budget = link.top_kelvin, link.budget_kelvin
        return top - link.range_kelvin - budget, top + budget
    if isinstance(link, MachZehnderLink):  # -10 log10 cos(phase) is the penalty
        if link.radians_per_kelvin == 0:
            return -math.inf, math.inf
        room = math.acos(10 ** (-link.budget_db / 10)) / abs(link.radians_per_kelvin)
        return link.set_kelvin - room, link.set_kelvin + room
    return _lit(link)


def _watts(link: VcselLink, kelvin: float) -> float:
    off = kelvin - link.best_kelvin
    above = link.amperes - link.threshold_amperes * (1 + (off / link.detuning_kelvin) ** 2)
    slope = link.watts_per_ampere * (1 - link.slope_per_kelvin * off)
    return max(0.0, above) * max(0.0, slope)


def _lit(link: VcselLink) -> tuple[float, float] | None:
    """Light grows up to one temperature and falls from there: halve the way to it, and away from it."""
    if link.amperes <= link.threshold_amperes:
        return None
    reach = link.detuning_kelvin * math.sqrt(link.amperes / link.threshold_amperes - 1)
    low, high = link.best_kelvin - reach, link.best_kelvin + reach
    if link.slope_per_kelvin > 0:
        high = min(high, link.best_kelvin + 1 / link.slope_per_kelvin)
    left, right = low, high
    for _ in range(200):  # the brightest temperature, by thirds
        a, b = left + (right - left) / 3, right - (right - left) / 3
        left, right = (a, right) if _watts(link, a) < _watts(link, b) else (left, b)
    if _watts(link, left) < link.needed_watts:
        return None
    return _edge(link, low, left), _edge(link, high, left)


def _edge(link: VcselLink, dark: float, lit: float) -> float:
    for _ in range(200):
        middle = (dark + lit) / 2
        dark, lit = (dark, middle) if _watts(link, middle) >= link.needed_watts else (middle, lit)
    return lit


def dark_share(scenario: Scenario, engine: Node, rise: float) -> float:
    """p(x): of all lanes, how many are dark when the engines are so much warmer."""
    thermal = scenario.thermal
    assert thermal is not None
    assert thermal.link is not None
    link, load, room = thermal.link, thermal.load, limits(thermal.link)
    if room is None:
        return 1.0
    low, high = room

    def hot(kelvin: float) -> float:
        return phi(kelvin + rise - high, link.spread_kelvin)

    def cold(kelvin: float) -> float:
        return phi(low - kelvin - rise, link.spread_kelvin)

    out = math.fsum(share * (hot(kelvin) + cold(kelvin)) for kelvin, share in engine.busy)
    again = 0.0  # losses of lock a second
    if isinstance(load, SquareLoad):
        swung = hot(engine.high) - hot(engine.low) + cold(engine.low) - cold(engine.high)
        again = swung / load.period_seconds
    elif engine.sd > 0:  # Rice's rate, its mean over the offsets of the devices
        wide = math.hypot(engine.sd, link.spread_kelvin)
        for room in (high - engine.mean - rise, engine.mean + rise - low):
            again += engine.speed_sd / (2 * math.pi * wide) * math.exp(-((room / wide) ** 2) / 2)
    fast = 0.0
    if isinstance(link, RingLink):
        fast = math.fsum(share * _lag(link, speed) for speed, share in engine.speeds)
        if isinstance(load, SquareLoad):
            again += sum(_lag(link, speed) for speed in engine.fastest) / load.period_seconds
    return out + fast + again * link.relock_seconds


def _lag(link: RingLink, speed: float) -> float:
    """The share of rings whose loops do not follow a speed."""
    limit = link.tracking_kelvin_per_second
    return phi(speed - limit, link.tracking_spread * limit) if speed > 0 else 0.0


def lost_share(scenario: Scenario, engine: Node, rise: float) -> float:
    """s(x): what engines lose of their lanes on average, after their spares."""
    thermal = scenario.thermal
    assert thermal is not None
    assert thermal.link is not None
    n, need = _lanes(scenario, thermal.link.unit)
    dark = min(1.0, dark_share(scenario, engine, rise))
    missing = 0.0
    for k in range(n - need + 1, n + 1):  # so many of them are dark
        prob = math.comb(n, k) * dark**k * (1 - dark) ** (n - k)
        missing += prob * (k - (n - need))
    return min(1.0, missing / need)


def _lanes(scenario: Scenario, unit: str) -> tuple[int, int]:
    """How many lanes are in a group, and how many of them are needed."""
    for parent in scenario.units.values():
        if unit in parent.contains:
            group = parent.contains[unit]
            return group.count, group.count if group.need is None else group.need
    return 1, 1
