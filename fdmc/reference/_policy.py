"""Who works: all that live, hot spares for those that do not, blocks that drop out or go on with fewer."""

import dataclasses
import operator

from ..spec import Collective
from ._capacity import Capacities
from ._machine import Machine


_STEPS = 4096  # of the quality by which accelerators are chosen


@dataclasses.dataclass(frozen=True)
class Choice:
    """The accelerators that may work, and what their work is worth.

    `used` of them are in whole slices. They do the share `share` of the healthy job's work a step, at this `pace` of
    their compute; `blocks` data replicas take part. With hot spares `whole` are those at work that have lost nothing,
    `touched` all accelerators that have lost something, or are parked with one, and `live` ones could work.
    """

    available: frozenset[int]
    used: int
    share: float
    pace: float = 1.0
    blocks: int = 0
    whole: frozenset[int] = frozenset()
    touched: frozenset[int] = frozenset()
    live: int = 0


def choose(machine: Machine, state: Capacities, groups: list[list[int]]) -> Choice:
    """Choose among parking units that are fit to work (accelerators, where nothing is parked)."""
    workload, policy = machine.scenario.workload, machine.scenario.fabric.policy
    fit = [i for group in groups for i in group]
    if policy.kind in ("elastic", "non_uniform"):
        return _blocks(machine, set(fit))
    each = len(groups[0]) if groups else 1
    if workload.uses is None:
        used = len(groups) // workload.slice * workload.slice * each
        return Choice(frozenset(fit), used, used / len(machine.accelerators))
    order = sorted(fit) if policy.kind == "park" else _best_first(state, fit)
    chosen = order[: workload.uses]
    together = workload.slice * (each if policy.kind == "park" else 1)
    used = len(chosen) // together * together
    touched = {i for i in range(len(state.compute)) if _touched(state, i)}
    if policy.kind == "park":
        touched = set(range(len(state.compute))) - set(fit)
    return Choice(
        frozenset(chosen),
        used,
        used / workload.uses,
        whole=frozenset(chosen) - touched,
        touched=frozenset(touched),
        live=len(fit),
    )


def restarts(before: Choice, after: Choice, uses: int | None) -> bool:
    """Whether the job restarts when the one choice takes the place of the other, because something has failed.

    With hot spares it does when fewer work, or when one that had lost nothing is hit and the accelerators in use are
    chosen anew: when more live than it uses, or one has died.
    """
    if uses is None:
        return bool(before.available - after.available)
    if len(after.available) < len(before.available):
        return True
    return bool(before.whole & after.touched) and (after.live > uses or after.live < before.live)


def _touched(state: Capacities, i: int) -> bool:
    return state.compute[i] < 1 or any(x < 1 for x in state.links[i])


def _best_first(state: Capacities, fit: list[int]) -> list[int]:
    healthy = sum(state.planes)

    def rank(i: int) -> tuple[bool, int, int]:
        lanes = sum(map(operator.mul, state.links[i], state.planes))
        quality = state.compute[i] * lanes / healthy if healthy else 0.0
        return _touched(state, i), -round(quality * _STEPS), i

    return sorted(fit, key=rank)


def _blocks(machine: Machine, fit: set[int]) -> Choice:
    """Data replicas are equal blocks of consecutive accelerators, and tensor groups those of a block."""
    parallel, policy = machine.scenario.workload.parallel, machine.scenario.fabric.policy
    assert parallel is not None
    n = len(machine.accelerators)
    size = n // parallel.data
    step = size if policy.kind == "elastic" else parallel.tensor
    paces, available = [], set()
    for start in range(0, n, size):
        parts = [range(g, g + step) for g in range(start, start + size, step)]
        left = [sum(i in fit for i in part) / step for part in parts]
        if min(left) < 1 if policy.kind == "elastic" else min(left) == 0:
            continue
        paces.append(min(left))
        available |= {i for part in parts for i in part if i in fit}
    if not paces:
        return Choice(frozenset(), 0, 0.0)
    share, pace = sum(paces) / parallel.data, 1.0
    if policy.batch == "equal":
        share, pace = len(paces) / parallel.data, min(paces)
    return Choice(frozenset(available), len(available), share, pace, len(paces))


def members(machine: Machine, each: Collective, choice: Choice) -> int:
    """Accelerators that take part in one collective of a group."""
    workload = machine.scenario.workload
    if each.group is None or workload.parallel is None:
        return choice.used
    if each.group == "data" and choice.blocks:
        return choice.blocks
    job = workload.uses or len(machine.accelerators)
    return min(choice.used, workload.parallel.size(each.group, job))


def across(machine: Machine, each: Collective, many: int) -> float:
    """Seconds that the collective of a data group takes between domains: a ring over as many as there are."""
    workload = machine.scenario.workload
    if each.group != "data" or workload.scale_out_gbps is None:
        return 0.0
    domains = workload.domains or 1
    piece = (
        each.size_bytes / many / domains
    )  # a ring passes so much on, to every other domain in turn
    rounds = (domains - 1) * (2 if each.op == "all_reduce" else 1)
    return rounds * piece / (workload.scale_out_gbps * 1e9 / 8)
