"""Lowering: the scenario becomes the plan. The one hard file, host-side NumPy throughout."""

import dataclasses
import math

import jax.numpy as jnp
import numpy as np

from ..fabric import LinkState, collective_seconds
from ..lifetime import Exposure, mean_hours, quantile_table
from ..spec import Exponential, Fixed, Law, Rule, Scenario, resolve_rule
from ._ageing import ageing, exposures_of
from ._effects import Effect, Effects, PlanError
from ._plan import (
    LINK,
    MAX_ACCELERATORS,
    Classes,
    Places,
    Plan,
    Quantiles,
    Wear,
    Work,
)
from ._streams import stream
from ._structures import fatal, structure_row, structures_of


_FIXED, _EXPONENTIAL, _TABLE = 0, 1, 2


@dataclasses.dataclass(frozen=True)
class ClassInfo:
    """Names of one class, for people; in the order of the plan's rows."""

    name: str
    unit: str
    component: str
    fru: str
    rule: str
    takes_out: str | None
    copies: int
    spares: int
    loss_accelerators: int
    out_accelerators: int
    grade: str


@dataclasses.dataclass(frozen=True)
class Directory:
    """What the rows of a plan are called."""

    classes: tuple[ClassInfo, ...]
    pools: tuple[str, ...]
    expected_outages: float
    expected_latents: float
    expected_renewals: float


@dataclasses.dataclass(frozen=True)
class _Row:
    unit: str
    component: str
    count: int
    lifetime: Law
    exposure: Exposure | None
    rule: Rule
    repair: Law
    counting: bool
    spares: int
    share: float
    structure: int
    effect: Effect
    out: Effect | None
    places: dict[str, np.ndarray]

    @property
    def name(self) -> str:
        return f"{self.unit}/{self.component}"


def lower(scenario: Scenario) -> tuple[Plan, Directory]:
    """Return the plan of a scenario and the names of its rows.

    **Raises:** `PlanError` for machines that the engine cannot represent.
    """
    effects = Effects(scenario)
    if effects.accelerators > MAX_ACCELERATORS:
        raise PlanError(
            f"fabric.accelerator: {effects.accelerators} accelerators; at most {MAX_ACCELERATORS} in one domain."
        )
    homes = _homes(scenario)
    rows = [
        _row(scenario, effects, homes, unit, component)
        for unit in scenario.tree.nodes
        for component in scenario.units[unit].components
    ]
    _check_when(effects, rows)
    rows.sort(key=lambda row: not isinstance(row.lifetime, Exponential))
    segments = _segments(rows, scenario.fabric.planes)
    pools = tuple(dict.fromkeys(row.rule.name for row in rows if row.rule.stock is not None))
    tables = _Tables()
    classes = _classes(rows, pools, tables)
    wear = _wear(scenario, rows, tables)
    policy, nodes = scenario.fabric.policy, scenario.tree.nodes
    park = effects.accelerators // nodes[policy.unit or scenario.fabric.accelerator].total
    together = scenario.workload.slice * (park if policy.kind == "park" else 1)
    kinds = {row.effect.kind for row in rows} | {row.out.kind for row in rows if row.out}
    technicians = scenario.service.technicians
    plan = Plan(
        classes=classes,
        places=_places(rows, scenario.fabric.planes // segments),
        structures=structures_of(scenario),
        quantiles=Quantiles(*quantile_table(tables.laws or [Exponential(1.0)])),
        wear=wear,
        exposures=exposures_of([row.exposure for row in rows], -scenario.run_in_hours),
        work=_work(scenario, effects.accelerators // together * together),
        technicians=_f32(math.inf if technicians is None else technicians),
        segment_planes=np.full(segments, scenario.fabric.planes / segments, np.float32),
        mission_hours=_f32(scenario.mission_hours),
        run_in_hours=_f32(scenario.run_in_hours),
        streams=np.array([stream(row.name) for row in rows], np.uint32),
        accelerators=effects.accelerators,
        planes=scenario.fabric.planes,
        lanes_per_link=scenario.fabric.lanes_per_link,
        park=park if policy.kind == "park" else 0,
        slice=scenario.workload.slice,
        collectives=tuple((c.op, c.algorithm) for c in scenario.workload.collectives),
        stock=tuple(scenario.service.replace[name].stock or 0 for name in pools),
        queued=technicians is not None,
        kinds=frozenset(kinds),
        counted=frozenset(row.rule.when == "failed" for row in rows if row.counting),
        singly=any(_singly(row) for row in rows),
        drawn_repairs=bool(np.any(classes.repair_kind == _TABLE)),
    )
    return plan, _directory(scenario, rows, pools, wear)


def _singly(row: _Row) -> bool:
    """Whether the group waits until it is short, and its FRU is then less than the group."""
    places = row.places
    # A FRU around the group starts before its first element: a unit comes before what is in it.
    smaller = bool(np.any(places["fru_low"] >= places["group"]))
    return row.counting and row.rule.when == "short" and smaller


def _f32(value) -> np.ndarray:
    return np.asarray(value, np.float32)


class _Tables:
    """Collects the laws that need a quantile table."""

    def __init__(self):
        self.laws: list[Law] = []

    def add(self, law: Law) -> int:
        if law not in self.laws:
            self.laws.append(law)
        return self.laws.index(law)


def _homes(scenario: Scenario) -> dict[str, tuple[np.ndarray, int, dict[str, int]]]:
    """Number the machine depth first: home of every unit instance, its size, offsets of its components."""
    nodes = scenario.tree.nodes
    size: dict[str, int] = {}
    for name in reversed(nodes):
        unit = scenario.units[name]
        size[name] = 1 + sum(g.count for g in unit.components.values())
        size[name] += sum(nodes[child].count * size[child] for child in nodes[name].children)
    homes = {scenario.tree.root: np.zeros(1, np.int64)}
    layout = {}
    for name in nodes:
        offset, offsets = 1, {}
        for component, group in scenario.units[name].components.items():
            offsets[component] = offset
            offset += group.count
        for child in nodes[name].children:
            copies = np.arange(nodes[child].count) * size[child]
            homes[child] = (homes[name][:, None] + offset + copies).ravel()
            offset += nodes[child].count * size[child]
        layout[name] = (homes[name], size[name], offsets)
    return layout


def _row(scenario: Scenario, effects: Effects, homes, unit: str, component: str) -> _Row:
    nodes, path = scenario.tree.nodes, f"units.{unit}.components.{component}"
    group, part = scenario.units[unit].components[component], scenario.components[component]
    rule = resolve_rule(scenario, unit, component)
    life, repair = ageing(scenario, unit, component), rule.time or part.repair
    if repair is None:
        raise PlanError(
            f"{path}: no repair time; give components.{component}.repair or a replace rule with time."
        )
    start, _, offsets = homes[unit]
    home = (start[:, None] + offsets[component] + np.arange(group.count)).ravel()
    instance = np.repeat(np.arange(nodes[unit].total), group.count)
    none = np.full(home.shape, -1)
    counted = effects.group(unit)
    if group.need is not None and counted:
        raise PlanError(f"{path}: counting groups do not nest; '{counted[0]}' is one already.")
    if scenario.units[unit].structure is not None:
        effect, spares, share, size = effects.of(unit).take(instance), 0, 1.0, 1
        # The components of a unit come first in it, so that a copy's bit is `home - first`.
        element, first = home, np.repeat(start + 1, group.count)
    elif group.need is not None:
        effect, spares, share = effects.of(unit).take(instance), group.spares, 1 / group.need
        element, first = home, home - np.tile(np.arange(group.count), nodes[unit].total)
        size = 1
    elif counted:
        inner = nodes[counted[0]]
        number = instance // scenario.tree.per(inner.name, unit)
        effect = counted[1].take(number // inner.count)
        need = inner.need or inner.count
        spares, share = inner.count - need, 1 / need
        element = homes[inner.name][0][number]
        first = homes[inner.name][0][number // inner.count * inner.count]
        size = homes[inner.name][1]
    else:
        effect, spares, share, element, first, size = (
            effects.of(unit).take(instance),
            0,
            1.0,
            none,
            none,
            0,
        )
    low, high, number = _fru(scenario, homes, rule, unit, component, home, instance)
    if counted and size > 1 and np.any((low > element) | (high < element + size)):
        parts = sum(len(scenario.units[n].components) for n in scenario.tree.below(counted[0]))
        if parts > 1:
            raise PlanError(
                f"service.replace.{rule.name}.swap: '{rule.swap}' is smaller than '{counted[0]}', one "
                "element of a counting group; swap that or something larger."
            )
    out = None
    if rule.takes_out is not None:
        out = effects.of(rule.takes_out).take(instance // scenario.tree.per(rule.takes_out, unit))
        _check_out(rule, effect, out, share)
        out = out if out.share >= 1 else None
    return _Row(
        unit, component, group.count, life.law, life.exposure, rule, repair, bool(size), spares,
        share * effect.share, structure_row(scenario, unit), effect, out,
        dict(home=home, element=element, group=first, fru_low=low, fru_high=high, fru=number),
    )  # fmt: skip


def _check_out(rule: Rule, effect: Effect, out: Effect, share: float):
    where = f"service.replace.{rule.name}.takes_out: '{rule.takes_out}'"
    if not out.covers(effect):
        raise PlanError(
            f"{where} is less than what the failure itself takes; name a larger unit, or nothing."
        )
    if out.share < 1 and not (math.isclose(out.share, effect.share * share) and effect.covers(out)):
        raise PlanError(
            f"{where} is only a part of a plane or of a supply; name a larger unit, or nothing."
        )


def _check_when(effects: Effects, rows: list[_Row]):
    """All components of a counting group open jobs at every failure, or all only when it is short."""
    seen: dict[str, _Row] = {}
    for row in rows:
        inner = effects.group(row.unit)
        other = seen.setdefault(inner[0], row) if inner else row
        if other.rule.when != row.rule.when:
            raise PlanError(
                f"service.replace.{row.rule.name}.when: '{row.name}' is replaced when {row.rule.when}, "
                f"'{other.name}' of the same counting group when {other.rule.when}; make them alike."
            )


def _fru(scenario: Scenario, homes, rule: Rule, unit, component, home, instance):
    """Return the home intervals and the numbers of the FRU copies."""
    if rule.swap == component:
        return home, home + 1, np.arange(home.size)
    number = instance // scenario.tree.per(rule.swap, unit)
    start, size, _ = homes[rule.swap]
    return start[number], start[number] + size, number


def _segments(rows: list[_Row], planes: int) -> int:
    """Return the fewest equal parts of the planes that no link loss cuts through."""
    edges = [
        edge
        for row in rows
        for effect in (row.effect, row.out)
        if effect is not None and effect.kind == LINK
        for edge in (*np.unique(effect.left), *np.unique(effect.right))
    ]
    width = math.gcd(planes, *(int(edge) for edge in edges))
    return planes // width


def _classes(rows: list[_Row], pools, tables: _Tables) -> Classes:
    positions = [row.places["home"].size for row in rows]
    kinds = {Fixed: _FIXED, Exponential: _EXPONENTIAL}
    kind = [kinds.get(type(row.repair), _TABLE) for row in rows]

    def ints(values):
        return np.array(list(values), np.int32)

    def floats(values):
        return np.array(list(values), np.float32)

    return Classes(
        positions=np.array(positions, np.uint32),
        first=ints(np.cumsum([0, *positions[:-1]])),
        mean_hours=floats(
            row.lifetime.mean_hours if isinstance(row.lifetime, Exponential) else 1.0
            for row in rows
        ),
        counting=ints(row.counting for row in rows),
        spares=ints(row.spares for row in rows),
        share=floats(row.share for row in rows),
        when_failed=ints(row.rule.when == "failed" for row in rows),
        repair_kind=ints(kind),
        repair_hours=floats(
            0.0 if k == _TABLE else mean_hours(row.repair)
            for k, row in zip(kind, rows, strict=True)
        ),
        repair_table=ints(
            tables.add(row.repair) if k == _TABLE else 0 for k, row in zip(kind, rows, strict=True)
        ),
        pool=ints(pools.index(row.rule.name) if row.rule.name in pools else -1 for row in rows),
        restock_hours=floats(row.rule.restock_hours or 0.0 for row in rows),
        structure=ints(row.structure for row in rows),
    )


def _places(rows: list[_Row], width: int) -> Places:
    def join(values):
        return np.concatenate(values).astype(np.int32)

    def span(effect: Effect):
        return effect.low << 16 | effect.high

    def reach(effect: Effect):
        scale = width if effect.kind == LINK else 1
        return effect.kind << 24 | (effect.left // scale) << 12 | effect.right // scale

    def out(row: _Row, pack, empty):
        return pack(row.out) if row.out else np.full(row.places["home"].shape, empty)

    names = ("home", "element", "group", "fru_low", "fru_high")
    return Places(
        **{name: join([row.places[name] for row in rows]) for name in names},
        span=join([span(row.effect) for row in rows]),
        reach=join([reach(row.effect) for row in rows]),
        out_span=join([out(row, span, 0) for row in rows]),
        out_reach=join([out(row, reach, -1) for row in rows]),
    )


def _wear(scenario: Scenario, rows: list[_Row], tables: _Tables) -> Wear:
    wearing = [row for row in rows if not isinstance(row.lifetime, Exponential)]
    tree = scenario.tree

    def copies(worn: _Row, row: _Row) -> int:
        swap = row.rule.swap
        if swap == row.component:
            return int(worn is row)
        return tree.per(swap, worn.unit) * worn.count if swap in tree.ancestors(worn.unit) else 0

    table = [[copies(worn, row) for row in rows] for worn in wearing]
    return Wear(
        law=np.array([tables.add(row.lifetime) for row in wearing], np.int32),
        copies=np.array(table, np.int32).reshape(len(wearing), len(rows)),
        fru=np.concatenate([row.places["fru"] for row in rows]).astype(np.int32),
    )


def _work(scenario: Scenario, used: int) -> Work:
    """Return what the job needs; `used` accelerators work in the healthy machine (whole slices)."""
    fabric, workload = scenario.fabric, scenario.workload
    link = fabric.planes * fabric.lanes_per_link
    rate = fabric.lane_rate_gbps * 1e9 / 8 * fabric.efficiency
    n, b = (jnp.asarray(float(v)) for v in (used, link))
    state = LinkState(used=n, min_link=b, sum_link=n * b, sum_plane_min=b, exact=jnp.asarray(True))
    healthy = [
        float(collective_seconds(c.op, c.algorithm, c.size_bytes, state, rate))
        for c in workload.collectives
    ]
    return Work(
        compute_seconds=_f32(workload.compute_seconds),
        size_bytes=_f32([c.size_bytes for c in workload.collectives]),
        overlap_seconds=_f32([c.overlap_seconds for c in workload.collectives]),
        healthy_seconds=_f32(healthy),
        bytes_per_second_per_lane=_f32(rate),
        minimum=_f32(workload.minimum),
    )


def _info(scenario: Scenario, row: _Row) -> ClassInfo:
    def size(effect: Effect | None) -> int:
        return 0 if effect is None else int(effect.high[0] - effect.low[0])

    return ClassInfo(
        name=row.name,
        unit=row.unit,
        component=row.component,
        fru=row.rule.swap,
        rule=row.rule.name,
        takes_out=row.rule.takes_out,
        copies=row.places["home"].size,
        spares=row.spares,
        loss_accelerators=size(row.effect),
        out_accelerators=size(row.out),
        grade=scenario.components[row.component].grade,
    )


def _directory(scenario: Scenario, rows: list[_Row], pools, wear: Wear) -> Directory:
    """Names, and how long the lists of a replica will be on average (the bounds grow if it is more)."""
    hours = scenario.mission_hours + scenario.run_in_hours

    def failures(row: _Row) -> float:
        return row.places["home"].size * min(hours / mean_hours(row.lifetime), 50.0)

    swaps = [
        row
        for row in rows
        if row.rule.when == "failed" or not row.counting or fatal(scenario, row.unit, row.component)
    ]
    renewing = [bool(any(column)) for column in np.asarray(wear.copies).T]
    return Directory(
        classes=tuple(_info(scenario, row) for row in rows),
        pools=pools,
        expected_outages=math.fsum(failures(row) * mean_hours(row.repair) / hours for row in swaps),
        expected_latents=math.fsum(
            failures(row) for row in rows if row.counting and row.rule.when != "failed"
        ),
        expected_renewals=math.fsum(
            failures(row) for row, renews in zip(rows, renewing, strict=True) if renews
        ),
    )
