"""Lowering for missions without repair: independent sources of loss and the levels that they reach."""

import dataclasses

import equinox as eqx
import numpy as np
from jaxtyping import Float, Int, UInt32

from ..lifetime import (
    Exposed,
    Exposure,
    Spared,
    Structured,
    cumulative_hazard,
    quantile_table,
)
from ..spec import Exponential, Law, Scenario, Weibull
from ._ageing import ageing, exposures_of, lifetime_of
from ._arrays import AnyArray, Quantiles
from ._direction import counted_apart
from ._effects import PlanError
from ._plan import Exposures
from ._streams import stream
from ._structures import Gates, gates_of


_Life = tuple[Law | Exposed, Exposure | None]


@dataclasses.dataclass(frozen=True)
class Source:
    """Equal groups of elements; the first of them to lose something reaches these levels.

    `law` holds on the clock of `exposure` (None: the wall's), or holds clocks of its own (`Exposed`).
    """

    name: str
    law: Spared | Structured
    levels: frozenset[str]
    exposure: Exposure | None

    def hazard(self, hours):
        """Return the cumulative hazard of the first loss, any shape."""
        exposure = self.exposure
        return cumulative_hazard(self.law, hours if exposure is None else exposure.reached(hours))


class MissionPlan(eqx.Module):
    """One row a source. `power` and `scale_hours` are the element's Weibull law, where it has one.

    `reaches[level, source]`; `groups` holds the tables of whole sources, `elements` of one element. A unit with a
    structure is a source of unlike elements: copy `j` has row `parts[source][j]` of `elements`.
    """

    power: Float[AnyArray, " sources"]
    scale_hours: Float[AnyArray, " sources"]
    groups: Quantiles
    elements: Quantiles
    reaches: Int[AnyArray, "levels sources"]
    streams: UInt32[AnyArray, " sources"]
    edges_hours: Float[AnyArray, " edges"]
    exposures: Exposures  # one row a source

    shapes: tuple[tuple[int, int, int], ...] = eqx.field(static=True)  # count, spares, copies
    weibull: tuple[bool, ...] = eqx.field(static=True)
    gates: tuple[Gates, ...] = eqx.field(static=True)  # of the structure, none for equal elements
    parts: tuple[tuple[int, ...], ...] = eqx.field(static=True)


def sources_of(scenario: Scenario) -> list[Source]:
    """Return the independent sources of first losses (`docs/model.md`, sections 1 and 2)."""
    tree, found = scenario.tree, []
    for name, node in tree.nodes.items():
        counted = next((u for u in tree.ancestors(name) if tree.nodes[u].need is not None), None)
        levels = _reached(scenario, name)
        if scenario.units[name].structure is not None:
            law, exposure = _structured_law(scenario, name, node.total)
            found.append(Source(f"{name} structure", law, levels, exposure))
            continue
        for component, group in scenario.units[name].components.items():
            life, clock = lifetime_of(ageing(scenario, name, component))
            if counted is None:
                count, spares, copies = (
                    (group.count, group.spares, node.total)
                    if group.need
                    else (1, 0, node.total * group.count)
                )
                law = Spared(life, count, spares, copies)
                found.append(Source(f"{name}/{component}", law, levels, clock))
        if node.need is not None and node.parent is not None:
            parent = tree.nodes[node.parent]
            above = _reached(scenario, node.parent)
            ways = ("send", "receive") if counted_apart(scenario, name) else (None,)
            for way in ways:
                element, exposure = _element_law(scenario, name, way)
                short = Spared(element, node.count, node.count - node.need, parent.total)
                said = f"{name} short" if way is None else f"{name} short ({way})"
                found.append(Source(said, short, above, exposure))
            element, exposure = _element_law(scenario, name)
            inside, first = frozenset(tree.below(name)), Spared(element, 1, 0, node.total)
            found.append(Source(f"{name} first", first, inside, exposure))
    return found


def _structured_law(
    scenario: Scenario, unit: str, copies: int
) -> tuple[Structured, Exposure | None]:
    """Return the law of the loss of a unit with a structure, and the clock that it holds on."""
    body = scenario.units[unit]
    assert body.structure is not None
    lives = [
        lifetime_of(ageing(scenario, unit, component))
        for component, group in body.components.items()
        for _ in range(group.count)
    ]
    laws, exposure = _together(lives)
    return Structured(body.structure, laws, copies), exposure


def _element_law(
    scenario: Scenario, unit: str, way: str | None = None
) -> tuple[Law | Exposed, Exposure | None]:
    """Return the law of an element, the first failure of any component in it (of one direction), and its clock."""
    tree = scenario.tree
    lives = []
    for name in tree.below(unit):
        for component, group in scenario.units[name].components.items():
            if way is not None and scenario.components[component].direction != way:
                continue
            copies = tree.per(unit, name) * group.count
            lives += list(ageing(scenario, name, component)) * copies
    return lifetime_of(tuple(lives))


def _together(lives: list[_Life]) -> tuple[tuple[Law | Exposed, ...], Exposure | None]:
    """Return the laws on the one clock that all share, or each on a clock of its own."""
    exposure = lives[0][1]
    if all(clock == exposure for _, clock in lives):
        return tuple(law for law, _ in lives), exposure
    alone = lambda law, clock: law if isinstance(law, Exposed) else Exposed((law,), (clock,))
    return tuple(alone(*life) for life in lives), None


def _reached(scenario: Scenario, unit: str) -> frozenset[str]:
    """Return the templates that lose something with a unit: those above it, and those that it feeds."""
    reached: set[str] = set()
    for name in scenario.tree.ancestors(unit):
        reached.add(name)
        target = scenario.units[name].feeds
        if target:
            reached |= set(scenario.tree.ancestors(target))
    return frozenset(reached)


def level_hazards(scenario: Scenario, hours) -> dict[str, np.ndarray]:
    """Return the exact cumulative hazard of the first loss on each level: sources are independent."""
    total: dict[str, np.ndarray] = {
        name: np.zeros_like(np.asarray(hours, float)) for name in ("domain", *scenario.tree.nodes)
    }
    for source in sources_of(scenario):
        hazard = source.hazard(hours)
        for level in source.levels:
            total[level] = np.asarray(total[level] + hazard)
    total["domain"] = total[scenario.tree.root]
    return total


def lower_mission(scenario: Scenario, edges: int) -> tuple[MissionPlan, tuple[str, ...]]:
    """Return the plan of a mission with `edges` points in time, and the names of its levels.

    **Raises:** `PlanError` when the parts of one group age on different clocks.
    """
    sources = sources_of(scenario)
    for source in sources:
        inside = source.law.laws if isinstance(source.law, Structured) else (source.law.element,)
        if any(isinstance(law, Exposed) for law in inside):
            raise PlanError(
                f"'{source.name}': its parts follow the environment differently, and the first loss of such a "
                "group is not sampled; its exact probability is in `fdmc show`, and `fdmc run` simulates it."
            )
    levels = tuple(scenario.tree.nodes)
    # Elements of structures, which are unlike, have rows after those of the sources.
    simple = [s.law.element if isinstance(s.law, Spared) else s.law.laws[0] for s in sources]
    kinds = [
        isinstance(s.law, Spared) and isinstance(law, Exponential | Weibull)
        for s, law in zip(sources, simple, strict=True)
    ]
    power = [1 / law.shape if isinstance(law, Weibull) else 1.0 for law in simple]
    scale = [
        law.scale_hours if isinstance(law, Weibull) else getattr(law, "mean_hours", 1.0)
        for law in simple
    ]
    extra = tuple(dict.fromkeys(law for s in sources for law in _parts(s)))
    rows = {law: len(sources) + i for i, law in enumerate(extra)}
    plan = MissionPlan(
        power=np.array(power, np.float32),
        scale_hours=np.array(scale, np.float32),
        groups=Quantiles(*quantile_table([s.law for s in sources])),
        elements=Quantiles(*quantile_table([*simple, *extra])),
        reaches=np.array([[lv in s.levels for s in sources] for lv in levels], np.int32),
        streams=np.array([stream(s.name) for s in sources], np.uint32),
        edges_hours=np.asarray(scenario.mission_hours * (1 + np.arange(edges)) / edges, np.float32),
        exposures=exposures_of([source.exposure for source in sources]),
        shapes=tuple(map(_shape, sources)),
        weibull=tuple(kinds),
        gates=tuple(
            gates_of(s.law.structure) if isinstance(s.law, Structured) else () for s in sources
        ),
        parts=tuple(tuple(rows[law] for law in _parts(s)) for s in sources),
    )
    return plan, levels


def _parts(source: Source) -> tuple[Law | Exposed, ...]:
    """Return the laws of the elements of a structure; none for equal elements."""
    return source.law.laws if isinstance(source.law, Structured) else ()


def _shape(source: Source) -> tuple[int, int, int]:
    """Return how many elements a group has, how many of them are spare, and how many groups there are."""
    law = source.law
    if isinstance(law, Structured):
        return len(law.laws), 0, law.copies
    return law.count, law.spares, law.copies
