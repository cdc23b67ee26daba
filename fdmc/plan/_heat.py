"""What heat does to a scenario, as functions of its numbers: temperatures, ageing, dark lanes, cycles.

Everything here is JAX, from numbers to arrays, so that gradients pass: a `Knobs` replaces some of the numbers, and the
host calls it without any.
"""

import dataclasses
import functools
import math
from collections.abc import Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Real

from ..lifetime import mean_hours
from ..spec import Cycling, Excursion, Mechanism, RingLink, Scenario, SquareLoad, Thermal
from ..stress import SAC305, SNPB, Cycle, arrhenius, norris_landzberg, rainflow
from ..thermal import (
    BOUNDARIES,
    NODES,
    TEMPLATES,
    LoadPoints,
    dark_prob,
    hermite,
    load_points,
    load_watts,
    lock_limits,
    mean_load,
    package_network,
    short_share,
    steady_kelvin,
)
from ._arrays import AnyArray


if TYPE_CHECKING:
    Number = Any
else:
    Number = Real[Array, "..."] | Real[np.ndarray, "..."] | np.floating | float | int
Knobs = Mapping[str, Number]
"""Numbers of a scenario by their path, such as `thermal.coolant`, instead of those that it has."""
GRID = 257
"""Rises at which the share of dark lanes is tabulated."""
_ENGINE = NODES.index("engine")
_TOP, _RANGE = "thermal.link.ring.top", "thermal.link.ring.range"
DARKENS = 1e-7
"""A share of lanes: fewer are none, and rounding."""
# Amplitudes of a narrow-band process over its standard deviation (Rayleigh), at even probabilities.
_AMPLITUDES = np.sqrt(-2 * np.log1p(-(np.arange(4000) + 0.5) / 4000))
_GAUSS = np.polynomial.legendre.leggauss(16)


@dataclasses.dataclass(frozen=True)
class Heat:
    """The thermal side of a scenario, at some knobs."""

    scenario: Scenario
    knobs: Knobs

    @property
    def thermal(self) -> Thermal | None:
        """The section of the scenario, None where there is none."""
        return self.scenario.thermal

    def number(self, path: str, value: float) -> Number:
        """Return a number of the scenario, or the knob in its place."""
        return self.knobs.get(path, value)

    @property
    def xp(self) -> ModuleType:
        """NumPy on the host, JAX where a knob may be traced."""
        return jnp if self.knobs else np

    @functools.cached_property
    def side(self) -> "Side":
        """Temperatures and dark lanes of a package; on the host computed once for each section."""
        t = self._some()
        base = {f"thermal.{name}": float(getattr(t, f"{name}_kelvin")) for name in BOUNDARIES}
        if isinstance(t.link, RingLink):
            base |= {_TOP: t.link.top_kelvin, _RANGE: t.link.range_kelvin}
        numbers = {path: jnp.asarray(self.number(path, x), float) for path, x in base.items()}
        if self.knobs:
            return _side(self.scenario, numbers)
        key = repr((t, self.scenario.tree, self.scenario.environment))
        if key not in _SIDES:
            if len(_SIDES) > 64:
                _SIDES.clear()
            found = jax.jit(functools.partial(_side, self.scenario))(numbers)
            _SIDES[key] = jax.tree.map(np.asarray, found)
        return _SIDES[key]

    @property
    def points(self) -> LoadPoints:
        """Temperatures over the load of a job that runs."""
        return self.side.points

    @property
    def idle_kelvin(self) -> Float[AnyArray, " nodes"]:
        """Temperatures at load 0."""
        return self.side.idle_kelvin

    @property
    def stopped(self) -> float:
        """Share of the time at load 0."""
        stops = self._some().stops
        return 0.0 if stops is None else stops.hours / stops.every_hours

    def _some(self) -> Thermal:
        assert self.thermal is not None
        return self.thermal

    @property
    def mean_watts(self) -> float:
        """Heat of a package, averaged over the load and the stops."""
        t = self._some()
        known = TEMPLATES[t.template].watts
        full = sum(t.watts.get(node, known[node].value) for node in NODES)
        load = mean_load(t.load) * (1 - self.stopped)
        return float(full * (t.idle + (1 - t.idle) * load))

    def heater_kelvin(self, link: RingLink) -> float:
        """What the heater of a ring adds, averaged over the load and the stops."""
        share, kelvin = hermite(self.points)
        room = lambda at: np.clip(link.top_kelvin - at, 0.0, link.range_kelvin)
        busy = float((share * room(kelvin[_ENGINE])).sum())
        return busy * (1 - self.stopped) + float(room(self.idle_kelvin[_ENGINE])) * self.stopped

    def node(self, unit: str, component: str) -> int | None:
        """Return the thermal node of a component on a unit, None where it is at none."""
        t = self.thermal
        if t is None or t.unit not in self.scenario.tree.ancestors(unit):
            return None
        name = t.node_of(component)
        return None if name is None else NODES.index(name)

    def temperatures(self, unit: str, component: str) -> tuple[AnyArray, AnyArray] | None:
        """Return shares of the time and temperatures of a component; None where nothing is known."""
        node = self.node(unit, component)
        if node is None:
            at, path = self.scenario.components[component].at_kelvin, f"components.{component}.at"
            if at is None:
                return None
            if path in self.knobs:
                return jnp.ones(1), jnp.asarray(self.knobs[path], float)[None]
            return np.ones(1), np.array([at])  # on the host, where it has all its digits
        share, kelvin = hermite(self.points)
        stopped = self.stopped
        share = self.xp.append(share * (1 - stopped), stopped)
        return share, self.xp.append(kelvin[node], self.idle_kelvin[node])

    def speed(self, unit: str, component: str, mechanism: Mechanism, rise: Number = 0.0) -> Number:
        """Return how many times as fast as at its references a mechanism ages, cycles left out.

        **Arguments:** `rise`, what excursions and environment add, in kelvin; any shape.
        """
        factor = self._by_current(component, mechanism)
        known = self.temperatures(unit, component)
        energy, reference = mechanism.activation_energy_ev, mechanism.reference_kelvin
        cool = self.thermal is not None and "ageing" not in self.thermal.effects
        if cool or known is None or energy is None or reference is None:
            return factor + 0 * rise
        share, kelvin = known
        wide = (..., *[None] * np.ndim(rise))
        return factor * (share[wide] * arrhenius(energy, kelvin[wide] + rise, reference)).sum(0)

    def _by_current(self, component: str, mechanism: Mechanism) -> Number:
        own = self.scenario.components[component].current
        current = self.number(f"components.{component}.current", 1.0 if own is None else own)
        factor = current**mechanism.current_exponent
        if mechanism.drive is not None:
            margin, power = mechanism.drive.margin, mechanism.drive.time_power
            left = self.xp.maximum((1 + margin) / current - 1, 1e-9)
            factor = factor * (margin / left) ** (1 / power)
        return factor

    def above(self, unit: str) -> list[Excursion]:
        """Return the excursions that heat a unit."""
        if self.thermal is None:
            return []
        ancestors = self.scenario.tree.ancestors(unit)
        return [e for e in self.thermal.excursions if heated(self.scenario, e) in ancestors]

    def ageing_tail_hours(self, unit: str, component: str, mechanism: Mechanism, e: Excursion):
        """Return the hours at the full rise that age a mechanism as much as the recovery does."""
        if e.recovery_hours == 0:
            return 0.0
        at, weight = _unit_gauss()
        rises = e.rise_kelvin * np.array([0.0, 1.0, *at])
        speeds = self.speed(unit, component, mechanism, rises)
        gain = speeds[1:] - speeds[0]
        if float_is(gain[0], 0.0):
            return 0.0
        return e.recovery_hours * (weight / at * gain[1:]).sum() / gain[0]

    def lost(self, rise: Number) -> Number:
        """Return which share of the lanes of an engine heat takes at some rises, whether or not it may."""
        if self.thermal is None or self.thermal.link is None:
            return 0.0 * rise
        return self.xp.interp(rise, rises_of(self.scenario), self.side.lost[0])

    @property
    def lost_by_season(self) -> Float[AnyArray, "seasons grid"]:
        """Return which share of the lanes is lost at each of `rises_of` in every step of the environment."""
        t = self.thermal
        if t is None or "lock" not in t.effects:
            return np.zeros((1 if t is None else len(season_hours(self.scenario, 0.0)[0]), GRID))
        lost = self.side.lost[1:] if steps_of(self.scenario, t.unit) else self.side.lost
        return self.xp.where(lost > DARKENS, lost, 0.0)

    def lock_tail_hours(self, e: Excursion) -> Number:
        """Return the hours at the full rise that keep as many lanes dark as recovery and relocking do."""
        if not reaches_lanes(self.scenario, e):
            return 0.0
        at, weight = _unit_gauss()
        taken = self.lost(e.rise_kelvin * np.array([0.0, 1.0, *at]))
        full = taken[1] - taken[0]
        some = full > DARKENS
        shape = (weight / at * (taken[2:] - taken[0])).sum()
        assert self.thermal is not None
        relock = 0.0 if self.thermal.link is None else self.thermal.link.relock_seconds / 3600
        where = self.xp.where
        # Warmth on the way down may give lanes back that are too cold; no excursion ends before its time.
        tail = self.xp.maximum(e.recovery_hours * shape / where(some, full, 1.0), 0.0)
        return where(some, tail + relock, 0.0)

    def darkens(self, e: Excursion) -> bool:
        """Whether an excursion takes lanes by itself, in some step of the environment."""
        if not reaches_lanes(self.scenario, e):
            return False
        lost, grid = np.asarray(self.lost_by_season, float), rises_of(self.scenario)
        return any(np.interp(e.rise_kelvin, grid, row) - row[0] > DARKENS for row in lost)

    def blocked_hours(self, e: Excursion) -> float:
        """Return the mean time for which an instance has no other excursion of its kind: plateau and tail.

        The same whatever of `effects` is left out, so that what is compared has the same excursions; and without knobs,
        lest it seem to move everything below, which it hardly does.
        """
        dark = float(Heat(self.scenario, {}).lock_tail_hours(e))
        return mean_hours(e.duration) + (dark or e.recovery_hours)

    def active_share(self, e: Excursion, tail: Number) -> Number:
        """Return the share of the time in which one instance has this excursion, with a tail."""
        return (mean_hours(e.duration) + tail) / (1 / e.rate_per_hour + self.blocked_hours(e))

    def hot_speed(
        self, unit: str, component: str, mechanism: Mechanism, shift: float = 0.0
    ) -> Number:
        """Return the mean speed of ageing at a shift of the environment, with the excursions above."""
        base = self.speed(unit, component, mechanism, shift)
        more = 0.0
        for e in self.above(unit):
            gain = self.speed(unit, component, mechanism, shift + e.rise_kelvin) - base
            tail = self.ageing_tail_hours(unit, component, mechanism, e)
            more = more + gain * self.active_share(e, tail)
        return base + more

    def cycles(self, unit: str, component: str, c: Cycling) -> dict[str, tuple[Number, Cycle]]:
        """Return the thermal cycles of a component by kind: how many an hour, and what they are."""
        known = self.temperatures(unit, component)
        if known is None:
            return {}
        kinds: dict[str, tuple[Number, Cycle]] = {}
        node, t = self.node(unit, component), self._some()
        hottest = known[1][0] if node is None else self.points.high[node]
        if node is not None:
            kinds |= self._load_cycles(node, c)
        if node is not None and t.stops is not None:
            every, stop = t.stops.every_hours, t.stops.hours
            high = self.points.high[node]
            hours = every if c.solder == "SNPB" else every - stop
            kinds["stops"] = (1 / every, Cycle(high - self.idle_kelvin[node], high, hours))
        for e in self.above(unit):
            per_hour = 1 / (1 / e.rate_per_hour + self.blocked_hours(e))
            hours = 1 / per_hour if c.solder == "SNPB" else mean_hours(e.duration)
            kinds[e.name] = (per_hour, Cycle(e.rise_kelvin, hottest + e.rise_kelvin, hours))
        return kinds | _environment_cycles(self.scenario, unit, hottest, c)

    def _load_cycles(self, node: int, c: Cycling) -> dict[str, tuple[Number, Cycle]]:
        """The swing of the load; of a random one the swing of a narrow band, a value for each of `_AMPLITUDES`."""
        points, load, busy = self.points, self._some().load, 1 - self.stopped
        if isinstance(load, SquareLoad):
            swing, top = points.high[node] - points.low[node], points.high[node]
            hours = load.period_seconds * (1.0 if c.solder == "SNPB" else load.duty) / 3600
            return {"load": (3600 / load.period_seconds * busy, Cycle(swing, top, hours))}
        sd = points.sd[node]
        if float_is(sd, 0.0):
            return {}
        per_hour = 3600 * points.speed_sd[node] / (2 * math.pi * sd)
        hours = (1.0 if c.solder == "SNPB" else 0.5) / per_hour
        cycle = Cycle(2 * sd * _AMPLITUDES, points.high[node] + sd * _AMPLITUDES, hours)
        return {"load": (per_hour * busy, cycle)}

    def damage(self, unit: str, component: str, c: Cycling) -> dict[str, Number]:
        """Return by kind of cycle how fast it uses up a fatigue life, relative to the reference."""
        solder = SAC305 if c.solder == "SAC305" else SNPB
        plastic = lambda swing: self.xp.maximum(swing - c.elastic_kelvin, 0.0)
        reference = Cycle(c.swing_kelvin - c.elastic_kelvin, c.max_kelvin, c.dwell_hours)
        found = {}
        for kind, (per_hour, cycle) in self.cycles(unit, component, c).items():
            cycle = cycle._replace(swing_kelvin=plastic(cycle.swing_kelvin))
            one = norris_landzberg(cycle, reference, solder)
            found[kind] = per_hour * self.xp.mean(one) / c.cycles_per_hour
        return found


class Side(eqx.Module):
    """What a package comes to: its temperatures, and the share of dark lanes at each of `rises_of`.

    Dark lanes first at nominal conditions, then in each step of the environment.
    """

    points: LoadPoints
    idle_kelvin: Float[AnyArray, " nodes"]
    lost: Float[AnyArray, "shifts grid"]


_SIDES: dict[str, Side] = {}


def _side(scenario: Scenario, numbers: Mapping[str, Number]) -> Side:
    t = scenario.thermal
    assert t is not None
    net = package_network(TEMPLATES[t.template], t.resistance, t.capacitance)
    known = TEMPLATES[t.template].watts
    full = jnp.asarray([t.watts.get(node, known[node].value) for node in NODES], float)
    boundary = jnp.stack([jnp.asarray(numbers[f"thermal.{name}"]) for name in BOUNDARIES])
    points = load_points(net, full, t.idle, t.load, boundary)
    idle = steady_kelvin(net, load_watts(full, t.idle, 0.0), boundary)
    shifts = [0.0, *(step.shift_kelvin for step in steps_of(scenario, t.unit))]
    lost = jnp.zeros((len(shifts), GRID))
    if t.link is not None:
        ring = (numbers[_TOP], numbers[_RANGE]) if isinstance(t.link, RingLink) else ()
        rises = jnp.asarray(np.add.outer(shifts, rises_of(scenario)).ravel(), float)
        dark = dark_prob(lock_limits(t.link, *ring), points, _ENGINE, rises)
        lost = short_share(dark, *lanes_of(scenario, t.link.unit)).reshape(lost.shape)
    return Side(points, idle, lost)


def rises_of(scenario: Scenario) -> np.ndarray:
    """Return the rises at which dark lanes are tabulated: up to all excursions together, in kelvin."""
    kinds = () if scenario.thermal is None else scenario.thermal.excursions
    return np.linspace(0.0, max(1.0, sum(e.rise_kelvin for e in kinds)), GRID)


def _environment_cycles(
    scenario: Scenario, unit: str, hottest: Number, c: Cycling
) -> dict[str, tuple[Number, Cycle]]:
    """The cycles that a rainflow count finds in one round of the environment."""
    steps = steps_of(scenario, unit)
    if len(steps) < 2:
        return {}
    shifts = [step.shift_kelvin for step in steps]
    period = math.fsum(step.hours for step in steps)
    top = shifts.index(max(shifts))  # from the top a round closes every cycle
    turned = [*shifts[top:], *shifts[:top], shifts[top]]
    hours = period if c.solder == "SNPB" else steps[top].hours
    kinds = {}
    for number, (swing, mean, count) in enumerate(rainflow_cycles(turned)):
        if swing > 0:
            cycle = Cycle(swing, hottest + mean + swing / 2, hours)
            kinds[f"environment {number + 1}"] = (count / period, cycle)
    return kinds


def rainflow_cycles(kelvin: list[float]) -> list[tuple[float, float, float]]:
    """Return (swing, mean, count) of the cycles of a history."""
    history = np.array(kelvin)
    cycles = rainflow(history)
    mean = (history[cycles.start] + history[cycles.end]) / 2
    return list(zip(cycles.swing.tolist(), mean.tolist(), cycles.count.tolist(), strict=True))


def steps_of(scenario: Scenario, unit: str):
    """Return the steps of the environment where they reach a unit."""
    environment = scenario.environment
    if environment is None:
        return ()
    named = environment.units
    here = named is None or any(name in named for name in scenario.tree.ancestors(unit))
    return environment.steps if here else ()


def season_hours(scenario: Scenario, begins: float) -> tuple[np.ndarray, float]:
    """Return when the steps of the environment at the packages end first, and their cycle.

    Time is that of a clock that is at zero `begins` hours into the cycle. Without steps nothing ever ends.
    """
    steps = () if scenario.thermal is None else steps_of(scenario, scenario.thermal.unit)
    if len(steps) < 2:
        return np.array([np.inf]), 0.0
    ends = np.cumsum([step.hours for step in steps])
    return ends - begins % ends[-1], float(ends[-1])


def heated(scenario: Scenario, e: Excursion) -> str:
    """Return the unit that an excursion heats: its own, or what that feeds."""
    return scenario.units[e.unit].feeds or e.unit


def reaches_lanes(scenario: Scenario, e: Excursion) -> bool:
    """Whether there are lanes below what an excursion heats."""
    link = None if scenario.thermal is None else scenario.thermal.link
    return link is not None and link.unit in scenario.tree.below(heated(scenario, e))


def lanes_of(scenario: Scenario, unit: str) -> tuple[int, int]:
    """Return how many lanes a group has, and how many of them are needed."""
    node = scenario.tree.nodes[unit]
    return node.count, node.need or node.count


def float_is(value, target: float) -> bool:
    """Whether a number is known to be this one; a traced one is not."""
    try:
        return float(value) == target
    except TypeError:  # traced
        return False


def _unit_gauss() -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights of Gauss and Legendre on (0, 1)."""
    return (_GAUSS[0] + 1) / 2, _GAUSS[1] / 2
