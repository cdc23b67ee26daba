"""Lowering: the scenario becomes the plan. The one hard file, host-side NumPy throughout."""

import dataclasses
import math

import jax.numpy as jnp
import numpy as np

from ..fabric import LinkState, collective_seconds
from ..lifetime import FirstLatent, Remaining, mean_hours, quantile_table, share_table
from ..spec import Exponential, Fixed, Law, Scenario, Weibull
from ._ageing import exposures_of
from ._arrays import Quantiles
from ._effects import Effect, Effects, PlanError
from ._excursions import excursions_of
from ._fabric import Sharing, healthy_seconds, sharing_of
from ._heat import Heat
from ._latent import COUNTED, defective_prob, latent_failures, latent_rows, renewing_share
from ._lower_job import (
    across_seconds,
    check_blocks,
    job_of,
    participants,
    reconfiguration_of,
    switched,
)
from ._lower_ring import check_nodes, healthy_seconds_on_a_ring, ring_of
from ._packages import PACKAGE_STREAMS
from ._plan import (
    COMPUTE,
    LINK,
    MAX_ACCELERATORS,
    OPPORTUNISTIC,
    UNATTENDED,
    WINDOWED,
    Classes,
    Places,
    Plan,
    Wear,
    Work,
)
from ._rows import EXCURSION, LATENT, Row, rows_of
from ._service import service_of
from ._streams import stream
from ._structures import fatal, structures_of
from ._supply import most_groups, started, supply_of


_FIXED, _EXPONENTIAL, _TABLE = 0, 1, 2
DARK = "dark_lanes"
"""Who is to blame for what heat takes all the time."""


@dataclasses.dataclass(frozen=True)
class ClassInfo:
    """Names of one class, for people; in the order of the plan's rows.

    `component` is that of the scenario, `part`, with its mechanism (`laser:wear_out`) where it has several; an
    excursion has its own name there, and no `part`.
    """

    name: str
    unit: str
    component: str
    part: str
    fru: str
    rule: str
    takes_out: str | None
    copies: int
    spares: int
    loss_accelerators: int
    out_accelerators: int
    grade: str


def is_latent(info: ClassInfo) -> bool:
    """Return whether a class is one of latent defects."""
    return not info.part and info.name.endswith(f":{LATENT}")


@dataclasses.dataclass(frozen=True)
class Directory:
    """What the rows of a plan are called; `steady` is what is dark all the time, which has no row."""

    classes: tuple[ClassInfo, ...]
    steady: tuple[ClassInfo, ...]
    pools: tuple[str, ...]
    expected_outages: float
    expected_latents: float
    expected_renewals: float
    packages: int


def lower(scenario: Scenario) -> tuple[Plan, Directory]:
    """Return the plan of a scenario and the names of its rows.

    **Raises:** `PlanError` for machines that the engine cannot represent.
    """
    effects = Effects(scenario)
    if effects.accelerators > MAX_ACCELERATORS:
        raise PlanError(
            f"fabric.accelerator: {effects.accelerators} accelerators; at most {MAX_ACCELERATORS} in one domain."
        )
    rows = rows_of(scenario, effects)
    rows += latent_rows(scenario, effects, rows)
    struck = [row.struck(scenario) for row in rows]
    excursions = excursions_of(scenario, struck, Heat(scenario, {}))
    segments = _segments(rows, scenario.fabric.planes)
    pools = tuple(dict.fromkeys(row.rule.name for row in rows if row.rule.stock is not None))
    tables = _Tables()
    classes = _classes(scenario, rows, pools, tables)
    wear = _wear(scenario, rows, tables)
    policy, nodes = scenario.fabric.policy, scenario.tree.nodes
    park = effects.accelerators // nodes[policy.unit or scenario.fabric.accelerator].total
    together = scenario.workload.slice * (park if policy.kind == "park" else 1)
    kinds = {row.effect.kind for row in rows} | {row.out.kind for row in rows if row.out}
    lit = bool(np.any(excursions.lost > 0))
    # Where a failure leaves nothing of an accelerator, to degrade is to park accelerators.
    whole = kinds == {COMPUTE} and not lit and bool(np.all(classes.share == 1))
    technicians = scenario.service.technicians
    supply = supply_of(scenario, rows)
    sharing = sharing_of(scenario)
    job = job_of(scenario, effects.accelerators)
    check_blocks(job, rows)
    ring = ring_of(scenario)
    check_nodes(ring, rows)
    outs = [(row.places["out_low"], row.places["out_high"]) for row in rows]
    service = service_of(scenario, [row.rule for row in rows], outs)
    plan = Plan(
        classes=classes,
        places=_places(rows, scenario.fabric.planes // segments),
        structures=structures_of(scenario),
        quantiles=tables.quantiles(),
        wear=wear,
        exposures=exposures_of([row.exposure for row in rows], -scenario.run_in_hours),
        excursions=excursions,
        supply=supply,
        service=service,
        work=_work(scenario, (job.uses or effects.accelerators) // together * together, sharing),
        sharing=sharing,
        technicians=_f32(math.inf if technicians is None else technicians),
        segment_planes=np.full(segments, scenario.fabric.planes / segments, np.float32),
        mission_hours=_f32(scenario.mission_hours),
        run_in_hours=_f32(scenario.run_in_hours),
        streams=np.array([stream(name) for name in _streams(rows, supply is not None)], np.uint32),
        accelerators=effects.accelerators,
        planes=scenario.fabric.planes,
        lanes_per_link=scenario.fabric.lanes_per_link,
        park=park if policy.kind == "park" or whole else 0,
        slice=scenario.workload.slice,
        collectives=tuple((c.op, c.algorithm) for c in scenario.workload.collectives),
        stock=tuple(scenario.service.replace[name].stock or 0 for name in pools),
        queued=technicians is not None,
        kinds=frozenset(kinds),
        counted=frozenset(row.rule.when == "failed" for row in rows if row.counting),
        singly=any(_singly(row) for row in rows),
        drawn_repairs=bool(np.any(classes.repair_kind == _TABLE)),
        lit=lit,
        made=0 if supply is None else most_groups(supply, rows),
        rules=frozenset(
            b for b in (UNATTENDED, WINDOWED, OPPORTUNISTIC) if np.any(service.rules & b)
        ),
        joins=any(
            row.counting and row.rule.when == "short" and bool(row.rule.opportunistic)
            for row in rows
        ),
        job=job,
        ring=ring,
        reconfiguration=reconfiguration_of(scenario, rows),
    )
    return plan, _directory(scenario, rows, pools, wear, lit, supply)


def _streams(rows: list[Row], made: bool) -> list[str]:
    """One stream a class, one for the strikes of excursions, those of the factory."""
    heated = any(row.rule.swap == EXCURSION for row in rows)
    extra = ["strikes"] if heated else []
    return [row.name for row in rows] + extra + (list(PACKAGE_STREAMS) if made else [])


def _singly(row: Row) -> bool:
    """Whether the group waits until it is short, and its FRU is then less than the group."""
    places = row.places
    # A FRU around the group starts before its first element: a unit comes before what is in it.
    smaller = bool(np.any(places["fru_low"] >= places["group"]))
    return row.counting and row.rule.when == "short" and smaller


def _f32(value) -> np.ndarray:
    return np.asarray(value, np.float32)


class _Tables:
    """Collects the laws that need a quantile table, and the tables of shares after them."""

    def __init__(self):
        self.laws: list[Law | Remaining | FirstLatent] = []

    def add(self, law: Law | Remaining | FirstLatent) -> int:
        if law not in self.laws:
            self.laws.append(law)
        return self.laws.index(law)

    def own(self, law: Remaining | Weibull | FirstLatent) -> int:
        self.laws.append(law)
        return len(self.laws) - 1

    def quantiles(self) -> Quantiles:
        """Rows of `laws`; of one that ends short of certainty, the shares of its defects."""
        laws = self.laws or [Exponential(1.0)]
        found = quantile_table(
            [Exponential(1.0) if isinstance(law, FirstLatent) else law for law in laws]
        )
        for i, law in enumerate(laws):
            if isinstance(law, FirstLatent):
                found[0][i], found[1][i] = share_table(law.defects)
        return Quantiles(*found)


def _segments(rows: list[Row], planes: int) -> int:
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


def _classes(scenario: Scenario, rows: list[Row], pools, tables: _Tables) -> Classes:
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
        spares=ints(0 if switched(scenario, row) else row.spares for row in rows),
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


def _places(rows: list[Row], width: int) -> Places:
    def join(values):
        return np.concatenate(values).astype(np.int32)

    def out(row: Row, pack, empty):
        return pack(row.out) if row.out else np.full(row.places["home"].shape, empty)

    names = ("home", "element", "group", "fru_low", "fru_high")
    return Places(
        **{name: join([row.places[name] for row in rows]) for name in names},
        span=join([row.effect.span for row in rows]),
        reach=join([row.effect.reach(width) for row in rows]),
        out_span=join([out(row, lambda effect: effect.span, 0) for row in rows]),
        out_reach=join([out(row, lambda effect: effect.reach(width), -1) for row in rows]),
    )


def _wear(scenario: Scenario, rows: list[Row], tables: _Tables) -> Wear:
    wearing = [row for row in rows if not isinstance(row.lifetime, Exponential)]
    tree = scenario.tree

    def copies(worn: Row, row: Row) -> int:
        if worn.latent in COUNTED:  # as many as the packages of a swap happen to have
            return 0
        swap = row.rule.swap
        if swap == row.component and not (row.latent or worn.latent):
            return int((worn.unit, worn.component) == (row.unit, row.component))
        return tree.per(swap, worn.unit) * worn.count if swap in tree.ancestors(worn.unit) else 0

    table = [[copies(worn, row) for row in rows] for worn in wearing]
    laws = [row.lifetime for row in wearing]
    # Tables of its own, even when burn-in of no time makes two laws equal: burn-in changes numbers only.
    numbers = [tables.own(x.life) if isinstance(x, FirstLatent) else tables.add(x) for x in laws]
    shares = [tables.own(law) for law in laws if isinstance(law, FirstLatent)]
    return Wear(
        share=np.array(shares, np.int32) if shares else None,
        homes=_part_homes(wearing) if shares else None,
        law=np.array(numbers, np.int32),
        copies=np.array(table, np.int32).reshape(len(wearing), len(rows)),
        fru=np.concatenate([row.places["fru"] for row in rows]).astype(np.int32),
    )


def _part_homes(wearing: list[Row]) -> np.ndarray:
    """Units with parts that may have latent defects."""
    homes = [row.places["home"] for row in wearing if row.latent == "part"]
    return np.unique(np.concatenate(homes)).astype(np.int32)


def _work(scenario: Scenario, used: int, sharing: Sharing | None) -> Work:
    """Return what the job needs; `used` accelerators work in the healthy machine (whole slices)."""
    fabric, workload = scenario.fabric, scenario.workload
    link = fabric.planes * fabric.lanes_per_link
    rate = fabric.lane_rate_gbps * 1e9 / 8 * fabric.efficiency
    across = across_seconds(scenario)

    def seconds(number: int, many: int) -> float:
        c = workload.collectives[number]
        n, b = (jnp.asarray(float(v)) for v in (many, link))
        state = LinkState(
            used=n, min_link=b, sum_link=n * b, sum_plane_min=b, exact=jnp.asarray(True)
        )
        inside = collective_seconds(c.op, c.algorithm, c.size_bytes, state, rate, c.latency_seconds)
        return float(inside) + (0.0 if across is None else across[number] / many)

    healthy = [seconds(j, many) for j, many in enumerate(participants(scenario, used))]
    if sharing is not None:
        healthy = healthy_seconds(scenario, sharing, used)
    if fabric.ring is not None:
        healthy = healthy_seconds_on_a_ring(scenario, participants(scenario, used))
    latency = [c.latency_seconds or 0.0 for c in workload.collectives]
    return Work(
        compute_seconds=_f32(workload.compute_seconds),
        size_bytes=_f32([c.size_bytes for c in workload.collectives]),
        overlap_seconds=_f32([c.overlap_seconds for c in workload.collectives]),
        # Not zeros: a term that is not there cannot round differently.
        latency_seconds=_f32(latency) if any(latency) else None,
        healthy_seconds=_f32(healthy),
        bytes_per_second_per_lane=_f32(rate),
        minimum=_f32(workload.minimum),
        across_seconds=None if across is None else _f32(across),
    )


def _info(scenario: Scenario, row: Row) -> ClassInfo:
    def size(effect: Effect | None) -> int:
        return 0 if effect is None else int(effect.high[0] - effect.low[0])

    return ClassInfo(
        name=row.name,
        unit=row.unit,
        component=row.label,
        part="" if row.latent else row.component,
        fru=row.rule.swap,
        rule=row.rule.name,
        takes_out=row.rule.takes_out,
        copies=row.places["home"].size,
        spares=row.spares,
        loss_accelerators=size(row.effect),
        out_accelerators=size(row.out),
        grade=scenario.components[row.component].grade if row.fails else "user",
    )


def _steady(scenario: Scenario, lit: bool) -> tuple[ClassInfo, ...]:
    """Lanes that the load's own swings and a cold heater keep dark."""
    if not lit or scenario.thermal is None or scenario.thermal.link is None:
        return ()
    unit = scenario.thermal.link.unit
    lanes = scenario.tree.nodes[unit].total
    return (ClassInfo(DARK, unit, DARK, "", EXCURSION, "", None, lanes, 0, 0, 0, "user"),)


def _directory(
    scenario: Scenario, rows: list[Row], pools, wear: Wear, lit: bool, supply
) -> Directory:
    """Names, and how long the lists of a replica will be on average (the bounds grow if it is more)."""
    hours = scenario.mission_hours + scenario.run_in_hours

    def failures(row: Row) -> float:
        if row.latent:
            return latent_failures(supply, row, hours)
        assert not isinstance(row.lifetime, FirstLatent), "a life of latent defects"
        most = 50.0 if row.fails else math.inf
        return row.places["home"].size * min(hours / mean_hours(row.lifetime), most)

    swaps = [
        row
        for row in rows
        if row.rule.when == "failed" or not row.counting or fatal(scenario, row.unit, row.component)
    ]
    bring = 0.0 if supply is None else renewing_share(supply, most_groups(supply, rows))
    wearing = [row for row in rows if not isinstance(row.lifetime, Exponential)]
    # A swap of parts that may have a defect starts a clock when they have one.
    some = [defective_prob(row) if row.latent == "part" else 1.0 for row in wearing]
    chances = np.minimum(1.0, bring + np.array(some) @ np.asarray(wear.copies))
    return Directory(
        classes=tuple(_info(scenario, row) for row in rows),
        steady=_steady(scenario, lit),
        pools=pools,
        expected_outages=math.fsum(failures(row) * mean_hours(row.repair) / hours for row in swaps),
        expected_latents=math.fsum(
            failures(row) for row in rows if row.counting and row.rule.when != "failed"
        ),
        expected_renewals=math.fsum(
            failures(row) * chance for row, chance in zip(rows, chances, strict=True)
        ),
        packages=0 if supply is None else started(supply, sum(map(failures, rows))),
    )
