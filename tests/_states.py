"""Random states of a machine, of the kernel and of the reference.

Slots are made by hand from the plan's rows, as the contract says: outside a counting group a
failure takes its share; of a group the first failure carries what the group lacks; a repair takes
`takes_out` whole.
"""

import functools
import random

import jax
import numpy as np

from fdmc import reference
from fdmc.kernel._domain import domain, unpack


RTOL = 2e-5  # float32: a few hundred roundings
SLOTS = 6


def a_state(machine: reference.Machine, rng: random.Random, most: int) -> list[reference.Part]:
    """One to `most` failed parts; mates in a counting group fail more often than chance has it."""
    classes = sorted({part.name for part in machine.parts})
    failed: list[reference.Part] = []
    for _ in range(rng.randint(1, most)):
        name = rng.choice(classes)
        found = [part for part in machine.parts if part.name == name and part not in failed]
        if failed and rng.random() < 0.5:
            near = [part for part in machine.parts if part.counting is failed[-1].counting]
            same = [part for part in near if part.counting is not None and part not in failed]
            found = same or found
        if found:
            failed.append(rng.choice(found))
    return failed


def slots_of(machine, plan, directory, failed, out):
    """Pack the failed parts as the kernel keeps them: (active, span, reach, loss) of every slot."""
    c, p = plan.classes, plan.places
    names = [info.name for info in directory.classes]
    groups, rows = {}, []
    for part in failed:
        k = names.index(part.name)
        row = int(c.first[k]) + part.number
        loss = float(c.share[k])
        if c.counting[k]:
            mates = groups.setdefault(id(part.counting), [])
            first = not mates
            mates.append(part)
            elements = {id(x.element) for x in failed if x.counting is part.counting}
            lacks = (len(elements) - float(c.spares[k])) * float(c.share[k])
            loss = float(np.clip(lacks, 0, plan.most)) if first else 0.0
        if part in out and p.out_reach[row] >= 0:
            rows.append((True, p.out_span[row], p.out_reach[row], 1.0))
        else:
            rows.append((True, p.span[row], p.reach[row], loss))
    return rows + [(False, 0, 0, 0.0)] * (SLOTS - len(rows))


@functools.cache
def jitted():
    return jax.jit(lambda plan, *packed: domain(plan, unpack(*packed)))


def packed(slots):
    """Pack one state a lane; `slots` are lists of (active, span, reach, loss)."""
    fields = np.array(slots, float).T  # field, slot, lane
    kinds = (bool, np.int32, np.int32, np.float32)
    return [x.astype(kind) for x, kind in zip(fields, kinds, strict=True)]


def state_of(plan, slots):
    """Evaluate one state a lane."""
    return jax.tree.map(np.asarray, jitted()(plan, *packed(slots)))


def walk(plan, directory, machine, seed, count, few=3, repaired=0.3, first=()):
    """Return so many random states: the work that the reference finds, and the kernel's answer, one state a lane.

    Every other state has at most `few` failures; `repaired` is the chance that one which takes something out is
    under repair; `first` are the failed parts of the first state.
    """
    rng, rules = random.Random(seed), machine.rules
    expected, slots = [], []
    for number in range(count):
        failed = a_state(machine, rng, SLOTS if number % 2 else few)
        if number == 0 and first:
            failed = list(first)
        out = {part for part in failed if rules[part.name].takes_out and rng.random() < repaired}
        units = [rules[part.name].out(part) for part in out]
        state = reference.capacities(machine, failed, [u for u in units if u is not None])
        expected.append(reference.work(machine, state))
        slots.append(slots_of(machine, plan, directory, failed, out))
    return expected, state_of(plan, slots)


def assert_states_alike(plan, expected, got):
    """Assert what every job has to agree on; return which states run."""
    np.testing.assert_array_equal(got.available, [len(work.available) for work in expected])
    running = np.array([work.rate > 0 for work in expected])
    np.testing.assert_array_equal(got.rate > 0, running)
    np.testing.assert_allclose(got.rate, [work.rate for work in expected], rtol=RTOL, atol=1e-7)
    np.testing.assert_array_equal(got.exact, [work.exact or work.rate == 0 for work in expected])
    ops = [op for op, _ in plan.collectives]
    for j, op in enumerate(ops):
        if ops.count(op) > 1:
            continue  # the reference adds them up
        want = np.array([work.efficiency.get(op, 0.0) for work in expected])
        # Nobody asks for the efficiency while nothing runs.
        np.testing.assert_allclose(got.efficiency[j][running], want[running], rtol=RTOL)
    return running
