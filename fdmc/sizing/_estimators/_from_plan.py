"""The separable part of a machine as a capacity problem: a screen, before anything is simulated."""

import dataclasses
from typing import Any

import numpy as np

from ...lifetime import LOG_HAZARD_START, LOG_HAZARD_STEP
from ...plan import COMPUTE, EXCURSION, LINK, PLANE, SCHEDULED, Directory, Plan
from ._problem import CapacityGroup, CapacityProblem, Law


@dataclasses.dataclass(frozen=True)
class Screen:
    """A capacity problem made from a plan, and what it leaves out: class by class, with the reason."""

    problem: CapacityProblem
    left_out: dict[str, str]


def from_plan(plan: Plan, directory: Directory) -> Screen:
    """Return expected lost capacity as a sum over the groups of a machine, in the long run.

    **Arguments:** what `fdmc.plan.lower` returns.

    **Returns:** one group for each class of components that is repaired when it fails, or for those that share the
    elements of a counting group. An element is down for its mean repair time; `capacity` is what all copies
    together are worth, as a share of the machine's compute or lanes; where a repair takes a unit out, that counts.
    Classes are kept apart: losses add up, which is exact to first order in them. Waiting for technicians and
    spares, checkpoints and restarts are not in it. `left_out` has the classes whose loss is not a sum of this
    kind.

    **Raises:** `ValueError` when no class is left.

    !!! example

        ```python
        import fdmc
        from fdmc.plan import lower
        from fdmc.sizing import ExactAutodiff, capacity_gradient, from_plan

        screen = from_plan(*lower(fdmc.load("nvl72-copper")))
        slopes = capacity_gradient(screen.problem, ExactAutodiff())
        assert 0 < slopes.lost.best < 0.1
        ```
    """
    classes = plan.classes
    left_out: dict[str, str] = {}
    merged: dict[tuple, list[int]] = {}
    for i, info in enumerate(directory.classes):
        why = _unfit(plan, i, info.fru)
        if why:
            left_out[info.name] = why
            continue
        rows = _rows(plan, i)
        group = plan.places.group[rows]
        key = ("one", i) if not classes.counting[i] else (int(group[0]), len(np.unique(group)))
        merged.setdefault(key, []).append(i)
    for info in directory.steady:
        left_out[info.name] = "dark all the time: nothing fails"
    if not merged:
        raise ValueError(f"No class of this plan is a sum over groups: {left_out}.")
    groups = [_group(plan, directory, members) for members in merged.values()]
    return Screen(CapacityProblem(groups, law=Law.REPAIRED), left_out)


def _unfit(plan: Plan, i: int, fru: str) -> str:
    """Why a class is no sum over groups in the long run; empty when it is."""
    c = plan.classes
    if fru in (EXCURSION, SCHEDULED):
        return f"{fru}: it is no failure"
    kinds = set((plan.places.reach[_rows(plan, i)] >> 24).tolist())
    if max(kinds, default=0) > 15:  # the bits above are a direction
        return "it takes what lanes send or receive, whose worth is no share of all lanes"
    if not kinds <= {COMPUTE, LINK, PLANE}:
        return "it takes lanes between levels, whose worth is no share of all lanes"
    if i >= len(c.positions) - plan.wearing:
        return "it wears: its rate follows its age"
    if c.structure[i] >= 0:
        return "a structure: its copies are no equal elements"
    if c.counting[i] and not c.when_failed[i]:
        return "repaired when the group is short: its failures wait for each other"
    return ""


def _rows(plan: Plan, i: int) -> slice:
    first = int(plan.classes.first[i])
    return slice(first, first + int(plan.classes.positions[i]))


def _group(plan: Plan, directory: Directory, members: list[int]) -> CapacityGroup:
    c, p = plan.classes, plan.places
    i = members[0]
    rows = _rows(plan, i)
    elements = groups = int(c.positions[i])
    if c.counting[i]:
        elements, groups = len(np.unique(p.element[rows])), len(np.unique(p.group[rows]))
    copies = np.array([int(c.positions[j]) / elements for j in members])
    rates = copies / np.array([float(c.mean_hours[j]) for j in members])
    hours = np.array([_repair_hours(plan, j) for j in members])
    count = elements // groups
    need = count - int(c.spares[i])
    worth = _share(plan, p.span[rows], p.reach[rows]) * float(c.share[i]) * need
    out = float(
        np.mean(
            np.where(
                p.out_reach[rows] >= 0, _shares(plan, p.out_span[rows], p.out_reach[rows]), 0.0
            )
        )
    )
    if out:  # whoever fails takes the unit out: no spare helps
        worth, need = max(worth, out) if count == 1 else out * count, count
    return CapacityGroup(
        "+".join(directory.classes[j].name for j in members),
        count, need, float(rates.sum()), float(rates @ hours / rates.sum()), worth * groups,
    )  # fmt: skip


def _share(plan: Plan, span, reach) -> float:
    return float(np.mean(_shares(plan, span, reach)))


def _shares(plan: Plan, span: Any, reach: Any) -> np.ndarray:
    """Return the shares of the machine's compute, or of its lanes, that places fail (`Places` has the packing)."""
    accelerators = ((span & 0xFFFF) - (span >> 16)) / plan.accelerators
    kind, parts = reach >> 24, (reach & 0xFFF) - (reach >> 12 & 0xFFF)
    of = np.where(kind == PLANE, plan.planes, len(plan.segment_planes))
    return accelerators * np.where(kind == COMPUTE, 1.0, parts / of)


def _repair_hours(plan: Plan, i: int) -> float:
    """Return the mean repair time of a class; of a tabled law, the mean of its quantiles over log hazards."""
    c = plan.classes
    if c.repair_kind[i] != 2:
        return float(c.repair_hours[i])
    log_hours = np.asarray(plan.quantiles.log_hours[int(c.repair_table[i])], float)
    hazard = np.exp(LOG_HAZARD_START + LOG_HAZARD_STEP * np.arange(len(log_hours)))
    return float(np.sum(np.exp(log_hours) * hazard * np.exp(-hazard)) * LOG_HAZARD_STEP)
