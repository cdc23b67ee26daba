"""A dynamic fault tree for the kernels: what is static (hashable), and the numbers (arrays)."""

import dataclasses
import enum
from collections.abc import Iterable

import equinox as eqx
import numpy as np
from jaxtyping import Float

from ...lifetime import quantile_table
from ...logic import DynamicKind, DynamicStructure, Law, Lifetime
from ...plan import AnyArray, Quantiles
from ...spec import Gamma


class Sampler(enum.IntEnum):
    """How an age comes from a unit exponential."""

    NEVER = 0
    EXPONENTIAL = 1
    WEIBULL = 2
    LOGNORMAL = 3
    TABLE = 4
    FIXED = 5


@dataclasses.dataclass(frozen=True)
class Spare:
    """A spare gate: its arguments, and for each of them the number of the module that it activates."""

    gate: int
    arguments: tuple[int, ...]
    modules: tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class DynamicShape:
    """What cannot change without compiling again; elements are numbered as in `DynamicStructure`.

    `rows` are (trigger, dependent, certain) and `renewals` (trigger, dependent), in the order in which they act.
    `homes[element]` are the modules that an event or a spare gate is in;
    () for those active from the start. `watched` are the events whose failure a restriction may forbid.
    """

    events: int
    top: int
    kinds: tuple[DynamicKind, ...]
    needs: tuple[int, ...]
    arguments: tuple[tuple[int, ...], ...]
    spares: tuple[Spare, ...]
    modules: int
    homes: tuple[tuple[int, ...], ...]
    rows: tuple[tuple[int, int, bool], ...]
    renewals: tuple[tuple[int, int], ...]
    sequences: tuple[tuple[int, ...], ...]
    mutexes: tuple[tuple[int, ...], ...]
    inspections: tuple[tuple[tuple[int, ...], int], ...]
    lifetimes: tuple[Sampler, ...]
    repairs: tuple[Sampler | None, ...]
    start: int
    watched: tuple[int, ...]

    @property
    def repairable(self) -> bool:
        """True when a failed element can come back."""
        return any(r is not None for r in self.repairs) or bool(self.inspections)

    @property
    def absolute(self) -> bool:
        """True when ages can be kept as times of failure: nothing comes back and nothing is forbidden."""
        return not (self.repairable or self.watched)

    def above(self, elements: Iterable[int]) -> frozenset[int]:
        """The gates (elements) above some elements, whose state may change with theirs."""
        found = set(elements)
        spares = {spare.gate for spare in self.spares}
        args = [a for spare in self.spares for a in spare.arguments]
        shared = len(set(args)) < len(args)
        if self.repairable and shared:
            found |= spares  # what one gives back in one instant another claims in the next
        for gate, args in enumerate(self.arguments, self.events):
            # What one spare gate claims another cannot.
            if found & set(args) or (shared and gate in spares and found & spares):
                found.add(gate)
        return frozenset(e for e in found if e >= self.events)


class Ages(eqx.Module):
    """The numbers of laws, one row an event; `scale` is a mean, scale, median or fixed time, in hours."""

    scale: Float[AnyArray, " events"]
    power: Float[AnyArray, " events"]  # 1 / Weibull shape, or lognormal sigma
    start: Float[AnyArray, " events"]  # hours before which nothing happens


class DynamicNumbers(eqx.Module):
    """Every number of the tree: leaves that a sweep may change without compiling again."""

    lifetimes: Ages
    repairs: Ages
    tables: Quantiles
    dormancy: Float[AnyArray, " events"]
    row_prob: Float[AnyArray, " rows"]
    stage_hours: Float[AnyArray, " inspections"]


def dynamic_plan(structure: DynamicStructure) -> tuple[DynamicShape, DynamicNumbers]:
    """Split a structure into what is compiled and its numbers.

    **Raises:** ValueError for a tree without gates to ask.
    """
    s = structure
    events = len(s.events)
    arguments = tuple(tuple(s.arguments(g).tolist()) for g in range(len(s.gates)))
    spares, homes, modules = _spares(s, arguments)
    gammas: list[Gamma] = []
    lifetimes = [_ages(law, gammas) for law in s.lifetimes]
    repairs = [_ages(law, gammas) for law in s.repairs]
    certain = (s.dependency_prob == 1).tolist()
    restricted = {e for group in (*s.sequences, *s.mutexes) for e in group}
    watched = _below(restricted, arguments, events)
    shape = DynamicShape(
        events=events,
        top=int(s.top),
        kinds=tuple(DynamicKind(k) for k in s.kind.tolist()),
        needs=tuple(s.need.tolist()),
        arguments=arguments,
        spares=spares,
        modules=modules,
        homes=homes,
        rows=tuple(zip(s.trigger.tolist(), s.dependent.tolist(), certain, strict=True)),
        renewals=tuple(
            zip(s.repair_trigger.tolist(), s.repair_dependent.tolist(), strict=True)
        ),
        sequences=s.sequences,
        mutexes=s.mutexes,
        inspections=tuple((i.members, i.phases) for i in s.inspections),
        lifetimes=tuple(row[0] for row in lifetimes),
        repairs=tuple(
            row[0] if law is not None else None
            for row, law in zip(repairs, s.repairs, strict=True)
        ),
        start=int(s.start),
        watched=tuple(sorted(watched)),
    )  # fmt: skip
    values, slopes = quantile_table(gammas or [Gamma(1.0, 1.0)])
    f32 = lambda x: np.asarray(x, np.float32)
    numbers = DynamicNumbers(
        _columns(lifetimes), _columns(repairs), Quantiles(values, slopes), f32(s.dormancy),
        f32(s.dependency_prob), f32([1 / i.rate if i.rate > 0 else np.inf for i in s.inspections]),
    )  # fmt: skip
    return shape, numbers


def _columns(rows: list[tuple[Sampler, float, float, float]]) -> Ages:
    return Ages(*(np.array([row[j] for row in rows], np.float32) for j in (1, 2, 3)))


def _ages(law: Lifetime | None, gammas: list[Gamma]) -> tuple[Sampler, float, float, float]:
    """(sampler, scale, power, start); a gamma law's `power` is the number of its table."""
    never = (Sampler.NEVER, np.inf, 1.0, 0.0)
    if law is None:
        return never
    p = law.parameters
    match law.law:
        case Law.EXPONENTIAL:
            return (Sampler.EXPONENTIAL, 1 / p[0], 1.0, 0.0) if p[0] > 0 else never
        case Law.WEIBULL if p[1] == 1 and p[2] == 0:
            return (Sampler.EXPONENTIAL, p[0], 1.0, 0.0)
        case Law.WEIBULL:
            return (Sampler.WEIBULL, p[0], 1 / p[1], p[2])
        case Law.LOGNORMAL:
            return (Sampler.LOGNORMAL, p[0], p[1], 0.0)
        case Law.FIXED:
            return (Sampler.FIXED, p[0], 1.0, 0.0)
        case Law.ERLANG | Law.GAMMA:
            shape, scale = (p[0], 1 / p[1]) if law.law == Law.ERLANG else p
            if shape == 1:
                return (Sampler.EXPONENTIAL, scale, 1.0, 0.0)
            unit = Gamma(shape, 1.0)
            if unit not in gammas:
                gammas.append(unit)
            return (Sampler.TABLE, scale, float(gammas.index(unit)), 0.0)
    return never  # a constant probability fails through the event `start`


def _spares(s: DynamicStructure, arguments):
    """The spare gates, the modules of every element, and the number of modules."""
    numbers: dict[int, int] = {}
    homes: list[list[int]] = [[] for _ in range(len(s.events) + len(s.gates))]
    spares = []
    for g, args in enumerate(arguments):
        if s.kind[g] != DynamicKind.SPARE:
            continue
        for place, arg in enumerate(args):
            if arg in numbers:
                continue
            numbers[arg] = len(numbers)
            for element in s.modules[int(s.offset[g]) + place]:
                if not s.active[element]:
                    homes[element].append(numbers[arg])
        spares.append(Spare(len(s.events) + g, args, tuple(numbers[a] for a in args)))
    return tuple(spares), tuple(tuple(h) for h in homes), len(numbers)


def _below(elements: set[int], arguments, events: int) -> set[int]:
    """The events at or under some elements."""
    found, work = set(), list(elements)
    while work:
        element = work.pop()
        if element not in found:
            found.add(element)
            work += arguments[element - events] if element >= events else ()
    return {e for e in found if e < events}
