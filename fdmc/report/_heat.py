"""Heat before anything runs: temperatures, limits of the light, cooling events, cycles."""

import dataclasses

import numpy as np

from ..collect import heat_watts
from ..lifetime import mean_hours
from ..plan import Heat, Plan
from ..spec import (
    EFFECTS,
    Excursion,
    MarkovLoad,
    NoisyLoad,
    RingLink,
    Scenario,
    SquareLoad,
    Stops,
    Thermal,
)
from ..thermal import NODES, TEMPLATES, lock_limits
from ._exact import HOURS_PER_YEAR
from ._format import duration, law, number


_ENGINE = NODES.index("engine")
_SIGMAS = 3.0  # ends of the temperatures of a random load, which has none


@dataclasses.dataclass(frozen=True)
class NodeRow:
    """Temperatures of a node of a package over the settled load of a running job, and at load 0.

    `watts` at full load. Under a random load, lowest and highest are three standard deviations from the mean.
    """

    name: str
    watts: float
    lowest_kelvin: float
    mean_kelvin: float
    highest_kelvin: float
    idle_kelvin: float


@dataclasses.dataclass(frozen=True)
class LinkRow:
    """Where the mean device of a link loses its light, and how far the engine is from there.

    A margin is the distance of the engine's highest (lowest) temperature from the limit; `fast_margin` that of its
    fastest change from what the loop follows, in K/s; None where nothing tracks. `steady_dark_lanes` is the share of
    the needed lanes that is dark between excursions, spares used first.
    """

    kind: str
    unit: str
    devices: int
    spread_kelvin: float
    low_kelvin: float
    high_kelvin: float
    cold_margin_kelvin: float
    hot_margin_kelvin: float
    fast_margin_kelvin_per_second: float | None
    heater_kelvin: float | None
    relock_seconds: float
    steady_dark_lanes: float


@dataclasses.dataclass(frozen=True)
class ExcursionRow:
    """A kind of cooling event: how often one instance has it, how hot, how long, and what that takes.

    `active_share` is that of one instance's time, recovery and relocking as what is equivalent to them at the full
    rise; `dark_lanes` what one takes of the lanes below it while it lasts.
    """

    name: str
    unit: str
    instances: int
    per_year_each: float
    rise_kelvin: float
    mean_hours: float
    duration: str
    recovery_hours: float
    active_share: float
    dark_lanes: float
    accelerators: int
    source: str


@dataclasses.dataclass(frozen=True)
class CycleRow:
    """One kind of thermal cycle of one fatigue life.

    `life_used` is how fast it uses that life up, relative to the cycles at which the life holds; `share` its part in
    that of all kinds.
    """

    name: str
    kind: str
    per_year: float
    swing_kelvin: float
    peak_kelvin: float
    life_used: float
    share: float


@dataclasses.dataclass(frozen=True)
class MachineHeat:
    """What `fdmc show` says about a thermal section."""

    template: str
    description: str
    unit: str
    packages: int
    coolant_kelvin: float
    air_kelvin: float
    load: str
    stops: str
    effects: tuple[str, ...]
    left_out: tuple[str, ...]
    nodes: tuple[NodeRow, ...]
    link: LinkRow | None
    power_watts: dict[str, float]
    excursions: tuple[ExcursionRow, ...]
    cycles: tuple[CycleRow, ...]


def heat_of(scenario: Scenario, plan: Plan | None) -> MachineHeat | None:
    """Return what heat does to a scenario, None without a thermal section; `plan` None: the engine refuses it."""
    t = scenario.thermal
    if t is None:
        return None
    heat = Heat(scenario, {})
    return MachineHeat(
        template=t.template,
        description=TEMPLATES[t.template].description,
        unit=t.unit,
        packages=scenario.tree.nodes[t.unit].total,
        coolant_kelvin=t.coolant_kelvin,
        air_kelvin=t.air_kelvin,
        load=load_text(t),
        stops=_stops_text(t.stops),
        effects=t.effects,
        left_out=tuple(effect for effect in EFFECTS if effect not in t.effects),
        nodes=tuple(_node(heat, t, i) for i in range(len(NODES))),
        link=_link(heat, t),
        power_watts=heat_watts(scenario),
        excursions=tuple(_excursion(heat, plan, i, e) for i, e in enumerate(t.excursions)),
        cycles=_cycles(heat, t),
    )


def load_text(t: Thermal) -> str:
    """Return the load in words."""
    percent = lambda x: f"{number(100 * x)} %"
    seconds = lambda x: duration(x / 3600)
    match t.load:
        case SquareLoad(high=high, low=low, period_seconds=period, duty=duty):
            rest = percent(1 - duty)
            return f"{percent(high)} for {percent(duty)} of every {seconds(period)}, {percent(low)} for {rest}"
        case NoisyLoad(mean=mean, sd=sd, tau_seconds=tau):
            return f"Ornstein-Uhlenbeck, {percent(mean)} with sd {percent(sd)}, correlated over {seconds(tau)}"
        case MarkovLoad(compute=a, compute_seconds=at, communicate=b, communicate_seconds=bt):
            return f"{percent(a)} for {seconds(at)} and {percent(b)} for {seconds(bt)} on average, in turn"
    return f"{percent(t.load.level)}, constant"


def _stops_text(stops: Stops | None) -> str:
    if stops is None:
        return "never"
    return f"{duration(stops.hours)} in every {duration(stops.every_hours)}"


def _node(heat: Heat, t: Thermal, i: int) -> NodeRow:
    points, name = heat.points, NODES[i]
    beyond = _SIGMAS * float(points.sd[i])
    return NodeRow(
        name=name,
        watts=float(t.watts.get(name, TEMPLATES[t.template].watts[name].value)),
        lowest_kelvin=float(points.low[i]) - beyond,
        mean_kelvin=float(np.dot(points.share, points.kelvin[i])),
        highest_kelvin=float(points.high[i]) + beyond,
        idle_kelvin=float(heat.idle_kelvin[i]),
    )


def _link(heat: Heat, t: Thermal) -> LinkRow | None:
    if t.link is None:
        return None
    limits, engine, points = lock_limits(t.link), _node(heat, t, _ENGINE), heat.points
    ring = isinstance(t.link, RingLink)
    fastest = np.max(np.abs([*points.speed[_ENGINE], *points.edge[_ENGINE]]))
    fastest = max(float(fastest), _SIGMAS * float(points.speed_sd[_ENGINE]))
    return LinkRow(
        kind=t.link.kind,
        unit=t.link.unit,
        devices=heat.scenario.tree.nodes[t.link.unit].total,
        spread_kelvin=t.link.spread_kelvin,
        low_kelvin=float(limits.low_kelvin),
        high_kelvin=float(limits.high_kelvin),
        cold_margin_kelvin=engine.lowest_kelvin - float(limits.low_kelvin),
        hot_margin_kelvin=float(limits.high_kelvin) - engine.highest_kelvin,
        fast_margin_kelvin_per_second=float(limits.speed_kelvin_per_second) - fastest
        if ring
        else None,
        heater_kelvin=heat.heater_kelvin(t.link) if isinstance(t.link, RingLink) else None,
        relock_seconds=t.link.relock_seconds,
        steady_dark_lanes=_dark(heat, 0.0),
    )


def _dark(heat: Heat, rise_kelvin: float) -> float:
    """Return which share of the needed lanes is dark at a rise; none where the effect is left out."""
    lit = heat.thermal is None or "lock" not in heat.thermal.effects
    return 0.0 if lit else float(heat.lost(rise_kelvin))


def _excursion(heat: Heat, plan: Plan | None, i: int, e: Excursion) -> ExcursionRow:
    scenario, tree = heat.scenario, heat.scenario.tree
    heated, accelerator = scenario.units[e.unit].feeds or e.unit, scenario.fabric.accelerator
    inside = accelerator in tree.below(heated)
    before, during = _dark(heat, 0.0), _dark(heat, e.rise_kelvin)
    reaches = plan is None or float(plan.classes.share[i]) > 0
    blocked = heat.blocked_hours(e)
    return ExcursionRow(
        name=e.name,
        unit=e.unit,
        instances=tree.nodes[e.unit].total,
        per_year_each=e.rate_per_hour * HOURS_PER_YEAR,
        rise_kelvin=e.rise_kelvin,
        mean_hours=mean_hours(e.duration),
        duration=law(e.duration),
        recovery_hours=e.recovery_hours,
        active_share=blocked / (1 / e.rate_per_hour + blocked),
        dark_lanes=(during - before) / (1 - before) if reaches and before < 1 else 0.0,
        accelerators=tree.per(heated, accelerator) if inside else int(accelerator in tree.ancestors(heated)),
        source=e.source,
    )  # fmt: skip


def _cycles(heat: Heat, t: Thermal) -> tuple[CycleRow, ...]:
    """Return the cycles of every fatigue life that has a temperature, the most harmful kind first."""
    if "cycling" not in t.effects:
        return ()
    rows, scenario = [], heat.scenario
    for unit, body in scenario.units.items():
        for component in body.components:
            for way in scenario.components[component].mechanisms:
                if way.cycling is None or heat.temperatures(unit, component) is None:
                    continue
                name = f"{unit}/{component}" + (f":{way.name}" if way.name else "")
                kinds = heat.cycles(unit, component, way.cycling)
                used = {k: float(d) for k, d in heat.damage(unit, component, way.cycling).items()}
                total = sum(used.values()) or 1.0
                rows += [
                    CycleRow(
                        name, kind, HOURS_PER_YEAR * _mean(kinds[kind][0]), _mean(kinds[kind][1].swing_kelvin),
                        _mean(kinds[kind][1].max_kelvin), used[kind], used[kind] / total,
                    )
                    for kind in sorted(used, key=lambda k: -used[k])
                ]  # fmt: skip
    return tuple(rows)


def _mean(values) -> float:
    """Return a number, or the mean over the swings of a random load."""
    return float(np.mean(values))
